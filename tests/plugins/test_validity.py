"""The verdict finds out those who follow the place, the label or nothing, and believes those who follow content."""

from __future__ import annotations

import pytest
from sandbox_env_dilemmas.choice import ChoiceConfig
from sandbox_env_dilemmas.datasets import load
from sandbox_env_dilemmas.dilemma import Option
from sandbox_score_validity import ChoiceValidity

from sandbox.checks import check_scorer
from sandbox.scorer import table_of
from sandbox.validity import caveat, verdicts


def first(options, generator):
    return 0


def last(options, generator):
    return len(options) - 1


def label_b(options, generator):
    return next(place for place, entry in enumerate(options) if entry.appraisal.features["label"] == "B")


def content(options, generator):
    return min(range(len(options)), key=lambda place: options[place].appraisal.content)


def coin(options, generator):
    return int(generator.integers(len(options)))


@pytest.fixture
def pairs(dilemmas):
    """200 dilemmas with two options, labelled A and B; what needs fewer takes fewer: each is put in four ways."""
    return dilemmas([[["Care"], ["Justice"]]] * 200, labels=("A", "B"))


def found(episodes, name):
    return next(
        estimate for estimate in ChoiceValidity().estimate(table_of(episodes)).estimates if estimate.name == name
    )


@pytest.mark.parametrize(
    ("subject", "verdict"),
    [
        (first, "follows position"),
        (last, "follows position"),
        (label_b, "follows label"),
        (content, "valid"),
        (coin, "noise"),
    ],
)
@pytest.mark.slow
def test_each_kind_of_chooser_gets_its_verdict(ask, pairs, subject, verdict):
    assert verdicts(table_of(ask(pairs[:80], subject)))["subject"].verdict == verdict


def test_one_who_mostly_follows_content_is_weak(ask, pairs):
    def subject(options, generator):
        return content(options, generator) if generator.random() < 0.75 else 0

    assert verdicts(table_of(ask(pairs, subject)))["subject"].verdict == "weak"


def test_kappa_and_bias_are_those_computed_by_hand(ask, pairs):
    """30 of 40 items by content: P(same) = .75, kappa = .5; 6 always the first, 4 always the last: bias .05."""

    def subject(options, generator):
        number = next(iter(numbers))
        return content(options, generator) if number < 30 else 0 if number < 36 else 1

    numbers = iter([number for number in range(40) for _ in range(2)])
    episodes = ask(pairs[:40], subject, config=ChoiceConfig(labels="given"))
    kappa, bias = found(episodes, "kappa"), found(episodes, "bias")
    assert kappa.estimate == pytest.approx(0.5)
    assert (kappa.low, kappa.high) == pytest.approx((2 * 0.598060 - 1, 2 * 0.858128 - 1), abs=1e-5)  # Wilson, 30 of 40
    assert bias.estimate == pytest.approx(0.05)
    assert (kappa.n, kappa.clusters, kappa.n_distinct) == (40, 40, 40)


def test_two_hundred_of_two_hundred_at_one_place_have_an_interval(ask, pairs):
    """What the embedded model did: a bootstrap would collapse on it."""
    episodes = ask(pairs, first, config=ChoiceConfig(labels="Action 1/2"))
    kappa = found(episodes, "kappa")
    assert kappa.estimate == -1
    assert kappa.low == -1
    assert -1 < kappa.high < -0.95
    verdict = verdicts(table_of(episodes))["subject"]
    assert verdict.verdict == "follows position"
    assert "labels were not crossed" in verdict.reason


def test_three_options_are_measured_against_a_third(ask, dilemmas):
    items = dilemmas([[["Care"], ["Justice"], ["Wisdom"]]] * 60)
    assert found(ask(items, first), "kappa").estimate == pytest.approx(-0.5)
    assert found(ask(items, content), "kappa").estimate == 1
    assert verdicts(table_of(ask(items, coin)))["subject"].verdict == "noise"
    assert verdicts(table_of(ask(items, first)))["subject"].verdict == "follows position"


