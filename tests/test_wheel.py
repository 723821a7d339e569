"""The wheel holds what it should, and harms no other distribution."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OTHER = "openai-agents==0.3.3"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(pip, check=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_brings_the_plugins_and_their_data_but_no_folder_called_agents(wheel: Path) -> None:
    """`agents`, as an import name, belongs to the openai-agents distribution."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"agents", "environments", "plugins", "tests"}
    assert "sandbox_env_dilemmas/data/dilemmas.jsonl" in names
    assert "sandbox/cli/demo.yaml" in names
    assert any(name.startswith("sandbox/store/migrations/versions/") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("ours_first", [True, False])
def test_installing_beside_openai_agents_changes_none_of_its_files(
    wheel: Path, tmp_path: Path, ours_first: bool
) -> None:
    """In whichever order the two are installed, its `agents` package stays byte for byte what its own wheel holds."""
    alone, both = tmp_path / "alone", tmp_path / "both"
    _install(alone, OTHER)
    for package in (str(wheel), OTHER) if ours_first else (OTHER, str(wheel)):
        _install(both, package)
    expected = _hashes(alone)
    assert len(expected) > 50
    assert {name: found for name, found in _hashes(both).items() if name in expected} == expected


def _install(target: Path, package: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-compile",
        "--target",
        str(target),
        package,
    ]
    subprocess.run(command, check=True, timeout=300, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "agents").rglob("*"))
        if path.is_file()
    }
