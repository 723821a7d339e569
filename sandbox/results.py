"""The verbs from Python: run, score, compare, and look at the results."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import interruptible
from sandbox.errors import InputError, PluginError
from sandbox.experiment.model import Experiment, ScorerUse
from sandbox.plugins import Plugins
from sandbox.report.document import Document, EstimateEntry, document
from sandbox.report.pairs import compared, sides
from sandbox.runner.build import Builder
from sandbox.runner.journal import Sharing
from sandbox.runner.run import Ran, run_experiment
from sandbox.runner.score import Judged, all_scorers, judge
from sandbox.runner.tally import Progress
from sandbox.runner.work import CONCURRENT
from sandbox.store import ExperimentRow, Store
from sandbox.trace import Episode
from sandbox.uncollected import uncollected

if TYPE_CHECKING:
    from sandbox.report.html import About


class Estimates(Sequence[EstimateEntry]):
    """Estimates in the order of their scorers."""

    def __init__(self, rows: Sequence[EstimateEntry]) -> None:
        self._rows = list(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def to_frame(self) -> Any:
        """A data frame, of polars where it is installed, else of pandas.

        Raises:
            InputError: neither is installed.
        """
        rows = [row.model_dump() for row in self._rows]
        try:
            import polars

            return polars.DataFrame(rows, infer_schema_length=None)
        except ImportError:
            pass
        try:
            import pandas

            return pandas.DataFrame(rows)
        except ImportError:
            hint = "pip install 'agent-eval-sandbox[analysis]'"
            raise InputError(f"a data frame needs polars or pandas: {hint}") from None


class Episodes(Sequence[Episode]):
    """Episodes in canonical order, each read from the store when it is asked for."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store = store
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._store.episode(key) for key in self._keys[index]]
        return self._store.episode(self._keys[index])


class Results:
    """An experiment in a store: its episodes, and what scorers say of them."""

    def __init__(
        self,
        store: Store,
        builder: Builder,
        experiment: ExperimentRow | None,
        scorers: Sequence[ScorerUse],
        ran: Ran | None,
        *,
        figures: bool = False,
    ) -> None:
        self.store = store
        self.builder = builder
        self.experiment = experiment
        self.scorers = tuple(scorers)
        self.ran = ran
        self._figures = figures
        self._judged: Judged | None = None

    @property
    def episodes(self) -> Episodes:
        """All of them, also those finished in earlier runs."""
        return Episodes(self.store, [head.id for head in self.store.heads(self._number)])

    @property
    def judged(self) -> Judged:
        """What the scorers say; computed once."""
        if self._judged is None:
            self._judged = judge(self.store, self.builder, self._number, self.scorers, figures=self._figures)
        return self._judged

    @property
    def estimates(self) -> Estimates:
        """Estimates of all scorers."""
        return Estimates(self.document().estimates)

    def document(self, warnings: Sequence[str] = ()) -> Document:
        """Everything, as `--json` prints it."""
        judged = self.judged
        names = {use.id for use in self.scorers}
        scores = [row for row in self.store.scores(self._number) if row.scorer in names]
        said = [*warnings, *self._without_price()]
        return document(self.experiment, self.store.heads(self._number), scores, judged, said)

    def about(self, store: str = "") -> About:
        """What was run, for the head of a report; `store` is what `--store` must be to replay its episodes."""
        from sandbox.report.html import About, Told  # only a report needs it, and it takes long to load

        first = {(head.environment, head.agent): head.id for head in reversed(self.store.heads(self._number))}
        ran = {pair for key in first.values() for pair in self.store.episode(key).versions.items()}
        told = []
        for use in self.scorers:
            try:
                plugin = self.builder.scorer(use.id, use.config)
            except PluginError:  # `judge` has said so
                continue
            summary = (plugin.__doc__ or "").strip().partition("\n")[0].replace("`", "")
            told.append(Told(use.id, plugin.version, summary))
        return About(
            title=self.experiment.name if self.experiment else f"All of {self.store.place}",
            content=self.experiment.content if self.experiment else None,
            versions=[f"{name} {version}" for name, version in sorted(ran)],
            scorers=told,
            store=store,
        )

    def _without_price(self) -> list[str]:
        """That costs leave calls out: unknown prices are said, not guessed."""
        models = self.store.unpriced_models(self._number)
        if not models:
            return []
        return [
            f"the price of {', '.join(models)} is not known: costs leave its calls out, and limits.cost_usd and "
            "budget.cost_usd do not see them; give it under models: (input_usd_per_million, output_usd_per_million)"
        ]

    @property
    def _number(self) -> int | None:
        return self.experiment.id if self.experiment else None


