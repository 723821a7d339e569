"""`sandbox replay`: the terminal UI over what is stored; `--plain` for a pipe or a screen reader."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, say

if TYPE_CHECKING:
    from sandbox.store import Store


class View(StrEnum):
    """Another view of steps; see `sandbox.report.views`."""

    DIFF = "diff"
    EVENTS = "events"
    SEATS = "seats"
    RAW = "raw"


def command(
    target: Annotated[
        str, typer.Argument(help="An episode's id, maybe with #STEP, or an experiment's name; all if left out.")
    ] = "",
    other: Annotated[str, typer.Argument(help="Another episode's id: the two are shown side by side.")] = "",
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of a screen.")] = False,
    step: Annotated[
        int | None, typer.Option("--step", min=1, help="Begin at (--plain: show only) this step, from 1.")
    ] = None,
    view: Annotated[
        View | None,
        typer.Option("--view", help="In lines: what is new, the events as a tree, every seat, or what was recorded."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The episode as FILE.html, .md, .txt; its screen as FILE.svg. Replaces FILE."
        ),
    ] = None,
    filter_: Annotated[
        str, typer.Option("--filter", help="List these episodes: 'agent:llm risk/power>0.2 flag:risk' (docs: replay).")
    ] = "",
    sort: Annotated[
        str, typer.Option("--sort", help="List by a column or a score; with a - before it the greatest comes first.")
    ] = "",
    group: Annotated[bool, typer.Option("--group", help="With --plain or --json: list groups by condition.")] = False,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Browse and step through recorded episodes; lines of text where there is no terminal."""
    import sys

    from sandbox.errors import InputError, UnknownName
    from sandbox.report.address import locate

    with open_store(store, create=False) as opened:
        if other:
            if output is not None or view is not None or filter_ or sort or group or step is not None:
                raise InputError("two episodes are shown side by side: that goes with --plain, --json or nothing else")
            from sandbox.cli.beside import show_beside

            return show_beside(opened, target, other, plain=plain, json=json)
        experiment, episode = None, None
        if target:
            try:
                experiment = opened.experiment(target).id
            except UnknownName:
                episode, index = locate(opened, target)
                if index is not None:
                    step = index + 1
        listing = bool(filter_ or sort or group)
        if episode is not None and listing:
            raise InputError("--filter, --sort and --group are about lists: leave the episode out")
        if group and sort:
            raise InputError("--group lists groups by their first episode: leave --sort out")
        if output is not None and (view is not None or json):
            raise InputError("-o writes what the ending of the file's name says: leave --view and --json out")
        if output is not None:
            from sandbox.cli.exported import write

            return write(opened, episode, output, step)
        if view is not None and (episode is None or json):
            raise InputError("--view is about the steps of one episode, in lines: name it, and leave --json out")
        screen = not (json or plain or view) and sys.stdout.isatty()
        if screen:
            from sandbox.tui import run_replay

            if group:
                raise InputError("--group needs --plain or --json; on the screen, g groups")
            line, order = _understood(opened, experiment, filter_, sort)
            run_replay(opened, experiment, episode, step, line=line, order=order, plugins=plugins_dir or ())
            return 0
        if episode is None:
            from sandbox.cli.listed import show_list

            return show_list(opened, experiment, filter_, sort, group=group, json=json)
        if json:
            from sandbox.cli.show import print_episode

            print_episode(opened, episode, step)
            return 0
        if view is not None:
            from sandbox.report.views import view_lines

            for line in view_lines(opened.episode(episode), view.value, step):
                say(line)
            return 0
        from sandbox.report.plain import render_episode

        scores, people = opened.scores(episode=episode), opened.annotations(episode=episode)
        for line in render_episode(opened.episode(episode), scores, opened.marks(episode), people, step=step):
            say(line)
    return 0


def _understood(store: Store, experiment: int | None, line: str, sort: str) -> tuple[str, str]:
    """Filter and order for the screen, which shows no list for those that it cannot understand."""
    if not line and not sort:
        return "", "position"
    from sandbox.store.filters import order_named, parse

    vocabulary = store.vocabulary(experiment)
    parse(line, vocabulary)
    return line, order_named(sort or "position", vocabulary)
