"""Forks: with what was recorded they are their parent again, and with anything else they differ from there on only."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.agent import Agent, NoConfig, Turn
from sandbox.errors import InputError, SandboxError, UnknownName
from sandbox.menu import Move, moves
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.fork import Branch
from sandbox.runner.imported import import_records
from sandbox.runner.surfaces import Surfaces
from sandbox.runner.verify import verify
from sandbox.runner.what_if import Plan, agent_called, place, plan, run_forks
from sandbox.runner.work import play
from sandbox.scenario import NATURE, Frozen
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Limits
from tests.toys import Bet, Leave, Pass, Rps, Wheel, spec

DATA = Path(__file__).parent.parent / "data"


class Moody(Agent[NoConfig]):
    """Draws a habit at its first turn, and draws among the moves that it did not take last: luck and memory."""

    def __init__(self, config: NoConfig) -> None:
        super().__init__(config)
        self.lived: list[tuple[int, bool]] = []
        self.last: Move | None = None

    def act(self, turn: Turn) -> Move:
        bold = bool(turn.generator().integers(2)) if not self.lived else self.lived[0][1]
        self.lived.append((turn.index, bold))
        listed = [move for move in moves(turn.menu) if not isinstance(move, Leave)]
        others = [move for move in listed if move != self.last] or listed
        chosen = others[int(turn.generator().integers(len(others)))] if bold else others[0]
        self.last = chosen
        return chosen


class Lab:
    """A store, and what plays in it."""

    def __init__(self, store: Store, builder: Builder) -> None:
        self.store, self.builder = store, builder

    async def played(self, of: EpisodeSpec) -> Episode:
        """The episode of a specification."""
        number = self.store.add_experiment("parents", {"name": "parents"}, [of])
        for claimed in self.store.claim(self.store.queue(number), 1):
            surfaces = Surfaces(self.builder)
            await play(claimed, self.builder, self.store, self.store.writer(), surfaces)
            await surfaces.close()
        return self.store.episode(of.key)

    async def plan(self, parent: Episode, at: int, **how: Any) -> Plan:
        """What is to be played."""
        return plan(await place(parent, at, self.builder), self.builder, **how)

    async def forks(self, parent: Episode, at: int, **how: Any) -> list[Episode]:
        """The forks that come of it."""
        made = await self.plan(parent, at, **how)
        await run_forks(made, self.store, self.builder)
        return [self.store.episode(spec.key) for spec in made.forks]

    async def fork(self, parent: Episode, at: int, **how: Any) -> Episode:
        """The one fork that comes of it."""
        (made,) = await self.forks(parent, at, **how)
        return made


@pytest.fixture
def lab(database_url: str, builder: Builder) -> Iterator[Lab]:
    with Store.open(database_url) as store:
        yield Lab(store, builder)


def moody(scenario: Any = Wheel, **changes: Any) -> EpisodeSpec:
    use = AgentSpec(id="tests.runner.test_fork:Moody", name="moody")
    made = spec(scenario, **changes)
    return made.model_copy(update={"seats": dict.fromkeys(made.seats, use)})


def digests(episode: Episode) -> list[str]:
    return [step.digest for step in episode.steps]


def decisions(episode: Episode) -> list[int]:
    return [step.index for step in episode.steps if step.seat != NATURE]


def kinds(episode: Episode) -> list[tuple[int, str]]:
    return [(step.index, event.kind) for step in episode.steps for event in step.events]


TOYS = [
    moody(seed=3, config={"spins": 6}),
    moody(seed=4, config={"spins": 6}, framing="hypothetical"),
    moody(Rps, seed=5),
    moody(Rps, seed=6, limits=Limits(steps=4)),
]


@pytest.mark.parametrize("of", TOYS)
async def test_a_fork_with_the_recorded_agent_and_move_is_its_parent_again(lab: Lab, of: EpisodeSpec) -> None:
    parent = await lab.played(of)
    assert parent.status in ("finished", "truncated"), parent.reason
    for at in decisions(parent):
        step = parent.steps[at]
        forks = [await lab.fork(parent, at)]
        if of.framing == "lived":
            forks.append(await lab.fork(parent, at, action=step.decision.move))  # type: ignore[union-attr]
        for fork in forks:
            assert digests(fork) == digests(parent)
            assert (fork.status, fork.payoffs, fork.facts) == (parent.status, parent.payoffs, parent.facts)
            assert "divergence" not in dict(kinds(fork)).values()
            assert (at, "fork") in kinds(fork)
            assert (await verify(fork, lab.builder)).fault == ""


SHIPPED = [entry.name for entry in Plugins().entries("environments")]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
async def test_a_fork_with_the_recorded_move_and_agent_is_its_parent_in_every_shipped_environment(
    tmp_path: Path, builder: Builder, name: str
) -> None:
    """At the first, the middle and the last decision, with agents that draw among the moves."""
    with Store.open(str(tmp_path / "x.db")) as store:
        await check_forks_of_one_episode(Lab(store, builder), name)


async def check_forks_of_one_episode(lab: Lab, name: str) -> None:
    scenario = lab.builder.scenario(name)
    assert scenario is not None
    config = scenario.Config()
    item = scenario.items(config)[0]
    config = config.model_copy(update=dict(scenario.counterbalance(config, item)[0]))
    seats = scenario.seats(config)
    of = EpisodeSpec(
        environment=name,
        config=config.model_dump(mode="json"),
        item=item.model_dump(mode="json"),
        seats=dict.fromkeys(seats, AgentSpec(id="baselines/random", name="random")),
        evaluated=seats[:1],
        seed=11,
    )
    parent = await lab.played(of)
    assert parent.status in ("finished", "forfeited"), parent.reason
    own = decisions(parent)
    for at in sorted({own[0], own[len(own) // 2], own[-1]}):
        step = parent.steps[at]
        how = [{}] if step.decision is None else [{}, {"action": step.decision.move}]
        for one in how:
            fork = await lab.fork(parent, at, **one)
            assert digests(fork) == digests(parent), fork.reason
            assert (fork.payoffs, fork.facts) == (parent.payoffs, parent.facts)
        assert (await verify(fork, lab.builder)).fault == ""


async def test_another_move_changes_what_comes_after_it_and_nothing_before(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3, config={"spins": 6}))
    at = decisions(parent)[2]
    other = {"kind": "leave"}
    fork = await lab.fork(parent, at, action=other)
    assert digests(fork)[:at] == digests(parent)[:at]
    assert fork.steps[at].applied == other
    assert len(fork.steps) == at + 1
    assert fork.spec.fork is not None
    assert (fork.spec.fork.parent, fork.spec.fork.at) == (parent.id, at)
    (event,) = [event for event in fork.steps[at].events if event.kind == "fork"]
    assert event.data["instead"] == parent.steps[at].decision.move  # type: ignore[union-attr]
    assert (await verify(fork, lab.builder)).fault == ""
    assert lab.store.heads()[1].parent == parent.id


async def test_nature_draws_after_the_step_what_it_drew_for_the_parent(lab: Lab) -> None:
    """Luck is keyed by the draw's name: a bet in place of a pass meets the very same wheel."""
    parent = await lab.played(moody(seed=3, config={"spins": 6}))
    at = decisions(parent)[1]
    other = {"kind": "pass"} if parent.steps[at].applied["kind"] == "bet" else {"kind": "bet", "coins": 1}
    fork = await lab.fork(parent, at, action=other)

    def drawn(episode: Episode) -> dict[str, Any]:
        return {step.text: step.applied for step in episode.steps if step.seat == NATURE}

    shared = drawn(fork).keys() & drawn(parent).keys()
    assert len(shared) > 2
    assert {name: drawn(fork)[name] for name in shared} == {name: drawn(parent)[name] for name in shared}


