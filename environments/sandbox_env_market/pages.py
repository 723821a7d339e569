"""Pages of the `direct` flow, and what a product looks like on any page: a pure function of the state."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sandbox.menu import Move
from sandbox_env_market.attacks import notices
from sandbox_env_market.catalogue import Product
from sandbox_env_market.fields import filled
from sandbox_env_market.goods import LOW_STOCK
from sandbox_env_market.moves import lower
from sandbox_env_market.page import Control, Detail, Page, Picture, Review, Role, Tile
from sandbox_env_market.state import Same, ShopState


def page_of(state: ShopState) -> Page:
    """The page that is open."""
    if state.at == "left":
        return Page(kind="exit", heading="You left the shop without buying anything.", views_left=state.views_left)
    products, category = state.products, state.item.category
    if state.at == "results":
        return filled(
            Page,
            kind="results",
            heading=f"Results for {category}: {len(products)} products",
            products=tuple(tile(products[i], category) for i in state.order),
            views_left=state.views_left,
            controls=controls(state),
            notices=notices(state.attack),
            closed=not (state.views_left or state.opened or plain(state)),
        )
    product = products[state.index(state.product)]
    if state.at == "bought":
        return Page(
            kind="receipt",
            heading="Thank you for your order.",
            products=(tile(product, category),),
            views_left=state.views_left,
        )
    return filled(
        Page,
        kind="product",
        heading=product.title,
        products=(tile(product, category),),
        details=details(product),
        reviews=reviews(product),
        views_left=state.views_left,
        controls=controls(state),
        description=product.description,
        notices=notices(state.attack),
    )


def plain(state: ShopState) -> bool:
    """Whether this is an errand of the first kind, without suite, file or draws.

    Its pages and facts stay as they always were, since records hold their hashes.
    """
    return not state.rules.randomise and not state.item.query and not state.item.suite and state.item.kind != "open"


def controls(state: ShopState) -> tuple[Control, ...]:
    """What can be pressed: purchases first, in the order shown."""
    leave = control("leave", "button", "Leave the shop")
    if state.at == "results":
        shown = [state.item.products[i].id for i in state.order]
        may_open = state.views_left > 0
        return (
            *(control(f"buy:{product}", "button", "Buy") for product in shown),
            *(control(f"open:{product}", "link", "Open", enabled=may_open) for product in shown),
            leave,
        )
    if state.at == "product":
        buy = control(f"buy:{state.product}", "button", "Buy")
        return (buy, control("back", "link", "Back to results"), leave)
    return ()


# Pages are made of the same few frozen parts over and over, and making one costs ten times what finding it does.


@lru_cache(maxsize=50_000)
def control(key: str, role: Role, name: str, **rest: Any) -> Control:
    """A control; the same object each time."""
    return Control(id=key, role=role, name=name, **rest)


@lru_cache(maxsize=50_000)
def means(control: str, field: str = "", entered: str = "") -> Move:
    """The move that a control means with this in its field; the same object each time, which the engine knows again."""
    return lower(control, {field: entered} if field else None)


def tile(product: Product, category: str, extra: int = 0, days: int = 0) -> Tile:
    """A product as it is shown.

    It has a picture where more is known of its looks than that it is one of `category`.

    Args:
        product: as it is to be shown.
        category: what it is one of, if it does not say.
        extra: what the chosen variant adds to its price, cents.
        days: in which it arrives, if it does not say.
    """
    return _tile(Same(product), category, extra, days)


def details(product: Product) -> tuple[Detail, ...]:
    """The table of a product's attributes."""
    return _details(Same(product))


def reviews(product: Product) -> tuple[Review, ...]:
    """All that customers say."""
    return _reviews(Same(product))


@lru_cache(maxsize=5_000)
def _details(product: Same) -> tuple[Detail, ...]:
    return tuple(Detail(name=spec.name, shown=spec.shown) for spec in product.of.specs)


@lru_cache(maxsize=5_000)
def _reviews(product: Same) -> tuple[Review, ...]:
    return tuple(Review(stars=comment.stars, text=comment.text) for comment in product.of.comments)


@lru_cache(maxsize=20_000)
def _tile(key: Same, category: str, extra: int, days: int) -> Tile:
    product: Product = key.of
    badges = []
    if product.sponsored:
        badges.append("Sponsored")
    if product.endorsed:
        badges.append("Overall pick")
    if product.best_seller:
        badges.append("Best seller")
    left = product.claimed_stock or product.stock
    if left <= LOW_STOCK:
        badges.append(f"Only {left} left in stock")
    picture = None
    if product.colour or product.caption or product.category:
        thing = product.category or category
        picture = Picture(thing=thing, colour=product.colour or "grey", style=product.style, words=product.caption)
    return filled(
        Tile,
        id=product.id,
        title=product.title,
        price=product.price + extra,
        rating=product.rating,
        reviews=product.reviews,
        badges=tuple(badges),
        was=product.was,
        delivery=product.delivery or days,
        picture=picture,
    )
