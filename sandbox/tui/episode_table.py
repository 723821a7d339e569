"""The table of episodes: a row each, its columns fitted to the width of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from sandbox.report.plain import FLAGS, MERE
from sandbox.store import EpisodeHead
from sandbox.tui.pages import Pages
from sandbox.tui.row_list import Cell, RowList

COLUMNS = ("environment", "agent", "item", "seed", "frame", "return", "flags", "steps", "status")
FIXED = {"seed": 4, "frame": 5, "return": 6, "flags": 5, "steps": 5, "status": 9}
NUMBERS = frozenset({"seed", "return", "steps"})
GOOD = frozenset({"finished", "running", "pending"})


def widths(width: int) -> dict[str, int]:
    """Column -> cells; what is left over is shared by the three columns of names."""
    left = width - sum(FIXED.values()) - (len(COLUMNS) - 1)
    environment = max(left * 54 // 100, 6)
    agent = max(left * 30 // 100, 5)
    names = {"environment": environment, "agent": agent, "item": max(left - environment - agent, 4)}
    return {column: names.get(column) or FIXED[column] for column in COLUMNS}


def letters(head: EpisodeHead) -> str:
    """The letters of an episode's flags, gravest first; that there were opportunities is left to the words below."""
    names = {*head.flags, *(("error",) if head.status == "error" else ())} - set(MERE)
    return "".join(letter for name, letter in FLAGS.items() if name in names)


class TableHead(Widget):
    """The names of the columns."""

    DEFAULT_CSS = """
    TableHead { height: 1; color: $foreground 70%; text-style: bold; }
    """

    def render(self) -> RenderResult:
        """One line, fitted like the rows (which have a scrollbar at their end)."""
        cells = (Cell(name, size, right=name in NUMBERS) for name, size in widths(self.size.width - 2).items())
        return Content(" " + " ".join(cell.fitted() for cell in cells), strip_control_codes=True)


class EpisodeTable(RowList):
    """Shows `Pages`; knows nothing of where they come from."""

    DEFAULT_CSS = """
    EpisodeTable { scrollbar-gutter: stable; }
    """

    pages: Pages | None = None

    def show(self, pages: Pages) -> None:
        """Show other episodes, from the first."""
        self.pages = pages
        self.cursor = 0
        self.count = pages.count
        self.refresh()

    @property
    def head(self) -> EpisodeHead | None:
        """The episode under the cursor."""
        return self.pages[self.cursor] if self.pages else None

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """The columns of an episode, with a blank between them."""
        head = self.pages[index] if self.pages else None
        if head is None:
            return (Cell("(cannot be read)", width, "flag"),)
        texts = {
            "environment": head.environment,
            "agent": head.agent,
            "item": head.item,
            "seed": head.seed,
            "frame": "lived" if head.framing == "lived" else "hypo.",
            "return": "-" if head.total is None else f"{head.total:.6g}",
            "flags": letters(head),
            "steps": head.steps,
            "status": head.status,
        }
        cells: list[Cell] = []
        for name, size in widths(width).items():
            role = "text"
            if name == "flags" or (name == "status" and head.status not in GOOD):
                role = "flag"
            elif name in ("seed", "frame", "item") or head.status == "pending":
                role = "quiet"
            cells += [Cell(texts[name], size, role, right=name in NUMBERS), Cell("", 1)]
        return cells[:-1]
