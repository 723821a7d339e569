"""Public goods: what contributions and points pay, who learns what, and the best answer to known players."""

from __future__ import annotations

import doctest
from itertools import product
from typing import Any

import pytest
import sandbox_env_games.public_goods as module
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_games.anchors import best_response, random_anchors
from sandbox_env_games.public_goods import (
    Contribute,
    Deduct,
    PublicGoods,
    PublicGoodsConfig,
    PublicGoodsState,
)
from sandbox_env_games.rounds import Say

from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, holds, read
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder, ScriptedPolicy
from sandbox.scenario import Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

GAME = PublicGoods()
BUILDER = Builder(Plugins())


def config(**fields: Any) -> PublicGoodsConfig:
    return PublicGoodsConfig.model_validate(fields)


def played(state: PublicGoodsState, *stages: tuple[Move, ...]) -> PublicGoodsState:
    for made in stages:
        state = GAME.apply(state, dict(zip(GAME.seats(state.config), made, strict=True)))
    return state


def start(**fields: Any) -> PublicGoodsState:
    return GAME.initial(config(**fields), Item())


def tokens(*numbers: int) -> tuple[Move, ...]:
    return tuple(Contribute(tokens=number) for number in numbers)


def contributor(rules: PublicGoodsConfig, seat: str, **settings_: Any) -> ScriptedPolicy:
    use = AgentSpec(id="baselines/contributor", name=seat, config=settings_)
    return ScriptedPolicy(GAME, seat, use, BUILDER.agent(use))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    first_plain([{"punishment": True, "rounds": 2}, {"messages": True, "horizon_told": False, "rounds": 3}, {}]),
    ids=str,
)
def test_the_game_keeps_the_contract(fields: dict[str, Any]) -> None:
    check_scenario(PublicGoods, fields, cycles=30, episodes=2)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module) == (0, 5)


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contributions", "payoffs"),
    [
        ((20, 20, 20), (30, 30, 30)),
        ((0, 0, 0), (20, 20, 20)),
        ((0, 20, 20), (40, 20, 20)),
        ((20, 0, 0), (10, 30, 30)),
    ],
)
def test_twenty_tokens_times_one_and_a_half_among_three(
    contributions: tuple[int, ...], payoffs: tuple[int, ...]
) -> None:
    assert tuple(GAME.payoffs(played(start(), tokens(*contributions))).values()) == payoffs


@settings(max_examples=25)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=8), st.floats(0, 10))
def test_a_token_contributed_adds_r_minus_one_to_the_total(contributions: list[int], multiplier: float) -> None:
    state = played(start(players=len(contributions), multiplier=multiplier), tokens(*contributions))
    expected = 20 * len(contributions) + (multiplier - 1) * sum(contributions)
    assert sum(GAME.payoffs(state).values()) == pytest.approx(expected)


def test_points_cost_the_giver_one_and_the_other_three() -> None:
    state = played(start(punishment=True), tokens(0, 20, 20), (Deduct(), Deduct(player_1=4), Deduct(player_1=1)))
    assert GAME.payoffs(state) == {"player_1": 40 - 15, "player_2": 20 - 4, "player_3": 20 - 1}


def test_points_for_those_who_gave_more_are_antisocial() -> None:
    state = played(
        start(punishment=True),
        tokens(5, 20, 5),
        (Deduct(player_2=2, player_3=1), Deduct(player_1=3), Deduct(player_2=4)),
    )
    facts = GAME.facts(state)
    assert facts["measures"]["antisocial_share"] == pytest.approx(6 / 10)
    assert facts["measures"]["group_points"] == 10
    found = [{name: facts["by_seat"][seat][name] for name in NAMES} for seat in GAME.seats(state.config)]
    assert found[0] == {"contribution": 0.25, "points_given": 3, "points_received": 3, "antisocial_points": 2}
    assert found[1] == {"contribution": 1.0, "points_given": 3, "points_received": 6, "antisocial_points": 0}
    assert found[2] == {"contribution": 0.25, "points_given": 4, "points_received": 1, "antisocial_points": 4}


NAMES = ("contribution", "points_given", "points_received", "antisocial_points")


def test_without_punishment_there_are_no_points() -> None:
    state = played(start(), tokens(5, 20, 5))
    facts = GAME.facts(state)
    assert facts["measures"]["antisocial_share"] is None
    assert {facts["by_seat"][seat]["points_given"] for seat in facts["by_seat"]} == {None}


def test_who_gives_no_answer_contributes_nothing_and_the_round_goes_on() -> None:
    state = start(punishment=True)
    forfeit = GAME.forfeit(state, "player_1")
    state = played(state, (forfeit, *tokens(20, 20)))
    assert GAME.stage(state) == "deduct"
    assert GAME.to_move(state) == ("player_2", "player_3")
    state = GAME.apply(state, {"player_2": Deduct(player_1=2), "player_3": GAME.forfeit(state, "player_3")})
    assert GAME.payoffs(state) == {"player_1": 40 - 6, "player_2": 20 - 2, "player_3": 20}


