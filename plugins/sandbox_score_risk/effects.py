"""What a treatment does to an agent's risks: one level minus the first, all else equal, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.scorer import EpisodeRow, Estimate
from sandbox.stats.intervals import normal_quantile, paired_proportions, student_quantile
from sandbox.text import canonical
from sandbox_score_risk.rates import ALL_THE_SAME, Units, units

ARMS = frozenset({"conflict", "permitted", "framing"})
"""Factors that say which episodes are compared at all."""
MOST_LEVELS = 12
"""A factor with more levels is no treatment but a number of its own: a size, a text."""
UNSET = "default"
"""The level of a config field where it is not written, and no episode shows what that stands for."""


@dataclass(frozen=True)
class Factors:
    """What varies over the episodes of an environment.

    Attributes:
        levels: factor -> its levels as they are written, the first the base.
        defaults: factor -> what it is where it is not written, if some episode shows that.
    """

    levels: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def treatments(self) -> Mapping[str, tuple[str, ...]]:
        """Those whose effects are worth an estimate."""
        return {name: levels for name, levels in self.levels.items() if len(levels) <= MOST_LEVELS}

    def setting(self, row: EpisodeRow) -> tuple[str, ...]:
        """The episode's level of each factor."""
        return tuple(_level(_value(row, name, self.defaults)) for name in self.levels)


def factors(rows: Sequence[EpisodeRow]) -> Factors:
    """The treatments, and the fields of the config, that differ between these episodes.

    Levels that are numbers or booleans are in order of size; of others that of a field which some episode leaves out
    comes first, then they are in order of appearance.
    """
    found = {}
    names = sorted({name for row in rows for name in (*row.config, *row.treatments)} - ARMS)
    defaults = _defaults(rows, names)
    for name in names:
        values = [_value(row, name, defaults) for row in rows]
        if any(value != values[0] for value in values):
            levels: dict[str, Any] = {}
            for value in values:
                levels.setdefault(_level(value), value)
            left_out = any(name not in row.config and name not in row.treatments for row in rows)
            found[name] = _ordered(levels, _level(defaults.get(name, UNSET)) if left_out else None)
    return Factors(found, {name: defaults[name] for name in found if name in defaults})


def _defaults(rows: Sequence[EpisodeRow], names: Iterable[str]) -> dict[str, Any]:
    """Field -> its value where the config does not have it.

    A config has the treatments that were applied, and leaves fields out at their defaults alone. So a treatment that
    the config does not have is at the default; if several values of one are such, it is no field of the config.
    """
    found = {}
    for name in names:
        unwritten = [row.treatments[name] for row in rows if name in row.treatments and name not in row.config]
        if unwritten and all(value == unwritten[0] for value in unwritten):
            found[name] = unwritten[0]
    return found


def effects(
    about: Estimate, rows: Sequence[EpisodeRow], outcomes: Sequence[float], varied: Factors
) -> Iterable[Estimate]:
    """For each treatment and each of its levels but the first: the mean outcome (0 to 1) minus that at the first level.

    Two episodes are compared where item, seed and all other factors are the same; repetitions are averaged, pairs are
    averaged within an item, and items count once. The interval is Tango's for the effective number of pairs (see
    `effective_pairs`).

    Args:
        about: agent, group and reason of the estimates, and a name to which `/FACTOR` is added; variant `5 - 0`.
        rows: the episodes.
        outcomes: one a row.
        varied: what varies in this environment, over all agents.
    """
    independent = units(rows)
    settings = [varied.setting(row) for row in rows]
    for name, levels in varied.treatments.items():
        place = list(varied.levels).index(name)
        cells: dict[tuple[Any, ...], dict[str, list[int]]] = {}
        for index, (row, unit, setting) in enumerate(zip(rows, independent.labels, settings, strict=True)):
            cell = (unit, row.item, row.seed, setting[:place], setting[place + 1 :])
            cells.setdefault(cell, {}).setdefault(setting[place], []).append(index)
        for level in levels[1:]:
            called = about.model_copy(update={"name": f"{about.name}/{name}", "variant": f"{level} - {levels[0]}"})
            yield _difference(called, rows, outcomes, independent, cells, level, levels[0])


