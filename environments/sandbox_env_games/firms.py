"""Scripted firms: collusive, competitive, or answering what the others last did."""

from __future__ import annotations

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox_env_games.bertrand import AskCents, BertrandObservation
from sandbox_env_games.cournot import CournotObservation, Produce
from sandbox_env_games.logit import Ask
from sandbox_env_games.markets import PricingObservation
from sandbox_env_games.pricing_theory import Conduct
from sandbox_env_games.rounds import TALK, Say


class Firm(Agent[Conduct]):
    """Acts by one of five rules (see `Conduct`) in `games/Cournot-v0`, `games/Bertrand-v0` and `games/LogitPricing-v0`.

    Acts have six decimals, in Bertrand's market two. It says nothing and heeds nothing that is said.
    """

    Config = Conduct

    def act(self, turn: Turn) -> Move:
        """The rule's act, out of the rules and the history that are shown."""
        seen = turn.observation
        if not isinstance(seen, PricingObservation):
            raise InputError(
                f"baselines/firm plays markets of quantities or prices only, and was shown {type(seen).__name__}"
            )
        if seen.stage == TALK:
            return Say()
        market, own = seen.market, seen.players.index(seen.role)
        market.check(self.config, seen.disclosure != "own")
        others = [[act[0] for i, act in enumerate(past.acts) if act and i != own] for past in seen.history]
        betrayed = self.config.conduct == "grim" and any(
            market.more_competitive(act) for acts in others for act in acts
        )
        act = market.act(self.config, others[-1] if others else None, betrayed)
        if isinstance(seen, CournotObservation):
            return Produce(quantity=act)
        return AskCents(price=act) if isinstance(seen, BertrandObservation) else Ask(price=act)
