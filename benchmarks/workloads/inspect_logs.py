"""Inspect's logs in our store: `import LOG STORE` takes them in, `open STORE` opens every episode of it, one by one.

Beside it stands `inspect_peer.py react 500 12 FOLDER`, which writes the log, and `inspect_peer.py open LOG`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from spent import Spent, tell


def take_in(log: str, file: str) -> None:
    """Import a log, or a folder of them."""
    from sandbox_import_inspect import InspectImporter

    from sandbox.importing import Notes
    from sandbox.runner.recorded import record_traces
    from sandbox.store import Store

    notes = Notes()
    with Spent() as spent:
        traces = list(InspectImporter().traces(Path(log), notes))
        with Store.open(file) as store:
            ran = record_traces(traces, "inspect", store)
    assert not notes.faults, notes.faults
    tell(episodes=ran.done, cpu=spent.cpu, instructions=spent.instructions, bytes=Path(file).stat().st_size)


def open_all(file: str) -> None:
    """The mean over all episodes of reading one whole, with all its steps and what was told in each.

    `first`: of what the terminal reads before it shows the first step.
    """
    from sandbox.store import Store
    from sandbox.tui.source import StoreSource

    with Store.open(file) as store:
        source = StoreSource(store)
        keys = [head.id for head in store.heads()]
        for key in keys[:2]:  # what is made once
            source.recording(key).moment(0).said()
            store.episode(key)
        with Spent() as whole:
            for key in keys:
                steps = sum(len(step.events) >= 0 for step in store.episode(key).steps)
                assert steps
        with Spent() as first:
            for key in keys:
                source.recording(key).moment(0).said()
    tell(opened=len(keys), **_each("", whole, len(keys)), **_each("first_", first, len(keys)))


def _each(name: str, spent: Spent, count: int) -> dict[str, float | None]:
    instructions = None if spent.instructions is None else spent.instructions / count
    return {f"{name}cpu": spent.cpu / count, f"{name}instructions": instructions}


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "import":
        take_in(*words)
    elif command == "open":
        open_all(*words)
    else:
        raise SystemExit(__doc__)
