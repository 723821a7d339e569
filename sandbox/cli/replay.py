"""`sandbox replay`: the terminal UI over what is stored; `--plain` for a pipe or a screen reader."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, print_document, say


def command(
    target: Annotated[
        str, typer.Argument(help="An episode's id or an experiment's name; everything if left out.")
    ] = "",
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of a screen.")] = False,
    step: Annotated[
        int | None, typer.Option("--step", min=1, help="Begin at (--plain: show only) this step, from 1.")
    ] = None,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Browse and step through recorded episodes; lines of text where there is no terminal."""
    import sys

    from sandbox.errors import UnknownName

    with open_store(store, create=False) as opened:
        experiment, episode = None, None
        if target:
            try:
                experiment = opened.experiment(target).id
            except UnknownName:
                episode = opened.find(target)
        if json:
            from sandbox.cli.show import print_episode
            from sandbox.report.document import document

            if episode is not None:
                print_episode(opened, episode)
            else:
                row = None if experiment is None else opened.experiment(experiment)
                print_document(document(row, opened.heads(experiment)))
            return 0
        if not plain and sys.stdout.isatty():
            from sandbox.tui import run_replay

            run_replay(opened, experiment=experiment, episode=episode, step=step)
            return 0
        from sandbox.report.plain import render_episode, render_heads

        if episode is None:
            lines = render_heads(opened.heads(experiment))
        else:
            lines = render_episode(
                opened.episode(episode), opened.scores(episode=episode), opened.marks(episode), step=step
            )
        for line in lines:
            say(line)
    return 0
