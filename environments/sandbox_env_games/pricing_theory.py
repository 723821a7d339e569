"""Theory of markets with few firms: stage equilibrium, joint profit, best replies, and best play against known conduct.

All firms of a market are alike. A firm that does not act sells nothing, and the others have the market to themselves.

Sources: Cournot (1838) and Bertrand (1883) as in Tirole, The Theory of Industrial Organization (1988), chapter 5;
Calvano, Calzolari, Denicolo & Pastorello, "Artificial intelligence, algorithmic pricing, and collusion", American
Economic Review 110 (2020) 3267-3297, for the logit market and the index.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sandbox.errors import InputError
from sandbox.scenario import Frozen

Floats = NDArray[np.float64]
Act = float | None
"""What a firm does in a round: a quantity or a price; None: it does not act."""
MOST_MARKETS = 30_000
"""Combinations of listed acts up to which an expectation is taken over all of them."""
DRAWS = 20_000
"""Random ones for an expectation over more."""
GRID, NARROW = 401, 21
"""Acts on the first grid of a search for the best sequence, and on each narrower one."""


class Conduct(Frozen):
    """How a scripted firm acts.

    Attributes:
        conduct: `nash` and `monopoly`: always the act of the stage game's equilibrium, or of the greatest joint profit;
            `grim`: the latter until another firm acted more competitively, then the former for ever; `undercut`: the
            lowest of the others' last prices less `step`, between cost + `step` and the monopoly price, at first the
            monopoly price; `best_reply`: the best against the others' last acts, at first the equilibrium's.
        step: of `undercut`, in the unit of prices.
    """

    conduct: Literal["nash", "monopoly", "grim", "undercut", "best_reply"] = "nash"
    step: float = Field(0.01, gt=0)


class UnknownError(Exception):
    """The best play against the given firms is not computed; says why."""


@dataclass(frozen=True)
class Market(ABC):
    """Firms that act at once and sell one round's goods.

    Attributes:
        firms: how many there can be.
        c: what a unit costs to make.
        decimals: that scripted firms' acts have.
        sets_prices: whether an act is a price, else a quantity.
        searched: what `sequence` looks at, in words.
    """

    firms: int
    c: float
    decimals: ClassVar[int] = 6
    sets_prices: ClassVar[bool] = True
    searched: ClassVar[str] = "a grid of acts and ever narrower ones around the best"

    @abstractmethod
    def sold(self, own: Any, others: Sequence[float]) -> Any:
        """What a firm sells with act `own` (a number, or an array of them) against the acts of those who act."""

    @abstractmethod
    def reply(self, others: Sequence[float]) -> float:
        """The act that is best against these."""

    @property
    @abstractmethod
    def nash(self) -> float:
        """Each firm's act in the stage game's symmetric equilibrium."""

    @property
    @abstractmethod
    def monopoly(self) -> float:
        """Each firm's act where their joint profit is greatest."""

    @property
    @abstractmethod
    def highest(self) -> float:
        """The greatest legal act; 0 is the least."""

    @property
    @abstractmethod
    def listed(self) -> tuple[float, ...]:
        """Acts that stand for all."""

    def price(self, own: Any, others: Sequence[float]) -> Any:
        """What a firm gets for a unit."""
        return own

    def profit(self, own: Any, others: Sequence[float]) -> Any:
        """What a firm earns with act `own` (a number, or an array of them)."""
        return (self.price(own, others) - self.c) * self.sold(own, others)

    def profits(self, acts: Sequence[Act]) -> tuple[float, ...]:
        """What each firm earns."""
        return tuple(0.0 if act is None else float(self.profit(act, _others(acts, i))) for i, act in enumerate(acts))

    def shared(self, act: float) -> float:
        """What each firm earns where all act alike."""
        return float(self.profit(act, [act] * (self.firms - 1)))

    def best(self, others: Sequence[float]) -> float:
        """The greatest profit against these acts."""
        return float(self.profit(self.reply(others), others))

    @cached_property
    def nash_profit(self) -> float:
        """Each firm's profit in the stage game's equilibrium."""
        return self.shared(self.nash)

    @cached_property
    def monopoly_profit(self) -> float:
        """Each firm's part of the greatest joint profit."""
        return self.shared(self.monopoly)

    def collusion(self, profit: float) -> float | None:
        """Calvano et al.'s Delta of a mean profit per firm and round: 0 in equilibrium, 1 at the greatest together.

        None: the market leaves next to nothing to be gained by collusion (see `worth_colluding`).
        """
        if not self.worth_colluding:
            return None
        return (profit - self.nash_profit) / (self.monopoly_profit - self.nash_profit)

    @cached_property
    def worth_colluding(self) -> bool:
        """Whether equilibrium and greatest joint profit are more than a millionth apart, else all between is noise."""
        return self.monopoly_profit - self.nash_profit > 1e-6 * self.monopoly_profit

    def check(self, conduct: Conduct, sees_others: bool) -> None:
        """Whether a scripted firm of this conduct can play here; `sees_others`: it is told what the others did.

        Raises:
            InputError: it cannot.
        """
        kind = conduct.conduct
        if kind in ("grim", "undercut", "best_reply") and not sees_others:
            raise InputError(f"baselines/firm with conduct {kind} must see what the others did: set disclosure: acts")
        if kind == "undercut" and not self.sets_prices:
            raise InputError("conduct undercut needs a game of prices: choose another for games/Cournot-v0")
        if kind == "undercut" and conduct.step < 10**-self.decimals:
            raise InputError(
                f"step: {conduct.step:g} undercuts nobody, since prices have {self.decimals} decimals here: "
                f"set at least {10**-self.decimals:g}"
            )

    def more_competitive(self, act: float) -> bool:
        """Than the act of the greatest joint profit, as a scripted firm does it: a lower price, or more goods."""
        agreed = round(self.monopoly, self.decimals)
        return act < agreed - 1e-9 if self.sets_prices else act > agreed + 1e-9

    def act(self, conduct: Conduct, last: Sequence[float] | None, betrayed: bool = False) -> float:
        """What a scripted firm does.

        Args:
            conduct: its kind, one that `check` lets pass.
            last: the acts of those others who acted in the last round; None in the first round.
            betrayed: whether any other firm ever was `more_competitive`.
        """
        kind = conduct.conduct
        if kind == "monopoly" or (kind == "grim" and not betrayed):
            act = self.monopoly
        elif kind in ("nash", "grim"):
            act = self.nash
        elif kind == "best_reply":
            act = self.nash if last is None else self.reply(last)
        else:
            act = min(self.monopoly, max(self.c + conduct.step, min(last) - conduct.step)) if last else self.monopoly
        return round(act, self.decimals)

    def sequence(self, first: Sequence[float], react: Callable[[float], Sequence[float]], rounds: int) -> float:
        """The greatest profit over `rounds` against others who begin with `first` and answer one's last act.

        By dynamic programming, on a grid of acts and then on ever narrower grids around the best ones.
        """
        span = self.highest / (GRID - 1)
        grids = [np.linspace(0, self.highest, GRID)] * rounds
        value = 0.0
        for _ in range(6):
            value, path = self._sequence(first, react, grids)
            offsets = np.linspace(-span, span, NARROW)
            grids = [np.clip(act + offsets, 0, self.highest) for act in path]
            span /= (NARROW - 1) / 4
        return value

    def _sequence(
        self, first: Sequence[float], react: Callable[[float], Sequence[float]], grids: Sequence[Floats]
    ) -> tuple[float, list[float]]:
        """The best of all sequences with one act of each grid, and its value."""
        later: Floats = np.zeros(len(grids[-1]))
        choices: list[NDArray[np.intp]] = []
        gains: Floats | None = None
        for number in range(len(grids) - 1, 0, -1):
            if gains is None or grids[number] is not grids[number - 1]:
                gains = np.array([self.profit(grids[number], react(float(act))) for act in grids[number - 1]])
            totals = gains + later
            choices.append(totals.argmax(axis=1))
            later = totals.max(axis=1)
        totals = self.profit(grids[0], first) + later
        index = int(totals.argmax())
        value, path = float(totals[index]), [float(grids[0][index])]
        for grid, chosen in zip(grids[1:], reversed(choices), strict=True):
            index = int(chosen[index])
            path.append(float(grid[index]))
        return value, path


