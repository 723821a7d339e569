"""`dilemmas/Choice-v0`: one question, k options, one answer; order and labels can be crossed with content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.errors import InputError
from sandbox.menu import Menu, Move
from sandbox.scenario import Appraisal, Frozen, Scenario
from sandbox_env_dilemmas.datasets import load
from sandbox_env_dilemmas.dilemma import LONGEST_LABEL, SHIPPED, Dilemma


class Choose(Move):
    """Choose one of the options, by its label."""

    kind: Literal["choose"] = "choose"
    choice: str = Field(max_length=LONGEST_LABEL, description="the label of the option")


class Abstain(Move):
    """Choose none of the options."""

    kind: Literal["abstain"] = "abstain"
    abstains: ClassVar[bool] = True


class NoAnswer(Move):
    """No legal answer was given: the declared forfeit, never on the menu."""

    kind: Literal["no_answer"] = "no_answer"


class Shown(Frozen):
    """An option as an agent sees it; `text` is empty where only labels are shown."""

    label: str
    text: str


class Asked(Frozen):
    """All that an agent sees: options in the order shown."""

    situation: str
    question: str
    options: tuple[Shown, ...]


class ChoiceConfig(Frozen):
    """How dilemmas are put.

    Attributes:
        dataset: `shipped`, or a path to a file in one of the formats of `sandbox_env_dilemmas/datasets.py`.
        value_map: for a LitmusValues table: a CSV from `value` to `value_class`.
        order: the order of the options: the source's (`given`), the last first (`reversed`), a rotation (r: the option
            that the source has at place r is shown first), or all k rotations (`counterbalanced`).
        labels: what the first place is called, the second...: `Action 1, 2`, `A, B`, `yes, no` (two options only),
            or as the source calls them (`given`). A label belongs to a place, whatever option is shown there, except
            where the label *is* the option (Yes, No). `counterbalanced`: the source's labels (A, B... where
            they are the options), once as they are and once shifted by one place, crossed with the orders.
        label_rotation: by how many places labels are shifted; set by counterbalancing.
        show_actions: whether the texts of the options are shown, or their labels only.
    """

    dataset: str = SHIPPED
    value_map: str | None = None
    order: Literal["counterbalanced", "given", "reversed"] | Annotated[int, Field(ge=0)] = "counterbalanced"
    labels: Literal["counterbalanced", "given", "Action 1/2", "A/B", "yes/no"] = "counterbalanced"
    label_rotation: int = Field(default=0, ge=0)
    show_actions: bool = True


@dataclass(frozen=True)
class ChoiceState:
    """A dilemma as it is put, and its answer.

    Attributes:
        order: indices into the dilemma's options, first place to last.
        labels: of the places, first to last.
        answer: the id of the chosen option; None before an answer and where there is none.
        ended: how the question ended: '', `chosen`, `abstained` or `no answer`.
    """

    dilemma: Dilemma
    order: tuple[int, ...]
    labels: tuple[str, ...]
    show_actions: bool
    answer: str | None = None
    ended: Literal["", "chosen", "abstained", "no answer"] = ""


class Choice(Scenario[ChoiceConfig, ChoiceState]):
    """One dilemma, one choice.

    Source: the form of LitmusValues and AIRiskDilemmas (Chiu et al. 2025, arXiv 2505.14633) and of model-written
    evaluations (Perez et al. 2022, arXiv 2212.09251).

    | | |
    |---|---|
    | items | the dilemmas of the data set, in its order |
    | action | `Choose(choice=label)` for one of the labels shown, or `Abstain()` |
    | observation | `situation`, `question`, `options` as (label, text) in the order shown |
    | reward | none: nothing is right or wrong |
    | start | the question |
    | end | one answer, abstention, or forfeit (`NoAnswer`); never truncated |
    | counterbalanced | k orders x 2 label assignments per item (labels that are the options: k orders x A, B...) |
    | appraisal | values, risks; `position` from 0, `label`, `label_index`, `act` and `matches` where known |
    | facts | `dataset`, `kind`, `chosen` (the option's id), `matched` |

    >>> scenario = Choice()
    >>> config = ChoiceConfig(order="given", labels="A/B")
    >>> item = scenario.items(config)[0]
    >>> state = scenario.initial(config, item)
    >>> end = scenario.apply(state, {"agent": Choose(choice="A")})
    >>> scenario.facts(end)["chosen"] == item.options[0].id
    True
    """

    id = "dilemmas/Choice-v0"
    Config = ChoiceConfig
    State = ChoiceState
    Action = Choose | Abstain | NoAnswer
    Observation = Asked

    def initial(self, config: ChoiceConfig, item: Dilemma) -> ChoiceState:
        """The question; raises InputError where the config's labels do not fit the item."""
        return ChoiceState(item, _order(config, item), _labels(config, item), config.show_actions)

    def menu(self, state: ChoiceState, seat: str) -> Menu:
        """A choice per label, in the order shown, then abstention; empty after the answer."""
        if state.ended:
            return ()
        return (*(Choose(choice=label) for label in state.labels), Abstain())

    def apply(self, state: ChoiceState, moves: Mapping[str, Move]) -> ChoiceState:
        """The end."""
        move = moves["agent"]
        if isinstance(move, Choose):
            return replace(state, answer=_content(state, move), ended="chosen")
        return replace(state, ended="abstained" if isinstance(move, Abstain) else "no answer")

    def observe(self, state: ChoiceState, seat: str) -> Asked:
        """The question; the same before and after the answer."""
        texts = [state.dilemma.options[index].text if state.show_actions else "" for index in state.order]
        options = tuple(Shown(label=label, text=text) for label, text in zip(state.labels, texts, strict=True))
        return Asked(situation=state.dilemma.situation, question=state.dilemma.question, options=options)

    def appraise(self, state: ChoiceState, seat: str, move: Move) -> Appraisal:
        """The option's values and risks as the source has them; where it is shown, and as what."""
        if not isinstance(move, Choose):
            return Appraisal(content="abstain", features={"abstains": 1})
        position = state.labels.index(move.choice)
        option = state.dilemma.options[state.order[position]]
        features: dict[str, float | str] = {
            "position": position,
            "label": move.choice,
            "label_index": sorted(state.labels).index(move.choice),
        }
        if option.act is not None:
            features["act"] = int(option.act)
        if state.dilemma.matching is not None:
            features["matches"] = int(option.id == state.dilemma.matching)
        return Appraisal(values=option.values, risks=option.risks, content=option.id, features=features)

    def facts(self, state: ChoiceState) -> Mapping[str, Any]:
        """What was asked out of which data set, and what was chosen."""
        matching, answer = state.dilemma.matching, state.answer
        return {
            "dataset": state.dilemma.dataset,
            "kind": state.dilemma.kind,
            "chosen": answer,
            "matched": None if matching is None or answer is None else answer == matching,
        }

    def render(self, observation: Asked) -> str:
        """Situation, question, and a line per option: `(A) text`, `Action 1: text`."""
        lines = [_line(option) for option in observation.options]
        if not any(option.text for option in observation.options):
            lines = [f"Answer with one of: {', '.join(option.label for option in observation.options)}"]
        return "\n\n".join(part for part in (observation.situation, observation.question, "\n".join(lines)) if part)

    def items(self, config: ChoiceConfig) -> Sequence[Dilemma]:
        """The dilemmas of the data set; raises DatasetError."""
        return load(config.dataset, config.value_map)

    def counterbalance(self, config: ChoiceConfig, item: Dilemma) -> Sequence[Mapping[str, Any]]:
        """The k rotations of the order, and labels as they are and shifted by one, crossed, as far as left open.

        Two label assignments tell label from place at any k; all k would cost k x k episodes an item.
        """
        orders = [{"order": order} for order in range(len(item.options))] if config.order == "counterbalanced" else [{}]
        labels = [{"label_rotation": shift} for shift in (0, 1)] if config.labels == "counterbalanced" else [{}]
        return [{**order, **label} for order in orders for label in labels]

    def forfeit(self, state: ChoiceState, seat: str) -> Move:
        """`NoAnswer`: recorded as such, never as a choice."""
        return NoAnswer()

    def conceal(self, state: ChoiceState, seat: str) -> ChoiceState:
        """The same question with other ground truth."""
        options = tuple(
            option.model_copy(
                update={
                    "id": f"concealed {option.id}",
                    "values": ("Concealed", *option.values),
                    "risks": ("Concealed", *option.risks),
                    "act": not option.act,
                }
            )
            for option in state.dilemma.options
        )
        hidden = {"id": "concealed", "dataset": "concealed", "kind": "concealed", "options": options}
        matching = options[-1].id if state.dilemma.matching == state.dilemma.options[0].id else options[0].id
        return replace(state, dilemma=state.dilemma.model_copy(update={**hidden, "matching": matching}))


def _order(config: ChoiceConfig, item: Dilemma) -> tuple[int, ...]:
    places = range(len(item.options))
    if config.order == "reversed":
        return tuple(reversed(places))
    rotation = config.order if isinstance(config.order, int) else 0  # counterbalanced, not settled: the given order
    return tuple((place + rotation) % len(places) for place in places)


def _labels(config: ChoiceConfig, item: Dilemma) -> tuple[str, ...]:
    count = len(item.options)
    letters = tuple(chr(ord("A") + place) for place in range(count))
    if config.labels == "given" and item.labels_are_answers:
        return tuple(item.options[index].text for index in _order(config, item))
    if config.labels == "yes/no":
        if count != 2:
            raise InputError(f"labels 'yes/no': {item.dataset} item {item.id!r} has {count} options; use 'A/B'")
        said = tuple(_first_word(item.options[index].text) for index in _order(config, item))
        if sorted(said) == ["no", "yes"]:  # 'yes: No' would be a riddle
            return said
    names = {
        "given": item.own_labels,
        "counterbalanced": letters if item.labels_are_answers else item.own_labels,
        "Action 1/2": tuple(f"Action {place + 1}" for place in range(count)),
        "A/B": letters,
        "yes/no": ("yes", "no"),
    }[config.labels]
    return tuple(names[(place + config.label_rotation) % count] for place in range(count))


def _first_word(text: str) -> str:
    match = re.match(r"\w+", text)
    return match[0].lower() if match else ""


def _content(state: ChoiceState, move: Choose) -> str:
    return state.dilemma.options[state.order[state.labels.index(move.choice)]].id


def _line(option: Shown) -> str:
    if option.text.casefold() == option.label.casefold():
        return option.label
    return f"({option.label}) {option.text}" if len(option.label) == 1 else f"{option.label}: {option.text}"
