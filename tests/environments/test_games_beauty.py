"""The beauty contest: who wins, what is an equilibrium on whole numbers, and the best answer to known levels."""

from __future__ import annotations

import doctest
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import sandbox_env_games.beauty as module
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_games.anchors import random_anchors
from sandbox_env_games.beauty import (
    MOST_LEVEL,
    Beauty,
    BeautyConfig,
    BeautyState,
    Guess,
    level_of,
    parts,
    winners,
)
from sandbox_env_games.beauty_theory import equilibria
from sandbox_env_games.rounds import Pass

from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, read
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder, ScriptedPolicy
from sandbox.scenario import Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

GAME = Beauty()
BUILDER = Builder(Plugins())


def config(**fields: Any) -> BeautyConfig:
    return BeautyConfig.model_validate(fields)


def played(state: BeautyState, *rounds: tuple[int | None, ...]) -> BeautyState:
    for numbers in rounds:
        made: list[Move] = [Pass() if number is None else Guess(number=number) for number in numbers]
        state = GAME.apply(state, dict(zip(GAME.seats(state.config), made, strict=True)))
    return state


def start(**fields: Any) -> BeautyState:
    return GAME.initial(config(**fields), Item())


def level(rules: BeautyConfig, seat: str, k: int) -> ScriptedPolicy:
    use = AgentSpec(id="baselines/level_k", name=seat, config={"level": k})
    return ScriptedPolicy(GAME, seat, use, BUILDER.agent(use))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    first_plain([{"players": 3, "rounds": 3}, {"messages": True, "horizon_told": False, "rounds": 2}, {}]),
    ids=str,
)
def test_the_game_keeps_the_contract(fields: dict[str, Any]) -> None:
    check_scenario(Beauty, fields, cycles=30, episodes=2)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module) == (0, 4)


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "payoffs"),
    [
        ((50, 33, 22), (0, 0, 20)),
        ((22, 33, 22), (10, 0, 10)),
        ((0, 0, 0), (20 / 3, 20 / 3, 20 / 3)),
        ((100, 100, 99), (0, 0, 20)),
        ((50, 33, None), (0, 20, 0)),
        ((None, None, 100), (0, 0, 20)),
        ((None, None, None), (0, 0, 0)),
    ],
)
def test_the_closest_to_two_thirds_of_the_mean_share_the_prize(
    numbers: tuple[int | None, ...], payoffs: tuple[float, ...]
) -> None:
    assert tuple(GAME.payoffs(played(start(players=3), numbers)).values()) == payoffs


def test_equal_distances_are_known_to_be_equal() -> None:
    """The target of 1, 1, 1, 0 is exactly 1/2 when p is 2/3, though the config says 0.6666666666666666."""
    assert winners(config().factor, [1, 1, 1, 0]) == {0, 1, 2, 3}


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.sampled_from([2 / 3, 0.5, 0.7, 1.0, 4 / 3]))
def test_what_each_number_wins_is_what_the_winners_share(others: list[int], p: float) -> None:
    rules = config(top=30, p=p, players=len(others) + 1)
    closest = [winners(rules.factor, [own, *others]) for own in range(31)]
    assert parts(rules, others).tolist() == [20 / len(found) if 0 in found else 0.0 for found in closest]


@pytest.mark.parametrize(
    ("number", "reference", "expected"),
    [(50, 50, 0), (33, 50, 1), (22, 50, 2), (100, 50, 0), (0, 50, MOST_LEVEL), (20, 30, 1)],
)
def test_a_level_is_the_nearest_power(number: int, reference: float, expected: int) -> None:
    assert level_of(config(), number, reference) == expected


def test_levels_refer_to_the_last_mean_after_the_first_round() -> None:
    state = played(start(players=3, rounds=3), (50, 33, 100), (61, 41, None), (34, 34, 22))
    facts = GAME.facts(state)
    found = [(seat["first_level"], seat["level"], seat["won"]) for seat in facts["by_seat"].values()]
    assert found == [(0, 0.5, 0), (1, 1, pytest.approx(2 / 3)), (0, 2, pytest.approx(1 / 3))]
    assert facts["measures"] == {"first_mean": 61, "last_mean": 30, "mean_number": 375 / 8}


def test_who_gives_no_number_is_absent_and_every_factor_is_told_as_one() -> None:
    state = played(start(players=3, p=2), (10, 20, None))
    assert [seat["absent"] for seat in GAME.facts(state)["by_seat"].values()] == [0, 0, 1]
    text = GAME.render(GAME.observe(state, "player_3"))
    assert "The target is 2 times the mean of all numbers." in text
    assert "you gave no valid answer; the mean was 15, the target 30; you got 0." in text
    with pytest.raises(ValueError, match="p"):
        config(p=0.0004)  # its nearest fraction is 0


def test_there_are_no_levels_where_p_is_one() -> None:
    assert level_of(config(p=1), 33, 50) is None


@pytest.mark.parametrize("number", [101, -1, 33.3, "a third", None, float("nan")])
def test_a_number_that_cannot_be_is_a_typed_error(number: Any) -> None:
    raw = {"kind": "guess", "number": number}
    assert isinstance(read(GAME.menu(start(), "player_1"), GAME.action, raw), InvalidAction)