@dataclass(frozen=True)
class Cournot(Market):
    """Quantities; the price of all is a - b times their sum, and at least 0. Needs a > c."""

    a: float
    b: float
    sets_prices: ClassVar[bool] = False

    def sold(self, own: Any, others: Sequence[float]) -> Any:
        """All that it makes."""
        return own

    def price(self, own: Any, others: Sequence[float]) -> Any:
        """That clears the market."""
        price = self.a - self.b * (own + sum(others))
        return price * (price > 0)

    def reply(self, others: Sequence[float]) -> float:
        """(a - c - b Q) / 2b against a quantity of Q, or 0."""
        return max(0.0, (self.a - self.c - self.b * sum(others)) / (2 * self.b))

    @property
    def nash(self) -> float:
        """(a - c) / (b (n + 1)): for c > 0 the only equilibrium."""
        return (self.a - self.c) / (self.b * (self.firms + 1))

    @property
    def monopoly(self) -> float:
        """An nth of (a - c) / 2b."""
        return (self.a - self.c) / (2 * self.b * self.firms)

    @property
    def highest(self) -> float:
        """What brings the price down to 0 alone, rounded up to six decimals so that it can be told."""
        exact = self.a / self.b
        found = round(exact, 6)
        return found if found >= exact else round(found + 1e-6, 6)

    @property
    def listed(self) -> tuple[float, ...]:
        """Twelfths of the quantity that brings the price down to cost; with a duopoly's two theoretical acts."""
        return tuple((self.a - self.c) / self.b * part / 12 for part in range(13))


