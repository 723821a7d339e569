"""Traces that somebody else recorded into the store, step by step as they are read; nothing is played."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from sandbox.errors import DatasetError, InputError
from sandbox.importing import Ending, Notes, RecordedTrace
from sandbox.runner.run import Ran
from sandbox.runner.tally import Progress, Tally
from sandbox.store import Store
from sandbox.text import canonical
from sandbox.trace import Episode, EpisodeSpec, Step, trusted

VERSION = 1
"""Of all scorers whose cards came with a trace."""
UNREADABLE = "the record cannot be read on"
CONFIG = hashlib.sha256(canonical({})).hexdigest()[:16]


def record_traces(
    traces: Sequence[RecordedTrace],
    name: str,
    store: Store,
    progress: Progress | None = None,
    notes: Notes | None = None,
) -> Ran:
    """Make an experiment called `name` of the traces, in their order; importing the same again changes nothing.

    What was interrupted is gone on with: an episode that did not end is recorded anew, from its first step. So is one
    that has another status or payoff than it had when it was imported, as a further attempt; where only cards are new
    or changed they are taken, and the steps stay. `notes` are told of both.

    Raises:
        InputError: there are no traces.
    """
    by_key: dict[str, RecordedTrace] = {}
    for trace in traces:  # of one that is there twice, the later; of those of one time, the last
        known = by_key.get(trace.spec.key)
        if known is None or trace.written >= known.written:
            by_key[trace.spec.key] = trace
    if not by_key:
        raise InputError(f"{name}: there are no episodes in it")
    digest = hashlib.sha256(canonical(list(by_key))).hexdigest()
    number = store.add_experiment(name, {"name": name, "imported": digest}, [one.spec for one in by_key.values()])
    missing = {spec.key for spec in store.pending(number)}
    _revise(by_key, missing, number, store, notes or Notes())
    missing = {spec.key for spec in store.pending(number)}
    ran, tally = Ran(number, total=len(by_key)), Tally(earlier=len(by_key) - len(missing))
    if progress:
        progress(tally, len(missing))
    for key in by_key:
        if key in missing:
            tally.add(Tally.of(_record(by_key[key], store)))
            if progress:
                progress(tally, len(missing))
    store.writer().flush()
    ran.done, ran.failed = tally.done, tally.failed
    return ran


def _revise(
    by_key: Mapping[str, RecordedTrace], missing: Collection[str], number: int, store: Store, notes: Notes
) -> None:
    """Take what is said otherwise now of episodes that are in the store already."""
    judged = {key: trace.judged() for key, trace in by_key.items() if key not in missing}
    scorers = dict.fromkeys(scorer for one in judged.values() for scorer in one.cards)
    stored = {scorer: store.cards(scorer, VERSION, CONFIG, number) for scorer in scorers}
    anew, scored = [], 0
    for head in store.heads(number):
        said = judged.get(head.id)
        if said is None or head.provenance != "recorded" or head.reason.startswith(UNREADABLE):
            continue
        total = said.payoffs.get(head.evaluated[0])
        if (head.status, head.total) != (said.status, total):
            anew.append(head.id)
            continue
        others = {scorer: card for scorer, card in said.cards.items() if stored[scorer].get(head.id) != card}
        scored += bool(others)
        for scorer, card in others.items():
            store.save_card(scorer, VERSION, CONFIG, head.id, card)
    if anew:
        store.record_again(anew)
        words = "were in the store with another status or return: recorded anew, to be scored again"
        notes.warnings.append(f"{len(anew):,} of the episodes {words}")
    if scored:
        notes.warnings.append(f"{scored:,} of the episodes were in the store with other scores: these are taken")


def _record(trace: RecordedTrace, store: Store) -> Episode:
    spec, writer = trace.spec, store.writer()
    attempt = writer.begin(spec)
    digest = ""
    outlines: list[Step] = []
    try:
        for step in trace.steps():
            digest = step.digest_after(digest)
            writer.step(spec.key, attempt, trusted(Step, {**step.__dict__, "digest": digest}))
            outlines.append(_outline(step))
        ending = trace.ending()
    except DatasetError as error:
        ending = Ending(status="error", reason=f"{UNREADABLE}: {error}")
    episode = _episode(spec, attempt, tuple(outlines), digest, ending)
    writer.finish(episode)
    for scorer, card in ending.cards.items():
        store.save_card(scorer, VERSION, CONFIG, spec.key, card)
    return episode


def _outline(step: Step) -> Step:
    """What counting an episode's steps needs of one: a long episode's own would not fit into memory."""
    return trusted(Step, {**_EMPTY, "index": step.index, "seat": step.seat, "outcome": step.outcome})


_EMPTY = Step(index=0, tick=0, seat="", applied={}).__dict__


def _episode(spec: EpisodeSpec, attempt: int, outlines: tuple[Step, ...], digest: str, ending: Ending) -> Episode:
    return Episode(
        id=spec.key,
        spec=spec,
        status=ending.status,
        reason=ending.reason,
        steps=outlines,
        payoffs=ending.payoffs,
        facts=ending.facts,
        hash=digest,
        attempt=attempt,
        provenance="recorded",
        versions=ending.versions,
        usage=ending.usage,
    )
