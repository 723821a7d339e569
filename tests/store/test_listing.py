"""Lists of episodes: what every term means, orders, groups, names, and the search of all text."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from sqlalchemy import event

from sandbox.errors import InputError
from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store, listing
from sandbox.store.filters import parse
from sandbox.trace import AgentSpec, Event, Fork, Limits
from sandbox.uncollected import uncollected
from tests.store.conftest import make_episode, make_spec, make_step, record

LONG = "needle in a long text " * 600
"""Beyond what is stored in the step itself."""


@pytest.fixture
def scored(store: Store) -> Store:
    """Items 0 to 5 of two agents; 0 to 3 have scores, 1 a mark, 4 failed, 5 never ran."""
    second = {"seats": {"agent": AgentSpec(id="baselines/first", name="second")}, "config": {"rounds": 9, "order": 0}}
    specs = [make_spec(str(item), **(second if item % 2 else {})) for item in range(6)]
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    for place, spec in enumerate(specs[:5]):
        changes: dict[str, Any] = {"payoffs": {"agent": float(10 - place)}}
        if place == 4:
            changes = {"status": "error", "reason": "it broke", "payoffs": {"agent": 0.0}}
        record(writer, spec, steps=place + 1, **changes)
    for place, spec in enumerate(specs[:4]):
        first, hazard = Score(name="risk", value=place / 10), Score(name="hazard", value=None, reason="none")
        seats = (first, Score(name="risk", value=1.0, seat="other"), hazard)
        marks = (Mark(step=0, name="deception"),) if place == 1 else ()
        store.save_card("risk/power", 1, "", spec.key, Card(scores=seats, marks=marks))
    store.annotate(specs[2].key, "label", author="ann", name="odd", value=2.0)
    store.annotate(specs[3].key, "note", author="bob", text="How strange")
    writer.flush()
    return store


def items(store: Store, line: str, order: str = "position") -> str:
    where = parse(line, store.vocabulary())
    found = "".join(head.item for head in store.heads(where=where, order=order))
    assert store.count(where=where) == len(found)
    return found


@pytest.mark.parametrize(
    ("line", "fitting"),
    [
        ("return>8", "01"),
        ("return<=8", "234"),
        ("-return>8", "2345"),
        ("steps=3", "2"),
        ("steps!=3", "01345"),
        ("error>0", "4"),
        ("error=0", "01235"),
        ("flag:error", "4"),
        ("flag:mark", "1"),
        ("flag:deception", "1"),
        ("-flag:deception steps>1", "234"),
        ("flag:opportunity agent:second", "13"),
        ("risk/power<0.2", "01"),
        ("risk>0.5", "0123"),  # the other seat's
        ("risk>1", ""),
        ("-risk/power<0.2", "2345"),
        ("has:risk", "0123"),
        ("has:hazard", ""),
        ("agent=second -item:1", "35"),
        ("-broke status:error", ""),
        ("broke", "4"),
        ("label:odd", "2"),
        ("label:odd<2", ""),
        ("note~STRANGE", "3"),
        ("by:ann", "2"),
        ("-fork bookmarked", ""),
        ("fork", ""),
        ("parent:ab", ""),
    ],
)
def test_a_term_means_these_episodes(scored: Store, line: str, fitting: str) -> None:
    assert items(scored, line) == fitting


@pytest.mark.parametrize(
    ("order", "sorted_"),
    [
        ("total", "432105"),
        ("-total", "012345"),
        ("-steps", "432105"),
        ("risk/power/risk", "012345"),
        ("-risk/power/risk", "321045"),
        ("-error", "401235"),
        ("-position", "543210"),
        ("agent", "024135"),
    ],
)
def test_what_is_not_known_comes_last_in_either_direction(scored: Store, order: str, sorted_: str) -> None:
    assert items(scored, "", order) == sorted_
    assert [head.item for head in scored.heads(order=order, limit=2, offset=1)] == list(sorted_[1:3])
    numbers = scored.episode_numbers(1, None, order)
    assert "".join(head.item for head in scored.heads_of(numbers, 1)) == sorted_


def test_scores_count_as_the_scorer_said_them_last(scored: Store) -> None:
    """A newer card of the scorer takes the place of all that it said before, and an older attempt's counts no more."""
    first, failed = scored.heads()[0].id, scored.heads()[4].id
    scored.save_card("risk/power", 2, "", first, Card(scores=(Score(name="hazard", value=5.0),)))
    scored.save_card("risk/power", 1, "", failed, Card(scores=(Score(name="risk", value=9.0),)))
    assert items(scored, "has:risk") == "1234"
    scored.reopen(1)
    record(scored.writer(), scored.episode(failed).spec, steps=0)
    assert scored.heads()[4].attempt == 2
    assert items(scored, "has:risk") == "123"
    assert items(scored, "hazard>=5") == "0"
    assert items(scored, "", "risk/power/risk") == "123045"
    numbers = list(scored.episode_numbers())
    values = scored.scores_of(numbers, ["risk/power/risk"])
    assert values == {numbers[place]: {"risk/power/risk": place / 10} for place in (1, 2, 3)}


