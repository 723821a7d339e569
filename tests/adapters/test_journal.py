"""The journal as LangChain's cache: what was paid for is given again, and nothing else is changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.pregel import Pregel
from pydantic import Field

from sandbox.adapters import journal as module
from sandbox.adapters.journal import LIMIT, Journal, journalling
from sandbox.adapters.langgraph import GraphAgent
from sandbox.adapters.serial import dumps_message, openai_message
from sandbox.adapters.watch import LONGEST, bounded
from sandbox.trace import Episode, Event, Limits
from tests.toys import Rps, play, spec

LEAVE = '{"kind": "leave"}'
BET = '{"kind": "bet", "coins": 1}'


class Archive:
    """Keeps replies in memory; at once, or when `hold` is over."""

    def __init__(self, others: Archive | None = None) -> None:
        self.kept: dict[tuple[bytes, int], Mapping[str, Any]] = {}
        self.names: dict[bytes, Mapping[str, Any]] = {} if others is None else others.names
        self.held: list[Future[None]] | None = None

    def keep(
        self, ask: bytes, occurrence: int, place: int, reply: Mapping[str, Any], shared: bytes | None
    ) -> Future[None]:
        self.kept[ask, occurrence] = json.loads(json.dumps(reply))
        if shared is not None:
            self.names.setdefault(shared, reply)
        done: Future[None] = Future()
        if self.held is None:
            done.set_result(None)
        else:
            self.held.append(done)
        return done

    def shared(self, name: bytes) -> Mapping[str, Any] | None:
        return self.names.get(name)


class Counting(BaseChatModel):
    """Gives its replies one after the other, whatever it is asked, and counts: a model with noise."""

    replies: list[Any]
    asked: list[list[AnyMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "counting"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.asked.append(messages)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        message = reply.model_copy(deep=True) if isinstance(reply, AIMessage) else AIMessage(reply)
        message.usage_metadata = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self.asked.append(messages)
        yield ChatGenerationChunk(message=AIMessageChunk(content=self.replies[len(self.asked) - 1]))

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


def graph(node: Any) -> Pregel[Any, Any, Any, Any]:
    made = StateGraph(MessagesState)
    made.add_node("node", node)
    made.add_edge(START, "node")
    made.add_edge("node", END)
    return made.compile()


def asking(model: Any) -> Pregel[Any, Any, Any, Any]:
    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    return graph(node)


async def attempt(agent: Any, archive: Archive, known: Archive | None = None, **changes: Any) -> Episode:
    """One attempt at an episode; `known`: what the attempts before it kept."""
    options = {key: changes.pop(key) for key in ("sharing", "chance") if key in changes}
    with journalling(Journal(archive, dict(known.kept) if known else {}, **options)):
        return await play(GraphAgent(agent), spec(**changes))


def events(episode: Episode, kind: str = "model_call") -> list[Event]:
    return [event for step in episode.steps for event in step.events if event.kind == kind]


async def test_an_episode_that_begins_again_gets_its_replies_again_and_pays_for_none():
    archive = Archive()
    model = Counting(replies=[BET, "hm", BET, LEAVE])
    first = await attempt(asking(model), archive, config={"spins": 4}, limits=Limits(tokens=1000))
    assert len(model.asked) == 4
    again = await attempt(asking(model), Archive(), archive, config={"spins": 4}, limits=Limits(tokens=1000))
    assert len(model.asked) == 4
    assert again.hash == first.hash
    told = [event.data for event in events(first)]
    assert [(one["journalled"], one["cached"], "replayed" in one) for one in told] == [(True, False, False)] * 4
    for one, other in zip(told, (event.data for event in events(again)), strict=True):
        assert (other["journalled"], other["cached"], other["replayed"]) == (True, True, True)
        for name in ("messages", "reply", "tokens", "model", "date"):
            assert other[name] == one[name]
    assert not events(again, "divergence")


async def test_an_attempt_goes_on_from_the_first_reply_that_no_earlier_one_got():
    archive, cut = Archive(), Archive()
    model = Counting(replies=[BET, BET, BET, LEAVE])
    first = await attempt(asking(model), archive, config={"spins": 4})
    cut.kept = dict(list(archive.kept.items())[:2])
    rest = Counting(replies=[BET, LEAVE])
    again = await attempt(asking(rest), later := Archive(), cut, config={"spins": 4})
    assert (len(rest.asked), again.hash) == (2, first.hash)
    assert later.kept.keys() == set(list(archive.kept)[2:])
    assert not events(again, "divergence")


async def test_a_limit_counts_replies_given_again_like_any_other():
    archive = Archive()
    model = Counting(replies=[BET])
    changes: Any = {"config": {"spins": 9}, "item": {"id": "x", "purse": 9}, "limits": Limits(model_calls=2)}
    first = await attempt(asking(model), archive, **changes)
    again = await attempt(asking(model), Archive(), archive, **changes)
    assert (first.status, first.reason) == (again.status, again.reason) == ("truncated", "2 model calls")
    assert (first.hash, len(model.asked)) == (again.hash, 2)


async def test_equal_requests_are_told_apart_by_how_often_they_were_answered():
    """Also where calls failed in between: a call that was retried is not asked for again."""
    archive = Archive()
    model = Counting(replies=["one", ConnectionResetError("lost"), "two", "three"])

    async def node(state: MessagesState) -> dict[str, Any]:
        said = [str((await model.ainvoke("?")).text)]
        for _ in range(2):
            said.append(str((await model.with_retry(wait_exponential_jitter=False).ainvoke("?")).text))
        return {"messages": [AIMessage(json.dumps({"kind": "bet", "coins": 1, "note": " ".join(said)}))]}

    for known in (None, archive):
        episode = await attempt(graph(node), archive, known, config={"spins": 1})
        assert episode.steps[0].applied["note"] == "one two three"
    assert len(model.asked) == 4


async def test_nodes_that_are_plain_functions_on_threads_are_reached_too():
    archive = Archive()
    model = Counting(replies=[BET, LEAVE])
    made = graph(lambda state: {"messages": [model.invoke(state["messages"])]})
    first = await attempt(made, archive)
    again = await attempt(made, Archive(), archive)
    assert (len(model.asked), len(archive.kept), again.hash) == (2, 2, first.hash)


@tool
def ponder(what: str) -> str:
    """Think."""
    return f"{what}!"


async def test_tool_agents_and_message_streaming_are_reached():
    archive = Archive()
    call = {"name": "ponder", "args": {"what": "x"}, "id": "1", "type": "tool_call"}
    model = Counting(replies=[AIMessage("", tool_calls=[call]), LEAVE])
    agent = create_agent(model, [ponder])

    async def node(state: MessagesState) -> dict[str, Any]:
        *_, last = [part async for part in agent.astream(state, stream_mode="values")]
        return {"messages": last["messages"][-1:]}

    first = await attempt(graph(node), archive)
    again = await attempt(graph(node), Archive(), archive)
    assert (first.status, first.hash, len(model.asked)) == ("finished", again.hash, 2)


async def test_a_reply_reaches_the_graph_only_when_it_is_kept():
    archive = Archive()
    archive.held = []
    model = Counting(replies=[LEAVE])
    playing = asyncio.create_task(attempt(asking(model), archive))
    while not archive.held and not playing.done():
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not playing.done()
    archive.held[0].set_result(None)
    assert (await playing).status == "finished"


async def test_an_episode_that_is_given_up_leaves_the_one_who_keeps_alone():
    archive = Archive()
    archive.held = []
    playing = asyncio.create_task(attempt(asking(Counting(replies=[LEAVE])), archive))
    while not archive.held and not playing.done():
        await asyncio.sleep(0)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert not archive.held[0].cancelled()
    archive.held[0].set_result(None)


async def test_seats_that_move_at_once_and_ask_the_same_get_each_its_own_reply():
    archive = Archive()
    throws = [f'{{"kind": "throw", "hand": "{hand}"}}' for hand in ("rock", "paper", "scissors") * 2]

    async def both(model: Counting, known: Archive | None) -> Episode:
        async def node(state: MessagesState) -> dict[str, Any]:
            return {"messages": [await model.ainvoke("rock, paper or scissors?")]}

        agents = {seat: GraphAgent(graph(node)) for seat in ("ann", "ben")}
        with journalling(Journal(archive, dict(known.kept) if known else {})):
            return await play(agents, spec(Rps))

    first = await both(Counting(replies=throws), None)
    swapped = Counting(replies=["?"])
    again = await both(swapped, archive)
    assert (first.status, first.hash, swapped.asked) == ("finished", again.hash, [])


async def test_another_way_than_recorded_is_reported_once_and_goes_on_with_real_calls():
    archive = Archive()
    await attempt(asking(Counting(replies=[BET, BET, LEAVE])), archive, config={"spins": 4})
    rest = Counting(replies=[BET, BET, BET, LEAVE])

    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await rest.ainvoke([SystemMessage("new"), *state["messages"]])]}

    again = await attempt(graph(node), Archive(), archive, config={"spins": 4})
    (event,) = events(again, "divergence")
    assert event in again.steps[0].events
    assert dict(event.data) == {"answered": 0, "unused": 3}
    assert (again.status, len(rest.asked)) == ("finished", 4)


async def test_fewer_calls_than_recorded_are_reported_too():
    archive = Archive()
    model = Counting(replies=["hm", LEAVE, LEAVE])

    async def twice(state: MessagesState) -> dict[str, Any]:
        await model.ainvoke("what do you think?")
        return {"messages": [await model.ainvoke("and now?")]}

    async def once(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke("and now?")]}

    await attempt(graph(twice), archive)
    (event,) = events(await attempt(graph(once), Archive(), archive), "divergence")
    assert dict(event.data) == {"answered": 1, "unused": 1}


@pytest.mark.parametrize("bypass", ["stream", "cache=False", "a cache of its own"])
async def test_a_call_that_goes_round_the_journal_is_recorded_as_such(bypass: str):
    archive = Archive()
    model = Counting(replies=[LEAVE], cache={"stream": None, "cache=False": False}.get(bypass, InMemoryCache()))

    async def node(state: MessagesState) -> dict[str, Any]:
        if bypass == "stream":
            said = [str(part.text) async for part in model.astream(state["messages"])]
            return {"messages": [AIMessage("".join(said))]}
        return {"messages": [await model.ainvoke(state["messages"])]}

    episode = await attempt(graph(node), archive)
    (event,) = events(episode)
    assert (event.data["journalled"], event.data["cached"], archive.kept) == (False, False, {})
    if bypass == "a cache of its own":
        (event,) = events(await attempt(graph(node), archive))
        assert (event.data["journalled"], event.data["cached"]) == (False, True)


async def test_outside_episodes_a_cache_of_the_programs_is_asked_as_ever():
    """Within episodes it is not: all repetitions would get one reply from it."""
    model = Counting(replies=["outside", BET, LEAVE, "never"])
    set_llm_cache(theirs := InMemoryCache())
    try:
        await model.ainvoke("?")
        with journalling(Journal(Archive())):
            other = asyncio.create_task(_in_no_episode(model))
            await play(GraphAgent(asking(model)), spec())
            assert str((await other).text) == "outside"
        assert get_llm_cache() is theirs
        assert len(theirs._cache) == 1
        assert str((await model.ainvoke("?")).text) == "outside"
    finally:
        set_llm_cache(None)


async def _in_no_episode(model: BaseChatModel) -> AIMessage:
    module.JOURNAL.set(None)
    return await model.ainvoke("?")


async def test_a_cache_that_a_graph_sets_while_episodes_are_played_does_not_replace_the_journal():
    with journalling(Journal(Archive())):
        set_llm_cache(InMemoryCache())
        archive = Archive()
        await attempt(asking(Counting(replies=[LEAVE])), archive)
        assert len(archive.kept) == 1
    assert isinstance(get_llm_cache(), InMemoryCache)
    set_llm_cache(None)


async def test_episodes_share_replies_only_where_asked_and_repetitions_never_do():
    archive = Archive()
    model = Counting(replies=[BET, LEAVE])

    async def calls(**options: Any) -> int:
        before = len(model.asked)
        await attempt(asking(model), Archive(archive), **options)
        return len(model.asked) - before

    assert await calls(sharing="read", chance=(0, 0)) == 2
    assert await calls(sharing="write", chance=(0, 0)) == 1, "the second reply to everything is LEAVE"
    assert await calls(sharing="write", chance=(0, 0)) == 0
    assert await calls(sharing="read", chance=(0, 0)) == 0
    assert await calls(sharing="off", chance=(0, 0)) == 1
    assert await calls(sharing="read", chance=(1, 0)) == 1
    assert await calls(sharing="read", chance=(0, 1)) == 1


async def test_a_shared_reply_is_kept_as_the_episodes_own_and_is_no_cost():
    archive, mine = Archive(), Archive()
    model = Counting(replies=[LEAVE])
    await attempt(asking(model), archive, sharing="write")
    mine.names = archive.names
    taken = await attempt(asking(model), mine, sharing="read")
    (event,) = events(taken)
    assert (event.data["cached"], event.data["journalled"], "replayed" in event.data) == (True, True, False)
    again = await attempt(asking(model), Archive(), mine)
    assert (len(model.asked), again.hash) == (1, taken.hash)


async def test_what_is_no_json_in_a_reply_is_the_same_in_both_attempts():
    """A provider's own objects, not-a-number, lone surrogates: the next request holds them too."""
    odd = {"object": object(), "nan": float("nan"), "set": {1}, "pair": (1, 2), 3: "three"}
    archive = Archive()
    model = Counting(replies=[AIMessage(BET, response_metadata=odd), AIMessage("hm \ud83d"), LEAVE])
    first = await attempt(asking(model), archive, config={"spins": 3})
    again = await attempt(asking(model), Archive(), archive, config={"spins": 3})
    assert (len(model.asked), len(archive.kept), first.hash) == (3, 3, again.hash)


