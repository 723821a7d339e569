"""Screens that lie over another one until they are answered: each is answered once, however fast keys come."""

from __future__ import annotations

from typing import TypeVar

from textual import on
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

Answer = TypeVar("Answer")


class Modal(ModalScreen[Answer]):
    """A question, a list or a text over another screen.

    Keys that come in one go are all sent to the screen that was there when they came. The library closes whichever
    screen is on top each time it is asked: a second Enter would close the one below.
    """

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close with an answer, if it has not been closed."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()


class Palette(CommandPalette):
    """The command palette, with the same guard."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, if it has not been closed."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def run_once(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        """Run nothing after it has been closed."""
        if self.app.screen is not self:
            event.prevent_default()
