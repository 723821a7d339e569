"""`sandbox annotate`: bookmarks, notes and labels that people put on recorded episodes and their steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, open_store, print_json, say

if TYPE_CHECKING:
    from sandbox.annotation import Annotation
    from sandbox.store import Store


def command(
    episode: Annotated[
        str,
        typer.Argument(help="An episode's id (its beginning is enough), maybe with #STEP; all of them if left out."),
    ] = "",
    bookmark: Annotated[bool, typer.Option("--bookmark", help="Bookmark it.")] = False,
    note: Annotated[list[str] | None, typer.Option("--note", help="A note; may be given again.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="NAME or NAME=VALUE, a number, yes (1) or no (0); may be given again."),
    ] = None,
    delete: Annotated[list[int] | None, typer.Option("--delete", help="Delete your annotation of this number.")] = None,
    table: Annotated[
        Path | None,
        typer.Option("--from", help="CSV of annotations: episode, step (from 1, or blank), name, value, text, author."),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Your name. [default: $SANDBOX_AUTHOR, else the login name]")] = "",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Bookmark, note and label episodes and their steps; list what people say of them."""
    from sandbox.annotation import checked_text, label_of
    from sandbox.errors import InputError
    from sandbox.people import person_name
    from sandbox.report.address import locate

    notes, labels = [checked_text(text) for text in note or ()], [label_of(text) for text in label or ()]
    saying = bookmark or notes or labels
    if table is not None and (saying or delete or episode):
        raise InputError("--from says what is said of which episodes: give it alone, maybe with --by")
    if (saying or delete) and not episode:
        raise InputError("which episode? name it, maybe with #STEP: sandbox annotate EPISODE#STEP --label deception")
    author = person_name(by) if saying or delete or table else by.strip()
    with open_store(store, create=False) as opened:
        key, step = locate(opened, episode) if episode else (None, None)
        if table is not None:
            from sandbox.store.annotation_table import read_table

            taken = read_table(opened, table, author)
            _print(taken, None, json)
            if not json:
                say(f"{len(taken)} {'annotation' if len(taken) == 1 else 'annotations'} taken from {table}")
            return 0
        if key is not None:
            _delete(opened, key, list(dict.fromkeys(delete or ())), author)
            if bookmark:
                opened.annotate(key, "bookmark", author=author, step=step)
            for text in notes:
                opened.annotate(key, "note", author=author, step=step, text=text)
            for name, value in labels:
                opened.annotate(key, "label", author=author, step=step, name=name, value=value)
        found = opened.annotations(episode=key, author=None if saying or delete else author or None)
    _print([one for one in found if step in (None, one.step)], key, json)
    return 0


def _delete(store: Store, key: str, numbers: list[int], author: str) -> None:
    """Delete all of them, or none where one is not there or is somebody else's."""
    from sandbox.errors import InputError, UnknownName

    by = {one.id: one.author for one in store.annotations(episode=key)} if numbers else {}
    for number in numbers:
        if number not in by:
            raise UnknownName(f"episode {key[:12]} has no annotation {number}: sandbox annotate {key[:12]} lists those")
        if by[number] != author:
            raise InputError(f"annotation {number} is by {by[number]!r}, not by {author!r}: nothing was deleted")
    for number in numbers:
        store.delete_annotation(number, author=author)


def _print(found: list[Annotation], key: str | None, json: bool) -> None:
    from sandbox.report.people import annotation_words, as_row, where_words

    if json:
        import orjson

        print_json(orjson.dumps({"annotations": [as_row(one) for one in found]}).decode())
        return
    for one in found:
        words = annotation_words(one).replace("\n", "\n      ")  # a note's lines cannot pass for ours
        which = "" if key else f"{one.episode[:12]} "
        say(f"{one.id:>4}  {which}{where_words(one)}: {words}")
    if not found:
        say("no annotations: sandbox annotate EPISODE#STEP --label NAME, or --note TEXT, makes some")
