"""What the documentation says is so: its files and commands are executed as they are printed."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import errors
from sandbox.cli import main
from sandbox.cli.app import COMMANDS
from sandbox.experiment.model import EnvironmentUse, Experiment, Seeds
from sandbox.trace import Limits

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
EXECUTED = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that the line before it names (`pond.py`:), and its text."""

    language: str
    file: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The page's fenced blocks, in order."""
    before, language, start = "", "", 0
    found: list[str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if found is None and line.startswith("```"):
            found, language, start = [], line.removeprefix("```"), number
        elif found is not None and line == "```":
            named = re.search(r"`([\w.-]+\.\w+)`:$", before)
            yield Block(language, named[1] if named else "", "\n".join(found) + "\n", start)
            before, found = "", None
        elif found is not None:
            found.append(line)
        elif line.strip():
            before = line


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.stem)
@pytest.mark.slow
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files are written, Python and commands are run; what is printed below a command comes out of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("SANDBOX_STORE", "SANDBOX_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, where, "exec"), {"__name__": "__main__"})
        elif block.language == "console":
            for command, expected in commands(block.text):
                assert command[0] == "sandbox", where
                capsys.readouterr()
                code = main(command[1:])
                captured = capsys.readouterr()
                assert code == 0, f"{where}: {command}\n{captured.out}{captured.err}"
                shown = [squeezed(line) for line in captured.out.splitlines()]
                for line in expected:
                    assert any(squeezed(line) in one for one in shown), f"{where}: {line!r} not in\n{captured.out}"


def commands(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each command of a console block with the lines that are expected of it."""
    command: list[str] = []
    expected: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = shlex.split(line[2:]), []
        else:
            expected.append(line)
    if command:
        yield command, expected


def squeezed(line: str) -> str:
    """The line with each run of blanks as one: tables are as wide as their widest cell."""
    return " ".join(line.split())


def test_the_tutorials_environment_has_at_most_thirty_lines() -> None:
    """Without the blank ones. What a newcomer has to write first must stay small."""
    (environment,) = [block for block in blocks(DOCS / "tutorial.md") if block.file == "pond.py"]
    assert sum(bool(line.strip()) for line in environment.text.splitlines()) <= 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links only; others are not ours to keep."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_name_commands_and_plugins_that_exist(page: Path) -> None:
    """`sandbox NAME` in code is a command; ids of the shipped families are announced."""
    from sandbox.plugins import KINDS, Plugins

    announced = {entry.name for kind in KINDS for entry in Plugins().entries(kind)}
    code = " ".join(re.findall(r"`+([^`]+)`+", page.read_text(encoding="utf-8")))
    for command in re.findall(r"(?:^|\s)sandbox ([a-z]+)\b", code):
        assert command in COMMANDS, f"{page.name}: sandbox {command}"
    families = {name.partition("/")[0] for name in announced if "/" in name}
    for plugin in re.findall(r"(?<![\w/.:-])([a-z]+/\w+(?:-v\d+)?)(?![\w/.])", code):
        if plugin.partition("/")[0] in families:
            assert plugin in announced, f"{page.name}: {plugin}"


def test_readme_begins_with_the_two_commands() -> None:
    """All the set-up there is."""
    first = next(blocks(ROOT / "README.md"))
    assert first.text == "pip install '.[local]' && sandbox demo\npip install '.[local,test]' && pytest\n"


def test_readmes_exit_codes_are_those_of_the_errors() -> None:
    """Scripts rely on them."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SandboxError)]
    raised = {kind.exit_code for kind in kinds}
    assert told == raised | {0, 2, errors.EPISODES_FAILED, errors.INTERRUPTED}


@pytest.mark.parametrize("model", [Experiment, EnvironmentUse, Seeds, Limits], ids=lambda model: model.__name__)
def test_every_key_of_the_experiment_file_is_described(model: type[Experiment]) -> None:
    """A key that nobody explains is a key that nobody uses."""
    page = (DOCS / "experiments.md").read_text(encoding="utf-8")
    for key in model.model_fields:
        assert f"`{key}`" in page, f"docs/experiments.md does not describe {key!r} of {model.__name__}"


def test_every_shipped_scorer_is_described() -> None:
    """A heading for each, and none for one that is gone."""
    from sandbox.plugins import Plugins

    page = (DOCS / "scorers.md").read_text(encoding="utf-8")
    shipped = {e.name for e in Plugins().entries("scorers") if e.source.startswith("agent-eval-sandbox ")}
    assert set(re.findall(r"^## `([^`]+)`", page, re.MULTILINE)) == shipped


def test_the_schema_of_the_document_is_the_one_in_docs() -> None:
    """Others validate against it. Stale? Write it again: python docs/schema.py."""
    made = runpy.run_path(str(DOCS / "schema.py"))["schema_text"]()
    assert made == (DOCS / "document.schema.json").read_text(encoding="utf-8"), "run: python docs/schema.py"


def test_a_document_fits_the_schema_in_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every key that is printed is described, and every key that is described is printed."""
    words = ["run", "--env", "power/OffSwitch-v0", "--agent", "baselines/safe", "--json"]
    assert main([*words, "--store", str(tmp_path / "sandbox.db")]) == 0
    document = json.loads(capsys.readouterr().out)
    schema = json.loads((DOCS / "document.schema.json").read_text(encoding="utf-8"))
    assert set(document) == set(schema["properties"])
    for part, entry in [("episodes", "EpisodeEntry"), ("scores", "ScoreEntry"), ("estimates", "EstimateEntry")]:
        assert set(document[part][0]) == set(schema["$defs"][entry]["properties"]), part


@pytest.mark.skipif(not (ROOT / ".ci" / "run").exists(), reason="a source tree without .ci/run")
def test_contributing_names_what_ci_runs() -> None:
    """Whoever runs the page's commands has run CI's."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for tool in ("ruff check", "mypy", "lint-imports", "pytest", "pytest -m slow"):
        assert tool in page, tool
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
