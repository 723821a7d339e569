"""The only way into the database for traces: one thread per process that writes what others enqueue, in batches.

What is *acknowledged*: everything enqueued before a `flush()` (or `close()`) that returned. It is committed, and a
killed process does not lose it. What is not yet acknowledged is at most a fifth of a second behind. A fault in the
thread (disk full, locked for too long) ends the writer: the call that notices, and each later one, raises `StoreError`;
what was committed stays.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from sandbox.errors import StoreError
from sandbox.scorer import Card
from sandbox.store.columns import to_column
from sandbox.store.database import Database, chunks, insert_new
from sandbox.store.faults import explain
from sandbox.store.payloads import Packer, compress
from sandbox.store.redaction import Redaction
from sandbox.store.tables import CARD, EPISODE, EVENT, MARK, PAYLOAD, SCORE, STEP
from sandbox.store.traces import (
    EVENT_COLUMNS,
    STEP_COLUMNS,
    EventRow,
    StepRow,
    pack_step,
    packed_hash,
)
from sandbox.trace import Episode, EpisodeSpec, Step

BATCH = 1000  # entries: a commit costs as much as some twenty steps
DELAY = 0.1  # seconds that an entry waits for company; with the write itself within the 200 ms promised
ROOM = 8 * BATCH  # entries that may wait before callers have to
ROOM_BYTES = 64_000_000  # the same for their payloads
RECENT = 20_000  # payloads remembered as stored, so that they are not sent again

UNFINISHED = ("pending", "running", "error")
ENDED = ("finished", "truncated", "forfeited", "error")


class Attempts(NamedTuple):
    """An episode's number, and how many attempts at it have begun."""

    number: int
    attempts: int


@dataclass(slots=True)
class _UnderWay:
    """An attempt that has begun and not ended; `flags`: of the decisions under evaluation so far."""

    number: int
    evaluated: tuple[str, ...]
    flags: int = 0


class _Begin(NamedTuple):
    number: int
    attempt: int


class _Step(NamedTuple):
    number: int
    attempt: int
    row: StepRow
    events: list[EventRow]


class _Finish(NamedTuple):
    number: int
    attempt: int
    columns: tuple[Any, ...]


class _Scored(NamedTuple):
    key: str
    scorer: str
    version: int
    config: str
    card: Card


_Entry = _Begin | _Step | _Finish | _Scored


