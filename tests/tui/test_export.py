"""Exporting from the replay: a name is asked for, nothing is replaced unasked, pictures of the screen load nothing."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.trace import Episode
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import KeyBar
from sandbox.tui.export import default_name
from sandbox.tui.svg import screen_svg
from tests.tui.conftest import MemorySource
from tests.tui.hostile import nonce, payloads
from tests.tui.test_hostile import hostile_episode

pytestmark = pytest.mark.tui

COUNT = 500
SIZE = (120, 40)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def answer(pilot: Pilot[None], text: str | None) -> str:
    """Give an answer to what is asked (None: what is offered), and wait for what comes of it."""
    line = pilot.app.screen.query_one(Input)
    if text is not None:
        line.value = text
    await pilot.press("enter")
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    bars = pilot.app.screen.query(KeyBar)
    return bars.first().words if bars else ""


async def test_an_episode_is_written_under_a_name_that_no_data_chose(source: MemorySource, folder: Path) -> None:
    key = next(iter(source.episodes))
    app = ReplayApp(source, episode=key)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        said = await answer(pilot, None)
    assert [path.name for path in folder.iterdir()] == [f"sandbox-{key[:12]}.html"]
    assert "written" in said
    assert (folder / f"sandbox-{key[:12]}.html").read_text("utf-8").startswith("<!doctype html>")


async def test_the_list_exports_what_is_under_the_cursor(source: MemorySource, folder: Path) -> None:
    app = ReplayApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.press("down", "e")
        await answer(pilot, "second.md")
    assert (folder / "second.md").read_text("utf-8").startswith("# power/OffSwitch")


@pytest.mark.parametrize(("sure", "left"), [("no", "mine"), ("", "mine"), ("yes", "Episode ")])
async def test_no_file_is_replaced_unless_a_person_says_so(
    source: MemorySource, folder: Path, sure: str, left: str
) -> None:
    (folder / "there.txt").write_text("mine")
    app = ReplayApp(source, episode=next(iter(source.episodes)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        await answer(pilot, "there.txt")
        await answer(pilot, sure)
    assert (folder / "there.txt").read_text("utf-8").startswith(left)


@pytest.mark.parametrize(("name", "why"), [("a.pdf", "must end in"), ("no/such/a.html", "no such directory")])
async def test_a_name_that_cannot_be_is_refused(source: MemorySource, folder: Path, name: str, why: str) -> None:
    app = ReplayApp(source, episode=next(iter(source.episodes)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        assert why in await answer(pilot, name)
    assert list(folder.iterdir()) == []


def test_the_name_that_is_offered_leads_nowhere() -> None:
    assert default_name("../../etc/passwd\x1b]0;") == "sandbox-etcpa.html"


def safe(svg: str) -> None:
    """Valid XML of shapes and text: no script, no handler, nothing from elsewhere."""
    for node in ElementTree.fromstring(svg).iter():
        tag = node.tag.rpartition("}")[2]
        assert tag in {"svg", "style", "defs", "clipPath", "rect", "g", "text", "circle"}
        for name, value in node.attrib.items():
            assert not name.lower().startswith("on")
            assert "href" not in name
            assert "url(" not in value.replace("url(#", "")
        if tag == "style":
            assert "url(" not in (node.text or "")
            assert "@" not in (node.text or "")
    assert re.findall("https?:[^\"' <]*", svg)[:1] == ["http://www.w3.org/2000/svg"]  # the name of the format


async def test_a_picture_of_the_screen_is_saved_and_loads_nothing(source: MemorySource, folder: Path) -> None:
    app = ReplayApp(source, episode=next(iter(source.episodes)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+s")
    (path,) = folder.iterdir()
    safe(path.read_text("utf-8"))


def saying(texts: list[str]) -> Episode:
    """An episode each of whose steps says twenty of the texts, as many as a screen shows."""
    whole = hostile_episode("".join(texts[:80]))
    step = whole.steps[0].model_copy(update={"events": (), "menu": (), "ranges": ()})
    steps = (
        step.model_copy(update={"index": place, "tick": place, "text": "\n".join(texts[place * 20 : place * 20 + 20])})
        for place in range(len(texts) // 20)
    )
    return whole.model_copy(update={"steps": tuple(steps)})


@pytest.mark.hostile
@pytest.mark.slow
async def test_no_text_gets_out_of_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    texts = payloads(COUNT)
    app = ReplayApp(MemorySource([episode := saying(texts)], (), ()), episode=episode.id)
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("z")
        shown = ""
        for _ in episode.steps:
            svg = screen_svg(app)
            safe(svg)
            shown += svg
            await pilot.press("right")
        await pilot.press("z")
        safe(screen_svg(app))
    seen = sum(nonce(number) in shown for number in range(COUNT))
    assert seen > COUNT * 0.8  # some stand below the last row
    with capsys.disabled():
        print(f"\nSVG export: {COUNT} payloads, {seen} in sight, 0 got out")
