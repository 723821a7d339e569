"""A real pseudo-terminal with a program in it: keys go in, and every byte that comes out is kept."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"  # CSI
    r"|(?P<string>[]P_^X])(?P<text>[^\x07\x1b]*)(?:\x07|\x1b\\)"  # OSC, DCS, APC, PM, SOS
    r"|(?P<short>[ -/]*[0-Z\\`-~])"
    r")"
)
"""A control sequence of ECMA-48, whole."""

STYLE = "m"  # the one final byte whose parameters may be anything: colours


class Terminal:
    """`command` in a terminal of so many columns and rows. A context manager: leaving it ends the program.

    Attributes:
        output: all that came out so far, decoded; what is no UTF-8 are lone surrogates.
    """

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        told = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | environment
        for name in {"COLUMNS", "LINES"} - set(environment):  # a parallel test run sets them, and they would win
            told.pop(name, None)
        tied = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(command, **tied, env=told, start_new_session=True, preexec_fn=_owns_terminal)
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._parts: list[str] = []

    @property
    def output(self) -> str:
        """All that came out so far."""
        return "".join(self._parts)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)

    def press(self, keys: str, quiet: float = 0.12, patience: float = 30.0) -> str:
        """Type; what came out until nothing more did for `quiet` seconds."""
        os.write(self._master, keys.encode())
        return self.read(quiet, patience)

    def wait_for(self, words: str, patience: float = 60.0) -> str:
        """What came out until `words` were on the screen, and then nothing more did for a moment."""
        end, found = time.monotonic() + patience, ""
        while words not in found:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{words!r} never came; the last were {found[-500:]!r}")
            found += self.read(0.1, 1.0)
        return found + self.read(0.3, 30.0)

    def read(self, quiet: float, patience: float) -> str:
        """What comes out until the program rests and nothing did for `quiet` seconds, or it has ended.

        Silence alone says nothing on a busy machine: a program that waits for a processor is silent, too.
        """
        end, parts = time.monotonic() + patience, []
        while time.monotonic() < end:
            if not select.select([self._master], [], [], quiet)[0]:
                if self._rests():
                    break
                continue
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            parts.append(self._decoder.decode(data))
        self._parts += parts
        return "".join(parts)

    def _rests(self) -> bool:
        """Whether every thread of the program waits for something other than a processor or a disk."""
        try:
            threads = [one.read_text() for one in Path(f"/proc/{self.process.pid}/task").glob("*/stat")]
        except OSError:  # a thread ended meanwhile
            return self.process.poll() is not None
        return not any(one.rpartition(")")[2].split()[0] in ("R", "D") for one in threads)


def _owns_terminal() -> None:
    """As a shell would have it: when the terminal goes, so does the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def shapes(output: str) -> tuple[set[str], str]:
    """The kinds of control sequences in what a terminal was sent, and all else, which it shows.

    Colours and places differ from screen to screen and count as one kind each; all others are kinds of their own.
    """
    found = set()
    for one in SEQUENCE.finditer(output):
        if one["final"] == STYLE or one["final"] in ("H", "G", "d", "A", "B", "C", "D", "J", "K"):
            found.add(f"CSI {'?' if one['parameters'].startswith('?') else ''}{one['final']}")
        else:
            found.add(one.group())
    return found, SEQUENCE.sub("", output)
