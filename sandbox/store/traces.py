"""Steps and events of a trace as rows of tables, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from sandbox.errors import StoreError
from sandbox.store.columns import from_column, to_column
from sandbox.store.payloads import Damaged, Packer, Payloads, decode
from sandbox.store.tables import Flag
from sandbox.trace import Event, MenuEntry, Step

# Plain numbers: arithmetic on an enum costs more than the rest of a scripted step's flags.
_OUTCOME_FLAGS = {name: int(Flag[name.upper()]) for name in ("invalid", "unparsed", "refusal", "timeout", "abstention")}
_RISK, _OPPORTUNITY, _REWARD_INVALID, _REDACTED = map(
    int, (Flag.RISK, Flag.OPPORTUNITY, Flag.REWARD_INVALID, Flag.REDACTED)
)


_name_to_column = lru_cache(maxsize=1024)(to_column)  # seats and kinds are few


class StepRow(NamedTuple):
    """The columns of `tables.Step` after episode and attempt, in the table's order, as the database takes them."""

    index_: int  # a tuple has an `index` of its own
    tick: int
    seat: str
    outcome: str
    reward: float | None
    rewards: bytes | None
    state: bytes
    digest: bytes
    flags: int
    seconds: float
    decision: bytes | None
    applied: bytes
    observation_ref: bytes | None
    menu_ref: bytes | None
    said_ref: bytes | None


class EventRow(NamedTuple):
    """The columns of `tables.Event` after episode and attempt."""

    step: int
    index_: int
    kind: str
    data_ref: bytes | None
    messages_ref: bytes | None


STEP_COLUMNS = tuple(name.rstrip("_") for name in StepRow._fields)
EVENT_COLUMNS = tuple(name.rstrip("_") for name in EventRow._fields)


def pack_step(step: Step, packer: Packer) -> tuple[StepRow, list[EventRow]]:
    """The rows of a step; what they refer to is put into `packer`, which serves one step.

    Raises:
        StoreError: the step holds what is no JSON value, or a hash that is none.
    """
    observation_ref = menu_ref = None
    if step.observation or step.text:
        observation_ref = packer.put({"observation": dict(step.observation), "text": step.text})
    if step.menu or step.ranges:
        menu_ref = packer.put({"menu": [_entry(entry) for entry in step.menu], "ranges": step.ranges})
    events = [_pack_event(step.index, index, event, packer) for index, event in enumerate(step.events)]
    said_ref = packer.put(step.said) if step.said else None
    decision = None if step.decision is None else _pack_decision(step.decision, step.menu, packer)
    applied = packer.inline(dict(step.applied))
    rewards = packer.inline(dict(step.rewards)) if step.rewards else None
    reward = step.rewards.get(step.seat)
    if reward is not None and not math.isfinite(reward):  # SQLite would make NaN a NULL
        raise StoreError(
            f"the reward of {step.seat!r} is {reward}: record an invalid reward as an event, not as a number"
        )
    row = StepRow(
        step.index,
        step.tick,
        _name_to_column(step.seat),
        step.outcome,
        reward,
        rewards,
        packed_hash(step.state),
        packed_hash(step.digest),
        flags_of(step) | (_REDACTED if packer.redacted else 0),
        step.seconds,
        decision,
        applied,
        observation_ref,
        menu_ref,
        said_ref,
    )
    return row, events


def unpack_step(row: StepRow, events: Sequence[EventRow], payloads: Payloads) -> Step:
    """The step that :func:`pack_step` made the rows of.

    Raises:
        Damaged: bytes do not fit their hash, are no JSON, or make no step.
    """
    seen = {} if row.observation_ref is None else payloads.value(row.observation_ref)
    offered = {} if row.menu_ref is None else payloads.value(row.menu_ref, _menu)
    decision = None if row.decision is None else decode(row.decision)
    if isinstance(decision, int):
        menu = offered.get("menu", ())
        if not 0 <= decision < len(menu):
            raise Damaged(f"decision: the menu has no entry {decision}")
        decision = menu[decision]
    try:
        return Step.model_validate(
            {
                **seen,
                **offered,
                "index": row.index_,
                "tick": row.tick,
                "seat": from_column(row.seat),
                "decision": decision,
                "applied": decode(row.applied),
                "outcome": row.outcome,
                "rewards": {} if row.rewards is None else decode(row.rewards),
                "state": row.state.hex(),
                "said": "" if row.said_ref is None else payloads.value(row.said_ref),
                "events": [_unpack_event(event, payloads) for event in events],
                "seconds": row.seconds,
                "digest": row.digest.hex(),
            }
        )
    except ValidationError as error:
        raise Damaged(
            "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:4])
        ) from error


def flags_of(step: Step) -> int:
    """Why a step is worth jumping to: bits of `Flag`."""
    flags = _OUTCOME_FLAGS.get(step.outcome, 0)
    if step.decision is not None and step.decision.appraisal.risks:
        flags |= _RISK
    if step.opportunity:
        flags |= _OPPORTUNITY
    if step.events and any(event.kind == "reward_invalid" for event in step.events):
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
        said["values"] = appraisal.values
    if appraisal.risks:
        said["risks"] = appraisal.risks
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


def _menu(offered: Mapping[str, Any]) -> dict[str, Any]:
    """The entries as models: made once for a menu that many steps share."""
    try:
        return {**offered, "menu": tuple(MenuEntry.model_validate(entry) for entry in offered["menu"])}
    except ValidationError as error:
        raise Damaged(f"menu: {error.errors()[0]['msg']}") from error


def _pack_event(step: int, index: int, event: Event, packer: Packer) -> EventRow:
    data = dict(event.data)
    messages_ref = None
    if isinstance(data.get("messages"), list | tuple):
        messages_ref = packer.chain(data.pop("messages"))
    return EventRow(step, index, _name_to_column(event.kind), packer.put(data) if data else None, messages_ref)


def _unpack_event(row: EventRow, payloads: Payloads) -> Event:
    data = {} if row.data_ref is None else payloads.value(row.data_ref)
    if row.messages_ref is not None:
        data = {**data, "messages": payloads.chain(row.messages_ref)}
    return Event(kind=from_column(row.kind), data=data)
