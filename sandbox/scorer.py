"""The Scorer and Estimator contracts: pure functions of recorded traces.

A scorer reads one trace and gives scores (per episode) and marks (per step). An estimator reads a table over many
traces and gives estimates, verdicts and warnings. A plugin may be both. Neither reads a clock, the network, a global,
or randomness without a seed: the same traces give the same bytes. Neither drops anything in silence: what is left out
is counted in a warning or in an estimate of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

from sandbox.agent import NoConfig
from sandbox.annotation import Annotation
from sandbox.errors import PluginError
from sandbox.scenario import Benchmark, Frozen, Luck
from sandbox.text import canonical
from sandbox.trace import AgentSpec, Choice, Episode, choices, trusted

if TYPE_CHECKING:
    import numpy as np

PART_OF: Mapping[str, str] = {
    "observation": "observations",
    "text": "observations",
    "menu": "menus",
    "ranges": "menus",
    "decision": "menus",
    "said": "said",
    "events": "events",
}
"""Field of a step -> the part of the trace that it belongs to; all other fields are always there."""
PARTS = frozenset(PART_OF.values())
"""What a scorer may say that it reads; with `CHOICES`, all."""
CHOICES = "choices"
"""The table of choices, which estimators read; it is made of the menus."""
EVERYTHING = PARTS | {CHOICES}
ANNOTATIONS = "annotations"
"""What people say of an episode, which is no part of the trace: `Episode.annotations`, `EpisodeRow.annotations`.

What a scorer that reads it says of an episode is forgotten as soon as somebody says something else of the episode."""
CARDS = "cards"
"""What other scorers say of an episode, which estimators may read: `EpisodeRow.cards`.

One that reads `ANNOTATIONS`, too, gets none where nobody said anything of any episode."""


class Score(Frozen):
    """One number about one episode. `value` None means undefined, and `reason` says why."""

    name: str
    value: float | None
    seat: str | None = None
    variant: str = ""
    reason: str = ""


class Mark(Frozen):
    """A point in a trace worth jumping to."""

    step: int
    name: str
    value: float | None = None
    note: str = ""


class Card(Frozen):
    """All that a scorer says of one episode."""

    scores: tuple[Score, ...] = ()
    marks: tuple[Mark, ...] = ()


class Estimate(Frozen):
    """One number about many episodes; names are unique within scorer, agent, group and variant.

    Attributes:
        agent: name of the agent it is about.
        group: data set, environment, condition or class that it is confined to; '' for all.
        variant: which procedure of several; '' where there is one.
        estimate: None where undefined; `reason` says why.
        low, high: ends of the interval at level .95; None where there is none (`reason`): all traces are equal, say.
        n: observations used; n_distinct: distinct traces (or choices) behind them.
        clusters: independent units that the interval resamples.
        method: how estimate and interval were got.
    """

    agent: str
    name: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    n_distinct: int = 0
    clusters: int = 0
    method: str = ""
    group: str = ""
    variant: str = ""
    reason: str = ""


class Verdict(Frozen):
    """A judgement on whether an agent's numbers mean anything, such as `validity/choice`: `follows position`."""

    agent: str
    check: str
    verdict: str
    reason: str = ""


class Matrix(Frozen):
    """Estimates to be shown side by side: a row per agent, a column per group. The numbers stay where they are.

    Attributes:
        title: what it shows, in a line, also what rows and columns are.
        name, variant: of the estimates in it; a row for each agent that has one.
        columns: heading -> group of the estimates below it.
    """

    title: str
    name: str
    columns: Mapping[str, str]
    variant: str = ""


