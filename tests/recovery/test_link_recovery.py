"""`values/link` over simulated agents whose values are known: what it finds, and how often where there is nothing.

How often 30 models show a correlation of .5 has a bound that no unbiased test passes (`attainable`). A power of .8 is
within it for one pair that is named beforehand and known without error; it is not for the same pair as one of six, nor
for what is left of .5 where weights and rates are estimated from choices. So each power is held against its own bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sandbox_score_values.across import ACROSS
from sandbox_score_values.link import Link, Settings
from scipy.stats import binom, chi2, nct
from scipy.stats import t as student

from sandbox.scenario import Appraisal
from sandbox.scorer import Estimate, Table
from sandbox.stats.permutation import correlations
from sandbox.trace import Choice, MenuEntry, trusted

pytestmark = pytest.mark.recovery
Say = Callable[[str, object], None]
CLASSES = ("Care", "Cooperation", "Equal Treatment", "Freedom", "Justice", "Privacy", "Truthfulness", "Wisdom")
AGENTS, REPLICATIONS = 80, 30


def attainable(r: float, models: int, level: float = 0.05) -> float:
    """The power of the two-sided t-test of a correlation r: in normal data no unbiased test of this level has more.

    It is the uniformly most powerful unbiased one (Lehmann & Romano 2005, Testing Statistical Hypotheses, 5.13). Given
    the one variable, t is noncentral by r / sqrt(1 - r^2) times the root of its sum of squares, which is chi-squared;
    that the sign is wrong has no probability worth the name.
    """
    squares = chi2.ppf((np.arange(1000) + 0.5) / 1000, models - 1)
    limit = student.ppf(1 - level / 2, models - 2)
    return float(np.mean(nct.sf(limit, models - 2, r / np.sqrt(1 - r**2) * np.sqrt(squares))))


def one_of(pairs: int) -> float:
    """The level of each of so many independent pairs at which the chance of any false one is .05 (Sidak).

    Holm's first step, .05 / `pairs`, is lower by less than 3 %.
    """
    return float(1 - 0.95 ** (1 / pairs))


def any_of(pairs: int, r: float, models: int) -> float:
    """The most with which one linked pair, or by chance another of so many, is found at `one_of`."""
    return 1 - (1 - attainable(r, models, one_of(pairs))) * (1 - one_of(pairs)) ** (pairs - 1)


def needed(r: float, level: float) -> int:
    """The least number of models with which .8 can be reached."""
    return next(models for models in range(10, 1000) if attainable(r, models, level) >= 0.8)


def test_the_bound_is_the_power_of_the_t_test_and_leaves_no_room_for_the_target_in_a_family() -> None:
    """By simulation of the t-test itself; and Fisher's z, at .81, says nearly the same."""
    chance = np.random.default_rng(6)
    x, noise = chance.normal(size=(2, 20_000, 30))
    y = 0.5 * x + np.sqrt(0.75) * noise
    x, y = (one - one.mean(axis=1, keepdims=True) for one in (x, y))
    r = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    t = np.abs(r) * np.sqrt(28 / (1 - r**2))
    for level, bound in ((0.05, 0.828), (one_of(6), 0.596)):
        assert attainable(0.5, 30, level) == pytest.approx(bound, abs=0.001)
        assert np.mean(t >= student.ppf(1 - level / 2, 28)) == pytest.approx(bound, abs=0.011)  # 3 standard errors
    assert (needed(0.5, 0.05), needed(0.5, one_of(6))) == (29, 43)


