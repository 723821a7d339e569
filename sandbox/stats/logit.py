"""The conditional logit (McFadden 1974) over choice sets of any size, which says what the data cannot tell.

P(a | set) = exp(x_a b) / sum over the set's alternatives of exp(x b). Only differences within a set matter, so

- a column that is constant within every set, or columns that are exact linear combinations of each other, have no
  estimate: they are `removed`, by name, while all else is estimated as it would be beside them;
- columns whose *sum* is constant (every alternative serves exactly one class) are known relative to each other: they
  are reported as deviations from their mean (`relative`);
- where a combination of columns predicts some choices perfectly, the likelihood has no maximum (Albert & Anderson
  1984, Biometrika 71:1). The coefficients that diverge are `separated`, by name; the others are those of the limit to
  which the likelihood tends (Geyer 2009, Electronic Journal of Statistics 3:259);
- columns that are nearly dependent are estimated, and named (`collinear`; Belsley, Kuh & Welsch 1980).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sandbox.errors import InputError
from sandbox.stats.arrays import Floats, booleans, distinct, finite, same_length
from sandbox.stats.identification import (
    BLOCK,
    LOOSE,
    Collinearity,
    centred_and_scaled,
    check_names,
    comparable,
    complement,
    contrast_of,
    direction_of,
    near_dependencies,
    null_space,
    separated_rows,
    surviving,
    tied_columns,
    triangle,
)
from sandbox.stats.intervals import Interval, cluster_draws, percentile_interval

AT_ONCE = 1_000_000  # numbers in an array: more draws of the bootstrap side by side take memory and no less time
PATIENCE = 12  # Newton steps of a bootstrap draw: a finite maximum that is well inside takes less than ten


@dataclass(frozen=True)
class LogitFit:
    """A fitted conditional logit: no number in it is NaN or infinite.

    `coefficients` (estimated,), `covariance` and `robust_covariance` (estimated, estimated) stand in the order of
    `names`, the columns that have an estimate. `covariance` is the inverse of the Hessian; `robust_covariance` allows
    for any dependence within clusters, scaled by G / (G - 1), and is None where there is one cluster.
    Of the other columns, `removed` says why there is none, and `separated` which way it may diverge: "+" or "-" where
    the data leave one way open (a column that predicts), "either" where they leave both. `relative` holds groups of
    `names` that are known only up to a common constant and are given as deviations from the group's mean. `collinear`
    holds groups of names not to be told apart.
    Log-likelihoods are of the weighted sample; where something is separated, `log_likelihood` is the limit. The null
    model chooses evenly. `converged` is False if Newton's method ended elsewhere than at the maximum.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    robust_covariance: Floats | None
    log_likelihood: float
    null_log_likelihood: float
    converged: bool
    iterations: int
    sets: int
    clusters: int
    removed: dict[str, str]
    separated: dict[str, str]
    relative: tuple[tuple[str, ...], ...]
    collinear: tuple[Collinearity, ...]

    @property
    def errors(self) -> Floats:
        """Standard errors from the Hessian, (estimated,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def robust_errors(self) -> Floats | None:
        """Cluster-robust standard errors, (estimated,); None where there is one cluster."""
        return None if self.robust_covariance is None else np.sqrt(np.diag(self.robust_covariance))

    def coefficient(self, name: str) -> float | None:
        """The estimate of one column; None where it has none."""
        return float(self.coefficients[self.names.index(name)]) if name in self.names else None


def fit(
    features: ArrayLike,
    set_index: ArrayLike,
    chosen: ArrayLike,
    names: Sequence[str],
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> LogitFit:
    """Fit by maximum likelihood to a table with one row per alternative.

    `features` (rows, k) finite numbers, named by `names`; `set_index` (rows,) a label per choice set, its rows in any
    order; `chosen` (rows,) True once per set; `weights` (rows,) non-negative and equal within a set, by default 1;
    `cluster` (rows,) labels for the robust covariance, equal within a set, by default each set its own.
    A set of one alternative says nothing and is harmless. InputError for input that is none of this.
    """
    return model(features, set_index, chosen, names, weights, cluster).result


def model(
    features: ArrayLike,
    set_index: ArrayLike,
    chosen: ArrayLike,
    names: Sequence[str],
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Model:
    """The same fit, with what else is asked of it: see `sandbox.stats.logit_effects`."""
    return _fit(Choices.of(features, set_index, chosen, names, weights, cluster))


def bootstrap(
    features: ArrayLike,
    set_index: ArrayLike,
    chosen: ArrayLike,
    names: Sequence[str],
    cluster: ArrayLike,
    generator: np.random.Generator,
    replications: int = 1000,
    level: float = 0.95,
) -> dict[str, Interval | None]:
    """Percentile intervals of the coefficients that :func:`fit` estimates, when whole clusters are drawn again.

    A replication in which a coefficient diverges counts as infinite, one in which it is not identified as undefined:
    an end that they reach is None (see :class:`Interval`). None in all where there is one cluster or nothing varies.
    """
    data = Choices.of(features, set_index, chosen, names, None, cluster)
    full = _fit(data)
    estimated = full.result.names
    if data.clusters < 2 or not estimated:
        return dict.fromkeys(estimated)
    problem, kind_of_set = full.problem.condensed()
    draws = cluster_draws(data.cluster, generator, replications)
    some = max(1, AT_ONCE // max(1, problem.differences.size))
    found = []
    while held := list(itertools.islice(draws, some)):
        weights = [
            np.bincount(kind_of_set, drawn[full.problem.sets], minlength=len(problem.sets)).astype(np.float64)
            for drawn in held
        ]
        found.append(_refit(problem, full.report, full.solution, np.array(weights)))
    replicates = np.concatenate(found)
    return {name: percentile_interval(replicates[:, column], level) for column, name in enumerate(estimated)}


@dataclass(frozen=True)
class Choices:
    """The checked table: rows sorted by set; what differs per set is (sets,)."""

    features: Floats
    set_of_row: NDArray[np.intp]
    chosen_row: NDArray[np.intp]
    weights: Floats
    cluster: NDArray[np.intp]
    clusters: int
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        features: ArrayLike,
        set_index: ArrayLike,
        chosen: ArrayLike,
        names: Sequence[str],
        weights: ArrayLike | None,
        cluster: ArrayLike | None,
    ) -> Choices:
        """The table that these arguments of `fit` make; raises InputError."""
        matrix = finite(features, "features", 2)
        rows = len(matrix)
        if rows == 0:
            raise InputError("features: no rows; expected at least one choice set")
        check_names(names, matrix.shape[1])
        sets, set_of_row = distinct(set_index, "set_index")
        picked = booleans(chosen, "chosen")
        row_weights = np.ones(rows) if weights is None else finite(weights, "weights")
        clusters, cluster_of_row = (sets, set_of_row) if cluster is None else distinct(cluster, "cluster")
        same_length(
            {
                "features": matrix,
                "set_index": set_of_row,
                "chosen": picked,
                "weights": row_weights,
                "cluster": cluster_of_row,
            }
        )
        order = np.argsort(set_of_row, kind="stable")
        matrix, set_of_row, picked = matrix[order], set_of_row[order], picked[order]
        row_weights, cluster_of_row = row_weights[order], cluster_of_row[order]
        labels = np.asarray(set_index)[order]
        starts = np.searchsorted(set_of_row, np.arange(sets))
        faults = []
        times = np.bincount(set_of_row, picked, minlength=sets)
        if np.any(times != 1):
            bad = int(np.flatnonzero(times != 1)[0])
            faults.append(
                f"{int(np.sum(times != 1))} choice sets have not exactly one chosen row; the first is set "
                f"{labels[starts[bad]]} with {int(times[bad])}: leave sets without a choice out, counted"
            )
        if np.any(row_weights < 0) or not np.any(row_weights > 0):
            faults.append("weights: expected none negative and at least one positive")
        for what, values in (("weights", row_weights), ("cluster", cluster_of_row)):
            varying = np.flatnonzero(values != values[starts[set_of_row]])
            if varying.size:
                faults.append(f"{what}: expected one value within a set, differs in set {labels[varying[0]]}")
        if faults:
            raise InputError.of("choice sets", faults)
        set_weights = row_weights[starts]
        if np.any(set_weights == 0):  # what has no weight identifies nothing
            kept = set_weights > 0
            kept_rows = kept[set_of_row]
            renumbered = np.cumsum(kept) - 1
            matrix, picked, set_of_row = matrix[kept_rows], picked[kept_rows], renumbered[set_of_row[kept_rows]]
            set_weights, cluster_of_set = set_weights[kept], cluster_of_row[starts][kept]
            clusters, cluster_of_set = distinct(cluster_of_set, "cluster")
        else:
            cluster_of_set = cluster_of_row[starts]
        return cls(
            matrix, set_of_row, np.flatnonzero(picked), set_weights, cluster_of_set, clusters, tuple(map(str, names))
        )


class _Problem:
    """The likelihood in identified coordinates: a row per alternative that was not chosen.

    `differences` (rows, r): its features less those of the chosen alternative; `set_of_row` (rows,), sorted.
    Log-likelihood = - sum over sets of weight * log(1 + sum over its rows of exp(differences @ c)): concave in c.
    """

    def __init__(self, differences: Floats, set_of_row: NDArray[np.intp]) -> None:
        self.differences = differences
        self.set_of_row = set_of_row
        self.sets, self._starts, self._sizes = np.unique(set_of_row, return_index=True, return_counts=True)
        self._alone = len(self.sets) == len(set_of_row)  # two alternatives each: what is per row is per set

    def condensed(self) -> tuple[_Problem, NDArray[np.intp]]:
        """A problem with each kind of set once, and the kind of each of `sets`: features that are counts repeat."""
        rows = np.unique(self.differences.round(12), axis=0, return_inverse=True)[1].reshape(-1)
        kind_of_set = np.zeros(len(self.sets), dtype=np.intp)
        kept, kinds = [], 0
        for size in np.unique(self._sizes):
            sets = np.flatnonzero(self._sizes == size)
            members = self._starts[sets, np.newaxis] + np.arange(size)
            _, first, kind = np.unique(np.sort(rows[members]), axis=0, return_index=True, return_inverse=True)
            kind_of_set[sets] = kinds + kind.reshape(-1)
            kept.append((members[first].reshape(-1), kinds + np.repeat(np.arange(len(first)), size)))
            kinds += len(first)
        if not kept:
            return self, kind_of_set
        where, set_of_row = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        return _Problem(self.differences[where], set_of_row), kind_of_set

    def evaluate(self, c: Floats, weights: Floats) -> _Points:
        """The likelihood at each of `c` (draws, r), under the `weights` (draws, all sets) that belong to it."""
        if len(self.sets) == 0:
            return _Points(c, weights, np.zeros(len(c)), np.zeros((len(c), 0)))
        utility = c @ self.differences.T
        best = utility if self._alone else np.maximum.reduceat(utility, self._starts, axis=1)
        top = np.maximum(best, 0.0)  # the chosen alternative's utility is 0
        odds = np.exp(utility - self._per_row(top))
        total = np.exp(-top) + self._per_set(odds)
        log_likelihood = -np.sum(weights[:, self.sets] * (top + np.log(total)), axis=1)
        return _Points(c, weights, log_likelihood, odds / self._per_row(total))

    def scores(self, points: _Points) -> Floats:
        """Gradient of each set's log-likelihood (draws, r, sets with rows)."""
        if len(points.c) == 1:
            return -self.expected(points).T[np.newaxis]
        return -self._per_set(points.probability[:, np.newaxis] * self.differences.T)

    def slope(self, points: _Points) -> tuple[Floats, Floats]:
        """The gradient (draws, r) and the negative Hessian (draws, r, r) of the log-likelihood."""
        own = points.weights[:, self.sets]
        expected = self._per_row(own) * points.probability
        spread = expected * (1 - points.probability) if self._alone else expected
        if len(points.c) == 1:
            single = _moments(self.differences, spread[0])
            if not self._alone:
                single -= _moments(self.expected(points), own[0])
            return -expected @ self.differences, single[np.newaxis]
        information: Floats = (spread[:, np.newaxis] * self.differences.T) @ self.differences
        if not self._alone:
            scores = self.scores(points)
            information -= (scores * own[:, np.newaxis]) @ scores.transpose(0, 2, 1)
        return -expected @ self.differences, information

    def expected(self, points: _Points) -> Floats:
        """The one draw's mean of `differences` in each set (sets with rows, r); a sparse product, for large tables."""
        size = len(self.set_of_row)
        bounds = np.append(self._starts, size)
        shape = (len(self.sets), size)
        weighing = sparse.csr_array((points.probability[0], np.arange(size), bounds), shape=shape)
        found: Floats = weighing @ self.differences
        return found

    def _per_set(self, values: Floats) -> Floats:
        """Sums (..., sets with rows) of what is per row."""
        return values if self._alone else np.add.reduceat(values, self._starts, axis=-1)

    def _per_row(self, values: Floats) -> Floats:
        """What is per set (draws, sets with rows), for each of its rows."""
        return values if self._alone else np.repeat(values, self._sizes, axis=1)


