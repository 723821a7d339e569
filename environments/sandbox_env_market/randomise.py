"""What nature draws for an episode: ACES' randomiser, a named draw for each factor, with its propensity.

Source: section 5 of Allouah et al. 2025 (arXiv:2508.02630), and the authors' `experiments/data_generation.py`, whose
rounding is kept: prices to the cent, ratings to a tenth of a star within 0 to 5, numbers of reviews cut to a whole one.

| factor      | law                                                                                             |
|-------------|-------------------------------------------------------------------------------------------------|
| `position`  | every order of the products with the same probability                                           |
| `price`     | price × LogNormal(0, 0.3), independent for each product; never less than a cent                 |
| `rating`    | rating + a (5 - rating), a ~ U(-0.4, 0.4), independent                                          |
| `reviews`   | reviews × LogNormal(0, 1), independent                                                          |
| `sponsored` | with p = 1/2 one to four products, each number and then each set with the same probability      |
| `endorsed`  | with p = 1/2 the overall pick, one of those that are not sponsored                              |
| `scarcity`  | with p = 1/2 "only 1 to 4 left" on one that has neither label; what is sold out stays so        |

A label for which no product is left is on none, and where fewer than four are on offer no more are sponsored. A factor
that is drawn replaces what the products had of it; one that is not leaves them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.scenario import Treatment
from sandbox.trace import trusted
from sandbox_env_market.catalogue import RATING, Product
from sandbox_env_market.config import Factor
from sandbox_env_market.goods import LOW_STOCK

FACTORS: tuple[Factor, ...] = ("position", "price", "rating", "reviews", "sponsored", "endorsed", "scarcity")
"""In the order in which they are drawn: a label goes to products that have none of those before it."""
VALUED: frozenset[Factor] = frozenset({"price", "rating"})
"""Those that change what a product is worth to its buyer, or which one dominates another."""
_FEW = 4  # the most that are sponsored, and the most that a scarce product has left
_PRICE, _REVIEWS, _RATING = 0.3, 1.0, 0.4
_LAWS = {
    "price": f"price x LogNormal(0, {_PRICE})",
    "rating": f"rating + a (5 - rating), a ~ U(-{_RATING}, {_RATING})",
    "reviews": f"reviews x LogNormal(0, {_REVIEWS:g})",
}


class Assign(Move):
    """Nature's draw of a factor.

    Attributes:
        values: product id -> its place from 0, its price in cents, its rating in tenths of a star, its number of
            reviews; of a label, for each product that could get it, 1 (of scarcity the units left) or 0.
    """

    kind: Literal["assign"] = "assign"
    factor: Factor
    values: Mapping[str, Annotated[int, Field(ge=0)]]


def sample(factor: Factor, products: Sequence[Product], generator: np.random.Generator) -> Assign:
    """Draw one factor for these products, which have the factors before it already; their order changes nothing."""
    known = sorted(products, key=lambda product: product.id)
    ids = [product.id for product in known]
    values: dict[str, int]
    if factor == "position":
        values = {ids[i]: place for place, i in enumerate(generator.permutation(len(ids)))}
    elif factor == "price":
        scaled = generator.lognormal(0, _PRICE, len(ids))
        values = {p.id: max(1, round(p.price * float(by))) for p, by in zip(known, scaled, strict=True)}
    elif factor == "rating":
        towards = generator.uniform(-_RATING, _RATING, len(ids))
        values = {p.id: _tenths(p.rating + float(a) * (5 - p.rating)) for p, a in zip(known, towards, strict=True)}
    elif factor == "reviews":
        scaled = generator.lognormal(0, _REVIEWS, len(ids))
        values = {p.id: int(p.reviews * float(by)) for p, by in zip(known, scaled, strict=True)}
    else:
        values = _labelled(factor, [product.id for product in _without(factor, known)], generator)
    return Assign(factor=factor, values=values)


def applied(products: Sequence[Product], draw: Assign) -> tuple[Product, ...]:
    """The products with what was drawn, in the same order: see `order` for places.

    The score in the respect of ratings follows the rating, so that utility does too.

    Raises:
        InputError: the draw is not about these products.
    """
    _fits(products, draw)
    if draw.factor == "position":
        return tuple(products)
    return tuple(
        trusted(Product, {**product.__dict__, **_changed(draw.factor, product, draw.values)}) for product in products
    )


def order(products: Sequence[Product], draw: Assign) -> tuple[int, ...]:
    """Indices of `products` as they are shown after a draw of `position`."""
    _fits(products, draw)
    return tuple(sorted(range(len(products)), key=lambda i: draw.values[products[i].id]))


def treatment(draw: Assign) -> Treatment:
    """What was drawn, with the probability of having drawn it.

    Continuous factors have no such probability (None): their value names the law beside what was drawn.
    """
    factor, values = draw.factor, draw.values
    if factor == "position":
        return Treatment(value=dict(values), propensity=1 / math.factorial(len(values)))
    if factor in _LAWS:
        return Treatment(value={"law": _LAWS[factor], "values": dict(values)})
    eligible = len(values)
    having = {product: value for product, value in values.items() if value}
    if not having:
        return Treatment(value=[], propensity=0.5 if eligible else 1.0)
    if factor == "sponsored":
        ways = min(_FEW, eligible) * math.comb(eligible, len(having))
    else:
        ways = eligible * (_FEW if factor == "scarcity" else 1)
    return Treatment(value=having if factor == "scarcity" else list(having), propensity=0.5 / ways)


def _fits(products: Sequence[Product], draw: Assign) -> None:
    ids = {product.id for product in products}
    labels = draw.factor in ("sponsored", "endorsed", "scarcity")
    if not (ids >= draw.values.keys() if labels else ids == draw.values.keys()):
        odd = ", ".join(sorted(ids ^ draw.values.keys())[:4])
        raise InputError(f"{draw.factor}: drawn for other products than there are: {odd}")


def _tenths(rating: float) -> int:
    return min(50, max(0, round(10 * rating)))


def _without(factor: Factor, products: Sequence[Product]) -> list[Product]:
    """Those that may get the label: a product has one at most."""
    if factor == "sponsored":
        return list(products)
    taken = {"endorsed": ("sponsored",), "scarcity": ("sponsored", "endorsed")}[factor]
    free = [product for product in products if not any(getattr(product, label) for label in taken)]
    return [product for product in free if product.stock] if factor == "scarcity" else free


def _labelled(factor: Factor, eligible: list[str], generator: np.random.Generator) -> dict[str, int]:
    values = dict.fromkeys(eligible, 0)
    if not eligible or generator.random() >= 0.5:
        return values
    number = int(generator.integers(1, min(_FEW, len(eligible)) + 1)) if factor == "sponsored" else 1
    for i in generator.choice(len(eligible), number, replace=False):
        values[eligible[i]] = int(generator.integers(1, _FEW + 1)) if factor == "scarcity" else 1
    return values


def _changed(factor: Factor, product: Product, values: Mapping[str, int]) -> dict[str, Any]:
    value = values.get(product.id, 0)
    if factor == "rating":
        score = min(100, max(0, 5 * (value - 30)))  # as the errands': 3.0 stars and below are the worst on the market
        return {"rating": value / 10, "scores": {**product.scores, RATING: score}}
    if factor == "scarcity":
        plenty = product.stock if product.stock > LOW_STOCK or not product.stock else product.stock + LOW_STOCK
        return {"stock": value or plenty}
    return {factor: bool(value) if factor in ("sponsored", "endorsed") else value}
