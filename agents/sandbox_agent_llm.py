"""Language models as agents, in LangGraph: `llm/react` calls tools, `llm/choice` gives one structured answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.pregel import Pregel
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from sandbox.adapters.langgraph import NOT_LEGAL, Runtime
from sandbox.errors import InputError
from sandbox.menu import Move, MoveRange, kind_of
from sandbox.plugins import resolve


class ModelConfig(BaseModel):
    """Settings of both agents; any further key is a parameter of the model (`max_tokens`, `base_url`, ...).

    Attributes:
        model: a name as `sandbox.adapters.models` knows it.
        temperature: 0 takes the likeliest token.
        system: the system prompt; '' for none.
        history: how many past turns the model is shown beside the present one; None for all. All are recorded. A model
            without a prompt cache reads its whole history at every step, so that a long episode costs its square.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str = "local:smollm2"
    temperature: float = 0.0
    system: str = ""
    history: int | None = Field(None, ge=0)

    def parameters(self) -> dict[str, Any]:
        """What the model is made with."""
        return {"temperature": self.temperature, **(self.model_extra or {})}


class ReactConfig(ModelConfig):
    """Settings of `llm/react`.

    Attributes:
        tools: LangChain tools that it may use before it acts, as `module:object` or `file.py:object`.
    """

    tools: tuple[str, ...] = ()


class OfferActions(AgentMiddleware[Any, Any, Any]):
    """Offers the legal actions of the turn as tools, beside the agent's own; a call of one of them ends the turn."""

    def __init__(self, runtime: Runtime, config: ModelConfig) -> None:
        super().__init__()
        self._runtime = runtime
        self._history = config.history
        self._sampled = _seeded(config)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Add the actions to the tools, and require a call."""
        settings = _seed(self._runtime) if self._sampled else {}
        return await handler(
            request.override(
                messages=recent(request.messages, self._history),
                tools=[*request.tools, *self._runtime.tools()],
                tool_choice="any",
                model_settings={**request.model_settings, **settings},
            )
        )

    @hook_config(can_jump_to=["end"])
    async def aafter_model(self, state: AgentState[Any], runtime: Any) -> dict[str, Any] | None:
        """End the turn where an action was called."""
        kinds = {tool["function"]["name"] for tool in self._runtime.tools()}
        last = state["messages"][-1]
        if isinstance(last, AIMessage) and any(call["name"] in kinds for call in last.tool_calls):
            return {"jump_to": "end"}
        return None


def react(config: ReactConfig, runtime: Runtime) -> Pregel[Any, Any, Any, Any]:
    """A tool-calling agent (`langchain.agents.create_agent`) whose tools are the legal actions."""
    return create_agent(
        runtime.model(config.model, **config.parameters()),
        [resolve(reference, f"tool {reference!r} of llm/react") for reference in config.tools],
        system_prompt=config.system or None,
        middleware=[OfferActions(runtime, config)],
    )


class ChoiceConfig(ModelConfig):
    """Settings of `llm/choice`.

    Attributes:
        read: `structured` holds the reply to the JSON schema of the legal actions; `probabilities` (embedded models
            only) reads how likely each label is as the reply's next token, takes the likeliest, and records them all.
            It needs a menu of labels of one token each, as dilemmas have; any other is read as `structured`.
    """

    read: Literal["structured", "probabilities"] = "structured"


class ChoiceState(TypedDict):
    """What `llm/choice` carries: the conversation, and the action of the turn."""

    messages: Annotated[list[AnyMessage], add_messages]
    action: dict[str, Any] | None


def choice(config: ChoiceConfig, runtime: Runtime) -> Pregel[Any, Any, Any, Any]:
    """One question, one structured answer: a single node."""
    model = runtime.model(config.model, **config.parameters())
    system = [SystemMessage(config.system)] if config.system else []
    sampled = _seeded(config)

    async def ask(state: ChoiceState) -> dict[str, Any]:
        asked = [*system, *recent(state["messages"], config.history)]
        settings = _seed(runtime) if sampled else {}
        labels = _labels(runtime) if config.read == "probabilities" else {}
        answer = await likeliest(asked, labels, settings) if labels else None
        if answer is not None:
            return answer
        bound: Runnable[Any, Any] = model.with_structured_output(runtime.schema(), include_raw=True)
        found = await bound.ainvoke(asked, None, **settings)
        return {"messages": [found["raw"]], "action": found["parsed"]}

    async def likeliest(
        asked: list[AnyMessage], labels: dict[str, dict[str, Any]], settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        prefix = _shared_beginning(list(labels))
        options = [label[len(prefix) :] for label in labels]
        try:
            reply = await model.ainvoke(asked, prefix=prefix, options=options, **settings)
        except InputError:  # an option is more than one token, as a product's id may be: no probability to read
            return None
        return {"messages": [reply], "action": labels[str(reply.text)]}

    graph = StateGraph(ChoiceState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile()


def recent(messages: list[AnyMessage], history: int | None) -> list[AnyMessage]:
    """The conversation from the turn that began `history` turns ago; a correction belongs to the turn it corrects."""
    begins = [
        index
        for index, message in enumerate(messages)
        if isinstance(message, HumanMessage) and not str(message.text).startswith(NOT_LEGAL)
    ]
    if history is None or len(begins) <= history + 1:
        return messages
    return messages[begins[-1 - history] :]


def _labels(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """Label -> action, for a menu whose moves are of one kind with one string each; empty for any other.

    An abstention is not among them: one token cannot tell it from a label.
    """
    choosing = [move for move in runtime.turn().menu if isinstance(move, Move) and not move.abstains]
    if len({kind_of(move) for move in choosing}) != 1 or any(isinstance(e, MoveRange) for e in runtime.turn().menu):
        return {}
    values = [move.model_dump(exclude={"kind"}) for move in choosing]
    if any(len(fields) != 1 or not isinstance(next(iter(fields.values())), str) for fields in values):
        return {}
    return {next(iter(fields.values())): move.model_dump() for fields, move in zip(values, choosing, strict=True)}


def _shared_beginning(labels: Sequence[str]) -> str:
    """The longest text that all labels begin with, short of a whole label."""
    shortest = min(labels, key=len)
    for length in range(len(shortest) - 1, -1, -1):
        if all(label.startswith(shortest[:length]) for label in labels):
            return shortest[:length]
    return ""


def _seeded(config: ModelConfig) -> bool:
    """Whether calls take a seed of ours: an embedded model that samples."""
    return config.temperature > 0 and config.model.startswith("local:")


def _seed(runtime: Runtime) -> dict[str, int]:
    return {"seed": int(runtime.turn().generator().integers(2**31))}
