"""What `sandbox new` writes works at once, and it never writes over anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.cli.new import named
from sandbox.errors import InputError, UnknownName

BROKEN = "raise RuntimeError('this plugin is broken')\n"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Sandbox = Callable[..., Done]


@pytest.fixture(params=[pytest.param("here", id="here"), pytest.param("apart", id="apart", marks=pytest.mark.slow)])
def sandbox(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Sandbox:
    """The command in a directory of its own: in this process, and, as a person runs it, each time in a fresh one."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SANDBOX_")]:
        monkeypatch.delenv(name)

    def here(*words: str | Path) -> Done:
        capsys.readouterr()
        code = main([*map(str, words)])
        return Done(code, *capsys.readouterr())

    def apart(*words: str | Path) -> Done:
        command = [sys.executable, "-m", "sandbox", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    return here if request.param == "here" else apart


@pytest.mark.parametrize("broken", [pytest.param(False, id="alone"), pytest.param(True, id="beside a broken plugin")])
@pytest.mark.slow
def test_a_new_environment_is_checked_run_and_replayed_as_it_stands(
    tmp_path: Path, sandbox: Sandbox, broken: bool
) -> None:
    """Four commands from nothing to a replay; a neighbour's fault is named and harms nobody."""
    plugins = tmp_path / "plugins"
    if broken:
        plugins.mkdir()
        (plugins / "aardvark.py").write_text(BROKEN)

    made = sandbox("new", "environment", "coin", "--dir", plugins)
    assert made.returncode == 0, made.stderr
    assert "coin/Coin-v0" in made.stdout
    assert {path.name for path in plugins.glob("*coin.py")} == {"coin.py", "test_coin.py"}

    checked = sandbox("check", "coin/Coin-v0", "--plugins-dir", plugins)
    assert checked.returncode == 0, checked.stderr
    assert "coin/Coin-v0 keeps its contract" in checked.stdout

    run = sandbox(
        *("run", "--plugins-dir", plugins, "--env", "coin/Coin-v0", "--agent", "baselines/random"),
        *("--episodes", "5", "--json"),
    )
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert [episode["status"] for episode in document["episodes"]] == ["finished"] * 5
    assert {episode["environment"] for episode in document["episodes"]} == {"coin/Coin-v0"}
    assert len({episode["hash"] for episode in document["episodes"]}) > 1, "five seeds are not one game"

    for episode in document["episodes"][:2]:
        replayed = sandbox("replay", episode["id"], "--plain", "--plugins-dir", plugins)
        assert replayed.returncode == 0, replayed.stderr
        assert "coin/Coin-v0" in replayed.stdout
        assert "toss" in replayed.stdout

    listed = sandbox("list", "environments", "--plugins-dir", plugins)
    assert listed.returncode == 0
    assert "coin/Coin-v0" in listed.stdout
    for done in (checked, run, listed):
        named_broken = "aardvark.py" in done.stderr and "this plugin is broken" in done.stderr
        assert named_broken == broken, done.stderr


@pytest.mark.slow
def test_the_tests_that_come_with_new_plugins_pass(tmp_path: Path) -> None:
    """All three kinds in one directory, under pytest as an author runs it."""
    for kind in ("environment", "agent", "scorer"):
        assert main(["new", kind, f"my-{kind}", "--dir", str(tmp_path)]) == 0
    # Without our own settings: an author's directory has none.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


@pytest.mark.parametrize(("kind", "plugin"), [("agent", "mine/my_thing"), ("scorer", "mine/my_thing")])
def test_a_new_agent_or_scorer_keeps_its_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, plugin: str
) -> None:
    """What is scaffolded passes the check that it tells its author to run."""
    assert main(["new", kind, "my-thing", "--dir", str(tmp_path)]) == 0
    assert plugin in capsys.readouterr().out
    assert main(["check", plugin, "--plugins-dir", str(tmp_path)]) == 0
    assert f"{plugin} keeps its contract" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["coin.py", "test_coin.py"])
def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    """Not the plugin, and not a test; and no half of a pair is left behind."""
    (tmp_path / there).write_text("mine")
    assert main(["new", "environment", "coin", "--dir", str(tmp_path)]) == InputError.exit_code
    assert f"{there} is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "module", "title"),
    [
        ("coin", "coin", "Coin"),
        ("my-shop", "my_shop", "MyShop"),
        ("coin_flip", "coin_flip", "CoinFlip"),
        ("a1", "a1", "A1"),
    ],
)
def test_a_name_becomes_a_module_and_a_class(name: str, module: str, title: str) -> None:
    """Files cannot have hyphens, and classes are written in capitals."""
    assert named(name) == (module, title)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "expected small letters"),
        ("Coin", "expected small letters"),
        ("2coins", "expected small letters"),
        ("a/b", "expected small letters"),
        ("../coin", "expected small letters"),
        ("coin.py", "expected small letters"),
        ("möbius", "expected small letters"),
        ("a--b", "expected small letters"),
        ("x" * 200, "expected small letters"),
        ("lambda", "keyword of Python"),
        ("test-coin", "taken for a test"),
        ("conftest", "taken for a test"),
        ("random", "name of a Python module"),
        ("gymnasium", "name of a Python module"),
        ("toss", "name of another thing in the file"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    """One line that says why, and no file."""
    assert main(["new", "environment", "--dir", str(tmp_path / "plugins"), "--", name]) == InputError.exit_code
    assert why in capsys.readouterr().err
    assert not (tmp_path / "plugins").exists()


def test_an_id_that_is_announced_already_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two plugins with one name would both be unusable."""
    assert main(["new", "agent", "coin", "--dir", str(tmp_path / "one")]) == 0
    words = ["new", "agent", "coin", "--dir", str(tmp_path / "two"), "--plugins-dir", str(tmp_path / "one")]
    assert main(words) == InputError.exit_code
    assert "is announced by" in capsys.readouterr().err


def test_an_unknown_kind_offers_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same courtesy as for every other name."""
    assert main(["new", "enviroment", "coin", "--dir", str(tmp_path)]) == UnknownName.exit_code
    assert "did you mean 'environment'?" in capsys.readouterr().err


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way, as the simplest of such cases."""
    (tmp_path / "file").write_text("")
    assert main(["new", "agent", "coin", "--dir", str(tmp_path / "file")]) == InputError.exit_code
    assert "cannot be written to" in capsys.readouterr().err
