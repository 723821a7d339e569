"""`sandbox setup`: what cannot come with pip install: a model's weights, a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, print_json, say


def command(
    what: Annotated[str, typer.Argument(help="model or browser")],
    name: Annotated[str, typer.Argument(help="The model's name: smollm2.")] = "smollm2",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Fetch a model's weights, or a browser, into the user's cache, and check them."""
    from sandbox.errors import InputError

    if what == "browser":
        import sys

        from sandbox.adapters import chromium

        name = "chromium"
        if not chromium.executable().is_file():
            print(f"fetching {chromium.PACKAGE} {chromium.VERSION}, 70 MB ...", file=sys.stderr, flush=True)
        path: object = chromium.fetch()
    elif what == "model":
        path = fetch_with_progress(name)
    else:
        raise InputError(f"setup {what}: expected sandbox setup model smollm2, or sandbox setup browser")
    if json:
        import orjson

        print_json(orjson.dumps({what: name, "path": str(path)}).decode())
    else:
        say(f"{name} is at {path}")
    return 0


def fetch_with_progress(name: str) -> object:
    """The weights' path, fetched with a progress bar if they are not there."""
    import sys

    from sandbox.adapters import weights

    found = weights.find(name)
    if found is not None:
        return found
    if not sys.stderr.isatty():
        print(f"fetching the weights of {name} ...", file=sys.stderr, flush=True)
        return weights.fetch(name)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    with Progress(
        TextColumn(f"fetching {name}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(name, total=None)

        def update(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        return weights.fetch(name, progress=update)