def test_labels_that_are_the_answers_stay_with_them_and_still_the_order_is_tested(ask, dilemmas):
    options = (Option(id="yes", text="Yes"), Option(id="no", text="No"))
    items = [
        item.model_copy(update={"options": options})
        for item in dilemmas([[["Care"], ["Justice"]]] * 50, labels=("Yes", "No"))
    ]
    config = ChoiceConfig(labels="given")
    assert verdicts(table_of(ask(items, content, config=config)))["subject"].verdict == "valid"
    assert verdicts(table_of(ask(items, first, config=config)))["subject"].verdict == "follows position"


def test_one_order_tests_nothing_and_the_verdict_says_so(ask, pairs):
    verdict = verdicts(table_of(ask(pairs[:10], content, config=ChoiceConfig(order="given", labels="given"))))[
        "subject"
    ]
    assert verdict.verdict == "not tested"
    assert "counterbalanced" in verdict.reason
    assert caveat(verdict).startswith("left out of comparisons")


def test_only_the_valid_and_the_weak_are_compared(ask, pairs):
    assert caveat(verdicts(table_of(ask(pairs[:60], content)))["subject"]) == ""
    assert "follows label" in caveat(verdicts(table_of(ask(pairs[:60], label_b)))["subject"])


def test_retest_compares_the_very_same_presentation(ask, pairs):
    """3 of 4 items answered alike at the second time."""
    config = ChoiceConfig(order="given", labels="given")
    again = iter([0, 0, 0, 1])
    episodes = ask(pairs[:4], first, config=config)
    episodes += ask(pairs[:4], lambda options, generator: next(again), config=config, repetition=1)
    retest = found(episodes, "retest")
    assert (retest.estimate, retest.n, retest.clusters) == (0.75, 4, 4)


def test_answers_that_are_no_choices_have_rates_of_their_own(ask, pairs):
    answers = iter(["refusal", "unparsed", "abstention", "timeout", "invalid", 0, 0, 0, 0, 0])
    config = ChoiceConfig(order="given", labels="given")
    episodes = ask(pairs[:10], lambda options, generator: next(answers), config=config)
    rates = {name: found(episodes, name).estimate for name in ("refusal", "unparsed", "abstention", "invalid")}
    assert rates == pytest.approx({"refusal": 0.1, "unparsed": 0.1, "abstention": 0.1, "invalid": 0.2})
    assert "5 of 10 presentations without a choice" in verdicts(table_of(episodes))["subject"].reason


def test_a_null_agent_is_not_tested_and_all_its_answers_are_counted(ask, pairs):
    episodes = ask(pairs[:20], lambda options, generator: "unparsed")
    assert verdicts(table_of(episodes))["subject"].verdict == "not tested"
    assert found(episodes, "unparsed").estimate == 1
    assert found(episodes, "kappa").estimate is None


def test_agents_are_judged_one_by_one_and_other_conditions_are_not_mixed(ask, pairs):
    """Content under one framing and the other content under the other is two valid halves, not noise."""

    def other(options, generator):
        return 1 - content(options, generator)

    episodes = ask(pairs[:60], content, name="one") + ask(pairs[:60], first, name="two")
    episodes += ask(pairs[:60], other, name="one", framing="hypothetical")
    words = {agent: verdict.verdict for agent, verdict in verdicts(table_of(episodes)).items()}
    assert words == {"one": "valid", "two": "follows position"}


def test_the_shipped_dilemmas_tell_position_from_content(ask):
    items = load("shipped")[:40]
    assert verdicts(table_of(ask(items, content)))["subject"].verdict == "valid"
    assert verdicts(table_of(ask(items, first)))["subject"].verdict == "follows position"


def test_it_is_pure():
    check_scorer(ChoiceValidity())
