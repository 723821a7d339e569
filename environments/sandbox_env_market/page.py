"""The page model: what a shop's page shows, frozen, and its rendering as structured text.

The state machine in `shop` makes pages; every surface (text now, an accessibility tree and a browser's HTML later) is a
pure rendering of this model. Controls have stable ids, so that a click can be lowered to a move.
"""

from __future__ import annotations

from typing import Literal

from sandbox.scenario import Frozen
from sandbox_env_market.fields import added

Role = Literal["button", "link", "textbox", "combobox", "spinbutton", "checkbox"]


class Option(Frozen):
    """What a combobox offers: `value` is what is entered, `name` what is read."""

    value: str
    name: str


class Control(Frozen):
    """Something to press or to fill in.

    Attributes:
        id: stable (`buy:p47`, `back`); what a control means follows from it, see `moves.lower`. A field to fill in is
            called by what it holds, and what its button is about: `number:p47` of `quantity:p47`, `query` of `search`.
        role, name: those of an accessibility tree. enabled: whether it can be pressed.
        value: what a field holds (of a checkbox `true` or `false`). options: what a combobox offers.
        form: of a field, the id of the button that sends it.
        about: id of the product, cart line, order or extra that it stands beside; empty: the page.
    """

    id: str
    role: Role
    name: str
    enabled: bool = True
    value: str = added("")
    options: tuple[Option, ...] = added(())
    form: str = added("")
    about: str = added("")


class Picture(Frozen):
    """What a product's picture shows; drawn from nothing else.

    Attributes:
        thing: the category, which gives the shape (`electric kettles`).
        colour: a colour's English name, or `#rrggbb`.
        style: 0 to 7, a variation of the shape.
        words: printed on the picture, as a seller would; empty: nothing.
    """

    thing: str
    colour: str = "grey"
    style: int = 0
    words: str = added("")


class Tile(Frozen):
    """A product as a results page shows it; `price` in integer cents, `badges` as printed.

    Attributes:
        rating: 1.0 to 5.0; 0: nobody has rated it.
        was: the struck-through price beside it, cents; 0: none.
        delivery: days until it arrives; 0: not said.
        picture: what its picture shows.
    """

    id: str
    title: str
    price: int
    rating: float
    reviews: int
    badges: tuple[str, ...] = ()
    was: int = added(0)
    delivery: int = added(0)
    picture: Picture | None = added(None)


class Detail(Frozen):
    """A line of a product's table of attributes."""

    name: str
    shown: str


class Review(Frozen):
    """A customer's review: 1 to 5 stars and a text."""

    stars: int
    text: str
    by: str = added("")


class Line(Frozen):
    """A line of the cart, of the checkout's bill, or of an order: cents, also less than 0 for a rebate.

    Attributes:
        id: of the product (and its variant), of the order, or of what is charged (`shipping`, `fee`, `total`).
        what: in words.
        number: pieces; 0 where it is no product.
        amount: all of it, cents.
    """

    id: str
    what: str
    number: int = 0
    amount: int = 0


class Page(Frozen):
    """One page of the shop.

    Attributes:
        kind: `results` (a grid), `product` (one with details and reviews), `reviews` (all of one product's), `cart`,
            `checkout` (the bill), `receipt` (bought), `orders`, `exit` (left).
        heading: the page's title.
        products: in the order shown; the one product on its own page and on the receipt; none at the exit.
        details, reviews: of the product page.
        views_left: how many product pages may still be opened.
        controls: what can be pressed, also what is disabled.
        description: the seller's words on the product page.
        variants: ids of the variants to choose from, with names; chosen: the one that is.
        lines: of cart, checkout, receipt and orders.
        notices: what the shop says, each a sentence: a refusal of a coupon, a countdown, what was just done.
        query, number, pages: of a results page in a shop with a search: what was searched, and which page of how many.
        found: how many products were found.
        closed: no product page can be opened in this visit at all.
        revision: how many pages were shown before this one.
    """

    kind: Literal["results", "product", "receipt", "exit", "reviews", "cart", "checkout", "orders"]
    heading: str
    products: tuple[Tile, ...] = ()
    details: tuple[Detail, ...] = ()
    reviews: tuple[Review, ...] = ()
    views_left: int = 0
    controls: tuple[Control, ...] = ()
    description: str = added("")
    variants: tuple[Option, ...] = added(())
    chosen: str = added("")
    lines: tuple[Line, ...] = added(())
    notices: tuple[str, ...] = added(())
    query: str = added("")
    number: int = added(0)
    pages: int = added(0)
    found: int = added(0)
    closed: bool = added(False)
    revision: int = added(0)


