"""Inspect's log files: `.eval` (a zip of JSON documents, by deflate or zstd) and `.json`, opened within bounds."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import zstandard

from sandbox_import_inspect.json_stream import LARGEST, BadLog, JsonStream

ZSTD = 93
"""How zip calls it; Python's own module reads it from 3.14 on."""
ENCRYPTED = 1
"""Of a member's flags."""
SMALL = 1_000_000_000
"""Bytes unpacked that are no reason for suspicion."""
RATIO = 2_000
"""Times its own size that a log may have when it is unpacked; real ones have less than a hundred."""
MOST_MEMBERS = 1_000_000
ENDINGS = (".eval", ".json")

Visit = tuple[str, Any, JsonStream]
"""A part of a sample (`field`, `message`, `event`, `attachment`, `pooled`), its name or place, and where to read it."""


@dataclass(frozen=True)
class Stored:
    """A sample as it lies in a log: `walk` goes through it from its beginning, at each call."""

    name: str
    walk: Callable[[], Iterator[Visit]]


@dataclass
class Log:
    """What a log's file holds.

    Attributes:
        path: the file.
        header: `version`, `status`, `eval`, `plan`, `results`, ...; of an eval that did not end, what it began with.
        samples: in the order of the file.
        ended: whether the eval ended, in whichever way.
    """

    path: Path
    header: dict[str, Any]
    samples: list[Stored] = field(default_factory=list)
    ended: bool = True


def log_paths(path: Path) -> list[Path]:
    """The log files at a path: itself, or of a folder those in it and below it, sorted by name."""
    if not path.is_dir():
        return [path]
    return sorted(found for found in path.rglob("*") if found.suffix in ENDINGS and found.is_file())


def open_log(path: Path) -> Log:
    """The log in a file.

    Raises:
        BadLog: it is none, or damaged.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(4)
    except OSError as error:
        raise BadLog(f"cannot be read ({error.strerror or error})") from error
    log = _zipped(path) if begins[:2] == b"PK" else _plain(path)
    spec = log.header.get("eval")
    if not isinstance(spec, dict) or not isinstance(spec.get("task"), str):
        raise BadLog("no log of Inspect: it has no `eval` with a `task`")
    version = log.header.get("version", 1)
    if version not in (1, 2):
        raise BadLog(f"version {version!r} of Inspect's format; 1 and 2 are read")
    return log


# -- .eval ------------------------------------------------------------------------------------------------------------


def _zipped(path: Path) -> Log:
    members = _members(path)
    ended = "header.json" in members
    if ended:
        header = _document(path, members["header.json"])
    elif "_journal/start.json" in members:
        header = _document(path, members["_journal/start.json"])
        header.setdefault("status", "started")
    else:
        raise BadLog("no log of Inspect: neither header.json nor _journal/start.json is in it")
    log = Log(path, header, ended=ended and header.get("status") != "started")
    parts: dict[str, dict[str, ZipInfo]] = {}
    for name, member in members.items():
        if not name.startswith("samples/"):
            continue
        folder, _, rest = name.removeprefix("samples/").partition("/")
        if rest:
            parts.setdefault(folder, {})[rest] = member
        elif folder.endswith(".json"):
            log.samples.append(Stored(folder, partial(_member, path, member)))
    for folder, own in parts.items():
        if "sample.json" in own:
            log.samples.append(Stored(folder, partial(_in_pieces, path, own)))
    return log


def _members(path: Path) -> dict[str, ZipInfo]:
    try:
        with ZipFile(path) as opened:
            found = opened.infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise BadLog(f"a damaged zip ({error})") from error
    size = path.stat().st_size
    unpacked = sum(member.file_size for member in found)
    if len(found) > MOST_MEMBERS or unpacked > max(SMALL, RATIO * size):
        raise BadLog(f"{len(found):,} files of {unpacked:,} bytes packed into {size:,}: a zip bomb, not read")
    return {member.filename: member for member in found}  # of one name the last: what was written again


def _document(path: Path, member: ZipInfo) -> dict[str, Any]:
    try:
        with _opened(path, member) as source:
            found = JsonStream(source).value()
    except BadLog as error:
        raise BadLog(f"{member.filename}: {error}") from error
    if not isinstance(found, dict):
        raise BadLog(f"{member.filename}: expected an object")
    return found


def _opened(path: Path, member: ZipInfo) -> BinaryIO:
    """A member as it is unpacked, checked against its size and checksum at its end."""
    # By its place in the file: `ZipFile` would read the list of all members again, and cannot unpack zstd before 3.14.
    file = path.open("rb")
    try:
        file.seek(member.header_offset)
        head = file.read(30)
        if head[:4] != b"PK\x03\x04" or member.flag_bits & ENCRYPTED or member.compress_type not in _UNPACKED:
            raise BadLog(f"{member.filename}: it does not begin as the list says, or is packed in an unknown way")
        lengths = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        file.seek(lengths, io.SEEK_CUR)
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(_Checked(_UNPACKED[member.compress_type](_Part(file, member.compress_size)), member))


class _Part(io.RawIOBase):
    """The next bytes of a file, and no more; closes it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


