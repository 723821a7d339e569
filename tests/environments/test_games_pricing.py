"""Markets with few firms: known numbers, rules, what firms are told, and best play against scripted ones."""

from __future__ import annotations

import doctest
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_env_games import bertrand, cournot, logit
from sandbox_env_games.anchors import best_response
from sandbox_env_games.bertrand import BertrandGame
from sandbox_env_games.cournot import CournotGame
from sandbox_env_games.firms import Firm
from sandbox_env_games.logit import LogitPricing
from sandbox_env_games.markets import Pricing
from sandbox_env_games.pricing_theory import (
    Bertrand,
    Conduct,
    Cournot,
    Logit,
    Market,
    Rivals,
    UnknownError,
    random_profit,
)
from sandbox_env_games.rounds import Pass, Say
from scipy.optimize import minimize_scalar

from sandbox.checks import check_scenario
from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Move, moves, read
from sandbox.play import Play
from sandbox.scenario import Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

GAMES: tuple[Pricing[Any, Any], ...] = (CournotGame(), BertrandGame(), LogitPricing())
MARKETS: tuple[Market, ...] = (Cournot(2, 10, 100, 1), Bertrand(2, 10, 100, 1), Logit(2, 1, 2, 0, 0.25))
GAME = {"cournot": GAMES[0], "bertrand": GAMES[1], "logit": GAMES[2]}
each_game = pytest.mark.parametrize("game", GAMES, ids=lambda game: game.id)
each_market = pytest.mark.parametrize("market", MARKETS, ids=lambda market: type(market).__name__)


def start(game: Pricing[Any, Any], **fields: Any) -> Any:
    return game.initial(game.Config.model_validate(fields), Item())


def acting(game: Pricing[Any, Any], state: Any, *acts: float | None) -> Any:
    made = {
        seat: Pass() if act is None else game.move(act) for seat, act in zip(game.to_move(state), acts, strict=True)
    }
    return game.apply(state, made)


class Scripted:
    """`baselines/firm` as the runner gives it to `benchmarks`."""

    def __init__(self, game: Pricing[Any, Any], seat: str, **fields: Any) -> None:
        self.game, self.seat, self.fields = game, seat, fields
        self.agent = AgentSpec(id="baselines/firm", name="firm", config=fields)

    def __call__(self, state: Any) -> Move:
        play = Play(self.game, state.config, Item(), 0)
        play.state = state
        return Firm(Conduct.model_validate(self.fields)).act(play.turn(self.seat, 0))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@each_game
def test_the_games_keep_the_contract(game: Pricing[Any, Any]) -> None:
    for fields in (
        {"firms": 3, "messages": True, "horizon_told": False, "disclosure": "own", "rounds": 3},
        {"disclosure": "profits", "rounds": 4},
    ):
        check_scenario(type(game), fields, cycles=60, episodes=5)


@pytest.mark.parametrize("module", [cournot, bertrand, logit])
def test_the_examples_of_the_docstrings_run(module: Any) -> None:
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


# -- known numbers ------------------------------------------------------------------------------------------------


def test_cournots_duopoly_is_the_known_one() -> None:
    market = Cournot(2, 10, 100, 1)
    assert (market.nash, market.price(30, [30]), market.nash_profit) == (30, 40, 900)
    assert market.price(market.monopoly, [market.monopoly]) == 55
    assert market.monopoly_profit == 2025 / 2
    assert Cournot(5, 10, 100, 1).nash == 15


def test_the_logit_duopoly_is_that_of_calvano_et_al() -> None:
    market = Logit(2, 1, 2, 0, 0.25)
    assert market.nash == pytest.approx(1.472927, abs=5e-7)
    assert market.monopoly == pytest.approx(1.924981, abs=5e-7)
    assert market.nash_profit == pytest.approx(0.222927, abs=5e-7)
    assert market.monopoly_profit == pytest.approx(0.337490, abs=5e-7)
    assert (len(market.listed), market.highest) == (15, 4)


@pytest.mark.parametrize("firms", [2, 3])
def test_bertrands_equilibria_in_cents_are_cost_and_a_cent_above(firms: int) -> None:
    assert Bertrand(firms, 10, 20, 1).stage_prices() == [10, 10.01]
    assert Bertrand(firms, 10, 100, 1).monopoly == 55


