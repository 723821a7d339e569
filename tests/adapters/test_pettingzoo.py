"""A scenario behind PettingZoo's APIs: seat by seat (AEC), or all who are to move at once (Parallel)."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
from copy import deepcopy
from typing import Any

import pytest
from pettingzoo.test import api_test, parallel_api_test, seed_test
from sandbox_env_games import Bargaining, English

from sandbox.adapters.pettingzoo import ScenarioAEC, ScenarioParallel, aec_env, parallel_env
from sandbox.errors import InputError
from sandbox.menu import moves
from sandbox.spaces import encode
from tests.toys import Bet, Leave, Rps, Throw, Wheel

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # the library's advice about shapes


def throw(hand: str) -> Any:
    return encode(Rps.Action, Throw(hand=hand))


@pytest.mark.parametrize("scenario", [Rps, Wheel])
def test_a_toy_passes_pettingzoos_own_checks(scenario: Any) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        api_test(aec_env(scenario), num_cycles=100)
        seed_test(lambda: aec_env(scenario), num_cycles=100)


def test_simultaneous_moves_pass_the_parallel_check() -> None:
    parallel_api_test(parallel_env(Rps), num_cycles=100)


def test_simultaneous_moves_take_effect_with_the_last_of_them() -> None:
    env = aec_env(Rps)
    env.reset(seed=3)
    assert env.agent_selection == "ann"
    env.step(throw("rock"))
    assert env.agent_selection == "ben"
    assert env.rewards == {"ann": 0.0, "ben": 0.0}
    assert len(env.observe("ben")["theirs"]) == 0, "ben does not see what ann has thrown"
    env.step(throw("scissors"))
    assert env.rewards["ann"] == -env.rewards["ben"]
    assert env.rewards["ann"] in (1.0, 2.0)
    assert env.last()[1] == env._cumulative_rewards["ann"]


def test_all_seats_end_together() -> None:
    env = aec_env(Rps, config={"rounds": 1})
    env.reset(seed=0)
    env.step(throw("rock"))
    env.step(throw("rock"))
    assert env.terminations == {"ann": True, "ben": True}
    env.step(None)
    env.step(None)
    assert env.agents == []


def test_the_same_seed_gives_the_same_item_and_luck_and_an_item_can_be_chosen() -> None:
    def episode(seed: int) -> list[float]:
        env = parallel_env(Rps, config={"rounds": 8})
        env.reset(seed=seed)
        return [env.step({"ann": throw("rock"), "ben": throw("scissors")})[1]["ann"] for _ in range(8)]

    assert episode(1) == episode(1)
    assert len({tuple(episode(seed)) for seed in range(6)}) > 1
    wheel = aec_env(Wheel, item=2)
    wheel.reset(seed=0)
    assert wheel.observe("player")["purse"] == 8
    wheel.reset(seed=0, options={"item": 0})
    assert wheel.observe("player")["purse"] == 3
    with pytest.raises(InputError, match="no item 3"):
        wheel.reset(options={"item": 3})


@pytest.mark.parametrize("action", [(9, {}), None, "rock", {"kind": "bow"}, {"kind": "throw", "hand": "well"}])
def test_an_illegal_action_is_the_declared_forfeit_and_says_what_was_wrong(action: Any) -> None:
    env = aec_env(Rps)
    env.reset(seed=0)
    env.step(action)
    assert "Legal now: throw(hand='rock')" in env.infos["ann"]["invalid"]
    assert "invalid" not in env.infos["ben"]
    env.step(throw("rock"))
    assert env.terminations["ben"], "nothing else is declared, so that it ends there"


def test_the_parallel_environment_tells_every_seat_what_was_wrong_with_its_action() -> None:
    env = parallel_env(Wheel)
    env.reset(seed=0)
    *_, infos = env.step({"player": {"kind": "bet", "coins": 99}})
    assert "bet(coins=99) is not legal now" in infos["player"]["invalid"]
    *_, infos = env.step({"player": Bet(coins=1)})
    assert "invalid" not in infos["player"]
    rps = parallel_env(Rps)
    rps.reset(seed=0)
    *_, infos = rps.step({"ann": {"kind": "bow"}, "ben": throw("rock")})
    assert "no action 'bow'" in infos["ann"]["invalid"]
    assert "invalid" not in infos["ben"]


def test_infos_hold_the_text_and_the_menu_of_whoever_is_to_move() -> None:
    env = aec_env(Wheel, item=0)
    env.reset(seed=0)
    assert env.infos["player"]["text"] == env.render() == "purse: 3\nleft: 3"
    assert env.infos["player"]["menu"][-1] == Leave()
    env.step(Leave())
    assert env.infos["player"]["menu"] == ()


def test_spaces_are_the_same_object_at_each_call_and_each_seats_own() -> None:
    env = aec_env(Rps)
    assert isinstance(env, ScenarioAEC)
    assert env.action_space("ann") is env.action_space("ann") is not env.action_space("ben")
    assert env.observation_space("ann") == env.observation_space("ben")
    assert env.metadata["name"] == "toys/Rps-v0"


def test_an_environment_can_be_copied_and_pickled_in_its_midst() -> None:
    """What it remembers of observations is no part of a copy."""
    env = aec_env(Rps)
    env.reset(seed=3)
    env.step(throw("rock"))
    for other in (deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert other.observe("ben") == env.observe("ben")
        other.step(throw("scissors"))
        assert other.rewards["ann"] == -other.rewards["ben"]


def random_parallel(environment: ScenarioParallel, seed: int) -> dict[str, float]:
    """What each seat got when all who are to move take a listed move at random."""
    generator = random.Random(seed)
    _, infos = environment.reset(seed=seed)
    got = dict.fromkeys(environment.agents, 0.0)
    while environment.agents:
        seats = environment.agents
        menus = {seat: list(moves(infos[seat]["menu"])) for seat in seats}
        actions = {seat: generator.choice(menu) for seat, menu in menus.items() if menu}
        _, rewards, _, _, infos = environment.step(actions)
        assert not any("invalid" in info for info in infos.values()), "who is not to move needs no action"
        got = {seat: got[seat] + rewards[seat] for seat in got}
    return got


@pytest.mark.parametrize("game", [English, Bargaining])
def test_seats_that_are_not_to_move_do_not_stop_the_parallel_environment(game: Any) -> None:
    """PettingZoo's converter broke off an auction that a bidder had left."""
    environment = parallel_env(game)
    for seed in range(10):
        assert random_parallel(environment, seed) == pytest.approx(dict(environment.aec_env.play.payoffs()))
    parallel_api_test(parallel_env(game), num_cycles=100)
