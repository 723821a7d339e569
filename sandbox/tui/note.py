"""The screen on which a note is written: a text of several lines, saved or left."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.widgets import TextArea

from sandbox.annotation import checked_text
from sandbox.errors import InputError
from sandbox.text import display
from sandbox.tui.bar import Bar
from sandbox.tui.screens import Modal

KEYS = "Ctrl+S saves   Esc leaves"


class NoteArea(TextArea):
    """A text to write; whatever is typed, pasted or loaded is neutralised before it is shown."""

    def edit(self, edit: Edit) -> EditResult:
        """Take an edit."""
        edit.text = display(edit.text)
        return super().edit(edit)


class NoteScreen(Modal[str | None]):
    """Gives the note, or None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", show=False),
        Binding("escape", "leave", "Leave", show=False),
    ]
    DEFAULT_CSS = """
    NoteScreen { align: center middle; }
    NoteScreen Vertical { width: 90%; max-width: 90; height: 60%; min-height: 8; background: $background; }
    NoteScreen NoteArea { height: 1fr; border: heavy $primary; }
    """

    def __init__(self, where: str, text: str = "", fault: str = "") -> None:
        """`where`: what the note is on; `text`: as it is, if it is to be changed; `fault`: why that was not saved."""
        super().__init__()
        self.where = where
        self._begins = display(text)
        self._text = "" if fault else self._begins  # which may be left without a question
        self._fault = fault
        self._warned = False

    def compose(self) -> ComposeResult:
        """What it is about, the text, and the keys."""
        with Vertical():
            yield Bar(id="note-about")
            yield NoteArea(self._begins, id="note", soft_wrap=True)
            yield Bar(id="note-keys")

    def on_mount(self) -> None:
        """Begin at the end of the text."""
        self.query_one("#note-about", Bar).say((f"a note on {self.where}", "bold"))
        self.query_one("#note-keys", Bar).say((self._fault, "bold $text-error") if self._fault else KEYS)
        area = self.query_one(NoteArea)
        area.move_cursor(area.document.end)
        area.focus()

    def on_text_area_changed(self) -> None:
        """Ask anew before it is left."""
        self._warned = False
        self.query_one("#note-keys", Bar).say(KEYS)

    def action_save(self) -> None:
        """Give the note, if it is one."""
        if not self.query(NoteArea):  # not there yet, or left already
            return
        try:
            self.dismiss(checked_text(self.query_one(NoteArea).text))
        except InputError as error:
            self.query_one("#note-keys", Bar).say((str(error), "bold $text-error"))

    def action_leave(self) -> None:
        """Leave; if something was written, only when that was said twice."""
        if not self.query(NoteArea) or self._warned or self.query_one(NoteArea).text == self._text:
            self.dismiss(None)
            return
        self._warned = True
        self.query_one("#note-keys", Bar).say(
            ("not saved: Esc again throws it away, Ctrl+S saves it", "bold $text-error")
        )
