"""Any LangGraph graph as an agent: a turn goes in as messages or declared keys, an action is read from what comes out.

A graph is compiled once and shared by all episodes; each seat of each episode has a thread of its own. A graph without
a checkpointer gets its last state back at the next turn, so that nothing is written to disk; one with a checkpointer
gets the new message only, under `thread_id` = episode/seat, which is emptied first. A hypothetical question has no
history: its thread is empty.

What is read from a graph's result, in this order: the state key `action`; `structured_response` (create_agent's
`response_format`); the tool calls of the turn's messages that name a legal kind of action; the last message's text, if
it is one JSON object. Exactly one action must be there: prose is unparsed, two calls are an invalid action, and nothing
is guessed.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from typing import Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # no arbitrary types out of a checkpoint

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.constants import START
from langgraph.errors import GraphRecursionError
from langgraph.pregel import Pregel
from pydantic import BaseModel

from sandbox.adapters.call_faults import unreachable
from sandbox.adapters.journal import JOURNAL
from sandbox.adapters.models import chat_model
from sandbox.adapters.traffic import TrafficControl
from sandbox.adapters.watch import LONGEST, Watch, conversation
from sandbox.agent import HYPOTHETICAL as HYPOTHETICAL
from sandbox.agent import PLAYING, Agent, NoConfig, Reply, Turn
from sandbox.errors import PluginError
from sandbox.menu import InvalidAction, MoveRange, kind_of, legal, moves, schema, tools

NOT_LEGAL = "That was not a legal action:"
RECURSION_LIMIT = 50  # nodes that a graph may visit in one turn
PER_TURN = frozenset({"observation", "action", "menu", "structured_response"})  # not handed on to the next turn


class Runtime:
    """What a factory `(config, runtime) -> graph` may use: models by name, and inside nodes the turn being played."""

    def __init__(self, traffic: TrafficControl | None = None) -> None:
        self._traffic = traffic or TrafficControl()

    def model(self, name: str, **parameters: Any) -> BaseChatModel:
        """The chat model called `name` (`local:smollm2`, `openai:...`, `fake:first`); see `sandbox.adapters.models`."""
        return chat_model(name, traffic=self._traffic.of(name), **parameters)

    def turn(self) -> Turn:
        """The turn being played; inside nodes, tools and middleware only."""
        return PLAYING.get()

    def tools(self) -> list[dict[str, Any]]:
        """The legal actions as tool definitions in OpenAI's form, which every LangChain model takes."""
        return [{"type": "function", "function": tool} for tool in tools(self.turn().menu)]

    def schema(self) -> dict[str, Any]:
        """A JSON schema that every legal action fits, with an object at its top."""
        found = schema(self.turn().menu)
        if "anyOf" in found:  # providers want an object there
            shared = {"$defs": found.pop("$defs")} if "$defs" in found else {}
            found = {
                "type": "object",
                "properties": {"action": found},
                "required": ["action"],
                "additionalProperties": False,
                **shared,
            }
        return {"title": "answer", "description": "The action to take.", **found}


