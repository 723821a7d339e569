"""Our figures beside the peers', from one run: `python benchmarks/run.py --peers`.

Prints a table and writes it to RESULTS.md beside this file. Each measure is a function of `measures/` that says what it
measures; ours and the peers' take turns, in processes of their own, and CPU seconds and instructions are compared.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from measures.dispatch import dispatch
from measures.durability import killed, resumed
from measures.games import games
from measures.graphs import loop, trivial, turns
from measures.market import market
from measures.reading import listed, rescored
from measures.scripted import scripted
from measures.tui import tui
from peers import VERSIONS
from rows import Row, table
from setting import Setting
from sizes import FULL, QUICK

MEASURES = (trivial, loop, turns, scripted, games, market, killed, resumed, rescored, listed, tui, dispatch)
OURS = ("langgraph", "langchain", "langchain-core", "pydantic", "sqlalchemy", "ray")


def main() -> int:
    """Measure what was asked for; 1 where a measure failed, 0 otherwise, whatever the figures are."""
    names = [measure.__name__ for measure in MEASURES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="measure the peers too; installs them at first use")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round; targets are for the full ones")
    parser.add_argument("--only", action="append", choices=names, help="this measure alone; may be repeated")
    parser.add_argument("--output", type=Path, help="where the table goes; RESULTS.md for a full run with peers")
    chosen = parser.parse_args()
    rows: list[Row] = []
    loads = [os.getloadavg()[0]]
    began, stolen = time.monotonic(), _stolen()
    with tempfile.TemporaryDirectory(prefix="sandbox-benchmarks-") as folder:
        setting = Setting(QUICK if chosen.quick else FULL, Path(folder), chosen.peers)
        failed = False
        for measure in MEASURES:
            name, start = measure.__name__, time.monotonic()
            if chosen.only and name not in chosen.only:
                continue
            print(f"{name}: {(measure.__doc__ or '').splitlines()[0]}", file=sys.stderr, flush=True)
            try:
                found = measure(setting)
            except Exception as error:  # the others are measured all the same
                traceback.print_exc()
                found, failed = [Row(name, None, note=f"failed: {type(error).__name__}: {str(error)[:200]}")], True
            loads.append(os.getloadavg()[0])
            print(f"{table(found)}\n{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
            rows += found
        seconds = time.monotonic() - began
        busy = f"load {min(loads):.1f} to {max(loads):.1f} (1 is one busy core; the benchmark itself is part of it), "
        if stolen is not None:
            share = ((_stolen() or 0.0) - stolen) / seconds / (os.cpu_count() or 1)
            busy += f"{share:.0%} of the processors' time taken by other machines, "
        text = report(rows, setting, f"{busy}{seconds / 60:.0f} minutes", chosen.quick)
    print(text)
    output = chosen.output
    if output is None and chosen.peers and not chosen.quick and not chosen.only:
        output = Path(__file__).parent / "RESULTS.md"
    if output is not None:
        output.write_text(text, encoding="utf-8")
    return int(failed)


def report(rows: list[Row], setting: Setting, busy: str, quick: bool) -> str:
    """The table, with what it was measured on; `busy` says how much else the machine did, and how long it took."""
    met = sum(row.verdict == "met" for row in rows)
    missed = sum(row.verdict == "missed" for row in rows)
    versions = ", ".join(f"{name} {found}" for name in OURS if (found := _version(name)))
    peers = ", ".join(version for peer, (version, *_) in VERSIONS.items() if peer not in setting.missing)
    lines = [
        f"# Results of `python benchmarks/run.py{' --peers' if setting.peers else ''}{' --quick' if quick else ''}`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {met} targets met, {missed} missed. {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {platform.system()}; {busy}.",
        "",
        f"Ours: agent-eval-sandbox {_version('agent-eval-sandbox')}, {versions}."
        + (f" Peers: {peers}." if setting.peers else ""),
        "",
        table(rows),
        "",
        "Costs and rates are those of the best round; ratios, differences, sizes and memory are the median of the "
        "rounds, in which ours and the peers' take turns. A busy machine raises all CPU figures, so look at ratios and "
        "at instructions: those outside the kernel, of all processes, for one of what the row is about, in the "
        "cheapest round.",
    ]
    lines += [f"Not measured: {peer}: {why}." for peer, why in setting.missing.items()]
    return "\n".join(lines) + "\n"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _stolen() -> float | None:
    """Seconds of all processors, since the start of the machine, that its host gave to others; None where not told."""
    try:
        words = Path("/proc/stat").read_text(encoding="utf-8").split(maxsplit=9)
    except OSError:
        return None
    return int(words[8]) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    sys.exit(main())
