"""An experiment as its episode specifications, in canonical order; pure, given the plugins' declarations."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from pydantic import ValidationError

from sandbox.errors import DatasetError, InputError, PluginError, SandboxError, did_you_mean, faults_of, unknown_key
from sandbox.experiment.model import AgentUse, EnvironmentUse, Experiment, First, Sample
from sandbox.play import validated_config
from sandbox.scenario import Item, Luck, Scenario, Treatment
from sandbox.trace import AgentSpec, EpisodeSpec

FRAMING = "framing"
MOST = 1_000_000  # episodes of one environment: more would not fit into memory
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


def _varies(value: Any) -> bool:
    """Whether a variable stands in the value, at any depth."""
    if isinstance(value, str):
        return _VARIABLE.search(value) is not None
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return any(map(_varies, parts))


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
    groups: list[list[list[EpisodeSpec]]] = []
    alone = True
    broken: list[DatasetError] = []
    known, all_known = {FRAMING}, True
    for index, use in enumerate(experiment.environments):
        path = f"$.environments[{index}]"
        try:
            scenario = catalog.scenario(use.id)
        except SandboxError as error:
            faults += _with_path(path, error)
            all_known = False
            continue
        fields = set(scenario.Config.model_fields) if scenario else set(use.config) | set(use.sweep)
        known |= fields
        try:
            own = _expand_one(experiment, use, path, agents, scenario, fields, faults)
            alone = alone and all(len(spec.evaluated_agents) == 1 for group in own for spec in group[:1])
            groups.append(own)
        except SandboxError as error:
            broken += [error] if isinstance(error, DatasetError) else []
            faults += _with_path(path, error)
        except Exception as error:  # a plugin may raise anything; it is named
            faults.append(f"{path}: {use.id} failed: {type(error).__name__}: {error}")
    for name in experiment.treatments if all_known else ():
        if name not in known:
            near = did_you_mean(name, known)
            faults.append(f"$.treatments.{name}: no environment has a config field of that name{near}")
    if experiment.pairing == "round_robin" and alone and not faults:
        why = "no environment leaves seats on more than one side free" if len(agents) > 1 else "there is one agent"
        faults.append(f"$.pairing: round_robin pairs nobody: {why}")
    if len(broken) == len(faults) == 1:
        raise broken[0]  # the file's own error says it all
    if faults:
        raise InputError.of(f"experiment {experiment.name!r}", list(dict.fromkeys(faults)))
    if limit is not None:
        return list(itertools.islice(_in_turn(groups, len(agents)), limit))
    return [spec for own in groups for group in own for spec in group]


def _in_turn(groups: Sequence[Sequence[Sequence[EpisodeSpec]]], agents: int) -> Iterator[EpisodeSpec]:
    """Environments take turns of so many episodes as there are agents; within each, agents or pairings take turns."""
    left = [(spec for row in itertools.zip_longest(*own) for spec in row if spec is not None) for own in groups]
    while left:
        turns = [list(itertools.islice(episodes, agents)) for episodes in left]
        left = [episodes for episodes, turn in zip(left, turns, strict=True) if turn]
        yield from itertools.chain.from_iterable(turns)


def _agent_faults(experiment: Experiment, agents: list[AgentSpec], catalog: Catalog) -> list[str]:
    faults = []
    names = [agent.name for agent in agents]
    for index, agent in enumerate(agents):
        if names.index(agent.name) < index:
            faults.append(f"$.agents[{index}].name: {agent.name!r} is there already; give each agent a name of its own")
        faults += _fault(f"$.agents[{index}]", lambda agent=agent: catalog.check_agent(agent))
    for index, scorer in enumerate(experiment.scorers):
        faults += _fault(f"$.scorers[{index}]", lambda scorer=scorer: catalog.check_scorer(scorer.id, scorer.config))
    called = {agent.name: (f"$.agents[{index}]", agent) for index, agent in reversed([*enumerate(agents)])}
    for number, environment in enumerate(experiment.environments):
        for seat, use in environment.seats.items():
            spec, path = _counterpart(use), f"$.environments[{number}].seats.{seat}"
            faults += _fault(path, lambda spec=spec: catalog.check_agent(spec))
            place, known = called.setdefault(spec.name, (path, spec))
            if spec != known:
                faults.append(
                    f"{path}: {spec.name!r} is also what {place} is called, which is another agent or has other "
                    "settings; tables would take the two for one: give one of them a `name`"
                )
    return faults


def _fault(path: str, check: Any) -> list[str]:
    try:
        check()
    except SandboxError as error:
        return _with_path(path, error)
    return []


def _with_path(path: str, error: SandboxError) -> list[str]:
    if isinstance(error, InputError) and error.faults and not isinstance(error, DatasetError):
        return [f"{path}.{fault.removeprefix('$.')}" for fault in error.faults]
    return [f"{path}: {error}"]


def _counterpart(use: AgentUse) -> AgentSpec:
    return AgentSpec(id=use.id, name=use.called, config=use.config)


def _expand_one(
    experiment: Experiment,
    use: EnvironmentUse,
    path: str,
    agents: list[AgentSpec],
    scenario: Scenario[Any, Any] | None,
    fields: set[str],
    faults: list[str],
) -> list[list[EpisodeSpec]]:
    """The environment's episodes by agent, or by pairing; what is wrong with it goes into `faults`."""
    wrong = [
        f"{path}.{key}.{name}: {unknown_key(name, fields)}"
        for key, names in (("config", use.config), ("sweep", use.sweep))
        for name in names
        if name not in fields
    ]
    if wrong:
        faults += wrong
        return []
    groups: dict[tuple[int, ...], list[EpisodeSpec]] = {}
    counterparts = {key: _counterpart(agent) for key, agent in use.seats.items()}
    seeds = range(experiment.seeds.start, experiment.seeds.start + experiment.seeds.count)
    for cell in _cells(experiment, use, fields):
        wrong = _config_faults(experiment, scenario, cell, path)
        faults += wrong
        met: Mapping[str, Any] | None = None
        for item, config, treatments in () if wrong else _items(scenario, cell, path):
            if config is not met:  # most items of a cell share it, and with it all but the item
                met, made = config, dict[tuple[int, ...], EpisodeSpec]()
                seats = scenario.seats(_validated(scenario, config)) if scenario else ("agent",)
                fixed, wrong = _filled(counterparts, seats, use.id)
                evaluated = tuple(seat for seat in seats if seat not in fixed)
                if wrong or not evaluated:
                    faults += [f"{path}.seats.{fault}" for fault in wrong]
                    if not evaluated:
                        faults.append(f"{path}.seats: every seat is taken, so that no agent is under evaluation")
                    break
                sides = sides_of(scenario, config, evaluated) if experiment.pairing == "round_robin" else [evaluated]
            _check_number(experiment, groups, len(sides))
            chances = list(itertools.product(range(experiment.repetitions), seeds))
            for pairing in _pairings(len(agents), len(sides)):
                playing = {seat: agents[index] for index, side in zip(pairing, sides, strict=True) for seat in side}
                spec = made.get(pairing)
                if spec is None:
                    spec = made[pairing] = EpisodeSpec(
                        environment=use.id,
                        config=config,
                        item=item,
                        seats=fixed | playing,
                        evaluated=evaluated,
                        framing="hypothetical" if cell.framing == "hypothetical" else "lived",
                        treatments=treatments,
                        asks=() if cell.framing == "hypothetical" else tuple(sorted(set(experiment.asks))),
                        limits=experiment.limits,
                    )
                groups.setdefault(pairing, []).extend(spec.with_item(item).with_chances(chances))
    return list(groups.values())


