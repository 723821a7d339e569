"""Tool calls and structured output as one JSON text, read strictly."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field

from sandbox.adapters import constrained
from sandbox.adapters.models import chat_model


class Address(BaseModel):
    town: str


@tool
def buy(product: int) -> str:
    """Buy the product
    with this number."""
    return ""


@tool
def send(to: Address, mode: Literal["air", "sea"] = "sea") -> str:
    """Send it."""
    return ""


TOOLS = [convert_to_openai_tool(buy), convert_to_openai_tool(send)]


def test_the_tools_become_one_schema_with_a_member_for_each_call():
    schema = constrained.call_schema(TOOLS)
    assert [member["properties"]["name"] for member in schema["anyOf"]] == [{"const": "buy"}, {"const": "send"}]
    assert all(list(member["properties"]) == ["name", "arguments"] for member in schema["anyOf"])  # name is said first
    assert "$ref" not in json.dumps(schema)
    assert schema["anyOf"][1]["properties"]["arguments"]["required"] == ["to"]


def test_the_model_is_told_what_the_schema_would_hold_it_to():
    assert constrained.describe_tools(TOOLS).splitlines()[1:] == [
        '- buy: Buy the product with this number. Arguments: {"product": integer}',
        '- send: Send it. Arguments: {"to": {"town": string}, "mode"?: "air" or "sea"}',
    ]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 8, "description": "its\nnumber"}, "integer 1 to 8 (its number)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"enum": ["a", 2]}}, '["a" or 2, ...]'),
        ({"type": "object", "properties": {}}, "{}"),
        ({"const": "é"}, '"é"'),
    ],
)
def test_a_schema_in_few_words(schema, text):
    assert constrained.describe(schema) == text


def test_a_whole_call_is_a_tool_call():
    message = constrained.call_message('{"name": "buy", "arguments": {"product": 3}}', TOOLS, "call_1")
    assert message.tool_calls == [{"name": "buy", "args": {"product": 3}, "id": "call_1", "type": "tool_call"}]
    assert (message.content, message.invalid_tool_calls) == ("", [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I would buy the third one.", "not one JSON object"),
        ('{"name": "buy", "arguments": {"product": 3', "not one JSON object"),
        ('{"name": "buy", "arguments": {}} {"name": "buy", "arguments": {}}', "Extra data"),
        ("", "not one JSON object"),
        ("[]", "keys name and arguments"),
        ('{"name": "buy"}', "keys name and arguments"),
        ('{"name": "steal", "arguments": {}}', "no tool 'steal'; the tools are buy, send"),
        ('{"name": "buy", "arguments": [3]}', "the arguments are not an object"),
    ],
)
def test_anything_else_is_text_and_an_invalid_call_that_says_why(text, why):
    message = constrained.call_message(text, TOOLS, "call_1")
    assert (message.content, message.tool_calls) == (text, [])
    (fault,) = message.invalid_tool_calls
    assert why in (fault["error"] or "")
    assert fault["args"] == text


def test_call_ids_count_through_the_conversation():
    call = {"name": "buy", "args": {}, "id": "x"}
    history = [HumanMessage("go"), AIMessage("", tool_calls=[call]), AIMessage("", tool_calls=[call])]
    assert [constrained.next_call_id(history[:n]) for n in (1, 2, 3)] == ["call_1", "call_2", "call_3"]


def test_a_tool_choice_leaves_all_one_or_none():
    for choice in (None, True, "auto", "any", "required"):
        assert constrained.selected(TOOLS, choice) == TOOLS
    assert constrained.selected(TOOLS, "none") == []
    for choice in ("send", {"type": "function", "function": {"name": "send"}}):
        assert constrained.selected(TOOLS, choice) == [TOOLS[1]]


class Offer(BaseModel):
    amount: int = Field(ge=0, le=100)


def test_structured_output_is_an_instance_or_a_dict():
    model = chat_model("fake:script", replies=[{"amount": 7}])
    assert model.with_structured_output(Offer).invoke("?") == Offer(amount=7)
    assert model.with_structured_output(Offer.model_json_schema(), method="json_schema").invoke("?") == {"amount": 7}


@pytest.mark.parametrize("text", ['{"amount": 7', '{"amount": 700}', "seven", '{"amount": 7} and more'])
def test_a_structured_reply_that_does_not_parse_is_never_repaired(text):
    model = chat_model("fake:script", replies=[text])
    with pytest.raises(OutputParserException):
        model.with_structured_output(Offer).invoke("?")
    both = model.with_structured_output(Offer, include_raw=True).invoke("?")
    assert isinstance(both, dict)
    assert both["raw"].content == text
    assert both["parsed"] is None
    assert isinstance(both["parsing_error"], OutputParserException)


def test_probabilities_are_relative_to_the_options_beside_their_mass():
    message = constrained.choice_message("Action ", {"1": 0.2, "2": 0.6})
    given = constrained.ChoiceProbabilities(**message.response_metadata["choice_probabilities"])
    assert given.options == pytest.approx({"1": 0.25, "2": 0.75})
    assert given.mass == pytest.approx(0.8)
    assert message.content == "Action 2"
