"""What a fitted conditional logit says in probabilities and money, and what speaks against it.

The scale of a logit's coefficients is the inverse of the noise in the choices (Train 2009, Discrete Choice Methods with
Simulation, section 3.2; Swait & Louviere 1993, Journal of Marketing Research 30:305): two agents of the same
coefficients need not be alike, nor two of different ones differ. Marginal effects and ratios of coefficients can be
compared.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sandbox.stats.arrays import Floats, distinct
from sandbox.stats.logit import Model

Z = float(special.ndtri(0.975))
"""Standard errors that a 95 % interval reaches to either side."""


@dataclass(frozen=True)
class Quantity:
    """A smooth function of a model's coefficients, with its `gradient` in the model's coordinates (r,)."""

    value: float
    gradient: Floats

    def error(self, covariance: Floats | None) -> float | None:
        """Its standard error by the delta method, given `Model.inverse` or `Model.robust`; None without the latter."""
        return None if covariance is None else math.sqrt(max(0.0, float(self.gradient @ covariance @ self.gradient)))

    def by_cluster(self, model: Model, clusters: int, cluster_of_set: ArrayLike) -> Floats:
        """How far each cluster moves it (clusters,), in first order; `cluster_of_set`: numbers from 0, in set order."""
        moved = model.influence @ self.gradient
        return np.bincount(np.asarray(cluster_of_set), moved, minlength=clusters).astype(np.float64)


def coefficient(model: Model, name: str) -> Quantity:
    """The coefficient itself."""
    place = model.result.names.index(name)
    return Quantity(float(model.result.coefficients[place]), model.report[place])


def marginal_effects(model: Model) -> dict[str, Quantity]:
    """Average marginal effect of each estimated column: its coefficient times the mean of p (1 - p).

    How much the probability of an alternative rises per unit of its own column, the others of its set as they are; mean
    over all alternatives of all sets, with their weights.
    """
    p, weights = model.probability, _row_weights(model)
    mean = float(weights @ (p * (1 - p)))
    turn = (weights * p * (1 - 2 * p)) @ model.lean
    found = {}
    for name in model.result.names:
        beta = coefficient(model, name)
        found[name] = Quantity(beta.value * mean, beta.gradient * mean + beta.value * turn)
    return found


def discrete_effects(model: Model) -> dict[str, Quantity]:
    """Average discrete effect of each estimated column that is 0 or 1 everywhere.

    The alternative's probability with 1 less that with 0 in its own column, the others of its set as they are; mean
    over all alternatives of all sets, with their weights.
    """
    p, weights = model.probability, _row_weights(model)
    found = {}
    for name in binary(model):
        column = model.data.features[:, model.data.names.index(name)]
        beta = coefficient(model, name)
        value, gradient = 0.0, np.zeros(len(model.solution))
        for level, sign in ((1.0, 1.0), (0.0, -1.0)):
            odds = np.exp(beta.value * (level - column))
            rest = 1 - p + p * odds
            moved = p * odds / rest
            value += sign * float(weights @ moved)
            gradient += sign * ((weights * p * odds / rest**2) @ model.lean)
            gradient += sign * float((weights * moved * (1 - moved)) @ (level - column)) * beta.gradient
        found[name] = Quantity(value, gradient)
    return found


def binary(model: Model) -> tuple[str, ...]:
    """The estimated columns that are 0 or 1 everywhere."""
    columns = zip(model.data.names, model.data.features.T, strict=True)
    return tuple(name for name, c in columns if name in model.result.names and bool(((c == 0) | (c == 1)).all()))


def ratio(model: Model, name: str, price: str) -> Quantity:
    """How many units of the column `price` one unit of `name` is worth: minus the ratio of their coefficients.

    The coefficient of `price` must not be 0.
    """
    above, below = coefficient(model, name), coefficient(model, price)
    value = -above.value / below.value
    return Quantity(value, -(above.gradient + value * below.gradient) / below.value)


def probability_after(baseline: float, coefficient: float) -> float:
    """The probability of an alternative that had `baseline` (between 0 and 1), after its utility rose by `coefficient`.

    The others of its set stay as they are. From 10 %, -0.1287 leads to 8.9 %, and 1.0609 to 24.3 %.
    """
    return float(special.expit(special.logit(baseline) + coefficient))


@dataclass(frozen=True)
class ChiSquared:
    """A test statistic that is chi-squared with `df` degrees of freedom under the hypothesis."""

    statistic: float
    df: int

    @property
    def p(self) -> float:
        """The probability of a statistic as great, if the hypothesis is true."""
        return float(special.chdtrc(self.df, self.statistic))


def likelihood_ratio(model: Model, names: Collection[str]) -> ChiSquared | None:
    """The likelihood-ratio test of whether these columns play a part; None where the data cannot tell them at all."""
    log_likelihood, df = model.without(names)
    # The greater model cannot be worse; rounding can say so.
    return ChiSquared(max(0.0, 2 * (model.result.log_likelihood - log_likelihood)), df) if df else None


def dropped_alternative(full: Model, restricted: Model, sets: ArrayLike, cluster: ArrayLike | None) -> ChiSquared | str:
    """The test of the independence of irrelevant alternatives by Hausman & McFadden (1984, Econometrica 52:1219).

    Args:
        full: the model of all sets.
        restricted: the same without one alternative of each set, over the sets in which another was chosen.
        sets: (restricted sets,), the place in `full` of each set of `restricted`.
        cluster: (full sets,), labels: the covariance of the difference is estimated from how far each cluster moves it,
            so that it cannot fail to be positive (White 1982, Econometrica 50:1). None: it is the difference of
            the two covariances, as published.

    Returns the test over the coefficients that both models know, or why there is none.
    """
    names = [name for name in full.result.names if name in restricted.result.names]
    if full.result.separated or restricted.result.separated or not names:
        return "separated with or without the alternative: the coefficients have no finite estimate to compare"
    pick = [full.result.names.index(name) for name in names]
    other = [restricted.result.names.index(name) for name in names]
    change = restricted.result.coefficients[other] - full.result.coefficients[pick]
    if cluster is None:
        spread = restricted.result.covariance[np.ix_(other, other)] - full.result.covariance[np.ix_(pick, pick)]
    else:
        clusters, number = distinct(cluster, "cluster")
        if clusters <= len(names):
            return f"{clusters} clusters are too few for {len(names)} coefficients"
        moved = np.zeros((clusters, len(names)))
        np.add.at(moved, number, -(full.influence @ full.report[pick].T))
        np.add.at(moved, number[np.asarray(sets)], restricted.influence @ restricted.report[other].T)
        spread = moved.T @ moved * (clusters / (clusters - 1))
    size = np.sqrt(np.abs(np.diag(restricted.result.covariance))[other])
    values, vectors = np.linalg.eigh(spread / np.outer(size, size))
    if values[0] < -1e-9:
        return "the difference of the covariances is not positive: no test (variant cluster has one)"
    told = values > 1e-9
    if not told.any():
        return "the alternative dropped makes no difference"
    along = (change / size) @ vectors[:, told]
    return ChiSquared(float(np.sum(along**2 / values[told])), int(told.sum()))


def _row_weights(model: Model) -> Floats:
    """Of each row, summing to 1."""
    weights = model.data.weights[model.data.set_of_row]
    return np.asarray(weights / weights.sum())
