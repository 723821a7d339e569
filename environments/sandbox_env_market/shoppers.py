"""Scripted shoppers of the shop, whose rule is known: the yardsticks and planted subjects of its experiments.

Each picks one product of the results page and buys it: at once in the flow `direct`; in the flow `cart` it puts it into
the cart, checks out, pays and finishes. All read the page as the agent is shown it, and do only what it offers, so that
they are never illegal on any surface. In a shop of several pages they search for what they need, sort, and look at one
page; they open no product page unless there is no other way to the product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, Field

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.errors import InputError
from sandbox.menu import Move, MoveRange, moves
from sandbox.scenario import Frozen
from sandbox_env_market.catalogue import CATEGORIES
from sandbox_env_market.moves import Search, Sort, lower
from sandbox_env_market.page import Page, Tile
from sandbox_env_market.shelves import MORE

ConfigT = TypeVar("ConfigT", bound=BaseModel)
GRID = 4
"""Columns of the results page."""

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "claude_sonnet_4": {"sponsored": -0.1287, "endorsed": 1.0609, "ln_price": -1.626},
    "gpt_4_1": {"sponsored": -0.2451, "endorsed": 0.8047, "ln_price": -1.607},
    "gemini_2_5_flash": {"sponsored": -0.2588, "endorsed": 1.899, "ln_price": -2.19},
}
"""Coefficients that published results imply, by model (Allouah et al. 2025, arXiv:2508.02630, version 3).

The paper says with which probability a product that is chosen 10 times in 100 is chosen with a label (8.9 and 24.3 for
Claude Sonnet 4), and which rise of its price the overall pick makes up for (factors of 1.92, 1.65 and 2.38): of a
conditional logit, `sponsored` and `endorsed` are differences of log odds, and `ln_price` is minus `endorsed` over the
factor's logarithm. Of places it says for Claude Sonnet 4 that what is bought in 4.5 % at the bottom right is bought
five times as often in the top row's second or third column: `row1` and `col2` (or `col3`) are 1.818 log odds together,
but not how much each is, and of the other places nothing. So places are 0 here, as is all else that is not printed.
"""


class Shopper(Agent[ConfigT], Generic[ConfigT]):
    """Base of shoppers: say which product, `pick`; all else follows.

    Attributes:
        sorting: the order that it asks for first where the results have several pages; empty: as they come.
    """

    sorting: ClassVar[str] = ""

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self.product = ""
        self.searched = self.sorted = self.added = False

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """The id of the product to buy; empty to buy none.

        Args:
            turn: the turn, for its chance.
            page: the page.
            offers: the products on it that can be had, in the order shown; at least one.
        """
        raise TypeError(f"{type(self).__name__} must define pick(turn, page, offers)")

    def act(self, turn: Turn) -> Move:
        """The next step of buying one product."""
        page = page_of(turn)
        can = {control.id for control in page.controls if control.enabled}
        if not self.product and page.kind == "results":
            if page.pages > 1 and not self.searched and "search" in can:
                self.searched = True
                if query := wanted(turn):
                    return Search(query=query)
            if page.pages > 1 and self.sorting and not self.sorted and "sort" in can:
                self.sorted = True
                return Sort.model_validate({"by": self.sorting})
            offers = [tile for tile in page.products if can & {f"{way}:{tile.id}" for way in ("buy", "add", "open")}]
            self.product = self.pick(turn, page, offers) if offers else ""
        return lower(self._press(page, can))

    def _press(self, page: Page, can: set[str]) -> str:
        """The id of the control to press next."""
        if self.product and not self.added:
            for way in ("buy", "add", "open"):
                if f"{way}:{self.product}" in can:
                    self.added = way == "add"
                    return f"{way}:{self.product}"
        if self.added and page.kind not in ("receipt", "orders"):
            for onward in ("confirm", "checkout", "cart"):
                if onward in can:
                    return onward
        return next(way for way in ("finish", "leave", "back", *sorted(can)) if way in can)


def wanted(turn: Turn) -> str:
    """What to search for: what the menu proposes first, which are the task's words for it; else what is `needed`."""
    said = entered(turn, Search)
    return said.query if isinstance(said, Search) else needed(turn.observation.task)


