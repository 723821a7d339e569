"""The list of episodes: paged, filtered, opened."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.errors import StoreError
from sandbox.store import EpisodeHead, Filter
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.episode_table import EpisodeTable, widths

SIZE = (80, 24)


def table(app: ReplayApp) -> EpisodeTable:
    assert isinstance(app.screen, Browse)
    return app.screen.table


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


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
        assert table(app).count == 2
        assert table(app).has_focus
        assert "2 episodes fit the filter" in app.screen.query_one("#title", Bar).words
        await ask(pilot, "slash", "x", "escape")
        assert app.screen.query_one("#filter", Input).value == "env:power status:finished framing:lived"
        assert table(app).count == 2
        await pilot.press("escape")
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
        assert "no episode fits the filter" in said(app)
        await pilot.press("enter", "down", "end", "pagedown")
        assert isinstance(app.screen, Browse)


async def test_of_a_hundred_thousand_episodes_only_the_pages_in_sight_are_read(source: Any) -> None:
    """Reading all of them would take minutes and gigabytes."""
    head = source.heads(Filter(), 1, 0)[0]

    class Many:
        asked: list[tuple[int, int]] = []  # noqa: RUF012 (one instance)

        def count(self, where: Filter) -> int:
            return 100_000

        def heads(self, where: Filter, limit: int, offset: int) -> list[EpisodeHead]:
            self.asked.append((limit, offset))
            return [head] * min(limit, 100_000 - offset)

        episode = marks = scores = None

    many: Any = Many()
    app = ReplayApp(many)
    async with app.run_test(size=SIZE) as pilot:
        assert many.asked == [(100, 0)]
        await pilot.press("end")
        await pilot.pause()
        assert table(app).cursor == 99_999
        assert many.asked == [(100, 0), (100, 99_900)]
        await pilot.press(*["pageup"] * 3)
        assert len(many.asked) == 2


async def test_a_store_that_fails_is_said_and_the_replay_goes_on(source: Any) -> None:
    class Broken:
        fails = False

        def count(self, where: Filter) -> int:
            return int(source.count(where))

        def heads(self, where: Filter, limit: int, offset: int) -> Any:
            if self.fails:
                raise StoreError("the store is locked [bold]\x1b[2J")
            return source.heads(where, limit, offset)

        def episode(self, key: str) -> Any:
            raise StoreError("payload 12ab does not fit its hash")

        marks = scores = None

    broken: Any = Broken()
    app = ReplayApp(broken)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        assert "payload 12ab does not fit its hash" in said(app)
        broken.fails = True
        await pilot.press("r")
        await pilot.pause()
        assert "(cannot be read)" in table(app).render_line(0).text
        assert "the store is locked [bold]␛[2J" in said(app)
        broken.fails = False
        await pilot.press("r")
        await pilot.pause()
        assert "power/OffSwitch" in table(app).render_line(0).text


async def test_a_second_click_opens(source: Any) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click("#table", offset=(3, 4))
        assert table(app).cursor == 4
        await pilot.click("#table", offset=(3, 4))
        await pilot.pause()
        assert isinstance(app.screen, EpisodeScreen)


def test_columns_fill_the_width_and_no_more() -> None:
    for width in (78, 100, 158, 198):
        assert sum(widths(width).values()) + 8 == width
