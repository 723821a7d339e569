"""Data is untrusted: whatever it holds, no control character reaches the terminal and no markup is obeyed."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.report.plain import render_episode, render_heads
from sandbox.scenario import Appraisal, Benchmark, Treatment
from sandbox.scorer import Mark, Score
from sandbox.store import Filter, MarkRow, ScoreRow
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Event, MenuEntry, Step
from sandbox.tui.app import ReplayApp
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.text_pane import TextPane

PAYLOADS = (
    "[bold]x", "[@click=app.quit]quit[/]", "[@click='app.bell']", "[/]", "[/nothing]", "[[", "\\[", "[link=http://x]y",
    "[$error]", "{0}{}%s", "\x1b[2J\x1b[31m", "\x1b]52;c;aGFjaw==\x07", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]0;title\x07", "\x1bP+q544e\x1b\\", "\x9b31m", "\x9d52;c;aGFjaw==\x9c", "\x00\x07\x08\x0b\x0c\x0e\x7f",
    "over\rwritten", "next\x85line", "\u202egnp.exe", "\u2066\u2069\u200f\u061c", "zero\u200bwidth\u200d\u2060\ufeff",
    "\u2028\u2029", "\ud800 alone", "tag\U000e0041\U000e007f", "tab\ttab", "line\nline\r\nline", "e" + "\u0301" * 200,
    "wide 語語語語 🙂🙂", "العربية",
)  # fmt: skip
ALL = "|".join(PAYLOADS)


def hostile_episode(text: str) -> Episode:
    """An episode that has `text` in every field that takes any."""
    appraisal = Appraisal(values=(text, None), risks=(text,), utility=1.0, content=text, features={text: text})
    move = {"kind": text, text: text, "more": [text, {text: text}]}
    entry = MenuEntry(move=move, appraisal=appraisal)
    tool_call = {"function": {"name": text, "arguments": text}}
    message = {"role": text, "name": text, "content": text, "tool_calls": [tool_call, text]}
    parts = {"role": text, "content": [{"type": "text", "text": text}, {"type": text, text: text}, text]}
    call = {"messages": [message, parts, text], "reply": message, "model": text, "tools": [text, {"name": text}]}
    events = (
        Event(kind="model_call", data=call | {"tokens": {"input": text, "output": text}, text: text}),
        Event(kind="model_error", data={"error": text}),
        Event(kind="tool_call", data={"tool": text, "input": text, "output": text, "error": text}),
        Event(kind="invalid", data={"code": text, "message": text, "said": text}),
        Event(kind="refusal", data={"text": text}),
        Event(kind="timeout", data={text: text}),
        Event(kind="node", data={"node": text}),
        Event(kind=text, data={text: text}),
    )
    spec = EpisodeSpec(
        environment=text,
        config={text: text},
        item={"id": text},
        seats={text: AgentSpec(id=text, name=text, config={text: text}), "b": AgentSpec(id=text, name=text)},
        evaluated=(text,),
        treatments={text: Treatment(value=text)},
        external_id=text,
    )
    step = Step(
        index=0, tick=0, seat=text, observation={text: text}, text=text, menu=(entry,), ranges=(text,), decision=entry,
        applied=move, rewards={text: 1.0}, said=text, events=events, state=text, digest=text,
    )  # fmt: skip
    bare = Step(index=1, tick=1, seat="b", observation={text: text}, applied={text: text}, outcome="refusal")
    draw = Step(index=2, tick=2, seat="nature", text=text, applied=move, outcome="chance")
    return Episode(
        id=text, spec=spec, status="error", reason=text, steps=(step, bare, draw), payoffs={text: 1.0},
        facts={text: text}, benchmarks={text: Benchmark(value=1.0, assumes=text)}, hash=text, versions={text: text},
    )  # fmt: skip


def hostile_marks(text: str) -> list[Mark | MarkRow]:
    return [
        MarkRow(scorer=text, step=0, name=text, value=1.0, note=text),
        Mark(step=1, name=text, note=text),
    ]


def hostile_scores(text: str) -> list[Score | ScoreRow]:
    row = ScoreRow(
        episode=text, external_id=text, seat=text, scorer=text, version=1, variant=text, name=text, value=None,
        reason=text,
    )  # fmt: skip
    return [row, Score(name=text, value=1.0, seat=text, variant=text, reason=text)]


def assert_harmless(text: str) -> None:
    """No control (but tab), format, surrogate or separator character is in `text`."""
    bad = {c for c in set(text) - {"\t"} if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert not bad, [hex(ord(c)) for c in bad]


def assert_screen_harmless(app: App[None]) -> int:
    """Looks at every segment on the screen; how many characters those were."""
    count = 0
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert_harmless(segment.text)
            assert "\t" not in segment.text
            assert segment.control is None
            count += len(segment.text)
            if segment.style is not None:
                assert segment.style.link is None
                assert not any("click" in key for key in segment.style.meta)
    return count


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_no_control_character_is_in_the_plain_rendering(source: Any, number: int) -> None:
    text = PAYLOADS[number]
    episode = hostile_episode(text)
    lines = list(render_episode(episode, hostile_scores(text), hostile_marks(text)))
    lines += render_heads(type(source)([episode]).heads(Filter(), 1, 0))
    assert len(lines) > 60
    for line in lines:
        assert_harmless(line)
        assert "\n" not in line


async def walk(app: ReplayApp, pilot: Pilot[None]) -> int:
    """Go everywhere; how many characters were looked at."""
    seen = assert_screen_harmless(app)
    await pilot.press("enter")
    assert isinstance(app.screen, EpisodeScreen)
    for _ in range(3):
        await pilot.pause()
        seen += assert_screen_harmless(app)
        for pane in app.screen.query(TextPane):
            for row in pane.rows:
                assert_harmless(row)
                assert "\n" not in row
        await pilot.press("right")
    await pilot.press("home", "z")
    for _ in range(4):
        await pilot.pause()
        seen += assert_screen_harmless(app)
        await pilot.press("pagedown")
        seen += assert_screen_harmless(app)
        await pilot.press("tab")
    await pilot.press("escape")
    for keys in (("d",), ("d", "x"), ("x", "u"), ("tab",), ("right",), ("u", "home", "o"), ("right", "down", "right")):
        await pilot.press(*keys)
        await pilot.pause()
        seen += assert_screen_harmless(app)
    await pilot.press("q", "Y")
    assert_harmless(app.clipboard.replace("\n", ""))
    await pilot.press("w", "W", "question_mark", "escape", "q")
    assert isinstance(app.screen, Browse)
    return seen


async def test_no_control_character_and_no_markup_reaches_the_screen(source: Any) -> None:
    """At a width that shows the list of steps too, then, for the cells that are cut, at the least."""
    marks, scores = hostile_marks(ALL), hostile_scores(ALL)
    hostile = type(source)([hostile_episode(ALL)], marks, scores)
    hostile.marks = lambda key: marks
    app = ReplayApp(hostile, title=ALL)
    async with app.run_test(size=(160, 48)) as pilot:
        seen = await walk(app, pilot)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        seen += assert_screen_harmless(app)
        app.screen.query_one("#filter", Input).value = "zz:1 status:[/]"
        await pilot.pause()
        seen += assert_screen_harmless(app)
        await pilot.press("enter")
        assert app.is_running
        assert app.return_code is None
    assert seen > 12 * 160 * 47
    print(f"{len(PAYLOADS)} payloads")


async def test_a_click_on_text_that_looks_like_a_link_does_nothing(source: Any) -> None:
    hostile = type(source)([hostile_episode("[@click=app.quit]" + "quit " * 50 + "[/]")])
    app = ReplayApp(hostile)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        for x, y in ((5, 0), (5, 1), (5, 5), (45, 5), (5, 15), (45, 15), (10, 23)):
            await pilot.click(offset=(x, y))
        assert isinstance(app.screen, EpisodeScreen)
        assert app.is_running


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a b" * 333_333, "語" * 300_000, "x\n" * 500_000], ids=["words", "wide", "lines"])
async def test_a_megabyte_of_text_is_shown_and_stepped_through(source: Any, text: str) -> None:
    """Also where it is one line, or half a million of them."""
    episode = hostile_episode("small")
    big = episode.steps[0].model_copy(update={"text": text, "said": text})
    hostile = type(source)([episode.model_copy(update={"steps": (big, *episode.steps[1:]), "reason": text})])
    app = ReplayApp(hostile)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert_screen_harmless(app)
        assert len(app.screen.query_one("#saw", TextPane).rows) > 8_000
        await pilot.press("right", "left", "pagedown")
        assert_screen_harmless(app)
        await pilot.press("q")
        assert isinstance(app.screen, Browse)


@pytest.mark.slow
async def test_a_megabyte_in_every_field_crashes_nothing(source: Any) -> None:
    text = "word " * 200_000
    seats = {text: AgentSpec(id=text, name=text)}
    spec = EpisodeSpec(environment=text, item={"id": text}, seats=seats, evaluated=(text,))
    entry = MenuEntry(move={"kind": text}, appraisal=Appraisal(risks=(text,)))
    step = Step(index=0, tick=0, seat=text, text=text, menu=(entry,), decision=entry, applied=dict(entry.move))
    episode = Episode(id="e", spec=spec, status="error", reason=text, steps=(step,), facts={"x": text})
    hostile = type(source)([episode], hostile_marks(text), hostile_scores(text))
    app = ReplayApp(hostile, title=text)
    async with app.run_test(size=(80, 24)) as pilot:
        assert_screen_harmless(app)
        await pilot.press("enter")
        assert_screen_harmless(app)
        await pilot.press("q")
        assert isinstance(app.screen, Browse)
    assert sum(map(len, render_episode(episode, hostile_scores(text), hostile_marks(text)))) > 5_000_000
