"""The journal of model calls, as a LangChain cache: an episode that begins again gets the replies that it paid for.

While episodes are played it is LangChain's global cache, so that models which users build inside their own graphs are
reached too. Which episode a call belongs to is in a ContextVar. Within an episode a reply is given to the graph only
when the archive has kept it; a request that an earlier attempt at the episode made is answered with the reply that it
got. Outside episodes nothing is different: a cache that the program had set is asked as ever. (It is not asked within
episodes: it would give one reply to all repetitions.)

A request is known by its `ask`, a hash of seat, model, parameters, tools and messages as LangChain writes them for
caches, and by how many equal ones the attempt has had answered before: equal requests that run side by side may be
answered in any order. Not reached are `model.stream` and `astream` called inside a node, a model with a `cache` of its
own or `cache=False`, and a provider's own client: their calls are recorded with `journalled: false`, and are made again
when the episode begins again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import orjson
from langchain_core.caches import BaseCache
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.language_models import chat_models
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, Generation

from sandbox.adapters.conversation import Remembered
from sandbox.adapters.serial import dumps_message
from sandbox.agent import PLAYING
from sandbox.errors import InputError

Sharing = Literal["off", "read", "write"]
"""Whether episodes share replies: no; may take what others share; take, and share their own."""

LIMIT = 1 << 20  # bytes: a reply that is longer is not kept
MARK = "sandbox"  # the key of a generation's info that says what the journal did

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Archive(Protocol):
    """Where the replies of one episode are kept."""

    def keep(
        self, ask: bytes, occurrence: int, place: int, reply: Mapping[str, Any], shared: bytes | None
    ) -> Future[None]:
        """Keep a reply; the future is done when nothing can lose it any more."""

    def shared(self, name: bytes) -> Mapping[str, Any] | None:
        """The reply that some episode shares under this name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its hash, the seat and the moment (step, and answers refused in it) in which it was made."""

    ask: bytes
    seat: str
    moment: tuple[int, int]


@dataclass(frozen=True)
class Before:
    """What was answered in the episode that this one is a fork of.

    Attributes:
        replies: (ask, occurrence) -> reply.
        holds: (seat, index of the step) -> whether that turn is one of the episode before: it may ask nothing new.
        further: whether the replies answer the fork's own turns, too, where those ask the same.
    """

    replies: Mapping[tuple[bytes, int], Mapping[str, Any]]
    holds: Callable[[str, int], bool]
    further: bool


class Given(ChatGeneration):
    """A reply given again exactly as it was.

    LangChain writes a cost of 0 into the message of a cached reply, by which the requests that follow would differ.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "message":
            super().__setattr__(name, value)


