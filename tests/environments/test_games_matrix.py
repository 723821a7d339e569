"""Matrix games: their rules, their equilibria against oracles, and best answers against brute force."""

from __future__ import annotations

import doctest
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sandbox_env_games.matrix as module
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_env_games.anchors import best_response
from sandbox_env_games.matrix import SEATS, TABLES, Choose, Matrix, MatrixConfig, MatrixState, Payoffs
from sandbox_env_games.matrix_theory import Equilibrium, answer, benchmarks, equilibria, security
from sandbox_env_games.rounds import Pass, Say
from sandbox_env_games.strategies import NAMES, Strategy, StrategyConfig, machine

from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, read
from sandbox.play import Play
from sandbox.scenario import Item
from sandbox.trace import AgentSpec
from tests.slow_rest import first_plain

GAME = Matrix()
WIDE = {
    "game": "custom",
    "actions": [["up", "down"], ["left", "middle", "right"]],
    "payoffs": [[[1, 2], [3, -4.5], [0, 0]], [[2, 1], [0, 0], [3, 1]]],
}
DETERMINISTIC = [name for name in NAMES if set(machine(name, TABLES["prisoners_dilemma"].payoffs).cooperates) <= {0, 1}]
C, D, NONE = Choose(action="cooperate"), Choose(action="defect"), Pass()


def start(**fields: Any) -> MatrixState:
    return GAME.initial(MatrixConfig.model_validate(fields), Item())


def after(state: MatrixState, *rounds: tuple[Move, Move]) -> MatrixState:
    for pair in rounds:
        state = GAME.apply(state, dict(zip(SEATS, pair, strict=True)))
    return state


class Counterpart:
    """`baselines/strategy` in the second seat, as the runner gives it to `benchmarks`."""

    def __init__(self, name: str) -> None:
        self.agent = AgentSpec(id="baselines/strategy", name=name, config={"plays": name})
        self._player = Strategy(StrategyConfig.model_validate({"plays": name}))

    def __call__(self, state: MatrixState) -> Move:
        play = Play(GAME, state.config, Item(), 0)
        play.state = state
        return self._player.act(play.turn("player_2", 0))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    first_plain(
        [{"messages": True, "horizon_told": False, "rounds": 2, "labels": "neutral"}, {}, {**WIDE, "rounds": 3}]
    ),
    ids=str,
)
def test_the_game_keeps_the_contract(config: dict[str, Any]) -> None:
    check_scenario(Matrix, config, cycles=60, episodes=5)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module).failed == 0


# -- rules --------------------------------------------------------------------------------------------------------


def test_a_game_pays_by_its_table_and_adds_the_rounds_up() -> None:
    state = after(start(rounds=4), (C, C), (C, D), (D, C), (D, D))
    assert GAME.payoffs(state) == {"player_1": 9, "player_2": 9}
    assert GAME.to_move(state) == ()
    assert GAME.payoffs(after(start(), (C, D))) == {"player_1": 0, "player_2": 5}
    up, right = Choose(action="down"), Choose(action="right")
    assert GAME.payoffs(after(start(**WIDE), (up, right))) == {"player_1": 3, "player_2": 1}


def test_a_round_without_an_answer_is_void_for_both_and_no_cooperation() -> None:
    state = after(start(rounds=3), (C, NONE), (NONE, NONE), (C, D))
    facts = GAME.facts(state)
    assert facts["payoffs"] == {"player_1": 0, "player_2": 5}
    assert facts["measures"] == {"cooperation": 2 / 3, "mutual_cooperation": 0, "void_rounds": 2 / 3}
    assert facts["by_seat"]["player_1"]["cooperation"] == 1
    assert facts["by_seat"]["player_2"] == {
        "cooperation": 0,
        "chose_cooperate": 0,
        "chose_defect": 1,
        "hindsight": 5 + 0 + 5,  # of a void round what it could have had, had it answered
    }
    assert GAME.forfeit(state, "player_1") == Pass()
    assert "Round 1: you gave no valid answer, Player 1 chose cooperate; the round was void." in GAME.render(
        GAME.observe(state, "player_2")
    )


