"""The pane: what the seat did: the decision among its alternatives, with ground truth marked as hidden."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sandbox.report.raw import raw_did
from sandbox.report.words import Passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane


class Did(MomentPane):
    """What the seat did: the decision among its alternatives, with ground truth marked as hidden."""

    TITLE: ClassVar[str] = "what it did"

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """See `sandbox.report`."""
        if layout.raw and moment.step is not None:
            return raw_did(moment.step)
        return moment.did()