def _filled(
    counterparts: Mapping[str, AgentSpec], seats: Sequence[str], environment: str
) -> tuple[dict[str, AgentSpec], list[str]]:
    """The seats that counterparts fill, and what is wrong: a seat's own name counts before a glob that matches it."""
    filled = {key: agent for key, agent in counterparts.items() if key in seats}
    found_by: dict[str, str] = {}
    faults = []
    for key, agent in counterparts.items():
        if key in seats:
            continue
        matched = [seat for seat in seats if fnmatchcase(seat, key)]
        if not matched:
            faults.append(f"{key}: {environment} has the seats {', '.join(seats)}")
        for seat in matched:
            if seat in found_by:
                faults.append(f"{key}: {seat} is matched by {found_by[seat]}, too: name it, or let one of them match")
            elif seat not in filled:
                found_by[seat], filled[seat] = key, agent
    return filled, faults


def sides_of(
    scenario: Scenario[Any, Any] | None, config: Mapping[str, Any], free: Sequence[str]
) -> list[tuple[str, ...]]:
    """The free seats, those together that a round-robin gives to one agent.

    Raises:
        InputError: a variable in the config is not set here.
        PluginError: the scenario gives not each of its seats once.
    """
    if scenario is None:
        return [tuple(free)]
    validated = _validated(scenario, config)
    sides = scenario.sides(validated)
    if sorted(itertools.chain.from_iterable(sides)) != sorted(scenario.seats(validated)):
        raise PluginError(f"{scenario.id}: sides() must give each of its seats once; it gave {sides}")
    own = (tuple(seat for seat in side if seat in free) for side in sides)
    return [side for side in own if side]


