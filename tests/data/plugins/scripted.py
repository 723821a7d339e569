"""Agents of the recorded store: one that gets into trouble at a step known beforehand, one that says what it thinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from sandbox.agent import Agent, Reply, Turn
from sandbox.menu import moves
from sandbox.scenario import Frozen


class TroubleConfig(Frozen):
    """At which of its turns, from 1, what happens; 0: never. At all others it takes the first move of the menu."""

    refuses: int = Field(0, ge=0)
    invalid: int = Field(0, ge=0)
    fails: int = Field(0, ge=0)


class Trouble(Agent[TroubleConfig]):
    """Refuses at one turn, is once corrected at another, raises at a third."""

    Config = TroubleConfig

    def __init__(self, config: TroubleConfig) -> None:
        super().__init__(config)
        self._turns = 0

    def act(self, turn: Turn) -> Reply:
        """The first move of the menu, but for the turns of the settings."""
        self._turns += not turn.errors
        if self._turns == self.config.fails:
            raise ValueError("the graph has no node 'model'")
        if self._turns == self.config.refuses:
            return Reply(None, "I would rather not go on with this.", refused=True)
        if self._turns == self.config.invalid and not turn.errors:
            return Reply({"kind": "fly", "height": 3}, "I fly away.")
        return Reply(next(moves(turn.menu)), "I go on.")


class TellingConfig(Frozen):
    """Its moves, the first one first, as traces have them; and what it says at some of its turns, from 1."""

    moves: tuple[Mapping[str, Any], ...]
    says: Mapping[int, str] = {}


class Telling(Agent[TellingConfig]):
    """Plays moves whatever happens, and says things beside them."""

    Config = TellingConfig
    verbatim: ClassVar[tuple[str, ...]] = ("moves", "says")

    def __init__(self, config: TellingConfig) -> None:
        super().__init__(config)
        self._turns = 0

    def act(self, turn: Turn) -> Reply:
        """The next move."""
        self._turns += not turn.errors
        return Reply(self.config.moves[self._turns - 1], self.config.says.get(self._turns, ""))


AGENTS = {"test/trouble": Trouble, "test/telling": Telling}
