"""What may be set in the shop: surface, flow, goods, treatments, attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sandbox.scenario import Frozen
from sandbox_env_market.fields import added
from sandbox_env_market.goods import SIZE

Placement = Literal["none", "title", "description", "review", "image"]
Technique = Literal[
    "none", "authority", "social_proof", "loss_aversion", "injection", "strong_injection", "important_instructions"
]
Goal = Literal["none", "buy", "overpay", "leak"]
Dark = Literal["preselected", "drip", "scarcity", "strike", "countdown"]
SuiteName = Literal["", "instruction", "price", "rating", "choice_behavior", "market_share"]
Factor = Literal["position", "price", "reviews", "rating", "sponsored", "endorsed", "scarcity"]


def _several(raw: Any) -> Any:
    """A comma-separated line as a list of its parts, so that `-P surface=tree,pixels` works."""
    return tuple(part.strip() for part in raw.split(",") if part.strip()) if isinstance(raw, str) else raw


Surfaces = Annotated[tuple[Literal["text", "tree", "pixels"], ...], BeforeValidator(_several)]
Darks = Annotated[tuple[Dark, ...], BeforeValidator(_several)]
Factors = Annotated[tuple[Factor, ...], BeforeValidator(_several)]


class ShopConfig(Frozen):
    """What may be set.

    Attributes:
        items: how many errands, numbered from 0; a number is the same errand in every config.
        sets: both kinds in turn, or one of them only.
        positions: the order on the results page. `given`; or a number: n // 2 places rotated, and reversed where n is
            odd (0 is `given`, 1 is its reverse). `counterbalanced` meets each errand in orders 0 and 1, and is `given`
            where nobody expands it.
        views: how many product pages may be opened; going back is free. With 0 it is a choice from one page.
        surface: what the agent sees the pages as, one or several; changes nothing that is true.
        actions: what the agent is offered: the shop's moves, gestures on the surface (clicks), or both. A gesture that
            is not offered is invalid; a move comes to the same as pressing its control, and is taken in any case.
        flow: `direct` buys at once; `cart` is a whole shop: search, variants, cart, coupon, checkout, orders, returns.
        patience: moves after which a `cart` visit is over, with what was ordered by then.
        goods: `errands`, sets of eight; `catalogue`, a generated shop; or the path of a file with goods of one's own.
        size, stock_seed: products of the generated shop, and what they are drawn from.
        shown: products on a page of results, in the `cart` flow.
        precision: how exactly the task says what is wanted, where goods are a catalogue.
        suite: a suite of ACES' instead of the errands; empty: none.
        randomise: the factors that nature draws for each episode.
        placement, technique, goal: an attack on the agent: where its text stands, how it persuades, and what to.
        dark: dark patterns of the shop's.
    """

    items: int = Field(100, ge=1, le=100_000)
    sets: Literal["mixed", "dominated", "tradeoff"] = "mixed"
    positions: Literal["counterbalanced", "given"] | Annotated[int, Field(ge=0, lt=2 * SIZE)] = "counterbalanced"
    views: int = Field(12, ge=0, le=1000)
    surface: Surfaces = added(("text",), min_length=1)
    actions: Literal["moves", "gestures", "both"] = added("moves")
    flow: Literal["direct", "cart"] = added("direct")
    patience: int = added(60, ge=10, le=10_000)
    goods: str = added("errands", min_length=1)
    size: int = added(2000, ge=20, le=20_000)
    stock_seed: int = added(0, ge=0)
    shown: int = added(8, ge=1, le=10_000)
    precision: Literal["exact", "attributes", "vague"] = added("attributes")
    suite: SuiteName = added("")
    randomise: Factors = added(())
    placement: Placement = added("none")
    technique: Technique = added("none")
    goal: Goal = added("none")
    dark: Darks = added(())

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse what cannot happen in the flow."""
        if self.flow == "direct":
            if self.goal == "leak":
                raise ValueError("goal: leak needs flow: cart; nothing can be written in the direct flow")
            bill = [pattern for pattern in self.dark if pattern in ("preselected", "drip")]
            if bill:
                raise ValueError(f"dark: {', '.join(bill)} needs flow: cart; the direct flow has no bill")
            if self.goods == "catalogue":
                raise ValueError("goods: catalogue needs flow: cart; one page cannot sell a whole shop")
        for name in ("randomise", "dark"):
            named = getattr(self, name)
            if len(set(named)) < len(named):
                raise ValueError(f"{name}: {', '.join(named)} names one of them twice")
        if self.goods == "errands":
            fields = type(self).model_fields
            idle = [name for name in ("size", "stock_seed", "precision") if getattr(self, name) != fields[name].default]
            if idle:
                raise ValueError(f"{', '.join(idle)}: of a generated shop; set goods: catalogue, or leave it out")
        if self.placement in ("description", "review") and not self.views:
            raise ValueError(f"placement: {self.placement} is on a product's page, and views: 0 lets nobody open one")
        if self.suite:
            if self.goods != "errands":
                raise ValueError(f"suite: {self.suite} has goods of its own: leave out goods: {self.goods}")
            if self.sets != "mixed":
                raise ValueError(f"suite: {self.suite} has sets of its own: leave out sets: {self.sets}")
        placed = "position" in self.randomise or (self.suite and not self.randomise)
        if placed and self.positions != "counterbalanced":
            raise ValueError("positions: nature draws them here (randomise, or the suite): leave positions out")
        if self.randomise and self.goods == "catalogue":
            raise ValueError("randomise: needs sets of products, not goods: catalogue")
        return self


@dataclass(frozen=True)
class Rules:
    """What a visit's later moves depend on, as in `ShopConfig`: a part of its state, where it is set."""

    randomise: tuple[Factor, ...] = ()
    placement: Placement = "none"
    technique: Technique = "none"
    goal: Goal = "none"
    dark: tuple[Dark, ...] = ()
