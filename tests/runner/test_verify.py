"""A trace is what its specification and recorded moves give, or the step that differs is named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.agent import Reply, Turn
from sandbox.menu import Move
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.verify import verify
from sandbox.scenario import Appraisal
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Limits, MenuEntry, Step
from tests.toys import Bet, Leave, Pass, Rps, Throw, Wheel, pick, play, spec


async def slow(turn: Turn) -> Move:
    await asyncio.sleep(0.03)
    return Pass()


def raising(turn: Turn) -> Move:
    if turn.index > 1:
        raise KeyError("lost")
    return Bet(coins=1)


def awkward(turn: Turn) -> Any:
    """Every kind of answer: legal, abstaining, invalid, unparsed, refused."""
    return [Bet(coins=1), Pass(), {"kind": "fly"}, None, Reply(None, "no", refused=True), Bet(coins=1)][turn.index // 2]


LONG = {"spins": 6}
CASES = [
    (pick, spec(seed=3)),
    (pick, spec(Rps, seed=3)),
    (pick, spec(seed=3, framing="hypothetical", config=LONG)),
    (pick, spec(Rps, seed=3, framing="hypothetical", evaluated=("ann",))),
    (awkward, spec(config=LONG)),
    (lambda turn: None, spec(config={"forfeit": "end"})),
    (lambda turn: None, spec(Rps)),
    (raising, spec(config=LONG)),
    (lambda turn: Pass(), spec(config=LONG, limits=Limits(steps=3))),
    (lambda turn: Pass(), spec(config=LONG, limits=Limits(steps=3, attempts=1))),
    (slow, spec(config=LONG, limits=Limits(seconds=0.05))),
    (slow, spec(config=LONG, limits=Limits(seconds=0.005))),
]


@pytest.mark.parametrize(("agent", "of"), CASES)
async def test_whatever_happened_in_it_an_executed_episode_verifies(
    builder: Builder, agent: Any, of: EpisodeSpec
) -> None:
    episode = await play(agent, of)
    verified = await verify(episode, builder)
    assert (verified.fault, verified.step, verified.verifiable) == ("", None, True)
    assert verified.episode == episode.id


@pytest.mark.parametrize("name", [entry.name for entry in Plugins().entries("environments")])
@pytest.mark.parametrize("framing", ["lived", "hypothetical"])
async def test_every_shipped_environment_verifies(builder: Builder, name: str, framing: str) -> None:
    scenario = builder.scenario(name)
    assert scenario is not None
    config = scenario.Config()
    item = scenario.items(config)[0]
    config = config.model_copy(update=dict(scenario.counterbalance(config, item)[0]))
    use = AgentSpec(id="baselines/random", name="random")
    seats = scenario.seats(config)
    of = EpisodeSpec(
        environment=name,
        config=config.model_dump(mode="json"),
        item=item.model_dump(mode="json"),
        seats=dict.fromkeys(seats, use),
        evaluated=seats[:1],
        framing=framing,
        seed=11,
    )
    episode = await EpisodeLoop(of, builder.world(of), builder.agents(of), lambda step: None).run({}, {})
    assert episode.status in ("finished", "forfeited"), episode.reason
    assert (await verify(episode, builder)).fault == ""


def altered(episode: Episode, index: int, **changes: Any) -> Episode:
    """One step changed, as a flipped byte in the store would."""
    steps = list(episode.steps)
    steps[index] = steps[index].model_copy(update=changes)
    return episode.model_copy(update={"steps": tuple(steps)})


def forged(episode: Episode, index: int, **changes: Any) -> Episode:
    """One step changed, and every digest after it and the trace hash made to fit."""
    steps: list[Step] = []
    for position, step in enumerate(altered(episode, index, **changes).steps):
        digest = step.digest_after(steps[-1].digest if position else "")
        steps.append(step.model_copy(update={"digest": digest}))
    return episode.model_copy(update={"steps": tuple(steps), "hash": steps[-1].digest})


def entry(move: Move) -> MenuEntry:
    return MenuEntry(move=move.model_dump(), appraisal=Appraisal())


CHANGES: list[dict[str, Any]] = [
    {"applied": {"kind": "pass"}},
    {"decision": entry(Pass())},
    {"decision": None},
    {"observation": {"purse": 4, "left": 3}},
    {"text": "purse: 4"},
    {"menu": ()},
    {"rewards": {"player": 9.0}},
    {"state": "0" * 32},
    {"outcome": "invalid"},
    {"tick": 7},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_a_changed_step_is_found_and_named(builder: Builder, change: dict[str, Any]) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    verified = await verify(altered(episode, 2, **change), builder)
    assert (verified.step, verified.fault) == (2, "its stored content does not match its digest")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_a_change_with_its_digests_made_to_fit_is_found_by_execution(
    builder: Builder, change: dict[str, Any]
) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    verified = await verify(forged(episode, 2, **change), builder)
    assert verified.step == 2
    assert verified.fault.startswith("re-executed, it differs in ")


async def test_an_end_that_was_cut_off_is_found(builder: Builder) -> None:
    """Cut between two decisions, with all else made to fit, the steps alone would not show it."""
    episode = await play(lambda turn: Pass(), spec(seed=1))
    cut = episode.model_copy(update={"steps": episode.steps[:4], "hash": episode.steps[3].digest})
    assert (await verify(cut, builder)).fault == "it ended as finished, and re-executed as truncated"


async def test_changed_luck_is_found(builder: Builder) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    other = {"kind": "spin", "red": not episode.steps[1].applied["red"]}
    verified = await verify(forged(episode, 1, applied=other), builder)
    assert (verified.step, verified.fault) == (1, "re-executed, it differs in applied")


async def test_a_trace_that_is_too_short_or_too_long_is_found(builder: Builder) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    short = episode.model_copy(update={"steps": episode.steps[:-1], "hash": episode.steps[-2].digest})
    verified = await verify(short, builder)
    assert (verified.step, verified.fault) == (5, "the re-execution goes on where the trace ends")
    ended = await play(lambda turn: Leave(), spec(seed=1))
    extra = ended.steps[0].model_copy(update={"index": 1})
    extra = extra.model_copy(update={"digest": extra.digest_after(ended.hash)})
    long = ended.model_copy(update={"steps": (*ended.steps, extra), "hash": extra.digest})
    verified = await verify(long, builder)
    assert (verified.step, verified.fault) == (1, "the re-execution ended before it")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"facts": {"task_done": "maybe"}}, "its facts at the end differ"),
        ({"payoffs": {"player": 99.0}}, "its payoffs at the end differ"),
        ({"hash": "0" * 64}, "its trace hash differs"),
        ({"id": "0" * 64}, "its specification does not match its key"),
        ({"spec": spec(seed=2)}, "its specification does not match its key"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_is_said_of_the_whole_is_compared_too(builder: Builder, change: dict[str, Any], said: str) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    verified = await verify(episode.model_copy(update=change), builder)
    assert said in verified.fault
    assert verified.step is None


async def test_a_trace_from_before_its_environment_told_more_verifies(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    told = Wheel.facts
    monkeypatch.setattr(Wheel, "facts", lambda self, state: {**told(self, state), "new": 1})
    assert (await verify(episode, builder)).fault == ""
    monkeypatch.setattr(Wheel, "facts", lambda self, state: {})
    lacking = episode.model_copy(update={"facts": {"old": 1}})
    assert "its facts at the end differ" in (await verify(lacking, builder)).fault


async def test_changed_dynamics_are_found(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason why changed dynamics need a new version in the id."""
    episode = await play(lambda turn: Bet(coins=1), spec(seed=1))
    monkeypatch.setattr(Wheel, "payoffs", lambda self, state: {"player": 0.0})
    verified = await verify(episode, builder)
    assert (verified.step, verified.fault) == (1, "re-executed, it differs in rewards")