class GraphAgent(Agent[NoConfig]):
    """One seat's conversation with a graph."""

    def __init__(self, graph: Pregel[Any, Any, Any, Any]) -> None:
        super().__init__(NoConfig())
        self._graph = graph
        self._keys = set(graph.channels)
        self._checkpointer = graph.checkpointer if isinstance(graph.checkpointer, BaseCheckpointSaver) else None
        self._state: dict[str, Any] = {}
        self._told = conversation()
        self._new = True
        self._thread = ""  # the checkpointer's that was written last
        self._asked: Counter[str] = Counter()  # a turn may be asked again without an error: after a scroll, say
        self._forked_from: str | None = None

    def fork(self) -> GraphAgent:
        """A copy that has the conversation so far; it has a thread of its own, which it empties."""
        fork = copy(self)
        fork._state = {key: value if key == "messages" else deepcopy(value) for key, value in self._state.items()}
        fork._forked_from = self._thread
        fork._asked = self._asked.copy()
        return fork

    @property
    def _keeps_state(self) -> bool:
        """Whether the state is kept here from turn to turn, and not in a checkpointer's thread."""
        return self._checkpointer is None or self._forked_from is not None

    async def act(self, turn: Turn) -> Reply:
        """Invoke the graph once; its action ends the turn."""
        config = self._config(turn)
        config["callbacks"] = [Watch(turn.emit, self._told)]
        before = await self._before(turn, config)
        asked = self._message(turn, before)
        token = PLAYING.set(turn)
        try:
            state = await self._graph.ainvoke(self._input(turn, before, asked), config)
        except GraphRecursionError:
            fault = f"no action within {RECURSION_LIMIT} nodes. {legal(turn.menu)}"
            return Reply(None, error=InvalidAction("unparsed", fault))
        except Exception as error:
            lost = unreachable(error)
            if lost is None:
                raise
            raise lost from error
        else:
            journal = JOURNAL.get(None)
            if journal and self._forked_from is None:  # after a fork's the same turn goes on
                journal.end_of_turn()
        finally:
            PLAYING.reset(token)
            if self._checkpointer is not None and self._forked_from is not None:
                await self._checkpointer.adelete_thread(self._thread)
        if not isinstance(state, Mapping):
            raise PluginError(f"the graph returned {type(state).__name__}; a graph's state must be a mapping")
        if self._keeps_state:
            self._state = {key: value for key, value in state.items() if key not in PER_TURN}
        reply = self._read(turn, state, before, _after(asked, before, state.get("messages", ())))
        if _is_too_long(reply.action):
            fault = f"a text in the action has more than {LONGEST:,} characters. {legal(turn.menu)}"
            long = InvalidAction("illegal", fault)
            return Reply(None, reply.text, error=long)
        return reply

    async def witness(self, turn: Turn, reply: Reply) -> None:
        """Put the observation and the answer into the thread, as if the model had answered so; it is not called.

        The answer is there as words and as the JSON of the action, since nothing says which tools the graph has.
        """
        config = self._config(turn)
        before = await self._before(turn, config)
        if "messages" not in self._keys:
            return
        asked = self._message(turn, before)
        past = list(before.get("messages", ()))
        new = [*_answered(past, turn), asked, AIMessage(_answer(reply))]
        if self._keeps_state:
            self._state = {**before, "messages": [*past, *new]}
        else:
            await self._graph.aupdate_state(config, {"messages": new}, as_node=START)

    def _config(self, turn: Turn) -> RunnableConfig:
        """How the graph is invoked."""
        config = RunnableConfig(recursion_limit=RECURSION_LIMIT)
        if self._checkpointer is not None:  # to others it only costs: LangGraph writes it into what callbacks are told
            self._thread = f"{turn.episode}/{turn.seat}"
            config["configurable"] = {"thread_id": self._thread}
        return config

    def _message(self, turn: Turn, before: Mapping[str, Any]) -> HumanMessage:
        """The message that asks."""
        name = _name(turn, len(turn.errors))
        again = f"/{self._asked[name]}" if self._asked[name] else ""  # one of the same id would take the other's place
        self._asked[name] += 1
        return HumanMessage(_content(turn, _question(turn, before)), id=f"{name}{again}")

    async def _before(self, turn: Turn, config: RunnableConfig) -> Mapping[str, Any]:
        """The thread's state before the turn; empty at the first, and at each question of a hypothetical episode."""
        if self._forked_from is not None:
            if self._checkpointer is not None and not turn.errors:
                parent = RunnableConfig(configurable={"thread_id": self._forked_from})
                found = (await self._graph.aget_state(parent)).values if self._forked_from else {}
                self._state = {key: value for key, value in found.items() if key not in PER_TURN}
                await self._checkpointer.adelete_thread(config["configurable"]["thread_id"])
            return self._state
        fresh = self._new or (turn.framing == "hypothetical" and not turn.errors)
        self._new = False
        if self._checkpointer is None:
            if fresh:
                self._state = {}
            return self._state
        if fresh:  # an earlier attempt at the same episode may have left something
            await self._checkpointer.adelete_thread(config["configurable"]["thread_id"])
            return {}
        kept: Mapping[str, Any] = (await self._graph.aget_state(config)).values
        return kept

    def _input(self, turn: Turn, before: Mapping[str, Any], asked: HumanMessage) -> dict[str, Any]:
        sent: dict[str, Any] = {}
        if "observation" in self._keys:
            sent["observation"] = turn.observation.model_dump(mode="json")
        if "menu" in self._keys:
            sent["menu"] = [move.model_dump(mode="json") for move in moves(turn.menu)]
        if "messages" in self._keys:
            past = list(before.get("messages", ()))
            sent["messages"] = [*(past if self._keeps_state else ()), *_answered(past, turn), asked]
        if not sent:
            known = ", ".join(sorted(key for key in self._keys if not key.startswith(("__", "branch:"))))
            raise PluginError(f"the graph's state has none of the keys messages, observation, menu (it has: {known})")
        if self._keeps_state:
            return {**before, **sent}
        return {**sent, "action": None} if "action" in self._keys else sent  # the last turn's is no answer to this one

    def _read(
        self, turn: Turn, state: Mapping[str, Any], before: Mapping[str, Any], new: Sequence[AnyMessage]
    ) -> Reply:
        spoken = [message for message in new if isinstance(message, AIMessage)]
        # A longer text is in the events, with its size and hash.
        texts = [_text(message) for message in spoken]
        text = "\n".join(one[:LONGEST] for one in texts if one)[:LONGEST]
        if state.get("action") is not None:
            return Reply(_plain(state["action"]), text)
        structured = state.get("structured_response")
        if structured is not None:
            called = any(isinstance(message, ToolMessage) for message in new)
            if called or structured != before.get("structured_response"):
                return Reply(_plain(structured), text)
        calls = [call for message in spoken for call in message.tool_calls]
        if calls:
            kinds = {kind_of(entry.kind if isinstance(entry, MoveRange) else entry) for entry in turn.menu}
            ended = {message.tool_call_id for message in new if isinstance(message, ToolMessage)}
            # A call of the graph's own tools (a calculator) has its result beside it; what is left was meant as the
            # action.
            calls = [call for call in calls if call["name"] in kinds or call["id"] not in ended]
        if len(calls) > 1:
            names = ", ".join(call["name"] for call in calls)
            fault = InvalidAction("several", f"{len(calls)} actions at once ({names}); give exactly one")
            return Reply(None, text, error=fault)
        if calls:
            return Reply({**calls[0]["args"], "kind": calls[0]["name"]}, text)
        action = _json_object(texts[-1]) if spoken else None
        refused = action is None and bool(spoken) and is_refusal(spoken[-1])
        return Reply(action, text, refused=refused)


