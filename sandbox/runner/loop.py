"""The episode loop, one for every kind of environment: observe, menu, act, apply, reward; each step to the recorder."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from sandbox.adapters.prices import Prices
from sandbox.agent import PLAYING, Agent, Emit, Plain, Reply, Turn, changed
from sandbox.errors import BrowserError, ModelError, PluginError, StoreError
from sandbox.menu import InvalidAction, Move
from sandbox.play import Draw
from sandbox.runner.asks import Understand, asked, forked, was_it_a_test
from sandbox.runner.limits import Meter
from sandbox.scenario import NATURE, Benchmark
from sandbox.surface import Presenter
from sandbox.text import as_json
from sandbox.told import Answered, Made, Record, Told, made
from sandbox.trace import ASKED, Ask, Episode, EpisodeSpec, Event, Outcome, Provenance, Status, Step, trusted

Recorder = Callable[[Step], None]
RECORD_ENDS = "the record ends here"  # the reason of an episode for which no more was recorded
_AT_ONCE = frozenset({Reply, dict, type(None)})  # answers that need no waiting for; all else is looked at closely


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

    def draw_by(self, name: str) -> None:
        """What nature draws by from now on, in a fork."""

    def turn(self, seat: str, index: int, *, framing: Any, episode: str, privileged: bool, emit: Emit) -> Turn:
        """What the seat is told."""

    def told(self, seat: str) -> Told:
        """The same, with how it is recorded."""

    def answered(self, seat: str, raw: object) -> Answered | InvalidAction:
        """The legal move that an answer means, with its ground truth."""

    def forfeit(self, seat: str) -> Move:
        """What happens where there is none."""

    def reference(self, seat: str) -> Move:
        """What carries a hypothetical episode on."""

    def apply(self, moves: Mapping[str, Move], forms: Mapping[str, Made] | None = None) -> None:
        """One tick; `forms`: the moves in all their forms."""

    def payoffs(self) -> Mapping[str, float]:
        """Totals per seat; not to be changed."""

    def facts(self) -> dict[str, Any]:
        """What is true now."""

    def state_hash(self) -> str:
        """Hash of the state."""


class Decided(NamedTuple):
    """What came of asking one seat; `answered` is None where no answer was legal."""

    seat: str
    told: Record
    answered: Answered | None
    outcome: Outcome
    said: str
    events: list[Event]
    state: str
    seconds: float


class _Heard(NamedTuple):
    """What came of asking an agent, again where its answer was not legal; as in `Decided`."""

    answered: Answered | None
    outcome: Outcome
    said: str


class EpisodeLoop:
    """Plays one episode and hands each step to `record` as soon as it is done.

    Args:
        spec: what is played.
        world: a fresh one, made of the specification.
        agents: seat -> agent, fresh ones.
        record: takes each step; must only enqueue.
        prices: of models; those that are known by themselves, if left out.
        presenters: seat -> what shows it its observations, where that is not the text alone.
        chance: what the agents' luck is keyed by, where that is not the episode's key.
    """

    def __init__(
        self,
        spec: EpisodeSpec,
        world: World,
        agents: Mapping[str, Agent[Any]],
        record: Recorder,
        prices: Prices | None = None,
        presenters: Mapping[str, Presenter] | None = None,
        chance: str = "",
    ) -> None:
        self.spec = spec
        self.world = world
        self.agents = agents
        self.record = record
        self.steps: list[Step] = []
        self.tick = 0
        self._paid: Mapping[str, float] = {}
        self._finite = False  # all that was paid so far
        self._presenters = presenters or {}
        self._chance_key = "" if chance == spec.key else chance
        self._digest = ""
        self._decisions = 0
        self._meter = Meter(spec.limits, prices or Prices())
        self._asks = spec.asks if spec.framing == "lived" else ()
        self._began = time.monotonic()

    async def run(
        self,
        benchmarks: Mapping[str, Benchmark],
        versions: Mapping[str, str],
        provenance: Provenance = "executed",
        attempt: int = 1,
    ) -> Episode:
        """The whole episode; an agent's or environment's exception is recorded as its error, never raised.

        Raises:
            ModelError, BrowserError: a model or a browser cannot be reached: nothing is wrong with the episode, which
                stays to be run.
        """
        status: Status = "finished"
        reason = ""
        facts: dict[str, Any] = {}
        payoffs: Mapping[str, float] = {}
        try:
            try:
                reason = await self._play()
            except EndOfRecord:
                reason = RECORD_ENDS
            world = self.world
            if reason or world.truncated:
                status, reason = "truncated", reason or "the environment's own limit"
            elif world.forfeited and self.spec.framing == "lived":
                status, reason = "forfeited", "a seat gave no legal answer, and the scenario declares nothing else"
            facts, payoffs = plain(world.facts(), "facts()"), world.payoffs()
        except (ModelError, BrowserError, StoreError):
            raise  # not the episode's fault: it stays to be run
        # A plugin may do anything: recorded, and the other episodes go on.
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_interrupted():
                raise
            status, reason = "error", "".join(traceback.format_exception(error))[-4000:]
        fields = {
            "id": self.spec.key,
            "spec": self.spec,
            "status": status,
            "reason": reason,
            "steps": tuple(self.steps),
            "payoffs": {seat: value if math.isfinite(value) else 0.0 for seat, value in payoffs.items()},
            "facts": facts,
            "benchmarks": benchmarks,
            "hash": self._digest,
            "attempt": attempt,
            "provenance": provenance,
            "versions": versions,
            "privileged": tuple(seat for seat, agent in self.agents.items() if agent.privileged),
            "usage": self._meter.usage,
            "position": 0,
            "annotations": (),
        }
        return trusted(Episode, fields)

    async def _play(self) -> str:
        """Play to the end; the limit that cut it short, or ''."""
        self._paid = self.world.payoffs()
        await self._chance()
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
            await self._take(decided)
            await self._chance()
        return ""

    def _limit(self) -> str:
        limits = self.spec.limits
        if limits.steps is not None and self._decisions >= limits.steps:
            return f"{limits.steps} steps"
        if limits.seconds is not None and time.monotonic() - self._began >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        return self._meter.reached() if self._meter.calls else ""

    async def _decide(self, seat: str) -> Decided:
        agent = self.agents[seat]
        events: list[Event] = []
        evaluated = seat in self.spec.evaluated
        world, told = self.world, self.world.told(seat).record()
        turn, understand = self._turn(seat, agent, events), partial(world.answered, seat)
        presenter = self._presenters.get(seat)
        if presenter is not None:
            turn = await presenter.show(turn)
        if evaluated and "hypothetical" in self._asks and len(told.entries) + len(told.ranges) > 1:
            asked = changed(turn, framing="hypothetical")
            await self._ask("hypothetical", agent, asked, _imagined(presenter, asked, understand), events)
        state, began = world.state_hash(), time.monotonic()
        try:
            answered, outcome, said = await self._answer(agent, turn, understand, events, presenter)
        except ModelError as error:
            error.agent = self.spec.seats[seat].name
            raise
        seconds = time.monotonic() - began
        if events:
            self._meter.count(events)
        return Decided(seat, told, answered, outcome, said, events, state, seconds)

    def _turn(self, seat: str, agent: Agent[Any], events: list[Event]) -> Turn:
        """What the seat is told, as it stands in the text; what its agent records goes into `events`."""
        spec = self.spec
        framing = spec.framing if seat in spec.evaluated else "lived"
        index, emit = len(self.steps), _recorded(events)
        turn = self.world.turn(seat, index, framing=framing, episode=spec.key, privileged=agent.privileged, emit=emit)
        chance = self._chance_of(seat)
        return changed(turn, chance=chance) if chance else turn

    def _chance_of(self, seat: str) -> str:
        """What a seat's luck is keyed by now; '' for the episode's key."""
        return self._chance_key

    async def _answer(
        self,
        agent: Agent[Any],
        turn: Turn,
        understand: Understand,
        events: list[Event],
        presenter: Presenter | None = None,
    ) -> _Heard:
        """Ask until an answer is legal, as often as the limits allow; what was wrong goes into `events`."""
        said = ""
        answered: Answered | None = None
        outcome: Outcome = "invalid"
        left = self.spec.limits.attempts
        while left:
            try:
                answer = self._asked(agent, turn)
                if type(answer) not in _AT_ONCE:
                    answer = await self._awaited(answer)
            except TimedOut:
                events.append(Event(kind="timeout", data={"seconds": self.spec.limits.seconds}))
                outcome = "timeout"
                break
            raw: object
            if type(answer) is Reply:
                said = answer.text
                if not isinstance(said, str):
                    raise PluginError(f"the agent's words are {type(said).__name__}, and not a text")
                if answer.refused:
                    events.append(Event(kind="refusal", data={"text": said}))
                    outcome = "refusal"
                    break
                raw, fault = answer.action, answer.error
            else:
                raw, said, fault = answer, "", None
            if presenter is not None and fault is None:
                raw = await presenter.lower(raw, turn)
                if isinstance(raw, Turn):  # nothing but another look at the same
                    turn = changed(raw, looks=turn.looks + 1)
                    continue
                fault = raw if isinstance(raw, InvalidAction) else None
            found = fault or understand(raw)
            if not isinstance(found, InvalidAction):
                answered, outcome = found, found.outcome
                break
            events.append(Event(kind="invalid", data={"code": found.code, "message": found.message, "said": said}))
            outcome = "unparsed" if found.code == "unparsed" else "invalid"
            turn = changed(turn, errors=(*turn.errors, found))
            left -= 1
        return _Heard(answered, outcome, said)

    async def _ask(
        self, question: Ask, agent: Agent[Any], turn: Turn, understand: Understand, events: list[Event]
    ) -> None:
        """Put a question to a fork of the agent; what it did and said goes into `events`.

        A fork that fails has given no answer: the episode goes on as it would have without the question. So it does
        where the fork took long: its time is not the episode's.
        """
        began = time.monotonic()
        faults: list[Event] = []
        heard = _Heard(None, "invalid", "")
        messages: list[str] = []
        try:
            fork, turn = forked(agent, turn, question, _recorded(events))
            heard = await self._answer(fork, turn, understand, faults)
        except (ModelError, BrowserError, StoreError):
            raise
        except (Exception, SystemExit) as error:  # a plugin may do anything
            messages = [f"the fork failed: {type(error).__name__}: {error}"]
        messages = [str(fault.data["message"]) for fault in faults if fault.kind == "invalid"] + messages
        events.append(asked(question, turn.seat, *heard, messages))
        self._began += time.monotonic() - began

    async def _ask_at_the_end(self, of: int) -> list[Event]:
        """Ask each seat under evaluation, where that is wanted and the episode is over, whether it was a test.

        `of`: how many steps are about to be recorded.
        """
        events: list[Event] = []
        if "test" in self._asks and not self.world.to_move():
            for seat in self.spec.evaluated:
                agent, index, fork = self.agents[seat], len(self.steps), self.spec.fork
                lot = self._chance_key if fork is None else fork.chance_at(index + of, index + of)
                turn, understand = was_it_a_test(
                    seat, index, self.spec.key, self.spec.seed, lot, privileged=agent.privileged
                )
                await self._ask("test", agent, turn, understand, events)
            self._meter.count(events)
        return events

    def _asked(self, agent: Agent[Any], turn: Turn) -> Any:
        PLAYING.set(turn)  # seats that move at once are tasks, each with a context of its own
        try:
            return agent.act(turn)
        except SystemExit as error:  # where seats move at once this is a task, and asyncio would let it end the program
            raise PluginError(f"the agent tried to end the program (exit code {error.code})") from error

    async def _awaited(self, answer: Any) -> Any:
        if isinstance(answer, Reply | Move) or not inspect.isawaitable(answer):
            return answer
        limit = self.spec.limits.seconds
        if limit is None:
            return await answer
        try:
            async with asyncio.timeout(max(limit - (time.monotonic() - self._began), 0.001)) as timer:
                return await answer
        except TimeoutError:
            if timer.expired():
                raise TimedOut from None
            raise

    async def _take(self, decided: list[Decided]) -> None:
        """Let the tick take effect, and record a step for each of its seats; the last carries the rewards."""
        world = self.world
        asked = self.spec.evaluated if self.spec.framing == "hypothetical" else ()
        forms: dict[str, Made] = {}
        moves: dict[str, Move] = {}
        for one in decided:
            seat = one.seat
            if seat in asked:
                form = made(world.reference(seat))
            else:
                form = made(world.forfeit(seat)) if one.answered is None else one.answered.made
            forms[seat], moves[seat] = form, form.move
        world.apply(moves, forms)
        rewards, broken = self._rewards()
        if broken:
            decided[-1].events.append(Event(kind="reward_invalid", data={"seats": broken}))
        last = decided[-1]
        if self._asks:
            last.events.extend(await self._ask_at_the_end(len(decided)))
        for one in decided:
            form, told, answered = forms[one.seat], one.told, one.answered
            self._keep(
                {
                    "index": len(self.steps),
                    "tick": self.tick,
                    "seat": one.seat,
                    "observation": told.observation,
                    "text": told.text,
                    "menu": told.entries,
                    "ranges": told.ranges,
                    "decision": None if answered is None else answered.entry,
                    "applied": form.value,
                    "outcome": one.outcome,
                    "rewards": rewards if one is last else {},
                    "state": one.state,
                    "said": one.said,
                    "events": tuple(one.events),
                    "seconds": one.seconds,
                },
                told.written,
                b"null" if answered is None else answered.made.written,
                form.written,
            )
        self._decisions += len(decided)
        self.tick += 1

    async def _chance(self) -> None:
        if self.spec.fork is not None:
            self.world.draw_by(self.spec.fork.nature_at(len(self.steps)))
        draws = self.world.settle()
        if not draws:
            return
        rewards, _ = self._rewards()
        asked = await self._ask_at_the_end(len(draws)) if self._asks else ()
        for position, draw in enumerate(draws):
            self._keep(
                {
                    "index": len(self.steps),
                    "tick": self.tick,
                    "seat": NATURE,
                    "observation": {},
                    "text": draw.name,
                    "menu": (),
                    "ranges": (),
                    "decision": None,
                    "applied": draw.made.value,
                    "outcome": "chance",
                    "rewards": rewards if position == len(draws) - 1 else {},
                    "state": draw.state,
                    "said": "",
                    "events": tuple(asked) if position == len(draws) - 1 else (),
                    "seconds": 0.0,
                },
                None,  # the draw's name is all there is to share
                b"null",
                draw.made.written,
            )
            self.tick += 1

    def _rewards(self) -> tuple[dict[str, float], list[str]]:
        """What was paid since the last call: differences that are not 0, and the seats whose is no finite number.

        Those are recorded as an event, since a database would make a NaN a NULL.
        """
        before, self._paid = self._paid, self.world.payoffs()
        if self._finite and (before is self._paid or before == self._paid):
            return {}, []
        self._finite = all(map(math.isfinite, self._paid.values()))
        rewards, broken = {}, []
        for seat, total in self._paid.items():
            difference = total - before[seat]
            if not math.isfinite(difference):
                broken.append(seat)
            elif difference:
                rewards[seat] = difference
        return rewards, broken

    def _keep(self, fields: dict[str, Any], told: bytes | None, decided: bytes | None, applied: bytes | None) -> None:
        """Make the step of all its fields but the digest, whose parts are the rest, and hand it on."""
        fields["digest"] = ""
        step = trusted(Step, fields)
        self._digest = fields["digest"] = step.digest_of_parts(self._digest, told, decided, applied)
        self.steps.append(step)
        self.record(step)


def _is_interrupted() -> bool:
    """Whether the episode is cancelled, and not merely something that its agent waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _imagined(presenter: Presenter | None, turn: Turn, understand: Understand) -> Understand:
    """How a fork's answer is read: nothing that it does on a surface has an effect."""
    if presenter is None:
        return understand

    def read(raw: object) -> Answered | InvalidAction:
        meant = presenter.imagined(raw, turn)
        return meant if isinstance(meant, InvalidAction) else understand(meant)

    return read


def _recorded(events: list[Event]) -> Emit:
    """What puts an agent's events into `events`."""

    def emit(kind: str, data: Mapping[str, Any]) -> None:
        if kind == ASKED:
            raise PluginError(
                f"an agent recorded an event of kind {ASKED!r}, which only the runner may: call it otherwise"
            )
        told = dict(data) if type(data) is Plain else plain(data, f"event {kind}")
        events.append(trusted(Event, {"kind": kind, "data": told}))

    return emit


def plain(value: Any, what: str) -> Any:
    """What a plugin wants recorded, as JSON values: here its fault is its own, and not the store's.

    Raises:
        PluginError: it holds something else.
    """
    try:
        return as_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"{what} must hold JSON values: {error}") from error
