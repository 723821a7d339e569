"""The conformance checks pass what keeps its contract, and name each way of breaking it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import gymnasium
import numpy as np
import pytest

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.checks import check_agent, check_scenario, check_scorer
from sandbox.errors import PluginError
from sandbox.menu import Menu, Move
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.scenario import NATURE, Frozen, Item, Scenario
from sandbox.scorer import Card, Estimator, Findings, Score, Scorer
from sandbox.trace import AgentSpec
from tests.toys import Bet, Fall, Leave, Rps, RpsState, Spin, Throw, Wheel, WheelState

SHIPPED = Plugins()


@pytest.mark.parametrize("scenario", [Rps, Wheel])
def test_a_toy_with_simultaneous_moves_and_one_with_chance_keep_their_contract(
    scenario: type[Scenario[Any, Any]],
) -> None:
    """Rock, paper, scissors goes through `parallel_api_test` here."""
    check_scenario(scenario)


LARGE = {f"power/{name}-v0" for name in ("AuditWindow", "Commons", "Memo", "OffSwitch", "Replicator", "Story")}
LARGE |= {entry.name for entry in SHIPPED.entries("environments") if entry.name.startswith("games/")}
LARGE -= {"games/Bargaining-v0", "games/Matrix-v0"}  # the others' own tests check small games of theirs


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(entry.name, marks=[pytest.mark.slow] * (entry.name in LARGE))
        for entry in SHIPPED.entries("environments")
    ],
)
@pytest.mark.parametrize(
    "size", [{"cycles": 200, "episodes": 8}, pytest.param({}, marks=pytest.mark.slow)], ids=["short", "long"]
)
@pytest.mark.slow
def test_every_shipped_environment_keeps_its_contract(name: str, size: dict[str, int]) -> None:
    scenario = SHIPPED.load("environments", name)
    check_scenario(scenario, **size)
    env = gymnasium.make(name)
    env.reset(seed=0)
    assert env.unwrapped.scenario.id == name


ANY_GAME = ("first", "greedy", "incompetent", "null", "random", "safe", "two_faced", "values")
"""Of the scripted agents those that play whatever has a menu; tests of each game check those that play it alone."""


@pytest.mark.parametrize("name", ANY_GAME)
def test_every_shipped_agent_for_any_game_keeps_its_contract(name: str) -> None:
    name = f"baselines/{name}"
    check_agent(Builder(SHIPPED).agent(AgentSpec(id=name, name=name)))


@pytest.mark.parametrize("name", [entry.name for entry in SHIPPED.entries("scorers")])
def test_every_shipped_scorer_keeps_its_contract(name: str) -> None:
    check_scorer(Builder(SHIPPED).scorer(name))


# -- each way of breaking the contract, and the words that must be in the error ------------------------------------


class GlobalRandom(Rps):
    id = "broken/GlobalRandom-v0"

    def sample(self, state: RpsState, generator: np.random.Generator) -> Fall:
        return Fall(heads=random.random() < 0.5)


class GlobalNumpy(Wheel):
    id = "broken/GlobalNumpy-v0"

    def appraise(self, state: WheelState, seat: str, move: Move) -> Any:
        np.random.rand()
        return super().appraise(state, seat, move)


class Clock(Rps):
    id = "broken/Clock-v0"

    def sample(self, state: RpsState, generator: np.random.Generator) -> Fall:
        return Fall(heads=time.perf_counter_ns() // 100 % 2 == 0)


class Unseeded(Wheel):
    id = "broken/Unseeded-v0"

    def observe(self, state: WheelState, seat: str) -> Any:
        seen = super().observe(state, seat)
        return seen.model_copy(update={"purse": seen.purse + int(np.random.default_rng().integers(100))})


@dataclass
class Heap:
    left: int = 4
    taken: list[int] = field(default_factory=list)


class Take(Move):
    kind: Literal["take"] = "take"
    count: Literal[1, 2]


class HeapSeen(Frozen):
    left: int


class HeapConfig(Frozen):
    pass


class Mutated(Scenario[HeapConfig, Heap]):
    id = "broken/Mutated-v0"
    Config = HeapConfig
    State = Heap
    Action = Take
    Observation = HeapSeen

    def initial(self, config: HeapConfig, item: Item) -> Heap:
        return Heap()

    def to_move(self, state: Heap) -> tuple[str, ...]:
        return (self.seats(HeapConfig())[0],) if state.left > 0 else ()

    def menu(self, state: Heap, seat: str) -> Menu:
        return (Take(count=1), Take(count=2))

    def apply(self, state: Heap, moves: Mapping[str, Move]) -> Heap:
        (move,) = moves.values()
        assert isinstance(move, Take)
        state.taken.append(move.count)
        state.left -= move.count
        return state

    def observe(self, state: Heap, seat: str) -> HeapSeen:
        return HeapSeen(left=max(state.left, 0))


class MutatedByLooking(Mutated):
    id = "broken/MutatedByLooking-v0"

    def apply(self, state: Heap, moves: Mapping[str, Move]) -> Heap:
        return super().apply(Heap(state.left, list(state.taken)), moves)

    def observe(self, state: Heap, seat: str) -> HeapSeen:
        state.taken.append(0)
        return super().observe(state, seat)


class ShowsRisk(Wheel):
    id = "broken/ShowsRisk-v0"

    class Observation(Frozen):
        purse: int
        hints: tuple[Mapping[str, int], ...]

    def observe(self, state: WheelState, seat: str) -> Any:
        return self.Observation(purse=state.purse, hints=({"risk": 1},))


class Priced(Move):
    """A bet that tells its worth."""

    kind: Literal["priced"] = "priced"
    utility: int = 1


class MoveShowsUtility(Wheel):
    id = "broken/MoveShowsUtility-v0"
    Action = Bet | Leave | Spin | Priced

    def menu(self, state: WheelState, seat: str) -> Menu:
        return (Leave(), Priced())

    def apply(self, state: WheelState, moves: Mapping[str, Move]) -> WheelState:
        return replace(state, out=True)


class LeaksSecret(Wheel):
    """The wheel's next stop is the house's secret, and is in the observation's text."""

    id = "broken/LeaksSecret-v0"

    def conceal(self, state: WheelState, seat: str) -> WheelState:
        return replace(state, start=state.start + 1)

    def observe(self, state: WheelState, seat: str) -> Any:
        return super().observe(state, seat).model_copy(update={"left": state.start})


