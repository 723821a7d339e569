"""The theory of the p-beauty contest on whole numbers: equilibria, and best play against known levels; exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from sandbox.menu import moves
from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.anchors import MOST, first_moves, response_anchors, unmet
from sandbox_env_games.beauty import Beauty, BeautyConfig, Guess, Whole, guesses, parts
from sandbox_env_games.commons_players import LEVEL_K, LevelKConfig, settings_of

LARGEST = 5_000_000
"""Pairs of (sum of the last numbers, own number) up to which a best response is computed."""


def equilibria(config: BeautyConfig) -> tuple[int, ...]:
    """The numbers x such that it is an equilibrium of one round that all players choose x, in rising order; never none.

    Who goes from x to y is better off where it is closer to the new target t = p ((n - 1) x + y) / n than the others
    are, since it then wins alone: where t < (x + y) / 2 for y < x, or t > (x + y) / 2 for y > x. Both sides are linear
    in y, so that the nearest and the farthest y decide. With real numbers and p < 1 only 0 is left (Nagel 1995); on
    whole ones 1 can be, as with p = 2/3 and four players or more for which (n - 1) / n * p >= 1/2.
    """
    n, p = config.players, config.factor

    def pays(x: int, y: int) -> bool:
        target, middle = p * ((n - 1) * x + y) / n, Fraction(x + y, 2)
        return target < middle if y < x else target > middle

    return tuple(
        x
        for x in range(config.top + 1)
        if not any(pays(x, y) for y in (0, x - 1, x + 1, config.top) if 0 <= y <= config.top and y != x)
    )


def best_response(config: BeautyConfig, levels: Sequence[LevelKConfig]) -> float | None:
    """The greatest payoff against n - 1 players of known levels, by dynamic programming over the last round's mean.

    None where that is more than `LARGEST` pairs.
    """
    return _against(config, levels, np.arange(config.top + 1), np.max)


def random_response(config: BeautyConfig, levels: Sequence[LevelKConfig]) -> float | None:
    """The expected payoff of who plays at random (each representative equally likely): exact; None as above."""
    listed = [move.number for move in moves(guesses(config.top)) if isinstance(move, Guess)]
    return _against(config, levels, np.array(listed), np.mean)


def _against(
    config: BeautyConfig, levels: Sequence[LevelKConfig], numbers: Whole, choose: Callable[..., Any]
) -> float | None:
    """The value of choosing in each round among these numbers."""
    n, top = config.players, config.top
    first = _guesses(config, levels, None)
    if config.rounds == 1:
        return float(choose(parts(config, first)[numbers]))
    if (n * top + 1) * (top + 1) > LARGEST:
        return None
    others = [_guesses(config, levels, Fraction(total, n)) for total in range(n * top + 1)]
    wins = {guessed: parts(config, guessed)[numbers] for guessed in set(others)}
    won = np.array([wins[guessed] for guessed in others])
    following = np.array([sum(guessed) for guessed in others])[:, None] + numbers
    values = np.zeros(n * top + 1)  # by the sum of the last round's numbers
    for _ in range(config.rounds - 1):
        values = choose(won + values[following], axis=1)
    return float(choose(parts(config, first)[numbers] + values[sum(first) + numbers]))


def _guesses(config: BeautyConfig, levels: Sequence[LevelKConfig], mean: Fraction | None) -> tuple[int, ...]:
    return tuple(one.guesses(config.factor, config.top, mean) for one in levels)


def benchmarks(
    game: Beauty, config: BeautyConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors of all players, in dollars: `random`, `random_response`, `equilibrium`, `best_response`, `welfare`."""
    part = config.rounds * config.prize / config.players
    found = {
        "welfare": Benchmark(
            value=float(config.rounds * config.prize), assumes="the prize is paid in each round, whatever is chosen"
        )
    }
    for seat in game.seats(config):
        found[f"random/{seat}"] = Benchmark(
            value=part, assumes="all seats play at random, and so have the same chance of the prize; exact"
        )
        found[f"equilibrium/{seat}"] = _equilibrium(config, part)
        found |= _responses(game, config, item, seat, counterparts)
    return found


def _equilibrium(config: BeautyConfig, part: float) -> Benchmark:
    if not config.horizon_told:
        return Benchmark(value=None, assumes="the players do not know the number of rounds, and no beliefs are given")
    common = equilibria(config)
    which = ", ".join(map(str, common[:10])) + (" and others" if len(common) > 10 else "")
    return Benchmark(
        value=part,
        assumes=f"in each round all players choose one and the same of these numbers, the only ones that are an "
        f"equilibrium when all choose them: {which}; each has an equal part of the prize (Nagel 1995, exact for whole "
        "numbers)",
    )


def _responses(
    game: Beauty, config: BeautyConfig, item: Item, seat: str, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    seats = game.seats(config)
    if undefined := unmet(seat, seats, counterparts):
        return undefined
    names = f"best_response/{seat}", f"random_response/{seat}"
    others = {other: counterparts[other] for other in seats if other != seat}
    found = [settings_of(policy, LEVEL_K, LevelKConfig) for policy in others.values()]
    levels = [one for one in found if one is not None]
    if len(levels) == len(others):
        best, random = best_response(config, levels), random_response(config, levels)
        scope = "these very counterparts, whose numbers depend on the last mean alone: dynamic programming"
        reason = f"there are more than {LARGEST:,} pairs of a mean and a number"
        if best is not None:
            return {
                names[0]: Benchmark(value=best, assumes=f"best play against {scope}"),
                names[1]: Benchmark(value=random, assumes=f"random play against {scope}; exact"),
            }
    else:
        reason = f"only of {LEVEL_K} is it known what its numbers depend on"
    response = Benchmark(value=None, assumes=f"not computed: {reason}")
    if config.rounds == 1:
        made = first_moves(game, config, item, others).values()
        value = float(parts(config, [move.number for move in made if isinstance(move, Guess)]).max())
        response = Benchmark(value=value, assumes="best play against these very counterparts; exact")
    return response_anchors(game, config, item, seat, others, MOST) | {names[0]: response}