def _moments(values: Floats, weights: Floats) -> Floats:
    """Sum over rows of weight * value value' (r, r); in blocks that stay in the processor's cache."""
    total = np.zeros((values.shape[1], values.shape[1]))
    for start in range(0, len(values), BLOCK):
        scaled = values[start : start + BLOCK] * np.sqrt(weights[start : start + BLOCK, np.newaxis])
        total += scaled.T @ scaled
    return total


@dataclass(frozen=True)
class _Points:
    """Vectors of coefficients (draws, r) with the weights (draws, all sets) of their likelihoods.

    `log_likelihood` (draws,) and `probability` (draws, rows) are what they come to.
    """

    c: Floats
    weights: Floats
    log_likelihood: Floats
    probability: Floats

    def of(self, draws: NDArray[Any]) -> _Points:
        """Some of them."""
        return _Points(self.c[draws], self.weights[draws], self.log_likelihood[draws], self.probability[draws])

    def put(self, draws: NDArray[Any], others: _Points) -> None:
        """Replace some of them."""
        self.c[draws] = others.c
        self.log_likelihood[draws] = others.log_likelihood
        self.probability[draws] = others.probability


@dataclass(frozen=True)
class _Maxima:
    """Where Newton's method ended, for each draw.

    `step`: the last one; `sound`: the information told every direction at it.
    """

    points: _Points
    converged: NDArray[np.bool_]
    iterations: int
    step: Floats
    sound: NDArray[np.bool_]


