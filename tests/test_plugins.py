"""Plugins are found without importing them, and one that fails is named and harms nobody else."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import InputError, PluginError, UnknownName
from sandbox.plugins import KINDS, Plugins, import_file, resolve

GOOD = "def answer(turn):\n    return None\n\nAGENTS = {'mine/%s': answer}\n"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_PLUGINS", raising=False)


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text, encoding="utf-8")
    return directory


def names(plugins: Plugins, kind: Any = "agents") -> list[str]:
    return [entry.name for entry in plugins.entries(kind)]


def test_shipped_plugins_are_listed_with_their_distribution_and_nothing_is_imported() -> None:
    code = (
        "import sys; from sandbox.plugins import Plugins, KINDS\n"
        "for kind in KINDS:\n"
        "    for entry in Plugins().entries(kind): print(kind, entry.name, entry.source, entry.reference, sep='|')\n"
        "print([name for name in sys.modules if name.startswith('sandbox_')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    version = metadata.version("agent-eval-sandbox")
    assert f"agents|baselines/first|agent-eval-sandbox {version}|sandbox_agent_baselines:first" in lines
    assert lines[-1] == "[]"


def test_the_metadata_of_a_distribution_is_read_once_and_not_for_each_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took 2 ms for each plugin at each look: 40 ms for all scorers, again whenever one was asked for."""
    read: list[str] = []
    version = metadata.Distribution.version.fget
    monkeypatch.setattr(
        metadata.Distribution, "version", property(lambda self: read.append(self.name) or version(self))
    )
    plugins = Plugins()
    for _ in range(3):
        assert len(plugins.entries("scorers")) > 10
        assert plugins.source("scorers", "risk/power")
    assert len(read) == len(set(read))


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_plugin_can_be_loaded(kind: Any) -> None:
    plugins = Plugins()
    for name in names(plugins, kind):
        assert plugins.load(kind, name) is plugins.load(kind, name)
        assert plugins.source(kind, name).startswith("agent-eval-sandbox ")


