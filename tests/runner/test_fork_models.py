"""Forks of agents with models: what is past is answered from the record, and never bought again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode
from tests.runner.test_fork import Lab, decisions, digests, kinds
from tests.runner.test_journal import FILE, paid
from tests.toys import spec

MORE = """
from langgraph.checkpoint.memory import InMemorySaver

from sandbox.agent import Agent, NoConfig


class Direct(Agent[NoConfig]):
    '''Calls its model by itself, and knows nothing of witnessing.'''

    async def act(self, turn):
        await Paid().ainvoke(turn.text)
        return {"kind": "pass"}


AGENTS |= {
    "mine/keeping": create_agent(Paid(), [weigh], checkpointer=InMemorySaver()),
    "mine/direct": Direct,
    "mine/other": create_agent(Paid(), [weigh], system_prompt="Be bold."),
}
"""
MAIN = """
import asyncio, sys
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.what_if import place, plan, run_forks
from sandbox.store import Store

async def main():
    builder = Builder(Plugins([sys.argv[2]]))
    where = await place(store.episode(sys.argv[3]), int(sys.argv[4]), builder)
    await run_forks(plan(where, builder, action={"kind": "pass"}), store, builder)

store = Store.open(sys.argv[1])
asyncio.run(main())
store.close()
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugins directory whose agents' model writes down what it is paid for."""
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "mine.py").write_text(FILE + MORE)
    monkeypatch.setenv("PAID", str(tmp_path / "paid"))
    return directory


@pytest.fixture
def lab(mine: Path, tmp_path: Path) -> Iterator[Lab]:
    with Store.open(str(tmp_path / "x.db")) as store:
        yield Lab(store, Builder(Plugins([mine])))


async def parent_of(lab: Lab, agent: str = "mine/agent", **changes: Any) -> Episode:
    use = AgentSpec(id=agent, name="mine")
    parent = await lab.played(
        spec(seed=3, config={"spins": 4}, **changes).model_copy(update={"seats": {"player": use}})
    )
    assert parent.status == "finished", parent.reason
    return parent


def calls(episode: Episode) -> list[tuple[int, bool]]:
    """The step of each model call, and whether it is the parent's."""
    return [
        (step.index, bool(event.data.get("inherited")))
        for step in episode.steps
        for event in step.events
        if event.kind == "model_call"
    ]


@pytest.mark.parametrize("agent", ["mine/agent", "mine/keeping"])
async def test_an_unchanged_fork_is_its_parent_and_costs_nothing(lab: Lab, agent: str, tmp_path: Path) -> None:
    parent = await parent_of(lab, agent)
    before = len(paid(tmp_path / "paid"))
    for at in decisions(parent):
        fork = await lab.fork(parent, at)
        assert digests(fork) == digests(parent), fork.reason
        assert calls(fork) == [(index, True) for index, _ in calls(parent)]
        assert fork.usage.calls == 0
        assert not [kind for _, kind in kinds(fork) if kind == "divergence"]
    assert len(paid(tmp_path / "paid")) == before == parent.usage.calls


async def test_an_unchanged_fork_of_an_episode_whose_agent_was_asked_beside_it_costs_nothing_either(
    lab: Lab, tmp_path: Path
) -> None:
    parent = await parent_of(lab, asks=("hypothetical", "test"))
    before = len(paid(tmp_path / "paid"))
    fork = await lab.fork(parent, decisions(parent)[1])
    assert digests(fork) == digests(parent), fork.reason
    told = [[event.data for event in step.events if event.kind == "asked"] for step in parent.steps]
    again = [[dict(event.data) for event in step.events if event.kind == "asked"] for step in fork.steps]
    for event in (event for events in again for event in events):
        event.pop("inherited", None)
    assert again == told
    assert len(paid(tmp_path / "paid")) == before


