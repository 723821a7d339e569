"""The store: experiments and their episodes go in, traces and scores come out.

    with Store.open("sandbox.db") as store:
        experiment = store.add_experiment("say-and-do", content, specs)
        writer = store.writer()
        for claimed in store.claim(store.queue(experiment), 50):
            ...                                  # writer.step(key, claimed.attempt, step), writer.finish(episode)
        for episode in store.episodes(experiment):
            ...

What is read includes all that this store's own writer was given before.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from sandbox.annotation import Annotation, Kind, checked_text, checked_value
from sandbox.errors import InputError, StoreCorrupt, StoreError, UnknownName
from sandbox.scorer import PARTS, Card
from sandbox.store import annotations as people
from sandbox.store.bulk import BulkInsert
from sandbox.store.cards import read_cards, read_latest, read_marks, read_scores
from sandbox.store.claims import is_dead
from sandbox.store.columns import to_column
from sandbox.store.conditions import conditions
from sandbox.store.database import PATIENCE, Database, chunks, open_database
from sandbox.store.heads import heads_of, read_heads
from sandbox.store.listing import read_groups, read_numbers, read_scores_of, read_vocabulary
from sandbox.store.members import members_of
from sandbox.store.opening import Opened, read_opened
from sandbox.store.payloads import Damaged, Packer, Payloads, compress, decode
from sandbox.store.pulse import read_open, read_pulse
from sandbox.store.reading import (
    EpisodeColumns,
    Reader,
    batches,
    columns_of,
    fetch_later,
    read_payloads,
    row_of,
    seats_answering_again,
)
from sandbox.store.redaction import Redaction
from sandbox.store.relatives import relatives_of
from sandbox.store.rows import (
    Claimed,
    EpisodeHead,
    ExperimentRow,
    Filter,
    Found,
    Group,
    Holder,
    MarkRow,
    Pulse,
    ScoreRow,
    Spent,
    StepHead,
    StoredReply,
    Vocabulary,
    names_of,
)
from sandbox.store.searching import search
from sandbox.store.tables import EPISODE, EXPERIMENT, MEMBERSHIP, PAYLOAD, REPLY, STEP
from sandbox.store.unpacking import StepSkim
from sandbox.store.writer import ENDED, Attempts, Writer
from sandbox.trace import Episode, EpisodeSpec, Step

OPEN = ("pending", "running")
STEPS_AT_ONCE = 2_000  # how much of an experiment `episodes` holds at a time, a longer episode apart
STEPS_IN_PIECE = 500  # the same of `pieces`, for which no episode stands apart
LARGEST = 2**63 - 1


class Store:
    """An open database; see `Store.open`. A context manager: leaving it writes out and closes."""

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self.url = url
        """What it was opened with, for workers in other processes; may hold a password."""
        self._writer: Writer | None = None
        self._known: dict[str, Attempts] = {}
        self._conditions_read: Payloads | None = None  # conditions and items that many claims share

    @classmethod
    def open(cls, url: str, *, create: bool = True, patience: float = PATIENCE) -> Store:
        """The store at a path (SQLite) or SQLAlchemy URL.

        A missing one is made (unless `create` is false), an older one migrated after a copy beside it was made.
        `patience`: seconds to wait for another program's lock.

        Raises:
            StoreError: it cannot be opened or is no sandbox store; the file is left as it was.
            StoreTooNew: a later version of the sandbox wrote it.
        """
        where = url if "://" in url else os.path.abspath(url)
        return cls(open_database(url, create=create, patience=patience), where)

    @property
    def place(self) -> str:
        """The file or server, as messages name it."""
        return self._database.place

    def writer(self) -> Writer:
        """The one writer of this store; its thread starts at the first call."""
        if self._writer is None:
            self._writer = Writer(self._database, self._known)
        return self._writer

    def close(self) -> None:
        """Write out what was enqueued, and close; raises StoreError if it could not be written."""
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StoreError:
            if not isinstance(error, StoreError):  # else it is being said already
                raise

    # -- experiments ------------------------------------------------------------------------------------------------

    def add_experiment(self, name: str, content: Mapping[str, Any], specs: Sequence[EpisodeSpec]) -> int:
        """The number of the experiment with this name and content, which now holds `specs`, in this order.

        Specifications whose key the store has, from whatever experiment, are shared with what was recorded of them;
        the others become pending. Adding again changes nothing; adding more specifications extends the experiment.

        Raises:
            InputError: a specification or the content holds a credential, or a seed beyond 63 bits.
        """
        redaction = Redaction(os.environ)
        self._check_free_of_credentials(redaction, f"experiment {name!r}", content)
        packer = Packer(Redaction({}))
        content_ref = packer.put(dict(content))
        rows = self._spec_rows(specs, packer, redaction)
        stored = zip(packer.payloads, compress(list(packer.payloads.values())), strict=True)
        with self._database.writing() as connection:
            number = self._experiment_number(connection, name, content_ref)
            BulkInsert(connection, PAYLOAD, ("hash", "data")).run(sorted(stored))  # as the writer does: see there
            members = select(MEMBERSHIP.c.episode, MEMBERSHIP.c.position).where(MEMBERSHIP.c.experiment == number)
            held = {row.episode: row.position for row in connection.execute(members)}
            number_of = _numbers_of(connection, rows)
            new = [row for key, row in rows.items() if key not in number_of]
            if new:  # and nothing else: on PostgreSQL each row that is passed over leaves a hole in the numbers
                BulkInsert(connection, EPISODE, _SPEC_COLUMNS).run(new)
                number_of |= _numbers_of(connection, [row[0] for row in new])
            places = {number_of[key]: position for position, key in enumerate(rows)}
            added = [(number, episode, places[episode]) for episode in places if episode not in held]
            moved = [
                {"of_episode": episode, "position": position}
                for episode, position in places.items()
                if held.get(episode, position) != position
            ]
            BulkInsert(connection, MEMBERSHIP, ("experiment", "episode", "position")).run(added)
            if moved:
                here = and_(MEMBERSHIP.c.experiment == number, MEMBERSHIP.c.episode == bindparam("of_episode"))
                connection.execute(update(MEMBERSHIP).where(here), moved)
        return number

    def experiments(self) -> list[ExperimentRow]:
        """All experiments, in the order in which they were last used, with their progress."""
        with self._reading() as connection:
            rows = connection.execute(select(EXPERIMENT).order_by(EXPERIMENT.c.used)).all()
            counts: dict[int, Counter[str]] = {row.id: Counter() for row in rows}
            agents: dict[int, set[str]] = {row.id: set() for row in rows}
            progress = connection.execute(
                select(MEMBERSHIP.c.experiment, EPISODE.c.status, EPISODE.c.agent, func.count())
                .join(EPISODE, EPISODE.c.number == MEMBERSHIP.c.episode)
                .group_by(MEMBERSHIP.c.experiment, EPISODE.c.status, EPISODE.c.agent)
            )
            for experiment, status, agent, count in progress:
                counts[experiment][status] += count
                agents[experiment].add(agent)
            payloads = read_payloads(connection)
            payloads.load(row.content_ref for row in rows)
            return [
                ExperimentRow(
                    id=row.id,
                    name=row.name,
                    hash=row.content_ref.hex(),
                    content=self._value(payloads, row.content_ref, f"experiment {row.name!r}"),
                    episodes=counts[row.id].total(),
                    counts=dict(counts[row.id]),
                    agents=tuple(sorted(agents[row.id])),
                )
                for row in rows
            ]

    def experiment_names(self) -> dict[int, str]:
        """Number -> name of every experiment, the last used first; without their progress, which takes longer."""
        with self._reading() as connection:
            rows = connection.execute(select(EXPERIMENT.c.id, EXPERIMENT.c.name).order_by(EXPERIMENT.c.used.desc()))
            return {row.id: row.name for row in rows}

    def experiment(self, name_or_id: str | int) -> ExperimentRow:
        """The experiment with this number, or else the one last used under this name.

        Raises:
            UnknownName: there is none; offers the nearest name.
        """
        rows = self.experiments()
        for row in reversed(rows):
            if row.id == name_or_id or row.name == name_or_id:
                return row
        for row in rows:
            if str(row.id) == name_or_id:
                return row
        raise UnknownName.of_kind("experiment", str(name_or_id), (row.name for row in rows), f"looked in {self.place}")

    def pending(self, experiment: int, retry_errors: bool = False) -> list[EpisodeSpec]:
        """What is still to be run, in canonical order: what never began, and what a killed process left under way.

        `retry_errors`: also what ended in an error.
        """
        open_ones = ("pending", "running", "error") if retry_errors else ("pending", "running")
        with self._reading() as connection:
            rows = connection.execute(members_of(experiment).where(EPISODE.c.status.in_(open_ones))).all()
            self._known |= {row.key: Attempts(row.number, row.attempt) for row in rows}
            return self._specs(connection, rows, read_payloads(connection))

    # -- the queue --------------------------------------------------------------------------------------------------

    def queue(self, experiment: int) -> list[int]:
        """Numbers of the episodes that are not finished, in the order in which they are best run.

        Environments and agents take turns, so that the pace so far tells the time left; order changes no trace.
        """
        query = (
            select(EPISODE.c.number, EPISODE.c.environment, EPISODE.c.agent)
            .join(MEMBERSHIP, MEMBERSHIP.c.episode == EPISODE.c.number)
            .where(MEMBERSHIP.c.experiment == experiment, EPISODE.c.status.in_(OPEN))
            .order_by(MEMBERSHIP.c.position, EPISODE.c.number)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        seen: Counter[tuple[str, str]] = Counter()
        ranked: list[tuple[int, int, int]] = []
        for number, environment, agent in rows:
            ranked.append((seen[environment, agent], len(ranked), number))
            seen[environment, agent] += 1
        return [number for _, _, number in sorted(ranked)]

    def claim(self, numbers: Sequence[int], count: int) -> list[Claimed]:
        """Begin attempts at no more than `count` of the episodes `numbers` (500 at most) that nobody else runs.

        They are this process's until they are finished or released; see `sandbox.store.claims`. May be called from any
        thread, and waits for the database.
        """
        rows = self.writer().claim(numbers, count).result()
        with self._database.reading() as connection:
            payloads = self._conditions_read = read_payloads(connection, self._conditions_read)
            specs = self._specs(connection, rows, payloads)
            claimed = [Claimed(row.number, spec, row.attempt + 1) for row, spec in zip(rows, specs, strict=True)]
        for one in claimed:
            self.writer().claimed(one.number, one.spec, one.attempt)
        return claimed

    def numbers(self, keys: Iterable[str]) -> set[int]:
        """The numbers of the episodes with these keys."""
        with self._reading() as connection:
            query = select(EPISODE.c.number)
            return {
                number
                for some in chunks(list(keys))
                for number in connection.execute(query.where(EPISODE.c.key.in_(some))).scalars()
            }

    def reopen(self, experiment: int) -> int:
        """Queue the experiment's episodes that ended in an error once more; how many they are."""
        failed = and_(EPISODE.c.number.in_(_numbers(experiment)), EPISODE.c.status == "error")
        again = update(EPISODE).where(failed).values(status="pending")
        return self.writer().call(lambda connection: connection.execute(again).rowcount).result()

    def record_again(self, keys: Sequence[str]) -> None:
        """Queue episodes that somebody else recorded once more, however they ended: the record has changed since."""
        recorded = update(EPISODE).where(EPISODE.c.provenance == "recorded").values(status="pending")

        def do(connection: Connection) -> None:
            for some in chunks(keys):
                connection.execute(recorded.where(EPISODE.c.key.in_(some)))

        self.writer().call(do).result()

    def counts(self, experiment: int) -> dict[str, int]:
        """How many episodes of the experiment have which status; statuses with none are left out."""
        query = select(EPISODE.c.status, func.count()).where(EPISODE.c.number.in_(_numbers(experiment)))
        with self._reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(EPISODE.c.status))}

    def holders(self, experiment: int) -> list[Holder]:
        """Which processes have claimed episodes of the experiment that have not ended; dead ones may be among them."""
        held = and_(EPISODE.c.number.in_(_numbers(experiment)), EPISODE.c.status == "running")
        query = select(EPISODE.c.lease_owner, func.count()).where(held).group_by(EPISODE.c.lease_owner)
        with self._reading() as connection:
            found = connection.execute(query).all()
        return sorted((Holder(owner or "", count) for owner, count in found), key=lambda holder: holder.owner)

    def spent(self, experiment: int) -> Spent:
        """What the experiment's episodes that have ended took."""
        query = select(
            func.coalesce(func.sum(EPISODE.c.steps), 0),
            func.coalesce(func.sum(EPISODE.c.calls), 0),
            func.coalesce(func.sum(EPISODE.c.tokens), 0),
            func.coalesce(func.sum(EPISODE.c.cost), 0.0),
            func.count().filter(EPISODE.c.calls > 0, EPISODE.c.cost.is_(None)),
        ).where(EPISODE.c.number.in_(_numbers(experiment)), EPISODE.c.status.in_(ENDED))
        with self._reading() as connection:
            steps, calls, tokens, cost, unpriced = connection.execute(query).one()
        return Spent(int(steps), int(calls), int(tokens), float(cost), int(unpriced))

    def unpriced_models(self, experiment: int | None = None) -> list[str]:
        """The models of the experiment (of all, by default) whose price was not known when they were called."""
        unknown = (EPISODE.c.calls > 0, EPISODE.c.cost.is_(None), EPISODE.c.result_ref.is_not(None))
        of = () if experiment is None else (EPISODE.c.number.in_(_numbers(experiment)),)
        # One episode of each condition will do: they share their agents.
        some = select(func.min(EPISODE.c.number)).where(*unknown, *of).group_by(EPISODE.c.condition_ref)
        with self._reading() as connection:
            refs = connection.execute(select(EPISODE.c.result_ref).where(EPISODE.c.number.in_(some))).scalars().all()
            payloads = read_payloads(connection)
            payloads.load(refs)
            results = [self._value(payloads, ref, "an episode's result") for ref in refs]
        return sorted({name for result in results for name in result.get("usage", {}).get("unpriced", ())})

    def asks_forks(self, experiment: int | None = None) -> bool:
        """Whether any episode of the experiment (of all, by default) asks forks, whose answers are among its events."""
        of = () if experiment is None else (EPISODE.c.number.in_(_numbers(experiment)),)
        with self._reading() as connection:
            refs = connection.execute(select(EPISODE.c.condition_ref).where(*of).distinct()).scalars().all()
            payloads = read_payloads(connection)
            payloads.load(refs)
            return any(self._value(payloads, ref, "an episode's specification").get("asks") for ref in refs)

    # -- the journal of model calls -----------------------------------------------------------------------------------

    def replies(self, number: int) -> list[StoredReply]:
        """The replies that models gave to an episode, in whichever attempt, in their order."""
        return self._replies(select(REPLY).where(REPLY.c.episode == number).order_by(REPLY.c.place, REPLY.c.ask))

    def shared_reply(self, shared: bytes) -> StoredReply | None:
        """The reply that an episode, the first to have it, shares under this name; see `Writer.reply`."""
        shares = select(REPLY).where(REPLY.c.shared == shared)
        found = self._replies(shares.order_by(REPLY.c.episode, REPLY.c.place).limit(1))
        return found[0] if found else None

    def _replies(self, query: Select[Any]) -> list[StoredReply]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            expand = read_payloads(connection).expander.expand
            return [
                StoredReply(
                    ask=row.ask,
                    occurrence=row.occurrence,
                    place=row.place,
                    reply=self._reply(row, expand),
                    shared=row.shared,
                )
                for row in rows
            ]

    def _reply(self, row: Row[Any], expand: Callable[[bytes], bytes]) -> Any:
        try:
            return decode(expand(row.data))
        except Damaged as error:
            raise StoreCorrupt(f"{self.place}: the journal of episode number {row.episode}: {error}") from error

    # -- episodes ---------------------------------------------------------------------------------------------------

    def heads(
        self,
        experiment: int | None = None,
        where: Filter | None = None,
        order: str = "position",
        limit: int | None = None,
        offset: int = 0,
    ) -> Sequence[EpisodeHead]:
        """Episodes (of all experiments, by default) without their steps.

        `order` is one of `heads.ORDERS` or a score as `SCORER/NAME`, with a `-` before it to begin with the greatest;
        ties are in canonical order, and what is not known comes last. A filter with terms about the text of episodes
        reads all those that fit it otherwise.

        Raises:
            InputError: no such order or flag.
        """
        if (where is not None and where.searched) or "/" in order:
            numbers = self.matching(experiment, where or Filter(), order)
            return self.heads_of(numbers[offset : None if limit is None else offset + limit], experiment)
        with self._reading() as connection:
            return read_heads(connection, self.place, members_of(experiment), where, order, limit, offset)

    def count(self, experiment: int | None = None, where: Filter | None = None) -> int:
        """How many episodes `heads` would give without a limit."""
        if where is not None and where.searched:
            return len(self.matching(experiment, where))
        query = members_of(experiment)
        if where is not None:
            query = query.where(*conditions(where))
        with self._reading() as connection:
            narrow = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
            return int(connection.execute(narrow).scalar_one())

    def episode_numbers(
        self, experiment: int | None = None, where: Filter | None = None, order: str = "position"
    ) -> array[int]:
        """Numbers of the episodes that fit, in order (as `heads` has it): eight bytes each, for lists of very many.

        Terms about the text of episodes are left to `search`.

        Raises:
            InputError: no such order or flag.
        """
        with self._reading() as connection:
            return read_numbers(connection, members_of(experiment), where or Filter(), order)

    def heads_of(self, numbers: Sequence[int], experiment: int | None = None) -> Sequence[EpisodeHead]:
        """The episodes with these numbers, all of which are there, in this order."""
        with self._reading() as connection:
            return heads_of(connection, self.place, members_of(experiment), numbers)

    def scores_of(self, numbers: Sequence[int], names: Iterable[str]) -> dict[int, dict[str, float | None]]:
        """Number -> score as `SCORER/NAME` -> its value, of those of `names` that the episodes have."""
        with self._reading() as connection:
            return read_scores_of(connection, numbers, names)

    def groups(
        self, experiment: int | None = None, where: Filter | None = None, scores: Sequence[str] = ()
    ) -> list[Group]:
        """The episodes that fit by their condition; `scores`, as `SCORER/NAME`: whose means are wanted."""
        where = where or Filter()
        if where.searched:
            raise InputError("episodes cannot be grouped while the filter has text~: take that term out")
        with self._reading() as connection:
            return read_groups(connection, self.place, members_of(experiment), where, scores)

    def vocabulary(self, experiment: int | None = None) -> Vocabulary:
        """The names that filters may use."""
        with self._reading() as connection:
            return read_vocabulary(connection, members_of(experiment))

    def search(self, numbers: Sequence[int], where: Filter) -> Iterator[Found]:
        """Those of `numbers` that fit the filter's terms about text, in that order, told batch by batch.

        It takes no more memory than a batch; whoever has seen enough stops asking.
        """
        return search(self._reading, numbers, where.searched)

    def matching(self, experiment: int | None, where: Filter, order: str = "position") -> list[int]:
        """Numbers of all episodes that fit, in order; reads whole episodes where the filter has terms about text."""
        numbers = self.episode_numbers(experiment, where, order)
        if not where.searched:
            return list(numbers)
        return [number for found in self.search(numbers, where) for number in found.numbers]

    def find(self, prefix: str) -> str:
        """The key of the one episode whose external id is `prefix`, or whose key begins with it.

        Raises:
            UnknownName: none, or several, which are listed.
        """
        with self._reading() as connection:
            # To 'g', which is greater than every hexadecimal digit: a range uses the index, a LIKE would not.
            begins = and_(EPISODE.c.key >= prefix, EPISODE.c.key < prefix + "g")
            for condition in (EPISODE.c.external_id == prefix, begins):
                found = connection.execute(
                    select(EPISODE.c.key, EPISODE.c.environment, EPISODE.c.agent, EPISODE.c.item)
                    .where(condition)
                    .order_by(EPISODE.c.number)
                    .limit(13)
                ).all()
                if prefix and len(found) == 1:
                    return str(found[0].key)
                if prefix and found:
                    listed = [
                        f"  {row.key[:16]}  {row.environment}  {row.agent}  item {row.item}" for row in found[:12]
                    ]
                    more = ["  ..."] if len(found) > 12 else []
                    raise UnknownName("\n".join([f"{prefix!r} may mean several episodes:", *listed, *more]))
            known = connection.execute(select(EPISODE.c.key).order_by(EPISODE.c.number).limit(200)).scalars()
            raise UnknownName.of_kind("episode", prefix, (key[:12] for key in known), f"looked in {self.place}")

    def episode(self, key: str) -> Episode:
        """The whole episode: the trace of its latest attempt, finished or not.

        Raises:
            UnknownName: the store has no episode with exactly this key (see `find`).
            StoreCorrupt: stored bytes do not fit their hash, or are no JSON; names the episode and the step.
        """
        with self._reading() as connection:
            row = self._row(connection, key)
            return Reader(connection, self.place, read_payloads(connection)).episodes([row])[0]

    def steps(self, key: str, start: int, stop: int) -> list[Step]:
        """The steps from `start` to before `stop` of an episode's latest attempt, without reading the others.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            row = self._row(connection, key)
            return Reader(connection, self.place, read_payloads(connection)).steps(row, start, stop)

    def earlier_steps(self, key: str) -> list[Step]:
        """The steps of whichever attempt before the latest came farthest, which was interrupted; [] where none began.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            row = self._row(connection, key)
            earlier = and_(STEP.c.episode == row.number, STEP.c.attempt < row.attempt)
            far = select(STEP.c.attempt).where(earlier).group_by(STEP.c.attempt)
            attempt = connection.execute(far.order_by(func.count().desc(), STEP.c.attempt.desc()).limit(1)).scalar()
            if attempt is None:
                return []
            return Reader(connection, self.place, read_payloads(connection)).steps_of_attempt(row, attempt)

    def is_held(self, key: str) -> bool:
        """Whether some process that may be alive is playing the episode now."""
        query = select(EPISODE.c.lease_owner, EPISODE.c.lease_until).where(
            EPISODE.c.key == key, EPISODE.c.status == "running"
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.lease_until is None or row.lease_until < time.time():
            return False
        return not is_dead(row.lease_owner or "")

    def steps_as_read(self, key: str, start: int, stop: int) -> list[Step]:
        """The same steps, each part of which is made of what is stored when it is asked for, while the store is open.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does; reading a step may raise StoreCorrupt, too.
        """
        with self._reading() as connection:
            payloads = read_payloads(connection)
            reader = Reader(connection, self.place, payloads, PARTS)
            steps = reader.steps(self._row(connection, key), start, stop)
        fetch_later(payloads, self._database.reading)
        reader.reading = self._database.reading
        return steps

    def about(self, key: str) -> Episode:
        """The episode without its steps.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            return Reader(connection, self.place, read_payloads(connection)).about(self._row(connection, key))

    def skim(self, key: str, start: int, stop: int) -> list[StepSkim]:
        """Kinds of events, and rewards, of the steps from `start` to before `stop`, at a fraction of what steps cost.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            return Reader(connection, self.place, read_payloads(connection)).skim(
                self._row(connection, key), start, stop
            )

    def opened(self, key: str, steps: int, skims: int) -> Opened:
        """All that is shown first of an episode, in one transaction; `steps`: how many of them are read at once.

        `skims`: how many steps it may have for all of them to be skimmed, too.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does; reading a step may raise StoreCorrupt, too.
        """
        with self._reading() as connection:
            payloads = read_payloads(connection)
            reader = Reader(connection, self.place, payloads, PARTS)
            opened = read_opened(connection, reader, self._row(connection, key), steps, skims)
        fetch_later(payloads, self._database.reading)
        reader.reading = self._database.reading
        return opened

    def outline(self, key: str) -> list[StepHead]:
        """All steps of an episode's latest attempt, as short as a timeline shows them.

        Raises:
            UnknownName: the store has no episode with exactly this key.
        """
        with self._reading() as connection:
            return Reader(connection, self.place, read_payloads(connection)).outline(self._row(connection, key))

    def pulse(self, key: str) -> Pulse:
        """How far an episode is, cheaply: to be asked again and again while another process runs it.

        Raises:
            UnknownName: the store has no episode with exactly this key.
        """
        with self._reading() as connection:
            pulse = read_pulse(connection, key)
        if pulse is None:
            raise UnknownName.of_kind("episode", key, (), f"looked in {self.place}")
        return pulse

    def open_counts(self, experiment: int | None = None) -> tuple[int, int]:
        """How many episodes of the experiment (of all, by default) are pending, how many running; as cheap."""
        with self._reading() as connection:
            return read_open(connection, experiment)

    def relatives(self, key: str, limit: int = 200) -> Sequence[EpisodeHead]:
        """What an episode is worth comparing with: its parent, its forks, and others of its environment, item and seed.

        At most `limit` of them, in canonical order.
        """
        with self._reading() as connection:
            return read_heads(connection, self.place, relatives_of(key), None, "position", limit, 0)

    def episodes(self, experiment: int | None = None, parts: Set[str] | None = None) -> Iterator[Episode]:
        """Every episode that has ended, in canonical order, some at a time.

        `parts`: of `sandbox.scorer.PARTS`, what will be asked of their steps, which are then made of what is stored as
        they are read, while the store is open; asking for another part raises PluginError. By default they are whole.

        Raises:
            StoreCorrupt: as `episode` does; with `parts`, reading a step may raise it, too.
        """
        with self._reading() as connection:
            rows = columns_of(connection, members_of(experiment).where(EPISODE.c.status.in_(ENDED)))
        kept: Payloads | None = None
        for batch in batches(rows, STEPS_AT_ONCE):
            with self._database.reading() as connection:
                kept = read_payloads(connection, kept)
                read = Reader(connection, self.place, kept, parts).episodes(batch)
            fetch_later(kept, self._database.reading)
            yield from read

    def pieces(self, experiment: int | None = None, parts: Set[str] | None = None) -> Iterator[Episode]:
        """As `episodes`, in memory that no episode's length tells on.

        An episode of very many steps comes several times in a row, each time with some of its steps alone.

        Raises:
            StoreCorrupt: as `episodes` does.
        """
        with self._reading() as connection:
            rows = columns_of(connection, members_of(experiment).where(EPISODE.c.status.in_(ENDED)))
        kept: Payloads | None = None
        for batch in batches(rows, STEPS_IN_PIECE):
            # More than one episode are together no longer than a piece.
            for start in range(0, max(batch[0].steps, 1), STEPS_IN_PIECE):
                with self._database.reading() as connection:
                    kept = read_payloads(connection, kept)
                    reader = Reader(connection, self.place, kept, parts)
                    whole = batch[0].steps <= STEPS_IN_PIECE
                    read = reader.episodes(batch) if whole else [reader.piece(batch[0], start, start + STEPS_IN_PIECE)]
                fetch_later(kept, self._database.reading)
                yield from read

    def answered_again(self, experiment: int | None = None) -> dict[str, list[str]]:
        """Key -> the seat of each decision that came of more than one answer, of episodes that have ended."""
        seats: dict[str, list[str]] = {}
        with self._reading() as connection:
            of = None if experiment is None else _numbers(experiment)
            for key, seat in seats_answering_again(connection, of):
                seats.setdefault(key, []).append(seat)
        return seats

    # -- scores -----------------------------------------------------------------------------------------------------

    def save_card(
        self,
        scorer: str,
        version: int,
        config_hash: str,
        key: str,
        card: Card,
        attempt: int | None = None,
        made_of: Sequence[Annotation] | None = None,
    ) -> None:
        """Record what a scorer says of an episode's latest attempt, in place of what it said before; in batches.

        `made_of`: the attempt's annotations, if it read any; the card is left out if they are others by then.
        """
        self.writer().save_card(scorer, version, config_hash, key, card, attempt, made_of)

    def cards(self, scorer: str, version: int, config_hash: str, experiment: int | None = None) -> dict[str, Card]:
        """Key -> what this scorer, with this version and config, said of the episode's latest attempt."""
        with self._reading() as connection:
            of = None if experiment is None else _numbers(experiment)
            return read_cards(connection, scorer, version, config_hash, of)

    def latest_cards(self, experiment: int | None = None) -> dict[str, dict[str, Card]]:
        """Key -> scorer -> what it said last of the episode's latest attempt, with whichever version and config."""
        with self._reading() as connection:
            return read_latest(connection, None if experiment is None else _numbers(experiment))

    def scores(self, experiment: int | None = None, *, episode: str | None = None) -> list[ScoreRow]:
        """The scores of all scorers, each scorer's latest of each episode's latest attempt, in canonical order.

        `episode`: the key of the only one that is asked about.
        """
        with self._reading() as connection:
            return read_scores(connection, experiment, episode)

    def marks(self, key: str) -> list[MarkRow]:
        """The marks on an episode's latest attempt, by step."""
        with self._reading() as connection:
            return read_marks(connection, key)

    # -- what people say ----------------------------------------------------------------------------------------------

    def annotate(
        self,
        key: str,
        kind: Kind,
        *,
        author: str,
        step: int | None = None,
        name: str = "",
        value: float | None = None,
        text: str = "",
    ) -> Annotation:
        """Say something of an episode, or of a step of it (from 0); committed when this returns.

        A label takes the place of the author's own of that name; who bookmarks twice has one bookmark. Scores that
        were made of the episode's annotations are deleted, here and whenever one is changed or deleted.

        Raises:
            UnknownName: the store has no episode with exactly this key (see `find`).
            InputError: the episode has no such step, a text is empty or too long, or the value is not finite.
        """
        saying = people.Saying(kind=kind, author=author, step=step, name=name, value=value, text=text)
        return self.annotate_all([(key, saying)])[0]

    def annotate_all(self, sayings: Iterable[tuple[str, people.Saying]]) -> list[Annotation]:
        """Say each of these of the episode with its key, in one transaction: all of it or nothing.

        Returns:
            What is in the store of it, once each: of two labels of a name in a place the latter.

        Raises:
            UnknownName, InputError: as `annotate` does.
        """
        hide = Redaction(os.environ).text
        checked = [(key, saying.checked(hide)) for key, saying in sayings]
        with self._speaking() as connection:
            added = [people.add(connection, self._row(connection, key).number, saying) for key, saying in checked]
            return people.read_some(connection, added)

    def change_annotation(
        self, number: int, *, author: str | None = None, text: str | None = None, value: float | None = None
    ) -> None:
        """Give a note another text, or a label another value; `author`: whose it must be, None for anybody's.

        Raises:
            UnknownName: there is no annotation of this number.
            InputError: it is somebody else's, the text is empty or too long, or the value is not finite.
        """
        values: dict[str, Any] = {} if value is None else {"value": checked_value(value)}
        if text is not None:
            values["text"] = Redaction(os.environ).text(checked_text(text))
        with self._speaking() as connection:
            people.change(connection, number, author, **values)

    def delete_annotation(self, number: int, *, author: str | None = None) -> None:
        """Delete an annotation; raises as `change_annotation` does."""
        with self._speaking() as connection:
            people.remove(connection, number, author)

    def annotations(
        self, experiment: int | None = None, *, episode: str | None = None, author: str | None = None
    ) -> list[Annotation]:
        """What people say: in canonical order of the episodes, of an episode as a whole before its steps, in theirs.

        `episode`: the key of the only one that is asked about. What is about an earlier attempt is there, too.
        """
        with self._reading() as connection:
            return people.read(connection, experiment, episode=episode, author=author)

    def label_names(self) -> list[str]:
        """The names of labels in use, most often used first."""
        with self._reading() as connection:
            return people.names(connection, "name")

    def annotators(self) -> list[str]:
        """Who annotated anything, most active first."""
        with self._reading() as connection:
            return people.names(connection, "author")

    # -- inside -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _speaking(self) -> Iterator[Connection]:
        """A transaction for annotations: what this store's writer was given, maybe of their scores, is there before."""
        if self._writer is not None and self._writer.healthy:
            self._writer.flush()
        with self._database.writing() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A reading transaction that sees what this store's writer was given; after a fault, what it could write."""
        if self._writer is not None and self._writer.healthy:
            self._writer.flush()
        with self._database.reading() as connection:
            yield connection

    def _spec_rows(
        self, specs: Sequence[EpisodeSpec], packer: Packer, redaction: Redaction
    ) -> dict[str, tuple[Any, ...]]:
        """Key -> row. What specifications share as the very same objects is written once (see `with_chances`)."""
        rows: dict[str, tuple[Any, ...]] = {}
        known: dict[tuple[object, ...], tuple[Any, ...]] = {}
        for spec in specs:
            if not -LARGEST <= spec.seed <= LARGEST:
                raise InputError(f"{_where(spec)}: the seed {spec.seed} does not fit 63 bits; use a smaller one")
            parts = (spec.config, spec.item, spec.seats, spec.treatments, spec.limits, spec.fork)
            same = (spec.environment, spec.evaluated, spec.framing, spec.asks, spec.external_id, *map(id, parts))
            shared = known.get(same)
            if shared is None:
                content = spec.model_dump(mode="json")
                self._check_free_of_credentials(redaction, _where(spec), content)
                alone = {name: content.pop(name) for name in ("repetition", "seed", "external_id", "item")}
                names = (to_column(spec.environment), to_column(spec.item_id), to_column(names_of(spec)))
                external_id = None if spec.external_id is None else to_column(spec.external_id)
                refs = (packer.put(content), packer.put(alone["item"]))
                parent = None if spec.fork is None else spec.fork.parent
                shared = known[same] = (names, (spec.framing, external_id, *refs), parent)
            who, rest, parent = shared
            chance = (spec.repetition, spec.seed)
            rows[spec.key] = (spec.key, "pending", 0, *who, *chance, *rest, "executed", 0, b"", "", 0, 0, 0, parent)
        return rows

    @staticmethod
    def _check_free_of_credentials(redaction: Redaction, where: str, content: Mapping[str, Any]) -> None:
        """A specification is run again from the store, so that nothing in it can be replaced."""
        name = redaction.found_in(content) if redaction else None
        if name is not None:
            raise InputError(
                f"{where} holds the value of {name}: write ${{{name}}} instead, so that no secret is stored "
                f"(if it is no secret, unset {name} for this command)"
            )

    @staticmethod
    def _experiment_number(connection: Connection, name: str, content_ref: bytes) -> int:
        used = (connection.execute(select(func.max(EXPERIMENT.c.used))).scalar() or 0) + 1
        same = and_(EXPERIMENT.c.name == name, EXPERIMENT.c.content_ref == content_ref)
        if connection.execute(update(EXPERIMENT).where(same).values(used=used)).rowcount == 0:
            connection.execute(insert(EXPERIMENT).values(name=name, content_ref=content_ref, used=used))
        return int(connection.execute(select(EXPERIMENT.c.id).where(same)).scalar_one())

    def _row(self, connection: Connection, key: str) -> EpisodeColumns:
        found = row_of(connection, key)
        if found is None:
            raise UnknownName.of_kind("episode", key, (), f"looked in {self.place}")
        return found

    def _specs(self, connection: Connection, rows: Sequence[Row[Any]], payloads: Payloads) -> list[EpisodeSpec]:
        payloads.load([ref for row in rows for ref in (row.condition_ref, row.item_ref)])
        reader = Reader(connection, self.place, payloads)
        return [reader.spec(row, row.external_id) for row in rows]

    def _value(self, payloads: Payloads, ref: bytes, where: str) -> Any:
        try:
            return payloads.value(ref)
        except Damaged as error:
            raise StoreCorrupt(f"{self.place}: {where}: {error}") from error


_SPEC_COLUMNS = (
    *("key", "status", "attempt", "environment", "item", "agent", "repetition", "seed", "framing", "external_id"),
    *("condition_ref", "item_ref", "provenance", "steps", "hash", "reason", "flags", "calls", "tokens"),
    "parent",
)


def _where(spec: EpisodeSpec) -> str:
    return f"the episode of {spec.environment}, item {spec.item_id}, agent {spec.agent.name}"


def _numbers_of(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Key -> number of those of `keys` that are there."""
    # One parameter for all of them: SQLAlchemy's own `IN` costs more for each key than to find it.
    wanted = list(keys)
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql("SELECT key, number FROM episode WHERE key = ANY(%s)", (wanted,))
    else:
        query = "SELECT key, number FROM episode WHERE key IN (SELECT value FROM json_each(?))"
        found = connection.exec_driver_sql(query, (json.dumps(wanted),))
    return {row[0]: row[1] for row in found}


def _numbers(experiment: int) -> Select[Any]:
    return select(MEMBERSHIP.c.episode).where(MEMBERSHIP.c.experiment == experiment)
