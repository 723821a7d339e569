"""The screen of all episodes: a filter line, the table, and the episode under the cursor in words."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from sandbox.errors import InputError
from sandbox.store import Filter
from sandbox.tui.actions import bindings
from sandbox.tui.bar import Bar, KeyBar, Part
from sandbox.tui.episode_table import EpisodeTable, TableHead
from sandbox.tui.filters import parse
from sandbox.tui.pages import Pages
from sandbox.tui.source import Source


class Browse(Screen[None]):
    """Lists what a source has; posts `Opened` for the episode that is wanted."""

    CSS_PATH = "browse.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("browse")]

    class Opened(Message):
        """An episode is to be shown."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, source: Source, title: str) -> None:
        super().__init__()
        self._source = source
        self._title = title
        self._applied = ""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        with Horizontal(id="filter-line"):
            yield Static("filter ", id="filter-label", markup=False)
            yield Input(id="filter", compact=True, placeholder="env:power agent:llm flag:risk status:error some words")
        yield TableHead()
        yield EpisodeTable(id="table")
        yield Bar(id="about")
        yield Bar(id="about2")
        yield KeyBar("browse", id="keys")

    def on_mount(self) -> None:
        """Read the first page."""
        self.table.focus()
        self._load(Filter())

    @property
    def table(self) -> EpisodeTable:
        """The table."""
        return self.query_one("#table", EpisodeTable)

    @property
    def key_bar(self) -> KeyBar:
        """The bottom line."""
        return self.query_one("#keys", KeyBar)

    def _load(self, where: Filter) -> None:
        pages = Pages(self._source, where)
        self.table.show(pages)
        filtered = where != Filter()
        count = f"{pages.count} episode{'' if pages.count == 1 else 's'}"
        parts: list[Part] = [("sandbox replay", "bold $accent"), f"  {self._title}  ", count]
        self.query_one("#title", Bar).say(*parts, " fit the filter" if filtered else "")
        self._tell()
        if pages.fault:
            self.key_bar.message(pages.fault, fault=True)
        elif not pages.count:
            self.key_bar.message(
                "no episode fits the filter: Esc shows all" if filtered else "no episodes yet: sandbox run makes some"
            )
        else:
            self.key_bar.keys()

    def _tell(self) -> None:
        """Say in words what is under the cursor."""
        head = self.table.head
        one, two = self.query_one("#about", Bar), self.query_one("#about2", Bar)
        if head is None:
            one.say()
            two.say()
            return
        place = f"{self.table.cursor + 1} of {self.table.count}"
        got = {seat: f" ({value:.6g})" for seat, value in head.returns.items()}
        agents = ", ".join(f"{seat} {name}{got.get(seat, '')}" for seat, name in head.seats.items())
        who = agents if len(head.seats) > 1 else head.agent
        one.say((place, "bold"), f"  {head.id[:12]}  {head.environment}  {who}")
        wrong = ", ".join(f"{name} {number}" for name, number in head.counts.items() if number)
        flags = ", ".join(head.flags) or "none"
        two.say(
            f"flags: {flags}",
            f"  counts: {wrong}" if wrong else "",
            f"  {head.provenance}",
            f"  {head.reason.strip().rsplit(chr(10), 1)[-1]}" if head.reason else "",
        )

    def on_row_list_moved(self, message: EpisodeTable.Moved) -> None:
        """Another episode is under the cursor."""
        self._tell()
        pages = self.table.pages
        if pages is not None and pages.fault:
            self.key_bar.message(pages.fault, fault=True)
        elif pages is not None and pages.count:
            self.key_bar.keys()

    def on_row_list_chosen(self) -> None:
        """Open on a click."""
        self.action_open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong with the filter."""
        try:
            parse(event.value)
        except InputError as error:
            self.key_bar.message(str(error), fault=True)
        else:
            self.key_bar.keys()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Apply the filter, if it can be understood."""
        try:
            where = parse(event.value)
        except InputError as error:
            self.key_bar.message(str(error), fault=True)
            return
        self._applied = event.value
        self.table.focus()
        self._load(where)

    def action_open(self) -> None:
        """Ask for the episode under the cursor."""
        head = self.table.head
        if head is not None:
            self.post_message(self.Opened(head.id))

    def action_filter(self) -> None:
        """Go to the filter line."""
        self.query_one("#filter", Input).focus()

    def action_clear_filter(self) -> None:
        """In the filter line: undo the edit. In the table: show all."""
        line = self.query_one("#filter", Input)
        if line.has_focus:
            line.value = self._applied
            self.table.focus()
            return
        if self._applied or line.value:
            self._applied = line.value = ""
            self._load(Filter())

    def action_move(self, by: int) -> None:
        """Move by episodes."""
        self.table.move(by)

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.table.page(by)

    def action_first(self) -> None:
        """To the first episode."""
        self.table.cursor = 0

    def action_last(self) -> None:
        """To the last episode."""
        self.table.cursor = self.table.count - 1

    def action_reload(self) -> None:
        """Read again, and stay where we are."""
        cursor = self.table.cursor
        self._load(parse(self._applied))
        self.table.cursor = cursor

    def action_leave(self) -> None:
        """Leave the replay."""
        self.app.exit()
