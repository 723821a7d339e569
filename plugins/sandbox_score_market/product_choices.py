"""Which product was chosen out of which: the choices that a choice model is fitted to, and their matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.stats.arrays import Floats
from sandbox.trace import Choice, MenuEntry, item_of
from sandbox_score_market.visit import ids, market_of, results_on

TAKES = ("buy", "add")
PICK = "pick"
"""Kind of the move that chooses an alternative of an imported choice set, all of whose features are regressors."""
ATTRIBUTES = ("ln_price", "ln_reviews", "rating", "sponsored", "endorsed", "scarcity")
GRID = 8
"""Products of a page that stands as 2 rows of 4, row by row, as in ACES (arXiv 2508.02630)."""
PLACES = 8
"""Places of a list that have a regressor each; the last of all is what they are compared with, or all from this on."""
PRODUCTS = 200
"""Product effects that are fitted; more of them make a matrix that does not fit into memory."""
ENOUGH = 5
"""Choices per product from which on product effects are fitted where nobody said whether to: a parameter each."""


@dataclass(frozen=True)
class ProductChoice:
    """One product chosen out of those on the page: `alternatives` in the order shown, `chosen` indexes them.

    `market` names what the ids of its `products` are known in: another market's product of the same id is another one.
    """

    choice: Choice
    products: tuple[str, ...]
    alternatives: tuple[MenuEntry, ...]
    chosen: int
    imported: bool
    market: str


@dataclass
class Found:
    """What an agent's choices in one group come to; `without` of `visits` ended without a choice of a product."""

    chosen: list[ProductChoice] = field(default_factory=list)
    visits: int = 0
    without: int = 0


def product_choices(choices: Sequence[Choice], facts: Mapping[str, Mapping[str, Any]]) -> Found:
    """Each product that was bought, with the page of results that was last seen before it was taken; each `pick`.

    `choices` are of one agent, in the table's order; `facts` of their episodes, by id. On a product's own page nothing
    can be compared: whoever buys there chose from the results. What was put into the cart and not bought is no choice,
    and what was put there several times is one, the last; what would be taken in a hypothetical answer counts.
    """
    visits: dict[str, list[Choice]] = {}
    for choice in choices:
        visits.setdefault(choice.episode, []).append(choice)
    found = Found()
    for episode, steps in visits.items():
        known = facts.get(episode, {})
        market = market_of(known) or item_of(steps[0])
        page: dict[str, MenuEntry] = {}
        shopping = False
        taken: dict[str, ProductChoice] = {}
        for choice in steps:
            picks = {str(i): e for i, e in enumerate(choice.alternatives) if e.move.get("kind") == PICK}
            if picks:
                shopping = True
                if choice.chosen is not None and str(choice.chosen) in picks:
                    taken[f"{PICK} {len(taken)}"] = _picked(choice, picks, market)
                continue
            results = results_on(choice.alternatives)
            if results:
                page, shopping = results, True
            decision = choice.alternatives[choice.chosen] if choice.chosen is not None else None
            if decision is None or decision.move.get("kind") not in TAKES:
                continue
            product = str(decision.move.get("product"))
            if product in page and len(page) > 1:
                place = list(page).index(product)
                taken[product] = ProductChoice(choice, tuple(page), tuple(page.values()), place, False, market)
        if "bought" in known and steps[0].framing == "lived":
            bought = ids(known["bought"])
            taken = {name: one for name, one in taken.items() if one.imported or name in bought}
        found.chosen += taken.values()
        found.visits += shopping
        found.without += shopping and not taken
    return found


def _picked(choice: Choice, page: dict[str, MenuEntry], market: str) -> ProductChoice:
    names = tuple(entry.content for entry in page.values())
    return ProductChoice(choice, names, tuple(page.values()), list(page).index(str(choice.chosen)), True, market)


