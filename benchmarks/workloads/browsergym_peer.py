"""BrowserGym on our shop's grid: `browsergym_peer.py PAGE CHROMIUM STEPS`; an open-ended task, scrolling a little."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import browsergym.core  # noqa: F401 (registers its environments)
import gymnasium
from playwright.sync_api import BrowserType
from spent import tell


def main(page: str, chromium: str, steps: int) -> None:
    """Seconds of a step, and of a new episode (context, page, first observation)."""
    launch = BrowserType.launch

    def launched(self: BrowserType, **given: Any) -> Any:
        return launch(self, **given | {"executable_path": chromium})

    BrowserType.launch = launched  # its window for chat takes no option that says which browser
    environment = gymnasium.make(
        "browsergym/openended",
        task_kwargs={"start_url": Path(page).resolve().as_uri(), "goal": "look"},
        headless=True,
    )
    environment.reset(seed=0)
    began = time.perf_counter()
    environment.reset(seed=1)
    reset = time.perf_counter() - began
    began = time.perf_counter()
    for step in range(steps):
        environment.step(f"scroll(0, {100 if step % 2 else -100})")
    took = (time.perf_counter() - began) / steps
    environment.close()
    tell(step=took, reset=reset)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
