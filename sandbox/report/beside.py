"""Two episodes side by side in words: where they part, what each did there, and their totals with differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import BaseModel

from sandbox.report.alignment import Alignment, Fingerprint, Row, align, fingerprint
from sandbox.report.plain import AnyScore, move_words, where_words
from sandbox.store.rows import ScoreRow
from sandbox.text import canonical, display_line
from sandbox.trace import COUNTS, Episode, Step, is_chance

LONGEST = 80
"""Characters of a move's words that are kept for lists."""

SCORE = "score "
"""What the names of totals begin with that scorers gave."""


class Told(NamedTuple):
    """An episode to compare: without its steps, its steps (which may be read as they are gone through), its scores."""

    about: Episode
    steps: Sequence[Step]
    scores: Sequence[AnyScore] = ()


@dataclass(frozen=True)
class Side:
    """One of two episodes, with of its steps only what lists and comparisons need.

    Attributes:
        name: what it is called, unlike the other side.
        about: the episode; its steps are not looked at.
        fingerprints, deeds: of each step, what it is compared by and what was done, in words.
        risks: decisions under evaluation that take a risk.
        counts: see `Episode.counts`.
        scores: what scorers say of it.
    """

    name: str
    about: Episode
    fingerprints: Sequence[Fingerprint]
    deeds: Sequence[str]
    risks: int
    counts: Mapping[str, int]
    scores: Sequence[AnyScore] = ()


def side(name: str, told: Told) -> Side:
    """The side of an episode; goes through its steps once, and keeps none."""
    about = told.about
    prints: list[Fingerprint] = []
    deeds: list[str] = []
    counts = dict.fromkeys(COUNTS, 0)
    risks = 0
    for step in told.steps:
        prints.append(fingerprint(step))
        deeds.append(display_line(deed_words(step), LONGEST))
        if step.seat in about.spec.evaluated:
            risks += bool(step.risks)
            kind = "invalid" if step.outcome == "timeout" else step.outcome
            if kind in counts:
                counts[kind] += 1
    counts["truncated"] += about.status == "truncated"
    counts["error"] += about.status == "error"
    return Side(name, about, prints, deeds, risks, counts, told.scores)


def names(left: Episode, right: Episode) -> tuple[str, str]:
    """What to call the two: by their agents, or by whatever else tells them apart, in the end by their ids."""
    for one, other, named in ((left, right, ("parent", "fork")), (right, left, ("fork", "parent"))):
        fork = other.spec.fork
        if fork is not None and fork.parent == one.id and one.spec.evaluated_agents == other.spec.evaluated_agents:
            return named
    others = [seat for seat, agent in left.spec.seats.items() if right.spec.seats.get(seat, agent).name != agent.name]
    seats = [seat for seat in others if seat in left.spec.evaluated] or others
    ways = (
        # `baselines/` says less than what comes after it.
        lambda one: ", ".join(dict.fromkeys(one.spec.seats[seat].name.rsplit("/", 1)[-1] for seat in seats)),
        lambda one: ", ".join(one.spec.seats[seat].name for seat in seats),
        lambda one: f"seed {one.spec.seed}",
        lambda one: f"item {one.spec.item_id}",
        lambda one: f"repetition {one.spec.repetition}",
        lambda one: one.spec.framing,
        lambda one: f"luck {one.spec.fork.luck}" if one.spec.fork else "",
        lambda one: move_words(one.spec.fork.move) if one.spec.fork and one.spec.fork.move else "as it was",
    )
    for way in ways:
        called = way(left), way(right)
        if called[0] != called[1] and all(called):
            return display_line(called[0], 40), display_line(called[1], 40)
    return left.id[:12], right.id[:12]


def deed_words(step: Step) -> str:
    """What was done at a step, in a few words."""
    if is_chance(step) or step.decision is None:
        words = move_words(step.applied)
        return f"chance: {words}" if is_chance(step) else f"{step.outcome}, so {words}"
    return move_words(step.decision.move)


# -- where they part --------------------------------------------------------------------------------------------------


def parting_words(left: Side, right: Side, alignment: Alignment, steps: tuple[Sequence[Step], Sequence[Step]]) -> str:
    """Where the two part first, and how. `steps`: all of the left, and of the right."""
    common = alignment.common
    if alignment.first is None:
        return f"the same in all steps ({common})" if common else "neither has a step"
    row = alignment.rows[alignment.first]
    start = f"the same to step {common}; " if common else ""
    if row.left is not None and row.right is not None:
        where = f"at step {row.left + 1}"
        if row.left != row.right:
            where += f" of {left.name} and step {row.right + 1} of {right.name}"
        return f"{start}{where} {difference_words(left.name, right.name, row, steps)}"
    alone, other, own = (left, right, steps[0]) if row.right is None else (right, left, steps[1])
    index = row.left if row.left is not None else row.right
    assert index is not None
    if index < len(other.fingerprints):
        return f"{start}step {index + 1} of {alone.name} is not in {other.name}: {where_words(own[index])}"
    ends = f"{other.name} ends" if other.fingerprints else f"{other.name} has no steps"
    return f"{start}there {ends}, {alone.name} goes on to step {len(alone.fingerprints)}"


