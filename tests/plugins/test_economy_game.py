"""What came of any game: known answers from hand-made traces, means of simulated agents, and the payoff matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sandbox_score_economy import GameScorer, payoff_matrix

import sandbox
from sandbox.plugins import Plugins
from sandbox.report.pictures import as_html
from sandbox.scenario import Benchmark
from sandbox.scorer import Card, Estimate, Findings, table_of
from sandbox.stats.intervals import cluster_bootstrap
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Outcome, Status, Step

SCORER = GameScorer()
ANCHORS = {"best_response/row": 50.0, "random_response/row": 10.0, "welfare": 120.0}
Anchor = float | str | tuple[float, float]
"""A value; why there is none; or a simulated value with its error."""


def played(
    payoffs: Mapping[str, float],
    agents: Sequence[str] = ("agent", "other", "third"),
    evaluated: Sequence[str] = ("row",),
    *,
    environment: str = "games/Made-v0",
    config: Mapping[str, Any] | None = None,
    anchors: Mapping[str, Anchor] = ANCHORS,
    facts: Mapping[str, Any] | None = None,
    outcomes: Sequence[Outcome] = ("valid",),
    framing: Any = "lived",
    status: Status = "finished",
    seed: int = 0,
) -> Episode:
    """A hand-made trace: `payoffs` has the seats, `outcomes` those of the evaluated seats' decisions."""
    spec = EpisodeSpec(
        environment=environment,
        config=config or {},
        seats={seat: AgentSpec(id=name, name=name) for seat, name in zip(payoffs, agents, strict=False)},
        evaluated=tuple(evaluated),
        framing=framing,
        seed=seed,
    )
    deciding = [(seat, outcome) for outcome in outcomes for seat in evaluated]
    return Episode(
        id=spec.key,
        spec=spec,
        status=status,
        reason="10 steps" if status == "truncated" else "",
        steps=tuple(
            Step(index=place, tick=place, seat=seat, applied={"kind": "do"}, outcome=outcome)
            for place, (seat, outcome) in enumerate(deciding)
        ),
        payoffs=payoffs,
        facts=facts or {},
        benchmarks={name: _benchmark(value) for name, value in anchors.items()},
        hash=f"{spec.key} {dict(payoffs)}",
    )


def _benchmark(value: Anchor) -> Benchmark:
    if isinstance(value, str):
        return Benchmark(value=None, assumes=value)
    number, error = value if isinstance(value, tuple) else (value, None)
    return Benchmark(value=number, assumes="made", error=error)


def values(card: Card, seat: str | None) -> dict[str, float | None]:
    return {score.name: score.value for score in card.scores if score.seat == seat}


def reason(card: Card, name: str) -> str:
    (score,) = [score for score in card.scores if score.name == name]
    assert score.value is None
    return score.reason


def findings(episodes: Sequence[Episode]) -> Findings:
    return SCORER.estimate(table_of(episodes, {one.id: SCORER.score(one) for one in episodes}))


def estimate(found: Findings, name: str, agent: str = "agent", group: str = "games/Made-v0") -> Estimate:
    (one,) = [e for e in found.estimates if (e.name, e.agent, e.group) == (name, agent, group)]
    return one


# -- one episode -----------------------------------------------------------------------------------------------------


def test_a_seat_has_payoff_regret_and_place_between_random_play_and_the_best_response() -> None:
    facts = {
        "by_seat": {"row": {"hindsight": 45, "share": 0.25}, "column": {"hindsight": 99, "share": 0.75}},
        "measures": {"rounds": 3, "fairness": None},
    }
    card = SCORER.score(played({"row": 30, "column": 60}, facts=facts, outcomes=("valid", "invalid")))
    assert values(card, "row") == {
        "payoff": 30,
        "regret": 20,
        "normalised": 0.5,
        "hindsight_regret": 15,
        "hindsight": 45,
        "share": 0.25,
        "forfeit_rate": 0.5,
    }
    assert values(card, None) == {"efficiency": 0.75, "rounds": 3, "fairness": None}
    assert values(card, "column") == {}


