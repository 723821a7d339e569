"""A scripted shopper that reads the truth: what can be had, on which terms, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.menu import Move
from sandbox_env_market.moves import Add, Choose, Confirm, Coupon, Include, Open, Search, lower
from sandbox_env_market.page import Page
from sandbox_env_market.shoppers import entered, page_of, wanted

_PAGES = 40
"""Pages of results that it looks at; a buyer has no patience for more."""


class Oracle(Agent[NoConfig]):
    """Privileged: buys what is worth most to the buyer, on the best terms; nothing where all is worth less than 0.

    In the cart it searches for what is needed, looks through the results, opens the best product, tries its variants,
    redeems the shop's coupon, and has the extras that are worth their price. Its regret is 0, unless the best product
    is on a page that it does not get to.
    """

    privileged = True

    def __init__(self, config: NoConfig) -> None:
        super().__init__(config)
        self.worth: dict[str, float] = {}  # product -> the most that buying it can come to
        self.titles: dict[str, str] = {}
        self.best = ""
        self.looked = 0
        self.variants: dict[str, float] = {}
        self.extras: dict[str, float] = {}  # extra -> what ordering came to before it was tried
        self.redeemed = self.searched = self.sought = self.added = False

    def act(self, turn: Turn) -> Move:
        """The next step of the best visit."""
        page = page_of(turn)
        can = {control.id for control in page.controls if control.enabled}
        if page.kind == "results" and not self.added:
            return self._results(turn, page, can)
        if page.kind == "product" and not self.added:
            return self._product(turn, page, can)
        if page.kind == "cart" and not self.redeemed:
            self.redeemed = True
            coupon = entered(turn, Coupon)
            if coupon is not None:
                return coupon
        if page.kind == "checkout":
            return self._checkout(turn, page, can)
        onward = ("finish", "leave") if page.kind in ("receipt", "orders") else ("checkout", "cart", "finish", "leave")
        return lower(next(way for way in onward if way in can))

    def _results(self, turn: Turn, page: Page, can: set[str]) -> Move:
        if not self.searched:
            self.searched = True
            query = wanted(turn)
            if page.pages > 1 and query and "search" in can:
                return Search(query=query)
        self.looked += 1
        for tile in page.products:
            way = next((way for way in ("buy", "open", "add") if f"{way}:{tile.id}" in can), None)
            if way is not None:
                self.worth[tile.id] = _utility(turn, lower(f"{way}:{tile.id}"))
                self.titles[tile.id] = tile.title
        if "next_page" in can and self.looked < _PAGES and not self.best:
            return lower("next_page")
        self.best = self.best or max(self.worth, key=self.worth.__getitem__, default="")
        if not self.best or self.worth[self.best] <= 0:
            return lower(next(way for way in ("leave", "finish") if way in can))
        for way in ("buy", "open", "add"):
            if f"{way}:{self.best}" in can:
                self.added = way == "add"
                return lower(f"{way}:{self.best}")
        if "search" in can and not self.sought:
            self.sought = True
            # An attack's words may stand in the title, and it may be long: whole words of it find the product too.
            return Search(query=self.titles[self.best][:200].rpartition(" ")[0] or self.best)
        return lower(next(way for way in ("next_page", "leave", "finish") if way in can))

    def _product(self, turn: Turn, page: Page, can: set[str]) -> Move:
        """Try each variant, then have the best."""
        for variant in page.variants:
            if page.chosen == variant.value:
                self.variants[variant.value] = (
                    _utility(turn, Add(product=self.best)) if f"add:{self.best}" in can else 0
                )
            elif variant.value not in self.variants and f"choose:{variant.value}" in can:
                return Choose(variant=variant.value)
        best = max(self.variants, key=self.variants.__getitem__, default=page.chosen)
        if best != page.chosen and f"choose:{best}" in can:
            return Choose(variant=best)
        self.added = True
        return lower(next(way for way in (f"buy:{self.best}", f"add:{self.best}", "finish", "leave") if way in can))

    def _checkout(self, turn: Turn, page: Page, can: set[str]) -> Move:
        """Try each extra once, and take it back where the order is worth less with it; then pay, if it is worth it."""
        now = _utility(turn, Confirm()) if "confirm" in can else 0.0
        toggles = _toggles(page, can)
        tried = next(reversed(self.extras), None)
        if tried is not None and tried in toggles and self.extras[tried] > now:
            self.extras[tried] = now
            return toggles[tried]
        for extra, toggle in toggles.items():
            if extra not in self.extras:
                self.extras[extra] = now
                return toggle
        return lower(next(way for way in (("confirm",) if now > 0 else ()) + ("leave", "finish") if way in can))


def _utility(turn: Turn, move: Move) -> float:
    """What the move is worth; of opening a product's page, what buying that product can come to."""
    assert turn.appraise is not None  # the runner gives it to every privileged agent
    truth = turn.appraise(move)
    worth = truth.features.get("worth") if isinstance(move, Open) else None
    return float(worth if worth is not None else truth.utility or 0.0)


def _toggles(page: Page, can: set[str]) -> Mapping[str, Include]:
    """Extra -> the move that takes it in, or out again."""
    found = {}
    for control in page.controls:
        if control.id.startswith("include:") and control.id in can:
            move = lower(control.id)
            assert isinstance(move, Include)
            found[move.extra] = move
    return found
