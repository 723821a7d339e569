"""Where the replay reads from: a page of episodes, one episode, its marks and scores; and that over a store."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.errors import ModelError
from sandbox.store import EpisodeHead, ExperimentRow, Filter, Pulse, Store
from sandbox.store.rows import Found, Group, Vocabulary

if TYPE_CHECKING:  # the list of episodes is painted before any of it is needed
    from sandbox.annotation import Annotation, Kind
    from sandbox.report.address import Address
    from sandbox.report.forks import Forked
    from sandbox.report.words import AnyMark, AnyScore
    from sandbox.runner.build import Builder
    from sandbox.runner.tally import Progress
    from sandbox.runner.what_if import Place
    from sandbox.trace import Episode
    from sandbox.tui.moment import Recording


class Source(Protocol):
    """All that the screens ask for, from any thread.

    Any method may raise a `SandboxError`, which is shown and harms nothing.
    """

    def within(self, experiment: int | None) -> Source:
        """The episodes of one experiment, or of all."""
        ...

    def experiments(self) -> Sequence[ExperimentRow]:
        """All experiments, the last used first."""
        ...

    def numbers(self, where: Filter, order: str) -> array[int]:
        """Numbers of the episodes that fit, in order; terms about text are left to `search`."""
        ...

    def heads_of(self, numbers: Sequence[int]) -> Sequence[EpisodeHead]:
        """The episodes with these numbers, in this order."""
        ...

    def scores_of(self, numbers: Sequence[int], names: Sequence[str]) -> Mapping[int, Mapping[str, float | None]]:
        """Number -> score as `SCORER/NAME` -> its value."""
        ...

    def search(self, numbers: Sequence[int], where: Filter) -> Iterator[Found]:
        """Those of the episodes whose text fits, told bit by bit."""
        ...

    def groups(self, where: Filter, scores: Sequence[str]) -> Sequence[Group]:
        """What fits, by condition."""
        ...

    def vocabulary(self) -> Vocabulary:
        """The names that filters may use."""
        ...

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

    def recording(self, key: str) -> Recording:
        """The episode with all of these, its steps read as they are asked for."""
        ...

    def annotations(self, key: str) -> Sequence[Annotation]:
        """What people say of it."""
        ...

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
        """Say something of an episode, or of a step of it; see `Store.annotate`."""
        ...

    def change_note(self, number: int, author: str, text: str) -> None:
        """Give the author's note another text."""
        ...

    def delete_annotation(self, number: int, author: str) -> None:
        """Delete an annotation of the author's."""
        ...

    def label_names(self) -> Sequence[str]:
        """The names of labels in use, most often used first."""
        ...

    def pulse(self, key: str) -> Pulse:
        """How far an episode is; cheap enough to be asked twice a second."""
        ...

    def open_counts(self) -> tuple[int, int]:
        """How many episodes are pending, and how many are running; as cheap."""
        ...

    def relatives(self, key: str) -> Sequence[EpisodeHead]:
        """What an episode is worth comparing with: its parent, its forks, others of its item and seed."""
        ...

    def find(self, text: str) -> Address:
        """What an id (its beginning is enough) or external id means, maybe with `#STEP` behind it."""
        ...

    def agents(self) -> Sequence[str]:
        """The ids of agents that a fork may have."""
        ...

    async def place(self, key: str, index: int) -> Place:
        """Where an episode would be forked: a step of it, from 0, with its environment executed again up to there."""
        ...

    async def fork(
        self, place: Place, action: Mapping[str, Any] | None, agent: str, continuations: int, progress: Progress
    ) -> Forked:
        """Play what comes of an action there, or of another agent ('': the same); see `what_if.plan`."""
        ...


