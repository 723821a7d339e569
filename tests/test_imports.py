"""What is not needed is not imported: the command line answers at once, and headless runs load no screen or browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("textual", "playwright", "ray")
VENDORS = ("openai", "anthropic", "langchain_openai", "langchain_anthropic", "google", "ollama", "xllamacpp", "torch")
LATE = ("langchain", "langchain_core", "langgraph", "scipy", "sqlalchemy", "pettingzoo", "gymnasium", "numpy")


MODELS = "m = sys.modules.get('pydantic.main')\nprint('MODELS', *(m.BaseModel.__subclasses__() if m else ()))"


def loaded(code: str, *arguments: str) -> set[str]:
    """Top-level names in `sys.modules` of a fresh interpreter that ran `code`."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('LOADED', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    return {name.partition(".")[0] for name in line.split()[1:]}


def test_importing_the_package_costs_nothing() -> None:
    assert not loaded("import sandbox") & {*HEAVY, *VENDORS, *LATE, "pydantic", "yaml", "typer", "rich"}


@pytest.mark.parametrize(
    "module",
    ["sandbox.results", "sandbox.checks", "sandbox.runner.run", "sandbox.runner.verify", "sandbox.runner.score"],
)
def test_a_headless_module_loads_no_screen_no_browser_and_no_vendor(module: str) -> None:
    assert not loaded(f"import {module}") & {*HEAVY, *VENDORS, "rich", "typer"}


def test_running_and_scoring_headlessly_loads_no_screen_no_browser_and_no_vendor(tmp_path: Path) -> None:
    code = (
        "import sandbox; results = sandbox.run({'name': 'x', 'environments': ["
        "{'id': 'games/Bargaining-v0', 'config': {'rounds': 2}}], 'agents': ['baselines/random', "
        "{'id': 'llm/choice', 'model': 'fake:first'}]}, store=sys.argv[1]); "
        "assert [e.status for e in results.episodes] == ['finished'] * 2; results.estimates"
    )
    assert not loaded(code, str(tmp_path / "x.db")) & {*HEAVY, *VENDORS}


def test_a_run_with_scripted_agents_loads_no_language_model_library(tmp_path: Path) -> None:
    code = (
        "import sandbox; sandbox.run({'name': 'x', 'environments': ['games/Bargaining-v0'],"
        " 'agents': ['baselines/random'], 'scorers': ['economy/bargaining']}, store=sys.argv[1])"
    )
    assert not loaded(code, str(tmp_path / "x.db")) & {*HEAVY, *VENDORS, "langchain", "langchain_core", "langgraph"}


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "agents"], ["run", "--help"], ["--version"]], ids=str)
def test_the_command_line_lists_and_helps_without_the_libraries_behind_it(words: list[str]) -> None:
    assert not loaded(f"from sandbox.cli import main; main({words!r})") & {*HEAVY, *VENDORS, *LATE, "yaml"}


@pytest.mark.parametrize("words", [["--help"], ["list"]], ids=str)
def test_helping_and_listing_build_no_model_class(words: list[str]) -> None:
    """A model class costs a millisecond. (typer itself imports pydantic, but builds none.)"""
    script = (
        f"import sys\nfrom sandbox.cli import main\ntry:\n    main({words!r})\nexcept SystemExit:\n    pass\n{MODELS}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "MODELS"


def test_listing_models_loads_no_model_library() -> None:
    names = loaded("from sandbox.cli import main; main(['list', 'models'])")
    assert not names & {*HEAVY, *VENDORS, *LATE}