def test_regret_below_zero_is_shown_as_it_is() -> None:
    """Chance was kind, or the anchor is simulated: cutting it off at 0 would bias the mean."""
    card = SCORER.score(played({"row": 58, "column": 0}, anchors=ANCHORS | {"best_response/row": (50.0, 4.0)}))
    assert values(card, "row")["regret"] == -8
    assert values(card, "row")["normalised"] == pytest.approx(1.2)


def test_against_an_agent_that_is_not_scripted_there_is_regret_in_hindsight_only() -> None:
    facts = {"by_seat": {"row": {"hindsight": 45}}}
    card = SCORER.score(
        played({"row": 30, "column": 60}, anchors={"best_response/row": "column is a model"}, facts=facts)
    )
    assert values(card, "row")["hindsight_regret"] == 15
    assert reason(card, "regret") == reason(card, "normalised") == "no anchor best_response/row: column is a model"


@pytest.mark.parametrize(
    ("best", "random", "near"),
    [(50, 49.6, "1% of"), (50, 50, "1% of"), (49, 50, "1% of"), ((50, 6.0), (40, 8.0), "twice its error")],
)
def test_nothing_is_normalised_by_a_gap_that_is_nearly_zero(best: Anchor, random: Anchor, near: str) -> None:
    anchors = {"best_response/row": best, "random_response/row": random}
    card = SCORER.score(played({"row": 30, "column": 0}, anchors=anchors))
    assert near in reason(card, "normalised")
    assert values(card, "row")["regret"] is not None


def test_what_counts_as_nearly_zero_depends_on_anchors_and_not_on_the_payoff() -> None:
    """A game that went badly counts as much as one that went well."""
    for payoff in (-1e6, 0.0, 10.0):
        card = SCORER.score(
            played({"row": payoff, "column": 0}, anchors={"best_response/row": 10, "random_response/row": 9})
        )
        assert values(card, "row")["normalised"] == payoff - 9


def test_the_anchors_of_bargaining_are_shares_of_its_money() -> None:
    card = SCORER.score(
        played(
            {"alice": 300, "bob": 500},
            evaluated=("alice",),
            environment="games/Bargaining-v0",
            config={"money": 1000},
            anchors={"best_response/alice": 0.5, "random_response/alice": 0.1, "welfare": 1.0},
        )
    )
    assert values(card, "alice")["regret"] == pytest.approx(200)
    assert values(card, "alice")["normalised"] == pytest.approx(0.5)
    assert values(card, None)["efficiency"] == pytest.approx(0.8)


def test_efficiency_counts_what_went_to_somebody_without_a_seat() -> None:
    card = SCORER.score(played({"row": 30}, facts={"payoffs": {"row": 30, "recipient": 60}}))
    assert values(card, None) == {"efficiency": 0.75}


def test_efficiency_is_the_games_own_where_it_has_one() -> None:
    card = SCORER.score(played({"row": 30, "column": 60}, facts={"measures": {"efficiency": 0.1}}))
    assert values(card, None) == {"efficiency": 0.1}


@pytest.mark.parametrize(
    ("anchors", "why"),
    [
        ({}, "the trace has no anchor welfare"),
        ({"welfare": "values are private"}, "no anchor welfare: values are private"),
        ({"welfare": 0.0}, "the greatest total is 0: there is no share of that"),
    ],
)
def test_efficiency_needs_a_positive_total(anchors: Mapping[str, Anchor], why: str) -> None:
    assert reason(SCORER.score(played({"row": 1, "column": 1}, anchors=anchors)), "efficiency") == why


