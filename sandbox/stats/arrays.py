"""Arrays as callers bring them, checked once: numbers that are finite, one label per row, equal lengths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandbox.errors import InputError

Floats = NDArray[np.float64]


def finite(values: ArrayLike, what: str, dimensions: int = 1) -> Floats:
    """`values` as floats with so many dimensions; InputError naming the first NaN or infinity."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected numbers, {error}") from error
    if array.ndim != dimensions:
        raise InputError(f"{what}: expected {dimensions} dimension(s), got shape {array.shape}")
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            f"{what}{list(place)} is {array[place]}: expected finite numbers; count and leave out such rows"
        )
    return array


def booleans(values: ArrayLike, what: str) -> NDArray[np.bool_]:
    """`values` as booleans (True/False or 1/0); InputError for anything else, NaN included."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{what}: expected one dimension, got shape {array.shape}")
    if array.dtype == np.bool_:
        return array
    numbers = finite(values, what)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise InputError(f"{what}: expected True/False or 1/0")
    return np.asarray(numbers == 1.0)


def distinct(labels: ArrayLike, what: str) -> tuple[int, NDArray[np.intp]]:
    """How many distinct labels there are, and the index (rows,) of each row's label among them; InputError for NaN."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f"{what}: expected one label per row, got shape {array.shape}")
    if array.dtype.kind in "fO":
        for row, label in enumerate(array):
            if label is None or label != label:  # NaN is what differs from itself
                raise InputError(f"{what}[{row}] is {label}: expected a label per row")
    if array.dtype.kind == "O":  # mixed kinds cannot be sorted
        numbers: dict[object, int] = {}
        index = np.array([numbers.setdefault(label, len(numbers)) for label in array], dtype=np.intp)
        return len(numbers), index
    found, inverse = np.unique(array, return_inverse=True)
    return int(found.size), inverse.reshape(-1).astype(np.intp)


def same_length(arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """InputError that shows all lengths, unless they are the same."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise InputError(f"lengths differ: {lengths}; expected one of each per row")
