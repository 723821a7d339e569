"""Saving what a damaged store still holds into a new one.

Whole rows are taken from every page that can be read: by the trees that the file names, and, where a page above them is
gone, by the shape of the rows. Then goes what cannot be shown to be as it was recorded:

- payloads that do not fit their hash, dictionaries that are none, journalled replies that do not fit their checksum,
  and scores and memberships that refer to what is not there;
- the trace of an episode with a missing or changed step (its chain of digests says so), a missing payload, or events
  that may be missing: the episode becomes pending again, and runs anew from what is journalled of its model calls;
- an episode whose specification is gone: it comes back as pending when its experiment is run again. What people said
  of it goes with it; what they said of any other stays, also where that is to run anew.

What no hash covers (an event's kind, the seconds of a step, the text of an error) is taken as it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from sandbox.annotation import KINDS
from sandbox.errors import StoreCorrupt, StoreError
from sandbox.store.database import Database, chunks, open_database
from sandbox.store.faults import explained
from sandbox.store.pages import Pages, Record, Unreadable, Value, walk
from sandbox.store.payloads import Damaged, Expander, decode, numbered, unpacked
from sandbox.store.rows import names_of, stored_counts
from sandbox.store.store import Store
from sandbox.store.tables import (
    ANNOTATION,
    CARD,
    DICTIONARY,
    EPISODE,
    EVENT,
    EXPERIMENT,
    MARK,
    MEMBERSHIP,
    PAYLOAD,
    REPLY,
    SCORE,
    STEP,
    Base,
    Flag,
)
from sandbox.store.traces import flags_of
from sandbox.store.writer import ENDED
from sandbox.trace import Episode

_AT_ONCE = 500  # rows


@dataclass
class Recovered:
    """What was saved of a damaged store.

    Attributes:
        pages: how many the file had.
        unreadable: how many of them are missing, or are nothing that SQLite writes.
        read: table -> rows that could be read.
        saved: table -> those of them that are in the new store.
        whole: episodes that had ended, and are as they were.
        again: why -> episodes that had ended, and are pending again.
        pending: episodes that had not ended.
        without_specification: episodes that are left out, since what they were to do cannot be read.
    """

    pages: int = 0
    unreadable: int = 0
    read: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)
    whole: int = 0
    again: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    without_specification: int = 0


def recover(broken: Path, new: Path) -> Recovered:
    """Save what can be read of the store `broken` into the store `new`; `broken` and its log are only read.

    Raises:
        StoreError: `new` is there already, or cannot be written; or nothing of a store can be read in `broken`.
        StoreTooNew: a later version of the sandbox wrote it.
    """
    if not broken.is_file():
        raise StoreError(f"the store {broken} does not exist: name the damaged file")
    if new.exists():
        raise StoreError(f"{new} exists already, and is left as it is: name a new file with -o")
    partial = new.with_name(new.name + ".partial")  # a recovery that was cut short must not look like a store
    remains = [partial.with_name(partial.name + end) for end in ("", "-wal", "-shm")]
    try:
        with explained(f"the store {broken}"), Pages(broken) as pages:
            database = open_database(str(partial))
            try:
                with database.writing() as connection:
                    found = _Rescue(pages, connection, f"the store {broken}")
                    found.read()
                    found.drop_dangling()
                result = _settled(database, str(partial), found)
            finally:
                database.close()
            result.pages, result.unreadable = max(pages.stated, pages.held), len(found.unreadable())
        if not result.read:
            raise StoreError(f"nothing of a sandbox store can be read in {broken}: restore it from a copy")
        partial.rename(new)
    finally:
        for file in remains:
            file.unlink(missing_ok=True)
    return result


class _Shape:
    """What the rows of a table look like in the file."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.rowids = table.dialect_options["sqlite"]["with_rowid"] is not False
        self.either = name == "step"  # schema 0001 had it without row numbers
        self.columns = list(table.columns)
        key = list(table.primary_key.columns)
        alias = self.rowids and len(key) == 1 and isinstance(key[0].type, Integer)
        self.alias = self.columns.index(key[0]) if alias else None  # stored as the rowid, and NULL in the row
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        self.insert = f'INSERT OR IGNORE INTO "{name}" ({names}) VALUES ({", ".join("?" * len(self.columns))})'  # noqa: S608

    def row(self, record: Record) -> tuple[Value, ...] | None:
        """The record as a row of this table, or None where it is none."""
        values = list(record.values)
        rowids = (record.rowid is not None) if self.either else self.rowids
        if (record.rowid is not None) != rowids or len(values) > len(self.columns):
            return None
        for column in self.columns[len(values) :]:  # the row is older than the column
            if not column.nullable and column.default is None:
                return None
            values.append(None if column.nullable else column.default.arg)  # type: ignore[union-attr]  # checked above
        if self.alias is not None:
            values[self.alias] = record.rowid
        for place, column in enumerate(self.columns):
            value = values[place]
            if isinstance(column.type, Float) and isinstance(value, int):
                values[place] = float(value)  # SQLite stores 2.0 as 2
            elif not (column.nullable if value is None else isinstance(value, _python(column))):
                return None
        return tuple(values)


