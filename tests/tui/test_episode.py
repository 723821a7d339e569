"""Stepping through an episode: keys are pressed, and what is shown is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.errors import UnknownName
from sandbox.trace import Episode, Step
from sandbox.tui.actions import ACTIONS, available, key_line
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar, fitting
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.event_tree import EventTreeScreen
from sandbox.tui.help import HelpPane, HelpScreen
from sandbox.tui.screens import Palette
from sandbox.tui.step_list import StepList
from sandbox.tui.text_pane import TextPane
from sandbox.tui.timeline import Timeline

pytestmark = pytest.mark.tui

SIZE = (80, 24)
WIDE = (160, 48)


def screen(app: ReplayApp) -> EpisodeScreen:
    assert isinstance(app.screen, EpisodeScreen)
    return app.screen


def text(app: ReplayApp, pane: str) -> str:
    return "\n".join(app.screen.query_one(f"#{pane}", TextPane).rows)


def where(app: ReplayApp) -> str:
    return app.screen.query_one("#where", Bar).words


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


async def ask(pilot: Pilot[None], key: str, answer: str, *then: str) -> None:
    """Press a key that asks for a line, give the answer at once (each key press waits for the app), and go on."""
    await pilot.press(key)
    pilot.app.screen.query_one(Input).value = answer
    await pilot.pause()
    await pilot.press(*then)


async def test_an_episode_opens_at_its_first_step_with_five_panes(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=WIDE):
        title = app.screen.query_one("#title", Bar).words
        assert "power/OffSwitch-v0" in title
        assert "return 24" in title
        assert where(app).startswith("step 1 of 14  tick 1, seat agent, valid  ")
        assert "  opportunity" in where(app)  # before or after the decisive step is known
        assert text(app, "saw").startswith("You sort parcels. Energy: 9.")
        assert "said: I will finish the task." in text(app, "said")
        assert "▸1 work(units=2) (chosen)" in text(app, "did")
        assert "reward: agent +2" in text(app, "came")
        assert "score risk = 1" in text(app, "facts")


async def test_keys_step_forth_and_back_and_stop_at_the_ends(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        for keys, index in (
            (["right"], 1), (["n", "l"], 3), (["left"], 2), (["p", "h"], 0), (["left"], 0), (["end"], 13),
            (["right"], 13), (["home"], 0),
        ):  # fmt: skip
            await pilot.press(*keys)
            assert screen(app).index == index
        assert where(app).startswith("step 1 of 14")
        await pilot.press("left")
        assert said(app) == "this is the first step"
        await pilot.press("right")
        assert "search" in said(app)


async def test_of_keys_that_come_faster_than_steps_are_painted_only_the_last_step_is(
    source: Any, robot: Episode
) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        painted: list[int] = []
        paint = screen(app).refresh_step
        screen(app).refresh_step = lambda: (painted.append(screen(app).index), paint())  # type: ignore[func-returns-value, method-assign]
        for _ in range(12):
            app.post_message(Key("right", "\x1b[C"))
        await pilot.pause()
        assert painted == [12]
        assert where(app).startswith("step 13 of 14")


async def test_flags_are_stops_gravest_named_first(source: Any, robot: Episode) -> None:
    """Step 4 was answered twice, step 9 takes a risk and is marked, step 12 was refused."""
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        stops = []
        for _ in range(3):
            await pilot.press("w")
            stops.append((screen(app).index, where(app).partition("flags: ")[2].partition("  ")[0]))
        assert stops == [(3, "invalid"), (8, "risk, mark"), (11, "refusal")]
        await pilot.press("]")
        assert said(app) == "no flag after this step"
        await pilot.press("W", "[")
        assert screen(app).index == 3
        await pilot.press("W")
        assert said(app) == "no flag before this step"


async def test_risks_can_be_gone_through_one_by_one(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("r")
        assert where(app).startswith("step 9 of 14")
        await pilot.press("r")
        assert (screen(app).index, said(app)) == (8, "no risk after this step")
        await pilot.press("end", "R")
        assert screen(app).index == 8
        await pilot.press("R")
        assert said(app) == "no risk before this step"


async def test_a_risk_that_was_taken_and_its_mark_are_shown_as_ground_truth(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=9)
    async with app.run_test(size=WIDE):
        assert where(app).startswith("step 9 of 14")
        did = " ".join(text(app, "did").split())
        assert "chose disable() hidden: risks shutdown_avoidance; serves Freedom; utility 3" in did
        assert "hidden: serves Care, Wisdom" in did
        assert "hidden" not in text(app, "saw")
        assert "mark power = 1 (risk/power): turns the shutdown off" in " ".join(text(app, "facts").split())


async def test_g_goes_to_a_step_by_the_number_that_is_shown(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("g", "1", "2", "enter")
        assert where(app).startswith("step 12 of 14")
        for wrong in ("0", "15", "x", "99999999999999999999"):
            await ask(pilot, "g", wrong, "enter")
            assert screen(app).index == 11
            assert said(app) == f"no step '{wrong}': the episode has steps 1 to 14"
        await pilot.press("g", "3", "escape")
        assert screen(app).index == 11


async def test_search_finds_text_of_any_pane_and_goes_on(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "slash", "OFF LIMITS", "enter")
        assert screen(app).index == 8
        pane = app.screen.query_one("#said", TextPane)
        styles = {segment.text.lower(): segment.style for segment in pane.render_line(1)}
        assert "off limits" in styles
        assert styles["off limits"] != styles["."]
        await pilot.press("slash")
        assert app.screen.query_one(Input).value == "off limits"
        app.screen.query_one(Input).value = "operator"
        await pilot.press("enter")
        assert screen(app).index == 8
        await pilot.press("s")
        assert screen(app).index == 9
        assert said(app).startswith("5 of 9 steps with 'operator'")
        await pilot.press("S", "S", "S", "S", "S")
        assert screen(app).index == 5
        assert said(app) == "no 'operator' before this step; 9 steps with 'operator'"
        await ask(pilot, "slash", "no such words", "enter")
        assert screen(app).index == 5
        assert said(app) == "no 'no such words' from here on"


async def test_tab_goes_from_pane_to_pane_and_z_gives_one_all_the_room(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        seen = []
        for _ in range(6):
            seen.append(screen(app).panes.pane.id)
            await pilot.press("tab")
        await pilot.pause()
        assert app.focused is screen(app).panes.pane
        assert seen == ["saw", "did", "said", "came", "facts", "saw"]
        await pilot.press("shift+tab", "z")
        await pilot.pause()
        assert app.screen.query_one("#saw").size.width > 70
        assert not app.screen.query_one("#did").display
        await pilot.press("tab")
        assert app.screen.query_one("#did").display
        assert not app.screen.query_one("#saw").display
        await pilot.press("escape")
        assert [pane.id for pane in screen(app).panes.panes if pane.display] == ["saw", "did", "said", "facts"]
        assert app.is_running


async def test_arrows_scroll_the_pane_and_a_new_step_begins_at_its_top(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", "down", "down", "j")
        pane = app.screen.query_one("#did", TextPane)
        assert pane.scroll_offset.y == 3
        assert "4-11 of" in str(pane.border_subtitle)
        await pilot.press("k", "pagedown")
        assert pane.scroll_offset.y > 3
        await pilot.press("right")
        assert pane.scroll_offset.y == 0


async def test_a_wide_terminal_has_the_list_of_steps_too(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=(160, 48)) as pilot:
        steps = app.screen.query_one(StepList)
        assert steps.display
        assert steps.render_line(8).text.split() == ["9", "disable()", "RM"]
        await pilot.click("#steps", offset=(5, 5))
        await pilot.pause()
        assert screen(app).index == 4
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not steps.display


async def test_the_timeline_has_a_letter_at_each_flag_and_can_be_clicked(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        line = app.screen.query_one(Timeline).render_line(0).text
        assert line.rstrip() == "o───o───o───X───o───o───o───o───R───o───o───F───o───o"
        await pilot.click("#timeline", offset=(1 + 4 * 11, 0))
        await pilot.pause()
        assert screen(app).index == 11


@pytest.mark.slow
async def test_ten_thousand_steps_share_the_timeline_and_can_be_jumped_through(source: Any, robot: Episode) -> None:
    steps = tuple(
        Step(index=i, tick=i, seat="agent", applied={"kind": "x"}, outcome="refusal" if i == 5000 else "valid")
        for i in range(10_000)
    )
    long = robot.model_copy(update={"steps": steps})
    source.episodes, source._marks = {long.id: long}, ()
    app = ReplayApp(source, episode=long.id)
    async with app.run_test(size=SIZE) as pilot:
        line = app.screen.query_one(Timeline).render_line(0).text
        assert len(line) == 78
        assert line.index("F") == 39
        await pilot.press("w")
        assert screen(app).index == 5000
        await pilot.click("#timeline", offset=(78, 0))
        await pilot.pause()
        assert screen(app).index == 9872
        await pilot.press("end")
        assert where(app).startswith("step 10000 of 10000")


async def test_an_episode_without_steps_says_so_and_why(source: Any) -> None:
    failed = next(one for one in source.episodes.values() if one.status == "error")
    app = ReplayApp(source, episode=failed.id)
    async with app.run_test(size=SIZE) as pilot:
        assert where(app) == "no steps"
        assert "the graph has no node 'model'" in " ".join(text(app, "came").split())
        await pilot.press("right", "left", "w", "W", "end", "home", "s", "escape", "g", "1", "enter")
        assert said(app) == "no step '1': the episode has steps 1 to 0"
        assert isinstance(app.screen, EpisodeScreen)


async def test_several_seats_and_chance_are_told_apart(source: Any) -> None:
    bargain = next(one for one in source.episodes.values() if "Bargaining" in one.spec.environment)
    app = ReplayApp(source, episode=bargain.id)
    async with app.run_test(size=SIZE) as pilot:
        assert "greedy with rubinstein" in app.screen.query_one("#title", Bar).words
        assert where(app).startswith("step 1 of 3  tick 1, chance")
        assert text(app, "did") == 'chance: first(seat="alice")'
        await pilot.press("end")
        assert where(app).startswith("step 3 of 3  tick 3, seat bob, valid")
        assert text(app, "came").startswith("reward: alice +90, bob +10")


async def test_help_and_palette_and_bindings_come_from_the_one_table(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert offered == {action.help for action in available("episode") if action.name != "command_palette"}
        assert all(label in said(app) for _, label in fitting(key_line("episode"), SIZE[0] - 2))
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = " ".join(" ".join(app.screen.query_one(HelpPane).rows).split())
        for action in available("episode"):
            assert action.help in shown
        await pilot.press("down", "escape")
        assert isinstance(app.screen, EpisodeScreen)


@pytest.mark.parametrize("place", ["browse", "episode", "events", "anywhere"])
def test_every_action_of_the_table_is_there_and_no_key_means_two_things(place: Any) -> None:
    home: Mapping[str, type] = {
        "browse": Browse, "episode": EpisodeScreen, "events": EventTreeScreen, "anywhere": ReplayApp,
    }  # fmt: skip
    keys: list[str] = []
    for action in ACTIONS:
        if action.where == place:
            assert hasattr(home[place], f"action_{action.name.partition('(')[0]}"), action.name
        if action.where in (place, "anywhere"):
            keys.extend(action.keys)
    assert len(keys) == len(set(keys))


async def test_pages_of_a_palette_that_has_no_room_for_a_row_crash_nothing(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        await pilot.press("pageup", "pagedown", "pageup")
        assert app.is_running
        assert isinstance(app.screen, Palette)


async def test_the_palette_runs_an_action_by_its_name(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"last")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert screen(app).index == 13


async def test_an_episode_that_is_not_there_is_an_error_before_the_screen_opens(source: Any) -> None:
    with pytest.raises(UnknownName):
        ReplayApp(source, episode="f" * 64)


async def test_leaving_an_episode_that_was_opened_by_name_leaves_the_replay(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
    assert not app.is_running


async def test_a_picture_is_saved_under_the_step_it_shows(
    source: Any, robot: Episode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ReplayApp(source, episode=robot.id, step=2)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+s")
        picture = tmp_path / f"sandbox-{robot.id[:12]}-step-2.svg"
        assert picture.read_text().startswith("<svg")
        assert said(app).startswith("saved ")


async def test_without_colours_no_colour_is_used(source: Any, robot: Episode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even grey: https://no-color.org. What colour says is said by bold, underline and reverse too."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = ReplayApp(source, episode=robot.id, step=9)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        styles = [
            (segment.text, segment.style)
            for strip in app.screen._compositor.render_strips()
            for segment in strip.apply_filter(app._filters[-1], app.screen.styles.background)
        ]
        assert all(style is None or style.color is None or style.color.is_default for _, style in styles)
        assert all(style is None or style.bgcolor is None or style.bgcolor.is_default for _, style in styles)
        risk = next(style for text, style in styles if text.strip().startswith("hidden: risks"))
        assert risk is not None
        assert risk.bold
        assert risk.underline
