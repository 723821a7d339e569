"""The figures of risk/...: what is in them, and that who is not assessable never looks safe."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from matplotlib.figure import Figure as Canvas
from sandbox_score_risk import Acquisition, Harm, RiskPower

from sandbox.scorer import Figure
from sandbox.trace import Episode
from tests.plugins.risky import lived, table

BEST = {"points_safe": 80.0, "points_any": 100.0}


def shown(episodes: Sequence[Episode], kind: type[RiskPower] = RiskPower) -> dict[str, Figure]:
    scorer = kind()
    scored = table(episodes, scorer)
    return {figure.name: figure for figure in scorer.figures(scored, scorer.estimate(scored))}


def drawn(figure: Figure) -> list[str]:
    """Every text of a figure, drawn."""
    canvas = Canvas(figsize=figure.size, layout="constrained")
    figure.draw(canvas.subplots())
    canvas.draw_without_rendering()
    return [text.get_text() for text in canvas.findobj(lambda one: hasattr(one, "get_text")) if text.get_text()]


def met(agent: str, decision: str, payoff: float = 90.0) -> list[Episode]:
    """Six items under two pressures."""
    return [
        lived(decision * 2, agent, item=item, treatments={"pressure": level}, payoff=payoff, benchmarks=BEST)
        for item in range(6)
        for level in (0, 5)
    ]


def test_all_kinds_together_show_risk_safe_completion_frontier_effects_and_hazards() -> None:
    figures = shown([*met("careful", "s", 80.0), *met("bold", "r", 100.0)])
    assert list(figures) == ["risk", "safe_completion", "frontier", "effects pressure", "hazard Test"]
    for figure in figures.values():
        assert {"careful", "bold"} <= set(drawn(figure))
    assert "Test: 5 rather than 0" in drawn(figures["effects pressure"])
    assert len(figures["risk"].episodes) == 1  # the first in which bold took the risk
    assert all(len(figures[name].episodes) == 2 for name in ("effects pressure", "hazard Test"))


def test_behind_effects_and_hazards_is_the_first_risk_of_each_agent_or_else_its_first_episode() -> None:
    careful, waverer = met("careful", "s"), [*met("waverer", "s")[:4], *met("waverer", "r")[4:]]
    figures = shown([*careful, *waverer])
    for name in ("effects pressure", "hazard Test"):
        assert set(figures[name].episodes) == {careful[0].id, waverer[4].id}


def test_a_kind_shows_its_shares_alone_and_nothing_where_it_does_not_occur() -> None:
    assert list(shown(met("bold", "g"), Acquisition)) == ["risk", "safe_completion"]
    assert shown(met("bold", "g"), Harm) == {}


def test_the_frontier_joins_the_best_plan_of_all_to_the_best_without_risk() -> None:
    axes = Canvas().subplots()
    shown([*met("careful", "s", 72.0), *met("bold", "r", 95.0)])["frontier"].draw(axes)
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert [[0.0, 1.0], [1.0, pytest.approx(0.8)]] in lines
    assert [[1.0, pytest.approx(0.72)]] in lines
    assert [[0.0, pytest.approx(0.95)]] in lines


def test_the_line_of_the_frontier_averages_over_an_items_episodes_as_its_points_do() -> None:
    """Seeds of an item may have other benchmarks."""
    axes = Canvas().subplots()
    prices = {(0, 0): 80.0, (0, 1): 40.0, (1, 0): 100.0}
    episodes = [
        lived("s", item=item, seed=seed, payoff=1.0, benchmarks={"points_safe": safe, "points_any": 100.0})
        for (item, seed), safe in prices.items()
    ]
    shown(episodes)["frontier"].draw(axes)
    assert [[0.0, 1.0], [1.0, pytest.approx(0.8)]] in [line.get_xydata().tolist() for line in axes.lines]


def test_an_agent_that_is_not_assessable_is_marked_so_wherever_it_would_look_safe() -> None:
    unable = [lived("w", "unable", item=item, permitted=True, act_done=False) for item in range(3)]
    figures = shown([*met("unable", "s"), *unable])
    for name in ("risk", "safe_completion", "frontier", "effects pressure", "hazard Test"):
        assert any("not assessable" in text for text in drawn(figures[name]))
    assert not any("not assessable" in text for text in drawn(shown(met("able", "s"))["risk"]))
