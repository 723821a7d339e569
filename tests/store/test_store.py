import copy
import math
from random import Random

import pytest
import zstandard
from sqlalchemy.sql.compiler import SQLCompiler

from sandbox.errors import InputError, PluginError, StoreCorrupt, StoreError, UnknownName
from sandbox.scenario import Appraisal
from sandbox.scorer import PARTS, Card, Mark, Score
from sandbox.store import Filter, Store
from sandbox.store.payloads import LONG, encode
from sandbox.store.tables import Flag
from sandbox.trace import Event, Limits, MenuEntry, Step
from tests.store.conftest import ODD, make_episode, make_spec, make_step, record


def test_an_episode_comes_back_equal(store, filled):
    for episode in filled:
        assert store.episode(episode.id) == episode


def test_an_episode_comes_back_equal_from_a_store_opened_again(database_url, specs):
    with Store.open(database_url) as store:
        store.add_experiment("first", {}, specs)
        episode = record(store.writer(), specs[0])
    with Store.open(database_url, create=False) as store:
        assert store.episode(episode.id) == episode


def test_opening_an_episode_compiles_no_statement(database_url, specs, monkeypatch):
    """Compiling what is asked for, anew for every store, took most of what opening an episode of ten steps took."""
    with Store.open(database_url) as store:
        store.add_experiment("first", {}, specs)
        episode = record(store.writer(), specs[0])
    with Store.open(database_url, create=False) as store:
        monkeypatch.delattr(SQLCompiler, "visit_select")
        assert store.episode(episode.id) == episode
        assert store.steps(episode.id, 1, 2) == [episode.steps[1]]
        with pytest.raises(UnknownName, match="no episode"):
            store.episode("a?b%sc\\")


def test_text_of_every_kind_comes_back(store):
    """Models write broken emoji and NUL; pages are a megabyte long."""
    long = ODD * 20_000
    spec = make_spec(item=ODD, external_id=ODD, config={"note": long}, environment=f"test/{ODD}")
    step = make_step(
        0,
        seat="agent",
        observation={ODD: [ODD, {"deep": long}]},
        text=long,
        ranges=(ODD,),
        menu=(MenuEntry(move={"kind": "say", "message": ODD}),),
        decision=MenuEntry(move={"kind": "say", "message": long}),
        applied={"kind": "say", "message": long},
        said=long,
        events=(Event(kind=ODD, data={"messages": [{"content": ODD}, ODD], ODD: long}),),
    )
    store.add_experiment(ODD, {ODD: ODD}, [spec])
    writer = store.writer()
    writer.step(spec.key, writer.begin(spec), step)
    episode = make_episode(spec, steps=0, status="error", reason=ODD, facts={ODD: ODD}).model_copy(
        update={"steps": (step,), "hash": step.digest}
    )
    writer.finish(episode)
    card = Card(
        scores=(Score(name=ODD, value=1.0, reason=ODD, variant=ODD, seat=ODD),),
        marks=(Mark(step=0, name=ODD, note=ODD),),
    )
    store.save_card(ODD, 1, ODD, spec.key, card)
    assert store.episode(spec.key) == episode
    assert store.episode(spec.key).spec.key == spec.key
    assert store.cards(ODD, 1, ODD) == {spec.key: card}
    assert store.find(ODD) == spec.key
    assert store.experiment(ODD).content == {ODD: ODD}
    assert store.heads(where=Filter(item=ODD, text=ODD[3:]))[0].reason == ODD


def test_numbers_that_json_cannot_write_come_back(store):
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    facts = {"nan": math.nan, "infinite": -math.inf, "large": 10**40, "minus zero": -0.0}
    record(store.writer(), spec, facts=facts)
    assert repr(dict(store.episode(spec.key).facts)) == repr(dict(sorted(facts.items())))


def test_a_reward_that_is_no_number_is_refused_rather_than_stored_as_nothing(store, specs):
    store.add_experiment("first", {}, specs)
    writer = store.writer()
    attempt = writer.begin(specs[0])
    step = make_step(7).model_copy(update={"rewards": {"agent": math.nan}})
    with pytest.raises(StoreError, match="step 8: the reward of 'agent' is nan"):
        writer.step(specs[0].key, attempt, step)


