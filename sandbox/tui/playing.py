"""Playing an episode: it goes on by itself, at a pace that a line above the keys says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol, Self

from textual.screen import Screen
from textual.timer import Timer

from sandbox.errors import SandboxError
from sandbox.tui.bar import Bar
from sandbox.tui.moment import Recording

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
CAPS = (1.0, 2.0, 5.0, None)
LEAST = 1.0
"""Seconds that a step stands at speed 1 whose agent took less: scripted ones take next to nothing."""


@dataclass(frozen=True)
class Pace:
    """How long a step stands: as long as its agent took for it, at least `LEAST` and at most the cap; then the speed.

    Attributes:
        speed: one of `SPEEDS`; 2 halves all waits.
        cap: seconds that no wait is longer than at speed 1, one of `CAPS`; None: the agent's own time, however long.
    """

    speed: float = 1.0
    cap: float | None = 2.0

    def wait(self, seconds: float) -> float:
        """Seconds for which to show a step whose agent took `seconds`."""
        longest = max(seconds, LEAST)
        return (longest if self.cap is None else min(longest, self.cap)) / self.speed

    def changed(self, by: int) -> Pace:
        """Faster by so many speeds, or slower; not beyond the ends."""
        place = SPEEDS.index(self.speed) + by
        return replace(self, speed=SPEEDS[max(0, min(place, len(SPEEDS) - 1))])

    def capped(self) -> Pace:
        """With the next cap, round and round."""
        return replace(self, cap=CAPS[(CAPS.index(self.cap) + 1) % len(CAPS)])

    @property
    def words(self) -> str:
        """`2x, idle cap 5 s`."""
        return f"{self.speed:g}x, {'no idle cap' if self.cap is None else f'idle cap {self.cap:g} s'}"


class Playable(Protocol):
    """A screen that goes through a recording."""

    recording: Recording
    index: int

    def show_step(self, index: int) -> None:
        """Show another step."""


class Player(Bar):
    """Shows steps one after the other, each from when the one before was due on: late frames do not add up.

    There is never more than one step under way: the next is timed when this one is on the screen. Whoever moves by
    hand, or opens another screen, pauses it. It is in sight from when it plays, or from a change of its pace, to the
    next movement by hand.
    """

    DEFAULT_CSS = """
    Player { display: none; background: $surface; color: $accent; text-style: bold; }
    Player.shown { display: block; }
    """

    def __init__(self, playable: Playable) -> None:
        super().__init__(id="player")
        self._playable = playable
        self._timer: Timer | None = None
        self._planned = 0.0  # when the next step is due, by the monotonic clock
        self._at = 0  # the step that was shown last, by us
        self._painting = False  # it is not on the screen yet, after which the next is timed
        self.pace = Pace()

    @classmethod
    def of(cls, screen: Screen[None], playable: Playable) -> Self:
        """The player of a screen; mounted above its keys when it is first asked for."""
        found = screen.query(cls)
        if found:
            return found.first()
        player = cls(playable)
        screen.mount(player, before="#keys")
        return player

    @property
    def playing(self) -> bool:
        """Whether steps follow by themselves."""
        return self._timer is not None

    def toggle(self) -> None:
        """Play, from the start again where it is at the end; or pause."""
        if self.playing:
            self.pause()
            return
        count = len(self._playable.recording.steps)
        if not count:
            return
        if self._playable.index >= count - 1:
            self._playable.show_step(0)
        self._at = self._playable.index
        self._planned = monotonic()
        self._time_next()

    def pause(self) -> None:
        """Stay at this step."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._tell()

    def moved(self) -> None:
        """A step was shown: if it was not us who did, pause, and out of sight."""
        if not self.playing or self._playable.index != self._at:
            self.pause()
            self.remove_class("shown")

    def faster(self, by: int) -> None:
        """Change the speed."""
        self._change(self.pace.changed(by))

    def next_cap(self) -> None:
        """Change the idle cap."""
        self._change(self.pace.capped())

    def _change(self, pace: Pace) -> None:
        self.pace = pace
        if self._timer is not None and not self._painting:  # at once, also where the next step is a long while off
            self._timer.stop()
            self._planned = monotonic()
            self._time_next()
        self._tell()

    def _time_next(self) -> None:
        try:
            wait = self.pace.wait(self._playable.recording.steps[self._at].seconds)
        except SandboxError as error:
            self.pause()
            self.say(f"‖ {error}")
            return
        now = monotonic()
        # Late, it goes on at once and catches nothing up; Textual divides by the delay, so that none may be 0.
        self._planned = max(self._planned + wait, now + 0.001)
        self._timer = self.set_timer(self._planned - now, self._advance)
        self._tell()

    def _advance(self) -> None:
        covered = self.app.screen is not self.screen  # by a question, or another screen
        if covered or self._playable.index != self._at or self._at + 1 >= len(self._playable.recording.steps):
            self.pause()
            return
        self._at += 1
        self._playable.show_step(self._at)
        if self._at + 1 >= len(self._playable.recording.steps):
            self.pause()
        else:
            self._painting = True
            self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        self._painting = False
        if self.playing:
            self._time_next()

    def _tell(self) -> None:
        self.add_class("shown")
        count = len(self._playable.recording.steps)
        ended = not self.playing and self._playable.index + 1 >= count
        state = "▶ playing" if self.playing else "■ at the end" if ended else "‖ paused"
        self.say(f"{state}  {self.pace.words}", ("   Space pauses" if self.playing else "   Space plays", "not bold"))
