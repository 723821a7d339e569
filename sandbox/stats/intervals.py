"""How far an estimate could lie from the truth: score intervals, the bootstrap over clusters, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from sandbox.errors import InputError
from sandbox.stats.arrays import Floats, booleans, distinct, finite, same_length


@dataclass(frozen=True)
class Interval:
    """A bootstrap interval, both ends included; an end that the data do not bound is None.

    `undefined` counts the `replications` without a finite value (a denominator that was resampled away, a coefficient
    that diverged). They could lie anywhere, so the interval leaves room for them at both ends, or, where their value
    is infinite, at that end: if they are more than its tail holds, (1 - level) / 2 of all, that end is None.
    """

    low: float | None
    high: float | None
    undefined: int = 0
    replications: int = 0


def normal_quantile(level: float) -> float:
    """The z that holds the central `level` of a standard normal: 1.96 for .95."""
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}: expected a number between 0 and 1, as .95")
    return NormalDist().inv_cdf((1 + level) / 2)


def student_quantile(freedom: float, level: float = 0.95) -> float:
    """The t that holds the central `level` of Student's distribution with so many degrees of `freedom`: 12.71 for one.

    NaN where there are none.
    """
    from scipy.special import stdtrit  # its import takes a tenth of a second

    return float(stdtrit(freedom, (1 + level) / 2))


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's (1927) score interval of a proportion: (low, high) in [0, 1]; (0, 1) where n is 0.

    It keeps its meaning at 0 of n and n of n, where the bootstrap collapses. Both counts may be fractions: for the
    mean of n cluster means that lie in [0, 1], pass (mean * n, n). The variance of such means is at most p(1 - p), so
    the interval is then wide enough whatever the dependence within a cluster.
    """
    if not (math.isfinite(n) and math.isfinite(successes) and 0 <= successes <= n):
        raise InputError(f"{successes!r} successes of {n!r}: expected finite counts with 0 <= successes <= n")
    z = normal_quantile(level)
    if n == 0:
        return 0.0, 1.0
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At the ends the closed form leaves rounding of 1e-17 on the wrong side.
    return (0.0 if successes == 0 else max(0.0, centre - half)), (1.0 if successes == n else min(1.0, centre + half))


def paired_proportions(gained: float, lost: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Tango's (1998, Statistics in Medicine 17:891) score interval of (gained - lost) / n: (low, high) in [-1, 1].

    Of n pairs of yes/no answers, `gained` said yes only in the first and `lost` only in the second. Like Wilson's
    interval, of which it is the paired form, it keeps its meaning where all pairs are alike; (-1, 1) where n is 0.
    """
    counts = (gained, lost, n)
    if not all(math.isfinite(count) and count >= 0 for count in counts) or gained + lost > n * (1 + 1e-12):
        raise InputError(f"gained {gained!r}, lost {lost!r} of {n!r}: expected finite counts with gained + lost <= n")
    z = normal_quantile(level)
    if n == 0:
        return -1.0, 1.0

    def score(delta: float) -> float:
        """The test statistic of the hypothesis that the difference is `delta`; falls as `delta` grows."""
        b = -gained - lost + (2 * n - gained + lost) * delta
        c = -lost * delta * (1 - delta)
        constrained = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)  # the rate of `lost` given delta
        variance = n * (2 * constrained + delta * (1 - delta))
        distance = gained - lost - n * delta
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    def where_score_is(target: float, low: float, high: float) -> float:
        for _ in range(60):  # bisection: 2^-60 of the range
            middle = (low + high) / 2
            low, high = (middle, high) if score(middle) > target else (low, middle)
        return (low + high) / 2

    estimate = min(1.0, max(-1.0, (gained - lost) / n))
    low = -1.0 if estimate == -1 else where_score_is(z, -1.0, estimate)
    high = 1.0 if estimate == 1 else where_score_is(-z, estimate, 1.0)
    return low, high


def cluster_replicates(
    statistic: Callable[[Floats], ArrayLike | None],
    clusters: ArrayLike,
    generator: np.random.Generator,
    replications: int = 1000,
) -> Floats:
    """The values of `statistic` when whole clusters are drawn again with replacement: (replications, values).

    `clusters` holds a label per row of the caller's data. `statistic` gets a weight per row, the number of times that
    the row's cluster was drawn (0, 1, 2...), and returns a number or an array of always the same length; None or NaN
    where it has no value for such a draw, an infinity where it grows beyond bounds. There are as many draws as there
    are distinct clusters.
    """
    results = [statistic(weights) for weights in cluster_draws(clusters, generator, replications)]
    width = next((np.size(result) for result in results if result is not None), 1)
    replicates = np.full((replications, width), np.nan)
    for row, result in enumerate(results):
        if result is not None:
            replicates[row] = np.asarray(result, dtype=np.float64)
    return replicates


def cluster_draws(clusters: ArrayLike, generator: np.random.Generator, replications: int) -> Iterator[Floats]:
    """The weights that :func:`cluster_replicates` gives to its statistic, draw by draw."""
    if replications < 1:
        raise InputError(f"{replications} replications: expected at least 1")
    _, index = distinct(clusters, "clusters")
    count = int(index.max()) + 1 if index.size else 0
    if count == 0:
        raise InputError("clusters: expected a label per row, got no rows")
    for _ in range(replications):
        drawn = np.bincount(generator.integers(0, count, size=count), minlength=count)
        yield drawn[index].astype(np.float64)


def percentile_interval(replicates: ArrayLike, level: float = 0.95) -> Interval | None:
    """The central `level` of the replicates (NaN means undefined); None where fewer than two differing values remain.

    Replicates that are all equal show that resampling finds no variation to learn from, not that there is no error.
    The ends are order statistics, the outer one where the percentile falls between two.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}: expected a number between 0 and 1, as .95")
    values = np.asarray(replicates, dtype=np.float64).ravel()
    defined = values[np.isfinite(values)]
    if defined.size < 2 or np.ptp(defined) <= 1e-12 * max(1.0, float(np.abs(defined).max())):
        return None
    tail = int((1 - level) / 2 * (values.size - 1))
    low = float(np.sort(np.where(np.isnan(values), -math.inf, values))[tail])
    high = float(np.sort(np.where(np.isnan(values), math.inf, values))[values.size - 1 - tail])
    return Interval(
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
        undefined=values.size - defined.size,
        replications=values.size,
    )


