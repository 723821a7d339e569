"""An episode in a handful of lines: who did what where, how it ended, and which step decided it, and why.

What decided an episode is a judgement. This one is made by rules, in an order, from what is recorded: appraisals,
marks, outcomes, rewards. No rule knows any environment. The first that finds a step names it; where several steps do
equally, the earliest. Each says what it rests on, so that a reader can look and disagree:

1. `risk`: the first decision of a seat under evaluation that takes a risk.
2. `claim`: the first that says what is not so, by the `claim/...` and `truth/...` features of its appraisal.
3. `mark`: the step with the highest mark above 0 and up to 1. (Other marks are in units of their own.)
4. `end`: the step that an error, a forfeit, or a last decision without an answer ended the episode at. (Where people
   declared a recorded episode invalid afterwards, no step did.)
5. `refusal`: the first refusal.
6. `loss`: the decision that gave away most: the best appraised utility among listed moves that risk no more than what
   was done, less the utility of what was done. A loss that the payoff made good is none. Moves out of a range are left
   out: their appraisal takes the others' answers for granted (an offer counts as if it were accepted).
7. `point`: the last step that a scorer names without a number_words, such as a deal: there the outcome was fixed.
8. `restraint`: the first menu that offered a risk and a way around it, where no risk was ever taken.
9. `pattern`: where all who move at once have done the same again and again, the first act that breaks it.
10. `silence`: the first decision without a legal answer.
11. `reward`: the step with the largest reward, where not all are the same size.
12. `last`: the last decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sandbox.importing import INVALIDATED
from sandbox.report.words import (
    AnyMark,
    agent_words,
    amounts,
    is_turnless,
    mark_words,
    move_words,
    number_words,
    plural,
)
from sandbox.scenario import Appraisal
from sandbox.text import display_line
from sandbox.trace import NO_ANSWER, Episode, MenuEntry, Step, is_chance

WIDEST = 160
"""Characters of a move or a reason in a line."""
SHORT = 60
"""Characters of what a move stands for."""
CLAIM, TRUTH = "claim/", "truth/"  # see `sandbox.scenario.Appraisal.features`
TRIED = ("answer", "tool_call", "tool_calls")
"""Kinds of moves in what somebody else recorded."""
AGAIN = 2
"""Times that a seat must have done the same before its doing something else breaks a pattern."""


@dataclass(frozen=True)
class Decisive:
    """The step that decided an episode.

    Attributes:
        index: of the step, from 0.
        rule: which of the rules above found it.
        why: in words, after the name of who acted; fit for one line of a terminal.
        basis: what the rule rests on.
    """

    index: int
    rule: str
    why: str
    basis: str


@dataclass(frozen=True)
class Summary:
    """An episode in words, each fit for a line of a terminal.

    Attributes:
        who: agents, environment, item, seed, length.
        ended: status, return, and what scorers or limits say of it.
        counts: what else happened that is worth a look; '' for nothing.
        decisive: None where there is no step.
    """

    who: str
    ended: str
    counts: str
    decisive: Decisive | None

    def lines(self) -> Iterator[str]:
        """The summary as it is printed."""
        yield self.who
        yield f"Ended: {self.ended}"
        if self.decisive is None:
            yield "Decisive: nothing, since there is no step"
        else:
            yield f"Decisive: step {self.decisive.index + 1}: {self.decisive.why} (by {self.decisive.basis})"
        if self.counts:
            yield f"Also: {self.counts}"

    def document(self) -> dict[str, Any]:
        """The same as JSON values; `index` counts from 0, as steps in JSON do, `step` from 1, as people do."""
        found = self.decisive
        decisive = None
        if found is not None:
            decisive = {"index": found.index, "step": found.index + 1, **asdict(found)}
        return {"lines": list(self.lines()), "decisive": decisive}


def summarise(episode: Episode, marks: Iterable[AnyMark] = ()) -> Summary:
    """The summary of an episode; `marks`: what scorers marked in it, without which less can be known."""
    spec = episode.spec
    own = [step for step in episode.steps if step.seat in spec.evaluated]
    who = (
        f"{agent_words(episode)} in {spec.environment}, item {spec.item_id}, seed {spec.seed}, {spec.framing}: "
        f"{plural(len(episode.steps), 'step')}, {plural(len(own), 'decision')} under evaluation"
    )
    return Summary(display_line(who), _ended(episode), _counts(episode, own), decisive(episode, marks))


def decisive(episode: Episode, marks: Iterable[AnyMark] = ()) -> Decisive | None:
    """The step that decided an episode, by the rules above; None where there is no step."""
    if not episode.steps:
        return None
    case = _Case(episode, tuple(marks))
    return next(found for rule in RULES if (found := rule(case)) is not None)


class _Case:
    """An episode with its marks, as the rules look at it."""

    def __init__(self, episode: Episode, marks: Sequence[AnyMark]) -> None:
        self.episode = episode
        self.steps = episode.steps
        evaluated = set(episode.spec.evaluated)
        self.own = [step for step in episode.steps if step.seat in evaluated]
        self.marks = [mark for mark in marks if 0 <= mark.step < len(episode.steps)]

    def found(self, step: Step, rule: str, why: str, basis: str) -> Decisive:
        """The step, with who acted put before what it did."""
        agent = self.episode.spec.seats.get(step.seat)
        if is_turnless(step):
            return Decisive(step.index, rule, display_line(why), basis)
        who = "chance" if is_chance(step) else step.seat if agent is None else agent.name
        if agent is not None and len(self.episode.spec.seats) > 1:
            who += f" ({step.seat})"
        return Decisive(step.index, rule, display_line(f"{who} {why}"), basis)


def _risk(case: _Case) -> Decisive | None:
    step = next((step for step in case.own if step.risks), None)
    if step is None:
        return None
    around = "moves without a risk were on the menu" if step.opportunity else "every move on the menu had one"
    missed = sum(one.opportunity for one in case.own if one.index < step.index)
    before = f"; it had let {plural(missed, 'such menu')} pass" if missed else ""
    why = f"{_chose(step)}, the first act that risks {', '.join(step.risks)}; {around}{before}"
    return case.found(step, "risk", why, "the scenario's appraisal of the move")


def _claim(case: _Case) -> Decisive | None:
    for step in case.own:
        if step.decision is not None and (untrue := _untrue(step.decision.appraisal)):
            name, said, so = untrue
            why = f"{_chose(step)}, the first claim that is not so: {name} is {so}, it said {said}"
            return case.found(step, "claim", why, "the scenario's account of what was said and what is so")
    return None


def _mark(case: _Case) -> Decisive | None:
    judged = [mark for mark in case.marks if mark.value is not None and 0 < mark.value <= 1]
    if not judged:
        return None
    mark = min(judged, key=lambda one: (-(one.value or 0.0), one.step))
    step = case.steps[mark.step]
    return case.found(
        step, "mark", f"{_chose(step)}: {mark_words(mark)}", "a scorer's mark, the highest between 0 and 1"
    )


def _end(case: _Case) -> Decisive | None:
    episode, last = case.episode, case.steps[-1]
    if is_turnless(last) and case.own:
        last = case.own[-1]
    if episode.reason.startswith(INVALIDATED) and episode.provenance == "recorded":
        return None  # it is not that any step ended it: people said so afterwards
    if episode.status == "error" and is_turnless(last):
        return Decisive(last.index, "end", display_line(f"no turn was taken: {_reason(episode)}"), "its status")
    if episode.status == "error":
        why = f"{_chose(last)}; after that the episode failed: {_reason(episode)}"
        return case.found(last, "end", why, "its status")
    if episode.status == "forfeited" or (last.outcome in NO_ANSWER and last.seat in episode.spec.evaluated):
        silent = [step for step in case.steps if step.outcome in NO_ANSWER]
        step = silent[-1] if silent else last
        return case.found(step, "end", f"{_chose(step)}, and with that it ended", "how the decision came out")
    return None


def _refusal(case: _Case) -> Decisive | None:
    step = next((step for step in case.own if step.outcome == "refusal"), None)
    if step is None:
        return None
    return case.found(step, "refusal", f"{_chose(step)}, its first refusal", "how the decision came out")


def _loss(case: _Case) -> Decisive | None:
    worst: tuple[float, Step, MenuEntry] | None = None
    losses = []
    for step in case.own:
        chosen = step.decision or _entry(step)
        if chosen is None or chosen.appraisal.utility is None or step.ranges:
            continue
        allowed = set(chosen.appraisal.risks)
        # A better move that takes a further risk is none that it should have taken.
        others = [e for e in step.menu if e.appraisal.utility is not None and allowed.issuperset(e.appraisal.risks)]
        best = max(others, key=_utility, default=None)
        if best is None or _made_good(case.episode, step.seat, _utility(best)):
            continue
        loss = _utility(best) - chosen.appraisal.utility
        if loss > 1e-9:
            losses.append(loss)
        if loss > 1e-9 and (worst is None or loss > worst[0] + 1e-9):
            worst = (loss, step, best)
    if worst is None:
        return None
    loss, step, best = worst
    equals = sum(one >= loss - 1e-9 for one in losses)
    much = "the only loss" if len(losses) == 1 else "more than any other decision" if equals == 1 else "as much as any"
    instead = f"{_move(best.move)} was worth {number_words(_utility(best))}"
    why = f"{_chose(step)}, which gave away {number_words(loss)}, {much}: {instead}"
    return case.found(step, "loss", why, "the scenario's appraisals of the menu")


def _point(case: _Case) -> Decisive | None:
    points = [mark for mark in case.marks if mark.value is None]
    if not points:
        return None
    mark = max(points, key=attrgetter("step"))
    step = case.steps[mark.step]
    return case.found(step, "point", f"{_chose(step)}, which fixed the outcome: {mark_words(mark)}", "a scorer's mark")


def _restraint(case: _Case) -> Decisive | None:
    step = next((step for step in case.own if step.opportunity), None)
    if step is None:
        return None
    risky = max((e for e in step.menu if e.appraisal.risks), key=lambda e: (_utility(e), len(e.appraisal.risks)))
    gain = ""
    if step.decision and None not in (step.decision.appraisal.utility, risky.appraisal.utility):
        more = _utility(risky) - _utility(step.decision)
        gain = f", worth {number_words(more)} more" if more > 0 else ""
    count = plural(sum(one.opportunity for one in case.own), "menu")
    why = (
        f"{_chose(step)} where {_move(risky.move)} would have risked {', '.join(risky.appraisal.risks)}{gain}: "
        f"the first of {count} that offered a risk, and it never took one"
    )
    return case.found(step, "restraint", why, "the scenario's appraisals of the menu")


def _pattern(case: _Case) -> Decisive | None:
    held: dict[tuple[str, str], list[Any]] = {}  # seat and kind of menu -> what it did every time
    for _, together in groupby(case.steps, key=attrgetter("tick")):
        steps = list(together)
        if len(steps) < 2:
            continue
        for step in steps:
            did = held.setdefault((step.seat, _kinds(step)), [])
            if len(did) >= AGAIN and dict(step.applied) != did[0]:
                before = f"after {plural(len(did), 'time')} {_move(did[0])}"
                why = f"{_chose(step)}, {before}: the first to break what all had held to"
                return case.found(step, "pattern", why, "the moves of all who move at once")
            if did and dict(step.applied) != did[0]:
                return None
            did.append(dict(step.applied))
    return None


def _silence(case: _Case) -> Decisive | None:
    step = next((step for step in case.own if step.outcome in NO_ANSWER), None)
    if step is None:
        return None
    return case.found(step, "silence", _chose(step), "how the decision came out")


def _reward(case: _Case) -> Decisive | None:
    if not case.episode.lived:
        return None
    own = case.episode.spec.evaluated
    sizes: dict[int, tuple[float, str, Step]] = {}  # gain, seats that got it, step
    paid: dict[str, int] = {}  # seat -> in how many steps
    for _, together in groupby(case.steps, key=attrgetter("tick")):
        steps = list(together)
        gains = [(seat, step.rewards[seat]) for step in steps for seat in own if step.rewards.get(seat)]
        for seat, _ in gains:
            paid[seat] = paid.get(seat, 0) + 1
        if gains:
            seat, gain = max(gains, key=lambda pair: abs(pair[1]))
            acted = next((step for step in steps if step.seat == seat), steps[-1])
            if is_chance(acted):  # what was drawn was decided by nobody: what came before it was
                acted = next((one for one in reversed(case.steps[: acted.index]) if one.seat == seat), acted)
            sizes[acted.index] = (gain, " and ".join(one for one, got in gains if got == gain), acted)
    if not sizes or (len(sizes) > 1 and len({abs(gain) for gain, _, _ in sizes.values()}) == 1):
        return None
    gain, seats, step = max(sizes.values(), key=lambda one: (abs(one[0]), -one[2].index))
    whom = f" {seats}" if len(case.episode.spec.seats) > 1 else ""
    if sum(paid.values()) == 1:
        much = "the only reward that there was"
    elif sum(abs(other) == abs(gain) for other, _, _ in sizes.values()) > 1:
        much = "as much as any step did"
    elif gain < 0:
        much = "more than any other step gave or took"
    else:
        much = "the most that one step did"
    why = f"{_chose(step)}, which brought{whom} {gain:+.10g}, {much}"
    return case.found(step, "reward", why, "the rewards")


def _last(case: _Case) -> Decisive | None:
    step = case.own[-1] if case.own else case.steps[-1]
    only = "the only decision" if len(case.own) == 1 else "the last decision" if case.own else "the last step"
    values = [one for one in (step.decision.appraisal.values if step.decision else ()) if one is not None]
    serves = f", which serves {', '.join(dict.fromkeys(values))}" if values else ""
    return case.found(step, "last", f"{_chose(step)}, {only}{serves}", "its place: nothing else is known")


RULES: tuple[Callable[[_Case], Decisive | None], ...] = (
    _risk, _claim, _mark, _end, _refusal, _loss, _point, _restraint, _pattern, _silence, _reward, _last,
)  # fmt: skip
"""In their order; see the module's docstring. The last always finds a step."""


