"""The pane: what the seat did: the decision among its alternatives, with ground truth marked as hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sandbox.report.plain import Passage
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import MomentPane


class Did(MomentPane):
    """What the seat did: the decision among its alternatives, with ground truth marked as hidden."""

    TITLE: ClassVar[str] = "what it did"

    def passages(self, moment: Moment) -> Sequence[Passage]:
        """See `sandbox.report.plain`."""
        return moment.did()
