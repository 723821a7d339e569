"""The English auction: its clock, what bidders see, and theory against counting through all cases."""

from __future__ import annotations

import doctest
import itertools
from typing import Any

import numpy as np
import pytest
import sandbox_env_games.english as module
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_env_games.auctions import Draw
from sandbox_env_games.auctions_theory import Bidding, best, follow, revenue, shares
from sandbox_env_games.bidders import Bidder
from sandbox_env_games.english import English, EnglishConfig, EnglishState, Leave, Stay
from sandbox_env_games.rounds import Say

from sandbox.agent import Turn
from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, read
from sandbox.play import Play
from sandbox.scenario import NATURE, Item
from sandbox.trace import AgentSpec

GAME = English()


def config(**fields: Any) -> EnglishConfig:
    return EnglishConfig.model_validate({"rounds": 1, "increment": 10, **fields})


def drawn(*values: int, order: tuple[int, ...] = (), **fields: Any) -> EnglishState:
    """The state after nature drew these values, in dollars."""
    state = GAME.initial(config(bidders=len(values), **fields), Item())
    order = order or tuple(range(len(values)))
    return GAME.apply(state, {NATURE: Draw(values=tuple(value * 100 for value in values), order=order)})


def staying(state: EnglishState, *prices: int) -> EnglishState:
    """The end of an auction in which each bidder stays for so many of the clock's prices."""
    seats = GAME.seats(state.config)
    number, step = state.round, 0
    while state.round == number and GAME.to_move(state):
        stay = {seat: prices[seats.index(seat)] > step for seat in GAME.to_move(state)}
        state = GAME.apply(state, {seat: Stay() if stays else Leave() for seat, stays in stay.items()})
        step += 1
    return state


class Scripted:
    """`baselines/bidder` as the runner gives it to `benchmarks`."""

    def __init__(self, seat: str, **fields: Any) -> None:
        self.seat, self.agent = seat, AgentSpec(id="baselines/bidder", name="bidder", config=fields)

    def turn(self, state: Any) -> Turn:
        play = Play(GAME, state.config, Item(), 0)
        play.state = state
        return play.turn(self.seat, 0)

    def __call__(self, state: Any) -> Move:
        move = Bidder(Bidding.model_validate(dict(self.agent.config))).act(self.turn(state))
        assert isinstance(move, Move)
        return move


@pytest.mark.slow
def test_the_game_keeps_the_contract() -> None:
    fields = {"messages": True, "horizon_told": False, "rounds": 3, "reserve": 20, "increment": 10}
    check_scenario(English, fields, cycles=60, episodes=5)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module).failed == 0


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "prices", "winner", "price"),
    [
        ({}, (5, 3, 8), 2, 50),  # prices 0, 10, 20...: player 1 stays for 0 to 40 and leaves at 50
        ({}, (5, 3, 0), 0, 30),
        ({}, (1, 0, 0), 0, 0),
        ({}, (0, 0, 0), None, 0),
        ({"order": (1, 2, 0)}, (4, 4, 2), 1, 30),  # both leave at 40, and had stayed at 30
        ({"order": (2, 0, 1)}, (99, 99, 99), 2, 100),  # the clock ends
        ({"reserve": 40}, (1, 0, 0), 0, 40),
        ({"reserve": 40}, (0, 0, 0), None, 0),
        ({"reserve": 40}, (2, 1, 1), 0, 50),
        ({"reserve": 100}, (1, 1, 0), 0, 100),
    ],
)
def test_the_last_to_stay_pays_the_price_at_which_the_last_other_left(
    fields: dict[str, Any], prices: tuple[int, ...], winner: int | None, price: int
) -> None:
    state = staying(drawn(90, 90, 90, **fields), *prices)
    assert GAME.to_move(state) == ()
    assert GAME.payoffs(state) == {f"player_{i + 1}": 90 - price if i == winner else 0 for i in range(3)}
    assert GAME.facts(state)["measures"]["revenue"] == price


def test_who_has_left_is_not_asked_again_and_the_clock_stops_when_one_is_left() -> None:
    state = drawn(90, 90, 90)
    state = GAME.apply(state, {"player_1": Stay(), "player_2": Leave(), "player_3": Stay()})
    assert GAME.to_move(state) == ("player_1", "player_3")
    assert GAME.menu(state, "player_2") == ()
    state = GAME.apply(state, {"player_1": Leave(), "player_3": Stay()})
    assert GAME.to_move(state) == ()


