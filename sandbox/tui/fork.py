"""The screen that asks what if: another action at a step, or another agent, is played while one waits, and compared."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from sandbox.errors import InputError, SandboxError
from sandbox.report.forks import Forked, difference_lines, fork_lines
from sandbox.report.words import move_words, plural
from sandbox.runner.tally import Tally
from sandbox.runner.what_if import MOST, Place
from sandbox.store import EpisodeHead
from sandbox.text import display, display_line
from sandbox.tui.action_form import ActionForm, ChoiceList
from sandbox.tui.bar import Bar
from sandbox.tui.compare import CompareScreen
from sandbox.tui.prompt import Field
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import FullScreen
from sandbox.tui.source import Source

if TYPE_CHECKING:
    from sandbox.tui.episode import EpisodeScreen

KEYS = "Enter: play it   Tab: action, agent, continuations, forks   Esc: back"
READ = 100
"""Forks of which it is read where they leave and what was put in; of others, the id and what came of them is shown."""


def ask_what_if(screen: EpisodeScreen) -> None:
    """Open the form at the step that an episode's screen shows; where it cannot be forked, say why."""
    if not screen.count:
        screen.say("the episode has no steps: there is nothing to fork")
        return
    screen.app.push_screen(ForkScreen(screen.source, screen.recording.id, screen.index))