def test_names_of_the_game_that_are_also_a_seats_or_the_scorers_are_told_apart() -> None:
    own = {"regret": 7, "talk": 1, "efficiency": 0.2}
    facts = {"by_seat": {"row": own}, "measures": {"payoff": 8, "talk": 2, "length": 3}}
    card = SCORER.score(played({"row": 30, "column": 60}, facts=facts))
    assert values(card, "row")["regret"] == 20
    assert values(card, "row")["talk"] == 1
    assert values(card, None) == {"game/efficiency": 0.75, "game/payoff": 8, "game/talk": 2, "length": 3}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"framing": "hypothetical"}, "hypothetical"),
        ({"status": "truncated"}, "10 steps"),
        ({"status": "error"}, "no end"),
    ],
)
def test_a_game_that_was_not_played_to_its_end_has_no_scores_with_the_reason(more: Any, why: str) -> None:
    facts = {"by_seat": {"row": {"hindsight": 45}}, "measures": {"rounds": 3}}
    card = SCORER.score(played({"row": 30, "column": 60}, facts=facts, **more))
    assert len(card.scores) == 8
    assert all(score.value is None and why in score.reason for score in card.scores)


def test_an_episode_of_another_environment_has_no_scores() -> None:
    other = played({"row": 30}, environment="market/Shop-v0")
    assert SCORER.score(other) == Card()
    assert findings([other]) == Findings()


# -- many episodes ---------------------------------------------------------------------------------------------------


def test_means_are_of_one_environment_with_groups_by_counterpart_and_configuration() -> None:
    episodes = [
        played({"row": payoff, "column": 0}, ("agent", other), config={"size": size}, environment=environment)
        for environment, payoff in (("games/Made-v0", 1), ("games/Other-v0", 100))
        for other in ("kind", "cruel")
        for size in (1, 2)
    ]
    found = findings(episodes)
    groups = ["", ": row against kind", ": size=1", ": row against cruel", ": size=2"]
    assert {one.group for one in found.estimates} == {
        f"games/{name}-v0{group}" for name in ("Made", "Other") for group in groups
    }
    assert estimate(found, "payoff").estimate == 1
    assert estimate(found, "payoff", group="games/Other-v0").estimate == 100
    assert estimate(found, "payoff", group="games/Made-v0: row against kind").n == 2


def test_anchors_stand_beside_the_payoff_as_means_over_the_same_games() -> None:
    episodes = [
        played({"row": 30, "column": 0}, anchors=ANCHORS),
        played({"row": 40, "column": 0}, anchors={**ANCHORS, "best_response/row": 70.0}, seed=1),
        played({"row": 0, "column": 0}, anchors={**ANCHORS, "best_response/row": 1e6}, seed=2, status="truncated"),
    ]
    found = findings(episodes)
    assert (estimate(found, "payoff").estimate, estimate(found, "payoff").n) == (35, 2)
    assert estimate(found, "anchor/best_response").estimate == 60
    assert "(exact)" in estimate(found, "anchor/best_response").method
    assert estimate(found, "anchor/welfare").estimate == 120
    assert any("1 of 3 games of games/Made-v0 have no end" in warning for warning in found.warnings)


def test_the_interval_is_that_of_the_bootstrap_over_configurations() -> None:
    """Its draws are made many at once, and are the same as one by one."""
    chance = np.random.default_rng(2)
    payoffs = chance.normal(size=(9, 3))
    episodes = [
        played({"row": payoffs[size, seed], "column": 0}, config={"size": size}, seed=seed)
        for size in range(9)
        for seed in range(3)
    ]
    table = table_of(episodes, {one.id: SCORER.score(one) for one in episodes})
    flat, clusters = payoffs.ravel(), np.repeat(np.arange(9), 3)
    expected = cluster_bootstrap(
        lambda weights: np.average(flat, weights=weights),
        clusters,
        table.generator("economy/game", "agent", "games/Made-v0"),
    )
    found = estimate(SCORER.estimate(table), "payoff")
    assert expected is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.clusters == 9


def test_a_simulated_anchor_says_so_with_its_error() -> None:
    episodes = [
        played({"row": 1, "column": 0}, anchors={"random/row": (3.0, error)}, seed=seed)
        for seed, error in [(0, 0.1), (1, 0.3)]
    ]
    assert "simulated, with a standard error of 0.2" in estimate(findings(episodes), "anchor/random").method


