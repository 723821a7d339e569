"""What a damaged store still holds comes into a new one: whole episodes as they were, the others to be run again."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.errors import StoreError, StoreTooNew
from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store
from sandbox.store.recover import recover
from sandbox.trace import Episode
from tests.store.conftest import ODD, make_spec, record

PAGE = 4096
NOTE = f"it lies: {ODD}"
CARD = Card(scores=(Score(name="x", value=1.0),), marks=(Mark(step=0, name="m"),))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Sequence[Episode]]:
    """A store's bytes and its sixty finished episodes, each with a score; one more has not ended."""
    path = tmp_path_factory.mktemp("recorded") / "test.db"
    specs = [make_spec(str(item)) for item in range(60)]
    with Store.open(str(path)) as store:
        store.add_experiment("first", {"a": 1}, [*specs, make_spec("pending")])
        lengths = [80] + [5 + place % 7 for place in range(1, 60)]  # in the first one enough to learn a dictionary from
        made = [
            record(store.writer(), spec, steps=steps, position=place)
            for place, (spec, steps) in enumerate(zip(specs, lengths, strict=True))
        ]
        for episode in made:
            store.save_card("test/card", 1, "", episode.id, CARD)
            store.annotate(episode.id, "note", step=0, author="ann", text=f"{NOTE} {episode.position}")
    return path.read_bytes(), made


@pytest.fixture
def episodes(path: Path, recorded: tuple[bytes, Sequence[Episode]]) -> Sequence[Episode]:
    """The episodes; their store is at `path`."""
    path.write_bytes(recorded[0])
    return recorded[1]


def execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def saved(path: Path) -> list[Episode]:
    with Store.open(str(path), create=False) as store:
        return list(store.episodes())


def test_a_whole_store_is_saved_whole(path: Path, episodes: Sequence[Episode], tmp_path: Path) -> None:
    result = recover(path, tmp_path / "new.db")
    assert (result.whole, result.pending, result.unreadable) == (60, 1, 0)
    assert result.read == {table: count for table, count in result.saved.items() if count}
    assert saved(tmp_path / "new.db") == episodes
    with Store.open(str(tmp_path / "new.db")) as store:
        assert store.cards("test/card", 1, "") == {episode.id: CARD for episode in episodes}


def notes(path: Path) -> dict[str, str]:
    with Store.open(str(path)) as store:
        return {one.episode: one.text for one in store.annotations()}


@pytest.mark.parametrize("lost", [(), (1,)])  # the first page names the tables
def test_what_people_said_is_saved_as_they_said_it(
    path: Path, episodes: Sequence[Episode], tmp_path: Path, lost: tuple[int, ...]
) -> None:
    execute(path, "UPDATE episode SET parent = 'ab12' WHERE number = 2")
    said = {episode.id: f"{NOTE} {episode.position}" for episode in episodes}
    assert notes(path) == said
    data = bytearray(path.read_bytes())
    for number in lost:
        data[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)
    path.write_bytes(data)
    recover(path, tmp_path / "new.db")
    assert notes(tmp_path / "new.db") == said
    connection = sqlite3.connect(tmp_path / "new.db")
    assert connection.execute("SELECT number FROM episode WHERE parent = 'ab12'").fetchall() == [(2,)]
    connection.close()


