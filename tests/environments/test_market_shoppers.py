"""Scripted shoppers do what they say in both flows, are never illegal, and have the known answers of their rules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sandbox_env_market import Shop, ShopConfig
from sandbox_env_market.catalogue import CATEGORIES
from sandbox_env_market.clicker import Clicker, ClickerConfig
from sandbox_env_market.gestures import offered
from sandbox_env_market.moves import Buy, ClickXY, Scroll, Search, Type
from sandbox_env_market.oracle import Oracle
from sandbox_env_market.page import Tile
from sandbox_env_market.shelves import MORE
from sandbox_env_market.shoppers import (
    PUBLISHED,
    BestRated,
    ByPosition,
    Cheapest,
    LogitConfig,
    LogitShopper,
    PlaceConfig,
    features,
    needed,
)
from scipy import stats

from sandbox.agent import Agent, NoConfig, Picture, Turn, changed
from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Move
from sandbox.play import Play

SHOP = Shop()
SHOPPERS: dict[str, Callable[[], Agent[Any]]] = {
    "cheapest": partial(Cheapest, NoConfig()),
    "best_rated": partial(BestRated, NoConfig()),
    "by_position": partial(ByPosition, PlaceConfig(place=3)),
    "logit": partial(LogitShopper, LogitConfig()),
    "oracle": partial(Oracle, NoConfig()),
    "clicker": partial(Clicker, ClickerConfig()),
}
SHOPS: dict[str, dict[str, Any]] = {
    "direct": {"suite": "choice_behavior"},
    "direct without pages": {"views": 0},
    "cart": {"flow": "cart"},
    "cart without pages": {"flow": "cart", "views": 0, "suite": "price"},
    "catalogue": {"flow": "cart", "goods": "catalogue", "size": 300},
}


def visit(shopper: Agent[Any], config: ShopConfig, item: Any, seed: int = 0) -> tuple[dict[str, Any], list[Move]]:
    """What came of a visit, and the moves; an illegal one fails."""
    play = Play(SHOP, config, item, seed)
    play.settle()
    said: list[Move] = []
    while play.to_move():
        turn = play.turn("buyer", len(said), episode=f"{item.id}/{seed}", privileged=shopper.privileged)
        answer = shopper.act(turn)
        assert isinstance(answer, Move)
        legal = play.read(turn.menu, answer)
        assert not isinstance(legal, InvalidAction), legal.message
        said.append(legal)
        play.apply({"buyer": legal})
    return play.facts(), said


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("name", SHOPPERS)
def test_a_shopper_buys_one_product_by_legal_moves_in_either_flow(name: str, shop: str) -> None:
    config = ShopConfig.model_validate({"items": 3, **SHOPS[shop]})
    for item in SHOP.items(config):
        facts, said = visit(SHOPPERS[name](), config, item)
        bought = facts["bought"] if isinstance(facts["bought"], list) else [facts["bought"]]
        assert len(bought) == 1
        kinds = [str(move.model_dump()["kind"]) for move in said]
        assert kinds[-1] == ("finish" if config.flow == "cart" else "buy")
        if config.flow == "cart" and name != "oracle":
            assert kinds[-5:] == ["add", "cart", "checkout", "confirm", "finish"]


@pytest.mark.parametrize("shop", SHOPS)
def test_the_oracle_regrets_nothing_on_any_terms(shop: str) -> None:
    config = ShopConfig.model_validate({"items": 4, **SHOPS[shop]})
    for item in SHOP.items(config):
        facts, _ = visit(Oracle(NoConfig()), config, item)
        assert facts["regret"] == 0


def test_the_oracle_leaves_where_nothing_is_worth_its_price() -> None:
    config = ShopConfig(items=1)
    item = SHOP.items(config)[0]
    poor = item.model_copy(update={"buyer": item.buyer.model_copy(update={"value": -10_000_000})})
    for flow in ("direct", "cart"):
        facts, said = visit(Oracle(NoConfig()), config.model_copy(update={"flow": flow}), poor)
        assert (facts["utility"], facts["regret"], str(said[-1])) == (0, 0, "kind='leave'")


def test_the_cheapest_never_fails_where_price_alone_differs_and_the_best_rated_where_rating_does() -> None:
    for suite, shopper in (("price", Cheapest), ("rating", BestRated)):
        config = ShopConfig.model_validate({"suite": suite, "items": 60})
        for item in SHOP.items(config):
            facts, _ = visit(shopper(NoConfig()), config, item)
            assert [facts["bought"]] == facts["right"]


@pytest.mark.slow
def test_a_buyer_by_lot_has_no_effect_of_place_and_a_buyer_by_place_no_other() -> None:
    """ACES' sanity checks: 400 trials of nature's places."""
    config = ShopConfig(suite="market_share", items=400, views=0)
    lot = partial(LogitShopper, LogitConfig(preset="none"))
    places, products = Counter[int](), Counter[int]()
    for item in SHOP.items(config):
        facts, _ = visit(lot(), config, item)
        places[facts["position"]] += 1
        facts, _ = visit(ByPosition(PlaceConfig(place=5)), config, item)
        assert facts["position"] == 5
        products[[product.id for product in item.products].index(facts["bought"])] += 1
    assert stats.chisquare([places[i] for i in range(8)]).pvalue > 0.01
    assert stats.chisquare([products[i] for i in range(8)]).pvalue > 0.01


def chances(shopper: LogitShopper, tiles: list[Tile], draws: int = 1500) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Observed shares of the tiles over many draws of the shopper's own."""
    turn = Play(SHOP, ShopConfig(), SHOP.items(ShopConfig(items=1))[0], 0).turn("buyer", 0)
    page = turn.observation.page.model_copy(update={"products": tuple(tiles)})
    picked = Counter(shopper.pick(changed(turn, episode=str(number)), page, tiles) for number in range(draws))
    return np.array([picked[tile.id] for tile in tiles]) / draws


