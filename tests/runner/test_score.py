"""What scorers say that they read decides what is loaded; what they read besides is said, and harms nobody else."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path

import pytest
import zstandard

import sandbox
from sandbox.errors import StoreCorrupt
from sandbox.store.tables import STEP

ROOT = Path(__file__).parents[2]
PLUGIN = """
import gc
from sandbox.scorer import Card, Estimate, Estimator, Findings, Score, Scorer

def said(value):
    return Card(scores=(Score(name="said", value=float(value)),))

class Length(Scorer):
    def score(self, episode):
        return said(sum(len(step.text) for step in episode.steps))

class Menus(Scorer):
    reads = frozenset({"menus"})
    def score(self, episode):
        return said(sum(len(step.menu) for step in episode.steps))

class Undeclared(Scorer):
    reads = frozenset({"menus"})
    def score(self, episode):
        return said(len(episode.steps[0].events))

class Count(Estimator):
    reads = frozenset()
    def estimate(self, table):
        return Findings(estimates=(Estimate(agent="all", name="episodes", estimate=float(len(table.episodes))),))

class Choices(Estimator):
    reads = frozenset()
    def estimate(self, table):
        return Findings(estimates=(Estimate(agent="all", name="choices", estimate=float(len(table.choices))),))

class Cycle:
    made = gone = 0
    def __init__(self):
        self.own = self
        Cycle.made += 1
    def __del__(self):
        Cycle.gone += 1

class Collected(Estimator):
    def estimate(self, table):
        rows = {id(row) for row in table.episodes}
        walked = any(id(one) in rows for one in gc.get_objects())
        for _ in range(10_000):
            Cycle()
        found = {"walked": walked, "left": Cycle.made - Cycle.gone}
        return Findings(estimates=tuple(Estimate(agent="all", name=n, estimate=float(v)) for n, v in found.items()))

SCORERS = {"t/length": Length, "t/menus": Menus, "t/undeclared": Undeclared, "t/count": Count, "t/choices": Choices}
SCORERS["t/collected"] = Collected
"""


@pytest.fixture
def results(tmp_path: Path) -> sandbox.Results:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    shutil.copy(ROOT / "examples" / "one_file_plugin.py", plugins)
    (plugins / "scorers.py").write_text(PLUGIN)
    experiment = {
        "name": "wallets",
        "environments": [{"id": "wallet/Found-v0"}],
        "agents": ["mine/honest_up_to"],
        "scorers": ["mine/kept"],
    }
    return sandbox.run(experiment, store=str(tmp_path / "s.db"), plugins_dirs=[plugins])


def values(results: sandbox.Results, *scorers: str) -> list[float | None]:
    return [row.value for row in sandbox.score(results, list(scorers)).document().scores]


def test_a_scorer_gets_the_parts_that_it_says_it_reads_and_by_default_all(results: sandbox.Results) -> None:
    assert values(results, "t/menus") == [2.0] * 4
    lengths = [float(sum(len(step.text) for step in episode.steps)) for episode in results.episodes]
    assert values(results, "t/length") == lengths
    assert min(lengths) > 0


def test_a_part_that_was_not_declared_is_an_error_and_not_an_empty_value(results: sandbox.Results) -> None:
    document = sandbox.score(results, ["t/undeclared", "t/menus"]).document()
    (warning,) = [line for line in document.warnings if "t/undeclared" in line]
    assert "it reads step.events, but does not say so: put 'events' into its `reads`" in warning
    assert {row.scorer for row in document.scores} == {"t/menus"}


def test_the_table_of_choices_is_made_only_for_those_that_read_it(results: sandbox.Results) -> None:
    document = sandbox.score(results, ["t/choices", "t/count"]).document()
    assert [estimate.name for estimate in document.estimates] == ["episodes"]
    assert any("put 'choices' into its `reads`" in line for line in document.warnings)
    document = sandbox.score(results, ["t/choices", "validity/choice"]).document()
    assert document.estimates[0].estimate == 4.0


def test_what_is_damaged_in_the_store_is_no_fault_of_the_scorer(results: sandbox.Results) -> None:
    """Steps are made as scorers read them."""
    frame = zstandard.compress(b"{}\n\n9\n{}\n\n")  # a decision that no menu has
    results.store.writer().call(lambda connection: connection.execute(STEP.update().values(content=frame))).result()
    with pytest.raises(StoreCorrupt, match="step 1: decision: the menu has no entry 9"):
        values(results, "t/menus")


def test_an_estimator_that_scores_nothing_leaves_no_cards_behind(results: sandbox.Results) -> None:
    """An empty card for each episode was written and read again, for nothing."""
    judged = sandbox.score(results, ["t/count", "t/menus"]).judged
    (counted,) = judged.findings["t/count"].estimates
    assert counted.estimate == 4
    assert judged.cards["t/count"] == {}
    scorers = {scorer for cards in results.store.latest_cards().values() for scorer in cards}
    assert scorers == {"t/menus"}


def test_what_an_estimator_leaves_is_collected_without_a_walk_through_what_was_read(results: sandbox.Results) -> None:
    """A bootstrap with its samples in cycles took gigabytes; to walk every choice and row takes a tenth of the time."""
    judged = sandbox.score(results, ["t/collected"]).judged
    found = {one.name: one.estimate for _, one in judged.estimates()}
    assert found["walked"] == 0
    assert found["left"] < 5_000
    assert gc.isenabled()
