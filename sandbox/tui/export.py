"""Exporting an episode from the replay: asks for a file's name, and never replaces a file without asking."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.screen import Screen

from sandbox.errors import InputError, SandboxError
from sandbox.report.episode_file import FORMS, write_episode
from sandbox.text import display_line
from sandbox.tui.prompt import Prompt
from sandbox.tui.source import Source

Say = Callable[[str, bool], None]
"""Shows a line; True: a fault."""


def export(screen: Screen[Any], source: Source, key: str, say: Say) -> None:
    """Ask where to, write, and say where it was written.

    Args:
        screen: the screen that it is done from; writing is a worker of it.
        source: where the episode is read from, off the UI thread.
        key: of the episode; the name that is offered is made of it and of nothing that data says.
        say: where what came of it is said.
    """

    def named(answer: str | None) -> None:
        if not answer or not answer.strip():
            return
        try:
            path = place(answer.strip())
        except InputError as error:
            say(str(error), True)
            return
        if path.exists():
            question = f"{path.name} is there already: replace it? (yes / no)"
            screen.app.push_screen(Prompt(question), lambda sure: write(path) if agreed(sure) else kept(path))
        else:
            write(path)

    def kept(path: Path) -> None:
        say(f"{path.name} is left as it was", False)

    def write(path: Path) -> None:
        say(f"writing {path.name} ...", False)

        def work() -> None:
            try:
                recording = source.recording(key)
                write_episode(path, recording.episode, recording.scores, recording.marks, recording.annotations)
            except SandboxError as error:
                screen.app.call_from_thread(say, str(error), True)
            else:
                screen.app.call_from_thread(say, f"written: {display_line(path)}", False)

        screen.run_worker(work, thread=True, group="export", exit_on_error=False)

    screen.app.push_screen(Prompt(f"export to ({', '.join(FORMS)}):", default_name(key)), named)


def default_name(key: str) -> str:
    """The name that is offered for an episode's file: letters and digits of its key, and nothing that data says."""
    return f"sandbox-{''.join(sign for sign in key[:12] if sign.isascii() and sign.isalnum())}.html"


def agreed(answer: str | None) -> bool:
    """Whether a person said yes."""
    return (answer or "").strip().lower() in ("y", "yes")


def place(name: str) -> Path:
    """Where a name that a person typed is, seen from the working directory.

    Raises:
        InputError: its ending names no kind of file, it is a directory, or its directory is none.
    """
    path = Path(os.path.abspath(os.path.expanduser(name)))
    if path.suffix.lower() not in FORMS:
        raise InputError(f"{display_line(name, 60)}: the name must end in {' or '.join(FORMS)}")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{display_line(name, 60)}: no such directory, or it is one")
    return path