@pytest.mark.slow
async def test_a_reply_that_is_too_long_is_not_kept_and_its_event_is_cut():
    archive = Archive()
    long = "ä" * (LONGEST + 1)
    episode = await attempt(asking(Counting(replies=[long])), archive, limits=Limits(attempts=2))
    first, second = events(episode)[:2]
    assert archive.kept == {}
    assert not first.data["journalled"]
    cut = {"size": 2 * len(long), "sha256": hashlib.sha256(long.encode()).hexdigest()}
    assert first.data["reply"] == {"role": "assistant", "content": long[:LONGEST], "truncated": cut}
    assert second.data["messages"][1] == first.data["reply"]
    assert len(episode.steps[0].said) == LONGEST


async def test_a_reply_with_a_long_call_is_not_kept_either():
    call = {"name": "bet", "args": {"coins": 1, "note": "x" * LIMIT}, "id": "1", "type": "tool_call"}
    archive = Archive()
    episode = await attempt(asking(Counting(replies=[AIMessage("", tool_calls=[call])])), archive)
    reply = events(episode)[0].data["reply"]
    assert archive.kept == {}
    assert reply["tool_calls"][0]["function"]["truncated"]["size"] > LIMIT


async def test_a_long_text_that_a_provider_puts_beside_its_reply_is_cut():
    about = {"logprobs": "x" * (LONGEST + 1), "finish_reason": "stop"}
    episode = await attempt(asking(Counting(replies=[AIMessage(LEAVE, response_metadata=about)])), Archive())
    (call,) = events(episode)
    assert (len(call.data["logprobs"]), call.data["truncated"]["size"]) == (LONGEST, LONGEST + 1)
    assert call.data["finish_reason"] == "stop"


