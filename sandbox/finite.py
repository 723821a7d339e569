"""Types whose values hold neither NaN nor infinity: nobody need look for one in their JSON, which takes long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

_PLAIN = frozenset(
    {"model", "model-fields", "model-field", "dataclass", "dataclass-args", "dataclass-field", "definitions"}
    | {"definition-ref", "nullable", "union", "default", "function-before", "tuple", "list", "dict"}
    | {"str", "int", "bool", "none", "literal"}
)
"""What pydantic calls types that hold no number but a whole one by themselves."""
_INSIDE = ("schema", "fields", "choices", "items_schema", "keys_schema", "values_schema", "definitions")


def is_finite(adapter: TypeAdapter[Any]) -> bool:
    """Whether all floats of a type are declared to be finite, as those of a `Frozen` model are; it has no others."""
    return _is_finite(adapter.core_schema, refused=False)


def _is_finite(schema: Any, *, refused: bool) -> bool:
    """`refused`: by the model around it, NaN and infinities are."""
    if isinstance(schema, list | tuple):
        return all(_is_finite(part, refused=refused) for part in schema if not isinstance(part, str))
    if "type" not in schema or not isinstance(schema["type"], str):  # fields by name
        return all(_is_finite(part, refused=refused) for part in schema.values())
    kind, config = schema["type"], schema.get("config") or {}
    if schema.get("serialization") or schema.get("computed_fields"):
        return False
    if "allow" in (schema.get("extra_behavior"), config.get("extra_fields_behavior")):
        return False
    if kind == "float":
        return schema.get("allow_inf_nan", not refused) is False
    if kind in ("model", "dataclass"):  # a plain dataclass refuses nothing
        refused = kind == "model" and config.get("allow_inf_nan") is False
    return kind in _PLAIN and all(_is_finite(schema[part], refused=refused) for part in _INSIDE if part in schema)


def holds_finite(value: Any) -> bool:
    """Whether no NaN or infinity is in a value or in the collections that it consists of."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(holds_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(holds_finite, value))