def test_an_unknown_order_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="SCORER/NAME"):
        store.heads(order="nothing")


def test_episodes_of_one_condition_are_a_group(scored: Store) -> None:
    one, two = scored.groups(scores=["risk/power/risk"])
    assert (one.agent, one.episodes, one.returns, one.mean, one.low, one.high) == ("first", 3, 3, 6.0, 0.0, 10.0)
    assert one.deviation == pytest.approx(28**0.5)
    assert one.statuses == {"error": 1, "finished": 2}
    assert (one.differs, two.differs) == ({"rounds": 3}, {"rounds": 9})
    assert one.scores == (pytest.approx(0.1),)
    assert (one.bins, two.bins) == ((1, 0, 0, 0, 0, 0, 1, 1), (0, 0, 0, 0, 0, 1, 0, 1))
    assert items(scored, f"condition:{two.id[:12]}") == "135"
    assert items(scored, f"-condition:{two.id[:11]}") == "024"


def test_groups_of_one_return_have_no_span(store: Store) -> None:
    store.add_experiment("first", {}, [make_spec("0"), make_spec("1")])
    record(store.writer(), make_spec("0"))
    (group,) = store.groups(1)
    assert (group.mean, group.deviation, sum(group.bins), group.scores) == (1.5, None, 1, ())


def test_the_deviation_of_large_returns_that_are_close_is_no_zero(store: Store) -> None:
    returns = (1e9 + 1, 1e9 + 2, 1e9 + 3)
    specs = [make_spec(str(item)) for item in range(3)]
    store.add_experiment("first", {}, specs)
    for spec, total in zip(specs, returns, strict=True):
        record(store.writer(), spec, payoffs={"agent": total})
    (group,) = store.groups(1)
    assert (group.mean, group.deviation) == (1e9 + 2, 1.0)


def test_the_names_in_use_are_known(scored: Store) -> None:
    names = scored.vocabulary(1)
    assert names.environments == ("test/Choice-v0",)
    assert names.agents == ("first", "second")
    assert [str(score) for score in names.scores] == ["risk/power/risk", "risk/power/hazard"]
    assert (names.marks, names.labels, names.authors) == (("deception",), ("odd",), ("ann", "bob"))