def cluster_bootstrap(
    statistic: Callable[[Floats], float | None],
    clusters: ArrayLike,
    generator: np.random.Generator,
    replications: int = 1000,
    level: float = 0.95,
) -> Interval | None:
    """Percentile interval of a number when whole clusters are drawn again (Efron & Tibshirani 1993, chapter 13).

    `statistic` and `clusters` are those of :func:`cluster_replicates`; as a weighted mean:
    `lambda weights: np.average(outcomes, weights=weights)`. None where there is one distinct cluster, or where
    resampling changes nothing. With fewer than about twenty clusters the interval is too narrow, as all of its kind.
    """
    if distinct(clusters, "clusters")[0] < 2:
        return None
    return percentile_interval(cluster_replicates(statistic, clusters, generator, replications), level)


@dataclass(frozen=True)
class PairedDifference:
    """Mean over items of (mean outcome when treated - mean outcome when not).

    `interval` is None where there are fewer than two items or all differ by the same amount; for yes/no outcomes
    :func:`paired_proportions` still has one then. `unpaired` items were seen in one arm only and say nothing here.
    """

    estimate: float
    interval: Interval | None
    items: int
    unpaired: int


def paired_difference(
    outcomes: ArrayLike,
    treated: ArrayLike,
    items: ArrayLike,
    generator: np.random.Generator,
    replications: int = 1000,
    level: float = 0.95,
) -> PairedDifference | None:
    """Treated minus untreated within items, each item counting once, with the bootstrap over items.

    `outcomes` (rows,) numbers, `treated` (rows,) booleans (conflict rather than its twin), `items` (rows,) labels that
    both arms share. None where no item was seen in both arms.
    """
    values = finite(outcomes, "outcomes")
    arm = booleans(treated, "treated")
    count, index = distinct(items, "items")
    same_length({"outcomes": values, "treated": arm, "items": index})
    seen = np.stack([np.bincount(index[arm == side], minlength=count) for side in (False, True)])
    sums = np.stack([np.bincount(index[arm == side], values[arm == side], minlength=count) for side in (False, True)])
    paired = np.all(seen > 0, axis=0)
    if not paired.any():
        return None
    means = sums[:, paired] / seen[:, paired]
    differences = means[1] - means[0]
    interval = cluster_bootstrap(
        lambda weights: float(np.average(differences, weights=weights)),
        np.arange(differences.size),
        generator,
        replications,
        level,
    )
    return PairedDifference(float(differences.mean()), interval, int(paired.sum()), int((~paired).sum()))


def holm(pvalues: Sequence[float] | Floats) -> Floats:
    """Holm's (1979) adjusted p-values, in the order given: reject where <= alpha and the family's error is <= alpha."""
    p = finite(pvalues, "pvalues")
    if np.any((p < 0) | (p > 1)):
        raise InputError("pvalues: expected numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
