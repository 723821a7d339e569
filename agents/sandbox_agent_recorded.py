"""A record as a counterpart: moves that somebody made elsewhere, played again in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.agent import Agent, Reply, Turn
from sandbox.scenario import Frozen


class RecordedConfig(Frozen):
    """Settings of `Recorded`.

    Attributes:
        moves: the seat's moves, the first one first, each with its `kind` and fields, as traces have them (`applied`).
    """

    moves: tuple[Mapping[str, Any], ...]


class Recorded(Agent[RecordedConfig]):
    """Plays the recorded moves in their order, one a turn, whatever the others do.

    A move that is not legal here is answered all the same, and not replaced: it is recorded as invalid, and the
    scenario's forfeit happens. After the last move it has no answer, which is recorded as unparsed. What others could
    have got from it is open-loop: it does not react, and no best response to its *policy* is defined.
    """

    Config = RecordedConfig
    verbatim: ClassVar[tuple[str, ...]] = ("moves",)  # somebody may have written `${SECRET}`, to be told the secret

    def __init__(self, config: RecordedConfig) -> None:
        super().__init__(config)
        self._turns = 0

    def act(self, turn: Turn) -> Reply:
        """The next move; the same one again when it was not legal."""
        self._turns += not turn.errors
        place = self._turns - 1
        if place < len(self.config.moves):
            return Reply(self.config.moves[place])
        return Reply(None, text=f"the record of {len(self.config.moves)} moves ends here")
