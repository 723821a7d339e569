"""A scenario behind the Gymnasium API: one seat is the caller's, the others are played inside `step`."""

from __future__ import annotations

import random
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from sandbox.adapters.gymnasium import ScenarioEnv
from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.errors import InputError
from sandbox.menu import Menu, Move
from sandbox.plugins import Plugins
from sandbox.scenario import Frozen, Item, Scenario
from sandbox.spaces import encode
from tests.toys import Bet, Leave, Rps, Throw, Wheel


def always(hand: str) -> Any:
    return lambda turn: Throw(hand=hand)


def member(move: Any) -> Any:
    return encode(Wheel.Action, move)


@pytest.mark.parametrize("name", [entry.name for entry in Plugins().entries("environments")])
def test_every_shipped_environment_is_made_by_its_id_for_each_seat(name: str) -> None:
    scenario = Plugins().load("environments", name)
    seats = scenario().seats(scenario.Config())
    for seat in seats:
        others = {other: lambda turn: None for other in seats if other != seat}
        env = gymnasium.make(name, seat=seat, counterparts=others)
        observation, info = env.reset(seed=1)
        assert env.observation_space.contains(observation)
        assert info["text"] == env.unwrapped.render()
        *_, terminated, truncated, info = env.step(env.action_space.sample())
        assert isinstance(terminated, bool)
        assert not truncated


@pytest.mark.parametrize("scenario", [Rps, Wheel])
def test_a_toy_passes_gymnasiums_own_checks(scenario: type[Scenario[Any, Any]]) -> None:
    check_env(ScenarioEnv(scenario), skip_render_check=True)


def test_the_reward_is_what_the_payoff_grew_by_and_adds_up_to_it() -> None:
    env = gymnasium.make("toys/Rps-v0", seat="ann", counterparts={"ben": always("scissors")})
    env.reset(seed=5)
    rewards, terminated = [], False
    while not terminated:
        _, reward, terminated, _, _ = env.step(Throw(hand="rock"))
        rewards.append(reward)
    assert len(rewards) == 3
    assert set(rewards) <= {1.0, 2.0}
    assert sum(rewards) == env.unwrapped._play.payoffs()["ann"]


def test_the_same_seed_gives_the_same_item_and_luck() -> None:
    def episode(seed: int) -> list[Any]:
        env = gymnasium.make("toys/Wheel-v0")
        observation, _ = env.reset(seed=seed)
        seen, terminated = [str(observation)], False
        while not terminated:
            observation, reward, terminated, _, _ = env.step(Bet(coins=1) if observation["purse"] else Leave())
            seen.append(f"{observation} {reward}")
        return seen

    runs = [episode(seed) for seed in range(12)]
    assert runs == [episode(seed) for seed in range(12)]
    assert len({run[0] for run in runs}) == 3, "all items are met"
    assert len({str(run) for run in runs}) > 5


def test_an_item_can_be_chosen_by_its_number() -> None:
    assert gymnasium.make("toys/Wheel-v0", item=2).reset(seed=0)[0]["purse"] == 8
    env = gymnasium.make("toys/Wheel-v0")
    assert env.reset(seed=0, options={"item": 1})[0]["purse"] == 5
    for wrong in (3, -1):
        with pytest.raises(InputError, match=f"no item {wrong}: items are numbered from 0 to 2"):
            env.reset(options={"item": wrong})


@pytest.mark.parametrize("action", [Bet(coins=2), {"kind": "bet", "coins": 2}, member(Bet(coins=2))])
def test_an_action_is_a_move_a_dict_with_kind_or_a_member_of_the_space(action: Any) -> None:
    env = gymnasium.make("toys/Wheel-v0", item=0)
    env.reset(seed=0)
    observation, reward, _, _, info = env.step(action)
    assert "invalid" not in info
    assert abs(reward) == 2.0
    assert int(observation["purse"]) == 3 + reward


@pytest.mark.parametrize(
    "action",
    [
        Bet(coins=99),
        {"kind": "fly"},
        member(Bet(coins=99)),
        None,
        7,
        "bet",
        (9, {}),
        (0, {}),
        (0, {"coins": "many", "note": ""}),
        float("inf"),
    ],
    ids=str,
)
def test_an_illegal_action_is_the_declared_forfeit_and_says_what_was_wrong(action: Any) -> None:
    env = gymnasium.make("toys/Wheel-v0", item=0, disable_env_checker=True)
    env.reset(seed=0)
    observation, reward, terminated, _, info = env.step(action)
    assert "Legal now: bet(coins: 1 to 3, note: text, may be left out); pass(); leave()" in info["invalid"]
    assert (int(observation["purse"]), reward, terminated) == (3, 0.0, False), "it passed"
    assert "invalid" not in env.step(Leave())[4]