def test_stakes_do_not_weigh_in_what_is_normalised() -> None:
    """A ratio of means would say .9: what happened where the stakes were a thousand times as high, and nothing else."""
    episodes = [
        played(
            {"row": stake * share, "column": 0},
            config={"stake": stake},
            anchors={"best_response/row": stake, "random_response/row": 0},
        )
        for stake, share in ((1.0, 0.1), (1000.0, 0.9))
    ]
    assert estimate(findings(episodes), "normalised").estimate == pytest.approx(0.5)


def test_what_is_of_the_game_counts_once_where_an_agent_meets_itself() -> None:
    found = findings([played({"row": 1, "column": 3}, ("agent", "agent"), ("row", "column"))])
    assert (estimate(found, "payoff").n, estimate(found, "payoff").estimate) == (2, 2)
    assert estimate(found, "efficiency").n == 1


def test_of_more_than_two_seats_a_group_names_all_others() -> None:
    episode = played({"row": 1, "column": 3, "judge": 5}, ("agent", "other", "other"))
    assert {one.group for one in findings([episode]).estimates} == {
        "games/Made-v0",
        "games/Made-v0: row among 2 x other",
    }


def test_of_more_than_two_seats_those_that_are_numbered_are_one_group() -> None:
    """A side of twenty myopic buyers would drown the table."""
    seats = {"seller": 1.0, "buyer_1": 2.0, "buyer_2": 4.0}
    found = findings([played(seats, ("other", "agent", "agent"), ("buyer_1", "buyer_2"))])
    one = estimate(found, "payoff", group="games/Made-v0: buyer_* among agent, other")
    assert (one.estimate, one.n) == (3, 2)


def test_an_agent_that_never_answers_legally_is_not_assessable() -> None:
    silent = partial(played, {"row": 9, "column": 0}, outcomes=("refusal", "timeout"))
    found = findings(
        [silent(("null", "other")), silent(("null", "other"), environment="games/Other-v0"), played({"row": 1})]
    )
    (verdict,) = found.verdicts
    assert (verdict.agent, verdict.check, verdict.verdict) == ("null", "economy/game", "not assessable")
    assert "any of 2 games" in verdict.reason
    assert any("it forfeited decisions in 1 of 1 games of games/Other-v0" in warning for warning in found.warnings)


def test_verdicts_alone_are_those_of_the_findings() -> None:
    episodes = [played({"row": 1}, ("null",), outcomes=("invalid",)), played({"row": 1})]
    table = table_of(episodes, {one.id: SCORER.score(one) for one in episodes})
    assert SCORER.verdicts(table) == SCORER.estimate(table).verdicts != ()


# -- the payoff matrix -----------------------------------------------------------------------------------------------

MEANS = {("a", "a"): 3.0, ("a", "b"): 0.0, ("b", "a"): 5.0, ("b", "b"): 1.0}
"""Who meets whom -> what the row's agent gets on average, in either seat."""


def round_robin(facts: Mapping[str, Any], noise: float = 0.5, games: int = 40) -> list[Episode]:
    """Every ordered pair, all seats under evaluation; payoffs are normal around `MEANS`, plus 10 in seat `column`."""
    chance = np.random.default_rng(1)
    draw = lambda one, other: MEANS[one, other] + noise * chance.standard_normal()  # noqa: E731
    return [
        played(
            {"row": draw(one, other), "column": draw(other, one) + (0 if facts.get("symmetric") else 10)},
            (one, other),
            ("row", "column"),
            facts=facts,
            seed=seed,
        )
        for one in "ab"
        for other in "ab"
        for seed in range(games)
    ]


