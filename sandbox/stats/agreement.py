"""Shares in which each item counts once: of what happened, and of answers that agree, also when the order changes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandbox.errors import InputError
from sandbox.stats.arrays import Floats, booleans, distinct, same_length
from sandbox.stats.intervals import Interval, cluster_bootstrap, paired_proportions, wilson


@dataclass(frozen=True)
class Share:
    """How often something happened: `rate` in [0, 1] with its interval; of `n` observations, of `items` items."""

    rate: float
    low: float
    high: float
    n: int
    items: int


@dataclass(frozen=True)
class Agreement:
    """How often two answers agree.

    `rate` in [0, 1] with its interval `low`, `high`; `chance` is the rate that independent answers with the same
    marginal frequencies would have (Cohen 1960); `kappa` = (rate - chance) / (1 - chance), None where chance is 1
    because all answers are the same. `n` pairs, of `items` distinct items.
    """

    rate: float
    low: float
    high: float
    chance: float
    kappa: float | None
    n: int
    items: int


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha for nominal answers of any number of observers: 1 is perfect, 0 as good as chance.

    `alpha` is None where all answers are the same, so that there is nothing to tell apart; `n` answers could be
    compared with another, of `units` units; `low`, `high`: ends of its interval, None where there is none.
    """

    alpha: float | None
    low: float | None
    high: float | None
    n: int
    units: int


@dataclass(frozen=True)
class OrderConsistency:
    """Whether choices follow content or position, from items that were shown in two orders.

    `kappa` = (P(same content in both orders) - chance) / (1 - chance) with chance = 1 / options: for two options
    2P - 1, from -1 (always the same position) over 0 (random) to 1 (always the same content).
    `bias` = P(first shown in both orders) - P(last shown in both), in [-1, 1].
    Both with the ends of their intervals; `n` pairs, of `items` distinct items.
    """

    kappa: float
    kappa_low: float
    kappa_high: float
    bias: float
    bias_low: float
    bias_high: float
    n: int
    items: int


def share(happened: ArrayLike, items: ArrayLike | None = None, level: float = 0.95) -> Share:
    """The share of `happened`, (observations,) booleans; `items` (observations,) are labels, by default all differ.

    Each item counts once, however often it was observed; the interval is Wilson's over items, so that repetitions of
    an item never pass for evidence. InputError for no observations.
    """
    yes = booleans(happened, "happened")
    if not yes.size:
        raise InputError("share: no observations; expected at least one")
    weights, count = _item_weights(items, len(yes))
    rate = _mean(weights, yes)
    low, high = wilson(rate * count, count, level)
    return Share(rate, low, high, len(yes), count)


def agreement(first: ArrayLike, second: ArrayLike, items: ArrayLike | None = None, level: float = 0.95) -> Agreement:
    """Agreement of `first` and `second`, (pairs,) nominal answers; `items` (pairs,) are labels, by default all differ.

    Each item counts once, as in :func:`share`; full agreement still has an interval. InputError for no pairs or missing
    answers: leave refusals out, counted, or give them an answer of their own.
    """
    one, two = np.asarray(first), np.asarray(second)
    same_length({"first": one, "second": two})
    if one.shape[:1] == (0,):
        raise InputError("agreement: no pairs of answers; expected at least one")
    kinds, answers = distinct(np.concatenate([one, two]), "answers")
    left, right = answers[: len(one)], answers[len(one) :]
    same = share(left == right, items, level)
    weights, _ = _item_weights(items, len(one))
    marginals = np.stack([np.bincount(side, weights, minlength=kinds) for side in (left, right)])
    chance = 1.0 if kinds == 1 else float(marginals.prod(axis=0).sum())
    # A side that always says the same agrees as often as chance has it: two sums, which differ in their last digit.
    constant = any(np.all(side == side[0]) for side in (left, right))
    kappa = None if kinds == 1 else 0.0 if constant else (same.rate - chance) / (1 - chance)
    return Agreement(same.rate, same.low, same.high, chance, kappa, same.n, same.items)


def kappa_interval(
    first: ArrayLike, second: ArrayLike, items: ArrayLike, generator: np.random.Generator, replications: int = 1000
) -> Interval | None:
    """The interval of `agreement(first, second, items).kappa`: whole items are drawn again (`cluster_bootstrap`)."""
    one, two = np.asarray(first), np.asarray(second)
    kinds, answers = distinct(np.concatenate([one, two]), "answers")
    left, right = answers[: len(one)], answers[len(one) :]
    share_of, _ = _item_weights(items, len(one))

    def kappa(drawn: Floats) -> float | None:
        weights = share_of * drawn
        weights = weights / weights.sum()
        marginals = np.stack([np.bincount(side, weights, minlength=kinds) for side in (left, right)])
        chance = float(marginals.prod(axis=0).sum())
        return None if chance > 1 - 1e-12 else (float(weights @ (left == right)) - chance) / (1 - chance)

    return cluster_bootstrap(kappa, items, generator, replications)