class Writer:
    """Records attempts at episodes: `begin`, `step` by step, `finish`; from any thread (see `Store.writer`)."""

    def __init__(self, database: Database, known: dict[str, Attempts]) -> None:
        """`known`: episodes by their key; the database is asked for those that are not in it."""
        database.check_writable()
        self._database = database
        self._known = known
        self._redaction = Redaction(os.environ)
        self._under_way: dict[tuple[str, int], _UnderWay] = {}  # by key and attempt
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()

        self._changed = threading.Condition()  # guards all below
        self._entries: list[_Entry] = []
        self._payloads: list[tuple[bytes, bytes]] = []
        self._waiting_bytes = 0
        self._taken = self._committed = 0  # entries
        self._urgent = self._closing = self._ended = False
        self._fault: StoreError | None = None
        self._fault_said = False

        threading.Thread(target=self._run, name="sandbox-store-writer", daemon=True).start()
        atexit.register(self.close)  # the thread is a daemon, so that an exception elsewhere cannot hang the program

    # -- for callers ------------------------------------------------------------------------------------------------

    def begin(self, spec: EpisodeSpec) -> int:
        """Start an attempt at an episode that an experiment holds; its number, from 1, goes into `step` and `finish`.

        If another process has begun a later attempt at the same episode by then, what is recorded of this one is
        left out: the episode has one result.

        Raises:
            StoreError: no experiment holds the episode, or it has ended already.
        """
        number, attempts = self._known.get(spec.key) or self._look_up(spec.key)
        attempt = attempts + 1
        self._known[spec.key] = Attempts(number, attempt)
        self._under_way[spec.key, attempt] = _UnderWay(number, spec.evaluated)
        self._enqueue(_Begin(number, attempt))
        return attempt

    def step(self, key: str, attempt: int, step: Step) -> None:
        """Record a step. What it holds is taken now: later changes to it are not seen."""
        under_way = self._attempt(key, attempt)
        packer = Packer(self._redaction)
        try:
            row, events = pack_step(step, packer)
        except StoreError as error:
            raise StoreError(f"episode {key[:12]}, step {step.index + 1}: {error}") from error
        if step.seat in under_way.evaluated:
            under_way.flags |= row.flags
        self._enqueue(_Step(under_way.number, attempt, row, events), packer.payloads)

    def finish(self, episode: Episode) -> None:
        """Record how an attempt ended; its steps were given before. They become the episode's trace."""
        under_way = self._attempt(episode.id, episode.attempt)
        if episode.status not in ENDED:
            raise StoreError(
                f"episode {episode.id[:12]} cannot end as {episode.status!r}; it ends as {', '.join(ENDED)}"
            )
        packer = Packer(self._redaction)
        counts = {name: count for name, count in episode.counts().items() if count}
        result = {
            "payoffs": dict(episode.payoffs),
            "facts": dict(episode.facts),
            "benchmarks": {name: benchmark.model_dump() for name, benchmark in episode.benchmarks.items()},
            "versions": dict(episode.versions),
            "privileged": list(episode.privileged),
        }
        try:
            columns = (
                episode.status,
                episode.provenance,
                episode.total,
                len(episode.steps),
                packed_hash(episode.hash),
                to_column(self._redaction.text(episode.reason)),
                packer.inline(counts) if counts else None,
                under_way.flags,
                packer.put(result),
            )
        except StoreError as error:
            raise StoreError(f"episode {episode.id[:12]}, its result: {error}") from error
        self._enqueue(_Finish(under_way.number, episode.attempt, columns), packer.payloads)
        del self._under_way[episode.id, episode.attempt]

    def save_card(self, scorer: str, version: int, config_hash: str, key: str, card: Card) -> None:
        """Record what a scorer says of an episode's latest attempt; replaces what it said before."""
        if self._redaction:
            hide = self._redaction.text
            card = Card(
                scores=tuple(score.model_copy(update={"reason": hide(score.reason)}) for score in card.scores),
                marks=tuple(mark.model_copy(update={"note": hide(mark.note)}) for mark in card.marks),
            )
        self._enqueue(_Scored(key, scorer, version, config_hash, card))

    def flush(self) -> None:
        """Return when everything enqueued before is committed; commits at once instead of waiting for company."""
        with self._changed:
            mark = self._taken + len(self._entries)
            self._urgent = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._committed >= mark or self._fault is not None)
            if self._committed < mark:
                self._check()

    def close(self) -> None:
        """Commit everything enqueued and stop. An interruption (Ctrl-C) is raised only when that is done."""
        interruption: KeyboardInterrupt | None = None
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        # Not `Thread.join`: interrupted, it takes a running thread for a stopped one (Python 3.11, bpo-45274).
        while not self._ended:
            try:
                with self._changed:
                    self._changed.wait_for(lambda: self._ended)
            except KeyboardInterrupt as error:
                interruption = error
        atexit.unregister(self.close)
        if self._fault is not None and not self._fault_said:
            self._fault_said = True
            raise self._fault
        if interruption is not None:
            raise interruption

    @property
    def healthy(self) -> bool:
        """Whether it takes entries: neither closed nor ended by a fault."""
        return not self._closing and self._fault is None

    # -- enqueueing -------------------------------------------------------------------------------------------------

    def _attempt(self, key: str, attempt: int) -> _UnderWay:
        try:
            return self._under_way[key, attempt]
        except KeyError:
            raise StoreError(
                f"episode {key[:12]}, attempt {attempt}, is not under way: call begin(spec) first"
            ) from None

    def _look_up(self, key: str) -> Attempts:
        with self._database.reading() as connection:
            found = connection.execute(
                select(EPISODE.c.number, EPISODE.c.attempt, EPISODE.c.status).where(EPISODE.c.key == key)
            ).one_or_none()
        if found is None:
            raise StoreError(f"no experiment in {self._database.place} holds episode {key[:12]}: add_experiment first")
        if found.status not in UNFINISHED:
            raise StoreError(f"episode {key[:12]} is {found.status} already; the same specification never runs twice")
        return Attempts(found.number, found.attempt)

    def _enqueue(self, entry: _Entry, payloads: dict[bytes, bytes] | None = None) -> None:
        with self._changed:
            while len(self._entries) >= ROOM or self._waiting_bytes >= ROOM_BYTES:
                if not self.healthy:
                    break
                self._changed.wait()
            self._check()
            # Under the lock: whoever finds a payload remembered here must come after it in the queue.
            for ref, data in (payloads or {}).items():
                if ref not in self._recent and ref not in self._older:
                    self._recent.add(ref)
                    self._payloads.append((ref, data))
                    self._waiting_bytes += len(data)
            if len(self._recent) > RECENT:
                self._older, self._recent = self._recent, set()
            self._entries.append(entry)
            if len(self._entries) == 1 or len(self._entries) == BATCH or self._waiting_bytes > ROOM_BYTES // 2:
                self._changed.notify_all()

    def _check(self) -> None:
        if self._fault is not None:
            self._fault_said = True
            raise self._fault
        if self._closing:
            raise StoreError(f"{self._database.place}: the writer is closed")

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with self._database.engine.connect() as connection:
                batches = _Batches(connection)
                while batch := self._next_batch():
                    batches.write(*batch)
                    with self._changed:
                        self._committed += len(batch[0])
                        self._changed.notify_all()
        except BaseException as error:  # whatever it is, callers must not wait for ever
            with self._changed:
                self._fault = explain(error, self._database.place)
                self._fault.__cause__ = error
                self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _next_batch(self) -> tuple[list[_Entry], list[tuple[bytes, bytes]]] | None:
        """What is to be written next; waits for it. None when the writer is closed and everything is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closing)
            self._changed.wait_for(self._is_due, timeout=DELAY)
            entries, self._entries = self._entries, []
            self._taken += len(entries)
            payloads, self._payloads = self._payloads, []
            self._waiting_bytes, self._urgent = 0, False
            self._changed.notify_all()
        return (entries, payloads) if entries else None

    def _is_due(self) -> bool:
        return self._urgent or self._closing or len(self._entries) >= BATCH or self._waiting_bytes > ROOM_BYTES // 2


class _Batches:
    """The statements: one transaction a batch, on one connection, in one thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(sandbox_writes=True)
        self._ours: set[tuple[int, int]] = set()  # attempts under way that no other process has superseded
        self._insert_payload = _Statement(connection, insert_new(connection, PAYLOAD), ("hash", "data"))
        self._insert_step = _Statement(connection, insert_new(connection, STEP), ("episode", "attempt", *STEP_COLUMNS))
        self._insert_event = _Statement(
            connection, insert_new(connection, EVENT), ("episode", "attempt", *EVENT_COLUMNS)
        )
        this = EPISODE.c.number == bindparam("of_number")
        self._begin_episode = _Statement(connection, update(EPISODE).where(this), _BEGUN, ("of_number",))
        self._finish_episode = _Statement(
            connection,
            update(EPISODE).where(this, EPISODE.c.attempt == bindparam("of_attempt")),
            _RESULT,
            ("of_number", "of_attempt"),
        )

    def write(self, entries: Sequence[_Entry], payloads: Sequence[tuple[bytes, bytes]]) -> None:
        """Commit a batch: all of it or nothing."""
        # Compressed before the lock is taken, so that other processes wait for the writing alone.
        packed = compress([data for _, data in payloads])
        with self._connection.begin():
            self._begin([entry for entry in entries if isinstance(entry, _Begin)])
            steps: list[tuple[Any, ...]] = []
            events: list[tuple[Any, ...]] = []
            ends: list[tuple[Any, ...]] = []
            for entry in entries:
                if isinstance(entry, _Step):
                    of = (entry.number, entry.attempt)
                    if of in self._ours:
                        steps.append(of + entry.row)
                        events += [of + event for event in entry.events]
                elif isinstance(entry, _Finish):
                    of = (entry.number, entry.attempt)
                    if of in self._ours:
                        self._ours.remove(of)
                        ends.append(entry.columns + of)
            self._insert_payload.run(list(zip((ref for ref, _ in payloads), packed, strict=True)))
            self._insert_step.run(steps)
            self._insert_event.run(events)
            self._finish_episode.run(ends)
            self._score([entry for entry in entries if isinstance(entry, _Scored)])

    def _begin(self, begins: Sequence[_Begin]) -> None:
        now: dict[int, int] = {}
        wanted = select(EPISODE.c.number, EPISODE.c.attempt).where(EPISODE.c.status.in_(UNFINISHED))
        for numbers in chunks([entry.number for entry in begins]):
            rows = self._connection.execute(wanted.where(EPISODE.c.number.in_(numbers)))
            now |= {row.number: row.attempt for row in rows}
        ours = [entry for entry in begins if now.get(entry.number, entry.attempt) < entry.attempt]
        self._ours.update(ours)
        self._begin_episode.run([("running", attempt, None, 0, b"", "", None, 0, None, n) for n, attempt in ours])

    def _score(self, scored: Sequence[_Scored]) -> None:
        groups: dict[tuple[str, int, str], dict[str, Card]] = {}
        for entry in scored:
            groups.setdefault((entry.scorer, entry.version, entry.config), {})[entry.key] = entry.card
        for (scorer, version, config), cards in groups.items():
            of = {"scorer": scorer, "version": version, "config": config}
            episodes = {row.number: row for row in self._episodes(cards)}
            theirs = and_(*(CARD.c[name] == value for name, value in of.items()))
            for numbers in chunks(list(episodes)):
                old = select(CARD.c.number).where(theirs, CARD.c.episode.in_(numbers))
                self._connection.execute(delete(SCORE).where(SCORE.c.card.in_(old)))
                self._connection.execute(delete(MARK).where(MARK.c.card.in_(old)))
                self._connection.execute(delete(CARD).where(theirs, CARD.c.episode.in_(numbers)))
                self._connection.execute(
                    insert(CARD), [{**of, "episode": n, "attempt": episodes[n].attempt} for n in numbers]
                )
                new = select(CARD.c.number, CARD.c.episode).where(theirs, CARD.c.episode.in_(numbers))
                scores, marks = [], []
                for card, number in self._connection.execute(new):
                    said = cards[episodes[number].key]
                    scores += [
                        {"card": card, "position": n, **score.model_dump()} for n, score in enumerate(said.scores)
                    ]
                    marks += [{"card": card, "position": n, **mark.model_dump()} for n, mark in enumerate(said.marks)]
                if scores:
                    self._connection.execute(insert(SCORE), scores)
                if marks:
                    self._connection.execute(insert(MARK), marks)

    def _episodes(self, keys: Iterable[str]) -> Iterator[Any]:
        wanted = select(EPISODE.c.key, EPISODE.c.number, EPISODE.c.attempt)
        for some in chunks(list(keys)):
            yield from self._connection.execute(wanted.where(EPISODE.c.key.in_(some)))


_BEGUN = ("status", "attempt", "total", "steps", "hash", "reason", "counts", "flags", "result_ref")
_RESULT = ("status", "provenance", "total", "steps", "hash", "reason", "counts", "flags", "result_ref")


class _Statement:
    """A statement for many rows that are tuples of what the driver takes.

    SQLAlchemy's own way to pass rows costs 10 microseconds more for each, a quarter of all that a step may cost.
    """

    def __init__(
        self, connection: Connection, statement: Any, columns: Sequence[str], conditions: Sequence[str] = ()
    ) -> None:
        """`columns`: what is set, then `conditions`: the parameters of the where clause, in the order of the rows."""
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
        self._connection = connection
        self._text = str(compiled)
        self._names = None if compiled.positional else (*columns, *conditions)
        assert not compiled.positional or compiled.positiontup == [*columns, *conditions]

    def run(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for each row."""
        if rows:
            named = self._names and [dict(zip(self._names, row, strict=True)) for row in rows]
            values: Any = named or rows
            self._connection.exec_driver_sql(self._text, values)
