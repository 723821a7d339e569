"""The screen of one episode: a step at a time, in four panes, with a timeline of what is worth a look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen

from sandbox.report.plain import MERE, agent_words, where_words
from sandbox.report.shots import shots
from sandbox.tui.actions import bindings
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.came import Came
from sandbox.tui.did import Did
from sandbox.tui.moment import Moment, Recording
from sandbox.tui.picture import PictureScreen, picture_widget, pictures
from sandbox.tui.prompt import Prompt
from sandbox.tui.said import Said
from sandbox.tui.saw import Saw
from sandbox.tui.step_list import StepList
from sandbox.tui.text_pane import MomentPane
from sandbox.tui.timeline import Timeline

WIDE = 120
"""Columns from which on the list of steps is shown beside the panes."""


class EpisodeScreen(Screen[None]):
    """Steps through a recording; `index` is the current step, from 0."""

    CSS_PATH = "episode.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("episode")]

    def __init__(self, recording: Recording, index: int = 0) -> None:
        super().__init__()
        self.recording = recording
        self.index = self._within(index)
        self.needle = ""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="where")
        yield Timeline(id="timeline")
        with Horizontal(id="body"):
            yield StepList(id="steps")
            with Container(id="panes"):
                yield Saw(id="saw")
                yield Did(id="did")
                yield Said(id="said")
                yield Came(id="came")
        yield KeyBar("episode", id="keys")

    def on_mount(self) -> None:
        """Say which episode it is, and show its first step."""
        episode = self.recording.episode
        spec = episode.spec
        good = episode.status in ("finished", "running", "pending")
        self.query_one("#title", Bar).say(
            (spec.environment, "bold $accent"),
            f"  {agent_words(episode)}  item {spec.item_id}  seed {spec.seed}  ",
            (episode.status, "" if good else "bold $text-error"),
            "" if episode.total is None else f"  return {episode.total:.10g}",
            "" if episode.lived else "  hypothetical",
        )
        self.query_one(StepList).border_title = "steps"
        self.query_one("#saw").focus()
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Show the list of steps where there is room for it."""
        self.set_class(event.size.width >= WIDE, "wide")

    @property
    def panes(self) -> list[MomentPane]:
        """The four panes, in reading order."""
        return list(self.query(MomentPane))

    @property
    def moment(self) -> Moment:
        """What is shown."""
        return self.recording.moment(self.index)

    @property
    def count(self) -> int:
        """How many steps there are."""
        return len(self.recording.episode.steps)

    def show_step(self, index: int) -> None:
        """Show another step."""
        index = self._within(index)
        if index != self.index:
            self.index = index
            self._show()

    def _within(self, index: int) -> int:
        return max(0, min(index, len(self.recording.episode.steps) - 1))

    def _show(self) -> None:
        moment = self.moment
        where = self.query_one("#where", Bar)
        if moment.step is None:
            where.say(("no steps", "bold"))
        else:
            flags = [name.replace("_", " ") for name in moment.flags if name not in MERE]
            where.say(
                (f"step {self.index + 1} of {self.count}", "bold"),
                f"  {where_words(moment.step)}",
                (f"  flags: {', '.join(flags)}" if flags else "", "bold $text-error"),
                ("  opportunity" if set(MERE) & set(moment.flags) else "", "$text-primary"),
                ("  v: picture" if shots(moment.step.events) else "", "$accent"),
            )
        self.query_one(Timeline).show(self.recording, self.index)
        self.query_one(StepList).show(self.recording, self.index)
        for pane in self.panes:
            pane.show(moment, self.needle)
        self.query_one(KeyBar).keys()

    def _say(self, text: str) -> None:
        self.query_one(KeyBar).message(text)

    # -- moving -----------------------------------------------------------------------------------------------------

    def on_timeline_picked(self, message: Timeline.Picked) -> None:
        """Go to the step that was clicked on."""
        self.show_step(message.index)

    def on_row_list_moved(self) -> None:
        """Go to the step under the list's cursor."""
        self.show_step(self.query_one(StepList).cursor)

    def action_next_step(self) -> None:
        """One step on."""
        self._step(self.index + 1, "this is the last step")

    def action_previous_step(self) -> None:
        """One step back."""
        self._step(self.index - 1, "this is the first step")

    def _step(self, index: int, end: str) -> None:
        if 0 <= index < self.count:
            self.show_step(index)
        else:
            self._say(end)

    def action_first_step(self) -> None:
        """To the first step."""
        self.show_step(0)

    def action_last_step(self) -> None:
        """To the last step."""
        self.show_step(self.count - 1)

    def action_next_flag(self) -> None:
        """To the next step that is worth a look."""
        self._jump((index for index in self.recording.stops if index > self.index), "no flag after this step")

    def action_previous_flag(self) -> None:
        """To the one before."""
        self._jump((i for i in reversed(self.recording.stops) if i < self.index), "no flag before this step")

    def action_next_risk(self) -> None:
        """To the next step that takes a risk."""
        self._jump((index for index in self.recording.risks if index > self.index), "no risk after this step")

    def action_previous_risk(self) -> None:
        """To the one before."""
        self._jump((i for i in reversed(self.recording.risks) if i < self.index), "no risk before this step")

    def _jump(self, indices: Iterable[int], otherwise: str) -> None:
        index = next(iter(indices), None)
        if index is None:
            self._say(otherwise)
        else:
            self.show_step(index)

    def action_go_to(self) -> None:
        """Ask for a step's number."""

        def go(answer: str | None) -> None:
            if not answer:
                return
            if answer.strip().isdecimal() and 1 <= int(answer[:12]) <= self.count:
                self.show_step(int(answer) - 1)
            else:
                self._say(f"no step {answer!r}: the episode has steps 1 to {self.count}")

        self.app.push_screen(Prompt(f"go to step (1 to {self.count}):"), go)

    # -- searching --------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask for a text, and go to the first step from here on that has it; an empty one ends the search."""

        def search(answer: str | None) -> None:
            if answer is None:
                return
            self.needle = answer.lower()
            if self.needle:
                self._find(range(self.index, self.count), "from here on")
            else:
                self._show()

        self.app.push_screen(Prompt("search:", self.needle), search)

    def action_search_again(self, direction: int) -> None:
        """On to the next step that has the text (`direction` 1), or back to the one before (-1)."""
        if not self.needle:
            self.action_search()
        elif direction > 0:
            self._find(range(self.index + 1, self.count), "after this step")
        else:
            self._find(range(self.index - 1, -1, -1), "before this step")

    def _find(self, indices: Iterable[int], where: str) -> None:
        # One step's text at a time, only until the first hit: an episode may be larger than memory should hold twice.
        found = next((index for index in indices if self.recording.moment(index).holds(self.needle)), None)
        if found is not None:
            self.index = found
        self._show()
        self._say(f"no {self.needle!r} {where}" if found is None else "s: next match   S: previous match")

    # -- panes ------------------------------------------------------------------------------------------------------

    def action_next_pane(self) -> None:
        """Focus the next pane."""
        self._focus(1)

    def action_previous_pane(self) -> None:
        """Focus the pane before."""
        self._focus(-1)

    def _focus(self, by: int) -> None:
        panes = self.panes
        here = next((place for place, pane in enumerate(panes) if pane.has_focus), -by)
        pane = panes[(here + by) % len(panes)]
        if self.has_class("zoomed"):
            for other in panes:
                other.set_class(other is pane, "zoomed")
        pane.focus()

    def _pane(self) -> MomentPane:
        return next((pane for pane in self.panes if pane.has_focus), self.panes[0])

    def action_zoom(self) -> None:
        """Give the pane all the room, or give it back."""
        pane = self._pane()
        zoomed = not self.has_class("zoomed")
        self.set_class(zoomed, "zoomed")
        for other in self.panes:
            other.set_class(zoomed and other is pane, "zoomed")
        pane.focus()

    def action_scroll(self, rows: int) -> None:
        """Scroll the pane by rows."""
        self._pane().scroll_relative(y=rows, animate=False, immediate=True)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the pane by pages."""
        pane = self._pane()
        rows = max(pane.scrollable_content_region.height - 1, 1)
        pane.scroll_relative(y=pages * rows, animate=False, immediate=True)

    def action_look(self) -> None:
        """Look at what was shown as a picture, and go on from the step whose picture was looked at last."""
        if not pictures(self.recording):
            self._say("nobody was shown a picture in this episode")
            return

        def go(step: int | None) -> None:
            if step is not None:
                self.show_step(step)

        self.app.push_screen(PictureScreen(self.recording, self.index, picture_widget(self.app)), go)

    def action_back(self) -> None:
        """Out of a zoomed pane, else back to the list, or out where there is none."""
        if self.has_class("zoomed"):
            self.action_zoom()
        elif len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.app.exit()
