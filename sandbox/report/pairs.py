"""Two agents, or two experiments, on the same episodes: what is compared with what, and the differences A - B."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sandbox.errors import InputError, SandboxError, UnknownName
from sandbox.experiment.expand import sides_of
from sandbox.experiment.model import ScorerUse
from sandbox.report.document import (
    ComparisonEntry,
    Document,
    ExperimentEntry,
    VerdictEntry,
    distinct_verdicts,
    failures,
    total_counts,
)
from sandbox.runner.build import Builder
from sandbox.runner.score import Judged, cards_of_seats, judge
from sandbox.scorer import Card, Verdict
from sandbox.stats.compare import Pairs, paired_differences
from sandbox.stats.intervals import holm
from sandbox.store import EpisodeHead, ExperimentRow, Store
from sandbox.text import canonical
from sandbox.validity import CHECK

PAYOFF = "return"
EQUAL = "nothing to test: all values are equal"
"""The reason of a comparison without p: no value differs from any other, in A or B."""
SHOWN = 12  # names in an error
_NOT_ENDED = ("pending", "running")


@dataclass(frozen=True)
class Side:
    """A or B: its name as it was asked for, its experiment, and its agent; None where all agents are meant."""

    name: str
    experiment: ExperimentRow
    agent: str | None


def sides(store: Store, a: str, b: str, within: ExperimentRow | None = None) -> tuple[Side, Side]:
    """What the names `a` and `b` mean: two agents of one experiment (of `within`, if given), or two experiments.

    An experiment goes by its name (the one last used under it) or its number.

    Raises:
        UnknownName: a name is neither; says what there is.
        InputError: the names are the same, can be read both ways, or belong to no common or to several experiments.
    """
    if a == b:
        raise InputError(f"A and B are both {a!r}: give two agents of one experiment, or two experiments")
    rows = store.experiments()
    latest = {row.name: row for row in rows}
    named = {str(row.id): row for row in rows} | latest
    agents = {
        row.name: {own.agent for head in store.heads(row.id) for own in head.by_agent()}
        for row in ([within] if within else latest.values())
    }
    homes = [name for name, members in agents.items() if {a, b} <= members]
    are_experiments = a in named and b in named
    if homes and are_experiments and within is None:
        numbers = ", ".join(f"{name!r} is {named[name].id}" for name in (a, b))
        raise InputError(
            f"{a!r} and {b!r} are agents and experiments: give --experiment NAME to compare the agents, or the numbers "
            f"of the experiments ({numbers})"
        )
    if len(homes) > 1:
        where = _listed(homes)
        raise InputError(f"{a!r} and {b!r} are together in several experiments: say which: --experiment NAME ({where})")
    if homes:
        home = within or latest[homes[0]]
        return Side(a, home, a), Side(b, home, b)
    if are_experiments:
        if named[a].id == named[b].id:
            raise InputError(f"{a!r} and {b!r} are the same experiment: give two")
        return Side(a, named[a], None), Side(b, named[b], None)
    known = set().union(*agents.values())
    there = f"agents{f' of {within.name!r}' if within else ''}: {_listed(known)}; experiments: {_listed(latest)}"
    unknown = [name for name in (a, b) if name not in known and name not in named]
    if unknown:
        raise UnknownName(f"no agent or experiment {' or '.join(map(repr, unknown))} in {store.place}; {there}")
    raise InputError(
        f"{a!r} and {b!r} are not two agents of one experiment, nor two experiments: what ran under the same "
        f"conditions can be compared; {there}"
    )


def compared(store: Store, builder: Builder, asked: tuple[Side, Side], uses: Sequence[ScorerUse]) -> Document:
    """Paired differences, A - B, of the payoff and of every score that the scorers give, in a document.

    Two episodes are a pair if they have the same environment, config, framing, item, repetition, seed, treatments,
    seats under evaluation and counterparts (by name), and, between experiments, the same agent. Records that share all
    of this are paired in their order. Episodes that have not ended are left out; so is, in each comparison, a pair in
    which one side has no value. All of it is counted.

    Where several agents are under evaluation, an episode is one of each, with its own seats, and the others are its
    counterparts. In a round-robin it is one of each side, so that who meets itself is also its own counterpart: its
    partner in a seat is the other agent in this seat, against the same agent.

    Each score is compared in each environment, and over all of them (group '') where it is given in several; the payoff
    only in each, because the payoffs of two environments have no common unit. Pairs are independent between items: the
    mean over items of the mean difference is estimated, and items are drawn again. Where there is one item, its seeds
    are; with one seed its repetitions, with one of these its configurations (apart from treatments).

    `verdicts` are those on A and B, by `validity/choice` and by the scorers that give them scores here. An estimate of
    whoever a verdict speaks against is there as well: see `doubts`.
    """
    experiments = {side.experiment.id: side.experiment for side in asked}
    besides = [ScorerUse(id=CHECK)] if _is_announced(builder, CHECK) and CHECK not in {use.id for use in uses} else []
    judged = {number: judge(store, builder, number, uses, besides, wanted="verdicts") for number in experiments}
    warnings = [warning for one in judged.values() for warning in one.warnings]
    verdicts = {number: _verdicts(one) for number, one in judged.items()}
    whole: dict[str, EpisodeHead] = {}
    heads: list[list[EpisodeHead]] = []
    of_experiment = {number: store.heads(number) for number in experiments}
    for side in asked:
        heads.append([])
        for head in of_experiment[side.experiment.id]:
            own = [one for one in head.by_agent() if side.agent in (None, one.agent)]
            heads[-1] += own
            whole |= {head.id: head} if own else {}
    warnings += failures(whole.values())
    split = _BySide(store, builder, list(experiments.values()))
    ended = []
    for side, half in zip(asked, heads, strict=True):
        there = [head for head in half if head.status not in _NOT_ENDED]
        ended.append([part for head in there for part in split.parts(head, whole[head.id])])
        if missing := len(half) - len(there):
            warnings.append(f"{side.name}: {missing} of {len(half)} episodes have not ended and are left out")
    cards = {number: split.cards(number, uses, one, warnings) for number, one in judged.items()}
    said = (cards[asked[0].experiment.id], cards[asked[1].experiment.id])
    rows: list[_Row] = []
    agents = [""] if asked[0].agent else _common_agents(asked, ended, warnings)
    for agent in agents:
        first, second = ([head for head in half if not agent or head.agent == agent] for half in ended)
        rows += _rows(_Matched.of(first, second), said, asked, agent, warnings)
    found = list(experiments.values())
    return Document(
        experiment=ExperimentEntry.model_validate(found[0]) if len(found) == 1 else None,
        experiments=[ExperimentEntry.model_validate(row) for row in found] if len(found) > 1 else None,
        comparisons=_estimated(rows),
        counts=total_counts(head for head in whole.values() if head.status not in _NOT_ENDED),
        verdicts=[
            VerdictEntry(**verdict.model_dump(), experiment="" if side.agent else side.name)
            for side in asked
            for verdict in verdicts[side.experiment.id]
            if verdict.agent in ([side.agent] if side.agent else agents)
        ],
        warnings=list(dict.fromkeys(warnings)),
    )


def _is_announced(builder: Builder, scorer: str) -> bool:
    return any(entry.name == scorer for entry in builder.plugins.entries("scorers"))


def _verdicts(judged: Judged) -> list[Verdict]:
    """What the scorers with scores in the experiment, and `validity/choice`, say of its agents.

    No number of the other scorers is shown.
    """
    scored = {name for name, cards in judged.cards.items() if any(card.scores for card in cards.values())} | {CHECK}
    return distinct_verdicts(findings for name, findings in judged.findings.items() if name in scored)


class _BySide:
    """Heads of a round-robin, each as one for every side that its agent fills; other heads as they are."""

    def __init__(self, store: Store, builder: Builder, experiments: Sequence[ExperimentRow]) -> None:
        self._builder = builder
        self._store = store
        self._experiments = experiments
        # Where one of two experiments is one, both are taken so: self-play in the other is the same episode.
        self._any = any(row.content.get("pairing") == "round_robin" for row in experiments)
        self._sides: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]] = {}  # heads of one condition share these
        self._split: dict[str, dict[tuple[str, ...], None]] = {}  # episode -> sides that were one agent's

    def parts(self, head: EpisodeHead, whole: EpisodeHead) -> list[EpisodeHead]:
        """`head`, one of `whole.by_agent()`, with one side's seats under evaluation at a time.

        Their `seat_counts` name all seats that are under evaluation in `whole`, and count nothing.
        """
        if not self._any or len(head.evaluated) == 1:
            return [head]
        sides = [side for side in self._sides_of(whole) if side[0] in head.evaluated]
        if len(sides) == 1:
            return [head]
        self._split.setdefault(head.id, {}).update(dict.fromkeys(sides))
        rivals: dict[str, dict[str, int]] = {seat: {} for seat in whole.evaluated}
        return [head._replace(evaluated=side, total=self._payoff(whole, side[0]), seat_counts=rivals) for side in sides]

    def cards(self, experiment: int, uses: Sequence[ScorerUse], judged: Judged, warnings: list[str]) -> _Cards:
        """All cards; those of scorers that tell no seats apart also on each side of a head that was split."""
        scoring = [use for use in uses if any(card.scores for card in judged.cards.get(use.id, {}).values())]
        of_seats = cards_of_seats(self._store, self._builder, experiment, scoring, self._split, warnings)
        return _Cards(judged.cards, of_seats)

    def _sides_of(self, head: EpisodeHead) -> list[tuple[str, ...]]:
        key = id(head.config), head.evaluated
        if key not in self._sides:
            try:
                scenario = self._builder.scenario(head.environment)
                self._sides[key] = sides_of(scenario, head.config, head.evaluated)
            except SandboxError:
                # It is not installed here. Seats that belong together find no partner then, and none finds a wrong one.
                self._sides[key] = [(seat,) for seat in head.evaluated]
        return self._sides[key]

    def _payoff(self, head: EpisodeHead, seat: str) -> float | None:
        if head.total is None:
            return None
        return head.returns[seat] if seat in head.returns else self._of_self_play[head.id].get(seat, 0.0)

    @cached_property
    def _of_self_play(self) -> dict[str, Mapping[str, float]]:
        """Episode -> payoffs, where one agent alone is under evaluation: its head has the first seat's only."""
        return {
            episode.id: episode.payoffs
            for row in self._experiments
            for episode in self._store.episodes(row.id, frozenset())
            if len(episode.spec.evaluated_agents) == 1
        }


