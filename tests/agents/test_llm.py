"""The shipped language model agents: legal actions as tools or as structured output; nothing else is an action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from sandbox_agent_llm import _shared_beginning, recent

from sandbox.adapters.langgraph import NOT_LEGAL
from sandbox.errors import PluginError
from sandbox.runner.build import Builder
from sandbox.trace import AgentSpec, Episode, Limits
from tests.toys import Rps, play, spec

BET = {"kind": "bet", "coins": 1, "note": ""}


async def asked(builder: Builder, agent: str, *replies: Any, of: Any = None, **config: Any) -> Episode:
    settings = {"model": "fake:script", "replies": list(replies)} if replies else {}
    use = AgentSpec(id=f"llm/{agent}", name="x", config=settings | config)
    specification = (of or spec(limits=Limits(attempts=2))).model_copy(update={"seats": {}})
    seats = (of or spec()).seats
    specification = specification.model_copy(update={"seats": dict.fromkeys(seats, use)})
    return await play(builder.agents(specification), specification)


def outcomes(episode: Episode) -> list[str]:
    return [step.outcome for step in episode.steps if step.seat != "nature"]


def tool(name: str, **args: Any) -> dict[str, Any]:
    return {"tool": name, "args": args}


@pytest.mark.parametrize(
    ("agent", "reply", "outcome"),
    [
        ("react", tool("bet", coins=1), "valid"),
        ("react", tool("pass"), "abstention"),
        ("react", tool("bet", coins=99), "invalid"),
        ("react", tool("bet"), "invalid"),
        ("react", [tool("bet", coins=1), tool("leave")], "invalid"),
        ("react", "I would bet one coin.", "unparsed"),
        ("react", "", "unparsed"),
        ("react", '{"kind": "bet", "coins": ', "unparsed"),
        ("react", "I'm sorry, but I can't help with that.", "refusal"),
        ("choice", {"action": {"kind": "bet", "coins": 1}}, "valid"),
        ("choice", {"kind": "bet", "coins": 1}, "valid"),
        ("choice", {"action": {"kind": "pass"}}, "abstention"),
        ("choice", {"action": {"kind": "bet", "coins": 99}}, "invalid"),
        ("choice", {"action": {"kind": "fly"}}, "invalid"),
        ("choice", {}, "invalid"),
        ("choice", "I would bet one coin.", "unparsed"),
        ("choice", "", "unparsed"),
        ("choice", '{"action": {"kind": "bet", "coins": ', "unparsed"),
        ("choice", '{"action": {"kind": "bet", "coins": 1}} or {"action": {"kind": "leave"}}', "unparsed"),
        ("choice", "I cannot choose.", "refusal"),
    ],
)
async def test_a_reply_is_one_legal_action_or_is_recorded_as_what_it_is(
    builder: Builder, agent: str, reply: Any, outcome: str
) -> None:
    episode = await asked(builder, agent, reply, of=spec(config={"spins": 1}, limits=Limits(attempts=2)))
    (step, *_) = episode.steps
    assert episode.status == "finished", episode.reason
    assert step.outcome == outcome
    assert (step.decision.move if outcome == "valid" else BET) == BET
    tries = [event.kind for event in step.events if event.kind in ("invalid", "refusal")]
    assert tries == {"refusal": ["refusal"], "invalid": ["invalid"] * 2, "unparsed": ["invalid"] * 2}.get(outcome, [])


@pytest.mark.parametrize("agent", ["react", "choice"])
@pytest.mark.parametrize(("model", "outcome"), [("fake:prose", "unparsed"), ("fake:refusal", "refusal")])
async def test_a_model_that_never_acts_forfeits_each_step_and_all_is_counted(
    builder: Builder, agent: str, model: str, outcome: str
) -> None:
    episode = await asked(builder, agent, model=model)
    assert outcomes(episode) == [outcome] * 3
    assert episode.counts()[outcome] == 3


@pytest.mark.parametrize("agent", ["react", "choice"])
async def test_a_model_that_takes_the_first_of_all_plays_legally(builder: Builder, agent: str) -> None:
    episode = await asked(builder, agent, model="fake:first", of=spec(Rps))
    assert outcomes(episode) == ["valid"] * 6, episode.reason


@pytest.mark.parametrize(
    ("agent", "wrong", "right"),
    [
        ("react", tool("bet", coins=99), tool("bet", coins=1)),
        ("react", [tool("bet", coins=1), tool("leave")], tool("bet", coins=1)),
        ("react", "hm", tool("bet", coins=1)),
        ("choice", "hm", {"action": {"kind": "bet", "coins": 1}}),
    ],
)
async def test_a_model_that_is_told_what_was_wrong_may_mend_it(
    builder: Builder, agent: str, wrong: Any, right: Any
) -> None:
    episode = await asked(builder, agent, wrong, right, of=spec(config={"spins": 1}))
    (step, *_) = episode.steps
    assert (step.outcome, step.decision.move) == ("valid", BET)
    calls = [event.data for event in step.events if event.kind == "model_call"]
    assert len(calls) == 2
    assert calls[1]["messages"][-1]["content"].startswith(NOT_LEGAL)


async def test_react_offers_the_legal_actions_as_tools_and_choice_as_a_schema(builder: Builder) -> None:
    (step, *_) = (await asked(builder, "react", tool("leave"))).steps
    (call,) = [event.data for event in step.events if event.kind == "model_call"]
    assert [offered["function"]["name"] for offered in call["tools"]] == ["bet", "pass", "leave"]
    assert call["tools"][0]["function"]["parameters"]["properties"]["coins"]["maximum"] == 3


async def test_react_may_use_tools_of_its_own_before_it_acts(builder: Builder, tmp_path: Path) -> None:
    path = tmp_path / "calculator.py"
    path.write_text(
        "from langchain_core.tools import tool\n@tool\ndef multiply(a: int, b: int) -> int:\n"
        '    """Multiply."""\n    return a * b\n'
    )
    episode = await asked(
        builder,
        "react",
        tool("multiply", a=2, b=3),
        tool("bet", coins=1),
        of=spec(config={"spins": 1}),
        tools=[f"{path}:multiply"],
    )
    (step, *_) = episode.steps
    assert (step.outcome, step.decision.move) == ("valid", BET), episode.reason
    (used,) = [event.data for event in step.events if event.kind == "tool_call"]
    assert (used["tool"], used["output"]) == ("multiply", "6")
    with pytest.raises(PluginError, match="tool 'nowhere:x' of llm/react"):
        builder.agent(AgentSpec(id="llm/react", name="x", config={"model": "fake:first", "tools": ["nowhere:x"]}))


async def test_a_tool_that_is_not_there_is_answered_so_and_the_model_goes_on(builder: Builder) -> None:
    episode = await asked(builder, "react", tool("fly"), tool("bet", coins=1), of=spec(config={"spins": 1}))
    assert outcomes(episode) == ["valid"], episode.reason


async def test_a_system_prompt_stands_first(builder: Builder) -> None:
    for agent, reply in (("react", tool("leave")), ("choice", {"action": {"kind": "leave"}})):
        (step, *_) = (await asked(builder, agent, reply, system="You are bold.")).steps
        (call,) = [event.data for event in step.events if event.kind == "model_call"]
        assert call["messages"][0] == {"role": "system", "content": "You are bold."}


async def test_a_choice_can_be_read_from_the_probabilities_of_labels(builder: Builder) -> None:
    episode = await asked(builder, "choice", model="fake:first", read="probabilities", of=spec(Rps))
    throws = [step for step in episode.steps if step.seat != "nature"]
    assert [step.decision.move["hand"] for step in throws] == ["rock"] * 6, episode.reason
    (call,) = [event.data for event in throws[0].events if event.kind == "model_call"]
    assert set(call["choice_probabilities"]["options"]) == {"rock", "paper", "scissors"}


async def test_where_moves_are_no_labels_the_reply_is_structured(builder: Builder) -> None:
    """One token cannot tell a bet of three coins from a bet of one."""
    episode = await asked(builder, "choice", model="fake:first", read="probabilities", of=spec(config={"spins": 1}))
    (step, *_) = episode.steps
    assert (step.outcome, step.decision.move) == ("valid", BET), episode.reason
    (call,) = [event.data for event in step.events if event.kind == "model_call"]
    assert "choice_probabilities" not in call


async def test_a_seat_is_shown_as_many_past_turns_as_its_history_says(builder: Builder) -> None:
    for history, shown in ((None, [1, 3, 5]), (0, [1, 1, 1]), (1, [1, 3, 3])):
        extra = {} if history is None else {"history": history}
        episode = await asked(builder, "choice", {"action": {"kind": "pass"}}, **extra)
        calls = [event.data for step in episode.steps for event in step.events if event.kind == "model_call"]
        assert [len(call["messages"]) for call in calls] == shown


def test_a_correction_belongs_to_the_turn_that_it_corrects() -> None:
    thread = [HumanMessage("one"), AIMessage("a"), HumanMessage("two"), AIMessage("b"), HumanMessage(f"{NOT_LEGAL} b")]
    assert recent(thread, 0) == thread[2:]
    assert recent(thread, 1) == recent(thread, None) == recent(thread, 9) == thread


def test_labels_are_told_apart_after_what_they_share() -> None:
    assert _shared_beginning(["Action 1", "Action 2"]) == "Action "
    assert _shared_beginning(["A", "B"]) == ""
