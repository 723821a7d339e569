"""A file that is there whole or not at all: a full disk, or an end in the midst of it, leaves the earlier one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import InputError


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file beside its place, and put it there when it is whole; directories are made.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.writelines(pieces)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}; name another place") from None
