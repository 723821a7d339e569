"""What importers give: other systems' records, to be played again through an environment, or as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from sandbox.scenario import Frozen
from sandbox.scorer import Card
from sandbox.trace import UNUSED, EpisodeSpec, Status, Step, Usage


class Record(Frozen):
    """One episode as somebody else recorded it.

    Attributes:
        environment: id of the environment that it is played through.
        config: fields of the environment's config.
        item: the item's whole content.
        agent: the name of whoever answered.
        agents: seat -> the same, where the seats had different ones; a seat left out had `agent`.
        answers: seat -> its answers in the order of its turns: a move (`kind` and fields), or None where the source has
            an answer that could not be read, which is recorded as unparsed.
        nature: chance as it fell, a move per draw, in order.
        external_id: the source's own id; unique within the import.
    """

    environment: str
    config: Mapping[str, Any] = {}
    item: Mapping[str, Any] = {}
    agent: str
    agents: Mapping[str, str] = {}
    answers: Mapping[str, tuple[Mapping[str, Any] | None, ...]]
    nature: tuple[Mapping[str, Any], ...] = ()
    external_id: str
    seed: int = 0
    framing: Literal["lived", "hypothetical"] = "lived"


class Importer(Protocol):
    """A plugin of the group `sandbox.importers`: reads files of one format.

    Attributes:
        options: option -> what it takes, such as `{"value_map": "path"}`; each becomes an option of `sandbox import`
            (`--value-map PATH`) and a keyword argument of `records`, None where it was not given.
    """

    options: ClassVar[Mapping[str, str]]

    def records(self, path: Path, **options: str | None) -> Iterator[Record]:
        """The file's episodes, in its order.

        Raises:
            DatasetError: lists every fault with its row and column, before the first record is given; an id that is
                there twice is one.
        """
        ...


# -- recorded traces -----------------------------------------------------------------------------------------------


INVALIDATED = "invalidated"
"""What the reason begins with where people said afterwards that an episode is not to count."""


class Ending(Frozen):
    """What came of an episode that somebody else recorded; see `sandbox.trace.Episode`.

    Attributes:
        cards: scorer -> what it said at the time. Such a scorer is known by its name alone: nothing computes it again.
    """

    status: Status
    reason: str = ""
    payoffs: Mapping[str, float] = {}
    facts: Mapping[str, Any] = {}
    versions: Mapping[str, str] = {}
    usage: Usage = UNUSED
    cards: Mapping[str, Card] = {}


class RecordedTrace(Protocol):
    """An episode that is taken as it was recorded: nothing is played again, and `verify` says "not verifiable"."""

    @property
    def spec(self) -> EpisodeSpec:
        """What was recorded, of whom. Its environment need not be one that is installed."""
        ...

    def steps(self) -> Iterator[Step]:
        """The steps from the first, at each call; digests are left out. However many, one at a time is in memory.

        Raises:
            DatasetError: the record turns out to be damaged: the episode ends there, in an error.
        """
        ...

    def ending(self) -> Ending:
        """How it ended; asked for behind the last step."""
        ...

    def judged(self) -> Ending:
        """Status, payoffs and cards of `ending`, at any time: people and scorers may change them afterwards."""
        ...

    @property
    def written(self) -> float:
        """When, in seconds since 1970 or 0 for unknown: of an episode that is there twice the later record is taken."""
        ...


@dataclass
class Notes:
    """What an importer has to say beside what it gives.

    Attributes:
        faults: what could not be read, a line each that begins with the file's name.
        warnings: what could be read, and should be known of.
    """

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class TraceImporter(Protocol):
    """A plugin of the group `sandbox.importers` too: reads files of a format that holds whole traces.

    Attributes:
        options: as those of `Importer`.
    """

    options: ClassVar[Mapping[str, str]]

    def traces(self, path: Path, notes: Notes, **options: str | None) -> Iterator[RecordedTrace]:
        """The episodes of a file, or of all files in a folder, in order; each is small until its steps are asked for.

        Raises:
            DatasetError: there is nothing to be read at all.
        """
        ...
