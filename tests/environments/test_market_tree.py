"""The accessibility tree of a page: what it says, and that a browser says the same of our HTML."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright
from sandbox_env_market.html import html
from sandbox_env_market.moves import CONTROLS
from sandbox_env_market.page import Control, Page, Tile, text
from sandbox_env_market.tree import tree

from sandbox.adapters import chromium
from tests.environments.market_pages import HOSTILE, pages, walk

KETTLE = Tile(id="p47", title='Kettle: "2 L"', price=1999, rating=4.3, reviews=1200, badges=("Sponsored",), was=2999)
PRESSED = (
    Control(id="buy:p47", role="button", name="Buy"),
    Control(id="open:p47", role="link", name="Open", enabled=False),
    Control(id="filter:brand:Ben & Co", role="link", name="Ben & Co"),
    Control(id="query", role="textbox", name="Search for", value="123", form="search"),
    Control(id="search", role="button", name="Search"),
)
SHOWN = Page(kind="results", heading="Results", products=(KETTLE,), views_left=2, controls=PRESSED)
# Characters that quoting, white space and direction turn on.
TEXT = st.text(
    alphabet=st.sampled_from(
        "ab1 -:#'\"\\[]{}`&<>%@!|*?,~.\n\t\r\xa0\u200b\xad\u3000\ufeff\0\x07\x7f\x85é😀א\u202e\u2066\u2028"
    )
    | st.characters(),
    max_size=12,
)


def test_a_page_says_its_products_and_what_can_be_pressed() -> None:
    assert tree(SHOWN) == dedent(
        """\
        - banner:
          - text: Larkfield
          - search:
            - textbox "Search for": "123"
            - button "Search"
        - main:
          - complementary "Filters":
            - heading "Brand" [level=2]
            - list:
              - listitem:
                - link "Ben & Co":
                  - /url: do?c=filter%3Abrand%3ABen%20%26%20Co
          - heading "Results" [level=1]
          - paragraph: Product pages show more details and reviews. You may still open 2.
          - list:
            - listitem:
              - img "Picture of electric kettle"
              - 'heading "Kettle: \\"2 L\\"" [level=2]'
              - img "4.3 out of 5 stars"
              - text: 4.3 (1,200 reviews)
              - paragraph:
                - text: $19.99
                - deletion: $29.99
              - paragraph: Sponsored
              - paragraph: Art. p47
              - button "Buy"
              - link "Open" [disabled]
        - contentinfo: Larkfield · household and everyday goods"""
    )


def test_with_references_each_control_has_its_id_and_nothing_else_changes() -> None:
    written = tree(SHOWN, refs=True)
    assert '- button "Buy" [ref=buy:p47]\n' in written
    assert '- link "Open" [disabled] [ref=open:p47]\n' in written
    assert '- textbox "Search for" [ref=query]: "123"\n' in written
    assert '[ref="filter:brand:Ben & Co"]:\n' in written
    assert written.count("[ref=") == len(PRESSED)
    for control in PRESSED:
        written = written.replace(f" [ref={control.id}]", "")
    assert written.replace(' [ref="filter:brand:Ben & Co"]', "") == tree(SHOWN)


def test_every_tree_is_yaml_and_says_every_control() -> None:
    for page in [*pages(["Electric Kettle"]), *pages(HOSTILE)]:
        assert isinstance(yaml.safe_load(tree(page)), list)
        assert tree(page, refs=True).count("[ref=") >= len(page.controls)


def test_a_product_that_nobody_has_rated_has_no_stars() -> None:
    unrated = SHOWN.model_copy(update={"products": (KETTLE.model_copy(update={"rating": 0.0, "reviews": 0}),)})
    assert "- text: No reviews yet" in tree(unrated)
    assert "stars" not in tree(unrated) + text(unrated)


def test_a_name_that_a_browser_finds_too_long_is_left_out() -> None:
    def headed(heading: str) -> str:
        return tree(Page(kind="exit", heading=heading))

    assert '"' + "x" * 900 + '"' in headed("x" * 900)
    assert "x" not in headed("x" * 901).replace("text", "")
    assert "😀" in headed("😀" * 450)
    assert "😀" not in headed("😀" * 451)  # two units each, as a browser counts


def test_the_pages_made_by_hand_have_every_kind_of_control() -> None:
    kinds = {control.id.partition(":")[0] for page in pages(["x"]) for control in page.controls if not control.form}
    assert CONTROLS.keys() - kinds == {"buy", "finish"}


# -- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """A page of a real browser, 1280 x 800."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def differ(tab: Tab, page: Page) -> None:
    """Holds the two trees equal, and the page free of what a text could have brought in."""
    tab.set_content(html(page))
    assert tree(page).split("\n") == tab.locator("body").aria_snapshot().split("\n")
    assert tab.locator("script, iframe, object, embed, img, link:not([rel=icon]), style:nth-of-type(2)").count() == 0
    links = [one.id for one in page.controls if one.role == "link" and one.enabled]
    assert tab.locator("a[href]").count() == len(links)


