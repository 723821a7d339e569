"""`sandbox check`: whether a plugin keeps its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, builder, print_json, say, settings

if TYPE_CHECKING:
    from sandbox.runner.build import Builder
    from sandbox.trace import AgentSpec


def command(
    plugin: Annotated[str, typer.Argument(help="Id of an environment, agent or scorer.")],
    parameter: Annotated[list[str] | None, typer.Option("-P", help="key=value of its config.")] = None,
    env: Annotated[str, typer.Option("--env", help="An agent: the environment that it was made for.")] = "",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Run the conformance checks on a plugin, and name every fault."""
    from sandbox.checks import check_agent, check_scenario, check_scorer
    from sandbox.errors import PluginError, UnknownName
    from sandbox.plugins import KINDS
    from sandbox.trace import AgentSpec

    made = builder(plugins_dir)
    config = settings(parameter, "-P")
    kinds = {kind: [entry.name for entry in made.plugins.entries(kind)] for kind in KINDS}
    if plugin in kinds["environments"]:
        scenario = made.scenario(plugin)
        assert scenario is not None  # only `gymnasium:` ids have none, and they are not announced
        check_scenario(type(scenario), config)
    elif plugin in kinds["scorers"]:
        check_scorer(made.scorer(plugin, config))
    elif plugin in kinds["agents"] or ":" in plugin:
        agent = AgentSpec(id=plugin, name=plugin, config=config)
        if env:
            _check_in(env, agent, made)
        else:
            try:
                check_agent(made.agent(agent))
            except PluginError as error:
                raise PluginError(f"{error}; if it was made for one environment, check it there: --env ID") from None
    else:
        raise UnknownName.of_kind("plugin", plugin, [name for names in kinds.values() for name in names])
    if json:
        import orjson

        print_json(orjson.dumps({"plugin": plugin, "keeps_contract": True}).decode())
    else:
        say(f"{plugin} keeps its contract")
    return 0


def _check_in(env: str, agent: AgentSpec, made: Builder) -> None:
    """Let the agent play an environment from every seat, twice, and compare.

    Raises:
        PluginError: it raises, never answers legally, or does something else the second time.
    """
    import asyncio

    from sandbox.errors import PluginError
    from sandbox.experiment.expand import expand
    from sandbox.experiment.model import Experiment
    from sandbox.runner.loop import EpisodeLoop

    use = {"id": agent.id, "name": agent.name, **agent.config}
    experiment = Experiment.of({"name": "check", "environments": [{"id": env, "items": {"first": 1}}], "agents": [use]})
    spec = expand(experiment, made)[0]
    played = [
        asyncio.run(EpisodeLoop(spec, made.world(spec), made.agents(spec), lambda step: None).run({}, {}))
        for _ in range(2)
    ]
    if played[0].status == "error":
        raise PluginError(f"{agent.id} failed in {env}: {played[0].reason.strip().splitlines()[-1]}")
    if not any(step.decision for step in played[0].decisions()):
        raise PluginError(f"{agent.id} gave no legal answer in {env}")
    if played[0].hash != played[1].hash:
        raise PluginError(f"{agent.id} played {env} in two ways from one seed: draw from turn.generator()")
