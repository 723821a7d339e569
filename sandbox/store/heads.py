"""Lists of episodes: they are fetched all at once, column by column, and made into heads when they are read.

A hundred thousand rows go from column to column in C, a page at a time: a line of Python for each field of each head
would take longer than the database; and rows that were kept would be walked through by the garbage collector.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, overload

from sqlalchemy import ColumnElement, Connection, Select, select

from sandbox.errors import InputError, StoreCorrupt
from sandbox.store.columns import from_column
from sandbox.store.conditions import COLUMNS, conditions
from sandbox.store.conditions import number as number_of
from sandbox.store.database import chunks
from sandbox.store.members import members_of
from sandbox.store.payloads import Damaged, Payloads, decode
from sandbox.store.reading import raw_rows, read_payloads
from sandbox.store.rows import SEATS, EpisodeHead, Filter
from sandbox.store.tables import EPISODE, Flag
from sandbox.trace import COUNTS
from sandbox.uncollected import uncollected

NUMBERS = (*COLUMNS, *COUNTS)
__all__ = ["NUMBERS", "ORDERS", "Heads", "condition_details", "heads_of", "members_of", "ordered", "read_heads"]

ORDERS = (
    *("position", "environment", "agent", "item", "status", "total", "steps", "framing", "provenance", "flags"),
    *(name for name in NUMBERS if name not in ("total", "steps")),
)
"""What episodes may be ordered by, beside scores."""
PAGE = 300  # rows fetched, and heads made, at a time: too few for the garbage collector to begin

_KEY, _REF, _POSITION = 0, 1, -1
_COLUMNS = (
    *("key", "condition_ref", "external_id", "item", "repetition", "seed", "status", "total", "steps", "hash"),
    *("attempt", "provenance", "reason", "counts", "flags", "calls", "tokens", "cost", "lease_owner", "parent"),
    "position",
)
"""What is read of `tables.Episode`, and the position; the condition tells the rest."""


class Heads(Sequence[EpisodeHead]):
    """Heads in their order, each made when it is asked for."""

    def __init__(self, columns: Sequence[Sequence[Any]], conditions: Mapping[bytes, _Condition]) -> None:
        """`columns`: the `_COLUMNS`, as the driver gives them; `conditions`: by reference."""
        self._columns = columns
        self._conditions = conditions

    def __len__(self) -> int:
        """How many there are."""
        return len(self._columns[_KEY])

    @overload
    def __getitem__(self, index: int) -> EpisodeHead: ...
    @overload
    def __getitem__(self, index: slice) -> Heads: ...
    def __getitem__(self, index: int | slice) -> EpisodeHead | Heads:
        """The head at a place, or a part of the list."""
        if isinstance(index, slice):
            return Heads([column[index] for column in self._columns], self._conditions)
        return next(self._made([(column[index],) for column in self._columns]))

    def __iter__(self) -> Iterator[EpisodeHead]:
        """All of them."""
        pages = zip(*(chunks(column, PAGE) for column in self._columns), strict=True)
        return itertools.chain.from_iterable(map(self._made, pages))

    def __eq__(self, other: object) -> bool:
        """Whether it holds what another sequence does, in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(a == b for a, b in zip(self, other))  # noqa: B905 (lengths are equal)

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __repr__(self) -> str:
        """As of a list."""
        return repr(list(self))

    def _made(self, columns: Sequence[Sequence[Any]]) -> Iterator[EpisodeHead]:
        """Heads of at least one row."""
        column: dict[str, Iterable[Any]] = dict(zip(_COLUMNS, columns, strict=True))
        told = zip(*map(self._conditions.__getitem__, column["condition_ref"]), strict=True)
        column |= zip(_Condition._fields, told, strict=True)  # limits and fork are of no head
        column |= {name: _texts(column[name]) for name in ("external_id", "item", "reason")}
        column["hash"] = map(bytes.hex, column["hash"])
        column |= zip(_Counted._fields, zip(*map(_counted, column["counts"]), strict=True), strict=True)
        column["flags"] = map(_flags, column["flags"])
        column["id"] = column["key"]
        return map(_head, zip(*(column[name] for name in EpisodeHead._fields), strict=True))


