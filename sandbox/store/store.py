"""The store: experiments and their episodes go in, traces and scores come out.

    with Store.open("sandbox.db") as store:
        experiment = store.add_experiment("say-and-do", content, specs)
        writer = store.writer()
        for spec in store.pending(experiment):
            attempt = writer.begin(spec)
            ...                                  # writer.step(spec.key, attempt, step), writer.finish(episode)
        for episode in store.episodes(experiment):
            ...

What is read includes all that this store's own writer was given before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from sandbox.errors import InputError, StoreCorrupt, StoreError, UnknownName
from sandbox.scorer import Card, Mark, Score
from sandbox.store.database import PATIENCE, Database, chunks, insert_new, open_database
from sandbox.store.payloads import Damaged, Packer, Payloads, compress, decode
from sandbox.store.redaction import Redaction
from sandbox.store.rows import EpisodeHead, ExperimentRow, Filter, MarkRow, ScoreRow
from sandbox.store.tables import CARD, EPISODE, EVENT, EXPERIMENT, MARK, MEMBERSHIP, PAYLOAD, SCORE, STEP, Flag
from sandbox.store.traces import EVENT_COLUMNS, STEP_COLUMNS, EventRow, StepRow, unpack_step
from sandbox.store.writer import ENDED, Attempts, Writer
from sandbox.trace import COUNTS, Episode, EpisodeSpec

ORDERS = ("position", "environment", "agent", "item", "status", "total", "steps")
STEPS_AT_ONCE = 500  # how much of an experiment `episodes` holds at a time, a longer episode apart
PAYLOADS_KEPT = 20_000  # read payloads kept from batch to batch: menus and conditions repeat
LARGEST = 2**63 - 1


class Store:
    """An open database; see `Store.open`. A context manager: leaving it writes out and closes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer: Writer | None = None
        self._known: dict[str, Attempts] = {}

    @classmethod
    def open(cls, url: str, *, create: bool = True, patience: float = PATIENCE) -> Store:
        """The store at a path (SQLite) or SQLAlchemy URL.

        A missing one is made (unless `create` is false), an older one migrated after a copy beside it was made.
        `patience`: seconds to wait for another program's lock.

        Raises:
            StoreError: it cannot be opened or is no sandbox store; the file is left as it was.
            StoreTooNew: a later version of the sandbox wrote it.
        """
        return cls(open_database(url, create=create, patience=patience))

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
        rows = {spec.key: self._spec_row(spec, packer, redaction) for spec in specs}
        stored = zip(packer.payloads, compress(list(packer.payloads.values())), strict=True)
        with self._database.writing() as connection:
            number = self._experiment_number(connection, name, content_ref)
            new = insert_new(connection, PAYLOAD)
            connection.execute(new, [{"hash": ref, "data": data} for ref, data in stored])
            if rows:
                connection.execute(insert_new(connection, EPISODE), list(rows.values()))
            members = select(MEMBERSHIP.c.episode, MEMBERSHIP.c.position).where(MEMBERSHIP.c.experiment == number)
            held = {row.episode: row.position for row in connection.execute(members)}
            number_of: dict[str, int] = {}
            for keys in chunks(list(rows)):
                found = connection.execute(select(EPISODE.c.key, EPISODE.c.number).where(EPISODE.c.key.in_(keys)))
                number_of |= {row.key: row.number for row in found}
            places = {number_of[key]: position for position, key in enumerate(rows)}
            added = [{"episode": episode, "position": places[episode]} for episode in places if episode not in held]
            moved = [
                {"of_episode": episode, "position": position}
                for episode, position in places.items()
                if held.get(episode, position) != position
            ]
            if added:
                connection.execute(insert(MEMBERSHIP).values(experiment=number), added)
            if moved:
                here = and_(MEMBERSHIP.c.experiment == number, MEMBERSHIP.c.episode == bindparam("of_episode"))
                connection.execute(update(MEMBERSHIP).where(here), moved)
        return number

    def experiments(self) -> list[ExperimentRow]:
        """All experiments, in the order in which they were last used, with their progress."""
        with self._reading() as connection:
            rows = connection.execute(select(EXPERIMENT).order_by(EXPERIMENT.c.used)).all()
            counts: dict[int, dict[str, int]] = {row.id: {} for row in rows}
            progress = connection.execute(
                select(MEMBERSHIP.c.experiment, EPISODE.c.status, func.count())
                .join(EPISODE, EPISODE.c.number == MEMBERSHIP.c.episode)
                .group_by(MEMBERSHIP.c.experiment, EPISODE.c.status)
            )
            for experiment, status, count in progress:
                counts[experiment][status] = count
            payloads = _payloads(connection)
            payloads.load(row.content_ref for row in rows)
            return [
                ExperimentRow(
                    id=row.id,
                    name=row.name,
                    hash=row.content_ref.hex(),
                    content=self._value(payloads, row.content_ref, f"experiment {row.name!r}"),
                    episodes=sum(counts[row.id].values()),
                    counts=counts[row.id],
                )
                for row in rows
            ]

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
            rows = connection.execute(_members(experiment).where(EPISODE.c.status.in_(open_ones))).all()
            payloads = _payloads(connection)
            payloads.load(ref for row in rows for ref in (row.condition_ref, row.item_ref))
            self._known |= {row.key: Attempts(row.number, row.attempt) for row in rows}
            return [self._spec(row, payloads) for row in rows]

    # -- episodes ---------------------------------------------------------------------------------------------------

    def heads(
        self,
        experiment: int | None = None,
        where: Filter | None = None,
        order: str = "position",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[EpisodeHead]:
        """Episodes (of all experiments, by default) without their steps.

        `order` is one of `ORDERS`, with a `-` before it to begin with the greatest; ties are in canonical order.

        Raises:
            InputError: no such order or flag.
        """
        query = _members(experiment)
        if where is not None:
            query = query.where(*_conditions(where))
        column = order.removeprefix("-")
        if column not in ORDERS:
            raise InputError(f"episodes cannot be ordered by {column!r}; use one of {', '.join(ORDERS)}")
        if order != "position":
            by, then = query.selected_columns[column], query.selected_columns["position"]
            descending = order.startswith("-")
            query = query.order_by(None).order_by(by.is_(None), by.desc() if descending else by.asc(), then)
        with self._reading() as connection:
            rows = connection.execute(query.limit(limit).offset(offset)).all()
            payloads = _payloads(connection)
            payloads.load(row.condition_ref for row in rows)
            return [self._head(row, payloads) for row in rows]

    def count(self, experiment: int | None = None, where: Filter | None = None) -> int:
        """How many episodes `heads` would give without a limit."""
        query = _members(experiment)
        if where is not None:
            query = query.where(*_conditions(where))
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())

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
            row = connection.execute(_members(None).where(EPISODE.c.key == key)).one_or_none()
            if row is None:
                raise UnknownName.of_kind("episode", key, (), f"looked in {self.place}")
            return self._whole(connection, [row], _payloads(connection))[0]

    def episodes(self, experiment: int | None = None) -> Iterator[Episode]:
        """Every episode that has ended, in canonical order, some at a time.

        Raises:
            StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            rows = connection.execute(_members(experiment).where(EPISODE.c.status.in_(ENDED))).all()
        kept: Payloads | None = None
        while rows:
            count = steps = 0
            while count < len(rows) and (count == 0 or steps + rows[count].steps <= STEPS_AT_ONCE):
                steps += rows[count].steps
                count += 1
            batch, rows = rows[:count], rows[count:]
            with self._database.reading() as connection:
                kept = _payloads(connection, kept)
                whole = self._whole(connection, batch, kept)
            yield from whole

    # -- scores -----------------------------------------------------------------------------------------------------

    def save_card(self, scorer: str, version: int, config_hash: str, key: str, card: Card) -> None:
        """Record what a scorer says of an episode's latest attempt, in place of what it said before; in batches."""
        self.writer().save_card(scorer, version, config_hash, key, card)

    def cards(self, scorer: str, version: int, config_hash: str, experiment: int | None = None) -> dict[str, Card]:
        """Key -> what this scorer, with this version and config, said of the episode's latest attempt."""
        with self._reading() as connection:
            query = (
                select(EPISODE.c.key, CARD.c.number)
                .join(EPISODE, and_(EPISODE.c.number == CARD.c.episode, EPISODE.c.attempt == CARD.c.attempt))
                .where(CARD.c.scorer == scorer, CARD.c.version == version, CARD.c.config == config_hash)
                .order_by(EPISODE.c.number)
            )
            if experiment is not None:
                query = query.where(EPISODE.c.number.in_(_numbers(experiment)))
            key_of = {row.number: row.key for row in connection.execute(query)}
            scores: dict[int, list[Score]] = {number: [] for number in key_of}
            marks: dict[int, list[Mark]] = {number: [] for number in key_of}
            for numbers in chunks(list(key_of)):
                for row in connection.execute(
                    select(SCORE).where(SCORE.c.card.in_(numbers)).order_by(SCORE.c.card, SCORE.c.position)
                ):
                    scores[row.card].append(
                        Score(name=row.name, value=row.value, seat=row.seat, variant=row.variant, reason=row.reason)
                    )
                for row in connection.execute(
                    select(MARK).where(MARK.c.card.in_(numbers)).order_by(MARK.c.card, MARK.c.position)
                ):
                    marks[row.card].append(Mark(step=row.step, name=row.name, value=row.value, note=row.note))
        return {key: Card(scores=tuple(scores[n]), marks=tuple(marks[n])) for n, key in key_of.items()}

    def scores(self, experiment: int | None = None, *, episode: str | None = None) -> list[ScoreRow]:
        """The scores of all scorers, each scorer's latest of each episode's latest attempt, in canonical order.

        `episode`: the key of the only one that is asked about.
        """
        members = _members(experiment).subquery()
        query = (
            select(members.c.key, members.c.external_id, CARD.c.scorer, CARD.c.version, SCORE)
            .join(CARD, and_(CARD.c.episode == members.c.number, CARD.c.attempt == members.c.attempt))
            .join(SCORE, SCORE.c.card == CARD.c.number)
            .where(_IS_LATEST)
            .order_by(members.c.position, CARD.c.scorer, SCORE.c.position)
        )
        if episode is not None:
            query = query.where(members.c.key == episode)
        with self._reading() as connection:
            return [
                ScoreRow(
                    episode=row.key,
                    external_id=row.external_id,
                    seat=row.seat,
                    scorer=row.scorer,
                    version=row.version,
                    variant=row.variant,
                    name=row.name,
                    value=row.value,
                    reason=row.reason,
                )
                for row in connection.execute(query)
            ]

    def marks(self, key: str) -> list[MarkRow]:
        """The marks on an episode's latest attempt, by step."""
        query = (
            select(CARD.c.scorer, MARK)
            .join(CARD, CARD.c.number == MARK.c.card)
            .join(EPISODE, and_(EPISODE.c.number == CARD.c.episode, EPISODE.c.attempt == CARD.c.attempt))
            .where(EPISODE.c.key == key, _IS_LATEST)
            .order_by(MARK.c.step, CARD.c.scorer, MARK.c.position)
        )
        with self._reading() as connection:
            return [
                MarkRow(scorer=row.scorer, step=row.step, name=row.name, value=row.value, note=row.note)
                for row in connection.execute(query)
            ]

    # -- inside -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A reading transaction that sees what this store's writer was given; after a fault, what it could write."""
        if self._writer is not None and self._writer.healthy:
            self._writer.flush()
        with self._database.reading() as connection:
            yield connection

    def _spec_row(self, spec: EpisodeSpec, packer: Packer, redaction: Redaction) -> dict[str, Any]:
        where = f"the episode of {spec.environment}, item {spec.item_id}, agent {spec.agent.name}"
        if not -LARGEST <= spec.seed <= LARGEST:
            raise InputError(f"{where}: the seed {spec.seed} does not fit 63 bits; use a smaller one")
        content = spec.model_dump(mode="json")
        self._check_free_of_credentials(redaction, where, content)
        alone = {name: content.pop(name) for name in ("repetition", "seed", "external_id", "item")}
        return {
            "key": spec.key,
            "status": "pending",
            "attempt": 0,
            "environment": spec.environment,
            "item": spec.item_id,
            "agent": spec.agent.name,
            "repetition": spec.repetition,
            "seed": spec.seed,
            "framing": spec.framing,
            "external_id": spec.external_id,
            "condition_ref": packer.put(content),
            "item_ref": packer.put(alone["item"]),
            "provenance": "executed",
            "steps": 0,
            "hash": b"",
            "reason": "",
            "flags": 0,
        }

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

    def _spec(self, row: Row[Any], payloads: Payloads) -> EpisodeSpec:
        where = f"episode {row.key[:12]}, its specification"
        condition = self._value(payloads, row.condition_ref, where)
        item = self._value(payloads, row.item_ref, where)
        try:
            return EpisodeSpec.model_validate(
                {
                    **condition,
                    "item": item,
                    "repetition": row.repetition,
                    "seed": row.seed,
                    "external_id": row.external_id,
                }
            )
        except (ValidationError, TypeError) as error:
            raise StoreCorrupt(f"{self.place}: {where}: the stored bytes make no specification ({error})") from error

    def _head(self, row: Row[Any], payloads: Payloads) -> EpisodeHead:
        condition = self._value(payloads, row.condition_ref, f"episode {row.key[:12]}, its specification")
        counts = dict.fromkeys(COUNTS, 0)
        if row.counts is not None:
            counts |= self._decoded(row.counts, f"episode {row.key[:12]}, its counts")
        return EpisodeHead(
            id=row.key,
            external_id=row.external_id,
            environment=row.environment,
            config=condition["config"],
            item=row.item,
            repetition=row.repetition,
            seed=row.seed,
            seats={seat: agent["name"] for seat, agent in condition["seats"].items()},
            agent=row.agent,
            framing=row.framing,
            status=row.status,
            total=row.total,
            steps=row.steps,
            hash=row.hash.hex(),
            attempt=row.attempt,
            provenance=row.provenance,
            reason=row.reason,
            counts=counts,
            flags=tuple(str(flag.name).lower() for flag in Flag if flag & row.flags),
            position=row.position,
        )

    def _whole(self, connection: Connection, rows: Sequence[Row[Any]], payloads: Payloads) -> list[Episode]:
        """The episodes of `rows`, with few queries for all of them together."""
        numbers = [row.number for row in rows]
        steps: dict[int, list[StepRow]] = {number: [] for number in numbers}
        events: dict[tuple[int, int], list[EventRow]] = {}
        for some in chunks(numbers):
            for number, *rest in connection.execute(_TRACE.where(STEP.c.episode.in_(some))):
                steps[number].append(StepRow(*rest))
            for number, *rest in connection.execute(_EVENTS.where(EVENT.c.episode.in_(some))):
                event = EventRow(*rest)
                events.setdefault((number, event.step), []).append(event)
        payloads.load(ref for row in rows for ref in (row.condition_ref, row.item_ref, row.result_ref))
        payloads.load(
            ref for trace in steps.values() for s in trace for ref in (s.observation_ref, s.menu_ref, s.said_ref)
        )
        payloads.load(event.data_ref for some in events.values() for event in some)
        payloads.load_chains(event.messages_ref for some in events.values() for event in some)
        return [self._one(row, steps[row.number], events, payloads) for row in rows]

    def _one(
        self,
        row: Row[Any],
        steps: Sequence[StepRow],
        events: Mapping[tuple[int, int], Sequence[EventRow]],
        payloads: Payloads,
    ) -> Episode:
        where = f"episode {row.key[:12]}"
        spec = self._spec(row, payloads)
        if spec.key != row.key:
            raise StoreCorrupt(f"{self.place}: {where}: the stored specification does not match the episode's key")
        trace = []
        for index, step in enumerate(steps):
            try:
                if step.index_ != index:
                    raise Damaged("the step is missing")
                trace.append(unpack_step(step, events.get((row.number, step.index_), ()), payloads))
            except Damaged as error:  # steps are counted from 1 wherever people read of them
                raise StoreCorrupt(f"{self.place}: {where}, step {index + 1}: {error}") from error
        if row.status in ENDED and len(trace) != row.steps:
            raise StoreCorrupt(f"{self.place}: {where}: {len(trace)} of its {row.steps} steps are there")
        result = {} if row.result_ref is None else self._value(payloads, row.result_ref, f"{where}, its result")
        try:
            return Episode.model_validate(
                {
                    **result,
                    "id": row.key,
                    "spec": spec,
                    "status": row.status,
                    "reason": row.reason,
                    "steps": trace,
                    "hash": row.hash.hex(),
                    "attempt": row.attempt,
                    "provenance": row.provenance,
                    "position": row.position,
                }
            )
        except (ValidationError, TypeError) as error:
            raise StoreCorrupt(f"{self.place}: {where}: the stored bytes make no episode ({error})") from error

    def _value(self, payloads: Payloads, ref: bytes, where: str) -> Any:
        try:
            return payloads.value(ref)
        except Damaged as error:
            raise StoreCorrupt(f"{self.place}: {where}: {error}") from error

    def _decoded(self, data: bytes, where: str) -> Any:
        try:
            return decode(data)
        except Damaged as error:
            raise StoreCorrupt(f"{self.place}: {where}: {error}") from error