@dataclass(frozen=True)
class Model:
    """A fit with the data that it is of, in r coordinates in which the coefficients are identified.

    Attributes:
        data: the table, its rows sorted by set, without sets of no weight.
        report: (estimated, r): the coefficients are `report @ solution`, in the order of `result.names`.
        solution: (r,).
        inverse: (r, r), of the negative Hessian: the covariance of `solution`.
        robust: (r, r), the cluster-robust covariance; None where there is one cluster.
        whole, basis: the problem with what separates in it, in coordinates that `basis` (k, rank) makes of the columns.
        points: where the maximum is.
        rows: the rows of the table that those of `problem` are.
    """

    result: LogitFit
    data: Choices
    problem: _Problem
    report: Floats
    solution: Floats
    inverse: Floats
    robust: Floats | None
    whole: _Problem
    basis: Floats
    points: _Points
    rows: NDArray[np.intp]

    @cached_property
    def probability(self) -> Floats:
        """Of being chosen, for each row (rows,); where something is separated, in the limit."""
        found = np.zeros(len(self.data.features))
        found[self.rows] = self.points.probability[0]
        found[self.data.chosen_row] = 1 - np.bincount(
            self.problem.set_of_row, self.points.probability[0], minlength=len(self.data.weights)
        )
        return found

    @cached_property
    def lean(self) -> Floats:
        """Derivative of the logarithm of `probability` with respect to `solution` (rows, r)."""
        mean = np.zeros((len(self.data.weights), len(self.solution)))
        mean[self.problem.sets] = self.problem.expected(self.points)
        found = -mean[self.data.set_of_row]
        found[self.rows] += self.problem.differences
        return found

    @cached_property
    def influence(self) -> Floats:
        """How far each set moves `solution` (sets, r), in first order; their sum is 0."""
        scores = np.zeros((len(self.data.weights), len(self.solution)))
        scores[self.problem.sets] = -self.problem.expected(self.points)
        return self.data.weights[:, np.newaxis] * scores @ self.inverse

    def without(self, names: Collection[str]) -> tuple[float, int]:
        """The log-likelihood where these columns play no part, and how many coordinates that takes away."""
        rank = self.basis.shape[1]
        kept = [column for column, name in enumerate(self.data.names) if name not in names]
        if not kept:
            return self.result.null_log_likelihood, rank
        spanned, values, _ = np.linalg.svd(self.basis[kept].T, full_matrices=False)
        spanned = spanned[:, values > LOOSE]
        problem = _Problem(self.whole.differences @ spanned, self.whole.set_of_row)
        # Where something is separated the solution is of fewer coordinates, and no start.
        start = self.solution @ spanned if len(self.solution) == rank else np.zeros(spanned.shape[1])
        # Where it separates too, each step leaves a third of what is missing from the limit.
        maximum = _maximise(problem, start, self.data.weights[np.newaxis], limit=60)
        return float(maximum.points.log_likelihood[0]), rank - spanned.shape[1]


