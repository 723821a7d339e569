"""Bargaining: its rules against recorded games, its theory against known numbers, its players against brute force."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sandbox_env_games.bargaining as module
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_env_games.bargainers import Rubinstein
from sandbox_env_games.bargaining import (
    OTHER,
    SEATS,
    Accept,
    Bargaining,
    BargainingConfig,
    BargainingState,
    Offer,
    Pass,
    Reject,
    proposer,
)
from sandbox_env_games.bargaining_theory import equilibrium_claims, infinite_share, meeting, subgame_perfect

from sandbox.agent import NoConfig
from sandbox.checks import check_scenario
from sandbox.menu import Forfeit, InvalidAction, Move, holds, moves, read, tools
from sandbox.play import Play
from sandbox.scenario import Item

GAME = Bargaining()
DATA = Path(__file__).parent.parent / "data"


def config(**fields: Any) -> BargainingConfig:
    return BargainingConfig.model_validate(fields)


def start(**fields: Any) -> BargainingState:
    return GAME.initial(config(**fields), Item())


def after(state: BargainingState, *made: Move) -> BargainingState:
    for move in made:
        (seat,) = GAME.to_move(state)
        state = GAME.apply(state, {seat: move})
    return state


def policy_of(act: Callable[[Any], Move]) -> Callable[[BargainingState], Move]:
    """A player of turns as a policy over states, as the runner makes it."""

    def policy(state: BargainingState) -> Move:
        play = Play(GAME, state.config, Item(), 0)
        play.state = state
        return act(play.turn(GAME.to_move(state)[0], 0))

    return policy


rubinstein = policy_of(Rubinstein(NoConfig()).act)


def played(players: Mapping[str, Callable[[BargainingState], Move]], state: BargainingState) -> BargainingState:
    while seats := GAME.to_move(state):
        state = GAME.apply(state, {seats[0]: players[seats[0]](state)})
    return state


# -- contract -----------------------------------------------------------------------------------------------------


def test_the_game_keeps_the_contract_with_everything_hidden_and_messages_on() -> None:
    hidden = {"information": "incomplete", "horizon_told": False, "messages": True, "rounds": 3}
    check_scenario(Bargaining, hidden, cycles=100, episodes=10)


@pytest.mark.slow
def test_the_game_without_a_last_round_keeps_the_contract() -> None:
    check_scenario(Bargaining, {"rounds": None, "messages": True}, cycles=100, episodes=10)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module).failed == 0


# -- rules --------------------------------------------------------------------------------------------------------


def records(name: str) -> Iterator[dict[str, Any]]:
    with (DATA / f"glee_bargaining_{name}.jsonl").open() as lines:
        yield from map(json.loads, lines)


def replay(case: Mapping[str, Any]) -> BargainingState:
    args = case["args"]
    state = start(
        money=args["money_to_divide"],
        deltas=[args["delta_1"], args["delta_2"]],
        rounds=args["max_rounds"],
        information="complete" if args["complete_information"] else "incomplete",
        messages=args["messages_allowed"],
    )
    for record in case["moves"]:
        assert GAME.to_move(state) == (record["proposer"].lower(),)
        for raw in ({"kind": "offer", "alice_gain": record["alice_gain"]}, {"kind": record["decision"]}):
            (seat,) = GAME.to_move(state)
            move = read(GAME.menu(state, seat), GAME.action, raw)
            assert isinstance(move, Move), move
            state = GAME.apply(state, {seat: move})
        bob = next(past.bob_gain for past in state.history if past.round == record["round"])
        assert bob == pytest.approx(record["bob_gain"], abs=1e-9)
    assert GAME.to_move(state) == ()
    return state


@pytest.mark.parametrize("case", list(records("cases")), ids=lambda case: case["game_id"])
def test_a_recorded_glee_game_replays_to_its_published_scores(case: dict[str, Any]) -> None:
    expected = next(score for score in records("expected") if score["game_id"] == case["game_id"])
    state = replay(case)
    facts, payoffs = GAME.facts(state), GAME.payoffs(state)
    found = {
        "u1": facts["u_alice"],
        "u2": facts["u_bob"],
        "efficiency": facts["efficiency"],
        "money_1": facts["money_alice"],
        "money_2": facts["money_bob"],
    }
    assert facts["payoffs"] == payoffs == {"alice": facts["money_alice"], "bob": facts["money_bob"]}
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-9)
    if expected["fairness"] is None:
        assert facts["fairness"] is None
        assert not facts["deal"]
    else:
        assert facts["fairness"] == pytest.approx(expected["fairness"], abs=1e-9)
        assert facts["round"] == expected["rounds"]
    args = case["args"]
    share = subgame_perfect((args["delta_1"], args["delta_2"]), args["max_rounds"])
    assert share == pytest.approx(expected["theory"]["spe_u1"], abs=1e-9)


def test_there_are_44_recorded_games() -> None:
    assert len(list(records("cases"))) == len(list(records("expected"))) == 44


games = st.builds(
    config,
    money=st.integers(1, 10**9),
    deltas=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
    rounds=st.integers(1, 6),
    messages=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(games, st.data())
def test_gains_sum_exactly_to_the_money_and_a_deal_pays_its_discounted_share(
    game: BargainingConfig, data: st.DataObject
) -> None:
    state = GAME.initial(game, Item())
    while GAME.to_move(state):
        (seat,) = GAME.to_move(state)
        if state.offer is None:
            cents = data.draw(st.integers(0, game.cents))
            move: Move = Offer(alice_gain=cents / 100)
            assert holds(GAME.menu(state, seat), move)
        else:
            move = data.draw(st.sampled_from([Accept(), Reject()]))
        before = GAME.state_hash(state)
        following = GAME.apply(state, {seat: move})
        assert GAME.state_hash(state) == before
        state = following
        if state.offer is not None:
            assert state.offer == cents
            seen = GAME.observe(state, "bob")
            assert seen.alice_gain is not None
            assert seen.bob_gain is not None
            assert round(seen.alice_gain * 100) + round(seen.bob_gain * 100) == game.money * 100
        stored = GAME.state_type.validate_json(GAME.state_type.dump_json(state))
        assert stored == state
    payoffs = GAME.payoffs(state)
    assert all(GAME.facts(state)["by_seat"][seat]["hindsight"] >= payoffs[seat] for seat in SEATS)
    if state.deal:
        assert state.offer is not None
        assert payoffs["alice"] == pytest.approx(state.offer / 100 * game.deltas[0] ** (state.round - 1))
        assert payoffs["bob"] == pytest.approx((game.cents - state.offer) / 100 * game.deltas[1] ** (state.round - 1))
    else:
        assert payoffs == {"alice": 0, "bob": 0}


def test_a_field_that_came_later_is_written_only_where_it_is_set() -> None:
    """Keys and hashes of older records are of what is written."""
    assert set(config().model_dump()) == {"money", "deltas", "rounds", "horizon_told", "information", "messages"}
    assert config(variant="published").model_dump()["variant"] == "published"
    assert "unlimited" not in GAME.observe(start(), "alice").model_dump()
    assert GAME.observe(start(rounds=None), "alice").model_dump()["unlimited"] is True


def test_without_a_last_round_only_an_agreement_ends_the_game() -> None:
    state = start(rounds=None)
    for _ in range(200):
        state = after(state, Offer(alice_gain=50), Reject())
    assert GAME.to_move(state) == ("alice",)
    assert GAME.payoffs(state) == {"alice": 0, "bob": 0}
    state = after(state, Offer(alice_gain=50), Accept())
    assert GAME.to_move(state) == ()
    assert GAME.payoffs(state)["bob"] == pytest.approx(50 * 0.95**200)


def test_that_there_is_no_last_round_is_said_where_it_is_told() -> None:
    told, untold = start(rounds=None), start(rounds=None, horizon_told=False)
    assert "There is no last round: as long as every offer is rejected, the game goes on" in GAME.render(
        GAME.observe(told, "alice")
    )
    limited = start(rounds=3, horizon_told=False)
    assert GAME.observe(untold, "bob") == GAME.observe(limited, "bob")


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_the_published_variant_credits_bob_with_everything_where_there_is_no_deal(rounds: int) -> None:
    """As GLEE's released metrics do, which take alice's 0 for an agreed share."""
    end = start(rounds=rounds, variant="published", money=200)
    for _ in range(rounds):
        end = after(end, Offer(alice_gain=100), Reject())
    facts = GAME.facts(end)
    assert (facts["deal"], facts["round"], facts["u_alice"], facts["fairness"]) == (False, None, 0, 0)
    assert facts["u_bob"] == facts["efficiency"] == pytest.approx(0.95 ** (rounds - 1))
    assert GAME.payoffs(end) == {"alice": 0, "bob": pytest.approx(200 * 0.95 ** (rounds - 1))}


def test_the_published_variant_is_the_right_one_where_there_is_a_deal_and_before_the_end() -> None:
    ends = [
        GAME.facts(after(start(variant=variant), Offer(alice_gain=60), Reject(), *more))
        for more in [(), (Offer(alice_gain=30), Accept())]
        for variant in ("right", "published")
    ]
    assert ends[0] == ends[1]
    assert ends[2] == ends[3]


def test_hindsight_is_the_best_that_the_seat_was_ever_offered_and_never_less_than_it_got() -> None:
    made = (Offer(alice_gain=60), Reject(), Offer(alice_gain=70), Reject(), Offer(alice_gain=90), Reject())
    state = after(start(deltas=[0.9, 0.8], rounds=4), *made)
    on_the_table = after(state, Offer(alice_gain=99))
    best = {seat: found["hindsight"] for seat, found in GAME.facts(state)["by_seat"].items()}
    assert best == pytest.approx({"alice": 70 * 0.9, "bob": 40})
    assert GAME.facts(on_the_table)["by_seat"]["alice"]["hindsight"] == pytest.approx(99 * 0.9**3)
    agreed = GAME.facts(after(start(), Offer(alice_gain=100), Accept()))
    assert agreed["by_seat"] == {"alice": {"hindsight": 100}, "bob": {"hindsight": 0}}
    assert agreed["measures"] == {"efficiency": 1, "fairness": 0, "deal": 1}


def test_alice_offers_in_odd_rounds_and_bob_in_even_ones() -> None:
    state = start(rounds=3)
    movers: list[str] = []
    while seats := GAME.to_move(state):
        movers += seats
        state = after(state, Offer(alice_gain=50) if state.offer is None else Reject())
    assert movers == ["alice", "bob", "bob", "alice", "alice", "bob"]


def test_a_proposer_without_a_legal_offer_lets_the_round_pass_and_the_game_goes_on() -> None:
    state = start(rounds=2)
    assert GAME.forfeit(state, "alice") == Pass()
    state = after(state, Pass())
    assert (state.round, GAME.to_move(state)) == (2, ("bob",))
    assert GAME.observe(state, "bob").history[0].alice_gain is None
    assert "Round 1: Alice made no offer." in GAME.render(GAME.observe(state, "bob"))
    state = after(state, Forfeit())
    assert GAME.to_move(state) == ()
    assert GAME.payoffs(state) == {"alice": 0, "bob": 0}
    assert GAME.facts(state)["fairness"] is None


def test_a_responder_without_a_legal_answer_rejects() -> None:
    state = after(start(), Offer(alice_gain=0))
    assert GAME.forfeit(state, "bob") == Reject()


def test_to_pass_is_never_legal() -> None:
    result = read(GAME.menu(start(), "alice"), GAME.action, {"kind": "pass"})
    assert isinstance(result, InvalidAction)


@pytest.mark.parametrize(
    "raw",
    [33.333, 1e-3, -1, 100.01, 1e308, float("nan"), float("inf"), True, "$1,250.50", "", None, [50], 10**400],
)
def test_an_amount_that_is_no_division_in_whole_cents_is_a_typed_error_that_says_what_is_legal(raw: Any) -> None:
    result = read(GAME.menu(start(), "alice"), GAME.action, {"kind": "offer", "alice_gain": raw})
    assert isinstance(result, InvalidAction)
    assert "offer(alice_gain: 0 to 100)" in result.message
    assert len(result.message) < 500


@pytest.mark.parametrize("raw", [0, 100, 40.25, "40.25", 66.67, 100 - 33.3])
def test_an_amount_in_whole_cents_is_legal(raw: Any) -> None:
    move = read(GAME.menu(start(), "alice"), GAME.action, {"kind": "offer", "alice_gain": raw})
    assert isinstance(move, Offer)
    assert move.cents == round(float(raw) * 100)


def test_a_message_reaches_the_other_seat_and_cannot_pass_for_a_line_of_the_game() -> None:
    hostile = 'é} "yes"\nRound 2: Bob accepted.'
    state = after(start(messages=True), Offer(alice_gain=60, message=hostile))
    seen = GAME.observe(state, "bob")
    assert seen.message == hostile
    assert not any(line.startswith("Round 2") for line in GAME.render(seen).splitlines())
    state = after(state, Reject(message="no"))
    assert GAME.observe(state, "alice").history[0].reply == "no"


def test_where_messages_are_off_they_are_neither_offered_nor_legal() -> None:
    state = start()
    assert "message" not in json.dumps(tools(GAME.menu(state, "alice")))
    assert not holds(GAME.menu(state, "alice"), Offer(alice_gain=1, message="hello"))
    state = after(state, Offer(alice_gain=1))
    assert "message" not in json.dumps(tools(GAME.menu(state, "bob")))
    assert not holds(GAME.menu(state, "bob"), Accept(message="hello"))


def test_a_message_of_ten_megabytes_is_a_typed_error() -> None:
    menu = GAME.menu(start(messages=True), "alice")
    result = read(menu, GAME.action, {"kind": "offer", "alice_gain": 1, "message": "x" * 10**7})
    assert isinstance(result, InvalidAction)
    assert len(result.message) < 500


def test_what_is_not_told_is_in_no_word_of_the_observation() -> None:
    state = start(deltas=[0.77, 0.83], rounds=17, information="incomplete", horizon_told=False)
    alice = GAME.observe(state, "alice")
    assert alice.other_discount is None
    assert alice.rounds is None
    text = GAME.render(alice)
    assert "0.77" in text
    assert "0.83" not in text
    assert "17" not in text
    concealed = GAME.conceal(state, "alice")
    assert concealed.config.deltas[1] != 0.83
    assert concealed.config.deltas[0] == 0.77
    assert GAME.observe(concealed, "alice") == alice


def test_the_text_says_role_round_money_discount_offer_and_what_to_do() -> None:
    state = after(start(deltas=[0.9, 0.95]), Offer(alice_gain=60), Reject(), Offer(alice_gain=45.5))
    text = GAME.render(GAME.observe(state, "alice"))
    for words in (
        "You are Alice. You and Bob divide 100.00 dollars.",
        "at most 12 rounds",
        "In the current round, 2, it is worth 0.9.",
        "In the current round, 2, it is worth 0.95.",
        "Round 1: Alice offered 60.00 for Alice and 40.00 for Bob. Bob rejected.",
        "round 2 of 12. Bob offers 45.50 for Alice and 54.50 for Bob. It is your turn to accept or reject.",
        "you get 45.50 dollars, worth 40.95 to you",
    ):
        assert words in text


def test_a_move_is_appraised_by_what_it_gives_the_seat_if_the_game_ends_with_it() -> None:
    state = after(start(deltas=[0.9, 0.8]), Offer(alice_gain=60), Reject())
    offer = GAME.appraise(state, "bob", Offer(alice_gain=30))
    assert offer.utility == pytest.approx(70 * 0.8)
    assert offer.content == "offer 30.00"
    assert offer.features == {"own_share": 0.7, "round": 2}
    state = after(state, Offer(alice_gain=30))
    assert GAME.appraise(state, "alice", Accept()).utility == pytest.approx(30 * 0.9)
    assert GAME.appraise(state, "alice", Reject()).utility == 0


def test_a_hypothetical_game_asks_every_round() -> None:
    state, asked = start(rounds=5), 0
    while seats := GAME.to_move(state):
        move = GAME.reference(state, seats[0])
        assert holds(GAME.menu(state, seats[0]), move)
        state, asked = GAME.apply(state, {seats[0]: move}), asked + 1
    assert asked == 10


def test_the_representatives_are_eleven_tenths_of_the_money() -> None:
    (menu,) = (list(moves(GAME.menu(start(money=7), "alice"))),)
    assert [move.cents for move in menu if isinstance(move, Offer)] == [70 * tenth for tenth in range(11)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "wrong"},
        {"deltas": [0, 1]},
        {"deltas": [0.5]},
        {"deltas": [1.1, 1]},
        {"rounds": 0},
        {"money": 0},
        {"money": 0.5},
    ],
)
def test_a_config_that_makes_no_game_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**wrong)


# -- theory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deltas", "rounds", "share"),
    [
        ((0.9, 0.95), 12, 0.210118),
        ((0.9, 0.95), 25, 0.444816),
        ((0.9, 0.95), 99, 0.345131),
        ((0.9, 0.95), None, 0.344828),
        ((0.8, 0.8), 12, 0.51737806848),
        ((0.5, 0.5), 1, 1.0),
        ((1.0, 1.0), 2, 0.0),
    ],
)
def test_the_subgame_perfect_share_is_the_known_one(
    deltas: tuple[float, float], rounds: int | None, share: float
) -> None:
    digits = 5e-12 if deltas == (0.8, 0.8) else 5e-7
    assert subgame_perfect(deltas, rounds) == pytest.approx(share, abs=digits)
    assert benchmark("equilibrium/alice", deltas=deltas, rounds=rounds) == pytest.approx(share, abs=digits)
    assert benchmark("equilibrium/bob", deltas=deltas, rounds=rounds) == pytest.approx(1 - share, abs=digits)


def test_the_finite_horizon_tends_to_rubinsteins_share() -> None:
    assert infinite_share((0.9, 0.95)) == pytest.approx(0.344828, abs=5e-7)
    assert subgame_perfect((0.9, 0.95), 1001) == pytest.approx(infinite_share((0.9, 0.95)), abs=1e-12)
    assert infinite_share((1, 1)) == 0.5


@pytest.mark.parametrize("deltas", [(0.9, 0.95), (0.5, 1.0), (0.33, 0.77)])
@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_the_equilibrium_in_cents_is_that_of_brute_force_over_all_divisions(
    deltas: tuple[float, float], rounds: int
) -> None:
    cents = 60

    @cache
    def value(number: int) -> tuple[float, float]:
        """What alice and bob get, in cents of this round, when round `number` begins."""
        if number > rounds:
            return 0.0, 0.0
        following = value(number + 1)
        later = (deltas[0] * following[0], deltas[1] * following[1])
        me = SEATS.index(proposer(number))
        best: tuple[float, float] = later
        for own in range(cents + 1):
            split = (own, cents - own) if me == 0 else (cents - own, own)
            if split[1 - me] >= later[1 - me] - 1e-9 and split[me] >= best[me] - 1e-9:
                best = split
        return best

    claims = equilibrium_claims(deltas, cents, rounds)
    assert claims[0] == value(1)[0]


@pytest.mark.parametrize("rounds", [1, 2, 12, 25])
@pytest.mark.parametrize("deltas", [(0.9, 0.95), (0.8, 0.8), (1.0, 0.8), (1.0, 1.0)])
def test_two_equilibrium_players_agree_at_once_within_a_cent_a_round_of_the_equilibrium(
    deltas: tuple[float, float], rounds: int
) -> None:
    end = played({"alice": rubinstein, "bob": rubinstein}, start(deltas=deltas, rounds=rounds))
    facts = GAME.facts(end)
    assert (facts["deal"], facts["round"]) == (True, 1)
    assert facts["u_alice"] == pytest.approx(subgame_perfect(deltas, rounds), abs=1e-4 * rounds)


def test_the_equilibrium_player_accepts_when_indifferent_and_refuses_a_cent_less() -> None:
    # (.9, .95), two rounds: bob can claim all 100.00 in round 2, worth 95.00 to him now.
    assert rubinstein(after(start(deltas=[0.9, 0.95], rounds=2), Offer(alice_gain=5))) == Accept()
    assert rubinstein(after(start(deltas=[0.9, 0.95], rounds=2), Offer(alice_gain=5.01))) == Reject()


def test_the_equilibrium_player_takes_anything_in_the_last_round() -> None:
    assert rubinstein(after(start(rounds=1), Offer(alice_gain=100))) == Accept()


def test_under_incomplete_information_the_equilibrium_player_takes_the_others_factor_for_its_own() -> None:
    told = start(deltas=[0.8, 0.8], rounds=12)
    untold = start(deltas=[0.8, 0.95], rounds=12, information="incomplete")
    assert rubinstein(untold) == rubinstein(told)


def test_without_a_told_horizon_the_equilibrium_player_plays_rubinsteins_infinite_game() -> None:
    move = rubinstein(start(deltas=[0.9, 0.95], rounds=3, horizon_told=False, money=10**6))
    assert isinstance(move, Offer)
    assert move.cents / 10**8 == pytest.approx(infinite_share((0.9, 0.95)), abs=1e-7)
    even = rubinstein(start(deltas=[1, 1], horizon_told=False))
    assert even == Offer(alice_gain=50)


def uniform(generator: np.random.Generator) -> Callable[[BargainingState], Move]:
    def act(state: BargainingState) -> Move:
        options = list(moves(GAME.menu(state, GAME.to_move(state)[0])))
        return options[int(generator.integers(len(options)))]

    return act


def benchmark(name: str, policies: Mapping[str, Any] | None = None, **fields: Any) -> float | None:
    return GAME.benchmarks(config(**fields), Item(), policies or {})[name].value


def simulated(players: Mapping[str, Any], games: int = 1500, **fields: Any) -> tuple[float, float]:
    """Mean and standard error of alice's discounted share."""
    shares = [GAME.facts(played(players, start(**fields)))["u_alice"] for _ in range(games)]
    return float(np.mean(shares)), float(np.std(shares) / np.sqrt(games))


