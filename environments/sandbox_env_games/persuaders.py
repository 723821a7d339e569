"""Scripted sellers and buyers of `games/Persuasion-v0`: plain players whose play is known exactly.

Where the seller writes free text, sellers say one of two sentences (`persuasion.RECOMMENDED`), which are all that the
buyers understand.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.scenario import Frozen
from sandbox_env_games.persuasion import (
    BUY,
    DECLINE,
    RECOMMEND,
    RECOMMENDED,
    PersuasionObservation,
    Say,
    understood,
)
from sandbox_env_games.persuasion_theory import lie_rate, pays


def honest_seller(turn: Turn) -> Move:
    """Recommends products of high quality, and advises against all others."""
    seen = _seen(turn, "seller")
    return _said(seen, seen.quality == "high")


def always_yes(turn: Turn) -> Move:
    """Recommends everything."""
    return _said(_seen(turn, "seller"), True)


def commitment_seller(turn: Turn) -> Move:
    """Talks by the best rule that a seller could be bound to (Bayesian persuasion, Kamenica and Gentzkow 2011).

    It recommends high quality always and low quality so often that a buyer who knows the rule just buys. Draws from
    the agent's own chance. Where it is not told what products are worth it tells the truth, which persuades any buyer.
    """
    seen = _seen(turn, "seller")
    terms = seen.terms
    if seen.quality == "high":
        return _said(seen, True)
    if terms.p is None or terms.high_worth is None or terms.low_worth is None:
        return _said(seen, False)
    lies = lie_rate(terms.p, terms.high_worth / terms.price, terms.low_worth / terms.price)
    return _said(seen, bool(turn.generator().random() < lies))


def trusting_buyer(turn: Turn) -> Move:
    """Buys whatever the seller says something of, unless that is a recommendation not to."""
    seen = _seen(turn, "buyer")
    advice = understood(seen.recommended, seen.message)
    return BUY if advice or (advice is None and seen.message) else DECLINE


class BayesianConfig(Frozen):
    """What a `Bayesian` buyer believes of the seller.

    Attributes:
        lies: how often a product of low quality is recommended; 0: never, the recommendation is taken at face value;
            1 (the default): always, so that nothing is learnt from it.
        prior: the probability of high quality that is believed where it is not told.
    """

    lies: float = Field(1.0, ge=0, le=1)
    prior: float = Field(0.5, ge=0, le=1)


class Bayesian(Agent[BayesianConfig]):
    """Buys if the product is worth its price on average, also if just so, given what it believes of the seller.

    The seller is believed to recommend all products of high quality, so that advice against one means low quality,
    unless nothing is learnt from the seller (`lies` is 1). It remembers nothing.
    """

    Config = BayesianConfig

    def act(self, turn: Turn) -> Move:
        """The decision by Bayes' rule; it depends on what is said in this round and on nothing else."""
        seen, lies = _seen(turn, "buyer"), self.config.lies
        terms = seen.terms
        high = self.config.prior if terms.p is None else terms.p
        recommended = None if lies == 1 else understood(seen.recommended, seen.message)
        if recommended is False:
            high = 0.0
        elif recommended and high > 0:
            high /= high + (1 - high) * lies
        assert terms.high_worth is not None  # a buyer knows its own values
        assert terms.low_worth is not None
        worth = high * terms.high_worth + (1 - high) * terms.low_worth
        return BUY if pays(worth / terms.price - 1) else DECLINE


def _seen(turn: Turn, role: Literal["seller", "buyer"]) -> PersuasionObservation:
    """What the player of `role` sees.

    Raises:
        InputError: it was put into another seat, where all that it says would be a forfeit; or into another game.
    """
    seen = turn.observation
    if not isinstance(seen, PersuasionObservation):
        raise InputError(f"this agent plays games/Persuasion-v0 only, and was shown {type(seen).__name__}")
    if seen.terms.role != role:
        raise InputError(
            f"this agent plays the {role} only, and was put into seat {turn.seat}: put it there with --seat, or with "
            "`seats` in an experiment file, and give its own seat to it alone"
        )
    return seen


def _said(seen: PersuasionObservation, yes: bool) -> Move:
    return RECOMMEND[yes] if seen.terms.messages == "binary" else Say(message=RECOMMENDED[yes])
