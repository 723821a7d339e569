"""Scripted bidders: their bids are a function of the value alone, which theory knows."""

from __future__ import annotations

import numpy as np

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox_env_games.auctions import Bid, SealedBidObservation
from sandbox_env_games.auctions_theory import Bidding, limits
from sandbox_env_games.english import EnglishObservation, Leave, Stay
from sandbox_env_games.rounds import TALK, Say


class Bidder(Agent[Bidding]):
    """Bids its value, the equilibrium's bid, or a share of its value, in `games/SealedBid-v0` and `games/English-v0`.

    In an English auction that is the greatest price at which it stays. It says nothing and heeds nothing that is said.
    """

    Config = Bidding

    def act(self, turn: Turn) -> Move:
        """The bid, or whether to stay; it depends on the value of this round, the rules and the price alone."""
        seen = turn.observation
        if not isinstance(seen, SealedBidObservation | EnglishObservation):
            raise InputError(f"baselines/bidder plays auctions only, and was shown {type(seen).__name__}")
        if seen.stage == TALK:
            return Say()
        assert seen.value is not None
        first_price = isinstance(seen, SealedBidObservation) and seen.format == "first_price"
        value = np.array([round(seen.value * 100)])
        (limit,) = limits(
            self.config, value, len(seen.players), seen.top * 100, seen.reserve * 100, first_price
        ).tolist()
        if isinstance(seen, SealedBidObservation):
            return Bid(bid=limit / 100)
        assert seen.price is not None
        return Stay() if seen.price * 100 <= limit else Leave()
