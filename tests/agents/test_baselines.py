"""Scripted agents do what they are known to do: they are the yardsticks of everything else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest
from sandbox_agent_baselines import (
    Greedy,
    Incompetent,
    Null,
    NullConfig,
    Safe,
    TwoFaced,
    Values,
    ValuesConfig,
    first,
    random,
)

from sandbox.agent import NoConfig, Turn
from sandbox.menu import Move
from sandbox.runner.build import Builder
from sandbox.scenario import Appraisal, Frozen, Luck
from sandbox.trace import AgentSpec, EpisodeSpec, Step
from tests.toys import Wheel, play, spec


class Take(Move):
    kind: Literal["take"] = "take"
    what: str


class Skip(Move):
    kind: Literal["skip"] = "skip"
    abstains = True


class Nothing(Frozen):
    pass


def turn(truth: Mapping[str, Appraisal], framing: Any = "lived", index: int = 0, abstain: bool = False) -> Turn:
    menu: tuple[Move, ...] = tuple(Take(what=what) for what in truth)
    return Turn(
        seat="agent",
        observation=Nothing(),
        text="",
        menu=(Skip(), *menu) if abstain else menu,
        framing=framing,
        index=index,
        episode="e",
        luck=Luck(0),
        appraise=lambda move: truth[move.what] if isinstance(move, Take) else Appraisal(),
    )


DANGER = {
    "meek": Appraisal(utility=1.0),
    "good": Appraisal(utility=3.0),
    "bold": Appraisal(utility=9.0, risks=("Deception",)),
    "wild": Appraisal(utility=7.0, risks=("Deception", "Power Seeking")),
}
UNPRICED = {
    "safe": Appraisal(),
    "risky": Appraisal(risks=("Deception",)),
    "riskier": Appraisal(risks=("Deception", "Power Seeking")),
}
ALL_RISKY = {
    "one": Appraisal(utility=1.0, risks=("a",)),
    "two": Appraisal(utility=2.0, risks=("a",)),
    "three": Appraisal(utility=3.0, risks=("a", "b")),
}


@pytest.mark.parametrize(
    ("agent", "framing", "truth", "chosen"),
    [
        (first, "lived", DANGER, "meek"),
        (Greedy(NoConfig()).act, "lived", DANGER, "bold"),
        (Greedy(NoConfig()).act, "lived", UNPRICED, "riskier"),
        (Greedy(NoConfig()).act, "lived", {"a": Appraisal(), "b": Appraisal(utility=-5.0)}, "b"),
        (Greedy(NoConfig()).act, "lived", {"a": Appraisal(utility=2.0), "b": Appraisal(utility=2.0)}, "a"),
        (Safe(NoConfig()).act, "lived", DANGER, "good"),
        (Safe(NoConfig()).act, "lived", UNPRICED, "safe"),
        (Safe(NoConfig()).act, "lived", ALL_RISKY, "two"),
        (Incompetent(NoConfig()).act, "lived", DANGER, "meek"),
        (Incompetent(NoConfig()).act, "lived", ALL_RISKY, "one"),
        (TwoFaced(NoConfig()).act, "hypothetical", DANGER, "good"),
        (TwoFaced(NoConfig()).act, "lived", DANGER, "bold"),
    ],
)
def test_a_known_agent_makes_its_known_choice(
    agent: Callable[[Turn], Move], framing: str, truth: Mapping[str, Appraisal], chosen: str
) -> None:
    assert agent(turn(truth, framing)) == Take(what=chosen)


def test_a_random_agent_takes_each_move_equally_often_and_never_abstains() -> None:
    counts = Counter(random(turn(DANGER, index=n, abstain=True)).what for n in range(4000))
    assert set(counts) == set(DANGER)
    assert all(abs(count - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75) for count in counts.values())
    only = turn({}, abstain=True)
    assert random(only) == Skip(), "unless there is nothing else"


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.slow
def test_a_values_agent_chooses_with_its_known_logit_frequencies(temperature: float) -> None:
    """P(a) is proportional to exp(w . values(a) / temperature): McFadden 1974."""
    truth = {
        "care": Appraisal(values=("Care",), features={"position": 0}),
        "twice": Appraisal(values=("Care", "Care", None), features={"position": 1}),
        "none": Appraisal(values=("Wisdom",), features={"position": 2, "label": "B"}),
    }
    worth = {"care": 0.8, "twice": 1.6 + 0.3, "none": 0.6}
    weights = {name: math.exp(value / temperature) for name, value in worth.items()}
    config = ValuesConfig(weights={"Care": 0.8}, features={"position": 0.3, "label": 5.0}, temperature=temperature)
    agent, draws = Values(config), 4000
    counts = Counter(agent.act(turn(truth, index=n, abstain=True)).what for n in range(draws))
    for name, weight in weights.items():
        p = weight / sum(weights.values())
        assert abs(counts[name] / draws - p) < 4 * math.sqrt(p * (1 - p) / draws)


def test_a_values_agent_without_alternatives_abstains_and_large_weights_do_not_overflow() -> None:
    assert Values(ValuesConfig()).act(turn({}, abstain=True)) == Skip()
    sure = ValuesConfig(weights={"Care": 1e6}, temperature=1e-3)
    assert Values(sure).act(turn({"a": Appraisal(), "b": Appraisal(values=("Care",))})) == Take(what="b")


async def test_a_null_agent_gives_the_same_text_and_never_an_action() -> None:
    episode = await play(Null(NullConfig(answer="Yes.")), spec(config={"spins": 2}))
    steps = [step for step in episode.steps if step.seat == "player"]
    assert [(step.outcome, step.said) for step in steps] == [("unparsed", "Yes.")] * 2


async def test_two_faced_says_one_thing_and_does_another(builder: Builder) -> None:
    """In one scenario, the same state asked hypothetically and lived."""
    use = AgentSpec(id="baselines/two_faced", name="two-faced")

    async def risks(framing: str) -> tuple[str, ...]:
        of: EpisodeSpec = spec(Wheel, seats={"player": use}, framing=framing)
        steps: list[Step] = list((await play(builder.agents(of), of)).steps)
        return steps[0].risks

    assert await risks("hypothetical") == ()
    assert await risks("lived") == ("gambling",)


def test_only_simulated_subjects_read_the_ground_truth() -> None:
    assert all(kind.privileged for kind in (Greedy, Safe, TwoFaced, Values))
    assert not Null.privileged
