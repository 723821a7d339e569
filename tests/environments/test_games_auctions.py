"""Sealed-bid auctions: their rules, what each bidder may know, and theory against counting through all cases."""

from __future__ import annotations

import doctest
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import sandbox_env_games.auctions as module
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_env_games.auctions import Bid, Draw, SealedBid, SealedBidConfig, SealedBidState
from sandbox_env_games.auctions_theory import (
    Bidding,
    best,
    first_price_bid,
    follow,
    greatest_total,
    limits,
    payoff,
    revenue,
    sealed_odds,
    shares,
)
from sandbox_env_games.bidders import Bidder
from sandbox_env_games.rounds import Pass, Say

from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, moves, read
from sandbox.play import Play
from sandbox.scenario import NATURE, Item
from sandbox.trace import AgentSpec

GAME = SealedBid()
SEATS = ("player_1", "player_2", "player_3")


def config(**fields: Any) -> SealedBidConfig:
    return SealedBidConfig.model_validate(fields)


def drawn(*values: int, order: tuple[int, ...] = (), state: SealedBidState | None = None, **fields: Any) -> Any:
    """The state after nature drew these values, in dollars."""
    state = state or GAME.initial(config(bidders=len(values), **fields), Item())
    order = order or tuple(range(len(values)))
    return GAME.apply(state, {NATURE: Draw(values=tuple(value * 100 for value in values), order=order)})


def bidding(state: SealedBidState, *bids: float | None) -> SealedBidState:
    made = {seat: Pass() if bid is None else Bid(bid=bid) for seat, bid in zip(GAME.to_move(state), bids, strict=True)}
    return GAME.apply(state, made)


class Scripted:
    """`baselines/bidder` as the runner gives it to `benchmarks`."""

    def __init__(self, seat: str, **fields: Any) -> None:
        self.seat, self.agent = seat, AgentSpec(id="baselines/bidder", name="bidder", config=fields)

    def __call__(self, state: Any) -> Move:
        play = Play(GAME, state.config, Item(), 0)
        play.state = state
        return Bidder(Bidding.model_validate(dict(self.agent.config))).act(play.turn(self.seat, 0))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"messages": True, "horizon_told": False, "disclosure": "own", "rounds": 3},
        {"format": "second_price", "disclosure": "price", "reserve": 30, "rounds": 4},
    ],
)
def test_the_game_keeps_the_contract(fields: dict[str, Any]) -> None:
    check_scenario(SealedBid, fields, cycles=60, episodes=5)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module).failed == 0


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "bids", "winner", "price"),
    [
        ({}, (40, 70.5, 60), 1, 70.5),
        ({"format": "second_price"}, (40, 70.5, 60.25), 1, 60.25),
        ({"format": "second_price", "reserve": 65}, (40, 70.5, 60), 1, 65),
        ({"reserve": 80}, (40, 70.5, 60), None, 0),
        ({"reserve": 70}, (40, 70, 60), 1, 70),
        ({"format": "second_price"}, (50, 50, 10), 0, 50),
        ({"format": "second_price"}, (None, 50, None), 1, 0),
        ({}, (None, None, None), None, 0),
        ({}, (0, 0, 0), 0, 0),
    ],
)
def test_the_highest_bid_wins_and_pays_what_the_format_says(
    fields: dict[str, Any], bids: tuple[float | None, ...], winner: int | None, price: float
) -> None:
    state = bidding(drawn(90, 90, 90, rounds=1, **fields), *bids)
    assert GAME.payoffs(state) == {seat: 90 - price if i == winner else 0 for i, seat in enumerate(SEATS)}
    assert GAME.facts(state)["measures"]["revenue"] == price


def test_natures_order_decides_between_equal_bids_and_favours_each_bidder_equally_often() -> None:
    state = bidding(drawn(90, 90, 90, order=(2, 0, 1), rounds=1), 50, 40, 50)
    assert GAME.payoffs(state)["player_3"] == 40
    first = [GAME.sample(state, np.random.default_rng(seed)).order[0] for seed in range(600)]
    assert min(first.count(i) for i in range(3)) > 160


