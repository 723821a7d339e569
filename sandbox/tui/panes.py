"""The panes of the episode screen: which of them there is room for, which has focus, which has all the room."""

from __future__ import annotations

from typing import get_args

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from sandbox.tui.came import Came
from sandbox.tui.did import Did
from sandbox.tui.facts import Facts
from sandbox.tui.layout import Layout, Pane
from sandbox.tui.moment import Moment
from sandbox.tui.moment_pane import MomentPane
from sandbox.tui.said import Said
from sandbox.tui.saw import Saw
from sandbox.tui.seats import Seats
from sandbox.tui.text_pane import TextPane

ROOMY = 110
"""Columns from which on there is room for five panes side by side; below, the last two share one place."""


class Panes(Container):
    """Five panes, or a column for each seat; with `layout`, which it keeps true."""

    DEFAULT_CSS = """
    Panes { height: 1fr; width: 1fr; layout: grid; grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 1fr 1fr; }
    Panes Seats { display: none; }
    Panes.tight #facts { display: none; }
    Panes.tight.turned #facts { display: block; }
    Panes.tight.turned #came { display: none; }
    Panes.roomy { grid-size: 3 2; grid-columns: 1fr 1fr 1fr; }
    Panes.roomy #saw { row-span: 2; }
    Panes.seats { layout: vertical; }
    Panes.seats MomentPane { display: none; }
    Panes.seats Seats { display: block; }
    Panes.zoomed { layout: vertical; }
    Panes.zoomed MomentPane { display: none; }
    Panes.zoomed MomentPane.zoomed { display: block; height: 1fr; width: 1fr; }
    Panes.zoomed Seats > TextPane { display: none; }
    Panes.zoomed Seats > TextPane.zoomed { display: block; }
    """

    def __init__(self, layout: Layout, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.remembered = layout
        self._moment: Moment | None = None
        self._needle = ""
        self._wanted: TextPane | None = None  # has the focus when it is painted

    def compose(self) -> ComposeResult:
        """In reading order; in a roomy grid the first takes two rows."""
        yield Saw(id="saw")
        yield Did(id="did")
        yield Said(id="said")
        yield Came(id="came")
        yield Facts(id="facts")
        yield Seats(id="seats")

    def on_mount(self) -> None:
        """As it was left."""
        self.set_class(self.remembered.seats, "seats")
        if self.remembered.seats:
            return  # the columns are made when there is a step to show
        pane: TextPane = self.query_one(Saw)
        if self.remembered.zoomed:
            pane = self.query_one(f"#{self.remembered.zoomed}", TextPane)
            self._zoom(pane)
        self._focus(pane)

    def on_resize(self, event: events.Resize) -> None:
        """Five panes where there is room for them."""
        self.set_class(event.size.width >= ROOMY, "roomy")
        self.set_class(event.size.width < ROOMY, "tight")
        self._say_what_is_behind()

    def show(self, moment: Moment, needle: str = "") -> None:
        """Show a moment; what is not to be seen is shown when it is.

        Of one that is shown already, which a growing episode is read again for each second, what was scrolled to stays.
        """
        keep = self._moment is not None and moment is not self._moment
        keep = keep and (_which(moment), needle) == (_which(self._moment), self._needle)
        self._moment, self._needle = moment, needle
        if self.remembered.seats:
            self.query_one(Seats).show(moment, needle, keep)
            panes = self.panes
            if not any(pane is self._wanted or pane.has_focus for pane in panes):
                self._focus(panes[0])
            return
        for pane in self.query(MomentPane):
            pane.show(moment, self.remembered, needle, keep)
        self._say_what_is_behind()

    def _say_what_is_behind(self) -> None:
        """Where two panes share a place, name the other one."""
        for name, key, other in (("came", "Tab", "facts"), ("facts", "Shift+Tab", "what came of it")):
            pane = self.query_one(f"#{name}", MomentPane)
            behind = f" · {key}: {other}" if self.has_class("tight") and not self.has_class("zoomed") else ""
            pane.border_title = pane.title(self.remembered) + behind

    def show_again(self, *names: str) -> None:
        """Show some of the panes again: more is known of the same moment."""
        if self._moment is None or self.remembered.seats:
            return
        for name in names:
            self.query_one(f"#{name}", MomentPane).show(self._moment, self.remembered, self._needle, keep=True)
        self._say_what_is_behind()

    @property
    def panes(self) -> list[TextPane]:
        """Those that can have the focus, in reading order."""
        if self.remembered.seats:
            return list(self.query_one(Seats).panes)
        return list(self.query(MomentPane))

    @property
    def pane(self) -> TextPane:
        """The one that has the focus, or the first."""
        panes = self.panes
        if self._wanted in panes:
            return self._wanted
        return next((pane for pane in panes if pane.has_focus), panes[0])

    def turn(self, by: int) -> None:
        """Focus the next pane, or the one before."""
        panes = self.panes
        pane = panes[(panes.index(self.pane) + by) % len(panes)]
        if self.has_class("zoomed"):
            self._zoom(pane)
        self._focus(pane)

    def _focus(self, pane: TextPane) -> None:
        """Focus a pane, which may be shown only now: the library focuses nothing that is not to be seen."""
        self._wanted = pane
        self._bring_out(pane)

        def arrive() -> None:
            if self._wanted is pane and self.is_attached:  # not another one by now, nor left
                self._wanted = None
                self.screen.set_focus(pane)

        self.call_after_refresh(arrive)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Of the two that share a place, show the one that is wanted."""
        if self._wanted is None:  # else another one was asked for since
            self._bring_out(event.widget)

    def _bring_out(self, pane: Widget) -> None:
        if pane.id in ("came", "facts"):
            self.set_class(pane.id == "facts", "turned")

    def zoom(self) -> None:
        """Give the pane that has the focus all the room, or give it back."""
        pane = self.pane
        self._zoom(None if self.has_class("zoomed") else pane)
        self._focus(pane)

    @property
    def zoomed(self) -> bool:
        """Whether one has all the room."""
        return self.has_class("zoomed")

    def _zoom(self, pane: TextPane | None) -> None:
        self.set_class(pane is not None, "zoomed")
        for other in self.query(TextPane):
            other.set_class(other is pane, "zoomed")
        self.query_one(Seats).widen()
        names: dict[str, Pane] = {name: name for name in get_args(Pane)}
        self._say_what_is_behind()
        self.remembered.zoomed = names.get((pane.id or "") if pane else "", "")

    def switch(self, name: str) -> bool:
        """Turn a setting of the layout on or off (`raw`, `difference`, `seats`), and say which it is now."""
        on = not getattr(self.remembered, name)
        setattr(self.remembered, name, on)
        if name == "seats":
            self._zoom(None)
            self.set_class(on, "seats")
        if self._moment is not None:
            self.show(self._moment, self._needle)
        if name == "seats":
            self._focus(self.panes[0])
        return on

    def scroll_rows(self, rows: int) -> None:
        """Scroll the pane that has the focus."""
        self.pane.scroll_relative(y=rows, animate=False, immediate=True)

    def scroll_pages(self, pages: int) -> None:
        """Scroll it by pages."""
        pane = self.pane
        rows = max(pane.scrollable_content_region.height - 1, 1)
        pane.scroll_relative(y=pages * rows, animate=False, immediate=True)


def _which(moment: Moment | None) -> tuple[str, int, int] | None:
    """The episode, its attempt and the step: what says whether two moments are one."""
    if moment is None or moment.step is None:
        return None
    return moment.recording.id, moment.recording.about.attempt, moment.step.index
