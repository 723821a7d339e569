"""What models were told from call to call, so that what is new in each can be told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from sandbox_import_inspect.messages import Attached, Told, as_list, as_text, told

LIST = 500
"""Messages: of a longer list that a model was given, whole runs of so many are left out at its beginning, so that it
has this many to twice as many. Each of them is in a step before, and a trace grows with what is new."""
LISTS = 8
"""Conversations that may go on: of as many agents, or threads of thought."""
MOST_MESSAGES = 1_000_000
"""Of a list that names them by their places."""

Key = Any
"""A message's place in the sample's pool, or what it holds."""


class Conversations:
    """What models were told so far, so that what is new in a call can be told apart."""

    def __init__(self, attached: Attached, pooled: Callable[[int], Any]) -> None:
        """`pooled`: the message at a place of the sample's pool, as Inspect has it."""
        self._attached, self._pooled = attached, pooled
        self._lists: list[list[Key]] = []
        self._made: dict[Key, Told] = {}  # of the messages that were told last
        self._said: set[int] = set()

    def said(self, message: Any) -> None:
        """A reply of the seat itself, which is not new to it when it comes back."""
        reply = told(message, self._attached)
        self._said |= {hash(reply.name), hash(_content(reply))}

    def _own(self, one: Told) -> bool:
        # By its name, too: an agent may shorten what was said before it says it again.
        return one.role == "assistant" and (
            bool(one.name and hash(one.name) in self._said) or hash(_content(one)) in self._said
        )

    def of(self, event: Mapping[str, Any]) -> tuple[list[Told], int, list[Told]]:
        """The messages of a model call, how many at its beginning are left out, and those that are new."""
        keys = self._keys(event)
        same = 0
        goes_on: list[Key] | None = None
        for known in self._lists:
            length = _shared(known, keys)
            if length > same:
                same, goes_on = length, known
        if goes_on is not None:
            self._lists.remove(goes_on)
        self._lists = [*self._lists[-(LISTS - 1) :], keys]
        left_out = max(0, len(keys) // LIST - 1) * LIST
        kept, self._made = self._made, {}
        for key in keys[left_out:]:
            self._made[key] = kept.get(key) or self._told(key)
        listed = [self._made[key] for key in keys[left_out:]]
        new = [one for one in listed[max(0, same - left_out) :] if not self._own(one)]
        return listed, left_out, new

    def _keys(self, event: Mapping[str, Any]) -> list[Key]:
        refs = event.get("input_refs")
        if isinstance(refs, list) and refs:
            ranges = [range(one[0], one[1]) for one in refs if _is_range(one)]
            if sum(map(len, ranges)) <= MOST_MESSAGES:
                return list(chain.from_iterable(ranges))
        return [as_text(message) for message in as_list(event.get("input"))]

    def _told(self, key: Key) -> Told:
        if isinstance(key, int):
            return told(self._pooled(key), self._attached)
        try:
            message = json.loads(key)
        except ValueError:
            message = key
        return told(message, self._attached)


def _content(one: Told) -> tuple[str, str]:
    calls = [call["function"] for call in one.message.get("tool_calls", ())]
    return one.text, as_text(calls)


def _is_range(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and all(isinstance(end, int) for end in one) and one[0] >= 0


def _shared(one: list[Key], other: list[Key]) -> int:
    """How many keys both begin with."""
    if one == other[: len(one)]:
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:  # they share all before some place: found by halves, each compared in C
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
