"""Two episodes in words: where they part, and totals with differences."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.report.beside import Beside, Told, names, totals, totals_words
from sandbox.scenario import NATURE, Appraisal
from sandbox.store import ScoreRow
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Fork, MenuEntry, Step


def step(index: int, move: str = "work", seat: str = "a", **fields: Any) -> Step:
    risks = ("harm",) if move == "harm" else ()
    decision = MenuEntry(move={"kind": move}, appraisal=Appraisal(risks=risks))
    values: dict[str, Any] = {
        "tick": index, "state": f"s{index}", "text": f"Turn {index}.", "decision": decision, "applied": decision.move
    }  # fmt: skip
    return Step(index=index, seat=seat, **{**values, **fields})


def episode(steps: list[Step], agent: str = "small", seed: int = 0, **fields: Any) -> Episode:
    seats = {"a": AgentSpec(id=agent, name=agent), "b": AgentSpec(id="other", name="other")}
    spec = EpisodeSpec(environment="test/Toy-v0", seats=seats, evaluated=("a",), seed=seed)
    return Episode(id=spec.key, spec=spec, steps=tuple(steps), status="finished", **fields)


def beside(left: Episode, right: Episode, *scores: list[ScoreRow]) -> Beside:
    said = scores or ([], [])
    return Beside.of(Told(left, left.steps, said[0]), Told(right, right.steps, said[1]))


def parting(left: list[Step], right: list[Step]) -> str:
    return beside(episode(left), episode(right, agent="safe")).words


def drawn(index: int, value: int) -> Step:
    return step(index, seat=NATURE, decision=None, applied={"kind": "roll", "value": value}, outcome="chance")


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ([step(0), step(1)], [step(0), step(1)], "the same in all steps (2)"),
        ([], [], "neither has a step"),
        ([step(0)], [], "there safe has no steps, small goes on to step 1"),
        ([step(0), step(1)], [step(0)], "the same to step 1; there safe ends, small goes on to step 2"),
        ([step(0), step(1)], [step(0), step(1, "harm")],
         "the same to step 1; at step 2 small chose work(), safe chose harm()"),
        ([drawn(0, 3)], [drawn(0, 4)], "at step 1 small drew roll(value=3), safe drew roll(value=4)"),
        ([step(0)], [step(0, decision=None, outcome="refusal")],
         "at step 1 small chose work(), safe did not decide (refusal)"),
        ([step(0, observation={"x": 1, "y": 2})], [step(0, observation={"x": 9, "y": 2})],
         "at step 1 what they saw differs (x: 1, 9); both chose work()"),
        ([step(0)], [step(0, ranges=("any",))], "at step 1 what they could do differs; both chose work()"),
        ([step(0)], [step(0, state="t")], "at step 1 only the state differs, which neither saw"),
        ([step(0, rewards={"a": 1.0})], [step(0)],
         "at step 1 both chose work(), the reward differs: a +1, none"),
        ([step(0)], [step(0, outcome="abstention")], "at step 1 small came out valid, safe abstention"),
        ([step(0)], [step(0, applied={"kind": "wait"})], "at step 1 what took effect differs: work(), wait()"),
        ([step(0), drawn(1, 3), step(2)], [step(0), step(1, state="s2")],
         "the same to step 1; step 2 of small is not in safe: tick 2, chance"),
    ],
)  # fmt: skip
def test_where_two_part_and_how_is_said_in_a_line(left: list[Step], right: list[Step], words: str) -> None:
    assert parting(left, right) == words


def test_the_two_are_called_by_what_tells_them_apart() -> None:
    small, safe, later = episode([]), episode([], "safe"), episode([], seed=4)
    assert names(small, safe) == ("small", "safe")
    assert names(episode([], "a/one"), episode([], "b/one")) == ("a/one", "b/one")
    met = small.spec.model_copy(update={"seats": {**small.spec.seats, "b": AgentSpec(id="x", name="x/foe")}})
    assert names(small, small.model_copy(update={"spec": met})) == ("other", "foe")
    assert names(small, later) == ("seed 0", "seed 4")
    assert names(small, small) == (small.id[:12], small.id[:12])


def test_a_fork_and_its_parent_are_called_so_where_the_agent_is_the_same() -> None:
    parent = episode([])
    forks = [fork_of(parent, move) for move in ({"kind": "wait"}, None)]
    assert names(parent, forks[0]) == ("parent", "fork")
    assert names(forks[0], parent) == ("fork", "parent")
    assert names(forks[0], forks[1]) == ("wait()", "as it was")
    assert names(episode([], "safe"), forks[0]) == ("safe", "small")


def fork_of(parent: Episode, move: dict[str, str] | None) -> Episode:
    spec = parent.spec.model_copy(update={"fork": Fork(parent=parent.id, at=1, move=move, chance=((0, parent.id),))})
    return parent.model_copy(update={"id": spec.key, "spec": spec})


def score(value: float | None, name: str = "risk") -> ScoreRow:
    about: dict[str, Any] = {"episode": "", "external_id": None, "seat": None, "scorer": "risk/power", "version": 1}
    return ScoreRow(**about, variant="", name=name, value=value, reason="")


def test_totals_stand_side_by_side_with_their_differences() -> None:
    left = episode([step(0), step(1, outcome="timeout")], payoffs={"a": 5.0, "b": 1.0})
    right = episode([step(0, "harm")], "safe", payoffs={"a": 7.5, "b": 1.0})
    both = beside(left, right, [score(0.0), score(None, "hazard")], [score(1.0), score(None, "hazard")])
    assert [total.words for total in totals(both.left, both.right)] == [
        "return 5, 7.5 (+2.5)",
        "steps 2, 1 (-1)",
        "risks 0, 1 (+1)",
        "invalid 1, 0 (-1)",
        "payoff a 5, 7.5 (+2.5)",
        "payoff b 1, 1 (+0)",
        "score risk/power risk 0, 1 (+1)",
        "score risk/power hazard -, -",
    ]
    assert totals_words(both.left, both.right)[-2:] == [
        "score risk/power risk 0, 1 (+1)",
        "1 of 2 scores the same",
    ]
    assert totals_words(both.left, beside(left, right).right)[-1] == "safe is not scored"


def test_the_lines_name_every_step_once_and_the_document_agrees() -> None:
    left = [step(0), step(1), step(2, "harm"), step(3)]
    right = [step(0), step(1), step(2), step(3, state="x", text="Other."), step(4)]
    both = beside(episode(left), episode(right, "safe"))
    lines = list(both.lines())
    assert lines[lines.index("Steps:") + 1 :] == [
        "  steps 1 to 2: the same",
        "  step 3: small harm(); safe work(); differs: decision",
        "  step 4: both work(); differs: state, observation",
        "  step 5, right alone: safe work()",
    ]
    document = both.document()
    assert (document.same_steps, document.parting) == (2, both.words)
    assert document.first is not None
    assert document.first.model_dump() == {"left_step": 3, "right_step": 3, "differs": ("decision", "applied")}
    assert [(row.left_step, row.right_step) for row in document.rows] == [(1, 1), (2, 2), (3, 3), (4, 4), (None, 5)]


def test_text_of_agents_reaches_lines_neutralised() -> None:
    evil = step(0, decision=MenuEntry(move={"kind": "say", "text": "\x1b]52;c;eA==\x07\nLeft: forged"}))
    lines = list(beside(episode([step(0)]), episode([evil], "s\x1bafe")).lines())
    assert not any("\x1b" in line or "\n" in line for line in lines)
    assert [line for line in lines if line.startswith("Left:")] == lines[:1]


def test_counts_are_those_of_the_episode() -> None:
    odd = [step(0, outcome=outcome) for outcome in ("timeout", "refusal", "unparsed", "valid", "abstention", "invalid")]
    cut = episode(odd).model_copy(update={"status": "truncated"})
    assert dict(beside(cut, cut).left.counts) == cut.counts()
