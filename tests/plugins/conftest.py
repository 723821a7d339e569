"""Dilemmas put to simulated subjects: traces with known truth for the estimators that read choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from sandbox_env_dilemmas.choice import Choice, ChoiceConfig
from sandbox_env_dilemmas.dilemma import Dilemma, Option

from sandbox.menu import moves
from sandbox.scenario import Luck, Treatment
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step

Subject = Callable[[Sequence[MenuEntry], np.random.Generator], int | str]
"""The options shown (abstention left out) and the subject's own chance -> the place it chooses, or an outcome."""
Ask = Callable[..., list[Episode]]


def put(
    items: Iterable[Dilemma],
    subject: Subject,
    name: str = "subject",
    config: ChoiceConfig | None = None,
    repetition: int = 0,
    framing: str = "lived",
) -> list[Episode]:
    """The episodes in which the subject meets every item, in all the arrangements that the config leaves open."""
    scenario, config = Choice(), config or ChoiceConfig()
    episodes = []
    for item in items:
        for setting in scenario.counterbalance(config, item):
            arranged = config.model_copy(update=dict(setting))
            state = scenario.initial(arranged, item)
            menu = tuple(
                MenuEntry(move=move.model_dump(), appraisal=scenario.appraise(state, "agent", move))
                for move in moves(scenario.menu(state, "agent"))
            )
            generator = Luck(repetition).generator(name, item.id, setting, framing)
            answer = subject(menu[:-1], generator)
            chosen = menu[answer] if isinstance(answer, int) else menu[-1] if answer == "abstention" else None
            applied = chosen.move if chosen else scenario.forfeit(state, "agent").model_dump()
            spec = EpisodeSpec(
                environment=scenario.id,
                config=arranged.model_dump(mode="json"),
                item=item.model_dump(mode="json"),
                seats={"agent": AgentSpec(id="simulated", name=name)},
                evaluated=("agent",),
                repetition=repetition,
                framing=framing,
                treatments={factor: Treatment(value=value) for factor, value in setting.items()},
            )
            step = Step(
                index=0,
                tick=0,
                seat="agent",
                menu=menu,
                decision=chosen,
                applied=applied,
                outcome="valid" if isinstance(answer, int) else answer,
                state=scenario.state_hash(state),
            )
            end = scenario.apply(state, {"agent": scenario.action.validate_python(applied)})
            facts = scenario.facts(end)
            episodes.append(Episode(id=spec.key, spec=spec, status="finished", steps=(step,), facts=facts))
    return episodes


@pytest.fixture(scope="session")
def ask() -> Ask:
    return put


@pytest.fixture
def dilemmas() -> Callable[..., list[Dilemma]]:
    """Makes dilemmas of bundles: one tuple of value classes per option, and a dilemma per sequence of them."""

    def make(bundles: Iterable[Sequence[Sequence[str | None]]], **more: object) -> list[Dilemma]:
        return [
            Dilemma(
                id=str(number),
                dataset="made",
                question=f"Question {number}?",
                options=tuple(
                    Option(id=f"option {place}", text=f"Do {place} of {number}.", values=tuple(values))
                    for place, values in enumerate(options)
                ),
                **more,
            )
            for number, options in enumerate(bundles)
        ]

    return make


@pytest.fixture
def logit() -> Callable[..., Subject]:
    """A subject that chooses with P proportional to exp(weights . values + features)."""

    def make(weights: dict[str, float], **features: float) -> Subject:
        def subject(options: Sequence[MenuEntry], generator: np.random.Generator) -> int:
            utility = np.array(
                [
                    sum(weights.get(value, 0.0) for value in entry.appraisal.values if value)
                    + sum(w * float(entry.appraisal.features.get(name, 0.0)) for name, w in features.items())
                    for entry in options
                ]
            )
            odds = np.exp(utility - utility.max())
            return int(generator.choice(len(options), p=odds / odds.sum()))

        return subject

    return make
