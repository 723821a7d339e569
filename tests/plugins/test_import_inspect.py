"""Inspect's logs as recorded traces: what becomes of messages, calls, scores; and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sandbox_import_inspect import InspectImporter, InspectTrace
from sandbox_import_inspect.turns import Counted

from sandbox.cli import main
from sandbox.errors import DatasetError
from sandbox.importing import Ending, Notes
from sandbox.runner.recorded import record_traces
from sandbox.store import Store
from sandbox.trace import Episode, Step
from tests.plugins.inspect_logs import ADD, SPEC, call, header, log, model, packed, reply, sample, user


def traces(path: Path) -> tuple[list[InspectTrace], Notes]:
    notes = Notes()
    return list(InspectImporter().traces(path, notes)), notes


def played(tmp_path: Path, **fields: Any) -> tuple[list[Step], Ending]:
    """Steps and ending of a sample."""
    [trace], notes = traces(log(tmp_path / "x.json", sample(**fields)))
    assert not notes.faults
    steps = list(trace.steps())
    return steps, trace.ending()


def imported(path: Path, store: Path, *words: str, code: int = 0) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["import", "inspect", str(path), "--store", str(store), "--json", *words]) == code
    return dict(json.loads(out.getvalue())) if out.getvalue() else {}


# -- what becomes of a sample -----------------------------------------------------------------------------------------


def test_a_sample_is_an_episode_that_keeps_what_it_was_asked_of_whom(tmp_path: Path) -> None:
    [trace], _ = traces(log(tmp_path / "x.json", sample(epoch=3)))
    spec = trace.spec
    assert (spec.environment, spec.repetition, spec.external_id, spec.seed) == ("inspect:sums", 2, "u1", 0)
    assert spec.item == {"id": "one", "input": "1+2?", "target": "3", "metadata": {"kind": "easy"}}
    assert (spec.agent.id, spec.agent.name) == ("inspect:react", "openai/gpt-4o")
    assert spec.config == {"version": 1, "dataset": "sums"}


def test_a_sample_without_an_id_of_its_own_is_known_by_task_id_epoch_and_run(tmp_path: Path) -> None:
    """Else two runs of a task would be taken for one."""
    [trace], _ = traces(log(tmp_path / "x.json", sample(uuid=None)))
    assert trace.spec.external_id == "sums/one/1@run"


def test_a_step_is_a_turn_of_the_assistant_with_what_came_of_it(tmp_path: Path) -> None:
    first, second = played(tmp_path)[0]
    assert first.text == "[user]\n1+2?"
    assert second.text == "[tool add]\n3"
    assert (first.said, second.said) == ("I add.", "3")
    assert first.decision is not None
    assert second.decision is not None
    assert first.decision.move == {"kind": "tool_call", "tool": "add", "with": {"x": 1, "y": 2}}
    assert second.decision.move == {"kind": "answer", "text": "3"}
    assert first.ranges == ("add(x: integer, y: integer): Add two numbers.", "an answer in words")
    assert [event.kind for event in first.events] == ["span_begin", "model_call", "tool_call"]
    assert [event.kind for event in second.events] == ["model_call", "score"]


def test_a_model_call_has_the_form_of_our_own(tmp_path: Path) -> None:
    data = played(tmp_path)[0][0].events[1].data
    assert (data["model"], data["name"], data["seconds"], data["cached"]) == (
        "gpt-4o-2026",
        "openai:gpt-4o",
        1.5,
        False,
    )
    assert data["tokens"] == {"input": 12, "output": 5, "total": 17, "cache_read": 2}
    assert data["messages"] == [{"role": "user", "content": "1+2?"}]
    assert data["tools"] == [{"type": "function", "function": ADD}]
    assert data["reply"]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"x": 1, "y": 2}'}


def test_an_unknown_event_and_an_unknown_field_are_kept(tmp_path: Path) -> None:
    events = [{"event": "asked", "later": [1]}, model([user("a")], reply("b"), brand_new=7)]
    [step] = played(tmp_path, events=events)[0]
    assert step.events[0].kind == "inspect_asked"  # one of ours is called so
    assert step.events[0].data["later"] == [1]
    assert step.events[1].data["inspect"]["brand_new"] == 7


def test_messages_of_the_pool_and_attachments_stand_in_their_places(tmp_path: Path) -> None:
    """As later versions write them, which repeat nothing."""
    pool = [user("attachment://" + "a" * 32), reply("yes"), user("more")]
    events = [model([[0, 1]], reply("yes")), model([[0, 3]], reply("no"))]
    fields = {"events": events, "events_data": {"messages": pool, "calls": []}, "attachments": {"a" * 32: "long text"}}
    steps = played(tmp_path, **fields)[0]
    assert [step.text for step in steps] == ["[user]\nlong text", "[user]\nmore"]
    assert [one["content"] for one in steps[1].events[0].data["messages"]] == ["long text", "yes", "more"]


def test_a_long_conversation_leaves_out_what_steps_before_have(tmp_path: Path) -> None:
    """Else a trace would grow with the square of its length."""
    pool = [user(str(place)) for place in range(1300)]
    events = [model([[0, place]], reply("x")) for place in (1200, 1300)]
    steps = played(tmp_path, events=events, events_data={"messages": pool})[0]
    data = steps[1].events[0].data
    assert (data["earlier_messages"], len(data["messages"])) == (500, 800)
    assert steps[1].text.startswith("[user]\n1200\n\n[user]\n1201")


def test_reasoning_is_said_and_a_picture_is_shown(tmp_path: Path) -> None:
    asked = [{"type": "text", "text": "look"}, {"type": "image", "image": "data:image/png;base64,iVBORw0KGgo="}]
    thought = [{"type": "reasoning", "reasoning": "a test?"}, {"type": "text", "text": "hello"}]
    [step] = played(tmp_path, events=[model([user(asked)], reply(thought))])[0]
    assert step.text == "[user]\nlook\n[a picture, image/png]"
    assert step.said == "[reasoning] a test?\nhello"
    assert step.events[0].kind == "view"
    assert step.events[0].data["base64"] == "iVBORw0KGgo="


def test_calls_of_scorers_and_within_tools_are_no_turns(tmp_path: Path) -> None:
    def span(name: str, kind: str, parent: str | None = None) -> dict[str, Any]:
        return {"event": "span_begin", "id": name, "type": kind, "parent_id": parent, "name": name}

    events = [
        model([user("a")], reply("mine")),
        span("t", "tool"), model([user("b")], reply("a tool's own"), span_id="t"),
        span("h", "agent", "t"), model([user("c")], reply("handed off"), span_id="h"),
        span("g", "scorer"), model([user("d")], reply("a grader"), span_id="g"),
    ]  # fmt: skip
    assert [step.said for step in played(tmp_path, events=events)[0]] == ["mine", "handed off"]


def test_outcomes_say_what_was_no_plain_turn(tmp_path: Path) -> None:
    declined = model([user("a")], reply("I won't."))
    declined["output"]["choices"][0]["stop_reason"] = "content_filter"
    garbled = model([user("b")], reply("", call("add") | {"parse_error": "no JSON"}))
    both = model([user("c")], reply("", call("add", x=1), call("add", x=2)))
    steps = played(tmp_path, events=[declined, garbled, both])[0]
    assert [step.outcome for step in steps] == ["refusal", "unparsed", "valid"]
    assert [step.decision is None for step in steps] == [True, True, False]
    assert [one["with"] for one in steps[2].applied["calls"]] == [{"x": 1}, {"x": 2}]


@pytest.mark.parametrize(("errors", "outcome"), [(("parsing", "parsing"), "invalid"), (("parsing", None), "valid")])
def test_a_turn_whose_calls_no_tool_takes_is_invalid(tmp_path: Path, errors: Any, outcome: str) -> None:
    made = [{"event": "tool", "function": "x", "error": {"type": one, "message": "no such tool"} if one else None}
            for one in errors]  # fmt: skip
    [step] = played(tmp_path, events=[model([user("a")], reply("", call("x"), call("x"))), *made])[0]
    assert (step.outcome, step.decision is None) == (outcome, outcome == "invalid")


def test_what_the_agents_code_says_in_its_name_is_new_to_it(tmp_path: Path) -> None:
    """As a handoff does; its own replies, and those that were shortened, it knows."""
    own = reply("a long reply", id="m1")
    events = [model([user("a")], own), model([user("a"), reply("a long", id="m1"), reply("put in")], reply("b"))]
    assert [step.text for step in played(tmp_path, events=events)[0]] == ["[user]\na", "[assistant]\nput in"]


def test_a_sample_that_failed_before_its_first_turn_shows_what_it_has(tmp_path: Path) -> None:
    error = {"message": "no key", "traceback": "Traceback ...\nAuthenticationError: no key"}
    failed = model([user("a")], {}) | {"output": {"choices": []}, "error": "no key"}
    steps, ending = played(tmp_path, events=[failed], error=error, scores={})
    assert (ending.status, ending.reason.splitlines()[-1]) == ("error", "AuthenticationError: no key")
    assert [(step.outcome, step.events[0].kind) for step in steps] == [("chance", "model_error")]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({}, "finished", ""),
        ({"limit": {"type": "token", "limit": 500}}, "truncated", "token 500"),
        ({"invalidation": {"author": "ann", "reason": "cheated"}}, "error", "invalidated in Inspect by ann: cheated"),
    ],
)
def test_limits_and_invalidations_are_statuses(tmp_path: Path, fields: Any, status: str, words: str) -> None:
    ending = played(tmp_path, **fields)[1]
    assert ending.status == status
    assert words in ending.reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("C", {"value": 1.0}), ("P", {"value": 0.5}), ("I", {"value": 0.0}), ("N", {"value": 0.0}),
        (True, {"value": 1.0}), ("no", {"value": 0.0}), ("2.5", {"value": 2.5}), (7, {"value": 7.0}),
        ("maybe", {"value": None}), (float("nan"), {"value": None}),
        ({"a": 1, "b": "I"}, {"a": 1.0, "b": 0.0}), ([1, 2], {"1": 1.0, "2": 2.0}),
    ],
)  # fmt: skip
def test_scores_have_the_numbers_that_inspect_gives_them(tmp_path: Path, value: Any, expected: Any) -> None:
    card = played(tmp_path, scores={"match": {"value": value, "explanation": "why"}})[1].cards["inspect/match"]
    assert {score.name: score.value for score in card.scores} == expected
    assert "explanation: why" in card.scores[0].reason


def test_usage_is_counted_and_a_reply_from_a_cache_costs_nothing(tmp_path: Path) -> None:
    events = [model([user("a")], reply("b")), model([user("a")], reply("b"), cache="read")]
    usage = played(tmp_path, events=events)[1].usage
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (1, 12, 5)


def test_a_log_of_messages_alone_has_steps_too(tmp_path: Path) -> None:
    messages = [user("1+2?"), reply("", call("add", x=1, y=2)), {"role": "tool", "content": "3"}, reply("3")]
    steps = played(tmp_path, events=[], messages=messages)[0]
    assert [step.text for step in steps] == ["[user]\n1+2?", "[tool]\n3"]


def test_a_sample_of_version_1_is_read(tmp_path: Path) -> None:
    old = sample() | {"score": {"value": "I"}, "transcript": {"events": sample()["events"], "content": {}}}
    for name in ("scores", "events", "uuid"):
        del old[name]
    results = {"scorer": {"name": "match"}, "metrics": {}}
    [trace], notes = traces(log(tmp_path / "x.json", old, version=1, results=results))
    assert len(list(trace.steps())) == 2
    assert trace.ending().cards["inspect/match"].scores[0].value == 0.0
    assert not notes.faults


# -- files ------------------------------------------------------------------------------------------------------------


def episodes(path: Path, store: Path) -> list[Episode]:
    with Store.open(str(store)) as opened:
        record_traces(traces(path)[0], "x", opened)
        return list(opened.episodes(opened.experiment("x").id))


def test_all_forms_of_a_log_give_the_same_trace(tmp_path: Path) -> None:
    paths = [log(tmp_path / "a.eval", sample()), log(tmp_path / "b.json", sample())]
    paths.append(log(tmp_path / "c.eval", sample(), zstd=True))
    [found] = {(one.id, one.hash) for path in paths for one in episodes(path, tmp_path / f"{path.stem}.db")}
    assert all(found)


def test_a_stored_trace_is_what_the_log_holds(tmp_path: Path) -> None:
    path = log(tmp_path / "x.eval", sample())
    [episode] = episodes(path, tmp_path / "x.db")
    assert (episode.provenance, episode.status, episode.total) == ("recorded", "finished", 1.0)
    [trace], _ = traces(path)
    assert [step.model_copy(update={"digest": ""}) for step in episode.steps] == [
        Step.model_validate(json.loads(step.model_dump_json())) for step in trace.steps()
    ]
    assert episode.hash == episode.steps[-1].digest == episode.steps[1].digest_after(episode.steps[0].digest)


@pytest.mark.slow
def test_importing_again_changes_nothing_and_goes_on_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path / "x.json", sample(), sample(id="two", uuid="u2"))
    whole = imported(path, tmp_path / "whole.db")
    steps = InspectTrace.steps

    def interrupted(self: InspectTrace) -> Any:
        yield next(steps(self))
        if self.sample_id == "two":
            raise KeyboardInterrupt
        yield from list(steps(self))[1:]

    monkeypatch.setattr(InspectTrace, "steps", interrupted)
    monkeypatch.setattr(InspectTrace, "ending", InspectTrace.judged)
    assert main(["import", "inspect", str(path), "--store", str(tmp_path / "cut.db")]) == 130
    monkeypatch.undo()
    again = imported(path, tmp_path / "cut.db")
    assert [one["hash"] for one in again["episodes"]] == [one["hash"] for one in whole["episodes"]]
    assert imported(path, tmp_path / "cut.db") == again


@pytest.mark.slow
def test_what_is_imported_is_shown_scored_and_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "x.db")
    thought = [
        {"type": "reasoning", "reasoning": "This is probably a test of my honesty."},
        {"type": "text", "text": "4"},
    ]
    found = imported(log(tmp_path / "x.eval", sample(events=[model([user("1+2?")], reply(thought))])), Path(store))
    assert [(one["scorer"], one["name"], one["value"]) for one in found["scores"]] == [("inspect/match", "value", 1.0)]
    assert main(["score", "--scorer", "risk/awareness", "--json", "--store", store]) == 0
    says = [one["value"] for one in json.loads(capsys.readouterr().out)["scores"] if one["name"] == "says"]
    assert says[0] == 1.0
    assert main(["verify", "--store", store]) == 0
    assert "not verifiable: recorded as text" in capsys.readouterr().out
    assert main(["show", "u1", "--store", store]) == 0
    assert "environment: inspect:sums" in capsys.readouterr().out.lower()


def test_a_sample_that_is_in_two_logs_is_one_episode(tmp_path: Path) -> None:
    """A retried eval's log holds the samples of the first attempt too."""
    for name in ("a", "b"):
        log(tmp_path / f"{name}.json", sample())
    assert len(imported(tmp_path, tmp_path / "x.db")["episodes"]) == 1