def difference_words(left: str, right: str, row: Row, steps: tuple[Sequence[Step], Sequence[Step]]) -> str:
    """What differs in a row that has a step on both sides."""
    assert row.left is not None
    assert row.right is not None
    one, other = steps[0][row.left], steps[1][row.right]
    if "observation" in row.differs:
        saw = _fields(one.observation, other.observation)
        given = f"what they saw differs{f' ({saw})' if saw else ''}"
    elif "menu" in row.differs:
        given = "what they could do differs"
    elif row.differs == ("state",):
        return "only the state differs, which neither saw"
    else:
        given = ""
    if "decision" in row.differs or (is_chance(one) and "applied" in row.differs):
        did = f"{left} {_did(one)}, {right} {_did(other)}"
    elif "outcome" in row.differs:
        did = f"{left} came out {one.outcome}, {right} {other.outcome}"
    elif "applied" in row.differs:
        did = f"what took effect differs: {move_words(one.applied)}, {move_words(other.applied)}"
    elif "reward" in row.differs:
        did = f"both {_did(one)}, the reward differs: {_amounts(one.rewards)}, {_amounts(other.rewards)}"
    else:
        did = f"both {_did(one)}"
    return display_line("; ".join(part for part in (given, did) if part))


def parts_words(row: Row) -> str:
    """The parts that differ; what took effect only where the decision does not say it."""
    return ", ".join(part for part in row.differs if part != "applied" or "decision" not in row.differs)


def _did(step: Step) -> str:
    if is_chance(step):
        return f"drew {move_words(step.applied)}"
    return f"did not decide ({step.outcome})" if step.decision is None else f"chose {move_words(step.decision.move)}"