class Journal:
    """What one attempt at an episode is answered with, and what it was.

    Args:
        archive: where its replies are kept.
        recorded: (ask, occurrence) -> reply, of earlier attempts.
        sharing: whether replies are shared with other episodes.
        chance: what sets the episode apart from others that ask the same, such as repetition and seed.
        before: what it has of the episode that it is a fork of.
    """

    def __init__(
        self,
        archive: Archive,
        recorded: Mapping[tuple[bytes, int], Mapping[str, Any]] | None = None,
        *,
        sharing: Sharing = "off",
        chance: Sequence[object] = (),
        before: Before | None = None,
    ) -> None:
        self.sharing = sharing
        self._before = before
        self.fragments: Remembered[Fragment] = Remembered(_fragment)
        self._archive = archive
        self._recorded = recorded or {}
        self._unused = {key: (str(one["seat"]), _moment(one["moment"])) for key, one in self._recorded.items()}
        self._chance = repr(tuple(chance)).encode()
        self._answered: Counter[bytes] = Counter()
        self._place = len(self._recorded)
        self._diverged: set[str] = set()
        self._last: tuple[str, str, Asked] | None = None
        self._lock = threading.Lock()  # nodes that are plain functions run on threads

    def asked(self, prompt: str, llm_string: str) -> Asked:
        """The request that LangChain writes so, in the turn that is being played."""
        turn = PLAYING.get(None)
        seat, moment = ("", (0, 0)) if turn is None else (turn.seat, (turn.index, len(turn.errors)))
        last = self._last
        if last and last[0] is prompt and last[1] is llm_string and last[2].seat == seat:
            return last[2]  # asked for the reply, and again to keep it
        asked = Asked(_ask(seat, prompt, llm_string), seat, moment)
        self._last = (prompt, llm_string, asked)
        return asked

    def again(self, asked: Asked) -> list[Generation] | None:
        """What an earlier attempt was answered here, or the episode that this is a fork of; None: it is asked anew.

        Raises:
            InputError: it would be asked anew in a turn of that other episode, where nothing is bought.
        """
        with self._lock:
            key = (asked.ask, self._answered[asked.ask])
            found = self._recorded.get(key)
            if found is not None and (generations := _restored(found, replayed=True)) is not None:
                self._answered[asked.ask] += 1
                self._unused.pop(key, None)
                return generations
            if self._before is not None and (inherited := self._inherited(self._before, asked)) is not None:
                self._answered[asked.ask] += 1
                return inherited
            # Calls side by side in one turn may have been killed with some of them answered: no other way was taken.
            other = any(seat == asked.seat and moment != asked.moment for seat, moment in self._unused.values())
        if other:
            self._diverge(asked.seat)
        return None

    def _inherited(self, before: Before, asked: Asked) -> list[Generation] | None:
        past = before.holds(asked.seat, asked.moment[0])
        found = before.replies.get((asked.ask, self._answered[asked.ask])) if past or before.further else None
        generations = None if found is None else _restored(found, inherited=True)
        if past and generations is None:
            raise InputError(
                f"{asked.seat} asks a model, in step {asked.moment[0] + 1} or its tick, what the episode forked has no "
                "reply to, and nothing is bought for what is past: its prompt or settings changed since, its client "
                "is not journalled, or it is another agent that does not define witness(); put another agent in "
                "there (--agent), or fork at an earlier step"
            )
        return generations

    def of_others(self, asked: Asked) -> Mapping[str, Any] | None:
        """What another episode shares for this request; None where none does, or it is not wanted."""
        return None if self.sharing == "off" else self._archive.shared(self._shared(asked))

    def take(self, asked: Asked, shared: Mapping[str, Any]) -> tuple[list[Generation] | None, Future[None] | None]:
        """Another episode's reply as this one's: kept here too, so that a next attempt does not depend on others."""
        generations = _restored(shared)
        if generations is None:
            return None, None
        return generations, self._keep(asked, dict(shared), share=False)

    def keep(self, asked: Asked, generations: Sequence[Generation]) -> Future[None] | None:
        """Keep a reply that a model gave just now; None where it cannot be kept: it is too long.

        A message that holds more than JSON values becomes what would be restored of it, so that the requests that
        follow are the same at the next attempt.
        """
        written = [_written(one) for one in generations]
        if any(one is None for one in written):
            return None
        date = now()
        reply = {"seat": asked.seat, "moment": list(asked.moment), "date": date, "generations": written}
        for one in generations:
            one.generation_info = {**(one.generation_info or {}), MARK: {"journalled": True, "date": date}}
        return self._keep(asked, reply, share=self.sharing == "write")

    def end_of_turn(self) -> None:
        """Look for replies of earlier attempts that the turn, or one before it, has left unused."""
        turn = PLAYING.get(None)
        if not self._unused or turn is None:
            return
        now = (turn.index, len(turn.errors))
        with self._lock:
            left = any(seat == turn.seat and moment <= now for seat, moment in self._unused.values())
        if left:
            self._diverge(turn.seat)

    def _keep(self, asked: Asked, reply: Mapping[str, Any], *, share: bool) -> Future[None]:
        with self._lock:
            shared = self._shared(asked) if share else None
            occurrence, place = self._answered[asked.ask], self._place
            self._answered[asked.ask] += 1
            self._place += 1
        return self._archive.keep(asked.ask, occurrence, place, reply, shared)

    def _shared(self, asked: Asked) -> bytes:
        """The name under which episodes share the reply: those with other repetitions or seeds have other names."""
        occurrence = b"%d" % self._answered[asked.ask]
        return _digest(asked.ask, occurrence, self._chance)

    def _diverge(self, seat: str) -> None:
        """Report, once a seat, that it asks something else than in an earlier attempt."""
        turn = PLAYING.get(None)
        with self._lock:
            if seat in self._diverged or turn is None:
                return
            self._diverged.add(seat)
            unused = sum(of == seat for of, _ in self._unused.values())
        turn.emit("divergence", {"answered": sum(self._answered.values()), "unused": unused})


JOURNAL: ContextVar[Journal] = ContextVar("sandbox_journal")
"""The journal of the episode that is being played."""


