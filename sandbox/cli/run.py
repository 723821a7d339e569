"""`sandbox run`: an experiment from a file, or one made of options; run it again to go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sandbox.cli.options import (
    JsonOption,
    PluginsOption,
    StoreOption,
    builder,
    open_store,
    print_document,
    say,
    settings,
    store_words,
    warn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.experiment.model import Experiment
    from sandbox.report.document import EpisodeEntry
    from sandbox.runner.build import Builder
    from sandbox.runner.run import Ran
    from sandbox.runner.tally import Progress


def command(
    experiment: Annotated[Path | None, typer.Argument(help="Experiment file (YAML or JSON).")] = None,
    env: Annotated[str, typer.Option("--env", help="Instead of a file: an environment's id.")] = "",
    agent: Annotated[list[str] | None, typer.Option("--agent", help="Agent's id; may be given again.")] = None,
    seat: Annotated[
        list[str] | None, typer.Option("--seat", help="SEAT=AGENT: a counterpart; SEAT may be a glob.")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option("--episodes", min=1, help="With --env: episodes per agent. [default: 1]")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="With --env: first seed. [default: 0]")] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="With --env: at most so many decisions in an episode.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-P", help="key=value of the environment's config; of a file's, of each.")
    ] = None,
    agent_parameter: Annotated[list[str] | None, typer.Option("-A", help="key=value of the agents' settings.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many episodes of it.")] = None,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Play failed episodes again.")] = False,
    executor: Annotated[
        str, typer.Option("--executor", help="local: in this process; process: in several; ray: on a cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes of process and ray. [default: one a core]")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, help="Episodes at once in each process. [default: 8]")
    ] = None,
    cache: Annotated[
        Literal["off", "read", "write"],
        typer.Option("--cache", help="Replies of models: off; read: take what others share; write: share them, too."),
    ] = "off",
    browser: Annotated[
        str, typer.Option("--browser", help="Executable of the browser. [default: SANDBOX_BROWSER, or what is found]")
    ] = "",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Run what is missing of an experiment; run the same again to go on."""
    from sandbox import interruptible
    from sandbox.cli.play import at_a_terminal, at_the_desk
    from sandbox.cli.progress import progress_bar
    from sandbox.errors import InputError
    from sandbox.experiment.model import Experiment
    from sandbox.report.tables import print_results
    from sandbox.results import results_of
    from sandbox.runner.people import people_of
    from sandbox.runner.run import run_experiment
    from sandbox.runner.work import CONCURRENT
    from sandbox.store.queue import OPEN

    if (experiment is None) == (not env):
        raise InputError("give either an experiment file, or --env ID and --agent ID")
    if browser:
        os.environ["SANDBOX_BROWSER"] = browser  # so that worker processes use it, too
    made = builder(plugins_dir)
    if experiment is not None:
        given = {"--agent": agent, "--seat": seat, "--episodes": episodes, "--seed": seed, "-A": agent_parameter}
        for option, value in {**given, "--steps": steps}.items():
            if value is not None:
                instead = "`limits: {steps: N}`" if option == "--steps" else "it there"
                raise InputError(f"{option} goes with --env; in an experiment file write {instead}")
        loaded = Experiment.load(experiment)
        if parameter:
            loaded = loaded.changed(settings(parameter, "-P"))
    else:
        if not agent:
            raise InputError("--env needs an --agent (see: sandbox list agents)")
        loaded, limit = _of_options(made, env, agent, seat, episodes or 1, seed or 0, steps, parameter, agent_parameter)
    with open_store(store) as opened:

        async def run(concurrent: int, progress: Progress | None) -> Ran:
            return await run_experiment(
                loaded,
                opened,
                made,
                limit=limit,
                retry_errors=retry_errors,
                progress=progress,
                executor_name=executor,
                concurrent=concurrent,
                workers=workers,
                cache=cache,
            )

        if executor == "local" and people_of(loaded) and at_a_terminal():
            from sandbox.report.words import Passage

            # One episode after the other: nobody plays eight at once. What is shown at the end is printed below.
            over = Passage("All is played; the results are printed when you leave.")
            ran, replay = at_the_desk(made, lambda: run(1, None), lambda _: [over], note=loaded.name)
            if replay:
                from sandbox.tui import run_replay

                run_replay(opened, experiment=ran.experiment)
        else:
            with progress_bar(loaded.name) as progress:
                ran = interruptible.run(run(concurrency or CONCURRENT, progress))
        if ran.stopped:
            warn(f"{ran.stopped} (what is left stays to be run: run the same command again)")
        results = results_of(opened, made, opened.experiment(ran.experiment), loaded.scorers)
        document = results.document()
        if json:
            print_document(document)
        elif any(entry.status not in OPEN for entry in document.episodes):
            print_results(document, store)
            _say_next(document, store)
    return conclude(ran, document.episodes, store)


