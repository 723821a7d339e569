"""A pause of Python's garbage collector while thousands of models are made that live on: none of them is in a cycle.

The collector would walk all of them, and all that was ever imported, again and again: a third of the time of scoring.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, in all threads; keep it short, or call `gc.collect(1)` now and then."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def collected_anew() -> Iterator[None]:
    """Inside `uncollected`: with the garbage collector, in all threads, which walks only what is made from now on."""
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        gc.disable()
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
