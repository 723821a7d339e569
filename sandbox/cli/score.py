"""`sandbox score`: score what is in the store; no model and no environment is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, builder, open_store, print_document


def command(
    experiment: Annotated[str, typer.Argument(help="An experiment's name; everything in the store if left out.")] = "",
    scorer: Annotated[list[str] | None, typer.Option("--scorer", help="A scorer's id; may be given again.")] = None,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Score recorded episodes, and show scores, estimates and verdicts."""
    from sandbox.experiment.model import ScorerUse
    from sandbox.report.tables import print_estimates, print_results
    from sandbox.results import results_of

    made = builder(plugins_dir)
    with open_store(store, create=False) as opened:
        row = opened.experiment(experiment) if experiment else None
        results = results_of(opened, made, row, [ScorerUse(id=name) for name in scorer or []])
        document = results.document()
    if json:
        print_document(document)
    elif scorer:
        print_estimates(document)
    else:
        print_results(document, store)
    return 0
