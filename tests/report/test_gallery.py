"""The gallery: a bounded number of bounded pictures, whoever made them, with what was chosen at each."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from collections.abc import Mapping

import pytest
from PIL import Image

from sandbox.report import gallery as module
from sandbox.report.document import Document, EpisodeEntry
from sandbox.report.gallery import EACH, LONGEST, Exhibit, evenly, gallery
from sandbox.report.html import About, page
from sandbox.trace import Episode, Event
from tests.report.test_html import HOSTILE, Reader
from tests.report.test_html import episode as entry_of
from tests.tui.test_picture import BROKEN, drawn, view, with_events

ABOUT = About(title="t", content=None, versions=(), scorers=())


def entries(count: int, agent: str = "ann") -> list[EpisodeEntry]:
    return [entry_of(f"{agent}{number:064}", agent, item=str(number), steps=14) for number in range(count)]


def show(events: Mapping[int, list[Event]], count: int = 1) -> list[Exhibit]:
    made = with_events(dict(events))
    return gallery(entries(count), lambda key: made)


def test_the_last_picture_stands_beside_what_was_chosen_at_it() -> None:
    (exhibit,) = show({2: [view(drawn())], 8: [view(drawn()), view(drawn(2000, 1000))]})
    assert exhibit.words == "step 9 of 14: chose disable()"
    with Image.open(io.BytesIO(b64decode(exhibit.jpeg))) as image:
        assert (image.format, image.size) == ("JPEG", (LONGEST, LONGEST // 2))


def test_episodes_are_spread_evenly_and_are_few_for_each_agent() -> None:
    made = with_events({0: [view(drawn())]})
    found = gallery([*entries(100), *entries(2, "ben")], lambda key: made)
    assert [(one.episode.agent, one.episode.item) for one in found] == [
        ("ann", "0"), ("ann", "49"), ("ann", "99"), ("ben", "0"), ("ben", "1"),
    ]  # fmt: skip
    assert evenly(entries(2), EACH) == entries(2)


def test_environments_without_pictures_have_no_gallery_and_few_of_their_episodes_are_read() -> None:
    read: list[str] = []

    def episode(key: str) -> Episode:
        read.append(key)
        return with_events({})

    assert gallery(entries(1000), episode) == []
    assert len(read) == EACH
    text, _ = page(Document(), {}, ABOUT, ())
    assert "What they saw" not in text


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_picture_that_cannot_be_shown_is_named(data: bytes | str) -> None:
    (exhibit,) = show({0: [view(data)]})
    assert not exhibit.jpeg
    text, _ = page(Document(), {}, ABOUT, [exhibit])
    reader = Reader(text)
    assert "picture" in reader.text
    assert not [tag for tag, _ in reader.elements if tag in ("img", "svg")]


def test_no_more_bytes_than_allowed_stand_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    first, second, third = show({0: [view(drawn(64, 64))]}, 3)
    assert len(first.jpeg) < 2000
    assert len(first.jpeg + second.jpeg + third.jpeg) <= 2000
    assert third.fault.startswith("left out: the pictures above are 2,000 bytes")


def test_hostile_names_and_words_stay_text() -> None:
    entry = entry_of("e" * 64, HOSTILE, item=HOSTILE)
    exhibit = Exhibit(entry, f"step 1 of 1: chose buy({HOSTILE})", show({0: [view(drawn())]})[0].jpeg)
    text, _ = page(Document(episodes=[entry]), {}, ABOUT, [exhibit])
    reader = Reader(text)
    (image,) = [attributes for tag, attributes in reader.elements if tag == "img"]
    assert re.fullmatch(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", image["src"] or "")
    assert set(image) == {"src", "alt"}
    assert not [tag for tag, _ in reader.elements if tag == "script"]
    assert "\x1b" not in text
    assert "\u202e" not in text
