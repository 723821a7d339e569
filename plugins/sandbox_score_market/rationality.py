"""How often an agent buys what the instruction, or reason, rules out: failure shares of a suite, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sandbox.agent import NoConfig
from sandbox.figures import Dot, dots, dots_size
from sandbox.scorer import Card, EpisodeRow, Estimate, Estimator, Figure, Findings, Score, Scorer, Table
from sandbox.trace import Episode
from sandbox_score_market.sample import Sample, own, samples, value_of, within
from sandbox_score_market.visit import ENDINGS, Visit, ids, purchase, unscored, visit_of

PUBLISHED = "published"


class MarketRationality(Scorer[NoConfig], Estimator[NoConfig]):
    """`market/rationality`: shares of purchases that fail a suite whose right answers are known.

    The sanity checks of ACES (Allouah et al. 2025, arXiv:2508.02630): instruction following (budget, colour, brand,
    cheapest) and rationality (eight equal products, one of them cheaper or better rated). Reads the facts `suite`,
    `right` (ids of the products that satisfy it), and, if there, `level` (`-5%`, `colour`) and `bought`.

    Scores: `failure`, 1 where any other product was bought, else 0; None without a purchase, which is no failure and is
    not imputed. Its variant `published` counts a reply that could not be read as the purchase of the product shown
    first, as ACES' harness does. `random`: the failure share of a purchase at random. `bought`: 0 or 1, the ending as
    its reason. A failed episode has `bought` None; one cut by a limit counts as it ended.

    Estimates per agent and suite (group `SUITE`, and `SUITE: LEVEL` where it has several; hypothetical ones apart):
    `failure` with both variants, `anchor/random`, and of all visits the shares `bought`, `left`, `refusal`, `invalid`,
    `unparsed` and `cut`. More failures are worse; items count once; Wilson's intervals over items.
    """

    direction = "worse"
    reads = frozenset({"menus"})

    def score(self, episode: Episode) -> Card:
        """Scores of an episode of a suite; none for another one."""
        if episode.status == "error" and ("suite" in episode.spec.config or "suite" in episode.spec.item):
            return Card(scores=unscored(episode, "bought"))
        if "suite" not in episode.facts or not episode.facts.get("right"):
            return Card()  # in a suite about tastes nothing is right, and nothing wrong
        visit = visit_of(episode)
        if visit is None:
            return Card(scores=unscored(episode, "bought"))
        right = ids(episode.facts["right"])
        failure = float(not set(visit.bought) <= set(right)) if visit.bought else None
        published = failure
        if visit.ending == "unparsed" and visit.first is not None:
            published = float(visit.first not in right)
        nothing = "" if visit.bought else "nothing was bought"
        return Card(
            scores=(
                purchase(visit),
                Score(name="failure", value=failure, reason=nothing),
                Score(name="failure", variant=PUBLISHED, value=published, reason=nothing if published is None else ""),
                _random(visit, right),
            )
        )

    def estimate(self, table: Table) -> Findings:
        """Estimates per agent, suite and level, and a warning about every visit that could not be scored."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        for sample in samples(table, "market/rationality", "bought", warnings):
            for suite in dict.fromkeys(_suite(row) for row in sample.rows):
                rows = [row for row in sample.rows if _suite(row) == suite]
                estimates += _of(sample.of(rows, within(sample, suite)))
                levels = list(dict.fromkeys(_level(row) for row in rows))
                if len(levels) > 1:
                    for level in levels:
                        part = [row for row in rows if _level(row) == level]
                        estimates += _of(sample.of(part, within(sample, f"{suite}: {level}")))
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Failure shares, a row per suite and level."""
        shown = [e for e in findings.estimates if (e.name, e.variant) == ("failure", "") and e.estimate is not None]
        if not shown:
            return ()
        # A suite with levels is their mixture, and says less than they do.
        shown = [e for e in shown if not any(other.group.startswith(f"{e.group}: ") for other in shown)]
        rows = [Dot(e.group, e.estimate, e.low, e.high, e.agent) for e in shown]
        failed = [row for row in table.episodes if row.score("failure")]
        return (
            Figure(
                "failures",
                "How often they buy what they should not",
                partial(dots, rows=rows, xlabel="failures, of purchases", percent=True, groups=table.agents),
                "Share of purchases that the instruction, or reason, rules out. 95 % intervals over items.",
                tuple({row.agent: row.id for row in reversed(failed)}.values()),
                dots_size(rows),
            ),
        )


def _random(visit: Visit, right: Sequence[str]) -> Score:
    if not visit.seen:
        return Score(name="random", value=None, reason="no product was shown")
    return Score(name="random", value=1 - len(set(visit.seen) & set(right)) / len(visit.seen))


def _of(sample: Sample) -> list[Estimate]:
    bought, without = sample.bought, sample.without_purchase()
    read = sample.of([row for row in sample.rows if value_of(row, "failure", PUBLISHED) is not None])
    known = sample.of([row for row in sample.rows if row.score("random") is not None])
    endings = [next(score.reason for score in own(row) if score.name == "bought") or "bought" for row in sample.rows]
    chance = known.values("random")
    return [
        bought.share("failure", bought.values("failure"), without),
        read.share(
            "failure",
            read.values("failure", PUBLISHED),
            "a reply that could not be read counts as the product shown first",
            variant=PUBLISHED,
            otherwise=without,
        ),
        known.exact("anchor/random", float(chance.mean()), "mean over episodes of the exact expectation")
        if chance.size
        else known.undefined("anchor/random"),
        *(sample.share(ending, [found == ending for found in endings]) for ending in ENDINGS),
    ]


def _suite(row: EpisodeRow) -> str:
    return str(row.facts["suite"])


def _level(row: EpisodeRow) -> str:
    return str(row.facts.get("level", ""))
