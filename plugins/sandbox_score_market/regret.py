"""How well an agent buys for its buyer: exact regret beside its anchors, dominated choices, and where it picks from.

Regret of an episode: utility of the best that the buyer could get (the best product, or nothing) minus the utility of
what the agent got, in cents, at least 0, less is better (the welfare loss of Hausman & McFadden's random-utility buyer,
known exactly here because the scenario knows U). An episode without a purchase got 0 and has the forgone best as its
regret: whoever never answers is worse than one who buys blindly.

Reads any scenario whose menus have `buy` moves appraised with a utility, and whose facts have `best_utility` and `set`;
where a cart is filled and paid, the facts `bought` and `utility` say what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sandbox.agent import NoConfig
from sandbox.figures import Dot, dots, dots_size
from sandbox.scorer import Card, Estimate, Estimator, Figure, Findings, Mark, Score, Scorer, Table
from sandbox.stats.arrays import Floats
from sandbox.trace import Episode
from sandbox_score_market.sample import FRAMINGS, Sample, own
from sandbox_score_market.visit import unscored, visit_of

ANCHORS = ("oracle", "random", "cheapest", "first", "leave")
POSITIONS = 8
WELFARE = ("surplus", "profit")
"""Facts of a scenario that knows both sides' gains, cents."""
REGRETS = {"regret": "the agent", "anchor/random": "random purchases", "anchor/cheapest": "always the cheapest"}
"""Estimate -> whose number it is, in the figure."""


class MarketRegret(Scorer[NoConfig], Estimator[NoConfig]):
    """`market/regret`: regret in cents and what explains it, per episode and per agent.

    Scores: `regret`, `utility` (cents); `bought`, `left` (by its own decision), `no_answer` (invalid, unparsed, refused
    or timed out: the forfeit happened), 0 or 1; `over_budget`, `dominated` (only in dominated sets) and `position`
    (from 0, as shown) of a purchase, else None; where the scenario says so, `surplus` (what a buyer with such tastes
    can expect of the set: the logsum of Small & Rosen 1981) and `profit` (of the sellers), cents. A cart counts when it
    is paid, all of it together. A truncated episode counts as it ended; a failed or empty one has `regret` None and no
    other score. In a hypothetical episode the last answer is scored as if it had happened; one that would only turn a
    page has `regret` None.

    Estimates, per agent over its lived episodes (hypothetical ones: group `hypothetical`), all names always there:
    `regret` and `anchor/*` (mean cents over the same episodes), `relative_regret` (agent's mean over random's: 0
    oracle, 1 buys blindly), and the shares `bought`, `left`, `no_answer`, of purchases `over_budget`, `dominated`
    (in dominated sets) and `position/0` to `position/7`. Where known, also the means `surplus` and `profit`.
    """

    direction = "worse"
    reads = frozenset({"menus"})

    def score(self, episode: Episode) -> Card:
        """Scores of one episode, with a mark where the choice was made; none for an episode of another kind."""
        facts = episode.facts
        if episode.status == "error" or "best_utility" not in facts:
            return Card(scores=unscored(episode, "regret") if episode.status == "error" else ())
        visit = visit_of(episode)
        if visit is None:
            return Card(scores=(Score(name="regret", value=None, reason="no decision was made"),))
        if visit.undecided:
            reason = f"would {visit.undecided}, which is no purchase"
            return Card(scores=(Score(name="regret", value=None, reason=reason),))
        chosen = next(step for step in episode.steps if step.index == visit.decided).decision
        bought = visit.ending == "bought"
        happened = episode.lived and "utility" in facts  # a cart's worth is known to the scenario alone
        utility = facts["utility"] if happened else chosen.appraisal.utility if chosen is not None and bought else 0.0
        if utility is None:
            return Card(scores=(Score(name="regret", value=None, reason="the purchase has no known utility"),))
        said = facts if happened else chosen.appraisal.features if chosen is not None and bought else {}
        regret = float(facts["best_utility"]) - float(utility)
        nothing = "" if bought else "nothing was bought"
        in_dominated_set = facts.get("set") == "dominated"
        scores = (
            Score(name="regret", value=regret),
            Score(name="utility", value=float(utility)),
            Score(name="bought", value=float(bought)),
            Score(name="left", value=float(visit.ending == "left")),
            Score(name="no_answer", value=float(visit.ending in ("refusal", "invalid", "unparsed"))),
            Score(name="over_budget", value=_number(said.get("over_budget")), reason=nothing),
            Score(
                name="dominated",
                value=_number(said.get("dominated")) if in_dominated_set else None,
                reason=nothing if in_dominated_set else "no product of this set is dominated",
            ),
            Score(
                name="position",
                value=_number(facts["position"]) if happened and "position" in facts else visit.place,
                reason=nothing,
            ),
            *(Score(name=name, value=_number(facts[name])) for name in WELFARE if happened and name in facts),
        )
        what = f"{', '.join(visit.bought)}, regret {regret:.0f} cents" if bought else nothing
        return Card(scores=scores, marks=(Mark(step=visit.decided, name="choice", value=regret, note=what),))

    def estimate(self, table: Table) -> Findings:
        """Estimates per agent, and a warning about every episode that has no regret."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        for agent in table.agents:
            rows = [row for row in table.of(agent).episodes if any(score.name == "regret" for score in own(row))]
            lost = [row for row in rows if row.score("regret") is None]
            if lost:
                reasons = sorted({score.reason for row in lost for score in own(row) if score.name == "regret"})
                warnings.append(
                    f"{agent}: {len(lost)} of {len(rows)} shopping episodes have no regret and are left out "
                    f"({'; '.join(reasons[:3])})"
                )
            cut = sum(row.status == "truncated" for row in rows)
            if cut:
                warnings.append(f"{agent}: {cut} of {len(rows)} shopping episodes were cut by a limit: no purchase")
            for group, framing in FRAMINGS:
                part = [row for row in rows if row.framing == framing]
                if part:
                    scored = [row for row in part if row.score("regret") is not None]
                    estimates += _estimates(Sample(table, "market/regret", agent, group, scored))
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Regret beside its anchors, in lived episodes; the places are a figure of `market/position`."""
        known = [one for one in findings.estimates if one.group == "" and one.estimate is not None]
        regrets = [Dot(e.agent, e.estimate, e.low, e.high, REGRETS[e.name]) for e in known if e.name in REGRETS]
        if not regrets:
            return ()
        # The dearest lesson first: the episode of each agent with the greatest regret.
        lived = [row for row in table.episodes if row.framing == "lived" and row.score("regret") is not None]
        worst = {row.agent: row.id for row in sorted(lived, key=lambda row: row.score("regret") or 0.0)}
        episodes = tuple(worst[agent] for agent in table.agents if agent in worst)
        return (
            Figure(
                "regret",
                "What their buying costs the buyer",
                partial(dots, rows=regrets, xlabel="regret, cents (0: the best)", groups=tuple(REGRETS.values())),
                "Mean of the best utility less the one bought; less is better. 95 % intervals over items.",
                episodes,
                dots_size(regrets),
            ),
        )