def test_who_gives_no_legal_answer_is_out_and_the_others_go_on() -> None:
    state = drawn(90, 80, 70, messages=True)
    assert GAME.forfeit(state, "player_1") == Say()
    state = GAME.apply(state, {seat: Say() for seat in GAME.to_move(state)})
    assert isinstance(read(GAME.menu(state, "player_1"), GAME.action, {"kind": "pass"}), InvalidAction)
    state = GAME.apply(state, {"player_1": GAME.forfeit(state, "player_1"), "player_2": Stay(), "player_3": Stay()})
    assert GAME.to_move(state) == ("player_2", "player_3")
    assert "At 0.00 Player 1 gave no answer." in GAME.render(GAME.observe(state, "player_2"))
    state = GAME.apply(state, {"player_2": Stay(), "player_3": Leave()})
    facts = GAME.facts(state)
    assert facts["payoffs"] == {"player_1": 0, "player_2": 70, "player_3": 0}
    assert facts["by_seat"]["player_1"] == {
        "left_early": None,  # it did not choose to leave
        "stayed_late": None,
        "absent": 1,
        "won": 0,
        "hindsight": None,
    }
    assert (facts["by_seat"]["player_3"]["absent"], facts["by_seat"]["player_3"]["left_early"]) == (0, 1)
    text = GAME.render(GAME.observe(state, "player_1"))
    assert "at 0.00 you gave no answer; at 10.00 Player 3 left; Player 2 won and paid 10.00." in text


def test_two_who_are_out_at_once_are_as_two_who_left_whether_they_answered_or_not() -> None:
    state = drawn(90, 80, order=(1, 0))
    state = GAME.apply(state, {"player_1": Stay(), "player_2": Stay()})
    state = GAME.apply(state, {"player_1": Leave(), "player_2": GAME.forfeit(state, "player_2")})
    assert GAME.payoffs(state) == {"player_1": 0, "player_2": 80}
    assert GAME.facts(state)["by_seat"]["player_1"]["hindsight"] == 80  # the other was out at 10 in any case


def test_a_long_clock_is_told_in_few_words() -> None:
    state = drawn(90, 90, 90, increment=1)
    for _ in range(60):
        state = GAME.apply(state, dict.fromkeys(GAME.to_move(state), Stay()))
    text = GAME.render(GAME.observe(state, "player_1"))
    assert "\n\nAll who are still in stayed at 59.00.\n\n" in text
    assert len(text) < 2000


def test_a_clock_with_one_price_does_not_rise() -> None:
    text = GAME.render(GAME.observe(drawn(90, 90, reserve=100), "player_1"))
    assert "A clock shows one price only: 100.00 dollars." in text


def test_a_hypothetical_auction_asks_about_every_price() -> None:
    state, asked = drawn(90, 80), 0
    while seats := GAME.to_move(state):
        state, asked = GAME.apply(state, {seat: GAME.reference(state, seat) for seat in seats}), asked + 1
    assert asked == len(state.config.prices)


def test_a_bidder_sees_the_clock_its_own_value_and_who_is_in() -> None:
    state = drawn(61, 72, 83)
    state = GAME.apply(state, {"player_1": Stay(), "player_2": Leave(), "player_3": Stay()})
    seen = GAME.observe(state, "player_1")
    assert (seen.price, seen.value, seen.active) == (10, 61, ("player_1", "player_3"))
    text = GAME.render(seen)
    assert "At 0.00 Player 2 left.\nAll who are still in stayed at 0.00." in text
    assert "worth 61.00 to you, which is 51.00 more. Still in: you, Player 3." in text
    assert not any(value in text for value in ("72.00", "83.00"))
    end = GAME.apply(state, {"player_1": Leave(), "player_3": Stay()})
    text = GAME.render(GAME.observe(end, "player_1"))
    assert "at 0.00 Player 2 left; at 10.00 you left; Player 3 won and paid 10.00." in text
    assert "73" not in text  # what the winner gained


@pytest.mark.parametrize("wrong", [{"increment": 0}, {"top": 10_000, "increment": 1}, {"reserve": 101}])
def test_a_config_that_makes_no_clock_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**wrong)


def test_past_auctions_tell_who_left_together_and_at_which_prices_only() -> None:
    text = GAME.render(GAME.observe(staying(drawn(90, 90, 90, 90), 4, 9, 4, 6), "player_1"))
    told = "at 40.00 you and Player 3 left; at 60.00 Player 4 left; Player 2 won and paid 60.00."
    assert f"Round 1: the object was worth 90.00 to you; {told}" in text


