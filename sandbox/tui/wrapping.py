"""Long text cut into rows of a width in terminal cells, fast enough for a megabyte between two key presses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len

# Characters that are one cell wide and stand alone: here a length in characters is a width in cells.
_NARROW = re.compile("[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2400-\u2426]*")


@lru_cache(maxsize=32)
def _rows(width: int) -> re.Pattern[str]:
    return re.compile(f".{{1,{width}}}(?:\\s+|$)|.{{1,{width}}}")


def wrap(text: str, width: int, hang: int = 0) -> Iterator[str]:
    """The rows of `text`, broken at blanks where there are any, each at most `width` cells wide.

    `hang`: blanks before every row that begins a further line of `text`, and before every row that continues a line.
    """
    width = max(width, 4)
    hang = min(hang, width // 2)
    margin = " " * hang
    for number, line in enumerate(text.expandtabs(4).split("\n")):
        before = margin if number else ""
        if len(line) + len(before) <= width and line.isascii():
            yield before + line
        elif _NARROW.fullmatch(line):
            # The first row of the first line could be longer by the margin; not worth a second pattern.
            for place, row in enumerate(_rows(width - hang).findall(line)):
                yield (margin if number or place else "") + row.rstrip()
        else:
            for place, row in enumerate(_wide_rows(line, width - hang)):
                yield (margin if number or place else "") + row.rstrip()


def _wide_rows(line: str, width: int) -> Iterator[str]:
    """The same for text that has wide, or zero-width, characters: each is measured."""
    start = cells = 0
    gap = -1  # just after the last blank of the row
    for place, character in enumerate(line):
        cells += cell_len(character)
        if cells > width and place > start:
            end = gap if gap > start else place
            yield line[start:end]
            start, gap = end, -1
            cells = cell_len(line[start : place + 1])
        if character == " ":
            gap = place + 1
    yield line[start:]
