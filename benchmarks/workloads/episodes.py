"""What an episode of scripted agents costs: the moves alone, the episode loop, and all of it with the trace in SQLite.

The game (`plugins/haggling.py`) has twelve rounds, in which two functions offer with a message and reject: 24 steps.
The same words come back in every episode, as a scripted counterpart's do; beside it stands the same game with words and
offers that never come back, so that nothing that was worked out for one episode serves another; and the shipped
bargaining game, whose observations tell all that went before. CPU seconds of the whole process, the writer's thread
included. `python episodes.py [EPISODES]` prints them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from spent import Spent, tell

from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.menu import InvalidAction
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.run import run_experiment
from sandbox.store import Store
from sandbox.trace import EpisodeSpec

PLUGINS = Path(__file__).parents[1] / "plugins"
UNTRACED, STORED = "scenario driven by agents, no trace", "full trace to SQLite"
Measurement = tuple[str, float, str, float | None]
"""Name, value, unit, instructions of a step or an episode."""


def experiment(agent: str, episodes: int, steps: int | None = None, game: Any = "benchmark/Haggling-v0") -> Experiment:
    """So many episodes between two of the agent; cut after `steps`."""
    return Experiment.of(
        {
            "name": "benchmark",
            "environments": [game],
            "agents": [agent],
            "seeds": {"count": episodes},
            "limits": {} if steps is None else {"steps": steps},
        }
    )


def untraced(builder: Builder, specs: list[EpisodeSpec]) -> int:
    """Steps of agents that drive the scenario; their answers are validated, and nothing is recorded."""
    steps = 0
    for spec in specs:
        play: Any = builder.world(spec)
        agents = builder.agents(spec)
        index = 0
        while seats := play.to_move():
            turn = play.turn(seats[0], index, episode=spec.key)
            move = play.read(turn.menu, agents[seats[0]].act(turn))
            assert not isinstance(move, InvalidAction), move
            play.apply({seats[0]: move})
            index += 1
        steps += index
    return steps


def looped(builder: Builder, specs: list[EpisodeSpec]) -> int:
    """Steps of the episode loop: appraised, hashed, and thrown away."""

    async def run() -> int:
        steps = 0
        for spec in specs:
            loop = EpisodeLoop(spec, builder.world(spec), builder.agents(spec), lambda step: None, builder.prices)
            steps += len((await loop.run({}, {})).steps)
        return steps

    return asyncio.run(run())


def stored(builder: Builder, of: Experiment) -> int:
    """Steps of all that `sandbox run` does, from the experiment to the commit of its last episode; no scorers."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "benchmark.db")
        with Store.open(path) as store:
            asyncio.run(run_experiment(of, store, builder))
        with Store.open(path) as store:
            heads = store.heads()
    assert all(head.status in ("finished", "truncated") for head in heads)
    return sum(head.steps for head in heads)


def costs(run: Callable[[], int]) -> tuple[float, float, float | None]:
    """What `run` counts, the CPU seconds that it took, and its instructions."""
    with Spent() as spent:
        count = run()
    return count, spent.cpu, spent.instructions


def measure(episodes: int) -> list[Measurement]:
    """All measurements of this module, each with so many episodes."""
    builder = Builder(Plugins([PLUGINS]))
    found: list[Measurement] = []

    def rate(name: str, run: Callable[[], int]) -> None:
        steps, seconds, instructions = costs(run)
        found.append((name, steps / seconds, "steps per CPU second", instructions and instructions / steps))

    for words, agent in (("the same words", "benchmark/haggle"), ("words that never come back", "benchmark/ramble")):
        stored(builder, experiment(agent, 20, game={"id": "benchmark/Haggling-v0", "config": {"rounds": 2}}))  # imports
        of = experiment(agent, episodes)
        specs = expand(of, builder)
        rate(f"{UNTRACED}, {words}", partial(untraced, builder, specs))
        rate(f"episode loop, trace made and dropped, {words}", partial(looped, builder, specs))
        rate(f"{STORED}, {words}", partial(stored, builder, of))
        for steps in (1, 3):
            _, seconds, instructions = costs(partial(stored, builder, experiment(agent, episodes, steps)))
            name = f"episode of {steps} step{'s' * (steps > 1)} to SQLite, {words}"
            found.append((name, 1000 * seconds / episodes, "CPU ms", instructions and instructions / episodes))
    bargaining = {"id": "games/Bargaining-v0", "config": {"rounds": 12, "messages": True}}
    of = experiment("benchmark/bargain", episodes, game=bargaining)
    rate(f"games/Bargaining-v0, {UNTRACED}, the same words", partial(untraced, builder, expand(of, builder)))
    rate(f"games/Bargaining-v0, {STORED}, the same words", partial(stored, builder, of))
    of = experiment("baselines/random", episodes // 2, game=bargaining)
    rate(f"games/Bargaining-v0, {STORED}, at random", partial(stored, builder, of))
    return found


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    for name, value, unit, _ in found:
        print(f"{name:<70}{value:>10,.{0 if value >= 100 else 3}f} {unit}")
    tell(found=found)
