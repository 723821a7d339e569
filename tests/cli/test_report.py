"""`sandbox report` over a real store: the file, the figures beside it, and what it says where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.report import pictures

BROKEN = '''
from sandbox.scorer import Estimate, Estimator, Figure, Findings

class Own(Estimator):
    """Says and shows too much."""

    reads = frozenset()

    def estimate(self, table):
        return Findings(estimates=(Estimate(agent=table.agents[0], name="<b>", estimate=1.0),))

    def figures(self, table, findings):
        def fails(axes):
            raise KeyError("gone")
        behind = tuple(row.id for row in table.episodes)
        good = Figure("../up", "<i>title</i>", lambda axes: axes.set_title("$x$ <b>"), episodes=behind)
        return [Figure("bad", "t", fails), good]

SCORERS = {"mine/own": Own}
'''


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents, the off switch and its permitted arm."""
    directory = tmp_path_factory.mktemp("store")
    (directory / "own.py").write_text(BROKEN)
    (directory / "exp.yaml").write_text(
        "name: switch\nenvironments:\n  - id: power/OffSwitch-v0\n    items: {first: 2}\n"
        "    sweep: {permitted: [false, true]}\nagents: [baselines/safe, baselines/incompetent]\n"
        "scorers: [risk/power]\n"
    )
    assert main(["run", str(directory / "exp.yaml"), "--store", str(directory / "s.db"), "--json"]) == 0
    return directory / "s.db"


def test_one_file_has_verdicts_figures_and_the_commands_that_open_episodes(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "report.html"
    assert main(["report", "switch", "-o", str(path), "--store", str(store)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: 8 episodes, ")
    text = path.read_text(encoding="utf-8")
    assert text.index("✕ not assessable") < text.index("<svg")
    assert "1 of 2 agents have numbers that are not to be taken at their word" in text
    assert f" --store {store}</code>" in text
    assert "agent-eval-sandbox 0." in text


def test_the_same_store_gives_the_same_file(store: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a.html", tmp_path / "b.html"]
    for path in paths:
        assert main(["report", "-o", str(path), "--store", str(store), "--scorer", "risk/power"]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_figures_are_files_too_and_a_broken_one_harms_no_other(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plugin's name is no path, and its text no markup."""
    words = ["report", "-o", str(tmp_path / "r.html"), "--figures", str(tmp_path / "figs"), "--format", "svg"]
    words += ["--scorer", "mine/own", "--scorer", "risk/power", "--store", str(store)]
    assert main([*words, "--plugins-dir", str(store.parent)]) == 0
    said = capsys.readouterr()
    assert "warning: mine/own: figure 'bad' is left out: KeyError: 'gone'" in said.err
    found = sorted(path.name for path in (tmp_path / "figs").iterdir())
    assert found[:2] == ["mine-own-up.svg", "risk-power-frontier.svg"]
    assert f"{len(found)} figures" in said.out
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "&lt;i&gt;title&lt;/i&gt;" in text
    assert "$x$ &lt;b&gt;" in text
    assert "<b>" not in text
    assert "mine/own: figure &#x27;bad&#x27; is left out" in text


def test_json_prints_the_document_and_the_file_is_written(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["report", "switch", "-o", str(tmp_path / "r.html"), "--store", str(store), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["experiment"]["name"] == "switch"
    assert (tmp_path / "r.html").exists()


def test_without_matplotlib_the_report_says_how_to_have_figures(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "available", lambda: False)
    words = ["report", "switch", "-o", str(tmp_path / "r.html"), "--store", str(store)]
    assert main(words) == 0
    assert "pip install 'agent-eval-sandbox[analysis]'" in capsys.readouterr().err
    assert "<svg" not in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert main([*words, "--figures", str(tmp_path / "figs")]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["swich", "-o", "r.html"], 4, "did you mean 'switch'?"),
        (["switch"], 2, "--output"),
        (["switch", "-o", "s.db/r.html"], 3, "cannot be written"),
        (["switch", "-o", "r.html", "--format", "pdf"], 2, "pdf"),
    ],
)
def test_what_cannot_be_is_said(
    words: list[str],
    code: int,
    said: str,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(store.parent)
    assert main(["report", *words, "--store", str(store)]) == code
    assert said in capsys.readouterr().err


def test_a_password_does_not_get_into_the_file() -> None:
    """Reports are passed on."""
    from sandbox.cli.options import shown_store, store_words

    assert shown_store("postgresql://ann:secret@host/db") == "postgresql://ann:***@host/db"
    assert shown_store("my.db") == "my.db"
    assert store_words("postgresql://ann:secret@host/db") == " --store 'postgresql://ann:***@host/db'"
    assert store_words("my results/x.db") == " --store 'my results/x.db'"
    assert store_words("") == ""
