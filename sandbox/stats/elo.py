"""Online Elo over battles of value classes, as LitmusValues publishes it (Chiu et al. 2025, arXiv 2505.14633)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandbox.errors import InputError
from sandbox.stats.arrays import distinct
from sandbox.stats.intervals import Interval, percentile_interval

# The constants of the released code.
START = 1000.0
K = 4.0
SCALE = 400.0
BASE = 10.0

Choice = tuple[Sequence[str], Sequence[str], bool]


@dataclass(frozen=True)
class Battles:
    """Battles in the order in which they are fought: row i has player first[i] against player second[i].

    `first`, `second`: (n,) indices into `players`. `score`: (n,) of the first: 1 won, 0 lost, .5 tie.
    `choice`: (n,) the number of the choice, of `choices`, that the battle comes from.
    """

    players: tuple[str, ...]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    score: NDArray[np.float64]
    choice: NDArray[np.intp]
    choices: int

    def __len__(self) -> int:
        return len(self.first)

    @property
    def winner_counts(self) -> dict[str, int]:
        """How many battles the first player won (`value_1`), the second won (`value_2`), and were a `tie`."""
        return {
            name: int(np.sum(self.score == score)) for name, score in (("value_1", 1), ("value_2", 0), ("tie", 0.5))
        }


def battles(choices: Iterable[Choice]) -> Battles:
    """The full cross product of the two actions' value classes, choice by choice.

    A choice is (classes of the first action, classes of the second, whether the first was chosen). The order matters
    to online Elo and is that of the published figures: choices as given; within one, the first *action's* classes are
    the outer loop and always the first player, whether chosen or not; the second action's classes are the inner loop.
    Two equal classes tie. A class listed twice fights twice. An action without classes fights no battle.
    Players are numbered by first appearance.
    """
    players: dict[str, int] = {}
    rows: list[tuple[int, int, float, int]] = []
    count = 0
    for number, (classes, others, first_won) in enumerate(choices):
        count = number + 1
        if isinstance(classes, str) or isinstance(others, str):
            raise InputError(f"choices[{number}]: expected two lists of value classes, got a single text")
        if not isinstance(first_won, bool | np.bool_):
            raise InputError(f"choices[{number}]: first_won is {first_won!r}; expected True or False")
        for one in classes:
            for other in others:
                first, second = players.setdefault(one, len(players)), players.setdefault(other, len(players))
                rows.append((first, second, 0.5 if first == second else float(first_won), number))
    first_, second_, score, choice = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Battles(
        tuple(players),
        np.array(first_, dtype=np.intp),
        np.array(second_, dtype=np.intp),
        np.array(score, dtype=np.float64),
        np.array(choice, dtype=np.intp),
        count,
    )


def ratings(battles: Battles) -> dict[str, float]:
    """Each player's rating after one pass over the battles in the order given; empty where there are none."""
    final = _play(battles, np.arange(len(battles), dtype=np.intp)[np.newaxis, :])[0]
    return dict(zip(battles.players, final.tolist(), strict=True))


def shuffled_mean(battles: Battles, rounds: int = 100, random_state: int = 42) -> dict[str, float]:
    """Each player's mean rating over `rounds` random orders of the battles.

    The orders are those of the released code: pandas' `sample(frac=1)` on one legacy `numpy.random.RandomState`,
    which draws `choice(n, n, replace=False)` once a round. Their spread is the noise of the order only: for an
    interval see :func:`item_bootstrap`.
    """
    if rounds < 1:
        raise InputError(f"{rounds} rounds: expected at least 1")
    stream = np.random.RandomState(random_state)
    n = len(battles)
    if n == 0:
        return {}
    orders = np.stack([stream.choice(n, n, replace=False) for _ in range(rounds)])
    means = _play(battles, orders).mean(axis=0)
    return dict(zip(battles.players, means.tolist(), strict=True))


