"""Means over seats under evaluation, per agent and group, with a bootstrap over clusters and anchors beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.scenario import Benchmark
from sandbox.scorer import EpisodeRow, Estimate, Score, Table, Verdict
from sandbox.stats.arrays import Floats
from sandbox.stats.intervals import percentile_interval
from sandbox.text import canonical

ANCHORS = ("disagreement", "random", "random_response", "equilibrium", "best_response")
MOST_GROUPS = 12
"""With more configurations than this there is no group for each: the table would be drowned, the scores have it all."""
REPLICATIONS = 1000
TAIL = 0.025
"""An interval with more undefined replicates than this could end anywhere, and is not shown."""
BLOCK = 1_000_000
"""Clusters drawn at once, so that a large table takes a few dozen MB."""
Codes = NDArray[np.intp]
_NUMBERED = re.compile(r"_\d+$")


class Part(NamedTuple):
    """One seat under evaluation in one episode.

    Attributes:
        match: the seat and whom it meets, as a group's name.
        condition: configuration and item: what repetitions share.
        scores: those of the seat and those of the game, by name.
    """

    row: EpisodeRow
    seat: str
    agent: str
    match: str
    condition: str
    scores: Mapping[str, Score]

    def value(self, name: str) -> float | None:
        """The value of a score; None where there is none."""
        return self.scores[name].value if name in self.scores else None


def parts_of(rows: Iterable[EpisodeRow], shared: Collection[str] = ()) -> list[Part]:
    """Every seat under evaluation; scores without a seat, and those called as in `shared`, are the game's."""
    parts = []
    # Thousands of rows share a few of each of these.
    conditions: dict[tuple[str, int, str], str] = {}
    matches: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for row in rows:
        said = row.environment, id(row.config), row.item
        if (condition := conditions.get(said)) is None:
            condition = canonical([row.environment, dict(row.config), row.item]).decode()
            conditions[said] = condition
        sitting = tuple(row.agents.items())
        if (match := matches.get(sitting)) is None:
            match = matches[sitting] = {seat: _match(row.agents, seat) for seat in row.agents}
        whole: dict[str, Score] = {}
        own: dict[str, dict[str, Score]] = {seat: {} for seat in row.evaluated}
        for score in row.scores:
            name, seat = score.name, score.seat
            if seat is None or name in shared:
                whole[name] = score
            elif seat in own:
                own[seat][name] = score
        for seat, scores in own.items():
            parts.append(Part(row, seat, row.agents[seat], match[seat], condition, scores | whole))
    return parts


def _match(agents: Mapping[str, str], seat: str) -> str:
    if len(agents) == 2:
        (other,) = (name for place, name in agents.items() if place != seat)
        return f"{seat} against {other}"
    others = Counter(name for place, name in agents.items() if place != seat)
    named = (name if count == 1 else f"{count} x {name}" for name, count in sorted(others.items()))
    role = _NUMBERED.sub("_*", seat)  # of many seats, those with numbers are alike: buyer_7, player_2
    return f"{role} among {', '.join(named)}" if others else seat


def varying(rows: Sequence[EpisodeRow]) -> tuple[str, ...]:
    """The config fields in which the rows differ; none where that would make more than `MOST_GROUPS` groups."""
    configs = {canonical(dict(row.config)): row.config for row in rows}
    if len(configs) > MOST_GROUPS:
        return ()
    names = dict.fromkeys(name for config in configs.values() for name in config)
    return tuple(name for name in names if len({canonical(config.get(name)) for config in configs.values()}) > 1)


def grouped(
    parts: Sequence[Part], fields: Sequence[str], within: str = "", *, matches: bool = False
) -> dict[str, list[int]]:
    """Group -> places of its parts: all of them, and by match and by configuration, where these differ.

    Args:
        parts: one agent's.
        fields: the config fields in which games differ (`varying`).
        within: the name of all, which stands before the others' with a colon.
        matches: groups by match even where there is one match only.
    """
    groups = {within: list(range(len(parts)))}
    before = f"{within}: " if within else ""
    met = {part.match for part in parts}
    # Of more than two seats there can be more constellations than anybody reads; of two, each is a cell of a matrix.
    pairs = all(len(part.row.agents) == 2 for part in parts)
    by_match = (matches or len(met) > 1) and (pairs or len(met) <= MOST_GROUPS)
    for place, part in enumerate(parts):
        if by_match:
            groups.setdefault(before + part.match, []).append(place)
        if fields:
            setting = " ".join(f"{name}={canonical(part.row.config.get(name)).decode()}" for name in fields)
            groups.setdefault(before + setting, []).append(place)
    return groups


