"""Gestures on a page, worked out without a browser: what is offered, what one presses, what fields then hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Menu, Move, MoveRange
from sandbox_env_market.characters import plain
from sandbox_env_market.moves import Click, ClickXY, Key, Scroll, Type, lower
from sandbox_env_market.page import Control, Page

TOLD = (
    "You act on the page as a person does: click what is on it, type into its fields, scroll, and press keys. "
    "Typing with an empty reference writes into the field that was clicked last. A drop-down does not open: "
    "type the name or the value of one of its options into it."
)
"""What an agent with a hand is told on every surface."""
TOLD_REFERENCES = " References stand in square brackets."
TOLD_POINTS = (
    " Points are pixels of the picture, from its upper left corner. In a drop-down that was clicked, "
    "the arrow keys choose, too."
)

KEYS = (
    *("Enter", "Space", "Tab", "Shift+Tab", "Escape", "Backspace", "Delete"),
    *("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"),
)
"""Keys that have a name; others are characters. None leaves the page, as a browser's own short cuts would."""

ON_PAPER = ("Enter", "Space", "Backspace")
"""Those whose work is known without a browser, besides characters."""

LISTED = 40  # controls that a complaint names

_BREAKS = re.compile("[\r\n\u2028\u2029]+")
_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile("[0-9]{1,9}")  # a browser's number field takes more, and hides it while it is no number
_NUMBERS = "whole numbers of up to nine digits"


def typed(text: str) -> str:
    """A text as a one-line field takes it: line breaks become blanks, and control characters are not on a keyboard."""
    return _UNTYPED.sub("", _BREAKS.sub(" ", text))


def offered(page: Page, *, references: bool, points: bool) -> Menu:
    """The gestures that an agent may choose from, each with what stands for it where a finite list is needed.

    Args:
        page: what is clicked and typed into.
        references: the page shows them.
        points: there is a picture.
    """
    pressed = [control for control in page.controls if control.enabled]
    fields = [control for control in pressed if control.form]
    found: list[MoveRange] = []
    if references and pressed:
        found.append(MoveRange(Click, representatives=tuple(Click(ref=one.id) for one in pressed if not one.form)))
    if points:
        down, up = Scroll(by=600), Scroll(by=-600)
        found.append(MoveRange(ClickXY, representatives=(ClickXY(x=640, y=400),)))
        found.append(MoveRange(Scroll, bounds={"by": (-100_000, 100_000)}, representatives=(down, up)))
    if fields:
        found.append(MoveRange(Type, representatives=tuple(Type(ref=one.id, text=one.value) for one in fields)))
    found.append(MoveRange(Key, representatives=(Key(key="Enter"),)))
    return tuple(one for one in found if one.representatives)


def references(page: Page) -> str:
    """What can be clicked and typed into, a line each with its reference: for a page shown as text."""
    lines = []
    for control in page.controls:
        said = f"[{control.id}] {control.name} ({control.role}{'' if control.enabled else ', disabled'})"
        if control.form or control.value:
            said += f": {control.value}"
        if control.options:
            said += f" (one of: {', '.join(option.value for option in control.options)})"
        lines.append(said)
    return "\n".join(["References:", *(f"    {line}" for line in lines)])


