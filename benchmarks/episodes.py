"""Steps per CPU second of scripted bargaining: the scenario, the episode loop, and the loop with its trace stored."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.run import run_experiment
from sandbox.store import Store

EPISODES = 300
EXPERIMENT = {
    "name": "benchmark",
    "environments": [{"id": "games/Bargaining-v0", "config": {"rounds": 12}, "seats": {"bob": "baselines/random"}}],
    "agents": ["baselines/random"],
    "seeds": {"count": EPISODES},
}


def bare(builder: Builder, specs: list[Any]) -> int:
    """Random moves through the scenario alone."""
    from sandbox.adapters.gymnasium import uniform

    steps = 0
    for spec in specs:
        play: Any = builder.world(spec)
        while seats := play.to_move():
            play.apply({seat: uniform(play.turn(seat, steps)) for seat in seats})
            steps += 1
    return steps


async def looped(builder: Builder, specs: list[Any]) -> int:
    """The runner's loop, steps made and hashed and thrown away."""
    steps = 0
    for spec in specs:
        loop = EpisodeLoop(spec, builder.world(spec), builder.agents(spec), lambda step: None)
        steps += len((await loop.run({}, {})).steps)
    return steps


async def stored(builder: Builder, experiment: Experiment, path: Path) -> int:
    """The whole of `sandbox run`, but for the scorers."""
    with Store.open(str(path)) as store:
        await run_experiment(experiment, store, builder)
        return sum(head.steps for head in store.heads())


def report(name: str, began: float, steps: int) -> None:
    """A line of the table."""
    spent = time.process_time() - began
    each = 1000 * spent / EPISODES
    print(f"{name:<22}{steps:>8} steps{steps / spent:>10.0f} per CPU s{each:>8.2f} CPU ms an episode")


if __name__ == "__main__":
    builder, experiment = Builder(Plugins()), Experiment.of(EXPERIMENT)
    specs = expand(experiment, builder)
    bare(builder, specs[:5])
    began = time.process_time()
    report("scenario alone", began, bare(builder, specs))
    began = time.process_time()
    report("episode loop", began, asyncio.run(looped(builder, specs)))
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        report("with trace in SQLite", began, asyncio.run(stored(builder, experiment, Path(folder) / "x.db")))
