"""Negotiating a price: a seller and a buyer of one product make offers in turn, and both can deal with John instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sandbox.menu import Menu, Move, MoveRange, kind_of
from sandbox.recent import Growing
from sandbox.scenario import Appraisal, Benchmark, Frozen, Item, Policy, Scenario
from sandbox.trace import trusted
from sandbox_env_games.money import (
    MESSAGE_LIMIT,
    MONEY_LIMIT,
    Dollars,
    Message,
    amount,
    cents,
    dollars,
    saying,
    shifted,
    worth,
)

Seat = Literal["seller", "buyer"]
SEATS: tuple[Seat, Seat] = ("seller", "buyer")
OTHER: Mapping[str, Seat] = {"seller": "buyer", "buyer": "seller"}
VALUE_LIMIT = 10
"""What the product is worth to a seat is at most so many times the base price."""
BASE_LIMIT = 10**7
"""The greatest base price, in dollars; far below `MONEY_LIMIT`, the greatest price that can be offered."""
Factor = Annotated[float, Field(ge=0, le=VALUE_LIMIT)]


def _two_factors(values: Any) -> Any:
    if not isinstance(values, list | tuple) or len(values) != len(SEATS):
        raise ValueError("expected two factors of the base price, the seller's and the buyer's, such as [1.0, 1.5]")
    return values


class Offer(Move):
    """Offer to trade the product at a price of your choice."""

    kind: Literal["offer"] = "offer"
    price: Annotated[Dollars, Field(description="the price of the product, in dollars with at most two decimals")]
    message: Message = None

    @property
    def cents(self) -> int:
        """The price in integer cents, exact."""
        return cents(self.price)


class Accept(Move):
    """Accept the price on the table: the product is traded at it, and the game ends."""

    kind: Literal["accept"] = "accept"


class Reject(Move):
    """Reject the price on the table: the next round begins, or the game ends without a deal if this was the last."""

    kind: Literal["reject"] = "reject"


class SellToJohn(Move):
    """End the negotiation and sell the product to John, for exactly what it is worth to you."""

    kind: Literal["sell_to_john"] = "sell_to_john"


class BuyFromJohn(Move):
    """End the negotiation and buy such a product from John, for exactly what it is worth to you."""

    kind: Literal["buy_from_john"] = "buy_from_john"


class Pass(Move):
    """The round goes by without an offer. Never on a menu: it is what happens when a proposer gives no legal answer."""

    kind: Literal["pass"] = "pass"


# The menus' own, for whoever plays by rule: what is one of them need not be read and understood.
ACCEPT, REJECT = Accept(), Reject()
OUTSIDE: Mapping[str, Move] = {"seller": SellToJohn(), "buyer": BuyFromJohn()}


class NegotiationConfig(Frozen):
    """A game's parameters.

    Attributes:
        price: M, the product's base price in whole dollars: the unit of `values`. The seats are told neither it
            nor their factors, only what they come to in dollars.
        values: what the product is worth to seller and buyer, as factors of `price`.
        rounds: T, the number of offers; after the last rejection there is no deal.
        horizon_told: whether the seats know T.
        information: `incomplete`: a seat does not know what the product is worth to the other.
        messages: whether every offer can carry a message to the other seat.
    """

    price: int = Field(100, ge=1, le=BASE_LIMIT)
    values: Annotated[tuple[Factor, Factor], BeforeValidator(_two_factors)] = (1.0, 1.5)
    rounds: int = Field(10, ge=1, le=1000)
    horizon_told: bool = True
    information: Literal["complete", "incomplete"] = "complete"
    messages: bool = False

    def value(self, seat: str) -> float:
        """What the product is worth to the seat, in dollars."""
        return worth(self.price, self.values[SEATS.index(seat)])


Answer = Literal["accept", "reject", "outside"]


class PastRound(Frozen):
    """A round that is over, as both seats saw it.

    Attributes:
        price: what was offered, in dollars; None: no offer was made, and there was no answer.
        answer: `outside`: the receiver dealt with John.
        message: came with the offer.
    """

    round: int
    proposer: Seat
    price: float | None
    answer: Answer | None
    message: str | None = None


@dataclass(frozen=True)
class NegotiationState:
    """Where a game stands: `round` runs from 1; `offer` is the price on the table, or agreed upon, in integer cents."""

    config: NegotiationConfig
    round: int = 1
    offer: int | None = None
    message: str | None = None
    ended: Literal["accept", "outside"] | None = None
    history: tuple[PastRound, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nobody moves any more."""
        return self.ended is not None or self.round > self.config.rounds

    @property
    def deal(self) -> bool:
        """Whether the product was traded at `offer`."""
        return self.ended == "accept"