def test_a_decision_outside_the_menu_comes_back(store):
    """A move inside a range is not listed; and 1, 1.0 and True are different moves in JSON, though equal in Python."""
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    menu = tuple(MenuEntry(move={"mine": mine}) for mine in (1, 1.0, True, 2))
    moves = [{"mine": 7}, {"mine": True}, {"mine": 1.0}, {"mine": 1}]
    steps = []
    for index, move in enumerate(moves):
        before = steps[-1].digest if steps else ""
        steps.append(make_step(index, before, menu=menu, decision=MenuEntry(move=move), applied=move))
    writer = store.writer()
    attempt = writer.begin(spec)
    for step in steps:
        writer.step(spec.key, attempt, step)
    read = store.episode(spec.key).steps
    assert [repr(step.decision.move) for step in read] == [repr(move) for move in moves]
    assert [
        step.digest_after(before.digest if before else "")
        for step, before in zip(read, [None, *read[:-1]], strict=True)
    ] == [step.digest for step in steps]


def test_conversations_that_branch_and_go_on_come_back_from_any_step(store):
    """Lists are written as what is new in each, replies as whose they are; each reader puts them together again."""
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    random, lists, steps = Random(0), [[]], []
    for index in range(40):
        events = []
        for _ in range(random.randrange(4)):
            base = lists[-random.randrange(1, min(len(lists), 12) + 1)]
            said = [random.choice([{"content": ODD, "n": random.randrange(3)}, "words", 10**30, []]) for _ in range(2)]
            reply = {"content": f"reply {random.randrange(20)}"}
            events.append(Event(kind="model_call", data={"messages": [*base, *said], "reply": reply}))
            lists.append([*base[: random.randrange(len(base) + 1)], *said, reply])
        events.append(Event(kind="note", data={"messages": "no list"}))
        steps.append(make_step(index, steps[-1].digest if steps else "", events=tuple(events)))
    writer = store.writer()
    attempt = writer.begin(spec)
    for step in steps:
        writer.step(spec.key, attempt, step)
    assert list(store.episode(spec.key).steps) == steps
    assert [store.steps(spec.key, at, at + 1)[0] for at in range(40)] == steps


def test_a_message_changed_in_place_later_is_recorded_as_it_was(store):
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    writer, message = store.writer(), {"content": "first"}
    attempt = writer.begin(spec)
    for index in range(2):
        call = Event(kind="model_call", data={"messages": [message]})
        writer.step(spec.key, attempt, make_step(index, events=(call,)))
        message["content"] = "second"
    said = [step.events[0].data["messages"] for step in store.episode(spec.key).steps]
    assert said == [[{"content": "first"}], [{"content": "second"}]]


@pytest.mark.slow
def test_growing_message_lists_make_a_trace_grow_linearly(tmp_path):
    """Each call repeats all messages before it; stored as they come, 100 calls would take 100 times as much as 10."""

    def size(calls):
        file = tmp_path / f"{calls}.db"
        spec = make_spec()
        messages = [{"role": "user", "content": f"{n}: {encode([n] * 40).hex()}"} for n in range(calls)]
        with Store.open(str(file)) as store:
            store.add_experiment("first", {}, [spec])
            writer = store.writer()
            attempt = writer.begin(spec)
            for n in range(calls):
                event = Event(kind="model_call", data={"messages": messages[: n + 1]})
                writer.step(spec.key, attempt, make_step(n, events=(event,)))
            assert store.episode(spec.key).steps[-1].events[0].data["messages"] == messages
        return file.stat().st_size

    few, more, many = size(200), size(450), size(700)  # the first 64 steps teach the store how to pack the rest
    # How the writer happens to group steps moves a few pages; stored as they come, it would be 1.8 times as much.
    assert many - more <= 1.3 * (more - few)


# -- experiments -------------------------------------------------------------------------------------------------------


