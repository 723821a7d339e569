"""Steps of a trace as rows; `unpacking` is the way back.

A step's `content` is lines of JSON, of which none has a line break inside: what was seen (observation and text), what
was offered (menu and ranges), decision, applied move, rewards, the words said; then one line for each event. An empty
line: there was none. A decision that the menu lists is its place there. An event is `[kind, data]`, and where there
are such `[kind, data, messages, long]`: the list of messages as `conversations` writes it, and name -> hash of the
values of `data` that are payloads of their own. What was seen, offered or said is such a payload where it is long: `#`
and the hash in hexadecimal digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.errors import StoreError
from sandbox.recent import RecentOf
from sandbox.store.columns import to_column
from sandbox.store.conversations import Conversations, listed
from sandbox.store.payloads import APART, LONG, Packer
from sandbox.store.tables import ANSWERED_AGAIN, Flag
from sandbox.text import Fragmented, fragment
from sandbox.trace import Event, MenuEntry, Step, is_opportunity

# Plain numbers: arithmetic on an enum costs more than the rest of a scripted step's flags.
_OUTCOME_FLAGS = {name: int(Flag[name.upper()]) for name in ("invalid", "unparsed", "refusal", "timeout", "abstention")}
_RISK, _OPPORTUNITY, _REWARD_INVALID, _REDACTED = map(
    int, (Flag.RISK, Flag.OPPORTUNITY, Flag.REWARD_INVALID, Flag.REDACTED)
)


_name_to_column = lru_cache(maxsize=1024)(to_column)  # seats and kinds are few


STEP_COLUMNS = ("index", "tick", "seat", "outcome", "reward", "state", "digest", "flags", "seconds", "applied")
"""The columns of `tables.Step` between attempt and content; `applied` is empty: it is in the content, and the column is
older than that."""


class Packed(NamedTuple):
    """A step as it is stored: values of `STEP_COLUMNS`, the flags once more, and the content."""

    row: tuple[Any, ...]
    flags: int
    content: bytes


FIXED = 6  # lines of content before those of events
REWARDS = 4  # which of them has the rewards


class _Written(NamedTuple):
    """Lines that are known."""

    lines: bytes
    payloads: dict[bytes, bytes]
    redacted: bool
    flags: int


_STEPS = 300  # whose lines are remembered: more than those of a game of a hundred rounds
_LONGEST = 32_768  # bytes of the lines of one of them, with what stands apart


class Shared:
    """Lines that many steps hold as the very same objects, written once.

    Steps from the episode loop do (see `sandbox.told`), and nobody changes them.
    """

    def __init__(self) -> None:
        self._exchanged: RecentOf[_Written] = RecentOf(_STEPS)
        self._done: RecentOf[_Written] = RecentOf(_STEPS)

    def exchanged(self, step: Step, packer: Packer) -> _Written:
        """What was seen and offered, decision and applied move; the flags are those of the menu and the decision."""
        of = (step.observation, step.text, step.menu, step.ranges, step.decision, step.applied)
        found = self._exchanged.get(of)
        if found is None:
            known = self._done.get(of[2:])
            done = known or _done(step, packer.alone())
            packer = packer.alone()
            seen = _seen(step, packer)
            found = _Written(
                b"%b\n%b" % (seen, done.lines),
                done.payloads | packer.payloads,
                done.redacted or packer.redacted,
                done.flags,
            )
            if step.observation or step.menu:  # the draws of chance have a name of their own each
                _keep(self._exchanged, of, found)
            if known is None:
                _keep(self._done, of[2:], done)
        return found


def _keep(shared: RecentOf[_Written], of: tuple[object, ...], written: _Written) -> None:
    if len(written.lines) + sum(map(len, written.payloads.values())) <= _LONGEST:
        shared.put(of, written)


def _seen(step: Step, packer: Packer) -> bytes:
    observation = step.observation
    if not (observation or step.text):
        return b""
    encoded = None
    if type(observation) is Fragmented and (text := fragment(step.text)) is not None:
        encoded = b'{"observation":%b,"text":%b}' % (observation.fragment, text)
    return _part({"observation": observation, "text": step.text}, packer, encoded)


def _done(step: Step, packer: Packer) -> _Written:
    """All lines but that of what was seen."""
    decision, menu, flags = step.decision, step.menu, 0
    if decision is not None and decision.appraisal.risks:
        flags = _RISK
    offered = b""
    if menu or step.ranges:
        # A list: a document with a tuple in it is not equal to what is read back, so its numbers are looked at singly.
        offered = _part({"menu": [_entry(entry) for entry in menu], "ranges": list(step.ranges)}, packer)
        flags |= _OPPORTUNITY if is_opportunity(menu) else 0
    lines = [
        offered,
        b"" if decision is None else _pack_decision(decision, menu, packer),
        packer.inline(dict(step.applied)),
        b"\n",  # no rewards, no words
    ]
    return _Written(b"\n".join(lines), packer.payloads, packer.redacted, flags)


def pack_step(step: Step, packer: Packer, shared: Shared, conversations: Conversations) -> Packed:
    """The row of a step and its content; payloads that it refers to are put into `packer`, which serves one step.

    `conversations`: of the attempt; after an error they are of no use any more.

    Raises:
        StoreError: the step holds what is no JSON value, or a hash that is none.
    """
    known = shared.exchanged(step, packer)
    if known.payloads:
        packer.payloads |= known.payloads
    flags, content, rewards, events = known.flags, known.lines, step.rewards, step.events
    reward = None
    if rewards or step.said or events:
        reward = rewards.get(step.seat)
        if reward is not None and not math.isfinite(reward):  # SQLite would make NaN a NULL
            raise StoreError(
                f"the reward of {step.seat!r} is {reward}: record an invalid reward as an event, not as a number"
            )
        lines = [packer.inline(dict(rewards)) if rewards else b"", _part(step.said, packer) if step.said else b""]
        lines += [_event((step.index, place), event, packer, conversations) for place, event in enumerate(events)]
        content = content.removesuffix(b"\n") + b"\n".join(lines)
        kinds = {event.kind for event in events}
        flags |= _REWARD_INVALID if "reward_invalid" in kinds else 0
        flags |= ANSWERED_AGAIN if "invalid" in kinds and step.decision is not None else 0
    if packer.redacted or known.redacted:
        flags |= _REDACTED
    if step.outcome != "valid":
        flags |= _OUTCOME_FLAGS.get(step.outcome, 0)
    row = (
        step.index,
        step.tick,
        _name_to_column(step.seat),
        step.outcome,
        reward,
        packed_hash(step.state),
        packed_hash(step.digest),
        flags,
        step.seconds,
        b"",
    )
    return Packed(row, flags, content)


def _part(value: Any, packer: Packer, encoded: bytes | None = None) -> bytes:
    """A line; or where it would be long, the hash of its payload."""
    data = packer.inline(value, encoded=encoded)
    ref = packer.apart(data)
    return data if ref is None else APART + ref.hex().encode()


def flags_of(step: Step) -> int:
    """Why a step is worth jumping to: bits of `Flag`."""
    flags = _OUTCOME_FLAGS.get(step.outcome, 0) | (_OPPORTUNITY if step.opportunity else 0)
    if step.risks:
        flags |= _RISK
    if any(event.kind == "reward_invalid" for event in step.events):
        flags |= _REWARD_INVALID
    return flags


def packed_hash(digits: str) -> bytes:
    """Hexadecimal digits at half their length; '' stays empty.

    Raises:
        StoreError: not an even number of lower-case hexadecimal digits.
    """
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        packed = b""
    if packed.hex() != digits:
        raise StoreError(f"the hash {digits[:80]!r} is not written in lower-case hexadecimal digits")
    return packed


def _entry(entry: MenuEntry) -> dict[str, Any]:
    """A menu entry without the parts of its appraisal that say nothing: half the bytes, and several times faster."""
    appraisal = entry.appraisal
    said: dict[str, Any] = {}
    if appraisal.values:
        said["values"] = list(appraisal.values)
    if appraisal.risks:
        said["risks"] = list(appraisal.risks)
    if appraisal.utility is not None:
        said["utility"] = appraisal.utility
    if appraisal.content is not None:
        said["content"] = appraisal.content
    if appraisal.features:
        said["features"] = dict(appraisal.features)
    return {"move": dict(entry.move), "appraisal": said} if said else {"move": dict(entry.move)}


def _pack_decision(decision: MenuEntry, menu: Sequence[MenuEntry], packer: Packer) -> bytes:
    """The place of the decision in the menu, a tenth of its size; the entry itself where the menu does not list it."""
    for place, entry in enumerate(menu):
        # The moves first, as most differ there. `==` holds between 1 and 1.0 and True, which are not the same in JSON;
        # `repr` tells them apart.
        if entry is decision or (
            entry.move == decision.move and entry == decision and repr(entry.move) == repr(decision.move)
        ):
            return b"%d" % place
    return packer.inline(_entry(decision))


def _event(where: tuple[int, int], event: Event, packer: Packer, conversations: Conversations) -> bytes:
    data = dict(event.data)
    messages = data.pop("messages") if isinstance(data.get("messages"), list | tuple) else None
    parts = [packer.inline(event.kind), packer.inline(data)]
    apart = {}
    if len(parts[1]) > LONG:
        for name, value in event.data.items():
            if name in data and (ref := packer.apart(packer.inline(value))) is not None:
                apart[name] = ref.hex()
                del data[name]
        parts[1] = packer.inline(data)
    if messages is not None:
        parts.append(conversations.write(where, messages, event.data.get("reply"), packer))
    elif apart:
        parts.append(b"null")
    if apart:
        parts.append(packer.inline(apart))
    return listed(parts)
