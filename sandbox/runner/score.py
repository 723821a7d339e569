"""Scoring recorded traces: no model, no environment; several scorers in one pass, each failure kept to itself."""

from __future__ import annotations

import gc
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.annotation import Annotation
from sandbox.errors import PluginError, StoreError
from sandbox.experiment.model import ScorerUse
from sandbox.runner.build import Builder
from sandbox.scorer import (
    ANNOTATIONS,
    CARDS,
    CHOICES,
    PARTS,
    Card,
    Estimate,
    Estimator,
    Figure,
    Findings,
    Scorer,
    Table,
    card_of,
    rows_of,
)
from sandbox.store import Store
from sandbox.store.annotations import OF_PEOPLE, by_episode
from sandbox.text import canonical
from sandbox.trace import Choice, Episode, choices
from sandbox.uncollected import collected_anew, uncollected

Wanted = Literal["estimates", "verdicts"]
"""How much of what scorers can say: all of it, or scores and verdicts."""
YOUNG = 1_000  # episodes scored between two looks for garbage


@dataclass
class Judged:
    """All that scorers said: cards by scorer and episode, findings and figures by scorer, and what went wrong."""

    cards: dict[str, dict[str, Card]] = field(default_factory=dict)
    findings: dict[str, Findings] = field(default_factory=dict)
    figures: dict[str, tuple[Figure, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def estimates(self) -> Iterable[tuple[str, Estimate]]:
        """(scorer, estimate), in order."""
        for name, findings in self.findings.items():
            for estimate in findings.estimates:
                yield name, estimate


@dataclass
class _Judge:
    name: str
    plugin: Scorer[Any] | Estimator[Any]
    config: str
    known: dict[str, Card] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)
    stored: dict[str, Card] = field(default_factory=dict)  # of it, what may be out of date
    fresh: int = 0
    fault: str = ""


@uncollected()  # to the end: what was read is let go first
def judge(
    store: Store,
    builder: Builder,
    experiment: int | None,
    uses: Sequence[ScorerUse],
    besides: Sequence[ScorerUse] = (),
    *,
    wanted: Wanted = "estimates",
    figures: bool = False,
) -> Judged:
    """Score every finished episode (of one experiment, or of all) and estimate over them; with `figures`, if wanted.

    Where `verdicts` are wanted, estimators give nothing else, and cards may have no marks. `besides` are other scorers
    in the same pass: that none of `uses` works is an error, and that none of these does is not.
    Scores are kept in the store under the scorer's version and settings, and not computed a second time; but for those
    that are made of what people say of an episode, which may have changed. Over all of the store, forks are scored, and
    counted in a warning, but are in no estimate.
    A scorer that raises is named in the warnings, with its source, and harms no other.
    """
    judged = Judged()
    judges = []
    for use in (*uses, *besides):
        try:
            plugin = builder.scorer(use.id, use.config)
        except PluginError as error:
            if [use] == list(uses):
                raise
            judged.warnings.append(f"left out: {error}")
            continue
        judges.append(_Judge(use.id, plugin, config_hash(plugin)))
    reads = frozenset().union(*(one.plugin.reads for one in judges))
    # Else nobody asks for marks: who is compared with people may be so at a step.
    marks = wanted == "estimates" or bool(reads & {CARDS, ANNOTATIONS})
    for one in judges:
        if isinstance(one.plugin, Scorer):
            one.known = store.cards(one.name, one.plugin.version, one.config, experiment, marks=marks)
    said = _said_by_people(store, experiment, judges)
    estimators = [one for one in judges if isinstance(one.plugin, Estimator)]
    sets: list[Choice] | None = [] if any(CHOICES in one.plugin.reads for one in estimators) else None
    again = store.answered_again(experiment) if wanted == "estimates" else {}
    corrected: Counter[str] = Counter()
    forks = 0
    parts = (reads & PARTS) | ({"menus"} if sets is not None else set())
    if store.asks_forks(experiment):  # what they said is in events, and is counted and chosen like all else
        parts |= {"events"}
    for place, episode in enumerate(store.episodes(experiment, parts), 1):
        if episode.id in said:
            now = tuple(one for one in said[episode.id] if one.attempt == episode.attempt)
            episode = episode.annotated(now)
        # What came of a move that somebody put in says nothing of its agent in general: forks are estimated over
        # where their own experiment is asked for.
        counts = experiment is not None or episode.spec.fork is None
        forks += not counts
        if sets is not None and counts:
            sets.extend(choices(episode))
        corrected.update(_corrected(episode, again.get(episode.id, ())))
        rows = rows_of(episode, Card()) if estimators and counts else []
        for one in judges:
            _score(one, episode, store)
            if rows and isinstance(one.plugin, Estimator) and not one.fault:
                card = one.known.get(episode.id)
                one.rows.extend([row.with_scores(card.scores) for row in rows] if card else rows)
        if place % YOUNG == 0 and any(one.fresh for one in judges):
            gc.collect(1)  # what a scorer left in cycles
            store.writer().flush()  # thousands of cards that wait take more memory than what they are of
    # A sixth of the time goes into reading cards again: who compares them with people has nothing to do without any.
    if any(CARDS in one.plugin.reads and (said or ANNOTATIONS not in one.plugin.reads) for one in estimators):
        _show_cards(store, experiment, judges)
    with collected_anew():  # a bootstrap may leave its samples in cycles, thousands of them
        for one in judges:
            judged.cards[one.name] = one.known
            findings = Findings() if one.fault else _estimate(one, sets, wanted)
            if figures and not one.fault:
                judged.figures[one.name] = _figures(one, sets, findings)
            if one.fault:
                source = builder.plugins.source("scorers", one.name)
                judged.warnings.append(f"scorer {one.name} ({source}) failed and is left out: {one.fault}")
            judged.findings[one.name] = findings
            judged.warnings += [f"{one.name}: {warning}" for warning in findings.warnings]
    judged.warnings += [
        f"{agent}: {count} decisions were legal only after an answer that was not" for agent, count in corrected.items()
    ]
    if forks and estimators:
        judged.warnings.append(
            f"{forks} forks are in no estimate: score the experiments that they are in to have theirs"
        )
    own = [one for one in judges if one.name in {use.id for use in uses}]
    if own and all(one.fault for one in own):
        raise PluginError("; ".join(judged.warnings))
    return judged


def cards_of_seats(
    store: Store,
    builder: Builder,
    experiment: int,
    uses: Iterable[ScorerUse],
    wanted: Mapping[str, Collection[tuple[str, ...]]],
    warnings: list[str],
) -> dict[str, dict[tuple[str, tuple[str, ...]], Card]]:
    """What scorers that tell no seats apart say of some seats of an episode, as if these alone were under evaluation.

    Args:
        store: where the episodes are; nothing is kept in it.
        builder: makes the scorers.
        experiment: its number.
        uses: scorers that `judge` could make.
        wanted: episode -> groups of seats.
        warnings: which scorers failed is added here.

    Returns:
        By scorer and (episode, seats); scores have the first of the seats. A card that told seats apart is left out.
    """
    plugins = {use.id: plugin for use in uses if isinstance(plugin := builder.scorer(use.id, use.config), Scorer)}
    found: dict[str, dict[tuple[str, tuple[str, ...]], Card]] = {name: {} for name in plugins}
    reads = frozenset().union(*(plugin.reads for plugin in plugins.values()))
    said = by_episode(store.annotations(experiment)) if ANNOTATIONS in reads and wanted else {}
    for episode in store.episodes(experiment, reads & PARTS) if wanted and plugins else ():
        for seats in wanted.get(episode.id, ()):
            now = tuple(one for one in said.get(episode.id, ()) if one.attempt == episode.attempt)
            view = episode.annotated(now).of_seats(seats)
            for name, plugin in list(plugins.items()):
                try:
                    card = plugin.score(view)
                except StoreError:
                    raise
                except (Exception, SystemExit) as error:  # as in `_score`
                    del plugins[name]
                    about = f"{', '.join(seats)} of episode {episode.id[:12]}: {type(error).__name__}: {error}"
                    warnings.append(f"scorer {name} failed on {about}")
                    continue
                if all(score.seat is None for score in card.scores):
                    scores = (score.model_copy(update={"seat": seats[0]}) for score in card.scores)
                    found[name][episode.id, seats] = Card(scores=tuple(scores), marks=card.marks)
    return found


def config_hash(plugin: Scorer[Any] | Estimator[Any]) -> str:
    """Under what a scorer's cards are kept: its settings, and whether they are made of annotations."""
    settings = hashlib.sha256(canonical(plugin.config.model_dump(mode="json"))).hexdigest()[:16]
    return OF_PEOPLE + settings if ANNOTATIONS in plugin.reads else settings


def _said_by_people(
    store: Store, experiment: int | None, judges: Sequence[_Judge]
) -> dict[str, tuple[Annotation, ...]]:
    """Key -> annotations, if a scorer reads them; what it said of episodes that have any, or had, is not known then."""
    readers = [one for one in judges if ANNOTATIONS in one.plugin.reads]
    said = by_episode(store.annotations(experiment)) if readers else {}
    for one in readers:
        one.stored = one.known
        one.known = {key: card for key, card in one.stored.items() if key not in said and card == Card()}
    return said


def _show_cards(store: Store, experiment: int | None, judges: Sequence[_Judge]) -> None:
    """Give what all other scorers say to the rows of the estimators that read it: of this pass, else their latest."""
    latest = store.latest_cards(experiment)
    for one in judges:
        for key, card in one.known.items():
            latest.setdefault(key, {})[one.name] = card
    for one in judges:
        if CARDS in one.plugin.reads:
            others = {key: {n: card for n, card in cards.items() if n != one.name} for key, cards in latest.items()}
            one.rows = [row.with_cards(others.get(row.id, {})) for row in one.rows]


def _corrected(episode: Episode, seats: Iterable[str]) -> Iterator[str]:
    """The agent, for each decision of its that came of more than one answer: no count of failures has those."""
    return (episode.spec.seats[seat].name for seat in seats if seat in episode.spec.evaluated)


def _score(one: _Judge, episode: Episode, store: Store) -> None:
    if one.fault or episode.id in one.known or not isinstance(one.plugin, Scorer):
        return
    try:
        card = card_of(one.plugin, episode)
        if not isinstance(card, Card):
            raise PluginError(f"score() gave {type(card).__name__}: give a Card")
    except StoreError:  # steps are read as they are asked for: no fault of the plugin's
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything; it is named, and the others go on
        one.fault = f"on episode {episode.id[:12]}: {type(error).__name__}: {error}"
        return
    one.known[episode.id] = card
    if one.stored.get(episode.id) == card:
        return
    one.fresh += 1
    # What people said may change while this waits to be written; whoever changes it forgets what was made of it.
    made_of = episode.annotations if ANNOTATIONS in one.plugin.reads else None
    store.save_card(one.name, one.plugin.version, one.config, episode.id, card, episode.attempt, made_of)


def _estimate(one: _Judge, sets: list[Choice] | None, wanted: Wanted) -> Findings:
    if not isinstance(one.plugin, Estimator):
        return Findings()
    try:
        if wanted == "verdicts":
            return Findings(verdicts=one.plugin.verdicts(Table(one.rows, sets)))
        findings = one.plugin.estimate(Table(one.rows, sets))
        if not isinstance(findings, Findings):
            raise PluginError(f"estimate() gave {type(findings).__name__}: give Findings")
        return findings
    except (Exception, SystemExit) as error:  # as above
        one.fault = f"in its estimates: {type(error).__name__}: {error}"
        return Findings()


def _figures(one: _Judge, sets: list[Choice] | None, findings: Findings) -> tuple[Figure, ...]:
    if not isinstance(one.plugin, Estimator):
        return ()
    try:
        found = tuple(one.plugin.figures(Table(one.rows, sets), findings))
        if not all(isinstance(figure, Figure) for figure in found):
            raise PluginError("figures() gave something else than Figures")
        return found
    except (Exception, SystemExit) as error:  # as above
        one.fault = f"in its figures: {type(error).__name__}: {error}"
        return ()


def all_scorers(builder: Builder) -> list[ScorerUse]:
    """Every scorer that is announced."""
    return [ScorerUse(id=name) for name in dict.fromkeys(entry.name for entry in builder.plugins.entries("scorers"))]
