"""What must stay true of `mine/newname`."""

from pathlib import Path
from typing import Any

import sandbox

HERE = Path(__file__).parent


def run(tmp_path: Path, **settings: Any) -> Any:
    """Four dilemmas, each once, with the agent under these settings."""
    experiment = {
        "name": "test",
        "environments": [
            {"id": "dilemmas/Choice-v0", "config": {"order": "given", "labels": "A/B"}, "items": {"first": 4}}
        ],
        "agents": [{"id": "mine/newname", **settings}],
    }
    return sandbox.run(experiment, store=str(tmp_path / "test.db"), plugins_dirs=[HERE])


def test_newname_finishes_with_legal_moves_only(tmp_path: Path) -> None:
    """An agent that breaks off or answers what is not on the menu shows nothing about itself."""
    results = run(tmp_path)
    assert [episode.status for episode in results.episodes] == ["finished"] * 4
    assert sum(results.document().counts.values()) == 0


def test_newname_takes_the_place_that_it_is_set_to(tmp_path: Path) -> None:
    """A setting that has no effect is worse than none."""
    chosen = [episode.steps[0].decision.move["choice"] for episode in run(tmp_path, place=1).episodes]
    assert chosen == ["B"] * 4
