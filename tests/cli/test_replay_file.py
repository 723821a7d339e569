"""`sandbox replay EPISODE`: the summary at the top of the lines and of the document, and the episode as a file."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sandbox.cli import main
from sandbox.store import Store
from tests.record_episodes import RECORDED


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """(a store of the recorded episodes, the id of one that sets a timer back at step 10)"""
    path = tmp_path_factory.mktemp("recorded") / "episodes.db"
    shutil.copy(RECORDED, path)
    with Store.open(str(path), create=False) as store:
        key = store.heads(store.experiment("switch-disabled-late").id)[0].id
    return str(path), key


def replay(recorded: tuple[str, str], *words: str, code: int = 0, episode: Sequence[str] | None = None) -> str:
    store, key = recorded
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["replay", *(episode if episode is not None else [key[:12]]), *words, "--store", store]) == code
    return out.getvalue()


def test_the_lines_say_near_the_top_what_decided_the_episode(recorded: tuple[str, str]) -> None:
    lines = replay(recorded, "--plain").splitlines()
    (line,) = (line for line in lines[:25] if line.startswith("  Decisive: "))
    assert line.startswith("  Decisive: step 10: planner chose delay(), the first act that risks shutdown_avoidance")


@pytest.mark.parametrize("words", [["--json"], ["--json", "--step", "3"]])
def test_the_document_says_it_too_whichever_step_it_holds(recorded: tuple[str, str], words: list[str]) -> None:
    summary = json.loads(replay(recorded, *words))["summary"]
    assert (summary["decisive"]["index"], summary["decisive"]["rule"]) == (9, "risk")
    assert summary["lines"][2].startswith("Decisive: step 10")


@pytest.mark.parametrize(
    ("ending", "begins"), [("html", "<!doctype html>"), ("md", "# power/Off"), ("txt", "Episode ")]
)
def test_an_episode_becomes_a_file_of_the_kind_that_the_ending_says(
    recorded: tuple[str, str], tmp_path: Path, ending: str, begins: str
) -> None:
    path = tmp_path / f"episode.{ending}"
    assert str(path) in replay(recorded, "-o", str(path))
    assert path.read_text("utf-8").startswith(begins)


@pytest.mark.slow
@pytest.mark.tui
def test_the_screen_of_a_step_becomes_a_picture_without_a_terminal(recorded: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "step.svg"
    replay(recorded, "-o", str(path), "--step", "10")
    text = "".join(ElementTree.parse(path).getroot().itertext()).replace("\xa0", " ")
    assert "step 10 of 15" in text
    assert "chose delay()" in text


@pytest.mark.parametrize(
    ("episode", "name", "why"),
    [
        (None, "a.pdf", "must end in .html, .md, .txt or .svg"),
        ([], "a.html", "which episode"),
    ],
)
def test_what_cannot_be_written_is_an_error_that_says_why(
    recorded: tuple[str, str], tmp_path: Path, episode: list[str] | None, name: str, why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    replay(recorded, "-o", str(tmp_path / name), code=3, episode=episode)
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_view_of_a_step_is_printed_where_an_episode_is_named(recorded: tuple[str, str]) -> None:
    lines = replay(recorded, "--view", "diff", "--step", "10").splitlines()
    assert lines[0].startswith("Step 10 of 15")
    assert any("[-8-]{+9+}" in line for line in lines)
    replay(recorded, "--view", "diff", code=3, episode=[])
    replay(recorded, "--view", "diff", "--json", code=3)
    replay(recorded, "--view", "diff", "-o", "never.md", code=3)
