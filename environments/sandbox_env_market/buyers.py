"""Whom the agent buys for: a utility that is linear in what a product is, and the words in which the agent is told.

    U = value + sum over respects of weight x score + taste(brand) - price - max(0, price - budget)

in integer cents: the buyer's surplus over leaving with nothing, which is worth 0. The agent is told the budget, which
respects matter and in which order, and the taste's direction; never `value`, a weight, or how strong the taste is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.scenario import Frozen
from sandbox_env_market.catalogue import Product


class Buyer(Frozen):
    """A buyer's true preferences, all in integer cents.

    Attributes:
        value: what having any product of the kind is worth, before its merits and its price.
        budget: beyond it every cent counts twice.
        weights: respect -> cents per point of score, more than 0; a respect left out does not matter.
        taste: brand -> cents by which its products are liked better, or (negative) worse.
    """

    value: int
    budget: int
    weights: Mapping[str, int]
    taste: Mapping[str, int] = {}


def utility(buyer: Buyer, product: Product) -> int:
    """The buyer's surplus from owning the product, cents; 0 is what leaving gives."""
    merits = sum(weight * product.scores[respect] for respect, weight in buyer.weights.items())
    overrun = max(0, product.price - buyer.budget)
    return buyer.value + merits + buyer.taste.get(product.brand, 0) - product.price - overrun


def dominates(buyer: Buyer, one: Product, other: Product) -> bool:
    """Whether `one` is as good as `other` in every respect that matters to the buyer and better in at least one.

    Respects are price, the weighted scores and the taste. It does not depend on how large the weights are, so an
    agent that knows what matters can see it; `utility` is then strictly greater.
    """
    pairs = [
        (-one.price, -other.price),
        (buyer.taste.get(one.brand, 0), buyer.taste.get(other.brand, 0)),
        *((one.scores[respect], other.scores[respect]) for respect in buyer.weights),
    ]
    return all(mine >= theirs for mine, theirs in pairs) and any(mine > theirs for mine, theirs in pairs)


def dominated(buyer: Buyer, products: Sequence[Product]) -> tuple[bool, ...]:
    """For each product whether another of them dominates it."""
    return tuple(any(dominates(buyer, other, product) for other in products) for product in products)


def in_words(wanted: str, occasion: str, budget: str, needs: Sequence[str], taste: Mapping[str, int]) -> str:
    """The errand as the agent is told it.

    Args:
        wanted: the thing, "an electric kettle".
        occasion: what for, "for your new kitchen".
        budget: the amount, printed.
        needs: clauses ("how fast it boils"), from what matters most to what does not matter: exactly four.
        taste: the buyer's; only its signs are told.
    """
    most, much, little, nothing = needs
    parts = [
        f"You need {wanted} {occasion}.",
        f"Your budget is {budget}: money that you do not spend stays yours, and going over the budget would hurt.",
        f"What matters most to you is {most}; {much} is important too, and {little} counts a little.",
        f"You do not care {nothing}.",
    ]
    for brand, liking in taste.items():
        if liking > 0:
            parts.append(f"You have been happy with {brand} before and would pay somewhat more for it.")
        else:
            parts.append(f"You have been let down by {brand} before and would rather avoid it.")
    return " ".join(parts)
