"""What choices cannot tell about a column: constant, dependent on others, or able to predict without limit.

Everything here looks at differences within choice sets, since nothing else moves a choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sandbox.errors import InputError
from sandbox.stats.arrays import Floats, distinct, finite, same_length

EXACT = 1e-9  # a singular value below this share of the largest is rounding, not data
LOOSE = 1e-6  # how far rounding may turn a direction that belongs to such a singular value
BLOCK = 16_384  # rows looked at together: they stay in the processor's cache
NEAR = 10.0  # Belsley, Kuh & Welsch: 5 to 10 is weak, from 30 it is strong


@dataclass(frozen=True)
class Collinearity:
    """Columns that vary almost only together: which of them the choices follow cannot be told.

    `condition_index` is the largest singular value over the one of this near-dependency: 10 begins to matter, from 30
    it is strong (Belsley, Kuh & Welsch 1980, chapter 3). For two columns 10 means a correlation of .98.
    """

    names: tuple[str, ...]
    condition_index: float


def collinearity(
    features: ArrayLike, set_index: ArrayLike, names: Sequence[str], threshold: float = NEAR
) -> tuple[Collinearity, ...]:
    """The groups of columns that vary almost or exactly together within sets, the worst first.

    Belsley, Kuh & Welsch: with columns centred within sets and scaled to unit length, a condition index of at least
    `threshold` of which two or more columns draw more than half of their variance. Exact dependencies have an infinite
    condition index; a constant column is no dependency.
    """
    matrix = finite(features, "features", 2)
    sets, set_of_row = distinct(set_index, "set_index")
    same_length({"features": matrix, "set_index": set_of_row})
    check_names(names, matrix.shape[1])
    if len(matrix) == 0:
        return ()
    scaled, _ = centred_and_scaled(matrix, set_of_row, sets)
    exact = [group for group in tied_columns(null_space(scaled)) if len(group) > 1]
    return tuple(
        Collinearity(tuple(names[column] for column in group), math.inf) for group in exact
    ) + near_dependencies(scaled, names, threshold)


def tied_columns(space: Floats) -> list[list[int]]:
    """Columns grouped by which vary together within the span of the orthonormal columns of `space` (k, m)."""
    projection = space @ space.T
    size = np.sqrt(np.diag(projection))
    left = np.flatnonzero(size > LOOSE).tolist()
    groups = []
    while left:
        group = [left[0]]
        for member in group:  # grows as it is walked
            group += [c for c in left if c not in group and abs(projection[member, c]) > 0.1 * size[member] * size[c]]
        left = [column for column in left if column not in group]
        groups.append(sorted(group))
    return groups


def near_dependencies(scaled: Floats, names: Sequence[str], threshold: float = NEAR) -> tuple[Collinearity, ...]:
    """Groups of columns that are nearly but not exactly dependent, the worst first."""
    columns = np.flatnonzero(scaled.any(axis=0))
    _, values, vectors = np.linalg.svd(scaled[:, columns], full_matrices=False)
    inexact = values > EXACT * values.max(initial=0.0)
    values, vectors = values[inexact], vectors[inexact]
    near = values * threshold <= values.max(initial=0.0)
    if not near.any():
        return ()
    share = vectors**2 / values[:, np.newaxis] ** 2  # the book's variance decomposition
    share /= share.sum(axis=0)
    # Dependencies of like strength share out a column's variance between them, so their shares are added up.
    involved = np.flatnonzero(share[near].sum(axis=0) > 0.5)
    groups = []
    for tied in tied_columns(np.linalg.qr(vectors[near][:, involved].T)[0]):
        members = involved[tied]
        strength = np.linalg.norm(vectors[near][:, members], axis=1)
        worst = values[near][strength > 0.5 * strength.max()].min()
        if len(members) > 1:
            groups.append(Collinearity(tuple(names[c] for c in columns[members]), float(values[0] / worst)))
    return tuple(sorted(groups, key=lambda group: -group.condition_index))


def centred_and_scaled(features: Floats, set_of_row: NDArray[np.intp], sets: int) -> tuple[Floats, Floats]:
    """Features less their mean within the set, in columns of unit length or 0; and the lengths, 1 for a 0 column."""
    rows = len(features)
    members = sparse.csr_array((np.ones(rows), (set_of_row, np.arange(rows))), shape=(sets, rows))
    means = members @ features / np.bincount(set_of_row, minlength=sets)[:, np.newaxis]
    centred = features - means[set_of_row]
    scale = np.linalg.norm(centred, axis=0)
    constant = scale <= 1e-12 * np.linalg.norm(features, axis=0)  # centring leaves the rounding of large numbers
    scale[constant] = 1.0
    centred /= scale
    centred[:, constant] = 0.0
    return centred, scale


def triangle(matrix: Floats) -> Floats:
    """A matrix of at most as many rows as columns with the singular values and right vectors of `matrix` (rows, k)."""
    if len(matrix) <= matrix.shape[1]:
        return matrix
    blocks = [np.asarray(np.linalg.qr(matrix[at : at + BLOCK], mode="r")) for at in range(0, len(matrix), BLOCK)]
    return blocks[0] if len(blocks) == 1 else triangle(np.concatenate(blocks))


def null_space(matrix: Floats) -> Floats:
    """An orthonormal basis (k, m) of the directions that the rows of `matrix` (rows, k) do not see."""
    if len(matrix) == 0:
        return np.eye(matrix.shape[1])
    _, values, vectors = np.linalg.svd(matrix, full_matrices=False)
    seen = int(np.sum(values > EXACT * max(1.0, float(values.max(initial=0.0)))))
    return complement(vectors[:seen].T)


def complement(space: Floats) -> Floats:
    """An orthonormal basis (k, k - m) of what is orthogonal to the orthonormal columns of `space` (k, m)."""
    if space.shape[1] == 0:
        return np.eye(len(space))
    full: Floats = np.linalg.qr(space, mode="complete")[0]
    return full[:, space.shape[1] :]


def comparable(unknown: Floats, scale: Floats) -> list[list[int]]:
    """Columns grouped by what is known of them, given the directions (k, m) of the scaled coefficients not seen.

    A column is known absolutely if no such direction moves it: a group of its own. Columns that every such direction
    moves by the same amount are known relative to each other: a group of two or more. The rest is in no group.
    """
    moves = np.linalg.norm(unknown, axis=1) > LOOSE
    groups = [[column] for column in np.flatnonzero(~moves).tolist()]
    raw = unknown / scale[:, np.newaxis]
    rest = np.flatnonzero(moves).tolist()
    while rest:
        head = raw[rest[0]]
        same = [column for column in rest if np.linalg.norm(raw[column] - head) <= LOOSE * np.linalg.norm(head)]
        if len(same) > 1:
            groups.append(same)
        rest = [column for column in rest if column not in same]
    return groups


def surviving(groups: list[list[int]], limit: list[list[int]]) -> list[list[int]]:
    """What each group keeps of itself in the limit of a separated likelihood; one list per group, perhaps empty.

    A column that was known absolutely must be so still. Of columns known relative to each other the largest part
    that still is one group stays: the other columns are infinitely far from it.
    """
    alone = [group for group in limit if len(group) == 1]
    kept = []
    for group in groups:
        if len(group) == 1:
            kept.append(group if group in alone else [])
        else:
            largest = max(([c for c in part if c in group] for part in limit), key=len, default=[])
            kept.append(largest if len(largest) > 1 else [])
    return kept


def contrast_of(column: int, group: list[int], width: int) -> Floats:
    """What is reported of a column: its coefficient, less the group's mean where it is known only relative to it."""
    row = np.zeros(width)
    if group != [column]:
        row[group] = -1 / len(group)
    row[column] += 1
    return row


