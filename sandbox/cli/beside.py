"""`sandbox replay A B`: two episodes side by side, as a screen, as lines, or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sandbox.cli.options import print_document, say

if TYPE_CHECKING:
    from sandbox.store import Store


def show_beside(store: Store, left: str, right: str, *, plain: bool, json: bool) -> int:
    """Show the episodes that two ids mean; the first may name a step (`EPISODE#STEP`), at which the screen opens.

    Raises:
        UnknownName, InputError: see `sandbox.report.address.locate`.
    """
    from sandbox.report.address import locate
    from sandbox.report.beside import Beside, Told

    one, other = locate(store, left), locate(store, right)
    if not (plain or json) and sys.stdout.isatty():
        from sandbox.tui import run_replay

        run_replay(store, episode=one.key, step=None if one.step is None else one.step + 1, beside=other.key)
        return 0
    episodes = (store.episode(one.key), store.episode(other.key))
    beside = Beside.of(*(Told(episode, episode.steps, store.scores(episode=episode.id)) for episode in episodes))
    if json:
        print_document(beside.document())
    else:
        for line in beside.lines():
            say(line)
    return 0