def test_a_lost_page_of_notes_loses_no_others_and_no_episode(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    data = path.read_bytes()
    start = data.index(b"it lies: ") // PAGE * PAGE
    path.write_bytes(data[:start] + bytes(PAGE) + data[start + PAGE :])
    said = {episode.id: f"{NOTE} {episode.position}" for episode in episodes}
    result = recover(path, tmp_path / "new.db")
    left = notes(tmp_path / "new.db")
    assert result.whole == 60
    assert 0 < len(left) < 60
    assert left.items() <= said.items()


def test_what_people_said_of_an_episode_that_must_run_anew_is_kept(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    execute(path, "UPDATE step SET state = x'00' WHERE episode = 3")
    recover(path, tmp_path / "new.db")
    assert len(saved(tmp_path / "new.db")) == 59
    assert len(notes(tmp_path / "new.db")) == 60


def test_a_store_that_was_cut_gives_its_whole_episodes_and_queues_the_others(
    path: Path, episodes: Sequence[Episode], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = path.read_bytes()[: path.stat().st_size * 3 // 4]  # the steps' pages are the last
    path.write_bytes(data)
    assert main(["status", "--store", str(path)]) == StoreError.exit_code
    assert f"sandbox store recover {path} -o NEW.db" in capsys.readouterr().err
    new = tmp_path / "new.db"
    assert main(["store", "recover", str(path), "-o", str(new), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    whole = saved(new)
    assert 0 < len(whole) == said["whole"] < 60
    original = {episode.id: episode for episode in episodes}
    assert all(episode == original[episode.id] for episode in whole)
    with Store.open(str(new)) as store:
        (row,) = store.experiments()
        assert row.counts["pending"] == sum(said["again"].values()) + said["pending"]
        assert store.cards("test/card", 1, "").keys() <= {episode.id for episode in whole}
    assert path.read_bytes() == data


def test_a_log_that_does_not_hold_the_missing_end_saves_no_store_from_being_refused(
    path: Path, episodes: Sequence[Episode]
) -> None:
    """SQLite would merge the log into the file, and change it."""
    path.write_bytes(path.read_bytes()[:-PAGE])
    log = path.with_name(path.name + "-wal")
    log.write_bytes(bytes(5000))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is cut short .* sandbox store recover"):
        Store.open(str(path))
    assert (path.read_bytes(), log.read_bytes()) == (before, bytes(5000))


def test_without_its_first_page_everything_else_is_saved(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    """It names the tables; without it, rows are known by their looks."""
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    recover(path, tmp_path / "new.db")
    assert saved(tmp_path / "new.db") == episodes


def test_a_lost_page_of_any_kind_changes_no_episode_that_comes_out(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    data, new = path.read_bytes(), tmp_path / "new.db"
    original = {episode.id: episode for episode in episodes}
    for number in random.Random(0).sample(range(len(data) // PAGE), 6):
        path.write_bytes(data[: number * PAGE] + bytes(PAGE) + data[(number + 1) * PAGE :])
        result = recover(path, new)
        assert result.unreadable == 1
        found = saved(new)
        assert len(found) == result.whole
        assert all(episode.steps == original[episode.id].steps for episode in found), number
        new.unlink()


def test_a_changed_step_sends_its_episode_back_to_the_queue(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    execute(path, "UPDATE step SET state = x'00' WHERE episode = 3 AND \"index\" = 1")
    execute(path, 'UPDATE step SET content = substr(content, 2) WHERE episode = 5 AND "index" = 0')
    result = recover(path, tmp_path / "new.db")
    assert sum(result.again.values()) == 2
    kept = saved(tmp_path / "new.db")
    assert [one.position for one in episodes if one not in kept] == [2, 4]


def test_a_damaged_dictionary_is_left_behind_and_what_was_written_with_it_can_be_run_again(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    """It was copied as it was read, and the first write to the new store failed."""
    execute(path, "UPDATE dictionary SET data = x'28b52ffd00'")
    result = recover(path, tmp_path / "new.db")
    assert (result.read["dictionary"], result.saved["dictionary"]) == (1, 0)
    with Store.open(str(tmp_path / "new.db")) as store:
        waiting = {head.id for head in store.heads() if head.status == "pending"}
        again = [one for one in episodes if one.id in waiting]
        for one in again:
            record(store.writer(), one.spec, steps=len(one.steps))
        store.writer().flush()
        assert 0 < len(again) == sum(result.again.values())
        assert {head.id: head.hash for head in store.heads() if head.hash} == {one.id: one.hash for one in episodes}


def test_an_episode_whose_specification_is_gone_is_left_out(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    execute(path, "DELETE FROM payload WHERE hash = (SELECT item_ref FROM episode WHERE number = 7)")
    result = recover(path, tmp_path / "new.db")
    assert (result.whole, result.without_specification) == (59, 1)


def test_nothing_is_overwritten_and_nothing_is_made_of_nothing(
    path: Path, episodes: Sequence[Episode], tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"mine")
    with pytest.raises(StoreError, match="exists already"):
        recover(path, other)
    with pytest.raises(StoreError, match="nothing of a sandbox store"):
        recover(other, tmp_path / "new.db")
    with pytest.raises(StoreError, match="does not exist"):
        recover(tmp_path / "none.db", tmp_path / "new.db")
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew):
        recover(path, tmp_path / "new.db")
    assert {file.name for file in tmp_path.iterdir()} == {"test.db", "other.db"}