_TRACE = (
    select(STEP.c.episode, *(STEP.c[name] for name in STEP_COLUMNS))
    .join(EPISODE, and_(EPISODE.c.number == STEP.c.episode, EPISODE.c.attempt == STEP.c.attempt))
    .order_by(STEP.c.episode, STEP.c.index)
)
_EVENTS = (
    select(EVENT.c.episode, *(EVENT.c[name] for name in EVENT_COLUMNS))
    .join(EPISODE, and_(EPISODE.c.number == EVENT.c.episode, EPISODE.c.attempt == EVENT.c.attempt))
    .order_by(EVENT.c.episode, EVENT.c.step, EVENT.c.index)
)


_LATER = CARD.alias()
# Of each scorer and episode the card that was written last: its number is the greatest.
_IS_LATEST = ~exists().where(
    _LATER.c.episode == CARD.c.episode, _LATER.c.scorer == CARD.c.scorer, _LATER.c.number > CARD.c.number
)


def _members(experiment: int | None) -> Select[Any]:
    """All columns of episodes, with their `position`: in the experiment, or in the store where none is named."""
    if experiment is None:
        return select(EPISODE, (EPISODE.c.number - 1).label("position")).order_by(EPISODE.c.number)
    return (
        select(EPISODE, MEMBERSHIP.c.position.label("position"))
        .join(MEMBERSHIP, MEMBERSHIP.c.episode == EPISODE.c.number)
        .where(MEMBERSHIP.c.experiment == experiment)
        .order_by(MEMBERSHIP.c.position, EPISODE.c.number)
    )


