"""The theory of public goods games: what is dominant, what is best for all, and best play against known players."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from statistics import fmean
from typing import Any

import numpy as np

from sandbox.menu import Menu, moves
from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.anchors import response_anchors, unmet
from sandbox_env_games.commons_players import CONTRIBUTOR, ContributorConfig, settings_of
from sandbox_env_games.public_goods import Contribute, PublicGoods, PublicGoodsConfig, contribution_menu, point_menu
from sandbox_env_games.rounds import players

LARGEST = 200_000
"""Contributions that are looked at for an anchor against known players; with more it is not computed."""


class TooManyError(Exception):
    """An anchor would take more than `LARGEST` contributions."""


def equilibrium(config: PublicGoodsConfig) -> tuple[float, float]:
    """The least and the greatest payoff of one round that a player has in an equilibrium; without punishment.

    A token in the project pays its owner r / n: nothing is contributed where that is less than 1, everything where it
    is more (both strictly dominant); where it is 1 all profiles are equilibria.
    """
    n = config.players
    none, full = float(config.endowment), config.multiplier * config.endowment
    if config.multiplier == n:
        return none, config.endowment + (n - 1.0) * config.endowment
    return (none, none) if config.multiplier < n else (full, full)


def welfare(config: PublicGoodsConfig) -> float:
    """The greatest total of one round: all contribute everything if r > 1, else nothing; nobody gives points."""
    return config.players * config.endowment * max(1.0, config.multiplier)


def random_play(config: PublicGoodsConfig) -> float:
    """The expected payoff of one round when all play at random (each representative equally likely): exact.

    All give and get the same number of points on average.
    """
    tokens = fmean(_tokens(config))
    return config.endowment + (config.multiplier - 1) * tokens - (config.cost + config.effect) * _points(config)


def best_response(config: PublicGoodsConfig, others: Sequence[ContributorConfig], own: int) -> float:
    """The greatest payoff of player number `own` (from 0) against these players, who stand in the order of the seats.

    By dynamic programming over rounds and what the others are about to contribute, which is all that their past matters
    for. They do not react to points, so that to give none is best.

    Raises:
        TooManyError: see `LARGEST`.
    """
    return _against(config, others, own, range(config.endowment + 1), np.max)


def random_response(config: PublicGoodsConfig, others: Sequence[ContributorConfig], own: int) -> float:
    """The expected payoff of player `own` when it plays at random (each representative equally likely): exact.

    Raises:
        TooManyError: as above.
    """
    points = config.rounds * config.cost * _points(config)
    return _against(config, others, own, _tokens(config), np.mean) - points


def _tokens(config: PublicGoodsConfig) -> list[int]:
    """What a random player chooses from."""
    return [move.tokens for move in moves(contribution_menu(config.endowment)) if isinstance(move, Contribute)]


def _points(config: PublicGoodsConfig) -> float:
    """Points that a random player gives in a round, on average."""
    if not config.punishment:
        return 0.0
    return fmean(sum(getattr(move, seat) for seat in players(config.players)) for move in moves(_points_menu(config)))


def _points_menu(config: PublicGoodsConfig) -> Menu:
    return point_menu(players(1)[0], config.players, config.most_points)


def _against(
    config: PublicGoodsConfig,
    others: Sequence[ContributorConfig],
    own: int,
    options: Sequence[int],
    choose: Callable[..., Any],
) -> float:
    """The value of choosing in each round among these contributions, without giving points."""
    met = dict(zip([at for at in range(config.players) if at != own], others, strict=True))

    def coming(last: Sequence[int] | None) -> tuple[int, ...]:
        return tuple(one.contributes(config.endowment, last, at) for at, one in met.items())

    known = {coming(None): 0}  # what the others are about to contribute -> its number
    gains: list[list[float]] = []  # by that number and option, as is `following`
    following: list[list[int]] = []
    queue = list(known)
    for others_now in queue:  # which grows
        if len(queue) * len(options) > LARGEST:
            raise TooManyError
        gains.append([])
        following.append([])
        for tokens in options:
            contributed = [*others_now[:own], tokens, *others_now[own:]]
            gain = config.shared(contributed, own)
            if config.punishment:
                points = sum(one.deducts(config.most_points, contributed, at)[own] for at, one in met.items())
                gain -= config.effect * points
            gains[-1].append(gain)
            after = coming(contributed) if config.rounds > 1 else others_now
            if after not in known:
                known[after] = len(known)
                queue.append(after)
            following[-1].append(known[after])
    paid, next_ = np.array(gains), np.array(following)
    values = np.zeros(len(known))
    for _ in range(config.rounds):
        values = choose(paid + values[next_], axis=1)
    return float(values[0])


def benchmarks(
    game: PublicGoods, config: PublicGoodsConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors of all players, in tokens: `disagreement`, `random`, `random_response`, `equilibrium`, `best_response`.

    `welfare` is the greatest total.
    """
    found = {
        "welfare": Benchmark(
            value=config.rounds * welfare(config), assumes="the greatest total of all players; nobody gives points"
        )
    }
    for seat in game.seats(config):
        found[f"disagreement/{seat}"] = Benchmark(
            value=float(config.rounds * config.endowment), assumes="nobody contributes, and nobody gives points"
        )
        found[f"random/{seat}"] = Benchmark(
            value=config.rounds * random_play(config), assumes="all seats play at random; exact"
        )
        found |= _equilibrium(config, seat)
        found |= _responses(game, config, item, seat, counterparts)
    return found


