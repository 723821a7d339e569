"""The events of one of Inspect's samples as steps: one for each turn of the assistant, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.adapters.prices import Prices
from sandbox.scenario import NATURE
from sandbox.trace import Event, MenuEntry, Outcome, Step, Usage
from sandbox_import_inspect.conversations import Conversations
from sandbox_import_inspect.messages import (
    Attached,
    Told,
    Words,
    as_list,
    as_number,
    as_text,
    call_parts,
    clipped,
    settled,
    told,
)
from sandbox_import_inspect.spans import Spans

SEAT = "agent"
MOST_EVENTS = 2_000
MOST_BYTES = 8_000_000
"""What a step holds of the log's events; those beyond it are steps of their own, of nobody's turn."""
MOST_COUNTED = 10**12
"""Tokens or dollars of a sample: sums of more would not fit into a database's integers."""
OURS = frozenset(
    {
        *("model_call", "model_error", "tool_call", "invalid", "refusal", "refused", "timeout", "retry", "asked"),
        *("node", "view", "gesture", "browser", "reward_invalid"),
    }
)
"""Kinds of events that mean something in a trace: one of Inspect's that is called so is told apart."""


@dataclass
class Sample:
    """What a sample's events refer to.

    Attributes:
        attached: the content of an attachment.
        pooled: the message at a place of the pool, as Inspect has it.
        prices: of model calls that the log has no cost of.
    """

    attached: Attached = lambda name: None
    pooled: Callable[[int], Any] = lambda place: None
    prices: Prices = field(default_factory=Prices)


class Counted:
    """What a sample's model calls took, as its events say."""

    def __init__(self) -> None:
        self._calls = self._input = self._output = 0
        self._cost = 0.0
        self._unpriced: set[str] = set()

    def add(self, call: Mapping[str, Any]) -> None:
        """A call; a reply from a cache took nothing."""
        if call["cached"]:
            return
        tokens = call.get("tokens", {})
        self._calls += 1
        self._input = min(self._input + tokens.get("input", 0), MOST_COUNTED)
        self._output = min(self._output + tokens.get("output", 0), MOST_COUNTED)
        cost = call.get("cost_usd")
        if cost is None:
            self._unpriced.add(str(call["name"]))
        else:
            self._cost = min(self._cost + cost, MOST_COUNTED)

    @property
    def usage(self) -> Usage:
        """All of it."""
        return Usage(
            calls=self._calls,
            input_tokens=self._input,
            output_tokens=self._output,
            cost_usd=None if self._unpriced else self._cost,
            unpriced=tuple(sorted(self._unpriced)),
        )


@dataclass
class _Turn:
    """A turn of the assistant, with what came of it so far."""

    text: str
    ranges: tuple[str, ...]
    decision: MenuEntry | None
    applied: dict[str, Any]
    outcome: Outcome
    said: str
    events: list[Event]
    size: int
    seconds: float


def steps_of_events(
    events: Iterable[tuple[Any, int]], sample: Sample, counted: Counted, before: Sequence[Event] = ()
) -> Iterator[Step]:
    """The steps; not yet digested. No more of them is in memory than one.

    Args:
        events: each as Inspect has it, with its size in bytes.
        sample: what they refer to.
        counted: is told of each model call.
        before: events that stand in front of all others.
    """
    spans, conversations = Spans(), Conversations(sample.attached, sample.pooled)
    turn: _Turn | None = None
    waiting, size, index = list(before), 0, 0
    for event, bytes_of in events:
        if not isinstance(event, Mapping):
            event = {"event": "unknown", "value": event}
        spans.see(event)
        if event.get("event") == "model":
            call, new, tools = _model_call(event, sample, conversations)
            if call["kind"] == "model_call":
                counted.add(call["data"])
            if call["kind"] == "model_call" and spans.is_turn(event):
                conversations.said(_first_choice(event).get("message"))
                if turn is not None:
                    yield _step(index, turn)
                    index += 1
                turn = _turn(call["data"], new, tools, event, waiting, sample)
                waiting, size = [], 0
                continue
            made = [*_views(new), Event(kind=call["kind"], data=call["data"])]
        else:
            made = _events(event, sample)
        own = turn.events if turn is not None else waiting
        size += bytes_of
        if len(own) + len(made) > MOST_EVENTS or size > MOST_BYTES:
            if turn is not None:
                yield _step(index, turn)
                index += 1
            if waiting:
                yield _nobodys(index, waiting)
                index += 1
            turn, waiting, size = None, [], bytes_of
            own = waiting
        own += made
    if turn is not None:
        yield _step(index, turn)
    elif waiting:
        yield _nobodys(index, waiting)


