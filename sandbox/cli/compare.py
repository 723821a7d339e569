"""`sandbox compare`: two agents, or two experiments, on the same episodes."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, builder, open_store, print_document


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="An agent's name, or an experiment's name or number.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What is subtracted from it: another of the same kind.")],
    experiment: Annotated[str, typer.Option("--experiment", help="The experiment that both agents are in.")] = "",
    scorer: Annotated[list[str] | None, typer.Option("--scorer", help="A scorer's id; may be given again.")] = None,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Compare two agents of an experiment, or two experiments: A - B over the same episodes, item by item."""
    from sandbox.errors import InputError
    from sandbox.uncollected import uncollected

    with uncollected():  # of imports, too, which make as much as five thousand pairs do
        from sandbox.report.compare import print_comparisons
        from sandbox.results import compare, results_of

        made = builder(plugins_dir)
        with open_store(store, create=False) as opened:
            row = opened.experiment(experiment) if experiment else None
            document = compare(results_of(opened, made, row), a, b, scorer or ())
    if row is not None and document.experiments:
        raise InputError(f"{a!r} and {b!r} are experiments, not agents of {row.name!r}: leave --experiment out")
    if json:
        print_document(document)
    else:
        print_comparisons(document)
    return 0
