"""Files that were cut or overwritten: what is refused, what is lost, and what is saved."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import time
from collections.abc import Callable
from itertools import count as numbers
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import StoreError
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.verify import verify
from sandbox.store import Store
from sandbox.store.recover import recover
from tests.crash.conftest import ASKING, FINISHED, SCRIPTED, STEPS, Server, hashes, rows, side_by_side, times

pytestmark = pytest.mark.crash


def copy(store: Path, to: Path) -> Path:
    """A copy of the file and its log, without what readers left beside it."""
    for end in ("", "-wal"):
        source = store.with_name(store.name + end)
        target = to.with_name(to.name + end)
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)
    to.with_name(to.name + "-shm").unlink(missing_ok=True)
    return to


def faults(store: Path) -> list[str]:
    """What `sandbox verify` finds wrong with the episodes that have ended."""
    builder = Builder(Plugins())
    with Store.open(str(store), create=False) as opened:
        return [
            result.fault
            for episode in opened.episodes()
            if (result := asyncio.run(verify(episode, builder))).fault or not result.verifiable
        ]


def test_a_cut_log_loses_a_suffix_and_nothing_else(servers: list[Server], count: Callable[[str], None]) -> None:
    server = servers[0]
    experiment = server.experiment(SCRIPTED, 60)
    whole = server.folder / "whole.db"
    server.finish(experiment, whole)
    expected = hashes(whole)
    for again in numbers():
        killed = server.folder / f"cut-log{again}.db"
        child = server.run(experiment, killed)
        while len(rows(killed, FINISHED)) < 20:
            time.sleep(0.01)
        child.kill()
        if child.wait() < 0:
            break  # else it was faster
    log = killed.with_name(f"{killed.name}-wal").read_bytes()
    generator = random.Random(0)
    cuts = sorted(generator.randrange(len(log)) for _ in range(times(200, 10)))

    def cut_off(server: Server, number: int) -> tuple[set[tuple[Any, ...]], bool, bool]:
        store = copy(killed, server.folder / "now.db")
        store.with_name("now.db-wal").write_bytes(log[: cuts[number]])
        left = rows(store, STEPS)
        sound = not left or faults(store) == []
        server.finish(experiment, store)
        return left, sound, hashes(store) == expected

    lefts, sounds, equals = zip(*side_by_side(servers, len(cuts), cut_off), strict=True)
    for less, more in pairwise([*lefts, rows(killed, STEPS)]):
        assert less <= more  # a longer log never holds less
    sound, equal = sum(sounds), sum(equals)
    count(f"{len(cuts)} cut logs: {sound} opened and verified, {equal} resumed to the undisturbed hashes")
    assert (sound, equal) == (len(cuts), len(cuts))


def damaged(data: bytes, kind: str, generator: random.Random) -> bytes:
    """A file's bytes, cut at a random place, or with random pages zeroed or bytes changed."""
    changed = bytearray(data)
    if kind == "cut":
        return data[: generator.randrange(1, len(data))]
    if kind == "zeroed":
        for _ in range(generator.choice((1, 4))):
            at = generator.randrange(len(data) // 4096) * 4096
            changed[at : at + 4096] = bytes(4096)
    else:
        for _ in range(generator.choice((1, 30))):
            changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["cut", "zeroed", "changed"])
def test_what_a_damaged_file_still_holds_is_saved_and_the_rest_is_run_again(
    server: Server, count: Callable[[str], None], kind: str
) -> None:
    experiment = server.experiment(ASKING, 20)
    whole = server.folder / f"whole-{kind}.db"
    server.finish(experiment, whole)
    expected, data = hashes(whole), whole.read_bytes()
    with Store.open(str(whole)) as store:
        episodes = {episode.id: episode for episode in store.episodes()}
    generator = random.Random(kind)
    runs = times(60, 5)
    saved = again = empty = untouched = refused = equal = 0
    for number in range(runs):
        broken, new = server.folder / "broken.db", server.folder / "recovered.db"
        new.unlink(missing_ok=True)
        broken.write_bytes(damaged(data, kind, generator))
        digest = hashlib.sha256(broken.read_bytes()).digest()
        if kind == "cut":
            with pytest.raises(StoreError, match=r"is cut short .*sandbox store recover|is not a database"):
                Store.open(str(broken))
            refused += 1
        try:
            recovered = recover(broken, new)
        except StoreError as error:
            empty += "nothing of a sandbox store can be read" in str(error)
        else:
            saved += recovered.whole
            again += sum(recovered.again.values())
            with Store.open(str(new)) as store:
                for episode in store.episodes():
                    before = ""
                    for step in episode.steps:
                        before = step.digest_after(before)
                    assert before == episode.hash == episodes[episode.id].hash
            if number % 5 == 0:
                server.finish(experiment, new)
                equal += hashes(new) == expected
        untouched += hashlib.sha256(broken.read_bytes()).digest() == digest
        equal += number % 5 != 0 or not new.exists()
    said = f", {refused} refused" if kind == "cut" else ""
    every = runs * len(expected)
    count(
        f"{runs} files {kind}: {untouched} untouched{said}; {saved} of {every} episodes recovered whole, {again} to be "
        f"run again, {empty} files held nothing"
    )
    assert (untouched, equal) == (runs, runs)
    assert refused == (runs if kind == "cut" else 0)
