"""The pane: what the seat saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sandbox.report.plain import Passage
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import MomentPane


class Saw(MomentPane):
    """What the seat saw."""

    TITLE: ClassVar[str] = "what it saw"

    def passages(self, moment: Moment) -> Sequence[Passage]:
        """See `sandbox.report.plain`."""
        return moment.saw()
