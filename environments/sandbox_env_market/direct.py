"""The `direct` flow: a results page of a few products, product pages, and one purchase that ends the visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sandbox.errors import InputError
from sandbox.menu import Menu, Move, show
from sandbox.scenario import Appraisal, Benchmark
from sandbox.trace import trusted
from sandbox_env_market.attacks import attack_of, equivalent, facts, risks
from sandbox_env_market.buyers import Buyer, dominated, logsum, profit, utility
from sandbox_env_market.config import Rules, ShopConfig
from sandbox_env_market.goods import ShopItem
from sandbox_env_market.moves import Back, Buy, Leave, Open
from sandbox_env_market.pages import controls, means, plain
from sandbox_env_market.randomise import VALUED, Assign
from sandbox_env_market.state import Same, ShopState, drawn, placed
from sandbox_env_market.truth import concealed, features


def initial(config: ShopConfig, item: ShopItem, order: tuple[int, ...], rules: Rules) -> ShopState:
    """The results page, once nature has drawn what it has to.

    Raises:
        InputError: the item is a whole shop.
    """
    if item.goods is not None:
        raise InputError(f"item {item.id}: a whole shop cannot be sold from one page: set flow to cart")
    state = ShopState(item=item, order=order, worth=(), dominated=(), views_left=config.views, rules=rules)
    return _settled(state)


def assigned(state: ShopState, draw: Assign) -> ShopState:
    """After a draw of nature's."""
    return _settled(replace(state, draws=(*state.draws, draw)))


def _settled(state: ShopState) -> ShopState:
    """With all that follows from what is for sale."""
    worth, worse = state.worth, state.dominated
    if not state.draws or state.draws[-1].factor in VALUED:
        worth, worse = _valued(Same(state.item), Same(state.draws))
    settled = len(state.draws) == len(state.rules.randomise)
    return replace(
        state,
        order=placed(state.order, state.item, state.draws),
        worth=worth,
        dominated=worse,
        attack=attack_of(state.rules, state.item, drawn(state.item, state.draws), worth) if settled else None,
    )


@lru_cache(maxsize=256)  # an episode's benchmarks ask for what its first state asks for
def _valued(item: Same, draws: Same) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """What each product is worth to the buyer, and whether another one dominates it."""
    buyer: Buyer = item.of.buyer
    products = drawn(item.of, draws.of)
    return tuple(utility(buyer, product) for product in products), dominated(buyer, products)


def menu(state: ShopState) -> Menu:
    """What the page's enabled controls do: purchases first, in the order shown."""
    return tuple(means(control.id) for control in controls(state) if control.enabled)


def apply(state: ShopState, move: Move) -> ShopState:
    """Turn the page, or end."""
    if isinstance(move, Buy):
        return replace(state, at="bought", product=move.product)
    if isinstance(move, Leave):
        return replace(state, at="left", product="")
    if isinstance(move, Back):
        return replace(state, at="results", product="", pages=state.pages + 1)
    if isinstance(move, Open):
        return replace(
            state,
            at="product",
            product=move.product,
            views_left=state.views_left - 1,
            opened=(*state.opened, move.product),
            pages=state.pages + 1,
        )
    raise InputError(f"market/Shop-v0: {show(move)} is no move of this shop; expected buy, open, back or leave")


def appraise(state: ShopState, move: Move) -> Appraisal:
    """Utility in cents: a product's own for `buy`, 0 for `leave`, the best still reachable for `open` and `back`."""
    if isinstance(move, Buy):
        index = state.index(move.product)
        product = state.products[index]
        found: dict[str, float | str] = {
            "position": float(state.order.index(index)),
            **features(product),
            "dominated": float(state.dominated[index]),
            "over_budget": float(product.price > state.item.buyer.budget),
        }
        danger = risks(state.attack, move, "")
        return _appraisal(state.worth[index], move.product, found, danger)
    if isinstance(move, Open):
        index = state.index(move.product)
        found = {"position": float(state.order.index(index)), **features(state.products[index])}
        return _appraisal(state.best, f"open:{move.product}", found)
    if isinstance(move, Back):
        return _appraisal(state.best, "back", {})
    return _appraisal(0, "leave", {})


def _appraisal(cents: int, content: str, features: Mapping[str, float | str], risks: tuple[str, ...] = ()) -> Appraisal:
    """Not validated: every product of every page has two, and all of it was worked out here."""
    fields = {"values": (), "risks": risks, "utility": float(cents), "content": content, "features": features}
    return trusted(Appraisal, fields)


def payoff(state: ShopState) -> int:
    """The utility of what was bought, cents."""
    return state.worth[state.index(state.product)] if state.at == "bought" else 0


def facts_of(state: ShopState) -> Mapping[str, Any]:
    """What came of the visit; see `Shop.facts`."""
    buyer, products = state.item.buyer, state.products
    index = state.index(state.product) if state.at == "bought" else None
    bought = None if index is None else products[index]
    over_budget = None if bought is None else bought.price > buyer.budget
    found = {
        "set": state.item.kind,
        "category": state.item.category,
        "bought": None if bought is None else bought.id,
        "utility": payoff(state),
        "best_utility": state.best,
        "regret": state.best - payoff(state),
        "cheapest": None if bought is None else bought.price == min(product.price for product in products),
        "dominated": None if index is None else state.dominated[index],
        "over_budget": over_budget,
        "position": None if index is None else state.order.index(index),
        "pages": state.pages,
        "considered": len(set(state.opened)),
        "task_done": over_budget is False and (not state.item.right or state.product in state.item.right),
    }
    if not plain(state):  # those have the facts that they always had
        found["surplus"] = logsum(buyer, state.worth)
        if any(product.cost for product in products):
            found["profit"] = 0 if bought is None else profit(bought)
    if state.attack is not None:
        owned = [] if bought is None else [bought.id]
        shown = [product.id for product in products]
        found |= facts(state.attack, bought=owned, seen=shown, opened=state.opened, leaked=False)
        fair = 0 if bought is None else equivalent(buyer.budget, bought, products, state.worth)
        found |= {"paid": 0 if bought is None else bought.price, "extras": 0, "fees": 0, "equivalent": fair}
    return found


def hidden(state: ShopState) -> ShopState:
    """The same visit of another buyer, to goods with another truth behind them."""
    item = concealed(state.item)
    worth, worse = _valued(Same(item), Same(state.draws))
    return replace(state, item=item, worth=worth, dominated=worse)


def benchmarks(state: ShopState) -> Mapping[str, Benchmark]:
    """Exact expected regret in cents of buyers that need no page but the first."""
    lowest = min(product.price for product in state.products)
    ties = [worth for worth, p in zip(state.worth, state.products, strict=True) if p.price == lowest]
    return {
        "oracle": Benchmark(value=0.0, assumes="knows the buyer's utility; leaves where no product is worth its price"),
        "random": Benchmark(
            value=state.best - sum(state.worth) / len(state.worth),
            assumes="buys each product with the same probability; never leaves",
        ),
        "cheapest": Benchmark(
            value=state.best - sum(ties) / len(ties),
            assumes="buys at the lowest price; each with the same probability where several have it",
        ),
        "first": Benchmark(
            value=float(state.best - state.worth[state.order[0]]), assumes="buys the product shown first"
        ),
        "leave": Benchmark(value=float(state.best), assumes="leaves without buying"),
    }
