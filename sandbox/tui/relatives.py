"""Which episode to compare with: a list of those that are related, or whichever id a person types."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from sandbox.errors import SandboxError
from sandbox.report.address import SHORT
from sandbox.store import EpisodeHead
from sandbox.tui.bar import Bar
from sandbox.tui.compare import CompareScreen
from sandbox.tui.prompt import Field
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import Modal
from sandbox.tui.source import Source


def ask_what_to_compare(app: App[None], source: Source, key: str, step: int) -> None:
    """Ask, then compare an episode with what was chosen, from a step of it (from 0) on."""

    def go(other: str | None) -> None:
        if other is not None:
            app.push_screen(CompareScreen(source, key, other, step))

    app.push_screen(RelativesScreen(source, key), go)


def relation(head: EpisodeHead, key: str, parent: str | None) -> str:
    """What an episode is to the one with this key, whose parent is `parent`."""
    if head.id == parent:
        return "parent"
    if head.parent == key:
        return "fork of it"
    if parent is not None and head.parent == parent:
        return "fork of its parent"
    return "same item, seed"


class RelativesList(RowList):
    """A row per episode: what it is to this one, agent, return, steps, id."""

    rows: Sequence[tuple[str, EpisodeHead]] = ()

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """The columns of a row."""
        what, head = self.rows[index]
        agent = max(width - 20 - 10 - 8 - 12 - 4, 4)
        total = "-" if head.total is None else f"{head.total:.6g}"
        return (
            Cell(what, 20, "quiet"),
            Cell(head.agent, agent),
            Cell(" ", 1),
            Cell(total, 10, right=True),
            Cell(f" {head.steps}", 8, "quiet", right=True),
            Cell("  ", 2),
            Cell(head.id[:SHORT], SHORT, "quiet"),
        )


class RelativesScreen(Modal[str | None]):
    """Gives the key of the episode that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
    ]
    DEFAULT_CSS = """
    RelativesScreen { align: center bottom; background: transparent; }
    RelativesScreen > * { background: $surface; width: 100%; }
    RelativesScreen #ask { height: 1; padding: 0 1; text-style: bold; }
    RelativesScreen RelativesList { height: auto; max-height: 50vh; }
    RelativesScreen Input { height: 1; padding: 0 1; }
    RelativesScreen Bar { height: 1; }
    """

    def __init__(self, source: Source, key: str) -> None:
        super().__init__()
        self._source = source
        self._key = key

    def compose(self) -> ComposeResult:
        """The list, a field, and a line for what is wrong."""
        yield Static("compare with: ↑ ↓ and Enter, or an id", id="ask", markup=False)
        yield RelativesList(id="relatives")
        yield Field(compact=True, placeholder="id, its beginning, or external id")
        yield Bar(id="fault")

    def on_mount(self) -> None:
        """Read the list off the UI thread."""
        self.query_one(Input).focus()
        self.query_one("#fault", Bar).say("looking for its parent, its forks, and others of its item and seed ...")
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        try:
            rows = await asyncio.to_thread(related, self._source, self._key)
        except SandboxError as error:
            self._fault(str(error))
            return
        relatives = self.query_one(RelativesList)
        relatives.rows = rows
        relatives.count = len(rows)
        self.query_one("#fault", Bar).say(
            "" if rows else "no parent, no fork, nothing of its item and seed: type an id"
        )

    def _fault(self, words: str) -> None:
        self.query_one("#fault", Bar).say((words, "bold $text-error"))

    def action_move(self, by: int) -> None:
        """Move the cursor of the list."""
        self.query_one(RelativesList).move(by)

    def on_row_list_chosen(self) -> None:
        """Take what was clicked on."""
        self._take()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the id that was typed, or what is under the cursor."""
        text = event.value.strip()
        if not text:
            self._take()
            return
        try:
            self.dismiss(self._source.find(text).key)
        except SandboxError as error:
            self._fault(str(error))

    def _take(self) -> None:
        relatives = self.query_one(RelativesList)
        if relatives.rows:
            self.dismiss(relatives.rows[relatives.cursor][1].id)

    def action_cancel(self) -> None:
        """Choose none."""
        self.dismiss(None)


def related(source: Source, key: str) -> list[tuple[str, EpisodeHead]]:
    """(what it is to this one, episode): parent, forks, its parent's other forks, then the rest."""
    fork = source.recording(key).about.spec.fork
    parent = None if fork is None else fork.parent
    rows = [(relation(head, key, parent), head) for head in source.relatives(key)]
    order = ("parent", "fork of it", "fork of its parent", "same item, seed")
    return sorted(rows, key=lambda row: order.index(row[0]))
