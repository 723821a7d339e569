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
    episode: Annotated[
        str, typer.Argument(help="An episode's id (its beginning is enough) or external id, maybe with #STEP.")
    ],
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Show an episode: its specification, steps, scores and marks, and what people say of it."""
    from sandbox.report.address import locate
    from sandbox.report.plain import render_episode

    with open_store(store, create=False) as opened:
        key, index = locate(opened, episode)
        step = None if index is None else index + 1
        if json:
            print_episode(opened, key, step)
            return 0
        scores, people = opened.scores(episode=key), opened.annotations(episode=key)
        for line in render_episode(opened.episode(key), scores, opened.marks(key), people, step=step):
            say(line)
    return 0


def print_episode(store: Store, key: str, step: int | None = None) -> None:
    """A whole episode with its scores as one JSON document; `step` (from 1): with that step alone."""
    from sandbox.report.address import step_index
    from sandbox.report.people import as_row
    from sandbox.report.summary import summarise
    from sandbox.text import canonical

    episode = store.episode(key)
    summary = summarise(episode, store.marks(key)).document()
    if step is not None:
        index = step_index(key, step, len(episode.steps))
        episode = episode.model_copy(update={"steps": episode.steps[index : index + 1]})
    # A scenario may have put a whole number where its appraisal takes a float: the library would print a warning.
    whole = episode.model_dump(mode="json", warnings=False)
    whole["summary"] = summary
    whole["scores"] = [{name: getattr(row, name) for name in SCORED} for row in store.scores(episode=key)]
    whole["annotations"] = [as_row(one) for one in store.annotations(episode=key)]
    print_json(canonical(whole).decode())
