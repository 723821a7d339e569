"""What people say of recorded episodes: bookmarks, notes and labels. They change no trace, hash or score."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import AwareDatetime

from sandbox.errors import InputError
from sandbox.scenario import Frozen

Kind = Literal["bookmark", "note", "label"]
KINDS: tuple[Kind, ...] = ("bookmark", "note", "label")
LONGEST_TEXT = 100_000
"""Characters of a note."""
LONGEST_NAME = 200
"""Characters of a label's name, and of an author's."""
YES, NO = ("yes", "y", "true"), ("no", "n", "false")
"""Words for 1 and 0, whatever their case."""

_SAME_NAME = re.compile(r"\s+")


class Annotation(Frozen):
    """One thing that one person says of an episode, or of a step of it.

    Attributes:
        id: number in its store, from 1; later ones have greater numbers.
        episode: the episode's key; `attempt`: the attempt at it whose trace was looked at.
        step: index from 0; None for the episode as a whole.
        kind: `bookmark`, `note` (has a `text`), or `label` (has a `name` and a `value`: yes is 1, no is 0).
        author: who says it.
        made: when, in UTC. It orders nothing.
    """

    id: int
    episode: str
    attempt: int
    step: int | None = None
    kind: Kind
    name: str = ""
    value: float | None = None
    text: str = ""
    author: str
    made: AwareDatetime


def checked_name(text: str, what: str) -> str:
    """A name of a label or an author on one line, without blanks around it.

    Raises:
        InputError: it is empty, or longer than `LONGEST_NAME`.
    """
    name = _SAME_NAME.sub(" ", text).strip()
    if not name:
        raise InputError(f"{what} is empty: give a name, such as {'deception' if 'label' in what else 'ann'}")
    if len(name) > LONGEST_NAME:
        raise InputError(f"{what} has {len(name)} characters: {LONGEST_NAME} at most")
    return name


def checked_text(text: str) -> str:
    """A note's text without blank lines around it.

    Raises:
        InputError: it is empty, or longer than `LONGEST_TEXT`.
    """
    note = text.strip()
    if not note:
        raise InputError("the note is empty: write something, or delete it")
    if len(note) > LONGEST_TEXT:
        raise InputError(f"the note has {len(note)} characters: {LONGEST_TEXT} at most")
    return note


def checked_value(value: float) -> float:
    """A label's value; raises InputError where it is not finite."""
    if not math.isfinite(value):
        raise InputError(f"a label's value is a finite number, not {value}")
    return float(value)


def value_of(text: str) -> float:
    """A label's value as people give it: a number, or yes (1) or no (0).

    Raises:
        InputError: it is neither, or not finite.
    """
    word = text.strip().lower()
    if word in YES:
        return 1.0
    if word in NO:
        return 0.0
    try:
        return checked_value(float(word))
    except ValueError:
        raise InputError(f"a label's value is a number, yes or no; {text!r} is none of these") from None


def label_of(text: str) -> tuple[str, float]:
    """Name and value of `NAME` (yes) or `NAME=VALUE`; the last `=` is what parts them.

    Raises:
        InputError: the name is empty or too long, or the value cannot be read.
    """
    name, sign, value = text.rpartition("=")
    return checked_name(name if sign else value, "the label's name"), value_of(value) if sign else 1.0
