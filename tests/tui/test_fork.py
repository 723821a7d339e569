"""The form that forks: keys are pressed, episodes are played, and what came of them is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sandbox.runner.build import Builder
from sandbox.store import Store
from sandbox.trace import Episode
from sandbox.tui.action_form import ActionForm, Confirm
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar
from sandbox.tui.compare import CompareScreen
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.fork import ForkList, ForkScreen
from sandbox.tui.source import StoreSource
from tests.runner.test_fork import Lab, decisions, moody

pytestmark = pytest.mark.tui

SIZE = (80, 24)


@pytest.fixture
def lab(tmp_path: Path, builder: Builder) -> Iterator[Lab]:
    with Store.open(str(tmp_path / "x.db")) as store:
        yield Lab(store, builder)


async def opened(pilot: Pilot[None]) -> ForkScreen:
    """The form, once it knows what is legal."""
    await pilot.press("f")
    await until(pilot, lambda: isinstance(pilot.app.screen, ForkScreen) and pilot.app.screen.place is not None)
    assert isinstance(pilot.app.screen, ForkScreen)
    return pilot.app.screen


async def until(pilot: Pilot[None], holds: Callable[[], Any]) -> None:
    """Wait for what happens on another thread."""
    for _ in range(1000):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not happen")


def app_of(lab: Lab, toy_plugins: Path, parent: Episode, at: int) -> ReplayApp:
    return ReplayApp(StoreSource(lab.store, plugins=[toy_plugins]), episode=parent.id, step=at + 1)


async def test_an_action_is_chosen_played_and_shown_beside_the_parent(lab: Lab, toy_plugins: Path) -> None:
    parent = await lab.played(moody(seed=3))
    app = app_of(lab, toy_plugins, parent, decisions(parent)[1])
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        assert screen.query_one("#where", Bar).words.startswith("player did: ")
        await pilot.press("3")  # of bet, pass, leave
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        (head,) = [head for head in lab.store.heads() if head.parent == parent.id]
        assert lab.store.episode(head.id).steps[-1].applied == {"kind": "leave"}
        await pilot.press("q")
        assert screen.query_one(ForkList).rows[0][0] == f"step {decisions(parent)[1] + 1}: leave()"
        await pilot.press("escape")
        assert isinstance(app.screen, EpisodeScreen)


@pytest.mark.slow
async def test_a_range_is_filled_in_and_continuations_are_compared(lab: Lab, toy_plugins: Path) -> None:
    parent = await lab.played(moody(seed=3))
    app = app_of(lab, toy_plugins, parent, 0)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        screen.query_one("#continuations", Input).value = "2"
        await pilot.press("1")
        coins = screen.query_one(ActionForm).fields[0]
        coins.value = "2"
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: screen.forked is not None)
        await pilot.pause()
        shown = str(screen.query_one("#came", Static).content)
        assert "return" in shown
        assert "no interval: fewer than 5 continuations" in shown
        assert screen.query_one(ForkList).count == 4  # the controls, too


@pytest.mark.slow
async def test_another_agent_is_named_and_one_that_is_none_is_a_fault_that_says_so(lab: Lab, toy_plugins: Path) -> None:
    parent = await lab.played(moody(seed=3))
    app = app_of(lab, toy_plugins, parent, decisions(parent)[1])
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        agent = screen.query_one("#agent", Input)
        agent.focus()
        agent.value = "baselines/rando"
        await pilot.press("enter")
        await until(pilot, lambda: "did you mean" in str(screen.query_one("#came", Static).content))
        agent.value = "baselines/random"
        await until(pilot, lambda: not any(not worker.is_finished for worker in app.workers))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_a_step_of_chance_and_episodes_in_memory_say_why_they_are_not_forked(
    lab: Lab, toy_plugins: Path, source: Any, robot: Episode
) -> None:
    parent = await lab.played(moody(seed=3))
    for app, said in (
        (app_of(lab, toy_plugins, parent, 1), "is chance, which nobody decides"),
        (ReplayApp(source, episode=robot.id), "are in memory"),
    ):
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("f")
            await until(pilot, lambda: isinstance(pilot.app.screen, ForkScreen))
            await until(pilot, lambda: said in str(pilot.app.screen.query_one("#came", Static).content))  # noqa: B023


async def test_a_fork_says_in_its_head_what_it_is_a_fork_of(lab: Lab, toy_plugins: Path) -> None:
    parent = await lab.played(moody(seed=3))
    fork = await lab.fork(parent, 0, action={"kind": "pass"})
    app = app_of(lab, toy_plugins, fork, 0)
    async with app.run_test(size=(160, 48)):
        assert f"fork of {parent.id[:12]} at step 1" in app.screen.query_one("#title", Bar).words
