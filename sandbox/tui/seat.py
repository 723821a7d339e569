"""The screen of a person in a seat: what the seat sees, what it did so far, and its legal actions as a form.

It shows what a `Question` holds and nothing else; ground truth is no part of one.
"""

from __future__ import annotations

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from sandbox.adapters.human import Past, Question, Submitted
from sandbox.agent import HYPOTHETICAL, Picture, Reply
from sandbox.errors import InputError
from sandbox.report.difference import between
from sandbox.report.shots import Shot
from sandbox.report.tabular import is_table, tables
from sandbox.report.words import Passage, move_words, passage, value_words
from sandbox.runner.run import Ran
from sandbox.text import display_line
from sandbox.trace import Step
from sandbox.tui.action_form import ActionForm, ChoiceList
from sandbox.tui.actions import available, bindings, key_name
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.help import HelpScreen
from sandbox.tui.picture import LONGEST, picture_widget
from sandbox.tui.screens import FullScreen, Modal, Palette, is_open
from sandbox.tui.svg import screen_svg
from sandbox.tui.text_pane import TextPane

WIDE = 120
"""Columns from which on the history stands beside what is seen."""
LOW = 11
"""Rows below which frames and titles are left out: they took all the room, and no action was to be seen."""


class Sight(TextPane):
    """What the seat sees now."""

    TITLE: ClassVar[str] = "what you see"


class History(TextPane):
    """What the person did, and what came of it."""

    TITLE: ClassVar[str] = "so far"


class Curtain(Modal[None]):
    """Hides one person's view until the next person is at the keyboard."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False)]
    DEFAULT_CSS = """
    Curtain { align: center middle; background: $background; }
    Curtain Static { width: auto; text-style: bold; }
    """

    def __init__(self, person: str) -> None:
        super().__init__()
        self._person = person

    def compose(self) -> ComposeResult:
        """Whose turn it is."""
        yield Static(f"Press Enter when {display_line(self._person, 60)} is at the keyboard.", markup=False)

    def action_open(self) -> None:
        """They are."""
        self.dismiss(None)


class Look(Modal[None]):
    """A picture that the seat sees."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,v,enter", "close", "Close", show=False)]
    DEFAULT_CSS = """
    Look { background: $background; align: center middle; }
    Look Container { align: center middle; }
    Look Container > * { width: auto; height: auto; }
    """

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture

    def compose(self) -> ComposeResult:
        """A frame."""
        yield Container()

    def on_mount(self) -> None:
        """Draw it as finely as the terminal can."""
        shot = Shot("", self._picture.media, b64encode(self._picture.data).decode())
        frame = self.query_one(Container)
        try:
            frame.mount(picture_widget(self.app)(shot.image(LONGEST)))
        except InputError as error:
            frame.mount(Static(display_line(str(error), 400), markup=False))

    def action_close(self) -> None:
        """Back to the seat."""
        self.dismiss(None)


