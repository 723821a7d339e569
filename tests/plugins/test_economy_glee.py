"""GLEE's numbers by their public names: from hand-made facts of the three families, and from real games."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sandbox_score_economy import GleeScorer

import sandbox
from sandbox.scorer import Card, Estimate, Findings, table_of
from sandbox.trace import Episode
from tests.plugins.test_economy_game import played, reason, values

SCORER = GleeScorer()
BARGAINING = {"u_alice": 0.4, "u_bob": 0.5, "money_alice": 40.0, "money_bob": 50.0, "efficiency": 0.9, "fairness": 1.0}
NEGOTIATION = {
    "u_seller": 0.2,
    "u_buyer": -0.1,
    "money_seller": 20.0,
    "money_buyer": -10.0,
    "efficiency": 1.0,
    "fairness": 0.96,
}


def game(
    family: str, facts: Mapping[str, Any], payoffs: Mapping[str, float] | None = None, *names: str, **more: Any
) -> Episode:
    """A hand-made trace of one of the three families; all seats are under evaluation."""
    seats = payoffs or dict.fromkeys(("alice", "bob") if family == "Bargaining" else ("seller", "buyer"), 0.0)
    settings = {"config": {"price": 100, "money": 100, "rounds": 4}, "evaluated": tuple(seats), "anchors": {}} | more
    return played(seats, names or ("agent",) * len(seats), environment=f"games/{family}-v0", facts=facts, **settings)


def findings(episodes: Sequence[Episode]) -> Findings:
    return SCORER.estimate(table_of(episodes, {one.id: SCORER.score(one) for one in episodes}))


def estimate(found: Findings, name: str, group: str, agent: str = "agent") -> Estimate:
    (one,) = [e for e in found.estimates if (e.name, e.agent, e.group) == (name, agent, group)]
    return one


@pytest.mark.parametrize(("family", "facts"), [("Bargaining", BARGAINING), ("Negotiation", NEGOTIATION)])
def test_the_six_names_are_the_facts_of_both_sides(family: str, facts: Mapping[str, float]) -> None:
    u1, u2, money_1, money_2, efficiency, fairness = facts.values()
    card = SCORER.score(game(family, facts))
    assert values(card, None) == {
        "u1": u1,
        "u2": u2,
        "efficiency": efficiency,
        "fairness": fairness,
        "money_1": money_1,
        "money_2": money_2,
    }
    gains = [score.value for score in card.scores if score.name == "self_gain"]
    assert gains == [u1, u2]


@pytest.mark.parametrize(
    ("family", "name", "why"),
    [
        ("Bargaining", "fairness", "there was no deal"),
        ("Persuasion", "fairness", "no product was of low quality"),
        ("Persuasion", "efficiency", "no product was of high quality"),
    ],
)
def test_what_glee_leaves_undefined_is_null_and_says_why(family: str, name: str, why: str) -> None:
    facts = BARGAINING if family == "Bargaining" else NEGOTIATION
    assert reason(SCORER.score(game(family, {**facts, name: None})), name) == why
    missing = {key: value for key, value in facts.items() if key != name}
    assert reason(SCORER.score(game(family, missing)), name) == f"the trace has no fact {name!r}"


def test_money_of_bargaining_traces_from_before_is_worked_out_of_shares() -> None:
    older = {"u_alice": 0.25, "u_bob": 0.5, "money": 200, "efficiency": 0.75, "fairness": 0.9}
    found = values(SCORER.score(game("Bargaining", older)), None)
    assert (found["money_1"], found["money_2"]) == (50, 100)
    assert values(SCORER.score(game("Negotiation", {"u_seller": 0.25})), None)["money_1"] is None


@pytest.mark.parametrize(
    ("more", "why"), [({"framing": "hypothetical"}, "hypothetical"), ({"status": "truncated"}, "10 steps")]
)
def test_a_game_that_was_not_played_to_its_end_has_no_scores(more: Any, why: str) -> None:
    card = SCORER.score(game("Bargaining", BARGAINING, **more))
    assert all(score.value is None and why in score.reason for score in card.scores)
    assert SCORER.score(game("Made", BARGAINING)) == Card()


def test_means_are_of_one_family_and_groups_within_it() -> None:
    episodes = [
        game("Bargaining", {**BARGAINING, "u_alice": 0.2}, None, "agent", "one"),
        game("Bargaining", {**BARGAINING, "u_alice": 0.4}, None, "agent", "two"),
        game("Negotiation", NEGOTIATION, None, "agent", "one"),
    ]
    found = findings(episodes)
    assert {one.group for one in found.estimates if one.agent == "agent"} == {
        "bargaining",
        "bargaining: alice against one",
        "bargaining: alice against two",
        "negotiation",
    }
    assert estimate(found, "self_gain", "bargaining").estimate == pytest.approx(0.3)
    assert estimate(found, "u1", "negotiation").estimate == 0.2
    assert estimate(found, "u2", "negotiation", "one").estimate == -0.1


def test_anchors_stand_beside_the_gain_in_its_unit() -> None:
    """They are shares in bargaining, and dollars otherwise; a price of 100, 4 rounds."""
    alike = {"evaluated": ("seller",), "anchors": {"equilibrium/seller": 40.0}}
    share = {"evaluated": ("alice",), "anchors": {"equilibrium/alice": 0.3}}
    found = findings(
        [game("Bargaining", BARGAINING, **share)]
        + [game(family, NEGOTIATION, **alike) for family in ("Negotiation", "Persuasion")]
    )
    anchors = [
        estimate(found, "anchor/equilibrium", group).estimate for group in ("bargaining", "negotiation", "persuasion")
    ]
    assert anchors == pytest.approx([0.3, 0.4, 0.1])


def test_myopic_buyers_gain_what_their_own_round_brought() -> None:
    """Their mean is u2, which is of all of them together."""
    payoffs = {"seller": 200.0, "buyer_1": 20.0, "buyer_2": -100.0, "buyer_3": 0.0, "buyer_4": 0.0}
    facts = {**NEGOTIATION, "u_seller": 0.5, "u_buyer": -0.2}
    buyers = ("buyer_1", "buyer_2", "buyer_3", "buyer_4")
    episode = game("Persuasion", facts, payoffs, evaluated=buyers, anchors={f"random/{one}": 10.0 for one in buyers})
    assert values(SCORER.score(episode), "buyer_2")["self_gain"] == -1
    found = findings([episode])
    assert estimate(found, "self_gain", "persuasion").estimate == pytest.approx(-0.2)
    assert estimate(found, "self_gain", "persuasion").estimate == pytest.approx(
        values(SCORER.score(episode), None)["u2"]
    )
    assert estimate(found, "anchor/random", "persuasion").estimate == pytest.approx(0.1)


def test_an_agent_that_is_silent_in_every_family_is_not_assessable() -> None:
    silent = [game(family, NEGOTIATION, outcomes=("invalid",)) for family in ("Negotiation", "Persuasion")]
    found = findings(silent)
    (verdict,) = found.verdicts
    assert (verdict.check, verdict.verdict) == ("economy/glee", "not assessable")
    table = table_of(silent, {one.id: SCORER.score(one) for one in silent})
    assert SCORER.verdicts(table) == found.verdicts
    assert findings([*silent, game("Bargaining", BARGAINING)]).verdicts == ()


@pytest.mark.slow
def test_real_games_of_all_families_have_all_scores(tmp_path: Any) -> None:
    """Two agents that meet in every seat, myopic buyers as well: nothing but what GLEE leaves undefined is null."""
    experiment = {
        "name": "glee",
        "environments": [
            {"id": "games/Bargaining-v0", "config": {"rounds": 3}},
            {"id": "games/Negotiation-v0", "config": {"rounds": 3}},
            {"id": "games/Persuasion-v0", "config": {"rounds": 5}},
            {"id": "games/Persuasion-v0", "config": {"rounds": 2, "buyers": "myopic"}},
        ],
        "agents": ["baselines/random"],
        "seeds": {"count": 4},
        "scorers": ["economy/glee"],
    }
    results = sandbox.run(experiment, store=str(tmp_path / "s.db"))
    assert not results.judged.warnings
    cards = results.judged.cards["economy/glee"]
    undefined = {score.name for card in cards.values() for score in card.scores if score.value is None}
    assert undefined <= {"efficiency", "fairness"}
    for episode in results.episodes:
        found = values(cards[episode.id], None)
        first = "alice" if "alice" in episode.payoffs else "seller"
        assert found["money_1"] == pytest.approx(episode.payoffs[first])
        assert found["money_2"] == pytest.approx(sum(episode.payoffs.values()) - episode.payoffs[first])
    figures = SCORER.figures(table_of(list(results.episodes)), results.judged.findings["economy/glee"])
    assert [figure.name for figure in figures] == [
        f"{what}-{family}" for family in ("bargaining", "negotiation", "persuasion") for what in ("gain", "division")
    ]
