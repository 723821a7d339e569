"""The payoff matrix of two-seat games: who got how much against whom, out of the estimates of `economy/game`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from sandbox.figures import matrix as grid
from sandbox.figures import matrix_size
from sandbox.scorer import Estimate, Figure, Matrix

AGAINST = " against "
"""Between a seat and the agent in the other seat, in the names of groups."""


def cell_group(environment: str, seat: str, other: str) -> str:
    """The group of an agent's games in `seat` ('': in either) against `other`."""
    return f"{environment}: {seat}{AGAINST}{other}" if seat else f"{environment}:{AGAINST}{other}"


@dataclass(frozen=True)
class PayoffMatrix:
    """Mean payoffs of the row's agent against the column's.

    Attributes:
        rows: agents under evaluation.
        columns: the agents that they met.
        cells: by row and column, the estimate with its interval; None where the two never met.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Estimate | None, ...], ...]


def payoff_matrix(
    estimates: Iterable[Estimate], environment: str, seat: str = "", name: str = "payoff"
) -> PayoffMatrix:
    """What the agents in `seat` of a two-seat environment got against each counterpart.

    Args:
        estimates: those of `economy/game`.
        environment: its id.
        seat: the seat of the row's agent; '' for means over both seats, which symmetric games have.
        name: another estimate in the place of the payoff, such as `normalised` or `regret`.
    """
    begin = cell_group(environment, seat, "")
    found: dict[str, dict[str, Estimate]] = {}
    for one in estimates:
        if one.name == name and one.group.startswith(begin):
            found.setdefault(one.agent, {})[one.group.removeprefix(begin)] = one
    columns = tuple(dict.fromkeys(other for met in found.values() for other in met))
    cells = tuple(tuple(met.get(other) for other in columns) for met in found.values())
    return PayoffMatrix(tuple(found), columns, cells)


def picture(name: str, matrix: Matrix, estimates: Iterable[Estimate], episodes: tuple[str, ...]) -> Figure:
    """A matrix of estimates as a figure: below each number its interval; shaded from the least to the greatest."""
    found = {(one.agent, one.group): one for one in estimates if one.name == matrix.name}
    agents = tuple(dict.fromkeys(agent for agent, group in found if group in matrix.columns.values()))
    cells = [[found.get((agent, group)) for group in matrix.columns.values()] for agent in agents]
    numbers = [[None if one is None else one.estimate for one in line] for line in cells]
    notes = [[_interval(one) for one in line] for line in cells]
    ends = [number for line in numbers for number in line if number is not None]
    columns = tuple(matrix.columns)
    draw = partial(
        grid,
        cells=numbers,
        rows=agents,
        columns=columns,
        notes=notes,
        low=min(ends, default=0.0),
        high=max(ends, default=1.0),
        xlabel="whom it meets",
        ylabel="the agent",
    )
    caption = "Mean payoffs of the row's agent, with 95 % intervals; there is none where all games were the same."
    return Figure(name, matrix.title, draw, caption, episodes, matrix_size(agents, columns, notes=True))


def _interval(one: Estimate | None) -> str:
    return "" if one is None or one.low is None or one.high is None else f"{one.low:.3g} to {one.high:.3g}"
