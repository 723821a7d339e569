"""The numbers of GLEE for its three families of games, by the names and in the units that its records have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from sandbox.agent import NoConfig
from sandbox.scorer import Card, Estimate, Estimator, Figure, Findings, Matrix, Scorer, Table, Verdict
from sandbox.trace import Episode, trusted
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

SHARED = ("u1", "u2", "efficiency", "fairness", "money_1", "money_2")


SIDES = ("seller", "buyer")


class Family(NamedTuple):
    """A family of games: its sides as facts name them, and why a number is undefined where it is."""

    name: str
    first: str
    second: str
    no_efficiency: str = ""
    no_fairness: str = ""


FAMILIES: Mapping[str, Family] = {
    "games/Bargaining-v": Family("bargaining", "alice", "bob", no_fairness="there was no deal"),
    "games/Negotiation-v": Family("negotiation", *SIDES),
    "games/Persuasion-v": Family(
        "persuasion",
        *SIDES,
        no_efficiency="no product was of high quality",
        no_fairness="no product was of low quality",
    ),
}
"""Beginning of the environment's id -> family."""


class GleeScorer(Scorer[NoConfig], Estimator[NoConfig]):
    """Scores of bargaining, negotiation and persuasion as GLEE has them (Shapira et al. 2024, arXiv:2410.05254).

    From the facts of the traces alone. Sides are 1 (alice, seller) and 2 (bob, buyer); of myopic buyers, all together.

    | score          | bargaining           | negotiation                   | persuasion of T rounds           |
    |----------------|----------------------|-------------------------------|----------------------------------|
    | `u1`           | p d1^(t-1)           | q - s                         | sold / T                         |
    | `u2`           | (1 - p) d2^(t-1)     | b - q                         | (k (v - 1) + bad (c - 1)) / T    |
    | `efficiency`   | u1 + u2              | 1 if a deal came about just where b > s, or b = s; else 0 | k / n |
    | `fairness`     | 1 - 4 (p - 1/2)^2    | 1 - 4 (q - (s + b) / 2)^2     | r / (T - n)                      |
    | `money_1`, `money_2` | utilities in dollars | the same                | totals in dollars                |

    p is alice's share of the offer accepted in round t, d a discount factor; q, s, b the price and the values of seller
    and buyer in units of the base price; n, k the products of high quality and those of them that were bought, bad the
    low ones bought, r the low ones refused, v and c what high and low ones are worth in units of the price.
    Without a deal u1 and u2 are 0, and fairness is undefined in bargaining, 1 in negotiation (whose fairness may be
    negative after a deal). In persuasion efficiency is undefined where n = 0, and fairness where n = T.

    `self_gain` is u1 or u2 of a seat under evaluation (of a myopic buyer, its own round's), `forfeit_rate` the share of
    its decisions without a legal answer. All is undefined, with the reason, in a hypothetical episode and in one that
    a limit or an error ended.

    Estimates are means per agent and family (`group`), further by seat and counterpart and by configuration, where
    these differ; `anchor/NAME` stands beside `self_gain`, in its unit, as in `economy/bargaining`. Intervals: cluster
    bootstrap over configurations and items, or over episodes where there is one configuration only.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[Literal["better", "worse", "neither"]] = "better"
    reads: ClassVar[frozenset[str]] = frozenset()  # facts and outcomes, which are always there

    def score(self, episode: Episode) -> Card:
        """Scores of one game of the three families; an empty card for any other environment."""
        family = family_of(episode.spec.environment)
        if family is None:
            return Card()
        reason = undefined(episode)
        facts = episode.facts
        fairness = family.no_fairness if "fairness" in facts else ""
        efficiency = family.no_efficiency if "efficiency" in facts else ""
        scores = [
            known("u1", facts.get(f"u_{family.first}"), reason),
            known("u2", facts.get(f"u_{family.second}"), reason),
            known("efficiency", facts.get("efficiency"), reason, missing=efficiency),
            known("fairness", facts.get("fairness"), reason, missing=fairness),
            known("money_1", _money(episode, family.first), reason),
            known("money_2", _money(episode, family.second), reason),
        ]
        for seat, rate in zip(episode.spec.evaluated, forfeit_rates(episode, reason), strict=True):
            scores += [known("self_gain", _gain(episode, family, seat), reason, seat), rate]
        return trusted(Card, {"scores": tuple(scores), "marks": ()})

    def estimate(self, table: Table) -> Findings:
        """Means with intervals per agent and family, anchors beside them; warns of all that is left out."""
        lived = [row for row in table.episodes if row.framing == "lived"]
        estimates: list[Estimate] = []
        warnings: list[str] = []
        everywhere: list[Part] = []
        for family in FAMILIES.values():
            rows = [row for row in lived if family_of(row.environment) == family]
            fields = varying(rows)
            played = parts_of(rows, SHARED)
            everywhere += played
            for agent in dict.fromkeys(part.agent for part in played):
                parts = [part for part in played if part.agent == agent]
                names = (*SHARED, "self_gain", "forfeit_rate")
                means = Means("economy/glee", agent, parts, names, SHARED, table, "self_gain", ANCHORS, _factor)
                for group, members in grouped(parts, fields, family.name).items():
                    estimates += means.estimates(group, members)
                warnings += lost(agent, parts, "self_gain", f" of {family.name}")
                warnings += forfeiting(agent, parts, f" of {family.name}")
        families = {one.group: one.group for one in estimates if one.group in {f.name for f in FAMILIES.values()}}
        gains = Matrix(title="its gain, as GLEE counts (columns: the family)", name="self_gain", columns=families)
        return Findings(
            estimates=tuple(estimates),
            verdicts=silent("economy/glee", everywhere),
            warnings=tuple(warnings),
            matrices=(gains,) if families else (),
        )

    def verdicts(self, table: Table) -> tuple[Verdict, ...]:
        """The verdicts alone: no mean is taken."""
        lived = (row for row in table.episodes if family_of(row.environment) and row.framing == "lived")
        return silent("economy/glee", parts_of(lived, ()))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Per family what each agent got beside its anchors, and what came of its games."""
        figures: list[Figure] = []
        for family in FAMILIES.values():
            found = [one for one in findings.estimates if one.group == family.name]
            episodes = one_each(row for row in table.episodes if family_of(row.environment) == family)
            figures += gains(
                f"gain-{family.name}",
                f"What they get in {family.name}, and what could be had",
                found,
                findings,
                {"self_gain": OWN} | WHOSE,
                _UNITS[family.name],
                episodes,
                percent=family.name == "bargaining",
            )
            figures += division(
                f"division-{family.name}",
                f"What comes of their games of {family.name}",
                found,
                findings,
                ("efficiency", "fairness"),
                table.agents,
                "Efficiency and fairness as GLEE defines them, each over the games in which it is defined.",
                episodes,
            )
        return figures


