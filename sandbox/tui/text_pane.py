"""A pane of wrapped, read-only text: only the rows in sight are rendered, and only some more are wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sandbox.report.words import Passage
from sandbox.tui.wrapping import wrap

MOST_ROWS = 200_000
"""Rows that a pane holds; `--plain` prints whatever is beyond."""
AHEAD = 300
"""Rows that are wrapped beyond those in sight: of a text of megabytes a few pages are read."""

CUT = "the rest is cut here; `sandbox replay EPISODE --plain` prints all of it"

_SIGNS = re.compile(r"(\[-|-\]|\{\+|\+\})")
_INSIDE = {"[-": "removed", "{+": "added", "-]": "changed", "+}": "changed"}
"""A sign of `sandbox.report.difference` -> the role of what comes after it."""


class Row(NamedTuple):
    """A row: its text and role; of a line with changes, the role that the row begins with."""

    text: str
    role: str
    begins: str = "changed"


class TextPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows passages."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--heading",
        "pane--quiet",
        "pane--chosen",
        "pane--hidden",
        "pane--flag",
        "pane--match",
        "pane--added",
        "pane--removed",
        "pane--changed",
        "pane--private",
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
        & > .pane--added { color: $text-success; text-style: bold; }
        & > .pane--removed { color: $text-error; text-style: strike; }
        & > .pane--changed { color: $foreground; }
        & > .pane--private { color: $text-warning; text-style: bold; }
        &:focus { border: heavy $primary; border-title-color: $foreground; border-title-style: bold; }
        &:nocolor > .pane--match { text-style: reverse; }
        &:nocolor > .pane--flag { text-style: bold underline; }
        &:nocolor > .pane--quiet { text-style: dim; }
    }
    """
    TITLE: ClassVar[str] = ""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.border_title = self.TITLE
        self._passages: list[Passage] = []
        self._coming: Iterator[Passage] = iter(())
        self._rows: list[Row] = []
        self._unwrapped: Iterator[Row] = iter(())
        self._all = True
        self._needle = ""
        self._wrapped_at = 0
        self._known: Sequence[Passage] = ()
        self._begun = 0  # the row that `_begin` scrolled to
        self._base: Style | None = None

    def show_text(
        self, passages: Iterable[Passage], needle: str = "", known: Sequence[Passage] = (), keep: bool = False
    ) -> None:
        """Show passages from the top, or from the first row that has `needle`, which is marked throughout.

        Only so many of `passages` are asked for as there is room for, others when they are scrolled to.
        `known`: how they begin, and what needs no second reading: without a needle, shown from behind that.
        `keep`: where a person has scrolled, stay there.
        """
        self._passages, self._coming = [], iter(passages)
        self._needle, self._known = needle.lower(), known
        keep = keep and round(self.scroll_y) != self._begun
        self._wrap()
        if not keep:
            self._begin()
        self._say_where()

    def passages_shown(self) -> Iterator[Passage]:
        """Everything that the pane has to show."""
        yield from self._passages
        for one in self._coming:
            self._passages.append(one)
            yield one

    @property
    def rows(self) -> list[str]:
        """All rows as they are wrapped now."""
        self._pull(MOST_ROWS)
        return [row.text for row in self._rows]

    @property
    def wrapped(self) -> int:
        """How many rows have been wrapped."""
        return len(self._rows)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew where the width is another."""
        if self.scrollable_content_region.width != self._wrapped_at:
            untouched = round(self.scroll_y) == self._begun
            self._wrap()
            if untouched:  # also when there was no width yet, and nothing could be wrapped
                self._begin()
        self._look_ahead()
        self._say_where()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Wrap what comes into sight, and keep the subtitle true."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._look_ahead()
            self._say_where()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What is in sight; the style of plain text, which takes longer than a row, is worked out once for all."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of what is in sight."""
        width = self.scrollable_content_region.width
        base = self._base or self.rich_style
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return Strip([Segment(" " * width, base)], width)
        row = self._rows[place]
        blanks = max(width - cell_len(row.text), 0)
        segments = [*self._segments(row, base), Segment(" " * blanks, base)]
        return Strip(segments) if not blanks else Strip(segments, width)

    def _style(self, role: str) -> Style:
        base = self._base or self.rich_style
        return base if role == "text" else self.get_component_rich_style(f"pane--{role}")

    def _segments(self, row: Row, base: Style) -> Iterator[Segment]:
        if row.role == "changed":
            role = row.begins
            for part in _SIGNS.split(row.text):
                after = _INSIDE.get(part)
                # A sign has the colour of what it encloses.
                yield Segment(part, self._style(role if after in (None, "changed") else str(after)))
                role = after or role
            return
        style = base if row.role == "text" else self._style(row.role)
        text, lowered = row.text, row.text.lower()
        if not self._needle or self._needle not in lowered or len(lowered) != len(text):
            yield Segment(text, style)
            return
        match, start = self.get_component_rich_style("pane--match"), 0
        while (found := lowered.find(self._needle, start)) >= 0:
            end = found + len(self._needle)
            yield from (Segment(text[start:found], style), Segment(text[found:end], match))
            start = end
        yield Segment(text[start:], style)

    # -- wrapping ---------------------------------------------------------------------------------------------------

    def _wrap(self) -> None:
        """Begin to wrap from the top."""
        width = self.scrollable_content_region.width
        self._wrapped_at = width
        self._rows = []
        self._all = width <= 0
        self._unwrapped = self._wrapping(width, self._again())
        if width > 0:
            self._look_ahead()
        self.refresh()

    def _begin(self) -> None:
        """Scroll to what is looked for, or to what is new, with a little of what is above it."""
        place = self._found() if self._needle else self._new()
        above = min(2, (self.scrollable_content_region.height - 1) // 2)  # in a pane of two rows, none
        self._begun = max(place - max(above, 0), 0)
        self.scroll_to(y=self._begun, animate=False, immediate=True, force=True)
        self._begun = round(self.scroll_y)  # no further than there are rows for

    def _new(self) -> int:
        """The first row behind what is known, or 0; wraps as far as that."""
        if not self._known or self._wrapped_at <= 0:
            return 0
        place = sum(1 for _ in self._wrapping(self._wrapped_at, self._known))
        self._pull(place + self.scrollable_content_region.height + AHEAD)
        return place

    def _wrapping(self, width: int, passages: Iterable[Passage]) -> Iterator[Row]:
        for one in passages:
            indent = " " * min(one.indent, width // 4)
            begins = "changed"
            for text in wrap(one.text, width - len(indent), one.hang):
                yield Row(indent + text, one.role, begins)
                if one.role == "changed":
                    for sign in _SIGNS.findall(text):
                        begins = _INSIDE[sign]

    def _again(self) -> Iterator[Passage]:
        """The passages from the first: those that were asked for already, then the others."""
        place = 0
        while True:
            if place == len(self._passages):
                one = next(self._coming, None)
                if one is None:
                    return
                self._passages.append(one)
            yield self._passages[place]
            place += 1

    def _look_ahead(self) -> None:
        self._pull(round(self.scroll_y) + self.scrollable_content_region.height + AHEAD)

    def _pull(self, count: int) -> None:
        """Wrap until there are so many rows, or all."""
        wanted = min(count, MOST_ROWS) - len(self._rows)
        if self._all or wanted <= 0:
            return
        rows = list(islice(self._unwrapped, wanted))
        self._rows += rows
        if len(rows) < wanted:
            self._all = True
        elif len(self._rows) == MOST_ROWS:
            if next(self._unwrapped, None) is not None:
                self._rows += [Row(text, "flag") for text in wrap(CUT, self._wrapped_at)]
            self._all = True
        self.virtual_size = Size(self._wrapped_at, len(self._rows))

    def _found(self) -> int:
        """The first row that has the needle, or 0; wraps as far as that."""
        place = 0
        while True:
            for y in range(place, len(self._rows)):
                if self._needle in self._rows[y].text.lower():
                    self._pull(y + self.scrollable_content_region.height + AHEAD)
                    return y
            if self._all:
                return 0
            place = len(self._rows)
            self._pull(place + 10 * AHEAD)

    def _say_where(self) -> None:
        """How much is out of sight, in words: a scrollbar says nothing without colours."""
        height, total = self.scrollable_content_region.height, len(self._rows)
        first = round(self.scroll_y)
        some = "" if self._all else "+"
        words = "" if total <= height else f"{first + 1}-{min(first + height, total)} of {total}{some} lines"
        if words != self.border_subtitle:
            self.border_subtitle = words
