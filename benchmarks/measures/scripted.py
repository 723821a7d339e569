"""Scripted agents: the scenario alone, and with its trace in SQLite, beside environments that record nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launch import alternate
from rows import Better, Row, counted, least
from setting import Setting

UNTRACED, STORED = "scenario driven by agents", "full trace to SQLite, the same words"
GOALS: dict[str, tuple[float, Better]] = {  # how the name of a figure begins -> its target
    UNTRACED: (70_000, "more"),
    STORED: (25_000, "more"),
    "episode of": (0.5, "less"),
    f"games/Bargaining-v0, {UNTRACED}": (70_000, "more"),
    f"games/Bargaining-v0, {STORED}": (25_000, "more"),
}
# The targets were set where the probe, which does as little as can be done, makes so many steps in a CPU second.
PROBE = {UNTRACED: ("played", 100_000), STORED: ("stored", 36_000)}
PEERS = {  # the figure of a peer -> the peer, its workload, what that tells
    "Gymnasium CartPole": ("gymnasium", "gymnasium_peer.py", "cartpole"),
    "FrozenLake": ("gymnasium", "gymnasium_peer.py", "frozenlake"),
    "PettingZoo rps": ("pettingzoo", "pettingzoo_peer.py", "rps"),
    "TextArena dilemma": ("textarena", "textarena_peer.py", "dilemma"),
}

Told = Sequence[Any]


def scripted(setting: Setting) -> list[Row]:
    """Steps per CPU second of scripted bargaining, and CPU ms of short episodes (workloads/episodes.py).

    In the same rounds: workloads/probe.py, the same shape without a harness, which tells how fast the machine is.
    """
    peers = {peer: script for peer, script, _ in PEERS.values() if setting.has(peer)}
    told = alternate(
        setting.sizes.rounds,
        ours=lambda: setting.ours("episodes.py", setting.sizes.scripted),
        probe=lambda: setting.ours("probe.py"),
        **{peer: _run(setting, peer, script) for peer, script in peers.items()},
    )
    rows = []
    for place, (name, _, unit, _) in enumerate(told["ours"][0]["found"]):
        rounds = [one["found"][place] for one in told["ours"]]
        target, better = _goal(name)
        probe = next((key for begin, (key, _) in PROBE.items() if name.startswith(begin)), "")
        beside = {"probe": max(one[probe]["steps_per_cpu_s"] for one in told["probe"])} if probe else {}
        if probe == "played":
            beside |= _peers(told)
        instructions = counted(
            ours=least([{"found": one[3]} for one in rounds], "found"),
            probe=least([one[probe] for one in told["probe"]], "instructions") if probe else None,
        )
        rows.append(
            Row.best(
                f"scripted: {name}: {unit}",
                [one[1] for one in rounds],
                better,
                target=target,
                beside=beside,
                instructions=instructions,
            )
        )
        if probe and name.endswith("the same words"):
            rows.append(_scaled(name, rounds, [one[probe]["steps_per_cpu_s"] for one in told["probe"]]))
    return rows


def _goal(name: str) -> tuple[float | None, Better]:
    return next((goal for begin, goal in GOALS.items() if name.startswith(begin)), (None, "more"))


def _run(setting: Setting, peer: str, script: str) -> Callable[[], dict[str, Any]]:
    return lambda: setting.peer(peer, script)


def _scaled(name: str, ours: Told, probes: Sequence[float]) -> Row:
    """Ours over the probe, round for round; its target holds on any machine."""
    begin = UNTRACED if name.startswith(UNTRACED) else STORED
    target, there = GOALS[begin][0], PROBE[begin][1]
    return Row.median(
        f"scripted: {name}: part of the probe's rate",
        [one[1] / probe for one, probe in zip(ours, probes, strict=True)],
        target=target / there,
        better="more",
        note=f"{target:,.0f} over the {there:,} of the machine on which the target was set",
    )


def _peers(told: Mapping[str, Told]) -> dict[str, float]:
    """Steps per CPU second of environments that record nothing."""
    return {
        figure: max(one[key]["steps_per_cpu_s"] for one in told[peer])
        for figure, (peer, _, key) in PEERS.items()
        if peer in told
    }
