"""The pane: what scorers, people and the scenario say of the step and of the whole episode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sandbox.report.raw import raw_facts
from sandbox.report.words import Passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane


class Facts(MomentPane):
    """What scorers, people and the scenario say of the step and of the whole episode."""

    TITLE: ClassVar[str] = "what scorers and facts say"

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """See `sandbox.report`."""
        if layout.raw:
            recording = moment.recording
            return raw_facts(recording.about, moment.step, recording.marks, recording.scores)
        return moment.facts()
