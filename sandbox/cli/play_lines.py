"""A desk of lines: what a person sees is printed, and what they answer is read line by line; for pipes and readers."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable

from sandbox.adapters.human import Left, Question, Submitted
from sandbox.agent import HYPOTHETICAL, Reply
from sandbox.form import Blank, Choice, choices
from sandbox.menu import Move
from sandbox.report.words import move_words
from sandbox.text import display

ReadLine = Callable[[], Awaitable[str | None]]
"""The next line without its end; None where there are no more."""


class LinesDesk:
    """Asks in lines.

    A slip (no such number, a field that is no number) is said and asked again, as often as it takes: it is no answer
    yet. What is submitted is one, and counts as any agent's.

    Args:
        read: gives the lines that are written.
        say: prints a text, which it makes harmless.
        confirm: ask once more before an answer is submitted, and hide one person's view from the next.
    """

    def __init__(self, read: ReadLine, say: Callable[[str], None], *, confirm: bool = False) -> None:
        self._read = read
        self._say = say
        self._confirm = confirm
        self._one_by_one = asyncio.Lock()
        self._person = ""
        self._slips = 0

    async def ask(self, question: Question) -> Submitted:
        """Print, read, and submit.

        Raises:
            Left: there are no more lines.
        """
        async with self._one_by_one:
            await self._change_places(question.person)
            self._slips = 0
            self._show(question)
            try:
                return Submitted(await self._reply(choices(question.turn.menu)), self._slips)
            except asyncio.CancelledError:
                self._say("(the time for this answer is over)")
                raise

    async def _change_places(self, person: str) -> None:
        if self._confirm and self._person not in ("", person):
            self._say("\n" * 60 + f"It is {person}'s turn.")
            await self._line(f"Enter, when {person} is at the keyboard: ")
        self._person = person

    def _show(self, question: Question) -> None:
        turn = question.turn
        self._say(f"\nStep {turn.index + 1}, seat {turn.seat}: {question.person}")
        if question.deadline is not None:
            self._say(f"({max(question.deadline - time.monotonic(), 0):.0f} seconds are left)")
        if turn.framing == "hypothetical":
            self._say(f"  {HYPOTHETICAL}")
        # Indented, so that nothing in it passes for a line of ours.
        self._say("\n".join(f"  {line}" for line in turn.text.split("\n")))
        for picture in turn.pictures:
            self._say(f"(beside it a picture of {picture.width} x {picture.height} pixels; only the screen shows it)")
        if turn.errors:
            self._say(f"That was not a legal action: {turn.errors[-1].message}")
        self._say("You may:")
        told: set[str] = set()
        for number, choice in enumerate(choices(turn.menu), 1):
            about = f" - {choice.help}" if choice.help and choice.help not in told else ""
            told.add(choice.help)
            self._say(f"  {number} {_line(choice.words + about)}")
        self._say("  0 give no answer: what the rules say of that happens")

    async def _reply(self, offered: tuple[Choice, ...]) -> Reply:
        while True:
            written = (await self._line("number: ")).strip()
            if not written.isdecimal() or not 0 <= int(written) <= len(offered):
                self._slip(f"{written!r} is no number from 0 to {len(offered)}")
            elif int(written) == 0:
                if await self._sure("give no answer"):
                    return Reply(None, f"{self._person} gave no answer", refused=True)
            else:
                move = await self._filled(offered[int(written) - 1])
                if await self._sure(move_words(move.model_dump(mode="json"))):
                    return Reply(move)

    async def _filled(self, choice: Choice) -> Move:
        while True:
            made = choice.move({blank.name: await self._field(blank) for blank in choice.blanks})
            if isinstance(made, Move):
                return made
            for name, fault in made.items():
                self._slip(f"{name}: {fault}" if name else fault)

    async def _field(self, blank: Blank) -> str:
        about = f" - {blank.help}" if blank.help else ""
        while True:
            written = await self._line(_line(f"{blank.name} ({blank.expected}){about}: "))
            if blank.optional and not written.strip():
                return ""
            try:
                blank.value(written)
            except ValueError as error:
                self._slip(f"{blank.name}: {error}")
            else:
                return written

    def _slip(self, words: str) -> None:
        self._slips += 1
        self._say(f"{words}; again:")

    async def _sure(self, what: str) -> bool:
        if not self._confirm:
            return True
        return (await self._line(f"{_line(what)}: Enter does it, n does not: ")).strip().lower() in ("", "y", "yes")

    async def _line(self, prompt: str) -> str:
        self._say(prompt)
        line = await self._read()
        if line is None:
            raise Left
        return line


def _line(text: str) -> str:
    return " ".join(display(text).split())


def stdin_lines() -> ReadLine:
    """The lines of standard input, read by a thread of their own, so that nothing else waits meanwhile."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def give(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        # Below `sys.stdin`: a thread that waited inside it would keep its lock when the program ends.
        number, decoder, rest = sys.stdin.fileno(), codecs.getincrementaldecoder("utf-8")("replace"), ""
        while data := os.read(number, 65536):
            *whole, rest = (rest + decoder.decode(data)).split("\n")
            for line in whole:
                give(line.removesuffix("\r"))
        if rest:
            give(rest)
        give(None)

    threading.Thread(target=read, name="lines of standard input", daemon=True).start()
    ended = False

    async def following() -> str | None:
        nonlocal ended
        line = None if ended else await lines.get()
        ended = ended or line is None
        return line

    return following
