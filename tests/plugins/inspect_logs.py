"""Small logs in Inspect's format, put together by hand: a sample, a log, and files of both kinds."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zstandard

SPEC = {
    "created": "2026-01-01T00:00:00+00:00",
    "run_id": "run",
    "task": "sums",
    "task_version": 1,
    "model": "openai/gpt-4o",
    "solver": "react",
    "dataset": {"name": "sums", "samples": 1},
    "config": {"epochs": 1},
    "packages": {"inspect_ai": "0.3.1"},
}
ADD = {
    "name": "add",
    "description": "Add two numbers.\nMore of it.",
    "parameters": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}},
}


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def reply(text: Any, *calls: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "tool_calls": list(calls), **more}


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"id": f"call-{name}", "function": name, "arguments": arguments, "type": "function"}


def model(told: Iterable[Any], answer: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A model call; `told`: messages, or ranges of the sample's pool."""
    told = list(told)
    pooled = bool(told) and isinstance(told[0], list)
    return {
        "event": "model",
        "model": "openai/gpt-4o",
        "input": [] if pooled else told,
        **({"input_refs": told} if pooled else {}),
        "tools": [ADD],
        "tool_choice": "auto",
        "config": {},
        "output": {
            "model": "gpt-4o-2026",
            "choices": [{"message": dict(answer), "stop_reason": "stop"}],
            "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 17, "input_tokens_cache_read": 2},
            "time": 1.5,
        },
        "timestamp": "2026-01-01T00:00:01+00:00",
        **more,
    }


def sample(**fields: Any) -> dict[str, Any]:
    first, thought = user("1+2?"), reply("I add.", call("add", x=1, y=2))
    result = {"role": "tool", "content": "3", "tool_call_id": "call-add", "function": "add"}
    events = [
        {"event": "span_begin", "id": "s", "type": "solver", "name": "react", "span_id": "s"},
        model([first], thought, span_id="s"),
        {"event": "tool", "id": "call-add", "function": "add", "arguments": {"x": 1, "y": 2}, "result": "3"},
        model([first, thought, result], reply("3")),
        {"event": "score", "score": {"value": "C"}},
    ]
    made = {
        "id": "one", "epoch": 1, "input": "1+2?", "target": "3", "metadata": {"kind": "easy"}, "uuid": "u1",
        "messages": [], "events": events, "scores": {"match": {"value": "C", "answer": "3"}},
        "completed_at": "2026-01-01T00:00:09+00:00",
    }  # fmt: skip
    return made | fields


def header(**fields: Any) -> dict[str, Any]:
    return {"version": 2, "status": "success", "eval": SPEC, "plan": {"steps": []}} | fields


def packed(path: Path, members: Mapping[str, Any], *, zstd: bool = False) -> Path:
    """A `.eval` file of documents, or bytes as they stand."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, value in members.items():
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            if not zstd:
                opened.writestr(name, data)
                continue
            # As Inspect writes it, which Python's own module can from 3.14 on.
            info = zipfile.ZipInfo(name)
            frame = zstandard.ZstdCompressor().compress(data)
            opened.writestr(info, frame)  # stored; then called by its right name
            info = opened.getinfo(name)
            info.compress_type, info.file_size, info.CRC = 93, len(data), zlib.crc32(data)
    return path


def log(path: Path, *samples: Mapping[str, Any], zstd: bool = False, **fields: Any) -> Path:
    """A log of these samples, packed or plain by the ending of its name."""
    if path.suffix == ".json":
        path.write_text(json.dumps(header(**fields) | {"samples": samples}), encoding="utf-8")
        return path
    members = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
    return packed(path, {"header.json": header(**fields), **members}, zstd=zstd)
