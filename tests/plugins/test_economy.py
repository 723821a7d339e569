"""The economy scorer: GLEE's numbers from traces, raw anchors beside them, nothing good for an agent that is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from sandbox_env_games.bargainers import Rubinstein
from sandbox_env_games.bargaining import Accept, Bargaining, BargainingConfig, BargainingState, Offer, Reject
from sandbox_score_economy import ANCHORS, BargainingScorer

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.menu import Move, moves
from sandbox.play import Play
from sandbox.runner.loop import EpisodeLoop
from sandbox.scenario import Item
from sandbox.scorer import Card, Estimate, Findings, table_of
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Limits

GAME = Bargaining()
SCORER = BargainingScorer()


class Scripted(Agent[NoConfig]):
    def __init__(self, play: Callable[[Turn], Move | None]) -> None:
        super().__init__(NoConfig())
        self.play = play

    def act(self, turn: Turn) -> Move | None:
        return self.play(turn)


def null(turn: Turn) -> None:
    """Never a legal answer."""


def half(turn: Turn) -> Move:
    return Accept() if turn.observation.alice_gain is not None else Offer(alice_gain=turn.observation.money / 2)


def stubborn(turn: Turn) -> Move:
    return Reject() if turn.observation.alice_gain is not None else Offer(alice_gain=0)


def uniform(turn: Turn) -> Move:
    options = list(moves(turn.menu))
    return options[int(turn.generator().integers(len(options)))]


def equilibrium(turn: Turn) -> Move:
    return Rubinstein(NoConfig()).act(turn)


PLAYERS: Mapping[str, Callable[[Turn], Move | None]] = {
    "null": null,
    "half": half,
    "stubborn": stubborn,
    "uniform": uniform,
    "equilibrium": equilibrium,
}


def episode(
    alice: str,
    bob: str,
    evaluated: Sequence[str] = ("alice",),
    *,
    framing: Any = "lived",
    seed: int = 0,
    repetition: int = 0,
    steps: int | None = None,
    **config: Any,
) -> Episode:
    """One game between two of `PLAYERS`, as the runner plays and records it."""
    settings = BargainingConfig.model_validate(config)
    spec = EpisodeSpec(
        environment=GAME.id,
        config=settings.model_dump(mode="json"),
        item=Item().model_dump(),
        seats={"alice": AgentSpec(id=alice, name=alice), "bob": AgentSpec(id=bob, name=bob)},
        evaluated=tuple(evaluated),
        framing=framing,
        seed=seed,
        repetition=repetition,
        limits=Limits(steps=steps),
    )
    agents = {"alice": Scripted(PLAYERS[alice]), "bob": Scripted(PLAYERS[bob])}

    def policy(name: str, seat: str) -> Callable[[BargainingState], Move]:
        def act(state: BargainingState) -> Move:
            play = Play(GAME, settings, Item(), 0)
            play.state = state
            return PLAYERS[name](play.turn(seat, 0)) or play.forfeit(seat)

        return act

    deterministic = {
        seat: policy(use.name, seat)
        for seat, use in spec.seats.items()
        if seat not in evaluated and use.name != "uniform"
    }
    benchmarks = GAME.benchmarks(settings, Item(), deterministic)
    loop = EpisodeLoop(spec, Play(GAME, settings, Item(), seed), agents, lambda step: None)
    return asyncio.run(loop.run(benchmarks, {}))


def findings(episodes: Sequence[Episode]) -> Findings:
    return SCORER.estimate(table_of(episodes, {one.id: SCORER.score(one) for one in episodes}))


def estimate(found: Findings, name: str, agent: str, group: str = "") -> Estimate:
    (one,) = [e for e in found.estimates if (e.name, e.agent, e.group) == (name, agent, group)]
    return one


def values(card: Card) -> dict[str, float | None]:
    return {score.name: score.value for score in card.scores}


def test_a_deal_has_glees_scores() -> None:
    # Bob rejects half, and in round 2 offers alice 0, which she accepts.
    card = SCORER.score(episode("half", "stubborn", deltas=[0.9, 0.8], rounds=2))
    assert values(card) == pytest.approx(
        {
            "u_alice": 0,
            "u_bob": 0.8,
            "efficiency": 0.8,
            "fairness": 0,
            "deal": 1,
            "self_gain": 0,
            "forfeit_rate": 0,
        }
    )
    assert [(mark.step, mark.name) for mark in card.marks] == [(3, "deal")]


def test_the_scores_are_those_of_the_seat_under_evaluation() -> None:
    card = SCORER.score(episode("equilibrium", "equilibrium", ("bob",), deltas=[0.9, 0.95], rounds=12))
    (own,) = [score for score in card.scores if score.name == "self_gain"]
    assert own.seat == "bob"
    assert own.value == pytest.approx(0.79, abs=1e-9)


def test_no_deal_is_zero_and_has_no_fairness_with_the_reason() -> None:
    card = SCORER.score(episode("stubborn", "stubborn", rounds=3))
    assert values(card) == {
        "u_alice": 0,
        "u_bob": 0,
        "efficiency": 0,
        "fairness": None,
        "deal": 0,
        "self_gain": 0,
        "forfeit_rate": 0,
    }
    (fairness,) = [score for score in card.scores if score.name == "fairness"]
    assert "no deal" in fairness.reason


def test_as_published_no_deal_is_worth_something_to_bob_and_has_a_fairness() -> None:
    one = episode("stubborn", "stubborn", rounds=3, deltas=[0.9, 0.8], variant="published")
    found = values(SCORER.score(one))
    assert (found["u_bob"], found["fairness"]) == (pytest.approx(0.64), 0)
    assert findings([one]).warnings == ()


def test_a_hypothetical_game_has_no_scores_with_the_reason() -> None:
    card = SCORER.score(episode("half", "half", framing="hypothetical"))
    assert set(values(card).values()) == {None}
    assert all("hypothetical" in score.reason for score in card.scores)
    assert findings([episode("half", "half", framing="hypothetical")]) == Findings()


def test_a_truncated_game_has_no_scores_and_is_warned_of() -> None:
    cut, whole = episode("stubborn", "stubborn", steps=3), episode("half", "half")
    card = SCORER.score(cut)
    assert values(card)["self_gain"] is None
    assert all("3 steps" in score.reason for score in card.scores)
    found = findings([cut, whole.model_copy(update={"spec": cut.spec, "id": "other"})])
    assert estimate(found, "self_gain", "stubborn").n == 1
    assert any("1 of 2 games have no end" in warning for warning in found.warnings)


def test_an_episode_of_another_environment_has_no_scores() -> None:
    one = episode("half", "half")
    other = one.model_copy(update={"spec": one.spec.model_copy(update={"environment": "market/Shop-v0"})})
    assert SCORER.score(other) == Card()
    assert findings([other]) == Findings()


def test_an_episode_that_failed_has_no_scores_whatever_it_recorded() -> None:
    failed = episode("half", "half").model_copy(update={"status": "error", "facts": {}, "steps": ()})
    assert set(values(SCORER.score(failed)).values()) == {None}
    assert estimate(findings([failed]), "self_gain", "half").estimate is None


@pytest.mark.parametrize("seat", ["alice", "bob"])
def test_an_agent_that_never_answers_legally_gets_nothing_and_is_not_assessable(seat: str) -> None:
    seats = ("null", "equilibrium") if seat == "alice" else ("equilibrium", "null")
    episodes = [episode(*seats, (seat,), deltas=[0.9, 0.95], rounds=rounds) for rounds in (1, 2, 5, 12)]
    card = SCORER.score(episodes[3])
    assert values(card)["forfeit_rate"] == 1
    assert sum(mark.name == "forfeit" for mark in card.marks) == 12
    found = findings(episodes)
    for name in ("self_gain", "u_alice", "u_bob", "efficiency", "deal"):
        assert estimate(found, name, "null").estimate == 0
    assert estimate(found, "fairness", "null").estimate is None
    (verdict,) = found.verdicts
    assert (verdict.agent, verdict.verdict) == ("null", "not assessable")
    assert any("forfeited decisions in 4 of 4 games" in warning for warning in found.warnings)


def test_self_gain_stands_beside_raw_anchors_of_the_same_games() -> None:
    episodes = [episode("half", "equilibrium", money=10**6, deltas=[0.9, 0.95], rounds=rounds) for rounds in (12, 25)]
    found = findings(episodes)
    known = {name: estimate(found, f"anchor/{name}", "half").estimate for name in ANCHORS}
    assert known["disagreement"] == 0
    assert known["equilibrium"] == pytest.approx((0.210118 + 0.444816) / 2, abs=1e-6)
    assert known["best_response"] == pytest.approx((0.210118 + 0.444816) / 2, abs=1e-6)
    assert known["random"] == pytest.approx(0.4545, abs=1e-4)
    assert known["random_response"] is not None
    # Half is refused in round 1, and in round 2 bob offers what alice's next claim is worth to her now.
    own = estimate(found, "self_gain", "half")
    assert own.estimate == pytest.approx(sum(one.facts["u_alice"] for one in episodes) / 2)
    assert (own.n, own.n_distinct, own.clusters) == (2, 2, 2)
    assert "rounds=12" in {e.group for e in found.estimates}
    assert estimate(found, "anchor/equilibrium", "half", "rounds=12").estimate == pytest.approx(0.210118, abs=1e-6)


def test_an_anchor_that_is_undefined_in_one_game_is_undefined_with_the_reason() -> None:
    episodes = [episode("half", "equilibrium", information=known) for known in ("complete", "incomplete")]
    anchor = estimate(findings(episodes), "anchor/equilibrium", "half")
    assert anchor.estimate is None
    assert anchor.reason.startswith("undefined in 1 of 2: ")
    against_random = estimate(findings([episode("half", "uniform")]), "anchor/best_response", "half")
    assert against_random.estimate is None
    assert "not a scripted" in against_random.reason


def test_there_is_no_interval_where_all_traces_are_the_same() -> None:
    found = findings([episode("half", "equilibrium", repetition=number) for number in range(3)])
    own = estimate(found, "self_gain", "half")
    assert (own.n, own.n_distinct, own.low, own.high) == (3, 1, None, None)
    assert "all traces are the same" in own.reason


def test_the_interval_of_many_games_holds_the_exact_value_of_random_play() -> None:
    episodes = [
        # A seed of its own for each game: with the same seeds, games over other sums would be the same in shares.
        episode("uniform", "uniform", seed=money + number, deltas=[0.9, 0.95], money=money)
        for money in range(100, 1600, 100)
        for number in range(10)
    ]
    own = estimate(findings(episodes), "self_gain", "uniform")
    assert own.low is not None
    assert own.high is not None
    assert own.low < 0.454514 < own.high
    assert own.high - own.low < 0.2
    assert (own.n, own.clusters) == (150, 15)
    assert findings(episodes) == findings(episodes)


def test_repetitions_of_one_configuration_are_resampled_as_episodes() -> None:
    own = estimate(
        findings([episode("uniform", "equilibrium", seed=seed) for seed in range(12)]), "self_gain", "uniform"
    )
    assert own.clusters == 12
    assert "episodes of one configuration" in own.method


def test_a_game_of_an_agent_against_itself_counts_once_for_what_is_shared() -> None:
    found = findings([episode("half", "half", ("alice", "bob"))])
    assert estimate(found, "efficiency", "half").n == 1
    assert estimate(found, "self_gain", "half").n == 2


def test_each_agent_under_evaluation_has_its_own_estimates_and_groups_by_seat_and_counterpart() -> None:
    episodes = [
        episode("half", "equilibrium", ("alice", "bob")),
        episode("equilibrium", "half", ("alice", "bob")),
        episode("half", "uniform"),
    ]
    found = findings(episodes)
    assert estimate(found, "self_gain", "half").n == 3
    assert estimate(found, "self_gain", "equilibrium").n == 2
    assert estimate(found, "self_gain", "half", "alice against uniform").n == 1
    names = [(e.agent, e.name, e.group, e.variant) for e in found.estimates]
    assert len(names) == len(set(names))
