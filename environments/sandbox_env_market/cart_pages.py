"""Pages of the `cart` flow: a pure function of the state, with the controls that `cart.menu` makes moves of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from sandbox_env_market.attacks import Attack, dress, notices
from sandbox_env_market.bill import CODE, EXTRAS, MOST, REBATE, Bill, bill, charges, price_of
from sandbox_env_market.catalogue import Variant
from sandbox_env_market.page import Control, Line, Option, Page, Tile, money
from sandbox_env_market.pages import control, details, reviews, tile
from sandbox_env_market.state import CartState, Look, Same
from sandbox_env_market.truth import days_of, default_variant, fee_of, find, owned

SORTS = {
    "relevance": "Relevance",
    "price_up": "Price: low to high",
    "price_down": "Price: high to low",
    "rating": "Customer rating",
    "reviews": "Most reviews",
    "delivery": "Fastest delivery",
}
_ALL = {"brand": "All brands", "rating": "Any rating", "price": "Any price", "delivery": "Any delivery time"}
_FIRST = 3
"""Reviews on a product's own page."""
_LONGEST = 60
"""Characters of a filter's value, see `moves.Filter`."""


def page_of(state: CartState) -> Page:
    """The page that is open."""
    page = _PAGES[state.at](state)
    said = (*([state.notice] if state.notice else ()), *page.notices)
    return page.model_copy(
        update={
            "views_left": state.views_left,
            "controls": controls(state),
            "notices": said,
            "revision": state.moves,
        }
    )


def results(state: CartState, look: Look | None = None) -> tuple[str, ...]:
    """Ids of all that a search found, in the order shown; of the page of results that is open, unless told another."""
    query, sort, filters, _ = look or state.look
    attack = state.attack if state.attack is not None and state.attack.text else None
    if attack is None or attack.placement not in ("title", "description") or not query:
        return state.stock.search(query, dict(filters), sort)
    return _attacked(Same(state.stock), attack, query, filters, sort)


@lru_cache(maxsize=64)
def _attacked(
    stock: Same, attack: Attack, query: str, filters: tuple[tuple[str, str], ...], sort: str
) -> tuple[str, ...]:
    """What a search finds where the words of the attack are searched too: what is shown can be found."""
    found: tuple[str, ...] = stock.of.search(query, dict(filters), sort)
    target = attack.target
    from sandbox_env_market.stock import Stock  # late, as in `state`

    if target in found or not Stock((dress(stock.of.by_id[target], attack),)).search(query, dict(filters)):
        return found
    if sort == "relevance":
        return (*found, target)
    wanted = {*found, target}
    return tuple(product for product in stock.of.search("", dict(filters), sort) if product in wanted)


def shown(state: CartState, look: Look | None = None) -> tuple[str, ...]:
    """Ids on that page of the results."""
    last = (look or state.look)[3] * state.shown
    return results(state, look)[last - state.shown : last]


