"""Replies of a real model, recorded once and replayed ever after: runs of a model where the model is not.

A reply is filed under what was asked: model, settings, messages, tools or schema, and how often this model object was
asked the same before. A changed prompt is therefore a missing reply, never a wrong one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, PrivateAttr

from sandbox.adapters import models
from sandbox.adapters.constrained import ConstrainedChatModel
from sandbox.errors import DatasetError, ModelError

KEPT = ("content", "tool_calls", "invalid_tool_calls", "response_metadata", "usage_metadata")
# Where and as whom a model is reached does not change what it is asked; and a secret has no place in a file.
UNKEYED = frozenset({"api_key", "base_url", "timeout", "max_retries"})
WITHOUT_EFFECT = frozenset({"ls_structured_output_format", "stream"})


class RecordedChatModel(ConstrainedChatModel):
    """Answers as the model named `inner` did, out of the JSONL file `path`.

    With `mode="replay"` the model itself is never built: neither its package nor its weights need to be there. With
    `mode="record"` a reply that the file lacks is asked of the model and appended; one that it has is replayed, so
    that an interrupted recording goes on (delete the file to begin anew).

    Raises, at a call:
        ModelError: the file lacks the reply; says with which `command` to record again.
        DatasetError: a line of the file cannot be read.
    """

    model_config = ConfigDict(extra="forbid")

    inner: str
    path: Path
    mode: Literal["replay", "record"] = "replay"
    command: str = "the script that recorded it"
    """What a person runs to record again, named in the error."""
    parameters: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Settings of the inner model."""

    _replies: dict[str, dict[str, Any]] | None = PrivateAttr(None)
    _given: Counter[str] = PrivateAttr(default_factory=Counter)

    @property
    def _llm_type(self) -> str:
        return "sandbox-recorded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.inner, "recorded": str(self.path)} | _keyed(self.parameters)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        key = self._key(messages, stop, kwargs)
        if key not in self._load():
            if self.mode == "replay":
                raise self._missing(messages)
            # without callbacks: this model's own have been told of the call already
            self._keep(key, self._model(kwargs).invoke(messages, config={"callbacks": []}, stop=stop))
        return self._result(key)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        key = self._key(messages, stop, kwargs)
        if key not in self._load():
            if self.mode == "replay":
                raise self._missing(messages)
            self._keep(key, await self._model(kwargs).ainvoke(messages, config={"callbacks": []}, stop=stop))
        return self._result(key)

    def _model(self, kwargs: dict[str, Any]) -> Runnable[Any, AIMessage]:
        inner = models.chat_model(self.inner, **self.parameters)
        rest = {key: value for key, value in kwargs.items() if key not in ("tools", "tool_choice")}
        if kwargs.get("tools"):
            return inner.bind_tools(kwargs["tools"], tool_choice=kwargs.get("tool_choice"), **rest)
        return inner.bind(**rest)

    def _key(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> str:
        request = [
            self.inner,
            _keyed(self.parameters),
            [_spoken(message) for message in messages],
            stop,
            {key: value for key, value in kwargs.items() if key not in WITHOUT_EFFECT and value is not None},
        ]
        asked = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
        return f"{asked}/{self._given[asked]}"

    def _result(self, key: str) -> ChatResult:
        self._given[key.partition("/")[0]] += 1  # now, and not when asked: a call that failed is asked again
        message = AIMessage(**{name: value for name, value in self._load()[key].items() if value is not None})
        message.response_metadata["cached"] = True
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _load(self) -> dict[str, dict[str, Any]]:
        if self._replies is None:
            self._replies = {}
            try:
                lines = self.path.read_bytes().splitlines()
            except FileNotFoundError:
                lines = []
            for row, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    self._replies.setdefault(record["key"], {name: record["reply"].get(name) for name in KEPT})
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise DatasetError(
                        f"{self.path}, row {row}: not a recorded reply ({error!r}); "
                        f"delete the row and run {self.command}"
                    ) from error
        return self._replies

    def _keep(self, key: str, reply: AIMessage) -> None:
        content = {name: getattr(reply, name) for name in KEPT}
        line = json.dumps(
            {"key": key, "model": self.inner, "reply": content}, ensure_ascii=False, sort_keys=True, default=str
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")  # one write: lines of several recorders do not mix
        self._load().setdefault(key, json.loads(line)["reply"])

    def _missing(self, messages: list[BaseMessage]) -> ModelError:
        asked = " ".join(str(messages[-1].text).split()) if messages else ""
        return ModelError(
            f"{self.path} has no reply of {self.inner} to {asked[:80]!r}: the prompt, the tools or the settings have "
            f"changed since it was recorded; record again: {self.command}"
        )


def _keyed(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key not in UNKEYED}


def _spoken(message: BaseMessage) -> list[Any]:
    """What a message says, without the ids that are made up anew in each run."""
    calls = [[call["name"], call["args"]] for call in getattr(message, "tool_calls", [])]
    return [message.type, message.content, message.name, calls]
