"""Shopping tasks: the generated shop's population, tau2's exchanges and WebShop's goals, and the words of each."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from sandbox_env_market import ShopConfig, files, tau2, webshop
from sandbox_env_market.bill import SHIPPING
from sandbox_env_market.buyers import best_variant, utility
from sandbox_env_market.catalogue import RATING
from sandbox_env_market.goods import Goods, ShopItem
from sandbox_env_market.shelves import SHELVES
from sandbox_env_market.stock import stock_of
from sandbox_env_market.tasks import shopping_items, task

from sandbox.errors import DatasetError, InputError
from sandbox.text import canonical

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", "../shared/data")) / "aces"
SHOP = Goods(size=540)
KNOWN = "e0664c5bf3e03902"
PRECISIONS = ("exact", "attributes", "vague")


def utilities(item: ShopItem) -> dict[str, int]:
    """What having each product of the need sent is worth, in its best variant."""
    buyer = item.buyer.model_copy(update={"budget": item.buyer.budget - SHIPPING})
    goods = [one for one in stock_of(item.goods).products if one.category == buyer.need]
    return {one.id: utility(buyer, one, best_variant(buyer, one)) - SHIPPING for one in goods}


def config(**fields: object) -> ShopConfig:
    return ShopConfig.model_validate({"flow": "cart", "items": 36, "size": 540} | fields)


# -- the generated shop ------------------------------------------------------------------------------------------------


def test_the_population_is_fixed():
    """Known answers: a stored episode names its item by number."""
    items = shopping_items(config(goods="catalogue", precision="exact"))
    assert items[5] == task(5, SHOP, "exact")
    buyer = items[5].buyer
    assert (buyer.budget, buyer.value, dict(buyer.wants)) == (7800, -28000, {"Size: 45": 32438})
    told = canonical([item.model_dump(mode="json") for item in items])
    assert hashlib.sha256(told).hexdigest()[:16] == KNOWN


def test_an_item_holds_the_recipe_and_not_the_goods():
    for item in shopping_items(config(goods="catalogue")):
        assert (item.products, item.goods, item.kind) == ((), SHOP, "open")
        assert len(item.model_dump_json()) < 1500


def test_every_shelf_is_asked_for_and_its_name_finds_what_is_needed():
    items = shopping_items(config(goods="catalogue"))
    assert {item.category for item in items} == {shelf.category.name for shelf in SHELVES}
    for item in items:
        assert set(utilities(item)) <= set(stock_of(item.goods).search(item.query))


def test_one_product_is_the_best_and_buying_can_be_wrong():
    for number in range(36):
        worth = sorted(utilities(task(number, SHOP, "vague")).values())
        assert worth[-1] > max(worth[-2], 0)
    everything = [cents for number in range(36) for cents in utilities(task(number, SHOP, "vague")).values()]
    assert 0.25 < sum(cents > 0 for cents in everything) / len(everything) < 0.75


def test_neither_the_cheapest_nor_the_best_rated_is_the_best_as_a_rule():
    hits = {"price": 0, "rating": 0}
    for number in range(36):
        worth = utilities(task(number, SHOP, "vague"))
        goods = [stock_of(SHOP).by_id[name] for name in worth]
        best = max(worth, key=worth.__getitem__)
        hits["price"] += min(goods, key=lambda one: one.price).id == best
        hits["rating"] += max(goods, key=lambda one: (one.rating, one.reviews)).id == best
    assert hits["price"] < 12
    assert hits["rating"] < 12


def test_precisions_are_words_for_the_same_buyer():
    for number in range(18):
        exact, attributes, vague = (task(number, SHOP, precision) for precision in PRECISIONS)
        assert exact.buyer == attributes.buyer == vague.buyer
        assert len(exact.task) > len(attributes.task) > len(vague.task)


def test_exact_words_give_the_utility_away_to_the_cent():
    """Whoever can read and reckon needs no other knowledge of the buyer."""
    for number in range(36):
        item = task(number, SHOP, "exact")
        buyer, told = item.buyer, item.task
        money = {int(a.replace(",", "")) * 100 + int(b) for a, b in re.findall(r"\$([\d,]+)\.(\d\d)", told)}
        fit = sum(cents for option, cents in buyer.wants.items() if not option.startswith("Colour"))
        assert {100 * weight for weight in buyer.weights.values()} <= money
        assert {buyer.budget, buyer.value + fit, *map(abs, buyer.taste.values()), *buyer.wants.values()} <= money
        assert (f"within {buyer.deadline} days: each day later costs" in told) == bool(buyer.deadline)
        assert {buyer.late} <= money or not buyer.deadline
        assert all(option.partition(": ")[2] in told for option in buyer.wants)


def test_words_of_attributes_give_no_amount_but_the_budget():
    for number in range(36):
        item = task(number, SHOP, "attributes")
        assert len(re.findall(r"\$", item.task)) == 1
        for brand in item.buyer.taste:
            assert brand in item.task
        needs = {RATING: "how well other buyers rate it"} | {
            attribute.name: attribute.need
            for shelf in SHELVES
            if shelf.category.name == item.category
            for attribute in shelf.category.attributes
        }
        places = [item.task.index(needs[respect]) for respect in item.buyer.weights]
        assert places == sorted(places)  # the first matters most


def test_vague_words_leave_attributes_and_brands_out_but_never_the_size():
    for number in range(36):
        item = task(number, SHOP, "vague")
        assert not any(brand in item.task for brand in item.buyer.taste)
        assert "matters" not in item.task
        sizes = [o.partition(": ")[2] for o in item.buyer.wants if not o.startswith("Colour")]
        assert all(f" {size}." in item.task for size in sizes)


def test_a_piece_in_another_size_is_worth_less_than_nothing():
    item = task(5, SHOP, "vague")
    [size] = [option for option in item.buyer.wants if option.startswith("Size")]
    goods = [one for one in stock_of(SHOP).products if one.category == item.category]
    others = [(one, variant) for one in goods for variant in one.variants if size not in variant.name]
    assert others
    assert all(utility(item.buyer, one, variant) < 0 for one, variant in others)


def test_the_smallest_shop_has_tasks_too():
    assert all(max(utilities(task(number, Goods(size=20), "vague")).values()) > 0 for number in range(18))


# -- tau2 --------------------------------------------------------------------------------------------------------------

DB = {
    "products": {
        "1": {
            "name": "Mug",
            "product_id": "1",
            "variants": {
                "10": {"item_id": "10", "options": {"color": "red", "size": "S"}, "available": True, "price": 10.5},
                "11": {"item_id": "11", "options": {"color": "blue", "size": "S"}, "available": True, "price": 12},
                "12": {"item_id": "12", "options": {"color": "red, dark", "size": "L"}, "available": False, "price": 9},
            },
        },
        "2": {
            "name": "Hat",
            "product_id": "2",
            "variants": {"20": {"item_id": "20", "options": {}, "available": True, "price": 30}},
        },
    }
}


def exchange(name: str, *pairs: tuple[str, str], action: str = "exchange_delivered_order_items") -> dict[str, object]:
    arguments = {"item_ids": [old for old, _ in pairs], "new_item_ids": [new for _, new in pairs]}
    return {
        "id": name,
        "user_scenario": {"instructions": {"reason_for_call": "Blue, please."}},
        "evaluation_criteria": {"actions": [{"name": action, "arguments": arguments}]},
    }


@pytest.fixture
def shop(tmp_path):
    """A shop of two products, and the tasks beside it."""

    def write(*tasks: dict[str, object], db: object = DB) -> str:
        (tmp_path / "db.json").write_text(json.dumps(db))
        (tmp_path / "tasks.json").write_text(json.dumps(tasks))
        return str(tmp_path / "db.json")

    return write


def test_tau2_s_products_come_with_their_variants(shop):
    path = shop(exchange("0", ("10", "11")))
    [item] = files.items_in(path, "exact", SHOP)
    mug, hat = stock_of(item.goods).products
    assert (mug.title, mug.category, mug.price, mug.rating, mug.reviews) == ("Mug", "mug", 900, 0, 0)
    assert [(v.id, v.name, v.extra, v.stock > 0) for v in mug.variants] == [
        ("10", "color: red, size: S", 150, True),
        ("11", "color: blue, size: S", 300, True),
        ("12", "color: red; dark, size: L", 0, False),
    ]
    assert hat.price == 3000


def test_a_tau2_exchange_becomes_a_purchase_that_only_the_picked_variant_satisfies(shop):
    [item] = files.items_in(shop(exchange("0", ("10", "11"))), "attributes", SHOP)
    assert item.task == (
        "You have a Mug with color: red, size: S, and want another in its place. Buy one with color: blue, and "
        "otherwise the same. You can spend $19.00."
    )
    assert item.right == ()  # it names products, and the question is the variant: the regret tells
    mug = stock_of(item.goods).by_id["1"]
    assert best_variant(item.buyer, mug).id == "11"
    assert utility(item.buyer, mug, mug.variants[1]) > 0 > utility(item.buyer, mug, mug.variants[0])


def test_tau2_s_vague_words_are_the_customer_s_and_the_exact_ones_name_every_option(shop):
    path = shop(exchange("0", ("10", "11"), action="modify_pending_order_items"))
    assert "when you called the shop: Blue, please." in files.items_in(path, "vague", SHOP)[0].task
    assert "Buy the Mug with color: blue, size: S." in files.items_in(path, "exact", SHOP)[0].task


@pytest.mark.parametrize("fields", [{"flow": "direct"}, {"randomise": "price"}])
def test_a_whole_shop_from_a_file_needs_the_cart_and_no_randomised_sets(shop, fields):
    path = shop(exchange("0", ("10", "11")))
    assert len(shopping_items(config(goods=path))) == 1
    with pytest.raises(InputError, match="need `flow: cart` and no `randomise`"):
        shopping_items(config(goods=path, **fields))


def test_what_of_tau2_is_left_out_is_counted(shop):
    tasks = [
        exchange("0", ("10", "11"), ("11", "12"), ("10", "10"), ("10", "20"), ("10", "99")),
        exchange("1", ("10", "11"), action="cancel_pending_order"),
    ]
    assert tau2.covered("tasks.json", DB, tasks) == {
        "tasks": 2,
        "with an exchange": 1,
        "items": 1,
        "for a variant that is sold out": 1,
        "for the same variant": 1,
        "for another type of product": 1,
        "a variant that the shop does not have": 1,
    }
    assert len(files.items_in(shop(*tasks), "exact", SHOP)) == 1


def test_a_tau2_shop_with_faults_is_refused_with_all_of_them(shop, tmp_path):
    bad = json.loads(json.dumps(DB))
    bad["products"]["1"]["variants"]["10"]["price"] = -1
    bad["products"]["2"]["product_id"] = "a:b"
    with pytest.raises(DatasetError) as error:
        files.items_in(shop(exchange("0", ("10", "11")), db=bad), "exact", SHOP)
    where = [fault.partition(":")[0] for fault in error.value.faults]
    assert where == ["products.1.variants.10.price", "products.2.product_id"]
    path = shop()
    with pytest.raises(DatasetError, match="there is no shopping task in it"):
        files.items_in(path, "exact", SHOP)
    (tmp_path / "tasks.json").unlink()
    with pytest.raises(DatasetError, match=r"tasks\.json is needed beside it"):
        files.items_in(path, "exact", SHOP)


@pytest.mark.slow
def test_all_of_tau2_s_exchanges_become_items_that_their_solution_solves():
    path = DATA / "tau2_retail" / "db.json"
    if not path.is_file():
        pytest.skip(f"no {path}: set SANDBOX_TEST_DATA to the folder of reference data")
    document, tasks = (json.loads(path.with_name(name).read_text()) for name in ("db.json", "tasks.json"))
    assert tau2.covered(str(path), document, tasks) == {"tasks": 114, "with an exchange": 61, "items": 87}
    items = files.items_in(str(path), "exact", SHOP)
    assert len(items) == 87
    stock = stock_of(items[0].goods)
    assert len(stock.products) == 50
    for item in items:
        one = next(product for product in stock.products if product.category == item.query)
        bought = [(utility(item.buyer, one, variant), variant.id) for variant in one.variants if variant.stock]
        most, variant = max(bought)
        assert variant == item.id.split("/")[2]
        assert most > 0 >= sorted(bought)[-2][0]


# -- WebShop ----------------------------------------------------------------------------------------------------------


def goals(tmp_path: Path, *said: object) -> str:
    path = tmp_path / "human_goals.json"
    path.write_text(json.dumps(said))
    return str(path)


def test_a_webshop_goal_is_told_as_it_is_and_its_options_count(tmp_path):
    said = "i need a black t-shirt for men in size x-large, and price lower than 30.00 dollars"
    [item] = files.items_in(goals(tmp_path, "get me organic rice", said), "exact", SHOP)
    assert (item.id, item.task, item.category, item.goods) == ("1", said, "t-shirts", SHOP)
    assert set(item.buyer.wants) == {"Colour: black", "Size: XL"}
    assert item.buyer.budget == 3000
    best = max(utilities(item), key=utilities(item).__getitem__)
    assert best_variant(item.buyer, stock_of(SHOP).by_id[best]).name == "Colour: black, Size: XL"


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ("get me organic rice", "no category of ours"),
        ("a case for my wireless earbuds", "an accessory"),
        ("a keyboard and a backpack", "several categories"),
        ("i want a mint keyboard", "fit"),
    ],
)
def test_why_a_goal_is_left_out_is_counted(goal, reason):
    assert webshop.sorted_out("goals", [goal]) == {reason: 1}


def test_goals_that_are_no_sentences_are_refused_with_all_of_them(tmp_path):
    with pytest.raises(DatasetError) as error:
        files.items_in(goals(tmp_path, 1, "a mug", None, "x" * 20_001), "exact", SHOP)
    assert error.value.faults == ("goal 0: no text", "goal 2: no text", "goal 3: more than 20,000 characters")


@pytest.mark.parametrize("document", ["{", "3", '{"orders": {}}', "[]"])
def test_a_document_that_is_neither_is_refused(tmp_path, document):
    path = tmp_path / "x.json"
    path.write_text(document)
    with pytest.raises(DatasetError, match=r"not JSON: line 1|expected an object with `products`|no shopping task"):
        files.items_in(str(path), "exact", SHOP)


@pytest.mark.slow
def test_webshop_s_human_goals_are_sorted_as_documented():
    path = DATA / "webshop" / "human_goals.json"
    if not path.is_file():
        pytest.skip(f"no {path}: set SANDBOX_TEST_DATA to the folder of reference data")
    counts = webshop.sorted_out(str(path), json.loads(path.read_text()))
    assert sum(counts.values()) == 12_087
    assert f"goals published {counts['fit']} fit" in (webshop.__doc__ or "")
    assert len(files.items_in(str(path), "exact", SHOP)) == counts["fit"]
