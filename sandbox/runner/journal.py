"""The journal of an episode's model calls, kept in the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from sandbox.store import Store, StoredReply, Writer
from sandbox.trace import EpisodeSpec

if TYPE_CHECKING:
    from sandbox.adapters.journal import Before

Sharing = Literal["off", "read", "write"]
"""`--cache`: whether episodes share replies. No; take what others share; take, and share their own."""


class StoreArchive:
    """The replies of one episode in the store."""

    def __init__(self, store: Store, writer: Writer, number: int) -> None:
        self._store = store
        self._writer = writer
        self._number = number

    def keep(
        self, ask: bytes, occurrence: int, place: int, reply: Mapping[str, Any], shared: bytes | None
    ) -> Future[None]:
        """Keep a reply; the future is done when the group commit that holds it is."""
        stored = StoredReply(ask=ask, occurrence=occurrence, place=place, reply=reply, shared=shared)
        return self._writer.reply(self._number, stored)

    def shared(self, name: bytes) -> Mapping[str, Any] | None:
        """The reply that some episode shares under this name."""
        found = self._store.shared_reply(name)
        return None if found is None else found.reply


def journalled(
    store: Store,
    writer: Writer,
    spec: EpisodeSpec,
    number: int,
    attempt: int,
    sharing: Sharing = "off",
    before: Callable[[], Before] | None = None,
) -> AbstractContextManager[object]:
    """While the episode is played: its model calls are journalled, and answered as in its earlier attempts.

    To be entered when its agents are built, and left when it has ended.

    Args:
        store: where earlier attempts' replies are.
        writer: takes the new ones.
        spec: the episode; its repetition and seed set shared replies apart.
        number: its number in the store.
        attempt: from 1; a first one has nothing to look for.
        sharing: see `Sharing`.
        before: of a fork: gives what its parent was answered; called only where agents have models.

    Raises:
        StoreError: the journal cannot be read.
    """
    # LangChain costs a scripted run more than all its episodes. The agents are built by now: those that use it have it.
    if "langchain_core" not in sys.modules:
        return nullcontext()
    from sandbox.adapters.journal import Journal, journalling

    recorded = {(one.ask, one.occurrence): one.reply for one in (store.replies(number) if attempt > 1 else ())}
    archive = StoreArchive(store, writer, number)
    chance: tuple[object, ...] = (spec.repetition, spec.seed)
    if spec.fork is not None and spec.fork.luck:
        chance += (spec.fork.chance[-1],)
    given = None if before is None else before()
    return journalling(Journal(archive, recorded, sharing=sharing, chance=chance, before=given))
