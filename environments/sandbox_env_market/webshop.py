"""WebShop's human goals (princeton-nlp/WebShop, `human_goals.json`) as tasks in the generated shop, where one fits.

The goals are sentences that people wrote about products of a real shop, without those products. So a goal can only be a
task here if it names a category that the generated shop has, and its products are ours: what came of it in WebShop, and
its reward (which compares titles, attributes, options and price with one product), cannot be had again. Of the 12,087
goals published 446 fit; `sorted_out` counts the others, and why.

The words are the goal's own. The buyer needs the category, wants the colour and (where there are sizes) needs the size
that the goal names, and keeps to the price that it names; whatever else it asks for (brand, material, pattern) our
goods do not have, and counts for nothing. The rest is a stand-in's: everything of the category is worth its price, and
a tenth of a star a sixtieth of the category's range of prices.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.errors import DatasetError
from sandbox_env_market.buyers import Buyer
from sandbox_env_market.catalogue import RATING
from sandbox_env_market.goods import Goods, ShopItem
from sandbox_env_market.shelves import SHELVES, Shelf

LONGEST = 20_000
"""Characters of a goal; the longest published has 898."""

_NAMED = {
    "electric kettles": r"kettles?",
    "wireless earbuds": r"ear ?buds|in-ear headphones",
    "backpacks": r"backpacks?|rucksacks?",
    "desk lamps": r"(?:desk|reading) lamps?",
    "office chairs": r"(?:office|desk|computer|gaming) chairs?",
    "running shoes": r"running (?:shoes?|sneakers?)",
    "power banks": r"power ?banks?|portable chargers?",
    "cordless vacuum cleaners": r"vacuum cleaners?|cordless vacuums?",
    "coffee machines": r"espresso (?:maker|machine)s?|coffee (?:maker|machine)s?",
    "headphones": r"(?:over[- ]ear|noise[- ]cancell?ing|wireless|bluetooth) (?:headphones?|headsets?)",
    "bluetooth speakers": r"(?:bluetooth|wireless|portable) speakers?",
    "keyboards": r"keyboards?",
    "smart watches": r"smart ?watch(?:es)?|fitness trackers?",
    "water bottles": r"water bottles?",
    "t-shirts": r"t-? ?shirts?|tee shirts?",
    "rain jackets": r"rain ?(?:jackets?|coats?)|windbreakers?",
    "electric toothbrushes": r"(?:electric|sonic|electronic) tooth ?brush(?:es)?",
    "yoga mats": r"yoga mats?",
}
_ACCESSORY = re.compile(
    r"\b(cases?|covers?|bands?|straps?|stands?|holders?|protectors?|replacements?|cables?|adapters?|cushions?|mounts?|"
    r"heads?|skins?|chargers? for|batter(?:y|ies) for|storage|travel bags?|wristbands?|bracelets?|tips)\b"
)
_LIMIT = re.compile(r"\b(?:under|below|less than|lower than|up to|maximum of|at most)\s+\$?\s?(\d{1,5}(?:\.\d\d)?)\b")
_SIZES = {"small": "S", "medium": "M", "large": "L", "x-large": "XL", "xx-large": "XXL", "xl": "XL", "xxl": "XXL"} | {
    "extra large": "XL", "extra-large": "XL", "xx large": "XXL", "x large": "XL", "2xl": "XXL"
}  # fmt: skip


def items(path: str, goals: Sequence[Any], shop: Goods) -> Sequence[ShopItem]:
    """An item per goal that fits, with the goal's place in the file (from 0) for its id.

    Raises:
        DatasetError: the document is no list of sentences.
    """
    _check(path, goals)
    found = ((number, goal, _shelf(goal)) for number, goal in enumerate(goals))
    return [_item(number, goal, shelf, shop) for number, goal, shelf in found if isinstance(shelf, Shelf)]


def sorted_out(path: str, goals: Sequence[Any]) -> Mapping[str, int]:
    """How many goals become items (`fit`), and how many do not, by reason."""
    _check(path, goals)
    shelves = map(_shelf, goals)
    return Counter("fit" if isinstance(shelf, Shelf) else shelf for shelf in shelves)


def _check(path: str, goals: Sequence[Any]) -> None:
    faults = [
        f"goal {number}: {'no text' if not isinstance(goal, str) else f'more than {LONGEST:,} characters'}"
        for number, goal in enumerate(goals)
        if not isinstance(goal, str) or len(goal) > LONGEST
    ]
    if faults:
        more = [f"... and {len(faults) - 100:,} more"] if len(faults) > 100 else []
        raise DatasetError.of(path, [*faults[:100], *more])


def _shelf(goal: str) -> Shelf | str:
    """The shelf that has what a goal is about, or the reason why there is none."""
    text = goal.lower()
    named = {match.lastgroup for match in _SHELF.finditer(text)}
    if not named:
        return "no category of ours"
    if len(named) > 1:
        return "several categories"
    return "an accessory" if _ACCESSORY.search(text) else SHELVES[int(str(named.pop())[1:])]


_SHELF = re.compile(
    rf"\b(?:{'|'.join(f'(?P<s{i}>{_NAMED[shelf.category.name]})' for i, shelf in enumerate(SHELVES))})\b"
)


def _item(number: int, goal: str, shelf: Shelf, shop: Goods) -> ShopItem:
    category, text = shelf.category, goal.lower()
    span = category.dearest - category.cheapest
    limit = _LIMIT.search(text)
    budget = round(100 * float(limit[1])) if limit else category.dearest
    value = category.dearest
    wants: dict[str, int] = {}
    if size := _size(text, shelf):
        must = value + 2 * span
        wants[f"{shelf.sized}: {size}"], value = must, value - must
    if colour := next((one for one in shelf.colours if re.search(rf"\b{one}\b", text)), None):
        wants[f"Colour: {colour}"] = span * 2 // 5
    return ShopItem(
        id=str(number),
        kind="open",
        category=category.name,
        task=goal,
        buyer=Buyer(value=value, budget=budget, weights={RATING: max(1, span // 300)}, need=category.name, wants=wants),
        products=(),
        goods=shop,
        query=category.name,
    )


def _size(text: str, shelf: Shelf) -> str:
    """The size that a goal names, of those that there are; empty: none."""
    if shelf.sized == "Size" and "M" in shelf.sizes:
        words = sorted(_SIZES, key=len, reverse=True)
        named = re.search(rf"(?<![\w-])(?<!\bx )({'|'.join(words)})\b", text)
        return _SIZES[named[1]] if named else ""
    named = re.search(r"\bsize (\d\d)\b", text) if shelf.sized == "Size" else None
    return named[1] if named and named[1] in shelf.sizes else ""
