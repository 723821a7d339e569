"""The pane: what the seat saw, or what of it is new since it looked last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from sandbox.errors import SandboxError
from sandbox.report.difference import difference, known
from sandbox.report.raw import raw_saw
from sandbox.report.words import Passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane


class Saw(MomentPane):
    """What the seat saw, or what of it is new since it looked last."""

    TITLE: ClassVar[str] = "what it saw"

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """See `sandbox.report`."""
        if moment.step is not None and layout.raw:
            return raw_saw(moment.step)
        if moment.step is not None and layout.difference:
            return difference(moment.step, moment.before)
        return moment.saw()

    def known(self, moment: Moment, layout: Layout) -> Sequence[Passage]:
        """What the seat has read already: rules stand first, and what is new below them was out of sight."""
        if moment.step is None or layout.raw or layout.difference:
            return ()
        try:
            return known(moment.before, moment.step) if moment.before else ()
        except SandboxError:  # the step before is gone, and is said to be where it is itself to be shown
            return ()

    def title(self, layout: Layout) -> str:
        """Says whether it is a difference."""
        return f"{self.TITLE}: what is new" if layout.difference and not layout.raw else super().title(layout)