@pytest.mark.parametrize("agent", ["mine/agent", "mine/keeping"])
async def test_after_another_move_only_the_rest_is_bought_and_the_move_is_remembered(
    lab: Lab, agent: str, tmp_path: Path
) -> None:
    parent = await parent_of(lab, agent)
    at = decisions(parent)[1]
    before = len(paid(tmp_path / "paid"))
    fork = await lab.fork(parent, at, action={"kind": "pass"})
    bought = len(paid(tmp_path / "paid")) - before
    assert fork.status == "finished", fork.reason
    assert digests(fork)[:at] == digests(parent)[:at]
    assert [index for index, inherited in calls(fork) if index < at and not inherited] == []
    assert bought == fork.usage.calls == sum(not inherited for _, inherited in calls(fork)) > 0
    asked = next(e.data["messages"] for s in fork.steps[at + 1 :] for e in s.events if e.kind == "model_call")
    said = [message["content"] for message in asked if message["role"] == "assistant"]
    assert said[-1] == '{"kind": "pass"}'
    again = await lab.fork(fork, decisions(fork)[-1])
    assert digests(again) == digests(fork)
    assert again.usage.calls == 0


@pytest.mark.slow
async def test_with_another_luck_each_model_is_asked_anew_from_the_step_on(lab: Lab) -> None:
    parent = await parent_of(lab)
    at = decisions(parent)[1]
    one, _ = await lab.forks(parent, at, continuations=2)
    assert all(inherited == (index < at) for index, inherited in calls(one))
    assert one.usage.calls == sum(index >= at for index, _ in calls(one))


async def test_another_model_witnesses_the_past_without_a_call(lab: Lab, tmp_path: Path) -> None:
    parent = await parent_of(lab)
    at = decisions(parent)[2]
    before = len(paid(tmp_path / "paid"))
    fork = await lab.fork(parent, at, agent=AgentSpec(id="mine/other", name="other"))
    assert fork.status == "finished", fork.reason
    assert digests(fork)[:at] == digests(parent)[:at]
    assert len(paid(tmp_path / "paid")) - before == fork.usage.calls
    first = next(e.data["messages"] for s in fork.steps[at:] for e in s.events if e.kind == "model_call")
    assert [message["role"] for message in first] == ["system", "user", "assistant", "user", "assistant", "user"]


async def test_an_agent_that_would_have_to_buy_the_past_fails_and_says_what_to_do(lab: Lab, tmp_path: Path) -> None:
    parent = await parent_of(lab)
    before = len(paid(tmp_path / "paid"))
    fork = await lab.fork(parent, decisions(parent)[1], agent=AgentSpec(id="mine/direct", name="direct"))
    assert fork.status == "error"
    assert "nothing is bought for what is past" in fork.reason
    assert len(paid(tmp_path / "paid")) == before


@pytest.mark.crash
async def test_a_fork_that_was_killed_goes_on_and_pays_for_nothing_twice(mine: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "killed.db")
    with Store.open(file) as store:
        lab = Lab(store, Builder(Plugins([mine])))
        parent = await parent_of(lab)
        key = (await lab.plan(parent, 0, action={"kind": "pass"})).forks[0].key
    place, before = tmp_path / "paid", len(paid(tmp_path / "paid"))
    path = os.pathsep.join(part for part in sys.path if part)
    arguments = [sys.executable, "-c", MAIN, file, str(mine), parent.id, "0"]
    process = subprocess.Popen(
        arguments, env={**os.environ, "PYTHONPATH": path, "UNANSWERED": str(before + 4)}, stderr=subprocess.PIPE
    )
    while len(paid(place)) < before + 4 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    done = subprocess.run(arguments, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Store.open(file) as store:
        resumed: Any = store.episode(key)
    assert (resumed.status, resumed.attempt) == ("finished", 2)
    assert 0 <= len(paid(place)) - before - resumed.usage.calls <= 1  # at most the call that was under way
    assert any(event.data.get("replayed") for step in resumed.steps for event in step.events)