@dataclass(frozen=True)
class Means:
    """One agent's means over its games, in any group of them.

    Attributes:
        scorer: whose estimates they are; it names the resampling.
        parts: the agent's seats in all its games.
        names: the scores to estimate, in order.
        shared: those among them that are the game's: where the agent meets itself they count once.
        beside: the score that anchors stand beside: they are means over the very games in which it is defined.
        anchors: names of the benchmarks, `NAME/SEAT` in the trace or `NAME`.
        factor: part -> what its benchmarks are multiplied by to be in the unit of `beside`.
    """

    scorer: str
    agent: str
    parts: Sequence[Part]
    names: Sequence[str]
    shared: Collection[str]
    table: Table
    beside: str
    anchors: Sequence[str]
    factor: Callable[[Part], float]

    @cached_property
    def _values(self) -> Floats:
        return _array(
            [
                [None if (score := part.scores.get(name)) is None else score.value for name in self.names]
                for part in self.parts
            ],
            len(self.names),
        )

    @cached_property
    def _marks(self) -> list[list[Benchmark | None]]:
        seats = {part.seat for part in self.parts}
        keys = {seat: [(f"{name}/{seat}", name) for name in self.anchors] for seat in seats}
        return [
            [marks.get(own) or marks.get(whole) for own, whole in keys[part.seat]]
            for part in self.parts
            for marks in [part.row.benchmarks]
        ]

    @cached_property
    def _anchors(self) -> Floats:
        values = [[None if mark is None else mark.value for mark in marks] for marks in self._marks]
        factors = np.array([self.factor(part) for part in self.parts], dtype=np.float64)
        return _array(values, len(self.anchors)) * factors[:, None]

    @cached_property
    def _simulated(self) -> list[bool]:
        """For each anchor whether any of it is."""
        different = [{id(mark): mark for mark in column}.values() for column in zip(*self._marks, strict=True)]
        return [any(mark is not None and mark.error is not None for mark in column) for column in different]

    @cached_property
    def _codes(self) -> dict[str, Codes]:
        """Numbers for what parts have in common: equal for equal, in the order of what they stand for."""
        return {
            "condition": _coded([part.condition for part in self.parts]),
            "episode": _coded([part.row.id for part in self.parts]),
            "trace": _coded([part.row.hash for part in self.parts]),
            "cell": _coded([(part.condition, part.match) for part in self.parts]),
        }

    def estimates(self, group: str, members: Sequence[int]) -> list[Estimate]:
        """The means over some of `parts`, given by their places, and the anchors beside them."""
        places = np.array(members, dtype=np.intp)
        values = self._values[places]
        of_game = np.array([name in self.shared for name in self.names], dtype=np.bool_)
        again = np.ones(len(places), dtype=np.bool_)
        again[np.unique(self._codes["episode"][places], return_index=True)[1]] = False
        values[np.ix_(again, of_game)] = np.nan
        defined = np.isfinite(values)
        filled = np.where(defined, values, 0.0)

        over_conditions = len(np.unique(self._codes["condition"][places])) > 1
        unit = "configurations and items" if over_conditions else "episodes of one configuration"
        labels = self._codes["condition" if over_conditions else "episode"][places]
        clusters = np.unique(labels, return_inverse=True)[1].reshape(-1)
        traces = self._codes["trace"][places]
        generator = self.table.generator(self.scorer, self.agent, group)
        replicates = _replicates(_summed(filled, clusters), _summed(defined, clusters), generator)
        means = _ratio(np.ones(len(places)) @ filled, defined.sum(axis=0))
        counts: dict[bytes, tuple[int, int]] = {}
        estimates = []
        for column, name in enumerate(self.names):
            used = defined[:, column]
            there = bool(used.any())
            if (mask := used.tobytes()) not in counts:
                counts[mask] = len(np.unique(traces[used])), len(np.unique(clusters[used]))
            distinct, independent = counts[mask]
            low = high = None
            reason = "" if there else _reason((self.parts[place] for place in members), name)
            if there:
                low, high, reason = _interval(replicates, column, distinct)
            estimates.append(
                Estimate(
                    agent=self.agent,
                    name=name,
                    group=group,
                    estimate=float(means[column]) if there else None,
                    low=low,
                    high=high,
                    n=int(used.sum()),
                    n_distinct=distinct,
                    clusters=independent,
                    method=f"mean; percentile interval of a cluster bootstrap over {unit}",
                    reason=reason,
                )
            )
        scored = places[np.isfinite(self._values[places, self.names.index(self.beside)])]
        return estimates + self._anchor_estimates(group, scored)

    def _anchor_estimates(self, group: str, scored: Codes) -> list[Estimate]:
        values = self._anchors[scored]
        there = np.isfinite(values)
        cells, conditions = (len(np.unique(self._codes[what][scored])) for what in ("cell", "condition"))
        estimates = []
        for column, name in enumerate(self.anchors):
            n = int(there[:, column].sum())
            reason = "" if len(scored) else f"no episode has a {self.beside.replace('_', '-')} to stand beside"
            if n < len(scored):
                mark = self._marks[scored[~there[:, column]][0]][column]
                why = "the trace has no such benchmark" if mark is None else mark.assumes
                reason = f"undefined in {len(scored) - n} of {len(scored)}: {why}"
            estimates.append(
                Estimate(
                    agent=self.agent,
                    name=f"anchor/{name}",
                    group=group,
                    estimate=sum(values[:, column].tolist()) / n if n and not reason else None,
                    n=n,
                    n_distinct=cells,
                    clusters=conditions,
                    method=f"mean of the recorded benchmarks ({self._how(column, scored)}); no sample, so no interval",
                    reason=reason,
                )
            )
        return estimates

    def _how(self, column: int, scored: Codes) -> str:
        """How an anchor was got; the error is that of one of them, since those of one configuration are the same."""
        marks = [self._marks[place][column] for place in scored] if self._simulated[column] else []
        errors = [mark.error for mark in marks if mark is not None and mark.error is not None]
        return f"simulated, with a standard error of {sum(errors) / len(errors):.2g}" if errors else "exact"


