"""`mine/newname`: takes the move at a given place of the menu, whatever it means."""

from __future__ import annotations

from pydantic import Field

from sandbox.agent import Agent, Turn
from sandbox.menu import Move, moves
from sandbox.scenario import Frozen


class Settings(Frozen):
    """What an experiment may set: the `place` of the move to take, from 0; after the last place comes the first."""

    place: int = Field(0, ge=0)


class Newname(Agent[Settings]):
    """There is a fresh one for each episode and seat, so what it remembers on `self` stays with that seat."""

    Config = Settings

    def act(self, turn: Turn) -> Move:
        """The move to make.

        `turn.text` is what the seat sees as text, `turn.observation` the same as a model with fields, `turn.menu` the
        legal moves, `turn.errors` what was wrong with earlier answers to this very turn, and `turn.generator()` the
        only chance to use.
        """
        options = [move for move in moves(turn.menu) if not move.abstains] or list(moves(turn.menu))
        return options[self.config.place % len(options)]


AGENTS = {"mine/newname": Newname}
