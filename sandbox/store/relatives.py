"""Which other episodes one is worth comparing with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, or_, select

from sandbox.store.members import members_of
from sandbox.store.tables import EPISODE


def relatives_of(key: str) -> Select[Any]:
    """What is related to an episode, as `members_of` has episodes; not the episode itself.

    Its parent, its forks, its parent's other forks, and whatever has its environment, item and seed.
    """
    of_this = select(EPISODE.c.environment, EPISODE.c.item, EPISODE.c.seed, EPISODE.c.parent).where(
        EPISODE.c.key == key
    )
    this = of_this.cte("this")
    alike = and_(*(EPISODE.c[name] == this.c[name] for name in ("environment", "item", "seed")))
    related = or_(alike, EPISODE.c.key == this.c.parent, EPISODE.c.parent == key, EPISODE.c.parent == this.c.parent)
    return members_of(None).join(this, related).where(EPISODE.c.key != key)
