"""The episode loop, one for every kind of environment: observe, menu, act, apply, reward; each step to the recorder."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sandbox.agent import Agent, Answer, Reply, Turn
from sandbox.errors import ModelError, PluginError, StoreError
from sandbox.menu import InvalidAction, Move, MoveRange, describe, moves
from sandbox.play import Draw
from sandbox.scenario import NATURE, Appraisal, Benchmark
from sandbox.text import canonical
from sandbox.trace import Episode, EpisodeSpec, Event, MenuEntry, Outcome, Provenance, Status, Step

Record = Callable[[Step], None]


class EndOfRecord(Exception):
    """A recorded agent has no more answers: the episode ends here, as its record does."""


class TimedOut(Exception):
    """The episode's time was over before the agent answered (an agent's own `TimeoutError` is its error)."""


class World(Protocol):
    """A running episode of any environment, as the loop needs it; see `Play`, the usual one, for the methods."""

    seats: tuple[str, ...]
    forfeited: bool
    truncated: bool

    def to_move(self) -> tuple[str, ...]:
        """The seats to move; nobody at the end."""

    def settle(self) -> list[Draw]:
        """Nature's moves, made."""

    def turn(self, seat: str, index: int, *, framing: Any, episode: str, privileged: bool) -> Turn:
        """What the seat is told."""

    def read(self, menu: Any, raw: object) -> Move | InvalidAction:
        """The legal move that an answer means."""

    def forfeit(self, seat: str) -> Move:
        """What happens where there is none."""

    def reference(self, seat: str) -> Move:
        """What carries a hypothetical episode on."""

    def appraise(self, seat: str, move: Move) -> Appraisal:
        """Ground truth on a move."""

    def apply(self, moves: Mapping[str, Move]) -> None:
        """One tick."""

    def payoffs(self) -> dict[str, float]:
        """Totals per seat."""

    def facts(self) -> dict[str, Any]:
        """What is true now."""

    def state_hash(self) -> str:
        """Hash of the state."""


@dataclass
class Decided:
    """What came of asking one seat."""

    turn: Turn
    menu: tuple[MenuEntry, ...]
    move: Move | None
    decision: MenuEntry | None
    outcome: Outcome
    said: str
    events: list[Event]
    state: str
    seconds: float


