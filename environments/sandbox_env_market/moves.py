"""What can be done in the shop: moves, the controls that mean them, and gestures on a surface.

A control's id says which move pressing it is: the kind, then what it is about (`buy:p47`, `filter:brand:Veldra`);
what is entered first (a query, a number) has controls of its own. `lower` and `press` are each other's inverse, and the
only place that knows this: every surface goes through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, ValidationError

from sandbox.errors import InputError
from sandbox.menu import Move, show

ProductId = Annotated[str, Field(max_length=16)]
LineId = Annotated[str, Field(max_length=40)]
"""A line of the cart or of an order: a product's id, and `/` with its variant's where it has variants."""


class Open(Move):
    """Open the page of a product, given by its id, to see its details and reviews."""

    kind: Literal["open"] = "open"
    product: ProductId


class Back(Move):
    """Go back to the results page."""

    kind: Literal["back"] = "back"


class Buy(Move):
    """Buy one piece of a product, given by its id. This ends the visit."""

    kind: Literal["buy"] = "buy"
    product: ProductId


class Leave(Move):
    """Leave the shop without buying anything. This ends the visit."""

    kind: Literal["leave"] = "leave"
    abstains: ClassVar[bool] = True


class Search(Move):
    """Search the shop: products whose title, brand, kind or description holds all the words."""

    kind: Literal["search"] = "search"
    query: Annotated[str, Field(max_length=200)]


class Sort(Move):
    """Put the results in another order."""

    kind: Literal["sort"] = "sort"
    by: Literal["relevance", "price_up", "price_down", "rating", "reviews", "delivery"]


class Filter(Move):
    """Show only results with this value, one of those that the page lists; an empty value takes the filter off again.

    `brand`: a brand; `rating`: least stars; `price`: a range; `delivery`: most days.
    """

    kind: Literal["filter"] = "filter"
    by: Literal["brand", "rating", "price", "delivery"]
    value: Annotated[str, Field(max_length=60)]


class NextPage(Move):
    """Go to the next page of the results."""

    kind: Literal["next_page"] = "next_page"


class PreviousPage(Move):
    """Go to the page of the results before this one."""

    kind: Literal["previous_page"] = "previous_page"


class ReadReviews(Move):
    """Read all the reviews of the product whose page this is."""

    kind: Literal["read_reviews"] = "read_reviews"


class Choose(Move):
    """Choose a variant of the product whose page this is."""

    kind: Literal["choose"] = "choose"
    variant: ProductId


class Quantity(Move):
    """Set how many pieces: on a product's page how many will be added, in the cart how many the line has."""

    kind: Literal["quantity"] = "quantity"
    line: LineId
    number: Annotated[int, Field(ge=1, le=99)]


class Add(Move):
    """Put a product into the cart: on its own page in the variant and number chosen, elsewhere one piece."""

    kind: Literal["add"] = "add"
    product: ProductId


class Remove(Move):
    """Take a line out of the cart."""

    kind: Literal["remove"] = "remove"
    line: LineId


class Cart(Move):
    """Look at the cart."""

    kind: Literal["cart"] = "cart"


class Coupon(Move):
    """Redeem a coupon's code."""

    kind: Literal["coupon"] = "coupon"
    code: Annotated[str, Field(max_length=40)]


class Checkout(Move):
    """Go to the checkout, which shows all that will have to be paid."""

    kind: Literal["checkout"] = "checkout"


class Include(Move):
    """Take an extra (a gift box, an insurance) into the order, or out of it."""

    kind: Literal["include"] = "include"
    extra: ProductId
    on: bool


class Confirm(Move):
    """Place the order, and pay."""

    kind: Literal["confirm"] = "confirm"


class Orders(Move):
    """Look at the orders placed."""

    kind: Literal["orders"] = "orders"


class Return(Move):
    """Send an order back; its price is refunded."""

    kind: Literal["return"] = "return"
    order: ProductId


class Finish(Move):
    """Be done with the shop. This ends the visit."""

    kind: Literal["finish"] = "finish"


ShopMoves = (
    Buy
    | Open
    | Back
    | Leave
    | Search
    | Sort
    | Filter
    | NextPage
    | PreviousPage
    | ReadReviews
    | Choose
    | Quantity
    | Add
    | Remove
    | Cart
    | Coupon
    | Checkout
    | Include
    | Confirm
    | Orders
    | Return
    | Finish
)
"""All that can be done in the shop, in either flow."""
ShopMove = Annotated[ShopMoves, Field(discriminator="kind")]


