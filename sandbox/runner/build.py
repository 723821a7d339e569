"""From specifications to running things: the only place that knows plugins when an episode is played."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from sandbox.adapters.human import Desk, HumanAgent, name_in
from sandbox.adapters.model_settings import ModelSettings
from sandbox.adapters.prices import Prices
from sandbox.adapters.traffic import TrafficControl
from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.errors import InputError, ModelError, PluginError
from sandbox.experiment.expand import substitute
from sandbox.menu import InvalidAction, Move, read
from sandbox.play import Memo, Play, turn_of, validated_config
from sandbox.plugins import FOREIGN, Plugins, resolve
from sandbox.recent import Recent, RecentOf
from sandbox.runner.loop import World
from sandbox.runner.replayed import RECORDED
from sandbox.scenario import Benchmark, Luck, Scenario
from sandbox.scorer import Estimator, Scorer
from sandbox.surface import Surface
from sandbox.text import canonical
from sandbox.told import Told
from sandbox.trace import AgentSpec, EpisodeSpec


class _NoPolicyError(Exception):
    """An agent is no function of the state, so that nothing is a best response to it: it draws, or may remember."""

    seat = ""


class _NoLuck(Luck):
    def generator(self, *name: object) -> np.random.Generator:
        raise _NoPolicyError


_NO_LUCK = _NoLuck(0)


@dataclass(frozen=True)
class Maker:
    """Makes fresh agents of one specification.

    Attributes:
        scripted: it answers at once, as a function of its turn: what a best response can be computed against.
    """

    make: Callable[[], Agent[Any]]
    scripted: bool

    def __call__(self) -> Agent[Any]:
        """A fresh agent."""
        return self.make()


@dataclass(frozen=True)
class ScriptedPolicy:
    """A scripted counterpart as a function of the state: a fresh agent is asked each time.

    Attributes:
        agent: its specification, for theory that knows what an agent with these settings does.
    """

    scenario: Scenario[Any, Any]
    seat: str
    agent: AgentSpec
    make: Maker

    def __call__(self, state: Any) -> Move:
        """Its move in the state; the declared forfeit where it gives no legal one.

        Raises:
            _NoPolicyError: it is no function of the state; the seat has no policy then.
        """
        agent = self.make()
        turn = turn_of(Told(self.scenario, state, self.seat), self.seat, 0, _NO_LUCK, privileged=agent.privileged)
        try:
            answer = agent.act(turn)
            if _remembers(agent):
                raise _NoPolicyError
        except _NoPolicyError as error:
            error.seat = self.seat
            raise
        move = read(turn.menu, self.scenario.action, answer.action if type(answer) is Reply else answer)
        return self.scenario.forfeit(state, self.seat) if isinstance(move, InvalidAction) else move


def _remembers(agent: Agent[Any]) -> bool:
    """Whether it has anything of its own in which something could be kept from step to step."""
    return type(agent) is not Function and vars(agent).keys() != {"config"}


_NO_CONFIG = NoConfig()


class Function(Agent[NoConfig]):
    """A plain function of a turn, as an agent."""

    def __init__(self, function: Callable[[Turn], Any]) -> None:
        super().__init__(_NO_CONFIG)
        self._function = function

    def act(self, turn: Turn) -> Any:
        """Call it."""
        return self._function(turn)

    def fork(self) -> Function:
        """Itself: a function remembers nothing."""
        return self


class Builder:
    """Makes environments, agents and scorers by name, each plugin loaded once.

    Args:
        plugins: where names are looked up.
        models: an experiment's settings of models, by their names.
        people: where people sit (`human:NAME`); None: there is nowhere to ask them, as in a worker elsewhere.
    """

    def __init__(
        self, plugins: Plugins, models: Mapping[str, ModelSettings] | None = None, people: Desk | None = None
    ) -> None:
        self.plugins = plugins
        self.people = people
        self.prices = Prices(models)
        self._traffic = TrafficControl(models)
        self._scenarios: dict[str, Scenario[Any, Any]] = {}
        self._memos: defaultdict[str, Memo] = defaultdict(Memo)
        self._settings: Recent[bytes, tuple[Any, Any]] = Recent(500_000)  # bytes
        self._agents: dict[bytes, Maker] = {}
        self._benchmarks: Recent[bytes, Mapping[str, Benchmark]] = Recent(1_000)
        # The same once more, by the objects that specifications of one condition share: to find them by content takes
        # longer than a step.
        self._settings_of: RecentOf[tuple[Any, Any]] = RecentOf(300)
        self._agents_of: RecentOf[Maker] = RecentOf(300)
        self._benchmarks_of: RecentOf[Mapping[str, Benchmark]] = RecentOf(300)
        self._versions: dict[tuple[str, ...], dict[str, str]] = {}

    # -- the catalog that experiments are expanded with ---------------------------------------------------------

    def scenario(self, name: str) -> Scenario[Any, Any] | None:
        """The scenario called `name`; None for `gymnasium:...`."""
        if name.startswith(FOREIGN):
            from sandbox.adapters.foreign import check_known  # it imports Gymnasium, which takes longer than most

            check_known(name.removeprefix(FOREIGN))
            return None
        if name not in self._scenarios:
            found = self.plugins.load("environments", name)
            if not (isinstance(found, type) and issubclass(found, Scenario)):
                raise PluginError(f"environment {name!r}: {found!r} is not a subclass of sandbox.scenario.Scenario")
            if found.id != name:
                raise PluginError(f"environment {name!r}: its class says id = {found.id!r}; announce it under that id")
            try:
                self._scenarios[name] = found()
            except Exception as error:  # a plugin may raise anything; it is named
                raise PluginError(f"environment {name!r} cannot be made: {type(error).__name__}: {error}") from error
        return self._scenarios[name]

    def check_agent(self, use: AgentSpec) -> None:
        """Raise if the agent cannot be made."""
        self.agent(use)

    def check_scorer(self, name: str, config: Mapping[str, Any]) -> None:
        """Raise if the scorer cannot be made."""
        self.scorer(name, config)

    # -- running things -----------------------------------------------------------------------------------------

    def world(
        self,
        spec: EpisodeSpec,
        nature: Sequence[Mapping[str, Any]] | None = None,
        *,
        anew: bool = False,
        known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> World:
        """A fresh episode of the specification; `nature` injects recorded chance, in order, and `known` by name.

        What the scenario answered in other episodes is not asked again, unless everything is to be worked out `anew`.
        """
        scenario = self.scenario(spec.environment)
        if scenario is None:
            from sandbox.adapters.foreign import ForeignPlay  # as above

            return ForeignPlay(spec.environment.removeprefix(FOREIGN), substitute(spec.config), spec.seed)
        config, item = self.config_and_item(scenario, spec)
        return Play(scenario, config, item, spec.seed, nature, None if anew else self._memos[spec.environment], known)

    def chance(self, spec: EpisodeSpec) -> str:
        """What the luck of the episode's agents is keyed by: its key, as it were if it were shown in the usual way.

        And as if forks of them were asked nothing, so that an agent that draws does the same whether they are or not.
        """
        if spec.fork is not None:
            return spec.fork.chance[-1][1]
        scenario = self.scenario(spec.environment)
        shown = scenario.presentation & spec.config.keys() if scenario is not None else ()
        if not shown and not spec.asks:
            return spec.key
        plain = {name: value for name, value in spec.config.items() if name not in shown}
        return spec.model_copy(update={"config": plain, "asks": ()}).key

    def surface(self, spec: EpisodeSpec) -> Surface | None:
        """What the episode is shown on, where that is not the text alone."""
        scenario = self.scenario(spec.environment)
        found = None if scenario is None else scenario.surface(self.config_and_item(scenario, spec)[0])
        if not isinstance(found, Surface | None):
            raise PluginError(f"{spec.environment}: surface() gave {type(found).__name__}, and not a Surface")
        return found

    def config_and_item(self, scenario: Scenario[Any, Any], spec: EpisodeSpec) -> tuple[Any, Any]:
        """The validated config and item of a specification; the item needs no data set.

        Raises:
            InputError: one of them does not fit, as an imported record's item may not.
        """
        of = (scenario, spec.config, spec.item)
        found = self._settings_of.get(of)
        if found is None:
            found = self._made_config_and_item(scenario, spec)
            self._settings_of.put(of, found)
        return found

    def _made_config_and_item(self, scenario: Scenario[Any, Any], spec: EpisodeSpec) -> tuple[Any, Any]:
        key = canonical([spec.environment, spec.config, spec.item])
        found = self._settings.get(key)
        if found is not None:
            return found
        config = validated_config(scenario, substitute(spec.config), written=spec.config)
        kind = _item_type(scenario, config)
        try:
            found = config, kind.model_validate(dict(spec.item))
        except ValidationError as error:
            raise InputError.of_settings(f"item of {scenario.id}", error, kind.model_fields, spec.item) from None
        self._settings.put(key, found, 1_000 + len(key))  # two models take as much, however little they say
        return found

    def agents(self, spec: EpisodeSpec) -> dict[str, Agent[Any]]:
        """A fresh agent for every seat.

        Raises:
            ModelError: the model of one of them is not here.
        """
        made = {}
        for seat, use in spec.seats.items():
            try:
                made[seat] = self.agent(use)()
            except ModelError as error:
                error.agent = use.name
                raise
        return made

    def agent(self, use: AgentSpec) -> Maker:
        """What makes fresh agents of a specification; its expensive parts (a compiled graph) are made once.

        Raises:
            UnknownName, PluginError, InputError: there is no such agent, it is broken, or its settings are wrong.
        """
        found = self._agents_of.get((use,))
        if found is None:
            key = canonical([use.id, dict(use.config)])
            if key not in self._agents:
                person = name_in(use.id)
                if person is not None:
                    self._agents[key] = self._person_maker(person, use)
                else:
                    self._agents[key] = _agent_maker(self._agent_object(use.id), use, self._traffic)
            found = self._agents[key]
            self._agents_of.put((use,), found)
        return found

    def _person_maker(self, name: str, use: AgentSpec) -> Maker:
        if use.config:
            raise InputError(f"agent {use.id!r} is a person and has no settings, but was given {', '.join(use.config)}")
        return Maker(lambda: HumanAgent(name, self.people), scripted=False)

    def _agent_object(self, name: str) -> Any:
        place, _, attribute = name.rpartition(":")
        if place.endswith("langgraph.json"):
            from sandbox.adapters.graphs import graph_of_config

            return graph_of_config(place, attribute)
        if (place and "/" not in name) or place.endswith(".py"):
            return resolve(name, f"agent {name!r}")
        return self.plugins.load("agents", name)

    def scorer(self, name: str, config: Mapping[str, Any] | None = None) -> Scorer[Any] | Estimator[Any]:
        """The scorer or estimator called `name`, with its settings."""
        kind = self.plugins.load("scorers", name)
        if not (isinstance(kind, type) and issubclass(kind, Scorer | Estimator)):
            raise PluginError(f"scorer {name!r}: {kind!r} is neither a Scorer nor an Estimator (see sandbox.scorer)")
        settings = _settings(kind.Config, config or {}, f"scorer {name!r}")
        try:
            made: Scorer[Any] | Estimator[Any] = kind(settings)
        except Exception as error:  # as above
            raise PluginError(f"scorer {name!r} cannot be made: {type(error).__name__}: {error}") from error
        return made

    def benchmarks(self, spec: EpisodeSpec) -> Mapping[str, Benchmark]:
        """Theory's numbers for the specification, computed once per configuration and counterparts."""
        scenario = self.scenario(spec.environment)
        if scenario is None:
            return {}
        of = (scenario, spec.config, spec.item, spec.seats, spec.evaluated)
        found = self._benchmarks_of.get(of)
        if found is None:
            found = self._made_benchmarks(scenario, spec)
            self._benchmarks_of.put(of, found)
        return found

    def _made_benchmarks(self, scenario: Scenario[Any, Any], spec: EpisodeSpec) -> Mapping[str, Benchmark]:
        # Of several seats under evaluation each is a counterpart of the others.
        own = spec.evaluated if len(spec.evaluated) == 1 else ()
        others = {seat: use for seat, use in spec.seats.items() if seat not in own}
        named = {seat: use.model_dump(mode="json") for seat, use in others.items()}
        key = canonical([spec.environment, dict(spec.config), dict(spec.item), named])
        found = self._benchmarks.get(key)
        if found is None:
            config, item = self.config_and_item(scenario, spec)
            policies = {seat: self._policy(scenario, seat, use) for seat, use in others.items()}
            known = {seat: policy for seat, policy in policies.items() if policy is not None}
            while True:
                try:
                    found = scenario.benchmarks(config, item, known)
                    break
                except _NoPolicyError as error:  # to the others there may be a best response
                    known = {seat: policy for seat, policy in known.items() if seat != error.seat}
            if not isinstance(found, Mapping) or not all(isinstance(one, Benchmark) for one in found.values()):
                raise PluginError(f"{scenario.id}: benchmarks() gave what is no mapping of names to Benchmarks")
            self._benchmarks.put(key, found)
        return found

    def _policy(self, scenario: Scenario[Any, Any], seat: str, use: AgentSpec) -> ScriptedPolicy | None:
        """A scripted counterpart as a function of the state; None for what is not scripted (a graph, a record)."""
        if use.id == RECORDED:
            return None
        make = self.agent(use)
        if not make.scripted:
            return None

        return ScriptedPolicy(scenario, seat, use, make)

    def versions(self, spec: EpisodeSpec) -> Mapping[str, str]:
        """Distribution (or file) -> version, of the sandbox and of every plugin in the specification."""
        agents = sorted({use.id for use in spec.seats.values()})
        key = (spec.environment, *agents)
        if key not in self._versions:
            sources = [self.plugins.source("environments", spec.environment)]
            sources += [self.plugins.source("agents", name) for name in agents if name_in(name) is None]
            found = dict(source.rsplit(" ", 1) for source in sources if " " in source and not source.endswith(".py"))
            self._versions[key] = {"agent-eval-sandbox": own_version()} | found
        return self._versions[key]


