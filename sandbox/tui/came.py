"""The pane: what came of the step: rewards, and what changed in the state and in what the seat is shown next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sandbox.report.raw import raw_came
from sandbox.report.words import Passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane


class Came(MomentPane):
    """What came of the step: rewards, and what changed in the state and in what the seat is shown next."""

    TITLE: ClassVar[str] = "what came of it"

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """See `sandbox.report`."""
        if layout.raw and moment.step is not None:
            return raw_came(moment.step)
        return moment.came()
