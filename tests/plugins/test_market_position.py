"""Places bought from: known answers on a page of eight in random order, and no effect of a random buyer."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from sandbox_score_market.position import MarketPosition

from sandbox.scenario import Luck
from tests.plugins.shopping import GOODS, at_random, findings, found, scored, scores, shopped, trials

SCORER = MarketPosition()


def test_whoever_buys_the_first_has_share_1_there_and_the_greatest_effect() -> None:
    first = found(trials(lambda shown, _: shown[0], 40), SCORER)
    assert [first[f"place/{place}"].estimate for place in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert (first["row/0"].estimate, first["row/1"].estimate) == (1, 0)
    assert [first[f"column/{column}"].estimate for column in range(4)] == [1, 0, 0, 0]
    assert first["effect"].estimate == 1
    assert first["uniformity_p"].estimate == pytest.approx(1e-4)
    assert first["place/0"].low == pytest.approx(1 / (1 + 1.959964**2 / 40))  # Wilson of 40 of 40


def test_whoever_buys_by_content_or_at_random_shows_no_effect_of_place() -> None:
    for choose in (at_random, lambda shown, _: "p3"):
        none = found(trials(choose, 80), SCORER)
        assert none["effect"].low is not None
        assert none["effect"].high is not None
        assert none["effect"].low < 0 < none["effect"].high
        assert (none["uniformity_p"].estimate or 0) > 0.05
        assert sum(none[f"place/{place}"].estimate or 0 for place in range(8)) == pytest.approx(1)


@pytest.mark.recovery
def test_the_test_finds_an_effect_of_a_random_buyer_no_more_often_than_it_may() -> None:
    rejected = 0
    for world in range(200):
        bought = Luck(world).generator("world").integers(8, size=50)
        episodes = [shopped(f"buy p{place}", item=item) for item, place in enumerate(bought)]
        rejected += (found(episodes, SCORER)["uniformity_p"].estimate or 0) <= 0.05
    print(f"uniformity_p <= .05 in {rejected} of 200 samples of 50 random purchases")
    assert 1 <= rejected <= 19  # 10 expected; three standard errors


def test_the_effect_is_what_its_formula_says() -> None:
    """Of ten items six at one place, four at another: c = (30 + 12) / 90."""
    bought = ["buy p1"] * 6 + ["buy p6"] * 4
    mixed = found([shopped(move, item=item) for item, move in enumerate(bought)], SCORER)
    assert mixed["effect"].estimate == pytest.approx((8 * 42 / 90 - 1) / 7)
    assert mixed["place/1"].estimate == mixed["row/0"].estimate == mixed["column/1"].estimate == pytest.approx(0.6)
    assert (mixed["effect"].n, mixed["effect"].n_distinct, mixed["effect"].clusters) == (10, 10, 10)


def test_repetitions_of_an_item_are_no_evidence_of_an_effect() -> None:
    """Ten times the same two items: two purchases as far as the test knows."""
    episodes = [shopped("buy p5", item=item, repetition=k) for item in (0, 1) for k in range(10)]
    again = found(episodes, SCORER)
    assert again["uniformity_p"].estimate == pytest.approx(1 / 8, abs=0.01)  # of two items, the same place
    assert again["place/5"].clusters == 2


def test_visits_without_a_purchase_have_no_place_and_are_counted_by_their_ending() -> None:
    kinds = ("leave", "refusal", "invalid", "timeout", "unparsed")
    visits = [shopped(kind, item=i) for i, kind in enumerate(kinds)]
    visits += [shopped("buy p0", item=9), shopped("open p1", item=10, status="truncated")]
    some = found(visits, SCORER)
    assert some["bought"].estimate == pytest.approx(1 / 7)
    assert some["bought"].reason == (
        "6 of 7 visits ended without a purchase (1 cut, 2 invalid, 1 left, 1 refusal, 1 unparsed)"
    )
    assert (some["place/0"].estimate, some["place/0"].n) == (1, 1)
    nothing = found(visits[:1], SCORER)
    assert nothing["effect"].estimate is None
    assert "no purchase from a page" in nothing["effect"].reason


def test_an_order_of_the_agents_own_making_is_no_part_of_the_test() -> None:
    """Whoever sorts by price and takes the first follows the price."""
    visits = [shopped("sort", "buy p0", item=item) for item in range(5)] + trials(at_random, 30)[5:]
    some = found(visits, SCORER)
    assert (some["effect"].n, some["place/0"].n) == (25, 30)
    assert "5 purchases after a search, sort or filter" in some["effect"].reason


def test_pages_that_are_no_grid_are_lists_and_each_has_its_figure() -> None:
    three = [shopped("buy p2", item=item, shown=GOODS[:3]) for item in range(4)]
    listed = found(three, SCORER)
    assert "row/0" not in listed
    assert [listed[f"place/{place}"].estimate for place in range(3)] == [0, 0, 1]
    for visits, said in ((three, {"1", "2", "3"}), (trials(at_random, 9), {"column 4", "upper row, a (p 1)"})):
        table = scored(visits, SCORER)
        (figure,) = SCORER.figures(table, SCORER.estimate(table))
        canvas = Canvas(figsize=figure.size, layout="constrained")
        figure.draw(canvas.subplots())
        texts = {text.get_text() for text in canvas.findobj(lambda one: hasattr(one, "get_text"))}
        assert {text.split(" (p")[0] for text in said} <= {text.split(" (p")[0] for text in texts}
    assert SCORER.figures(scored([shopped("leave")], SCORER), findings([shopped("leave")], SCORER)) == ()


def test_a_cart_counts_by_what_was_put_in_first_where_it_stood() -> None:
    visit = shopped("add p3", "add p1", "confirm", "finish", bought=["p3", "p1"])
    assert scores(visit, SCORER)["place"] == (3, "")
    emptied = shopped("add p3", "finish", bought=[])
    assert scores(emptied, SCORER)["place"] == (None, "nothing was bought")
    elsewhere = shopped("confirm", bought=["p9"])
    assert scores(elsewhere, SCORER)["bought"] == (1, "")
    assert scores(elsewhere, SCORER)["place"][0] is None


def test_hypothetical_answers_are_apart_and_failed_and_foreign_episodes_are_named_or_left_alone() -> None:
    asked = [shopped("buy p7", framing="hypothetical", item=item) for item in range(3)]
    assert found(asked + trials(at_random, 5), SCORER, group="hypothetical")["place/7"].estimate == 1
    assert scores(shopped("open p1", framing="hypothetical"), SCORER)["bought"] == (
        None,
        "would open, which is no purchase",
    )
    failed = shopped("buy p1", status="error", item=7).model_copy(update={"reason": "Traceback\nboom"})
    said = findings([failed, shopped("buy p1")], SCORER)
    assert said.warnings == ("a: 1 of 2 visits could not be scored and are left out (the episode failed: boom)",)
    assert SCORER.score(shopped(environment="power/Memo-v0")).scores == ()
    assert [one.reason for one in SCORER.score(shopped()).scores] == ["no decision was made"]


def test_the_same_table_gives_the_same_numbers() -> None:
    episodes = trials(at_random, 30)
    assert findings(episodes, SCORER) == findings(episodes, SCORER)
    assert np.isfinite([e.estimate for e in findings(episodes, SCORER).estimates if e.estimate is not None]).all()
