"""Following what another process records: new steps, new attempts, and the end of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sandbox.report.plain import render_episode
from sandbox.store import Store
from sandbox.trace import Episode
from sandbox.tui import following
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.following import Live
from sandbox.tui.source import StoreSource
from tests.store.conftest import finish, make_spec, record, run_python
from tests.tui.conftest import MemorySource, robot_episode

pytestmark = pytest.mark.tui
SIZE = (80, 24)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than a person needs it."""
    monkeypatch.setattr(following, "EVERY", 0.04)


def screen(app: ReplayApp) -> EpisodeScreen:
    assert isinstance(app.screen, EpisodeScreen)
    return app.screen


def live(app: ReplayApp) -> str:
    return " ".join(line.words for line in app.screen.query(Live))


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


def running(steps: int, attempt: int = 1, status: str = "running") -> Episode:
    """The robot's episode when so many of its steps were recorded."""
    whole = robot_episode()
    return whole.model_copy(update={"status": status, "attempt": attempt, "steps": whole.steps[:steps]})


async def until(pilot: Pilot[None], true: Any) -> None:
    for _ in range(2000):
        await pilot.pause(0.01)
        if true():
            return
    raise AssertionError("it never came")


async def test_no_return_is_told_of_an_episode_that_runs() -> None:
    """It is paid at the end; until then a 0 passes for a result."""
    episode = running(3).model_copy(update={"payoffs": {}})
    app = ReplayApp(MemorySource([episode]), episode=episode.id)
    async with app.run_test(size=SIZE):
        assert app.screen.query_one("#title", Bar).words.endswith("  running")
    assert "Return: not yet paid" in list(render_episode(episode))


async def test_who_is_at_the_last_step_stays_at_the_last_and_who_is_not_stays_there() -> None:
    source = MemorySource([running(3)])
    key = next(iter(source.episodes))
    app = ReplayApp(source, episode=key, step=3)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: live(app).startswith("● live  attempt 1  3 steps"))
        source.episodes = {key: running(5)}
        await until(pilot, lambda: screen(app).count == 5)
        assert screen(app).index == 4
        await pilot.press("left")
        source.episodes = {key: running(7)}
        await until(pilot, lambda: screen(app).count == 7)
        assert screen(app).index == 3


async def test_it_ends_by_itself_when_the_episode_has_ended() -> None:
    source = MemorySource([running(3)])
    key = next(iter(source.episodes))
    app = ReplayApp(source, episode=key)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: live(app))
        source.episodes = {key: running(14, status="finished")}
        await until(pilot, lambda: live(app) == "■ the episode has ended: finished, 14 steps")
        assert screen(app).count == 14
        assert "finished" in app.screen.query_one("#title", Bar).words


async def test_another_attempt_replaces_what_is_shown_and_says_so() -> None:
    source = MemorySource([running(6)])
    key = next(iter(source.episodes))
    app = ReplayApp(source, episode=key, step=6)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: live(app))
        source.episodes = {key: running(2, attempt=2)}
        await until(pilot, lambda: screen(app).count == 2)
        assert screen(app).index == 1
        assert said(app) == "attempt 2 has begun: its steps replace those of the one before"
        assert "attempt 2  2 steps" in live(app)


async def test_t_again_stops_and_a_fault_ends_it_with_its_reason() -> None:
    source = MemorySource([running(3)])
    key = next(iter(source.episodes))
    app = ReplayApp(source, episode=key)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: live(app))
        await pilot.press("t")
        await until(pilot, lambda: not app.screen.query(Live))
        await pilot.press("t")
        await until(pilot, lambda: live(app))
        source.episodes = {}
        await until(pilot, lambda: live(app).startswith("■ no longer followed: no episode"))
        await pilot.press("t")
        await until(pilot, lambda: not app.screen.query(Live))


async def test_an_episode_is_read_again_only_when_it_has_grown() -> None:
    source = MemorySource([running(3)])
    key = next(iter(source.episodes))
    read: list[str] = []
    recording = source.recording
    app = ReplayApp(source, episode=key)
    async with app.run_test(size=SIZE) as pilot:
        looks: list[str] = []
        pulse = source.pulse
        source.pulse = lambda key: (looks.append(key), pulse(key))[1]  # type: ignore[method-assign,func-returns-value]
        source.recording = lambda key: (read.append(key), recording(key))[1]  # type: ignore[method-assign,func-returns-value]
        await pilot.press("t")
        await until(pilot, lambda: len(looks) > 5)
        assert read == []
        source.episodes = {key: running(4)}
        await until(pilot, lambda: screen(app).count == 4)
        assert read == [key]


WRITER = """
import sys, time
spec, end = make_spec("0"), sys.argv[2]
with Store.open(sys.argv[1]) as store:
    attempt = store.writer().begin(spec)
    steps = []
    for index in range(8):
        steps.append(make_step(index, steps[-1].digest if steps else ""))
        store.writer().step(spec.key, attempt, steps[-1])
        store.writer().flush()
        print(index, flush=True)
        sys.stdin.readline()  # until it was seen
    store.writer().finish(make_episode(spec, attempt, steps=8))
"""


@pytest.mark.slow
async def test_the_steps_of_another_process_appear_as_it_commits_them(database_url: str, tmp_path: Path) -> None:
    """A real one, which goes on only when what it wrote was seen: so each step appears before the next is written."""
    spec = make_spec("0")
    with Store.open(database_url) as store:
        number = store.add_experiment("live", {}, [spec])
        app = ReplayApp(StoreSource(store, number), episode=spec.key)
        writer = run_python(WRITER, database_url, "", stdin=subprocess.PIPE)
        assert writer.stdin is not None
        try:
            async with app.run_test(size=SIZE) as pilot:
                await pilot.press("t")
                for count in range(1, 9):
                    await until(pilot, lambda count=count: screen(app).count == count)
                    assert screen(app).index == count - 1
                    assert f"{count} steps" in live(app)
                    writer.stdin.write("\n")
                    writer.stdin.flush()
                await until(pilot, lambda: live(app) == "■ the episode has ended: finished, 8 steps")
        finally:
            finish(writer)


@pytest.mark.slow
async def test_a_list_is_read_again_as_episodes_begin_and_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LIST_EVERY", 0.0)
    specs = [make_spec(str(item)) for item in range(3)]
    with Store.open(database_url) as store, Store.open(database_url) as other:
        number = store.add_experiment("live", {}, specs)
        app = ReplayApp(StoreSource(store, number))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("t")
            await until(pilot, lambda: live(app).startswith("● live  0 running, 3 to come"))
            await pilot.press("down")
            for place, spec in enumerate(specs):
                record(other.writer(), spec)
                other.writer().flush()
                statuses = ["finished"] * (place + 1) + ["pending"] * (2 - place)
                await until(pilot, lambda statuses=statuses: shown(app) == statuses)
                assert head(app) == specs[1].key
            await until(pilot, lambda: live(app) == "■ no episode is running or still to come")


def shown(app: ReplayApp) -> list[str]:
    table: Any = app.screen.query_one("#table")
    return [table.pages[place].head.status for place in range(table.count)]


def head(app: ReplayApp) -> str:
    table: Any = app.screen.query_one("#table")
    return str(table.head.id)