def prompt(turn: Turn) -> str:
    """What an agent reads at a turn: the framing, if it is hypothetical, and the observation; or what was wrong."""
    if turn.errors:
        return f"{NOT_LEGAL} {turn.errors[-1].message}"
    return f"{HYPOTHETICAL}\n\n{turn.text}" if turn.framing == "hypothetical" else turn.text


def _question(turn: Turn, before: Mapping[str, Any]) -> str:
    """The prompt, with the observation again where the thread does not hold it any more."""
    if turn.errors and all(getattr(message, "id", None) != _name(turn, 0) for message in before.get("messages", ())):
        return f"{prompt(replace(turn, errors=()))}\n\n{prompt(turn)}"
    return prompt(turn)


def _answer(reply: Reply) -> str:
    """An answer as a model would have written it: its words, and the action's JSON where that is not among them."""
    if reply.action is None:
        return reply.text
    action = reply.action.model_dump(mode="json") if isinstance(reply.action, BaseModel) else dict(reply.action)
    if _json_object(reply.text) == action:
        return reply.text
    return "\n\n".join(part for part in (reply.text, json.dumps(action, ensure_ascii=False)) if part)


def _content(turn: Turn, text: str) -> Any:
    """What the message that asks holds: the text, and beside it the pictures, in LangChain's own blocks."""
    if not turn.pictures:
        return text
    pictures = [
        {"type": "image", "base64": b64encode(one.data).decode(), "mime_type": one.media} for one in turn.pictures
    ]
    return [{"type": "text", "text": text}, *pictures]