def _fit(data: Choices) -> Model:
    names, sets, width = data.names, len(data.weights), len(data.names)
    scaled, scale = centred_and_scaled(data.features, data.set_of_row, sets)
    constant = np.linalg.norm(scaled, axis=0) < 0.5
    seen = triangle(scaled)
    unknown = null_space(seen)
    exact = tied_columns(unknown)
    groups = comparable(unknown, scale)
    basis = complement(unknown)

    rows = np.delete(np.arange(len(data.features)), data.chosen_row)
    set_of_row = data.set_of_row[rows]
    differences = (data.features[rows] - data.features[data.chosen_row][set_of_row]) / scale
    differences[:, constant] = 0.0
    whole = problem = _Problem(differences @ basis if unknown.size else differences, set_of_row)
    whole_basis = basis
    weights = data.weights[np.newaxis]
    maximum = _maximise(problem, np.zeros(basis.shape[1]), weights, limit=15, give_up=True)

    separated: dict[str, str] = {}
    reported = groups
    if not maximum.converged.all():
        apart = separated_rows(problem.differences)
        if apart.any():
            unknown = null_space(differences[~apart])
            reported = surviving(groups, comparable(unknown, scale))
            contrasts = {
                names[column]: contrast_of(column, reported[number] or group, width) / scale @ basis
                for number, group in enumerate(groups)
                for column in group
                if column not in reported[number]
            }
            separated = {name: direction_of(problem.differences, contrast) for name, contrast in contrasts.items()}
            basis = complement(unknown)
            problem = _Problem(differences[~apart] @ basis, set_of_row[~apart])
            rows = rows[~apart]
        maximum = _maximise(problem, np.zeros(basis.shape[1]), weights, limit=200)

    removed = {}
    known = {column for group in groups for column in group}
    for column in sorted(set(range(width)) - known):
        others = [names[other] for tied in exact if column in tied for other in tied if other != column]
        removed[names[column]] = (
            "constant within every choice set" if constant[column] else f"depends exactly on {', '.join(others)}"
        )
    member_of = {column: group for group in reported for column in group}
    estimated = sorted(member_of)
    report = np.array([contrast_of(column, member_of[column], width) for column in estimated]).reshape(-1, width)
    report = report / scale @ basis
    solution = maximum.points.c[0]
    inverse: Floats = np.linalg.pinv(problem.slope(maximum.points)[1][0], hermitian=True)
    spread = _spread(problem, maximum.points, data, inverse)
    reported_spread = None if spread is None else report @ spread
    result = LogitFit(
        names=tuple(names[column] for column in estimated),
        coefficients=report @ solution,
        covariance=report @ inverse @ report.T,
        robust_covariance=None if reported_spread is None else reported_spread @ reported_spread.T,
        log_likelihood=float(maximum.points.log_likelihood[0]),
        null_log_likelihood=-float(data.weights @ np.log(np.bincount(data.set_of_row, minlength=sets))),
        converged=bool(maximum.converged.all()),
        iterations=maximum.iterations,
        sets=sets,
        clusters=data.clusters,
        removed=removed,
        separated=separated,
        relative=tuple(tuple(names[column] for column in group) for group in reported if len(group) > 1),
        collinear=near_dependencies(seen, names),
    )
    robust = None if spread is None else spread @ spread.T
    points = maximum.points
    return Model(result, data, problem, report, solution, inverse, robust, whole, whole_basis, points, rows)


