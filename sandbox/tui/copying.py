"""Copying: passages as plain text into the terminal's clipboard, by a person's own key and no other way."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from sandbox.report.address import address
from sandbox.report.words import Passage
from sandbox.tui.moment import Moment

LARGEST = 70_000
"""Characters that are copied: xterm and tmux take some 75,000 bytes of base64, others more."""


def pane_text(passages: Iterable[Passage]) -> str:
    """The text of passages, indented as they are shown, as far as it is copied, and one character more."""
    return _joined(_line(one) for one in passages)


def step_text(moment: Moment) -> str:
    """All that is shown of a step, each part under its title, beginning with the command that opens it."""
    recording = moment.recording
    where = address(recording.id, moment.step.index if moment.step else 0)
    parts = ([f"\n{title}:", *(f"  {_line(one)}" for one in passages)] for title, passages in moment.sections())
    return _joined(chain([f"sandbox replay {where}"], *parts))


def bounded(text: str) -> tuple[str, str]:
    """What of `text` is copied, and how to say so."""
    lines = text[:LARGEST].count("\n") + 1
    if len(text) > LARGEST:
        return text[:LARGEST], f"copied the first {LARGEST:,} characters; --plain prints all"
    return text, f"copied {lines} line{'' if lines == 1 else 's'}, if the terminal lets programs copy (OSC 52)"


def _line(one: Passage) -> str:
    margin = " " * one.indent
    return margin + one.text.replace("\n", "\n" + margin + " " * one.hang)


def _joined(lines: Iterable[str]) -> str:
    """Lines until there are more than are copied: a pane may hold megabytes."""
    parts, size = [], 0
    for line in lines:
        parts.append(line)
        size += len(line) + 1
        if size > LARGEST:
            break
    return "\n".join(parts)