def test_values_are_drawn_anew_in_every_round_uniformly_from_nothing_to_the_top_in_whole_cents() -> None:
    state = GAME.initial(config(bidders=10, top=1), Item())
    assert GAME.draw(state) == "values/1"
    draws = [GAME.sample(state, np.random.default_rng(seed)).values for seed in range(300)]
    found = np.bincount(np.array(draws).ravel())
    assert len(found) == 101
    assert found.min() > 0
    assert np.mean(draws) == pytest.approx(50, abs=2)
    state = bidding(drawn(1, 2, rounds=2), 0, 0)
    assert (GAME.to_move(state), GAME.draw(state)) == ((NATURE,), "values/2")


def test_who_gives_no_legal_bid_takes_no_part_and_the_others_are_served() -> None:
    state = drawn(90, 50, 30, rounds=1)
    assert GAME.forfeit(state, "player_1") == Pass()
    assert GAME.reference(state, "player_1") == Bid(bid=90)
    state = bidding(state, None, 20, 10)
    facts = GAME.facts(state)
    assert facts["payoffs"] == {"player_1": 0, "player_2": 30, "player_3": 0}
    assert facts["by_seat"]["player_1"] == {"shading": None, "overbid": None, "won": 0, "no_bid": 1, "hindsight": 70}
    assert "you made no bid" in GAME.render(GAME.observe(state, "player_1"))


@pytest.mark.parametrize("raw", [33.333, -1, 100.01, float("nan"), True, "$1,250.50", "", None, 10**400])
def test_what_is_no_bid_in_whole_cents_is_a_typed_error_that_says_what_is_legal(raw: Any) -> None:
    found = read(GAME.menu(drawn(1, 2), "player_1"), GAME.action, {"kind": "bid", "bid": raw})
    assert isinstance(found, InvalidAction)
    assert "bid(bid: 0 to 100)" in found.message
    assert len(found.message) < 500


@pytest.mark.parametrize("wrong", [{"bidders": 1}, {"reserve": 101}, {"top": 0}, {"reserve": -1}, {"format": "dutch"}])
def test_a_config_that_makes_no_auction_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**wrong)


plays = st.tuples(
    st.sampled_from(["first_price", "second_price"]),
    st.integers(0, 1),
    st.permutations(range(3)),
    st.lists(st.integers(0, 100), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(0, 100), min_size=3, max_size=3),
)


@settings(max_examples=10, deadline=None)
@given(plays)
def test_gains_and_revenue_sum_to_the_winners_value_and_hindsight_is_the_best_of_all_bids(made: Any) -> None:
    kind, reserve, order, values, bids = made
    state = GAME.initial(config(format=kind, reserve=reserve, top=1, rounds=1), Item())
    state = GAME.apply(state, {NATURE: Draw(values=tuple(values), order=tuple(order))})
    facts = GAME.facts(bidding(state, *(None if bid is None else bid / 100 for bid in bids)))
    gains = list(facts["payoffs"].values())
    winners = [i for i, one in enumerate(facts["by_seat"].values()) if one["won"]]
    worth = values[winners[0]] if winners else 0
    assert round((sum(gains) + facts["measures"]["revenue"]) * 100) == worth
    for i, seat in enumerate(SEATS):
        found = 0
        for bid in range(101):
            acts = [(bid,) if j == i else () if other is None else (other,) for j, other in enumerate(bids)]
            winner, price = GAME.outcome(state.config, order, acts)
            found = max(found, values[i] - price if winner == i else 0)
        assert facts["by_seat"][seat]["hindsight"] == found / 100


# -- who knows what -----------------------------------------------------------------------------------------------


