"""How far long work is, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.text import display_line

if TYPE_CHECKING:
    from sandbox.runner.tally import Progress, Tally

LINE_EVERY = 10.0  # seconds between lines where there is no terminal
REDRAW_EVERY = 0.1  # seconds; tens of thousands of short episodes end faster than anybody reads
RECENT = 30.0  # seconds over which the pace is taken


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """Gives a function to call with what a run has done so far, and how many episodes it has to play."""
    what = display_line(what, 60)  # an experiment's name is its file's to choose
    if sys.stderr.isatty():
        with _bar(what) as update:
            yield update
    else:
        with _lines(what) as update:
            yield update


class Pace:
    """How fast a run has been of late, and what it has taken, in words.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int, int]] = deque()

    def see(self, now: Tally) -> None:
        """Take note of how far it is."""
        at = self._clock()
        self._seen.append((at, now.done, now.steps))
        while len(self._seen) > 2 and self._seen[1][0] < at - RECENT:
            self._seen.popleft()

    def left(self, now: Tally, total: int) -> float | None:
        """Seconds until the end at this pace; None where nothing is known of it."""
        rate = self._rates()[0]
        return (total - now.done) / rate if rate else None

    def words(self, now: Tally, total: int) -> str:
        """`8 running, 3 failed, 12.1 episodes/s, 96 steps/s, 5,120 tokens, $0.12 of about $0.60`."""
        episodes, steps = self._rates()
        running = min(now.running, total - now.done)
        said = [f"{count:,} {what}" for count, what in ((running, "running"), (now.failed, "failed")) if count > 0]
        if len(self._seen) > 1:
            said += [f"{episodes:,.1f} episodes/s", f"{steps:,.0f} steps/s"]
        if now.calls:
            said.append(f"{now.tokens:,} tokens")
        if now.calls and (now.cost_usd or now.unpriced):
            said.append(_cost(now, total))
        return ", ".join(said)

    def _rates(self) -> tuple[float, float]:
        """Episodes and steps per second, lately."""
        if not self._seen:
            return 0.0, 0.0
        (began, episodes, steps), (ended, more_episodes, more_steps) = self._seen[0], self._seen[-1]
        seconds = max(ended - began, 1e-9)
        return (more_episodes - episodes) / seconds, (more_steps - steps) / seconds


def _cost(now: Tally, total: int) -> str:
    unknown = f"cost of {display_line(', '.join(sorted(now.unpriced)), 60)} unknown"
    if not now.cost_usd:
        return unknown
    known = f"${now.cost_usd:.2f} of about ${now.cost_usd * total / max(now.done, 1):.2f}"
    return f"{known}, {unknown}" if now.unpriced else known


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        # Its words go on below where there is no room beside: else the counts are cut to "3… 0…".
        TextColumn("{task.fields[words]}", markup=False, table_column=Column()),
    )
    pace = Pace()
    drawn = 0.0
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task: Any = bar.add_task(what, total=None, words="")

        def update(now: Tally, total: int) -> None:
            nonlocal drawn
            at = time.monotonic()
            if not now.done and now.earlier:
                bar.console.print(_resumed(now, total), markup=False, highlight=False)
            if now.done < total and at - drawn < REDRAW_EVERY:
                return
            drawn = at
            pace.see(now)
            bar.update(task, completed=now.done, total=total, words=line(pace, now, total))

        yield update


@contextmanager
def _lines(what: str) -> Iterator[Progress]:
    pace = Pace()
    said = time.monotonic()
    unsaid: tuple[Tally, int] | None = None

    def update(now: Tally, total: int) -> None:
        nonlocal unsaid
        if not now.done:
            pace.see(now)
            if now.earlier:
                print(_resumed(now, total), file=sys.stderr, flush=True)
            return
        unsaid = replace(now), total
        if now.done >= total or time.monotonic() - said >= LINE_EVERY:
            pace.see(now)
            say(now, total, line(pace, now, total))

    def say(now: Tally, total: int, words: str) -> None:
        nonlocal said, unsaid
        said, unsaid = time.monotonic(), None
        print(f"{what}: {now.done:,} of {total:,} episodes: {words}", file=sys.stderr, flush=True)

    try:
        yield update
    finally:  # also of a run that was interrupted, or shared with others, how far it came
        if unsaid is not None:
            now, total = unsaid
            pace.see(now)
            say(now, total, pace.words(now, now.done))


def _resumed(now: Tally, total: int) -> str:
    """What the first line says where some was done before."""
    if not total:
        return f"nothing is left to be run: all {now.earlier:,} episodes are done"
    return f"resuming: {now.earlier:,} of {now.earlier + total:,} episodes are done"


def line(pace: Pace, now: Tally, total: int) -> str:
    """Time left, pace, and what it took, in one line."""
    left = pace.left(now, total)
    ahead = "" if left is None or now.done >= total else f"{_duration(left)} left"
    return ", ".join(part for part in (ahead, pace.words(now, total)) if part)


def _duration(seconds: float) -> str:
    """`45 s`, `3:05 min` or `2:10 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f}:{seconds % 60:02.0f} min"
    return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f} h"
