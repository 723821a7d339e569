"""Scripted bargainers: plain players whose play is known exactly."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox_env_games.bargaining import ACCEPT, REJECT, BargainingObservation, Offer
from sandbox_env_games.bargaining_theory import equilibrium_claims, exact


class Rubinstein(Agent[NoConfig]):
    """Plays the subgame-perfect equilibrium of `games/Bargaining-v0` in either seat, exact in cents, from what it sees.

    It offers the other the least that the other does not prefer to refuse, and accepts what it does not prefer to
    refuse itself, also when indifferent. It sends no messages and reads none.

    What is not told it assumes: the other's discount factor to be its own, and without a told horizon that there is no
    last round (Rubinstein 1982). Play is then an equilibrium of the game that it believes in only.
    """

    def act(self, turn: Turn) -> Move:
        """The equilibrium's move after whatever happened; it depends on the round and on the offer on the table."""
        seen = turn.observation
        if not isinstance(seen, BargainingObservation):
            raise InputError(
                f"baselines/rubinstein plays games/Bargaining-v0 only, and was shown {type(seen).__name__}"
            )
        cents = seen.money * 100
        if seen.alice_gain is None:
            others = ceil(self._continuation(seen, of_other=True))
            return Offer(alice_gain=(cents - others if seen.role == "alice" else others) / 100)
        alice = round(seen.alice_gain * 100)
        own = alice if seen.role == "alice" else cents - alice
        return ACCEPT if own >= self._continuation(seen, of_other=False) else REJECT

    def _continuation(self, seen: BargainingObservation, of_other: bool) -> Fraction:
        """What refusing now is worth to the responder, who proposes next: cents, discounted by that one round."""
        other = seen.own_discount if seen.other_discount is None else seen.other_discount
        responder, following = (other, seen.own_discount) if of_other else (seen.own_discount, other)
        cents = seen.money * 100
        if seen.rounds is None:
            return _without_end(responder, following, cents)
        if seen.round == seen.rounds:
            return Fraction(0)
        deltas = (seen.own_discount, other) if seen.role == "alice" else (other, seen.own_discount)
        return exact(responder) * equilibrium_claims(deltas, cents, seen.rounds)[seen.round]


@lru_cache(maxsize=256)
def _without_end(responder: float, following: float, cents: int) -> Fraction:
    both = exact(responder) * exact(following)
    claim = Fraction(cents, 2) if both == 1 else cents * (1 - exact(following)) / (1 - both)
    return exact(responder) * claim
