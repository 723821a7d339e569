"""Ultimatum, dictator and trust: their rules, what is measured, and theory against brute force."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from typing import Any

import pytest
import sandbox_env_games.sharing as module
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_games.bargaining import Bargaining, BargainingConfig
from sandbox_env_games.rounds import Pass, Say
from sandbox_env_games.sharers import Threshold, ThresholdConfig
from sandbox_env_games.sharing import Accept, Dictator, Give, Offer, Reject, Return, Send, Trust, Ultimatum

from sandbox.checks import check_scenario
from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Move, moves, read
from sandbox.play import Play
from sandbox.scenario import Benchmark, Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

ULTIMATUM, DICTATOR, TRUST = Ultimatum(), Dictator(), Trust()
Game = Ultimatum | Dictator | Trust
GAMES: list[Game] = [ULTIMATUM, DICTATOR, TRUST]


def start(game: Game, **fields: Any) -> Any:
    return game.initial(game.Config.model_validate(fields), Item())  # type: ignore[arg-type]  # its own config


def after(game: Game, state: Any, *made: Move) -> Any:
    for move in made:
        (seat,) = game.to_move(state)
        state = game.apply(state, {seat: move})
    return state


class Counterpart:
    """`baselines/threshold` in a seat, as the runner gives it to `benchmarks`."""

    def __init__(self, game: Game, share: float, known: bool = True) -> None:
        if known:
            self.agent = AgentSpec(id="baselines/threshold", name="t", config={"share": share})
        self._game = game
        self._player = Threshold(ThresholdConfig(share=share))

    def __call__(self, state: Any) -> Move:
        play = Play(self._game, state.config, Item(), 0)
        play.state = state
        return self._player.act(play.turn(self._game.to_move(state)[0], 0))


def anchors(game: Game, counterparts: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Benchmark]:
    config = game.Config.model_validate(fields)
    return dict(game.benchmarks(config, Item(), counterparts or {}))  # type: ignore[arg-type]  # its own config


def values(found: Mapping[str, Benchmark], *names: str) -> list[float | None]:
    return [found[name].value for name in names]


# -- contract -----------------------------------------------------------------------------------------------------


HIDDEN = {"messages": True, "horizon_told": False}
SETTINGS = [(game, config) for config in (HIDDEN, {}, {"rounds": 3}) for game in (Trust, Dictator, Ultimatum)]


@pytest.mark.parametrize(("game", "config"), first_plain(SETTINGS))
def test_the_game_keeps_the_contract(game: type[Game], config: dict[str, Any]) -> None:
    check_scenario(game, config, cycles=60, episodes=5)


def test_the_examples_of_the_docstrings_run() -> None:
    assert doctest.testmod(module).failed == 0


# -- rules --------------------------------------------------------------------------------------------------------


def test_an_accepted_offer_divides_the_money_and_a_rejected_one_leaves_nothing() -> None:
    state = after(ULTIMATUM, start(ULTIMATUM, rounds=2), Offer(amount=3.33), Accept(), Offer(amount=0.01), Reject())
    assert ULTIMATUM.payoffs(state) == {"proposer": 6.67, "responder": 3.33}
    assert ULTIMATUM.to_move(state) == ()


def test_a_dictator_keeps_what_it_does_not_give_and_the_recipient_is_paid_without_a_seat() -> None:
    state = after(DICTATOR, start(DICTATOR, rounds=2), Give(amount=2.5), Give(amount=0))
    assert DICTATOR.seats(state.config) == ("dictator",)
    assert DICTATOR.payoffs(state) == {"dictator": 17.5}
    assert DICTATOR.facts(state)["payoffs"] == {"dictator": 17.5, "recipient": 2.5}
    assert DICTATOR.facts(state)["by_seat"] == {"dictator": {"given_share": 0.125, "hindsight": 20}}


def test_a_recipient_who_may_speak_has_a_seat_and_nothing_else_to_do() -> None:
    state = start(DICTATOR, messages=True)
    state = DICTATOR.apply(state, {"dictator": Say(), "recipient": Say(message="please")})
    assert DICTATOR.to_move(state) == ("dictator",)
    assert 'Recipient sent a message, saying "please".' in DICTATOR.render(DICTATOR.observe(state, "dictator"))
    assert DICTATOR.payoffs(after(DICTATOR, state, Give(amount=4))) == {"dictator": 6, "recipient": 4}


def test_what_is_sent_is_multiplied_and_a_part_of_it_comes_back() -> None:
    state = after(TRUST, start(TRUST), Send(amount=10), Return(amount=15))
    assert TRUST.payoffs(state) == {"investor": 15, "trustee": 25}
    state = after(TRUST, start(TRUST, endowments=[5, 0], multiplier=4), Send(amount=0.35), Return(amount=1.4))
    assert TRUST.payoffs(state) == {"investor": 6.05, "trustee": 0}


def test_a_trustee_who_received_nothing_does_not_move() -> None:
    state = after(TRUST, start(TRUST, rounds=2), Send(amount=0))
    assert TRUST.to_move(state) == ("investor",)
    assert TRUST.payoffs(state) == {"investor": 10, "trustee": 10}
    assert "the trustee received 0.00 and returned 0.00" in TRUST.render(TRUST.observe(state, "trustee"))


def test_a_round_without_an_answer_is_void_and_is_no_rejection() -> None:
    state = after(ULTIMATUM, start(ULTIMATUM, rounds=3), Pass(), Offer(amount=5), Pass(), Offer(amount=5), Accept())
    facts = ULTIMATUM.facts(state)
    assert facts["payoffs"] == {"proposer": 5, "responder": 5}
    assert facts["measures"] == {"offer_share": 0.5, "acceptance": 1}
    assert facts["by_seat"]["responder"]["hindsight"] == 10
    assert "Round 2: the responder gave no valid answer, so the round was void" in ULTIMATUM.render(
        ULTIMATUM.observe(state, "responder")
    )
    state = after(TRUST, start(TRUST, rounds=2), Send(amount=1), Pass(), Pass())
    assert TRUST.payoffs(state) == {"investor": 0, "trustee": 0}
    assert TRUST.facts(state)["by_seat"]["trustee"] == {"returned_share": None, "repaid": None, "hindsight": 13}


def test_what_a_trustee_receives_is_no_more_than_a_move_can_carry() -> None:
    with pytest.raises(ValueError, match="endowment times multiplier"):
        start(TRUST, endowments=[10**9, 0])
    state = after(TRUST, start(TRUST, endowments=[10**7, 0], multiplier=100), Send(amount=10**7))
    assert TRUST.payoffs(after(TRUST, state, Return(amount=10**9)))["investor"] == 10**9


def test_players_of_several_rounds_are_told_that_money_and_roles_are_the_same_in_each() -> None:
    for game in (ULTIMATUM, DICTATOR, TRUST):
        one, many = (game.render(game.observe(start(game, rounds=rounds), game.roles[0])) for rounds in (1, 2))
        assert "all keep their roles" in many
        assert "roles" not in one


def test_measures_are_shares_of_what_there_was() -> None:
    made = [Offer(amount=4), Accept(), Offer(amount=3), Reject(), Offer(amount=2), Accept()]
    facts = ULTIMATUM.facts(after(ULTIMATUM, start(ULTIMATUM, rounds=3), *made))
    assert facts["measures"] == {"offer_share": pytest.approx(0.3), "acceptance": pytest.approx(2 / 3)}
    assert facts["by_seat"]["responder"] == {
        "acceptance": pytest.approx(2 / 3),
        "least_accepted": 0.2,
        "greatest_rejected": 0.3,
        "hindsight": 9,
    }
    assert facts["by_seat"]["proposer"] == {"offer_share": pytest.approx(0.3), "hindsight": None}
    made = [Send(amount=10), Return(amount=12), Send(amount=5), Return(amount=0), Send(amount=0)]
    facts = TRUST.facts(after(TRUST, start(TRUST, rounds=3), *made))
    assert facts["measures"] == {"sent_share": 0.5, "returned_share": pytest.approx(12 / 45), "repaid": 0.8}
    assert facts["by_seat"]["trustee"]["hindsight"] == 3 * 10 + 45
    assert TRUST.facts(start(TRUST))["measures"] == {"sent_share": None, "returned_share": None, "repaid": None}


@pytest.mark.parametrize("amount", [10.01, 3.333, -1, float("nan"), True, "ten", None])
def test_an_amount_that_is_no_part_of_the_money_is_an_error(amount: Any) -> None:
    for game, kind in ((ULTIMATUM, "offer"), (DICTATOR, "give"), (TRUST, "send")):
        state = start(game)
        menu = game.menu(state, game.roles[0])
        assert isinstance(read(menu, game.action, {"kind": kind, "amount": amount}), InvalidAction)


def test_no_more_can_be_returned_than_was_received() -> None:
    state = after(TRUST, start(TRUST), Send(amount=0.03))
    menu = TRUST.menu(state, "trustee")
    assert read(menu, TRUST.action, {"kind": "return", "amount": 0.09}) == Return(amount=0.09)
    wrong = read(menu, TRUST.action, {"kind": "return", "amount": 0.1})
    assert isinstance(wrong, InvalidAction)
    assert "amount: 0 to 0.09" in wrong.message


def test_a_player_is_told_what_it_decides_and_what_happened_in_dollars() -> None:
    state = after(ULTIMATUM, start(ULTIMATUM, rounds=2), Offer(amount=2.5), Accept(), Offer(amount=0.3))
    told = ULTIMATUM.render(ULTIMATUM.observe(state, "responder"))
    assert "Round 1: the proposer offered 2.50, the responder accepted it. You got 2.50." in told
    assert "Your payoff so far is 2.5. The proposer offers you 0.30 of 10 dollars." in told
    state = after(TRUST, start(TRUST), Send(amount=4))
    told = TRUST.render(TRUST.observe(state, "trustee"))
    assert "The investor sent 4.00, so you received 12.00 dollars." in told


def test_moves_are_appraised_by_what_they_pay_at_once() -> None:
    assert ULTIMATUM.appraise(start(ULTIMATUM), "proposer", Offer(amount=4)).utility == 6
    offered = after(ULTIMATUM, start(ULTIMATUM), Offer(amount=4))
    assert [ULTIMATUM.appraise(offered, "responder", move).utility for move in (Accept(), Reject())] == [4, 0]
    assert DICTATOR.appraise(start(DICTATOR), "dictator", Give(amount=4)).features["shared"] == 0.4
    assert TRUST.appraise(start(TRUST), "investor", Send(amount=4)).utility == 6
    sent = after(TRUST, start(TRUST), Send(amount=4))
    assert TRUST.appraise(sent, "trustee", Return(amount=6)).utility == 16


@settings(max_examples=30)
@given(st.data())
def test_no_round_makes_or_loses_money_but_by_rejection_or_trust(data: st.DataObject) -> None:
    game: Game = data.draw(st.sampled_from(GAMES))
    state = start(game, rounds=2)
    while seats := game.to_move(state):
        made = data.draw(st.sampled_from(list(moves(game.menu(state, seats[0])))))
        state = game.apply(state, {seats[0]: made})
    facts = game.facts(state)
    total = sum(facts["payoffs"].values())
    sent = sum(past.acts[0][0] for past in state.history) / 100
    refused = sum(10 for past in state.history if past.acts[-1] == (0.0,)) if game is ULTIMATUM else 0
    assert total == pytest.approx(40 + 2 * sent if game is TRUST else 20 - refused)
    for seat, found in facts["by_seat"].items():
        assert found["hindsight"] is None or found["hindsight"] >= facts["payoffs"][seat] - 1e-9


# -- theory -------------------------------------------------------------------------------------------------------


def test_the_equilibria_are_those_of_backward_induction() -> None:
    found = anchors(ULTIMATUM, rounds=3)
    assert values(found, "equilibrium/proposer", "equilibrium/responder", "welfare") == [30, 0, 30]
    assert values(found, "equilibrium_low/proposer", "equilibrium_high/responder") == [29.97, 0.03]
    assert values(found, "disagreement/proposer", "random/proposer", "random/responder") == [0, 7.5, 7.5]
    found = anchors(DICTATOR)
    assert values(found, "equilibrium/dictator", "equilibrium/recipient", "welfare") == [10, 0, 10]
    assert values(found, "best_response/dictator", "random_response/dictator") == [10, 5]
    found = anchors(TRUST)
    assert values(found, "equilibrium/investor", "equilibrium/trustee", "welfare") == [10, 10, 40]
    assert values(found, "random/investor", "random/trustee") == [12.5, 17.5]


def test_an_untold_horizon_leaves_an_equilibrium_to_the_dictator_only() -> None:
    for game, seat, value in ((ULTIMATUM, "proposer", None), (TRUST, "trustee", None), (DICTATOR, "dictator", 20)):
        assert anchors(game, rounds=2, horizon_told=False)[f"equilibrium/{seat}"].value == value


SHARES = st.decimals(0, 1, places=3).map(float)


@pytest.mark.slow
@settings(max_examples=25)
@given(SHARES)
def test_the_best_answer_to_a_sharer_is_what_looking_at_every_cent_finds(share: float) -> None:
    for game, fields in ((ULTIMATUM, {"money": 1}), (TRUST, {"endowments": [1, 1]})):
        first, second = game.roles
        counterpart = Counterpart(game, share)
        found = anchors(game, {second: counterpart}, **fields)
        kind = Offer if game is ULTIMATUM else Send
        best = max(paid(game, start(game, **fields), kind(amount=cent / 100), counterpart) for cent in range(101))
        assert found[f"best_response/{first}"].value == pytest.approx(best)
        tenths = [paid(game, start(game, **fields), kind(amount=tenth / 10), counterpart) for tenth in range(11)]
        assert found[f"random_response/{first}"].value == pytest.approx(sum(tenths) / 11)
        opened = after(game, start(game, **fields), counterpart(start(game, **fields)))
        found = anchors(game, {first: counterpart}, **fields)
        if game.to_move(opened):
            options = [game.payoffs(after(game, opened, move))[second] for move in moves(game.menu(opened, second))]
            assert found[f"best_response/{second}"].value == pytest.approx(max(options))
            assert found[f"random_response/{second}"].value == pytest.approx(sum(options) / len(options))


def paid(game: Game, state: Any, move: Move, counterpart: Counterpart) -> float:
    """What the first role gets for a move that the counterpart answers."""
    state = after(game, state, move)
    if game.to_move(state):
        state = after(game, state, counterpart(state))
    return game.payoffs(state)[game.roles[0]]


@pytest.mark.slow
def test_a_counterpart_that_theory_does_not_know_is_met_move_by_move() -> None:
    found = anchors(ULTIMATUM, {"responder": Counterpart(ULTIMATUM, 0.25, known=False)}, rounds=2)
    assert found["best_response/proposer"].value == 14  # of the listed offers, 30 % is the least that is accepted
    assert "listed moves" in found["best_response/proposer"].assumes
    assert found["random_response/proposer"].error is not None
    found = anchors(TRUST, {"investor": Counterpart(TRUST, 0.5, known=False)}, rounds=20)
    assert found["best_response/trustee"].value is None
    assert values(anchors(TRUST, {}), "best_response/trustee") == [None]


# -- the scripted sharer ------------------------------------------------------------------------------------------


def test_a_sharer_gives_its_share_and_accepts_from_it_on() -> None:
    assert Counterpart(ULTIMATUM, 0.333)(start(ULTIMATUM)) == Offer(amount=3.33)
    assert Counterpart(DICTATOR, 0.3)(start(DICTATOR)) == Give(amount=3)
    assert Counterpart(TRUST, 1)(start(TRUST)) == Send(amount=10)
    assert Counterpart(TRUST, 0.5)(after(TRUST, start(TRUST), Send(amount=0.33))) == Return(amount=0.49)
    for offer, answer in ((0.29, Reject()), (0.3, Accept())):
        state = after(ULTIMATUM, start(ULTIMATUM, money=1), Offer(amount=offer))
        assert Counterpart(ULTIMATUM, 0.3)(state) == answer
    talk = Play(TRUST, TRUST.Config.model_validate({"messages": True}), Item(), 0).turn("trustee", 0)
    assert Threshold(ThresholdConfig()).act(talk) == Say()
    with pytest.raises(InputError, match="games/Trust-v0 only"):
        Threshold(ThresholdConfig()).act(Play(Bargaining(), BargainingConfig(), Item(), 0).turn("alice", 0))
