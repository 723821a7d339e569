"""What must stay true of `newname/Newname-v0`."""

from pathlib import Path
from typing import Any

from sandbox.checks import check_scenario
from sandbox.plugins import Plugins
from sandbox.scenario import Item

Newname: Any = Plugins([Path(__file__).parent]).load("environments", "newname/Newname-v0")


def test_newname_keeps_the_contract_of_a_scenario() -> None:
    """Purity, replay, forks and hidden truth, and the test suites of Gymnasium and PettingZoo."""
    check_scenario(Newname)


def test_two_heads_are_two_points() -> None:
    """A known answer, with chance's moves given rather than drawn."""
    game = Newname()
    state = game.initial(Newname.Config(), Item())
    for _ in range(2):
        state = game.apply(state, {"agent": game.action.validate_python({"kind": "toss"})})
        state = game.apply(state, {"nature": game.action.validate_python({"kind": "fall", "heads": True})})
    assert game.payoffs(state) == {"agent": 2.0}


def test_tails_takes_all_points_and_ends_the_game() -> None:
    """The risk that appraisals warn of is real."""
    game = Newname()
    state = game.apply(game.initial(Newname.Config(), Item()), {"agent": game.action.validate_python({"kind": "toss"})})
    state = game.apply(state, {"nature": game.action.validate_python({"kind": "fall", "heads": False})})
    assert game.payoffs(state) == {"agent": 0.0}
    assert game.to_move(state) == ()
