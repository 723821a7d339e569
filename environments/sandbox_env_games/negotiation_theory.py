"""What theory says of a negotiation: the last mover's price, random play, and the best answer to a given counterpart.

All payoffs are dollars gained; prices and values are factors of the base price where they are called so. Theory of
alternating offers without discounting by backward induction: Stahl, "Bargaining Theory" (1972).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sandbox.errors import InputError
from sandbox.menu import moves
from sandbox.scenario import Benchmark, Policy
from sandbox_env_games.alternating import Meeting, against
from sandbox_env_games.money import MONEY_LIMIT
from sandbox_env_games.negotiation import (
    OTHER,
    SEATS,
    Negotiation,
    NegotiationConfig,
    Offer,
    Seat,
    gain,
    offers,
    proposer,
)


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
    to round t with probability 3^(1-t) and ends with a deal there with probability 3^-t, at its proposer's mean price.
    """
    means = {seat: sum(prices) / len(prices) / 100 for seat in SEATS for prices in [_prices(config, seat)]}
    deals = [(means[proposer(number)], 3.0**-number) for number in range(1, config.rounds + 1)]
    seller, buyer = (sum(chance * gain(seat, mean, config.value(seat)) for mean, chance in deals) for seat in SEATS)
    return seller, buyer


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
        policy = counterparts.get(OTHER[seat])
        found |= against(seat, OTHER[seat], None if policy is None else meeting(config, seat, policy), _AT_RANDOM)
    found["welfare"] = Benchmark(
        value=gains_from_trade(config),
        assumes="the product goes to whom it is worth more: the buyer's value less the seller's, or no trade",
    )
    return found


_AT_RANDOM = (
    "prices of 0, 20, ... 200 % of what the product is worth to who offers; accept, reject or deal with John; equally "
    "likely; exact"
)


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


def meeting(config: NegotiationConfig, seat: Seat, policy: Policy) -> Meeting:
    """`seat` against the counterpart with this policy; an offer is a price, a payoff dollars gained."""
    value = config.value(seat)
    return Meeting(
        game=_game(),
        config=config,
        seat=seat,
        policy=policy,
        rounds=config.rounds,
        propose=lru_cache(maxsize=256)(lambda price, said: Offer(price=price / 100, message=said)),
        offers=_prices(config, seat),
        most=MONEY_LIMIT * 100,
        wants_more=seat == "seller",
        messages=config.messages,
        answers=3,
        worth=lambda price, number: gain(seat, price / 100, value),
    )


@lru_cache(maxsize=1)
def _game() -> Negotiation:
    """The one that is asked for every configuration: what reads its moves takes milliseconds to make."""
    return Negotiation()


def _prices(config: NegotiationConfig, seat: Seat) -> tuple[int, ...]:
    """The menu's representatives, integer cents."""
    menu = offers(config.value(seat), config.messages)
    return tuple(move.cents for move in moves(menu) if isinstance(move, Offer))
