"""A shop's whole stock, rebuilt from its recipe and kept: products by id, and a search over all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from sandbox.errors import InputError
from sandbox_env_market.catalogue import Product
from sandbox_env_market.goods import Goods
from sandbox_env_market.page import Option, money

Places = npt.NDArray[np.int64]

SORTS = ("relevance", "price_up", "price_down", "rating", "reviews", "delivery")
FILTERS = ("brand", "rating", "price", "delivery")

_TOKEN = re.compile(r"\w+")
_SAID = frozenset(
    {
        "a",
        "an",
        "and",
        "any",
        "by",
        "for",
        "from",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "please",
        "some",
        "that",
        "the",
        "this",
        "to",
        "with",
        "you",
        "your",
    }
)
"""Words that say nothing about a product."""
_INDEXED = 20_000
"""Characters of a field that are searched: a title of a megabyte is kept, but not all of it is indexed."""


class Stock:
    """Products and a search over them. Pure: the same question gets the same answer, on any machine.

    Attributes:
        products: in the given order.
        by_id: the same by id; the first of products with one id.
    """

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = tuple(products)
        self.by_id: Mapping[str, Product] = {product.id: product for product in reversed(self.products)}
        self._place = {product.id: place for place, product in reversed(list(enumerate(self.products)))}
        self._offered: dict[tuple[str, ...], Mapping[str, tuple[Option, ...]]] = {}
        self._found: dict[tuple[str, frozenset[tuple[str, str]], str], tuple[str, ...]] = {}

    def search(
        self, query: str = "", filters: Mapping[str, str] | None = None, sort: str = "relevance"
    ) -> tuple[str, ...]:
        """Ids of the products that hold every word of the query, and pass every filter.

        Words are compared without case and plural; those like "a" and "for" do not count. A word is looked for in
        title, brand, category, description and the names of the variants.

        Relevance: the sum over the words of 8 for each of title and category that it stands in, 6 for the brand, and 1
        for description and variants; among equals the one with more reviews x rating first. Being sponsored does not
        help. Without a query, relevance is the given order. Equals in any other order are in order of relevance.

        Args:
            query: words; empty: all products.
            filters: `brand` that is exactly so; `rating` at least; `price`, `low-high` in cents, either end may be
                empty; `delivery` in at most so many days. An empty value filters nothing.
            sort: `relevance`, `price_up`, `price_down`, `rating` or `reviews` (most first), `delivery` (soonest first).

        Raises:
            InputError: there is no such filter or order, or a filter's value cannot be read.
        """
        key = (" ".join(_words(query)), frozenset((filters or {}).items()), sort)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= 64:
                self._found.clear()
            found = self._found[key] = self._search(key[0].split(), filters or {}, sort)
        return found

    @cached_property
    def by_category(self) -> Mapping[str, tuple[Product, ...]]:
        """The products of each category, in the given order."""
        found: dict[str, list[Product]] = {}
        for product in self.products:
            found.setdefault(product.category, []).append(product)
        return {category: tuple(products) for category, products in found.items()}

    def facets(self, found: Sequence[str]) -> Mapping[str, tuple[Option, ...]]:
        """What is worth offering as filters for these products: by filter, value and words; none that keeps them all.

        Up to six brands, those with most products first; ratings of 4 and 4.5 and more; three bands of price, each
        with about a third; delivery within one, two and three days.
        """
        key = tuple(found)
        if key not in self._offered:
            if len(self._offered) >= 64:
                self._offered.clear()
            self._offered[key] = self._facets(key)
        return self._offered[key]

    def _facets(self, found: tuple[str, ...]) -> Mapping[str, tuple[Option, ...]]:
        if len(found) < 2:
            return {}
        places = np.fromiter((self._place[name] for name in found), np.int64, len(found))
        rating, days = self._columns["rating"][places], self._columns["days"][places]
        price = np.sort(self._columns["price_down"][places])
        brands = Counter(self._brands[places].tolist()).most_common(6)
        low, high = (-(-int(price[len(price) * third // 3]) // 500) * 500 for third in (1, 2))
        offered: dict[str, list[tuple[str, str, int]]] = {
            "brand": [(brand, brand, n) for brand, n in brands if brand],
            "rating": [(text, f"{text} stars and up", _count(rating >= 1000 * float(text))) for text in ("4", "4.5")],
            "price": [
                (f"-{low}", f"Up to {money(low)}", _count(price <= low)),
                (f"{low}-{high}", f"{money(low)} to {money(high)}", _count((low <= price) & (price <= high))),
                (f"{high}-", f"{money(high)} and up", _count(price >= high)),
            ],
            "delivery": [
                (str(n), f"Within {n} day{'s' * (n > 1)}", _count((days > 0) & (days <= n))) for n in (1, 2, 3)
            ],
        }
        if not price[0] < low < high <= price[-1]:
            del offered["price"]
        kept = {
            by: tuple(Option(value=value, name=name) for value, name, n in options if 0 < n < len(found))
            for by, options in offered.items()
        }
        return {by: options for by, options in kept.items() if options}

    def _search(self, words: Sequence[str], filters: Mapping[str, str], sort: str) -> tuple[str, ...]:
        if sort not in SORTS:
            raise InputError(f"no order {sort!r} in this shop; expected one of {', '.join(SORTS)}")
        places, relevance = np.arange(len(self.products)), np.zeros(len(self.products), dtype=np.int64)
        for word in words:
            holding, weights = self._index.get(word, _NOWHERE)
            places = np.intersect1d(places, holding, assume_unique=True)
            relevance[holding] += weights
        for by, value in filters.items():
            if value:
                places = places[self._passes(by, value)[places]]
        columns = self._columns
        keys = [columns["popular"][places], relevance[places]] if words else [-places]
        if sort != "relevance":
            keys.append(columns[sort][places])
        order = np.lexsort([-places, *keys])[::-1]
        return tuple(self._ids[places[order]].tolist())

    def _passes(self, by: str, value: str) -> npt.NDArray[np.bool_]:
        columns = self._columns
        try:
            if by == "brand":
                return np.asarray(self._brands == value, dtype=bool)
            if by == "rating":
                return columns["rating"] >= round(1000 * _number(value))
            if by == "delivery":
                return (columns["days"] > 0) & (columns["days"] <= int(value))
            if by == "price":
                low, dash, high = value.partition("-")
                if not dash:
                    raise ValueError
                return (columns["price_down"] >= int(low or 0)) & (columns["price_down"] <= int(high or 10**12))
        except (ValueError, OverflowError):
            expected = {"rating": "4 or 4.5", "delivery": "2", "price": "2000-5000 (cents)"}[by]
            raise InputError(
                f"filter {by}: {value!r:.80} cannot be read; expected a value such as {expected}"
            ) from None
        raise InputError(f"no filter {by!r} in this shop; expected one of {', '.join(FILTERS)}")

    @cached_property
    def _columns(self) -> Mapping[str, Places]:
        """By the order that they are for, so that the greatest comes first."""
        price = np.array([product.price for product in self.products], dtype=np.int64)
        # Thousandths: a file may have ratings of more decimals than one.
        rating = np.array([round(1000 * product.rating) for product in self.products], dtype=np.int64)
        reviews = np.array([product.reviews for product in self.products], dtype=np.int64)
        days = np.array([product.delivery for product in self.products], dtype=np.int64)
        return {
            "price_up": -price,
            "price_down": price,
            "rating": rating,
            "reviews": reviews,
            "delivery": -np.where(days > 0, days, 10**6),  # what is not said comes last
            "days": days,
            "popular": np.minimum(reviews, 10**12) * rating,
        }

    @cached_property
    def _ids(self) -> npt.NDArray[np.object_]:
        return np.array([product.id for product in self.products], dtype=object)

    @cached_property
    def _brands(self) -> npt.NDArray[np.object_]:
        return np.array([product.brand for product in self.products], dtype=object)

    @cached_property
    def _index(self) -> Mapping[str, tuple[Places, Places]]:
        """Word -> places of the products that hold it, and what it weighs in each."""
        size, codes = len(self.products), _Codes()
        keys, weights = [], []
        for weight, texts in self._texts():
            found = [_TOKEN.findall(text[:_INDEXED].casefold()) for text in texts]
            code = np.fromiter((codes[word] for words in found for word in words), np.int64)
            place = np.repeat(np.arange(size), [len(words) for words in found])
            held = np.unique((code * size + place)[code >= 0])
            keys.append(held)
            weights.append(np.full(len(held), weight))
        if not size:
            return {}
        every, which = np.unique(np.concatenate(keys), return_inverse=True)
        total = np.bincount(which, np.concatenate(weights)).astype(np.int64)
        word, place = every // size, every % size
        ends = np.searchsorted(word, np.arange(len(codes.kept) + 1))
        return {kept: (place[ends[i] : ends[i + 1]], total[ends[i] : ends[i + 1]]) for i, kept in enumerate(codes.kept)}

    def _texts(self) -> Iterator[tuple[int, list[str]]]:
        """What is searched, field by field, with what a word weighs there."""
        for field, weight in (("title", 8), ("brand", 6), ("category", 8)):
            yield weight, [getattr(product, field) for product in self.products]
        yield (
            1,
            [
                " ".join([p.description[:_INDEXED], *(variant.name for variant in p.variants)])
                if p.variants
                else p.description
                for p in self.products
            ],
        )


class _Codes(dict[str, int]):
    """A number for each word as it is written, the same for its plural; -1 for one that says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        code = -1 if word in _SAID else self.kept.setdefault(_singular(word), len(self.kept))
        self[word] = code
        return code


_NOWHERE = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def _count(mask: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def _words(text: str) -> list[str]:
    return [_singular(word) for word in _TOKEN.findall(text.casefold()) if word not in _SAID]


def _singular(word: str) -> str:
    """The word without a plural's ending: `shoes` is `shoe`, `watches` is `watch`, `batteries` is `battery`."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes")) else word[:-1]


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1e9:  # also not a number
        raise ValueError
    return number


@lru_cache(maxsize=4)
def stock_of(goods: Goods) -> Stock:
    """The stock that a recipe stands for; the last four are kept.

    Raises:
        DatasetError: the recipe's file is missing, has faults, or is not the one that the recipe was made of.
    """
    if not goods.path:
        from sandbox_env_market.generator import generated

        return Stock(generated(goods.seed, goods.size))
    from sandbox_env_market.files import goods_in

    return Stock(goods_in(goods))
