"""What the store answers with, short of whole traces: rows about episodes, experiments, scores and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sandbox.trace import Episode, EpisodeSpec, Provenance, Status


class EpisodeHead(NamedTuple):
    """An episode without its steps; a tuple, because lists hold many, and data classes take long to make.

    Attributes:
        id: its key, 64 hexadecimal digits.
        config: the environment's whole config.
        seats: seat -> name of the agent that fills it; `agent` is the one under evaluation, or all of them: `one, two`.
        total: its return, that of the first seat under evaluation; None until it has ended, and in a hypothetical
            episode.
        steps, hash, provenance, reason, counts, flags: of the latest attempt, once that has ended.
        flags: lower-case names of `tables.Flag` that the decisions under evaluation carry.
        position: place in canonical order.
        calls, tokens, cost: what its model calls took; `cost` in US dollars, None where a price is unknown.
        lease_owner: the process that runs it, while it runs.
        evaluated: the seats whose agents are under evaluation.
        treatments: factor -> value.
        returns, seat_counts: seat -> its return and the counts of its decisions, of an ended episode with several
            agents under evaluation, and of no other: see `shares`.
        parent: the key of the episode that it is a fork of; None where it is none.
    """

    id: str
    external_id: str | None
    environment: str
    config: Mapping[str, Any]
    item: str
    repetition: int
    seed: int
    seats: Mapping[str, str]
    agent: str
    framing: str
    status: Status
    total: float | None
    steps: int
    hash: str
    attempt: int
    provenance: Provenance
    reason: str
    counts: Mapping[str, int]
    flags: tuple[str, ...]
    position: int
    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    lease_owner: str | None = None
    evaluated: tuple[str, ...] = ()
    treatments: Mapping[str, Any] = {}
    returns: Mapping[str, float] = {}
    seat_counts: Mapping[str, Mapping[str, int]] = {}
    parent: str | None = None

    def by_agent(self) -> list[EpisodeHead]:
        """The episode as it is about each agent under evaluation; itself where there is one."""
        if len(self.evaluated) < 2:
            return [self]
        own = shares(self)
        return [self] if len(own) == 1 else [self._replace(**share._asdict()) for share in own]


class Share(NamedTuple):
    """What an episode says of one agent under evaluation: its seats, the return of the first, and its counts."""

    agent: str
    evaluated: tuple[str, ...]
    total: float | None
    counts: Mapping[str, int]


class Shared(Protocol):
    """An episode without its steps, as `EpisodeHead` has it."""

    @property
    def seats(self) -> Mapping[str, str]:
        """Seat -> name of its agent."""

    @property
    def agent(self) -> str:
        """The agent under evaluation, or all of them."""

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The seats under evaluation."""

    @property
    def total(self) -> float | None:
        """The return of the first of them."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Of all of them, and of how it ended."""

    @property
    def returns(self) -> Mapping[str, float]:
        """Of each of them, where their agents are several."""

    @property
    def seat_counts(self) -> Mapping[str, Mapping[str, int]]:
        """Of each of them, where their agents are several."""


def shares(episode: Shared) -> list[Share]:
    """What the episode says of each agent under evaluation; how it ended counts for all of them."""
    seats_of: dict[str, tuple[str, ...]] = {}
    for seat in episode.evaluated:
        name = episode.seats[seat]
        seats_of[name] = (*seats_of.get(name, ()), seat)
    if len(seats_of) < 2:
        return [Share(episode.agent, episode.evaluated, episode.total, episode.counts)]
    return [Share(name, seats, episode.returns.get(seats[0]), _sum(episode, seats)) for name, seats in seats_of.items()]


def _sum(episode: Shared, seats: Iterable[str]) -> dict[str, int]:
    counts = {name: count if name in _HOW_IT_ENDED else 0 for name, count in episode.counts.items()}
    for seat in seats:
        for name, count in episode.seat_counts.get(seat, {}).items():
            counts[name] += count
    return counts


def names_of(spec: EpisodeSpec) -> str:
    """`EpisodeHead.agent` of the specification's episode."""
    return ", ".join(spec.evaluated_agents)


def stored_counts(episode: Episode) -> dict[str, Any]:
    """An episode's counts as its row has them, without zeros; with its seats' where several agents are evaluated."""
    counts: dict[str, Any] = _positive(episode.counts())
    spec = episode.spec
    if len(spec.evaluated_agents) > 1:
        seats: dict[str, Any] = {}
        for seat in spec.evaluated:
            own = episode.of_seats((seat,))
            decided = {name: count for name, count in own.counts().items() if name not in _HOW_IT_ENDED}
            seats[seat] = {"return": own.total, "counts": _positive(decided)}
        counts[SEATS] = seats
    return counts


