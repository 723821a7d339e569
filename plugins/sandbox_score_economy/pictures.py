"""The figures of the economy scorers: what agents get beside their anchors, and what comes of their games."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from sandbox.figures import Dot, dots, dots_size
from sandbox.scorer import EpisodeRow, Estimate, Figure, Findings

ANCHOR = "anchor/"
OWN = "the agent"
WHOSE = {
    "anchor/random_response": "a random player",
    "anchor/equilibrium": "in equilibrium",
    "anchor/best_response": "the best response",
}
"""Estimate -> whose number it is; the agent's own stands before them."""
NO_CEILING = (
    "Means over the same games, with 95 % intervals for the agent's own. The equilibrium is no ceiling: "
    "the best response to this counterpart may get more."
)


def gains(
    name: str,
    title: str,
    found: Iterable[Estimate],
    findings: Findings,
    whose: Mapping[str, str],
    xlabel: str,
    episodes: tuple[str, ...],
    *,
    percent: bool,
) -> list[Figure]:
    """A row per agent: its own mean and its anchors, those of `found` that `whose` names; none of nothing."""
    dotted = [_dot(one, one.agent, whose[one.name], findings) for one in found if _shown(one, whose)]
    if not dotted:
        return []
    draw = partial(dots, rows=dotted, xlabel=xlabel, percent=percent, groups=tuple(whose.values()))
    return [Figure(name, title, draw, NO_CEILING, episodes, dots_size(dotted))]


def division(
    name: str,
    title: str,
    found: Iterable[Estimate],
    findings: Findings,
    names: Sequence[str],
    agents: Sequence[str],
    caption: str,
    episodes: tuple[str, ...],
) -> list[Figure]:
    """A row per share that comes of the games, a dot per agent, out of the estimates `found`; none of nothing."""
    dotted = [_dot(one, one.name, one.agent, findings) for one in found if _shown(one, names)]
    if not dotted:
        return []
    draw = partial(dots, rows=dotted, xlabel="mean over games", percent=True, groups=agents)
    return [Figure(name, title, draw, caption, episodes, dots_size(dotted))]


def one_each(rows: Iterable[EpisodeRow]) -> tuple[str, ...]:
    """Ids of the first episode of each agent."""
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.agent, row.id)
    return tuple(first.values())


def _shown(one: Estimate, names: Iterable[str]) -> bool:
    return one.name in names and one.estimate is not None


def _dot(one: Estimate, label: str, group: str, findings: Findings) -> Dot:
    doubts = {verdict.agent: verdict.verdict for verdict in findings.verdicts}
    note = "" if one.name.startswith(ANCHOR) else doubts.get(one.agent, "")
    return Dot(label, one.estimate, one.low, one.high, group, note)
