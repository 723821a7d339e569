"""The only way into the database for traces: one thread per process that writes what others enqueue, in batches.

What is *acknowledged*: everything enqueued before a `flush()` (or `close()`) that returned. It is committed, and a
killed process does not lose it. What is not yet acknowledged is at most a fifth of a second behind. A model's reply is
acknowledged when the future that `reply` gave is done. A fault in the thread (disk full, locked for too long) ends the
writer: the call that notices, and each later one, raises `StoreError`; what was committed stays.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from sandbox.annotation import Annotation
from sandbox.errors import StoreError
from sandbox.scorer import Card, Mark, Score
from sandbox.store.annotations import out_of_date
from sandbox.store.bulk import BulkInsert, BulkUpdate
from sandbox.store.claims import RENEWAL, claim, new_owner, release, renew
from sandbox.store.columns import to_column
from sandbox.store.conversations import Conversations
from sandbox.store.database import Database, chunks
from sandbox.store.dictionaries import Dictionaries, Document
from sandbox.store.faults import explain
from sandbox.store.payloads import Packer, compress
from sandbox.store.redaction import Redaction
from sandbox.store.rows import StoredReply, stored_counts
from sandbox.store.server import lock
from sandbox.store.tables import ANSWERED_AGAIN, CARD, EPISODE, MARK, PAYLOAD, REPLY, SCORE, STEP
from sandbox.store.traces import STEP_COLUMNS, Shared, pack_step, packed_hash
from sandbox.trace import UNUSED, Episode, EpisodeSpec, Step

T = TypeVar("T")

BATCH = 1000  # entries: a commit costs as much as some twenty steps
DELAY = 0.1  # seconds that an entry waits for company; with the write itself within the 200 ms promised
COMPANY = 0.01  # seconds that a model's reply waits for those of other episodes: a commit takes as long as many steps
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
    """An attempt that has begun and not ended.

    `kind`: whose steps are alike (see `dictionaries`), and `kind_asked` of those with model calls; `flags`: of the
    decisions under evaluation so far.
    """

    number: int
    kind: str
    kind_asked: str
    evaluated: tuple[str, ...]
    flags: int = 0
    claimed: bool = False
    conversations: Conversations = field(default_factory=Conversations)


class _Begin(NamedTuple):
    number: int
    attempt: int


class _Step(NamedTuple):
    number: int
    attempt: int
    row: tuple[Any, ...]
    content: Document


class _Finish(NamedTuple):
    number: int
    attempt: int
    columns: tuple[Any, ...]
    claimed: bool


class Scored(NamedTuple):
    """What a scorer, with a version and settings, says of an episode.

    `attempt`: the one that it scored; if another has begun since, the card is left out. `made_of`: the attempt's
    annotations, if it read any; if they are others by then, the card is left out.
    """

    scorer: str
    version: int
    config: str
    key: str
    card: Card
    attempt: int | None
    made_of: Sequence[Annotation] | None


class _Replied(NamedTuple):
    row: tuple[Any, ...]
    reply: Document
    shared: bytes | None
    done: Future[None]


class _Task(NamedTuple):
    do: Callable[[Connection], Any]
    done: Future[Any]
    result: list[Any]


_Entry = _Begin | _Step | _Finish | Scored | _Replied | _Task


class Writer:
    """Records attempts at episodes: `begin`, `step` by step, `finish`; from any thread (see `Store.writer`)."""

    def __init__(self, database: Database, known: dict[str, Attempts]) -> None:
        """`known`: episodes by their key; the database is asked for those that are not in it."""
        database.check_writable()
        self._database = database
        self._known = known
        self.owner = new_owner()
        self._redaction = Redaction(os.environ)
        self._shared = Shared()
        self._under_way: dict[tuple[str, int], _UnderWay] = {}  # by key and attempt
        self._kinds: dict[int, str] = {}  # theirs, by number
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()

        self._lock = threading.RLock()  # guards all below
        self._changed = threading.Condition(self._lock)
        self._entries: list[_Entry] = []
        self._payloads: list[tuple[bytes, bytes]] = []
        self._waiting_bytes = 0
        self._taken = self._committed = 0  # entries
        self._urgent = self._closing = self._ended = False
        self._soon = 0  # replies that wait
        self._looking = False  # the thread looks by itself, in less than `COMPANY`
        self._leases = 0  # claimed episodes that have not ended
        self._renewal = 0.0  # when the leases must be renewed, by the monotonic clock
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
        self._start(spec, number, attempt, claimed=False)
        self._enqueue(_Begin(number, attempt))
        return attempt

    def claim(self, numbers: Sequence[int], count: int) -> Future[list[Any]]:
        """Begin attempts at no more than `count` of the episodes `numbers`; gives their rows (see `Store.claim`)."""

        def do(connection: Connection) -> list[Any]:
            rows = claim(connection, numbers, count, self.owner, time.time())
            self._renewal = self._renewal if self._leases else time.monotonic() + RENEWAL
            self._leases += len(rows)
            return rows

        return self.call(do)

    def claimed(self, number: int, spec: EpisodeSpec, attempt: int) -> None:
        """From now on `step` and `finish` take this attempt, which was claimed."""
        self._known.pop(spec.key, None)  # the claim is committed, and the database knows more
        self._start(spec, number, attempt, claimed=True)

    def release(self, begun: Sequence[int], unbegun: Sequence[int]) -> Future[None]:
        """Give claimed episodes back, to be run later or by others; of those `unbegun` nothing was recorded."""
        for key, attempt in [name for name, one in self._under_way.items() if one.number in {*begun, *unbegun}]:
            del self._under_way[key, attempt]
        for number in (*begun, *unbegun):
            self._kinds.pop(number, None)

        def do(connection: Connection) -> None:
            self._leases -= len(begun) + len(unbegun)
            release(connection, begun, unbegun, self.owner)

        return self.call(do)

    def reply(self, number: int, reply: StoredReply) -> Future[None]:
        """Put a model's reply into the journal of an episode; the future is done when it is committed.

        It commits at once (`COMPANY`), with whatever else waits: the commit is shared by all episodes in flight.
        """
        data = Packer(self._redaction).inline(reply.reply, as_given=True)
        done: Future[None] = Future()
        row = (number, reply.ask, reply.occurrence, reply.place)
        document = Document(f"{self._kinds.get(number, '')}: replies", data, thorough=True)
        self._enqueue(_Replied(row, document, reply.shared, done), size=len(data), soon=True)
        return done

    def call(self, do: Callable[[Connection], T]) -> Future[T]:
        """Run `do` in the next batch's transaction, after all that was enqueued before; it must be quick."""
        done: Future[T] = Future()
        self._enqueue(_Task(do, done, []), urgent=True)
        return done

    def step(self, key: str, attempt: int, step: Step) -> None:
        """Record a step. What it holds is taken now: later changes to it are not seen."""
        under_way = self._attempt(key, attempt)
        packer = Packer(self._redaction)
        try:
            packed = pack_step(step, packer, self._shared, under_way.conversations)
        except StoreError as error:
            under_way.conversations = Conversations()
            raise StoreError(f"episode {key[:12]}, step {step.index + 1}: {error}") from error
        if step.seat in under_way.evaluated:
            under_way.flags |= packed.flags & ~ANSWERED_AGAIN
        # A model call took a thousand times as long as the best compression takes.
        asked = bool(step.events) and any(event.kind == "model_call" for event in step.events)
        document = Document(under_way.kind_asked if asked else under_way.kind, packed.content, asked)
        entry = _Step(under_way.number, attempt, packed.row, document)
        self._enqueue(entry, packer.payloads, size=len(packed.content))

    def finish(self, episode: Episode) -> None:
        """Record how an attempt ended; its steps were given before. They become the episode's trace."""
        under_way = self._attempt(episode.id, episode.attempt)
        if episode.status not in ENDED:
            raise StoreError(
                f"episode {episode.id[:12]} cannot end as {episode.status!r}; it ends as {', '.join(ENDED)}"
            )
        packer = Packer(self._redaction)
        counts = stored_counts(episode)
        result = {
            "payoffs": dict(episode.payoffs),
            "facts": dict(episode.facts),
            "benchmarks": {name: vars(benchmark) for name, benchmark in episode.benchmarks.items()},  # flat: as dumped
            "versions": dict(episode.versions),
            "privileged": list(episode.privileged),
        }
        usage = episode.usage
        if usage is not UNUSED and usage != UNUSED:
            result["usage"] = {**vars(usage), "unpriced": list(usage.unpriced)}  # without tuples, quickly encoded
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
                None,  # the lease has ended
                None,
                usage.calls,
                usage.input_tokens + usage.output_tokens,
                usage.cost_usd,
            )
        except StoreError as error:
            raise StoreError(f"episode {episode.id[:12]}, its result: {error}") from error
        self._enqueue(_Finish(under_way.number, episode.attempt, columns, under_way.claimed), packer.payloads)
        del self._under_way[episode.id, episode.attempt]
        self._kinds.pop(under_way.number, None)

    def save_card(self, scored: Scored) -> None:
        """Record what a scorer says of an episode's latest attempt; replaces what it said before."""
        if self._redaction:
            hide, card = self._redaction.text, scored.card
            card = Card(
                scores=tuple(score.model_copy(update={"reason": hide(score.reason)}) for score in card.scores),
                marks=tuple(mark.model_copy(update={"note": hide(mark.note)}) for mark in card.marks),
            )
            scored = scored._replace(card=card)
        self._enqueue(scored)

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

    def _start(self, spec: EpisodeSpec, number: int, attempt: int, *, claimed: bool) -> None:
        kind = self._kinds[number] = self._redaction.text(f"{spec.environment} {spec.agent.id}")
        steps = f"{kind}: steps"
        self._under_way[spec.key, attempt] = _UnderWay(
            number, steps, f"{steps} with model calls", spec.evaluated, claimed=claimed
        )

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

    def _enqueue(
        self,
        entry: _Entry,
        payloads: dict[bytes, bytes] | None = None,
        *,
        size: int = 0,
        urgent: bool = False,
        soon: bool = False,
    ) -> None:
        with self._lock:
            while len(self._entries) >= ROOM or self._waiting_bytes >= ROOM_BYTES:
                if not self.healthy:
                    break
                self._changed.wait()
            self._check()
            if payloads:
                self._remember(payloads)
            entries = self._entries
            entries.append(entry)
            self._waiting_bytes += size
            self._urgent = self._urgent or urgent
            self._soon += soon
            waiting = len(entries)
            if (
                urgent
                or waiting == BATCH
                or (soon and self._all_wait())
                or self._waiting_bytes > ROOM_BYTES // 2
                or (not self._looking and (waiting == 1 or (soon and self._soon == 1)))
            ):
                self._changed.notify_all()

    def _remember(self, payloads: Mapping[bytes, bytes]) -> None:
        # Under the lock: whoever finds a payload remembered here must come after it in the queue.
        for ref, data in payloads.items():
            if ref not in self._recent and ref not in self._older:
                self._recent.add(ref)
                self._payloads.append((ref, data))
                self._waiting_bytes += len(data)
        if len(self._recent) > RECENT:
            self._older, self._recent = self._recent, set()

    def _check(self) -> None:
        if self._fault is not None:
            self._fault_said = True
            raise self._fault
        if self._closing:
            raise StoreError(f"{self._database.place}: the writer is closed")

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        batch: tuple[list[_Entry], list[tuple[bytes, bytes]]] | None = None
        try:
            with self._database.engine.connect() as connection:
                batches = _Batches(connection)
                while (batch := self._next_batch()) is not None:
                    if self._leases and time.monotonic() >= self._renewal:
                        self._renewal = time.monotonic() + RENEWAL
                        batch[0].append(_Task(lambda c: renew(c, self.owner, time.time()), Future(), []))
                    batches.write(*batch)
                    self._acknowledge(batch[0])
        except BaseException as error:  # whatever it is, callers must not wait for ever
            with self._changed:
                self._fault = explain(error, self._database.place)
                self._fault.__cause__ = error
                waiting = [*(batch[0] if batch else ()), *self._entries]
                self._changed.notify_all()
            for entry in waiting:
                if isinstance(entry, _Replied | _Task) and not entry.done.done():
                    entry.done.set_exception(self._fault)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _acknowledge(self, entries: Sequence[_Entry]) -> None:
        for entry in entries:
            if isinstance(entry, _Finish):
                self._leases -= entry.claimed
            elif isinstance(entry, _Replied):
                entry.done.set_result(None)
            elif isinstance(entry, _Task):
                entry.done.set_result(entry.result[0])
        with self._changed:
            self._committed = self._taken
            self._changed.notify_all()

    def _next_batch(self) -> tuple[list[_Entry], list[tuple[bytes, bytes]]] | None:
        """What is to be written next; waits for it, or until leases must be renewed.

        None when the writer is closed and everything is written.
        """
        with self._changed:
            if self._looking:
                self._changed.wait_for(self._is_due, timeout=COMPANY)
                self._looking = False
            left = max(self._renewal - time.monotonic(), 0.0) if self._leases else None
            if not self._soon and self._changed.wait_for(lambda: self._entries or self._closing, timeout=left):
                self._changed.wait_for(lambda: self._soon or self._is_due(), timeout=DELAY)
                if self._soon:
                    self._changed.wait_for(self._is_due, timeout=COMPANY)
            entries, self._entries = self._entries, []
            self._taken += len(entries)
            # Replies come in rows. To wake a thread takes a tenth of what the call of a quick model does, and each
            # batch would take three: at its first entry, at its first reply, and when there is no company to come.
            self._looking = self._soon > 0
            payloads, self._payloads = self._payloads, []
            self._waiting_bytes, self._urgent, self._soon = 0, False, 0
            self._changed.notify_all()
            ended = self._closing and not entries
        return None if ended else (entries, payloads)

    def _is_due(self) -> bool:
        return (
            self._urgent
            or self._closing
            or len(self._entries) >= BATCH
            or self._waiting_bytes > ROOM_BYTES // 2
            or self._all_wait()
        )

    def _all_wait(self) -> bool:
        """Whether every attempt under way waits for a reply to be committed: there is no company to come."""
        return self._soon > 0 and self._soon >= len(self._under_way)