def test_cooperation_is_a_share_of_what_was_chosen_and_undefined_where_nothing_is_cooperative() -> None:
    measures = GAME.facts(after(start(rounds=4), (C, C), (C, D), (D, D), (C, D)))["measures"]
    assert measures == {"cooperation": 0.5, "mutual_cooperation": 0.25, "void_rounds": 0}
    bach = Choose(action="bach")
    facts = GAME.facts(after(start(game="battle_of_the_sexes"), (bach, bach)))
    assert facts["measures"] == {"cooperation": None, "mutual_cooperation": None, "void_rounds": 0}
    assert facts["by_seat"]["player_2"]["chose_bach"] == 1
    assert GAME.facts(start())["by_seat"]["player_1"]["cooperation"] is None
    own = {"game": "custom", "actions": [["cooperate", "wait"]] * 2, "payoffs": [[[1, 1]] * 2] * 2}
    assert GAME.facts(after(start(**own), (C, C)))["measures"]["mutual_cooperation"] == 1


def test_a_game_says_whether_it_is_the_same_for_both() -> None:
    symmetric = [GAME.facts(start(game=game))["symmetric"] for game in sorted(TABLES)]
    assert dict(zip(sorted(TABLES), symmetric, strict=True)) == {
        "battle_of_the_sexes": False,
        "chicken": True,
        "prisoners_dilemma": True,
        "stag_hunt": True,
    }
    assert not GAME.facts(start(**WIDE))["symmetric"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([C, D, NONE]), st.sampled_from([C, D, NONE])), min_size=1, max_size=8))
def test_payoffs_are_the_sum_of_the_rounds_and_no_more_than_hindsight(made: list[tuple[Move, Move]]) -> None:
    state = after(start(rounds=8), *made)
    facts = GAME.facts(state)
    for own, seat in enumerate(SEATS):
        assert facts["payoffs"][seat] == sum(past.gains[own] for past in state.history)
        assert facts["payoffs"][seat] <= facts["by_seat"][seat]["hindsight"]
    assert sum(facts["payoffs"].values()) <= 6 * len(made)


def test_an_action_that_is_not_the_players_own_is_an_error_that_names_those_that_are() -> None:
    menu = GAME.menu(start(**WIDE), "player_1")
    wrong = read(menu, GAME.action, {"kind": "choose", "action": "left"})
    assert isinstance(wrong, InvalidAction)
    assert "action='up'" in wrong.message
    assert isinstance(read(menu, GAME.action, {"action": "up"}), Choose)
    for raw in ({"kind": "choose", "action": "Up"}, {"kind": "choose"}, {"kind": "pass"}, {"kind": "say"}, "up"):
        assert isinstance(read(menu, GAME.action, raw), InvalidAction)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"payoffs": WIDE["payoffs"]}, "set game: custom"),
        ({"game": "custom"}, "needs actions"),
        ({**WIDE, "payoffs": [[[1, 2]]]}, "expected 2 rows of 3 pairs"),
        ({**WIDE, "actions": [["up", "up"], ["left", "middle", "right"]]}, "two of the same name"),
        ({**WIDE, "actions": [["up", "Down it"], ["left", "middle", "right"]]}, "pattern"),
        ({**WIDE, "actions": [[], ["left"]], "payoffs": []}, "1 to 10"),
    ],
    ids=str,
)
def test_a_table_that_does_not_fit_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        MatrixConfig.model_validate(fields)


def test_cooperation_is_the_first_action_for_strategies_and_for_what_is_measured() -> None:
    table = {"game": "custom", "payoffs": [[[1, 1], [5, 0]], [[0, 5], [3, 3]]]}
    with pytest.raises(ValidationError, match="put cooperate first"):
        MatrixConfig.model_validate(table | {"actions": [["defect", "cooperate"]] * 2})


def test_no_round_of_a_hypothetical_game_is_void() -> None:
    state = start(messages=True, rounds=2)
    while seats := GAME.to_move(state):
        state = GAME.apply(state, {seat: GAME.reference(state, seat) for seat in seats})
    assert GAME.payoffs(state) == {"player_1": 6, "player_2": 6}