@dataclass(frozen=True)
class _Cards:
    """What scorers said: by scorer and episode, and by scorer, episode and seats where that is more to the point."""

    whole: Mapping[str, Mapping[str, Card]]
    of_seats: Mapping[str, Mapping[tuple[str, tuple[str, ...]], Card]]

    def on(self, head: EpisodeHead) -> Iterator[tuple[str, Card]]:
        """Each scorer's card on the head, if it has one."""
        for scorer, cards in self.whole.items():
            card = self.of_seats.get(scorer, {}).get(_told_apart(head)) or cards.get(head.id)
            if card is not None:
                yield scorer, card


class _Name(NamedTuple):
    """What is compared."""

    scorer: str
    name: str
    variant: str
    seat: str | None


@dataclass
class _Row:
    """A comparison to be: its names, its defined pairs, and what it leaves out."""

    entry: ComparisonEntry
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    pairs: list[tuple[EpisodeHead, EpisodeHead]] = field(default_factory=list)


@dataclass(frozen=True)
class _Matched:
    """The pairs, and the episodes of each side that found no partner."""

    pairs: list[tuple[EpisodeHead, EpisodeHead]]
    alone: tuple[list[EpisodeHead], list[EpisodeHead]]

    @classmethod
    def of(cls, first: Sequence[EpisodeHead], second: Sequence[EpisodeHead]) -> _Matched:
        configs: dict[int, bytes] = {}  # heads of one condition share their config
        waiting: dict[object, list[EpisodeHead]] = {}
        for head in reversed(first):
            waiting.setdefault(_conditions(head, configs), []).append(head)
        partner_of: dict[tuple[str, tuple[str, ...]], EpisodeHead] = {}
        alone = []
        for head in second:
            if left := waiting.get(_conditions(head, configs)):
                partner_of[_told_apart(left.pop())] = head
            else:
                alone.append(head)
        pairs = [(head, partner_of[_told_apart(head)]) for head in first if _told_apart(head) in partner_of]
        return cls(pairs, ([head for head in first if _told_apart(head) not in partner_of], alone))


