"""A page as nested elements, before it is written as HTML or as an accessibility tree: both say the same, in one order.

Whoever changes what a page shows changes it here. Three rules keep the two renderings equal: a `span` or `bdi` is
inline (`shop.css` makes none of them a block), links, buttons and headings hold nothing but text, and what a style
sheet shows is no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from sandbox_env_market.characters import cut, held, plain
from sandbox_env_market.page import Control, Line, Page, Review, Tile, money
from sandbox_env_market.pictures import DEFINITIONS, alternative, drawing, picture_of

SHOP = "Larkfield"
"""The name over the door."""

ADDRESS = "do"
"""Where a pressed control is sent to, relative to the page: `do?c=` and its id, after the fields beside it."""

_NUMBER = re.compile("-?[0-9]{1,9}")
_BESIDE = frozenset({"buy", "open", "add", "quantity", "remove", "include", "return"})
_BADGES = {"Sponsored": "sponsored", "Overall pick": "pick", "Best seller": "best"}
_KNOWN = {"brand": "Brand", "rating": "Customer rating", "price": "Price", "delivery": "Delivery"}


class Node(NamedTuple):
    """An element: its tag, its attributes, and what is in it; `drawing` is markup of our own instead of children."""

    tag: str
    attributes: Mapping[str, str]
    children: tuple[Node | str, ...] = ()
    drawing: str = ""


def layout(page: Page) -> Node:
    """The page's `body`."""
    controls = _Controls(page.controls)
    head = _header(controls)
    main = _MAIN[page.kind](page, controls)
    rest = [control.id for control in page.controls if not control.form and control.id not in controls.placed]
    if rest:  # a control that the page's kind has no place for: a page lacks nothing that can be done
        main = (*main, element("div", *(controls.take(name) for name in rest), class_="rest"))
    notices = tuple(element("p", said(notice), role="status", class_="notice") for notice in page.notices)
    return element(
        "body",
        Node("svg", {"width": "0", "height": "0", "aria-hidden": "true", "class": "definitions"}, (), DEFINITIONS),
        head,
        element("main", *notices, *main, class_=page.kind),
        element("footer", f"{SHOP} · household and everyday goods"),
    )


def element(tag: str, *children: Node | str, **attributes: str) -> Node:
    """An element; `class_` is its class, `aria_label` its `aria-label`."""
    return Node(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}, children)


def said(text: str) -> Node:
    """A text that somebody else wrote: its direction and its characters stay its own affair."""
    return Node("bdi", {}, (plain(text),))


def reference(control: str) -> str:
    """What a control's element has as its `data-ref`, by the control's id."""
    return held(control)


class _Controls:
    """A page's controls, to be placed; each once."""

    def __init__(self, controls: Iterable[Control]) -> None:
        self.placed: set[str] = set()
        self._by_id: dict[str, Control] = {}
        self._fields: dict[str, list[Control]] = {}
        self._kinds: dict[str, list[str]] = {}
        self._beside: dict[str, list[str]] = {}
        for control in controls:
            if control.form:
                self._fields.setdefault(control.form, []).append(control)
                continue
            kind, _, rest = control.id.partition(":")
            self._by_id[control.id] = control
            self._kinds.setdefault(kind, []).append(control.id)
            if kind in _BESIDE:
                self._beside.setdefault(control.about or rest, []).append(control.id)

    def take(self, name: str, class_: str = "") -> Node:
        """The element of the control with this id."""
        self.placed.add(name)
        return _control(self._by_id[name], self._fields.get(name, ()), class_)

    def kind(self, *kinds: str) -> tuple[Node, ...]:
        """Those of these kinds that are not placed yet."""
        names = [name for kind in kinds for name in self._kinds.get(kind, ()) if name not in self.placed]
        return tuple(self.take(name, name.partition(":")[0]) for name in names)

    def beside(self, about: str) -> tuple[Node, ...]:
        """Those that stand beside a product, a line, an order or an extra, buttons first."""
        names = [name for name in self._beside.get(about, ()) if name not in self.placed]
        names.sort(key=lambda name: self._by_id[name].role == "link")
        return tuple(self.take(name, name.partition(":")[0]) for name in names)

    def filters(self) -> Iterator[tuple[str, tuple[Node, ...]]]:
        """What results can be narrowed down by, with the links that do it."""
        groups: dict[str, list[str]] = {}
        for name in self._kinds.get("filter", ()):
            groups.setdefault(name.split(":")[1], []).append(name)
        for by, names in groups.items():
            yield _KNOWN.get(by, by.capitalize()), tuple(self.take(name) for name in names)