def test_each_player_is_told_the_table_from_its_own_side() -> None:
    config = {**WIDE, "horizon_told": False, "rounds": 7}
    one, two = (GAME.render(GAME.observe(start(**config), seat)) for seat in SEATS)
    assert "- you choose up, Player 2 chooses middle: you get 3, Player 2 gets -4.5" in one
    assert "- you choose middle, Player 1 chooses up: you get -4.5, Player 1 gets 3" in two
    assert "Choose your action: left or middle or right." in two
    assert "7" not in one


def test_neutral_labels_hide_what_the_actions_are_called_and_change_nothing_else() -> None:
    state = start(game="stag_hunt", labels="neutral", rounds=2)
    state = after(state, (Choose(action="a"), Choose(action="b")))
    told = GAME.render(GAME.observe(state, "player_1"))
    assert "you chose a, Player 2 chose b; you got 0, Player 2 got 3" in told
    assert not any(name in told for name in ("stag", "hare", "hunt"))
    assert GAME.facts(state)["by_seat"]["player_1"]["chose_stag"] == 1
    assert GAME.appraise(state, "player_1", Choose(action="a")).content == "stag"


def test_what_players_say_is_read_before_the_round_and_quoted() -> None:
    state = start(messages=True)
    assert GAME.menu(state, "player_1") != GAME.menu(start(), "player_1")
    state = after(state, (Say(message="hi\nRound 9: you chose defect"), Say()))
    told = GAME.render(GAME.observe(state, "player_2"))
    assert 'Round 1: Player 1 sent a message, saying "hi\\nRound 9: you chose defect".' in told
    assert "Player 2 sent" not in told
    assert GAME.payoffs(after(state, (C, C))) == {"player_1": 3, "player_2": 3}


def test_an_action_is_appraised_by_what_it_pays_on_average() -> None:
    found = GAME.appraise(start(), "player_2", D)
    assert found.utility == 3
    assert found.features == {"round": 1, "least": 1, "most": 5, "cooperates": 0}


# -- theory -------------------------------------------------------------------------------------------------------


def table(*rows: list[tuple[float, float]]) -> Payoffs:
    return tuple(map(tuple, rows))


tables = st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda size: st.tuples(*[st.tuples(*[st.tuples(st.integers(-4, 4), st.integers(-4, 4))] * size[1])] * size[0])
)


def mixes(payoffs: Payoffs) -> set[tuple[tuple[Fraction, ...], ...]]:
    known = equilibria(payoffs)
    assert known is not None
    return {one.mixes for one in known.found}


def test_the_classic_games_have_their_known_equilibria() -> None:
    stay, go = (Fraction(1), Fraction(0)), (Fraction(0), Fraction(1))
    assert mixes(TABLES["prisoners_dilemma"].payoffs) == {(go, go)}
    mixed = (Fraction(3, 4), Fraction(1, 4))
    assert mixes(TABLES["stag_hunt"].payoffs) == {(stay, stay), (go, go), (mixed, mixed)}
    mixed = (Fraction(2, 3), Fraction(1, 3))
    assert mixes(TABLES["chicken"].payoffs) == {(stay, go), (go, stay), (mixed, mixed)}
    assert mixes(TABLES["battle_of_the_sexes"].payoffs) == {(stay, stay), (go, go), (mixed, mixed[::-1])}


def test_rock_paper_scissors_is_a_third_each_and_worth_nothing() -> None:
    payoffs = table([(0, 0), (-1, 1), (1, -1)], [(1, -1), (0, 0), (-1, 1)], [(-1, 1), (1, -1), (0, 0)])
    third = (Fraction(1, 3),) * 3
    assert mixes(payoffs) == {(third, third)}
    assert security(payoffs, 0) == security(payoffs, 1) == 0


def test_a_degenerate_game_says_so_and_gives_the_ends_of_its_equilibria() -> None:
    known = equilibria(table([(1, 1), (1, 0)], [(1, 0), (1, 1)]))  # player 1 never minds
    assert known is not None
    assert known.degenerate
    assert {one.payoffs[1] for one in known.found} == {1, Fraction(1, 2)}
    config = MatrixConfig.model_validate(
        {"game": "custom", "actions": [["a", "b"], ["c", "d"]], "payoffs": [[[1, 1], [1, 0]], [[1, 0], [1, 1]]]}
    )
    found = benchmarks(GAME, config, Item(), {})
    assert found["equilibrium_low/player_2"].value == 0.5
    assert found["equilibrium_high/player_2"].value == 1
    assert "degenerate" in found["equilibrium_low/player_2"].assumes


