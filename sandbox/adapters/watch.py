"""What a graph does inside a turn, as events: nodes, model calls, calls of its own tools."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import LLMResult
from tenacity import RetryCallState

from sandbox.adapters.conversation import Remembered
from sandbox.adapters.journal import mark_of, now
from sandbox.adapters.models import called
from sandbox.adapters.serial import openai_message
from sandbox.agent import Emit, Plain
from sandbox.errors import PluginError
from sandbox.text import as_json

LONGEST = 1 << 20  # characters of one text that are recorded; of a longer one also its size and hash


class Watch(BaseCallbackHandler):
    """Records nodes, model calls and tool calls of one turn; synchronous and inline, and only enqueues.

    An asynchronous handler was measured at 3 ms a turn, this one at below 1.

    Args:
        emit: takes the events.
        told: messages as they are recorded, remembered from turn to turn.
    """

    run_inline = True
    raise_error = True

    def __init__(self, emit: Emit, told: Remembered[Any] | None = None) -> None:
        self._emit = emit
        self._told = told or conversation()
        self._open: dict[uuid.UUID, tuple[float, dict[str, Any]]] = {}

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A node begins."""
        node = (kwargs.get("metadata") or {}).get("langgraph_node")
        if node and kwargs.get("name") == node:
            self._emit("node", Plain(node=str(node)))

    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], *, run_id: uuid.UUID, **kwargs: Any
    ) -> None:
        """A model call begins."""
        asked = kwargs.get("invocation_params") or {}
        told: dict[str, Any] = {"messages": self._told.of(messages[0])}
        if asked.get("tools"):
            told["tools"] = _plain(asked["tools"])
        told |= called(kwargs.get("metadata") or {})
        self._open[run_id] = (time.monotonic(), told)

    def on_retry(self, retry_state: RetryCallState, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A model call failed, and is tried again after a while."""
        fault = retry_state.outcome.exception() if retry_state.outcome else None
        self._emit(
            "retry",
            {
                "model": self._open.get(run_id, (0.0, {}))[1].get("name"),
                "error": f"{type(fault).__name__}: {fault}",
                "attempt": retry_state.attempt_number,
                "seconds": round(retry_state.next_action.sleep if retry_state.next_action else 0.0, 3),
            },
        )

    def on_llm_end(self, response: LLMResult, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A model call ended."""
        began, data = self._open.pop(run_id, (time.monotonic(), {}))
        generation = response.generations[0][0]
        message = getattr(generation, "message", None)
        if not isinstance(message, AIMessage):
            return
        about, usage, mark = message.response_metadata, message.usage_metadata, mark_of(generation)
        found = {
            "model": about.get("model_name") or about.get("model"),
            "fingerprint": about.get("system_fingerprint"),
            "date": mark.get("date") or now(),
            "seconds": round(time.monotonic() - began, 6),
            "cached": bool(about.get("cached") or mark.get("cached")),
            "journalled": bool(mark.get("journalled")),
        }
        for name in ("replayed", "inherited"):
            if mark.get(name):
                found[name] = True
        if usage and "total_tokens" in usage:
            counts = {"input": usage["input_tokens"], "output": usage["output_tokens"], "total": usage["total_tokens"]}
            read = usage.get("input_token_details") or {}
            cached = {"cache_read": read.get("cache_read"), "cache_write": read.get("cache_creation")}
            found["tokens"] = counts | {name: count for name, count in cached.items() if count}
        for name in ("finish_reason", "choice_probabilities", "logprobs"):
            if name in about:
                found |= bounded({name: about[name]})  # a provider of one's own may put anything there
        self._emit("model_call", Plain(data, reply=self._told.of([message])[0], **_plain(found)))

    def on_llm_error(self, error: BaseException, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A model call failed."""
        _, data = self._open.pop(run_id, (0.0, {}))
        self._emit("model_error", data | bounded({"error": f"{type(error).__name__}: {error}"}))

    def on_tool_start(self, serialized: Any, input_str: str, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A tool of the graph's own begins."""
        name = (serialized or {}).get("name") or kwargs.get("name")
        self._open[run_id] = (time.monotonic(), {"tool": name, "input": input_str})

    def on_tool_end(self, output: Any, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A tool of the graph's own ended."""
        began, data = self._open.pop(run_id, (time.monotonic(), {}))
        text = str(getattr(output, "content", output))
        self._emit("tool_call", bounded(data | {"output": text, "seconds": round(time.monotonic() - began, 6)}))

    def on_tool_error(self, error: BaseException, *, run_id: uuid.UUID, **kwargs: Any) -> None:
        """A tool of the graph's own failed."""
        _, data = self._open.pop(run_id, (0.0, {}))
        self._emit("tool_call", bounded(data | {"error": f"{type(error).__name__}: {error}"}))


def conversation() -> Remembered[Any]:
    """Messages as they are recorded: JSON values in OpenAI's form, long texts cut."""
    return Remembered(_told)


def _told(message: BaseMessage) -> Any:
    told = openai_message(message)
    if len(told) == 2 and type(told["content"]) is str and len(told["content"]) <= LONGEST:  # a role and a short text
        return told
    return _plain(bounded(told))


def _plain(value: Any) -> Any:
    """The value as JSON values: messages once when they are first seen, and not at each call that repeats them."""
    try:
        return as_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"event model_call must hold JSON values: {error}") from error


def bounded(value: Any) -> Any:
    """A JSON value in which no text is longer than `LONGEST`; beside one that was cut are its size and hash.

    `{"content": "a long text"}` becomes `{"content": "a lo", "truncated": {"size": 11, "sha256": "..."}}`, the size in
    bytes of UTF-8.
    """
    if isinstance(value, dict):
        short = {key: bounded(inner) for key, inner in value.items()}
        for key, inner in value.items():
            if isinstance(inner, str) and len(inner) > LONGEST:
                short[key] = inner[:LONGEST]
                text = inner.encode("utf-8", "surrogatepass")
                short["truncated"] = {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        return short
    if isinstance(value, list):
        return [bounded({"text": one} if isinstance(one, str) and len(one) > LONGEST else one) for one in value]
    return value