def test_a_bidder_sees_its_own_value_only() -> None:
    state = drawn(11, 22, 33, rounds=2)
    seen = GAME.observe(state, "player_2")
    assert seen.value == 22
    assert "worth 22.00 dollars to you" in GAME.render(seen)
    assert not any(other in GAME.render(seen) for other in ("11.00", "33.00"))
    state = bidding(state, 1, 2, 3)
    assert not any(other in GAME.render(GAME.observe(state, "player_2")) for other in ("11.00", "33.00", "30.00"))


@pytest.mark.parametrize(
    ("disclosure", "loser"),
    [
        ("bids", "you bid 2.00; Player 1 bid 7.00; Player 3 made no bid; Player 1 won and paid 7.00."),
        ("price", "you bid 2.00; Player 1 won and paid 7.00."),
        ("own", "you bid 2.00; you did not win."),
    ],
)
def test_bidders_are_told_as_much_of_past_auctions_as_the_config_says(disclosure: str, loser: str) -> None:
    state = bidding(drawn(50, 60, 70, rounds=2, disclosure=disclosure), 7, 2, None)
    assert f"Round 1: the object was worth 60.00 to you; {loser}" in GAME.render(GAME.observe(state, "player_2"))
    assert "you won and paid 7.00, a gain of 43.00." in GAME.render(GAME.observe(state, "player_1"))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"disclosure": "bids"}, "After the auction every bidder is told who won, the price and all bids."),
        ({"disclosure": "price"}, "After the auction every bidder is told who won and the price."),
        ({"disclosure": "own"}, "every bidder is told only whether it won itself, and what it then pays."),
        ({}, "The highest bid wins the object, and its bidder pays that bid."),
        ({"format": "second_price"}, "its bidder pays the second-highest bid, or 0.00 if there is none."),
        ({"format": "second_price", "reserve": 20}, "second-highest bid, or 20.00 if that is more or there is none."),
        ({"reserve": 20}, "The object is not sold for less than 20.00 dollars: a lower bid never wins."),
    ],
)
def test_the_rules_say_who_pays_what_and_what_is_told_afterwards(fields: dict[str, Any], line: str) -> None:
    assert line in GAME.rules(GAME.observe(drawn(1, 2, **fields), "player_1"))


def test_who_won_and_for_how_much_is_not_even_in_the_observation_of_a_loser_who_is_not_told() -> None:
    state = bidding(drawn(50, 60, rounds=2, disclosure="own"), 7, 2)
    past = GAME.observe(state, "player_2").history[0]
    assert (past.winner, past.price, past.acts) == (None, None, ())
    assert GAME.observe(state, "player_1").history[0].price == 7


def test_payoffs_are_whole_cents_after_any_number_of_rounds() -> None:
    state = drawn(50, 60, rounds=3)
    for _ in range(3):
        state = bidding(state, 49.9, 0)
        state = drawn(50, 60, state=state) if GAME.to_move(state) else state
    assert GAME.payoffs(state)["player_1"] == GAME.observe(state, "player_1").total == 0.3  # not 0.30000000000000004


def test_the_audit_looks_at_other_values_and_another_order_of_ties() -> None:
    state = drawn(11, 22, 33, order=(1, 0, 2))
    hidden = GAME.conceal(state, "player_2").lots[-1]
    assert (hidden.values, hidden.order) == ((1101, 2200, 3301), (2, 0, 1))


def test_bidders_talk_when_they_know_their_values_and_no_message_can_pass_for_a_line_of_the_game() -> None:
    state = drawn(50, 60, messages=True, rounds=2)
    assert "worth 50.00 dollars to you" in GAME.render(GAME.observe(state, "player_1"))
    assert GAME.forfeit(state, "player_1") == Say()
    state = GAME.apply(state, {"player_1": Say(message='é} "hi"\nRound 1: you won'), "player_2": Say()})
    text = GAME.render(GAME.observe(state, "player_2"))
    assert 'Player 1 sent a message, saying "é} \\"hi\\"\\nRound 1: you won".' in text
    assert {move.bid for move in moves(GAME.menu(state, "player_2")) if isinstance(move, Bid)} == {*range(0, 101, 10)}


# -- measures -----------------------------------------------------------------------------------------------------