def _difference(
    about: Estimate,
    rows: Sequence[EpisodeRow],
    outcomes: Sequence[float],
    independent: Units,
    cells: Mapping[tuple[Any, ...], Mapping[str, Sequence[int]]],
    level: str,
    base: str,
) -> Estimate:
    differences: dict[str, list[float]] = {}
    used: list[int] = []
    unpaired = 0
    for (unit, *_), met in cells.items():
        if level in met and base in met:
            one, other = (sum(outcomes[index] for index in met[side]) / len(met[side]) for side in (level, base))
            differences.setdefault(unit, []).append(one - other)
            used += [*met[level], *met[base]]
        else:
            unpaired += level in met or base in met
    if not differences:
        why = "no item was met at both levels with all else equal"
        return about.model_copy(update={"reason": "; ".join(part for part in (about.reason, why) if part)})
    gained, lost = (
        np.array([sum(max(sign * pair, 0.0) for pair in pairs) / len(pairs) for pairs in differences.values()])
        for sign in (1, -1)
    )
    weight = effective_pairs(gained, lost, sum(map(len, differences.values())))
    low, high = paired_proportions(float(gained.mean()) * weight, float(lost.mean()) * weight, weight)
    distinct = len({rows[index].hash for index in used})
    alike = distinct == 1
    left_out = f"; {unpaired} met at one of the two levels only left out" if unpaired else ""
    return about.model_copy(
        update={
            "estimate": float((gained - lost).mean()),
            "low": None if alike else low,
            "high": None if alike else high,
            "n": len(used),
            "n_distinct": distinct,
            "clusters": len(differences),
            "method": f"mean over {independent.kind} of differences with all else equal{left_out}; Tango's interval "
            "for their effective number",
            "reason": "; ".join(part for part in (about.reason, ALL_THE_SAME if alike else "") if part),
        }
    )


def effective_pairs(gained: NDArray[np.float64], lost: NDArray[np.float64], n: int) -> float:
    """How many independent pairs of yes/no answers are worth as much as `n` pairs in clusters.

    As `rates.effective_n` (Korn & Graubard 1998), with the variance of a difference of pairs in the place of p(1 - p):
    `gained` and `lost` are each cluster's mean gain and mean loss. At least the number of clusters, at most `n`.
    Tango's interval of that many pairs held the truth in 94 to 100 % of simulated samples of 3 to 30 clusters with 1 to
    10 pairs each.
    """
    clusters = gained.size
    up, down = float(gained.mean()), float(lost.mean())
    nominal = up + down - (up - down) ** 2
    if clusters == 1 or nominal <= 1e-12:
        return float(clusters)
    variance = float((gained - lost).var(ddof=1)) / clusters
    if variance <= 1e-12 * nominal:
        return float(n)
    shrink = (normal_quantile(0.95) / student_quantile(clusters - 1)) ** 2
    return float(min(n, max(clusters, nominal / variance * shrink)))


def _value(row: EpisodeRow, name: str, defaults: Mapping[str, Any]) -> Any:
    if name in row.treatments:
        return row.treatments[name]
    return row.config[name] if name in row.config else defaults.get(name, UNSET)


def _level(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def _ordered(levels: Mapping[str, Any], left_out: str | None) -> tuple[str, ...]:
    """Written levels: numbers in order of size, else as they came; first `left_out`, unless all are numbers."""
    if all(isinstance(value, int | float) for value in levels.values()):
        return tuple(sorted(levels, key=lambda level: float(levels[level])))
    first = [level for level in levels if level == left_out]
    others = {level: value for level, value in levels.items() if level != left_out}
    return (*first, *(_ordered(others, None) if first else others))
