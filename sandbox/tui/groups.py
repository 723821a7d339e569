"""The screen of groups: one row for the episodes of a condition, with their return, scores, flags and distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from sandbox.errors import SandboxError
from sandbox.report.groups import differs_words, interval_words, share_words, sparkline
from sandbox.store.filters import CONDITION
from sandbox.store.rows import Filter, Group
from sandbox.tui.actions import Where, bindings
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.episode_table import short_score
from sandbox.tui.list_screen import ListScreen
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.source import Source

SHORT = 12
"""Digits of a condition in a filter."""
LEFT, RIGHT = False, True
COLUMNS = (("n", 6, RIGHT), ("return", 14, RIGHT), ("spread", 8, LEFT), ("flagged", 7, RIGHT))
SCORE = 8


def widths(width: int, scores: Sequence[str]) -> tuple[tuple[int, int, int], int]:
    """Cells of environment, agent and what differs; and how many scores fit beside them."""
    left = width - sum(size + 1 for _, size, _ in COLUMNS) - 2
    fit = min(len(scores), max((left - 34) // (SCORE + 1), 0))
    left -= fit * (SCORE + 1)
    environment, agent = left * 42 // 100, left * 28 // 100
    return (environment, agent, left - environment - agent), fit


class GroupHead(Widget):
    """The names of the columns."""

    DEFAULT_CSS = """
    GroupHead { height: 1; color: $foreground 70%; text-style: bold; }
    """

    scores: Sequence[str] = ()

    def render(self) -> RenderResult:
        """One line, fitted like the rows."""
        names, fit = widths(self.size.width - 2, self.scores)
        cells = [Cell(label, size) for label, size in zip(("environment", "agent", "differs in"), names, strict=True)]
        cells += [Cell(label, size, right=right) for label, size, right in COLUMNS]
        cells += [Cell(short_score(name, self.scores), SCORE, right=True) for name in self.scores[:fit]]
        return Content(" " + " ".join(cell.fitted() for cell in cells), strip_control_codes=True)


class GroupList(RowList):
    """Shows groups."""

    DEFAULT_CSS = """
    GroupList { scrollbar-gutter: stable; height: 1fr; }
    """

    groups: Sequence[Group] = ()
    scores: Sequence[str] = ()

    def show(self, groups: Sequence[Group], scores: Sequence[str]) -> None:
        """Show these."""
        self.groups, self.scores = groups, scores
        self.count = len(groups)
        self.cursor = 0
        self.refresh()

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """A group."""
        group = self.groups[index]
        names, fit = widths(width, self.scores)
        # `baselines/` says less than what comes after it.
        agent = group.agent if len(group.agent) <= names[1] else group.agent.rsplit("/", 1)[-1]
        texts = (group.environment, agent, differs_words(group))
        cells = [Cell(text, size) for text, size in zip(texts, names, strict=True)]
        share = share_words(group)
        figures = (group.episodes, interval_words(group), sparkline(group.bins), share)
        for text, (label, size, right) in zip(figures, COLUMNS, strict=True):
            role = "flag" if label == "flagged" and group.flagged else "text"
            cells.append(Cell(text, size, role, right=right))
        cells += [Cell("-" if value is None else f"{value:.3g}", SCORE, right=True) for value in group.scores[:fit]]
        spaced = [part for cell in cells for part in (cell, Cell("", 1))]
        return spaced[:-1]


class GroupsScreen(ListScreen):
    """Groups what a filter lets pass; posts `Chosen` for the group whose episodes are wanted."""

    PLACE: ClassVar[Where] = "groups"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("groups")]
    DEFAULT_CSS = """
    GroupsScreen #title { background: $surface; text-style: bold; }
    GroupsScreen #about { color: $foreground 80%; background: $surface; }
    """

    class Chosen(Message):
        """The episodes of a group are wanted: `term` of the filter language means them."""

        def __init__(self, term: str) -> None:
            super().__init__()
            self.term = term

    def __init__(self, source: Source, title: str, where: Filter, scores: Sequence[str]) -> None:
        super().__init__()
        self._source = source
        self._title = title
        self._where = where
        self._scores = scores

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield GroupHead()
        yield GroupList(id="table")
        yield Bar(id="about")
        yield KeyBar("groups", id="keys")

    @property
    def rows(self) -> GroupList:
        """The list."""
        return self.query_one(GroupList)

    def on_mount(self) -> None:
        """Read the groups."""
        self.rows.focus()
        self.query_one("#title", Bar).say(("sandbox replay", "bold $accent"), f"  {self._title}  grouping episodes")
        self.run_worker(self._read, group="groups", thread=True, exclusive=True, exit_on_error=False)

    def _read(self) -> Sequence[Group]:
        return self._source.groups(self._where, self._scores)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what was read, or why it was not."""
        if event.state == WorkerState.ERROR:
            if not isinstance(event.worker.error, SandboxError):
                raise event.worker.error or RuntimeError("a worker failed")
            self.key_bar.message(str(event.worker.error), fault=True)
        elif event.state == WorkerState.SUCCESS:
            groups = event.worker.result
            assert groups is not None
            self.rows.show(groups, self._scores)
            head = self.query_one(GroupHead)
            head.scores = self._scores
            head.refresh()
            count = f"{len(groups)} group{'' if len(groups) == 1 else 's'} of one condition each"
            self.query_one("#title", Bar).say(("sandbox replay", "bold $accent"), f"  {self._title}  {count}")
            self._tell()

    def on_row_list_moved(self) -> None:
        """Another group is under the cursor."""
        self._tell()

    def _tell(self) -> None:
        group = self._group()
        if group is None:
            return
        statuses = ", ".join(f"{count} {status}" for status, count in group.statuses.items())
        span = "" if group.low is None or group.high is None else f"  returns {group.low:.6g} to {group.high:.6g}"
        place = f"{self.rows.cursor + 1} of {self.rows.count}"
        self.query_one("#about", Bar).say((place, "bold"), f"  {statuses}{span}  {differs_words(group)}")

    def _group(self) -> Group | None:
        place = self.rows.cursor
        return self.rows.groups[place] if place < len(self.rows.groups) else None

    def action_open(self) -> None:
        """Ask for the episodes of the group under the cursor."""
        group = self._group()
        if group is not None:
            self.post_message(self.Chosen(f"{CONDITION}:{group.id[:SHORT]}"))
