"""Which product was chosen out of which: the choices that a choice model is fitted to, and their matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sandbox.stats.arrays import Floats
from sandbox.trace import Choice, MenuEntry, item_of

TAKES, SHOWS = ("buy", "add"), ("buy", "add", "open")
PICK = "pick"
"""Kind of the move that chooses an alternative of an imported choice set, all of whose features are regressors."""
ATTRIBUTES = ("ln_price", "ln_reviews", "rating", "sponsored", "endorsed", "scarcity")
GRID = 8
"""Products of a page that stands as 2 rows of 4, row by row, as in ACES (arXiv 2508.02630)."""
PLACES = 8
"""Places of a list that have a regressor each; the last of all is what they are compared with, or all from this on."""
PRODUCTS = 200
"""Product effects that are fitted; more of them make a matrix that does not fit into memory."""


@dataclass(frozen=True)
class ProductChoice:
    """One product chosen out of those on the page: `alternatives` in the order shown, `chosen` indexes them."""

    choice: Choice
    products: tuple[str, ...]
    alternatives: tuple[MenuEntry, ...]
    chosen: int
    imported: bool


@dataclass
class Found:
    """What an agent's choices in one group come to; `without` of `visits` ended without a choice of a product."""

    chosen: list[ProductChoice] = field(default_factory=list)
    visits: int = 0
    without: int = 0


def product_choices(choices: Sequence[Choice]) -> Found:
    """Each `buy` or `add`, with the products of the page of results that was last seen before it; each `pick`.

    `choices` are of one agent, in the table's order. On a product's own page nothing can be compared: whoever buys
    there chose from the results.
    """
    visits: dict[str, list[Choice]] = {}
    for choice in choices:
        visits.setdefault(choice.episode, []).append(choice)
    found = Found()
    for steps in visits.values():
        page: dict[str, MenuEntry] = {}
        shopping = False
        before = len(found.chosen)
        for choice in steps:
            kinds = {str(entry.move.get("kind")) for entry in choice.alternatives}
            if PICK in kinds:
                shopping = True
                page = {str(i): e for i, e in enumerate(choice.alternatives) if e.move.get("kind") == PICK}
                if choice.chosen is not None and str(choice.chosen) in page:
                    found.chosen.append(_picked(choice, page))
                continue
            shown = _shown(choice)
            if len(shown) > 1 or (shown and "open" in kinds):
                page, shopping = shown, True
            decision = choice.alternatives[choice.chosen] if choice.chosen is not None else None
            if decision is None or decision.move.get("kind") not in TAKES:
                continue
            product = str(decision.move.get("product"))
            if product in page and len(page) > 1:
                entries = tuple(page.values())
                found.chosen.append(ProductChoice(choice, tuple(page), entries, list(page).index(product), False))
        found.visits += shopping
        found.without += shopping and len(found.chosen) == before
    return found


def _shown(choice: Choice) -> dict[str, MenuEntry]:
    """Product -> the entry that has its features, in the order shown."""
    products: dict[str, MenuEntry] = {}
    for kind in SHOWS:
        for entry in choice.alternatives:
            if entry.move.get("kind") == kind and "product" in entry.move:
                products.setdefault(str(entry.move["product"]), entry)
    return products


def _picked(choice: Choice, page: dict[str, MenuEntry]) -> ProductChoice:
    names = tuple(entry.content for entry in page.values())
    return ProductChoice(choice, names, tuple(page.values()), list(page).index(str(choice.chosen)), True)


@dataclass(frozen=True)
class Design:
    """Choice sets as a matrix with a row per alternative.

    Attributes:
        names: of the columns, `features` (rows, names).
        sets: (rows,), the place of the row's choice; `chosen`: (rows,), whether it was chosen.
        items: (choices,), a number for the choice's item: the cluster.
        places: (rows,), where the alternative stood, from 0. `products`: (rows,), what it was.
        missing: regressor -> why it has no column.
    """

    names: tuple[str, ...]
    features: Floats
    sets: NDArray[np.intp]
    chosen: NDArray[np.bool_]
    items: NDArray[np.intp]
    places: NDArray[np.intp]
    products: tuple[str, ...]
    missing: dict[str, str]

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Names of columns that are one respect together: `position`, `product`; only those that are there."""
        position = tuple(name for name in self.names if re.fullmatch(r"row\d+|col\d+|position/\d+", name))
        product = tuple(name for name in self.names if name.startswith("product/"))
        return {name: group for name, group in (("position", position), ("product", product)) if group}


def design_of(choices: Sequence[ProductChoice], product_effects: bool) -> Design:
    """The matrix of at least one choice.

    Of a shop: its places and the `ATTRIBUTES`; of imported sets all their features but `position`. A regressor that an
    alternative does not have is `missing`.
    """
    sizes = np.array([len(one.alternatives) for one in choices], dtype=np.intp)
    starts = np.cumsum(sizes) - sizes
    sets = np.repeat(np.arange(len(choices)), sizes)
    chosen = np.zeros(len(sets), dtype=bool)
    chosen[starts + np.array([one.chosen for one in choices], dtype=np.intp)] = True
    features = [entry.appraisal.features for one in choices for entry in one.alternatives]
    order = np.arange(len(sets)) - starts[sets]
    places = np.array(
        [float(had.get("position", i)) for had, i in zip(features, order, strict=True)], dtype=np.float64
    ).astype(np.intp)
    products = tuple(name for one in choices for name in one.products)
    imported = choices[0].imported
    names = dict.fromkeys(name for had in features for name in had) if imported else dict.fromkeys(ATTRIBUTES)
    columns: dict[str, Floats] = {} if imported else _places(places, sizes)
    missing = {}
    for name in names:
        values = [had.get(name) for had in features]
        if imported and name == "position":
            continue
        if not set(map(type, values)) <= {int, float}:
            lacking = sum(not isinstance(value, int | float) for value in values)
            missing[name] = f"{lacking} of {len(values)} alternatives have no {name}"
        else:
            columns[name] = np.array(values, dtype=np.float64)
    if product_effects:
        ids = sorted(set(products))
        if len(ids) > PRODUCTS:
            missing["product"] = f"{len(ids)} products: the effects of at most {PRODUCTS} are fitted"
        else:
            of_row = np.searchsorted(np.array(ids), np.array(products))
            columns |= {f"product/{name}": (of_row == i).astype(np.float64) for i, name in enumerate(ids)}
    items = np.unique([item_of(one.choice) for one in choices], return_inverse=True)[1].reshape(-1)
    matrix = np.column_stack(list(columns.values())) if columns else np.zeros((len(sets), 0))
    return Design(tuple(columns), matrix, sets, chosen, items, places, products, missing)


def _places(places: NDArray[np.intp], sizes: NDArray[np.intp]) -> dict[str, Floats]:
    """Dummies: row and column of a grid, against the last place of each; else the places, against the last."""
    if (sizes == GRID).all() and places.max() < GRID:
        grid = {"row1": places // 4 == 0, **{f"col{column + 1}": places % 4 == column for column in range(3)}}
        return {name: met.astype(np.float64) for name, met in grid.items()}
    last = min(int(places.max()), PLACES)
    return {f"position/{place}": (places == place).astype(np.float64) for place in range(last)}
