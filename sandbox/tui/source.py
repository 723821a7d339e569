"""Where the replay reads from: a page of episodes, one episode, its marks and scores; and that over a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sandbox.report.plain import AnyMark, AnyScore
from sandbox.store import EpisodeHead, Filter, Store
from sandbox.trace import Episode


class Source(Protocol):
    """All that the screens ask for. Any method may raise a `SandboxError`, which is shown and harms nothing."""

    def count(self, where: Filter) -> int:
        """How many episodes fit."""
        ...

    def heads(self, where: Filter, limit: int, offset: int) -> Sequence[EpisodeHead]:
        """At most `limit` of the episodes that fit, from the `offset`th on, always in one order."""
        ...

    def episode(self, key: str) -> Episode:
        """The whole episode."""
        ...

    def marks(self, key: str) -> Sequence[AnyMark]:
        """What scorers marked in it."""
        ...

    def scores(self, key: str) -> Sequence[AnyScore]:
        """What scorers say of it."""
        ...


class StoreSource:
    """The episodes of a store, or of one experiment in it."""

    def __init__(self, store: Store, experiment: int | None = None) -> None:
        self._store = store
        self._experiment = experiment

    def count(self, where: Filter) -> int:
        """How many episodes fit."""
        return self._store.count(self._experiment, where)

    def heads(self, where: Filter, limit: int, offset: int) -> Sequence[EpisodeHead]:
        """A page of the episodes that fit, in canonical order."""
        return self._store.heads(self._experiment, where, limit=limit, offset=offset)

    def episode(self, key: str) -> Episode:
        """The whole episode."""
        return self._store.episode(key)

    def marks(self, key: str) -> Sequence[AnyMark]:
        """The marks of all scorers on it."""
        return self._store.marks(key)

    def scores(self, key: str) -> Sequence[AnyScore]:
        """The scores of all scorers of it."""
        return self._store.scores(episode=key)
