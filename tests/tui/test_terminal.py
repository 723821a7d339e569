"""What really reaches a terminal: the replay in a pseudo-terminal, over a store whose every text is hostile."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from sandbox.scenario import Appraisal, Benchmark, Treatment
from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Event, MenuEntry, Step
from tests.tui.hostile import nonce, payloads
from tests.tui.terminal import Terminal, shapes

pytestmark = [pytest.mark.tui, pytest.mark.hostile, pytest.mark.slow]

AT_ONCE = 25  # texts of one step's observation: they fit the screen
STEPS = 8
EACH = AT_ONCE * STEPS  # texts of an episode


def episode_of(texts: Sequence[str], number: int) -> Episode:
    """An episode that shows each of `texts` in an observation, and has some of them wherever else there is text."""
    any_text = cycle(texts)

    def one() -> str:
        return next(any_text)

    spec = EpisodeSpec(
        environment=one(), config={one(): one()}, item={"id": one()}, seed=number,
        seats={"a": AgentSpec(id=one(), name=one(), config={one(): one()}), "b": AgentSpec(id=one(), name=one())},
        evaluated=("a",), treatments={one(): Treatment(value=one())}, external_id=f"{one()}{number}",
    )  # fmt: skip
    steps: list[Step] = []
    for index in range(STEPS):
        shown = "\n".join(texts[index * AT_ONCE : (index + 1) * AT_ONCE])
        truth = Appraisal(values=(one(), None), risks=(one(),), utility=1.0, content=one(), features={one(): one()})
        menu = tuple(MenuEntry(move={"kind": one(), one(): one()}, appraisal=truth) for _ in range(3))
        called = {"function": {"name": one(), "arguments": one()}}
        message = {"role": one(), "name": one(), "content": one(), "tool_calls": [called, one()]}
        call = {"messages": [message, one()], "reply": message, "model": one(), "tools": [{"name": one()}]}
        events = (
            Event(kind="node", data={"node": one()}),
            Event(kind="model_call", data={**call, "tokens": {"input": one(), "output": 1}, one(): one()}),
            Event(kind="model_error", data={"error": one()}),
            Event(kind="tool_call", data={"tool": one(), "input": one(), "output": one(), "error": one()}),
            Event(kind="invalid", data={"code": one(), "message": one(), "said": one()}),
            Event(kind="refusal", data={"text": one()}),
            Event(kind=one(), data={one(): one()}),
        )
        step = Step(
            index=index, tick=index, seat="ab"[index % 2], observation={one(): one(), "more": [one(), {one(): one()}]},
            text=shown, menu=menu, ranges=(one(),), decision=menu[0], applied=menu[0].move, rewards={"a": 1.0},
            said=one(), events=events,
        )  # fmt: skip
        before = steps[-1].digest if steps else ""
        steps.append(step.model_copy(update={"digest": step.digest_after(before)}))
    return Episode(
        id=spec.key, spec=spec, status="error", reason=one(), steps=tuple(steps), payoffs={"a": 1.0},
        facts={one(): one()}, benchmarks={one(): Benchmark(value=1.0, assumes=one())}, hash=steps[-1].digest,
        versions={one(): one()},
    )  # fmt: skip


def store_of(path: Path, texts: Sequence[str]) -> Path:
    """A store with an experiment of such episodes, scored."""
    episodes = [episode_of(texts[start : start + EACH], start) for start in range(0, len(texts), EACH)]
    with Store.open(str(path)) as store:
        store.add_experiment(texts[0], {}, [episode.spec for episode in episodes])
        writer = store.writer()
        for number, episode in enumerate(episodes):
            attempt = writer.begin(episode.spec)
            for step in episode.steps:
                writer.step(episode.id, attempt, step)
            writer.finish(episode.model_copy(update={"attempt": attempt}))
            text = texts[number]
            scores = (Score(name=text, value=0.5, seat="a", variant=text, reason=text),)
            card = Card(scores=scores, marks=(Mark(step=0, name=text, value=1.0, note=text),))
            store.save_card(text, 1, "", episode.id, card)
    return path


def home(folder: Path) -> dict[str, str]:
    """The environment of a program that knows this project, and remembers nothing of other programs."""
    root = Path(__file__).parents[2]
    places = [root, root / "environments", root / "agents", root / "plugins"]
    return {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SANDBOX_AUTHOR": "ann",
    }


def walk(folder: Path, texts: Sequence[str], size: tuple[int, int]) -> str:
    """All that comes out while a store of `texts` is gone through.

    Every episode is opened and every step shown whole; every screen is visited, of two episodes.
    """
    folder.mkdir()
    command = [sys.executable, "-m", "sandbox", "replay", "--store", str(store_of(folder / "test.db", texts))]
    with Terminal(command, size, home(folder)) as terminal:
        terminal.wait_for("1 of ")
        for number in range(len(texts) // EACH):
            terminal.press("\r", 0.5)
            terminal.press("z")
            for _ in range(STEPS):
                terminal.press("l")
            if number < 2:
                for keys in ("\t", "\x1b[6~", "\t", "\x1b[6~", "\t", "\x1b[6~", "\x1b[H", "z", *VISITS):
                    terminal.press(keys)
            else:
                terminal.press("z")
            terminal.press("q", 0.3)
            terminal.press("j")
        for keys in LISTS:
            terminal.press(keys, 0.3)
        terminal.press("/zz:1 status:[/]\r", 0.5)
        terminal.press("\x1b", 0.5)
        terminal.press("\x11", 1.0)  # Ctrl+Q
        terminal.process.wait(20)
        assert terminal.process.returncode == 0
        return terminal.output


ESCAPE = "\x1b"
VISITS = (
    *("?", ESCAPE, "w", "W", "r", "/" + nonce(7) + "\r", "v", "d", "\x1b[6~", "d", "x", "x", "u", "u"),
    *("o", "l", "j", "l", "\x1b[6~", "q"),  # the events of the step as a tree, opened
    *("c", ESCAPE, "f", ESCAPE, "b", "a", ESCAPE, "e", ESCAPE, "L", "dec", ESCAPE, "g", ESCAPE, " ", " ", "t", "t"),
)
"""Keys that open and leave every other screen of an episode."""
LISTS = (
    *("g", "j", "q", "s", ESCAPE, "/", "env:", ESCAPE, ESCAPE, "/", "agent:Q", "\t", ESCAPE, ESCAPE, "?", ESCAPE),
    *("m", "j", "m", "c", "w", "d", "\t", ESCAPE, "x", "\r"),
)
"""The same of the list: groups, sorting, completion, help, two episodes side by side, experiments."""


SIZES = {(200, 60): 2_000, (80, 24): 400}
"""Columns and rows -> how many texts are shown there."""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], list[str]]:
    """By size what came out of a harmless store, then of hostile ones; side by side, since a walk mostly waits."""
    with ThreadPoolExecutor() as pool:
        walks = {}
        for size, count in SIZES.items():
            tame, wild = [f"{nonce(one)} plain" for one in range(2 * EACH)], payloads(count)
            parts = [wild[start : start + 5 * EACH] for start in range(0, count, 5 * EACH)]
            folder = tmp_path_factory.mktemp("walks")
            walks[size] = [
                pool.submit(walk, folder / str(number), texts, size) for number, texts in enumerate([tame, *parts])
            ]
        return {size: [one.result() for one in some] for size, some in walks.items()}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_of_thousands_of_payloads_none_reaches_the_terminal(
    outputs: dict[tuple[int, int], list[str]], size: tuple[int, int]
) -> None:
    """The kinds of control sequences are those of a harmless store, and nothing between them is a control character."""
    tame, *wild = outputs[size]
    known, _ = shapes(tame)
    found, shown = shapes("".join(wild))
    assert found <= known
    bad = {hex(ord(one)) for one in set(shown) if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert bad <= {"0xa", "0xd"}
    count = SIZES[size]
    met = sum(nonce(one) in shown for one in range(count))
    assert met > count * (0.98 if size[0] > 100 else 0.6)
    print(f"{count} payloads at {size[0]}x{size[1]}, {met} of them on the screen, 0 reached the terminal")
