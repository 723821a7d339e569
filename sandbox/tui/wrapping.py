"""Long text cut into rows of a width in terminal cells, as far as rows are asked for: a text may be of megabytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len

AT_ONCE = 8192
"""Characters of a line that are looked at at once."""

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
    for number, line in enumerate(_lines(text)):
        before = margin if number else ""
        if len(line) + len(before) <= width and line.isascii():
            yield before + line
            continue
        # The first row of the first line could be longer by the margin; not worth a second pattern.
        for place, row in enumerate(_line_rows(line, width - hang)):
            yield (margin if number or place else "") + row.rstrip()


def _lines(text: str) -> Iterator[str]:
    """The lines, one at a time, with blanks for tabs."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end].expandtabs(4)
        start = end + 1
    yield text[start:].expandtabs(4)


def _line_rows(line: str, width: int) -> Iterator[str]:
    """The rows of a line, in pieces: the last row of each begins the next."""
    start, room = 0, max(AT_ONCE, 2 * width)
    while True:
        piece = line[start : start + room]
        last = start + len(piece) >= len(line)
        rows = _rows(width).findall(piece) if _NARROW.fullmatch(piece) else list(_wide_rows(piece, width))
        if last or len(rows) < 2:
            yield from rows or [""]
            if last:
                return
            start += len(piece)
        else:
            yield from rows[:-1]
            start += len(piece) - len(rows[-1])


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