@pytest.mark.slow
async def test_continuations_draw_anew_from_the_step_on_and_repeat_exactly(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3, config={"spins": 8}))
    at = decisions(parent)[1]
    forks = await lab.forks(parent, at, continuations=8)
    assert {fork.spec.repetition for fork in forks} == set(range(1, 9))
    assert all(digests(fork)[:at] == digests(parent)[:at] for fork in forks)
    assert len({fork.hash for fork in forks}) > 4
    for fork in forks:
        assert (await verify(fork, lab.builder)).fault == ""
    made = await lab.plan(parent, at, continuations=8, action={"kind": "pass"})
    await run_forks(made, lab.store, lab.builder)
    for one, other in zip(made.forks, made.controls, strict=True):
        left, right = lab.store.episode(one.key), lab.store.episode(other.key)
        assert right.steps[at].decision == parent.steps[at].decision
        assert left.steps[at + 1].applied == right.steps[at + 1].applied  # the same spin of the wheel


async def test_other_seats_of_the_tick_decide_as_they_did(lab: Lab) -> None:
    """They could not know: what ann throws instead meets what ben threw."""
    parent = await lab.played(moody(Rps, seed=5))
    for seat, other in (("ann", "ben"), ("ben", "ann")):
        at = next(step.index for step in parent.steps if step.seat == seat and step.tick > 0)
        hand = next(move for move in ("rock", "paper") if parent.steps[at].applied["hand"] != move)
        fork = await lab.fork(parent, at, action={"kind": "throw", "hand": hand})
        tick = {step.seat: step.applied for step in fork.steps if step.tick == parent.steps[at].tick}
        then = {step.seat: step.applied for step in parent.steps if step.tick == parent.steps[at].tick}
        assert tick == {seat: {"kind": "throw", "hand": hand}, other: then[other]}


