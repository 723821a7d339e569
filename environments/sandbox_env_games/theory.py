"""What bargaining theory says of a game: equilibrium, random play, and the best answer to a given counterpart.

All values are shares of the money, discounted to round 1: the unit of the scores `u_alice` and `u_bob`.

Sources: Stahl, "Bargaining Theory" (1972) for the finite horizon; Rubinstein, "Perfect equilibrium in a bargaining
model", Econometrica 50 (1982) 97-109, for the infinite one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

from sandbox.errors import InputError
from sandbox.menu import InvalidAction, Move, read
from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.bargaining import (
    OTHER,
    SEATS,
    Accept,
    Bargaining,
    BargainingConfig,
    BargainingState,
    Offer,
    Reject,
    Seat,
    proposer,
)

MOST_ROUNDS = 100
"""How far a counterpart is looked at in a game without a last round."""
SETTLED = 1e-9
"""What later rounds may still be worth, as a share of the money, where looking stops."""


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
            assumes="both seats play at random: offers of 0, 10, ... 100 %, answers yes or no, equally likely; exact",
        )
        found[f"equilibrium/{seat}"] = _equilibrium(config, seat)
        if config.rounds is None and config.deltas == (1, 1):
            every = "waiting costs nobody anything: every division is a subgame-perfect equilibrium's"
            found[f"equilibrium_low/{seat}"] = Benchmark(value=0.0, assumes=every)
            found[f"equilibrium_high/{seat}"] = Benchmark(value=1.0, assumes=every)
        found |= _against(config, seat, counterparts.get(OTHER[seat]))
    found["welfare"] = Benchmark(value=1.0, assumes="any agreement in round 1: the seats' shares together")
    return found


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


@dataclass(frozen=True)
class Reaction:
    """How a counterpart meets the other seat in one round.

    In its own rounds `gain` is what it offers the other seat (integer cents; None: it makes no offer). In the other
    seat's rounds `gain` is the most that the other can claim and be accepted (None: every claim is refused).
    """

    gain: int | None


class NotMarkovError(Exception):
    """A counterpart's play depends on more than round and offer, so that no small table describes it."""


def _against(config: BargainingConfig, seat: Seat, policy: Policy | None) -> dict[str, Benchmark]:
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
    found = {
        names[0]: Benchmark(
            value=best_response(config, seat, met),
            assumes=f"best play, by dynamic programming, against {scope}",
        ),
        names[1]: Benchmark(
            value=random_response(config, seat, met),
            assumes=f"random play (offers of 0, 10, ... 100 %, answers yes or no; exact) against {scope}",
        ),
    }
    open_ = f"not computed: there is no last round, and what comes after round {len(met)} may be worth more"
    for name, is_settled in zip(names, settled(config, seat, met), strict=True):
        if not is_settled:
            found[name] = Benchmark(value=None, assumes=open_)
    return found


def settled(config: BargainingConfig, seat: Seat, met: tuple[Reaction, ...]) -> tuple[bool, bool]:
    """Whether rounds after those of `met` can change `best_response`, and `random_response`, by `SETTLED` at most."""
    if len(met) == config.rounds:
        return True, True
    left = config.delta(seat) ** len(met)  # the most that a later round can be worth
    reached, claims = 1.0, _claims(config)
    for number, reaction in enumerate(met, start=1):
        if reaction.gain is None:
            continue
        if proposer(number) == seat:
            reached *= sum(claim > reaction.gain for claim in claims) / len(claims)
        else:
            reached /= 2
    return left - best_response(config, seat, met) <= SETTLED, reached * left <= SETTLED


def best_response(config: BargainingConfig, seat: Seat, met: tuple[Reaction, ...]) -> float:
    """The greatest discounted share that `seat` can get from a counterpart that reacts as `met`."""
    value = 0.0
    for number in range(len(met), 0, -1):
        gain = met[number - 1].gain
        if gain is not None:
            value = max(value, _share(config, seat, gain, number))
    return value


def random_response(config: BargainingConfig, seat: Seat, met: tuple[Reaction, ...]) -> float:
    """The expected discounted share of `seat` when it plays at random against a counterpart that reacts as `met`."""
    claims = _claims(config)
    value = 0.0
    for number in range(len(met), 0, -1):
        gain = met[number - 1].gain
        if gain is None:
            continue
        if proposer(number) == seat:
            taken = [_share(config, seat, claim, number) if claim <= gain else value for claim in claims]
            value = sum(taken) / len(taken)
        else:
            value = (_share(config, seat, gain, number) + value) / 2
    return value


