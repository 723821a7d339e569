"""One declaration, four uses: a pydantic type as a Gymnasium space, its members, and its JSON schema.

| annotation                         | space                                          | member                       |
|------------------------------------|------------------------------------------------|------------------------------|
| `bool`                             | `Discrete(2)`                                  | 0, 1                         |
| `int` with both bounds             | `Discrete(n, start)`                           | the number                   |
| other `int`, `float`               | `Box((), int64 / float64)`                     | 0-d array                    |
| `Literal["a", "b"]`                | `Discrete(2)`, index into the values           | 0, 1                         |
| `str`                              | `FreeText`: any Unicode up to its `max_length` | the string                   |
| `X | None`                         | `OneOf(Discrete(1), X)`                        | `(0, 0)` or `(1, x)`         |
| `tuple[X, ...]`, `list[X]`         | `Sequence(X)`                                  | tuple                        |
| `dict[str, X]`                     | `Sequence(Tuple(FreeText, X))`                 | tuple of pairs, keys sorted  |
| a model                            | `Dict` of its fields, without constant ones    | dict                         |
| a union of models                  | `OneOf` in declared order                      | `(index, dict)`              |

Gymnasium's own `Text` allows 62 letters and digits by default and rejects blanks, so that no sentence fits it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import annotated_types as at
import numpy as np
from gymnasium import Space, spaces
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sandbox.errors import PluginError
from sandbox.recent import Growing

TEXT_LIMIT = 1_000_000  # characters, of a string without a `max_length`
NUMBER_LIMIT = 10**12  # the bound of a number without one: finite, so that a space can be sampled


class FreeText(Space[str]):
    """Any Unicode string of at most `max_length` characters, both ends included."""

    def __init__(self, max_length: int = TEXT_LIMIT, seed: int | np.random.Generator | None = None) -> None:
        self.max_length = max_length
        super().__init__(None, None, seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: a string has no fixed shape."""
        return False

    def contains(self, x: object) -> bool:
        """Whether `x` is a string that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A short string over letters of several scripts, blanks and line ends."""
        alphabet = "abc XYZ 019 .,'\"{}\n éßжλ語🙂"
        length = int(self.np_random.integers(0, min(self.max_length, 24) + 1))
        return "".join(alphabet[int(i)] for i in self.np_random.integers(0, len(alphabet), size=length))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FreeText) and other.max_length == self.max_length

    def __hash__(self) -> int:
        return hash(("FreeText", self.max_length))

    def __repr__(self) -> str:
        return f"FreeText({self.max_length})"


@cache
def space_of(annotation: Any) -> Space[Any]:
    """The Gymnasium space of a type (see the table above); the same object at each call, as PettingZoo wants.

    Raises:
        PluginError: the annotation has no space; says which do.
    """
    kind, args, bounds = _look(annotation)
    if kind == "model":
        return spaces.Dict({name: space_of(inner) for name, inner in _fields(args[0]).items()})
    if kind == "union":
        return spaces.OneOf([space_of(arg) for arg in args])
    if kind == "optional":
        return spaces.OneOf([spaces.Discrete(1), space_of(args[0])])
    if kind == "literal":
        return spaces.Discrete(len(args))
    if kind == "bool":
        return spaces.Discrete(2)
    if kind == "int":
        low, high = bounds.get("low"), bounds.get("high")
        if low is not None and high is not None and high - low < 2**31:
            return spaces.Discrete(int(high - low) + 1, start=int(low))
        return spaces.Box(-NUMBER_LIMIT if low is None else low, NUMBER_LIMIT if high is None else high, (), np.int64)
    if kind == "float":
        low, high = bounds.get("low", -NUMBER_LIMIT), bounds.get("high", NUMBER_LIMIT)
        return spaces.Box(low, high, (), np.float64)
    if kind == "str":
        return FreeText(int(bounds.get("length", TEXT_LIMIT)))
    if kind == "sequence":
        return spaces.Sequence(space_of(args[0]))
    if kind == "mapping":
        return spaces.Sequence(spaces.Tuple([FreeText(), space_of(args[0])]))
    return spaces.Tuple([space_of(arg) for arg in args])


