"""The events of a step as a tree: attempts, nodes, model calls with their retries and messages, tool calls with theirs.

Events are recorded one after the other. What belongs to what follows from that order: a node has what comes after it
until the next node begins, a span of Inspect's what comes before its end; a retry belongs to the model call that it led
to, which is recorded when it has ended; an answer that was not legal ends an attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sandbox.report.event_words import call_words, conversation, event_words, message_words, shared
from sandbox.report.words import Passage, Role, as_list, passage, plural, value_words
from sandbox.text import display_line
from sandbox.trace import Event, Step

LONGEST = 300
"""Characters of a label."""


@dataclass(frozen=True)
class Node:
    """A part of the tree; what is in it is worked out when it is opened.

    Attributes:
        tell: gives its passages, the first of which is its label.
        open: gives the nodes in it; None where there can be none.
        role: of its label; that of its first passage where it has none of its own.
    """

    tell: Callable[[], Iterable[Passage]]
    open: Callable[[], Sequence[Node]] | None = None
    role: Role | None = None

    @cached_property
    def _first(self) -> Passage:
        return next(iter(self.tell()), Passage("", "quiet"))

    @property
    def label(self) -> str:
        """One line."""
        return display_line(self._first.text[: 2 * LONGEST], LONGEST)

    @property
    def weight(self) -> Role:
        """The role of its label."""
        return self.role or self._first.role

    @cached_property
    def children(self) -> Sequence[Node]:
        """The nodes in it."""
        return self.open() if self.open else ()


def event_tree(step: Step, earlier: Sequence[Step] = ()) -> list[Node]:
    """The roots of a step's tree; `earlier`: the steps before, whose messages a model call repeats."""
    events = step.events
    known: dict[int, Sequence[Any]] = {}
    heard: Sequence[Any] | None = None
    for event in events:
        if event.kind == "model_call":
            heard = conversation(step.seat, earlier) if heard is None else heard
            known[id(event)] = heard
            if "asked" not in event.data:
                heard = [*as_list(event.data.get("messages")), event.data.get("reply")]
    roots = list(_attempts(events, known))
    if step.said:
        roots.append(Node(lambda: [passage(f"said: {step.said}")]))
    return roots


def tree_lines(nodes: Iterable[Node], depth: int = 0) -> Iterator[Passage]:
    """The whole tree, as passages that are indented."""
    for node in nodes:
        if node.open is None:
            yield from (Passage(one.text, one.role, one.indent + 2 * depth, one.hang) for one in node.tell())
            continue
        yield Passage(node.label, node.weight, 2 * depth)
        yield from tree_lines(node.children, depth + 1)


def _attempts(events: Sequence[Event], known: dict[int, Sequence[Any]]) -> Iterator[Node]:
    """An attempt for each answer that was not legal, and one for what came after; none where there was but one."""
    ends = [place + 1 for place, event in enumerate(events) if event.kind == "invalid"]
    if not ends:
        yield from _nodes(events, known)
        return
    starts = [0, *ends]
    for number, start in enumerate(starts):
        own = events[start : starts[number + 1] if number + 1 < len(starts) else len(events)]
        if own:
            words = f"attempt {number + 1}: {'not legal' if number < len(ends) else 'the last'}"
            yield Node(
                _telling(passage(words, "flag" if number < len(ends) else "text")), partial(_nodes_of, own, known)
            )


def _nodes(events: Sequence[Event], known: dict[int, Sequence[Any]]) -> Iterator[Node]:
    starts = [place for place, event in enumerate(events) if event.kind == "node"]
    if not starts:
        yield from _calls(events, known)
        return
    yield from _calls(events[: starts[0]], known)
    for start, end in zip(starts, [*starts[1:], len(events)], strict=True):
        inside = events[start + 1 : end]
        # An invalid answer, a refusal and a timeout are the episode's, not the node's in which the graph ended.
        own = [event for event in inside if event.kind not in ("invalid", "refusal", "timeout", "reward_invalid")]
        words = f"node {events[start].data.get('node', '')}"
        yield Node(_telling(passage(words, "heading")), partial(_calls_of, own, known) if own else None)
        yield from _calls([event for event in inside if event not in own], known)


def _calls(events: Sequence[Event], known: dict[int, Sequence[Any]]) -> Iterator[Node]:
    before: list[Event] = []  # retries, until the call that they led to
    ends = {str(event.data.get("id")): place for place, event in enumerate(events) if event.kind == "span_end"}
    beyond = 0
    for place, event in enumerate(events):
        if place < beyond:
            continue
        if event.kind == "span_begin":
            # Inspect's own nesting; a span that goes on in the next step ends with this one.
            end = max(ends.get(str(event.data.get("id")), len(events)), place)
            words = f"span {event.data.get('name', '')} ({event.data.get('type') or 'of no type'})"
            inside = events[place + 1 : end]
            yield Node(_telling(passage(words, "heading")), partial(_calls_of, inside, known) if inside else None)
            beyond = end + 1
        elif event.kind == "retry":
            before.append(event)
        elif event.kind in ("model_call", "model_error"):
            yield _model_call(event, tuple(before), known.get(id(event), ()))
            before = []
        elif event.kind == "tool_call":
            yield Node(partial(event_words, event, ()), partial(_tool_call, event))
        else:
            yield Node(partial(event_words, event, ()))
    yield from (Node(partial(event_words, event, ())) for event in before)


def _model_call(event: Event, retries: Sequence[Event], known: Sequence[Any]) -> Node:
    def parts() -> Sequence[Node]:
        messages = as_list(event.data.get("messages"))
        seen = shared(known, messages)
        nodes = [Node(partial(event_words, one, ()), role="flag") for one in retries]
        if seen:
            heading = Passage(f"{plural(seen, 'message')} as before", "quiet")
            nodes.append(Node(_telling(heading), lambda: [_message(one) for one in messages[:seen]]))
        nodes += [_message(one) for one in messages[seen:]]
        if event.data.get("reply") is not None:
            nodes.append(_message(event.data["reply"], "text"))
        rest = {k: v for k, v in event.data.items() if k not in ("messages", "reply") and v is not None}
        nodes += [Node(_telling(passage(f"{name}: {value_words(value)}", "quiet"))) for name, value in rest.items()]
        return nodes

    if event.kind == "model_error":
        return Node(partial(event_words, event, ()), parts if retries else None)
    again = f", after {plural(len(retries), 'retry').replace('retrys', 'retries')}" if retries else ""
    return Node(lambda: [passage(f"model call: {call_words(event.data)}{again}", "heading")], parts)


def _message(message: Any, role: Role = "quiet") -> Node:
    return Node(lambda: [Passage(one.text, one.role, 0, one.hang) for one in message_words(message, role)])


def _tool_call(event: Event) -> Sequence[Node]:
    names = [name for name in ("input", "output", "error") if name in event.data]
    names += [name for name in event.data if name not in (*names, "tool")]
    return [
        Node(_telling(passage(f"{name}: {value_words(event.data[name])}", "flag" if name == "error" else "text")))
        for name in names
    ]


def _telling(one: Passage) -> Callable[[], Iterable[Passage]]:
    return lambda: [one]


def _nodes_of(events: Sequence[Event], known: dict[int, Sequence[Any]]) -> Sequence[Node]:
    return list(_nodes(events, known))


def _calls_of(events: Sequence[Event], known: dict[int, Sequence[Any]]) -> Sequence[Node]:
    return list(_calls(events, known))
