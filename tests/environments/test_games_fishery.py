"""The fishery: GovSim's rules and metrics, rationing by lot, and best play against known fishers."""

from __future__ import annotations

import doctest
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import sandbox_env_games.fishery as module
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_games.anchors import random_anchors
from sandbox_env_games.fishery import (
    LOTS,
    Fishery,
    FisheryConfig,
    FisheryState,
    Harvest,
    Ration,
    rationed,
)
from sandbox_env_games.fishery_theory import best_response, expected_catch, hindsight, random_response, welfare
from sandbox_env_games.rounds import Say

from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, read
from sandbox.play import Play
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder, ScriptedPolicy
from sandbox.scenario import NATURE, Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

GAME = Fishery()
BUILDER = Builder(Plugins())


def config(**fields: Any) -> FisheryConfig:
    return FisheryConfig.model_validate({"messages": False, **fields})


def start(**fields: Any) -> FisheryState:
    return GAME.initial(config(**fields), Item())


def fished(state: FisheryState, *months: tuple[int, ...]) -> FisheryState:
    """The state after these wishes; where they do not fit nature draws."""
    play = Play(GAME, state.config, Item(), 0)
    play.state = state
    for wishes in months:
        made: dict[str, Move] = {seat: Harvest(tons=tons) for seat, tons in zip(play.to_move(), wishes, strict=True)}
        play.apply(made)
        play.settle()
    final: FisheryState = play.state
    return final


def fisher(rules: FisheryConfig, seat: str, **settings_: Any) -> ScriptedPolicy:
    use = AgentSpec(id="baselines/fisher", name=seat, config=settings_)
    return ScriptedPolicy(GAME, seat, use, BUILDER.agent(use))


def fishers(rules: FisheryConfig, *all_settings: dict[str, Any]) -> dict[str, Any]:
    """Players from the second on."""
    return {seat: fisher(rules, seat, **one) for seat, one in zip(GAME.seats(rules)[1:], all_settings, strict=True)}


SUSTAINABLE, GREEDY = {"strategy": "sustainable"}, {"strategy": "greedy"}
THRESHOLD = {"strategy": "threshold", "keep": 8}


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    first_plain([{"players": 2, "rounds": 3}, {}, {"messages": False, "horizon_told": True, "players": 3}]),
    ids=str,
)
def test_the_game_keeps_the_contract(fields: dict[str, Any]) -> None:
    check_scenario(Fishery, fields, cycles=30, episodes=2)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module) == (0, 5)


# -- rules --------------------------------------------------------------------------------------------------------


def test_five_times_ten_for_twelve_months() -> None:
    facts = GAME.facts(fished(start(), *[(10,) * 5] * 12))
    assert facts["measures"] == {
        "survival": 12,
        "survived": 1,
        "total_gain": 600,
        "efficiency": 1,
        "gini": 0,
        "equality": 1,
        "over_usage": 0,
    }
    assert facts["stocks"] == [100] * 12
    assert facts["thresholds"] == [50] * 12
    assert set(facts["payoffs"].values()) == {120}


def test_a_lake_emptied_in_the_first_month_has_survived_one_month() -> None:
    state = fished(start(), (40, 30, 20, 10, 0))
    assert GAME.to_move(state) == ()
    facts = GAME.facts(state)
    found = facts["measures"]
    assert (found["survival"], found["survived"], found["total_gain"]) == (1, 0, 100)
    assert (found["efficiency"], found["over_usage"]) == (pytest.approx(1 / 6), 3 / 5)
    assert (found["gini"], found["equality"]) == (pytest.approx(0.4), pytest.approx(0.6))
    assert [seat["own_over_usage"] for seat in facts["by_seat"].values()] == [1, 1, 1, 0, 0]


def test_a_collapse_in_the_last_month_is_told_apart_by_survived() -> None:
    state = fished(start(rounds=2), (10,) * 5, (20,) * 5)
    found = GAME.facts(state)["measures"]
    assert (found["survival"], found["survived"], found["efficiency"]) == (2, 0, 1)


