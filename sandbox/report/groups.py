"""Groups of episodes in words: for the terminal's table, and as lines for a pipe or a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sandbox.report.words import value_words
from sandbox.store.rows import Group
from sandbox.text import display_line

BARS = "▁▂▃▄▅▆▇█"

HELP = (
    "A group is one condition: everything but item, repetition and seed is the same; `differs in` says what tells it "
    "from the other groups of its environment.",
    "return: the mean, and half of its 95 % interval (Student's t) where there are at least two.",
    "spread: how the returns are distributed, in eighths between the least and the greatest of the environment.",
    "flagged: the share of episodes with a flag that is more than an opportunity. Scores: means where defined.",
)


def sparkline(bins: Sequence[int]) -> str:
    """How returns are distributed between the least and the greatest of the environment; a blank where there is none.

    The highest bar is the group's own greatest bin.
    """
    most = max(bins, default=0)
    return "".join(" " if not count else BARS[(len(BARS) - 1) * count // most] for count in bins)


def interval_words(group: Group) -> str:
    """Mean return, with half the width of its 95 % interval (Student's t) where there are at least two."""
    if group.mean is None:
        return "-"
    if group.deviation is None:
        return f"{group.mean:.4g}"
    from sandbox.stats.intervals import student_quantile  # numpy is slow to load

    return f"{group.mean:.4g} ± {student_quantile(group.returns - 1) * group.deviation / group.returns**0.5:.2g}"


def share_words(group: Group) -> str:
    """The share of episodes with a flag that is more than an opportunity."""
    return f"{group.flagged / group.episodes:.0%}"


def differs_words(group: Group) -> str:
    """What tells the group from the others of its environment, on one line."""
    return " ".join(f"{name}={display_line(value_words(value))}" for name, value in group.differs.items())


def render_groups(groups: Iterable[Group], scores: Sequence[str] = ()) -> Iterator[str]:
    """One line per group, every field named."""
    for group in groups:
        parts = [
            group.id,
            group.environment,
            f"agent {group.agent}",
            f"differs in {differs_words(group)}" if group.differs else "differs in nothing",
            f"{group.episodes} episodes",
            ", ".join(f"{count} {status}" for status, count in group.statuses.items()),
            f"return {interval_words(group)}" if group.mean is not None else "no return",
            f"distribution of returns {' '.join(map(str, group.bins))}",
            f"flagged {share_words(group)}",
            *(
                f"mean {name} {'undefined' if value is None else format(value, '.6g')}"
                for name, value in zip(scores, group.scores, strict=True)
            ),
        ]
        yield "; ".join(display_line(part) for part in parts)
