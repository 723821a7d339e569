"""The screen of the episodes: a filter line, the table, and the episode under the cursor in words."""

from __future__ import annotations

from array import array
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input
from textual.worker import Worker, WorkerState, get_current_worker

from sandbox.errors import InputError, SandboxError
from sandbox.store import Filter
from sandbox.store.filters import parse, score_columns
from sandbox.store.rows import Found, Vocabulary
from sandbox.text import display_line
from sandbox.tui.actions import Where, bindings
from sandbox.tui.bar import Bar, KeyBar, Part
from sandbox.tui.episode_table import EpisodeTable, TableHead
from sandbox.tui.filter_line import FilterLine
from sandbox.tui.list_screen import ListScreen
from sandbox.tui.pages import PAGE, Pages
from sandbox.tui.row_list import RowList
from sandbox.tui.source import Source

if TYPE_CHECKING:
    from sandbox.tui.annotate import Annotator

CANONICAL = "position"


class Browse(ListScreen):
    """Lists what a source has; posts `Opened` for the episode that is wanted.

    The first page is there at once; the numbers of all episodes, and the names that filters may use, are read off the
    UI thread.
    """

    PLACE: ClassVar[Where] = "browse"
    CSS_PATH = "browse.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("browse")]

    class Opened(Message):
        """An episode is to be shown."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Compared(Message):
        """Two episodes are to be shown side by side."""

        def __init__(self, left: str, right: str) -> None:
            super().__init__()
            self.left = left
            self.right = right

    class Grouped(Message):
        """What is listed is to be shown by groups."""

        def __init__(self, where: Filter, scores: tuple[str, ...]) -> None:
            super().__init__()
            self.where = where
            self.scores = scores

    class ExperimentsWanted(Message):
        """The experiments are to be shown."""

    class Progress(Message):
        """A search has seen more episodes."""

        def __init__(self, found: Found, of: int, worker: Worker[None]) -> None:
            super().__init__()
            self.found = found
            self.of = of
            self.worker = worker

    class Read(Message):
        """The numbers of the episodes that fit are known, but for those of a search."""

        def __init__(self, numbers: array[int], where: Filter, scores: tuple[str, ...], stay: bool) -> None:
            super().__init__()
            self.numbers = numbers
            self.where = where
            self.scores = scores
            self.stay = stay

    class Named(Message):
        """The names in use are known."""

        def __init__(self, vocabulary: Vocabulary) -> None:
            super().__init__()
            self.vocabulary = vocabulary

    def __init__(self, source: Source, title: str, line: str = "", order: str = CANONICAL) -> None:
        """`line`, `order`: the filter and the order to begin with."""
        super().__init__()
        self.source = source
        self.title_words = title
        self.applied = line
        self.order = order
        self._where = Filter()
        self._searching = ""
        self._told = False
        self._counted = False
        self._news = ""  # to be said when the list has been read
        self._before = ""  # the filter before it was narrowed
        self._vocabulary: Vocabulary | None = None
        self.marked: dict[str, None] = {}

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield FilterLine()
        yield TableHead()
        yield EpisodeTable(id="table")
        yield Bar(id="about")
        yield Bar(id="about2")
        yield KeyBar("browse", id="keys")

    def on_mount(self) -> None:
        """Show the first page at once, and read the rest after it is painted."""
        self.table.focus()
        if self.applied or self.order != CANONICAL:
            self._show_line()
        else:
            try:
                pages = Pages.beginning(self.source, self.source.heads(Filter(), limit=PAGE, offset=0))
                self.table.show(pages)
            except SandboxError as error:
                self.key_bar.message(str(error), fault=True)
            self._say_title("counting")
            self._tell()
        self.call_after_refresh(self.refresh_heads)

    @property
    def table(self) -> EpisodeTable:
        """The table."""
        return self.query_one("#table", EpisodeTable)

    @property
    def rows(self) -> EpisodeTable:
        """The table."""
        return self.table

    @property
    def _line(self) -> Input:
        return self.query_one(FilterLine).field

    # -- reading ----------------------------------------------------------------------------------------------------

    def refresh_heads(self) -> None:
        """Read the list again: what is running has gone on. The cursor stays on its episode."""
        self._load(stay=True)

    def _load(self, stay: bool = False) -> None:
        """Read what fits the filter, off the UI thread; `stay`: the cursor stays on its episode."""
        work = partial(self._read, self.applied, self.order, stay)
        self.run_worker(work, group="list", thread=True, exclusive=True, exit_on_error=False)

    def _read(self, line: str, order: str, stay: bool) -> None:
        """In a thread: tell what fits, then search it where the filter asks for text."""
        worker = get_current_worker()
        where = parse(line)
        scores: tuple[str, ...] = ()
        if line or self._vocabulary is not None:
            vocabulary = self._names()
            where = parse(line, vocabulary)
            scores = score_columns(where, order, vocabulary)
        numbers = self.source.numbers(where, order)
        if worker.is_cancelled:
            return
        self.post_message(self.Read(array("q") if where.searched else numbers, where, scores, stay))
        if where.searched:
            for found in self.source.search(numbers, where):
                if worker.is_cancelled:
                    return
                self.post_message(self.Progress(found, len(numbers), worker))
        elif self._vocabulary is None:
            self.post_message(self.Named(self._names()))

    def _names(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self.source.vocabulary()
        return self._vocabulary

    def on_browse_read(self, message: Read) -> None:
        """Show what was read."""
        self._where, self._searching, self._counted = message.where, "", True
        numbers, scores = message.numbers, message.scores
        pages, cursor = Pages(self.source, numbers, scores), 0
        if message.stay:
            cursor, before = self.table.cursor, self.table.pages
            here = before.numbers[cursor] if before is not None and cursor < before.count else 0
            place = pages.place_of(here)  # None too where the first page alone was there, in the same order
            cursor = cursor if place is None else place
        self.table.show(pages, cursor)
        self.query_one(TableHead).show(self.order, scores)
        if self._vocabulary is not None:
            self.query_one(FilterLine).know(self._vocabulary)
        self._say_title()
        self._tell()
        if message.where.searched:
            self._searching = "searching"
            self.key_bar.message("searching all text; Esc stops")
        elif not pages.count:
            self._say_nothing()
        elif pages.fault:
            self.key_bar.message(pages.fault, fault=True)
        elif self._news:
            self.key_bar.message(self._news)
        elif not self._line.has_focus:
            self.key_bar.keys()
        self._news = ""

    def on_browse_named(self, message: Named) -> None:
        """Names can be completed now, and scores have columns."""
        self.query_one(FilterLine).know(message.vocabulary)
        pages = self.table.pages
        scores = score_columns(self._where, self.order, message.vocabulary)
        if scores and pages is not None:
            self.table.pages = Pages(self.source, pages.numbers, scores)
            self.table.refresh()
            self.query_one(TableHead).show(self.order, scores)

    def on_browse_progress(self, message: Progress) -> None:
        """Show what a search found since."""
        if message.worker.is_cancelled or self.table.pages is None:
            return
        pages, found = self.table.pages, message.found
        first = not pages.count
        pages.add(found.numbers)
        self.table.count = pages.count
        self.table.refresh()
        ended = found.episodes >= message.of
        words = f"{found.episodes} of {message.of} episodes ({found.steps} steps) searched, {pages.count} found"
        self._searching = "" if ended else words
        self._say_title()
        if first and pages.count:
            self._tell()
        if ended and not pages.count:
            self._say_nothing()
        elif not self._line.has_focus:
            self.key_bar.message(words if ended else f"{words}; Esc stops")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say why nothing was read."""
        if event.state == WorkerState.ERROR and event.worker.group == "list":
            if not isinstance(event.worker.error, SandboxError):
                raise event.worker.error or RuntimeError("a worker failed")
            self.key_bar.message(str(event.worker.error), fault=True)

    # -- saying -----------------------------------------------------------------------------------------------------

    @property
    def _filtered(self) -> bool:
        return self._where != Filter()

    def _say_title(self, state: str = "") -> None:
        count = self.table.count
        words = f"{count} episode{'' if count == 1 else 's'}" + (" fit the filter" if self._filtered else "")
        parts: list[Part] = [("sandbox replay", "bold $accent"), f"  {self.title_words}  ", state or words]
        if self._searching:
            parts.append("  (searching)")
        if self.marked:
            parts.append((f"  {len(self.marked)} marked ●", "$accent"))
        self.query_one("#title", Bar).say(*parts)

    def _say_nothing(self) -> None:
        self.key_bar.message(
            "no episode fits the filter: Esc shows all" if self._filtered else "no episodes yet: sandbox run makes some"
        )

    def _tell(self) -> None:
        """Say in words what is under the cursor."""
        self._told = False
        row = self.table.row
        one, two = self.query_one("#about", Bar), self.query_one("#about2", Bar)
        if row is None:
            one.say()
            two.say()
            return
        head = row.head
        place = f"{self.table.cursor + 1}" + (f" of {self.table.count}" if self._counted else "")
        got = {seat: f" ({value:.6g})" for seat, value in head.returns.items()}
        agents = ", ".join(f"{seat} {name}{got.get(seat, '')}" for seat, name in head.seats.items())
        who = agents if len(head.seats) > 1 else head.agent
        one.say((place, "bold"), f"  {head.id[:12]}  {head.environment}  {who}")
        wrong = ", ".join(f"{name} {number}" for name, number in head.counts.items() if number)
        flags = ", ".join(head.flags) or "none"
        known = ", ".join(f"{name} {value:.3g}" for name, value in row.scores.items() if value is not None)
        two.say(
            f"flags: {flags}",
            f"  counts: {wrong}" if wrong else "",
            f"  {known}" if known else "",
            f"  {head.provenance}",
            f"  {head.reason.strip().rsplit(chr(10), 1)[-1]}" if head.reason else "",
        )

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another episode is under the cursor: said once for each frame, however fast the cursor moves."""
        if not self._told:
            self._told = True
            self.call_after_refresh(self._moved)

    def _moved(self) -> None:
        self._tell()
        pages = self.table.pages
        if pages is not None and pages.fault:
            self.key_bar.message(pages.fault, fault=True)
        elif self._searching:
            self.key_bar.message(f"{self._searching}; Esc stops")
        elif pages is not None and pages.count:
            self.key_bar.keys()

    # -- the filter -------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong with the filter."""
        if not event.input.has_focus:
            return
        try:
            parse(event.value, self._vocabulary)
        except InputError as error:
            self.key_bar.message(str(error), fault=True)
        else:
            self.key_bar.message("Enter applies   Tab takes what is offered   Esc leaves it as it was")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Apply the filter, if it can be understood."""
        try:
            parse(event.value, self._vocabulary)
        except InputError as error:
            self.key_bar.message(str(error), fault=True)
            return
        self.table.focus()
        self.apply(event.value)

    def apply(self, line: str) -> None:
        """Show the episodes that fit a filter that can be understood."""
        self.applied, self._before = line, ""
        self._show_line()
        self.key_bar.message("reading")
        self._load()

    def _show_line(self) -> None:
        self._line.value = display_line(self.applied)  # it may come from a command line; the field shows all as it is

    def narrow(self, term: str) -> None:
        """Apply the filter with one term more."""
        before = self.applied
        self.apply(f"{before} {term}".strip())
        self._before = before

    def action_filter(self) -> None:
        """Go to the filter line."""
        self._line.focus()

    def action_clear_filter(self) -> None:
        """In the filter line: undo the edit. While searching: stop. Else show all; or leave, if all are shown."""
        if self._line.has_focus:
            self._show_line()
            self.table.focus()
            self.key_bar.keys()
        elif self._searching:
            self.workers.cancel_group(self, "list")
            words = self._searching
            self._searching = ""
            self._say_title()
            self.key_bar.message(f"stopped: {words}; Esc shows all")
        elif self.applied:
            self.apply(self._before)
        elif len(self.app.screen_stack) > 2:
            self.action_leave()

    # -- actions ----------------------------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Ask for the episode under the cursor."""
        head = self.table.head
        if head is not None:
            self.post_message(self.Opened(head.id))

    def action_sort(self) -> None:
        """Ask for the column to sort by."""
        from sandbox.tui.sorting import SortMenu

        def sort(order: str | None) -> None:
            if order is not None:
                self._sort(order)

        scores = self._vocabulary.scores if self._vocabulary is not None else ()
        self.app.push_screen(SortMenu(self.order, scores), sort)

    def action_reverse(self) -> None:
        """Turn the order around."""
        self._sort(self.order.removeprefix("-") if self.order.startswith("-") else f"-{self.order}")

    def _sort(self, order: str) -> None:
        self.order = order
        self.query_one(TableHead).show(order, self.query_one(TableHead).scores)
        self.key_bar.message("sorting")
        self._load()

    def action_group(self) -> None:
        """Group what is listed."""
        if self._where.searched:
            self.key_bar.message("take text~ out of the filter to group", fault=True)
            return
        pages = self.table.pages
        self.post_message(self.Grouped(self._where, pages.scores if pages is not None else ()))

    def action_experiments(self) -> None:
        """Ask for the experiments."""
        self.post_message(self.ExperimentsWanted())

    def action_mark(self) -> None:
        """Mark the episode under the cursor for comparing, or take the mark away."""
        head = self.table.head
        if head is None:
            return
        if head.id in self.marked:
            del self.marked[head.id]
        else:
            self.marked[head.id] = None
        self.table.marked = frozenset(self.marked)
        self.table.refresh()
        self._say_title()

    def action_compare(self) -> None:
        """Compare the episode that was marked last with the one under the cursor, or else the last two that were."""
        head = self.table.head
        marked = [key for key in self.marked if head is None or key != head.id]
        if head is None or not marked:
            self.key_bar.message("m marks an episode; then go to another one, and c compares the two")
        else:
            self.post_message(self.Compared(marked[-1], head.id))

    def action_copy(self) -> None:
        """Copy the id of the episode under the cursor."""
        head = self.table.head
        if head is not None:
            self.app.copy_to_clipboard(head.id)
            self.key_bar.message(f"copied {head.id}")

    @cached_property
    def _annotator(self) -> Annotator:
        from sandbox.tui.annotate import Annotator, Place  # not needed for the first paint

        def place() -> Place | None:
            head = self.table.head
            return None if head is None else Place(head.id)

        return Annotator(self, self.source, place, lambda key, annotations: self.action_reload(), self._annotated)

    def _annotated(self, text: str, fault: bool = False) -> None:
        """Say it when the list has been read again, which takes the bottom line."""
        self._news = text if not fault else ""
        self.key_bar.message(text, fault)

    def action_bookmark(self) -> None:
        """Bookmark the episode under the cursor, or take the bookmark off."""
        self._annotator.bookmark()

    def action_note(self) -> None:
        """Write a note on it."""
        self._annotator.note()

    def action_label(self) -> None:
        """Label it."""
        self._annotator.label()

    def action_export(self) -> None:
        """Write the episode under the cursor as a file, which is asked for."""
        from sandbox.tui.export import export

        head = self.table.head
        if head is not None:
            export(self, self.source, head.id, self.key_bar.message)

    def action_follow(self) -> None:
        """Read the list again whenever an episode has begun or ended, or no longer."""
        from sandbox.tui.following import LiveList, toggle  # not needed for the first paint

        toggle(self, lambda: LiveList(self.source, self.refresh_heads))

    def action_reload(self) -> None:
        """Read again, and stay where we are."""
        self._vocabulary = None
        self.refresh_heads()
