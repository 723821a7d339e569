"""Tables of choice sets through the command line: imported, scored, verified, and refused with every fault."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main

DATA = Path(__file__).parents[1] / "data"
TABLE = """choice_set,position,product,title,price,rating,chosen
b,1,y,Lamp <b>,9.5,4,0
b,0,x,Chair,20,5,1
a,0,x,Chair,21,5,0
a,1,y,Lamp,8,4.5,0
"""


def document(*words: object, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*map(str, words), "--json"]) == code
    return dict(json.loads(out.getvalue()))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_thousand_sets_are_imported_scored_and_have_the_reference_coefficients(tmp_path: Path) -> None:
    """The main road: a table of others, two commands, published numbers; and importing again changes nothing."""
    words = ("import", "choices", DATA / "choices_n1000.csv", "--store", tmp_path / "x.db")
    first = document(*words)
    assert document(*words) == first
    assert {(e["status"], e["provenance"], e["environment"]) for e in first["episodes"]} == {
        ("finished", "replayed", "market/ChoiceSet-v0")
    }
    assert [e["external_id"] for e in first["episodes"]] == [str(number) for number in range(1000)]
    scored = document("score", "--scorer", "market/choice_model", "--store", tmp_path / "x.db")
    found = {e["name"]: e for e in scored["estimates"] if e["variant"] == "hessian"}
    expected = json.loads((DATA / "choices_n1000.json").read_text("utf-8"))
    assert {found[name]["agent"] for name in expected["names"]} == {"choices_n1000"}
    for name, coefficient in zip(expected["names"], expected["mle"], strict=True):
        assert found[name]["estimate"] == pytest.approx(coefficient, abs=1e-6)
        assert found[f"ame/{name}"]["estimate"] == pytest.approx(expected["ame_marginal"][name], abs=1e-7)
    assert found["log_likelihood"]["estimate"] == pytest.approx(-1179.498651, abs=1e-6)


def test_a_record_is_a_choice_in_the_order_shown(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows in any order; texts and names are kept; a set in which nothing was chosen is an abstention."""
    store = str(tmp_path / "x.db")
    found = document("import", "choices", table, "--store", store)
    assert [(e["external_id"], e["status"]) for e in found["episodes"]] == [("b", "finished"), ("a", "finished")]
    assert found["counts"]["abstention"] == 1
    assert main(["verify", "--store", store]) == 0
    capsys.readouterr()
    assert main(["replay", "b", "--plain", "--store", store]) == 0
    told = capsys.readouterr().out
    assert "1. x: title Chair, price 20, rating 5" in told
    assert "2. y: title Lamp <b>, price 9.5, rating 4" in told
    assert "pick(number=1)" in told


def test_the_sets_of_a_table_can_be_put_to_any_agent(table: Path, tmp_path: Path) -> None:
    """So what was recorded of one shopper is asked of another."""
    words = ("run", "--env", "market/ChoiceSet-v0", "--agent", "baselines/random", "-P", f"dataset={table}")
    found = document(*words, "--episodes", 2, "--store", tmp_path / "x.db")
    assert {e["item"] for e in found["episodes"]} == {"a", "b"}


def test_every_fault_is_named_with_row_and_column_and_nothing_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "choice_set,position,product,price,chosen\n"
        "a,0,x,1.5,1\na,1,y,oops,1\nb,0,x,,no\nb,u,y,inf,0\n,0,x,1,1\n,1,y,1_0,0\n",
        encoding="utf-8",
    )
    assert main(["import", "choices", str(path), "--store", str(tmp_path / "x.db")]) == 3
    said = capsys.readouterr().err
    for fault in (
        "row 4, position: expected a number, got 'u'",
        "row 2, price: expected a number, got 'oops'",
        "row 3, price: expected a number, got an empty cell",
        "row 4, price: expected a number, got 'inf'",
        "row 6, price: expected a number, got '1_0'",
        "row 3, chosen: expected 1 or 0, got 'no'",
        "row 5, choice_set: is empty",
        "rows 1, 2, chosen: several alternatives of 'a' are chosen; expected one, or none",
    ):
        assert fault in said
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "lacks the column choice_set and chosen"),
        ("choice_set,chosen,price,price\n", "column 4: 'price' is there already"),
        ("choice_set,chosen,\n", "column 3 has no name: give it one, or leave it out"),
        ("choice_set,chosen,price\n", "has no rows"),
        ("choice_set,chosen,title\na,1,x\na,0,y\n", "no column of numbers besides"),
        ("choice_set,chosen,price\na,1,2\n", "'a' has one alternative; expected two or more"),
        ("choice_set,chosen,price\na,1,2\na,0\n", "row 2, column 3: 2 cells, expected 3"),
        ('choice_set,chosen,price\na,1,"2\n', "unexpected end of data; nothing below it was read"),
        ("choice_set,chosen,price," + "n" * 201 + "\n", "a name of 201 characters; expected at most 200"),
        ("choice_set,chosen,price,product\na,1,2," + "p" * 201 + "\na,0,2,q\n", "row 1, product: 201 characters"),
    ],
)
def test_tables_that_are_none_are_refused(
    text: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["import", "choices", str(path), "--store", str(tmp_path / "x.db")]) == 3
    assert fault in capsys.readouterr().err


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latin.csv").write_bytes(b"choice_set,chosen,pr\xefce\n")
    for name, fault in (("none.csv", "no such file"), ("latin.csv", "byte 20 is not UTF-8"), (".", "cannot be read")):
        assert main(["import", "choices", str(tmp_path / name), "--store", str(tmp_path / "x.db")]) == 3
        assert fault in capsys.readouterr().err
