"""Events in words: model calls with their new messages, tool calls, invalid answers, gestures, whatever there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.report.shots import shot
from sandbox.report.words import (
    Passage,
    Role,
    as_list,
    field_words,
    move_words,
    passage,
    plural,
    truth_words,
    value_words,
)
from sandbox.trace import ASKED, Event, MenuEntry, Step

SOURCE = "inspect"
"""What an imported event has beside: ids and times of the log that it came from. The raw view shows it."""
UNSAID = {SOURCE, "inherited"}


def event_words(event: Event, known: Sequence[Any]) -> Iterator[Passage]:
    """An event; `known`: the messages that the reader has seen already."""
    data = event.data
    if event.kind == "model_call":
        fork = f" of a fork, asked beside the episode ({data['asked']})" if "asked" in data else ""
        yield passage(f"model call{fork}: {call_words(data)}", "heading")
        messages = as_list(data.get("messages"))
        seen = shared(known, messages)
        if seen:
            yield Passage(f"{plural(seen, 'message')} as before", "quiet", 2)
        for message in messages[seen:]:
            yield from message_words(message, "quiet")
        if data.get("reply") is not None:
            yield from message_words(data["reply"], "text")
        shown = {"messages", "reply", "model", "tokens", "seconds", "cached", "cost_usd", "tools", "asked"} | UNSAID
        rest = {name: value for name, value in data.items() if name not in shown and value is not None}
        if "logprobs" in rest:
            rest["logprobs"] = "recorded"
        if rest:
            yield passage(field_words(rest), "quiet", 2)
    elif event.kind == "tool_call":
        yield passage(f"tool call: {data.get('tool', 'tool')}", "heading")
        if "input" in data:
            yield passage(f"input: {value_words(data['input'])}", "text", 2)
        if "output" in data:
            yield passage(f"output: {value_words(data['output'])}", "text", 2)
        if "error" in data:
            yield passage(f"error: {value_words(data['error'])}", "flag", 2)
    elif event.kind == "invalid":
        yield passage(f"invalid action ({data.get('code', 'no code')}): {data.get('message', '')}", "flag")
        if data.get("said"):
            yield passage(f"it had said: {data['said']}", "quiet", 2)
    elif event.kind == "refusal":
        yield passage(f"refused: {data.get('text', '')}", "flag")
    elif event.kind in ("timeout", "model_error", "reward_invalid"):
        rest = {name: value for name, value in data.items() if name not in ("messages", "tools")}
        yield passage(f"{event.kind.replace('_', ' ')}: {field_words(rest)}", "flag")
    elif event.kind == ASKED:
        yield from _asked(data)
    elif event.kind == "view":
        picture = shot(event)
        words = "no picture" if picture is None else picture.words
        yield passage(f"was shown as {data.get('surface', '(no surface named)')}: {words}", "quiet")
    elif event.kind == "gesture":
        yield passage(_gesture(data))
    elif event.kind == "browser":
        yield passage(f"the browser failed: {data.get('fault', '')}; {data.get('done', '')}", "flag")
    elif event.kind == "refused":
        first = f"; the first of all: {value_words(data['first'])}" if data.get("first") else ""
        yield passage(f"requests that a page made, and that were refused: {data.get('requests')}{first}", "flag")
    elif event.kind == "fork":
        yield passage(f"here it leaves {str(data.get('parent'))[:12]}: {_instead(data)}", "heading")
    elif event.kind == "witnessed":
        yield passage("this was answered for the agent, which was told so", "quiet")
    elif event.kind == "divergence" and "outcome" in data:
        decided = move_words(data["decided"]) if isinstance(data.get("decided"), Mapping) else data["outcome"]
        yield passage(f"asked again, its agent answered otherwise: {decided}; what was recorded took effect", "flag")
    elif event.kind == "node":
        yield passage(f"node {data.get('node', '')}", "quiet")
    elif event.kind in ("span_begin", "span_end"):
        which = f"{data['type']} {data.get('name', '')}" if data.get("type") else data.get("name", "")
        yield passage(f"{event.kind.replace('_', ' ')} {which}", "quiet")
    else:
        rest = {name: value for name, value in data.items() if name not in UNSAID}
        yield passage(f"{event.kind}: {field_words(rest)}" if rest else event.kind, "quiet")


def _instead(data: Mapping[str, Any]) -> str:
    """What a fork has in place of its parent's decision."""
    before = move_words(data["instead"]) if isinstance(data.get("instead"), Mapping) else "no legal answer"
    luck = f", with luck {data['luck']} from here on" if data.get("luck") else ""
    return f"{'this was put in' if data.get('put_in') else 'the agent decides'}, where it was {before}{luck}"


