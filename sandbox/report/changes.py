"""What a move changed: in the state, of which a hash is kept, and in what the seat is shown when it looks next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.report.words import Passage, passage, value_words
from sandbox.text import display
from sandbox.trace import Step, is_chance

LONGEST = 120
"""Characters of a value that stand on either side of an arrow; the pane of what the seat saw has all of them."""

FEW = 8
"""Entries of a list up to which they are named."""


def changed(step: Step, after: Step | None, next_state: str | None) -> list[Passage]:
    """What changed after a step.

    Args:
        step: the step.
        after: the same seat's next step; None where it has none.
        next_state: the hash of the state after the step's tick; None where it is not known.
    """
    passages = []
    if step.state and next_state:
        same = step.state == next_state
        words = "state: unchanged" if same else f"state: changed, {step.state[:8]} → {next_state[:8]}"
        passages.append(passage(words, "quiet" if same else "text"))
    if is_chance(step):
        return passages
    if after is None:
        return [*passages, Passage("the seat was shown nothing after this", "quiet")]
    passages.append(passage(f"what {step.seat} is shown next (step {after.index + 1}):", "heading"))
    fields = observation_changes(step.observation, after.observation)
    if not fields:
        same = step.text == after.text
        fields = [Passage("the same as now" if same else "the same fields, another text: d at that step", "quiet", 1)]
    return [*passages, *fields]


def observation_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Passage]:
    """The fields of an observation that are new (+), gone (-) or another (~), by dotted names, in order."""
    old, new = _flat(before), _flat(after)
    passages = []
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            passages.append(passage(f"- {name}: {_short(old[name])}", "removed", 1))
        elif name not in old:
            passages.append(passage(f"+ {name}: {_short(new[name])}", "added", 1))
        elif old[name] != new[name]:
            passages.append(passage(f"~ {name}: {_short(old[name])} → {_short(new[name])}", "text", 1))
    return passages


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Fields of fields as `a.b`; lists stay whole."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _short(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) > FEW:
        return f"{len(value)} entries"
    words = value_words(value) or "(empty)"
    return words if len(words) <= LONGEST else display(words[: LONGEST - 1]) + "…"
