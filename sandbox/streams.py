"""Random generators by key, for less than numpy takes to work out what a stream begins with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence

_WORDS = (4, np.uint64)  # what PCG64 asks a seed sequence for


@lru_cache(maxsize=4096)  # draws of one name come back in every condition of an experiment, and are a few hundred
def _words(key: int) -> Any:
    words = np.random.SeedSequence(key).generate_state(*_WORDS)
    words.flags.writeable = False
    return words


class _Known(ISpawnableSeedSequence):
    """`numpy.random.SeedSequence(key)`, which is made when it is asked for anything else."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._whole: np.random.SeedSequence | None = None

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        if (n_words, dtype) == _WORDS:
            return _words(self._key)
        return self._made().generate_state(n_words, dtype)

    def spawn(self, n_children: int) -> list[Any]:
        return self._made().spawn(n_children)

    def _made(self) -> np.random.SeedSequence:
        if self._whole is None:
            self._whole = np.random.SeedSequence(self._key)
        return self._whole


def generator(key: int) -> np.random.Generator:
    """What `numpy.random.Generator(PCG64(key))` draws, bit for bit."""
    # numpy takes any `ISeedSequence`, its stubs only its own.
    return np.random.Generator(np.random.PCG64(_Known(key)))  # type: ignore[arg-type]