class _Batches:
    """The statements: one transaction a batch, on one connection, in one thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(sandbox_writes=True)
        self._lost: set[tuple[int, int]] = set()  # attempts that another process had superseded when they began
        self._dictionaries = Dictionaries(connection)
        self._insert_payload = BulkInsert(connection, PAYLOAD, ("hash", "data"))
        self._insert_step = BulkInsert(connection, STEP, ("episode", "attempt", *STEP_COLUMNS, "content"))
        self._insert_card = BulkInsert(connection, CARD, ("episode", "attempt", "scorer", "version", "config"))
        self._insert_score = BulkInsert(
            connection, SCORE, ("card", "position", "name", "variant", "seat", "value", "reason")
        )
        self._insert_mark = BulkInsert(connection, MARK, ("card", "position", "step", "name", "value", "note"))
        self._insert_reply = BulkInsert(connection, REPLY, ("episode", "ask", "occurrence", "place", "data", "shared"))
        this = EPISODE.c.number == bindparam("of_number")
        self._begin_episode = BulkUpdate(connection, update(EPISODE).where(this), _BEGUN, ("of_number",))
        self._finish_episode = BulkUpdate(
            connection,
            update(EPISODE).where(this, EPISODE.c.attempt == bindparam("of_attempt")),
            _RESULT,
            ("of_number", "of_attempt"),
        )

    def write(self, entries: Sequence[_Entry], payloads: Sequence[tuple[bytes, bytes]]) -> None:
        """Commit a batch: all of it or nothing."""
        # Compressed before the lock is taken, so that other processes wait for the writing alone.
        packed = compress([data for _, data in payloads])
        taken = [entry for entry in entries if isinstance(entry, _Step)]
        replied = [entry for entry in entries if isinstance(entry, _Replied)]
        documents = [entry.content for entry in taken] + [entry.reply for entry in replied]
        frames = self._dictionaries.compress(documents)
        with self._connection.begin():
            if self._dictionaries.settle():
                frames = self._dictionaries.compress(documents)
            scored = [entry for entry in entries if isinstance(entry, Scored)]
            if scored:  # cards are deleted and made anew, which two processes must not do at once
                lock(self._connection)
            # Payloads before episodes, each in one order, so that no two processes wait for each other.
            self._insert_payload.run(sorted(zip((ref for ref, _ in payloads), packed, strict=True)))
            self._begin([entry for entry in entries if isinstance(entry, _Begin)])
            steps: list[tuple[Any, ...]] = []
            for step, frame in zip(taken, frames, strict=False):  # the frames of replies are behind those
                of = (step.number, step.attempt)
                if of not in self._lost:
                    steps.append((*of, *step.row, frame))
            self._insert_step.run(steps)
            ends = [(entry.columns, (entry.number, entry.attempt)) for entry in entries if isinstance(entry, _Finish)]
            ends.sort(key=itemgetter(1))
            self._finish_episode.run([columns + of for columns, of in ends if of not in self._lost])
            self._insert_reply.run(
                [(*entry.row, frame, entry.shared) for entry, frame in zip(replied, frames[len(taken) :], strict=True)]
            )
            self._score(scored)
            for entry in entries:
                if isinstance(entry, _Task):
                    entry.result[:] = [entry.do(self._connection)]

    def _begin(self, begins: Sequence[_Begin]) -> None:
        now: dict[int, int] = {}
        wanted = select(EPISODE.c.number, EPISODE.c.attempt).where(EPISODE.c.status.in_(UNFINISHED))
        # PostgreSQL locks the rows, and SQLite everything; `key_share`: their steps may be inserted meanwhile.
        wanted = wanted.order_by(EPISODE.c.number).with_for_update(key_share=True)
        for numbers in chunks(sorted(entry.number for entry in begins)):
            rows = self._connection.execute(wanted.where(EPISODE.c.number.in_(numbers)))
            now |= {row.number: row.attempt for row in rows}
        ours = [entry for entry in begins if now.get(entry.number, entry.attempt) < entry.attempt]
        self._lost |= {*begins} - {*ours}
        # Without a lease, also where an earlier attempt has not ended: its end may be in this very batch, where it is
        # passed over, since another attempt is the latest.
        self._begin_episode.run(
            [("running", attempt, None, 0, b"", "", None, 0, None, None, None, n) for n, attempt in ours]
        )

    def _score(self, scored: Sequence[Scored]) -> None:
        # A scorer's cards together, until another version of it or other settings follow: the last ones are its latest.
        groups: list[tuple[tuple[str, int, str], dict[str, Scored]]] = []
        latest: dict[str, tuple[tuple[str, int, str], dict[str, Scored]]] = {}
        for entry in scored:
            by = (entry.scorer, entry.version, entry.config)
            if entry.scorer not in latest or latest[entry.scorer][0] != by:
                latest[entry.scorer] = (by, {})
                groups.append(latest[entry.scorer])
            latest[entry.scorer][1][entry.key] = entry
        for (scorer, version, config), cards in groups:
            episodes = {
                number: (key, attempt)
                for key, number, attempt in self._episodes(cards)
                if cards[key].attempt in (None, attempt)  # else it is being run again, and this is of what was there
            }
            made_of = {
                key: (attempt, then) for key, attempt in episodes.values() if (then := cards[key].made_of) is not None
            }
            changed = out_of_date(self._connection, made_of) if made_of else ()
            episodes = {number: of for number, of in episodes.items() if of[0] not in changed}
            theirs = and_(CARD.c.scorer == scorer, CARD.c.version == version, CARD.c.config == config)
            own = (to_column(scorer), version, to_column(config))
            for numbers in chunks(list(episodes)):
                found = select(CARD.c.number, CARD.c.episode).where(theirs, CARD.c.episode.in_(numbers))
                old = [card for card, _ in self._connection.execute(found)]
                if old:
                    for table, column in ((SCORE, SCORE.c.card), (MARK, MARK.c.card), (CARD, CARD.c.number)):
                        self._connection.execute(delete(table).where(column.in_(old)))
                self._insert_card.run([(number, episodes[number][1], *own) for number in numbers])
                scores, marks = [], []
                for card, number in self._connection.execute(found):
                    said = cards[episodes[number][0]].card
                    scores += [(card, place, *_score_columns(score)) for place, score in enumerate(said.scores)]
                    marks += [(card, place, *_mark_columns(mark)) for place, mark in enumerate(said.marks)]
                self._insert_score.run(scores)
                self._insert_mark.run(marks)

    def _episodes(self, keys: Iterable[str]) -> Iterator[Any]:
        wanted = select(EPISODE.c.key, EPISODE.c.number, EPISODE.c.attempt)
        for some in chunks(list(keys)):
            yield from self._connection.execute(wanted.where(EPISODE.c.key.in_(some)))


def _score_columns(score: Score) -> tuple[Any, ...]:
    seat = None if score.seat is None else to_column(score.seat)
    return to_column(score.name), to_column(score.variant), seat, score.value, to_column(score.reason)


def _mark_columns(mark: Mark) -> tuple[Any, ...]:
    return mark.step, to_column(mark.name), mark.value, to_column(mark.note)


_BEGUN = (
    *("status", "attempt", "total", "steps", "hash", "reason", "counts", "flags", "result_ref"),
    *("lease_owner", "lease_until"),
)
_RESULT = (
    *("status", "provenance", "total", "steps", "hash", "reason", "counts", "flags", "result_ref"),
    *("lease_owner", "lease_until", "calls", "tokens", "cost"),
)
