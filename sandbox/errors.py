"""Every error that the sandbox raises on purpose: one tree, each with a stable exit code.

    SandboxError                 1
    ├── InputError               3   a file, setting or argument that cannot be used
    │   ├── UnknownName          4   no such plugin, experiment, episode, item
    │   └── DatasetError         3   a data file that cannot be read (row and column named)
    ├── PluginError              5   a plugin failed to load, or broke its contract
    ├── ModelError               6   a language model is missing or cannot be reached
    ├── BrowserError             6   no browser could be found or started
    ├── StoreError               7   the database cannot be opened, read or written
    │   ├── StoreTooNew          7   written by a later version of the sandbox
    │   └── StoreCorrupt         7   stored bytes that do not match their hash
    └── VerificationFailed       8   a stored trace differs from its re-execution

Two more codes belong to the command line: 2 (wrong command line, from the argument parser), 9 (the run ended, but
some episodes ended in error) and 130 (interrupted; run the same command again to go on).

A message says what was wrong, where, what was expected and what to do next. Several faults found at once are one
error whose message has a line each: see :meth:`InputError.of`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError  # `sandbox --help` comes by here, and builds no model

EPISODES_FAILED = 9
INTERRUPTED = 130


class SandboxError(Exception):
    """The root: catch this to catch all that the sandbox raises on purpose."""

    exit_code = 1


class InputError(SandboxError):
    """Something that a person wrote cannot be used as it stands.

    Attributes:
        faults: each fault by itself, where there were several to find; empty otherwise.
    """

    exit_code = 3
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, where: str, faults: Sequence[str]) -> InputError:
        """One error for all the faults found in `where`, so that they can be mended in one go."""
        if len(faults) == 1:
            error = cls(f"{where}: {faults[0]}")
        else:
            error = cls(f"{where}: {len(faults)} faults\n" + "\n".join(f"  {fault}" for fault in faults))
        error.faults = tuple(faults)
        return error

    @classmethod
    def of_settings(
        cls, where: str, error: ValidationError, known: Iterable[str], written: Mapping[str, Any]
    ) -> InputError:
        """One error for all that pydantic found wrong with the settings of `where`.

        Args:
            where: whose settings they are.
            error: what validating them raised.
            known: the names of the settings that there are.
            written: the settings as a person wrote them: what a `${VAR}` stands for may be a secret, and is not shown.
        """
        known, faults = tuple(known), []
        for place, kind, said in faults_of(error):
            name = ".".join(map(str, place))
            if kind == "extra_forbidden":
                faults.append(f"{name}: no such setting{did_you_mean(name, known) or ' (it has none)'}")
            else:
                top = place[0] if place else ""
                found = f" (found {written[str(top)]!r:.60})" if top in written else ""
                faults.append(f"{name}: {said}{found}" if name else said)
        return cls.of(where, faults)


class UnknownName(InputError):
    """A name that nothing is known by; offers the nearest."""

    exit_code = 4

    @classmethod
    def of_kind(cls, kind: str, name: str, known: Iterable[str], hint: str = "") -> UnknownName:
        """Say which `kind` of thing has no `name`, and what was probably meant."""
        return cls(f"no {kind} {name!r}{did_you_mean(name, known)}" + (f"; {hint}" if hint else ""))


class DatasetError(InputError):
    """A data file that cannot be read; the message names file, row and column."""


class PluginError(SandboxError):
    """A plugin could not be loaded, or did what its contract forbids; the message names it."""

    exit_code = 5


class ModelError(SandboxError):
    """A language model is not installed, not known, or does not answer.

    Attributes:
        agent: name of the agent in an episode whose model it is; '' where that is not known.
    """

    exit_code = 6
    agent = ""


class BrowserError(SandboxError):
    """No browser was found, or it did not start."""

    exit_code = 6


class StoreError(SandboxError):
    """The store cannot be opened, read or written; nothing that was acknowledged is lost."""

    exit_code = 7


class StoreTooNew(StoreError):
    """The store was written by a later version of the sandbox."""


class StoreCorrupt(StoreError):
    """Stored bytes do not match the hash that they are filed under."""


class VerificationFailed(SandboxError):
    """A stored trace is not what its specification and moves give; the message names episode and step."""

    exit_code = 8


def faults_of(error: ValidationError) -> list[tuple[tuple[int | str, ...], str, str]]:
    """Where, of what type and in which words each fault is; the words of a validator of ours are its own.

    What is short of its members only since they are faulty is left out: they are named.
    """
    faults = error.errors()
    places = [fault["loc"] for fault in faults]
    return [
        (fault["loc"], fault["type"], fault["msg"].removeprefix("Value error, "))
        for fault in faults
        if fault["type"] != "too_short"
        or not any(place != fault["loc"] and place[: len(fault["loc"])] == fault["loc"] for place in places)
    ]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`: did you mean X?` for the nearest known name, else the known names (at most twelve), else nothing."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f": did you mean {near[0]!r}?"
    if not names:
        return ""
    return f" (known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''})"


def unknown_key(name: str, known: Iterable[str]) -> str:
    """What to say behind the path of a key that there is not: `did you mean X?`, or which there are."""
    meant = did_you_mean(name, known)
    return meant.removeprefix(": ").replace("'", "") if meant.startswith(":") else f"no such key{meant}"
