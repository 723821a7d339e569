"""Asking what if: which episodes have to be played to know what another move, or another agent, makes of the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import InputError
from sandbox.experiment.model import AgentUse, EnvironmentUse, Experiment
from sandbox.menu import InvalidAction, Menu
from sandbox.plugins import FOREIGN
from sandbox.runner.build import Builder
from sandbox.runner.executors import executor
from sandbox.runner.fork import PEOPLE, changed_since, is_record, known_chance
from sandbox.runner.loop import EpisodeLoop, World
from sandbox.runner.replayed import recorded_agents
from sandbox.runner.run import Ran
from sandbox.runner.tally import Progress, Tally
from sandbox.runner.work import CONCURRENT, Job
from sandbox.scenario import NATURE
from sandbox.store import Store
from sandbox.text import canonical, display_line
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Fork, Limits, Step, first_difference

MOST = 1_000  # continuations
SHOWN = 60  # characters of a move, or of settings, in a name


@dataclass(frozen=True)
class Place:
    """Where an episode is forked: the step, and the environment executed again as far as that.

    Attributes:
        parent: the whole episode.
        at: index of the step.
        world: stands before that step; not to be moved on.
    """

    parent: Episode
    at: int
    world: World

    @property
    def step(self) -> Step:
        """The step as it was recorded."""
        return self.parent.steps[self.at]

    @property
    def menu(self) -> Menu:
        """What is legal there."""
        return self.world.told(self.step.seat).menu()

    def legal(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        """An action as the trace will have it.

        Raises:
            InputError: it is not legal there; says what is.
        """
        found = self.world.answered(self.step.seat, dict(action))
        if isinstance(found, InvalidAction):
            raise InputError(f"step {self.at + 1}, {self.step.seat}: {found.message}")
        return found.entry.move


@dataclass(frozen=True)
class Plan:
    """What is to be played.

    Attributes:
        name, control_name: of the experiments that forks and controls belong to.
        forks: with the alternative, one for each continuation.
        controls: with the same luck and what was recorded; empty where the parent is the control of the one fork, or
            where nothing is put in another's place.
        compared: whether there is an alternative to compare with what was recorded.
        asked: what is put in another's place, as it was asked: `agent`, `action`, `continuations`.
    """

    parent: Episode
    at: int
    name: str
    forks: tuple[EpisodeSpec, ...]
    control_name: str = ""
    controls: tuple[EpisodeSpec, ...] = ()
    compared: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def put_in(self) -> bool:
        """Whether a move is put in at the step, which is then no agent's own choice."""
        return any(spec.fork is not None and spec.fork.move is not None for spec in self.forks)


async def place(parent: Episode, at: int, builder: Builder) -> Place:
    """The step of an episode, from 0, with its environment executed again as far as that.

    Raises:
        InputError: the episode cannot be forked, or not there; says why, and where.
    """
    name = f"episode {parent.id[:12]}"
    if parent.provenance == "recorded":
        raise InputError(f"{name} cannot be forked: it was imported as text, and there is no environment to execute")
    if parent.status in ("pending", "running"):
        raise InputError(f"{name} is {parent.status}: it can be forked when it has ended")
    seats = [step.index for step in parent.steps if step.seat != NATURE]
    if not seats:
        raise InputError(f"{name} cannot be forked: it has no step in which an agent decides")
    if not 0 <= at < len(parent.steps):
        raise InputError(f"{name} has the steps 1 to {len(parent.steps)}, and no step {at + 1}")
    if parent.steps[at].seat == NATURE:
        near = [max((i for i in seats if i < at), default=None), min((i for i in seats if i > at), default=None)]
        steps = " or ".join(f"{i + 1} ({parent.steps[i].seat})" for i in near if i is not None)
        raise InputError(f"step {at + 1} is chance, which nobody decides: take step {steps}")
    world = builder.world(parent.spec, known=known_chance(parent), anew=True)
    again: list[Step] = []
    spec = parent.spec.model_copy(update={"limits": Limits(attempts=parent.spec.limits.attempts), "asks": ()})
    tick = parent.steps[at].tick
    first = next(step.index for step in parent.steps if step.tick == tick)
    reached = await _Until(tick, spec, world, recorded_agents(parent), again.append).run({}, {})
    differs = first_difference(parent.steps[:first], again)
    if differs is not None or reached.status == "error":
        raise changed_since(parent, first if differs is None else differs)
    return Place(parent, at, world)