def test_adding_an_experiment_again_changes_nothing(store, specs):
    first = store.add_experiment("first", {"a": 1, "b": 2}, specs)
    record(store.writer(), specs[1])
    assert store.add_experiment("first", {"b": 2, "a": 1}, specs) == first
    row = store.experiment("first")
    assert (row.id, row.episodes, row.counts) == (first, 4, {"pending": 3, "finished": 1})
    assert [spec.key for spec in store.pending(first)] == [specs[i].key for i in (0, 2, 3)]


def test_an_edited_experiment_reuses_the_episodes_that_it_shares(store, specs):
    first = store.add_experiment("first", {"version": 1}, specs)
    done = record(store.writer(), specs[3])
    second = store.add_experiment("first", {"version": 2}, [make_spec("new"), *reversed(specs)])
    assert second != first
    assert [head.item for head in store.heads(second)] == ["new", "3", "2", "1", "0"]
    assert store.heads(second)[1].hash == done.hash
    assert len(store.heads()) == 5
    assert store.experiment("first").id == second
    assert [row.content for row in store.experiments()] == [{"version": 1}, {"version": 2}]
    store.add_experiment("first", {"version": 1}, specs)
    assert store.experiment("first").id == first  # the one last used
    assert store.experiment(second).content == {"version": 2}
    assert store.experiment(str(second)).id == second


def test_an_experiment_that_is_added_in_part_is_extended_later(store, specs):
    """`--limit 2`, then without a limit, then with it again: nothing is forgotten."""
    number = store.add_experiment("first", {}, specs[:2])
    store.add_experiment("first", {}, specs)
    store.add_experiment("first", {}, specs[:1])
    assert [head.item for head in store.heads(number)] == ["0", "1", "2", "3"]


def test_what_is_still_to_be_run_has_the_limits_of_seconds_and_cost_that_are_asked_for_now(store, specs):
    """No key says anything of them: whoever raised one that was too low got the old one again."""
    store.add_experiment("first", {}, specs)
    done = record(store.writer(), specs[0])
    failed = record(store.writer(), specs[1], status="error")
    store.writer().flush()
    raised = [spec.model_copy(update={"limits": Limits(seconds=9.0, cost_usd=2.0)}) for spec in specs]
    number = store.add_experiment("first", {"limits": "raised"}, raised)
    assert store.episode(done.id).spec == specs[0]
    assert store.reopen(number) == 1
    assert failed.id == raised[1].key
    assert [one.spec for one in store.claim(store.queue(number), 9)] == raised[1:]


def test_an_unknown_experiment_offers_the_nearest_name(store, specs):
    store.add_experiment("say-and-do", {}, specs)
    with pytest.raises(UnknownName, match="did you mean 'say-and-do'"):
        store.experiment("say-and-don")


def test_pending_specifications_are_those_that_were_added(store, specs):
    number = store.add_experiment("first", {}, specs)
    assert store.pending(number) == specs


def test_a_seed_beyond_63_bits_is_refused(store):
    with pytest.raises(InputError, match="does not fit 63 bits"):
        store.add_experiment("first", {}, [make_spec(seed=2**63)])
    store.add_experiment("first", {}, [make_spec(seed=2**63 - 1)])
    assert store.heads()[0].seed == 2**63 - 1


def test_errors_are_pending_only_when_asked_for(store, specs):
    number = store.add_experiment("first", {}, specs)
    record(store.writer(), specs[0], status="error", reason="KeyError: 'x'")
    record(store.writer(), specs[1], status="truncated")
    record(store.writer(), specs[2], status="forfeited")
    assert [spec.key for spec in store.pending(number)] == [specs[3].key]
    assert [spec.key for spec in store.pending(number, retry_errors=True)] == [specs[0].key, specs[3].key]


def test_a_second_attempt_replaces_the_first(store, specs):
    number = store.add_experiment("first", {}, specs[:1])
    record(store.writer(), specs[0], status="error", steps=5)
    store.save_card("s", 1, "", specs[0].key, Card(scores=(Score(name="x", value=1.0),)))
    store.pending(number, retry_errors=True)
    again = record(store.writer(), specs[0], steps=2)
    assert again.attempt == 2
    assert store.episode(again.id) == again
    assert store.cards("s", 1, "") == {}  # it was of the first attempt
    assert store.scores() == []


# -- heads -------------------------------------------------------------------------------------------------------------