def _told_apart(head: EpisodeHead) -> tuple[str, tuple[str, ...]]:
    """What no two heads have in common: an episode may be there once for each side."""
    return head.id, head.evaluated


def _conditions(head: EpisodeHead, configs: dict[int, bytes]) -> object:
    """All that a pair has in common, but for the agent under evaluation."""
    if id(head.config) not in configs:
        configs[id(head.config)] = canonical([head.config, head.treatments])
    others = tuple((seat, agent) for seat, agent in sorted(head.seats.items()) if seat not in head.evaluated)
    met = (head.environment, head.item, head.repetition, head.seed, head.framing)
    return met, configs[id(head.config)], head.evaluated, others


def _common_agents(asked: tuple[Side, Side], ended: Sequence[Sequence[EpisodeHead]], warnings: list[str]) -> list[str]:
    """Names of the agents that both experiments have, in A's order; the others go into the warnings."""
    first, second = (dict.fromkeys(head.agent for head in half) for half in ended)
    for mine, theirs, side in ((first, second, asked[0]), (second, first, asked[1])):
        warnings += [
            f"the agent {agent} is in {side.name} only, and is left out" for agent in mine if agent not in theirs
        ]
    return [agent for agent in first if agent in second]


def _rows(
    matched: _Matched, said: tuple[_Cards, _Cards], asked: tuple[Side, Side], agent: str, warnings: list[str]
) -> list[_Row]:
    """What there is to compare, in the order in which it was met: the payoff, then scores by scorer."""
    label = f" ({agent})" if agent else ""
    for side, alone in zip(asked, matched.alone, strict=True):
        if alone:
            count = f"{len(alone)} of {len(alone) + len(matched.pairs)}"
            which = f"such as {alone[0].id[:12]}"
            warnings.append(f"{side.name}{label}: {count} episodes have no partner and are left out, {which}")
    same = sum(one.id == other.id for one, other in matched.pairs)
    if same:
        warnings.append(f"{same} pairs{label} are one episode that both experiments share: their difference is 0")
    values: dict[_Name, list[dict[int, float | None]]] = defaultdict(lambda: [{}, {}])
    for place, pair in enumerate(matched.pairs):
        for side_number, head in enumerate(pair):
            for name, value in _values(head, said[side_number]):
                values[name][side_number][place] = value
    unpaired: dict[_Name, list[Counter[str]]] = defaultdict(lambda: [Counter(), Counter()])
    for side_number, alone in enumerate(matched.alone):
        for head in alone:
            for name, _ in _values(head, said[side_number]):
                unpaired[name][side_number][head.environment] += 1
    order = {scorer: place for place, scorer in enumerate(("", *said[0].whole, *said[1].whole))}
    rows = []
    for name in sorted({**values, **unpaired}, key=lambda name: order[name.scorer]):
        first, second = values.get(name, [{}, {}])
        alone_here = unpaired.get(name, [Counter(), Counter()])
        here = sorted(first.keys() | second.keys())
        met = (matched.pairs[place][0].environment for place in here)
        environments = list(dict.fromkeys([*met, *alone_here[0], *alone_here[1]]))
        everywhere = [""] if len(environments) > 1 and name.scorer else []
        for group in [*everywhere, *environments]:
            entry = ComparisonEntry(
                **name._asdict(),
                group=group,
                agent=agent,
                a=asked[0].name,
                b=asked[1].name,
                unpaired_a=alone_here[0][group] if group else alone_here[0].total(),
                unpaired_b=alone_here[1][group] if group else alone_here[1].total(),
            )
            row = _Row(entry)
            for place in here:
                if group and matched.pairs[place][0].environment != group:
                    continue
                one, other = first.get(place), second.get(place)
                if one is None or other is None:
                    entry.undefined += 1
                else:
                    row.first.append(one)
                    row.second.append(other)
                    row.pairs.append(matched.pairs[place])
            rows.append(row)
    return rows


