"""One loop for every kind of environment: what agents and environment exchanged is recorded, and nothing is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sandbox_agent_llm import choice

from sandbox.adapters.graphs import graph_of
from sandbox.adapters.langgraph import GraphAgent
from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.errors import ModelError
from sandbox.menu import Forfeit, InvalidAction, Move
from sandbox.runner.loop import EpisodeLoop
from sandbox.trace import Episode, EpisodeSpec, Limits, Step, choices
from tests.toys import Bet, Leave, Pass, Rps, Throw, Wheel, WheelState, pick, play, spec, world


def decided(episode: Episode) -> list[Step]:
    return [step for step in episode.steps if step.seat != "nature"]


def scripted(*answers: Any) -> Any:
    """An agent that gives these answers in order, over steps and attempts."""
    left = iter(answers)
    return lambda turn: next(left)


async def bet(turn: Turn) -> Move:
    await asyncio.sleep(0)
    return Bet(coins=1)


async def test_a_step_records_what_was_exchanged() -> None:
    episode = await play(scripted(Reply(Bet(coins=2), text="red, I say"), Leave()), spec(seed=1))
    bet, spin, leave = episode.steps
    assert (bet.index, bet.tick, bet.seat) == (0, 0, "player")
    assert (bet.observation, bet.text) == ({"purse": 3, "left": 3}, "purse: 3\nleft: 3")
    assert [dict(entry.move) for entry in bet.menu] == [
        {"kind": "bet", "coins": 1, "note": ""},
        {"kind": "bet", "coins": 3, "note": ""},
        {"kind": "pass"},
        {"kind": "leave"},
    ]
    assert bet.ranges == ("bet(coins: 1 to 3, note: str)",)
    assert [entry.appraisal.risks for entry in bet.menu] == [("gambling",), ("gambling",), (), ()]
    assert (bet.decision.move["coins"], bet.decision.appraisal.utility) == (2, 2.0)
    assert (bet.applied, bet.outcome, bet.said) == (bet.decision.move, "valid", "red, I say")
    assert (spin.seat, spin.text, spin.outcome, spin.index, spin.tick) == ("nature", "spin/0", "chance", 1, 1)
    won = 2.0 if spin.applied["red"] else -2.0
    assert (bet.rewards, spin.rewards, leave.rewards) == ({}, {"player": won}, {})
    assert (episode.status, episode.payoffs, episode.total) == ("finished", {"player": won}, won)
    assert episode.hash == leave.digest
    assert episode.facts == {"task_done": won > 0}


async def test_steps_are_handed_on_as_they_are_done() -> None:
    """A step that was recorded is not lost with the rest."""
    steps: list[Step] = []

    def agent(turn: Turn) -> Move:
        assert len(steps) == turn.index
        return Bet(coins=1)

    episode = await play(agent, steps=steps)
    assert tuple(steps) == episode.steps
    assert [step.index for step in steps] == list(range(len(steps)))


async def test_simultaneous_moves_share_a_tick_and_see_nothing_of_each_other() -> None:
    seen: list[tuple[str, int]] = []

    async def agent(turn: Turn) -> Move:
        await asyncio.sleep(0)
        seen.append((turn.seat, len(turn.observation.theirs)))
        return Throw(hand="rock" if turn.seat == "ann" else "scissors")

    episode = await play(agent, spec(Rps, config={"rounds": 2}))
    assert [(step.seat, step.tick) for step in episode.steps] == [
        ("ann", 0), ("ben", 0), ("nature", 1), ("ann", 2), ("ben", 2), ("nature", 3),
    ]  # fmt: skip
    assert seen == [("ann", 0), ("ben", 0), ("ann", 1), ("ben", 1)]
    assert episode.steps[2].rewards["ann"] == -episode.steps[2].rewards["ben"] > 0
    assert episode.steps[0].state == episode.steps[1].state


# -- invalid answers -------------------------------------------------------------------------------------------------


async def test_an_illegal_answer_is_told_why_and_asked_again_and_recorded() -> None:
    told: list[tuple[InvalidAction, ...]] = []

    def agent(turn: Turn) -> Any:
        told.append(turn.errors)
        return [{"kind": "bet", "coins": 99}, {"kind": "fly"}, Leave()][len(turn.errors)]

    (step,) = (await play(agent)).steps
    assert [error.code for error in told[2]] == ["illegal", "unknown"]
    assert [(event.kind, event.data["code"]) for event in step.events] == [
        ("invalid", "illegal"),
        ("invalid", "unknown"),
    ]
    assert (step.outcome, step.applied) == ("valid", {"kind": "leave"})


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"kind": "bet", "coins": 99}, "invalid"),
        ({"kind": "fly"}, "invalid"),
        (None, "unparsed"),
        ("bet one coin", "unparsed"),
        (Reply(None, text="hm"), "unparsed"),
        (Reply(None, text="no", refused=True), "refusal"),
        (Reply(Leave(), error=InvalidAction("several", "two")), "invalid"),
        (Forfeit(), "invalid"),
    ],
    ids=str,
)
async def test_what_never_is_a_legal_answer_is_the_declared_forfeit_and_counted(answer: Any, outcome: str) -> None:
    episode = await play(lambda turn: answer, spec(config={"spins": 1}))
    (step, _) = episode.steps
    assert (step.outcome, step.decision, step.applied) == (outcome, None, {"kind": "pass"})
    assert len(step.events) == (1 if outcome == "refusal" else 3), "a refusal is not asked again"
    assert episode.counts()[outcome] == 1
    assert [choice.chosen for choice in choices(episode)] == [None]


async def test_where_nothing_is_declared_the_episode_ends_as_forfeited() -> None:
    episode = await play(lambda turn: None, spec(config={"forfeit": "end"}))
    assert (episode.status, len(episode.steps)) == ("forfeited", 1)
    assert episode.steps[0].applied == {"kind": "forfeit"}
    assert "no legal answer" in episode.reason


@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_an_agent_has_as_many_attempts_as_the_limits_say(attempts: int) -> None:
    asked: list[int] = []
    await play(lambda turn: asked.append(1), spec(config={"spins": 1}, limits=Limits(attempts=attempts)))
    assert len(asked) == attempts


async def test_an_abstention_is_a_legal_move_and_no_choice() -> None:
    episode = await play(scripted(Pass(), Leave()))
    assert [step.outcome for step in decided(episode)] == ["abstention", "valid"]
    assert episode.counts()["abstention"] == 1


# -- limits ----------------------------------------------------------------------------------------------------------


async def slow(turn: Turn) -> Move:
    await asyncio.sleep(600)
    return Leave()


async def test_a_timeout_is_recorded_and_its_forfeit_happens() -> None:
    episode = await play(slow, spec(limits=Limits(seconds=0.05)))
    (step, _) = episode.steps
    assert (step.outcome, step.applied, step.decision) == ("timeout", {"kind": "pass"}, None)
    assert [(event.kind, event.data["seconds"]) for event in step.events] == [("timeout", 0.05)]
    assert (episode.status, episode.reason) == ("truncated", "0.05 seconds")
    assert episode.counts()["invalid"] == 1


async def test_a_timeout_of_the_agents_own_is_its_error_and_not_the_runners_limit() -> None:
    def agent(turn: Turn) -> Move:
        raise TimeoutError("my database")

    async def waiting(turn: Turn) -> Move:
        raise TimeoutError("my database")

    for one in (agent, waiting):
        episode = await play(one, spec(limits=Limits(seconds=30)))
        assert episode.status == "error"
        assert "TimeoutError: my database" in episode.reason


async def test_a_limit_of_steps_truncates_after_so_many_decisions_of_all_seats() -> None:
    episode = await play(lambda turn: Pass(), spec(config={"spins": 9}, limits=Limits(steps=4)))
    assert (episode.status, episode.reason, len(decided(episode))) == ("truncated", "4 steps", 4)
    exact = await play(lambda turn: Pass(), spec(config={"spins": 4}, limits=Limits(steps=4)))
    assert exact.status == "finished"


@pytest.mark.parametrize(("limit", "steps"), [({"tokens": 20}, 2), ({"model_calls": 3}, 3)])
async def test_limits_of_tokens_and_model_calls_truncate(limit: dict[str, int], steps: int) -> None:
    def agent(turn: Turn) -> Move:
        turn.emit("model_call", {"tokens": {"total": 10}})
        return Pass()

    episode = await play(agent, spec(config={"spins": 9}, limits=Limits(**limit)))
    assert (episode.status, len(decided(episode))) == ("truncated", steps)


# -- what goes wrong -------------------------------------------------------------------------------------------------


async def test_an_agent_that_raises_ends_its_episode_in_error_and_keeps_the_steps_before() -> None:
    def agent(turn: Turn) -> Move:
        if turn.index:
            raise KeyError("lost")
        return Bet(coins=1)

    episode = await play(agent)
    assert (episode.status, len(decided(episode))) == ("error", 1)
    assert "KeyError: 'lost'" in episode.reason
    assert episode.hash == episode.steps[-1].digest


@pytest.mark.parametrize("seats", ["one", "two"])
async def test_an_agent_whose_own_wait_was_cancelled_ends_its_episode_in_error(seats: str) -> None:
    """It ended the task that plays episode after episode: none was left, and the run told nobody."""

    async def agent(turn: Turn) -> Move:
        waiting: asyncio.Future[Move] = asyncio.get_running_loop().create_future()
        waiting.cancel()
        return await waiting

    episode = await play(agent) if seats == "one" else await play({"ann": agent, "ben": pick}, spec(Rps))
    assert episode.status == "error"
    assert "CancelledError" in episode.reason


async def test_one_seat_that_raises_leaves_no_call_of_another_running() -> None:
    ended: list[str] = []

    async def patient(turn: Turn) -> Move:
        await asyncio.sleep(0.01)
        ended.append(turn.seat)
        return Throw(hand="rock")

    episode = await play({"ann": lambda turn: 1 / 0, "ben": patient}, spec(Rps))
    assert (episode.status, ended) == ("error", ["ben"])


@pytest.mark.parametrize("answer", [7, [Leave()], object()])
async def test_an_answer_of_no_known_shape_is_unparsed(answer: Any) -> None:
    episode = await play(lambda turn: answer, spec(config={"spins": 1}))
    assert episode.steps[0].outcome == "unparsed"


@pytest.mark.parametrize("method", ["menu", "apply", "observe", "appraise", "payoffs", "sample", "facts"])
async def test_an_environment_that_raises_ends_the_episode_in_error(method: str, monkeypatch: Any) -> None:
    def broken(self: Any, *arguments: Any) -> Any:
        raise ZeroDivisionError(method)

    of = spec()
    monkeypatch.setattr(Wheel, method, broken)
    episode = await play(lambda turn: Bet(coins=1), of)
    assert episode.status == "error"
    assert f"ZeroDivisionError: {method}" in episode.reason


async def test_a_reward_that_is_no_number_is_recorded_as_such_and_the_episode_goes_on(monkeypatch: Any) -> None:
    def payoffs(self: Any, state: WheelState) -> Mapping[str, float]:
        return {"player": float("inf") if state.staked is not None else 1.0}

    monkeypatch.setattr(Wheel, "payoffs", payoffs)
    episode = await play(lambda turn: Bet(coins=1), spec(config={"spins": 1}))
    assert episode.status == "finished", episode.reason
    assert [event.kind for event in episode.steps[0].events] == ["reward_invalid"]
    assert episode.steps[0].rewards == {}


async def test_a_model_that_cannot_be_reached_leaves_the_episode_to_be_run() -> None:
    def agent(turn: Turn) -> Move:
        raise ModelError("the model cannot be reached")

    with pytest.raises(ModelError):
        await play(agent)


async def test_words_and_moves_with_broken_characters_are_kept() -> None:
    """A model's half emoji is a lone surrogate, and NUL is no text for a database."""
    note = "half \ud83d and \x00"
    episode = await play(scripted(Reply(Bet(coins=1, note=note), text=note), Leave()))
    assert episode.status == "finished", episode.reason
    assert (episode.steps[0].said, episode.steps[0].decision.move["note"]) == (note, note)


