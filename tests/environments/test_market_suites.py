"""ACES' suites: what is right in an item is so, and the items cover levels and queries evenly."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from sandbox_env_market import Shop, ShopConfig
from sandbox_env_market.buyers import utility
from sandbox_env_market.catalogue import CATEGORIES, Product
from sandbox_env_market.config import SuiteName
from sandbox_env_market.goods import LOW_STOCK, ShopItem
from sandbox_env_market.moves import Buy
from sandbox_env_market.randomise import FACTORS
from sandbox_env_market.suites import SUITES, factors_of, items_of

from sandbox.checks import check_scenario
from sandbox.play import Play

SHOP = Shop()
SUITE_NAMES = sorted(SUITES)


def items(suite: str, number: int) -> list[ShopItem]:
    return list(items_of(ShopConfig.model_validate({"suite": suite, "items": number})))


def alike(products: tuple[Product, ...], but: str) -> bool:
    """Whether the products differ in nothing but their ids, this field, and what follows from it."""
    return (
        len({product.model_copy(update={"id": "", but: 0, "scores": {}}).model_dump_json() for product in products})
        == 1
    )


def test_every_suite_of_the_config_has_items() -> None:
    assert set(get_args(SuiteName)) == {"", *SUITES}


@pytest.mark.parametrize("suite", SUITE_NAMES)
def test_items_cover_levels_and_queries_evenly_and_have_ids_of_their_own(suite: str) -> None:
    levels = len(SUITES[suite].levels)
    made = items(suite, 2 * 8 * levels)
    assert len({item.id for item in made}) == len(made)
    assert set(Counter((item.level, item.category) for item in made).values()) == {2}
    assert all(item.suite == suite and len({p.id for p in item.products}) == 8 for item in made)
    assert not any(p.sponsored or p.endorsed or p.stock <= LOW_STOCK for item in made for p in item.products)


@pytest.mark.parametrize("suite", SUITE_NAMES)
def test_the_best_product_for_the_buyer_is_a_right_one_and_worth_buying(suite: str) -> None:
    for item in items(suite, 60):
        best = max(item.products, key=lambda product: utility(item.buyer, product))
        assert utility(item.buyer, best) > 0
        assert not item.right or best.id in item.right


def satisfies(item: ShopItem, product: Product) -> bool:
    """What the words of the instruction say, read by themselves."""
    said = item.task
    return {
        "budget": lambda: product.price <= round(100 * float(said.split("$")[1].split(" ")[0].replace(",", ""))),
        "colour": lambda: f"be {product.colour}." in said and product.title.lower().endswith(f", {product.colour}"),
        "brand": lambda: f"made by {product.brand}." in said,
        "cheapest": lambda: product.price == min(other.price for other in item.products),
    }[item.level]()


def test_what_satisfies_an_instruction_is_right_and_nothing_else_is() -> None:
    for item in items("instruction", 96):
        assert set(item.right) == {product.id for product in item.products if satisfies(item, product)}
        assert 1 <= len(item.right) < 8
        assert item.level != "budget" or 2 <= len(item.right) <= 4


def test_one_price_is_lower_by_what_the_level_says_and_all_else_is_alike() -> None:
    for item in items("price", 112):
        lowest, *others = sorted(p.price for p in item.products)
        assert alike(item.products, "price")
        assert [p.id for p in item.products if p.price == lowest] == list(item.right)
        assert lowest < others[0]
        if item.level.endswith("%"):
            assert abs(lowest - others[0] * (100 + int(item.level[:-1])) / 100) <= 0.5
        elif item.level.startswith("-"):
            assert lowest == others[0] - {"-1 cent": 1, "-10 cents": 10}[item.level]
        if item.level.startswith("-"):
            assert len(set(others)) == 1


def test_one_rating_is_the_best_and_all_else_is_alike() -> None:
    for item in items("rating", 48):
        *others, best = sorted(p.rating for p in item.products)
        assert alike(item.products, "rating")
        assert [p.id for p in item.products if p.rating == best] == list(item.right)
        assert 1 <= others[0] <= others[-1] < best <= 5
        if item.level == "+0.1":
            assert (set(others), round(best - others[0], 1)) == ({others[0]}, 0.1)


@pytest.mark.parametrize("suite", ["choice_behavior", "market_share"])
def test_a_market_has_the_same_products_in_each_of_its_trials(suite: str) -> None:
    """Market shares are of products, over trials."""
    of_query: dict[str, set[str]] = {}
    for item in items(suite, 24):
        of_query.setdefault(item.query, set()).add(str(item.products))
    assert set(of_query) == {category.name for category in CATEGORIES}
    assert all(len(sets) == 1 for sets in of_query.values())


def test_a_suite_draws_its_own_factors_unless_the_config_names_others() -> None:
    assert factors_of(ShopConfig()) == ()
    assert factors_of(ShopConfig(suite="choice_behavior")) == FACTORS
    assert factors_of(ShopConfig(suite="market_share")) == ("position",)
    assert factors_of(ShopConfig(suite="market_share", randomise=("scarcity", "price"))) == ("price", "scarcity")


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITE_NAMES)
def test_a_suite_keeps_the_contract_of_scenarios(suite: str) -> None:
    check_scenario(Shop, {"suite": suite, "items": 4, "views": 1})


def test_every_trial_of_a_market_is_drawn_for_itself() -> None:
    """Trials share a seed: a draw that is called by its factor alone would give them all the same places."""
    config = ShopConfig(suite="choice_behavior", items=24)
    seen = []
    for item in SHOP.items(config)[::8]:
        play = Play(SHOP, config, item, 0)
        play.settle()
        assert {name: given.propensity is None for name, given in SHOP.treatments(play.state).items()} == {
            factor: factor in ("price", "rating", "reviews") for factor in FACTORS
        }
        seen.append([(tile.id, tile.price) for tile in play.turn("buyer", 0).observation.page.products])
    assert len({str(shown) for shown in seen}) == 3
    assert {frozenset(name for name, _ in shown) for shown in seen} == {frozenset(p.id for p in item.products)}


def test_luck_is_the_same_for_all_agents_and_with_fewer_factors() -> None:
    """Agents are compared on the same draws, and a factor more changes no other."""
    whole, part = (
        ShopConfig(suite="choice_behavior", items=8, randomise=factors) for factors in ((), ("position", "price"))
    )
    for item in SHOP.items(whole):
        draws = []
        for config in (whole, part):
            play = Play(SHOP, config, item, 7)
            play.settle()
            draws.append({draw.factor: draw.values for draw in play.state.draws})
        assert {name: draws[0][name] for name in ("position", "price")} == draws[1]


def test_items_that_are_no_plain_errands_say_what_was_gained_in_the_direct_flow_too() -> None:
    shop, item = Shop(), items_of(ShopConfig(suite="choice_behavior"))[0]
    product = item.products[0]
    state = shop.initial(ShopConfig(), item)
    facts = shop.facts(shop.apply(state, {"buyer": Buy(product=product.id)}))
    assert facts["surplus"] >= facts["best_utility"]
    assert facts["profit"] == product.price - product.cost > 0
    assert shop.facts(state)["profit"] == 0
    assert not {"surplus", "profit"} & shop.facts(shop.initial(ShopConfig(), shop.items(ShopConfig())[0])).keys()


@pytest.mark.slow
def test_the_best_rated_of_a_wide_spread_is_worth_more_to_the_buyer_than_the_rest() -> None:
    """To whom 3.0 stars and below are all the same: none of 5,600 items has its best there."""
    wide = [item for item in items("rating", 5600) if item.level == "random high"]
    assert min(max(product.rating for product in item.products) for item in wide) > 3.0


def test_the_task_is_done_by_what_is_right_alone() -> None:
    config = ShopConfig(suite="instruction", items=4, views=0)
    for item in SHOP.items(config):
        for product in item.products:
            play = Play(SHOP, config, item, 0)
            play.settle()
            play.apply({"buyer": Buy(product=product.id)})
            facts = play.facts()
            assert facts["task_done"] == (product.id in item.right)
            if item.level == "budget":
                assert facts["over_budget"] == (product.id not in item.right)


@pytest.mark.parametrize(
    "ignored", [{"goods": "catalogue", "flow": "cart"}, {"sets": "dominated"}, {"positions": "given"}]
)
def test_what_a_suite_would_ignore_is_refused(ignored: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="leave"):
        ShopConfig.model_validate({"suite": "price", **ignored})