def encode(annotation: Any, value: Any) -> Any:
    """The member of `space_of(annotation)` that stands for `value` (a model instance or plain value)."""
    return _encoder(annotation)(value)


class SharingEncoder:
    """`encode` for one annotation, which encodes a record once and not at each step that tells of it.

    Records are frozen models inside the value, alone or in a sequence that grows at its end, as a history does. Their
    arrays are the same in all members that have them, and therefore read-only; dicts are made anew.
    """

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._records: Growing[tuple[dict[str, Any], ...]] = Growing(20_000)
        self._encode = _made(annotation, self._part)

    def __call__(self, value: Any) -> Any:
        """The member of `space_of(annotation)` that stands for `value`."""
        return self._encode(value)

    def __reduce__(self) -> tuple[type[SharingEncoder], tuple[Any]]:
        """A copy has a memory of its own: functions cannot be pickled, and environments are."""
        return type(self), (self._annotation,)

    def _part(self, annotation: Any) -> Callable[[Any], Any]:
        kind, args, _ = _look(annotation)
        record = args[0] if kind == "sequence" else annotation
        if not _is_record(record):
            return _made(annotation, self._part)
        each = _encoder(record)

        def add(done: tuple[dict[str, Any], ...], one: Any) -> tuple[dict[str, Any], ...]:
            return (*done, _lock(each(one)))

        def members(sequence: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
            return tuple(map(dict.copy, self._records.fold(record, sequence, (), add)))

        return (lambda value: members(tuple(value))) if kind == "sequence" else (lambda value: members((value,))[0])


def _is_record(annotation: Any) -> bool:
    """Whether it is a frozen model without models inside, whose member is one dict with none in it."""
    kind, args, _ = _look(annotation)
    if kind != "model" or not args[0].model_config.get("frozen"):
        return False
    return not any(_holds_models(inner) for inner in _fields(args[0]).values())


def _holds_models(annotation: Any) -> bool:
    kind, args, _ = _look(annotation)
    return kind in ("model", "union") or (kind != "literal" and any(map(_holds_models, args)))


def _lock(member: Any) -> Any:
    """The same member, its arrays read-only."""
    if isinstance(member, np.ndarray):
        member.flags.writeable = False
    elif isinstance(member, dict | tuple):
        for part in member.values() if isinstance(member, dict) else member:
            _lock(part)
    return member


@cache
def _encoder(annotation: Any) -> Callable[[Any], Any]:
    """`encode` for one annotation, which is looked into once: a step encodes hundreds of values of a few types.

    Every member is made anew: `check_env` refuses observations that share an array.
    """
    return _made(annotation, _encoder)


def _made(annotation: Any, of: Callable[[Any], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """An encoder whose parts are encoded by `of` their annotations."""
    kind, args, _ = _look(annotation)
    if kind == "model":
        fields = [(name, of(inner)) for name, inner in _fields(args[0]).items()]
        return lambda value: {name: inner(getattr(value, name)) for name, inner in fields}
    if kind == "union":
        models = [_look(arg)[1][0] for arg in args]
        return partial(_encode_union, models, [of(arg) for arg in args])
    if kind == "sequence":
        each = of(args[0])
        return lambda value: tuple(map(each, value))
    if kind in ("optional", "mapping"):
        inner = of(args[0])
        if kind == "mapping":
            return lambda value: tuple((key, inner(value[key])) for key in sorted(value))
        return lambda value: (np.int64(0), np.int64(0)) if value is None else (np.int64(1), inner(value))
    if kind == "literal":
        return lambda value: np.int64(args.index(value))
    if kind == "bool":
        return lambda value: np.int64(bool(value))
    if kind == "int" and not isinstance(space_of(annotation), spaces.Discrete):
        return lambda value: np.array(value, np.int64)
    if kind == "int":
        return np.int64
    if kind == "float":
        return lambda value: np.array(value, np.float64)
    if kind == "str":
        return lambda value: value
    parts = [of(arg) for arg in args]
    return lambda value: tuple(part(x) for part, x in zip(parts, value, strict=True))


def _encode_union(models: list[Any], each: list[Callable[[Any], Any]], value: Any) -> Any:
    if type(value) not in models:
        raise PluginError(f"{type(value).__name__} is none of {', '.join(model.__name__ for model in models)}")
    index = models.index(type(value))
    return (np.int64(index), each[index](value))


def decode(annotation: Any, member: Any) -> Any:
    """The plain value (dicts, numbers, strings; to be validated by the type) that a space's member stands for."""
    kind, args, _ = _look(annotation)
    if kind == "model":
        fixed = _constants(args[0])
        return fixed | {name: decode(inner, member[name]) for name, inner in _fields(args[0]).items()}
    if kind == "union":
        return decode(args[int(member[0])], member[1])
    if kind == "optional":
        return None if int(member[0]) == 0 else decode(args[0], member[1])
    if kind == "literal":
        return args[int(member)]
    if kind == "bool":
        return bool(member)
    if kind == "int":
        return int(member)
    if kind == "float":
        return float(member)
    if kind == "str":
        return member
    if kind == "sequence":
        return [decode(args[0], x) for x in member]
    if kind == "mapping":
        return {key: decode(args[0], x) for key, x in member}
    return [decode(arg, x) for arg, x in zip(args, member, strict=True)]


def _look(annotation: Any) -> tuple[str, tuple[Any, ...], dict[str, float]]:
    """An annotation as (kind, arguments, bounds): the one place that reads types."""
    bounds: dict[str, float] = {}
    pieces: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        pieces += metadata
        for piece in metadata:
            _read_bounds(piece, annotation, bounds)
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "model", (annotation,), bounds
    if origin in (Union, types.UnionType):
        rest = tuple(arg for arg in args if arg is not type(None))
        if len(rest) < len(args):
            inner: Any = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 (built from a tuple)
            # Bounds stand outside (`x: int | None = Field(ge=0)`) and are meant for the number inside.
            return "optional", (Annotated[(inner, *pieces)] if pieces else inner,), bounds
        if all(_look(arg)[0] == "model" for arg in rest):
            return "union", rest, bounds
    if origin is Literal:
        return "literal", args, bounds
    for scalar in (bool, int, float, str):  # bool before int, which it is a kind of
        if annotation is scalar:
            return scalar.__name__, (), bounds
    if origin is list or (origin is tuple and len(args) == 2 and args[1] is Ellipsis):
        return "sequence", (args[0],), bounds
    if origin is tuple:
        return "tuple", args, bounds
    if origin in (dict, Mapping) and args[0] is str:
        return "mapping", (args[1],), bounds
    raise PluginError(
        f"no space for the type {annotation!r}: use bool, int, float, str, Literal, a model, X | None, "
        "tuple[X, ...], list[X], dict[str, X] or a union of models"
    )


def _read_bounds(piece: Any, annotation: Any, bounds: dict[str, float]) -> None:
    if isinstance(piece, FieldInfo):
        for inner in piece.metadata:
            _read_bounds(inner, annotation, bounds)
    elif isinstance(piece, at.Interval):
        for inner in piece:
            _read_bounds(inner, annotation, bounds)
    elif isinstance(piece, at.Ge):
        bounds["low"] = piece.ge  # type: ignore[assignment]  # the library types bounds as "comparable"
    elif isinstance(piece, at.Gt):
        bounds["low"] = _beyond(cast(float, piece.gt), annotation, math.inf)
    elif isinstance(piece, at.Le):
        bounds["high"] = piece.le  # type: ignore[assignment]  # as above
    elif isinstance(piece, at.Lt):
        bounds["high"] = _beyond(cast(float, piece.lt), annotation, -math.inf)
    elif isinstance(piece, at.MaxLen):
        bounds["length"] = piece.max_length


def _beyond(bound: float, annotation: Any, direction: float) -> float:
    """The number next to a bound that is itself left out."""
    if annotation is int:
        return math.floor(bound) + 1 if direction > 0 else math.ceil(bound) - 1
    return math.nextafter(bound, direction)


@cache
def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        for name, info in model.model_fields.items()
        if name not in _constants(model)
    }


@cache
def _constants(model: type[BaseModel]) -> dict[str, Any]:
    """Fields that can hold one value only, such as the `kind` of an action: they say nothing, so no space has them."""
    return {
        name: get_args(info.annotation)[0]
        for name, info in model.model_fields.items()
        if get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1
    }
