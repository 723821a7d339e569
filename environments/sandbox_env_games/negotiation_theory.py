"""What theory says of a negotiation: the last mover's price, random play, and the best answer to a given counterpart.

All payoffs are dollars gained; prices and values are factors of the base price where they are called so. Theory of
alternating offers without discounting by backward induction: Stahl, "Bargaining Theory" (1972).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Move, MoveRange, read
from sandbox.scenario import Benchmark, Policy
from sandbox_env_games.negotiation import (
    OTHER,
    PRICE_LIMIT,
    SEATS,
    Accept,
    Answer,
    Negotiation,
    NegotiationConfig,
    NegotiationState,
    Offer,
    Reject,
    Seat,
    gain,
    offers,
    proposer,
)

_GAME = Negotiation()  # one for all, since it makes what reads its moves but once


def last_mover_price(values: tuple[float, float], rounds: int) -> float | None:
    """The price, as a factor of the base price, of every subgame-perfect equilibrium; None where there is no trade.

    Nobody discounts, so whoever offers in the last of `rounds` >= 1 waits until then, if it must, and takes all gains
    from trade: the seller asks the buyer's value where `rounds` is odd, the buyer bids the seller's where it is even.
    The payoffs are those of every equilibrium; the round of the deal is not determined. Where the buyer's value is not
    above the seller's there is nothing to gain, and no price is more than another.
    """
    if rounds < 1:
        raise InputError(f"{rounds} rounds: expected at least 1")
    seller, buyer = values
    if buyer <= seller:
        return None
    return buyer if proposer(rounds) == "seller" else seller


def gains_from_trade(config: NegotiationConfig) -> float:
    """What both seats together can gain, in dollars: the buyer's value less the seller's, or 0."""
    return max(0.0, config.value("buyer") - config.value("seller"))


def random_play(config: NegotiationConfig) -> tuple[float, float]:
    """Expected payoffs of seller and buyer when both play at random: exact.

    A price is drawn from the menu's representatives, an answer from accept, reject and outside, so that the game comes
    to round t with probability 3^(1-t) and ends with a deal there with probability 3^-t, at the mean price.
    """
    prices = _prices(config)
    mean = sum(prices) / len(prices) / 100
    deal = sum(3.0**-number for number in range(1, config.rounds + 1))
    return deal * (mean - config.value("seller")), deal * (config.value("buyer") - mean)


def benchmarks(config: NegotiationConfig, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
    """Anchors per seat, named `disagreement/seller`, `equilibrium/buyer` and so on, and `welfare`; dollars.

    Args:
        config: the game.
        counterparts: seat -> policy of the scripted, deterministic agents that fill seats (state -> move). The anchors
            `best_response` and `random_response` of the other seat are about this very counterpart; they are
            undefined (None, with the reason) where there is none.
    """
    found: dict[str, Benchmark] = {}
    chance = random_play(config)
    for index, seat in enumerate(SEATS):
        found[f"disagreement/{seat}"] = Benchmark(value=0.0, assumes="no deal is made, or one with John")
        found[f"random/{seat}"] = Benchmark(value=chance[index], assumes=f"both seats play at random: {_AT_RANDOM}")
        found[f"equilibrium/{seat}"] = _equilibrium(config, seat)
        found |= _against(config, seat, counterparts.get(OTHER[seat]))
    found["welfare"] = Benchmark(
        value=gains_from_trade(config),
        assumes="the product goes to whom it is worth more: the buyer's value less the seller's, or no trade",
    )
    return found


_AT_RANDOM = "prices of 0, 20, ... 200 % of the base price, accept, reject or deal with John, equally likely; exact"


def _equilibrium(config: NegotiationConfig, seat: Seat) -> Benchmark:
    if config.information == "incomplete":
        reason = "the seats do not know what the product is worth to each other, and no beliefs about it are given"
        return Benchmark(value=None, assumes=reason)
    if not config.horizon_told:
        return Benchmark(value=None, assumes="the seats do not know the number of rounds, and no beliefs are given")
    if last_mover_price(config.values, config.rounds) is None:
        return Benchmark(value=0.0, assumes="there are no gains from trade, and nobody agrees to a loss")
    return Benchmark(
        value=gains_from_trade(config) if seat == proposer(config.rounds) else 0.0,
        assumes="every subgame-perfect equilibrium by backward induction (Stahl 1972): who offers in the last round "
        "takes all gains from trade; both maximise their own money, know that of each other, and accept when "
        "indifferent; money is divisible",
    )


@dataclass(frozen=True)
class Reaction:
    """How a counterpart meets the other seat in one round; prices are integer cents.

    Attributes:
        price: in its own rounds what it offers, None: it makes no offer. In the other seat's rounds the best price for
            that seat that it accepts, None: it accepts none.
        answers: in the other seat's rounds its answers to the menu's representatives; else empty.
        others: in the other seat's rounds its answers to prices that are worse for it than `price`, as far as seen.
    """

    price: int | None
    answers: tuple[Answer, ...] = ()
    others: frozenset[Answer] = frozenset()


class NotMarkovError(Exception):
    """A counterpart's play depends on more than round and offer, so that no small table describes it."""


