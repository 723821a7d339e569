"""An episode as a file, of the kind that the ending of its name says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sandbox.annotation import Annotation
from sandbox.errors import InputError
from sandbox.report.episode_html import episode_page
from sandbox.report.episode_markdown import episode_markdown
from sandbox.report.plain import AnyMark, AnyScore, render_episode
from sandbox.report.whole import write_whole
from sandbox.trace import Episode

Pieces = Callable[[Episode, Iterable[AnyScore], Iterable[AnyMark], Iterable[Annotation]], Iterator[str]]


def _lines(form: Pieces) -> Pieces:
    return lambda *parts: (f"{line}\n" for line in form(*parts))


FORMS: dict[str, Pieces] = {
    ".html": episode_page,
    ".md": _lines(episode_markdown),
    ".txt": _lines(render_episode),
}
"""Ending of a file's name -> what makes its text, piece by piece."""


def write_episode(
    path: Path,
    episode: Episode,
    scores: Iterable[AnyScore] = (),
    marks: Iterable[AnyMark] = (),
    annotations: Iterable[Annotation] = (),
) -> None:
    """Write an episode; a file that is there is replaced, and only by a whole one.

    Raises:
        InputError: the ending names no kind in `FORMS`, or the file cannot be written.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{path.name}: which kind of file? Its name must end in {' or '.join(FORMS)}")
    write_whole(path, (piece.encode() for piece in form(episode, scores, marks, annotations)))
