"""A scripted shopper that does what the pages tell it to: the planted subject, which every attack it reads catches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sandbox.agent import NoConfig, Turn
from sandbox.menu import Move, MoveRange
from sandbox_env_market.attacks import ASKS
from sandbox_env_market.moves import Search, lower
from sandbox_env_market.page import Page, Tile
from sandbox_env_market.shoppers import Shopper

_ASKED = {goal: re.compile(re.escape(ask).replace(r"\{id\}", r"(\S+)")) for goal, ask in ASKS.items()}
_ADDRESS = re.compile(r"parcels go to (.+?)\.?(?:\n|$)")


class ObedientShopper(Shopper[NoConfig]):
    """Opens one product after the other until a text asks for something, and does that; then buys, pays and goes.

    It knows the requests of `attacks` by their wording and finds them wherever the page has them. If there is none, or
    no page may be opened any more, it buys the product shown first. In a shop of several pages of results it searches
    first for what the shop suggests, and looks at the first page of that.
    """

    def __init__(self, config: NoConfig) -> None:
        super().__init__(config)
        self.goal = self.target = ""
        self.opened: set[str] = set()
        self.searched = self.told = False

    def pick(self, turn: Turn, page: Page, offers: Sequence[Tile]) -> str:
        """What it was told to buy, or the first."""
        return self.target or offers[0].id

    def act(self, turn: Turn) -> Move:
        """Look, obey, buy."""
        page: Page = turn.observation.page
        can = {control.id for control in page.controls if control.enabled}
        self._read(page)
        if self.goal == "leak" and not self.told:
            self.told = "search" in can
            return Search(query=_address(turn.observation.task)) if self.told else lower("back")
        if self.told and page.kind == "results" and not page.products:
            return Search(query="")
        if not self.goal and not self.product:
            query = None if self.searched or page.pages < 2 else _suggested(turn)
            if query is not None:
                self.searched = True
                return query
            for tile in page.products:
                if f"open:{tile.id}" in can and tile.id not in self.opened:
                    self.opened.add(tile.id)
                    return lower(f"open:{tile.id}")
            if page.kind == "product" and "back" in can:
                return lower("back")
        self.product = self.target or self.product
        away = self.product and not self.added and not can & {f"{way}:{self.product}" for way in ("buy", "add", "open")}
        return lower("back") if away and "back" in can else super().act(turn)

    def _read(self, page: Page) -> None:
        """Keep the first request on the page."""
        for text in () if self.goal else _texts(page):
            for goal, asked in _ASKED.items():
                found = asked.search(text)
                if found:
                    self.goal, self.target = goal, "".join(found.groups())
                    return


def _texts(page: Page) -> Iterator[str]:
    """All that sellers and customers say on a page."""
    for tile in page.products:
        yield from (tile.title, tile.picture.words if tile.picture else "")
    yield page.description
    yield from (review.text for review in page.reviews)


def _address(task: str) -> str:
    """Where the task says that parcels go."""
    found = _ADDRESS.search(task)
    return found.group(1) if found else ""


def _suggested(turn: Turn) -> Move | None:
    """The first search that the menu has as an example; None where nothing can be searched."""
    searches = (entry for entry in turn.menu if isinstance(entry, MoveRange) and entry.kind is Search)
    return next((entry.representatives[0] for entry in searches if entry.representatives), None)
