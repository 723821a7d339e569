"""`sandbox replay A B`, and `EPISODE#STEP` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.store import Store
from tests.store.conftest import make_spec, record

ONE, OTHER = make_spec("0"), make_spec("0", seed=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = str(tmp_path / "test.db")
    with Store.open(path) as opened:
        opened.add_experiment("first", {}, [ONE, OTHER])
        record(opened.writer(), ONE)
        record(opened.writer(), OTHER, steps=4)
    return path


def test_two_ids_put_the_episodes_side_by_side_in_lines_or_as_json(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [ONE.key[:10], OTHER.key[:10]]
    assert main(["replay", *ids, "--plain", "--store", store]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Parting: the same to step 3; there seed 0 ends, seed 1 goes on to step 4" in lines
    assert lines[-2:] == ["  steps 1 to 3: the same", "  step 4, right alone: seed 1 share()"]
    assert main(["replay", *ids, "--json", "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["left"], document["right"], document["same_steps"]) == (ONE.key, OTHER.key, 3)
    assert document["first"] == {"left_step": None, "right_step": 4, "differs": []}


@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_step_behind_an_id_is_shown_alone(store: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = [command, f"{ONE.key[:10]}#2", "--store", store]
    assert main([*target, *(["--plain"] if command == "replay" else [])]) == 0
    shown = capsys.readouterr().out
    assert "Step 2 of 3" in shown
    assert "Step 1 of 3" not in shown
    assert main([*target, "--json"]) == 0
    assert [step["index"] for step in json.loads(capsys.readouterr().out)["steps"]] == [1]


@pytest.mark.parametrize("step", ["0", "4", "x"])
def test_a_step_that_is_not_there_is_an_error_in_one_line(
    store: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", f"{ONE.key[:10]}#{step}", "--plain", "--store", store]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1