class Click(Move):
    """Click what has this reference on the page."""

    kind: Literal["click"] = "click"
    ref: Annotated[str, Field(max_length=100)]


class ClickXY(Move):
    """Click a point of the picture: pixels from its left and upper edge."""

    kind: Literal["click_xy"] = "click_xy"
    x: Annotated[float, Field(ge=0, le=100_000)]
    y: Annotated[float, Field(ge=0, le=100_000)]


class Type(Move):
    """Put a text in place of what a field holds: the one with this reference, or (empty, the default) the last clicked.

    Nothing is sent before a button is pressed.
    """

    kind: Literal["type"] = "type"
    ref: Annotated[str, Field(max_length=100)] = ""
    text: Annotated[str, Field(max_length=1000)]


class Scroll(Move):
    """Scroll the page by so many pixels; less than 0 is up."""

    kind: Literal["scroll"] = "scroll"
    by: Annotated[int, Field(ge=-100_000, le=100_000)]


class Key(Move):
    """Press a key: `Enter`, `Space`, `Backspace`, a character; with a picture also `Tab`, `ArrowDown`, `PageDown`."""

    kind: Literal["key"] = "key"
    key: Annotated[str, Field(min_length=1, max_length=20)]


GESTURES: tuple[type[Move], ...] = (Click, ClickXY, Type, Scroll, Key)
"""What a hand does on a surface. None is a move by itself: a click on a control lowers to the move that it means."""


class Means(NamedTuple):
    """What a kind of control means: a move whose fields are in its id (`told`) or entered beside it (`entered`)."""

    move: type[Move]
    told: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()


CONTROLS: Mapping[str, Means] = {
    "buy": Means(Buy, ("product",)),
    "open": Means(Open, ("product",)),
    "back": Means(Back),
    "leave": Means(Leave),
    "search": Means(Search, (), ("query",)),
    "sort": Means(Sort, (), ("by",)),
    "filter": Means(Filter, ("by", "value")),
    "next_page": Means(NextPage),
    "previous_page": Means(PreviousPage),
    "read_reviews": Means(ReadReviews),
    "choose": Means(Choose, ("variant",)),
    "quantity": Means(Quantity, ("line",), ("number",)),
    "add": Means(Add, ("product",)),
    "remove": Means(Remove, ("line",)),
    "cart": Means(Cart),
    "coupon": Means(Coupon, (), ("code",)),
    "checkout": Means(Checkout),
    "include": Means(Include, ("extra", "on")),
    "confirm": Means(Confirm),
    "orders": Means(Orders),
    "return": Means(Return, ("order",)),
    "finish": Means(Finish),
}


def lower(control: str, entered: Mapping[str, str] | None = None) -> Move:
    """The move that pressing a control means.

    Args:
        control: its id.
        entered: what the fields beside it hold, by the part of their ids before the first colon (`query`, `number`).

    Raises:
        InputError: there is no such control, or what was entered does not fit.
    """
    kind, _, rest = control.partition(":")
    means = CONTROLS.get(kind)
    told = rest.split(":", len(means.told) - 1) if means and means.told else [rest] if rest else []
    if means is None or len(told) != len(means.told):
        raise InputError(f"no control {control!r} in this shop; expected one of its ids, such as buy:ID or back")
    fields: dict[str, object] = {"kind": kind, **dict(zip(means.told, told, strict=True))}
    for name in means.entered:
        fields[name] = (entered or {}).get(name, "")
    try:
        return means.move.model_validate(fields)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:4])
        raise InputError(f"{control}: {faults}") from None


def press(move: Move) -> tuple[str, Mapping[str, str]]:
    """The id of the control that means the move, and what has to be entered before: the inverse of `lower`."""
    values = move.model_dump(mode="json")
    kind = str(values["kind"])
    means = CONTROLS.get(kind)
    if means is None or not isinstance(move, means.move):
        raise InputError(f"{show(move)} is no move of this shop")
    told = [_written(values[name]) for name in means.told]
    return ":".join([kind, *told]), {name: _written(values[name]) for name in means.entered}


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
