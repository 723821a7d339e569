"""GLEE's games through the command line: imported, scored, verified, replayed, and imported again."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main

DATA = Path(__file__).parent.parent / "data"
NAMES = ("u1", "u2", "efficiency", "fairness", "money_1", "money_2")


def document(*words: object, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*map(str, words), "--json"]) == code
    return dict(json.loads(out.getvalue()))


def recorded(name: str) -> list[dict[str, Any]]:
    families = [DATA / f"glee_{family}_{name}.jsonl" for family in ("bargaining", "negotiation", "persuasion")]
    return [json.loads(line) for path in families for line in path.read_text("utf-8").splitlines()]


def imported(folder: Path, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    path = folder / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, cases)), "utf-8")
    return document("import", "glee", path, "--store", folder / "x.db")


@pytest.mark.slow
def test_recorded_games_get_their_published_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All 129; and what was imported can be verified, read, and imported again without a change."""
    cases = recorded("cases")
    first = imported(tmp_path, cases)
    assert [(e["external_id"], e["status"], e["provenance"], e["attempt"]) for e in first["episodes"]] == [
        (case["game_id"], "finished", "replayed", 1) for case in cases
    ]
    assert imported(tmp_path, cases) == first
    expected = {one["game_id"]: {name: one[name] for name in NAMES} for one in recorded("expected")}
    assert len(expected) == len(cases) == 129
    found: dict[str, dict[str, Any]] = {id_: {} for id_ in expected}
    for score in document("score", "--scorer", "economy/glee", "--store", tmp_path / "x.db")["scores"]:
        if score["name"] in NAMES:
            assert score["name"] not in found[score["external_id"]], score
            found[score["external_id"]][score["name"]] = score["value"]
    for id_, scores in found.items():
        assert scores == pytest.approx(expected[id_], abs=1e-9), id_
    capsys.readouterr()
    assert main(["verify", "--store", str(tmp_path / "x.db")]) == 0
    assert main(["replay", "p-7-0", "--plain", "--store", str(tmp_path / "x.db")]) == 0
    told = capsys.readouterr().out
    assert "External id: p-7-0" in told
    assert "recommend(yes=true)" in told


def test_the_seats_of_a_folders_game_are_filled_by_the_models_that_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "0003852CF8408F00"
    folder.mkdir()
    args = {"money_to_divide": 100, "max_rounds": 99, "complete_information": True, "messages_allowed": True}
    players = {
        f"player_{number}_args": {"public_name": name, "model_name": model, "delta": 0.9}
        for number, name, model in ((1, "Alice", "gemini"), (2, "Bob", "llama"))
    }
    (folder / "config.json").write_text(json.dumps({"game_type": "bargaining", "game_args": args, **players}))
    rows = "alice_gain,bob_gain,message,player,round,decision\n60,40,Deal?,Alice,1,None\n,,None,Bob,1,accept\n"
    (folder / "game.csv").write_text(rows)
    (episode,) = document("import", "glee", tmp_path, "--store", tmp_path / "x.db")["episodes"]
    assert episode["external_id"] == "0003852CF8408F00"
    assert episode["seats"] == {"alice": "gemini", "bob": "llama"}
    estimates = document("score", "--scorer", "economy/glee", "--store", tmp_path / "x.db")["estimates"]
    gains = {(one["agent"], one["estimate"]) for one in estimates if one["name"] == "self_gain"}
    assert gains == {("gemini", 0.6), ("llama", 0.4)}


def test_nothing_is_imported_where_anything_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (case for case in recorded("cases") if case["game_id"] in ("b-7-0", "b-7-1"))
    bad["moves"][0]["decision"] = "maybe"
    path = tmp_path / "cases.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n")
    assert main(["import", "glee", str(path), "--store", str(tmp_path / "x.db")]) == 3
    assert "line 2, moves[0].decision: Input should be 'accept' or 'reject' (found 'maybe')" in capsys.readouterr().err
    assert not (tmp_path / "x.db").exists()


def test_the_command_said_after_an_import_scores_what_was_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some cases.jsonl"
    path.write_text(json.dumps(recorded("cases")[0]), "utf-8")
    assert main(["import", "glee", str(path), "--store", str(tmp_path / "x.db")]) == 0
    said = capsys.readouterr().out.split("score them: ")[1]
    assert main(shlex.split(said)[1:]) == 0
