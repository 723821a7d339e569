"""`sandbox fork`: what would have come of another action at a step, or of another agent."""

from __future__ import annotations

from typing import Annotated, Any

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


def command(
    episode: Annotated[str, typer.Argument(help="An episode's id (its beginning is enough), or ID#STEP.")],
    at: Annotated[int | None, typer.Option("--at", min=1, help="The step at which it is to go another way.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", help='What is done there instead, as JSON: \'{"kind": "accept"}\'.')
    ] = None,
    agent: Annotated[str, typer.Option("--agent", help="The agent that has the step's seat from there on.")] = "",
    agent_parameter: Annotated[list[str] | None, typer.Option("-A", help="key=value of that agent's settings.")] = None,
    continuations: Annotated[
        int, typer.Option("--continuations", min=1, help="With more than one, so many lucks, each with its control.")
    ] = 1,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Play an episode again from a step on, with its own luck, and say what that made of the return and the risks."""
    from sandbox import interruptible
    from sandbox.cli.progress import progress_bar
    from sandbox.errors import EPISODES_FAILED, InputError, ModelError
    from sandbox.report.address import address, locate
    from sandbox.report.document import document
    from sandbox.report.forks import Forked, difference_lines, fork_lines
    from sandbox.runner.what_if import agent_called, place, plan, run_forks

    if agent_parameter and not agent:
        raise InputError("-A is a setting of the agent that --agent names: give --agent, too")
    made = builder(plugins_dir)
    with open_store(store, create=False) as opened:
        key, step = locate(opened, episode)
        if at is None and step is None:
            raise InputError(f"which step of {episode}? Give it as --at 4, or as {episode}#4")
        if at is not None and step is not None and at != step + 1:
            raise InputError(f"--at {at} and {episode} name two steps: give one of them")
        index = at - 1 if at is not None else step or 0
        parent = opened.episode(key)
        where = interruptible.run(place(parent, index, made))
        chosen = plan(
            where,
            made,
            action=None if action is None else _action(action),
            agent=agent_called(agent, settings(agent_parameter, "-A")) if agent else None,
            continuations=continuations,
        )
        with progress_bar(chosen.name) as progress:
            ran = interruptible.run(run_forks(chosen, opened, made, progress))
        if unreachable := {name: why for one in ran for name, why in one.unreachable.items()}:
            lines = [f"{name}: {reason}" for name, reason in unreachable.items()]
            raise ModelError("; ".join(lines) + "\n(what is left stays to be run: run the same command again)")
        forked = Forked(chosen, opened)
        if forked.open:
            why = next((one.stopped for one in ran if one.stopped), "another process plays it")
            warn(f"{forked.open} not played yet: {why} (run the same command again)")
        for warning in forked.warnings:
            warn(warning)
        found = forked.differences()
        if json:
            told = document(opened.experiment(ran[0].experiment), opened.heads(ran[0].experiment))
            more = {"forks": forked.entries(), "differences": found, "warnings": [*told.warnings, *forked.warnings]}
            print_document(told.model_copy(update=more))
        else:
            option = store_words(store)
            say(chosen.name)
            for line in fork_lines(forked.forks):
                say(f"  {line}")
            if found:
                say(f"\nwhat it made of the rest: fork - {'control' if chosen.controls else 'parent'}, 95% interval")
                for line in difference_lines(found):
                    say(f"  {line}")
            elif not chosen.compared:
                say("nothing was put in another's place, so that there is nothing to compare: --action or --agent does")
            say(f"\nlook at it: sandbox replay {address(chosen.forks[0].key, index)}{option}")
        return EPISODES_FAILED if forked.failed else 0


def _action(text: str) -> dict[str, Any]:
    """The action that is written so.

    Raises:
        InputError: it is no JSON object.
    """
    import json

    from sandbox.errors import InputError

    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(
            f'--action {text}: not JSON ({error}); expected an action such as {{"kind": "accept"}}'
        ) from None
    if not isinstance(found, dict):
        raise InputError(f'--action {text}: expected an object with the action\'s kind, such as {{"kind": "accept"}}')
    return found
