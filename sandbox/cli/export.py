"""`sandbox export`: episodes, steps, choices, scores, marks and annotations as tables in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, print_json, say


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the files; made where there is none.")],
    experiment: Annotated[str, typer.Argument(help="An experiment's name; everything in the store if left out.")] = "",
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, or parquet (which needs polars).")] = "csv",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Write what the store holds as tables: a file for each, in the place of an earlier one."""
    from sandbox.errors import UnknownName
    from sandbox.report.export import FORMATS, as_json, export

    if form not in FORMATS:
        raise UnknownName.of_kind("format", form, FORMATS, f"one of {', '.join(FORMATS)}")
    with open_store(store, create=False) as opened:
        number = opened.experiment(experiment).id if experiment else None
        written = export(opened, number, form, output)
    if json:
        import orjson

        print_json(orjson.dumps({"files": as_json(written)}).decode())
    else:
        for one in written:
            say(f"{one.path}: {one.rows} rows")
    return 0
