"""Passages, and words for the parts that recorded things have: moves, amounts, scores, marks, ground truth.

A passage is text that is safe to print, with the part that it plays. What is called `..._words` here is text of one or
more lines that is not neutralised yet: it becomes a passage, or goes through `sandbox.text`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.scenario import NATURE, Appraisal
from sandbox.scorer import Mark, Score
from sandbox.store.rows import MarkRow, ScoreRow
from sandbox.text import canonical, display, display_line
from sandbox.trace import Episode, Step

Role = Literal["text", "heading", "quiet", "chosen", "hidden", "flag", "added", "removed", "changed", "private"]
"""What a passage is: plain text; a heading; of lesser weight; the move decided on; ground truth that is no part of what
the seat saw; something that went wrong, or that is worth a look; new or gone since the seat looked last, or a line with
such words in it (see `sandbox.report.difference`); what no other seat was shown."""

AnyScore = Score | ScoreRow
AnyMark = Mark | MarkRow

HIDDEN = "hidden: "
"""Stands before ground truth: recorded beside the step, never part of an observation."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that a terminal may be given (made by `passage`, which neutralises it), maybe of several lines.

    `indent`, `hang`: blanks before the first and, beyond those, before each further line. Lines that data brings along
    hang by two, so that none of them can pass for a passage of ours.
    """

    text: str
    role: Role = "text"
    indent: int = 0
    hang: int = 2


def passage(text: object, role: Role = "text", indent: int = 0, hang: int = 2) -> Passage:
    """The passage of some untrusted text."""
    return Passage(display(text), role, indent, hang)


def agent_words(episode: Episode) -> str:
    """The agents under evaluation by name, then the counterparts; one line."""
    spec = episode.spec
    names = [spec.seats[seat].name for seat in spec.evaluated if seat in spec.seats]
    others = [agent.name for seat, agent in spec.seats.items() if seat not in spec.evaluated]
    return display_line(", ".join(dict.fromkeys(names)) + (f" with {', '.join(others)}" if others else ""))


def move_words(move: Mapping[str, Any]) -> str:
    """A recorded move as `kind(field=value)`; fields that hold nothing are left out."""
    fields = {name: value for name, value in move.items() if name != "kind" and value is not None}
    words = ", ".join(f"{name}={value_words(value, quoted=True)}" for name, value in fields.items())
    return f"{move.get('kind', 'move')}({words})"


def is_turnless(step: Step) -> bool:
    """Whether it is no turn and no draw: what a record that somebody else made has beside its turns."""
    return step.seat == NATURE and step.applied.get("kind") == "events"


def truth_words(appraisal: Appraisal, indent: int, taken: bool, brief: bool = False) -> Iterator[Passage]:
    """What the scenario knows of a move; nothing where it knows nothing. Risks that were `taken` stand out.

    `brief`: without content and features, which stand beside the same move in the menu.
    """
    words = []
    if appraisal.risks:
        words.append(f"risks {', '.join(appraisal.risks)}")
    if appraisal.values:
        words.append(f"serves {', '.join('a value of no known class' if v is None else v for v in appraisal.values)}")
    if appraisal.utility is not None:
        words.append(f"utility {number_words(appraisal.utility)}")
    if appraisal.content is not None and not brief:
        words.append(f"content {appraisal.content}")
    if appraisal.features and not brief:
        values = appraisal.features.items()
        words.append(", ".join(f"{name}={v if isinstance(v, str) else format(v, '.4g')}" for name, v in values))
    if words:
        yield passage(f"{HIDDEN}{'; '.join(words)}", "flag" if appraisal.risks and taken else "hidden", indent)


def score_words(score: AnyScore) -> str:
    """A score with what it is about."""
    about = [score.scorer] if isinstance(score, ScoreRow) else []
    about += [f"variant {score.variant}"] if score.variant else []
    about += [f"seat {score.seat}"] if score.seat else []
    where = f" ({', '.join(about)})" if about else ""
    return f"{score.name} = {number_words(score.value)}{where}{f': {score.reason}' if score.reason else ''}"


def mark_words(mark: AnyMark) -> str:
    """A mark with its value, scorer and note."""
    value = "" if mark.value is None else f" = {number_words(mark.value)}"
    source = f" ({mark.scorer})" if isinstance(mark, MarkRow) else ""
    return f"{mark.name}{value}{source}{f': {mark.note}' if mark.note else ''}"


def amounts(amounts: Mapping[str, float], signed: bool = False) -> str:
    """`seat amount` of each seat."""
    return ", ".join(f"{seat} {value:{'+' if signed else ''}.10g}" for seat, value in amounts.items())


def returned(total: float | None, returns: Mapping[str, float]) -> str:
    """The return; where several agents are under evaluation that of each seat."""
    return ", ".join(f"{display_line(seat)} {number_words(own)}" for seat, own in returns.items()) or number_words(
        total
    )


def count_words(counts: Mapping[str, int]) -> str:
    """`name number` of each."""
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def number_words(value: float | None) -> str:
    """A number, or that it is undefined."""
    return "undefined" if value is None else f"{value:.10g}"


def plural(count: int, word: str) -> str:
    """So many of a thing."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def field_words(data: Mapping[str, Any]) -> str:
    """`name=value` of each."""
    return ", ".join(f"{name}={value_words(value)}" for name, value in data.items())


def value_words(value: Any, quoted: bool = False) -> str:
    """A recorded value: text as it is (or in quotes), anything else as JSON."""
    if isinstance(value, str) and not quoted:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str | int | float | bool | None):
        return json.dumps(value, ensure_ascii=False)
    try:
        return canonical(value).decode()
    except (TypeError, ValueError, RecursionError):  # no JSON, which an episode that was never stored may hold
        return str(value)


def as_list(value: Any) -> list[Any]:
    """A recorded list; an empty one where there is none."""
    return list(value) if isinstance(value, list | tuple) else []