class JournalCache(BaseCache):
    """Answers out of the journal of the episode that asks; outside episodes, out of `outer`."""

    def __init__(self) -> None:
        self.outer: BaseCache | None = None
        self.episodes = 0

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """The reply that is known, or None."""
        journal = JOURNAL.get(None)
        if journal is None:
            return _listed(self.outer.lookup(prompt, llm_string)) if self.outer else None
        asked = journal.asked(prompt, llm_string)
        generations = journal.again(asked)
        if generations is None and (shared := journal.of_others(asked)):
            generations, kept = journal.take(asked, shared)
            if kept:
                kept.result()
        return generations

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """The reply that is known, or None."""
        journal = JOURNAL.get(None)
        if journal is None:
            return _listed(await self.outer.alookup(prompt, llm_string)) if self.outer else None
        asked = journal.asked(prompt, llm_string)
        generations = journal.again(asked)
        if generations is not None or journal.sharing == "off":
            return generations
        if shared := await asyncio.to_thread(journal.of_others, asked):
            generations, kept = journal.take(asked, shared)
            await _done(kept)
        return generations

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Keep a reply; returns when it is kept."""
        journal = JOURNAL.get(None)
        if journal is not None:
            kept = journal.keep(journal.asked(prompt, llm_string), return_val)
            if kept:
                kept.result()
        elif self.outer:
            self.outer.update(prompt, llm_string, return_val)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Keep a reply; returns when it is kept."""
        journal = JOURNAL.get(None)
        if journal is not None:
            await _done(journal.keep(journal.asked(prompt, llm_string), return_val))
        elif self.outer:
            await self.outer.aupdate(prompt, llm_string, return_val)

    def clear(self, **kwargs: Any) -> None:
        """Clear the cache outside; a journal is for ever."""
        if self.outer:
            self.outer.clear(**kwargs)


_CACHE = JournalCache()
_CHANGING = threading.Lock()
_langchain_dumps = chat_models.__dict__["dumps"]


@contextmanager
def journalling(journal: Journal) -> Iterator[Journal]:
    """While an episode is played: its model calls, also those in tasks and threads begun here, go by `journal`.

    LangChain's global cache is back to what it was when the last of the episodes that are played has ended.
    """
    with _CHANGING:
        _CACHE.episodes += 1
        _install()  # each time: a graph's module may have set a cache when it was imported
    token = JOURNAL.set(journal)
    try:
        yield journal
    finally:
        JOURNAL.reset(token)
        with _CHANGING:
            _CACHE.episodes -= 1
            if not _CACHE.episodes:
                _uninstall()


def _install() -> None:
    if get_llm_cache() is not _CACHE:
        _CACHE.outer = get_llm_cache()
        set_llm_cache(_CACHE)
        # For each request to a cache, LangChain serialises the whole conversation: 2.6 ms for 20 messages, as much as
        # all else that an agent's step costs. The same text is put together here of what is known from earlier calls.
        chat_models.__dict__["dumps"] = _dumps


def _uninstall() -> None:
    chat_models.__dict__["dumps"] = _langchain_dumps
    if get_llm_cache() is _CACHE:
        set_llm_cache(_CACHE.outer)
    _CACHE.outer = None


class Prompt(str):
    """A conversation as LangChain's `dumps` writes it, with its hash, which is that of its messages' hashes."""

    __slots__ = ("hash",)
    hash: bytes


class Fragment(NamedTuple):
    """One message of it."""

    text: str
    hash: bytes


def _fragment(message: BaseMessage) -> Fragment:
    text = dumps_message(message)
    return Fragment(text, _hash_of(text))


def _dumps(messages: Any, **options: Any) -> str:
    """What LangChain's `dumps` gives, byte by byte."""
    journal = JOURNAL.get(None)
    if journal is None or options or not isinstance(messages, list) or any(one.id is not None for one in messages):
        return str(_langchain_dumps(messages, **options))
    fragments = journal.fragments.of(messages)
    text = f"[{', '.join([one.text for one in fragments])}]"
    if len(text) > 4 * LIMIT:
        return text  # rather hashed again than copied
    prompt = Prompt(text)
    prompt.hash = _digest(*[one.hash for one in fragments])
    return prompt


async def _done(kept: Future[None] | None) -> None:
    if kept:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()  # an episode that is timed out leaves `kept` alone
        news = _NEWS.setdefault(loop, News())
        kept.add_done_callback(lambda one: news.come(loop, waiter, one.exception()))
        await waiter


class News:
    """What an event loop is to hear from other threads: what comes together, as a group commit's replies do, at once.

    `asyncio.wrap_future` wakes the loop through a socket for each of them.
    """

    def __init__(self) -> None:
        self._come: deque[tuple[asyncio.Future[None], BaseException | None]] = deque()
        self._called = False  # the loop will look

    def come(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None], fault: BaseException | None) -> None:
        """From any thread: `waiter`, of this loop, need wait no longer."""
        # Without a lock, for which the loop's thread would wait while this one has it and waits for the interpreter:
        # what is appended before `_called` is seen is there when the loop, which lowers it first, looks.
        self._come.append((waiter, fault))
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._called = False
        while self._come:
            waiter, fault = self._come.popleft()
            if waiter.done():  # cancelled
                continue
            if fault is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(fault)


