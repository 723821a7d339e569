"""Ctrl-C while a run waits."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

from sandbox import interruptible


def test_ctrl_c_is_heard_though_it_does_not_break_off_the_wait() -> None:
    """A signal that another thread takes is, to the loop, one that came just before it began to wait."""

    def strike() -> None:
        time.sleep(0.2)  # the loop waits by now
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    async def waits() -> None:
        threading.Thread(target=strike).start()
        await asyncio.sleep(20)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interruptible.run(waits())
    assert time.monotonic() - began < 15
    assert signal.set_wakeup_fd(-1) == -1  # nothing is left behind


def test_what_the_coroutine_gives_or_raises_comes_out() -> None:
    """In the main thread and in another."""

    async def gives() -> int:
        await asyncio.sleep(0)
        return 3

    async def raises() -> None:
        raise LookupError("so")

    assert interruptible.run(gives()) == 3
    with pytest.raises(LookupError, match="so"):
        interruptible.run(raises())
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(interruptible.run(gives())))
    thread.start()
    thread.join()
    assert found == [3]
