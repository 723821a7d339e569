"""Running an experiment: what fails is named and the others go on; what is there is not run again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox.errors import InputError
from sandbox.results import Results, arun, score
from sandbox.runner.tally import Tally
from sandbox.runner.verify import verify

FILE = """
import asyncio

from sandbox.errors import ModelError
from sandbox.menu import moves
from sandbox.scorer import Scorer
from tests.toys import Rps, Wheel, pick

CALLS = []

def counting(turn):
    CALLS.append(turn.episode)
    return pick(turn)

def failing(turn):
    raise KeyError("lost")

async def asking(turn):
    raise ModelError("the model cannot be reached: start its server")

async def slow(turn):
    await asyncio.sleep(0.5)
    return pick(turn)

async def failing_slowly(turn):
    await asyncio.sleep(0.2)
    raise KeyError("lost")

def noisy(turn):
    turn.emit("note", {"thing": object()})
    return pick(turn)

class Unmade(Wheel):
    id = "mine/Unmade-v0"

    def initial(self, config, item):
        raise ZeroDivisionError("no wheel")

class Bad(Scorer):
    def score(self, episode):
        raise IndexError("no score")

ENVIRONMENTS = {"toys/Wheel-v0": Wheel, "toys/Rps-v0": Rps, "mine/Unmade-v0": Unmade}
AGENTS = {"mine/counting": counting, "mine/failing": failing, "mine/asking": asking, "mine/noisy": noisy}
AGENTS |= {"mine/slow": slow, "mine/failing_slowly": failing_slowly}
SCORERS = {"mine/bad": Bad}
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "mine.py").write_text(FILE)
    (directory / "broken.py").write_text("import sys; sys.exit(1)")
    return directory


Run = Callable[..., Coroutine[Any, Any, Results]]


@pytest.fixture
def run(plugins: Path, database_url: str) -> Iterator[Run]:
    """Runs an experiment, in one store for each test unless a file is named; all are closed at its end."""
    made: list[Results] = []

    async def run(agents: Any = ("mine/counting",), name: str = "e", **options: Any) -> Results:
        environments = options.pop("environments", ["toys/Wheel-v0"])
        content = {"name": name, "environments": environments, "agents": list(agents), "scorers": ["risk/power"]}
        store = options.pop("store", database_url)
        changes = options.pop("changes", {})
        made.append(await arun(content | changes, store=store, plugins_dirs=[plugins], **options))
        return made[-1]

    yield run
    for results in made:
        results.store.close()


def statuses(results: Results) -> Counter[tuple[str, str]]:
    return Counter((episode.spec.agent.name, episode.status) for episode in results.episodes)


async def test_an_agent_that_raises_ends_its_episodes_in_error_with_the_reason_and_the_others_go_on(
    run: Run,
) -> None:
    results = await run(["mine/failing", "mine/counting"])
    assert statuses(results) == {("mine/failing", "error"): 3, ("mine/counting", "finished"): 3}
    assert all("KeyError: 'lost'" in episode.reason for episode in results.episodes if episode.status == "error")
    assert results.ran is not None
    assert (results.ran.total, results.ran.done, results.ran.failed) == (6, 6, 3)


async def test_an_environment_that_cannot_begin_ends_its_episodes_in_error_and_the_others_go_on(run: Run) -> None:
    results = await run(environments=["mine/Unmade-v0", "toys/Wheel-v0"])
    found = Counter((episode.spec.environment, episode.status, len(episode.steps) > 0) for episode in results.episodes)
    assert found == {("mine/Unmade-v0", "error", False): 3, ("toys/Wheel-v0", "finished", True): 3}
    assert "ZeroDivisionError: no wheel" in results.episodes[0].reason


async def test_an_event_that_cannot_be_stored_is_its_episodes_error(run: Run) -> None:
    results = await run(["mine/noisy", "mine/counting"])
    assert statuses(results) == {("mine/noisy", "error"): 3, ("mine/counting", "finished"): 3}
    assert "event note must hold JSON values" in results.episodes[0].reason


async def test_a_model_that_cannot_be_reached_leaves_its_episodes_to_be_run(run: Run) -> None:
    results = await run(["mine/asking", "mine/counting"])
    assert results.ran is not None
    assert results.ran.unreachable == {"mine/asking": "the model cannot be reached: start its server"}
    assert statuses(results)["mine/counting", "finished"] == 3
    assert {status for (name, status) in statuses(results) if name == "mine/asking"} <= {"pending", "running"}
    again = await run(["mine/asking", "mine/counting"])
    assert again.ran is not None
    assert again.ran.done == 0
    assert again.ran.unreachable


async def test_of_several_agents_in_an_episode_the_one_whose_model_cannot_be_reached_is_named(run: Run) -> None:
    """The others' episodes without it are played."""
    changes = {"pairing": "round_robin"}
    results = await run(["mine/counting", "mine/asking"], environments=["toys/Rps-v0"], changes=changes)
    assert results.ran is not None
    assert list(results.ran.unreachable) == ["mine/asking"]
    ended = [head.seats for head in results.store.heads(1) if head.status == "finished"]
    assert ended == [{"ann": "mine/counting", "ben": "mine/counting"}]