class SeatScreen(FullScreen[None]):
    """What is put before a person, and their answer."""

    DEFAULT_CSS = """
    SeatScreen { background: $background; }
    SeatScreen #title { background: $surface; text-style: bold; }
    SeatScreen #body { height: 1fr; min-height: 4; }
    SeatScreen #saw { width: 1fr; }
    SeatScreen #past { width: 42; display: none; }
    SeatScreen.wide #past { display: block; }
    SeatScreen.history #past { display: block; width: 1fr; }
    SeatScreen.history #saw { display: none; }
    SeatScreen.low #title, SeatScreen.low #where, SeatScreen.low #about { display: none; }
    SeatScreen.low #body { min-height: 1; }
    SeatScreen.low #body > TextPane, SeatScreen.low ActionForm { border: none; }
    SeatScreen.low #choices, SeatScreen.low #fields { max-height: 40vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("seat")]

    def __init__(self) -> None:
        super().__init__()
        self.question: Question | None = None
        self.over = False
        self._as: Literal["text", "table", "difference"] = "text"

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        yield Bar(id="where")
        with Horizontal(id="body"):
            yield Sight(id="saw")
            yield History(id="past")
        yield ActionForm(id="form")
        yield KeyBar("seat", id="keys")

    def on_mount(self) -> None:
        """Nothing is asked yet."""
        self.query_one("#title", Bar).say("sandbox play")
        self.wait()
        self.set_interval(1.0, self._say_where)

    def on_resize(self, event: events.Resize) -> None:
        """The history stands beside what is seen where there is room, and frames around both."""
        self.set_class(event.size.width >= WIDE, "wide")
        self.set_class(event.size.height < LOW, "low")

    # -- what is shown ------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Put a question before the person."""
        before, self.question = self.question, question
        turn = question.turn
        self.query_one("#title", Bar).say(question.environment, f"  seat {turn.seat}: ", (question.person, "$accent"))
        self._say_where()
        self._show_sight()
        history = self.query_one(History)
        history.show_text(list(told(question.past)))
        self.call_after_refresh(history.scroll_end, animate=False, immediate=True)
        self.query_one(ActionForm).ask(turn.menu)
        if turn.errors:
            self.query_one(KeyBar).message(f"not a legal action: {turn.errors[-1].message}", fault=True)
        elif before is not None and before.turn.episode != turn.episode:
            self.say("that episode is over; this is the next one")
        else:
            self.query_one(KeyBar).keys()

    def wait(self) -> None:
        """Say that others are waited for; what was seen stays in sight."""
        others = ", ".join(self.question.others) if self.question else ""
        self.query_one(ActionForm).wait(f"waiting for {others}..." if others else "waiting for what comes next...")
        self.query_one("#saw").focus()

    def hide(self) -> None:
        """Show nothing of what one person saw."""
        self.question = None
        self.query_one("#title", Bar).say("sandbox play")
        self.query_one("#where", Bar).say("")
        for pane in self.query(TextPane):
            pane.show_text(())

    def end(self, passages: Sequence[Passage], replay: bool) -> None:
        """Show how it came out."""
        self.over = True
        self.set_class(False, "history")
        pane = self.query_one(Sight)
        pane.border_title = "how it came out"
        pane.show_text(passages)
        pane.focus()
        self.query_one("#where", Bar).say("it is over")
        words = "r: open the replay, with the truth uncovered    q: leave" if replay else "q: leave"
        self.query_one(ActionForm).wait(words)
        self.say(words)  # not the keys of what cannot be done any more

    def say(self, text: str, fault: bool = False) -> None:
        """Say something in the bottom line."""
        self.query_one(KeyBar).message(text, fault)

    def _say_where(self) -> None:
        question = self.question
        if question is None or self.over:
            return
        words = [f"step {question.turn.index + 1}"]
        if question.turn.pictures:
            words.append("a picture: v")
        if question.deadline is not None:
            left = max(int(question.deadline - time.monotonic()), 0)
            words.append(f"{left // 60}:{left % 60:02} left")
        self.query_one("#where", Bar).say("   ".join(words))

    def _show_sight(self) -> None:
        question = self.question
        if question is None:
            return
        turn = question.turn
        passages = [passage(HYPOTHETICAL, "heading")] if turn.framing == "hypothetical" else []
        if self._as == "table" and not question.surface:
            seen = turn.observation.model_dump(mode="json")
            plain = {name: value for name, value in seen.items() if not is_table(value)}
            passages += [passage(f"{name}: {value_words(value)}") for name, value in plain.items()]
            passages += tables(seen)
        elif self._as == "difference" and question.past:
            passages += between(_seen(question.past[-1].text), _seen(turn.text))
        else:
            passages.append(passage(turn.text, hang=0))
        pane = self.query_one(Sight)
        pane.show_text(passages)
        if question.past and self._as == "text":  # the rules stand first, and have been read
            self.call_after_refresh(pane.scroll_end, animate=False, immediate=True)

    # -- what can be done ---------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """A digit is the number of an action."""
        if not is_open(self):
            return
        form = self.query_one(ActionForm)
        if form.mode == "choose" and event.character is not None and event.character in "0123456789":
            event.stop()
            form.choose_number(event.character)

    def on_action_form_submitted(self, message: ActionForm.Submitted) -> None:
        """Hand the answer on."""
        app = self.app
        if isinstance(app, SeatApp):
            app.submit(message)

    def action_choose(self) -> None:
        """Take the action under the cursor."""
        self.query_one(ActionForm).take()

    def action_move(self, by: int) -> None:
        """Move the cursor; where a text has the focus, scroll it."""
        if isinstance(self.focused, TextPane):
            self.focused.scroll_relative(y=by, animate=False, immediate=True)
        else:
            self.query_one(ChoiceList).move(by)

    def action_scroll_page(self, by: int) -> None:
        """Scroll what is seen by pages, or the history where that has the focus."""
        pane = self.focused if isinstance(self.focused, TextPane) else self._text()
        pane.scroll_relative(y=by * max(pane.size.height - 1, 1), animate=False, immediate=True)

    def action_decline(self) -> None:
        """Give no answer."""
        self.query_one(ActionForm).decline()

    def action_back(self) -> None:
        """From the fields to the list of actions; from the history to what is seen."""
        if not self.query_one(ActionForm).back():
            self.set_class(False, "history")
            self._to_form()

    def action_history(self) -> None:
        """Show what was done so far instead of what is seen, or the other way round."""
        if not self.over:
            self.toggle_class("history")
            self.call_after_refresh(self.query_one(History).scroll_end, animate=False, immediate=True)

    def action_show_as(self, form: Literal["table", "difference"]) -> None:
        """Show what is seen field by field, or what is new in it; or all of it as text again."""
        if self.over or self.question is None:
            return
        if form == "table" and self.question.surface:
            self.say("this seat is shown a page, and not the fields behind it")
            return
        self._as = "text" if self._as == form else form
        self._show_sight()

    def action_look(self) -> None:
        """Look at the picture, where there is one."""
        if self.question is None or not self.question.turn.pictures:
            self.say("no picture is shown to this seat here")
        else:
            self.app.push_screen(Look(self.question.turn.pictures[-1]))

    def action_next_pane(self) -> None:
        """Go to the text, or back to the form."""
        if isinstance(self.focused, TextPane):
            self._to_form()
        else:
            self._text().focus()

    def action_replay(self) -> None:
        """Leave for the replay."""
        app = self.app
        if isinstance(app, SeatApp) and self.over and app.ran is not None:
            app.wants_replay = True
            app.exit()
        else:
            self.say("the replay shows what is hidden now: it opens when the episode is over")

    def _text(self) -> TextPane:
        return self.query_one(History) if self.has_class("history") else self.query_one(Sight)

    def _to_form(self) -> None:
        form = self.query_one(ActionForm)
        if form.mode == "choose":
            form.query_one(ChoiceList).focus()
        else:
            form.to_first_field()


