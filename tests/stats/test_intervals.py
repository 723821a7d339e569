from __future__ import annotations

import math

import numpy as np
import pytest

from sandbox.errors import InputError
from sandbox.stats.intervals import (
    cluster_bootstrap,
    cluster_replicates,
    holm,
    normal_quantile,
    paired_difference,
    paired_proportions,
    percentile_interval,
    student_quantile,
    wilson,
)

Z = 1.959963984540054


def test_wilson_gives_the_textbook_intervals():
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81/263, 15/148, 0/20, 1/29.
    for successes, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)]:
        assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_wilson_keeps_its_closed_form_at_the_ends():
    assert wilson(0, 200) == (0.0, pytest.approx(Z**2 / (200 + Z**2), rel=1e-12))
    assert wilson(200, 200) == (pytest.approx(200 / (200 + Z**2), rel=1e-12), 1.0)
    assert wilson(0, 0) == (0.0, 1.0)
    assert normal_quantile(0.95) == pytest.approx(Z, rel=1e-12)


def test_student_s_quantiles_are_those_of_the_closed_forms():
    # One degree of freedom is Cauchy's distribution, two have sqrt(2) (2 p - 1) / sqrt(4 p (1 - p)), many the normal.
    assert student_quantile(1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-9)
    assert student_quantile(2, 0.9) == pytest.approx(math.sqrt(2) * 0.9 / math.sqrt(4 * 0.95 * 0.05), rel=1e-9)
    assert student_quantile(1e9) == pytest.approx(Z, rel=1e-6)


@pytest.mark.parametrize("arguments", [(3, 2), (-1, 2), (math.nan, 2), (1, math.inf), (1, 2, 0.0), (1, 2, 95)])
def test_wilson_refuses_counts_and_levels_that_cannot_be(arguments):
    with pytest.raises(InputError):
        wilson(*arguments)


def test_paired_proportions_have_their_closed_forms_where_all_pairs_are_alike():
    n = 30
    assert paired_proportions(0, 0, n) == pytest.approx((-(Z**2) / (n + Z**2), Z**2 / (n + Z**2)), abs=1e-12)
    assert paired_proportions(n, 0, n) == (pytest.approx((n - Z**2) / (n + Z**2), abs=1e-12), 1.0)
    assert paired_proportions(0, n, n) == (-1.0, pytest.approx(-(n - Z**2) / (n + Z**2), abs=1e-12))
    assert paired_proportions(0, 0, 0) == (-1.0, 1.0)


def test_paired_proportions_are_the_score_test_inverted():
    # The constrained maximum of the trinomial likelihood, found on a grid, gives |z| = 1.96 at both ends.
    gained, lost, n = 12, 2, 50
    for delta in paired_proportions(gained, lost, n):
        lower = np.linspace(max(0, -delta), (1 - delta) / 2, 2_000_001)[1:-1]
        likelihood = gained * np.log(lower + delta) + lost * np.log(lower)
        likelihood += (n - gained - lost) * np.log(1 - 2 * lower - delta)
        best = lower[likelihood.argmax()]
        score = (gained - lost - n * delta) / math.sqrt(n * (2 * best + delta - delta**2))
        assert abs(score) == pytest.approx(Z, abs=1e-4)


def test_paired_proportions_refuse_more_changes_than_pairs():
    with pytest.raises(InputError, match=r"gained \+ lost <= n"):
        paired_proportions(3, 2, 4)