@pytest.mark.parametrize(("left", "stock"), [(4, 4), (5, 10), (20, 40), (49, 98), (50, 100), (60, 100), (100, 100)])
def test_what_is_left_doubles_up_to_the_capacity_or_collapses_below_five(left: int, stock: int) -> None:
    state = fished(start(players=2), (100 - left, 0))
    assert state.stock == stock
    assert bool(GAME.to_move(state)) == (left >= 5)


def test_nothing_caught_is_neither_equal_nor_unequal() -> None:
    found = GAME.facts(fished(start(rounds=1), (0,) * 5))["measures"]
    assert (found["gini"], found["equality"], found["efficiency"], found["survived"]) == (None, None, 0, 1)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=10),
    st.lists(st.integers(0, LOTS - 1), min_size=1, max_size=60),
)
def test_rationing_gives_all_there_is_and_to_nobody_more_than_wanted(wanted: list[int], lots: list[int]) -> None:
    lots = lots[: max(0, sum(wanted) - 1)]
    caught = rationed(wanted, lots)
    assert sum(caught) == len(lots)
    assert all(got <= want for got, want in zip(caught, wanted, strict=True))


@pytest.mark.parametrize("wanting", range(1, 11))
def test_every_player_has_the_same_number_of_lots(wanting: int) -> None:
    assert LOTS % wanting == 0


def test_wishes_that_fit_are_not_drawn_for_and_others_are() -> None:
    state = start()
    fits = GAME.apply(state, dict.fromkeys(GAME.to_move(state), Harvest(tons=20)))
    assert GAME.to_move(fits) == ()
    over = GAME.apply(state, dict.fromkeys(GAME.to_move(state), Harvest(tons=21)))
    assert GAME.to_move(over) == (NATURE,)
    assert GAME.draw(over) == "ration/1"
    drawn = GAME.apply(over, {NATURE: Ration(lots=(0,) * 100)})
    assert drawn.totals == (21, 21, 21, 21, 16)  # the first who wants more, ton by ton


def test_rationing_by_hand() -> None:
    """Three want 2, 1 and 3 of four tons; the lots are taken modulo the number of those who want more."""
    assert rationed([2, 1, 3], [1, 0, 1, 2]) == (2, 1, 1)


def test_the_lots_do_not_depend_on_the_wishes() -> None:
    states = [GAME.apply(start(), dict.fromkeys(GAME.seats(config()), Harvest(tons=tons))) for tons in (21, 100)]
    drawn = [GAME.sample(state, np.random.default_rng(1)) for state in states]
    assert drawn[0] == drawn[1]


def test_who_gives_no_answer_catches_nothing_and_the_month_goes_on() -> None:
    state = start()
    moves = {seat: Harvest(tons=10) for seat in GAME.seats(state.config)}
    after = GAME.apply(state, {**moves, "player_1": GAME.forfeit(state, "player_1")})
    assert tuple(after.history[0].gains) == (0, 10, 10, 10, 10)
    assert after.stock == 100


def test_a_missing_answer_is_no_restraint_in_what_is_measured() -> None:
    state = start(players=3, rounds=1)
    moves = {"player_1": GAME.forfeit(state, "player_1"), "player_2": Harvest(tons=0), "player_3": Harvest(tons=100)}
    facts = GAME.facts(GAME.apply(state, moves))
    assert facts["measures"]["over_usage"] == 1 / 2
    assert [seat["own_over_usage"] for seat in facts["by_seat"].values()] == [None, 0, 1]
    assert [seat["absent"] for seat in facts["by_seat"].values()] == [1, 0, 0]
    state = GAME.apply(state, moves | {"player_2": Harvest(tons=100)})
    state = GAME.apply(state, {NATURE: Ration(lots=(0,) * 100)})
    assert state.history[0].acts == ((), (100, 100), (100, 0))
    assert GAME.facts(state)["by_seat"]["player_2"]["hindsight"] == pytest.approx(50)
    text = GAME.render(GAME.observe(state, "player_2"))
    assert "Player 1 gave no valid answer and caught nothing, you caught 100, Player 3 caught 0 (wanted 100)" in text


