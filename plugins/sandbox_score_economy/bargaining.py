"""Outcomes of bargaining: what each side got, what was lost, how evenly it was divided, beside raw anchors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from sandbox.agent import NoConfig
from sandbox.scorer import Card, Estimate, Estimator, Figure, Findings, Mark, Scorer, Table
from sandbox.trace import NO_ANSWER, Episode
from sandbox_score_economy.means import (
    ANCHORS,
    Means,
    Part,
    forfeiting,
    grouped,
    lost,
    parts_of,
    silent,
    varying,
)
from sandbox_score_economy.outcome import forfeit_rates, known, undefined
from sandbox_score_economy.pictures import OWN, WHOSE, division, gains, one_each

BARGAINING = "games/Bargaining-v"
SHARED = ("u_alice", "u_bob", "efficiency", "fairness", "deal")


class BargainingScorer(Scorer[NoConfig], Estimator[NoConfig]):
    """Scores of `games/Bargaining` as GLEE defines them (Shapira et al. 2024, arXiv:2410.05254), from facts alone.

    With p alice's share of the offer accepted in round t:

    | score               | definition                         | range    | without a deal |
    |---------------------|------------------------------------|----------|----------------|
    | `u_alice`           | p d_alice^(t-1)                    | [0, 1]   | 0              |
    | `u_bob`             | (1 - p) d_bob^(t-1)                | [0, 1]   | 0              |
    | `efficiency`        | u_alice + u_bob                    | [0, 1]   | 0              |
    | `fairness`          | 1 - 4 (p - 1/2)^2                  | [0, 1]   | undefined      |
    | `deal`              | 1 if there was one                 | 0, 1     | 0              |
    | `self_gain`         | u of a seat under evaluation       | [0, 1]   | 0              |
    | `forfeit_rate`      | share of its decisions without a legal answer (less is better) | [0, 1] |  |

    Undefined, with the reason, in a hypothetical episode (its answers had no effect) and in one that a limit or an
    error ended. An agent that never gives a legal answer makes no deal: 0, and the verdict `not assessable`.

    Estimates per agent are means over its episodes, and `anchor/NAME` is the mean of that benchmark over the very
    episodes and seats that `self_gain` is about: raw, since an equilibrium is no ceiling (against a random bargainer
    far more is to be had). An anchor that is undefined in any of them is undefined. Intervals: cluster bootstrap over
    configurations and items, or over episodes where there is one configuration only. Groups: seat and counterpart,
    and configurations, where these differ.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[Literal["better", "worse", "neither"]] = "better"
    reads: ClassVar[frozenset[str]] = frozenset()  # facts, outcomes and moves applied, which are always there

    def score(self, episode: Episode) -> Card:
        """Scores of one bargaining episode; an empty card for any other environment."""
        if not episode.spec.environment.startswith(BARGAINING):
            return Card()
        reason = undefined(episode)
        facts = episode.facts
        without = "" if facts.get("deal") else "there was no deal"
        scores = [
            known("u_alice", facts.get("u_alice"), reason, "alice"),
            known("u_bob", facts.get("u_bob"), reason, "bob"),
            known("efficiency", facts.get("efficiency"), reason),
            known("fairness", facts.get("fairness"), reason, missing=without),
            known("deal", facts.get("deal"), reason),
        ]
        for seat, rate in zip(episode.spec.evaluated, forfeit_rates(episode, reason), strict=True):
            scores += [known("self_gain", facts.get(f"u_{seat}"), reason, seat), rate]
        return Card(scores=tuple(scores), marks=tuple(_marks(episode)))

    def estimate(self, table: Table) -> Findings:
        """Means with intervals per agent, in all and by group, anchors beside them; warns of all that is left out."""
        rows = [row for row in table.episodes if row.environment.startswith(BARGAINING) and row.framing == "lived"]
        played = parts_of(rows, SHARED)
        fields = varying(rows)
        estimates: list[Estimate] = []
        warnings: list[str] = []
        for agent in dict.fromkeys(part.agent for part in played):
            parts = [part for part in played if part.agent == agent]
            means = Means(
                "economy/bargaining",
                agent,
                parts,
                (*SHARED, "self_gain", "forfeit_rate"),
                SHARED,
                table,
                "self_gain",
                ANCHORS,
                lambda part: 1.0,
            )
            for group, members in grouped(parts, fields).items():
                estimates += means.estimates(group, members)
            warnings += _warnings(agent, parts)
        verdicts = silent("economy/bargaining", played)
        return Findings(estimates=tuple(estimates), verdicts=verdicts, warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """What each agent got beside its anchors, and what came of its games."""
        found = [one for one in findings.estimates if one.group == ""]
        episodes = one_each(row for row in table.episodes if row.environment.startswith(BARGAINING))
        return [
            *gains(
                "gain",
                "What they get in bargaining, and what could be had",
                found,
                findings,
                {"self_gain": OWN, "anchor/random": "a random player"}
                | {name: whose for name, whose in WHOSE.items() if name != "anchor/random_response"},
                "share of the cake, discounted",
                episodes,
                percent=True,
            ),
            *division(
                "division",
                "What comes of their games",
                found,
                findings,
                ("efficiency", "fairness", "deal"),
                table.agents,
                "Efficiency: what both sides get together. Fairness: 100 % for equal shares, of games with a deal.",
                episodes,
            ),
        ]


def _marks(episode: Episode) -> Iterable[Mark]:
    for step in episode.steps:
        if step.outcome in NO_ANSWER:
            yield Mark(step=step.index, name="forfeit", note=f"{step.seat} gave no legal answer: {step.outcome}")
        elif episode.lived and step.applied.get("kind") == "accept":
            yield Mark(step=step.index, name="deal", note=f"{step.seat} accepts")


def _warnings(agent: str, parts: Sequence[Part]) -> Iterable[str]:
    yield from lost(agent, parts, "self_gain")
    without = sum(part.value("deal") == 0 and part.value("fairness") is None for part in parts)
    if without:
        yield f"{agent}: {without} of {len(parts)} games without a deal count 0, and have no fairness"
    yield from forfeiting(agent, parts)
