"""Steps out of their rows: the way back from `traces`.

Models are made without validation where the row looks as `traces` writes it: see `reading`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from sandbox.errors import PluginError, StoreCorrupt
from sandbox.scenario import Appraisal
from sandbox.scorer import PART_OF, PARTS
from sandbox.store.columns import from_column
from sandbox.store.conversations import Heard, event_data, read_events
from sandbox.store.payloads import Damaged, Payloads, decode, encode
from sandbox.store.traces import FIXED, REWARDS
from sandbox.trace import Event, MenuEntry, Outcome, Step, trusted

_OUTCOMES = frozenset(get_args(Outcome))
_NOTHING_OFFERED: tuple[tuple[MenuEntry, ...], tuple[str, ...]] = ((), ())
_NOT_APPRAISED = Appraisal()

_name_of = lru_cache(maxsize=1024)(from_column)  # seats and kinds are few


class StoredStep(Step):
    """A step that makes of its row what it is asked for, when it is asked.

    A scorer looks at a field or two of each step; to make all of them costs five times as much. What nobody said they
    read is not made at all: asking for it is a fault of the plugin's.
    """

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet."""
        fields = _fields_of(self)
        row = fields.get(_ROW)
        if row is None or name not in Step.__pydantic_fields__:
            return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides it from type checkers
        row.add(name, fields)
        return fields[name]

    @property
    def __dict__(self) -> dict[str, Any]:
        """All fields: pydantic compares, copies and writes them."""
        fields = _fields_of(self)
        return {name: getattr(self, name) for name in Step.__pydantic_fields__} if _ROW in fields else fields

    @__dict__.setter
    def __dict__(self, fields: dict[str, Any]) -> None:
        _set_fields(self, fields)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same step, made already or not."""
        return isinstance(other, Step) and self.__dict__ == other.__dict__

    __hash__ = Step.__hash__


_ROW = ""  # the name of what a stored step is made of, beside those of its fields
_fields_of, _set_fields = BaseModel.__dict__["__dict__"].__get__, BaseModel.__dict__["__dict__"].__set__
_BLANK: dict[str, Any] = dict.fromkeys(Step.__pydantic_fields__)


class _Row(NamedTuple):
    """What makes the fields of a stored step; see `Unpacker.stored`."""

    unpacker: Unpacker
    contents: Contents
    heard: Heard
    fault: Callable[[int, Damaged], StoreCorrupt]

    def add(self, name: str, fields: dict[str, Any]) -> None:
        """Put the field into `fields`, and those that are made with it."""
        index = fields["index"]
        try:
            self.unpacker.add(name, fields, self.contents.of(index), self.heard)
        except Damaged as error:
            raise self.fault(index, error) from error


class Contents:
    """What steps of one attempt hold, by their index: as frames, and as lines from when they are first asked for."""

    def __init__(self, payloads: Payloads) -> None:
        self.frames: dict[int, bytes] = {}
        self.lines: dict[int, list[bytes]] = {}
        self._expanded = payloads.expanded

    def __contains__(self, index: int) -> bool:
        """Whether the step is here."""
        return index in self.frames or index in self.lines

    def of(self, index: int) -> list[bytes]:
        """The lines of a step.

        Raises:
            Damaged: they are not as they were written.
        """
        found = self.lines.get(index)
        if found is None:
            found = self._expanded(self.frames[index], lines_of)
            if len(found) < FIXED:
                raise Damaged("its content is not as it was written")
            self.lines[index] = found
        return found


STORED = ("index", "tick", "seat", "outcome", "state", "digest", "seconds", "content")
"""Columns of `tables.Step` that a step is made of, in the order in which `Unpacker.step` takes them."""


class Unpacker:
    """Makes steps of the rows that `traces.pack_step` made, with some of their parts (`sandbox.scorer.PARTS`)."""

    def __init__(self, payloads: Payloads, parts: Set[str] = PARTS) -> None:
        """`payloads`: where what rows refer to is found."""
        self._payloads = payloads
        self._parts = parts

    def step(self, row: Sequence[Any], lines: Sequence[bytes], heard: Heard) -> Step:
        """The whole step; `lines`: `lines_of` its content, `heard`: the lists of messages of its attempt.

        Raises:
            Damaged: bytes do not fit their hash, are no JSON, or make no step.
        """
        fields = _BLANK | _narrow(row)
        for name in ("applied", "rewards", "observation", "menu", "said", "events"):
            self.add(name, fields, lines, heard)
        return trusted(Step, fields)

    def stored(
        self, row: Sequence[Any], contents: Contents, heard: Heard, fault: Callable[[int, Damaged], StoreCorrupt]
    ) -> Step:
        """The same step, made as it is read; `fault`: what to raise then, by the step's index.

        Raises:
            Damaged: as `step` does, as far as it is made already.
        """
        fields = _narrow(row)
        fields[_ROW] = _Row(self, contents, heard, fault)
        return trusted(StoredStep, fields)

    def add(self, name: str, fields: dict[str, Any], lines: Sequence[bytes], heard: Heard) -> None:
        """Put a field into `fields`, with all of its part.

        Raises:
            PluginError: nobody said that they read that part.
            Damaged: as `step` does.
        """
        part = PART_OF.get(name)
        if part is not None and part not in self._parts:
            raise PluginError(f"it reads step.{name}, but does not say so: put {part!r} into its `reads`")
        seen, offered, decision, applied, rewards, said = lines[:FIXED]
        if name == "applied":
            fields["applied"] = _applied(applied)
        elif name == "rewards":
            fields["rewards"] = _rewards(rewards) if rewards else {}
        elif part == "menus":
            menu, ranges = self._payloads.part(offered, _menu) if offered else _NOTHING_OFFERED
            fields["menu"] = menu
            fields["ranges"] = ranges
            fields["decision"] = _decision(decision, menu) if decision else None
        elif part == "said":
            fields["said"] = self._payloads.part(said) if said else ""
        elif part == "observations":
            shown = self._payloads.part(seen) if seen else _NOTHING_SEEN
            fields["observation"] = shown["observation"]
            fields["text"] = shown["text"]
        else:
            fields["events"] = self._events(fields["index"], lines, heard) if len(lines) > FIXED else ()

    def _events(self, step: int, lines: Sequence[bytes], heard: Heard) -> tuple[Event, ...]:
        written = events_of(lines)
        heard.put(step, written)
        made = []
        for place, one in enumerate(written):
            data = event_data(one, self._payloads.value)
            if len(one) > 2 and one[2] is not None:
                data = {**data, "messages": heard.messages((step, place))}
            made.append(trusted(Event, {"kind": one[0], "data": data}))
        return tuple(made)


class StepSkim(NamedTuple):
    """What is told of a step without making it: the kinds of its events, and the rewards of all seats."""

    kinds: frozenset[str]
    rewards: Mapping[str, float]


def skimmed(lines: Sequence[bytes]) -> StepSkim:
    """A skim of the step with these lines.

    Raises:
        Damaged: they are not as they were written.
    """
    if len(lines) < FIXED:
        raise Damaged("its content is not as it was written")
    rewards = lines[REWARDS]
    kinds = _kinds(frozenset(_KIND.findall(lines[FIXED]))) if len(lines) > FIXED else _NO_KINDS
    return StepSkim(kinds, _rewards(rewards) if rewards else {})


@lru_cache(maxsize=1024)
def _kinds(written: frozenset[bytes]) -> frozenset[str]:
    return frozenset(decode(kind) for kind in written)


# What an event's line begins with; and the rest, which is passed over at once instead of looked through.
_KIND = re.compile(rb'^ ?\[("(?:[^"\\]|\\.)*").*', re.MULTILINE)
_NO_KINDS: frozenset[str] = frozenset()


def lines_of(content: bytes) -> list[bytes]:
    """The lines of a step's content; those of its events, of which most readers ask nothing, are still one."""
    return content.split(b"\n", FIXED)


