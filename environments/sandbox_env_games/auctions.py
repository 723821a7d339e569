"""Auctions of one object to bidders with private values: what all have in common, and the sealed-bid ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games.anchors import unmet
from sandbox_env_games.auctions_theory import (
    Bidding,
    Floats,
    Levels,
    Odds,
    best,
    blind,
    greatest_total,
    limits,
    payoff,
    revenue,
    sealed_odds,
    shares,
)
from sandbox_env_games.money import Dollars, cents
from sandbox_env_games.rounds import (
    TALK,
    Pass,
    PastRound,
    Rounds,
    RoundsConfig,
    RoundsObservation,
    RoundsState,
    Say,
    called,
    players,
)

VALUES = "values"
"""The stage in which nature draws what the object is worth to each bidder."""
PAID = "The winner gains what the object is worth to it less the price; all others gain nothing and pay nothing."
BIDDER = "baselines/bidder"
"""The scripted bidder whose bids theory knows."""


class Draw(Move):
    """Nature's move: what the object is worth to each bidder (integer cents), and in which order equal bids win."""

    kind: Literal["draw"] = "draw"
    values: tuple[int, ...]
    order: tuple[int, ...]


class Bid(Move):
    """Bid for the object, in secret, at the same time as all other bidders."""

    kind: Literal["bid"] = "bid"
    bid: Dollars


class AuctionConfig(RoundsConfig):
    """What every auction can be set to.

    Attributes:
        bidders: how many.
        top: the greatest value that an object can have, whole dollars; values are drawn uniformly from 0.00 to it.
        reserve: the least price at which the object is sold, whole dollars.
    """

    bidders: int = Field(3, ge=2, le=10)
    top: int = Field(100, ge=1, le=10_000)
    reserve: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _can_be_sold(self) -> Self:
        if self.reserve > self.top:
            raise ValueError(f"reserve: {self.reserve} is more than the object can be worth (top: {self.top})")
        return self

    @property
    def cents(self) -> int:
        """The greatest value, integer cents."""
        return self.top * 100


@dataclass(frozen=True)
class AuctionState(RoundsState):
    """`lots` are nature's draws, one for each round that has begun."""

    config: Any
    lots: tuple[Draw, ...] = ()


class PastAuction(PastRound):
    """An auction that is over, as a bidder sees it. Amounts are dollars; `gains`, which tell values, are empty.

    Attributes:
        value: what the object was worth to the reader.
        won: whether the reader got it.
        gain: what the reader gained: value less price, or 0.
        winner: None: nobody, or it is not told.
        price: what the winner paid; None: it was not sold, or it is not told.
    """

    value: float
    won: bool
    gain: float
    winner: str | None
    price: float | None


class AuctionObservation(RoundsObservation):
    """What a bidder knows. Amounts are dollars.

    Attributes:
        top, reserve: as in the config.
        value: what the object of this round is worth to the reader; None when all is over.
    """

    top: int
    reserve: int
    value: float | None
    history: tuple[PastAuction, ...]


ConfigT = TypeVar("ConfigT", bound=AuctionConfig)
StateT = TypeVar("StateT", bound=AuctionState)
Outcome = tuple[int | None, int]
"""The index of the winner (None: not sold), and what it pays, in integer cents."""