def test_leaving_early_and_staying_late_are_counted_against_the_value() -> None:
    facts = GAME.facts(staying(drawn(20, 35, 35), 2, 6, 4))["by_seat"]  # player 1 leaves at what it is worth to it
    assert [facts[f"player_{i}"]["left_early"] for i in (1, 2, 3)] == [1, 0, 0]
    assert [facts[f"player_{i}"]["stayed_late"] for i in (1, 2, 3)] == [0, 1, 0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=3, max_size=3),
    st.lists(st.integers(0, 6), min_size=3, max_size=3),
    st.permutations(range(3)),
)
def test_gains_and_revenue_sum_to_the_winners_value_and_hindsight_is_never_less_than_the_gain(
    values: list[int], prices: list[int], order: list[int]
) -> None:
    state = staying(drawn(*values, order=tuple(order), top=50), *prices)
    facts = GAME.facts(state)
    winners = [i for i in range(3) if facts["by_seat"][f"player_{i + 1}"]["won"]]
    total = sum(facts["payoffs"].values()) + facts["measures"]["revenue"]
    assert total == (values[winners[0]] if winners else 0)
    for seat, gain in facts["payoffs"].items():
        hindsight = facts["by_seat"][seat]["hindsight"]
        assert hindsight is None or hindsight >= gain


def test_hindsight_is_not_known_where_another_stayed_below_ones_value_and_was_not_seen_to_leave() -> None:
    facts = GAME.facts(staying(drawn(35, 90, 60), 2, 9, 3))["by_seat"]
    # Player 2 won when player 3 left at 30: it was last seen to stay at 30, which is below 35 and 60. Had it left with
    # player 3, the lot would have given it the object at 20.
    assert [facts[f"player_{i}"]["hindsight"] for i in (1, 2, 3)] == [None, 70, None]
    assert GAME.facts(staying(drawn(30, 90, 60), 2, 9, 3))["by_seat"]["player_1"]["hindsight"] == 0


# -- theory -------------------------------------------------------------------------------------------------------


def test_the_odds_of_staying_are_those_of_counting_through_all_cases() -> None:
    fields = config(top=30, reserve=10)  # prices 10, 20, 30
    stays = [np.array([0, 1, 1, 3, 2]), np.array([0, 2, 3, 3, 1])]  # for how many prices two others stay
    odds = GAME.odds(fields, [shares(levels, 4) for levels in stays])
    win, pay = np.zeros(4), np.zeros(4)
    cases = list(itertools.product(*stays, itertools.permutations(range(3))))
    for own in range(4):
        for first, second, order in cases:
            winner, price = GAME.outcome(fields, order, [(1.0,) * count for count in (own, int(first), int(second))])
            win[own] += winner == 0
            pay[own] += price * (winner == 0)
    np.testing.assert_allclose(odds.win, win / len(cases), atol=1e-12)
    np.testing.assert_allclose(odds.pay, pay / len(cases), atol=1e-9)


@pytest.mark.parametrize("increment", [1, 5, 20])
def test_staying_for_ones_value_is_within_an_increment_of_the_best_and_of_the_sealed_auctions_revenue(
    increment: int,
) -> None:
    fields = config(increment=increment)
    levels = GAME.levels(fields, Bidding())
    odds = GAME.odds(fields, [shares(levels, len(fields.prices) + 1)] * 2)
    assert 0 <= best(odds, 10_000) - follow(odds, levels) < increment * 100 / 3
    assert GAME.equilibrium(fields)[1] == pytest.approx(revenue(3, 100), abs=increment / 2)


def test_anchors_against_a_scripted_bidder_are_expectations_over_all_rounds() -> None:
    policy = Scripted("player_2", strategy="shaded", factor=0.5)
    found = GAME.benchmarks(config(bidders=2, rounds=3, increment=1), Item(), {"player_2": policy})
    # The other leaves at v / 2: the gain is E max(x - v / 2, 0) = 1/2 - 1/4 + E max(v / 2 - x, 0) = 1/4 + 1/24.
    assert found["best_response/player_1"].value == pytest.approx(3 * 100 * (1 / 4 + 1 / 24), abs=3)
    assert found["random_response/player_1"].value < found["best_response/player_1"].value
    assert found["equilibrium/player_1"].value == pytest.approx(3 * 100 / 6, abs=3)
    assert GAME.benchmarks(config(horizon_told=False), Item(), {})["revenue"].value is None


@pytest.mark.parametrize(("strategy", "stays"), [("truthful", 6), ("equilibrium", 6), ("shaded", 3)])
def test_the_scripted_bidder_stays_as_long_as_theory_says_it_does(strategy: str, stays: int) -> None:
    player = Scripted("player_2", strategy=strategy)
    bidding = Bidding.model_validate(dict(player.agent.config))
    state, stayed = drawn(100, 50), 0
    assert GAME.levels(state.config, bidding)[5000] == stays
    while player(state) == Stay():
        state, stayed = GAME.apply(state, dict.fromkeys(("player_1", "player_2"), Stay())), stayed + 1
    assert stayed == stays


def test_a_move_is_appraised_by_what_it_gains_if_all_others_leave_now() -> None:
    state = GAME.apply(drawn(35, 60), dict.fromkeys(("player_1", "player_2"), Stay()))
    assert GAME.appraise(state, "player_1", Stay()).utility == 25
    assert GAME.appraise(state, "player_1", Leave()).utility == 0
