"""Who runs which episode: leases in the `episode` table, which is the queue.

A worker claims some of the episodes that are to be run; each claim begins an attempt, and holds for `LEASE` seconds
unless it is renewed. An attempt whose lease is over, or whose process is known to be dead, may be claimed by anyone: it
is superseded by the next attempt, and whatever it still writes is no result. So an episode may be executed twice, and
has one result. The clock decides only who may try; it orders nothing, and a wrong one costs a repetition at worst.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, or_, select, update

from sandbox.store.tables import EPISODE

LEASE = 120.0  # seconds
RENEWAL = LEASE / 4  # seconds; a renewal may have to wait for another program's lock


def new_owner() -> str:
    """A name for this process as an owner of leases: host, process number, its start, and something nobody else has."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_started(pid)}/{secrets.token_hex(4)}"


def is_dead(owner: str) -> bool:
    """Whether the process is known to have ended; False for one on another host, of which nothing is known."""
    host, _, rest = owner.partition("/")
    pid, _, rest = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return _started(int(pid)) != rest.partition("/")[0]  # its number was given to another


def read_is_held(connection: Connection, key: str) -> bool:
    """See `Store.is_held`."""
    query = select(EPISODE.c.lease_owner, EPISODE.c.lease_until).where(
        EPISODE.c.key == key, EPISODE.c.status == "running"
    )
    row = connection.execute(query).one_or_none()
    if row is None or row.lease_until is None or row.lease_until < time.time():
        return False
    return not is_dead(row.lease_owner or "")


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine did; '' where the system does not say or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # Fields 3 and 22 of proc(5). A killed process that nobody has waited for is no more alive than one that is gone.
    return "" if fields[0] in "ZX" else fields[19]


def claim(connection: Connection, numbers: Sequence[int], count: int, owner: str, now: float) -> list[Any]:
    """Claim at most `count` of the episodes `numbers`; rows of those claimed, with the number of the new attempt.

    Inside a transaction that holds SQLite's write lock; PostgreSQL locks the rows, and passes over those locked.
    """
    leased = EPISODE.c.status == "running"
    dead = [name for name in _owners(connection, numbers) if is_dead(name)]
    over = or_(EPISODE.c.lease_until.is_(None), EPISODE.c.lease_until < now, EPISODE.c.lease_owner.in_(dead))
    query = (
        select(*_NEEDED)
        .where(EPISODE.c.number.in_(numbers), or_(EPISODE.c.status == "pending", leased & over))
        .order_by(EPISODE.c.number)
    )
    # SQLite has no such words, and SQLAlchemy leaves them out. `key_share`: their steps may be inserted meanwhile.
    query = query.with_for_update(skip_locked=True, key_share=True)
    order = {number: place for place, number in enumerate(numbers)}
    rows = sorted(connection.execute(query), key=lambda row: order[row.number])[:count]
    if rows:
        claimed = EPISODE.c.number.in_([row.number for row in rows])
        connection.execute(_CLAIM.where(claimed).values(lease_owner=owner, lease_until=now + LEASE))
    return rows


def renew(connection: Connection, owner: str, now: float) -> None:
    """Hold all the owner's leases for another while."""
    mine = (EPISODE.c.status == "running") & (EPISODE.c.lease_owner == owner)
    connection.execute(update(EPISODE).where(mine).values(lease_until=now + LEASE))


def release(connection: Connection, begun: Sequence[int], unbegun: Sequence[int], owner: str) -> None:
    """Give claimed episodes back; of those `unbegun`, as if they had not been claimed."""
    for numbers, values in ((begun, {}), (unbegun, {"attempt": EPISODE.c.attempt - 1})):
        for start in range(0, len(numbers), 500):
            mine = (EPISODE.c.lease_owner == owner) & EPISODE.c.number.in_(numbers[start : start + 500])
            back: dict[str, Any] = {"status": "pending", "lease_owner": None, "lease_until": None, **values}
            connection.execute(update(EPISODE).where(mine, EPISODE.c.status == "running").values(**back))


def _owners(connection: Connection, numbers: Sequence[int]) -> list[str]:
    of = select(EPISODE.c.lease_owner).where(EPISODE.c.number.in_(numbers), EPISODE.c.status == "running")
    return [name for name in connection.execute(of.distinct()).scalars() if name is not None]


_NEEDED = [
    EPISODE.c[name]
    for name in ("number", "attempt", "key", "condition_ref", "item_ref", "repetition", "seed", "external_id")
]
_CLAIM = update(EPISODE).values(
    status="running",
    attempt=EPISODE.c.attempt + 1,
    total=None,
    steps=0,
    hash=b"",
    reason="",
    counts=None,
    flags=0,
    result_ref=None,
)
