"""`sandbox import`: other systems' records, played again through the real environments or taken as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import (
    JsonOption,
    PluginsOption,
    StoreOption,
    builder,
    open_store,
    print_document,
    say,
    store_words,
    warn,
)

if TYPE_CHECKING:
    from sandbox.importing import RecordedTrace

LOOKED_THROUGH_EVERY = 5.0  # seconds between two lines about it


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
    from sandbox import interruptible
    from sandbox.cli.progress import progress_bar
    from sandbox.errors import EPISODES_FAILED, DatasetError, InputError
    from sandbox.importing import Notes
    from sandbox.report.document import document
    from sandbox.runner.imported import import_records
    from sandbox.runner.recorded import record_traces

    made = builder(plugins_dir)
    importer = made.plugins.load("importers", format)()
    given = {"value_map": str(value_map) if value_map else None}
    unknown = [option for option, value in given.items() if value is not None and option not in importer.options]
    if unknown:
        raise InputError(
            f"--{unknown[0].replace('_', '-')} is no option of {format} (it has: {list(importer.options)})"
        )
    options = {option: given.get(option) for option in importer.options}
    called, notes = name or f"{format} {path.name or path.resolve().name}", Notes()
    recorded = hasattr(importer, "traces")
    if recorded:
        traces = _counted(importer.traces(path, notes, **options), called)
        if not traces:
            raise DatasetError.of(called, notes.faults or notes.warnings or ["there are no episodes in it"])
    else:
        records = importer.records(path, **options)
    with open_store(store) as opened:
        with progress_bar(called) as progress:
            if recorded:
                ran = record_traces(traces, called, opened, progress, notes)
            else:
                ran = interruptible.run(import_records(records, called, opened, made, progress))
        row = opened.experiment(ran.experiment)
        heads = opened.heads(ran.experiment)
        if json:
            scores = opened.scores(ran.experiment) if recorded else ()
            print_document(document(row, heads, scores, warnings=[*notes.warnings, *notes.faults]))
        else:
            counts = ", ".join(f"{number} {status}" for status, number in row.counts.items())
            say(f"{row.name}: {row.episodes} episodes ({counts})")
            option = store_words(store)
            say(f"score them: sandbox score {called!r}{option}")
            for warning in notes.warnings:
                warn(warning)
    if notes.faults:
        raise DatasetError.of(f"{called}: what could be read is imported; the rest", notes.faults)
    return EPISODES_FAILED if ran.failed and not recorded else 0


def _counted(traces: Iterable[RecordedTrace], called: str) -> list[RecordedTrace]:
    """All of them; how many there are so far is said now and then, as large logs take a while to be looked through."""
    import time

    from sandbox.text import display_line

    found: list[RecordedTrace] = []
    said = time.monotonic()
    for trace in traces:
        found.append(trace)
        if time.monotonic() - said > LOOKED_THROUGH_EVERY:
            said = time.monotonic()
            print(f"{display_line(called, 60)}: {len(found):,} episodes found so far", file=sys.stderr, flush=True)
    return found
