"""A column for each seat: what it was shown last, what it did, what it said; what no other was shown is marked."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.containers import HorizontalScroll
from textual.content import Content

from sandbox.errors import SandboxError
from sandbox.report.seats import Column
from sandbox.report.words import passage
from sandbox.text import display_line
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import TextPane

NARROWEST = 38
"""Cells of a column; where there are more seats than fit, the others are scrolled to."""


class Seats(HorizontalScroll, can_focus=False):
    """The columns, side by side; where they do not fit, the one with focus is scrolled to."""

    DEFAULT_CSS = """
    Seats { height: 1fr; width: 1fr; scrollbar-size-horizontal: 1; }
    Seats > TextPane { height: 1fr; }
    """

    panes: Sequence[TextPane] = ()

    def on_resize(self, event: events.Resize) -> None:
        """As many columns side by side as are wide enough to be read."""
        self.widen()

    def widen(self) -> None:
        """Share out the width; what has all the room has it all."""
        zoomed = any(pane.has_class("zoomed") for pane in self.panes)
        abreast = 1 if zoomed else max(min(len(self.panes), self.size.width // NARROWEST), 1)
        for pane in self.panes:
            pane.styles.width = self.size.width // abreast

    def show(self, moment: Moment, needle: str = "", keep: bool = False) -> None:
        """Show all seats at a moment; the columns are made once, as an episode's seats stay the same."""
        try:
            columns = moment.columns()
        except SandboxError as error:
            columns = [Column("", "cannot be read", [passage(error, "flag")])]
        if len(self.panes) != len(columns):
            self.remove_children()
            self.panes = [TextPane() for _ in columns]
            self.mount_all(self.panes)
            self.widen()
        for pane, column in zip(self.panes, columns, strict=True):
            acting = moment.step is not None and column.seat == moment.step.seat
            # The library reads a title as markup, unless it is given as content.
            pane.border_title = Content(display_line(("▸ " if acting else "") + column.title, 60))
            pane.set_class(acting, "acting")
            pane.show_text(column.passages, needle, column.passages[: column.known], keep)
