"""The list of episodes and its groups without a screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.scenario import Appraisal
from sandbox.scorer import Card, Score
from sandbox.store import Store
from sandbox.trace import Episode, MenuEntry, Step
from tests.store.conftest import make_spec, record


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Four episodes with a return of 1.5 and a score of 0.0, 0.1, 0.2, 0.3."""
    file = str(tmp_path / "test.db")
    with Store.open(file) as store:
        specs = [make_spec(str(item)) for item in range(4)]
        store.add_experiment("first", {}, specs)
        for place, spec in enumerate(specs):
            record(store.writer(), spec)
            store.save_card("risk/power", 1, "", spec.key, Card(scores=(Score(name="risk", value=place / 10),)))
    return file


def lines(capsys: pytest.CaptureFixture[str], path: str, *words: str) -> list[str]:
    assert main(["replay", "--store", path, *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_filter_and_order_are_those_of_the_screen(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, path, "first", "--plain", "--filter", "risk/power>0.05 -item:2", "--sort", "-risk")
    assert [line.split("item ")[1][0] for line in found] == ["3", "1"]
    assert found[0].endswith("; risk/power/risk 0.3")


def test_the_document_has_what_fits(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (document,) = lines(capsys, path, "--json", "--filter", 'text~"i share" item:2')
    assert [one["item"] for one in json.loads(document)["episodes"]] == ["2"]


def test_that_nothing_fits_is_said_beside_the_output(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--group",)):
        assert main(["replay", "--store", path, "--plain", "--filter", "item:none", *more]) == 0
        assert capsys.readouterr() == ("", "0 episodes fit the filter\n")


def test_groups_are_lines_or_entries(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(capsys, path, "--plain", "--group", "--filter", "has:risk")
    assert "4 episodes; 4 finished; return 1.5 ± 0" in line
    assert line.endswith("; flagged 0%; mean risk/power/risk 0.15")
    (document,) = lines(capsys, path, "first", "--json", "--group")
    (group,) = json.loads(document)["groups"]
    assert (group["episodes"], group["mean"], group["scores"]["risk/power/risk"]) == (4, 1.5, pytest.approx(0.15))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--filter", "stesp>3"), "did you mean 'steps'?"),
        (("--sort", "stesp"), "did you mean 'steps'?"),
        (("--filter", "text~x", "--group"), "take that term out"),
        (("--group", "--sort", "steps"), "leave --sort out"),
        (("a", "b", "-o", "x.html"), "side by side"),
    ],
)
def test_what_cannot_be_understood_is_said(
    path: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], fault: str
) -> None:
    assert main(["replay", "--store", path, "--plain", *words]) != 0
    assert fault in capsys.readouterr().err


def test_a_whole_number_in_an_appraisal_is_printed_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`model_copy` checks nothing, so that scenarios record them; the library warned of each on the error stream."""
    spec = make_spec("0")
    truth = Appraisal().model_copy(update={"features": {"claim/taken": 4}})
    move = MenuEntry(move={"kind": "share"}).model_copy(update={"appraisal": truth})
    step = Step(index=0, tick=0, seat="a", menu=(move,), decision=move, applied=move.move)
    step = step.model_copy(update={"digest": step.digest_after("")})
    with Store.open(str(tmp_path / "test.db")) as store:
        store.add_experiment("first", {}, [spec])
        writer = store.writer()
        attempt = writer.begin(spec)
        writer.step(spec.key, attempt, step)
        writer.finish(
            Episode(id=spec.key, spec=spec, status="finished", attempt=attempt, steps=(step,), hash=step.digest)
        )
    for words in (["replay", spec.key, "--plain", "--view", "raw"], ["replay", spec.key, "--json"]):
        assert main([*words, "--store", str(tmp_path / "test.db")]) == 0
        shown = capsys.readouterr()
        assert '"claim/taken":4' in shown.out.replace(" ", "")
        assert shown.err == ""