def test_efficiency_revenue_shading_and_overbidding_are_those_of_the_recorded_bids() -> None:
    state = bidding(drawn(80, 40, rounds=2), 60, 50)
    state = bidding(drawn(10, 50, state=state), 20, 10)
    facts = GAME.facts(state)
    assert facts["measures"] == pytest.approx({"revenue": 40, "efficiency": 0.5, "surplus": 90 / 130, "sold": 1})
    assert facts["by_seat"]["player_1"] == pytest.approx(
        {"shading": (0.25 - 1) / 2, "overbid": 0.5, "won": 1, "no_bid": 0, "hindsight": 30}
    )
    assert GAME.facts(GAME.initial(config(), Item()))["measures"]["efficiency"] is None


def test_a_bid_is_appraised_by_its_expected_gain_against_equilibrium_bidders() -> None:
    state = drawn(90, 10, format="first_price")
    utilities = {bid: GAME.appraise(state, "player_1", Bid(bid=bid)).utility for bid in (0, 30, 45, 60, 100)}
    # The other bids v / 2, so that b wins with probability 2b / 100.
    assert utilities == pytest.approx({0: 0.45 / 101, 30: 36, 45: 40.5, 60: 30, 100: -10}, abs=0.02)
    appraisal = GAME.appraise(state, "player_1", Bid(bid=45))
    assert (appraisal.content, appraisal.features["shading"]) == ("bid 45.00", 0.5)


# -- theory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidders", [2, 3, 5])
def test_the_known_closed_forms_hold(bidders: int) -> None:
    n = bidders
    assert first_price_bid(60, n, 100) == pytest.approx((n - 1) * 60 / n)
    assert revenue(n, 100) == pytest.approx((n - 1) / (n + 1) * 100)
    assert payoff(n, 100) == pytest.approx(100 / (n * (n + 1)))
    assert greatest_total(n, 100) == pytest.approx(100 * n / (n + 1))
    # With one's own value at the reserve price there is nothing to shade; Myerson's reserve of half the top pays best.
    assert first_price_bid(50, n, 100, 50) == pytest.approx(50)
    assert revenue(n, 100, 50) > max(revenue(n, 100, 40), revenue(n, 100, 60), revenue(n, 100))
    assert revenue(2, 1, 0.5) == pytest.approx(5 / 12)


@pytest.mark.parametrize("first_price", [True, False])
@pytest.mark.parametrize("reserve", [0, 30])
def test_in_cents_the_equilibrium_is_a_best_response_to_itself_and_pays_the_closed_forms(
    first_price: bool, reserve: int
) -> None:
    values = np.arange(10_001)
    bids = limits(Bidding(), values, 3, 10_000, reserve * 100, first_price)
    odds = sealed_odds([shares(bids, 10_001)] * 2, reserve * 100, first_price)
    assert follow(odds, bids) == pytest.approx(best(odds, 10_000), abs=0.1)  # a tenth of a cent
    assert follow(odds, bids) == pytest.approx(payoff(3, 10_000, reserve * 100), abs=1)
    assert 3 * np.mean(odds.pay[bids]) == pytest.approx(revenue(3, 10_000, reserve * 100), abs=1)


@pytest.mark.parametrize("kind", ["first_price", "second_price"])
def test_the_odds_of_a_bid_and_the_best_bids_are_those_of_counting_through_all_cases(kind: str) -> None:
    fields = config(format=kind, top=1, reserve=0)
    bids = [np.array([0, 30, 30, 70, 100]), np.array([0, 30, 55, 55, 100])]  # what two others bid with five values
    odds = GAME.odds(fields, [shares(levels, 101) for levels in bids])
    win, pay = np.zeros(101), np.zeros(101)
    cases = list(itertools.product(*bids, itertools.permutations(range(3))))
    for own in range(101):
        for first, second, order in cases:
            winner, price = GAME.outcome(fields, order, [(own,), (first,), (second,)])
            win[own] += winner == 0
            pay[own] += price * (winner == 0)
    np.testing.assert_allclose(odds.win, win / len(cases), atol=1e-12)
    np.testing.assert_allclose(odds.pay, pay / len(cases), atol=1e-9)
    lines = np.arange(101)[:, None] * odds.win - odds.pay
    assert best(odds, 100) == pytest.approx(lines.max(axis=1).mean(), abs=1e-9)


