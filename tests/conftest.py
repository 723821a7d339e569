"""What all tests share: property tests that repeat exactly, and a builder that knows the toys."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from sandbox.plugins import Plugins
from sandbox.runner.build import Builder

# The time of an example says nothing on a busy machine.
settings.register_profile("sandbox", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("sandbox")


@pytest.fixture(scope="session")
def toy_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugins directory that announces the toys."""
    directory = tmp_path_factory.mktemp("toy_plugins")
    (directory / "toys.py").write_text(
        "from tests.toys import SCENARIOS, pick\n\nENVIRONMENTS = SCENARIOS\nAGENTS = {'toys/agent': pick}\n"
    )
    return directory


@pytest.fixture
def builder(toy_plugins: Path) -> Builder:
    """Makes the toys and all shipped plugins."""
    return Builder(Plugins([toy_plugins]))
