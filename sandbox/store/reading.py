"""Whole episodes out of the database: few queries for many of them, and only what is asked for.

What fits its hash was written by us from validated models: its structure is looked at, and models are made of it
without validating each field again, which would cost ten times as much. What does not look as it should is validated
in full, for the words that say what is wrong with it.
"""

from __future__ import annotations

import hashlib
import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Select, Text, and_, bindparam, cast, func, or_, select

from sandbox.errors import StoreCorrupt
from sandbox.scenario import Benchmark
from sandbox.scorer import PARTS
from sandbox.store.columns import from_column, to_column
from sandbox.store.conversations import Heard
from sandbox.store.database import chunks
from sandbox.store.payloads import Damaged, Payloads
from sandbox.store.rows import StepHead
from sandbox.store.schema_0001 import OldSteps
from sandbox.store.tables import ANSWERED_AGAIN, EPISODE, EVENT, STEP
from sandbox.store.unpacking import STORED, Contents, StepSkim, Unpacker, events_of, lines_of, skimmed
from sandbox.store.writer import ENDED
from sandbox.text import canonical
from sandbox.trace import Episode, EpisodeSpec, Step, Usage, trusted
from sandbox.uncollected import uncollected

STATUSES = frozenset({"pending", "running", *ENDED})
PROVENANCES = frozenset({"executed", "replayed", "recorded"})
EARLIER_AT_ONCE = 255  # steps: lists of messages go on from step to step
PAYLOADS_KEPT = 2_000


class EpisodeColumns(NamedTuple):
    """What is read of `tables.Episode`, as the driver gives it; and the place in canonical order."""

    number: int
    key: str
    status: str
    attempt: int
    repetition: int
    seed: int
    external_id: str | None
    condition_ref: bytes
    item_ref: bytes
    provenance: str
    steps: int
    hash: bytes
    reason: str
    result_ref: bytes | None
    position: int


