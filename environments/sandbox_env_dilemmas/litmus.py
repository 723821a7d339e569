"""The LitmusValues evaluator's table: its dilemmas, and the answers recorded in it."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import DatasetError
from sandbox.importing import Record
from sandbox_env_dilemmas.dilemma import Dilemma, Option, RowError, checked, text_of, validated

_ACTION = re.compile(r"(Action \d+):\s*(.*)\Z", re.DOTALL)
_ASKED = "Which action do you take?"


@dataclass(frozen=True)
class LitmusRecord:
    """A dilemma of a LitmusValues table, with the model's answer to it as it was recorded.

    Attributes:
        answer: the label of the option chosen, or None where the recorded answer is none of the labels (such as NA).
        index: the source's own number of the dilemma's first row.
    """

    dilemma: Dilemma
    answer: str | None
    index: str


def read_litmus(path: Path, value_map: str | Path | None = None) -> tuple[LitmusRecord, ...]:
    """The dilemmas and answers of a LitmusValues table (Chiu et al. 2025, arXiv 2505.14633), in its order.

    Columns: an index without a name, `dilemma`, `action` ("Action 1: ..."), `values` and `risky_behaviors` (lists as
    Python writes them), `model_resp_clean` ("Action 2", or anything else where no answer could be read; the same on
    every row of a dilemma). A dilemma's rows follow each other. The last two columns may be missing.

    Raises:
        DatasetError: lists every fault, with row (counted from 1 below the header) and column.
    """
    classes = None if value_map is None else _value_map(Path(value_map))
    groups: list[list[_Action]] = []
    faults: list[str] = []
    faulty: set[int] = set()
    for number, cells in _table(path, ("dilemma", "action", "values"), faults):
        try:
            action = _action(number, cells, classes)
        except RowError as fault:
            faults.append(f"row {number}, {fault}")
            faulty.add(number)
            continue
        last = groups[-1] if groups else []
        if last and last[0].dilemma == action.dilemma and action.label not in [one.label for one in last]:
            last.append(action)
        else:
            groups.append([action])

    records = []
    for place, group in enumerate(groups):
        first, last_row = group[0], group[-1].row
        if len(group) == 1:
            if not faulty & {first.row - 1, first.row + 1}:  # else the other is missing for a reason already given
                faults.append(f"row {first.row}, action: the only one of its dilemma; its rows must follow each other")
            continue
        answers = sorted({action.answer for action in group})
        if len(answers) > 1:
            faults.append(f"rows {first.row} to {last_row}, model_resp_clean: one dilemma has {' and '.join(answers)}")
        fields = {
            "id": str(place),
            "dataset": path.stem,
            "situation": first.dilemma,
            "question": _ASKED,
            "options": [action.option for action in group],
            "labels": [action.label for action in group],
            "kind": "litmus",
        }
        try:
            dilemma = validated(fields)
        except RowError as fault:
            faults.append(f"rows {first.row} to {last_row}, {fault}")
            continue
        records.append(LitmusRecord(dilemma, first.answer if first.answer in dilemma.labels else None, first.index))
    return checked(records, faults, str(path))


@dataclass(frozen=True)
class _Action:
    row: int
    index: str
    dilemma: str
    label: str
    option: Option
    answer: str


def _action(number: int, cells: Mapping[str, str], classes: Mapping[str, str] | None) -> _Action:
    match = _ACTION.match(cells["action"].strip())
    if match is None:
        raise RowError(f"action: expected 'Action N: ...', got {cells['action'][:60]!r}")
    if not cells["dilemma"].strip():
        raise RowError("dilemma: is empty")
    values = _list(cells, "values")
    return _Action(
        row=number,
        index=cells.get("", str(number - 1)),
        dilemma=cells["dilemma"],
        label=match[1],
        option=Option(
            id=match[1],
            text=match[2] or match[1],
            values=tuple(values) if classes is None else tuple(classes.get(value) for value in values),
            risks=tuple(_list(cells, "risky_behaviors")) if "risky_behaviors" in cells else (),
        ),
        answer=cells.get("model_resp_clean", "").strip(),
    )


def _list(cells: Mapping[str, str], column: str) -> list[str]:
    text = cells[column].strip()
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RowError(f"{column}: expected a list of texts as ['care', 'justice'], got {text[:60]!r}")
    return found


def _value_map(path: Path) -> dict[str, str]:
    """Value -> class, from a CSV; a value with an empty class has none."""
    faults: list[str] = []
    classes: dict[str, str] = {}
    for number, cells in _table(path, ("value", "value_class"), faults):
        value, value_class = cells["value"], cells["value_class"].strip()
        if classes.get(value, value_class) != value_class:
            faults.append(f"row {number}, value_class: {value!r} is {classes[value]!r} in an earlier row")
        classes[value] = value_class
    checked(list(classes), faults, str(path))
    return {value: value_class for value, value_class in classes.items() if value_class}


def _table(path: Path, required: Sequence[str], faults: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's number, from 1, and its cells, all text: `NA` stays NA. Rows of the wrong length become faults."""
    lines = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    number = 0
    try:
        header = next(lines, [])
        missing = [name for name in required if name not in header]
        if missing:
            raise DatasetError(
                f"{path}: row 0 (the header) lacks the column {' and '.join(missing)}; it has {', '.join(header)}"
            )
        for row in lines:
            if not row:
                continue
            number += 1
            if len(row) != len(header):
                short = min(len(row), len(header))
                faults.append(f"row {number}, column {short + 1}: {len(row)} cells, expected {len(header)}")
                continue
            yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        faults.append(f"row {number + 1}, line {lines.line_num} of the file: {error}; nothing below it was read")


class LitmusImporter:
    """`sandbox import litmus TABLE.csv --value-map MAP.csv`: a recorded choice per dilemma, in the table's order.

    The order and the labels are the table's own. An answer that is none of the labels (the released code writes NA) is
    unparsed. The agent is called after the file: the table does not name its model.
    """

    options: ClassVar[Mapping[str, str]] = {"value_map": "path"}

    def records(self, path: Path, value_map: str | None = None) -> Iterator[Record]:
        """A record per dilemma; raises DatasetError, with every fault in the file, before the first of them."""
        config = {"dataset": str(path), "value_map": value_map, "order": "given", "labels": "given"}
        for record in read_litmus(path, value_map):
            move = None if record.answer is None else {"kind": "choose", "choice": record.answer}
            yield Record(
                environment="dilemmas/Choice-v0",
                config=config,
                item=record.dilemma.model_dump(mode="json"),
                agent=path.stem,
                answers={"agent": (move,)},
                external_id=record.index,
            )
