"""Buyers: what owning and paying are worth to them, and that it is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_market.buyers import (
    Buyer,
    best_variant,
    dominated,
    dominates,
    logsum,
    profit,
    spent,
    surplus,
    utility,
    worth,
)
from sandbox_env_market.catalogue import Product, Variant

RED = Variant(id="red", name="Colour: red, Size: 42", extra=300, stock=2)
BLUE = Variant(id="blue", name="Colour: blue, Size: 42", extra=0, stock=5, worth=50)
GONE = Variant(id="gold", name="Colour: gold, Size: 42", extra=-900, stock=0)
BUYER = Buyer(
    value=5000,
    budget=6000,
    weights={"Power": 20, "rating": 10},
    taste={"Veldra": -400},
    need="kettles",
    effects={"k1": 700},
    wants={"Colour: red": 500, "Size: 42": 1000},
    deadline=3,
    late=250,
    scale=400,
)


def product(name: str = "k1", **fields: object) -> Product:
    """A kettle of hand-made numbers."""
    plain = {"price": 4000, "cost": 2500, "scores": {"Power": 50, "rating": 80}, "category": "kettles", "delivery": 5}
    said = {"id": name, "brand": "Veldra", "title": name, "rating": 4.0, "reviews": 10, "stock": 9, "specs": ()}
    rest = {"comments": (), "sponsored": False, "endorsed": False, "variants": (RED, BLUE, GONE)}
    return Product.model_validate(plain | said | rest | fields)


def test_worth_adds_up_all_that_matters():
    """5000 + 20 x 50 + 10 x 80 - 400 (brand) + 700 (this one) - 2 days x 250; then the options."""
    assert worth(BUYER, product()) == 5000 + 1000 + 800 - 400 + 700 - 500
    assert worth(BUYER, product(), RED) == 6600 + 500 + 1000
    assert worth(BUYER, product(), BLUE) == 6600 + 1000 + 50
    assert worth(BUYER, product(), days=3) == worth(BUYER, product(), days=1) == 7100
    assert worth(BUYER, product("k2")) == 6600 - 700


def test_what_is_not_needed_is_worth_nothing_however_good_it_is():
    toaster = product("t", category="toasters", scores={"Slots": 100})
    assert worth(BUYER, toaster) == 0
    assert utility(BUYER, toaster) == -4000
    assert worth(BUYER.model_copy(update={"need": ""}), toaster) == 5000 - 400 - 500


def test_a_cent_beyond_the_budget_counts_twice_surcharge_included():
    assert (spent(BUYER, 6000), spent(BUYER, 6001), spent(BUYER, 0)) == (6000, 6002, 0)
    assert utility(BUYER, product(price=5900), RED) == 8100 - 6200 - 200


def test_a_visit_is_worth_its_best_piece_less_all_that_was_paid():
    owned = [(product(), BLUE), (product("t", category="toasters"), None), (product("k2"), None)]
    assert surplus(BUYER, owned, paid=9000) == 7650 - 9000 - 3000
    assert surplus(BUYER, [], paid=0) == 0
    assert surplus(BUYER, [], paid=499) == -499
    assert surplus(BUYER, [(product(), RED)], paid=4300) == utility(BUYER, product(), RED)


def test_the_best_variant_is_one_in_stock():
    assert best_variant(BUYER, product()) == RED  # 500 for red, 300 surcharge, against 50
    assert best_variant(BUYER, product(variants=(GONE,))) is None
    assert best_variant(BUYER, product(variants=())) is None


def test_profit_is_price_less_cost_for_each_piece():
    assert profit(product()) == 1500
    assert profit(product(), RED, number=3) == 3 * 1800


def test_logsum_is_the_best_without_shocks_and_small_and_rosen_s_with_them():
    """mu ln(1 + e^0 + e^0) of two that are as good as leaving; and by hand for one."""
    assert logsum(BUYER, [0, 0]) == round(400 * math.log(3))
    assert logsum(BUYER, [400]) == round(400 * math.log(1 + math.e))
    assert logsum(BUYER.model_copy(update={"scale": 0}), [-5, 700, 3]) == 700
    assert logsum(BUYER, []) == 0


def test_logsum_is_what_a_buyer_with_gumbel_shocks_gets_on_average():
    """By simulation: the mean of the best of U + shock, less Euler's constant."""
    cents = [300, -200, 900, 650]
    shocks = np.random.default_rng(1).gumbel(size=(400_000, 5)) * 400
    best = (np.array([0, *cents]) + shocks).max(axis=1)
    assert abs(best.mean() - 400 * np.euler_gamma - logsum(BUYER, cents)) < 4 * best.std() / 400_000**0.5


@settings(max_examples=50)
@given(st.lists(st.integers(-(10**9), 10**9), max_size=8), st.integers(1, 10**6))
def test_logsum_is_between_the_best_and_the_best_plus_mu_ln_n(cents, scale):
    best, result = max([0, *cents]), logsum(BUYER.model_copy(update={"scale": scale}), cents)
    assert best <= result <= best + scale * math.log(len(cents) + 1) + 1


def test_dominance_counts_lateness_and_liking_and_compares_only_what_is_needed():
    base = product("k2")
    assert dominates(BUYER, product("k2", delivery=4), base)
    assert not dominates(BUYER, product("k2", delivery=3), product("k2", delivery=1))  # both are in time
    assert dominates(BUYER, product("k1"), base)
    toaster, dearer = product("t", category="toasters"), product("u", category="toasters", price=4001)
    assert dominated(BUYER, [base, toaster, dearer]) == (False, False, True)
    assert dominated(BUYER, [base, base]) == (False, False)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 2), st.integers(1, 6), st.sampled_from("vw")),
        min_size=2,
        max_size=5,
    )
)
def test_what_dominates_is_worth_more_whatever_the_weights(rows):
    buyer = BUYER.model_copy(update={"taste": {"v": 30}})
    goods = [
        product(f"k{i}", price=price, scores={"Power": power, "rating": rating}, delivery=days, brand=brand)
        for i, (price, power, rating, days, brand) in enumerate(rows)
    ]
    for one in goods:
        for other in goods:
            if dominates(buyer, one, other):
                assert utility(buyer, one) > utility(buyer, other)


def test_a_buyer_s_new_preferences_are_left_out_of_records_that_have_none():
    plain = Buyer(value=1, budget=2, weights={"rating": 3})
    assert set(plain.model_dump()) == {"value", "budget", "weights", "taste"}
    assert Buyer.model_validate(BUYER.model_dump(mode="json")) == BUYER


@pytest.mark.parametrize("field", ["deadline", "late", "scale"])
def test_days_and_cents_that_cannot_be_less_than_nothing_are_refused(field):
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Buyer.model_validate({"value": 1, "budget": 1, "weights": {}, field: -1})