def conclude(
    ran: Ran, episodes: Sequence[EpisodeEntry], store: str, again: str = "--retry-errors plays them again"
) -> int:
    """Say which episodes went wrong, and what to do `again`; the exit code.

    Raises:
        ModelError: a model, or a person, could not be reached.
    """
    from sandbox.errors import EPISODES_FAILED, ModelError

    failed = [entry for entry in episodes if entry.status == "error"]
    if failed:
        option = store_words(store)
        warn(
            f"{len(failed):,} of {len(episodes):,} episodes ended in error; why the first did: "
            f"sandbox show {failed[0].id[:12]}{option}   ({again})"
        )
    if ran.unreachable:
        lines = [f"{name}: {reason}" for name, reason in ran.unreachable.items()]
        raise ModelError("; ".join(lines) + "\n(its episodes are left to be run: run the same command again)")
    return EPISODES_FAILED if failed else 0


def _of_options(
    made: Builder,
    env: str,
    agents: list[str],
    seats: list[str] | None,
    episodes: int,
    seed: int,
    steps: int | None,
    parameters: list[str] | None,
    agent_parameters: list[str] | None,
) -> tuple[Experiment, int]:
    """An experiment named after its content, and how many episodes it has."""
    import hashlib

    from sandbox.errors import InputError
    from sandbox.experiment.expand import substitute
    from sandbox.experiment.model import Experiment
    from sandbox.play import validated_config
    from sandbox.text import canonical
    from sandbox.trace import AgentSpec

    counterparts: dict[str, str] = {}
    for pair in seats or []:
        name, sign, filled = pair.partition("=")
        if not sign:
            raise InputError(f"--seat {pair}: expected SEAT=AGENT, such as --seat bob=baselines/rubinstein")
        counterparts[name] = filled
    config = settings(parameters, "-P")
    scenario = made.scenario(env)
    for name in [*agents, *counterparts.values()]:
        own = settings(agent_parameters, "-A") if name in agents else {}
        made.agent(AgentSpec(id=name, name=name, config=own))  # here a wrong name is an error of its own, not a list
    population = len(scenario.items(validated_config(scenario, substitute(config), config))) if scenario else 1
    content: dict[str, Any] = {
        "environments": [
            {"id": env, "config": config, "seats": counterparts, "items": {"first": min(episodes, population)}}
        ],
        "agents": [{"id": name, **settings(agent_parameters, "-A")} for name in agents],
        "seeds": {"start": seed, "count": -(-episodes // population)},
    }
    if steps is not None:
        content["limits"] = {"steps": steps}
    digest = hashlib.sha256(canonical(content)).hexdigest()[:8]
    name = f"{env} {' '.join(agents)} {digest}"
    return Experiment.of({"name": name, **content}, "the options"), episodes * len(agents)


def _say_next(document: Any, store: str) -> None:
    option = store_words(store)
    first = next(entry for entry in document.episodes if entry.steps or entry is document.episodes[-1])
    say(f"\nreplay it: sandbox replay {first.id[:12]}{option}   (all: sandbox replay{option})")
