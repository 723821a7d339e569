"""Tables of goods: ACES' columns and one's own, what becomes of them, and every fault in them."""

from __future__ import annotations

import builtins
import csv
from typing import Any

import pytest
from sandbox_env_market import Shop, files, tables
from sandbox_env_market.buyers import utility
from sandbox_env_market.goods import LOW_STOCK, Goods
from sandbox_env_market.stock import stock_of

from sandbox.checks import check_scenario
from sandbox.errors import DatasetError

ACES = {
    "sku": "B0AAAAAAA1",
    "title": "Mouse pad, large",
    "url": "https://shop.example/1",
    "image_url": "https://shop.example/1.jpg",
    "sponsored": "False",
    "rating": "4.6",
    "rating_count": "1024",
    "price": "12.99",
    "overall_pick": "False",
    "best_seller": "False",
    "limited_time": "False",
    "discounted": "False",
    "low_stock": "False",
    "stock_quantity": "5",
    "experiment_label": "price",
    "query": "mousepad",
    "experiment_number": "0",
    "position_in_experiment": "0",
    "assigned_position": "0",
    "desired_choice": "-1",
    "original_price": "15.00",
    "original_rating": "4.6",
    "original_rating_count": "1000",
}
OWN = {name: ACES[name] for name in ("sku", "query", "title", "price", "rating", "rating_count")}


@pytest.fixture
def table(tmp_path):
    """A CSV of rows; what they do not say is as in the first."""

    def write(*rows: dict[str, Any], base: dict[str, str] = ACES) -> str:
        path = tmp_path / "table.csv"
        names = list(dict.fromkeys([*base, *(name for row in rows for name in row)]))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(base | row for row in rows)
        return str(path)

    return write


def items(path: str):
    return files.items_in(path, "exact", Goods())


def faults(path: str) -> tuple[str, ...]:
    with pytest.raises(DatasetError) as error:
        items(path)
    return error.value.faults


def test_a_row_of_aces_becomes_a_product(table):
    path = table({"sponsored": "True", "overall_pick": "1", "best_seller": "yes", "discounted": "true"})
    [item] = items(path)
    [one] = item.products
    assert (item.id, item.category, item.query, item.goods) == ("mousepad/price/0", "mousepad", "mousepad", None)
    assert (one.id, one.title, one.price, one.rating, one.reviews) == (
        "B0AAAAAAA1",
        "Mouse pad, large",
        1299,
        4.6,
        1024,
    )
    assert (one.sponsored, one.endorsed, one.best_seller, one.was) == (True, True, True, 1500)
    assert item.task == "You want to buy one piece of this: mousepad."


def test_an_experiment_is_an_item_whose_products_stand_as_assigned(table):
    rows = [
        {"sku": f"S{place}", "experiment_number": str(trial), "assigned_position": str(place)}
        for trial in (3, 1)
        for place in (2, 0, 1)
    ]
    first, second = items(table(*rows))
    assert (first.id, second.id) == ("mousepad/price/3", "mousepad/price/1")
    assert [one.id for one in first.products] == ["S0", "S1", "S2"]


def test_only_what_is_scarce_says_how_many_are_left(table):
    """ACES has five in stock of products without the label, which our page would call low."""
    rows = [{"sku": "A"}, {"sku": "B", "low_stock": "True", "stock_quantity": "3"}, {"sku": "C", "low_stock": "True"}]
    [item] = items(table(*rows))
    assert [one.stock for one in item.products] == [LOW_STOCK + 1, 3, LOW_STOCK]


def test_one_s_own_table_needs_six_columns(table):
    [item] = items(table({}, {"sku": "other", "query": "mousepad"}, base=OWN))
    assert (item.id, len(item.products), item.right) == ("mousepad/0", 2, ())


def test_a_product_that_a_set_has_twice_gets_an_id_of_its_own(table):
    [item] = items(table({"sku": "A"}, {"sku": "A"}, {"sku": "A.2"}, {"sku": "A"}))
    assert [one.id for one in item.products] == ["A", "A.3", "A.2", "A.4"]


def test_the_desired_choice_is_right_and_what_the_instruction_rules_out_is_worth_nothing(table):
    rows = [
        {"sku": "A", "desired_choice": "1", "price": "30", "color": "red"},
        {"sku": "B", "desired_choice": "0", "price": "5", "color": ""},
    ]
    [item] = items(table(*rows))
    assert (item.right, item.suite, item.level) == (("A",), "price", "price")
    assert "It has to be red." in item.task
    wanted, other = (utility(item.buyer, one) for one in item.products)
    assert wanted > 0 > other


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ({"brand": "Acme"}, "It has to be of the brand Acme."),
        ({"budget": "20.5"}, "You cannot spend more than $20.50."),
        ({"cheapest": "True"}, "Buy the cheapest."),
    ],
)
def test_instructions_are_told(table, instruction, said):
    [item] = items(table(instruction | {"desired_choice": "1"}))
    assert said in item.task
    assert item.buyer.budget == (2050 if "budget" in instruction else 2 * 1299)