def _name(turn: Turn, attempt: int) -> str:
    """The id of the message that asks."""
    return f"{turn.episode}/{turn.seat}/{turn.index}/{attempt}"


def _after(asked: HumanMessage, before: Mapping[str, Any], messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages that answer `asked`; where a graph does not keep it, those that were not there before."""
    ids = [getattr(message, "id", None) for message in messages]
    if asked.id in ids:
        return list(messages)[ids.index(asked.id) + 1 :]
    past = {id(message) for message in before.get("messages", ())}
    return [message for message in messages if id(message) not in past]


def _answered(past: Sequence[AnyMessage], turn: Turn) -> list[ToolMessage]:
    """A result for each action call that ended the turn before: providers reject a call without one."""
    ended = {message.tool_call_id for message in past if isinstance(message, ToolMessage)}
    result = "not legal" if turn.errors else "taken"
    return [
        ToolMessage(result, tool_call_id=str(call["id"]), name=call["name"])
        for message in past
        if isinstance(message, AIMessage)
        for call in (*message.tool_calls, *message.invalid_tool_calls)
        if call["id"] is not None and call["id"] not in ended
    ]


def _is_too_long(action: Any) -> bool:
    """Whether an action holds a text longer than any that is recorded; also a free text has to end somewhere."""
    if isinstance(action, str):
        return len(action) > LONGEST
    if isinstance(action, dict | Mapping):  # a dict is known at once, and any other mapping after a search
        return any(map(_is_too_long, action.values()))
    return isinstance(action, list | tuple) and any(map(_is_too_long, action))


def _text(message: AIMessage) -> str:
    """A message's words, which LangChain makes anew at each look."""
    return message.content if isinstance(message.content, str) else str(message.text)


def _plain(action: Any) -> Any:
    """A graph's action as the dict that a menu reads; `{"action": {...}}` is unwrapped."""
    if isinstance(action, BaseModel):
        action = action.model_dump()
    if isinstance(action, Mapping) and set(action) == {"action"} and isinstance(action["action"], Mapping):
        return action["action"]
    return action


def _json_object(text: str) -> Any:
    """The one JSON object that a text is, with or without a code fence around it; None if it is anything else."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = _FENCE.sub("", bare, 1)
    bare = bare.removesuffix("```")
    if not bare.startswith("{"):
        return None
    try:
        found = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    return _plain(found) if isinstance(found, dict) else None


_FENCE = re.compile(r"```(?:json)?\s*")
_REFUSAL = re.compile(
    # What it may begin with: "No. I'm sorry, but as an AI ..."
    r"^\W*((no|(i['\u2019]?m|i am) (very |so )?(sorry|afraid)|sorry|(my )?apologies|i apologi[sz]e|unfortunately"
    r"|thank you|as an? (ai|(large )?language model)[^.,]{0,60})[\s,.;:]+(but )?){0,4}"
    # and what it has to say then. To decline an offer is a move of some games; to decline is none.
    r"i[ '\u2019](can(?: ?no|['\u2019])t|won['\u2019]t|will not|shall not|(a)?m (not able|unable) to"
    r"|((must|have to|will) )?(respectfully )?(refuse|decline)\b(?!\s+(your|his|her|their|the|this|that|these|an?)\b)"
    r"|(would|d) (rather not|prefer not to)|(prefer|choose) not to|(do not|don['\u2019]t) (want|wish) to"
    r"|(a)?m not (going|willing) to|(a)?m not comfortable|(do not|don['\u2019]t) feel comfortable)",
    re.IGNORECASE,
)


def is_refusal(message: AIMessage) -> bool:
    """Whether a reply without an action declines in words: the provider says so, or it begins as refusals do.

    The rule looks at the beginning only, so that a story about refusing is none. Rates that rest on it should be
    read with the recorded texts at hand.
    """
    provider = message.additional_kwargs.get("refusal") or message.response_metadata.get("stop_reason") == "refusal"
    return bool(provider) or _REFUSAL.match(_text(message)[:300]) is not None
