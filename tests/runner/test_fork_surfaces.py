"""Forks of episodes on a surface: each turn of the past is shown again, and each look is looked again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.store import Store
from sandbox.trace import AgentSpec, EpisodeSpec
from tests.runner.test_fork import Lab, decisions, digests, kinds
from tests.runner.test_surfaces import FILE, log


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "mine.py").write_text(FILE)
    with Store.open(str(tmp_path / "x.db")) as store:
        yield Lab(store, Builder(Plugins([tmp_path])))


@pytest.mark.parametrize("agent", ["looker", "by_lot"])
async def test_an_episode_on_a_surface_is_forked_and_is_its_parent_where_nothing_changed(
    lab: Lab, agent: str, tmp_path: Path
) -> None:
    scenario = lab.builder.scenario("mine/Screened-v0")
    assert scenario is not None
    config = scenario.Config.model_validate({"surface": "screen"})
    of = EpisodeSpec(
        environment="mine/Screened-v0",
        config=config.model_dump(mode="json"),
        item=scenario.items(config)[1].model_dump(mode="json"),
        seats={"player": AgentSpec(id=f"mine/{agent}", name=agent)},
        evaluated=("player",),
        seed=1,
    )
    parent = await lab.played(of)
    assert parent.status == "finished", parent.reason
    at = decisions(parent)[1]
    same = await lab.fork(parent, at)
    assert digests(same) == digests(parent)
    assert [kind for kind in kinds(same) if kind[1] != "fork"] == kinds(parent)
    before = log(tmp_path).count("pressed")
    other = await lab.fork(parent, at, action={"kind": "leave"})
    assert digests(other)[:at] == digests(parent)[:at]
    assert other.steps[at].applied == {"kind": "leave"}
    first = sum(e.kind == "gesture" and bool(e.data["move"]) for s in parent.steps[:at] for e in s.events)
    assert log(tmp_path).count("pressed") - before <= first
    assert "divergence" not in dict(kinds(other)).values()