def test_long_texts_are_cut_wherever_they_are():
    long = "x" * (LONGEST + 1)
    found = bounded({"a": [{"b": long}, long, "short"], "n": 1})
    assert [found["a"][0]["truncated"]["size"], found["a"][1]["truncated"]["size"]] == [len(long)] * 2
    assert (found["a"][2], found["n"]) == ("short", 1)


CALL = {"name": "ponder", "args": {"what": "x", "total_cost": 0}, "id": "1", "type": "tool_call"}
MESSAGES = [
    SystemMessage("Sit.", id="s"),
    HumanMessage([{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}], id="h"),
    AIMessage(
        "é \u2028", tool_calls=[CALL], id="a", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    ),
    ToolMessage("done", tool_call_id="1", name="ponder", artifact=object),
    AIMessage("", additional_kwargs={"lc": 1}, response_metadata={"n": 1.0, "b": True}, example="extra"),
    AIMessage("", additional_kwargs={"lc": 1}, response_metadata={"n": 1, "b": 1}),
    HumanMessage("again \ud83d", name="bob"),
]


def test_the_text_of_a_request_is_langchains_own_byte_by_byte():
    assert [dumps_message(message) for message in MESSAGES] == [dumps(message) for message in MESSAGES]
    with journalling(Journal(Archive())):
        for some in (MESSAGES, MESSAGES[::-1], MESSAGES[:1], []):
            bare = [message.model_copy(update={"id": None}) for message in some]
            assert module._dumps(bare) == dumps(bare)
            assert module._dumps(bare) == dumps(bare)