class Auction(Rounds[ConfigT, StateT], Generic[ConfigT, StateT]):
    """One object a round, worth to each bidder what nature draws for it alone."""

    plan: ClassVar[str] = "bid"
    """What is chosen for each value, in the words of `best_response`."""

    # -- what an auction adds ------------------------------------------------------------------------------------

    @abstractmethod
    def outcome(self, config: ConfigT, order: Sequence[int], acts: Sequence[Sequence[float]]) -> Outcome:
        """Who gets the object, and for how much; an empty act is no bid."""

    @abstractmethod
    def view(self, past: PastRound, lot: Draw, config: ConfigT, own: int) -> PastAuction:
        """An auction that is over, as the bidder number `own` sees it."""

    @abstractmethod
    def odds(self, config: ConfigT, others: Sequence[Floats]) -> Odds:
        """What each level does against bidders who play the levels with these probabilities."""

    @abstractmethod
    def levels(self, config: ConfigT, bidding: Bidding) -> Levels:
        """The level that a scripted bidder plays with each of the values 0..top cents."""

    @abstractmethod
    def at_random(self, config: ConfigT) -> Floats:
        """The probabilities of a random player's levels."""

    @abstractmethod
    def equilibrium(self, config: ConfigT) -> tuple[float, float, str]:
        """A bidder's expected gain and the seller's revenue in one auction, in dollars, and what is assumed."""

    # -- what follows --------------------------------------------------------------------------------------------

    def seats(self, config: ConfigT) -> tuple[str, ...]:
        """The bidders."""
        return players(config.bidders)

    def stage(self, state: StateT) -> str:
        """Bidders talk when they know what the object is worth to them."""
        if state.config.messages:
            return TALK if state.stage == 1 else self.stages(state.config)[max(0, state.stage - 1)]
        return self.stages(state.config)[state.stage]

    def chance(self, state: StateT) -> bool:
        """Values are nature's."""
        return self.stage(state) == VALUES

    def draw(self, state: StateT) -> str:
        """One draw a round."""
        return f"values/{state.round}"

    def sample(self, state: StateT, generator: np.random.Generator) -> Move:
        """Values, independent and uniform on whole cents from 0 to `top`; and an order for ties, each as probable."""
        config = state.config
        return Draw(
            values=tuple(generator.integers(0, config.cents, endpoint=True, size=config.bidders).tolist()),
            order=tuple(generator.permutation(config.bidders).tolist()),
        )

    def drawn(self, state: StateT, move: Move) -> StateT:
        """The object of this round."""
        assert isinstance(move, Draw)
        return replace(state, lots=(*state.lots, move))

    def gains(self, state: StateT) -> tuple[float, ...]:
        """Value less price for the winner, 0 for all others, in dollars."""
        lot = state.lots[state.round - 1]
        winner, price = self.outcome(state.config, lot.order, state.acts)
        return tuple((value - price) / 100 if i == winner else 0.0 for i, value in enumerate(lot.values))

    def void(self, state: StateT) -> tuple[float, ...]:
        """Who gave no answer has no bid; all others are served."""
        return self.gains(state)

    def payoffs(self, state: StateT) -> Mapping[str, float]:
        """Dollars; the sum of whole cents is one."""
        return {seat: round(total, 2) for seat, total in super().payoffs(state).items()}

    def results(self, state: StateT) -> list[tuple[Draw, PastRound, int | None, int]]:
        """Nature's draw, the acts, the winner and the price of each auction that is over."""
        return [
            (lot, past, *self.outcome(state.config, lot.order, past.acts))
            for lot, past in zip(state.lots, state.history, strict=False)
        ]

    def measures(self, state: StateT) -> Mapping[str, float | None]:
        """How the auctions that are over went for the seller and for all together.

        `revenue`: mean price in dollars, 0 where not sold. `efficiency`: the share of auctions that a bidder with the
        highest value won, of those in which that value was above the reserve price or equal; `surplus`: what the
        object was worth to winners, as a share of what it was worth to those with the highest values; None where there
        was none. `sold`: the share in which the object was sold.
        """
        found = self.results(state)
        if not found:
            return {"revenue": None, "efficiency": None, "surplus": None, "sold": None}
        worth = [(max(lot.values), 0 if winner is None else lot.values[winner]) for lot, _, winner, _ in found]
        sellable = [pair for pair in worth if pair[0] >= max(state.config.reserve * 100, 1)]
        highest = sum(most for most, _ in sellable)
        return {
            "revenue": sum(price for _, _, _, price in found) / len(found) / 100,
            "efficiency": sum(most == won for most, won in sellable) / len(sellable) if sellable else None,
            "surplus": sum(won for _, won in sellable) / highest if sellable else None,
            "sold": sum(winner is not None for _, _, winner, _ in found) / len(found),
        }

    def facts(self, state: StateT) -> Mapping[str, Any]:
        """As in all games of rounds; all seats are alike."""
        return {**super().facts(state), "symmetric": True}

    def value(self, state: StateT, seat: str) -> int:
        """What the object drawn last is worth to the bidder, in cents."""
        return state.lots[-1].values[self.seats(state.config).index(seat)]

    def seen(self, state: StateT, seat: str) -> dict[str, Any]:
        """The fields of `AuctionObservation`."""
        seen = super().seen(state, seat)
        return seen | {
            "total": round(seen["total"], 2),
            "top": state.config.top,
            "reserve": state.config.reserve,
            "value": self.value(state, seat) / 100 if len(state.lots) == state.round else None,
        }

    def viewed(self, state: StateT, own: int) -> Callable[[PastRound], PastRound]:
        """With the bidder's own value and gain, and as far as the auction discloses it."""
        return lambda past: self.view(past, state.lots[past.round - 1], state.config, own)

    def conceal(self, state: StateT, seat: str) -> StateT:
        """Other values of the other bidders, and another order of ties, beside another horizon."""
        state = super().conceal(state, seat)
        own = self.seats(state.config).index(seat)
        lots = tuple(
            lot.model_copy(
                update={
                    "values": tuple(
                        value if i == own else (value + 1) % state.config.cents for i, value in enumerate(lot.values)
                    )
                }
            )
            for lot in state.lots
        )
        if len(lots) == state.round:
            lots = (*lots[:-1], lots[-1].model_copy(update={"order": lots[-1].order[::-1]}))
        # A new history, since what is known of the old one was seen with the old values.
        return replace(state, lots=lots, history=tuple(past.model_copy() for past in state.history))

    def _talk(self, seen: Any) -> list[str]:
        if seen.value is None:
            return super()._talk(seen)
        return [f"In round {seen.round} the object is worth {seen.value:.2f} dollars to you.", *super()._talk(seen)]

    def benchmarks(self, config: ConfigT, item: Item, counterparts: Mapping[str, Policy]) -> Mapping[str, Benchmark]:
        """Anchors for each bidder's payoff in all rounds together, and the seller's expected `revenue` in one of them.

        All are expectations over values. Those against counterparts are exact, by counting through all values in cents,
        where every other bidder is `baselines/bidder`, whose bids depend on its value alone.
        """
        gain, earned, assumes = self.equilibrium(config)
        untold = "the bidders do not know the number of rounds, and no beliefs are given"
        told = config.horizon_told
        chances = self.at_random(config)
        noise = blind(self.odds(config, [chances] * (config.bidders - 1)), chances, config.cents) / 100
        total = greatest_total(config.bidders, config.top, config.reserve)
        found = {
            "revenue": Benchmark(value=earned if told else None, assumes=assumes if told else untold),
            "welfare": Benchmark(
                value=total * config.rounds,
                assumes="of all bidders together (the seller is none): the highest value wins at the reserve price",
            ),
        }
        for seat in self.seats(config):
            found[f"disagreement/{seat}"] = Benchmark(value=0.0, assumes="nothing is won, and nothing paid")
            found[f"equilibrium/{seat}"] = Benchmark(
                value=gain * config.rounds if told else None, assumes=assumes if told else untold
            )
            found[f"random/{seat}"] = Benchmark(
                value=noise * config.rounds, assumes="all seats play at random among the listed moves; exact"
            )
            found |= self._against(config, seat, counterparts)
        return found

    def _against(self, config: ConfigT, seat: str, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
        if found := unmet(seat, self.seats(config), counterparts):
            return found
        names = f"best_response/{seat}", f"random_response/{seat}"
        met = [known_bidding(counterparts[other]) for other in self.seats(config) if other != seat]
        known = [bidding for bidding in met if bidding is not None]
        if len(known) < len(met):
            reason = f"not computed: how a counterpart that is no {BIDDER} bids is not known for every value"
            return {name: Benchmark(value=None, assumes=reason) for name in names}
        gained, blindly = _gains(self, config, tuple(sorted(known, key=repr)))
        against = "these counterparts, whose bids depend on their values alone; expectation over all values, exact"
        return {
            names[0]: Benchmark(
                value=gained / 100 * config.rounds,
                assumes=f"the best {self.plan} for each value against {against}; silent",
            ),
            names[1]: Benchmark(
                value=blindly / 100 * config.rounds,
                assumes=f"random play among the listed moves against {against}",
            ),
        }


@lru_cache(maxsize=256)  # all seats that meet the same bidders ask for the same
def _gains(game: Auction[Any, Any], config: AuctionConfig, met: tuple[Bidding, ...]) -> tuple[float, float]:
    """What the best levels, and random ones, gain against these bidders in one auction, in cents."""
    chances = game.at_random(config)
    odds = game.odds(config, [shares(game.levels(config, bidding), len(chances)) for bidding in met])
    return best(odds, config.cents), blind(odds, chances, config.cents)


def known_bidding(policy: Policy) -> Bidding | None:
    """How a counterpart bids, if it is the scripted bidder."""
    agent = getattr(policy, "agent", None)
    return Bidding.model_validate(dict(agent.config)) if agent is not None and agent.id == BIDDER else None


class SealedBidConfig(AuctionConfig):
    """A sealed-bid auction's parameters.

    Attributes:
        format: the winner pays its own bid, or the second-highest one.
        disclosure: what is told of an auction that is over: all `bids`; the winner and the `price`; or, to each
            bidder, its `own` result only.
    """

    format: Literal["first_price", "second_price"] = "first_price"
    disclosure: Literal["bids", "price", "own"] = "bids"


@dataclass(frozen=True)
class SealedBidState(AuctionState):
    """`acts` are bids, in whole cents."""

    config: SealedBidConfig


class PastSealedBid(PastAuction):
    """As `PastAuction`; `acts` are the bids in dollars, empty where they are not told; `bid` is the reader's own."""

    bid: float | None


class SealedBidObservation(AuctionObservation):
    """As `AuctionObservation`, with the rules in force."""

    format: Literal["first_price", "second_price"]
    disclosure: Literal["bids", "price", "own"]
    history: tuple[PastSealedBid, ...]


class SealedBid(Auction[SealedBidConfig, SealedBidState]):
    """Bidders with private values bid once, in secret and at once; the highest bid wins.

    Sources: Vickrey (1961); Krishna, Auction Theory (2nd ed. 2010), chapter 2, also for the tie: each of several equal
    highest bids is as likely to win (nature draws an order with the values). Bidding above one's value in second-price
    auctions: Kagel & Levin, Economic Journal 103 (1993). Talk between bidders: a ring (McAfee & McMillan 1992).

    Action: `Bid(bid)`, dollars with at most two decimals, from 0 to `top`; `Say(message)` before the bids, when all
    know their values, where the config has messages. Nature's draws are `values/ROUND`.
    Forfeit: who gives no legal bid takes no part in that round; the others' auction goes on.
    Payoff: dollars, the sum over rounds of value less price of the objects won.
    Facts: see `measures`; by bidder `shading`, the mean of 1 - bid / value over its bids on values above 0 (negative:
    it bid more than its value); `overbid`, the share of its bids above its value; `won`, the share of auctions won;
    `no_bid`, the share without a bid. `hindsight` is against the others' recorded bids and the recorded order of ties.

    Example:
        >>> game = SealedBid()
        >>> state = game.initial(SealedBidConfig(bidders=2, rounds=1, format="second_price"), Item())
        >>> state = game.apply(state, {"nature": Draw(values=(5000, 8000), order=(0, 1))})
        >>> dict(game.payoffs(game.apply(state, {"player_1": Bid(bid=50), "player_2": Bid(bid=75.5)})))
        {'player_1': 0.0, 'player_2': 30.0}
    """

    id: ClassVar[str] = "games/SealedBid-v0"
    Config = SealedBidConfig
    State = SealedBidState
    Action: ClassVar[Any] = Annotated[Bid | Say | Draw | Pass, Field(discriminator="kind")]
    Observation = SealedBidObservation

    def initial(self, config: SealedBidConfig, item: Item) -> SealedBidState:
        """Before the first draw."""
        return self.start(SealedBidState(config))

    def stages(self, config: SealedBidConfig) -> tuple[str, ...]:
        """Nature draws, then all bid."""
        return (VALUES, "bid")

    def choices(self, state: SealedBidState, seat: str) -> Menu:
        """Any bid up to the greatest possible value, represented by tenths of it."""
        return _bids(state.config.top)

    def numbers(self, state: SealedBidState, seat: str, move: Move) -> tuple[float, ...]:
        """The bid, in cents."""
        assert isinstance(move, Bid)
        return (float(cents(move.bid)),)

    def reference(self, state: SealedBidState, seat: str) -> Move:
        """The bidder's value: so a hypothetical auction is one with bids."""
        return Say() if self.stage(state) == TALK else Bid(bid=self.value(state, seat) / 100)

    def outcome(self, config: SealedBidConfig, order: Sequence[int], acts: Sequence[Sequence[float]]) -> Outcome:
        """The highest bid of at least the reserve price wins."""
        reserve = config.reserve * 100
        bids = {i: int(act[0]) for i, act in enumerate(acts) if act and act[0] >= reserve}
        if not bids:
            return None, 0
        winner = min(bids, key=lambda i: (-bids[i], order.index(i)))
        if config.format == "first_price":
            return winner, bids[winner]
        return winner, max([bid for i, bid in bids.items() if i != winner], default=reserve)

    def reply(self, state: SealedBidState, seat: str, past: PastRound) -> float:
        """What the best bid would have gained: none that wins, the least that does, or one that wins by lot."""
        own = self.seats(state.config).index(seat)
        lot = state.lots[past.round - 1]
        reserve = state.config.reserve * 100
        rivals = max((int(act[0]) for i, act in enumerate(past.acts) if act and i != own), default=0)
        found = [0]
        for bid in (reserve, max(reserve, rivals), min(max(reserve, rivals + 1), state.config.cents)):
            acts = [(float(bid),) if i == own else act for i, act in enumerate(past.acts)]
            winner, price = self.outcome(state.config, lot.order, acts)
            found.append(lot.values[own] - price if winner == own else 0)
        return max(found) / 100

    def by_seat(self, state: SealedBidState) -> Mapping[str, Mapping[str, float | None]]:
        """How each bidder's bids lie to its values."""
        found = self.results(state)
        return {seat: _bidding(found, own) for own, seat in enumerate(self.seats(state.config))}

    def view(self, past: PastRound, lot: Draw, config: SealedBidConfig, own: int) -> PastSealedBid:
        """As far as the config discloses it."""
        winner, price = self.outcome(config, lot.order, past.acts)
        hidden = winner is None or (config.disclosure == "own" and winner != own)
        return PastSealedBid(
            round=past.round,
            said=past.said,
            acts=tuple(tuple(bid / 100 for bid in act) for act in past.acts) if config.disclosure == "bids" else (),
            value=lot.values[own] / 100,
            bid=past.acts[own][0] / 100 if past.acts[own] else None,
            won=winner == own,
            gain=past.gains[own],
            winner=None if hidden or winner is None else self.seats(config)[winner],
            price=None if hidden else price / 100,
        )

    def observe(self, state: SealedBidState, seat: str) -> SealedBidObservation:
        """Own value, and what is told of the auctions before."""
        config = state.config
        return SealedBidObservation(**self.seen(state, seat), format=config.format, disclosure=config.disclosure)

    def conceal(self, state: SealedBidState, seat: str) -> SealedBidState:
        """Also without those bids of the others that are not told and without which the same is told."""
        state = super().conceal(state, seat)
        if state.config.disclosure == "bids":
            return state
        own = self.seats(state.config).index(seat)

        def told(lot: Draw, acts: Sequence[Sequence[float]]) -> Outcome:
            winner, price = self.outcome(state.config, lot.order, acts)
            return (winner, price) if state.config.disclosure == "price" or winner == own else (None, 0)

        history = []
        for lot, past in zip(state.lots, state.history, strict=False):
            acts = past.acts
            for i in range(len(acts)):
                fewer = (*acts[:i], (), *acts[i + 1 :])
                if i != own and told(lot, fewer) == told(lot, acts):
                    acts = fewer
            history.append(past.model_copy(update={"acts": acts}))
        return replace(state, history=tuple(history))

    def rules(self, seen: SealedBidObservation) -> str:
        """Values, bids, price, and what is told afterwards."""
        others = " and ".join(called(player, seen.role) for player in seen.players if player != seen.role)
        price = (
            "The highest bid wins the object, and its bidder pays that bid."
            if seen.format == "first_price"
            else "The highest bid wins the object, and its bidder pays the second-highest bid, or "
            + (f"{seen.reserve:.2f} if that is more or there is none." if seen.reserve else "0.00 if there is none.")
        )
        told = {
            "bids": "who won, the price and all bids",
            "price": "who won and the price",
            "own": "only whether it won itself, and what it then pays",
        }
        lines = [
            f"You are {called(seen.role, '')}. You and {others} take part in an auction of one object.",
            worth(seen),
            "All bid at the same time, in secret. "
            + price
            + " Between equal highest bids a lot decides, with the same chance for each.",
            PAID,
            "A bidder who gives no valid bid takes no part in that auction; it takes place all the same.",
            f"After the auction every bidder is told {told[seen.disclosure]}.",
        ]
        if seen.reserve:
            lines.insert(3, f"The object is not sold for less than {seen.reserve:.2f} dollars: a lower bid never wins.")
        return "\n".join(lines)

    def now(self, seen: SealedBidObservation) -> str:
        """The bid."""
        return (
            f"The object is worth {seen.value:.2f} dollars to you. Say your bid (bid), in dollars with at most two "
            f"decimals, from 0 to {seen.top}."
        )

    def told(self, seen: SealedBidObservation, past: PastRound) -> str:
        """Own value and bid, and what is disclosed."""
        assert isinstance(past, PastSealedBid)
        parts = [f"the object was worth {past.value:.2f} to you"]
        parts.append("you made no bid" if past.bid is None else f"you bid {past.bid:.2f}")
        bids = [
            f"{called(player, seen.role)} {f'bid {act[0]:.2f}' if act else 'made no bid'}"
            for player, act in zip(seen.players, past.acts, strict=False)
            if player != seen.role
        ]
        return "; ".join([*parts, *bids, result(seen, past, seen.disclosure != "own")]) + "."

    def appraise(self, state: SealedBidState, seat: str, move: Move) -> Appraisal:
        """A bid's expected gain in this auction, in dollars, if all others bid as in equilibrium.

        `shading` is 1 - bid / value, where the value is above 0.
        """
        if not isinstance(move, Bid):
            return super().appraise(state, seat, move)
        config = state.config
        value, bid = self.value(state, seat), cents(move.bid)
        odds = _equilibrium_odds(self, config)
        features: dict[str, float | str] = {"round": state.round, "value": value / 100}
        if value:
            features["shading"] = 1 - bid / value
        return Appraisal(
            utility=float(value * odds.win[bid] - odds.pay[bid]) / 100,
            content=f"bid {move.bid:.2f}",
            features=features,
        )

    # -- theory --------------------------------------------------------------------------------------------------

    def odds(self, config: SealedBidConfig, others: Sequence[Floats]) -> Odds:
        """By bid, in cents."""
        return sealed_odds(others, config.reserve * 100, config.format == "first_price")

    def levels(self, config: SealedBidConfig, bidding: Bidding) -> Levels:
        """Bids, in cents."""
        first_price = config.format == "first_price"
        values = np.arange(config.cents + 1)
        return limits(bidding, values, config.bidders, config.cents, config.reserve * 100, first_price)

    def at_random(self, config: SealedBidConfig) -> Floats:
        """Tenths of the greatest value, as on the menu."""
        return shares(np.arange(11) * config.cents // 10, config.cents + 1)

    def equilibrium(self, config: SealedBidConfig) -> tuple[float, float, str]:
        """Of the symmetric equilibrium; values and bids that are no whole cents are taken to be possible."""
        kind = (
            "symmetric equilibrium, bids ((n - 1) v^n + r^n) / (n v^(n - 1)), without a reserve (n - 1) v / n"
            if config.format == "first_price"
            else "equilibrium in dominant strategies, bids are values (others exist, such as a ring's)"
        )
        return (
            payoff(config.bidders, config.top, config.reserve),
            revenue(config.bidders, config.top, config.reserve),
            f"{kind}, in every round (Vickrey 1961, Riley & Samuelson 1981); risk-neutral bidders who know that values "
            "are uniform and independent; amounts are divisible; expectation over values",
        )


def worth(seen: AuctionObservation) -> str:
    """How values come about, in the rules."""
    return (
        "In each auction the object is worth a different amount to each bidder: an amount drawn for it alone, any from "
        f"0.00 to {seen.top:.2f} dollars with the same chance. Each bidder knows its own amount before the auction, "
        "and nobody else's."
    )


def result(seen: AuctionObservation, past: PastAuction, public: bool = True) -> str:
    """How an auction ended, for one of its bidders; `public`: all are told who won, and the price."""
    if past.won:
        return f"you won and paid {past.price:.2f}, a gain of {past.gain:.2f}"
    if not public:
        return "you did not win"
    if past.winner is None:
        return "the object was not sold"
    return f"{called(past.winner, seen.role)} won and paid {past.price:.2f}"


@lru_cache(maxsize=64)
def _bids(top: int) -> Menu:
    """Every bid, represented by eleven: 0, 10, ... 100 % of the greatest value."""
    return (
        MoveRange(
            Bid,
            bounds={"bid": (0, top)},
            representatives=tuple(Bid(bid=top * 10 * tenth / 100) for tenth in range(11)),
        ),
    )


@lru_cache(maxsize=4)  # of up to a million bids each
def _equilibrium_odds(game: SealedBid, config: SealedBidConfig) -> Odds:
    bids = shares(game.levels(config, Bidding()), config.cents + 1)
    return game.odds(config, [bids] * (config.bidders - 1))


def _bidding(found: list[tuple[Draw, PastRound, int | None, int]], own: int) -> dict[str, float | None]:
    bids = [(int(past.acts[own][0]), lot.values[own]) for lot, past, _, _ in found if past.acts[own]]
    shaded = [1 - bid / value for bid, value in bids if value]
    return {
        "shading": sum(shaded) / len(shaded) if shaded else None,
        "overbid": sum(bid > value for bid, value in bids) / len(bids) if bids else None,
        "won": sum(winner == own for _, _, winner, _ in found) / len(found) if found else None,
        "no_bid": 1 - len(bids) / len(found) if found else None,
    }
