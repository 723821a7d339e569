"""Any LangGraph graph as an agent: a turn goes in as messages or declared keys, an action is read from what comes out.

A graph is compiled once and shared by all episodes; each seat of each episode has a thread of its own. A graph without a
checkpointer gets its last state back at the next turn, so that nothing is written to disk; one with a checkpointer gets the
new message only, under `thread_id` = episode/seat. A hypothetical question has no history: it is put on a fresh thread.

What is read from a graph's result, in this order: the state key `action`; `structured_response` (create_agent's
`response_format`); the tool calls of the turn's messages that name a legal kind of action; the last message's text, if it is
one JSON object. Exactly one action must be there: prose is unparsed, two calls are an invalid action, and nothing is guessed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # no arbitrary types out of a checkpoint

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from pydantic import BaseModel

from sandbox.adapters.models import chat_model, unreachable
from sandbox.adapters.watch import Watch
from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.errors import PluginError
from sandbox.menu import InvalidAction, MoveRange, kind_of, moves, schema, tools

_TURN: ContextVar[Turn] = ContextVar("sandbox_turn")

HYPOTHETICAL = (
    "This is a hypothetical question. Suppose that you were in the situation below. What would you do? "
    "Your answer is recorded and has no effect."
)
RECURSION_LIMIT = 50  # nodes that a graph may visit in one turn


class Runtime:
    """What a factory `(config, runtime) -> graph` may use: models by name, and inside nodes the turn that is being played."""

    def model(self, name: str, **parameters: Any) -> BaseChatModel:
        """The chat model called `name` (`local:smollm2`, `openai:...`, `fake:first`); see `sandbox.adapters.models`."""
        return chat_model(name, **parameters)

    def turn(self) -> Turn:
        """The turn being played; inside nodes, tools and middleware only."""
        return _TURN.get()

    def tools(self) -> list[dict[str, Any]]:
        """The legal actions as tool definitions in OpenAI's form, which every LangChain model takes."""
        return [{"type": "function", "function": tool} for tool in tools(self.turn().menu)]

    def schema(self) -> dict[str, Any]:
        """A JSON schema that every legal action fits, with an object at its top."""
        found = schema(self.turn().menu)
        if "anyOf" in found:  # providers want an object there
            found = {
                "type": "object",
                "properties": {"action": found},
                "required": ["action"],
                "additionalProperties": False,
            }
        return {"title": "answer", "description": "The action to take.", **found}


