"""Bad input: a clear error each, a stable exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.cli import main

GAME = """
name: game
environments: [{id: games/Bargaining-v0, config: {rounds: 2}, seats: {bob: baselines/rubinstein}}]
agents: [baselines/random]
seeds: {count: 3}
"""


@pytest.fixture
def game(tmp_path: Path) -> Path:
    path = tmp_path / "game.yaml"
    path.write_text(GAME)
    return path


def fails(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> str:
    """What a command says on stderr when it ends with `code`; nothing may be on stdout, and no traceback."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    return told.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "--env", "market/Shop-v1", "--agent", "baselines/random"], 4, "did you mean 'market/Shop-v0'?"),
        (["run", "--env", "market/Shop-v0", "--agent", "baselines/randm"], 4, "did you mean 'baselines/random'?"),
        (["run", "--env", "market/Shop-v0"], 3, "--env needs an --agent"),
        (["run"], 3, "give either an experiment file, or --env"),
        (["run", "missing.yaml"], 3, "no such file"),
        (["run", "--env", "market/Shop-v0", "--agent", "baselines/random", "-P", "items"], 3, "expected key=value"),
        (["run", "--env", "market/Shop-v0", "--agent", "baselines/random", "-P", "itms=3"], 3, "did you mean 'items'?"),
        (["run", "--env", "market/Shop-v0", "--agent", "llm/choice", "-A", "model=local:no.gguf"], 6, "no.gguf"),
        (["run", "--env", "market/Shop-v0", "--agent", "llm/choice", "-A", "model=nosuch:thing"], 6, "nosuch"),
        (["run", "--env", "gymnasium:Nothing-v0", "--agent", "baselines/random"], 4, "Nothing"),
        (["status", "--store", "absent.db"], 7, "absent.db"),
        (["list", "enviroments"], 4, "did you mean 'environments'?"),
        (["import", "litmos", "x.csv"], 4, "did you mean 'litmus'?"),
        (["import", "litmus", "absent.csv"], 3, "absent.csv"),
        (["list", "--plugins-dir", "absent"], 3, "absent"),
        (["setup", "model", "gpt"], 4, "smollm2"),
        (["frobnicate"], 2, "frobnicate"),
        (["run", "--episodes", "0"], 2, "--episodes"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_named_with_what_was_expected(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Each of these is a typing mistake that somebody will make."""
    monkeypatch.chdir(tmp_path)
    assert said in fails(capsys, code, *words)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("goods=catalog", "did you mean 'catalogue'?"),
        ("goods=catalogue", "error: config of market/Shop-v0: goods: catalogue needs flow: cart"),  # no `Value error`
        ("surface=foo", "error: config of market/Shop-v0: surface.0: Input should be 'text'"),  # one fault, not two
    ],
)
def test_a_wrong_setting_is_told_once_and_in_our_words(
    setting: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a validator says it, without what the validating library adds."""
    monkeypatch.chdir(tmp_path)
    words = ["run", "--env", "market/Shop-v0", "--agent", "baselines/cheapest", "-P"]
    assert said in fails(capsys, 3, *words, setting)
    file = tmp_path / "shop.yaml"
    key, _, value = setting.partition("=")
    file.write_text(
        f"name: s\nenvironments: [{{id: market/Shop-v0, config: {{{key}: {value}}}}}]\nagents: [baselines/cheapest]\n"
    )
    assert said.partition("Shop-v0: ")[2] in fails(capsys, 3, "run", file)


@pytest.mark.slow
def test_where_nothing_could_run_there_is_no_summary_and_nothing_to_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only why, and what to do next on a line of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_BROWSER", "/no/such/browser")
    words = ["run", "--env", "market/Shop-v0", "--agent", "baselines/cheapest", "-P", "surface=pixels"]
    assert "\n(its episodes are left to be run: run the same command again)" in fails(capsys, 6, *words)


def test_all_faults_of_an_experiment_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the path of each, so that they can be mended in one go."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "name: bad\nagent: []\nenvironments:\n  - {id: market/Shop-v0, swep: {items: [1]}}\nagents: [x]\n"
        "repetitions: many\n"
    )
    told = fails(capsys, 3, "run", path)
    assert "$.agent: did you mean agents?" in told
    assert "$.environments[0].swep: did you mean sweep?" in told
    assert "$.repetitions" in told
    assert "3 faults" in told


def test_a_key_that_is_there_twice_is_not_dropped_in_silence(game: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """YAML itself would keep the last."""
    game.write_text(game.read_text() + "seeds: {count: 5}\n")
    told = fails(capsys, 3, "run", game)
    assert "the key 'seeds' is there twice" in told
    assert "line 6" in told


def test_an_unreadable_data_set_is_named_with_row_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two bad rows are told together."""
    path = tmp_path / "items.jsonl"
    good = json.dumps({"question": "Q?\n\nChoices:\n (A) Yes\n (B) No", "answer_matching_behavior": " (A)",
                       "answer_not_matching_behavior": " (B)"})  # fmt: skip
    path.write_text(f"{good}\nnot json\n{json.dumps({'question': 'no choices'})}\n")
    told = fails(capsys, 3, "run", "--env", "dilemmas/Choice-v0", "--agent", "baselines/first", "-P", f"dataset={path}")
    assert "items.jsonl" in told
    assert "2" in told
    assert "3" in told


@pytest.mark.slow
def test_a_newer_store_is_refused_and_left_as_it_was(
    game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its schema is not ours to guess."""
    store = tmp_path / "x.db"
    assert main(["run", str(game), "--store", str(store)]) == 0
    connection = sqlite3.connect(store)
    connection.execute("update alembic_version set version_num = '9999'")
    connection.commit()
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    before = store.read_bytes()
    told = fails(capsys, 7, "status", "--store", store)
    assert "later version" in told
    assert store.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped --store must not cost somebody a thesis."""
    path = tmp_path / "thesis.txt"
    path.write_text("not a database " * 100)
    told = fails(capsys, 7, "status", "--store", path)
    assert "thesis.txt" in told
    assert path.read_text() == "not a database " * 100


@pytest.mark.slow
def test_a_full_disk_is_said_and_what_was_written_stays(game: Path, tmp_path: Path) -> None:
    """The file size limit of the process stands for the disk: a run that hits it says so, and resumes afterwards."""
    store = tmp_path / "x.db"
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (260_000, 260_000));"
        "from sandbox.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    big = tmp_path / "big.yaml"
    big.write_text(game.read_text().replace("count: 3", "count: 400"))
    ended = subprocess.run(
        [sys.executable, "-c", script, "run", str(big), "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 7, ended.stderr
    assert "Traceback" not in ended.stderr
    assert str(store) in ended.stderr
    assert main(["run", str(game), "--store", str(store)]) == 0
    assert main(["verify", "--store", str(store)]) in (0, 8)


WAITING = """
import asyncio
from sandbox.menu import moves

begun = []

async def waiting(turn):
    begun.append(turn.episode)
    if len(begun) > 20:
        await asyncio.sleep(600)
    return next(moves(turn.menu))

AGENTS = {"mine/waiting": waiting}
"""


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """The write is finished, the exit code is 130, and what had begun can be run again."""
    (tmp_path / "waiting.py").write_text(WAITING)
    store = tmp_path / "x.db"
    words = "run --env market/Shop-v0 --agent mine/waiting --episodes 40 --plugins-dir . --store x.db --json"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *words.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while (finished := _finished(store)) < 5 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "the same command goes on" in told
    assert "Traceback" not in told
    assert 5 <= finished <= _finished(store) <= 20


def _finished(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            return int(connection.execute("select count(*) from episode where status = 'finished'").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_a_read_only_store_can_be_read_but_not_written(
    game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading somebody's archive needs no right to change it."""
    if os.geteuid() == 0:
        pytest.skip("root may write anything; run the tests as another user to see this one")
    folder = tmp_path / "archive"
    folder.mkdir()
    store = folder / "x.db"
    assert main(["run", str(game), "--store", str(store)]) == 0
    store.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert main(["status", "--store", str(store)]) == 0
        changed = game.with_name("other.yaml")
        changed.write_text(game.read_text().replace("count: 3", "count: 4"))
        assert "x.db" in fails(capsys, 7, "run", changed, "--store", store)
    finally:
        folder.chmod(0o755)


NOISY = """
import os, sys
from sandbox.menu import moves

def loud(turn):
    print("python speaks")
    os.write(1, b"the runtime speaks")
    return list(moves(turn.menu))[0]

def leaving(turn):
    sys.exit(3)

AGENTS = {"mine/loud": loud, "mine/leaving": leaving}
"""


def test_with_json_stdout_is_the_document_alone_whatever_plugins_print_and_none_ends_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A script that reads the document must be able to parse it; an agent that calls `sys.exit` harms itself only."""
    (tmp_path / "noisy.py").write_text("print('at import')\n" + NOISY)
    words = "run --env market/Shop-v0 --agent mine/loud --agent mine/leaving --json --plugins-dir . --store x.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "__stdout__", sys.stdout)  # a real one, as far as the command sees
    assert main(words.split()) == 9
    ended = capfd.readouterr()
    document = json.loads(ended.out)
    episodes = {episode["agent"]: episode for episode in document["episodes"]}
    assert episodes["mine/loud"]["status"] == "finished"
    assert episodes["mine/leaving"]["status"] == "error"
    assert "SystemExit: 3" in episodes["mine/leaving"]["reason"]
    warnings = document["warnings"]
    assert any("mine/leaving in market/Shop-v0: 1 of its episodes ended in error" in line for line in warnings)
    for said in ("at import", "python speaks", "the runtime speaks"):
        assert said in ended.err


def test_an_experiments_name_reaches_no_terminal_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither as progress nor in the list of what is stored, where each has one line."""
    path = tmp_path / "named.yaml"
    path.write_text(
        'name: "\\e]52;c;aGk=\\a{x} [red]\\nsecond"\nenvironments: [market/Shop-v0]\nagents: [baselines/first]\n'
    )
    store = str(tmp_path / "x.db")
    assert main(["run", str(path), "--limit", "1", "--store", store]) == 0
    assert main(["status", "--store", store]) == 0
    told = capsys.readouterr()
    assert "\x1b" not in told.err
    assert "\x1b" not in told.out
    assert "␛]52;c;aGk=␇{x} [red]⏎second: 1 episodes" in told.out


@pytest.mark.slow
def test_an_environment_that_cannot_be_made_is_told_and_verify_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What failed when it ran fails in the same way when it is verified, and the other episodes are verified."""
    words = ["--agent", "baselines/random", "--store", str(tmp_path / "x.db")]
    assert main(["run", "--env", "gymnasium:FrozenLake-v1", "-P", "map_name=nosuch", *words]) == 9
    assert "ended in error: KeyError: 'nosuch'" in capsys.readouterr().out.replace("\n", " ").replace("  ", " ")
    assert main(["run", "--env", "gymnasium:FrozenLake-v1", *words]) == 0
    capsys.readouterr()
    assert main(["verify", "--store", str(tmp_path / "x.db")]) == 0
    assert "2 of 2 episodes verified" in capsys.readouterr().out


def test_more_episodes_than_memory_holds_are_refused_before_they_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three zeros too many are said, and do not end the program."""
    words = ["--agent", "baselines/random", "--episodes", "100000000000", "--store", tmp_path / "x.db"]
    assert "more than 1,000,000 episodes" in fails(capsys, 3, "run", "--env", "market/Shop-v0", *words)