class ForkList(RowList):
    """A row per fork of the episode, the last first: where it leaves, what was put in, agent, return, steps, id."""

    rows: Sequence[tuple[str, EpisodeHead]] = ()

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """The columns of a row."""
        what, head = self.rows[index]
        total = head.status if head.total is None else f"{head.total:.6g}"
        words = max((width - 12 - 2 - 10 - 1) // 2, 8)
        return (
            Cell(head.id[:12], 12, "quiet"),
            Cell("", 2),
            Cell(what, words),
            Cell(head.agent, max(width - 12 - 2 - 10 - 1 - words, 4), "quiet"),
            Cell("", 1),
            Cell(total, 10, right=True),
        )


class ForkScreen(FullScreen[None]):
    """Asks what to put in at the step `index` (from 0) of the episode `key`, plays it, and shows what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("enter", "take", "Play it", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("tab", "app.focus_next", "Next field", show=False),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False),
    ]
    DEFAULT_CSS = """
    ForkScreen { background: $background; }
    ForkScreen #title { background: $surface; text-style: bold; }
    ForkScreen .ask { height: 1; padding: 0 1; }
    ForkScreen .ask Static { width: auto; }
    ForkScreen .ask Input { background: $surface; }
    ForkScreen .ask Input:focus { background: $primary 25%; }
    ForkScreen #agent { width: 1fr; }
    ForkScreen #continuations { width: 8; }
    ForkScreen #came { height: auto; max-height: 14; padding: 0 1; }
    ForkScreen ForkList { height: 1fr; min-height: 3; border: round $foreground 25%; }
    ForkScreen ForkList:focus { border: heavy $primary; }
    ForkScreen #news { dock: bottom; background: $surface; }
    """

    def __init__(self, source: Source, key: str, index: int) -> None:
        super().__init__()
        self._source = source
        self._key = key
        self._index = index
        self.place: Place | None = None
        self.forked: Forked | None = None
        self._at_work: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="where")
        yield ActionForm(id="form")
        with Horizontal(classes="ask"):
            yield Static("or another agent from here on: ", markup=False)
            yield Field(compact=True, id="agent", placeholder="its id, as sandbox list names it")
        with Horizontal(classes="ask"):
            yield Static("continuations, each with a luck of its own (1: the episode's): ", markup=False)
            yield Field("1", compact=True, id="continuations", type="integer", select_on_focus=True)
        yield Static("", id="came", markup=False)
        yield ForkList(id="forks")
        yield Bar(id="news")

    def on_mount(self) -> None:
        """Execute the environment again as far as the step, off the UI thread."""
        if not self.query("#news"):  # closed by a key that was pressed at once
            return
        self.query_one("#title", Bar).say(f"what if, in episode {self._key[:12]} at step {self._index + 1} ...")
        form = self.query_one(ActionForm)
        form.wait("")
        self.query_one(ForkList).border_title = "forks of it (Enter: side by side)"
        self._work("the environment is executed again as far as this step ...", self._reach())

    # -- playing ----------------------------------------------------------------------------------------------------

    def _work(self, words: str, what: Coroutine[Any, Any, None]) -> None:
        """Do something on a thread with a loop of its own, unless something is being done."""
        if self._at_work is not None or any(not worker.is_finished for worker in self.workers if worker.node is self):
            what.close()
            self.say("it is still at it: Escape ends that")
            return
        self.say(words)

        async def main() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._at_work = (asyncio.get_running_loop(), task)
            await what

        def run() -> None:
            try:
                asyncio.run(main())
            except asyncio.CancelledError:
                self._tell(self.say, "ended; the same once more goes on with what is left")
            except SandboxError as error:
                self._tell(self.say, str(error), True)
            finally:
                self._at_work = None

        self.run_worker(run, thread=True, exit_on_error=True)

    def _tell(self, what: Any, *arguments: Any) -> None:
        """From the thread: something for the screen, if it is still there."""

        def tell() -> None:
            if self.query("#news"):  # it may be closed by the very key that came before
                what(*arguments)

        if self.is_mounted:
            self.app.call_later(tell)

    async def _reach(self) -> None:
        rows = self._forks()
        agents = self._source.agents()
        self._tell(self._show_forks, rows, agents)
        place = await self._source.place(self._key, self._index)
        self._tell(self._show_place, place)

    async def _play(self, place: Place, action: Mapping[str, Any] | None, agent: str, continuations: int) -> None:
        def progress(now: Tally, total: int) -> None:
            self._tell(self.say, f"playing: {now.done:,} of {plural(total, 'episode')} ...   Esc: end it")

        forked = await self._source.fork(place, action, agent, continuations, progress)
        rows = self._forks()
        self._tell(self._show_forks, rows, None)
        self._tell(self._show_forked, forked)

    def _forks(self) -> list[tuple[str, EpisodeHead]]:
        heads = [head for head in self._source.relatives(self._key) if head.parent == self._key][::-1]
        return [(self._words(head) if row < READ else "", head) for row, head in enumerate(heads)]

    def _words(self, head: EpisodeHead) -> str:
        fork = self._source.recording(head.id).about.spec.fork
        if fork is None:
            return ""
        luck = f", luck {fork.luck}" if fork.luck else ""
        return f"step {fork.at + 1}{luck}: {'as it decides' if fork.move is None else move_words(fork.move)}"

    # -- showing ----------------------------------------------------------------------------------------------------

    def say(self, text: str, fault: bool = False) -> None:
        """Say something in place of the keys; a fault in full, as it is longer than a line."""
        self.query_one("#news", Bar).say((text if not fault else "that cannot be asked", "bold"))
        if fault:
            self.query_one("#came", Static).update(display(text))

    def _show_forks(self, rows: Sequence[tuple[str, EpisodeHead]], agents: Sequence[str] | None) -> None:
        listed = self.query_one(ForkList)
        listed.rows = rows
        listed.count = 0
        listed.count = len(rows)
        if agents is not None:
            self.query_one("#agent", Input).suggester = SuggestFromList([display_line(name) for name in agents])

    def _show_place(self, place: Place) -> None:
        self.place = place
        step = place.step
        done = "no legal answer" if step.decision is None else move_words(step.decision.move)
        self.query_one("#where", Bar).say(f"{step.seat} did: ", (done, "bold"), "   what if it had done this:")
        self.query_one(ActionForm).ask(place.menu)
        self.query_one("#news", Bar).say(KEYS)

    def _show_forked(self, forked: Forked) -> None:
        self.forked = forked
        self.query_one("#news", Bar).say(KEYS)
        if len(forked.forks) == 1 and not (forked.failed or forked.open or forked.warnings):
            self._beside(forked.forks[0].id)
            return
        told = [
            forked.plan.name,
            *fork_lines(forked.forks, 3),
            *difference_lines(forked.differences()),
            *forked.warnings,
        ]
        self.query_one("#came", Static).update(display("\n".join(told)))

    def _beside(self, fork: str) -> None:
        self.app.push_screen(CompareScreen(self._source, self._key, fork))

    # -- what a person does -----------------------------------------------------------------------------------------

    def on_action_form_submitted(self, message: ActionForm.Submitted) -> None:
        """Play the action that was chosen."""
        if message.move is not None:
            self._ask(message.move.model_dump(mode="json"), "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Play the agent that was named; after the number of continuations, go to what is to be continued."""
        if event.input.id == "agent" and event.value.strip():
            self._ask(None, event.value.strip())
        elif event.input.id == "continuations":
            self.query_one(ChoiceList).focus()

    def _ask(self, action: Mapping[str, Any] | None, agent: str) -> None:
        if self.place is None:
            self.query_one("#news", Bar).say(("nothing can be played from this step", "bold"))
            return
        try:
            count = self._continuations()
        except InputError as error:
            self.say(str(error), fault=True)
            return
        self.query_one("#came", Static).update("")
        self._work("playing ...   Esc: end it", self._play(self.place, action, agent, count))

    def _continuations(self) -> int:
        text = self.query_one("#continuations", Input).value.strip()
        if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST:
            raise InputError(f"{text!r} continuations: expected 1 to {MOST:,}")
        return int(text)

    def on_key(self, event: events.Key) -> None:
        """A digit is the number of an action, where the list of actions has the focus."""
        form = self.query_one(ActionForm)
        listed = isinstance(self.focused, ChoiceList) and form.mode == "choose"
        if listed and event.character is not None and event.character in "0123456789":
            event.stop()
            form.choose_number(event.character)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A fork was clicked on twice."""
        self.action_take()

    def action_take(self) -> None:
        """What the list that has the focus is at: an action is played, a fork is shown beside its parent."""
        if isinstance(self.focused, ChoiceList):
            self.query_one(ActionForm).take()
        elif isinstance(self.focused, ForkList) and self.focused.count:
            self._beside(self.focused.rows[self.focused.cursor][1].id)

    def action_move(self, by: int) -> None:
        """Move the cursor of the list that has the focus."""
        if isinstance(self.focused, RowList):
            self.focused.move(by)

    def action_back(self) -> None:
        """End what is being played; out of the fields of an action; else back to the episode."""
        if self._at_work is not None:
            self._end()
        elif not self.query_one(ActionForm).back():
            self.app.pop_screen()

    def on_unmount(self) -> None:
        """What is being played has nobody who waits for it."""
        self._end()

    def _end(self) -> None:
        if self._at_work is not None:
            loop, task = self._at_work
            loop.call_soon_threadsafe(task.cancel)
