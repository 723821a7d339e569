"""`market/ChoiceSet-v0`: one choice among alternatives that are numbers, as in a table of recorded choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from sandbox.menu import Menu, Move
from sandbox.scenario import Appraisal, Frozen, Item, Luck, Scenario

MOST = 1000
"""Alternatives of a set."""
Name = Annotated[str, Field(max_length=200)]


class Pick(Move):
    """Choose an alternative, by its number as shown."""

    kind: Literal["pick"] = "pick"
    number: int = Field(ge=1, le=MOST)


class Decline(Move):
    """Choose none of the alternatives."""

    kind: Literal["decline"] = "decline"
    abstains: ClassVar[bool] = True


class NoAnswer(Move):
    """No legal answer was given: the declared forfeit, never on the menu."""

    kind: Literal["no_answer"] = "no_answer"


class Alternative(Frozen):
    """One of the alternatives.

    Attributes:
        product: what it is, in every set that it is in; '' where that is not known.
        position: where it stood, in the table's own numbers; None where that is not known.
        values: one per column of its set.
        words: one per text of its set.
    """

    product: Name = ""
    position: float | None = None
    values: tuple[float, ...] = ()
    words: tuple[Annotated[str, Field(max_length=20_000)], ...] = ()


class ChoiceSet(Item):
    """Alternatives in the order shown, complete in itself.

    Attributes:
        dataset: the file's stem.
        columns, texts: names of the numbers and of the words that every alternative has.
    """

    dataset: str = "shipped"
    columns: tuple[Name, ...] = Field(min_length=1)
    texts: tuple[Name, ...] = ()
    alternatives: tuple[Alternative, ...] = Field(min_length=2, max_length=MOST)

    @model_validator(mode="after")
    def _rectangular(self) -> ChoiceSet:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: two have one name")
        for number, one in enumerate(self.alternatives, 1):
            if (len(one.values), len(one.words)) != (len(self.columns), len(self.texts)):
                raise ValueError(f"alternative {number}: expected a value per column and a word per text")
        return self


class ChoiceSetConfig(Frozen):
    """Which sets.

    Attributes:
        dataset: a CSV as `sandbox import choices` reads it; '' for twenty small sets made up here.
    """

    dataset: str = ""


class Number(Frozen):
    """A number of an alternative, with its name."""

    name: str
    value: float


class Word(Frozen):
    """A text of an alternative, with its name."""

    name: str
    text: str


class Shown(Frozen):
    """An alternative as an agent sees it; alternatives are numbered from 1."""

    number: int
    product: str
    words: tuple[Word, ...]
    numbers: tuple[Number, ...]


class Offered(Frozen):
    """All that an agent sees."""

    alternatives: tuple[Shown, ...]


@dataclass(frozen=True)
class ChoiceSetState:
    """A set, and the place (from 0) of what was picked; None before, and where there was no choice."""

    item: ChoiceSet
    picked: int | None = None
    ended: Literal["", "picked", "declined", "no answer"] = ""


class ChoiceSets(Scenario[ChoiceSetConfig, ChoiceSetState]):
    """One set of alternatives described by numbers; one choice.

    Source: the form of a discrete-choice experiment (Louviere, Hensher & Swait 2000, Stated Choice Methods).

    | | |
    |---|---|
    | items | the sets of the table, in its order |
    | action | `Pick(number)`, or `Decline()`: an abstention |
    | observation | the alternatives, numbered from 1 in the order shown, with their numbers and words |
    | reward | none: nothing is right or wrong |
    | end | one answer, abstention, or forfeit (`NoAnswer`) |
    | appraisal | `content`: the product; features: every column, and `position` (the table's, else from 0) |
    | facts | `dataset`, `chosen` (the product, or None), `position` |

        sandbox run --env market/ChoiceSet-v0 --agent baselines/random -P dataset=choices.csv
    """

    id = "market/ChoiceSet-v0"
    Config = ChoiceSetConfig
    State = ChoiceSetState
    Action = Annotated[Pick | Decline | NoAnswer, Field(discriminator="kind")]
    Observation = Offered

    def items(self, config: ChoiceSetConfig) -> Sequence[ChoiceSet]:
        """The table's sets; raises DatasetError."""
        from sandbox_env_market.choices_csv import read_choices

        return (
            [one.item for one in read_choices(config.dataset)] if config.dataset else [_made_up(i) for i in range(20)]
        )

    def initial(self, config: ChoiceSetConfig, item: ChoiceSet) -> ChoiceSetState:
        """The set."""
        return ChoiceSetState(item)

    def menu(self, state: ChoiceSetState, seat: str) -> Menu:
        """A pick per alternative, in the order shown, then declining; empty after the answer."""
        if state.ended:
            return ()
        return (*(Pick(number=i + 1) for i in range(len(state.item.alternatives))), Decline())

    def apply(self, state: ChoiceSetState, moves: Mapping[str, Move]) -> ChoiceSetState:
        """The end."""
        move = moves["agent"]
        if isinstance(move, Pick):
            return replace(state, picked=move.number - 1, ended="picked")
        return replace(state, ended="declined" if isinstance(move, Decline) else "no answer")

    def observe(self, state: ChoiceSetState, seat: str) -> Offered:
        """The alternatives; the same before and after the answer."""
        item = state.item
        shown = [
            Shown(
                number=i + 1,
                product=one.product,
                words=tuple(Word(name=n, text=t) for n, t in zip(item.texts, one.words, strict=True)),
                numbers=tuple(Number(name=n, value=v) for n, v in zip(item.columns, one.values, strict=True)),
            )
            for i, one in enumerate(item.alternatives)
        ]
        return Offered(alternatives=tuple(shown))

    def render(self, observation: Offered) -> str:
        """A line per alternative: `1. product: title Lamp, price 9.5, rating 4`."""
        lines = ["Choose one of these by its number, or decline.", ""]
        for one in observation.alternatives:
            said = [f"{word.name} {word.text}" for word in one.words]
            said += [f"{number.name} {number.value:g}" for number in one.numbers]
            lines.append(f"{one.number}. {one.product}{': ' if one.product else ''}{', '.join(said)}")
        return "\n".join(lines)

    def appraise(self, state: ChoiceSetState, seat: str, move: Move) -> Appraisal:
        """The alternative's numbers and position."""
        if not isinstance(move, Pick):
            return Appraisal(content="decline", features={"abstains": 1})
        place = move.number - 1
        one = state.item.alternatives[place]
        position = place if one.position is None else one.position
        features = {"position": position, **dict(zip(state.item.columns, one.values, strict=True))}
        same = [other.product for other in state.item.alternatives].count(one.product)
        content = one.product if one.product and same == 1 else f"alternative {move.number}"
        return Appraisal(content=content, features=features)

    def facts(self, state: ChoiceSetState) -> Mapping[str, Any]:
        """Out of which table, and what was chosen."""
        one = None if state.picked is None else state.item.alternatives[state.picked]
        return {
            "dataset": state.item.dataset,
            "chosen": one and one.product,
            "position": one and (state.picked if one.position is None else one.position),
        }

    def forfeit(self, state: ChoiceSetState, seat: str) -> Move:
        """`NoAnswer`: recorded as such, never as a choice."""
        return NoAnswer()


def _made_up(number: int) -> ChoiceSet:
    generator = Luck(0).generator("choice set", number)
    alternatives = tuple(
        Alternative(
            product=f"product {product}",
            position=place,
            values=(
                round(float(generator.uniform(10, 50)), 2),
                round(float(generator.uniform(3, 5)), 1),
                float(generator.integers(2)),
            ),
        )
        for place, product in enumerate(generator.permutation(4).tolist())
    )
    return ChoiceSet(id=str(number), columns=("price", "rating", "sponsored"), alternatives=alternatives)
