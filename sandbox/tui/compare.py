"""The screen of two episodes side by side: aligned, at the step at which they part, one cursor for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content

from sandbox.errors import SandboxError
from sandbox.report.alignment import Row
from sandbox.report.beside import Beside, Side, Told, number, parts_words, totals, totals_words
from sandbox.report.difference import between
from sandbox.report.plain import HIDDEN, Passage, Role, move_words, passage
from sandbox.text import display_line
from sandbox.trace import Step
from sandbox.tui.actions import Where, bindings
from sandbox.tui.alignment_line import AlignmentLine
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.moment import Moment, Recording
from sandbox.tui.pairs_list import PairsList
from sandbox.tui.prompt import Prompt
from sandbox.tui.screens import FullScreen
from sandbox.tui.source import Source
from sandbox.tui.text_pane import TextPane

WIDE = 150
"""Columns from which on the list of pairs is shown beside the panes."""
TALL = 40
"""Rows from which on all that belongs to a step is shown at once."""

View = Literal["step", "words", "outcome", "totals", "difference"]
VIEWS: tuple[View, ...] = ("step", "words", "outcome", "totals")
"""What `tab` goes through; `difference` has a key of its own."""
JOINT = frozenset({"totals", "difference"})
"""Views of both sides in one pane."""


class SidePane(TextPane):
    """The pane of one side."""


class CompareScreen(FullScreen[None]):
    """Compares the episodes with the keys `left` and `right`, which it reads itself.

    It opens at the step `step` (from 0) of the left one; by default where the two part.
    """

    PLACE: ClassVar[Where] = "compare"
    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]

    def __init__(self, source: Source, left: str, right: str, step: int | None = None) -> None:
        super().__init__()
        self._source = source
        self._keys = (left, right)
        self._step = step
        self.recordings: tuple[Recording, Recording] | None = None
        self.beside: Beside | None = None
        self.place = 0
        self.view: View = "step"

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="parting")
        yield Bar(id="where")
        yield AlignmentLine(id="alignment")
        with Horizontal(id="body"):
            yield PairsList(id="pairs")
            yield SidePane(id="left")
            yield SidePane(id="right")
            yield TextPane(id="both")
        yield Bar(id="totals")
        yield KeyBar("compare", id="keys")

    def on_mount(self) -> None:
        """Read both episodes off the UI thread."""
        self.query_one("#title", Bar).say("reading both episodes ...")
        self.query_one("#left", TextPane).focus()
        self.run_worker(self._read(), exclusive=True)

    def on_resize(self, event: events.Resize) -> None:
        """Show the list of pairs where there is room for it, and as much of a step as there is."""
        self.set_class(event.size.width >= WIDE, "wide")
        if self.beside is not None:
            self._show()

    async def _read(self) -> None:
        try:
            recordings, beside = await asyncio.to_thread(_read, self._source, *self._keys)
        except SandboxError as error:
            self.query_one("#title", Bar).say("cannot be compared")
            self.say(str(error), fault=True)
            return
        self.recordings, self.beside = recordings, beside
        alignment = beside.alignment
        self.place = (alignment.first or 0) if self._step is None else alignment.place(left=self._step)
        self._tell()

    # -- showing ----------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Say what is compared, then show it."""
        beside = self.beside
        assert beside is not None
        left, right = beside.left.about.spec, beside.right.about.spec
        where = (
            left.environment if left.environment == right.environment else f"{left.environment}, {right.environment}"
        )
        shared = [
            f"{name} {one}" if one == other else f"{name}s {one}, {other}"
            for name, one, other in (("item", left.item_id, right.item_id), ("seed", left.seed, right.seed))
        ]
        self.query_one("#title", Bar).say(
            (where, "bold $accent"), f"  {beside.left.name} | {beside.right.name}  {'  '.join(shared)}"
        )
        parting = self.query_one("#parting", Bar)
        parting.say(beside.words)
        parting.refresh(layout=True)  # it has two lines where it needs them
        self.query_one("#totals", Bar).say("  ".join(totals_words(beside.left, beside.right)))
        self._show()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        rows = self.beside.alignment.rows if self.beside else ()
        return rows[self.place] if rows else None

    def go(self, place: int) -> None:
        """Show another row."""
        count = len(self.beside.alignment.rows) if self.beside else 0
        place = max(0, min(place, count - 1))
        if place != self.place:
            self.place = place
            self._show()

    def say(self, text: str, fault: bool = False) -> None:
        """Say something in the bottom line."""
        self.query_one(KeyBar).message(text, fault)

    def _show(self) -> None:
        assert self.beside is not None
        assert self.recordings is not None
        alignment, row = self.beside.alignment, self.row
        self.query_one(AlignmentLine).show(alignment, self.place)
        self.query_one(PairsList).show(self.beside, self.place)
        self.set_class(self.view in JOINT, "joint")
        self.query_one(KeyBar).keys()
        if row is None:
            self.query_one("#where", Bar).say("neither has a step")
            return
        sides = (self.beside.left, self.beside.right)
        words = "the same" if row.same else f"differs: {parts_words(row)}" if row.differs else "no step beside it"
        steps = ", ".join(
            "none" if index is None else f"{index + 1} of {len(side.deeds)}"
            for side, index in zip(sides, (row.left, row.right), strict=True)
        )
        self.query_one("#where", Bar).say(f"step {steps}", (f"  {words}", "" if row.same else "bold $text-error"))
        if self.view in JOINT:
            pane = self.query_one("#both", TextPane)
            if self.view == "totals":
                pane.border_title = Content("totals")
                pane.show_text(_totals(*sides))
            else:
                pane.border_title = Content(display_line(f"what {sides[1].name} saw, against what {sides[0].name} saw"))
                pane.show_text(_told(partial(self._difference, row)))
            return
        tall = self.size.height >= TALL
        for name, side, recording, index in zip(
            ("#left", "#right"), sides, self.recordings, (row.left, row.right), strict=True
        ):
            pane = self.query_one(name, TextPane)
            name_of = display_line(side.name, 60)
            pane.border_title = Content(name_of if index is None else f"{name_of}  step {index + 1}")
            if index is None:
                pane.show_text([passage(f"no step of {side.name} belongs here", "quiet")])
            else:
                pane.show_text(_told(partial(_of_side, recording, index, row, self.view, tall)))

    def _difference(self, row: Row) -> list[Passage]:
        assert self.recordings is not None
        if row.left is None or row.right is None:
            return [Passage("only one of the two has a step here", "quiet")]
        left, right = self.recordings
        return between(left.steps[row.left], right.steps[row.right])

    # -- moving -----------------------------------------------------------------------------------------------------

    def on_alignment_line_picked(self, message: AlignmentLine.Picked) -> None:
        """Go to the row that was clicked on."""
        self.go(message.place)

    def on_row_list_moved(self) -> None:
        """Go to the row under the list's cursor."""
        self.go(self.query_one(PairsList).cursor)

    def action_move(self, by: int) -> None:
        """By rows."""
        place, count = self.place + by, len(self.beside.alignment.rows) if self.beside else 0
        if 0 <= place < count:
            self.go(place)
        else:
            self.say("this is the last step" if by > 0 else "this is the first step")

    def action_first(self) -> None:
        """To the first row."""
        self.go(0)

    def action_last(self) -> None:
        """To the last row."""
        self.go(len(self.beside.alignment.rows) - 1 if self.beside else 0)

    def action_next_difference(self) -> None:
        """To the next row in which something else was done."""
        stops = self.beside.alignment.stops if self.beside else ()
        self._jump([place for place in stops if place > self.place], "no difference after this step")

    def action_previous_difference(self) -> None:
        """To the one before."""
        stops = self.beside.alignment.stops if self.beside else ()
        self._jump([place for place in reversed(stops) if place < self.place], "no difference before this step")

    def _jump(self, places: Sequence[int], otherwise: str) -> None:
        if places:
            self.go(places[0])
        else:
            self.say(otherwise)

    def action_go_to(self) -> None:
        """Ask for a step's number, of the left one."""
        if self.beside is None:
            return
        beside, count = self.beside, len(self.beside.left.deeds)

        def go(answer: str | None) -> None:
            if answer and answer.strip().isdecimal() and 1 <= int(answer[:12]) <= count:
                self.go(beside.alignment.place(left=int(answer) - 1))
            elif answer:
                self.say(f"no step {answer!r}: {beside.left.name} has steps 1 to {count}")

        self.app.push_screen(Prompt(f"go to step of {display_line(beside.left.name)} (1 to {count}):"), go)

    # -- views ------------------------------------------------------------------------------------------------------

    def action_next_view(self, by: int) -> None:
        """What the panes show."""
        here = VIEWS.index(self.view) if self.view in VIEWS else -by
        self._look(VIEWS[(here + by) % len(VIEWS)])

    def action_difference(self) -> None:
        """Both observations in one, word by word; or back."""
        self._look("step" if self.view == "difference" else "difference")

    def _look(self, view: View) -> None:
        self.view = view
        if self.beside is not None:
            self._show()
        self.query_one("#both" if view in JOINT else "#left", TextPane).focus()

    def action_scroll(self, rows: int) -> None:
        """Scroll both sides."""
        for pane in self.query(TextPane):
            pane.scroll_relative(y=rows, animate=False, immediate=True)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll both sides by pages."""
        for pane in self.query(TextPane):
            rows = max(pane.scrollable_content_region.height - 1, 1)
            pane.scroll_relative(y=pages * rows, animate=False, immediate=True)

    def action_open_side(self, side: int) -> None:
        """Open the left (0) or the right (1) episode at this step."""
        if self.recordings is None:
            return
        from sandbox.tui.episode import EpisodeScreen  # which opens this screen

        row = self.row
        index = None if row is None else (row.left, row.right)[side]
        if index is None and row is not None:
            self.say(f"no step of {('the left', 'the right')[side]} belongs here; opened at its end")
        recording = self.recordings[side]
        at = len(recording.steps) - 1 if index is None else index
        self.app.push_screen(EpisodeScreen(recording, self._source, max(at, 0)))

    def action_swap(self) -> None:
        """Exchange the sides."""
        if self.beside is None or self.recordings is None:
            return
        row = self.row
        left, right = self.recordings
        try:
            self.beside = self.beside.swapped((right.steps, left.steps))
        except SandboxError as error:
            self.say(str(error), fault=True)
            return
        self._keys = (self._keys[1], self._keys[0])
        self.recordings = (right, left)
        self.place = 0 if row is None else self.beside.alignment.place(left=row.right, right=row.left)
        self._tell()

    def action_back(self) -> None:
        """Back to where we came from, or out."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.app.exit()


