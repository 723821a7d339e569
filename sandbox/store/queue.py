"""What is still to be run of an experiment, how far it is, and what is to be run once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from sandbox.store.database import chunks
from sandbox.store.members import is_in
from sandbox.store.payloads import Payloads
from sandbox.store.reading import Reader
from sandbox.store.rows import Holder
from sandbox.store.tables import EPISODE, MEMBERSHIP
from sandbox.trace import EpisodeSpec

OPEN = ("pending", "running")


def read_queue(connection: Connection, experiment: int) -> list[int]:
    """See `Store.queue`."""
    query = (
        select(EPISODE.c.number, EPISODE.c.environment, EPISODE.c.agent)
        .join(MEMBERSHIP, MEMBERSHIP.c.episode == EPISODE.c.number)
        .where(MEMBERSHIP.c.experiment == experiment, EPISODE.c.status.in_(OPEN))
        .order_by(MEMBERSHIP.c.position, EPISODE.c.number)
    )
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, int, int]] = []
    for number, environment, agent in connection.execute(query):
        ranked.append((seen[environment, agent], len(ranked), number))
        seen[environment, agent] += 1
    return [number for _, _, number in sorted(ranked)]


def specs_of(connection: Connection, place: str, rows: Sequence[Row[Any]], payloads: Payloads) -> list[EpisodeSpec]:
    """The specifications of rows of episodes, in their order."""
    payloads.load([ref for row in rows for ref in (row.condition_ref, row.item_ref)])
    reader = Reader(connection, place, payloads)
    return [reader.spec(row, row.external_id) for row in rows]


def reopen(connection: Connection, experiment: int) -> int:
    """See `Store.reopen`."""
    failed = and_(is_in(experiment), EPISODE.c.status == "error")
    return connection.execute(update(EPISODE).where(failed).values(status="pending")).rowcount


def record_again(connection: Connection, keys: Sequence[str]) -> None:
    """See `Store.record_again`."""
    recorded = update(EPISODE).where(EPISODE.c.provenance == "recorded").values(status="pending")
    for some in chunks(keys):
        connection.execute(recorded.where(EPISODE.c.key.in_(some)))


def read_counts(connection: Connection, experiment: int) -> dict[str, int]:
    """See `Store.counts`."""
    query = select(EPISODE.c.status, func.count()).where(is_in(experiment)).group_by(EPISODE.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def read_holders(connection: Connection, experiment: int) -> list[Holder]:
    """See `Store.holders`."""
    held = and_(is_in(experiment), EPISODE.c.status == "running")
    query = select(EPISODE.c.lease_owner, func.count()).where(held).group_by(EPISODE.c.lease_owner)
    found = connection.execute(query).all()
    return sorted((Holder(owner or "", count) for owner, count in found), key=lambda holder: holder.owner)
