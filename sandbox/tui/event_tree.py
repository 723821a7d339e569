"""The screen of a step's events: a tree that opens node by node, and what the node under the cursor holds in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from sandbox.report.event_tree import Node, event_tree
from sandbox.tui.actions import Where, bindings
from sandbox.tui.bar import Bar, KeyBar
from sandbox.tui.moment import Moment
from sandbox.tui.row_list import Cell, RowList
from sandbox.tui.screens import FullScreen
from sandbox.tui.text_pane import TextPane

WIDE = 120
"""Columns from which on the node's text stands beside the tree."""
FEW = 10
"""Roots up to which they are open from the start."""
ROLES = {"heading": "text", "flag": "flag", "quiet": "quiet"}


class TreeRows(RowList):
    """The nodes that can be seen, a row each."""

    def __init__(self, roots: Sequence[Node], *, id: str) -> None:  # noqa: A002 (Textual's own name of it)
        super().__init__(id=id)
        self.rows: list[tuple[int, Node, bool]] = [(0, root, False) for root in roots]  # depth, node, open
        self.set_reactive(RowList.count, len(self.rows))

    @property
    def node(self) -> Node | None:
        """The one under the cursor."""
        return self.rows[self.cursor][1] if self.rows else None

    def cells(self, index: int, width: int) -> Sequence[Cell]:
        """A sign, and the label."""
        depth, node, is_open = self.rows[index]
        sign = " " if node.open is None else "▾" if is_open else "▸"
        indent = min(2 * depth, width // 2)
        text = f"{' ' * indent}{sign} {node.label}"
        return (Cell(text, width, ROLES.get(node.weight, "text")),)

    def open(self) -> None:
        """Open the node under the cursor; where it is open already, go to the first in it."""
        if not self.rows:
            return
        depth, node, is_open = self.rows[self.cursor]
        if node.open is None:
            return
        if is_open:
            self.cursor += 1
            return
        inside = [(depth + 1, child, False) for child in node.children]
        self.rows[self.cursor : self.cursor + 1] = [(depth, node, True), *inside]
        self.count = len(self.rows)
        self.refresh()

    def open_all(self) -> None:
        """Open all roots."""
        for place in reversed(range(len(self.rows))):
            self.cursor = place
            self.open()

    def close(self) -> None:
        """Close the node under the cursor, or where it is not open go to the one that it is in."""
        if not self.rows:
            return
        depth, node, is_open = self.rows[self.cursor]
        if not is_open:
            self.cursor = next((i for i in range(self.cursor, -1, -1) if self.rows[i][0] < depth), self.cursor)
            return
        end = next((i for i in range(self.cursor + 1, len(self.rows)) if self.rows[i][0] <= depth), len(self.rows))
        self.rows[self.cursor : end] = [(depth, node, False)]
        self.count = len(self.rows)
        self.refresh()

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.rows and self.rows[self.cursor][2]:
            self.close()
        else:
            self.open()


class EventTreeScreen(FullScreen[None]):
    """Shows the events of one step."""

    DEFAULT_CSS = """
    EventTreeScreen { background: $background; }
    EventTreeScreen #title { background: $surface; }
    EventTreeScreen #halves { height: 1fr; layout: vertical; }
    EventTreeScreen #tree { height: 3fr; padding: 0 1; }
    EventTreeScreen #node { height: 2fr; }
    EventTreeScreen.wide #halves { layout: horizontal; }
    EventTreeScreen.wide #tree { height: 1fr; width: 1fr; }
    EventTreeScreen.wide #node { height: 1fr; width: 1fr; }
    """
    PLACE: ClassVar[Where] = "events"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("events")]

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self._moment = moment
        step = moment.step
        self._roots = [] if step is None else event_tree(step, moment.recording.steps[: step.index])

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Bar(id="title")
        with Container(id="halves"):
            yield TreeRows(self._roots, id="tree")
            yield TextPane(id="node")
        yield KeyBar("events", id="keys")

    def on_mount(self) -> None:
        """Begin with the first node."""
        step = self._moment.step
        number = 0 if step is None else step.index + 1
        count = 0 if step is None else len(step.events)
        words = f"  {count} event{'' if count == 1 else 's'} inside the step" if count else "  no events in this step"
        self.query_one("#title", Bar).say((f"step {number}", "bold $accent"), words)
        if len(self._roots) <= FEW:
            self.nodes.open_all()
        self.nodes.focus()
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """Side by side where there is room."""
        self.set_class(event.size.width >= WIDE, "wide")

    @property
    def nodes(self) -> TreeRows:
        """The tree."""
        return self.query_one(TreeRows)

    def _tell(self) -> None:
        node = self.nodes.node
        self.query_one("#node", TextPane).show_text(() if node is None else node.tell())

    def on_row_list_moved(self) -> None:
        """Another node is under the cursor."""
        self._tell()

    def on_row_list_chosen(self) -> None:
        """Open or close on a click."""
        self.nodes.toggle()

    def action_move(self, by: int) -> None:
        """Move by nodes."""
        self.nodes.move(by)

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.nodes.page(by)

    def action_first(self) -> None:
        """To the first node."""
        self.nodes.cursor = 0

    def action_last(self) -> None:
        """To the last node."""
        self.nodes.cursor = self.nodes.count - 1

    def action_open_node(self) -> None:
        """Open."""
        self.nodes.open()

    def action_close_node(self) -> None:
        """Close."""
        self.nodes.close()

    def action_toggle_node(self) -> None:
        """One or the other."""
        self.nodes.toggle()

    def action_scroll_node(self, rows: int) -> None:
        """Scroll what the node holds."""
        self.query_one("#node", TextPane).scroll_relative(y=rows, animate=False, immediate=True)

    def action_back(self) -> None:
        """Back to the step."""
        self.dismiss(None)