def test_the_bootstrap_of_a_mean_agrees_with_its_normal_interval():
    generator = np.random.default_rng(7)
    outcomes = generator.normal(size=400)
    interval = cluster_bootstrap(
        lambda weights: float(np.average(outcomes, weights=weights)), np.arange(400), generator, 4000
    )
    assert interval is not None
    half = Z * outcomes.std() / math.sqrt(400)
    assert interval.low == pytest.approx(outcomes.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(outcomes.mean() + half, abs=0.01)
    assert (interval.undefined, interval.replications) == (0, 4000)


def test_rows_that_repeat_within_a_cluster_add_no_evidence():
    generator = np.random.default_rng(8)
    per_item = generator.normal(size=60)
    repeated = np.repeat(per_item, 25)

    def mean(weights):
        return float(np.average(repeated, weights=weights))

    by_item = cluster_bootstrap(mean, np.repeat(np.arange(60), 25), generator)
    by_row = cluster_bootstrap(mean, np.arange(1500), generator)
    ratio = (by_item.high - by_item.low) / (by_row.high - by_row.low)
    assert ratio == pytest.approx(5, rel=0.15)  # the root of 25


@pytest.mark.slow
def test_the_cluster_bootstrap_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(9)
    covered = 0
    for _ in range(150):
        rows = np.repeat(generator.normal(size=40), 3) + generator.normal(size=120)
        interval = cluster_bootstrap(
            lambda weights, rows=rows: float(np.average(rows, weights=weights)),
            np.repeat(np.arange(40), 3),
            generator,
            200,
        )
        covered += interval.low <= 0 <= interval.high
    assert 0.88 <= covered / 150 <= 0.99


def test_the_bootstrap_is_a_function_of_its_generator():
    def run(seed):
        return cluster_bootstrap(lambda weights: float(weights[0]), list("abcd"), np.random.default_rng(seed))

    assert run(1) == run(1)
    assert cluster_replicates(lambda w: w, list("abc"), np.random.default_rng(1), 5).sum(axis=1).tolist() == [3.0] * 5


def test_one_cluster_or_equal_data_have_no_interval():
    generator = np.random.default_rng(1)
    assert cluster_bootstrap(lambda weights: float(weights.sum()), ["item"] * 9, generator) is None
    same = np.full(50, 0.1)
    assert cluster_bootstrap(lambda weights: float(np.average(same, weights=weights)), np.arange(50), generator) is None


def test_undefined_replications_are_counted_and_leave_room_at_both_ends():
    values = np.arange(1000.0)
    assert percentile_interval(values).low == 24
    few, many = values.copy(), values.copy()
    few[500:510], many[500:600] = np.nan, np.nan
    interval = percentile_interval(few)
    assert (interval.low, interval.high, interval.undefined) == (14, 985, 10)
    interval = percentile_interval(many)
    assert (interval.low, interval.high, interval.undefined) == (None, None, 100)


def test_replications_beyond_bounds_take_away_the_end_that_they_reach():
    values = np.arange(1000.0)
    values[900:] = math.inf
    interval = percentile_interval(values)
    assert (interval.low, interval.high, interval.undefined) == (24, None, 100)


def test_a_statistic_without_any_value_has_no_interval():
    assert cluster_bootstrap(lambda weights: None, range(5), np.random.default_rng(1)) is None


def test_the_bootstrap_refuses_labels_that_are_missing():
    generator = np.random.default_rng(1)
    for clusters in ([], [1.0, math.nan], [None, "a"]):
        with pytest.raises(InputError, match="clusters"):
            cluster_replicates(lambda weights: 0.0, clusters, generator)


def test_a_paired_difference_compares_within_items_only():
    outcomes = [1, 1, 0, 0, 1, 0, 1]
    treated = [True, True, False, True, False, False, True]
    items = ["a", "a", "a", "b", "b", "only here", "only there"]
    result = paired_difference(outcomes, treated, items, np.random.default_rng(1))
    assert (result.estimate, result.items, result.unpaired) == (0.0, 2, 2)  # +1 for a, -1 for b
    assert (result.interval.low, result.interval.high) == (-1, 1)


def test_pairing_takes_out_what_items_have_in_common():
    generator = np.random.default_rng(3)
    base = generator.normal(scale=10, size=100)
    twin, conflict = base + generator.normal(size=100), base + 1 + generator.normal(size=100)
    result = paired_difference(
        np.r_[twin, conflict], np.repeat([False, True], 100), np.tile(np.arange(100), 2), generator
    )
    assert result.interval.low < 1 < result.interval.high
    assert result.interval.high - result.interval.low < 0.8


def test_a_paired_difference_that_is_always_the_same_has_no_bootstrap_interval():
    result = paired_difference([0, 1, 0, 1], [0, 1, 0, 1], list("aabb"), np.random.default_rng(1))
    assert (result.estimate, result.interval) == (1.0, None)
    assert paired_difference([0, 1], [False, True], ["a", "b"], np.random.default_rng(1)) is None
    assert paired_difference([], [], [], np.random.default_rng(1)) is None


def test_a_paired_difference_refuses_missing_outcomes_and_ragged_columns():
    with pytest.raises(InputError, match=r"outcomes\[1\] is nan"):
        paired_difference([0, math.nan], [0, 1], ["a", "a"], np.random.default_rng(1))
    with pytest.raises(InputError, match="treated 1"):
        paired_difference([0, 1], [0], ["a", "a"], np.random.default_rng(1))
    with pytest.raises(InputError, match="True/False"):
        paired_difference([0, 1], [0, 2], ["a", "a"], np.random.default_rng(1))


def test_holm_adjusts_as_by_hand_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]).size == 0
    for wrong in ([math.nan], [1.1], [-0.1]):
        with pytest.raises(InputError, match="pvalues"):
            holm(wrong)