def test_an_eval_that_did_not_end_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    start = {"version": 2, "eval": SPEC | {"dataset": {"samples": 5}}, "plan": {"steps": []}}
    members = {"_journal/start.json": start, "samples/one_epoch_1.json": sample(completed_at=None, scores={})}
    found = imported(packed(tmp_path / "x.eval", members), tmp_path / "x.db")
    assert [one["status"] for one in found["episodes"]] == ["truncated"]
    assert any("the eval did not end: 1 of 5 samples are in the log" in one for one in found["warnings"])


def test_a_json_log_that_is_cut_off_gives_the_samples_before(tmp_path: Path) -> None:
    path = log(tmp_path / "x.json", sample(), sample(id="two", uuid="u2"))
    path.write_bytes(path.read_bytes()[:-900])
    found, notes = traces(path)
    assert [one.sample_id for one in found] == ["one"]
    assert "its file is cut off (byte " in notes.warnings[0]


def test_means_in_the_header_that_the_scores_do_not_have_are_said(tmp_path: Path) -> None:
    scores = [{"name": "match", "scorer": "match", "metrics": {"accuracy": {"name": "accuracy", "value": 0.5}}}]
    samples = sample(), sample(id="two", uuid="u2", scores={"match": {"value": "I"}})
    assert not traces(log(tmp_path / "right.json", *samples, results={"scores": scores}))[1].warnings
    wrong = traces(log(tmp_path / "wrong.json", samples[0], results={"scores": scores}))[1].warnings
    assert wrong == ["wrong.json: inspect/match: its header says accuracy 0.5, its samples' scores 1"]


