"""Which episodes are asked about: those of an experiment, or all, each with its place in canonical order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select, true

from sandbox.store.tables import EPISODE, MEMBERSHIP


def members_of(experiment: int | None) -> Select[Any]:
    """All columns of episodes, with their `position`: in the experiment, or in the store where none is named."""
    if experiment is None:
        return select(EPISODE, (EPISODE.c.number - 1).label("position")).order_by(EPISODE.c.number)
    return (
        select(EPISODE, MEMBERSHIP.c.position.label("position"))
        .join(MEMBERSHIP, MEMBERSHIP.c.episode == EPISODE.c.number)
        .where(MEMBERSHIP.c.experiment == experiment)
        .order_by(MEMBERSHIP.c.position, EPISODE.c.number)
    )


def numbers_in(experiment: int) -> Select[Any]:
    """The numbers of the experiment's episodes."""
    return select(MEMBERSHIP.c.episode).where(MEMBERSHIP.c.experiment == experiment)


def is_in(experiment: int | None) -> ColumnElement[bool]:
    """That an episode is in the experiment; where none is named, every one is."""
    return true() if experiment is None else EPISODE.c.number.in_(numbers_in(experiment))
