"""Workers in other processes: the same traces as in this one, whoever dies and whoever else runs the experiment."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import InputError, SandboxError, StoreError, UnknownName
from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.plugins import Plugins
from sandbox.results import Results, arun
from sandbox.runner.build import Builder
from sandbox.runner.executors import elsewhere, executor
from sandbox.runner.tally import Tally
from sandbox.runner.work import Job
from sandbox.store import Store

ROOT = Path(__file__).parents[2]
SWEEP = ROOT / "examples" / "sweep.yaml"
PLUGIN = """
import asyncio
import os
from pathlib import Path

from sandbox.menu import moves
PLAYED = Path(__file__).with_name("played.txt")

async def patient(turn):
    with PLAYED.open("a") as file:
        file.write(f"{os.getpid()} {turn.episode}\\n")
    await asyncio.sleep(0.05)
    print("on standard output")
    return next(moves(turn.menu))

async def sociable(turn):
    with PLAYED.open("a") as file:
        file.write(f"{os.getpid()} {turn.episode}\\n")
    async with asyncio.timeout(120):  # for as many processes as COMPANY says
        while len({line.split()[0] for line in PLAYED.read_text().splitlines()}) < int(os.environ.get("COMPANY", 1)):
            await asyncio.sleep(0.05)
    return next(moves(turn.menu))

def deadly(turn):
    os._exit(3)

AGENTS = {"mine/patient": patient, "mine/sociable": sociable, "mine/deadly": deadly}
"""
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'"
)
OTHERS = ["process", pytest.param("ray", marks=[pytest.mark.slow, needs_ray])]
CRASHING = [
    pytest.param("process", marks=pytest.mark.crash),
    pytest.param("ray", marks=[pytest.mark.crash, needs_ray]),
]


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "mine.py").write_text(PLUGIN)
    return directory


@pytest.fixture(scope="module", autouse=True)
def ray_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """One cluster for all tests of this file that use it: each takes seconds to start."""
    yield
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> None:
    """Ray at work, if this test is about it."""
    if "ray" in request.node.callspec.params.values():
        executor("ray")
        import ray

        if not ray.is_initialized():
            ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")


def many(agent: str, count: int) -> dict[str, Any]:
    """So many episodes of one step."""
    environment = {"id": "dilemmas/Choice-v0", "config": {"order": "given", "labels": "given"}, "items": {"first": 1}}
    return {
        "name": "many",
        "environments": [environment],
        "agents": [agent],
        "seeds": {"count": count},
        "scorers": ["validity/choice"],
    }


def hashes(results: Results) -> dict[str, str]:
    """Key to trace hash of every episode; all have ended."""
    heads = results.store.heads()
    assert {head.status for head in heads} == {"finished"}
    return {head.id: head.hash for head in heads}


def played(plugins: Path) -> list[tuple[int, str]]:
    """Process and episode of each decision of the patient agent."""
    try:
        lines = (plugins / "played.txt").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(int(process), episode) for process, episode in map(str.split, lines)]


async def run(plugins: Path, content: Any, store: str = "", **options: Any) -> Results:
    return await arun(content, store=store or str(plugins.parent / "run.db"), plugins_dirs=[plugins], **options)


def job(plugins: Path, content: Any) -> tuple[Job, Store, Builder]:
    """A job of which no episode has been played."""
    experiment, builder = Experiment.of(content), Builder(Plugins([plugins]))
    store = Store.open(str(plugins.parent / "run.db"))
    number = store.add_experiment(experiment.name, experiment.content, expand(experiment, builder))
    return Job(store.url, (str(plugins),), number, experiment, tuple(store.queue(number)), 8, 1), store, builder


def test_an_executor_that_there_is_not_is_said() -> None:
    with pytest.raises(UnknownName, match="no executor 'proces': did you mean 'process'"):
        executor("proces")


def test_ray_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "sandbox.runner.executors.on_ray", raising=False)
    with pytest.raises(InputError, match=r"pip install 'agent-eval-sandbox\[ray\]'"):
        executor("ray")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_task_arrives_as_it_was_sent_and_no_two_begin_at_the_same_place(path: Path) -> None:
    told = Job("store.db", ("plugins",), 3, Experiment.load(path), tuple(range(10)), 8, workers=2)
    first, second = (elsewhere.TASK.validate_json(task).job for task in elsewhere.tasks(told, 2))
    assert first == told
    assert second == replace(told, numbers=(5, 6, 7, 8, 9, 0, 1, 2, 3, 4))


def test_there_are_no_more_workers_than_calls_at_once_that_a_model_is_allowed() -> None:
    told = Job("store.db", (), 3, Experiment.load(SWEEP), tuple(range(100)), 8)
    assert elsewhere.wanted(told, 16) == 16
    models = {"openai:a": {"concurrency": 3}, "openai:b": {"requests_per_minute": 60}}
    limited = replace(told, plan=Experiment.of({**told.plan.model_dump(), "models": models}))
    assert elsewhere.wanted(limited, 16) == 3
    parts = [elsewhere.TASK.validate_json(task).job.plan.models for task in elsewhere.tasks(limited, 3)]
    assert sum(part["openai:a"].concurrency or 0 for part in parts) == 3
    assert sum(part["openai:b"].requests_per_minute or 0 for part in parts) == pytest.approx(60)


async def in_many_ways(plugins: Path, content: Any, name: str) -> list[dict[str, str]]:
    """The traces of one episode at a time in this process, of 64 at once, and of two other processes."""
    ways = [{"concurrent": 1}, {"concurrent": 64}, {"executor": name, "workers": 2}]
    return [
        hashes(await run(plugins, content, str(plugins.parent / f"{number}.db"), **way))
        for number, way in enumerate(ways)
    ]


async def test_other_processes_give_the_same_traces(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much sooner one of them starts: it has 4 of 12 episodes in flight and waits for the other."""
    content, stores = many("mine/sociable", 12), [str(plugins.parent / f"{number}.db") for number in range(3)]
    alone = hashes(await run(plugins, content, stores[0], concurrent=1))
    at_once = hashes(await run(plugins, content, stores[1], concurrent=64))
    (plugins / "played.txt").unlink()
    monkeypatch.setenv("COMPANY", "2")
    in_others = hashes(await run(plugins, content, stores[2], executor="process", workers=2, concurrent=4))
    assert len({process for process, _ in played(plugins)} - {os.getpid()}) == 2
    assert len(alone) == 12
    assert at_once == alone
    assert in_others == alone


