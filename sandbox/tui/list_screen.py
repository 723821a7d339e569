"""What all screens that are a long list share: the cursor's keys, and a click that opens."""

from __future__ import annotations

from typing import ClassVar

from sandbox.tui.actions import Where
from sandbox.tui.bar import KeyBar
from sandbox.tui.row_list import RowList
from sandbox.tui.screens import FullScreen


class ListScreen(FullScreen[None]):
    """A screen with one `RowList`; subclasses say what `open` does."""

    PLACE: ClassVar[Where]
    AUTO_FOCUS: ClassVar[str | None] = "#table"

    @property
    def rows(self) -> RowList:
        """The list."""
        raise NotImplementedError

    @property
    def key_bar(self) -> KeyBar:
        """The bottom line."""
        return self.query_one("#keys", KeyBar)

    def action_open(self) -> None:
        """Open what is under the cursor."""
        raise NotImplementedError

    def on_row_list_chosen(self) -> None:
        """Open on a click."""
        self.action_open()

    def action_move(self, by: int) -> None:
        """Move by rows."""
        self.rows.move(by)

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.rows.page(by)

    def action_first(self) -> None:
        """To the first row."""
        self.rows.cursor = 0

    def action_last(self) -> None:
        """To the last row."""
        self.rows.cursor = self.rows.count - 1

    def action_leave(self) -> None:
        """Back to the screen below; out where there is none."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.app.exit()
