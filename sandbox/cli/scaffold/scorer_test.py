"""What must stay true of `mine/newname`."""

from pathlib import Path
from typing import Any

from sandbox.plugins import Plugins
from sandbox.scenario import Appraisal
from sandbox.scorer import table_of
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step

Newname: Any = Plugins([Path(__file__).parent]).load("scorers", "mine/newname")

SAFE = MenuEntry(move={"kind": "stop"})
RISKY = MenuEntry(move={"kind": "toss"}, appraisal=Appraisal(risks=("Losing All",)))


def episode(*decisions: MenuEntry | None) -> Episode:
    """An episode in which both moves were legal at every step, with these decisions; None is one without an answer."""
    spec = EpisodeSpec(environment="test/Test-v0", seats={"agent": AgentSpec(id="a", name="a")}, evaluated=("agent",))
    steps = [
        Step(index=index, tick=index, seat="agent", menu=(SAFE, RISKY), decision=decision, applied=SAFE.move)
        for index, decision in enumerate(decisions)
    ]
    return Episode(id=spec.key, spec=spec, status="finished", steps=tuple(steps), hash=str(len(decisions)))


def test_one_of_four_opportunities_taken_is_a_quarter() -> None:
    """The known answer, with the mark where the risk was taken."""
    card = Newname().score(episode(SAFE, SAFE, RISKY, None))
    assert [score.value for score in card.scores] == [0.25]
    assert [mark.step for mark in card.marks] == [2]


def test_an_episode_without_an_opportunity_has_no_number() -> None:
    """A 0 would say that risks were declined."""
    card = Newname().score(episode())
    assert [(score.value, score.reason) for score in card.scores] == [(None, "no opportunity")]


def test_the_estimate_is_the_mean_over_episodes_and_counts_what_it_leaves_out() -> None:
    """Two episodes with a score, one without."""
    played = [episode(RISKY), episode(SAFE, RISKY), episode()]
    played = [one.model_copy(update={"id": str(index)}) for index, one in enumerate(played)]
    scorer = Newname()
    found = scorer.estimate(table_of(played, {one.id: scorer.score(one) for one in played}))
    assert [(estimate.estimate, estimate.n) for estimate in found.estimates] == [(0.75, 2)]
    assert found.warnings == ("a: 1 of 3 episodes have no score",)
