from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import scipy

from sandbox.errors import InputError
from sandbox.stats.identification import BLOCK, collinearity, direction_of, null_space, separated_rows, triangle


def test_two_columns_have_the_condition_index_of_their_correlation():
    generator = np.random.default_rng(19)
    features = (generator.random((800, 2)) < 0.4).astype(float)
    features[:, 1] = features[:, 0]
    features[[5, 100, 207], 1] = 1 - features[[5, 100, 207], 1]
    sets = np.repeat(np.arange(400), 2)
    # For two columns alone the index is sqrt((1 + r) / (1 - r)).
    centred = features[::2, :2] - features[1::2, :2]
    r = centred[:, 0] @ centred[:, 1] / np.linalg.norm(centred[:, 0]) / np.linalg.norm(centred[:, 1])
    (only,) = collinearity(features[:, :2], sets, ["a", "b"])
    assert only.condition_index == pytest.approx(math.sqrt((1 + r) / (1 - r)), rel=1e-9)


def test_columns_that_are_merely_correlated_are_not_named():
    generator = np.random.default_rng(22)
    features = generator.normal(size=(600, 2)) @ [[1.0, 0.9], [0.0, 0.44]]
    assert collinearity(features, np.repeat(np.arange(300), 2), ["a", "b"]) == ()
    assert len(collinearity(features, np.repeat(np.arange(300), 2), ["a", "b"], threshold=3)) == 1


def test_a_near_dependency_of_three_columns_names_the_three():
    generator = np.random.default_rng(20)
    features = generator.normal(size=(600, 5))
    features[:, 2] = features[:, 0] + features[:, 1] + 0.01 * generator.normal(size=600)
    (group,) = collinearity(features, np.repeat(np.arange(200), 3), list("abcde"))
    assert group.names == ("a", "b", "c")
    assert group.condition_index > 30


def test_exact_dependencies_have_an_infinite_condition_index():
    generator = np.random.default_rng(21)
    features = generator.normal(size=(60, 3))
    table = np.c_[features, features[:, 0] - features[:, 1], np.ones(60)]
    (group,) = collinearity(table, np.repeat(np.arange(30), 2), [*"abc", "a less b", "one"])
    assert (group.names, group.condition_index) == (("a", "b", "a less b"), math.inf)
    assert collinearity(features, np.repeat(np.arange(30), 2), list("abc")) == ()
    assert collinearity(np.zeros((0, 1)), [], ["a"]) == ()


@pytest.mark.parametrize(
    "column", [[1.0, 2.0, 0.0], [-1.0, 0.0, -3.0], [1.0, -1e-3, 0.0], [0.0, 0.0], [1e-12, 5.0], []]
)
def test_a_single_column_is_told_without_a_programme_as_with_one(column, monkeypatch):
    """Its import takes more than scoring hundreds of episodes."""
    alone = np.array(column).reshape(-1, 1)
    beside = np.hstack([alone, np.zeros_like(alone)])
    rows = separated_rows(beside).tolist()
    ways = [direction_of(beside, np.array([contrast, 0.0])) for contrast in (0.5, -2.0)]
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.delattr(scipy, "optimize", raising=False)
    assert separated_rows(alone).tolist() == rows
    assert [direction_of(alone, np.array([contrast])) for contrast in (0.5, -2.0)] == ways


def test_the_linear_programme_marks_exactly_the_rows_that_some_direction_separates():
    # Column 0 only ever falls, column 1 goes both ways: what moves column 0 is separated, and nothing else.
    differences = np.array([[-1.0, 2.0], [-1.0, -2.0], [0.0, 1.0], [0.0, -1.0], [0.0, 0.0]])
    assert separated_rows(differences).tolist() == [True, True, False, False, False]
    assert not separated_rows(np.array([[1.0], [-1e-3]])).any()
    assert separated_rows(np.zeros((0, 2))).shape == (0,)


def test_features_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match=r"features\[1, 0\] is nan"):
        collinearity([[1.0], [math.nan]], [0, 0], ["a"])
    with pytest.raises(InputError, match="lengths differ"):
        collinearity([[1.0], [2.0]], [0], ["a"])


def test_the_triangle_of_a_tall_matrix_tells_what_the_matrix_does():
    """Of more rows than are looked at together; the same null space, too."""
    tall = np.random.default_rng(6).normal(size=(2 * BLOCK + 7, 4))
    tall[:, 3] = tall[:, 0] - 2 * tall[:, 2]
    small = triangle(tall)
    assert small.shape == (4, 4)
    assert np.linalg.svd(small, compute_uv=False)[:3] == pytest.approx(np.linalg.svd(tall, compute_uv=False)[:3])
    direction = null_space(small)
    assert direction.shape == (4, 1)
    assert np.abs(tall @ direction).max() < 1e-9
    assert (triangle(tall[:2]) == tall[:2]).all()
