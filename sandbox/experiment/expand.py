"""An experiment as its episode specifications, in canonical order; pure, given the plugins' declarations."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.errors import DatasetError, InputError, SandboxError, did_you_mean
from sandbox.experiment.model import AgentUse, EnvironmentUse, Experiment, First, Sample
from sandbox.play import validated_config
from sandbox.scenario import Item, Luck, Scenario, Treatment
from sandbox.trace import AgentSpec, EpisodeSpec

FRAMING = "framing"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Catalog(Protocol):
    """Where names are looked up; the runner's builder is one."""

    def scenario(self, name: str) -> Scenario[Any, Any] | None:
        """The scenario called `name`; None for an environment that is not one of ours (`gymnasium:...`)."""

    def check_agent(self, use: AgentSpec) -> None:
        """Raise if there is no such agent, or its settings are wrong."""

    def check_scorer(self, name: str, config: Mapping[str, Any]) -> None:
        """Raise if there is no such scorer, or its settings are wrong."""


@dataclass(frozen=True)
class Cell:
    """One environment with one config: a point of the sweep and of the treatments."""

    use: EnvironmentUse
    config: Mapping[str, Any]
    framing: str
    treatments: Mapping[str, Treatment]


def substitute(value: Any) -> Any:
    """`value` with `${NAME}` and `${NAME:-default}` in strings replaced from the environment, at any depth.

    Raises:
        InputError: a variable is not set and has no default; names it.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(_variable, value)
    if isinstance(value, Mapping):
        return {key: substitute(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [substitute(part) for part in value]
    return value


def _variable(match: re.Match[str]) -> str:
    name, default = match.groups()
    found = os.environ.get(name) or default
    if found is None:
        raise InputError(f"the environment variable {name} is not set (export {name}=...)")
    return found


def expand(experiment: Experiment, catalog: Catalog, limit: int | None = None) -> list[EpisodeSpec]:
    """All episodes of the experiment, in canonical order; at most `limit`, taken evenly over environments and agents.

    Raises:
        InputError: unknown ids, wrong configs, seats, treatments or items: every fault with its path.
    """
    agents = [AgentSpec(id=use.id, name=use.called, config=use.config) for use in experiment.agents]
    faults = _agent_faults(experiment, agents, catalog)
    groups: list[list[EpisodeSpec]] = []
    used: set[str] = set()
    for index, use in enumerate(experiment.environments):
        try:
            groups += _expand_one(experiment, use, f"$.environments[{index}]", agents, catalog, used)
        except DatasetError:
            raise  # a data file's faults are already a list, with rows and columns
        except SandboxError as error:
            faults.append(_with_path(f"$.environments[{index}]", error))
    for name in experiment.treatments:
        if name != FRAMING and name not in used and not faults:
            faults.append(f"$.treatments.{name}: no environment has a config field of that name")
    if faults:
        raise InputError.of(f"experiment {experiment.name!r}", faults)
    if limit is not None:
        return list(itertools.islice(_in_turn(groups), limit))
    return [spec for group in groups for spec in group]


def _in_turn(groups: Sequence[Sequence[EpisodeSpec]]) -> Iterator[EpisodeSpec]:
    for row in itertools.zip_longest(*groups):
        yield from (spec for spec in row if spec is not None)


def _agent_faults(experiment: Experiment, agents: list[AgentSpec], catalog: Catalog) -> list[str]:
    faults = []
    names = [agent.name for agent in agents]
    for index, agent in enumerate(agents):
        if names.index(agent.name) < index:
            faults.append(f"$.agents[{index}].name: {agent.name!r} is there already; give each agent a name of its own")
        faults += _fault(f"$.agents[{index}]", lambda agent=agent: catalog.check_agent(agent))
    for index, scorer in enumerate(experiment.scorers):
        faults += _fault(f"$.scorers[{index}]", lambda scorer=scorer: catalog.check_scorer(scorer.id, scorer.config))
    for number, environment in enumerate(experiment.environments):
        for seat, use in environment.seats.items():
            spec = _counterpart(use)
            faults += _fault(f"$.environments[{number}].seats.{seat}", lambda spec=spec: catalog.check_agent(spec))
    return faults


def _fault(path: str, check: Any) -> list[str]:
    try:
        check()
    except SandboxError as error:
        return [_with_path(path, error)]
    return []


def _with_path(path: str, error: SandboxError) -> str:
    text = str(error)
    return text if text.startswith("$.") else f"{path}: {text}"


def _counterpart(use: AgentUse) -> AgentSpec:
    return AgentSpec(id=use.id, name=use.called, config=use.config)


def _expand_one(
    experiment: Experiment,
    use: EnvironmentUse,
    path: str,
    agents: list[AgentSpec],
    catalog: Catalog,
    used: set[str],
) -> list[list[EpisodeSpec]]:
    scenario = catalog.scenario(use.id)
    fields = set(scenario.Config.model_fields) if scenario else set(use.config) | set(use.sweep)
    if scenario:
        for key, names in (("config", use.config), ("sweep", use.sweep)):
            for name in names:
                if name not in fields:
                    raise InputError(f"{path}.{key}.{name}{did_you_mean(name, fields)}")
    used |= fields & set(experiment.treatments)
    by_agent: list[list[EpisodeSpec]] = [[] for _ in agents]
    for cell in _cells(experiment, use, fields):
        for item, config, treatments in _items(scenario, cell, path):
            seats = scenario.seats(_validated(scenario, config)) if scenario else ("agent",)
            unknown = [seat for seat in use.seats if seat not in seats]
            if unknown:
                raise InputError(f"{path}.seats.{unknown[0]}: {use.id} has the seats {', '.join(seats)}")
            evaluated = tuple(seat for seat in seats if seat not in use.seats)
            if not evaluated:
                raise InputError(f"{path}.seats: every seat is taken, so that no agent is under evaluation")
            fixed = {seat: _counterpart(agent) for seat, agent in use.seats.items()}
            for index, agent in enumerate(agents):
                for repetition, seed in itertools.product(range(experiment.repetitions), range(experiment.seeds.count)):
                    by_agent[index].append(
                        EpisodeSpec(
                            environment=use.id,
                            config=config,
                            item=item,
                            seats=fixed | dict.fromkeys(evaluated, agent),
                            evaluated=evaluated,
                            repetition=repetition,
                            seed=experiment.seeds.start + seed,
                            framing="hypothetical" if cell.framing == "hypothetical" else "lived",
                            treatments=treatments,
                            limits=experiment.limits,
                        )
                    )
    return by_agent


def _cells(experiment: Experiment, use: EnvironmentUse, fields: set[str]) -> Iterator[Cell]:
    factors = {name: levels for name, levels in experiment.treatments.items() if name == FRAMING or name in fields}
    for point in itertools.product(*use.sweep.values()):
        swept = dict(use.config) | dict(zip(use.sweep, point, strict=True))
        for levels in itertools.product(*factors.values()):
            assigned = dict(zip(factors, levels, strict=True))
            framing = assigned.get(FRAMING, "lived")
            if framing not in ("lived", "hypothetical"):
                raise InputError(f"$.treatments.framing: {framing!r} is neither lived nor hypothetical")
            treatments = {
                name: Treatment(value=value, propensity=1 / len(factors[name])) for name, value in assigned.items()
            }
            config = swept | {name: value for name, value in assigned.items() if name != FRAMING}
            yield Cell(use, config, framing, treatments)


def _items(
    scenario: Scenario[Any, Any] | None, cell: Cell, path: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Treatment]]]:
    """Each item of the cell with the config and treatments that it is met under."""
    if scenario is None:
        yield Item().model_dump(mode="json"), dict(cell.config), dict(cell.treatments)
        return
    config = _validated(scenario, cell.config)
    written = config.model_dump(mode="json") | {
        name: value for name, value in cell.config.items() if isinstance(value, str) and "${" in value
    }
    population = scenario.items(config)
    for item in _chosen(population, cell.use, path):
        settings = scenario.counterbalance(config, item)
        for setting in settings:
            treatments = dict(cell.treatments) | {
                name: Treatment(value=value, propensity=1 / len(settings)) for name, value in setting.items()
            }
            yield item.model_dump(mode="json"), written | dict(setting), treatments


def _validated(scenario: Scenario[Any, Any], config: Mapping[str, Any]) -> Any:
    return validated_config(scenario, substitute(config))


def _chosen(population: Sequence[Any], use: EnvironmentUse, path: str) -> Sequence[Any]:
    if use.items == "all":
        return population
    if isinstance(use.items, First):
        return population[: use.items.first]
    if isinstance(use.items, Sample):
        if use.items.sample > len(population):
            raise InputError(f"{path}.items.sample: there are only {len(population)} items")
        drawn = Luck(0).generator("items", use.id).choice(len(population), use.items.sample, replace=False)
        return [population[int(index)] for index in sorted(drawn)]
    known = {item.id: item for item in population}
    missing = [name for name in use.items if name not in known]
    if missing:
        raise InputError(f"{path}.items: no item {missing[0]!r}{did_you_mean(missing[0], known)}")
    return [known[name] for name in use.items]
