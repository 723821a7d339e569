"""What an alternative made of the rest of an episode: paired differences between forks and their controls."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.report.document import DifferenceEntry, ForkEntry
from sandbox.report.words import number_words, plural
from sandbox.runner.fork import is_record
from sandbox.runner.loop import RECORD_ENDS
from sandbox.runner.what_if import Plan
from sandbox.stats.compare import Pairs, paired_differences
from sandbox.store import Store
from sandbox.text import display_line
from sandbox.trace import Episode

MEASURES = ("return", "risks", "risky")
OPEN = frozenset({"pending", "running"})
ONE = "no interval: there is one continuation (--continuations 20 plays it with 20 lucks)"
ALL_FAILED = "every continuation ended in error, or where a record ends"


class Forked:
    """What has come of a plan so far.

    Attributes:
        forks: in the order of their lucks.
        controls: what each is compared with; None where nothing was put in another's place.
        open: how many of all these have not ended yet; failed: how many ended in error.
        warnings: what keeps the differences from saying what would have come of it.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        parent = plan.parent
        self.plan = plan
        self.forks = [store.episode(spec.key) for spec in plan.forks]
        alone: Episode | None = parent if plan.compared else None
        self.controls = [alone] * len(self.forks)
        if plan.controls:
            self.controls = [store.episode(spec.key) for spec in plan.controls]
        every = [*self.forks, *(one for one in self.controls if one is not None)]
        self.open = sum(one.status in OPEN for one in every)
        self.failed = sum(one.status == "error" for one in every if one is not parent)
        played = self.forks + ([one for one in self.controls if one is not None] if plan.controls else [])
        self.warnings = list(filter(None, [_on_record(played, plan.at)])) if plan.compared else []

    def differences(self) -> list[DifferenceEntry]:
        """Between the pairs that have ended; empty where there are none."""
        pairs = zip(self.forks, self.controls, strict=True)
        ended = [(one, other) for one, other in pairs if other is not None and not {one.status, other.status} & OPEN]
        return differences(ended, self.plan.at, put_in=self.plan.put_in)

    def entries(self) -> list[ForkEntry]:
        """What there is to say of each fork."""
        at, parent = self.plan.at, self.plan.parent
        seat = parent.steps[at].seat
        found = []
        for episode, control in zip(self.forks, self.controls, strict=True):
            fork, reason = episode.spec.fork, episode.reason.strip().splitlines()
            entry = ForkEntry(
                id=episode.id,
                parent=parent.id,
                at=at + 1,
                seat=seat,
                luck=fork.luck if fork is not None else 0,
                move=None if fork is None or fork.move is None else dict(fork.move),
                agent=episode.spec.seats[seat].name,
                control=None if control is None else control.id,
                status=episode.status,
                reason=reason[-1] if reason else "",
            )
            found.append(entry)
        return found


def differences(pairs: Sequence[tuple[Episode, Episode]], at: int, *, put_in: bool) -> list[DifferenceEntry]:
    """Fork - control, for each measure and each seat under evaluation; empty where there are no pairs.

    `at`: index of the step; risks are counted from it on, and in it only where no move was `put_in`, which would be
    nobody's choice. A pair in which one ended in error, or for want of a record's next answer, says nothing, and is
    counted. Where an agent went on as it was recorded, the reason says so. The interval is that of
    `sandbox.stats.compare.paired_differences` over continuations, which are independent draws of luck: it says how far
    the mean over all luck may lie, for this step of this episode, and nothing of other episodes.
    """
    sound = [pair for pair in pairs if not any(map(_broke_off, pair))]
    recorded = _on_record(
        [one for fork, control in sound for one in (fork, control) if one is fork or _by_luck(one, at)], at
    )
    found = []
    for seat in pairs[0][0].spec.evaluated if pairs else ():
        for measure in MEASURES:
            entry = DifferenceEntry(name=measure, seat=seat, failed=len(pairs) - len(sound))
            if not sound:
                found.append(entry.model_copy(update={"reason": ALL_FAILED}))
                continue
            if measure == "return" and not sound[0][0].lived:
                found.append(entry.model_copy(update={"reason": "a hypothetical episode has no return"}))
                continue
            sides = [
                [_value(episode, measure, seat, at, put_in) for episode in side] for side in zip(*sound, strict=True)
            ]
            lucks = range(len(sound))
            outcome = Pairs(sides[0], sides[1], lucks, unit="continuations", unbounded=measure != "risky")
            (told,) = paired_differences([outcome])
            reason, sure = told.reason, told.low is not None
            if sure and len({one - other for one, other in zip(*sides, strict=True)}) == 1:
                reason, sure = "no interval: all continuations differ by the same amount", False
            if len(pairs) == 1:
                reason = ONE
            values = {
                "estimate": told.estimate,
                "low": told.low if sure else None,
                "high": told.high if sure else None,
                "n": told.n,
                "n_distinct": len({(one.hash, other.hash) for one, other in sound}),
                "method": told.method if sure else "",
                "reason": "; ".join(filter(None, (reason, recorded))),
                "mean_fork": told.first,
                "mean_control": told.second,
            }
            found.append(DifferenceEntry.model_validate({**entry.model_dump(), **values}))  # plain floats
    return found


