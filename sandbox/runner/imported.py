"""Other systems' records into the store: each is played through the real environment, and is a trace like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sandbox.agent import Agent
from sandbox.errors import InputError, PluginError
from sandbox.importing import Record
from sandbox.play import validated_config
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.replayed import RECORDED, RecordedAgent
from sandbox.runner.run import Ran
from sandbox.runner.tally import Progress, Tally
from sandbox.store import Store
from sandbox.text import canonical
from sandbox.trace import AgentSpec, EpisodeSpec


async def import_records(
    records: Iterable[Record], name: str, store: Store, builder: Builder, progress: Progress | None = None
) -> Ran:
    """Make an experiment called `name` of the records, in their order; importing the same again changes nothing.

    Raises:
        InputError: a record does not fit its environment; names it.
    """
    pairs = [(spec_of(record, builder), record) for record in records]
    if not pairs:
        raise InputError(f"{name}: there are no records in it")
    specs = [spec for spec, _ in pairs]
    _distinct(specs)
    digest = hashlib.sha256(canonical([spec.key for spec in specs])).hexdigest()
    number = store.add_experiment(name, {"name": name, "imported": digest}, specs)
    missing = {spec.key for spec in store.pending(number)}
    ran, tally = Ran(number, total=len(specs)), Tally()
    if progress:
        progress(tally, len(missing))
    writer = store.writer()
    for spec, record in pairs:
        if spec.key not in missing:
            continue
        attempt = writer.begin(spec)

        def keep(step: Any, key: str = spec.key, attempt: int = attempt) -> None:
            writer.step(key, attempt, step)

        world = builder.world(spec, record.nature)
        agents: dict[str, Agent[Any]] = {
            seat: RecordedAgent([(answer, "unparsed" if answer is None else "valid") for answer in answers])
            for seat, answers in record.answers.items()
        }
        loop = EpisodeLoop(spec, world, agents, keep)
        episode = await loop.run(builder.benchmarks(spec), builder.versions(spec), "replayed")
        writer.finish(episode.model_copy(update={"attempt": attempt}))
        tally.add(Tally.of(episode))
        if progress:
            progress(tally, len(missing))
    writer.flush()
    ran.done, ran.failed = tally.done, tally.failed
    return ran


def spec_of(record: Record, builder: Builder) -> EpisodeSpec:
    """The specification that a record is played as."""
    scenario = builder.scenario(record.environment)
    if scenario is None:
        raise PluginError(f"record {record.external_id!r}: only scenarios can replay records, not {record.environment}")
    config = validated_config(scenario, record.config)
    seats = scenario.seats(config)
    if set(record.answers) != set(seats):
        raise InputError(
            f"record {record.external_id!r}: {record.environment} has the seats {', '.join(seats)}, "
            f"and the record has answers of {', '.join(record.answers)}"
        )
    if unknown := [seat for seat in record.agents if seat not in seats]:
        raise InputError(
            f"record {record.external_id!r}: agents names the seats {', '.join(unknown)}, which are not there"
        )
    names = {seat: record.agents.get(seat, record.agent) for seat in seats}
    known = {name: AgentSpec(id=RECORDED, name=name) for name in names.values()}
    return EpisodeSpec(
        environment=record.environment,
        config=config.model_dump(mode="json"),
        item=dict(record.item),
        seats={seat: known[name] for seat, name in names.items()},
        evaluated=seats,
        seed=record.seed,
        framing=record.framing,
        external_id=record.external_id,
    )


def _distinct(specs: list[EpisodeSpec]) -> None:
    seen: set[str | None] = set()
    for spec in specs:
        if spec.external_id in seen:
            raise InputError(f"two records have the id {spec.external_id!r}")
        seen.add(spec.external_id)
