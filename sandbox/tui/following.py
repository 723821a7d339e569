"""Following what another process records, as `tail -f` follows a file: an episode's steps, or a list of episodes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import ClassVar, Protocol

from textual.screen import Screen
from textual.worker import Worker

from sandbox.errors import SandboxError
from sandbox.tui.bar import Bar
from sandbox.tui.moment import Recording
from sandbox.tui.source import Source

EVERY = 0.5
"""Seconds between two looks; a look begins only when the one before has ended."""

WINDOW = 20
"""Looks that the pace is reckoned over: ten seconds."""

LAST_WORDS = 8.0
"""Seconds for which the line says why it ended."""

LIST_EVERY = 2.0
"""Seconds between two readings of a list at the least: of a long one it takes a good part of a second."""

OPEN = frozenset({"pending", "running"})


class Live(Bar):
    """A line above the keys that looks again and again while it is on; subclasses say at what.

    Looks are narrow queries off the UI thread; what they find is read only where it is new.
    """

    DEFAULT_CSS = """
    Live { background: $surface; color: $success; text-style: bold; }
    """
    NAME: ClassVar[str] = "live"

    def __init__(self) -> None:
        super().__init__(id="live")
        self._worker: Worker[None] | None = None
        self._looks: deque[tuple[float, int]] = deque(maxlen=WINDOW)

    def on_mount(self) -> None:
        """Begin."""
        self._worker = self.run_worker(self._follow(), group="live", exclusive=True)

    def stop(self) -> None:
        """End, and out of sight."""
        if self._worker is not None:
            self._worker.cancel()
        self.remove()

    async def _follow(self) -> None:
        try:
            while (why := await self.look()) is None:
                await asyncio.sleep(EVERY)
        except SandboxError as error:
            why = f"no longer followed: {error}"
        self.say(f"■ {why}")
        self.set_timer(LAST_WORDS, self.remove)

    async def look(self) -> str | None:
        """Look once, and show what is new; the reason where there is nothing more to follow."""
        raise NotImplementedError

    def pace(self, done: int, what: str) -> str:
        """How fast `done` has grown lately, and how long ago it last did."""
        now = monotonic()
        if self._looks and done < self._looks[-1][1]:
            self._looks.clear()  # another attempt
        self._looks.append((now, done))
        then, least = self._looks[0]
        if done > least:
            return f"{(done - least) / (now - then):.2g} {what}/s"
        return f"no new {what} for {now - then:.0f} s" if now - then >= 1 else ""


class Growing(Protocol):
    """A screen of an episode that may grow."""

    recording: Recording
    index: int

    def show_recording(self, recording: Recording, brief: bool = False) -> None:
        """Show a newer reading of the episode, at the step `index`."""


class LiveEpisode(Live):
    """Follows an episode: new steps come as they are committed, and who is at the last step stays at the last."""

    def __init__(self, screen: Growing, source: Source, say: Callable[[str], None]) -> None:
        """`say`: tells the person something in passing."""
        super().__init__()
        self._tell = say
        self._screen_of = screen
        self._source = source

    async def look(self) -> str | None:
        """See `Live`."""
        key = self._screen_of.recording.id
        pulse = await asyncio.to_thread(self._source.pulse, key)
        shown = self._screen_of.recording
        if pulse != (shown.about.status, shown.about.attempt, len(shown.steps)):
            recording = await asyncio.to_thread(self._source.recording, key)
            at_end = self._screen_of.index >= len(self._screen_of.recording.steps) - 1
            if at_end:
                self._screen_of.index = max(len(recording.steps) - 1, 0)
            self._screen_of.show_recording(recording, brief=pulse.status in OPEN)
            if recording.about.attempt != shown.about.attempt and shown.steps:
                self._tell(f"attempt {recording.about.attempt} has begun: its steps replace those of the one before")
        if pulse.status not in OPEN:
            return f"the episode has ended: {pulse.status}, {pulse.steps} steps"
        state = "waiting to be run" if pulse.status == "pending" else f"attempt {pulse.attempt}"
        self.say("● live", f"  {state}  {pulse.steps} steps  {self.pace(pulse.steps, 'steps')}", "  t stops")
        return None


class LiveList(Live):
    """Follows a list of episodes: it is read again whenever one of them begins or ends."""

    def __init__(self, source: Source, again: Callable[[], None]) -> None:
        """`again`: reads the list again, and keeps its cursor."""
        super().__init__()
        self._source = source
        self._again = again
        self._listed: tuple[int, int] | None = None  # what was counted when the list was last read
        self._when = 0.0
        self._most = 0

    async def look(self) -> str | None:
        """See `Live`."""
        counts = await asyncio.to_thread(self._source.open_counts)
        pending, running = counts
        ended = not pending + running
        if counts != self._listed and (ended or monotonic() - self._when >= LIST_EVERY):
            if self._listed is not None:
                self._again()
            self._listed, self._when = counts, monotonic()
        if ended:
            return "no episode is running or still to come"
        self._most = max(self._most, pending + running)
        pace = self.pace(self._most - pending - running, "episodes")
        self.say("● live", f"  {running} running, {pending} to come  {pace}", "  t stops")
        return None


def toggle(screen: Screen[None], make: Callable[[], Live]) -> None:
    """Begin to follow, in a line above a screen's keys; or stop."""
    if lines := screen.query(Live):
        lines.first().stop()
    else:
        screen.mount(make(), before="#keys")
