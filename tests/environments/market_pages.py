"""Pages of every kind, made by hand, with texts that a test chooses wherever somebody's text can stand."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Any

from sandbox_env_market import Shop, ShopConfig
from sandbox_env_market.page import Control, Detail, Line, Option, Page, Picture, Review, Tile

from sandbox.menu import moves as moves_of

HOSTILE = (
    "a: b", "- dash", "-", '"quoted" it\'s', "[x] {y} `z`", "# hash", "x #y", "ends in:", "&amp; <b>&copy</b>",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onclick='alert(1)",
    "</style><script>1</script>", "</svg></title></textarea><iframe src=//evil>",
    '<a href="//evil" data-ref="buy:p1">Buy</a>', "<!-- --> <![CDATA[ ]]>",
    "\u202eevil\u2066 \u2069\u2069\u2069", "עברית (1)", "العربية 123", "👨‍👩‍👧 🎉", "nul\0l\x07\x1b[31m\x7f\x85",
    "line\nbreak\r\n\ttab", "\xa0no\xa0\xa0break\xa0", "\u200b\u200bzero\u200bwidth\xad", "", "   ", "123",
    "1e5", "0x1F", "-.inf", ".NaN", "true", "~", "Yes", "1_000", "Infinity", "\ufeffmark",
    "a\u2028b\u2029c\x1cd", "@x", "!x", "*x", "|x", ">x", ",x", "]x", "?x", "%x", "a:b", "a:\xa0b", "é" * 901,
    "x" * 900, "😀" * 450, "😀" * 451, "\\back\\slash\\n", "&#x27;&lt;", "\U000e0041tag", "\ufffe\ufdd0",
    "x:\u200b", "-\u200b", "\u3000wide\u3000", "\x0b\x0c", "İstanbul ﬀ a\u0301", "javascript:alert(1)", "'",
    '"', "\\", "Ⅷ", "٣", "-0", "+5", "5.", ".5", "1e", "---", "<", "&", "A long title " * 80_000,
)  # fmt: skip


def pages(texts: Iterable[str]) -> list[Page]:
    """A page of each kind; the texts go around."""
    words = cycle(texts)

    def tile(number: int) -> Tile:
        picture = Picture(thing=next(words), colour=next(words), style=number % 8, words=next(words))
        return Tile(
            id=f"p{number}",
            title=next(words),
            price=1999 * number,
            rating=4.3,
            reviews=1200,
            badges=("Sponsored", "Overall pick", "Only 2 left in stock", next(words))[: number % 5],
            was=2999 * (number % 2),
            delivery=number % 3,
            picture=picture if number % 4 else None,
        )

    def press(name: str, enabled: bool = True) -> Control:
        return Control(id=name, role="button", name=next(words), enabled=enabled)

    def link(name: str, enabled: bool = True) -> Control:
        return Control(id=name, role="link", name=next(words), enabled=enabled)

    tiles = tuple(tile(number) for number in range(1, 9))
    reviews = tuple(Review(stars=stars, text=next(words), by=next(words)) for stars in (1, 3, 5))
    orders = tuple(
        Option(value=value, name=name) for value, name in (("up", "Dearest"), ("down", "Cheapest"), ("x", next(words)))
    )
    header = (
        Control(id="query", role="textbox", name="Search for", value=next(words), form="search"),
        press("search"), link("cart"), link("orders"), press("leave"),
    )  # fmt: skip
    back, about = link("back"), tiles[1].id
    number = Control(id=f"number:{about}", role="spinbutton", name="Quantity", value="2", form=f"quantity:{about}")
    lines = (
        Line(id=f"{about}/v1", what=next(words), number=2, amount=3998),
        Line(id="shipping", what="Shipping", amount=499),
        Line(id="rebate", what=next(words), amount=-150),
        Line(id="total", what="Total", amount=4347),
    )
    extras = tuple(
        Control(id=f"include:{extra}:true", role="checkbox", name=next(words), value=value)
        for extra, value in (("gift", "false"), ("insurance", "true"))
    )
    return [
        Page(
            kind="results",
            heading=next(words),
            products=tiles,
            views_left=3,
            notices=(next(words), "A notice."),
            number=2,
            pages=6,
            controls=(
                *header,
                *(press(f"add:{one.id}") for one in tiles),
                *(link(f"open:{one.id}", enabled=one.id != "p3") for one in tiles),
                Control(id="by", role="combobox", name="Sort by", value="down", options=orders, form="sort"),
                press("sort"),
                link("filter:brand:", enabled=False),
                link("filter:brand:Ben & Co"),
                link("filter:price:0-500"),
                link("previous_page", enabled=False),
                link("next_page"),
            ),
        ),
        Page(
            kind="product",
            heading=next(words),
            products=tiles[1:2],
            details=tuple(Detail(name=next(words), shown=next(words)) for _ in range(3)),
            reviews=reviews,
            description=next(words),
            variants=(Option(value="v1", name=next(words)), Option(value="v2", name=next(words))),
            chosen="v1",
            controls=(
                *header, back, press(f"add:{about}"), number, press(f"quantity:{about}"),
                press("choose:v1", enabled=False), press("choose:v2"), link("read_reviews"),
            ),
        ),
        Page(
            kind="reviews",
            heading=next(words),
            products=tiles[1:2],
            reviews=reviews,
            controls=(*header, back, press(f"add:{about}")),
        ),
        Page(
            kind="cart",
            heading=next(words),
            products=tiles[1:2],
            lines=lines,
            controls=(
                *header, back, press(f"remove:{about}/v1"),
                Control(id="code", role="textbox", name="Coupon code", form="coupon"), press("coupon"),
                press("checkout"),
            ),
        ),
        Page(kind="checkout", heading=next(words), lines=lines, controls=(*header, back, *extras, press("confirm"))),
        Page(kind="receipt", heading=next(words), lines=lines, products=tiles[1:2], controls=header),
        Page(kind="receipt", heading=next(words), products=tiles[1:2]),
        Page(
            kind="orders",
            heading=next(words),
            lines=(Line(id="o1", what=next(words), amount=4347), Line(id="o2", what=next(words), amount=0)),
            controls=(*header, press("return:o1"), press("return:o2", enabled=False)),
        ),
        Page(kind="exit", heading=next(words)),
    ]  # fmt: skip


def walk(seed: int, moves: int = 40, **config: Any) -> Iterator[Page]:
    """The pages of a visit at random, in which what leads somewhere is pressed more often."""
    shop, settings, generator = Shop(), ShopConfig(**config), random.Random(seed)
    state = shop.initial(settings, shop.items(settings)[seed])
    for _ in range(moves):
        yield shop.observe(state, "buyer").page
        if not shop.to_move(state):
            return
        listed = list(moves_of(shop.menu(state, "buyer")))
        onward = ("add", "open", "cart", "checkout", "include", "confirm", "orders", "choose", "read_reviews")
        weights = [8 if str(vars(move)["kind"]) in onward else 1 for move in listed]
        state = shop.apply(state, {"buyer": generator.choices(listed, weights)[0]})