def _check_number(experiment: Experiment, groups: Mapping[tuple[int, ...], Sequence[EpisodeSpec]], sides: int) -> None:
    """Raise if another cell's episodes would be too many, with so many sides to be filled."""
    chances = experiment.repetitions * experiment.seeds.count
    if sides == 1:
        if max(map(len, groups.values()), default=0) + chances > MOST:
            raise InputError(f"more than {MOST:,} episodes per agent: fewer seeds, repetitions, items or sweeps")
        return
    pairings = len(experiment.agents) ** sides
    if sum(map(len, groups.values())) + pairings * chances > MOST:
        many = f"{len(experiment.agents)} agents on {sides} sides make {pairings:,} pairings"
        raise InputError(f"more than {MOST:,} episodes: {many}; fewer agents, seeds, repetitions, items or sweeps")


def _pairings(agents: int, sides: int) -> Iterator[tuple[int, ...]]:
    """Every assignment of agents to sides; in each run of so many as there are agents, each fills each side once."""
    for offsets in itertools.product(range(agents), repeat=sides - 1):
        for first in range(agents):
            yield (first, *((first + offset) % agents for offset in offsets))


def _config_faults(experiment: Experiment, scenario: Scenario[Any, Any] | None, cell: Cell, path: str) -> list[str]:
    """What is wrong with a cell's config, at the place in the file where each field was set."""
    if cell.framing not in ("lived", "hypothetical"):
        return [f"$.treatments.framing: {cell.framing!r} is neither lived nor hypothetical"]
    if scenario is None:
        return []
    try:
        config = scenario.Config.model_validate(substitute(cell.config))
    except ValidationError as error:
        faults = []
        for where, _, said in faults_of(error):
            name = str(where[0]) if where else ""
            place = f"{path}.sweep" if name in cell.use.sweep else f"{path}.config"
            place = "$.treatments" if name in experiment.treatments else place
            place = ".".join([place, *map(str, where)])
            # As it is written, and not what its variables stand for.
            found = f" (found {cell.config[name]!r:.60})" if name in cell.config else ""
            faults.append(f"{place}: {said}{found}")
        return faults
    if experiment.limits.steps is None and scenario.endless(config):
        return [
            f"$.limits.steps: is needed: {cell.use.id} has no end of its own under {path}.config (--env: --steps N)"
        ]
    return []


def _cells(experiment: Experiment, use: EnvironmentUse, fields: set[str]) -> Iterator[Cell]:
    levels_of = {**experiment.treatments, **use.treatments}
    factors = {name: levels for name, levels in levels_of.items() if name == FRAMING or name in fields}
    for point in itertools.product(*use.sweep.values()):
        swept = dict(use.config) | dict(zip(use.sweep, point, strict=True))
        for levels in itertools.product(*factors.values()):
            assigned = dict(zip(factors, levels, strict=True))
            framing = assigned.get(FRAMING, "lived")
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
    # A variable stays a variable: what it stands for may be a secret, and differs from machine to machine.
    written = config.model_dump(mode="json") | {name: value for name, value in cell.config.items() if _varies(value)}
    population = scenario.items(config)
    if not population:
        raise InputError(f"{cell.use.id} has no items under this config")
    for item in _chosen(population, cell.use, path):
        settings = scenario.counterbalance(config, item)
        if not settings:
            raise PluginError(f"{cell.use.id}: counterbalance() gave no setting; an empty one is [{{}}]")
        for setting in settings:
            treatments = dict(cell.treatments) | {
                name: Treatment(value=value, propensity=_share(settings, name, value))
                for name, value in setting.items()
            }
            yield item.model_dump(mode="json"), written | dict(setting) if setting else written, treatments


def _share(settings: Sequence[Mapping[str, Any]], name: str, value: Any) -> float:
    """The factor's own probability of having this value, whatever the other factors have."""
    return sum(bool(setting.get(name) == value) for setting in settings) / len(settings)


def _validated(scenario: Scenario[Any, Any], config: Mapping[str, Any]) -> Any:
    return validated_config(scenario, substitute(config), written=config)


def _chosen(population: Sequence[Any], use: EnvironmentUse, path: str) -> Sequence[Any]:
    if use.items == "all":
        return population
    if isinstance(use.items, First):
        return population[: use.items.first]
    if isinstance(use.items, Sample):
        if use.items.sample > len(population):
            raise InputError.of(path, [f"items.sample: there are only {len(population)} items"])
        drawn = Luck(0).generator("items", use.id).choice(len(population), use.items.sample, replace=False)
        return [population[int(index)] for index in sorted(drawn)]
    known = {item.id: item for item in population}
    missing = [name for name in use.items if name not in known]
    if missing:
        raise InputError.of(path, [f"items: no item {name!r}{did_you_mean(name, known)}" for name in missing])
    return [known[name] for name in use.items]
