"""What the fishery is worth: the greatest total, the equilibrium, and best play against known fishers; exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isqrt

import numpy as np
import numpy.typing as npt

from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.anchors import MOST, first_moves, random_anchors, response_anchors, unmet
from sandbox_env_games.commons_players import FISHER, FisherConfig, settings_of
from sandbox_env_games.fishery import Fishery, FisheryConfig, FisheryState, Harvest, listed, wishes

FEW = 30
"""Tons up to which a sum's distribution is added up term by term, which is quicker than Fourier transforms."""

Values = npt.NDArray[np.float64]
Wishes = Callable[[int, int], tuple[int, ...]]
"""(month from 1, stock) -> what the others want."""
Choice = Callable[[int, tuple[int, ...]], float]
"""(stock, what the others want) -> expected catch from now on."""


def welfare(config: FisheryConfig) -> float:
    """The greatest total catch of all months, by dynamic programming over (month, stock)."""
    return best_response(config, lambda month, stock: ())


def best_response(config: FisheryConfig, others: Wishes, months: int | None = None) -> float:
    """The greatest catch that one player can expect against others who want `others(month, stock)`.

    By backward induction over (month, stock). While all wishes fit, a player chooses what it leaves; a wish that does
    not fit empties the lake, so that the greatest one is the best of those. `months`: how many there are, by default
    all of the config's.
    """

    def best(later: Values) -> Choice:
        leaving = np.maximum.accumulate(later - np.arange(len(later))).tolist()

        def catch(stock: int, wanted: tuple[int, ...]) -> float:
            room = stock - sum(wanted)
            fitting: float = room + leaving[room] if room >= 0 else 0.0
            # Nobody can catch more than there is by wanting it all.
            return fitting if fitting >= stock else max(fitting, expected_catch(stock, stock, wanted))

        return catch

    return _value(config, others, best, months or config.rounds)


def random_response(config: FisheryConfig, others: Wishes) -> float:
    """The catch that a player can expect who plays at random (each representative equally likely)."""

    def random(later: Values) -> Choice:
        def catch(stock: int, wanted: tuple[int, ...]) -> float:
            room, found = stock - sum(wanted), 0.0
            options = listed(config, stock)
            for own in options:
                found += own + later[room - own] if own <= room else expected_catch(stock, own, wanted)
            return float(found / len(options))

        return catch

    return _value(config, others, random, config.rounds)


def hindsight(state: FisheryState, own: int) -> float:
    """The most that player `own` (from 0) could have expected with the others' recorded wishes, in their months."""
    wanted = (wishes(past.acts) for past in state.history)
    return _hindsight(state.config, tuple(tuple(sorted(all_[:own] + all_[own + 1 :])) for all_ in wanted))


@lru_cache(maxsize=1024)
def _hindsight(config: FisheryConfig, wanted: tuple[tuple[int, ...], ...]) -> float:
    return best_response(config, lambda month, stock: wanted[month - 1], len(wanted))


def _value(config: FisheryConfig, others: Wishes, choose: Callable[[Values], Choice], months: int) -> float:
    """The value of a full lake to who plays `choose(value of each number of tons left)`."""
    left = np.arange(config.capacity + 1)
    regrown = np.array([config.regrown(one) for one in left.tolist()])
    # All stocks that there can be: a full lake, and whatever doubles without filling it.
    reached = sorted({config.capacity, *regrown[config.collapse :].tolist()})
    values = np.zeros(config.capacity + 1)
    for month in range(months, 0, -1):
        later = np.where(left >= config.collapse, values[regrown], 0.0)
        catch, values = choose(later), np.zeros(config.capacity + 1)
        for stock in reached if month > 1 else [config.capacity]:
            values[stock] = catch(stock, tuple(sorted(others(month, stock))))
    return float(values[config.capacity])


@lru_cache(maxsize=100_000)  # months repeat each other
def expected_catch(stock: int, own: int, wanted: tuple[int, ...]) -> float:
    """The expected catch of a player who wants `own` where the others want `wanted`; all together more than `stock`.

    Ton by ton goes to a player drawn uniformly from those who have less than they want. Let each player be offered tons
    at the times of a Poisson process of rate 1 of its own, and refuse when it has enough: the tons that are taken then
    go to the same players in the same order. The k-th offer to our player is taken if by then the others have taken at
    most stock - k; hence the catch is the sum over k up to `own` of the integral over time t of the density of its k-th
    offer, t^(k-1) e^-t / (k-1)!, times the probability that the sum of the others' min(Poisson(t), wanted) is at most
    stock - k. Numeric integration (Gauss-Legendre), to nine decimals.
    """
    most = 1 << (stock - 1).bit_length()  # so that stocks of about the same size share what is worked out
    own, offers = min(own, stock), _offers(most)[0]
    taken = _taken(tuple(min(want, most) for want in wanted), most)
    return round(float((offers[:, :own] * taken[:, stock - own : stock][:, ::-1]).sum()), 9)


