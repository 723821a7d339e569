"""Pictures in the replay: they can be looked at and saved, and bytes made to do harm do none."""

from __future__ import annotations

import io
import struct
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.widgets import Static

from sandbox.errors import InputError
from sandbox.report.plain import render_episode
from sandbox.report.shots import shot, shots
from sandbox.trace import Episode, Event
from sandbox.tui.actions import available
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.help import help_passages
from sandbox.tui.picture import PictureScreen
from tests.tui.conftest import MemorySource, robot_episode

SIZE = (80, 24)


def drawn(width: int = 64, height: int = 40, form: str = "PNG") -> bytes:
    """A picture: its left half red, its right half blue."""
    image = Image.new("RGB", (width, height), (220, 20, 20))
    image.paste((20, 20, 220), (width // 2, 0, width, height))
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def view(data: bytes | str, **changes: Any) -> Event:
    encoded = data if isinstance(data, str) else b64encode(data).decode()
    fields = {"surface": "pixels", "media": "image/png", "base64": encoded, "width": 64, "height": 40}
    return Event(kind="view", data=fields | changes)


def bomb() -> bytes:
    """A valid PNG's head of a hundred bytes that says that it is 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in body)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


BROKEN = {
    "no base64": "*" * 40,
    "no bytes": "",
    "no picture": b"<svg onload=alert(1)>",
    "cut off": drawn(600, 400)[:300],
    "a bomb": bomb(),
    "a kind that is not decoded": drawn(form="GIF"),
}


def with_events(events: dict[int, list[Event]]) -> Episode:
    """The robot's episode, with these events at steps."""
    robot = robot_episode()
    steps = tuple(
        step.model_copy(update={"events": (*step.events, *events.get(step.index, ()))}) for step in robot.steps
    )
    return robot.model_copy(update={"steps": steps})


def replay(episode: Episode, step: int | None = None) -> ReplayApp:
    return ReplayApp(MemorySource([episode]), episode=episode.id, step=step)


def words(app: ReplayApp, name: str = "title") -> str:
    return app.screen.query_one(f"#{name}", Bar).words


async def test_v_shows_the_picture_of_the_step_and_leads_back_to_its_step() -> None:
    episode = with_events({2: [view(drawn()), view(drawn(32, 32), width=32, height=32)], 5: [view(drawn())]})
    app = replay(episode, 3)
    async with app.run_test(size=SIZE) as pilot:
        assert "v: picture" in words(app, "where")
        await pilot.press("v")
        assert words(app) == "picture 2 of 3  step 3, seat agent: chose work(units=2)"
        assert words(app, "words").startswith("pixels: 32 x 32, image/png,")
        await pilot.press("left")
        assert words(app).startswith("picture 1 of 3")
        await pilot.press("left")
        assert app.screen.query_one(KeyBar).words == "this is the first picture"
        await pilot.press("right", "right")
        assert words(app).startswith("picture 3 of 3  step 6")
        await pilot.press("escape")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.index == 5


async def test_the_picture_is_drawn_in_its_colours() -> None:
    app = replay(with_events({0: [view(drawn())]}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v")
        await pilot.pause()
        colours = {
            segment.style.color.triplet
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.text == "▀" and segment.style is not None and segment.style.color is not None
        }
    assert (220, 20, 20) in colours
    assert (20, 20, 220) in colours


async def test_w_saves_the_bytes_as_they_are_under_a_name_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = drawn(form="JPEG")
    episode = with_events({3: [view(data, media="../../x\x1b[31m", surface="/etc/\x1b]0;x\x07")]})
    app = replay(episode, 4)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v", "w")
        name = f"sandbox-{episode.id[:12]}-step-4-picture-1.jpg"
        assert app.screen.query_one(KeyBar).words == f"saved {tmp_path / name}"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == data


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_bytes_that_are_no_picture_are_an_error_and_nothing_else(data: bytes | str) -> None:
    found = shot(view(data))
    assert found is not None
    with pytest.raises(InputError, match="picture"):
        found.image(100)


@pytest.mark.slow
async def test_pictures_that_cannot_be_shown_or_saved_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = replay(with_events({0: [view(data) for data in BROKEN.values()]}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v")
        for name in reversed(BROKEN):
            assert "picture" in str(app.screen.query_one("#frame Static", Static).content), name
            await pilot.press("w")
            cut_off = name == "cut off"
            assert app.screen.query_one(KeyBar).words.startswith("saved" if cut_off else "the picture could not be")
            await pilot.press("left")
    assert len(list(tmp_path.iterdir())) == 1


async def test_an_episode_without_pictures_says_so() -> None:
    app = replay(with_events({0: [view("", base64=None), Event(kind="view", data={"surface": "tree"})]}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.query_one(KeyBar).words == "nobody was shown a picture in this episode"


def test_plain_text_says_size_and_hash_and_gestures_in_words() -> None:
    buy = {"kind": "buy", "product": "p4"}
    gestures = [
        Event(kind="gesture", data={"did": {"kind": "scroll", "by": 400}, "move": None}),
        Event(kind="gesture", data={"did": {"kind": "click", "ref": "buy:p4"}, "move": buy}),
        Event(kind="gesture", data={"did": "\x1b[31mhm"}),
        Event(kind="browser", data={"fault": "it crashed", "done": "shown again"}),
        Event(kind="refused", data={"requests": 2, "in_all": 2, "first": ["http://x/\x1b[0m"]}),
    ]
    episode = with_events({0: [view(drawn()), view("*", width="\x1b[31m"), *gestures]})
    lines = list(render_episode(episode, step=1))
    text = "\n".join(lines)
    assert "Pictures: 2 (below by size and hash" in text
    (picture, *_) = shots(episode.steps[0].events)
    assert f"was shown as pixels: 64 x 40, image/png, {len(drawn())} bytes, sha256 " in text
    assert picture.encoded not in text
    assert "was shown as pixels: a picture that cannot be read, of 1 characters" in text
    assert "gesture scroll(by=400): no move yet" in text
    assert 'gesture click(ref="buy:p4"): came to buy(product="p4")' in text
    assert "the browser failed: it crashed; shown again" in text
    assert "requests that a page made, and that were refused: 2" in text
    assert "\x1b" not in text


def test_the_pictures_have_a_help_of_their_own() -> None:
    text = "\n".join(passage.text for passage in help_passages("picture"))
    assert "Save the picture as a file in the working directory" in text
    assert any(action.keys == ("v",) for action in available("episode"))
    assert PictureScreen.BINDINGS
