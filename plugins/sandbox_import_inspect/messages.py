"""Inspect's messages in the form of OpenAI's, in which traces have them; pictures in them apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

LONGEST = 1 << 20
"""Characters of one text that are kept; of a longer one also its size and hash."""
LARGEST_PICTURE = 20_000_000
"""Characters of a picture in base64, beyond which only its being there is said."""
DEEPEST = 100
"""Lists and objects within each other."""
LARGEST_NUMBER = 2**53
"""Beyond it an integer is no number: a float is not exact, and it may not even fit into one."""
ATTACHED = "attachment://"

Attached = Callable[[str], str | None]
"""The content of an attachment, by its name; None where the log has none."""


@dataclass(frozen=True)
class Picture:
    """A picture in a message: its kind as an Internet media type, and its bytes in base64."""

    media: str
    base64: str


@dataclass(frozen=True)
class Told:
    """A message.

    Attributes:
        message: in OpenAI's form: `role`, `content` (a text), `tool_calls`, `tool_call_id`, `name`; `reasoning` where
            there is some; under `inspect` what Inspect has beside that.
        pictures: those in it, in order; in the text each is `[a picture, ...]`.
        size: bytes of it, about.
        name: Inspect's id of it.
    """

    message: dict[str, Any]
    pictures: tuple[Picture, ...] = field(default=(), repr=False)
    size: int = 0
    name: str = ""

    @property
    def role(self) -> str:
        """Who says it: `system`, `user`, `assistant`, `tool`."""
        return str(self.message["role"])

    @property
    def text(self) -> str:
        """Its words."""
        return str(self.message["content"])


_MAPPED = {"role", "content", "tool_calls", "tool_call_id", "function", "id"}


def told(message: Any, attached: Attached) -> Told:
    """One of Inspect's messages; what is none is told as it is."""
    if not isinstance(message, Mapping):
        return Told({"role": "message", "content": clipped(as_text(message))})
    words = Words(attached)
    words.add(message.get("content"))
    made: dict[str, Any] = {"role": str(message.get("role", "message"))}
    if made["role"] == "tool":
        made["tool_call_id"] = str(message.get("tool_call_id") or "")
        if message.get("function"):
            made["name"] = str(message["function"])
        error = message.get("error")
        if isinstance(error, Mapping):
            words.add(f"[error] {error.get('message', '')}")
    calls = [_call(call, attached) for call in as_list(message.get("tool_calls"))]
    if calls:
        made["tool_calls"] = calls
    made["content"] = words.text
    if words.reasoning:
        made["reasoning"] = words.reasoning
    rest = {name: value for name, value in message.items() if name not in _MAPPED and value not in (None, "", [], {})}
    if rest:
        made["inspect"] = settled(rest, attached)
    size = len(words.text) + len(words.reasoning) + sum(len(one.base64) for one in words.pictures) + 200
    return Told(made, tuple(words.pictures), size, str(message.get("id") or ""))


class Words:
    """The words of a message's content or a tool's result, its reasoning, and its pictures."""

    def __init__(self, attached: Attached) -> None:
        self._attached = attached
        self._said: list[str] = []
        self._thought: list[str] = []
        self.pictures: list[Picture] = []
        self.refusal = False

    @property
    def text(self) -> str:
        """What is said."""
        return clipped("\n".join(self._said))

    @property
    def reasoning(self) -> str:
        """What is thought."""
        return clipped("\n".join(self._thought))

    def add(self, content: Any) -> None:
        """A text, a part, or a list of parts."""
        if content is None:
            return
        if isinstance(content, str):
            self._said.append(resolved(content, self._attached))
        elif isinstance(content, list):
            for part in content:
                self.add(part)
        elif isinstance(content, Mapping):
            self._part(content)
        else:
            self._said.append(as_text(content))

    def _part(self, part: Mapping[str, Any]) -> None:
        kind = part.get("type")
        if kind == "text":
            self._said.append(resolved(str(part.get("text", "")), self._attached))
            self.refusal = self.refusal or part.get("refusal") is True
        elif kind == "reasoning":
            hidden = part.get("redacted") is True
            thought = part.get("summary") if hidden else part.get("reasoning")
            words = resolved(str(thought or ""), self._attached)
            self._thought.append(words or "[reasoning that the provider does not show]")
        elif kind == "image":
            self._said.append(self._picture(resolved(str(part.get("image", "")), self._attached)))
        elif kind in ("audio", "video", "document"):
            name = f" {part['filename']}" if part.get("filename") else ""
            self._said.append(f"[{'an audio recording' if kind == 'audio' else f'a {kind}'}{name}]")
        else:  # a tool that the provider ran, or what a later version has
            self._said.append(as_text(settled(dict(part), self._attached)))

    def _picture(self, where: str) -> str:
        head, _, data = where.partition(";base64,")
        if not head.startswith("data:"):
            return f"[a picture: {where[:300]}]"
        media = head.removeprefix("data:")[:60]
        if len(data) > LARGEST_PICTURE:
            return f"[a picture, {media}, of {len(data):,} characters in base64: too large to be kept]"
        self.pictures.append(Picture(media, data))
        return f"[a picture, {media}]"


