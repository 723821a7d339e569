"""A menu as a form: what may be filled in is what is legal, and what is wrong is said beside its field."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from sandbox.form import Blank, choices
from sandbox.menu import Move, MoveRange


class Offer(Move):
    """Propose a price."""

    kind: Literal["offer"] = "offer"
    price: int = Field(description="in dollars", ge=0)
    share: float = Field(0.5, ge=0, le=1)
    tone: Literal["kind", "firm"] = "kind"
    final: bool = False
    message: str | None = Field(None, max_length=20)
    round: int = 1


RANGE = MoveRange(Offer, {"price": (10, 99)}, {"round": 2}, (Offer(price=10, round=2),))


class Wait(Move):
    """Do nothing."""

    kind: Literal["wait"] = "wait"


def test_an_entry_has_the_words_and_fields_that_its_author_gave_it_with_the_bounds_of_now() -> None:
    wait, offer = choices((Wait(), RANGE))
    assert (wait.words, wait.help, wait.blanks) == ("wait()", "Do nothing.", ())
    assert wait.move({}) == Wait()
    price, share, tone, final, message = offer.blanks
    assert price == Blank("price", "in dollars", "integer", 10, 99)
    assert (share.expected, share.default) == ("a number from 0 to 1; empty: 0.5", 0.5)
    assert tone.choices == ("kind", "firm")
    assert final.expected == "yes or no; empty: false"
    assert message.expected == "text; empty: none"
    assert offer.words.startswith("offer(round=2, price: a whole number from 10 to 99")


def test_what_was_written_becomes_a_legal_move() -> None:
    (offer,) = choices((RANGE,))
    written = {"price": " 40 ", "share": "0.25", "tone": "firm", "final": "yes", "message": "take it"}
    assert offer.move(written) == Offer(price=40, share=0.25, tone="firm", final=True, message="take it", round=2)
    assert offer.move({"price": "10"}) == Offer(price=10, round=2)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("price", "", "is needed: a whole number from 10 to 99"),
        ("price", "100", "100 is not a whole number from 10 to 99"),
        ("price", "1.5", "'1.5' is not a whole number from 10 to 99"),
        ("share", "nan", "Input should be a finite number"),
        ("tone", "rude", "'rude' is not one of kind, firm; empty: kind"),
        ("final", "maybe", "'maybe' is not yes or no; empty: false"),
        ("message", "x" * 21, "String should have at most 20 characters"),
    ],
)
def test_what_is_wrong_is_said_by_field(name: str, text: str, said: str) -> None:
    (offer,) = choices((RANGE,))
    wrong = offer.move({"price": "40", name: text})
    assert wrong == {name: said}


def test_all_that_is_wrong_is_said_at_once() -> None:
    (offer,) = choices((RANGE,))
    wrong = offer.move({"price": "x", "share": "y"})
    assert isinstance(wrong, dict)
    assert list(wrong) == ["price", "share"]
