"""Two episodes side by side: every step once, the same from either side, and where they part."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.report.alignment import Fingerprint, Row, align, fingerprint
from sandbox.scenario import NATURE
from sandbox.trace import MenuEntry, Step

turns = st.builds(
    lambda seat, state, move: Fingerprint(seat, (state, b"", b"", move, move, b"valid", b"")),
    st.sampled_from("abc"),
    st.sampled_from([b"", b"1", b"2", b"3", b"4", b"5"]),
    st.sampled_from([b"x", b"y"]),
)
episodes = st.lists(turns, max_size=30)


def turn(seat: str = "a", state: str = "", **fields: Any) -> Fingerprint:
    move = {"kind": fields.pop("move", "wait")}
    return fingerprint(
        Step(index=0, tick=0, seat=seat, state=state, decision=MenuEntry(move=move), applied=move, **fields)
    )


def pairs(left: list[Fingerprint], right: list[Fingerprint]) -> list[tuple[int | None, int | None]]:
    return [(row.left, row.right) for row in align(left, right).rows]


@given(episodes)
def test_an_episode_beside_itself_is_the_same_throughout(episode: list[Fingerprint]) -> None:
    alignment = align(episode, episode)
    assert alignment.rows == tuple(Row(index, index) for index in range(len(episode)))
    assert alignment.first is None
    assert alignment.common == len(episode)
    assert alignment.stops == ()


@given(episodes, episodes)
def test_every_step_of_both_is_there_once_and_in_order(left: list[Fingerprint], right: list[Fingerprint]) -> None:
    rows = align(left, right).rows
    assert [row.left for row in rows if row.left is not None] == list(range(len(left)))
    assert [row.right for row in rows if row.right is not None] == list(range(len(right)))


@given(episodes, episodes)
def test_it_does_not_matter_which_is_called_left(left: list[Fingerprint], right: list[Fingerprint]) -> None:
    assert align(right, left) == align(left, right).swapped()


@given(episodes, episodes, episodes)
def test_what_begins_alike_is_side_by_side(
    prefix: list[Fingerprint], left: list[Fingerprint], right: list[Fingerprint]
) -> None:
    alignment = align(prefix + left, prefix + right)
    assert alignment.common >= len(prefix)
    assert alignment.rows[: len(prefix)] == tuple(Row(index, index) for index in range(len(prefix)))


@given(episodes, episodes)
def test_only_turns_of_one_seat_stand_side_by_side(left: list[Fingerprint], right: list[Fingerprint]) -> None:
    for row in align(left, right).rows:
        if row.left is not None and row.right is not None:
            assert left[row.left].seat == right[row.right].seat
            assert row.same == (left[row.left] == right[row.right])


def test_a_detour_leaves_gaps_and_the_ways_meet_again_in_the_same_state() -> None:
    left = [turn(state="s0"), turn(state="s1"), turn(state="s2")]
    right = [turn(state="s0", move="stray"), turn(state="off"), turn(state="s1"), turn(state="s2")]
    assert pairs(left, right) == [(0, 0), (None, 1), (1, 2), (2, 3)]
    alignment = align(left, right)
    assert alignment.rows[0].differs == ("decision", "applied")
    assert [row.same for row in alignment.rows] == [False, False, True, True]
    assert alignment.stops == (0, 1)


def test_a_draw_of_chance_that_one_side_lacks_has_a_gap_beside_it() -> None:
    left = [turn("a"), turn(NATURE), turn("b"), turn("a")]
    right = [turn("a", move="other"), turn("b"), turn("a")]
    assert pairs(left, right) == [(0, 0), (1, None), (2, 1), (3, 2)]


def test_a_seat_that_drops_out_does_not_shift_the_others() -> None:
    left = [turn(seat) for seat in "abcabcabc"]
    right = [turn("a", move="leave"), *(turn(seat) for seat in "bcbcbc")]
    gaps = [row.left for row in align(left, right).rows if row.right is None]
    assert gaps == [3, 6]


def test_what_differs_is_named_by_part() -> None:
    one = turn(observation={"energy": 9}, text="Energy 9", state="s", rewards={"a": 1.0})
    for changes, parts in (
        ({"observation": {"energy": 8}}, ("observation",)),
        ({"text": "Energy: 9"}, ("observation",)),
        ({"ranges": ("work(units: 1 to 5)",)}, ("menu",)),
        ({"outcome": "invalid"}, ("outcome",)),
        ({"rewards": {"a": 2.0}}, ("reward",)),
        ({"state": "t"}, ("state",)),
        ({"said": "other words", "seconds": 3.0}, ()),
    ):
        fields: dict[str, Any] = {
            "observation": {"energy": 9}, "text": "Energy 9", "state": "s", "rewards": {"a": 1.0}, **changes
        }  # fmt: skip
        assert align([one], [turn(**fields)]).rows[0].differs == parts


def test_after_the_first_difference_only_deeds_are_stops() -> None:
    """The state stays another one, so that a jump to whatever differs would be a step like any other."""
    left = [turn(state=f"l{n}") for n in range(5)]
    right = [
        turn(state="l0", move="other"),
        *(turn(state=f"r{n}", move="x" if n == 3 else "wait") for n in range(1, 5)),
    ]
    alignment = align(left, right)
    assert alignment.first == 0
    assert alignment.stops == (0, 3)
    assert alignment.place(right=3) == 3
