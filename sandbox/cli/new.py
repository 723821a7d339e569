"""`sandbox new`: a plugin that works as it stands, with its test, to be changed into one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, print_json, say

if TYPE_CHECKING:
    from sandbox.plugins import Kind

KINDS: dict[str, Kind] = {"environment": "environments", "agent": "agents", "scorer": "scorers"}
_EXAMPLE = "coin, my-shop or coin_flip"


def command(
    kind: Annotated[str, typer.Argument(help="environment, agent or scorer.")],
    name: Annotated[str, typer.Argument(help="Small letters, digits, - and _, such as my-shop.")],
    directory: Annotated[Path, typer.Option("--dir", help="Where to write; made if it is not there.")] = Path(),
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Write a one-file plugin and its test: coin becomes coin/Coin-v0, an agent or scorer mine/coin."""
    from sandbox.errors import InputError, UnknownName

    if kind not in KINDS:
        raise UnknownName.of_kind("kind of plugin", kind, KINDS)
    module, title = named(name)
    plugin = f"{module}/{title}-v0" if kind == "environment" else f"mine/{module}"
    _refuse_taken(kind, plugin, plugins_dir)
    target, test = directory / f"{module}.py", directory / f"test_{module}.py"
    _refuse_shadowing(name, module, target)
    texts = {target: _filled(kind, module, title), test: _filled(f"{kind}_test", module, title)}
    for path in texts:
        if path.exists():
            raise InputError(f"{path} is there already and is left as it is: choose another name or another --dir")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written to ({error.strerror}); choose another --dir") from None
    if json:
        import orjson

        print_json(orjson.dumps({"plugin": plugin, "files": [str(target), str(test)]}).decode())
        return 0
    say(f"{plugin} is in {target}, its test in {test}")
    for line in _next(kind, plugin, directory, test):
        say(line)
    return 0


def named(name: str) -> tuple[str, str]:
    """A plugin's name as module and class: `my-shop` is `my_shop`, `MyShop`.

    Raises:
        InputError: it cannot be the name of a file of plugins.
    """
    import keyword
    import re

    from sandbox.errors import InputError

    if not re.fullmatch(r"[a-z](?:[_-]?[a-z0-9]){0,59}", name):
        raise InputError(f"{name!r} is no name for a plugin: expected small letters, digits, - and _, as in {_EXAMPLE}")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise InputError(f"{name!r} is a keyword of Python and no name for a plugin: choose another, as {_EXAMPLE}")
    if module.startswith("test_") or module in ("test", "conftest"):
        raise InputError(f"{name!r}: a file of that name is taken for a test, not for a plugin: choose another name")
    return module, "".join(part.capitalize() for part in module.split("_"))


def _refuse_taken(kind: str, plugin: str, directories: list[Path] | None) -> None:
    from sandbox.errors import InputError
    from sandbox.plugins import Plugins

    known = {entry.name: entry.source for entry in Plugins(directories or ()).entries(KINDS[kind])}
    if plugin in known:
        raise InputError(f"the {kind} {plugin!r} is announced by {known[plugin]} already: choose another name")


def _refuse_shadowing(name: str, module: str, target: Path) -> None:
    """Refuse the name of a module that exists: pytest puts a test's directory first on the path, and hides it so."""
    import importlib.util

    from sandbox.errors import InputError

    found = importlib.util.find_spec(module)
    if found is not None and Path(found.origin or "").resolve() != target.resolve():
        raise InputError(f"{name!r} is the name of a Python module ({found.origin or module}): choose another name")


def _filled(template: str, module: str, title: str) -> str:
    """A template with the placeholder's two forms replaced.

    Raises:
        InputError: the template has a class of that name itself.
    """
    import re
    from importlib.resources import files

    from sandbox.errors import InputError

    text = files("sandbox.cli.scaffold").joinpath(f"{template}.py").read_text(encoding="utf-8")
    if re.search(rf"\b{title}\b", text):
        raise InputError(f"{title} is the name of another thing in the file: choose another name, such as my-{module}")
    return text.replace("newname", module).replace("Newname", title)


def _next(kind: str, plugin: str, directory: Path, test: Path) -> list[str]:
    option = f"--plugins-dir {directory}"
    run = {
        "environment": f"sandbox run {option} --env {plugin} --agent baselines/random --episodes 5",
        "agent": f"sandbox run {option} --env dilemmas/Choice-v0 --agent {plugin} --episodes 5",
        "scorer": f"sandbox score {option} --scorer {plugin}",
    }[kind]
    return [f"check it: sandbox check {plugin} {option}", f"use it:   {run}", f"test it:  pytest {test}"]