async def test_another_agent_takes_the_seat_and_has_witnessed_what_came_before(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3, config={"spins": 6}))
    at = decisions(parent)[2]
    fork = await lab.fork(parent, at, agent=AgentSpec(id="tests.runner.test_fork:Telling", name="telling"))
    assert digests(fork)[:at] == digests(parent)[:at]
    assert [kind for index, kind in kinds(fork) if kind == "witnessed"] == ["witnessed"] * 2
    assert fork.steps[at].said == "saw 2"
    assert fork.spec.agent.name == "telling"
    assert fork.status == "finished"


class Telling(Agent[NoConfig]):
    """Remembers what it witnessed, and tells how much that was."""

    def __init__(self, config: NoConfig) -> None:
        super().__init__(config)
        self.seen: list[Mapping[str, Any]] = []

    def witness(self, turn: Turn, reply: Any) -> None:
        assert reply.action is not None
        self.seen.append(reply.action)

    def act(self, turn: Turn) -> Any:
        from sandbox.agent import Reply

        return Reply(Pass(), f"saw {len(self.seen)}")


@pytest.mark.slow
async def test_a_fork_of_a_fork_shares_what_both_share(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3, config={"spins": 8}))
    own = decisions(parent)
    (child, *_) = await lab.forks(parent, own[1], action={"kind": "pass"}, continuations=2)
    at = decisions(child)[4]
    again = await lab.fork(child, at)
    assert digests(again) == digests(child)
    assert (await verify(again, lab.builder)).fault == ""
    earlier = await lab.fork(child, own[0])
    assert digests(earlier)[: own[1]] == digests(child)[: own[1]]
    other = await lab.fork(child, at, action={"kind": "leave"})
    assert digests(other)[:at] == digests(child)[:at]
    assert not any(event.kind == "divergence" for step in (*again.steps, *other.steps) for event in step.events)


async def test_a_fork_that_does_not_share_its_parents_steps_is_found(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3))
    at = decisions(parent)[1]
    fork = await lab.fork(parent, at, action={"kind": "leave"})
    assert (await verify(fork, lab.builder, parent)).fault == ""
    steps = (parent.steps[0].model_copy(update={"digest": "0" * 64}), *parent.steps[1:])
    found = await verify(fork, lab.builder, parent.model_copy(update={"steps": steps}))
    assert (found.step, found.fault) == (0, f"it is a fork of {parent.id[:12]}, and does not share its steps")


async def test_an_agent_that_answers_otherwise_now_does_not_change_the_past(lab: Lab) -> None:
    use = AgentSpec(id="tests.runner.test_fork:fickle", name="fickle")
    parent = await lab.played(spec(seed=3, config={"spins": 4}).model_copy(update={"seats": {"player": use}}))
    at = decisions(parent)[2]
    fork = await lab.fork(parent, at, action={"kind": "leave"})
    assert digests(fork)[:at] == digests(parent)[:at]
    assert [kind for _, kind in kinds(fork)].count("divergence") == 2


_CALLS = iter(range(1, 1000))


def fickle(turn: Turn) -> Move:
    """Another answer at each call."""
    return Bet(coins=1, note=str(next(_CALLS))) if turn.observation.purse else Pass()


