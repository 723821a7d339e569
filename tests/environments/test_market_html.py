"""The shop's pages as HTML: every control once, what it sends, and no text that leaves its element."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sandbox_env_market.characters import LONGEST
from sandbox_env_market.html import html
from sandbox_env_market.moves import lower
from sandbox_env_market.page import Page, Tile

from tests.environments.market_pages import HOSTILE, pages

EMPTY = ("input", "link", "meta")


class Parsed(HTMLParser):
    """Start tags with their attributes, in order; whether each element was closed in its turn."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.sent: dict[str, dict[str, str]] = {}
        self._open: list[str] = []
        self._fields: dict[str, str] = {}
        self.feed(html(page))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in EMPTY:
            self._open.append(tag)
        if tag == "form":
            self._fields = {}
        elif tag == "input":
            self._fields[found["name"]] = found["value"]
        elif tag == "a" and "href" in found:
            self.sent[found["data-ref"]] = {
                name: one for name, (one,) in parse_qs(urlsplit(found["href"]).query).items()
            }
        elif tag == "button" and "disabled" not in found:
            self.sent[found["data-ref"]] = self._fields | {found["name"]: found["value"]}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    @property
    def references(self) -> list[str]:
        """Ids of the controls that have an element."""
        return [found["data-ref"] for _, found in self.elements if "data-ref" in found]

    @property
    def structure(self) -> list[tuple[Any, ...]]:
        """All but the texts."""
        free = {"aria-label", "value", "placeholder", "class"}
        return [
            (tag, *((name, value) for name, value in found.items() if name not in free), *found)
            for tag, found in self.elements
            if tag not in ("path", "rect", "ellipse", "circle", "text", "g")
        ]


@pytest.mark.parametrize("page", pages(["Electric Kettle"]), ids=lambda page: page.kind)
def test_each_control_has_one_element_and_sends_the_move_that_it_means(page: Page) -> None:
    parsed = Parsed(page)
    assert sorted(parsed.references) == sorted(control.id for control in page.controls)
    pressable = {control.id for control in page.controls if control.enabled and not control.form}
    assert parsed.sent.keys() == pressable
    for name, fields in parsed.sent.items():
        assert fields["c"] == name
        assert lower(name, fields | {"by": "price_up"}).kind == name.partition(":")[0]


def test_pages_of_the_shop_have_no_script_and_name_each_article() -> None:
    for page in pages(["Electric Kettle"]):
        written = html(page)
        assert all(tag not in ("script", "iframe", "object", "img") for tag, _ in Parsed(page).elements)
        if page.kind in ("results", "product", "reviews"):
            assert all(f"Art. {tile.id}<" in written for tile in page.products)


def test_a_text_changes_no_element_whatever_is_in_it() -> None:
    harmless = [Parsed(page).structure for page in pages([f"Kettle {number}" for number in range(200)])]
    # Lines of a description are paragraphs, and a text of nothing has no element; all else is the same elements.
    texts = [text for text in HOSTILE if len(text.splitlines()) == 1 and text.strip()]
    for shift in range(0, len(texts), 20):
        assert [Parsed(page).structure for page in pages([*texts[shift:], *texts[:shift]])] == harmless


def test_what_html_cannot_hold_becomes_a_replacement_character() -> None:
    page = pages(["Kettle"])[0].model_copy(update={"heading": "a\0b\x07\ud800\x9fc"})  # a copy is not validated
    assert "<bdi>a\ufffdb\ufffd\ufffd\ufffdc</bdi>" in html(page)
    assert html(page).encode()


def test_marks_that_turn_the_direction_of_the_rest_of_the_page_are_left_out() -> None:
    written = html(pages(["\u202etfel\u2069\u2069 עברית"])[0])
    assert "<bdi>tfel עברית</bdi>" in written
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(written)


def test_a_text_of_a_megabyte_is_cut() -> None:
    page = pages(["x" * 1_000_000])[1]
    assert len(html(page)) < 40 * LONGEST
    assert "x" * LONGEST + "…" in html(page)


def test_a_control_that_has_no_place_on_its_page_is_there_all_the_same() -> None:
    page = next(page for page in pages(["Kettle"]) if page.kind == "exit")
    odd = page.model_copy(update={"controls": pages(["Kettle"])[0].controls})
    assert sorted(Parsed(odd).references) == sorted(control.id for control in odd.controls)


@pytest.mark.slow
def test_ten_thousand_products_are_one_page() -> None:
    tiles = tuple(Tile(id=f"p{i}", title=f"Kettle {i}", price=i, rating=4.0, reviews=i) for i in range(10_000))
    assert html(Page(kind="results", heading="All", products=tiles)).count("<li>") == 10_000