def _refit(problem: _Problem, report: Floats, start: Floats, weights: Floats) -> Floats:
    """The reported coefficients (draws, estimated) under the `weights` (draws, sets) of each draw.

    Infinite where they diverge, NaN where unidentified. No linear programme here, which would cost a thousand times the
    rest: along a direction of separation Newton's steps stay about 1 for ever, so the coefficients that still move
    after `PATIENCE` steps are those that diverge.
    """
    maxima = _maximise(problem, start, weights, limit=PATIENCE)
    values: Floats = maxima.points.c @ report.T
    for draw in np.flatnonzero(~(maxima.converged & maxima.sound)):
        if not maxima.converged[draw]:
            moved = report @ maxima.step[draw]
            diverging = np.abs(moved) > 1e-3 * np.abs(moved).max()
            values[draw, diverging] = np.copysign(math.inf, moved[diverging])
        unseen = null_space(problem.differences[weights[draw, problem.set_of_row] > 0])
        hidden = np.linalg.norm(report @ unseen, axis=1) > LOOSE * np.linalg.norm(report, axis=1)
        values[draw, hidden] = math.nan
    return values


def _maximise(problem: _Problem, start: Floats, weights: Floats, *, limit: int, give_up: bool = False) -> _Maxima:
    """Newton's method with step halving, for all draws (rows of `weights`) side by side.

    One has converged when no utility moves any more. Along a direction of separation each step stays about 1 for ever
    while the information fades like exp(-step), so vanishing steps with sound information prove a finite maximum.
    `give_up` ends early where that proof is failing: then the linear programme decides.
    """
    draws = len(weights)
    points = problem.evaluate(np.tile(start, (draws, 1)), weights)
    step = np.zeros_like(points.c)
    sound = np.ones(draws, dtype=bool)
    if len(start) == 0:
        return _Maxima(points, sound, 0, step, sound)
    converged = np.zeros(draws, dtype=bool)
    iterations = 0
    left = np.arange(draws)
    while iterations < limit and len(left):
        iterations += 1
        here = points.of(left)
        gradient, information = problem.slope(here)
        values, vectors = np.linalg.eigh(information)
        sound[left] = values[:, 0] > 1e-10 * values[:, -1]
        if give_up and not sound.all():
            break
        values = np.maximum(values, 1e-14 * np.maximum(values[:, -1:], 1e-280))
        along = (gradient[:, np.newaxis] @ vectors) / values[:, np.newaxis]
        step[left] = own = (along @ vectors.transpose(0, 2, 1))[:, 0]
        full = _ascend(problem, here, own)
        points.put(left, here)
        still = full & (np.abs(own @ problem.differences.T).max(axis=1) < 1e-9)
        converged[left[still]] = True
        left = left[~still]
    return _Maxima(points, converged, iterations, step, sound)


