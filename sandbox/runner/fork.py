"""A fork as it is played: its agents live through what its parent recorded, and from its step on go their own way.

It is the usual loop, in which the decisions of the past are the record's. Of the agents that made them each is asked as
ever, and answered by its models out of the parent's journal, so that it comes to the step with what it had in mind
there, and nothing is paid for again; one that takes another's place, and one whose move is put in, is told of the
turns that were answered for it (`Agent.witness`). Each step of the past must come out as it is recorded.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.agent import PLAYING, Agent, Reply
from sandbox.errors import InputError, PluginError
from sandbox.menu import InvalidAction
from sandbox.runner.build import Builder
from sandbox.runner.loop import Decided, EpisodeLoop, World
from sandbox.runner.replayed import RECORDED, RecordedAgent, answers_of
from sandbox.scenario import NATURE
from sandbox.store import Store, StoredReply
from sandbox.told import Answered
from sandbox.trace import ASKED, AgentSpec, Episode, EpisodeSpec, Event, Fork, Provenance, Step

if TYPE_CHECKING:
    from sandbox.adapters.journal import Before

PEOPLE = "human:"
"""What ids of agents begin with that are people."""


class Branch:
    """What a fork takes from its parent.

    Args:
        spec: the fork's.
        parent: the whole episode that it leaves.
        store: where the replies to the parent are.

    Raises:
        InputError: the parent has no decision at the fork's step.
    """

    def __init__(self, spec: EpisodeSpec, parent: Episode, store: Store) -> None:
        assert spec.fork is not None
        self.spec, self.fork, self.parent = spec, spec.fork, parent
        at = self.fork.at
        if at >= len(parent.steps) or parent.steps[at].seat == NATURE:
            raise InputError(f"a fork of {parent.id[:12]} at step {at + 1}: no agent decides there")
        self.step = parent.steps[at]
        if self.fork.prefix and self.fork.prefix != parent.steps[at - 1].digest:
            raise InputError(
                f"a fork of {parent.id[:12]} at step {at + 1}: its parent has been played again since, and has other "
                "steps before that now; fork it once more"
            )
        of_tick = [step for step in parent.steps if step.tick == self.step.tick]
        self.first = of_tick[0].index
        self.kept = {
            (step.tick, step.seat): step
            for step in (*parent.steps[: self.first], *of_tick)
            if step.seat != NATURE and step is not self.step
        }
        """(tick, seat) -> the decisions that stay: all before, and those that were made at the same time."""
        self._store = store

    @classmethod
    def of(cls, spec: EpisodeSpec, store: Store) -> Branch:
        """The branch of a fork whose parent is in the store.

        Raises:
            UnknownName: it is not.
        """
        assert spec.fork is not None
        return cls(spec, store.episode(spec.fork.parent), store)

    @property
    def provenance(self) -> Provenance:
        """As of the parent: of an imported one, chance is what was recorded."""
        return self.parent.provenance

    def world(self, builder: Builder) -> World:
        """A fresh episode, with the parent's chance."""
        return builder.world(self.spec, known=known_chance(self.parent, self.fork))

    def agents(self, builder: Builder) -> dict[str, Agent[Any]]:
        """A fresh agent for every seat; one that is known from its record only, or is a person, goes on as recorded.

        Raises:
            ModelError: the model of one of them is not here.
        """
        seats = self.spec.seats
        known = {seat for seat, use in seats.items() if is_record(use) and use == self.parent.spec.seats[seat]}
        made = builder.agents(
            self.spec.model_copy(update={"seats": {seat: use for seat, use in seats.items() if seat not in known}})
        )
        return {
            seat: RecordedAgent(answers_of(self.parent.steps, seat)) if seat in known else made[seat] for seat in seats
        }

    def holds(self, seat: str, index: int) -> bool:
        """Whether a seat's turn at a step (of a tick: its first) is past, so that nothing new is asked of a model."""
        if index == self.first:
            return seat != self.step.seat or self.fork.move is not None
        return index < self.first

    def was_another(self, seat: str, kept: Step) -> bool:
        """Whether the seat's agent did not itself answer in a step of the past."""
        return self.spec.seats[seat] != self.parent.spec.seats[seat] or any(
            event.kind == "witnessed" for event in kept.events
        )

    def chance_of(self, seat: str, tick: int, index: int, first: int) -> str:
        """What the seat's luck is keyed by at a step; `first`: the index of the first step of the tick."""
        kept = (tick, seat) in self.kept
        fork = self.parent.spec.fork if kept else self.fork
        return self.fork.chance[0][1] if fork is None else fork.chance_at(index, first)

    def before(self) -> Before:
        """What models answered in the parent."""
        from sandbox.adapters.journal import Before

        replies = {(one.ask, one.occurrence): one.reply for one in _replies(self.parent.spec, self._store)}
        return Before(replies, self.holds, further=not self.fork.luck)


