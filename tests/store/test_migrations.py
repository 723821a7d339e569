import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from sandbox.errors import StoreCorrupt, StoreError
from sandbox.store import Store, database, migrations
from sandbox.store.recover import recover
from sandbox.store.tables import SCHEMA, Base
from sandbox.trace import Event
from tests.store.conftest import ODD, make_episode, make_spec, make_step, record

DATA = Path(__file__).parents[1] / "data"


def definitions(path):
    """Tables with their columns, and indexes; not their wording: a column added later stands behind the constraints."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name").fetchall()
        found = [
            (*row, connection.execute(f"PRAGMA {'table' if row[0] == 'table' else 'index'}_xinfo({row[1]})").fetchall())
            for row in rows
        ]
    connection.close()
    return found


@pytest.fixture
def migrated(tmp_path):
    """A store made by running every migration, on an empty file."""
    path = tmp_path / "migrated.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrations.upgrade(connection)
    engine.dispose()
    return path


def test_a_new_store_equals_a_migrated_one(path, migrated):
    Store.open(str(path)).close()
    assert definitions(path) == definitions(migrated)


def test_the_tables_say_what_the_migrations_make(migrated):
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_a_migrated_store_works(migrated):
    with Store.open(str(migrated)) as store:
        store.add_experiment("first", {}, [make_spec()])
        record(store.writer(), make_spec())
        assert store.episode(make_spec().key) == make_episode(make_spec())


def test_the_newest_revision_is_the_one_that_new_stores_are_stamped_with():
    assert ScriptDirectory(str(migrations.LOCATION)).get_current_head() == SCHEMA


NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "next", {down!r}, None, None
def upgrade():
    op.add_column("episode", sa.Column("colour", sa.Text()))
    {then}
"""


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """Make the running sandbox a later version, whose migration does `then` after adding a column."""

    def become(then="pass"):
        location = tmp_path / "later" / "100% migrations"
        shutil.copytree(migrations.LOCATION, location, ignore=shutil.ignore_patterns("__pycache__"))
        (location / "versions" / "v_next.py").write_text(NEXT.format(down=SCHEMA, then=then))
        monkeypatch.setattr(migrations, "LOCATION", location)
        monkeypatch.setattr(database, "SCHEMA", "next")

    return become


@pytest.fixture
def older(path):
    with Store.open(str(path)) as store:
        store.add_experiment("first", {}, [make_spec()])
        record(store.writer(), make_spec())
    return path


def test_an_older_store_is_migrated_after_a_copy_was_made(older, next_version):
    next_version()
    with Store.open(str(older)) as store:
        assert store.episode(make_spec().key) == make_episode(make_spec())
    assert "colour" in str(definitions(older))
    backup = older.with_name(f"test.db.{SCHEMA}.backup")
    assert "colour" not in str(definitions(backup))
    Store.open(str(older)).close()
    assert sorted(file.name for file in older.parent.glob("test.db*")) == ["test.db", backup.name]


def test_a_migration_that_fails_leaves_the_store_as_it_was(older, next_version):
    before = definitions(older)
    next_version(then='op.execute("SELECT * FROM nowhere")')
    with pytest.raises(StoreError, match="nowhere"):
        Store.open(str(older))
    assert definitions(older) == before


def restored(name, path):
    connection = sqlite3.connect(path)
    connection.executescript((DATA / name).read_text())
    connection.close()
    return path


@pytest.fixture
def first_schema(path):
    """A store as the sandbox made it before schema 0002, with the episode of `of_first_schema` and one that waits."""
    return restored("store_0001.sql", path)


@pytest.fixture
def second_schema(path):
    """The same as the sandbox made it before schema 0003, with a score and a mark."""
    return restored("store_0002.sql", path)


def of_first_schema():
    said = [
        {"role": "user", "content": ODD},
        {"role": "assistant", "content": "share"},
        {"role": "user", "content": "?"},
    ]
    calls = [
        Event(kind="model_call", data={"messages": said[:count], "reply": said[1], "x": 10**30}) for count in range(4)
    ]
    steps = []
    for index, events in enumerate([(calls[1], Event(kind="invalid", data={"said": "?"})), (), (calls[0], calls[3])]):
        steps.append(make_step(index, steps[-1].digest if steps else "", events=events))
    return make_episode(make_spec(), steps=0).model_copy(update={"steps": tuple(steps), "hash": steps[-1].digest})


def test_what_the_first_schema_holds_is_read_as_ever(first_schema):
    episode = of_first_schema()
    with Store.open(str(first_schema)) as store:
        assert store.episode(episode.id) == episode
        assert store.steps(episode.id, 2, 3) == [episode.steps[2]]
        (part,) = store.episodes(parts=frozenset({"menus"}))
        assert part.steps[1].menu == episode.steps[1].menu
        assert store.answered_again() == {episode.id: ["agent"]}
        other = record(store.writer(), make_spec("waiting"), position=1)
        assert list(store.episodes()) == [episode, other]


def test_what_the_second_schema_holds_is_read_as_ever_and_can_be_annotated(second_schema):
    episode = of_first_schema()
    with Store.open(str(second_schema)) as store:
        assert store.episode(episode.id) == episode
        assert [(score.name, score.value) for score in store.scores()] == [("x", 1.0)]
        assert [head.status for head in store.heads()] == ["finished", "pending"]
        assert store.annotations() == []
        note = store.annotate(episode.id, "note", author="ann", step=2, text=ODD)
        assert store.annotations() == [note]
        assert note.text == ODD
    assert second_schema.with_name("test.db.0002.backup").exists()


@pytest.mark.parametrize("schema", ["0001", "0002"])
def test_an_older_schema_that_was_migrated_equals_a_new_store(schema, path, migrated):
    restored(f"store_{schema}.sql", path)
    Store.open(str(path)).close()
    assert definitions(path) == definitions(migrated)


def test_what_a_damaged_store_of_the_second_schema_holds_is_saved(second_schema, tmp_path):
    recover(second_schema, tmp_path / "new.db")
    with Store.open(str(tmp_path / "new.db")) as store:
        assert list(store.episodes()) == [of_first_schema()]


def test_a_payload_that_the_first_schema_lost_is_named(first_schema):
    Store.open(str(first_schema)).close()
    with sqlite3.connect(first_schema) as connection:
        connection.execute('DELETE FROM payload WHERE hash = (SELECT observation_ref FROM step WHERE "index" = 1)')
    connection.close()
    with Store.open(str(first_schema)) as store, pytest.raises(StoreCorrupt, match=r"step 2: the payload [0-9a-f]+ is"):
        store.episode(of_first_schema().id)


def test_an_earlier_copy_is_never_overwritten(older, next_version):
    older.with_name(f"test.db.{SCHEMA}.backup").write_text("mine")
    next_version()
    Store.open(str(older)).close()
    assert older.with_name(f"test.db.{SCHEMA}.backup").read_text() == "mine"
    assert "colour" not in str(definitions(older.with_name(f"test.db.{SCHEMA}.backup2")))