def test_a_message_in_openais_form_is_as_langchain_writes_it():
    named = AIMessage("Hm.", name="eve", additional_kwargs={"refusal": "no"})
    for message in (*MESSAGES, named, SystemMessage("", additional_kwargs={"__openai_role__": "developer"})):
        found = openai_message(message)
        assert list(found.items()) == list(convert_to_openai_messages(message).items())


def test_a_tools_result_that_is_neither_true_nor_false_is_left_to_langchain():
    message = ToolMessage("done", tool_call_id="1", artifact=np.zeros(2))
    assert dumps_message(message) == dumps(message)


def test_a_message_that_is_changed_in_place_is_another_message():
    message = AIMessage("x", response_metadata={"n": 1})
    with journalling(Journal(Archive())):
        before = module._dumps([message])
        message.response_metadata["n"] = 2
        assert module._dumps([message]) == dumps([message]) != before


ASK = """
import json, sys
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from sandbox.adapters.fake_model import FakeChatModel
from sandbox.adapters.journal import _ask
from langchain_core.load import dumps

def answer(n: int) -> int:
    "Answer."
    return n

models = [FakeChatModel(rule="first", temperature=0.5), FakeListChatModel(responses=["x"])]
try:
    from langchain_openai import ChatOpenAI
    models.append(ChatOpenAI(model="gpt-4o", temperature=0, api_key=sys.argv[1]))
except ImportError:
    pass
for model in models:
    told = model._get_llm_string(stop=None, tools=[{"type": "function"}], response_format=answer)
    assert sys.argv[1] not in told
    print(_ask("seat", dumps([HumanMessage("hi", artifact=answer)]), told).hex())
"""


