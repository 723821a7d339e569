"""Looking for a text through all steps of an episode: the first steps at once, a long rest off the screen's thread."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from sandbox.errors import SandboxError
from sandbox.tui.moment import Recording

if TYPE_CHECKING:
    from sandbox.tui.episode import EpisodeScreen

PATIENCE = 0.02
"""Seconds for which steps are looked through before the screen is painted again; one may have megabytes."""
AT_ONCE = 50
"""Steps that the screen is told of together."""
GROUP = "finding"


def looked_through(recording: Recording, needle: str, indices: Iterable[int]) -> Iterator[tuple[int, bool]]:
    """(index, whether its text has `needle`, given in lower case) of steps."""
    for index in indices:
        yield index, recording.moment(index).holds(needle)


class Finding:
    """The search of one screen; `needle`, in lower case, is '' where nothing is looked for."""

    def __init__(self, screen: EpisodeScreen) -> None:
        self._screen = screen
        self.needle = ""
        self.hits: list[int] = []
        self._looked = 0
        self._count = 0  # steps that are looked through, or to be
        self._attempt = 0
        self._number = 0  # of the search: what an earlier one tells is of no use
        self._wanted: int | None = None  # the direction in which a hit is waited for; 0: here or after

    @property
    def done(self) -> bool:
        """Whether all steps have been looked through."""
        return self._looked >= self._screen.count

    def begin(self, needle: str) -> None:
        """Look for another text, from the current step on."""
        self._anew(needle)
        if not self.needle:
            self._screen.refresh_step()
            return
        steps, until = self._all(), monotonic() + PATIENCE
        try:
            for one in steps:
                self._take(one)
                if monotonic() > until:
                    break
        except SandboxError as error:
            self._give_up(self._number, str(error))
            return
        self._arrive(0)
        if not self.done:
            self._go_through(steps)

    def extend(self) -> None:
        """Another recording is shown: look through what is new in it; through all, where it is another attempt."""
        if not self.needle:
            return
        recording, count = self._screen.recording, self._screen.count
        if recording.about.attempt != self._attempt or count < self._count:
            self._anew(self.needle)
            self._go_through(self._all())
        elif count > self._count:
            fresh = range(self._count, count)
            self._count = count
            self._go_through(looked_through(recording, self.needle, fresh))

    def _anew(self, needle: str) -> None:
        self._screen.workers.cancel_group(self._screen, GROUP)
        self.needle, self.hits, self._looked, self._wanted = needle.lower(), [], 0, None
        self._number += 1
        self._count, self._attempt = self._screen.count, self._screen.recording.about.attempt

    def _all(self) -> Iterator[tuple[int, bool]]:
        """Every step, from the current one on and round."""
        start = self._screen.index
        return looked_through(self._screen.recording, self.needle, (*range(start, self._count), *range(start)))

    def _go_through(self, steps: Iterator[tuple[int, bool]]) -> None:
        look = partial(self._look, steps, self._number)
        self._screen.run_worker(look, thread=True, group=GROUP, exit_on_error=False)

    def go_on(self, direction: int) -> None:
        """On to the next step that has the text (1), or back to the one before (-1)."""
        self._arrive(direction)

    def _take(self, found: tuple[int, bool]) -> None:
        self._looked += 1
        if found[1]:
            insort(self.hits, found[0])

    def _look(self, steps: Iterator[tuple[int, bool]], number: int) -> None:
        """In a thread: these steps, told now and then."""
        worker, later = get_current_worker(), self._screen.call_later
        some: list[tuple[int, bool]] = []
        try:
            for one in steps:
                if worker.is_cancelled:
                    return
                some.append(one)
                if len(some) == AT_ONCE:
                    later(self._more, number, some)
                    some = []
        except SandboxError as error:
            later(self._give_up, number, str(error))
            return
        later(self._more, number, some)

    def _give_up(self, number: int, why: str) -> None:
        """A step cannot be read: nothing is looked for any more."""
        if number == self._number:
            self._anew("")
            self._screen.say(f"the search ended: {why}", True)

    def _more(self, number: int, some: list[tuple[int, bool]]) -> None:
        if number != self._number or self._screen not in self._screen.app.screen_stack:
            return  # of a search that was given up
        for one in some:
            self._take(one)
        if self._wanted is not None:
            self._arrive(self._wanted)
        elif self.done and self._screen.index in self.hits:
            self._screen.say(self._place())

    def _arrive(self, direction: int) -> None:
        """Go to the hit in a direction (0: here or after it), or wait for it while there are steps to look through."""
        screen, index = self._screen, self._screen.index
        if direction < 0:
            # What lies before is looked through last.
            place = bisect_left(self.hits, index) - 1 if self.done else -1
        else:
            place = (bisect_right if direction else bisect_left)(self.hits, index)
        self._wanted = None
        if 0 <= place < len(self.hits):
            screen.show_step(self.hits[place])
            screen.refresh_step()
            screen.say(self._place())
        elif not self.done:
            self._wanted = direction
            screen.say(f"looking for {self.needle!r}: {self._looked} of {screen.count} steps ...")
        else:
            screen.refresh_step()
            where = ("before this step", "from here on", "after this step")[direction + 1]
            screen.say(f"no {self.needle!r} {where}" + (f"; {self._counted()}" if self.hits else ""))

    def _place(self) -> str:
        number = bisect_left(self.hits, self._screen.index) + 1
        return f"{number} of {self._counted()}   s: next   S: previous"

    def _counted(self) -> str:
        some = "" if self.done else " or more"
        return f"{len(self.hits)}{some} step{'' if len(self.hits) == 1 else 's'} with {self.needle!r}"
