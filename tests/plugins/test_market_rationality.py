"""Failures in suites: closed forms, the published way of counting beside ours, and nothing imputed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from matplotlib.figure import Figure as Canvas
from sandbox_score_market.rationality import MarketRationality

from sandbox.scorer import Estimate
from sandbox.stats.intervals import wilson
from sandbox.trace import Episode
from tests.plugins.shopping import GOODS, at_random, findings, found, scored, scores, shopped, trials

SCORER = MarketRationality()
PRICE = {"suite": "price", "level": "-5%", "right": ["p3"]}


def price(episodes: Sequence[Episode], agent: str = "a") -> dict[str, Estimate]:
    return found(episodes, SCORER, agent, "price")


def test_the_cheapest_has_no_failure_and_a_random_buyer_that_of_chance() -> None:
    cheapest = price(trials(lambda shown, _: "p3", 40, **PRICE))
    assert (cheapest["failure"].estimate, cheapest["failure"].low) == (0, 0)
    assert cheapest["failure"].high == pytest.approx(wilson(0, 40)[1])
    blind = price(trials(at_random, 200, **PRICE))
    assert blind["anchor/random"].estimate == pytest.approx(7 / 8)
    assert blind["failure"].low is not None
    assert blind["failure"].high is not None
    assert blind["failure"].low < 7 / 8 < blind["failure"].high


def test_any_of_the_right_products_will_do_and_a_basket_must_hold_no_other() -> None:
    some: dict[str, Any] = {"suite": "instruction", "right": ["p1", "p2"]}
    assert scores(shopped("buy p2", **some), SCORER)["failure"] == (0, "")
    assert scores(shopped("buy p0", **some), SCORER)["failure"] == (1, "")
    assert scores(shopped("confirm", bought=["p1", "p2"], **some), SCORER)["failure"] == (0, "")
    assert scores(shopped("confirm", bought=["p1", "p0"], **some), SCORER)["failure"] == (1, "")
    assert scores(shopped("buy p0", **some), SCORER)["random"] == (0.75, "")


def test_a_reply_that_cannot_be_read_is_no_failure_but_in_the_published_way_of_counting() -> None:
    """ACES counts it as the product shown first, which is right where that product is."""
    wrong_first = shopped("unparsed", **PRICE)
    right_first = shopped("unparsed", item=1, shown=("p3", *(p for p in GOODS if p != "p3")), **PRICE)
    assert scores(wrong_first, SCORER)["failure"] == (None, "nothing was bought")
    assert scores(wrong_first, SCORER)["failure published"] == (1, "")
    assert scores(right_first, SCORER)["failure published"] == (0, "")
    bought = [shopped("buy p3", item=item, **PRICE) for item in (2, 3)]
    found = price([wrong_first, right_first, *bought])
    assert (found["failure"].estimate, found["failure"].n) == (0, 2)
    assert (found["failure published"].estimate, found["failure published"].n) == (0.25, 4)
    assert found["unparsed"].estimate == 0.5


@pytest.mark.parametrize(
    ("moves", "status", "ending"),
    [
        (["leave"], "finished", "left"),
        (["refusal"], "finished", "refusal"),
        (["invalid"], "finished", "invalid"),
        (["timeout"], "finished", "invalid"),
        (["open p1"], "truncated", "cut"),
    ],
)
def test_who_buys_nothing_is_counted_by_its_ending_and_never_a_failure(
    moves: list[str], status: str, ending: str
) -> None:
    visits = [shopped(*moves, status=status, item=item, **PRICE) for item in range(3)]
    found = price(visits)
    assert found["failure"].estimate is found["failure published"].estimate is None
    assert found["failure"].reason == f"3 of 3 visits ended without a purchase (3 {ending})"
    shares = {name: found[name].estimate for name in ("bought", "left", "refusal", "invalid", "unparsed", "cut")}
    assert shares == {name: float(name == ending) for name in shares}


def test_each_level_of_a_suite_has_its_own_share_and_suites_do_not_mix() -> None:
    def trial(level: str, item: int, product: str, **other: Any) -> Episode:
        return shopped(f"buy {product}", item=item, **{**PRICE, "level": level, **other})

    visits = [trial("-1%", item, "p3" if item < 3 else "p0") for item in range(4)]
    visits += [trial("-10%", item, "p3") for item in range(4, 8)]
    visits += [trial("", 8, "p0", suite="rating")]
    assert found(visits, SCORER, group="price: -1%")["failure"].estimate == 0.25
    assert found(visits, SCORER, group="price: -10%")["failure"].estimate == 0
    assert price(visits)["failure"].estimate == 0.125
    assert found(visits, SCORER, group="rating")["failure"].estimate == 1
    assert {e.group for e in findings(visits, SCORER).estimates} == {"price", "price: -1%", "price: -10%", "rating"}

    table = scored(visits, SCORER)
    (figure,) = SCORER.figures(table, SCORER.estimate(table))
    canvas = Canvas(figsize=figure.size, layout="constrained")
    axes = canvas.subplots()
    figure.draw(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["price: -1%", "price: -10%", "rating"]
    assert figure.episodes == (visits[3].id,)


def test_items_count_once_and_hypothetical_answers_are_apart() -> None:
    visits = [shopped("buy p0", repetition=k, **PRICE) for k in range(9)] + [shopped("buy p3", item=1, **PRICE)]
    failure = price(visits)["failure"]
    assert (failure.estimate, failure.n, failure.clusters) == (pytest.approx(0.5), 10, 2)
    asked = [shopped("buy p0", framing="hypothetical", **PRICE)]
    assert found(visits + asked, SCORER, group="price (hypothetical)")["failure"].estimate == 1


def test_an_episode_of_no_suite_has_no_scores_and_a_failed_one_is_named() -> None:
    assert SCORER.score(shopped("buy p1")).scores == ()
    assert SCORER.score(shopped("buy p1", suite="market_share", right=[])).scores == ()  # nothing is wrong there
    failed = shopped("buy p1", status="error")
    assert SCORER.score(failed).scores == ()
    spec = failed.spec.model_copy(update={"item": {"id": "0", "suite": "price"}})
    named = failed.model_copy(update={"spec": spec, "reason": "boom"})
    assert scores(named, SCORER) == {"bought": (None, "the episode failed: boom")}
