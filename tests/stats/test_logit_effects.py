"""Marginal effects, willingness to pay and tests of a fitted conditional logit: known answers and oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sandbox.stats import logit
from sandbox.stats import logit_effects as effects

NAMES = ("price", "rating", "sponsored")
BETA = np.array([-1.0, 0.5, 0.8])


def simulate(generator, beta, sizes, nest=0.0):
    """Features (the last 0 or 1), set of each row, and what Gumbel utilities choose; `nest` ties the first two."""
    sets = np.repeat(np.arange(len(sizes)), sizes)
    features = generator.normal(size=(len(sets), len(beta)))
    features[:, -1] = generator.random(len(sets)) < 0.4
    starts = np.cumsum(sizes) - sizes
    noise = generator.gumbel(size=len(sets))
    noise[starts + 1] = nest * noise[starts] + (1 - nest) * noise[starts + 1]
    utility = features @ beta + noise
    chosen = np.zeros(len(sets), dtype=bool)
    for start, size in zip(starts, sizes, strict=True):
        chosen[start + utility[start : start + size].argmax()] = True
    return features, sets, chosen


def probabilities(features, sets, beta):
    odds = np.exp(features @ beta)
    return odds / np.bincount(sets, odds)[sets]


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(1)
    return simulate(generator, BETA, generator.integers(2, 6, size=300))


@pytest.fixture(scope="module")
def model(table):
    return logit.model(*table, NAMES, cluster=table[1] // 3)


def numerical(function, beta, step=1e-6):
    """The gradient of a function of the coefficients."""
    return np.array([(function(beta + h) - function(beta - h)) / (2 * step) for h in step * np.eye(len(beta))])


def test_marginal_effects_and_their_errors_are_those_of_the_definition(table, model):
    """Errors: the delta method on numerical derivatives, with the Hessian's and with the clusters' covariance."""
    features, sets, _ = table
    found = effects.marginal_effects(model)
    for place, name in enumerate(NAMES):

        def average(beta, place=place):
            p = probabilities(features, sets, beta)
            return beta[place] * np.mean(p * (1 - p))

        gradient = numerical(average, model.result.coefficients)
        assert found[name].value == pytest.approx(average(model.result.coefficients), rel=1e-9)
        for covariance, of_fit in (
            (model.inverse, model.result.covariance),
            (model.robust, model.result.robust_covariance),
        ):
            assert found[name].error(covariance) == pytest.approx(math.sqrt(gradient @ of_fit @ gradient), rel=1e-6)


def test_discrete_effects_are_those_of_setting_one_alternatives_column(table, model):
    """One alternative at a time, the rest of its set as it is; only the column of 0 and 1 has one."""
    features, sets, _ = table

    def average(beta):
        total = 0.0
        for row in range(len(features)):
            members = sets == sets[row]
            for level, sign in ((1.0, 1.0), (0.0, -1.0)):
                changed = features.copy()
                changed[row, 2] = level
                odds = np.exp(changed[members] @ beta)
                total += sign * np.exp(changed[row] @ beta) / odds.sum()
        return total / len(features)

    found = effects.discrete_effects(model)
    assert set(found) == {"sponsored"}
    assert found["sponsored"].value == pytest.approx(average(model.result.coefficients), rel=1e-9)
    gradient = numerical(average, model.result.coefficients, 1e-5)
    error = math.sqrt(gradient @ model.result.covariance @ gradient)
    assert found["sponsored"].error(model.inverse) == pytest.approx(error, rel=1e-6)


def test_a_ratio_of_coefficients_has_the_error_of_the_delta_method(model):
    price, rating = model.result.coefficients[:2]
    found = effects.ratio(model, "rating", "price")
    assert found.value == pytest.approx(-rating / price)
    gradient = np.array([rating / price**2, -1 / price, 0])
    assert found.error(model.inverse) == pytest.approx(math.sqrt(gradient @ model.result.covariance @ gradient))


def test_the_influences_of_clusters_make_their_covariance(table, model):
    quantity = effects.marginal_effects(model)["price"]
    moved = quantity.by_cluster(model, 100, np.arange(300) // 3)
    assert moved.sum() == pytest.approx(0, abs=1e-9)
    assert math.sqrt(moved @ moved * 100 / 99) == pytest.approx(quantity.error(model.robust), rel=1e-9)


def test_the_published_probabilities_come_out_of_the_coefficients_that_they_imply():
    """ACES (arXiv 2508.02630): of 10 %, sponsored leaves 8.9 %, and an overall pick makes 24.3 %."""
    assert effects.probability_after(0.1, -0.1287) == pytest.approx(0.089, abs=5e-5)
    assert effects.probability_after(0.1, 1.0609) == pytest.approx(0.243, abs=5e-5)
    assert [effects.probability_after(0.1, c) for c in (-1e4, 0, 1e4)] == pytest.approx([0, 0.1, 1])


def test_a_likelihood_ratio_is_that_of_two_fits(table, model):
    features, sets, chosen = table
    smaller = logit.fit(features[:, :1], sets, chosen, NAMES[:1])
    found = effects.likelihood_ratio(model, ("rating", "sponsored"))
    assert found.df == 2
    assert found.statistic == pytest.approx(2 * (model.result.log_likelihood - smaller.log_likelihood), abs=1e-8)
    null = effects.likelihood_ratio(model, NAMES)
    assert (null.df, null.statistic) == (
        3,
        pytest.approx(2 * (model.result.log_likelihood - model.result.null_log_likelihood)),
    )
    assert effects.ChiSquared(3.841458820694124, 1).p == pytest.approx(0.05)


def test_a_column_that_others_replace_has_no_likelihood_ratio(table):
    """Without it the model is the same; without all three that depend on each other it is not, by two coordinates."""
    features, sets, chosen = table
    wide = np.column_stack([features, features[:, 0] + 2 * features[:, 1]])
    found = logit.model(wide, sets, chosen, (*NAMES, "sum"))
    assert effects.likelihood_ratio(found, ("sum",)) is None
    without = logit.fit(features[:, 2:], sets, chosen, NAMES[2:])
    tied = effects.likelihood_ratio(found, ("price", "rating", "sum"))
    assert tied.df == 2
    assert tied.statistic == pytest.approx(2 * (found.result.log_likelihood - without.log_likelihood), abs=1e-8)


def test_effects_of_dependent_columns_are_those_of_the_model_without_the_dependence(table, model):
    features, sets, chosen = table
    wide = np.column_stack([features, features[:, 0] + 2 * features[:, 1]])
    found = effects.marginal_effects(logit.model(wide, sets, chosen, (*NAMES, "sum")))
    assert set(found) == {"sponsored"}
    assert found["sponsored"].value == pytest.approx(effects.marginal_effects(model)["sponsored"].value, rel=1e-9)


def test_where_something_separates_the_other_effects_are_those_of_the_limit():
    """`always` is chosen wherever it is there: those sets say no more, and their probabilities are 0 and 1."""
    generator = np.random.default_rng(3)
    features, sets, chosen = simulate(generator, BETA, np.full(200, 3))
    always = np.zeros(600)
    always[(sets < 50) & chosen] = 1
    found = logit.model(np.column_stack([features, always]), sets, chosen, (*NAMES, "always"))
    assert found.result.separated == {"always": "+"}
    part = sets >= 50
    rest = logit.model(features[part], sets[part], chosen[part], NAMES)
    for name, effect in effects.marginal_effects(rest).items():
        assert effects.marginal_effects(found)[name].value == pytest.approx(effect.value * 0.75, rel=1e-6)
    assert found.probability[chosen & (sets < 50)].min() == 1.0
    assert effects.likelihood_ratio(found, ("always",)).statistic > 90
    with_limit = logit.fit(np.column_stack([features[:, 1:], always]), sets, chosen, (*NAMES[1:], "always"))
    expected = 2 * (found.result.log_likelihood - with_limit.log_likelihood)
    assert effects.likelihood_ratio(found, ("price",)).statistic == pytest.approx(expected, abs=1e-8)
    assert "separated" in effects.dropped_alternative(found, rest, np.arange(50, 200), None)


def without_the_first(table):
    """The sets in which the first alternative was not chosen, without it; and their places."""
    features, sets, chosen = table
    first = np.r_[True, sets[1:] != sets[:-1]]
    left = np.setdiff1d(np.arange(sets.max() + 1), sets[first & chosen])
    rows = ~first & np.isin(sets, left)
    return logit.model(features[rows], sets[rows], chosen[rows], NAMES), left


@pytest.mark.parametrize("clustered", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_dropping_an_alternative_tells_a_nest_from_a_logit(clustered):
    """Two alternatives that share their noise are not independent of each other's presence."""
    statistics = {}
    for nest in (0.0, 0.95):
        found = []
        for seed in range(12):
            table = simulate(np.random.default_rng(seed), 2 * BETA, np.full(300, 3), nest)
            full = logit.model(*table, NAMES)
            cluster = np.arange(300) if clustered else None
            test = effects.dropped_alternative(full, *without_the_first(table), cluster)
            found += [test.statistic] if isinstance(test, effects.ChiSquared) else []
        statistics[nest] = np.mean(found)
    assert statistics[0.0] < 5  # its mean is 3, the degrees of freedom
    assert statistics[0.95] > 8


def test_the_fit_and_its_tests_equal_statsmodels(table, model):
    """The oracle, on a small sample: coefficients, errors, log-likelihoods."""
    reason = "an oracle: pip install 'agent-eval-sandbox[oracles]'"
    conditional = pytest.importorskip("statsmodels.discrete.conditional_models", reason=reason)
    features, sets, chosen = table
    oracle = conditional.ConditionalLogit(chosen.astype(int), features, groups=sets).fit(method="newton", disp=False)
    assert model.result.coefficients == pytest.approx(oracle.params, abs=1e-7)
    assert model.result.errors == pytest.approx(oracle.bse, rel=1e-5)
    assert model.result.log_likelihood == pytest.approx(oracle.llf, abs=1e-8)
    smaller = conditional.ConditionalLogit(chosen.astype(int), features[:, :2], groups=sets).fit(
        method="newton", disp=False
    )
    ratio = effects.likelihood_ratio(model, NAMES[2:])
    assert ratio.statistic == pytest.approx(2 * (oracle.llf - smaller.llf), abs=1e-7)
