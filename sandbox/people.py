"""Who sits at this terminal: the name under which a person plays, and annotates."""

from __future__ import annotations

import getpass
import os

from sandbox.errors import InputError

LONGEST = 80
"""Characters of a name."""


def person_name(given: str = "") -> str:
    """The name: the given one, else what SANDBOX_AUTHOR says, else the login name.

    Raises:
        InputError: there is none, or it is no name: at most 80 characters on one line, with something to see in it.
    """
    name = (given or os.environ.get("SANDBOX_AUTHOR") or _login()).strip()
    if not name:
        raise InputError(
            "nobody knows your name here: give one (--by NAME; to sandbox play: --name), or set SANDBOX_AUTHOR"
        )
    if len(name) > LONGEST or not name.isprintable():
        raise InputError(f"{name[:LONGEST]!r} is no name: at most {LONGEST} printable characters on one line")
    return name


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no entry anywhere
        return ""