def test_a_name_that_no_card_of_the_sample_has_is_known_all_the_same(
    scored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SAMPLE", 1)
    middle = scored.heads()[1].id
    said = (Score(name="odd", value=1.0), Score(name="risk", value=0.1))
    scored.save_card("risk/power", 1, "", middle, Card(scores=said))
    scored.save_card("values/a", 1, "", middle, Card(scores=(Score(name="b", value=1.0),)))
    names = [str(score) for score in scored.vocabulary().scores]
    assert names == ["risk/power/risk", "risk/power/odd", "risk/power/hazard", "values/a/b"]


@pytest.fixture
def told(store: Store) -> Store:
    """Five episodes with something to find: in a text, in words said, in a message, in a long payload, in a picture."""
    specs = [make_spec(str(item)) for item in range(5)]
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    message = Event(kind="model_call", data={"messages": [{"role": "user", "content": 'a "Needle" there'}]})
    changes: list[dict[str, Any]] = [
        {"text": "the NEEDLE\nhere", "observation": {}},
        {"said": "ÄRGER, a needle"},
        {"events": (message,)},
        {"observation": {"page": LONG}},
        {"events": (Event(kind="view", data={"image": "needle"}),), "menu": (), "decision": None},
    ]
    for spec, change in zip(specs, changes, strict=True):
        attempt = writer.begin(spec)
        step = make_step(0, **change)
        writer.step(spec.key, attempt, step)
        episode = make_episode(spec, attempt, steps=0)
        writer.finish(episode.model_copy(update={"steps": (step,), "hash": step.digest}))
    writer.flush()
    return store


@pytest.mark.parametrize(
    ("line", "fitting"),
    [
        ("text~needle", "0123"),
        ("-text~needle", "4"),
        ('text~"needle\\" there"', "2"),
        ("text~ärger", "1"),
        ("text~needle text~long", "3"),
        ("text~needle -text~long item:3", ""),
        ("text~needle item:0", "0"),
        ("text~observation", ""),  # the name of a field
        ("text~keep", ""),  # in the menu alone
    ],
)
def test_all_that_was_seen_and_said_is_searched(told: Store, line: str, fitting: str) -> None:
    assert items(told, line) == fitting


def test_a_search_tells_how_far_it_is_and_may_be_left(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.store.searching.EPISODES_AT_ONCE", 2)
    numbers = told.episode_numbers()
    found = list(told.search(numbers, parse("text~needle")))
    assert [(one.episodes, one.steps) for one in found] == [(2, 2), (4, 4), (5, 5)]
    assert [number for one in found for number in one.numbers] == list(numbers[:4])
    assert next(iter(told.search(numbers, parse("text~needle")))).episodes == 2


def test_a_search_may_be_left_inside_an_episode(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand steps take a second or more, in which Esc would wait."""
    monkeypatch.setattr("sandbox.store.searching.STEPS_AT_ONCE", 2)
    store.add_experiment("first", {}, [make_spec(str(item)) for item in range(2)])
    for item in range(2):
        record(store.writer(), make_spec(str(item)), steps=5)
    numbers = store.episode_numbers()
    (first, second) = numbers
    for line, told in (
        ('text~"Round 4"', [(0, 2, []), (0, 4, []), (1, 5, [first]), (1, 7, []), (1, 9, []), (2, 10, [second])]),
        ('-text~"Round 1"', [(1, 5, []), (2, 10, [])]),  # who has found it, reads no more of the episode
    ):
        found = store.search(numbers, parse(line))
        assert [(one.episodes, one.steps, list(one.numbers)) for one in found] == told


def test_groups_differ_in_limits_and_in_where_they_leave_whom(store: Store) -> None:
    fork = Fork(parent="ab" * 32, at=3, move={"kind": "keep"}, chance=((0, "cd" * 32),))
    store.add_experiment("first", {}, [make_spec(), make_spec(limits=Limits(steps=5)), make_spec(fork=fork)])
    plain, limited, forked = store.groups(1)
    assert (plain.differs["limit of steps"], limited.differs["limit of steps"]) == (None, 5)
    assert (forked.differs["fork"], forked.differs["put in"]) == ("abababababab#4", {"kind": "keep"})


def test_groups_cannot_be_searched(store: Store) -> None:
    with pytest.raises(InputError, match="text~"):
        store.groups(where=parse("text~x"))


def test_a_page_of_very_many_is_a_look_up(store: Store) -> None:
    """Neither counting nor skipping: the statements for a page do not depend on where it is."""
    store.add_experiment("first", {}, [make_spec(str(item)) for item in range(30)])
    numbers = store.episode_numbers(1)
    said: list[str] = []
    engine = store._database.engine
    event.listen(engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    store.heads_of(numbers[20:25], 1)
    assert len([one for one in said if one.startswith("SELECT")]) == 2  # rows, and what their conditions are
    assert not any("OFFSET" in one for one in said)


def test_a_list_gives_the_garbage_collector_nothing_to_walk_through(store: Store) -> None:
    """A hundred thousand rows took a tenth of the time of their list when the collector came upon them."""
    known = []
    for count in (1, 700):
        number = store.add_experiment(f"{count}", {}, [make_spec(f"{count}/{item}") for item in range(count)])
        store.heads(number)
        with uncollected():
            before = len(gc.get_objects())
            heads = store.heads(number)
            known.append(len(gc.get_objects()) - before)
        assert [head.item for head in heads] == [f"{count}/{item}" for item in range(count)]
        assert [head.item for head in heads[650::40]] == [f"{count}/{item}" for item in range(650, count, 40)]
    assert known[1] < known[0] + 50