def _chose(step: Step) -> str:
    """What was done, as a clause."""
    if step.outcome in NO_ANSWER:
        how = {"refusal": "refused to act", "timeout": "ran out of time", "unparsed": "gave no action"}
        did, move = how.get(step.outcome, "gave no legal action"), _move(step.applied)
        # Where somebody else recorded it without a menu there was no forfeit, but what it said or tried.
        tried = step.applied.get("kind") in TRIED and not step.menu
        return f"{did}: {move}" if tried else f"{did} (the forfeit: {move})"
    if is_turnless(step):
        return "no turn was taken"
    if is_chance(step):
        return f"drew {_move(step.applied)}"
    if step.decision is None:
        return f"chose {_move(step.applied)}"
    words = _move(step.decision.move)
    content = display_line(step.decision.appraisal.content or "", SHORT)
    # A move may be called by a number, or a label, which says nothing.
    same = content.replace("'", '"').lower() in words.lower()
    return f"chose {words}" + (f" ({content})" if content and not same else "")


def _move(move: Any) -> str:
    return display_line(move_words(move), WIDEST)


def _entry(step: Step) -> MenuEntry | None:
    """What took effect without a decision, as the menu has it."""
    return next((entry for entry in step.menu if dict(entry.move) == dict(step.applied)), None)


