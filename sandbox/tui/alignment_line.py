"""Two aligned episodes on one line: a sign per row for what differs, the current row highlighted."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sandbox.report.alignment import Alignment, Row

SIGNS = {"deed": "≠", "left": "<", "right": ">", "given": "~", "same": "·"}
"""Gravest first: something else was done, or came of it; a step of the left alone; of the right alone; only what was
given differs (state, observation, menu); nothing differs."""

WIDEST = 4
"""Cells of a row in a short comparison."""


def kind(row: Row) -> str:
    """Which of `SIGNS` a row has."""
    if row.left is None or row.right is None:
        return "right" if row.left is None else "left"
    return "deed" if row.parts_ways else "given" if row.differs else "same"


class AlignmentLine(Widget):
    """Shows where in an alignment we are; where there are more rows than cells, several share one, by the gravest."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"alignment--here", "alignment--deed", "alignment--given"}
    DEFAULT_CSS = """
    AlignmentLine {
        height: 1;
        padding: 0 1;
        color: $foreground 40%;
        & > .alignment--here { background: $primary; color: $text; text-style: bold; }
        & > .alignment--deed { color: $text-error; text-style: bold; }
        & > .alignment--given { color: $text-primary; }
        &:nocolor > .alignment--here { text-style: reverse; }
    }
    """

    class Picked(Message):
        """A row was clicked on."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self._alignment: Alignment | None = None
        self._kinds: list[str] = []
        self._place = 0

    def show(self, alignment: Alignment, place: int) -> None:
        """Show an alignment at a row."""
        if alignment is not self._alignment:
            self._alignment = alignment
            self._kinds = [kind(row) for row in alignment.rows]
        self._place = place
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        base, width, count = self.rich_style, self.size.width, len(self._kinds)
        if not count or width <= 0:
            return Strip.blank(width, base)
        ticks, cells = self._layout()
        order = list(SIGNS)
        segments = []
        for tick in range(ticks):
            shared = self._kinds[tick * count // ticks : max((tick + 1) * count // ticks, tick * count // ticks + 1)]
            gravest = min(shared, key=order.index)
            style = base
            if tick == self._place * ticks // count:
                style = self.get_component_rich_style("alignment--here")
            elif gravest != "same":
                style = self.get_component_rich_style(f"alignment--{'given' if gravest == 'given' else 'deed'}")
            segments.append(Segment(SIGNS[gravest], style))
            if cells > 1 and tick < ticks - 1:
                segments.append(Segment("─" * (cells - 1), base))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Go to the row that was clicked on."""
        if self._kinds:
            ticks, cells = self._layout()
            tick = min(max(event.get_content_offset_capture(self).x, 0) // cells, ticks - 1)
            self.post_message(self.Picked(-(-tick * len(self._kinds) // ticks)))

    def _layout(self) -> tuple[int, int]:
        """(ticks, cells for each)."""
        count, width = len(self._kinds), max(self.size.width, 1)
        return (width, 1) if count > width else (count, max(1, min(WIDEST, width // count)))
