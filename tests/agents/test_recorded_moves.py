"""`baselines/recorded` plays a record's moves in their order; what does not fit is no answer, never another move."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.errors import InputError
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.trace import AgentSpec, Episode, EpisodeSpec

GREEDY = {"kind": "offer", "alice_gain": 99.0}
FAIR = {"kind": "offer", "alice_gain": 50.0}
REJECT = {"kind": "reject"}


def spec_of(*moves: dict[str, Any], rounds: int = 3, **changes: Any) -> EpisodeSpec:
    """Bob bargains with Alice, who plays the moves: she offers in odd rounds."""
    seats = {
        "alice": AgentSpec(id="baselines/recorded", name="record", config={"moves": list(moves)}),
        "bob": AgentSpec(id="baselines/rubinstein", name="baselines/rubinstein"),
    }
    fields: dict[str, Any] = {
        "environment": "games/Bargaining-v0",
        "config": {"money": 100, "rounds": rounds},
        "seats": seats,
        "evaluated": ("bob",),
    }
    return EpisodeSpec(**fields | changes)


async def played(builder: Builder, spec: EpisodeSpec) -> Episode:
    loop = EpisodeLoop(spec, builder.world(spec), builder.agents(spec), lambda step: None)
    return await loop.run(builder.benchmarks(spec), {})


def of_alice(episode: Episode) -> list[tuple[str, str]]:
    return [(step.outcome, step.applied["kind"]) for step in episode.steps if step.seat == "alice"]


async def test_it_plays_its_moves_in_their_order_whatever_the_other_does(builder: Builder) -> None:
    episode = await played(builder, spec_of(GREEDY, REJECT, FAIR))
    assert of_alice(episode) == [("valid", "offer"), ("valid", "reject"), ("valid", "offer")]
    assert [step.applied.get("alice_gain") for step in episode.steps if step.seat == "alice"] == [99.0, None, 50.0]
    assert episode.facts["round"] == 3


async def test_the_moves_of_a_trace_play_its_game_again(builder: Builder) -> None:
    first = await played(builder, spec_of(GREEDY, REJECT, FAIR))
    again = spec_of(*(dict(step.applied) for step in first.steps if step.seat == "alice"))
    assert (await played(builder, again)).hash == first.hash


async def test_a_move_that_is_not_legal_here_is_recorded_as_invalid_and_the_record_goes_on_with_its_next(
    builder: Builder,
) -> None:
    """Nothing is put in its place: the forfeit of a proposer is that the round goes by without an offer."""
    episode = await played(builder, spec_of({"kind": "accept"}, REJECT, FAIR))
    assert of_alice(episode) == [("invalid", "pass"), ("valid", "reject"), ("valid", "offer")]
    first = episode.steps[0]
    assert first.decision is None
    assert [event.kind for event in first.events] == ["invalid"] * 3
    assert "offer" in first.events[0].data["message"]


async def test_after_its_last_move_it_has_no_answer(builder: Builder) -> None:
    episode = await played(builder, spec_of(GREEDY, rounds=4))
    assert of_alice(episode) == [
        ("valid", "offer"),
        ("unparsed", "reject"),
        ("unparsed", "pass"),
        ("unparsed", "reject"),
    ]
    assert episode.steps[-1].said == "the record of 1 moves ends here"


async def test_a_fork_that_is_asked_beside_the_episode_takes_none_of_its_moves(builder: Builder) -> None:
    plain = spec_of(GREEDY, REJECT, FAIR, evaluated=("alice",))
    asked = spec_of(GREEDY, REJECT, FAIR, evaluated=("alice",), asks=("hypothetical",))
    assert (await played(builder, asked)).hash == (await played(builder, plain)).hash


def test_nothing_is_a_best_response_to_its_policy_since_it_has_none(builder: Builder) -> None:
    """It does not look at the state. The best against its recorded moves is in the facts, where a game works it out."""
    found = builder.benchmarks(spec_of(GREEDY, REJECT, FAIR))
    assert found["best_response/bob"].value is None
    assert found["best_response/bob"].assumes


async def test_what_was_said_is_said_again_as_it_was_and_no_variable_is_filled_in(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that once wrote the name of a secret would have its counterpart told the secret."""
    monkeypatch.setenv("SANDBOX_SECRET", "a secret")
    said = "pay ${SANDBOX_SECRET} or ${amount}"
    spec = spec_of(GREEDY | {"message": said}, config={"rounds": 2, "messages": True})
    assert (await played(builder, spec)).steps[0].applied["message"] == said


def test_settings_without_moves_are_a_fault(builder: Builder) -> None:
    with pytest.raises(InputError, match="moves"):
        builder.agent(AgentSpec(id="baselines/recorded", name="record"))
