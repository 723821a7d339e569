"""What all screens have in common: keys that come in one go are not given to a screen that is left, or not there yet.

The library sends all of them to the screen that was on top when they came, and closes whichever is on top each time
it is asked to: a second Enter would close the screen below, or look for what is gone.
"""

from __future__ import annotations

from typing import Any, TypeVar

from textual import on
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, OptionList

Answer = TypeVar("Answer")


def is_open(screen: Screen[Any]) -> bool:
    """Whether a screen is on top and has been mounted, and the app is not being left."""
    return screen.app.screen_stack[-1:] == [screen] and screen.is_mounted and screen.app.return_code is None


class FullScreen(Screen[Answer]):
    """A screen that takes all the room."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do what it means here."""
        return is_open(self)

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close with an answer, if it has not been closed."""
        return super().dismiss(result) if is_open(self) else AwaitComplete()


class Modal(ModalScreen[Answer]):
    """A question, a list or a text over another screen; otherwise the same."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do what it means here."""
        return is_open(self)

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close with an answer, if it has not been closed."""
        return super().dismiss(result) if is_open(self) else AwaitComplete()


class Palette(CommandPalette):
    """The command palette, with the same guard."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do what it means; of a list of which no row is to be seen, the library knows no pages."""
        if action == "command_list" and not self.query_one(CommandList).scrollable_content_region.height:
            return False
        return super().check_action(action, parameters)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, if it has not been closed."""
        return super().dismiss(result) if is_open(self) else AwaitComplete()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def run_once(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        """Run nothing after it has been closed."""
        if not is_open(self):
            event.prevent_default()
