"""The table of episodes: a row each, its columns fitted to the width of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from sandbox.report.worth import FLAGS, MERE
from sandbox.store import EpisodeHead
from sandbox.text import display_line
from sandbox.tui.pages import Pages, Row
from sandbox.tui.row_list import Cell, RowList

NAMES = ("environment", "agent", "item")
FIXED = {"seed": 4, "frame": 5, "return": 6, "flags": 5, "steps": 5, "status": 9}
WIDE = {"seed": 8, "frame": 12, "return": 8, "flags": 14, "invalid": 7, "steps": 6, "status": 9}
SCORE = {False: 6, True: 8}
ROOMY = 120
"""Columns from which on there is room for words in place of letters."""
LEAST_NAMES = {False: 32, True: 36}
"""Cells that scores leave to the names."""

NUMBERS = frozenset({"seed", "return", "invalid", "steps"})
GOOD = frozenset({"finished", "running", "pending"})
ORDER_OF = {"return": "total", "frame": "framing"}
"""Column -> what the store orders by, where that has another name."""


def widths(width: int, scores: Sequence[str] = ()) -> dict[str, int]:
    """Column -> cells; what is left over is shared by the columns of names.

    As many scores stand before the flags as leave room for the names; in a narrow table the first takes the place of
    the framing.
    """
    roomy = width >= ROOMY
    fixed = dict(WIDE if roomy else FIXED)
    if scores and not roomy:
        del fixed["frame"]
    # Each column is followed by a blank, but for the last.
    left = width - sum(fixed.values()) - (len(fixed) + len(NAMES) - 1)
    fit = min(len(scores), max((left - LEAST_NAMES[roomy]) // (SCORE[roomy] + 1), 0))
    left -= fit * (SCORE[roomy] + 1)
    environment = max(left * 54 // 100, 6)
    agent = max(left * 30 // 100, 5)
    sizes = {"environment": environment, "agent": agent, "item": max(left - environment - agent, 4)}
    for column, size in fixed.items():
        if column == "flags":
            sizes |= dict.fromkeys(scores[:fit], SCORE[roomy])
        sizes[column] = size
    return sizes


def flags(head: EpisodeHead, roomy: bool) -> str:
    """An episode's flags, gravest first, as words or letters; opportunities are left to the lines below the table."""
    names = {*head.flags, *(("error",) if head.status == "error" else ())} - set(MERE)
    if roomy:
        return " ".join(name for name in FLAGS if name in names)
    return "".join(letter for name, letter in FLAGS.items() if name in names)


def short_score(name: str, among: Sequence[str]) -> str:
    """The last part of a score's name, or the one before it, if no other score that is shown has the same there."""
    parts = [other.split("/") for other in among]
    own = name.split("/")
    for place in (-1, -2):
        if len(own) >= -place and sum(other[place:][:1] == own[place:][:1] for other in parts) == 1:
            return own[place]
    return name


def _short(head: EpisodeHead) -> str:
    """Names of its agents without their families."""
    return ", ".join(own.agent.rsplit("/", 1)[-1] for own in head.by_agent())


class TableHead(Widget):
    """The names of the columns, with the sign of the order on one."""

    DEFAULT_CSS = """
    TableHead { height: 1; color: $foreground 70%; text-style: bold; }
    """

    order = "position"
    scores: tuple[str, ...] = ()

    def show(self, order: str, scores: tuple[str, ...]) -> None:
        """Other columns, or another order."""
        self.order, self.scores = order, scores
        self.refresh()

    def render(self) -> RenderResult:
        """One line, fitted like the rows (which have a scrollbar at their end)."""
        sizes = widths(self.size.width - 2, self.scores)
        cells = (self._cell(name, size) for name, size in sizes.items())
        return Content(" " + " ".join(cells), strip_control_codes=True)

    def _cell(self, name: str, size: int) -> str:
        label = short_score(name, self.scores) if name in self.scores else name
        right = name in NUMBERS or name in self.scores
        if ORDER_OF.get(name, name) != self.order.removeprefix("-"):
            return Cell(label, size, right=right).fitted()
        sign = "▼" if self.order.startswith("-") else "▲"
        cut = set_cell_size(display_line(label)[: size - 1], min(len(label), size - 1))
        return Cell(cut + sign, size, right=right).fitted()


class EpisodeTable(RowList):
    """Shows `Pages`; knows nothing of where they come from.

    Attributes:
        marked: ids of episodes that a person marked for comparing.
    """

    DEFAULT_CSS = """
    EpisodeTable { scrollbar-gutter: stable; }
    """

    pages: Pages | None = None
    marked: frozenset[str] = frozenset()

    def show(self, pages: Pages, cursor: int = 0) -> None:
        """Show other episodes."""
        self.pages = pages
        self.count = pages.count
        self.cursor = cursor
        self.refresh()

    @property
    def row(self) -> Row | None:
        """What is under the cursor."""
        return self.pages[self.cursor] if self.pages else None

    @property
    def head(self) -> EpisodeHead | None:
        """The episode under the cursor."""
        row = self.row
        return row.head if row else None

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """The columns of an episode, with a blank between them."""
        row = self.pages[index] if self.pages else None
        if self.pages is None or row is None:
            return (Cell("(cannot be read)", width, "flag"),)
        head = row.head
        roomy, sizes = width >= ROOMY, widths(width, self.pages.scores)
        texts = {
            "environment": f"● {head.environment}" if head.id in self.marked else head.environment,
            # `baselines/` says less than what comes after it.
            "agent": head.agent if len(head.agent) <= sizes["agent"] else _short(head),
            "item": head.item,
            "seed": head.seed,
            "frame": head.framing if roomy or head.framing == "lived" else "hypo.",
            "return": "-" if head.total is None else f"{head.total:.6g}",
            "flags": flags(head, roomy),
            "invalid": head.counts.get("invalid", 0) or "",
            "steps": head.steps,
            "status": head.status,
            **{name: "-" if value is None else f"{value:.3g}" for name, value in row.scores.items()},
        }
        cells: list[Cell] = []
        for name, size in sizes.items():
            role = "text"
            if name == "flags" or (name == "status" and head.status not in GOOD):
                role = "flag"
            elif name in ("seed", "frame", "item") or head.status == "pending":
                role = "quiet"
            right = name in NUMBERS or name in self.pages.scores
            cells += [Cell(texts.get(name, "-"), size, role, right=right), Cell("", 1)]
        return cells[:-1]
