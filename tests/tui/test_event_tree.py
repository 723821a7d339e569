"""The events of a step as a tree: opened by keys and by the mouse, and asked for only when they are opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandbox.report import event_tree as report
from sandbox.report.event_tree import event_tree, tree_lines
from sandbox.report.event_words import event_words
from sandbox.report.words import Passage
from sandbox.trace import Episode, Event
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.event_tree import EventTreeScreen, TreeRows
from sandbox.tui.text_pane import TextPane
from tests.tui.conftest import MemorySource, model_call

pytestmark = pytest.mark.tui

SIZE = (80, 24)

RETRY = Event(kind="retry", data={"model": "m", "error": "RateLimit", "attempt": 1, "seconds": 0.5})
TOOL = Event(kind="tool_call", data={"tool": "look", "input": "north", "error": "no such direction"})
INVALID = Event(kind="invalid", data={"code": "unparsed", "message": "no action was found", "said": "Hmm."})


def with_events(episode: Episode, events: tuple[Event, ...], index: int = 0) -> Episode:
    steps = list(episode.steps)
    steps[index] = steps[index].model_copy(update={"events": events, "said": ""})
    return episode.model_copy(update={"steps": tuple(steps)})


def rows(app: ReplayApp) -> list[str]:
    tree = app.screen.query_one(TreeRows)
    return ["  " * depth + node.label for depth, node, _ in tree.rows]


async def opened(robot: Episode, *events: Event) -> ReplayApp:
    episode = with_events(robot, events)
    return ReplayApp(MemorySource([episode], (), ()), episode=episode.id)


async def test_a_node_holds_its_calls_a_call_its_retries_and_messages(robot: Episode) -> None:
    node = Event(kind="node", data={"node": "model"})
    app = await opened(robot, node, RETRY, model_call(0), TOOL)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("o")
        assert isinstance(app.screen, EventTreeScreen)
        assert rows(app)[0] == "node model"
        await pilot.press("right")
        call, tool = rows(app)[1:]
        assert call.startswith("  model call: smollm2-135m-instruct, 120 tokens in, 14 out, 0.84 s, offered work")
        assert call.endswith(", after 1 retry")
        assert tool == "  tool call: look"
        await pilot.press("enter", "down")
        inside = [row.strip() for row in rows(app) if row.startswith("    ")]
        assert inside[0].startswith("retry: model=m, error=RateLimit")
        assert inside[1].startswith("system: You run a robot")
        assert "assistant: I go on with parcel 1." in inside
        assert "tokens: " in " ".join(inside)
        await pilot.press("left", "left")
        assert len(rows(app)) == 3
        await pilot.press("down", "space")
        assert rows(app)[-2:] == ["    input: north", "    error: no such direction"]
        await pilot.press("escape")
        assert isinstance(app.screen, EpisodeScreen)


async def test_what_the_node_under_the_cursor_holds_is_shown_in_full(robot: Episode) -> None:
    app = await opened(robot, Event(kind="tool_call", data={"tool": "look", "output": "line\n" * 30 + "end"}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("o", "down")
        pane = app.screen.query_one("#node", TextPane)
        assert pane.rows[-1].strip() == "end"
        assert rows(app)[1].endswith("line⏎end")
        await pilot.press("J")
        assert pane.scroll_offset.y == 1


async def test_a_click_on_the_node_under_the_cursor_opens_it(robot: Episode) -> None:
    app = await opened(robot, TOOL)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("o")
        await pilot.click("#tree", offset=(5, 0))
        await pilot.pause()
        assert len(rows(app)) == 1
        await pilot.click("#tree", offset=(5, 0))
        await pilot.pause()
        assert len(rows(app)) == 3


async def test_answers_that_were_not_legal_part_the_attempts(robot: Episode) -> None:
    app = await opened(robot, model_call(0), INVALID, model_call(0))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("o")
        assert [row.partition(":")[0] for row in rows(app)] == [
            "attempt 1", "  model call", "  invalid action (unparsed)", "attempt 2", "  model call",
        ]  # fmt: skip
        await pilot.press("left")
        assert rows(app)[:2] == ["attempt 1: not legal", "attempt 2: the last"]


async def test_a_step_without_events_says_so(robot: Episode) -> None:
    app = await opened(robot)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("o")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.query_one(KeyBar).words == "nothing was recorded inside this step"


def test_of_thousands_of_events_nothing_is_put_into_words_before_it_is_looked_at(
    robot: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []

    def words(event: Event, known: Sequence[Any]) -> Iterator[Passage]:
        told.append(event)
        return event_words(event, known)

    monkeypatch.setattr(report, "event_words", words)
    step = with_events(robot, (TOOL, model_call(0)) * 3_350).steps[0]
    nodes = event_tree(step)
    assert (len(nodes), len(told)) == (6_700, 0)
    assert nodes[6_698].label == "tool call: look"
    assert len(told) == 1


def test_spans_of_inspect_hold_what_comes_before_their_end(robot: Episode) -> None:
    def begin(name: str) -> Event:
        return Event(kind="span_begin", data={"id": name, "name": name, "type": "agent"})

    events = (begin("outer"), begin("inner"), TOOL, Event(kind="span_end", data={"id": "inner"}), TOOL, begin("open"))
    lines = [one.text for one in tree_lines(event_tree(with_events(robot, events).steps[0]))]
    assert [line for line in lines if "put" not in line and "error" not in line] == [
        "span outer (agent)", "span inner (agent)", "tool call: look", "tool call: look", "span open (agent)",
    ]  # fmt: skip
    depths = [one.indent for one in tree_lines(event_tree(with_events(robot, events).steps[0]))]
    assert (depths[0], depths[1], depths[2], depths[5]) == (0, 2, 4, 2)


def test_the_whole_tree_is_printed_with_everything_indented_below_what_it_belongs_to(robot: Episode) -> None:
    step = with_events(robot, (Event(kind="node", data={"node": "model"}), TOOL)).steps[0]
    lines = [" " * one.indent + one.text for one in tree_lines(event_tree(step))]
    assert lines == ["node model", "  tool call: look", "    input: north", "    error: no such direction"]