_head = partial(tuple.__new__, EpisodeHead)  # `EpisodeHead._make` is Python, at three times the cost


class _Condition(NamedTuple):
    """What a head tells of its condition."""

    environment: str
    config: Mapping[str, Any]
    seats: Mapping[str, str]
    agent: str
    framing: str
    evaluated: tuple[str, ...]
    treatments: Mapping[str, Any]
    limits: Mapping[str, Any]
    fork: Mapping[str, Any]


class _Counted(NamedTuple):
    """What a head tells of its counts."""

    counts: Mapping[str, int]
    returns: Mapping[str, float]
    seat_counts: Mapping[str, Mapping[str, int]]


def read_heads(
    connection: Connection,
    place: str,
    members: Select[Any],
    where: Filter | None,
    order: str,
    limit: int | None,
    offset: int,
) -> Heads:
    """The episodes of `members` (a selection with a column `position`) that fit, in order; see `Store.heads`."""
    if where is not None:
        members = members.where(*conditions(where))
    columns = [EPISODE.c[name] for name in _COLUMNS[:-1]]
    position = members.selected_columns["position"]
    if limit is None and order == "position" and not offset:
        # By number, as the tables are; SQLite would carry whole rows through its sorter.
        wide = members.with_only_columns(*columns, position, maintain_column_froms=True)
        found = _fetched(connection, wide.order_by(None).order_by(EPISODE.c.number))
        return _heads(connection, _in_order(found), place)
    with uncollected():
        narrow = ordered(members, order).limit(limit).offset(offset)
        rows = _looked_up(connection, columns, raw_rows(connection, narrow))
    return _heads(connection, _columns_of(rows), place)


def heads_of(connection: Connection, place: str, members: Select[Any], numbers: Sequence[int]) -> Heads:
    """The episodes of `members` with these numbers, in this order."""
    columns = [EPISODE.c[name] for name in _COLUMNS[:-1]]
    position = members.selected_columns["position"]
    of = members.with_only_columns(EPISODE.c.number, *columns, position, maintain_column_froms=True).order_by(None)
    found: dict[int, tuple[Any, ...]] = {}
    with uncollected():
        for some in chunks(numbers):
            for number, *row in raw_rows(connection, of.where(EPISODE.c.number.in_(some))):
                found[number] = tuple(row)
    return _heads(connection, _columns_of([found[number] for number in numbers if number in found]), place)


def _heads(connection: Connection, columns: Sequence[Sequence[Any]], place: str) -> Heads:
    key_of = dict(zip(columns[_REF], columns[_KEY], strict=True))
    return Heads(columns, conditions_of(key_of, read_payloads(connection), place))


def _fetched(connection: Connection, query: Select[Any]) -> list[list[Any]]:
    """The `_COLUMNS` that `query` selects; rows are let go page by page, while they are in the processor's cache."""
    columns: list[list[Any]] = [[] for _ in _COLUMNS]
    cursor: Any = connection.execute(query).cursor
    with uncollected():
        while rows := cursor.fetchmany(PAGE):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(values)
    return columns


def _in_order(columns: list[list[Any]]) -> list[list[Any]]:
    """The same by position."""
    positions = columns[_POSITION]
    if positions == sorted(positions):
        return columns
    places = sorted(range(len(positions)), key=positions.__getitem__)
    return [list(map(column.__getitem__, places)) for column in columns]


def _columns_of(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)


def _looked_up(
    connection: Connection, columns: Sequence[ColumnElement[Any]], numbers: Sequence[tuple[int, int]]
) -> list[tuple[Any, ...]]:
    """The rows with these numbers, in this order, each with its position behind it."""
    found: dict[int, list[Any]] = {}
    wanted = select(EPISODE.c.number, *columns)
    for some in chunks([number for number, _ in numbers]):
        for number, *row in raw_rows(connection, wanted.where(EPISODE.c.number.in_(some))):
            found[number] = row
    return [(*found[number], position) for number, position in numbers]


