"""Results as tables for a terminal: verdicts first, then what each agent values, risks and earns."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sandbox.report.document import Document, EstimateEntry
from sandbox.report.doubts import doubt
from sandbox.report.headlines import (
    TOP_VALUES,
    agents_of,
    interval,
    matrix_rows,
    matrix_title,
    named,
    number,
    percent,
    ranked,
    ranks_values,
    verdict_of,
    why_no_values,
)
from sandbox.store import shares
from sandbox.text import display, display_line


@dataclass(frozen=True)
class Headline:
    """A row of the summary: an estimate over everything, or over one environment."""

    title: str
    scorer: str
    name: str
    variant: str = ""
    group: str = ""
    rate: bool = True


HEADLINES = (
    Headline("takes risks as it says", "risk/say_do", "agreement", variant="risk"),
    Headline("  by its rates alone", "risk/say_do", "baseline", variant="risk"),
    Headline("  says safe, does risky: net", "risk/say_do", "asymmetry"),
    Headline("its values tell its risks", "values/link", "gain", rate=False),
    Headline("  slope (1: as its values say)", "values/link", "slope", rate=False),
    Headline("bargaining gain", "economy/bargaining", "self_gain"),
    Headline("shop regret (random = 1)", "market/regret", "relative_regret", rate=False),
)
SHOPS = (
    Headline("buys what is wrong", "market/rationality", "failure"),
    Headline("does what planted texts say", "risk/injection", "success"),
    Headline("money lost, cents", "risk/overspend", "money_lost", rate=False),
    Headline("place decides (1: alone)", "market/position", "effect", rate=False),
    Headline("share won by a new listing", "market/share", "target_change"),
)
"""One row each for every group and variant that there is; they have more to say than that."""
LEVELS = 8  # such rows of a scorer; more of them are no summary
ON_TOP = ("values/additive", "values/litmus", "validity/choice")  # shown in other ways
NOTES = 12  # warnings shown; --json has them all
ACROSS = 4  # agents side by side, at most
WIDTH = 80  # of a terminal, where they are to be read


def print_results(document: Document, store: str = "") -> None:
    """The summary per agent, then the commands that say more (`store`: their --store), then warnings."""
    console = Console()
    for table in (*summary(document), *matrices(document)):
        console.print(table)
        console.print()
    shown = {*(headline.scorer for headline in HEADLINES if _said(document, headline)), "risk/power", *ON_TOP}
    words = ["sandbox", "score", *([document.experiment.name] if document.experiment else [])]
    where = ["--store", store] if store else []
    for scorer in dict.fromkeys(e.scorer for e in document.estimates):
        if scorer not in shown:
            command = shlex.join([*words, "--scorer", scorer, *where])
            console.print(Text(display_line(f"more: {command}")), soft_wrap=True)
    counts = ", ".join(f"{number} {name}" for name, number in document.counts.items())
    episodes = len(document.episodes)
    console.print(Text(f"{episodes} episode{'' if episodes == 1 else 's'}; counts: {counts}"))
    for warning in document.warnings[:NOTES]:
        console.print(Text(display(f"note: {warning}")))
    if len(document.warnings) > NOTES:
        console.print(Text(f"... and {len(document.warnings) - NOTES} more (--json has them all)"))


def print_estimates(document: Document) -> None:
    """Every estimate: a table per scorer and agent, without the columns that say nothing there."""
    console = Console()
    tables: dict[tuple[str, str], list[EstimateEntry]] = {}
    for estimate in document.estimates:
        tables.setdefault((estimate.scorer, estimate.agent), []).append(estimate)
    for (scorer, agent), rows in tables.items():
        groups = dict.fromkeys(row.group for row in rows)
        columns: dict[str, Sequence[object]] = {
            "group": [row.group for row in rows] if len(groups) > 1 else [],
            "name": [row.name for row in rows],
            "variant": [row.variant for row in rows] if any(row.variant for row in rows) else [],
            "estimate": [number(row.estimate) if row.estimate is not None else row.reason for row in rows],
            "95% interval": [interval(row) for row in rows],
            "n": [row.n for row in rows],
            "distinct": [row.n_distinct for row in rows],
        }
        columns = {name: cells for name, cells in columns.items() if cells}
        table = _table(", ".join(filter(None, [f"{scorer}: {agent}", *(groups if len(groups) == 1 else ())])), *columns)
        for column, (name, cells) in zip(table.columns, columns.items(), strict=True):
            # Names are to be typed or searched for; what is long is a group, or a reason for no estimate.
            if name != "group" and not (name == "estimate" and any(row.estimate is None for row in rows)):
                column.no_wrap = True
                column.min_width = max(len(display(cell)) for cell in (name, *cells))
        for cells in zip(*columns.values(), strict=True):
            table.add_row(*_cells(*cells))
        wide = console.options.update(max_width=10_000)
        least = Measurement.get(console, wide, table).minimum
        console.print(table, width=max(console.width, least), crop=False)  # too long a line is better than a cut one
    for table in matrices(document):
        console.print(table)
    for verdict in document.verdicts:
        console.print(Text(display(f"{verdict.agent}: {verdict.check}: {verdict.verdict}. {verdict.reason}")))
    for warning in document.warnings:
        console.print(Text(display(f"note: {warning}")))


def summary(document: Document) -> list[Table]:
    """What each agent did, a column per agent; and what it values most and least."""
    agents = agents_of(document)
    tables = []
    for block in _blocks(agents):
        overview = _table("What they did", "", *block)
        overview.add_row(*_cells("validity", *(verdict_of(document, agent, "validity/choice") for agent in block)))
        capable = [verdict_of(document, agent, "capability") for agent in block]
        if any(verdict != "-" for verdict in capable):  # whether a low risk may be called safety
            overview.add_row(*_cells("risk is", *capable))
        for headline in (*_of_risk(document), *HEADLINES, *_of_shops(document)):
            cells = [_headline(document, agent, headline) for agent in block]
            if any(cell != "-" for cell in cells):
                overview.add_row(*_cells(headline.title, *cells))
        overview.add_row(*_cells("no legal answer", *(_invalid(document, agent) for agent in block)))
        tables.append(overview)
    if not ranks_values(document):
        return tables
    values = _table("What they value (weights in log odds, or Elo ratings around 1000)", "agent", "most", "least")
    for agent in agents:
        ordered = ranked(document, agent)
        bottom = ordered[TOP_VALUES:][::-1][:TOP_VALUES]
        most = [named(row) for row in ordered[:TOP_VALUES]] or [why_no_values(document, agent)]
        least = [named(row) for row in bottom]
        values.add_row(*_cells(agent, "\n".join(most), "\n".join(least)))
    return [*tables, values]


def matrices(document: Document) -> list[Table]:
    """The matrices that scorers offer: a row per agent, a column per group, each number with its interval."""
    tables = []
    for matrix in document.matrices:
        title = f"{matrix_title(document, matrix)} ({matrix.scorer})"
        for headings in _blocks(list(matrix.columns)):
            table = _table(title, "", *headings)
            doubts = []
            for agent, cells in matrix_rows(document, matrix):
                some = [cells[heading] for heading in headings]
                if agent not in matrix.columns and all(entry is None or entry.estimate is None for entry in some):
                    continue
                words = doubt(document.verdicts, agent, matrix.scorer)
                doubts += [f"{agent}: {words}"] if words else []
                table.add_row(*_cells(agent + (" †" if words else ""), *(_cell(entry) for entry in some)))
            if doubts:
                table.caption = Text(display_line(f"† not to be taken at its word: {'; '.join(doubts)}"))
            if table.row_count:
                tables.append(table)
    return tables


def _blocks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Names that head the columns of one table: as many as have room for their longest word, which is never broken."""
    longest = max((len(display(word)) for name in names for word in name.split()), default=0)
    across = next((some for some in range(ACROSS, 1, -1) if longest <= WIDTH // (some + 1) - 3), 1)
    return (names[start : start + across] for start in range(0, len(names), across))


def _cell(entry: EstimateEntry | None) -> str:
    if entry is None or entry.estimate is None:
        return "-"
    return f"{number(entry.estimate)}\n{interval(entry)}".rstrip()  # on two lines, so that four fit 80 columns


def _of_risk(document: Document) -> Iterator[Headline]:
    """Risk in each environment that has any, and the task done without one; `power/OffSwitch-v0` is the off switch."""
    met = dict.fromkeys(e.group for e in document.estimates if (e.scorer, e.name) == ("risk/power", "risk"))
    for group in met:
        place, _, name = group.rpartition("/")
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rpartition("-v")[0]).lower()
        yield Headline(f"risk: {place if place == 'dilemmas' else words}", "risk/power", "risk", group=group)
        yield Headline("  done safely", "risk/power", "safe_completion", group=group)


def _of_shops(document: Document) -> Iterator[Headline]:
    """What shops are about, for each group and variant; regret in cents where there is no relative one."""
    if not _said(document, next(headline for headline in HEADLINES if headline.scorer == "market/regret")):
        yield Headline("shop regret, cents", "market/regret", "regret", rate=False)
    for headline in SHOPS:
        found = [
            (e.group, e.variant)
            for e in document.estimates
            if (e.scorer, e.name) == (headline.scorer, headline.name) and e.variant != "published"
        ]
        groups = dict.fromkeys(group for group, _ in found)
        # Not the levels of a suite, and not each market where all of them are taken together.
        whole = [""] if "" in groups else [group for group in groups if ": " not in group]
        rows = [one for one in dict.fromkeys(found) if one[0] in whole]
        for group, variant in rows if len(rows) <= LEVELS else ():
            place = group if len(whole) > 1 or headline.scorer == "market/rationality" else ""
            arm = "in the plain shop" if variant == "none" else variant
            title = ": ".join(filter(None, (headline.title, place, arm)))
            yield Headline(title, headline.scorer, headline.name, variant, group, headline.rate)


def _said(document: Document, headline: Headline) -> bool:
    """Whether any agent has the estimate."""
    wanted = (headline.scorer, headline.name, headline.variant, headline.group)
    return any((e.scorer, e.name, e.variant, e.group) == wanted for e in document.estimates if e.estimate is not None)


def _headline(document: Document, agent: str, headline: Headline) -> str:
    wanted = (headline.scorer, agent, headline.name, headline.variant, headline.group)
    found = [e for e in document.estimates if (e.scorer, e.agent, e.name, e.variant, e.group) == wanted]
    if not found or found[0].estimate is None:
        return "-"
    show = percent if headline.rate else number
    low, high = found[0].low, found[0].high
    return show(found[0].estimate) + (f" [{show(low)}, {show(high)}]" if low is not None and high is not None else "")


def _invalid(document: Document, agent: str) -> str:
    """Share of episodes in which a decision of the agent's was no legal answer."""
    mine = [share for entry in document.episodes if entry.steps for share in shares(entry) if share.agent == agent]
    bad = [e for e in mine if any(e.counts.get(name) for name in ("invalid", "unparsed", "refusal"))]
    return f"{len(bad) / len(mine):.0%}" if mine else "-"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(display_line(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(display_line(column)), overflow="fold")
    return table


def _cells(*values: object) -> Sequence[Text]:
    return [Text(display(value)) for value in values]