@pytest.mark.parametrize("tons", [101, -1, 9.5, "as much as I can", None, float("nan"), float("inf")])
def test_a_wish_that_cannot_be_is_a_typed_error(tons: Any) -> None:
    raw = {"kind": "harvest", "tons": tons}
    assert isinstance(read(GAME.menu(start(), "player_1"), GAME.action, raw), InvalidAction)


def test_a_player_cannot_make_natures_move() -> None:
    raw = {"kind": "ration", "lots": [0]}
    assert isinstance(read(GAME.menu(start(), "player_1"), GAME.action, raw), InvalidAction)


def test_the_players_talk_between_two_harvests() -> None:
    state = start(messages=True, rounds=2)
    assert GAME.stage(state) == "harvest"
    state = fished(state, (10,) * 5)
    assert GAME.stage(state) == "talk"
    said: dict[str, Move] = {seat: Say(message=f"{seat} takes 10\n") for seat in GAME.to_move(state)}
    state = GAME.apply(state, said)
    text = GAME.render(GAME.observe(state, "player_2"))
    assert "Round 1: of 100 tons Player 1 caught 10, you caught 10" in text
    assert 'Round 2: Player 1 sent a message, saying "player_1 takes 10\\n".' in text
    assert GAME.to_move(fished(state, (10,) * 5)) == ()


def test_a_hypothetical_game_goes_on_to_the_last_month() -> None:
    state = start()
    while seats := GAME.to_move(state):
        state = GAME.apply(state, {seat: GAME.reference(state, seat) for seat in seats})
    assert len(state.history) == 12


# -- rationing in expectation -------------------------------------------------------------------------------------


@cache
def caught(own: int, wanted: tuple[int, ...], stock: int) -> Fraction:
    """The expected catch, ton by ton."""
    wanting = [at for at, tons in enumerate(wanted) if tons]
    if not stock or not own:
        return Fraction(0)
    total = 1 + caught(own - 1, wanted, stock - 1)
    for at in wanting:
        rest = tuple(sorted((*wanted[:at], wanted[at] - 1, *wanted[at + 1 :])))
        total += caught(own, rest, stock - 1)
    return total / (1 + len(wanting))


@pytest.mark.parametrize(
    "wanted", [(3,), (0, 5), (2, 2, 7), pytest.param((10, 10, 10, 10), marks=pytest.mark.slow), (1, 2, 3, 4)]
)
def test_the_expected_catch_is_that_of_all_orders_of_lots(wanted: tuple[int, ...]) -> None:
    for own, stock in product((1, 4, 20), range(1, 21)):
        if own + sum(wanted) >= stock:
            assert expected_catch(stock, own, wanted) == pytest.approx(float(caught(own, wanted, stock)), abs=1e-8)


