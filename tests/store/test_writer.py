import os
import signal
import sqlite3
import threading
import time

import pytest
from sqlalchemy import event

from sandbox.errors import StoreError
from sandbox.store import Store, StoredReply
from sandbox.trace import Event
from tests.store.conftest import finish, make_episode, make_spec, make_step, record, run_python


def test_what_was_flushed_survives_a_kill(database_url):
    """Acknowledged means committed: SIGKILL at any moment loses none of it, and the episode is run again."""
    process = run_python(
        """
        import itertools
        store = Store.open(sys.argv[1])
        spec = make_spec("killed")
        store.add_experiment("first", {}, [make_spec("done"), spec])
        record(store.writer(), make_spec("done"))
        attempt = store.writer().begin(spec)
        for index in itertools.count():
            store.writer().step(spec.key, attempt, make_step(index))
            if index % 10 == 9:
                store.writer().flush()
                print(index + 1, flush=True)
        """.replace("\n        ", "\n"),
        database_url,
    )
    for _ in range(5):
        acknowledged = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store.open(database_url) as store:
        steps = store.episode(make_spec("killed").key).steps
        assert len(steps) >= acknowledged
        assert steps == tuple(make_step(index) for index in range(len(steps)))
        assert [spec.item_id for spec in store.pending(1)] == ["killed"]
        again = record(store.writer(), make_spec("killed"), position=1)
        assert again.attempt == 2
        assert store.episode(again.id) == again
        assert store.pending(1) == []


