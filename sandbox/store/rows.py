"""What the store answers with, short of whole traces: rows about episodes, experiments, scores and marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.trace import Provenance, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeHead:
    """An episode without its steps.

    Attributes:
        id: its key, 64 hexadecimal digits.
        config: the environment's whole config.
        seats: seat -> name of the agent that fills it; `agent` is the (first) one under evaluation.
        total: its return; None until it has ended, and in a hypothetical episode.
        steps, hash, provenance, reason, counts, flags: of the latest attempt, once that has ended.
        flags: lower-case names of `tables.Flag` that the decisions under evaluation carry.
        position: place in canonical order.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRow:
    """An experiment and how far it is.

    Attributes:
        hash: of its content.
        episodes: how many it has; `counts` says how many have which status (statuses with none are left out).
    """

    id: int
    name: str
    hash: str
    content: Mapping[str, Any]
    episodes: int
    counts: Mapping[str, int]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which episodes are meant: those that fit every field that is given.

    Attributes:
        environment, agent: part of the name; letter case does not matter.
        flag: a name of `tables.Flag`, such as `risk`.
        text: part of the key, external id, environment, agent, item or reason; letter case does not matter.
    """

    environment: str | None = None
    agent: str | None = None
    item: str | None = None
    status: str | None = None
    framing: str | None = None
    provenance: str | None = None
    flag: str | None = None
    text: str | None = None