async def test_an_imported_episode_has_its_recorded_chance_injected(builder: Builder) -> None:
    """A record of elsewhere has a luck of its own, which no seed of ours draws."""
    from tests.toys import Function, world

    of = spec(Rps, seed=1)
    nature = [{"kind": "fall", "heads": heads} for heads in (True, False, False)]
    agents = {seat: Function(lambda turn: Throw(hand="rock")) for seat in of.seats}
    for provenance, fault in (("replayed", ""), ("executed", "re-executed, it differs in ")):
        loop = EpisodeLoop(of, world(of, nature), agents, lambda step: None)
        episode = await loop.run({}, {}, "replayed")
        assert [step.applied["heads"] for step in episode.steps if step.seat == "nature"] == [True, False, False]
        verified = await verify(episode.model_copy(update={"provenance": provenance}), builder)
        assert verified.fault.startswith(fault)
        assert bool(verified.fault) == bool(fault)


async def test_what_was_only_recorded_is_not_verifiable(builder: Builder) -> None:
    episode = (await play(pick)).model_copy(update={"provenance": "recorded"})
    verified = await verify(episode, builder)
    assert (verified.verifiable, verified.fault) == (False, "")


async def test_an_episode_without_steps_verifies(builder: Builder) -> None:
    def broken(turn: Turn) -> Move:
        raise KeyError("at once")

    episode = await play(broken)
    assert episode.steps == ()
    assert (await verify(episode, builder)).fault == ""
