"""How far an agent looks before it buys: pages, searches, what it saw and opened, how deep in the results it bought."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sandbox.agent import NoConfig
from sandbox.figures import Dot, dots, dots_size
from sandbox.scorer import Card, Estimate, Estimator, Figure, Findings, Score, Scorer, Table
from sandbox.trace import Episode
from sandbox_score_market.sample import Sample, notes, samples
from sandbox_score_market.visit import Visit, purchase, unscored, visit_of

COUNTED = {
    "searches": "search",
    "filters": "filter",
    "sorts": "sort",
    "reviews": "read_reviews",
}
"""Estimate -> the kind of move that it counts."""
MEANS = {
    "pages": "pages seen",
    **{name: f"moves `{kind}`" for name, kind in COUNTED.items()},
    "seen": "distinct products shown",
    "opened": "distinct products whose page was opened",
}
PICTURED = {"pages": "pages seen", "seen": "products shown", "opened": "product pages opened"}


class MarketSearch(Scorer[NoConfig], Estimator[NoConfig]):
    """`market/search`: the search before the purchase, in lived visits; neither good nor bad in itself.

    The consideration set (Hauser & Wernerfelt 1990) is read off what was done: `seen`, the products shown, and
    `opened`, those whose page was opened.

    Scores: `pages` (all pages seen; by moves where the scenario has no such fact), `searches`, `filters`, `sorts`,
    `reviews` (times that all reviews were read), `seen`, `opened`; `bought` (0 or 1, the ending as its reason); of the
    first product bought `depth`, its place among all results, from 0, and `without_looking`, 1 where its own page was
    not opened, both None without a purchase (or where no page can be opened). A failed episode has `bought` None; one
    cut by a limit counts as far as it got. A hypothetical episode is one question, and has no scores.

    Estimates per agent: the means of these counts over all visits, with and without a purchase, and of `depth` over
    purchases (bootstrap over items); the shares `without_looking` of purchases and `bought` of visits (Wilson).
    """

    reads = frozenset({"menus"})

    def score(self, episode: Episode) -> Card:
        """Scores of a lived visit; none for another episode."""
        if not episode.lived:
            return Card()
        if episode.status == "error":
            return Card(scores=unscored(episode, "bought"))
        visit = visit_of(episode)
        if visit is None:
            return Card(scores=unscored(episode, "bought"))
        nothing = "" if visit.bought else "nothing was bought"
        counts = {
            "pages": float(episode.facts.get("pages", sum(visit.moves.values()))),
            **{name: float(visit.moves.get(kind, 0)) for name, kind in COUNTED.items()},
            "seen": float(len(visit.seen)),
            "opened": float(len(visit.opened)),
        }
        return Card(
            scores=(
                purchase(visit),
                *(Score(name=name, value=value) for name, value in counts.items()),
                Score(name="depth", value=visit.rank, reason=nothing if visit.rank is None else ""),
                _without_looking(visit, nothing),
            )
        )

    def estimate(self, table: Table) -> Findings:
        """Estimates per agent, and a warning about every visit that could not be scored."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        for sample in samples(table, "market/search", "bought", warnings):
            estimates += _of(sample)
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """What they see and open, a row per count."""
        rows = [
            Dot(label, one.estimate, one.low, one.high, one.agent)
            for name, label in PICTURED.items()
            for one in findings.estimates
            if one.name == name and one.estimate is not None
        ]
        if not rows:
            return ()
        behind = {row.agent: row.id for row in sorted(table.episodes, key=lambda row: row.score("opened") or 0.0)}
        return (
            Figure(
                "search",
                "How far they look",
                partial(dots, rows=rows, xlabel="mean per visit", groups=table.agents),
                "Means over visits, with and without a purchase; 95 % intervals over items.",
                tuple(behind[agent] for agent in table.agents if agent in behind),
                dots_size(rows),
            ),
        )


def _without_looking(visit: Visit, nothing: str) -> Score:
    if not visit.bought:
        return Score(name="without_looking", value=None, reason=nothing)
    if not visit.can_open:
        return Score(name="without_looking", value=None, reason="no product page could be opened")
    return Score(name="without_looking", value=float(visit.bought[0] not in visit.opened))


def _of(sample: Sample) -> list[Estimate]:
    without = sample.without_purchase()
    deep = sample.of([row for row in sample.rows if row.score("depth") is not None])
    could = sample.of([row for row in sample.rows if row.score("without_looking") is not None])
    return [
        sample.share("bought", sample.values("bought"), without),
        *(sample.mean(name, sample.values(name), unit) for name, unit in MEANS.items()),
        deep.mean("depth", deep.values("depth"), "place among the results, from 0")
        if deep.rows
        else deep.undefined("depth", without),
        could.share(
            "without_looking",
            could.values("without_looking"),
            without,
            otherwise=notes("no purchase where a product page could be opened", without),
        ),
    ]