def test_where_nothing_is_declared_a_forfeit_ends_the_episode() -> None:
    env = gymnasium.make("toys/Wheel-v0", config={"forfeit": "end"})
    env.reset(seed=0)
    assert env.step({"kind": "fly"})[2]


def test_counterparts_answer_as_agents_do_and_forfeit_as_they_do() -> None:
    told: list[Turn] = []

    def ben(turn: Turn) -> Any:
        told.append(turn)
        return (Reply(Throw(hand="paper")), {"kind": "throw", "hand": "paper"}, None)[turn.index]

    env = gymnasium.make("toys/Rps-v0", seat="ann", counterparts={"ben": ben})
    env.reset(seed=0)
    ends = [env.step(Throw(hand="rock"))[2] for _ in range(3)]
    assert ends == [False, False, True]
    assert env.unwrapped._play.forfeited
    assert [turn.seat for turn in told] == ["ben"] * 3


def test_a_class_of_scripted_agents_is_a_counterpart_too_fresh_for_each_episode() -> None:
    made: list[Any] = []

    class Copycat(Agent[NoConfig]):
        """Shows what the other has shown before."""

        privileged = True

        def __init__(self, config: NoConfig) -> None:
            super().__init__(config)
            made.append(self)

        def act(self, turn: Turn) -> Move:
            assert turn.appraise is not None
            return Throw(hand=turn.observation.theirs[-1] if turn.observation.theirs else "paper")

    env = gymnasium.make("toys/Rps-v0", seat="ann", counterparts={"ben": Copycat})
    for _ in range(2):
        env.reset(seed=0)
        for hand in ("rock", "scissors", "paper"):
            observation = env.step(Throw(hand=hand))[0]
        assert list(observation["theirs"]) == ["paper", "rock", "scissors"]
    assert len(made) == 2


def test_an_unknown_seat_config_field_or_counterpart_is_an_error() -> None:
    with pytest.raises(InputError, match="no seat 'eve': its seats are ann, ben"):
        gymnasium.make("toys/Rps-v0", seat="eve")
    with pytest.raises(InputError, match="no seat 'eve'"):
        gymnasium.make("toys/Rps-v0", counterparts={"eve": always("rock")})
    with pytest.raises(InputError, match="rounds: Input should be"):
        gymnasium.make("toys/Rps-v0", config={"rounds": 0})


def test_a_step_before_reset_or_after_the_end_says_what_to_do() -> None:
    env = ScenarioEnv(Wheel)
    with pytest.raises(InputError, match=r"call reset\(\) before"):
        env.step(Leave())
    env.reset(seed=0)
    env.step(Leave())
    with pytest.raises(InputError, match=r"the episode has ended: call reset\(\)"):
        env.step(Leave())


def test_two_environments_sample_apart_and_no_global_state_is_touched() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()
    one, other = ScenarioEnv(Rps), ScenarioEnv(Rps)
    assert one.action_space is not other.action_space
    one.action_space.seed(1)
    other.action_space.seed(1)
    one.action_space.sample()
    assert str(one.action_space.sample()) != "" != str(other.action_space.sample())
    one.reset(seed=1)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


def test_a_class_written_again_replaces_its_id_as_in_a_notebook() -> None:
    def define(reply: str) -> None:
        class Wave(Move):
            hand: str = reply

        class Seen(Frozen):
            said: str

        class Config(Frozen):
            pass

        class Greeting(Scenario[Config, bool]):
            id = "toys/Greeting-v0"
            State, Action, Observation = bool, Wave, Seen

            def initial(self, config: Config, item: Item) -> bool:
                return False

            def to_move(self, state: bool) -> tuple[str, ...]:
                return () if state else ("agent",)

            def menu(self, state: bool, seat: str) -> Menu:
                return (Wave(),)

            def apply(self, state: bool, moves: Any) -> bool:
                return True

            def observe(self, state: bool, seat: str) -> Seen:
                return Seen(said=reply)

        Greeting.Config = Config

    for reply in ("hello", "good evening"):
        define(reply)
        assert gymnasium.make("toys/Greeting-v0").reset(seed=0)[0] == {"said": reply}


def test_a_foreign_id_is_never_taken_over() -> None:
    class Thief(Wheel):
        id = "CartPole-v1"

    assert "scenario" not in gymnasium.registry["CartPole-v1"].kwargs


def test_an_episode_that_ends_before_the_seat_s_first_turn_is_over_at_its_first_step() -> None:
    """An investor who sends nothing leaves the trustee no turn; `reset` has no way to say so."""
    env = gymnasium.make(
        "sandbox_env_games.sharing:games/Trust-v0",
        seat="trustee",
        counterparts={"investor": lambda turn: {"kind": "send", "amount": 0}},
    )
    env.reset(seed=0)
    _, reward, terminated, *_ = env.step(env.action_space.sample())
    assert (reward, terminated) == (10, True)
    with pytest.raises(InputError, match="the episode has ended"):
        env.step(env.action_space.sample())
