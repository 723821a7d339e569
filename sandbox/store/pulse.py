"""How far an episode, or an experiment, is: queries so narrow that they may be asked twice a second."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, select

from sandbox.store.reading import EpisodeColumns
from sandbox.store.rows import Pulse
from sandbox.store.tables import EPISODE, MEMBERSHIP, STEP


def read_pulse(connection: Connection, key: str) -> Pulse | None:
    """How far an episode is; None where there is none. Reads two rows."""
    query = select(EPISODE.c.number, EPISODE.c.status, EPISODE.c.attempt).where(EPISODE.c.key == key)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    # Not `episode.steps`, which is written at the end. Steps are written in their order, so that the last one tells.
    of_attempt = and_(STEP.c.episode == row.number, STEP.c.attempt == row.attempt)
    last = connection.execute(select(func.max(STEP.c.index)).where(of_attempt)).scalar()
    return Pulse(row.status, row.attempt, 0 if last is None else last + 1)


def read_open(connection: Connection, experiment: int | None) -> tuple[int, int]:
    """How many episodes are pending, and how many are running, in the experiment or in all."""
    # By status first, which is indexed: as a run goes on, ever fewer rows are looked at.
    query = select(EPISODE.c.status, func.count()).where(EPISODE.c.status.in_(("pending", "running")))
    if experiment is not None:
        member = and_(MEMBERSHIP.c.episode == EPISODE.c.number, MEMBERSHIP.c.experiment == experiment)
        query = query.where(select(MEMBERSHIP.c.episode).where(member).exists())
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(query.group_by(EPISODE.c.status))}
    return counts.get("pending", 0), counts.get("running", 0)


def read_farthest(connection: Connection, row: EpisodeColumns) -> int | None:
    """Which attempt before the latest came farthest, the later of two; None where none began."""
    earlier = and_(STEP.c.episode == row.number, STEP.c.attempt < row.attempt)
    far = select(STEP.c.attempt).where(earlier).group_by(STEP.c.attempt)
    found: int | None = connection.execute(far.order_by(func.count().desc(), STEP.c.attempt.desc()).limit(1)).scalar()
    return found
