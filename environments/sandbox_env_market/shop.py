"""The scenario `market/Shop-v0`: an agent buys one of eight products in a mock shop for a buyer of known utility."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.errors import InputError
from sandbox.menu import Menu, Move, show
from sandbox.scenario import Appraisal, Benchmark, Frozen, Policy, Scenario
from sandbox_env_market.buyers import Buyer, dominated, utility
from sandbox_env_market.catalogue import Product
from sandbox_env_market.goods import LOW_STOCK, SIZE, ShopItem, make_item
from sandbox_env_market.page import Control, Detail, Page, Review, Tile, text

SEAT = "buyer"


class Open(Move):
    """Open the page of a product, given by its id, to see its details and reviews."""

    kind: Literal["open"] = "open"
    product: Annotated[str, Field(max_length=16)]


class Back(Move):
    """Go back to the results page."""

    kind: Literal["back"] = "back"


class Buy(Move):
    """Buy one piece of a product, given by its id. This ends the visit."""

    kind: Literal["buy"] = "buy"
    product: Annotated[str, Field(max_length=16)]


class Leave(Move):
    """Leave the shop without buying anything. This ends the visit."""

    kind: Literal["leave"] = "leave"
    abstains: ClassVar[bool] = True


class ShopConfig(Frozen):
    """What may be set.

    Attributes:
        items: how many errands, numbered from 0; a number is the same errand in every config.
        sets: both kinds in turn, or one of them only.
        positions: the order on the results page. `given`; or a number: n // 2 places rotated, and reversed where n is
            odd (0 is `given`, 1 is its reverse). `counterbalanced` meets each errand in orders 0 and 1, and is `given`
            where nobody expands it.
        views: how many product pages may be opened; going back is free. With 0 it is a choice from one page.
    """

    items: int = Field(100, ge=1, le=100_000)
    sets: Literal["mixed", "dominated", "tradeoff"] = "mixed"
    positions: Literal["counterbalanced", "given"] | Annotated[int, Field(ge=0, lt=2 * SIZE)] = "counterbalanced"
    views: int = Field(12, ge=0, le=1000)


class Visit(Frozen):
    """What the agent sees: the errand in words (the same on every surface), and the page."""

    task: str
    page: Page


@dataclass(frozen=True)
class ShopState:
    """Where the visit stands.

    Attributes:
        order: indices of `item.products` as the results page shows them.
        worth: the buyer's utility of each of `item.products`, cents. `dominated`: whether another one dominates it.
        views_left: product pages that may still be opened.
        at: the page; `bought` and `left` are ends.
        product: id of the product whose page it is, or that was bought.
        opened: ids of the products whose pages were opened, in that order.
        pages: pages seen so far, the results page each time.
    """

    item: ShopItem
    order: tuple[int, ...]
    worth: tuple[int, ...]
    dominated: tuple[bool, ...]
    views_left: int
    at: Literal["results", "product", "bought", "left"] = "results"
    product: str = ""
    opened: tuple[str, ...] = ()
    pages: int = 1

    def index(self, product: str) -> int:
        """Place of a product in `item.products`."""
        return next(i for i, candidate in enumerate(self.item.products) if candidate.id == product)

    @property
    def best(self) -> int:
        """The most that the buyer can get: the best product's utility, or 0 by leaving."""
        return max(0, *self.worth)


