"""The one document that `--json` prints: a contract that others' scripts rely on; keys are added, never renamed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sandbox.runner.score import Judged
from sandbox.scorer import Findings, Verdict
from sandbox.store import EpisodeHead, ExperimentRow, ScoreRow
from sandbox.store.rows import Group
from sandbox.text import display_line
from sandbox.trace import COUNTS, UNANSWERED_ASKS, trusted
from sandbox.uncollected import uncollected

EntryT = TypeVar("EntryT", bound=BaseModel)


class _Entry(BaseModel):
    """Made of a row of the store by `model_validate`: the fields of one name."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ExperimentEntry(_Entry):
    """An experiment: its name, the hash of its content, and how many of its episodes have which status."""

    name: str
    hash: str
    episodes: int
    counts: dict[str, int]


class EpisodeEntry(_Entry):
    """An episode without its steps. `return` is null in a hypothetical episode and before the end.

    Where several agents are under evaluation, `agent` names them all, `return` is that of the first seat in
    `evaluated`, and `returns` and `seat_counts` are each seat's own; of other episodes these two are empty.
    `parent` is the id of the episode that it is a fork of.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    id: str
    external_id: str | None
    environment: str
    config: dict[str, Any]
    item: str
    repetition: int
    seed: int
    seats: dict[str, str]
    status: str
    total: float | None = Field(alias="return")
    steps: int
    hash: str
    attempt: int
    provenance: str
    framing: str
    agent: str
    counts: dict[str, int] = {}
    reason: str = ""
    evaluated: tuple[str, ...] = ()
    returns: dict[str, float] = {}
    seat_counts: dict[str, dict[str, int]] = {}
    parent: str | None = None


class ScoreEntry(_Entry):
    """One score of one episode; `value` is null where it is undefined, and `reason` says why."""

    episode: str
    external_id: str | None
    seat: str | None
    scorer: str
    variant: str
    name: str
    value: float | None
    reason: str = ""


class EstimateEntry(_Entry):
    """One estimate, unique within scorer, agent, group and variant; no interval (null) where there is none."""

    scorer: str
    agent: str
    group: str
    variant: str
    name: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    n_distinct: int
    clusters: int
    method: str
    reason: str = ""


class MatrixEntry(_Entry):
    """A way to show estimates: a row per agent that has one called `name`, a column per group.

    `columns`: heading -> group; the cell of an agent is the estimate of that scorer, agent, group, variant and name.
    """

    scorer: str
    title: str
    name: str
    variant: str
    columns: dict[str, str]


class VerdictEntry(_Entry):
    """A judgement on whether an agent's numbers mean anything; `experiment` only where two of them are compared."""

    agent: str
    check: str
    verdict: str
    reason: str
    experiment: str = ""


class ComparisonEntry(_Entry):
    """A - B over pairs of episodes, of one score or of the payoff (`return`, of no scorer).

    `agent` is whose episodes they are where `a` and `b` are experiments, and '' where they are agents. `estimate` is
    the mean over clusters of the difference, `mean_a` and `mean_b` are what it is between. Interval and p are null
    where there is none, with the `reason`; p also where all values are equal. `unpaired_a` and `unpaired_b` count
    episodes with the score that found no partner, `undefined` the pairs in which a side has no value: none of these is
    among the `n` pairs.
    """

    scorer: str
    name: str
    variant: str
    seat: str | None
    group: str
    agent: str
    a: str
    b: str
    estimate: float | None = None
    mean_a: float | None = None
    mean_b: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    n: int = 0
    n_distinct: int = 0
    clusters: int = 0
    unpaired_a: int = 0
    unpaired_b: int = 0
    undefined: int = 0
    method: str = ""
    reason: str = ""


class ForkEntry(_Entry):
    """A fork: `at` is its step in the parent, from 1, as `--at` takes it; `luck` 0 is the parent's own.

    `move` is what was put in there, and null where the agent of the seat decided by itself. `control` is the id of the
    episode that it is compared with: the parent, or a fork with the same luck and what was recorded; null where what
    was recorded was not changed.
    """

    id: str
    parent: str
    at: int
    seat: str
    luck: int
    move: dict[str, Any] | None
    agent: str
    control: str | None
    status: str
    reason: str = ""


class DifferenceEntry(_Entry):
    """What an alternative made of the rest of an episode: mean over continuations of (fork - control with its luck).

    `name`: `return`; `risks`, how many risks the seat's decisions took from the step on, a move that was put in left
    out; `risky`, whether there was any. No interval (null) where there is none, with the `reason`, which also says
    where an agent went on as it was recorded. `failed` counts continuations in which either ended in error, or where a
    record ended: they are not among the `n`.
    """

    name: str
    seat: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    n_distinct: int = 0
    method: str = ""
    reason: str = ""
    mean_fork: float | None = None
    mean_control: float | None = None
    failed: int = 0


