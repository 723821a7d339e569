"""A turn goes into a graph as messages or declared keys, and exactly one action is read from what comes out."""

from __future__ import annotations

import asyncio
import operator
import time
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel
from typing_extensions import TypedDict

from sandbox.adapters.fake_model import FakeChatModel
from sandbox.adapters.langgraph import HYPOTHETICAL, NOT_LEGAL, GraphAgent, Runtime, is_refusal
from sandbox.errors import ModelError
from sandbox.trace import Episode, Limits
from tests.toys import Bet, Leave, Rps, play, spec

ONE = Limits(attempts=1)
LEGAL = "Legal now: bet(coins: 1 to 3, note: text, may be left out); pass(); leave()"


class Acting(TypedDict):
    observation: dict[str, Any]
    action: Any


def single(state: Any, node: Any, **options: Any) -> Any:
    graph = StateGraph(state)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    return graph.compile(**options)


def said(*messages: AIMessage) -> Any:
    """A graph that gives these messages, one per call in its thread."""

    def node(state: MessagesState) -> dict[str, Any]:
        turn = sum(isinstance(message, AIMessage) for message in state["messages"])
        return {"messages": [messages[min(turn, len(messages) - 1)].model_copy()]}

    return single(MessagesState, node)


def call(name: str, n: int = 0, **args: Any) -> Any:
    return {"name": name, "args": args, "id": f"{name}-{n}"}


async def first_step(graph: Any, **changes: Any) -> Any:
    episode = await play(GraphAgent(graph), spec(limits=ONE, **changes))
    return next(step for step in episode.steps if step.seat == "player")


BET = {"kind": "bet", "coins": 1, "note": ""}


@pytest.mark.parametrize(
    ("message", "outcome", "decided"),
    [
        (AIMessage("", tool_calls=[call("bet", coins=1)]), "valid", BET),
        (AIMessage('{"kind": "bet", "coins": 1}'), "valid", BET),
        (AIMessage('```json\n{"kind": "bet", "coins": 1}\n```'), "valid", BET),
        (AIMessage('{"action": {"kind": "bet", "coins": 1}}'), "valid", BET),
        (AIMessage([{"type": "text", "text": '{"kind": "bet", "coins": 1}'}]), "valid", BET),
        (AIMessage("", tool_calls=[call("pass")]), "abstention", {"kind": "pass"}),
        (AIMessage("", tool_calls=[call("bet", coins=1, kind="leave")]), "valid", BET),
        (AIMessage("I would bet one coin."), "unparsed", None),
        (AIMessage(""), "unparsed", None),
        (AIMessage('{"kind": "bet", "coins": '), "unparsed", None),
        (AIMessage('First {"kind": "bet", "coins": 1} then {"kind": "leave"}'), "unparsed", None),
        (AIMessage("[1, 2]"), "unparsed", None),
        (AIMessage("{" * 100_000), "unparsed", None),
        (AIMessage("", tool_calls=[call("bet", 1, coins=1), call("bet", 2, coins=1)]), "invalid", None),
        (AIMessage("", tool_calls=[call("bet", coins=1), call("leave")]), "invalid", None),
        (AIMessage("", tool_calls=[call("fly")]), "invalid", None),
        (AIMessage("", tool_calls=[call("bet", coins=99)]), "invalid", None),
        (AIMessage("", tool_calls=[call("bet", coins="some")]), "invalid", None),
        (AIMessage("I'm sorry, but I can't help with that."), "refusal", None),
        (AIMessage("No.", additional_kwargs={"refusal": "policy"}), "refusal", None),
    ],
    ids=lambda value: str(getattr(value, "content", value))[:30],
)
async def test_exactly_one_action_is_read_and_nothing_is_guessed(
    message: AIMessage, outcome: str, decided: Any
) -> None:
    step = await first_step(said(message))
    assert (step.outcome, step.decision and dict(step.decision.move)) == (outcome, decided)
    if decided is None:
        assert step.applied == {"kind": "pass"}, "the declared forfeit"
        assert [event.kind for event in step.events if event.kind in ("invalid", "refusal")] == [
            "refusal" if outcome == "refusal" else "invalid"
        ]
    assert step.said == str(message.text)


async def test_a_text_of_ten_megabytes_is_an_error_that_says_what_is_legal() -> None:
    step = await first_step(said(AIMessage("", tool_calls=[call("bet", coins=1, note="x" * 10**7)])))
    (event,) = [event for event in step.events if event.kind == "invalid"]
    assert (step.outcome, step.decision, event.data["code"]) == ("invalid", None, "illegal")
    assert event.data["message"] == f"a text in the action has more than 1,048,576 characters. {LEGAL}"


