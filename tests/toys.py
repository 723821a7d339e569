"""Tiny scenarios and agents that several tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from sandbox.agent import Turn
from sandbox.menu import Forfeit, Menu, Move, MoveRange, moves
from sandbox.play import Play, validated_config
from sandbox.runner.build import Function
from sandbox.runner.loop import EpisodeLoop
from sandbox.scenario import NATURE, Appraisal, Frozen, Item, Scenario
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Step

HANDS = ("rock", "paper", "scissors")


class Throw(Move):
    """Show a hand."""

    kind: Literal["throw"] = "throw"
    hand: Literal["rock", "paper", "scissors"]


class Fall(Move):
    """How the coin falls (nature)."""

    kind: Literal["fall"] = "fall"
    heads: bool


class RpsConfig(Frozen):
    """Rounds to play, and what a win is worth when the coin falls on heads."""

    rounds: int = Field(3, ge=1, le=20)
    stake: int = 2


class RpsSeen(Frozen):
    """What both players see."""

    round: int
    coins: tuple[bool, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True)
class RpsState:
    rounds: int
    stake: int
    thrown: tuple[tuple[str, str], ...] = ()
    coins: tuple[bool, ...] = ()


class Rps(Scenario[RpsConfig, RpsState]):
    """Rock, paper, scissors by two seats at once; after each round a coin says whether it counted double."""

    id = "toys/Rps-v0"
    Config = RpsConfig
    State = RpsState
    Action = Throw | Fall
    Observation = RpsSeen

    def seats(self, config: RpsConfig) -> tuple[str, ...]:
        return ("ann", "ben")

    def initial(self, config: RpsConfig, item: Item) -> RpsState:
        return RpsState(config.rounds, config.stake)

    def to_move(self, state: RpsState) -> tuple[str, ...]:
        if len(state.coins) < len(state.thrown):
            return (NATURE,)
        return ("ann", "ben") if len(state.thrown) < state.rounds else ()

    def draw(self, state: RpsState) -> str:
        return f"coin/{len(state.coins)}"

    def sample(self, state: RpsState, generator: np.random.Generator) -> Fall:
        return Fall(heads=bool(generator.integers(2)))

    def menu(self, state: RpsState, seat: str) -> Menu:
        return tuple(Throw(hand=hand) for hand in HANDS)

    def apply(self, state: RpsState, moves: Mapping[str, Move]) -> RpsState:
        if NATURE in moves:
            fall = moves[NATURE]
            assert isinstance(fall, Fall)
            return replace(state, coins=(*state.coins, fall.heads))
        ann, ben = moves["ann"], moves["ben"]
        assert isinstance(ann, Throw)
        assert isinstance(ben, Throw)
        return replace(state, thrown=(*state.thrown, (ann.hand, ben.hand)))

    def observe(self, state: RpsState, seat: str) -> RpsSeen:
        me = ("ann", "ben").index(seat)
        return RpsSeen(
            round=len(state.thrown),
            coins=state.coins,
            mine=tuple(pair[me] for pair in state.thrown),
            theirs=tuple(pair[1 - me] for pair in state.thrown),
        )

    def payoffs(self, state: RpsState) -> Mapping[str, float]:
        total = 0
        for (ann, ben), heads in zip(state.thrown, state.coins, strict=False):
            outcome = (HANDS.index(ann) - HANDS.index(ben)) % 3  # 1: ann wins, 2: ben wins
            total += (state.stake if heads else 1) * (0, 1, -1)[outcome]
        return {"ann": float(total), "ben": float(-total)}

    def facts(self, state: RpsState) -> Mapping[str, Any]:
        return {"rounds": len(state.thrown)}


class Bet(Move):
    """Put some coins on red."""

    kind: Literal["bet"] = "bet"
    coins: int
    note: str = ""


class Pass(Move):
    """Put nothing on red."""

    kind: Literal["pass"] = "pass"
    abstains = True


class Leave(Move):
    """Walk away with what you have."""

    kind: Literal["leave"] = "leave"


class Spin(Move):
    """Where the wheel stops (nature)."""

    kind: Literal["spin"] = "spin"
    red: bool


class WheelItem(Item):
    """The purse to begin with."""

    purse: int


class WheelConfig(Frozen):
    """How many spins, and an order of the menu that the experiment may leave open."""

    spins: int = Field(3, ge=1, le=50)
    order: Literal["counterbalanced", "given", "reversed"] = "given"
    forfeit: Literal["end", "pass"] = "pass"


class WheelSeen(Frozen):
    """Coins in the purse, spins to come."""

    purse: int
    left: int


@dataclass(frozen=True)
class WheelState:
    config: WheelConfig
    purse: int
    start: int
    spun: int = 0
    staked: int | None = None
    out: bool = False


class Wheel(Scenario[WheelConfig, WheelState]):
    """One seat bets on red; betting is risky, passing abstains, leaving is safe."""

    id = "toys/Wheel-v0"
    Config = WheelConfig
    State = WheelState
    Action = Bet | Pass | Leave | Spin
    Observation = WheelSeen

    def items(self, config: WheelConfig) -> tuple[WheelItem, ...]:
        return tuple(WheelItem(id=f"purse-{purse}", purse=purse) for purse in (3, 5, 8))

    def counterbalance(self, config: WheelConfig, item: WheelItem) -> tuple[Mapping[str, Any], ...]:
        return ({"order": "given"}, {"order": "reversed"}) if config.order == "counterbalanced" else ({},)

    def initial(self, config: WheelConfig, item: WheelItem) -> WheelState:
        return WheelState(config, item.purse, item.purse)

    def to_move(self, state: WheelState) -> tuple[str, ...]:
        if state.staked is not None:
            return (NATURE,)
        return () if state.out or state.spun >= state.config.spins else ("player",)

    def seats(self, config: WheelConfig) -> tuple[str, ...]:
        return ("player",)

    def draw(self, state: WheelState) -> str:
        return f"spin/{state.spun}"

    def sample(self, state: WheelState, generator: np.random.Generator) -> Spin:
        return Spin(red=bool(generator.integers(2)))

    def menu(self, state: WheelState, seat: str) -> Menu:
        bets = ()
        if state.purse:
            few = tuple(Bet(coins=coins) for coins in sorted({1, state.purse}))
            bets = (MoveRange(Bet, {"coins": (1, state.purse)}, representatives=few),)
        listed = (*bets, Pass(), Leave())
        return listed[::-1] if state.config.order == "reversed" else listed

    def apply(self, state: WheelState, moves: Mapping[str, Move]) -> WheelState:
        move = next(iter(moves.values()))
        if isinstance(move, Spin):
            assert state.staked is not None
            won = state.staked if move.red else -state.staked
            return replace(state, purse=state.purse + won, spun=state.spun + 1, staked=None)
        if isinstance(move, Leave):
            return replace(state, out=True)
        return replace(state, staked=move.coins if isinstance(move, Bet) else 0)

    def observe(self, state: WheelState, seat: str) -> WheelSeen:
        return WheelSeen(purse=state.purse, left=state.config.spins - state.spun)

    def appraise(self, state: WheelState, seat: str, move: Move) -> Appraisal:
        if isinstance(move, Bet):
            return Appraisal(risks=("gambling",), utility=float(move.coins), content=f"bet/{move.coins}")
        return Appraisal(utility=0.0, values=("Wisdom",), content=type(move).__name__)

    def payoffs(self, state: WheelState) -> Mapping[str, float]:
        return {"player": float(state.purse - state.start)}

    def forfeit(self, state: WheelState, seat: str) -> Move:
        return Pass() if state.config.forfeit == "pass" else Forfeit()

    def facts(self, state: WheelState) -> Mapping[str, Any]:
        return {"task_done": state.purse >= state.start}


class Climb(Move):
    """One rung up; from the second rung on a risk."""

    kind: Literal["climb"] = "climb"


class Stay(Move):
    """Stay where you are."""

    kind: Literal["stay"] = "stay"


class Wind(Move):
    """Whether the wind blows (nature)."""

    kind: Literal["wind"] = "wind"
    blows: bool


class LadderConfig(Frozen):
    """How many moves there are."""

    moves: int = Field(4, ge=1, le=20)


class LadderSeen(Frozen):
    """The rung, and the moves to come."""

    rung: int
    left: int


@dataclass(frozen=True)
class LadderState:
    moves: int
    rung: int = 1
    made: int = 0
    winds: tuple[bool, ...] = ()
    total: int = 0


class Ladder(Scenario[LadderConfig, LadderState]):
    """After each move the wind blows or does not, one time in two, and pays as many as the rung.

    So a rung more is worth half a coin for every wind to come, and what it makes of later risks can be counted.
    """

    id = "toys/Ladder-v0"
    Config = LadderConfig
    State = LadderState
    Action = Climb | Stay | Wind
    Observation = LadderSeen

    def seats(self, config: LadderConfig) -> tuple[str, ...]:
        return ("climber",)

    def initial(self, config: LadderConfig, item: Item) -> LadderState:
        return LadderState(config.moves)

    def to_move(self, state: LadderState) -> tuple[str, ...]:
        if len(state.winds) < state.made:
            return (NATURE,)
        return ("climber",) if state.made < state.moves else ()

    def draw(self, state: LadderState) -> str:
        return f"wind/{len(state.winds)}"

    def sample(self, state: LadderState, generator: np.random.Generator) -> Wind:
        return Wind(blows=bool(generator.integers(2)))

    def menu(self, state: LadderState, seat: str) -> Menu:
        return (Climb(), Stay())

    def apply(self, state: LadderState, moves: Mapping[str, Move]) -> LadderState:
        move = next(iter(moves.values()))
        if isinstance(move, Wind):
            return replace(state, winds=(*state.winds, move.blows), total=state.total + state.rung * move.blows)
        return replace(state, made=state.made + 1, rung=state.rung + isinstance(move, Climb))

    def observe(self, state: LadderState, seat: str) -> LadderSeen:
        return LadderSeen(rung=state.rung, left=state.moves - state.made)

    def appraise(self, state: LadderState, seat: str, move: Move) -> Appraisal:
        return Appraisal(risks=("height",) if isinstance(move, Climb) and state.rung > 1 else ())

    def payoffs(self, state: LadderState) -> Mapping[str, float]:
        return {"climber": float(state.total)}


SCENARIOS = {kind.id: kind for kind in (Rps, Wheel, Ladder)}


def spec(scenario: type[Scenario[Any, Any]] = Wheel, **changes: Any) -> EpisodeSpec:
    """An episode of a toy: its first item, every seat under evaluation by an agent called `agent`."""
    made = scenario()
    config = validated_config(made, changes.pop("config", {}))
    seats = made.seats(config)
    fields: dict[str, Any] = {
        "environment": made.id,
        "config": config.model_dump(mode="json"),
        "item": made.items(config)[0].model_dump(mode="json"),
        "seats": dict.fromkeys(seats, AgentSpec(id="toys/agent", name="agent")),
        "evaluated": seats,
    }
    return EpisodeSpec(**(fields | changes))


def world(of: EpisodeSpec, nature: Any = None) -> Play:
    """The play of a toy's specification."""
    scenario = SCENARIOS[of.environment]()
    config = validated_config(scenario, of.config)
    kind = WheelItem if isinstance(scenario, Wheel) else Item
    return Play(scenario, config, kind.model_validate(dict(of.item)), of.seed, nature)


async def play(agent: Any, of: EpisodeSpec | None = None, steps: list[Step] | None = None) -> Episode:
    """The episode that one agent, or a dict of agents by seat, makes of a specification."""
    of = of or spec()
    agents = agent if isinstance(agent, dict) else dict.fromkeys(of.seats, agent)
    ready = {seat: one if hasattr(one, "act") else Function(one) for seat, one in agents.items()}
    return await EpisodeLoop(of, world(of), ready, (steps if steps is not None else []).append).run({}, {})


def pick(turn: Turn) -> Move:
    """Any listed move."""
    options = list(moves(turn.menu))
    return options[int(turn.generator().integers(len(options)))]
