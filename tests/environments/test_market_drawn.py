"""What is made once in a drawn visit, and without validation, is what making and validating it each time gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from sandbox_env_market import direct
from sandbox_env_market.buyers import dominated, utility
from sandbox_env_market.config import ShopConfig
from sandbox_env_market.moves import Buy, Leave, Open
from sandbox_env_market.randomise import FACTORS, applied
from sandbox_env_market.shop import SEAT, Shop
from sandbox_env_market.state import ShopState

from sandbox.play import Play

SHOP = Shop()
DRAWN = ShopConfig(randomise=FACTORS, items=4)


def states(config: ShopConfig, number: int, seed: int = 7) -> Iterator[ShopState]:
    """Each that nature goes through, the results page, and the page of its first product."""
    play = Play(SHOP, config, SHOP.items(config)[number], seed)
    state: Any = play.state
    yield state
    while state.rules.randomise[len(state.draws) :]:
        move = SHOP.sample(state, play.luck.generator(SHOP.draw(state)))
        state = SHOP.apply(state, {"nature": move})
        yield state
    yield direct.apply(state, Open(product=state.products[state.order[0]].id))


def validated(model: BaseModel) -> BaseModel:
    return type(model).model_validate_json(model.model_dump_json())


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("config", [ShopConfig(items=4), DRAWN], ids=["plain", "drawn"])
def test_items_pages_and_appraisals_are_what_validating_them_gives(config: ShopConfig, number: int) -> None:
    """`repr` tells 1 from 1.0 and from numpy's numbers, and the order of fields, which `==` does not."""
    for state in states(config, number):
        found: list[BaseModel] = [state.item, SHOP.observe(state, SEAT), *state.products]
        moves = (*(kind(product=p.id) for kind in (Buy, Open) for p in state.products), Leave())
        found += [SHOP.appraise(state, SEAT, move) for move in moves]
        for model in found:
            assert list(vars(model)) == list(type(model).model_fields)
            assert repr(validated(model)) == repr(model)


@pytest.mark.parametrize("number", range(4))
def test_what_is_worked_out_at_a_draw_is_what_working_it_out_anew_gives(number: int) -> None:
    for state in states(DRAWN, number):
        products = state.item.products
        for draw in state.draws:
            products = applied(products, draw)
        assert state.products == products
        assert state.worth == tuple(utility(state.item.buyer, product) for product in products)
        assert state.dominated == dominated(state.item.buyer, products)
        written = SHOP.state_type.dump_python(state, mode="json")
        assert written["item"] == state.item.model_dump(mode="json")
        assert repr(SHOP.state_type.validate_python(written)) == repr(state)


def test_only_draws_of_what_utility_depends_on_work_it_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven draws, each of them comparing all pairs of products, were a fifth of what a drawn visit cost."""
    asked: list[int] = []

    def counted(*words: Any) -> tuple[bool, ...]:
        asked.append(1)
        return dominated(*words)

    monkeypatch.setattr(direct, "dominated", counted)
    list(states(DRAWN, 0, seed=99))
    assert len(asked) <= 3, "at the beginning, and after the draws of prices and of ratings"
