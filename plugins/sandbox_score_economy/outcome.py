"""What scorers say of one game: numbers that are there or have a reason, and decisions without an answer."""

from __future__ import annotations

from sandbox.scorer import Score
from sandbox.trace import NO_ANSWER, Episode, trusted

NUMBER = (int, float)
"""What `isinstance` takes for a number; truth values are 0 and 1."""


def undefined(episode: Episode) -> str:
    """Why the episode has no outcome to score; '' where it has one."""
    if not episode.lived:
        return "hypothetical: its answers had no effect"
    if episode.status == "truncated":
        return f"a limit ended it before the game was over: {episode.reason}"
    if episode.status not in ("finished", "forfeited"):
        return f"the episode has no end: {episode.status}"
    return ""


def known(name: str, value: object, reason: str = "", seat: str | None = None, *, missing: str = "") -> Score:
    """The score of what a trace should hold: undefined for `reason`, or because it is not there (`missing`)."""
    number = None if reason or not isinstance(value, NUMBER) else float(value)
    why = "" if number is not None else reason or missing or f"the trace has no fact {name!r}"
    # There are two dozen in an episode, and what they are made of was validated when it was recorded.
    return trusted(Score, {"name": name, "value": number, "seat": seat, "variant": "", "reason": why})


def forfeit_rates(episode: Episode, reason: str) -> list[Score]:
    """Per seat under evaluation the share of its decisions without a legal answer; undefined for `reason`."""
    outcomes: dict[str, list[str]] = {seat: [] for seat in episode.spec.evaluated}
    for step in episode.steps:
        if (own := outcomes.get(step.seat)) is not None:
            own.append(step.outcome)
    return [
        known(
            "forfeit_rate",
            sum(outcome in NO_ANSWER for outcome in own) / len(own) if own else None,
            reason,
            seat,
            missing="it made no decision",
        )
        for seat, own in outcomes.items()
    ]
