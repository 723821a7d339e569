"""The episode on one line: a tick per step, a letter where a step is flagged, the current step highlighted."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sandbox.report.plain import FLAGS
from sandbox.tui.moment import Recording

WIDEST = 4
"""Cells of a step in a short episode."""


class Timeline(Widget):
    """Shows where in a recording we are; where there are more steps than cells, several share one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"timeline--here", "timeline--flag", "timeline--quiet"}
    DEFAULT_CSS = """
    Timeline {
        height: 1;
        padding: 0 1;
        color: $foreground 40%;
        & > .timeline--here { background: $primary; color: $text; text-style: bold; }
        & > .timeline--flag { color: $text-error; text-style: bold; }
        & > .timeline--quiet { color: $text-primary; }
        &:nocolor > .timeline--here { text-style: reverse; }
    }
    """

    class Picked(Message):
        """A step was clicked on."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    recording: Recording | None = None
    index = 0

    def show(self, recording: Recording, index: int) -> None:
        """Show a recording at a step."""
        self.recording, self.index = recording, index
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        base = self.rich_style
        width = self.size.width
        if self.recording is None or width <= 0:
            return Strip.blank(width, base)
        count = len(self.recording.episode.steps)
        ticks, cells = self._layout()
        here = self.index * ticks // max(count, 1)
        signs = ["·"] * ticks
        weight = [len(FLAGS)] * ticks
        order = {name: place for place, name in enumerate(FLAGS)}
        for index, names in self.recording.flags.items():
            tick = index * ticks // count
            if order[names[0]] < weight[tick]:
                weight[tick] = order[names[0]]
                signs[tick] = FLAGS[names[0]]
        segments = []
        for tick, sign in enumerate(signs):
            style = base
            if sign != "·":
                style = self.get_component_rich_style(f"timeline--{'quiet' if sign == 'o' else 'flag'}")
            if tick == here:
                style = self.get_component_rich_style("timeline--here")
            segments.append(Segment(sign, style))
            if cells > 1 and tick < ticks - 1:
                segments.append(Segment("─" * (cells - 1), base))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Go to the step that was clicked on."""
        if self.recording is None or not self.recording.episode.steps:
            return
        ticks, cells = self._layout()
        count = len(self.recording.episode.steps)
        tick = min(max(event.get_content_offset_capture(self).x, 0) // cells, ticks - 1)
        self.post_message(self.Picked(-(-tick * count // ticks)))

    def _layout(self) -> tuple[int, int]:
        """(ticks, cells for each): a tick is a step, or several where they do not fit."""
        count = len(self.recording.episode.steps) if self.recording else 0
        width = max(self.size.width, 1)
        if count == 0:
            return 0, 1
        if count > width:
            return width, 1
        return count, max(1, min(WIDEST, width // count))
