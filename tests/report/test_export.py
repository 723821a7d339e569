"""What a store holds comes out as tables that other programs read, and annotations go back in."""

from __future__ import annotations

import csv
import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.errors import InputError, UnknownName
from sandbox.report.export import FORMATS, TABLES, Format, export
from sandbox.report.whole import write_whole
from sandbox.store import Store
from sandbox.store.annotation_table import read_table
from sandbox.trace import Fork, choices

EPISODES = Path(__file__).parents[1] / "data" / "episodes.sqlite"
ODD = '=HYPERLINK(1) \x1b]52;c;aGk=\x07 [@click=quit] \u202e , "quoted" \n\'=two'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copy(EPISODES, tmp_path / "episodes.db")
    with Store.open(str(tmp_path / "episodes.db")) as opened:
        yield opened


def annotate(store: Store) -> None:
    one, two = (head.id for head in store.heads(limit=2))
    store.annotate(one, "note", author="ann", step=1, text=ODD)
    store.annotate(one, "label", author="=bob", step=0, name="'-lies", value=0.25)
    store.annotate(two, "bookmark", author="ann")


@pytest.mark.parametrize("form", FORMATS)
def test_every_table_has_its_rows_in_every_format(store: Store, tmp_path: Path, form: Format) -> None:
    annotate(store)
    written = {one.table: one for one in export(store, None, form, tmp_path / "out")}
    assert list(written) == list(TABLES)
    episodes = list(store.episodes())
    assert written["episodes"].rows == len(store.heads())
    assert written["steps"].rows == sum(len(episode.steps) for episode in episodes)
    assert written["choices"].rows == sum(len(c.alternatives) for episode in episodes for c in choices(episode))
    assert written["scores"].rows == len(store.scores())
    assert written["marks"].rows == sum(len(store.marks(head.id)) for head in store.heads())
    assert written["annotations"].rows == 3
    for table, one in written.items():
        if form == "csv":
            with one.path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            columns = list(rows[0])
        elif form == "jsonl":
            rows = [json.loads(line) for line in one.path.read_text(encoding="utf-8").splitlines()]
            columns = sorted(rows[0], key=list(TABLES[table]).index)
        else:
            polars = pytest.importorskip("polars")
            frame = polars.read_parquet(one.path)
            rows, columns = frame.to_dicts(), frame.columns
        assert len(rows) == one.rows
        assert columns == list(TABLES[table])


def test_annotations_that_were_exported_go_into_another_store_as_they_were(store: Store, tmp_path: Path) -> None:
    annotate(store)
    export(store, None, "csv", tmp_path / "out")
    shutil.copy(EPISODES, tmp_path / "other.db")
    with Store.open(str(tmp_path / "other.db")) as other:
        read_table(other, tmp_path / "out" / "annotations.csv", "nobody")
        same = {"id", "made"}
        assert [one.model_dump(exclude=same) for one in other.annotations()] == [
            one.model_dump(exclude=same) for one in store.annotations()
        ]


def test_no_text_is_a_formula_in_a_spreadsheet(store: Store, tmp_path: Path) -> None:
    annotate(store)
    export(store, None, "csv", tmp_path)
    for table, columns in TABLES.items():
        with (tmp_path / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                texts = [row[name] for name, kind in columns.items() if kind == "str"]
                assert not [text for text in texts if text[:1] in tuple("=+-@\t\r")]


def test_rewards_of_all_seats_are_exported(store: Store, tmp_path: Path) -> None:
    """Moves of seats that act in one tick are rewarded in its last step."""
    export(store, None, "jsonl", tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["rewards"] for row in rows] == [dict(one.rewards) for e in store.episodes() for one in e.steps]
    assert any(row["rewards"].keys() - {row["seat"]} for row in rows)


def test_a_fork_has_its_parent(store: Store, tmp_path: Path) -> None:
    parent = store.episode(store.heads()[0].id)
    fork = Fork(parent=parent.id, at=0, chance=((0, parent.id),))
    store.add_experiment("forks", {}, [parent.spec.model_copy(update={"fork": fork})])
    export(store, None, "jsonl", tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "episodes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["parent"] for row in rows if row["parent"]] == [parent.id]


def test_a_long_episode_is_exported_in_pieces(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not follow the longest episode."""
    export(store, None, "jsonl", tmp_path / "whole")
    monkeypatch.setattr("sandbox.store.passes.STEPS_IN_PIECE", 3)
    assert max(len(piece.steps) for piece in store.pieces()) == 3
    export(store, None, "jsonl", tmp_path / "pieces")
    for table in ("steps", "choices"):
        name = f"{table}.jsonl"
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_character_and_a_table_without_rows_are_written(store: Store, tmp_path: Path, form: Format) -> None:
    store.annotate(store.heads()[0].id, "note", author="ann", text="half \ud83d, NUL \0")
    row = {one.table: one for one in export(store, None, form, tmp_path)}["annotations"]
    assert row.rows == 1
    assert b"\\ud83d" in row.path.read_bytes() or form == "parquet"
    store.delete_annotation(store.annotations()[0].id)
    assert {one.table: one for one in export(store, None, form, tmp_path)}["annotations"].rows == 0


def test_an_experiment_alone_is_exported_by_its_name(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = store.experiments()[0]
    words = ["export", row.name, "-o", str(tmp_path / "out"), "--store", store.url, "--json"]
    assert main(words) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["table"] for file in files] == list(TABLES)
    assert files[0]["rows"] == row.episodes


def test_what_cannot_be_written_is_said(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="name another with -o"):
        export(store, None, "csv", tmp_path / "file")
    words = ["export", "-o", str(tmp_path), "--format", "xlsx", "--store", store.url]
    assert main(words) == UnknownName.exit_code
    assert "one of csv, jsonl, parquet" in capsys.readouterr().err


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """This process's limit on the size of a file stands for the disk; Python makes an error of the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_leaves_the_tables_that_were_there(store: Store, tmp_path: Path, form: Format) -> None:
    annotate(store)
    out = tmp_path / "out"
    before = {one.path: one.path.read_bytes() for one in export(store, None, form, out)}
    store.annotate(store.heads()[0].id, "note", author="ann", text="later")
    sizes = sorted(map(len, before.values()))
    with full_disk(sizes[-1] // 2), pytest.raises(InputError, match=r"cannot be written: .*name another"):
        export(store, None, form, out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_full_disk_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_whole(page, [b"what was there"])
    with full_disk(1000), pytest.raises(InputError, match="File too large; name another place"):
        write_whole(page, [b"x" * 4000])
    assert page.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [page]
