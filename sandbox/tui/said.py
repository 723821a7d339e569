"""The pane: what the seat thought and said: words, model calls, tool calls, events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sandbox.report.raw import raw_said
from sandbox.report.words import Passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane


class Said(MomentPane):
    """What the seat thought and said: words, model calls, tool calls, events."""

    TITLE: ClassVar[str] = "what it thought and said"

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """See `sandbox.report`."""
        if layout.raw and moment.step is not None:
            return raw_said(moment.step)
        return moment.says()
