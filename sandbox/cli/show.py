"""`sandbox show`: one episode as text, or all of it as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, print_json, say

if TYPE_CHECKING:
    from sandbox.store import Store

SCORED = ("seat", "scorer", "variant", "name", "value", "reason")
"""What is shown of a score; its episode is the one shown."""


def command(
    episode: Annotated[str, typer.Argument(help="An episode's id (its beginning is enough) or external id.")],
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Show an episode: its specification, steps, scores and marks."""
    from sandbox.report.plain import render_episode

    with open_store(store, create=False) as opened:
        key = opened.find(episode)
        if json:
            print_episode(opened, key)
            return 0
        for line in render_episode(opened.episode(key), opened.scores(episode=key), opened.marks(key)):
            say(line)
    return 0


def print_episode(store: Store, key: str) -> None:
    """A whole episode with its scores as one JSON document."""
    from sandbox.text import canonical

    whole = store.episode(key).model_dump(mode="json")
    whole["scores"] = [{name: getattr(row, name) for name in SCORED} for row in store.scores(episode=key)]
    print_json(canonical(whole).decode())
