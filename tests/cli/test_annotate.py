"""`sandbox annotate`: what is said is listed, exported and shown wherever the episode is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main
from sandbox.errors import InputError, UnknownName
from sandbox.store import Store

EPISODES = Path(__file__).parents[1] / "data" / "episodes.sqlite"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "episodes.db"
    shutil.copy(EPISODES, path)
    monkeypatch.setenv("SANDBOX_STORE", str(path))
    monkeypatch.setenv("SANDBOX_AUTHOR", "ann")
    return path


@pytest.fixture
def key(store: Path) -> str:
    with Store.open(str(store)) as opened:
        return str(opened.heads()[0].id)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["annotate", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["annotations"]
    return [{name: value for name, value in one.items() if value not in ("", None)} for one in found]


def test_a_step_is_bookmarked_noted_and_labelled_at_once(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"{key[:12]}#2", "--bookmark", "--note", "odd", "--label", "lies", "--label", "scale=0.5", "--by", "bob"]
    found = said(capsys, *words)
    assert [(one["step"], one["kind"], one.get("name"), one.get("value"), one["author"]) for one in found] == [
        (2, "bookmark", None, None, "bob"),
        (2, "note", None, None, "bob"),
        (2, "label", "lies", 1.0, "bob"),
        (2, "label", "scale", 0.5, "bob"),
    ]
    assert {one["episode"] for one in said(capsys)} == {key}
    assert said(capsys, f"{key[:12]}#1") == []


def test_one_is_deleted_by_its_number_and_by_its_author(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = said(capsys, key, "--label", "lies")
    assert main(["annotate", key, "--delete", str(one["id"]), "--by", "bob"]) == InputError.exit_code
    assert "is by 'ann', not by 'bob'" in capsys.readouterr().err
    assert main(["annotate", key, "--delete", str(one["id"]), "--delete", "99"]) == UnknownName.exit_code
    assert said(capsys, key) == [one]  # all or none
    assert said(capsys, key, "--delete", str(one["id"])) == []
    assert main(["annotate", key, "--delete", "99"]) == UnknownName.exit_code


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--label", "lies"], "which episode?"),
        (["{key}#9999", "--bookmark"], "no step 9999; it has steps"),
        (["{key}", "--label", "lies=maybe"], "'maybe' is none of these"),
        (["{key}", "--note", " "], "the note is empty"),
        (["--from", "nowhere.csv"], "cannot be read as CSV"),
        (["{key}", "--from", "nowhere.csv"], "give it alone"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(
    key: str, capsys: pytest.CaptureFixture[str], words: list[str], fault: str
) -> None:
    assert main(["annotate", *(word.format(key=key) for word in words)]) == InputError.exit_code
    assert fault in capsys.readouterr().err
    assert said(capsys) == []


def test_people_are_shown_where_the_episode_is(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, f"{key}#2", "--note", "two\nlines \x1b[31m")
    said(capsys, key, "--label", "lies=no")
    for words in (["show", key], ["replay", key, "--plain"]):
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert "    note (ann): two\n      lines ␛[31m" in shown
        assert "People say:\n  label lies = 0 (ann)" in shown
    assert main(["show", key, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert [(one["step"], one["kind"]) for one in whole["annotations"]] == [(None, "label"), (2, "note")]


def test_labels_made_in_a_spreadsheet_are_taken(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "labels.csv"
    said(capsys, key, "--label", "earlier")
    table.write_text(f"episode,step,name,value,author\n{key[:12]},1,lies,yes,bob\n")
    taken = said(capsys, "--from", str(table))
    assert [(one["step"], one["name"], one["author"]) for one in taken] == [(1, "lies", "bob")]
    assert main(["annotate", "--from", str(table)]) == 0
    assert f"1 annotation taken from {table}" in capsys.readouterr().out
