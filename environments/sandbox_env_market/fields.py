"""Fields that came later: written only where they are set, so that no key, hash or text of older records changes.

And models with many such fields, made without validating what this package worked out itself.
"""

from __future__ import annotations

from functools import cache, partial
from operator import eq
from typing import Any

from pydantic import BaseModel, Field

from sandbox.trace import ModelT, trusted


def added(default: Any, **limits: Any) -> Any:
    """A model's field that is left out of its JSON while it has its default; `limits` as in `pydantic.Field`."""
    return Field(default=default, exclude_if=partial(eq, default), **limits)


def filled(model: type[ModelT], /, **fields: Any) -> ModelT:
    """One of fields that are known to be valid and of their types already; the others have their defaults.

    As `sandbox.trace.trusted`, for models of which most fields are seldom set.
    """
    return trusted(model, _defaults(model) | fields)


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """In order of declaration, with a place for fields that have none."""
    return {name: info.get_default() for name, info in model.model_fields.items()}