def _call(call: Any, attached: Attached) -> dict[str, Any]:
    name, arguments, fault = call_parts(call, attached)
    made = {
        "type": "function",
        "id": str(call.get("id", "")) if isinstance(call, Mapping) else "",
        "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)},
    }
    return made | {"error": fault} if fault else made


def call_parts(call: Any, attached: Attached) -> tuple[str, Any, str]:
    """The tool, its arguments, and why they could not be read ('' where they could)."""
    if not isinstance(call, Mapping):
        return "", as_text(call), "no call of a tool"
    function = call.get("function")
    arguments = call.get("arguments", {})
    if isinstance(function, Mapping):  # as providers write it
        arguments, function = function.get("arguments", arguments), function.get("name")
    return str(function or ""), settled(arguments, attached), str(call.get("parse_error") or "")


# -- values -----------------------------------------------------------------------------------------------------------


def resolved(text: str, attached: Attached) -> str:
    """A text, or the attachment that it names."""
    if text.startswith(ATTACHED) and len(text) < 100:
        found = attached(text.removeprefix(ATTACHED))
        return text if found is None else found
    return text


def clipped(text: str, longest: int = LONGEST) -> str:
    """A text of no more than `longest` characters; of a longer one the beginning, its length and its SHA-256."""
    if len(text) <= longest:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:longest]} [cut: {len(text):,} characters in all, sha256 {digest}]"


def settled(value: Any, attached: Attached, longest: int = 65_536, depth: int = DEEPEST) -> Any:
    """A JSON value with its attachments in their places, without pictures, and no text longer than `longest`.

    What is nested deeper than `depth` is a text, and a lone surrogate in a name is its escape: no store takes either.
    """
    if isinstance(value, str):
        text = resolved(value, attached)
        if text.startswith("data:") and ";base64," in text[:100]:
            return f"[{len(text):,} characters of {text[5 : text.index(';')]}]"
        return clipped(text, longest)
    if isinstance(value, list | dict) and not depth:
        try:
            return clipped(as_text(value), longest)
        except RecursionError:
            return "[nested too deeply to be kept]"
    if isinstance(value, list):
        return [settled(one, attached, longest, depth - 1) for one in value]
    if isinstance(value, dict):
        return {_name(name): settled(one, attached, longest, depth - 1) for name, one in value.items()}
    return value


def _name(name: str) -> str:
    return clipped(name if name.isascii() else name.encode("utf-8", "backslashreplace").decode(), 1_000)


def fitted(value: Any, most: int, attached: Attached = lambda name: None) -> Any:
    """A JSON value of at most `most` bytes; of a larger one the beginning as text, and its size."""
    value = settled(value, attached)
    data = as_text(value)
    return value if len(data) <= most else {"cut": data[:most], "characters": len(data)}


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False)


def as_number(value: Any) -> float | int | None:
    """A number of a size that can be counted with; anything else is none."""
    return value if isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER else None


def as_list(value: Any) -> Sequence[Any]:
    """A list as it is; anything else is none."""
    return value if isinstance(value, list) else ()
