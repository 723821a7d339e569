"""Whether a stored trace is what its specification and recorded moves give: the environment is executed again."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import SandboxError
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.replayed import recorded_agents, recorded_chance
from sandbox.text import canonical
from sandbox.trace import Episode, Limits, Step, first_difference


@dataclass(frozen=True)
class Verified:
    """The result for one episode. `fault` is '' where all is well; `verifiable` is False for what was only recorded."""

    episode: str
    step: int | None = None
    fault: str = ""
    verifiable: bool = True


async def verify(episode: Episode, builder: Builder, parent: Episode | None = None) -> Verified:
    """Compare a trace with its re-execution, step by step; that of a fork also with its `parent`, as far as it goes.

    Executed episodes draw their chance anew from the seed; imported ones have theirs injected. An episode that ended in
    error is compared up to its error.
    """
    if episode.provenance == "recorded":
        return Verified(episode.id, None, "", verifiable=False)
    broken = _chain(episode)
    if broken is not None:
        return Verified(episode.id, broken, "its stored content does not match its digest")
    if episode.spec.key != episode.id:
        return Verified(episode.id, None, "its specification does not match its key")
    if (apart := _leaves_too_soon(episode, parent)) is not None:
        assert episode.spec.fork is not None
        return Verified(
            episode.id, apart, f"it is a fork of {episode.spec.fork.parent[:12]}, and does not share its steps"
        )
    nature = None if episode.provenance == "executed" else recorded_chance(episode.steps)
    # Where a limit of seconds or tokens cut the episode, its record ends; a slow machine must not cut it sooner.
    limits = Limits(attempts=episode.spec.limits.attempts)
    spec = episode.spec.model_copy(update={"limits": limits, "asks": ()})  # forks say nothing that a trace depends on
    try:
        world = builder.world(spec, nature, anew=True)
    except SandboxError:
        raise  # it is not here, or does not load: that says nothing about the trace
    except (Exception, SystemExit) as error:  # a plugin may do anything
        if episode.status == "error" and not episode.steps:
            return Verified(episode.id)  # as recorded
        return Verified(episode.id, None, f"its environment cannot be made: {type(error).__name__}: {error}")
    rebuilt: list[Step] = []
    loop = EpisodeLoop(spec, world, recorded_agents(episode), rebuilt.append)
    again = await loop.run({}, {}, episode.provenance)
    index = first_difference(episode.steps, rebuilt)
    if index is not None:
        return Verified(episode.id, index, _difference(episode.steps, rebuilt, index, again))
    for name in ("facts", "payoffs") if episode.status != "error" else ():
        one, other = dict(getattr(episode, name)), dict(getattr(again, name))
        if name == "facts":  # a later version of the environment may tell more than the trace has
            other = {fact: value for fact, value in other.items() if fact in one}
        if canonical(one) != canonical(other):
            return Verified(episode.id, None, f"its {name} at the end differ: {one} and {other}")
    if episode.status in ("finished", "forfeited") and again.status != episode.status:
        return Verified(episode.id, None, f"it ended as {episode.status}, and re-executed as {again.status}")
    if episode.hash != again.hash:
        return Verified(episode.id, None, "its trace hash differs")
    return Verified(episode.id)


def _leaves_too_soon(episode: Episode, parent: Episode | None) -> int | None:
    """The first step before a fork's own that is not its parent's; without the parent, the last one tells of all."""
    fork = episode.spec.fork
    if fork is None:
        return None
    until = fork.at
    if episode.status in ("error", "pending", "running"):  # it may have ended before
        until = min(until, len(episode.steps))
    if parent is not None and parent.id == fork.parent:
        found = first_difference(parent.steps[:until], episode.steps[:until])
        if found is not None:
            return found
    if (
        fork.prefix
        and until == fork.at
        and (len(episode.steps) < until or episode.steps[until - 1].digest != fork.prefix)
    ):
        return min(until - 1, len(episode.steps))
    return None


def _chain(episode: Episode) -> int | None:
    """The first step whose stored content does not give its stored digest."""
    before = ""
    for position, step in enumerate(episode.steps):
        if step.index != position or step.digest_after(before) != step.digest:
            return position
        before = step.digest
    return None


def _difference(recorded: tuple[Step, ...], rebuilt: list[Step], index: int, again: Episode) -> str:
    if index >= len(rebuilt):
        why = f" ({again.reason.strip().splitlines()[-1]})" if again.status == "error" and again.reason else ""
        return f"the re-execution ended before it{why}"
    if index >= len(recorded):
        return "the re-execution goes on where the trace ends"
    one, other = recorded[index], rebuilt[index]
    names = "seat state observation text menu ranges decision applied outcome rewards tick"
    changed = [name for name in names.split() if getattr(one, name) != getattr(other, name)]
    return f"re-executed, it differs in {', '.join(changed) or 'its digest'}"
