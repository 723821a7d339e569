"""Which rewards stand out: a known answer, and none where nothing does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sandbox.report.worth import Sign, reward_jumps


def signs(rewards: Sequence[float | None], seat: str = "a") -> list[Sign]:
    """A tick for each reward; None: nothing was paid."""
    none = frozenset[str]()
    return [
        Sign(tick, seat, False, none, none, {} if paid is None else {seat: paid}) for tick, paid in enumerate(rewards)
    ]


def test_a_reward_beyond_the_modified_z_score_of_iglewicz_and_hoaglin_is_a_jump() -> None:
    """Median 3, MAD 1: 0.6745 (8.19 - 3) / 1 = 3.5006, and for 8.18 it is 3.494."""
    assert reward_jumps(signs([2.0, 2.0, 3.0, 4.0, 8.19]), ["a"]) == {4}
    assert reward_jumps(signs([2.0, 2.0, 3.0, 4.0, 8.18]), ["a"]) == set()


def test_where_most_rewards_are_the_same_the_mean_deviation_is_what_counts() -> None:
    """Ten steps that pay nothing and one that pays 5: |5 - 0| / (1.2533 x 5 / 11) = 8.8."""
    assert reward_jumps(signs([None] * 10 + [5.0]), ["a"]) == {10}
    assert reward_jumps(signs([None] * 10 + [-5.0]), ["a"]) == {10}


@pytest.mark.parametrize(
    "rewards",
    [[], [1.0], [0.0, 0.0, 9.0], [2.0] * 20, [2.0] * 20 + [None], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]],
    ids=["none", "one", "few", "the same", "nothing once", "even"],
)
def test_no_reward_is_a_jump(rewards: list[float | None]) -> None:
    assert reward_jumps(signs(rewards), ["a"]) == set()


def test_a_jump_is_where_the_tick_paid_and_of_a_seat_under_evaluation() -> None:
    none = frozenset[str]()
    both = [
        Sign(tick, seat, False, none, none, {"a": 50.0 if tick == 7 else 1.0 + tick % 2} if seat == "b" else {})
        for tick in range(10)
        for seat in ("a", "b")
    ]
    assert reward_jumps(both, ["a"]) == {15}
    assert reward_jumps(both, ["b"]) == set()


def test_ticks_in_which_only_others_move_do_not_count() -> None:
    """Else whoever moves every third tick would jump at each."""
    none = frozenset[str]()
    turns = [
        Sign(tick, "abc"[tick % 3], False, none, none, {"abc"[tick % 3]: 30.0 + tick % 2} if tick % 3 == 0 else {})
        for tick in range(30)
    ]
    assert reward_jumps(turns, ["a"]) == set()
