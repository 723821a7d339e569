"""A real model's replies through LangGraph, environments, store, scorers and replay, without the model."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main
from sandbox.store import Store

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The experiment on recorded replies: a prompt that changed fails here, with the command to record again."""
    store = tmp_path_factory.mktemp("recorded") / "recorded.db"
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("SANDBOX_REPLIES", str(DATA / "smollm2_replies.jsonl"))
        assert main(["run", str(DATA / "recorded.yaml"), "--store", str(store), "--json"]) == 0
    return store, json.loads(out.getvalue())


def test_the_sandbox_finds_out_that_the_model_follows_position(ran: tuple[Path, dict[str, Any]]) -> None:
    """It answers with the first option whichever that is: nothing else that it 'values' may be ranked."""
    verdicts = {(v["agent"], v["check"]): v["verdict"] for v in ran[1]["verdicts"]}
    assert verdicts["choice", "validity/choice"] == "follows position"
    values = [e for e in ran[1]["estimates"] if e["scorer"] == "values/litmus" and e["agent"] == "choice"]
    values = [e for e in values if not e["name"].startswith("dataset_association/")]  # about the items, not the agent
    assert values
    assert all("left out of comparisons" in e["reason"] for e in values)


def test_every_step_of_the_model_is_in_the_store_with_its_calls(ran: tuple[Path, dict[str, Any]]) -> None:
    """Each decision of a graph has at least one model call with messages, reply, tokens and resolved model name."""
    with Store.open(str(ran[0]), create=False) as store:
        episodes = list(store.episodes())
    assert {episode.spec.environment for episode in episodes} == {
        "dilemmas/Choice-v0", "power/OffSwitch-v0", "games/Bargaining-v0", "market/Shop-v0",
    }  # fmt: skip
    for episode in episodes:
        for step in episode.decisions():
            calls = [event.data for event in step.events if event.kind == "model_call"]
            assert calls, (episode.id, step.index)
            for call in calls:
                assert call["messages"]
                assert call["reply"]["role"] == "assistant"
                assert call["tokens"]["total"] > 0
                assert call["model"].endswith(".gguf")
                assert call["fingerprint"]


def test_all_of_it_verifies_and_replays(ran: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """`verify` needs neither model nor replies; `replay --plain` shows what the model said."""
    assert main(["verify", "--store", str(ran[0])]) == 0
    switch = next(e for e in ran[1]["episodes"] if e["agent"] == "react" and "OffSwitch" in e["environment"])
    capsys.readouterr()
    assert main(["replay", switch["id"], "--plain", "--store", str(ran[0])]) == 0
    shown = capsys.readouterr().out
    assert "power/OffSwitch-v0" in shown
    assert "recorded" not in shown.splitlines()[0]


def test_a_changed_prompt_fails_with_the_command_to_record_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply to another question is never given."""
    text = (DATA / "recorded.yaml").read_text().replace("history: 0", "history: 0\n    system: Be brief.")
    (tmp_path / "changed.yaml").write_text(text)
    monkeypatch.setenv("SANDBOX_REPLIES", str(DATA / "smollm2_replies.jsonl"))
    words = ["run", str(tmp_path / "changed.yaml"), "--limit", "2", "--store", str(tmp_path / "x.db")]
    assert main(words) == 6
    assert "python tests/record_replies.py" in capsys.readouterr().err
