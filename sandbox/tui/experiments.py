"""The screen of the experiments in a store: how far each is, and who takes part; the last used first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.worker import Worker, WorkerState

from sandbox.errors import SandboxError
from sandbox.store import ExperimentRow
from sandbox.tui.actions import Where, bindings
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.list_screen import ListScreen
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.source import Source

WIDTHS = (8, 12)  # episodes, progress
GOOD = ("finished", "running", "pending")


def progress(counts: Mapping[str, int]) -> str:
    """How many of the episodes have ended, in words: `12 of 20, 2 error`."""
    total = sum(counts.values())
    ended = total - counts.get("pending", 0) - counts.get("running", 0)
    others = [f"{count} {status}" for status, count in counts.items() if status != "finished" and count]
    return ", ".join([f"{ended} of {total}" if ended < total else "all ended", *others])


class ExperimentList(RowList):
    """Shows experiments; the first row is all of them together."""

    DEFAULT_CSS = """
    ExperimentList { scrollbar-gutter: stable; height: 1fr; }
    """

    rows_shown: Sequence[ExperimentRow] = ()

    def show(self, rows: Sequence[ExperimentRow]) -> None:
        """Show these."""
        self.rows_shown = rows
        self.count = len(rows) + 1
        self.refresh()

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """Name, episodes, progress, agents."""
        name = max(width * 28 // 100, 12)
        how = max(width * 34 // 100, 14)
        agents = max(width - name - how - 9 - 2, 4)
        if not index:
            return (Cell("all experiments", name, "quiet"), Cell("", width - name))
        row = self.rows_shown[index - 1]
        bad = any(row.counts.get(status) for status in row.counts if status not in GOOD)
        return (
            Cell(row.name, name),
            Cell("", 1),
            Cell(row.episodes, 8, right=True),
            Cell("", 1),
            Cell(progress(row.counts), how, "flag" if bad else "text"),
            Cell("", 1),
            Cell(", ".join(row.agents), agents, "quiet"),
        )


class ExperimentsScreen(ListScreen):
    """Lists the experiments of a source; posts `Wanted` for the one whose episodes are to be listed."""

    PLACE: ClassVar[Where] = "experiments"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("experiments")]
    DEFAULT_CSS = """
    ExperimentsScreen #title { background: $surface; text-style: bold; }
    ExperimentsScreen #about { color: $foreground 80%; background: $surface; }
    """

    class Wanted(Message):
        """The episodes of an experiment are wanted, or of all (None)."""

        def __init__(self, experiment: int | None, name: str) -> None:
            super().__init__()
            self.experiment = experiment
            self.name = name

    def __init__(self, source: Source, title: str) -> None:
        super().__init__()
        self._source = source
        self._title = title

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield ExperimentList(id="table")
        yield Bar(id="about")
        yield KeyBar("experiments", id="keys")

    @property
    def rows(self) -> ExperimentList:
        """The list."""
        return self.query_one(ExperimentList)

    def on_mount(self) -> None:
        """Read them."""
        self.rows.focus()
        self.query_one("#title", Bar).say(("sandbox replay", "bold $accent"), f"  {self._title}  reading experiments")
        self.action_reload()

    def on_screen_resume(self) -> None:
        """Read them again: what is running has gone on."""
        if self.rows.rows_shown:
            self.action_reload()

    def action_reload(self) -> None:
        """Read again, and stay on the row."""
        self.run_worker(self._read, group="experiments", thread=True, exclusive=True, exit_on_error=False)

    def _read(self) -> Sequence[ExperimentRow]:
        return self._source.experiments()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what was read, or why it was not."""
        if event.state == WorkerState.ERROR:
            if not isinstance(event.worker.error, SandboxError):
                raise event.worker.error or RuntimeError("a worker failed")
            self.key_bar.message(str(event.worker.error), fault=True)
        elif event.state == WorkerState.SUCCESS:
            rows = event.worker.result
            assert rows is not None
            first = not self.rows.rows_shown
            self.rows.show(rows)
            count = f"{len(rows)} experiment{'' if len(rows) == 1 else 's'}"
            words = f"  {self._title}  {count}, the last used first"
            self.query_one("#title", Bar).say(("sandbox replay", "bold $accent"), words)
            if first and rows:
                self.rows.cursor = 1
            self._tell()

    def on_row_list_moved(self) -> None:
        """Another one is under the cursor."""
        self._tell()

    def _tell(self) -> None:
        row = self._row()
        about = self.query_one("#about", Bar)
        if row is None:
            about.say("the episodes of all experiments")
        else:
            about.say((row.name, "bold"), f"  {progress(row.counts)}  agents: {', '.join(row.agents)}")

    def _row(self) -> ExperimentRow | None:
        place = self.rows.cursor
        return self.rows.rows_shown[place - 1] if 0 < place <= len(self.rows.rows_shown) else None

    def action_open(self) -> None:
        """Ask for the episodes of the experiment under the cursor."""
        row = self._row()
        self.post_message(self.Wanted(None, "") if row is None else self.Wanted(row.id, row.name))