def conditions_of(key_of: Mapping[bytes, str], payloads: Payloads, place: str) -> dict[bytes, _Condition]:
    """Reference -> condition; `key_of`: an episode with each, for messages."""
    payloads.load(key_of)
    conditions = {}
    for ref, key in key_of.items():
        try:
            conditions[ref] = payloads.value(ref, _condition)
        except Damaged as error:
            raise StoreCorrupt(f"{place}: episode {key[:12]}, its specification: {error}") from error
    return conditions


def condition_details(connection: Connection, place: str, key_of: Mapping[bytes, str]) -> dict[bytes, dict[str, Any]]:
    """Reference -> environment, agent and all by which conditions may differ.

    That is settings, treatments, framing, other seats, limits, and which episode it is a fork of, where and with what.
    """
    details = {}
    for ref, one in conditions_of(key_of, read_payloads(connection), place).items():
        others = {seat: name for seat, name in one.seats.items() if seat not in one.evaluated}
        limits = {f"limit of {name}": value for name, value in one.limits.items()}
        own = {"framing": one.framing, **others, **limits, **_fork(one.fork), **one.config, **one.treatments}
        details[ref] = {**own, "environment": one.environment, "agent": one.agent}
    return details


def _fork(fork: Mapping[str, Any]) -> dict[str, Any]:
    """Where forks leave whom, as people write it: with the step counted from 1."""
    if not fork:
        return {}
    return {
        "fork": f"{fork['parent'][:12]}#{fork['at'] + 1}",
        "put in": fork.get("move"),
        "luck": fork.get("luck", 0),
    }


def _condition(value: Any) -> _Condition:
    try:
        seats = {seat: agent["name"] for seat, agent in value["seats"].items()}
        evaluated = tuple(value["evaluated"])
        treatments = {name: treatment["value"] for name, treatment in value["treatments"].items()}
        agent = ", ".join(dict.fromkeys(seats[seat] for seat in evaluated))
        shown = (value["environment"], value["config"], seats, agent, value["framing"])
        return _Condition(*shown, evaluated, treatments, value["limits"], value.get("fork") or {})
    except (LookupError, TypeError, AttributeError) as error:
        raise Damaged(f"the stored bytes make no specification ({error})") from error


def _texts(column: Iterable[str | None]) -> Iterable[str | None]:
    """Text of a column: hardly any holds what is written otherwise."""
    if "\\" not in "".join(filter(None, column)):
        return column
    return [None if text is None else from_column(text) for text in column]


@lru_cache(maxsize=1024)
def _counted(data: bytes | None) -> _Counted:
    try:
        counts = dict.fromkeys(COUNTS, 0) | (decode(data) if data is not None else {})
        seats = counts.pop(SEATS, {})
        returns = {seat: own["return"] for seat, own in seats.items() if own["return"] is not None}
        return _Counted(counts, returns, {seat: own["counts"] for seat, own in seats.items()})
    except (Damaged, TypeError, AttributeError, LookupError) as error:
        raise StoreCorrupt(f"an episode's counts cannot be read: {error}") from error


@lru_cache(maxsize=1024)
def _flags(bits: int) -> tuple[str, ...]:
    return tuple(str(flag.name).lower() for flag in Flag if flag & bits)


def ordered(members: Select[Any], order: str) -> Select[Any]:
    """Number and position of `members`, in order; see `Store.heads`, and `listing` for orders by scores.

    Raises:
        InputError: no such order.
    """
    column = order.removeprefix("-")
    position = members.selected_columns["position"]
    narrow = members.with_only_columns(EPISODE.c.number, position, maintain_column_froms=True)
    if column == "position":
        return narrow.order_by(None).order_by(position.desc(), EPISODE.c.number.desc()) if order != column else narrow
    if column not in ORDERS:
        known = f"use one of {', '.join(ORDERS)}, or a score as SCORER/NAME"
        raise InputError(f"episodes cannot be ordered by {column!r}; {known}")
    by = number_of(column) if column in NUMBERS else EPISODE.c[column]
    descending = order.startswith("-")
    return narrow.order_by(None).order_by(
        by.is_(None), by.desc() if descending else by.asc(), position, EPISODE.c.number
    )
