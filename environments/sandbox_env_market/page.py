"""The page model: what a shop's page shows, frozen, and its rendering as structured text.

The state machine in `shop` makes pages; every surface (text now, an accessibility tree and a browser's HTML later) is a
pure rendering of this model. Controls have stable ids, so that a click can be lowered to a move.
"""

from __future__ import annotations

from typing import Literal

from sandbox.scenario import Frozen


class Control(Frozen):
    """Something to press: `id` is stable (`buy:p47`, `back`), `role` and `name` are those of an accessibility tree."""

    id: str
    role: Literal["button", "link"]
    name: str
    enabled: bool = True


class Tile(Frozen):
    """A product as a results page shows it; `price` in integer cents, `badges` as printed."""

    id: str
    title: str
    price: int
    rating: float
    reviews: int
    badges: tuple[str, ...] = ()


class Detail(Frozen):
    """A line of a product's table of attributes."""

    name: str
    shown: str


class Review(Frozen):
    """A customer's review: 1 to 5 stars and a text."""

    stars: int
    text: str


class Page(Frozen):
    """One page of the shop.

    Attributes:
        kind: `results` (a grid), `product` (one with details and reviews), `receipt` (bought), `exit` (left).
        heading: the page's title.
        products: in the order shown; the one product on its own page and on the receipt; none at the exit.
        details, reviews: of the product page.
        views_left: how many product pages may still be opened.
        controls: what can be pressed, also what is disabled.
    """

    kind: Literal["results", "product", "receipt", "exit"]
    heading: str
    products: tuple[Tile, ...] = ()
    details: tuple[Detail, ...] = ()
    reviews: tuple[Review, ...] = ()
    views_left: int = 0
    controls: tuple[Control, ...] = ()


def money(cents: int) -> str:
    """Integer cents as dollars: `$1,234.50`."""
    return f"${cents // 100:,}.{cents % 100:02d}"


def text(page: Page) -> str:
    """The page as structured text: products by their ids, then details, reviews, and what can be pressed."""
    lines = [page.heading]
    for tile in page.products:
        facts = [money(tile.price), f"{tile.rating} stars ({tile.reviews:,} reviews)", *tile.badges]
        lines += [f"[{tile.id}] {tile.title}", f"    {' | '.join(facts)}"]
    if page.details:
        lines += ["Details:", *(f"    {detail.name}: {detail.shown}" for detail in page.details)]
    if page.reviews:
        lines += ["Customer reviews:", *(f"    {review.stars} of 5: {review.text}" for review in page.reviews)]
    if page.kind == "results":
        lines.append(f"Product pages show more details and reviews. You may still open {page.views_left}.")
    names = dict.fromkeys(control.name for control in page.controls if control.enabled)
    if names:
        lines.append(f"You can press: {', '.join(names)}")
    return "\n".join(lines)