@each_market
def test_the_index_of_collusion_is_0_in_equilibrium_1_at_monopoly_and_is_not_clipped(market: Market) -> None:
    assert market.collusion(market.nash_profit) == 0
    assert market.collusion(market.monopoly_profit) == 1
    assert market.collusion(market.nash_profit - 1) < -1e-4


@each_market
def test_no_firm_gains_by_leaving_the_equilibrium_and_no_common_act_earns_more_than_monopoly(market: Market) -> None:
    acts = [number * market.highest / 2000 for number in range(2001)]
    others = [market.nash]
    assert max(float(market.profit(act, others)) for act in acts) <= market.nash_profit + 1e-9
    assert max(market.shared(act) for act in acts) <= market.monopoly_profit + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 3), st.floats(0, 3), st.sampled_from([0.1, 0.25, 1.0]), st.integers(1, 4))
def test_a_best_reply_is_what_numerical_optimisation_finds(first: float, second: float, mu: float, c: int) -> None:
    others = [first, second]
    for market in (Logit(3, c, 2, 0, mu), Cournot(3, c, 10, 2)):

        def loss(act: float, market: Market = market) -> float:
            return -float(market.profit(act, others))

        found = minimize_scalar(loss, bounds=(0, 30), method="bounded", options={"xatol": 1e-9})
        assert market.best(others) == pytest.approx(max(0.0, -found.fun), rel=1e-6, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=3))
def test_bertrands_best_reply_is_that_of_looking_at_all_prices(others: list[int]) -> None:
    market = Bertrand(len(others) + 1, 1, 3, 1)
    prices = [price / 100 for price in others]
    assert market.best(prices) == pytest.approx(max(0.0, *(market.profit(own / 100, prices) for own in range(301))))


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("game", "acts", "gains"),
    [
        ("cournot", (30, 30), (900, 900)),
        ("cournot", (60, 60), (-600, -600)),  # the price is 0, not negative
        ("cournot", (None, 45), (0, 2025)),
        ("bertrand", (55, 54.99), (0, 44.99 * 45.01)),
        ("bertrand", (55, 55), (1012.5, 1012.5)),
        ("bertrand", (5, 55), (-5 * 95, 0)),
        ("bertrand", (None, 55), (0, 2025)),
        ("bertrand", (None, None), (0, 0)),
        ("logit", (1.924981, 1.924981), (0.33749, 0.33749)),
        ("logit", (None, 1), (0, 0)),
    ],
)
def test_profits_are_those_of_the_rules_and_who_does_nothing_leaves_the_market_to_the_others(
    game: str, acts: tuple[float | None, ...], gains: tuple[float, ...]
) -> None:
    state = acting(GAME[game], start(GAME[game], rounds=1), *acts)
    assert list(GAME[game].payoffs(state).values()) == pytest.approx(gains, abs=1e-6)


def test_a_firm_alone_in_the_logit_market_sells_more() -> None:
    game = LogitPricing()
    alone = acting(game, start(game, rounds=1), 1.5, None).totals[0]
    assert alone > acting(game, start(game, rounds=1), 1.5, 1.5).totals[0]
    assert alone == pytest.approx(0.5 * np.exp(2) / (np.exp(2) + 1))


@pytest.mark.parametrize("fields", [{"a": -1, "a0": 3}, {"a": 0, "a0": 5, "mu": 0.05}, {"a": -2, "a0": 2, "mu": 0.25}])
def test_a_market_that_leaves_nothing_to_be_gained_by_collusion_has_no_index_of_it(fields: dict[str, float]) -> None:
    game = LogitPricing()
    state = start(game, **{"rounds": 1, "mu": 0.1, **fields})
    move = game.reference(state, "player_1")
    assert "collusive" not in game.appraise(state, "player_1", move).features
    facts = game.facts(acting(game, state, *[game.act_of(move)] * 2))
    assert facts["measures"]["collusion"] is facts["by_seat"]["player_1"]["collusion"] is None
    assert len({game.act_of(move) for move in moves(game.menu(state, "player_1"))}) == 15


