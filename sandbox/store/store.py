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

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, func

from sandbox.annotation import Annotation, Kind, checked_text, checked_value
from sandbox.errors import InputError, StoreError
from sandbox.scorer import PARTS, Card
from sandbox.store import annotations as people
from sandbox.store.adding import add_experiment
from sandbox.store.cards import read_cards, read_latest, read_marks, read_scores
from sandbox.store.claims import read_is_held
from sandbox.store.conditions import conditions
from sandbox.store.database import PATIENCE, Database, open_database
from sandbox.store.experiments import (
    read_asks_forks,
    read_experiment,
    read_experiments,
    read_names,
    read_spent,
    read_unpriced,
)
from sandbox.store.heads import heads_of, read_heads
from sandbox.store.keys import find, known_row, no_episode, numbers_of
from sandbox.store.listing import read_groups, read_numbers, read_scores_of, read_vocabulary
from sandbox.store.members import members_of, numbers_in
from sandbox.store.opening import Opened, read_opened
from sandbox.store.passes import episodes, pieces
from sandbox.store.payloads import Payloads
from sandbox.store.pulse import read_farthest, read_open, read_pulse
from sandbox.store.queue import OPEN, read_counts, read_holders, read_queue, record_again, reopen, specs_of
from sandbox.store.reading import EpisodeColumns, Reader, columns_of, fetch_later, read_payloads, seats_answering_again
from sandbox.store.redaction import Redaction
from sandbox.store.relatives import relatives_of
from sandbox.store.replies import read_replies, read_shared
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
)
from sandbox.store.searching import search
from sandbox.store.tables import EPISODE
from sandbox.store.unpacking import StepSkim
from sandbox.store.writer import ENDED, Attempts, Scored, Writer
from sandbox.trace import Episode, EpisodeSpec, Step