def steps_of_messages(messages: Iterable[Any], sample: Sample, before: Sequence[Event] = ()) -> Iterator[Step]:
    """The steps of a sample of which the log has messages alone: those of the assistant are its turns."""
    new: list[Told] = []
    index = 0
    waiting = list(before)
    for message in messages:
        one = told(message, sample.attached)
        if one.role != "assistant":
            new.append(one)
            continue
        output = {"choices": [{"message": message}]}
        yield _step(index, _turn({"reply": one.message}, new, (), {"output": output}, waiting, sample))
        index += 1
        new, waiting = [], []
    if new or waiting:
        yield _nobodys(index, [*waiting, *_views(new)], _text(new))


# -- turns ------------------------------------------------------------------------------------------------------------


def _turn(
    call: dict[str, Any], new: Sequence[Told], tools: Sequence[Any], event: Mapping[str, Any],
    waiting: list[Event], sample: Sample,
) -> _Turn:  # fmt: skip
    choice = _first_choice(event)
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    words = Words(sample.attached)
    words.add(message.get("content"))
    said = "\n".join(part for part in (words.reasoning and f"[reasoning] {words.reasoning}", words.text) if part)
    calls = [call_parts(one, sample.attached) for one in as_list(message.get("tool_calls"))]
    readable = [(tool, arguments) for tool, arguments, fault in calls if not fault]
    outcome: Outcome = "valid"
    applied: dict[str, Any]
    if not calls:
        applied = {"kind": "answer", "text": words.text}
        if words.refusal or choice.get("stop_reason") == "content_filter":
            outcome = "refusal"
    elif len(calls) == 1:
        applied = {"kind": "tool_call", "tool": calls[0][0], "with": calls[0][1]}
    else:
        made = [{"tool": tool, "with": arguments} for tool, arguments, _ in calls]
        applied = {"kind": "tool_calls", "calls": made}
    if calls and not readable:
        outcome = "unparsed"
    seconds = call.get("seconds")
    events = [*waiting, *_views(new)]
    if "messages" in call:
        events.append(Event(kind="model_call", data=call))
    if outcome == "refusal":
        events.append(Event(kind="refusal", data={"text": words.text}))
    return _Turn(
        text=_text(new),
        ranges=(*tuple(_range(tool) for tool in tools), "an answer in words") if tools else (),
        decision=None if outcome != "valid" else MenuEntry(move=applied),
        applied=applied,
        outcome=outcome,
        said=said,
        events=events,
        size=0,
        seconds=float(as_number(seconds) or 0.0),
    )


def _step(index: int, turn: _Turn) -> Step:
    if turn.outcome == "valid" and _rejected(turn):
        turn.outcome, turn.decision = "invalid", None
    return Step(
        index=index,
        tick=index,
        seat=SEAT,
        text=turn.text,
        ranges=turn.ranges,
        decision=turn.decision,
        applied=turn.applied,
        outcome=turn.outcome,
        said=turn.said,
        events=tuple(turn.events),
        seconds=turn.seconds,
    )