def test_a_head_says_all_but_the_steps(store, specs, filled):
    head = store.heads()[2]
    episode = filled[2]
    assert (head.id, head.item, head.position, head.status, head.total) == (episode.id, "2", 2, "finished", 1.5)
    assert (head.steps, head.hash, head.attempt, head.provenance) == (3, episode.hash, 1, "executed")
    assert (head.config, head.seats, head.agent) == ({"rounds": 3, "order": 0}, {"agent": "first"}, "first")
    assert head.counts == episode.counts()
    assert head.flags == ("opportunity",)
    assert (head.framing, head.seed, head.repetition, head.external_id, head.reason) == ("lived", 0, 0, None, "")


def test_flags_are_those_of_the_decisions_under_evaluation(store):
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    writer = store.writer()
    attempt = writer.begin(spec)
    risky = make_step(0)
    steps = (
        risky.model_copy(update={"decision": risky.menu[1]}),
        make_step(1, outcome="refusal", decision=None),
        make_step(2, seat="other", outcome="timeout"),
        make_step(3, menu=(), events=(Event(kind="reward_invalid"),)),
    )
    for step in steps:
        writer.step(spec.key, attempt, step)
    writer.finish(make_episode(spec).model_copy(update={"steps": steps}))
    assert store.heads()[0].flags == ("risk", "opportunity", "refusal", "reward_invalid")
    assert store.heads()[0].counts["refusal"] == 1
    for flag in ("risk", "refusal"):
        assert len(store.heads(where=Filter(flag=flag))) == 1
    assert store.heads(where=Filter(flag="timeout")) == []
    with pytest.raises(UnknownName, match="did you mean 'refusal'"):
        store.heads(where=Filter(flag="refusals"))


def test_heads_are_filtered_ordered_and_cut(store):
    specs = [make_spec(str(n), seed=n, framing="hypothetical" if n % 2 else "lived") for n in range(6)]
    store.add_experiment("first", {}, specs)
    for n, spec in enumerate(specs[:5]):
        record(store.writer(), spec, payoffs={"agent": float(n)}, steps=5 - n)

    def items(**how):
        return [head.item for head in store.heads(**how)]

    assert items() == ["0", "1", "2", "3", "4", "5"]
    assert (store.count(), store.count(1), store.count(2), store.count(1, Filter(framing="lived"))) == (6, 6, 0, 3)
    assert items(limit=2, offset=3) == ["3", "4"]
    assert items(where=Filter(framing="lived", status="finished")) == ["0", "2", "4"]
    assert items(order="-total") == ["4", "2", "0", "1", "3", "5"]  # those without a return last
    assert items(order="steps")[:3] == ["5", "4", "3"]
    assert items(where=Filter(text=specs[3].key[5:15].upper())) == ["3"]
    assert items(where=Filter(text="%")) == []
    assert items(where=Filter(environment="test/Choice-v0", agent="first", item="4", provenance="executed")) == ["4"]
    with pytest.raises(InputError, match="use one of position"):
        items(order="colour")


def test_an_episode_is_found_by_key_prefix_or_external_id(store):
    specs = [make_spec(str(n), external_id=f"record-{n % 3}") for n in range(4)]
    store.add_experiment("first", {}, specs)
    key = specs[1].key
    assert store.find(key) == store.find(key[:12]) == store.find("record-1") == key
    with pytest.raises(UnknownName, match="may mean several episodes") as raised:
        store.find("record-0")
    assert specs[0].key[:16] in str(raised.value)
    assert specs[3].key[:16] in str(raised.value)
    for unknown in ("", "zz", key + "0", "record"):
        with pytest.raises(UnknownName, match="no episode"):
            store.find(unknown)
    with pytest.raises(UnknownName, match="no episode"):
        store.episode(key[:12])


def test_episodes_stream_in_canonical_order_and_only_those_that_ended(store, specs):
    number = store.add_experiment("first", {}, [specs[i] for i in (2, 0, 1, 3)])
    written = [record(store.writer(), specs[i], position=p, steps=300) for i, p in ((1, 2), (2, 0))]
    store.writer().begin(specs[0])
    assert list(store.episodes(number)) == [written[1], written[0]]
    assert [episode.position for episode in store.episodes(number)] == [0, 2]


