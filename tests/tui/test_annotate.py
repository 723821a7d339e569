"""Bookmarks, notes and labels: keys are pressed, and what is kept and shown is looked at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sandbox.trace import Episode
from sandbox.tui.annotate import LabelPrompt
from sandbox.tui.annotation_list import AnnotationList, AnnotationRows
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.note import NoteArea, NoteScreen
from sandbox.tui.prompt import Prompt
from sandbox.tui.text_pane import TextPane

pytestmark = pytest.mark.tui
SIZE = (80, 24)


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_AUTHOR", "ann")


async def settled(pilot: Pilot[None]) -> None:
    """Wait until what a key began has been done."""
    await pilot.app.workers.wait_for_complete(
        [worker for worker in pilot.app.workers if worker.group in ("annotate", "reading")]
    )
    await pilot.pause()


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for what a worker does."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come about")


async def asked(pilot: Pilot[None], kind: type) -> None:
    """Wait for a screen that asks."""
    await until(pilot, lambda: type(pilot.app.screen) is kind)


def kept(source: Any) -> list[tuple[Any, ...]]:
    return [(one.kind, one.step, one.name, one.value, one.text, one.author) for one in source.said.values()]


def bar(app: ReplayApp, name: str) -> str:
    return app.screen.query_one(name, Bar).words


def facts(app: ReplayApp) -> str:
    return "\n".join(app.screen.query_one("#facts", TextPane).rows)


async def test_b_bookmarks_a_step_which_is_flagged_then_and_takes_it_off_again(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=2)
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, EpisodeScreen)
        await pilot.press("b")
        await settled(pilot)
        assert kept(source) == [("bookmark", 1, "", None, "", "ann")]
        assert screen.query_one(KeyBar).words == "bookmarked: step 2"
        assert "annotation" in bar(app, "#where")
        assert 1 in screen.recording.stops
        await pilot.press("b")
        await settled(pilot)
        assert kept(source) == []
        assert 1 not in screen.recording.stops


async def test_a_bookmark_is_kept_when_the_program_is_left_while_it_is_set(
    source: Any, robot: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on, read = threading.Event(), threading.Event(), source.annotations

    def slowly(key: str) -> Any:
        reading.set()
        go_on.wait(10)
        return read(key)

    app = ReplayApp(source, episode=robot.id, step=2)
    async with app.run_test(size=SIZE) as pilot:
        monkeypatch.setattr(source, "annotations", slowly)
        await pilot.press("b")
        await until(pilot, reading.is_set)
        app.exit()
        await pilot.pause()
    go_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()  # as at the program's end: threads go on to theirs
    assert kept(source) == [("bookmark", 1, "", None, "", "ann")]


async def test_keys_pressed_faster_than_they_are_done_are_all_done(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("b", "b", "b")
        await settled(pilot)
        assert len(source.said) == 1


async def test_a_note_of_several_lines_is_written_saved_and_shown(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=9)
    async with app.run_test(size=(160, 60)) as pilot:
        await pilot.press("N")
        await asked(pilot, NoteScreen)
        await pilot.press("i", "t", "enter", "l", "i", "e", "s", "ctrl+s")
        await settled(pilot)
        assert kept(source) == [("note", 8, "", None, "it\nlies", "ann")]
        assert "note (ann): it" in facts(app)


async def test_a_note_that_was_changed_is_left_only_when_that_was_said_twice(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("N")
        await asked(pilot, NoteScreen)
        await pilot.press("x", "escape")
        assert bar(app, "#note-keys").startswith("not saved: Esc again throws it away")
        await pilot.press("y", "escape")
        assert isinstance(app.screen, NoteScreen)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, EpisodeScreen)
        assert kept(source) == []


async def test_an_untouched_note_is_left_at_once_and_an_empty_one_is_not_saved(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("N")
        await asked(pilot, NoteScreen)
        await pilot.press("ctrl+s")
        assert "the note is empty" in bar(app, "#note-keys")
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, EpisodeScreen)


async def test_a_label_has_a_name_and_a_value_and_names_in_use_complete(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=3)
    async with app.run_test(size=SIZE) as pilot:
        for typed, value in (("lies", ()), ("l", ("n",))):
            await pilot.press("L")
            await asked(pilot, LabelPrompt)
            await pilot.press(*typed)
            await until(pilot, lambda: not source.said or "lies" in app.screen.query_one(Input).render_line(0).text)
            await pilot.press("right", "enter")
            await asked(pilot, Prompt)
            await pilot.press(*value, "enter")
            await settled(pilot)
        assert [(one[0], one[2], one[3]) for one in kept(source)] == [("label", "lies", 1.0), ("label", "lies", 0.0)]


async def test_a_value_that_is_none_is_asked_for_again(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("L")
        await asked(pilot, LabelPrompt)
        await pilot.press("x", "enter")
        await asked(pilot, Prompt)
        first = app.screen
        app.screen.query_one(Input).value = "maybe"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not first and isinstance(app.screen, Prompt))
        assert "'maybe' is no value" in str(app.screen.query_one(Static).content)
        assert kept(source) == []
        await pilot.press("2", "enter")
        await settled(pilot)
        assert [(one[2], one[3]) for one in kept(source)] == [("x", 2.0)]


async def test_a_label_may_be_given_as_the_command_line_takes_it(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("L")
        await asked(pilot, LabelPrompt)
        await pilot.press(*"x=2", "enter")
        await settled(pilot)
        assert [(one[2], one[3]) for one in kept(source)] == [("x", 2.0)]


async def test_the_list_goes_to_a_step_deletes_ones_own_and_no_other(source: Any, robot: Episode) -> None:
    source.annotate(robot.id, "note", author="ann", step=4, text="first")
    source.annotate(robot.id, "note", author="bob", step=6, text="second")
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, EpisodeScreen)
        await pilot.press("a")
        await asked(pilot, AnnotationList)
        assert app.screen.query_one(AnnotationRows).count == 2
        await pilot.press("down", "enter")
        await settled(pilot)
        assert screen.index == 6
        await pilot.press("a")
        await asked(pilot, AnnotationList)
        assert app.screen.query_one(AnnotationRows).cursor == 1
        await pilot.press("d")
        await until(pilot, lambda: "is not by ann" in bar(app, "#annotation-keys"))
        await pilot.press("up")
        assert bar(app, "#annotation-keys").startswith("Enter goes to it")
        await pilot.press("d")
        await pilot.pause()
        await asked(pilot, AnnotationList)
        await pilot.press("escape")
        await settled(pilot)
        assert [one[5] for one in kept(source)] == ["bob"]
        assert 4 not in screen.recording.stops


async def test_what_cannot_be_changed_is_said_in_the_list_which_stays_where_it_was(source: Any, robot: Episode) -> None:
    source.annotate(robot.id, "bookmark", author="ann", step=4)
    source.annotate(robot.id, "bookmark", author="bob", step=4)
    source.annotate(robot.id, "note", author="bob", step=4, text="mine")
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a")
        await asked(pilot, AnnotationList)
        for why in ("a bookmark cannot be changed", "a bookmark cannot be changed", "this note is bob's"):
            await pilot.press("e")
            await until(pilot, lambda why=why: why in bar(app, "#annotation-keys"))  # type: ignore[misc]
            await pilot.press("down")
        assert app.screen.query_one(AnnotationRows).cursor == 2


async def test_ones_own_note_can_be_changed(source: Any, robot: Episode) -> None:
    source.annotate(robot.id, "note", author="ann", step=4, text="first")
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a")
        await asked(pilot, AnnotationList)
        await pilot.press("e")
        await asked(pilot, NoteScreen)
        await pilot.press("!", "ctrl+s")
        await asked(pilot, AnnotationList)
        await pilot.press("escape")
        await settled(pilot)
        assert [one[4] for one in kept(source)] == ["first!"]


async def test_an_episode_that_nobody_annotated_says_so(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a")
        await settled(pilot)
        assert "nobody has annotated this episode" in app.screen.query_one(KeyBar).words


async def test_who_has_no_name_is_asked_once_and_it_is_remembered(
    source: Any, robot: Episode, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("SANDBOX_AUTHOR")
    monkeypatch.setattr("sandbox.people._login", lambda: "")
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_: tmp_path / "settings")
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("b")
        await asked(pilot, Prompt)
        await pilot.press("e", "v", "a", "enter")
        await settled(pilot)
        await pilot.press("right", "b")
        await settled(pilot)
        assert [one[5] for one in kept(source)] == ["eva", "eva"]


async def test_in_the_list_the_whole_episode_is_annotated(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("b")
        await settled(pilot)
        await pilot.press("L")
        await asked(pilot, LabelPrompt)
        await pilot.press("x", "enter")
        await asked(pilot, Prompt)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("N")
        await asked(pilot, NoteScreen)
        await pilot.press("w", "ctrl+s")
        await settled(pilot)
        assert kept(source) == [
            ("bookmark", None, "", None, "", "ann"),
            ("label", None, "x", 1.0, "", "ann"),
            ("note", None, "", None, "w", "ann"),
        ]  # fmt: skip
        assert app.screen.query_one("#keys", KeyBar).words.startswith("noted on episode ")


HOSTILE = "\x1b]52;c;aGk=\x07\x9b31m[@click=app.quit]x[/] \u202eevil \ud83d"


async def test_what_is_pasted_into_a_prompt_is_neutralised(source: Any, robot: Episode) -> None:
    """Textual's own line of input gives a terminal whatever is pasted into it."""
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("L")
        await asked(pilot, LabelPrompt)
        app.screen.query_one(Input).insert_text_at_cursor(HOSTILE)
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\ud83d"} & set(app.screen.query_one(Input).value)


async def test_hostile_notes_labels_and_names_are_shown_neutralised(source: Any, robot: Episode) -> None:
    source.annotate(robot.id, "note", author="ann", step=0, text=HOSTILE)
    source.annotate(robot.id, "label", author=HOSTILE, step=0, name=HOSTILE, value=1.0)
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a")
        await asked(pilot, AnnotationList)
        shown = bar(app, "#annotation") + "".join(
            segment.text for y in range(2) for segment in app.screen.query_one(AnnotationRows).render_line(y)
        )
        await pilot.press("e")
        await asked(pilot, NoteScreen)
        area = app.screen.query_one(NoteArea)
        area.insert(HOSTILE)
        shown += area.text
        await pilot.press("escape", "escape")
        await asked(pilot, AnnotationList)
        await pilot.press("escape")
        await settled(pilot)
        shown += facts(app)
        assert "[@click=app.quit]x[/]" in shown
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\ud83d"} & set(shown)
