"""What theory says of the ultimatum, dictator and trust games: equilibria, random play, the best answer to a sharer.

All values are dollars, summed over the rounds: the unit of `payoffs`. Money comes in whole cents.

Sources: backward induction (Selten 1965) with players who care for their own money only, as in Güth, Schmittberger &
Schwarze (1982) and Berg, Dickhaut & McCabe (1995), section 2; Benoit & Krishna, "Finitely repeated games", Econometrica
53 (1985), for repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from sandbox.scenario import Benchmark, Item, Policy
from sandbox_env_games.anchors import response_anchors, unmet
from sandbox_env_games.rounds import RoundsConfig
from sandbox_env_games.sharers import AGENT, ThresholdConfig, demanded, given
from sandbox_env_games.sharing import Dictator, SplitConfig, Trust, TrustConfig, Ultimatum

Answer = Callable[[str, float], tuple[Fraction | int, Fraction | int]]
"""Seat, the other's share -> its cents per round with its best move, and on average with a random one."""
TENTHS = 11
ANSWERS = 2

SELFISH = "subgame-perfect equilibrium by backward induction: both maximise their own money, and know it"


def ultimatum(
    game: Ultimatum, config: SplitConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors of an ultimatum game, named `equilibrium/proposer` and so on."""
    whole = config.money * 100
    found = _same(config, "disagreement", "every offer is rejected", {"proposer": 0, "responder": 0})
    chance = "offers of 0, 10, ... 100 %, answers yes or no, equally likely; exact"
    found |= _same(config, "random", chance, {"proposer": Fraction(whole, 4), "responder": Fraction(whole, 4)})
    found |= _welfare(config, whole, "every offer is accepted")
    kept = f"{SELFISH}; nothing is offered, and the responder accepts when indifferent"
    also = "; to be offered a cent, where it then rejects, is the other equilibrium of a round"
    if config.rounds > 1:
        also += ", and subgame-perfect equilibria that change from one to the other may pay more or less"
    found |= _equilibrium(config, kept + also, {"proposer": whole, "responder": 0})
    if config.horizon_told:
        found |= _same(config, "equilibrium_low", kept + also, {"proposer": whole - 1, "responder": 0})
        found |= _same(config, "equilibrium_high", kept + also, {"proposer": whole, "responder": 1})

    def answer(seat: str, share: float) -> tuple[Fraction | int, Fraction | int]:
        if seat == "responder":
            offer = given(share, whole)
            return offer, Fraction(offer, ANSWERS)
        least = demanded(share, whole)
        taken = [whole - offer for offer in _tenths(whole) if offer >= least]
        return whole - least, Fraction(sum(taken), TENTHS)

    return found | _against(game, config, item, counterparts, answer, {"proposer": TENTHS, "responder": ANSWERS})


def dictator(
    game: Dictator, config: SplitConfig, item: Item, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """Anchors of a dictator game; the dictator's own are the same whoever the recipient is."""
    whole = config.money * 100
    half, nobody = Fraction(whole, 2), "the recipient has no say"
    gifts = "gifts of 0, 10, ... 100 %, equally likely; exact"
    found = _same(config, "random", gifts, {"dictator": half, "recipient": half})
    found |= _welfare(config, whole, "whatever is given")
    found |= _equilibrium(config, f"all is kept, since {nobody}", {"dictator": whole, "recipient": 0}, anyway=True)
    found |= _same(config, "best_response", f"all is kept; {nobody}", {"dictator": whole})
    found |= _same(config, "random_response", f"{gifts}; {nobody}", {"dictator": half})
    if "recipient" in game.seats(config):
        gift = {"recipient": 1}  # it can only say something
        against = _against(game, config, item, counterparts, lambda seat, share: (given(share, whole),) * 2, gift)
        found |= against
    return found


def trust(game: Trust, config: TrustConfig, item: Item, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
    """Anchors of a trust game."""
    first, second = (100 * endowment for endowment in config.endowments)
    times = config.multiplier
    nothing = {"investor": first, "trustee": second}
    found = _same(config, "disagreement", "nothing is sent", nothing)
    sent = Fraction(sum(_tenths(first)), TENTHS)
    back = sum((_mean_back(times * amount) for amount in _tenths(first)), Fraction(0)) / TENTHS
    found |= _same(
        config,
        "random",
        "0, 10, ... 100 % sent, and of what was received returned, equally likely; exact",
        {"investor": first - sent + back, "trustee": second + times * sent - back},
    )
    found |= _welfare(config, first * times + second, "everything is sent")
    found |= _equilibrium(config, f"{SELFISH}; nothing is returned, so nothing is sent", nothing)

    def answer(seat: str, share: float) -> tuple[Fraction | int, Fraction | int]:
        if seat == "trustee":
            received = times * given(share, first)
            return second + received, second + received - _mean_back(received)
        gains = [first - amount + given(share, times * amount) for amount in _tenths(first)]
        # Each cent sent brings back share * times cents, rounded down: all or nothing is best.
        return max(gains[0], gains[-1]), Fraction(sum(gains), TENTHS)

    return found | _against(game, config, item, counterparts, answer, {"investor": TENTHS, "trustee": TENTHS})


def _tenths(most: int) -> list[int]:
    """The amounts that stand for all from 0 to `most` cents in random play."""
    return [most * tenth // 10 for tenth in range(TENTHS)]


def _mean_back(received: int) -> Fraction:
    return Fraction(sum(_tenths(received)), TENTHS)


def _same(config: RoundsConfig, name: str, assumes: str, amounts: Mapping[str, Fraction | int]) -> dict[str, Benchmark]:
    """`NAME/SEAT` for amounts in cents that come in every round."""
    return {f"{name}/{seat}": _every(config, cents, assumes) for seat, cents in amounts.items()}


def _every(config: RoundsConfig, cents: Fraction | int, assumes: str) -> Benchmark:
    return Benchmark(value=float(Fraction(cents) * config.rounds / 100), assumes=assumes)


def _welfare(config: RoundsConfig, cents: int, when: str) -> dict[str, Benchmark]:
    return {"welfare": _every(config, cents, f"the greatest total of both, in every round: {when}")}


def _equilibrium(
    config: RoundsConfig, assumes: str, amounts: Mapping[str, int], anyway: bool = False
) -> dict[str, Benchmark]:
    """Of the round, repeated in each one; `anyway`: also where the players do not know how many there are."""
    if not config.horizon_told and not anyway:
        reason = "the players do not know the number of rounds, and no beliefs about it are given"
        return {f"equilibrium/{seat}": Benchmark(value=None, assumes=reason) for seat in amounts}
    repeated = "" if config.rounds == 1 else "; the same in every round"
    return _same(config, "equilibrium", assumes + repeated, amounts)


def _against(
    game: Ultimatum | Dictator | Trust,
    config: SplitConfig | TrustConfig,
    item: Item,
    counterparts: Mapping[str, Policy],
    answer: Answer,
    choices: Mapping[str, int],
) -> dict[str, Benchmark]:
    found: dict[str, Benchmark] = {}
    for seat, count in choices.items():
        names = f"best_response/{seat}", f"random_response/{seat}"
        if undefined := unmet(seat, game.roles, counterparts):
            found |= undefined
            continue
        (other,) = (role for role in game.roles if role != seat)
        policy = counterparts[other]
        share = _share(policy)
        if share is None:
            found |= response_anchors(game, config, item, seat, {other: policy}, count)
        else:
            best, chance = answer(seat, share)
            held = f"against this counterpart, which holds to a share of {share:g} in every round; exact"
            found[names[0]] = _every(config, best, f"best play, in whole cents, {held}")
            found[names[1]] = _every(config, chance, f"random play {held}")
    return found


def _share(policy: Policy) -> float | None:
    """The share that a counterpart holds to, where it is one of ours."""
    agent = getattr(policy, "agent", None)
    if agent is None or agent.id != AGENT:
        return None
    return ThresholdConfig.model_validate(dict(agent.config)).share