def _against(config: NegotiationConfig, seat: Seat, policy: Policy | None) -> dict[str, Benchmark]:
    names = f"best_response/{seat}", f"random_response/{seat}"
    if policy is None:
        reason = f"the agent in seat {OTHER[seat]} is not a scripted, deterministic counterpart"
        return {name: Benchmark(value=None, assumes=reason) for name in names}
    try:
        met = reactions(config, seat, policy)
    except NotMarkovError as finding:
        reason = f"not computed: the counterpart in seat {OTHER[seat]} {finding}"
        return {name: Benchmark(value=None, assumes=reason) for name in names}
    scope = "this counterpart, whose play depends on round and offer only (seen to hold after two pasts)"
    return {
        names[0]: Benchmark(
            value=best_response(config, seat, met),
            assumes=f"best play, by dynamic programming, against {scope}",
        ),
        names[1]: Benchmark(
            value=random_response(config, seat, met),
            assumes=f"random play ({_AT_RANDOM}) against {scope}",
        ),
    }


def best_response(config: NegotiationConfig, seat: Seat, met: tuple[Reaction, ...]) -> float:
    """The greatest payoff that `seat` can get from a counterpart that reacts as `met`."""
    value = 0.0
    for number in range(config.rounds, 0, -1):
        reaction = met[number - 1]
        won = None if reaction.price is None else _gain(config, seat, reaction.price)
        if proposer(number) == seat:
            ways = [] if won is None else [won]
            ways += [value] * ("reject" in reaction.others) + [0.0] * ("outside" in reaction.others)
            value = max(ways)
        elif won is not None:
            value = max(won, value, 0.0)
    return value


def random_response(config: NegotiationConfig, seat: Seat, met: tuple[Reaction, ...]) -> float:
    """The expected payoff of `seat` when it plays at random against a counterpart that reacts as `met`."""
    prices = _prices(config)
    value = 0.0
    for number in range(config.rounds, 0, -1):
        reaction = met[number - 1]
        if proposer(number) == seat:
            after = {"reject": value, "outside": 0.0}
            won = [
                after.get(answer, _gain(config, seat, price))
                for price, answer in zip(prices, reaction.answers, strict=True)
            ]
            value = sum(won) / len(won)
        elif reaction.price is not None:
            value = (_gain(config, seat, reaction.price) + value) / 3
    return value


