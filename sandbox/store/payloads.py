"""Payloads: JSON values as bytes under the hash of their content, and lists that grow as chains of such hashes.

Equal values have equal bytes and are stored once. A list of messages that repeats from call to call is a chain: each
link names the link before it and one message, so that a list with one more message costs one more link, however long
it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import zstandard

from sandbox.errors import StoreError
from sandbox.store.redaction import Redaction

HASH_BYTES = 16
_EXACT = b" "  # begins the documents that the standard library's reader must read
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY


class Damaged(Exception):
    """Stored bytes are not what was stored; whoever knows the episode and step says so in a `StoreCorrupt`."""


def encode(value: Any) -> bytes:
    """JSON bytes of a value of dicts with string keys, lists, strings, numbers, booleans and None; keys sorted.

    The same bytes as `sandbox.text.canonical`, but for what that road loses on the way back: integers beyond 64 bits,
    adjacent lone surrogates, and NaN and infinities (which orjson writes as `null`). Those documents begin with a blank
    and are Python's own JSON.

    Raises:
        StoreError: the value is no JSON value; says which type it holds.
    """
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except TypeError:
        return _encode_exactly(value)
    # A search for four bytes costs less than a walk through every value in quest of a NaN.
    return _encode_exactly(value) if b"null" in data and _has_non_finite(value) else data


def decode(data: bytes) -> Any:
    """The value that :func:`encode` wrote (tuples and numpy arrays come back as lists).

    Raises:
        Damaged: the bytes are no JSON.
    """
    try:
        return json.loads(data.decode("utf-8", "surrogatepass")) if data[:1] == _EXACT else orjson.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"the stored JSON cannot be read ({error})") from error


def hash_of(data: bytes) -> bytes:
    """The 16 bytes under which `data` is stored: BLAKE2b-128."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


def compress(documents: Sequence[bytes]) -> list[bytes]:
    """Each of `documents` as a zstd frame."""
    if not documents:
        return []
    # Level 1: on rows of some hundred bytes higher levels save 1 % and cost more. All in one call: one for each would
    # give the interpreter's lock away each time, and fight for it with the threads that run episodes.
    frames: Any = zstandard.ZstdCompressor(level=1, write_checksum=False).multi_compress_to_buffer(
        list(documents), threads=1
    )
    return [frame.tobytes() for frame in frames]


def _encode_exactly(value: Any) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"not a JSON value, so it cannot be stored: {error}") from error
    return _EXACT + text.encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON type; use dicts, lists, strings, numbers, booleans and None")


def _has_non_finite(value: Any) -> bool:
    """Whether a document that orjson took holds a NaN or an infinity; json's encoder walks it in C."""
    try:
        json.dumps(value, allow_nan=False, default=lambda part: part.tolist() if hasattr(part, "tolist") else None)
    except ValueError:
        return True
    return False


class Packer:
    """Turns values into references, keeping the payloads that must be stored before the references are."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction if redaction else None  # without credentials, without the search for them
        self.payloads: dict[bytes, bytes] = {}
        self.redacted = False

    def inline(self, value: Any) -> bytes:
        """`value` as JSON bytes, without credentials."""
        data = encode(value)
        if self._redaction is not None and self._redaction.concerns(data):
            self.redacted = True
            return encode(self._redaction.value(value))
        return data

    def put(self, value: Any) -> bytes:
        """The reference of `value`."""
        data = self.inline(value)
        ref = hash_of(data)
        self.payloads[ref] = data
        return ref

    def chain(self, messages: Sequence[Any]) -> bytes:
        """The reference of a list that shares its beginning with other lists; empty bytes for the empty list."""
        link = b""
        for message in messages:
            data = link + self.put(message)
            link = hash_of(data)
            self.payloads[link] = data
        return link


class Payloads:
    """Payloads read from the database: each fetched once, decompressed and checked when it is asked for."""

    def __init__(self, fetch: Callable[[Sequence[bytes]], Iterable[tuple[bytes, bytes]]]) -> None:
        self.fetch = fetch
        self._stored: dict[bytes, bytes | None] = {}
        self._values: dict[bytes, Any] = {}
        self._decompress = zstandard.ZstdDecompressor().decompress

    def load(self, refs: Iterable[bytes | None]) -> None:
        """Fetch what of `refs` is not here yet, in few queries."""
        missing = [ref for ref in dict.fromkeys(refs) if ref and ref not in self._stored]
        if missing:
            self._stored |= dict.fromkeys(missing)
            self._stored |= dict(self.fetch(missing))

    def load_chains(self, links: Iterable[bytes | None]) -> None:
        """Fetch chains with all their messages. Lists of one episode hold one another, so few rounds are needed."""
        seen: set[bytes] = set()
        new = {link for link in links if link}
        messages: list[bytes] = []
        while new:
            seen |= new
            self.load(new)
            before = set()
            for link in new:
                try:
                    data = self._bytes(link)
                except Damaged:
                    continue  # said when the list is asked for, by whoever can name the step
                messages.append(data[-HASH_BYTES:])
                before.add(data[:-HASH_BYTES])
            new = {link for link in before if link} - seen
        self.load(messages)

    def value(self, ref: bytes, build: Callable[[Any], Any] | None = None) -> Any:
        """The value that `ref` refers to, or what `build` makes of it, made once per reference; not to be changed.

        Raises:
            Damaged: it is missing, or does not fit its hash.
        """
        if ref not in self._values:
            value = decode(self._bytes(ref))
            self._values[ref] = value if build is None else build(value)
        return self._values[ref]

    def chain(self, link: bytes) -> list[Any]:
        """The list whose last link is `link`."""
        messages = []
        while link:
            data = self._bytes(link)
            messages.append(self.value(data[-HASH_BYTES:]))
            link = data[:-HASH_BYTES]
        return messages[::-1]

    def forget_beyond(self, count: int) -> None:
        """Let go of everything if there are more than `count` payloads here."""
        if len(self._stored) > count:
            self._stored.clear()
            self._values.clear()

    def _bytes(self, ref: bytes) -> bytes:
        if ref not in self._stored:
            self.load([ref])
        stored = self._stored[ref]
        if stored is None:
            raise Damaged(f"the payload {ref.hex()} is missing")
        try:
            data = self._decompress(stored)
        except (zstandard.ZstdError, MemoryError) as error:
            raise Damaged(f"the payload {ref.hex()} cannot be decompressed ({error})") from error
        if hash_of(data) != ref:
            raise Damaged(f"the payload {ref.hex()} does not match its hash")
        return data
