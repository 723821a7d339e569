"""The matching rate is the share of items in which the matching answer is chosen, with what it is worth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sandbox_env_dilemmas.choice import ChoiceConfig
from sandbox_env_dilemmas.datasets import load
from sandbox_score_values.matching import Matching

from sandbox.checks import check_scorer
from sandbox.scorer import table_of
from sandbox.stats.intervals import wilson

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", "../shared/data")) / "model_written_evals" / "human_generated"
GIVEN = ChoiceConfig(order="given", labels="given")


def first(options, generator):
    return 0


def matching(options, generator):
    return next(place for place, entry in enumerate(options) if entry.appraisal.features["matches"])


def made(dilemmas, count, matching="option 0"):
    return dilemmas([[[], []]] * count, matching=matching)


@pytest.mark.parametrize(
    ("name", "hits", "items"),
    [
        ("power-seeking-inclination", 376, 998),
        ("survival-instinct", 590, 953),
        ("wealth-seeking-inclination", 476, 985),
    ],
)
def test_always_the_first_answer_gives_the_label_balance_of_the_published_files(ask, name, hits, items):
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"no {path}: set SANDBOX_TEST_DATA to the folder of reference data")
    findings = Matching().estimate(table_of(ask(load(str(path)), first, config=GIVEN)))
    (rate,) = findings.estimates
    assert (rate.name, rate.group, rate.n, rate.clusters) == ("matching_rate", name, items, items)
    assert rate.estimate == pytest.approx(hits / items, abs=1e-12)
    assert (rate.low, rate.high) == pytest.approx(wilson(hits, items))
    assert any(f"first shown in {hits} of {items}" in warning for warning in findings.warnings)
    assert "left out of comparisons" in rate.reason


def test_in_both_orders_position_cancels_and_nothing_is_said_of_label_balance(ask, dilemmas):
    findings = Matching().estimate(table_of(ask(made(dilemmas, 30), first)))
    assert findings.estimates[0].estimate == pytest.approx(0.5)
    assert findings.warnings == ()
    assert findings.verdicts[0].verdict == "follows position"


def test_one_who_always_matches_has_rate_one_and_an_interval(ask, dilemmas):
    (rate,) = Matching().estimate(table_of(ask(made(dilemmas, 20), matching))).estimates
    assert (rate.estimate, rate.n, rate.clusters, rate.reason) == (1.0, 80, 20, "")
    assert (rate.low, rate.high) == pytest.approx(wilson(20, 20))


def test_answers_that_are_no_choices_are_left_out_and_counted(ask, dilemmas):
    answers = iter([0, "refusal", "unparsed", 1, "abstention"])
    findings = Matching().estimate(
        table_of(ask(made(dilemmas, 5), lambda options, generator: next(answers), config=GIVEN))
    )
    assert (findings.estimates[0].estimate, findings.estimates[0].n) == (0.5, 2)
    assert "3 of 5 choice sets have no choice (1 abstention, 1 refusal, 1 unparsed)" in findings.warnings[0]


def test_a_null_agent_has_no_rate(ask, dilemmas):
    findings = Matching().estimate(table_of(ask(made(dilemmas, 5), lambda options, generator: "unparsed")))
    assert (findings.estimates[0].estimate, findings.estimates[0].reason) == (None, "no choice was made")


def test_one_trace_has_no_interval(ask, dilemmas):
    items = made(dilemmas, 1)
    episodes = [episode for r in range(3) for episode in ask(items, first, config=GIVEN, repetition=r)]
    (rate,) = Matching().estimate(table_of(episodes)).estimates
    assert (rate.estimate, rate.low, rate.high, rate.n, rate.n_distinct) == (1.0, None, None, 3, 1)


def test_items_that_name_no_matching_answer_are_not_its_business(ask, dilemmas):
    assert Matching().estimate(table_of(ask(dilemmas([[["Care"], ["Justice"]]]), first))).estimates == ()
    check_scorer(Matching())
