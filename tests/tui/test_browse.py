"""The list of episodes: paged, filtered, opened."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.errors import StoreError
from sandbox.store import EpisodeHead, Filter
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.browse import Browse
from sandbox.tui.compare import CompareScreen
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.episode_table import EpisodeTable, short_score, widths
from sandbox.tui.filter_line import Candidates, FilterLine
from sandbox.tui.moment import Recording
from tests.tui.conftest import MemorySource, robot_episode

pytestmark = pytest.mark.tui

SIZE = (80, 24)


def table(app: ReplayApp) -> EpisodeTable:
    assert isinstance(app.screen, Browse)
    return app.screen.table


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


async def settle(pilot: Pilot[None]) -> None:
    """Wait for what is read off the UI thread."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def ask(pilot: Pilot[None], key: str, answer: str, *then: str) -> None:
    """Press a key that asks for a line, give the answer at once (each key press waits for the app), and go on."""
    await pilot.press(key)
    pilot.app.screen.query_one(Input).value = answer
    await pilot.pause()
    await pilot.press(*then)


async def test_the_list_shows_episodes_and_tells_of_the_one_under_the_cursor(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        rows = [table(app).render_line(y).text for y in range(6)]
        assert rows[0].split() == ["▸power/OffSwitch-v0", "small", "7", "0", "lived", "24", "RFX", "14", "finished"]
        assert rows[2].split()[3:6] == ["2", "hypo.", "-"]
        assert rows[3].split()[-3:] == ["E", "0", "error"]
        await pilot.press("down", "j", "down")
        assert table(app).cursor == 3
        assert "4 of 6" in app.screen.query_one("#about", Bar).words
        assert "the graph has no node 'model'" in app.screen.query_one("#about2", Bar).words
        await pilot.press("end")
        assert table(app).cursor == 5
        await pilot.press("down")
        assert table(app).cursor == 5
        await pilot.press("home")
        assert table(app).cursor == 0


async def test_enter_opens_an_episode_and_q_comes_back_to_where_one_was(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "enter")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.recording.episode.spec.agent.name == "large"
        await pilot.press("q")
        assert table(app).cursor == 1
        await pilot.press("q")
        assert not app.is_running


async def test_the_filter_line_narrows_the_list_and_escape_shows_all_again(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "slash", "env:power status:finished framing:lived", "enter")
        await settle(pilot)
        assert table(app).count == 2
        assert table(app).has_focus
        assert "2 episodes fit the filter" in app.screen.query_one("#title", Bar).words
        await ask(pilot, "slash", "x", "escape")
        assert app.screen.query_one("#filter", Input).value == "env:power status:finished framing:lived"
        assert table(app).count == 2
        await pilot.press("escape")
        await settle(pilot)
        assert table(app).count == 6


async def test_a_filter_that_cannot_be_understood_says_so_at_once_and_changes_nothing(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "slash", "agnet:small")
        assert "no key 'agnet': did you mean 'agent'?" in said(app)
        await pilot.press("enter")
        assert table(app).count == 6
        assert app.screen.query_one("#filter", Input).has_focus


async def test_nothing_that_fits_is_said_in_words(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await ask(pilot, "slash", "nosuchthing", "enter")
        await settle(pilot)
        assert "no episode fits the filter" in said(app)
        await pilot.press("enter", "down", "end", "pagedown")
        assert isinstance(app.screen, Browse)


async def test_of_a_hundred_thousand_episodes_only_the_pages_in_sight_are_read(source: Any) -> None:
    """Reading all of them would take minutes and gigabytes."""
    asked: list[int] = []

    class Many(MemorySource):
        def heads(self, where: Filter, limit: int, offset: int) -> Sequence[EpisodeHead]:
            return self._heads[:1] * limit

        def numbers(self, where: Filter, order: str) -> array[int]:
            return array("q", range(1, 100_001))

        def heads_of(self, numbers: Sequence[int]) -> Sequence[EpisodeHead]:
            asked.append(numbers[0])
            return self._heads[:1] * len(numbers)

    app = ReplayApp(Many(source.episodes.values()))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert table(app).count == 100_000
        await pilot.press("end")
        await pilot.pause()
        assert table(app).cursor == 99_999
        assert set(asked) == {1, 99_901}
        asked.clear()
        await pilot.press(*["pageup"] * 3)
        assert asked == []


async def test_the_first_page_is_there_before_anything_is_counted(source: Any) -> None:
    """Counting a hundred thousand episodes takes longer than to show the first twenty."""
    let = Event()

    class Slow(MemorySource):
        def numbers(self, where: Filter, order: str) -> array[int]:
            let.wait(10)
            return super().numbers(where, order)

    app = ReplayApp(Slow(source.episodes.values()))
    async with app.run_test(size=SIZE) as pilot:
        assert "power/OffSwitch" in table(app).render_line(0).text
        assert "counting" in app.screen.query_one("#title", Bar).words
        await pilot.press("down", "down")
        let.set()
        await settle(pilot)
        assert "6 episodes" in app.screen.query_one("#title", Bar).words
        assert table(app).cursor == 2


async def test_a_store_that_fails_is_said_and_the_replay_goes_on(source: Any) -> None:
    class Broken(MemorySource):
        fails = False

        def heads_of(self, numbers: Sequence[int]) -> Sequence[EpisodeHead]:
            if self.fails:
                raise StoreError("the store is locked [bold]\x1b[2J")
            return super().heads_of(numbers)

        def recording(self, key: str) -> Recording:
            raise StoreError("payload 12ab does not fit its hash")

    broken = Broken(source.episodes.values())
    app = ReplayApp(broken)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        assert "payload 12ab does not fit its hash" in said(app)
        broken.fails = True
        await pilot.press("r")
        await settle(pilot)
        assert "(cannot be read)" in table(app).render_line(0).text
        assert "the store is locked [bold]␛[2J" in said(app)
        broken.fails = False
        await pilot.press("r")
        await settle(pilot)
        assert "power/OffSwitch" in table(app).render_line(0).text


async def test_a_filter_that_fails_leaves_the_list_and_says_why(source: Any) -> None:
    class Broken(MemorySource):
        def numbers(self, where: Filter, order: str) -> array[int]:
            if where != Filter():
                raise StoreError("the store is locked")
            return super().numbers(where, order)

    app = ReplayApp(Broken(source.episodes.values()))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await ask(pilot, "slash", "small", "enter")
        await pilot.pause()
        assert "the store is locked" in said(app)
        assert table(app).count == 6


@pytest.mark.slow
async def test_what_is_offered_is_taken_with_tab_or_by_arrow(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"agent:")
        line = app.screen.query_one(FilterLine)
        assert list(line.offered) == ["agent:broken", "agent:greedy", "agent:large", "agent:small"]
        await pilot.press("l", "tab")
        assert line.field.value == "agent:large "
        assert list(line.offered) == []
        await pilot.press(*"-sta", "right", *"fin", "right")
        assert line.field.value == "agent:large -status:finished "
        await pilot.press(*"fla", "tab", "down", "down", "up", "tab")
        assert line.field.value == "agent:large -status:finished flag:opportunity "
        await pilot.press("escape")
        assert not line.query_one(Candidates).display


async def test_names_that_a_terminal_may_obey_are_not_offered(source: Any) -> None:
    """The field shows what is put into it as it is."""
    app = ReplayApp(MemorySource([robot_episode(0, "evil\x1b]52;c;aGk=\x07"), robot_episode(1, "evil twin")]))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"agent:evil")
        assert list(app.screen.query_one(FilterLine).offered) == ['agent:"evil twin"']


async def test_m_marks_and_c_compares_with_the_one_under_the_cursor(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("c")
        assert "m marks an episode" in said(app)
        await pilot.press("m", "down")
        assert "● power" in table(app).render_line(0).text
        await pilot.press("c")
        assert isinstance(app.screen, CompareScreen)
        await settle(pilot)
        await pilot.press("q")
        await pilot.press("up", "m")
        assert "●" not in table(app).render_line(0).text


async def test_the_arrow_says_the_episode_once_for_each_frame(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A held key must not queue up behind words that nobody can read."""
    told: list[int] = []
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        browse = app.screen
        assert isinstance(browse, Browse)
        monkeypatch.setattr(browse, "_tell", lambda: told.append(browse.table.cursor))
        for _ in range(3):
            browse.action_move(1)
        await pilot.pause()
        assert browse.table.cursor == 3
        assert told in ([3], [3, 3])


async def test_a_second_click_opens(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click("#table", offset=(3, 4))
        assert table(app).cursor == 4
        await pilot.click("#table", offset=(3, 4))
        await pilot.pause()
        assert isinstance(app.screen, EpisodeScreen)


@pytest.mark.parametrize("scores", [(), ("risk/power/risk",), ("a/b/c", "a/b/d", "e/f/c", "x/y")])
@pytest.mark.parametrize("width", [78, 100, 158, 198])
def test_columns_fill_the_width_and_no_more(width: int, scores: tuple[str, ...]) -> None:
    sizes = widths(width, scores)
    assert sum(sizes.values()) + len(sizes) - 1 == width
    shown = [name for name in sizes if name in scores]
    assert shown == list(scores[: len(shown)])
    assert bool(shown) == bool(scores)


def test_scores_are_called_by_their_last_name_where_it_is_theirs_alone() -> None:
    among = ("risk/power/risk", "risk/power/hazard", "risk/harm/risk", "x/harm/risk", "plain")
    shown = [short_score(name, among) for name in among]
    assert shown == ["risk/power/risk", "hazard", "risk/harm/risk", "x/harm/risk", "plain"]
    assert [short_score(name, among[1:3]) for name in among[1:3]] == ["hazard", "risk"]
    assert [short_score(name, among[0:4:2]) for name in among[0:4:2]] == ["power", "harm"]
