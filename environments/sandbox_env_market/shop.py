"""The scenario `market/Shop-v0`: an agent shops in a mock shop for a buyer of known utility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from sandbox.errors import InputError
from sandbox.menu import Menu, Move, show
from sandbox.scenario import NATURE, Appraisal, Benchmark, Frozen, Policy, Scenario, Treatment
from sandbox.trace import trusted
from sandbox_env_market import cart, cart_facts, cart_pages, direct, pages
from sandbox_env_market.config import Rules, ShopConfig
from sandbox_env_market.goods import ShopItem, make_item
from sandbox_env_market.moves import Finish, Leave, ShopMoves
from sandbox_env_market.page import Page, text
from sandbox_env_market.randomise import Assign, sample, treatment
from sandbox_env_market.state import AnyState, CartState, ShopState, drawn
from sandbox_env_market.suites import factors_of, items_of
from sandbox_env_market.truth import payoff

SEAT = "buyer"


class Visit(Frozen):
    """What the agent sees: the errand in words (the same on every surface), and the page."""

    task: str
    page: Page


class Shop(Scenario[ShopConfig, AnyState]):
    """A mock shop, and a buyer for whom to shop in it.

    Source: the mock shop of ACES (Allouah et al. 2025, arXiv:2508.02630), with product pages, a cart, and with buyers
    whose utility is known, so that regret is exact.

    The flow `direct`: one page of results, product pages, and one purchase. All products can be bought from the results
    page at once. It ends by buying or leaving, after at most 2 x `views` + 1 moves.

    | move            | where        | effect                                                        |
    |-----------------|--------------|---------------------------------------------------------------|
    | `buy(product)`  | both pages   | ends; the reward is the buyer's utility, cents                |
    | `open(product)` | results      | the product's page, with its third attribute and reviews      |
    | `back()`        | product page | the results page                                              |
    | `leave()`       | both pages   | ends with 0; an abstention, and also the declared forfeit     |

    The flow `cart`: a whole shop, of a set or of thousands of products. It ends by `leave`, by `finish`, or after
    `patience` moves, with what was ordered by then.

    | move                                       | where         | effect                                             |
    |--------------------------------------------|---------------|----------------------------------------------------|
    | `search(query)`, `cart()`, `orders()`      | everywhere    | that page                                          |
    | `sort(by)`, `filter(by, value)`            | results       | another order; fewer products                      |
    | `next_page()`, `previous_page()`           | results       | more of them                                       |
    | `open(product)`                            | results       | the product's page; `views` of them                |
    | `add(product)`                             | both          | into the cart, at most five of one thing           |
    | `choose(variant)`, `read_reviews()`        | product page  | another variant; all reviews                       |
    | `quantity(line, number)`                   | product, cart | how many                                           |
    | `remove(line)`, `coupon(code)`             | cart          | out of it again; a rebate                          |
    | `checkout()`                               | cart          | the bill with shipping and extras                  |
    | `include(extra, on)`, `confirm()`          | checkout      | an extra more or less; the order is placed         |
    | `return(order)`                            | orders        | the goods' price is refunded                       |
    | `back()`                                   | elsewhere     | the results                                        |
    | `leave()`; `finish()` after an order       | everywhere    | ends; `leave` is an abstention; also the forfeits  |

    The observation is a `Visit`. The reward is the change of what the visit is worth to the buyer, in cents: 0 until
    something is bought (see `truth`). Nature moves first where factors are randomised. Arguments: `ShopConfig`.

        env = gymnasium.make("market/Shop-v0", sets="tradeoff", views=0)
    """

    id = "market/Shop-v0"
    Config = ShopConfig
    State = AnyState
    Action = Annotated[ShopMoves | Assign, Field(discriminator="kind")]
    Observation = Visit
    presentation = frozenset({"surface"})

    def seats(self, config: ShopConfig) -> tuple[str, ...]:
        """One seat: the buyer."""
        return (SEAT,)

    def items(self, config: ShopConfig) -> Sequence[ShopItem]:
        """Errands in the order of their numbers; or the suite's items; or errands in a shop of thousands."""
        if config.suite:
            return items_of(config)
        if config.goods != "errands":
            from sandbox_env_market.tasks import shopping_items  # the generator, which sets of eight do not need

            return shopping_items(config)
        first, step = {"mixed": (0, 1), "dominated": (0, 2), "tradeoff": (1, 2)}[config.sets]
        return [make_item(first + step * i) for i in range(config.items)]

    def counterbalance(self, config: ShopConfig, item: Any) -> Sequence[Mapping[str, Any]]:
        """Two orders, given and reversed, unless the config names one, nature draws it, or it is a whole shop."""
        free = config.positions == "counterbalanced" and item.goods is None and "position" not in factors_of(config)
        return ({"positions": 0}, {"positions": 1}) if free else ({},)

    def initial(self, config: ShopConfig, item: ShopItem) -> AnyState:
        """The results page, in the order that the config says.

        Raises:
            InputError: the item does not go with the config.
        """
        rules = Rules(
            randomise=factors_of(config),
            placement=config.placement,
            technique=config.technique,
            goal=config.goal,
            dark=config.dark,
        )
        order = _order(config.positions, len(item.products))
        if config.flow == "direct":
            return direct.initial(config, item, order, rules)
        return cart.initial(config, item, order, rules)

    def to_move(self, state: AnyState) -> tuple[str, ...]:
        """Nature while it has factors to draw, then the buyer until the visit is over."""
        if len(state.draws) < len(state.rules.randomise):
            return (NATURE,)
        return () if state.at in ("bought", "left", "done", "closed") else (SEAT,)

    def draw(self, state: AnyState) -> str:
        """The factor, and the errand: items that share a seed share no draw."""
        return f"{state.rules.randomise[len(state.draws)]}/{state.item.id}"

    def sample(self, state: AnyState, generator: np.random.Generator) -> Assign:
        """The factor's values, given those drawn before."""
        factor = state.rules.randomise[len(state.draws)]
        return sample(factor, drawn(state.item, state.draws), generator)

    def menu(self, state: AnyState, seat: str) -> Menu:
        """What the page's enabled controls do: purchases first, in the order shown."""
        return direct.menu(state) if isinstance(state, ShopState) else cart.menu(state)

    def apply(self, state: AnyState, moves: Mapping[str, Move]) -> AnyState:
        """Turn the page, or end.

        Raises:
            InputError: there is no such move.
        """
        drawing = moves.get(NATURE)
        if drawing is not None:
            if not isinstance(drawing, Assign):
                raise InputError(f"{self.id}: {show(drawing)} is no draw of nature's; expected assign")
            return direct.assigned(state, drawing) if isinstance(state, ShopState) else cart.assigned(state, drawing)
        move = moves[SEAT]
        return direct.apply(state, move) if isinstance(state, ShopState) else cart.apply(state, move)

    def observe(self, state: AnyState, seat: str) -> Visit:
        """The errand and the page."""
        page = pages.page_of(state) if isinstance(state, ShopState) else cart_pages.page_of(state)
        return trusted(Visit, {"task": state.item.task, "page": page})

    def render(self, observation: Visit) -> str:
        """The errand, then the page as text."""
        return f"{observation.task}\n\n{text(observation.page)}"

    def appraise(self, state: AnyState, seat: str, move: Move) -> Appraisal:
        """Utility in cents: a product's own for `buy`, 0 for `leave`, the best still reachable for `open` and `back`.

        `content` is the product's id for `buy` and `add`, else the kind of move and its fields (`open:p47`). The
        features of `buy`, `add` and `open` are those of a choice model: `position` on the results page from 0, `price`
        (cents), `ln_price`, `rating`, `ln_reviews` (of reviews + 1), and 0 or 1 for `sponsored`, `endorsed` and
        `scarcity`; `buy` and `add` also have `over_budget`, `buy` `dominated`, and `add` and `open` of the cart `rank`,
        the place among all results. For the cart's utilities see `cart_facts.appraise`. Risks are those of
        `attacks.risks`.
        """
        return direct.appraise(state, move) if isinstance(state, ShopState) else cart_facts.appraise(state, move)

    def payoffs(self, state: AnyState) -> Mapping[str, float]:
        """The utility of what was bought, cents."""
        return {SEAT: float(direct.payoff(state) if isinstance(state, ShopState) else payoff(state))}

    def facts(self, state: AnyState) -> Mapping[str, Any]:
        """What came of the visit; all money in cents.

        `regret` is `best_utility` minus `utility`; without a purchase it is the forgone best. `dominated`, `cheapest`,
        `over_budget` and `position` are None without a purchase. `considered` counts products whose page was opened.

        In the cart `bought` is a list (what was ordered and not returned), `surplus` the logsum of what can be had,
        `profit` and `profits` (by seller) what sellers earned (where goods cost them anything; `surplus` and `profit`
        also in the direct flow, but for plain errands), `paid` what was paid and not refunded, `goods_paid` the
        part of it for goods, `equivalent` the price of something as good; `seen` and `opened` are ids of products.
        `query`, `suite`, `level` and `right` are the item's, where it has them; an attack's are `attacks.facts`.
        """
        item = state.item
        own = {"query": item.query, "suite": item.suite, "level": item.level, "target": item.target}
        found: dict[str, Any] = {name: value for name, value in own.items() if value}
        if item.right:
            found["right"] = list(item.right)
        flow = direct.facts_of(state) if isinstance(state, ShopState) else cart_facts.facts_of(state)
        return {**found, **flow}

    def treatments(self, state: AnyState) -> Mapping[str, Treatment]:
        """What nature drew."""
        return {draw.factor: treatment(draw) for draw in state.draws}

    def forfeit(self, state: AnyState, seat: str) -> Move:
        """Leaving, or going home with what was ordered: no legal answer never buys a default product."""
        return Finish() if isinstance(state, CartState) and state.bought else Leave()

    def reference(self, state: AnyState, seat: str) -> Move:
        """The same: a hypothetical visit is one question, about the results page."""
        return self.forfeit(state, seat)

    def conceal(self, state: AnyState, seat: str) -> AnyState:
        """Another buyer behind the same words: weights, values and tastes, what products score, and stock not shown."""
        return direct.hidden(state) if isinstance(state, ShopState) else cart_facts.hidden(state)

    def surface(self, config: ShopConfig) -> object | None:
        """What `config.surface` and `config.actions` name; None for text with moves."""
        if config.surface == ("text",) and config.actions == "moves":
            return None
        from sandbox_env_market.surfaces import surface_of  # may need a browser's client, which text does not

        return surface_of(config)

    def benchmarks(
        self, config: ShopConfig, item: ShopItem, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Exact expected regret in cents of simple buyers; only the oracle's where nature has yet to draw."""
        state = self.initial(config, item)
        found = direct.benchmarks(state) if isinstance(state, ShopState) else cart_facts.benchmarks(state)
        return {"oracle": found["oracle"]} if state.rules.randomise else found


def _order(positions: str | int, size: int) -> tuple[int, ...]:
    if not size:
        return ()
    number = positions if isinstance(positions, int) else 0
    rotated = [(i + number // 2) % size for i in range(size)]
    return tuple(reversed(rotated) if number % 2 else rotated)
