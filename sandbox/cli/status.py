"""`sandbox status`: which experiments a store holds, and how far they are."""

from __future__ import annotations

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, print_document, say, store_url


def command(store: StoreOption = "", plugins_dir: PluginsOption = None, json: JsonOption = False) -> int:
    """Show the experiments in the store, and how many of their episodes are finished, failed or missing."""
    from sandbox.report.document import Document, ExperimentEntry, total_counts
    from sandbox.text import display_line

    with open_store(store, create=False) as opened:
        rows = opened.experiments()
        if json:
            entries = [ExperimentEntry.model_validate(row) for row in rows]
            print_document(Document(experiments=entries, counts=total_counts(opened.heads())))
            return 0
        if not rows:
            say(f"{store_url(store)} holds no experiments yet")
        for row in rows:
            counts = ", ".join(f"{number} {status}" for status, number in row.counts.items())
            say(f"{display_line(row.name)}: {row.episodes} episodes ({counts or 'none'})")
    return 0
