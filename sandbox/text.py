"""Untrusted text: what a model, a page or a plugin wrote, made harmless before any terminal or page.

Everything that comes out of a trace is data. A terminal obeys bytes (colours, titles, the clipboard through OSC 52,
links through OSC 8, single C1 bytes), readers are misled by direction marks, and Textual and Rich read `[...]` as
markup. So all of it goes through :func:`display` (or :func:`display_line`) and reaches widgets as plain `Text`, never
as markup.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import Any

import orjson

# C0 but tab and newline, DEL, C1, lone surrogates, direction and zero-width marks, line separators, tags, BOM; and two
# that XML forbids.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\ud800-\udfff\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # U+2400 block: the pictures of control characters
    if code == 0x7F:
        return "␡"
    return f"<U+{code:04X}>"


def display(text: object) -> str:
    """`text` with every character that a terminal may obey made visible; tabs and newlines stay."""
    return _UNSAFE.sub(_visible, str(text).replace("\r\n", "\n"))


def display_line(text: object, width: int | None = None) -> str:
    """`display` on one line, cut to `width` characters with an ellipsis."""
    line = display(text).replace("\n", "⏎").replace("\t", " ")
    if width is not None and len(line) > width:
        return line[: max(width - 1, 0)] + "…"
    return line


def escape_html(text: object) -> str:
    """`display`, then escaped for HTML and SVG element content and quoted attributes."""
    return html.escape(display(text), quote=True)


def fitted(written: bytes) -> bytes:
    """The same bytes in no more memory than they need: orjson 3.13 leaves even the shortest in a buffer of 4 KB."""
    return b"%b" % written


def canonical(value: Any) -> bytes:
    """JSON bytes that are the same for the same value on every machine: keys sorted, UTF-8, no spaces. For hashes.

    A string with a lone surrogate (a model's broken emoji) and an integer beyond 64 bits are written as Python's own
    JSON has them. Non-finite numbers are the caller's to refuse. (What is stored and read back is encoded by
    `sandbox.store.payloads`.)
    """
    try:
        return fitted(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY))
    except TypeError:
        # orjson refuses both; the standard library escapes the one and writes the other. Only such documents take
        # this road, so that the bytes still depend on the value alone.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def fragment(value: Any) -> bytes | None:
    """The canonical bytes of a part of a document, if they are the same whatever else the document holds; else None."""
    try:
        return fitted(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY))
    except TypeError:
        return None


_KEPT = 2047  # bytes
_LONG = 50_000  # bytes


def sha256(written: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits.

    From 2,048 bytes at once hashlib gives the interpreter's lock away. A step has some more, and takes two microseconds
    to hash; to get the lock back from the thread that writes took twenty. What takes longer may give it away.
    """
    if len(written) <= _KEPT or len(written) > _LONG:
        return hashlib.sha256(written).hexdigest()
    found = hashlib.sha256()
    for start in range(0, len(written), _KEPT):
        found.update(written[start : start + _KEPT])
    return found.hexdigest()


class Fragmented(dict[str, Any]):
    """A document that nobody changes, with its `fragment`, which no other value has."""

    __slots__ = ("fragment",)

    def __init__(self, value: dict[str, Any], fragment: bytes) -> None:
        super().__init__(value)
        self.fragment = fragment


def as_json(value: Any) -> Any:
    """The JSON values that `value` consists of, as new objects.

    Raises:
        TypeError, ValueError, RecursionError: it holds something else.
    """
    written = fragment(value)
    # What orjson wrote it reads as it was; what it refused to write it would not read either.
    if written is None:  # unescaped: two halves of an emoji side by side, escaped, would be read as a whole one
        return json.loads(json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False))
    return orjson.loads(written)


def is_exact(value: Any, written: bytes | None) -> bool:
    """Whether no other JSON value has the bytes that `fragment(value)` gave: NaN and infinities are written as null."""
    if written is None:
        return False
    # A search for four bytes spares most documents the comparison, in which a NaN is not the None that comes back.
    return b"null" not in written or bool(orjson.loads(written) == value)