def _control(control: Control, fields: Iterable[Control], class_: str) -> Node:
    attributes = {"data-ref": reference(control.id)} | ({"class": class_} if class_ else {})
    if control.role == "link":
        to = (
            {"href": f"{ADDRESS}?c={quote(control.id, safe='', errors='replace')}"}
            if control.enabled
            else {"role": "link", "aria-disabled": "true"}
        )
        return Node("a", to | attributes, (said(control.name),))
    attributes |= {"name": "c", "value": reference(control.id)}
    if control.role == "checkbox":
        attributes |= {"role": "checkbox", "aria-checked": "true" if control.value == "true" else "false"}
    if not control.enabled:
        attributes["disabled"] = ""
    button = Node("button", attributes, (said(control.name),))
    # What does not fit is refused by the move that it would be, in words; the browser's own check would say nothing.
    form = {"action": ADDRESS, "method": "get", "novalidate": ""} | ({"class": class_} if class_ else {})
    if class_ == "search":
        form["role"] = "search"
    return Node("form", form, (*(_field(field) for field in fields), button))


def _field(field: Control) -> Node:
    value = plain(field.value)
    attributes = {
        "name": field.id.partition(":")[0],
        "aria-label": plain(field.name),
        "data-ref": reference(field.id),
    } | ({} if field.enabled else {"disabled": ""})
    if field.role == "combobox":
        # A browser takes the first where none is chosen.
        chosen = next((i for i, option in enumerate(field.options) if option.value == field.value), 0)
        options = (
            Node("option", {"value": plain(o.value)} | ({"selected": ""} if i == chosen else {}), (plain(o.name),))
            for i, o in enumerate(field.options)
        )
        return Node("select", attributes, tuple(options))
    if field.role == "spinbutton":
        attributes |= {"type": "number", "min": "1", "max": "99", "value": value if _NUMBER.fullmatch(value) else ""}
        return Node("input", attributes)
    return Node("input", attributes | {"type": "text", "value": value, "placeholder": attributes["aria-label"]})


def _header(controls: _Controls) -> Node:
    search = controls.kind("search")
    doors = controls.kind("cart", "orders", "finish", "leave")
    name = element("div", SHOP, class_="shop")
    return element("header", name, *search, *((element("nav", *doors, aria_label="Shop"),) if doors else ()))


def _heading(page: Page) -> Node:
    return element("h1", said(page.heading))


def _results(page: Page, controls: _Controls) -> tuple[Node, ...]:
    sort, turn = controls.kind("sort"), controls.kind("previous_page", "next_page")
    sides = [
        element(
            "div", element("h2", said(name)), element("ul", *(element("li", link) for link in links)), class_="filter"
        )
        for name, links in controls.filters()
    ]
    tiles = tuple(_card(tile, controls) for tile in page.products)
    where = element("p", f"Page {page.number} of {page.pages}") if page.pages > 1 else None
    hint = f"Product pages show more details and reviews. You may still open {page.views_left}."
    found = (
        element("div", _heading(page), *(() if page.closed else (element("p", hint, class_="hint"),)), class_="top"),
        *((element("nav", *sort, aria_label="Sort by", class_="sorts"),) if sort else ()),
        element("ul", *tiles, class_="grid"),
        *((element("nav", *((where,) if where else ()), *turn, aria_label="Pages", class_="pages"),) if turn else ()),
    )
    if not sides:
        return found
    aside = element("aside", *sides, aria_label="Filters")
    return (element("div", aside, element("div", *found, class_="found"), class_="columns"),)


def _card(tile: Tile, controls: _Controls) -> Node:
    return element(
        "li",
        _picture(tile),
        element("h2", said(tile.title)),
        *_facts(tile),
        *_acts(controls.beside(tile.id)),
    )


def _acts(controls: tuple[Node, ...]) -> Iterator[Node]:
    """What can be done about the product or the line that it stands beside."""
    if controls:
        yield element("div", *controls, class_="act")


def _facts(tile: Tile) -> Iterator[Node]:
    """What every page says of a product, but for its title."""
    counted = f" {tile.rating} ({tile.reviews:,} reviews)"
    said_of_it = (_stars(tile.rating), counted) if tile.rating else ("No reviews yet",)
    yield element("div", *said_of_it, class_="rating")
    was = (" ", element("del", money(tile.was))) if tile.was else ()
    yield element("p", money(tile.price), *was, class_="price")
    tags = [element("p", said(badge), class_=_badge(badge)) for badge in tile.badges]
    if tile.delivery:
        days = "1 day" if tile.delivery == 1 else f"{tile.delivery} days"
        tags.append(element("p", f"Arrives in {days}", class_="delivery"))
    # Whoever sees nothing but a picture can name a product all the same.
    tags.append(element("p", f"Art. {plain(tile.id)}", class_="article"))
    yield element("div", *tags, class_="tags")


def _badge(badge: str) -> str:
    if badge.startswith("Only ") and " left" in badge:
        return "low"
    return f"badge {_BADGES.get(badge, '')}".strip()


def _stars(stars: float) -> Node:
    # A style of numbers only; the stars themselves are in the style sheet.
    full = f"--full:{min(max(stars, 0), 5) / 5:.0%}"
    return element("span", class_="stars", style=full, role="img", aria_label=f"{stars} out of 5 stars")


