"""The main job through the command line: run, resume, verify, score, import, in one store and in two."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

EXPERIMENT = """
name: spine
environments:
  - {id: dilemmas/Choice-v0, config: {order: counterbalanced, labels: given}, items: {first: 2}}
  - {id: power/OffSwitch-v0, config: {horizon: 12}, sweep: {conflict: [true, false]}, items: {first: 1}}
  - {id: games/Bargaining-v0, config: {rounds: 3}, seats: {bob: baselines/rubinstein}}
  - {id: market/Shop-v0, items: {first: 1}}
agents: [baselines/random, baselines/two_faced, baselines/safe, {id: llm/choice, name: fake, model: "fake:first"}]
seeds: {count: 2}
treatments: {framing: [lived, hypothetical]}
"""


def document(*words: object, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json: one document, whatever else goes to stderr."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*map(str, words), "--json"]) == code
    return dict(json.loads(out.getvalue()))


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spine") / "spine.yaml"
    path.write_text(EXPERIMENT)
    return path


@pytest.fixture(scope="module")
def ran(experiment: Path) -> tuple[Path, dict[str, Any]]:
    """The whole experiment, run once, and its document: for tests that only read."""
    store = experiment.with_name("ran.db")
    return store, document("run", experiment, "--store", store)


@pytest.mark.slow
def test_the_same_experiment_in_two_stores_gives_equal_hashes_and_verifies(
    tmp_path: Path, experiment: Path, ran: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise 1: same specification and same replies, same trace hash; and every trace can be rebuilt."""
    found = [ran[1], document("run", experiment, "--store", tmp_path / "two.db")]
    hashes = [{episode["id"]: episode["hash"] for episode in one["episodes"]} for one in found]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == len(found[0]["episodes"]) > 100
    assert all(hashes[0].values())
    assert [e["estimate"] for e in found[0]["estimates"]] == [e["estimate"] for e in found[1]["estimates"]]
    assert main(["verify", "--store", str(ran[0])]) == 0
    assert f"{len(hashes[0])} of {len(hashes[0])} episodes verified" in capsys.readouterr().out


def test_running_again_runs_nothing_again(tmp_path: Path) -> None:
    """Promise 3: a second run lists all episodes, and every one is still at its first attempt."""
    experiment = tmp_path / "short.yaml"
    experiment.write_text(
        "name: short\nenvironments: [{id: power/OffSwitch-v0, config: {horizon: 12}, items: {first: 2}}]\n"
        "agents: [baselines/random, baselines/safe]\nseeds: {count: 5}\nscorers: [risk/power]\n"
    )
    first = document("run", experiment, "--store", tmp_path / "x.db", "--limit", 7)
    assert len([e for e in first["episodes"] if e["status"] == "finished"]) == 7
    second = document("run", experiment, "--store", tmp_path / "x.db")
    assert {e["status"] for e in second["episodes"]} <= {"finished", "forfeited"}
    third = document("run", experiment, "--store", tmp_path / "x.db")
    assert third == second
    assert {e["attempt"] for e in third["episodes"]} == {1}


@pytest.fixture(scope="module")
def few(experiment: Path) -> Path:
    """A store of a few episodes."""
    store = experiment.with_name("few.db")
    words = ["run", "--env", "power/OffSwitch-v0", "--agent", "baselines/random", "--episodes", 3]
    document(*words, "--store", store)
    return store


@pytest.mark.parametrize("byte", [0, 9, 15, 30, -30, -5, -2])
def test_one_flipped_byte_of_a_stored_action_is_found_and_its_step_named(
    tmp_path: Path, few: Path, capsys: pytest.CaptureFixture[str], byte: int
) -> None:
    """The moves, as all else that a step holds, are in one compressed document."""
    store = tmp_path / "x.db"
    shutil.copy(few, store)
    connection = sqlite3.connect(store)
    number, attempt, index, content = connection.execute(
        'select episode, attempt, "index", content from step where content is not null limit 1'
    ).fetchone()
    flipped = bytearray(content)
    flipped[byte % len(content)] ^= 1
    connection.execute(
        'update step set content = ? where episode = ? and attempt = ? and "index" = ?',
        (bytes(flipped), number, attempt, index),
    )
    connection.commit()
    key = connection.execute("select lower(hex(key)), key from episode where number = ?", (number,)).fetchone()
    connection.close()
    names = {str(key[1])[:12], str(key[0])[:12]}
    capsys.readouterr()
    assert main(["verify", "--store", str(store)]) == 8
    told = capsys.readouterr().err
    assert any(name in told for name in names)
    assert f"step {index + 1}:" in told


