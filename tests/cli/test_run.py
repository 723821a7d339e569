"""What `sandbox run` says when it is over, and when it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.cli import main

ROOT = Path(__file__).parents[2]


def test_failed_episodes_are_said_with_what_to_do_and_are_played_again_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--env", "gymnasium:FrozenLake-v1", "-P", "map_name=nosuch", "--agent", "baselines/random"]
    words += ["--episodes", "2", "--store", str(tmp_path / "a.db")]
    assert main(words) == 9
    said = capsys.readouterr().err
    assert "warning: 2 of 2 episodes ended in error; why the first did: sandbox show " in said
    assert f"--store {tmp_path / 'a.db'}   (--retry-errors plays them again)" in said
    assert main(words) == 9
    assert capsys.readouterr().err.startswith("nothing is left to be run: all 2 episodes are done\n")
    assert main([*words, "--retry-errors"]) == 9
    assert "2 of 2 episodes: 2 failed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_seat_may_be_a_glob(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "run",
        "--env",
        "power/Commons-v0",
        "--agent",
        "baselines/first",
        "--store",
        str(tmp_path / "a.db"),
        "--json",
    ]
    assert main([*words, "-P", "seats=3", "--seat", "[bc]*=baselines/safe"]) == 0
    (episode,) = json.loads(capsys.readouterr().out)["episodes"]
    assert episode["seats"] == {"ada": "baselines/first", "ben": "baselines/safe", "cleo": "baselines/safe"}
    assert main([*words, "--seat", "x*=baselines/safe"]) == 3
    assert "$.environments[0].seats.x*: power/Commons-v0 has the seats ada, ben" in capsys.readouterr().err


@pytest.mark.slow
def test_a_game_without_a_last_round_is_run_for_a_number_of_steps_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two who agree on nothing would go on for ever."""
    words = ["run", "--env", "games/Bargaining-v0", "-P", "rounds=null", "--agent", "baselines/null", "--json"]
    words += ["--store", str(tmp_path / "a.db")]
    assert main(words) == 3
    assert "$.limits.steps: is needed: games/Bargaining-v0 has no end of its own" in capsys.readouterr().err
    assert main([*words, "--steps", "5"]) == 0
    (episode,) = json.loads(capsys.readouterr().out)["episodes"]
    assert (episode["status"], episode["steps"]) == ("truncated", 5)


def test_how_many_steps_the_episodes_of_a_file_have_is_said_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(tmp_path / "x.yaml"), "--steps", "5"]) == 3
    assert "limits: {steps: N}" in capsys.readouterr().err


FILE = """
name: coins
environments: [{id: games/Matrix-v0, config: {rounds: 2}, sweep: {horizon_told: [true, false]}}]
agents: [baselines/first]
scorers: [economy/game]
"""


def test_settings_beside_a_file_are_every_environments_and_part_of_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.yaml").write_text(FILE)
    words = ["run", str(tmp_path / "x.yaml"), "--store", str(tmp_path / "a.db"), "--json"]
    assert main([*words, "-P", "rounds=1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["experiment"]["name"] == "coins rounds=1"
    assert [episode["config"]["rounds"] for episode in found["episodes"]] == [1, 1]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["-P", "horizon_told=true"], "horizon_told: has several levels at $.environments[0].sweep; change it there"),
        (["--episodes", "3"], "--episodes goes with --env; in an experiment file write it there"),
        (["-A", "model=x"], "-A goes with --env"),
    ],
)
def test_options_that_a_file_leaves_no_room_for_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], said: str
) -> None:
    (tmp_path / "x.yaml").write_text(FILE)
    assert main(["run", str(tmp_path / "x.yaml"), *option]) == 3
    assert said in capsys.readouterr().err


def test_a_second_interruption_that_comes_while_an_agent_computes_shows_no_traceback(tmp_path: Path) -> None:
    """asyncio told of the task that it ended in its midst."""
    (tmp_path / "deaf.py").write_text(
        "import os, signal\n"
        "def deaf(turn):\n"
        "    for _ in range(2):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    while True:\n"
        "        pass\n"
        'AGENTS = {"mine/deaf": deaf}\n'
    )
    # As a terminal starts it: what a shell starts in the background ignores Ctrl-C.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from sandbox.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["run", "--env", "power/OffSwitch-v0", "--agent", "mine/deaf", "--plugins-dir", ".", "--store", "a.db"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("interrupted; what was done is kept")
