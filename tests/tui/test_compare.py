"""Two episodes side by side: keys pressed, state looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.errors import UnknownName
from sandbox.trace import Episode
from sandbox.tui.actions import available
from sandbox.tui.alignment_line import AlignmentLine
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.compare import CompareScreen
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.help import HelpPane
from sandbox.tui.pairs_list import PairsList
from sandbox.tui.relatives import RelativesList, RelativesScreen
from sandbox.tui.text_pane import TextPane
from tests.tui.conftest import DISABLE, WORK, MemorySource, bargain_episode, robot_episode

pytestmark = pytest.mark.tui
SIZE = (80, 24)


def safe_episode() -> Episode:
    """The robot's episode by another agent, which parts at step 7 by disabling the switch, and ends at step 12."""
    episode = robot_episode(agent="safe")
    steps = list(episode.steps[:12])
    steps[6] = steps[6].model_copy(update={"decision": DISABLE, "applied": dict(DISABLE.move), "rewards": {}})
    for index in range(7, 12):
        steps[index] = steps[index].model_copy(
            update={
                "state": f"other {index}",
                "text": steps[index].text + " You disabled it.",
                "decision": WORK,
                "applied": dict(WORK.move),
                "outcome": "valid",
                "rewards": {"agent": 2.0},
            }
        )
    return episode.model_copy(update={"steps": tuple(steps), "payoffs": {"agent": 22.0}})


@pytest.fixture
def source() -> MemorySource:
    return MemorySource([robot_episode(), safe_episode(), robot_episode(seed=1, agent="large"), bargain_episode()])


@pytest.fixture
def app(source: MemorySource) -> ReplayApp:
    """A comparison of the robot's two episodes."""
    left, right = list(source.episodes)[:2]
    return ReplayApp(source, episode=left, beside=right)


def screen(app: ReplayApp) -> CompareScreen:
    assert isinstance(app.screen, CompareScreen)
    return app.screen


def words(app: ReplayApp, bar: str) -> str:
    return app.screen.query_one(f"#{bar}", Bar).words


def text(app: ReplayApp, pane: str) -> str:
    return " ".join("\n".join(app.screen.query_one(f"#{pane}", TextPane).rows).split())


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


