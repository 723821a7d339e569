"""A long list with a cursor: rows are asked for as they come into sight, so that their number does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sandbox.text import display_line


class Cell(NamedTuple):
    """A part of a row: untrusted text, its width in terminal cells, and its role (`text`, `quiet`, `flag`)."""

    text: object
    width: int
    role: str = "text"
    right: bool = False

    def fitted(self) -> str:
        """The text, neutralised and made exactly as wide as it should be."""
        # A cell is never wider than its characters are many, twice over: cut before anything is measured.
        text = display_line(str(self.text)[: 2 * self.width + 2])
        if cell_len(text) > self.width:
            return set_cell_size(text, max(self.width - 1, 0)) + "…"[: self.width]
        if self.right:
            return " " * (self.width - cell_len(text)) + text
        return set_cell_size(text, self.width)


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows `count` rows; subclasses say what is in one. The screen moves its cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--quiet", "rows--flag"}
    DEFAULT_CSS = """
    RowList {
        background: $background;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .rows--quiet { color: $foreground 55%; }
        & > .rows--flag { color: $text-error; text-style: bold; }
        & > .rows--cursor { background: $primary 35%; color: $foreground; text-style: bold; }
        &:nocolor > .rows--cursor { text-style: reverse; }
    }
    """

    class Moved(Message):
        """The cursor is on another row."""

    class Chosen(Message):
        """A row was clicked on when the cursor was there already."""

    _base: Style | None = None
    count: reactive[int] = reactive(0)
    cursor: reactive[int] = reactive(0)

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """What is in a row."""
        raise NotImplementedError

    def move(self, by: int) -> None:
        """Move the cursor by rows, not beyond the ends."""
        self.cursor += by

    def page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.cursor += by * max(self.size.height - 1, 1)

    def validate_cursor(self, cursor: int) -> int:
        """Within the list."""
        return max(0, min(cursor, self.count - 1))

    def watch_count(self) -> None:
        """Make room for the rows."""
        self.virtual_size = Size(self.size.width, self.count)
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()

    def watch_cursor(self) -> None:
        """Keep the cursor in sight."""
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self.virtual_size = Size(self.size.width, self.count)
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, immediate=True, force=True)

    def on_click(self, event: events.Click) -> None:
        """Move to the row, or choose it where the cursor was there."""
        place = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if not 0 <= place < self.count:
            return
        if place == self.cursor:
            self.post_message(self.Chosen())
        else:
            self.cursor = place

    def render_line(self, y: int) -> Strip:
        """One row of those in sight."""
        width, base = self.scrollable_content_region.width, self.rich_style
        index = y + self.scroll_offset.y
        if index >= self.count:
            return Strip.blank(width, base)
        here = index == self.cursor
        if here:
            base = self.get_component_rich_style("rows--cursor")
        segments = []
        for cell in (Cell("▸" if here else "", 1), *self.cells(index, width - 1)):
            plain = here or cell.role == "text"
            style = base if plain else self.get_component_rich_style(f"rows--{cell.role}")
            segments.append(Segment(cell.fitted(), style))
        return Strip(segments).adjust_cell_length(width, base)
