"""What is not needed is not imported: the command line answers at once, and headless runs load no screen or browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("textual", "playwright", "ray")
VENDORS = ("openai", "anthropic", "langchain_openai", "langchain_anthropic", "google", "ollama", "xllamacpp", "torch")
MODELS = ("langchain", "langchain_core", "langgraph", "genai_prices", "tenacity")
LATE = ("langchain", "langchain_core", "langgraph", "scipy", "sqlalchemy", "pettingzoo", "gymnasium", "numpy")


def loaded(code: str, *arguments: str) -> set[str]:
    """Top-level names in `sys.modules` of a fresh interpreter that ran `code`."""
    script = f"import sys\n{code}\nprint('LOADED', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].removeprefix("LOADED ").split()}


def test_importing_the_package_costs_nothing() -> None:
    assert not loaded("import sandbox") & {*HEAVY, *VENDORS, *LATE, "pydantic", "yaml", "typer", "rich"}


def test_headless_modules_load_no_screen_no_browser_and_no_vendor() -> None:
    headless = "sandbox.results, sandbox.checks, sandbox.runner.run, sandbox.runner.verify, sandbox.runner.score"
    assert not loaded(f"import {headless}") & {*HEAVY, *VENDORS, "rich", "typer"}


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
    assert not loaded(code, str(tmp_path / "x.db")) & {*HEAVY, *VENDORS, *MODELS}


def test_the_command_line_lists_and_helps_without_the_libraries_behind_it() -> None:
    """What no one of the commands has loaded after the last, each does without; nor do they build a model class.

    A model class costs a millisecond. (typer itself imports pydantic, but builds none.)
    """
    commands = [["--help"], ["list"], ["list", "models"], ["list", "agents"], ["run", "--help"], ["--version"]]
    code = (
        f"from sandbox.cli import main\nassert not any(main(words) for words in {commands!r})\n"
        "pydantic = sys.modules.get('pydantic.main')\nassert not pydantic or not pydantic.BaseModel.__subclasses__()"
    )
    assert not loaded(code) & {*HEAVY, *VENDORS, *LATE, "yaml"}


def test_the_list_of_episodes_is_painted_without_what_only_an_episode_needs() -> None:
    """Half a second of the start of `sandbox replay`."""
    found = loaded(
        "import sandbox.tui; from sandbox.tui import source; assert 'sandbox.tui.episode' not in sys.modules"
    )
    assert not found & {"numpy", "gymnasium", "PIL", "alembic", *MODELS, *VENDORS}
