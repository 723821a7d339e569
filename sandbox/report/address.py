"""A step of an episode as people write it, `EPISODE#STEP`: steps are counted from 1 there, from 0 inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.errors import InputError, UnknownName

if TYPE_CHECKING:
    from sandbox.store import Store

SHORT = 12
"""Digits of an id that stand for all of it where people read it."""

DIGITS = 19
"""A number that is longer is no step, and need not be read."""


class Address(NamedTuple):
    """An episode's key, and the step in it, by its index (from 0); None: none was named."""

    key: str
    step: int | None = None


def address(key: str, index: int | None = None) -> str:
    """`5acad7e65e72#9` for the step with index 8; the id alone where no step is meant."""
    return key[:SHORT] if index is None else f"{key[:SHORT]}#{index + 1}"


def locate(store: Store, text: str) -> Address:
    """What an id (its beginning is enough) or external id means, maybe with `#STEP` behind it.

    An external id that has a `#` itself is taken whole where there is such an episode.

    Raises:
        UnknownName: no such episode, or several, which are listed.
        InputError: what stands behind the `#` is no step of the episode.
    """
    try:
        return Address(store.find(text))
    except UnknownName:
        name, sign, step = text.rpartition("#")
        if not sign:
            raise
    key = store.find(name)
    if not (step.isascii() and step.isdecimal() and len(step) < DIGITS):
        raise InputError(f"{text!r}: behind the # stands no step: {step!r}; write {address(key, 0)} for its first")
    return Address(key, step_index(key, int(step), store.pulse(key).steps))


def step_index(key: str, number: int, count: int) -> int:
    """The index (from 0) of a step that was given by its number (from 1), in an episode of `count` steps.

    Raises:
        InputError: there is no such step.
    """
    if not 1 <= number <= count:
        allowed = f"it has steps 1 to {count}" if count else "it has no steps"
        raise InputError(f"episode {key[:SHORT]}: no step {number}; {allowed}")
    return number - 1
