"""`sandbox import`: other systems' records, replayed through the real environments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, builder, open_store, print_document, say


def command(
    format: Annotated[str, typer.Argument(help="The format's name (see: sandbox list importers).")],  # noqa: A002 (the argument's public name)
    path: Annotated[Path, typer.Argument(help="File or directory to read.")],
    name: Annotated[
        str, typer.Option("--name", help="Name of the experiment. [default: FORMAT and the file's name]")
    ] = "",
    value_map: Annotated[Path | None, typer.Option("--value-map", help="litmus: CSV of value,value_class.")] = None,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Import records as an experiment of their own; importing the same again changes nothing."""
    import asyncio

    from sandbox.cli.progress import progress_bar
    from sandbox.errors import EPISODES_FAILED, InputError
    from sandbox.report.document import document
    from sandbox.runner.imported import import_records

    made = builder(plugins_dir)
    importer = made.plugins.load("importers", format)()
    given = {"value_map": str(value_map) if value_map else None}
    unknown = [option for option, value in given.items() if value is not None and option not in importer.options]
    if unknown:
        raise InputError(
            f"--{unknown[0].replace('_', '-')} is no option of {format} (it has: {list(importer.options)})"
        )
    options = {option: given.get(option) for option in importer.options}
    records = importer.records(path, **options)
    with open_store(store) as opened:
        called = name or f"{format} {path.name}"
        with progress_bar(called) as progress:
            ran = asyncio.run(import_records(records, called, opened, made, progress))
        row = opened.experiment(ran.experiment)
        heads = opened.heads(ran.experiment)
        if json:
            print_document(document(row, heads))
        else:
            counts = ", ".join(f"{number} {status}" for status, number in row.counts.items())
            say(f"{row.name}: {row.episodes} episodes ({counts})")
            say(f"score them: sandbox score {called!r}")
    return EPISODES_FAILED if ran.failed else 0
