"""Tool calls and structured output by constraint: one JSON schema goes in, one JSON text comes back, read strictly.

A small model that is offered tools answers in prose. So the choice among the tools becomes one JSON schema, to which
the runtime holds the model's tokens; the model reads a description of the same in its system text, because it never
sees the schema. A reply that is cut off does not parse, and is reported as such: LangChain's own JSON parsers
complete a cut reply by guessing, which would make an action out of half a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.json_schema import dereference_refs
from pydantic import BaseModel, ValidationError

from sandbox.errors import InputError, UnknownName

Schema = dict[str, Any]
Tool = dict[str, Any]
"""A tool in OpenAI's form: `{"type": "function", "function": {"name", "description", "parameters"}}`."""


@dataclass(frozen=True, slots=True)
class ChoiceProbabilities:
    """How likely a model is to go on with each of some options, read from the probabilities of one token."""

    options: dict[str, float]
    """Option -> probability given that the reply is one of the options; sums to 1."""
    mass: float
    """Probability that the reply goes on with one of the options at all, in [0, 1]: near 0, `options` means little."""


class ConstrainedChatModel(BaseChatModel):
    """What our own chat models share: they understand `tools`, `response_format` and `prefix` with `options`.

    All three are keywords of a call (as `bind` attaches them), so that callbacks, journals and recordings see them.
    """

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer `tools` to the model: each reply carries at most one tool call.

        `tool_choice` is a tool's name, "none" (prose), or "auto" / "any" / "required" / None, which are the same here:
        the reply is always a call, since a constraint that also allowed prose would get nothing but prose.
        A loop that ends when the model stops calling tools therefore needs a tool that ends it.
        """
        offered = [convert_to_openai_tool(tool) for tool in tools]
        selected(offered, tool_choice)  # a wrong name is an error here, not at the first call
        return self.bind(tools=offered, tool_choice=tool_choice, **kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Hold the model to `schema` (a pydantic model, a TypedDict or a JSON schema); gives the parsed reply.

        With `include_raw` the result is `{"raw": message, "parsed": value or None, "parsing_error": error or None}`.

        Raises:
            OutputParserException: at a call without `include_raw`, when the reply does not parse (it was cut off, or
                breaks a rule that no schema shows). Nothing is repaired.
        """
        kwargs.pop("method", None)  # there is one method: the constraint
        kwargs.pop("strict", None)
        if kwargs:
            raise InputError(f"with_structured_output: unknown settings {sorted(kwargs)}; it takes include_raw")
        model = schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None
        held_to = model.model_json_schema() if model else schema if isinstance(schema, dict) else None
        response_format = {
            "type": "json_schema",
            "json_schema": {
                "name": "reply",
                "strict": True,
                "schema": held_to if held_to is not None else convert_to_json_schema(schema),
            },
        }

        def parsed(message: AIMessage) -> Any:
            return parse_structured(str(message.text), model)

        def with_raw(message: AIMessage) -> dict[str, Any]:
            try:
                return {"raw": message, "parsed": parsed(message), "parsing_error": None}
            except OutputParserException as error:
                return {"raw": message, "parsed": None, "parsing_error": error}

        return self.bind(response_format=response_format) | RunnableLambda(with_raw if include_raw else parsed)

    def choice_probabilities(
        self, messages: LanguageModelInput, prefix: str, options: Sequence[str], config: RunnableConfig | None = None
    ) -> ChoiceProbabilities:
        """How likely the reply is to go on with each of `options` after it began with `prefix`.

        Each option must be one token of the model as it stands after the prefix: with prefix "Action " the options
        are "1" and "2"; with prefix "Option" they are " A" and " B", since most vocabularies join a blank to a word.

        Raises:
            InputError: an option is not one token.
        """
        return _probabilities(self.invoke(messages, config, prefix=prefix, options=list(options)))

    async def achoice_probabilities(
        self, messages: LanguageModelInput, prefix: str, options: Sequence[str], config: RunnableConfig | None = None
    ) -> ChoiceProbabilities:
        """As `choice_probabilities`, without blocking the event loop."""
        return _probabilities(await self.ainvoke(messages, config, prefix=prefix, options=list(options)))


def _probabilities(message: AIMessage) -> ChoiceProbabilities:
    return ChoiceProbabilities(**message.response_metadata["choice_probabilities"])


def choice_message(prefix: str, raw: Mapping[str, float]) -> AIMessage:
    """The reply that begins with `prefix` and goes on with the likeliest option (the first of equals).

    `raw` holds each option's unconditional probability; `response_metadata["choice_probabilities"]` of the reply is
    the content of a :class:`ChoiceProbabilities`.
    """
    mass = sum(raw.values())
    options = {option: p / mass if mass else 1 / len(raw) for option, p in raw.items()}
    best = max(options, key=lambda option: options[option])
    return AIMessage(
        prefix + best,
        response_metadata={"choice_probabilities": {"options": options, "mass": min(mass, 1.0)}},
    )


