"""The queue: who may run an episode, for how long, and what becomes of those who were too late."""

import os
import signal
import time

import pytest

from sandbox.store import Store, StoredReply, claims
from sandbox.store.rows import Holder
from sandbox.trace import Usage
from tests.store.conftest import make_episode, make_spec, make_step, record, run_python


@pytest.fixture
def experiment(store, specs):
    return store.add_experiment("first", {}, specs)


def play(store, claimed):
    """An episode, played by this process as it claimed it."""
    episode = make_episode(claimed.spec, attempt=claimed.attempt, position=claimed.number - 1)
    for step in episode.steps:
        store.writer().step(episode.id, claimed.attempt, step)
    store.writer().finish(episode)
    store.writer().flush()
    return episode


def test_an_episode_is_claimed_once(store, specs, experiment):
    queue = store.queue(experiment)
    first, second = store.claim(queue, 2), store.claim(queue, 100)
    assert len(first) == 2
    assert [one.spec for one in first + second] == specs
    assert {one.attempt for one in first + second} == {1}
    assert store.claim(queue, 100) == []
    assert store.holders(experiment) == [Holder(store.writer().owner, len(specs))]


def test_what_is_finished_is_in_the_queue_no_more(store, specs, experiment):
    (one,) = store.claim(store.queue(experiment), 1)
    play(store, one)
    assert len(store.queue(experiment)) == len(specs) - 1
    assert store.holders(experiment) == []


def test_environments_and_agents_take_turns_in_the_queue(store):
    specs = [make_spec(str(n), environment=name) for name in ("a/A-v0", "b/B-v0") for n in range(2)]
    queue = store.queue(store.add_experiment("first", {}, specs))
    assert [one.spec.environment for one in store.claim(queue, 9)] == ["a/A-v0", "b/B-v0", "a/A-v0", "b/B-v0"]


def test_what_is_released_can_be_claimed_again(store, experiment):
    queue = store.queue(experiment)
    begun, unbegun = store.claim(queue, 2)
    store.writer().step(begun.spec.key, 1, make_step(0))
    store.writer().release([begun.number], [unbegun.number]).result()
    again = store.claim(queue, 2)
    assert [(one.number, one.attempt) for one in again] == [(begun.number, 2), (unbegun.number, 1)]
    assert store.episode(begun.spec.key).steps == (), "the trace is that of the new attempt"


def test_a_live_process_keeps_what_it_claimed_and_a_killed_one_loses_it_at_once(database_url, specs):
    with Store.open(database_url) as store:
        experiment = store.add_experiment("first", {}, specs)
    process = run_python(
        """
        import time
        store = Store.open(sys.argv[1])
        print(len(store.claim(store.queue(1), 2)), flush=True)
        time.sleep(100)
        """.replace("\n        ", "\n"),
        database_url,
    )
    assert int(process.stdout.readline()) == 2
    with Store.open(database_url) as store:
        queue = store.queue(experiment)
        assert len(store.claim(queue, 100)) == len(specs) - 2
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert [one.attempt for one in store.claim(queue, 100)] == [2, 2]


def test_a_lease_that_is_over_may_be_claimed_and_the_late_result_is_none(database_url, specs, monkeypatch):
    """Exactly-once results: whoever comes back after its lease has ended is superseded, whatever it writes."""
    with Store.open(database_url) as slow, Store.open(database_url) as quick:
        experiment = slow.add_experiment("first", {}, specs[:1])
        (late,) = slow.claim(slow.queue(experiment), 1)
        assert quick.claim(quick.queue(experiment), 1) == []
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + claims.LEASE + 1)
        (prompt,) = quick.claim(quick.queue(experiment), 1)
        assert prompt.attempt == 2
        expected = play(quick, prompt)
        slow.writer().step(late.spec.key, 1, make_step(0, said="too late"))
        slow.writer().finish(make_episode(late.spec, attempt=1, steps=0, status="error", reason="too late"))
        assert slow.episode(late.spec.key) == expected
        assert quick.episode(late.spec.key) == expected


