"""The screen of one episode: a step at a time, in panes, with a timeline of what is worth a look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from sandbox.annotation import Annotation
from sandbox.errors import SandboxError
from sandbox.report.plain import MERE, agent_words, where_words
from sandbox.report.shots import shots
from sandbox.tui.actions import Where, bindings
from sandbox.tui.annotate import Annotator, Place
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.copying import bounded, pane_text, step_text
from sandbox.tui.event_tree import EventTreeScreen
from sandbox.tui.export import export
from sandbox.tui.finding import Finding
from sandbox.tui.following import OPEN, LiveEpisode, toggle
from sandbox.tui.layout import Layout
from sandbox.tui.moment import Moment, Recording
from sandbox.tui.panes import Panes
from sandbox.tui.picture import PictureScreen, picture_widget, pictures
from sandbox.tui.playing import Player
from sandbox.tui.prompt import Prompt
from sandbox.tui.relatives import ask_what_to_compare
from sandbox.tui.screens import FullScreen
from sandbox.tui.source import Source
from sandbox.tui.step_list import StepList
from sandbox.tui.timeline import Timeline

WIDE = 120
"""Columns from which on the list of steps is shown beside the panes."""
TALL = 30
"""Rows from which on the timeline has a second one."""

SUMMARISED = 2_000
"""Steps up to which what decided an episode is worked out: that takes all its steps into memory."""


class EpisodeScreen(FullScreen[None]):
    """Steps through a recording; `index` is the current step, from 0. `source`: where other episodes are found."""

    CSS_PATH = "episode.tcss"
    PLACE: ClassVar[Where] = "episode"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("episode")]

    def __init__(self, recording: Recording, source: Source, index: int = 0, layout: Layout | None = None) -> None:
        super().__init__()
        self.recording = recording
        self.source = source
        self.index = self._within(index)
        self.finding = Finding(self)
        self._shown = self.index
        self._due = False  # whether the step is about to be painted
        self.annotator = Annotator(self, source, self._annotated_place, self._annotated, self.say, self.show_step)
        self._remembered = layout or Layout()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="where")
        yield Timeline(id="timeline")
        with Horizontal(id="body"):
            yield StepList(id="steps")
            yield Panes(self._remembered, id="panes")
        yield KeyBar("episode", id="keys")

    def on_mount(self) -> None:
        """Say which episode it is, and show its step."""
        self.query_one(StepList).border_title = "steps"
        self._begin()

    def on_resize(self, event: events.Resize) -> None:
        """Show the list of steps, and the second row of the timeline, where there is room for them."""
        self.set_class(event.size.width >= WIDE, "wide")
        self.set_class(event.size.height >= TALL, "tall")

    @property
    def panes(self) -> Panes:
        """The panes."""
        return self.query_one(Panes)

    @property
    def moment(self) -> Moment:
        """What is shown."""
        return self.recording.moment(self.index)

    @property
    def count(self) -> int:
        """How many steps there are."""
        return len(self.recording.steps)

    def say(self, text: str, fault: bool = False) -> None:
        """Say something in place of the keys, until the next thing is done."""
        self._refresh_if_due()
        for bar in self.query(KeyBar):  # none where the screen was left meanwhile
            bar.message(text, fault)

    # -- showing ----------------------------------------------------------------------------------------------------

    def show_recording(self, recording: Recording, brief: bool = False) -> None:
        """Show another recording, or a later reading of this one, at the same step.

        `brief`: without what takes all steps to be told; while an episode grows that would be read again and again.
        """
        self.recording = recording
        self.index = self._within(self.index)
        self._begin(brief)
        self.finding.extend()

    def show_step(self, index: int) -> None:
        """Show another step."""
        index = self._within(index)
        if index != self.index:
            self.index = index
            # Once for all keys that have come by then: who holds one down sees steps, and no queue of them.
            if not self._due:
                self._due = True
                self.call_later(self._refresh_if_due)
            for player in self.query(Player):
                player.moved()

    def _refresh_if_due(self) -> None:
        if self._due and self in self.app.screen_stack:
            self.refresh_step()

    def refresh_step(self) -> None:
        """Show the step as it is now; say so where it cannot be read."""
        self._due = False
        self._shown = self.index
        self.query_one(Timeline).show(self.recording, self.index)
        self.query_one(StepList).show(self.recording, self.index)
        try:
            moment = self.moment
            self._say_where(moment)
        except SandboxError as error:
            self.query_one("#where", Bar).say((f"step {self.index + 1} of {self.count} cannot be read", "bold"))
            self.say(str(error), fault=True)
            return
        self.panes.show(moment, self.finding.needle)
        self.query_one(KeyBar).keys()

    def _within(self, index: int) -> int:
        return max(0, min(index, len(self.recording.steps) - 1))

    def _begin(self, brief: bool = False) -> None:
        episode = self.recording.about
        spec = episode.spec
        good = episode.status == "finished" or episode.status in OPEN
        self.query_one("#title", Bar).say(
            (spec.environment, "bold $accent"),
            f"  {agent_words(episode)}  item {spec.item_id}  seed {spec.seed}  ",
            (episode.status, "" if good else "bold $text-error"),
            "" if episode.total is None or episode.status in OPEN else f"  return {episode.total:.10g}",
            "" if episode.lived else "  hypothetical",
            f"  fork of {spec.fork.parent[:12]} at step {spec.fork.at + 1}" if spec.fork else "",
        )
        self.refresh_step()
        if self.count and not brief:
            self.run_worker(partial(self._read_on, self.recording), thread=True, group="reading", exclusive=True)

    def _read_on(self, recording: Recording) -> None:
        """In a thread: what takes all steps to be told."""
        try:
            signs = recording.survey() if recording.survey else None
            summary = recording.summarised() if len(recording.steps) <= SUMMARISED else None
        except SandboxError as error:
            self.call_later(self.say, str(error), True)
            return

        def know() -> None:
            recording.know(signs, summary)
            if recording is self.recording and self in self.app.screen_stack:
                self.query_one(Timeline).show(recording, self.index)
                self.panes.show_again("came", "facts")
                with suppress(SandboxError):  # which was said when the step was shown
                    self._say_where(self.moment)

        self.call_later(know)

    def _say_where(self, moment: Moment) -> None:
        where = self.query_one("#where", Bar)
        if moment.step is None:
            where.say(("no steps", "bold"))
            return
        flags = [name.replace("_", " ") for name in moment.flags if name not in MERE]
        where.say(
            (f"step {self.index + 1} of {self.count}", "bold"),
            f"  {where_words(moment.step)}",
            (self._decisive(), "$success"),  # early: at 80 columns the end of the line is cut
            (f"  flags: {', '.join(flags)}" if flags else "", "bold $text-error"),
            ("  opportunity" if set(MERE) & set(moment.flags) else "", "$text-primary"),
            ("  v: picture" if shots(moment.step.events) else "", "$accent"),
        )

    def _decisive(self) -> str:
        found = self.recording.summary and self.recording.summary.decisive
        return "" if not found else "  decisive" if found.index == self.index else f"  decisive: step {found.index + 1}"

    # -- moving -----------------------------------------------------------------------------------------------------

    def on_timeline_picked(self, message: Timeline.Picked) -> None:
        """Go to the step that was clicked on."""
        self.show_step(message.index)

    def on_row_list_moved(self) -> None:
        """Go to the step under the list's cursor."""
        cursor = self.query_one(StepList).cursor
        if cursor != self._shown:  # else it followed us, who may be further by now
            self.show_step(cursor)

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
            self.say(end)

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
            self.say(otherwise)
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
                self.say(f"no step {answer!r}: the episode has steps 1 to {self.count}")

        self.app.push_screen(Prompt(f"go to step (1 to {self.count}):"), go)

    def action_search(self) -> None:
        """Ask for a text, and go to the first step from here on that has it; an empty one ends the search."""

        def search(answer: str | None) -> None:
            if answer is not None:
                self.finding.begin(answer)

        self.app.push_screen(Prompt("search:", self.finding.needle), search)

    def action_search_again(self, direction: int) -> None:
        """On to the next step that has the text (`direction` 1), or back to the one before (-1)."""
        if self.finding.needle:
            self.finding.go_on(direction)
        else:
            self.action_search()

    # -- panes ------------------------------------------------------------------------------------------------------

    def action_next_pane(self) -> None:
        """Focus the next pane."""
        self.panes.turn(1)

    def action_previous_pane(self) -> None:
        """Focus the pane before."""
        self.panes.turn(-1)

    def action_zoom(self) -> None:
        """Give the pane all the room, or give it back."""
        self.panes.zoom()

    def action_scroll(self, rows: int) -> None:
        """Scroll the pane by rows."""
        self.panes.scroll_rows(rows)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the pane by pages."""
        self.panes.scroll_pages(pages)

    def action_switch(self, setting: str) -> None:
        """Turn a setting of `Layout` on or off."""
        on = self.panes.switch(setting)
        what = {"raw": "as JSON", "difference": "what is new since it looked last", "seats": "a column for each seat"}
        key = {"raw": "x", "difference": "d", "seats": "u"}[setting]
        self.say(f"{what[setting]}   {key}: back" if on else f"no longer {what[setting]}")

    def action_copy_pane(self) -> None:
        """Copy the pane."""
        self._copy(pane_text(self.panes.pane.passages_shown()))

    def action_copy_step(self) -> None:
        """Copy all that is shown of the step."""
        try:
            self._copy(step_text(self.moment))
        except SandboxError as error:
            self.say(str(error), True)

    def _copy(self, text: str) -> None:
        text, words = bounded(text)
        self.app.copy_to_clipboard(text)
        self.say(words)

    def action_back(self) -> None:
        """Out of a zoomed pane, else back to the list, or out where there is none."""
        if self.panes.zoomed:
            self.panes.zoom()
        elif len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.app.exit()

    # -- what opens other screens -----------------------------------------------------------------------------------

    def action_look(self) -> None:
        """Look at what was shown as a picture, and go on from the step whose picture was looked at last."""
        try:
            if not pictures(self.recording):
                self.say("nobody was shown a picture in this episode")
                return
            screen = PictureScreen(self.recording, self.index, picture_widget(self.app))
        except SandboxError as error:
            self.say(str(error), True)
            return

        def go(step: int | None) -> None:
            if step is not None:
                self.show_step(step)

        self.app.push_screen(screen, go)

    def _annotated_place(self) -> Place:
        return Place(self.recording.id, self.index if self.count else None)

    def _annotated(self, key: str, annotations: Sequence[Annotation]) -> None:
        if key == self.recording.id:
            self.recording.annotate(annotations)
            self.refresh_step()

    def action_bookmark(self) -> None:
        """Bookmark the step, or take the bookmark off."""
        self.annotator.bookmark()

    def action_note(self) -> None:
        """Write a note on the step."""
        self.annotator.note()

    def action_label(self) -> None:
        """Label the step."""
        self.annotator.label()

    def action_annotations(self) -> None:
        """List what people say of the episode."""
        self.annotator.list()

    def action_events(self) -> None:
        """Open the events of the step as a tree."""
        try:
            step = self.moment.step
            if step is None or not (step.events or step.said):
                self.say("nothing was recorded inside this step")
            else:
                self.app.push_screen(EventTreeScreen(self.moment))
        except SandboxError as error:
            self.say(str(error), True)

    def action_export(self) -> None:
        """Write the episode as a file, which is asked for."""
        export(self, self.source, self.recording.id, self.say)

    def action_compare(self) -> None:
        """Ask for another episode, and show the two side by side."""
        ask_what_to_compare(self.app, self.source, self.recording.id, self.index)

    def action_fork(self) -> None:
        """Ask what would come of another action here, or of another agent."""
        from sandbox.tui.fork import ask_what_if

        ask_what_if(self)

    # -- time -------------------------------------------------------------------------------------------------------

    def action_play(self) -> None:
        """Go on by itself, or pause."""
        Player.of(self, self).toggle()

    def action_faster(self, by: int) -> None:
        """Play faster, or slower."""
        Player.of(self, self).faster(by)

    def action_idle_cap(self) -> None:
        """Change the longest wait."""
        Player.of(self, self).next_cap()

    def action_follow(self) -> None:
        """Show new steps as they are recorded, or no longer."""
        toggle(self, lambda: LiveEpisode(self, self.source, self.say))