def _rejected(turn: _Turn) -> bool:
    """Whether none of its calls was one that a tool takes: of an unknown tool, or with arguments of the wrong kinds."""
    begins = next((place for place, event in enumerate(turn.events) if event.kind == "model_call"), len(turn.events))
    calls = [event.data for event in turn.events[begins:] if event.kind == "tool_call"]
    return bool(calls) and all(one["inspect"].get("error_type") == "parsing" for one in calls)


def _nobodys(index: int, events: Sequence[Event], text: str = "") -> Step:
    """What is in the log without a turn: of a sample that failed before its first, or behind too many events."""
    return Step(
        index=index,
        tick=index,
        seat=NATURE,
        text=text or "no turn of the assistant: what else the log has here",
        applied={"kind": "events", "count": len(events)},
        outcome="chance",
        events=tuple(events),
    )


def _text(new: Sequence[Told]) -> str:
    """Messages as one reads them, each under who says it."""
    parts = []
    for one in new:
        who = f"{one.role} {one.message['name']}" if one.message.get("name") else one.role
        parts.append(f"[{who}]\n{one.text}")
    return "\n\n".join(parts)


def _range(tool: Any) -> str:
    """A tool as the words of a range of moves: `add(x: integer, y: integer): Add two numbers.`."""
    if not isinstance(tool, Mapping):
        return clipped(as_text(tool), 300)
    parameters = tool.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    fields = properties.items() if isinstance(properties, Mapping) else ()
    kinds = ((name, one.get("type", "any") if isinstance(one, Mapping) else "any") for name, one in fields)
    about = str(tool.get("description") or "").strip().partition("\n")[0]
    words = f"{tool.get('name', 'tool')}({', '.join(f'{name}: {as_text(kind)}' for name, kind in kinds)})"
    return clipped(f"{words}: {about}" if about else words, 500)


# -- events -----------------------------------------------------------------------------------------------------------


def _model_call(
    event: Mapping[str, Any], sample: Sample, conversations: Conversations
) -> tuple[dict[str, Any], list[Told], Sequence[Any]]:
    """Kind and data of the event, the messages that are new in it, and the tools offered."""
    messages, left_out, new = conversations.of(event)
    output = event.get("output")
    output = output if isinstance(output, Mapping) else {}
    choice = _first_choice(event)
    asked = str(event.get("model", ""))
    data: dict[str, Any] = {"model": as_text(output.get("model") or asked), "name": asked.replace("/", ":", 1)}
    data["messages"] = [one.message for one in messages]
    if left_out:
        data["earlier_messages"] = left_out
    tools = as_list(settled(event.get("tools"), sample.attached))
    if tools:
        data["tools"] = [{"type": "function", "function": tool} for tool in tools]
    reply = choice.get("message")
    if reply is not None:
        data["reply"] = told(reply, sample.attached).message
    tokens, cost = _tokens(output.get("usage"))
    if tokens:
        data["tokens"] = tokens
    seconds = as_number(event.get("working_time"))
    seconds = as_number(output.get("time")) if seconds is None else seconds
    if seconds is not None:
        data["seconds"] = seconds
    data["cached"] = event.get("cache") == "read"
    if _is_date(event.get("timestamp")):
        data["date"] = event["timestamp"]
    if choice.get("stop_reason"):
        data["finish_reason"] = choice["stop_reason"]
    for name in ("role", "retries", "error", "config", "tool_choice"):
        if event.get(name) not in (None, {}, "", "auto"):
            data[name] = settled(event[name], sample.attached)
    kind = "model_call" if reply is not None else "model_error"
    if kind == "model_call":
        if cost is None and tokens:
            cost = sample.prices.of_call(data)
        if cost is not None:
            data["cost_usd"] = cost
    else:
        data.setdefault("error", "no reply")
    rest = {name: value for name, value in event.items() if name not in _OF_CALL and value not in (None, [], {})}
    rest["output"] = {name: value for name, value in output.items() if name not in _OF_OUTPUT and value is not None}
    if len(as_list(output.get("choices"))) > 1:
        rest["output"]["other_choices"] = output["choices"][1:]
    if isinstance(event.get("call"), Mapping):
        rest["call"] = _without_messages(event["call"])
    data["inspect"] = settled({name: value for name, value in rest.items() if value}, sample.attached)
    return {"kind": kind, "data": data}, new, tools


