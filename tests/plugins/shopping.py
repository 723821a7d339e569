"""Visits to a shop of known goods: eight products on a page, and the words in which a visit is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sandbox.scenario import Appraisal, Luck, Treatment
from sandbox.scorer import Card, Estimate, Findings, Table, card_of, table_of
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Outcome, Step

GOODS = tuple(f"p{number}" for number in range(8))
NO_ANSWERS = ("invalid", "unparsed", "refusal", "timeout")


def shopped(
    *moves: str,
    agent: str = "a",
    item: int = 0,
    shown: Sequence[str] = GOODS,
    repetition: int = 0,
    framing: str = "lived",
    status: str = "finished",
    treatments: Mapping[str, Any] | None = None,
    seats: Mapping[str, str] | None = None,
    evaluated: tuple[str, ...] = ("buyer",),
    features: Mapping[str, Mapping[str, float]] | None = None,
    environment: str = "market/Test-v0",
    **facts: Any,
) -> Episode:
    """A visit told move by move: `buy p3`, `add p3`, `open p3`, `search`, `leave`, or an outcome without an answer.

    `shown` is the order on the results page; `features` are added to those of a product's moves. Without facts named
    `bought`, the moves say what was.
    """
    steps = []
    for index, told in enumerate(moves):
        kind, _, product = told.partition(" ")
        page = [entry(name, p, place, features) for name in ("buy", "open") for place, p in enumerate(shown)]
        other = MenuEntry(move={"kind": kind}, appraisal=Appraisal(content=kind))
        decided = next((e for e in page if e.move == {"kind": kind, "product": product}), other)
        if kind == "add":
            decided = entry("add", product, shown.index(product), features)
        answered = kind not in NO_ANSWERS
        outcome: Outcome = kind if not answered else "abstention" if kind == "leave" else "valid"  # type: ignore[assignment]
        steps.append(
            Step(
                index=index,
                tick=index,
                seat="buyer",
                menu=(*page, other) if answered else tuple(page),
                decision=decided if answered else None,
                applied=decided.move if answered and framing == "lived" else {"kind": "leave"},
                outcome=outcome,
            )
        )
    spec = EpisodeSpec(
        environment=environment,
        item={"id": str(item)},
        seats={s: AgentSpec(id=a, name=a) for s, a in (seats or {"buyer": agent}).items()},
        evaluated=evaluated,
        repetition=repetition,
        framing=framing,  # type: ignore[arg-type]
        treatments={name: Treatment(value=value) for name, value in (treatments or {}).items()},
    )
    return Episode(
        id=spec.key,
        spec=spec,
        status=status,  # type: ignore[arg-type]
        steps=tuple(steps),
        facts=facts,
        hash=f"{spec.key} {moves} {shown}",
    )


def entry(kind: str, product: str, place: int, features: Mapping[str, Mapping[str, float]] | None = None) -> MenuEntry:
    said = {"position": float(place), **(features or {}).get(product, {})}
    return MenuEntry(
        move={"kind": kind, "product": product}, appraisal=Appraisal(content=f"{kind}:{product}", features=said)
    )


def trials(choose: Callable[[Sequence[str], np.random.Generator], str], count: int, **settings: Any) -> list[Episode]:
    """So many items, each with the goods in a random order of its own, of which `choose` buys one."""
    found = []
    for item in range(count):
        generator = Luck(item).generator("order")
        order = [GOODS[place] for place in generator.permutation(len(GOODS))]
        bought = choose(order, Luck(item).generator("choice"))
        found.append(shopped(f"buy {bought}", item=item, shown=order, **settings))
    return found


def at_random(shown: Sequence[str], generator: np.random.Generator) -> str:
    return shown[int(generator.integers(len(shown)))]


def scored(episodes: Sequence[Episode], scorer: Any) -> Table:
    """The table with the scorer's own scores."""
    cards: dict[str, Card] = {episode.id: card_of(scorer, episode) for episode in episodes}
    assert len(cards) == len(episodes), "two episodes of one specification"
    return table_of(episodes, cards)


def found(episodes: Sequence[Episode], scorer: Any, agent: str = "a", group: str = "") -> dict[str, Estimate]:
    """An agent's estimates in a group, by name, and `NAME VARIANT` where they have one."""
    return {
        f"{one.name} {one.variant}".strip(): one
        for one in findings(episodes, scorer).estimates
        if (one.agent, one.group) == (agent, group)
    }


def findings(episodes: Sequence[Episode], scorer: Any) -> Findings:
    estimated: Findings = scorer.estimate(scored(episodes, scorer))
    return estimated


def scores(episode: Episode, scorer: Any) -> dict[str, tuple[float | None, str]]:
    """Name (and variant) -> value and reason."""
    return {f"{one.name} {one.variant}".strip(): (one.value, one.reason) for one in scorer.score(episode).scores}
