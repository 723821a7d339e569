"""A model's name to a LangChain chat model: embedded, fake, recorded, or any that `init_chat_model` knows.

| name | model |
|------|-------|
| `local:smollm2`, `local:path/to/model.gguf` | in this process, see `sandbox.adapters.local_model` |
| `fake:first`, `fake:script`, `fake:prose`, `fake:refusal` | by rule, for tests, see `sandbox.adapters.fake_model` |
| `recorded:replies.jsonl?model=local:smollm2` | recorded replies, see `sandbox.adapters.recorded` |
| `openai:...`, `anthropic:...`, `ollama:...` and so on | LangChain's integration package of that provider |

Importing this module imports neither LangChain nor any runtime: the command line lists models with it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sandbox.adapters import weights
from sandbox.errors import InputError, ModelError, did_you_mean

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OWN = ("local", "fake", "recorded")
FAKES = ("first", "script", "prose", "refusal")
PROVIDERS = {  # prefix -> (module, environment variable of its key); LangChain knows more, these are listed
    "anthropic": ("langchain_anthropic", "ANTHROPIC_API_KEY"),
    "deepseek": ("langchain_deepseek", "DEEPSEEK_API_KEY"),
    "google_genai": ("langchain_google_genai", "GOOGLE_API_KEY"),
    "groq": ("langchain_groq", "GROQ_API_KEY"),
    "mistralai": ("langchain_mistralai", "MISTRAL_API_KEY"),
    "ollama": ("langchain_ollama", ""),
    "openai": ("langchain_openai", "OPENAI_API_KEY"),
    "openrouter": ("langchain_openrouter", "OPENROUTER_API_KEY"),
    "together": ("langchain_together", "TOGETHER_API_KEY"),
    "xai": ("langchain_xai", "XAI_API_KEY"),
}
SETTINGS_OF_RECORDED = ("model", "mode", "command")
SETTINGS = {  # of our own models, to be named where somebody mistypes one
    "local": ("context", "logprobs", "max_tokens", "seed", "temperature", "threads", "top_logprobs"),
    "fake": ("max_tokens", "replies", "seed", "temperature"),
    "recorded": SETTINGS_OF_RECORDED,
}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One line of `sandbox list models`."""

    name: str
    kind: str
    """embedded, fake, recorded, or remote."""
    available: bool
    """Whether its packages and weights are here; a key or a server may still be missing."""
    how: str
    """How to get it, or, where it is here, what it is."""


def describe() -> Iterator[ModelRow]:
    """The models that can be named, each with what it needs; imports nothing of theirs."""
    runtime = _installed("xllamacpp")
    extra = "" if runtime else "pip install 'agent-eval-sandbox[local]'"
    for name in weights.KNOWN:
        fetched = weights.find(name) is not None
        needs = [need for need in (extra, "" if fetched else f"sandbox setup model {name}") if need]
        yield ModelRow(f"local:{name}", "embedded", not needs, " and ".join(needs) or "runs in this process, no key")
    yield ModelRow("local:PATH.gguf", "embedded", runtime, extra or "any GGUF file")
    for rule in FAKES:
        yield ModelRow(f"fake:{rule}", "fake", True, "answers by rule, for tests")
    yield ModelRow("recorded:PATH.jsonl?model=NAME", "recorded", True, "replays what the named model once answered")
    for provider, (module, key) in PROVIDERS.items():
        here = _installed(module)
        how = f"set {key}" if key else "start its server"
        yield ModelRow(f"{provider}:MODEL", "remote", here, how if here else f"pip install {_package(module)}; {how}")


def chat_model(name: str, **parameters: Any) -> BaseChatModel:
    """The chat model that `name` means; `parameters` (temperature, seed, max_tokens, base_url, ...) are its settings.

    Raises:
        ModelError: no such model, its package, weights or key are missing; says what to do next.
        InputError: a setting that it does not have, or a value out of range.
    """
    from pydantic import ValidationError  # 0.1 s, and `sandbox list models` needs none of it

    kind, _, rest = name.partition(":")
    try:
        if kind == "local":
            from sandbox.adapters.local_model import LocalChatModel

            return LocalChatModel(model=name, **parameters)
        if kind == "fake":
            return _fake(name, rest, parameters)
        if kind == "recorded":
            return _recorded(rest, parameters)
    except ValidationError as error:
        raise InputError.of_settings(f"model {name}", error, SETTINGS[kind], parameters) from error
    return _remote(name, parameters)