def reactions(config: NegotiationConfig, seat: Seat, policy: Policy) -> tuple[Reaction, ...]:
    """How the counterpart of `seat` reacts in each round, when all offers before were rejected.

    The best price that it accepts is found by bisection between the menu's representatives and its bound, of which it
    must not accept one that is worse for it and refuse one that is better. All is seen after two pasts, one in which
    `seat` made extreme offers and one in which it offered the base price: a counterpart that remembers what it was
    offered shows itself there.

    Raises:
        NotMarkovError: no table by round describes the counterpart; says why.
    """
    extreme = fair = NegotiationState(config)
    greedy = Offer(price=config.price * 2 if seat == "seller" else 0)
    met: list[Reaction] = []
    for number in range(1, config.rounds + 1):
        made: tuple[Move, Move]
        if proposer(number) == seat:
            made = greedy, Offer(price=config.price)
            reaction, seen = _answers(extreme, seat, policy, met[-2].price if number > 2 else None)
            unlike = any(_answer(fair, seat, policy, price) != answer for price, answer in seen.items())
        else:
            made = _play(extreme, policy), _play(fair, policy)
            price, other = (move.cents if isinstance(move, Offer) else None for move in made)
            reaction, unlike = Reaction(price), price != other
        if unlike:
            raise NotMarkovError(f"plays round {number} differently after different offers before")
        met.append(reaction)
        extreme, fair = (_reject(state, move) for state, move in zip((extreme, fair), made, strict=True))
    return tuple(met)


def _answers(
    state: NegotiationState, seat: Seat, policy: Policy, guess: int | None
) -> tuple[Reaction, dict[int, Answer]]:
    """How the counterpart reacts to `seat`'s offers, and its answers about where it begins to refuse.

    A good `guess` of the best price that it accepts, such as that of two rounds ago, saves most of the bisection.
    """
    config = state.config
    prices = _prices(config)
    worse = 1 if seat == "seller" else -1  # the way in which prices become worse for the counterpart
    ordered = sorted({0, config.price * PRICE_LIMIT * 100, *prices}, key=lambda price: price * worse)
    seen = {price: _answer(state, seat, policy, price) for price in ordered}
    accepted = [answer == "accept" for answer in seen.values()]
    count = accepted.count(True)
    if not all(accepted[:count]):
        raise NotMarkovError(f"accepts a worse price in round {state.round} where it refuses a better one")
    best = ordered[count - 1] if count else None
    edge = ordered[count] if count < len(ordered) else None
    if best is not None and edge is not None:
        guesses = [] if guess is None else [guess, guess + worse]
        while abs(edge - best) > 1:
            price = guesses.pop() if guesses else (edge + best) // 2
            if not min(best, edge) < price < max(best, edge):
                continue
            seen[price] = _answer(state, seat, policy, price)
            best, edge = (price, edge) if seen[price] == "accept" else (best, price)
    reaction = Reaction(
        best,
        tuple(seen[price] for price in prices),
        frozenset(answer for answer in seen.values() if answer != "accept"),
    )
    return reaction, {price: seen[price] for price in (best, edge, ordered[-1]) if price is not None}


def _answer(state: NegotiationState, seat: Seat, policy: Policy, price: int) -> Answer:
    move = _play(_GAME.apply(state, {seat: Offer(price=price / 100)}), policy)
    return "accept" if isinstance(move, Accept) else "reject" if isinstance(move, Reject) else "outside"


def _reject(state: NegotiationState, move: Move) -> NegotiationState:
    """The next round, after `move` was made and refused (or no offer was made at all)."""
    state = _GAME.apply(state, {proposer(state.round): move})
    return state if state.offer is None else _GAME.apply(state, {OTHER[proposer(state.round)]: Reject()})


def _play(state: NegotiationState, policy: Policy) -> Move:
    """The counterpart's move; its declared forfeit where the policy gives no legal one."""
    (seat,) = _GAME.to_move(state)
    move = read(_GAME.menu(state, seat), _GAME.action, policy(state))
    return _GAME.forfeit(state, seat) if isinstance(move, InvalidAction) else move


def _prices(config: NegotiationConfig) -> tuple[int, ...]:
    """The menu's representatives, integer cents."""
    (entry,) = offers(config.price, config.messages)
    assert isinstance(entry, MoveRange)
    return tuple(move.cents for move in entry.representatives if isinstance(move, Offer))


def _gain(config: NegotiationConfig, seat: Seat, price: int) -> float:
    return gain(seat, price / 100, config.value(seat))