def entered(turn: Turn, kind: type[Move]) -> Move | None:
    """The menu's own first example of a move that is entered in words."""
    ranges = tuple(entry for entry in turn.menu if isinstance(entry, MoveRange) and entry.kind is kind)
    return next(moves(ranges), None)


def needed(task: str) -> str:
    """What to search for: the name of the category whose words ("an electric kettle") the task has; empty: of none."""
    said = [category for category in (*CATEGORIES, *MORE) if f" {category.wanted}" in task]
    return max(said, key=lambda category: len(category.wanted)).name if said else ""


def page_of(turn: Turn) -> Page:
    """The page that is open.

    Raises:
        InputError: the turn is not about a shop.
    """
    page = getattr(turn.observation, "page", None)
    if not isinstance(page, Page):
        raise InputError(f"shoppers shop in market/Shop-v0; there is no page for {turn.seat!r} to look at")
    return page


class Cheapest(Shopper[NoConfig]):
    """Buys at the lowest price; of equals the one shown first."""

    sorting = "price_up"

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """The cheapest."""
        return min(offers, key=lambda tile: tile.price).id


class BestRated(Shopper[NoConfig]):
    """Buys what has the most stars; of equals what has more reviews, then the one shown first."""

    sorting = "rating"

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """The one rated best."""
        return max(offers, key=lambda tile: (tile.rating, tile.reviews)).id


class PlaceConfig(Frozen):
    """Settings of `ByPosition`: the place on the results page, from 0, row by row."""

    place: int = Field(0, ge=0)


class ByPosition(Shopper[PlaceConfig]):
    """Buys what is shown in one place, whatever it is; where there are fewer products, the last."""

    Config = PlaceConfig

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """The one in its place."""
        return offers[min(self.config.place, len(offers) - 1)].id


class LogitConfig(Frozen):
    """Settings of `LogitShopper`.

    Attributes:
        preset: a model whose published coefficients it has, see `PUBLISHED`.
        coefficients: feature -> coefficient, in place of the preset's or beside them. Features: `ln_price` (cents),
            `rating`, `ln_reviews` (of reviews + 1), `sponsored`, `endorsed`, `scarcity`, `title_words` (how
            many words the title has), `position` (from 0), and in the grid of four columns `row1` (the top one) and on,
            and `col1` (on the left) to `col4`: 1 there, else 0; as `market/choice_model` has them.
    """

    preset: Literal["none", "claude_sonnet_4", "gpt_4_1", "gemini_2_5_flash"] = "claude_sonnet_4"
    coefficients: Mapping[str, float] = {}


class LogitShopper(Shopper[LogitConfig]):
    """Draws from a conditional logit of known coefficients: P(j) is proportional to exp(b . x_j) (McFadden 1974).

    With `preset: none` and no coefficients every product has the same chance.
    """

    Config = LogitConfig

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """One draw."""
        weights = {**PUBLISHED.get(self.config.preset, {}), **self.config.coefficients}
        places = {tile.id: place for place, tile in enumerate(page.products)}
        described = [features(tile, places[tile.id]) for tile in offers]
        worth = np.array([sum(weight * seen.get(name, 0.0) for name, weight in weights.items()) for seen in described])
        chances = np.exp(worth - worth.max())
        return offers[int(turn.generator().choice(len(offers), p=chances / chances.sum()))].id


def features(tile: Tile, place: int) -> dict[str, float]:
    """What a choice model sees of a product on the results page; dummies that are 0 are left out."""
    return {
        "position": float(place),
        f"row{place // GRID + 1}": 1.0,
        f"col{place % GRID + 1}": 1.0,
        "ln_price": math.log(max(1, tile.price)),
        "rating": tile.rating,
        "ln_reviews": math.log(tile.reviews + 1),
        "sponsored": float("Sponsored" in tile.badges),
        "endorsed": float("Overall pick" in tile.badges),
        "scarcity": float(any(badge.startswith("Only ") for badge in tile.badges)),
        "title_words": float(len(tile.title.split())),
    }
