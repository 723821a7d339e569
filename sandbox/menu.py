"""What a seat may do at a step: legal moves, as an agent is told them and as a reply is checked against them.

A menu is a tuple of entries. An entry is a move (`Accept()`), or a `MoveRange` where moves are numbers or text
("offer any split from 0 to 100"), with representatives that stand for the range wherever a finite list is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from sandbox.finite import Finite
from sandbox.text import canonical


class Move(Finite):
    """Base of every action: frozen, no unknown fields, finite numbers.

    Give each kind of action of a scenario its own subclass with a constant `kind: Literal["offer"] = "offer"`; its
    docstring is what an agent is told about it. Free text (a message) is a field like any other.
    """

    abstains: ClassVar[bool] = False
    """Whether this move means "I choose not to choose": counted as an abstention, not as a choice."""


class Forfeit(Move):
    """What happens when a seat gives no legal answer, unless the scenario declares something else: it ends there."""

    kind: Literal["forfeit"] = "forfeit"


@dataclass(frozen=True)
class MoveRange:
    """All moves of one kind whose numbers lie within bounds.

    Attributes:
        kind: the action model.
        bounds: field -> (least, greatest), both included.
        fixed: field -> the only value allowed; such a field is not shown to agents when it equals the default.
        representatives: legal moves that stand for the range in appraisals, choice tables and random play; not empty.
    """

    kind: type[Move]
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    representatives: tuple[Move, ...] = ()

    def holds(self, move: Move) -> bool:
        """Whether `move` lies in the range."""
        if type(move) is not self.kind:
            return False
        for name, (low, high) in self.bounds.items():
            if not _between(low, getattr(move, name), high):
                return False
        return all(getattr(move, name) == value for name, value in self.fixed.items()) if self.fixed else True


Menu = tuple[Move | MoveRange, ...]


@dataclass(frozen=True)
class InvalidAction:
    """The typed error that an agent gets instead of a default move.

    Attributes:
        code: `unparsed` (no action could be read in the reply), `schema` (wrong fields or types), `illegal` (a
            well-formed move that the menu does not hold), `several` (more than one action), `unknown` (no such kind).
        message: what was wrong, and what is legal.
    """

    code: Literal["unparsed", "schema", "illegal", "several", "unknown"]
    message: str


def kind_of(move: Move | type[Move]) -> str:
    """The name of a move's kind: its constant `kind`, else its class name in lower case."""
    return _kind(move if isinstance(move, type) else type(move))


@lru_cache(maxsize=1024)
def _kind(model: type[Move]) -> str:
    declared = model.model_fields.get("kind")
    return str(declared.default) if declared is not None else model.__name__.lower()


def moves(menu: Menu) -> Iterator[Move]:
    """Every listed move and every representative, in menu order: the finite list that stands for the menu."""
    for entry in menu:
        if isinstance(entry, MoveRange):
            yield from entry.representatives
        else:
            yield entry


def _model_of(entry: Move | MoveRange) -> type[Move]:
    return entry.kind if isinstance(entry, MoveRange) else type(entry)


def holds(menu: Menu, move: Move) -> bool:
    """Whether `move` is legal."""
    kind = type(move)
    for entry in menu:
        if isinstance(entry, MoveRange):
            if entry.holds(move):
                return True
        elif entry is move or (type(entry) is kind and entry == move):  # pydantic's `==` is slow to say no
            return True
    return False


def read(menu: Menu, action: TypeAdapter[Any], raw: object) -> Move | InvalidAction:
    """The legal move that `raw` (a move, or a dict with `kind` and fields) means, or a typed error; never a default.

    Args:
        menu: what is legal now. Where it has one kind only, `kind` may be left out.
        action: validates the scenario's `Action`.
        raw: what the agent answered.
    """
    move: Move
    if type(raw) is dict and "kind" in raw:  # what most agents answer, and most of it legal: no need to look closely
        try:  # `suppress` costs half a microsecond, a tenth of a step
            move = action.validator.validate_python(raw)
            if holds(menu, move):
                return move
        except ValidationError:
            pass  # said below, in words of the menu
    if type(raw) is not dict and isinstance(raw, Move):  # which costs a microsecond to say no
        move = raw
    else:
        if not isinstance(raw, Mapping):
            return InvalidAction("unparsed", f"no action was found in the reply. {legal(menu)}")
        named = raw.get("kind")
        model = next((kind for kind in map(_model_of, menu) if _kind(kind) == named), None)
        if "kind" not in raw and len({*map(_model_of, menu)}) == 1:
            model = _model_of(menu[0])
        if model is None and "kind" in raw:
            return InvalidAction("unknown", f"there is no action {str(raw['kind'])[:80]!r}. {legal(menu)}")
        if model is None:  # `{}` could be any move without fields: nothing is guessed
            return InvalidAction("schema", f"kind: say which action it is. {legal(menu)}")
        if "kind" in model.__pydantic_fields__:
            fields = {**raw, "kind": _kind(model)}
        else:
            fields = {name: value for name, value in raw.items() if name != "kind"}
        try:
            move = action.validator.validate_python(model.__pydantic_validator__.validate_python(fields))
        except ValidationError as error:
            faults = "; ".join(
                f"{_path(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()[:4]
            )
            return InvalidAction("schema", f"{faults}. {legal(menu)}")
    if not holds(menu, move):
        return InvalidAction("illegal", f"{show(move)} is not legal now. {legal(menu)}")
    return move