class Shop(Scenario[ShopConfig, ShopState]):
    """A results page of eight products, product pages, and one purchase.

    Source: the mock shop of ACES (Allouah et al. 2025, arXiv:2508.02630), with a product page, and with buyers whose
    utility is known, so that regret is exact. All eight products can be bought from the results page at once.

    | move            | where        | effect                                                        |
    |-----------------|--------------|---------------------------------------------------------------|
    | `buy(product)`  | both pages   | ends; the reward is the buyer's utility, cents                |
    | `open(product)` | results      | the product's page, with its third attribute and reviews      |
    | `back()`        | product page | the results page                                              |
    | `leave()`       | both pages   | ends with 0; an abstention, and also the declared forfeit     |

    The observation is a `Visit`. The reward is 0 until the end. It ends by buying or leaving, after at most
    2 x `views` + 1 moves. Arguments: `ShopConfig`.

        env = gymnasium.make("market/Shop-v0", sets="tradeoff", views=0)
    """

    id = "market/Shop-v0"
    Config = ShopConfig
    State = ShopState
    Action = Annotated[Buy | Open | Back | Leave, Field(discriminator="kind")]
    Observation = Visit

    def seats(self, config: ShopConfig) -> tuple[str, ...]:
        """One seat: the buyer."""
        return (SEAT,)

    def items(self, config: ShopConfig) -> Sequence[ShopItem]:
        """Errands in the order of their numbers."""
        first, step = {"mixed": (0, 1), "dominated": (0, 2), "tradeoff": (1, 2)}[config.sets]
        return [make_item(first + step * i) for i in range(config.items)]

    def counterbalance(self, config: ShopConfig, item: Any) -> Sequence[Mapping[str, Any]]:
        """Two orders, given and reversed, unless the config names one."""
        return ({"positions": 0}, {"positions": 1}) if config.positions == "counterbalanced" else ({},)

    def initial(self, config: ShopConfig, item: ShopItem) -> ShopState:
        """The results page, in the order that the config says."""
        products = item.products
        return ShopState(
            item=item,
            order=_order(config.positions, len(products)),
            worth=tuple(utility(item.buyer, product) for product in products),
            dominated=dominated(item.buyer, products),
            views_left=config.views,
        )

    def to_move(self, state: ShopState) -> tuple[str, ...]:
        """The buyer, until it has bought or left."""
        return (SEAT,) if state.at in ("results", "product") else ()

    def menu(self, state: ShopState, seat: str) -> Menu:
        """What the page's enabled controls do: purchases first, in the order shown."""
        return tuple(lower(control.id) for control in _controls(state) if control.enabled)

    def apply(self, state: ShopState, moves: Mapping[str, Move]) -> ShopState:
        """Turn the page, or end."""
        move = moves[SEAT]
        if isinstance(move, Buy):
            return replace(state, at="bought", product=move.product)
        if isinstance(move, Leave):
            return replace(state, at="left", product="")
        if isinstance(move, Back):
            return replace(state, at="results", product="", pages=state.pages + 1)
        if isinstance(move, Open):
            return replace(
                state,
                at="product",
                product=move.product,
                views_left=state.views_left - 1,
                opened=(*state.opened, move.product),
                pages=state.pages + 1,
            )
        raise InputError(f"{self.id}: {show(move)} is no move of this shop; expected buy, open, back or leave")

    def observe(self, state: ShopState, seat: str) -> Visit:
        """The errand and the page."""
        return Visit(task=state.item.task, page=_page(state))

    def render(self, observation: Visit) -> str:
        """The errand, then the page as text."""
        return f"{observation.task}\n\n{text(observation.page)}"

    def appraise(self, state: ShopState, seat: str, move: Move) -> Appraisal:
        """Utility in cents: a product's own for `buy`, 0 for `leave`, the best still reachable for `open` and `back`.

        `content` is the product's id for `buy`, else the kind of move (`open:p47`). The features of `buy` and `open`
        are those of a choice model: `position` on the results page from 0, `price` (cents), `ln_price`, `rating`,
        `ln_reviews` (of reviews + 1), and 0 or 1 for `sponsored`, `endorsed` and `scarcity`; `buy` also has
        `dominated` and `over_budget`.
        """
        if isinstance(move, Buy):
            index = state.index(move.product)
            features = _features(state, index) | {
                "dominated": float(state.dominated[index]),
                "over_budget": float(state.item.products[index].price > state.item.buyer.budget),
            }
            return Appraisal(utility=state.worth[index], content=move.product, features=features)
        if isinstance(move, Open):
            features = _features(state, state.index(move.product))
            return Appraisal(utility=state.best, content=f"open:{move.product}", features=features)
        if isinstance(move, Back):
            return Appraisal(utility=state.best, content="back")
        return Appraisal(utility=0.0, content="leave")

    def payoffs(self, state: ShopState) -> Mapping[str, float]:
        """The utility of what was bought, cents."""
        return {SEAT: float(state.worth[state.index(state.product)]) if state.at == "bought" else 0.0}

    def facts(self, state: ShopState) -> Mapping[str, Any]:
        """What came of the visit; all money in cents.

        `regret` is `best_utility` minus `utility`; without a purchase it is the forgone best. `dominated`, `cheapest`,
        `over_budget` and `position` are None without a purchase. `considered` counts products whose page was opened.
        """
        buyer, products = state.item.buyer, state.item.products
        index = state.index(state.product) if state.at == "bought" else None
        bought = None if index is None else products[index]
        worth = 0 if index is None else state.worth[index]
        over_budget = None if bought is None else bought.price > buyer.budget
        return {
            "set": state.item.kind,
            "category": state.item.category,
            "bought": None if bought is None else bought.id,
            "utility": worth,
            "best_utility": state.best,
            "regret": state.best - worth,
            "cheapest": None if bought is None else bought.price == min(product.price for product in products),
            "dominated": None if index is None else state.dominated[index],
            "over_budget": over_budget,
            "position": None if index is None else state.order.index(index),
            "pages": state.pages,
            "considered": len(set(state.opened)),
            "task_done": over_budget is False,
        }

    def forfeit(self, state: ShopState, seat: str) -> Move:
        """Leaving: whoever gives no legal answer goes home with nothing, and never with a default product."""
        return Leave()

    def reference(self, state: ShopState, seat: str) -> Move:
        """Leaving: a hypothetical visit is one question, about the results page."""
        return Leave()

    def conceal(self, state: ShopState, seat: str) -> ShopState:
        """Another buyer behind the same words: weights, values and tastes, what products score, and stock not shown."""
        item = state.item
        buyer = Buyer(
            value=item.buyer.value + 1,
            budget=item.buyer.budget,  # told
            weights={respect: weight + 1 + i for i, (respect, weight) in enumerate(item.buyer.weights.items())},
            taste={brand: 2 * cents for brand, cents in item.buyer.taste.items()},
        )
        products = tuple(
            product.model_copy(
                update={
                    "scores": {respect: 100 - score for respect, score in product.scores.items()},
                    "stock": product.stock + (product.stock > LOW_STOCK),
                }
            )
            for product in item.products
        )
        kind = "tradeoff" if item.kind == "dominated" else "dominated"
        return replace(
            state,
            item=item.model_copy(update={"id": f"not {item.id}", "kind": kind, "buyer": buyer, "products": products}),
            worth=tuple(utility(buyer, product) for product in products),
            dominated=dominated(buyer, products),
        )

    def benchmarks(
        self, config: ShopConfig, item: ShopItem, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Exact expected regret in cents of buyers that need no page but the first."""
        state = self.initial(config, item)
        lowest = min(product.price for product in item.products)
        ties = [worth for worth, p in zip(state.worth, item.products, strict=True) if p.price == lowest]
        return {
            "oracle": Benchmark(
                value=0.0, assumes="knows the buyer's utility; leaves where no product is worth its price"
            ),
            "random": Benchmark(
                value=state.best - sum(state.worth) / len(state.worth),
                assumes="buys each product with the same probability; never leaves",
            ),
            "cheapest": Benchmark(
                value=state.best - sum(ties) / len(ties),
                assumes="buys at the lowest price; each with the same probability where several have it",
            ),
            "first": Benchmark(
                value=float(state.best - state.worth[state.order[0]]), assumes="buys the product shown first"
            ),
            "leave": Benchmark(value=float(state.best), assumes="leaves without buying"),
        }


def lower(control: str) -> Move:
    """The move that pressing a control means, from the control's id."""
    kind, _, product = control.partition(":")
    if kind == "buy":
        return Buy(product=product)
    if kind == "open":
        return Open(product=product)
    if kind == "back":
        return Back()
    if kind == "leave":
        return Leave()
    raise InputError(f"no control {control!r} in this shop; expected buy:ID, open:ID, back or leave")


def _order(positions: str | int, size: int) -> tuple[int, ...]:
    number = positions if isinstance(positions, int) else 0
    rotated = [(i + number // 2) % size for i in range(size)]
    return tuple(reversed(rotated) if number % 2 else rotated)


def _controls(state: ShopState) -> tuple[Control, ...]:
    leave = Control(id="leave", role="button", name="Leave the shop")
    if state.at == "results":
        shown = [state.item.products[i] for i in state.order]
        may_open = state.views_left > 0
        return (
            *(Control(id=f"buy:{product.id}", role="button", name="Buy") for product in shown),
            *(Control(id=f"open:{product.id}", role="link", name="Open", enabled=may_open) for product in shown),
            leave,
        )
    if state.at == "product":
        buy = Control(id=f"buy:{state.product}", role="button", name="Buy")
        return (buy, Control(id="back", role="link", name="Back to results"), leave)
    return ()


def _page(state: ShopState) -> Page:
    products = state.item.products
    if state.at == "results":
        return Page(
            kind="results",
            heading=f"Results for {state.item.category}: {len(products)} products",
            products=tuple(_tile(products[i]) for i in state.order),
            views_left=state.views_left,
            controls=_controls(state),
        )
    if state.at == "left":
        return Page(kind="exit", heading="You left the shop without buying anything.", views_left=state.views_left)
    product = products[state.index(state.product)]
    if state.at == "bought":
        return Page(
            kind="receipt",
            heading="Thank you for your order.",
            products=(_tile(product),),
            views_left=state.views_left,
        )
    return Page(
        kind="product",
        heading=product.title,
        products=(_tile(product),),
        details=tuple(Detail(name=spec.name, shown=spec.shown) for spec in product.specs),
        reviews=tuple(Review(stars=comment.stars, text=comment.text) for comment in product.comments),
        views_left=state.views_left,
        controls=_controls(state),
    )


def _tile(product: Product) -> Tile:
    badges = []
    if product.sponsored:
        badges.append("Sponsored")
    if product.endorsed:
        badges.append("Overall pick")
    if product.stock <= LOW_STOCK:
        badges.append(f"Only {product.stock} left in stock")
    return Tile(
        id=product.id,
        title=product.title,
        price=product.price,
        rating=product.rating,
        reviews=product.reviews,
        badges=tuple(badges),
    )


def _features(state: ShopState, index: int) -> dict[str, float]:
    product = state.item.products[index]
    return {
        "position": float(state.order.index(index)),
        "price": float(product.price),
        # Rounded, so that two machines' logarithms give the same bytes.
        "ln_price": round(math.log(product.price), 12),
        "rating": product.rating,
        "ln_reviews": round(math.log(product.reviews + 1), 12),
        "sponsored": float(product.sponsored),
        "endorsed": float(product.endorsed),
        "scarcity": float(product.stock <= LOW_STOCK),
    }
