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
WIDE = {"seed": 10, "frame": 12, "return": 10, "flags": 24, "steps": 6, "status": 9}
ROOMY = 120
"""Columns from which on there is room for words in place of letters."""

NUMBERS = frozenset({"seed", "return", "steps"})
GOOD = frozenset({"finished", "running", "pending"})


def widths(width: int) -> dict[str, int]:
    """Column -> cells; what is left over is shared by the three columns of names."""
    fixed = WIDE if width >= ROOMY else FIXED
    left = width - sum(fixed.values()) - (len(COLUMNS) - 1)
    environment = max(left * 54 // 100, 6)
    agent = max(left * 30 // 100, 5)
    names = {"environment": environment, "agent": agent, "item": max(left - environment - agent, 4)}
    return {column: names.get(column) or fixed[column] for column in COLUMNS}


def flags(head: EpisodeHead, roomy: bool) -> str:
    """An episode's flags, gravest first, as words or letters; opportunities are left to the lines below the table."""
    names = {*head.flags, *(("error",) if head.status == "error" else ())} - set(MERE)
    if roomy:
        return " ".join(name for name in FLAGS if name in names)
    return "".join(letter for name, letter in FLAGS.items() if name in names)


def _short(head: EpisodeHead) -> str:
    """Names of its agents without their families."""
    return ", ".join(own.agent.rsplit("/", 1)[-1] for own in head.by_agent())


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
        roomy, sizes = width >= ROOMY, widths(width)
        texts = {
            "environment": head.environment,
            # `baselines/` says less than what comes after it.
            "agent": head.agent if len(head.agent) <= sizes["agent"] else _short(head),
            "item": head.item,
            "seed": head.seed,
            "frame": head.framing if roomy or head.framing == "lived" else "hypo.",
            "return": "-" if head.total is None else f"{head.total:.6g}",
            "flags": flags(head, roomy),
            "steps": head.steps,
            "status": head.status,
        }
        cells: list[Cell] = []
        for name, size in sizes.items():
            role = "text"
            if name == "flags" or (name == "status" and head.status not in GOOD):
                role = "flag"
            elif name in ("seed", "frame", "item") or head.status == "pending":
                role = "quiet"
            cells += [Cell(texts[name], size, role, right=name in NUMBERS), Cell("", 1)]
        return cells[:-1]