def _ascend(problem: _Problem, points: _Points, step: Floats) -> NDArray[np.bool_]:
    """Move `points` by the step, or by as small a part of it as gains; says which went the whole way."""
    before, likelihood = points.c.copy(), points.log_likelihood.copy()
    whole = np.ones(len(step), dtype=bool)
    length = 1.0
    short = np.arange(len(step))
    for _ in range(40):
        tried = problem.evaluate(before[short] + length * step[short], points.weights[short])
        points.put(short, tried)
        # Near the maximum the gain is below rounding: a loss as small as that is none.
        loses = ~(tried.log_likelihood >= likelihood[short] - 1e-12 * (1 + np.abs(likelihood[short])))
        short = short[loses]
        if len(short) == 0:
            break
        whole[short] = False
        length /= 2
    return whole


def _spread(problem: _Problem, points: _Points, data: Choices, bread: Floats) -> Floats | None:
    """A factor (r, clusters) of the solution's cluster-robust covariance (Liang & Zeger 1986)."""
    if data.clusters < 2:
        return None
    scores = problem.scores(points)[0].T
    totals = np.zeros((data.clusters, scores.shape[1]))
    np.add.at(totals, data.cluster[problem.sets], data.weights[problem.sets, np.newaxis] * scores)
    return bread @ totals.T * math.sqrt(data.clusters / (data.clusters - 1))