@pytest.mark.slow
@pytest.mark.parametrize("name", ["process", pytest.param("ray", marks=needs_ray)])
async def test_every_executor_gives_the_same_traces_of_a_sweep(name: str, cluster: None, plugins: Path) -> None:
    """Games, dilemmas, chance and a language model."""
    alone, at_once, in_others = await in_many_ways(plugins, SWEEP, name)
    assert len(alone) == 312
    assert at_once == alone
    assert in_others == alone


@pytest.mark.parametrize("name", OTHERS)
async def test_progress_counts_the_episodes_of_other_processes(name: str, cluster: None, plugins: Path) -> None:
    told: list[tuple[int, int]] = []
    content = many("mine/patient", 40)
    results = await run(
        plugins, content, executor=name, workers=1, progress=lambda tally, total: told.append((tally.done, total))
    )
    assert (told[0], told[-1]) == ((0, 40), (40, 40))
    assert told == sorted(set(told))
    assert os.getpid() not in {process for process, _ in played(plugins)}
    assert results.ran
    assert (results.ran.done, results.ran.failed) == (40, 0)


@pytest.mark.parametrize("name", CRASHING)
async def test_a_killed_worker_leaves_its_episodes_to_the_others(
    name: str, cluster: None, plugins: Path, record_property: Callable[[str, object], None]
) -> None:
    killed: list[int] = []

    def kill(tally: Tally, total: int) -> None:
        if tally.done and not killed:
            killed.append(played(plugins)[-1][0])
            os.kill(killed[0], signal.SIGKILL)

    results = await run(plugins, many("mine/patient", 200), executor=name, workers=2, concurrent=4, progress=kill)
    assert len(killed) == 1
    assert len(hashes(results)) == 200
    assert {len(episode.steps) for episode in results.episodes} == {1}
    times = Counter(episode for _, episode in played(plugins))
    again = {episode for episode, count in times.items() if count > 1}
    assert again <= {episode for process, episode in played(plugins) if process == killed[0]}
    record_property("crash", f"{name}: a worker killed: 200 of 200 episodes finished once, {len(again)} played again")