def test_rows_of_a_set_that_disagree_on_its_instruction_are_told_apart_from_a_product_s_brand(table):
    """`brand` is what people call the product's own; taken for the instruction it would make the first one right."""
    told = faults(table({"brand": "Acme"}, {"brand": "Zeta", "sku": "B"}, {"query": "other", "brand": "Zeta"}))
    assert [fault.partition(";")[0] for fault in told] == [
        "row 2, brand: 'Zeta', but row 1 of the same set says 'Acme'",
        "row 1, brand: 'Acme', but no product of the set has desired_choice 1",
        "row 3, brand: 'Zeta', but no product of the set has desired_choice 1",
    ]
    assert all("product_brand" in fault for fault in told)


def test_sets_whose_names_run_together_are_items_of_their_own(table):
    made = items(table({"query": "a/b", "experiment_label": ""}, {"query": "a", "experiment_label": "b"}))
    assert [item.id for item in made] == ["a%2Fb/0", "a/b/0"]


def test_what_is_right_has_a_suite_without_a_label_too(table):
    """Without a suite market/rationality would say nothing of it."""
    [item] = items(table({"desired_choice": "1"}, base=OWN))
    assert (item.suite, item.right) == ("table", ("B0AAAAAAA1",))


def test_the_stand_in_prefers_what_is_rated_better_or_costs_less_all_else_equal(table):
    rows = [{"sku": "A"}, {"sku": "B", "price": "12.98"}, {"sku": "C", "rating": "4.7"}, {"sku": "D", "rating": "4.5"}]
    [item] = items(table(*rows))
    plain, cheaper, better, worse = (utility(item.buyer, one) for one in item.products)
    assert worse < plain < cheaper < better
    assert worse > 0


def test_with_worth_the_utility_is_the_table_s_own(table):
    [item] = items(table({"sku": "A", "worth": "20"}, {"sku": "B", "worth": "3.50"}, base=OWN))
    assert [utility(item.buyer, one) for one in item.products] == [2000 - 1299, 350 - 1299]


def test_a_task_of_one_s_own_is_told_as_it_is(table):
    [item] = items(table({"task": "Get me a pad."}))
    assert item.task == "Get me a pad."


def test_all_faults_are_told_at_once_with_row_and_column(table):
    path = table(
        {"price": "$3", "rating": "5.1", "sponsored": "perhaps"},
        {"sku": "a:b", "rating_count": "1.5", "title": " "},
        {"price": "1e999999999", "rating": "nan", "limited_time": "True"},
        {"price": "", "desired_choice": "x", "stock_quantity": "1e999999999", "query": "q" * 201},
    )
    told = faults(path)
    where = [fault.partition(":")[0] for fault in told]
    assert sorted(where) == sorted(
        [
            *("row 1, price", "row 1, rating", "row 1, sponsored", "row 2, sku", "row 2, rating_count", "row 2, title"),
            *("row 3, price", "row 3, rating", "row 3, limited_time", "row 4, price", "row 4, desired_choice"),
            *("row 4, stock_quantity", "row 4, query", "row 4, query"),
        ]
    )
    assert "row 1, price: '$3'; expected dollars, such as 12.99, without sign or thousands' separator" in told


def test_a_thousand_faults_are_told_as_a_hundred_and_a_count(table):
    told = faults(table(*({"price": "x", "sku": f"s{i}"} for i in range(1000))))
    assert len(told) == 101
    assert told[-1] == "... and 900 more"


