"""An episode as Markdown: headings and labels are ours; everything that is data stands in fences that it cannot leave.

A fence is longer than any run of backticks within it (CommonMark 0.31, section 4.5), so that no text in it is read as
markup, a link or HTML, whatever it holds. What stands in headings is escaped sign by sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sandbox.annotation import Annotation
from sandbox.report.plain import (
    AnyMark,
    AnyScore,
    Passage,
    flags_by_step,
    header,
    running_totals,
    sections,
    where_words,
    whole,
)
from sandbox.report.summary import summarise
from sandbox.text import display_line
from sandbox.trace import Episode

_TICKS = re.compile("`+")
_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#!|~&:@.$^])")


def episode_markdown(
    episode: Episode,
    scores: Iterable[AnyScore] = (),
    marks: Iterable[AnyMark] = (),
    annotations: Iterable[Annotation] = (),
) -> Iterator[str]:
    """The document, line by line, without line ends."""
    marks, scores, annotations = list(marks), list(scores), list(annotations)
    flags = flags_by_step(episode, marks, annotations)
    count = len(episode.steps)
    yield f"# {inline(f'{episode.spec.environment}, episode {episode.id[:12]}')}"
    yield ""
    yield from fenced(summarise(episode, marks).lines())
    yield ""
    yield from fenced(header(episode))
    for step, so_far in zip(episode.steps, running_totals(episode.steps), strict=True):
        yield ""
        yield f"## Step {step.index + 1} of {count}"
        yield ""
        yield inline(where_words(step, flags.get(step.index, ())))
        for title, passages in sections(episode, step, marks, annotations, so_far):
            yield from _section(title, passages)
    yield ""
    yield "## The whole episode"
    for title, passages in whole(episode, scores, annotations):
        yield from _section(title, passages)


def _section(title: str, passages: Iterable[Passage]) -> Iterator[str]:
    yield from ("", f"**{title}**", "")
    yield from fenced(lines(passages))


def lines(passages: Iterable[Passage]) -> Iterator[str]:
    """Passages as lines; those that data brings along hang."""
    for one in passages:
        for number, line in enumerate(one.text.split("\n")):
            yield (" " * (one.indent + (one.hang if number else 0)) + line).rstrip()


def fenced(text: Iterable[str]) -> Iterator[str]:
    """Lines in a fence that none of them can close."""
    inside = list(text)
    longest = max((len(run) for line in inside for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from inside
    yield fence


def inline(text: object) -> str:
    """Text in the midst of a line, read as text: what Markdown and its dialects obey there stands behind a slash."""
    return _SIGNS.sub(r"\\\1", display_line(text))
