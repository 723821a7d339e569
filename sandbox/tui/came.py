"""The pane: what came of it: rewards, marks, and how the whole episode ended and scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sandbox.report.plain import Passage
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import MomentPane


class Came(MomentPane):
    """What came of it: rewards, marks, and how the whole episode ended and scored."""

    TITLE: ClassVar[str] = "what came of it"

    def passages(self, moment: Moment) -> Sequence[Passage]:
        """See `sandbox.report.plain`."""
        return moment.came()
