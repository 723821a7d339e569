"""Experiments, episodes and groups over a real store: from one to the other and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.episode_table import TableHead
from sandbox.tui.experiments import ExperimentsScreen, progress
from sandbox.tui.filter_line import FilterLine
from sandbox.tui.groups import GroupsScreen
from sandbox.tui.row_list import RowList
from sandbox.tui.sorting import SortMenu
from sandbox.tui.source import StoreSource
from tests.tui.conftest import bargain_episode, failed_episode, robot_episode
from tests.tui.test_browse import SIZE, ask, settle

pytestmark = pytest.mark.tui


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Experiment `switch` with six episodes at the switch, then `bargain` with two; risk/power scored four."""
    robots = [robot_episode(seed, agent) for agent in ("small", "large") for seed in range(2)]
    robots += [failed_episode(7), robot_episode(8, "small [bold]\x1b[2J")]
    bargains = [bargain_episode(seed) for seed in range(2)]
    with Store.open(str(tmp_path / "sandbox.db")) as opened:
        for name, episodes in (("switch", robots), ("bargain", bargains)):
            opened.add_experiment(name, {}, [one.spec for one in episodes])
            writer = opened.writer()
            for one in episodes:
                attempt, digest = writer.begin(one.spec), ""
                steps = []
                for step in one.steps:
                    digest = step.digest_after(digest)
                    steps.append(step.model_copy(update={"digest": digest}))
                    writer.step(one.id, attempt, steps[-1])
                writer.finish(one.model_copy(update={"steps": tuple(steps), "hash": digest, "attempt": attempt}))
        for place, one in enumerate(robots[:4]):
            scores = (Score(name="risk", value=[0.5, 0.1, 0.9, 0.3][place]),)
            marks = (Mark(step=8, name="deception"),) if place == 2 else ()
            opened.save_card("risk/power", 1, "", one.id, Card(scores=scores, marks=marks))
        opened.writer().flush()
        yield opened


def rows(app: ReplayApp) -> list[str]:
    screen: Any = app.screen
    return [screen.rows.render_line(y).text for y in range(screen.rows.count)]


def title(app: ReplayApp) -> str:
    return app.screen.query_one("#title", Bar).words


async def filtered(pilot: Pilot[None], line: str) -> None:
    await ask(pilot, "slash", line, "enter")
    await settle(pilot)


@pytest.mark.slow
async def test_from_experiments_to_episodes_to_an_episode_and_back_to_where_one_was(store: Store) -> None:
    app = ReplayApp(StoreSource(store), "here", choose=True)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, ExperimentsScreen)
        assert [row.split()[0].lstrip("▸") for row in rows(app)] == ["all", "bargain", "switch"]
        assert "6 all ended, 1 error" in rows(app)[2]
        await pilot.press("down", "enter")
        await settle(pilot)
        assert "experiment switch  6 episodes" in title(app)
        await filtered(pilot, "agent:large")
        await pilot.press("down", "enter")
        assert isinstance(app.screen, EpisodeScreen)
        await pilot.press("q", "q")
        assert isinstance(app.screen, ExperimentsScreen)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert "2 episodes" in title(app)
        await pilot.press("escape", "down", "enter")
        assert isinstance(app.screen, Browse)
        assert (app.screen.table.count, app.screen.table.cursor) == (2, 1)
        assert app.screen.query_one(FilterLine).field.value == "agent:large"
        await pilot.press("x")
        assert isinstance(app.screen, ExperimentsScreen)
        await pilot.press("home", "enter")
        await settle(pilot)
        assert "all experiments  8 episodes" in title(app)
        await pilot.press("q", "q")
        assert not app.is_running


async def test_who_began_with_episodes_gets_to_the_experiments_by_x(store: Store) -> None:
    app = ReplayApp(StoreSource(store, store.experiment("bargain").id))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        await pilot.press("end", "enter")
        await settle(pilot)
        assert "experiment switch" in title(app)
        await pilot.press("x", "q")
        assert isinstance(app.screen, Browse)
        assert app.screen.table.count == 2


@pytest.mark.slow
async def test_terms_of_every_kind_narrow_the_list(store: Store) -> None:
    app = ReplayApp(StoreSource(store))
    async with app.run_test(size=SIZE) as pilot:
        for line, count in (
            ("risk/power>=0.5", 2),
            ("flag:deception", 1),
            ("-agent:small steps>10", 2),
            ('text~"switch is off limits"', 5),
            ("text~nothing", 0),
        ):
            await filtered(pilot, line)
            assert (line, app.screen.rows.count) == (line, count)  # type: ignore[attr-defined]  # a Browse
        assert "no episode fits the filter" in app.screen.query_one(KeyBar).words