class StoreSource:
    """The episodes of a store, or of one experiment in it."""

    def __init__(self, store: Store, experiment: int | None = None, plugins: Sequence[Path] = ()) -> None:
        """`plugins`: directories of one-file plugins, for what forks are played with."""
        self._store = store
        self._experiment = experiment
        self._plugins = tuple(plugins)

    def within(self, experiment: int | None) -> StoreSource:
        """The episodes of one experiment, or of all."""
        return StoreSource(self._store, experiment, self._plugins)

    def experiments(self) -> Sequence[ExperimentRow]:
        """All experiments of the store, the last used first."""
        return self._store.experiments()[::-1]

    def numbers(self, where: Filter, order: str) -> array[int]:
        """Numbers of the episodes that fit, in order."""
        return self._store.episode_numbers(self._experiment, where, order)

    def heads_of(self, numbers: Sequence[int]) -> Sequence[EpisodeHead]:
        """The episodes with these numbers."""
        return self._store.heads_of(numbers, self._experiment)

    def scores_of(self, numbers: Sequence[int], names: Sequence[str]) -> Mapping[int, Mapping[str, float | None]]:
        """Their scores."""
        return self._store.scores_of(numbers, names)

    def search(self, numbers: Sequence[int], where: Filter) -> Iterator[Found]:
        """Those of them whose text fits."""
        return self._store.search(numbers, where)

    def groups(self, where: Filter, scores: Sequence[str]) -> Sequence[Group]:
        """What fits, by condition."""
        return self._store.groups(self._experiment, where, scores)

    def vocabulary(self) -> Vocabulary:
        """The names in use."""
        return self._store.vocabulary(self._experiment)

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

    def recording(self, key: str) -> Recording:
        """The episode, to be shown."""
        from sandbox.tui.stored_steps import stored_recording

        return stored_recording(self._store, key)

    def annotations(self, key: str) -> Sequence[Annotation]:
        """What people say of it."""
        return self._store.annotations(episode=key)

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
        """Say something, which is stored when this returns."""
        return self._store.annotate(key, kind, author=author, step=step, name=name, value=value, text=text)

    def change_note(self, number: int, author: str, text: str) -> None:
        """Give the author's note another text."""
        self._store.change_annotation(number, author=author, text=text)

    def delete_annotation(self, number: int, author: str) -> None:
        """Delete an annotation of the author's."""
        self._store.delete_annotation(number, author=author)

    def label_names(self) -> Sequence[str]:
        """The names of labels in the whole store."""
        return self._store.label_names()

    def pulse(self, key: str) -> Pulse:
        """How far an episode is."""
        return self._store.pulse(key)

    def open_counts(self) -> tuple[int, int]:
        """How many episodes of the experiment are pending, and how many are running."""
        return self._store.open_counts(self._experiment)

    def relatives(self, key: str) -> Sequence[EpisodeHead]:
        """Parent, forks, and others of the same item and seed, of whatever experiment."""
        return self._store.relatives(key)

    def find(self, text: str) -> Address:
        """See `sandbox.report.address.locate`."""
        from sandbox.report.address import locate

        return locate(self._store, text)

    @cached_property
    def _builder(self) -> Builder:
        from sandbox.plugins import Plugins
        from sandbox.runner.build import Builder

        return Builder(Plugins(self._plugins))

    def agents(self) -> Sequence[str]:
        """All that are installed."""
        return [entry.name for entry in self._builder.plugins.entries("agents")]

    async def place(self, key: str, index: int) -> Place:
        """See `sandbox.runner.what_if.place`."""
        from sandbox.runner.what_if import place

        return await place(self._store.episode(key), index, self._builder)

    async def fork(
        self, place: Place, action: Mapping[str, Any] | None, agent: str, continuations: int, progress: Progress
    ) -> Forked:
        """Forks and their controls, each in an experiment of its own in the store."""
        from sandbox.report.forks import Forked
        from sandbox.runner.what_if import agent_called, plan, run_forks

        use = agent_called(agent) if agent else None
        made = plan(place, self._builder, action=action, agent=use, continuations=continuations)
        ran = await run_forks(made, self._store, self._builder, progress)
        for name, why in (pair for one in ran for pair in one.unreachable.items()):
            raise ModelError(f"{name}: {why}")
        return Forked(made, self._store)
