"""Only a type that declares all its floats to be finite is taken to hold finite ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PlainSerializer, TypeAdapter

from sandbox.finite import is_finite
from sandbox.menu import Move
from sandbox.scenario import Frozen
from tests.toys import Rps


class Prices(Frozen):
    type: Literal["prices"] = "prices"
    prices: tuple[float, ...] = ()
    by_name: dict[str, float | None] = Field(default_factory=dict)
    next: Prices | None = None


class Loose(BaseModel):
    price: float


class Open(Frozen):
    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class State:
    prices: Prices
    round: int
    said: str | None = None
    over: bool = False


@dataclass(frozen=True)
class Counting:
    prices: Prices
    total: float


class Unknown(Frozen):
    price: float = float("nan")


class Best(Frozen):
    least: float = Field(default_factory=lambda: float("inf"))


class Copied(BaseModel):
    price: FiniteFloat = 0.0


@dataclass(frozen=True)
class Unchecked:
    price: FiniteFloat = 0.0


class Derived(Frozen):
    price: float = 0.0

    def model_post_init(self, context: Any) -> None:
        object.__setattr__(self, "price", float("nan"))


class Made(Frozen):
    price: float = 0.0

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        object.__setattr__(self, "price", float("nan"))


@pytest.mark.parametrize("kind", [int, str, Prices, State, list[Prices]])
def test_declared_to_be_finite(kind: Any) -> None:
    assert is_finite(TypeAdapter(kind))


@pytest.mark.parametrize(
    "kind",
    [
        float,
        Any,
        Loose,
        Open,
        Counting,
        Decimal,
        dict[str, Any],
        tuple[float, int],
        Prices | float,
        Annotated[int, PlainSerializer(lambda value: float("nan"))],
    ],
)
def test_not_declared_to_be_finite(kind: Any) -> None:
    assert not is_finite(TypeAdapter(kind))


COPY = Copied().model_copy(update={"price": float("nan")})


@pytest.mark.parametrize("made", [Unknown(), Best(), COPY, Unchecked(float("nan")), Derived(), Made()])
def test_what_nobody_looked_at_is_not_taken_to_be_finite(made: Any) -> None:
    """Neither defaults, copies and dataclasses nor what a model's own code sets is validated."""
    assert not is_finite(TypeAdapter(type(made)))


def test_a_model_inside_a_finite_one_speaks_for_itself() -> None:
    class Outer(Frozen):
        loose: Loose

    assert not is_finite(TypeAdapter(Outer))


def test_a_state_of_finite_floats_is_identified_without_a_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look for a NaN took a tenth of a step: its JSON was read again and compared."""
    looked: list[Any] = []
    monkeypatch.setattr("sandbox.scenario.is_exact", lambda value, written: bool(looked.append(value)))

    class Sure(Rps):
        id = "toys/Sure-v0"
        State = State

    class Unsure(Rps):
        id = "toys/Unsure-v0"
        State = Counting

    assert Sure().identify(State(Prices(), 1)) == (Sure().state_hash(State(Prices(), 1)), True)
    assert not looked
    assert not Unsure().identify(Counting(Prices(), 1.0))[1]
    assert len(looked) == 1


def test_a_copy_is_not_made_what_its_type_forbids():
    prices = Prices(prices=(1.0,))
    with pytest.raises(ValueError, match="Prices: prices, by_name must hold finite numbers"):
        prices.model_copy(update={"prices": (2.0, float("nan")), "by_name": {"a": float("inf")}, "next": None})
    assert prices.model_copy(update={"prices": (2.0,)}).prices == (2.0,)

    class Pay(Move):
        price: float

    with pytest.raises(ValueError, match="Pay: price must hold"):
        Pay(price=1.0).model_copy(update={"price": float("nan")})

    class Unbounded(Frozen):
        value: float = Field(allow_inf_nan=True)

    assert Unbounded(value=1.0).model_copy(update={"value": float("inf")}).value == float("inf")