def test_each_seat_of_a_round_robin_has_its_matrix_with_intervals() -> None:
    found = findings(round_robin({}))
    games, *matrices = found.matrices
    assert games.columns == {"Made-v0": "games/Made-v0"}
    assert [matrix.title for matrix in matrices] == [
        "payoff in games/Made-v0 as row (rows: the agent, columns: whom it meets)",
        "payoff in games/Made-v0 as column (rows: the agent, columns: whom it meets)",
    ]
    for matrix, seat, more in zip(matrices, ("row", "column"), (0, 10), strict=True):
        read = payoff_matrix(found.estimates, "games/Made-v0", seat)
        assert read.rows == read.columns == tuple(matrix.columns) == ("a", "b")
        for agent, line in zip(read.rows, read.cells, strict=True):
            for other, cell in zip(read.columns, line, strict=True):
                assert cell == estimate(found, "payoff", agent, matrix.columns[other])
                assert cell is not None
                assert cell.n == cell.clusters == 40
                assert cell.estimate == pytest.approx(MEANS[agent, other] + more, abs=0.4)
                assert cell.low is not None
                assert cell.high is not None
                assert 0.2 < cell.high - cell.low < 0.5  # 3.92 x .5 / sqrt(40) = .31


def test_a_symmetric_game_has_one_matrix_over_both_seats() -> None:
    found = findings(round_robin({"symmetric": True}))
    _, matrix = found.matrices
    assert matrix.columns == {"a": "games/Made-v0: against a", "b": "games/Made-v0: against b"}
    read = payoff_matrix(found.estimates, "games/Made-v0")
    assert [[cell and cell.n for cell in line] for line in read.cells] == [[80, 80], [80, 80]]
    (own, _), (_, other) = read.cells
    assert own is not None
    assert other is not None
    assert own.clusters == 40  # the two seats of one game are one observation
    assert other.estimate == pytest.approx(1, abs=0.2)


def test_cells_without_variation_have_no_interval_and_pairs_that_never_met_no_cell() -> None:
    met = [one for one in round_robin({}, noise=0.0) if [use.name for use in one.spec.seats.values()] != ["b", "a"]]
    (_, (never, constant)) = payoff_matrix(findings(met).estimates, "games/Made-v0", "row").cells
    assert never is None
    assert constant is not None
    assert (constant.estimate, constant.low, constant.high) == (1, None, None)
    assert constant.reason == "no interval: resampling changes nothing"


def test_one_counterpart_makes_no_matrix_and_more_than_two_seats_neither() -> None:
    assert len(findings([played({"row": 1, "column": 3})]).matrices) == 1, "what each gets in each game"
    many = [played({"row": 1, "column": 3, "judge": 5}, ("agent", other, "third")) for other in ("x", "y")]
    assert len(findings(many).matrices) == 1


def test_the_figure_of_a_matrix_has_the_interval_in_each_cell() -> None:
    episodes = round_robin({"symmetric": True})
    table = table_of(episodes, {one.id: SCORER.score(one) for one in episodes})
    found = SCORER.estimate(table)
    figures = {figure.name: figure for figure in SCORER.figures(table, found)}
    assert set(figures) == {"payoff-made-v0", "matrix-made-v0"}
    shown = as_html(figures["matrix-made-v0"], "f-", "")
    for cell in (cell for line in payoff_matrix(found.estimates, "games/Made-v0").cells for cell in line):
        assert cell is not None
        assert f">{cell.low:.3g} to {cell.high:.3g}</text>" in shown


# -- real games ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [one.name for one in Plugins().entries("environments") if one.name.startswith("games/")]
)
def test_every_game_tells_the_scorer_what_it_asks(name: str, tmp_path: Path) -> None:
    """The facts that all games have in common, and no name among them that is the scorer's own."""
    results = sandbox.run(
        {
            "name": "all",
            "environments": [name],
            "agents": ["baselines/random"],
            "seeds": {"count": 3},
            "limits": {"steps": 200},
            "scorers": ["economy/game"],
        },
        store=str(tmp_path / "s.db"),
    )
    assert not results.judged.warnings
    for episode in results.episodes:
        by_seat, measures = episode.facts["by_seat"], episode.facts["measures"]
        told = {name for own in by_seat.values() for name in own}
        assert not (told | set(measures)) & {"payoff", "regret", "hindsight_regret", "normalised", "forfeit_rate"}
        assert set(by_seat) == set(episode.spec.seats)
        assert {seat: episode.facts["payoffs"][seat] for seat in episode.spec.seats} == episode.payoffs
