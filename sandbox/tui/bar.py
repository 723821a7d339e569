"""One-line strips of plain text: a screen's title and its line of keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from sandbox.text import display_line
from sandbox.tui.actions import Where, key_line

LONGEST = 400
"""Characters of one part of a line; no terminal is wider."""

Part = tuple[str, str] | str
"""Untrusted text, maybe with a style of ours."""


class Bar(Static):
    """A line that is cut, never wrapped, at the edge of the screen."""

    DEFAULT_CSS = """
    Bar { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__("", id=id, markup=False)

    def say(self, *parts: Part) -> None:
        """Show these parts, one after the other."""
        pieces = []
        for part in parts:
            text, style = (part, "") if isinstance(part, str) else part
            pieces.append(Content.styled(display_line(text, LONGEST), style))
        self.update(Content("").join(pieces), layout=False)  # it keeps its one line

    @property
    def words(self) -> str:
        """What it shows."""
        shown = self.content
        return shown.plain if isinstance(shown, Content) else str(shown)


class KeyBar(Bar):
    """The keys of a screen, or a message until the next thing is done."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; color: $foreground 80%; background: $surface; }
    """

    def __init__(self, where: Where, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self._where = where
        self._named = False  # the keys are what it says

    def on_mount(self) -> None:
        """Begin with the keys."""
        self.keys()

    def on_resize(self) -> None:
        """Name as many as there is room for now."""
        if self._named:
            self.keys()

    def keys(self) -> None:
        """Name the keys, as many as there is room for."""
        parts: list[Part] = []
        for key, label in fitting(key_line(self._where), self.size.width):
            parts += ["  " if parts else "", (key, "bold"), f" {label}"]
        self.say(*parts)
        self._named = True

    def message(self, text: str, fault: bool = False) -> None:
        """Say something instead; a fault stands out."""
        self._named = False
        self.say((text, "bold $text-error" if fault else "bold"))


def fitting(keys: Sequence[tuple[str, str]], width: int) -> Sequence[tuple[str, str]]:
    """The keys for which there is room, each with its label; the last two, which lead out and to the others, stay."""
    keys = list(keys)
    while len(keys) > 2 and sum(len(key) + len(label) + 3 for key, label in keys) - 2 > width > 0:
        del keys[-3]
    return keys