def test_steps_are_committed_soon_without_a_flush(store, specs, sql):
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    writer.step(specs[0].key, writer.begin(specs[0]), make_step(0))
    deadline = time.monotonic() + 60
    while not sql("SELECT * FROM step"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_replies_and_steps_are_committed_where_replies_came_before_and_other_episodes_are_under_way(store, specs, sql):
    """The thread looks by itself for a while then, and nobody wakes it."""
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    attempts = [writer.begin(spec) for spec in specs[:2]]
    one = sql("SELECT number FROM episode ORDER BY number")[0][0]
    for place in range(5):
        stored = StoredReply(ask=b"%016d" % place, occurrence=0, place=place, reply={})
        writer.reply(one, stored).result(timeout=60)  # the other episode waits for none
        writer.step(specs[0].key, attempts[0], make_step(place))
        deadline = time.monotonic() + 60
        while len(sql("SELECT * FROM step")) <= place:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.mark.slow
def test_processes_write_one_store_at_once(database_url):
    """Each makes the store, one experiment that all share and its own of 60 episodes, and none sees a lock."""
    code = """
with Store.open(sys.argv[1]) as store:
    store.add_experiment("shared", {}, [make_spec()])
    specs = [make_spec(f"{sys.argv[2]}-{n}") for n in range(60)]
    number = store.add_experiment(sys.argv[2], {}, specs)
    for position, spec in enumerate(store.pending(number)):
        record(store.writer(), spec)
        if position % 7 == 0:
            store.writer().flush()
"""
    processes = [run_python(code, database_url, name) for name in ("a", "b", "c")]
    for process in processes:
        finish(process)
    with Store.open(database_url) as store:
        assert {row.name for row in store.experiments()} == {"shared", "a", "b", "c"}
        assert store.experiment("shared").counts == {"pending": 1}
        for name in ("a", "b", "c"):
            assert store.experiment(name).counts == {"finished": 60}
        for episode in store.episodes():
            assert episode.steps == make_episode(episode.spec).steps


def test_two_processes_that_run_the_same_episode_leave_one_result(database_url, specs):
    """The later attempt counts; what the earlier one still sends is left out, without an error."""
    with Store.open(database_url) as one, Store.open(database_url) as other:
        one.add_experiment("first", {}, specs)
        first = one.writer().begin(specs[0])
        one.writer().step(specs[0].key, first, make_step(0))
        one.writer().flush()
        assert [spec.key for spec in other.pending(1)] == [spec.key for spec in specs]
        winner = record(other.writer(), specs[0], steps=2)
        other.writer().flush()
        one.writer().finish(make_episode(specs[0], first, steps=1))
        stale = one.writer()
        stale._known.clear()
        with pytest.raises(StoreError, match="is finished already"):
            stale.begin(specs[0])
        assert one.episode(specs[0].key) == other.episode(specs[0].key) == winner


def test_an_attempt_with_a_number_that_another_process_took_is_left_out(database_url, specs):
    with Store.open(database_url) as one, Store.open(database_url) as other:
        one.add_experiment("first", {}, specs)
        assert len(one.pending(1)) == len(other.pending(1)) == 4
        winner = record(one.writer(), specs[0], steps=1)
        one.writer().flush()
        record(other.writer(), specs[0], steps=3)
        assert other.episode(specs[0].key) == winner


def test_many_threads_share_a_writer(store):
    specs = [make_spec(str(n)) for n in range(24)]
    number = store.add_experiment("first", {}, specs)
    threads = [
        threading.Thread(target=lambda part: [record(store.writer(), spec) for spec in part], args=(specs[n::4],))
        for n in range(4)
    ]
    store.writer()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.experiment(number).counts == {"finished": 24}
    assert [episode.steps for episode in store.episodes()] == [make_episode(specs[0]).steps] * 24


def test_a_call_out_of_order_is_an_error_that_says_what_to_call(store, specs):
    store.add_experiment("first", {}, specs[:1])
    writer = store.writer()
    with pytest.raises(StoreError, match="call begin"):
        writer.step(specs[0].key, 1, make_step(0))
    with pytest.raises(StoreError, match="call begin"):
        writer.finish(make_episode(specs[0]))
    with pytest.raises(StoreError, match="add_experiment first"):
        writer.begin(specs[1])
    attempt = writer.begin(specs[0])
    with pytest.raises(StoreError, match="cannot end as 'running'"):
        writer.finish(make_episode(specs[0], attempt, status="running"))
    writer.finish(make_episode(specs[0], attempt, steps=0))
    with pytest.raises(StoreError, match="call begin"):
        writer.finish(make_episode(specs[0], attempt))
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.begin(specs[0])


def test_a_step_that_cannot_be_stored_harms_no_other(store, specs):
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    attempt = writer.begin(specs[0])
    with pytest.raises(StoreError, match=r"step 1: not a JSON value.*set is no JSON type"):
        writer.step(
            specs[0].key,
            attempt,
            make_step(0, digest="", observation={}).model_copy(update={"observation": {"a": {1}}}),
        )
    with pytest.raises(StoreError, match="step 1: the hash 'xyz'"):
        writer.step(specs[0].key, attempt, make_step(0).model_copy(update={"digest": "xyz"}))
    writer.step(specs[0].key, attempt, make_step(0))
    assert store.episode(specs[0].key).steps == (make_step(0),)


def test_what_is_changed_after_it_was_given_is_stored_as_it_was(store, specs):
    store.add_experiment("first", {}, specs)
    data = {"list": [1]}
    step = make_step(0, events=(Event(kind="note", data=data),))
    store.writer().step(specs[0].key, store.writer().begin(specs[0]), step)
    step.events[0].data["list"].append(2)
    assert store.episode(specs[0].key).steps[0].events[0].data == {"list": [1]}


def test_a_program_that_forgets_to_close_loses_nothing(database_url, specs):
    finish(
        run_python(
            """
store = Store.open(sys.argv[1])
store.add_experiment("first", {}, [make_spec()])
record(store.writer(), make_spec())
""",
            database_url,
        )
    )
    with Store.open(database_url) as store:
        assert store.episode(make_spec().key) == make_episode(make_spec())


def test_ctrl_c_finishes_the_write(database_url):
    """The second interruption comes while `close` waits; it is raised only when everything is committed."""
    process = run_python(
        """
import signal, threading, time
from sandbox.store import writer as module
written = module._Batches.write
recorded = threading.Event()
def slow(self, entries, payloads):
    recorded.wait()
    print("writing", flush=True)
    time.sleep(0.5)
    written(self, entries, payloads)
module._Batches.write = slow
try:
    with Store.open(sys.argv[1]) as store:
        store.add_experiment("first", {}, [make_spec()])
        record(store.writer(), make_spec())
        recorded.set()
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("interrupted", flush=True)
""",
        database_url,
    )
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGINT)
    assert finish(process) == "interrupted\n"
    with Store.open(database_url) as store:
        assert store.episode(make_spec().key) == make_episode(make_spec())


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_lock_that_lasts_is_an_error_that_says_what_to_do(path, specs):
    with Store.open(str(path), patience=0.2) as store:
        store.add_experiment("first", {}, specs)
        kept = record(store.writer(), specs[0])
        store.writer().flush()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"test\.db stayed locked by another program: let that one finish"):
            store.add_experiment("second", {}, specs)
        attempt = store.writer().begin(specs[1])
        store.writer().step(specs[1].key, attempt, make_step(0))
        with pytest.raises(StoreError, match="stayed locked"):
            store.writer().flush()
        with pytest.raises(StoreError, match="stayed locked"):
            store.writer().begin(specs[2])
        assert store.episode(kept.id) == kept  # reading goes on
        other.rollback()
        other.close()
    with Store.open(str(path)) as store:
        assert store.episode(kept.id) == kept
        assert len(store.pending(1)) == 3


