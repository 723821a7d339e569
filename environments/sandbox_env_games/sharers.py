"""A scripted sharer: a player of the ultimatum, dictator and trust games that holds to one share of the money."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from pydantic import Field

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.scenario import Frozen
from sandbox_env_games.money import cents
from sandbox_env_games.rounds import TALK, Say
from sandbox_env_games.sharing import (
    Accept,
    Give,
    Offer,
    Reject,
    Return,
    Send,
    SplitObservation,
    TrustObservation,
)

AGENT = "baselines/threshold"
"""The id under which `Threshold` is announced."""


class ThresholdConfig(Frozen):
    """The share that a player gives, and from which on it accepts, in [0, 1]."""

    share: float = Field(0.5, ge=0, le=1)


def given(share: float, amount: int) -> int:
    """That share of an amount, rounded down to whole cents; the share counts as the decimal that it is written as."""
    return floor(Fraction(repr(float(share))) * amount)


def demanded(share: float, amount: int) -> int:
    """The least number of whole cents that is no less than that share of the amount."""
    return ceil(Fraction(repr(float(share))) * amount)


class Threshold(Agent[ThresholdConfig]):
    """Holds to one share of the money in any seat of `games/Ultimatum-v0`, `games/Dictator-v0` and `games/Trust-v0`.

    As proposer, dictator or investor it parts with that share of its money, as trustee it returns that share of what it
    received; as responder it accepts offers of at least that share. Always the same, whatever happened or was said.
    """

    Config = ThresholdConfig

    def act(self, turn: Turn) -> Move:
        """Its move, which depends on the amounts of this round only."""
        seen, share = turn.observation, self.config.share
        if not isinstance(seen, SplitObservation | TrustObservation):
            raise InputError(
                f"{AGENT} plays games/Ultimatum-v0, games/Dictator-v0 and games/Trust-v0 only, and was shown "
                f"{type(seen).__name__}"
            )
        if seen.stage == TALK:
            return Say()
        if isinstance(seen, TrustObservation):
            if seen.stage == "send":
                return Send(amount=given(share, seen.endowments[0] * 100) / 100)
            return Return(amount=given(share, cents(seen.acts[0][0]) * seen.multiplier) / 100)
        whole = seen.money * 100
        if seen.stage == "answer":
            return Accept() if cents(seen.acts[0][0]) >= demanded(share, whole) else Reject()
        return (Offer if seen.stage == "offer" else Give)(amount=given(share, whole) / 100)
