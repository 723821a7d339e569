"""The generated shop: a number in, thousands of believable products out, the same on any machine.

A product has a hidden quality, which its maker's tier shifts. Its attributes scatter about that quality, its price
rises with what the attributes are worth and with its maker's name, and its rating with quality and value for money, so
that the three are correlated and none tells all. Ratings crowd between 3.8 and 4.7 with a long tail below, numbers of
reviews are log-normal, and prices end as prices do. Labels (sponsored, overall pick) are drawn apart and mean nothing;
a best seller has many reviews. All draws are integers made of 32-bit words, a row of words per product: no rounding
differs anywhere, and a larger shop begins with the products of a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from sandbox.scenario import Luck
from sandbox_env_market.catalogue import MODELS, RATING, Attribute, Comment, Product, Spec, Variant
from sandbox_env_market.shelves import MAKERS, SELLERS, SHELVES, Maker, Shelf
from sandbox_env_market.words import about, band, beginnings, boasts, endings, listed, pitches

Ints = npt.NDArray[np.int64]
T = TypeVar("T")

BEST_SELLER = 4000
"""Reviews from which a product has the badge."""

_WORDS = 96
"""Words drawn per product; more than are used, so that a later use changes no earlier one."""
_ODD, _MASK = 0x9E3779B1, (1 << 30) - 1
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_EXP = np.array([round(1000 * math.exp(k / 100)) for k in range(-700, 701)], dtype=np.int64)
"""1000 e^(k/100), -700 <= k <= 700: whole numbers, so that no machine's exponential matters."""
_ENDINGS = (99, 99, 99, 99, 99, 95, 95, 90, 49, 100)
_DAYS = (1, 1, 2, 2, 2, 3, 3, 4, 5, 7)
_SUFFIXES = ("", "", "", " 2", " 3", " SE", " X", " 200", " 500", " Mk II")