def selected(tools: Sequence[Tool], tool_choice: str | bool | dict[str, Any] | None) -> list[Tool]:
    """The tools that a `tool_choice` leaves open: all of them, the one it names, or none.

    Raises:
        UnknownName: it names a tool that is not offered.
    """
    if isinstance(tool_choice, dict):
        tool_choice = str(tool_choice.get("function", tool_choice).get("name"))
    if tool_choice == "none":
        return []
    if tool_choice in (None, True, False, "auto", "any", "required"):
        return list(tools)
    named = [tool for tool in tools if tool["function"]["name"] == tool_choice]
    if not named:
        raise UnknownName.of_kind("tool", str(tool_choice), [tool["function"]["name"] for tool in tools])
    return named


def call_schema(tools: Sequence[Tool]) -> Schema:
    """The JSON schema whose members are the calls of `tools`: `{"name": ..., "arguments": {...}}`, name first.

    References are resolved, because `#/$defs/...` would point nowhere once a tool's schema is inside this one.
    """
    return {"anyOf": [_one_call(tool["function"]["name"], _parameters(tool)) for tool in tools]}


def _one_call(name: str, arguments: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, "arguments": {"additionalProperties": False, **arguments}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _parameters(tool: Tool) -> Schema:
    parameters: Schema = dereference_refs(tool["function"].get("parameters") or {"type": "object", "properties": {}})
    return {key: value for key, value in parameters.items() if key != "$defs"}


def describe_tools(tools: Sequence[Tool]) -> str:
    """What a model is told about its tools, one line each, with the form of the answer."""
    lines = ['Choose one tool and answer with JSON: {"name": the tool\'s name, "arguments": its arguments}. Tools:']
    for tool in tools:
        function = tool["function"]
        about = " ".join((function.get("description") or "").split())
        lines.append(f"- {function['name']}{': ' + about if about else ''} Arguments: {describe(_parameters(tool))}")
    return "\n".join(lines)


def describe_reply(schema: Schema) -> str:
    """What a model is told about the structured output that is expected of it."""
    return f"Answer with JSON: {describe(dereference_refs(schema))}"


def describe(schema: Schema) -> str:
    """A JSON schema (without references) in few tokens: `{"product": integer 1 to 8, "reason"?: string}`."""
    about = " ".join(str(schema.get("description", "")).split())
    return _shape(schema) + (f" ({about})" if about else "")


def _shape(schema: Schema) -> str:
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(describe(member) for member in schema[union])
    kind = schema.get("type", "anything")
    if kind == "object":
        required = schema.get("required", [])
        return "{" + ", ".join(
            f'"{key}"{"" if key in required else "?"}: {describe(value)}'
            for key, value in schema.get("properties", {}).items()
        ) + "}"  # fmt: skip
    if kind == "array":
        return f"[{describe(schema.get('items') or {})}, ...]"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind} {schema['minimum']} to {schema['maximum']}"
    return str(kind)


def next_call_id(messages: Sequence[BaseMessage]) -> str:
    """The id of the next tool call in a conversation: `call_1`, `call_2`, ..., the same in every repetition."""
    calls = sum(len(m.tool_calls) + len(m.invalid_tool_calls) for m in messages if isinstance(m, AIMessage))
    return f"call_{calls + 1}"


def call_message(text: str, tools: Sequence[Tool], call_id: str) -> AIMessage:
    """A constrained reply as a message: one tool call, or the text itself with the reason why it is none.

    Never raises and never repairs: prose, a reply cut off by `max_tokens`, two calls in one text and unknown tools
    all give `content=text`, no `tool_calls`, and one `invalid_tool_calls` entry whose `error` says what was wrong.
    """
    names = [tool["function"]["name"] for tool in tools]
    try:
        reply = json.loads(text)
    except ValueError as error:
        return _no_call(text, call_id, f"not one JSON object: {error}")
    if not isinstance(reply, dict) or set(reply) != {"name", "arguments"}:
        return _no_call(text, call_id, "expected an object with the keys name and arguments")
    if reply["name"] not in names:
        return _no_call(text, call_id, f"no tool {reply['name']!r}; the tools are {', '.join(names)}")
    if not isinstance(reply["arguments"], dict):
        return _no_call(text, call_id, "the arguments are not an object")
    return AIMessage("", tool_calls=[ToolCall(name=reply["name"], args=reply["arguments"], id=call_id)])


def _no_call(text: str, call_id: str, error: str) -> AIMessage:
    fault = InvalidToolCall(type="invalid_tool_call", name=None, args=text, id=call_id, error=error)
    return AIMessage(text, invalid_tool_calls=[fault])


def parse_structured(text: str, model: type[BaseModel] | None) -> Any:
    """The value that a structured reply holds: an instance of `model`, or what the JSON says where there is none.

    Raises:
        OutputParserException: the text is not JSON as a whole, or not a member of `model`.
    """
    try:
        return model.model_validate_json(text) if model else json.loads(text)
    except (ValidationError, ValueError) as error:
        raise OutputParserException(f"the reply does not parse: {error}", llm_output=text) from error
