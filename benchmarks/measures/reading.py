"""Reading what was recorded: scoring again, listing, opening, jumping."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launch import alternate
from rows import Row, counted, least
from setting import Setting

SIMPLE = "bench/said"
SEVERAL = (SIMPLE, "risk/power", "values/additive")


def rescored(setting: Setting) -> list[Row]:
    """Ten-step episodes with recorded model calls scored again in a fresh process: one simple scorer, several at once.

    Inspect scores its log of the tool loop again with one scorer, reading included. Nothing of LangChain may be loaded.
    """
    count, rounds = setting.sizes.turns, setting.sizes.rounds
    recorded = Path(setting.sandbox("turns", count)["folder"])

    def ours(*scorers: str) -> Callable[[], dict[str, Any]]:
        def run() -> dict[str, Any]:
            copy = setting.folder("rescored")
            shutil.copyfile(recorded / "store.db", copy / "store.db")
            return setting.ours("ours.py", "score", copy, *scorers)

        return run

    theirs: dict[str, Callable[[], dict[str, Any]]] = {}
    if setting.has("inspect"):
        log = setting.inspected("react", setting.sizes.inspect_loop, 10)["log"]
        theirs["inspect"] = lambda: setting.peer("inspect", "inspect_peer.py", "score", log)
    told = alternate(rounds, simple=ours(SIMPLE), several=ours(*SEVERAL), **theirs)
    beside = {
        f"Inspect, `match`, {one['episodes']} episodes": one["episodes"] / one["cpu"]
        for one in sorted(told.get("inspect", ()), key=lambda one: float(-one["cpu"]))
    }
    rows = [
        Row.best(
            f"re-score {count} x 10, {scorers}: episodes per CPU s",
            [count / one["cpu"] for one in told[name]],
            "more",
            target=4_000,
            beside=beside if name == "simple" else {},
            instructions=counted(
                ours=least(told[name], "instructions", units=count),
                Inspect=least(theirs_too, "instructions", units=setting.sizes.inspect_loop),
            ),
            note="the scorers' estimates over all episodes are in it",
        )
        for name, scorers, theirs_too in (
            ("simple", f"`{SIMPLE}` alone", told.get("inspect", [])),
            ("several", ", ".join(f"`{name}`" for name in SEVERAL) + " in one pass", []),
        )
    ]
    loaded = sorted({module for name in ("simple", "several") for one in told[name] for module in one["loaded"]})
    return [
        *rows,
        Row("re-score: language model libraries loaded", len(loaded), 0, note=", ".join(loaded)),
    ]


def listed(setting: Setting) -> list[Row]:
    """Seconds to list all episodes, and ms to open one of ten steps and to jump to the middle of a long one.

    A list is shown when it is known how many there are, in which order, and what its first page says; every row is read
    for tables of all episodes. Five times, each with the store opened anew. Inspect lists the log of its trivial
    samples, as many as `trivial` has episodes, and opens one sample of the tool loop's.
    """
    sizes = setting.sizes
    many = setting.sandbox("stub", sizes.listed, BENCH_SCORED="no")["folder"]
    one = setting.sandbox("scripted", 10, 10)["folder"]
    long = setting.sandbox("scripted", 1, sizes.long)["folder"]
    told = setting.ours("ours.py", "read", many, one, long)
    lists, opens = {}, {}
    if setting.has("inspect"):
        trivial = setting.inspected("trivial", sizes.trivial)["log"]
        theirs = setting.peer("inspect", "inspect_peer.py", "read", trivial)
        lists = {f"Inspect, {theirs['listed']:,} samples": min(theirs["list"])}
        loop = setting.inspected("react", sizes.inspect_loop, 10)["log"]
        opens = {"Inspect": 1000 * min(setting.peer("inspect", "inspect_peer.py", "read", loop)["open"])}
    return [
        Row.best(
            f"list {told['listed']:,} episodes, count, order and first screen: s",
            told["screen"],
            target=0.3,
            instructions=counted(ours=told["screen_instructions"]),
        ),
        Row.best(
            f"list {told['listed']:,} episodes, every row read: s",
            told["list"],
            target=0.3,
            beside=lists,
            instructions=counted(ours=told["list_instructions"]),
        ),
        Row.best(
            f"open one of {told['steps_of_one']} steps: ms",
            [1000 * one for one in told["open"]],
            target=5,
            beside=opens,
            instructions=counted(ours=told["open_instructions"]),
        ),
        Row.best(
            f"jump inside {told['steps_of_long']:,} steps: ms",
            [1000 * one for one in told["jump"]],
            target=5,
            instructions=counted(ours=told["jump_instructions"]),
        ),
    ]
