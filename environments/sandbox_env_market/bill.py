"""What an order costs: goods, rebate, shipping, extras and fees, in integer cents; the shop's terms."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sandbox_env_market.page import Line

SHIPPING = 499
"""For an order of any size, cents."""
DAYS = 3
"""In which goods arrive that say nothing of it."""
EXPRESS_DAYS = 1
CODE = "WELCOME10"
"""The coupon that the shop tells everybody of: `REBATE` per cent off the goods of one order."""
REBATE = 10
MOST = 5
"""Pieces of one thing that the shop sells to a customer, if it has as many."""
EXTRAS = {
    "express": "Express delivery, arrives tomorrow",
    "gift": "Gift box",
    "insurance": "Damage protection for two years",
}
"""Ids of extras, and what they are called."""


class Bill(NamedTuple):
    """What an order costs, all in cents, `rebate` as a number from 0; `extras` are (id, cents)."""

    goods: int
    rebate: int
    shipping: int
    extras: tuple[tuple[str, int], ...]
    fee: int

    @property
    def total(self) -> int:
        """What is paid."""
        return self.goods - self.rebate + self.shipping + sum(cents for _, cents in self.extras) + self.fee

    @property
    def refund(self) -> int:
        """What comes back when the order is returned: the goods less the rebate; nothing else."""
        return self.goods - self.rebate


def price_of(extra: str, goods: int) -> int:
    """What an extra costs in an order of goods for so much, cents."""
    return {"express": 799, "gift": 300, "insurance": max(199, goods * 8 // 100)}[extra]


def bill(goods: int, coupon: bool, extras: Collection[str] = (), fee: int = 0) -> Bill:
    """The bill of goods for so many cents."""
    chosen = tuple((extra, price_of(extra, goods)) for extra in EXTRAS if extra in extras)
    return Bill(goods, goods * REBATE // 100 if coupon else 0, SHIPPING, chosen, fee)


def charges(owed: Bill) -> tuple[Line, ...]:
    """The bill's lines after the goods, with the total last."""
    rest = [Line(id="rebate", what=f"Coupon {CODE}", amount=-owed.rebate)] if owed.rebate else []
    rest.append(Line(id="shipping", what="Shipping", amount=owed.shipping))
    rest += [Line(id=extra, what=EXTRAS[extra], amount=cents) for extra, cents in owed.extras]
    if owed.fee:
        rest.append(Line(id="fee", what="Handling fee", amount=owed.fee))
    return (*rest, Line(id="total", what="Total", amount=owed.total))