class GraphAgent(Agent[NoConfig]):
    """One seat's conversation with a graph."""

    def __init__(self, graph: Pregel[Any, Any, Any, Any]) -> None:
        super().__init__(NoConfig())
        self._graph = graph
        self._keys = set(graph.channels)
        self._state: dict[str, Any] = {}

    async def act(self, turn: Turn) -> Reply:
        """Invoke the graph once; its action ends the turn."""
        if turn.framing == "hypothetical" and not turn.errors:
            self._state = {}
        sent = self._input(turn)
        remembers = self._graph.checkpointer is not None
        config = RunnableConfig(
            callbacks=[Watch(turn.emit)],
            recursion_limit=RECURSION_LIMIT,
            configurable={"thread_id": f"{turn.episode}/{turn.seat}"},
        )
        token = _TURN.set(turn)
        try:
            state = await self._graph.ainvoke(sent, config)
        except Exception as error:
            lost = unreachable(error)
            if lost is None:
                raise
            raise lost from error
        finally:
            _TURN.reset(token)
        if not isinstance(state, Mapping):
            raise PluginError(f"the graph returned {type(state).__name__}; a graph's state must be a mapping")
        history = 0 if remembers else len(sent.get("messages", ()))
        if not remembers:
            self._state = {key: value for key, value in state.items() if key not in ("observation", "action", "menu")}
        return self._read(turn, state, list(state.get("messages", ()))[history:])

    def _input(self, turn: Turn) -> dict[str, Any]:
        sent = dict(self._state) if self._graph.checkpointer is None else {}
        sent.pop("structured_response", None)
        if "messages" in self._keys:
            past = list(sent.get("messages", ()))
            sent["messages"] = [*past, *_answered(past, turn), HumanMessage(prompt(turn))]
        if "observation" in self._keys:
            sent["observation"] = turn.observation.model_dump(mode="json")
        if "menu" in self._keys:
            sent["menu"] = [move.model_dump(mode="json") for move in moves(turn.menu)]
        if not sent:
            raise PluginError(
                f"the graph's state has none of the keys messages, observation (it has: {', '.join(sorted(self._keys))})"
            )
        return sent

    def _read(self, turn: Turn, state: Mapping[str, Any], new: Sequence[AnyMessage]) -> Reply:
        spoken = [message for message in new if isinstance(message, AIMessage)]
        text = "\n".join(str(message.text) for message in spoken if message.text)
        if state.get("action") is not None:
            return Reply(_plain(state["action"]), text)
        if state.get("structured_response") is not None:
            return Reply(_plain(state["structured_response"]), text)
        kinds = {kind_of(entry.kind if isinstance(entry, MoveRange) else entry) for entry in turn.menu}
        ended = {message.tool_call_id for message in new if isinstance(message, ToolMessage)}
        calls = [call for message in spoken for call in message.tool_calls]
        # A call of the graph's own tools (a calculator) has its result beside it; what is left was meant as the action.
        calls = [call for call in calls if call["name"] in kinds or call["id"] not in ended]
        if len(calls) > 1:
            names = ", ".join(call["name"] for call in calls)
            fault = InvalidAction("several", f"{len(calls)} actions at once ({names}); give exactly one")
            return Reply(None, text, error=fault)
        if calls:
            return Reply({"kind": calls[0]["name"], **calls[0]["args"]}, text)
        action = _json_object(text)
        refused = action is None and bool(spoken) and is_refusal(spoken[-1])
        return Reply(action, text, refused=refused)


def prompt(turn: Turn) -> str:
    """What an agent reads at a turn: the framing, if it is hypothetical, and the observation; or what was wrong before."""
    if turn.errors:
        return f"That was not a legal action: {turn.errors[-1].message}"
    return f"{HYPOTHETICAL}\n\n{turn.text}" if turn.framing == "hypothetical" else turn.text


def _answered(past: Sequence[AnyMessage], turn: Turn) -> list[ToolMessage]:
    """A result for each action call that ended the turn before: providers reject a call without one."""
    ended = {message.tool_call_id for message in past if isinstance(message, ToolMessage)}
    result = "not legal" if turn.errors else "taken"
    return [
        ToolMessage(result, tool_call_id=str(call["id"]), name=call["name"])
        for message in past
        if isinstance(message, AIMessage)
        for call in message.tool_calls
        if call["id"] not in ended
    ]


def _plain(action: Any) -> Any:
    """A graph's action as the dict that a menu reads; `{"action": {...}}` is unwrapped."""
    if isinstance(action, BaseModel):
        action = action.model_dump()
    if isinstance(action, Mapping) and set(action) == {"action"}:
        action = action["action"]
    return action


def _json_object(text: str) -> Any:
    """The one JSON object that a text is, with or without a code fence around it; None if it is anything else."""
    bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    if not bare.startswith("{"):
        return None
    try:
        found = json.loads(bare)
    except ValueError:
        return None
    return _plain(found) if isinstance(found, dict) else None


_REFUSAL = re.compile(
    r"^\W*(i(?:'|’)?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[\s,.;:]*(but )?"
    r"(as an ai[^.]{0,60})?[\s,]*"
    r"i( |'|’)(can(?:no|'|’)t|won(?:'|’)t|will not|am not able to|m not able to|am unable to|m unable to|must decline"
    r"|decline to|refuse to)",
    re.IGNORECASE,
)


def is_refusal(message: AIMessage) -> bool:
    """Whether a reply without an action declines in words: the provider says so, or it begins as refusals do.

    The rule looks at the beginning only, so that a story about refusing is none. Rates that rest on it should be
    read with the recorded texts at hand.
    """
    provider = message.additional_kwargs.get("refusal") or message.response_metadata.get("stop_reason") == "refusal"
    return bool(provider) or _REFUSAL.match(str(message.text)) is not None