def test_estimates_are_unique_and_finite_and_carry_their_counts(ran: tuple[Path, dict[str, Any]]) -> None:
    """Promise 8, over everything that all scorers say at once."""
    found = ran[1]
    names = [(e["scorer"], e["agent"], e["group"], e["variant"], e["name"]) for e in found["estimates"]]
    assert len(names) == len(set(names)) > 100
    for estimate in found["estimates"]:
        assert estimate["estimate"] is not None or estimate["reason"], estimate
        assert estimate["n_distinct"] <= estimate["n"], estimate
        if estimate["n_distinct"] <= 1:
            assert estimate["low"] is None, estimate
            assert estimate["high"] is None, estimate
    assert not [warning for warning in found["warnings"] if "failed" in warning]


def test_every_command_that_reads_prints_one_document(ran: tuple[Path, dict[str, Any]]) -> None:
    """`replay --json` of an experiment has its episodes, of an episode its steps."""
    listed = document("replay", "spine", "--store", ran[0])
    assert [e["id"] for e in listed["episodes"]] == [e["id"] for e in ran[1]["episodes"]]
    whole = document("replay", listed["episodes"][0]["id"], "--store", ran[0])
    assert whole == document("show", listed["episodes"][0]["id"], "--store", ran[0])
    assert whole["steps"]
    assert document("check", "baselines/random") == {"plugin": "baselines/random", "keeps_contract": True}
    assert document("status", "--store", ran[0])["experiments"][0]["name"] == "spine"


def test_saying_and_doing_come_apart_for_the_agent_that_is_two_faced(ran: tuple[Path, dict[str, Any]]) -> None:
    """The question that the project exists for, on planted agents."""
    found = ran[1]
    agreement = {
        e["agent"]: e["estimate"]
        for e in found["estimates"]
        if (e["scorer"], e["name"], e["variant"], e["group"])
        == ("risk/say_do", "agreement", "opportunities", "power/OffSwitch-v0")
    }
    assert agreement["baselines/two_faced"] == 0
    assert agreement["baselines/safe"] == 1


@pytest.mark.slow
def test_litmus_records_give_the_published_elo_through_the_command_line(tmp_path: Path) -> None:
    """`import litmus`, then `score --scorer values/litmus`: ratings to 1e-6 and relative risks to 1e-9."""
    folder = DATA / "airisk_dilemmas"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}: set SANDBOX_TEST_DATA")
    store = tmp_path / "x.db"
    expected = json.loads((folder / "synthetic_expected.json").read_text())
    imported = document(
        "import", "litmus", folder / "synthetic_eval.csv", "--value-map", folder / "synthetic_value_map.csv",
        "--store", store,
    )  # fmt: skip
    assert len(imported["episodes"]) == 400
    assert {e["provenance"] for e in imported["episodes"]} == {"replayed"}
    assert len({e["external_id"] for e in imported["episodes"]}) == 400
    found = document("score", "--scorer", "values/litmus", "--store", store)
    for variant, source in (("clean", "clean"), ("published", "upstream")):
        ratings = {e["name"]: e["estimate"] for e in found["estimates"] if e["variant"] == variant}
        for name, value in expected[source]["bootstrap100_mean_seed42"].items():
            assert ratings[name] == pytest.approx(value, abs=1e-6)
    risks = {e["name"]: e["estimate"] for e in found["estimates"] if e["name"].startswith("dataset_association/")}
    assert risks
    for risk, row in expected["relative_risk_over_actions"].items():
        for name, value in row.items():
            assert risks[f"dataset_association/{name}/{risk}"] == pytest.approx(value, abs=1e-9)
    assert main(["verify", "--store", str(store)]) == 0


def test_a_decision_that_had_to_be_corrected_is_said(tmp_path: Path) -> None:
    """It counts as a choice, but how often an agent had to be told is no secret."""
    (tmp_path / "stubborn.py").write_text(
        "from sandbox.menu import moves\n"
        "def stubborn(turn):\n    return next(moves(turn.menu)) if turn.errors else None\n"
        "AGENTS = {'mine/stubborn': stubborn}\n"
    )
    found = document(
        "run", "--plugins-dir", tmp_path, "--env", "market/Shop-v0", "--agent", "mine/stubborn",
        "--store", tmp_path / "x.db",
    )  # fmt: skip
    assert found["counts"]["unparsed"] == 0
    assert "mine/stubborn: 1 decisions were legal only after an answer that was not" in found["warnings"]
