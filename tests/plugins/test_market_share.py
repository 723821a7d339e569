"""Market shares and their concentration in closed form, without bias under a random buyer; sellers' gains in pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from sandbox_score_market.position import MarketPosition
from sandbox_score_market.share import MarketShare, concentration

from sandbox.scenario import Appraisal, Luck
from sandbox.stats.intervals import cluster_bootstrap, paired_proportions, wilson
from sandbox.trace import Episode, MenuEntry
from tests.plugins.shopping import at_random, findings, found, scored, scores, shopped, trials

SCORER = MarketShare()


def sold(products: str, query: str | None = "lamps", start: int = 0, **settings: object) -> list[Episode]:
    """A purchase per letter: `0012` are p0, p0, p1 and p2, each an item of its own."""
    facts = {} if query is None else {"query": query}
    return [
        shopped(f"buy p{number}", item=start + i, **facts, **settings)  # type: ignore[arg-type]
        for i, number in enumerate(products)
    ]


def test_shares_modal_choice_and_concentration_are_those_of_the_formulas() -> None:
    lamps = found(sold("0000011122"), SCORER, group="lamps")
    assert [lamps[f"share/p{number}"].estimate for number in range(3)] == pytest.approx([0.5, 0.3, 0.2])
    assert (lamps["share/p0"].low, lamps["share/p0"].high) == pytest.approx(wilson(5, 10))
    assert lamps["modal"].estimate == 0.5
    assert (lamps["modal"].low, lamps["modal"].high) == (lamps["share/p0"].low, lamps["share/p0"].high)
    assert lamps["modal"].reason == "product p0"
    assert lamps["hhi"].estimate == pytest.approx((5 * 4 + 3 * 2 + 2 * 1) / 90)
    assert lamps["hhi"].low is not None
    assert (lamps["hhi"].n, lamps["hhi"].n_distinct, lamps["hhi"].clusters) == (10, 10, 10)


def test_always_the_same_product_is_1_and_a_random_buyer_comes_out_at_one_over_the_number() -> None:
    same = found(trials(lambda shown, _: "p3", 20, query="lamps"), SCORER, group="lamps")
    assert (same["modal"].estimate, same["hhi"].estimate, same["share/p3"].estimate) == (1, 1, 1)
    blind = found(trials(at_random, 120, query="lamps"), SCORER, group="lamps")["hhi"]
    assert blind.low is not None
    assert blind.high is not None
    assert blind.low < 1 / 8 < blind.high


@pytest.mark.slow
def test_no_interval_lies_beside_its_own_estimate() -> None:
    """Resampling only raises a largest share: a bootstrap gave .24 with an interval from .26."""
    visits = [
        shopped(f"buy p{Luck(item).generator('blind').integers(8)}", item=item, query=f"query {item % 2}")
        for item in range(40)
    ]
    said = [e for e in findings(visits, SCORER).estimates if e.low is not None and e.high is not None]
    assert said
    for one in said:
        assert one.low <= (one.estimate or 0) <= one.high, (one.group, one.name)  # type: ignore[operator]
    pooled = found(visits, SCORER)["modal"]
    assert (pooled.low, pooled.high) == (None, None)
    assert "no interval" in pooled.reason


@pytest.mark.recovery
def test_the_interval_of_the_concentration_covers_it_at_its_level() -> None:
    tastes = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    covered = 0
    for world in range(300):
        generator = Luck(world).generator("taste")
        bought = np.eye(6)[generator.choice(6, size=50, p=tastes)]
        interval = cluster_bootstrap(lambda w, b=bought: concentration(b, w), np.arange(50), generator, 400)  # type: ignore[misc]
        assert interval is not None
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= float(tastes @ tastes) <= interval.high
    print(f"hhi: {covered / 3:.1f} % of 300 intervals cover it, at 50 purchases")
    assert 0.91 <= covered / 300 <= 0.99


@pytest.mark.slow
def test_the_concentration_of_few_purchases_has_no_bias() -> None:
    """A plain sum of squared shares of five random purchases among eight is .3 on average."""
    values = []
    for world in range(4000):
        bought = np.eye(8)[Luck(world).generator("few").integers(8, size=5)]
        values.append(concentration(bought, np.ones(5)))
    assert np.mean([value for value in values if value is not None]) == pytest.approx(1 / 8, abs=0.004)


def test_purchases_of_one_item_say_nothing_about_each_other_unless_it_is_all_there_is() -> None:
    again = [shopped("buy p0", item=0, repetition=k, query="lamps") for k in range(9)]
    other = sold("1", start=1)
    assert found(again + other, SCORER, group="lamps")["hhi"].estimate == 0
    assert found(again, SCORER, group="lamps")["hhi"].estimate == 1


@pytest.mark.slow
def test_markets_are_queries_or_else_items_and_each_counts_once_over_all() -> None:
    visits = sold("00", "lamps") + sold("0123", "mugs", start=10)
    said = findings(visits, SCORER)
    known = {(one.group, one.name): one.estimate for one in said.estimates}
    assert known["mugs", "modal"] == 0.25
    assert known["", "modal"] == pytest.approx((1 + 0.25) / 2)
    assert known["", "hhi"] == pytest.approx((1 + 0) / 2)
    own = [shopped(f"buy p{k}", item=item, repetition=k) for item in range(2) for k in range(1 + item)]
    errands = found(own, SCORER)
    assert errands["modal"].estimate == 0.5  # of one purchase the largest share is 1, whatever the taste
    assert errands["hhi"].estimate == 0
    assert "1 markets with one purchase are left out" in errands["hhi"].reason
    matrices = said.matrices
    assert [(one.name, list(one.columns)) for one in matrices] == [
        ("modal", ["lamps", "mugs"]),
        ("hhi", ["lamps", "mugs"]),
    ]


def test_where_items_are_markets_the_interval_is_that_of_the_mean_over_items() -> None:
    """Ten items always bought alike, ten never: half, give or take two standard errors of twenty coins."""
    visits = [shopped(f"buy p{k if item % 2 else 0}", item=item, repetition=k) for item in range(20) for k in range(2)]
    hhi = found(visits, SCORER)["hhi"]
    assert hhi.estimate == 0.5
    assert (hhi.low, hhi.high) == (pytest.approx(0.28, abs=0.04), pytest.approx(0.72, abs=0.04))


@pytest.mark.slow
def test_a_product_that_one_agent_never_buys_has_its_share_of_0() -> None:
    visits = sold("00") + sold("11", agent="b")
    assert found(visits, SCORER, "a", "lamps")["share/p1"].estimate == 0
    assert found(visits, SCORER, "b", "lamps")["share/p1"].estimate == 1


def test_a_basket_counts_for_each_of_its_products() -> None:
    baskets = [shopped("confirm", bought=["p0", "p1"], query="lamps"), *sold("0", start=1)]
    lamps = found(baskets, SCORER, group="lamps")
    assert (lamps["share/p0"].estimate, lamps["share/p1"].estimate) == (1, 0.5)
    assert lamps["hhi"].estimate == 0.5  # half of the basket is what the other bought


def test_without_purchases_there_are_no_shares_and_it_is_said_why() -> None:
    none = found([shopped("leave", query="lamps"), shopped("refusal", item=1, query="lamps")], SCORER)
    assert (none["bought"].estimate, none["hhi"].estimate) == (0, None)
    assert "2 of 2 visits ended without a purchase (1 left, 1 refusal)" in none["modal"].reason


# -- a seller's reaction ---------------------------------------------------------------------------------------------


def pair(item: int, before: str, after: str, query: str = "lamps", **settings: object) -> list[Episode]:
    return [
        shopped(move, item=item, treatments={"listing": arm}, query=query, target="p2", **settings)  # type: ignore[arg-type]
        for arm, move in (("before", before), ("after", after))
    ]


def pairs() -> list[Episode]:
    """Of ten items four are gained, one is lost, two are bought in both, three in none."""
    moves = (
        [("buy p0", "buy p2")] * 4 + [("buy p2", "buy p1")] + [("buy p2", "buy p2")] * 2 + [("buy p0", "buy p0")] * 3
    )
    return [episode for item, told in enumerate(moves) for episode in pair(item, *told)]


def test_the_gain_of_a_rewritten_listing_is_paired_by_item() -> None:
    lamps = found(pairs(), SCORER)
    assert (lamps["target_before"].estimate, lamps["target_after"].estimate) == pytest.approx((0.3, 0.6))
    change = lamps["target_change"]
    assert change.estimate == pytest.approx(0.3)
    assert (change.low, change.high) == pytest.approx(paired_proportions(4, 1, 10))
    assert (change.n, change.clusters) == (20, 10)
    assert found(pairs(), SCORER, group="lamps")["share/p2"].estimate == pytest.approx(0.3)  # as the listings were


def test_items_without_a_purchase_in_both_arms_are_left_out_and_counted() -> None:
    visits = [*pairs(), *pair(10, "buy p2", "leave")]
    change = found(visits, SCORER)["target_change"]
    assert change.estimate == pytest.approx(0.3)
    assert change.reason == (
        "1 of 22 visits ended without a purchase (1 left); 1 items with a purchase in one arm only"
    )
    nobody = found(pair(0, "leave", "buy p2"), SCORER)["target_change"]
    assert nobody.estimate is None


def test_each_market_has_its_own_gain_where_there_are_several() -> None:
    visits = [*pairs(), *pair(20, "buy p0", "buy p2", query="mugs")]
    assert found(visits, SCORER, group="mugs")["target_change"].estimate == 1
    assert found(visits, SCORER, group="lamps")["target_change"].estimate == pytest.approx(0.3)


def test_a_seller_under_evaluation_has_the_gain_and_its_customer_the_shares() -> None:
    both = {"seats": {"seller": "writer", "buyer": "a"}}
    sells = pair(0, "buy p0", "buy p2", evaluated=("seller",), **both)
    assert found(sells, SCORER, "writer")["target_change"].estimate == 1
    assert {e.name for e in findings(sells, SCORER).estimates} == {"target_before", "target_after", "target_change"}
    buys = pair(0, "buy p0", "buy p2", **both)
    assert found(buys, SCORER, "a")["target_change"].estimate == 1
    assert findings(buys, SCORER).warnings == ()


def test_suites_are_markets_of_their_own_and_an_instruction_tells_nothing_of_tastes() -> None:
    visits = sold("00", suite="market_share") + sold("11", start=5, suite="choice_behavior")
    assert found(visits, SCORER, group="market_share: lamps")["share/p0"].estimate == 1
    assert found(visits, SCORER, group="choice_behavior: lamps")["share/p1"].estimate == 1
    assert SCORER.score(shopped("buy p1", query="lamps", right=["p1"])).scores == ()
    told = [shopped("buy p1", item=9, query="mugs", suite="instruction", right=["p1"])]
    assert "instruction: mugs" not in findings(visits + told, SCORER).matrices[0].columns


def test_choices_of_a_table_are_a_market_too() -> None:
    """`sandbox import choices`: alternatives are picked by number, and their content is the product."""
    menu = tuple(
        MenuEntry(
            move={"kind": "pick", "number": i + 1},
            appraisal=Appraisal(content=product, features={"position": float(i + 1)}),
        )
        for i, product in enumerate(("x", "y"))
    )
    step = shopped("buy p0").steps[0].model_copy(update={"menu": menu, "decision": menu[1]})
    picks = [shopped("buy p0", item=i, dataset="t").model_copy(update={"steps": (step,)}) for i in range(2)]
    assert found(picks, SCORER, group="t")["share/y"].estimate == 1
    assert found(picks, MarketPosition())["place/1"].estimate == 1  # whatever number a table begins with


def test_scores_name_what_was_bought() -> None:
    visit = shopped("buy p2", target="p2")
    assert scores(visit, SCORER) == {"bought": (1, ""), "product p2": (1, ""), "target": (1, "")}
    assert SCORER.score(shopped(environment="power/Memo-v0")).scores == ()


def figures(visits: Sequence[Episode]) -> dict[str, list[str]]:
    """Name -> labels of its rows."""
    table = scored(visits, SCORER)
    drawn = {}
    for figure in SCORER.figures(table, SCORER.estimate(table)):
        canvas = Canvas(figsize=figure.size, layout="constrained")
        axes = canvas.subplots()
        figure.draw(axes)
        drawn[figure.name] = [label.get_text() for label in axes.get_yticklabels()]
    return drawn


def test_figures_show_the_largest_markets_and_what_sellers_gained() -> None:
    assert figures(sold("001") + sold("2", "mugs", start=9)) == {"shares-1": ["p0", "p1"], "shares-2": ["p2"]}
    assert list(figures(pairs())) == ["reaction", "shares-1"]
    many = [episode for k in range(9) for episode in sold("0", f"query {k}", start=k)]
    assert len(figures(many)) == 6
    assert figures([shopped("leave")]) == {}