def test_an_episode_under_way_shows_its_steps_so_far(store, specs):
    store.add_experiment("first", {}, specs)
    attempt = store.writer().begin(specs[0])
    store.writer().step(specs[0].key, attempt, make_step(0))
    read = store.episode(specs[0].key)
    assert (read.status, read.steps, read.attempt) == ("running", (make_step(0),), 1)
    assert store.episode(specs[1].key).status == "pending"


# -- scores ------------------------------------------------------------------------------------------------------------


def test_cards_are_kept_by_scorer_version_and_config(store, filled):
    card = Card(
        scores=(Score(name="b", value=2.5, seat="agent"), Score(name="a", value=None, reason="no risk", variant="v")),
        marks=(Mark(step=1, name="deception", value=0.5, note="here"), Mark(step=0, name="x")),
    )
    store.save_card("risk/power", 1, "c1", filled[0].id, card)
    store.save_card("risk/power", 1, "c1", filled[1].id, Card())
    assert store.cards("risk/power", 1, "c1") == {filled[0].id: card, filled[1].id: Card()}
    assert store.cards("risk/power", 1, "c1", experiment=1).keys() == {filled[0].id, filled[1].id}
    assert store.cards("risk/power", 2, "c1") == store.cards("risk/power", 1, "c2") == {}
    assert store.cards("risk/power", 1, "c1", experiment=99) == {}
    bare = store.cards("risk/power", 1, "c1", marks=False)
    assert bare == {filled[0].id: Card(scores=card.scores), filled[1].id: Card()}
    assert [(row.scorer, row.name, row.seat, row.value, row.variant, row.reason) for row in store.scores(1)] == [
        ("risk/power", "b", "agent", 2.5, "", ""),
        ("risk/power", "a", None, None, "v", "no risk"),
    ]
    assert [(mark.step, mark.name, mark.value, mark.note) for mark in store.marks(filled[0].id)] == [
        (0, "x", None, ""),
        (1, "deception", 0.5, "here"),
    ]


def test_a_card_of_an_attempt_that_was_superseded_is_left_out(store, specs):
    experiment = store.add_experiment("first", {}, specs[:1])
    failed = record(store.writer(), specs[0], status="error", reason="Traceback")
    store.reopen(experiment)
    (again,) = store.claim(store.queue(experiment), 1)
    card = Card(scores=(Score(name="x", value=1.0),))
    store.save_card("s", 1, "", failed.id, card, attempt=1)
    assert store.cards("s", 1, "") == {}
    store.save_card("s", 1, "", failed.id, card, attempt=again.attempt)
    assert store.cards("s", 1, "") == {failed.id: card}


def test_only_the_last_scoring_of_a_scorer_is_shown(store, filled):
    def score(version, config, value):
        store.save_card("s", version, config, filled[0].id, Card(scores=(Score(name="x", value=value),)))

    score(1, "", 1.0)
    score(2, "", 2.0)
    assert [row.value for row in store.scores()] == [2.0]
    score(1, "", 3.0)  # an older version again
    store.save_card("other", 1, "", filled[0].id, Card(scores=(Score(name="y", value=9.0),)))
    assert [(row.scorer, row.version, row.value) for row in store.scores()] == [("other", 1, 9.0), ("s", 1, 3.0)]
    assert [row.value for row in store.scores(episode=filled[0].id)] == [9.0, 3.0]
    assert store.scores(episode=filled[1].id) == store.scores(2) == []
    assert store.cards("s", 2, "")[filled[0].id].scores[0].value == 2.0


# -- damage ------------------------------------------------------------------------------------------------------------


def flipped(data):
    return bytes([*data[:-1], data[-1] ^ 1])


@pytest.fixture
def content(sql):
    """The lines of a step's content; with `lines`, changes them behind the store's back."""

    def of(episode, step, **lines):
        where = f'WHERE episode = {episode} AND "index" = {step}'
        ((frame,),) = sql(f"SELECT content FROM step {where}")
        found = zstandard.decompress(frame).split(b"\n")
        names = ["seen", "offered", "decision", "applied", "rewards", "said"]
        changed = [lines.get(name, line) for name, line in zip(names, found, strict=False)] + found[len(names) :]
        if lines:
            sql(f"UPDATE step SET content = ? {where}", zstandard.compress(b"\n".join(changed)))
        return found

    return of


