"""Running a coroutine in which Ctrl-C is heard whenever it comes."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, but a Ctrl-C counts also in the moment in which the loop begins to wait.

    Python notes a signal, and acts upon its notes before it waits. What is noted after that look, or in another thread,
    would lie there until the wait is over: for minutes, where a slow model is waited for.
    """
    return asyncio.run(_woken(main))


async def _woken(main: Coroutine[Any, Any, T]) -> T:
    """`main`, with a loop that any signal wakes: as asyncio does itself on Windows, and for handlers of its own."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return await main  # signals are the main thread's
    loop = asyncio.get_running_loop()
    heard, told = socket.socketpair()
    with heard, told:
        heard.setblocking(False)
        told.setblocking(False)
        loop.add_reader(heard, heard.recv, 4096)
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            return await main
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)
