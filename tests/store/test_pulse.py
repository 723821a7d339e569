"""How far episodes are, as another connection sees it; and which are related."""

from collections.abc import Sequence

import pytest

from sandbox.errors import UnknownName
from sandbox.store import Pulse, Store
from sandbox.trace import AgentSpec, Episode, EpisodeSpec
from tests.store.conftest import make_spec, make_step, record


def test_the_pulse_of_an_episode_counts_what_a_second_writer_has_committed(
    database_url: str, store: Store, specs: Sequence[EpisodeSpec]
) -> None:
    number = store.add_experiment("first", {}, specs)
    key = specs[0].key
    assert store.pulse(key) == Pulse("pending", 0, 0)
    with Store.open(database_url) as other:
        attempt = other.writer().begin(specs[0])
        for index in range(2):
            other.writer().step(key, attempt, make_step(index))
        other.writer().flush()
        assert store.pulse(key) == Pulse("running", 1, 2)
        assert store.open_counts() == store.open_counts(number) == (len(specs) - 1, 1)
        again = other.writer().begin(specs[0])
        other.writer().step(key, again, make_step(0))
        other.writer().flush()
        assert store.pulse(key) == Pulse("running", 2, 1)
        done = record(other.writer(), specs[0])
        other.writer().flush()
    assert store.pulse(key) == Pulse("finished", 3, len(done.steps))
    assert store.open_counts() == (len(specs) - 1, 0)


def test_open_episodes_are_counted_by_experiment(store: Store, filled: list[Episode]) -> None:
    number = store.add_experiment("second", {}, [make_spec("new")])
    assert store.open_counts() == store.open_counts(number) == (1, 0)
    assert store.open_counts(1) == (0, 0)


def test_an_episode_that_is_not_there_has_no_pulse(store: Store) -> None:
    with pytest.raises(UnknownName):
        store.pulse("f" * 64)


def test_related_are_episodes_of_the_same_environment_item_and_seed(store: Store, filled: list[Episode]) -> None:
    other = AgentSpec(id="baselines/random", name="random")
    beside = make_spec("0", seats={"agent": other})
    store.add_experiment(
        "second", {}, [beside, make_spec("0", seed=1), make_spec("0", environment="test/Other-v0"), make_spec("9")]
    )
    assert [head.id for head in store.relatives(filled[0].id)] == [beside.key]
    assert [head.id for head in store.relatives(beside.key)] == [filled[0].id]
    assert list(store.relatives(filled[1].id)) == []