def test_no_listed_price_is_below_0_however_far_monopoly_is_from_equilibrium() -> None:
    game = LogitPricing()
    listed = [game.act_of(move) for move in moves(game.menu(start(game, mu=0.05, c=0), "player_1"))]
    assert min(listed) == 0


@each_game
def test_a_missing_answer_is_a_pass_and_is_never_legal(game: Pricing[Any, Any]) -> None:
    state = start(game)
    assert game.forfeit(state, "player_1") == Pass()
    assert isinstance(read(game.menu(state, "player_1"), game.action, {"kind": "pass"}), InvalidAction)


@each_game
def test_a_hypothetical_market_goes_on_with_the_equilibriums_acts(game: Pricing[Any, Any]) -> None:
    state = start(game, rounds=2, messages=True)
    while seats := game.to_move(state):
        state = game.apply(state, {seat: game.reference(state, seat) for seat in seats})
    assert game.facts(state)["measures"]["collusion"] == pytest.approx(0, abs=1e-4)


@each_game
@pytest.mark.parametrize("raw", [-1, 1e12, float("nan"), True, "$1,250.50", "", None, [5]])
def test_what_is_no_act_is_a_typed_error_that_says_what_is_legal(game: Pricing[Any, Any], raw: Any) -> None:
    menu = game.menu(start(game), "player_1")
    field = "price" if start(game).config.market.sets_prices else "quantity"
    found = read(menu, game.action, {field: raw})
    assert isinstance(found, InvalidAction)
    assert f"({field}: 0 to " in found.message
    assert len(found.message) < 500


def test_bertrands_prices_are_whole_cents() -> None:
    menu = GAMES[1].menu(start(GAMES[1]), "player_1")
    assert isinstance(read(menu, GAMES[1].action, {"price": 10.005}), InvalidAction)
    assert not isinstance(read(menu, GAMES[1].action, {"price": 10.05}), InvalidAction)


def test_the_listed_acts_hold_what_theory_names() -> None:
    listed = [[game.act_of(move) for move in moves(game.menu(start(game), "player_1"))] for game in GAMES]
    assert {22.5, 30, 45} <= set(listed[0])
    assert {10, 55, 100} <= set(listed[1])
    assert (listed[2][0], listed[2][-1]) == pytest.approx((1.472927 - 0.0452054, 1.924981 + 0.0452054), abs=1e-6)


@pytest.mark.parametrize(
    ("game", "wrong"),
    [
        ("cournot", {"a": 5}),
        ("cournot", {"b": 0}),
        ("cournot", {"b": 1e-8}),  # quantities would be above what a move may be
        ("cournot", {"b": 1e6}),  # they would be next to none
        ("cournot", {"a": 1.0000000000000002, "c": 1}),
        ("bertrand", {"b": 5e-324}),
        ("bertrand", {"a": 10.5}),
        ("logit", {"mu": 0}),
        ("logit", {"firms": 1}),
    ],
)
def test_a_config_that_makes_no_market_is_refused(game: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        start(GAME[game], **wrong)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(GAMES),
    st.lists(st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=3),
)
def test_no_more_is_sold_than_demanded_and_hindsight_is_never_less_than_the_payoff(
    game: Pricing[Any, Any], rounds: list[list[float | None]]
) -> None:
    state = start(game, firms=3, rounds=len(rounds))
    market = state.config.market
    for parts in rounds:
        acts = [None if part is None else round(part * market.highest, 2) for part in parts]
        state = acting(game, state, *acts)
        known = [act for act in acts if act is not None]
        sold = [market.sold(act, known[:i] + known[i + 1 :]) for i, act in enumerate(known)]
        if market.sets_prices and known:
            assert sum(sold) <= (1 if isinstance(market, Logit) else (100 - min(known))) + 1e-9
    facts = game.facts(state)
    for seat, payoff in facts["payoffs"].items():
        assert facts["by_seat"][seat]["hindsight"] >= payoff - 1e-9


