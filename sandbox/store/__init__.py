"""The database that holds experiments, traces and scores, and the only way into it."""

from sandbox.store.rows import EpisodeHead, ExperimentRow, Filter, MarkRow, ScoreRow
from sandbox.store.store import Store
from sandbox.store.writer import Writer

__all__ = ["EpisodeHead", "ExperimentRow", "Filter", "MarkRow", "ScoreRow", "Store", "Writer"]
