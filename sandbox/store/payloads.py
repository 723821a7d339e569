"""Payloads: JSON values as bytes under the hash of their content; equal values have equal bytes, and are stored once.

For what is long or comes back elsewhere: to be found by its hash costs a document some eighty bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import orjson
import zstandard

from sandbox.errors import StoreError
from sandbox.recent import Recent
from sandbox.store.redaction import Redaction
from sandbox.text import fitted

HASH_BYTES = 16
APART = b"#"  # begins the hash of such a document, in its place
LONG = 8192  # bytes: a document in a step that is longer (a screenshot, a long prompt) is a payload of its own
_EXACT = b" "  # begins the documents that the standard library's reader must read
DICTIONARIES = 100  # held for reading, some 10 KB each
SHORT = 500  # bytes: a frame that may come again
EXPANDED = 250_000  # bytes of such frames and of what is made of them
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
ValueT = TypeVar("ValueT")


class Damaged(Exception):
    """Stored bytes are not what was stored; whoever knows the episode and step says so in a `StoreCorrupt`."""


def encode(value: Any, *, as_given: bool = False) -> bytes:
    """JSON bytes of a value of dicts with string keys, lists, strings, numbers, booleans and None; keys sorted.

    `as_given`: keys stay in their order, where that is part of what is to come back: a model's reply that is given
    again is put into the requests that follow, which are known by their text.

    The same bytes as `sandbox.text.canonical`, but for what that road loses on the way back: integers beyond 64 bits,
    adjacent lone surrogates, and NaN and infinities (which orjson writes as `null`). Those documents begin with a blank
    and are Python's own JSON.

    Raises:
        StoreError: the value is no JSON value; says which type it holds.
    """
    try:
        data = fitted(orjson.dumps(value, option=_OPTIONS if as_given else _OPTIONS | orjson.OPT_SORT_KEYS))
    except TypeError:
        return _encode_exactly(value, as_given)
    # A search for four bytes costs less than a walk through every value in quest of a NaN.
    return _encode_exactly(value, as_given) if b"null" in data and _has_non_finite(value, data) else data


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


def unpacked(ref: bytes, stored: bytes, decompress: Callable[[bytes], bytes]) -> bytes:
    """What was stored as the zstd frame `stored` under the hash `ref`.

    Raises:
        Damaged: it is no such frame, or does not fit the hash.
    """
    try:
        data = decompress(stored)
    except (zstandard.ZstdError, MemoryError) as error:
        raise Damaged(f"the payload {ref.hex()} cannot be decompressed ({error})") from error
    if hash_of(data) != ref:
        raise Damaged(f"the payload {ref.hex()} does not match its hash")
    return data


def _encode_exactly(value: Any, as_given: bool) -> bytes:
    try:
        text = json.dumps(value, sort_keys=not as_given, separators=(",", ":"), ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"not a JSON value, so it cannot be stored: {error}") from error
    return _EXACT + text.encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON type; use dicts, lists, strings, numbers, booleans and None")


def _has_non_finite(value: Any, data: bytes) -> bool:
    """Whether a document that orjson wrote as `data` holds a NaN or an infinity; json's encoder walks it in C."""
    with contextlib.suppress(ValueError):  # numpy's arrays do not compare as a whole
        if orjson.loads(data) == value:  # ten times as fast, where there are no tuples
            return False
    try:
        json.dumps(value, allow_nan=False, default=lambda part: part.tolist() if hasattr(part, "tolist") else None)
    except ValueError:
        return True
    return False


class Packer:
    """Turns values into references, keeping the payloads that must be stored before the references are."""

    def __init__(self, redaction: Redaction | None) -> None:
        self._redaction = redaction if redaction else None  # without credentials, without the search for them
        self.payloads: dict[bytes, bytes] = {}
        self.redacted = False

    def alone(self) -> Packer:
        """Another one, with nothing in it."""
        return Packer(self._redaction)

    def inline(self, value: Any, *, as_given: bool = False, encoded: bytes | None = None) -> bytes:
        """`value` as JSON bytes (see `encode`), without credentials; `encoded`: the bytes, where they are known."""
        data = encoded or encode(value, as_given=as_given)
        if self._redaction is not None and self._redaction.concerns(data):
            self.redacted = True
            return encode(self._redaction.value(value), as_given=as_given)
        return data

    def put(self, value: Any) -> bytes:
        """The reference of `value`."""
        data = self.inline(value)
        ref = hash_of(data)
        self.payloads[ref] = data
        return ref

    def apart(self, data: bytes) -> bytes | None:
        """The reference of a document of :meth:`inline` that is too long to stand where it belongs; None of others."""
        if len(data) <= LONG:
            return None
        ref = hash_of(data)
        self.payloads[ref] = data
        return ref


