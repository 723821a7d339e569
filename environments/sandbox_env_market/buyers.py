"""Whom the agent buys for: a utility that is linear in what a product is, and the words in which the agent is told.

    U = value + sum over respects of weight x score + taste(brand) + effect(product) + wanted options of the variant
        - late x days after the deadline - paid - max(0, paid - budget)

in integer cents: the buyer's surplus over leaving with nothing, which is worth 0. A product of another category than
the one needed is worth nothing, whatever it is like, and one piece is needed: a second adds nothing. The agent is told
the need, the budget, the deadline, which options are wanted, which respects matter and in which order, and the taste's
direction; never `value`, a weight, or how strong the taste is (see `tasks` for the words of a whole shop).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import ge

from sandbox.scenario import Frozen
from sandbox_env_market.catalogue import Product, Variant
from sandbox_env_market.fields import added


class Buyer(Frozen):
    """A buyer's true preferences, all in integer cents.

    Attributes:
        value: what having any product of the kind is worth, before its merits and its price.
        budget: beyond it every cent counts twice.
        weights: respect -> cents per point of score, more than 0; a respect left out does not matter.
        taste: brand -> cents by which its products are liked better, or (negative) worse.
        need: the category that is needed; empty: whatever is on offer.
        effects: product id -> cents by which it is liked better or worse, for no reason that its attributes show.
        wants: an option (`Colour: red`, as it stands in a variant's name) -> cents that having it is worth.
        deadline: days in which it has to arrive; 0: there is no hurry. late: cents lost per day after that.
        scale: of a logit shock (Gumbel) on each alternative's utility that only the buyer sees, cents; 0: none.
    """

    value: int
    budget: int
    weights: Mapping[str, int]
    taste: Mapping[str, int] = {}
    need: str = added("")
    effects: Mapping[str, int] = added({})
    wants: Mapping[str, int] = added({})
    deadline: int = added(0, ge=0)
    late: int = added(0, ge=0)
    scale: int = added(0, ge=0)


def worth(buyer: Buyer, product: Product, variant: Variant | None = None, days: int | None = None) -> int:
    """What owning the product is worth to the buyer before any money changes hands, cents; 0 for what is not needed.

    Args:
        buyer: whose it is.
        product: what is owned.
        variant: the one of its variants that is owned; None: it has none, or none was chosen.
        days: in which it arrives, where that is not `product.delivery`.
    """
    if buyer.need and product.category != buyer.need:
        return 0
    cents = buyer.value + sum(weight * product.scores.get(respect, 0) for respect, weight in buyer.weights.items())
    cents += buyer.taste.get(product.brand, 0) + buyer.effects.get(product.id, 0)
    if variant is not None:
        cents += wanted(buyer, variant)
    return cents - _lateness(buyer, product.delivery if days is None else days)


def wanted(buyer: Buyer, variant: Variant) -> int:
    """What the variant's options add to the worth of a product that is needed, cents."""
    return variant.worth + sum(buyer.wants.get(option, 0) for option in variant.name.split(", "))


def spent(buyer: Buyer, paid: int) -> int:
    """What paying so much costs the buyer: every cent beyond the budget counts twice."""
    return paid + max(0, paid - buyer.budget)


def utility(buyer: Buyer, product: Product, variant: Variant | None = None) -> int:
    """The buyer's surplus from owning the product at its price, cents; 0 is what leaving gives."""
    return worth(buyer, product, variant) - spent(buyer, product.price + (variant.extra if variant else 0))


def surplus(buyer: Buyer, owned: Sequence[tuple[Product, Variant | None]], paid: int) -> int:
    """The buyer's surplus from a whole visit, cents: what is owned at its end, for all that was paid.

    One piece is needed: of several, the one that is worth most counts, and the others are money lost.
    """
    return max((worth(buyer, product, variant) for product, variant in owned), default=0) - spent(buyer, paid)


def best_variant(buyer: Buyer, product: Product) -> Variant | None:
    """The variant in stock that the buyer would take, surcharge and all; the first of equals; None: there is none."""
    there = [variant for variant in product.variants if variant.stock > 0]
    return max(there, key=lambda variant: utility(buyer, product, variant)) if there else None


def logsum(buyer: Buyer, utilities: Sequence[int]) -> int:
    """Consumer surplus: the utility, cents, that a buyer with logit shocks can expect of a choice, leaving included.

        mu ln(1 + sum of exp(U / mu)),  mu = `buyer.scale`

    after Small & Rosen (1981), "Applied welfare economics with discrete choice models", Econometrica 49(1), with
    money's marginal utility 1, and without Euler's constant: leaving as the only alternative is worth 0. Without shocks
    (mu = 0) it is the best alternative's utility. What is paid beyond the budget counts as in `spent`.
    """
    best = max(0, *utilities) if utilities else 0
    if not buyer.scale:
        return best
    # Less the best, so that nothing overflows.
    weights = [math.exp((cents - best) / buyer.scale) for cents in (0, *utilities)]
    return best + round(buyer.scale * math.log(math.fsum(weights)))


def profit(product: Product, variant: Variant | None = None, number: int = 1) -> int:
    """What the seller earns with so many pieces, cents: price and surcharge, less what they cost it."""
    return number * (product.price + (variant.extra if variant else 0) - product.cost)


def dominates(buyer: Buyer, one: Product, other: Product) -> bool:
    """Whether `one` is as good as `other` in every respect that matters to the buyer and better in at least one.

    Respects are price, the weighted scores and the taste, the liking for the product itself, and how late it comes. It
    does not depend on how large the weights are, so an agent that knows what matters can see it; `utility` is then
    strictly greater. What is needed and what is not cannot be compared; of what is not, the cheaper is better.
    """
    return _better(_respects(buyer, one), _respects(buyer, other))


def dominated(buyer: Buyer, products: Sequence[Product]) -> tuple[bool, ...]:
    """For each product whether another of them dominates it. Compares all pairs: for a set, not for a whole shop."""
    respects = [_respects(buyer, product) for product in products]
    # Price comes first in both: what is dearer is told without a call.
    return tuple(any(other[0] >= mine[0] and _better(other, mine) for other in respects) for mine in respects)


def _better(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return len(one) == len(other) and one != other and all(map(ge, one, other))


def _respects(buyer: Buyer, product: Product) -> tuple[int, ...]:
    """What matters of a product, more being better; of what is not needed only the price."""
    if buyer.need and product.category != buyer.need:
        return (-product.price,)
    return (
        -product.price,
        buyer.taste.get(product.brand, 0),
        buyer.effects.get(product.id, 0),
        -_lateness(buyer, product.delivery),
        *(product.scores.get(respect, 0) for respect in buyer.weights),
    )


def _lateness(buyer: Buyer, days: int) -> int:
    return buyer.late * max(0, days - buyer.deadline) if buyer.deadline else 0


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