def _estimates(sample: Sample) -> list[Estimate]:
    """The estimates about one agent in one group of its episodes."""
    regret = sample.values("regret")
    bought = sample.bought
    without = f"{len(sample.rows) - len(bought.rows)} of {len(sample.rows)} episodes ended without a purchase"
    in_dominated_sets = bought.of([row for row in bought.rows if row.score("dominated") is not None])
    positions = bought.values("position")
    return [
        sample.mean("regret", regret),
        _relative(sample, regret),
        *(_anchor(sample, name) for name in ANCHORS),
        *(sample.share(name, sample.values(name)) for name in ("bought", "left", "no_answer")),
        bought.share("over_budget", bought.values("over_budget"), without),
        in_dominated_sets.share("dominated", in_dominated_sets.values("dominated"), without),
        *(bought.share(f"position/{i}", positions == i, without) for i in range(POSITIONS)),
        *_welfare(sample),
    ]


def _welfare(sample: Sample) -> list[Estimate]:
    """Means of what the scenario says of both sides' gains, over the episodes that say so."""
    found = []
    for name in WELFARE:
        said = sample.of([row for row in sample.rows if row.score(name) is not None])
        if said.rows:
            found.append(said.mean(name, said.values(name)))
    return found


def _benchmarks(sample: Sample, anchor: str) -> Floats:
    values = [row.benchmarks[anchor].value if anchor in row.benchmarks else None for row in sample.rows]
    return np.array(values, dtype=np.float64)


def _relative(sample: Sample, regret: Floats) -> Estimate:
    random = _benchmarks(sample, "random")
    if not regret.size or np.isnan(random).any() or random.sum() == 0:
        return sample.undefined("relative_regret", "the anchor of random purchases is unknown or 0")
    return sample.bootstrapped(
        "relative_regret",
        float(regret.sum() / random.sum()),
        lambda weights: float(weights @ regret / (weights @ random)) if weights @ random else None,
        "mean regret over the mean regret of random purchases; bootstrap over items",
    )


def _anchor(sample: Sample, anchor: str) -> Estimate:
    name, values = f"anchor/{anchor}", _benchmarks(sample, anchor)
    if not values.size or np.isnan(values).any():
        return sample.undefined(name, "not every episode has this anchor")
    method = "mean over the same episodes of the exact expectation, cents"
    found = sample.exact(name, float(values.mean()), method, sample.rows[0].benchmarks[anchor].assumes)
    return found.model_copy(update={"n_distinct": found.clusters})  # theory knows no traces: a number per item


def _number(fact: Any) -> float | None:
    return None if fact is None else float(fact)
