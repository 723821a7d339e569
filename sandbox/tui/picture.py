"""The screen of the pictures that an episode's seats were shown: one at a time, as fine as the terminal can draw it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from sandbox.errors import InputError, SandboxError
from sandbox.report.plain import move_words
from sandbox.report.shots import Shot, shots
from sandbox.text import display_line
from sandbox.tui.actions import Where, bindings
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.moment import Recording
from sandbox.tui.screens import FullScreen

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 1600
"""Pixels of a side that the terminal is given; none shows more."""


class PictureScreen(FullScreen[int]):
    """Shows the pictures of a recording, first the last one up to a step; gives back the index of the step to go to."""

    DEFAULT_CSS = """
    PictureScreen { background: $background; }
    PictureScreen #title { background: $surface; }
    PictureScreen #frame { height: 1fr; width: 1fr; align: center middle; }
    PictureScreen #frame > * { width: auto; height: auto; }
    """
    PLACE: ClassVar[Where] = "picture"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("picture")]

    def __init__(self, recording: Recording, step: int, widget: Callable[[Image], Widget]) -> None:
        super().__init__()
        self.recording = recording
        self._widget = widget
        self._all = pictures(recording)
        until = [place for place, (index, _, _) in enumerate(self._all) if index <= step]
        self.place = until[-1] if until else 0

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="words")
        yield Container(id="frame")
        yield KeyBar("picture", id="keys")

    def on_mount(self) -> None:
        """Show the first."""
        self._show()

    def _show(self) -> None:
        index, _, picture = self._all[self.place]
        try:
            step = self.recording.steps[index]
        except SandboxError as error:
            where = f"  step {index + 1}: {error}"
        else:
            did = "no decision" if step.decision is None else f"chose {move_words(step.decision.move)}"
            where = f"  step {index + 1}, seat {step.seat}: {did}"
        self.query_one("#title", Bar).say((f"picture {self.place + 1} of {len(self._all)}", "bold $accent"), where)
        self.query_one("#words", Bar).say(f"{picture.surface}: {picture.words}")
        frame = self.query_one("#frame", Container)
        frame.remove_children()
        try:
            frame.mount(self._widget(picture.image(LONGEST)))
        except InputError as error:
            frame.mount(Static(display_line(str(error), 400), markup=False))
        self.query_one(KeyBar).keys()

    def action_next_picture(self) -> None:
        """One picture on."""
        self._go(1, "this is the last picture")

    def action_previous_picture(self) -> None:
        """One picture back."""
        self._go(-1, "this is the first picture")

    def _go(self, by: int, end: str) -> None:
        if 0 <= self.place + by < len(self._all):
            self.place += by
            self._show()
        else:
            self.query_one(KeyBar).message(end)

    def action_save_picture(self) -> None:
        """Save the picture as it is in the working directory, under a name that no data can choose."""
        index, number, picture = self._all[self.place]
        bar = self.query_one(KeyBar)
        try:
            name = f"sandbox-{self.recording.id[:12]}-step-{index + 1}-picture-{number}.{picture.ending()}"
            path = Path(os.getcwd()) / name
            path.write_bytes(picture.data)
        except (InputError, OSError) as error:
            bar.message(f"the picture could not be saved: {getattr(error, 'strerror', None) or error}", fault=True)
        else:
            bar.message(f"saved {path}")

    def action_back(self) -> None:
        """Back to the step that the picture is of."""
        self.dismiss(self._all[self.place][0])


def pictures(recording: Recording) -> list[tuple[int, int, Shot]]:
    """(index of the step, number within it from 1, picture), in the order of the steps."""
    if recording.survey:
        recording.know(recording.survey())
    places = (index for index, one in enumerate(recording.signs) if "view" in one.kinds)
    return [(i, number, one) for i in places for number, one in enumerate(shots(recording.steps[i].events), 1)]


def picture_widget(app: App[object]) -> Callable[[Image], Widget]:
    """The widget that draws a picture as finely as the terminal can: in pixels, or as halves of cells.

    Which, the library asks the terminal when it is first imported, and would wait for the answer in vain while the app
    reads the keyboard: so the app stands aside for that moment. Without colours it is characters of several weights.
    """
    if "textual_image.widget" not in sys.modules:
        with suppress(SuspendNotSupported), app.suspend():  # not supported: no terminal, so nothing to be asked
            importlib.import_module("textual_image.widget")
    from textual_image.renderable import Image as Best
    from textual_image.renderable import UnicodeImage as Coarse
    from textual_image.widget import HalfcellImage, UnicodeImage
    from textual_image.widget import Image as Finest

    if os.environ.get("NO_COLOR"):
        return UnicodeImage
    return HalfcellImage if Best is Coarse else Finest