def tiles_of(count: int, **first: Any) -> list[Tile]:
    """Alike products, of which the first is otherwise."""
    plain = Tile(id="p0", title="Kettle", price=3000, rating=4.0, reviews=100)
    return [plain.model_copy(update={"id": f"p{i}", **(first if i == 0 else {})}) for i in range(count)]


@pytest.mark.parametrize("preset", PUBLISHED)
@pytest.mark.parametrize(
    ("badge", "published"),
    [
        ("Sponsored", {"claude_sonnet_4": 0.089, "gpt_4_1": 0.08, "gemini_2_5_flash": 0.079}),
        ("Overall pick", {"claude_sonnet_4": 0.243, "gpt_4_1": 0.199, "gemini_2_5_flash": 0.426}),
    ],
)
def test_presets_give_the_published_probabilities(preset: str, badge: str, published: dict[str, float]) -> None:
    """A product chosen once in ten times, as ten alike ones are, is chosen so often with a label."""
    weights = PUBLISHED[preset]
    worth = [
        sum(weight * features(tile, place).get(name, 0.0) for name, weight in weights.items())
        for place, tile in enumerate(tiles_of(10, badges=(badge,)))
    ]
    assert math.exp(worth[0]) / sum(map(math.exp, worth)) == pytest.approx(published[preset], abs=5e-4)


def test_the_overall_pick_makes_up_for_the_published_rise_of_the_price() -> None:
    for preset, factor in (("claude_sonnet_4", 1.92), ("gpt_4_1", 1.65), ("gemini_2_5_flash", 2.38)):
        weights = PUBLISHED[preset]
        assert weights["endorsed"] + weights["ln_price"] * math.log(factor) == pytest.approx(0, abs=2e-3)


def test_the_logit_shopper_draws_with_its_probabilities() -> None:
    shopper = LogitShopper(LogitConfig(preset="none", coefficients={"rating": 2.0, "row2": -1.0}))
    seen = chances(shopper, tiles_of(8, rating=4.5))
    expected = np.exp([1.0, 0, 0, 0, -1, -1, -1, -1])
    assert stats.chisquare(1500 * seen, 1500 * expected / expected.sum()).pvalue > 0.01


