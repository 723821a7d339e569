"""The one table of actions: key bindings, command palette, help screen and the line of keys are all made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal["anywhere", "browse", "episode", "picture", "compare", "events", "seat", "experiments", "groups"]


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


def _moves(where: Where, what: str) -> tuple[Action, ...]:
    """The cursor's keys in a list."""
    return (
        Action("move(1)", ("down", "j"), "", f"Next {what}", where),
        Action("move(-1)", ("up", "k"), "", f"Previous {what}", where),
        Action("page(1)", ("pagedown", "space"), "", "One page down", where),
        Action("page(-1)", ("pageup",), "", "One page up", where),
        Action("first", ("home",), "", f"First {what}", where),
        Action("last", ("end",), "", f"Last {what}", where),
    )


ACTIONS = (
    Action("open", ("enter",), "open", "Open the episode under the cursor", "browse"),
    Action("filter", ("slash",), "filter", "Edit the filter; Enter applies it, Escape leaves it as it was", "browse"),
    Action("clear_filter", ("escape",), "", "Stop a search, else show all, else back to the experiments", "browse"),
    Action("sort", ("s",), "sort", "Sort by a column or a score", "browse"),
    Action("reverse", ("S",), "", "Turn the order around", "browse"),
    Action("group", ("g",), "group", "Group by condition: returns, scores and flags of each", "browse"),
    Action("experiments", ("x",), "experiments", "The experiments of the store", "browse"),
    Action("mark", ("m",), "", "Mark the episode for comparing, or take the mark off", "browse"),
    Action("compare", ("c",), "", "Compare the marked episode with the one under the cursor", "browse"),
    Action("copy", ("y",), "", "Copy the id of the episode", "browse"),
    *_moves("browse", "episode"),
    Action("follow", ("t",), "", "Follow live: read the list again as episodes begin and end, or stop", "browse"),
    Action("reload", ("r",), "", "Read the list again: what is running has gone on", "browse"),
    Action("bookmark", ("b",), "", "Bookmark the episode, or take your bookmark off", "browse"),
    Action("note", ("N",), "", "Write a note on the episode", "browse"),
    Action("label", ("L",), "", "Label the episode", "browse"),
    Action("export", ("e",), "", "Write the episode as a file: a page that opens offline, Markdown, or text", "browse"),
    Action("leave", ("q",), "back", "Back to the experiments, or leave the replay", "browse"),
    Action("open", ("enter",), "episodes", "List the episodes of the experiment under the cursor", "experiments"),
    *_moves("experiments", "experiment"),
    Action("reload", ("r",), "reload", "Read the experiments again: what is running has gone on", "experiments"),
    Action("leave", ("q", "escape"), "back", "Back, or leave the replay", "experiments"),
    Action("open", ("enter",), "episodes", "List the episodes of the group under the cursor", "groups"),
    *_moves("groups", "group"),
    Action("leave", ("q", "escape", "g"), "back", "Back to the list", "groups"),
    Action("previous_step", ("left", "p", "h"), "", "Previous step", "episode"),
    Action("next_step", ("right", "n", "l"), "step", "Next step", "episode"),
    Action("first_step", ("home",), "", "First step", "episode"),
    Action("last_step", ("end",), "", "Last step", "episode"),
    Action("next_flag", ("w", "]"), "flag", "Next flag: risk, invalid, refusal, mark, reward jump, error", "episode"),
    Action("previous_flag", ("W", "["), "", "Previous flag", "episode"),
    Action("next_risk", ("r",), "", "Next step that takes a risk", "episode"),
    Action("previous_risk", ("R",), "", "Previous step that takes a risk", "episode"),
    Action("go_to", ("g",), "", "Go to a step by its number", "episode"),
    Action("search", ("slash",), "search", "Search all text of the episode", "episode"),
    Action("search_again(1)", ("s",), "", "Next step that has the text searched for", "episode"),
    Action("search_again(-1)", ("S",), "", "Previous step that has the text searched for", "episode"),
    Action("next_pane", ("tab",), "pane", "Next pane", "episode"),
    Action("previous_pane", ("shift+tab",), "", "Previous pane", "episode"),
    Action("zoom", ("z",), "zoom", "Give the pane the whole screen, or give it back", "episode"),
    Action("switch('difference')", ("d",), "", "Show what is new since the seat last looked, or all", "episode"),
    Action("switch('raw')", ("x",), "", "Show what was recorded as JSON, or in words", "episode"),
    Action("switch('seats')", ("u",), "", "Show a column for each seat, or the seat's own view", "episode"),
    Action("events", ("o",), "", "Open the events inside the step as a tree", "episode"),
    Action("copy_pane", ("y",), "", "Copy the pane", "episode"),
    Action("copy_step", ("Y",), "", "Copy all that is shown of the step", "episode"),
    Action("look", ("v",), "", "Look at the pictures that the seat was shown", "episode"),
    Action("scroll(1)", ("down", "j"), "", "Scroll the pane down", "episode"),
    Action("scroll(-1)", ("up", "k"), "", "Scroll the pane up", "episode"),
    Action("scroll_page(1)", ("pagedown",), "", "Scroll the pane a page down", "episode"),
    Action("scroll_page(-1)", ("pageup",), "", "Scroll the pane a page up", "episode"),
    Action("bookmark", ("b",), "", "Bookmark the step, or take your bookmark off", "episode"),
    Action("note", ("N",), "", "Write a note on the step", "episode"),
    Action("label", ("L",), "", "Label the step", "episode"),
    Action("annotations", ("a",), "", "List all bookmarks, notes and labels of the episode", "episode"),
    Action("compare", ("c",), "", "Compare with another episode, step by step", "episode"),
    Action("fork", ("f",), "fork", "Fork: play on from here with another action or another agent", "episode"),
    Action("export", ("e",), "", "Write the episode as a file: an offline page, Markdown, or text", "episode"),
    Action("play", ("space",), "play", "Play from here, or pause; any movement by hand pauses too", "episode"),
    Action("faster(1)", ("plus", "equals_sign"), "", "Play faster", "episode"),
    Action("faster(-1)", ("minus",), "", "Play slower", "episode"),
    Action("idle_cap", ("i",), "", "Change the longest wait while playing", "episode"),
    Action("follow", ("t",), "", "Follow live: show new steps as they are recorded, or stop", "episode"),
    Action("back", ("q", "escape"), "back", "Back to the list", "episode"),
    Action("next_picture", ("right", "n", "l"), "next", "Next picture, of this step or a later one", "picture"),
    Action("previous_picture", ("left", "p", "h"), "previous", "Previous picture", "picture"),
    Action("save_picture", ("w",), "save", "Save the picture as a file in the working directory", "picture"),
    Action("back", ("q", "escape", "v"), "back", "Back to the step that the picture is of", "picture"),
    Action("move(-1)", ("left", "p", "h"), "", "Previous pair of steps", "compare"),
    Action("move(1)", ("right", "n", "l"), "step", "Next pair of steps", "compare"),
    Action("first", ("home",), "", "First pair of steps", "compare"),
    Action("last", ("end",), "", "Last pair of steps", "compare"),
    Action("next_difference", ("w", "]"), "difference", "Next step at which something else was done", "compare"),
    Action("previous_difference", ("W", "["), "", "Previous step at which something else was done", "compare"),
    Action("go_to", ("g",), "go to", "Go to a step of the left episode by its number", "compare"),
    Action("difference", ("d",), "saw", "Their observations in one, word by word", "compare"),
    Action("next_view(1)", ("tab",), "view", "What is shown: seen and done, words, outcome, totals", "compare"),
    Action("next_view(-1)", ("shift+tab",), "", "The view before", "compare"),
    Action("scroll(1)", ("down", "j"), "", "Scroll both sides down", "compare"),
    Action("scroll(-1)", ("up", "k"), "", "Scroll both sides up", "compare"),
    Action("scroll_page(1)", ("pagedown", "space"), "", "Scroll both sides a page down", "compare"),
    Action("scroll_page(-1)", ("pageup",), "", "Scroll both sides a page up", "compare"),
    Action("open_side(0)", ("enter", "1"), "open left", "Open the left episode at this step", "compare"),
    Action("open_side(1)", ("2",), "right", "Open the right episode at this step", "compare"),
    Action("swap", ("x",), "", "Exchange the sides", "compare"),
    Action("back", ("q", "escape"), "back", "Back to where the comparison was asked for", "compare"),
    Action("move(1)", ("down", "j"), "", "Next event", "events"),
    Action("move(-1)", ("up", "k"), "", "Previous event", "events"),
    Action("page(1)", ("pagedown",), "", "A page of events down", "events"),
    Action("page(-1)", ("pageup",), "", "A page of events up", "events"),
    Action("first", ("home",), "", "First event", "events"),
    Action("last", ("end",), "", "Last event", "events"),
    Action("open_node", ("right", "l"), "open", "Show what is inside", "events"),
    Action("close_node", ("left", "h"), "close", "Hide it, or go to what it is inside of", "events"),
    Action("toggle_node", ("enter", "space"), "", "Show or hide what is inside", "events"),
    Action("scroll_node(1)", ("J", "shift+down"), "scroll", "Scroll the text of the event down", "events"),
    Action("scroll_node(-1)", ("K", "shift+up"), "", "Scroll the text of the event up", "events"),
    Action("back", ("q", "escape", "o"), "back", "Back to the step", "events"),
    Action("choose", ("enter",), "choose", "Take the action under the cursor; a number takes that action", "seat"),
    Action("move(1)", ("down", "j"), "", "Next action; a line down in the text", "seat"),
    Action("move(-1)", ("up", "k"), "", "Previous action; a line up in the text", "seat"),
    Action("scroll_page(1)", ("pagedown", "space"), "", "Scroll what you see a page down", "seat"),
    Action("scroll_page(-1)", ("pageup",), "", "Scroll what you see a page up", "seat"),
    Action("back", ("escape",), "", "From the fields of an action back to the list", "seat"),
    Action("next_pane", ("tab",), "text", "Go to the text, or back to the actions", "seat"),
    Action("history", ("h",), "history", "Show what you did so far, or what you see", "seat"),
    Action("show_as('table')", ("t",), "", "Show what you see field by field, or as text", "seat"),
    Action("show_as('difference')", ("d",), "", "Show what is new since you decided last, or all you see", "seat"),
    Action("look", ("v",), "", "Look at the picture that the seat is shown", "seat"),
    Action("decline", ("x",), "pass", "Give no answer: what the rules say of that happens", "seat"),
    Action("replay", ("r",), "", "When it is over: open the replay of it, with the truth uncovered", "seat"),
    Action("app.leave", ("q",), "leave", "Leave; finished steps are kept, and the same command goes on", "seat"),
    Action("help", ("question_mark",), "help", "All keys, the filter language, and what the letters mean", "anywhere"),
    Action("command_palette", ("ctrl+p",), "", "Find an action by name", "anywhere"),
    Action("picture", ("ctrl+s",), "", "Save a picture of the screen (SVG) in the working directory", "anywhere"),
    Action("change_theme", (), "", "Choose colours", "anywhere"),
)

KEY_NAMES = {
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
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
    "shift+up": "Shift+↑",
    "shift+down": "Shift+↓",
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