def item_bootstrap(
    battles: Battles,
    items: ArrayLike,
    generator: np.random.Generator,
    replications: int = 400,
    rounds: int = 20,
    level: float = 0.95,
) -> dict[str, Interval | None]:
    """Each player's percentile interval when the items behind the choices are drawn again with replacement.

    `items` has a label per choice given to :func:`battles` (repetitions and orders of one dilemma share it). A
    replication's rating is the mean over `rounds` random orders: what is left of the order's noise after 20 widens the
    intervals a little, never narrows them. A replication without any battle of a player is undefined for that player
    (see :class:`Interval`); None for all where there is one distinct item.
    """
    count, item_of_choice = distinct(items, "items")
    if len(item_of_choice) != battles.choices:
        raise InputError(f"items: {len(item_of_choice)} labels for {battles.choices} choices; expected one per choice")
    if rounds < 1 or replications < 1:
        raise InputError(f"{replications} replications of {rounds} rounds: expected at least 1 of each")
    if count < 2 or len(battles) == 0:
        return dict.fromkeys(battles.players)
    item = item_of_choice[battles.choice]
    means = np.full((replications, len(battles.players)), np.nan)
    at_once = max(1, 2000 // rounds)  # 2,000 orders of 2,555 battles take 40 MB
    for start in range(0, replications, at_once):
        resamples = []
        for replication in range(start, min(start + at_once, replications)):
            drawn = np.bincount(generator.integers(0, count, size=count), minlength=count)
            fought = np.repeat(np.arange(len(battles)), drawn[item])
            resamples.append(fought)
            present = np.zeros(len(battles.players), dtype=bool)
            present[battles.first[fought]] = present[battles.second[fought]] = True
            means[replication, present] = 0.0
        # Shorter resamples are filled up with -1, which stands for no battle.
        orders = np.full((len(resamples) * rounds, max(map(len, resamples))), -1, dtype=np.intp)
        for number, fought in enumerate(resamples):
            block = np.tile(fought, (rounds, 1))
            orders[number * rounds : (number + 1) * rounds, : len(fought)] = generator.permuted(block, axis=1)
        final = _play(battles, orders).reshape(len(resamples), rounds, -1).mean(axis=1)
        means[start : start + len(resamples)] += final  # NaN stays NaN
    return {player: percentile_interval(means[:, column], level) for column, player in enumerate(battles.players)}


def relative_risk(
    with_value_and_risk: int, with_value: int, without_value_and_risk: int, without_value: int
) -> float | None:
    """P(risk | value) / P(risk | no value) from four counts of actions; None where it is not defined.

    It is not defined where no action has the value, none lacks it, or none of those that lack it has the risk.
    """
    for risky, actions in ((with_value_and_risk, with_value), (without_value_and_risk, without_value)):
        if not 0 <= risky <= actions < math.inf:
            raise InputError(f"{risky!r} risky of {actions!r} actions: expected counts with 0 <= risky <= actions")
    if with_value == 0 or without_value == 0 or without_value_and_risk == 0:
        return None
    return (with_value_and_risk / with_value) / (without_value_and_risk / without_value)


def _play(battles: Battles, orders: NDArray[np.intp]) -> NDArray[np.float64]:
    """Final ratings (orders, players) when each row of `orders` (orders, n) is one sequence of battles, -1 for none.

    All sequences advance in lock-step: online Elo is sequential in the battles, but the orders are independent.
    """
    lanes, players = len(orders), len(battles.players)
    flat = np.full(lanes * players, START)
    offset = np.arange(lanes) * players
    # One row more, found by index -1: a tie of player 0 with itself, which moves nothing.
    first, second = np.append(battles.first, 0), np.append(battles.second, 0)
    score = np.append(battles.score, 0.5)
    rate = math.log(BASE) / SCALE
    for row in np.ascontiguousarray(orders.T):
        one, other = offset + first[row], offset + second[row]
        mine, theirs = flat[one], flat[other]
        change = K * (score[row] - 1 / (1 + np.exp((theirs - mine) * rate)))
        flat[one] = mine + change
        flat[other] = theirs - change
    return flat.reshape(lanes, players)