class EpisodeLoop:
    """Plays one episode and hands each step to `record` as soon as it is done.

    Args:
        spec: what is played.
        world: a fresh one, made of the specification.
        agents: seat -> agent, fresh ones.
        record: takes each step; must only enqueue.
    """

    def __init__(self, spec: EpisodeSpec, world: World, agents: Mapping[str, Agent[Any]], record: Record) -> None:
        self.spec = spec
        self.world = world
        self.agents = agents
        self.record = record
        self.steps: list[Step] = []
        self.tick = 0
        self._paid: Mapping[str, float] = {}
        self._digest = ""
        self._decisions = 0
        self._tokens = 0
        self._calls = 0
        self._began = time.monotonic()

    async def run(
        self, benchmarks: Mapping[str, Benchmark], versions: Mapping[str, str], provenance: Provenance = "executed"
    ) -> Episode:
        """The whole episode; an agent's or environment's exception is recorded as its error, never raised.

        Raises:
            ModelError: a model cannot be reached: nothing is wrong with the episode, which stays to be run.
        """
        status: Status = "finished"
        reason = ""
        facts: dict[str, Any] = {}
        payoffs: dict[str, float] = {}
        try:
            try:
                reason = await self._play()
            except EndOfRecord:
                reason = "the record ends here"
            world = self.world
            if reason or world.truncated:
                status, reason = "truncated", reason or "the environment's own limit"
            elif world.forfeited and self.spec.framing == "lived":
                status, reason = "forfeited", "a seat gave no legal answer, and the scenario declares nothing else"
            facts, payoffs = plain(world.facts(), "facts()"), world.payoffs()
        except (ModelError, StoreError):
            raise  # not the episode's fault: it stays to be run
        except (Exception, SystemExit) as error:  # a plugin may do anything: recorded, and the other episodes go on
            status, reason = "error", "".join(traceback.format_exception(error))[-4000:]
        return Episode(
            id=self.spec.key,
            spec=self.spec,
            status=status,
            reason=reason,
            steps=tuple(self.steps),
            payoffs={seat: value if math.isfinite(value) else 0.0 for seat, value in payoffs.items()},
            facts=facts,
            benchmarks=benchmarks,
            hash=self._digest,
            provenance=provenance,
            versions=versions,
            privileged=tuple(seat for seat, agent in self.agents.items() if agent.privileged),
        )

    async def _play(self) -> str:
        """Play to the end; the limit that cut it short, or ''."""
        self._paid = self.world.payoffs()
        self._chance()
        while seats := self.world.to_move():
            if reason := self._limit():
                return reason
            if len(seats) == 1:
                decided = [await self._decide(seats[0])]
            else:
                # All are waited for: a call that still runs when another seat has failed would outlive its episode.
                found = await asyncio.gather(*(self._decide(seat) for seat in seats), return_exceptions=True)
                decided = [one for one in found if isinstance(one, Decided)]
                for fault in found:
                    if isinstance(fault, BaseException):
                        raise fault
            self._take(seats, decided)
            self._chance()
        return ""

    def _limit(self) -> str:
        limits = self.spec.limits
        if limits.steps is not None and self._decisions >= limits.steps:
            return f"{limits.steps} steps"
        if limits.tokens is not None and self._tokens >= limits.tokens:
            return f"{limits.tokens} tokens"
        if limits.model_calls is not None and self._calls >= limits.model_calls:
            return f"{limits.model_calls} model calls"
        if limits.seconds is not None and time.monotonic() - self._began >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        return ""

    async def _decide(self, seat: str) -> Decided:
        agent = self.agents[seat]
        events: list[Event] = []
        evaluated = seat in self.spec.evaluated
        framing = self.spec.framing if evaluated else "lived"
        turn = self.world.turn(
            seat, len(self.steps), framing=framing, episode=self.spec.key, privileged=agent.privileged
        )
        turn = replace(turn, emit=lambda kind, data: events.append(Event(kind=kind, data=plain(data, f"event {kind}"))))
        menu = tuple(self._appraised(seat, move) for move in moves(turn.menu))
        state, began, said = self.world.state_hash(), time.monotonic(), ""
        move: Move | None = None
        outcome: Outcome = "invalid"
        for _ in range(max(1, self.spec.limits.attempts)):
            try:
                reply = await self._ask(agent, turn)
            except TimedOut:
                events.append(Event(kind="timeout", data={"seconds": self.spec.limits.seconds}))
                outcome = "timeout"
                break
            said = reply.text
            if reply.refused:
                events.append(Event(kind="refusal", data={"text": reply.text}))
                outcome = "refusal"
                break
            read = reply.error or self.world.read(turn.menu, reply.action)
            if not isinstance(read, InvalidAction):
                move, outcome = read, "abstention" if read.abstains else "valid"
                break
            events.append(Event(kind="invalid", data={"code": read.code, "message": read.message, "said": reply.text}))
            outcome = "unparsed" if read.code == "unparsed" else "invalid"
            turn = replace(turn, errors=(*turn.errors, read))
        seconds = time.monotonic() - began
        self._count(events)
        decision = None if move is None else self._appraised(seat, move)
        return Decided(turn, menu, move, decision, outcome, said, events, state, seconds)

    def _appraised(self, seat: str, move: Move) -> MenuEntry:
        return MenuEntry(move=move.model_dump(mode="json"), appraisal=self.world.appraise(seat, move))

    async def _ask(self, agent: Agent[Any], turn: Turn) -> Reply:
        try:
            answer = agent.act(turn)
        except SystemExit as error:  # where seats move at once this is a task, and asyncio would let it end the program
            raise PluginError(f"the agent tried to end the program (exit code {error.code})") from error
        if inspect.isawaitable(answer):
            limit = self.spec.limits.seconds
            left = None if limit is None else max(limit - (time.monotonic() - self._began), 0.001)
            try:
                async with asyncio.timeout(left) as timer:
                    answer = await answer
            except TimeoutError:
                if timer.expired():
                    raise TimedOut from None
                raise
        return as_reply(answer)

    def _count(self, events: list[Event]) -> None:
        for event in events:
            if event.kind == "model_call":
                self._calls += 1
                self._tokens += int(event.data.get("tokens", {}).get("total", 0))

    def _take(self, seats: tuple[str, ...], decided: list[Decided]) -> None:
        """Let the tick take effect, and record a step for each of its seats; the last carries the rewards."""
        world = self.world
        applied: dict[str, Move] = {}
        for seat, one in zip(seats, decided, strict=True):
            hypothetical = self.spec.framing == "hypothetical" and seat in self.spec.evaluated
            if hypothetical:
                applied[seat] = world.reference(seat)
            else:
                applied[seat] = one.move if one.move is not None else world.forfeit(seat)
        world.apply(applied)
        rewards, broken = self._rewards()
        for position, (seat, one) in enumerate(zip(seats, decided, strict=True)):
            last = position == len(seats) - 1
            if last and broken:
                one.events.append(Event(kind="reward_invalid", data={"seats": broken}))
            self._keep(
                Step(
                    index=len(self.steps),
                    tick=self.tick,
                    seat=seat,
                    observation=one.turn.observation.model_dump(mode="json"),
                    text=one.turn.text,
                    menu=one.menu,
                    ranges=tuple(describe((entry,)) for entry in one.turn.menu if isinstance(entry, MoveRange)),
                    decision=one.decision,
                    applied=applied[seat].model_dump(mode="json"),
                    outcome=one.outcome,
                    rewards=rewards if last else {},
                    state=one.state,
                    said=one.said,
                    events=tuple(one.events),
                    seconds=one.seconds,
                )
            )
            self._decisions += 1
        self.tick += 1

    def _chance(self) -> None:
        draws = self.world.settle()
        if not draws:
            return
        rewards, _ = self._rewards()
        for position, draw in enumerate(draws):
            self._keep(
                Step(
                    index=len(self.steps),
                    tick=self.tick,
                    seat=NATURE,
                    text=draw.name,
                    applied=draw.move.model_dump(mode="json"),
                    outcome="chance",
                    rewards=rewards if position == len(draws) - 1 else {},
                    state=draw.state,
                )
            )
            self.tick += 1

    def _rewards(self) -> tuple[dict[str, float], list[str]]:
        """What was paid since the last call: differences that are not 0, and the seats whose is no finite number.

        Those are recorded as an event, since a database would make a NaN a NULL.
        """
        before, self._paid = self._paid, self.world.payoffs()
        rewards, broken = {}, []
        for seat, total in self._paid.items():
            difference = total - before[seat]
            if not math.isfinite(difference):
                broken.append(seat)
            elif difference:
                rewards[seat] = difference
        return rewards, broken

    def _keep(self, step: Step) -> None:
        self._digest = step.digest_after(self._digest)
        step = step.model_copy(update={"digest": self._digest})
        self.steps.append(step)
        self.record(step)


def plain(value: Any, what: str) -> Any:
    """What a plugin wants recorded, as JSON values: here its fault is its own, and not the store's.

    Raises:
        PluginError: it holds something else.
    """
    try:
        return json.loads(canonical(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"{what} must hold JSON values: {error}") from error


def as_reply(answer: Answer) -> Reply:
    """An agent's answer in its full form."""
    return answer if isinstance(answer, Reply) else Reply(action=answer)