def test_only_the_named_plugin_is_imported() -> None:
    code = (
        "import sys; from sandbox.plugins import Plugins\n"
        "Plugins().load('agents', 'baselines/first')\n"
        "print(sorted(name for name in sys.modules if name.startswith('sandbox_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['sandbox_agent_baselines']"


def test_a_file_in_a_directory_announces_its_mappings(tmp_path: Path) -> None:
    plugins = Plugins([write(tmp_path, good=GOOD % "good", test_good="1/0", _private="1/0", conftest="1/0")])
    assert "mine/good" in names(plugins)
    assert plugins.load("agents", "mine/good")(None) is None
    assert plugins.source("agents", "mine/good") == str(tmp_path / "good.py")
    assert plugins.failures() == []


def test_the_variable_names_directories_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = write(tmp_path / "one", a=GOOD % "a"), write(tmp_path / "two", b=GOOD % "b")
    monkeypatch.setenv("SANDBOX_PLUGINS", f"{one}:{two}")
    assert {"mine/a", "mine/b"} <= set(names(Plugins()))
    assert names(Plugins([one])).count("mine/a") == 1, "named twice, it is there once"


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such directory"):
        Plugins([tmp_path / "nowhere"]).entries("agents")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("raises", "raise ValueError('no good')", "ValueError: no good"),
        ("leaves", "import sys; sys.exit(3)", "SystemExit: 3"),
        ("exits", "raise SystemExit", "SystemExit"),
        ("misspelt", "def f(:", "SyntaxError"),
        ("lacks", "import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("listed", "AGENTS = ['a']", "AGENTS must be a dict from id to object, not list"),
        ("deep", "def f(): f()\nf()", "RecursionError"),
        ("asserts", "assert False", "AssertionError"),
    ],
)
def test_a_broken_file_is_named_with_its_reason_and_the_others_run(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    plugins = Plugins([write(tmp_path, good=GOOD % "good", **{name: text})])
    assert plugins.load("agents", "mine/good") is not None
    assert plugins.load("agents", "baselines/first") is not None
    (failure,) = plugins.failures()
    assert failure.source == str(tmp_path / f"{name}.py")
    assert reason in failure.reason


def test_bytes_that_are_no_text_are_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.py").mkdir()
    sources = [Path(failure.source).name for failure in Plugins([tmp_path]).failures()]
    assert sources == ["binary.py", "folder.py"]


def test_a_name_that_is_announced_twice_is_an_error_that_names_both_sources(tmp_path: Path) -> None:
    plugins = Plugins([write(tmp_path, one=GOOD % "same", two=GOOD % "same", three=GOOD % "other")])
    both = f"{tmp_path / 'one.py'} and {tmp_path / 'two.py'}"
    (failure,) = plugins.failures()
    assert (failure.source, failure.reason) == (both, "both announce the agent 'mine/same'")
    with pytest.raises(PluginError, match=r"one.py and .*two.py both announce the agent 'mine/same'"):
        plugins.load("agents", "mine/same")
    assert plugins.load("agents", "mine/other") is not None


def test_a_file_that_takes_a_shipped_name_is_named_beside_the_distribution(tmp_path: Path) -> None:
    write(tmp_path, thief="AGENTS = {'baselines/first': print}")
    with pytest.raises(PluginError, match=r"thief.py and agent-eval-sandbox \S+ both announce"):
        Plugins([tmp_path]).load("agents", "baselines/first")


def test_a_wrong_name_offers_the_nearest_and_says_what_failed(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no agent 'baselines/frist': did you mean 'baselines/first'"):
        Plugins().load("agents", "baselines/frist")
    with pytest.raises(UnknownName, match="no environment 'market/Shpo-v0': did you mean 'market/Shop-v0'"):
        Plugins().load("environments", "market/Shpo-v0")
    write(tmp_path, broken="1/0")
    with pytest.raises(UnknownName, match=r"broken.py failed: ZeroDivisionError"):
        Plugins([tmp_path]).load("agents", "mine/broken")


def test_an_installed_plugin_that_cannot_be_imported_is_named_with_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entry points are listed without importing, so that it shows when the plugin is asked for."""
    info = tmp_path / "thirdparty-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[sandbox.agents]\nthird/broken = thirdparty_broken:agent\nthird/short = thirdparty_broken\n"
    )
    (tmp_path / "thirdparty_broken.py").write_text("import sys; sys.exit('bye')")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = Plugins()
    assert "third/broken" in names(plugins)
    with pytest.raises(PluginError, match=r"agent 'third/broken' of thirdparty 1.2 .*SystemExit: bye"):
        plugins.load("agents", "third/broken")
    with pytest.raises(PluginError, match="not of the form module:object"):
        plugins.load("agents", "third/short")
    assert plugins.load("agents", "baselines/first") is not None


def test_a_file_is_imported_once_and_two_of_one_name_are_two_modules(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", same="X = 1") / "same.py", write(tmp_path / "two", same="X = 2") / "same.py"
    assert import_file(one) is import_file(one)
    assert (import_file(one).X, import_file(two).X) == (1, 2)
    with pytest.raises(PluginError, match="no such Python file"):
        import_file(tmp_path / "none.py")


def test_a_file_with_models_and_dataclasses_can_be_imported(tmp_path: Path) -> None:
    """Both look their module up in sys.modules while it runs."""
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
        "from pydantic import BaseModel\n@dataclass\nclass A:\n    x: ClassVar[int] = 1\n"
        "class B(BaseModel):\n    a: int\n"
    )
    assert import_file(write(tmp_path, models=text) / "models.py").B(a=1).a == 1


def test_an_object_is_found_by_module_or_file(tmp_path: Path) -> None:
    path = write(tmp_path, thing="class A:\n    b = 3\n") / "thing.py"
    assert resolve(f"{path}:A.b", "x") == 3
    assert resolve("json:dumps", "x")([1]) == "[1]"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("json", "not of the form module:object"),
        ("json:", "not of the form module:object"),
        ("json:nothing", "json has no 'nothing' (it has: "),
        ("no_such_module_at_all:x", "cannot be imported: ModuleNotFoundError"),
        ("nowhere/file.py:x", "no such Python file"),
    ],
)
def test_an_object_that_is_not_there_is_an_error_that_says_why(reference: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        resolve(reference, "agent 'x'")
    assert said in str(caught.value)
