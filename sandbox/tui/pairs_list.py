"""The aligned steps of two episodes as a list: number and deed of each side, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.report.beside import Beside
from sandbox.tui.alignment_line import SIGNS, kind
from sandbox.tui.row_list import Cell, RowList


class PairsList(RowList):
    """A row per pair of steps, or per step that stands alone."""

    DEFAULT_CSS = """
    PairsList { scrollbar-gutter: stable; }
    """

    beside: Beside | None = None

    def show(self, beside: Beside, place: int) -> None:
        """Show a comparison with the cursor on a row."""
        self.beside = beside
        self.count = len(beside.alignment.rows)
        self.cursor = place

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """The two sides of a row."""
        assert self.beside is not None
        row = self.beside.alignment.rows[index]
        number = len(str(self.count))
        room = max((width - 2 * number - 5) // 2, 1)
        what = kind(row)
        role = "quiet" if what in ("same", "given") else "text"
        left = "" if row.left is None else self.beside.left.deeds[row.left]
        right = "" if row.right is None else self.beside.right.deeds[row.right]
        return (
            Cell("" if row.left is None else row.left + 1, number, "quiet", right=True),
            Cell("", 1),
            Cell(left, room, role),
            Cell("", 1),
            Cell(SIGNS[what], 1, "quiet" if role == "quiet" else "flag"),
            Cell("", 1),
            Cell("" if row.right is None else row.right + 1, number, "quiet", right=True),
            Cell("", 1),
            Cell(right, room, role),
        )
