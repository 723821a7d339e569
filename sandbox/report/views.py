"""Other views of an episode's steps as lines: what is new, the events as a tree, every seat, or what was recorded.

The twins of the panes that the keys d, o, u and x show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from sandbox.report.address import step_index
from sandbox.report.difference import difference
from sandbox.report.event_tree import event_tree, tree_lines
from sandbox.report.plain import where_words
from sandbox.report.raw import raw_came, raw_did, raw_said, raw_saw
from sandbox.report.seats import columns
from sandbox.report.words import Passage, passage
from sandbox.text import display_line
from sandbox.trace import Episode, Step

View = Literal["diff", "events", "seats", "raw"]


def view_lines(episode: Episode, view: View, step: int | None = None) -> Iterator[str]:
    """The view of one step (from 1), or of all, without colour or frames.

    Raises:
        InputError: there is no such step.
    """
    only = None if step is None else step_index(episode.id, step, len(episode.steps))
    return _all(episode, view, episode.steps if only is None else episode.steps[only : only + 1])


def _all(episode: Episode, view: View, steps: Iterable[Step]) -> Iterator[str]:
    for current in steps:
        yield f"Step {current.index + 1} of {len(episode.steps)}, {where_words(current)}"
        for one in _passages(episode, view, current):
            indent = "  " + " " * one.indent
            for number, line in enumerate(one.text.split("\n")):
                yield (indent + " " * (one.hang if number else 0) + line).rstrip()


def _passages(episode: Episode, view: View, step: Step) -> Iterable[Passage]:
    earlier = episode.steps[: step.index]
    if view == "diff":
        return difference(step, _latest(earlier, step.seat))
    if view == "events":
        return list(tree_lines(event_tree(step, earlier))) or [Passage("no words and no events", "quiet")]
    if view == "raw":
        return [*raw_saw(step), *raw_said(step), *raw_did(step), *raw_came(step)]
    return _columns(episode, step)


def _columns(episode: Episode, step: Step) -> Iterator[Passage]:
    end = next((one.index for one in episode.steps[step.index :] if one.tick != step.tick), len(episode.steps))
    latest = {seat: _latest(episode.steps[:end], seat) for seat in episode.spec.seats}
    for column in columns(episode.spec, latest, step.tick):
        yield passage(display_line(column.title), "heading")
        yield from (Passage(one.text, one.role, one.indent + 2, one.hang) for one in column.passages)


def _latest(steps: Sequence[Step], seat: str) -> Step | None:
    return next((one for one in reversed(steps) if one.seat == seat), None)
