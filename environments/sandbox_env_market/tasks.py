"""The fixed population of shopping tasks in a generated shop: a number in, a buyer with a need and the words of it.

A task asks for one piece of one category. The buyer has a budget, and weights, tastes and wishes as `buyers` has them;
wanted are a size where the category has sizes, a colour in half of the tasks, and arrival by a day in half. The words
come in three precisions, of the same buyer:

| precision | is told |
|---|---|
| `exact` | all that the utility is made of, in numbers: nothing is left to guess but what is on the shelves |
| `attributes` | the budget, what is wanted, by when, and which attributes matter in which order, but not how much |
| `vague` | what for, about how much there is to spend, and the size where there are sizes |

All draws are integers, and a task depends on its number, the shop's size and its seed only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from sandbox.errors import InputError
from sandbox.scenario import Luck
from sandbox_env_market.bill import SHIPPING
from sandbox_env_market.buyers import Buyer, in_words, spent, wanted, worth
from sandbox_env_market.catalogue import RATING, Product
from sandbox_env_market.goods import Goods, ShopItem
from sandbox_env_market.page import money
from sandbox_env_market.shelves import SHELVES, Shelf
from sandbox_env_market.stock import stock_of

if TYPE_CHECKING:
    from sandbox_env_market.config import ShopConfig

Precision = Literal["exact", "attributes", "vague"]

_IMPORTANCE = (55, 30, 12)
"""Per cent of the shelf's price range that 100 points are worth, by rank; the fourth respect counts for nothing."""
_TRIES = 50
"""Draws after which ties for the best are accepted: of a shelf with two products, no draw may be without."""


def shopping_items(config: ShopConfig) -> Sequence[ShopItem]:
    """The first `config.items` tasks: of the generated shop, or of the file that `config.goods` names.

    A file may have fewer. See `files` for the formats.

    Raises:
        DatasetError: the file cannot be read, or has faults, which it lists all.
        InputError: its goods do not fit into the config's flow.
    """
    goods = Goods(size=config.size, seed=config.stock_seed)
    if config.goods == "catalogue":
        return [task(number, goods, config.precision) for number in range(config.items)]
    from sandbox_env_market.files import items_in

    items = items_in(config.goods, config.precision, goods)[: config.items]
    if any(item.goods for item in items) and (config.flow == "direct" or config.randomise):
        raise InputError(
            f"{config.goods}: its goods are a whole shop or have variants, which need `flow: cart` and no `randomise`; "
            "those are for tables with sets of up to 100 products"
        )
    return items


@lru_cache(maxsize=4096)
def task(number: int, goods: Goods, precision: Precision) -> ShopItem:
    """The task with this number, 0 <= number, in the generated shop `goods`; the shelves take turns."""
    shelf = SHELVES[number % len(SHELVES)]
    generator = Luck(number).generator("market/Shop-v0", "task", goods.seed, goods.size)
    products = stock_of(goods).by_category[shelf.category.name]
    for _ in range(_TRIES):
        buyer, ranked = _buyer(shelf, products, generator)
        surpluses = sorted(_surplus(buyer, product) for product in products)
        if surpluses[-1] > 0 and (len(surpluses) == 1 or surpluses[-1] > surpluses[-2]):
            break
    occasion = shelf.category.occasions[int(generator.integers(0, len(shelf.category.occasions)))]
    return ShopItem(
        id=str(number),
        kind="open",
        category=shelf.category.name,
        task=_WORDS[precision](shelf, buyer, ranked, occasion),
        buyer=buyer,
        products=(),
        goods=goods,
        query=shelf.category.name,
    )


