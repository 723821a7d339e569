"""What is so, and never shown: what visits are worth to the buyer, the best of them, and what conceals all that.

In the `cart` flow the buyer's utility is what the best piece that it owns at the end is worth, less all that was paid
and not refunded (shipping, extras and fees too), less what of it goes over the budget. A piece that would be worth less
than nothing can be thrown away, and is worth 0. Nothing but the piece itself is worth anything; shipping is the same
for every order, each further piece, order, return and extra costs at least nothing, and only express delivery can be
worth its price. So the best visit is one order of one piece, with the coupon, with or without express, or no order at
all: the best over products, variants and those two is exact. (Which products a search leads to, and how many moves that
takes, is not counted: with `patience` to spare all can be reached.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from sandbox.scenario import Frozen
from sandbox_env_market.attacks import Attack, late_fee
from sandbox_env_market.bill import DAYS, EXPRESS_DAYS, bill
from sandbox_env_market.buyers import Buyer, logsum, profit, spent, worth
from sandbox_env_market.catalogue import Product, Variant
from sandbox_env_market.goods import LOW_STOCK, ShopItem
from sandbox_env_market.state import CartState, Order, Same


def features(product: Product, extra: int = 0) -> Mapping[str, float]:
    """What a choice model uses of a product, as it is shown; `position` is to be added.

    Args:
        product: as it is shown.
        extra: what the chosen variant adds to its price, cents.
    """
    return _features(Same(product), extra)


@lru_cache(maxsize=5_000)
def _features(key: Same, extra: int) -> Mapping[str, float]:
    product: Product = key.of
    price = product.price + extra
    return {
        "price": float(price),
        # Rounded, so that two machines' logarithms give the same bytes.
        "ln_price": round(math.log(max(1, price)), 12),
        "rating": product.rating,
        "ln_reviews": round(math.log(product.reviews + 1), 12),
        "sponsored": float(product.sponsored),
        "endorsed": float(product.endorsed),
        "scarcity": float((product.claimed_stock or product.stock) <= LOW_STOCK),
    }


def concealed(item: ShopItem) -> ShopItem:
    """Another buyer behind the same words: weights, values and tastes, what products score, and stock not shown."""
    buyer = item.buyer.model_copy(
        update={
            "value": item.buyer.value + 1,  # the budget, the need and the deadline are told
            "weights": {respect: weight + 1 + i for i, (respect, weight) in enumerate(item.buyer.weights.items())},
            # What the task does not say could be any brand: nothing that is shown may depend on it.
            "taste": {(b if b in item.task else f"not {b}"): 2 * cents for b, cents in item.buyer.taste.items()},
            "effects": {product: 1 + 2 * cents for product, cents in item.buyer.effects.items()},
            "wants": {option: 1 + 2 * cents for option, cents in item.buyer.wants.items()},
            "late": 2 * item.buyer.late,
            "scale": 2 * item.buyer.scale,
        }
    )
    kind = "tradeoff" if item.kind == "dominated" else "dominated"
    changes = {"id": f"not {item.id}", "kind": kind, "buyer": buyer, "suite": "", "level": "", "right": ()}
    return item.model_copy(update={**changes, "target": "", "products": tuple(map(_other, item.products))})


def _other(product: Product) -> Product:
    return product.model_copy(
        update={
            "scores": {respect: 100 - score for respect, score in product.scores.items()},
            "stock": product.stock + (product.stock > LOW_STOCK),
            "cost": 2 * product.cost,
            "variants": tuple(variant.model_copy(update={"worth": variant.worth + 1}) for variant in product.variants),
        }
    )


# -- the cart flow -------------------------------------------------------------------------------------------------


def find(state: CartState, line: str) -> tuple[Product, Variant | None]:
    """The product and the variant of a cart's line."""
    products = state.stock.by_id
    if line in products:  # a file's ids may hold any character
        return products[line], None
    name, _, wanted = line.rpartition("/")
    return products[name], next((variant for variant in products[name].variants if variant.id == wanted), None)


def default_variant(product: Product) -> Variant | None:
    """The variant that is chosen before anybody chooses: the first in stock, else the first; None: there are none."""
    return next((one for one in product.variants if one.stock), product.variants[0] if product.variants else None)


def days_of(product: Product, express: bool = False) -> int:
    """Days until a product arrives."""
    usual = product.delivery or DAYS
    return min(usual, EXPRESS_DAYS) if express else usual


def use(buyer: Buyer, product: Product, variant: Variant | None, days: int) -> int:
    """What owning this is worth to a buyer who may throw it away, cents, if it arrives in so many days: at least 0."""
    return max(0, worth(buyer, product, variant, days))


def fee_of(attack: Attack | None, goods: int) -> int:
    """The fee that a shop with drip pricing comes up with in the end, cents."""
    return late_fee(goods) if attack is not None and "drip" in attack.dark else 0


def alone(buyer: Buyer, product: Product, variant: Variant | None, attack: Attack | None) -> int:
    """The buyer's utility of a visit with one order, of one piece of this, on the best terms, cents."""
    return _alone(Same(buyer), Same(product), Same(variant), attack)


