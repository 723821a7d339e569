"""A question with one line of answer, at the bottom of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from sandbox.text import display_line
from sandbox.tui.screens import Modal


class Field(Input):
    """A line to type into; whatever is typed or pasted is neutralised before it is shown."""

    def replace(self, text: str, start: int, end: int) -> None:
        """Take an edit."""
        super().replace(display_line(text), start, end)

    def on_paste(self, event: events.Paste) -> None:
        """Take all that is pasted, as one line; the library takes the first line and drops the others."""
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.splitlines()), *self.selection)


class Prompt(Modal[str | None]):
    """Asks; gives the answer, or None after Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]
    DEFAULT_CSS = """
    Prompt { align: center bottom; background: transparent; }
    Prompt Horizontal { height: 1; width: 100%; background: $surface; padding: 0 1; }
    Prompt Static { width: auto; text-style: bold; }
    Prompt Input { width: 1fr; }
    """

    def __init__(self, question: str, answer: str = "") -> None:
        super().__init__()
        self._question = question
        self._answer = answer

    def compose(self) -> ComposeResult:
        """The question, and a field."""
        with Horizontal():
            yield Static(display_line(f"{self._question} "), markup=False)
            yield Field(self._answer, compact=True, select_on_focus=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the answer."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Give none."""
        self.dismiss(None)
