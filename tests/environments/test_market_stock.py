"""The generated shop: its goods are believable, its words are true, and its search finds what is there."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter

import numpy as np
import pytest
from sandbox_env_market import shelves, words
from sandbox_env_market.catalogue import CATEGORIES, RATING, Product
from sandbox_env_market.generator import BEST_SELLER, generated, product_id
from sandbox_env_market.goods import Goods, make_item
from sandbox_env_market.moves import Filter, Sort
from sandbox_env_market.stock import FILTERS, SORTS, Stock, stock_of

from sandbox.errors import InputError
from sandbox.text import canonical

SHOP = generated(0, 1800)
KNOWN = "d00e08c73c2acdf1"


def product(name: str, price: int = 1000, **fields: object) -> Product:
    """A hand-made product."""
    plain = {"brand": "Veldra", "title": name, "rating": 4.0, "reviews": 10, "sponsored": False, "endorsed": False}
    rest = {"id": name, "price": price, "stock": 9, "specs": (), "comments": (), "scores": {}}
    return Product.model_validate(plain | rest | fields)


def digest(products: tuple[Product, ...]) -> str:
    """Of all that there is to a product."""
    return hashlib.sha256(canonical([one.model_dump(mode="json") for one in products])).hexdigest()[:16]


def test_the_same_seed_gives_the_same_shop_on_any_machine():
    """A known digest of it all: stored episodes hold the recipe only."""
    assert digest(SHOP[:180]) == KNOWN


def test_a_larger_shop_begins_with_the_smaller_and_another_seed_is_another_shop():
    assert generated(0, 300) == SHOP[:300]
    assert not {one.id for one in SHOP} & {one.id for one in generated(1, 20)}
    assert {one.title for one in generated(1, 300)} != {one.title for one in SHOP[:300]}


def test_ids_are_unique_and_short():
    assert len({product_id(number, 3) for number in range(50_000)}) == 50_000
    assert all(len(one.id) <= 16 and one.id.isalnum() for one in SHOP)
    assert all(len(variant.id) <= 16 and ":" not in variant.id for one in SHOP for variant in one.variants)


def test_there_are_eighteen_categories_and_the_errands_keep_their_eight():
    assert [shelf.category for shelf in shelves.SHELVES[:8]] == list(CATEGORIES)
    assert Counter(one.category for one in SHOP) == {shelf.category.name: 100 for shelf in shelves.SHELVES}
    assert {make_item(number).category for number in range(32)} == {category.name for category in CATEGORIES}


@pytest.mark.parametrize("shelf", shelves.SHELVES, ids=lambda shelf: shelf.category.name)
def test_price_and_quality_go_together_but_neither_gives_the_other_away(shelf):
    goods = [one for one in SHOP if one.category == shelf.category.name]
    merits = [sum(points for respect, points in one.scores.items() if respect != RATING) for one in goods]
    prices = [one.price for one in goods]
    assert 0.6 < np.corrcoef(merits, prices)[0, 1] < 0.95
    assert 0.1 < np.corrcoef(merits, [one.rating for one in goods])[0, 1] < 0.8
    assert shelf.category.cheapest - 100 <= min(prices) < max(prices) <= shelf.category.dearest
    assert statistics.median(prices) < (shelf.category.cheapest + shelf.category.dearest) / 2  # most are not dear


def test_ratings_are_skewed_and_reviews_log_normal_as_in_shops():
    ratings = [one.rating for one in SHOP]
    assert 3.9 < statistics.mean(ratings) < statistics.median(ratings) < 4.5
    assert min(ratings) < 3 < 4.8 < max(ratings) <= 5
    logs = np.log([one.reviews for one in SHOP])
    assert abs(float(np.mean((logs - logs.mean()) ** 3)) / logs.std() ** 3) < 0.35  # symmetric in logarithms
    assert 1 < logs.std() < 2


def test_makers_have_tiers_of_quality_and_price():
    tiers = {maker.name: i % 3 for i, maker in enumerate(shelves.MAKERS)}
    by_tier = [[one for one in SHOP if tiers[one.brand] == tier] for tier in (0, 1, 2)]
    merits = [statistics.mean(statistics.mean(one.scores.values()) for one in goods) for goods in by_tier]
    assert merits[0] + 5 < merits[1] < merits[2] - 5


def test_prices_end_as_prices_do_and_leave_the_seller_a_margin():
    endings = Counter(one.price % 100 for one in SHOP)
    assert set(endings) == {99, 95, 90, 49, 0}
    assert endings[99] > len(SHOP) / 3
    assert all(0.25 < one.cost / one.price < 0.75 for one in SHOP)


def test_labels_mean_nothing_but_best_sellers_have_many_reviews():
    assert all(one.best_seller == (one.reviews >= BEST_SELLER) for one in SHOP)
    paid, unpaid = ([np.mean(list(p.scores.values())) for p in SHOP if p.sponsored is label] for label in (True, False))
    assert abs(np.mean(paid) - np.mean(unpaid)) < 4 * np.std(unpaid) / len(paid) ** 0.5
    assert 0.09 < len(paid) / len(SHOP) < 0.16


def test_every_product_is_in_stock_in_some_variant_and_some_variants_are_sold_out():
    for one in SHOP:
        assert one.stock > 0
        if one.variants:
            assert len({variant.id for variant in one.variants}) == len(one.variants) > 1
            assert sum(variant.stock for variant in one.variants) == one.stock
            assert one.variants[0].stock
    assert any(not variant.stock for one in SHOP for variant in one.variants)
    assert any(variant.extra for one in SHOP for variant in one.variants)


def test_no_review_says_anything_that_the_attributes_deny():
    """Every sentence about an attribute is of the band that its score is in."""
    checked = 0
    categories = {shelf.category.name: shelf.category for shelf in shelves.SHELVES}
    for one in SHOP:
        for attribute in categories[one.category].attributes:
            right = words.band(one.scores[attribute.name])
            for band in {0, 1, 2} - {right}:
                wrong = set(words.about(attribute, band)) - set(words.about(attribute, right))
                assert not any(sentence in comment.text for sentence in wrong for comment in one.comments)
            checked += any(s in c.text for s in words.about(attribute, right) for c in one.comments)
    assert checked > len(SHOP)


def test_stars_go_with_what_a_review_likes():
    for one in SHOP:
        category = next(shelf.category for shelf in shelves.SHELVES if shelf.category.name == one.category)
        for comment in one.comments:
            for attribute in category.attributes:
                if comment.text.startswith(words.about(attribute, 0)):
                    assert comment.stars <= 3
    stars = [(one.rating, statistics.mean(comment.stars for comment in one.comments)) for one in SHOP]
    assert np.corrcoef(*zip(*stars, strict=True))[0, 1] > 0.5


def test_descriptions_tell_the_numbers_of_the_table():
    assert all(spec.shown in one.description for one in SHOP for spec in one.specs)
    assert all(f"{one.delivery} day" in c.text for one in SHOP for c in one.comments if c.text.startswith("Here in"))


def test_there_are_thousands_of_different_sentences():
    assert len({comment.text for one in SHOP for comment in one.comments}) > 3000
    assert len({one.description for one in SHOP}) == len(SHOP)


# -- the search ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> Stock:
    return stock_of(Goods(size=1800))


def test_filters_and_orders_are_those_of_the_moves():
    assert set(SORTS) == set(Sort.model_fields["by"].annotation.__args__)
    assert set(FILTERS) == set(Filter.model_fields["by"].annotation.__args__)


def test_a_category_s_name_finds_all_of_it_and_nothing_else(shop):
    for shelf in shelves.SHELVES:
        found = shop.search(shelf.category.name)
        assert {one.id for one in shop.products if one.category == shelf.category.name} <= set(found)
        assert {shop.by_id[name].category for name in found[:100]} == {shelf.category.name}


def test_a_search_holds_all_words_whatever_their_case_and_number(shop):
    found = shop.search("a PAIR of blue running shoe, please")
    assert found == shop.search("pair blue running shoes")
    assert found
    for name in found:
        one = shop.by_id[name]
        said = f"{one.title} {one.description} {[variant.name for variant in one.variants]}".lower()
        assert all(word in said for word in ("pair", "blue", "running"))
    assert shop.search("running zebra") == ()


def test_relevance_puts_a_title_before_a_description_and_then_what_is_reviewed_more():
    stock = Stock(
        [
            product("mug", title="Mug", description="Not a kettle."),
            product("few", title="Kettle", reviews=5),
            product("many", title="Kettle", reviews=500),
        ]
    )
    assert stock.search("kettles") == ("many", "few", "mug")


def test_without_words_relevance_is_the_given_order(shop):
    assert shop.search() == tuple(one.id for one in shop.products)


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("price_up", lambda one: one.price),
        ("price_down", lambda one: -one.price),
        ("rating", lambda one: -one.rating),
        ("reviews", lambda one: -one.reviews),
        ("delivery", lambda one: one.delivery),
    ],
)
def test_orders_sort_by_what_they_say_and_equals_by_relevance(shop, sort, key):
    relevant = shop.search("kettle")
    assert list(shop.search("kettle", {}, sort)) == sorted(relevant, key=lambda name: key(shop.by_id[name]))


def test_what_does_not_say_its_delivery_comes_last():
    stock = Stock([product("unsaid"), product("slow", delivery=9), product("fast", delivery=1)])
    assert stock.search("", {}, "delivery") == ("fast", "slow", "unsaid")


def test_filters_pass_what_they_say(shop):
    filters = {"brand": "Korrin", "rating": "4.2", "price": "2000-", "delivery": "3"}
    found = set(shop.search("", filters))
    expected = {
        one.id
        for one in shop.products
        if one.brand == "Korrin" and one.rating >= 4.2 and one.price >= 2000 and 0 < one.delivery <= 3
    }
    assert found == expected != set()
    assert shop.search("", {"brand": ""}) == shop.search()


@pytest.mark.parametrize(
    ("filters", "sort", "said"),
    [
        ({"colour": "red"}, "relevance", "no filter 'colour'"),
        ({"price": "cheap"}, "relevance", "filter price: 'cheap' cannot be read; expected a value such as 2000-5000"),
        ({"rating": "nan"}, "relevance", "filter rating"),
        ({"delivery": "1e9"}, "relevance", "filter delivery"),
        ({}, "taste", "no order 'taste'"),
    ],
)
def test_what_cannot_be_searched_is_an_error_that_says_why(shop, filters, sort, said):
    with pytest.raises(InputError, match=said):
        shop.search("kettle", filters, sort)


def test_facets_narrow_what_was_found(shop):
    found = shop.search("headphones")
    facets = shop.facets(found)
    assert set(facets) == set(FILTERS)
    for by, options in facets.items():
        for option in options:
            assert 0 < len(shop.search("headphones", {by: option.value})) < len(found)
    assert shop.facets(found[:1]) == {}


def test_hostile_products_are_found_and_harm_nothing():
    """A title of a megabyte, right-to-left marks, control characters, an empty title, markup, no words at all."""
    texts = ["x " * 500_000 + "needle", "\u202egnikrow", "", "<script>lamp</script>", "\x00\x1b[31m", "🛒🛒", "\ud800"]
    stock = Stock([product(f"p{i}", title=text, brand="b" * 100_000 * (i == 0)) for i, text in enumerate(texts)])
    assert stock.search("lamp") == ("p3",)
    assert stock.search("x") == ("p0",)
    assert stock.search("needle") == ()  # beyond what is indexed of a field
    assert len(stock.search("", {}, "rating")) == 7
    assert stock.search("", {"brand": "nobody"}) == ()
    assert Stock([]).search("lamp") == ()


def test_the_same_recipe_is_built_once():
    assert stock_of(Goods(size=40)) is stock_of(Goods(size=40))


@pytest.mark.slow
def test_a_search_of_ten_thousand_products_agrees_with_a_look_at_each():
    stock = stock_of(Goods(size=10_000))
    for query in ("", "kettle", "black"):
        found = stock.search(query, {"rating": "4.5"}, "price_up")
        prices = [stock.by_id[name].price for name in found]
        assert prices == sorted(prices)
        assert len(found) == sum(
            one.rating >= 4.5 and (not query or query in f"{one.title} {one.description} {one.variants}".lower())
            for one in stock.products
        )
