from __future__ import annotations

import math

import numpy as np
import pytest

from sandbox.errors import InputError
from sandbox.stats.agreement import agreement, order_consistency, share, verdict
from sandbox.stats.intervals import wilson

Z2 = 1.959963984540054**2


def shown(contents, position_of_first):
    """Where contents 0 and 1 stood when content 0 stood at `position_of_first`."""
    return np.where(np.asarray(contents) == 0, position_of_first, 1 - position_of_first)


def pairs(first, second):
    """Choices of content in the given order and in the reversed one."""
    return np.stack([first, second], axis=1), np.stack([shown(first, 0), shown(second, 1)], axis=1)


def test_in_a_share_each_item_counts_once_however_often_it_was_observed():
    result = share([True, True, True, False], ["a", "a", "a", "b"])
    assert (result.rate, result.n, result.items) == (0.5, 4, 2)
    assert (result.low, result.high) == pytest.approx(wilson(1, 2))
    assert share([1.0, 0.0, 0.0, 0.0]).rate == 0.25
    with pytest.raises(InputError, match="no observations"):
        share([])


def test_the_kappa_of_a_judge_who_always_says_the_same_is_zero():
    yes = [index % 7 < 3 for index in range(47)]
    items = [str(index % 11) for index in range(47)]
    result = agreement(yes, [True] * 47, items)
    assert result.kappa == 0.0
    assert result.chance == pytest.approx(result.rate)


def test_cohens_own_kind_of_table_gives_its_kappa():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: agreement .7, by chance .5, kappa .4.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    result = agreement(first, second)
    assert (result.rate, result.chance, result.kappa) == pytest.approx((0.7, 0.5, 0.4))
    assert (result.low, result.high) == pytest.approx(wilson(35, 50))
    assert (result.n, result.items) == (50, 50)


def test_a_constant_answer_agrees_fully_and_shows_that_chance_would_too():
    result = agreement(["safe"] * 30, ["safe"] * 30)
    assert (result.rate, result.chance, result.kappa) == (1.0, 1.0, None)
    assert (result.low, result.high) == (pytest.approx(30 / (30 + Z2)), 1.0)


def test_repetitions_of_an_item_are_not_more_items():
    result = agreement([1, 1, 1, 0], [1, 0, 1, 0], items=["a", "a", "b", "c"])
    assert (result.rate, result.n, result.items) == (pytest.approx(2.5 / 3), 4, 3)
    assert (result.low, result.high) == pytest.approx(wilson(2.5, 3))


def test_one_who_always_takes_the_first_follows_the_position():
    content, position = pairs(np.zeros(200, int), np.ones(200, int))
    assert (position == 0).all()
    result = order_consistency(content, position, 2)
    assert (result.kappa, result.kappa_low) == (-1.0, -1.0)
    assert result.kappa_high == pytest.approx(2 * Z2 / (200 + Z2) - 1)
    assert (result.bias, result.bias_high) == (1.0, 1.0)
    assert result.bias_low == pytest.approx((200 - Z2) / (200 + Z2))
    assert verdict(result) == "follows position"
    assert verdict(result, "label") == "follows label"


def test_one_who_always_takes_the_last_has_the_opposite_bias():
    result = order_consistency(*pairs(np.ones(50, int), np.zeros(50, int)), 2)
    assert (result.kappa, result.bias) == (-1.0, -1.0)
    assert verdict(result) == "follows position"


def test_one_who_always_takes_the_same_content_is_valid():
    content = np.arange(60) % 2
    result = order_consistency(*pairs(content, content), 2)
    assert (result.kappa, result.bias) == (1.0, 0.0)
    assert verdict(result) == "valid"


def test_a_random_chooser_is_noise_and_a_half_hearted_one_is_weak():
    content = np.tile([0, 1], 100)
    half = np.r_[content[:100], 1 - content[100:]]
    assert verdict(order_consistency(*pairs(content, half), 2)) == "noise"
    most = np.r_[content[:140], 1 - content[140:]]
    result = order_consistency(*pairs(content, most), 2)
    assert result.kappa == pytest.approx(2 * 0.7 - 1)
    assert verdict(result) == "weak"


def test_with_more_options_chance_is_smaller():
    # Three options, rotated by one: content c stands at c, then at (c + 1) % 3.
    generator = np.random.default_rng(4)
    first, second = generator.integers(0, 3, (2, 3000))
    content, position = np.stack([first, second], axis=1), np.stack([first, (second + 1) % 3], axis=1)
    result = order_consistency(content, position, 3)
    assert result.kappa == pytest.approx(0, abs=0.05)
    assert result.bias == pytest.approx(0, abs=0.05)
    stuck = order_consistency(np.tile([0, 2], (100, 1)), np.zeros((100, 2), int), np.full(100, 3))
    assert stuck.kappa == pytest.approx(-0.5)
    assert verdict(stuck) == "follows position"


def test_one_item_shown_often_cannot_make_a_verdict():
    content = np.zeros(200, int)
    assert verdict(order_consistency(*pairs(content, content), 2, items=["same"] * 200)) == "noise"


@pytest.mark.parametrize(
    ("content", "position", "options", "match"),
    [
        ([], [], 2, "no pairs"),
        ([[0, 1, 2]], [[0, 0]], 2, "content: expected shape"),
        ([[0, 1]], [[0, 2]], 2, r"position\[0\]"),
        ([[0.0, math.nan]], [[0, 1]], 2, "content"),
        ([[0, 1]], [[0, 1]], [2, 2], "options"),
        ([[0, 1]], [[0.0, math.nan]], 2, "whole numbers"),
        ([[0, 1]], [[0, 0]], 1, "at least 2"),
    ],
)
def test_choices_that_cannot_be_are_refused(content, position, options, match):
    with pytest.raises(InputError, match=match):
        order_consistency(content, position, options)


def test_answers_that_are_missing_are_refused():
    for first, second in ([[], []], [[1.0], [math.nan]], [["a"], [None]], [["a"], ["a", "b"]]):
        with pytest.raises(InputError):
            agreement(first, second)
    with pytest.raises(InputError, match="one per pair"):
        agreement([1, 0], [1, 0], items=["a"])
