"""Inspect's scores as cards, and its header's means checked against them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.scorer import Card, Score
from sandbox_import_inspect.messages import LARGEST_NUMBER, as_list, as_text, clipped

LONGEST = 4_000
"""Characters of an answer or an explanation in a score's reason."""
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partially correct, incorrect, no answer, as Inspect's `value_to_float` has them by default."""
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
MOST_SCORES = 1_000


def cards_of(scores: Any, placeholder: str) -> dict[str, Card]:
    """Scorer -> what it said; `placeholder`: the scorer of a sample of version 1, which has one without a name."""
    found = {}
    for name, score in scores.items() if isinstance(scores, Mapping) else ():
        scorer = placeholder if name == PLACEHOLDER else name
        if isinstance(score, Mapping):
            found[f"inspect/{scorer}"] = Card(scores=tuple(_scores(score)))
    return found


PLACEHOLDER = "88F74D2C"
"""The scorer of a score that has none, as Inspect calls it when it reads version 1."""


def _scores(score: Mapping[str, Any]) -> Iterator[Score]:
    value = score.get("value")
    told = [
        f"{name}: {clipped(as_text(score[name]), LONGEST)}"
        for name in ("answer", "explanation", "reason", "metadata")
        if score.get(name) not in (None, "", {})
    ]
    if score.get("history"):
        told.append(f"changed {len(as_list(score['history']))} times since it was given")
    parts: dict[str, Any] = {"value": value}
    if isinstance(value, Mapping):
        parts = dict(list(value.items())[:MOST_SCORES])
    elif isinstance(value, list):
        parts = {str(place): one for place, one in enumerate(value[:MOST_SCORES], 1)}
    for name, one in parts.items():
        number = number_of(one)
        said = f"{'no number' if number is None else 'given'} as {clipped(as_text(one), 200)!r}"
        yield Score(name=name, value=number, reason="\n".join([said, *told]))
        told = []  # once is enough


def number_of(value: Any) -> float | None:
    """What Inspect's `value_to_float` makes of a value; None where that is no number (it says 0 there, or NaN)."""
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return None
    if isinstance(value, bool | int | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        if value in LETTERS:
            return LETTERS[value]
        if value.lower() in WORDS:
            return WORDS[value.lower()]
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return None


def differing(results: Any, cards: Sequence[tuple[str, Mapping[str, Card]]]) -> list[str]:
    """Where means in a log's header are not those of its samples' scores.

    Args:
        results: of the header.
        cards: per sample, its id and what was said of it; samples that ended in an error are not among them.
    """
    faults = []
    for entry in as_list(results.get("scores")) if isinstance(results, Mapping) else ():
        if not isinstance(entry, Mapping) or entry.get("reducer") not in (None, "mean"):
            continue
        metrics = entry.get("metrics")
        for name in ("accuracy", "mean"):
            metric = metrics.get(name) if isinstance(metrics, Mapping) else None
            stated = number_of(metric.get("value")) if isinstance(metric, Mapping) else None
            if stated is None:
                continue
            ours = _mean(f"inspect/{entry.get('scorer')}", str(entry.get("name")), cards)
            if ours is not None and abs(ours - stated) > 1e-6 * max(1.0, abs(stated)):
                faults.append(
                    f"inspect/{entry.get('scorer')}: its header says {name} {stated:g}, its samples' scores {ours:g}"
                )
    return faults


def _mean(scorer: str, name: str, cards: Sequence[tuple[str, Mapping[str, Card]]]) -> float | None:
    """Over the samples of the means over their epochs; None where a value is none that a mean is made of."""
    by_sample: dict[str, list[float]] = {}
    for sample, said in cards:
        scores = said[scorer].scores if scorer in said else ()
        wanted = [score for score in scores if score.name in ("value", name)]
        if any(score.value is None for score in wanted):
            return None
        by_sample.setdefault(sample, []).extend(score.value for score in wanted if score.value is not None)
    means = [sum(values) / len(values) for values in by_sample.values() if values]
    return sum(means) / len(means) if means else None