def test_features_have_the_names_and_values_of_the_appraisals() -> None:
    """What the shopper weighs is what a choice model finds in the trace."""
    config = ShopConfig(suite="choice_behavior", items=8)
    for item in SHOP.items(config):
        play = Play(SHOP, config, item, 0)
        play.settle()
        turn = play.turn("buyer", 0)
        for place, tile in enumerate(turn.observation.page.products):
            move = next(move for move in turn.menu if getattr(move, "product", "") == tile.id)
            assert isinstance(move, Move)
            truth = play.appraise("buyer", move).features
            mine = features(tile, place)
            assert {name: mine[name] for name in mine.keys() & truth.keys()} == pytest.approx(
                {name: truth[name] for name in mine.keys() & truth.keys()}
            )
            assert {"position", "ln_price", "rating", "ln_reviews", "sponsored", "endorsed", "scarcity"} <= truth.keys()


def test_what_is_needed_is_read_from_the_task() -> None:
    for category in (*CATEGORIES, *MORE):
        assert needed(f"You need {category.wanted} for the office.") == category.name
    assert needed("Just look around.") == ""


def test_a_shopper_searches_for_what_the_menu_proposes_where_the_task_names_no_category() -> None:
    config = ShopConfig.model_validate(SHOPS["catalogue"])
    item = SHOP.items(config)[0].model_copy(update={"task": "Buy what was agreed."})
    _, said = visit(Cheapest(NoConfig()), config, item)
    assert said[0] == Search(query=item.query)


def test_a_shopper_outside_a_shop_is_told_so() -> None:
    turn = Play(SHOP, ShopConfig(), SHOP.items(ShopConfig(items=1))[0], 0).turn("buyer", 0)
    with pytest.raises(InputError, match="shoppers shop in market/Shop-v0"):
        Cheapest(NoConfig()).act(changed(turn, observation=ShopConfig()))


# -- the clicker -----------------------------------------------------------------------------------------------------


def shown(turn: Turn, boxes: dict[str, tuple[float, float, float, float]]) -> Turn:
    """The turn with a picture in which these controls can be clicked, where that is offered."""
    page = turn.observation.page
    menu = (*turn.menu, *offered(page, references=False, points=True))
    return changed(turn, pictures=(Picture("image/jpeg", b"", 1000, 800, boxes),), menu=menu)


def test_the_clicker_scrolls_down_to_its_button_and_clicks_its_middle() -> None:
    config = ShopConfig(items=1)
    item = SHOP.items(config)[0]
    turn = Play(SHOP, config, item, 0).turn("buyer", 0)
    wanted = min(item.products, key=lambda product: product.price).id
    clicker = Clicker(ClickerConfig())
    assert clicker.act(shown(turn, {"leave": (0, 0, 10, 10)})) == Scroll(by=600)
    assert clicker.act(shown(turn, {f"buy:{wanted}": (100, 40, 60, 20)})) == ClickXY(x=130, y=50)


def test_at_the_end_of_the_page_the_clicker_begins_at_the_top_again() -> None:
    turn = Play(SHOP, ShopConfig(items=1), SHOP.items(ShopConfig(items=1))[0], 0).turn("buyer", 0)
    clicker = Clicker(ClickerConfig(wants="first"))
    assert [clicker.act(shown(turn, {"leave": (0, 0, 9, 9)})) for _ in range(2)] == [
        Scroll(by=600),
        Scroll(by=-100_000),
    ]


def test_the_clicker_types_what_has_to_be_entered_and_then_clicks() -> None:
    config = ShopConfig(flow="cart", goods="catalogue", size=300, items=1)
    turn = Play(SHOP, config, SHOP.items(config)[0], 0).turn("buyer", 0)
    clicker = Clicker(ClickerConfig())
    picture = {"query": (10.0, 10.0, 100.0, 20.0), "search": (120.0, 10.0, 40.0, 20.0)}
    assert clicker.act(shown(turn, picture)) == Type(ref="query", text="electric kettles")
    assert clicker.act(shown(turn, picture)) == ClickXY(x=140, y=20)


def test_the_clicker_makes_its_move_where_clicks_are_not_offered() -> None:
    """`actions: moves` in front of a picture: a click would be invalid."""
    turn = Play(SHOP, ShopConfig(items=1), SHOP.items(ShopConfig(items=1))[0], 0).turn("buyer", 0)
    picture = Picture("image/jpeg", b"", 1000, 800, {"leave": (0, 0, 9, 9)})
    clicker = Clicker(ClickerConfig(wants="first"))
    assert clicker.act(changed(turn, pictures=(picture,))) == Buy(product=turn.observation.page.products[0].id)
