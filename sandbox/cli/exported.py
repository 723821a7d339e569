"""An episode as a file: `sandbox replay EPISODE -o FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cli.options import say

if TYPE_CHECKING:
    from sandbox.store import Store

SCREEN = (160, 48)
"""Columns and rows of the screen that an SVG file shows."""


def write(store: Store, episode: str | None, path: Path, step: int | None) -> int:
    """Write an episode (its key) as the kind of file that the name's ending says, and say where; one there is replaced.

    Args:
        store: where it is.
        episode: its key; None where no episode was named.
        path: ends in `.html`, `.md`, `.txt`, or `.svg`: the replay's screen.
        step: of the screen, from 1; the whole episode is written in any other form.

    Raises:
        InputError: no episode was named, or the file cannot be written.
    """
    from sandbox.errors import InputError
    from sandbox.report.episode_file import FORMS, write_episode

    if episode is None:
        raise InputError(f"-o {path}: which episode? Give its id: sandbox replay EPISODE -o FILE")
    if (ending := path.suffix.lower()) not in (*FORMS, ".svg"):
        raise InputError(f"-o {path}: which kind of file? Its name must end in {', '.join(FORMS)} or .svg")
    if ending == ".svg":
        from sandbox.report.whole import write_whole
        from sandbox.tui.app import ReplayApp
        from sandbox.tui.source import StoreSource
        from sandbox.tui.svg import app_svg

        svg = app_svg(ReplayApp(StoreSource(store), episode=episode, step=step), SCREEN)
        write_whole(path, [svg.encode()])
    else:
        scores, marks, people = store.scores(episode=episode), store.marks(episode), store.annotations(episode=episode)
        write_episode(path, store.episode(episode), scores, marks, people)
    say(f"{path}: {path.stat().st_size:,} bytes")
    return 0
