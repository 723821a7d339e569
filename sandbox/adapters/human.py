"""A person as an agent (`human:NAME`): each turn is put before them at a desk, and what they submit is the answer.

What a person mends in a form before it is submitted is no answer yet, and counts for nothing but the `slips` of the
event `person`, which stands in every step that a person decided: `name`, `seconds` (how long they took), `slips`, and
`replayed` where an earlier attempt at the episode had the answer: nobody is asked twice.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.errors import InputError, ModelError, PluginError
from sandbox.menu import InvalidAction
from sandbox.trace import Step

PREFIX = "human:"
PERSON = "person"
"""The kind of the event that says who decided, and how long it took."""


@dataclass(frozen=True)
class Past:
    """A decision of one's own, as the person who made it may know it.

    Attributes:
        number: of the step, from 1.
        text: what they saw.
        move: what took effect; outcome: as in `sandbox.trace.Step`.
    """

    number: int
    text: str
    move: Mapping[str, Any]
    outcome: str


@dataclass(frozen=True)
class Question:
    """All that is put before a person: what the seat may know, and nothing else.

    Attributes:
        person: who is to answer.
        turn: what the seat sees and may do.
        environment: its id.
        others: names of the other seats.
        past: the person's own decisions in the episode, oldest first.
        deadline: when the episode's time is over, by `time.monotonic()`; None: never.
        surface: the seat is shown another form of its observation than its fields (a page, a picture): then they are
            not to be shown beside it.
    """

    person: str
    turn: Turn
    environment: str = ""
    others: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    deadline: float | None = None
    surface: bool = False


@dataclass(frozen=True)
class Submitted:
    """What came back from the desk: the answer, and how often it had to be mended before."""

    reply: Reply
    slips: int = 0


class Desk(Protocol):
    """Where people sit: a screen, or lines of text."""

    async def ask(self, question: Question) -> Submitted:
        """Put a question before a person; where several are asked at once, one after the other.

        Raises:
            Left: they went away.
        """
        ...


class Left(BaseException):
    """The person has left: an interruption, and no error of the episode, which stays to be run."""


class HumanAgent(Agent[NoConfig]):
    """A person at a desk.

    Args:
        name: who it is.
        desk: where they sit; None: nowhere.

    Raises:
        ModelError: nobody sits anywhere.
    """

    def __init__(self, name: str, desk: Desk | None) -> None:
        super().__init__(NoConfig())
        if desk is None:
            raise ModelError(
                f"{PREFIX}{name} is a person, and there is no terminal to ask them at: run it in one "
                "(sandbox run FILE, or sandbox play ENVIRONMENT), with the executor local"
            )
        self.name = name
        self._desk = desk
        self._seat = _Seat()

    def sit(
        self,
        seat: str,
        environment: str,
        others: Sequence[str],
        earlier: Sequence[Step] = (),
        deadline: float | None = None,
        *,
        surface: bool = False,
        kept: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Take a seat in an episode.

        Args:
            seat: which one.
            environment: its id.
            others: the other seats.
            earlier: steps of an earlier attempt at the episode, whose answers are given again.
            deadline: see `Question`.
            surface: see `Question`.
            kept: returns when all steps so far are in the store: who sees the next question knows that they are.
        """
        own = {step.index: step for step in earlier if step.seat == seat}
        self._seat = _Seat(seat, environment, tuple(others), own, deadline, surface, kept=kept)

    async def act(self, turn: Turn) -> Reply:
        """What the person submits, or submitted in an earlier attempt where all was the same."""
        recorded = self._recorded(turn)
        if recorded is not None:
            return recorded
        at = self._seat
        if at.kept is not None:
            await at.kept()
        began = time.monotonic()
        question = Question(
            person=self.name,
            turn=turn,
            environment=at.environment,
            others=at.others,
            past=tuple(at.past),
            deadline=at.deadline,
            surface=at.surface,
        )
        submitted = await self._desk.ask(question)
        seconds = round(time.monotonic() - began, 3)
        turn.emit(PERSON, {"name": self.name, "seconds": seconds, "slips": submitted.slips, "replayed": False})
        return submitted.reply

    def note(self, step: Step) -> None:
        """Learn of a step of the episode what its seat may: its own decision; not what it paid, as no model is told."""
        at = self._seat
        if step.seat == at.seat:
            at.past.append(Past(step.index + 1, step.text, step.applied, step.outcome))

    def fork(self) -> HumanAgent:
        """No person can be asked without knowing of it.

        Raises:
            PluginError: always.
        """
        raise PluginError(f"{self.name} is a person, who cannot be asked beside the episode and not remember it")

    def _recorded(self, turn: Turn) -> Reply | None:
        """The answer of an earlier attempt; None where there is none, or where something else was seen then."""
        step = self._seat.earlier.get(turn.index)
        if step is None:
            return None
        if turn.observation.model_dump(mode="json") != dict(step.observation):
            unused = sum(index >= turn.index for index in self._seat.earlier)
            self._seat.earlier.clear()  # the episode takes another way: what was answered there is no answer here
            turn.emit("divergence", {"answered": len(self._seat.past), "unused": unused})
            return None
        told = [event.data for event in step.events if event.kind == PERSON]
        refused = [event.data for event in step.events if event.kind == "invalid"]
        answered = len(turn.errors)
        if answered < len(refused):
            fault = refused[answered]
            self._tell_again(turn, told[answered : answered + 1])
            return Reply(None, fault.get("said", ""), error=InvalidAction(fault["code"], fault["message"]))
        if step.outcome == "timeout" or (step.decision is None and step.outcome != "refusal"):
            return None
        self._tell_again(turn, told[answered:])
        if step.decision is None:
            return Reply(None, step.said, refused=True)
        return Reply(step.decision.move, step.said)

    @staticmethod
    def _tell_again(turn: Turn, told: Sequence[Mapping[str, Any]]) -> None:
        for data in told:
            turn.emit(PERSON, {**data, "replayed": True})


@dataclass
class _Seat:
    """Where a person sits in the running episode, and what they know of it."""

    seat: str = ""
    environment: str = ""
    others: tuple[str, ...] = ()
    earlier: dict[int, Step] = field(default_factory=dict)
    deadline: float | None = None
    surface: bool = False
    past: list[Past] = field(default_factory=list)
    kept: Callable[[], Awaitable[None]] | None = None


def name_in(agent: str) -> str | None:
    """The name in the id of an agent that is a person; None for all other agents.

    Raises:
        InputError: there is no name in it.
    """
    if not agent.startswith(PREFIX):
        return None
    name = agent.removeprefix(PREFIX)
    if not name.strip() or not name.isprintable():
        raise InputError(f"agent {agent!r}: a person has a name: {PREFIX}ann")
    return name
