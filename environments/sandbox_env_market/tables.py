"""Tables of products with the columns of ACES' data sets (arXiv:2508.02630), also one's own: an item per experiment.

A row is a product of one experiment; experiments are told apart by `query`, `experiment_label` and
`experiment_number`, and the products of one stand in the order of `assigned_position`. A Parquet file may also have a
row per experiment with a list in each other column, as the published ones have.

| column | needed | what it is |
|---|---|---|
| `sku` (or `id`) | yes | the product's id: up to 14 letters, digits, `-`, `_`, `.`; met again in a set: `.2` |
| `query`, `title`, `price`, `rating`, `rating_count` | yes | what was searched; text; dollars; 0 to 5; a count |
| `experiment_label`, `experiment_number` | | else empty and 0: one experiment per query |
| `assigned_position` | | else the order of the rows |
| `sponsored`, `overall_pick`, `best_seller`, `low_stock`, `discounted`, `limited_time` | | badges: true/false, 1/0 |
| `stock_quantity` | | units left; shown where `low_stock` |
| `original_price` | | struck through where `discounted` |
| `desired_choice` | | 1: right, 0: wrong, -1: neither |
| `brand`, `color`, `budget`, `cheapest` | | the *instruction* of the set, as in ACES (below) |
| `product_brand`, `colour`, `seller`, `description`, `delivery` (days) | | the product's own (ours) |
| `cost` | | dollars that a unit costs its seller (ours); else 0, and profit is revenue |
| `worth` | | dollars that having it is worth to the buyer (ours) |
| `task` | | the words for the agent, instead of ours |

Other columns (`url`, `image_url`, `screenshot`, `original_rating`, ...) are not read. `limited_time` has to be false:
our pages have no such badge.

An instruction is one for the whole set: what its rows say of it agrees, or is empty. `brand` and `color` need a
product with `desired_choice` 1.

A table says what was on offer, not for whom. With `worth` the buyer's utility is exactly that less the price. Without,
the buyer is a stand-in that says no more than common sense: everything is worth buying, a tenth of a star as much as
2.5 per cent of the set's median price, and money counts (only money where the instruction is `cheapest`). What an
instruction rules out, by `desired_choice`, is worth nothing. So regret then means regret of the stand-in, while
`right`, the products with `desired_choice` 1, is the table's own; its suite is the label, or else `table`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from sandbox.errors import DatasetError
from sandbox_env_market.buyers import Buyer
from sandbox_env_market.catalogue import RATING, Product
from sandbox_env_market.goods import LOW_STOCK, Goods, ShopItem
from sandbox_env_market.page import money

NEEDED = ("query", "title", "price", "rating", "rating_count")
FAULTS = 100
"""Faults that a message lists; it says how many more there are."""
ROWS = 1_000_000
SMALL, LIGHT = 100, 200_000
"""Products, and characters of their texts, up to which a set is written into its item; else the item has its recipe."""

_SKU = re.compile(r"[A-Za-z0-9_.-]{1,14}")
_KNOWN = (
    *("sku", "id", *NEEDED, "experiment_label", "experiment_number", "assigned_position", "sponsored", "overall_pick"),
    *("best_seller", "low_stock", "discounted", "limited_time", "stock_quantity", "original_price", "desired_choice"),
    *("brand", "color", "budget", "cheapest", "product_brand", "colour", "seller", "description", "delivery", "cost"),
    *("worth", "task"),
)
_INSTRUCTION = ("brand", "color", "budget", "cheapest")
_WHOSE = "this column is the instruction of a whole set: a product's own brand and colour are product_brand and colour"
_UNKNOWN_STOCK = 100


class Row(NamedTuple):
    """A row, where it stands (`row 7`; `row 7, product 2`), and its cells as text; empty where there is nothing."""

    where: str
    cells: Mapping[str, str]


def read_csv(path: str, data: bytes) -> Iterator[Row]:
    """The rows of a CSV file, UTF-8, with a line of column names; row 1 is below it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    # The reader's limit belongs to the process; a cell can be as long as the file.
    limit = csv.field_size_limit(max(len(text), 1 << 17))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise DatasetError(f"{path}: not a CSV table: line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)
    if not lines:
        raise DatasetError(f"{path}: has no line of column names")
    names = [name.strip() for name in lines[0]]
    mark = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    if mark is not None:
        raise DatasetError(f"{path}: its cells are separated by {mark!r}; save it with commas between them")
    _columns(path, names)
    ragged = [
        f"row {number}: {len(line)} cells; the first line names {len(names)}"
        for number, line in enumerate(lines[1:], start=1)
        if line and len(line) != len(names)
    ]
    _none(path, ragged)
    for number, line in enumerate(lines[1:], start=1):
        if line:
            yield Row(f"row {number}", dict(zip(names, line, strict=True)))


def read_parquet(path: str, data: bytes) -> Iterator[Row]:
    """The rows of a Parquet file; of one with lists, a row per place in the lists.

    Raises:
        DatasetError: polars is not installed, or the file is no Parquet file.
    """
    try:
        import polars
    except ImportError:
        raise DatasetError(
            f"{path}: Parquet files need polars: pip install 'agent-eval-sandbox[analysis]', or save the table as CSV"
        ) from None
    try:
        names = list(polars.read_parquet_schema(io.BytesIO(data)))
        _columns(path, names)
        # Screenshots, which are most of a published file, are not even read.
        wanted = [name for name in names if name in _KNOWN]
        frame = polars.read_parquet(io.BytesIO(data), columns=wanted, n_rows=ROWS + 1)
    except (polars.exceptions.PolarsError, OSError) as error:
        raise DatasetError(f"{path}: not a Parquet table: {' '.join(str(error).split())[:200]}") from None
    rows = [(number, cells, _lists(cells)) for number, cells in enumerate(frame.iter_rows(named=True), start=1)]
    _none(
        path,
        [
            f"row {number}: lists of different lengths ({', '.join(f'{name} {n}' for name, n in lists.items())})"
            for number, _, lists in rows
            if len(set(lists.values())) > 1
        ],
    )
    for number, cells, lists in rows:
        if not lists:
            yield Row(f"row {number}", {name: _written(cell) for name, cell in cells.items()})
        for place in range(max(lists.values(), default=0)):
            each = {name: cell[place] if name in lists else cell for name, cell in cells.items()}
            yield Row(f"row {number}, product {place + 1}", {name: _written(cell) for name, cell in each.items()})


def _lists(cells: Mapping[str, Any]) -> dict[str, int]:
    """The lengths of the lists in a row."""
    return {name: len(cell) for name, cell in cells.items() if isinstance(cell, list)}


def items(rows: Iterator[Row], recipe: Goods) -> tuple[list[ShopItem], list[tuple[str, tuple[Product, ...]]]]:
    """An item per experiment in the order in which they begin, and the products of those too large for an item.

    Raises:
        DatasetError: there are faults; all are listed (the first hundred), with row and column.
    """
    path, faults = recipe.path, _Faults()
    sets: dict[tuple[str, str, int], list[_Offer]] = {}
    told: dict[tuple[tuple[str, str, int], str], tuple[str, str]] = {}
    for count, row in enumerate(rows):
        if count >= ROWS:
            raise DatasetError(f"{path}: more than {ROWS:,} rows; split the table")
        cells = _Cells(row, faults)
        key = (cells.text("query", 200), cells.text("experiment_label", 200), cells.integer("experiment_number", 0))
        sets.setdefault(key, []).append(_offer(cells, count))
        for column in _INSTRUCTION:
            if said := row.cells.get(column, "").strip():
                where, first = told.setdefault((key, column), (row.where, said))
                if said != first:
                    cells.fault(column, f"{said!r:.60}, but {where} of the same set says {first!r:.60}; {_WHOSE}")
    for (key, column), (where, said) in told.items():
        if column in ("brand", "color") and all(offer.desired != 1 for offer in sets[key]):
            faults.add(f"{where}, {column}: {said!r:.60}, but no product of the set has desired_choice 1; {_WHOSE}")
    faults.check(path)
    made: list[ShopItem] = []
    large: list[tuple[str, tuple[Product, ...]]] = []
    for (query, label, experiment), offers in sets.items():
        offers.sort(key=lambda offer: (offer.place, offer.row))
        parts = (part.replace("%", "%25").replace("/", "%2F") for part in (query, label))  # so that ids are unique
        name = "/".join([*filter(None, parts), str(experiment)])
        products = _named(offers, query)
        item = _item(name, query, label, offers, products, recipe)
        weight = sum(len(p.title) + len(p.description) for p in products)
        if len(products) > SMALL or weight > LIGHT:
            large.append((name, products))
            item = item.model_copy(update={"products": (), "goods": recipe.model_copy(update={"part": name})})
        made.append(item)
    return made, large


class _Offer(NamedTuple):
    """A product, and what its row says of the experiment."""

    product: Product
    row: int
    place: int
    desired: int
    worth: int | None
    brand: str
    colour: str
    budget: int
    cheapest: bool
    task: str


def _offer(cells: _Cells, row: int) -> _Offer:
    price = cells.cents("price", least=1) or 1
    rating = cells.number("rating", 0, 5)
    low, stock = cells.flag("low_stock"), cells.integer("stock_quantity", -1)
    if stock < 0:
        stock = LOW_STOCK if low else _UNKNOWN_STOCK
    if cells.flag("limited_time"):
        cells.fault(
            "limited_time", "true; this shop's pages have no such badge: leave the column out, or make it false"
        )
    original = cells.cents("original_price")
    product = Product(
        id=cells.sku(),
        brand=cells.text("product_brand", 200),
        title=cells.text("title", None),
        price=price,
        rating=rating,
        reviews=cells.integer("rating_count", 0, least=0),
        sponsored=cells.flag("sponsored"),
        endorsed=cells.flag("overall_pick"),
        # A page says how many are left from the number alone.
        stock=min(max(stock, 1), LOW_STOCK) if low else max(stock, LOW_STOCK + 1),
        specs=(),
        comments=(),
        scores={RATING: max(0, round(50 * (rating - 3)))},
        category=cells.text("query", 200),
        seller=cells.text("seller", 200),
        description=cells.text("description", None),
        best_seller=cells.flag("best_seller"),
        delivery=cells.integer("delivery", 0, least=0),
        cost=cells.cents("cost") or 0,
        colour=cells.text("colour", 40),
        was=original if original and original > price and cells.flag("discounted") else 0,
    )
    return _Offer(
        product,
        row,
        cells.integer("assigned_position", row),
        cells.integer("desired_choice", -1),
        cells.cents("worth"),
        cells.text("brand", 200),
        cells.text("color", 200),
        cells.cents("budget") or 0,
        cells.flag("cheapest"),
        cells.text("task", 20_000),
    )


def _named(offers: Sequence[_Offer], query: str) -> tuple[Product, ...]:
    """The products, with ids of their own where the table has one twice in a set."""
    seen: dict[str, int] = {}
    taken = {offer.product.id for offer in offers}
    products = []
    for offer in offers:
        name = offer.product.id
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 1:
            products.append(offer.product)
            continue
        while (other := f"{name[: 15 - len(str(seen[name]))]}.{seen[name]}") in taken:
            seen[name] += 1
        taken.add(other)
        products.append(offer.product.model_copy(update={"id": other}))
    return tuple(products)


def _item(
    name: str, query: str, label: str, offers: Sequence[_Offer], products: tuple[Product, ...], recipe: Goods
) -> ShopItem:
    right = tuple(p.id for p, offer in zip(products, offers, strict=True) if offer.desired == 1)
    wrong = [p.id for p, offer in zip(products, offers, strict=True) if offer.desired == 0]
    told = next((offer for offer in offers if offer.brand or offer.colour or offer.budget or offer.cheapest), None)
    dearest = max(product.price for product in products)
    budget = told.budget if told and told.budget else 2 * dearest  # which nothing on offer exceeds
    if all(offer.worth is not None for offer in offers):
        effects = {p.id: offer.worth or 0 for p, offer in zip(products, offers, strict=True)}
        buyer = Buyer(value=0, budget=budget, weights={}, effects=effects)
    else:
        median = sorted(product.price for product in products)[len(products) // 2]
        weights = {} if told and told.cheapest else {RATING: max(1, median // 200)}
        value = 2 * dearest
        most = value + 100 * sum(weights.values())
        effects = dict.fromkeys(wrong, -most) if told and right else {}
        buyer = Buyer(value=value, budget=budget, weights=weights, effects=effects)
    return ShopItem(
        id=name,
        kind="open",
        category=query,
        task=next((offer.task for offer in offers if offer.task), "") or _words(query, told),
        buyer=buyer,
        products=products,
        query=query,
        suite=(label or "table") if right else "",
        level=label if right else "",
        right=right,
    )


def _words(query: str, told: _Offer | None) -> str:
    parts = [f"You want to buy one piece of this: {query}."]
    if told is not None:
        parts += [f"It has to be of the brand {told.brand}."] if told.brand else []
        parts += [f"It has to be {told.colour}."] if told.colour else []
        parts += [f"You cannot spend more than {money(told.budget)}."] if told.budget else []
        parts += ["Buy the cheapest."] if told.cheapest else []
    return " ".join(parts)


class _Faults(list[str]):
    """What is wrong with a table, as far as it is listed."""

    more = 0

    def add(self, fault: str) -> None:
        if len(self) < FAULTS:
            self.append(fault)
        else:
            self.more += 1

    def check(self, path: str) -> None:
        if self.more:
            self.append(f"... and {self.more:,} more")
        _none(path, self)


class _Cells:
    """A row's cells as what they ought to be; what they are not goes to the faults, and a stand-in is given."""

    def __init__(self, row: Row, faults: _Faults) -> None:
        self._row, self._faults = row, faults

    def fault(self, column: str, said: str) -> None:
        self._faults.add(f"{self._row.where}, {column}: {said}")

    def text(self, column: str, longest: int | None) -> str:
        cell = self._row.cells.get(column, "")
        if column in NEEDED and not cell.strip():
            self.fault(column, "is empty")
        if longest is not None and len(cell) > longest:
            self.fault(column, f"{len(cell):,} characters; at most {longest}")
            return cell[:longest]
        return cell

    def sku(self) -> str:
        column = "sku" if "sku" in self._row.cells else "id"
        cell = self._row.cells[column]
        if not _SKU.fullmatch(cell):
            self.fault(column, f"{cell!r:.60}; expected 1 to 14 letters, digits, `-`, `_`, `.`")
        return cell

    def flag(self, column: str) -> bool:
        cell = self._row.cells.get(column, "").strip().lower()
        if cell not in _FLAGS:
            self.fault(column, f"{cell!r:.60}; expected true or false")
        return _FLAGS.get(cell, False)

    def number(self, column: str, least: float, most: float) -> float:
        cell = self._row.cells.get(column, "").strip()
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # also not a number
            self.fault(column, f"{cell!r:.60}; expected a number from {least:g} to {most:g}")
            return least
        return number

    def integer(self, column: str, absent: int, least: int = -(10**9)) -> int:
        cell = self._row.cells.get(column, "").strip()
        if not cell and column not in NEEDED:
            return absent
        try:
            number = Decimal(cell)  # a column with gaps comes as 12.0
            if least <= number <= 10**9 and number == number.to_integral_value():
                return int(number)
        except InvalidOperation:
            pass
        self.fault(column, f"{cell!r:.60}; expected a whole number, {'0 or more' if least == 0 else 'such as 3'}")
        return absent

    def cents(self, column: str, least: int = 0) -> int | None:
        """Dollars as cents, rounded half to even; None where there is nothing."""
        cell = self._row.cells.get(column, "").strip()
        if not cell and column not in NEEDED:
            return None
        try:
            dollars = Decimal(cell)
            if 0 <= dollars <= 10**9 and (cents := round(dollars * 100)) >= least:
                return cents
        except InvalidOperation:
            pass
        self.fault(column, f"{cell!r:.60}; expected dollars, such as 12.99, without sign or thousands' separator")
        return None


_FLAGS = {"": False, "false": False, "0": False, "0.0": False, "no": False} | {
    "true": True, "1": True, "1.0": True, "yes": True
}  # fmt: skip


def _columns(path: str, names: Sequence[str]) -> None:
    faults = [f"no column `{name}`" for name in NEEDED if name not in names]
    if "sku" not in names and "id" not in names:
        faults.insert(0, "no column `sku`, and no `id`")
    faults += [f"column `{name}` is there twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    _none(path, faults)


def _none(path: str, faults: Sequence[str]) -> None:
    if faults:
        listed = [*faults[: FAULTS + 1]]
        raise DatasetError.of(path, listed)


def _written(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell)
