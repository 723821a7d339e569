"""A stored episode is shown without reading all of it, and says of its steps what reading them all would say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from sandbox.report.plain import came, flags_by_step
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Step
from sandbox.tui import finding, stored_steps
from sandbox.tui.app import ReplayApp
from sandbox.tui.bar import KeyBar
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.source import StoreSource
from sandbox.tui.stored_steps import CHUNK, KEPT, StoredSteps, stored_recording
from tests.tui.conftest import bargain_episode, robot_episode

pytestmark = pytest.mark.tui

COUNT = 1_200


def long_episode() -> Episode:
    """Steps of one seat, paid 1 each but for the 700th, whose text is another."""
    spec = EpisodeSpec(environment="x/Long-v0", item={"id": "0"}, seats={"a": AgentSpec(id="a", name="a")},
                       evaluated=("a",))  # fmt: skip
    steps = [
        Step(
            index=i, tick=i, seat="a", text="the needle" if i == 699 else f"step {i + 1}", applied={"kind": "go"},
            rewards={"a": 500.0 if i == 699 else 1.0 + i % 3},
        )
        for i in range(COUNT)
    ]  # fmt: skip
    return Episode(id=spec.key, spec=spec, status="finished", steps=tuple(steps))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a long episode and two short ones."""
    path = tmp_path_factory.mktemp("stored") / "test.db"
    episodes = [long_episode(), robot_episode(), bargain_episode()]
    with Store.open(str(path)) as store:
        store.add_experiment("long", {}, [episode.spec for episode in episodes])
        writer = store.writer()
        for episode in episodes:
            attempt = writer.begin(episode.spec)
            digest = ""
            for step in episode.steps:
                digest = step.digest_after(digest)
                writer.step(episode.id, attempt, step.model_copy(update={"digest": digest}))
            writer.finish(episode.model_copy(update={"hash": digest, "attempt": attempt}))
        writer.flush()
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(str(path)) as store:
        yield store


def test_steps_are_read_a_chunk_at_a_time_and_the_latest_chunks_are_kept() -> None:
    asked: list[int] = []
    steps = long_episode().steps

    def read(start: int, stop: int) -> tuple[Step, ...]:
        asked.append(start // CHUNK)
        return steps[start:stop]

    stored = StoredSteps(read, COUNT)
    part = stored[100:700]
    assert (len(stored), len(part), asked) == (COUNT, 600, [])
    assert (part[0], part[-1], stored[-1]) == (steps[100], steps[699], steps[-1])
    assert len(asked) == 3
    assert [part[i] for i in range(4)] == list(steps[100:104])
    assert len(asked) == 3
    assert list(stored) == list(steps)
    assert next(iter(reversed(part))) == steps[699]
    for chunk in range(KEPT + 1):
        stored[chunk * CHUNK]
    before = len(asked)
    stored[KEPT * CHUNK]
    assert len(asked) == before
    stored[0]
    assert len(asked) == before + 1
    with pytest.raises(IndexError):
        stored[COUNT]


@pytest.mark.parametrize("number", range(3))
def test_a_stored_recording_says_what_the_whole_episode_says(store: Store, number: int) -> None:
    key = store.heads()[number].id
    episode, recording = store.episode(key), stored_recording(store, key)
    recording.know(recording.survey() if recording.survey else None)
    assert dict(recording.flags) == flags_by_step(episode)
    assert recording.episode == episode
    assert recording.about == episode.model_copy(update={"steps": ()})
    for step in episode.steps[:: max(len(episode.steps) // 20, 1)]:
        assert came(recording.about, step, (), recording.so_far(step.index)) == came(episode, step)


@pytest.mark.slow
async def test_jumping_about_a_long_episode_reads_a_few_chunks_for_each_jump(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    own = store.steps_as_read
    monkeypatch.setattr(store, "steps_as_read", lambda key, start, stop: read.append(start) or own(key, start, stop))
    app = ReplayApp(StoreSource(store), episode=store.heads()[0].id)
    async with app.run_test(size=(160, 48)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        read.clear()
        for key in ("end", "home", "end"):
            await pilot.press(key)
        assert 1 <= len(read) <= 3 * 4
        await pilot.press("home", "w")
        assert isinstance(app.screen, EpisodeScreen)
        assert (app.screen.index, app.screen.moment.flags) == (699, ("reward_jump",))


@pytest.mark.slow
async def test_a_search_that_takes_long_goes_on_in_the_background_and_counts_what_it_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "AT_ONCE", 100)
    app = ReplayApp(StoreSource(store), episode=store.heads()[0].id)
    async with app.run_test(size=(80, 24)) as pilot:

        async def search(words: str) -> tuple[int, str]:
            await pilot.press("slash")
            app.screen.query_one(Input).value = words
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.pause()
            assert isinstance(app.screen, EpisodeScreen)
            return app.screen.index, app.screen.query_one(KeyBar).words

        assert await search("NEEDLE") == (699, "1 of 1 step with 'needle'   s: next   S: previous")
        assert await search("step 12") == (1199, "12 of 12 steps with 'step 12'   s: next   S: previous")
        await pilot.press("S")
        assert app.screen.index == 128
        assert await search("nowhere") == (128, "no 'nowhere' from here on")


def test_what_is_not_known_at_once_of_a_long_episode_is_not_made_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_steps, "AT_ONCE", 100)
    recording: Any = stored_recording(store, store.heads()[0].id)
    assert recording.survey is not None
    assert [one.text for one in recording.moment(3).came()][:1] == ["reward: a +1"]
    assert not any(one.text.startswith("so far") for one in recording.moment(3).came())
    recording.know(recording.survey())
    assert recording.moment(3).came()[1].text == "so far: a 7"
