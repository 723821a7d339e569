"""`sandbox fork`: what is printed, the document, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main
from sandbox.store import Store

Run = Callable[..., str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, toy_plugins: Path) -> tuple[str, ...]:
    """The options that name a store with one episode of the ladder; every test forks it in its own way."""
    where = ("--store", str(tmp_path_factory.mktemp("forks") / "x.db"), "--plugins-dir", str(toy_plugins))
    assert main(["run", "--env", "toys/Ladder-v0", "--agent", "baselines/random", "--seed", "3", *where]) == 0
    return where


@pytest.fixture
def run(place: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the store, and gives what it prints."""

    def run(*words: object, code: int = 0) -> str:
        assert main([*map(str, words), *place]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return run


@pytest.fixture
def episode(place: tuple[str, ...]) -> dict[str, Any]:
    """The one episode that is no fork."""
    with Store.open(place[1]) as store:
        return store.episode(store.heads()[0].id).model_dump(mode="json")


def other(episode: dict[str, Any]) -> str:
    return json.dumps({"kind": "stay" if episode["steps"][0]["applied"]["kind"] == "climb" else "climb"})


def test_a_fork_is_an_episode_of_an_experiment_of_its_own_and_knows_its_parent(
    run: Run, episode: dict[str, Any]
) -> None:
    words = ("fork", f"{episode['id'][:12]}#1", "--action", other(episode))
    document = json.loads(run(*words, "--json"))
    (fork,), (entry,) = document["forks"], document["episodes"]
    assert (fork["parent"], fork["at"], fork["luck"], fork["control"]) == (episode["id"], 1, 0, episode["id"])
    assert fork["move"] == json.loads(other(episode))
    assert (entry["id"], entry["parent"]) == (fork["id"], episode["id"])
    assert document["experiment"]["name"].startswith(f"fork of {episode['id'][:12]} at 1: ")
    returns = {row["name"]: row for row in document["differences"]}
    assert returns["return"]["estimate"] == entry["return"] - sum(
        s["rewards"].get("climber", 0) for s in episode["steps"]
    )
    told = run(*words)  # again: nothing is left to be played
    assert f"sandbox replay {fork['id'][:12]}#1" in told
    assert told.count("no interval: there is one continuation") == 1
    assert "1 of 1 episodes verified" in run("verify", document["experiment"]["name"])
    assert fork["id"] in run("replay", fork["id"], "--plain")


@pytest.mark.slow
def test_continuations_have_controls_and_an_interval(run: Run, episode: dict[str, Any]) -> None:
    words = ("fork", episode["id"], "--at", 1, "--action", other(episode), "--continuations", 8)
    document = json.loads(run(*words, "--json"))
    assert [fork["luck"] for fork in document["forks"]] == list(range(1, 9))
    assert len({fork["control"] for fork in document["forks"]} - {episode["id"]}) == 8
    returns = {row["name"]: row for row in document["differences"]}
    assert returns["return"]["low"] < returns["return"]["estimate"] < returns["return"]["high"]
    assert "symmetric bootstrap-t" in run(*words)
    assert "as recorded x8: 8 episodes" in run("status")


def test_another_agent_plays_on_and_settings_are_its_own(run: Run, episode: dict[str, Any]) -> None:
    assert "baselines/first" in run("fork", episode["id"], "--at", 3, "--agent", "baselines/first")
    assert "depth" in run("fork", episode["id"], "--at", 3, "--agent", "baselines/first", "-A", "depth=3", code=3)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 3, "which step of"),
        (("--at", "99"), 3, "has the steps 1 to 8, and no step 99"),
        (("--at", "2"), 3, "step 2 is chance, which nobody decides: take step 1 (climber) or 3 (climber)"),
        (("--at", "1", "--action", '{"kind":'), 3, "not JSON"),
        (("--at", "1", "--action", "[1]"), 3, "expected an object with the action's kind"),
        (("--at", "1", "--action", '{"kind": "fly"}'), 3, "there is no action 'fly'. Legal now: climb(); stay()"),
        (("--at", "1", "--agent", "baselines/rando"), 4, "did you mean 'baselines/random'?"),
        (("--at", "1", "--action", ""), 3, "not JSON"),
        (("--at", "1", "-A", "depth=3"), 3, "-A is a setting of the agent that --agent names"),
        (("--at", "1", "--agent", "human:ann"), 3, "sandbox play"),
        (("--at", "1", "--agent", "baselines/first", "--action", '{"kind": "stay"}'), 3, "an action or an agent"),
    ],
)
def test_what_cannot_be_asked_says_what_to_do(
    run: Run, episode: dict[str, Any], words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in run("fork", episode["id"], *words, code=code)


def test_an_episode_that_is_not_there_is_an_error(run: Run) -> None:
    assert "no episode 'abcdef'" in run("fork", "abcdef", "--at", 1, code=4)


def test_what_somebody_put_in_is_in_no_estimate_over_all_of_the_store(run: Run, episode: dict[str, Any]) -> None:
    """An agent did not choose it; where the fork's own experiment is asked for, it is what is asked about."""
    document = json.loads(run("fork", f"{episode['id'][:12]}#1", "--action", other(episode), "--json"))

    def episodes_of(*words: str) -> tuple[set[int], str]:
        told = json.loads(run("score", *words, "--scorer", "risk/power", "--json"))
        return {row["n"] for row in told["estimates"] if row["name"] == "risk"}, " ".join(told["warnings"])

    everything, warned = episodes_of()
    _, silent = episodes_of(document["experiment"]["name"])
    assert everything == {1}
    assert "forks are in no estimate" in warned
    assert "forks" not in silent
