"""`sandbox report`: what was found, as one HTML file that opens offline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sandbox.cli.options import (
    JsonOption,
    PluginsOption,
    StoreOption,
    builder,
    open_store,
    print_document,
    say,
    shown_store,
    warn,
)


class Format(StrEnum):
    """Kinds of files that `--figures` writes."""

    PNG = "png"
    SVG = "svg"


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write; one there is replaced.")],
    experiment: Annotated[str, typer.Argument(help="An experiment's name; everything in the store if left out.")] = "",
    scorer: Annotated[list[str] | None, typer.Option("--scorer", help="A scorer's id; may be given again.")] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", metavar="DIR", help="Also write each figure as a file into DIR.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="What kind of files --figures writes.")] = Format.PNG,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Write a report: verdicts, figures and all estimates in one HTML file that opens offline."""
    from sandbox.experiment.model import ScorerUse
    from sandbox.report.files import write_figures, write_page
    from sandbox.report.gallery import gallery
    from sandbox.report.html import page
    from sandbox.results import results_of

    made = builder(plugins_dir)
    with open_store(store, create=False) as opened:
        row = opened.experiment(experiment) if experiment else None
        results = results_of(opened, made, row, [ScorerUse(id=name) for name in scorer or []], figures=True)
        document = results.document()
        seen = gallery(document.episodes, opened.episode)
        text, faults = page(document, results.judged.figures, results.about(shown_store(store)), seen)
        write_page(output, text)
        if figures is not None:
            written, more = write_figures(figures, results.judged.figures, form.value, document.verdicts)
            faults += [fault for fault in more if fault not in faults]
    if json:
        document.warnings = [*faults, *document.warnings]
        print_document(document)
        return 0
    for fault in faults:
        warn(fault)
    say(f"{output}: {len(document.episodes):,} episodes, {len(document.estimates):,} estimates")
    if figures is not None:
        say(f"{figures}: {written:,} figures")
    return 0