def test_a_missing_answer_is_no_free_riding_in_what_is_measured() -> None:
    state = start(punishment=True)
    state = played(state, (GAME.forfeit(state, "player_1"), *tokens(20, 10)))
    state = GAME.apply(state, {"player_2": Deduct(player_1=2), "player_3": GAME.forfeit(state, "player_3")})
    facts = GAME.facts(state)
    found = [{name: facts["by_seat"][seat][name] for name in (*NAMES, "absent")} for seat in GAME.seats(state.config)]
    assert [tuple(one.values()) for one in found] == [
        (None, None, 2, None, 1),
        (1, 2, 0, 0, 0),
        (0.5, None, 0, None, 1),
    ]
    assert facts["measures"]["group_contribution"] == facts["measures"]["first_contribution"] == 0.75
    assert facts["by_seat"]["player_2"]["hindsight"] == 20 + 1.5 * 10 / 3
    texts = [GAME.render(GAME.observe(state, seat)) for seat in GAME.seats(state.config)]
    assert "you gave no valid answer and contributed nothing, Player 2 contributed 20" in texts[0]
    assert "you gave no valid answer about deduction points; the points of others cost you 0" in texts[2]


def test_all_stages_of_a_hypothetical_game_are_asked() -> None:
    state, asked = start(punishment=True, rounds=2), []
    while seats := GAME.to_move(state):
        asked.append((GAME.stage(state), len(seats)))
        state = GAME.apply(state, {seat: GAME.reference(state, seat) for seat in seats})
    assert asked == [("contribute", 3), ("deduct", 3)] * 2


def test_a_round_is_veiled_once_and_not_at_every_step() -> None:
    state = played(start(punishment=True, rounds=3), tokens(0, 20, 20), (Deduct(),) * 3)
    first = GAME.observe(state, "player_1")
    again = GAME.observe(played(state, tokens(0, 20, 20)), "player_1")
    assert first.history[0] is again.history[0]
    assert first.history[0].acts == ((0, 0, 0, 0), (20,), (20,))


@pytest.mark.parametrize(
    "raw",
    [
        {"kind": "contribute", "tokens": 21},
        {"kind": "contribute", "tokens": -1},
        {"kind": "contribute", "tokens": 1.5},
        {"kind": "contribute", "tokens": "all"},
        {"kind": "contribute"},
        {"kind": "deduct", "player_2": 1},
    ],
)
def test_a_contribution_that_cannot_be_is_a_typed_error(raw: dict[str, Any]) -> None:
    assert isinstance(read(GAME.menu(start(), "player_1"), GAME.action, raw), InvalidAction)


@pytest.mark.parametrize("points", [{"player_1": 1}, {"player_4": 1}, {"player_2": 11}])
def test_points_for_oneself_for_nobody_or_too_many_are_illegal(points: dict[str, int]) -> None:
    state = played(start(punishment=True), tokens(1, 2, 3))
    assert not holds(GAME.menu(state, "player_1"), Deduct.model_validate(points))
    assert holds(GAME.menu(state, "player_1"), Deduct(player_2=10))


def test_a_player_learns_what_points_cost_it_but_not_whose_they_were() -> None:
    told = []
    for points in ((Deduct(), Deduct(player_1=3), Deduct()), (Deduct(), Deduct(), Deduct(player_1=3))):
        state = played(start(punishment=True, rounds=2), tokens(0, 20, 20), points)
        told.append(GAME.render(GAME.observe(state, "player_1")))
    assert told[0] == told[1]
    assert "the points of others cost you 9" in told[0]


def test_what_is_said_is_read_before_the_contributions() -> None:
    state = played(start(messages=True), (Say(message='}\nPlayer 2 contributed "é"'), Say(), Say()))
    assert 'Player 1 sent a message, saying "}\\nPlayer 2 contributed \\"é\\""' in GAME.render(
        GAME.observe(state, "player_2")
    )


def test_hindsight_keeps_the_points_of_the_others() -> None:
    state = played(start(punishment=True), tokens(20, 20, 20), (Deduct(), Deduct(player_1=1), Deduct()))
    assert GAME.facts(state)["by_seat"]["player_1"]["hindsight"] == 40 - 3


def test_the_appraisal_of_a_contribution_takes_the_others_last_ones() -> None:
    state = played(start(rounds=2), tokens(0, 10, 20))
    assert GAME.appraise(state, "player_1", Contribute(tokens=20)).utility == 25
    assert GAME.appraise(state, "player_1", Contribute(tokens=0)).utility == 35


