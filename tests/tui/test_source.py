"""The screens' view of a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.scorer import Card, Mark, Score
from sandbox.store import Filter, Store
from sandbox.tui.app import ReplayApp
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.source import StoreSource


@pytest.fixture
def store(source: Any, tmp_path: Path) -> Iterator[Store]:
    """The hand-made episodes, written through the store's own writer; risk/power marks the first."""
    episodes = list(source.episodes.values())
    with Store.open(str(tmp_path / "sandbox.db")) as opened:
        opened.add_experiment("by hand", {}, [one.spec for one in episodes])
        writer = opened.writer()
        for one in episodes:
            attempt = writer.begin(one.spec)
            digest, steps = "", []
            for step in one.steps:
                digest = step.digest_after(digest)
                steps.append(step.model_copy(update={"digest": digest}))
                writer.step(one.id, attempt, steps[-1])
            writer.finish(one.model_copy(update={"steps": tuple(steps), "hash": digest, "attempt": attempt}))
        mark = Mark(step=8, name="power", note="turns the shutdown off")
        opened.save_card(
            "risk/power", 1, "", episodes[0].id, Card(scores=(Score(name="risk", value=1.0),), marks=(mark,))
        )
        opened.save_card("risk/power", 1, "", episodes[1].id, Card(scores=(Score(name="risk", value=0.0),)))
        yield opened


def test_a_store_is_paged_and_filtered(store: Store) -> None:
    source = StoreSource(store, store.experiment("by hand").id)
    assert source.count(Filter()) == 6
    assert source.count(Filter(flag="risk")) == 3
    assert [head.seed for head in source.heads(Filter(), limit=2, offset=3)] == [3, 0]
    assert [head.status for head in source.heads(Filter(status="error"), limit=10, offset=0)] == ["error"]


def test_a_part_of_a_name_is_enough_to_filter_by(store: Store) -> None:
    """`agent:llm` and `env:power` are what people type."""
    source = StoreSource(store)
    assert source.count(Filter(environment="power")) == 4
    assert source.count(Filter(environment="OFFSWITCH", agent="larg")) == 1


def test_an_episode_comes_with_its_own_marks_and_scores(store: Store, source: Any) -> None:
    shown = StoreSource(store)
    first, second = list(source.episodes)[:2]
    assert len(shown.episode(first).steps) == 14
    assert [mark.step for mark in shown.marks(first)] == [8]
    assert [score.value for score in shown.scores(first)] == [1.0]
    assert [score.value for score in shown.scores(second)] == [0.0]


async def test_a_stored_episode_is_replayed(store: Store) -> None:
    app = ReplayApp(StoreSource(store), title=store.place)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.screen, Browse)
        assert app.screen.table.count == 6
        await pilot.press("enter", "w", "w")
        assert isinstance(app.screen, EpisodeScreen)
        assert app.screen.index == 8
        assert app.screen.moment.flags == ("risk", "mark", "opportunity")
