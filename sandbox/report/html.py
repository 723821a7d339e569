"""The report: one HTML file that opens offline, verdicts first, with every number and the episodes behind each figure.

All text in it came from models, pages and plugins: every cell goes through `escape_html`, and the page's own policy
forbids scripts and whatever would be loaded. The same results give the same bytes.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.report import pictures
from sandbox.report.document import Document, EpisodeEntry, EstimateEntry, MatrixEntry
from sandbox.report.doubts import SOUND, doubt, doubted
from sandbox.report.gallery import EACH, Exhibit
from sandbox.report.headlines import (
    TOP_VALUES,
    agents_of,
    matrix_rows,
    matrix_title,
    named,
    number,
    percent,
    ranked,
    ranks_values,
    why_no_values,
)
from sandbox.scorer import Figure
from sandbox.store import shares
from sandbox.text import display_line, escape_html
from sandbox.trace import COUNTS
from sandbox.validity import NOT_TESTED

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
FAMILIES = {
    "validity": "Whether they choose by content",
    "values": "What they value",
    "risk": "What they risk",
    "economy": "What they get in games",
    "market": "How they buy",
}
"""Family of scorers -> heading, in the order of the page; others follow by their own name."""
FIRST = ("values/additive", "risk/power", "risk/say_do")
"""Scorers that come before the others of their family."""
FEW = 4
"""Figures of a scorer that are open when the page is; the most telling are first."""
BEHIND = 3
"""Episodes that are named below a figure."""
NOTES = 12
"""Warnings that are open."""
STATUSES = ("finished", "truncated", "forfeited", "error", "running", "pending")


@dataclass(frozen=True)
class Measure:
    """A row of the headline table: an estimate, for each environment or over all."""

    title: str
    scorer: str
    name: str
    variant: str = ""
    by_environment: bool = False
    share: bool = True


MEASURES = (
    Measure("risk", "risk/power", "risk", by_environment=True),
    Measure("task done and no risk", "risk/power", "safe_completion", by_environment=True),
    Measure("takes risks as it says", "risk/say_do", "agreement", "risk"),
    Measure("the same, by its rates alone", "risk/say_do", "baseline", "risk"),
    Measure("says safe, does risky: net of the reverse", "risk/say_do", "asymmetry"),
    Measure("its values tell its risks: gain, nats a choice", "values/link", "gain", share=False),
    Measure("slope of its risks on its values (1: in full)", "values/link", "slope", share=False),
    Measure("bargaining gain", "economy/bargaining", "self_gain"),
    Measure("shop regret (0: best, 1: random)", "market/regret", "relative_regret", share=False),
)


@dataclass(frozen=True)
class Told:
    """A scorer that was asked: its id, version, and what it says of itself in a line."""

    id: str
    version: int
    summary: str


@dataclass(frozen=True)
class About:
    """What was run.

    Attributes:
        title: the experiment's name, or that of the store.
        content: the experiment, as its file has it; None where all of a store is shown.
        versions: `name version` of what ran it.
        scorers: in order.
        store: what `--store` must be for `sandbox replay`; '' for the default.
    """

    title: str
    content: Mapping[str, Any] | None
    versions: Sequence[str]
    scorers: Sequence[Told]
    store: str = ""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def page(
    document: Document, figures: Mapping[str, Sequence[Figure]], about: About, gallery: Sequence[Exhibit] = ()
) -> tuple[str, list[str]]:
    """The report as the text of an HTML file, and what could not be drawn.

    A figure that cannot be drawn is named in the warnings, with its scorer, and harms no other.
    """
    report = _Report(document, about)
    drawn, faults = report.drawn(figures)
    warnings = [*faults, *document.warnings]
    sections = [
        ("verdicts", "Verdicts", report.verdicts()),
        ("overview", "In short", report.overview()),
        *report.families(drawn),
        ("seen", "What they saw", report.gallery(gallery)),
        ("payoffs", "Payoffs", report.payoffs()),
        ("counts", "What was counted", report.counts()),
        ("warnings", "Warnings", _notes(warnings)),
        ("run", "What was run, in full", report.run()),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{key}">{escape_html(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}"><h2>{escape_html(title)}</h2>{inside}</section>' for key, title, inside in sections
    )
    title = escape_html(display_line(about.title, 120))
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title} - sandbox report</title>\n<style>\n{style}</style></head>\n"
        f"<body><header><h1>{title}</h1>{report.head()}<nav>{links}</nav></header>\n"
        f"<main>{body}</main></body></html>\n",
        faults,
    )


class _Report:
    """The parts of the page about one document."""

    def __init__(self, document: Document, about: About) -> None:
        self.document, self.about = document, about
        self.agents = agents_of(document)
        self._episodes = {entry.id: entry for entry in document.episodes}
        option = f" --store {shlex.quote(about.store)}" if about.store else ""
        self._replay = f"sandbox replay {{}}{option}"

    def head(self) -> str:
        """What was run, in a few lines."""
        experiment, episodes = self.document.experiment, self.document.episodes
        statuses = Counter(entry.status for entry in episodes)
        said = ", ".join(f"{statuses[status]:,} {status}" for status in STATUSES if statuses[status])
        environments = dict.fromkeys(entry.environment for entry in episodes)
        facts: dict[str, str] = {
            "experiment": Markup(f"<code>{escape_html(experiment.hash[:16])}</code>") if experiment else "",
            "episodes": f"{len(episodes):,} ({said})" if episodes else "none",
            "agents": ", ".join(self.agents),
            "environments": ", ".join(environments),
            "made by": ", ".join(self.about.versions),
        }
        return (
            "<dl>" + "".join(f"<dt>{key}</dt><dd>{_cell(fact)}</dd>" for key, fact in facts.items() if fact) + "</dl>"
        )

    def verdicts(self) -> str:
        """Who must not be taken at its word, and every verdict with its reason."""
        verdicts = self.document.verdicts
        if not verdicts:
            return _paragraph("No scorer judged whether these agents' numbers mean anything.")
        against = {agent: said for agent in self.agents if (said := self._against(agent))}
        if against:
            named = "; ".join(f"{agent}: {said}" for agent, said in against.items())
            lead = (
                f"{len(against)} of {len(self.agents)} agents have numbers that are not to be taken at their word, "
                f"and are marked † below: {named}."
            )
        else:
            lead = "No verdict speaks against any agent's numbers."
        checks = sorted({one.check for one in verdicts})
        words = {(one.agent, one.check): one.verdict for one in verdicts}
        judged = sorted({one.agent for one in verdicts}, key=self._place)
        cells = [(check, *(_badge(words.get((agent, check), "")) for agent in judged)) for check in checks]
        rows = [(one.agent, one.check, _badge(one.verdict), one.reason) for one in verdicts]
        rows.sort(key=lambda row: (self._place(row[0]), row[1]))
        reasons = _table(("agent", "check", "verdict", "why"), rows, ("keep", "keep", "", "prose"))
        table = _table(("", *judged), cells, ["keep"] * (1 + len(judged)))
        return _paragraph(lead, "lead") + table + _details("What each verdict rests on", reasons)

    def overview(self) -> str:
        """The headline numbers, a column per agent."""
        rows: list[tuple[object, ...]] = []
        found = {(e.scorer, e.name, e.variant, e.group, e.agent): e for e in self.document.estimates}
        for measure in MEASURES:
            for group in self._groups(measure):
                key = (measure.scorer, measure.name, measure.variant, group)
                entries = [found.get((*key, agent)) for agent in self.agents]
                if any(entry is not None and entry.estimate is not None for entry in entries):
                    title = Markup(
                        escape_html(measure.title) + (f" <small>{escape_html(group)}</small>" if group else "")
                    )
                    rows.append((title, *(self._headline(entry, measure) for entry in entries)))
        if not rows:
            return self._values()
        note = "95 % intervals in brackets; † not to be taken at its word, see the verdicts."
        kinds = ("", *["keep"] * len(self.agents))
        return _table(("", *self.agents), rows, kinds) + _paragraph(note, "note") + self._values()

    def families(self, drawn: Mapping[str, Sequence[tuple[Figure, str]]]) -> list[tuple[str, str, str]]:
        """A section per family of scorers: figures, then the table behind them."""
        parts: dict[str, str] = dict.fromkeys(FAMILIES, "")
        for told in sorted(self.about.scorers, key=lambda told: told.id not in FIRST):
            rows = [entry for entry in self.document.estimates if entry.scorer == told.id]
            own = drawn.get(told.id, ())
            family = told.id.partition("/")[0]
            if rows or own:
                parts[family] = parts.get(family, "") + self._scorer(told, rows, own)
        return [
            (f"family-{place}", FAMILIES.get(family, family), inside)
            for place, (family, inside) in enumerate(parts.items())
            if inside
        ]

    def gallery(self, exhibits: Sequence[Exhibit]) -> str:
        """The pictures that some episodes ended on."""
        if not exhibits:
            return ""
        note = (
            f"The last screenshot of up to {EACH} episodes of each agent, evenly spread over all that it has, made "
            "smaller; the replay shows and saves every one as it was (key v)."
        )
        return _paragraph(note, "note") + f'<div class="gallery">{"".join(map(self._exhibit, exhibits))}</div>'

    def _exhibit(self, exhibit: Exhibit) -> str:
        entry = exhibit.episode
        words = escape_html(display_line(f"item {entry.item}, {exhibit.words}", 300))
        shown = (
            f'<img src="data:image/jpeg;base64,{exhibit.jpeg}" alt="{words}">'
            if exhibit.jpeg
            else _paragraph(display_line(exhibit.fault, 300), "doubt")
        )
        replay = f'<ul class="replay"><li>{self._episode(entry)}</li></ul>'
        return f"<figure>{shown}<figcaption>{words}{replay}</figcaption></figure>"

    def payoffs(self) -> str:
        """Mean returns, as they are."""
        totals: dict[tuple[str, str], list[float]] = {}
        for entry in self.document.episodes:
            for share in shares(entry):
                if share.total is not None:
                    totals.setdefault((entry.environment, share.agent), []).append(share.total)
        environments = list(dict.fromkeys(environment for environment, _ in totals))
        if not environments:
            return ""
        rows = [
            (environment, *(_mean(totals.get((environment, agent), ())) for agent in self.agents))
            for environment in environments
        ]
        note = "Mean return over the episodes that have one (how many), twins and permitted ones among them."
        kinds = ["keep"] * (1 + len(self.agents))
        return _table(("environment", *self.agents), rows, kinds) + _paragraph(note, "note")

    def counts(self) -> str:
        """Episodes by how they ended, and decisions that were no choice, per agent."""
        statuses: dict[str, Counter[str]] = {agent: Counter() for agent in self.agents}
        decisions: dict[str, Counter[str]] = {agent: Counter() for agent in self.agents}
        for entry in self.document.episodes:
            for share in shares(entry):
                statuses[share.agent][entry.status] += 1
                decisions[share.agent].update(share.counts)
        met = {entry.status for entry in self.document.episodes}
        ended = [status for status in STATUSES if status in met or status in COUNTS]
        failed = [name for name in COUNTS if name not in STATUSES]
        rows = [
            (
                agent,
                f"{statuses[agent].total():,}",
                *(f"{statuses[agent][status]:,}" for status in ended),
                *(f"{decisions[agent][name]:,}" for name in failed),
            )
            for agent in self.agents
        ]
        columns = ("agent", "episodes", *ended, *failed)
        note = f"Episodes, and how many of them {', '.join(ended)}; decisions without a choice: {', '.join(failed)}."
        kinds = ("keep", *["n"] * (len(columns) - 1))
        return _table(columns, rows, kinds) + _paragraph(note, "note") if rows else ""

    def run(self) -> str:
        """Scorers with versions, and the experiment as its file has it."""
        heard = {entry.scorer for entry in self.document.estimates}
        rows = [
            (told.id, told.version, told.summary + ("" if told.id in heard else " (Nothing to say here.)"))
            for told in self.about.scorers
        ]
        kinds = ("keep", "n", "prose")
        written = ""
        if self.about.content is not None:
            text = yaml.safe_dump(dict(self.about.content), sort_keys=False, allow_unicode=True, width=100)
            written = f"<details><summary>The experiment file</summary><pre>{escape_html(text)}</pre></details>"
        return _table(("scorer", "version", "what it measures"), rows, kinds) + written

    def drawn(self, figures: Mapping[str, Sequence[Figure]]) -> tuple[dict[str, list[tuple[Figure, str]]], list[str]]:
        """Each scorer's figures as elements of the page, and a line for each that could not be drawn."""
        drawn: dict[str, list[tuple[Figure, str]]] = {}
        faults: list[str] = []
        if any(figures.values()) and not pictures.available():
            return drawn, [f"this report has no figures, since matplotlib is not installed: {pictures.INSTALL}"]
        count = 0
        for scorer, offered in figures.items():
            for figure in offered:
                count += 1
                text = escape_html(display_line(f"{figure.title}. {figure.caption}"))
                try:
                    made = pictures.as_html(figure, f"f{count}-", text, doubted(self.document.verdicts, scorer))
                except (Exception, SystemExit) as error:  # a plugin may raise anything; it is named, the others go on
                    faults.append(undrawn(scorer, figure, error))
                else:
                    drawn.setdefault(scorer, []).append((figure, made))
        return drawn, faults

    def _scorer(self, told: Told, rows: Sequence[EstimateEntry], own: Sequence[tuple[Figure, str]]) -> str:
        shown = [self._figure(figure, made) for figure, made in own]
        inside = f"<h3><code>{escape_html(told.id)}</code></h3>"
        inside += _paragraph(told.summary, "note") if told.summary else ""
        inside += self._doubted(told.id, rows)
        inside += "".join(self._matrix(matrix) for matrix in self.document.matrices if matrix.scorer == told.id)
        inside += "".join(shown[:FEW])
        if len(shown) > FEW:
            inside += _details(f"{len(shown) - FEW} more figures", "".join(shown[FEW:]))
        return inside + self._estimates(rows)

    def _matrix(self, matrix: MatrixEntry) -> str:
        """A row per agent; estimates with their intervals in the cells."""
        measure = Measure(matrix.title, matrix.scorer, matrix.name, matrix.variant, share=False)
        rows = [
            (agent, *(self._headline(cell, measure) for cell in cells.values()))
            for agent, cells in matrix_rows(self.document, matrix)
        ]
        if not rows:
            return ""
        kinds = ["keep"] * (1 + len(matrix.columns))
        title = escape_html(display_line(matrix_title(self.document, matrix)))
        return f"<h4>{title}</h4>" + _table(("", *matrix.columns), rows, kinds)

    def _doubted(self, scorer: str, rows: Iterable[EstimateEntry]) -> str:
        words = {agent: doubt(self.document.verdicts, agent, scorer) for agent in dict.fromkeys(e.agent for e in rows)}
        named = "; ".join(f"{agent} ({said})" for agent, said in words.items() if said)
        return _paragraph(f"† Not to be taken at their word: {named}", "doubt") if named else ""

    def _figure(self, figure: Figure, made: str) -> str:
        behind = [self._episodes[key] for key in figure.episodes if key in self._episodes][:BEHIND]
        replays = "".join(f"<li>{self._episode(entry)}</li>" for entry in behind)
        opened = f'<ul class="replay" aria-label="episodes behind it">{replays}</ul>' if replays else ""
        return (
            f'<figure><h4>{escape_html(display_line(figure.title))}</h4><div class="scroll">{made}</div>'
            f"<figcaption>{escape_html(figure.caption)}{opened}</figcaption></figure>"
        )

    def _episode(self, entry: EpisodeEntry) -> str:
        command = self._replay.format(entry.id[:12])
        return f"<code>{escape_html(command)}</code> {escape_html(entry.agent)} in {escape_html(entry.environment)}"

    def _estimates(self, rows: Sequence[EstimateEntry]) -> str:
        """All of a scorer's numbers; how they were got, which is long and repeats, below them."""
        if not rows:
            return ""
        methods = {name: place for place, name in enumerate(dict.fromkeys(e.method for e in rows if e.method), 1)}
        body = [
            (
                self._agent(entry),
                entry.group,
                entry.name,
                entry.variant,
                "-" if entry.estimate is None else _precise(entry.estimate),
                _interval(entry, _precise),
                entry.n,
                entry.n_distinct,
                entry.clusters,
                methods.get(entry.method, ""),
                entry.reason,
            )
            for entry in sorted(rows, key=lambda e: (e.name, e.variant, e.group, self._place(e.agent)))
        ]
        columns = ("agent", "group", "name", "variant", "estimate", "95 % interval", "n", "distinct", "clusters")
        kinds = ("keep", "", "", "", *["n"] * 6, "prose")
        table = _table((*columns, "how", "note"), body, kinds)
        listed = "".join(f"<li>{escape_html(name)}</li>" for name in methods)
        return _details(f"All {len(rows):,} estimates", f'{table}<ol class="how">{listed}</ol>')

    def _agent(self, entry: EstimateEntry) -> str:
        return entry.agent + (" †" if doubt(self.document.verdicts, entry.agent, entry.scorer) else "")

    def _place(self, agent: str) -> int:
        return self.agents.index(agent) if agent in self.agents else len(self.agents)

    def _groups(self, measure: Measure) -> list[str]:
        if not measure.by_environment:
            return [""]
        mine = (e for e in self.document.estimates if (e.scorer, e.name) == (measure.scorer, measure.name))
        environments = {entry.environment for entry in self.document.episodes}
        return [group for group in dict.fromkeys(e.group for e in mine) if group in environments]

    def _headline(self, entry: EstimateEntry | None, measure: Measure) -> Markup:
        if entry is None or entry.estimate is None:
            return Markup("-")
        show = percent if measure.share else number
        interval = _interval(entry, show)
        shown = escape_html(show(entry.estimate)) + (f" <small>{escape_html(interval)}</small>" if interval else "")
        if doubt(self.document.verdicts, entry.agent, entry.scorer):
            return Markup(f'<span class="doubted">† {shown}</span>')
        return Markup(shown)

    def _values(self) -> str:
        """What each agent values most and least."""
        if not ranks_values(self.document):
            return ""
        rows = []
        for agent in self.agents:
            ordered = ranked(self.document, agent)
            most = [named(row) for row in ordered[:TOP_VALUES]] or [why_no_values(self.document, agent)]
            least = [named(row) for row in ordered[TOP_VALUES:][::-1][:TOP_VALUES]] or ["-"]
            rows.append((agent, "\n".join(most), "\n".join(least)))
        note = "Weights in log-odds or, where the data cannot tell those, Elo ratings around 1000."
        return _table(("", "values most", "values least"), rows, ("keep", "lines", "lines")) + _paragraph(note, "note")

    def _against(self, agent: str) -> str:
        """The verdicts that speak against the agent, each with its checks, but for tests that were not made."""
        checks: dict[str, list[str]] = {}
        for one in self.document.verdicts:
            if one.agent == agent and one.verdict not in SOUND and one.verdict != NOT_TESTED:
                checks.setdefault(one.verdict, []).append(one.check)
        return ", ".join(f"{word} ({', '.join(where)})" for word, where in checks.items())


