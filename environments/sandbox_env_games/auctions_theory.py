"""Theory of auctions with private values: equilibrium bids, what they pay, and what a plan is worth against known ones.

All of it is for n bidders whose values are drawn independently and uniformly from [0, top].

Sources: Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", Journal of Finance 16 (1961) 8-37;
Riley & Samuelson, "Optimal auctions", American Economic Review 71 (1981) 381-392 (reserve prices, revenue
equivalence); Krishna, Auction Theory (2nd ed. 2010), chapter 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sandbox.scenario import Frozen

Floats = NDArray[np.float64]
Levels = NDArray[np.int64]


class Bidding(Frozen):
    """How a scripted bidder turns its value into the most that it bids or stays for.

    Attributes:
        strategy: `truthful`: the value; `equilibrium`: the risk-neutral symmetric equilibrium's bid (the value, but in
            a first-price auction); `shaded`: `factor` times the value.
        factor: of `shaded`; above 1 it overbids. No bid is above the greatest possible value.
    """

    strategy: Literal["truthful", "equilibrium", "shaded"] = "equilibrium"
    factor: float = Field(0.5, ge=0, le=2)


def first_price_bid(value: Any, bidders: int, top: float, reserve: float = 0.0) -> Any:
    """The equilibrium bid of a first-price auction for a value (or an array) of at least `reserve`, and above 0.

    Without a reserve price (n - 1) v / n; with one ((n - 1) v^n + r^n) / (n v^(n - 1)). Risk-neutral bidders; the unit
    is that of `top`.
    """
    share = value / top
    below = (reserve / top) ** bidders
    return top * ((bidders - 1) * share**bidders + below) / (bidders * share ** (bidders - 1))


def revenue(bidders: int, top: float, reserve: float = 0.0) -> float:
    """The seller's expected revenue in equilibrium, of either sealed auction and of the English one.

    Without a reserve price (n - 1) / (n + 1) of `top`.
    """
    r = reserve / top
    return top * (2 * bidders / (bidders + 1) * (1 - r ** (bidders + 1)) - (1 - r**bidders))


def payoff(bidders: int, top: float, reserve: float = 0.0) -> float:
    """A bidder's expected gain in that equilibrium, value not yet known; without a reserve `top` / (n (n + 1))."""
    r = reserve / top
    return top * ((1 - r ** (bidders + 1)) / (bidders * (bidders + 1)) - r**bidders * (1 - r) / bidders)


def greatest_total(bidders: int, top: float, reserve: float = 0.0) -> float:
    """The most that all bidders together can expect: the one with the highest value wins, and pays the reserve only."""
    r = reserve / top
    return top * ((1 - r) - (1 - r ** (bidders + 1)) / (bidders + 1))


def limits(bidding: Bidding, values: Levels, bidders: int, top: int, reserve: int, first_price: bool) -> Levels:
    """The most that a scripted bidder bids (or stays for) with each of these values; all in integer cents.

    An equilibrium bidder whose value is below the reserve price bids 0.
    """
    if bidding.strategy == "shaded":
        wanted = np.minimum(bidding.factor * values, top)
    elif bidding.strategy == "equilibrium" and first_price:
        wanted = np.zeros(len(values))
        serious = (values >= reserve) & (values > 0)
        wanted[serious] = first_price_bid(values[serious].astype(float), bidders, top, reserve)
    else:
        return values
    whole: Levels = np.floor(wanted + 1e-6).astype(np.int64)  # .29 * 100 and the like fall short of a whole number
    return whole


class Odds(NamedTuple):
    """What each level (a bid in cents, a number of clock ticks) does: `win`, its chance; `pay`, its expected payment.

    A bidder of value v gains win * v - pay. `pay` is in cents and counts 0 where the object is not won.
    """

    win: Floats
    pay: Floats


def shares(levels: Levels, count: int) -> Floats:
    """How probable each of the levels 0..count - 1 is, given the level that each equally probable value leads to."""
    found: Floats = np.bincount(levels, minlength=count) / len(levels)
    return found


def _against(others: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Of each level: the chance that all others are below it, and that it wins where a lot decides between equals."""
    # Coefficient k of the product: the chance that k of them are at the level, and the rest below.
    ties = [np.ones_like(others[0])]
    for at in others:
        below = np.cumsum(at) - at
        zero = np.zeros_like(at)
        ties = [some * below + more * at for some, more in zip([*ties, zero], [zero, *ties], strict=True)]
    return ties[0], reduce(np.add, [chance / (k + 1) for k, chance in enumerate(ties)])


def sealed_odds(others: Sequence[Floats], reserve: int, first_price: bool) -> Odds:
    """Of each bid, 0..top cents, against independent bidders whose bids have these probabilities."""
    below, win = _against(others)
    bids = np.arange(len(below), dtype=float)
    if first_price:
        pay = bids * win
    else:
        price = np.maximum(bids, reserve)
        highest = np.diff(below, append=1.0) * price
        pay = np.cumsum(highest) - highest + price * (win - below)
    win = np.where(bids < reserve, 0.0, win)
    return Odds(win, np.where(bids < reserve, 0.0, pay))


def clock_odds(others: Sequence[Floats], prices: Floats) -> Odds:
    """Of staying for 0..T of the clock's T prices, against independent bidders who stay for so many."""
    below, win = _against(others)
    left_at = np.append(prices, 0.0)  # nobody leaves after the last price, so that the addition is never used
    highest = np.diff(below, append=1.0) * left_at
    before = np.insert(prices, 0, 0.0)  # the price at which all who now leave at once still stayed
    pay = np.cumsum(highest) - highest + before * (win - below)
    win[0] = pay[0] = 0.0
    return Odds(win, pay)


def follow(odds: Odds, levels: Levels) -> float:
    """Expected gain, in cents, of the one who plays `levels[v]` with each value v, all of them equally probable."""
    values = np.arange(len(levels))
    return float(np.mean(values * odds.win[levels] - odds.pay[levels]))


def blind(odds: Odds, chances: Floats, top: int) -> float:
    """Expected gain, in cents, of the one who plays each level with these chances, whatever its value."""
    return float(np.sum(chances * (top / 2 * odds.win - odds.pay)))


def best(odds: Odds, top: int) -> float:
    """Expected gain, in cents, of the one who plays the best level for each value 0..top: exact.

    The gain of a level is a line in the value, win * v - pay, so that the best is their upper envelope.
    """
    hull: list[tuple[float, float]] = []
    for win, pay in sorted(zip(odds.win.tolist(), odds.pay.tolist(), strict=True)):
        if hull and win == hull[-1][0]:
            continue  # the same chance for a higher payment
        while len(hull) > 1 and _above(hull[-2], hull[-1], (win, pay)):
            hull.pop()
        hull.append((win, pay))
    lines = np.array(hull)
    turns = np.diff(lines[:, 1]) / np.diff(lines[:, 0])
    values = np.arange(top + 1)
    line = lines[np.searchsorted(turns, values)]
    return float(np.mean(values * line[:, 0] - line[:, 1]))


def _above(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the middle point is on or above the line through the other two, so that its level is never the best."""
    return (middle[1] - first[1]) * (last[0] - first[0]) >= (last[1] - first[1]) * (middle[0] - first[0])