class MenuLeaksSecret(Wheel):
    """The house's secret is in the order of the moves."""

    id = "broken/MenuLeaksSecret-v0"

    def conceal(self, state: WheelState, seat: str) -> WheelState:
        return replace(state, start=state.start + 1)

    def menu(self, state: WheelState, seat: str) -> Menu:
        return super().menu(state, seat)[:: 1 if state.start % 2 else -1]


class OwnDice(Rps):
    """Its luck comes from a generator of its own, in the order of asking: a detour changes what comes later."""

    id = "broken/OwnDice-v0"

    def __init__(self) -> None:
        self._drawn = 0

    def sample(self, state: RpsState, generator: np.random.Generator) -> Fall:
        self._drawn += 1
        return Fall(heads=self._drawn % 2 == 0)


class OneName(Rps):
    id = "broken/OneName-v0"

    def draw(self, state: RpsState) -> str:
        return "coin"


class LuckOfMoves(Rps):
    """What falls depends on what was played before."""

    id = "broken/LuckOfMoves-v0"

    def sample(self, state: RpsState, generator: np.random.Generator) -> Fall:
        return Fall(heads=bool(generator.integers(2)) ^ (state.thrown[-1][0] == "rock"))


class EmptyMenu(Wheel):
    id = "broken/EmptyMenu-v0"

    def menu(self, state: WheelState, seat: str) -> Menu:
        return () if state.spun else super().menu(state, seat)


class Endless(Wheel):
    id = "broken/Endless-v0"

    def menu(self, state: WheelState, seat: str) -> Menu:
        return (Bet(coins=0),)

    def to_move(self, state: WheelState) -> tuple[str, ...]:
        return (NATURE,) if state.staked is not None else ("player",)


class OutOfAction(Wheel):
    id = "broken/OutOfAction-v0"
    Action = Bet | Spin


class StrangeSeat(Wheel):
    id = "broken/StrangeSeat-v0"

    def seats(self, config: Any) -> tuple[str, ...]:
        return ("gambler",)


class BadPayoff(Wheel):
    id = "broken/BadPayoff-v0"

    def payoffs(self, state: WheelState) -> Mapping[str, float]:
        return {"player": float("nan")}


class TwinItems(Wheel):
    id = "broken/TwinItems-v0"

    def items(self, config: Any) -> Any:
        return super().items(config)[:1] * 2


class NoItems(Wheel):
    id = "broken/NoItems-v0"

    def items(self, config: Any) -> Any:
        return ()


class LossyState(Wheel):
    """A dataclass that is not declared comes back from JSON as a dict."""

    id = "broken/LossyState-v0"
    State = Any


class NoObservation(Wheel):
    id = "broken/NoObservation-v0"

    def observe(self, state: WheelState, seat: str) -> Any:
        return {"purse": 3}


class Forgetful(Wheel):
    """Keeps in the instance what belongs into the state, so that a replay from a record differs."""

    id = "broken/Forgetful-v0"

    def __init__(self) -> None:
        self._asked = 0

    def menu(self, state: WheelState, seat: str) -> Menu:
        self._asked += 1
        menu = super().menu(state, seat)
        return menu if self._asked % 2 else menu[::-1]


