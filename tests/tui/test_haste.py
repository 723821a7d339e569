"""Keys that come in one go, settings that are remembered, and steps that are gone: the replay bears all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from sandbox.errors import StoreError
from sandbox.store import Store
from sandbox.trace import Step
from sandbox.tui.action_form import ActionForm
from sandbox.tui.alignment_line import AlignmentLine, kind
from sandbox.tui.app import ReplayApp, run_replay
from sandbox.tui.bar import Bar, KeyBar, fitting
from sandbox.tui.browse import Browse
from sandbox.tui.compare import CompareScreen
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Recording
from sandbox.tui.prompt import Field
from tests.tui.conftest import MemorySource, bargain_episode, failed_episode, robot_episode

pytestmark = pytest.mark.tui

SIZE = (80, 24)
ROBOT, OTHER, FAILED, BARGAIN = robot_episode(0), robot_episode(1, "large"), failed_episode(3), bargain_episode(0)


def source() -> MemorySource:
    return MemorySource([ROBOT, OTHER, FAILED, BARGAIN])


async def at_once(pilot: Pilot[None], *keys: str) -> list[str]:
    """Press keys that are all there before the first is seen to; which screens are open then."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause(0.2)
    return [type(screen).__name__ for screen in pilot.app.screen_stack[1:]]


@pytest.mark.parametrize(
    ("before", "keys", "left"),
    [
        (["g", "5"], ["enter", "enter"], ["EpisodeScreen"]),
        (["e"], ["escape", "escape", "escape"], ["EpisodeScreen"]),
        (["slash", "e"], ["enter", "enter"], ["EpisodeScreen"]),
        (["ctrl+p"], ["escape", "escape"], ["EpisodeScreen"]),
        ([], ["N", "ctrl+s"], ["EpisodeScreen", "NoteScreen"]),
    ],
)
async def test_what_lies_over_an_episode_is_answered_once(
    before: list[str], keys: list[str], left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # Ctrl+S before the note is there takes a picture
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*before)
        assert await at_once(pilot, *keys) == left


@pytest.mark.parametrize(
    ("before", "keys", "left"),
    [
        ([], ["enter", "enter", "enter"], ["Browse", "EpisodeScreen"]),
        (["x"], ["enter", "enter"], ["Browse", "ExperimentsScreen", "Browse"]),
        (["m", "down", "c"], ["1", "2"], ["Browse", "CompareScreen", "EpisodeScreen"]),
    ],
)
async def test_what_is_asked_for_twice_in_one_go_is_opened_once(
    before: list[str], keys: list[str], left: list[str]
) -> None:
    app = ReplayApp(source())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*before)
        await app.workers.wait_for_complete()
        await pilot.pause()
        opened = await at_once(pilot, *keys)
        assert opened[: len(left)] == left
        assert opened.count("Browse") == left.count("Browse")
        assert isinstance(app.screen_stack[1], Browse)


@pytest.mark.parametrize("episode", [ROBOT, BARGAIN, FAILED], ids=["robot", "bargain", "no steps"])
async def test_an_episode_opens_with_the_columns_that_were_left_on(episode: object) -> None:
    layout = Layout(seats=True)
    app = ReplayApp(source(), episode=getattr(episode, "id", ""), layout=layout)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", "z", "y", "right", "z", "u", "u")
        assert isinstance(app.screen, EpisodeScreen)
        await pilot.pause()
        assert app.screen.panes.pane.has_focus