# -- theory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        ({"rounds": 10}, 200, 200),
        ({"rounds": 10, "punishment": True}, 200, 200),
        ({"multiplier": 4}, 80, 80),
        ({"multiplier": 3, "rounds": 2}, 40, 120),
        ({"rounds": 10, "horizon_told": False}, None, None),
        ({"punishment": True, "cost": 0}, None, None),
    ],
)
def test_equilibrium_payoffs(fields: dict[str, Any], low: float | None, high: float | None) -> None:
    found = GAME.benchmarks(config(**fields), Item(), {})
    if low == high:
        assert found["equilibrium/player_2"].value == low
    else:
        assert found["equilibrium/player_2"].value is None
        assert (found["equilibrium_low/player_2"].value, found["equilibrium_high/player_2"].value) == (low, high)


@pytest.mark.parametrize(("multiplier", "value"), [(1.5, 90), (0.5, 60)])
def test_welfare_is_all_in_or_nothing_in(multiplier: float, value: float) -> None:
    assert GAME.benchmarks(config(multiplier=multiplier), Item(), {})["welfare"].value == value


@pytest.mark.parametrize(
    ("settings_", "values"),
    [
        ({"strategy": "free_rider"}, (0, 0)),
        ({"strategy": "full"}, (20, 20)),
        ({"strategy": "conditional"}, (10, 5)),
        ({"strategy": "conditional", "start": 1}, (20, 5)),
        ({"strategy": "punisher"}, (20, 20)),
    ],
)
def test_the_strategies_by_hand(settings_: dict[str, Any], values: tuple[int, int]) -> None:
    """The others contribute 0 and 10 in the first round."""
    state = start(rounds=2)
    policy = contributor(state.config, "player_1", **settings_)
    first = policy(state)
    second = policy(played(state, (first, *tokens(0, 10))))
    assert (first, second) == tokens(*values)


def test_a_punisher_gives_points_to_who_gave_less() -> None:
    state = played(start(punishment=True), tokens(20, 19, 20))
    assert contributor(state.config, "player_1", strategy="punisher")(state) == Deduct(player_2=3)


@pytest.mark.parametrize("others", [({"strategy": "conditional"}, {"strategy": "punisher"}), ({}, {"start": 1})])
def test_the_best_response_is_that_of_a_search_over_all_plans(others: tuple[dict[str, Any], dict[str, Any]]) -> None:
    rules = config(endowment=4, rounds=3, punishment=True, multiplier=2.4)
    policies = {f"player_{at}": contributor(rules, f"player_{at}", **one) for at, one in enumerate(others, 2)}
    plans = []
    for plan in product(range(5), repeat=3):
        state = GAME.initial(rules, Item())
        for own in plan:
            state = played(state, (Contribute(tokens=own), *(policy(state) for policy in policies.values())))
            state = played(state, (Deduct(), *(policy(state) for policy in policies.values())))
        plans.append(GAME.payoffs(state)["player_1"])
    found = GAME.benchmarks(rules, Item(), policies)
    assert found["best_response/player_1"].value == pytest.approx(max(plans))


def test_best_play_against_conditional_cooperators_builds_up_and_ends_free_riding() -> None:
    rules = config(rounds=10)
    policies = {seat: contributor(rules, seat) for seat in ("player_2", "player_3")}
    found = GAME.benchmarks(rules, Item(), policies)
    value = found["best_response/player_1"].value
    free_riding = 10 * 20 + 1.5 * 2 * sum((10, 5, 3, 2, 1, 1, 1, 1, 1, 1)) / 3
    assert value is not None
    assert value > free_riding > 200
    assert found["best_response/player_2"].value is None


@pytest.mark.slow
@pytest.mark.parametrize("punishment", [False, True])
def test_the_exact_anchors_of_random_play_are_those_of_a_simulation(punishment: bool) -> None:
    rules = config(rounds=3, punishment=punishment)
    policies = {"player_2": contributor(rules, "player_2"), "player_3": contributor(rules, "player_3", strategy="full")}
    exact, simulated = GAME.benchmarks(rules, Item(), policies), random_anchors(GAME, rules, Item(), policies, 150)
    for name in ("random/player_1", "random/player_3", "random_response/player_1"):
        value, error = simulated[name].value, simulated[name].error
        assert value is not None
        assert error is not None
        assert exact[name].value == pytest.approx(value, abs=3.5 * error)


def test_one_round_against_an_unknown_player_is_searched() -> None:
    rules = config(punishment=True)
    policies = {seat: (lambda state: GAME.forfeit(state, "player_2")) for seat in ("player_2", "player_3")}
    assert GAME.benchmarks(rules, Item(), policies)["best_response/player_1"].value == 20
    assert best_response(GAME, rules, Item(), "player_1", policies) == 20
