"""The one table of actions: key bindings, command palette, help screen and the line of keys are all made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal["anywhere", "browse", "episode", "picture"]


@dataclass(frozen=True)
class Action:
    """Something that a person can do.

    Attributes:
        name: Textual's name of it: the method `action_NAME`, maybe with arguments.
        keys: as Textual calls them; the first is the one that is shown.
        label: a word or two, for the line of keys; '' keeps it out of that line.
        help: what it does.
        where: the screen that it belongs to.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    help: str
    where: Where


ACTIONS = (
    Action("open", ("enter",), "open", "Open the episode under the cursor", "browse"),
    Action("filter", ("slash",), "filter", "Edit the filter; Enter applies it, Escape leaves it as it was", "browse"),
    Action("clear_filter", ("escape",), "", "Show all episodes again", "browse"),
    Action("move(1)", ("down", "j"), "", "Next episode", "browse"),
    Action("move(-1)", ("up", "k"), "", "Previous episode", "browse"),
    Action("page(1)", ("pagedown", "space"), "", "One page down", "browse"),
    Action("page(-1)", ("pageup",), "", "One page up", "browse"),
    Action("first", ("home",), "", "First episode", "browse"),
    Action("last", ("end",), "", "Last episode", "browse"),
    Action("reload", ("r",), "reload", "Read the list again: what is running has gone on", "browse"),
    Action("leave", ("q",), "quit", "Leave the replay", "browse"),
    Action("previous_step", ("left", "p", "h"), "", "Previous step", "episode"),
    Action("next_step", ("right", "n", "l"), "step", "Next step", "episode"),
    Action("first_step", ("home",), "", "First step", "episode"),
    Action("last_step", ("end",), "", "Last step", "episode"),
    Action("next_flag", ("f",), "flag", "Next flag: risk, invalid, refusal, mark, error", "episode"),
    Action("previous_flag", ("F",), "", "Previous flag", "episode"),
    Action("next_risk", ("r",), "risk", "Next step that takes a risk", "episode"),
    Action("previous_risk", ("R",), "", "Previous step that takes a risk", "episode"),
    Action("go_to", ("g",), "go to", "Go to a step by its number", "episode"),
    Action("search", ("slash",), "search", "Search all text of the episode", "episode"),
    Action("search_again(1)", ("s",), "", "Next step that has the text searched for", "episode"),
    Action("search_again(-1)", ("S",), "", "Previous step that has the text searched for", "episode"),
    Action("next_pane", ("tab",), "pane", "Next pane", "episode"),
    Action("previous_pane", ("shift+tab",), "", "Previous pane", "episode"),
    Action("zoom", ("z",), "zoom", "Give the pane the whole screen, or give it back", "episode"),
    Action("look", ("v",), "", "Look at the pictures that the seat was shown", "episode"),
    Action("scroll(1)", ("down", "j"), "", "Scroll the pane down", "episode"),
    Action("scroll(-1)", ("up", "k"), "", "Scroll the pane up", "episode"),
    Action("scroll_page(1)", ("pagedown", "space"), "", "Scroll the pane a page down", "episode"),
    Action("scroll_page(-1)", ("pageup",), "", "Scroll the pane a page up", "episode"),
    Action("back", ("q", "escape"), "back", "Back to the list", "episode"),
    Action("next_picture", ("right", "n", "l"), "next", "Next picture, of this step or a later one", "picture"),
    Action("previous_picture", ("left", "p", "h"), "previous", "Previous picture", "picture"),
    Action("save_picture", ("w",), "save", "Save the picture as a file in the working directory", "picture"),
    Action("back", ("q", "escape", "v"), "back", "Back to the step that the picture is of", "picture"),
    Action("help", ("question_mark",), "help", "All keys, the filter language, and what the letters mean", "anywhere"),
    Action("command_palette", ("ctrl+p",), "", "Find an action by name", "anywhere"),
    Action("picture", ("ctrl+s",), "", "Save a picture of the screen (SVG) in the working directory", "anywhere"),
    Action("change_theme", (), "", "Choose colours", "anywhere"),
)

KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "ctrl+p": "Ctrl+P",
    "ctrl+s": "Ctrl+S",
}


def available(where: Where) -> Iterator[Action]:
    """What can be done on a screen, its own actions first."""
    for place in dict.fromkeys((where, "anywhere")):
        yield from (action for action in ACTIONS if action.where == place)


def bindings(where: Where) -> list[Binding]:
    """Textual's bindings of the actions that belong to exactly this place."""
    return [
        Binding(",".join(action.keys), action.name, action.help, show=False)
        for action in ACTIONS
        if action.where == where and action.keys
    ]


def key_name(key: str) -> str:
    """A key as people write it."""
    return KEY_NAMES.get(key, key)


def key_line(where: Where) -> list[tuple[str, str]]:
    """(key, label) of the actions that the bottom line of a screen names."""
    return [(key_name(action.keys[0]), action.label) for action in available(where) if action.label]
