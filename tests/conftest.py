"""What all tests share: property tests that repeat exactly, and a builder that knows the toys."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sandbox.adapters import chromium
from sandbox.errors import BrowserError
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from tests import postgres

# The time of an example says nothing on a busy machine.
settings.register_profile("sandbox", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("sandbox")

# A shell has what it runs in the background ignore Ctrl-C, and so would all that is started here: some of it is struck.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of a store on a PostgreSQL server that does not exist yet."""
    with postgres.empty_schema() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that does not exist yet, on each kind of database."""
    return str(tmp_path / "test.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of a real browser where there is none."""
    if item.get_closest_marker("browser"):
        try:
            chromium.find()
        except BrowserError as error:
            pytest.skip(str(error).partition(";")[0] + ": sandbox setup browser")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the crash tests counted, what the recovery tests found, and what imports of Inspect's logs took."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for section in ("crash", "recovery", "inspect"):
        lines = [line for report in reports for name, line in report.user_properties if name == section]
        if lines:
            terminalreporter.section(section)
            for line in lines:
                terminalreporter.line(str(line))


def pytest_unconfigure() -> None:
    """Nothing goes on running."""
    postgres.stop()
