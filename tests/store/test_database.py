import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.errors import InputError, StoreError, StoreTooNew
from sandbox.store import Store
from sandbox.store.tables import SCHEMA
from tests.store.conftest import finish, make_episode, make_spec, record, run_python


@pytest.fixture
def recorded(path):
    with Store.open(str(path)) as store:
        store.add_experiment("first", {}, [make_spec()])
        record(store.writer(), make_spec())
    return path


def test_a_store_is_opened_by_path_or_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in ("one.db", tmp_path / "two.db", f"sqlite:///{tmp_path}/three.db", "sqlite:///four.db", "odd ?#%41.db"):
        Store.open(str(url)).close()
    assert {file.name for file in tmp_path.iterdir()} == {"one.db", "two.db", "three.db", "four.db", "odd ?#%41.db"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no store was named"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://localhost/x", "cannot be kept in mysql"),
        ("sqlite:///x:[://", None),
        ("://", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_says_which_can(url, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if said is not None:
        with pytest.raises(InputError, match=said):
            Store.open(url)


def test_a_missing_store_is_made_only_when_asked(tmp_path):
    with pytest.raises(StoreError, match=r"none\.db does not exist: run an experiment first"):
        Store.open(str(tmp_path / "none.db"), create=False)
    with pytest.raises(StoreError, match="there is no directory"):
        Store.open(str(tmp_path / "no" / "none.db"))
    with pytest.raises(StoreError, match="is a directory"):
        Store.open(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"environments: []\n", b"x" * 5000, b"SQLite format 3\x00", b"SQLite format 3\x00" + b"\0" * 84]
)
def test_what_is_no_database_is_left_untouched(path, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"test\.db is (not a database|damaged|cut short)|other than a sandbox"):
        Store.open(str(path))
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["test.db"]


def test_another_programs_database_is_left_untouched(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is a database, but not a sandbox store"):
        Store.open(str(path))
    assert path.read_bytes() == before


def test_a_store_that_was_cut_is_refused_and_left_untouched(recorded):
    data = recorded.read_bytes()
    recorded.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(StoreError, match="is cut short"):
        Store.open(str(recorded))
    assert recorded.read_bytes() == data[: len(data) * 2 // 3]


def test_pages_that_were_overwritten_are_an_error(recorded):
    data = bytearray(recorded.read_bytes())
    data[4096 : len(data)] = b"\xff" * (len(data) - 4096)
    recorded.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"), Store.open(str(recorded)) as store:
        list(store.episodes())
    assert recorded.read_bytes() == data


def test_a_later_schema_is_refused_with_what_to_do(recorded):
    with closing(sqlite3.connect(recorded)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = recorded.read_bytes()
    with pytest.raises(StoreTooNew, match=rf"its schema is 9999, the newest known here is {SCHEMA}.*pip install -U"):
        Store.open(str(recorded))
    assert recorded.read_bytes() == before
    assert [file.name for file in recorded.parent.iterdir()] == ["test.db"]


@pytest.fixture
def public():
    """A directory that other users can reach: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")
@pytest.mark.slow
def test_a_read_only_store_is_read_and_not_written(public):
    """As an ordinary user: root may write anything, so that root becomes nobody first."""
    public.chmod(0o755)
    for locked, folder_mode, file_mode in (("file", 0o777, 0o444), ("directory", 0o555, 0o666), ("both", 0o555, 0o444)):
        recorded = public / locked / "test.db"
        recorded.parent.mkdir()
        with Store.open(str(recorded)) as store:
            store.add_experiment("first", {}, [make_spec()])
            record(store.writer(), make_spec())
        recorded.chmod(file_mode)
        recorded.parent.chmod(folder_mode)
    try:
        out = finish(
            run_python(
                """
from sandbox.errors import StoreError
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for locked in ("file", "directory", "both"):
    path = f"{sys.argv[1]}/{locked}/test.db"
    with Store.open(path) as store:
        assert store.episode(make_spec().key) == make_episode(make_spec())
        for write in (store.writer, lambda: store.add_experiment("second", {}, [])):
            try:
                write()
            except StoreError as error:
                print(locked, error)
    try:
        Store.open(path + ".new")
    except StoreError as error:
        print(locked, "new:", error)
""",
                public,
            )
        )
    finally:
        for folder in public.iterdir():
            folder.chmod(0o755)
    for locked in ("file", "directory", "both"):
        lines = [line for line in out.splitlines() if line.startswith(f"{locked} ")]
        assert all("test.db is read-only: make it and its directory writable" in line for line in lines[:2])
        assert len(lines) == (2 if locked == "file" else 3)
        assert all("the directory is read-only" in line for line in lines[2:])


@pytest.mark.slow
def test_reading_needs_no_alembic(recorded):
    """Opening an up-to-date store is on the way of every command; alembic is not."""
    out = finish(
        run_python(
            "Store.open(sys.argv[1]).heads(); Store.open(sys.argv[1] + '2'); print('alembic' in sys.modules)", recorded
        )
    )
    assert out == "False\n"


def test_reading_again_gives_what_was_recorded(recorded):
    with Store.open(str(recorded), create=False) as store:
        assert store.episode(make_spec().key) == make_episode(make_spec())