P = ParamSpec("P")
T = TypeVar("T")


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
        return add_experiment(self._database, name, content, specs)

    def experiments(self) -> list[ExperimentRow]:
        """All experiments, in the order in which they were last used, with their progress."""
        return self._read(read_experiments, self.place)

    def experiment_names(self) -> dict[int, str]:
        """Number -> name of every experiment, the last used first; without their progress, which takes longer."""
        return self._read(read_names)

    def experiment(self, name_or_id: str | int) -> ExperimentRow:
        """The experiment with this number, or else the one last used under this name.

        Raises:
            UnknownName: there is none; offers the nearest name.
        """
        return self._read(read_experiment, self.place, name_or_id)

    def pending(self, experiment: int, retry_errors: bool = False) -> list[EpisodeSpec]:
        """What is still to be run, in canonical order: what never began, and what a killed process left under way.

        `retry_errors`: also what ended in an error.
        """
        open_ones = (*OPEN, "error") if retry_errors else OPEN
        with self._reading() as connection:
            rows = connection.execute(members_of(experiment).where(EPISODE.c.status.in_(open_ones))).all()
            self._known |= {row.key: Attempts(row.number, row.attempt) for row in rows}
            return specs_of(connection, self.place, rows, read_payloads(connection))

    # -- the queue --------------------------------------------------------------------------------------------------

    def queue(self, experiment: int) -> list[int]:
        """Numbers of the episodes that are not finished, in the order in which they are best run.

        Environments and agents take turns, so that the pace so far tells the time left; order changes no trace.
        """
        return self._read(read_queue, experiment)

    def claim(self, numbers: Sequence[int], count: int) -> list[Claimed]:
        """Begin attempts at no more than `count` of the episodes `numbers` (500 at most) that nobody else runs.

        They are this process's until they are finished or released; see `sandbox.store.claims`. May be called from any
        thread, and waits for the database.
        """
        rows = self.writer().claim(numbers, count).result()
        with self._database.reading() as connection:
            payloads = self._conditions_read = read_payloads(connection, self._conditions_read)
            specs = specs_of(connection, self.place, rows, payloads)
            claimed = [Claimed(row.number, spec, row.attempt + 1) for row, spec in zip(rows, specs, strict=True)]
        for one in claimed:
            self.writer().claimed(one.number, one.spec, one.attempt)
        return claimed

    def numbers(self, keys: Iterable[str]) -> set[int]:
        """The numbers of the episodes with these keys."""
        return set(self._read(numbers_of, keys).values())

    def reopen(self, experiment: int) -> int:
        """Queue the experiment's episodes that ended in an error once more; how many they are."""
        return self.writer().call(lambda connection: reopen(connection, experiment)).result()

    def record_again(self, keys: Sequence[str]) -> None:
        """Queue episodes that somebody else recorded once more, however they ended: the record has changed since."""
        self.writer().call(lambda connection: record_again(connection, keys)).result()

    def counts(self, experiment: int) -> dict[str, int]:
        """How many episodes of the experiment have which status; statuses with none are left out."""
        return self._read(read_counts, experiment)

    def holders(self, experiment: int) -> list[Holder]:
        """Which processes have claimed episodes of the experiment that have not ended; dead ones may be among them."""
        return self._read(read_holders, experiment)

    def spent(self, experiment: int) -> Spent:
        """What the experiment's episodes that have ended took."""
        return self._read(read_spent, experiment)

    def unpriced_models(self, experiment: int | None = None) -> list[str]:
        """The models of the experiment (of all, by default) whose price was not known when they were called."""
        return self._read(read_unpriced, self.place, experiment)

    def asks_forks(self, experiment: int | None = None) -> bool:
        """Whether any episode of the experiment (of all, by default) asks forks, whose answers are among its events."""
        return self._read(read_asks_forks, self.place, experiment)

    # -- the journal of model calls -----------------------------------------------------------------------------------

    def replies(self, number: int) -> list[StoredReply]:
        """The replies that models gave to an episode, in whichever attempt, in their order."""
        with self._database.reading() as connection:
            return read_replies(connection, self.place, number)

    def shared_reply(self, shared: bytes) -> StoredReply | None:
        """The reply that an episode, the first to have it, shares under this name; see `Writer.reply`."""
        with self._database.reading() as connection:
            return read_shared(connection, self.place, shared)

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
        return self._read(read_heads, self.place, members_of(experiment), where, order, limit, offset)

    def count(self, experiment: int | None = None, where: Filter | None = None) -> int:
        """How many episodes `heads` would give without a limit."""
        if where is not None and where.searched:
            return len(self.matching(experiment, where))
        query = members_of(experiment)
        if where is not None:
            query = query.where(*conditions(where))
        narrow = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        with self._reading() as connection:
            return int(connection.execute(narrow).scalar_one())

    def episode_numbers(
        self, experiment: int | None = None, where: Filter | None = None, order: str = "position"
    ) -> array[int]:
        """Numbers of the episodes that fit, in order (as `heads` has it): eight bytes each, for lists of very many.

        Terms about the text of episodes are left to `search`.

        Raises:
            InputError: no such order or flag.
        """
        return self._read(read_numbers, members_of(experiment), where or Filter(), order)

    def heads_of(self, numbers: Sequence[int], experiment: int | None = None) -> Sequence[EpisodeHead]:
        """The episodes with these numbers, all of which are there, in this order."""
        return self._read(heads_of, self.place, members_of(experiment), numbers)

    def scores_of(self, numbers: Sequence[int], names: Iterable[str]) -> dict[int, dict[str, float | None]]:
        """Number -> score as `SCORER/NAME` -> its value, of those of `names` that the episodes have."""
        return self._read(read_scores_of, numbers, names)

    def groups(
        self, experiment: int | None = None, where: Filter | None = None, scores: Sequence[str] = ()
    ) -> list[Group]:
        """The episodes that fit by their condition; `scores`, as `SCORER/NAME`: whose means are wanted."""
        where = where or Filter()
        if where.searched:
            raise InputError("episodes cannot be grouped while the filter has text~: take that term out")
        return self._read(read_groups, self.place, members_of(experiment), where, scores)

    def vocabulary(self, experiment: int | None = None) -> Vocabulary:
        """The names that filters may use."""
        return self._read(read_vocabulary, members_of(experiment))

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
        return self._read(find, self.place, prefix)

    def episode(self, key: str) -> Episode:
        """The whole episode: the trace of its latest attempt, finished or not.

        Raises:
            UnknownName: the store has no episode with exactly this key (see `find`).
            StoreCorrupt: stored bytes do not fit their hash, or are no JSON; names the episode and the step.
        """
        return self._of(key, lambda reader, row: reader.episodes([row])[0])

    def steps(self, key: str, start: int, stop: int) -> list[Step]:
        """The steps from `start` to before `stop` of an episode's latest attempt, without reading the others.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        return self._of(key, lambda reader, row: reader.steps(row, start, stop))

    def earlier_steps(self, key: str) -> list[Step]:
        """The steps of whichever attempt before the latest came farthest, which was interrupted; [] where none began.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        with self._reading() as connection:
            row = known_row(connection, self.place, key)
            attempt = read_farthest(connection, row)
            if attempt is None:
                return []
            return Reader(connection, self.place, read_payloads(connection)).steps_of_attempt(row, attempt)

    def is_held(self, key: str) -> bool:
        """Whether some process that may be alive is playing the episode now."""
        return self._read(read_is_held, key)

    def steps_as_read(self, key: str, start: int, stop: int) -> list[Step]:
        """The same steps, each part of which is made of what is stored when it is asked for, while the store is open.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does; reading a step may raise StoreCorrupt, too.
        """
        with self._reading_on() as (connection, reader):
            return reader.steps(known_row(connection, self.place, key), start, stop)

    def about(self, key: str) -> Episode:
        """The episode without its steps.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        return self._of(key, Reader.about)

    def skim(self, key: str, start: int, stop: int) -> list[StepSkim]:
        """Kinds of events, and rewards, of the steps from `start` to before `stop`, at a fraction of what steps cost.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does.
        """
        return self._of(key, lambda reader, row: reader.skim(row, start, stop))

    def opened(self, key: str, steps: int, skims: int) -> Opened:
        """All that is shown first of an episode, in one transaction; `steps`: how many of them are read at once.

        `skims`: how many steps it may have for all of them to be skimmed, too.

        Raises:
            UnknownName, StoreCorrupt: as `episode` does; reading a step may raise StoreCorrupt, too.
        """
        with self._reading_on() as (connection, reader):
            return read_opened(connection, reader, known_row(connection, self.place, key), steps, skims)

    def outline(self, key: str) -> list[StepHead]:
        """All steps of an episode's latest attempt, as short as a timeline shows them.

        Raises:
            UnknownName: the store has no episode with exactly this key.
        """
        return self._of(key, Reader.outline)

    def pulse(self, key: str) -> Pulse:
        """How far an episode is, cheaply: to be asked again and again while another process runs it.

        Raises:
            UnknownName: the store has no episode with exactly this key.
        """
        pulse = self._read(read_pulse, key)
        if pulse is None:
            raise no_episode(self.place, key)
        return pulse

    def open_counts(self, experiment: int | None = None) -> tuple[int, int]:
        """How many episodes of the experiment (of all, by default) are pending, how many running; as cheap."""
        return self._read(read_open, experiment)

    def relatives(self, key: str, limit: int = 200) -> Sequence[EpisodeHead]:
        """What an episode is worth comparing with: its parent, its forks, and others of its environment, item and seed.

        At most `limit` of them, in canonical order.
        """
        return self._read(read_heads, self.place, relatives_of(key), None, "position", limit, 0)

    def episodes(self, experiment: int | None = None, parts: Set[str] | None = None) -> Iterator[Episode]:
        """Every episode that has ended, in canonical order, some at a time.

        `parts`: of `sandbox.scorer.PARTS`, what will be asked of their steps, which are then made of what is stored as
        they are read, while the store is open; asking for another part raises PluginError. By default they are whole.

        Raises:
            StoreCorrupt: as `episode` does; with `parts`, reading a step may raise it, too.
        """
        yield from episodes(self._database, self._ended(experiment), parts)

    def pieces(self, experiment: int | None = None, parts: Set[str] | None = None) -> Iterator[Episode]:
        """As `episodes`, in memory that no episode's length tells on.

        An episode of very many steps comes several times in a row, each time with some of its steps alone.

        Raises:
            StoreCorrupt: as `episodes` does.
        """
        yield from pieces(self._database, self._ended(experiment), parts)

    def answered_again(self, experiment: int | None = None) -> dict[str, list[str]]:
        """Key -> the seat of each decision that came of more than one answer, of episodes that have ended."""
        seats: dict[str, list[str]] = {}
        with self._reading() as connection:
            of = None if experiment is None else numbers_in(experiment)
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

        `attempt`, `made_of`: see `writer.Scored`.
        """
        self.writer().save_card(Scored(scorer, version, config_hash, key, card, attempt, made_of))

    def cards(
        self, scorer: str, version: int, config_hash: str, experiment: int | None = None, *, marks: bool = True
    ) -> dict[str, Card]:
        """Key -> what this scorer, with this version and config, said of the episode's latest attempt.

        Without `marks` they are left out, which takes half the time.
        """
        return self._read(read_cards, scorer, version, config_hash, experiment, marks)

    def latest_cards(self, experiment: int | None = None) -> dict[str, dict[str, Card]]:
        """Key -> scorer -> what it said last of the episode's latest attempt, with whichever version and config."""
        return self._read(read_latest, experiment)

    def scores(self, experiment: int | None = None, *, episode: str | None = None) -> list[ScoreRow]:
        """The scores of all scorers, each scorer's latest of each episode's latest attempt, in canonical order.

        `episode`: the key of the only one that is asked about.
        """
        return self._read(read_scores, experiment, episode)

    def marks(self, key: str) -> list[MarkRow]:
        """The marks on an episode's latest attempt, by step."""
        return self._read(read_marks, key)

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
            added = [
                people.add(connection, known_row(connection, self.place, key).number, saying) for key, saying in checked
            ]
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
        return self._read(people.read, experiment, episode=episode, author=author)

    def label_names(self) -> list[str]:
        """The names of labels in use, most often used first."""
        return self._read(people.names, "name")

    def annotators(self) -> list[str]:
        """Who annotated anything, most active first."""
        return self._read(people.names, "author")

    # -- inside -----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Commit what this store's writer was given; after a fault, what it could write is there."""
        if self._writer is not None and self._writer.healthy:
            self._writer.flush()

    def _speaking(self) -> AbstractContextManager[Connection]:
        """A transaction for annotations: what this store's writer was given, maybe of their scores, is there before."""
        self._flush()
        return self._database.writing()

    def _reading(self) -> AbstractContextManager[Connection]:
        """A reading transaction that sees what this store's writer was given."""
        self._flush()
        return self._database.reading()

    @contextmanager
    def _reading_on(self) -> Iterator[tuple[Connection, Reader]]:
        """The same, with a reader of steps that are made as they are read, also when the transaction has ended."""
        with self._reading() as connection:
            payloads = read_payloads(connection)
            reader = Reader(connection, self.place, payloads, PARTS)
            yield connection, reader
        fetch_later(payloads, self._database.reading)
        reader.reading = self._database.reading

    def _read(self, read: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `read` finds in such a transaction."""
        with self._reading() as connection:
            return read(connection, *args, **kwargs)

    def _of(self, key: str, read: Callable[[Reader, EpisodeColumns], T]) -> T:
        """What `read` makes of the episode with this key; raises UnknownName where there is none."""
        with self._reading() as connection:
            row = known_row(connection, self.place, key)
            return read(Reader(connection, self.place, read_payloads(connection)), row)

    def _ended(self, experiment: int | None) -> list[EpisodeColumns]:
        """The rows of the episodes that have ended."""
        return self._read(columns_of, members_of(experiment).where(EPISODE.c.status.in_(ENDED)))