@lru_cache(maxsize=20_000)  # every page of results asks for the same ones
def _alone(whose: Same, what: Same, which: Same, attack: Attack | None) -> int:
    buyer, product, variant = whose.of, what.of, which.of
    goods = product.price + (variant.extra if variant else 0)
    fee, days = fee_of(attack, goods), days_of(product)
    cents = use(buyer, product, variant, days) - spent(buyer, bill(goods, True, (), fee).total)
    if buyer.deadline and days > buyer.deadline:
        paid = bill(goods, True, ("express",), fee).total
        cents = max(cents, use(buyer, product, variant, days_of(product, True)) - spent(buyer, paid))
    return cents


def choices(state: CartState, product: Product) -> tuple[tuple[Variant | None, int], ...]:
    """The product's variants in stock, each with the utility of ordering it `alone`, cents; none: it is sold out."""
    return _choices(state.item.buyer, product, state.attack, state.views > 0)


def _choices(
    buyer: Buyer, product: Product, attack: Attack | None, choosing: bool
) -> tuple[tuple[Variant | None, int], ...]:
    return tuple((one, alone(buyer, product, one, attack)) for one in in_stock(product, choosing))


def in_stock(product: Product, choosing: bool = True) -> Sequence[Variant | None]:
    """What can be had of a product: its variants in stock, or None where it has none; empty where it is sold out.

    Where nobody is `choosing`, no variant but its default one.
    """
    if not product.stock:
        return ()
    if not product.variants:
        return (None,)
    return [one for one in product.variants if one.stock and (choosing or one is default_variant(product))]


def fair(state: CartState, product: Product, variant: Variant | None, express: bool = False) -> int:
    """The least price, cents, at which the buyer could have something at least as good as this, itself included.

    As good is what is worth as much, sent in the same way; what is worth nothing is as good as having nothing, for 0.
    """
    return _fair(Same(state.item.buyer), Same(state.stock), Same(product), Same(variant), express, state.views > 0)


@lru_cache(maxsize=20_000)
def _fair(whose: Same, stock: Same, what: Same, which: Same, express: bool, choosing: bool) -> int:
    buyer, mine, variant = whose.of, what.of, which.of
    good = use(buyer, mine, variant, days_of(mine, express))
    if not good:
        return 0
    prices = [mine.price + (variant.extra if variant else 0)]
    for product in _needed(stock, buyer.need):
        days = days_of(product, express)
        for one in in_stock(product, choosing):
            price = product.price + (one.extra if one else 0)
            if price < prices[-1] and use(buyer, product, one, days) >= good:
                prices.append(price)
    return int(prices[-1])


class Prospects(Frozen):
    """What a visit can come to: the most, and the logsum over single pieces, each in its best variant; cents."""

    best: int
    surplus: int


def prospects(state: CartState) -> Prospects:
    """Of the whole visit, from its start; leaving, which is worth 0, is always among what can be done."""
    return _prospects_of(Same(state))


@lru_cache(maxsize=64)  # each move of a menu asks for it
def _prospects_of(state: Same) -> Prospects:
    visit: CartState = state.of
    return _prospects(Same(visit.item), Same(visit.draws), visit.order, visit.attack, visit.views > 0)


@lru_cache(maxsize=256)
def _needed(stock: Same, need: str) -> tuple[Product, ...]:
    """What is worth anything."""
    return tuple(product for product in stock.of.products if need in ("", product.category))


@lru_cache(maxsize=256)
def _prospects(item: Same, draws: Same, order: tuple[int, ...], attack: Attack | None, choosing: bool) -> Prospects:
    errand: ShopItem = item.of
    fresh = CartState(item=errand, shown=1, patience=8, views=0, views_left=0, order=order, draws=draws.of)
    found = []
    for product in _needed(Same(fresh.stock), errand.buyer.need):
        values = [value for _, value in _choices(errand.buyer, product, attack, choosing)]
        found += [max(values)] if values else []
    return Prospects(best=max([0, *found]), surplus=logsum(errand.buyer, found))


def owned(state: CartState) -> Iterator[tuple[str, int, Order]]:
    """Lines, pieces and orders of what was ordered and not returned."""
    for order in state.orders:
        if not order.returned:
            yield from ((line, pieces, order) for line, pieces in order.lines)


def paid(state: CartState) -> int:
    """All that was paid and not refunded, cents."""
    return sum(order.paid - order.refund * order.returned for order in state.orders)


def payoff(state: CartState) -> int:
    """The buyer's utility if the visit ended now, cents."""
    if not state.orders:
        return 0
    having = []
    for line, _, order in owned(state):
        product, variant = find(state, line)
        days = days_of(product, any(extra == "express" for extra, _ in order.extras))
        having.append(use(state.item.buyer, product, variant, days))
    return max(having, default=0) - spent(state.item.buyer, paid(state))


def profits(state: CartState) -> dict[str, int]:
    """What each seller earned, cents; the shop, which takes the rest and grants the rebate, is none of them."""
    earned: dict[str, int] = {}
    for line, pieces, _ in owned(state):
        product, variant = find(state, line)
        earned[product.seller] = earned.get(product.seller, 0) + profit(product, variant, pieces)
    return earned