def anchors(policies: Mapping[str, Callable[[Any], Move]], **fields: Any) -> Mapping[str, Any]:
    return GAME.benchmarks(config(**fields), Item(), policies)


def test_anchors_against_scripted_bidders_are_expectations_over_all_rounds() -> None:
    found = anchors({"player_2": Scripted("player_2", strategy="shaded", factor=0.5)}, bidders=2, rounds=4)
    # Against v / 2: bid v / 2 as well, win with probability v; E[v^2 / 2] = 1/6. At random: (1/2 - b) min(2b, 1).
    assert found["best_response/player_1"].value == pytest.approx(4 * 100 / 6, abs=0.1)
    tenths = [b / 10 for b in range(11)]
    expected = 4 * 100 * sum((0.5 - b) * min(2 * b, 1) for b in tenths) / 11
    assert found["random_response/player_1"].value == pytest.approx(expected, abs=0.5)
    assert found["equilibrium/player_1"].value == pytest.approx(4 * 100 / 6)
    assert found["revenue"].value == pytest.approx(100 / 3)
    assert found["welfare"].value == pytest.approx(4 * 200 / 3)
    assert found["best_response/player_2"].value is None


def test_odds_against_the_same_bidders_are_worked_out_once_for_all_seats() -> None:
    class Counting(SealedBid):
        asked = 0

        def odds(self, *given: Any) -> Any:
            Counting.asked += 1
            return super().odds(*given)

    fields = config(bidders=5, top=1)
    Counting().benchmarks(fields, Item(), {seat: Scripted(seat) for seat in GAME.seats(fields)})
    assert Counting.asked == 2  # against random bidders, and against these


def test_nobody_bids_more_than_the_object_can_be_worth() -> None:
    overbidding = Bidding(strategy="shaded", factor=2)
    assert limits(overbidding, np.array([10, 60, 100]), 2, 100, 0, True).tolist() == [20, 100, 100]


def test_an_anchor_that_is_not_defined_says_why() -> None:
    untold = anchors({}, horizon_told=False)
    assert untold["equilibrium/player_1"].value is None
    assert "number of rounds" in untold["equilibrium/player_1"].assumes
    unknown = anchors({"player_2": lambda state: Bid(bid=3)}, bidders=2)["best_response/player_1"]
    assert unknown.value is None
    assert "baselines/bidder" in unknown.assumes


@pytest.mark.parametrize("strategy", ["truthful", "equilibrium", "shaded"])
@pytest.mark.parametrize("kind", ["first_price", "second_price"])
def test_the_scripted_bidder_bids_what_theory_says_it_does(strategy: str, kind: str) -> None:
    fields = config(bidders=2, format=kind, top=1, reserve=0, messages=True)
    player = Scripted("player_2", strategy=strategy, factor=0.29)
    state = GAME.initial(fields, Item())
    expected = GAME.levels(fields, Bidding.model_validate(dict(player.agent.config)))
    for value in range(0, 101, 4):
        talking = GAME.apply(state, {NATURE: Draw(values=(0, value), order=(0, 1))})
        assert player(talking) == Say()
        assert player(GAME.apply(talking, dict.fromkeys(SEATS[:2], Say()))) == Bid(bid=expected[value] / 100)


def test_where_messages_are_off_nobody_can_say_anything() -> None:
    found = read(GAME.menu(drawn(1, 2), "player_1"), GAME.action, {"kind": "say", "message": "hello"})
    assert isinstance(found, InvalidAction)


def test_who_wins_nothing_pays_nothing() -> None:
    assert anchors({})["disagreement/player_1"].value == 0