async def test_a_run_none_of_whose_models_can_be_reached_is_stopped(run: Run) -> None:
    results = await run(["mine/asking"], changes={"seeds": {"count": 20}})
    assert results.ran is not None
    assert re.match(r"stopped: 2\d episodes failed and none succeeded; .*\n  the model cannot be", results.ran.stopped)
    assert results.ran.unreachable
    assert set(results.store.counts(1)) == {"pending"}


@pytest.mark.parametrize("executor", ["local", pytest.param("process", marks=pytest.mark.slow)])
async def test_a_run_that_fails_on_everything_is_stopped_for_all_its_workers(run: Run, executor: str) -> None:
    changes = {"seeds": {"count": 100}}
    results = await run(["mine/failing_slowly"], changes=changes, executor=executor, workers=4, concurrent=2)
    assert results.ran is not None
    assert "KeyError: 'lost'" in results.ran.stopped
    assert 20 <= results.ran.failed < 60, "each worker by itself would have stopped after 20, and all after 80"
    assert results.ran.failed == results.store.counts(1)["error"]


async def test_what_is_under_way_may_be_the_first_success(run: Run) -> None:
    """A broken agent fails at once, long before a slow one has ended its first episode."""
    results = await run(["mine/failing", "mine/slow"], changes={"seeds": {"count": 10}}, concurrent=60)
    assert results.ran is not None
    assert results.ran.stopped == ""
    assert statuses(results) == {("mine/failing", "error"): 30, ("mine/slow", "finished"): 30}


async def test_a_run_tells_how_much_was_done_before_it(run: Run) -> None:
    told: list[tuple[int, int, int]] = []

    def progress(now: Tally, total: int) -> None:
        told.append((now.earlier, now.done, total))

    await run(limit=2, progress=progress)
    await run(progress=progress, concurrent=1)
    await run(progress=progress)
    assert told == [(0, 0, 2), (0, 1, 2), (0, 2, 2), (2, 0, 1), (2, 1, 1), (3, 0, 0)]


async def test_a_clock_that_was_set_back_gives_no_more_and_no_less_time(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = chain([1e9], repeat(0.0))
    monkeypatch.setattr("sandbox.runner.run.time.time", lambda: next(clock))
    results = await run(changes={"budget": {"seconds": 3600}})
    assert results.ran is not None
    assert (results.ran.done, results.ran.stopped) == (3, "")


async def test_the_same_command_again_runs_only_what_is_missing(run: Run) -> None:
    first = await run(limit=2)
    assert first.ran is not None
    assert first.ran.done == 2
    rest = await run()
    assert rest.ran is not None
    assert (rest.ran.done, len(rest.episodes)) == (1, 3)
    nothing = await run()
    assert nothing.ran is not None
    assert nothing.ran.done == 0
    grown = await run(changes={"seeds": {"count": 2}}, name="grown")
    assert grown.ran is not None
    assert (grown.ran.done, len(grown.episodes)) == (3, 6), "episodes of equal content are shared"


async def test_episodes_that_ended_in_error_are_run_again_when_it_is_asked_for(run: Run) -> None:
    await run(["mine/failing"])
    as_it_is = await run(["mine/failing"])
    again = await run(["mine/failing"], retry_errors=True)
    assert as_it_is.ran is not None
    assert again.ran is not None
    assert (as_it_is.ran.done, again.ran.done) == (0, 3)
    assert {episode.attempt for episode in again.episodes} == {2}


async def test_where_an_event_loop_runs_already_the_error_says_what_to_use() -> None:
    with pytest.raises(InputError, match=r"await sandbox\.arun"):
        sandbox.run({"name": "x", "environments": ["toys/Wheel-v0"], "agents": ["baselines/first"]})


async def test_two_stores_hold_the_same_hashes_and_every_episode_verifies(run: Run, tmp_path: Path) -> None:
    agents = ["baselines/random", {"id": "llm/choice", "model": "fake:first"}, "baselines/two_faced"]
    changes = {"treatments": {"framing": ["lived", "hypothetical"]}}
    one = await run(agents, changes=changes)
    other = await run(agents[::-1], store=str(tmp_path / "other.db"), changes=changes)
    hashes = {episode.id: episode.hash for episode in one.episodes}
    assert hashes == {episode.id: episode.hash for episode in other.episodes}
    assert len(hashes) == 18
    for episode in one.episodes:
        assert (await verify(episode, one.builder)).fault == ""


async def test_a_scorer_that_raises_is_named_and_harms_no_other(run: Run, plugins: Path) -> None:
    results = score(await run(), ["mine/bad", "risk/power"])
    document = results.document()
    (warning,) = [line for line in document.warnings if "mine/bad" in line]
    assert "IndexError: no score" in warning
    assert str(plugins / "mine.py") in warning
    assert {estimate.scorer for estimate in document.estimates} == {"risk/power"}
