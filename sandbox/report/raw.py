"""What was recorded of a step, as JSON: the parts that the panes show in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from sandbox.report.words import AnyMark, AnyScore, Passage, passage
from sandbox.trace import Episode, Step


def raw_saw(step: Step) -> list[Passage]:
    """Observation and text."""
    return _json({"text": step.text, "observation": step.observation})


def raw_said(step: Step) -> Iterator[Passage]:
    """Words and events, one after the other."""
    yield from _json({"said": step.said})
    for event in step.events:
        yield from _json({"kind": event.kind, "data": event.data})


def raw_did(step: Step) -> list[Passage]:
    """Decision, what took effect, and the menu."""
    names = {"decision", "applied", "outcome", "ranges", "menu"}
    return _json({name: _plain(getattr(step, name)) for name in Step.model_fields if name in names})


def raw_came(step: Step) -> list[Passage]:
    """Rewards, hashes, and what a step has beside."""
    names = ("index", "tick", "seat", "rewards", "state", "digest", "seconds")
    return _json({name: getattr(step, name) for name in names})


def raw_facts(about: Episode, step: Step | None, marks: Iterable[AnyMark], scores: Iterable[AnyScore]) -> list[Passage]:
    """The step's marks, the episode's scores, and what else is recorded of the episode but its steps."""
    own = [_plain(mark) for mark in marks if step is not None and mark.step == step.index]
    episode = about.model_dump(mode="python", exclude={"steps"})
    return _json({"marks": own, "scores": [_plain(score) for score in scores], "episode": episode})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        # A scenario may have put a whole number where its appraisal takes a float: the library would print a warning.
        return value.model_dump(mode="python", warnings=False)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _json(value: Mapping[str, Any]) -> list[Passage]:
    """Indented JSON; what is none, which an episode that was never stored may hold, as Python writes it."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return [passage(text, hang=0)]