def _broke_off(episode: Episode) -> bool:
    return episode.status == "error" or episode.reason == RECORD_ENDS


def _by_luck(control: Episode, at: int) -> bool:
    """Whether it was played to be a control: else it is the parent, in which all is as it was."""
    fork = control.spec.fork
    return fork is not None and fork.at == at and fork.luck > 0


def _on_record(episodes: Sequence[Episode], at: int) -> str:
    """What to say where a seat that is known from its record only decides after the step `at` of any; else ''."""
    seats = dict.fromkeys(
        step.seat
        for episode in episodes
        if len(episode.steps) > at
        for step in episode.steps[at:]
        if step.tick > episode.steps[at].tick and step.seat in episode.spec.seats
        if is_record(episode.spec.seats[step.seat])
    )
    if not seats:
        return ""
    words = "is known from its record and goes" if len(seats) == 1 else "are known from their record and go"
    return f"{', '.join(seats)} {words} on as recorded whatever is done"


def _value(episode: Episode, measure: str, seat: str, at: int, put_in: bool) -> float:
    if measure == "return":
        return float(episode.payoffs.get(seat, 0.0))
    tick = episode.steps[at].tick
    rest = (step for step in episode.steps if step.tick > tick or (step.index == at and not put_in))
    risks = sum(len(step.risks) for step in rest if step.seat == seat)
    return float(risks > 0) if measure == "risky" else float(risks)


def fork_lines(forks: Sequence[Episode], shown: int = 10) -> list[str]:
    """Each fork in a line, of many the first."""
    found = []
    for episode in forks[:shown]:
        luck = "" if episode.spec.fork is None or not episode.spec.fork.luck else f", luck {episode.spec.fork.luck}"
        total = "" if episode.total is None or episode.status == "error" else f", return {number_words(episode.total)}"
        reason = f": {episode.reason.strip().splitlines()[-1]}" if episode.status == "error" and episode.reason else ""
        steps = plural(len(episode.steps), "step")
        found.append(display_line(f"{episode.id[:12]}  {episode.status}{total}, {steps}{luck}{reason}"))
    if len(forks) > shown:
        found.append(f"and {len(forks) - shown:,} more")
    return found


def difference_lines(found: Sequence[DifferenceEntry]) -> list[str]:
    """The differences as a table of text; a reason that all of them share is said once, below."""
    several = len({entry.seat for entry in found}) > 1
    reasons = {entry.reason for entry in found}
    shared = reasons.pop() if len(reasons) == 1 else ""
    rows = []
    for entry in found:
        name = f"{entry.name} of {entry.seat}" if several else entry.name
        said = "" if entry.reason == shared else entry.reason
        if entry.estimate is None:
            rows.append((name, "-", "", said))
            continue
        span = "" if entry.low is None or entry.high is None else f"[{_signed(entry.low)}, {_signed(entry.high)}]"
        means = f"{number_words(entry.mean_fork)} against {number_words(entry.mean_control)}"
        of = f"n {entry.n} ({entry.n_distinct} distinct)" + (f", {entry.failed} failed" if entry.failed else "")
        rows.append((name, _signed(entry.estimate), span, "; ".join(filter(None, (means, of, said or entry.method)))))
    widths = [max((len(row[place]) for row in rows), default=0) for place in range(3)]
    padded = ((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]) for row in rows)
    lines = [display_line("  ".join(cells)).rstrip() for cells in padded]
    return [*lines, display_line(shared)] if shared else lines


def _signed(value: float) -> str:
    return f"{value:+.4g}"
