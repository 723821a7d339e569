"""The garbage collector is as it was when the work is done."""

from __future__ import annotations

import gc
import weakref

import pytest

from sandbox.uncollected import collected_anew, collected_seldom, uncollected


def test_the_collector_has_its_usual_pace_again_also_after_a_fault():
    usual = gc.get_threshold()
    with collected_seldom():
        assert gc.get_threshold()[0] > usual[0]
    with pytest.raises(OSError, match="full"), collected_seldom():
        raise OSError("full")
    assert gc.get_threshold() == usual


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


class Cycle:
    """Nothing but the garbage collector lets go of it."""

    def __init__(self) -> None:
        self.own = self


def test_what_is_made_anew_is_collected_and_nothing_else_is_walked():
    """All that is kept from before would be walked again and again."""
    with uncollected():
        before = Cycle()
        with collected_anew():
            assert gc.isenabled()
            assert all(one is not before for one in gc.get_objects())
            gone = weakref.ref(Cycle())
            gc.collect(0)
            assert gone() is None
        with pytest.raises(OSError, match="full"), collected_anew():
            raise OSError("full")
        assert not gc.isenabled()
        assert gc.get_freeze_count() == 0
    assert gc.isenabled()


def test_sections_that_overlap_in_any_order_leave_the_collector_on():
    """Two threads score at once, say: the one that began last must not leave it off for ever."""
    first, last, anew = uncollected(), uncollected(), collected_anew()
    first.__enter__()
    last.__enter__()
    anew.__enter__()
    first.__exit__(None, None, None)
    assert gc.isenabled()
    anew.__exit__(None, None, None)
    assert not gc.isenabled()
    last.__exit__(None, None, None)
    assert gc.isenabled()