def _picture(tile: Tile) -> Node:
    picture = tile.picture or picture_of(tile.title)
    name = plain(alternative(picture))
    attributes = {"viewBox": "0 0 200 200", "role": "img", "aria-label": name, "class": "picture"}
    return Node("svg", attributes, (), drawing(picture))


def _product(page: Page, controls: _Controls) -> tuple[Node, ...]:
    back = controls.kind("back")
    sections: list[Node] = [element("div", *back, class_="crumbs")] if back else []
    for tile in page.products[:1]:
        chosen = next((option.name for option in page.variants if option.value == page.chosen), "")
        variants = controls.kind("choose")
        sections.append(
            element(
                "div",
                _picture(tile),
                element(
                    "div",
                    _heading(page),
                    *((element("p", said(tile.title), class_="title"),) if tile.title != page.heading else ()),
                    *_facts(tile),
                    *((element("p", "Chosen: ", said(chosen), class_="chosen"),) if chosen else ()),
                    *((element("div", *variants, class_="variants"),) if variants else ()),
                    *_acts((*controls.kind("quantity"), *controls.beside(tile.id))),
                    class_="offer",
                ),
                class_="sheet",
            )
        )
    if page.description:
        # Its lines are paragraphs, as its writer meant them.
        lines = [line for line in cut(page.description).replace("\r", "\n").split("\n") if line.strip()]
        words = (element("p", said(line)) for line in lines)
        sections.append(element("section", element("h2", "Description"), *words, class_="description"))
    if page.details:
        rows = (node for d in page.details for node in (element("dt", said(d.name)), element("dd", said(d.shown))))
        sections.append(element("section", element("h2", "Details"), element("dl", *rows), class_="details"))
    more = controls.kind("read_reviews")
    if page.reviews or more:
        sections.append(
            element("section", element("h2", "Customer reviews"), _said_by(page.reviews), *more, class_="reviews")
        )
    return tuple(sections)


def _reviews(page: Page, controls: _Controls) -> tuple[Node, ...]:
    back = controls.kind("back")
    tiles = (
        element("div", _picture(tile), element("div", *_facts(tile), *_acts(controls.beside(tile.id))), class_="line")
        for tile in page.products
    )
    return (
        *((element("div", *back, class_="crumbs"),) if back else ()),
        _heading(page),
        *tiles,
        _said_by(page.reviews),
    )


def _said_by(reviews: Iterable[Review]) -> Node:
    items = (
        element(
            "li",
            element("div", _stars(review.stars), *((" ", said(review.by)) if review.by else ()), class_="by"),
            element("p", said(review.text)),
        )
        for review in reviews
    )
    return element("ul", *items, class_="reviews")


def _bill(page: Page, controls: _Controls) -> tuple[Node, ...]:
    """Cart, checkout, receipt and orders: goods with what can be done about each, then what is charged beside them."""
    tiles = {tile.id: tile for tile in page.products}
    whole = page.kind == "orders"
    goods = [line for line in page.lines if whole or line.number]
    charges = [line for line in page.lines if not (whole or line.number)]
    back = controls.kind("back")
    parts: list[Node] = [element("div", *back, class_="crumbs")] if back else []
    parts.append(_heading(page))
    if goods:
        rows = [_line(line, tiles.get(line.id) or tiles.get(line.id.partition("/")[0]), controls) for line in goods]
        parts.append(element("ul", *rows, class_="lines"))
    elif page.products:
        parts.append(element("ul", *(_card(tile, controls) for tile in page.products), class_="lines"))
    # A line's controls are with it; extras are beside the bill.
    pay = [*controls.kind("include"), *controls.kind("coupon")]
    if charges:
        rows = [
            node
            for line in charges
            for node in (element("dt", said(line.what)), element("dd", _signed(line.amount), class_=_total(line)))
        ]
        pay.append(element("dl", *rows, class_="bill"))
    pay += controls.kind("checkout", "confirm")
    if pay:
        parts.append(element("div", *pay, class_="pay"))
    return (element("div", *parts, class_="sheet"),)


def _total(line: Line) -> str:
    return "total" if line.id == "total" else "charge"


def _line(line: Line, tile: Tile | None, controls: _Controls) -> Node:
    pieces = f"{line.number} \N{MULTIPLICATION SIGN} " if line.number else ""
    return element(
        "li",
        *((_picture(tile),) if tile else ()),
        element("p", pieces, said(line.what), class_="what"),
        element("p", _signed(line.amount), class_="price"),
        *_acts(controls.beside(line.id)),
        class_="line",
    )


def _signed(cents: int) -> str:
    return money(cents) if cents >= 0 else f"-{money(-cents)}"


def _exit(page: Page, controls: _Controls) -> tuple[Node, ...]:
    return (_heading(page),)


_MAIN = {
    "results": _results,
    "product": _product,
    "reviews": _reviews,
    "cart": _bill,
    "checkout": _bill,
    "receipt": _bill,
    "orders": _bill,
    "exit": _exit,
}