def _array(rows: Sequence[Sequence[float | None]], columns: int) -> Floats:
    """Numbers in rows; None becomes NaN."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), columns)


def _coded(labels: Sequence[Any]) -> Codes:
    """For each label its place among the different ones in order."""
    places = {label: place for place, label in enumerate(sorted(set(labels)))}
    return np.array([places[label] for label in labels], dtype=np.intp)


def _summed(values: Any, clusters: Any) -> Floats:
    """Sums of each column within clusters."""
    return np.stack([np.bincount(clusters, weights=column) for column in values.T], axis=1)


def _ratio(totals: Floats, counts: Any) -> Floats:
    result: Floats = np.full(totals.shape, np.nan)
    np.divide(totals, counts, out=result, where=counts > 0)
    return result


def _replicates(sums: Floats, counts: Floats, generator: np.random.Generator) -> Floats | None:
    """Means when whole clusters are drawn again with replacement, (REPLICATIONS, columns); None for one cluster.

    `sandbox.stats.intervals.cluster_replicates` draws the same; for means, sums by cluster are enough, and many draws
    are one product: a payoff matrix has hundreds of groups.
    """
    clusters = len(sums)
    if clusters < 2:
        return None
    blocks = []
    size = max(1, BLOCK // clusters)
    for start in range(0, REPLICATIONS, size):
        rows = min(size, REPLICATIONS - start)
        drawn = generator.integers(0, clusters, size=(rows, clusters)) + clusters * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)
        blocks.append(_ratio(weights @ sums, weights @ counts))
    return np.concatenate(blocks)


def _interval(replicates: Floats | None, column: int, distinct: int) -> tuple[float | None, float | None, str]:
    if distinct == 1:
        return None, None, "no interval: all traces are the same"
    found = None if replicates is None else percentile_interval(replicates[:, column])
    if found is None:
        return None, None, "no interval: resampling changes nothing"
    if found.undefined > TAIL * found.replications:
        return None, None, f"no interval: undefined in {found.undefined} of {found.replications} resamples"
    return found.low, found.high, ""


def _reason(parts: Iterable[Part], name: str) -> str:
    reasons = (part.scores[name].reason for part in parts if name in part.scores)
    return next((reason for reason in reasons if reason), "there is no such score")


def silent(check: str, parts: Iterable[Part]) -> tuple[Verdict, ...]:
    """The verdicts on agents that gave no legal answer in any game; none on others."""
    rates: dict[str, list[float]] = {}
    for part in parts:
        if (rate := part.value("forfeit_rate")) is not None:
            rates.setdefault(part.agent, []).append(rate)
    reason = "it gave no legal answer in any of {} games: its numbers are no result of its play"
    return tuple(
        Verdict(agent=agent, check=check, verdict="not assessable", reason=reason.format(len(each)))
        for agent, each in rates.items()
        if min(each) == 1
    )


def lost(agent: str, parts: Sequence[Part], name: str, where: str = "") -> Iterable[str]:
    """What must be said of games that are in no mean, for want of the score `name`."""
    count = sum(part.value(name) is None for part in parts)
    if count:
        yield f"{agent}: {count} of {len(parts)} games{where} have no end and are in no mean ({_reason(parts, name)})"


def forfeiting(agent: str, parts: Sequence[Part], where: str = "") -> Iterable[str]:
    """What must be said of games in which the agent gave no legal answer now and then."""
    count = sum((part.value("forfeit_rate") or 0) > 0 for part in parts)
    if count:
        yield f"{agent}: it forfeited decisions in {count} of {len(parts)} games{where}"
