"""The one document that `--json` prints: a contract that others' scripts rely on; keys are added, never renamed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sandbox.runner.score import Judged
from sandbox.store import EpisodeHead, ExperimentRow, ScoreRow


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExperimentEntry(_Entry):
    """An experiment: its name, the hash of its content, and how many of its episodes have which status."""

    name: str
    hash: str
    episodes: int
    counts: dict[str, int]


class EpisodeEntry(_Entry):
    """An episode without its steps. `return` is null in a hypothetical episode and before the end."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True, validate_by_name=True)

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


class VerdictEntry(_Entry):
    """A judgement on whether an agent's numbers mean anything."""

    agent: str
    check: str
    verdict: str
    reason: str


class Document(_Entry):
    """What `demo`, `run`, `score`, `import` and every reading command print with `--json`."""

    experiment: ExperimentEntry | None = None
    experiments: list[ExperimentEntry] | None = None
    episodes: list[EpisodeEntry] = []
    scores: list[ScoreEntry] = []
    estimates: list[EstimateEntry] = []
    counts: dict[str, int] = {}
    verdicts: list[VerdictEntry] = []
    warnings: list[str] = []


def experiment_entry(row: ExperimentRow) -> ExperimentEntry:
    """An experiment as the document has it."""
    return ExperimentEntry(name=row.name, hash=row.hash, episodes=row.episodes, counts=dict(row.counts))


def episode_entry(head: EpisodeHead) -> EpisodeEntry:
    """An episode as the document has it."""
    return EpisodeEntry(
        id=head.id,
        external_id=head.external_id,
        environment=head.environment,
        config=dict(head.config),
        item=head.item,
        repetition=head.repetition,
        seed=head.seed,
        seats=dict(head.seats),
        status=head.status,
        total=head.total,
        steps=head.steps,
        hash=head.hash,
        attempt=head.attempt,
        provenance=head.provenance,
        framing=head.framing,
        agent=head.agent,
        counts=dict(head.counts),
        reason=head.reason,
    )


def score_entry(row: ScoreRow) -> ScoreEntry:
    """A score as the document has it."""
    return ScoreEntry(
        episode=row.episode,
        external_id=row.external_id,
        seat=row.seat,
        scorer=row.scorer,
        variant=row.variant,
        name=row.name,
        value=row.value,
        reason=row.reason,
    )


def document(
    experiment: ExperimentRow | None,
    heads: Sequence[EpisodeHead] = (),
    scores: Iterable[ScoreRow] = (),
    judged: Judged | None = None,
    warnings: Sequence[str] = (),
) -> Document:
    """The document about some episodes, and what scorers said of them."""
    judged = judged or Judged()
    return Document(
        experiment=experiment_entry(experiment) if experiment else None,
        episodes=[episode_entry(head) for head in heads],
        scores=[score_entry(row) for row in scores],
        estimates=[EstimateEntry(scorer=scorer, **estimate.model_dump()) for scorer, estimate in judged.estimates()],
        counts=total_counts(heads),
        verdicts=[VerdictEntry(**verdict.model_dump()) for verdict in distinct_verdicts(judged)],
        warnings=[*judged.warnings, *warnings],
    )


def total_counts(heads: Iterable[EpisodeHead]) -> dict[str, int]:
    """Sums of invalid, refused, abstained and unparsed decisions, and of episodes cut short or failed."""
    total = dict.fromkeys(("invalid", "refusal", "abstention", "unparsed", "truncated", "error"), 0)
    for head in heads:
        for name, number in head.counts.items():
            total[name] = total.get(name, 0) + number
    return total


def distinct_verdicts(judged: Judged) -> list[Any]:
    """Each verdict once: the value estimators repeat the one they rest on."""
    found = [verdict for findings in judged.findings.values() for verdict in findings.verdicts]
    return list({(verdict.agent, verdict.check): verdict for verdict in found}.values())