@dataclass(frozen=True)
class Design:
    """Choice sets as a matrix with a row per alternative.

    Attributes:
        names: of the columns, `features` (rows, names).
        sets: (rows,), the place of the row's choice; `chosen`: (rows,), whether it was chosen.
        items: (choices,), a number for the choice's item: the cluster.
        places: (rows,), where the alternative stood, from 0. `products`: (rows,), what it was: its id, after its
            market where there are several.
        missing: regressor -> why it has no column.
        confounded: why effects of what was drawn may hold the products' own effects; empty: they do not.
    """

    names: tuple[str, ...]
    features: Floats
    sets: NDArray[np.intp]
    chosen: NDArray[np.bool_]
    items: NDArray[np.intp]
    places: NDArray[np.intp]
    products: tuple[str, ...]
    missing: dict[str, str]
    confounded: str = ""

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Names of columns that are one respect together: `position`, `product`; only those that are there."""
        position = tuple(name for name in self.names if re.fullmatch(r"row\d+|col\d+|position/\d+", name))
        product = tuple(name for name in self.names if name.startswith("product/"))
        return {name: group for name, group in (("position", position), ("product", product)) if group}


def design_of(choices: Sequence[ProductChoice], product_effects: bool | None) -> Design:
    """The matrix of at least one choice.

    Of a shop: its places and the `ATTRIBUTES`; of imported sets all their features but `position`. A regressor that an
    alternative does not have is `missing`; so is an attribute of a shop's that never changes on any product, beside
    product effects. `product_effects` None: in a shop where attributes do change on the products, if choices suffice.
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
    several = len({one.market for one in choices}) > 1
    products = tuple(f"{one.market}/{name}" if several else name for one in choices for name in one.products)
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
    ids, of_row = np.unique(np.array(products), return_inverse=True)
    of_row = of_row.reshape(-1)
    changing = (
        set() if imported else {name for name in columns if name in ATTRIBUTES and _varies(columns[name], of_row)}
    )
    confounded = ""
    if product_effects is None and changing:
        product_effects = len(choices) >= ENOUGH * len(ids) and len(ids) <= PRODUCTS
        own = [name for name in ATTRIBUTES[:3] if name in changing]  # a label is drawn whatever the product
        if own and not product_effects:
            confounded = (
                f"{len(choices)} choices are too few for effects of {len(ids)} products ({ENOUGH} for each): what "
                f"products are worth besides is in the effects of {', '.join(own)}"
            )
    if product_effects and len(ids) > PRODUCTS:
        missing["product"] = f"{len(ids)} products: the effects of at most {PRODUCTS} are fitted"
    elif product_effects:
        for name in [name for name in columns if name in ATTRIBUTES and not imported]:
            if name not in changing and np.ptp(columns[name]) > 0:
                missing[name] = "it never changes on a product: its effect is the products'"
                del columns[name]
        columns |= {f"product/{name}": (of_row == i).astype(np.float64) for i, name in enumerate(ids.tolist())}
    items = np.unique([item_of(one.choice) for one in choices], return_inverse=True)[1].reshape(-1)
    matrix = np.column_stack(list(columns.values())) if columns else np.zeros((len(sets), 0))
    return Design(tuple(columns), matrix, sets, chosen, items, places, products, missing, confounded)


def _varies(column: Floats, products: NDArray[np.intp]) -> bool:
    """Whether any product has it in two amounts."""
    low, high = np.full(products.max() + 1, np.inf), np.full(products.max() + 1, -np.inf)
    np.minimum.at(low, products, column)
    np.maximum.at(high, products, column)
    return bool((high > low).any())


def _places(places: NDArray[np.intp], sizes: NDArray[np.intp]) -> dict[str, Floats]:
    """Dummies: row and column of a grid, against the last place of each; else the places, against the last."""
    if (sizes == GRID).all() and places.max() < GRID:
        grid = {"row1": places // 4 == 0, **{f"col{column + 1}": places % 4 == column for column in range(3)}}
        return {name: met.astype(np.float64) for name, met in grid.items()}
    last = min(int(places.max()), PLACES)
    return {f"position/{place}": (places == place).astype(np.float64) for place in range(last)}