class ForkLoop(EpisodeLoop):
    """Plays a fork; `branch`: what it takes from its parent, all else as of `EpisodeLoop`."""

    def __init__(self, branch: Branch, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._branch = branch

    def _chance_of(self, seat: str) -> str:
        first = len(self.steps)
        return self._branch.chance_of(seat, self.tick, first + self.world.to_move().index(seat), first)

    def _limit(self) -> str:
        return "" if self.tick <= self._branch.step.tick else super()._limit()  # the parent went on here

    async def _decide(self, seat: str) -> Decided:
        branch = self._branch
        kept = branch.kept.get((self.tick, seat))
        if kept is not None:
            return await self._live(seat, kept)
        if self.tick != branch.step.tick:
            return await super()._decide(seat)
        self._began = time.monotonic()  # the past has had its own time
        move, there = branch.fork.move, branch.step.decision
        decided = await super()._decide(seat) if move is None else await self._put_in(seat, move)
        about = {
            "parent": branch.parent.id,
            "luck": branch.fork.luck,
            "instead": None if there is None else dict(there.move),
            "put_in": move is not None,
        }
        decided.events.insert(0, Event(kind="fork", data=about))
        return decided

    async def _live(self, seat: str, kept: Step) -> Decided:
        """The decision of the past, after the seat's agent has lived through it."""
        self._began = time.monotonic()
        told, state = self.world.told(seat).record(), self.world.state_hash()
        events = [_inherited(event) for event in kept.events if not _is_made_again(event)]
        decision = kept.decision
        agent = self.agents[seat]
        if self._branch.was_another(seat, kept):
            move = None if decision is None else decision.move
            await self._witness(seat, Reply(move, kept.said, refused=kept.outcome == "refusal"))
            if not any(event.kind == "witnessed" for event in events):
                events.append(Event(kind="witnessed"))
        elif kept.outcome != "timeout" or isinstance(
            agent, RecordedAgent
        ):  # a call that was cut off is not asked again
            lived = await super()._decide(seat)
            now = None if lived.answered is None else lived.answered.entry.move
            if lived.outcome != kept.outcome or now != (None if decision is None else decision.move):
                events.append(Event(kind="divergence", data={"decided": now, "outcome": lived.outcome}))
        answered = None if decision is None else self._read(seat, decision.move)
        return Decided(seat, told, answered, kept.outcome, kept.said, events, state, kept.seconds)

    async def _put_in(self, seat: str, move: Mapping[str, Any]) -> Decided:
        told, state = self.world.told(seat).record(), self.world.state_hash()
        answered = self._read(seat, move)
        await self._witness(seat, Reply(move))
        return Decided(seat, told, answered, answered.outcome, "", [Event(kind="witnessed")], state, 0.0)

    async def _witness(self, seat: str, reply: Reply) -> None:
        agent, events = self.agents[seat], list[Event]()
        turn = self._turn(seat, agent, events)
        if (presenter := self._presenters.get(seat)) is not None:
            turn = await presenter.show(turn)
        PLAYING.set(turn)
        try:
            made = agent.witness(turn, reply)
            if inspect.isawaitable(made):
                await made
        except SystemExit as error:  # as where it is asked
            raise PluginError(f"the agent tried to end the program (exit code {error.code})") from error
        self._meter.count(events)  # what no journal sees, such as a client of the agent's own, was paid for

    def _read(self, seat: str, move: Mapping[str, Any]) -> Answered:
        found = self.world.answered(seat, dict(move))
        if isinstance(found, InvalidAction):
            raise InputError(f"step {len(self.steps) + 1}, {seat}: {found.message}")
        return found

    def _keep(self, fields: dict[str, Any], told: bytes | None, decided: bytes | None, applied: bytes | None) -> None:
        super()._keep(fields, told, decided, applied)
        step, branch = self.steps[-1], self._branch
        if step.index < branch.fork.at and step.digest != branch.parent.steps[step.index].digest:
            raise changed_since(branch.parent, step.index)


def is_record(use: AgentSpec) -> bool:
    """Whether what an agent does is known from records only, so that it can do nothing else."""
    return use.id == RECORDED or use.id.startswith(PEOPLE)


def known_chance(parent: Episode, fork: Fork | None = None) -> dict[str, Mapping[str, Any]]:
    """Name -> nature's move, of the draws that nobody can draw again: those of an imported episode.

    `fork`: whose they are to be; those that it is to draw anew are not known.
    """
    if parent.provenance == "executed":
        return {}
    until = fork.at if fork is not None and fork.luck else len(parent.steps)
    return {step.text: step.applied for step in parent.steps[:until] if step.outcome == "chance"}


def changed_since(parent: Episode, index: int) -> InputError:
    """What to say where a step of the past comes out differently."""
    return InputError(
        f"episode {parent.id[:12]} cannot be forked: executed again, its step {index + 1} is not what was recorded, so "
        f"that its environment has changed since, or does not repeat itself (sandbox verify {parent.id[:12]} says more)"
    )


def _replies(spec: EpisodeSpec, store: Store) -> list[StoredReply]:
    """What models answered in an episode, and before, where it is a fork itself: the later in the later place."""
    (number,) = store.numbers([spec.key])
    own = store.replies(number)
    if spec.fork is None:
        return own
    earlier, fork = _replies(store.about(spec.fork.parent).spec, store), spec.fork
    if fork.luck:  # what came after was asked anew
        earlier = [one for one in earlier if one.reply["moment"][0] <= fork.at]
    return earlier + own


def _inherited(event: Event) -> Event:
    return Event(kind=event.kind, data={**event.data, "inherited": True})


def _is_made_again(event: Event) -> bool:
    """Whether the loop records it by itself: it is about the tick, and not about the decision."""
    return event.kind == "reward_invalid" or (event.kind == ASKED and event.data["question"] == "test")
