"""The way to a purchase: counts that are told move by move."""

from __future__ import annotations

import pytest
from sandbox_score_market.search import MarketSearch

from tests.plugins.shopping import GOODS, findings, found, scored, scores, shopped

SCORER = MarketSearch()
LONG = ("search", "filter", "filter", "sort", "open p1", "read_reviews", "back", "open p4", "open p1", "buy p4")


def test_every_count_is_that_of_the_moves() -> None:
    told = {name: value for name, (value, _) in scores(shopped(*LONG, pages=12), SCORER).items()}
    assert told == {
        "bought": 1,
        "pages": 12,
        "searches": 1,
        "filters": 2,
        "sorts": 1,
        "reviews": 1,
        "seen": 8,
        "opened": 2,
        "depth": 4,
        "without_looking": 0,
    }
    assert scores(shopped("open p1", "buy p0"), SCORER)["pages"] == (2, "")


def test_who_buys_without_opening_the_products_page_bought_without_looking() -> None:
    assert scores(shopped("buy p1"), SCORER)["without_looking"] == (1, "")
    assert scores(shopped("open p0", "buy p1"), SCORER)["without_looking"] == (1, "")
    assert scores(shopped("open p1", "buy p1"), SCORER)["without_looking"] == (0, "")
    visit = shopped("buy p1")
    closed = tuple(
        step.model_copy(update={"menu": tuple(e for e in step.menu if e.move["kind"] != "open")})
        for step in visit.steps
    )
    unseen = scores(visit.model_copy(update={"steps": closed}), SCORER)["without_looking"]
    assert unseen == (None, "no product page could be opened")


def test_depth_is_the_place_among_all_results() -> None:
    second_page = shopped("next_page", "buy p3", features={"p3": {"rank": 11.0}})
    assert scores(second_page, SCORER)["depth"] == (11, "")
    assert scores(shopped("leave"), SCORER)["depth"] == (None, "nothing was bought")


def test_means_are_over_all_visits_and_what_takes_a_purchase_over_purchases() -> None:
    visits = [shopped(*LONG, pages=12), shopped("buy p0", item=1, pages=1), shopped("leave", item=2, pages=1)]
    some = found(visits, SCORER)
    assert some["pages"].estimate == pytest.approx(14 / 3)
    assert some["opened"].estimate == pytest.approx(2 / 3)
    assert (some["depth"].estimate, some["depth"].n) == (2, 2)
    assert (some["without_looking"].estimate, some["without_looking"].n) == (0.5, 2)
    assert some["bought"].estimate == pytest.approx(2 / 3)
    assert (some["pages"].n, some["pages"].n_distinct, some["pages"].clusters) == (3, 3, 3)
    assert "1 of 3 visits ended without a purchase (1 left)" in some["without_looking"].reason


def test_who_never_answers_looks_at_nothing_and_has_no_depth() -> None:
    visits = [shopped("unparsed", item=item, pages=1) for item in range(3)]
    none = found(visits, SCORER)
    assert (none["opened"].estimate, none["bought"].estimate) == (0, 0)
    assert none["depth"].estimate is none["without_looking"].estimate is None
    assert none["depth"].reason == "3 of 3 visits ended without a purchase (3 unparsed)"


def test_a_hypothetical_question_is_no_search() -> None:
    assert SCORER.score(shopped("buy p1", framing="hypothetical")).scores == ()
    assert findings([shopped("buy p1", framing="hypothetical")], SCORER).estimates == ()


def test_the_figure_shows_how_far_each_agent_looks() -> None:
    visits = [shopped(*LONG), shopped("buy p0", item=1, agent="b", shown=GOODS[:2])]
    table = scored(visits, SCORER)
    (figure,) = SCORER.figures(table, SCORER.estimate(table))
    assert set(figure.episodes) == {visit.id for visit in visits}
    assert SCORER.figures(scored([], SCORER), findings([], SCORER)) == ()
