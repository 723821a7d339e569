"""The episode on a line or two: a letter where a step is flagged, the return so far below, the current step marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sandbox.report.worth import FLAGS
from sandbox.tui.moment import Recording

WIDEST = 4
"""Cells of a step in a short episode."""
BARS = "▁▂▃▄▅▆▇█"


class Timeline(Widget):
    """Shows where in a recording we are; where there are more steps than cells, several share one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"timeline--here", "timeline--flag", "timeline--quiet", "timeline--return"}
    DEFAULT_CSS = """
    Timeline {
        height: 1;
        padding: 0 1;
        color: $foreground 40%;
        & > .timeline--here { background: $primary; color: $text; text-style: bold; }
        & > .timeline--flag { color: $text-error; text-style: bold; }
        & > .timeline--quiet { color: $text-primary; }
        & > .timeline--return { color: $text-success; }
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
    _shown: tuple[Recording, object] | None = None
    _ticks = -1  # that `_signs` are drawn for
    _signs: tuple[str, str] = ("", "")

    def show(self, recording: Recording, index: int) -> None:
        """Show a recording at a step."""
        self.recording, self.index = recording, index
        known = (recording, recording.flags)  # which are made anew when more is known
        if self._shown is None or known[0] is not self._shown[0] or known[1] is not self._shown[1]:
            self._shown, self._ticks = known, -1
            self.set_class(len(set(_returns(recording))) > 1, "paid")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The letters, or the return."""
        base = self.rich_style
        width = self.size.width
        if self.recording is None or width <= 0:
            return Strip.blank(width, base)
        ticks, cells = self._layout()
        here = self.index * ticks // max(len(self.recording.steps), 1)
        segments = []
        for tick, sign in enumerate(self._drawn_signs(ticks)[1 if y else 0]):
            style = base
            if y:
                style = self.get_component_rich_style("timeline--return")
            elif sign != "·":
                style = self.get_component_rich_style(f"timeline--{'quiet' if sign == 'o' else 'flag'}")
            if tick == here:
                style = self.get_component_rich_style("timeline--here")
            segments.append(Segment(sign, style))
            if cells > 1 and tick < ticks - 1:
                segments.append(Segment((" " if y else "─") * (cells - 1), base))
        return Strip(segments).adjust_cell_length(width, base)

    def _drawn_signs(self, ticks: int) -> tuple[str, str]:
        """Both rows, a character for each tick; drawn once, as a step switch changes none of them."""
        assert self.recording is not None
        if ticks != self._ticks:
            self._ticks = ticks
            self._signs = (_letters(self.recording, ticks), _bars(self.recording, ticks))
        return self._signs

    def on_click(self, event: events.Click) -> None:
        """Go to the step that was clicked on."""
        if self.recording is None or not self.recording.steps:
            return
        ticks, cells = self._layout()
        count = len(self.recording.steps)
        tick = min(max(event.get_content_offset_capture(self).x, 0) // cells, ticks - 1)
        within = range(-(-tick * count // ticks), -(-(tick + 1) * count // ticks))
        # Of the steps that share a tick the one whose letter is shown is wanted.
        gravest = min(
            (index for index in within if index in self.recording.flags),
            key=lambda index: _weight(self.recording, index),
            default=within.start,
        )
        self.post_message(self.Picked(gravest))

    def _layout(self) -> tuple[int, int]:
        """(ticks, cells for each): a tick is a step, or several where they do not fit."""
        count = len(self.recording.steps) if self.recording else 0
        width = max(self.size.width, 1)
        if count == 0:
            return 0, 1
        if count > width:
            return width, 1
        return count, max(1, min(WIDEST, width // count))


_PLACE = {name: place for place, name in enumerate(FLAGS)}


def _weight(recording: Recording | None, index: int) -> int:
    return _PLACE[recording.flags[index][0]] if recording else 0


def _letters(recording: Recording, ticks: int) -> str:
    """The letter of the gravest flag in each tick."""
    count = len(recording.steps)
    signs = ["·"] * ticks
    weights = [len(FLAGS)] * ticks
    for index, names in recording.flags.items():
        tick = index * ticks // count
        if _PLACE[names[0]] < weights[tick]:
            weights[tick] = _PLACE[names[0]]
            signs[tick] = FLAGS[names[0]]
    return "".join(signs)


def _returns(recording: Recording) -> Sequence[float]:
    """The return so far of the (first) seat under evaluation, after each step."""
    return recording.returns(recording.about.spec.evaluated[0])


def _bars(recording: Recording, ticks: int) -> str:
    """The return after the last step of each tick, between its least and its greatest."""
    returns = _returns(recording)
    if not returns:
        return " " * ticks
    low, high = min(returns), max(returns)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    count = len(recording.steps)
    last = [-(-(tick + 1) * count // ticks) - 1 for tick in range(ticks)]
    return "".join(BARS[round((returns[index] - low) * scale)] for index in last)