def numbered(number: int, learnt: bytes, level: int | None = None) -> zstandard.ZstdCompressionDict:
    """A dictionary that frames call by `number`; it stands behind the four bytes by which dictionaries begin."""
    named = zstandard.ZstdCompressionDict(learnt[:4] + number.to_bytes(4, "little") + learnt[8:])
    if level is not None:
        named.precompute_compress(level)  # else at every frame
    return named


class Expander:
    """Documents that were compressed with a dictionary or without (see `dictionaries`)."""

    def __init__(self, fetch: Callable[[int], bytes | None]) -> None:
        """`fetch` gives a dictionary as it is stored, by its number, or None."""
        self.fetch = fetch
        self._known: Recent[int, zstandard.ZstdDecompressor] = Recent(DICTIONARIES)
        self._plain = zstandard.ZstdDecompressor()

    def expand(self, frame: bytes) -> bytes:
        """The document of a frame.

        Raises:
            Damaged: it is no frame, it does not fit its checksum, or its dictionary is missing or damaged.
        """
        try:
            number = zstandard.get_frame_parameters(frame).dict_id
            known = self._plain if not number else self._known.get(number)
            if known is None:
                stored = self.fetch(number)
                if stored is None:
                    raise Damaged(f"dictionary {number} is missing")
                known = zstandard.ZstdDecompressor(dict_data=numbered(number, self._plain.decompress(stored)))
                self._known.put(number, known)
            return known.decompress(frame)
        except (zstandard.ZstdError, MemoryError) as error:
            raise Damaged(f"it cannot be decompressed ({error})") from error


_ABSENT = object()


class Payloads:
    """Payloads read from the database: each fetched once, decompressed and checked when it is asked for."""

    def __init__(
        self,
        fetch: Callable[[Sequence[bytes]], Iterable[tuple[bytes, bytes]]],
        dictionary: Callable[[int], bytes | None] = lambda number: None,
    ) -> None:
        self.fetch = fetch
        self.expander = Expander(dictionary)
        self._stored: dict[bytes, bytes | None] = {}
        self._values: dict[bytes, Any] = {}  # by reference, or by the document
        self._expanded: Recent[bytes, Any] = Recent(EXPANDED)
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
                    data = self.data(link)
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
        found = self._values.get(ref, _ABSENT)
        if found is _ABSENT:
            found = decode(self.data(ref))
            if build is not None:
                found = build(found)
            self._values[ref] = found
        return found

    def expanded(self, frame: bytes, build: Callable[[bytes], ValueT]) -> ValueT:
        """What `build`, always the same, makes of a frame's document; not to be changed.

        Short frames are kept: steps of agents that act by rule are equal by the dozen.

        Raises:
            Damaged: as `Expander.expand` does.
        """
        found = self._expanded.get(frame)
        if found is None:
            found = build(self.expander.expand(frame))
            if len(frame) <= SHORT:
                self._expanded.put(frame, found, len(frame) + 1000)
        return cast(ValueT, found)

    def part(self, line: bytes, build: Callable[[Any], Any] | None = None) -> Any:
        """As :meth:`value`, of a document in a step, which may be a payload of its own (see `traces`)."""
        if line[:1] == APART:
            return self.value(bytes.fromhex(line[1:].decode()), build)
        if build is None:
            return decode(line)
        found = self._values.get(line, _ABSENT)
        if found is _ABSENT:
            found = self._values[line] = build(decode(line))
        return found

    def chain(self, link: bytes) -> list[bytes]:
        """The documents of the chain that ends with `link`, of schema 0001: each behind the link before it."""
        messages = []
        while link:
            data = self.data(link)
            messages.append(self.data(data[-HASH_BYTES:]))
            link = data[:-HASH_BYTES]
        return messages[::-1]

    def forget_beyond(self, count: int) -> None:
        """Let go of everything if there are more than `count` payloads here."""
        if max(len(self._stored), len(self._values)) > count:
            self._stored.clear()
            self._values.clear()

    def data(self, ref: bytes) -> bytes:
        """The document that `ref` refers to; raises as :meth:`value` does."""
        if ref not in self._stored:
            self.load([ref])
        stored = self._stored[ref]
        if stored is None:
            raise Damaged(f"the payload {ref.hex()} is missing")
        return unpacked(ref, stored, self._decompress)
