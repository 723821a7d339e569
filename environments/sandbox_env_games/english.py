"""The English auction: a price rises by steps, bidders leave for good, and the last one pays where the others left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sandbox.menu import Menu, Move
from sandbox.scenario import Appraisal, Item
from sandbox_env_games.auctions import (
    PAID,
    VALUES,
    Auction,
    AuctionConfig,
    AuctionObservation,
    AuctionState,
    Draw,
    Outcome,
    PastAuction,
    result,
    worth,
)
from sandbox_env_games.auctions_theory import Bidding, Floats, Levels, Odds, clock_odds, follow, limits, shares
from sandbox_env_games.rounds import TALK, Pass, PastRound, Say, called

CLOCK = "clock"
MOST_STEPS = 500


class Stay(Move):
    """Stay in the auction at this price."""

    kind: Literal["stay"] = "stay"


class Leave(Move):
    """Leave the auction at this price, for good."""

    kind: Literal["leave"] = "leave"


class Absent(Pass):
    """The bidder gives no valid answer, and so is out; the auction goes on. Never on a menu."""


class EnglishConfig(AuctionConfig):
    """An English auction's parameters.

    Attributes:
        increment: by how much the price rises, whole dollars.
    """

    increment: int = Field(5, ge=1)

    @model_validator(mode="after")
    def _short_enough(self) -> Self:
        if len(self.prices) > MOST_STEPS:
            raise ValueError(
                f"increment: {self.increment} makes more than {MOST_STEPS} steps from the reserve to {self.top}"
            )
        return self

    @property
    def prices(self) -> range:
        """What the clock shows, in whole dollars: from the reserve price to the greatest value or just above it."""
        return range(self.reserve, self.top + self.increment, self.increment)


@dataclass(frozen=True)
class EnglishState(AuctionState):
    """`acts` are, by bidder and price, 1 where it stayed, 0 where it left, -1 where it gave no answer and so is out."""

    config: EnglishConfig


class PastEnglish(PastAuction):
    """As `PastAuction`; `acts` are as in `EnglishObservation`."""


class EnglishObservation(AuctionObservation):
    """As `AuctionObservation`, with the clock.

    Attributes:
        prices: all that the clock can show.
        price: what it shows now; None while it stands still (in the talk, and in the end).
        active: who has not left.
        acts: of the current auction, by bidder and price, 1 where it stayed, 0 where it left, -1 where it gave no
            answer and so is out; so in `history`.
    """

    prices: tuple[int, ...]
    price: int | None
    active: tuple[str, ...]
    history: tuple[PastEnglish, ...]


class English(Auction[EnglishConfig, EnglishState]):
    """Bidders with private values stay or leave, all at once, while a clock raises the price.

    Sources: Milgrom & Weber, Econometrica 50 (1982), for the clock; Krishna, Auction Theory (2nd ed. 2010), chapter 1.

    Rules: the clock begins at the reserve price. When one bidder is left it wins and pays the price at which the last
    other left. Where all who were left leave at the same price, one of them, by lot, pays the price before, at which
    all of them stayed (if it was the first price, the object is not sold). Where several stay at the last price, which
    nobody's value is above, one of them pays that, by lot.

    Action: `Stay()`, `Leave()`; `Say(message)` before the clock starts, when all know their values, where the config
    has messages. Nature's draws are `values/ROUND`.
    Forfeit: who gives no legal answer is out, as if it left; it is told and counted apart.
    Payoff: dollars, the sum over rounds of value less price of the objects won.
    Facts: see `measures`; by bidder `left_early`, the share of auctions in which it left at a price of at most its
    value, and `stayed_late`, in which it stayed at a price above its value, both of those without a missing answer of
    its own; `absent`, the share of auctions with one; `won`, of all. `hindsight` is against the
    others' recorded acts; it is None where another was still there at a price below the bidder's value, since nobody
    saw how long that one would have stayed.

    Example:
        >>> game = English()
        >>> state = game.initial(EnglishConfig(bidders=2, rounds=1, reserve=50, increment=10), Item())
        >>> state = game.apply(state, {"nature": Draw(values=(9000, 6500), order=(0, 1))})
        >>> state = game.apply(state, {"player_1": Stay(), "player_2": Stay()})
        >>> state = game.apply(state, {"player_1": Stay(), "player_2": Stay()})
        >>> dict(game.payoffs(game.apply(state, {"player_1": Stay(), "player_2": Leave()})))
        {'player_1': 20.0, 'player_2': 0.0}
    """

    id: ClassVar[str] = "games/English-v0"
    Config = EnglishConfig
    State = EnglishState
    Action: ClassVar[Any] = Annotated[Stay | Leave | Say | Draw | Absent, Field(discriminator="kind")]
    Observation = EnglishObservation
    plan: ClassVar[str] = (
        "greatest price to stay at (to leave upon seeing who is left can be worth more, by less than an increment)"
    )

    def initial(self, config: EnglishConfig, item: Item) -> EnglishState:
        """Before the first draw."""
        return self.start(EnglishState(config))

    def stages(self, config: EnglishConfig) -> tuple[str, ...]:
        """Nature draws, then there is a stage for each price."""
        return _stages(len(config.prices))

    def active(self, state: EnglishState) -> tuple[str, ...]:
        """Who has not left the current auction."""
        return tuple(seat for seat, act in zip(self.seats(state.config), state.acts, strict=True) if _inside(act))

    def movers(self, state: EnglishState) -> tuple[str, ...]:
        """Who has not left, while these are several."""
        active = self.active(state)
        return active if len(active) > 1 else ()

    def price(self, state: EnglishState) -> int:
        """What the clock shows, in dollars."""
        return state.config.prices[state.stage - 1 - state.config.messages]

    def choices(self, state: EnglishState, seat: str) -> Menu:
        """Stay or leave."""
        return _CHOICES

    def numbers(self, state: EnglishState, seat: str, move: Move) -> tuple[float, ...]:
        """1 for staying, 0 for leaving, -1 for neither."""
        return (-1.0,) if isinstance(move, Absent) else (float(isinstance(move, Stay)),)

    def forfeit(self, state: EnglishState, seat: str) -> Move:
        """Silence in the talk; else the bidder is out."""
        return Say() if self.stage(state) == TALK else Absent()

    def reference(self, state: EnglishState, seat: str) -> Move:
        """To stay: so every price of a hypothetical auction is asked about."""
        return Say() if self.stage(state) == TALK else Stay()

    def outcome(self, config: EnglishConfig, order: Sequence[int], acts: Sequence[Sequence[float]]) -> Outcome:
        """Who stayed longest, and what the clock showed when the last other left."""
        stayed = [act.count(1.0) for act in acts]
        longest = max(stayed)
        if longest == 0:
            return None, 0
        last = [i for i in order if stayed[i] == longest]
        if len(last) == 1:
            longest = sorted(stayed)[-2] + 1
        return last[0], config.prices[longest - 1] * 100

    def reply(self, state: EnglishState, seat: str, past: PastRound) -> float | None:
        """The best number of prices to stay for, where it is known how long all others would have stayed."""
        config = state.config
        own, lot = self.seats(config).index(seat), state.lots[past.round - 1]
        others = [act for i, act in enumerate(past.acts) if i != own]
        open_ended = [len(act) for act in others if _inside(act) and len(act) < len(config.prices)]
        if open_ended:
            return 0.0 if lot.values[own] <= config.prices[max(open_ended) - 1] * 100 else None
        best = 0
        for stay in range(len(config.prices) + 1):
            acts = [(1.0,) * stay if i == own else act for i, act in enumerate(past.acts)]
            winner, price = self.outcome(config, lot.order, acts)
            best = max(best, lot.values[own] - price if winner == own else 0)
        return best / 100

    def by_seat(self, state: EnglishState) -> Mapping[str, Mapping[str, float | None]]:
        """Where each bidder left, or stayed, against its values."""
        found = self.results(state)
        return {seat: _staying(found, own, state.config) for own, seat in enumerate(self.seats(state.config))}

    def view(self, past: PastRound, lot: Draw, config: EnglishConfig, own: int) -> PastEnglish:
        """All see all but the others' values."""
        winner, price = self.outcome(config, lot.order, past.acts)
        return PastEnglish(
            round=past.round,
            said=past.said,
            acts=past.acts,
            value=lot.values[own] / 100,
            won=winner == own,
            gain=past.gains[own],
            winner=None if winner is None else self.seats(config)[winner],
            price=None if winner is None else price / 100,
        )

    def observe(self, state: EnglishState, seat: str) -> EnglishObservation:
        """Own value, the clock, and who stayed at which price."""
        running = not self.over(state) and self.stage(state) == CLOCK
        return EnglishObservation(
            **self.seen(state, seat),
            prices=tuple(state.config.prices),
            price=self.price(state) if running else None,
            active=self.active(state),
        )

    def rules(self, seen: EnglishObservation) -> str:
        """Values, the clock, and who pays what."""
        others = " and ".join(called(player, seen.role) for player in seen.players if player != seen.role)
        steps = (
            f"A clock shows a rising price: {seen.prices[0]:.2f}, {seen.prices[1]:.2f} and so on, up to "
            f"{seen.prices[-1]:.2f} dollars."
            if len(seen.prices) > 1
            else f"A clock shows one price only: {seen.prices[0]:.2f} dollars."
        )
        return "\n".join(
            [
                f"You are {called(seen.role, '')}. You and {others} take part in an ascending auction of one object.",
                worth(seen),
                f"{steps} At each price all who are still in say at the same time whether they stay or leave. Who "
                "leaves cannot come back. All see who stays and who leaves.",
                "As soon as only one bidder is left, it gets the object and pays the price at which the last other "
                "left. If all who were left leave at the same price, one of them, drawn by lot, gets the object at "
                "the price before; if it was the first price, the object is not sold. If several stay at the last "
                "price, one of them, drawn by lot, gets it at that price.",
                PAID,
                "A bidder who gives no valid answer is out, as if it had left at that price.",
            ]
        )

    def _talk(self, seen: Any) -> list[str]:
        lines = super()._talk(seen)
        done = max(map(len, seen.acts), default=0)
        if not done:
            return lines
        clock = [f"At {price:.2f} {line}." for price, line in _clock(seen, seen.acts)]
        return [*lines, "\n".join([*clock, f"All who are still in stayed at {seen.prices[done - 1]:.2f}."])]

    def now(self, seen: EnglishObservation) -> str:
        """Stay or leave."""
        assert seen.value is not None
        assert seen.price is not None
        others = [called(player, seen.role) for player in seen.active if player != seen.role]
        left = seen.value - seen.price
        return (
            f"The price is {seen.price:.2f} dollars; the object is worth {seen.value:.2f} to you, which is "
            f"{abs(left):.2f} {'more' if left >= 0 else 'less'}. Still in: you, {', '.join(others)}. "
            "Do you stay or leave at this price?"
        )

    def told(self, seen: EnglishObservation, past: PastRound) -> str:
        """Who left at which price, and the result."""
        assert isinstance(past, PastEnglish)
        left = [f"at {price:.2f} {line}" for price, line in _clock(seen, past.acts)]
        return "; ".join([f"the object was worth {past.value:.2f} to you", *left, result(seen, past)]) + "."

    def appraise(self, state: EnglishState, seat: str, move: Move) -> Appraisal:
        """Staying: what the bidder gains if all others leave at this price, in dollars; leaving: 0. Myopic."""
        if isinstance(move, Say):
            return super().appraise(state, seat, move)
        value, price = self.value(state, seat) / 100, self.price(state)
        stays = isinstance(move, Stay)
        return Appraisal(
            utility=value - price if stays else 0.0,
            content="stay" if stays else "leave",
            features={"round": state.round, "price": price, "value": value},
        )

    # -- theory --------------------------------------------------------------------------------------------------

    def odds(self, config: EnglishConfig, others: Sequence[Floats]) -> Odds:
        """By the number of prices at which one stays."""
        return clock_odds(others, np.array(config.prices, dtype=float) * 100)

    def levels(self, config: EnglishConfig, bidding: Bidding) -> Levels:
        """How many prices are at most what the bidder stays for."""
        values = np.arange(config.cents + 1)
        most = limits(bidding, values, config.bidders, config.cents, config.reserve * 100, first_price=False)
        return np.searchsorted(np.array(config.prices) * 100, most, side="right")

    def at_random(self, config: EnglishConfig) -> Floats:
        """It leaves at each price with probability 1/2."""
        steps = len(config.prices)
        stayed: Floats = 0.5 ** np.arange(1, steps + 2, dtype=np.float64)
        stayed[-1] *= 2
        return stayed

    def equilibrium(self, config: EnglishConfig) -> tuple[float, float, str]:
        """Of staying while the price is at most the own value, exact on this clock."""
        levels = self.levels(config, Bidding())
        odds = self.odds(config, [shares(levels, len(config.prices) + 1)] * (config.bidders - 1))
        earned = config.bidders * float(np.mean(odds.pay[levels]))
        return (
            follow(odds, levels) / 100,
            earned / 100,
            "all stay while the price is at most their value, in every round: with a continuous clock weakly dominant "
            "(Milgrom & Weber 1982), on this one worth at most an increment less than the best; by revenue equivalence "
            "near the sealed auctions' (Riley & Samuelson 1981); risk-neutral bidders; expectation over values, exact",
        )