def own_version() -> str:
    """The version of the sandbox; `unknown` when it runs from a source tree that is not installed."""
    try:
        return metadata.version("agent-eval-sandbox")
    except metadata.PackageNotFoundError:
        return "unknown"


def _item_type(scenario: Scenario[Any, Any], config: Any) -> type[BaseModel]:
    """The model of the scenario's items: what `initial` says it takes, else what `items` gives.

    The declaration comes first, since a trace is replayed without the data set that `items` would read.
    """
    return _declared_item_type(type(scenario)) or type(scenario.items(config)[0])


@cache
def _declared_item_type(kind: type[Scenario[Any, Any]]) -> type[BaseModel] | None:
    declared = inspect.get_annotations(kind.initial, eval_str=True).get("item")
    return declared if isinstance(declared, type) and issubclass(declared, BaseModel) else None


def _settings(
    model: type[BaseModel], config: Mapping[str, Any], what: str, verbatim: tuple[str, ...] = ()
) -> BaseModel:
    try:
        return model.model_validate(
            {name: value if name in verbatim else substitute(value) for name, value in config.items()}
        )
    except ValidationError as error:
        raise InputError.of_settings(what, error, model.model_fields, config) from None


def _agent_maker(found: Any, use: AgentSpec, traffic: TrafficControl) -> Maker:
    what = f"agent {use.id!r}"
    if isinstance(found, type) and issubclass(found, Agent):
        settings = _settings(found.Config, use.config, what, found.verbatim)
        return Maker(lambda: found(settings), scripted=not inspect.iscoroutinefunction(found.act))
    if inspect.isfunction(found) and len(inspect.signature(found).parameters) == 1:
        if use.config:
            raise InputError(f"{what} is a plain function and has no settings, but was given {', '.join(use.config)}")
        return Maker(lambda: Function(found), scripted=not inspect.iscoroutinefunction(found))
    # Whatever is left is LangGraph's; its import is put off until a graph is asked for.
    from sandbox.adapters.graphs import graph_of
    from sandbox.adapters.langgraph import GraphAgent, Runtime

    graph = graph_of(found, substitute(use.config), what, Runtime(traffic))
    return Maker(lambda: GraphAgent(graph), scripted=False)
