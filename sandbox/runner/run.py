"""Running an experiment: what is missing of it, and only that, into the store."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import ModelError, StoreError
from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.store import Store, Writer
from sandbox.trace import Episode, EpisodeSpec

CONCURRENT = 8  # episodes in flight: enough for a remote model; an embedded one takes its calls one by one

Progress = Callable[[int, int, Episode | None], None]
"""`progress(done, total, episode)`: after each episode; `episode` is None at the beginning."""


@dataclass
class Ran:
    """What a run did.

    Attributes:
        experiment: its number in the store.
        total: episodes of the experiment; done: those played now; failed: of these, those that ended in error.
        unreachable: agent -> why its model could not be reached; its episodes stay to be run.
    """

    experiment: int
    total: int = 0
    done: int = 0
    failed: int = 0
    unreachable: dict[str, str] = field(default_factory=dict)


async def run_experiment(
    experiment: Experiment,
    store: Store,
    builder: Builder,
    *,
    limit: int | None = None,
    retry_errors: bool = False,
    progress: Progress | None = None,
) -> Ran:
    """Play every episode of the experiment that the store does not have finished.

    Args:
        experiment: what to play.
        store: where its episodes are kept.
        builder: makes environments and agents.
        limit: of the whole experiment, play at most so many episodes, taken evenly over environments and agents.
        retry_errors: play those that ended in error again.
        progress: called after each episode.

    Raises:
        InputError: the experiment has faults; all of them, each with its path.
    """
    specs = expand(experiment, builder, limit)
    number = store.add_experiment(experiment.name, experiment.model_dump(mode="json"), specs)
    missing = store.pending(number, retry_errors=retry_errors)
    if limit is not None:
        chosen = {spec.key for spec in specs}
        missing = [spec for spec in missing if spec.key in chosen]
    ran = Ran(number, total=len({spec.key for spec in specs}))
    if progress:
        progress(0, len(missing), None)
    writer = store.writer()
    waiting = iter(_in_turn(missing))
    workers = [_worker(waiting, builder, writer, ran, len(missing), progress) for _ in range(CONCURRENT)]
    try:
        await asyncio.gather(*workers)
    finally:
        writer.flush()  # also when interrupted: what was done is kept
    return ran


def _in_turn(specs: Sequence[EpisodeSpec]) -> list[EpisodeSpec]:
    """Agents in turn, so that the pace so far tells the time left; order changes no trace."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, EpisodeSpec]] = []
    for spec in specs:
        ranked.append((seen[spec.agent.name], len(ranked), spec))
        seen[spec.agent.name] += 1
    return [spec for _, _, spec in sorted(ranked, key=lambda entry: entry[:2])]


async def _worker(
    waiting: Iterable[EpisodeSpec],
    builder: Builder,
    writer: Writer,
    ran: Ran,
    total: int,
    progress: Progress | None,
) -> None:
    for spec in waiting:
        await asyncio.sleep(0)  # scripted agents never wait: without this, Ctrl-C would be heard at the very end
        names = {seat.name for seat in spec.seats.values()}
        if names & set(ran.unreachable):
            continue
        try:
            episode = await play(spec, builder, writer)
        except ModelError as error:
            ran.unreachable[spec.agent.name] = str(error)
            continue
        ran.done += 1
        ran.failed += episode.status == "error"
        if progress:
            progress(ran.done, total, episode)


async def play(spec: EpisodeSpec, builder: Builder, writer: Writer) -> Episode:
    """Play one episode, every step on its way to the store as soon as it is done.

    Raises:
        ModelError: a model cannot be reached; the episode stays to be run.
    """
    attempt = writer.begin(spec)

    def record(step: Any) -> None:
        writer.step(spec.key, attempt, step)

    versions = builder.versions(spec)
    try:
        world, agents, benchmarks = builder.world(spec), builder.agents(spec), builder.benchmarks(spec)
    except (ModelError, StoreError):
        raise
    except (Exception, SystemExit) as error:  # a plugin may do anything: recorded, and the other episodes go on
        episode = failed(spec, error, versions)
    else:
        episode = await EpisodeLoop(spec, world, agents, record).run(benchmarks, versions)
    episode = episode.model_copy(update={"attempt": attempt})
    writer.finish(episode)
    return episode


def failed(spec: EpisodeSpec, error: BaseException, versions: Mapping[str, str]) -> Episode:
    """An episode that did not begin, with the traceback as its reason."""
    reason = "".join(traceback.format_exception(error))[-4000:]
    return Episode(id=spec.key, spec=spec, status="error", reason=reason, versions=versions)