# -- what firms are told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disclosure", "line"),
    [
        ("own", "you asked 50.00, sold 25 and earned 1000."),
        ("acts", "you asked 50.00, sold 25 and earned 1000; Player 2 asked 50.00; Player 3 did nothing."),
        (
            "profits",
            "you asked 50.00, sold 25 and earned 1000; Player 2 asked 50.00 and earned 1000; "
            "Player 3 did nothing and earned 0.",
        ),
    ],
)
def test_firms_are_told_as_much_of_the_others_as_the_config_says(disclosure: str, line: str) -> None:
    game = GAMES[1]
    state = acting(game, start(game, firms=3, rounds=2, disclosure=disclosure), 50, 50, None)
    seen = game.observe(state, "player_1")
    assert f"Round 1: {line}\n" in game.render(seen) + "\n"
    assert bool(seen.history[0].gains) == (disclosure == "profits")
    assert bool(seen.history[0].acts) == (disclosure != "own")


def test_in_cournots_market_all_see_the_price() -> None:
    game = GAMES[0]
    text = game.render(game.observe(acting(game, start(game, disclosure="own"), 20, 47.5), "player_1"))
    assert "Round 1: you produced 20; the price was 32.5; you earned 450." in text
    assert "47.5" not in text


@each_game
def test_the_rules_name_every_parameter_and_the_bound(game: Pricing[Any, Any]) -> None:
    text = game.render(game.observe(start(game), "player_1"))
    wanted = {"games/Cournot-v0": "100 less 1 times", "games/Bertrand-v0": "100.00 less that price) divided by 1."}
    assert wanted.get(game.id, "exp((2 - price) / 0.25)") in text
    assert f"from 0 to {start(game).config.market.highest:g}." in text
    assert "round 1 of 10" in text


@pytest.mark.parametrize(
    ("disclosure", "told"),
    [
        ("own", "its own result only."),
        ("acts", "its own result and what every other firm chose."),
        ("profits", "what every firm chose and earned."),
    ],
)
def test_the_rules_say_what_firms_are_told(disclosure: str, told: str) -> None:
    game = GAMES[2]
    assert f"every firm is told {told}" in game.rules(game.observe(start(game, disclosure=disclosure), "player_1"))


@pytest.mark.parametrize("fields", [{"a": 200, "b": 3}, {"a": 1e6, "b": 0.0081}])
def test_the_bound_that_is_told_is_legal(fields: dict[str, float]) -> None:
    game = GAMES[0]
    state = start(game, **fields)
    told = game.now(game.observe(state, "player_1")).rsplit(" ", 1)[1].rstrip(".")
    assert not isinstance(read(game.menu(state, "player_1"), game.action, {"quantity": told}), InvalidAction)
    assert float(told) >= fields["a"] / fields["b"]


def test_what_was_earned_in_the_rounds_sums_to_the_payoff_that_is_told() -> None:
    game = GAMES[1]
    text = game.render(game.observe(acting(game, start(game, a=1000), 50.37, 900), "player_1"))
    assert "you asked 50.37, sold 949.63 and earned 38336.5631;" in text
    assert "Your payoff so far is 38336.5631." in text


def test_the_audit_finds_an_act_that_a_firm_is_not_told() -> None:
    class Leaking(BertrandGame):
        def _view(self, past: Any, config: Any, own: int) -> Any:
            return super()._view(past, config, own).model_copy(update={"acts": past.acts})

    for acts in ((50, 60), (60, 50), (50, 100)):
        for game, same in ((GAMES[1], True), (Leaking(), False)):
            state = acting(game, start(game, disclosure="own"), *acts)
            hidden = game.conceal(state, "player_1")
            assert (game.observe(hidden, "player_1") == game.observe(state, "player_1")) == same


def test_the_audit_finds_a_profit_that_a_firm_is_not_told() -> None:
    game = GAMES[0]
    state = acting(game, start(game, disclosure="acts"), 30, 20)
    hidden = game.conceal(state, "player_1")
    assert hidden.history[0].acts == state.history[0].acts
    assert hidden.history[0].gains[0] == state.history[0].gains[0]
    assert hidden.history[0].gains[1] != state.history[0].gains[1]


