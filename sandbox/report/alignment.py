"""Which steps of two episodes belong side by side, where the episodes first part, and in what."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from sandbox.text import fragment
from sandbox.trace import Step

PARTS = ("state", "observation", "menu", "decision", "applied", "outcome", "reward")
"""What can differ between two steps: all that a step's digest covers, but the tick, which a detour shifts."""

DEEDS = frozenset({"decision", "applied", "outcome", "reward"})
"""The parts that are done or come of it; the others are what was given."""

AHEAD = 64
"""Steps that are looked through for a seat's next turn, where it is not the same seat's turn on both sides."""


@dataclass(frozen=True, slots=True)
class Row:
    """Two steps side by side, each by its index (from 0), or one with a gap beside it (None).

    `differs`: the parts, out of `PARTS`, in which the two differ; empty where they are the same, and beside a gap.
    """

    left: int | None
    right: int | None
    differs: tuple[str, ...] = ()

    @property
    def gap(self) -> bool:
        """Whether only one of the two has a step here."""
        return self.left is None or self.right is None

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.gap and not self.differs

    @property
    def parts_ways(self) -> bool:
        """Whether something else was done, or came of it; after the first difference most steps differ in state."""
        return self.gap or not DEEDS.isdisjoint(self.differs)


@dataclass(frozen=True)
class Alignment:
    """All steps of both, each once and in order."""

    rows: tuple[Row, ...]

    @cached_property
    def first(self) -> int | None:
        """The place of the first row that is not the same on both sides; None where there is none."""
        return next((place for place, row in enumerate(self.rows) if not row.same), None)

    @property
    def common(self) -> int:
        """How many steps the two share from the start."""
        return len(self.rows) if self.first is None else self.first

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """Places worth a look: the first difference, and all rows in which something else was done or came of it."""
        return tuple(place for place, row in enumerate(self.rows) if row.parts_ways or place == self.first)

    def place(self, left: int | None = None, right: int | None = None) -> int:
        """The place of the row that has this step of one side; the last one, or 0, where there is no such step."""
        for place, row in enumerate(self.rows):
            if (left is not None and row.left == left) or (right is not None and row.right == right):
                return place
        return max(len(self.rows) - 1, 0)

    def swapped(self) -> Alignment:
        """The same with the sides exchanged."""
        return Alignment(tuple(Row(row.right, row.left, row.differs) for row in self.rows))


class Fingerprint(NamedTuple):
    """A step as short as it can be compared: its seat, and a hash of each of `PARTS`."""

    seat: str
    parts: tuple[bytes, ...]

    @property
    def situation(self) -> tuple[str, bytes]:
        """Whose turn it is in which state."""
        return self.seat, self.parts[0]


def fingerprint(step: Step) -> Fingerprint:
    """Of a step, which need not stay in memory."""
    return Fingerprint(
        step.seat,
        (
            step.state.encode(errors="surrogatepass"),
            _hash([step.observation, step.text]),
            _hash([[entry.move for entry in step.menu], step.ranges]),
            _hash(None if step.decision is None else step.decision.move),
            _hash(step.applied),
            step.outcome.encode(),
            _hash(step.rewards),
        ),
    )


def _hash(value: Any) -> bytes:
    written = fragment(value)
    if written is None:  # a lone surrogate, or no JSON at all, in an episode that was never stored
        written = repr(value).encode(errors="backslashreplace")
    return hashlib.blake2b(written, digest_size=8).digest()


def align(left: Sequence[Fingerprint], right: Sequence[Fingerprint]) -> Alignment:
    """The steps of both sides in rows.

    From the start on, step by step while nothing differs. After that, steps in which the same seat moves in the same
    state, which occurs once on each side, belong together; between those, turns of the same seat in their order. What
    is left has a gap beside it. The same whichever side is called left.
    """
    if (len(right), right) < (len(left), left):  # so that a tie is broken in the same way, whichever is given first
        return align(right, left).swapped()
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    met = _meetings(left, right, common)
    places = [(common - 1, common - 1), *met, (len(left), len(right))]
    rows = [Row(index, index) for index in range(common)]
    for (i, j), (next_i, next_j) in pairwise(places):
        rows.extend(_in_order(left, right, range(i + 1, next_i), range(j + 1, next_j)))
        if next_i < len(left) and next_j < len(right):
            rows.append(_row(left, right, next_i, next_j))
    return Alignment(tuple(rows))


def _row(left: Sequence[Fingerprint], right: Sequence[Fingerprint], i: int, j: int) -> Row:
    pairs = zip(PARTS, left[i].parts, right[j].parts, strict=True)
    return Row(i, j, tuple(name for name, one, other in pairs if one != other))


def _meetings(left: Sequence[Fingerprint], right: Sequence[Fingerprint], start: int) -> list[tuple[int, int]]:
    """The longest row of pairs, in order on both sides, of situations that occur once on each (patience difference)."""
    here, there = _once(left, start), _once(right, start)
    pairs = [(i, there[situation]) for situation, i in here.items() if situation in there]
    tops: list[int] = []  # the least right index that ends a row of each length
    ends: list[int] = []  # which pair that is
    before: list[int | None] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        before.append(ends[length - 1] if length else None)
        tops[length : length + 1] = [j]
        ends[length : length + 1] = [number]
    found = []
    at = ends[-1] if ends else None
    while at is not None:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _once(steps: Sequence[Fingerprint], start: int) -> Mapping[tuple[str, bytes], int]:
    """Situation -> index, of those that occur once from `start` on; a step without a known state is in none."""
    times = Counter(step.situation for step in steps[start:])
    return {
        step.situation: index
        for index, step in enumerate(steps[start:], start)
        if step.parts[0] and times[step.situation] == 1
    }


def _in_order(left: Sequence[Fingerprint], right: Sequence[Fingerprint], these: range, those: range) -> Iterator[Row]:
    """Turns of the same seat side by side; where the seats differ, the shorter way to one that does not."""
    i, j = these.start, those.start
    while i < these.stop and j < those.stop:
        if left[i].seat == right[j].seat:
            yield _row(left, right, i, j)
            i, j = i + 1, j + 1
            continue
        skip_right = _next_turn(right, range(j, min(those.stop, j + AHEAD)), left[i].seat)
        skip_left = _next_turn(left, range(i, min(these.stop, i + AHEAD)), right[j].seat)
        if skip_left <= skip_right:
            yield Row(i, None)
            i += 1
        else:
            yield Row(None, j)
            j += 1
    yield from (Row(index, None) for index in range(i, these.stop))
    yield from (Row(None, index) for index in range(j, those.stop))


def _next_turn(steps: Sequence[Fingerprint], among: range, seat: str) -> int:
    return next((index - among.start for index in among if steps[index].seat == seat), AHEAD)
