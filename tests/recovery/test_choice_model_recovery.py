"""The choice model over simulated shoppers whose tastes are known: bias, coverage, and what chance finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from sandbox_env_market.choice_set import Alternative, ChoiceSet, ChoiceSetConfig, ChoiceSets, Pick
from sandbox_score_market.choice_model import ChoiceModel
from scipy.stats import binom

from sandbox.scorer import table_of
from sandbox.stats import logit
from sandbox.stats import logit_effects as effects
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step

pytestmark = pytest.mark.recovery
Say = Callable[[str, object], None]
Floats = NDArray[np.float64]
NAMES = ("row1", "col1", "col2", "col3", "ln_price", "ln_reviews", "rating", "sponsored", "endorsed", "scarcity")
BETA = np.array([0.8, 0.25, 0.4, 0.15, -1.8, 0.35, 5.0, -0.25, 1.4, -0.05])
SHOWN = 8
PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    # Coefficients of sponsored, overall pick and ln price that the probabilities in arXiv 2508.02630 (v3) imply.
    "Claude Sonnet 4": (-0.1287, 1.0609, -1.626),
    "GPT-4.1": (-0.2451, 0.8047, -1.607),
    "Gemini 2.5 Flash": (-0.2588, 1.899, -2.19),
}
AFTER = {"Claude Sonnet 4": (0.089, 0.243), "GPT-4.1": (0.080, 0.199), "Gemini 2.5 Flash": (0.079, 0.426)}


def designed(generator: np.random.Generator, sets: int) -> Floats:
    """Pages of eight products as ACES draws them, (sets, 8, columns): places, prices, reviews, ratings, labels."""
    shape = (sets, SHOWN)
    base = np.argsort(generator.random(shape), axis=1)
    price = generator.uniform(8, 40, SHOWN)[base] * generator.lognormal(0, 0.3, shape)
    reviews = np.floor(generator.integers(50, 20_000, SHOWN)[base] * generator.lognormal(0, 1, shape))
    rating = generator.uniform(4.0, 4.8, SHOWN)[base]
    rating = np.round(rating + generator.uniform(-0.4, 0.4, shape) * (5 - rating), 1)
    rank = np.argsort(np.argsort(generator.random(shape), axis=1), axis=1)  # labels go to the first in a random order
    marked = generator.integers(1, 5, (sets, 1)) * (generator.random((sets, 1)) < 0.5)
    sponsored = rank < marked
    endorsed = (rank == marked) & (generator.random((sets, 1)) < 0.5)
    scarce = (rank == marked + 1) & (generator.random((sets, 1)) < 0.5)
    place = np.broadcast_to(np.arange(SHOWN), shape)
    columns = [place // 4 == 0, place % 4 == 0, place % 4 == 1, place % 4 == 2]
    columns += [np.log(price), np.log(reviews + 1), rating, sponsored, endorsed, scarce]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=2)


def chosen(generator: np.random.Generator, features: Floats, beta: Floats) -> NDArray[np.bool_]:
    """What random utility chooses, (sets, 8)."""
    utility = features @ beta + generator.gumbel(size=features.shape[:2])
    return np.asarray(utility == utility.max(axis=1, keepdims=True))


def fitted(features: Floats, choice: NDArray[np.bool_], cluster: NDArray[np.intp] | None = None) -> logit.Model:
    sets = np.repeat(np.arange(len(features)), SHOWN)
    clusters = None if cluster is None else cluster[sets]
    return logit.model(features.reshape(-1, len(NAMES)), sets, choice.ravel(), NAMES, cluster=clusters)


def test_a_hundred_thousand_sets_give_the_coefficients_back(record_property: Say) -> None:
    generator = np.random.default_rng(1)
    features = designed(generator, 100_000)
    result = fitted(features, chosen(generator, features, BETA)).result
    error = result.coefficients - BETA
    z, rmse = float(np.abs(error / result.errors).max()), float(np.sqrt(np.mean(error**2)))
    record_property("recovery", f"100,000 sets: max |z| {z:.2f}, RMSE {rmse:.4f}")
    assert z < 4
    assert rmse < 0.015


def test_intervals_of_a_thousand_sets_cover_the_truth_as_often_as_they_say(record_property: Say) -> None:
    """2,000 replications, each with pages of its own; marginal effects against those of the true coefficients."""
    generator = np.random.default_rng(2)
    covered = {"hessian": 0, "cluster": 0}
    effect_covered = dict(covered)
    bias = np.zeros(len(NAMES))
    replications = 2000
    for _ in range(replications):
        features = designed(generator, 1000)
        model = fitted(features, chosen(generator, features, BETA))
        error = model.result.coefficients - BETA
        bias += error / replications
        odds = np.exp(features @ BETA)
        p = odds / odds.sum(axis=1, keepdims=True)
        truth = BETA * np.mean(p * (1 - p))
        assert model.result.robust_errors is not None
        found = effects.marginal_effects(model)
        for variant, errors, covariance in (
            ("hessian", model.result.errors, model.inverse),
            ("cluster", model.result.robust_errors, model.robust),
        ):
            covered[variant] += int(np.sum(np.abs(error) <= effects.Z * errors))
            for name, true in zip(NAMES, truth, strict=True):
                effect_covered[variant] += abs(found[name].value - true) <= effects.Z * (
                    found[name].error(covariance) or 0
                )
    total = replications * len(NAMES)
    for variant in covered:
        record_property(
            "recovery",
            f"1,000 sets, 2,000 replications, {variant}: coverage {covered[variant] / total:.4f} of coefficients, "
            f"{effect_covered[variant] / total:.4f} of marginal effects; greatest bias {np.abs(bias).max():.4f}",
        )
        assert 0.935 <= covered[variant] / total <= 0.965
        assert 0.935 <= effect_covered[variant] / total <= 0.965


def test_a_shopper_that_repeats_itself_is_covered_by_clusters_alone(record_property: Say) -> None:
    """Each page is met four times with the same answer: 250 items say what 250 choices do."""
    generator = np.random.default_rng(3)
    covered = {"hessian": 0, "cluster": 0}
    for _ in range(400):
        features = designed(generator, 250)
        once = chosen(generator, features, BETA)
        result = fitted(np.tile(features, (4, 1, 1)), np.tile(once, (4, 1)), np.tile(np.arange(250), 4)).result
        assert result.robust_errors is not None
        for variant, errors in (("hessian", result.errors), ("cluster", result.robust_errors)):
            covered[variant] += int(np.sum(np.abs(result.coefficients - BETA) <= effects.Z * errors))
    shares = {variant: count / (400 * len(NAMES)) for variant, count in covered.items()}
    record_property("recovery", f"250 items four times each: coverage {shares}")
    assert shares["hessian"] < 0.75
    assert 0.925 <= shares["cluster"] <= 0.965


def test_a_random_shopper_shows_no_effect_of_place_more_often_than_promised(record_property: Say) -> None:
    """2,000 replications of 200 pages: the joint test of place at .05, and each test of a place."""
    generator = np.random.default_rng(4)
    joint = single = 0
    replications = 2000
    for _ in range(replications):
        features = designed(generator, 200)
        model = fitted(features, chosen(generator, features, np.zeros(len(NAMES))))
        test = effects.likelihood_ratio(model, NAMES[:4])
        assert test is not None
        joint += test.p < 0.05
        single += int(np.sum(np.abs(model.result.coefficients / model.result.errors)[:4] > effects.Z))
    low, high = binom.ppf([0.001, 0.999], replications, 0.05)
    record_property(
        "recovery",
        f"random shopper, 2,000 replications: place found in {joint / replications:.4f} (joint), "
        f"{single / (4 * replications):.4f} (each); bound {low / replications:.4f} to {high / replications:.4f}",
    )
    assert low <= joint <= high
    assert 0.04 <= single / (4 * replications) <= 0.06


def visits(features: Floats, choice: NDArray[np.bool_], agent: str) -> list[Episode]:
    """The same choices as recorded episodes."""
    scenario, config = ChoiceSets(), ChoiceSetConfig()
    episodes = []
    for number, (page, picked) in enumerate(zip(features, choice, strict=True)):
        alternatives = tuple(Alternative(position=i, values=tuple(row)) for i, row in enumerate(page.tolist()))
        item = ChoiceSet(id=str(number), columns=NAMES, alternatives=alternatives)
        state = scenario.initial(config, item)
        moves = [Pick(number=place + 1) for place in range(SHOWN)]
        menu = tuple(
            MenuEntry(move=move.model_dump(), appraisal=scenario.appraise(state, "agent", move)) for move in moves
        )
        decision = menu[int(picked.argmax())]
        step = Step(
            index=0, tick=0, seat="agent", menu=menu, decision=decision, applied=decision.move, state=str(number)
        )
        spec = EpisodeSpec(
            environment=scenario.id,
            item={"id": item.id},
            seats={"agent": AgentSpec(id=agent, name=agent)},
            evaluated=("agent",),
        )
        episodes.append(Episode(id=spec.key, spec=spec, status="finished", steps=(step,)))
    return episodes


@pytest.mark.parametrize("agent", PUBLISHED)
def test_shoppers_with_the_published_coefficients_are_recovered(record_property: Say, agent: str) -> None:
    """And the probabilities that were published come out: of 10 %, what sponsored and an overall pick make."""
    sponsored, endorsed, price = PUBLISHED[agent]
    beta = BETA.copy()
    beta[[4, 7, 8]] = price, sponsored, endorsed
    generator = np.random.default_rng(5)
    features = designed(generator, 4000)
    episodes = visits(features, chosen(generator, features, beta), agent)
    found = {e.name: e for e in ChoiceModel().estimate(table_of(episodes)).estimates if e.variant == "hessian"}
    for name, truth in (("sponsored", sponsored), ("endorsed", endorsed), ("ln_price", price)):
        assert abs((found[name].estimate or 0) - truth) < 3.5 * (found[f"se/{name}"].estimate or 0)
    said = []
    for name, coefficient, published in zip(
        ("sponsored", "endorsed"), (sponsored, endorsed), AFTER[agent], strict=True
    ):
        assert effects.probability_after(0.1, coefficient) == pytest.approx(published, abs=5e-4)
        one = found[f"probability/{name}"]
        assert one.low is not None
        assert one.high is not None
        assert one.low - 0.01 < published < one.high + 0.01
        said.append(f"{name} {one.estimate:.3f} [{one.low:.3f}, {one.high:.3f}], published {published}")
    record_property("recovery", f"{agent}: 10 % become " + "; ".join(said))