def test_talk_comes_before_acts_and_cannot_pass_for_a_line_of_the_game() -> None:
    game = GAMES[2]
    state = game.apply(start(game, messages=True), {"player_1": Say(message="1.92?\nRound 9: x"), "player_2": Say()})
    assert 'Player 1 sent a message, saying "1.92?\\nRound 9: x".' in game.render(game.observe(state, "player_2"))


# -- measures -----------------------------------------------------------------------------------------------------


def test_collusion_and_mean_price_are_of_the_rounds_that_are_over() -> None:
    game = GAMES[0]
    state = start(game, rounds=3)
    assert game.facts(state)["measures"] == {"collusion": None, "mean_price": None}
    state = acting(game, acting(game, state, 22.5, 22.5), 30, 30)
    facts = game.facts(state)
    assert facts["measures"] == {"collusion": 0.5, "mean_price": 47.5}
    assert facts["by_seat"]["player_1"] == {
        "collusion": 0.5,
        "mean_quantity": 26.25,
        "absent": 0,
        "hindsight": 1139.0625 + 900,
    }
    facts = game.facts(acting(game, state, None, 45))
    assert facts["by_seat"]["player_1"]["absent"] == pytest.approx(1 / 3)
    assert facts["by_seat"]["player_2"]["collusion"] == pytest.approx(((1012.5 + 900 + 2025) / 3 - 900) / 112.5)
    lowest = acting(GAMES[1], start(GAMES[1]), 40, 30)
    assert GAMES[1].facts(lowest)["measures"]["mean_price"] == 30


def test_an_act_is_appraised_against_what_the_others_last_did() -> None:
    game = GAMES[0]
    state = start(game)
    first = game.appraise(state, "player_1", game.move(22.5))
    assert (first.utility, first.content, first.features["collusive"]) == (37.5 * 22.5, "produced 22.5", 1)
    after = acting(game, state, 30, 10)
    assert game.appraise(after, "player_1", game.move(30)).utility == 50 * 30


# -- best play against scripted firms -----------------------------------------------------------------------------


CONDUCTS = [
    (game, conduct)
    for game in GAMES
    for conduct in ("best_reply", "grim", "undercut", "nash", "monopoly")
    if (game.id, conduct) != ("games/Cournot-v0", "undercut")
]


@pytest.mark.parametrize(
    ("game", "conduct"), first_plain(CONDUCTS), ids=lambda one: one if isinstance(one, str) else one.id
)
def test_theory_follows_the_scripted_firm_as_it_plays(game: Pricing[Any, Any], conduct: str) -> None:
    config = game.Config.model_validate({"rounds": 3})
    policy = Scripted(game, "player_2", conduct=conduct)
    found = game.benchmarks(config, Item(), {"player_2": policy})
    listed = list(moves(game.menu(game.initial(config, Item()), "player_1")))

    def payoff(path: tuple[Move, ...]) -> float:
        state = game.initial(config, Item())
        for move in path:
            state = game.apply(state, {"player_1": move, "player_2": policy(state)})
        return game.payoffs(state)["player_1"]

    paths = list(itertools.product(listed[::2], listed[1::3], listed[::4]))
    best = found["best_response/player_1"].value
    assert best >= max(map(payoff, paths)) - 1e-9
    some = Rivals(config.market, (Conduct.model_validate({"conduct": conduct}),))
    assert best == pytest.approx(some.best(3))
    config = game.Config.model_validate({"rounds": 2})
    mean = np.mean([payoff(path) for path in itertools.product(listed, repeat=2)])
    assert some.random(2) == pytest.approx(mean, rel=1e-9)


def test_best_play_against_constant_firms_is_the_best_reply_in_every_round() -> None:
    game = GAMES[0]
    config = game.Config.model_validate({"rounds": 3})
    policy = Scripted(game, "player_2", conduct="nash")
    assert game.benchmarks(config, Item(), {"player_2": policy})["best_response/player_1"].value == 2700
    assert best_response(game, config, Item(), "player_1", {"player_2": policy}) == 2700  # the act is a listed one


