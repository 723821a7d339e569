"""What people say of episodes is kept as they say it, by several at once, and changes nothing that was recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.annotation import LONGEST_TEXT, label_of, value_of
from sandbox.errors import InputError, StoreError, UnknownName
from sandbox.scorer import Card, Score
from sandbox.store import Filter, Store
from sandbox.store import annotations as people
from sandbox.store.annotation_table import read_table
from sandbox.store.annotations import OF_PEOPLE
from sandbox.store.filters import parse
from sandbox.trace import Episode
from tests.store.conftest import ODD, finish, make_spec, make_step, record, run_python

HOSTILE = f"\x1b]52;c;aGk=\x07[@click=quit]x[/] \u202e {ODD}"


def said(store: Store, **only: Any) -> list[tuple[Any, ...]]:
    return [(one.kind, one.step, one.name, one.value, one.text, one.author) for one in store.annotations(**only)]


def test_bookmarks_notes_and_labels_come_back_as_they_were_said(store: Store, filled: Sequence[Episode]) -> None:
    key = filled[0].id
    label = store.annotate(key, "label", author=" ann ", step=1, name=HOSTILE, value=0.5)
    store.annotate(key, "note", author=HOSTILE, text=HOSTILE)
    store.annotate(filled[1].id, "bookmark", author="bob", step=0)
    name = " ".join(HOSTILE.split())
    assert said(store) == [
        ("note", None, "", None, HOSTILE, name),
        ("label", 1, name, 0.5, "", "ann"),
        ("bookmark", 0, "", None, "", "bob"),
    ]
    assert store.annotations(episode=key, author="ann") == [label]
    assert label.made.utcoffset() is not None
    assert store.label_names() == [name]
    assert store.annotators() == sorted([name, "ann", "bob"])


def test_they_change_no_trace_and_no_score(store: Store, filled: Sequence[Episode]) -> None:
    store.save_card("test/other", 1, "", filled[0].id, Card(scores=(Score(name="x", value=1.0),)))
    before = store.scores()
    store.annotate(filled[0].id, "label", author="ann", step=0, name="lies")
    assert list(store.episodes()) == filled
    assert store.scores() == before


def test_a_label_of_the_same_name_in_the_same_place_replaces_the_authors_own(
    store: Store, filled: Sequence[Episode]
) -> None:
    key = filled[0].id
    for author, value in (("ann", 1.0), ("bob", 1.0), ("ann", 0.0)):
        store.annotate(key, "label", author=author, step=0, name="lies", value=value)
    store.annotate(key, "label", author="ann", name="lies")
    assert [(one.author, one.step, one.value) for one in store.annotations()] == [
        ("ann", None, 1.0), ("ann", 0, 0.0), ("bob", 0, 1.0)
    ]  # fmt: skip


def test_the_same_bookmark_or_note_again_is_the_one_that_is_there(store: Store, filled: Sequence[Episode]) -> None:
    for _ in range(2):
        store.annotate(filled[0].id, "bookmark", author="ann", step=0)
        store.annotate(filled[0].id, "note", author="ann", text="one")
        store.annotate(filled[0].id, "note", author="ann", text="two")
    assert [one[4] for one in said(store)] == ["one", "two", ""]


def test_those_of_an_experiment_come_in_its_order(store: Store, filled: Sequence[Episode]) -> None:
    other = store.add_experiment("other", {}, [filled[2].spec, filled[0].spec])
    for episode in filled:
        store.annotate(episode.id, "bookmark", author="ann")
    assert [one.episode for one in store.annotations(other)] == [filled[2].id, filled[0].id]
    assert [one.episode for one in store.annotations()] == [episode.id for episode in filled]


def test_only_its_author_changes_or_deletes_an_annotation(store: Store, filled: Sequence[Episode]) -> None:
    note = store.annotate(filled[0].id, "note", author="ann", text="one")
    with pytest.raises(InputError, match="is by 'ann', not by 'bob'"):
        store.delete_annotation(note.id, author="bob")
    store.change_annotation(note.id, author="ann", text="two")
    assert [one[4] for one in said(store)] == ["two"]
    store.delete_annotation(note.id, author="ann")
    assert said(store) == []
    with pytest.raises(UnknownName, match="no annotation"):
        store.delete_annotation(note.id)


@pytest.mark.parametrize(
    ("kind", "given", "fault"),
    [
        ("note", {"text": " \n "}, "the note is empty"),
        ("note", {"text": "x" * (LONGEST_TEXT + 1)}, "100000 at most"),
        ("label", {"name": " "}, "the label's name is empty"),
        ("label", {"name": "x", "value": float("nan")}, "a finite number"),
        ("bookmark", {"step": 3}, "no step 4: the episode has steps 1 to 3"),
        ("bookmark", {"step": -1}, "no step 0"),
    ],
)
def test_what_is_none_is_refused(
    store: Store, filled: Sequence[Episode], kind: Any, given: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        store.annotate(filled[0].id, kind, author="ann", **given)
    assert said(store) == []


def test_credentials_are_redacted(store: Store, filled: Sequence[Episode], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "hunter2hunter2")
    note = store.annotate(filled[0].id, "note", author="ann", text="it said hunter2hunter2")
    store.change_annotation(note.id, text="again hunter2hunter2")
    store.annotate(filled[0].id, "label", author="hunter2hunter2", name="hunter2hunter2")
    assert "hunter2" not in str(said(store))
    assert "again [redacted:SOME_API_KEY]" in str(said(store))


def test_scores_made_of_annotations_are_gone_as_soon_as_one_changes(store: Store, filled: Sequence[Episode]) -> None:
    card = Card(scores=(Score(name="lies", value=1.0),))

    def score() -> None:
        for episode in filled[:2]:
            store.save_card("people/labels", 1, f"{OF_PEOPLE}x", episode.id, card)

    score()
    label = store.annotate(filled[0].id, "label", author="ann", name="lies")
    assert [row.episode for row in store.scores()] == [filled[1].id]
    score()
    store.change_annotation(label.id, value=0.0)
    assert [row.episode for row in store.scores()] == [filled[1].id]
    score()
    store.delete_annotation(label.id)
    assert [row.episode for row in store.scores()] == [filled[1].id]


TWO = """
from sandbox.store import Store
with Store.open(sys.argv[1]) as store:
    for place in range(40):
        store.annotate(sys.argv[3], "note", author=sys.argv[2], text=f"note {place}")
        store.annotate(sys.argv[3], "label", author=sys.argv[2], name="lies", value=place)
