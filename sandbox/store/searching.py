"""Full text search: every step of the episodes asked about is read once, a batch at a time, in bounded memory.

Steps are compressed, so that no index of the database knows their words. A step's document is first looked through as
bytes, which rules out most in microseconds; only where it may hold the words are its strings looked at one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, bindparam, select

from sandbox.recent import Recent
from sandbox.store.payloads import APART, Damaged, Payloads
from sandbox.store.reading import raw_rows, read_payloads
from sandbox.store.rows import Found, Term
from sandbox.store.schema_0001 import OldSteps
from sandbox.store.tables import EPISODE, STEP
from sandbox.store.traces import FIXED
from sandbox.store.unpacking import events_of, lines_of

EPISODES_AT_ONCE = 100
STEPS_AT_ONCE = 500
ENDLESS = 2**31 - 1  # no step has this index
REMEMBERED = 50_000  # payloads of which it is known whether they may hold the words: some 10 MB
_APART = re.compile(rb'"([0-9a-f]{32})"')  # in events; one pattern for lines as well would take ten times as long
_SEARCHED = frozenset({"observations", "said", "events"})

Reading = Callable[[], AbstractContextManager[Connection]]


def search(reading: Reading, numbers: Sequence[int], terms: Sequence[Term]) -> Iterator[Found]:
    """Which of the episodes fit all of `terms`, in the order of `numbers`, told after each batch.

    Looked at are the strings of observations, of what was said, and of events (messages, replies, tool calls), of the
    latest attempt; not the names of fields, menus, or pictures. Letter case does not matter. Each batch is a
    transaction of its own, and so is each part of a long episode; whoever has seen enough stops asking. Damaged steps
    are passed over.
    """
    searcher = _Searcher([str(term.value) for term in terms])
    done = steps = start = 0
    while start < len(numbers):
        with reading() as connection:
            batch, read = _batch(connection, numbers[start : start + EPISODES_AT_ONCE])
        held: dict[int, set[int]] = {number: set() for number in batch}
        for first in range(0, max(read, 1), STEPS_AT_ONCE):  # more than one range where it is one long episode
            last = first + STEPS_AT_ONCE >= read
            with reading() as connection:  # the last without an end: of a running episode no count is known
                searcher.look(connection, batch, held, first, ENDLESS if last else first + STEPS_AT_ONCE)
            if last or all(len(own) == len(terms) for own in held.values()):
                break
            yield Found(done, steps + first + STEPS_AT_ONCE, [])
        found = [
            number
            for number in batch
            if all((place in held[number]) is not term.negated for place, term in enumerate(terms))
        ]
        start += len(batch)
        done += len(batch)
        steps += read
        yield Found(done, steps, found)


def _batch(connection: Connection, numbers: Sequence[int]) -> tuple[dict[int, int], int]:
    """Number -> attempt of so many of the first episodes that their steps are not too many; and how many they are."""
    query = select(EPISODE.c.number, EPISODE.c.attempt, EPISODE.c.steps).where(EPISODE.c.number.in_(list(numbers)))
    known = {number: (attempt, steps) for number, attempt, steps in raw_rows(connection, query)}
    chosen: dict[int, int] = {}
    total = 0
    for number in numbers:
        attempt, steps = known[number]
        if chosen and total + steps > STEPS_AT_ONCE:
            break
        chosen[number] = attempt
        total += steps
    return chosen, total


_STEPS = select(STEP.c.index, STEP.c.content).where(
    STEP.c.episode == bindparam("of"),
    STEP.c.attempt == bindparam("in_attempt"),
    STEP.c.index >= bindparam("start"),
    STEP.c.index < bindparam("stop"),
)
"""Made once: to put it together for each episode costs as much as to look into some of its steps."""


class _Searcher:
    def __init__(self, needles: Sequence[str]) -> None:
        self._needles = [needle.lower() for needle in needles]
        # As JSON has them, without the quotes around.
        written = [json.dumps(needle, ensure_ascii=False)[1:-1] for needle in self._needles]
        self._bytes = [text.encode("utf-8", "surrogatepass") for text in written]
        self._ascii = all(text.isascii() for text in written)
        self._may: Recent[bytes, frozenset[int]] = Recent(REMEMBERED)

    def look(
        self, connection: Connection, attempts: dict[int, int], found: dict[int, set[int]], start: int, stop: int
    ) -> None:
        """Add to `found` (number of an episode -> places of needles) what the steps from `start` to `stop` hold."""
        payloads = read_payloads(connection)
        old: list[tuple[int, int]] = []
        for number, attempt in attempts.items():  # by the primary key, and an episode that has all is left at once
            own = found[number]
            rows: Any = connection.execute(
                _STEPS, {"of": number, "in_attempt": attempt, "start": start, "stop": stop}
            ).cursor
            for index, content in rows:
                if content is None:
                    old.append((number, index))
                elif self._look(payloads, content, own):
                    break
        if old:
            of = {number: attempts[number] for number, _ in old}
            earlier = OldSteps(connection, of, payloads, _SEARCHED)
            for number, index in old:
                self._look_at(payloads, b"\n".join(earlier.lines(number, index)), found[number])

    def _look(self, payloads: Payloads, content: bytes, own: set[int]) -> bool:
        try:
            return self._look_at(payloads, payloads.expander.expand(content), own)
        except Damaged:
            return False

    def _look_at(self, payloads: Payloads, document: bytes, own: set[int]) -> bool:
        """Add to `own` what the step holds; whether it has all now."""
        may = self._in(document)
        refs = [line[1:] for line in document.split(b"\n", FIXED)[:FIXED] if line[:1] == APART]
        for ref in (*refs, *_APART.findall(document)):
            may |= self._in_payload(payloads, bytes.fromhex(ref.decode()))
        may -= own
        if may:
            texts = list(_texts(payloads, document))
            own |= {place for place in may if any(self._needles[place] in text.lower() for text in texts)}
        return len(own) == len(self._needles)

    def _in(self, document: bytes) -> set[int]:
        """Which needles the bytes may hold."""
        lowered = (
            document.lower()
            if self._ascii
            else document.decode("utf-8", "surrogatepass").lower().encode("utf-8", "surrogatepass")
        )
        return {place for place, needle in enumerate(self._bytes) if needle in lowered}

    def _in_payload(self, payloads: Payloads, ref: bytes) -> frozenset[int]:
        known = self._may.get(ref)
        if known is None:
            try:
                known = frozenset(self._in(payloads.data(ref)))
            except Damaged:  # also what only looks like a reference
                known = frozenset()
            self._may.put(ref, known)
        return known


def _texts(payloads: Payloads, document: bytes) -> Iterator[str]:
    """The strings of a step that are searched."""
    lines = lines_of(document)
    if lines[0]:
        shown = payloads.part(lines[0])
        yield from _strings(shown)
    if lines[5]:
        yield from _strings(payloads.part(lines[5]))
    if len(lines) <= FIXED:
        return
    for kind, data, *more in events_of(lines):
        if kind == "view":  # its picture is no text
            continue
        yield from _strings(data)
        if more and more[0] is not None:
            for new in more[0][2:]:
                if isinstance(new, str):
                    yield from _strings(payloads.value(bytes.fromhex(new)))
                elif len(new) == 1:
                    yield from _strings(new[0])  # else it is the reply to a call, which stands there
        if len(more) > 1:
            for ref in more[1].values():
                yield from _strings(payloads.value(bytes.fromhex(ref)))


def _strings(value: Any) -> Iterator[str]:
    open_ones = [value]
    while open_ones:
        one = open_ones.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            open_ones.extend(one.values())
        elif isinstance(one, list):
            open_ones.extend(one)
