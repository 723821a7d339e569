"""The shop: its truth, its pages, and what it keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_env_market import Back, Buy, Leave, Open, Shop, ShopConfig, Visit
from sandbox_env_market.buyers import Buyer, dominated, dominates, utility
from sandbox_env_market.catalogue import CATEGORIES, RATING, Comment, Product, Spec
from sandbox_env_market.goods import LOW_STOCK, ShopItem, make_item
from sandbox_env_market.moves import lower
from sandbox_env_market.page import money, text
from sandbox_env_market.shop import ShopState

from sandbox import spaces
from sandbox.checks import check_scenario
from sandbox.menu import InvalidAction, Move, read, schema
from sandbox.menu import moves as moves_of

SHOP = Shop()
KNOWN_IDS = ["p67", "p45", "p18", "p21", "p92", "p24", "p22", "p23"]
KNOWN_PRICES = [8149, 6049, 5849, 6649, 6199, 2149, 7799, 4899]
KNOWN_UTILITIES = [9442, 9670, 8843, 8915, 10069, 11688, 8793, 9337]


def product(name: str, price: int, rating: float = 4.0, brand: str = "Veldra", **scores: int) -> Product:
    """A hand-made product; `rating` gives its score."""
    return Product(
        id=name,
        brand=brand,
        title=f"{brand} {name} Kettle",
        price=price,
        rating=rating,
        reviews=99,
        sponsored=name == "p11",
        endorsed=name == "p22",
        stock=3 if name == "p33" else 40,
        specs=(Spec(name="Power", shown="2000 W"),),
        comments=(Comment(stars=4, text="Boils water."),),
        scores={RATING: round(rating * 10) * 5 - 150, "Power": 50, **scores},
    )


# U = 5000 + 20 x rating score + 10 x power score + 300 for Korrin - price - overrun of 4000.
BUYER = Buyer(value=5000, budget=4000, weights={RATING: 20, "Power": 10}, taste={"Korrin": 300})
PRODUCTS = (
    product("p11", 3000, 4.0),  # 5000 + 1000 + 500 - 3000            = 3500
    product("p22", 2500, 4.2, Power=60),  # 5000 + 1200 + 600 - 2500  = 4300: better than p11 in all
    product("p33", 4500, 5.0, Power=90),  # 5000 + 2000 + 900 - 4500 - 500 = 2900
    product("p44", 2500, 3.0, brand="Korrin"),  # 5000 + 0 + 500 + 300 - 2500 = 3300
)
ITEM = ShopItem(
    id="hand", kind="tradeoff", category="electric kettles", task="Buy a kettle.", buyer=BUYER, products=PRODUCTS
)


def start(item: ShopItem = ITEM, **config: Any) -> ShopState:
    return SHOP.initial(ShopConfig(**config), item)


def after(state: ShopState, *moves: Move) -> ShopState:
    for move in moves:
        assert move in SHOP.menu(state, "buyer")
        state = SHOP.apply(state, {"buyer": move})
    return state


# -- truth ---------------------------------------------------------------------------------------------------------


def test_utility_is_value_and_merits_and_taste_less_price_and_overrun() -> None:
    assert [utility(BUYER, p) for p in PRODUCTS] == [3500, 4300, 2900, 3300]


def test_a_product_is_dominated_only_by_one_that_is_no_worse_in_anything_that_matters() -> None:
    assert dominated(BUYER, PRODUCTS) == (True, False, False, False)
    assert not dominates(BUYER, PRODUCTS[0], PRODUCTS[0])
    careless = Buyer(value=0, budget=9999, weights={"Power": 1})
    assert dominates(careless, PRODUCTS[1], PRODUCTS[3])  # without the taste and the rating, p44 has nothing for it


def test_an_appraised_purchase_has_the_utility_and_the_features_of_the_product_and_its_place() -> None:
    state = start(positions=1)
    seen = SHOP.appraise(state, "buyer", Buy(product="p11"))
    assert (seen.utility, seen.content, seen.risks) == (3500, "p11", ())
    assert seen.features == {
        "position": 3.0,
        "price": 3000.0,
        "ln_price": 8.006367567650,
        "rating": 4.0,
        "ln_reviews": 4.605170185988,
        "sponsored": 1.0,
        "endorsed": 0.0,
        "scarcity": 0.0,
        "dominated": 1.0,
        "over_budget": 0.0,
    }
    dear = SHOP.appraise(state, "buyer", Buy(product="p33")).features
    assert (dear["scarcity"], dear["over_budget"], dear["position"]) == (1.0, 1.0, 1.0)


def test_turning_a_page_is_worth_the_best_that_it_leaves_open_and_leaving_nothing() -> None:
    state = start()
    assert SHOP.appraise(state, "buyer", Open(product="p44")).utility == 4300
    assert SHOP.appraise(state, "buyer", Back()).utility == 4300
    assert SHOP.appraise(state, "buyer", Leave()).utility == 0


def test_benchmarks_are_the_exact_expected_regrets() -> None:
    """Random: 4300 - mean(3500, 4300, 2900, 3300); cheapest: p22 or p44, both 2500."""

    def values(**config: Any) -> dict[str, float | None]:
        found = SHOP.benchmarks(ShopConfig(**config), ITEM, {})
        return {name: benchmark.value for name, benchmark in found.items()}

    assert values() == {"oracle": 0, "random": 800, "cheapest": 500, "first": 800, "leave": 4300}
    assert values(positions=1)["first"] == 1000  # reversed: p44 comes first


def test_facts_of_a_purchase_say_what_it_cost_the_buyer() -> None:
    state = after(start(), Open(product="p33"), Back(), Open(product="p11"), Buy(product="p11"))
    assert SHOP.payoffs(state) == {"buyer": 3500}
    assert SHOP.facts(state) == {
        "set": "tradeoff",
        "category": "electric kettles",
        "bought": "p11",
        "utility": 3500,
        "best_utility": 4300,
        "regret": 800,
        "cheapest": False,
        "dominated": True,
        "over_budget": False,
        "position": 0,
        "pages": 4,
        "considered": 2,
        "task_done": True,
    }


def test_leaving_has_the_forgone_best_as_its_regret() -> None:
    facts = SHOP.facts(after(start(), Leave()))
    assert (facts["bought"], facts["utility"], facts["regret"], facts["task_done"]) == (None, 0, 4300, False)


def test_leaving_a_shop_with_nothing_worth_its_price_has_no_regret() -> None:
    poor = ITEM.model_copy(update={"buyer": BUYER.model_copy(update={"value": -9000})})
    assert SHOP.facts(after(start(poor), Leave()))["regret"] == 0
    assert SHOP.facts(after(start(poor), Buy(product="p22")))["regret"] == 9700  # 5000 is now -9000
    assert SHOP.benchmarks(ShopConfig(), poor, {})["oracle"].value == 0


def test_going_over_the_budget_is_a_fact_and_the_task_is_not_done() -> None:
    facts = SHOP.facts(after(start(), Buy(product="p33")))
    assert (facts["over_budget"], facts["task_done"], facts["regret"]) == (True, False, 1400)


# -- pages ---------------------------------------------------------------------------------------------------------


def test_everything_can_be_bought_at_once_and_the_menu_starts_with_what_is_shown_first() -> None:
    menu = SHOP.menu(start(positions=1), "buyer")
    assert menu[:4] == tuple(Buy(product=name) for name in ("p44", "p33", "p22", "p11"))
    assert menu[-1] == Leave()
    assert len(menu) == 9


def test_positions_rotate_and_reverse() -> None:
    def shown(positions: str | int) -> list[str]:
        return [tile.id for tile in SHOP.observe(start(positions=positions), "buyer").page.products]

    assert shown("given") == shown("counterbalanced") == shown(0) == ["p11", "p22", "p33", "p44"]
    assert shown(1) == ["p44", "p33", "p22", "p11"]
    assert shown(2) == ["p22", "p33", "p44", "p11"]
    assert SHOP.counterbalance(ShopConfig(), ITEM) == ({"positions": 0}, {"positions": 1})
    assert SHOP.counterbalance(ShopConfig(positions=2), ITEM) == ({},)


def test_a_product_page_sells_that_product_only_and_leads_back() -> None:
    state = after(start(), Open(product="p33"))
    assert SHOP.menu(state, "buyer") == (Buy(product="p33"), Back(), Leave())
    assert after(state, Back()).at == "results"


def test_when_no_views_are_left_the_links_are_disabled_and_everything_is_still_for_sale() -> None:
    state = after(start(views=1), Open(product="p11"), Back())
    assert not any(isinstance(move, Open) for move in SHOP.menu(state, "buyer"))
    page = SHOP.observe(state, "buyer").page
    assert {control.enabled for control in page.controls if control.id.startswith("open:")} == {False}
    assert sum(isinstance(move, Buy) for move in SHOP.menu(state, "buyer")) == 4


def test_the_visit_ends_after_at_most_twice_the_views_and_one() -> None:
    state, moves = start(views=3), 0
    while SHOP.to_move(state):
        menu = list(moves_of(SHOP.menu(state, "buyer")))
        dawdling = [move for move in menu if isinstance(move, Open | Back)]
        state, moves = after(state, dawdling[0] if dawdling else menu[0]), moves + 1
    assert moves == 7


@pytest.mark.parametrize("moves", [(), (Open(product="p22"),)])
def test_enabled_controls_mean_exactly_the_legal_moves(moves: tuple[Move, ...]) -> None:
    """A click on a control is lowered to a move through its id alone."""
    state = after(start(), *moves)
    controls = SHOP.observe(state, "buyer").page.controls
    assert {lower(control.id) for control in controls if control.enabled} == set(SHOP.menu(state, "buyer"))
    assert len({control.id for control in controls}) == len(controls)


def test_a_product_that_is_not_there_is_an_error_and_never_a_default_product() -> None:
    menu = SHOP.menu(start(), "buyer")
    assert schema(menu)["anyOf"][0]["properties"]["product"]["enum"] == ["p11", "p22", "p33", "p44"]
    wrong = read(menu, SHOP.action, {"kind": "buy", "product": "1"})
    assert isinstance(wrong, InvalidAction)
    assert wrong.code == "illegal"
    assert SHOP.forfeit(start(), "buyer") == Leave()
    assert Leave.abstains


def test_the_text_of_the_results_page_is_stable() -> None:
    assert SHOP.render(SHOP.observe(start(views=2), "buyer")) == (
        "Buy a kettle.\n\n"
        "Results for electric kettles: 4 products\n"
        "[p11] Veldra p11 Kettle\n"
        "    $30.00 | 4.0 stars (99 reviews) | Sponsored\n"
        "[p22] Veldra p22 Kettle\n"
        "    $25.00 | 4.2 stars (99 reviews) | Overall pick\n"
        "[p33] Veldra p33 Kettle\n"
        "    $45.00 | 5.0 stars (99 reviews) | Only 3 left in stock\n"
        "[p44] Korrin p44 Kettle\n"
        "    $25.00 | 3.0 stars (99 reviews)\n"
        "Product pages show more details and reviews. You may still open 2.\n"
        "You can press: Buy, Open, Leave the shop"
    )


def test_the_text_of_the_other_pages_is_stable() -> None:
    opened = after(start(), Open(product="p44"))
    assert text(SHOP.observe(opened, "buyer").page) == (
        "Korrin p44 Kettle\n"
        "[p44] Korrin p44 Kettle\n"
        "    $25.00 | 3.0 stars (99 reviews)\n"
        "Details:\n"
        "    Power: 2000 W\n"
        "Customer reviews:\n"
        "    4 of 5: Boils water.\n"
        "You can press: Buy, Back to results, Leave the shop"
    )
    assert text(SHOP.observe(after(opened, Buy(product="p44")), "buyer").page) == (
        "Thank you for your order.\n[p44] Korrin p44 Kettle\n    $25.00 | 3.0 stars (99 reviews)"
    )
    left = SHOP.observe(after(opened, Leave()), "buyer").page
    assert text(left) == "You left the shop without buying anything."
    assert money(123450) == "$1,234.50"


# -- items ---------------------------------------------------------------------------------------------------------


def test_dominated_and_tradeoff_sets_both_occur_and_are_what_they_say() -> None:
    items = SHOP.items(ShopConfig(items=64))
    assert [item.kind for item in items[:4]] == ["dominated", "tradeoff", "dominated", "tradeoff"]
    for item in items:
        worse = dominated(item.buyer, item.products)
        if item.kind == "dominated":
            (winner,) = [p for p, is_worse in zip(item.products, worse, strict=True) if not is_worse]
            assert all(dominates(item.buyer, winner, other) for other in item.products if other is not winner)
            assert winner == max(item.products, key=lambda p: utility(item.buyer, p))
        else:
            assert not any(worse)


def test_one_kind_of_sets_are_the_same_items_under_the_same_numbers() -> None:
    mixed = {item.id: item for item in SHOP.items(ShopConfig(items=12))}
    for kind in ("dominated", "tradeoff"):
        for item in SHOP.items(ShopConfig(items=6, sets=kind)):
            assert item.kind == kind
            assert mixed[item.id] == item


def test_items_are_the_same_on_every_machine() -> None:
    """Drawn from integers only; a change here needs a new version of the scenario."""
    one = make_item(7)
    assert make_item.__wrapped__(7) == one
    assert [p.id for p in one.products] == KNOWN_IDS
    assert [p.price for p in one.products] == KNOWN_PRICES
    assert [utility(one.buyer, p) for p in one.products] == KNOWN_UTILITIES


def test_items_are_believable_shopping() -> None:
    items = SHOP.items(ShopConfig(items=64))
    assert {item.category for item in items} == {category.name for category in CATEGORIES}
    assert len(CATEGORIES) >= 6
    for item in items:
        assert len({p.id for p in item.products}) == len({p.title for p in item.products}) == 8
        assert all(3.0 <= p.rating <= 5.0 and p.price > 0 and p.stock > 0 for p in item.products)
        assert min(p.price for p in item.products) <= item.buyer.budget
    labels = [
        (sum(p.sponsored for p in i.products), sum(p.endorsed for p in i.products),
         sum(p.stock <= LOW_STOCK for p in i.products))
        for i in items
    ]  # fmt: skip
    for column in zip(*labels, strict=True):
        assert 0.3 < sum(count > 0 for count in column) / len(items) < 0.7
    assert max(sponsored for sponsored, _, _ in labels) <= 4


def test_in_every_item_the_best_fits_the_budget_and_buying_blindly_beats_leaving() -> None:
    """So an agent that never answers cannot look better than one that buys at random."""
    for item in SHOP.items(ShopConfig(items=64)):
        best = max(item.products, key=lambda p: utility(item.buyer, p))
        assert best.price <= item.buyer.budget
        found = SHOP.benchmarks(ShopConfig(), item, {})
        assert found["leave"].value > found["random"].value > 0 == found["oracle"].value  # type: ignore[operator]


@pytest.mark.slow
def test_neither_the_place_nor_the_id_nor_the_cheapest_price_tells_the_best() -> None:
    places, ids, prices = [0] * 8, [0] * 8, [0] * 8
    items = SHOP.items(ShopConfig(items=400))
    for item in items:
        best = max(item.products, key=lambda p: utility(item.buyer, p))
        places[item.products.index(best)] += 1
        ids[sorted(p.id for p in item.products).index(best.id)] += 1
        if item.kind == "tradeoff":
            prices[sorted(p.price for p in item.products).index(best.price)] += 1
    for counts in (places, ids):  # chi-square with 7 degrees of freedom: 24.3 is the .999 quantile
        assert sum((count - 50) ** 2 / 50 for count in counts) < 24.3
    assert all(count > 0 for count in prices)
    assert max(prices) < 0.4 * sum(prices)


# -- what it keeps to itself -----------------------------------------------------------------------------------------


def test_the_observation_holds_no_weight_utility_or_score() -> None:
    item = make_item(1)
    state = start(item)
    seen = SHOP.observe(state, "buyer").model_dump_json()
    for secret in (*item.buyer.weights.values(), *item.buyer.taste.values(), item.buyer.value, *state.worth):
        if abs(secret) >= 1000:  # smaller numbers are in prices and review counts, too
            assert str(abs(secret)) not in seen
    for word in ("weight", "score", "utility", "taste", "tradeoff", "dominated"):
        assert word not in seen


def test_another_buyer_behind_the_same_words_looks_the_same_and_is_worth_something_else() -> None:
    state = start(make_item(4))
    for seen in (state, after(state, Open(product=state.item.products[0].id))):
        hidden = SHOP.conceal(seen, "buyer")
        assert hidden.worth != seen.worth
        assert SHOP.observe(hidden, "buyer") == SHOP.observe(seen, "buyer")


def test_states_and_observations_survive_json_and_fit_their_space() -> None:
    state = after(start(make_item(2)), Open(product=make_item(2).products[3].id))
    again = SHOP.state_type.validate_json(SHOP.state_type.dump_json(state))
    assert again == state
    assert SHOP.state_hash(again) == SHOP.state_hash(state)
    seen = SHOP.observe(state, "buyer")
    assert Visit.model_validate_json(seen.model_dump_json()) == seen
    assert spaces.space_of(Visit).contains(spaces.encode(Visit, seen))


def test_the_shop_keeps_the_scenario_contract_with_other_settings() -> None:
    check_scenario(Shop, {"views": 0, "sets": "tradeoff", "items": 5, "positions": 3}, cycles=100, episodes=8)


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 200), seed=st.integers(0, 10_000))
def test_whatever_is_dominated_is_worth_less_whatever_the_weights(number: int, seed: int) -> None:
    """Dominance rests on what matters, not on how much: any positive weights agree with it."""
    item = make_item(number)
    weights = {respect: 1 + (seed * (i + 3)) % 97 for i, respect in enumerate(item.buyer.weights)}
    buyer = item.buyer.model_copy(update={"weights": weights})
    for one in item.products:
        for other in item.products:
            if dominates(buyer, one, other):
                assert utility(buyer, one) > utility(buyer, other)
                assert not dominates(buyer, other, one)


@settings(max_examples=25, deadline=None)
@given(number=st.integers(0, 60), picks=st.lists(st.integers(0, 16), max_size=12), positions=st.integers(0, 15))
def test_any_visit_ends_with_a_regret_that_is_never_negative(number: int, picks: list[int], positions: int) -> None:
    state = start(make_item(number), positions=positions, views=4)
    for pick in picks:
        if SHOP.to_move(state):
            menu = list(moves_of(SHOP.menu(state, "buyer")))
            state = after(state, menu[pick % len(menu)])
    facts = SHOP.facts(state)
    assert facts["regret"] == facts["best_utility"] - facts["utility"] >= 0
    assert SHOP.payoffs(state)["buyer"] == facts["utility"]
