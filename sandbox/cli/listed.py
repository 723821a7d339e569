"""The list of episodes and its groups, as lines or as one document: what the screens show, for pipes and readers."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from sandbox.cli.options import print_document, say
from sandbox.report.document import Document, ExperimentEntry, GroupEntry, document
from sandbox.report.groups import render_groups
from sandbox.report.plain import render_heads
from sandbox.store import Filter, Store
from sandbox.store.database import chunks
from sandbox.store.filters import order_named, parse, score_columns
from sandbox.store.rows import Vocabulary
from sandbox.text import display_line

NONE = "0 episodes fit the filter"


def show_list(store: Store, experiment: int | None, line: str, order: str, *, group: bool, json: bool) -> int:
    """Print the episodes that fit the filter `line`, in order; or, with `group`, their groups.

    Raises:
        InputError: filter or order cannot be understood.
    """
    where, order = Filter(), order or "position"
    scores: tuple[str, ...] = ()
    if line or order != "position" or group:
        vocabulary = store.vocabulary(experiment)
        where, order = parse(line, vocabulary), order_named(order, vocabulary)
        scores = score_columns(where, order, vocabulary if group else Vocabulary())
    row = store.experiment(experiment) if experiment is not None and json else None
    if group:
        groups = store.groups(experiment, where, scores)
        if line and not groups:
            typer.echo(NONE, err=True)
        if json:
            entries = [GroupEntry.of(one, scores) for one in groups]
            print_document(Document(experiment=row and ExperimentEntry.model_validate(row), groups=entries))
        else:
            for text in render_groups(groups, scores):
                say(text)
    elif json:
        print_document(document(row, store.heads(experiment, where, order)))
    else:
        none = True
        for text in _lines(store, experiment, where, order, scores):
            none = False
            say(text)
        if line and none:
            typer.echo(NONE, err=True)
    return 0


def _lines(store: Store, experiment: int | None, where: Filter, order: str, scores: tuple[str, ...]) -> Iterator[str]:
    if not scores:
        yield from render_heads(store.heads(experiment, where, order))
        return
    for some in chunks(store.matching(experiment, where, order)):
        values = store.scores_of(some, scores)
        for number, words in zip(some, render_heads(store.heads_of(some, experiment)), strict=True):
            known = [f"{name} {value:.6g}" for name, value in values.get(number, {}).items() if value is not None]
            yield "; ".join([words, *map(display_line, known)])