def _positive(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


SEATS = "seats"
"""The key of `stored_counts` that is no count: seat -> `return` and `counts`."""
_HOW_IT_ENDED = ("truncated", "error")


@dataclass(frozen=True, slots=True)
class StepHead:
    """A step as a timeline shows it; `reward` is the seat's own, `flags` are bits of `tables.Flag`."""

    index: int
    tick: int
    seat: str
    outcome: str
    reward: float | None
    flags: int


class Pulse(NamedTuple):
    """How far an episode is: its status, its latest attempt, and how many steps of that are recorded."""

    status: Status
    attempt: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRow:
    """An experiment and how far it is.

    Attributes:
        hash: of its content.
        episodes: how many it has; `counts` says how many have which status (statuses with none are left out).
        agents: names of those under evaluation.
    """

    id: int
    name: str
    hash: str
    content: Mapping[str, Any]
    episodes: int
    counts: Mapping[str, int]
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One score, as the last run of its scorer over the episode's latest attempt gave it."""

    episode: str
    external_id: str | None
    seat: str | None
    scorer: str
    version: int
    variant: str
    name: str
    value: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """One mark on a step of an episode."""

    scorer: str
    step: int
    name: str
    value: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Term:
    """A condition of a `Filter` that is more than a field of it; `filters` reads them from words.

    Attributes:
        key: what is asked about; one of `conditions.TERMS`, or `text`: all that was seen and said in the episode.
        sign: how it is compared: `:`, `~`, or one of `= != < <= > >=`.
        value: with what.
        name: which of them: a score as `SCORER/NAME`, a count or another number of the episode, a label.
        negated: the episodes that do not fit it are meant.
    """

    key: str
    sign: str = ":"
    value: str | float = ""
    name: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which episodes are meant: those that fit every field that is given.

    Attributes:
        environment, agent: part of the name; letter case does not matter.
        flag: a name of `tables.Flag`, such as `risk`.
        text: part of the key, external id, environment, agent, item or reason; letter case does not matter.
        terms: conditions of other kinds, all of which must hold.
    """

    environment: str | None = None
    agent: str | None = None
    item: str | None = None
    status: str | None = None
    framing: str | None = None
    provenance: str | None = None
    flag: str | None = None
    text: str | None = None
    terms: tuple[Term, ...] = ()

    @property
    def searched(self) -> tuple[Term, ...]:
        """The terms that no column answers: whole episodes must be read for them (see `Store.search`)."""
        return tuple(term for term in self.terms if term.key == "text")


class ScoreName(NamedTuple):
    """A score that some episode has; written `SCORER/NAME`."""

    scorer: str
    name: str

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.scorer}/{self.name}"


class Vocabulary(NamedTuple):
    """The names that a store knows, for completion and for the spelling of filters.

    Attributes:
        scores: each scorer's in its own order, so that its first is its main one; those of the scorer that has most to
            say first.
        marks: names of marks.
        labels, authors: of people's annotations.
    """

    environments: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    scores: tuple[ScoreName, ...] = ()
    marks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


class Group(NamedTuple):
    """The episodes of one condition: everything but item, repetition and seed is the same.

    Attributes:
        id: of the condition, hexadecimal digits; the filter term `condition:ID` means its episodes.
        differs: what tells it from the other conditions of its environment: settings, treatments, framing, seats.
        episodes: how many; `statuses` says how many have which.
        returns: how many have a return; `mean` and `deviation` (of a sample; None of fewer than two) are theirs.
        bins: how many returns lie in each eighth between the least and the greatest of its environment.
        flagged: how many have a flag that is more than an opportunity.
        scores: mean of each score that was asked for, over the episodes of which it is defined; None where none is.
    """

    id: str
    environment: str
    agent: str
    differs: Mapping[str, Any]
    episodes: int
    statuses: Mapping[str, int]
    returns: int
    mean: float | None
    deviation: float | None
    low: float | None
    high: float | None
    bins: tuple[int, ...]
    flagged: int
    scores: tuple[float | None, ...] = ()


class Found(NamedTuple):
    """How far a search is: of how many episodes it has seen all text, and the numbers of those that fit since the last.

    `steps`: how many steps they had.
    """

    episodes: int
    steps: int
    numbers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """A model's reply in the journal of an episode.

    Attributes:
        ask: hash of the request, 16 bytes; `occurrence`: how many equal ones its attempt had made before.
        place: 0 for the episode's first reply, and so on.
        reply: the reply, a JSON value.
        shared: under what other episodes may find it, 16 bytes; None where it is the episode's own.
    """

    ask: bytes
    occurrence: int
    place: int
    reply: Mapping[str, Any]
    shared: bytes | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What an experiment's episodes took so far; `cost_usd` leaves out the `unpriced` episodes."""

    steps: int
    calls: int
    tokens: int
    cost_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt at an episode that this process has begun: give `attempt` to `Writer.step` and in the episode."""

    number: int
    spec: EpisodeSpec
    attempt: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds leases on episodes of an experiment.

    Attributes:
        owner: host, process number and more, separated by `/`.
        episodes: how many it holds.
    """

    owner: str
    episodes: int