_NEWS: WeakKeyDictionary[asyncio.AbstractEventLoop, News] = WeakKeyDictionary()


def _ask(seat: str, prompt: str, llm_string: str) -> bytes:
    """The request's hash, the same in every process."""
    conversation = prompt.hash if isinstance(prompt, Prompt) else _hash_of(prompt)
    return _digest(seat.encode("utf-8", "surrogatepass"), _hash_of_model(llm_string), conversation)


@lru_cache(maxsize=64)  # an agent's model and tools are the same from call to call
def _hash_of_model(llm_string: str) -> bytes:
    return _hash_of(llm_string)


def _hash_of(text: str) -> bytes:
    """A text's hash, without the addresses of objects that LangChain has no better name for."""
    if " at 0x" in text:
        text = _ADDRESS.sub("", text)
    if len(text) <= LIMIT:
        return _digest(text.encode("utf-8", "surrogatepass"))
    parts = (text[begin : begin + LIMIT] for begin in range(0, len(text), LIMIT))  # no second copy of a huge one
    return _digest(*(_digest(part.encode("utf-8", "surrogatepass")) for part in parts))


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


def now() -> str:
    """The time as replies are dated: to the second, in UTC."""
    return _date(int(time.time()))


@lru_cache(maxsize=1)  # a date takes as long to write as a short message
def _date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def _moment(value: Any) -> tuple[int, int]:
    return int(value[0]), int(value[1])


def _listed(found: Sequence[Generation] | None) -> list[Generation] | None:
    return None if found is None else list(found)


def _written(generation: Generation) -> dict[str, Any] | None:
    """A generation as JSON values, and its message made what they would give back; None where it is too long."""
    if len(generation.text) > LIMIT:
        return None
    told: dict[str, Any] = {"info": generation.generation_info or {}}
    if isinstance(generation, ChatGeneration):
        told["message"] = _fields(generation.message)
    else:
        told["text"] = generation.text
    try:
        try:
            text = orjson.dumps(told)
            written: dict[str, Any] = orjson.loads(text)
        except TypeError:  # a provider's own object, a lone surrogate, a long number
            if isinstance(generation, ChatGeneration):
                told["message"] = _anonymous(message_to_dict(generation.message))
            text = json.dumps(told, default=str).encode()
            written = json.loads(text)
    except (TypeError, ValueError, RecursionError):  # no JSON at all
        return None
    if len(text) > LIMIT:
        return None
    if isinstance(generation, ChatGeneration) and written["message"] != told["message"]:
        (generation.message,) = messages_from_dict([written["message"]])
    return written


def _fields(message: BaseMessage) -> dict[str, Any]:
    """What LangChain's `message_to_dict` gives, where a message holds JSON values only; they are not copied."""
    if type(message) is AIMessage and not message.__pydantic_extra__:
        return _anonymous({"type": message.type, "data": message.__dict__.copy()})
    return _anonymous(message_to_dict(message))


def _anonymous(told: dict[str, Any]) -> dict[str, Any]:
    """The message without LangChain's id for want of one: a graph gives it a new one."""
    if str(told["data"]["id"]).startswith("lc_run-"):
        told["data"]["id"] = None
    return told


def _restored(reply: Mapping[str, Any], *, replayed: bool = False, inherited: bool = False) -> list[Generation] | None:
    """The generations of a recorded reply; None where this version of LangChain does not know them any more."""
    mark = {"journalled": True, "date": reply.get("date"), "cached": True, "replayed": replayed, "inherited": inherited}
    found: list[Generation] = []
    try:
        for one in reply["generations"]:
            info = {**one["info"], MARK: mark}
            if "message" in one:
                (message,) = messages_from_dict([one["message"]])
                found.append(Given(message=message, generation_info=info))
            else:
                found.append(Generation(text=one["text"], generation_info=info))
    except (KeyError, TypeError, ValueError):
        return None
    return found


def mark_of(generation: Generation) -> Mapping[str, Any]:
    """What the journal did with a model's reply; empty where it had none.

    `journalled`, `replayed` (of an earlier attempt), `inherited` (of a fork's parent), `cached`, `date`.
    A cache of the model's own leaves a cost of 0 as its trace.
    """
    mark: Mapping[str, Any] = (generation.generation_info or {}).get(MARK, {})
    message: BaseMessage | None = getattr(generation, "message", None)
    if not mark and isinstance(message, AIMessage) and "total_cost" in (message.usage_metadata or {}):
        return {"cached": True}
    return mark
