"""What theory says of matrix games: all equilibria, security levels, and the best answer to a known strategy.

All values are points, summed over the rounds: the unit of `payoffs`. Payoffs count as the decimals that they are
written as, and equilibria are exact fractions.

Sources: Nash, "Non-cooperative games", Annals of Mathematics 54 (1951); von Stengel, "Equilibrium computation for
two-player games in strategic and extensive form", in Algorithmic Game Theory (2007), algorithm 3.5 and theorem 3.2, for
equilibria as pairs of vertices; Benoit & Krishna, "Finitely repeated games", Econometrica 53 (1985), for repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb

from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.anchors import response_anchors, unmet
from sandbox_env_games.matrix import OTHER, SEATS, Matrix, MatrixConfig, Names, Payoffs
from sandbox_env_games.strategies import AGENT, Machine, StrategyConfig, machine

MOST_SYSTEMS = 1000
"""Systems of equations that are solved to find a polytope's vertices: enough for six actions against six."""


Rows = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Equilibrium:
    """A Nash equilibrium: the probability of each action of players 1 and 2, and what it pays them."""

    mixes: tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
    payoffs: tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Equilibria:
    """The equilibria of a bimatrix game.

    Attributes:
        found: all of them; of a degenerate game the extreme ones, of which all others are mixtures. Payoffs of all
            others lie between theirs.
        degenerate: some mixed strategy has more pure best responses than actions in it, so that there may be
            infinitely many equilibria.
    """

    found: tuple[Equilibrium, ...]
    degenerate: bool


@lru_cache(maxsize=256)
def equilibria(payoffs: Payoffs) -> Equilibria | None:
    """All equilibria of a game, by vertex enumeration; None where that takes more than `MOST_SYSTEMS` systems.

    Each player's mixes against which the other gets at most 1 (payoffs shifted to be positive) form a polytope; a
    pair of its vertices is an equilibrium when every action is either not played or a best response.
    """
    rows, columns = len(payoffs), len(payoffs[0])
    if comb(rows + columns, rows) > MOST_SYSTEMS:
        return None
    first = tuple(tuple(_exact(pair[0]) for pair in row) for row in payoffs)
    second = tuple(tuple(_exact(row[j][1]) for row in payoffs) for j in range(columns))
    ones = _vertices(_positive(second), rows)  # of player 1: its own actions first, then the other's
    others = [
        (mix, frozenset((label + rows) % (rows + columns) for label in labels))
        for mix, labels in _vertices(_positive(first), columns)
    ]
    everything = frozenset(range(rows + columns))
    pairs = [(x, y) for x, mine in ones for y, theirs in others if mine | theirs == everything]
    found = tuple(Equilibrium((x, y), (_paid(first, x, y), _paid(second, y, x))) for x, y in pairs)
    degenerate = any(len(labels) > rows for _, labels in ones) or any(len(labels) > columns for _, labels in others)
    return Equilibria(found, degenerate)


def security(payoffs: Payoffs, own: int) -> Fraction | None:
    """What player `own` (0 or 1) can be held down to: its minmax value in mixed strategies (von Neumann 1928).

    None where the game is too large (see `equilibria`).
    """
    sign = 1 if own == 0 else -1
    against = tuple(tuple((sign * pair[own], -sign * pair[own]) for pair in row) for row in payoffs)
    known = equilibria(against)
    return None if known is None else known.found[0].payoffs[own]


def answer(
    payoffs: Payoffs, own: int, rounds: int, plays: Machine, take: Callable[[Sequence[float]], float] = max
) -> float:
    """The expected payoff of player `own` in `rounds` rounds against a machine, by dynamic programming over its states.

    Args:
        payoffs: two actions for each player, the first being the machine's cooperation.
        own: 0 or 1; the machine is the other player.
        rounds: how many.
        plays: the other player.
        take: what becomes of the values of the player's two actions: the greatest, or their mean for random play.
    """
    values = [0.0] * len(plays.cooperates)
    for _ in range(rounds):
        values = [
            take([_expected(payoffs, own, plays, state, act, values) for act in range(2)])
            for state in range(len(values))
        ]
    return values[0]