# -- framing, privilege, luck ----------------------------------------------------------------------------------------


async def test_a_hypothetical_episode_follows_the_reference_path_and_has_no_effect() -> None:
    """The state of each question is the same whatever was answered, so that answers can be compared."""
    bold = await play(lambda turn: Bet(coins=3), spec(framing="hypothetical", seed=3))
    meek = await play(lambda turn: Leave(), spec(framing="hypothetical", seed=3))
    assert [step.state for step in bold.steps] == [step.state for step in meek.steps]
    assert [step.applied for step in decided(bold)] == [{"kind": "pass"}] * 3
    assert [step.decision.move["kind"] for step in decided(bold)] == ["bet"] * 3
    assert {step.outcome for step in decided(bold)} == {"valid"}
    assert (bold.status, bold.total, bold.payoffs) == ("finished", None, {"player": 0.0})
    assert bold.hash != meek.hash


async def test_only_the_seat_under_evaluation_is_asked_hypothetically() -> None:
    framings: dict[str, str] = {}

    def agent(turn: Turn) -> Move:
        framings[turn.seat] = turn.framing
        return Throw(hand="rock")

    episode = await play(agent, spec(Rps, framing="hypothetical", evaluated=("ann",)))
    assert framings == {"ann": "hypothetical", "ben": "lived"}
    assert (episode.status, len(episode.steps)) == ("finished", 2), "nothing is declared: it is asked once"


