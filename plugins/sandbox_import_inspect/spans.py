"""Which model calls are turns of the assistant: by where they are in Inspect's tree of spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Spans:
    """Where in Inspect's tree of spans an event is; of old logs, in which of its nested steps."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, str]] = {}  # id -> type and parent
        self._steps: list[str] = []

    def see(self, event: Mapping[str, Any]) -> None:
        """Take note of a beginning or an end."""
        kind = event.get("event")
        if kind == "span_begin":
            self._open[str(event.get("id"))] = (str(event.get("type")), str(event.get("parent_id")))
        elif kind == "span_end":
            self._open.pop(str(event.get("id")), None)
        elif kind == "step":
            if event.get("action") == "begin":
                self._steps.append(str(event.get("type")))
            elif self._steps:
                self._steps.pop()

    def is_turn(self, event: Mapping[str, Any]) -> bool:
        """Whether a model call is the agent's: not a scorer's, nor one that a tool makes for itself."""
        if any(kind in ("scorer", "scorers") for kind in self._steps):
            return False
        place, by_agent, turn = str(event.get("span_id")), False, True
        seen: set[str] = set()
        while place in self._open and place not in seen:
            seen.add(place)
            kind, place = self._open[place]
            if kind in ("scorer", "scorers"):
                return False
            by_agent = by_agent or kind == "agent"
            turn = turn and (kind != "tool" or by_agent)
        return turn