_CHOICES: Menu = (Stay(), Leave())


@lru_cache(maxsize=64)
def _stages(steps: int) -> tuple[str, ...]:
    return (VALUES, *(CLOCK,) * steps)


def _inside(act: Sequence[float]) -> bool:
    """Whether a bidder with these acts has not left."""
    return not act or act[-1] == 1.0


def _clock(seen: EnglishObservation, acts: Sequence[Sequence[float]]) -> list[tuple[int, str]]:
    """The prices at which anybody left, or gave no answer, and who."""
    out: dict[int, dict[float, list[str]]] = {}
    for player, act in zip(seen.players, acts, strict=True):
        if not _inside(act):
            name = "you" if player == seen.role else called(player, seen.role)
            out.setdefault(len(act) - 1, {0.0: [], -1.0: []})[act[-1]].append(name)
    verbs = {0.0: "left", -1.0: "gave no answer"}
    return [
        (seen.prices[step], "; ".join(f"{_all(who)} {verbs[how]}" for how, who in found.items() if who))
        for step, found in sorted(out.items())
    ]


def _all(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _staying(
    found: list[tuple[Draw, PastRound, int | None, int]], own: int, config: EnglishConfig
) -> dict[str, float | None]:
    if not found:
        return {"left_early": None, "stayed_late": None, "absent": None, "won": None}
    early = late = won = answered = 0
    for lot, past, winner, _ in found:
        act, value = past.acts[own], lot.values[own]
        won += winner == own
        if -1.0 in act:
            continue
        answered += 1
        stayed = act.count(1.0)
        early += 0.0 in act and config.prices[stayed] * 100 <= value
        late += stayed > 0 and config.prices[stayed - 1] * 100 > value
    return {
        "left_early": early / answered if answered else None,
        "stayed_late": late / answered if answered else None,
        "absent": 1 - answered / len(found),
        "won": won / len(found),
    }
