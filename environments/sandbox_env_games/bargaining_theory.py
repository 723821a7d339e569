"""What bargaining theory says of a game: equilibrium, random play, and the best answer to a given counterpart.

All values are shares of the money, discounted to round 1: the unit of the scores `u_alice` and `u_bob`.

Sources: Stahl, "Bargaining Theory" (1972) for the finite horizon; Rubinstein, "Perfect equilibrium in a bargaining
model", Econometrica 50 (1982) 97-109, for the infinite one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil

from sandbox.errors import InputError
from sandbox.scenario import Benchmark, Policy
from sandbox_env_games.alternating import Meeting, against
from sandbox_env_games.bargaining import OTHER, SEATS, Bargaining, BargainingConfig, Offer, Seat, proposer


def subgame_perfect(deltas: tuple[float, float], rounds: int | None) -> float:
    """Alice's share in the subgame-perfect equilibrium of `rounds` >= 1 alternating offers, by backward induction.

    The last proposer claims all. Before, a proposer leaves the other what the other's claim of the next round is worth
    now: claim_t = 1 - delta_responder * claim_(t+1). Money is divisible without limit here. None: `infinite_share`.
    """
    if rounds is None:
        return infinite_share(deltas)
    if rounds < 1:
        raise InputError(f"{rounds} rounds: expected at least 1")
    claim = 1.0
    for number in range(rounds - 1, 0, -1):
        claim = 1 - deltas[SEATS.index(OTHER[proposer(number)])] * claim
    return claim


def infinite_share(deltas: tuple[float, float]) -> float:
    """Alice's share with no last round: (1 - d2) / (1 - d1 d2) (Rubinstein 1982).

    Where neither discounts every division is an equilibrium; 1/2, the limit of equal factors, is returned then.
    """
    first, second = deltas
    return 0.5 if first == second == 1 else (1 - second) / (1 - first * second)


@lru_cache(maxsize=256)
def equilibrium_claims(deltas: tuple[float, float], cents: int, rounds: int) -> tuple[int, ...]:
    """What the proposer of each round claims for itself, in integer cents: the equilibrium when money comes in cents.

    Index 0 is round 1. The responder is left the least number of cents that it does not prefer to refuse. Exact: a
    factor counts as the decimal that it is written as (.9 is nine tenths).
    """
    claims = [cents]
    for number in range(rounds - 1, 0, -1):
        claims.append(cents - ceil(exact(deltas[SEATS.index(OTHER[proposer(number)])]) * claims[-1]))
    return tuple(reversed(claims))


@lru_cache(maxsize=256)
def exact(delta: float) -> Fraction:
    """The decimal that a discount factor is written as."""
    return Fraction(repr(float(delta)))


def random_play(deltas: tuple[float, float], rounds: int | None) -> tuple[float, float]:
    """Expected shares of alice and bob when both play at random: exact.

    An offer is uniform and symmetric around one half, and is accepted with probability 1/2, so that round t ends the
    game with probability 2^-t: sum over t of 2^-t delta^(t-1) / 2.
    """
    return _random_share(deltas[0], rounds), _random_share(deltas[1], rounds)


def _random_share(delta: float, rounds: int | None) -> float:
    if rounds is None:
        return 0.25 / (1 - delta / 2)
    return sum(0.25 * (delta / 2) ** (number - 1) for number in range(1, rounds + 1))


def benchmarks(config: BargainingConfig, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
    """Anchors per seat, named `disagreement/alice`, `equilibrium/bob` and so on; a value is a discounted share.

    Args:
        config: the game.
        counterparts: seat -> policy of the scripted, deterministic agents that fill seats (state -> move). The anchors
            `best_response` and `random_response` of the other seat are about this very counterpart; they are
            undefined (None, with the reason) where there is none.
    """
    if config.variant == "published":
        return _published(config)
    found: dict[str, Benchmark] = {}
    chance = random_play(config.deltas, config.rounds)
    for index, seat in enumerate(SEATS):
        found[f"disagreement/{seat}"] = Benchmark(value=0.0, assumes="no deal is made")
        found[f"random/{seat}"] = Benchmark(
            value=chance[index],
            assumes=f"both seats play at random: {_AT_RANDOM}",
        )
        found[f"equilibrium/{seat}"] = _equilibrium(config, seat)
        if config.rounds is None and config.deltas == (1, 1):
            every = "waiting costs nobody anything: every division is a subgame-perfect equilibrium's"
            found[f"equilibrium_low/{seat}"] = Benchmark(value=0.0, assumes=every)
            found[f"equilibrium_high/{seat}"] = Benchmark(value=1.0, assumes=every)
        policy = counterparts.get(OTHER[seat])
        found |= against(seat, OTHER[seat], None if policy is None else meeting(config, seat, policy), _AT_RANDOM)
    found["welfare"] = Benchmark(value=1.0, assumes="any agreement in round 1: the seats' shares together")
    return found


_AT_RANDOM = "offers of 0, 10, ... 100 %, answers yes or no, equally likely; exact"


def _published(config: BargainingConfig) -> dict[str, Benchmark]:
    """The disagreement point alone: the seats play one game, and are paid for another."""
    reason = "variant published: the seats are told that no deal gives both 0, and are not paid so"
    names = ("random", "equilibrium", "best_response", "random_response")
    found = {f"{name}/{seat}": Benchmark(value=None, assumes=reason) for name in names for seat in SEATS}
    end = 0.0 if config.rounds is None else config.deltas[1] ** (config.rounds - 1)
    found["disagreement/alice"] = Benchmark(value=0.0, assumes="no deal is made")
    found["disagreement/bob"] = Benchmark(value=end, assumes="no deal is made: bob is credited with all, discounted")
    return found


def _equilibrium(config: BargainingConfig, seat: Seat) -> Benchmark:
    if config.information == "incomplete":
        reason = "the seats do not know each other's discount factor, and no beliefs about it are given"
        return Benchmark(value=None, assumes=reason)
    if not config.horizon_told:
        return Benchmark(value=None, assumes="the seats do not know the number of rounds, and no beliefs are given")
    share = subgame_perfect(config.deltas, config.rounds)
    how = "by backward induction (Stahl 1972, Rubinstein 1982)"
    if config.rounds is None:
        how = "of the game without a last round (Rubinstein 1982)"
        if config.deltas == (1, 1):
            how += ", one of many: the limit of equal discount factors that tend to 1"
    return Benchmark(
        value=share if seat == "alice" else 1 - share,
        assumes=f"subgame-perfect equilibrium {how}: both maximise their "
        "own discounted money, know that of each other, and accept when indifferent; money is divisible",
    )


def meeting(config: BargainingConfig, seat: Seat, policy: Policy) -> Meeting:
    """`seat` against the counterpart with this policy; an offer is what alice gets, a payoff a discounted share."""
    cents, delta = config.cents, config.delta(seat)

    def share(alice: int, number: int) -> float:
        return float((alice if seat == "alice" else cents - alice) / cents * delta ** (number - 1))

    return Meeting(
        game=_game(),
        config=config,
        seat=seat,
        policy=policy,
        rounds=config.rounds,
        propose=lru_cache(maxsize=256)(lambda alice, said: Offer(alice_gain=alice / 100, message=said)),
        offers=[cents * tenths // 10 for tenths in range(11)],
        most=cents,
        wants_more=seat == "alice",
        messages=config.messages,
        answers=2,
        worth=share,
        discount=delta,
        ceiling=1.0,
    )


@lru_cache(maxsize=1)
def _game() -> Bargaining:
    """The one that is asked for every configuration: what reads its moves takes milliseconds to make."""
    return Bargaining()
