"""`sandbox play`: a person takes a seat in an environment, and is recorded as any agent is; again to go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

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
)

if TYPE_CHECKING:
    from sandbox.experiment.model import Experiment
    from sandbox.report.words import Passage
    from sandbox.runner.build import Builder
    from sandbox.runner.run import Ran
    from sandbox.store import Store
    from sandbox.trace import EpisodeSpec

OTHERS = "baselines/random"
"""Who plays the seats that nobody was named for."""


def command(
    env: Annotated[str, typer.Argument(help="An environment's id (see: sandbox list environments).")],
    seat: Annotated[
        list[str] | None,
        typer.Option("--seat", help="SEAT: yours; SEAT=AGENT: a counterpart, SEAT may be a glob. May be given again."),
    ] = None,
    agent: Annotated[str, typer.Option("--agent", help=f"Who plays all other seats. [default: {OTHERS}]")] = "",
    parameter: Annotated[list[str] | None, typer.Option("-P", help="key=value of the environment's config.")] = None,
    agent_parameter: Annotated[list[str] | None, typer.Option("-A", help="key=value of --agent's settings.")] = None,
    item: Annotated[str, typer.Option("--item", help="An item's id. [default: one after the other]")] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="First seed.")] = 0,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="At most so many decisions in an episode.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Yours. [default: $SANDBOX_AUTHOR, else the login name]")] = "",
    episodes: Annotated[int, typer.Option("--episodes", min=1, help="How many, one after the other.")] = 1,
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of a screen.")] = False,
    json: JsonOption = False,
) -> int:
    """Take a seat in an environment; recorded like any agent. The same command again goes on, or plays the next."""
    from sandbox.cli.run import conclude
    from sandbox.people import person_name
    from sandbox.results import results_of
    from sandbox.runner.run import run_experiment

    made = builder(plugins_dir)
    others = {"id": agent or OTHERS, **settings(agent_parameter, "-A")}
    config = settings(parameter, "-P")
    experiment, filled = _experiment(made, env, config, seat or [], others, item, seed, steps, person_name(name))
    with open_store(store) as opened:
        chosen = _chosen(opened, made, experiment, episodes, ask=at_a_terminal() and not json)

        async def run() -> Ran:
            return await run_experiment(experiment, opened, made, concurrent=1, chosen=chosen)

        def ended(ran: Ran) -> list[Passage]:
            results_of(opened, made, opened.experiment(ran.experiment)).document()  # what was never scored is now
            return outcomes(opened, [spec.key for spec in chosen])

        lines = plain or json or not at_a_terminal()
        note = f"also played: {', '.join(f'{one} by {use}' for one, use in filled.items())}" if filled else ""
        ran, replay = at_the_desk(made, run, ended, note=note, lines=lines)
        if replay:
            from sandbox.tui import run_replay

            run_replay(opened, episode=chosen[-1].key)
        document = results_of(opened, made, opened.experiment(ran.experiment)).document()
        if json:
            print_document(document)
        else:
            option = store_words(store)
            say(f"\nreplay it: sandbox replay {chosen[-1].key[:12]}{option}   (the same command plays the next)")
        own = {spec.key for spec in chosen}
        return conclude(
            ran, [entry for entry in document.episodes if entry.id in own], store, "play goes on with the next"
        )


def at_a_terminal() -> bool:
    """Whether a person can be asked on a screen."""
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def at_the_desk(
    made: Builder,
    run: Callable[[], Awaitable[Ran]],
    ended: Callable[[Ran], Sequence[Passage]],
    *,
    note: str = "",
    lines: bool = False,
) -> tuple[Ran, bool]:
    """Run something that asks people, who sit at this terminal; what it did, and whether they want to see a replay.

    Args:
        made: the builder that makes agents for it; knows from now on where people sit.
        run: runs the episodes.
        ended: what to show when they are over; may take a moment.
        note: what to say first.
        lines: lines of text instead of a screen.

    Raises:
        KeyboardInterrupt: they have left.
    """
    from sandbox import interruptible
    from sandbox.adapters.human import Left

    if not lines:
        from sandbox.tui.seat import SeatApp

        app = SeatApp(run, ended, note)
        made.people = app
        app.run()
        if app.fault is not None:
            raise app.fault
        if app.ran is None:
            raise KeyboardInterrupt
        return app.ran, app.wants_replay

    async def in_lines() -> Ran:
        from sandbox.cli.play_lines import LinesDesk, stdin_lines

        made.people = LinesDesk(stdin_lines(), say, confirm=at_a_terminal())
        return await run()

    if note:
        say(note)
    try:
        ran = interruptible.run(in_lines())
    except Left:
        raise KeyboardInterrupt from None
    for passage in ended(ran):
        say("\n".join(f"{' ' * passage.indent}{line}" for line in passage.text.split("\n")))
    return ran, False


def outcomes(opened: Store, keys: Sequence[str]) -> list[Passage]:
    """How episodes ended, what they paid, and what scorers say of them; ground truth is left to the replay."""
    from sandbox.report.words import Passage, amounts, passage, score_words

    passages = []
    for key in keys:
        episode = opened.about(key)
        passages.append(Passage(f"Episode {key[:12]}: {episode.status}", "heading"))
        if episode.reason:
            passages.append(passage(episode.reason.strip(), "flag" if episode.status == "error" else "text", 2))
        if episode.payoffs:
            passages.append(passage(f"payoffs: {amounts(episode.payoffs)}", "text", 2))
        scores = opened.scores(episode=key)
        known = [score for score in scores if score.value is not None]
        passages.extend(passage(f"score {score_words(score)}", "quiet", 2) for score in known)
        if len(known) < len(scores):
            left = f"{len(scores) - len(known)} more are undefined here: sandbox show {key[:12]} says why"
            passages.append(Passage(left, "quiet", 2))
    return passages


def _experiment(
    made: Builder,
    env: str,
    config: dict[str, Any],
    seats: list[str],
    others: dict[str, Any],
    item: str,
    seed: int,
    steps: int | None,
    name: str,
) -> tuple[Experiment, dict[str, str]]:
    """An experiment named after its content, and who plays the other seats."""
    import hashlib
    from fnmatch import fnmatchcase

    from sandbox.adapters.human import PREFIX, name_in
    from sandbox.errors import InputError
    from sandbox.experiment.expand import substitute
    from sandbox.experiment.model import AgentUse, Experiment
    from sandbox.play import validated_config
    from sandbox.text import canonical
    from sandbox.trace import AgentSpec

    scenario = made.scenario(env)
    there = scenario.seats(validated_config(scenario, substitute(config), config)) if scenario else ("agent",)
    mine = [one for one in seats if "=" not in one]
    pairs = dict(pair.partition("=")[::2] for pair in seats if "=" in pair)
    named: dict[str, str] = {}
    for key, used in sorted(pairs.items(), key=lambda pair: pair[0] in there):  # a seat's own name counts last
        matched = [one for one in there if fnmatchcase(one, key) and one not in mine]
        named |= dict.fromkeys([key] if key in there else matched or [key], used)
    for one in mine:
        if one not in there:
            raise InputError(f"--seat {one}: {env} has the seats {', '.join(there)}")
    free = [one for one in there if one not in mine and one not in named]
    if not mine:
        if not free:
            raise InputError("--seat: every seat has an agent, so that none is left for you")
        mine = [free.pop(0)]
    counterparts = {one: {"id": used, "name": name_in(used) or ""} for one, used in named.items()}
    counterparts |= dict.fromkeys(free, others)
    filled = {}
    for one, raw in counterparts.items():
        use = AgentUse.model_validate(raw)
        made.agent(AgentSpec(id=use.id, name=use.called, config=use.config))  # a wrong name is an error of its own here
        filled[one] = use.called
    content: dict[str, Any] = {
        "environments": [
            {"id": env, "config": config, "seats": counterparts, "items": [item] if item else "all"},
        ],
        "agents": [{"id": f"{PREFIX}{name}", "name": name}],
        "seeds": {"start": seed},
    }
    if steps is not None:
        content["limits"] = {"steps": steps}
    digest = hashlib.sha256(canonical(content)).hexdigest()[:8]
    return Experiment.of({"name": f"play {env} {name} {digest}", **content}, "the options"), filled


def _chosen(opened: Store, made: Builder, experiment: Experiment, count: int, *, ask: bool) -> list[EpisodeSpec]:
    """The next episodes: the first that are not over, and that nobody plays elsewhere at this moment.

    One that was left in its midst is gone on with, unless the person, where they can be asked, wants another.
    """
    from sandbox.errors import UnknownName
    from sandbox.store.queue import OPEN
    from sandbox.text import display_line

    chosen: list[EpisodeSpec] = []
    for spec in _in_order(made, experiment):
        try:
            pulse = opened.pulse(spec.key)
        except UnknownName:
            chosen.append(spec)
        else:
            if pulse.status not in OPEN or opened.is_held(spec.key):
                continue
            if pulse.steps and ask:
                go_on = f"You left an episode (item {display_line(spec.item_id, 60)}) after step {pulse.steps}. Go on?"
                if not typer.confirm(go_on, default=True):
                    continue
            elif pulse.steps:
                say(f"going on with an episode that was left after step {pulse.steps}")
            chosen.append(spec)
        if len(chosen) == count:
            break
    return chosen


def _in_order(made: Builder, experiment: Experiment) -> Iterator[EpisodeSpec]:
    """The experiment's episodes item by item, then with the next seed, without an end."""
    from itertools import count

    from sandbox.experiment.expand import expand, substitute
    from sandbox.play import validated_config

    (use,) = experiment.environments
    scenario = made.scenario(use.id)
    ids: Sequence[str] = use.items if isinstance(use.items, tuple) else ()
    if not ids and scenario is not None:
        config = validated_config(scenario, substitute(use.config), use.config)
        ids = [one.id for one in scenario.items(config)]
    for seed in count(experiment.seeds.start):
        for one in ids or ("0",):
            items = (one,) if scenario is not None else "all"
            part = experiment.model_copy(
                update={
                    "environments": (use.model_copy(update={"items": items}),),
                    "seeds": experiment.seeds.model_copy(update={"start": seed}),
                }
            )
            yield from expand(part, made)
