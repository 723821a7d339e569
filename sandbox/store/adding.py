"""Adding an experiment: its episodes go into the queue, each once however many experiments hold it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from sandbox.errors import InputError
from sandbox.store.bulk import BulkInsert
from sandbox.store.columns import to_column
from sandbox.store.database import Database, chunks
from sandbox.store.keys import numbers_of
from sandbox.store.payloads import Packer, compress
from sandbox.store.redaction import Redaction
from sandbox.store.rows import names_of
from sandbox.store.tables import EPISODE, EXPERIMENT, MEMBERSHIP, PAYLOAD
from sandbox.trace import EpisodeSpec

LARGEST = 2**63 - 1


def add_experiment(database: Database, name: str, content: Mapping[str, Any], specs: Sequence[EpisodeSpec]) -> int:
    """See `Store.add_experiment`."""
    redaction = Redaction(os.environ)
    _check_free_of_credentials(redaction, f"experiment {name!r}", content)
    packer = Packer(Redaction({}))
    content_ref = packer.put(dict(content))
    rows = _rows(specs, packer, redaction)
    stored = zip(packer.payloads, compress(list(packer.payloads.values())), strict=True)
    with database.writing() as connection:
        number = _number(connection, name, content_ref)
        BulkInsert(connection, PAYLOAD, ("hash", "data")).run(sorted(stored))  # as the writer does: see there
        number_of = numbers_of(connection, rows)
        new = [row for key, row in rows.items() if key not in number_of]
        if new:  # and nothing else: on PostgreSQL each row that is passed over leaves a hole in the numbers
            BulkInsert(connection, EPISODE, _COLUMNS).run(new)
            number_of |= numbers_of(connection, [row[0] for row in new])
        if len(new) < len(rows):
            _condition_anew(connection, number_of, {key: row[_CONDITION] for key, row in rows.items()})
        _place(connection, number, {number_of[key]: position for position, key in enumerate(rows)})
    return number


def _number(connection: Connection, name: str, content_ref: bytes) -> int:
    """The number of the experiment with this name and content, which is now the last used."""
    used = (connection.execute(select(func.max(EXPERIMENT.c.used))).scalar() or 0) + 1
    same = and_(EXPERIMENT.c.name == name, EXPERIMENT.c.content_ref == content_ref)
    if connection.execute(update(EXPERIMENT).where(same).values(used=used)).rowcount == 0:
        connection.execute(insert(EXPERIMENT).values(name=name, content_ref=content_ref, used=used))
    return int(connection.execute(select(EXPERIMENT.c.id).where(same)).scalar_one())


def _condition_anew(connection: Connection, number_of: Mapping[str, int], conditions: Mapping[str, bytes]) -> None:
    """Let what is still to be run have the limits that are asked for now: of seconds and of cost a key says nothing."""
    anew: list[dict[str, Any]] = []
    for keys in chunks(list(conditions)):
        open_ones = select(EPISODE.c.key, EPISODE.c.condition_ref).where(
            EPISODE.c.number.in_([number_of[key] for key in keys]), EPISODE.c.status.in_(TO_RUN)
        )
        anew += [
            {"of_number": number_of[row.key], "condition_ref": conditions[row.key]}
            for row in connection.execute(open_ones)
            if row.condition_ref != conditions[row.key]
        ]
    if anew:
        connection.execute(update(EPISODE).where(EPISODE.c.number == bindparam("of_number")), anew)


def _place(connection: Connection, experiment: int, places: Mapping[int, int]) -> None:
    """Let the experiment hold episodes; `places`: number -> position."""
    members = select(MEMBERSHIP.c.episode, MEMBERSHIP.c.position).where(MEMBERSHIP.c.experiment == experiment)
    held = {row.episode: row.position for row in connection.execute(members)}
    added = [(experiment, episode, position) for episode, position in places.items() if episode not in held]
    moved = [
        {"of_episode": episode, "position": position}
        for episode, position in places.items()
        if held.get(episode, position) != position
    ]
    BulkInsert(connection, MEMBERSHIP, ("experiment", "episode", "position")).run(added)
    if moved:
        here = and_(MEMBERSHIP.c.experiment == experiment, MEMBERSHIP.c.episode == bindparam("of_episode"))
        connection.execute(update(MEMBERSHIP).where(here), moved)


def _rows(specs: Sequence[EpisodeSpec], packer: Packer, redaction: Redaction) -> dict[str, tuple[Any, ...]]:
    """Key -> row. What specifications share as the very same objects is written once (see `with_chances`)."""
    rows: dict[str, tuple[Any, ...]] = {}
    known: dict[tuple[object, ...], tuple[Any, ...]] = {}
    for spec in specs:
        if not -LARGEST <= spec.seed <= LARGEST:
            raise InputError(f"{_where(spec)}: the seed {spec.seed} does not fit 63 bits; use a smaller one")
        parts = (spec.config, spec.item, spec.seats, spec.treatments, spec.limits, spec.fork)
        same = (spec.environment, spec.evaluated, spec.framing, spec.asks, spec.external_id, *map(id, parts))
        shared = known.get(same)
        if shared is None:
            content = spec.model_dump(mode="json")
            _check_free_of_credentials(redaction, _where(spec), content)
            alone = {name: content.pop(name) for name in ("repetition", "seed", "external_id", "item")}
            names = (to_column(spec.environment), to_column(spec.item_id), to_column(names_of(spec)))
            external_id = None if spec.external_id is None else to_column(spec.external_id)
            refs = (packer.put(content), packer.put(alone["item"]))
            parent = None if spec.fork is None else spec.fork.parent
            shared = known[same] = (names, (spec.framing, external_id, *refs), parent)
        who, rest, parent = shared
        chance = (spec.repetition, spec.seed)
        rows[spec.key] = (spec.key, "pending", 0, *who, *chance, *rest, "executed", 0, b"", "", 0, 0, 0, parent)
    return rows


def _check_free_of_credentials(redaction: Redaction, where: str, content: Mapping[str, Any]) -> None:
    """A specification is run again from the store, so that nothing in it can be replaced."""
    name = redaction.found_in(content) if redaction else None
    if name is not None:
        raise InputError(
            f"{where} holds the value of {name}: write ${{{name}}} instead, so that no secret is stored "
            f"(if it is no secret, unset {name} for this command)"
        )


def _where(spec: EpisodeSpec) -> str:
    return f"the episode of {spec.environment}, item {spec.item_id}, agent {spec.agent.name}"


_COLUMNS = (
    *("key", "status", "attempt", "environment", "item", "agent", "repetition", "seed", "framing", "external_id"),
    *("condition_ref", "item_ref", "provenance", "steps", "hash", "reason", "flags", "calls", "tokens"),
    "parent",
)
_CONDITION = _COLUMNS.index("condition_ref")
TO_RUN = ("pending", "running", "error")
"""Also one that runs: its process may be dead; and one that failed, which may be opened again."""
