"""A shopper without a thought: looks at the first product of the grid, then buys it."""

from __future__ import annotations

from sandbox.agent import Turn
from sandbox.menu import Move, kind_of, moves


def shopping(turn: Turn) -> Move:
    """Open the first product, buy the one that is open."""
    wanted = "buy" if turn.index else "open"
    return next(move for move in moves(turn.menu) if kind_of(move) == wanted)


AGENTS = {"bench/shopping": shopping}
