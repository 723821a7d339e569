"""Fields that came later: written only where they are set, so that no key, hash or text of older records changes."""

from __future__ import annotations

from functools import partial
from operator import eq
from typing import Any

from pydantic import Field


def added(default: Any, **limits: Any) -> Any:
    """A model's field that is left out of its JSON while it has its default; `limits` as in `pydantic.Field`."""
    return Field(default=default, exclude_if=partial(eq, default), **limits)
