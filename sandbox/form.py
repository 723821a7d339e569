"""A menu as a form that a person fills in: entries to choose from, fields with their ranges, and what is wrong.

What a form offers is what a model's tools do (`sandbox.menu.tools`), in the same words; ground truth is no part of it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sandbox.errors import faults_of
from sandbox.menu import Menu, Move, MoveRange, kind_of, show, tools


@dataclass(frozen=True)
class Blank:
    """A field to fill in.

    Attributes:
        name: the field's name.
        help: what the action's author says of it; ''.
        type: `integer`, `number`, `boolean`, `string`, or `json` for all else, which is written as JSON.
        least, greatest: both included; None: no bound.
        choices: the only values that there are, or ().
        optional: it may be left empty: then it is `default`, or left out.
    """

    name: str
    help: str = ""
    type: str = "string"
    least: float | None = None
    greatest: float | None = None
    choices: tuple[Any, ...] = ()
    optional: bool = False
    default: Any = None

    @property
    def expected(self) -> str:
        """What may be written into it, in a few words."""
        words = {"integer": "a whole number", "number": "a number", "boolean": "yes or no", "json": "JSON"}
        said = words.get(self.type, "text")
        if self.choices:
            said = f"one of {', '.join(map(_shown, self.choices))}"
        elif self.least is not None and self.greatest is not None:
            said += f" from {self.least:.15g} to {self.greatest:.15g}"
        elif self.least is not None:
            said += f", at least {self.least:.15g}"
        elif self.greatest is not None:
            said += f", at most {self.greatest:.15g}"
        if self.optional:
            said += f"; empty: {'none' if self.default is None else _shown(self.default)}"
        return said

    def value(self, written: str) -> Any:
        """What was written, as a value.

        Raises:
            ValueError: it is not what is expected; says so.
        """
        if self.type != "string" or self.choices:
            written = written.strip()
        if not written and self.type != "string":
            raise ValueError(f"is needed: {self.expected}")
        if self.choices:
            found = [choice for choice in self.choices if _shown(choice) == written or str(choice) == written]
            if not found:
                raise ValueError(f"{written!r} is not {self.expected}")
            return found[0]
        try:
            value = self._read(written)
        except (ValueError, KeyError, RecursionError):
            raise ValueError(f"{written[:80]!r} is not {self.expected}") from None
        if (self.least is not None and value < self.least) or (self.greatest is not None and value > self.greatest):
            raise ValueError(f"{written[:80]} is not {self.expected}")
        return value

    def _read(self, written: str) -> Any:
        if self.type == "integer":
            return int(written)
        if self.type == "number":
            return float(written)
        if self.type == "boolean":
            return {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}[written.lower()]
        return json.loads(written) if self.type == "json" else written


@dataclass(frozen=True)
class Choice:
    """An entry of a menu.

    Attributes:
        entry: what it stands for.
        words: the move as a person reads it.
        help: what the action's author says of its kind; ''.
        blanks: what is to be filled in; () where the entry is a move already.
    """

    entry: Move | MoveRange
    words: str
    help: str = ""
    blanks: tuple[Blank, ...] = ()

    def move(self, written: Mapping[str, str]) -> Move | dict[str, str]:
        """The legal move that comes of what was written into the blanks; else what is wrong, by blank.

        What is wrong with the whole stands under ''.
        """
        if isinstance(self.entry, Move):
            return self.entry
        values: dict[str, Any] = dict(self.entry.fixed)
        wrong: dict[str, str] = {}
        for blank in self.blanks:
            text = written.get(blank.name, "")
            if blank.optional and not text.strip():
                continue
            try:
                values[blank.name] = blank.value(text)
            except ValueError as error:
                wrong[blank.name] = str(error)
        if wrong:
            return wrong
        try:
            move = self.entry.kind.model_validate(values)
        except ValidationError as error:
            names = {blank.name for blank in self.blanks}
            for place, _, said in faults_of(error):
                name = str(place[0]) if place and place[0] in names else ""
                wrong.setdefault(name, said)
            return wrong
        if not self.entry.holds(move):
            return {"": f"{show(move)} is not legal now; legal is {self.words}"}
        return move


def choices(menu: Menu) -> tuple[Choice, ...]:
    """The menu's entries, in its order."""
    return tuple(map(_choice, menu))


def _choice(entry: Move | MoveRange) -> Choice:
    if isinstance(entry, Move):
        return Choice(entry, show(entry), inspect.cleandoc(type(entry).__doc__ or ""))
    (tool,) = tools((entry,))
    parameters = tool["parameters"]
    needed = set(parameters["required"])
    shown = parameters["properties"]
    blanks = tuple(
        _blank(name, part, name not in needed, parameters.get("$defs", {}))
        for name, part in shown.items()
        if name not in entry.fixed
    )
    fixed = [f"{name}={_shown(value)}" for name, value in entry.fixed.items() if name in shown]
    inside = [f"{blank.name}: {blank.expected}" for blank in blanks]
    return Choice(entry, f"{kind_of(entry.kind)}({', '.join(fixed + inside)})", tool["description"], blanks)


def _blank(name: str, part: Mapping[str, Any], optional: bool, shared: Mapping[str, Any]) -> Blank:
    """The field that a part of a JSON schema describes."""
    help_words, default = str(part.get("description", "")), part.get("default")
    kinds = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    if len(kinds) == 1:  # X | None
        part = {**kinds[0], **{key: value for key, value in part.items() if key != "anyOf"}}
    reference = str(part.get("$ref", "")).rpartition("/")[2]
    if reference in shared:
        part = {**shared[reference], **part}
    kind = part.get("type")
    if "const" in part:
        part = {**part, "enum": [part["const"]]}
    return Blank(
        name=name,
        help=help_words,
        type=kind if kind in ("integer", "number", "boolean", "string") else "json",
        least=part.get("minimum", part.get("ge")),
        greatest=part.get("maximum", part.get("le")),
        choices=tuple(part.get("enum", ())),
        optional=optional,
        default=default,
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
