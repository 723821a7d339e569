"""What people say of an episode, in words: for panes, pages and lines; and as rows for files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.annotation import Annotation
from sandbox.report.words import Passage, number_words, passage

COLUMNS = ("id", "episode", "attempt", "step", "kind", "name", "value", "text", "author", "made")
"""Of a table of annotations; steps are counted from 1, and a blank one means the episode as a whole."""


def annotation_words(one: Annotation, attempt: int | None = None) -> str:
    """What is said, and by whom; maybe of several lines. `attempt`: the one shown, if it could be another."""
    said = {"bookmark": "bookmark", "note": "note", "label": f"label {one.name} = {number_words(one.value)}"}[one.kind]
    earlier = f", of attempt {one.attempt}" if attempt not in (None, one.attempt) else ""
    return f"{said} ({one.author}{earlier}){f': {one.text}' if one.text else ''}"


def said_by_people(
    annotations: Iterable[Annotation], step: int | None = None, attempt: int | None = None
) -> list[Passage]:
    """What people say of a step (its index), or of the episode as a whole."""
    return [passage(annotation_words(one, attempt), "flag") for one in annotations if one.step == step]


def where_words(one: Annotation) -> str:
    """What it is about: `step 9`, or `episode`."""
    return "episode" if one.step is None else f"step {one.step + 1}"


def as_row(one: Annotation) -> dict[str, Any]:
    """An annotation as a row of `COLUMNS`."""
    values = one.model_dump(mode="json")
    return {name: values[name] for name in COLUMNS} | {"step": None if one.step is None else one.step + 1}