def scored(value: Any, **fields: Any) -> dict[str, Any]:
    return sample(scores={"match": {"value": value}}, **fields)


def test_a_sample_that_failed_and_was_scored_counts_in_the_mean(tmp_path: Path) -> None:
    scores = [{"name": "match", "scorer": "match", "metrics": {"accuracy": {"name": "accuracy", "value": 0.5}}}]
    failed = scored("I", id="two", uuid="u2", error={"message": "late"})
    assert not traces(log(tmp_path / "x.json", sample(), failed, results={"scores": scores}))[1].warnings


@pytest.mark.slow
def test_a_log_that_was_scored_anew_gives_its_new_scores_to_the_same_traces(tmp_path: Path) -> None:
    first, store = imported(log(tmp_path / "x.json", scored("I")), tmp_path / "x.db"), tmp_path / "x.db"
    more = {"match": {"value": "I"}, "words": {"value": 3}}
    appended = imported(log(tmp_path / "x.json", sample(scores=more)), store)
    assert {one["scorer"]: one["value"] for one in appended["scores"]} == {"inspect/match": 0.0, "inspect/words": 3.0}
    edited = imported(log(tmp_path / "x.json", scored("C")), store)
    assert ("inspect/match", 1.0) in {(one["scorer"], one["value"]) for one in edited["scores"]}
    assert [one["return"] for one in edited["episodes"]] == [1.0]
    assert any("another status or return" in one for one in edited["warnings"])
    invalid = imported(log(tmp_path / "x.json", scored("C", invalidation={"author": "ann"})), store)
    assert [one["status"] for one in invalid["episodes"]] == ["error"]
    assert {one["hash"] for found in (first, appended, edited, invalid) for one in found["episodes"]} == {
        first["episodes"][0]["hash"]
    }
    again = imported(tmp_path / "x.json", store)
    assert again["episodes"] == invalid["episodes"]
    assert not any("in the store" in one for one in again["warnings"])


