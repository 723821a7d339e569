"""An episode as it is opened: what is shown of it first, with what scorers and people say, in few narrow queries."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from sandbox.annotation import Annotation
from sandbox.store import annotations as people
from sandbox.store.cards import read_marks, read_scores
from sandbox.store.reading import EpisodeColumns, Reader
from sandbox.store.rows import MarkRow, ScoreRow, StepHead
from sandbox.store.unpacking import StepSkim
from sandbox.trace import Episode, Step


class Opened(NamedTuple):
    """What is read of an episode at once.

    Attributes:
        about: the episode without its steps.
        outline: all its steps, as a timeline shows them.
        steps: the first of them, each part of which is made of what is stored when it is asked for.
        skims: of all steps; None where there are too many.
        marks, scores, annotations: what scorers and people say.
    """

    about: Episode
    outline: list[StepHead]
    steps: list[Step]
    skims: list[StepSkim] | None
    marks: list[MarkRow]
    scores: list[ScoreRow]
    annotations: list[Annotation]


def read_opened(connection: Connection, reader: Reader, row: EpisodeColumns, steps: int, skims: int) -> Opened:
    """See `Store.opened`."""
    outline = reader.outline(row)
    short = len(outline) <= skims
    first, skimmed = reader.first(row, steps, len(outline) if short else 0)
    return Opened(
        about=reader.about(row),
        outline=outline,
        steps=first,
        skims=skimmed if short else None,
        marks=read_marks(connection, row.key),
        scores=read_scores(connection, None, row.key),
        annotations=people.read(connection, episode=row.key),
    )
