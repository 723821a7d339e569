"""What an importer gives: other systems' records of episodes, to be played again through the real environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from sandbox.scenario import Frozen


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
