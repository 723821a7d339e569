"""What people said, pasted or were told to say reaches a real terminal neutralised."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from sandbox.store import Store
from tests.tui.hostile import nonce, payloads
from tests.tui.terminal import Terminal, shapes

pytestmark = [pytest.mark.tui, pytest.mark.hostile, pytest.mark.slow]

EPISODES = Path(__file__).parents[1] / "data" / "episodes.sqlite"
COUNT = 240
SIZE = (120, 40)


def walk(tmp_path: Path, name: str, texts: list[str]) -> str:
    """All that comes out while notes, labels and authors of these texts are listed, edited and pasted."""
    path = tmp_path / f"{name}.db"
    shutil.copy(EPISODES, path)
    with Store.open(str(path)) as store:
        key = store.heads()[0].id
        for text in texts[: COUNT // 3]:
            store.annotate(key, "note", author="ann", step=0, text=text)
        for text in texts[COUNT // 3 : -COUNT // 3]:
            store.annotate(key, "label", author=f"by {text}", step=0, name=text, value=1.0)
    root = Path(__file__).parents[2]
    places = [str(root / place) for place in (".", "environments", "agents", "plugins")]
    home = {"PYTHONPATH": os.pathsep.join(places), "XDG_CONFIG_HOME": str(tmp_path / name), "SANDBOX_AUTHOR": "ann"}
    command = [sys.executable, "-m", "sandbox", "replay", key, "--store", str(path)]
    with Terminal(command, SIZE, home) as terminal:
        terminal.wait_for("step 1 of ")
        terminal.press("a", 0.5)
        for _ in range(2 * COUNT // 3):
            terminal.press("j", 0.03)
        for _ in range(2 * COUNT // 3):
            terminal.press("k", 0.03)
        terminal.press("e", 0.5)
        # Terminals take ESC out of what is pasted, and cannot say a lone surrogate.
        pasted = [text for text in texts[-COUNT // 3 :] if "\x1b" not in text and "\ud800" not in text]
        for text in pasted:
            terminal.press(f"\x1b[200~{text}\x1b[201~\r", 0.03)
        terminal.press("\x13", 1.0)  # Ctrl+S: saved, and the list is there again
        terminal.press("\x1b", 0.5)
        terminal.press("L", 0.5)
        for text in pasted:
            terminal.press(f"\x1b[200~{text}\x1b[201~", 0.03)
        terminal.press("\x1b", 0.5)
        terminal.press("\x11", 1.0)  # Ctrl+Q
        terminal.process.wait(20)
        assert terminal.process.returncode == 0
        return terminal.output


def test_of_hundreds_of_notes_labels_and_pastes_none_reaches_the_terminal(tmp_path: Path) -> None:
    both = {"tame": [f"{nonce(one)} plain" for one in range(COUNT)], "wild": payloads(COUNT)}
    with ThreadPoolExecutor() as pool:  # side by side: most of a walk is waiting
        tame, wild = pool.map(partial(walk, tmp_path), both, both.values())
    known, _ = shapes(tame)
    found, shown = shapes(wild)
    assert found <= known
    bad = {hex(ord(one)) for one in set(shown) if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert bad <= {"0xa", "0xd"}
    met = sum(nonce(one) in shown for one in range(COUNT))
    assert met > COUNT * 0.8
    print(f"{COUNT} payloads, {met} of them on the screen, 0 reached the terminal")
