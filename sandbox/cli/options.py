"""Options that many commands share, and what they stand for."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from sandbox.runner.build import Builder
    from sandbox.store import Store

StoreOption = Annotated[
    str,
    typer.Option("--store", help="Database: a path, or a SQLAlchemy URL. [default: $SANDBOX_STORE, else sandbox.db]"),
]
PluginsOption = Annotated[
    list[Path] | None,
    typer.Option("--plugins-dir", help="Directory of one-file plugins; may be given again. Also $SANDBOX_PLUGINS."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]


def store_url(given: str) -> str:
    """The store that is meant: the option, else the environment variable, else `sandbox.db` here."""
    return given or os.environ.get("SANDBOX_STORE") or "sandbox.db"


def shown_store(given: str) -> str:
    """`--store` as it may stand in what is shown or passed on: without a password."""
    if "://" not in given:
        return given
    from sqlalchemy.engine import make_url

    return make_url(given).render_as_string(hide_password=True)


def store_words(given: str) -> str:
    """What a command that is proposed ends with, so that it finds the same store: ` --store PATH`; '' if none is given.

    For a shell, whatever the path is; a password is left for people to fill in.
    """
    return f" --store {shlex.quote(shown_store(given))}" if given else ""


def open_store(given: str, *, create: bool = True) -> Store:
    """The opened store; see `store_url`."""
    from sandbox.store import Store

    return Store.open(store_url(given), create=create)


def builder(directories: list[Path] | None) -> Builder:
    """A builder over the installed plugins and those in `directories`; broken ones are named on stderr."""
    from sandbox.plugins import Plugins
    from sandbox.runner.build import Builder

    plugins = Plugins(directories or ())
    for failure in plugins.failures():
        warn(f"plugin {failure.source} is left out: {failure.reason}")
    return Builder(plugins)


def warn(text: object) -> None:
    """A line on stderr."""
    from sandbox.text import display

    print(f"warning: {display(text)}", file=sys.stderr)


def say(text: object = "") -> None:
    """A line on stdout."""
    from sandbox.text import display

    print(display(text))


def print_document(document: Any) -> None:
    """A pydantic document as JSON on stdout; a lone surrogate (half of a model's emoji) is escaped."""
    from pydantic_core import PydanticSerializationError

    from sandbox.text import canonical

    try:
        text = document.model_dump_json(by_alias=True, exclude_none=False)
    except PydanticSerializationError:  # UTF-8 has none
        text = canonical(document.model_dump(mode="json", by_alias=True)).decode()
    print_json(text)


def print_json(text: str) -> None:
    """A JSON text on stdout, also within `document_alone`."""
    out = _documents[-1] if _documents else sys.stdout
    out.write(text + "\n")
    out.flush()


_documents: list[TextIO] = []  # where `document_alone` lets the document through


@contextlib.contextmanager
def document_alone(asked: bool) -> Iterator[None]:
    """If `asked`, stdout takes what `print_json` writes and nothing else: what plugins print there goes to stderr."""
    if not asked:
        yield
        return
    with contextlib.ExitStack() as stack:
        out = sys.stdout
        out.flush()
        if out is sys.__stdout__:  # a real one: also what a model's runtime or a child writes below Python
            out = stack.enter_context(open(os.dup(1), "w", encoding="utf-8"))
            stack.callback(os.dup2, out.fileno(), 1)
            os.dup2(2, 1)
        _documents.append(out)
        stack.callback(_documents.pop)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def settings(pairs: list[str] | None, option: str) -> dict[str, Any]:
    """`key=value` options as a mapping; values are read as YAML (`3`, `true`, `[0.9, 0.95]`).

    Raises:
        InputError: a pair has no `=`.
    """
    import yaml

    from sandbox.errors import InputError

    found: dict[str, Any] = {}
    for pair in pairs or []:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise InputError(f"{option} {pair}: expected key=value, such as {option} rounds=12")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"{option} {pair}: the value is not YAML: {error}") from None
    return found