@dataclass(frozen=True)
class Bertrand(Market):
    """Prices in cents; the lowest one sells all that is demanded at it, (a - p) / b, in equal parts. Needs a > c."""

    a: float
    b: float
    decimals: ClassVar[int] = 2
    searched: ClassVar[str] = "all prices in cents, exact"

    def sold(self, own: Any, others: Sequence[float]) -> float:
        """All, a part, or nothing."""
        lowest = min(others, default=math.inf)
        if own > lowest:
            return 0.0
        demand = float(max(0.0, self.a - own)) / self.b
        return demand / (1 + others.count(own)) if own == lowest else demand

    def reply(self, others: Sequence[float]) -> float:
        """The monopoly price, a cent less than the lowest, or the same; a cent above cost where nothing is earned."""
        if not others:
            return self.monopoly
        lowest = min(others)
        under = round(lowest - 0.01, 2)
        found = [self.nash, *(price for price in (self.monopoly, under, lowest) if self.c < price <= lowest)]
        return max(found, key=lambda price: float(self.profit(price, others)))

    @property
    def nash(self) -> float:
        """A cent above cost: see `stage_prices`."""
        return round(self.c + 0.01, 2)

    @property
    def monopoly(self) -> float:
        """(a + c) / 2."""
        return round((self.a + self.c) / 2, 2)

    @property
    def highest(self) -> float:
        """At which nothing is demanded."""
        return self.a

    @property
    def listed(self) -> tuple[float, ...]:
        """Tenths of the way from cost to the highest price; the monopoly price is the middle one."""
        return tuple(round(self.c + (self.a - self.c) * part / 10, 2) for part in range(11))

    def stage_prices(self) -> list[float]:
        """The prices, in whole cents, that all firms charge in symmetric equilibria in pure strategies: exhaustive."""
        prices = np.arange(round(self.a * 100) + 1) / 100
        alone = (prices - self.c) * (self.a - prices) / self.b
        leaving = np.maximum.accumulate(np.insert(alone[:-1], 0, 0.0))  # for a lower price, or for a higher one: 0
        found: list[float] = prices[alone / self.firms >= leaving - 1e-12].tolist()
        return found

    def sequence(self, first: Sequence[float], react: Callable[[float], Sequence[float]], rounds: int) -> float:
        """As in `Market`, over all prices in cents: exact."""
        prices = np.arange(round(self.a * 100) + 1) / 100
        alone = (prices - self.c) * (self.a - prices) / self.b
        met = [react(float(price)) for price in prices]
        lowest = np.array([round(min(others) * 100) for others in met])
        parts = np.array([1 + others.count(min(others)) for others in met])
        later: Floats = np.zeros(len(prices))
        for _ in range(rounds - 1):
            later = _next(alone, later, lowest, parts)
        begun = _next(alone, later, np.array([round(min(first) * 100)]), np.array([1 + first.count(min(first))]))
        return float(begun[0])