def test_best_play_against_cournots_best_replier_solves_the_first_order_conditions() -> None:
    rounds = 10
    # Maximise the sum of (90 - y_t - r_t) y_t, where r_1 = 30 and r_(t+1) = (90 - y_t) / 2.
    matrix = -2 * np.eye(rounds) + 0.5 * (np.eye(rounds, k=1) + np.eye(rounds, k=-1))
    constant = np.array([60.0, *[45.0] * (rounds - 1)])
    acts = np.linalg.solve(matrix, -constant)
    expected = constant @ acts + acts @ matrix @ acts / 2
    found = Rivals(Cournot(2, 10, 100, 1), (Conduct(conduct="best_reply"),)).best(rounds)
    assert found == pytest.approx(expected, rel=1e-7)
    assert found > 9000


@pytest.mark.parametrize("conduct", first_plain(["undercut", "best_reply"]))
def test_best_play_in_cents_is_that_of_looking_at_all_sequences(conduct: str) -> None:
    market = Bertrand(2, 0, 1, 1)
    rivals = Rivals(market, (Conduct.model_validate({"conduct": conduct}),))
    prices = [price / 100 for price in range(101)]
    later = [max(market.profit(own, rivals.react(last)) for own in prices) for last in prices]
    first = [market.profit(own, rivals.first) + value for own, value in zip(prices, later, strict=True)]
    assert rivals.best(2) == pytest.approx(max(first), abs=1e-12)


def test_against_a_grim_firm_it_is_best_to_collude_until_the_last_round() -> None:
    rivals = Rivals(Logit(2, 1, 2, 0, 0.25), (Conduct(conduct="grim"),))
    assert rivals.best(10) == pytest.approx(9 * 0.33749046 + 0.41169488, abs=1e-6)


def test_where_theory_cannot_follow_the_firms_it_says_why() -> None:
    market = Cournot(3, 10, 100, 1)
    for kinds, reason in ((("best_reply", "best_reply"), "several firms react"), (("grim", "nash"), "watches firms")):
        with pytest.raises(UnknownError, match=reason):
            Rivals(market, tuple(Conduct.model_validate({"conduct": kind}) for kind in kinds))
    game = GAMES[0]
    config = game.Config()
    found = game.benchmarks(config, Item(), {"player_2": lambda state: game.move(3)})["best_response/player_1"]
    assert (found.value, "baselines/firm" in found.assumes) == (None, True)
    assert game.benchmarks(config, Item(), {})["random_response/player_1"].value is None


def test_a_game_without_a_told_end_has_no_one_equilibrium() -> None:
    for game in GAMES:
        found = game.benchmarks(game.Config(horizon_told=False), Item(), {})
        assert found["equilibrium/player_1"].value is None
        assert "folk theorem" in found["equilibrium/player_1"].assumes
    told = GAMES[1].benchmarks(GAMES[1].Config(rounds=10), Item(), {})
    assert told["equilibrium_low/player_1"].value == 0
    assert told["equilibrium/player_1"].value == pytest.approx(10 * 89.99 * 0.01 / 2)
    assert told["welfare"].value == 20250


def test_where_a_unit_costs_nothing_flooding_the_market_is_an_equilibrium_too() -> None:
    found = GAMES[0].benchmarks(GAMES[0].Config(c=0, rounds=2), Item(), {})
    assert (found["equilibrium/player_1"].value, found["equilibrium_low/player_1"].value) == (
        pytest.approx(2 * 10_000 / 9),
        0,
    )
    assert "only equilibrium with a price above 0" in found["equilibrium/player_1"].assumes
    market = Cournot(3, 0, 200, 3)
    assert market.best([market.highest] * 2) == market.shared(market.highest) == 0


def test_best_play_against_the_same_firms_is_worked_out_once_for_all_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Bertrand, "sequence", lambda market, *given: asked.append(given) or 0.0)
    kinds = {"player_1": "nash", "player_2": "undercut", "player_3": "nash"}
    policies = {seat: Scripted(GAMES[1], seat, conduct=kind) for seat, kind in kinds.items()}
    GAMES[1].benchmarks(GAMES[1].Config(firms=3, a=17), Item(), policies)
    assert len(asked) == 1


