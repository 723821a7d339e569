"""All commands in one application."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from sandbox.errors import INTERRUPTED

COMMANDS = (
    *("demo", "list", "setup", "run", "play", "status", "show", "verify", "score", "import", "check", "new", "replay"),
    *("compare", "fork", "report", "annotate", "export", "store"),
)
"""Each is the function `command` of the module `sandbox.cli.NAME`, but for those that Python has a word for."""
_MODULES = {"list": "listing", "import": "importing"}


class UsageFault(Exception):
    """The command line itself is wrong."""


def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Situations that show what AI agents value and which risks they take: register, run, score, replay."""
    if version:
        from importlib import metadata

        typer.echo(metadata.version("agent-eval-sandbox"))
        raise typer.Exit


def application() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        name="sandbox",
        add_completion=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name in COMMANDS:
        module = importlib.import_module(f"sandbox.cli.{_MODULES.get(name, name)}")
        app.command(name)(module.command)
    return app


def invoke(words: Sequence[str]) -> int:
    """Run one command line.

    Raises:
        UsageFault: with the text to show.
    """
    command: Any = typer.main.get_command(application())
    try:
        result = command.main(args=list(words), prog_name="sandbox", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # Click's own errors carry an exit code and know how to say what is wrong; anything else is not ours to judge.
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            context = getattr(error, "ctx", None)
            hint = f"\nsee: {context.command_path} --help" if context else ""
            raise UsageFault(f"error: {error.format_message()}{hint}") from None
        raise
    if result == INTERRUPTED:  # typer turns Ctrl-C into this result; `main` has more to say about it
        raise KeyboardInterrupt
    return int(result) if isinstance(result, int) else 0
