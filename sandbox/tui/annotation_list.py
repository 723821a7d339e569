"""The screen that lists what people say of an episode: from here one goes to the step, changes it, or deletes it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from sandbox.annotation import Annotation
from sandbox.report.people import where_words
from sandbox.report.words import number_words
from sandbox.tui.bar import Bar
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import Modal

KEYS = "Enter goes to it   e changes a note   d deletes yours   Esc closes"


class Wish(NamedTuple):
    """What is to be done with an annotation."""

    do: Literal["go", "edit", "delete"]
    annotation: Annotation


class AnnotationRows(RowList):
    """A row per annotation: where, what, who, and a note's first words."""

    annotations: Sequence[Annotation] = ()

    def show(self, annotations: Sequence[Annotation]) -> None:
        """Show these."""
        self.annotations = annotations
        self.count = len(annotations)

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """Where, what, who, words."""
        one = self.annotations[index]
        words = one.text if one.kind == "note" else ""
        what = f"{one.name} = {number_words(one.value)}" if one.kind == "label" else one.kind
        where, who = 10, min(12, width // 5)
        rest = max(width - where - who - 2, 1)
        named = rest if not words else min(len(what), rest)
        return (
            Cell(where_words(one), where, "quiet"),
            Cell(what, named, "flag" if one.kind == "label" else "text"),
            Cell(f"  {words}", max(rest - named, 0)),
            Cell("", 1),
            Cell(one.author, who, "quiet"),
        )


class AnnotationList(Modal[Wish | None]):
    """Gives what is wanted of one of them, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "close", "Close", show=False),
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("up,k", "move(-1)", "Previous", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("enter", "wish('go')", "Go to the step", show=False),
        Binding("e", "wish('edit')", "Change a note of yours", show=False),
        Binding("d", "wish('delete')", "Delete one of yours", show=False),
    ]
    DEFAULT_CSS = """
    AnnotationList { align: center middle; }
    AnnotationList Vertical { width: 90%; max-width: 100; height: 70%; background: $background; }
    AnnotationList Vertical { border: heavy $primary; }
    AnnotationList AnnotationRows { height: 1fr; }
    """

    def __init__(
        self, annotations: Sequence[Annotation], at: int | None = None, on: Annotation | None = None, fault: str = ""
    ) -> None:
        """Where the cursor begins: `on` this one, else `at` this step; `fault`: why the last wish was not granted."""
        super().__init__()
        self._annotations = annotations
        self._at, self._on = at, on
        self._fault = fault
        self._began = 0

    def compose(self) -> ComposeResult:
        """The rows, what is under the cursor, and the keys."""
        with Vertical():
            yield AnnotationRows(id="annotations")
            yield Bar(id="annotation")
            yield Bar(id="annotation-keys")

    def on_mount(self) -> None:
        """Show them."""
        rows = self.query_one(AnnotationRows)
        rows.show(self._annotations)
        rows.focus()
        listed = self._annotations
        same = (place for place, one in enumerate(listed) if self._on is not None and one.id == self._on.id)
        near = (place for place, one in enumerate(listed) if one.step == self._at)
        rows.cursor = next(chain(same, near), 0)
        self._began = rows.cursor
        self._tell()

    def _tell(self) -> None:
        cursor = self.query_one(AnnotationRows).cursor
        if cursor != self._began:  # what was said is of the one that the cursor began on
            self._fault = ""
        self.query_one("#annotation-keys", Bar).say((self._fault, "bold $text-error") if self._fault else KEYS)
        one = self._annotations[cursor]
        words = one.text or one.kind
        self.query_one("#annotation", Bar).say(
            (where_words(one), "bold"), f"  {words}  {one.author}, {one.made:%Y-%m-%d %H:%M} UTC, attempt {one.attempt}"
        )

    def on_row_list_moved(self) -> None:
        """Say what is under the cursor, and the keys."""
        self._tell()

    def on_row_list_chosen(self) -> None:
        """Go to it on a click."""
        self.action_wish("go")

    def action_move(self, by: int) -> None:
        """Move by rows."""
        self.query_one(AnnotationRows).move(by)

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.query_one(AnnotationRows).page(by)

    def action_wish(self, do: Literal["go", "edit", "delete"]) -> None:
        """Say what is wanted of the one under the cursor."""
        self.dismiss(Wish(do, self._annotations[self.query_one(AnnotationRows).cursor]))

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss(None)
