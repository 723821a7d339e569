"""`sandbox play`: in lines through a pipe, left and gone on with, and on a real terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.store import Store
from tests.tui.terminal import Terminal

SWITCH = ["play", "power/OffSwitch-v0", "--name", "ann", "--plain"]
Answers = Callable[[str], None]


def wait(terminal: Terminal, words: str) -> None:
    """Until the words have been on the screen at any time, also while keys were pressed."""
    end = time.monotonic() + 60
    while words not in terminal.output:
        assert time.monotonic() < end, f"{words!r} never came; the last were {terminal.output[-300:]!r}"
        terminal.read(0.1, 1.0)
    terminal.read(0.3, 10.0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Puts lines into standard input, and its end after them."""
    files = ExitStack()

    def give(lines: str) -> None:
        reading, writing = os.pipe()
        os.write(writing, lines.encode())
        os.close(writing)
        monkeypatch.setattr(sys, "stdin", files.enter_context(os.fdopen(reading)))

    with files:
        yield give


def episodes(store: Path) -> list[tuple[str, int, str]]:
    with Store.open(str(store)) as opened:
        return [(head.status, opened.pulse(head.id).steps, head.item) for head in opened.heads()]


@pytest.mark.slow
def test_lines_of_a_pipe_play_an_episode_and_the_same_again_goes_on_or_plays_the_next(
    tmp_path: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "a.db"
    words = [*SWITCH, "--store", str(store)]
    answers("1\n1\nseven\n1\n")
    assert main(words) == 130
    printed = capsys.readouterr()
    assert "Step 1, seat agent: ann\n" in printed.out
    assert "'seven' is no number from 0 to 3; again:" in printed.out
    assert "the same command goes on from there" in printed.err
    assert episodes(store) == [("pending", 3, "archive")]
    answers("1\n" * 40)
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "going on with an episode that was left after step 3" in printed.out
    assert "Step 4, seat agent: ann" in printed.out
    assert "Step 3, seat" not in printed.out
    assert "  payoffs: agent " in printed.out
    assert "  score " in printed.out
    (key,) = re.findall(r"replay it: sandbox replay (\w{12})", printed.out)
    with Store.open(str(store)) as opened:
        episode = opened.episode(opened.find(key))
        assert episode.spec.agent.id == "human:ann"
        assert episode.status == "finished"
        assert episode.steps[2].events[-1].data["slips"] == 1
    answers("")
    assert main(words) == 130
    assert len({item for _, _, item in episodes(store)}) == 2
    assert main(["verify", key, "--store", str(store)]) == 0


@pytest.mark.slow
def test_a_glob_fills_the_seats_that_are_left_and_a_model_may_sit_in_them(
    tmp_path: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["play", "power/Commons-v0", "--seat", "ben", "--seat", "c*=baselines/safe", "--agent", "llm/react"]
    answers("1\n" * 40)
    assert main([*words, "-A", "model=fake:first", "--name", "x", "--store", str(tmp_path / "a.db"), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["episodes"]
    assert entry["seats"] == {"ada": "llm/react(fake:first)", "ben": "x", "cleo": "baselines/safe"}
    answers("1\n" * 40)
    words = ["play", "power/Commons-v0", "--seat", "ben", "--seat", "*=baselines/safe", "--seat", "ada=baselines/first"]
    assert main([*words, "--name", "x", "--store", str(tmp_path / "a.db"), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["episodes"]
    assert entry["seats"] == {"ada": "baselines/first", "ben": "x", "cleo": "baselines/safe"}


@pytest.mark.slow
def test_one_document_is_printed_where_it_is_asked_for(
    tmp_path: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers("1\n3\n")
    words = ["play", "games/Ultimatum-v0", "--name", "ann", "--agent", "baselines/greedy", "--json"]
    assert main([*words, "--store", str(tmp_path / "a.db")]) == 0
    printed = capsys.readouterr()
    (entry,) = json.loads(printed.out)["episodes"]
    assert set(entry["seats"].values()) == {"ann", "baselines/greedy"}
    assert "number:" in printed.err


@pytest.mark.slow
def test_an_episode_that_is_played_elsewhere_now_is_left_alone(
    tmp_path: Path, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "a.db"
    words = [*SWITCH, "--store", str(store)]
    answers("1\n")
    assert main(words) == 130
    with Store.open(str(store)) as elsewhere:
        (number,) = elsewhere.queue(elsewhere.experiments()[0].id)
        assert elsewhere.claim([number], 1)
        answers("1\n")
        assert main(words) == 130
    assert "going on with" not in capsys.readouterr().out
    assert [steps for _, steps, _ in episodes(store)] == [0, 1]  # a new attempt there, and another episode here


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["games/Ultimatum-v0", "--seat", "carol"], 3, "games/Ultimatum-v0 has the seats"),
        (["games/Ultimatum-v0", "--seat", "*=baselines/greedy"], 3, "none is left for you"),
        (["games/Ultimatum-v0", "--agent", "baselines/gredy"], 4, "did you mean 'baselines/greedy'"),
        (["power/OffSwitch-v0", "--item", "nosuch"], 3, "no item 'nosuch'"),
        (["power/NoSwitch-v0"], 4, "did you mean"),
        (["power/OffSwitch-v0", "--name", "a\nb"], 3, "is no name"),
    ],
)
def test_what_cannot_be_played_is_said(
    words: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["play", *words, "--store", str(tmp_path / "a.db")]) == code
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_an_experiment_with_people_is_left_to_be_run_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "people.yaml"
    plan.write_text(
        "name: people\nagents: [{id: 'human:ann', name: ann}, baselines/safe]\n"
        "environments: [{id: power/OffSwitch-v0, items: {first: 1}}]\n"
    )
    assert main(["run", str(plan), "--store", str(tmp_path / "a.db")]) == 6
    assert "human:ann is a person, and there is no terminal to ask them at" in capsys.readouterr().err
    assert sorted(status for status, _, _ in episodes(tmp_path / "a.db")) == ["finished", "pending"]


@pytest.mark.slow
def test_a_killed_process_loses_no_answer_that_took_effect(tmp_path: Path, answers: Answers) -> None:
    store = tmp_path / "a.db"
    words = [*SWITCH, "--store", str(store)]
    command = [sys.executable, "-m", "sandbox", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("1\n" * 6)
        process.stdin.flush()
        while "Step 7," not in process.stdout.readline():
            pass
        end = time.monotonic() + 20
        while episodes(store)[0][1] < 6 and time.monotonic() < end:  # the writer is a thread of its own
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert episodes(store) == [("running", 6, "archive")]
    answers("1\n" * 40)
    assert main(words) == 0
    assert episodes(store)[0][0] == "finished"


@pytest.mark.slow
@pytest.mark.tui
def test_on_a_terminal_it_is_played_left_gone_on_with_and_replayed(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    command = [sys.executable, "-m", "sandbox", *SWITCH[:-1], "--store", str(store)]
    with Terminal(command, (80, 24), {"NO_COLOR": "1"}) as terminal:
        wait(terminal, "you may")
        terminal.press("1")
        terminal.press("\r")
        wait(terminal, "step 2")
        terminal.press("\x03")
        wait(terminal, "the same command goes on from there")
        assert terminal.process.wait(20) == 130
    assert episodes(store) == [("pending", 1, "archive")]
    with Terminal(command, (80, 24), {}) as terminal:
        wait(terminal, "Go on? [Y/n]")
        terminal.press("\r")
        wait(terminal, "step 2")
        for _ in range(60):
            if episodes(store)[0][0] == "finished":
                break
            terminal.press("1", quiet=0.3)
            terminal.press("\r", quiet=0.5)
        wait(terminal, "truth")
        terminal.press("r")
        wait(terminal, "what it saw")
        terminal.press("q")
        wait(terminal, "replay it:")
        assert terminal.process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.tui
def test_an_experiment_with_people_is_run_at_the_terminal_where_there_is_one(tmp_path: Path) -> None:
    plan = tmp_path / "people.yaml"
    plan.write_text(
        "name: people\nagents: [{id: 'human:ann', name: ann}]\nlimits: {steps: 2}\n"
        "environments: [{id: power/OffSwitch-v0, items: {first: 1}}]\n"
    )
    store = tmp_path / "a.db"
    with Terminal([sys.executable, "-m", "sandbox", "run", str(plan), "--store", str(store)], (80, 24), {}) as terminal:
        wait(terminal, "seat agent")
        for step in ("step 2", "All is played"):
            terminal.press("1")
            terminal.press("\r")
            wait(terminal, step)
        terminal.press("q")
        wait(terminal, "replay it: sandbox replay")
        assert terminal.process.wait(20) == 0
    assert episodes(store) == [("truncated", 2, "archive")]
