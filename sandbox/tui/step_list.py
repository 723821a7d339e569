"""The list of an episode's steps, where the terminal is wide enough for it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import SandboxError
from sandbox.report.words import move_words
from sandbox.report.worth import FLAGS, MERE
from sandbox.tui.moment import Recording
from sandbox.tui.row_list import Cell, RowList


class StepList(RowList):
    """A row per step: number, seat, move, letters of its flags."""

    DEFAULT_CSS = """
    StepList { scrollbar-gutter: stable; }
    """

    recording: Recording | None = None

    def show(self, recording: Recording, index: int) -> None:
        """Show the steps of an episode with the cursor on one."""
        self.recording = recording
        self.count = len(recording.steps)
        self.cursor = index

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """Number, seat, move and flags of a step."""
        assert self.recording is not None
        try:
            step = self.recording.steps[index]
        except SandboxError:
            return (Cell(f"{index + 1} cannot be read", width, "flag"),)
        names = self.recording.flags.get(index, ())
        number = len(str(self.count))
        several = len(self.recording.about.spec.seats) > 1
        seat = min(8, width // 4) if several else 0
        flags = 3
        move = step.decision.move if step.decision is not None else step.applied
        words = "no decision" if step.outcome not in ("valid", "abstention", "chance") else move_words(move)
        role = "quiet" if step.outcome == "chance" else "text"
        return (
            Cell(index + 1, number, "quiet", right=True),
            Cell("", 1),
            *((Cell(step.seat, seat, role), Cell("", 1)) if several else ()),
            Cell(words, max(width - number - 1 - (seat + 1 if several else 0) - flags - 1, 1), role),
            Cell("", 1),
            Cell("".join(FLAGS[name] for name in names if name not in MERE), flags, "flag"),
        )