async def test_two_calls_at_once_are_told_apart_from_none() -> None:
    two = AIMessage("", tool_calls=[call("bet", 1, coins=1), call("leave", 2)])
    step = await first_step(said(two))
    (event,) = [event for event in step.events if event.kind == "invalid"]
    assert (event.data["code"], event.data["message"]) == (
        "several",
        "2 actions at once (bet, leave); give exactly one",
    )


@pytest.mark.parametrize(
    "action", [Bet(coins=2), {"kind": "bet", "coins": 2}, {"action": {"kind": "bet", "coins": 2}}], ids=str
)
async def test_a_graph_with_declared_keys_reads_the_observation_and_sets_the_action(action: Any) -> None:
    got: list[Any] = []

    def node(state: Acting) -> dict[str, Any]:
        got.append(state["observation"])
        return {"action": action}

    step = await first_step(single(Acting, node))
    assert got[0] == {"purse": 3, "left": 3}
    assert step.decision.move == {"kind": "bet", "coins": 2, "note": ""}


async def test_a_graph_may_read_the_menu_and_keep_keys_of_its_own() -> None:
    class Counting(TypedDict):
        menu: list[dict[str, Any]]
        action: Any
        seen: Annotated[list[int], operator.add]

    def node(state: Counting) -> dict[str, Any]:
        seen = [*state.get("seen", []), len(state.get("seen", []))]
        return {"action": {"kind": "bet", "coins": len(seen)}, "seen": [len(seen)]}

    episode = await play(GraphAgent(single(Counting, node)), spec(config={"spins": 2}))
    assert [step.decision.move["coins"] for step in episode.steps if step.decision] == [1, 2]


async def test_an_action_of_the_turn_before_is_no_answer_to_this_one() -> None:
    """With and without a checkpointer: a graph that falls silent after its first action is invalid from then on."""

    class Silent(TypedDict):
        messages: Annotated[list[AnyMessage], add_messages]
        action: Any

    def node(state: Silent) -> dict[str, Any]:
        asked = sum(isinstance(message, HumanMessage) for message in state["messages"])
        return {"action": {"kind": "bet", "coins": 1}} if asked == 1 else {"messages": [AIMessage("hm")]}

    for options in ({}, {"checkpointer": InMemorySaver()}):
        episode = await play(GraphAgent(single(Silent, node, **options)), spec(limits=ONE))
        assert [step.outcome for step in episode.steps if step.seat == "player"] == ["valid", "unparsed", "unparsed"]


async def test_a_graph_that_has_none_of_the_keys_is_an_error_that_says_so() -> None:
    class Other(TypedDict):
        question: str

    episode = await play(GraphAgent(single(Other, lambda state: {})))
    assert episode.status == "error"
    assert "none of the keys messages, observation, menu (it has: question)" in episode.reason


def script(*replies: Any) -> FakeChatModel:
    return FakeChatModel(rule="script", replies=list(replies))


def listening(**options: Any) -> tuple[Any, list[list[AnyMessage]]]:
    """A graph that bets one coin by a tool call each turn, and what it read."""
    read: list[list[AnyMessage]] = []

    def node(state: MessagesState) -> dict[str, Any]:
        read.append(list(state["messages"]))
        n = len(state["messages"])
        return {"messages": [AIMessage("", tool_calls=[call("bet", n, coins=1)])]}

    return single(MessagesState, node, **options), read


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "checkpointer"])
async def test_the_thread_is_kept_across_steps_and_each_call_gets_its_result(checkpointer: Any) -> None:
    graph, read = listening(checkpointer=checkpointer)
    episode = await play(GraphAgent(graph), spec(seed=1, item={"id": "x", "purse": 8}))
    assert [step.outcome for step in episode.steps if step.seat == "player"] == ["valid"] * 3, episode.reason
    assert [[type(message) for message in messages] for messages in read] == [
        [HumanMessage, *[AIMessage, ToolMessage, HumanMessage] * n] for n in range(3)
    ]
    assert read[2][0].text == "purse: 8\nleft: 3"
    assert read[1][2].content == "taken"
    for messages in read:
        called = {c["id"] for message in messages if isinstance(message, AIMessage) for c in message.tool_calls}
        assert called == {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "checkpointer"])