def events_of(lines: Sequence[bytes]) -> list[Any]:
    """The events as they are written, of what `lines_of` gave."""
    return read_events(lines[FIXED].split(b"\n")) if len(lines) > FIXED else []


def _narrow(row: Sequence[Any]) -> dict[str, Any]:
    """The fields that are columns."""
    index, tick, seat, outcome, state, digest, seconds = row
    if outcome not in _OUTCOMES:
        raise Damaged(f"outcome: {outcome!r} is none of {', '.join(sorted(_OUTCOMES))}")
    return {
        "index": index,
        "tick": tick,
        "seat": _name_of(seat),
        "outcome": outcome,
        "state": state.hex(),
        "seconds": seconds,
        "digest": digest.hex(),
    }


def _applied(data: bytes) -> dict[str, Any]:
    applied = decode(data)
    if type(applied) is not dict:
        raise Damaged("applied: it is no object")
    return applied


@lru_cache(maxsize=4096)  # most steps of an episode have the same
def _rewards(data: bytes) -> dict[str, float]:
    rewards = decode(data)
    if type(rewards) is not dict or not {*map(type, rewards.values())} <= {float}:
        try:
            return _REWARDS.validate_python(rewards)
        except ValidationError as error:
            raise Damaged(f"rewards: {error.errors()[0]['msg']}") from error
    return rewards


_REWARDS = TypeAdapter(dict[str, float])
_NOTHING_SEEN: dict[str, Any] = {"observation": {}, "text": ""}


def _decision(packed: bytes, menu: Sequence[MenuEntry]) -> MenuEntry:
    if packed.isdigit():  # its place in the menu
        place = int(packed)
        if place >= len(menu):
            raise Damaged(f"decision: the menu has no entry {place}")
        return menu[place]
    try:
        return MenuEntry.model_validate(decode(packed))
    except ValidationError as error:
        raise Damaged(f"decision: {error.errors()[0]['msg']}") from error


def _menu(value: Any) -> tuple[tuple[MenuEntry, ...], tuple[str, ...]]:
    """Menu and ranges: made once for those that many steps share."""
    return tuple([_entry(entry) for entry in value["menu"]]), tuple(value["ranges"])


def _entry(entry: dict[str, Any]) -> MenuEntry:
    said = entry.get("appraisal")
    appraisal = _NOT_APPRAISED if said is None else _appraisal(encode(said))
    return trusted(MenuEntry, {"move": entry["move"], "appraisal": appraisal})


@lru_cache(maxsize=4096)  # moves differ, and most appraisals do not; nobody changes them
def _appraisal(data: bytes) -> Appraisal:
    get = decode(data).get
    fields = {
        "values": tuple(get("values", ())),
        "risks": tuple(get("risks", ())),
        "utility": get("utility"),
        "content": get("content"),
        "features": get("features") or {},
    }
    return trusted(Appraisal, fields)