def generated(seed: int, size: int) -> tuple[Product, ...]:
    """The shop's products; the shelves take turns. `stock.stock_of` keeps them.

    Args:
        seed: of the shop, 0 <= seed.
        size: how many, 1 <= size; a larger shop of the same seed begins with the same products.
    """
    words = Luck(seed).generator("market/Shop-v0", "stock").integers(0, 1 << 32, size=(size, _WORDS), dtype=np.uint32)
    numbers = np.arange(size)
    drawn = words.astype(np.int64)
    columns = [_numbers(shelf, drawn[numbers % len(SHELVES) == i]) for i, shelf in enumerate(SHELVES)]
    rows = words.tolist()
    ids = [product_id(number, seed) for number in range(size)]
    ranges = [_Range(shelf) for shelf in SHELVES]
    return tuple(
        ranges[i % len(SHELVES)].product(ids[i], columns[i % len(SHELVES)][i // len(SHELVES)], rows[i])
        for i in range(size)
    )


class _Row(NamedTuple):
    """The numbers of one product, in the order of `_numbers`' columns."""

    maker: int
    first: int
    second: int
    third: int
    price: int
    tenths: int
    reviews: int
    cost: int


def _normal(words: Ints, at: int) -> Ints:
    """Hundredths of a standard deviation: the sum of four uniforms, within 3.46 of 0."""
    total: Ints = words[:, at : at + 4].sum(axis=1)
    return (total * 173 >> 32) - 346


def _numbers(shelf: Shelf, words: Ints) -> list[_Row]:
    """Everything about a shelf's products that is a number, column by column."""
    category = shelf.category
    maker = words[:, 0] * len(MAKERS) >> 32
    quality = 52 + np.array([m.quality for m in MAKERS])[maker] + 15 * _normal(words, 1) // 100
    values, scores = [], []
    for i, attribute in enumerate(category.attributes):
        good = np.clip(quality + 20 * _normal(words, 5 + 4 * i) // 100, 0, 100)
        points = good if attribute.more_is_better else 100 - good
        steps = (attribute.high - attribute.low) // attribute.step
        value = attribute.low + attribute.step * ((points * steps + 50) // 100)
        high = 100 * (value - attribute.low) // (attribute.high - attribute.low)
        values.append(value)
        scores.append(high if attribute.more_is_better else 100 - high)
    merit = (5 * scores[0] + 4 * scores[1] + 3 * scores[2]) // 12
    premium = np.array([m.premium for m in MAKERS])[maker]
    dear = np.clip(8 + 72 * merit // 100 + 60 * premium // 100 + 9 * _normal(words, 17) // 100, 0, 100)
    # Convex: most of a shelf stands in the lower half of its price range.
    cents = category.cheapest + (category.dearest - category.cheapest) * dear * (40 + 60 * dear // 100) // 10_000
    price = np.maximum(cents // 100, 1) * 100 - 100 + np.array(_ENDINGS)[words[:, 21] * len(_ENDINGS) >> 32]
    luck = _normal(words, 22)
    luck = np.where(luck < 0, luck * 17 // 10, luck * 6 // 10)
    tenths = np.clip((4270 + 8 * (quality - 52) + 9 * (merit - dear) + 3 * luck) // 100, 18, 50)
    popular = 130 * _normal(words, 26) // 100 + (50 - dear) + 6 * (tenths - 42)
    reviews = np.maximum(3, 190 * _EXP[np.clip(popular, -700, 700) + 700] // 1000)
    cost = price * (72 - 28 * dear // 100 - (words[:, 30] * 10 >> 32)) // 100
    return [_Row(*row) for row in np.stack([maker, *values, price, tenths, reviews, cost], axis=1).tolist()]


class _Range:
    """A shelf's products, with what they share made once."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.category = shelf.category
        self.pitches = pitches(shelf)
        self.beginnings = beginnings(shelf)
        self.respects = tuple(attribute.name for attribute in shelf.category.attributes)

    def product(self, name: str, row: _Row, words: Sequence[int]) -> Product:
        """The product with this id."""
        category = self.category
        maker: Maker = MAKERS[row.maker]
        model = f"{_pick(MODELS, words[31])}{_pick(_SUFFIXES, words[32])}"
        values = (row.first, row.second, row.third)
        scores = [attribute.score(value) for attribute, value in zip(category.attributes, values, strict=True)]
        delivery = _pick(_DAYS, words[33])
        variants, colours, stock = self._variants(row.price, words)
        shown = [_shown(attribute, value) for attribute, value in zip(category.attributes, values, strict=True)]
        sales = [_pick(_boasts(category.attributes[i], values[i]), words[40 + i]) for i in (0, 1, 2)]
        if words[43] & 1:
            sales.reverse()
        pitch = _pick(self.pitches, words[44]).format(f"{maker.name} {model}")
        return Product(
            id=name,
            brand=maker.name,
            title=f"{maker.name} {model} {category.noun}, {shown[0][0]}, {shown[1][0]}",
            price=row.price,
            rating=row.tenths / 10,
            reviews=row.reviews,
            sponsored=words[45] < 1 << 29,  # one in eight
            endorsed=words[46] < 1 << 26,  # one in 64
            stock=stock,
            specs=tuple(spec for _, spec in shown),
            comments=self._comments(row.tenths, scores, delivery, words),
            scores={RATING: max(0, 5 * (row.tenths - 30)), **dict(zip(self.respects, scores, strict=True))},
            category=category.name,
            seller=_pick(SELLERS, words[47]),
            description=" ".join([pitch, *sales, f"In {listed(colours)}."]),
            best_seller=row.reviews >= BEST_SELLER,
            delivery=delivery,
            cost=row.cost,
            variants=variants,
            colour=colours[0],
            style=words[48] >> 29,
        )

    def _variants(self, price: int, words: Sequence[int]) -> tuple[tuple[Variant, ...], tuple[str, ...], int]:
        """Colours times sizes, the colours, and the units of all; one colour without sizes is no variant."""
        shelf = self.shelf
        start, several = words[34] * len(shelf.colours) >> 32, 1 + (words[35] * (2 if shelf.sizes else 4) >> 32)
        colours = tuple(shelf.colours[(start + i) % len(shelf.colours)] for i in range(several))
        # Each option's surcharge and stock are digits of a word of their own.
        dear = 50 * (1 + price // 4000)
        sizes = shelf.sizes or ("",)
        if len(sizes) > 5:
            cut = words[36] * (len(sizes) - 4) >> 32
            sizes = sizes[cut : cut + 5]
        if len(colours) * len(sizes) == 1:
            return (), colours, 1 + (words[37] * 240 >> 32)
        made: list[Variant] = []
        total = 0
        for i, colour in enumerate(colours):
            for j, size in enumerate(sizes):
                word = words[50 + (5 * i + j) % 20]
                stock = 0 if made and word % 12 == 0 else 1 + (word >> 8) % 60
                extra = dear * (((word >> 16) % 6 == 0) + (size == "XXL"))
                total += stock
                made.append(_variant(colour, size, shelf.sized, extra, stock))
        return tuple(made), colours, total

    def _comments(self, tenths: int, scores: Sequence[int], delivery: int, words: Sequence[int]) -> tuple[Comment, ...]:
        """Three to six reviews whose stars scatter about the rating, each about what speaks for its stars."""
        attributes = self.category.attributes
        ranked = sorted(range(3), key=lambda i: -scores[i])
        bands = [band(score) for score in scores]
        said = []
        for i in range(3 + (words[49] * 4 >> 32)):
            word = words[72 + i]
            stars = min(5, max(1, (tenths + (word & 15) + ((word >> 4) & 15) - 10) // 10))
            subject, end = _subject(stars, ranked, bands, word >> 8), _choose(endings(stars), word >> 22)
            if subject is None:
                said.append(_comment(stars, f"{_choose(self.beginnings, word >> 17)} {end}"))
                continue
            opinion = _choose(about(attributes[subject], bands[subject]), word >> 10)
            form = (word >> 14) % 4
            if form == 0:
                text = opinion
            elif form == 1:
                text = f"{_choose(self.beginnings, word >> 17)} {opinion}"
            elif form == 2:
                text = f"{opinion} {end}"
            else:
                here = "Here the next day." if delivery == 1 else f"Here in {delivery} days."
                text = f"{here} {opinion} {end}"
            said.append(_comment(stars, text))
        return tuple(said)


def _subject(stars: int, ranked: Sequence[int], bands: Sequence[int], bits: int) -> int | None:
    """The attribute that a review is about: one that fits its stars, or None where none does."""
    if stars == 3:
        return ranked[1]
    fitting = [i for i in ranked if (bands[i] > 0 if stars > 3 else bands[i] < 2)]
    if not fitting:
        return None
    return _choose(fitting, bits & 1) if stars > 3 else fitting[-1]


def _pick(options: Sequence[T], word: int) -> T:
    return options[word * len(options) >> 32]


def _choose(options: Sequence[T], bits: int) -> T:
    return options[bits % len(options)]


@lru_cache(maxsize=8192)
def _shown(attribute: Attribute, value: int) -> tuple[str, Spec]:
    return attribute.in_title(value), Spec(name=attribute.name, shown=attribute.in_table(value))


_boasts = lru_cache(maxsize=8192)(boasts)


@lru_cache(maxsize=65_536)
def _variant(colour: str, size: str, sized: str, extra: int, stock: int) -> Variant:
    name = f"Colour: {colour}, {sized}: {size}" if size else f"Colour: {colour}"
    return Variant(id=f"{colour}-{size}" if size else colour, name=name, extra=extra, stock=stock)


@lru_cache(maxsize=65_536)
def _comment(stars: int, text: str) -> Comment:
    return Comment(stars=stars, text=text)


def product_id(number: int, seed: int) -> str:
    """A different id for each number; tells neither quality nor place."""
    code = ((number + 1) * _ODD ^ (seed * 0x85EBCA6B + 0x27D4EB2F)) & _MASK
    return "p" + "".join(_LETTERS[code >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))
