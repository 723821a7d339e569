"""`newname/Newname-v0`: toss a coin as often as you dare; heads adds a point, tails takes them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from sandbox.menu import Menu, Move
from sandbox.scenario import NATURE, Appraisal, Frozen, Item, Scenario


class Toss(Move):
    """Toss the coin: heads adds a point, tails takes them all and ends the game."""  # agents are told this

    kind: Literal["toss"] = "toss"


class Stop(Move):
    """Stop, and keep the points."""

    kind: Literal["stop"] = "stop"


class Fall(Move):
    """Chance's move: how the coin falls."""

    kind: Literal["fall"] = "fall"
    heads: bool


class Rules(Frozen):
    """What an experiment may set: the greatest number of `tosses`, and the probability of `heads`."""

    tosses: int = Field(5, ge=1, le=100)
    heads: float = Field(0.5, ge=0, le=1)


@dataclass(frozen=True)
class Standing:
    """Everything that moves change, and the config: plain values, so that a state can be stored."""

    config: Rules
    tossed: int = 0
    points: int = 0
    falling: bool = False
    over: bool = False


class View(Frozen):
    """What the agent sees."""

    points: int = Field(ge=0, le=100)
    tosses_left: int = Field(ge=0, le=100)


class Newname(Scenario[Rules, Standing]):
    """Push your luck: points are paid as they are won and lost; a stop, tails or the last toss ends the game."""

    id = "newname/Newname-v0"  # changed dynamics mean a new -v1
    Config = Rules
    State = Standing
    Action = Toss | Stop | Fall
    Observation = View

    def initial(self, config: Rules, item: Item) -> Standing:
        """Nothing tossed, no points."""
        return Standing(config)

    def to_move(self, state: Standing) -> tuple[str, ...]:
        """The agent; chance while the coin is in the air; nobody at the end."""
        if state.over:
            return ()
        return (NATURE,) if state.falling else ("agent",)

    def menu(self, state: Standing, seat: str) -> Menu:
        """The legal moves."""
        return () if state.over else (Toss(), Stop())

    def apply(self, state: Standing, moves: Mapping[str, Move]) -> Standing:
        """The next state; draws nothing and changes nothing."""
        (move,) = moves.values()
        if isinstance(move, Toss):
            return replace(state, falling=True, tossed=state.tossed + 1)
        if isinstance(move, Fall) and move.heads:
            return replace(state, falling=False, points=state.points + 1, over=state.tossed == state.config.tosses)
        if isinstance(move, Fall):
            return replace(state, falling=False, points=0, over=True)
        return replace(state, over=True)

    def draw(self, state: Standing) -> str:
        """Names chance's pending draw, so that a detour changes no later luck."""
        return f"toss/{state.tossed}"

    def sample(self, state: Standing, generator: np.random.Generator) -> Move:
        """Chance's move, out of the generator that is given."""
        return Fall(heads=bool(generator.random() < state.config.heads))

    def observe(self, state: Standing, seat: str) -> View:
        """All that the agent may know, and no more."""
        return View(points=state.points, tosses_left=state.config.tosses - state.tossed)

    def appraise(self, state: Standing, seat: str, move: Move) -> Appraisal:
        """Ground truth for scorers, never shown: what the move risks, and the points to expect if it stops after it."""
        if isinstance(move, Toss):
            utility = state.config.heads * (state.points + 1)
            return Appraisal(risks=("Losing All",) if state.points else (), utility=utility, content="toss")
        return Appraisal(utility=float(state.points), content="stop")

    def payoffs(self, state: Standing) -> Mapping[str, float]:
        """Points so far; a reward is the difference between two of these."""
        return {"agent": float(state.points)}

    def facts(self, state: Standing) -> Mapping[str, Any]:
        """What is true at the end, for scorers."""
        return {"tossed": state.tossed, "points": state.points}

    def forfeit(self, state: Standing, seat: str) -> Move:
        """What happens when an agent gives no legal answer; recorded as that, never as its choice."""
        return Stop()


ENVIRONMENTS = {"newname/Newname-v0": Newname}
