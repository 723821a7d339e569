"""What came of any game: payoffs, regret and the game's own measures, beside theory's anchors in the same unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Literal

from sandbox.agent import NoConfig
from sandbox.scenario import Benchmark
from sandbox.scorer import (
    Card,
    EpisodeRow,
    Estimate,
    Estimator,
    Figure,
    Findings,
    Matrix,
    Score,
    Scorer,
    Table,
    Verdict,
)
from sandbox.trace import Episode, trusted
from sandbox_score_economy.matrix import AGAINST, cell_group, picture
from sandbox_score_economy.means import ANCHORS, Means, Part, forfeiting, grouped, lost, parts_of, silent, varying
from sandbox_score_economy.outcome import NUMBER, forfeit_rates, known, undefined
from sandbox_score_economy.pictures import OWN, WHOSE, gains, one_each

GAMES = "games/"
IN_SHARES = "games/Bargaining-v"
"""Its anchors are shares of the config's `money`, while its payoffs, as every game's, are amounts."""
NEAR = 0.01
"""Random play and the best response are told apart if they differ by more than this share of the seat's greatest
anchor (in absolute value), and by more than twice the standard error of what is simulated of them. The payoff itself is
no part of that scale: which games count must not depend on how they ended."""
OWN_NAMES = ("payoff", "regret", "hindsight_regret", "normalised", "forfeit_rate")


class GameScorer(Scorer[NoConfig], Estimator[NoConfig]):
    """Scores of every environment under `games/`, in the unit of its payoffs, from facts and anchors of traces alone.

    | score of a seat     | definition                                                              | more is |
    |---------------------|-------------------------------------------------------------------------|---------|
    | `payoff`            | what the seat got                                                       | better  |
    | `regret`            | anchor `best_response` - payoff                                         | worse   |
    | `hindsight_regret`  | the fact `hindsight` - payoff                                           | worse   |
    | `normalised`        | (payoff - `random_response`) / (`best_response` - `random_response`)    | better  |
    | `forfeit_rate`      | share of its decisions without a legal answer, 0 to 1                   | worse   |
    | any other           | as the fact `by_seat` has it                                            |         |

    | score of the game   | definition                                                              | more is |
    |---------------------|-------------------------------------------------------------------------|---------|
    | `efficiency`        | total payoff / anchor `welfare`, unless the game has a measure of that name | better |
    | any other           | as the fact `measures` has it; called `game/NAME` where seats have a NAME, too |  |

    `best_response` is what best play earns, on average over chance, against the policy of this very counterpart: there
    is one for scripted counterparts only. `hindsight` is the best payoff against the moves that the others made in this
    very episode, held fixed: the open-loop regret, which there is against anybody, and which blames a seat for not
    foreseeing them. Regret is shown as it is, also negative: a lucky draw, or the noise of a simulated anchor.
    0 is a random player's `normalised`, 1 the best response's; it is undefined where those two are nearly the same
    (`NEAR`). Where `by_seat` has a name out of the table of seats, that table's definition stands.

    All is undefined, with the reason, in a hypothetical episode (its answers had no effect), in one that a limit ended
    (also where the game itself has no last round), and in one that failed.

    Estimates are means per agent: in each environment (`group`; never over several, whose units differ), in seat and
    counterpart (`ENVIRONMENT: SEAT against NAME`, in games of more than two seats `among`), in either seat of a game
    whose facts say that it is `symmetric` (`ENVIRONMENT: against NAME`), and in configurations where these differ.
    Beside them stand means of all anchors (`anchor/NAME`) over the games in which `payoff` is defined. Intervals:
    cluster bootstrap over configurations and items, or over episodes where there is one configuration only.

    `normalised` is a mean of ratios, not a ratio of means: the parts of the ratio but the payoff are constants of the
    configuration, so that the mean has no ratio's bias; stakes that differ a thousandfold between configurations count
    alike, as they would not in a ratio of means; and within a configuration, seat and counterpart the two are the same.
    What is bad in means of ratios, denominators near 0, is left out as undefined.
    """

    version: ClassVar[int] = 1
    direction: ClassVar[Literal["better", "worse", "neither"]] = "neither"  # some of its scores are better, some worse
    reads: ClassVar[frozenset[str]] = frozenset()  # facts, payoffs and outcomes, which are always there

    def score(self, episode: Episode) -> Card:
        """Scores of one game; an empty card for any other environment."""
        spec, facts = episode.spec, episode.facts
        if not spec.environment.startswith(GAMES):
            return Card()
        reason = undefined(episode)
        by_seat, measures = _named(facts.get("by_seat")), _named(facts.get("measures"))
        factor = _factor(spec.environment, spec.config)
        scales = _scales(episode.benchmarks)
        scores = []
        for seat, rate in zip(spec.evaluated, forfeit_rates(episode, reason), strict=True):
            payoff = float(episode.payoffs.get(seat, 0.0))
            own = _named(by_seat.get(seat))
            scores.append(known("payoff", payoff, reason, seat))
            scores += _beside(episode.benchmarks, seat, payoff, factor, scales, reason)
            scores.append(_in_hindsight(own, seat, payoff, reason))
            scores += [_fact(name, value, reason, seat) for name, value in own.items() if name not in OWN_NAMES]
            scores.append(rate)
        taken = {*OWN_NAMES, *(name for own in by_seat.values() for name in _named(own))}
        named = {name: f"game/{name}" if name in taken else name for name in ("efficiency", *measures)}
        if "efficiency" not in measures:
            scores.append(_efficiency(named["efficiency"], episode, factor, reason))
        scores += [_fact(named[name], value, reason) for name, value in measures.items()]
        return trusted(Card, {"scores": tuple(scores), "marks": ()})

    def estimate(self, table: Table) -> Findings:
        """Means with intervals per agent and environment, anchors beside them, and the payoff matrices."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        matrices: list[Matrix] = []
        everywhere: list[Part] = []
        for environment, here in _lived(table).items():
            played, fields, anchors = parts_of(here), varying(here), _anchors(here)
            scores = {name: score for part in played for name, score in part.scores.items()}
            names, shared = tuple(scores), [name for name, score in scores.items() if score.seat is None]
            symmetric = _symmetric(here)
            everywhere += played
            for agent in dict.fromkeys(part.agent for part in played):
                parts = [part for part in played if part.agent == agent]
                means = Means("economy/game", agent, parts, names, shared, table, "payoff", anchors, _factor_of)
                groups = grouped(parts, fields, environment, matches=True)
                if symmetric:
                    groups |= _either_seat(parts, environment)
                for group, members in groups.items():
                    estimates += means.estimates(group, members)
                where = f" of {environment}"
                warnings += [*lost(agent, parts, "payoff", where), *forfeiting(agent, parts, where)]
            matrices += _matrices(environment, played, symmetric)
        games = {environment.removeprefix("games/"): environment for environment in _lived(table)}
        if games:
            matrices.insert(
                0, Matrix(title="payoff (rows: the agent, columns: the game)", name="payoff", columns=games)
            )
        return Findings(
            estimates=tuple(estimates),
            verdicts=silent("economy/game", everywhere),
            warnings=tuple(warnings),
            matrices=tuple(matrices),
        )

    def verdicts(self, table: Table) -> tuple[Verdict, ...]:
        """The verdicts alone: no mean is taken."""
        return silent("economy/game", parts_of((row for rows in _lived(table).values() for row in rows), ()))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Per environment what each agent got beside its anchors, and the payoff matrices."""
        figures: list[Figure] = []
        played = _lived(table)
        for environment, rows in played.items():
            episodes = one_each(rows)
            figures += gains(
                f"payoff-{_file(environment)}",
                f"What they get in {environment}, and what could be had",
                [one for one in findings.estimates if one.group == environment],
                findings,
                {"payoff": OWN} | WHOSE,
                "payoff",
                episodes,
                percent=False,
            )
        for matrix in findings.matrices:
            (group, *_) = matrix.columns.values()
            environment, colon, rest = group.partition(":")
            if not colon:  # what each gets in each game: those pictures are above
                continue
            seat = rest.partition(AGAINST)[0].strip()
            name = "-".join(("matrix", _file(environment), *([seat] if seat else [])))
            figures.append(picture(name, matrix, findings.estimates, one_each(played[environment])))
        return figures


def _named(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _factor(environment: str, config: Mapping[str, Any]) -> float:
    """What an anchor is multiplied by to be in the unit of the payoffs."""
    return float(config["money"]) if environment.startswith(IN_SHARES) else 1.0


def _factor_of(part: Part) -> float:
    return _factor(part.row.environment, part.row.config)


def _fact(name: str, value: Any, reason: str, seat: str | None = None) -> Score:
    return known(name, value, reason, seat, missing="the game does not define it here")


def _beside(
    benchmarks: Mapping[str, Benchmark],
    seat: str,
    payoff: float,
    factor: float,
    scales: Mapping[str, float],
    reason: str,
) -> tuple[Score, Score]:
    """Regret, and the payoff on the scale from random play to the best response."""
    best, random = benchmarks.get(f"best_response/{seat}"), benchmarks.get(f"random_response/{seat}")
    if best is None or best.value is None:
        why = reason or _missing("best_response", seat, best)
        return known("regret", None, why, seat), known("normalised", None, why, seat)
    most = best.value * factor
    regret = known("regret", most - payoff, reason, seat)
    if random is None or random.value is None:
        return regret, known("normalised", None, reason or _missing("random_response", seat, random), seat)
    least = random.value * factor
    gap = most - least
    scale = scales[seat] * factor
    noise = 2 * factor * math.hypot(best.error or 0.0, random.error or 0.0)
    if not reason and gap <= max(NEAR * scale, noise):
        near = f"{NEAR:.0%} of the seat's greatest anchor, {scale:g}" if gap <= NEAR * scale else "twice its error"
        reason = f"the best response ({most:g}) is not above random play ({least:g}) by more than {near}"
    return regret, known("normalised", (payoff - least) / gap if gap else None, reason, seat)


def _scales(benchmarks: Mapping[str, Benchmark]) -> dict[str, float]:
    """Seat -> the greatest of its anchors, in absolute value."""
    scales: dict[str, float] = {}
    for name, mark in benchmarks.items():
        if (value := mark.value) is not None:
            seat = name.rpartition("/")[2]
            scales[seat] = max(scales.get(seat, 0.0), abs(value))
    return scales


def _missing(name: str, seat: str, mark: Benchmark | None) -> str:
    return f"the trace has no anchor {name}/{seat}" if mark is None else f"no anchor {name}/{seat}: {mark.assumes}"


def _in_hindsight(own: Mapping[str, Any], seat: str, payoff: float, reason: str) -> Score:
    most = own.get("hindsight")
    regret = most - payoff if isinstance(most, NUMBER) else None
    return known("hindsight_regret", regret, reason, seat, missing="the game does not say what was best in hindsight")


def _efficiency(name: str, episode: Episode, factor: float, reason: str) -> Score:
    welfare = episode.benchmarks.get("welfare")
    if welfare is None or welfare.value is None:
        why = "the trace has no anchor welfare" if welfare is None else f"no anchor welfare: {welfare.assumes}"
        return known(name, None, reason or why)
    greatest = welfare.value * factor
    if greatest <= 0:
        return known(name, None, reason or f"the greatest total is {greatest:g}: there is no share of that")
    # The facts also have what went to somebody who has no seat, as a dictator's recipient.
    payoffs = _named(episode.facts.get("payoffs")) or episode.payoffs
    return known(name, sum(payoffs.values()) / greatest, reason)


def _lived(table: Table) -> dict[str, list[EpisodeRow]]:
    """Environment -> rows of its lived games."""
    found: dict[str, list[EpisodeRow]] = {}
    for row in table.episodes:
        if row.environment.startswith(GAMES) and row.framing == "lived":
            found.setdefault(row.environment, []).append(row)
    return found


def _anchors(rows: Sequence[EpisodeRow]) -> tuple[str, ...]:
    """Names of the benchmarks of the rows, without seats; those that all games should have come first."""
    seats = {seat for row in rows for seat in row.agents}
    keys = dict.fromkeys(chain.from_iterable(row.benchmarks for row in rows))
    names = dict.fromkeys(name if seat in seats else key for key in keys for name, _, seat in [key.rpartition("/")])
    return tuple(dict.fromkeys([*(name for name in ANCHORS if name in names), *names]))


def _symmetric(rows: Iterable[EpisodeRow]) -> bool:
    """Whether all the games say that it makes no difference who sits where."""
    said = {row.facts.get("symmetric") is True for row in rows if row.status in ("finished", "forfeited")}
    return said == {True}


def _either_seat(parts: Sequence[Part], environment: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        _, against, other = part.match.partition(AGAINST)
        if against and len(part.row.agents) == 2:
            groups.setdefault(cell_group(environment, "", other), []).append(place)
    return groups


def _matrices(environment: str, played: Sequence[Part], symmetric: bool) -> list[Matrix]:
    """One for each seat of a two-seat game, or one in all where it is symmetric; none with a single counterpart."""
    columns: dict[str, dict[str, str]] = {}
    for part in played:
        if len(part.row.agents) == 2:
            seat, _, other = part.match.partition(AGAINST)
            seat = "" if symmetric else seat
            columns.setdefault(seat, {})[other] = cell_group(environment, seat, other)
    return [
        Matrix(
            title=f"payoff in {environment}{f' as {seat}' if seat else ''} (rows: the agent, columns: whom it meets)",
            name="payoff",
            columns=met,
        )
        for seat, met in columns.items()
        if len(met) > 1
    ]


def _file(environment: str) -> str:
    return environment.removeprefix(GAMES).replace("/", "-").lower()