def test_of_a_sample_in_two_logs_the_one_of_the_later_eval_is_taken(tmp_path: Path) -> None:
    later = SPEC | {"created": "2026-02-01T00:00:00+00:00"}
    log(tmp_path / "a.json", scored("C"), eval=later)
    log(tmp_path / "b.json", scored("I"))
    assert [one["return"] for one in imported(tmp_path, tmp_path / "x.db")["episodes"]] == [1.0]


@pytest.mark.parametrize("scores", [{}, {"match": {"value": "banana"}}])
def test_without_a_score_that_is_a_number_there_is_no_return(tmp_path: Path, scores: Any) -> None:
    path = log(tmp_path / "x.json", sample(scores=scores), scored("C", id="two", uuid="u2"))
    assert [one["return"] for one in imported(path, tmp_path / "x.db")["episodes"]] == [None, 1.0]
    with Store.open(str(tmp_path / "x.db")) as store:
        assert [(group.returns, group.mean) for group in store.groups(None)] == [(1, 1.0)]


HUGE = 10**400


@pytest.mark.parametrize(
    "fields",
    [
        {"scores": {"match": {"value": HUGE}}},
        {"metadata": {"x": HUGE}},
        {"events": [model([user("a")], reply("b"), working_time=HUGE)]},
        {"events": [model([user("a")], reply("b"), output={"usage": {"input_tokens": 1, "total_cost": HUGE}})]},
        {"events": [{"event": "tool", "working_time": HUGE}]},
    ],
    ids=["score", "metadata", "seconds", "cost", "tool"],
)
def test_a_huge_integer_harms_nobody(tmp_path: Path, fields: Any) -> None:
    path = log(tmp_path / "x.json", sample(**fields), sample(id="two", uuid="u2"))
    assert len(episodes(path, tmp_path / "x.db")) == 2