def _python(column: Column[Any]) -> type:
    if isinstance(column.type, Integer):
        return int
    if isinstance(column.type, Float):
        return float
    return bytes if isinstance(column.type, LargeBinary) else str


def _index_shapes() -> set[tuple[type, ...]]:
    """The types of the columns of each index: what was sorted by, and what names the row."""
    shapes = set()
    for table in Base.metadata.tables.values():
        sorted_by = [list(index.columns) for index in table.indexes]
        sorted_by += [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
        rowids = table.dialect_options["sqlite"]["with_rowid"] is not False
        for columns in sorted_by:
            names = [] if rowids else [column for column in table.primary_key.columns if column not in columns]
            kinds = [_python(column) for column in (*columns, *names)]
            shapes.add((*kinds, int) if rowids else tuple(kinds))
    return shapes


class _Rescue:
    """The rows of the file on their way into the new store."""

    def __init__(self, pages: Pages, connection: Connection, place: str) -> None:
        self._pages = pages
        self._connection = connection
        self._place = place
        self._shapes = {name: _Shape(name, table) for name, table in Base.metadata.tables.items()}
        self._indexes = _index_shapes()
        self._decompress = zstandard.ZstdDecompressor().decompress
        self._waiting: dict[str, list[tuple[Value, ...]]] = {name: [] for name in self._shapes}
        self._seen: set[int] = set()
        self._free: set[int] = set()
        self._all_named = True
        self.rows: Counter[str] = Counter()
        self.gaps: dict[str, list[tuple[float, float]]] = {name: [] for name in self._shapes}
        """Table -> ranges of the first column of its key, ends included, in which rows may be missing."""

    def read(self) -> None:
        """All rows, into the new store."""
        self._free = self._pages.free()
        named = self._named()
        for name, root, table in named:
            if name == "alembic_version":
                self._check_known(walk(self._pages, root, table, self._seen))
            else:
                self._take(walk(self._pages, root, table, self._seen), self._shapes.get(name), name != "")
        # Behind the named trees, so that what these say wins over what an orphan says.
        certain = self._all_named or len(self.unreadable()) <= 1  # that one held the names
        for root, table in self._orphans():
            rows = walk(self._pages, root, table, self._seen)
            self._take(rows if certain else _between_gaps(rows), None, True)
        for name in self._shapes:
            self._insert(name)

    def unreadable(self) -> set[int]:
        """Pages that are missing, or are nothing that SQLite writes, as far as that can be known."""
        return {
            number
            for number in range(1, max(self._pages.stated, self._pages.held) + 1)
            if number not in self._seen | self._free | self._pages.overflow and not self._is_tree(number)
        }

    def _is_tree(self, number: int) -> bool:
        try:
            self._pages.page(number)
        except Unreadable:
            return False
        return True

    def _named(self) -> list[tuple[str, int, bool]]:
        """Name, root and kind of each tree that the file names; '' for indexes, which are met and not taken."""
        named = []
        for record in walk(self._pages, 1, True, self._seen):
            if record is None or len(record.values) != 5:
                self._all_named = False
                continue
            kind, name, _, root, sql = record.values
            if isinstance(root, int) and isinstance(name, str) and root > 0:
                table = kind == "table"
                named.append((name if table else "", root, table and "WITHOUT ROWID" not in str(sql)))
        return named

    def _check_known(self, rows: Iterable[Record | None]) -> None:
        from sandbox.store import migrations

        for record in rows:
            if record is not None and record.values and isinstance(record.values[0], str):
                migrations.check_known(record.values[0], self._place)

    def _orphans(self) -> Iterator[tuple[int, bool]]:
        """The trees that nothing names and nothing that can be read leads to."""
        below: set[int] = set()
        loose: dict[int, bool] = {}
        for number in range(1, self._pages.held + 1):
            if number not in self._seen and number not in self._free:
                try:
                    page = self._pages.page(number)
                except Unreadable:
                    continue
                loose[number] = page.table
                below.update(page.children)
        for number in sorted(loose, key=lambda one: (one in below, one)):
            if number not in self._seen:  # else it was met in the tree of another
                yield number, loose[number]

    def _take(self, records: Iterable[Record | None], shape: _Shape | None, wanted: bool) -> None:
        """Keep the rows of one tree; where `shape` is None, each as what it looks like."""
        last: dict[str, float] = {}
        unsure = foreign = False
        for record in records if wanted else _all_met(records):
            found = None if record is None else self._fitting(record, shape)
            if found is None and (record is None or shape is not None):
                unsure = True
            if found is None and record is not None:
                foreign = shape is None  # an index, or a table that is not the store's
                found = None if foreign else self._fitting(record, None)
            if found is None:
                continue
            name, row = found
            key = row[0]
            if isinstance(key, int):
                before = last.get(name, float("-inf"))
                if unsure or key < before:
                    self.gaps[name].append((min(before, key), max(before, key)))
                last[name] = key
            unsure = False
            self._keep(name, row)
        if unsure:
            anything = [] if foreign else list(self._shapes)
            for name in [shape.name] if shape else list(last) or anything:
                self.gaps[name].append((last.get(name, float("-inf")), float("inf")))

    def _fitting(self, record: Record, shape: _Shape | None) -> tuple[str, tuple[Value, ...]] | None:
        if shape is not None:
            row = shape.row(record)
            return None if row is None else (shape.name, row)
        if record.rowid is None and tuple(map(type, record.values)) in self._indexes:
            return None
        for name, one in self._shapes.items():
            row = one.row(record)
            if row is not None:
                return name, row
        return None

    def _keep(self, name: str, row: tuple[Value, ...]) -> None:
        self.rows[name] += 1
        if name == "payload":
            try:
                unpacked(row[0], row[1], self._decompress)  # type: ignore[arg-type]  # bytes, says the shape
            except Damaged:
                return
        if name == "dictionary" and not _usable(*row):
            return  # nothing can be read or written with it
        self._waiting[name].append(row)
        if len(self._waiting[name]) >= _AT_ONCE:
            self._insert(name)

    def _insert(self, name: str) -> None:
        rows, self._waiting[name] = self._waiting[name], []
        if rows:
            self._connection.exec_driver_sql(self._shapes[name].insert, rows)

    def drop_dangling(self) -> None:
        """Take out what refers to nothing, whatever else is found about the episodes."""
        run = self._connection.execute
        for column in (EXPERIMENT.c.content_ref, EPISODE.c.condition_ref, EPISODE.c.item_ref):
            run(delete(column.table).where(~exists().where(PAYLOAD.c.hash == column)))
        run(delete(EPISODE).where(EPISODE.c.status.not_in((*ENDED, "pending", "running"))))
        run(delete(ANNOTATION).where(ANNOTATION.c.kind.not_in(KINDS)))
        self._drop_unreadable_replies()
        run(update(EPISODE).values(lease_owner=None, lease_until=None))  # no process runs the new store's episodes
        for table in (SCORE, MARK):
            gaps = self.gaps[table.name]
            for some in chunks(gaps, 100):
                run(delete(CARD).where(or_(*(CARD.c.number.between(*_finite(gap)) for gap in some))))

    def _drop_unreadable_replies(self) -> None:
        run = self._connection.execute
        dictionary = select(DICTIONARY.c.data)
        expander = Expander(lambda number: run(dictionary.where(DICTIONARY.c.id == number)).scalar_one_or_none())
        key = list(REPLY.primary_key.columns)
        unreadable = []
        for *of, data in run(select(*key, REPLY.c.data)):
            try:
                expander.expand(data)
            except Damaged:
                unreadable.append(of)
        for of in unreadable:
            run(delete(REPLY).where(*(column == value for column, value in zip(key, of, strict=True))))


def _usable(number: Value, name: Value, data: Value) -> bool:
    """Whether a row of the table of dictionaries holds one."""
    try:
        numbered(number, zstandard.decompress(data), level=1)  # type: ignore[arg-type]  # as the shape says
    except (zstandard.ZstdError, MemoryError):
        return False
    return True


def _all_met(records: Iterable[Record | None]) -> tuple[()]:
    """Walk a tree for the pages that it has, and for nothing else."""
    for _ in records:
        pass
    return ()


def _between_gaps(rows: Iterable[Record | None]) -> Iterator[Record | None]:
    yield None
    yield from rows
    yield None


def _finite(gap: tuple[float, float]) -> tuple[int, int]:
    return int(max(gap[0], 0)), int(min(gap[1], 2**62))


def _settled(database: Database, url: str, found: _Rescue) -> Recovered:
    """Keep the traces that are whole, make the other episodes pending, and count."""
    result = Recovered(read=dict(found.rows))
    with database.reading() as connection:
        ended = connection.execute(select(EPISODE).where(EPISODE.c.status.in_(ENDED)).order_by(EPISODE.c.number)).all()
        unsure = _with_odd_events(connection)
        of_0001 = set(connection.execute(select(STEP.c.episode).where(STEP.c.content.is_(None)).distinct()).scalars())
    again: list[int] = []
    lost: list[int] = []
    with Store.open(url) as store:
        for row in ended:
            lost_some = any(low <= row.number <= high for low, high in found.gaps["event"])
            missing = row.number in of_0001 and (row.number in unsure or lost_some)
            why = "events may be missing" if missing else _fault(row, store)
            if why:
                result.again[why] = result.again.get(why, 0) + 1
                again.append(row.number)
    with database.writing() as connection:
        for numbers in chunks(again):
            connection.execute(update(EPISODE).where(EPISODE.c.number.in_(numbers)).values(_ANEW))
        connection.execute(update(EPISODE).where(EPISODE.c.status == "running").values(_ANEW))
        of_trace = and_(EPISODE.c.status.in_(ENDED), EPISODE.c.number == STEP.c.episode)
        connection.execute(delete(STEP).where(~exists().where(of_trace, EPISODE.c.attempt == STEP.c.attempt)))
        of_trace = and_(EPISODE.c.status.in_(ENDED), EPISODE.c.number == EVENT.c.episode)
        connection.execute(delete(EVENT).where(~exists().where(of_trace, EPISODE.c.attempt == EVENT.c.attempt)))
    with database.reading() as connection:
        waiting = connection.execute(
            select(EPISODE.c.number, EPISODE.c.key).where(EPISODE.c.status == "pending").order_by(EPISODE.c.number)
        ).all()
    with Store.open(url) as store:
        for number, key in waiting:
            try:
                store.episode(key)
            except StoreCorrupt:
                lost.append(number)
    with database.writing() as connection:
        for numbers in chunks(lost):
            connection.execute(delete(EPISODE).where(EPISODE.c.number.in_(numbers)))
        _drop_orphans(connection)
        for name, table in Base.metadata.tables.items():
            result.saved[name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
    result.whole, result.pending = len(ended) - len(again), len(waiting) - len(lost) - len(again)
    result.without_specification = found.rows["episode"] - result.saved["episode"]
    return result


_ANEW: dict[str, Any] = {
    "status": "pending",
    "total": None,
    "steps": 0,
    "hash": b"",
    "reason": "",
    "counts": None,
    "flags": 0,
    "result_ref": None,
}


def _drop_orphans(connection: Connection) -> None:
    """Rows whose episode, experiment or card is not there any more."""
    ended = and_(EPISODE.c.status.in_(ENDED), EPISODE.c.attempt == CARD.c.attempt)
    connection.execute(delete(CARD).where(~exists().where(EPISODE.c.number == CARD.c.episode, ended)))
    for column, other in (
        (MEMBERSHIP.c.episode, EPISODE.c.number),
        (MEMBERSHIP.c.experiment, EXPERIMENT.c.id),
        (REPLY.c.episode, EPISODE.c.number),
        (SCORE.c.card, CARD.c.number),
        (MARK.c.card, CARD.c.number),
        (ANNOTATION.c.episode, EPISODE.c.number),
    ):
        connection.execute(delete(column.table).where(~exists().where(other == column)))


def _with_odd_events(connection: Connection) -> set[int]:
    """Numbers of the episodes with a step whose events do not count from 0, or with events that belong to no step."""
    of = and_(EPISODE.c.number == EVENT.c.episode, EPISODE.c.attempt == EVENT.c.attempt)
    steps = (EVENT.c.episode, EVENT.c.step)
    gappy = (
        select(EVENT.c.episode).join(EPISODE, of).group_by(*steps).having(func.count() != func.max(EVENT.c.index) + 1)
    )
    odd = or_(
        ~EVENT.c.attempt.between(1, EPISODE.c.attempt),
        and_(EVENT.c.attempt == EPISODE.c.attempt, ~EVENT.c.step.between(0, EPISODE.c.steps - 1)),
    )
    stray = select(EVENT.c.episode).join(EPISODE, EPISODE.c.number == EVENT.c.episode).where(odd)
    return {row.episode for query in (gappy, stray) for row in connection.execute(query)}


def _fault(row: Any, store: Store) -> str:
    """Why the trace of an episode that had ended is not as it was recorded; '' where it is."""
    try:
        return "" if _as_recorded(row, store.episode(row.key)) else "a step or the result is changed"
    except (StoreCorrupt, Damaged):
        return "a step or a payload is missing or damaged"


def _as_recorded(row: Any, episode: Episode) -> bool:
    before, flags = "", 0
    for step in episode.steps:
        if step.digest_after(before) != step.digest and not row.flags & Flag.REDACTED:
            return False
        before = step.digest
        if step.seat in episode.spec.evaluated:
            flags |= flags_of(step)
    counts = stored_counts(episode)
    return (
        before == episode.hash
        and row.flags & ~Flag.REDACTED == flags
        and row.total == episode.total
        and (decode(row.counts) if row.counts else {}) == counts
        and (row.environment, row.item, row.agent, row.framing)
        == (episode.spec.environment, episode.spec.item_id, names_of(episode.spec), episode.spec.framing)
    )