def pages_of(state: CartState) -> int:
    """How many pages the results have, at least one."""
    return max(1, -(-len(results(state)) // state.shown))


def chosen(state: CartState) -> Variant | None:
    """The variant chosen on the product's page."""
    return find(state, f"{state.product}/{state.variant}")[1]


def line_of(product: str, variant: Variant | None) -> str:
    """The cart line's id."""
    return product if variant is None else f"{product}/{variant.id}"


def room(state: CartState, line: str) -> int:
    """How many more pieces of this the cart may have."""
    product, variant = find(state, line)
    taken = [*state.lines, *((one, pieces) for one, pieces, _ in owned(state))]
    same = sum(pieces for one, pieces in taken if one == line)
    of_product = sum(pieces for one, pieces in taken if find(state, one)[0] is product)
    left = product.stock - of_product
    return max(0, min(MOST - same, left, left if variant is None else variant.stock - same))


def most(state: CartState, line: str) -> int:
    """How many pieces of this the cart may have, of what was not bought yet."""
    return dict(state.lines).get(line, 0) + room(state, line)


def goods_of(state: CartState) -> int:
    """What the goods in the cart cost, cents."""
    return sum(pieces * _price(state, line) for line, pieces in state.lines)


def owed(state: CartState, extras: tuple[str, ...] = (), fee: bool = False) -> Bill:
    """What the cart would cost with these extras, and with the late fee or without."""
    goods = goods_of(state)
    return bill(goods, bool(state.coupon), extras, fee_of(state.attack, goods) if fee else 0)


# -- pages ---------------------------------------------------------------------------------------------------------


def _results(state: CartState) -> Page:
    query, _, _, number = state.look
    found, pages = len(results(state)), pages_of(state)
    what = query or (state.item.category if state.item.products else "all products")
    welcome = () if state.orders else (f"New here? Code {CODE} takes {REBATE} % off your first order.",)
    return Page(
        kind="results",
        heading=f"Results for {what}: {found} products",
        products=tuple(_tile(state, product) for product in shown(state)),
        notices=(*welcome, *notices(state.attack)),
        query=query,
        number=number,
        pages=pages,
        found=found,
        closed=not state.views,
    )


def _product(state: CartState) -> Page:
    product, variant = dress(state.stock.by_id[state.product], state.attack), chosen(state)
    return Page(
        kind="product",
        heading=product.title,
        products=(_tile(state, state.product, variant),),
        details=details(product),
        reviews=reviews(product)[:_FIRST],
        description=product.description,
        variants=tuple(Option(value=one.id, name=_named(one)) for one in product.variants),
        chosen=state.variant,
        notices=notices(state.attack),
    )


def _reviews(state: CartState) -> Page:
    product = dress(state.stock.by_id[state.product], state.attack)
    return Page(
        kind="reviews",
        heading=f"Customer reviews: {product.title}",
        products=(_tile(state, state.product, chosen(state)),),
        reviews=reviews(product),
    )


def _cart(state: CartState) -> Page:
    lines = tuple(_lines(state, state.lines))
    return Page(
        kind="cart",
        heading="Your cart" if lines else "Your cart is empty",
        lines=(*lines, *charges(owed(state))) if lines else (),
        notices=notices(state.attack),
    )


def _checkout(state: CartState) -> Page:
    address = (f"We deliver to {state.item.address}.",) if state.item.address else ()
    wait = max(days_of(find(state, line)[0], "express" in state.extras) for line, _ in state.lines)
    return Page(
        kind="checkout",
        heading="Checkout",
        lines=(*_lines(state, state.lines), *charges(owed(state, state.extras, state.warned))),
        notices=(*address, f"Arrives in {_in_days(wait)}."),
    )


def _receipt(state: CartState) -> Page:
    order = state.orders[-1]
    goods = sum(pieces * _price(state, line) for line, pieces in order.lines)
    paid = Bill(goods, order.rebate, order.shipping, order.extras, order.fee)
    return Page(
        kind="receipt",
        heading="Thank you for your order.",
        lines=(*_lines(state, order.lines), *charges(paid)),
    )


def _orders(state: CartState) -> Page:
    lines = []
    for order in state.orders:
        what = ", ".join(f"{line.number} x {line.what}" for line in _lines(state, order.lines))
        back = f", returned, {money(order.refund)} refunded" if order.returned else ""
        lines.append(Line(id=order.id, what=f"Order {order.id}: {what}{back}", amount=order.paid))
    return Page(
        kind="orders", heading="Your orders" if lines else "You have not ordered anything yet", lines=tuple(lines)
    )


def _exit(state: CartState) -> Page:
    if state.at == "closed":
        return Page(kind="exit", heading="The shop has closed.")
    left = "You left the shop without buying anything."
    return Page(kind="exit", heading="Thank you for your visit." if state.orders else left)


_PAGES = {
    "results": _results,
    "product": _product,
    "reviews": _reviews,
    "cart": _cart,
    "checkout": _checkout,
    "receipt": _receipt,
    "orders": _orders,
    "done": _exit,
    "left": _exit,
    "closed": _exit,
}


def _tile(state: CartState, product: str, variant: Variant | None = None) -> Tile:
    item = dress(state.stock.by_id[product], state.attack)
    return tile(item, state.item.category, variant.extra if variant else 0, days_of(item))


def _named(variant: Variant) -> str:
    extra = f" (+{money(variant.extra)})" if variant.extra else ""
    if variant.stock <= MOST:
        return f"{variant.name}{extra}, {f'only {variant.stock} left' if variant.stock else 'sold out'}"
    return f"{variant.name}{extra}"


def _price(state: CartState, line: str) -> int:
    product, variant = find(state, line)
    return product.price + (variant.extra if variant else 0)


def _lines(state: CartState, lines: tuple[tuple[str, int], ...]) -> Iterator[Line]:
    for line, pieces in lines:
        product, variant = find(state, line)
        title = dress(product, state.attack).title
        what = title if variant is None else f"{title} ({variant.name})"
        yield Line(id=line, what=what, number=pieces, amount=pieces * _price(state, line))


def _in_days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


# -- controls ------------------------------------------------------------------------------------------------------


def controls(state: CartState) -> tuple[Control, ...]:
    """What can be pressed and filled in; a purchase comes first, the way out last."""
    return _controls(Same(state))


@lru_cache(maxsize=64)  # a step asks for them three times: the page, the menu, and what a move may be
def _controls(key: Same) -> tuple[Control, ...]:
    state: CartState = key.of
    if state.at in ("done", "left", "closed"):
        return ()
    own = _CONTROLS.get(state.at)
    return (*(own(state) if own else ()), *_everywhere(state))


def _everywhere(state: CartState) -> Iterator[Control]:
    yield control("query", "textbox", "Search for", value=state.look[0], form="search")
    yield control("search", "button", "Search")
    if state.at != "results":
        yield control("back", "link", "Back to results")
    pieces = sum(pieces for _, pieces in state.lines)
    if state.at != "cart":
        yield control("cart", "link", f"Cart ({pieces})")
    if state.at != "orders":
        yield control("orders", "link", "Your orders")
    if state.bought:
        yield control("finish", "button", "Finish")
    else:
        yield control("leave", "button", "Leave the shop")


def _on_results(state: CartState) -> Iterator[Control]:
    ids, may_open = shown(state), state.views_left > 0
    for product in ids:
        free = room(state, line_of(product, default_variant(state.stock.by_id[product]))) > 0
        yield control(f"add:{product}", "button", "Add to cart", enabled=free, about=product)
    for product in ids:
        yield control(f"open:{product}", "link", "Open", enabled=may_open, about=product)
    _, sort, filters, number = state.look
    yield _sort_by(sort)
    yield control("sort", "button", "Sort")
    on = dict(filters)
    for by in on:
        yield control(f"filter:{by}:", "link", _ALL[by])
    for by, offers in _facets(Same(state.stock), Same(results(state))).items():
        if by not in on:
            for offer in offers:
                if len(offer.value) <= _LONGEST:
                    yield control(f"filter:{by}:{offer.value}", "link", offer.name)
    if pages_of(state) > 1:
        yield control("previous_page", "link", "Previous page", enabled=number > 1)
        yield control("next_page", "link", "Next page", enabled=number < pages_of(state))


@lru_cache(maxsize=16)
def _sort_by(sort: str) -> Control:
    options = tuple(Option(value=value, name=name) for value, name in SORTS.items())
    return Control(id="by", role="combobox", name="Sort by", value=sort, options=options, form="sort")


@lru_cache(maxsize=256)
def _facets(stock: Same, found: Same) -> Mapping[str, tuple[Option, ...]]:
    facets: Mapping[str, tuple[Option, ...]] = stock.of.facets(found.of)
    return facets


def _on_product(state: CartState) -> Iterator[Control]:
    product, variant = state.stock.by_id[state.product], chosen(state)
    line = line_of(state.product, variant)
    free = room(state, line) >= state.pieces
    yield control(f"add:{state.product}", "button", "Add to cart", enabled=free, about=state.product)
    if state.at == "product":
        for one in product.variants:
            new = one.id != state.variant and one.stock > 0
            yield control(f"choose:{one.id}", "button", _named(one), enabled=new, about=state.product)
        if most(state, line):
            yield from _quantity(state.product, state.pieces, "")
        yield control("read_reviews", "link", f"Read all {len(product.comments)} reviews")


def _on_cart(state: CartState) -> Iterator[Control]:
    if state.lines:
        yield control("checkout", "button", "Go to checkout")
    for line, pieces in state.lines:
        yield from _quantity(line, pieces, line)
        yield control(f"remove:{line}", "button", "Remove", about=line)
    yield control("code", "textbox", "Coupon code", value=state.coupon, form="coupon")
    yield control("coupon", "button", "Redeem")


def _quantity(line: str, pieces: int, about: str) -> Iterator[Control]:
    form = f"quantity:{line}"
    yield control(f"number:{line}", "spinbutton", "Quantity", value=str(pieces), form=form, about=about)
    yield control(form, "button", "Update quantity", about=about)


def _on_checkout(state: CartState) -> Iterator[Control]:
    total = owed(state, state.extras, state.warned).total
    yield control("confirm", "button", f"Place the order and pay {money(total)}")
    goods = goods_of(state)
    for extra, name in EXTRAS.items():
        on = extra in state.extras
        yield control(
            f"include:{extra}:{'false' if on else 'true'}",
            "checkbox",
            f"{name} ({money(price_of(extra, goods))})",
            value="true" if on else "false",
            about=extra,
        )


def _on_orders(state: CartState) -> Iterator[Control]:
    for order in state.orders:
        if not order.returned:
            yield control(f"return:{order.id}", "button", f"Return {order.id}", about=order.id)


_CONTROLS = {
    "results": _on_results,
    "product": _on_product,
    "reviews": _on_product,
    "cart": _on_cart,
    "checkout": _on_checkout,
    "orders": _on_orders,
}
