"""Classic strategies: move for move as they are published, and what theory says of the random ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_games.bargaining import Bargaining, BargainingConfig
from sandbox_env_games.matrix import SEATS, TABLES, Choose, Matrix, MatrixConfig, MatrixState
from sandbox_env_games.rounds import Pass, Say
from sandbox_env_games.strategies import NAMES, Machine, Strategy, StrategyConfig, machine

import sandbox
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.play import Play
from sandbox.scenario import Item

GAME = Matrix()
DILEMMA = TABLES["prisoners_dilemma"].payoffs
MOVES = {"C": Choose(action="cooperate"), "D": Choose(action="defect"), "-": Pass()}

# strategy, what the other does, what the strategy does: the expected actions in the tests of the Axelrod library
# (github.com/Axelrod-Python/Axelrod, axelrod/tests/strategies: test_titfortat.py, test_grudger.py, test_memoryone.py,
# test_alternator.py, test_cooperator.py, test_defector.py), re-typed as two strings.
PUBLISHED = [
    ("tit_for_tat", "CDCDC", "CCDCD"),
    ("tit_for_tat", "CCCCC", "CCCCC"),
    ("tit_for_tat", "DDDDD", "CDDDD"),
    ("tit_for_tat", "CCDDCD", "CCCDDC"),
    ("tit_for_two_tats", "DDDCC", "CCDDC"),
    ("two_tits_for_tat", "DCCDC", "CDDCD"),
    ("hard_tit_for_tat", "DCCCDC", "CDDDCD"),
    ("suspicious_tit_for_tat", "CDCDCDCDCDCDCDCD", "DCDCDCDCDCDCDCDC"),
    ("grim", "C" * 20, "C" * 20),
    ("grim", "D" * 21, "C" + "D" * 20),
    ("grim", "C" * 10 + "D" + "C" * 20, "C" * 11 + "D" * 20),
    ("pavlov", "CDCDC", "CCDDC"),
    ("alternator", "CCCCC", "CDCDC"),
    ("alternator", "DDDDD", "CDCDC"),
    ("cooperator", "DDDDD", "CCCCC"),
    ("defector", "CCCCC", "DDDDD"),
]
# The same strategies as the library defines them: a function of both histories, ours and the other's.
DEFINITIONS: dict[str, Callable[[str, str], bool]] = {
    "cooperator": lambda own, other: True,
    "defector": lambda own, other: False,
    "alternator": lambda own, other: own[-1:] != "C",
    "tit_for_tat": lambda own, other: other[-1:] != "D",
    "suspicious_tit_for_tat": lambda own, other: other[-1:] == "C",
    "tit_for_two_tats": lambda own, other: other[-2:] != "DD",
    "two_tits_for_tat": lambda own, other: "D" not in other[-2:],
    "hard_tit_for_tat": lambda own, other: "D" not in other[-3:],
    "grim": lambda own, other: "D" not in other,
    "pavlov": lambda own, other: own[-1:] == other[-1:],
}
# Probabilities of cooperating after CC, CD, DC, DD (own, other's) at R, S, T, P = 3, 0, 5, 1; all of them begin with C.
# The library's test_memoryone.py and test_zero_determinant.py; Joss: axelrod_first.py.
VECTORS = {
    "generous_tit_for_tat": (1, 1 / 3, 1, 1 / 3),
    "joss": (0.9, 0, 0.9, 0),
    "zd_extort_2": (8 / 9, 1 / 2, 1 / 3, 0),
    "zd_gtft_2": (1, 1 / 8, 1, 1 / 4),
}


def start(**fields: Any) -> MatrixState:
    return GAME.initial(MatrixConfig.model_validate(fields), Item())


def act(name: str, state: MatrixState, seat: str = "player_1", luck: int = 0) -> Move:
    """The move of a fresh agent: nothing may depend on what it was asked before."""
    play = Play(GAME, state.config, Item(), luck)
    play.state = state
    return Strategy(StrategyConfig.model_validate({"plays": name})).act(play.turn(seat, len(state.history)))


def replies(name: str, other: str, seat: str = "player_1") -> str:
    """What the strategy does in `seat` while the other plays `other`."""
    (against,) = set(SEATS) - {seat}
    state, made = start(rounds=len(other)), ""
    for letter in other:
        move = act(name, state, seat)
        made += "C" if move == MOVES["C"] else "D"
        state = GAME.apply(state, {seat: move, against: MOVES[letter]})
    return made


@pytest.mark.parametrize(("name", "other", "own"), PUBLISHED)
def test_a_strategy_moves_as_published(name: str, other: str, own: str) -> None:
    assert replies(name, other) == replies(name, other, "player_2") == own


def test_there_is_a_definition_or_a_vector_for_every_strategy() -> None:
    assert {*DEFINITIONS, *VECTORS, "random"} == set(NAMES)


@pytest.mark.parametrize("name", DEFINITIONS)
@settings(max_examples=30)
@given(other=st.text("CD", max_size=30))
def test_a_strategy_is_its_definition_whatever_the_other_does(name: str, other: str) -> None:
    plays, state, own = machine(name, DILEMMA), 0, ""  # type: ignore[arg-type]  # a name of ours
    for at, letter in enumerate(other):
        assert plays.cooperates[state] == DEFINITIONS[name](own, other[:at])
        own += "C" if plays.cooperates[state] else "D"
        state = plays.after[state][2 * "CD".index(own[-1]) + "CD".index(letter)]


@pytest.mark.parametrize("name", VECTORS)
def test_a_random_strategy_has_its_published_probabilities(name: str) -> None:
    plays = machine(name, DILEMMA)  # type: ignore[arg-type]  # as above
    first = plays.cooperates[0]
    assert first == 1
    assert [plays.cooperates[state] for state in plays.after[0]] == pytest.approx(VECTORS[name])


def test_a_random_strategy_draws_its_own_luck_and_the_same_when_asked_again() -> None:
    state = start(rounds=2)
    state = GAME.apply(state, {"player_1": MOVES["C"], "player_2": MOVES["D"]})
    drawn = [act("generous_tit_for_tat", state, luck=seed) for seed in range(300)]
    assert drawn == [act("generous_tit_for_tat", state, luck=seed) for seed in range(300)]
    assert abs(drawn.count(MOVES["C"]) / 300 - 1 / 3) < 4 * (2 / 9 / 300) ** 0.5


def long_run(plays: Machine, other: Machine) -> tuple[float, float]:
    """Mean payoffs per round in the long run of two memory-one strategies."""
    chances = np.zeros((4, 4))
    for at, (own, theirs) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        p, q = plays.cooperates[plays.after[0][at]], other.cooperates[other.after[0][2 * theirs + own]]
        chances[at] = [p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)]
    stays = np.linalg.matrix_power(chances, 2**20)[0]
    return float(stays @ [3, 0, 5, 1]), float(stays @ [3, 5, 0, 1])


@settings(max_examples=30)
@given(st.tuples(*[st.floats(0.05, 0.95)] * 4))
def test_zero_determinant_strategies_hold_payoffs_to_a_line_whoever_they_meet(vector: tuple[float, ...]) -> None:
    other = Machine((1, *vector), ((1, 2, 3, 4),) * 5)
    own, theirs = long_run(machine("zd_extort_2", DILEMMA), other)
    assert own - 1 == pytest.approx(2 * (theirs - 1), abs=1e-6)  # Press & Dyson 2012, extortion factor 2
    own, theirs = long_run(machine("zd_gtft_2", DILEMMA), other)
    assert 3 - own == pytest.approx(2 * (3 - theirs), abs=1e-6)  # it takes twice the loss itself


def test_a_void_round_is_as_if_it_had_not_been_played() -> None:
    state = start(rounds=6)
    for pair in ("C-", "-D", "--"):
        state = GAME.apply(state, dict(zip(SEATS, (MOVES[one] for one in pair), strict=True)))
    assert act("grim", state) == MOVES["C"]
    assert act("suspicious_tit_for_tat", state) == MOVES["D"]
    state = GAME.apply(state, dict(zip(SEATS, (MOVES["C"], MOVES["D"]), strict=True)))
    state = GAME.apply(state, dict(zip(SEATS, (MOVES["D"], MOVES["-"]), strict=True)))
    assert act("grim", state) == MOVES["D"]


def test_a_strategy_says_nothing_and_plays_by_position_whatever_actions_are_called() -> None:
    assert act("tit_for_tat", start(messages=True)) == Say()
    assert act("defector", start(game="stag_hunt", labels="neutral")) == Choose(action="b")
    assert act("alternator", start(game="battle_of_the_sexes"), "player_2") == Choose(action="bach")


def test_what_a_strategy_cannot_play_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="plays generous_tit_for_tat: no symmetric prisoner's dilemma"):
        act("generous_tit_for_tat", start(game="chicken"))
    three = {"game": "custom", "actions": [["a", "b", "c"], ["a"]], "payoffs": [[[0, 0]]] * 3}
    with pytest.raises(InputError, match="two actions for each player"):
        act("grim", start(**three))
    payoffs = [[[3, 3], [0, 9]], [[9, 0], [1, 1]]]
    steep = {"game": "custom", "actions": [["cooperate", "defect"]] * 2, "payoffs": payoffs}
    for name in ("generous_tit_for_tat", "zd_gtft_2"):
        with pytest.raises(InputError, match=r"is (not )?defined"):
            act(name, start(**steep))
    game = Bargaining()
    turn = Play(game, BargainingConfig(), Item(), 0).turn("alice", 0)
    with pytest.raises(InputError, match="plays games/Matrix-v0 only"):
        Strategy(StrategyConfig(plays="grim")).act(turn)


@pytest.mark.slow
def test_an_experiment_has_exact_anchors_beside_a_strategy(tmp_path: Any) -> None:
    experiment = sandbox.Experiment.model_validate(
        {
            "name": "dilemma",
            "environments": [
                {
                    "id": "games/Matrix-v0",
                    "config": {"rounds": 20},
                    "seats": {"player_2": {"id": "baselines/strategy", "name": "zd", "plays": "zd_extort_2"}},
                }
            ],
            "agents": [{"id": "baselines/strategy", "plays": "grim"}],
            "scorers": [],
        }
    )
    (episode,) = sandbox.run(experiment, store=f"sqlite:///{tmp_path}/x.db").episodes
    best = episode.benchmarks["best_response/player_1"]
    assert best.value is not None
    assert best.error is None
    assert episode.status == "finished"
