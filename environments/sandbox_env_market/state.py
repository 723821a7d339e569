"""Where a visit to the shop stands, in either flow: small frozen values; what is large is worked out and remembered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import PlainSerializer

from sandbox_env_market.attacks import Attack, attacked
from sandbox_env_market.catalogue import Product
from sandbox_env_market.config import Rules
from sandbox_env_market.fields import added
from sandbox_env_market.goods import ShopItem
from sandbox_env_market.randomise import Assign, applied, order

if TYPE_CHECKING:
    from sandbox_env_market.stock import Stock

_NO_RULES = Rules()


class Same:
    """A key that is equal only to a key of the very same object: items are large, and cannot be hashed."""

    __slots__ = ("of",)

    def __init__(self, of: Any) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.of is self.of


def _written(item: ShopItem) -> dict[str, Any]:
    return _written_once(Same(item))


@lru_cache(maxsize=64)  # the states of a visit differ in little else, and each is written for its hash
def _written_once(item: Same) -> dict[str, Any]:
    written: dict[str, Any] = item.of.model_dump(mode="json")
    return written


Errand = Annotated[ShopItem, PlainSerializer(_written, when_used="json")]


@dataclass(frozen=True)
class ShopState:
    """Where a visit in the `direct` flow stands.

    Attributes:
        order: indices of `products` as the results page shows them.
        worth: the buyer's utility of each of the products, cents. `dominated`: whether another one dominates it.
        views_left: product pages that may still be opened.
        at: the page; `bought` and `left` are ends.
        product: id of the product whose page it is, or that was bought.
        opened: ids of the products whose pages were opened, in that order.
        pages: pages seen so far, the results page each time.
        rules, draws, attack: what is drawn and done to the products; `draws` so far, while nature has more to draw.
    """

    item: Errand
    order: tuple[int, ...]
    worth: tuple[int, ...]
    dominated: tuple[bool, ...]
    views_left: int
    at: Literal["results", "product", "bought", "left"] = "results"
    product: str = ""
    opened: tuple[str, ...] = ()
    pages: int = 1
    rules: Annotated[Rules, added(_NO_RULES)] = _NO_RULES
    draws: Annotated[tuple[Assign, ...], added(())] = ()
    attack: Annotated[Attack | None, added(None)] = None

    @property
    def products(self) -> tuple[Product, ...]:
        """The item's products as they are for sale here: with what was drawn, and with the attack's text."""
        return offered(self.item, self.draws, self.attack)

    def index(self, product: str) -> int:
        """Place of a product in `products`."""
        return next(i for i, candidate in enumerate(self.item.products) if candidate.id == product)

    @property
    def best(self) -> int:
        """The most that the buyer can get: the best product's utility, or 0 by leaving."""
        return max(0, *self.worth)


@dataclass(frozen=True)
class Order:
    """An order placed: its lines (a line's id and its pieces), and what was paid, integer cents.

    Attributes:
        paid: all of it. refund: what comes back when it is returned, the goods less the rebate.
        rebate, shipping, fee, extras: parts of `paid`; `extras` by their ids.
        returned: it was sent back.
    """

    id: str
    lines: tuple[tuple[str, int], ...]
    paid: int
    refund: int
    rebate: int
    shipping: int
    fee: int
    extras: tuple[tuple[str, int], ...] = ()
    returned: bool = False


Look = tuple[str, str, tuple[tuple[str, str], ...], int]
"""A page of results: what was searched, how it is sorted, filters (what, value), and its number from 1."""


@dataclass(frozen=True)
class CartState:
    """Where a visit in the `cart` flow stands.

    Attributes:
        shown, patience, views: as of the config. `order`: indices of the item's products, where they are a set.
        at: the page; `done`, `left` and `closed` (out of patience) are ends.
        look: the page of results that is open, or was last.
        product, variant, pieces: whose page it is, and what is chosen there.
        lines: of the cart: a line's id (see `moves.LineId`), and pieces.
        coupon: the code that is redeemed. extras: ids of those that the order is to have.
        warned: the late fee was shown.
        moves: made so far, each of which showed a page. looked: the pages of results seen, each once, and opened: the
            product pages, as often as they were.
        searches, filtered: how many searches; how many filters and sortings.
        leaked: the buyer's address was sent to where it does not belong.
        notice: what the shop says to the last move.
    """

    item: Errand
    shown: int
    patience: int
    views: int
    views_left: int
    order: tuple[int, ...]
    at: Literal["results", "product", "reviews", "cart", "checkout", "receipt", "orders", "done", "left", "closed"] = (
        "results"
    )
    look: Look = ("", "relevance", (), 1)
    product: str = ""
    variant: str = ""
    pieces: int = 1
    lines: tuple[tuple[str, int], ...] = ()
    coupon: str = ""
    extras: tuple[str, ...] = ()
    warned: bool = False
    orders: tuple[Order, ...] = ()
    moves: int = 0
    looked: tuple[Look, ...] = (("", "relevance", (), 1),)
    opened: tuple[str, ...] = ()
    searches: int = 0
    filtered: int = 0
    leaked: bool = False
    notice: str = ""
    rules: Annotated[Rules, added(_NO_RULES)] = _NO_RULES
    draws: Annotated[tuple[Assign, ...], added(())] = ()
    attack: Annotated[Attack | None, added(None)] = None

    @cached_property
    def stock(self) -> Stock:
        """All that is for sale, in the given order, with the truth about it; `attacks.dress` for what is shown."""
        if self.item.goods is not None:
            from sandbox_env_market.stock import stock_of  # the generator, which a set does not need

            return stock_of(self.item.goods)
        return _stocked(Same(self.item), Same(self.draws), self.order)

    @property
    def bought(self) -> bool:
        """Whether anything was ordered, returned or not."""
        return bool(self.orders)


AnyState = ShopState | CartState


def drawn(item: ShopItem, draws: tuple[Assign, ...]) -> tuple[Product, ...]:
    """An item's products with what nature drew for them, without any attack."""
    return _drawn(Same(item), tuple(map(Same, draws))) if draws else item.products


def offered(item: ShopItem, draws: tuple[Assign, ...], attack: Attack | None) -> tuple[Product, ...]:
    """The same as they are shown."""
    products = drawn(item, draws)
    return products if attack is None else _dressed(Same(products), attack)


def placed(order_: tuple[int, ...], item: ShopItem, draws: tuple[Assign, ...]) -> tuple[int, ...]:
    """The order of the results page, after the draw of places if there was one."""
    places = next((draw for draw in draws if draw.factor == "position"), None)
    return order_ if places is None else order(item.products, places)


@lru_cache(maxsize=256)
def _drawn(item: Same, draws: tuple[Same, ...]) -> tuple[Product, ...]:
    *before, draw = draws
    products = _drawn(item, tuple(before)) if before else item.of.products  # which was asked for at the draw before
    return applied(products, draw.of)


@lru_cache(maxsize=256)
def _dressed(products: Same, attack: Attack) -> tuple[Product, ...]:
    return attacked(products.of, attack)


@lru_cache(maxsize=256)
def _stocked(item: Same, draws: Same, order_: tuple[int, ...]) -> Stock:
    from sandbox_env_market.stock import Stock

    products = drawn(item.of, draws.of)
    return Stock(tuple(products[i] for i in order_))
