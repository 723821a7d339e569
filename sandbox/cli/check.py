"""`sandbox check`: whether a plugin keeps its contract."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.cli.options import PluginsOption, StoreOption, builder, say, settings


def command(
    plugin: Annotated[str, typer.Argument(help="Id of an environment, agent or scorer.")],
    parameter: Annotated[list[str] | None, typer.Option("-P", help="key=value of its config.")] = None,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
) -> int:
    """Run the conformance checks on a plugin, and name every fault."""
    from sandbox.checks import check_agent, check_scenario, check_scorer
    from sandbox.errors import UnknownName
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
        check_agent(made.agent(AgentSpec(id=plugin, name=plugin, config=config)))
    else:
        raise UnknownName.of_kind("plugin", plugin, [name for names in kinds.values() for name in names])
    say(f"{plugin} keeps its contract")
    return 0
