"""A conversation as any chat template takes it: plain text turns, whatever tools were called in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, SystemMessage, ToolMessage

from sandbox.errors import InputError


def plain_turns(messages: Sequence[BaseMessage], told: str = "") -> list[dict[str, str]]:
    """A conversation as any chat template takes it: at most one system turn, first; then user and assistant in turn.

    `told` is added to the system turn. A later system message becomes part of a user turn; a tool call becomes the
    JSON that the model wrote; a tool's result becomes a user turn that names the tool. Neighbours of one role are
    joined by an empty line. Text that would be read as the template's own control tokens (`<|...|>`, of the ChatML
    and Llama 3 families) is made inert, so that no message can open a turn that is not its own.

    Raises:
        InputError: a message holds an image or another block that is not text.
    """
    first = next((i for i, message in enumerate(messages) if not isinstance(message, SystemMessage)), len(messages))
    system = "\n\n".join(part for part in [*map(_content, messages[:first]), told] if part)
    turns: list[dict[str, str]] = [{"role": "system", "content": system}] if system else []
    names = {call["id"]: call["name"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}
    for message in messages[first:]:
        role, text = "user", _content(message)
        if isinstance(message, AIMessage):
            role = "assistant"
            calls = [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
            written = [inert(json.dumps(call, ensure_ascii=False)) for call in calls]
            text = "\n".join(part for part in [text, *written] if part)
        elif isinstance(message, ChatMessage):
            role = "assistant" if message.role == "assistant" else "user"
        elif isinstance(message, ToolMessage):
            text = f"Result of {message.name or names.get(message.tool_call_id, 'the tool')}: {text}"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{text}"
        else:
            turns.append({"role": role, "content": text})
    return turns


def _content(message: BaseMessage) -> str:
    if not isinstance(message.content, str):
        kinds = {block.get("type", "?") for block in message.content if isinstance(block, dict)} - {"text"}
        # an assistant's other blocks are its tool calls in another provider's form: they are in `tool_calls`, too
        if kinds and not isinstance(message, AIMessage):
            raise InputError(f"an embedded model reads text only, and a message holds {', '.join(sorted(kinds))}")
    return inert(str(message.text))


def inert(text: str) -> str:
    """The text without anything that a template of the ChatML or Llama 3 family takes for a control token."""
    return text.replace("<|", "< |")
