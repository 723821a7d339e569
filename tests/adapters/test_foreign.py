"""A Gymnasium environment that somebody already has runs as it is."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandbox.adapters.foreign import SAMPLES, Act, ForeignPlay, _member, _plain, check_known
from sandbox.agent import Turn
from sandbox.errors import InputError, UnknownName
from sandbox.menu import InvalidAction, Move, MoveRange, moves
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder, Function
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.verify import verify
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Limits


def random(turn: Turn) -> Move:
    options = list(moves(turn.menu))
    return options[int(turn.generator().integers(len(options)))]


async def play(name: str, agent: Any = random, **changes: Any) -> Episode:
    use = AgentSpec(id="baselines/random", name="random")
    spec = EpisodeSpec(environment=f"gymnasium:{name}", seats={"agent": use}, evaluated=("agent",), **changes)
    world = Builder(Plugins()).world(spec)
    steps: list[Any] = []
    return await EpisodeLoop(spec, world, {"agent": Function(agent)}, steps.append).run({}, {})


class Lights(gymnasium.Env):
    """Two switches and a dimmer; the reward is the dimmer, or not a number when both switches are on."""

    observation_space = spaces.Dict({"on": spaces.MultiBinary(2), "level": spaces.Box(0, 1, (), np.float32)})
    action_space = spaces.Dict({"on": spaces.MultiBinary(2), "dim": spaces.Tuple([spaces.Box(0, 1, (1,))])})

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.left = 3
        return self.observation_space.sample() | {"level": np.float32(0.5)}, {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        self.left -= 1
        seen = {"on": action["on"], "level": np.float32(action["dim"][0][0])}
        return seen, float("nan") if action["on"].all() else float(seen["level"]), False, self.left == 0, {}


gymnasium.register("toys/Lights-v0", entry_point=Lights, disable_env_checker=True)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CartPole-v1", "Taxi-v4", "Blackjack-v1", "Pendulum-v1"])
async def test_an_installed_environment_is_played_and_executes_the_same_again(name: str) -> None:
    if name not in gymnasium.registry:
        pytest.skip("not in this version of Gymnasium")
    episode = await play(name, limits=Limits(steps=20), seed=4)
    assert episode.status in ("finished", "truncated"), episode.reason
    assert episode.payoffs["agent"] == pytest.approx(sum(step.rewards.get("agent", 0.0) for step in episode.steps))
    again = await play(name, limits=Limits(steps=20), seed=4)
    assert again.hash == episode.hash != ""
    verified = await verify(episode, Builder(Plugins()))
    assert (verified.fault, verified.verifiable) == ("", True)


async def test_the_environments_own_limit_is_a_truncation() -> None:
    episode = await play("toys/Lights-v0", lambda turn: {"action": {"on": [0, 1], "dim": [[0.25]]}})
    assert (episode.status, episode.reason) == ("truncated", "the environment's own limit")
    assert (len(episode.steps), episode.total) == (3, 0.75)


async def test_a_reward_that_is_no_number_is_recorded_as_such() -> None:
    episode = await play("toys/Lights-v0", lambda turn: {"action": {"on": [1, 1], "dim": [[0.25]]}})
    assert episode.status == "truncated", episode.reason
    assert [event.kind for event in episode.steps[0].events] == ["reward_invalid"]
    assert episode.steps[1].observation["reward"] is None


async def test_an_answer_outside_the_space_is_invalid_and_then_ends_the_episode() -> None:
    episode = await play("FrozenLake-v1", lambda turn: {"action": 17})
    assert (episode.status, episode.steps[0].outcome, len(episode.steps)) == ("forfeited", "invalid", 1)
    assert [event.data["code"] for event in episode.steps[0].events] == ["illegal"] * 3


@pytest.mark.parametrize(
    ("name", "raw", "legal"),
    [
        ("FrozenLake-v1", {"kind": "act", "action": 2}, True),
        ("FrozenLake-v1", 2, True),
        ("FrozenLake-v1", np.int64(2), True),
        ("FrozenLake-v1", {"action": 2.0}, True),
        ("FrozenLake-v1", {"action": 1.5}, False),
        ("FrozenLake-v1", {"action": "2"}, False),
        ("FrozenLake-v1", {"action": [2]}, False),
        ("FrozenLake-v1", {"action": None}, False),
        ("FrozenLake-v1", None, False),
        ("FrozenLake-v1", "2", False),
        ("Pendulum-v1", {"action": [0.5]}, True),
        ("Pendulum-v1", np.array([0.5], np.float32), True),
        ("Pendulum-v1", [0.5], True),
        ("Pendulum-v1", {"action": [2.5]}, False),
        ("Pendulum-v1", {"action": 0.5}, False),
        ("Pendulum-v1", {"action": "high"}, False),
    ],
)
def test_an_answer_is_read_strictly_and_nothing_is_rounded(name: str, raw: Any, legal: bool) -> None:
    play = ForeignPlay(name, {}, 0)
    found = play.read(play.turn("agent", 0).menu, raw)
    assert isinstance(found, InvalidAction) != legal, found


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(3, start=-1),
        spaces.Box(0, 1, (2, 3)),
        spaces.Box(0, 255, (2,), np.uint8),
        spaces.MultiDiscrete([2, 3]),
        spaces.MultiBinary(4),
        spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, ())]),
        spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Text(5)}),
        spaces.OneOf([spaces.Discrete(2), spaces.Box(0, 1, (1,))]),
        spaces.Sequence(spaces.Discrete(3)),
    ],
    ids=str,
)
def test_a_member_of_any_space_survives_json(space: spaces.Space[Any]) -> None:
    space.seed(0)
    for _ in range(20):
        assert space.contains(_member(space, _plain(space.sample())))


def test_a_short_list_of_actions_is_a_menu_and_any_other_space_has_representatives() -> None:
    assert [move.action for move in moves(ForeignPlay("FrozenLake-v1", {}, 0).turn("agent", 0).menu)] == [0, 1, 2, 3]
    (entry,) = ForeignPlay("Pendulum-v1", {}, 0).turn("agent", 0).menu
    assert isinstance(entry, MoveRange)
    assert len(entry.representatives) == SAMPLES
    assert all(isinstance(move, Act) for move in entry.representatives)


def test_options_reach_the_environment() -> None:
    play = ForeignPlay("FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}, 0)
    assert play.env.observation_space.n == 64
    with pytest.raises(InputError, match=r"gymnasium.make\('FrozenLake-v1'\) failed"):
        ForeignPlay("FrozenLake-v1", {"no_such_option": 1}, 0)


@pytest.mark.parametrize("name", ["Nope-v0", "FrozenLake-v99", "no_such_module_at_all:X-v0", "a/b/c"])
def test_a_name_that_gymnasium_does_not_know_is_an_error(name: str) -> None:
    with pytest.raises(UnknownName, match="Gymnasium has no environment"):
        check_known(name)
    with pytest.raises(UnknownName, match="Gymnasium has no environment"):
        ForeignPlay(name, {}, 0)
    with pytest.raises(UnknownName, match="Gymnasium has no environment"):
        Builder(Plugins()).scenario(f"gymnasium:{name}")


async def test_a_hypothetical_question_is_asked_once_and_has_no_effect() -> None:
    episode = await play("FrozenLake-v1", framing="hypothetical")
    assert (episode.status, len(episode.steps), episode.total) == ("finished", 1, None)
    assert episode.steps[0].outcome == "valid"
    assert episode.steps[0].applied == {"kind": "forfeit"}
