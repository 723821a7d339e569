"""Files of dilemmas in the formats that the field uses, read into one kind of item.

| file | is taken for | labels of its own | ground truth |
|---|---|---|---|
| `.csv` | the LitmusValues evaluator's table | `Action 1`, `Action 2` | values, risks |
| rows with `options` | our own format (the shipped set) | `labels`, else `Action 1`... | values, risks, `act` |
| rows with `answer_matching_behavior` | model-written evaluations | its letters, or Yes, No | which answer matches |
| rows with `dilemma` | bare texts that end in a question | yes, no | none |

Model-written evaluations are those of Perez et al. (2022, arXiv 2212.09251).
All but the first are JSON, one object a line. Every fault in a file is reported at once, with row and column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from sandbox_env_dilemmas.dilemma import SHIPPED, Dilemma, RowError, checked, text_of, validated
from sandbox_env_dilemmas.litmus import read_litmus


def load(dataset: str, value_map: str | None = None) -> tuple[Dilemma, ...]:
    """The dilemmas of `shipped` or of a file, in the file's order.

    Args:
        dataset: `shipped`, or a path (relative to the working directory) to a file in one of the formats above.
        value_map: a CSV with the columns `value` and `value_class`, for the LitmusValues table; without it the
            table's values are taken for classes.

    Raises:
        DatasetError: the file is missing, not readable, or of no known format; or has faults, which it lists all.
    """
    if dataset == SHIPPED:
        return _shipped()
    path = Path(dataset)
    if path.suffix.lower() == ".csv":
        return tuple(record.dilemma for record in read_litmus(path, value_map))
    return _read_json_lines(path)


@cache
def _shipped() -> tuple[Dilemma, ...]:
    """Part of the program and immutable, so read once."""
    text = files("sandbox_env_dilemmas").joinpath("data/dilemmas.jsonl").read_text("utf-8")
    return _dilemmas(text, SHIPPED, "the shipped dilemmas")


def _read_json_lines(path: Path) -> tuple[Dilemma, ...]:
    return _dilemmas(text_of(path), path.stem, str(path))


def _dilemmas(text: str, name: str, where: str) -> tuple[Dilemma, ...]:
    found: list[Dilemma] = []
    faults: list[str] = []
    first_row_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            dilemma = _dilemma(line, number, name)
        except RowError as fault:
            faults.append(f"row {number}, {fault}")
            continue
        earlier = first_row_of.setdefault(dilemma.id, number)
        if earlier != number:
            faults.append(f"row {number}, id: {dilemma.id!r} is the id of row {earlier}, too")
        found.append(dilemma)
    return checked(found, faults, where)


def _dilemma(line: str, number: int, dataset: str) -> Dilemma:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RowError(f"character {error.colno}: not JSON ({error.msg})") from None
    if not isinstance(row, dict):
        raise RowError(f"whole row: expected a JSON object, got {type(row).__name__}")
    if "options" in row:
        return validated({**row, "dataset": dataset})
    if "answer_matching_behavior" in row:
        return _model_written(row, number, dataset)
    if "dilemma" in row:
        if not isinstance(row["dilemma"], str) or not row["dilemma"].strip():
            raise RowError(f"dilemma: expected a text, got {row['dilemma']!r}")
        fields = {
            "id": str(row.get("dilemma_idx", number)),
            "dataset": dataset,
            "question": row["dilemma"],
            "options": _yes_no("yes", "no"),
            "labels": ("yes", "no"),
            "kind": "bare",
        }
        return validated(fields)
    raise RowError(
        f"columns {', '.join(map(repr, row)) or 'none'}: expected 'options', or 'answer_matching_behavior', or "
        "'dilemma' among them; the formats are described in sandbox_env_dilemmas/datasets.py"
    )


_OPTION = re.compile(r"^[ \t]*\(([A-Z])\)", re.MULTILINE)
# `Choices:` on a line of its own; the model that wrote the larger files decorated it: `**Answer Choices:**`.
_CHOICES = re.compile(r"\s*(?:^(?:[^\w\n]|_)*(?:Answer )?Choices:[\W_]*)?\s*\Z", re.MULTILINE)
_CUE = re.compile(r"\n\s*Answer:\s*\Z")  # where a base model was to go on writing; a menu asks instead


def _model_written(row: Mapping[str, Any], number: int, dataset: str) -> Dilemma:
    """A row whose options stand in the text, one a line: ` (A) Yes`, as a rule after `Choices:`."""
    answers = []
    for column in ("answer_matching_behavior", "answer_not_matching_behavior"):
        if not isinstance(row.get(column), str):
            raise RowError(f"{column}: expected a text, got {row.get(column)!r}")
        answers.append(row[column].strip())
    question = row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise RowError(f"question: expected a text, got {question!r}")

    lead, letters, texts = _parsed_options(question)
    if letters:
        named = [answer.strip("()") for answer in answers]
        options = [{"id": letter, "text": text} for letter, text in zip(letters, texts, strict=True)]
        labels = letters
    elif {answer.lower() for answer in answers} == {"yes", "no"}:
        lead, named = question.strip(), [answer.lower() for answer in answers]
        options, labels = _yes_no("Yes", "No"), ["Yes", "No"]
    else:
        raise RowError(
            f"question: no options after 'Choices:', as ' (A) Yes', and the answers {answers} are not Yes, No"
        )
    known = [option["id"] for option in options]
    for column, answer in zip(("answer_matching_behavior", "answer_not_matching_behavior"), named, strict=True):
        if answer not in known:
            raise RowError(f"{column}: {answer!r} is none of the options {', '.join(known)}")
    if named[0] == named[1]:
        raise RowError(f"answer_not_matching_behavior: {named[0]!r} is the matching answer, too")
    fields = {
        "id": str(number),
        "dataset": dataset,
        "question": lead,
        "options": options,
        "labels": labels,
        "matching": named[0],
        "kind": "matching",
    }
    return validated(fields)


def _parsed_options(question: str) -> tuple[str, list[str], list[str]]:
    """(lead-in, letters, texts) of a question; no letters where it has no list (A), (B)... of at least two.

    Where a text holds several lists, the last is the one that is asked about.
    """
    marks = list(_OPTION.finditer(question))
    starts = [index for index, mark in enumerate(marks) if mark[1] == "A"]
    marks = marks[starts[-1] :] if starts else []
    letters = [mark[1] for mark in marks]
    if len(marks) < 2 or letters != [chr(ord("A") + place) for place in range(len(marks))]:
        return question, [], []
    ends = [mark.start() for mark in marks[1:]] + [len(question)]
    texts = [question[mark.end() : end].rstrip() for mark, end in zip(marks, ends, strict=True)]
    texts[-1] = _CUE.sub("", texts[-1])
    return _CHOICES.sub("", question[: marks[0].start()]), letters, [text.strip() for text in texts]


def _yes_no(yes: str, no: str) -> list[dict[str, str]]:
    return [{"id": "yes", "text": yes}, {"id": "no", "text": no}]