@lru_cache(maxsize=64)
def _taken(wanted: tuple[int, ...], most: int) -> Values:
    """The weight of a point in time (row) times the probability that others have taken at most so much (column)."""
    offers, weights = _offers(most)
    found = np.zeros((len(weights), most))
    found[:, 0] = 1
    reach = 1  # columns that are not 0
    for want in wanted:
        capped = offers[:, : want + 1].copy()
        if want < most:  # who has enough takes no more
            capped[:, want] = 1 - offers[:, :want].sum(axis=1)
        if want <= FEW:
            sums = np.zeros_like(found)
            for tons in range(min(want + 1, most)):
                end = min(reach, most - tons)
                sums[:, tons : tons + end] += found[:, :end] * capped[:, tons : tons + 1]
            found = sums
        else:
            size = 2 * most
            found = np.fft.irfft(np.fft.rfft(found, size) * np.fft.rfft(capped, size), size)[:, :most]
        reach = min(most, reach + want)
    found = np.cumsum(found, axis=1) * weights[:, None]
    found.flags.writeable = False  # it is shared by all who ask
    return found


@lru_cache(maxsize=16)
def _offers(most: int) -> tuple[Values, Values]:
    """Poisson probabilities of 0 to `most` - 1 offers (columns) at points in time (rows), and the points' weights."""
    end = most + 10 * np.sqrt(most) + 40
    nodes, weights = np.polynomial.legendre.leggauss(64 + 8 * isqrt(most))
    times = (nodes + 1) * end / 2
    counts = np.arange(most)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    return np.exp(counts * np.log(times)[:, None] - times[:, None] - log_factorials), weights * end / 2


def benchmarks(
    game: Fishery, config: FisheryConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors of all players, in tons: `disagreement`, `random`, `random_response`, `equilibrium`, `best_response`.

    `welfare` is the greatest total.
    """
    part = config.capacity / config.players
    found = random_anchors(game, config, item, {})
    found["welfare"] = Benchmark(
        value=welfare(config), assumes="the greatest total of all players, by dynamic programming over month and stock"
    )
    for seat in game.seats(config):
        found[f"disagreement/{seat}"] = Benchmark(
            value=part,
            assumes="all want everything in the first month; nobody can be held to less than this expected part",
        )
        found[f"equilibrium/{seat}"] = _equilibrium(config, part)
        found |= _responses(game, config, item, seat, counterparts)
    return found


def _equilibrium(config: FisheryConfig, part: float) -> Benchmark:
    """All want everything in every month.

    By backward induction, for n >= 3. Suppose that in the next month a stock of h is worth at most h / n to each (after
    the last month it is worth nothing). Against wishes W < h of the others, who catches x < h - W has at most
    x + 2 (h - W - x) / n < h - W, and who wants all of h gets at least h - W. Against W >= h the lake is empty in any
    case, and a greater wish gets strictly more, up to h. So to want at least h is strictly better than any smaller
    wish, whatever the others do: it is the only equilibrium, also in mixed strategies, and the month is worth h / n.
    For n = 2 the first comparison is weak: it is an equilibrium, and there may be others.
    """
    if not config.horizon_told:
        reason = "the players do not know the number of months, and no beliefs are given (folk theorem)"
        return Benchmark(value=None, assumes=reason)
    unique = "the only one, by backward induction" if config.players > 2 else "there may be others with two players"
    return Benchmark(
        value=part,
        assumes=f"subgame-perfect equilibrium ({unique}): all want everything at once, and each expects an equal part; "
        "all care for their own catch only, and know that of each other",
    )


def _responses(
    game: Fishery, config: FisheryConfig, item: Item, seat: str, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    seats = game.seats(config)
    if undefined := unmet(seat, seats, counterparts):
        return undefined
    names = f"best_response/{seat}", f"random_response/{seat}"
    others = {other: counterparts[other] for other in seats if other != seat}
    found = [settings_of(policy, FISHER, FisherConfig) for policy in others.values()]
    fishers = [one for one in found if one is not None]
    if len(fishers) == len(others):
        scope = "these very counterparts, whose wishes depend on the stock alone: dynamic programming over month and"
        met = _met(config, fishers)
    elif config.rounds == 1:
        scope = "these very counterparts: their wishes in the only month, and"
        made = first_moves(game, config, item, others).values()
        wanted = tuple(move.tons for move in made if isinstance(move, Harvest))
        met = lambda month, stock: wanted  # noqa: E731
    else:
        reason = f"not computed: only of {FISHER} is it known what its wishes depend on"
        unknown = response_anchors(game, config, item, seat, others, MOST)
        return unknown | {names[0]: Benchmark(value=None, assumes=reason)}
    scope += " stock, with the expected catch where wishes do not fit"
    return {
        names[0]: Benchmark(value=best_response(config, met), assumes=f"best play against {scope}"),
        names[1]: Benchmark(value=random_response(config, met), assumes=f"random play against {scope}; exact"),
    }


def _met(config: FisheryConfig, fishers: Sequence[FisherConfig]) -> Wishes:
    return lambda month, stock: tuple(one.wants(config.players, config.capacity, stock) for one in fishers)