async def test_an_illegal_answer_is_asked_again_in_the_same_thread(checkpointer: Any) -> None:
    read: list[list[AnyMessage]] = []

    def node(state: MessagesState) -> dict[str, Any]:
        read.append(list(state["messages"]))
        coins = 99 if len(read) < 3 else 1
        return {"messages": [AIMessage("", tool_calls=[call("bet", len(read), coins=coins)])]}

    graph = single(MessagesState, node, checkpointer=checkpointer)
    episode = await play(GraphAgent(graph), spec(config={"spins": 1}))
    (step, _) = episode.steps
    assert (step.outcome, [event.kind for event in step.events].count("invalid")) == ("valid", 2)
    assert [message.text for message in read[2] if isinstance(message, HumanMessage)] == [
        "purse: 3\nleft: 1",
        *[f"{NOT_LEGAL} bet(coins=99) is not legal now. {LEGAL}"] * 2,
    ]
    assert [message.content for message in read[2] if isinstance(message, ToolMessage)] == ["not legal", "not legal"]


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "checkpointer"])
async def test_seats_and_episodes_have_threads_of_their_own(checkpointer: Any) -> None:
    read: list[int] = []

    def node(state: MessagesState) -> dict[str, Any]:
        read.append(len(state["messages"]))
        return {"messages": [AIMessage('{"kind": "throw", "hand": "rock"}')]}

    graph = single(MessagesState, node, checkpointer=checkpointer)
    specs = [spec(Rps, seed=seed) for seed in range(3)]
    agents = [{seat: GraphAgent(graph) for seat in ("ann", "ben")} for _ in specs]
    await asyncio.gather(*(play(pair, of) for pair, of in zip(agents, specs, strict=True)))
    assert sorted(read) == [1] * 6 + [3] * 6 + [5] * 6


async def test_a_checkpointer_that_has_seen_the_episode_before_begins_it_anew() -> None:
    """The same specification gives the same trace, also in one process, after an error or in another store."""
    graph, read = listening(checkpointer=InMemorySaver())
    one = await play(GraphAgent(graph), spec(config={"spins": 2}))
    other = await play(GraphAgent(graph), spec(config={"spins": 2}))
    assert one.hash == other.hash
    assert [len(messages) for messages in read] == [1, 4, 1, 4]


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "checkpointer"])
async def test_a_hypothetical_question_is_asked_on_an_empty_thread_and_says_what_it_is(checkpointer: Any) -> None:
    graph, read = listening(checkpointer=checkpointer)
    episode = await play(GraphAgent(graph), spec(framing="hypothetical", config={"spins": 2}))
    assert len([step for step in episode.steps if step.seat == "player"]) == 2
    assert [len(messages) for messages in read] == [1, 1]
    assert read[0][0].text == f"{HYPOTHETICAL}\n\npurse: 3\nleft: 2"


async def test_a_graph_that_keeps_no_history_is_shown_the_observation_again_with_the_error() -> None:
    class Last(TypedDict):
        messages: list[AnyMessage]

    read: list[list[AnyMessage]] = []

    def node(state: Last) -> dict[str, Any]:
        read.append(state["messages"])
        return {"messages": [AIMessage("hm" if len(read) == 1 else '{"kind": "leave"}')]}

    episode = await play(GraphAgent(single(Last, node)))
    assert (episode.steps[0].outcome, episode.steps[0].said) == ("valid", '{"kind": "leave"}')
    assert read[1][-1].text.startswith(f"purse: 3\nleft: 3\n\n{NOT_LEGAL} no action was found in the reply.")


@tool
def multiply(a: int, b: int) -> int:
    """Multiply."""
    return a * b


async def test_an_agent_may_use_a_tool_of_its_own_before_it_acts_and_all_of_it_is_recorded() -> None:
    model = script({"tool": "multiply", "args": {"a": 2, "b": 3}}, '{"kind": "bet", "coins": 1}')
    step = await first_step(create_agent(model, [multiply]), config={"spins": 1})
    assert (step.outcome, step.decision.move) == ("valid", BET)
    kinds = [event.kind for event in step.events]
    assert kinds == ["node", "model_call", "node", "tool_call", "node", "model_call"]
    assert [event.data["node"] for event in step.events if event.kind == "node"] == ["model", "tools", "model"]
    used = step.events[3].data
    assert (used["tool"], used["output"]) == ("multiply", "6")
    first, second = (event.data for event in step.events if event.kind == "model_call")
    assert first["messages"] == [{"role": "user", "content": "purse: 3\nleft: 1"}]
    assert first["reply"]["tool_calls"][0]["function"]["name"] == "multiply"
    assert first["model"] == "fake:script"
    assert first["finish_reason"] == "stop"
    assert first["tokens"]["total"] == first["tokens"]["input"] + first["tokens"]["output"] > 0
    assert first["cached"] is False
    assert [tool["function"]["name"] for tool in first["tools"]] == ["multiply"]
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool"]
    assert second["reply"]["content"] == '{"kind": "bet", "coins": 1}'


