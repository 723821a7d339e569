"""How far long work is, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.text import display_line
from sandbox.trace import Episode

LINE_EVERY = 10.0  # seconds between lines where there is no terminal


@contextmanager
def progress_bar(what: str) -> Iterator[Any]:
    """Gives a function `(done, total, episode)` to call after each episode."""
    what = display_line(what, 60)  # an experiment's name is its file's to choose
    if sys.stderr.isatty():
        with _bar(what) as update:
            yield update
    else:
        yield _lines(what)


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task(what, total=None, rate="")
        tally = _Tally()

        def update(done: int, total: int, episode: Episode | None) -> None:
            tally.add(episode)
            bar.update(task, completed=done, total=total, rate=tally.rate(done))

        yield update


def _lines(what: str) -> Any:
    tally = _Tally()
    last = 0.0

    def update(done: int, total: int, episode: Episode | None) -> None:
        nonlocal last
        tally.add(episode)
        now = time.monotonic()
        if done == total or now - last >= LINE_EVERY:
            last = now
            left = (now - tally.began) / done * (total - done) if done else 0.0
            print(
                f"{what}: {done} of {total} episodes {tally.rate(done)}, {left:.0f} s left", file=sys.stderr, flush=True
            )

    return update


class _Tally:
    """Steps, tokens and time so far."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.steps = 0
        self.tokens = 0

    def add(self, episode: Episode | None) -> None:
        if episode is None:
            return
        self.steps += len(episode.steps)
        for step in episode.steps:
            for event in step.events:
                if event.kind == "model_call":
                    self.tokens += int(event.data.get("tokens", {}).get("total", 0))

    def rate(self, done: int) -> str:
        seconds = max(time.monotonic() - self.began, 1e-9)
        tokens = f", {self.tokens} tokens" if self.tokens else ""
        return f"({done / seconds:.1f} episodes/s, {self.steps} steps{tokens})"