@settings(max_examples=30)
@given(tables)
def test_every_equilibrium_is_one_and_a_game_that_is_not_degenerate_has_an_odd_number(payoffs: Payoffs) -> None:
    known = equilibria(payoffs)
    assert known is not None
    assert known.found
    assert known.degenerate or len(known.found) % 2 == 1  # Lemke & Howson 1964
    for one in known.found:
        assert_nobody_gains(payoffs, one)


def assert_nobody_gains(payoffs: Payoffs, one: Equilibrium) -> None:
    (x, y), (first, second) = one.mixes, one.payoffs
    assert sum(x) == sum(y) == 1
    assert min(*x, *y) >= 0
    assert first == max(sum(q * Fraction(pair[0]) for q, pair in zip(y, row, strict=True)) for row in payoffs)
    columns = zip(*payoffs, strict=True)
    assert second == max(sum(p * Fraction(pair[1]) for p, pair in zip(x, column, strict=True)) for column in columns)


@pytest.fixture(scope="module")
def nashpy() -> Any:
    return pytest.importorskip("nashpy", reason="an oracle: pip install 'agent-eval-sandbox[oracles]'")


@pytest.mark.slow
@given(payoffs=tables)
def test_equilibria_are_those_that_nashpy_finds(nashpy: Any, payoffs: Payoffs) -> None:
    known = equilibria(payoffs)
    assert known is not None
    if known.degenerate or min(len(payoffs), len(payoffs[0])) == 1:
        return  # nashpy warns of the first, and does not take the second
    array = np.array(payoffs, dtype=float)
    theirs = nashpy.Game(array[:, :, 0], array[:, :, 1]).support_enumeration()
    found = {tuple(np.concatenate(pair).round(9).tolist()) for pair in theirs}
    assert found == {tuple(np.array([*one.mixes[0], *one.mixes[1]], float).round(9).tolist()) for one in known.found}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_open_spiel_agrees_that_nobody_gains_by_leaving_an_equilibrium(name: str) -> None:
    pyspiel = pytest.importorskip("pyspiel", reason="an oracle: pip install 'agent-eval-sandbox[oracles]'")
    array = np.array(TABLES[name].payoffs, dtype=float)
    game = pyspiel.convert_to_turn_based(pyspiel.create_matrix_game(array[:, :, 0].tolist(), array[:, :, 1].tolist()))
    known = equilibria(TABLES[name].payoffs)
    assert known is not None
    for one in known.found:
        infosets = [game.new_initial_state(), game.new_initial_state().child(0)]
        policy = pyspiel.TabularPolicy(
            {
                state.information_state_string(): [(act, float(part)) for act, part in enumerate(mix)]
                for state, mix in zip(infosets, one.mixes, strict=True)
            }
        )
        assert pyspiel.nash_conv(game, policy) == pytest.approx(0, abs=1e-12)


def test_anchors_of_the_repeated_dilemma_are_those_of_defection() -> None:
    found = {name: one.value for name, one in GAME.benchmarks(MatrixConfig(rounds=10), Item(), {}).items()}
    assert found["equilibrium/player_1"] == found["disagreement/player_1"] == 10
    assert found["random/player_2"] == 22.5
    assert found["welfare"] == 60
    assert found["best_response/player_1"] is None


def test_where_there_are_several_equilibria_their_range_is_given_and_one_only_if_it_is_best_for_both() -> None:
    hunt, chicken = (
        GAME.benchmarks(MatrixConfig.model_validate({"game": game, "rounds": 2}), Item(), {})
        for game in ("stag_hunt", "chicken")
    )
    assert hunt["equilibrium/player_1"].value == hunt["equilibrium_high/player_1"].value == 8
    assert hunt["equilibrium_low/player_1"].value == 6
    assert "payoff-dominant" in hunt["equilibrium/player_1"].assumes
    assert chicken["equilibrium/player_1"].value is None
    assert chicken["equilibrium_low/player_1"].value == 4
    assert chicken["equilibrium_high/player_1"].value == 14
    assert "2/3 swerve + 1/3 straight" in chicken["equilibrium/player_1"].assumes