class Findings(Frozen):
    """All that an estimator says; `matrices` are ways to show its estimates."""

    estimates: tuple[Estimate, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    warnings: tuple[str, ...] = ()
    matrices: tuple[Matrix, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A picture that an estimator offers to the report.

    Attributes:
        name: unique within the estimator; the name of its file.
        title: what it shows, in a line.
        draw: draws it with matplotlib's own methods on the `matplotlib.axes.Axes` that it is given, of `size`; it is
            called only where matplotlib is installed. `sandbox.figures` has the pictures that most need.
        caption: how to read it, in a sentence or two.
        episodes: ids of episodes behind it, worth opening; the report links to the first of them.
        size: width and height in inches.
    """

    name: str
    title: str
    draw: Callable[[Any], None]
    caption: str = ""
    episodes: tuple[str, ...] = ()
    size: tuple[float, float] = (7.0, 3.5)


class EpisodeRow(Frozen):
    """One episode as estimators see it: its specification, how it ended, and this plugin's own scores of it.

    Where several agents are under evaluation there is a row of the same `id` for each: `agent`, `evaluated` (its own
    seats), `total` and `counts` are its own, `rivals` are the others' seats, and `scores` are all of the episode's.
    `annotations` are what people say of it, and `cards` what each other scorer does, where the estimator reads that.
    `models` holds, per seat, what is independent of others: the model that the agent's settings name, so that personas
    of one model are one; for an agent without `model` among its settings its id, with them all if no model was called.
    """

    id: str
    environment: str
    config: Mapping[str, Any]
    item: str
    agent: str
    agents: Mapping[str, str]
    evaluated: tuple[str, ...]
    repetition: int
    seed: int
    framing: str
    treatments: Mapping[str, Any]
    status: str
    total: float | None
    steps: int
    hash: str
    facts: Mapping[str, Any]
    benchmarks: Mapping[str, Benchmark]
    counts: Mapping[str, int]
    external_id: str | None = None
    models: Mapping[str, str] = {}
    scores: tuple[Score, ...] = ()
    rivals: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    cards: Mapping[str, Card] = {}

    def with_scores(self, scores: tuple[Score, ...]) -> EpisodeRow:
        """The same row with other scores."""
        return trusted(EpisodeRow, self.__dict__ | {"scores": scores})

    def with_cards(self, cards: Mapping[str, Card]) -> EpisodeRow:
        """The same row with what other scorers say: scorer -> card."""
        return trusted(EpisodeRow, self.__dict__ | {"cards": cards})

    def score(self, name: str, seat: str | None = None) -> float | None:
        """The value of the score called `name` (of `seat`, if given); None if there is none or it is undefined.

        Without `seat` one of the game as a whole, or of the row's own seats, comes before one of a counterpart's seat;
        one of a rival's is none of the row's.
        """
        others = None
        for score in self.scores:
            if score.name == name and (seat is None or score.seat == seat):
                if seat is not None or score.seat is None or score.seat in self.evaluated:
                    return score.value
                if score.seat not in self.rivals:
                    others = others or score
        return others.value if others else None


class Table:
    """What estimators read: episodes and choices, in canonical order."""

    def __init__(self, episodes: Sequence[EpisodeRow], choices: Sequence[Choice] | None) -> None:
        """`choices`: None where no estimator said that it reads them."""
        self.episodes = tuple(episodes)
        self._choices = None if choices is None else tuple(choices)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every recorded choice."""
        if self._choices is None:
            raise PluginError(f"it reads table.choices, but does not say so: put {CHOICES!r} into its `reads`")
        return self._choices

    @cached_property
    def own_choices(self) -> tuple[Choice, ...]:
        """Those of the agents themselves, without what their forks said beside an episode: no state counts twice."""
        return tuple(choice for choice in self.choices if not choice.on_fork)

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """Names of the agents under evaluation, in order of first appearance."""
        return tuple(dict.fromkeys(row.agent for row in self.episodes))

    def of(self, agent: str) -> Table:
        """The part of the table that is about one agent."""
        return Table(
            [row for row in self.episodes if row.agent == agent],
            None if self._choices is None else [choice for choice in self._choices if choice.agent == agent],
        )

    def generator(self, *name: object) -> np.random.Generator:
        """The generator of a resampling called `name`: the same at each call, so that estimates repeat."""
        return Luck(0).generator("estimate", *name)


def table_of(episodes: Iterable[Episode], cards: Mapping[str, Card] | None = None) -> Table:
    """The table over `episodes`; `cards` maps an episode's id to what the asking plugin scored."""
    rows, sets = [], []
    for episode in episodes:
        card = cards[episode.id] if cards and episode.id in cards else Card()
        rows += rows_of(episode, card)
        sets.extend(choices(episode))
    return Table(rows, sets)


def rows_of(episode: Episode, card: Card) -> list[EpisodeRow]:
    """An episode as estimators see it: a row for each agent under evaluation."""
    seats = episode.spec.evaluated
    views = episode.by_agent()
    if len(views) == 1:
        return [row_of(episode, card)]
    return [row_of(own, card, tuple(seat for seat in seats if seat not in own.spec.evaluated)) for own in views]


def card_of(scorer: Scorer[Any], episode: Episode) -> Card:
    """What a scorer says of an episode.

    If several agents are under evaluation and no score has a seat, each of `Episode.by_agent` is scored: the scores
    have the first seat of the agent that they are about.
    """
    card = scorer.score(episode)
    views = episode.by_agent()
    if len(views) == 1 or not isinstance(card, Card) or any(score.seat is not None for score in card.scores):
        return card
    own = [(view.spec.evaluated[0], score) for view in views for score in scorer.score(view).scores]
    return Card(scores=tuple(score.model_copy(update={"seat": seat}) for seat, score in own), marks=card.marks)


def row_of(episode: Episode, card: Card, rivals: tuple[str, ...] = ()) -> EpisodeRow:
    """The row of an episode, one of `Episode.by_agent`."""
    spec = episode.spec
    fields = {
        "id": episode.id,
        "environment": spec.environment,
        "config": spec.config,
        "item": spec.item_id,
        "agent": spec.agent.name,
        "agents": {seat: agent.name for seat, agent in spec.seats.items()},
        "evaluated": spec.evaluated,
        "repetition": spec.repetition,
        "seed": spec.seed,
        "framing": spec.framing,
        "treatments": {name: treatment.value for name, treatment in spec.treatments.items()},
        "status": episode.status,
        "total": episode.total,
        "steps": len(episode.steps),
        "hash": episode.hash,
        "facts": episode.facts,
        "benchmarks": episode.benchmarks,
        "counts": episode.counts(),
        "external_id": spec.external_id,
        "models": {seat: _model(agent, episode.usage.calls > 0) for seat, agent in spec.seats.items()},
        "scores": card.scores,
        "rivals": rivals,
        "annotations": episode.annotations,
        "cards": {},
    }
    return trusted(EpisodeRow, fields)


def _model(agent: AgentSpec, called: bool) -> str:
    if called and "model" not in agent.config:  # its default, whatever else its settings say
        return agent.id
    settings = f" {canonical(dict(agent.config)).decode()}" if agent.config else ""
    return str(agent.config.get("model") or agent.id + settings)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


class Scorer(Generic[ConfigT]):
    """Base of plugins that score one trace at a time.

    Attributes:
        version: raise it when results change; stored with each score.
        direction: whether more is better, worse, or neither.
        reads: the parts of a trace that it looks at, of `EVERYTHING`: what no scorer reads is not loaded, and asking
            for it then is an error. By default all, which is always right and slower. Beyond the trace: `ANNOTATIONS`
            and, for estimators, `CARDS`; what is not read of these is empty.
        Config: a frozen pydantic model of its settings.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[Literal["better", "worse", "neither"]] = "neither"
    reads: ClassVar[frozenset[str]] = EVERYTHING
    Config: ClassVar[type[BaseModel]] = NoConfig

    def __init__(self, config: ConfigT | None = None) -> None:
        self.config: Any = config if config is not None else self.Config()

    def score(self, episode: Episode) -> Card:
        """Scores and marks of one episode, also of a truncated, failed or empty one (None with a reason, as a rule)."""
        return Card()


class Estimator(Generic[ConfigT]):
    """Base of plugins that estimate over a table; `version`, `reads` and `Config` as for `Scorer`."""

    version: ClassVar[int] = 1
    reads: ClassVar[frozenset[str]] = EVERYTHING
    Config: ClassVar[type[BaseModel]] = NoConfig

    def __init__(self, config: ConfigT | None = None) -> None:
        self.config: Any = config if config is not None else self.Config()

    def estimate(self, table: Table) -> Findings:
        """Estimates, verdicts and warnings about every agent in the table."""
        return Findings()

    def verdicts(self, table: Table) -> tuple[Verdict, ...]:
        """The verdicts alone, for those who show none of its estimates; define it where that costs less."""
        return self.estimate(table).verdicts

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Pictures of its own `findings` for the report, most telling first; asked for by `sandbox report` only."""
        return ()