def reactions(config: BargainingConfig, seat: Seat, policy: Policy) -> tuple[Reaction, ...]:
    """How the counterpart of `seat` reacts in each round, when all offers before were rejected.

    Only as many rounds as matter (see `settled`), and at most `MOST_ROUNDS` where there is no last one.

    The greatest claim that it accepts is found by bisection between eleven claims (0, 10, ... 100 %), of which it must
    not accept a greater and refuse a smaller one; from round 5 on, where it is the same as two rounds before, between
    nothing and everything. All is seen after two pasts, one in which `seat` claimed everything
    and one in which it claimed half: a counterpart that remembers what it was offered shows itself there.

    Raises:
        NotMarkovError: no table by round describes the counterpart; says why.
    """
    game = _game()
    greedy = fair = game.initial(config, Item())
    met: list[Reaction] = []
    for number in range(1, (config.rounds or MOST_ROUNDS) + 1):
        if proposer(number) == seat:
            gain = _greatest_accepted(game, greedy, seat, policy, met[-2].gain if len(met) > 3 else None)
            unlike = not _accepts_up_to(game, fair, seat, policy, gain)
            made: tuple[Move, Move] = (_claim(config, seat, config.cents), _claim(config, seat, config.cents // 2))
        else:
            made = _play(game, greedy, policy), _play(game, fair, policy)
            gain, other_gain = (_own(config, seat, move) if isinstance(move, Offer) else None for move in made)
            unlike = gain != other_gain
        if unlike:
            raise NotMarkovError(f"plays round {number} differently after different offers before")
        met.append(Reaction(gain))
        if number % 4 == 0 and all(settled(config, seat, tuple(met))):
            break
        greedy, fair = (_reject(game, state, move) for state, move in zip((greedy, fair), made, strict=True))
    return tuple(met)


@lru_cache(maxsize=1)
def _game() -> Bargaining:
    """The one that is asked for every configuration: what reads its moves takes milliseconds to make."""
    return Bargaining()


def _greatest_accepted(
    game: Bargaining, state: BargainingState, seat: Seat, policy: Policy, likely: int | None
) -> int | None:
    """The greatest claim that is accepted; few are tried where `likely`, what it was before, is it again."""
    claims = _claims(state.config)
    if likely is not None and likely < claims[-1] and _accepts_up_to(game, state, seat, policy, likely):
        answers = [_accepts(game, state, seat, policy, claim) for claim in (0, claims[-1])]
        if answers == [True, False]:
            return likely
    answers = [_accepts(game, state, seat, policy, claim) for claim in claims]
    if answers != sorted(answers, reverse=True):
        raise NotMarkovError(f"accepts a greater claim in round {state.round} where it refuses a smaller one")
    if not answers[0]:
        return None
    if answers[-1]:
        return claims[-1]
    low, high = claims[answers.count(True) - 1], claims[answers.count(True)]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _accepts(game, state, seat, policy, middle) else (low, middle)
    return low


def _accepts_up_to(game: Bargaining, state: BargainingState, seat: Seat, policy: Policy, gain: int | None) -> bool:
    """Whether the counterpart accepts a claim of `gain` (None: nothing) and refuses a cent more."""
    more = 0 if gain is None else gain + 1
    return (gain is None or _accepts(game, state, seat, policy, gain)) and (
        more > state.config.cents or not _accepts(game, state, seat, policy, more)
    )


def _accepts(game: Bargaining, state: BargainingState, seat: Seat, policy: Policy, claim: int) -> bool:
    return isinstance(_play(game, game.apply(state, {seat: _claim(state.config, seat, claim)}), policy), Accept)


def _reject(game: Bargaining, state: BargainingState, move: Move) -> BargainingState:
    """The next round, after `move` was made and refused (or no offer was made at all)."""
    state = game.apply(state, {proposer(state.round): move})
    return state if state.offer is None else game.apply(state, {OTHER[proposer(state.round)]: Reject()})


def _play(game: Bargaining, state: BargainingState, policy: Policy) -> Move:
    """The counterpart's move; its declared forfeit where the policy gives no legal one."""
    (seat,) = game.to_move(state)
    move = read(game.menu(state, seat), game.action, policy(state))
    return game.forfeit(state, seat) if isinstance(move, InvalidAction) else move


def _claims(config: BargainingConfig) -> list[int]:
    """What a random player claims: 0, 10, ... 100 % of the money, in integer cents."""
    return [config.cents * tenths // 10 for tenths in range(11)]


def _claim(config: BargainingConfig, seat: Seat, cents: int) -> Offer:
    """The offer in which `seat` keeps so many cents."""
    return Offer(alice_gain=(cents if seat == "alice" else config.cents - cents) / 100)


def _own(config: BargainingConfig, seat: Seat, offer: Offer) -> int:
    return offer.cents if seat == "alice" else config.cents - offer.cents


def _share(config: BargainingConfig, seat: Seat, cents: int, number: int) -> float:
    return float(cents / config.cents * config.delta(seat) ** (number - 1))