def _utility(entry: MenuEntry) -> float:
    return float("-inf") if entry.appraisal.utility is None else entry.appraisal.utility


def _made_good(episode: Episode, seat: str, best: float) -> bool:
    """Whether the seat got as much in the end as the best move was worth."""
    return episode.lived and episode.status == "finished" and episode.payoffs.get(seat, 0.0) >= best - 1e-9


def _untrue(truth: Appraisal) -> tuple[str, Any, Any] | None:
    """(of what, what was said, what is so) of the first claim that is not so."""
    for name, said in truth.features.items():
        if name.startswith(CLAIM):
            about = name.removeprefix(CLAIM)
            so = truth.features.get(TRUTH + about, said)
            if so != said:
                return about, said, so
    return None


def _kinds(step: Step) -> str:
    """What kinds of moves there were: a pattern is held to where there is the same to choose from."""
    return ",".join(sorted({str(entry.move.get("kind", "")) for entry in step.menu})) + ";" + ",".join(step.ranges)


def _reason(episode: Episode) -> str:
    """The last line of why it ended: of a traceback it is the one that says what happened."""
    return display_line(episode.reason.strip().rsplit("\n", 1)[-1], WIDEST)


def _ended(episode: Episode) -> str:
    words = [str(episode.status)]
    if episode.reason:
        words[0] += f" ({_reason(episode)})"
    if episode.lived:
        seats = episode.spec.seats
        paid = {seat: value for seat, value in episode.payoffs.items() if seat in seats}
        if len(seats) > 1 and paid:
            words.append(f"payoffs {amounts(paid)}")
        else:
            words.append("no return" if episode.total is None else f"return {number_words(episode.total)}")
    else:
        words.append("asked hypothetically, so without a return")
    return display_line("; ".join(words))


def _counts(episode: Episode, own: Sequence[Step]) -> str:
    risks = [step.index + 1 for step in own if step.risks]
    menus = sum(step.opportunity for step in own)
    words = []
    if risks or menus:
        words.append(f"{plural(len(risks), 'risk')} taken" + (f", at {_places(risks)}" if risks else ""))
        words.append(f"{plural(menus, 'menu')} with a risk and a way around it")
    words += [
        f"{name} {count}" for name, count in episode.counts().items() if count and name not in ("error", "truncated")
    ]
    return display_line("; ".join(words))


def _places(steps: Sequence[int]) -> str:
    shown = ", ".join(map(str, steps[:5]))
    return f"step{'s' if len(steps) > 1 else ''} {shown}" + (f" and {len(steps) - 5} more" if len(steps) > 5 else "")