def _expected(payoffs: Payoffs, own: int, plays: Machine, state: int, act: int, values: Sequence[float]) -> float:
    total = 0.0
    for theirs, chance in enumerate((plays.cooperates[state], 1 - plays.cooperates[state])):
        if chance:
            paid = payoffs[act][theirs][0] if own == 0 else payoffs[theirs][act][1]
            total += chance * (paid + values[plays.after[state][2 * theirs + act]])
    return total


def benchmarks(
    game: Matrix, config: MatrixConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors per seat, named `equilibrium/player_1` and so on, and `welfare`; points, summed over the rounds."""
    payoffs, rounds = config.table.payoffs, config.rounds
    cells = [pair for row in payoffs for pair in row]
    found = {
        "welfare": Benchmark(
            value=float(rounds * max(sum(pair) for pair in cells)),
            assumes="the greatest total of both players, the same cell of the table in every round",
        )
    }
    for own, seat in enumerate(SEATS):
        held = security(payoffs, own)
        found[f"disagreement/{seat}"] = Benchmark(
            value=None if held is None else float(rounds * held),
            assumes="the player's minmax value in mixed strategies, in every round (von Neumann 1928)"
            if held is not None
            else "not computed: there are too many actions",
        )
        found[f"random/{seat}"] = Benchmark(
            value=rounds * sum(pair[own] for pair in cells) / len(cells),
            assumes="both players take each action equally often; exact",
        )
    return found | _equilibrium(config) | _against(game, config, item, counterparts)


def _equilibrium(config: MatrixConfig) -> dict[str, Benchmark]:
    known = equilibria(config.table.payoffs)
    reason = None
    if not config.horizon_told:
        reason = "the players do not know the number of rounds, and no beliefs about it are given"
    elif known is None:
        reason = "not computed: there are too many actions"
    if reason or known is None:
        return {f"equilibrium/{seat}": Benchmark(value=None, assumes=str(reason)) for seat in SEATS}
    low, high = ([pick(one.payoffs[own] for one in known.found) for own in range(2)] for pick in (min, max))
    repeated = "" if config.rounds == 1 else ", repeated in every round"
    listed = "; ".join(_words(one, config.table.actions) for one in known.found[:9])
    several = f"{len(known.found)} equilibria{repeated}: {listed}" + ("; and more" if len(known.found) > 9 else "")
    if known.degenerate:
        several += "; the game is degenerate: these are the extreme ones, and there may be infinitely many others"
    if low == high:
        one = f"the only equilibrium{repeated}: {listed}" if len(known.found) == 1 else f"each of {several}"
        if config.rounds > 1:
            one += "; the only payoff in a subgame-perfect equilibrium of the repeated game (Benoit & Krishna 1985)"
        return {
            f"equilibrium/{seat}": Benchmark(value=float(config.rounds * low[own]), assumes=one)
            for own, seat in enumerate(SEATS)
        }
    if config.rounds > 1:
        several += "; subgame-perfect equilibria that change with what was played may pay more or less"
    best = next((one for one in known.found if list(one.payoffs) == high), None)
    found = {}
    for own, seat in enumerate(SEATS):
        found[f"equilibrium/{seat}"] = Benchmark(
            value=None if best is None else float(config.rounds * high[own]),
            assumes=f"no equilibrium is best for both players; {several}"
            if best is None
            else f"the payoff-dominant equilibrium (Harsanyi & Selten 1988), {_words(best, config.table.actions)}, "
            f"of {several}",
        )
        for name, ends in (("equilibrium_low", low), ("equilibrium_high", high)):
            found[f"{name}/{seat}"] = Benchmark(value=float(config.rounds * ends[own]), assumes=several)
    return found


def _words(one: Equilibrium, actions: Names) -> str:
    sides = (
        " + ".join(f"{'' if part == 1 else f'{part} '}{name}" for name, part in zip(names, mix, strict=True) if part)
        for names, mix in zip(actions, one.mixes, strict=True)
    )
    return f"({', '.join(sides)})"


def _against(
    game: Matrix, config: MatrixConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    found: dict[str, Benchmark] = {}
    for own, seat in enumerate(SEATS):
        names = f"best_response/{seat}", f"random_response/{seat}"
        if undefined := unmet(seat, SEATS, counterparts):
            found |= undefined
            continue
        other = OTHER[seat]
        policy = counterparts[other]
        plays = strategy_of(policy, config)
        if plays is None:
            found |= response_anchors(game, config, item, seat, {other: policy}, len(config.table.actions[own]))
            continue
        payoffs = config.table.payoffs
        found[names[0]] = Benchmark(
            value=answer(payoffs, own, config.rounds, plays),
            assumes="best play against this very strategy, expected, by dynamic programming over its states; exact",
        )
        found[names[1]] = Benchmark(
            value=answer(payoffs, own, config.rounds, plays, take=lambda values: sum(values) / len(values)),
            assumes="random play against this very strategy, expected, by dynamic programming over its states; exact",
        )
    return found


def strategy_of(policy: Policy, config: MatrixConfig) -> Machine | None:
    """The machine that a counterpart is, where it is one of ours."""
    agent = getattr(policy, "agent", None)
    if agent is None or agent.id != AGENT:
        return None
    return machine(StrategyConfig.model_validate(dict(agent.config)).plays, config.table.payoffs)


def _exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def _positive(rows: Rows) -> Rows:
    least = min(min(row) for row in rows)
    return tuple(tuple(value - least + 1 for value in row) for row in rows)


def _paid(rows: Rows, own: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    values = (
        mine * theirs * value
        for mine, row in zip(own, rows, strict=True)
        for theirs, value in zip(other, row, strict=True)
    )
    return sum(values, Fraction(0))


def _vertices(rows: Rows, count: int) -> list[tuple[tuple[Fraction, ...], frozenset[int]]]:
    """The vertices but 0 of {x >= 0, rows x <= 1}, scaled to probabilities, each with the constraints that are tight.

    Constraint i < `count` is x_i >= 0, and `count` + j is row j.
    """
    zero, one = Fraction(0), Fraction(1)
    unit = [tuple(one if i == j else zero for j in range(count)) for i in range(count)]
    limits = [(row, zero) for row in unit] + [(row, one) for row in rows]
    found: dict[tuple[Fraction, ...], frozenset[int]] = {}
    for chosen in combinations(range(len(limits)), count):
        x = _solved([(*limits[label][0], limits[label][1]) for label in chosen])
        if x is None or x in found or not any(x) or min(x) < 0:
            continue
        values = [_dot(row, x) for row in rows]
        if max(values) > 1:
            continue
        tight = [i for i, part in enumerate(x) if not part] + [count + j for j, v in enumerate(values) if v == 1]
        found[x] = frozenset(tight)
    return [(tuple(part / sum(x) for part in x), labels) for x, labels in found.items()]


def _dot(row: Sequence[Fraction], x: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0))


def _solved(system: list[tuple[Fraction, ...]]) -> tuple[Fraction, ...] | None:
    """The one solution of a square system whose last column is the right-hand side; None where there is not one."""
    rows = [list(row) for row in system]
    count = len(rows)
    for column in range(count):
        pivot = next((at for at in range(column, count) if rows[at][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = rows[column][column]
        rows[column] = [value / scale for value in rows[column]]
        for at in range(count):
            if at != column and rows[at][column]:
                factor = rows[at][column]
                rows[at] = [a - factor * b for a, b in zip(rows[at], rows[column], strict=True)]
    return tuple(row[-1] for row in rows)