def describe(menu: Menu, limit: int = 40) -> str:
    """The menu as one line that a person or a model can read; traces have it, so its words stay as they are."""
    return _line(menu, limit, _name_of)


def legal(menu: Menu) -> str:
    """What an agent that gave no legal answer is told of the menu: `describe`, with plain words for types."""
    return f"Legal now: {_line(menu, 40, _word_for)}"


def _line(menu: Menu, limit: int, word: Callable[[FieldInfo], str]) -> str:
    shown = [_describe_range(entry, word) if isinstance(entry, MoveRange) else show(entry) for entry in menu[:limit]]
    if len(menu) > limit:
        shown.append(f"and {len(menu) - limit} more")
    return "; ".join(shown)


def show(move: Move) -> str:
    """A move as `kind(field=value)`, without fields that are at their default."""
    values = move.model_dump(exclude={"kind"}, exclude_defaults=True)
    return f"{kind_of(move)}({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def schema(menu: Menu) -> dict[str, Any]:
    """A JSON schema that every legal move fits: `anyOf` over the kinds, values narrowed to what the menu lists.

    A field that can only have its default is left out, of the schema and of what fits it.
    """
    offers = [_with_kind(tool) for tool in tools(menu)]
    if len(offers) == 1:
        return offers[0]
    shared: dict[str, Any] = {}  # references are from the top: `#/$defs/...`
    for offer in offers:
        shared |= offer.pop("$defs", {})
    return {"anyOf": offers, **({"$defs": shared} if shared else {})}


def tools(menu: Menu) -> list[dict[str, Any]]:
    """One tool definition (`name`, `description`, `parameters`) per kind of legal move, in menu order.

    Where one kind is listed several times (`buy(product=3)`, `buy(product=5)`), each parameter is narrowed to the
    values listed; a combination that is not listed is still an illegal move, and `read` says so.
    """
    listed: dict[type[Move], list[Move]] = {}
    ranges: dict[type[Move], list[MoveRange]] = {}
    for entry in menu:
        if isinstance(entry, MoveRange):
            ranges.setdefault(entry.kind, []).append(entry)
        else:
            listed.setdefault(type(entry), []).append(entry)
    return [
        _tool(kind, listed.get(kind, []), ranges.get(kind, []))
        for kind in dict.fromkeys(_model_of(entry) for entry in menu)
    ]


def _tool(kind: type[Move], listed: list[Move], ranges: list[MoveRange]) -> dict[str, Any]:
    full = kind.model_json_schema()
    properties: dict[str, Any] = {}
    for name, info in kind.model_fields.items():
        if name == "kind":
            continue
        part = dict(full["properties"][name])
        part.pop("title", None)
        if listed and not ranges:
            values = _distinct([move.model_dump(mode="json")[name] for move in listed])
            if all(getattr(move, name) == info.default for move in listed):
                continue
            part["enum"] = values
            if "default" in part and part["default"] not in values:
                del part["default"]  # whoever left the field out would make an illegal move
        elif len(ranges) == 1 and not listed:
            if name in ranges[0].fixed:
                if ranges[0].fixed[name] == info.default:
                    continue
                part["const"] = ranges[0].fixed[name]
                part.pop("default", None)
            if name in ranges[0].bounds:
                low, high = part["minimum"], part["maximum"] = ranges[0].bounds[name]
                if not _between(low, part.get("default"), high):
                    part.pop("default", None)
        properties[name] = part
    required = [
        name
        for name, part in properties.items()
        if "default" not in part and kind.model_fields[name].default_factory is None
    ]
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    parameters["additionalProperties"] = False
    if "$defs" in full:
        parameters["$defs"] = full["$defs"]
    return {"name": kind_of(kind), "description": inspect.cleandoc(kind.__doc__ or ""), "parameters": parameters}


def _distinct(values: list[Any]) -> list[Any]:
    """JSON values without repetitions, in order; they need not be hashable."""
    return list({canonical(value): value for value in values}.values())


def _between(low: float, value: Any, high: float) -> bool:
    return isinstance(value, int | float) and low <= value <= high


def _with_kind(tool: dict[str, Any]) -> dict[str, Any]:
    parameters = tool["parameters"]
    return {
        **parameters,
        "properties": {"kind": {"const": tool["name"]}, **parameters["properties"]},
        "required": ["kind", *parameters["required"]],
    }


def _describe_range(entry: MoveRange, word: Callable[[FieldInfo], str]) -> str:
    parts = []
    for name, info in entry.kind.model_fields.items():
        if name == "kind" or (name in entry.fixed and entry.fixed[name] == info.default):
            continue
        if name in entry.bounds:
            low, high = entry.bounds[name]
            parts.append(f"{name}: {low} to {high}")
        else:
            parts.append(f"{name}: {word(info)}")
    return f"{kind_of(entry.kind)}({', '.join(parts)})"


def _name_of(info: FieldInfo) -> str:
    return getattr(info.annotation, "__name__", "value")


def _word_for(info: FieldInfo) -> str:
    # Of `Annotated[str, ...] | None`, a text that may be left out, pydantic keeps the whole, which has no plain name.
    kinds = {kind for kind in _WORDS if kind in _parts(info.annotation)}
    word = _WORDS[kinds.pop()] if len(kinds) == 1 else "value"
    return word if info.is_required() else f"{word}, may be left out"


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(part for member in get_args(annotation) for part in _parts(member))]


_WORDS: Mapping[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "action"