def _next(alone: Floats, later: Floats, lowest: NDArray[Any], parts: NDArray[Any]) -> Floats:
    """The best of pricing below, at and above the others' lowest price (an index), each with what it is worth later."""
    below = np.insert(np.maximum.accumulate(alone + later), 0, -np.inf)[lowest]
    above = np.append(np.maximum.accumulate(later[::-1])[::-1], -np.inf)[lowest + 1]
    found: Floats = np.maximum(np.maximum(below, above), alone[lowest] / parts + later[lowest])
    return found


@dataclass(frozen=True)
class Logit(Market):
    """Prices; demand is logit: exp((a - p) / mu), divided by the sum of that over all firms and exp(a0 / mu)."""

    a: float
    a0: float
    mu: float

    def sold(self, own: Any, others: Sequence[float]) -> Any:
        """A share of one unit."""
        rest = sum(math.exp((self.a - price) / self.mu) for price in others) + math.exp(self.a0 / self.mu)
        pull = np.exp((self.a - own) / self.mu)
        return pull / (pull + rest)

    def reply(self, others: Sequence[float]) -> float:
        """The first-order condition p = c + mu / (1 - share), solved by Wright's omega function."""
        rest = sum(math.exp((self.a - price) / self.mu) for price in others) + math.exp(self.a0 / self.mu)
        return self.c + self.mu * (1 + _omega((self.a - self.c) / self.mu - 1 - math.log(rest)))

    @cached_property
    def nash(self) -> float:
        """Where each price is the best reply to the others; between cost and a lone firm's price."""
        from scipy.optimize import brentq  # takes longer to import than all the games together

        def beyond(price: float) -> float:
            return price - self.reply([price] * (self.firms - 1))

        return float(brentq(beyond, self.c, self.reply([]), xtol=1e-13))

    @cached_property
    def monopoly(self) -> float:
        """The one price of all that makes the joint profit greatest: p = c + mu / (share of those who buy nothing)."""
        return self.c + self.mu * (1 + _omega(math.log(self.firms) + (self.a - self.a0 - self.c) / self.mu - 1))

    @cached_property
    def highest(self) -> float:
        """Twice the monopoly price, rounded up to a whole number."""
        return float(math.ceil(2 * self.monopoly))

    @cached_property
    def listed(self) -> tuple[float, ...]:
        """Calvano et al.'s fifteen prices: from equilibrium to monopoly, and a tenth of that more on both sides.

        None is below 0.
        """
        apart = max(self.monopoly - self.nash, self.mu / 100)  # where these two are one, the fifteen shall not be
        wanted = (self.nash + apart * (part / 14 * 1.2 - 0.1) for part in range(15))
        return tuple(dict.fromkeys(max(0.0, price) for price in wanted))


def _omega(z: float) -> float:
    """W(exp(z)), W being Lambert's function."""
    from scipy.special import wrightomega  # as above

    return float(wrightomega(z))


def random_profit(market: Market) -> tuple[float, float | None]:
    """What a firm can expect in a round of random choice among the listed acts by all, and the error if simulated."""
    if len(market.listed) ** market.firms <= MOST_MARKETS:
        markets = itertools.product(market.listed, repeat=market.firms - 1)
        return float(np.mean([_mean(market, others) for others in markets])), None
    picks = np.random.default_rng(0).choice(market.listed, (DRAWS, market.firms)).tolist()
    found = np.array([market.profit(own, others) for own, *others in picks])
    return float(found.mean()), float(found.std(ddof=1) / math.sqrt(DRAWS))


