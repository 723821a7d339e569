"""The database that holds experiments, traces and scores, and the only way into it."""

from sandbox.store.rows import (
    Claimed,
    EpisodeHead,
    ExperimentRow,
    Filter,
    MarkRow,
    Pulse,
    ScoreRow,
    Spent,
    StepHead,
    StoredReply,
    shares,
)
from sandbox.store.store import Store
from sandbox.store.writer import Writer

__all__ = [
    "Claimed",
    "EpisodeHead",
    "ExperimentRow",
    "Filter",
    "MarkRow",
    "Pulse",
    "ScoreRow",
    "Spent",
    "StepHead",
    "Store",
    "StoredReply",
    "Writer",
    "shares",
]