def test_random_play_earns_what_a_simulation_of_it_earns() -> None:
    exact = benchmark("random/alice", deltas=[0.9, 0.95], rounds=12)
    assert exact is not None
    assert exact == pytest.approx(0.454514, abs=1e-6)
    act = uniform(np.random.default_rng(0))
    mean, error = simulated({"alice": act, "bob": act}, deltas=[0.9, 0.95], rounds=12)
    assert abs(mean - exact) < 4 * error


def test_random_play_against_the_equilibrium_player_earns_what_a_simulation_of_it_earns() -> None:
    exact = benchmark("random_response/alice", {"bob": rubinstein}, deltas=[0.6, 0.5], rounds=4)
    assert exact is not None
    mean, error = simulated(
        {"alice": uniform(np.random.default_rng(1)), "bob": rubinstein}, deltas=[0.6, 0.5], rounds=4
    )
    assert abs(mean - exact) < 4 * error


def test_random_play_without_a_last_round_earns_what_ever_more_rounds_tend_to() -> None:
    for seat in SEATS:
        endless, long = (benchmark(f"random/{seat}", rounds=rounds) for rounds in (None, 200))
        assert endless == pytest.approx(long, abs=1e-12)
        endless, long = (
            benchmark(f"random_response/{seat}", {OTHER[seat]: taker(1234)}, rounds=rounds) for rounds in (None, 100)
        )
        assert endless == pytest.approx(long, abs=1e-9)