_UNITS = {
    "bargaining": "share of the cake, discounted",
    "negotiation": "surplus, in base prices",
    "persuasion": "payoff per round, in prices",
}


def family_of(environment: str) -> Family | None:
    """The family that an environment belongs to; None for any other game."""
    return next((family for begin, family in FAMILIES.items() if environment.startswith(begin)), None)


def _money(episode: Episode, side: str) -> Any:
    facts = episode.facts
    if f"money_{side}" in facts or side not in ("alice", "bob"):
        return facts.get(f"money_{side}")
    # Traces of bargaining that are older than this scorer have shares alone, and the sum that they are of.
    share, money = facts.get(f"u_{side}"), facts.get("money")
    return None if share is None or money is None else share * money


def _gain(episode: Episode, family: Family, seat: str) -> Any:
    if seat in (family.first, family.second):
        return episode.facts.get(f"u_{seat}")
    # One of many myopic buyers: what its own round brought it, so that their mean is u2.
    return episode.payoffs.get(seat, 0.0) / episode.spec.config["price"]


def _factor(part: Part) -> float:
    """What a benchmark is multiplied by to stand beside `self_gain`: it is in dollars, but for bargaining in shares."""
    environment, config = part.row.environment, part.row.config
    if environment.startswith("games/Bargaining-v"):
        return 1.0
    # A myopic buyer (buyer_7) plays one round, the other sides of persuasion all of them.
    rounds = config["rounds"] if environment.startswith("games/Persuasion-v") and part.seat in SIDES else 1
    return 1 / float(config["price"] * rounds)
