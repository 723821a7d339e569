"""Amounts and messages as the moves of games carry them: dollars and cents outside, integer cents inside."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

MONEY_LIMIT = 10**9  # dollars: in cents far below 2**53, so that the cents of a float amount are beyond doubt
MESSAGE_LIMIT = 2000  # characters


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read True as 1
        raise ValueError("expected a number, such as 40")
    return value


Number = BeforeValidator(_number)
"""To be written beside the type of a number in a move: `Annotated[int, Number, Field(ge=0)]`; True is none."""


def _whole_cents(value: float) -> float:
    cents = round(value * 100)
    if not math.isclose(value * 100, cents, rel_tol=1e-12, abs_tol=1e-6):
        raise ValueError(f"expected at most two decimals (whole cents), such as {cents / 100:.2f}")
    return cents / 100


Dollars = Annotated[
    float,
    Field(ge=0, le=MONEY_LIMIT, description="dollars with at most two decimals"),
    Number,
    AfterValidator(_whole_cents),
]
"""An amount in a move, 0 <= amount <= `MONEY_LIMIT`; a fraction of a cent is a fault, never rounded away."""

Message = Annotated[
    Annotated[str, Field(max_length=MESSAGE_LIMIT)] | None,
    Field(description="a message that the other player will read; may be left out"),
]
"""What a move says to others; None: nothing was said (which is not an empty message)."""


def cents(amount: float) -> int:
    """A valid amount of dollars as integer cents, exact."""
    return round(amount * 100)


def dollars(amount: int | None) -> float | None:
    """Integer cents as dollars; None stays None."""
    return None if amount is None else amount / 100


@lru_cache(maxsize=1024)
def worth(price: int, factor: float) -> float:
    """`price` x `factor` dollars, the factor being the decimal that it is written as: 10,000 x 1.1 is 11,000."""
    return float(Decimal(repr(factor)) * price)


def shifted(factor: float, places: int) -> float:
    """`factor` x 10 ** `places`, as a decimal: `worth` of a price ten times as high and a tenth of the factor is it."""
    return float(Decimal(repr(factor)).scaleb(places))


def plain(value: float) -> str:
    """A number in full, as a decimal without an exponent."""
    return format(Decimal(repr(value)), "f")


@lru_cache(maxsize=1024)
def amount(value: float) -> str:
    """Dollars with two decimals; a value that has more, in full."""
    short = f"{value:.2f}"
    return short if float(short) == value else plain(value)


@lru_cache(maxsize=1024)
def saying(message: str | None) -> str:
    """A message as the end of a sentence: quoted on one line, so that it cannot pass for a line of the game's own."""
    return f", saying {json.dumps(message, ensure_ascii=False).translate(_LINE_ENDS)}" if message else ""


_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}  # the ones that JSON leaves as they are
