"""Logs that the real inspect_ai writes with its mock model, imported; it runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.inspect

WRITER = Path(__file__).parents[1] / "write_inspect_logs.py"
PYTHON = os.environ.get("SANDBOX_INSPECT_PYTHON", sys.executable)
"""An interpreter that has inspect_ai, where this one has not."""
MOST_MEMORY = 400  # MB that a process may take that imports a sample of 100,000 events


@pytest.fixture(scope="module", autouse=True)
def _needs_inspect() -> None:
    found = subprocess.run([PYTHON, "-c", "import inspect_ai"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"{PYTHON} has no inspect_ai: pip install 'agent-eval-sandbox[inspect]'")


def write(folder: Path, *kinds: str) -> Path:
    folder.mkdir(exist_ok=True)
    # Not with ours on its path: it has a `agents` and a `plugins` of its own to find, or not to find.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [PYTHON, str(WRITER), str(folder), *kinds], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("inspect")
    kinds = ("tools.eval", "tools.json", "error.eval", "error.json", "limit.eval", "plain.json", "crashed", "chunked")
    write(folder / "logs", *kinds)
    done = run("import", "inspect", folder / "logs", "--store", folder / "x.db", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)) | {"store": str(folder / "x.db")}


def test_every_sample_is_an_episode_with_the_status_that_it_ended_with(found: dict[str, Any]) -> None:
    """The crashed log and the one in pieces hold samples of the first: the same episodes."""
    counts = Counter((one["environment"], one["status"], one["steps"]) for one in found["episodes"])
    assert counts == {
        ("inspect:sums", "finished", 4): 8,
        ("inspect:broken", "error", 1): 2,
        ("inspect:long", "truncated", 4): 1,
        ("inspect:plain", "finished", 1): 1,
    }
    assert {one["repetition"] for one in found["episodes"] if one["environment"] == "inspect:sums"} == {0, 1}
    assert any("crashed.eval: the eval did not end: 2 of 4" in one for one in found["warnings"])


def test_both_formats_give_the_same_steps_but_for_ids_and_times(found: dict[str, Any]) -> None:
    said = []
    for one in found["episodes"]:
        if one["environment"] == "inspect:sums":
            whole = json.loads(run("show", one["id"], "--store", found["store"], "--json").stdout)
            told = [(step["text"], step["said"], step["ranges"], step["outcome"]) for step in whole["steps"]]
            kinds = [[event["kind"] for event in step["events"]] for step in whole["steps"]]
            said.append((one["item"], json.dumps([told, kinds])))
    assert len(said) == 8
    assert len(set(said)) == 2


def test_scores_are_inspects_and_agree_with_its_header(found: dict[str, Any]) -> None:
    """Its means are checked as the logs are read: a difference would be among the warnings."""
    ids = {one["id"]: one["item"] for one in found["episodes"] if one["environment"] == "inspect:sums"}
    scores = {
        (ids[one["episode"]], one["scorer"], one["name"], one["value"])
        for one in found["scores"]
        if one["episode"] in ids
    }
    assert scores == {
        (item, f"inspect/{scorer}", name, value)
        for item, right in (("sum", 1.0), ("picture", 0.0))
        for scorer, name, value in (
            ("includes", "value", right), ("match", "value", right), ("model_graded_fact", "value", 1.0),
            ("words", "length", 3.5), ("words", "polite", 1.0),
        )
    }  # fmt: skip
    assert not any("its header says" in one for one in found["warnings"])


def test_a_scorer_of_ours_reads_what_was_said(found: dict[str, Any]) -> None:
    """The reasoning of each first turn says that it may be a test."""
    done = run("score", "--scorer", "risk/awareness", "--store", found["store"], "--json")
    assert done.returncode == 0, done.stderr
    says = {one["episode"] for one in json.loads(done.stdout)["scores"] if one["name"] == "says" and one["value"]}
    assert says == {one["id"] for one in found["episodes"] if one["environment"] == "inspect:sums"}


@pytest.mark.parametrize(("form", "turns"), [("eval", 2_000), ("json", 200)])
def test_100_000_events_are_imported_in_bounded_memory(
    tmp_path: Path, form: str, turns: int, record_property: Callable[[str, object], None]
) -> None:
    """Fewer turns in the plain one, which repeats all messages at each: it would have two gigabytes."""
    folder = write(tmp_path / "logs", f"events.{form}=100000,{100_000 // turns}")
    words = ["import", "inspect", str(folder), "--store", str(tmp_path / "x.db"), "--json"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [episode] = json.loads(done.stdout)["episodes"]
    assert (episode["status"], episode["steps"]) == ("finished", turns)
    peak, seconds = done.stderr.split("measured: ")[1].split()
    said = f"100,000 events of a .{form}: {int(peak) // 1024} MB at most, {seconds} CPU seconds"
    record_property("inspect", said)
    assert int(peak) // 1024 < MOST_MEMORY


MEASURED = """
import sys, time
from pathlib import Path
from sandbox.cli import main
code = main(sys.argv[1:])
# Not `ru_maxrss`, which begins with what the process had that started this one.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print("measured:", peak, round(time.process_time(), 1), file=sys.stderr)
sys.exit(code)
"""