def separated_rows(differences: Floats) -> NDArray[np.bool_]:
    """Which alternatives some direction makes infinitely worse than the chosen one, while it makes none better.

    One linear programme decides it (in the way of Konis 2007, DPhil thesis, Oxford): maximise the sum of y,
    0 <= y <= 1, with y <= -differences @ direction. Directions of separation form a cone, so y is 1 wherever any of
    them separates and 0 elsewhere. A single column has two directions, which need no programme.
    """
    rows, width = differences.shape
    if width == 1:
        signs = _signs(differences[:, 0])
        apart: NDArray[np.bool_] = (signs != 0) & (abs(signs.sum()) == np.count_nonzero(signs))
        return apart
    from scipy import optimize  # its import takes longer than scoring hundreds of episodes

    # Count features repeat: the same difference is the same constraint.
    unique, inverse = np.unique(differences.round(12), axis=0, return_inverse=True)
    size = np.linalg.norm(unique, axis=1)
    real = np.flatnonzero(size > EXACT)
    separated = np.zeros(len(unique), dtype=bool)
    if len(real):
        solution = optimize.linprog(
            np.r_[np.zeros(width), -np.ones(len(real))],
            A_ub=sparse.hstack([unique[real] / size[real, np.newaxis], sparse.eye_array(len(real))], format="csr"),
            b_ub=np.zeros(len(real)),
            bounds=[(None, None)] * width + [(0, 1)] * len(real),
            method="highs",
        )
        if solution.status != 0:
            raise InputError(
                f"choice sets: the check for separation failed ({solution.message}); "
                "look for features of extreme size, and rescale them"
            )
        separated[real] = solution.x[width:] > 0.5
    found: NDArray[np.bool_] = separated[inverse.reshape(rows)]
    return found


def direction_of(differences: Floats, contrast: Floats) -> str:
    """Where a diverging contrast of the coefficients goes: its signs in the cone of separating directions."""
    if len(contrast) == 1:
        signs = _signs(differences[:, 0]) * np.sign(contrast)
        reach = [not (sign * signs > 0).any() for sign in (1.0, -1.0)]
    else:
        reach = [_reaches(differences, sign * contrast) for sign in (1.0, -1.0)]
    return "either" if reach[0] == reach[1] else "+" if reach[0] else "-"


def _reaches(differences: Floats, contrast: Floats) -> bool:
    """Whether some direction raises the contrast and makes no alternative better."""
    from scipy import optimize

    constraints = np.unique(differences.round(12), axis=0)
    solution = optimize.linprog(
        -contrast / np.linalg.norm(contrast),
        A_ub=constraints,
        b_ub=np.zeros(len(constraints)),
        bounds=(-1, 1),
        method="highs",
    )
    return bool(solution.fun < -1e-6)


def _signs(differences: Floats) -> Floats:
    signs: Floats = np.where(abs(differences) > EXACT, np.sign(differences), 0.0)
    return signs


def check_names(names: Sequence[str], width: int) -> None:
    """InputError unless there is a different name for each of at least one column."""
    if width == 0 or isinstance(names, str) or len(names) != width or len(set(names)) != width:
        raise InputError(
            f"names: expected {width or 'some'} different names, one per column of features, got {names!r}"
        )
