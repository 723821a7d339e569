"""How much is measured: the issue's sizes, or a tenth and less of them for a look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of episodes, and of rounds in which ours and the peers' take turns.

    `inspect_trivial`, `inspect_loop`: Inspect's episodes in each round, fewer because it is slow and steady. It does
    all `trivial` ones once, for its memory and its list.
    """

    rounds: int = 3
    trivial: int = 5_000
    trivial_few: int = 1_000
    inspect_trivial: int = 1_000
    loop: int = 500
    inspect_loop: int = 200
    turns: int = 500
    long_turns: int = 50
    scripted: int = 1_000
    kills: int = 5
    killed: int = 60
    resumed: int = 10_000
    listed: int = 100_000
    long: int = 10_000
    dispatched: int = 6_000
    glee_seeds: int = 10
    visits: int = 1_000
    pictured: int = 40
    choice_sets: int = 100_000


FULL = Sizes()
QUICK = Sizes(
    rounds=1,
    trivial=500,
    trivial_few=100,
    inspect_trivial=100,
    loop=50,
    inspect_loop=20,
    turns=50,
    long_turns=5,
    scripted=100,
    kills=1,
    killed=30,
    resumed=1_000,
    listed=2_000,
    long=1_000,
    dispatched=1_000,
    glee_seeds=1,
    visits=200,
    pictured=8,
    choice_sets=20_000,
)