@pytest.mark.parametrize(
    ("at", "how", "said"),
    [
        (40, {}, "no step 41"),
        (1, {}, "step 2 is chance, which nobody decides: take step 1 (player) or 3 (player)"),
        (0, {"action": {"kind": "fly"}}, "step 1, player: there is no action 'fly'. Legal now: bet"),
        (0, {"action": {"kind": "bet", "coins": 99}}, "step 1, player: "),
        (0, {"agent": AgentSpec(id="baselines/rando", name="x")}, "did you mean 'baselines/random'"),
        (0, {"action": {"kind": "pass"}, "agent": AgentSpec(id="baselines/random", name="x")}, "an action or an agent"),
        (0, {"continuations": 0}, "expected 1 to 1,000"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_what_to_do_instead(
    lab: Lab, at: int, how: dict[str, Any], said: str
) -> None:
    parent = await lab.played(moody(seed=3))
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        await lab.forks(parent, at, **how)
    assert len(lab.store.experiments()) == 1


async def test_a_hypothetical_episode_has_no_other_moves_but_other_agents(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3, framing="hypothetical"))
    with pytest.raises(InputError, match="hypothetical: what player decides in it has no effect"):
        await lab.fork(parent, 0, action={"kind": "pass"})
    fork = await lab.fork(parent, decisions(parent)[1], agent=AgentSpec(id="baselines/random", name="random"))
    assert fork.spec.framing == "hypothetical"


async def test_an_episode_that_was_imported_as_text_or_goes_on_is_not_forked(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3))
    for changes, said in (({"provenance": "recorded"}, "imported as text"), ({"status": "running"}, "is running")):
        with pytest.raises(InputError, match=said):
            await lab.plan(parent.model_copy(update=changes), 0)


async def test_an_environment_that_has_changed_since_is_not_forked(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3))
    steps = list(parent.steps)
    steps[0] = steps[0].model_copy(update={"digest": "0" * 64})
    with pytest.raises(InputError, match="its step 1 is not what was recorded"):
        await lab.plan(parent.model_copy(update={"steps": tuple(steps)}), decisions(parent)[1])


async def test_a_plain_gymnasium_environment_is_forked_with_its_own_luck_only(lab: Lab) -> None:
    use = AgentSpec(id="baselines/random", name="random")
    of = EpisodeSpec(
        environment="gymnasium:FrozenLake-v1",
        seats={"agent": use},
        evaluated=("agent",),
        seed=2,
        limits=Limits(steps=9),
    )
    parent = await lab.played(of)
    assert digests(await lab.fork(parent, 1)) == digests(parent)
    with pytest.raises(InputError, match="has one continuation"):
        await lab.fork(parent, 1, continuations=3)


async def test_a_fork_without_its_parent_says_so(lab: Lab, tmp_path: Any) -> None:
    parent = await lab.played(moody(seed=3))
    made = await lab.plan(parent, 0, action={"kind": "pass"})
    with Store.open(str(tmp_path / "other.db")) as store:
        await run_forks(made, store, lab.builder)
        lost = store.episode(made.forks[0].key)
    assert lost.status == "error"
    assert UnknownName.__name__ in lost.reason
    assert parent.id in lost.reason


@pytest.mark.slow
async def test_a_fork_of_an_imported_game_has_the_chance_that_was_recorded(lab: Lab) -> None:
    """Its seed says nothing of the chance of the original: that is injected, before the step and after it."""
    records = lab.builder.plugins.load("importers", "glee")().records(DATA / "glee_persuasion_cases.jsonl")
    ran = await import_records(itertools.islice(records, 2), "glee", lab.store, lab.builder)
    for head in lab.store.heads(ran.experiment):
        parent = lab.store.episode(head.id)
        chance = [step.index for step in parent.steps if step.seat == NATURE]
        assert len(chance) > 2
        own = decisions(parent)
        for at in (own[0], own[len(own) // 2], own[-1]):
            fork = await lab.fork(parent, at)
            assert digests(fork) == digests(parent)
            assert (await verify(fork, lab.builder)).fault == ""
        other = await lab.fork(parent, own[0], agent=AgentSpec(id="baselines/random", name="random"))
        drawn = {step.text: step.applied for step in other.steps if step.seat == NATURE}
        assert drawn == {parent.steps[index].text: parent.steps[index].applied for index in chance}
        assert (other.spec.external_id, other.provenance) == (None, "replayed")


@pytest.mark.slow
@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 30), rps=st.booleans())
def test_whatever_is_put_in_the_past_stays_and_the_fork_verifies(
    tmp_path_factory: pytest.TempPathFactory, toy_plugins: Any, data: st.DataObject, seed: int, rps: bool
) -> None:
    """Any step of any toy, with any legal move, with the parent's luck or another."""

    async def examine() -> None:
        parent = await lab.played(moody(Rps if rps else Wheel, seed=seed))
        at = data.draw(st.sampled_from(decisions(parent)))
        step = parent.steps[at]
        action = data.draw(st.sampled_from([dict(entry.move) for entry in step.menu]))
        forks = await lab.forks(parent, at, action=action, continuations=data.draw(st.sampled_from([1, 2])))
        for fork in forks:
            assert digests(fork)[:at] == digests(parent)[:at]
            assert fork.steps[at].applied == action
            assert (await verify(fork, lab.builder)).fault == ""

    directory = tmp_path_factory.mktemp("forks")
    with Store.open(str(directory / "x.db")) as store:
        lab = Lab(store, Builder(Plugins([toy_plugins])))
        asyncio.run(examine())