def test_a_lock_of_ordinary_length_is_waited_for(path, specs):
    with Store.open(str(path)) as store:
        store.add_experiment("first", {}, specs)
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.4, other.rollback)
        timer.start()
        episode = record(store.writer(), specs[0])
        assert store.episode(episode.id) == episode
        timer.join()
        other.close()


def test_a_full_disk_is_an_error_and_keeps_what_was_committed(path):
    """SQLite's own limit on pages gives a true SQLITE_FULL."""
    specs = [make_spec(str(n)) for n in range(200)]
    store = Store.open(str(path))
    store.add_experiment("first", {}, specs)
    kept = record(store.writer(), specs[0])
    store.writer().flush()
    store.close()

    store = Store.open(str(path))

    def record_all(store):
        for spec in store.pending(1):
            record(store.writer(), spec, facts={"long": os.urandom(2000).hex()})
            store.writer().flush()

    @event.listens_for(store._database.engine, "connect")
    def limit(connection, record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 4}")

    store._database.engine.dispose()
    with pytest.raises(
        StoreError, match="the disk is full: free some space, then run the same command again"
    ) as raised:
        record_all(store)
    assert "test.db" in str(raised.value)
    store.close()  # it was said already
    with Store.open(str(path)) as store:
        assert store.episode(kept.id) == kept
        finished = list(store.episodes())
        assert all(
            episode == make_episode(episode.spec, position=episode.position, facts=episode.facts)
            for episode in finished
        )
        record(store.writer(), store.pending(1)[0])
        assert len(list(store.episodes())) == len(finished) + 1


def test_a_write_that_the_system_refuses_is_an_error_and_keeps_what_was_committed(path):
    """A limit on the file's size stands for a full or failing disk under SQLite."""
    process = run_python(
        """
import resource, signal
from sandbox.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(sys.argv[1])
specs = [make_spec(str(n)) for n in range(400)]
store.add_experiment("first", {}, specs)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
done = 0
try:
    for spec in specs:
        record(store.writer(), spec, facts={"long": os.urandom(4000).hex()})
        store.writer().flush()
        done += 1
except StoreError as error:
    print(error)
print(done)
os._exit(0)
""",
        path,
    )
    said, done = finish(process).strip().splitlines()
    assert "run the same command again" in said
    assert 0 < int(done) < 400
    with Store.open(str(path)) as store:
        assert len(list(store.episodes())) >= int(done)


def test_closing_says_what_could_not_be_written(path, specs):
    store = Store.open(str(path), patience=0.1)
    store.add_experiment("first", {}, specs)
    store.writer().begin(specs[0])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="stayed locked"):
        store.close()
    store.close()
    other.close()


def test_memory_that_waits_to_be_written_is_bounded(database_url, specs, monkeypatch):
    from sandbox.store import writer as module

    monkeypatch.setattr(module, "ROOM_BYTES", 1_000_000)
    written = module._Batches.write
    seen = []

    def slow(self, entries, payloads):
        seen.append(sum(len(data) for _, data in payloads))
        time.sleep(0.01)
        written(self, entries, payloads)

    monkeypatch.setattr(module._Batches, "write", slow)
    with Store.open(database_url) as store:
        store.add_experiment("first", {}, specs)
        attempt = store.writer().begin(specs[0])
        for index in range(40):
            store.writer().step(specs[0].key, attempt, make_step(index, text=f"{index}" + "x" * 200_000))
    assert sum(seen) > 40 * 200_000
    assert max(seen) < 1_500_000
