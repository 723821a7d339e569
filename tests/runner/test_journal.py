"""The journal in the store: a killed run pays again for nothing, and gives the same trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.run import run_experiment
from sandbox.runner.surfaces import Surfaces
from sandbox.runner.work import play
from sandbox.store import Store

FILE = '''
import os
import time

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

from sandbox.adapters.constrained import ConstrainedChatModel
from tests.toys import Wheel

REPLIES = [{"tool": "weigh"}, {"tool": "weigh"}, "bet"]


class Paid(ConstrainedChatModel):
    """Writes a line to a file for each call, and answers; from line $UNANSWERED on it never does."""

    @property
    def _llm_type(self):
        return "paid"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        said = sum(isinstance(message, AIMessage) for message in messages)
        with open(os.environ["PAID"], "a") as file:
            file.write(f"{messages[0].text!r} {said}\\n")
        with open(os.environ["PAID"]) as file:
            if len(file.readlines()) >= int(os.environ.get("UNANSWERED", 1000)):
                time.sleep(600)
        if said % 3 < 2:
            call = {"name": "weigh", "args": {"of": "it", "n": said}, "id": f"call_{said}", "type": "tool_call"}
            message = AIMessage("", tool_calls=[call])
        else:
            message = AIMessage('{"kind": "bet", "coins": 1}')
        message.response_metadata = {"model_provider": "mine", "model_name": "paid", "finish_reason": "stop"}
        message.usage_metadata = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def weigh(of: str, n: int) -> str:
    """Weigh it."""
    return f"weighed {n}"


ENVIRONMENTS = {"toys/Wheel-v0": Wheel}
AGENTS = {"mine/agent": create_agent(Paid(), [weigh])}
'''

MAIN = """
import asyncio, sys
from sandbox.experiment.model import Experiment
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.run import run_experiment
from sandbox.store import Store

store = Store.open(sys.argv[1])
experiment = Experiment.model_validate_json(sys.argv[3])
asyncio.run(run_experiment(experiment, store, Builder(Plugins([sys.argv[2]]))))
store.close()
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugins directory whose agent's model writes down what it is paid for."""
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "mine.py").write_text(FILE)
    monkeypatch.setenv("PAID", str(tmp_path / "paid"))
    return directory


def experiment(**changes: Any) -> Experiment:
    content: dict[str, Any] = {
        "name": "paid",
        "environments": [{"id": "toys/Wheel-v0", "items": {"first": 1}, "config": {"spins": 3}}],
        "agents": ["mine/agent"],
        "seeds": {"start": 0, "count": 2},
    }
    return Experiment.model_validate(content | changes)


def paid(place: Path) -> list[str]:
    return place.read_text().splitlines() if place.exists() else []


@pytest.mark.crash
@pytest.mark.parametrize("asks", [(), ("hypothetical", "test")], ids=["plain", "forks asked"])
def test_a_run_that_is_killed_pays_again_for_no_reply_and_ends_with_the_same_trace(
    mine: Path, tmp_path: Path, asks: tuple[str, ...]
):
    """A real process, ended by SIGKILL in the middle of its episodes; what it had not been answered is asked again."""
    asked = experiment(asks=asks)
    place, file = tmp_path / "paid", tmp_path / "killed.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "UNANSWERED": "7"}
    arguments = [sys.executable, "-c", MAIN, str(file), str(mine), asked.model_dump_json()]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE)
    while len(paid(place)) < 7 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    before = paid(place)
    with Store.open(str(file)) as store:
        kept = sum(len(store.replies(number)) for number in (1, 2))
    # Called and not yet journalled: at most one a conversation, since a reply is used when it is journalled.
    assert len(before) - 2 <= kept <= len(before)

    resumed = run(asked, mine, file)
    after = paid(place)
    undisturbed = run(asked, mine, tmp_path / "whole.db")
    assert [episode.hash for episode in resumed] == [episode.hash for episode in undisturbed]
    assert len(after) - len(before) == sum(episode.usage.calls for episode in undisturbed) - kept
    again = [event.data for episode in resumed for step in episode.steps for event in step.events]
    assert sum(bool(data.get("replayed")) for data in again) == kept
    assert not any("unused" in data for data in again)  # nothing diverged
    assert {episode.attempt for episode in resumed} == {2}


def run(asked: Experiment, mine: Path, file: Path) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", MAIN, str(file), str(mine), asked.model_dump_json()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with Store.open(str(file)) as store:
        return list(store.episodes())


async def test_an_episode_that_begins_again_in_the_same_process_is_given_its_replies(mine: Path, tmp_path: Path):
    asked = experiment(seeds={"start": 0, "count": 1})
    builder = Builder(Plugins([mine]))
    with Store.open(str(tmp_path / "x.db")) as store:
        number = store.add_experiment("paid", asked.model_dump(mode="json"), expand(asked, builder))
        (claimed,) = store.claim(store.queue(number), 1)
        first = await play(claimed, builder, store, store.writer(), Surfaces(builder))
        replies = store.replies(claimed.number)
        assert [reply.place for reply in replies] == list(range(len(replies)))
        assert {reply.reply["seat"] for reply in replies} == {"player"}
    count = len(paid(tmp_path / "paid"))
    assert count == len(replies) == first.usage.calls > 3


async def test_episodes_of_other_repetitions_share_no_reply(mine: Path, tmp_path: Path):
    builder = Builder(Plugins([mine]))
    with Store.open(str(tmp_path / "x.db")) as store:
        await run_experiment(experiment(repetitions=2, seeds={"start": 0, "count": 1}), store, builder)
        one, other = store.episodes()
    assert one.usage.calls == other.usage.calls == len(paid(tmp_path / "paid")) / 2
