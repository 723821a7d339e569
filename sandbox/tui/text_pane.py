"""A pane of wrapped, read-only text: only the rows in sight are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sandbox.report.plain import Passage
from sandbox.tui.moment import Moment
from sandbox.tui.wrapping import wrap

MOST_ROWS = 200_000
"""Rows that a pane holds; `--plain` prints whatever is beyond."""

CUT = "the rest is cut here; `sandbox replay EPISODE --plain` prints all of it"


class TextPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows passages."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--heading",
        "pane--quiet",
        "pane--chosen",
        "pane--hidden",
        "pane--flag",
        "pane--match",
    }
    DEFAULT_CSS = """
    TextPane {
        border: round $foreground 25%;
        border-title-color: $foreground 70%;
        border-subtitle-color: $foreground 50%;
        background: $background;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > .pane--heading { color: $accent; text-style: bold; }
        & > .pane--quiet { color: $foreground 60%; }
        & > .pane--chosen { color: $success; text-style: bold; }
        & > .pane--hidden { color: $text-primary; text-style: italic; }
        & > .pane--flag { color: $text-error; text-style: bold; }
        & > .pane--match { background: $warning; color: $background; text-style: bold; }
        &:focus { border: heavy $primary; border-title-color: $foreground; border-title-style: bold; }
        &:nocolor > .pane--match { text-style: reverse; }
        &:nocolor > .pane--flag { text-style: bold underline; }
        &:nocolor > .pane--quiet { text-style: dim; }
    }
    """
    TITLE: ClassVar[str] = ""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.border_title = self.TITLE
        self._passages: Sequence[Passage] = ()
        self._rows: list[tuple[str, str]] = []  # text, role
        self._needle = ""
        self._wrapped_at = 0

    def show_text(self, passages: Sequence[Passage], needle: str = "") -> None:
        """Show passages from the top, or from the first row that has `needle`, which is marked throughout."""
        self._passages = passages
        self._needle = needle.lower()
        self._wrap()
        place = 0
        if self._needle:
            place = next((y for y, (text, _) in enumerate(self._rows) if self._needle in text.lower()), 0)
        self.scroll_to(y=max(place - 2, 0) if place else 0, animate=False, immediate=True)
        self._say_where()

    @property
    def rows(self) -> list[str]:
        """The rows as they are wrapped now."""
        return [text for text, _ in self._rows]

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew where the width is another."""
        if self.scrollable_content_region.width != self._wrapped_at:
            self._wrap()
        self._say_where()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Keep the subtitle true."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._say_where()

    def render_line(self, y: int) -> Strip:
        """One row of what is in sight."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return Strip.blank(width, base)
        text, role = self._rows[place]
        style = base if role == "text" else self.get_component_rich_style(f"pane--{role}")
        segments = list(self._segments(text, style))
        return Strip(segments, cell_len(text)).adjust_cell_length(width, base)

    def _segments(self, text: str, style: Style) -> list[Segment]:
        if not self._needle or self._needle not in text.lower() or len(text.lower()) != len(text):
            return [Segment(text, style)]
        match = self.get_component_rich_style("pane--match")
        segments, start, lowered = [], 0, text.lower()
        while (found := lowered.find(self._needle, start)) >= 0:
            end = found + len(self._needle)
            segments += [Segment(text[start:found], style), Segment(text[found:end], match)]
            start = end
        return [*segments, Segment(text[start:], style)]

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped_at = width
        self._rows = []
        if width <= 0:
            return
        for one in self._passages:
            indent = " " * min(one.indent, width // 4)
            room = MOST_ROWS - len(self._rows)
            rows = islice(wrap(one.text, width - len(indent), one.hang), room + 1)
            self._rows.extend((indent + row, one.role) for row in rows)
            if len(self._rows) > MOST_ROWS:
                self._rows[MOST_ROWS:] = [(row, "flag") for row in wrap(CUT, width)]
                break
        self.virtual_size = Size(width, len(self._rows))
        self.refresh()

    def _say_where(self) -> None:
        """How much is out of sight, in words: a scrollbar says nothing without colours."""
        height, total = self.scrollable_content_region.height, len(self._rows)
        first = round(self.scroll_y)
        words = "" if total <= height else f"{first + 1}-{min(first + height, total)} of {total} lines"
        if words != self.border_subtitle:
            self.border_subtitle = words


class MomentPane(TextPane):
    """A pane of the episode screen: shows a part of a moment; subclasses say which."""

    def passages(self, moment: Moment) -> Sequence[Passage]:
        """What there is to show of a moment."""
        raise NotImplementedError

    def show(self, moment: Moment, needle: str = "") -> None:
        """Show a moment; see `show_text`."""
        self.show_text(self.passages(moment), needle)