@pytest.mark.browser
@pytest.mark.parametrize("page", pages(["Electric Kettle"]), ids=lambda page: page.kind)
def test_a_browser_makes_the_same_tree_of_each_kind_of_page(tab: Tab, page: Page) -> None:
    differ(tab, page)


@pytest.mark.browser
@pytest.mark.parametrize("config", [{}, {"flow": "cart"}, {"flow": "cart", "goods": "catalogue"}], ids=str)
def test_a_browser_makes_the_same_tree_of_the_pages_of_real_visits(tab: Tab, config: dict[str, Any]) -> None:
    seen = set()
    for seed in range(4):
        for page in walk(seed, **config):
            differ(tab, page)
            shown = tab.locator("[data-ref]").evaluate_all("all => all.map(one => one.dataset.ref)")
            assert sorted(shown) == sorted(control.id for control in page.controls)
            seen.add(page.kind)
    assert len(seen) >= (6 if config else 3)


@pytest.mark.browser
def test_a_browser_makes_the_same_tree_of_hostile_texts(tab: Tab) -> None:
    for shift in range(0, len(HOSTILE), 5):  # each place holds another text in each round
        for page in pages([*HOSTILE[shift:], *HOSTILE[:shift]]):
            differ(tab, page)


@pytest.mark.browser
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=1, max_size=30))
def test_a_browser_makes_the_same_tree_of_any_text(tab: Tab, texts: list[str]) -> None:
    for page in pages(texts)[:4]:
        differ(tab, page)


@pytest.mark.browser
def test_eight_products_fit_the_window_in_four_columns_and_a_narrow_one_has_no_sideways_scroll(tab: Tab) -> None:
    for config in ({}, {"flow": "cart", "goods": "catalogue"}):
        tab.set_content(html(next(walk(0, **config))))
        boxes = [card.bounding_box() or {} for card in tab.locator(".grid > li").all()]
        assert len({box["x"] for box in boxes}) == 4
        assert len(boxes) == 8
        assert max(box["y"] + box["height"] for box in boxes) <= 800
    tab.set_viewport_size({"width": 400, "height": 800})
    for page in [*pages(["Electric Kettle with a name of some length"]), *pages(["W" * 3000])]:
        tab.set_content(html(page))
        assert tab.evaluate("document.documentElement.scrollWidth") == 400, page.kind
    tab.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.browser
def test_pressing_goes_where_the_control_says(tab: Tab) -> None:
    tab.route("http://shop.invalid/**", lambda route: route.fulfill(body=html(SHOWN), content_type="text/html"))
    tab.goto("http://shop.invalid/token/")
    tab.locator('[data-ref="query"]').fill("desk lamp & more")
    tab.locator('[data-ref="query"]').press("Enter")
    assert tab.url == "http://shop.invalid/token/do?query=desk+lamp+%26+more&c=search"
    tab.locator('[data-ref="buy:p47"]').click()
    assert tab.url == "http://shop.invalid/token/do?c=buy%3Ap47"
    tab.locator('[data-ref="filter:brand:Ben & Co"]').click()
    assert tab.url == "http://shop.invalid/token/do?c=filter%3Abrand%3ABen%20%26%20Co"
