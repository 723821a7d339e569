"""What the panes of the episode screen have in common: each shows a part of a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sandbox.errors import SandboxError
from sandbox.report.words import Passage, passage
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment
from sandbox.tui.text_pane import TextPane


class MomentPane(TextPane):
    """A pane of the episode screen; subclasses say what of a moment they show."""

    def passages(self, moment: Moment, layout: Layout) -> Iterable[Passage]:
        """What there is to show of a moment."""
        raise NotImplementedError

    def known(self, moment: Moment, layout: Layout) -> Sequence[Passage]:
        """How the passages begin, where that was there a step ago: the pane is shown from behind it."""
        return ()

    def title(self, layout: Layout) -> str:
        """What stands in the frame."""
        return f"{self.TITLE}, as JSON" if layout.raw else self.TITLE

    def show(self, moment: Moment, layout: Layout, needle: str = "", keep: bool = False) -> None:
        """Show a moment; see `show_text`."""
        self.border_title = self.title(layout)
        self.show_text(self._readable(moment, layout), needle, self.known(moment, layout), keep)

    def _readable(self, moment: Moment, layout: Layout) -> Iterator[Passage]:
        """The passages; where a step that they need cannot be read, what is wrong with it."""
        try:
            yield from self.passages(moment, layout)
        except SandboxError as error:
            yield passage(error, "flag")
