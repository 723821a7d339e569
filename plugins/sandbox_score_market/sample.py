"""Estimates about one agent's visits: shares in which each item counts once, means, and intervals over items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sandbox.scorer import EpisodeRow, Estimate, Score, Table
from sandbox.stats.agreement import share
from sandbox.stats.arrays import Floats
from sandbox.stats.intervals import cluster_bootstrap

FRAMINGS = (("", "lived"), ("hypothetical", "hypothetical"))
"""Group -> framing of its episodes."""


CONSTANT = "one item only, or no variation between items"
"""Why a bootstrap has no interval."""


@dataclass(frozen=True)
class Sample:
    """Some of an agent's episodes, as the scorer called `scorer` sees them; what it estimates is of `group`."""

    table: Table
    scorer: str
    agent: str
    group: str
    rows: Sequence[EpisodeRow]

    def of(self, rows: Sequence[EpisodeRow], group: str | None = None) -> Sample:
        """The same with other episodes, in the same group or another."""
        return replace(self, rows=rows, group=self.group if group is None else group)

    @property
    def bought(self) -> Sample:
        """The episodes with a purchase."""
        return self.of([row for row in self.rows if row.score("bought")])

    @property
    def items(self) -> list[str]:
        """Each episode's item: the independent unit."""
        return [row.item for row in self.rows]

    @property
    def distinct(self) -> int:
        """How many traces differ."""
        return len({row.hash for row in self.rows})

    def values(self, name: str, variant: str = "") -> Floats:
        """The scores of that name, an episode each; NaN where there is none."""
        return np.array([value_of(row, name, variant) for row in self.rows], dtype=np.float64)

    def share(
        self, name: str, happened: Floats | Sequence[bool], note: str = "", *, variant: str = "", otherwise: str = ""
    ) -> Estimate:
        """Mean over items of the item's share; Wilson's interval with as many observations as items.

        `happened` has a value per episode; `note` stands in the reason, and so does `otherwise` where no episode is.
        """
        if not self.rows:
            return self.undefined(name, otherwise or note or "no episodes of this kind", variant)
        found = share(happened, self.items)
        distinct = self.distinct
        return Estimate(
            agent=self.agent,
            group=self.group,
            name=name,
            variant=variant,
            estimate=found.rate,
            low=found.low if distinct > 1 else None,
            high=found.high if distinct > 1 else None,
            n=len(self.rows),
            n_distinct=distinct,
            clusters=found.items,
            method="mean of the items' shares; Wilson over items",
            reason=note if distinct > 1 else "all traces are the same",
        )

    def mean(self, name: str, values: Floats, unit: str = "cents") -> Estimate:
        """The mean over episodes, with a bootstrap over items."""
        if not values.size:
            return self.undefined(name)
        method = f"mean over episodes, {unit}; bootstrap over items"
        if self.distinct > 1 and (values == values[0]).all():  # what a thousand draws would find out
            return self.exact(name, float(values[0]), method, CONSTANT)
        return self.bootstrapped(
            name,
            float(values.mean()),
            lambda weights: float(np.average(values, weights=weights)),
            method,
        )

    def bootstrapped(
        self, name: str, value: float, statistic: Callable[[Floats], float | None], method: str, note: str = ""
    ) -> Estimate:
        """`value` with the interval of `statistic`, a function of the episodes' weights, when items are drawn again."""
        interval, reason = None, "all traces are the same"
        if self.distinct > 1:
            generator = self.table.generator(self.scorer, self.agent, self.group, name)
            interval = cluster_bootstrap(statistic, self.items, generator)
            reason = notes("" if interval else CONSTANT, note)
        low, high = (interval.low, interval.high) if interval else (None, None)
        return self.exact(name, value, method, reason, low, high)

    def exact(
        self,
        name: str,
        value: float,
        method: str,
        reason: str = "",
        low: float | None = None,
        high: float | None = None,
    ) -> Estimate:
        """`value`, with the ends of an interval that was got elsewhere, if any."""
        return Estimate(
            agent=self.agent,
            group=self.group,
            name=name,
            estimate=value,
            low=low,
            high=high,
            n=len(self.rows),
            n_distinct=self.distinct,
            clusters=len(set(self.items)),
            method=method,
            reason=reason,
        )

    def undefined(self, name: str, reason: str = "no scored episodes", variant: str = "") -> Estimate:
        """An estimate that has no value, and why."""
        return Estimate(agent=self.agent, group=self.group, name=name, variant=variant, estimate=None, reason=reason)

    def without_purchase(self) -> str:
        """How many episodes have none, and how they ended; '' where all have one."""
        ended = Counter(
            score.reason for row in self.rows for score in own(row) if score.name == "bought" and not score.value
        )
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(ended.items()))
        count = sum(ended.values())
        return f"{count} of {len(self.rows)} visits ended without a purchase ({kinds})" if count else ""


def samples(table: Table, scorer: str, name: str, warnings: list[str]) -> Iterator[Sample]:
    """Each agent's lived visits, then its hypothetical ones (group `hypothetical`); none where there are no such.

    A visit is an episode with a score `name`; where that has no value, it is left out and said so in `warnings`.
    """
    for agent in table.agents:
        rows = [row for row in table.of(agent).episodes if any(score.name == name for score in own(row))]
        lost = [row for row in rows if row.score(name) is None]
        if lost:
            reasons = sorted({score.reason for row in lost for score in own(row) if score.name == name})
            warnings.append(
                f"{agent}: {len(lost)} of {len(rows)} visits could not be scored and are left out "
                f"({'; '.join(reasons[:3])})"
            )
        for group, framing in FRAMINGS:
            part = [row for row in rows if row.framing == framing and row.score(name) is not None]
            if part:
                yield Sample(table, scorer, agent, group, part)


def within(sample: Sample, label: str) -> str:
    """The group of a part of the sample called `label`: hypothetical answers never mix with lived ones."""
    return f"{label} ({sample.group})" if sample.group else label


def value_of(row: EpisodeRow, name: str, variant: str = "") -> float | None:
    """The value of the score with that name and variant; None if there is none."""
    return next((s.value for s in own(row) if s.name == name and s.variant == variant), None)


def own(row: EpisodeRow) -> tuple[Score, ...]:
    """The scores that are about the row's own agent: where several are under evaluation, a score has a seat."""
    return tuple(score for score in row.scores if score.seat is None or score.seat in row.evaluated)


def notes(*said: str) -> str:
    """One reason of several, those left out that say nothing."""
    return "; ".join(note for note in said if note)
