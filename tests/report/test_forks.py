"""Paired differences between forks and controls: known answers, what is left out, and why there is no interval."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sandbox.report.document import DifferenceEntry
from sandbox.report.forks import ALL_FAILED, Forked, difference_lines, differences, fork_lines
from sandbox.runner.build import Builder
from sandbox.runner.loop import RECORD_ENDS
from sandbox.runner.what_if import run_forks
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode
from tests.runner.test_fork import Lab
from tests.toys import Ladder, Rps, spec

MOVES = 4
UP, STAY = {"kind": "climb"}, {"kind": "stay"}


async def climbing(lab: Lab, seed: int) -> Episode:
    use = AgentSpec(id="baselines/random", name="random")
    of = spec(Ladder, seed=seed, config={"moves": MOVES}).model_copy(update={"seats": {"climber": use}})
    return await lab.played(of)


async def difference(lab: Lab, parent: Episode, **how: Any) -> dict[str, DifferenceEntry]:
    """What the other move than the recorded one made of it, at the first step."""
    done = dict(parent.steps[0].applied)
    made = await lab.plan(parent, 0, action=STAY if done == UP else UP, **how)
    await run_forks(made, lab.store, lab.builder)
    return {entry.name: entry for entry in Forked(made, lab.store).differences()}


def truth(parent: Episode) -> dict[str, float]:
    """The expected difference: a rung more is worth 1/2 at each wind; of 3 later moves each is a climb with 1/2.

    From the second rung each climb is a risk; from the first the first climb is none, if there is any: with chance 7/8.
    So it is 3/2 risks against 3/2 - 7/8, and some risk with chance 7/8 against that of two climbs or more, 1/2.
    """
    sign = -1 if dict(parent.steps[0].applied) == UP else 1
    return {"return": sign * MOVES / 2, "risks": sign * 7 / 8, "risky": sign * 3 / 8}


def covers(entry: DifferenceEntry, true: float) -> bool:
    return entry.low is not None and entry.high is not None and bool(entry.low <= true <= entry.high)


@pytest.mark.slow
async def test_the_difference_is_the_true_one_within_its_interval(tmp_path: Path, builder: Builder) -> None:
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        parent = await climbing(lab, seed=1)
        found = await difference(lab, parent, continuations=40)
    assert set(found) == {"return", "risks", "risky"}
    for name, true in truth(parent).items():
        entry = found[name]
        assert (entry.n, entry.seat, entry.failed) == (40, "climber", 0)
        assert 20 < entry.n_distinct <= 40
        assert entry.estimate == pytest.approx(true, abs=0.5)
        assert entry.reason or covers(entry, true)
    assert not found["return"].reason
    assert not found["risky"].reason


@pytest.mark.recovery
async def test_intervals_cover_the_true_difference_as_often_as_they_say(
    tmp_path: Path, builder: Builder, record_property: Any
) -> None:
    covered, told, parents = Counter[str](), Counter[str](), 40
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        for seed in range(parents):
            parent = await climbing(lab, seed)
            found = await difference(lab, parent, continuations=20)
            for name, true in truth(parent).items():
                told[name] += not found[name].reason  # where nearly all continuations are alike there is none
                covered[name] += covers(found[name], true)
    shares = ", ".join(f"{name} {covered[name]} of {told[name]}" for name in told)
    record_property("recovery", f"forks: intervals of 20 continuations that cover the true difference: {shares}")
    assert told["return"] == told["risky"] == parents
    assert all(covered[name] >= 0.85 * told[name] for name in told)  # of 40, fewer than 34 has a chance of 0.3 %


async def test_one_continuation_is_compared_with_its_parent_and_has_no_interval(
    tmp_path: Path, builder: Builder
) -> None:
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        parent = await climbing(lab, seed=1)
        found = await difference(lab, parent)
        (head,) = [head for head in store.heads() if head.parent == parent.id]
    entry = found["return"]
    assert entry.estimate == head.total - parent.total  # type: ignore[operator]
    assert (entry.low, entry.high, entry.n) == (None, None, 1)
    assert "--continuations 20" in entry.reason


async def test_continuations_that_failed_are_counted_and_left_out(tmp_path: Path, builder: Builder) -> None:
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        parent = await climbing(lab, seed=1)
    failed = parent.model_copy(update={"status": "error", "reason": "Traceback ...\nKeyError: 'lost'"})
    found = differences([(parent, parent), (failed, parent)], 0, put_in=True)
    assert [(entry.n, entry.failed) for entry in found] == [(1, 1)] * 3
    (only, *_) = differences([(failed, parent)], 0, put_in=True)
    assert (only.estimate, only.reason) == (None, ALL_FAILED)
    assert "error" in fork_lines([failed])[0]
    assert "KeyError: 'lost'" in fork_lines([failed])[0]
    assert difference_lines([only])[-1] == ALL_FAILED


async def test_a_move_that_was_put_in_is_no_risk_that_the_agent_took(tmp_path: Path, builder: Builder) -> None:
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        parent = await climbing(lab, seed=1)
        at = max(step.index for step in parent.steps if step.seat == "climber")
        before = [step for step in parent.steps if step.applied == UP and step.index < at]
        assert before, "else the last climb is no risk"
        risky = await lab.fork(parent, at, action=UP)
    assert risky.steps[at].risks == ("height",)
    found = {entry.name: entry for entry in differences([(risky, parent)], at, put_in=True)}
    assert found["risks"].mean_fork == 0
    found = {entry.name: entry for entry in differences([(risky, parent)], at, put_in=False)}
    assert found["risks"].mean_fork == 1


async def test_a_pair_in_which_a_record_ended_is_left_out_and_who_goes_on_as_recorded_is_named(
    tmp_path: Path, builder: Builder
) -> None:
    """They cannot answer to what was put in, so that nothing is known of what would have come of it."""
    use = AgentSpec(id="baselines/random", name="random")
    with Store.open(str(tmp_path / "x.db")) as store:
        lab = Lab(store, builder)
        parent = await lab.played(spec(Rps, seed=1).model_copy(update={"seats": {"ann": use, "ben": use}}))
    person = parent.spec.model_copy(update={"seats": {"ann": use, "ben": AgentSpec(id="human:ben", name="ben")}})
    parent = parent.model_copy(update={"spec": person})
    (first, *_) = differences([(parent, parent)] * 6, 0, put_in=True)
    assert first.reason.endswith("; ben is known from its record and goes on as recorded whatever is done")
    last = max(step.index for step in parent.steps if step.seat == "ann")
    assert "record" not in differences([(parent, parent)], last, put_in=True)[0].reason
    cut = parent.model_copy(update={"status": "truncated", "reason": RECORD_ENDS})
    (first, *_) = differences([(cut, parent), (parent, cut)], 0, put_in=True)
    assert (first.failed, first.reason) == (2, ALL_FAILED)


async def test_where_all_pairs_are_the_same_there_is_no_interval(tmp_path: Path, builder: Builder) -> None:
    with Store.open(str(tmp_path / "x.db")) as store:
        parent = await climbing(Lab(store, builder), seed=1)
    for entry in differences([(parent, parent)] * 8, 0, put_in=True):
        assert (entry.estimate, entry.low, entry.high, entry.method) == (0, None, None, "")
        assert entry.reason == "no interval: all continuations differ by the same amount"
        assert type(entry.estimate) is type(entry.mean_fork) is float
