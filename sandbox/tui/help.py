"""The help screen: all keys of a screen, the letters, and the filter language, from the tables that define them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from sandbox.report.groups import HELP as GROUPS_HELP
from sandbox.report.plain import FLAGS, HIDDEN, Passage
from sandbox.store.filters import HELP
from sandbox.tui.actions import Where, available, key_name
from sandbox.tui.screens import Modal
from sandbox.tui.text_pane import TextPane

TITLES: dict[Where, str] = {
    "browse": "in the list",
    "episode": "in an episode",
    "picture": "at its pictures",
    "events": "in the events of a step",
    "compare": "between two episodes",
    "seat": "in a seat",
    "experiments": "in the list of experiments",
    "groups": "in the list of groups",
    "anywhere": "anywhere",
}


class HelpPane(TextPane):
    """The text of the help."""

    TITLE: ClassVar[str] = "keys and words (Esc closes)"


def help_passages(where: Where) -> list[Passage]:
    """The keys of a screen, what the letters mean, and how to filter."""
    passages: list[Passage] = []
    place: Where | None = None
    for action in available(where):
        if action.where != place:
            place = action.where
            passages.append(Passage(TITLES[place], "heading"))
        keys = " ".join(key_name(key) for key in action.keys) or "(by name)"
        passages.append(Passage(f"{keys:<12} {action.help}", indent=1, hang=13))
    if where == "seat":  # nothing there has a letter, or is hidden truth
        return passages
    passages.append(Passage("letters", "heading"))
    for name, letter in FLAGS.items():
        passages.append(Passage(f"{letter:<12} {name.replace('_', ' ')}", indent=1))
    passages.append(Passage(f"{HIDDEN.strip():<12} ground truth: no part of what the seat saw", "hidden", 1, 13))
    if where == "browse":
        passages.append(Passage("the filter", "heading"))
        passages.extend(Passage(line, indent=1) for line in HELP)
    if where == "groups":
        passages.append(Passage("the columns", "heading"))
        passages.extend(Passage(line, indent=1) for line in GROUPS_HELP)
    return passages


class HelpScreen(Modal[None]):
    """Help over the screen it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "Close", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(15)", "Page down", show=False),
        Binding("pageup", "scroll(-15)", "Page up", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen HelpPane { width: 90%; max-width: 90; height: 90%; padding: 0 1; }
    """

    def __init__(self, where: Where) -> None:
        super().__init__()
        self._where: Where = where

    def compose(self) -> ComposeResult:
        """One pane."""
        yield HelpPane(id="help")

    def on_mount(self) -> None:
        """Fill it."""
        pane = self.query_one(HelpPane)
        pane.show_text(help_passages(self._where))
        pane.focus()

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(HelpPane).scroll_relative(y=rows, animate=False, immediate=True)

    def action_close(self) -> None:
        """Back to where we were."""
        self.dismiss(None)