def _numbers(experiment: int) -> Select[Any]:
    return select(MEMBERSHIP.c.episode).where(MEMBERSHIP.c.experiment == experiment)


def _conditions(where: Filter) -> Iterator[ColumnElement[bool]]:
    for name in ("environment", "agent"):
        part = getattr(where, name)
        if part is not None:
            yield EPISODE.c[name].icontains(part, autoescape=True)
    for name in ("item", "status", "framing", "provenance"):
        value = getattr(where, name)
        if value is not None:
            yield EPISODE.c[name] == value
    if where.flag is not None:
        try:
            flag = Flag[where.flag.upper()]
        except KeyError:
            raise UnknownName.of_kind("flag", where.flag, (str(known.name).lower() for known in Flag)) from None
        yield EPISODE.c.flags.op("&")(int(flag)) != 0
    if where.text is not None:
        searched = ("key", "external_id", "environment", "agent", "item", "reason")
        yield or_(*(EPISODE.c[name].icontains(where.text, autoescape=True) for name in searched))


def _payloads(connection: Connection, kept: Payloads | None = None) -> Payloads:
    """Payloads read through `connection`; with those that `kept` has, if they are not too many."""

    def fetch(refs: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for some in chunks(refs):
            rows = connection.execute(select(PAYLOAD.c.hash, PAYLOAD.c.data).where(PAYLOAD.c.hash.in_(some)))
            yield from ((row.hash, row.data) for row in rows)

    if kept is None:
        return Payloads(fetch)
    kept.forget_beyond(PAYLOADS_KEPT)
    kept.fetch = fetch
    return kept
