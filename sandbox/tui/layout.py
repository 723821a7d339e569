"""How the replay is laid out, remembered from session to session in the user's own directory of settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.errors import InputError

Pane = Literal["", "saw", "did", "said", "came", "facts"]


class Layout(BaseModel):
    """What is remembered.

    Attributes:
        raw: whether panes show what was recorded as JSON.
        difference: whether the observation is shown as its difference to the one before.
        seats: whether every seat has a column.
        zoomed: the pane that has all the room; '' where none has.
        theme: name of the colours; '' for those that the app begins with.
    """

    model_config = ConfigDict(extra="ignore", validate_assignment=True)  # a later version may remember more

    raw: bool = False
    difference: bool = False
    seats: bool = False
    zoomed: Pane = ""
    theme: str = ""


def layout_path() -> Path:
    """The file."""
    return platformdirs.user_config_path("agent-eval-sandbox") / "replay.json"


def read_layout() -> Layout:
    """What was remembered; the defaults where nothing was.

    Raises:
        InputError: the file is broken; says so, and that it will be replaced.
    """
    path = layout_path()
    try:
        return Layout.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Layout()
    except (OSError, ValidationError) as error:
        why = (error.strerror or "unreadable") if isinstance(error, OSError) else "not as it was written"
        raise InputError(f"the remembered layout in {path} is {why}: the replay begins with its own") from None


def write_layout(layout: Layout) -> None:
    """Remember it; where nothing can be written, nothing is remembered."""
    path = layout_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(layout.model_dump_json(indent=2), encoding="utf-8")
        beside.replace(path)
    except OSError:
        return