def test_random_play_is_exact_for_few_firms_and_simulated_with_its_error_for_many() -> None:
    exact, error = random_profit(Cournot(2, 10, 100, 1))
    # Quantities 0, 7.5, ... 90: the mean of (max(100 - x - y, 0) - 10) x.
    listed = np.arange(13) * 7.5
    assert exact == pytest.approx(((np.maximum(100 - listed - listed[:, None], 0) - 10) * listed).mean())
    assert error is None
    few, many = random_profit(Bertrand(4, 10, 100, 1)), random_profit(Bertrand(5, 10, 100, 1))
    assert few[1] is None
    assert many[1] is not None
    assert many[1] < 10
    assert many[0] < few[0]


# -- scripted firms -----------------------------------------------------------------------------------------------


def test_a_grim_firm_colludes_until_it_is_undercut_and_never_again() -> None:
    game = GAMES[2]
    policy = Scripted(game, "player_2", conduct="grim")
    state = start(game)
    assert policy(state) == game.move(1.924981)
    state = acting(game, state, 1.924981, 1.924981)
    state = acting(game, acting(game, state, 2, 1.924981), None, 1.924981)
    assert policy(state) == game.move(1.924981)
    state = acting(game, acting(game, state, 1.92, 1.924981), 2, 1.472927)
    assert policy(state) == game.move(1.472927)


def test_an_undercutting_firm_goes_below_the_lowest_price_but_not_to_cost() -> None:
    game = GAMES[1]
    policy = Scripted(game, "player_2", conduct="undercut", step=0.5)
    assert policy(start(game)) == game.move(55)
    assert policy(acting(game, start(game), 40, 55)) == game.move(39.5)
    assert policy(acting(game, start(game), 3, 55)) == game.move(10.5)
    assert policy(acting(game, start(game), 90, 55)) == game.move(55)
    assert policy(acting(game, start(game), None, 55)) == game.move(55)


def test_a_best_replying_firm_answers_the_last_round() -> None:
    policy = Scripted(GAMES[0], "player_2", conduct="best_reply")
    assert policy(start(GAMES[0])) == GAMES[0].move(30)
    assert policy(acting(GAMES[0], start(GAMES[0]), 10, 30)) == GAMES[0].move(40)
    assert policy(acting(GAMES[0], start(GAMES[0]), None, 30)) == GAMES[0].move(45)
    assert policy(start(GAMES[0], messages=True)) == Say()


def test_a_firm_that_cannot_play_by_its_rule_says_so() -> None:
    blind = start(GAMES[0], disclosure="own")
    with pytest.raises(InputError, match="disclosure: acts"):
        Scripted(GAMES[0], "player_2", conduct="grim")(blind)
    with pytest.raises(InputError, match="game of prices"):
        Scripted(GAMES[0], "player_2", conduct="undercut")(start(GAMES[0]))


@pytest.mark.parametrize(
    ("game", "fields", "conduct", "reason"),
    [
        ("cournot", {}, {"conduct": "undercut"}, "game of prices"),
        ("bertrand", {}, {"conduct": "undercut", "step": 0.001}, "set at least 0.01"),
        ("logit", {"disclosure": "own"}, {"conduct": "grim"}, "disclosure: acts"),
    ],
)
def test_that_a_firm_cannot_play_by_its_rule_is_found_before_play(
    game: str, fields: dict[str, Any], conduct: dict[str, Any], reason: str
) -> None:
    policy = Scripted(GAME[game], "player_2", **conduct)
    with pytest.raises(InputError, match=reason):
        GAME[game].benchmarks(GAME[game].Config.model_validate(fields), Item(), {"player_2": policy})


@each_game
@pytest.mark.parametrize("firms", [2, 4])
def test_the_disagreement_is_what_a_firm_has_against_rivals_who_do_their_worst(game: Pricing[Any], firms: int) -> None:
    config = game.Config(firms=firms, rounds=3)
    found = game.benchmarks(config, Item(), {})["disagreement/player_1"].value
    market, acts = config.market, np.linspace(0, config.market.highest, 2001)
    least = min(
        max(float(market.profit(act, [others] * (firms - 1))) for act in acts)
        for others in np.linspace(0, market.highest, 21)
    )
    assert found == pytest.approx(3 * max(0.0, least), rel=1e-3)
