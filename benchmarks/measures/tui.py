"""The terminal replay: its first paint, lists of very many episodes, long episodes, and the memory of all that."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from launch import alternate
from rows import Row, counted, least, number
from setting import Setting

OPENED = 500
"""Episodes that ours and Inspect's reader open one by one, of `TURNS` model calls each."""
TURNS = 12


def tui(setting: Setting) -> list[Row]:
    """Wall ms until it is painted: the first page, filters, orders, steps; memory; opening beside Inspect's reader."""
    sizes = setting.sizes
    folder = setting.folder("tui")
    many, long = folder / "many.db", folder / "long.db"
    setting.ours("stored.py", "many", sizes.listed, many)
    setting.ours("stored.py", "long", sizes.long, long)
    told = alternate(
        sizes.rounds,
        paint=lambda: setting.ours("tui.py", "paint", many),
        list=lambda: setting.ours("tui.py", "list", many),
        steps=lambda: setting.ours("tui.py", "steps", long),
    )
    plain = setting.ours("tui.py", "datatable", sizes.listed)
    lists, steps = told["list"], told["steps"]
    episodes = f"{sizes.listed:,} episodes"
    return [
        Row.best(
            f"command to first paint, {episodes}: s",
            [one["wall"] for one in told["paint"]],
            target=1.5,
            instructions=counted(ours=least(told["paint"], "instructions")),
            note=f"CPU s: {number(min(one['cpu'] for one in told['paint']))}",
        ),
        _worst(f"filter {episodes}, the slowest: ms", [one["filters"] for one in lists], 200),
        _worst(
            f"sort {episodes}, the slowest: ms",
            [one["orders"] for one in lists],
            200,
            {"DataTable of as many rows": plain["sort"]["wall"]},
        ),
        _figure(
            f"first to last of {episodes} and back: ms",
            [one["ends"] for one in lists],
            None,
            {"DataTable, as many rows added": plain["fill"]["wall"]},
        ),
        Row.best(
            "an arrow key held down, 30 a second: rows behind a frame later",
            [one["held"]["most"] for one in lists],
            target=1,
            note=f"CPU ms a row: {number(min(one['held']['cpu'] for one in lists))}",
        ),
        _figure("next step, five panes of 4 KB, p95: ms", [one["step"] for one in steps], 60),
        _figure(f"jump in an episode of {sizes.long:,} steps, the slowest: ms", [one["jump"] for one in steps], 100),
        _figure("a step of 10 MB: ms", [one["large"] for one in steps], 300),
        Row.median(
            f"memory after all that, {sizes.listed * 10:,} steps: MB",
            [one["memory"] for one in lists],
            target=200,
            note=f"after {sizes.long:,} steps and 10 MB: {number(statistics.median(one['memory'] for one in steps))}",
        ),
        *_beside_inspect(setting),
    ]


def _figure(
    name: str, rounds: Sequence[Mapping[str, Any]], target: float | None, beside: Mapping[str, float] | None = None
) -> Row:
    return Row.best(
        name,
        [one["wall"] for one in rounds],
        target=target,
        beside=beside or {},
        instructions=counted(ours=least(rounds, "instructions")),
        note=f"CPU ms: {number(min(one['cpu'] for one in rounds))}",
    )


def _worst(
    name: str, rounds: Iterable[Mapping[str, Any]], target: float, beside: Mapping[str, float] | None = None
) -> Row:
    """The slowest of several, each in its best round."""
    kept = list(rounds)
    best = {what: min((one[what] for one in kept), key=lambda one: float(one["wall"])) for what in kept[0]}
    worst = max(best, key=lambda what: float(best[what]["wall"]))
    row = _figure(name, [one[worst] for one in kept], target, beside)
    others = ", ".join(f"`{what}` {number(one['wall'])}" for what, one in best.items())
    return Row(**{**vars(row), "note": f"{row.note}; {others}"})


def _beside_inspect(setting: Setting) -> list[Row]:
    """Opening the same episodes, whole, in CPU ms."""
    if not setting.has("inspect"):
        return []
    log = setting.inspected("react", OPENED, TURNS)["log"]
    store = setting.folder("inspect") / "imported.db"
    taken = setting.ours("inspect_logs.py", "import", log, store)
    told = alternate(
        setting.sizes.rounds,
        ours=lambda: setting.ours("inspect_logs.py", "open", store),
        inspect=lambda: setting.peer("inspect", "inspect_peer.py", "open", log),
    )
    ratios = [theirs["cpu"] / ours["cpu"] for ours, theirs in zip(told["ours"], told["inspect"], strict=True)]
    instructions = counted(ours=least(told["ours"], "instructions"), Inspect=least(told["inspect"], "instructions"))
    count = taken["episodes"]
    return [
        Row.best(
            f"open one of {count} imported episodes whole: CPU ms",
            [1e3 * one["cpu"] for one in told["ours"]],
            beside={"Inspect's reader": 1e3 * min(one["cpu"] for one in told["inspect"])},
            instructions=instructions,
            note=f"until its first step can be shown: {number(1e3 * min(o['first_cpu'] for o in told['ours']))}",
        ),
        Row.median("Inspect's reader over ours: CPU", ratios, target=5, better="more"),
        Row(f"import {count} samples of Inspect's: CPU s", taken["cpu"]),
    ]
