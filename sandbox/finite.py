"""Types whose values hold neither NaN nor infinity: nobody need look for one in their JSON, which takes long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

_PLAIN = frozenset(
    {"model", "model-fields", "model-field", "dataclass", "dataclass-args", "dataclass-field", "definitions"}
    | {"definition-ref", "nullable", "union", "default", "function-before", "tuple", "list", "dict"}
    | {"str", "int", "bool", "none", "literal"}
)
"""What pydantic calls types that hold no number but a whole one by themselves."""
_INSIDE = ("schema", "fields", "choices", "items_schema", "keys_schema", "values_schema", "definitions")


def is_finite(adapter: TypeAdapter[Any]) -> bool:
    """Whether a type has no floats but those of `Finite` models, which nobody makes but pydantic."""
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
        return refused and not schema.get("allow_inf_nan")
    if kind == "default" and not _is_finite_default(schema):  # which is not validated
        return False
    if kind in ("model", "dataclass"):  # what a dataclass declares nobody looks at
        refused = kind == "model" and issubclass(schema["cls"], Finite) and config.get("allow_inf_nan") is False
        refused = refused and not (schema.get("custom_init") or schema.get("post_init"))  # they may set anything
    return kind in _PLAIN and all(_is_finite(schema[part], refused=refused) for part in _INSIDE if part in schema)


def _is_finite_default(schema: Any) -> bool:
    """Whether a default is; of a factory that is known only of types, such as `dict`."""
    return holds_finite(schema.get("default")) and isinstance(schema.get("default_factory", dict), type)


def holds_finite(value: Any) -> bool:
    """Whether no NaN or infinity is in a value or in the collections that it consists of."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(holds_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(holds_finite, value))


class Finite(BaseModel):
    """Base of what is validated once and recorded as it is: immutable, no unknown fields, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but no field becomes NaN or infinite where its type forbids that: a trace relies on it.

        Raises:
            ValueError: names the fields.
        """
        wrong = [name for name, value in (update or {}).items() if not holds_finite(value)]
        if wrong and is_finite(TypeAdapter(type(self))):
            raise ValueError(f"{type(self).__name__}: {', '.join(wrong)} must hold finite numbers, and would not")
        return super().model_copy(update=update, deep=deep)