@pytest.mark.crash
async def test_a_worker_that_sleeps_through_its_lease_changes_nothing_any_more(
    plugins: Path, record_property: Callable[[str, object], None]
) -> None:
    """Stopped, as by a laptop's lid: others play its episodes, and what it still writes when it wakes is no result."""
    stopped: list[int] = []

    def stop(tally: Tally, total: int) -> None:
        if tally.done and not stopped:
            stopped.append(played(plugins)[-1][0])
            while not end_leases(plugins.parent / "run.db", stopped[0]):
                os.kill(stopped[0], signal.SIGCONT)  # it was stopped in the middle of a transaction
                time.sleep(0.05)
        elif tally.done >= total:
            os.kill(stopped[0], signal.SIGCONT)

    results = await run(plugins, many("mine/patient", 200), executor="process", workers=2, concurrent=4, progress=stop)
    assert len(hashes(results)) == 200
    assert {len(episode.steps) for episode in results.episodes} == {1}
    twice = [key for key, count in Counter(key for _, key in played(plugins)).items() if count > 1]
    assert twice
    assert {results.store.episode(key).attempt for key in twice} == {2}
    record_property("crash", f"process: a lease expired: 200 of 200 episodes finished once, {len(twice)} played again")


def end_leases(path: Path, process: int) -> bool:
    """Stop a process, and let its leases be over at once instead of in two minutes; whether that could be written."""
    os.kill(process, signal.SIGSTOP)
    connection = sqlite3.connect(path, timeout=0.5)
    try:
        with connection:
            connection.execute("UPDATE episode SET lease_until = 0 WHERE lease_owner LIKE ?", [f"%/{process}/%"])
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.parametrize("name", CRASHING)
async def test_two_runs_of_one_experiment_at_once_share_the_work(
    name: str, cluster: None, plugins: Path, database_url: str, record_property: Callable[[str, object], None]
) -> None:
    content = many("mine/patient", 100)
    options = {"executor": name, "workers": 1 if name == "ray" else 2}
    first, second = await asyncio.gather(*(run(plugins, content, database_url, **options) for _ in range(2)))
    assert len(hashes(first)) == 100
    assert hashes(first) == hashes(second)
    assert {len(episode.steps) for episode in first.episodes} == {1}
    times = Counter(episode for _, episode in played(plugins))
    assert set(times.values()) == {1}
    record_property("crash", f"{name}: submitted twice: 100 of 100 episodes finished once, none played again")
    for results in (first, second):
        results.store.close()


@pytest.mark.crash
async def test_a_run_whose_workers_all_die_says_how(plugins: Path) -> None:
    with pytest.raises(SandboxError, match=r"all workers died: exit code 3, exit code 3; what was done is kept"):
        await run(plugins, many("mine/deadly", 4), executor="process", workers=2)


@pytest.mark.parametrize("name", OTHERS)
async def test_what_fails_in_a_worker_is_said_once_as_it_would_be_here(name: str, cluster: None, plugins: Path) -> None:
    told, store, builder = job(plugins, many("mine/patient", 4))
    told = replace(told, store=str(plugins / "none.db"))
    with pytest.raises(StoreError, match=r"none\.db does not exist") as caught:
        await executor(name)(told, store, builder, lambda tally: None)
    assert "In the worker:\nTraceback" in caught.value.__notes__[0]


def start(plugins: Path, *words: object) -> subprocess.Popen[str]:
    """A process of its own, with a group of its own as a terminal gives it, in a directory without plugins."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "SANDBOX_PLUGINS": "plugins"}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=plugins.parent,
        env=environment,
        process_group=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(plugins: Path, name: str, count: int) -> list[object]:
    path = plugins.parent / "many.json"
    path.write_text(json.dumps(many("mine/patient", count)))
    # As a terminal starts it: a shell that starts something in the background lets it ignore Ctrl-C.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from sandbox.cli import main; sys.exit(main(sys.argv[1:]))"
    return ["-c", code, "run", path, "--executor", name, "--workers", 2, "--store", "run.db"]


def wait_for(fact: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.05)


def at_work(directory: Path) -> set[str]:
    """Processes whose working directory it is: all of a run's."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if (process / "cwd").readlink() == directory:
                found.add(process.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["process", pytest.param("ray", marks=needs_ray)])
