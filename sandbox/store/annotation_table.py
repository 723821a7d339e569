"""Annotations that people made in a spreadsheet: a CSV file, all of whose rows are good or none is taken."""

from __future__ import annotations

import csv
import re
from difflib import get_close_matches
from pathlib import Path

from sandbox.annotation import KINDS, Annotation, Kind, value_of
from sandbox.errors import InputError, SandboxError, did_you_mean
from sandbox.store.annotations import Saying
from sandbox.store.store import Store

COLUMNS = ("episode", "step", "kind", "name", "value", "text", "author")
"""Columns that are read, of which only `episode` must be there; others are passed over, as those of an export."""
MOST_FAULTS = 20
_STEP = re.compile(r"([0-9]{1,18})(\.0+)?")  # pandas writes a column with blanks as 1.0
_QUOTED = re.compile(r"^'('*[=+\-@\t\r])")
csv.field_size_limit(1_000_000)


def read_table(store: Store, path: Path, author: str) -> list[Annotation]:
    """Take the annotations of a table into the store; those that are there now, as `Store.annotate_all`.

    A row with a `name` is a label (`value`: a number, yes or no; yes if it is blank; `text`: why, if anybody said so),
    one with a `text` alone a note, any other a bookmark, unless `kind` says what it is. `step` counts from 1; blank
    means the episode as a whole. `author`: whose the rows without one are.

    Raises:
        InputError: the file cannot be read, or rows are wrong: each is named by its line, and nothing is taken.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
            if faults := _headed(list(names)):
                raise InputError.of(str(path), faults)
            used = {name: names[name] for name in COLUMNS if name in names}
            rows = [
                (reader.line_num, {name: _plain(row[column] or "") for name, column in used.items()}) for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV in UTF-8: {error}") from None
    found, faults = [], []
    labels: dict[tuple[str, int | None, str, str], tuple[int, Saying]] = {}
    keys: dict[str, str] = {}
    steps: dict[str, int] = {}
    for line, row in rows:
        try:
            key = keys.get(row["episode"]) or keys.setdefault(row["episode"], store.find(row["episode"]))
            if key not in steps:
                steps[key] = len(store.outline(key))
            said = _saying(row, author, steps[key]).checked(str)
            if said.kind == "label":
                before, other = labels.setdefault((key, said.step, said.author, said.name), (line, said))
                if other != said:
                    raise InputError(f"{said.author} says something else of {said.name!r} there in line {before}")
            found.append((key, said))
        except SandboxError as error:
            faults.append(f"line {line}: {str(error).splitlines()[0]}")
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise InputError.of(str(path), [*faults[:MOST_FAULTS], *more])
    return store.annotate_all(found)


def _headed(names: list[str]) -> list[str]:
    """What is wrong with the columns: the needed one is missing, or one of those that are read is misspelt."""
    if "episode" not in names:
        separator = next((one for one in (";", "\t") if len(names) == 1 and one in names[0]), None)
        why = f": columns are separated by commas, and not by {separator!r}" if separator else ""
        return [f"no column 'episode'{why or did_you_mean('episode', names)}; expected {', '.join(COLUMNS)}"]
    missing = [name for name in COLUMNS if name not in names]
    return [
        f"no column {meant[0]!r}: did you mean that by {name!r}?"
        for name in names
        if name not in COLUMNS and (meant := get_close_matches(name, missing, 1, 0.8))  # no `test` for `text`
    ]


def _plain(cell: str) -> str:
    """A cell without the `'` that `sandbox export` puts before what a spreadsheet would take for a formula."""
    return _QUOTED.sub(r"\1", cell).strip()


def _saying(row: dict[str, str], author: str, steps: int) -> Saying:
    name, text, given = row.get("name", ""), row.get("text", ""), row.get("kind", "")
    if given and given not in KINDS:
        raise InputError(f"no kind {given!r}: one of {', '.join(KINDS)}")
    kind: Kind = given or ("label" if name else "note" if text else "bookmark")
    value = row.get("value", "")
    for column, cell, kinds in (("name", name, "label"), ("value", value, "label"), ("text", text, "label note")):
        if cell and kind not in kinds.split():
            raise InputError(f"a {kind} has no {column}: leave it blank, or give the row another kind")
    index = None
    if step := row.get("step", ""):
        number = int(match[1]) if (match := _STEP.fullmatch(step)) else 0
        if not 1 <= number <= steps:
            raise InputError(f"no step {step}: the episode has {steps} steps, counted from 1")
        index = number - 1
    said = value_of(value or "yes") if kind == "label" else None
    return Saying(kind=kind, author=row.get("author", "") or author, step=index, name=name, value=said, text=text)