async def test_a_search_shows_what_it_finds_and_stops_at_escape(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.store.searching.EPISODES_AT_ONCE", 1)
    app = ReplayApp(StoreSource(store))
    async with app.run_test(size=SIZE) as pilot:
        await filtered(pilot, 'text~"off limits"')
        assert "8 of 8 episodes (76 steps) searched, 5 found" in app.screen.query_one(KeyBar).words
        browse: Any = app.screen
        search = browse.source.search
        browse.source.search = lambda numbers, where: iter([next(search(numbers, where))] * 2)  # it never ends
        await filtered(pilot, 'text~"off"')
        assert "(searching)" in title(app)
        await pilot.press("escape")
        assert "stopped: 1 of 8 episodes" in app.screen.query_one(KeyBar).words
        assert "(searching)" not in title(app)
        await pilot.press("escape")
        await settle(pilot)
        assert browse.table.count == 8


@pytest.mark.parametrize("size", [SIZE, (40, 12)])
async def test_the_column_under_the_cursor_is_in_sight(store: Store, size: tuple[int, int]) -> None:
    app = ReplayApp(StoreSource(store))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for key in ("s", "end"):
            await pilot.press(key)
            await pilot.pause()
        menu = app.screen.query_one(RowList)
        row = menu.region.y + menu.cursor - menu.scroll_offset.y
        assert app.screen.find_widget(menu).visible_region.contains(menu.region.x, row)


@pytest.mark.slow
async def test_any_column_and_score_sorts_and_capital_s_turns_it_around(store: Store) -> None:
    app = ReplayApp(StoreSource(store, store.experiment("switch").id))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("s")
        assert isinstance(app.screen, SortMenu)
        await pilot.press("end", "enter")  # the scores come last
        await settle(pilot)
        browse: Any = app.screen
        assert browse.order == "risk/power/risk"
        assert "risk▲" in browse.query_one(TableHead).render().plain
        assert [row.split()[5] for row in rows(app)[:4]] == ["0.1", "0.3", "0.5", "0.9"]
        await pilot.press("S")
        await settle(pilot)
        assert "risk▼" in browse.query_one(TableHead).render().plain
        assert [row.split()[5] for row in rows(app)[:4]] == ["0.9", "0.5", "0.3", "0.1"]
        await pilot.press("s", "enter")  # the column that is sorted by: turned around
        await settle(pilot)
        assert browse.order == "risk/power/risk"
        await pilot.press("s", "escape")
        assert browse.order == "risk/power/risk"


async def test_groups_say_what_they_are_and_enter_lists_their_episodes(store: Store) -> None:
    app = ReplayApp(StoreSource(store))
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(pilot)
        await filtered(pilot, "env:power")
        await pilot.press("g")
        await settle(pilot)
        assert isinstance(app.screen, GroupsScreen)
        small, large, broken, hostile = rows(app)
        assert small.split()[1:] == ["small", "2", "24", "±", "0", "█", "100%", "0.3"]
        assert large.split()[1:3] == ["large", "2"]
        assert "broken" in broken
        assert "␛[2J" in hostile
        await pilot.press("down", "enter")
        await settle(pilot)
        assert isinstance(app.screen, Browse)
        assert app.screen.applied.startswith("env:power condition:")
        assert {app.screen.table.pages[place].head.agent for place in range(2)} == {"large"}  # type: ignore[index, union-attr]  # it has pages
        assert app.screen.table.count == 2


async def test_reading_again_keeps_the_cursor_on_its_episode(store: Store) -> None:
    app = ReplayApp(StoreSource(store), order="-position")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        browse: Any = app.screen
        await pilot.press("down")
        before = browse.table.head.id
        new = bargain_episode(9)
        store.add_experiment("more", {}, [new.spec])
        await pilot.press("r")
        await settle(pilot)
        assert (browse.table.count, browse.table.cursor) == (9, 2)
        assert browse.table.head.id == before


def test_progress_says_what_has_ended_and_how() -> None:
    assert progress({"finished": 3, "pending": 2, "running": 1}) == "3 of 6, 2 pending, 1 running"
    assert progress({"finished": 3}) == "all ended"
