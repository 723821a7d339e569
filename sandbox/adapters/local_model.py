"""A language model in this process: a LangChain chat model over the llama.cpp runtime that xllamacpp brings.

A reply is a function of its request alone, on one machine with one version of the runtime: one thread, one slot, and
no prompt cache, which would compute a prompt's beginning in other batches and so round otherwise; that was enough to
turn a greedy reply of 30 tokens into another one of 12. Sampling is from the model's own distribution at the given
temperature, without top-k, top-p or min-p, so that recorded log probabilities are those that were sampled from.

Costs on one core with SmolLM2-135M: 0.5 s to load, then about 7 ms per token read and 11 ms per token written.
"""

from __future__ import annotations

import asyncio
import json
import math
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from sandbox.adapters import llama, weights
from sandbox.adapters.constrained import (
    ConstrainedChatModel,
    call_message,
    call_schema,
    choice_message,
    describe_reply,
    describe_tools,
    next_call_id,
    selected,
)
from sandbox.adapters.llama import Chunk, Request
from sandbox.adapters.turns import inert, plain_turns
from sandbox.errors import InputError, ModelError

OVERRIDES = frozenset({"temperature", "seed", "max_tokens", "logprobs", "top_logprobs"})
UNDERSTOOD = frozenset({"tools", "tool_choice", "response_format", "prefix", "options"})
# LangChain and its agents attach these to any model; they change nothing here.
WITHOUT_EFFECT = frozenset({"stream", "strict", "parallel_tool_calls", "ls_structured_output_format"})

SEEN_TOKENS = 1_000  # likeliest tokens in which options are looked for first; asking for all 49,152 costs 0.6 s more
ALL_TOKENS = 1_000_000  # no vocabulary is larger; the runtime gives as many as there are