async def test_the_second_seat_of_a_tick_draws_anew_in_each_continuation(lab: Lab) -> None:
    """Its turn bears the index of the tick's first step, which is before the fork's own."""
    parent = await lab.played(moody(Rps, seed=5))
    at = next(step.index for step in parent.steps if step.seat == "ben" and step.tick > 0)
    assert digests(await lab.fork(parent, at)) == digests(parent)
    forks = await lab.forks(parent, at, agent=AgentSpec(id="baselines/random", name="random"), continuations=8)
    assert {fork.steps[at - 1].digest for fork in forks} == {parent.steps[at - 1].digest}
    assert len({fork.steps[at].applied["hand"] for fork in forks}) > 1
    again = await lab.fork(forks[0], at)
    first = await lab.fork(forks[0], at - 1)
    assert digests(again) == digests(first) == digests(forks[0])
    assert not any(event.kind == "divergence" for step in (*again.steps, *first.steps) for event in step.events)


class Frail(Agent[NoConfig]):
    """Fails until it is mended, before it has been asked for its first own move."""

    broken = True

    def witness(self, turn: Turn, reply: Any) -> None:
        if self.broken:
            raise ValueError("boom")

    def act(self, turn: Turn) -> Move:
        return Pass()


async def test_a_fork_that_ended_in_error_verifies_and_is_played_again(lab: Lab, monkeypatch: Any) -> None:
    parent = await lab.played(moody(seed=3, config={"spins": 6}))
    at, use = decisions(parent)[2], AgentSpec(id="tests.runner.test_fork:Frail", name="frail")
    fork = await lab.fork(parent, at, agent=use)
    assert (fork.status, fork.steps) == ("error", ())
    assert (await verify(fork, lab.builder, parent)).fault == ""
    monkeypatch.setattr(Frail, "broken", False)
    fork = await lab.fork(parent, at, agent=use)
    assert (fork.status, fork.attempt) == ("finished", 2)


async def test_agents_with_other_settings_are_other_experiments(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3))
    uses = [agent_called("tests.runner.test_fork:Rare", {"share": share, "model": "m"}) for share in (1, 2)]
    made = [await lab.plan(parent, 0, agent=use, continuations=2) for use in uses]
    assert [plan.forks[0].agent.name for plan in made] == [f"tests.runner.test_fork:Rare(m) share={n}" for n in (1, 2)]
    assert [plan.name.rpartition(": ")[2] for plan in made] == [f"{use.name} x2" for use in uses]
    assert made[0].asked["agent"]["config"] == {"share": 1, "model": "m"}
    named = [await lab.plan(parent, 0, agent=use.model_copy(update={"name": "rare"})) for use in uses]
    assert named[0].name != named[1].name


class RareConfig(Frozen):
    """Two settings."""

    share: int
    model: str


class Rare(Agent[RareConfig]):
    """Passes."""

    Config = RareConfig

    def act(self, turn: Turn) -> Move:
        return Pass()


async def test_an_agent_of_the_parent_that_is_gone_is_said_before_anything_is_stored(lab: Lab) -> None:
    parent = await lab.played(moody(Rps, seed=5))
    gone = AgentSpec(id="tests.runner.test_fork:Gone", name="gone")
    spec = parent.spec.model_copy(update={"seats": {**parent.spec.seats, "ben": gone}})
    with pytest.raises(SandboxError, match="Gone"):
        await lab.forks(parent.model_copy(update={"spec": spec}), 0)
    assert len(lab.store.experiments()) == 1


async def test_a_fork_tells_without_its_parent_whether_it_shares_its_steps(lab: Lab) -> None:
    parent = await lab.played(moody(seed=3))
    at = decisions(parent)[1]
    fork = await lab.fork(parent, at, action={"kind": "leave"})
    assert fork.spec.fork is not None
    assert fork.spec.fork.prefix == parent.steps[at - 1].digest
    other = fork.spec.model_copy(update={"fork": fork.spec.fork.model_copy(update={"prefix": "0" * 64})})
    found = await verify(fork.model_copy(update={"spec": other, "id": other.key}), lab.builder)
    assert (found.step, found.fault) == (at - 1, f"it is a fork of {parent.id[:12]}, and does not share its steps")
    with pytest.raises(InputError, match="has been played again since"):
        Branch(other, parent, lab.store)
