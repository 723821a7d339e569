"""A JSON document read value by value: no more of it is in memory than the value that is asked for.

The end of a value is found by the standard library's own scanner, which is written in C and takes the constants NaN and
Infinity, as Inspect writes them (a reader of streams such as `ijson` refuses those). The text is scanned as Latin-1, a
byte a character, so that places in it are places in the file.
"""

from __future__ import annotations

import json
import math
import re
import sys
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal
from zipfile import BadZipFile

import zstandard

AT_ONCE = 1 << 18
"""Bytes that are read at a time."""
LARGEST_VALUE = 64_000_000
"""Bytes of one value: an event, a message, an attachment."""
LARGEST = 4_000_000_000
"""Bytes of a document."""

_TOO_MANY_DIGITS = "integer string conversion"  # of what Python says of a number that is too long
_BOM = "\xef\xbb\xbf"  # that UTF-8 needs none of, and some editors write; as Latin-1
_BLANKS = " \t\n\r"
_BLANK = re.compile(r"[ \t\n\r]*")


class BadLog(Exception):
    """What a log's file has where it should have something else; the message says where."""

    @classmethod
    def of(cls, error: Exception) -> BadLog:
        """The same of what reading something unexpected raised: a later version may write what nobody thought of."""
        if isinstance(error, BadLog):
            return error
        if isinstance(error, RecursionError):
            return cls("nested too deeply")
        return cls(f"not as expected ({type(error).__name__}: {error})")


UNEXPECTED = (BadLog, RecursionError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError)
"""What reading a log may raise where it holds something else than it should."""


def _finite(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_DECODER = json.JSONDecoder(parse_constant=str, parse_float=_finite, strict=False)  # not finite: as its name


class JsonStream:
    """Reads the document that begins where `source` stands.

    `members` and `elements` go through an object or a list: what a caller does not read of it is passed over.

    Raises, all of it:
        BadLog: it is no JSON, nested too deeply, or larger than the bounds above.
    """

    def __init__(self, source: BinaryIO, most: int = LARGEST) -> None:
        self._source = source
        self._most = most
        self._text = ""
        self._at = 0  # in the text
        self._before = 0  # bytes in front of the text
        self._all = False

    @property
    def position(self) -> int:
        """How many bytes are behind."""
        return self._before + self._at

    def kind(self) -> Literal["object", "list", "value"]:
        """What comes next."""
        following = self._peek()
        return "object" if following == "{" else "list" if following == "[" else "value"

    def value(self) -> Any:
        """The value that comes next; a number that is not finite is a text, such as `NaN`."""
        return self._value()[0]

    def raw(self) -> bytes:
        """The bytes of the value that comes next."""
        _, start, end = self._value(decode=False)
        return self._text[start:end].encode("latin-1")

    def skip(self) -> None:
        """Pass over the value that comes next: by its parts, as it may be too large as a whole."""
        kind = self.kind()
        if kind == "object":
            for _ in self.members():
                if self.kind() == "list":
                    self.skip()
                else:
                    self._value(decode=False)
        elif kind == "list":
            for _ in self.elements():
                pass
        else:
            self._value(decode=False)

    def members(self) -> Iterator[str]:
        """The names of the object that comes next; after each, its value is next."""
        self._expect("{")
        for _ in self._parts("}"):
            name = self.value()
            if not isinstance(name, str):
                raise self._fault("expected a name in quotes")
            self._expect(":")
            self._peek()
            start = self.position
            yield name
            if self.position == start:
                self.skip()

    def elements(self) -> Iterator[int]:
        """The places, from 0, in the list that comes next; at each, its value is next."""
        self._expect("[")
        for place in self._parts("]"):
            self._peek()
            start = self.position
            yield place
            if self.position == start:
                self._value(decode=False)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _parts(self, end: str) -> Iterator[int]:
        place = 0
        while True:
            following = self._peek()
            if following == end:
                self._at += 1
                return
            if place:
                self._expect(",")
            yield place
            place += 1

    def _value(self, *, decode: bool = True) -> tuple[Any, int, int]:
        """The value that comes next, and where it is in the text."""
        first = self._peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError as error:
                if _TOO_MANY_DIGITS in str(error):
                    raise self._fault(f"an integer of more than {sys.get_int_max_str_digits():,} digits") from error
                if len(self._text) - self._at > LARGEST_VALUE:
                    words = f"a value of more than {LARGEST_VALUE:,} bytes, or no JSON"
                    raise self._fault(words) from error
                if not self._more():
                    raise self._fault("no JSON, or cut off") from error
                continue
            except RecursionError as error:
                raise self._fault("nested too deeply") from error
            if end == len(self._text) and first in "-0123456789" and self._more():
                continue  # it may have more digits
            break
        start, self._at = self._at, end
        if decode and not (written := self._text[start:end]).isascii():
            found = _DECODER.decode(written.encode("latin-1").decode("utf-8", "replace"))
        return found, start, end

    def _peek(self) -> str:
        """The character that comes next, behind blanks."""
        while True:
            following = self._text[self._at : self._at + 1]
            if following and following not in _BLANKS:
                return following
            blanks = _BLANK.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at == len(self._text) and not self._more():
                raise self._fault("it ends too soon")

    def _expect(self, wanted: str) -> None:
        if self._peek() != wanted:
            raise self._fault(f"expected {wanted}")
        self._at += 1

    def _more(self) -> bool:
        """Read on; twice as much as is here already, so that a long value is not begun too often."""
        if self._all:
            return False
        rest = self._text[self._at :]
        try:
            read = self._source.read(max(AT_ONCE, len(rest)))
        except (BadZipFile, zlib.error, zstandard.ZstdError, EOFError, OSError, NotImplementedError) as error:
            raise BadLog(f"damaged ({error})") from error
        self._before += self._at
        self._text, self._at = rest + read.decode("latin-1"), 0
        if not self._before and not rest and self._text.startswith(_BOM):
            self._at = len(_BOM)
        self._all = not read
        if self._before + len(self._text) > self._most:
            raise BadLog(f"more than {self._most:,} bytes when it is unpacked: not read")
        return bool(read)

    def _fault(self, words: str) -> BadLog:
        return BadLog(f"byte {self.position + 1:,}: {words}")