def _fake(name: str, rule: str, parameters: dict[str, Any]) -> BaseChatModel:
    if rule not in FAKES:
        raise ModelError(f"no model {name!r}{did_you_mean(name, (f'fake:{known}' for known in FAKES))}")
    from sandbox.adapters.fake_model import FakeChatModel

    return FakeChatModel(rule=rule, **parameters)


def _recorded(rest: str, parameters: dict[str, Any]) -> BaseChatModel:
    path, _, query = rest.partition("?")
    settings = dict(parse_qsl(query)) | {key: parameters.pop(key) for key in SETTINGS_OF_RECORDED if key in parameters}
    unknown = sorted(set(settings) - set(SETTINGS_OF_RECORDED))
    if not path or "model" not in settings or unknown:
        raise ModelError(
            f"recorded:{rest}: expected recorded:PATH?model=NAME with, if need be, &mode=record and &command=TEXT"
            + (f"; unknown: {', '.join(unknown)}" if unknown else "")
        )
    from sandbox.adapters.recorded import RecordedChatModel

    inner = settings.pop("model")
    return RecordedChatModel(inner=inner, path=Path(path), parameters=parameters, **settings)


def _remote(name: str, parameters: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    provider = name.partition(":")[0] if ":" in name else ""
    try:
        model: BaseChatModel = init_chat_model(name, **parameters)
    except ImportError as error:
        raise ModelError(f"model {name!r}: {_first_line(error)}") from error
    except Exception as error:  # each integration has errors of its own for a missing key or a wrong setting
        reason = _first_line(error)
        if "model provider" in reason or "Unsupported provider" in reason:
            known = [*(f"{own}:" for own in OWN), *(f"{known}:" for known in PROVIDERS)]
            near = did_you_mean(f"{provider}:", known) if provider else f" (known providers: {', '.join(known)})"
            raise ModelError(f"no model {name!r}{near}; see sandbox list models") from error
        if "api_key" in str(error).lower() or "api key" in str(error).lower():
            key = PROVIDERS.get(provider, ("", ""))[1] or "the provider's key variable"
            raise ModelError(f"model {name!r} has no key: set {key} in the environment ({reason})") from error
        raise ModelError(f"model {name!r} cannot be set up: {reason}; check its name and settings") from error
    return model


_AT_FAULT: dict[str, Callable[[str], str]] = {
    "AuthenticationError": lambda model: f"{model} refused the key: check the provider's key variable and base_url",
    "PermissionDeniedError": lambda model: f"{model} is not open to this key: check the account, or name another model",
    "NotFoundError": lambda model: f"{model} is not known to its provider: check the model's name and base_url",
    "RateLimitError": lambda model: (
        f"{model} allows no more calls now: wait, lower the concurrency, or check the quota"
    ),
    "InternalServerError": lambda model: f"{model} failed at its provider: run the same command again later",
}
_UNREACHABLE = frozenset(
    {"APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout", "ReadTimeout", "WriteTimeout"}
    | {
        "PoolTimeout",
        "ReadError",
        "RemoteProtocolError",
        "gaierror",
        "ServiceUnavailable",
        "DeadlineExceeded",
        "MaxRetryError",
    }
)
_SPEAKERS = frozenset(
    {"anthropic", "cohere", "google", "groq", "httpcore", "httpcore2", "httpx", "httpx2", "mistralai", "ollama"}
    | {"openai", "requests", "socket", "together", "urllib3"}
)


def unreachable(exception: BaseException, model: str = "the model") -> ModelError | None:
    """What to tell a person about a call to `model` that failed on the way to it or at its door; None for other faults.

    Looks at the exception and its causes by class name, so that no provider's package is imported. A TimeoutError
    counts: a caller that sets time limits of its own has to catch those first.
    """
    fault: BaseException | None = exception
    while fault is not None:
        if isinstance(fault, ModelError):
            return fault
        if isinstance(fault, ConnectionError | TimeoutError):
            return _no_answer(model, exception)
        for kind in type(fault).__mro__:
            if kind.__module__.partition(".")[0] in _SPEAKERS:
                if kind.__name__ in _UNREACHABLE:
                    return _no_answer(model, exception)
                if kind.__name__ in _AT_FAULT:
                    return ModelError(f"{_AT_FAULT[kind.__name__](model)} ({_first_line(exception)})")
        fault = fault.__cause__ or fault.__context__
    return None


def _no_answer(model: str, exception: BaseException) -> ModelError:
    where = " with `ollama serve`" if model.startswith("ollama:") else ""
    return ModelError(
        f"{model} cannot be reached ({type(exception).__name__}: {_first_line(exception)}): check the network and "
        f"base_url, and that its server runs{where}; then run the same command again"
    )


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _package(module: str) -> str:
    return module.replace("_", "-")