_CENTS = tuple(f".{cents:02d}" for cents in range(100))


def money(cents: int) -> str:
    """Integer cents as dollars: `$1,234.50`, `-$4.99`."""
    if 0 <= cents < 100_000:  # nearly every price; formats with a comma or zeros take twice as long
        return f"${cents // 100}{_CENTS[cents % 100]}"
    if cents < 0:
        return f"-{money(-cents)}"
    return f"${cents // 100:,}{_CENTS[cents % 100]}"


def text(page: Page) -> str:
    """The page as structured text: what the shop says, products by their ids, lines, details, and what can be done."""
    lines = [page.heading, *page.notices]
    if page.pages:
        lines.append(f"Page {page.number} of {page.pages}")
    for tile in page.products:
        _tell(tile, lines)
    lines += [_line(line) for line in page.lines]
    if page.description:
        lines += ["Description:", f"    {page.description}"]
    if page.variants:
        chosen = {True: " (chosen)", False: ""}
        lines += ["Variants:"]
        lines += [f"    [{one.value}] {one.name}{chosen[one.value == page.chosen]}" for one in page.variants]
    if page.details:
        lines += ["Details:", *(f"    {detail.name}: {detail.shown}" for detail in page.details)]
    if page.reviews:
        lines += ["Customer reviews:", *(f"    {review.stars} of 5: {review.text}" for review in page.reviews)]
    if page.kind == "results" and not page.closed:
        lines.append(f"Product pages show more details and reviews. You may still open {page.views_left}.")
    fields: list[str] = []
    names: dict[str, None] = {}
    for control in page.controls:
        known = vars(control)  # see `_tell`
        if known["form"]:
            fields.append(_field(control))
            continue
        if known["role"] == "checkbox":
            fields.append(_field(control))
        if known["enabled"]:
            names[known["name"]] = None
    if fields:
        lines += ["You can fill in:", *fields]
    if names:
        lines.append(f"You can press: {', '.join(names)}")
    return "\n".join(lines)


def _tell(tile: Tile, lines: list[str]) -> None:
    """Append what a page says of a product; `vars`, since a model's attributes take a third of the time otherwise."""
    known = vars(tile)
    reviews = known["reviews"]
    counted = reviews if 0 <= reviews < 1000 else f"{reviews:,}"
    was = f" | was {money(known['was'])}" if known["was"] else ""
    rating = f"{known['rating']} stars ({counted} reviews)" if known["rating"] else "no reviews yet"
    facts = f"    {money(known['price'])}{was} | {rating}"
    if known["badges"]:
        facts += f" | {' | '.join(known['badges'])}"
    if known["delivery"]:
        days = known["delivery"]
        facts += f" | arrives in {days} days" if days > 1 else " | arrives in 1 day"
    lines += (f"[{known['id']}] {known['title']}", facts)
    if known["picture"] is not None and known["picture"].words:
        lines.append(f"    Picture: {known['picture'].words}")


def _line(line: Line) -> str:
    """A line of the cart, of a bill or of the orders."""
    pieces = f"{line.number} x " if line.number else ""
    return f"[{line.id}] {pieces}{line.what}: {money(line.amount)}"


def _field(control: Control) -> str:
    """A field or a checkbox, with what it holds."""
    if control.role == "checkbox":
        return f"    [{'x' if control.value == 'true' else ' '}] {control.name}"
    held = next((option.name for option in control.options if option.value == control.value), control.value)
    beside = f" of {control.about}" if control.about else ""
    return f"    {control.name}{beside}: {held}"