def krippendorff_alpha(
    units: Sequence[Sequence[Hashable]],
    clusters: ArrayLike | None = None,
    generator: np.random.Generator | None = None,
    replications: int = 1000,
) -> Alpha | None:
    """Krippendorff's alpha (2011, "Computing Krippendorff's Alpha-Reliability", nominal data with missing values).

    Answers are equal or not: how far apart two numbers are does not count.

    Args:
        units: the answers that each unit got, one from each of some observers; a unit with fewer than two is left out.
        clusters: (units,) labels, by default all differ; the bootstrap draws whole clusters.
        generator: draws them; without it there is no interval.
        replications: how many times.

    Returns:
        None where no unit has two answers; alpha itself is None where all answers of the units that count are the same.
    """
    kept = [place for place, answers in enumerate(units) if len(answers) > 1]
    if not kept:
        return None
    names = list(dict.fromkeys(answer for place in kept for answer in units[place]))
    code = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(kept), len(names)))  # units x answers
    for row, place in enumerate(kept):
        for answer in units[place]:
            counts[row, code[answer]] += 1
    sizes = counts.sum(axis=1)
    # A unit's pairs of answers that differ, each weighted so that every answer counts once.
    apart = (sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1)

    def alpha(weights: Floats) -> float | None:
        totals = weights @ counts
        n = totals.sum()
        expected = n**2 - (totals**2).sum()
        return None if expected <= 0 else 1 - float((n - 1) * (weights @ apart) / expected)

    of = np.arange(len(kept)) if clusters is None else np.asarray(clusters)[kept]
    drawn = None if generator is None else cluster_bootstrap(alpha, of, generator, replications)
    low, high = (None, None) if drawn is None else (drawn.low, drawn.high)
    return Alpha(alpha(np.ones(len(kept))), low, high, int(sizes.sum()), len(kept))


def order_consistency(
    content: ArrayLike,
    position: ArrayLike,
    options: ArrayLike,
    items: ArrayLike | None = None,
    level: float = 0.95,
) -> OrderConsistency:
    """Consistency over pairs of presentations of one item in two different orders.

    `content` (pairs, 2): what was chosen, in the first and in the second order. `position` (pairs, 2): where it was
    shown, counted from 0. `options`: (pairs,) or one number, how many there were. `items` (pairs,): labels, by default
    all differ. The same works for labels (A/B) in the place of positions.

    Each item counts once. The intervals are Wilson's and Tango's score intervals over items: 200 of 200 items that
    follow the position give kappa -1 with an upper bound near -.96, where a bootstrap would collapse.
    InputError for no pairs, or a position outside the options.
    """
    chosen, shown = np.asarray(content), np.asarray(position)
    for what, array in (("content", chosen), ("position", shown)):
        if array.size == 0:
            raise InputError("order_consistency: no pairs of choices; expected items that were chosen in both orders")
        if array.ndim != 2 or array.shape[1] != 2:
            raise InputError(f"{what}: expected shape (pairs, 2), got {array.shape}")
    same_length({"content": chosen, "position": shown})
    pairs = len(chosen)
    try:
        ways = np.broadcast_to(np.asarray(options), (pairs,))
    except ValueError as error:
        raise InputError(f"options: expected one number or {pairs}, got shape {np.shape(options)}") from error
    if ways.dtype.kind not in "iu" or shown.dtype.kind not in "iu" or np.any(ways < 2):
        raise InputError("options and position: expected whole numbers, with at least 2 options")
    outside = np.flatnonzero(np.any((shown < 0) | (shown >= ways[:, np.newaxis]), axis=1))
    if outside.size:
        row = int(outside[0])
        raise InputError(f"position[{row}] is {shown[row].tolist()}: expected from 0 to {ways[row]} options less one")
    _, codes = distinct(chosen.reshape(-1), "content")
    chosen_codes = codes.reshape(pairs, 2)
    weights, count = _item_weights(items, pairs)

    same = _mean(weights, chosen_codes[:, 0] == chosen_codes[:, 1])
    chance = 1 / float(ways[0]) if (ways == ways[0]).all() else float(weights @ (1 / ways))
    low, high = wilson(same * count, count, level)
    kappa, kappa_low, kappa_high = ((rate - chance) / (1 - chance) for rate in (same, low, high))

    first = _mean(weights, np.all(shown == 0, axis=1))
    last = _mean(weights, np.all(shown == ways[:, np.newaxis] - 1, axis=1))
    bias_low, bias_high = paired_proportions(first * count, last * count, count, level)
    return OrderConsistency(kappa, kappa_low, kappa_high, first - last, bias_low, bias_high, pairs, count)


def verdict(consistency: OrderConsistency, factor: str = "position") -> str:
    """What choices that behave so are worth: `valid`, `follows position`, `noise` or `weak`.

    Valid if kappa is above .5, following if it is below 0, noise if it may be 0, each with its whole interval; weak
    between. `factor` is what was varied, for the word after "follows": position or label.
    """
    if consistency.kappa_low > 0.5:
        return "valid"
    if consistency.kappa_high < 0:
        return f"follows {factor}"
    return "noise" if consistency.kappa_low <= 0 else "weak"


def _item_weights(items: ArrayLike | None, pairs: int) -> tuple[Floats, int]:
    """A weight per pair, adding up to 1, that gives each item the same share; and the number of items."""
    index = np.arange(pairs)
    count = pairs
    if items is not None:
        count, index = distinct(items, "items")
        if len(index) != pairs:
            raise InputError(f"items: {len(index)} labels for {pairs} pairs; expected one per pair")
    return 1.0 / (count * np.bincount(index)[index]), count


def _mean(weights: Floats, yes: NDArray[np.bool_]) -> float:
    """The weighted share of `yes`, exactly 0 and 1 where none and all are."""
    return 1.0 if yes.all() else 0.0 if not yes.any() else float(weights @ yes)