def test_leases_are_renewed_for_as_long_as_the_process_works(store, experiment, monkeypatch, sql):
    monkeypatch.setattr("sandbox.store.writer.RENEWAL", 0.05)
    (one,) = store.claim(store.queue(experiment), 1)
    before = sql(f"SELECT lease_until FROM episode WHERE number = {one.number}")
    deadline = time.monotonic() + 60
    while sql(f"SELECT lease_until FROM episode WHERE number = {one.number}") == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_clock_set_back_takes_no_lease_away(store, experiment, monkeypatch):
    now = time.time()
    queue = store.queue(experiment)
    monkeypatch.setattr(time, "time", lambda: now - 1e6)
    assert store.claim(queue, 1)
    monkeypatch.setattr(time, "time", lambda: now - 2e6)
    claimed = store.claim(queue, 100)
    assert len(claimed) == len(queue) - 1
    assert play(store, claimed[0]) == store.episode(claimed[0].spec.key)


def test_errors_are_queued_again_only_when_it_is_asked_for(store, specs, experiment):
    record(store.writer(), specs[0], status="error", reason="Traceback")
    assert len(store.queue(experiment)) == len(specs) - 1
    assert store.reopen(experiment) == 1
    assert [one.attempt for one in store.claim(store.queue(experiment), 1)] == [2]


def test_an_attempt_that_is_begun_has_no_lease_of_the_one_before(store, specs, experiment):
    """The end of one and the beginning of the other may be written in one batch."""
    (one,) = store.claim(store.queue(experiment), 1)
    store.writer().finish(make_episode(one.spec, attempt=1, steps=0, status="error"))
    assert store.writer().begin(one.spec) == 2
    store.writer().flush()
    assert not store.is_held(one.spec.key)
    assert [(again.number, again.attempt) for again in store.claim([one.number], 1)] == [(one.number, 3)]


def test_an_owner_is_alive_until_its_process_ends():
    here = claims.new_owner()
    host, pid, _started, _ = here.split("/")
    assert not claims.is_dead(here)
    assert claims.is_dead(f"{host}/{pid}/1/x"), "another process had this number before"
    assert not claims.is_dead(f"elsewhere/{pid}/1/x"), "nothing is known of other hosts"
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert claims.is_dead(f"{host}/{child}/5/x")


def test_replies_come_back_in_order_and_are_committed_when_the_future_is_done(database_url, store, experiment):
    (one,) = store.claim(store.queue(experiment), 1)
    replies = [
        StoredReply(ask=b"%016d" % n, occurrence=0, place=n, reply={"n": n, "text": "\ud83d\0"}) for n in range(3)
    ]
    for reply in reversed(replies):
        store.writer().reply(one.number, reply).result()
        with Store.open(database_url) as other:
            assert reply in other.replies(one.number)
    assert store.replies(one.number) == replies
    store.writer().reply(one.number, StoredReply(ask=b"%016d" % 0, occurrence=0, place=9, reply={})).result()
    assert store.replies(one.number) == replies, "the first reply counts"


def test_a_shared_reply_is_found_by_every_episode(store, experiment):
    one, other = store.claim(store.queue(experiment), 2)
    reply = StoredReply(ask=b"a" * 16, occurrence=0, place=0, reply={"text": "yes"}, shared=b"s" * 16)
    assert store.shared_reply(b"s" * 16) is None
    store.writer().reply(other.number, reply).result()
    store.writer().reply(one.number, reply).result()
    assert store.shared_reply(b"s" * 16) == reply


def test_what_was_spent_is_added_up(store, specs, experiment):
    known, unknown = specs[:2]
    record(store.writer(), known, usage=Usage(calls=2, input_tokens=10, output_tokens=5, cost_usd=0.25))
    record(store.writer(), unknown, usage=Usage(calls=1, input_tokens=1, output_tokens=1, cost_usd=None))
    spent = store.spent(experiment)
    assert (spent.calls, spent.tokens, spent.cost_usd, spent.unpriced) == (3, 17, 0.25, 1)
    assert store.episode(known.key).usage.cost_usd == 0.25