class NegotiationObservation(Frozen):
    """What a seat knows. Amounts are dollars.

    Attributes:
        role: the seat.
        stage: what the seat has to do now: `offer`, `answer`, `wait`; or how it ended: `deal`, `outside`, `no_deal`.
        round: the current round, from 1; the last one when the game is over.
        rounds: how many there are; None where that is not told.
        own_value: what the product is worth to the seat.
        other_value: what it is worth to the other; None where that is not told.
        price: on the table or agreed upon; None where there is none.
        message: what came with that offer.
        history: the rounds that are over.
    """

    role: Seat
    stage: Literal["offer", "answer", "wait", "deal", "outside", "no_deal"]
    round: int
    rounds: int | None
    own_value: float
    other_value: float | None
    messages: bool
    price: float | None
    message: str | None
    history: tuple[PastRound, ...]


def proposer(number: int) -> Seat:
    """Who offers in round `number`: the seller in odd ones, the buyer in even ones."""
    return "seller" if number % 2 else "buyer"


def gain(seat: str, price: float, value: float) -> float:
    """What a trade at `price` gains the seat to whom the product is worth `value`; less than 0 for a loss."""
    return price - value if seat == "seller" else value - price


class Negotiation(Scenario[NegotiationConfig, NegotiationState]):
    """A seller and a buyer negotiate the price of one product by alternating offers, without discounting.

    Source: the negotiation family of GLEE (Shapira et al. 2024, arXiv:2410.05254).

    Rules: the seller offers in odd rounds, the buyer in even ones. The receiver accepts, rejects, or takes the outside
    option: the seller sells to John, the buyer buys from John, at what the product is worth to the one who does. A deal
    at price p gains the seller p less its value, the buyer its value less p. The outside option, and no deal within
    `rounds`, gain both nothing.

    Action: `Offer(price)`, with an optional `message` where the config says so, `Accept()`, `Reject()`, and
    `SellToJohn()` or `BuyFromJohn()`: whichever is the receiver's own. Amounts in actions and observations are dollars
    with two decimals; the state holds integer cents, and a fraction of a cent is not legal.
    Forfeit: a proposer's round passes without an offer, a receiver rejects; the game goes on.
    Payoff: dollars gained, paid when the deal is made. Facts: as GLEE counts them, in units of `price`.

    Example:
        >>> game = Negotiation()
        >>> state = game.initial(NegotiationConfig(price=100, values=(0.8, 1.2)), Item())
        >>> state = game.apply(state, {"seller": Offer(price=130)})
        >>> state = game.apply(state, {"buyer": Reject()})
        >>> state = game.apply(state, {"buyer": Offer(price=90)})
        >>> dict(game.payoffs(game.apply(state, {"seller": Accept()})))
        {'seller': 10.0, 'buyer': 30.0}
    """

    id: ClassVar[str] = "games/Negotiation-v0"
    Config = NegotiationConfig
    State = NegotiationState
    Action: ClassVar[Any] = Annotated[
        Offer | Accept | Reject | SellToJohn | BuyFromJohn | Pass, Field(discriminator="kind")
    ]
    Observation = NegotiationObservation

    def seats(self, config: NegotiationConfig) -> tuple[str, ...]:
        """The seller, who makes the first offer, and the buyer."""
        return SEATS

    def initial(self, config: NegotiationConfig, item: Item) -> NegotiationState:
        """Round 1, nothing on the table."""
        return NegotiationState(config)

    def to_move(self, state: NegotiationState) -> tuple[str, ...]:
        """The round's proposer while there is no offer, then the other."""
        if state.over:
            return ()
        offering = proposer(state.round)
        return (offering,) if state.offer is None else (OTHER[offering],)

    def menu(self, state: NegotiationState, seat: str) -> Menu:
        """Any price in whole cents for a proposer; accept, reject or the own outside option for the other."""
        if seat not in self.to_move(state):
            return ()
        return offers(state.config.value(seat), state.config.messages) if state.offer is None else _ANSWERS[seat]

    def apply(self, state: NegotiationState, moves: Mapping[str, Move]) -> NegotiationState:
        """The table after one seat's move."""
        (move,) = moves.values()
        if type(move) is Offer:  # `isinstance` of a pydantic model costs a microsecond to say no
            return NegotiationState(state.config, state.round, move.cents, move.message, history=state.history)
        answer: Answer | None = None
        if state.offer is not None:
            accepts, leaves = type(move) is Accept, type(move) in (SellToJohn, BuyFromJohn)
            answer = "accept" if accepts else "outside" if leaves else "reject"
        past = trusted(
            PastRound,
            {
                "round": state.round,
                "proposer": proposer(state.round),
                "price": dollars(state.offer),
                "answer": answer,
                "message": state.message,
            },
        )
        if answer == "accept" or answer == "outside":
            return replace(state, ended=answer, history=(*state.history, past))
        # A rejection, or a forfeit (Pass, Forfeit): the next round begins in any case.
        return NegotiationState(state.config, state.round + 1, history=(*state.history, past))

    def observe(self, state: NegotiationState, seat: str) -> NegotiationObservation:
        """The table, the rules' parameters as far as they are told, and all that was offered and said."""
        config = state.config
        stage: Literal["offer", "answer", "wait", "deal", "outside", "no_deal"]
        if state.over:
            stage = "deal" if state.deal else "outside" if state.ended else "no_deal"
        elif seat not in self.to_move(state):
            stage = "wait"
        else:
            stage = "offer" if state.offer is None else "answer"
        return trusted(
            NegotiationObservation,
            {
                "role": seat,
                "stage": stage,
                "round": min(state.round, config.rounds),
                "rounds": config.rounds if config.horizon_told else None,
                "own_value": config.value(seat),
                "other_value": config.value(OTHER[seat]) if config.information == "complete" else None,
                "messages": config.messages,
                "price": dollars(state.offer),
                "message": state.message,
                "history": state.history,
            },
        )

    def render(self, observation: NegotiationObservation) -> str:
        """Rules, history and the decision to make, in the same words at every step."""
        return "\n\n".join([_rules(observation), *_history(observation), _now(observation)])

    def appraise(self, state: NegotiationState, seat: str, move: Move) -> Appraisal:
        """What the seat gains, in dollars, if the other side says yes to the move and the game ends there.

        For an offer that is the gain at its price, for accepting the gain at the price on the table, for rejecting and
        for dealing with John 0: a myopic measure, which needs no belief about the other.
        """
        config, kind = state.config, kind_of(move)
        agreed = state.offer if kind == "accept" else getattr(move, "cents", None)
        return _appraisal(kind, agreed, seat, config.value(seat), config.price, state.round)

    def payoffs(self, state: NegotiationState) -> Mapping[str, float]:
        """Dollars gained, once there is a deal."""
        if not state.deal or state.offer is None:
            return {"seller": 0.0, "buyer": 0.0}
        return {seat: gain(seat, state.offer / 100, state.config.value(seat)) for seat in SEATS}

    def facts(self, state: NegotiationState) -> Mapping[str, Any]:
        """How it stands, with GLEE's measures (arXiv:2410.05254).

        With q the price in units of the base price `money`, s and b the values: `u_seller` q - s and `u_buyer` b - q,
        0 and 0 without a deal; `efficiency` 1 for a deal where b > s, for none where b < s, and whatever happens where
        they are equal, else 0; `fairness` 1 - 4 (q - (s + b) / 2)^2, which can be negative, 1 without a deal.
        `money_seller`, `money_buyer` are the payoffs. `price` (dollars) and `round` are the deal's; `rounds` were
        begun and ended in all. `ended_by`: `accept`, `outside`, `rounds`, or None while the game goes on.

        GLEE's released formulas (`analyze/metrics.py`, `NegotiationMetrics`) are these, so there is no other variant.
        """
        config = state.config
        (s, b), payoffs = config.values, self.payoffs(state)
        facts: dict[str, Any] = {"deal": state.deal, "money": config.price, "u_seller": 0.0, "u_buyer": 0.0}
        facts |= {"efficiency": 1.0 if s == b or state.deal == (b > s) else 0.0, "fairness": 1.0}
        facts |= {"round": None, "rounds": len(state.history), "price": None}
        facts |= {"ended_by": (state.ended or "rounds") if state.over else None}
        facts |= {"money_seller": payoffs["seller"], "money_buyer": payoffs["buyer"]}
        if state.deal and state.offer is not None:
            q = state.offer / 100 / config.price
            facts |= {"u_seller": q - s, "u_buyer": b - q, "fairness": 1 - 4 * (q - (s + b) / 2) ** 2}
            facts |= {"round": state.round, "price": dollars(state.offer)}
        measures = {"deal": float(state.deal), **{name: facts[name] for name in ("efficiency", "fairness", "rounds")}}
        by_seat = {seat: {"u": facts[f"u_{seat}"], "hindsight": _hindsight(state, seat)} for seat in SEATS}
        return facts | {"payoffs": dict(payoffs), "measures": measures, "by_seat": by_seat}

    def forfeit(self, state: NegotiationState, seat: str) -> Move:
        """A proposer's round passes without an offer; a receiver rejects."""
        return Pass() if state.offer is None else Reject()

    def reference(self, state: NegotiationState, seat: str) -> Move:
        """The own value for a proposer, rejection for a receiver: so every round of a hypothetical game is asked."""
        return Offer(price=_share(state.config.value(seat), 1)) if state.offer is None else Reject()

    def conceal(self, state: NegotiationState, seat: str) -> NegotiationState:
        """Another base price for the same values in dollars; another value of the other and horizon where not told."""
        config = state.config
        values = [shifted(factor, -1) for factor in config.values]
        if config.information == "incomplete":
            values[SEATS.index(OTHER[seat])] += 1
        changes: dict[str, Any] = {"price": config.price * 10, "values": tuple(values)}
        if not config.horizon_told and not state.over:
            changes["rounds"] = config.rounds + 1
        return replace(state, config=config.model_copy(update=changes))

    def benchmarks(
        self, config: NegotiationConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both seats' payoffs: see `sandbox_env_games.negotiation_theory.benchmarks`."""
        from sandbox_env_games import negotiation_theory  # it plays this game, so it imports this module

        return negotiation_theory.benchmarks(config, counterparts)


@lru_cache(maxsize=4096)  # a game has some hundreds, and games that differ in what is told have the same
def _appraisal(kind: str, cents: int | None, seat: str, value: float, base: int, number: int) -> Appraisal:
    """Of a move in round `number` that agrees to a price; None: to none."""
    if cents is None:
        return Appraisal(utility=0.0, content=kind, features={"round": number})
    price = cents / 100
    won = gain(seat, price, value)
    return Appraisal(
        utility=won,
        content="accept" if kind == "accept" else f"offer {price:.2f}",
        features={"price": price, "gain": won / base, "round": number},
    )


_ANSWERS: Mapping[str, Menu] = {
    "seller": (ACCEPT, REJECT, OUTSIDE["seller"]),
    "buyer": (ACCEPT, REJECT, OUTSIDE["buyer"]),
}


@lru_cache(maxsize=64)
def offers(value: float, messages: bool) -> Menu:
    """Every price, represented by 0, 20, ... 200 % of what the product is worth to the seat that offers: whole cents.

    Nothing here follows from the base price, nor from what is worth to the other, since a seat sees its menu.
    """
    return (
        MoveRange(
            Offer,
            bounds={"price": (0, MONEY_LIMIT)},
            fixed={} if messages else {"message": None},
            representatives=tuple(Offer(price=_share(value, fifth / 5)) for fifth in range(11)),
        ),
    )


def _share(value: float, share: float) -> float:
    """A share of a value in dollars, in whole cents; a value below 5 cents counts as 5, so that prices differ."""
    return round(max(value, 0.05) * share, 2)


def _hindsight(state: NegotiationState, seat: str) -> float:
    """The best payoff that the seat could have had, the other's recorded offers and acceptance being what they were.

    That is the best of accepting one of those offers, of leaving without a deal, and of the deal that was made. An
    answer says nothing of other prices, so no better price of the seat's own is thought of.
    """
    value = state.config.value(seat)
    made = [past.price for past in state.history if past.proposer != seat or past.answer == "accept"]
    return max([0.0, *(gain(seat, price, value) for price in made if price is not None)])


def _rules(seen: NegotiationObservation) -> str:
    me, other = seen.role, OTHER[seen.role]
    if seen.rounds is None:
        horizon = "The number of rounds is limited, but you are not told the limit; after the last rejection"
    else:
        count = "is 1 round" if seen.rounds == 1 else f"are at most {seen.rounds} rounds"
        horizon = f"There {count}; if the last offer is rejected as well"
    if seen.other_value is None:
        known = f"You are not told what it is worth to the {other}, nor is the {other} told what it is worth to you."
    else:
        known = f"It is worth {amount(seen.other_value)} dollars to the {other}. Both of you know both figures."
    rules = [
        f"You are the {me}. You and the {other} negotiate the price of one product, which the seller has and the buyer "
        f"wants. It is worth {amount(seen.own_value)} dollars to you. {known}",
        "The seller offers a price in rounds 1, 3, 5 and so on, the buyer in rounds 2, 4, 6 and so on. The other "
        "player accepts the price, rejects it, or leaves and deals with John, an outsider, instead.",
        "If a price is accepted, the game ends: the seller gains the price less what the product is worth to the "
        "seller, the buyer gains what it is worth to the buyer less the price. Below 0.00 that is a loss.",
        "John buys from the seller, or sells such a product to the buyer, for exactly what it is worth to the one who "
        "deals with him. That ends the game, and both players gain 0.00 dollars.",
        f"If a price is rejected, or none is offered, the next round begins. {horizon}, the game ends without a deal "
        "and both players gain 0.00 dollars.",
        "Prices are in dollars with at most two decimals.",
    ]
    if seen.messages:
        rules.append(
            "With every offer, the player who makes it can send the other a message of up to "
            f"{MESSAGE_LIMIT} characters."
        )
    return "\n".join(rules)


_ANSWERED: Mapping[Answer, str] = {"accept": "accepted", "reject": "rejected"}
_WITH_JOHN: Mapping[str, str] = {"seller": "sold to John instead", "buyer": "bought from John instead"}


_PASTS: Growing[str] = Growing(20_000)  # rounds of games: what is told of a round that is over never changes


def _history(seen: NegotiationObservation) -> list[str]:
    lines = _PASTS.fold("lines", seen.history, "", lambda told, past: f"{told}\n{_line(past)}")
    return [f"So far:{lines}"] if lines else []


def _line(past: PastRound) -> str:
    answering = OTHER[past.proposer]
    if past.price is None or past.answer is None:
        return f"Round {past.round}: The {past.proposer} made no offer."
    answer = _ANSWERED.get(past.answer) or _WITH_JOHN[answering]
    return (
        f"Round {past.round}: The {past.proposer} offered {past.price:.2f}{saying(past.message)}. "
        f"The {answering} {answer}."
    )


def _now(seen: NegotiationObservation) -> str:
    other = OTHER[seen.role]
    if seen.stage == "no_deal" or seen.stage == "outside":
        return "The game is over without a deal. You gain 0.00 dollars."
    now = f"Now: round {seen.round}" + ("" if seen.rounds is None else f" of {seen.rounds}")
    if seen.stage == "wait":
        return f"{now}. It is the {other}'s turn."
    if seen.stage == "offer":
        return f"{now}. It is your turn to offer. Say for what price (price), in dollars."
    assert seen.price is not None
    at = _gain(gain(seen.role, seen.price, seen.own_value))
    if seen.stage == "deal":
        return f"The game is over with a deal in round {seen.round} at {seen.price:.2f} dollars. You {at}."
    john = "sell to John" if seen.role == "seller" else "buy from John"
    return (
        f"{now}. The {other} offers {seen.price:.2f} dollars{saying(seen.message)}. It is your turn to accept, to "
        f"reject, or to {john}. If you accept, you {at}."
    )


def _gain(won: float) -> str:
    return f"gain {_cents(won)} dollars" if won >= 0 else f"lose {_cents(-won)} dollars"


def _cents(won: float) -> str:
    """A difference of amounts, without what the float arithmetic left over."""
    return amount(round(won, 6))