async def arun(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    *,
    store: str = "sandbox.db",
    plugins_dirs: Sequence[str | Path] = (),
    limit: int | None = None,
    retry_errors: bool = False,
    progress: Progress | None = None,
    executor: str = "local",
    concurrent: int = CONCURRENT,
    workers: int | None = None,
    cache: Sharing = "off",
) -> Results:
    """Run what is missing of an experiment; `run` for where an event loop already runs."""
    if isinstance(experiment, str | Path):
        experiment = Experiment.load(experiment)
    elif isinstance(experiment, Mapping):
        experiment = Experiment.of(experiment)
    builder = Builder(Plugins(plugins_dirs))
    opened = Store.open(store)
    ran = await run_experiment(
        experiment,
        opened,
        builder,
        limit=limit,
        retry_errors=retry_errors,
        progress=progress,
        executor_name=executor,
        concurrent=concurrent,
        workers=workers,
        cache=cache,
    )
    return Results(opened, builder, opened.experiment(ran.experiment), experiment.scorers or all_scorers(builder), ran)


def run(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    *,
    store: str = "sandbox.db",
    plugins_dirs: Sequence[str | Path] = (),
    limit: int | None = None,
    retry_errors: bool = False,
    progress: Progress | None = None,
    executor: str = "local",
    concurrent: int = CONCURRENT,
    workers: int | None = None,
    cache: Sharing = "off",
) -> Results:
    """Run what is missing of an experiment, and give its results; run it again to go on.

    Args:
        experiment: one, or its content, or the path of its file.
        store: any SQLAlchemy URL of SQLite, or a path.
        plugins_dirs: directories of one-file plugins.
        limit: at most so many episodes of the experiment.
        retry_errors: play episodes that ended in error again.
        progress: called after each episode.
        executor: `local`: in this process; `process`: in several; `ray`: on a Ray cluster.
        concurrent: episodes at once, in each process.
        workers: how many processes `process` and `ray` use; one a core where it is None.
        cache: whether episodes share models' replies: `off`, `read` (take what others share), `write` (share, too).
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise InputError("an event loop is running already, as in a notebook: use `await sandbox.arun(...)`")
    return interruptible.run(
        arun(
            experiment,
            store=store,
            plugins_dirs=plugins_dirs,
            limit=limit,
            retry_errors=retry_errors,
            progress=progress,
            executor=executor,
            concurrent=concurrent,
            workers=workers,
            cache=cache,
        )
    )


def score(results: Results, scorers: Sequence[str | Mapping[str, Any]] = ()) -> Results:
    """The same results under other scorers; nothing is run again."""
    uses = [ScorerUse.model_validate(use) for use in scorers] or all_scorers(results.builder)
    return Results(results.store, results.builder, results.experiment, uses, results.ran)


def compare(results: Results, a: str, b: str, scorers: Sequence[str | Mapping[str, Any]] = ()) -> Document:
    """Paired differences, A - B, over the same items: `comparisons` and `warnings` of the document have them.

    Args:
        results: its experiment is the one of which two agents are compared; nothing is run.
        a: an agent's name, or the name or number of an experiment in the same store.
        b: another of the same kind.
        scorers: whose scores are compared; by default those of the experiments, else all.

    Raises:
        UnknownName: a name is neither an agent's nor an experiment's.
        InputError: the two cannot be compared.
    """
    with uncollected():  # between its parts, too: a collection walks all that they hold, a tenth of the time
        asked = sides(results.store, a, b, results.experiment)
        uses = [ScorerUse.model_validate(use) for use in scorers]
        for side in asked:
            if not scorers:
                uses += [use for use in _own(side.experiment) if use.id not in {known.id for known in uses}]
        return compared(results.store, results.builder, asked, uses or all_scorers(results.builder))


def results_of(
    store: Store,
    builder: Builder,
    experiment: ExperimentRow | None,
    scorers: Sequence[ScorerUse] = (),
    *,
    figures: bool = False,
) -> Results:
    """What is in a store, of one experiment or of all; scorers default to the experiment's own, else to all.

    With `figures`, `judged` has the pictures that the scorers offer, too.
    """
    own = _own(experiment) if experiment is not None else []
    return Results(store, builder, experiment, list(scorers) or own or all_scorers(builder), None, figures=figures)


def _own(experiment: ExperimentRow) -> list[ScorerUse]:
    return [ScorerUse.model_validate(use) for use in experiment.content.get("scorers", ())]