async def test_ground_truth_is_told_to_privileged_agents_only() -> None:
    told: list[Any] = []

    class Subject(Agent[NoConfig]):
        privileged = True

        def act(self, turn: Turn) -> Move:
            told.append(turn.appraise)
            return Leave()

    await play(Subject(NoConfig()))
    await play(lambda turn: told.append(turn.appraise) or Leave())
    assert told[0] is not None
    assert told[1] is None


async def test_an_agents_own_luck_differs_by_seed_episode_seat_step_and_attempt_and_repeats() -> None:
    turn = world(spec()).turn("player", 3, episode="e")
    draws = {
        name: one.generator().random()
        for name, one in {
            "same": turn,
            "again": world(spec()).turn("player", 3, episode="e"),
            "seed": world(spec(seed=1)).turn("player", 3, episode="e"),
            "episode": replace(turn, episode="f"),
            "seat": replace(turn, seat="other"),
            "step": replace(turn, index=4),
            "attempt": replace(turn, errors=(InvalidAction("illegal", "x"),)),
        }.items()
    }
    assert draws.pop("again") == draws["same"]
    assert len(set(draws.values())) == len(draws)


# -- determinism -----------------------------------------------------------------------------------------------------

SCRIPT = [{"action": {"kind": "bet", "coins": 1}}, "hm", {"action": {"kind": "pass"}}]