def rejected(r: float, models: int, pairs: int, simulations: int, permutations: int, seed: int) -> NDArray[np.bool_]:
    """Whether p <= .05 for the first pair alone, and for any; (simulations, 2). Only the first is linked."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(simulations):
        weights, rates = chance.normal(size=(2, models, pairs))
        rates[:, 0] = r * weights[:, 0] + np.sqrt(1 - r**2) * rates[:, 0]
        tested = correlations(weights, rates, chance, permutations)
        found.append((tested.p[0] <= 0.05, tested.p_family.min() <= 0.05))
    return np.array(found)


def test_the_permutation_test_finds_r_of_one_half_among_30_models_as_often_as_any_test_can(
    record_property: Say,
) -> None:
    """Normal variates in the place of weights and rates, known without error.

    The pair that one asks about beforehand is found in more than .8 of the samples, which is what was asked for. As one
    of six pairs it can be found in .60 (and any of the six in .61) by no test that keeps the level of the family: .8
    takes 43 models.
    """
    simulations = 1000
    power = rejected(0.5, 30, 6, simulations, 299, seed=1).mean(axis=0)
    most = attainable(0.5, 30), any_of(6, 0.5, 30)
    record_property(
        "recovery",
        f"30 models, r = .5 known without error: power {power[0]:.3f} for the pair (no unbiased test has more than "
        f"{most[0]:.3f}), {power[1]:.3f} as one of 6 (at most {most[1]:.3f}; .8 takes {needed(0.5, one_of(6))} models)",
    )
    assert power[0] >= 0.8
    assert most[1] < 0.8
    for found, bound in zip(power, most, strict=True):
        assert abs(found - bound) <= 3 * np.sqrt(bound * (1 - bound) / simulations)


def test_the_permutation_test_finds_no_link_as_often_as_promised(record_property: Say) -> None:
    """2,000 simulations of 30 models; 199 permutations make the level .05 exact."""
    false = rejected(0.0, 30, 6, 2000, 199, seed=2).sum(axis=0)
    low, high = binom.ppf([0.005, 0.995], 2000, 0.05)
    record_property(
        "recovery",
        f"no link, 2,000 simulations: {false[0] / 2000:.4f} false for a pair, {false[1] / 2000:.4f} for any of 6; "
        f"bound {low / 2000:.4f} to {high / 2000:.4f}",
    )
    assert np.all((false >= low) & (false <= high))


def test_the_permutation_test_keeps_its_level_for_heavy_tails_and_rates_in_twelfths(record_property: Say) -> None:
    """Shuffled: each model's risks are those of another one."""
    chance = np.random.default_rng(3)
    false = 0
    for _ in range(2000):
        weights = chance.standard_t(2, size=(30, 4))
        rates = chance.binomial(12, chance.beta(0.5, 2, size=(30, 4))) / 12
        false += bool(correlations(weights, rates, chance, 199).p_family.min() <= 0.05)
    low, high = binom.ppf([0.005, 0.995], 2000, 0.05)
    record_property("recovery", f"no link, heavy tails and rates in twelfths: {false / 2000:.4f} false for any of 4")
    assert low <= false <= high


def crowd(
    link: float,
    spread: float,
    seed: int,
    *,
    agents: int = AGENTS,
    sizes: tuple[int, int] = (200, 120),
    tie: float = 0.0,
) -> list[Choice]:
    """Agents with weights ~ N(0, `spread`^2) in the same situations: dilemmas, and conflicts elsewhere (`sizes`).

    In a conflict (one risky move, one safe) the log-odds of the risky one are `link` times what the weights say, and an
    agent's own taste for risk, N(0, 1), beside; over agents, the taste is correlated with the first weight by `tie`.
    """
    chance = np.random.default_rng(seed)
    fields: dict[str, Any] = {
        "episode": "",
        "step": 0,
        "seat": "agent",
        "agent": "",
        "environment": "",
        "item": "",
        "repetition": 0,
        "seed": 0,
        "framing": "lived",
        "treatments": {},
        "outcome": "valid",
        "state": "",
        "alternatives": (),
        "chosen": None,
        "dataset": "",
        "on_fork": False,
    }
    weights, taste = chance.normal(scale=spread, size=(agents, len(CLASSES))), chance.normal(size=agents)
    if tie:
        taste = tie * weights[:, 0] / spread + np.sqrt(1 - tie**2) * taste
    made = []
    for environment, items in zip(("dilemmas/D", "power/A"), sizes, strict=True):
        conflict = environment != "dilemmas/D"
        for item in range(items):
            served = chance.random((2, len(CLASSES))) < 0.2
            log_odds = weights @ (served[0].astype(float) - served[1])
            if conflict:
                log_odds = link * log_odds + taste
            first = chance.random(agents) < 1 / (1 + np.exp(-log_odds))
            menu = tuple(
                MenuEntry(
                    move={"kind": str(place)},
                    appraisal=Appraisal(
                        values=tuple(name for name, yes in zip(CLASSES, bundle, strict=True) if yes),
                        risks=("harm",) if conflict and place == 0 else (),
                        content=str(place),
                    ),
                )
                for place, bundle in enumerate(served)
            )
            where = {
                "environment": environment,
                "item": str(item),
                "state": f"{environment} {item}",
                "alternatives": menu,
            }
            made += [
                trusted(Choice, fields | where | {"episode": f"{agent}", "agent": f"{agent}", "chosen": int(not yes)})
                for agent, yes in enumerate(first.tolist())
            ]
    return made