class _Until(EpisodeLoop):
    """Plays as far as a tick."""

    def __init__(self, tick: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._until = tick

    def _limit(self) -> str:
        return "" if self.tick < self._until else "as far as this"


def plan(
    where: Place,
    builder: Builder,
    *,
    action: Mapping[str, Any] | None = None,
    agent: AgentSpec | None = None,
    continuations: int = 1,
) -> Plan:
    """What has to be played to know what comes of an action, or of another agent in the seat, at a step.

    With one continuation the parent's luck goes on, and the parent itself is the control. With more, each has a luck of
    its own (1, 2, ...), and its control is the same episode with that luck and what was recorded: the parent's luck is
    none of them, since somebody has looked at what came of it.

    Raises:
        InputError: that cannot be asked of this episode; says why.
        PluginError: an agent that goes on in it cannot be made.
    """
    parent, at, step = where.parent, where.at, where.step
    if action is not None and agent is not None:
        raise InputError("give an action or an agent: what would come of both at once could be due to either")
    if not 1 <= continuations <= MOST:
        raise InputError(f"{continuations} continuations: expected 1 to {MOST:,}")
    if continuations > 1 and parent.spec.environment.startswith(FOREIGN):
        raise InputError(
            f"{parent.spec.environment} draws its chance by itself, by its seed alone, so that it has one continuation"
        )
    if action is not None:
        if parent.spec.framing == "hypothetical" and step.seat in parent.spec.evaluated:
            raise InputError(
                f"episode {parent.id[:12]} is hypothetical: what {step.seat} decides in it has no effect, so that "
                "nothing would come of another action; another agent (--agent) can be asked the same"
            )
        action = where.legal(action)
    if agent is not None:
        agent = _named(agent, parent.spec)
        if agent.id.startswith(PEOPLE):
            raise InputError("a person plays in `sandbox play`; a fork needs an agent that goes on by itself")
        builder.check_agent(agent)
    for seat, use in parent.spec.seats.items():
        if not is_record(use) and (agent is None or seat != step.seat):
            builder.check_agent(use)
    recorded = step.decision
    if continuations > 1 and action is not None and recorded is None:
        raise InputError(
            f"step {at + 1} has no decision to compare with (its answer was {step.outcome}): with more continuations "
            "it would have to be given again; take --continuations 1, which compares with the episode itself"
        )
    lucks = (0,) if continuations == 1 else tuple(range(1, continuations + 1))
    forks = tuple(_spec(parent, at, builder, luck, action, agent) for luck in lucks)
    compared = action is not None or agent is not None
    controls: tuple[EpisodeSpec, ...] = ()
    if compared and continuations > 1:
        kept = None if action is None or recorded is None else recorded.move
        controls = tuple(_spec(parent, at, builder, luck, kept, None) for luck in lucks)
    what = _words(action) if action is not None else _agent_words(agent) if agent is not None else "as it decides"
    begins, times = f"fork of {parent.id[:12]} at {at + 1}", f" x{continuations}" if continuations > 1 else ""
    as_recorded = "as recorded" if action is not None else "as it decides"
    return Plan(
        parent,
        at,
        f"{begins}: {what}{times}",
        forks,
        f"{begins}: {as_recorded}{times}" if controls else "",
        controls,
        compared,
        {
            "agent": None if agent is None else agent.model_dump(mode="json"),
            "action": action,
            "continuations": continuations,
        },
    )


def _spec(
    parent: Episode,
    at: int,
    builder: Builder,
    luck: int,
    move: Mapping[str, Any] | None,
    agent: AgentSpec | None,
) -> EpisodeSpec:
    before = parent.spec.fork
    chance = ((0, builder.chance(parent.spec)),) if before is None else before.chance
    if luck:
        chance = (chance[0], *(pair for pair in chance[1:] if pair[0] < at), (at, f"{parent.id}/{luck}"))
    seats = dict(parent.spec.seats)
    if agent is not None:
        seats[parent.steps[at].seat] = agent
    changes = {
        "fork": Fork(
            parent=parent.id,
            at=at,
            move=move,
            luck=luck,
            chance=chance,
            prefix=parent.steps[at - 1].digest if at else "",
        ),
        "seats": seats,
        "repetition": luck or parent.spec.repetition,  # of one item and seed: so each finds its partner in a comparison
        "external_id": None,  # the record's, which this is not
    }
    return parent.spec.model_copy(update=changes)


def _named(agent: AgentSpec, spec: EpisodeSpec) -> AgentSpec:
    """The agent under a name that no other agent of the episode has."""
    taken = {use.name for use in spec.seats.values() if (use.id, use.config) != (agent.id, agent.config)}
    same = next((use for use in spec.seats.values() if (use.id, use.config) == (agent.id, agent.config)), None)
    if same is not None:
        return same
    name, number = agent.name, 2
    while name in taken:
        name, number = f"{agent.name} {number}", number + 1
    return agent.model_copy(update={"name": name})


def _words(action: Mapping[str, Any]) -> str:
    """An action as a name has it: short, and another for each."""
    fields = {name: value for name, value in action.items() if name != "kind"}
    said = str(action.get("kind", "")) + (f" {json.dumps(fields, ensure_ascii=False)}" if fields else "")
    return _short(said, action)


def _settings_words(config: Mapping[str, Any]) -> str:
    """An agent's settings as a name has them, but for the model, which is in the agent's own name; '' for none."""
    fields = {name: value for name, value in config.items() if name != "model"}
    said = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return _short(said, fields)


def _agent_words(agent: AgentSpec) -> str:
    """An agent as the name of an experiment has it: with other settings it is another."""
    words = _settings_words(agent.config)
    return agent.name if words in agent.name else f"{agent.name} {words}"


def _short(said: str, value: Mapping[str, Any]) -> str:
    if len(said) <= SHOWN:
        return display_line(said)
    import hashlib

    return f"{display_line(said[:SHOWN])}... {hashlib.sha256(canonical(dict(value))).hexdigest()[:6]}"


async def run_forks(made: Plan, store: Store, builder: Builder, progress: Progress | None = None) -> list[Ran]:
    """Play what the store does not have finished of the forks, and of their controls; run it again to go on.

    What ended in an error is played again: why it did may have been mended.

    Raises:
        ModelError: a model cannot be reached.
    """
    about = {"parent": made.parent.id, "at": made.at + 1, "seat": made.parent.steps[made.at].seat}
    ran = [await _run(made.name, made.forks, {**about, **made.asked}, store, builder, progress)]
    if made.controls:  # the same for all alternatives
        ran.append(await _run(made.control_name, made.controls, about, store, builder, progress))
    return ran


async def _run(
    name: str,
    specs: Sequence[EpisodeSpec],
    about: Mapping[str, Any],
    store: Store,
    builder: Builder,
    progress: Progress | None,
) -> Ran:
    number = store.add_experiment(name, {"name": name, "fork": dict(about)}, specs)
    store.reopen(number)
    queue = store.queue(number)
    ran, tally = Ran(number, total=len(specs)), Tally(earlier=len(specs) - len(queue))

    def ended(some: Tally) -> None:
        tally.add(some)
        if progress:
            progress(tally, len(queue))

    if progress:
        progress(tally, len(queue))
    spec = specs[0]
    use = spec.agent
    experiment = Experiment(
        name=name[:200],
        environments=(EnvironmentUse(id=spec.environment),),
        agents=(AgentUse(id=use.id, name=use.name),),
    )
    job = Job(
        store=store.url,
        plugins_dirs=tuple(map(str, builder.plugins.directories)),
        experiment=number,
        plan=experiment,
        numbers=tuple(queue),
        concurrent=max(1, min(CONCURRENT, len(queue))),  # who has nothing to do would look for it while others end
        begun=time.time(),
    )
    work = await executor("local")(job, store, builder, ended)
    ran.done, ran.failed, ran.unreachable, ran.stopped = tally.done, tally.failed, work.unreachable, work.stopped
    return ran


def agent_called(name: str, settings: Mapping[str, Any] | None = None) -> AgentSpec:
    """The agent with an id and settings, as an experiment would name it, with the settings where it has no name."""
    use = AgentUse.model_validate({"id": name, **(settings or {})})
    words = "" if use.name else _settings_words(use.config)
    return AgentSpec(id=use.id, name=f"{use.called} {words}".rstrip(), config=use.config)