def test_hindsight_is_the_best_number_against_the_others() -> None:
    state = played(start(players=3, rounds=2), (100, 0, 0), (0, 0, 100))
    assert GAME.facts(state)["by_seat"]["player_1"]["hindsight"] == 20 / 3 + 20


# -- theory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"players": 2}, (0,)),
        ({"players": 3}, (0,)),
        ({"players": 4}, (0, 1)),
        ({"players": 5}, (0, 1)),
        ({"p": 0.5}, (0,)),
        ({"p": 0.9}, (0, 1, 2, 3)),
        ({"p": 1, "top": 5}, (0, 1, 2, 3, 4, 5)),
        ({"p": 4 / 3}, (0, 100)),
        ({"p": 4 / 3, "players": 2}, (100,)),
    ],
)
def test_equilibria_in_which_all_choose_the_same(fields: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert equilibria(config(**fields)) == expected


@pytest.mark.parametrize("p", [0.5, 2 / 3, 0.9, 1.0, 4 / 3])
@pytest.mark.parametrize("players", [3, 4])
def test_the_equilibria_are_those_of_a_search(p: float, players: int) -> None:
    rules = config(p=p, players=players, top=6)

    def stands(x: int) -> bool:
        return all(parts(rules, [x] * (players - 1))[y] <= 20 / players + 1e-12 for y in range(7))

    assert equilibria(rules) == tuple(x for x in range(7) if stands(x))


@pytest.mark.parametrize("p", [0.5, 2 / 3])
def test_below_one_no_other_equilibrium_pays_anybody_more_or_less(p: float) -> None:
    """All profiles of three players on a small grid: in those that stand, all have an equal part."""
    rules = config(p=p, players=3, top=6)
    for profile in product(range(7), repeat=3):
        paid = [parts(rules, [*profile[:at], *profile[at + 1 :]]) for at in range(3)]
        if all(paid[at][profile[at]] == paid[at].max() for at in range(3)):
            assert [paid[at][profile[at]] for at in range(3)] == [20 / 3] * 3


def test_the_anchors_that_need_no_counterpart() -> None:
    found = GAME.benchmarks(config(rounds=4), Item(), {})
    assert {name: found[f"{name}/player_1"].value for name in ("random", "equilibrium")} == {
        "random": 16,
        "equilibrium": 16,
    }
    assert found["welfare"].value == 80
    assert "0, 1;" in found["equilibrium/player_1"].assumes
    assert GAME.benchmarks(config(rounds=4, horizon_told=False), Item(), {})["equilibrium/player_1"].value is None


@pytest.mark.parametrize(("k", "numbers"), [(0, (50, 35)), (1, (33, 23)), (2, (22, 15)), (100, (0, 0))])
def test_level_k_by_hand(k: int, numbers: tuple[int, int]) -> None:
    """The mean of the first round is 34.5."""
    state = start(players=2, rounds=2)
    policy = level(state.config, "player_1", k)
    assert policy(state) == Guess(number=numbers[0])
    assert policy(played(state, (50, 19))) == Guess(number=numbers[1])


def test_a_level_takes_no_notice_of_who_gave_no_number() -> None:
    state = start(players=2, rounds=3)
    assert level(state.config, "player_1", 1)(played(state, (30, None), (None, None))) == Guess(number=20)


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_best_response_is_that_of_a_search_over_all_plans(rounds: int) -> None:
    rules = config(players=3, top=7, rounds=rounds, p=0.7)
    policies = {"player_2": level(rules, "player_2", 1), "player_3": level(rules, "player_3", 3)}

    def numbers(mean: Fraction | None) -> tuple[int, ...]:
        return tuple(int((Fraction(7, 2) if mean is None else mean) * rules.factor**k + Fraction(1, 2)) for k in (1, 3))

    best = 0.0
    for plan in product(range(8), repeat=rounds):
        total, mean = 0.0, None
        for own in plan:
            others = numbers(mean)
            total += float(parts(rules, others)[own])
            mean = Fraction(own + sum(others), 3)
        best = max(best, total)
    assert GAME.benchmarks(rules, Item(), policies)["best_response/player_1"].value == pytest.approx(best)


@pytest.mark.slow
def test_the_exact_response_of_random_play_is_that_of_a_simulation() -> None:
    rules = config(players=3, rounds=3)
    policies = {"player_2": level(rules, "player_2", 1), "player_3": level(rules, "player_3", 0)}
    simulated = random_anchors(GAME, rules, Item(), policies)["random_response/player_1"]
    assert simulated.value is not None
    assert simulated.error is not None
    exact = GAME.benchmarks(rules, Item(), policies)["random_response/player_1"].value
    assert exact == pytest.approx(simulated.value, abs=3.5 * simulated.error)


@pytest.mark.slow
def test_an_unknown_player_can_be_answered_in_one_round_only() -> None:
    policies = {seat: (lambda state: Guess(number=90)) for seat in ("player_2", "player_3")}
    one = GAME.benchmarks(config(players=3), Item(), policies)["best_response/player_1"]
    assert one.value == 20
    two = GAME.benchmarks(config(players=3, rounds=2), Item(), policies)["best_response/player_1"]
    assert two.value is None
    assert "baselines/level_k" in two.assumes