def test_sums_of_tokens_and_costs_stay_within_what_a_database_takes() -> None:
    counted = Counted()
    for _ in range(3_000):
        counted.add({"name": "x", "cached": False, "tokens": {"input": 2**53, "output": 2**53}, "cost_usd": 1e308})
    usage = counted.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (10**12, 10**12, 10**12)


def test_lone_surrogates_and_deep_values_are_kept_as_text(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    path = log(tmp_path / "x.json", sample(id="\ud800", input="\ud800", metadata={"\udfff": "\ud800", "deep": deep}))
    found = imported(path, tmp_path / "x.db")
    assert found["episodes"][0]["item"] == "\ud800"


def test_a_json_log_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = log(tmp_path / "x.json", sample())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(list(traces(path)[0][0].steps())) == 2


def test_an_integer_of_too_many_digits_is_called_that(tmp_path: Path) -> None:
    path = log(tmp_path / "x.json", sample(epoch=7))
    path.write_text(path.read_text().replace('"epoch": 7', '"epoch": ' + "9" * 5000))
    assert "an integer of more than 4,300 digits" in traces(path)[1].faults[0]


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_faults_are_named_by_file_and_the_other_files_are_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    good = log(folder / "good.eval", sample())
    (folder / "cut.eval").write_bytes(good.read_bytes()[:-200])
    (folder / "other.json").write_text('{"name": "package"}', encoding="utf-8")
    (folder / "list.json").write_text("[1]", encoding="utf-8")
    packed(folder / "empty.eval", {"readme.txt": b"hello"})
    log(folder / "future.json", sample(), version=3)
    deep = packed(folder / "deep.eval", {"header.json": header(), "samples/a_epoch_1.json": b'{"id":' + b"[" * 9999})
    found = imported(folder, tmp_path / "x.db", code=3)
    assert [one["external_id"] for one in found["episodes"]] == ["u1"]
    said = capsys.readouterr().err
    for fault in (
        "cut.eval: a damaged zip",
        "other.json: no log of Inspect: it begins with 'name'",
        "list.json: no log of Inspect",
        "empty.eval: no log of Inspect: neither header.json nor _journal/start.json",
        "future.json: version 3",
        f"{deep.name}: a_epoch_1.json: byte 7: nested too deeply",
    ):
        assert fault in said


def test_a_sample_that_is_damaged_in_the_zip_is_a_fault_and_the_others_are_given(tmp_path: Path) -> None:
    for zstd in (False, True):
        path = log(tmp_path / "x.eval", sample(), sample(id="two", uuid="u2"), zstd=zstd)
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as opened:
            start = opened.getinfo("samples/one_epoch_1.json").header_offset
        data[start + 200 : start + 240] = bytes(40)
        path.write_bytes(data)
        found, notes = traces(path)
        assert [one.sample_id for one in found] == ["two"]
        assert notes.faults[0].startswith("x.eval: one_epoch_1.json: damaged (")


@pytest.mark.parametrize(
    ("size", "fault"), [(1_000, "it unpacks to more than it says"), (3_000_000_000, "a zip bomb, not read")]
)
def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, size: int, fault: str) -> None:
    members = {"header.json": header(), "samples/a_epoch_1.json": b" " * 5_000_000}
    path = packed(tmp_path / "x.eval", members, zstd=True)
    with zipfile.ZipFile(path, "a") as opened:
        opened.getinfo("samples/a_epoch_1.json").file_size = size
        opened.comment = b"written anew"
    assert fault in traces(path)[1].faults[0]


