"""The report's gallery: the last pictures of some episodes of each agent, made small, with what was chosen at them."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.errors import InputError
from sandbox.report.document import EpisodeEntry
from sandbox.report.plain import move_words
from sandbox.report.shots import shot
from sandbox.trace import Episode

EACH = 3
"""Episodes of an agent in an environment that are shown, spread evenly over all it has."""
MOST = 48
"""Pictures of a report."""
LONGEST = 960
"""Pixels of a side, at most."""
QUALITY = 75
MOST_BYTES = 6_000_000
"""Of all pictures together; those that would go beyond are left out, which is said."""


@dataclass(frozen=True)
class Exhibit:
    """A picture of the gallery.

    Attributes:
        episode: whose it is.
        words: at which step, and what was decided there.
        jpeg: in base64; '' where the picture cannot be shown.
        fault: why not.
    """

    episode: EpisodeEntry
    words: str
    jpeg: str = ""
    fault: str = ""


def gallery(entries: Sequence[EpisodeEntry], episode: Callable[[str], Episode]) -> list[Exhibit]:
    """Pictures of episodes with surfaces that show any, agent by agent; `episode` reads one by its id."""
    groups: dict[tuple[str, str], list[EpisodeEntry]] = {}
    for entry in entries:
        if entry.steps:
            groups.setdefault((entry.environment, entry.agent), []).append(entry)
    chosen = [evenly(group, EACH) for group in groups.values()]
    found: list[Exhibit] = []
    room = MOST_BYTES
    for turn in range(EACH):  # a picture of everybody before a second one of anybody
        for some in chosen:
            if turn < len(some) and len(found) < MOST:
                exhibit = _exhibit(some[turn], episode, room)
                if exhibit is not None:
                    found.append(exhibit)
                    room -= len(exhibit.jpeg)
    place = {group: number for number, group in enumerate(groups)}
    return sorted(found, key=lambda one: place[one.episode.environment, one.episode.agent])


def evenly(entries: Sequence[EpisodeEntry], count: int) -> list[EpisodeEntry]:
    """At most `count` of them, evenly spread from the first to the last."""
    if len(entries) <= count:
        return list(entries)
    return [entries[place * (len(entries) - 1) // (count - 1)] for place in range(count)]


def _exhibit(entry: EpisodeEntry, read: Callable[[str], Episode], room: int) -> Exhibit | None:
    """The last picture of an episode; None where it has none."""
    episode = read(entry.id)
    for step in reversed(episode.steps):
        for event in reversed(step.events):
            picture = shot(event)
            if picture is None:
                continue
            did = "no decision" if step.decision is None else f"chose {move_words(step.decision.move)}"
            words = f"step {step.index + 1} of {len(episode.steps)}: {did}"
            try:
                content = io.BytesIO()
                # Encoded anew: what stands in the page is a JPEG of a bounded size, whatever the bytes were.
                picture.image(LONGEST).save(content, "JPEG", quality=QUALITY)
            except InputError as error:
                return Exhibit(entry, words, fault=str(error))
            jpeg = b64encode(content.getvalue()).decode()
            if len(jpeg) > room:
                return Exhibit(entry, words, fault=f"left out: the pictures above are {MOST_BYTES:,} bytes already")
            return Exhibit(entry, words, jpeg)
    return None
