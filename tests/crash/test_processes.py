"""Several processes on one store: none loses anything, none waits in vain, and each episode has one result."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.runner.executors import executor
from tests.crash.conftest import ASKING, FINISHED, SCRIPTED, Server, hashes, rows, times

pytestmark = pytest.mark.crash


def options(name: str) -> list[str]:
    """The command line's words for an executor; skips where it is not installed."""
    if name == "ray" and find_spec("ray") is None:
        pytest.skip("ray is not installed")
    try:
        executor(name)
    except (SandboxError, ImportError) as error:
        pytest.skip(str(error))
    return [] if name == "local" else ["--executor", name]


def name_of(words: list[str]) -> str:
    return words[-1] if words else "local"


def children_of(process: int) -> list[int]:
    """The processes that it started, and that these started."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:  # it has just ended, as the helpers of Ray's do
        return []
    direct = [int(word) for word in text.split()]
    return direct + [one for child in direct for one in children_of(child)]


@pytest.fixture(params=["local", "process", "ray"])
def words(request: pytest.FixtureRequest) -> list[str]:
    """The command line's words for each executor."""
    return options(request.param)


def test_eight_processes_write_one_file(server: Server, count: Callable[[str], None]) -> None:
    each = times(500, 30)
    store = server.folder / "eight.db"
    experiments = []
    for process in range(8):
        path = server.experiment(SCRIPTED.replace("{count:", f"{{start: {process * each}, count:"), each)
        experiments.append(path)
    children = [server.run(path, store) for path in experiments]
    codes = [child.wait() for child in children]
    locked = sum("locked" in child.said or "rror:" in child.said for child in children)
    attempts = rows(store, "SELECT status, attempt, count(*) FROM episode GROUP BY status, attempt")
    count(f"8 processes x {each} episodes on one file: {attempts}, {locked} said that it was locked or failed")
    assert (codes, locked, attempts) == ([0] * 8, 0, {("finished", 1, 8 * each)})
    assert rows(store, "PRAGMA integrity_check") == {("ok",)}


def test_an_experiment_submitted_twice_at_once_is_run_once(
    server: Server, words: list[str], count: Callable[[str], None]
) -> None:
    experiment = server.experiment(ASKING, 16)
    alone, store = server.folder / f"alone-{name_of(words)}.db", server.folder / f"twice-{name_of(words)}.db"
    server.finish(experiment, alone)
    children = [server.run(experiment, store, *words) for _ in range(2)]
    codes = [child.wait() for child in children]
    attempts = rows(store, "SELECT status, attempt, count(*) FROM episode GROUP BY status, attempt")
    count(f"submitted twice at once {name_of(words)}: {attempts}")
    assert codes == [0, 0], [child.said for child in children]
    assert {row[:2] for row in attempts} == {("finished", 1)}
    assert hashes(store) == hashes(alone)


def test_what_a_killed_worker_held_is_run_by_others(
    server: Server, words: list[str], count: Callable[[str], None]
) -> None:
    experiment = server.experiment(ASKING, 40)
    alone, store = server.folder / f"unkilled-{name_of(words)}.db", server.folder / f"worker-{name_of(words)}.db"
    server.finish(experiment, alone)
    first = server.run(experiment, store, *words)
    deadline = time.monotonic() + 120
    while len(rows(store, FINISHED)) < 10:
        assert time.monotonic() < deadline, first.said
        time.sleep(0.01)
    second = server.run(experiment, store, *words)
    finished = rows(store, FINISHED)
    workers = [one for one in children_of(first.process) if _plays(one)] or [first.process]
    with suppress(ProcessLookupError):  # it was faster: all was done
        os.kill(workers[-1], signal.SIGKILL)
    assert second.wait() == 0, second.said
    first.wait()
    kept = finished <= rows(store, FINISHED)
    count(f"a worker killed {name_of(words)}: {len(finished)} finished episodes kept: {kept}, the others run")
    assert kept
    assert hashes(store) == hashes(alone)


def _plays(process: int) -> bool:
    """Whether it is a worker, and no helper of multiprocessing or Ray."""
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
        return b"sys.path[:]" in line or b"ray::" in line
    except OSError:
        return False


def test_leases_that_are_over_are_taken(server: Server, words: list[str], count: Callable[[str], None]) -> None:
    experiment = server.experiment(ASKING, 4)
    alone, store = server.folder / f"unleased-{name_of(words)}.db", server.folder / f"leased-{name_of(words)}.db"
    server.finish(experiment, alone)
    server.finish(experiment, store)
    with sqlite3.connect(store) as connection:  # as if they had not ended; two leases are over, two soon will be
        connection.execute(
            "UPDATE episode SET status = 'running', lease_owner = 'elsewhere/1/1/x', "
            "lease_until = ? + 4 * (number % 2) - 2 WHERE number <= 4",
            (time.time(),),
        )
    connection.close()
    server.finish(experiment, store, *words)
    attempts = rows(store, "SELECT attempt, count(*) FROM episode WHERE status = 'finished' GROUP BY attempt")
    count(f"leases of a machine that is gone {name_of(words)}: taken over when they ended: {attempts}")
    assert attempts == {(1, 4), (2, 4)}
    assert hashes(store) == hashes(alone)


def test_the_clock_set_back_and_forth_changes_no_trace(server: Server, count: Callable[[str], None]) -> None:
    experiment = server.experiment(ASKING, 10)
    alone = server.folder / "steady.db"
    server.finish(experiment, alone)
    expected = hashes(alone)
    equal = negative = 0
    runs = times(20, 3)
    for seed in range(runs):
        store = server.folder / f"clock{seed}.db"
        children = [server.run(experiment, store, clock=2 * seed + one) for one in range(2)]
        assert [child.wait() for child in children] == [0, 0], [child.said for child in children]
        equal += hashes(store) == expected
        negative += len(rows(store, "SELECT * FROM step WHERE seconds < 0"))
    count(f"{runs} pairs of processes whose clocks jump by a day: same hashes {equal}, {negative} negative durations")
    assert (equal, negative) == (runs, 0)


def test_every_executor_gives_the_same_hashes(server: Server, words: list[str], count: Callable[[str], None]) -> None:
    experiment = server.experiment(ASKING, 30)
    found = []
    for concurrency in (1, 64):
        store = server.folder / f"side-{concurrency}-{name_of(words)}.db"
        server.finish(experiment, store, *words, "--concurrency", str(concurrency))
        found.append(hashes(store))
    alone = server.folder / f"by-default-{name_of(words)}.db"
    server.finish(experiment, alone)
    count(f"1 and 64 at once {name_of(words)}: {len(found[0])} hashes equal to the default's")
    assert found == [hashes(alone)] * 2