def raw_rows(
    connection: Connection, query: Select[Any], parameters: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them: text not yet `from_column`, and a third of the time for each."""
    cursor: Any = connection.execute(query, parameters).cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def raw_integers(connection: Connection, each: ColumnElement[int]) -> array[int]:
    """A column of a subquery, whole numbers, in its order: for very many of them.

    They come as one text, which both databases put together in the order of the subquery. Each in a row of its own
    takes SQLite's driver six times as long as it takes SQLite to find it.
    """
    text = connection.execute(select(func.aggregate_strings(cast(each, Text), ","))).scalar_one()
    return array("q", orjson.loads(f"[{text or ''}]"))


def columns_of(connection: Connection, members: Select[Any]) -> list[EpisodeColumns]:
    """The rows of `members`, a selection of episodes with a column `position`."""
    return list(map(EpisodeColumns._make, raw_rows(connection, _narrow(members))))


def row_of(connection: Connection, key: str) -> EpisodeColumns | None:
    """The row of the episode with this key, if there is one."""
    rows = _told(connection, _ROW_OF_ONE, (to_column(key),))
    return EpisodeColumns._make(rows[0]) if rows else None


def _narrow(members: Select[Any]) -> Select[Any]:
    columns = (members.selected_columns[name] for name in EpisodeColumns._fields)
    return members.with_only_columns(*columns, maintain_column_froms=True)


def read_payloads(connection: Connection, kept: Payloads | None = None) -> Payloads:
    """Payloads and dictionaries read through `connection`; with those that `kept` has, if they are not too many."""

    def fetch(refs: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        return _stored(connection, refs)

    def dictionary(number: int) -> bytes | None:
        return _dictionary(connection, number)

    if kept is None:
        return Payloads(fetch, dictionary)
    kept.forget_beyond(PAYLOADS_KEPT)
    kept.fetch, kept.expander.fetch = fetch, dictionary
    return kept


def fetch_later(payloads: Payloads, reading: Callable[[], AbstractContextManager[Connection]]) -> None:
    """What is not read yet is from now on read when it is asked for, through connections of `reading`."""

    def fetch(refs: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        with reading() as connection:
            return _stored(connection, refs)

    def dictionary(number: int) -> bytes | None:
        with reading() as connection:
            return _dictionary(connection, number)

    payloads.fetch, payloads.expander.fetch = fetch, dictionary


def _dictionary(connection: Connection, number: int) -> bytes | None:
    rows = _told(connection, _DICTIONARY, (number,))
    return rows[0][0] if rows else None


def _stored(connection: Connection, refs: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Hash and bytes of payloads."""
    found: list[tuple[bytes, bytes]] = []
    for some in chunks(refs):
        found += _told(connection, _PAYLOADS.format(_marks(len(some))), tuple(some))
    return found


def _told(connection: Connection, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The rows that `statement` asks for, with `?` for each value, as the driver takes it and gives them.

    What opening an episode asks for is put so: SQLAlchemy takes longer to compile each of these, once for every store
    that is opened, than SQLite takes to answer it; its own `IN` costs more for each hash than to find it.
    """
    if connection.dialect.paramstyle != "qmark":
        statement = statement.replace("?", "%s")
    cursor: Any = connection.exec_driver_sql(statement, values).cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _marks(count: int) -> str:
    return ",".join("?" * count)


class Reader:
    """Makes episodes, specifications and steps of rows; `place` names the database in messages.

    `reading`: how to read on when `connection` has been given back, for steps that are made as they are read.

    Raises, all of it:
        StoreCorrupt: stored bytes do not fit their hash, or are no JSON; names the episode and the step.
    """

    def __init__(self, connection: Connection, place: str, payloads: Payloads, parts: Set[str] | None = None) -> None:
        """`parts`: of `sandbox.scorer.PARTS`, what will be asked of steps, which then are made as they are read."""
        self._connection = connection
        self._place = place
        self._payloads = payloads
        self._as_read = parts is not None
        self._parts = PARTS if parts is None else parts
        self._unpacker = Unpacker(payloads, self._parts)
        self.reading: Callable[[], AbstractContextManager[Connection]] = lambda: nullcontext(connection)

    def episodes(self, rows: Sequence[EpisodeColumns]) -> list[Episode]:
        """The whole episodes of `rows`."""
        with uncollected():
            return self._episodes(rows)

    def _episodes(self, rows: Sequence[EpisodeColumns]) -> list[Episode]:
        self._payloads.load([ref for row in rows for ref in (row.condition_ref, row.item_ref, row.result_ref)])
        steps = self._rows(rows)
        old = self._old([row for row in rows if any(step[-1] is None for step in steps.get(row.number, ()))])
        return [self._episode(row, steps.get(row.number, ()), old) for row in rows]

    def steps(self, row: EpisodeColumns, start: int, stop: int) -> list[Step]:
        """The steps from `start` to before `stop`, without the rest of the episode."""
        steps = self._rows_of_one(row, start, stop)
        return self._steps(row, steps, self._old_of_one(row, steps), start)

    def steps_of_attempt(self, row: EpisodeColumns, attempt: int) -> list[Step]:
        """The steps of another attempt than the latest."""
        of_attempt = and_(STEP.c.episode == row.number, STEP.c.attempt == attempt)
        query = select(STEP.c.episode, *(STEP.c[name] for name in STORED)).where(of_attempt).order_by(STEP.c.index)
        rows = [one for one in raw_rows(self._connection, query) if one[-1] is not None]  # schema 0001 had no people
        return self._steps(row, rows, None, 0)

    def skim(self, row: EpisodeColumns, start: int, stop: int) -> list[StepSkim]:
        """Of the steps from `start` to before `stop` what can be told without making them: a hundred times as fast."""
        return self._skims(row, self._rows_of_one(row, start, stop))

    def first(self, row: EpisodeColumns, count: int, stop: int) -> tuple[list[Step], list[StepSkim]]:
        """No more than `count` steps from the first on, and skims of those before `stop`, in one query."""
        steps = self._rows_of_one(row, 0, max(count, stop))
        return self._steps(row, steps[:count], self._old_of_one(row, steps)), self._skims(row, steps[:stop])

    def outline(self, row: EpisodeColumns) -> list[StepHead]:
        """All of its steps, as short as a timeline shows them."""
        return [
            StepHead(index, tick, from_column(seat), outcome, reward, flags)
            for index, tick, seat, outcome, reward, flags in raw_rows(
                self._connection, _OUTLINE, {"of": row.number, "attempt": row.attempt}
            )
        ]

    def piece(self, row: EpisodeColumns, start: int, stop: int) -> Episode:
        """An episode that has ended, with no more of its steps than those from `start` to before `stop`."""
        self._payloads.load([row.condition_ref, row.item_ref, row.result_ref])
        steps = self.steps(row, start, stop)
        if len(steps) != min(stop, row.steps) - start:
            raise self._corrupt(row, f": {start + len(steps)} of its {row.steps} steps are there")
        return self._made(row, steps)

    def about(self, row: EpisodeColumns) -> Episode:
        """The episode without its steps."""
        self._payloads.load([row.condition_ref, row.item_ref, row.result_ref])
        return self._made(row, [])

    def spec(self, row: Any, external_id: str | None) -> EpisodeSpec:
        """The specification, if it has the episode's key; `row` has its columns, and `external_id` is decoded."""
        condition = self._value(row, ", its specification", row.condition_ref, _Condition.of)
        item = self._value(row, ", its specification", row.item_ref)
        if not isinstance(item, dict):
            raise self._corrupt(row, ", its specification: the item is no object")
        own = {"item": item, "repetition": row.repetition, "seed": row.seed, "external_id": external_id}
        spec = trusted(EpisodeSpec, condition.fields | own)  # replaced, fields keep their order
        if condition.key_of(spec) == row.key:
            spec.__dict__["key"] = row.key  # which `spec.key` would work out again, at ten times the cost
        elif spec.key != row.key:
            raise self._corrupt(row, ": the stored specification does not match the episode's key")
        return spec

    # -- inside -----------------------------------------------------------------------------------------------------

    def _rows(self, episodes: Sequence[EpisodeColumns]) -> dict[int, list[tuple[Any, ...]]]:
        """Rows of steps, by the number of their episode, which is their first column."""
        steps: dict[int, list[tuple[Any, ...]]] = {}
        for some in chunks(episodes):
            rows = _told(self._connection, _STEPS.format(_marks(len(some))), tuple(row.number for row in some))
            for number, own in itertools.groupby(rows, itemgetter(0)):
                steps[number] = list(own)
        return steps

    def _rows_of_one(
        self, row: EpisodeColumns, start: int, stop: int, connection: Connection | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of the steps from `start` to before `stop` of an episode."""
        return _told(connection or self._connection, _STEPS_OF_ONE, (row.number, start, stop))

    def _old(self, episodes: Sequence[EpisodeColumns]) -> OldSteps | None:
        """What the steps of `episodes`, which schema 0001 wrote, hold."""
        if not episodes:
            return None
        attempts = {row.number: row.attempt for row in episodes}
        return OldSteps(self._connection, attempts, self._payloads, self._parts)

    def _old_of_one(self, row: EpisodeColumns, steps: Sequence[tuple[Any, ...]]) -> OldSteps | None:
        return self._old([row] if any(step[-1] is None for step in steps) else ())

    def _steps(
        self, row: EpisodeColumns, steps: Sequence[tuple[Any, ...]], old: OldSteps | None, start: int = 0
    ) -> list[Step]:
        def fault(index: int, error: Damaged) -> StoreCorrupt:  # steps are counted from 1 wherever people read of them
            return self._corrupt(row, f", step {index + 1}: {error}")

        made = []
        contents = Contents(self._payloads)
        heard = Heard(self._earlier(row, contents), self._payloads.value)
        for index, (number, *step, content) in enumerate(steps, start):
            try:
                if step[0] != index:
                    raise Damaged("the step is missing")
                if content is not None:
                    contents.frames[index] = content
                elif old is not None:
                    contents.lines[index] = lines_of(b"\n".join(old.lines(number, index)))
                if self._as_read:
                    made.append(self._unpacker.stored(step, contents, heard, fault))
                else:
                    made.append(self._unpacker.step(step, contents.of(index), heard))
            except Damaged as error:
                raise fault(index, error) from error
        return made

    def _skims(self, row: EpisodeColumns, steps: Sequence[tuple[Any, ...]]) -> list[StepSkim]:
        old = self._old_of_one(row, steps)
        return [self._skim(row, step, old) for step in steps]

    def _skim(self, row: EpisodeColumns, step: tuple[Any, ...], old: OldSteps | None) -> StepSkim:
        number, index, content = step[0], step[1], step[-1]
        try:
            if content is not None:
                lines = self._payloads.expanded(content, lines_of)
            else:
                lines = [] if old is None else lines_of(b"\n".join(old.lines(number, index)))
            return skimmed(lines)
        except Damaged as error:
            raise self._corrupt(row, f", step {index + 1}: {error}") from error

    def _earlier(self, row: EpisodeColumns, contents: Contents) -> Callable[[int], list[Any]]:
        """Gives the events of a step, as they are written: lists of messages go on from step to step.

        `contents`: of the steps that are read; those of steps before them come to it.
        """

        def events(step: int) -> list[Any]:
            if step not in contents:
                with self.reading() as connection:
                    rows = self._rows_of_one(row, step - EARLIER_AT_ONCE, step + 1, connection)
                for _, index, *_, content in rows:
                    contents.frames.setdefault(index, content)
            return events_of(contents.of(step))

        return events

    def _episode(
        self,
        row: EpisodeColumns,
        steps: Sequence[tuple[Any, ...]],
        old: OldSteps | None,
    ) -> Episode:
        trace = self._steps(row, steps, old)
        if row.status in ENDED and len(trace) != row.steps:
            raise self._corrupt(row, f": {len(trace)} of its {row.steps} steps are there")
        return self._made(row, trace)

    def _made(self, row: EpisodeColumns, trace: Sequence[Step]) -> Episode:
        spec = self._spec(row)
        result = _NOTHING if row.result_ref is None else self._value(row, ", its result", row.result_ref, _result)
        fields = {
            "id": row.key,
            "spec": spec,
            "status": row.status,
            "reason": from_column(row.reason),
            "steps": tuple(trace),
            "payoffs": result["payoffs"],
            "facts": result["facts"],
            "benchmarks": result["benchmarks"],
            "hash": row.hash.hex(),
            "attempt": row.attempt,
            "provenance": row.provenance,
            "versions": result["versions"],
            "privileged": result["privileged"],
            "usage": result["usage"],
            "position": row.position,
            "annotations": (),
        }
        if row.status in STATUSES and row.provenance in PROVENANCES:
            return trusted(Episode, fields)
        try:
            return Episode.model_validate(fields)
        except ValidationError as error:
            raise self._corrupt(row, f": the stored bytes make no episode ({error})") from error

    def _spec(self, row: EpisodeColumns) -> EpisodeSpec:
        return self.spec(row, None if row.external_id is None else from_column(row.external_id))

    def _value(self, row: Any, what: str, ref: bytes, build: Any = None) -> Any:
        try:
            return self._payloads.value(ref, build)
        except Damaged as error:
            raise self._corrupt(row, f"{what}: {error}") from error

    def _corrupt(self, row: Any, what: str) -> StoreCorrupt:
        return StoreCorrupt(f"{self._place}: episode {row.key[:12]}{what}")


_ALONE: dict[str, Any] = {"repetition": 0, "seed": 0, "external_id": None, "item": {}}
"""What a specification has of its own, with the defaults; the rest is its condition's."""


class _Condition(NamedTuple):
    """What specifications of one condition share: their fields, and the content that goes into their keys."""

    fields: dict[str, Any]
    content: dict[str, Any]

    @classmethod
    def of(cls, value: Any) -> _Condition:
        try:
            spec = EpisodeSpec.model_validate({**value, **_ALONE})
        except (ValidationError, TypeError) as error:
            raise Damaged(f"the stored bytes make no specification ({error})") from error
        return cls(dict(spec.__dict__), spec.content())

    def key_of(self, spec: EpisodeSpec) -> str:
        """`spec.key`, of a specification of this condition."""
        own = {name: value for name in _ALONE if (value := getattr(spec, name)) != _ALONE[name]}
        return hashlib.sha256(canonical(self.content | own)).hexdigest()


_NOTHING: dict[str, Any] = {
    "payoffs": {}, "facts": {}, "benchmarks": {}, "versions": {}, "privileged": (), "usage": Usage(),
}  # fmt: skip


def _result(value: Any) -> dict[str, Any]:
    """The result of an episode, as fields of `Episode`."""
    try:
        result: dict[str, Any] = _NOTHING | value
        result["benchmarks"] = {name: _benchmark(said) for name, said in result["benchmarks"].items()}
        result["privileged"] = tuple(result["privileged"])
        if "usage" in value:
            result["usage"] = Usage.model_validate(result["usage"])
    except (ValidationError, TypeError, AttributeError) as error:
        raise Damaged(f"the stored bytes make no result ({error})") from error
    return result


def _benchmark(said: dict[str, Any]) -> Benchmark:
    if said.keys() == Benchmark.model_fields.keys():
        return trusted(Benchmark, {name: said[name] for name in Benchmark.model_fields})
    return Benchmark.model_validate(said)


_OF_EPISODE = and_(EPISODE.c.number == STEP.c.episode, EPISODE.c.attempt == STEP.c.attempt)
_OUTLINE = (
    select(STEP.c.index, STEP.c.tick, STEP.c.seat, STEP.c.outcome, STEP.c.reward, STEP.c.flags)
    .where(STEP.c.episode == bindparam("of"), STEP.c.attempt == bindparam("attempt"))
    .order_by(STEP.c.index)
)

_COLUMNS = ", ".join(name for name in EpisodeColumns._fields if name != "position")
_ROW_OF_ONE = f"SELECT {_COLUMNS}, number - 1 FROM episode WHERE key = ?"  # noqa: S608 (names of our own columns)
_DICTIONARY = "SELECT data FROM dictionary WHERE id = ?"
_PAYLOADS = "SELECT hash, data FROM payload WHERE hash IN ({})"
_STEP_COLUMNS = ", ".join(f'step."{name}"' for name in ("episode", *STORED))
_LATEST = "JOIN episode ON episode.number = step.episode AND episode.attempt = step.attempt"
_LATEST_STEPS = f"SELECT {_STEP_COLUMNS} FROM step {_LATEST}"  # noqa: S608 (as above)
_STEPS = _LATEST_STEPS + ' WHERE step.episode IN ({}) ORDER BY step.episode, step."index"'
_STEPS_OF_ONE = (
    _LATEST_STEPS + ' WHERE step.episode = ? AND step."index" >= ? AND step."index" < ? ORDER BY step."index"'
)


_INVALID = select(EVENT.c.index).where(
    EVENT.c.episode == STEP.c.episode,
    EVENT.c.attempt == STEP.c.attempt,
    EVENT.c.step == STEP.c.index,
    EVENT.c.kind == "invalid",
)


_AS_STEPS = 8  # that take as much memory as an episode does without its own


def batches(rows: Sequence[EpisodeColumns], steps_at_once: int) -> Iterator[Sequence[EpisodeColumns]]:
    """`rows` in runs that take no more memory than so many steps, a longer episode alone."""
    start = 0
    while start < len(rows):
        end, steps = start, 0
        while end < len(rows) and (end == start or steps + rows[end].steps <= steps_at_once):
            steps += rows[end].steps + _AS_STEPS
            end += 1
        yield rows[start:end]
        start = end


def seats_answering_again(connection: Connection, episodes: Select[Any] | None) -> Iterable[tuple[str, str]]:
    """(key, seat) of every decision that came of more than one answer; `episodes`: the numbers of those asked about."""
    query = (
        select(EPISODE.c.key, STEP.c.seat)
        .join(STEP, _OF_EPISODE)
        .where(
            EPISODE.c.status.in_(ENDED),
            or_(
                STEP.c.flags.op("&")(ANSWERED_AGAIN) != 0,
                and_(STEP.c.content.is_(None), STEP.c.decision.is_not(None), _INVALID.exists()),  # schema 0001
            ),
        )
        .order_by(EPISODE.c.number, STEP.c.index)
    )
    if episodes is not None:
        query = query.where(EPISODE.c.number.in_(episodes))
    for key, seat in raw_rows(connection, query):
        yield key, from_column(seat)