@pytest.mark.parametrize("zoomed", ["saw", "said", "facts"])
async def test_a_remembered_zoom_has_the_focus(zoomed: str) -> None:
    app = ReplayApp(source(), episode=ROBOT.id, layout=Layout.model_validate({"zoomed": zoomed}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id == zoomed


async def test_several_tabs_at_once_go_several_panes_on() -> None:
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        await at_once(pilot, "tab", "tab", "tab")
        assert app.focused is not None
        assert app.focused.id == "came"


class Gone(list[Step]):
    """Steps of which all but the first cannot be read."""

    def __getitem__(self, place):  # type: ignore[no-untyped-def]  # as list has it
        if isinstance(place, int) and place:
            raise StoreError(f"step {place + 1} is no longer there")
        return super().__getitem__(place)


@pytest.mark.parametrize("keys", [["Y"], ["o"], ["x"], ["u"], ["d"], ["v"], ["slash", "e", "enter"], ["space"]])
async def test_a_step_that_is_gone_is_said_to_be(keys: list[str]) -> None:
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        assert isinstance(app.screen, EpisodeScreen)
        app.screen.recording.steps = Gone(app.screen.recording.steps)
        await pilot.press("right", *keys)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, EpisodeScreen)


async def test_a_comparison_of_steps_that_are_gone_says_so_and_goes_on() -> None:
    app = ReplayApp(source(), episode=ROBOT.id, beside=OTHER.id, step=1)
    async with app.run_test(size=(130, 40)) as pilot:
        await app.workers.wait_for_complete()
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen.recordings is not None
        for recording in screen.recordings:
            recording.steps = Gone(recording.steps)
        await pilot.press("end", "tab", "d", "left", "d")
        assert "no longer there" in " ".join(screen.query_one("#left").rows)  # type: ignore[attr-defined]


async def test_sides_that_are_exchanged_have_their_signs_exchanged() -> None:
    short = OTHER.model_copy(update={"steps": OTHER.steps[:6]})
    app = ReplayApp(MemorySource([ROBOT, short]), episode=ROBOT.id, beside=short.id)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.press("x")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen.beside is not None
        assert screen.query_one(AlignmentLine)._kinds == [kind(row) for row in screen.beside.alignment.rows]
        assert "right" in screen.query_one(AlignmentLine)._kinds


async def test_a_search_goes_through_the_steps_that_came_since() -> None:
    whole = robot_episode(0, status="running")
    app = ReplayApp(MemorySource([whole.model_copy(update={"steps": whole.steps[:5]})]), episode=whole.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"parcel", "enter")
        screen = app.screen
        assert isinstance(screen, EpisodeScreen)
        screen.show_recording(Recording.of(whole))
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert screen.finding.done
        assert screen.finding.hits == list(range(len(whole.steps)))


async def test_all_lines_that_are_pasted_into_a_field_are_taken() -> None:
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash")
        field = app.screen.query_one(Field)
        field.post_message(events.Paste("one\ntwo\x1b\tthree"))
        await pilot.pause()
        assert field.value == "one two␛ three"


async def test_the_title_of_a_form_is_no_markup() -> None:
    """A kind comes from a plugin: `[/]x` as markup ended the app."""
    from textual.app import App, ComposeResult

    from tests.tui.test_seat import OFFER

    class Forms(App[None]):
        def compose(self) -> ComposeResult:
            yield ActionForm(id="form")

    app = Forms()
    async with app.run_test(size=SIZE):
        form = app.query_one(ActionForm)
        from sandbox.form import choices

        (choice,) = choices((OFFER,))
        form._fill(type(choice)(choice.entry, "[/]x(price)", "", choice.blanks))
        assert form._border_title is not None
        assert form._border_title.plain.startswith("[/]x")


def test_a_line_of_keys_leaves_out_whole_keys_but_never_the_last_two() -> None:
    keys = [("a", "one"), ("b", "two"), ("q", "back"), ("?", "help")]
    assert fitting(keys, 80) == keys
    assert fitting(keys, 21) == [keys[0], *keys[2:]]
    assert fitting(keys, 5) == keys[2:]


async def test_the_line_of_keys_says_how_to_leave_at_80_columns() -> None:
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE):
        words = app.screen.query_one(KeyBar).words
        assert words.endswith("q back  ? help")
        assert len(words) <= SIZE[0] - 2  # a blank at the end is enough for the library to cut the line


async def test_the_decisive_step_is_named_above_the_panes() -> None:
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        where = app.screen.query_one("#where", Bar)
        assert "  decisive: step 9" in where.words
        await pilot.press(*["right"] * 8)
        assert "  decisive  flags: risk" in where.words[: SIZE[0] - 2]  # flags may be many, and the line is cut


async def test_escape_takes_a_group_off_the_filter_before_the_filter() -> None:
    app = ReplayApp(source(), line="flag:risk")
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        screen = app.screen
        assert isinstance(screen, Browse)
        screen.narrow("condition:abc")
        await app.workers.wait_for_complete()
        await pilot.press("escape")
        assert screen.applied == "flag:risk"
        await app.workers.wait_for_complete()
        await pilot.press("escape")
        assert screen.applied == ""


async def test_the_list_is_read_again_after_a_bookmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_AUTHOR", "ann")
    app = ReplayApp(source())
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        screen = app.screen
        assert isinstance(screen, Browse)
        before = screen.table.pages
        await pilot.press("b")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert screen.table.pages is not before
        assert screen.key_bar.words.startswith("bookmarked")


def test_a_crash_is_told_to_the_command_line_and_its_layout_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Layout] = []
    monkeypatch.setattr("sandbox.tui.app.write_layout", kept.append)
    monkeypatch.setattr(ReplayApp, "run", lambda app: app.exit(return_code=1))
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(SystemExit) as left:
        run_replay(store)
    assert left.value.code == 1
    assert kept == []


@pytest.mark.parametrize("key", ["question_mark", "ctrl+p", "c", "plus", "b", "f"])
async def test_what_comes_after_the_key_that_leaves_is_not_done(key: str) -> None:
    """It ended in a traceback and exit code 1, and what was to be remembered was lost."""
    app = ReplayApp(source(), episode=ROBOT.id)
    async with app.run_test(size=SIZE) as pilot:
        for pressed in ("q", key):
            app.post_message(events.Key(pressed, pressed if len(pressed) == 1 else None))
        await pilot.pause(0.1)
    assert app.return_code == 0


async def test_up_and_down_in_a_field_beside_the_form_are_not_the_forms() -> None:
    from textual.app import App, ComposeResult

    from sandbox.form import choices
    from tests.tui.test_seat import OFFER

    class Forms(App[None]):
        def compose(self) -> ComposeResult:
            yield ActionForm(id="form")
            yield Field(id="beside")

    app = Forms()
    async with app.run_test(size=SIZE) as pilot:
        form = app.query_one(ActionForm)
        form._fill(choices((OFFER,))[0])
        await pilot.pause()
        app.query_one("#beside").focus()
        form.post_message(events.Key("up", None))  # on its way when the focus went
        await pilot.pause()
        assert app.focused is app.query_one("#beside")


async def test_ctrl_c_says_what_leaves() -> None:
    app = ReplayApp(source())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+c")
        assert [one.message for one in app._notifications] == ["q goes back and leaves; Ctrl+Q leaves at once"]
