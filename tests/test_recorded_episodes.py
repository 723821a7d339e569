"""The recorded store in tests/data is what its sources give, and all that it claims to hold."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.store import Store
from tests.record_episodes import CASES, RECORDED, record


def hashes(path: Path) -> dict[str, str]:
    """Key -> trace hash of every episode."""
    with contextlib.closing(Store.open(str(path), create=False)) as store:
        return {head.id: head.hash for head in store.heads()}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copy(RECORDED, tmp_path / "episodes.db"))


def test_it_has_episodes_of_every_family_and_of_every_way_to_end(copied: Path) -> None:
    with contextlib.closing(Store.open(str(copied), create=False)) as store:
        heads = store.heads()
    assert {head.environment.partition("/")[0] for head in heads} == {"dilemmas", "games", "market", "power"}
    assert len({head.environment for head in heads if head.environment.startswith("power/")}) == 9
    assert {head.status for head in heads} >= {"finished", "truncated", "error"}
    assert {head.framing for head in heads} == {"lived", "hypothetical"}
    assert {head.provenance for head in heads} == {"executed", "replayed"}
    assert "smollm2" in {head.agent for head in heads}  # a language model
    assert RECORDED.stat().st_size < 1_500_000


@pytest.mark.slow
def test_it_verifies(copied: Path) -> None:
    assert main(["verify", "--store", str(copied)]) == 0


@pytest.mark.slow
def test_recording_it_again_gives_the_same_traces(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If not, an environment or a scripted agent has changed: python -m tests.record_episodes."""
    again = tmp_path / "again.db"
    record(again)
    assert hashes(again) == hashes(copied)
    assert len(hashes(again)) >= len(CASES)