def _read(source: Source, left: str, right: str) -> tuple[tuple[Recording, Recording], Beside]:
    """Both recordings, and the comparison of all their steps: takes a while where they are long."""
    one, other = source.recording(left), source.recording(right)
    told = (Told(recording.about, recording.steps, recording.scores) for recording in (one, other))
    return (one, other), Beside.of(*told)


def _told(tell: Callable[[], Sequence[Passage]]) -> Sequence[Passage]:
    """What it tells; where a step that it needs cannot be read, what is wrong with it."""
    try:
        return tell()
    except SandboxError as error:
        return [passage(error, "flag")]


def _of_side(recording: Recording, index: int, row: Row, view: View, tall: bool) -> list[Passage]:
    return _passages(recording.moment(index), row, view, tall)


def _passages(moment: Moment, row: Row, view: View, tall: bool) -> list[Passage]:
    """What a side's pane shows; parts that differ have a sign at their heading."""
    step = moment.step
    assert step is not None
    saw, did, came = ({"observation"}, {"menu", "decision", "applied", "outcome"}, {"reward", "state"})
    parts = {
        "step": [("what it saw", saw, moment.saw), ("what it did", did, moment.did)],
        "words": [("what it thought and said", set[str](), moment.said)],
        "outcome": [("what came of it", came, moment.came)],
    }
    names = ("step", "words", "outcome") if view == "step" and tall else (view,)
    passages = [_deed(step)] if view == "step" else []
    for name in names:
        for title, of, told in parts[name]:
            differs = not of.isdisjoint(row.differs)
            passages.append(Passage(f"{title}{' ≠' if differs else ''}", "heading"))
            passages.extend(told())
    return passages