def told(past: Sequence[Past]) -> Iterator[Passage]:
    """A person's own history: at each step the lines that were new to them, and what they did.

    What it paid is told no earlier than a model in the seat is told: by what the seat sees next, or at the end.
    """
    for before, one in zip([None, *past], past, strict=False):
        yield Passage(f"step {one.number}", "heading")
        if before is not None:
            fresh = between(_seen(before.text), _seen(one.text))
            yield from (replace(line, role="quiet", indent=1) for line in fresh if line.role == "added")
        did = move_words(one.move) if one.outcome in ("valid", "abstention") else f"no answer ({one.outcome})"
        yield passage(f"you: {did}", "chosen", 1)


def _seen(text: str) -> Step:
    return Step(index=0, tick=0, seat="", text=text, applied={})


class SeatApp(App[None]):
    """Where people sit: runs episodes, and puts each turn of a person's before them.

    Args:
        run: runs the episodes; asks this desk.
        ended: what to show when they are over; may take a moment, on a thread of its own.
        note: what to say first.

    Attributes:
        ran: what it did; None: it did not end.
        fault: why it did not, where that is no person's will.
        wants_replay: whether the person asked to see it again.
    """

    TITLE = "sandbox play"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("anywhere"),
        Binding("ctrl+c,ctrl+q", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(
        self, run: Callable[[], Awaitable[Ran]], ended: Callable[[Ran], Sequence[Passage]], note: str = ""
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.ran: Ran | None = None
        self.fault: Exception | None = None
        self.wants_replay = False
        self.seat = SeatScreen()
        self._run_episodes, self._ended, self._note = run, ended, note
        self._one_by_one = asyncio.Lock()
        self._answer: asyncio.Future[Submitted] | None = None
        self._person = ""
        self._playing: Worker[None] | None = None

    async def on_mount(self) -> None:
        """Begin."""
        await self.push_screen(self.seat)
        if self._note:
            self.seat.say(self._note)
        self._playing = self.run_worker(self._play(), exit_on_error=False)

    async def ask(self, question: Question) -> Submitted:
        """Put a question before a person; several are asked one after the other."""
        async with self._one_by_one:
            if self._person not in ("", question.person):
                self.seat.hide()
                at_the_keyboard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                curtain = Curtain(question.person)
                await self.push_screen(curtain, lambda _: _settle(at_the_keyboard))
                try:
                    await at_the_keyboard
                finally:
                    self._close_others()
            self._person = question.person
            self._answer = asyncio.get_running_loop().create_future()
            self.seat.ask(question)
            try:
                return await self._answer
            finally:  # also when the episode's time is over, or the person leaves
                self._answer = None
                self._close_others()
                self.seat.wait()

    def submit(self, message: ActionForm.Submitted) -> None:
        """The person has decided."""
        if self._answer is None or self._answer.done():
            return
        reply = Reply(message.move) if message.move is not None else Reply(None, "gave no answer", refused=True)
        self._answer.set_result(Submitted(reply, message.slips))

    async def _play(self) -> None:
        passages: Sequence[Passage] = ()
        try:
            ran = await self._run_episodes()
            self.seat.query_one(ActionForm).wait("it is over; scorers look at it now...")
            passages = await asyncio.to_thread(self._ended, ran)
            self.ran = ran
        except Exception as error:  # whatever it is, the person reads it here, and the command line says it again
            self.fault = error
            passages = [passage(f"{type(error).__name__}: {error}", "flag")]
        else:
            faults = [passage(f"{name}: {reason}", "flag") for name, reason in ran.unreachable.items()]
            passages = [*faults, *passages]
        self.seat.end(passages, replay=self.ran is not None)

    def _close_others(self) -> None:
        while self.screen is not self.seat and len(self.screen_stack) > 1:
            self.pop_screen()

    async def action_leave(self) -> None:
        """Leave; every finished step is kept."""
        playing = self._playing
        if playing is not None and not playing.is_finished:
            playing.cancel()
            with suppress(WorkerCancelled, WorkerFailed):
                await playing.wait()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        for action in available("seat"):
            if action.name != "command_palette":
                keys = " ".join(map(key_name, action.keys)) or "only from here"
                yield SystemCommand(action.help, keys, partial(self.run_action, action.name, screen))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do what it means here: nothing is opened in an app that is being left."""
        return self.return_code is None

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_help(self) -> None:
        """Open the help, unless it is open."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen("seat"))

    def action_picture(self) -> None:
        """Save a picture of the screen in the working directory."""
        path = Path(os.getcwd()) / "sandbox-seat.svg"
        try:
            path.write_text(screen_svg(self), encoding="utf-8")
        except OSError as error:
            self.seat.say(f"the picture could not be saved: {error.strerror}", fault=True)
        else:
            self.seat.say(f"saved {path}")


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