class _Inflated:
    """What was packed by deflate."""

    def __init__(self, packed: _Part) -> None:
        self._packed = packed
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self.close = packed.close

    def read(self, size: int) -> bytes:
        while not self._inflate.eof:
            more = self._inflate.unconsumed_tail or self._packed.read(65_536)
            data = self._inflate.decompress(more, size)
            if data or not more:
                return data
        return b""


def _zstd(packed: _Part) -> Any:
    unpacking = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    return unpacking.stream_reader(packed, read_across_frames=True, closefd=True)  # type: ignore[arg-type]


_UNPACKED: dict[int, Callable[[_Part], Any]] = {ZIP_STORED: lambda packed: packed, ZIP_DEFLATED: _Inflated, ZSTD: _zstd}


class _Checked(io.RawIOBase):
    def __init__(self, source: Any, member: ZipInfo) -> None:
        self._source, self._member = source, member
        self._size = self._sum = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self._size += len(data)
        self._sum = zlib.crc32(data, self._sum)
        if self._size > self._member.file_size:
            raise BadZipFile("it unpacks to more than it says")
        if not data and len(buffer) and (self._size, self._sum) != (self._member.file_size, self._member.CRC):
            raise BadZipFile("it does not match its checksum")
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def _in_pieces(path: Path, own: dict[str, ZipInfo]) -> Iterator[Visit]:
    """A sample in files of its own, by a thousand events and messages (Inspect's large samples)."""
    with _opened(path, own["sample.json"]) as source:
        stream = JsonStream(source)
        for name in stream.members():
            yield "field", name, stream
    if "metadata.json" in own:
        with _opened(path, own["metadata.json"]) as source:
            yield "field", "metadata", JsonStream(source)
    for folder, what in (("attachments", "attachment"), ("messages", "pooled"), ("events", "event")):
        pieces = {int(found[1]): member for name, member in own.items() if (found := _PIECE[folder].match(name))}
        for start, member in sorted(pieces.items()):
            with _opened(path, member) as source:
                stream = JsonStream(source)
                for place in stream.elements():
                    yield what, str(start + place) if what == "attachment" else start + place, stream


_PIECE = {name: re.compile(rf"{name}/(\d{{1,12}})\.json\Z") for name in ("attachments", "messages", "events")}


# -- .json ------------------------------------------------------------------------------------------------------------


def _plain(path: Path) -> Log:
    header: dict[str, Any] = {}
    samples: list[Stored] = []
    with path.open("rb") as file:
        stream = JsonStream(file)
        if stream.kind() != "object":
            raise BadLog("no log of Inspect: neither a zip nor a JSON object")
        try:
            for name in stream.members():
                if name == "samples" and stream.kind() == "list":
                    for place in stream.elements():
                        found = Stored(f"sample {place + 1}", partial(_placed, path, stream.position))
                        for _ in stream.members():
                            pass
                        samples.append(found)
                elif name in ("version", "status", "eval", "plan", "results", "stats", "error", "invalidated"):
                    header[name] = stream.value()
                elif "eval" not in header and name not in ("tags", "metadata", "location", "etag"):
                    raise BadLog(f"no log of Inspect: it begins with {name[:40]!r}")
        except BadLog as error:
            if not samples:
                raise
            header["cut"] = str(error)  # what came before it is whole
    return Log(path, header, samples, ended=header.get("status") != "started" and "cut" not in header)


def _member(path: Path, member: ZipInfo) -> Iterator[Visit]:
    return _whole(_opened(path, member))


def _placed(path: Path, at: int) -> Iterator[Visit]:
    file = path.open("rb")
    file.seek(at)
    return _whole(file)


# -- both -------------------------------------------------------------------------------------------------------------


def _whole(source: BinaryIO) -> Iterator[Visit]:
    """A sample that is one document."""
    with source:
        stream = JsonStream(source, LARGEST)
        for name in stream.members():
            if name in ("messages", "events") and stream.kind() == "list":
                yield from _listed(name.removesuffix("s"), stream)
            elif name == "attachments" and stream.kind() == "object":
                for key in stream.members():
                    yield "attachment", key, stream
            elif name in ("events_data", "transcript") and stream.kind() == "object":
                for part in stream.members():
                    if part == "messages" and stream.kind() == "list":
                        yield from _listed("pooled", stream)
                    elif part == "events" and stream.kind() == "list":  # as version 1 has them
                        yield from _listed("event", stream)
                    elif part == "content" and stream.kind() == "object":
                        for key in stream.members():
                            yield "attachment", key, stream
            elif name not in ("messages", "events", "attachments", "events_data", "transcript"):
                yield "field", name, stream


def _listed(what: str, stream: JsonStream) -> Iterator[Visit]:
    for place in stream.elements():
        yield what, place, stream