@pytest.mark.parametrize("place", [0, 5, 40, -1])
def test_a_flipped_byte_in_a_step_is_named_with_its_episode_and_step(store, filled, sql, place):
    """People count steps from 1."""
    where = 'WHERE episode = 3 AND "index" = 2'
    ((frame,),) = sql(f"SELECT content FROM step {where}")
    broken = bytearray(frame)
    broken[place] ^= 1
    sql(f"UPDATE step SET content = ? {where}", bytes(broken))
    with pytest.raises(StoreCorrupt, match=f"episode {filled[2].id[:12]}, step 3: it cannot be decompressed"):
        store.episode(filled[2].id)


def test_a_pass_opens_no_step_of_which_nothing_is_asked_but_its_columns(store, filled, sql):
    """Scorers of facts and outcomes pay for no more; whoever asks for more is told which step is damaged."""
    sql('UPDATE step SET content = ? WHERE episode = 3 AND "index" = 2', b"\0")
    episode = list(store.episodes(parts=frozenset()))[2]
    assert [(step.seat, step.outcome) for step in episode.steps] == [
        (step.seat, step.outcome) for step in filled[2].steps
    ]
    assert episode.steps[1].applied == filled[2].steps[1].applied
    with pytest.raises(StoreCorrupt, match=f"episode {filled[2].id[:12]}, step 3: it cannot be decompressed"):
        episode.steps[2].applied  # noqa: B018  # reading is what fails


@pytest.fixture
def long(store):
    """An episode whose second step saw, and was told, what is too long to stand in it."""
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    system = {"role": "system", "content": "s" * 2 * LONG}
    data = {"messages": [system, {"role": "user", "content": "?"}], "reply": {"content": "r" * 2 * LONG}, "tools": []}
    events = (Event(kind="model_call", data=data), Event(kind="model_call", data=data | {"messages": [data["reply"]]}))
    steps = [make_step(0, events=events)]
    steps.append(
        make_step(1, steps[0].digest, observation={"page": "p" * 2 * LONG}, said="w" * 2 * LONG, events=events)
    )
    attempt = store.writer().begin(spec)
    for step in steps:
        store.writer().step(spec.key, attempt, step)
    store.writer().flush()
    return spec.key, steps


def test_what_is_long_is_stored_once_and_apart(store, long, sql):
    key, steps = long
    assert list(store.episode(key).steps) == steps
    assert store.steps(key, 1, 2) == steps[1:]
    assert max(length for (length,) in sql("SELECT length(content) FROM step")) < 600


def test_a_payload_that_is_gone_or_changed_is_named_with_its_episode_and_step(store, long, sql, content):
    key, _ = long
    ref = bytes.fromhex(content(1, 1)[0][1:].decode())
    ((data,),) = sql("SELECT data FROM payload WHERE hash = ?", ref)
    sql("UPDATE payload SET data = ? WHERE hash = ?", flipped(data), ref)
    with pytest.raises(StoreCorrupt, match=f"episode {key[:12]}, step 2: the payload {ref.hex()}"):
        store.episode(key)
    sql("DELETE FROM payload WHERE hash = ?", ref)
    with pytest.raises(StoreCorrupt, match=f"episode {key[:12]}, step 2: the payload {ref.hex()} is missing"):
        store.episode(key)


@pytest.mark.parametrize(
    ("line", "value", "said"),
    [
        ("applied", b'{"k', "step 2: the stored JSON cannot be read"),
        ("applied", b"[]", "step 2: applied: it is no object"),
        ("decision", b"9", "step 2: decision: the menu has no entry 9"),
    ],
)
def test_a_damaged_content_is_named(store, filled, content, line, value, said):
    content(1, 1, **{line: value})
    with pytest.raises(StoreCorrupt, match=f"episode {filled[0].id[:12]}, {said}"):
        store.episode(filled[0].id)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("outcome", "fine", "step 2: outcome"), ('"index"', 7, "step 2: the step is missing")],
)
def test_a_damaged_step_is_named(store, filled, sql, column, value, said):
    sql(f'UPDATE step SET {column} = ? WHERE episode = 1 AND "index" = 1', value)
    with pytest.raises(StoreCorrupt, match=f"episode {filled[0].id[:12]}, {said}"):
        store.episode(filled[0].id)


