"""ACES' randomiser: every factor follows its law, and its propensity is the probability of what was drawn."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest
from sandbox_env_market.catalogue import RATING, Product
from sandbox_env_market.config import Factor
from sandbox_env_market.goods import LOW_STOCK, make_item
from sandbox_env_market.randomise import FACTORS, Assign, applied, order, sample, treatment
from scipy import stats

from sandbox.errors import InputError
from sandbox.scenario import Luck

DRAWS = 4000
PLAIN = tuple(
    product.model_copy(update={"sponsored": False, "endorsed": False, "stock": 100})
    for product in make_item(1).products
)
IDS = [product.id for product in PLAIN]


def drawn(factor: Factor, products: tuple[Product, ...] = PLAIN, number: int = DRAWS) -> list[Assign]:
    """That many draws of the factor, at fixed seeds."""
    return [sample(factor, products, Luck(seed).generator(factor)) for seed in range(number)]


@pytest.fixture(scope="module")
def all_drawn() -> list[tuple[tuple[Product, ...], list[Assign]]]:
    """Products with all the factors, 500 times."""
    made = []
    for seed in range(500):
        products, draws = PLAIN, []
        for factor in FACTORS:
            draws.append(sample(factor, products, Luck(seed).generator(factor)))
            products = applied(products, draws[-1])
        made.append((products, draws))
    return made


def test_every_product_stands_in_every_place_equally_often() -> None:
    table = np.zeros((8, 8))
    for draw in drawn("position"):
        for row, i in enumerate(order(PLAIN, draw)):
            table[row, i] += 1
    assert all(stats.chisquare(counts).pvalue > 0.001 for counts in (*table, *table.T))


def test_every_order_of_three_products_comes_equally_often() -> None:
    seen = Counter(order(PLAIN[:3], draw) for draw in drawn("position", PLAIN[:3]))
    assert set(seen) == set(permutations(range(3)))
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


@pytest.mark.parametrize(("factor", "spread"), [("price", 0.3), ("reviews", 1.0)])
def test_prices_and_reviews_are_scaled_log_normally_and_rounded_as_the_original_rounds(
    factor: Factor, spread: float
) -> None:
    dear = tuple(product.model_copy(update={factor: 10_000_000}) for product in PLAIN)  # rounding is no matter there
    factors = [math.log(value / 10_000_000) for draw in drawn(factor, dear, 500) for value in draw.values.values()]
    assert stats.kstest(factors, stats.norm(0, spread).cdf).pvalue > 0.001
    generator = Luck(3).generator(factor)
    scaled = generator.lognormal(0, spread, 8)
    known = sorted(PLAIN, key=lambda product: product.id)
    expected = [
        round(np.round(p.price / 100 * f, 2) * 100) if factor == "price" else int(p.reviews * f)
        for p, f in zip(known, scaled, strict=True)
    ]
    values = sample(factor, PLAIN, Luck(3).generator(factor)).values
    assert [values[product.id] for product in known] == expected


def test_ratings_move_up_to_two_fifths_of_the_way_to_five_stars_and_the_score_follows() -> None:
    low = tuple(product.model_copy(update={"rating": 2.0}) for product in PLAIN)
    draws = drawn("rating", low, 500)
    values = [value for draw in draws for value in draw.values.values()]
    assert (
        stats.kstest([v + u for v, u in zip(values, _jitter(len(values)), strict=True)], _uniform(8, 32)).pvalue > 0.001
    )
    for before, after in zip(low, applied(low, draws[0]), strict=True):
        assert after.rating == draws[0].values[before.id] / 10
        assert after.scores[RATING] == max(0, round(50 * after.rating - 150))
    top = tuple(product.model_copy(update={"rating": 5.0}) for product in PLAIN)
    assert set(sample("rating", top, Luck(0).generator()).values.values()) == {50}


def _jitter(size: int) -> list[float]:
    return list(np.random.default_rng(0).uniform(-0.5, 0.5, size))


def _uniform(low: float, high: float) -> object:
    return stats.uniform(low, high - low).cdf


def test_in_half_the_draws_one_to_four_products_are_sponsored_each_equally_often() -> None:
    draws = drawn("sponsored")
    sizes = Counter(sum(draw.values.values()) for draw in draws)
    assert stats.chisquare([sizes[0], DRAWS - sizes[0]]).pvalue > 0.001
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert stats.chisquare([sizes[n] for n in (1, 2, 3, 4)]).pvalue > 0.001
    having = Counter(product for draw in draws for product, has in draw.values.items() if has)
    assert stats.chisquare([having[product] for product in IDS]).pvalue > 0.001


@pytest.mark.slow
def test_labels_follow_their_laws_together(all_drawn: list[tuple[tuple[Product, ...], list[Assign]]]) -> None:
    """No product has two, and each of the last two is there in half the draws."""
    products = [product for made, _ in all_drawn for product in made]
    assert all(p.sponsored + p.endorsed + (p.stock <= LOW_STOCK) <= 1 for p in products)
    for count in (sum(p.endorsed for p in products), sum(p.stock <= LOW_STOCK for p in products)):
        assert stats.binomtest(count, 500, 0.5).pvalue > 0.001
    left = Counter(p.stock for p in products if p.stock <= LOW_STOCK)
    assert set(left) == {1, 2, 3, 4}


def test_factors_are_drawn_independently(all_drawn: list[tuple[tuple[Product, ...], list[Assign]]]) -> None:
    """What makes an effect causal: no factor tells anything of another."""
    place, price, rating, reviews, sponsored = (
        [draws[k].values[product] for _, draws in all_drawn for product in IDS] for k in range(5)
    )
    columns = [np.array(column) for column in (place, sponsored)]
    for other in (price, rating, reviews):
        within = np.array(other, dtype=float).reshape(-1, 8)
        columns.append((within - within.mean(axis=0)).ravel())  # products differ to begin with
    correlations = np.corrcoef(columns)[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 4 / math.sqrt(4000)


@pytest.mark.parametrize("factor", ["position", "sponsored", "endorsed", "scarcity"])
@pytest.mark.slow
def test_propensities_of_all_that_can_be_drawn_sum_to_one(factor: Factor) -> None:
    """And the observed share of each is what its propensity says."""
    products = PLAIN[:3]
    ids = [product.id for product in products]
    none = dict.fromkeys(ids, 0)
    possible = {
        "position": [dict(zip(ids, places, strict=True)) for places in permutations(range(3))],
        "sponsored": [none | dict.fromkeys(some, 1) for n in range(4) for some in combinations(ids, n)],
        "endorsed": [none, *(none | {one: 1} for one in ids)],
        "scarcity": [none, *(none | {one: left} for one in ids for left in (1, 2, 3, 4))],
    }[factor]
    known = [(values, treatment(Assign(factor=factor, values=values)).propensity or 0) for values in possible]
    assert sum(propensity for _, propensity in known) == pytest.approx(1)
    seen = Counter(tuple(sorted(draw.values.items())) for draw in drawn(factor, products))
    assert set(seen) == {tuple(sorted(values.items())) for values in possible}
    counts = [seen[tuple(sorted(values.items()))] for values in possible]
    assert stats.chisquare(counts, [DRAWS * propensity for _, propensity in known]).pvalue > 0.001


def test_a_label_for_which_no_product_is_left_is_on_none_for_certain() -> None:
    everyone = tuple(product.model_copy(update={"sponsored": True}) for product in PLAIN)
    draw = sample("endorsed", everyone, Luck(0).generator())
    assert (dict(draw.values), treatment(draw).propensity, treatment(draw).value) == ({}, 1.0, [])
    assert not any(product.endorsed for product in applied(everyone, draw))


def test_a_continuous_factor_names_its_law_instead_of_a_propensity() -> None:
    given = treatment(sample("price", PLAIN, Luck(0).generator()))
    assert given.propensity is None
    assert given.value["law"] == "price x LogNormal(0, 0.3)"
    assert set(given.value["values"]) == set(IDS)


def test_what_the_products_had_of_a_drawn_factor_is_gone_and_the_rest_stays() -> None:
    labelled = tuple(product.model_copy(update={"sponsored": True, "stock": 2}) for product in PLAIN)
    after = applied(labelled, Assign(factor="scarcity", values={IDS[0]: 3}))
    assert [product.stock <= LOW_STOCK for product in after] == [True] + [False] * 7
    assert all(product.sponsored for product in after)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_draw_does_not_depend_on_the_order_in_which_products_stand(factor: Factor) -> None:
    """So that a shop with and one without random places has the same prices."""
    assert sample(factor, PLAIN, Luck(5).generator()) == sample(factor, PLAIN[::-1], Luck(5).generator())


def test_a_draw_about_other_products_is_refused() -> None:
    with pytest.raises(InputError, match="drawn for other products"):
        applied(PLAIN, Assign(factor="price", values={"nobody": 1}))


def test_what_is_sold_out_stays_so_whatever_is_drawn_of_scarcity() -> None:
    gone = tuple(product.model_copy(update={"stock": 0}) for product in PLAIN[:7])
    for number in range(40):
        draw = sample("scarcity", (*gone, PLAIN[7]), Luck(number).generator())
        assert list(draw.values) == [IDS[7]]
        assert [product.stock for product in applied((*gone, PLAIN[7]), draw)][:7] == [0] * 7
