"""The form of a seat's legal actions: a list to choose from, fields to fill in, and what is wrong beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from sandbox.form import Choice, choices
from sandbox.menu import Menu, Move
from sandbox.report.words import move_words
from sandbox.text import display, display_line
from sandbox.tui.prompt import Field
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import Modal, is_open

LONGEST = 2_000
"""Characters of one text in the form."""


class Confirm(Modal[bool]):
    """Says what is about to happen, in full, and asks whether it should."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "close(True)", "Yes", show=False),
        Binding("escape,n,q", "close(False)", "No", show=False),
    ]
    DEFAULT_CSS = """
    Confirm { align: center bottom; background: transparent; }
    Confirm VerticalScroll { height: auto; max-height: 60%; padding: 0 1; }
    Confirm VerticalScroll { background: $surface; border: heavy $primary; }
    Confirm Static { width: 1fr; }
    Confirm #keys { text-style: bold; }
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """What, and the keys."""
        with VerticalScroll():
            yield Static(display(self._what[:LONGEST]), markup=False, id="what")
            yield Static("Enter: do it    Esc: not yet", markup=False, id="keys")

    def on_mount(self) -> None:
        """Let the arrow keys scroll what is long."""
        self.query_one(VerticalScroll).focus()

    def action_close(self, answer: bool) -> None:
        """Give the answer."""
        self.dismiss(answer)


class ChoiceList(RowList):
    """The entries of a menu, each with its number."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.choices: Sequence[Choice] = ()

    def show(self, offered: Sequence[Choice]) -> None:
        """Show other entries, from the first."""
        self.choices = offered
        self.count = 0
        self.count = len(offered)
        self.cursor = 0

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """Number, move, and what its author says of it."""
        choice, wide = self.choices[index], len(str(self.count))
        words = min(max(20, *(len(one.words) for one in self.choices[:50])), max(width - wide - 2, 1))
        return [
            Cell(index + 1, wide, "quiet", right=True),
            Cell("", 1),
            Cell(choice.words, words),
            Cell("", 1),
            Cell(choice.help.replace("\n", " "), max(width - wide - 2 - words, 0), "quiet"),
        ]


