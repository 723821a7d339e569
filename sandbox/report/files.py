"""The report's files: the page, and figures under names that are safe wherever they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.errors import InputError
from sandbox.report import pictures
from sandbox.report.document import VerdictEntry
from sandbox.report.doubts import doubted
from sandbox.report.html import undrawn
from sandbox.report.whole import write_whole
from sandbox.scorer import Figure

LONGEST = 80


def write_page(path: Path, text: str) -> None:
    """Write the page.

    Raises:
        InputError: it cannot be written there.
    """
    write_whole(path, [text.encode()])


def write_figures(
    directory: Path, figures: Mapping[str, Sequence[Figure]], form: pictures.Format, verdicts: Sequence[VerdictEntry]
) -> tuple[int, list[str]]:
    """Write each figure as `SCORER-NAME.png` or `.svg`; how many there are now, and which could not be drawn.

    Raises:
        InputError: matplotlib is not installed, or the directory cannot be written to.
    """
    if not pictures.available():
        raise InputError(f"--figures needs matplotlib: {pictures.INSTALL}")
    taken: set[str] = set()
    faults = []
    for scorer, offered in figures.items():
        for figure in offered:
            try:
                content = pictures.as_file(figure, form, doubted(verdicts, scorer))
            except (Exception, SystemExit) as error:  # a plugin may raise anything; it is named, the others go on
                faults.append(undrawn(scorer, figure, error))
                continue
            write_whole(directory / f"{file_name(f'{scorer}-{figure.name}', taken)}.{form}", [content])
    return len(taken), faults


def file_name(name: str, taken: set[str]) -> str:
    """A file's name made of a plugin's, which may be anything: letters, digits, `-`, `_`; added to `taken`."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-").lower()[:LONGEST] or "figure"
    found, count = plain, 1
    while found in taken:
        count += 1
        found = f"{plain}-{count}"
    taken.add(found)
    return found
