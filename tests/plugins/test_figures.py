"""The figures of the value, economy, market and validity scorers, drawn from a real run."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import sandbox
from sandbox.plugins import Plugins
from sandbox.report.pictures import as_html
from sandbox.results import results_of
from sandbox.runner.build import Builder
from sandbox.scorer import Figure, Findings, Table
from sandbox.store import Store

SCORERS = ("economy/bargaining", "market/regret", "validity/choice", "values/litmus", "values/matching")
WEIGHTS = {"Care": 5.0, "Justice": -1.0, "Truthfulness": -2.0, "Privacy": 1.5, "Respect": -0.5, "Freedom": -3.0}
EXPERIMENT = {
    "name": "shown",
    "environments": [
        {"id": "dilemmas/Choice-v0", "config": {"order": "counterbalanced"}, "items": {"first": 12}},
        {"id": "games/Bargaining-v0", "config": {"rounds": 2}, "seats": {"bob": "baselines/rubinstein"}},
        {"id": "market/Shop-v0", "items": {"first": 2}},
    ],
    "agents": [
        {"id": "baselines/values", "name": "caring", "weights": WEIGHTS, "temperature": 0.01},
        {"id": "baselines/first", "name": "first"},
    ],
    "scorers": list(SCORERS),
}


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Figure, ...]]:
    """What the scorers offer of a caring agent, and of one that takes whatever comes first."""
    path = str(tmp_path_factory.mktemp("figures") / "s.db")
    sandbox.run(EXPERIMENT, store=path)
    with Store.open(path) as store:
        return results_of(store, Builder(Plugins()), store.experiment("shown"), figures=True).judged.figures


def test_each_offers_what_it_has_to_show(figures: Mapping[str, tuple[Figure, ...]]) -> None:
    assert {scorer: [figure.name for figure in found] for scorer, found in figures.items()} == {
        "economy/bargaining": ["gain", "division"],
        "market/regret": ["regret"],
        "validity/choice": ["consistency"],
        "values/litmus": ["values"],
        "values/matching": [],
    }
    assert all(figure.episodes and figure.caption for found in figures.values() for figure in found)


def test_who_follows_position_is_hollow_and_said_to_among_the_values(
    figures: Mapping[str, tuple[Figure, ...]],
) -> None:
    """And does not order them: what the caring agent holds highest is at the top."""
    shown = as_html(figures["values/litmus"][0], "f-", "")
    assert ">first (follows position)</text>" in shown
    assert ">caring</text>" in shown
    assert shown.index(">Care</text>") < min(shown.index(f">{name}</text>") for name in ("Justice", "Truthfulness"))


def test_an_agents_gain_stands_beside_its_anchors(figures: Mapping[str, tuple[Figure, ...]]) -> None:
    shown = as_html(figures["economy/bargaining"][0], "f-", "")
    assert all(f">{name}</text>" in shown for name in ("the agent", "in equilibrium", "the best response"))


@pytest.mark.parametrize("scorer", [*SCORERS, "values/additive"])
def test_nothing_is_shown_of_nothing(scorer: str) -> None:
    plugin = Builder(Plugins()).scorer(scorer, {})
    assert not plugin.figures(Table([], []), Findings())  # type: ignore[union-attr]