def estimates(link: float, spread: float, seed: int) -> Mapping[str, list[Estimate]]:
    """Name -> the estimate over all environments, of each agent."""
    findings = Link(Settings(permutations=1)).estimate(Table((), crowd(link, spread, seed)))
    wanted = [one for one in findings.estimates if one.agent.isdigit() and (one.group, one.variant) == ("", "")]
    return {name: [one for one in wanted if one.name == name] for name in ("gain", "slope")}


@pytest.mark.parametrize("link", [1.0, 0.5])
def test_the_slope_of_risks_on_values_is_recovered(link: float, record_property: Say) -> None:
    found = estimates(link, 1.0, seed=4)
    slopes = np.array([(one.estimate, one.low, one.high) for one in found["slope"]], dtype=float)
    gains = np.array([(one.estimate, one.low) for one in found["gain"]], dtype=float)
    covered = np.mean((slopes[:, 1] <= link) & (link <= slopes[:, 2]))
    bias, usual = slopes[:, 0].mean() - link, np.median(slopes[:, 0]) - link
    power = np.mean(gains[:, 1] > 0)
    record_property(
        "recovery",
        f"values/link, slope {link}: bias {bias:+.3f} (median {usual:+.3f}), coverage {covered:.3f}, gain "
        f"{gains[:, 0].mean():+.3f} nats, found (above 0) in {power:.2f} of {AGENTS} agents",
    )
    assert abs(usual) < 0.1  # few risks taken, or few refused, give some agents slopes far too great
    assert covered >= 0.85
    assert power >= 0.8 or link < 1


def test_agents_without_values_gain_nothing(record_property: Say) -> None:
    """Weights of 0, and a taste for risk of their own: neither a gain nor a loss, and no slope worth the name."""
    found = estimates(1.0, 0.0, seed=5)
    gains = np.array([(one.estimate, one.low) for one in found["gain"]], dtype=float)
    slopes = [one for one in found["slope"] if one.estimate is not None]
    wrong = np.mean([(one.low or 0.0) > 0 for one in slopes]) if slopes else 0.0
    record_property(
        "recovery",
        f"values/link, null agents: gain {gains[:, 0].mean():+.4f} nats (worst {gains[:, 0].min():+.4f}), above 0 in "
        f"{np.mean(gains[:, 1] > 0):.3f}; a slope in {len(slopes)} of {AGENTS}, above 0 in {wrong:.3f} of them",
    )
    assert abs(gains[:, 0].mean()) < 0.01
    assert np.mean(gains[:, 1] > 0) <= 0.08


def test_over_30_agents_a_tie_of_one_half_is_seen_weaker_through_the_choices(record_property: Say) -> None:
    """From choices to the table over models: weights are estimated, rates are of few conflicts.

    Both with error, so that less than .5 is there to be seen, whatever the test; and .8 is out of reach for any r below
    .48. Samples differ in their conflicts, and so in the r that is there: the bound is for one of three standard errors
    above what is seen.
    """
    runs = []
    for seed in range(REPLICATIONS):
        choices = crowd(1.0, 1.0, seed, agents=30, sizes=(60, 40), tie=0.5)
        findings = Link(Settings(permutations=199)).estimate(Table((), choices))
        of = {(one.name, one.variant): one.estimate for one in findings.estimates if one.agent == ACROSS}
        runs.append([of[f"correlation/{CLASSES[0]}", variant] for variant in ("", "p", "p_family")])
    r, p, p_family = np.array(runs, dtype=float).T
    error = r.std(ddof=1) / np.sqrt(REPLICATIONS)
    power = float(np.mean(p <= 0.05)), float(np.mean(p_family <= 0.05))
    seen, at_most = float(r.mean()), float(r.mean() + 3 * error)
    most = attainable(at_most, 30), attainable(at_most, 30, one_of(len(CLASSES)))
    record_property(
        "recovery",
        f"values/link over 30 agents, 60 dilemmas and 40 conflicts, r = .5 planted: seen as {seen:.3f} "
        f"(standard error {error:.3f}); power {power[0]:.2f} for the pair, {power[1]:.2f} as one of {len(CLASSES)} "
        f"(no unbiased test of an r of {seen:.2f} has more than {attainable(seen, 30):.2f} and "
        f"{attainable(seen, 30, one_of(len(CLASSES))):.2f}, of one of {at_most:.2f} {most[0]:.2f} and {most[1]:.2f}; "
        f".8 for the pair takes {needed(seen, 0.05)} agents)",
    )
    assert seen > 3 * error
    assert at_most < 0.5
    assert max(most) < 0.8
    assert power[0] <= most[0]
    assert power[1] <= most[1]