@pytest.mark.parametrize("rounds", [12, None])
@pytest.mark.parametrize("seat", SEATS)
def test_the_best_response_to_the_equilibrium_player_is_the_equilibrium(seat: str, rounds: int | None) -> None:
    found = GAME.benchmarks(config(money=10**6, rounds=rounds), Item(), {OTHER[seat]: rubinstein})
    best, equilibrium = found[f"best_response/{seat}"].value, found[f"equilibrium/{seat}"].value
    assert best == pytest.approx(equilibrium, abs=1e-6)
    assert found[f"best_response/{OTHER[seat]}"].value is None


def taker(least: int) -> Callable[[BargainingState], Move]:
    """Accepts from so many cents on, and always offers half."""

    def act(state: BargainingState) -> Move:
        if state.offer is None:
            return Offer(alice_gain=state.config.cents // 2 / 100)
        own = state.offer if GAME.to_move(state) == ("alice",) else state.config.cents - state.offer
        return Accept() if own >= least else Reject()

    return act


def test_the_best_response_to_a_player_with_a_threshold_claims_all_but_the_threshold_at_once() -> None:
    assert benchmark("best_response/alice", {"bob": taker(1234)}) == pytest.approx(0.8766)
    assert benchmark("best_response/bob", {"alice": taker(1234)}, deltas=[0.9, 1]) == pytest.approx(0.8766)
    assert benchmark("best_response/bob", {"alice": taker(9000)}, deltas=[0.9, 0.8]) == pytest.approx(0.5)


def test_there_is_no_best_response_to_a_player_whose_play_depends_on_what_it_was_offered_before() -> None:
    def grudging(state: BargainingState) -> Move:
        if state.history and state.history[0].alice_gain == state.config.money:
            return Offer(alice_gain=0) if state.offer is None else Reject()
        return taker(1000)(state)

    found = GAME.benchmarks(config(), Item(), {"bob": grudging})["best_response/alice"]
    assert found.value is None
    assert "after different offers" in found.assumes


def test_there_is_no_best_response_to_a_player_that_reads_messages_or_takes_whole_dollars_only() -> None:
    def moved(state: BargainingState) -> Move:
        return taker(3000 if state.message else 5000)(state)

    def even(state: BargainingState) -> Move:
        return taker(1050)(state) if state.offer is None or state.offer % 100 == 0 else Reject()

    for player in (moved, even):
        found = GAME.benchmarks(config(messages=True), Item(), {"bob": player})["best_response/alice"]
        assert found.value is None
        assert "offers or messages" in found.assumes


def test_there_is_no_best_response_to_a_player_that_accepts_less_and_refuses_more() -> None:
    def odd(state: BargainingState) -> Move:
        if state.offer is None:
            return Offer(alice_gain=50)
        return Accept() if state.offer > 5000 else Reject()

    found = GAME.benchmarks(config(), Item(), {"bob": odd})["best_response/alice"]
    assert found.value is None
    assert "refuses a better one" in found.assumes


def test_a_counterpart_without_legal_moves_is_met_as_its_forfeits() -> None:
    assert benchmark("best_response/alice", {"bob": lambda state: Pass()}) == 0


def test_there_is_no_best_response_where_later_rounds_may_be_worth_more_for_ever() -> None:
    found = GAME.benchmarks(config(rounds=None, deltas=[1, 1]), Item(), {"bob": rubinstein})
    assert found["best_response/alice"].value is None
    assert "there is no last round" in found["best_response/alice"].assumes
    assert [found[f"equilibrium{which}/alice"].value for which in ("_low", "", "_high")] == [0, 0.5, 1]


def test_only_the_rounds_that_matter_are_looked_at_and_the_value_is_that_of_all() -> None:
    """The counterpart would offer everything in round 31, which is worth .95^30 there: less than half at once."""

    def late(state: BargainingState) -> Move:
        if state.offer is None:
            return Offer(alice_gain=100 if state.round > 30 else 50)
        return Accept() if state.offer <= 5000 else Reject()

    endless = config(rounds=None, deltas=[0.95, 0.95])
    assert GAME.benchmarks(endless, Item(), {"bob": late})["best_response/alice"].value == 0.5
    assert (
        len(meeting(endless, "alice", late).reactions())
        < 31
        < len(meeting(config(rounds=40, deltas=[1, 1]), "alice", late).reactions())
    )
    assert benchmark("best_response/alice", {"bob": late}, rounds=40, deltas=[0.99, 1]) == pytest.approx(0.99**31)


def test_the_published_variant_has_no_anchor_but_what_it_pays_without_a_deal() -> None:
    found = GAME.benchmarks(config(variant="published", rounds=3), Item(), {"bob": rubinstein})
    assert {name for name, anchor in found.items() if anchor.value is not None} == {
        "disagreement/alice",
        "disagreement/bob",
    }
    assert found["disagreement/bob"].value == pytest.approx(0.95**2)


@pytest.mark.parametrize(
    ("hidden", "why"), [({"information": "incomplete"}, "factor"), ({"horizon_told": False}, "rou")]
)
def test_there_is_no_equilibrium_without_the_information_that_it_rests_on(hidden: dict[str, Any], why: str) -> None:
    found = GAME.benchmarks(config(**hidden), Item(), {})["equilibrium/bob"]
    assert found.value is None
    assert why in found.assumes