@dataclass
class Hand:
    """What a page's fields hold, and which of its controls has the keys.

    Attributes:
        page: as the shop made it.
        drafts: id of a field -> what was typed and not yet sent.
        focus: id of the control that was clicked or typed into last; '' for none.
    """

    page: Page
    drafts: dict[str, str] = field(default_factory=dict)
    focus: str = ""

    def copy(self) -> Hand:
        """Another that goes its own way."""
        return Hand(self.page, dict(self.drafts), self.focus)

    def shown(self) -> Page:
        """The page with what was typed in its fields."""
        if not self.drafts:
            return self.page
        controls = tuple(
            one.model_copy(update={"value": self.drafts[one.id]}) if one.id in self.drafts else one
            for one in self.page.controls
        )
        return self.page.model_copy(update={"controls": controls})

    def control(self, reference: str) -> Control | InvalidAction:
        """The enabled control with this id."""
        found = next((one for one in self.page.controls if one.id == reference), None)
        if found is None:
            return _invalid(f"nothing on this page has the reference {reference!r}", self.page)
        if not found.enabled:
            return _invalid(f"{reference} ({found.name}) is disabled", self.page)
        return found

    def press(self, control: str, entered: Mapping[str, str] | None = None) -> Move | InvalidAction:
        """The move that pressing a control means, with what its fields hold (or what was `entered`)."""
        if entered is None:
            held = {one.id: plain(one.value) for one in self.page.controls if one.form == control} | self.drafts
            entered = {one.id.partition(":")[0]: held[one.id] for one in self.page.controls if one.form == control}
        try:
            return lower(control, entered)
        except InputError as error:
            return InvalidAction("schema", str(error))

    def aim(self, gesture: Move) -> str | InvalidAction:
        """The id of the control that a gesture presses, '' where it presses none; then the drafts are as it left them.

        A click on a point is none that can be worked out without a browser.
        """
        if isinstance(gesture, Click):
            return self._click(gesture.ref)
        if isinstance(gesture, Type):
            return self._type(gesture)
        if isinstance(gesture, Key):
            return self._key(gesture.key)
        if isinstance(gesture, ClickXY):
            return _invalid("there is no picture whose points could be clicked: click a reference", self.page)
        return ""  # a scroll: all of the page is shown

    def unknown(self, key: str) -> InvalidAction | None:
        """Why a key cannot be pressed where there is no browser; None where what it does is worked out."""
        drop_down = any(one.id == self.focus and one.role == "combobox" for one in self.page.controls)
        if key in ON_PAPER or (key not in KEYS and not (drop_down and len(key) == 1)):
            return None
        if drop_down:
            return InvalidAction("illegal", f"no key {key!r} in a drop-down here: type one of its options into it")
        return InvalidAction("illegal", f"no key {key!r} here; expected {', '.join(ON_PAPER)}, or one character")

    def _click(self, reference: str) -> str | InvalidAction:
        found = self.control(reference)
        if isinstance(found, InvalidAction):
            return found
        self.focus = found.id
        return "" if found.form else found.id

    def _type(self, gesture: Type) -> str | InvalidAction:
        if not gesture.ref and not self.focus:
            return _invalid("no field was clicked that could be typed into", self.page, fields=True)
        found = self.control(gesture.ref or self.focus)
        if isinstance(found, InvalidAction):
            return found
        if not found.form:
            return _invalid(f"{found.id} ({found.name}) is no field to type into", self.page, fields=True)
        text = typed(gesture.text)
        if found.role == "combobox":
            value = option_of(found, text)
            if value is None:
                known = ", ".join(option.value for option in found.options)
                return InvalidAction("illegal", f"{found.id} ({found.name}) has no {text!r}; it offers: {known}")
            text = value
        text = held(found, text)
        self.focus, self.drafts[found.id] = found.id, text
        return ""

    def _key(self, key: str) -> str | InvalidAction:
        if key not in KEYS and len(key) != 1:
            return InvalidAction("illegal", f"no key {key!r}; expected {', '.join(KEYS)}, or one character")
        found = next((one for one in self.page.controls if one.id == self.focus and one.enabled), None)
        if found is None:
            return ""
        if found.form:
            return self._key_in_field(key, found)
        if key == "Enter" or (key in ("Space", " ") and found.role != "link"):
            return found.id
        return ""

    def _key_in_field(self, key: str, found: Control) -> str | InvalidAction:
        if found.role == "combobox":
            return ""
        if key == "Enter":
            button = self.control(found.form)
            return "" if isinstance(button, InvalidAction) else button.id
        held = self.drafts.get(found.id, found.value)
        if key == "Backspace":
            self.drafts[found.id] = held[:-1]
        elif key == "Space" or len(key) == 1:
            text = held + typed(" " if key == "Space" else key)
            if found.role == "spinbutton" and not _NUMBER.fullmatch(text):
                return InvalidAction("illegal", f"no key {key!r} in {found.id} ({found.name}), which takes {_NUMBERS}")
            self.drafts[found.id] = text
        return ""


def held(control: Control, text: str) -> str:
    """What a field then holds of a text typed into it: one for whole numbers holds nothing else, on every surface."""
    text = typed(text)
    return "" if control.role == "spinbutton" and not _NUMBER.fullmatch(text) else text


def option_of(control: Control, text: str) -> str | None:
    """The value of the option that is called so; None where there is none."""
    return next((one.value for one in control.options if text in (one.value, one.name)), None)


def _invalid(what: str, page: Page, *, fields: bool = False) -> InvalidAction:
    there = [one.id for one in page.controls if one.enabled and (one.form or not fields)]
    return InvalidAction("illegal", f"{what}. {'Fields' if fields else 'To be clicked'} here: {_some(there)}")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return (", ".join(listed[:LISTED]) or "none") + more
