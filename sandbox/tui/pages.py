"""The episodes that a filter lets pass, as a long list of which only the pages in sight are read."""

from __future__ import annotations

from sandbox.errors import SandboxError
from sandbox.store import EpisodeHead, Filter
from sandbox.tui.source import Source

PAGE = 100
KEPT = 20  # pages in memory; a page is about 100 kB


class Pages:
    """A list of episode heads that reads itself page by page.

    Attributes:
        count: how many episodes there are.
        fault: why the last reading failed, or ''.
    """

    def __init__(self, source: Source, where: Filter) -> None:
        self._source = source
        self._where = where
        self._pages: dict[int, list[EpisodeHead]] = {}
        self.count = 0
        self.fault = ""
        try:
            self.count = source.count(where)
        except SandboxError as error:
            self.fault = str(error)

    def __getitem__(self, index: int) -> EpisodeHead | None:
        """The head in this place; None where there is none, or where it cannot be read (see `fault`)."""
        if not 0 <= index < self.count:
            return None
        number, place = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._read(number)
        return page[place] if place < len(page) else None

    def _read(self, number: int) -> list[EpisodeHead]:
        try:
            page = list(self._source.heads(self._where, limit=PAGE, offset=number * PAGE))
        except SandboxError as error:
            self.fault = str(error)
            page = []  # kept like any page: a broken one is not read again at each repaint
        if len(self._pages) >= KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[number] = page
        return page
