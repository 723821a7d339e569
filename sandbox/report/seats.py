"""Several seats side by side: what each was shown last, with what no other seat was shown marked as private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sandbox.report.difference import known
from sandbox.report.plain import did
from sandbox.report.words import Passage, passage, value_words
from sandbox.text import canonical, display
from sandbox.trace import EpisodeSpec, Step

PRIVATE = "◆ "
"""Stands before what no other seat was shown."""


@dataclass(frozen=True)
class Column:
    """A seat at a tick.

    Attributes:
        seat: whose.
        title: the seat, its agent, and whether it moves at this tick; not yet neutralised.
        passages: what it was shown, what it did, what it said.
        known: how many of them, from the first, stood there when the seat looked before.
    """

    seat: str
    title: str
    passages: list[Passage]
    known: int = 0


def columns(
    spec: EpisodeSpec, latest: Mapping[str, Step | None], tick: int, before: Mapping[str, Step | None] | None = None
) -> list[Column]:
    """A column for each seat.

    Args:
        spec: of the episode.
        latest: seat -> its last step up to and with the tick; None where it has had none.
        tick: from 0.
        before: seat -> its step before that one.
    """
    made = []
    for seat, step in latest.items():
        others = [other for name, other in latest.items() if name != seat and other is not None]
        now = step is not None and step.tick == tick
        when = "moves now" if now else "has not moved yet" if step is None else f"moved at step {step.index + 1}"
        title = f"{seat}: {spec.seats[seat].name}, {when}"
        passages = [] if step is None else _passages(step, others, spec.framing, now)
        earlier = (before or {}).get(seat)
        seen = known(earlier, step) if earlier and step else []
        lines = sum(one.text.count("\n") + 2 for one in seen)  # a passage is a line here, and a heading stands first
        made.append(Column(seat, title, passages or [Passage("was shown nothing so far", "quiet")], lines))
    return made


def _passages(step: Step, others: list[Step], framing: str, now: bool) -> list[Passage]:
    passages = [Passage("is shown" if now else "was shown", "heading"), *_shown(step, others)]
    passages.append(Passage("does" if now else "did", "heading"))
    # Of what it did the menu is left out: it stands in the seat's own view.
    passages += takewhile(lambda one: one.role != "heading", did(step, framing))
    if step.said:
        passages += [Passage("says" if now else "said", "heading"), passage(step.said, indent=1)]
    return passages


def _shown(step: Step, others: list[Step]) -> list[Passage]:
    """What it was shown; a line, or a field, that no other seat was shown is private. Blank lines are nobody's."""
    if step.text:
        shared = {line.strip() for other in others for line in other.text.split("\n")}
        lines = step.text.split("\n")
        return [_marked(line, bool(others) and bool(line.strip()) and line.strip() not in shared) for line in lines]
    fields = {_field(name, value) for other in others for name, value in other.observation.items()}
    return [
        _marked(f"{name}: {value_words(value)}", bool(others) and _field(name, value) not in fields)
        for name, value in step.observation.items()
    ]


def _marked(text: str, private: bool) -> Passage:
    return Passage(f"{PRIVATE if private else '  '}{display(text)}", "private" if private else "text", hang=2)


def _field(name: str, value: Any) -> tuple[str, bytes]:
    try:
        return name, canonical(value)
    except (TypeError, ValueError, RecursionError):  # no JSON, which an episode that was never stored may hold
        return name, repr(value).encode(errors="replace")