@pytest.mark.slow
def test_a_request_is_the_same_in_every_process_and_for_every_key(capsys: pytest.CaptureFixture[str]):
    """No addresses of objects, and no secrets: a key that was renewed must not make the episode pay again."""
    exec(ASK.replace("sys.argv[1]", "'sk-1'"), {})
    here = capsys.readouterr().out
    there = subprocess.run([sys.executable, "-c", ASK, "sk-2"], capture_output=True, text=True)
    assert there.returncode == 0, there.stderr
    assert len(set(here.split())) >= 2
    assert there.stdout == here


async def test_models_that_only_complete_texts_are_reached_too():
    from langchain_core.language_models import FakeListLLM

    archive = Archive()
    model = FakeListLLM(responses=[LEAVE, "never"])

    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(await model.ainvoke("what now?"))]}

    first = await attempt(graph(node), archive)
    again = await attempt(graph(node), Archive(), archive)
    assert (len(archive.kept), first.hash) == (1, again.hash)


async def test_replies_that_are_kept_together_wake_the_loop_once_and_a_fault_reaches_its_own_episode(
    monkeypatch: pytest.MonkeyPatch,
):
    """The writer's thread would wake it through a socket for each reply of a group commit."""
    loop, wakes = asyncio.get_running_loop(), []
    real = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *args: (wakes.append(1), real(*args))[1])
    kept: list[Future[None]] = [Future() for _ in range(3)]
    waiting = [asyncio.ensure_future(module._done(one)) for one in kept]
    await asyncio.sleep(0)
    kept[0].set_result(None)
    kept[1].set_exception(OSError("full"))
    kept[2].set_result(None)
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(one) for one in found] == ["None", "full", "None"]
    assert len(wakes) == 1