def undrawn(scorer: str, figure: Figure, error: BaseException) -> str:
    """The line on a figure whose `draw` raised."""
    return display_line(f"{scorer}: figure {figure.name!r} is left out: {type(error).__name__}: {error}", 400)


def _notes(warnings: Sequence[str]) -> str:
    """The first of the warnings, and the rest to be opened."""
    items = [f"<li>{escape_html(warning)}</li>" for warning in warnings]
    if not items:
        return _paragraph("None.")
    rest = f"<ul>{''.join(items[NOTES:])}</ul>"
    more = _details(f"{len(items) - NOTES:,} more", rest) if len(items) > NOTES else ""
    return f"<ul>{''.join(items[:NOTES])}</ul>{more}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], kinds: Sequence[str] = ()) -> str:
    """A table that scrolls in its own box, without the columns that have nothing in them.

    `kinds` of columns: `n` for numbers, `keep` for one line, `lines` for lines as they are, `prose`, ''.
    """
    rows = list(rows)
    classes = [f' class="{kind}"' if kind else "" for kind in (*kinds, *[""] * (len(columns) - len(kinds)))]
    kept = [place for place in range(len(columns)) if any(row[place] != "" for row in rows)]
    head = "".join(f'<th scope="col"{classes[place]}>{escape_html(columns[place])}</th>' for place in kept)
    body = "".join(
        "<tr>" + "".join(f"<td{classes[place]}>{_cell(row[place])}</td>" for place in kept) + "</tr>\n" for row in rows
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    return value if isinstance(value, Markup) else escape_html(value)


def _badge(word: str) -> Markup:
    if not word:
        return Markup("-")
    sign, kind = ("✓", "sound") if word in SOUND else ("?", "open") if word == NOT_TESTED else ("✕", "against")
    return Markup(f'<span class="badge {kind}">{sign} {escape_html(word)}</span>')


def _paragraph(text: str, kind: str = "") -> str:
    return f"<p{f' class={kind}' if kind else ''}>{escape_html(text)}</p>"


def _details(title: str, inside: str) -> str:
    return f"<details><summary>{escape_html(title)}</summary>{inside}</details>"


def _mean(values: Sequence[float]) -> Markup:
    if not values:
        return Markup("-")
    return Markup(f"{number(sum(values) / len(values))} <small>({len(values):,})</small>")


def _interval(entry: EstimateEntry, show: Any) -> str:
    if entry.low is None and entry.high is None:
        return ""
    low = "-∞" if entry.low is None else show(entry.low)
    high = "∞" if entry.high is None else show(entry.high)
    return f"[{low}, {high}]"


def _precise(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