def _mean(market: Market, others: Sequence[float]) -> float:
    """Of the profits of all listed acts."""
    return sum(float(market.profit(act, others)) for act in market.listed) / len(market.listed)


@lru_cache(maxsize=256)  # every seat of a game, and every game of an experiment, asks for the same
def _followed(rivals: Rivals, rounds: int) -> float:
    return rivals.market.sequence(rivals.first, rivals.react, rounds)


@lru_cache(maxsize=256)
def market(kind: Callable[..., Market], *numbers: float) -> Market:
    """The one market of this kind with these numbers (in the order of its fields), which keeps what it worked out."""
    return kind(*numbers)


def _others(acts: Sequence[Act], own: int) -> list[float]:
    return [act for i, act in enumerate(acts) if i != own and act is not None]


@dataclass(frozen=True)
class Rivals:
    """The other firms, as far as theory can follow them: constant, all but one constant, or punishing for ever.

    Raises:
        UnknownError: they are not.
    """

    market: Market
    conducts: tuple[Conduct, ...]

    def __post_init__(self) -> None:
        kinds = [one.conduct for one in self.conducts]
        reacting = [kind for kind in kinds if kind in ("undercut", "best_reply")]
        if len(reacting) > 1:
            raise UnknownError("several firms react to each other's last acts")
        if "grim" in kinds and (reacting or "nash" in kinds):
            raise UnknownError("a firm that punishes for ever also watches firms that are not collusive")

    @cached_property
    def first(self) -> list[float]:
        """Their acts in round 1."""
        return [self.market.act(one, None) for one in self.conducts]

    @property
    def punishing(self) -> bool:
        """Whether any is grim."""
        return any(one.conduct == "grim" for one in self.conducts)

    @property
    def constant(self) -> bool:
        """Whether all are."""
        return all(one.conduct in ("nash", "monopoly") for one in self.conducts)

    def betrayed(self) -> list[float]:
        """Their acts once somebody was more competitive."""
        return [self.market.act(one, None, betrayed=True) for one in self.conducts]

    def react(self, own: float) -> list[float]:
        """Their acts in the round after one's act `own`, where none of them punishes."""
        constant, reacting = self._kinds
        return constant + [self.market.act(one, [own, *constant]) for one in reacting]

    @cached_property
    def _kinds(self) -> tuple[list[float], list[Conduct]]:
        """The acts of those who do the same in every round, and the others."""
        pairs = list(zip(self.first, self.conducts, strict=True))
        return (
            [act for act, one in pairs if one.conduct in ("nash", "monopoly")],
            [one for _, one in pairs if one.conduct not in ("nash", "monopoly")],
        )

    def best(self, rounds: int) -> float:
        """The greatest profit against them over so many rounds."""
        market = self.market
        if self.constant:
            return rounds * market.best(self.first)
        if not self.punishing:
            return _followed(self, rounds)
        # Up to the last round before the break the collusive act is best: profit rises towards more competitive ones.
        agreed = float(market.profit(round(market.monopoly, market.decimals), self.first))
        broken, later = market.best(self.first), market.best(self.betrayed())
        ends = [kept * agreed + broken + (rounds - kept - 1) * later for kept in range(rounds)]
        return max(*ends, rounds * agreed)

    def random(self, rounds: int) -> float:
        """The expected profit of the one who chooses among the listed acts at random."""
        market = self.market
        begun = _mean(market, self.first)
        if self.constant:
            return rounds * begun
        if not self.punishing:
            later = [_mean(market, self.react(act)) for act in market.listed]
            return begun + (rounds - 1) * sum(later) / len(later)
        kept = sum(not market.more_competitive(act) for act in market.listed) / len(market.listed)
        after = _mean(market, self.betrayed())
        return sum(kept**number * begun + (1 - kept**number) * after for number in range(rounds))
