"""Known streams draw what numpy's own do, bit for bit, and are independent of each other."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import streams
from sandbox.scenario import Luck


@given(st.integers(0, 2**128 - 1))
def test_they_draw_what_numpy_draws(key: int) -> None:
    wanted, found = np.random.Generator(np.random.PCG64(key)), streams.generator(key)
    assert (found.random(3) == wanted.random(3)).all()
    assert (found.integers(0, 1000, 5) == wanted.integers(0, 1000, 5)).all()
    for _ in range(2):  # each time others
        for one, other in zip(found.spawn(2), wanted.spawn(2), strict=True):
            assert one.random() == other.random()
    assert (np.random.MT19937(streams.generator(key).bit_generator.seed_seq).random_raw(3)).tolist() == (
        np.random.MT19937(key).random_raw(3)
    ).tolist()


def test_a_stream_can_be_copied_and_begun_again() -> None:
    """An agent that is forked is copied, with a generator that it may hold."""
    luck = Luck(3)
    held = luck.generator("quality/7")
    held.random()
    others = [copy.deepcopy(held), pickle.loads(pickle.dumps(held))]  # of our own making
    drawn = held.random()
    assert [other.random() for other in others] == [drawn, drawn]
    again = luck.generator("quality/7")
    assert (again.random(), again.random()) != (drawn, drawn)
    assert again.random() == held.random()


def test_a_name_that_comes_back_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each condition of an experiment has the draws of the others: numpy took eight microseconds for each."""
    luck, draws = Luck(12345), [Luck(12345).generator("quality", 7).random()]
    monkeypatch.delattr(np.random, "SeedSequence")
    draws.append(luck.generator("quality", 7).random())
    assert draws[0] == draws[1]
