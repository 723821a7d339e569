"""No credential reaches the store: values of variables with a credential's name are replaced wherever they turn up."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

LEAST_LENGTH = 8
"""Values shorter than this are not replaced: they would be found in ordinary words."""

_NAME = re.compile(r"(?:(?:^|_)(?:API_KEY|ACCESS_KEY|TOKEN|SECRET)|PASSWORD)$", re.IGNORECASE)


class Redaction:
    """Replaces credentials by `[redacted:NAME]`.

    A credential is the value, of at least eight characters, of a variable called `..._API_KEY`, `..._ACCESS_KEY`,
    `..._TOKEN`, `..._SECRET` or `...PASSWORD`, as `environ` has it now.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        found = {value: name for name, value in sorted(environ.items(), reverse=True) if _NAME.search(name)}
        # Longest first, so that a value that contains another is replaced as a whole.
        self._names = {
            value: found[value] for value in sorted(found, key=len, reverse=True) if len(value) >= LEAST_LENGTH
        }
        self._needles = tuple({needle for value in self._names for needle in _as_written(value)})

    def __bool__(self) -> bool:
        return bool(self._names)

    def concerns(self, data: bytes) -> bool:
        """Whether JSON bytes hold a credential. Costs nothing where no credential is set."""
        return any(needle in data for needle in self._needles)

    def found_in(self, value: Any) -> str | None:
        """The name of a variable whose value stands in `value` (a JSON value), or None."""
        if isinstance(value, str):
            return next((name for secret, name in self._names.items() if secret in value), None)
        if isinstance(value, Mapping):
            parts = [*value, *value.values()]
        else:
            parts = list(value) if isinstance(value, list | tuple) else []
        return next((name for name in map(self.found_in, parts) if name), None)

    def text(self, text: str) -> str:
        """`text` without credentials."""
        for secret, name in self._names.items():
            if secret in text:
                text = text.replace(secret, f"[redacted:{name}]")
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without credentials in its strings and keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(part) for key, part in value.items()}
        return [self.value(part) for part in value] if isinstance(value, list | tuple) else value


def _as_written(value: str) -> set[bytes]:
    """How `value` may stand inside a JSON string."""
    written = {json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")}
    with contextlib.suppress(TypeError):  # it holds a lone surrogate, so no document with it is written by orjson
        written.add(orjson.dumps(value)[1:-1])
    return written