def test_an_action_changed_into_another_one_shows_in_the_digest(store, filled, content):
    """The store reads it; `sandbox verify` compares digests and names the step."""
    content(1, 1, decision=b"1")
    steps = store.episode(filled[0].id).steps
    assert steps[1].digest_after(steps[0].digest) != steps[1].digest


def test_lost_steps_and_changed_specifications_are_found(store, filled, sql):
    sql('DELETE FROM step WHERE episode = 1 AND "index" = 2')
    with pytest.raises(StoreCorrupt, match="2 of its 3 steps"):
        store.episode(filled[0].id)
    sql("UPDATE episode SET seed = 5 WHERE number = 2")
    with pytest.raises(StoreCorrupt, match="does not match the episode's key"):
        store.episode(filled[1].id)
    with pytest.raises(StoreCorrupt):
        list(store.episodes())


# -- parts -------------------------------------------------------------------------------------------------------------


def test_a_part_that_nobody_reads_is_not_loaded_and_says_so(store, filled):
    (first, *_) = store.episodes(1, frozenset({"menus"}))
    assert first.steps[0].decision == filled[0].steps[0].decision
    assert (first.hash, first.counts(), first.facts) == (filled[0].hash, filled[0].counts(), filled[0].facts)
    with pytest.raises(PluginError, match=r"reads step\.text, but does not say so: put 'observations'"):
        _ = first.steps[0].text
    with pytest.raises(PluginError, match="put 'events'"):
        _ = first.steps[0].events
    (bare, *_) = store.episodes(1, frozenset())
    assert bare.steps[0].applied == filled[0].steps[0].applied
    with pytest.raises(PluginError, match="put 'menus'"):
        _ = bare.steps[0].opportunity


def test_a_step_that_is_made_as_it_is_read_is_the_same_step(store, long):
    """Also after the transaction that found it, and whatever pydantic does with it."""
    key, steps = long
    store.writer().finish(make_episode(make_spec()).model_copy(update={"steps": tuple(steps)}))
    whole = store.episode(key).steps
    for how in (Step.model_dump, Step.model_dump_json, Step.model_copy, copy.deepcopy, Step.model_validate):
        ((first, second),) = [episode.steps for episode in store.episodes(1, PARTS)]
        assert how(second) == how(whole[1])
        assert (first, second) == whole
        assert list(vars(first)) == list(Step.model_fields)


def test_any_text_in_an_appraisal_comes_back(store):
    store.add_experiment("odd", {}, [make_spec()])
    truth = Appraisal(values=(ODD,), risks=(ODD,), content=ODD, features={ODD: ODD})
    menu = (MenuEntry(move={"kind": "share"}, appraisal=truth),)
    writer, step = store.writer(), make_step(0, menu=menu, decision=menu[0])
    attempt = writer.begin(make_spec())
    writer.step(make_spec().key, attempt, step)
    writer.finish(make_episode(make_spec(), attempt).model_copy(update={"steps": (step,), "hash": step.digest}))
    ((read,),) = [episode.steps for episode in store.episodes()]
    assert read == step


def test_a_step_that_is_made_as_it_is_read_names_its_damage(store, filled, content):
    content(1, 1, decision=b"9")
    (first, *_) = store.episodes(1, PARTS)
    assert first.steps[1].said == filled[0].steps[1].said
    with pytest.raises(StoreCorrupt, match=f"episode {first.id[:12]}, step 2: decision: the menu has no entry 9"):
        _ = first.steps[1].menu


def test_a_few_steps_are_read_without_the_others(store, filled, content):
    key = filled[0].id
    assert store.steps(key, 1, 3) == list(filled[0].steps[1:3])
    assert store.steps(key, 3, 9) == []
    content(1, 0, applied=b"[]")
    assert store.steps(key, 2, 3) == [filled[0].steps[2]]
    with pytest.raises(StoreCorrupt, match=r"step 1: applied"):
        store.steps(key, 0, 1)
    with pytest.raises(UnknownName, match="no episode"):
        store.steps(key[:12], 0, 1)