def _fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The fields of two observations that differ, with their values where these are short."""
    named = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
    words = []
    for name in named[:3]:
        values = f"{_short(one.get(name))}, {_short(other.get(name))}"
        words.append(f"{name}: {values}" if len(values) <= 40 else name)
    return "; ".join(words) + ("; ..." if len(named) > 3 else "")


def _short(value: Any) -> str:
    try:
        return canonical(value).decode()
    except (TypeError, ValueError, RecursionError):  # no JSON, in an episode that was never stored
        return str(value)


def _amounts(rewards: Mapping[str, float]) -> str:
    return " ".join(f"{seat} {value:+.6g}" for seat, value in rewards.items()) or "none"


# -- totals -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Total:
    """A number of both episodes; None where one has none."""

    name: str
    left: float | None
    right: float | None

    @property
    def difference(self) -> float | None:
        """Right - left; None where either is."""
        return None if self.left is None or self.right is None else self.right - self.left

    @property
    def words(self) -> str:
        """`return 30, 50 (+20)`."""
        difference = "" if self.difference is None else f" ({self.difference:+.6g})"
        return f"{self.name} {number(self.left)}, {number(self.right)}{difference}"


def number(value: float | None) -> str:
    """A number, or a dash for none."""
    return "-" if value is None else f"{value:.6g}"


def totals(left: Side, right: Side) -> list[Total]:
    """Return, steps, risks, counts that are not zero, payoffs where there are several, and scores."""
    found = [
        Total("return", left.about.total, right.about.total),
        Total("steps", len(left.fingerprints), len(right.fingerprints)),
        Total("risks", left.risks, right.risks),
    ]
    counts = [name for name in COUNTS if left.counts[name] or right.counts[name]]
    found += [Total(name, left.counts[name], right.counts[name]) for name in counts]
    payoffs = dict.fromkeys([*left.about.payoffs, *right.about.payoffs])
    if len(payoffs) > 1:
        found += [
            Total(f"payoff {seat}", left.about.payoffs.get(seat), right.about.payoffs.get(seat)) for seat in payoffs
        ]
    one, other = _scores(left.scores), _scores(right.scores)
    found += [Total(name, one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])]
    return [Total(display_line(total.name), total.left, total.right) for total in found]


def totals_words(left: Side, right: Side) -> list[str]:
    """The totals in words; of scores only those that differ, and how many do not."""
    found = totals(left, right)
    scores = [total for total in found if total.name.startswith(SCORE)]
    words = [total.words for total in found if total not in scores]
    if not scores:
        return words
    if unscored := [side.name for side in (left, right) if not side.scores]:
        return [*words, f"{unscored[0]} is not scored"]
    differing = [total.words for total in scores if total.left != total.right]
    return [*words, *differing, f"{len(scores) - len(differing)} of {len(scores)} scores the same"]


def _scores(scores: Sequence[AnyScore]) -> dict[str, float | None]:
    named = {}
    for score in scores:
        about = (score.scorer if isinstance(score, ScoreRow) else "", score.name, score.variant, score.seat or "")
        named[SCORE + " ".join(part for part in about if part)] = score.value
    return named


# -- whole renderings -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beside:
    """Two episodes, aligned; `words` say where and how they part."""

    left: Side
    right: Side
    alignment: Alignment
    words: str

    @classmethod
    def of(cls, left: Told, right: Told) -> Beside:
        """Put two episodes side by side: goes through all steps of both."""
        one, other = map(side, names(left.about, right.about), (left, right))
        alignment = align(one.fingerprints, other.fingerprints)
        return cls(one, other, alignment, parting_words(one, other, alignment, (left.steps, right.steps)))

    def swapped(self, steps: tuple[Sequence[Step], Sequence[Step]]) -> Beside:
        """The same with the sides exchanged; `steps`: of the new left, and of the new right."""
        alignment = self.alignment.swapped()
        return Beside(self.right, self.left, alignment, parting_words(self.right, self.left, alignment, steps))

    def lines(self) -> Iterator[str]:
        """The comparison for a pipe or a screen reader."""
        left, right = self.left, self.right
        for which, one in (("Left", left), ("Right", right)):
            spec = one.about.spec
            about = f"{one.about.id}, {spec.environment}, agent {', '.join(spec.evaluated_agents)}"
            rest = f"item {spec.item_id}, seed {spec.seed}, repetition {spec.repetition}, {one.about.status}"
            yield display_line(f"{which}: {one.name}; episode {about}, {rest}")
        yield f"Parting: {self.words}"
        yield f"Totals of {left.name}, of {right.name} (and the difference, {right.name} - {left.name}):"
        yield from (f"  {words}" for words in totals_words(left, right))
        yield "Steps:"
        for same, rows in groupby(self.alignment.rows, lambda row: row.same):
            run = list(rows)
            yield from self._same(run) if same else map(self._differing, run)

    def _same(self, run: Sequence[Row]) -> Iterator[str]:
        first, last = run[0], run[-1]
        if first is last:
            yield f"  {self._places(first)}: the same, {self.left.deeds[first.left or 0]}"
        else:
            there = "" if first.left == first.right else f", {_span(first.right, last.right)} of the right"
            yield f"  {_span(first.left, last.left)}{there}: the same"

    def _differing(self, row: Row) -> str:
        if row.left is None:
            return f"  {self._places(row)}: {self.right.name} {self.right.deeds[row.right or 0]}"
        one = self.left.deeds[row.left]
        if row.right is None:
            return f"  {self._places(row)}: {self.left.name} {one}"
        other = self.right.deeds[row.right]
        did = f"both {one}" if one == other else f"{self.left.name} {one}; {self.right.name} {other}"
        return f"  {self._places(row)}: {did}; differs: {parts_words(row)}"

    def _places(self, row: Row) -> str:
        if row.right is None:
            return f"{_number(row.left)}, left alone"
        if row.left is None:
            return f"{_number(row.right)}, right alone"
        return _number(row.left) if row.left == row.right else f"{_number(row.left)} and {_number(row.right)}"

    def document(self) -> BesideDocument:
        """The comparison for a script."""
        first = None if self.alignment.first is None else self.alignment.rows[self.alignment.first]
        return BesideDocument(
            left=self.left.about.id,
            right=self.right.about.id,
            same_steps=self.alignment.common,
            parting=self.words,
            first=None if first is None else _entry(first),
            totals=[
                TotalEntry(name=one.name, left=one.left, right=one.right, difference=one.difference)
                for one in totals(self.left, self.right)
            ],
            rows=[_entry(row) for row in self.alignment.rows],
        )


def _number(index: int | None) -> str:
    assert index is not None
    return f"step {index + 1}"


def _span(first: int | None, last: int | None) -> str:
    assert first is not None
    assert last is not None
    return f"steps {first + 1} to {last + 1}"


class RowEntry(BaseModel):
    """A row: its steps by their numbers, from 1, None at a gap; `differs`: of `alignment.PARTS`."""

    left_step: int | None
    right_step: int | None
    differs: tuple[str, ...]


class TotalEntry(BaseModel):
    """A number of both episodes, and right - left."""

    name: str
    left: float | None
    right: float | None
    difference: float | None


class BesideDocument(BaseModel):
    """`sandbox replay A B --json`.

    Attributes:
        left, right: ids.
        same_steps: how many steps the two share from the start.
        parting: where and how they part, in words.
        first: the first row that is not the same; None where all are.
        totals: return, steps, risks, counts, payoffs, scores.
        rows: all steps of both, side by side.
    """

    left: str
    right: str
    same_steps: int
    parting: str
    first: RowEntry | None
    totals: list[TotalEntry]
    rows: list[RowEntry]


def _entry(row: Row) -> RowEntry:
    left, right = (None if index is None else index + 1 for index in (row.left, row.right))
    return RowEntry(left_step=left, right_step=right, differs=row.differs)