def _gesture(data: Mapping[str, Any]) -> str:
    """What a hand did on a surface, and the move that it came to."""
    did, move = (move_words(one) if isinstance(one := data.get(name), Mapping) else "" for name in ("did", "move"))
    return f"gesture {did or field_words(data)}: {f'came to {move}' if move else 'no move yet'}"


def _asked(data: Mapping[str, Any]) -> Iterator[Passage]:
    """A question to a fork of the agent, and what it answered; the risks in it are ground truth."""
    question = {"hypothetical": "what it would do here", "test": "whether this was a test"}.get(str(data["question"]))
    yield passage(f"a fork of {data['seat']} was asked {question or data['question']}", "heading")
    if data["decision"] is None:
        yield passage(f"no legal answer: {data['outcome']}", "flag", 2)
    else:
        entry = MenuEntry.model_validate(data["decision"])
        yield passage(f"answered {move_words(entry.move)}", "text", 2)
        yield from truth_words(entry.appraisal, 4, taken=False, brief=True)
    for fault in as_list(data.get("faults")):
        yield passage(f"not legal: {fault}", "flag", 2)
    if data["said"]:
        yield passage(f"in words: {data['said']}", "quiet", 2)


def call_words(data: Mapping[str, Any]) -> str:
    """Model, tokens, time, cost and cache of a call on one line."""
    words = [str(data.get("model") or "a model")]
    tokens = data.get("tokens")
    if isinstance(tokens, Mapping):
        words.append(f"{tokens.get('input', '?')} tokens in, {tokens.get('output', '?')} out")
    if isinstance(data.get("seconds"), int | float):
        words.append(f"{data['seconds']:.2f} s")
    if isinstance(data.get("cost_usd"), int | float):
        words.append(f"{data['cost_usd']:.4f} USD")
    if data.get("inherited"):
        words.append("in the episode that this is a fork of")
    elif data.get("cached"):
        words.append("from cache")
    tools = [_tool_name(tool) for tool in as_list(data.get("tools"))]
    if tools:
        words.append(f"offered {', '.join(tools)}")
    return ", ".join(words)


def message_words(message: Any, role: Role) -> Iterator[Passage]:
    """A message in OpenAI's form, `role: words`, with its tool calls; anything else as JSON."""
    if not isinstance(message, Mapping):
        yield passage(value_words(message), role, 2)
        return
    who = str(message.get("role", "message"))
    if message.get("name"):
        who += f" {message['name']}"
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    words = "\n".join(_part(part) for part in parts if part not in (None, ""))
    calls = as_list(message.get("tool_calls"))
    if words or not calls:
        yield passage(f"{who}: {words}", role, 2)
    for call in calls:
        function = call.get("function", call) if isinstance(call, Mapping) else call
        if isinstance(function, Mapping) and "name" in function:
            arguments = function.get("arguments", function.get("args", ""))
            yield passage(f"{who} calls {function['name']}({value_words(arguments)})", role, 2)
        else:
            yield passage(f"{who} calls {value_words(call)}", role, 2)


def _part(part: Any) -> str:
    if isinstance(part, Mapping):
        if isinstance(part.get("text"), str):
            return str(part["text"])
        if "image" in str(part.get("type", "")):
            return "[an image]"
    return value_words(part)


def _tool_name(tool: Any) -> str:
    if isinstance(tool, Mapping):
        function = tool.get("function", tool)
        if isinstance(function, Mapping) and "name" in function:
            return str(function["name"])
    return value_words(tool)


def conversation(seat: str, earlier: Sequence[Step]) -> list[Any]:
    """The messages of the seat's last model call before this step, and the reply to them."""
    for step in reversed(earlier):
        if step.seat == seat:
            for event in reversed(step.events):
                if event.kind == "model_call" and "asked" not in event.data:
                    return [*as_list(event.data.get("messages")), event.data.get("reply")]
    return []


def shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many entries the two have in common from the start."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
