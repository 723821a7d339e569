"""Games: beside TextArena's dilemma and PettingZoo's throws, GLEE's whole grid, and what the import takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launch import alternate
from rows import Row, counted, least
from setting import Setting

PEERS = {"textarena": ("textarena_peer.py", "dilemma"), "pettingzoo": ("pettingzoo_peer.py", "rps")}


def games(setting: Setting) -> list[Row]:
    """Steps per CPU second of scripted players beside peers, CPU seconds of GLEE's 1,320 configurations, imports."""
    peers = {peer: _run(setting, peer, script) for peer, (script, _) in PEERS.items() if setting.has(peer)}
    told = alternate(setting.sizes.rounds, ours=lambda: setting.ours("games.py", setting.sizes.glee_seeds), **peers)
    ours = told["ours"]
    rows = []
    for name, key, peer, compared in (
        ("prisoner's dilemma in words, the same words, as the peer's are", "dilemma", "textarena", True),
        ("prisoner's dilemma in words, words that never come back", "fresh", "textarena", False),
        ("rock, paper, scissors, 100 rounds of history seen, nothing remembered", "throws", "pettingzoo", True),
        ("the same through AEC, with all words and menus at each tick", "aec", "pettingzoo", False),
    ):
        figure = PEERS[peer][1]
        theirs = [one[figure]["steps_per_cpu_s"] for one in told.get(peer, ())]
        beside = {peer: max(theirs)} if theirs else {}
        instructions = least([one[key] for one in ours], "instructions")
        rows.append(
            Row.best(
                f"games: {name}: steps per CPU second",
                [one[key]["steps_per_cpu_s"] for one in ours],
                "more",
                target=beside.get(peer) if compared else None,
                beside=beside,
                instructions=counted(
                    ours=instructions,
                    peer=least([one[figure] for one in told.get(peer, ())], "instructions"),
                ),
            )
        )
    grid = [one["grid"] for one in ours]
    rows.append(
        Row.best(
            f"games: GLEE's grid x {setting.sizes.glee_seeds} seeds, traced and scored: CPU s",
            [one["cpu"] for one in grid],
            target=30,
            instructions=counted(ours=least(grid, "instructions")),
            note=f"{grid[0]['episodes']:,} episodes, {grid[0]['steps']:,} steps; theory's anchors included",
        )
    )
    rows.append(
        Row.median(
            "games: import of the package and a game, as a multiple of gymnasium's",
            [one["games"]["cpu"] / one["gymnasium"]["cpu"] for one in ours],
            target=2.5,
            instructions=counted(
                ours=least([one["games"] for one in ours], "instructions"),
                gymnasium=least([one["gymnasium"] for one in ours], "instructions"),
            ),
        )
    )
    return rows


def _run(setting: Setting, peer: str, script: str) -> Callable[[], dict[str, Any]]:
    return lambda: setting.peer(peer, script)