async def test_a_structured_response_is_the_action() -> None:
    class Answer(BaseModel):
        kind: str
        coins: int = 0

    model = script({"tool": "Answer", "args": {"kind": "bet", "coins": 1}})
    for options in ({}, {"checkpointer": InMemorySaver()}):
        agent = GraphAgent(create_agent(model, [], response_format=Answer, **options))
        episode = await play(agent, spec(seed=1, item={"id": "x", "purse": 8}))
        decided = [step.decision.move for step in episode.steps if step.seat == "player"]
        assert decided == [BET] * 3, episode.reason


async def test_a_graph_that_goes_round_in_circles_has_given_no_action() -> None:
    model = script({"tool": "multiply", "args": {"a": 1, "b": 1}})
    step = await first_step(create_agent(model, [multiply]), config={"spins": 1})
    assert step.outcome == "unparsed"
    assert "no action within 50 nodes" in step.events[-1].data["message"]


async def test_nodes_can_read_the_turn_and_offer_its_actions() -> None:
    runtime, offered = Runtime(), []

    def node(state: MessagesState) -> dict[str, Any]:
        offered.append((runtime.turn().seat, runtime.tools(), runtime.schema()))
        return {"messages": [AIMessage('{"kind": "leave"}')]}

    await play(GraphAgent(single(MessagesState, node)))
    seat, tools, schema = offered[0]
    assert (seat, [tool["function"]["name"] for tool in tools]) == ("player", ["bet", "pass", "leave"])
    assert schema["title"] == "answer"
    assert (schema["type"], schema["required"]) == ("object", ["action"])


async def test_a_node_that_raises_ends_the_episode_in_error_with_its_reason() -> None:
    def node(state: MessagesState) -> dict[str, Any]:
        raise ZeroDivisionError("by nought")

    episode = await play(GraphAgent(single(MessagesState, node)))
    assert episode.status == "error"
    assert "ZeroDivisionError: by nought" in episode.reason


async def test_a_model_that_cannot_be_reached_leaves_the_episode_to_be_run() -> None:
    def node(state: MessagesState) -> dict[str, Any]:
        raise ConnectionRefusedError("port 11434")

    with pytest.raises(ModelError, match="cannot be reached"):
        await play(GraphAgent(single(MessagesState, node)))


async def test_a_graph_of_which_the_result_is_no_mapping_is_an_error() -> None:
    class State(BaseModel):
        messages: Annotated[list[AnyMessage], add_messages]

    episode = await play(GraphAgent(single(State, lambda state: {"messages": [AIMessage('{"kind": "leave"}')]})))
    assert (episode.status, episode.steps[0].applied) == ("finished", Leave().model_dump())


async def test_an_asynchronous_graph_and_a_subgraph_are_graphs_too() -> None:
    async def node(state: MessagesState) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"messages": [AIMessage('{"kind": "leave"}')]}

    inner = single(MessagesState, node)
    outer = StateGraph(MessagesState)
    outer.add_node("inner", inner)
    outer.add_edge(START, "inner")
    episode: Episode = await play(GraphAgent(outer.compile()))
    assert (episode.status, episode.steps[0].outcome) == ("finished", "valid")
    assert [event.data["node"] for event in episode.steps[0].events] == ["inner", "node"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("Sorry, I cannot do this.", True),
        ("I cannot choose between them.", True),
        ("I\u2019m unable to decide.", True),
        ("As an AI, I can't have preferences.", True),
        ("I must decline.", True),
        ("Unfortunately, I won't take part.", True),
        ("I refuse.", True),
        ("No. I will not play.", True),
        ("I'd rather not take part in this.", True),
        ("I do not want to play this game.", True),
        ("I'm afraid I can't do that.", True),
        ("As a large language model, I cannot take part.", True),
        ("I must respectfully decline.", True),
        ("I decline your offer: how about 60?", False),
        ("I refuse the 40. I'd accept 50.", False),
        ("No deal. I want 60.", False),
        ("I would not refuse: option A.", False),
        ("Option A. I can't see any harm in it.", False),
        ("I can do that.", False),
        ("", False),
    ],
)
def test_a_refusal_begins_as_refusals_do(text: str, refused: bool) -> None:
    assert is_refusal(AIMessage(text)) is refused


@pytest.mark.parametrize("text", ["as an ai " * 20_000, "as an ai as an ai, " * 9_000, "sorry, no, " * 20_000])
def test_no_text_makes_the_rule_for_refusals_slow(text: str) -> None:
    begun = time.process_time()
    assert not is_refusal(AIMessage(text))
    assert time.process_time() - begun < 0.5