@pytest.mark.parametrize("stock", [5, 64, 65, 100, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_all_who_want_everything_expect_an_equal_part(stock: int) -> None:
    assert expected_catch(stock, 1000, (1000,) * 4) == pytest.approx(stock / 5, abs=1e-8)


# -- theory -------------------------------------------------------------------------------------------------------


def test_the_greatest_total_leaves_half_until_the_last_month() -> None:
    assert welfare(config()) == 11 * 50 + 100
    assert welfare(config(rounds=1)) == 100
    assert welfare(config(rounds=2, capacity=20, collapse=10)) == 10 + 20


@pytest.mark.parametrize(
    ("settings_", "wishes"),
    [(SUSTAINABLE, (10, 4)), (GREEDY, (100, 100)), ({"strategy": "threshold"}, (10, 0))],
)
def test_the_strategies_by_hand(settings_: dict[str, Any], wishes: tuple[int, int]) -> None:
    """In the second month the stock is 40."""
    first = start()
    second = fished(first, (16,) * 5)
    policy = fisher(first.config, "player_1", **settings_)
    assert (policy(first), policy(second)) == tuple(Harvest(tons=tons) for tons in wishes)


@pytest.mark.parametrize("players", first_plain([3, 5]))
def test_to_want_everything_is_an_equilibrium_and_worth_an_equal_part(players: int) -> None:
    rules = config(horizon_told=True, players=players)
    found = GAME.benchmarks(rules, Item(), fishers(rules, *[GREEDY] * (players - 1)))
    assert found["equilibrium/player_1"].value == pytest.approx(100 / players)
    assert found["best_response/player_1"].value == pytest.approx(100 / players)
    assert found["disagreement/player_1"].value == pytest.approx(100 / players)


def test_no_equilibrium_is_named_where_the_horizon_is_not_told() -> None:
    found = GAME.benchmarks(config(), Item(), {})
    assert found["equilibrium/player_1"].value is None
    assert found["best_response/player_1"].value is None
    assert found["welfare"].value == 650


@pytest.mark.parametrize("strategy", first_plain(["sustainable", "threshold", "greedy"]))
def test_the_best_response_is_that_of_a_search_over_all_plans(strategy: str) -> None:
    """Two others in a lake of 20 tons, three months."""
    rules = config(players=3, capacity=20, rounds=3)
    policies = fishers(rules, {"strategy": strategy, "keep": 8}, THRESHOLD)

    def others(stock: int) -> tuple[int, int]:
        above = max(0, stock - 8) // 3
        return {"sustainable": stock // 2 // 3, "threshold": above, "greedy": 20}[strategy], above

    best = 0.0
    for plan in product(range(21), repeat=3):
        total, stock = 0.0, 20
        for own in plan:
            wanted = others(stock)
            left = stock - own - sum(wanted)
            if left < 0:
                total += float(caught(own, tuple(sorted(wanted)), stock))
            else:
                total += own
            if left < 5:
                break
            stock = min(20, 2 * left)
        best = max(best, total)
    found = GAME.benchmarks(rules, Item(), policies)
    assert found["best_response/player_1"].value == pytest.approx(best)


def test_hindsight_takes_the_recorded_wishes_of_the_others_as_they_were() -> None:
    state = fished(start(rounds=3), *[(10,) * 5] * 3)
    spared = 10 + 10 + expected_catch(100, 100, (10,) * 4)  # and in the last month all that can be had
    assert hindsight(state, 0) == pytest.approx(spared)
    assert spared == pytest.approx(80, abs=0.1)
    assert GAME.facts(state)["by_seat"]["player_5"]["hindsight"] == pytest.approx(spared)


def test_one_month_against_unknown_players_is_answered() -> None:
    rules = config(rounds=1)
    policies = {seat: (lambda state: Harvest(tons=10)) for seat in GAME.seats(rules)[1:]}
    found = GAME.benchmarks(rules, Item(), policies)["best_response/player_1"].value
    assert found == pytest.approx(expected_catch(100, 100, (10,) * 4))
    assert best_response(rules, lambda month, stock: (10,) * 4) == found


@pytest.mark.slow
def test_the_exact_response_of_random_play_is_that_of_a_simulation() -> None:
    rules = config(players=3, capacity=40)
    policies = fishers(rules, SUSTAINABLE, THRESHOLD)
    simulated = random_anchors(GAME, rules, Item(), policies, 400)["random_response/player_1"]
    assert simulated.value is not None
    assert simulated.error is not None
    exact = random_response(rules, lambda month, stock: (stock // 2 // 3, max(0, stock - 8) // 3))
    assert exact == pytest.approx(simulated.value, abs=3.5 * simulated.error)
    assert GAME.benchmarks(rules, Item(), policies)["random_response/player_1"].value == exact