def _buyer(shelf: Shelf, products: Sequence[Product], generator: np.random.Generator) -> tuple[Buyer, list[str]]:
    """A buyer, and the four respects from what matters most to what does not."""
    category = shelf.category
    span = category.dearest - category.cheapest
    respects = (RATING, *(attribute.name for attribute in category.attributes))
    ranked = [respects[i] for i in generator.permutation(4)]
    weights = {
        respect: max(1, span * importance * int(generator.integers(80, 121)) // 1_000_000)
        for importance, respect in zip(_IMPORTANCE, ranked, strict=False)
    }
    brands = sorted({product.brand for product in products})
    brand = brands[int(generator.integers(0, len(brands)))]
    liking = int(generator.integers(-1, 2)) * span * int(generator.integers(4, 11)) // 100
    coloured, hurried = (bool(flip) for flip in generator.integers(0, 2, size=2))
    colour = shelf.colours[int(generator.integers(0, len(shelf.colours)))]
    wants = {f"Colour: {colour}": span * int(generator.integers(3, 9)) // 100} if coloured else {}
    deadline = int(generator.integers(2, 6)) if hurried else 0
    late = max(50, span * int(generator.integers(2, 7)) // 100) if hurried else 0

    rough = Buyer(
        value=0,
        budget=10**9,
        weights=weights,
        taste={brand: liking} if liking else {},
        need=category.name,
        wants=wants,
        deadline=deadline,
        late=late,
        scale=max(50, span * 3 // 100),
    )
    best = max(products, key=lambda product: _surplus(rough, product))
    budget = -(-(best.price + SHIPPING) * int(generator.integers(108, 146)) // 10_000) * 100
    # A third to two thirds of the shelf are worth their price, so that buying and leaving can both be wrong.
    buyer = rough.model_copy(update={"budget": budget})
    ranking = sorted(_surplus(buyer, product) for product in products)
    value = max(100, 100 - ranking[len(ranking) * int(generator.integers(33, 67)) // 100])
    if shelf.sizes:
        size = shelf.sizes[int(generator.integers(0, len(shelf.sizes)))]
        # What does not fit is worth so much less that nothing makes up for it.
        must = value + span * 2
        wants, value = {f"{shelf.sized}: {size}": must, **wants}, value - must
    return buyer.model_copy(update={"value": value, "wants": wants}), ranked


def _surplus(buyer: Buyer, product: Product) -> int:
    """What having it sent in its best variant is worth, cents."""
    # Not through `best_variant`: the worth of the product is reckoned once, not once per variant.
    plain, price = worth(buyer, product), product.price + SHIPPING
    offers = {(wanted(buyer, variant), variant.extra) for variant in product.variants if variant.stock} or {(0, 0)}
    return plain + max(gain - spent(buyer, price + extra) for gain, extra in offers)


def _fitting(buyer: Buyer, shelf: Shelf) -> str:
    """` in size 42`, where there are sizes: no precision leaves out what a piece is useless without."""
    sizes = [option.partition(": ") for option in buyer.wants if shelf.sizes and option.startswith(f"{shelf.sized}: ")]
    return "".join(f" It has to be {sized.lower()} {size}." for sized, _, size in sizes)


def _colour(buyer: Buyer) -> tuple[str, int] | None:
    return next(((o.removeprefix("Colour: "), cents) for o, cents in buyer.wants.items() if "Colour: " in o), None)


def _vague(shelf: Shelf, buyer: Buyer, ranked: Sequence[str], occasion: str) -> str:
    about = money(-(-buyer.budget // 1000) * 1000).removesuffix(".00")
    return f"You need {shelf.category.wanted} {occasion}. You have about {about} to spend.{_fitting(buyer, shelf)}"


def _attributes(shelf: Shelf, buyer: Buyer, ranked: Sequence[str], occasion: str) -> str:
    needs = _needs(shelf)
    said = in_words(
        shelf.category.wanted, occasion, money(buyer.budget), [needs[respect] for respect in ranked], buyer.taste
    )
    parts = [said + _fitting(buyer, shelf)]
    if colour := _colour(buyer):
        parts.append(f"You would like it in {colour[0]}.")
    if buyer.deadline:
        parts.append(f"You need it within {buyer.deadline} days; every day after that is a nuisance.")
    return " ".join(parts)


def _exact(shelf: Shelf, buyer: Buyer, ranked: Sequence[str], occasion: str) -> str:
    category = shelf.category
    ends = {
        a.name: (a.in_table(a.low), a.in_table(a.high))[:: 1 if a.more_is_better else -1] for a in category.attributes
    }
    ends[RATING] = ("3 stars or less", "5 stars")
    fit = sum(cents for option, cents in buyer.wants.items() if not option.startswith("Colour: "))
    parts = [
        f"You need {category.wanted} {occasion}, one piece.{_fitting(buyer, shelf)}",
        f"The plainest {'that fits' if fit else 'one'} is worth {money(buyer.value + fit)} to you"
        + (f", one that does not fit {money(fit)} less, but never less than nothing" if fit else "")
        + ", and anything else nothing.",
    ]
    for respect in ranked[:3]:
        worst, best = ends[respect]
        name = "Its rating" if respect == RATING else respect
        parts.append(
            f"{name} adds up to {money(100 * buyer.weights[respect])}: nothing at {worst}, all of it at {best}, and in "
            "proportion in between."
        )
    parts.append(f"You do not care {_needs(shelf)[ranked[3]]}.")
    for brand, cents in buyer.taste.items():
        parts.append(f"If it is by {brand}, it is worth {money(abs(cents))} {'more' if cents > 0 else 'less'} to you.")
    if colour := _colour(buyer):
        parts.append(f"In {colour[0]} it is worth {money(colour[1])} more.")
    if buyer.deadline:
        parts.append(f"It should arrive within {buyer.deadline} days: each day later costs you {money(buyer.late)}.")
    parts.append(
        f"All that you pay is to be set against that, and every cent beyond your budget of {money(buyer.budget)} "
        "counts twice. What is left is what you gain; buying nothing gains nothing."
    )
    return " ".join(parts)


def _needs(shelf: Shelf) -> Mapping[str, str]:
    return {a.name: a.need for a in shelf.category.attributes} | {RATING: "how well other buyers rate it"}


_WORDS = {"exact": _exact, "attributes": _attributes, "vague": _vague}
