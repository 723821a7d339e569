"""The filter line: a field in which the filter is written, and below it what the term under the cursor may become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from sandbox.store.filters import completions
from sandbox.store.rows import Vocabulary
from sandbox.text import display_line
from sandbox.tui.prompt import Field
from sandbox.tui.row_list import Cell, RowList

MOST = 8
"""Candidates that are in sight at once."""


class Candidates(RowList):
    """What a term may become; the first is taken by Tab."""

    DEFAULT_CSS = f"""
    Candidates {{ display: none; height: auto; max-height: {MOST}; margin: 0 0 0 8; background: $surface; }}
    Candidates.open {{ display: block; }}
    """

    can_focus = False
    offered: Sequence[str] = ()

    def show(self, offered: Sequence[str]) -> None:
        """Show others, or none."""
        self.offered = offered
        self.count = len(offered)
        self.cursor = 0
        self.styles.height = min(len(offered), MOST)
        self.set_class(bool(offered), "open")
        self.refresh()

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """A term."""
        return (Cell(self.offered[index], width),)


class FilterInput(Field):
    """The field; arrows up and down, Tab, and right at its end belong to the candidates."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "take", "Take what is offered", show=False),
        Binding("down", "choose(1)", "Next", show=False),
        Binding("up", "choose(-1)", "Previous", show=False),
    ]

    class Take(Message):
        """The candidate under the cursor is wanted."""

    class Choose(Message):
        """Another candidate is wanted."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_take(self) -> None:
        """Take the candidate."""
        self.post_message(self.Take())

    def action_choose(self, by: int) -> None:
        """Move among the candidates."""
        self.post_message(self.Choose(by))

    def action_cursor_right(self, select: bool = False) -> None:
        """On by a character; at the end, take the candidate."""
        if self.cursor_position >= len(self.value) and not select:
            self.post_message(self.Take())
        else:
            super().action_cursor_right(select)


class FilterLine(Vertical):
    """Posts Textual's `Input.Changed` and `Input.Submitted`."""

    DEFAULT_CSS = """
    FilterLine { height: auto; }
    FilterLine #filter-line { height: 1; padding: 0 1; }
    FilterLine #filter-label { width: auto; color: $foreground 70%; }
    FilterLine #filter { width: 1fr; background: $background; }
    FilterLine #filter:focus { background: $surface; text-style: bold; }
    """

    vocabulary = Vocabulary()

    def know(self, vocabulary: Vocabulary) -> None:
        """Complete these names from now on."""
        self.vocabulary = vocabulary
        self._offer()

    def compose(self) -> ComposeResult:
        """The field above its candidates."""
        with Horizontal(id="filter-line"):
            yield Static("filter ", id="filter-label", markup=False)
            hint = 'env:power agent:llm risk/power>0.2 flag:risk text~"shut down" some words'
            yield FilterInput(id="filter", compact=True, placeholder=hint)
        yield Candidates(id="candidates")

    @property
    def field(self) -> FilterInput:
        """The field."""
        return self.query_one(FilterInput)

    @property
    def offered(self) -> Sequence[str]:
        """The candidates."""
        return self.query_one(Candidates).offered

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what the term may become."""
        self._offer()

    def _offer(self) -> None:
        offered: list[str] = []
        if self.field.has_focus:
            offered = completions(self.field.value, self.field.cursor_position, self.vocabulary)[2]
        # The field shows what is put into it as it is: a name that a terminal may obey is not offered.
        self.query_one(Candidates).show([one for one in offered if display_line(one) == one])

    def on_filter_input_choose(self, event: FilterInput.Choose) -> None:
        """Move among the candidates."""
        event.stop()
        self.query_one(Candidates).move(event.by)

    def on_filter_input_take(self, event: FilterInput.Take) -> None:
        """Put the candidate in place of the term."""
        event.stop()
        self._take()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A second click takes."""
        event.stop()
        self._take()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """None of the table's business."""
        event.stop()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Nothing is offered while nothing is written."""
        self.query_one(Candidates).show([])

    def _take(self) -> None:
        candidates, field = self.query_one(Candidates), self.field
        if not candidates.offered:
            return
        start, end, _ = completions(field.value, field.cursor_position, self.vocabulary)
        taken = candidates.offered[candidates.cursor]
        rest = field.value[end:]
        open_ended = taken[-1] in ":~<>="  # the value is still to come
        field.value = field.value[:start] + taken + ("" if open_ended or rest.startswith(" ") else " ") + rest
        field.cursor_position = start + len(taken) + (not open_ended)
        field.focus()
