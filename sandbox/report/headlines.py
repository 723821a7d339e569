"""What headlines are made of: verdicts in a word, an agent's values in order, numbers as short as can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.report.document import Document, EstimateEntry, MatrixEntry
from sandbox.store import shares
from sandbox.validity import COMPARABLE

TOP_VALUES = 3


def verdict_of(document: Document, agent: str, check: str) -> str:
    """The word of a verdict; a dash where there is none."""
    found = {verdict.check: verdict.verdict for verdict in document.verdicts if verdict.agent == agent}
    return found.get(check, "-")


def agents_of(document: Document) -> list[str]:
    """Names of the agents under evaluation, in the order in which they first are."""
    return list(dict.fromkeys(share.agent for entry in document.episodes for share in shares(entry)))


def matrix_rows(document: Document, matrix: MatrixEntry) -> Iterator[tuple[str, Mapping[str, EstimateEntry | None]]]:
    """Agent -> the estimate under each heading, None where there is none; agents in the order of their episodes.

    Where agents meet agents, who has a column has a row, too, also without a number: it may have failed in all.
    """
    found: dict[str, dict[str, EstimateEntry]] = {}
    for entry in document.estimates:
        if (entry.scorer, entry.name, entry.variant) == (matrix.scorer, matrix.name, matrix.variant):
            found.setdefault(entry.agent, {})[entry.group] = entry
    places = {agent: place for place, agent in enumerate(agents_of(document))}
    if found:
        found = {agent: {} for agent in places if agent in matrix.columns} | found
    for agent in sorted(found, key=lambda agent: places.get(agent, len(places))):
        cells = {heading: found[agent].get(group) for heading, group in matrix.columns.items()}
        if any(cells.values()) or agent in matrix.columns:
            yield agent, cells


def matrix_title(document: Document, matrix: MatrixEntry) -> str:
    """What a matrix shows, and of how many observations its numbers are: `..., n = 5 to 10 in each`."""
    found = [cell.n for _, cells in matrix_rows(document, matrix) for cell in cells.values() if cell and cell.n]
    if not found:
        return matrix.title
    least, most = min(found), max(found)
    return f"{matrix.title}, n = {least:,}{f' to {most:,}' if most > least else ''} in each"


RANKING = (("values/additive", ""), ("values/litmus", "clean"))
"""Scorers whose estimates rank values, with the variant that does."""


def ranks_values(document: Document) -> bool:
    """Whether any scorer was asked that could rank values."""
    return any(e.scorer == scorer for scorer, _ in RANKING for e in document.estimates)


def ranked(document: Document, agent: str) -> list[EstimateEntry]:
    """The agent's values, greatest first, by additive weights or, where the data cannot tell those, by Elo ratings.

    Empty where its choices do not follow content: nothing is to be ranked then.
    """
    if verdict_of(document, agent, "validity/choice") not in COMPARABLE:
        return []
    for scorer, variant in RANKING:
        rows = [
            e
            for e in document.estimates
            if (e.scorer, e.variant, e.agent, e.group) == (scorer, variant, agent, "")
            and e.estimate is not None
            and e.name[:1].isupper()  # value classes; position, label and act are written small
        ]
        bounded = [row for row in rows if row.low is not None and row.high is not None]
        if len(bounded) > 2 * TOP_VALUES:
            rows = bounded
            return sorted(rows, key=lambda row: -(row.estimate or 0.0))
    return []


def why_no_values(document: Document, agent: str) -> str:
    """What stands where an agent has no ranked values."""
    verdict = verdict_of(document, agent, "validity/choice")
    return f"not ranked: {verdict}" if verdict not in COMPARABLE | {"-"} else "-"


def named(row: EstimateEntry) -> str:
    """An estimate with its name and interval."""
    return f"{row.name} {number(row.estimate)}" + (f" {interval(row)}" if row.low is not None else "")


def interval(row: EstimateEntry) -> str:
    """The 95 % interval; '' where there is none."""
    if row.low is None and row.high is None:
        return ""
    return f"[{number(row.low)}, {number(row.high)}]"


def percent(value: float | None) -> str:
    """A share in whole percent."""
    return "?" if value is None else f"{value:.0%}"


def number(value: float | None) -> str:
    """A number as short as a table needs it."""
    if value is None:
        return "?"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