def _values(head: EpisodeHead, said: _Cards) -> Iterator[tuple[_Name, float | None]]:
    """All numbers about an episode, but for those of other agents under evaluation.

    The payoff of one that failed is undefined.
    """
    rivals = head.seat_counts.keys() - set(head.evaluated)
    if head.total is not None:
        yield _Name("", PAYOFF, "", None), None if head.status == "error" else head.total
    for scorer, card in said.on(head):
        for score in card.scores:
            if score.seat not in rivals:
                yield _Name(scorer, score.name, score.variant, score.seat), score.value


def _estimated(rows: Sequence[_Row]) -> list[ComparisonEntry]:
    """The entries with their estimates; those with a p are the family of Holm's correction.

    Where all values are equal nothing can be found, whatever is true: it would only make the family larger.
    """
    defined = [row for row in rows if row.pairs]
    clusters = [_clusters([head for head, _ in row.pairs]) for row in defined]
    outcomes = [
        Pairs(row.first, row.second, labels, unit, unbounded=not row.entry.scorer)
        for row, (labels, unit) in zip(defined, clusters, strict=True)
    ]
    for row in rows:
        row.entry.reason = "" if row.pairs else "no pair in which both have a value"
    for row, pairs, found in zip(defined, outcomes, paired_differences(outcomes), strict=True):
        entry = row.entry
        entry.estimate, entry.mean_a, entry.mean_b = found.estimate, found.first, found.second
        entry.n, entry.clusters, entry.reason = found.n, found.clusters, found.reason
        entry.n_distinct = len({(one.hash, other.hash) for one, other in row.pairs})
        entry.method = f"mean over {pairs.unit}"
        if entry.n_distinct == 1:
            entry.reason = "no interval: all traces are the same"
        elif found.p is not None:
            entry.low, entry.high, entry.p = found.low, found.high, found.p
            entry.method += f"; {found.method} over {pairs.unit}"
        if len({*row.first, *row.second}) == 1:
            entry.p, entry.reason = None, EQUAL
    entries = [row.entry for row in rows]
    tested = [(entry, entry.p) for entry in entries if entry.p is not None]
    for (entry, _), adjusted in zip(tested, holm([p for _, p in tested]), strict=True):
        entry.p_holm = float(adjusted)
        entry.method += f"; Holm over {len(tested)}"
    return entries


def _clusters(heads: Sequence[EpisodeHead]) -> tuple[list[int], str]:
    """The cluster of each pair, and what clusters are: the first of these of which there are several."""
    ways: tuple[tuple[str, Iterable[object]], ...] = (
        ("items", ((head.environment, head.item) for head in heads)),
        ("seeds of one item", (head.seed for head in heads)),
        ("repetitions of one item", (head.repetition for head in heads)),
        ("configurations of one item", (_untreated(head.config, head.treatments) for head in heads)),
    )
    for unit, labels in ways:
        numbers: dict[object, int] = {}
        found = [numbers.setdefault(label, len(numbers)) for label in labels]
        if len(numbers) > 1:
            return found, unit
    return [0] * len(heads), "items"


def _untreated(config: Mapping[str, object], treatments: Mapping[str, object]) -> bytes:
    return canonical({name: value for name, value in config.items() if name not in treatments})


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:SHOWN]) + (f", ... ({len(found)})" if len(found) > SHOWN else "") or "none"