async def loaded(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_a_comparison_opens_where_the_two_part_and_says_how(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        assert words(app, "title") == "power/OffSwitch-v0  small | safe  item 7  seed 0"
        assert words(app, "parting") == "the same to step 6; at step 7 small chose work(units=2), safe chose disable()"
        assert words(app, "where") == "step 7 of 14, 7 of 12  differs: decision, reward"
        assert words(app, "totals").startswith("return 24, 22 (-2)  steps 14, 12 (-2)  risks 1, 1 (+0)")
        assert text(app, "left").startswith("▸ work(units=2) reward agent +2 what it saw You sort parcels.")
        assert text(app, "right").startswith("▸ disable() hidden: risks shutdown_avoidance what it saw You sort")
        assert "what it did ≠ chose disable()" in text(app, "right")


async def test_one_cursor_moves_both_and_stops_at_the_ends(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        await pilot.press("home", "left")
        assert said(app) == "this is the first step"
        assert words(app, "where") == "step 1 of 14, 1 of 12  the same"
        for keys, place in ((["right"], 1), (["n", "l"], 3), (["p", "h"], 1), (["end"], 13), (["right"], 13)):
            await pilot.press(*keys)
            assert screen(app).place == place
        assert said(app) == "this is the last step"
        assert words(app, "where") == "step 14 of 14, none  no step beside it"
        assert text(app, "right") == "no step of safe belongs here"


async def test_differences_are_gone_through_one_by_one(app: ReplayApp) -> None:
    """Step 9 takes the risk on the left alone, step 12 is refused there; in 8, 10, 11 only what was given differs."""
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        seen = [screen(app).place]
        for _ in range(5):
            await pilot.press("w")
            seen.append(screen(app).place)
        assert seen == [6, 8, 11, 12, 13, 13]
        assert said(app) == "no difference after this step"
        await pilot.press("W", "[")
        assert screen(app).place == 11
        line = app.screen.query_one(AlignmentLine).render_line(0).text
        assert line.replace("─", "").rstrip() == "······≠~≠~~≠<<"


async def test_tab_goes_through_views_and_d_shows_what_they_saw_in_one(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        await pilot.press("right", "tab")
        assert "what it thought and said said: I will finish the task." in text(app, "left")
        await pilot.press("tab")
        assert "reward: agent +2" in text(app, "right")
        await pilot.press("tab")
        assert "24 22 -2 return" in text(app, "both")
        assert not app.screen.query_one("#left").display
        await pilot.press("d")
        assert "{+ You disabled it.+}" in text(app, "both")
        await pilot.press("d")
        assert app.screen.query_one("#left").display


async def test_go_to_asks_for_a_step_of_the_left_one(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        await pilot.press("g", "3", "enter")
        assert screen(app).place == 2
        await pilot.press("g", "9", "9", "enter")
        assert said(app) == "no step '99': small has steps 1 to 14"


async def test_either_episode_opens_at_the_step_and_leads_back(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        for key, agent in (("enter", "small"), ("2", "safe")):
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, EpisodeScreen)
            assert app.screen.index == 6
            assert app.screen.recording.about.spec.agent.name == agent
            await pilot.press("escape")
            assert screen(app).place == 6


async def test_the_sides_can_be_exchanged(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        await pilot.press("end", "x")
        assert words(app, "parting").endswith("at step 7 safe chose disable(), small chose work(units=2)")
        assert words(app, "where") == "step none, 14 of 14  no step beside it"


async def test_a_wide_terminal_has_the_list_of_pairs_too(app: ReplayApp) -> None:
    async with app.run_test(size=(160, 48)) as pilot:
        await loaded(pilot)
        pairs = app.screen.query_one(PairsList)
        assert pairs.render_line(6).text.split() == ["▸", "7", "work(units=2)", "≠", "7", "disable()"]
        assert "what came of it" in text(app, "left")
        await pilot.click("#pairs", offset=(5, 3))
        await pilot.pause()
        assert screen(app).place == 2
        await pilot.click("#alignment", offset=(1 + 4 * 8, 0))
        await pilot.pause()
        assert screen(app).place == 8


async def test_an_episode_beside_itself_is_the_same(source: MemorySource, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, beside=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        assert words(app, "parting") == "the same in all steps (14)"
        await pilot.press("w")
        assert said(app) == "no difference after this step"


@pytest.mark.slow
async def test_episodes_without_steps_can_be_compared(source: MemorySource, robot: Episode) -> None:
    empty = robot.model_copy(update={"id": "e" * 64, "steps": ()})
    source.episodes = {**source.episodes, empty.id: empty}
    app = ReplayApp(source, episode=robot.id, beside=empty.id)
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        assert "has no steps" in words(app, "parting")
        await pilot.press("2", "escape", "d", "tab", "g", "escape", "x")
        assert words(app, "where").endswith("no step beside it")


async def test_what_cannot_be_read_is_said(source: MemorySource, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, beside="f" * 64)
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        assert said(app).startswith("no episode")
        await pilot.press("right", "w", "tab", "d", "enter", "x", "end", "g")
        assert app.is_running


async def test_c_in_an_episode_lists_what_it_is_worth_comparing_with(source: MemorySource, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=3)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await loaded(pilot)
        listed = app.screen.query_one(RelativesList)
        assert listed.render_line(0).text.split()[:4] == ["▸same", "item,", "seed", "safe"]
        await pilot.press("enter")
        await loaded(pilot)
        assert screen(app).place == 2
        assert words(app, "parting").endswith("safe chose disable()")


async def test_any_other_episode_can_be_named_by_its_id(source: MemorySource, robot: Episode) -> None:
    other = list(source.episodes)[2]
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await loaded(pilot)
        app.screen.query_one(Input).value = "zzz"
        await pilot.press("enter")
        assert isinstance(app.screen, RelativesScreen)
        assert app.screen.query_one("#fault", Bar).words == "no episode 'zzz'"
        app.screen.query_one(Input).value = other[:12]
        await pilot.press("enter")
        await loaded(pilot)
        assert "small | large" in words(app, "title")


def test_an_episode_to_compare_that_is_not_there_is_an_error_before_anything_opens(source: MemorySource) -> None:
    with pytest.raises(UnknownName):
        ReplayApp(source, episode="f" * 64, beside="f" * 64)


async def test_a_hostile_name_is_shown_as_it_is(source: MemorySource, robot: Episode, tmp_path: Path) -> None:
    """Titles of borders are markup in Textual unless they are made otherwise."""
    evil: Any = robot_episode(agent="[@click=app.bell]x[b] \x1b]52;c;eA==\x07")
    source.episodes = {**source.episodes, evil.id: evil}
    app = ReplayApp(source, episode=evil.id, beside=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        shown = [strip.text for strip in app.screen._compositor.render_strips()]
        assert not any("\x1b" in row for row in shown)
        assert "[@click=app.bell]x[b]" in shown[0]
        assert "[@click=app.bell]x[b]" in shown[4]


def test_every_action_of_the_table_is_there_and_no_key_means_two_things() -> None:
    keys: list[str] = []
    for action in available("compare"):
        if action.where == "compare":
            assert hasattr(CompareScreen, f"action_{action.name.partition('(')[0]}"), action.name
        keys.extend(action.keys)
    assert len(keys) == len(set(keys))


async def test_the_help_of_a_comparison_has_its_keys(app: ReplayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await loaded(pilot)
        await pilot.press("question_mark")
        shown = " ".join(" ".join(app.screen.query_one(HelpPane).rows).split())
        assert "between two episodes" in shown
        assert "Next step at which something else was done" in shown
