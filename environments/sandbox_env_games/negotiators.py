"""Scripted negotiators: plain players whose play is known exactly."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from pydantic import Field

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.scenario import Frozen
from sandbox_env_games.negotiation import (
    ACCEPT,
    OUTSIDE,
    REJECT,
    NegotiationObservation,
    Offer,
    Seat,
    proposer,
)

MOST = 10
"""No price of a conceder is more than so many times what the product is worth to itself, and so all are legal."""
UNTOLD = 10
"""Rounds that `Conceder` reckons with where it is not told how many there are."""


class Negotiator(Agent[NoConfig]):
    """Plays a subgame-perfect equilibrium of `games/Negotiation-v0` in either seat, exact in cents, from what it sees.

    In every round the price is the one that whoever offers last will take: all gains from trade. It offers that price,
    and accepts what is no worse for itself. Where both values are known and leave nothing to gain, it offers at its own
    value and deals with John rather than agree to a loss. It sends no messages and reads none.

    What is not told it assumes. Without a told horizon there is no last mover, and it halves the gains. Without the
    other's value it takes it for its own: it offers at its own value, and accepts whatever is no loss. Play is then an
    equilibrium of the game that it believes in only.
    """

    def act(self, turn: Turn) -> Move:
        """The equilibrium's move after whatever happened; it depends on the round and on the offer on the table."""
        seen = _observation(turn, "baselines/negotiator")
        agreed = _agreed(seen.role, seen.own_value, seen.other_value, seen.rounds)
        price = _exact_cents(seen.own_value) if agreed is None else agreed
        if seen.price is None:
            return Offer(price=(_favourable if agreed is None else _generous)(seen.role, price) / 100)
        if _no_worse(seen.role, seen.price, price):
            return ACCEPT
        if agreed is not None or seen.other_value is None:
            return REJECT
        return OUTSIDE[seen.role]


@lru_cache(maxsize=1024)
def _agreed(role: Seat, own: float, other: float | None, rounds: int | None) -> Fraction | None:
    """The equilibrium's price in cents, whole where it is a last mover's; None where there is nothing to gain."""
    mine, others = _exact_cents(own), _exact_cents(own if other is None else other)
    seller, buyer = (mine, others) if role == "seller" else (others, mine)
    if ceil(seller) > floor(buyer) or seller == buyer:
        return None
    if rounds is None:
        return min(max((seller + buyer) / 2, Fraction(ceil(seller))), Fraction(floor(buyer)))
    return Fraction(floor(buyer) if proposer(rounds) == "seller" else ceil(seller))


class ConcederConfig(Frozen):
    """Settings of `Conceder`.

    Attributes:
        start: the first price, as a factor of what the product is worth to itself; None: 1.5 as seller, 0.5 as buyer.
        reservation: the last and worst price, as such a factor; 1: it never trades at a loss.
        rounds: the round by which it is there; None: the last one, or the tenth where that is not told.
    """

    start: float | None = Field(None, ge=0, le=MOST)
    reservation: float = Field(1.0, ge=0, le=MOST)
    rounds: int | None = Field(None, ge=1)


class Conceder(Agent[ConcederConfig]):
    """Concedes in equal steps, round by round, from a first price to its reservation price.

    The linear time-dependent tactic of Faratin, Sierra and Jennings, "Negotiation decision functions for autonomous
    agents", Robotics and Autonomous Systems 24 (1998): it accepts what is no worse for it than what it would offer in
    the next round. It never deals with John, sends no messages and reads none.
    """

    Config = ConcederConfig

    def act(self, turn: Turn) -> Move:
        """What the round says; it depends on the round and on the offer on the table."""
        seen = _observation(turn, "baselines/conceder")
        reckoned = self.config.rounds or seen.rounds or UNTOLD
        if seen.price is None:
            price = _wanted(self.config, seen.role, seen.own_value, seen.round, reckoned)
            return Offer(price=_favourable(seen.role, price) / 100)
        following = _wanted(self.config, seen.role, seen.own_value, seen.round + 1, reckoned)
        return ACCEPT if _no_worse(seen.role, seen.price, following) else REJECT


@lru_cache(maxsize=1024)
def _wanted(config: ConcederConfig, role: Seat, own: float, number: int, rounds: int) -> Fraction:
    """What a conceder wants in round `number` when it reckons with `rounds`: cents."""
    usual = 1.5 if role == "seller" else 0.5
    first = Fraction(repr(usual if config.start is None else config.start))
    last = Fraction(repr(config.reservation))
    conceded = min(Fraction(number - 1, max(1, rounds - 1)), Fraction(1))
    return _exact_cents(own) * (first + (last - first) * conceded)


def _observation(turn: Turn, name: str) -> NegotiationObservation:
    seen = turn.observation
    if not isinstance(seen, NegotiationObservation):
        raise InputError(f"{name} plays games/Negotiation-v0 only, and was shown {type(seen).__name__}")
    return seen


@lru_cache(maxsize=1024)
def _exact_cents(dollars: float) -> Fraction:
    """Dollars in cents, as the decimal that they are written as."""
    return Fraction(repr(float(dollars))) * 100


def _no_worse(role: Seat, price: float, than: Fraction) -> bool:
    """Whether trading at `price` (dollars) is no worse for the player than at `than` (cents)."""
    offered = round(price * 100)
    return offered >= than if role == "seller" else offered <= than


def _favourable(role: Seat, price: Fraction) -> int:
    """The nearest whole cents that are no worse for the player itself."""
    return ceil(price) if role == "seller" else floor(price)


def _generous(role: Seat, price: Fraction) -> int:
    """The nearest whole cents that are no worse for the other."""
    return floor(price) if role == "seller" else ceil(price)
