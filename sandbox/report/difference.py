"""What is new to a seat since it looked last: its observation beside the one before, line by line and word by word.

A line that is new begins with `+`, one that is gone with `-`; in a line that begins with `~`, words that are gone stand
as `[-words-]` and new ones as `{+words+}`, as GNU wdiff has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from sandbox.report.plain import saw
from sandbox.report.words import Passage, passage
from sandbox.trace import Step, is_chance

MOST_LINES = 2_000
"""Lines on either side, beyond which only a common beginning and end are found: a comparison takes their square."""
MOST_WORDS = 400
"""Words of a line on either side, beyond which the line is another as a whole."""
LIKE = 0.4
"""The share of words that two lines have in common from which on they are one line that changed."""
AROUND = 2
"""Unchanged lines that are shown before and after a change."""
LARGEST = 1_000_000
"""Characters of either text, beyond which they are not compared by lines."""
FAR = 50_000
"""Characters of a text in which its first new line is looked for: all above that line is wrapped to be skipped."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def difference(step: Step, before: Step | None) -> list[Passage]:
    """The difference between what a seat sees at a step and what it saw at its step `before`."""
    if is_chance(step):
        return saw(step)
    if before is None:
        return [Passage("the seat sees this for the first time:", "quiet"), *saw(step)]
    since = passage(f"since step {before.index + 1}, when {step.seat} looked last:", "quiet")
    return [since, *between(before, step)]


def known(before: Step, step: Step) -> list[Passage]:
    """The lines that what is seen at a step begins with as it did at a step `before`; none if no other comes after.

    Only of an observation that was rendered as text, and no further than `FAR` characters.
    """
    if is_chance(step) or not step.text:
        return []
    old, new = before.text[:FAR].split("\n"), step.text[:FAR].split("\n")
    same = next((place for place, (one, other) in enumerate(zip_longest(old, new)) if one != other), len(new))
    return [passage("\n".join(new[:same]), hang=0)] if 0 < same < len(new) else []


def between(before: Step, step: Step) -> list[Passage]:
    """The difference between what was seen at two steps, of whatever episodes."""
    if max(len(before.text), len(step.text)) > LARGEST:  # seen before they are neutralised, which takes a while, too
        return _too_long(before.text, step.text, step)
    old, new = _text(before), _text(step)
    if old == new:
        return [Passage("nothing changed", "quiet"), *saw(step)]
    if max(len(old), len(new)) > LARGEST:
        return _too_long(old, new, step)
    return list(_lines(old.split("\n"), new.split("\n")))


def _too_long(old: str, new: str, step: Step) -> list[Passage]:
    if old == new:
        return [Passage("nothing changed", "quiet"), *saw(step)]
    words = f"too long to be compared ({len(old):,} and {len(new):,} characters); what is seen now:"
    return [Passage(words, "flag"), *saw(step)]


def _text(step: Step) -> str:
    """What `saw` says, neutralised."""
    return "\n".join(one.text for one in saw(step))


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Passage]:
    matches = _opcodes(old, new)
    for place, (kind, i, j, k, m) in enumerate(matches):
        if kind == "equal":
            first, last = place == 0, place == len(matches) - 1
            head = 0 if first else AROUND
            tail = 0 if last else AROUND
            lines = old[i:j]
            if len(lines) <= head + tail + 1:
                yield from (Passage(f"  {line}") for line in lines)
                continue
            yield from (Passage(f"  {line}") for line in lines[:head])
            yield Passage(f"… {len(lines) - head - tail} lines as they were", "quiet")
            yield from (Passage(f"  {line}") for line in lines[len(lines) - tail :])
            continue
        was, now = old[i:j], new[k:m]
        for one, other in zip(was, now, strict=False):
            together = _words(one, other)
            if together is None:
                yield Passage(f"- {one}", "removed")
                yield Passage(f"+ {other}", "added")
            else:
                yield Passage(f"~ {together}", "changed")
        yield from (Passage(f"- {line}", "removed") for line in was[len(now) :])
        yield from (Passage(f"+ {line}", "added") for line in now[len(was) :])


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """As `SequenceMatcher.get_opcodes`; of long texts only what they begin and end with in common is found."""
    if max(len(old), len(new)) <= MOST_LINES:
        return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    end = next((i for i in range(shorter - start) if old[-1 - i] != new[-1 - i]), shorter - start)
    middle = ("replace", start, len(old) - end, start, len(new) - end)
    return [
        *([("equal", 0, start, 0, start)] if start else []),
        middle,
        *([("equal", len(old) - end, len(old), len(new) - end, len(new))] if end else []),
    ]


def _words(old: str, new: str) -> str | None:
    """Both lines in one, with what is gone and what is new marked; None where they have too little in common."""
    if max(len(old), len(new)) > 10 * MOST_WORDS:
        return None
    was, now = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(was), len(now)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    if matcher.ratio() < LIKE:
        return None
    parts = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            parts.append("".join(was[i:j]))
            continue
        gone, come = "".join(was[i:j]), "".join(now[k:m])
        parts.append((f"[-{gone}-]" if gone else "") + (f"{{+{come}+}}" if come else ""))
    return "".join(parts)
