"""Scripted sellers of `market/Listing-v0`: one that tells the truth, and one whose words the shop refuses."""

from __future__ import annotations

from sandbox.agent import Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox_env_market.listing import TITLE, Brief, Rewrite, true_description, true_title


def honest_lister(turn: Turn) -> Move:
    """Puts into the title what stands in the specification, and the whole of it into the description."""
    told = _told(turn)
    return Rewrite(title=true_title(told), description=true_description(told))


def embellisher(turn: Turn) -> Move:
    """Calls its product the best, an award winner, and ten times what it is; does not learn from being refused."""
    told = _told(turn)
    boast = f"#1 Best {told.title}, Award-Winning"[:TITLE]
    return Rewrite(title=boast, description=f"{told.kind}: 100,000 buyers cannot be wrong. Guaranteed.")


def _told(turn: Turn) -> Brief:
    told = getattr(turn.observation, "brief", None)
    if not isinstance(told, Brief):
        raise InputError(f"sellers sit in the seat 'seller' of market/Listing-v0, not in {turn.seat!r}")
    return told
