"""The Surface contract: another way than text for a seat to see its observation, and to act; a browser, say.

A surface never changes what is true. The scenario's own state machine makes the observation and takes the move; at the
runner's edge a *presenter* shows that observation to the agent in another form (a tree, a picture), and lowers what the
agent does there (a click) to one of the scenario's moves. So the same policy leaves the same trace hash on every
surface: the hash covers observations and moves, never pixels. What was shown and done is recorded as events: `view`
(`surface`, and of a picture `media`, `base64`, `width`, `height`), `gesture` (what was done, and the move it came to).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from sandbox.agent import Picture as Picture
from sandbox.agent import Turn
from sandbox.menu import InvalidAction


class Presenter(ABC):
    """Shows one seat of one episode what it sees, and lowers what it does there."""

    @abstractmethod
    async def show(self, turn: Turn) -> Turn:
        """The turn as the agent is to see it: `sandbox.agent.changed(turn, text=..., pictures=..., menu=...)`.

        Called once a turn, before the agent is asked. Events go to `turn.emit`.

        Raises:
            BrowserError: what shows it cannot be started: nothing is wrong with the episode, which stays to be run.
        """

    @abstractmethod
    async def lower(self, raw: object, turn: Turn) -> object | Turn | InvalidAction:
        """What an answer means.

        An answer that is a move (or a dict that may be one) is given back as it is, or as what came of doing it; the
        scenario reads it. A gesture that means a move gives the move; one that means none (a scroll) gives the turn as
        it is to be seen now, and the agent is asked again, which is no error. It must end: after so many gestures
        without a move, or where a gesture hits nothing, it is an `InvalidAction`.
        """

    def imagined(self, raw: object, turn: Turn) -> object | InvalidAction:
        """The same for a fork of the agent, whose answers have no effect: nothing is pressed. By default `raw`."""
        return raw

    async def close(self) -> None:
        """The episode is over."""
        return


class Surface(ABC):
    """Opens presenters; what is dear (a browser) is shared by the episodes that a worker plays.

    A scenario names its surface in `Scenario.surface(config)`. Surfaces that are equal are one: make it a frozen
    dataclass of settings.
    """

    @abstractmethod
    async def open(self, seat: str, episode: str) -> Presenter:
        """A presenter for a seat of an episode.

        Raises:
            BrowserError: as `Presenter.show`.
        """

    async def close(self) -> None:
        """The worker is done; also called where nothing was opened."""
        return
