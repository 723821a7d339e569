"""Tables in an observation: lists of flat objects, their columns aligned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from rich.cells import cell_len, set_cell_size

from sandbox.report.words import Passage, passage, value_words
from sandbox.text import display_line

WIDEST = 28
"""Cells of a column; what is longer is cut, and stands in full in the observation itself."""
MOST_COLUMNS = 12
MOST_ROWS = 1_000


def tables(observation: Mapping[str, Any], prefix: str = "") -> list[Passage]:
    """The tables that an observation holds, also in objects of its own, each under its field's name."""
    passages: list[Passage] = []
    for name, value in observation.items():
        if isinstance(value, Mapping):
            passages += tables(value, f"{prefix}{name}.")
        elif is_table(value):
            passages.append(passage(f"{prefix}{name}, as a table", "heading"))
            passages.extend(Passage(line, indent=1, hang=2) for line in table_lines(value))
    return passages


def is_table(value: Any) -> bool:
    """Whether it is a list of at least one object, none of whose fields holds further ones."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(
        isinstance(row, Mapping) and row and not any(isinstance(cell, Mapping | list | tuple) for cell in row.values())
        for row in islice(value, MOST_ROWS)
    )


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A head and a line for each row, safe to print; numbers stand to the right."""
    shown = list(islice(rows, MOST_ROWS))
    names = list(dict.fromkeys(name for row in shown for name in row))
    more = names[MOST_COLUMNS:]
    names = names[:MOST_COLUMNS]
    cells = [[_cell(row.get(name, "")) for name in names] for row in shown]
    heads = [_cell(name) for name in names]
    widths = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    right = [all(_is_number(row.get(name, 0)) for row in shown) for name in names]
    lines = [_line(row, widths, right) for row in [heads, *cells]]
    if more:
        lines.append(f"and {len(more)} more columns: {', '.join(map(_cell, more[:MOST_COLUMNS]))}")
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more rows")
    return lines


def _cell(value: Any) -> str:
    # A character is at least as wide as nothing: cut before anything is measured, and once more by width.
    text = display_line(value_words(value) if not isinstance(value, str) else value[: 4 * WIDEST])
    return text if cell_len(text) <= WIDEST else set_cell_size(text, WIDEST - 1).rstrip() + "…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        blanks = " " * (width - cell_len(cell))
        padded.append(blanks + cell if to_right else cell + blanks)
    return "  ".join(padded).rstrip()
