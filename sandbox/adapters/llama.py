"""The llama.cpp runtime in this process: one loaded GGUF file, one thread that talks to it, requests in turn."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sandbox.adapters import weights
from sandbox.errors import InputError, ModelError

Request = dict[str, Any]
"""A chat completion request in OpenAI's form, with llama.cpp's own settings."""
Chunk = dict[str, Any]
"""A part of a streamed reply in OpenAI's form, or `{"error": {...}}`."""


def require() -> None:
    """Raise a ModelError that says how to get the runtime, where it is not installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError("embedded models need the runtime xllamacpp: pip install 'agent-eval-sandbox[local]'")


def grammar(schema: dict[str, Any]) -> str:
    """The grammar that holds a reply to `schema`, for a request's `grammar`.

    In LLGuidance's form, which xllamacpp brings beside llama.cpp's own: that one ignores the bounds of floats, and
    lets a model write blanks and line ends between tokens (29 tokens for a tool call that now takes 16). Rules
    that LLGuidance lacks (`not`, `uniqueItems`, patterns that look ahead or behind) are left out, for whoever reads
    the reply to check: it would otherwise drop the whole schema, and in silence.
    """
    layout = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return f"%llguidance {{}}\nstart: %json {json.dumps({'x-guidance': layout} | _closed(schema))}"


def _closed(schema: Any) -> Any:
    """The schema as LLGuidance needs it: objects without unnamed keys, and nothing that it lacks."""
    if not isinstance(schema, dict):
        return schema
    closed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("not", "uniqueItems", "discriminator") or (key == "pattern" and re.search(r"\(\?[=!<]", value)):
            continue
        if key in ("properties", "$defs", "definitions"):
            closed[key] = {name: _closed(inner) for name, inner in value.items()}
        elif key in ("anyOf", "oneOf", "prefixItems"):
            closed["anyOf" if key == "oneOf" else key] = [_closed(inner) for inner in value]
        elif key in ("items", "additionalProperties"):
            closed[key] = _closed(value)
        else:
            closed[key] = value  # also the parts of an `allOf`, which exclude each other when each is closed
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


class Runtime:
    """One loaded GGUF file and the one thread that talks to it: requests are answered in turn, in order of arrival.

    The queue in front of that thread is what keeps a hundred waiting episodes off the event loop's own thread pool.
    """

    def __init__(self, name: str, context: int, threads: int) -> None:
        self.path = weights.locate(name)
        self.fingerprint = ""  # known once loaded, thus in every reply
        self._name, self._context, self._threads = name, context, threads
        self._server: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"local-model-{self.path.stem}")

    def submit(self, request: Request, on_chunk: Callable[[Chunk], None], stopped: threading.Event) -> Future[None]:
        """Answer `request` in this runtime's thread: each part goes to `on_chunk`, until `stopped` is set."""
        return self._thread.submit(self._answer, request, on_chunk, stopped)

    def _answer(self, request: Request, on_chunk: Callable[[Chunk], None], stopped: threading.Event) -> None:
        if stopped.is_set():
            return
        if self._server is None:
            self._server = self._load()

        def receive(chunk: Chunk) -> bool:
            on_chunk(chunk)
            return stopped.is_set()

        try:
            self._server.handle_chat_completions(request, receive)
        except ValueError as error:
            raise InputError(f"local:{self._name} cannot take this request: {error}") from error

    def _load(self) -> Any:
        digest = weights.check(self._name, self.path)
        xllamacpp: Any = importlib.import_module("xllamacpp")  # compiled, without type information
        settings = xllamacpp.CommonParams()
        settings.model.path = str(self.path)
        settings.n_ctx = self._context
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = self._threads
        settings.verbosity = -1  # llama.cpp writes on stderr otherwise, in the middle of progress bars and screens
        settings.warmup = False
        settings.cache_ram_mib = 0
        # The runtime always opens an HTTP port on this machine; nobody else shall use it: a key that nobody knows.
        settings.api_keys = [secrets.token_hex()]
        settings.cors_origins = ""
        settings.ui = False
        settings.n_threads_http = 1
        try:
            server = xllamacpp.Server(settings)
        except RuntimeError as error:
            raise ModelError(
                f"the runtime cannot load {self.path}: the file is damaged, or of a kind that xllamacpp "
                f"{importlib.metadata.version('xllamacpp')} does not know, or memory is short; try pip install -U "
                "xllamacpp, or a smaller `context`"
            ) from error
        self.fingerprint = f"sha256:{digest[:16]}+xllamacpp:{importlib.metadata.version('xllamacpp')}"
        return server


_looking = threading.Lock()


def runtime(name: str, context: int, threads: int) -> Runtime:
    """The process's one runtime for a file and settings: weights are loaded once, at the first request."""
    with _looking:
        return _runtime(name, context, threads, os.getpid())  # a forked child has the memory but not the threads


@functools.cache
def _runtime(name: str, context: int, threads: int, process: int) -> Runtime:
    return Runtime(name, context, threads)
