"""`sandbox list`: what is announced, without importing any of it."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, print_json, say, warn


def command(
    kind: Annotated[
        str, typer.Argument(help="environments, agents, scorers, importers or models; all of them if left out.")
    ] = "",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """List environments, agents, scorers, importers and models; failures go to stderr."""
    from sandbox.errors import UnknownName
    from sandbox.plugins import KINDS, Plugins

    kinds = [*KINDS, "models"]
    if kind and kind not in kinds:
        raise UnknownName.of_kind("kind", kind, kinds)
    plugins = Plugins(plugins_dir or ())
    listed: dict[str, list[dict[str, str]]] = {}
    for name in KINDS:
        if kind in ("", name):
            listed[name] = [{"name": entry.name, "source": entry.source} for entry in plugins.entries(name)]
    if kind in ("", "models"):
        listed["models"] = _models()
    failures = [{"source": failure.source, "reason": failure.reason} for failure in plugins.failures()]
    if json:
        import orjson

        print_json(orjson.dumps({**listed, "warnings": [f"{f['source']}: {f['reason']}" for f in failures]}).decode())
    else:
        for heading, entries in listed.items():
            say(f"{heading}:")
            width = max((len(entry["name"]) for entry in entries), default=0)
            for entry in entries:
                say(f"  {entry['name']:<{width}}  {entry['source']}")
    for failure in failures:
        warn(f"plugin {failure['source']}: {failure['reason']}")
    return 0


def _models() -> list[dict[str, str]]:
    from sandbox.adapters.models import describe

    return [
        {"name": row.name, "source": f"{row.kind}: ready" if row.available else f"{row.kind}: {row.how}"}
        for row in describe()
    ]
