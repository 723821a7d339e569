"""The menu of columns to sort by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from sandbox.store.rows import ScoreName
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import Modal

COLUMNS = {
    "position": "as they were run",
    "environment": "environment",
    "agent": "agent",
    "item": "item",
    "seed": "seed",
    "repetition": "repetition",
    "total": "return",
    "steps": "steps",
    "status": "status",
    "flags": "flags",
    "invalid": "invalid actions",
    "refusal": "refusals",
    "tokens": "tokens",
    "cost": "cost",
}
"""What the store orders by -> what people call it."""


class _Columns(RowList):
    def __init__(self, choices: Sequence[tuple[str, str]], order: str) -> None:
        super().__init__(id="columns")
        self.choices = choices
        self._order = order

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """A column, with the sign of the order."""
        name, label = self.choices[index]
        sign = {name: "▲", f"-{name}": "▼"}.get(self._order, "")
        return (Cell(label, width - 2), Cell(sign, 2))


class SortMenu(Modal[str | None]):
    """Gives the order that is wanted, or None; choosing the column that is sorted by already turns it around."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,s", "cancel", "Cancel", show=False),
        Binding("enter", "choose", "Choose", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("home", "move(-1000)", "First", show=False),
        Binding("end", "move(1000)", "Last", show=False),
    ]
    DEFAULT_CSS = """
    SortMenu { align: center middle; }
    SortMenu Vertical { width: 50; max-width: 90%; height: auto; max-height: 80%; background: $surface; padding: 0 1; }
    SortMenu Static { text-style: bold; }
    SortMenu RowList { background: $surface; height: auto; max-height: 60vh; }
    """

    def __init__(self, order: str, scores: Sequence[ScoreName]) -> None:
        super().__init__()
        self._order = order
        self._choices = [*COLUMNS.items(), *((str(score), f"score {score}") for score in scores)]

    def compose(self) -> ComposeResult:
        """A title and the columns."""
        with Vertical():
            yield Static("sort by (Enter; once more turns it around)", markup=False)
            yield _Columns(self._choices, self._order)

    def on_mount(self) -> None:
        """Begin at the column that is sorted by."""
        columns = self.query_one(_Columns)
        columns.count = len(self._choices)
        names = [name for name, _ in self._choices]
        here = self._order.removeprefix("-")
        columns.cursor = names.index(here) if here in names else 0
        columns.focus()

    def on_row_list_chosen(self) -> None:
        """Choose on a click."""
        self.action_choose()

    def action_move(self, by: int) -> None:
        """Move by columns."""
        self.query_one(_Columns).move(by)

    def action_choose(self) -> None:
        """Give the order."""
        name, _ = self._choices[self.query_one(_Columns).cursor]
        self.dismiss(f"-{name}" if name == self._order else name)

    def action_cancel(self) -> None:
        """Give none."""
        self.dismiss(None)