def test_a_few_steps_can_be_made_as_they_are_read_also_after_others_were_written(store, filled, content):
    key = filled[0].id
    steps = store.steps_as_read(key, 1, 3)
    content(1, 2, decision=b"9")
    (later,) = store.steps_as_read(key, 2, 3)
    assert steps == list(filled[0].steps[1:3])
    assert later.events == filled[0].steps[2].events
    with pytest.raises(StoreCorrupt, match=r"step 3: decision"):
        _ = later.menu


def test_a_skim_has_the_kinds_of_events_and_all_rewards(store, filled, content):
    key = filled[0].id
    assert store.skim(key, 1, 9) == [
        (frozenset(event.kind for event in step.events), step.rewards) for step in filled[0].steps[1:]
    ]
    content(1, 1, rewards=b"[]")
    with pytest.raises(StoreCorrupt, match=r"step 2: rewards"):
        store.skim(key, 0, 3)


def test_what_an_episode_is_about_is_all_but_its_steps(store, filled):
    assert store.about(filled[0].id) == filled[0].model_copy(update={"steps": ()})
    with pytest.raises(UnknownName, match="no episode"):
        store.about(filled[0].id[:12])


def test_an_outline_has_a_line_for_each_step(store, filled):
    lines = store.outline(filled[0].id)
    assert [(line.index, line.tick, line.seat, line.outcome, line.reward) for line in lines] == [
        (step.index, step.tick, step.seat, step.outcome, 0.5) for step in filled[0].steps
    ]
    assert {line.flags for line in lines} == {int(Flag.OPPORTUNITY)}


@pytest.mark.parametrize(("steps", "skims"), [(2, 3), (3, 2), (9, 9)])
def test_an_episode_that_is_opened_has_at_once_what_is_read_of_it_in_parts(store, filled, steps, skims):
    key = filled[1].id
    store.save_card("a/b", 1, "", key, Card(scores=(Score(name="x", value=1.0),), marks=(Mark(step=1, name="m"),)))
    store.annotate(key, "bookmark", author="ann", step=1)
    opened = store.opened(key, steps, skims)
    assert (opened.about, opened.outline) == (store.about(key), store.outline(key))
    assert opened.steps == list(filled[1].steps[:steps])
    assert opened.skims == (store.skim(key, 0, 9) if len(filled[1].steps) <= skims else None)
    assert opened.marks == store.marks(key) != []
    assert opened.scores == store.scores(episode=key) != []
    assert opened.annotations == store.annotations(episode=key) != []
    with pytest.raises(UnknownName, match="no episode"):
        store.opened(key[:12], steps, skims)


def test_heads_are_a_sequence_made_as_it_is_read(store, filled):
    heads = store.heads()
    assert len(heads) == 4
    assert [head.id for head in heads] == [heads[place].id for place in range(4)] == [one.id for one in filled]
    assert heads[-1] == list(heads)[3]
    assert list(heads[1:3]) == list(store.heads(limit=2, offset=1))
    assert (heads[0].calls, heads[0].tokens, heads[0].cost, heads[0].lease_owner) == (0, 0, 0.0, None)
    with pytest.raises(IndexError):
        heads[4]


def test_decisions_that_took_more_than_one_answer_are_found(store):
    spec = make_spec()
    store.add_experiment("first", {}, [spec])
    wrong = (Event(kind="invalid", data={"said": "?"}), Event(kind="model_call"), Event(kind="invalid"))
    steps = (make_step(0, events=wrong), make_step(1), make_step(2, events=wrong, decision=None, outcome="invalid"))
    attempt = store.writer().begin(spec)
    for step in steps:
        store.writer().step(spec.key, attempt, step)
    assert store.answered_again() == {}
    store.writer().finish(make_episode(spec, attempt, steps=3))
    assert store.answered_again() == store.answered_again(1) == {spec.key: ["agent"]}
    assert store.answered_again(2) == {}
