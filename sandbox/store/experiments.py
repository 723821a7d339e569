"""Experiments: which there are, and what is to be known of one as a whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from sandbox.errors import StoreCorrupt, UnknownName
from sandbox.store.members import is_in
from sandbox.store.payloads import Damaged, Payloads
from sandbox.store.reading import read_payloads
from sandbox.store.rows import ExperimentRow, Spent
from sandbox.store.tables import EPISODE, EXPERIMENT, MEMBERSHIP
from sandbox.store.writer import ENDED


def read_experiments(connection: Connection, place: str) -> list[ExperimentRow]:
    """See `Store.experiments`."""
    rows = connection.execute(select(EXPERIMENT).order_by(EXPERIMENT.c.used)).all()
    counts: dict[int, Counter[str]] = {row.id: Counter() for row in rows}
    agents: dict[int, set[str]] = {row.id: set() for row in rows}
    progress = connection.execute(
        select(MEMBERSHIP.c.experiment, EPISODE.c.status, EPISODE.c.agent, func.count())
        .join(EPISODE, EPISODE.c.number == MEMBERSHIP.c.episode)
        .group_by(MEMBERSHIP.c.experiment, EPISODE.c.status, EPISODE.c.agent)
    )
    for experiment, status, agent, count in progress:
        counts[experiment][status] += count
        agents[experiment].add(agent)
    payloads = read_payloads(connection)
    payloads.load(row.content_ref for row in rows)
    return [
        ExperimentRow(
            id=row.id,
            name=row.name,
            hash=row.content_ref.hex(),
            content=_value(payloads, row.content_ref, f"{place}: experiment {row.name!r}"),
            episodes=counts[row.id].total(),
            counts=dict(counts[row.id]),
            agents=tuple(sorted(agents[row.id])),
        )
        for row in rows
    ]


def read_names(connection: Connection) -> dict[int, str]:
    """See `Store.experiment_names`."""
    rows = connection.execute(select(EXPERIMENT.c.id, EXPERIMENT.c.name).order_by(EXPERIMENT.c.used.desc()))
    return {row.id: row.name for row in rows}


def read_experiment(connection: Connection, place: str, name_or_id: str | int) -> ExperimentRow:
    """See `Store.experiment`."""
    rows = read_experiments(connection, place)
    for row in reversed(rows):
        if row.id == name_or_id or row.name == name_or_id:
            return row
    for row in rows:
        if str(row.id) == name_or_id:
            return row
    raise UnknownName.of_kind("experiment", str(name_or_id), (row.name for row in rows), f"looked in {place}")


def read_spent(connection: Connection, experiment: int) -> Spent:
    """See `Store.spent`."""
    query = select(
        func.coalesce(func.sum(EPISODE.c.steps), 0),
        func.coalesce(func.sum(EPISODE.c.calls), 0),
        func.coalesce(func.sum(EPISODE.c.tokens), 0),
        func.coalesce(func.sum(EPISODE.c.cost), 0.0),
        func.count().filter(EPISODE.c.calls > 0, EPISODE.c.cost.is_(None)),
    ).where(is_in(experiment), EPISODE.c.status.in_(ENDED))
    steps, calls, tokens, cost, unpriced = connection.execute(query).one()
    return Spent(int(steps), int(calls), int(tokens), float(cost), int(unpriced))


def read_unpriced(connection: Connection, place: str, experiment: int | None) -> list[str]:
    """See `Store.unpriced_models`."""
    unknown = (EPISODE.c.calls > 0, EPISODE.c.cost.is_(None), EPISODE.c.result_ref.is_not(None))
    # One episode of each condition will do: they share their agents.
    some = select(func.min(EPISODE.c.number)).where(*unknown, is_in(experiment)).group_by(EPISODE.c.condition_ref)
    refs = connection.execute(select(EPISODE.c.result_ref).where(EPISODE.c.number.in_(some))).scalars().all()
    payloads = read_payloads(connection)
    payloads.load(refs)
    results = [_value(payloads, ref, f"{place}: an episode's result") for ref in refs]
    return sorted({name for result in results for name in result.get("usage", {}).get("unpriced", ())})


def read_asks_forks(connection: Connection, place: str, experiment: int | None) -> bool:
    """See `Store.asks_forks`."""
    refs = connection.execute(select(EPISODE.c.condition_ref).where(is_in(experiment)).distinct()).scalars().all()
    payloads = read_payloads(connection)
    payloads.load(refs)
    return any(_value(payloads, ref, f"{place}: an episode's specification").get("asks") for ref in refs)


def _value(payloads: Payloads, ref: bytes, where: str) -> Any:
    try:
        return payloads.value(ref)
    except Damaged as error:
        raise StoreCorrupt(f"{where}: {error}") from error
