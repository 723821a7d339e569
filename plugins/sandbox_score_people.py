"""`people/labels` and `people/agreement`: what people labelled, as scores, and how far judges and people agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sandbox.agent import NoConfig
from sandbox.annotation import Annotation
from sandbox.scenario import Frozen
from sandbox.scorer import (
    ANNOTATIONS,
    CARDS,
    Card,
    EpisodeRow,
    Estimate,
    Estimator,
    Findings,
    Mark,
    Score,
    Scorer,
    Table,
)
from sandbox.stats.agreement import agreement, kappa_interval, krippendorff_alpha, share
from sandbox.trace import Episode

ALL = "all agents"
"""Stands for the agent where episodes of all of them are taken together, if they are several."""
OWN = "people/"
"""Begins the ids of the scorers in this file, which are no judges."""


class Labels(Scorer[NoConfig]):
    """What people labelled: a label of an episode is a score, a label of a step is a mark, both under its name.

    The score's variant is the author, so that two people's labels are two scores; values are as they were given (yes
    is 1, no is 0). An episode without labels has none, whatever became of it. Labels are what people say, by no
    definition but theirs.
    """

    reads = frozenset({ANNOTATIONS})

    def score(self, episode: Episode) -> Card:
        """The labels of the episode."""
        labels = [one for one in episode.annotations if one.kind == "label"]
        return Card(
            scores=tuple(
                Score(name=one.name, value=one.value, variant=one.author) for one in labels if one.step is None
            ),
            marks=tuple(
                Mark(step=one.step, name=one.name, value=one.value, note=f"labelled by {one.author}")
                for one in labels
                if one.step is not None
            ),
        )


class Pair(Frozen):
    """What is compared with a label.

    Attributes:
        judge: name of a score or mark, or `SCORER/NAME`, or a scorer's id (all its marks together).
        label: name of the label.
        above: the judge says yes where its number is greater than this; a mark without a number says yes.
        label_above: people say yes where their number is greater than this.
    """

    judge: str
    label: str
    above: float = 0.0
    label_above: float = 0.0


class AgreementConfig(Frozen):
    """Which judges are compared with which labels.

    Attributes:
        pairs: by default each label with the scores and marks whose name, or last part of it, is the label's; where a
            scorer has none, but the last part of its id is, with all its marks together.
    """

    pairs: tuple[Pair, ...] = ()


class PeopleAgreement(Estimator[AgreementConfig]):
    """How far judges (other scorers' scores and marks) agree with people's labels, and people with each other.

    Of each judge and label (the group), over labelled episodes, and with `step_` before the name over labelled steps:

    | estimate | what it is | range |
    |---|---|---|
    | `agreement` | share of labels with which the judge agrees | 0 to 1 |
    | `kappa` | Cohen's (1960) kappa: agreement beyond chance, / (1 - chance) | -1 to 1 |
    | `sensitivity`, `specificity` | share of people's yes (no) to which the judge says yes (no) too | 0 to 1 |
    | `undecided` | share of labels where the judge has no number or no card, and so none of the above | 0 to 1 |
    | `labelled` | share of episodes with the label, of the episode or of a step | 0 to 1 |

    Where several people labelled, variants are their names, and '' is all their labels. Between people (the group is
    `people: LABEL`): `kappa` of each two in the variant `ANN & BOB`, and `alpha`, Krippendorff's (2011) for nominal
    values, here the values as given. More is better; all are undefined (None, with the reason) without data.

    Each distinct trace counts once, however many labels it has: intervals are Wilson's over traces, those of kappa and
    alpha the bootstrap over traces. Episodes of all agents are taken together, and of each where they are several.
    """

    Config = AgreementConfig
    reads = frozenset({ANNOTATIONS, CARDS})

    def estimate(self, table: Table) -> Findings:
        """Agreement of judges with people and of people with each other; nothing where nobody labelled anything."""
        rows = {row.id: row for row in reversed(table.episodes)}  # one where there is a row for each agent
        whole = list(reversed(rows.values()))
        if not any(one.kind == "label" for row in whole for one in row.annotations):
            return Findings()
        known = _Known.of(whole)
        pairs, warnings = _pairs(self.config, known)
        parts = [(ALL if len(table.agents) > 1 else table.agents[0], whole)]
        if len(table.agents) > 1:
            parts += [(agent, list(table.of(agent).episodes)) for agent in table.agents]
        estimates: list[Estimate] = []
        for agent, some in parts:
            for pair in pairs:
                estimates += _with_judge(agent, some, pair, known, table)
            for label in known.labels:
                estimates += _between_people(agent, some, label, table)
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))


class _Judge(NamedTuple):
    """Whose word is compared: `name` '' means all of the scorer's marks."""

    scorer: str
    name: str
    variant: str = ""

    @property
    def words(self) -> str:
        return "/".join(filter(None, (self.scorer, self.name))) + (f" ({self.variant})" if self.variant else "")


class _Compared(NamedTuple):
    judge: _Judge
    pair: Pair

    @property
    def group(self) -> str:
        return f"{self.judge.words} vs {self.pair.label}"


@dataclass(frozen=True)
class _Known:
    """The names in use: labels, and judges by scores and by marks, each in order of first appearance."""

    labels: tuple[str, ...]
    scores: tuple[_Judge, ...]
    marks: tuple[_Judge, ...]

    @classmethod
    def of(cls, rows: Sequence[EpisodeRow]) -> _Known:
        labels: dict[str, None] = {}
        scores: dict[_Judge, None] = {}
        marks: dict[_Judge, None] = {}
        for row in rows:
            labels |= dict.fromkeys(one.name for one in row.annotations if one.kind == "label")
            for scorer, card in row.cards.items():
                if not scorer.startswith(OWN):
                    scores |= dict.fromkeys(_Judge(scorer, one.name, one.variant) for one in card.scores)
                    marks |= dict.fromkeys(_Judge(scorer, one.name) for one in card.marks)
        return cls(tuple(sorted(labels)), tuple(sorted(scores)), tuple(sorted(marks)))


def _pairs(config: AgreementConfig, known: _Known) -> tuple[list[_Compared], list[str]]:
    """What is compared, and a line on each pair asked for that is not there."""
    named = (*known.scores, *(one for one in known.marks if one not in known.scores))
    scorers = list(dict.fromkeys(one.scorer for one in named))
    found: dict[_Compared, None] = {}
    warnings = []
    for pair in config.pairs:
        judges = [one for one in named if pair.judge in (one.name, f"{one.scorer}/{one.name}")]
        judges += [_Judge(name, "") for name in scorers if name == pair.judge]
        if not judges:
            warnings.append(f"no scorer gave a score or a mark called {pair.judge!r}: score the episodes with it first")
        elif pair.label not in known.labels:
            warnings.append(f"nobody used the label {pair.label!r}")
        else:
            found |= dict.fromkeys(_Compared(one, pair) for one in judges)
    for label in () if config.pairs else known.labels:
        pair = Pair(judge="", label=label)
        for scorer in scorers:
            own = [one for one in named if one.scorer == scorer and label in (one.name, _last(one.name))]
            if not own and _last(scorer) == label:
                own = [_Judge(scorer, "")]
            found |= dict.fromkeys(_Compared(one, pair) for one in own)
        if not any(one.pair is pair for one in found):
            warnings.append(
                f"nothing that a scorer says is called like the label {label!r}: name a score or a mark to compare it "
                f"with in this scorer's config, pairs: [{{judge: ..., label: ...}}]"
            )
    return list(found), warnings


def _last(name: str) -> str:
    return name.rpartition("/")[2]


class _Word(NamedTuple):
    """A person's label beside what the judge says of the same thing (None: undecided)."""

    trace: str
    author: str
    yes: bool
    judge: bool | None


def _with_judge(
    agent: str, rows: Sequence[EpisodeRow], compared: _Compared, known: _Known, table: Table
) -> Iterator[Estimate]:
    pair = compared.pair
    for prefix in ("", "step_"):
        words = [word for row in rows for word in _words(row, compared, known, prefix == "step_")]
        authors = list(dict.fromkeys(sorted(word.author for word in words)))
        for variant in ("", *(authors if len(authors) > 1 else ())):
            some = [word for word in words if variant in ("", word.author)]
            if some:
                yield from _rates(agent, compared.group, variant, prefix, some, table)
    labelled = [any(one.kind == "label" and one.name == pair.label for one in row.annotations) for row in rows]
    yield _share(agent, compared.group, "", "labelled", labelled, [row.hash or row.id for row in rows])


def _words(row: EpisodeRow, compared: _Compared, known: _Known, steps: bool) -> Iterator[_Word]:
    judge, pair = compared
    card = row.cards.get(judge.scorer)
    marks_too = not judge.name or _Judge(judge.scorer, judge.name) in known.marks
    for one in row.annotations:
        if one.kind == "label" and one.name == pair.label and (one.step is not None) == steps and one.value is not None:
            if steps and not marks_too:
                continue  # it says nothing of steps
            says = None if card is None else _says(row, card, judge, pair.above, one.step)
            yield _Word(row.hash or row.id, one.author, one.value > pair.label_above, says)


def _says(row: EpisodeRow, card: Card, judge: _Judge, above: float, step: int | None) -> bool | None:
    """What the judge says of a step or, None, of the episode: of that its own score, if it has one of this name."""
    if step is None and judge.name:
        own = [one for one in card.scores if (one.name, one.variant) == (judge.name, judge.variant)]
        own = [one for one in own if one.seat is None or one.seat in row.evaluated] or own
        if own:
            return None if own[0].value is None else own[0].value > above
    if card.scores and not card.marks and all(one.value is None for one in card.scores):
        return None  # it could not tell, and so has no marks either
    marks = [one for one in card.marks if (not judge.name or one.name == judge.name) and step in (None, one.step)]
    return any(one.value is None or one.value > above for one in marks)


def _rates(
    agent: str, group: str, variant: str, prefix: str, words: Sequence[_Word], table: Table
) -> Iterator[Estimate]:
    decided = [word for word in words if word.judge is not None]
    traces = [word.trace for word in decided]
    people, judge = [word.yes for word in decided], [bool(word.judge) for word in decided]
    same = [one == other for one, other in zip(people, judge, strict=True)]
    yield _share(agent, group, variant, f"{prefix}agreement", same, traces)
    yield _kappa(agent, group, variant, f"{prefix}kappa", (people, judge), traces, table)
    for name, wanted in (("sensitivity", True), ("specificity", False)):
        own = [word for word in decided if word.yes == wanted]
        agrees = [word.judge == wanted for word in own]
        yield _share(agent, group, variant, prefix + name, agrees, [word.trace for word in own])
    undecided = [word.judge is None for word in words]
    yield _share(agent, group, variant, f"{prefix}undecided", undecided, [word.trace for word in words])


def _between_people(agent: str, rows: Sequence[EpisodeRow], label: str, table: Table) -> Iterator[Estimate]:
    group = f"people: {label}"
    for prefix in ("", "step_"):
        units: dict[tuple[str, int | None], dict[str, float]] = {}
        trace_of: dict[tuple[str, int | None], str] = {}
        for row in rows:
            for one in _own_labels(row, label, prefix == "step_"):
                place = (row.id, one.step)
                units.setdefault(place, {})[one.author] = float(one.value or 0.0)
                trace_of[place] = row.hash or row.id
        several = {place: said for place, said in units.items() if len(said) > 1}
        if not several:
            continue
        traces = [trace_of[place] for place in several]
        answers = [list(said.values()) for said in several.values()]
        found = krippendorff_alpha(answers, traces, table.generator("alpha", agent, group, prefix))
        assert found is not None
        same = found.alpha is None
        yield Estimate(
            agent=agent,
            name=f"{prefix}alpha",
            group=group,
            estimate=found.alpha,
            low=None if same else found.low,
            high=None if same else found.high,
            n=found.n,
            n_distinct=len(set(zip(traces, map(str, answers), strict=True))),
            clusters=len(set(traces)),
            method="Krippendorff's alpha, nominal; bootstrap over traces",
            reason="all labels are the same" if same else _no_interval(found.low),
        )
        authors = sorted({author for said in several.values() for author in said})
        for index, ann in enumerate(authors):
            for bob in authors[index + 1 :]:
                both = [one for one, said in several.items() if ann in said and bob in said]
                if both:
                    sides = tuple([several[one][who] for one in both] for who in (ann, bob))
                    of = [trace_of[one] for one in both]
                    yield _kappa(agent, group, f"{ann} & {bob}", f"{prefix}kappa", (sides[0], sides[1]), of, table)


def _own_labels(row: EpisodeRow, label: str, steps: bool) -> Iterator[Annotation]:
    for one in row.annotations:
        if one.kind == "label" and one.name == label and (one.step is not None) == steps:
            yield one


def _share(
    agent: str, group: str, variant: str, name: str, happened: Sequence[bool], traces: Sequence[str]
) -> Estimate:
    method = "share, each trace counting once; Wilson interval over traces"
    fields: Mapping[str, str] = {"agent": agent, "group": group, "variant": variant, "name": name, "method": method}
    if not happened:
        return Estimate(**fields, estimate=None, reason="no label that the judge decided on")
    found = share(happened, traces)
    several = found.items > 1
    return Estimate(
        **fields,
        estimate=found.rate,
        low=found.low if several else None,
        high=found.high if several else None,
        n=found.n,
        n_distinct=found.items,
        clusters=found.items,
        reason="" if several else "no interval: one trace",
    )


def _kappa(
    agent: str,
    group: str,
    variant: str,
    name: str,
    sides: tuple[Sequence[float], Sequence[float]],
    traces: Sequence[str],
    table: Table,
) -> Estimate:
    method = "Cohen's kappa, each trace counting once; bootstrap over traces"
    fields: Mapping[str, str] = {"agent": agent, "group": group, "variant": variant, "name": name, "method": method}
    if not traces:
        return Estimate(**fields, estimate=None, reason="no label that the judge decided on")
    one, two = (np.asarray(side, dtype=np.float64) for side in sides)
    found = agreement(one, two, traces)
    ends = None
    if found.kappa is not None:
        ends = kappa_interval(one, two, traces, table.generator("kappa", agent, group, variant, name))
    low, high = (None, None) if ends is None else (ends.low, ends.high)
    return Estimate(
        **fields,
        estimate=found.kappa,
        low=low,
        high=high,
        n=found.n,
        n_distinct=found.items,
        clusters=found.items,
        reason="all answers are the same" if found.kappa is None else _no_interval(low),
    )


def _no_interval(low: float | None) -> str:
    return "" if low is not None else "no interval: drawing traces again changes nothing"
