"""The journal of model calls, read back: what models replied, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from sandbox.errors import StoreCorrupt
from sandbox.store.payloads import Damaged, decode
from sandbox.store.reading import read_payloads
from sandbox.store.rows import StoredReply
from sandbox.store.tables import REPLY


def read_replies(connection: Connection, place: str, number: int) -> list[StoredReply]:
    """See `Store.replies`."""
    own = select(REPLY).where(REPLY.c.episode == number)
    return _replies(connection, place, own.order_by(REPLY.c.place, REPLY.c.ask))


def read_shared(connection: Connection, place: str, shared: bytes) -> StoredReply | None:
    """See `Store.shared_reply`."""
    shares = select(REPLY).where(REPLY.c.shared == shared)
    found = _replies(connection, place, shares.order_by(REPLY.c.episode, REPLY.c.place).limit(1))
    return found[0] if found else None


def _replies(connection: Connection, place: str, query: Select[Any]) -> list[StoredReply]:
    rows = connection.execute(query).all()
    expand = read_payloads(connection).expander.expand
    return [
        StoredReply(
            ask=row.ask,
            occurrence=row.occurrence,
            place=row.place,
            reply=_reply(place, row, expand),
            shared=row.shared,
        )
        for row in rows
    ]


def _reply(place: str, row: Row[Any], expand: Callable[[bytes], bytes]) -> Any:
    try:
        return decode(expand(row.data))
    except Damaged as error:
        raise StoreCorrupt(f"{place}: the journal of episode number {row.episode}: {error}") from error
