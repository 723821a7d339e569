"""Language models for tests that answer by a rule: no weights, no network, the same reply every time.

A reply depends on the conversation alone, so that interleaved episodes that share a model do not disturb each other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.json_schema import dereference_refs
from pydantic import ConfigDict, Field

from sandbox.adapters.constrained import ConstrainedChatModel, Schema, choice_message, next_call_id, selected
from sandbox.errors import InputError

Reply = str | dict[str, Any] | list[dict[str, Any]]

PROSE = "Both sides have something to say for them, and I would weigh them with care."
REFUSAL = "I'm sorry, but I can't help with that."


class FakeChatModel(ConstrainedChatModel):
    """A model that answers by `rule`.

    | rule    | reply |
    |---------|-------|
    | first   | the first tool with the first arguments its schema allows; the first member of a structured output; the first of `options`; else "Action 1" |
    | script  | `replies[n]`, where n is the number of replies already in the conversation; the last one repeats |
    | prose   | the same sentence always, whatever is asked for |
    | refusal | the same refusal always |

    A scripted reply is a text, a tool call `{"tool": name, "args": {...}}`, a list of such calls in one message, or
    any other dict, which is answered as JSON (for structured output). Tokens are counted as words.
    """  # noqa: E501  (a table's row is one line)

    model_config = ConfigDict(extra="forbid")

    rule: Literal["first", "script", "prose", "refusal"]
    replies: list[Reply] = Field(default_factory=list)
    temperature: float | None = None
    """Without effect, as the next two: an experiment gives them to every model."""
    seed: int | None = None
    max_tokens: int | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a script without replies."""
        super().model_post_init(context)
        if (self.rule == "script") != bool(self.replies):
            raise InputError("fake:script, and it alone, takes replies=[...]: texts, {'tool': name, 'args': {...}}")

    @property
    def _llm_type(self) -> str:
        return "sandbox-fake"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": f"fake:{self.rule}"}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._reply(messages, kwargs)
        message.response_metadata |= {
            "model_name": f"fake:{self.rule}",
            "model_provider": "fake",
            "finish_reason": "stop",
        }
        read = sum(len(str(m.text).split()) for m in messages)
        wrote = len(str(message.text).split()) + sum(len(json.dumps(c["args"]).split()) for c in message.tool_calls)
        message.usage_metadata = UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)  # nothing to wait for: no thread needed

    def _reply(self, messages: Sequence[BaseMessage], kwargs: dict[str, Any]) -> AIMessage:
        if self.rule == "prose":
            return AIMessage(PROSE)
        if self.rule == "refusal":
            return AIMessage(REFUSAL)
        if self.rule == "script":
            turn = sum(isinstance(message, AIMessage) for message in messages)
            return _scripted(self.replies[min(turn, len(self.replies) - 1)], messages)
        if options := kwargs.get("options"):
            return choice_message(kwargs.get("prefix", ""), {option: float(option == options[0]) for option in options})
        if tools := selected(kwargs.get("tools") or [], kwargs.get("tool_choice")):
            function = tools[0]["function"]
            arguments = first_member(dereference_refs(function.get("parameters") or {"type": "object"}))
            return _scripted({"tool": function["name"], "args": arguments}, messages)
        if wanted := kwargs.get("response_format"):
            return AIMessage(json.dumps(first_member(dereference_refs(wanted["json_schema"]["schema"]))))
        return AIMessage("Action 1")


def _scripted(reply: Reply, messages: Sequence[BaseMessage]) -> AIMessage:
    if isinstance(reply, str):
        return AIMessage(reply)
    if isinstance(reply, dict) and "tool" not in reply:
        return AIMessage(json.dumps(reply))
    calls: list[ToolCall] = []
    message = AIMessage("")
    for call in [reply] if isinstance(reply, dict) else reply:
        call_id = next_call_id([*messages, message])
        calls.append(ToolCall(name=call["tool"], args=call.get("args", {}), id=call_id))
        message = AIMessage("", tool_calls=calls)
    return message


def first_member(schema: Schema) -> Any:
    """The first value that a JSON schema (without references) allows: lowest number, first alternative, no extras."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return first_member(schema[union][0])
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            return {key: first_member(inner) for key, inner in schema.get("properties", {}).items() if key in required}
        case "array":
            return [first_member(schema.get("items", {}))] * schema.get("minItems", 0)
        case "string":
            return "x" * schema.get("minLength", 0)
        case "integer" | "number":
            return schema.get("minimum", schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else 0)
        case "boolean":
            return False
        case _:
            return None