"""


@pytest.mark.slow
def test_two_programs_that_annotate_at_once_lose_nothing(
    store: Store, filled: Sequence[Episode], database_url: str
) -> None:
    both = [run_python("import sys\n" + TWO, database_url, author, filled[0].id) for author in ("ann", "bob")]
    for process in both:
        finish(process)
    for author in ("ann", "bob"):
        own = store.annotations(author=author)
        assert [one.text for one in own if one.kind == "note"] == [f"note {place}" for place in range(40)]
        assert [one.value for one in own if one.kind == "label"] == [39.0]


def test_what_is_said_of_an_earlier_attempt_is_kept_and_told_apart(store: Store) -> None:
    store.add_experiment("first", {}, [make_spec()])
    writer = store.writer()
    writer.step(make_spec().key, writer.begin(make_spec()), make_step(0))
    early = store.annotate(make_spec().key, "bookmark", author="ann", step=0)
    record(writer, make_spec())
    late = store.annotate(make_spec().key, "bookmark", author="ann", step=0)
    assert [(one.id, one.attempt) for one in store.annotations()] == [(early.id, 1), (late.id, 2)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("bookmarked", [0]),
        ('note~"It LIES"', [1]),
        ("note~50%", []),
        ("label:deception", [2, 3]),
        ("label:deception=1", [2]),
        ("label:deception<0.5", [3]),
        ("by:ann", [0, 1, 2]),
        ("by:bob", [3]),
    ],
)
def test_episodes_are_found_by_what_people_said(
    store: Store, filled: Sequence[Episode], line: str, found: list[int]
) -> None:
    store.annotate(filled[0].id, "bookmark", author="ann", step=0)
    store.annotate(filled[1].id, "note", author="ann", text="here it lies")
    store.annotate(filled[2].id, "label", author="ann", step=1, name="deception")
    store.annotate(filled[3].id, "label", author="bob", name="deception", value=0.0)
    where = parse(line)
    assert [head.position for head in store.heads(where=where)] == found
    assert store.count(where=where) == len(found)
    assert store.count(where=Filter()) == 4


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("lies", ("lies", 1.0)),
        ("lies=no", ("lies", 0.0)),
        ("a=b=0.5", ("a=b", 0.5)),
        (" it  lies =Y", ("it lies", 1.0)),
    ],
)
def test_a_label_is_written_name_or_name_and_value(text: str, meant: tuple[str, float]) -> None:
    assert label_of(text) == meant


@pytest.mark.parametrize("text", ["", "maybe", "nan", "inf", "1e999"])
def test_a_value_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a label's value is a"):
        value_of(text)


def test_a_table_made_in_a_spreadsheet_is_taken_whole_and_a_second_time_changes_nothing(
    store: Store, filled: Sequence[Episode], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    rows = [
        "Episode,Step,name,value,author,text,colour",
        f"{filled[0].id[:12]},2,deception,yes,bob,,red",
        f"{filled[0].id},,deception,0,,,",
        f'{filled[1].id},1,,,,"two\nlines",',
        f"{filled[1].id},3,,,,,",
    ]
    table.write_text("\ufeff" + "\n".join(rows), encoding="utf-8")
    for _ in range(2):
        assert len(read_table(store, table, "ann")) == 4
        assert said(store) == [
            ("label", None, "deception", 0.0, "", "ann"),
            ("label", 1, "deception", 1.0, "", "bob"),
            ("note", 0, "", None, "two\nlines", "ann"),
            ("bookmark", 2, "", None, "", "ann"),
        ]


def test_a_table_with_faults_names_each_by_its_line_and_nothing_is_taken(
    store: Store, filled: Sequence[Episode], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    key = filled[0].id
    table.write_text(f"episode,step,name,value\n{key},1,lies,1\n{key},9,lies,1\n{key},1,lies,maybe\nnone,1,lies,1\n")
    with pytest.raises(InputError) as raised:
        read_table(store, table, "ann")
    faults = raised.value.faults
    assert [fault.partition(":")[0] for fault in faults] == ["line 3", "line 4", "line 5"]
    assert "no step 9: the episode has 3 steps" in faults[0]
    assert said(store) == []


def test_rows_that_contradict_each_other_are_named_and_none_is_taken(
    store: Store, filled: Sequence[Episode], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    key = filled[0].id
    rows = ("1,", "yes,", "0,ann", "0,bob")
    table.write_text("\n".join(["episode,step,name,value,author", *(f"{key},1,lies,{row}" for row in rows)]))
    with pytest.raises(InputError, match="line 4: ann says something else of 'lies' there in line 2"):
        read_table(store, table, "ann")
    assert said(store) == []


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("episode;name;value", "columns are separated by commas, and not by ';'"),
        ("Episodes,name", "no column 'episode': did you mean 'episodes'"),
        ("episode,name,vlaue,colour", "no column 'value': did you mean that by 'vlaue'"),
        ("id,colour", "no column 'episode'"),
    ],
)
def test_a_heading_that_is_not_understood_is_said(store: Store, tmp_path: Path, heading: str, told: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"{heading}\n")
    with pytest.raises(InputError, match=re.escape(told)):
        read_table(store, table, "ann")


def test_a_column_of_somebodys_own_is_passed_over(store: Store, filled: Sequence[Episode], tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"episode,name,test,stop,maker\n{filled[0].id},lies,1,2,me\n")
    assert len(read_table(store, table, "ann")) == 1


def test_a_table_is_taken_in_one_transaction(
    store: Store, filled: Sequence[Episode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle leaves no half of a file that nobody could take up again."""
    table = tmp_path / "labels.csv"
    table.write_text(f"episode,name\n{filled[0].id},lies\n{filled[1].id},lies\n")
    first, calls = people.add, iter(range(2))

    def failing(*given: Any) -> int:
        if next(calls):
            raise OSError("no space left")
        return first(*given)

    monkeypatch.setattr(people, "add", failing)
    with pytest.raises(StoreError, match="cannot be used"):
        read_table(store, table, "ann")
    assert said(store) == []