def test_missing_and_doubled_columns_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("title,price,price\na,1,2\n")
    told = faults(str(path))
    assert told[0] == "no column `sku`, and no `id`"
    assert set(told[1:]) == {
        "no column `query`",
        "no column `rating`",
        "no column `rating_count`",
        "column `price` is there twice",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no line of column names"),
        (b"sku,query,title,price,rating,rating_count\n", "no shopping task"),
        (b"sku,query,title,price,rating,rating_count\na,b\n", "row 1: 2 cells; the first line names 6"),
        (b'sku,query,title,price,rating,rating_count\n"a', "not a CSV table: line 2: unexpected end of data"),
        (b"sku;query;title;price;rating;rating_count\na;b;c;1;2;3\n", "separated by ';'; save it with commas"),
        (b"\xff\xfe\x00", "byte 0 is not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path, content, said):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        items(str(path))


def test_a_title_of_a_megabyte_and_other_hostile_text_is_kept_as_it_is(table):
    """In the goods, not in the item: what is in an item is hashed at every step."""
    title = "<script>" + "\u202e\U0001f6d2" * 500_000
    path = table({"title": title, "description": "\x1b[31m"}, {"sku": "B"})
    [item] = items(path)
    assert (item.products, item.goods.part) == ((), "mousepad/price/0")
    stock = stock_of(item.goods)
    assert stock.by_id["B0AAAAAAA1"].title == title
    assert set(stock.search("mousepad")) == {"B0AAAAAAA1", "B"}


def test_a_set_of_thousands_is_a_recipe_and_is_rebuilt_from_it(table):
    path = table(*({"sku": f"s{i}", "price": str(1 + i)} for i in range(300)))
    [item] = items(path)
    assert item.products == ()
    assert len(item.model_dump_json()) < 1000
    assert [one.price for one in stock_of(item.goods).products[:2]] == [100, 200]


def test_goods_whose_file_has_changed_are_refused(table):
    many = [{"sku": f"s{i}"} for i in range(200)]
    [item] = items(table(*many))
    path = table(*many, {"sku": "one more"[:3]})
    with pytest.raises(DatasetError, match=r"the episode was made of [0-9a-f]{64}: restore that file"):
        stock_of(item.goods)
    assert len(stock_of(items(path)[0].goods).products) == 201


def test_files_that_are_not_there_or_too_large_or_of_no_format_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="no such file under"):
        items("nowhere.csv")
    other = tmp_path / "goods.xlsx"
    other.write_text("x")
    with pytest.raises(DatasetError, match=r"expected a file that ends in \.csv, \.parquet or \.json"):
        items(str(other))
    monkeypatch.setattr(files, "LARGEST", 0)
    with pytest.raises(DatasetError, match="1 bytes; at most 0 are read"):
        items(str(other))


def test_too_many_rows_are_refused(table, monkeypatch):
    monkeypatch.setattr(tables, "ROWS", 2)
    with pytest.raises(DatasetError, match="more than 2 rows"):
        items(table({}, {}, {}))


def test_without_polars_a_parquet_file_is_refused_with_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "polars":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatasetError, match=r"pip install 'agent-eval-sandbox\[analysis\]', or save the table as CSV"):
        items(str(path))


@pytest.fixture
def polars():
    return pytest.importorskip("polars", reason="Parquet tables need polars: the extra `analysis`")


def test_parquet_and_nested_parquet_give_what_the_csv_gives(table, polars, tmp_path):
    """The published files have a row per experiment, with lists, and a picture that is not read."""
    rows = [{"sku": f"S{i}", "price": str(5 + i), "experiment_number": str(i // 8)} for i in range(16)]
    path = table(*rows)
    frame = polars.read_csv(path)
    frame.write_parquet(tmp_path / "flat.parquet")
    nested = frame.group_by("query", "experiment_label", "experiment_number", maintain_order=True).agg(polars.all())
    nested.with_columns(screenshot=polars.lit(b"JPEG")).write_parquet(tmp_path / "nested.parquet")
    assert items(path) == items(str(tmp_path / "flat.parquet")) == items(str(tmp_path / "nested.parquet"))
    nested.with_columns(polars.Series("price", [[0.0] * 8] * 2)).write_parquet(tmp_path / "bad.parquet")
    assert len(faults(str(tmp_path / "bad.parquet"))) == 16
    assert faults(str(tmp_path / "bad.parquet"))[9].startswith("row 2, product 2, price")
    nested.with_columns(polars.Series("price", [[1.0], [1.0, 2.0]])).write_parquet(tmp_path / "uneven.parquet")
    assert [fault[:42] for fault in faults(str(tmp_path / "uneven.parquet"))] == [
        "row 1: lists of different lengths (sku 8, ",
        "row 2: lists of different lengths (sku 8, ",
    ]


def test_what_is_no_parquet_is_refused(polars, tmp_path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(DatasetError, match="not a Parquet table"):
        items(str(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [{}, {"flow": "cart"}, {"randomise": "price,sponsored"}], ids=["direct", "cart", "drawn"]
)
def test_a_shop_of_a_table_keeps_every_promise_of_a_scenario(table, more):
    rows = [{"sku": f"S{i}", "price": str(5 + i), "rating": f"{3 + i / 8:.1f}"} for i in range(8)]
    check_scenario(Shop, {"goods": table(*rows), "items": 1} | more, cycles=100, episodes=4)


def test_aces_columns_are_all_known_or_said_not_to_be_read():
    """Whoever adds a column to the loader adds it to its table of columns."""
    said = tables.__doc__ or ""
    assert all(f"`{name}`" in said for name in tables._KNOWN)