_OF_CALL = {
    "event",
    "input",
    "input_refs",
    "output",
    "tools",
    "call",
    "model",
    "working_time",
    "cache",
    "role",
    "retries",
}
_OF_CALL |= {"error", "config", "tool_choice", "traceback_ansi"}
_OF_OUTPUT = {"model", "choices", "completion", "usage", "time"}


def _without_messages(call: Mapping[str, Any]) -> dict[str, Any]:
    """The request as it went to the provider, without the messages and tools, which the event has already."""
    made = {name: value for name, value in call.items() if name not in ("call_refs", "call_key") and value is not None}
    request = call.get("request")
    if isinstance(request, Mapping):
        told_already = ("messages", "contents", "input", "inputs", "tools", "system")
        made["request"] = {name: value for name, value in request.items() if name not in told_already}
    return made


def _first_choice(event: Mapping[str, Any]) -> Mapping[str, Any]:
    output = event.get("output")
    choices = as_list(output.get("choices")) if isinstance(output, Mapping) else ()
    return choices[0] if choices and isinstance(choices[0], Mapping) else {}


def _tokens(usage: Any) -> tuple[dict[str, int], float | None]:
    """Tokens as providers count them, the cached ones among the input; and the cost, where the log has it."""
    if not isinstance(usage, Mapping):
        return {}, None

    def count(name: str) -> int:
        found = usage.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else 0

    read, written = count("input_tokens_cache_read"), count("input_tokens_cache_write")
    tokens = {"input": count("input_tokens") + read + written, "output": count("output_tokens")}
    tokens["total"] = tokens["input"] + tokens["output"]
    more = {"cache_read": read, "cache_write": written, "reasoning": count("reasoning_tokens")}
    cost = as_number(usage.get("total_cost"))
    return tokens | {name: number for name, number in more.items() if number}, (None if cost is None else float(cost))


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _events(event: Mapping[str, Any], sample: Sample) -> list[Event]:
    """Any other event; a tool's pictures come after it."""
    kind = str(event.get("event", "unknown"))
    if kind == "tool":
        return _tool_call(event, sample)
    rest = {name: value for name, value in event.items() if name != "event" and value is not None}
    data = {name: value for name, value in rest.items() if name not in _WHERE}
    data["inspect"] = {name: value for name, value in rest.items() if name in _WHERE}
    return [Event(kind=f"inspect_{kind}" if kind in OURS else clipped(kind, 100), data=settled(data, sample.attached))]


_WHERE = {"uuid", "span_id", "timestamp", "working_start"}


def _tool_call(event: Mapping[str, Any], sample: Sample) -> list[Event]:
    words = Words(sample.attached)
    words.add(event.get("result"))
    data: dict[str, Any] = {
        "tool": str(event.get("function", "tool")),
        "input": settled(event.get("arguments", {}), sample.attached),
        "output": words.text,
    }
    error = event.get("error")
    if error is not None:
        data["error"] = settled(error.get("message", error) if isinstance(error, Mapping) else error, sample.attached)
    if (seconds := as_number(event.get("working_time"))) is not None:
        data["seconds"] = seconds
    rest = {name: value for name, value in event.items() if name not in _OF_TOOL and value not in (None, [], {})}
    if isinstance(error, Mapping) and error.get("type"):
        rest["error_type"] = error["type"]
    data["inspect"] = settled(rest, sample.attached)
    return [Event(kind="tool_call", data=data)]


_OF_TOOL = {"event", "function", "arguments", "result", "error", "working_time"}


def _views(new: Iterable[Told]) -> list[Event]:
    return [
        Event(kind="view", data={"surface": f"{one.role} message", "media": picture.media, "base64": picture.base64})
        for one in new
        for picture in one.pictures
    ]