def llm() -> GraphAgent:
    return GraphAgent(graph_of(choice, {"model": "fake:script", "replies": SCRIPT}, "llm/choice"))


async def test_the_same_specification_gives_the_same_hash_alone_and_interleaved() -> None:
    async def hesitant(turn: Turn) -> Move:
        await asyncio.sleep(0.001 * (hash(turn.episode) % 3))
        return pick(turn)

    jobs: list[tuple[Any, EpisodeSpec]] = []
    for seed in range(4):
        jobs += [
            (pick, spec(seed=seed)),
            (hesitant, spec(Rps, seed=seed)),
            (bet, spec(seed=seed, config={"spins": 5})),
            ("llm", spec(seed=seed)),
            ("llm", spec(seed=seed, framing="hypothetical")),
        ]

    def run(agent: Any, of: EpisodeSpec) -> Any:
        return play(llm() if agent == "llm" else agent, of)

    alone = [(await run(*job)).hash for job in jobs]
    together = [episode.hash for episode in await asyncio.gather(*(run(*job) for job in jobs))]
    backwards = [episode.hash for episode in await asyncio.gather(*(run(*job) for job in reversed(jobs)))]
    assert alone == together == backwards[::-1]
    assert len(set(alone)) > 10


async def test_a_trace_hash_is_this_one_on_every_machine() -> None:
    episode = await play(pick, spec(Rps, seed=7))
    assert episode.hash == "c554c9842b58ee627b11f7681445a5dbcdd83c9a54bf31b8ba122fce3c3241dd"


async def test_a_loop_can_be_cancelled_at_any_wait() -> None:
    of = spec(Rps)
    loop = EpisodeLoop(of, world(of), {seat: llm() for seat in of.seats}, lambda step: None)
    task = asyncio.ensure_future(loop.run({}, {}))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