class ActionForm(Vertical):
    """Shows a menu until an action has been chosen, filled in and confirmed; then that others are waited for."""

    DEFAULT_CSS = """
    ActionForm { height: auto; max-height: 50%; border: round $foreground 25%; padding: 0 1; }
    ActionForm:focus-within { border: heavy $primary; }
    ActionForm #choices { height: auto; max-height: 30vh; }
    ActionForm #about { color: $foreground 70%; height: auto; max-height: 3; }
    ActionForm #fields { height: auto; max-height: 30vh; }
    ActionForm .field { height: 1; }
    ActionForm .field Static { width: auto; max-width: 60%; }
    ActionForm .field Input { width: 1fr; min-width: 12; background: $surface; }
    ActionForm .field Input:focus { background: $primary 25%; }
    ActionForm .fault { color: $text-error; text-style: bold; display: none; height: auto; }
    ActionForm .fault.wrong { display: block; }
    ActionForm.wait #choices, ActionForm.wait #fields { display: none; }
    ActionForm.fill #choices { display: none; }
    ActionForm.choose #fields { display: none; }
    """

    class Submitted(Message):
        """An action was confirmed; None: no answer is given."""

        def __init__(self, move: Move | None, slips: int) -> None:
            super().__init__()
            self.move = move
            self.slips = slips

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.mode: Literal["wait", "choose", "fill"] = "wait"
        self.slips = 0
        self.fields: list[Input] = []
        self._faults: list[Static] = []
        self._choice: Choice | None = None
        self._digits = ""

    def compose(self) -> ComposeResult:
        """The list, the fields, and a few words about where the cursor is."""
        yield ChoiceList(id="choices")
        yield VerticalScroll(id="fields", can_focus=False)
        yield Static("", id="about", markup=False)

    def ask(self, menu: Menu) -> None:
        """Show a menu; where it is one thing to fill in, its fields at once."""
        self.slips = 0
        offered = choices(menu)
        self.query_one(ChoiceList).show(offered)
        if len(offered) == 1 and offered[0].blanks:
            self._fill(offered[0])
        else:
            self._choose()

    def wait(self, words: str) -> None:
        """Say what is waited for."""
        self._set("wait")
        self.border_title = self.border_subtitle = ""
        self.query_one("#about", Static).update(display(words))

    @property
    def written(self) -> dict[str, str]:
        """What stands in the fields, by name."""
        if self._choice is None:
            return {}
        return {blank.name: field.value for blank, field in zip(self._choice.blanks, self.fields, strict=True)}

    @property
    def faults(self) -> list[str]:
        """What is said to be wrong, in order."""
        return [str(one.content) for one in self._faults if one.has_class("wrong")]

    def choose_number(self, digit: str) -> None:
        """Type a number: the cursor goes there; the entry is taken as soon as no longer number could be meant."""
        listed = self.query_one(ChoiceList)
        typed = self._digits + digit
        if not 1 <= int(typed) <= listed.count:
            typed = digit
        if not 1 <= int(typed) <= listed.count:
            self._digits = ""
            return
        listed.cursor = int(typed) - 1
        self._digits = typed
        if int(typed) * 10 > listed.count:
            self.take()

    def take(self) -> None:
        """Take the entry under the cursor: fill it in, or confirm it."""
        self._digits = ""
        listed = self.query_one(ChoiceList)
        if self.mode != "choose" or not listed.count:
            return
        choice = listed.choices[listed.cursor]
        if choice.blanks:
            self._fill(choice)
        elif isinstance(made := choice.move({}), Move):
            self._confirm(made)
        else:  # a range in which nothing is left open, and which holds not even that
            self.query_one("#about", Static).update(display("; ".join(made.values())))

    def decline(self) -> None:
        """Give no answer, if that is meant."""
        if self.mode != "wait":
            self._asked("Give no answer: what the rules say of that happens, and is recorded as a refusal.", None)

    def back(self) -> bool:
        """From the fields to the list; whether there was a list to go back to."""
        if self.mode != "fill" or self.query_one(ChoiceList).count < 2:
            return False
        self._choose()
        return True

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Say all of the entry under the cursor: its row may be cut."""
        event.stop()
        if self.mode == "choose":
            listed = self.query_one(ChoiceList)
            choice = listed.choices[listed.cursor]
            words = f"{choice.words}  {choice.help}" if choice.help else choice.words
            self.query_one("#about", Static).update(display_line(words, LONGEST))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A row was clicked on twice."""
        event.stop()
        self.take()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field; after the last one, submit."""
        event.stop()
        place = self.fields.index(event.input)
        if place + 1 < len(self.fields):
            self.fields[place + 1].focus()
        else:
            self._submit()

    def on_key(self, event: events.Key) -> None:
        """Up and down go from field to field."""
        focused = self.screen.focused
        if event.key in ("up", "down") and self.mode == "fill" and focused in self.fields:
            event.stop()
            place = self.fields.index(focused) + (1 if event.key == "down" else -1)
            self.fields[max(0, min(place, len(self.fields) - 1))].focus()

    def _set(self, mode: Literal["wait", "choose", "fill"]) -> None:
        self.mode = mode
        self.set_classes(mode)

    def _choose(self) -> None:
        self._choice = None
        self._set("choose")
        self.border_title = "you may (a number, or Enter)"
        self.border_subtitle = ""
        listed = self.query_one(ChoiceList)
        listed.focus()
        self.on_row_list_moved(RowList.Moved())

    def _fill(self, choice: Choice) -> None:
        self._choice = choice
        self._set("fill")
        kind = choice.words.partition("(")[0]
        self.border_title = Content(display_line(f"{kind} (Enter after the last field)", 70))
        self.border_subtitle = "Tab: out of the fields, to the keys below"
        self.query_one("#about", Static).update(display_line(choice.help, LONGEST))
        self.fields = [
            Field(compact=True, placeholder=display_line(blank.help, 200), select_on_focus=False)
            for blank in choice.blanks
        ]
        self._faults = [Static("", markup=False, classes="fault") for _ in (*choice.blanks, "the whole")]
        rows: list[Horizontal | Static] = []
        for blank, field, fault in zip(choice.blanks, self.fields, self._faults, strict=False):
            label = Static(display_line(f"{blank.name} ({blank.expected}) ", 200), markup=False)
            rows += [Horizontal(label, field, classes="field"), fault]
        place = self.query_one("#fields", VerticalScroll)
        place.remove_children()
        place.mount(*rows, self._faults[-1])
        self.call_after_refresh(self.to_first_field)

    def to_first_field(self) -> None:
        """Put the cursor there, where there are fields."""
        if self.mode == "fill" and self.fields:
            self.fields[0].focus()

    def _submit(self) -> None:
        if self._choice is None:
            return
        made = self._choice.move(self.written)
        wrong = {} if isinstance(made, Move) else made
        self.slips += bool(wrong)
        names = [*(blank.name for blank in self._choice.blanks), ""]
        for name, said in zip(names, self._faults, strict=True):
            said.update(display(wrong.get(name, "")[:LONGEST]))
            said.set_class(name in wrong, "wrong")
        if isinstance(made, Move):
            self._confirm(made)
            return
        first = next((place for place, name in enumerate(names) if name in wrong and name), None)
        if first is not None:
            self.fields[first].focus()

    def _confirm(self, move: Move) -> None:
        self._asked(move_words(move.model_dump(mode="json")), move)

    def _asked(self, what: str, move: Move | None) -> None:
        if not is_open(self.screen):  # keys that came in one go: it is asked already
            return

        def answered(sure: bool | None) -> None:
            if sure and self.mode != "wait":
                self.post_message(self.Submitted(move, self.slips))

        self.app.push_screen(Confirm(what), answered)