class LocalChatModel(ConstrainedChatModel):
    """Chat with the GGUF file that `model` names: `local:smollm2` or `local:path/to/model.gguf`.

    Replies carry `usage_metadata` and, in `response_metadata`: `model_name` (the file), `system_fingerprint` (the
    SHA-256 of the weights and the runtime's version), `finish_reason` ("stop", or "length" where `max_tokens` cut the
    reply off), and `logprobs` where asked for (OpenAI's form; before any constraint, so that under a schema they show
    what the model would rather have said).

    Tool calling and structured output hold the model's tokens to a schema: see `sandbox.adapters.constrained`.
    Conversations that end with an assistant's message are gone on with; the reply is the continuation.

    Raises, at a call:
        ModelError: the weights are not there or not the expected ones; the conversation is longer than `context`.
        InputError: a message holds something other than text, or the runtime cannot hold to the schema.
    """

    model_config = ConfigDict(extra="forbid")  # a mistyped setting must not be a silent default

    model: str = "local:smollm2"
    temperature: float = Field(0.0, ge=0)
    """0 takes the likeliest token; with any other, the reply follows `seed`."""
    seed: int = Field(0, ge=0, lt=2**32 - 1)  # the last value means "random" to llama.cpp
    max_tokens: int = Field(256, gt=0)
    """Longest reply, in tokens."""
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0)
    """How many of the likeliest alternatives to give per token, where `logprobs` is set."""
    context: int = Field(4096, gt=0)
    """Longest conversation with its reply, in tokens; memory grows with it (23 kB a token for SmolLM2)."""
    threads: int = Field(1, gt=0)
    disable_streaming: bool | Literal["tool_calling"] = "tool_calling"
    """A tool call arrives whole: LangChain would complete a streamed one that was cut off by guessing."""

    def model_post_init(self, context: Any, /) -> None:
        """Find the runtime and the weights now, so that a missing one is an error before the run and not in it."""
        super().model_post_init(context)
        llama.require()
        weights.locate(self._weights_name)

    @property
    def _weights_name(self) -> str:
        return self.model.removeprefix("local:")

    @property
    def _llm_type(self) -> str:
        return "sandbox-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("model", "context", *sorted(OVERRIDES))}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if "options" in kwargs:
            return self._choice(messages, kwargs)
        return self._result(list(self._chunks(self._request(messages, stop, kwargs))), messages, stop, kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if "options" in kwargs:
            return await self._achoice(messages, kwargs)
        return self._result(await self._achunks(self._request(messages, stop, kwargs)), messages, stop, kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if "options" in kwargs:  # one token: nothing to stream
            reply = self._choice(messages, kwargs).generations[0].message
            assert isinstance(reply, AIMessage)
            yield ChatGenerationChunk(message=_as_chunk(reply))
            return
        for chunk in self._chunks(self._request(messages, stop, kwargs)):
            message = AIMessageChunk(content=_text(chunk), usage_metadata=_usage(chunk))
            finish = _finish(chunk)
            if finish:
                message.response_metadata = self._metadata() | {"finish_reason": finish}
            if tokens := _tokens(chunk):
                message.response_metadata["logprobs"] = {"content": tokens}
            generation = ChatGenerationChunk(message=message)
            if run_manager and message.text:
                run_manager.on_llm_new_token(str(message.text), chunk=generation)
            yield generation

    def _request(self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Request:
        unknown = sorted(set(kwargs) - OVERRIDES - UNDERSTOOD - WITHOUT_EFFECT)
        if unknown:
            raise InputError(f"{self.model}: unknown settings {unknown}; known: {', '.join(sorted(OVERRIDES))}")
        if any(_is_picture(block) for message in messages for block in message.content):
            raise ModelError(
                f"{self.model} takes no pictures: let it see a surface of text (surface: text or tree), "
                "or take a model that sees"
            )
        tools = selected(kwargs.get("tools") or [], kwargs.get("tool_choice"))
        schema, told = None, ""
        if tools:
            schema, told = call_schema(tools), describe_tools(tools)
        elif kwargs.get("response_format"):
            schema = kwargs["response_format"]["json_schema"]["schema"]
            told = describe_reply(schema)
        setting = {key: kwargs.get(key, getattr(self, key)) for key in OVERRIDES}
        request: Request = {
            "messages": plain_turns(messages, told),
            "temperature": setting["temperature"],
            "seed": setting["seed"],
            "max_tokens": setting["max_tokens"],
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
            "cache_prompt": False,
            "stream": True,  # also where the reply is wanted whole: only a stream can be stopped half way
            "stream_options": {"include_usage": True},
        }
        if stop:
            request["stop"] = stop
        if setting["logprobs"]:
            # llama.cpp gives no token's log probability without at least one alternative
            request |= {"logprobs": True, "top_logprobs": max(1, setting["top_logprobs"])}
        if schema is not None:
            request["grammar"] = llama.grammar(schema)
        return request

    def _runtime(self) -> llama.Runtime:
        return llama.runtime(self._weights_name, self.context, self.threads)

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        arrived: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        stopped = threading.Event()
        future = self._runtime().submit(request, arrived.put, stopped)
        future.add_done_callback(lambda _: arrived.put(None))
        try:
            while (chunk := arrived.get()) is not None:
                yield self._checked(chunk)
            future.result()
        finally:
            stopped.set()

    async def _achunks(self, request: Request) -> list[Chunk]:
        arrived: list[Chunk] = []
        stopped = threading.Event()
        future = self._runtime().submit(request, arrived.append, stopped)
        try:
            await asyncio.wrap_future(future)
        finally:
            stopped.set()  # a reply that nobody waits for any longer ends at its next token, or never begins
        return [self._checked(chunk) for chunk in arrived]

    def _checked(self, chunk: Chunk) -> Chunk:
        fault = chunk.get("error")
        if not fault:
            return chunk
        if fault.get("type") == "exceed_context_size_error":
            raise ModelError(
                f"{self.model}: the conversation has {fault.get('n_prompt_tokens')} tokens and the context "
                f"{fault.get('n_ctx')}; give the model a larger `context`, or shorten the conversation"
            )
        raise ModelError(f"{self.model} failed: {fault.get('message', fault)}; try again, then with another model")

    def _metadata(self) -> dict[str, Any]:
        loaded = self._runtime()
        return {
            "model_name": loaded.path.name,
            "model_provider": "local",
            "system_fingerprint": loaded.fingerprint,
        }

    def _result(
        self, chunks: list[Chunk], messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> ChatResult:
        text = "".join(map(_text, chunks))
        finish = next((reason for reason in map(_finish, reversed(chunks)) if reason), None)
        tools = selected(kwargs.get("tools") or [], kwargs.get("tool_choice"))
        message = call_message(text, tools, next_call_id(messages)) if tools else AIMessage(text)
        if (tools or kwargs.get("response_format")) and finish == "stop" and not stop and not _is_json(text):
            raise InputError(
                f"{self.model}: the runtime did not hold its reply to the schema, and answered {text[:60]!r}; "
                "give a simpler schema (known types, no conditions)"
            )
        message.response_metadata = self._metadata() | {"finish_reason": finish}
        if tokens := [token for chunk in chunks for token in _tokens(chunk)]:
            message.response_metadata["logprobs"] = {"content": tokens}
        message.usage_metadata = next((usage for usage in map(_usage, reversed(chunks)) if usage), None)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _choice_request(self, messages: list[BaseMessage], kwargs: dict[str, Any], top: int) -> Request:
        settings = {key: value for key, value in kwargs.items() if key not in ("prefix", "options")}
        request = self._request(messages, None, settings | {"max_tokens": 1, "logprobs": True, "top_logprobs": top})
        request["messages"].append({"role": "assistant", "content": inert(kwargs.get("prefix", ""))})
        return request

    def _choice(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> ChatResult:
        for top in (SEEN_TOKENS, ALL_TOKENS):
            chunks = list(self._chunks(self._choice_request(messages, kwargs, top)))
            if result := self._choice_result(chunks, kwargs):
                return result
        raise self._not_a_token(chunks, kwargs)

    async def _achoice(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> ChatResult:
        for top in (SEEN_TOKENS, ALL_TOKENS):
            chunks = await self._achunks(self._choice_request(messages, kwargs, top))
            if result := self._choice_result(chunks, kwargs):
                return result
        raise self._not_a_token(chunks, kwargs)

    def _choice_result(self, chunks: list[Chunk], kwargs: dict[str, Any]) -> ChatResult | None:
        seen = _next_token(chunks)
        if not all(option in seen for option in kwargs["options"]):
            return None
        message = choice_message(kwargs.get("prefix", ""), {option: seen[option] for option in kwargs["options"]})
        message.response_metadata |= self._metadata() | {"finish_reason": "length"}
        message.usage_metadata = next((usage for usage in map(_usage, reversed(chunks)) if usage), None)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _not_a_token(self, chunks: list[Chunk], kwargs: dict[str, Any]) -> InputError:
        seen = _next_token(chunks)
        faults = [option for option in kwargs["options"] if option not in seen]
        return InputError(
            f"{self.model}: {', '.join(map(repr, faults))} is not one token after {kwargs.get('prefix', '')!r}; "
            "choose options of one token each (a blank belongs to the word behind it: prefix 'Option', option ' A')"
        )


def _is_picture(block: str | dict[Any, Any]) -> bool:
    return isinstance(block, dict) and block.get("type") in ("image", "image_url")


def _text(chunk: Chunk) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])


def _finish(chunk: Chunk) -> str | None:
    return next((choice["finish_reason"] for choice in chunk["choices"] if choice.get("finish_reason")), None)


def _tokens(chunk: Chunk) -> list[dict[str, Any]]:
    return [token for choice in chunk["choices"] for token in (choice.get("logprobs") or {}).get("content") or []]


def _next_token(chunks: Sequence[Chunk]) -> dict[str, float]:
    """Token text -> probability, of the first token of a reply."""
    first: Chunk = next((token for chunk in chunks for token in _tokens(chunk)), {"top_logprobs": []})
    # by bytes: a token that is part of a character has no text of its own
    return {
        bytes(token["bytes"]).decode("utf-8", "backslashreplace"): math.exp(token["logprob"])
        for token in reversed(first["top_logprobs"])  # of two tokens with one text, the likelier
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _usage(chunk: Chunk) -> UsageMetadata | None:
    if not (usage := chunk.get("usage")):
        return None
    return UsageMetadata(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
    )


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    return AIMessageChunk(
        content=message.content,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
    )
