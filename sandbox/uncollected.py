"""A pause of Python's garbage collector while thousands of models are made that live on: none of them is in a cycle.

The collector would walk all of them, and all that was ever imported, again and again: a third of the time of scoring.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Rests:
    """How many threads want the garbage collector to rest: it is as it was before the first when the last is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._before = True

    def add(self, count: int) -> None:
        """1: one more wants it to; -1: one fewer."""
        with self._lock:
            if not self._wanted:
                self._before = gc.isenabled()
                gc.disable()
            self._wanted += count
            if not self._wanted and self._before:
                gc.enable()


_RESTS = _Rests()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, in all threads; keep it short, or call `gc.collect(1)` now and then."""
    _RESTS.add(1)
    try:
        yield
    finally:
        _RESTS.add(-1)


@contextmanager
def collected_anew() -> Iterator[None]:
    """Inside `uncollected`: the garbage collector rests no longer, but walks only what is made from now on."""
    gc.freeze()
    _RESTS.add(-1)
    try:
        yield
    finally:
        _RESTS.add(1)
        gc.unfreeze()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """With the garbage collector at a seventieth of its usual pace, in all threads.

    Episodes side by side hold more objects for a while than it takes for what it thinks is due, and full collections
    walk all that was imported: a third of the time of a run of small graphs, which left no cycles.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*((50_000, 20, 20) if usual[0] else usual))
    try:
        yield
    finally:
        gc.set_threshold(*usual)