def _deed(step: Step) -> Passage:
    """What was done, in a line."""
    rewards = " ".join(f"{seat} {value:+.6g}" for seat, value in step.rewards.items())
    move = step.applied if step.decision is None else step.decision.move
    words = f"▸ {move_words(move)}{f'  reward {rewards}' if rewards else ''}"
    if step.risks:
        return passage(f"{words}  {HIDDEN}risks {', '.join(step.risks)}", "flag")
    return passage(words, "chosen")


def _totals(left: Side, right: Side) -> list[Passage]:
    """The totals as a table, those that differ first; names come last, since they may be long."""
    found = sorted(totals(left, right), key=lambda total: total.left == total.right)
    rows = [(left.name, right.name, "difference", "")]
    for total in found:
        difference = "" if total.difference is None else f"{total.difference:+.6g}"
        rows.append((number(total.left), number(total.right), difference, total.name))
    sizes = [max(len(row[column]) for row in rows) for column in range(3)]
    hang = sum(sizes) + 6
    passages = []
    for place, row in enumerate(rows):
        line = "  ".join(f"{cell:>{size}}" for cell, size in zip(row, sizes, strict=False))
        same = place and found[place - 1].left == found[place - 1].right
        role: Role = "heading" if not place else "quiet" if same else "text"
        passages.append(passage(f"{line}  {row[3]}", role, hang=hang))
    return passages
