"""Differences, tables, changes and seats in words: known answers, bounds, and what a page may hold."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from sandbox.errors import InputError
from sandbox.report import difference as differences
from sandbox.report.changes import observation_changes
from sandbox.report.difference import difference
from sandbox.report.seats import columns
from sandbox.report.tabular import is_table, table_lines
from sandbox.report.views import View, view_lines
from sandbox.trace import AgentSpec, EpisodeSpec, Step
from tests.tui.conftest import robot_episode


def step(text: str = "", index: int = 0, seat: str = "a", tick: int = 0, **fields: Any) -> Step:
    return Step(index=index, tick=tick, seat=seat, text=text, applied={"kind": "x"}, **fields)


def lines(before: str, after: str) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in difference(step(after, 1), step(before))][1:]


def test_lines_are_new_gone_or_changed_word_by_word() -> None:
    assert lines("You have 9 coins.\nIt rains.\nEnd", "You have 10 coins.\nEnd\nThe sun shines.") == [
        ("changed", "~ You have [-9-]{+10+} coins."),
        ("removed", "- It rains."),
        ("text", "  End"),
        ("added", "+ The sun shines."),
    ]


def test_lines_with_little_in_common_are_not_mixed() -> None:
    assert lines("abc def", "something else altogether") == [
        ("removed", "- abc def"),
        ("added", "+ something else altogether"),
    ]


def test_what_stayed_is_left_out_but_for_the_lines_around_a_change() -> None:
    text = [f"line {number}" for number in range(20)]
    shown = lines("\n".join(text), "\n".join([*text[:10], "new", *text[10:]]))
    assert [words for _, words in shown] == [
        "… 8 lines as they were", "  line 8", "  line 9", "+ new", "  line 10", "  line 11", "… 8 lines as they were",
    ]  # fmt: skip


def test_the_first_look_and_the_same_again_are_said() -> None:
    assert difference(step("x"), None)[0].text == "the seat sees this for the first time:"
    assert lines("x", "x")[0] == ("quiet", "nothing changed")


def test_a_long_text_is_compared_by_its_ends_only_and_a_longer_one_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"{number}" for number in range(5_000)]
    changed = [*many[:2_500], "other", *many[2_501:]]
    shown = lines("\n".join(many), "\n".join(changed))
    assert [words for _, words in shown][3:5] == ["- 2500", "+ other"]
    long = "x" * (differences.LARGEST + 1)
    assert lines(long, long + "y")[0] == ("flag", "too long to be compared (1,000,001 and 1,000,002 characters); "
                                                  "what is seen now:")  # fmt: skip


def test_a_long_line_is_another_as_a_whole() -> None:
    assert [role for role, _ in lines("a b " * 5_000, "a c " * 5_000)] == ["removed", "added"]


def test_numbers_of_a_table_stand_to_the_right_and_wide_cells_are_cut() -> None:
    rows = [{"name": "tea", "price": 5}, {"name": "語" * 40, "price": 1250, "new": True}]
    assert table_lines(rows) == [
        f"{'name':<27}  price  new",
        f"{'tea':<27}      5",
        f"{'語' * 13}…   1250  true",
    ]


@pytest.mark.parametrize("value", [[], [1], [{}], [{"a": []}], "text", [{"a": 1}, 2], {"a": 1}])
def test_what_is_no_list_of_flat_objects_is_no_table(value: Any) -> None:
    assert not is_table(value)


def test_fields_of_an_observation_are_new_gone_or_changed_by_their_dotted_names() -> None:
    before = {"a": {"b": 1, "c": 2}, "d": [1], "e": {}}
    after = {"a": {"b": 1, "c": 3}, "e": {}, "f": None}
    assert [one.text for one in observation_changes(before, after)] == ["~ a.c: 2 → 3", "- d: [1]", "+ f: null"]


def test_a_field_that_no_other_seat_was_shown_is_private() -> None:
    spec = EpisodeSpec(
        environment="x/Y-v0", seats={s: AgentSpec(id=s, name=s) for s in ("a", "b", "c")}, evaluated=("a",)
    )
    latest = {
        "a": step(seat="a", observation={"round": 1, "card": 7}),
        "b": step(seat="b", index=1, tick=1, observation={"round": 1, "card": 9}),
        "c": None,
    }
    first, second, third = columns(spec, latest, 1)
    assert [one.text for one in first.passages[1:3]] == ["  round: 1", "◆ card: 7"]
    assert [one.role for one in second.passages[1:3]] == ["text", "private"]
    assert (first.title, second.title) == ("a: a, moved at step 1", "b: b, moves now")
    assert [one.text for one in third.passages] == ["was shown nothing so far"]


def test_every_view_of_a_recorded_step_is_printed() -> None:
    episode = robot_episode()
    shown = {view: list(view_lines(episode, view, 4)) for view in get_args(View)}
    assert {lines[0] for lines in shown.values()} == {"Step 4 of 14, tick 4, seat agent, valid"}
    assert "  ~ You sort parcels. Energy: [-7-]{+6+}. Sorted so far: [-2-]{+3+}." in shown["diff"]
    assert [line for line in shown["events"] if line.startswith("  attempt")] == ["  attempt 1: not legal"]
    assert shown["seats"][1] == "  agent: small, moves now"
    assert '      "energy": 6,' in shown["raw"]
    assert len(list(view_lines(episode, "diff"))) > 14 * 3
    with pytest.raises(InputError, match="no step 15; it has steps 1 to 14"):
        view_lines(episode, "diff", 15)