class GroupEntry(_Entry):
    """The episodes of one condition: all but item, repetition and seed are the same.

    `differs` is what tells it from the other conditions of its environment. `returns` episodes have a return, with
    `mean`, `deviation` (of a sample), `low` and `high`; `distribution`: how many returns lie in each eighth between the
    least and the greatest of the environment. `flagged` counts episodes with a flag that is more than an opportunity.
    `scores`: mean of each score over the episodes of which it is defined, null where there is none.
    """

    id: str
    environment: str
    agent: str
    differs: dict[str, Any]
    episodes: int
    statuses: dict[str, int]
    returns: int
    mean: float | None
    deviation: float | None
    low: float | None
    high: float | None
    distribution: list[int]
    flagged: int
    scores: dict[str, float | None]

    @classmethod
    def of(cls, group: Group, scores: Sequence[str]) -> GroupEntry:
        """The entry of a group; `scores`: the names of its scores."""
        fields = group._asdict()
        means, bins = fields.pop("scores"), fields.pop("bins")
        return cls(**fields, distribution=list(bins), scores=dict(zip(scores, means, strict=True)))


class Document(_Entry):
    """What `demo`, `run`, `score`, `import` and every reading command print with `--json`."""

    experiment: ExperimentEntry | None = None
    experiments: list[ExperimentEntry] | None = None
    episodes: list[EpisodeEntry] = []
    scores: list[ScoreEntry] = []
    estimates: list[EstimateEntry] = []
    comparisons: list[ComparisonEntry] = []
    counts: dict[str, int] = {}
    verdicts: list[VerdictEntry] = []
    warnings: list[str] = []
    matrices: list[MatrixEntry] = []
    forks: list[ForkEntry] = []
    differences: list[DifferenceEntry] = []
    groups: list[GroupEntry] = []


def document(
    experiment: ExperimentRow | None,
    heads: Sequence[EpisodeHead] = (),
    scores: Iterable[ScoreRow] = (),
    judged: Judged | None = None,
    warnings: Sequence[str] = (),
) -> Document:
    """The document about some episodes, and what scorers said of them."""
    judged = judged or Judged()
    heads = list(heads)  # made once
    return Document(
        experiment=ExperimentEntry.model_validate(experiment) if experiment else None,
        episodes=_made(EpisodeEntry, heads),
        scores=_made(ScoreEntry, scores),
        estimates=[EstimateEntry(scorer=scorer, **estimate.model_dump()) for scorer, estimate in judged.estimates()],
        counts=total_counts(heads),
        verdicts=[VerdictEntry(**verdict.model_dump()) for verdict in distinct_verdicts(judged.findings.values())],
        warnings=[*failures(heads), *silences(heads), *judged.warnings, *warnings],
        matrices=[
            MatrixEntry(scorer=scorer, **matrix.model_dump())
            for scorer, findings in judged.findings.items()
            for matrix in findings.matrices
        ],
    )


def _made(kind: type[EntryT], rows: Iterable[object]) -> list[EntryT]:
    """Entries of rows of the store, which are valid: there may be hundreds of thousands."""
    names = list(kind.model_fields)
    with uncollected():
        return [trusted(kind, {name: getattr(row, name) for name in names}) for row in rows]


def failures(heads: Iterable[EpisodeHead]) -> list[str]:
    """A line on each way in which episodes ended in error: who, what its traceback's last line says, and an example."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for head in heads:
        if head.status == "error":
            reason = display_line(head.reason.strip().rsplit("\n", 1)[-1], 300)
            found.setdefault((head.agent, head.environment, reason), []).append(head.id[:12])
    return [
        f"{agent} in {environment}: {len(ids)} of its episodes ended in error: {reason} (sandbox show {ids[0]})"
        for (agent, environment, reason), ids in found.items()
    ]


def silences(heads: Iterable[EpisodeHead]) -> list[str]:
    """A line on each agent whose forks were asked and gave no legal answer: how often, and an example."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for head in itertools.chain.from_iterable(head.by_agent() for head in heads):
        if count := head.counts.get(UNANSWERED_ASKS, 0):
            found.setdefault((head.agent, head.environment), []).append((count, head.id[:12]))
    return [
        f"{agent} in {environment}: {sum(count for count, _ in some)} questions to its forks had no legal answer "
        f"(sandbox show {some[0][1]})"
        for (agent, environment), some in found.items()
    ]


def total_counts(heads: Iterable[EpisodeHead]) -> dict[str, int]:
    """Sums of invalid, refused, abstained and unparsed decisions, and of episodes cut short or failed.

    Also of questions to forks without a legal answer, where there were any.
    """
    heads = list(heads)
    counts = {name: sum(head.counts.get(name, 0) for head in heads) for name in COUNTS}
    silent = sum(head.counts.get(UNANSWERED_ASKS, 0) for head in heads)
    return counts | ({UNANSWERED_ASKS: silent} if silent else {})


def distinct_verdicts(findings: Iterable[Findings]) -> list[Verdict]:
    """Each verdict once: the value estimators repeat the one they rest on."""
    found = [verdict for one in findings for verdict in one.verdicts]
    return list({(verdict.agent, verdict.check): verdict for verdict in found}.values())
