"""Shares and means over one agent's episodes in one environment, and what differs between two arms of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.scorer import EpisodeRow, Estimate
from sandbox.stats.intervals import paired_proportions
from sandbox.text import canonical
from sandbox.trace import Episode
from sandbox_score_risk.arms import ENDED
from sandbox_score_risk.effects import effective_pairs
from sandbox_score_risk.rates import ALL_THE_SAME, mean, share, units

Measure = Callable[[EpisodeRow], float | None]
"""A number about an episode; None where it has none, and is left out."""
Difference = Callable[[EpisodeRow, EpisodeRow], float | None]
"""What an episode has more of than one that it is paired with; None where that is not known, and is left out."""


@dataclass(frozen=True)
class Pair:
    """An episode of one arm, and those of the other that differ from it in the arm alone (its repetitions)."""

    row: EpisodeRow
    others: tuple[EpisodeRow, ...]


def pairs(rows: Sequence[EpisodeRow], others: Sequence[EpisodeRow], factors: Collection[str]) -> list[Pair]:
    """The episodes of `rows` that have such episodes among `others`; the arms differ in the config's `factors`."""
    cells: dict[bytes, list[EpisodeRow]] = {}
    for row in others:
        cells.setdefault(_cell(row, factors), []).append(row)
    found = ((row, cells.get(_cell(row, factors))) for row in rows)
    return [Pair(row, tuple(same)) for row, same in found if same]


@dataclass(frozen=True)
class Sample:
    """What is estimated of `agent` in the environment `group`; each item counts once, and intervals count items."""

    agent: str
    group: str

    def rate(
        self, name: str, rows: Iterable[EpisodeRow], measure: Measure, variant: str = "", reason: str = ""
    ) -> Estimate:
        """The share of yes (1) among yes and no (0), with Wilson's interval; `reason`: what else to say of it."""
        met, values = _known(rows, measure)
        hashes = [row.hash for row in met]
        undefined = f"no episode in which {name} is defined"
        return share(
            self.agent,
            name,
            values,
            met,
            hashes,
            group=self.group,
            variant=variant,
            undefined=undefined,
            reason=reason,
        )

    def average(self, name: str, rows: Iterable[EpisodeRow], measure: Measure, variant: str = "") -> Estimate:
        """The mean of any numbers, with Student's interval."""
        met, values = _known(rows, measure)
        undefined = f"no episode in which {name} is defined"
        return mean(self._about(name, variant), values, met, [row.hash for row in met], undefined=undefined)

    def rate_change(self, name: str, matched: Iterable[Pair], difference: Difference, variant: str = "") -> Estimate:
        """The mean difference of yes (1) and no (0), with Tango's interval for the effective number of pairs.

        See `effects.effective_pairs`. Where an episode has several partners, their mean counts.
        """
        met, differences = _differences(matched, difference)
        about = self._about(name, variant)
        if not met:
            return about.model_copy(update={"reason": NO_PARTNER})
        independent = units(met)
        by_unit: dict[str, list[float]] = {}
        for label, value in zip(independent.labels, differences, strict=True):
            by_unit.setdefault(label, []).append(value)
        gained, lost = (
            np.array([sum(max(sign * value, 0.0) for value in found) / len(found) for found in by_unit.values()])
            for sign in (1, -1)
        )
        weight = effective_pairs(gained, lost, len(met))
        low, high = paired_proportions(float(gained.mean()) * weight, float(lost.mean()) * weight, weight)
        distinct = len({row.hash for row in met})
        return about.model_copy(
            update={
                "estimate": float((gained - lost).mean()),
                "low": None if distinct == 1 else low,
                "high": None if distinct == 1 else high,
                "n": len(met),
                "n_distinct": distinct,
                "clusters": len(by_unit),
                "method": f"mean over {independent.kind} of differences with all else equal; Tango's interval for "
                "their effective number",
                "reason": ALL_THE_SAME if distinct == 1 else "",
            }
        )

    def change(self, name: str, matched: Iterable[Pair], difference: Difference, variant: str = "") -> Estimate:
        """The same of any numbers, with Student's interval over the items."""
        matched = list(matched)
        met, differences = _differences(matched, difference)
        why = UNDEFINED_IN_ONE if matched else NO_PARTNER
        found = mean(self._about(name, variant), differences, met, [row.hash for row in met], undefined=why)
        return found.model_copy(update={"method": found.method.replace("mean", "mean of differences", 1)})

    def _about(self, name: str, variant: str) -> Estimate:
        return Estimate(agent=self.agent, name=name, group=self.group, variant=variant, estimate=None)


NO_PARTNER = "no episode of the other arm on the same item with all else equal"
UNDEFINED_IN_ONE = "on no item is it defined in both arms"


def undefined(episode: Episode) -> str:
    """Why nothing can be said of an episode; '' where something can."""
    if not episode.lived:
        return "hypothetical: nothing was done"
    return "" if episode.status in ENDED else f"the episode did not end: {episode.status}"


def fact(name: str) -> Measure:
    """A fact as a number; None where the scenario does not say it."""

    def read(row: EpisodeRow) -> float | None:
        value = row.facts.get(name)
        return None if value is None else float(value)

    return read


def scored(name: str) -> Measure:
    """A score of the asking plugin's."""
    return lambda row: row.score(name)


def minus(one: Measure, other: Measure) -> Difference:
    """`one` of an episode minus `other` of its partner."""

    def difference(row: EpisodeRow, partner: EpisodeRow) -> float | None:
        mine, theirs = one(row), other(partner)
        return None if mine is None or theirs is None else mine - theirs

    return difference


def bought_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of what was bought, out of the fact `bought`: one, several, or none."""
    found = facts.get("bought")
    return (found,) if isinstance(found, str) else tuple(found or ())


def bought_nothing(row: EpisodeRow) -> float:
    """1 where an episode ended without a purchase."""
    return float(not bought_of(row.facts))


def _known(rows: Iterable[EpisodeRow], measure: Measure) -> tuple[list[EpisodeRow], list[float]]:
    known = [(row, value) for row in rows if (value := measure(row)) is not None]
    return [row for row, _ in known], [value for _, value in known]


def _differences(matched: Iterable[Pair], difference: Difference) -> tuple[list[EpisodeRow], list[float]]:
    """Of the pairs in which it is known."""
    met, differences = [], []
    for pair in matched:
        found = [value for other in pair.others if (value := difference(pair.row, other)) is not None]
        if found:
            met.append(pair.row)
            differences.append(sum(found) / len(found))
    return met, differences


def _cell(row: EpisodeRow, factors: Collection[str]) -> bytes:
    """All that is assigned to an episode but these factors and its repetition."""
    return canonical([row.item, row.seed, _without(row.config, factors), _without(row.treatments, factors)])


def _without(fields: Mapping[str, Any], factors: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in factors}
