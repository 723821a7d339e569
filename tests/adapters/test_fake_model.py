"""Models that answer by a rule."""

from __future__ import annotations

from typing import Literal

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from sandbox.adapters import fake_model
from sandbox.adapters.models import chat_model
from sandbox.errors import InputError, UnknownName


@tool
def buy(product: Literal["pen", "book"], count: int = 1) -> str:
    """Buy a product."""
    return ""


@tool
def leave() -> str:
    """Leave the shop."""
    return ""


class Offer(BaseModel):
    amount: int = Field(ge=3, le=9)
    kind: Literal["gift", "loan"]
    reason: str | None = None


def test_first_calls_the_first_tool_with_the_first_arguments():
    reply = chat_model("fake:first").bind_tools([buy, leave]).invoke("What now?")
    assert reply.tool_calls == [{"name": "buy", "args": {"product": "pen"}, "id": "call_1", "type": "tool_call"}]


def test_first_heeds_a_tool_choice():
    reply = chat_model("fake:first").bind_tools([buy, leave], tool_choice="leave").invoke("What now?")
    assert [call["name"] for call in reply.tool_calls] == ["leave"]


def test_a_tool_choice_that_is_not_offered_is_an_error_at_once():
    with pytest.raises(UnknownName, match="did you mean 'leave'"):
        chat_model("fake:first").bind_tools([buy, leave], tool_choice="leav")


def test_first_gives_the_first_member_of_a_structured_output():
    assert chat_model("fake:first").with_structured_output(Offer).invoke("Offer?") == Offer(amount=3, kind="gift")


def test_first_takes_the_first_option():
    assert chat_model("fake:first").choice_probabilities("Which?", "Action ", ["2", "1"]).options == {
        "2": 1.0,
        "1": 0.0,
    }


def test_prose_and_refusal_answer_the_same_whatever_is_offered():
    for name, text in (("fake:prose", fake_model.PROSE), ("fake:refusal", fake_model.REFUSAL)):
        reply = chat_model(name).bind_tools([buy]).invoke("What now?")
        assert (reply.content, reply.tool_calls) == (text, [])
        with pytest.raises(OutputParserException):
            chat_model(name).with_structured_output(Offer).invoke("Offer?")


def test_a_script_follows_the_conversation_and_repeats_its_last_reply():
    model = chat_model(
        "fake:script", replies=["hm", [{"tool": "buy", "args": {"product": "pen"}}, {"tool": "leave"}], {"amount": 4}]
    )
    said = [model.invoke([HumanMessage("?")] + [AIMessage("...")] * turn) for turn in range(4)]
    assert said[0].content == "hm"
    assert [(c["name"], c["args"], c["id"]) for c in said[1].tool_calls] == [
        ("buy", {"product": "pen"}, "call_1"),
        ("leave", {}, "call_2"),
    ]
    assert said[2].content == said[3].content == '{"amount": 4}'


def test_a_script_needs_replies_and_the_others_take_none():
    with pytest.raises(InputError, match="replies"):
        chat_model("fake:script")
    with pytest.raises(InputError, match="replies"):
        chat_model("fake:first", replies=["a"])


async def test_tokens_are_counted_as_words_and_settings_of_other_models_are_taken():
    reply = await chat_model("fake:prose", temperature=0.3, seed=1, max_tokens=5).ainvoke("one two three")
    assert reply.usage_metadata == {"input_tokens": 3, "output_tokens": 15, "total_tokens": 18}
    assert reply.response_metadata["model_name"] == "fake:prose"


@pytest.mark.parametrize(
    ("schema", "first"),
    [
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "integer", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "string", "minLength": 2}, "xx"),
        ({"type": "array", "minItems": 2, "items": {"type": "boolean"}}, [False, False]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        (
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]},
            {"b": 0},
        ),
    ],
)
def test_the_first_member_of_a_schema(schema, first):
    assert fake_model.first_member(schema) == first
