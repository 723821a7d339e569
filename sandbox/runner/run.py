"""Running an experiment: what is missing of it, and only that, into the store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.runner.build import Builder
from sandbox.runner.executors import executor
from sandbox.runner.journal import Sharing
from sandbox.runner.tally import Progress, Tally
from sandbox.runner.work import CONCURRENT, SUCCESSES, Job
from sandbox.store import Store
from sandbox.trace import EpisodeSpec
from sandbox.uncollected import uncollected


@dataclass
class Ran:
    """What a run did.

    Attributes:
        experiment: its number in the store.
        total: episodes of the experiment; done: those played now; failed: of these, those that ended in error.
        unreachable: agent -> why its model could not be reached; its episodes stay to be run.
        stopped: why it ended though episodes were left to be run (a budget, say); '' otherwise.
    """

    experiment: int
    total: int = 0
    done: int = 0
    failed: int = 0
    unreachable: dict[str, str] = field(default_factory=dict)
    stopped: str = ""


async def run_experiment(
    experiment: Experiment,
    store: Store,
    builder: Builder,
    *,
    limit: int | None = None,
    retry_errors: bool = False,
    progress: Progress | None = None,
    executor_name: str = "local",
    concurrent: int = CONCURRENT,
    workers: int | None = None,
    cache: Sharing = "off",
    chosen: Sequence[EpisodeSpec] | None = None,
) -> Ran:
    """Play every episode of the experiment that the store does not have finished.

    Args:
        experiment: what to play.
        store: where its episodes are kept, and the queue that workers claim them from.
        builder: makes environments and agents.
        limit: of the whole experiment, play at most so many episodes, taken evenly over environments and agents.
        retry_errors: play those that ended in error again.
        progress: called after each episode.
        executor_name: what runs the workers: `local`, `process` or `ray`.
        concurrent: episodes in flight, per worker.
        workers: how many processes `process` and `ray` play them in; one a core where it is None.
        cache: whether episodes share models' replies: `off`, `read` (take what others share), `write` (share, too).
        chosen: play exactly these episodes, which are of the experiment; the others are not even put into the store.

    Raises:
        InputError: the experiment has faults; all of them, each with its path.
    """
    run = executor(executor_name)  # a name that is none is said before anything is written
    if experiment.models:
        builder = Builder(builder.plugins, experiment.models, builder.people)
    with uncollected():  # thousands of specifications, and the imports of their agents
        specs = expand(experiment, builder, limit) if chosen is None else list(chosen)
        number = store.add_experiment(experiment.name, experiment.content, specs)
    total = len({spec.key for spec in specs})
    if retry_errors:
        store.reopen(number)
    begun, before = time.time(), store.counts(number)
    queue = store.queue(number)
    if limit is not None or chosen is not None:
        wanted = store.numbers(spec.key for spec in specs)
        queue = [one for one in queue if one in wanted]
    del specs  # what is left of them is in the store; they would take more memory than all the rest
    ran = Ran(number, total=total)
    job = Job(
        store=store.url,
        plugins_dirs=tuple(map(str, builder.plugins.directories)),
        experiment=number,
        plan=experiment,
        numbers=tuple(queue),
        concurrent=concurrent,
        workers=workers,
        sharing=cache,
        begun=begun,
        failed=before.get("error", 0),
        succeeded=sum(before.get(status, 0) for status in SUCCESSES),
    )

    tally = Tally(earlier=total - len(queue))

    def ended(some: Tally) -> None:
        tally.add(some)
        if progress:
            progress(tally, len(queue))

    if progress:
        progress(tally, len(queue))
    work = await run(job, store, builder, ended)
    ran.done, ran.failed = tally.done, tally.failed
    ran.unreachable, ran.stopped = work.unreachable, work.stopped
    if ran.stopped and set(queue).isdisjoint(store.queue(number)):
        ran.stopped = ""  # one worker stopped, and the others did the rest
    return ran