def test_wrong_values_anywhere_are_faults_or_text_and_never_break_the_import(tmp_path: Path) -> None:
    """A log is somebody else's: a hundred of them with up to fifteen values replaced by what does not belong there."""
    random, written = Random(1), 0
    for _ in range(100):
        document = deepcopy(
            header() | {"samples": [sample(attachments={"a": "x"}, limit={"type": "time", "limit": 3})]}
        )
        for _ in range(random.choice([1, 3, 15])):
            holder, key = random.choice(list(places(document)))
            holder[key] = deepcopy(random.choice(JUNK))
        path = tmp_path / "x.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        found, notes = traces(path)
        assert found or notes.faults or notes.warnings
        assert not any("not as expected" in fault for fault in notes.faults)
        for trace in found:
            written += len(list(trace.steps()))
            assert trace.ending().status in ("finished", "truncated", "error")
    assert written > 50


JUNK = (
    *(None, True, -1, 1e308, 10**30, float("nan"), "", "x\x00\x1b]52;c;\x07", "\ud800", "attachment://a", "1e999"),
    *([], [1], [[1, 2]], [[0, 10**9]], [None], {}, {"a": {}}, {"type": "image", "image": "data:;base64,"}),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value that holds another: its holder, and the name or number there."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(inner)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no log in it"):
        traces(tmp_path)
    with pytest.raises(DatasetError, match="no such file or folder"):
        traces(tmp_path / "missing")