def _equilibrium(config: PublicGoodsConfig, seat: str) -> dict[str, Benchmark]:
    name = f"equilibrium/{seat}"
    if not config.horizon_told:
        reason = "the players do not know the number of rounds, and no beliefs are given (folk theorem)"
        return {name: Benchmark(value=None, assumes=reason)}
    low, high = (config.rounds * value for value in equilibrium(config))
    free = config.punishment and config.cost == 0
    if low != high or free:
        reason = "points cost nobody anything who gives them" if free else "a token in the project pays its owner 1"
        found = {name: Benchmark(value=None, assumes=f"there are many equilibria: {reason}")}
        if config.punishment:  # with more than one of them a round, threats can hold up what is none of one round
            return found
        assumes = "of all equilibria of the single round, played in each; a token in the project pays its owner 1"
        found[f"equilibrium_low/{seat}"] = Benchmark(value=low, assumes=f"the least {assumes}")
        found[f"equilibrium_high/{seat}"] = Benchmark(value=high, assumes=f"the greatest {assumes}")
        return found
    dominant = "nothing" if config.multiplier < config.players else "everything"
    points = ", points that cost are never given in the last round, and so in none" if config.punishment else ""
    return {
        name: Benchmark(
            value=low,
            assumes=f"the subgame-perfect equilibrium, the only one: to contribute {dominant} is dominant in each round"
            f"{points}; all maximise their own tokens, and know that of each other",
        )
    }


def _responses(
    game: PublicGoods, config: PublicGoodsConfig, item: Item, seat: str, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    seats = game.seats(config)
    if undefined := unmet(seat, seats, counterparts):
        return undefined
    names = f"best_response/{seat}", f"random_response/{seat}"
    others = {other: counterparts[other] for other in seats if other != seat}
    found = [settings_of(policy, CONTRIBUTOR, ContributorConfig) for policy in others.values()]
    known, own = [one for one in found if one is not None], seats.index(seat)
    scope = "these very counterparts, whose play depends on the last contributions alone: dynamic programming"
    if len(known) == len(others):
        with suppress(TooManyError):
            return {
                names[0]: Benchmark(value=best_response(config, known, own), assumes=f"best play against {scope}"),
                names[1]: Benchmark(
                    value=random_response(config, known, own), assumes=f"random play against {scope}; exact"
                ),
            }
    ways = len(_tokens(config)) * (len(list(moves(_points_menu(config)))) if config.punishment else 1)
    return response_anchors(game, config, item, seat, others, ways)