def test_a_label_keeps_its_text_and_steps_may_be_written_as_pandas_does(
    store: Store, filled: Sequence[Episode], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"episode,step,name,value,text\n{filled[0].id},2.0,lies,0.0,look at the belt\n")
    assert [one.id for one in read_table(store, table, "ann")] == [1]
    assert said(store) == [("label", 1, "lies", 0.0, "look at the belt", "ann")]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1.5,,,,", "no step 1.5"),
        ("1,note,lies,,why", "a note has no name"),
        ("1,bookmark,,,why", "a bookmark has no text"),
        ("1,,,0.5,", "a bookmark has no value"),
    ],
)
def test_a_row_of_which_a_part_would_be_lost_is_refused(
    store: Store, filled: Sequence[Episode], tmp_path: Path, row: str, fault: str
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"episode,step,kind,name,value,text\n{filled[0].id},{row}\n")
    with pytest.raises(InputError, match=fault):
        read_table(store, table, "ann")


def test_a_seed_of_many_digits_is_found(store: Store) -> None:
    """Also beside its neighbour, which the same float stands for."""
    store.add_experiment("first", {}, [make_spec(seed=2**53 + more) for more in (0, 1)])
    assert [head.seed for head in store.heads(where=parse(f"seed={2**53 + 1}"))] == [2**53 + 1]
    assert store.count(where=parse(f"steps<{2**40} seed>0.5")) == 2


def test_a_file_that_is_no_table_says_what_is_wrong(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read as CSV in UTF-8"):
        read_table(store, table, "ann")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column 'episode'"):
        read_table(store, table, "ann")


def test_an_annotation_goes_through_json_and_comes_back(store: Store, filled: Sequence[Episode]) -> None:
    one = store.annotate(
        filled[0].id, "note", author="ann", step=0, text=ODD.replace("\ud83d", "").replace("\ude00", "")
    )
    assert type(one).model_validate(json.loads(one.model_dump_json())) == one
