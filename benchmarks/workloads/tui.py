"""The replay under a stopwatch: `tui.py paint FILE`, `tui.py list FILE`, `tui.py steps FILE`, `tui.py datatable ROWS`.

All but the first run it without a terminal (Textual's headless driver paints as to one, and throws it away): a figure
ends when what was asked for is painted.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import resource
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Awaitable, Callable
from typing import Any

from spent import Spent, tell

SIZE = (80, 24)
PATIENCE = 120.0  # seconds until something must have come


def paint(file: str) -> None:
    """From the command to the first row of the table on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    command = [sys.executable, "-m", "sandbox", "replay", "--store", file]
    environment = os.environ | {"TERM": "xterm-256color"}
    with Spent() as spent:
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        seen, end = b"", time.monotonic() + PATIENCE
        while b"OffSwitch" not in seen and time.monotonic() < end and process.poll() is None:
            if select.select([master], [], [], 0.01)[0]:
                seen += os.read(master, 1 << 16)
    if b"OffSwitch" not in seen:
        raise SystemExit(f"no row was painted; the last was {seen[-500:]!r}")
    process.kill()
    _, _, usage = os.wait4(process.pid, 0)
    tell(wall=spent.wall, cpu=usage.ru_utime + usage.ru_stime, instructions=spent.instructions)


async def painted(app: Any) -> None:
    """Until what was changed by now is painted."""
    done = asyncio.Event()
    app.screen.call_after_refresh(done.set)
    await asyncio.wait_for(done.wait(), PATIENCE)


async def until(app: Any, holds: Callable[[], bool]) -> None:
    """Until something holds, and is painted."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("it never came")
        await asyncio.sleep(0.001)
    await painted(app)


async def timed(do: Callable[[], Awaitable[None]], rounds: int = 1) -> dict[str, Any]:
    """The best round, in ms."""
    found: list[dict[str, Any]] = []
    for _ in range(rounds):
        with Spent() as spent:
            await do()
        found.append({"wall": spent.wall * 1e3, "cpu": spent.cpu * 1e3, "instructions": spent.instructions})
    return min(found, key=lambda one: float(one["wall"]))


def memory() -> float:
    """The most MB that this process ever took."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def listed(file: str) -> None:
    """Filters, orders, groups, and a held arrow key, over a store of many episodes."""
    from sandbox.store import Store
    from sandbox.tui.app import ReplayApp
    from sandbox.tui.source import StoreSource

    with Store.open(file, create=False) as store:
        app = ReplayApp(StoreSource(store))
        async with app.run_test(size=SIZE):
            await app.workers.wait_for_complete()
            await painted(app)
            browse: Any = app.screen
            told: dict[str, Any] = {"episodes": browse.table.count}

            async def show(line: str, order: str) -> None:
                before = browse.table.pages
                browse.order = order
                browse.apply(line)
                await until(app, lambda: browse.table.pages is not before)

            filters = ("agent:small", "status:error return>3", "risk/power>0.5", "flag:deception", "some words", "")
            told["filters"] = {line: await timed(lambda line=line: show(line, "position"), 3) for line in filters}  # type: ignore[misc]  # called before the next
            orders = ("total", "-agent", "invalid", "-risk/power/risk", "position")
            told["orders"] = {order: await timed(lambda order=order: show("", order), 3) for order in orders}  # type: ignore[misc]  # as above

            async def jump() -> None:
                browse.action_last()
                await painted(app)
                browse.action_first()
                await painted(app)

            told["ends"] = await timed(jump, 3)
            told["held"] = await held(app, browse)
            told["memory"] = memory()
    tell(**told)


async def held(app: Any, browse: Any, keys: int = 300, rate: float = 30.0) -> dict[str, Any]:
    """An arrow key held down: how many presses the cursor is behind a frame (1/60 s) after each."""
    from textual import events

    browse.action_first()
    await painted(app)
    behind = []
    start = browse.table.cursor
    began = time.perf_counter()
    with Spent() as spent:
        for number in range(1, keys + 1):
            app.post_message(events.Key("down", None))
            await asyncio.sleep(1 / 60)
            behind.append(start + number - browse.table.cursor)
            await asyncio.sleep(max(began + number / rate - time.perf_counter(), 0))
    return {"most": max(behind), "cpu": spent.cpu / keys * 1e3, "instructions": spent.instructions}


async def stepped(file: str) -> None:
    """Steps of a long episode one after the other and far apart, and a step of 10 MB."""
    from sandbox.store import Store
    from sandbox.tui.app import ReplayApp
    from sandbox.tui.source import StoreSource

    with Store.open(file, create=False) as store:
        keys = {head.environment: head.id for head in store.heads()}
        app = ReplayApp(StoreSource(store), episode=keys["power/Long-v0"])
        async with app.run_test(size=SIZE):
            await app.workers.wait_for_complete()
            await painted(app)
            screen: Any = app.screen
            count = screen.count

            async def show(index: int) -> None:
                screen.show_step(index)
                await painted(app)

            single = [await timed(lambda index=index: show(index)) for index in range(1, 101)]  # type: ignore[misc]  # called before the next
            far = [
                await timed(lambda index=index: show(index)) for index in (count - 1, 0, *range(7, count, count // 20))
            ]  # type: ignore[misc]  # as above
            walls, cpus = ([float(one[what]) for one in single] for what in ("wall", "cpu"))
            instructions = [one["instructions"] for one in single if one["instructions"] is not None]
            told: dict[str, Any] = {
                "steps": count,
                "step": {
                    "wall": statistics.quantiles(walls, n=20)[-1],
                    "cpu": statistics.quantiles(cpus, n=20)[-1],
                    "instructions": statistics.median(instructions) if instructions else None,
                },
                "jump": max(far, key=lambda one: float(one["wall"])),
            }
            told["long_memory"] = memory()
        app = ReplayApp(StoreSource(store), episode=keys["power/Large-v0"])
        async with app.run_test(size=SIZE):
            await app.workers.wait_for_complete()
            await painted(app)
            told["large"] = await timed(lambda: _show(app, 1))
            told["memory"] = memory()
    tell(**told)


async def _show(app: Any, index: int) -> None:
    app.screen.show_step(index)
    await painted(app)


async def datatable(rows: int) -> None:
    """A plain Textual DataTable of so many rows of nine columns, filled and painted."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Plain(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable[str]()

    app = Plain()
    async with app.run_test(size=SIZE):

        async def fill() -> None:
            table = app.query_one(DataTable)
            table.add_columns(*(f"column {place}" for place in range(9)))
            for number in range(rows):
                table.add_row(*(f"{number} {place}" for place in range(9)))
            await painted(app)

        told = await timed(fill)
        with Spent() as spent:
            app.query_one(DataTable).sort(app.query_one(DataTable).ordered_columns[3].key)
            await painted(app)
        tell(fill=told, sort={"wall": spent.wall * 1e3, "cpu": spent.cpu * 1e3}, memory=memory())


if __name__ == "__main__":
    what, target = sys.argv[1:]
    if what == "paint":
        paint(target)
    elif what == "list":
        asyncio.run(listed(target))
    elif what == "steps":
        asyncio.run(stepped(target))
    else:
        asyncio.run(datatable(int(target)))
