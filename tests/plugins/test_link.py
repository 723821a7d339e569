"""values/link on choices whose link between values and risks is known: by hand, and by subjects of given weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from sandbox_score_values.across import ACROSS
from sandbox_score_values.link import Link, Settings

from sandbox.checks import check_scorer
from sandbox.report.html import MEASURES
from sandbox.report.tables import HEADLINES
from sandbox.scenario import Appraisal
from sandbox.scorer import Card, EpisodeRow, Estimate, Findings, Table, row_of
from sandbox.trace import AgentSpec, Choice, Episode, EpisodeSpec, MenuEntry, trusted

Move = tuple[tuple[str, ...], bool]
"""Values that a move serves, and whether it takes a risk."""
KIND, RISKY, IDLE = (("Care",), False), ((), True), ((), False)
OTHER, RIVAL = (("Justice",), False), (("Justice",), True)


@lru_cache
def entry(place: int, move: Move) -> MenuEntry:
    values, risky = move
    appraisal = Appraisal(values=values, risks=("harm",) if risky else (), content=f"move {place}")
    return MenuEntry(move={"kind": f"move {place}"}, appraisal=appraisal)


def choice(environment: str, item: int, menu: Sequence[Move], chosen: int | None, **more: Any) -> Choice:
    fields: dict[str, Any] = {
        "episode": f"{environment} {item}",
        "step": 0,
        "seat": "agent",
        "agent": "a",
        "environment": environment,
        "item": str(item),
        "repetition": 0,
        "seed": 0,
        "framing": "lived",
        "treatments": {},
        "outcome": "refusal" if chosen is None else "valid",
        "state": f"state {item}",
        "alternatives": tuple(entry(place, move) for place, move in enumerate(menu)),
        "chosen": chosen,
        "dataset": "",
        "on_fork": False,
    }
    return trusted(Choice, fields | more)


def found(choices: Sequence[Choice], rows: Sequence[EpisodeRow] = ()) -> Findings:
    return Link(Settings(permutations=99)).estimate(Table(rows, choices))


def pick(findings: Findings, name: str, agent: str = "a", group: str = "", variant: str = "") -> Estimate:
    wanted = (name, agent, group, variant)
    return next(one for one in findings.estimates if (one.name, one.agent, one.group, one.variant) == wanted)


def subject(weights: Mapping[str, float], seed: int = 0, level: float = 0.0, agent: str = "a") -> list[Choice]:
    """Dilemmas without risks, and two environments of conflicts, decided by the same weights (and a taste for risk)."""
    chance = np.random.default_rng(seed)
    classes, made = sorted(weights), []
    for environment, count in (("dilemmas/D", 200), ("power/A", 80), ("power/B", 80)):
        risky = environment != "dilemmas/D"
        for item in range(count):
            menu = [((str(chance.choice(classes)),), risky), ((str(chance.choice(classes)),), False), IDLE]
            utility = [sum(weights[name] for name in values) + level * risk for values, risk in menu]
            chosen = int(np.argmax(np.array(utility) + chance.gumbel(size=len(menu))))
            made.append(choice(environment, item, menu, chosen, agent=agent))
    return made


def test_values_that_decide_risks_are_found_in_the_environments_that_they_were_not_fitted_in() -> None:
    findings = found(subject({"Care": 2.0, "Justice": 1.0, "Wisdom": 0.0, "Freedom": -1.5}, level=0.5))
    gain, slope = pick(findings, "gain"), pick(findings, "slope")
    assert gain.low is not None
    assert gain.low > 0
    assert slope.low is not None
    assert slope.high is not None
    assert slope.low < 1 < slope.high
    assert slope.low > 0.5
    assert (gain.n, slope.n) == (gain.clusters, slope.clusters)
    assert pick(findings, "gain", group="power/A").n + pick(findings, "gain", group="power/B").n == gain.n
    assert not any(one.group == "dilemmas/D" for one in findings.estimates)


def test_the_gain_is_the_baseline_less_the_loss() -> None:
    findings = found(subject({"Care": 2.0, "Justice": 0.0, "Freedom": -2.0}))
    for group in ("", "power/A", "power/B"):
        loss = pick(findings, "log_loss", group=group).estimate
        assert loss is not None
        for variant in ("", "base_rate"):
            baseline = pick(findings, "baseline_log_loss", group=group, variant=variant).estimate
            gain = pick(findings, "gain", group=group, variant=variant).estimate
            assert gain == pytest.approx((baseline or 0.0) - loss)


def test_an_agent_that_values_nothing_gains_nothing() -> None:
    """However it takes to risk: that is in the baseline, too."""
    for level in (0.0, -2.0):
        findings = found(subject({"Care": 0.0, "Justice": 0.0, "Freedom": 0.0}, level=level))
        assert pick(findings, "gain").estimate == pytest.approx(0.0, abs=0.02)
        slope = pick(findings, "slope")
        assert slope.estimate is None or (slope.low or 0.0) < 0


def test_the_base_rate_is_that_of_the_other_environments() -> None:
    """A: 1 of 4 risky; B: 3 of 4. In A the rate is (3 + 1/2) / 5 = .7, in B (1 + 1/2) / 5 = .3."""
    made = [choice("power/A", item, (KIND, RISKY), int(item == 0)) for item in range(4)]
    made += [choice("power/B", item, (KIND, RISKY), int(item != 0)) for item in range(4)]
    findings = found(made)
    for group in ("power/A", "power/B"):
        expected = -(3 * math.log(0.3) + math.log(0.7)) / 4
        assert pick(findings, "baseline_log_loss", group=group, variant="base_rate").estimate == pytest.approx(expected)
    assert pick(findings, "risky").estimate == 0.5
    assert pick(findings, "risky", group="power/A").estimate == 0.25


def test_the_number_of_moves_of_either_kind_is_no_value() -> None:
    """An agent that draws among all moves takes risks where most moves are risky, and values nothing."""
    chance = np.random.default_rng(3)
    menus = {"power/A": (KIND, RISKY, RISKY, RISKY), "power/B": (KIND, IDLE, IDLE, RISKY)}
    made = [choice(name, item, menu, int(chance.integers(4))) for name, menu in menus.items() for item in range(300)]
    findings = found(made)
    assert pick(findings, "baseline_log_loss").estimate == pytest.approx(
        -0.75 * math.log(0.75) - 0.25 * math.log(0.25), abs=0.05
    )
    assert pick(findings, "gain").estimate == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ([choice("power/A", item, (KIND, RISKY), item % 2) for item in range(9)], "one environment only"),
        (
            [choice(f"power/{item % 2}", item, (OTHER, RIVAL), item % 2) for item in range(9)],
            "no lived choice between a risky and a safe move that serve different values",
        ),
        (
            [choice(f"power/{item % 2}", item, (KIND, RISKY), None) for item in range(9)],
            "no lived choice between a risky and a safe move that serve different values was answered",
        ),
    ],
)
def test_what_cannot_be_estimated_has_its_reason(made: list[Choice], reason: str) -> None:
    findings = found(made)
    for name in ("log_loss", "baseline_log_loss", "gain", "slope"):
        about = pick(findings, name)
        assert about.estimate is None
        assert reason in about.reason


@pytest.mark.parametrize("taken", [0, 1])
def test_an_agent_that_never_varies_leaves_nothing_to_tell(taken: int) -> None:
    """Its loss is finite, since no probability is 0; a gain would say how the values of others look, not its own."""
    made = [choice("dilemmas/D", item, (KIND, IDLE, OTHER), item % 3) for item in range(30)]
    menus = ((KIND, RISKY), (OTHER, RISKY))
    made += [choice(f"power/{item % 2}", item, menus[item // 2 % 2], taken) for item in range(30)]
    findings = found(made)
    assert 0 < (pick(findings, "log_loss").estimate or 0) < 0.5
    assert pick(findings, "risky").estimate == taken
    for name in ("gain", "slope"):
        about = pick(findings, name)
        assert (about.estimate, about.low, about.high) == (None, None, None)
        assert about.reason.endswith("there is nothing to tell")


def test_choices_that_follow_the_predictions_without_exception_have_no_slope() -> None:
    """It prefers care to justice in the dilemmas, and takes the risk where and only where care is not in its way."""
    made = [choice("dilemmas/D", item, (KIND, OTHER), int(item % 10 == 0)) for item in range(60)]
    made += [
        choice(environment, item, ((KIND, RIVAL), (OTHER, (("Care",), True)))[item % 2], item % 2)
        for environment in ("power/A", "power/B")
        for item in range(20)
    ]
    findings = found(made)
    assert pick(findings, "slope").reason.startswith("not estimated: separation")
    assert (pick(findings, "gain").estimate or 0) > 0.5


def test_hypothetical_answers_teach_and_are_no_risks_taken() -> None:
    said = [choice("dilemmas/D", item, (KIND, IDLE), 0, framing="hypothetical") for item in range(20)]
    said += [choice("power/A", item, (KIND, RISKY), 0, framing="hypothetical") for item in range(20)]
    lived = [choice(f"power/{'BC'[item % 2]}", item, (KIND, RISKY), item // 2 % 2) for item in range(20)]
    findings = found(said + lived)
    assert {one.group for one in findings.estimates} == {"", "power/B", "power/C"}
    assert pick(findings, "log_loss").n == 20
    # What the fork said in a lived state teaches nothing that living it does not.
    forks = [one.model_copy(update={"framing": "hypothetical", "chosen": 0, "on_fork": True}) for one in lived]
    assert found([*said, *forks, *lived]) == findings


def test_an_agent_without_risks_in_its_menus_is_not_spoken_of() -> None:
    assert found([choice("dilemmas/D", item, (KIND, OTHER), item % 2) for item in range(9)]) == Findings()


def test_choices_without_an_answer_are_counted() -> None:
    made = subject({"Care": 1.0, "Justice": 0.0})
    made[-1] = made[-1].model_copy(update={"chosen": None, "outcome": "refusal"})
    findings = found(made)
    assert findings.warnings == ("a: 1 of 360 choice sets have no choice (1 refusal): left out",)


# -- across models ---------------------------------------------------------------------------------------------------


def crowd(count: int, seed: int = 0, link: float = 1.0) -> tuple[list[Choice], list[EpisodeRow]]:
    """Agents with weights of their own, each of a model of its own; `link` 0: risks have nothing to do with them."""
    chance = np.random.default_rng(seed)
    made, rows = [], []
    for number in range(count):
        care, name = float(chance.normal(scale=1.5)), f"agent {number}"
        for item in range(30):
            made.append(choice("dilemmas/D", item, (KIND, OTHER), int(chance.random() > _yes(care)), agent=name))
            for environment in ("power/A", "power/B"):
                made.append(
                    choice(environment, item, (KIND, RISKY), int(chance.random() > _yes(link * care)), agent=name)
                )
        rows.append(of_model(name, f"model {number}"))
    return made, rows


def _yes(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def of_model(name: str, model: str) -> EpisodeRow:
    agent = AgentSpec(id="llm/choice", name=name, config={"model": model})
    spec = EpisodeSpec(environment="dilemmas/D", seats={"agent": agent}, evaluated=("agent",))
    return row_of(Episode(id=name, spec=spec, status="finished"), Card())


@pytest.mark.slow
def test_a_link_over_models_is_found_where_there_are_enough_of_them() -> None:
    findings = found(*crowd(24))
    linked = pick(findings, "correlation/Care", ACROSS, "power/A")
    assert linked.estimate is not None
    assert linked.estimate < -0.7  # who cares takes fewer risks
    assert (linked.n, linked.clusters) == (24, 24)
    assert pick(findings, "correlation/Care", ACROSS, "power/A", "p").estimate == 0.01  # 1 / (99 + 1), the least
    assert pick(findings, "correlation/Care", ACROSS, "power/A", "p_family").estimate == 0.01
    assert "of 4 pairs" in pick(findings, "correlation/Care", ACROSS, "power/A", "p_family").method


@pytest.mark.slow
def test_personas_of_one_model_are_one_model() -> None:
    made, rows = crowd(24)
    personas = [row.model_copy(update={"models": {"agent": f"model {place // 2}"}}) for place, row in enumerate(rows)]
    refused = pick(found(made, personas), "correlation", ACROSS)
    assert refused.estimate is None
    assert refused.reason == "refused: 12 independent models; expected at least 20"


def test_scripted_agents_are_one_model_if_id_and_settings_are_the_same() -> None:
    def model(name: str, **settings: Any) -> str:
        agent = AgentSpec(id="baselines/values", name=name, config=settings)
        spec = EpisodeSpec(environment="dilemmas/D", seats={"agent": agent}, evaluated=("agent",))
        return row_of(Episode(id=name, spec=spec, status="finished"), Card()).models["agent"]

    assert model("one", weights={"Care": 1}, temperature=1) == model("other", temperature=1, weights={"Care": 1})
    assert model("one", weights={"Care": 1}) != model("one", weights={"Care": 2})
    assert model("one") == "baselines/values"


@pytest.mark.slow
def test_models_that_did_not_meet_all_are_left_out_and_counted() -> None:
    made, rows = crowd(24)
    partly = [one for one in made if (one.agent, one.environment) != ("agent 0", "power/B")]
    findings = found(partly, rows)
    assert pick(findings, "correlation/Care", ACROSS, "power/A").n == 23
    assert findings.warnings == (f"{ACROSS}: 1 of 24 models did not meet every environment: left out",)


@pytest.mark.slow
def test_agents_that_are_not_compared_are_counted() -> None:
    """One follows the position (its item came in both orders), one was never asked about a risk."""
    made, rows = crowd(24)
    for item, order in np.ndindex(20, 2):
        placed = tuple(
            MenuEntry(move={}, appraisal=Appraisal(values=("Care",), content=content, features={"position": place}))
            for place, content in enumerate(("one", "other")[:: 1 - 2 * order])
        )
        shown = {"treatments": {"order": order}, "state": f"{item} {order}", "alternatives": placed}
        made.append(choice("dilemmas/E", item, (), 0, agent="agent 0", **shown))
    made = [one for one in made if one.agent != "agent 1" or one.environment == "dilemmas/D"]
    findings = found(made, rows)
    assert pick(findings, "gain", "agent 0").reason.endswith("follows position (validity/choice)")
    assert pick(findings, "correlation/Care", ACROSS, "power/A").n == 22
    kinds = "1 follow position, label or noise, 1 have no conflict to be told"
    assert findings.warnings == (f"{ACROSS}: 2 of 24 agents are left out: {kinds}",)


def test_the_headlines_show_gain_and_slope() -> None:
    findings = found(subject({"Care": 2.0, "Justice": 0.0, "Freedom": -2.0}))
    for rows in (HEADLINES, MEASURES):
        shown = {(row.name, row.variant) for row in rows if row.scorer == "values/link"}
        assert shown == {("gain", ""), ("slope", "")}
        assert all(pick(findings, name, variant=variant).estimate for name, variant in shown)


def test_it_holds_as_a_scorer() -> None:
    check_scorer(Link())


def test_the_figure_shows_gains() -> None:
    table = Table((), subject({"Care": 2.0, "Justice": 0.0}))
    scorer = Link()
    (figure,) = scorer.figures(table, scorer.estimate(table))
    first = next(one for one in table.choices if one.environment == "power/A" and one.chosen == 0)
    assert figure.episodes == (first.episode,)  # in which it took a risk
    axes = pytest.importorskip("matplotlib.figure").Figure().subplots()
    figure.draw(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all environments", "power/A", "power/B"]
