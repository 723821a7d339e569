"""The episodes that a filter lets pass, as a long list of which only the pages in sight are read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sandbox.errors import SandboxError
from sandbox.store import EpisodeHead
from sandbox.tui.source import Source

PAGE = 100
KEPT = 20  # pages in memory; a page is about 100 kB


class Row(NamedTuple):
    """An episode with those of its scores that have a column; `SCORER/NAME` -> value."""

    head: EpisodeHead
    scores: Mapping[str, float | None]


class Pages:
    """A list of episodes, of which the numbers are known, that reads the rest page by page.

    Attributes:
        numbers: of the episodes, in order: eight bytes for each.
        scores: those that have a column.
        fault: why the last reading failed, or ''.
    """

    def __init__(self, source: Source, numbers: array[int], scores: Sequence[str] = ()) -> None:
        self._source = source
        self._pages: dict[int, list[Row]] = {}
        self.numbers = numbers
        self.scores = tuple(scores)
        self.fault = ""

    @classmethod
    def beginning(cls, source: Source, heads: Iterable[EpisodeHead]) -> Pages:
        """The first episodes, before it is known which numbers all of them have."""
        pages = cls(source, array("q"))
        pages._pages[0] = [Row(head, {}) for head in heads]
        pages.numbers = array("q", bytes(8 * len(pages._pages[0])))
        return pages

    @property
    def count(self) -> int:
        """How many episodes there are."""
        return len(self.numbers)

    def __getitem__(self, index: int) -> Row | None:
        """The episode in this place; None where there is none, or where it cannot be read (see `fault`)."""
        if not 0 <= index < self.count:
            return None
        number, place = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None or (place >= len(page) and not self.fault and len(page) < self._size(number)):
            page = self._read(number)
        return page[place] if place < len(page) else None

    def add(self, numbers: Iterable[int]) -> None:
        """More episodes, after the last: a search goes on."""
        self.numbers.extend(numbers)

    def place_of(self, number: int) -> int | None:
        """Where an episode stands, by its number."""
        return self.numbers.index(number) if number in self.numbers else None

    def _size(self, number: int) -> int:
        return min(self.count - number * PAGE, PAGE)

    def _read(self, number: int) -> list[Row]:
        some = self.numbers[number * PAGE : (number + 1) * PAGE]
        try:
            heads = self._source.heads_of(some)
            scores = self._source.scores_of(some, self.scores) if self.scores else {}
            page = [Row(head, scores.get(own, {})) for own, head in zip(some, heads, strict=True)]
        except SandboxError as error:
            self.fault = str(error)
            page = []  # kept like any page: a broken one is not read again at each repaint
        if len(self._pages) >= KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[number] = page
        return page