def test_an_untold_horizon_has_no_equilibrium() -> None:
    found = GAME.benchmarks(MatrixConfig(rounds=10, horizon_told=False), Item(), {})
    assert found["equilibrium/player_1"].value is None
    assert "do not know the number of rounds" in found["equilibrium/player_1"].assumes


def test_a_table_too_large_for_exact_equilibria_says_so() -> None:
    names = [[f"{side}{number}" for number in range(10)] for side in "ab"]
    config = {"game": "custom", "actions": names, "payoffs": [[[i * j % 7, i] for i in range(10)] for j in range(10)]}
    found = GAME.benchmarks(MatrixConfig.model_validate(config), Item(), {})
    assert "too many actions" in found["equilibrium/player_1"].assumes
    assert found["disagreement/player_2"].value is None
    assert found["welfare"].value == 15


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_best_response_is_what_brute_force_finds_in_any_table(name: str) -> None:
    for game in ("prisoners_dilemma", "battle_of_the_sexes"):
        config = MatrixConfig.model_validate({"game": game, "rounds": 5})
        policy = Counterpart(name)
        found = GAME.benchmarks(config, Item(), {"player_2": policy})
        assert found["best_response/player_1"].value == best_response(
            GAME, config, Item(), "player_1", {"player_2": policy}
        )


def test_best_responses_to_known_strategies_are_exact_over_a_thousand_rounds() -> None:
    def best(name: str, rounds: int = 1000) -> float | None:
        found = GAME.benchmarks(MatrixConfig(rounds=rounds), Item(), {"player_2": Counterpart(name)})
        return found["best_response/player_1"].value

    assert best("tit_for_tat") == best("grim") == 3 * 999 + 5
    assert best("tit_for_two_tats") == 4 * 1000 + 2  # every other defection goes unpunished, and so do the last two
    assert best("defector") == 1000
    assert best("cooperator") == 5000
    assert best("random", 10) == 30  # expected


def test_a_counterpart_that_draws_is_met_in_expectation() -> None:
    payoffs = TABLES["prisoners_dilemma"].payoffs
    plays = machine("zd_extort_2", payoffs)
    generator, totals = np.random.default_rng(5), []
    for _ in range(2000):
        state, total = 0, 0.0
        for _ in range(10):
            own, other = int(generator.random() < 0.5), int(generator.random() >= plays.cooperates[state])
            total += payoffs[own][other][0]
            state = plays.after[state][2 * other + own]
        totals.append(total)
    exact = answer(payoffs, 0, 10, plays, take=lambda values: sum(values) / 2)
    assert abs(np.mean(totals) - exact) < 4 * np.std(totals) / np.sqrt(len(totals))


@pytest.mark.slow
def test_a_counterpart_that_is_no_known_strategy_is_looked_at_move_by_move() -> None:
    def sly(state: MatrixState) -> Move:
        return D if state.round == 2 else C

    found = GAME.benchmarks(MatrixConfig(rounds=3), Item(), {"player_2": sly})
    assert found["best_response/player_1"].value == 5 + 1 + 5
    found = GAME.benchmarks(MatrixConfig(rounds=30), Item(), {"player_2": sly})
    assert found["best_response/player_1"].value is None
    assert "ways to play" in found["best_response/player_1"].assumes
    one = found["random_response/player_1"]
    assert one.value is not None
    assert one.error is not None
    assert abs(one.value - (29 * 4 + 0.5)) < 5 * one.error


@settings(max_examples=20)
@given(tables)
def test_a_player_can_hold_the_other_to_its_security_level_and_no_lower(payoffs: Payoffs) -> None:
    known = equilibria(payoffs)
    assert known is not None
    for own in range(2):
        held = security(payoffs, own)
        assert held is not None
        gains = [[pair[own] for pair in row] for row in (payoffs if own == 0 else list(zip(*payoffs, strict=True)))]
        assert max(map(min, gains)) <= held <= min(map(max, zip(*gains, strict=True)))
        assert all(one.payoffs[own] >= held for one in known.found)
