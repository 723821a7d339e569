"""The recording of a stored episode: its steps are read some at a time as they are asked for; the latest are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import repeat
from threading import Lock
from typing import overload

from sandbox.errors import StoreError
from sandbox.report.worth import Sign
from sandbox.scenario import NATURE
from sandbox.store import Store
from sandbox.store.rows import StepHead
from sandbox.store.tables import Flag
from sandbox.store.unpacking import StepSkim
from sandbox.trace import Step
from sandbox.tui.moment import Recording

CHUNK = 32
"""Steps that are read at once."""
KEPT = 4
"""Chunks that are kept: a step's neighbours are looked at next, and one that lies far back seldom."""

AT_ONCE = 1_000
"""Steps of an episode, beyond which its signs are read in full only after it is shown; and how many at a time."""

Read = Callable[[int, int], Sequence[Step]]
"""Gives the steps from one index to before another."""


class StoredSteps(Sequence[Step]):
    """A sequence of steps, and of any slice of them without reading it. May be used from several threads.

    Raises, where a step is asked for: whatever `read` raises; StoreError where it is gone since.
    """

    def __init__(self, read: Read, count: int, first: Sequence[Step] = ()) -> None:
        """`first`: the first chunk, where it is there already."""
        self._read = read
        self._range = range(count)
        self._kept: OrderedDict[int, Sequence[Step]] = OrderedDict({0: first} if first else {})
        self._lock = Lock()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._range)

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> StoredSteps: ...
    def __getitem__(self, place: int | slice) -> Step | StoredSteps:
        """A step, or a part of the sequence that shares what is read."""
        if isinstance(place, slice):
            part = object.__new__(StoredSteps)
            part.__dict__ |= self.__dict__ | {"_range": self._range[place]}
            return part
        index = self._range[place]
        return self._one(self._chunk(index // CHUNK), index)

    def __iter__(self) -> Iterator[Step]:
        """All of them in order; what is only passed by does not push out what was looked at."""
        number, chunk = -1, ()  # type: tuple[int, Sequence[Step]]
        for index in self._range:
            if index // CHUNK != number:
                number = index // CHUNK
                chunk = self._kept.get(number) or self._fetch(number)
            yield self._one(chunk, index)

    def _chunk(self, number: int) -> Sequence[Step]:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        chunk = self._fetch(number)
        with self._lock:
            self._kept[number] = chunk
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return chunk

    @staticmethod
    def _one(chunk: Sequence[Step], index: int) -> Step:
        if index % CHUNK >= len(chunk):
            raise StoreError(f"step {index + 1} is no longer there: another attempt has begun; open the episode again")
        return chunk[index % CHUNK]

    def _fetch(self, number: int) -> Sequence[Step]:
        return self._read(number * CHUNK, (number + 1) * CHUNK)


def stored_recording(store: Store, key: str) -> Recording:
    """The recording of an episode of a store, which must stay open.

    Raises:
        UnknownName, StoreCorrupt: as `Store.episode` does; so may the recording's `survey`, and asking for a step.
    """
    opened = store.opened(key, CHUNK, AT_ONCE)
    outline = opened.outline
    steps = StoredSteps(partial(store.steps_as_read, key), len(outline), opened.steps)
    survey = partial(_survey, store, key, outline) if opened.skims is None else None
    signs = list(map(_sign, outline, opened.skims or repeat(_NO_SKIM)))
    recording = Recording(opened.about, steps, signs, opened.marks, opened.scores, survey)
    recording.annotate(opened.annotations)
    return recording


def _survey(store: Store, key: str, outline: Sequence[StepHead]) -> list[Sign]:
    signs: list[Sign] = []
    for start in range(0, len(outline), AT_ONCE):
        skims = store.skim(key, start, min(start + AT_ONCE, len(outline)))
        signs += [_sign(head, skim) for head, skim in zip(outline[start:], skims, strict=False)]
    return signs


def _sign(head: StepHead, skim: StepSkim) -> Sign:
    return Sign(head.tick, head.seat, head.seat == NATURE, _names(head.flags), skim.kinds, skim.rewards)


@lru_cache(maxsize=1024)
def _names(bits: int) -> frozenset[str]:
    """What the bits mean, but for the one that the kinds of the events say, too."""
    return frozenset(str(flag.name).lower() for flag in Flag if flag & bits and flag is not Flag.REWARD_INVALID)


_NO_SKIM = StepSkim(frozenset(), {})