def test_an_interrupted_run_gives_its_episodes_back_and_leaves_no_process(name: str, plugins: Path) -> None:
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()  # its own is to be started, and ended
    process = start(plugins, *command(plugins, name, 2000))
    wait_for(lambda: (played(plugins) and len(at_work(plugins.parent)) >= 3) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "interrupted; what was done is kept, and the same command goes on from there"
    wait_for(lambda: not at_work(plugins.parent))
    with Store.open(str(plugins.parent / "run.db")) as store:
        assert set(store.counts(1)) <= {"finished", "pending"}


@pytest.mark.slow
def test_workers_whose_parent_is_killed_end_by_themselves(plugins: Path) -> None:
    process = start(plugins, *command(plugins, "process", 2000))
    wait_for(lambda: played(plugins) or process.poll() is not None)
    process.kill()
    process.communicate()
    wait_for(lambda: not at_work(plugins.parent))
    with Store.open(str(plugins.parent / "run.db")) as store:
        assert set(store.counts(1)) <= {"finished", "pending"}


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_workers_and_what_they_print_is_not_on_its_output(plugins: Path) -> None:
    """Workers must not run the script again, as those of `multiprocessing` would."""
    (plugins.parent / "script.py").write_text(
        f"import sandbox\ncontent = {many('mine/patient', 3)!r}\n"
        "print(sandbox.run(content, store='run.db', executor='process', workers=1).ran.done)\n"
    )
    out, err = start(plugins, "script.py").communicate(timeout=60)
    assert out == "3\n", err
    assert err.count("on standard output") == 3


@pytest.mark.crash
@needs_ray
def test_a_cluster_that_is_lost_ends_the_run(plugins: Path, record_property: Callable[[str, object], None]) -> None:
    """Its raylet and its workers are killed, as by a machine without memory: nobody is left to answer.

    In a process of its own, since Ray may end the one that it has lost.
    """
    import psutil

    process = start(plugins, *command(plugins, "ray", 2000))
    wait_for(lambda: len(played(plugins)) >= 100 or process.poll() is not None)
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if child.name().startswith(("raylet", "ray::")):
                child.kill()
    _, err = process.communicate(timeout=180)
    assert process.returncode == SandboxError.exit_code
    assert re.search(r"(all workers died: LocalRayletDied|the Ray cluster is lost).* same command", err), err
    with Store.open(str(plugins.parent / "run.db")) as store:
        kept = store.counts(1).get("finished", 0)
    assert 0 < kept < 2000
    record_property("crash", f"ray: the raylet killed: said, and {kept} episodes kept")


@pytest.mark.slow
@needs_ray
async def test_a_cluster_that_does_not_answer_is_said(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor("ray")
    sys.modules["ray"].shutdown()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(SandboxError, match=r"no Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:1 "):
        await run(plugins, many("mine/patient", 1), executor="ray")


@pytest.mark.slow
@needs_ray
async def test_ray_that_does_not_start_is_started_again_and_then_explained(
    plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor("ray")
    ray, starts = sys.modules["ray"], []
    ray.shutdown()
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def init(*address: str, **settings: Any) -> None:
        starts.append(address)
        raise RuntimeError("\nTimed out waiting for file\n")

    monkeypatch.setattr(ray, "init", init)
    explained = (
        r"Ray did not start here, 3 times \(Timed out .*; its logs are in .* --executor process does without Ray"
    )
    with pytest.raises(SandboxError, match=explained):
        await run(plugins, many("mine/patient", 1), executor="ray")
    assert starts == [("local",)] * 3


@pytest.mark.slow
@needs_ray
async def test_a_file_is_no_store_for_several_machines(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor("ray")
    ray = sys.modules["ray"]
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}, {"Alive": True}, {"Alive": False}])
    with pytest.raises(
        InputError, match=r"run\.db is a file of this machine, and the cluster has 2: give a PostgreSQL"
    ):
        await run(plugins, many("mine/patient", 1), executor="ray")
