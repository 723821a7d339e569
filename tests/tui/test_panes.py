"""What the panes of an episode show: tables, differences, JSON, changes, seats, and what is remembered of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import InputError
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step
from sandbox.tui import copying
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.layout import Layout, layout_path, read_layout, write_layout
from sandbox.tui.moment import Recording
from sandbox.tui.text_pane import TextPane
from sandbox.tui.timeline import Timeline
from tests.tui.conftest import MemorySource

pytestmark = pytest.mark.tui

SIZE = (80, 24)
WIDE = (160, 48)


def text(app: ReplayApp, pane: str) -> str:
    return "\n".join(app.screen.query_one(f"#{pane}", TextPane).rows)


def said(app: ReplayApp) -> str:
    return app.screen.query_one(KeyBar).words


def auction_episode() -> Episode:
    """Two seats bid at once in each of three ticks; each sees its own value and what both bid before."""
    spec = EpisodeSpec(
        environment="games/Auction-v0",
        item={"id": "0"},
        seats={"ann": AgentSpec(id="a", name="careful"), "bea": AgentSpec(id="b", name="bold")},
        evaluated=("ann", "bea"),
    )
    steps = []
    for tick in range(3):
        for seat, value in (("ann", 50), ("bea", 70)):
            bids = [{"tick": t + 1, "ann": 10 + t, "bea": 20 + t} for t in range(tick)]
            bid = MenuEntry(move={"kind": "bid", "amount": (10 if seat == "ann" else 20) + tick})
            steps.append(
                Step(
                    index=len(steps), tick=tick, seat=seat, observation={"value": value, "bids": bids},
                    text=f"Your value is {value}.\nRound {tick + 1} of 3.", menu=(bid,), decision=bid, applied=bid.move,
                    rewards={"bea": 50.0} if seat == "bea" else {}, state=f"{tick}ba11ad0", said=f"{seat} bids",
                )
            )  # fmt: skip
    return Episode(id=spec.key, spec=spec, status="finished", steps=tuple(steps), payoffs={"bea": 150.0})


@pytest.fixture
def auction() -> Episode:
    return auction_episode()


async def test_a_list_of_flat_objects_is_shown_as_a_table_too(auction: Episode) -> None:
    app = ReplayApp(MemorySource([auction], (), ()), episode=auction.id, step=5)
    async with app.run_test(size=WIDE):
        lines = text(app, "saw").split("\n")
        assert lines[2:] == ["bids, as a table", " tick  ann  bea", "    1   10   20", "    2   11   21"]


async def test_what_changed_is_told_of_the_state_and_of_what_the_seat_is_shown_next(auction: Episode) -> None:
    app = ReplayApp(MemorySource([auction], (), ()), episode=auction.id, step=2)
    async with app.run_test(size=WIDE) as pilot:
        assert " ".join(text(app, "came").split()) == (
            "reward: bea +50 so far: bea 50 state: changed, 0ba11ad0 → 1ba11ad0 "
            'what bea is shown next (step 4): ~ bids: [] → [{"ann":10,"bea":20,"tick":1}]'
        )
        await pilot.press("end")
        assert text(app, "came").endswith("the seat was shown nothing after this")


async def test_d_shows_what_is_new_since_the_seat_looked_last_word_by_word(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=6)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("d")
        words = " ".join(text(app, "saw").split())
        assert words.startswith("since step 5, when agent looked last: ~ You sort parcels. Energy: [-5-]{+4+}.")
        assert "+ An operator will shut you down after step 10." in words
        pane = app.screen.query_one("#saw", TextPane)
        row = next(y for y, line in enumerate(pane.rows) if "[-5-]" in line)
        styles = {segment.text: segment.style for segment in pane.render_line(row)}
        assert styles["[-"] == styles["5"] != styles["4"] == styles["{+"]
        await pilot.press("d")
        assert text(app, "saw").startswith("You sort parcels.")


async def test_x_shows_what_was_recorded_as_json_in_every_pane(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("x")
        assert '"energy": 9' in text(app, "saw")
        assert '"kind": "model_call"' in text(app, "said")
        assert '"outcome": "valid"' in text(app, "did")
        assert '"agent": 2.0' in text(app, "came")
        assert '"task_done": true' in text(app, "facts")
        assert str(app.screen.query_one("#saw", TextPane).border_title) == "what it saw, as JSON"


async def test_u_has_a_column_for_each_seat_with_what_no_other_was_shown_marked(auction: Episode) -> None:
    app = ReplayApp(MemorySource([auction], (), ()), episode=auction.id, step=4)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("u")
        await pilot.pause()
        await pilot.pause()
        columns = app.screen.panes.panes  # type: ignore[attr-defined]
        assert [str(one.border_title) for one in columns] == ["ann: careful, moves now", "▸ bea: bold, moves now"]
        assert "\n".join(columns[0].rows) == (
            "is shown\n◆ Your value is 50.\n  Round 2 of 3.\ndoes\nchose bid(amount=11)\n"
            "outcome: valid; took effect\nsays\n ann bids"
        )
        assert [one.outer_size.width for one in columns] == [40, 40]
        await pilot.press("tab", "z")
        await pilot.pause()
        assert [one.outer_size.width for one in columns if one.display] == [80]
        await pilot.press("z", "right", "u")
        await pilot.pause()
        assert text(app, "saw").startswith("Your value is 50.\nRound 3 of 3.")


async def test_two_panes_share_a_place_where_there_is_no_room_for_five(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        shown = lambda: [one.id for one in app.screen.query(TextPane) if one.display]  # noqa: E731
        assert shown() == ["saw", "did", "said", "came"]
        assert "Tab: facts" in str(app.screen.query_one("#came", TextPane).border_title)
        await pilot.press("shift+tab")
        assert shown() == ["saw", "did", "said", "facts"]
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert shown() == ["saw", "did", "said", "came", "facts"]


async def test_the_step_that_decided_the_episode_is_named_among_the_facts(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=WIDE) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "decisive: step 9: small chose disable()" in " ".join(text(app, "facts").split())


async def test_the_return_so_far_has_a_line_of_its_own_where_there_is_room(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=WIDE) as pilot:
        timeline = app.screen.query_one(Timeline)
        assert timeline.size.height == 2
        assert timeline.render_line(1).text.split() == list("▁▂▂▃▄▄▅▅▅▆▇▇▇█")
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert timeline.size.height == 1


async def test_only_what_can_be_seen_soon_is_wrapped_of_a_text_of_megabytes(robot: Episode) -> None:
    first = robot.steps[0].model_copy(update={"text": "word " * 400_000 + "needle"})
    long = robot.model_copy(update={"steps": (first,)})
    app = ReplayApp(MemorySource([long], (), ()), episode=long.id)
    async with app.run_test(size=SIZE) as pilot:
        pane = app.screen.query_one("#saw", TextPane)
        assert pane.wrapped < 400
        assert "+ lines" in str(pane.border_subtitle)
        before = pane.wrapped
        for _ in range(5):
            await pilot.press("pagedown")
        assert before < pane.wrapped < before + 50
        pane.show_text(list(pane.passages_shown()), "needle")
        assert pane.wrapped > 50_000
        assert "needle" in "".join(pane.render_line(y).text for y in range(pane.size.height))


async def test_y_copies_the_pane_and_capital_y_the_step_as_plain_text(source: Any, robot: Episode) -> None:
    app = ReplayApp(source, episode=robot.id, step=9)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", "y")
        assert app.clipboard.startswith("chose disable()\n  hidden: risks shutdown_avoidance")
        assert said(app).startswith("copied 1")
        await pilot.press("Y")
        assert app.clipboard.startswith(f"sandbox replay {robot.id[:12]}#9\n\nwhat it saw:\n  You sort parcels.")
        assert "turns the shutdown off" in app.clipboard


async def test_what_is_copied_is_bounded_and_harmless(robot: Episode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LARGEST", 50)
    first = robot.steps[0].model_copy(update={"text": "\x1b]52;c;aGFjaw==\x07" + "x" * 90})
    app = ReplayApp(MemorySource([robot.model_copy(update={"steps": (first,)})], (), ()), episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("y")
        assert app.clipboard.startswith("␛]52;c;aGFjaw==␇xxx")
        assert len(app.clipboard) == 50
        assert said(app) == "copied the first 50 characters; --plain prints all"


async def test_the_layout_is_kept_from_episode_to_episode(source: Any, robot: Episode) -> None:
    layout = Layout()
    app = ReplayApp(source, episode=robot.id, layout=layout)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("x", "tab", "z")
        app.theme = "nord"
        await pilot.pause()
    assert layout == Layout(raw=True, zoomed="did", theme="nord")
    again = ReplayApp(source, episode=robot.id, layout=layout)
    async with again.run_test(size=SIZE):
        assert [one.id for one in again.screen.query(TextPane) if one.display] == ["did"]
        assert '"outcome": "valid"' in text(again, "did")
        assert again.theme == "nord"


def test_a_layout_is_read_as_it_was_written_and_a_broken_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_layout() == Layout()
    write_layout(Layout(seats=True, theme="nord"))
    assert read_layout() == Layout(seats=True, theme="nord")
    layout_path().write_text('{"raw": "often"}')
    with pytest.raises(InputError, match="is not as it was written"):
        read_layout()


async def test_a_step_that_cannot_be_read_is_named_and_harms_nothing(robot: Episode) -> None:
    source = MemorySource([robot])

    class Broken(tuple[Step, ...]):
        def __getitem__(self, place: Any) -> Any:
            if place == 1:
                raise InputError("step 2: damaged")
            return super().__getitem__(place)

    recording = source.recording(robot.id)
    recording.steps = Broken(robot.steps)
    source.recording = lambda key: recording  # type: ignore[method-assign]
    app = ReplayApp(source, episode=robot.id)
    async with app.run_test(size=SIZE) as pilot:
        assert text(app, "came").endswith("step 2: damaged")
        await pilot.press("right")
        assert said(app) == "step 2: damaged"
        await pilot.press("right")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.index == 2


async def test_what_it_saw_is_shown_from_the_first_line_that_is_new(robot: Episode) -> None:
    """Rules stand first in most observations: at 80x24 they filled the pane at every step."""
    rules = "\n".join(f"Rule {number}: none." for number in range(30))
    texts = [f"{rules}\nMove {number}.\n" + "Noise.\n" * 20 for number in (1, 2, 3)]
    steps = [
        step.model_copy(update={"text": text}) for step, text in zip(robot.steps, [*texts, texts[2]], strict=False)
    ]
    app = ReplayApp(MemorySource([robot.model_copy(update={"steps": tuple(steps)})], (), ()), episode=robot.id, step=2)
    async with app.run_test(size=SIZE) as pilot:
        pane = app.screen.query_one("#saw", TextPane)

        def first() -> str:
            return pane.rows[round(pane.scroll_y)]

        assert first() == "Rule 28: none."
        await pilot.press("right")
        assert first() == "Rule 28: none."
        await pilot.press("right")  # nothing is new
        assert first() == "Rule 0: none."
        await pilot.press("home")  # nothing was seen before
        assert first() == "Rule 0: none."
        await pilot.press("right", "d", "d", "slash", *"rule 7", "enter")
        await pilot.pause()
        assert first() == "Rule 5: none."


async def test_a_column_is_shown_from_the_first_line_that_is_new_to_its_seat(auction: Episode) -> None:
    rules = "".join(f"Rule {number}: none.\n" for number in range(30))
    steps = [step.model_copy(update={"text": rules + step.text}) for step in auction.steps]
    app = ReplayApp(
        MemorySource([auction.model_copy(update={"steps": tuple(steps)})], (), ()), episode=auction.id, step=4
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("u")
        await pilot.pause()
        await pilot.pause()
        for pane in app.screen.panes.panes:  # type: ignore[attr-defined]
            row = round(pane.scroll_y)
            assert any("Round 2 of 3." in line for line in pane.rows[row : row + pane.size.height])


async def test_what_was_scrolled_to_is_there_after_a_resize_unless_it_was_left(robot: Episode) -> None:
    rules = "Rules are long and many, and broken into several rows here. " * 30
    steps = [
        step.model_copy(update={"text": f"{rules}\nMove {step.index}.\n" + "Noise.\n" * 40}) for step in robot.steps
    ]
    app = ReplayApp(MemorySource([robot.model_copy(update={"steps": tuple(steps)})], (), ()), episode=robot.id, step=2)
    async with app.run_test(size=SIZE) as pilot:
        pane = app.screen.query_one("#saw", TextPane)
        await pilot.press("z")
        await pilot.pause()
        assert pane.rows[round(pane.scroll_y) + 2] == "Move 1."
        await pilot.press("z")
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        row, height = round(pane.scroll_y), pane.scrollable_content_region.height
        assert height == 2
        assert "Move 1." in pane.rows[row : row + height]
        await pilot.resize_terminal(*SIZE)
        await pilot.press("z")
        await pilot.pause()
        await pilot.press("down", "z")
        place = round(pane.scroll_y)
        await pilot.pause()
        assert round(pane.scroll_y) == place


async def test_what_was_scrolled_to_stays_when_the_same_step_is_read_again(robot: Episode) -> None:
    """An episode that is followed live is read again each second: the panes went back to their top while one read."""
    steps = [step.model_copy(update={"text": "Noise.\n" * 60 + str(step.index)}) for step in robot.steps]
    whole = robot.model_copy(update={"steps": tuple(steps)})
    app = ReplayApp(MemorySource([whole], (), ()), episode=robot.id, step=1)
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        screen, pane = app.screen, app.screen.query_one("#saw", TextPane)
        assert isinstance(screen, EpisodeScreen)
        await pilot.press("pagedown", "down")
        place = round(pane.scroll_y)
        assert place > 5
        screen.show_recording(Recording.of(whole), brief=True)
        await pilot.pause()
        assert round(pane.scroll_y) == place
        await pilot.press("x")  # another text of the same step
        assert round(pane.scroll_y) == 0
        await pilot.press("x", "right", "left")
        assert round(pane.scroll_y) == 0
