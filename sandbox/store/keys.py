"""From an episode's key, or what people type of it, to the episode."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, and_, select

from sandbox.errors import UnknownName
from sandbox.store.reading import EpisodeColumns, row_of
from sandbox.store.tables import EPISODE

LISTED = 12
"""Episodes named where several may be meant."""


def find(connection: Connection, place: str, prefix: str) -> str:
    """See `Store.find`."""
    # To 'g', which is greater than every hexadecimal digit: a range uses the index, a LIKE would not.
    begins = and_(EPISODE.c.key >= prefix, EPISODE.c.key < prefix + "g")
    for condition in (EPISODE.c.external_id == prefix, begins):
        found = connection.execute(
            select(EPISODE.c.key, EPISODE.c.environment, EPISODE.c.agent, EPISODE.c.item)
            .where(condition)
            .order_by(EPISODE.c.number)
            .limit(LISTED + 1)
        ).all()
        if prefix and len(found) == 1:
            return str(found[0].key)
        if prefix and found:
            listed = [f"  {row.key[:16]}  {row.environment}  {row.agent}  item {row.item}" for row in found[:LISTED]]
            more = ["  ..."] if len(found) > LISTED else []
            raise UnknownName("\n".join([f"{prefix!r} may mean several episodes:", *listed, *more]))
    known = connection.execute(select(EPISODE.c.key).order_by(EPISODE.c.number).limit(200)).scalars()
    raise UnknownName.of_kind("episode", prefix, (key[:12] for key in known), f"looked in {place}")


def known_row(connection: Connection, place: str, key: str) -> EpisodeColumns:
    """The row of the episode with this key.

    Raises:
        UnknownName: there is none.
    """
    found = row_of(connection, key)
    if found is None:
        raise no_episode(place, key)
    return found


def no_episode(place: str, key: str) -> UnknownName:
    """The error that says that the store has no episode with exactly this key."""
    return UnknownName.of_kind("episode", key, (), f"looked in {place}")


def numbers_of(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Key -> number of those of `keys` that are there."""
    # One parameter for all of them: SQLAlchemy's own `IN` costs more for each key than to find it.
    wanted = list(keys)
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql("SELECT key, number FROM episode WHERE key = ANY(%s)", (wanted,))
    else:
        query = "SELECT key, number FROM episode WHERE key IN (SELECT value FROM json_each(?))"
        found = connection.exec_driver_sql(query, (json.dumps(wanted),))
    return {row[0]: row[1] for row in found}
