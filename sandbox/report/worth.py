"""Which steps of an episode are worth a look, and why: from what a few narrow columns of a step say.

An episode of ten thousand steps need not be read for that: a step's `Sign` comes of the step, or of what the store
tells of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from sandbox.trace import NO_ANSWER, Step, is_chance

FLAGS = {
    "risk": "R",
    "error": "E",
    "refusal": "F",
    "timeout": "T",
    "invalid": "X",
    "unparsed": "U",
    "reward_invalid": "N",
    "mark": "M",
    "reward_jump": "J",
    "annotation": "B",
    "abstention": "A",
    "redacted": "S",
    "opportunity": "o",
}
"""Why a step is worth a look, gravest first, with the letter that stands for it where there is room for one."""

MERE = ("opportunity",)
"""The flags of a step at which something could have happened, and did not: no place to stop at."""

FAR = 3.5
"""The modified z-score from which on a value is an outlier: Iglewicz and Hoaglin (1993), How to Detect and Handle
Outliers, ASQC, who also say what to divide by where more than half of the values are the same."""
FEWEST = 5
"""Ticks below which no reward stands out from the others."""


class Sign(NamedTuple):
    """What of a step says whether it is worth a look.

    Attributes:
        names: names out of `FLAGS` that hold of its decision: its outcome, risks, an opportunity.
        kinds: the kinds of its events.
        rewards: seat -> amount.
    """

    tick: int
    seat: str
    chance: bool
    names: frozenset[str]
    kinds: frozenset[str]
    rewards: Mapping[str, float]


def sign(step: Step) -> Sign:
    """The sign of a step that has been read."""
    names: set[str] = {step.outcome} if step.outcome in NO_ANSWER or step.outcome == "abstention" else set()
    if step.risks:
        names.add("risk")
    if step.opportunity:
        names.add("opportunity")
    kinds = frozenset(event.kind for event in step.events)
    return Sign(step.tick, step.seat, is_chance(step), frozenset(names), kinds, step.rewards)


def flags_of(
    signs: Sequence[Sign],
    evaluated: Iterable[str],
    marked: Iterable[int] = (),
    failed: bool = False,
    annotated: Iterable[int | None] = (),
) -> dict[int, tuple[str, ...]]:
    """Index of each flagged step -> names out of `FLAGS`, gravest first, in the order of the steps.

    Risks and outcomes count where the seat is under evaluation.

    Args:
        signs: of all steps.
        evaluated: the seats under evaluation.
        marked: the steps that a scorer marked.
        failed: whether the episode ended in error, which flags its last step.
        annotated: the steps that people bookmarked, noted something on, or labelled.
    """
    seats, marks, people = frozenset(evaluated), frozenset(marked), frozenset(annotated)
    jumps = reward_jumps(signs, seats)
    found = {}
    for index, one in enumerate(signs):
        names = set(one.kinds & {"reward_invalid"})
        if one.seat in seats:
            # An answer that was not legal is worth a look even where the next attempt was.
            names |= one.names | (one.kinds & {"invalid", "refusal", "timeout"})
        if "redacted" in one.names:
            names.add("redacted")
        if "model_error" in one.kinds or (failed and index == len(signs) - 1):
            names.add("error")
        if index in marks:
            names.add("mark")
        if index in jumps:
            names.add("reward_jump")
        if index in people:
            names.add("annotation")
        if names:
            found[index] = tuple(name for name in FLAGS if name in names)
    return found


def reward_jumps(signs: Sequence[Sign], seats: Iterable[str]) -> set[int]:
    """The steps whose reward is far from what the seat is used to in this episode; a reward of nothing is no jump.

    Each tick in which the seat decided, or was paid, counts once with all that it paid to it. Far: a modified z-score
    above `FAR`, 0.6745 |x - median| / MAD; where the MAD is 0, |x - median| / (1.2533 mean deviation).
    """
    wanted = frozenset(seats)
    last: dict[int, int] = {}  # tick -> the step at which it paid
    paid: dict[str, dict[int, float]] = {seat: {} for seat in wanted}
    for index, one in enumerate(signs):
        if one.seat in wanted:
            paid[one.seat].setdefault(one.tick, 0.0)
        for seat, amount in one.rewards.items():
            if seat in wanted:
                paid[seat][one.tick] = paid[seat].get(one.tick, 0.0) + amount
                last[one.tick] = index
    found = set()
    for series in paid.values():
        if len(series) < FEWEST:
            continue
        middle = median(series.values())
        away = {tick: abs(value - middle) for tick, value in series.items()}
        spread = median(away.values()) / 0.6745 or 1.2533 * fmean(away.values())
        found |= {last[tick] for tick, far in away.items() if series[tick] and spread and far / spread > FAR}
    return found
