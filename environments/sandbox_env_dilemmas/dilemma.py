"""A dilemma, complete in itself; and how the faults in a file of them are named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError, model_validator

from sandbox.errors import DatasetError
from sandbox.scenario import Frozen, Item

SHIPPED = "shipped"
MOST_OPTIONS = 26  # one letter each
LONGEST_LABEL = 200


class Option(Frozen):
    """One way to act.

    Attributes:
        id: names the option whatever its place and label; unique within the dilemma.
        text: what an agent is shown; not empty.
        values: classes that it serves, in the source's order; None for a value whose class is not known.
        risks: labels of the risks that it takes.
        act: whether it is a commission rather than an omission; None where the source does not say.
    """

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    values: tuple[str | None, ...] = ()
    risks: tuple[str, ...] = ()
    act: bool | None = None


class Dilemma(Item):
    """A question with 2 to 26 options, complete in itself: all that an episode needs of its data set.

    Attributes:
        dataset: the file's stem, or `shipped`.
        situation: what is the case; may be empty.
        question: what is asked; may be empty.
        options: in the source's order.
        labels: what the source calls the first place, the second...; empty means `Action 1`, `Action 2`...
        matching: the id of the option that matches the behaviour asked about, if the source names one.
        kind: a word of the source's own on what kind of dilemma it is.
    """

    dataset: str = SHIPPED
    situation: str = ""
    question: str = ""
    options: tuple[Option, ...] = Field(min_length=2, max_length=MOST_OPTIONS)
    labels: tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)], ...] = ()
    matching: str | None = None
    kind: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Dilemma:
        ids = [option.id for option in self.options]
        if len(set(ids)) != len(ids):
            raise ValueError(f"options have the ids {', '.join(ids)}: expected a different one each")
        if self.labels and not len(set(self.labels)) == len(self.labels) == len(ids):
            raise ValueError(f"labels are {', '.join(self.labels)}: expected {len(ids)} different ones")
        if self.matching is not None and self.matching not in ids:
            raise ValueError(f"matching is {self.matching!r}: expected one of {', '.join(ids)}")
        return self

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The source's labels of the places, first to last."""
        return self.labels or tuple(f"Action {place + 1}" for place in range(len(self.options)))

    @property
    def labels_are_answers(self) -> bool:
        """Whether the source's label *is* the option (Yes, No), so that it cannot be given to another."""
        return self.labels == tuple(option.text for option in self.options)


class RowError(ValueError):
    """What is wrong with a row, beginning with its column."""


def validated(fields: Mapping[str, Any]) -> Dilemma:
    """The dilemma that a row's fields make; RowError with all that is wrong with them."""
    try:
        return Dilemma.model_validate(fields)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'whole row'}: {fault['msg']}" for fault in error.errors()]
        raise RowError("; ".join(faults)) from None


def text_of(path: Path) -> str:
    """A file's whole text, UTF-8 with or without a byte order mark."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file under {Path.cwd()}; a data set is {SHIPPED!r} or a path") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error


FoundT = TypeVar("FoundT")


def checked(found: list[FoundT], faults: list[str], where: str) -> tuple[FoundT, ...]:
    """What was found, if there is anything and nothing is wrong with it; else DatasetError with all the faults."""
    if faults:
        raise DatasetError.of(where, faults)
    if not found:
        raise DatasetError(f"{where}: has no rows")
    return tuple(found)
