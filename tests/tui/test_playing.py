"""Playing an episode: the pace, and what starts, pauses and ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from sandbox.trace import Episode
from sandbox.tui import playing
from sandbox.tui.app import ReplayApp
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.playing import CAPS, SPEEDS, Pace, Player

pytestmark = pytest.mark.tui
SIZE = (80, 24)
FASTEST = ["plus"] * len(SPEEDS)


def screen(app: ReplayApp) -> EpisodeScreen:
    assert isinstance(app.screen, EpisodeScreen)
    return app.screen


def line(app: ReplayApp) -> str:
    player = app.screen.query_one(Player)
    return player.words if player.display else ""


async def until_paused(pilot: Pilot[None]) -> None:
    for _ in range(400):
        await pilot.pause(0.02)
        if not pilot.app.screen.query_one(Player).playing:
            return
    raise AssertionError("it plays on and on")


def test_a_step_stands_as_long_as_its_agent_took_within_bounds_divided_by_the_speed() -> None:
    assert Pace().wait(0.001) == 1.0
    assert Pace().wait(1.5) == 1.5
    assert Pace().wait(60.0) == 2.0
    assert Pace(cap=None).wait(60.0) == 60.0
    assert Pace(speed=4.0, cap=None).wait(60.0) == 15.0
    assert Pace(speed=0.25).wait(0.0) == 4.0


def test_speeds_end_at_both_ends_and_caps_go_round() -> None:
    pace = Pace()
    assert pace.changed(100).speed == SPEEDS[-1] == 64
    assert pace.changed(-100).speed == SPEEDS[0] == 0.25
    seen = [pace := pace.capped() for _ in CAPS]
    assert {one.cap for one in seen} == set(CAPS)
    assert pace == Pace()
    assert Pace(2.0, None).words == "2x, no idle cap"


@pytest.mark.slow
async def test_it_plays_to_the_end_and_from_the_start_again(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=11)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*FASTEST)
        assert line(app) == "‖ paused  64x, idle cap 2 s   Space plays"
        await pilot.press("space")
        await until_paused(pilot)
        assert screen(app).index == 13
        assert line(app) == "■ at the end  64x, idle cap 2 s   Space plays"
        await pilot.press("minus", "minus", "minus", "minus", "minus", "minus", "space")
        assert screen(app).index == 0
        assert line(app) == "▶ playing  1x, idle cap 2 s   Space pauses"


async def test_space_pauses_and_so_does_any_movement_by_hand(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("minus", "minus", "space", "space")
        assert line(app).startswith("‖ paused  0.25x")
        assert screen(app).index == 0
        await pilot.press("space")
        assert line(app).startswith("▶ playing")
        await pilot.press("right")
        assert screen(app).index == 1
        assert not app.screen.query_one(Player).playing
        assert line(app) == ""


@pytest.mark.slow
async def test_a_change_of_pace_takes_effect_during_a_long_wait(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=13)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("minus", "minus", "space", *FASTEST)
        await until_paused(pilot)
        assert screen(app).index == 13


@pytest.mark.slow
async def test_only_one_step_is_ever_under_way(source: Any, robot: Episode) -> None:
    """However slow the screen, the next step is timed when this one has been painted."""
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        shown: list[tuple[int, bool]] = []
        player = Player.of(screen(app), screen(app))
        show = screen(app).show_step

        def seen(index: int) -> None:
            if index != screen(app).index:  # the list of steps, too, asks for the one that is shown
                shown.append((index, player._painting))
            show(index)

        screen(app).show_step = seen  # type: ignore[method-assign]  # to see what it is asked
        await pilot.press(*FASTEST, "space")
        await until_paused(pilot)
        assert shown == [(index, False) for index in range(1, 14)]


async def test_the_idle_cap_is_changed_and_shown(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("i", "i")
        assert line(app) == "‖ paused  1x, no idle cap   Space plays"


async def test_an_episode_without_steps_does_not_play(source: Any) -> None:
    failed = next(one for one in source.episodes.values() if one.status == "error")
    app = ReplayApp(source, episode=failed.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space", "plus", "i")
        assert not app.screen.query_one(Player).playing


async def test_it_does_not_play_on_behind_another_screen(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space", "question_mark")
        episode = app.screen_stack[-2]
        assert isinstance(episode, EpisodeScreen)
        at = episode.index
        episode.query_one(Player).faster(len(SPEEDS))
        for _ in range(400):
            await pilot.pause(0.02)
            if not episode.query_one(Player).playing:
                break
        await pilot.press("escape")
        assert screen(app).index == at
        assert line(app).startswith("‖ paused")


async def test_a_late_frame_shortens_the_next_wait_and_a_very_late_one_is_not_made_up_for(
    source: Any, robot: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        player = Player.of(screen(app), screen(app))
        await pilot.pause()
        clock, waits = [100.0], []
        monkeypatch.setattr(playing, "monotonic", lambda: clock[0])

        def timed(wait: float, _: Any) -> Any:
            waits.append(round(wait, 6))
            return SimpleNamespace(stop=lambda: None)

        monkeypatch.setattr(player, "set_timer", timed)
        player.toggle()
        for now in (101.3, 102.0, 109.0, 109.001):
            clock[0] = now
            player._advance()
            await pilot.pause()
        assert waits == [1.0, 0.7, 1.0, 0.001, 1.0]
