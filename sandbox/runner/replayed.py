"""Recorded answers played through the real environment again: how traces are verified and records imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.menu import InvalidAction
from sandbox.runner.loop import EndOfRecord, TimedOut
from sandbox.trace import NO_ANSWER, Episode, Step

RECORDED = "recorded"
"""The id of an agent that is known from its record only."""
Answers = Sequence[tuple[Mapping[str, Any] | None, str]]
"""In order of the seat's turns: the action (None where there was none), and the outcome (`valid`, `unparsed`, ...)."""


class RecordedAgent(Agent[NoConfig]):
    """Gives recorded answers in order; what was no answer then is no answer now."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(NoConfig())
        self._answers = iter(answers)
        self._current: tuple[Mapping[str, Any] | None, str] = (None, "unparsed")

    def act(self, turn: Turn) -> Reply:
        """The next answer; the same one again when the turn is asked again.

        Raises:
            EndOfRecord: the record has no more.
            TimedOut: it was a timeout.
        """
        if not turn.errors:
            following = next(self._answers, None)
            if following is None:
                raise EndOfRecord
            self._current = following
        action, outcome = self._current
        if outcome == "timeout":
            raise TimedOut
        if outcome in NO_ANSWER:
            fault = None if outcome != "invalid" else InvalidAction("illegal", "recorded as invalid")
            return Reply(None, refused=outcome == "refusal", error=fault)
        return Reply(action)

    def witness(self, turn: Turn, reply: Reply) -> None:
        """Somebody else's answer takes the place of the next."""
        next(self._answers, None)


def recorded_agents(episode: Episode) -> dict[str, Agent[Any]]:
    """An agent for each seat of a trace that decides as it decided then."""
    return {seat: RecordedAgent(answers_of(episode.steps, seat)) for seat in episode.spec.seats}


def recorded_chance(steps: Iterable[Step]) -> list[Mapping[str, Any]]:
    """Nature's moves, in order."""
    return [step.applied for step in steps if step.outcome == "chance"]


def answers_of(steps: Iterable[Step], seat: str) -> list[tuple[Mapping[str, Any] | None, str]]:
    """What a seat answered, in order."""
    return [(step.decision.move if step.decision else None, step.outcome) for step in steps if step.seat == seat]
