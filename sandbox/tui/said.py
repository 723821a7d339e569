"""The pane: what the seat thought and said: words, model calls, tool calls, events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sandbox.report.plain import Passage
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import MomentPane


class Said(MomentPane):
    """What the seat thought and said: words, model calls, tool calls, events."""

    TITLE: ClassVar[str] = "what it thought and said"

    def passages(self, moment: Moment) -> Sequence[Passage]:
        """See `sandbox.report.plain`."""
        return moment.said()
