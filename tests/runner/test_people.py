"""A person among an episode's agents: recorded as any agent is, asked once, shown nothing that is not theirs to see."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.adapters.human import PERSON, Left, Question, Submitted
from sandbox.agent import Reply
from sandbox.cli.play_lines import LinesDesk
from sandbox.errors import InputError, ModelError, PluginError
from sandbox.experiment.model import Experiment
from sandbox.menu import MoveRange, moves
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.run import Ran, run_experiment
from sandbox.runner.verify import verify
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode

ENVIRONMENTS = [entry.name for entry in Plugins().entries("environments") if entry.name.partition("/")[0] != "toys"]


class First:
    """A desk at which the first legal move is chosen each time; somebody leaves it after so many answers."""

    def __init__(self, leaves_after: int = 10_000) -> None:
        self.questions: list[Question] = []
        self._leaves_after = leaves_after

    async def ask(self, question: Question) -> Submitted:
        if len(self.questions) >= self._leaves_after:
            raise Left
        self.questions.append(question)
        await asyncio.sleep(0)
        return Submitted(Reply(next(moves(question.turn.menu))))


def plan(environment: str, agent: str, **changes: Any) -> Experiment:
    """One episode in which every seat has the same agent."""
    content: dict[str, Any] = {"name": "by hand", "environments": [{"id": environment, "items": {"first": 1}}]}
    content |= {"agents": [{"id": agent, "name": "ann"}], "limits": {"steps": 40}, **changes}
    return Experiment.of(content)


def played(store: Store, experiment: Experiment, desk: Any = None) -> Ran:
    return asyncio.run(run_experiment(experiment, store, Builder(Plugins(), people=desk), concurrent=1, limit=1))


def only_episode(store: Store, ran: Ran) -> Episode:
    (head,) = store.heads(ran.experiment)
    return store.episode(head.id)


@pytest.mark.parametrize(
    "environment",
    [
        one if one in ("power/OffSwitch-v0", "games/Ultimatum-v0") else pytest.param(one, marks=pytest.mark.slow)
        for one in ENVIRONMENTS
    ],
)
def test_a_person_who_does_what_a_script_does_leaves_the_same_trace(environment: str, tmp_path: Path) -> None:
    """The hash covers what is exchanged, and who exchanges it is no part of that."""
    with Store.open(str(tmp_path / "a.db")) as store:
        desk = First()
        mine = only_episode(store, played(store, plan(environment, "human:ann"), desk))
        script = only_episode(store, played(store, plan(environment, "baselines/first")))
        assert mine.hash == script.hash
        assert mine.status == script.status
        assert mine.spec.agent == AgentSpec(id="human:ann", name="ann")
        asked = [step for step in mine.steps if step.outcome != "chance"]
        assert len(desk.questions) == len(asked) > 0
        assert all([event.kind for event in step.events] == [PERSON] for step in asked)
        verified = asyncio.run(verify(mine, Builder(Plugins())))
        assert verified.verifiable
        assert not verified.fault


@pytest.mark.parametrize(
    "environment",
    [one if one == "games/Ultimatum-v0" else pytest.param(one, marks=pytest.mark.slow) for one in ENVIRONMENTS],
)
def test_every_environment_can_be_played_in_lines(environment: str, tmp_path: Path) -> None:
    said: list[str] = []

    async def read() -> str:
        """The first action, and in its fields the least, the first, or a word."""
        prompt = said[-1]
        if prompt == "number: ":
            return "1"
        if least := re.search(r"number from (-?[\d.e+]+) to", prompt):
            return least[1]
        if options := re.search(r"\(one of ([^,;)]+)", prompt):
            return options[1]
        return "" if "; empty: " in prompt else "hello" if "(text" in prompt else "0"

    with Store.open(str(tmp_path / "a.db")) as store:
        desk = LinesDesk(read, said.append)
        episode = only_episode(store, played(store, plan(environment, "human:ann"), desk))
        assert episode.status in ("finished", "truncated"), episode.reason
        assert not any(episode.counts()[name] for name in ("invalid", "unparsed", "error"))
        assert any(step.text.split("\n")[0] in "".join(said) for step in episode.steps)


def test_who_goes_on_is_not_asked_again_what_they_answered(tmp_path: Path) -> None:
    experiment = plan("power/OffSwitch-v0", "human:ann")
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(Left):
        played(store, experiment, First(leaves_after=5))
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(Left):
        played(store, experiment, First(leaves_after=0))  # and once more, before anything new was answered
    with Store.open(str(tmp_path / "a.db")) as store:
        desk = First()
        episode = only_episode(store, played(store, experiment, desk))
        whole = only_episode(store, played(store, plan("power/OffSwitch-v0", "baselines/first")))
        assert episode.hash == whole.hash
        assert episode.attempt == 3
        assert len(desk.questions) == len(episode.steps) - 5
        assert [past.number for past in desk.questions[0].past] == [1, 2, 3, 4, 5]
        replayed = [event.data["replayed"] for step in episode.steps for event in step.events]
        assert replayed == [True] * 5 + [False] * (len(episode.steps) - 5)


def test_an_answer_is_in_the_store_when_the_next_question_is_put(tmp_path: Path) -> None:
    """Whoever sees the next one takes the last for safe, also where the program is killed then."""

    class Watches(First):
        def __init__(self, store: Store) -> None:
            super().__init__()
            self.store, self.kept = store, list[int]()

        async def ask(self, question: Question) -> Submitted:
            (head,) = self.store.heads()
            self.kept.append(self.store.pulse(head.id).steps)
            return await super().ask(question)

    with Store.open(str(tmp_path / "a.db")) as store:
        desk = Watches(store)
        played(store, plan("power/OffSwitch-v0", "human:ann"), desk)
    assert desk.kept == [question.turn.index for question in desk.questions]
    assert len(desk.kept) > 5


def test_a_refusal_is_given_again_and_an_episode_that_takes_another_way_is_asked_anew(tmp_path: Path) -> None:
    class Refuses(First):
        async def ask(self, question: Question) -> Submitted:
            submitted = await super().ask(question)
            return Submitted(Reply(None, "no", refused=True)) if len(self.questions) == 1 else submitted

    experiment = plan("power/OffSwitch-v0", "human:ann")
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(Left):
        played(store, experiment, Refuses(leaves_after=2))
    with Store.open(str(tmp_path / "a.db")) as store:
        desk = First()
        episode = only_episode(store, played(store, experiment, desk))
        assert [step.outcome for step in episode.steps[:2]] == ["refusal", "valid"]
        assert desk.questions[0].turn.index == 2


def test_what_the_rules_refused_is_given_again_as_it_was(tmp_path: Path) -> None:
    """A range whose bounds only the environment knows: the form lets 9 pass, and Pendulum does not."""

    class Pushes(First):
        async def ask(self, question: Question) -> Submitted:
            submitted = await super().ask(question)
            (entry,) = question.turn.menu
            assert isinstance(entry, MoveRange)
            torque = 9.0 if len(self.questions) == 1 else 0.5
            return Submitted(Reply(entry.kind(action=[torque])), submitted.slips)

    experiment = plan("gymnasium:Pendulum-v1", "human:ann", limits={"steps": 3})
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(Left):
        played(store, experiment, Pushes(leaves_after=3))
    with Store.open(str(tmp_path / "a.db")) as store:
        desk = First()
        episode = only_episode(store, played(store, experiment, desk))
    assert [event.kind for event in episode.steps[0].events] == [PERSON, "invalid", PERSON]
    assert [step.outcome for step in episode.steps] == ["valid"] * 3
    assert [question.turn.index for question in desk.questions] == [2]


def test_where_nobody_sits_the_episode_is_left_to_be_run_and_it_is_said(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        ran = played(store, plan("power/OffSwitch-v0", "human:ann"))
        assert list(ran.unreachable) == ["ann"]
        assert "there is no terminal to ask them at" in ran.unreachable["ann"]
        assert store.counts(ran.experiment) == {"pending": 1}


@pytest.mark.parametrize(
    ("use", "error", "said"),
    [
        ({"id": "human:"}, InputError, "a person has a name"),
        ({"id": "human:ann", "config": {"pace": 2}}, InputError, "is a person and has no settings"),
    ],
)
def test_what_is_no_person_is_said(use: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Builder(Plugins()).agent(AgentSpec(name="ann", **use))


def test_a_person_is_no_script_and_cannot_be_forked() -> None:
    builder = Builder(Plugins(), people=First())
    maker = builder.agent(AgentSpec(id="human:ann", name="ann"))
    assert not maker.scripted
    with pytest.raises(PluginError, match="is a person, who cannot be asked beside the episode"):
        maker().fork()
    with pytest.raises(ModelError, match="there is no terminal"):
        Builder(Plugins()).agent(AgentSpec(id="human:ann", name="ann"))()


def test_the_time_of_an_episode_ends_for_people_too(tmp_path: Path) -> None:
    class Asleep:
        left: float = 0.0

        async def ask(self, question: Question) -> Submitted:
            assert question.deadline is not None
            await asyncio.sleep(60)
            raise AssertionError

    with Store.open(str(tmp_path / "a.db")) as store:
        ran = played(store, plan("power/OffSwitch-v0", "human:ann", limits={"seconds": 0.1}), Asleep())
        episode = only_episode(store, ran)
    assert episode.status == "truncated"
    assert episode.steps[0].outcome == "timeout"


def test_two_people_who_move_at_once_are_asked_one_after_the_other(tmp_path: Path) -> None:
    said: list[str] = []

    async def read() -> str:
        await asyncio.sleep(0.01)  # time for the other to be asked, if they were
        return "1"

    environment = {"id": "games/Matrix-v0", "seats": {"player_2": "human:bob"}, "items": {"first": 1}}
    with Store.open(str(tmp_path / "a.db")) as store:
        desk = LinesDesk(read, said.append, confirm=False)
        ran = played(store, plan("games/Matrix-v0", "human:ann", environments=[environment]), desk)
        assert only_episode(store, ran).status == "finished"
    heads = [line for line in said if line.startswith("\nStep")]
    assert [head.split(": ")[1].split(",")[0] for head in heads] == ["ann", "bob"]
    assert [line for line in said if line.startswith("\nStep") or line == "number: "][1] == "number: "
