"""What games cost: a dilemma in words, rock, paper, scissors, alone and by PettingZoo's API, GLEE's grid, the import.

The dilemma and the throws have the shape of the peers' scripts (`textarena_peer.py`, `pettingzoo_peer.py`): the same
patterns, the same number of rounds, the text or the observation read at every step. `python games.py [SEEDS]`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sandbox_env_games.matrix import Matrix, MatrixConfig
from spent import Spent, executed, rate, tell

from sandbox.adapters.pettingzoo import aec_env
from sandbox.experiment.model import Experiment
from sandbox.menu import InvalidAction
from sandbox.play import Memo, Play
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.run import run_experiment
from sandbox.runner.score import judge
from sandbox.scenario import Item
from sandbox.store import Store

GLEE = Path(__file__).parents[2] / "examples" / "glee.yaml"
PLAYERS = {  # scripted players of each family, in both seats
    "games/Bargaining-v0": {"alice": "baselines/rubinstein", "bob": "baselines/rubinstein"},
    "games/Negotiation-v0": {"seller": "baselines/negotiator", "buyer": "baselines/negotiator"},
    "games/Persuasion-v0": {"seller": "baselines/honest_seller", "buyer*": "baselines/bayesian_buyer"},
}
HANDS = ("rock", "paper", "scissors")
THROWS = {
    "game": "custom",
    "actions": [HANDS, HANDS],
    "payoffs": [[[0, 0], [-1, 1], [1, -1]], [[1, -1], [0, 0], [-1, 1]], [[-1, 1], [1, -1], [0, 0]]],
}

game, item = Matrix(), Item()
HUNDRED = MatrixConfig.model_validate(THROWS | {"rounds": 100})
ROUNDS = MatrixConfig(rounds=10, messages=True)
memo, numbers = Memo(), count()


def dilemma(fresh: bool) -> int:
    """An episode with TextArena's pattern: all say hello, then all choose; `fresh`: no message ever comes back."""
    play = Play(game, ROUNDS, item, 1, None, memo)
    steps = 0
    while seats := play.to_move():
        moves, forms = {}, {}
        for seat in seats:
            assert play.turn(seat, steps).text
            words = {"kind": "say", "message": f"hello {next(numbers)}" if fresh else "hello"}
            choice = {"kind": "choose", "action": "cooperate" if (steps // 4) % 2 else "defect"}
            answer = play.answered(seat, words if steps % 4 < 2 else choice)
            assert not isinstance(answer, InvalidAction), answer
            moves[seat], forms[seat] = answer.made.move, answer.made
            steps += 1
        play.apply(moves, forms)
    return steps


def throws() -> int:
    """An episode with PettingZoo's pattern: each looks at its observation and throws; nothing is remembered."""
    play = Play(game, HUNDRED, item, 1)
    steps = 0
    while seats := play.to_move():
        moves = {}
        for seat in seats:
            turn = play.turn(seat, steps)
            assert turn.observation
            move = play.read(turn.menu, {"kind": "choose", "action": HANDS[steps % 3]})
            assert not isinstance(move, InvalidAction), move
            moves[seat] = move
            steps += 1
        play.apply(moves)
    return steps


def throws_through_aec(environment: Any) -> int:
    """The same through PettingZoo's API, which tells both seats all words and moves at each tick, too."""
    environment.reset(seed=1)
    steps = 0
    for _ in environment.agent_iter():
        _, _, ended, cut, _ = environment.last()
        environment.step(None if ended or cut else {"kind": "choose", "action": HANDS[steps % 3]})
        steps += 1
    return steps


def grid(seeds: int) -> dict[str, Any]:
    """GLEE's 1,320 configurations with scripted players, traced and scored: CPU seconds, instructions, steps."""
    content = Experiment.load(GLEE).model_dump(mode="json", exclude_unset=True)
    builder = Builder(Plugins([]))
    with tempfile.TemporaryDirectory() as folder, Store.open(str(Path(folder) / "grid.db")) as store, Spent() as spent:
        for name, players in PLAYERS.items():
            seat, *others = players
            environments = [
                one | {"seats": {other: players[other] for other in others}}
                for one in content["environments"]
                if one["id"] == name
            ]
            changed = {"name": name, "environments": environments, "agents": [players[seat]], "seeds": {"count": seeds}}
            of = Experiment.of(content | changed)
            ran = asyncio.run(run_experiment(of, store, builder))
            judge(store, builder, ran.experiment, of.scorers)
        heads = store.heads()
    assert len(heads) == 1320 * seeds, len(heads)
    assert all(head.status == "finished" for head in heads)
    return {
        "cpu": spent.cpu,
        "instructions": spent.instructions,
        "episodes": len(heads),
        "steps": sum(head.steps for head in heads),
    }


def imports(module: str) -> dict[str, float | None]:
    """What `python -c 'import MODULE'` takes beyond `python -c pass`."""

    def run(code: str) -> tuple[float, float | None]:
        before = executed()
        with Spent() as spent:
            subprocess.run([sys.executable, "-c", code], check=True)
        return spent.cpu, None if before is None else spent.instructions

    run(f"import {module}")  # compiles what is not compiled yet
    (bare, none), (cpu, some) = run("pass"), run(f"import {module}")
    return {"cpu": cpu - bare, "instructions": None if none is None or some is None else some - none}


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    tell(
        dilemma=rate(partial(dilemma, False)),
        fresh=rate(partial(dilemma, True)),
        throws=rate(throws),
        aec=rate(partial(throws_through_aec, aec_env(Matrix, config=THROWS | {"rounds": 100}))),
        gymnasium=imports("gymnasium"),
        games=imports("sandbox_env_games.bargaining"),
        grid=grid(seeds),
    )
