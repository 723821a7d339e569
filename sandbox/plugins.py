"""Finding plugins without importing them, importing only the named one, and keeping a broken one from harming the rest.

A plugin is announced in one of two ways. Installed: an entry point in the group `sandbox.environments`,
`sandbox.agents`, `sandbox.scorers` or `sandbox.importers`, whose name is the plugin's id. Not installed: a Python file
in a directory given by `--plugins-dir` or `SANDBOX_PLUGINS`, with a module-level mapping `ENVIRONMENTS`, `AGENTS`,
`SCORERS` or `IMPORTERS` from id to object. Files named `test_*` are skipped.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from sandbox.errors import InputError, PluginError, UnknownName

Kind = Literal["environments", "agents", "scorers", "importers"]
KINDS: tuple[Kind, ...] = ("environments", "agents", "scorers", "importers")
FOREIGN = "gymnasium:"
"""Begins the name of an environment that is no plugin, but one of Gymnasium's."""
_ONE = {"environments": "environment", "agents": "agent", "scorers": "scorer", "importers": "importer"}


@dataclass(frozen=True)
class Entry:
    """An announced plugin.

    Attributes:
        name: its id.
        source: the distribution (`name version`) or file that announces it.
        reference: `module:object` of an entry point; for a file's plugin, what it is.
    """

    kind: Kind
    name: str
    source: str
    reference: str
    found: Any = None


@dataclass(frozen=True)
class Failure:
    """A plugin that cannot be used, and why."""

    source: str
    reason: str


class Plugins:
    """All plugins that are announced here; nothing is imported before it is asked for by name.

    Args:
        directories: of one-file plugins, beside those in `SANDBOX_PLUGINS`.
    """

    def __init__(self, directories: Sequence[str | Path] = ()) -> None:
        inherited = [part for part in os.environ.get("SANDBOX_PLUGINS", "").split(os.pathsep) if part]
        self.directories = [Path(part) for part in dict.fromkeys([*map(str, directories), *inherited])]
        self._loaded: dict[tuple[Kind, str], Any] = {}
        self._entries: dict[Kind, list[Entry]] = {}

    def entries(self, kind: Kind) -> list[Entry]:
        """What is announced of a kind, sorted by name; a name that is announced twice is there twice."""
        if kind not in self._entries:  # reads the files of all distributions, which takes tens of milliseconds
            self._entries[kind] = self._found(kind)
        return list(self._entries[kind])

    def _found(self, kind: Kind) -> list[Entry]:
        seen: dict[tuple[str, str, str], Entry] = {}
        source_of = cache(_distribution)  # which reads its metadata anew whenever it is asked: 2 ms for each plugin
        for point in metadata.entry_points(group=f"sandbox.{kind}"):
            source = source_of(point.dist)
            # A distribution that is on the path twice (a source tree and its install) announces one thing.
            seen.setdefault((point.name, point.value, source), Entry(kind, point.name, source, point.value))
        filed = [entry for entry in self._filed[0] if entry.kind == kind]
        return sorted([*seen.values(), *filed], key=lambda entry: (entry.name, entry.source))

    def failures(self) -> list[Failure]:
        """Files that cannot be imported, and names that are announced twice."""
        found = list(self._filed[1])
        for kind in KINDS:
            names = [entry.name for entry in self.entries(kind)]
            for name in sorted({name for name in names if names.count(name) > 1}):
                found.append(Failure(_sources(self.entries(kind), name), f"both announce the {_ONE[kind]} {name!r}"))
        return found

    def load(self, kind: Kind, name: str) -> Any:
        """The object announced as `name`, imported now if it was not before.

        Raises:
            UnknownName: nothing is announced by that name; offers the nearest.
            PluginError: it is announced twice, or its import fails; names the distribution or file.
        """
        if (kind, name) not in self._loaded:
            self._loaded[kind, name] = self._load(kind, name)
        return self._loaded[kind, name]

    def source(self, kind: Kind, name: str) -> str:
        """The distribution or file that announces `name`; '' for what is not announced (a path, a Gymnasium id)."""
        return next((entry.source for entry in self.entries(kind) if entry.name == name), "")

    def _load(self, kind: Kind, name: str) -> Any:
        entries = self.entries(kind)
        matching = [entry for entry in entries if entry.name == name]
        if not matching:
            broken = "".join(f"; {failure.source} failed: {failure.reason}" for failure in self._filed[1])
            raise UnknownName.of_kind(_ONE[kind], name, [entry.name for entry in entries], f"see sandbox list{broken}")
        if len(matching) > 1:
            raise PluginError(f"{_sources(entries, name)} both announce the {_ONE[kind]} {name!r}: remove one of them")
        entry = matching[0]
        if entry.found is not None:
            return entry.found
        return resolve(entry.reference, f"{_ONE[kind]} {name!r} of {entry.source}")

    @cached_property
    def _filed(self) -> tuple[list[Entry], list[Failure]]:
        """Plugins and failures of the directories; imports their files, each on its own."""
        entries: list[Entry] = []
        failures: list[Failure] = []
        for directory in self.directories:
            if not directory.is_dir():
                raise InputError(f"--plugins-dir {directory}: no such directory")
            for path in sorted(directory.glob("*.py")):
                if path.name.startswith(("test_", "_")) or path.name == "conftest.py":
                    continue
                try:
                    module = import_file(path)
                    entries.extend(_announced(module, path))
                except PluginError as error:
                    failures.append(Failure(str(path), str(error.__cause__ or error)))
        return entries, failures


def _distribution(found: metadata.Distribution | None) -> str:
    return f"{found.name} {found.version}" if found else "an unknown distribution"


def _announced(module: ModuleType, path: Path) -> list[Entry]:
    entries = []
    for kind in KINDS:
        mapping = getattr(module, kind.upper(), {})
        if not isinstance(mapping, dict):
            raise PluginError(f"{path}: {kind.upper()} must be a dict from id to object, not {type(mapping).__name__}")
        for name, found in mapping.items():
            entries.append(Entry(kind, str(name), str(path), getattr(found, "__name__", type(found).__name__), found))
    return entries


def _sources(entries: Sequence[Entry], name: str) -> str:
    return " and ".join(entry.source for entry in entries if entry.name == name)


def import_file(path: Path) -> ModuleType:
    """The module in a file, under a name that no other file has.

    Raises:
        PluginError: it cannot be read or imported; `__cause__` is the reason.
    """
    path = path.resolve()
    name = f"sandbox_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PluginError(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pydantic look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plugin may do anything, also leave the process
        del sys.modules[name]
        raise PluginError(f"{path} cannot be imported: {_reason(error)}") from Told(_reason(error))
    return module


class Told(Exception):
    """The reason of a failed import, as one line."""


def resolve(reference: str, what: str) -> Any:
    """The object behind `module:object` or `file.py:object`.

    Raises:
        PluginError: the import fails, or the module has no such object; begins with `what`.
    """
    place, _, attribute = reference.rpartition(":")
    if not place or not attribute:
        raise PluginError(f"{what}: {reference!r} is not of the form module:object or file.py:object")
    try:
        module = import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # as above
        raise PluginError(f"{what} cannot be imported: {_reason(error)}") from error
    try:
        found: Any = module
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        names = [name for name in vars(module) if not name.startswith("_")]
        raise PluginError(f"{what}: {place} has no {attribute!r} (it has: {', '.join(names[:12])})") from None
    return found


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
