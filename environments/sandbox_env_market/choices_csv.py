"""Tables of choice sets, a row per alternative: their reader, and the importer of the choices recorded in them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import DatasetError
from sandbox.importing import Record
from sandbox_env_market.choice_set import MOST, Alternative, ChoiceSet, ChoiceSets, Decline, Pick

SET, POSITION, PRODUCT, CHOSEN = "choice_set", "position", "product", "chosen"
LONGEST_NAME, LONGEST_TEXT = 200, 20_000


@dataclass(frozen=True)
class RecordedChoice:
    """A choice set, and the number (from 1, in the order shown) of what was chosen; None if nothing was."""

    item: ChoiceSet
    chosen: int | None


@dataclass(frozen=True)
class _Row:
    number: int
    cells: Sequence[str]


def read_choices(path: str | Path) -> tuple[RecordedChoice, ...]:
    """The choice sets of a CSV, in the order in which their first rows stand.

    Columns: `choice_set` (a label; its rows may stand anywhere), `chosen` (1 for at most one row of a set, else 0); if
    they are there `position` (a number: the order shown) and `product` (a label). Every other column of numbers is a
    regressor; a column without any number in it is text. A set without a choice is one in which nothing was chosen.

    Raises:
        DatasetError: lists every fault, with row (counted from 1 below the header) and column.
    """
    path = Path(path)
    faults: list[str] = []
    header, rows = _table(path, faults)
    whole = not faults  # else a set may lack what has been named already
    column = {name: place for place, name in enumerate(header)}
    named = [name for name in header if name not in (SET, POSITION, PRODUCT, CHOSEN)]
    numbers = {
        name: found
        for name in ([POSITION] if POSITION in column else []) + named
        if (found := _numbers(name, [row.cells[column[name]] for row in rows], rows, faults)) is not None
    }
    chosen = [_flag(row, row.cells[column[CHOSEN]], faults) for row in rows]
    columns = tuple(name for name in named if name in numbers)
    texts = tuple(name for name in named if name not in numbers)
    if rows and not columns:
        faults.append(f"row 0 (the header): no column of numbers besides {SET}, {POSITION}, {PRODUCT} and {CHOSEN}")
    for name in (PRODUCT, *texts):
        limit = LONGEST_NAME if name == PRODUCT else LONGEST_TEXT
        if name in column:
            faults += [
                f"row {row.number}, {name}: {len(row.cells[column[name]])} characters; expected at most {limit}"
                for row in rows
                if len(row.cells[column[name]]) > limit
            ]
    members: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        label = row.cells[column[SET]].strip()
        if not label:
            faults.append(f"row {row.number}, {SET}: is empty")
        members.setdefault(label, []).append(place)
    for label, places in members.items():
        faults += _set_faults(
            label, [rows[place].number for place in places], [chosen[place] for place in places], whole
        )
    if faults:
        raise DatasetError.of(str(path), faults)
    if not rows:
        raise DatasetError(f"{path}: has no rows")
    sets = []
    for label, places in members.items():
        if POSITION in numbers:
            places = sorted(places, key=numbers[POSITION].__getitem__)
        alternatives = tuple(
            Alternative(
                product=rows[place].cells[column[PRODUCT]].strip() if PRODUCT in column else "",
                position=numbers[POSITION][place] if POSITION in numbers else None,
                values=tuple(numbers[name][place] for name in columns),
                words=tuple(rows[place].cells[column[name]] for name in texts),
            )
            for place in places
        )
        item = ChoiceSet(id=label, dataset=path.stem, columns=columns, texts=texts, alternatives=alternatives)
        picked = next((number for number, place in enumerate(places, 1) if chosen[place]), None)
        sets.append(RecordedChoice(item, picked))
    return tuple(sets)


def _set_faults(label: str, rows: Sequence[int], chosen: Sequence[bool], whole: bool) -> list[str]:
    faults = []
    where = f"row {rows[0]}, {SET}: {label!r}"
    if len(rows) < 2 and whole:
        faults.append(f"{where} has one alternative; expected two or more")
    if len(rows) > MOST:
        faults.append(f"{where} has {len(rows)} alternatives; expected at most {MOST}")
    if sum(chosen) > 1:
        which = ", ".join(str(row) for row, one in zip(rows, chosen, strict=True) if one)
        faults.append(f"rows {which}, {CHOSEN}: several alternatives of {label!r} are chosen; expected one, or none")
    return faults


def _numbers(name: str, cells: Sequence[str], rows: Sequence[_Row], faults: list[str]) -> list[float] | None:
    """A column's numbers; None if there is no number in it, which makes it text (a `position` must be numbers)."""
    found: list[float] = []
    bad: list[str] = []
    for cell, row in zip(cells, rows, strict=True):
        try:
            value = float(cell.replace("_", "?"))  # Python would read 1_000
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            shown = f"{cell[:60]!r}" if cell.strip() else "an empty cell"
            bad.append(f"row {row.number}, {name}: expected a number, got {shown}")
        found.append(value)
    if bad and len(bad) == len(found) and name != POSITION:
        return None
    faults += bad
    return found


def _flag(row: _Row, cell: str, faults: list[str]) -> bool:
    value = {"1": True, "0": False, "true": True, "false": False, "1.0": True, "0.0": False}.get(cell.strip().lower())
    if value is None:
        faults.append(f"row {row.number}, {CHOSEN}: expected 1 or 0, got {cell[:60]!r}")
    return bool(value)


def _table(path: Path, faults: list[str]) -> tuple[list[str], list[_Row]]:
    """The header and the rows of the right length; the others become faults."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file under {Path.cwd()}; expected a CSV of choice sets") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[_Row] = []
    number = 0
    header: list[str] = []
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(path, header)
        for cells in lines:
            if not cells:
                continue
            number += 1
            if len(cells) == len(header):
                rows.append(_Row(number, cells))
            else:
                short = min(len(cells), len(header))
                faults.append(f"row {number}, column {short + 1}: {len(cells)} cells, expected {len(header)}")
    except csv.Error as error:
        faults.append(f"row {number + 1}, line {lines.line_num} of the file: {error}; nothing below it was read")
    return header, rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    where = f"{path}: row 0 (the header)"
    if missing := [name for name in (SET, CHOSEN) if name not in header]:
        raise DatasetError(f"{where} lacks the column {' and '.join(missing)}; it has {', '.join(header)}")
    faults = []
    for place, name in enumerate(header, 1):
        if not name:
            faults.append(f"column {place} has no name: give it one, or leave it out")
        elif name in header[: place - 1]:
            faults.append(f"column {place}: {name!r:.60} is there already")
        if len(name) > LONGEST_NAME:
            faults.append(f"column {place}: a name of {len(name)} characters; expected at most {LONGEST_NAME}")
    if faults:
        raise DatasetError.of(where, faults)


class ChoicesImporter:
    """`sandbox import choices TABLE.csv`: an episode of `market/ChoiceSet-v0` per choice set.

    The agent is called after the file: the table does not name who chose.
    """

    options: ClassVar[Mapping[str, str]] = {}

    def records(self, path: Path) -> Iterator[Record]:
        """A record per set; raises DatasetError, with every fault in the file, before the first of them."""
        return map(_record, read_choices(path))


def _record(one: RecordedChoice) -> Record:
    move = Decline() if one.chosen is None else Pick(number=one.chosen)
    return Record(
        environment=ChoiceSets.id,
        item=one.item.model_dump(mode="json"),
        agent=one.item.dataset,
        answers={"agent": (move.model_dump(),)},
        external_id=one.item.id,
    )
