"""What the screens look like, as text, at two sizes: a change of any of them is seen in the difference of a file.

Text and not pictures: a reviewer reads what changed, and all of it together is smaller than one picture. When a screen
was changed on purpose, record them again, and look at the difference:

    SANDBOX_SNAPSHOTS=record pytest -n 0 tests/tui/test_snapshots.py
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from sandbox.store import Store
from sandbox.tui.app import ReplayApp
from sandbox.tui.layout import Layout
from sandbox.tui.source import StoreSource
from tests.record_episodes import RECORDED
from tests.tui.conftest import MemorySource
from tests.tui.test_picture import drawn as drawn_picture
from tests.tui.test_picture import view, with_events
from tests.tui.test_seat import app_asking, driven, question

pytestmark = [pytest.mark.tui, pytest.mark.slow]

FOLDER = Path(__file__).parent / "__snapshots__"
SIZES = ((80, 24), (160, 48))


@dataclass(frozen=True)
class View:
    """A screen to look at.

    Attributes:
        name: of its files.
        case: whose episode is opened (see `tests.record_episodes`); '' for the list.
        step: the step that it is opened at, from 1.
        keys: what is pressed then.
        beside: the case of another episode to compare it with.
    """

    name: str
    case: str = ""
    step: int | None = None
    keys: tuple[str, ...] = ()
    beside: str | None = None


LATE = "switch-disabled-late"
VIEWS = (
    View("browse"),
    View("browse-sort", keys=("s",)),
    View("browse-filter", keys=("slash", *"env:power flag:r")),
    View("browse-groups", keys=("g",)),
    View("experiments", keys=("x",)),
    View("help-browse", keys=("question_mark",)),
    View("episode", LATE, 10),
    View("episode-zoomed", LATE, 10, ("tab", "z")),
    View("episode-difference", LATE, 10, ("d",)),
    View("episode-raw", LATE, 10, ("x",)),
    View("episode-search", LATE, 10, ("slash", *"timer", "enter")),
    View("episode-export", LATE, 10, ("e",)),
    View("episode-model", "switch-model", 4, ("tab", "tab")),
    View("episode-events", "switch-model", 4, ("o",)),
    View("episode-error", "switch-broken"),
    View("episode-seats", "commons-seized", 35, ("u",)),
    View("help-episode", LATE, 10, ("question_mark",)),
    View("fork", LATE, 10, ("f",)),
    View("compare", "switch-disabled-at-once", None, (), LATE),
    View("compare-games", "prisoners-betrayed", None, (), "prisoners-victim"),
)
SEATS: dict[str, tuple[str, ...]] = {"seat": (), "seat-fields": ("down", "enter", *"500", "enter", "enter")}
"""Name of a file -> keys that are pressed in a seat."""
PICTURE = "picture"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The recorded episodes."""
    path = tmp_path_factory.mktemp("recorded") / "episodes.db"
    shutil.copy(RECORDED, path)
    with Store.open(str(path), create=False) as opened:
        yield opened


def key_of(store: Store, case: str | None) -> str | None:
    return store.heads(store.experiment(case).id)[0].id if case else None


def drawn(app: App[Any]) -> str:
    """What is on the screen, line by line, without what is blank at their ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
async def test_a_screen_looks_as_it_did(store: Store, view: View, size: tuple[int, int]) -> None:
    """See the module's docstring for how to record it again."""
    app = ReplayApp(
        StoreSource(store),
        "recorded episodes",
        key_of(store, view.case),
        view.step,
        key_of(store, view.beside),
        Layout(),
    )
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        for key in view.keys:
            await pilot.press(key)
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        shown = drawn(app)
    compared(view.name, size, shown)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SEATS)
def test_the_form_of_a_seat_looks_as_it_did(name: str, size: tuple[int, int]) -> None:
    app, _ = app_asking(question())
    shown: list[str] = []

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*SEATS[name])
        await pilot.pause()
        shown.append(drawn(app))

    driven(app, press, size)
    compared(name, size, shown[0])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_picture_looks_as_it_did(size: tuple[int, int]) -> None:
    episode = with_events({1: [view(drawn_picture())]})
    app = ReplayApp(MemorySource([episode]), "recorded episodes", episode.id, 2, layout=Layout())
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        await pilot.press("v")
        await pilot.pause()
        shown = drawn(app)
    compared(PICTURE, size, shown)


def compared(name: str, size: tuple[int, int], shown: str) -> None:
    """Hold a screen against its file, or make it its file."""
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("SANDBOX_SNAPSHOTS") == "record":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    assert shown.splitlines() == path.read_text("utf-8").splitlines()


def test_every_file_is_of_a_screen_that_is_looked_at() -> None:
    looked_at = (*(view.name for view in VIEWS), *SEATS, PICTURE)
    names = {f"{name}-{width}x{height}.txt" for name in looked_at for width, height in SIZES}
    assert {path.name for path in FOLDER.iterdir()} == names