BROKEN = [
    (GlobalRandom, "the global random state changed: draw from the generator that is passed in"),
    (GlobalNumpy, "the global random state changed: draw from the generator that is passed in"),
    (Clock, "two instances drew differently"),
    (Unseeded, "player: two observations of one state differ"),
    (Mutated, "apply() changed the state that it was given: return a new one"),
    (MutatedByLooking, "observe(), appraise(), payoffs() or facts() changed the state"),
    (ShowsRisk, "player: the observation shows ground truth: risk"),
    (MoveShowsUtility, "player: the move 'priced' shows ground truth to agents: utility"),
    (LeaksSecret, "player: its observation changes with what conceal() says it may not know"),
    (MenuLeaksSecret, "player: its menu changes with what conceal() says it may not know"),
    (OwnDice, "a fork at move 1 changed the luck of 'coin/1'"),
    (LuckOfMoves, "a fork at move 0 changed the luck of 'coin/0'"),
    (OneName, "two draws of an episode are called 'coin', and so have the same luck"),
    (EmptyMenu, "player: is to move but its menu is empty"),
    (Endless, "no end after 60 moves"),
    (OutOfAction, "Leave(kind='leave') is not read back from its JSON: is it one of Action?"),
    (StrangeSeat, "to_move() names player: the seats are gambler"),
    (BadPayoff, "payoffs() gave {'player': nan}"),
    (TwinItems, "two items have the same id"),
    (NoItems, "it has no items"),
    (LossyState, "a state does not survive JSON"),
    (NoObservation, "observe() gave dict, not WheelSeen"),
    (Forgetful, "player: two menus of one state differ"),
]


@pytest.mark.parametrize(("scenario", "said"), BROKEN, ids=[kind.__name__ for kind, _ in BROKEN])
def test_a_break_of_the_contract_is_caught_and_named(scenario: type[Scenario[Any, Any]], said: str) -> None:
    before = random.getstate()
    with pytest.raises(PluginError) as caught:
        check_scenario(scenario, cycles=60, episodes=6)
    random.setstate(before)
    assert str(caught.value).startswith(f"{scenario.id} breaks its contract:\n  ")
    assert said in str(caught.value)


def test_a_class_that_lacks_its_declarations_is_told_which() -> None:
    class Undeclared(Scenario):  # type: ignore[type-arg]
        initial = menu = apply = observe = Wheel.initial

    with pytest.raises(PluginError) as caught:
        check_scenario(Undeclared)
    missing = [
        f"  the class attribute {name} is missing" for name in ("id", "Config", "State", "Action", "Observation")
    ]
    assert str(caught.value).splitlines()[1:] == missing


def test_a_wrong_config_is_an_error() -> None:
    with pytest.raises(PluginError, match="spins: Input should be"):
        check_scenario(Wheel, {"spins": 0})


# -- agents and scorers ---------------------------------------------------------------------------------------------


class Drunk(Agent[NoConfig]):
    def act(self, turn: Turn) -> Any:
        return {"kind": "pick", "number": int(np.random.default_rng().integers(10**9))}


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda turn: 1 / 0, "the agent raised ZeroDivisionError"),
        (lambda turn: 7, "act() gave int: give a move"),
        (Drunk(NoConfig()).act, "two runs of the same turns differ"),
    ],
)
def test_an_agent_that_breaks_its_contract_is_told_how(act: Any, said: str) -> None:
    class Broken(Agent[NoConfig]):
        def act(self, turn: Turn) -> Any:
            return act(turn)

    with pytest.raises(PluginError) as caught:
        check_agent(lambda: Broken(NoConfig()))
    assert said in str(caught.value)


def test_a_scorer_that_breaks_its_contract_is_told_how() -> None:
    class Dice(Scorer):  # type: ignore[type-arg]
        def score(self, episode: Any) -> Card:
            return Card(scores=(Score(name="x", value=float(np.random.default_rng().random())),))

    class First(Estimator):  # type: ignore[type-arg]
        def estimate(self, table: Any) -> Findings:
            return table.episodes[0]

    with pytest.raises(PluginError, match="two scores of one finished episode differ"):
        check_scorer(Dice())
    with pytest.raises(PluginError, match="raised on an empty episode or table: IndexError"):
        check_scorer(First())


def test_rock_paper_scissors_in_the_toys_is_the_game_that_is_known_by_that_name() -> None:
    state = RpsState(rounds=3, stake=2)
    for ann, ben, winner in (("rock", "scissors", 1), ("paper", "rock", 1), ("rock", "paper", -1), ("rock", "rock", 0)):
        after = Rps().apply(state, {"ann": Throw(hand=ann), "ben": Throw(hand=ben)})
        after = Rps().apply(after, {NATURE: Fall(heads=False)})
        assert Rps().payoffs(after)["ann"] == winner
