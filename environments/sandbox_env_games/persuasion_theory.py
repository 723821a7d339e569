"""What theory says of persuasion: commitment, babbling, truth, random play, and the best answer to a given counterpart.

The functions are about one round and count in units of the price; anchors are dollars of a whole game, the unit of the
game's payoffs. Every round is the same and draws its own quality, so that a game is worth `rounds` times a round.

Sources: Kamenica and Gentzkow, "Bayesian Persuasion", American Economic Review 101 (2011) 2590-2615, for commitment;
Crawford and Sobel, "Strategic Information Transmission", Econometrica 50 (1982) 1431-1451, and Lipnowski and Ravid,
"Cheap Talk with Transparent Motives", Econometrica 88 (2020) 1631-1660, for talk that binds nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from typing import NamedTuple

from sandbox.menu import Move, moves
from sandbox.scenario import NATURE, Benchmark, Item, Policy
from sandbox_env_games.persuasion import (
    Buy,
    Decline,
    Persuasion,
    PersuasionConfig,
    PersuasionState,
    Quality,
    prior_gain,
    speeches,
)

TIE = 1e-9
"""Prices apart by less are the same: a buyer at (p, v) = (1/3, 3) is indifferent, whatever a float makes of it."""


class Worths(NamedTuple):
    """What a round is worth on average, in units of the price."""

    seller: float
    buyer: float


def pays(gain: float) -> bool:
    """Whether a buyer buys who expects this gain (units of the price): also when indifferent."""
    return gain >= -TIE


def lie_rate(p: float, v: float, c: float) -> float:
    """How often a seller who is bound to its word recommends a low product, if it recommends all high ones.

    So often that a recommended product is just worth its price: p (v - 1) = (1 - p) q (1 - c), at most always.
    """
    loss, surplus = (1 - p) * (1 - c), p * (v - 1)
    return 1.0 if loss <= surplus + TIE else surplus / loss


def commitment(p: float, v: float, c: float) -> Worths:
    """The *commitment value*: the most that a seller gets who is bound to a rule of what it says (Bayesian persuasion).

    It sells with probability min(1, p (v - c) / (1 - c)); for c = 0 that is min(1, p v). A buyer who is indifferent
    buys; it gains nothing, unless it buys whatever is said. No equilibrium of talk that binds nobody: a bound.
    """
    lies = (1 - p) * lie_rate(p, v, c)
    return Worths(p + lies, p * (v - 1) - lies * (1 - c))


def babbling(p: float, v: float, c: float) -> Worths:
    """Nothing is said that means anything: the buyer buys if that pays at the prior, and when indifferent."""
    gain = p * (v - 1) + (1 - p) * (c - 1)
    if not pays(gain):
        return Worths(0.0, 0.0)
    return Worths(1.0, 0.0 if abs(gain) <= TIE else gain)


def truthful(p: float, v: float, c: float) -> Worths:
    """The seller recommends high products only, and the buyer buys what is recommended."""
    return Worths(p, p * (v - 1))


def benchmarks(config: PersuasionConfig, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
    """Anchors named `commitment/seller`, `best_response/buyer` and so on, in dollars of a whole game, and `welfare`.

    A myopic buyer's are of its one round. Where all of them are counterparts and the seller is not, they have none: the
    same numbers would be stored with every episode as often as there are buyers.

    Args:
        config: the game.
        counterparts: seat -> policy of the scripted, deterministic agents that fill seats (state -> move). The anchors
            `best_response` of the other side are about them; they are undefined (None, with the reason) where there are
            none, or where what they do depends on more than the round and what is said or true in it.
    """
    game = Persuasion()
    found = {"welfare": _welfare(config)}
    others = set(game.seats(config)) - {"seller"}
    rules = _rules(game, config, counterparts.get("seller"))
    played = {}  # the one round of each myopic buyer
    if config.buyers == "myopic":
        played = {config.buyer(number): number for number in range(1, config.rounds + 1)}
    sellers_alone = config.buyers == "myopic" and others == set(counterparts)
    for seat in game.seats(config):
        if seat != "seller" and sellers_alone:
            continue
        rounds = [played[seat]] if seat in played else list(range(1, config.rounds + 1))
        scale = config.price * len(rounds)
        refused = 0.0 if seat == "seller" else prior_gain(config, False) * len(rounds)  # not 0 if variant: published
        found[f"disagreement/{seat}"] = Benchmark(value=refused, assumes="nothing is bought; on average")
        buys = 0.5 if seat == "seller" else (prior_gain(config, True) + prior_gain(config, False)) / 2 / config.price
        found[f"random/{seat}"] = Benchmark(
            value=scale * buys, assumes="both sides play at random, each move equally likely; exact, on average"
        )
        found |= _named(config, seat, scale)
        found |= _equilibria(config, seat, scale)
        found |= _against_buyers(game, config, counterparts) if seat == "seller" else {}
        if seat != "seller":
            found |= _against_seller(config, seat, rounds, rules)
    return found


def _welfare(config: PersuasionConfig) -> Benchmark:
    most = sum(
        chance * max(bought + config.gain(high, bought) for bought in (True, False))
        for high, chance in ((True, config.p), (False, 1 - config.p))
    )
    return Benchmark(
        value=config.price * config.rounds * most,
        assumes="greatest total payoff, on average over qualities: all is bought, since the products cost nothing",
    )


_PUBLISHED = "variant: published counts a payoff that is not the buyer's, of which theory says nothing"


def _named(config: PersuasionConfig, seat: str, scale: float) -> dict[str, Benchmark]:
    told = "p, v and c are known to both sides, and a buyer who is indifferent buys"
    known = {
        "commitment": (
            commitment,
            f"commitment value: the seller is bound to a rule (Kamenica and Gentzkow 2011); {told}",
        ),
        "babbling": (babbling, f"what is said means nothing; {told}"),
        "truthful": (truthful, "the seller recommends high quality only, and what it recommends is bought"),
    }
    found = {}
    for name, (function, assumes) in known.items():
        worths = function(config.p, config.v, config.c)
        value = scale * (worths.seller if seat == "seller" else worths.buyer)
        found[f"{name}/{seat}"] = (
            Benchmark(value=value, assumes=assumes)
            if config.variant == "right"
            else Benchmark(value=None, assumes=_PUBLISHED)
        )
    return found


def _equilibria(config: PersuasionConfig, seat: str, scale: float) -> dict[str, Benchmark]:
    """The payoffs of equilibria of talk that binds nobody, over a known number of rounds.

    A seller wants to sell whatever the quality is, so that all that it says in a round brings it the same. If the prior
    gain is positive, that is a sale for sure; if it is negative, none: the round's payoffs are those of babbling in
    every equilibrium (Lipnowski and Ravid 2020). Nothing that is done then matters later, and by backward induction
    from the last round it is so in all rounds. Where the prior gain is 0 everything from no sale to all sales is an
    equilibrium of a round, and later rounds can reward earlier ones.
    """
    names = [f"equilibrium{kind}/{seat}" for kind in ("", "_low", "_high")]
    reason = _no_equilibrium(config)
    if reason:
        return {name: Benchmark(value=None, assumes=reason) for name in names}
    worths = babbling(config.p, config.v, config.c)
    value = scale * (worths.seller if seat == "seller" else worths.buyer)
    unique = "payoffs of every perfect Bayesian equilibrium of cheap talk: nobody believes a word (backward induction)"
    if not isclose(prior_gain(config, True) / config.price, 0, abs_tol=TIE):
        return {name: Benchmark(value=value, assumes=unique) for name in names}
    first = "the equilibrium in which nobody believes a word and a buyer who is indifferent buys; one of many"
    least, most = Benchmark(value=0.0, assumes="the buyer, who is indifferent, never buys"), None
    if seat == "seller":
        most = Benchmark(value=scale, assumes="the buyer, who is indifferent, always buys")
    reason = "not computed: where the buyer is indifferent, later rounds can reward honesty in earlier ones"
    return {
        names[0]: Benchmark(value=value, assumes=first),
        names[1]: least,
        names[2]: most or Benchmark(value=None, assumes=reason),
    }


def _no_equilibrium(config: PersuasionConfig) -> str:
    if config.variant == "published":
        return _PUBLISHED
    if not config.buyer_knows_p:
        return "the buyer does not know p, and no beliefs about it are given"
    if not config.seller_knows_values:
        return "the seller does not know v and c, and no beliefs about them are given"
    if not config.horizon_told:
        return "the number of rounds is not told, and no beliefs about it are given"
    if config.buyers == "myopic" and config.rounds > 1:
        return "myopic buyers do not know the number of rounds, and no beliefs about it are given"
    return ""


# -- against given counterparts -----------------------------------------------------------------------------------


class _DependsError(Exception):
    """A counterpart's play depends on more than the round and what is said or true in it."""


RANDOM = "baselines/random"
READERS = frozenset({"baselines/bayesian_buyer", "baselines/trusting_buyer", RANDOM})
"""Buyers that do on any other message what they do on one of the listed."""
_SEEN = "seen to hold after two pasts"


def _undefined(names: Sequence[str], reason: str) -> dict[str, Benchmark]:
    return {name: Benchmark(value=None, assumes=reason) for name in names}


def _against_buyers(
    game: Persuasion, config: PersuasionConfig, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """What the seller can get of these buyers, and gets at random."""
    names = "best_response/seller", "random_response/seller"
    missing = [seat for seat in game.seats(config)[1:] if seat not in counterparts]
    if missing:
        return _undefined(names, f"the agent in seat {missing[0]} is not a scripted, deterministic counterpart")
    try:
        bought = purchases(game, config, counterparts)
    except _DependsError as finding:
        return _undefined(names, f"not computed: {finding}")
    most = sum(max(answers) for answers in bought)
    mean = sum(sum(answers) / len(answers) for answers in bought)
    scope = f"these buyers, who decide by the round and by what is said in it ({_SEEN})"
    found = {
        names[0]: Benchmark(value=float(config.price * most), assumes=f"best play against {scope}; exact"),
        names[1]: Benchmark(
            value=config.price * mean, assumes=f"each listed recommendation or message equally likely, against {scope}"
        ),
    }
    exact = config.messages == "binary" or all(
        _id(policy) in READERS for seat, policy in counterparts.items() if seat != "seller"
    )
    if not exact and most < config.rounds:
        reason = "not computed: what these buyers do on a message that is not listed is not known"
        found |= _undefined(names[:1], reason)
    return found


def purchases(
    game: Persuasion, config: PersuasionConfig, counterparts: Mapping[str, Policy]
) -> list[tuple[float, ...]]:
    """For each round, the probability that its buyer buys on each listed thing that the seller can say: 0 or 1.

    Or 1/2, of a random buyer, who is known by name (asked, it would give one draw). All is seen after two pasts: in one
    all products were low and recommended, in the other every second one was high and the seller told the truth. A buyer
    who remembers that shows itself there.

    Raises:
        _DependsError: it does.
    """
    options = list(moves(speeches(config)))
    praise, truth = options[-2], {True: options[-2], False: options[-1]}
    cheated = fair = game.initial(config, Item())
    found: list[tuple[float, ...]] = []
    for number in range(1, config.rounds + 1):
        policy, seat = counterparts[config.buyer(number)], config.buyer(number)
        high = number % 2 == 1
        cheated, fair = _drawn(game, cheated, high=False), _drawn(game, fair, high=high)
        after = [[game.apply(state, {"seller": said}) for said in options] for state in (cheated, fair)]
        answers: list[list[Move]] = [[Decline()] * len(options)] * 2
        bought: list[tuple[float, ...]] = [(0.5,) * len(options)] * 2
        if _id(policy) != RANDOM:
            answers = [[policy(state) for state in states] for states in after]
            bought = [tuple(float(isinstance(answer, Buy)) for answer in one) for one in answers]
        if bought[0] != bought[1]:
            raise _DependsError(f"the counterpart in seat {seat} decides in round {number} by what was before")
        found.append(bought[0])
        here = options.index(praise), options.index(truth[high])
        cheated, fair = (
            game.apply(states[place], {seat: answer[place]})
            for states, answer, place in zip(after, answers, here, strict=True)
        )
    return found


Rule = Mapping[bool, Mapping[Move, float]]
"""Quality (whether high) -> what the seller says of it, with probabilities."""


def _rules(game: Persuasion, config: PersuasionConfig, policy: Policy | None) -> list[Rule] | str:
    """The seller's rule in each round, or why there is none."""
    if policy is None:
        return "the agent in seat seller is not a scripted, deterministic counterpart"
    try:
        return signals(game, config, policy)
    except _DependsError as finding:
        return f"not computed: {finding}"


def _against_seller(
    config: PersuasionConfig, seat: str, rounds: Sequence[int], rules: list[Rule] | str
) -> dict[str, Benchmark]:
    """What a buyer can get who knows how the seller talks, and gets at random."""
    best, chance = f"best_response/{seat}", f"random_response/{seat}"
    value = len(rounds) * (prior_gain(config, True) + prior_gain(config, False)) / 2
    found = {chance: Benchmark(value=value, assumes="to buy and to decline are equally likely, so all sellers are one")}
    if isinstance(rules, str):
        return found | _undefined([best], rules)
    worth = config.price * sum(informed(config, rules[number - 1]) for number in rounds)
    scope = f"knows p and this seller, who talks by the round and its quality ({_SEEN})"
    return found | {best: Benchmark(value=worth, assumes=f"best play of a buyer who {scope}; on average; exact")}


def informed(config: PersuasionConfig, rule: Rule) -> float:
    """The most that a buyer gains in a round on average, in units of the price, who knows p and the seller's rule."""
    chances = {True: config.p, False: 1 - config.p}
    said = {move for odds in rule.values() for move in odds}
    return sum(
        max(
            sum(chances[high] * rule[high].get(move, 0.0) * config.gain(high, bought) for high in (True, False))
            for bought in (True, False)
        )
        for move in said
    )


def signals(game: Persuasion, config: PersuasionConfig, policy: Policy) -> list[Rule]:
    """The seller's rule in each round.

    Two sellers that draw are known by name (asked, they would give one draw). All others are asked, after two pasts:
    in one every product was low and bought, in the other high and low took turns and none was bought.

    Raises:
        _DependsError: what the seller says depends on the past.
    """
    options = list(moves(speeches(config)))
    if _id(policy) == RANDOM:
        even = dict.fromkeys(options, 1 / len(options))
        return [{True: even, False: even}] * config.rounds
    if _id(policy) == "baselines/commitment_seller":
        lies = lie_rate(config.p, config.v, config.c) if config.seller_knows_values else 0.0
        low = {options[-2]: lies, options[-1]: 1 - lies}
        return [{True: {options[-2]: 1.0}, False: low}] * config.rounds
    bought = refused = game.initial(config, Item())
    found: list[Rule] = []
    for number in range(1, config.rounds + 1):
        said = [{high: policy(_drawn(game, state, high=high)) for high in (True, False)} for state in (bought, refused)]
        if said[0] != said[1]:
            raise _DependsError(f"the counterpart in seat seller talks in round {number} by what was before")
        found.append({high: {move: 1.0} for high, move in said[0].items()})
        high = number % 2 == 1
        bought = _round(game, bought, False, said[0][False], bought=True)
        refused = _round(game, refused, high, said[0][high], bought=False)
    return found


def _id(policy: Policy) -> str | None:
    """The agent behind a policy, where the runner says it."""
    return getattr(getattr(policy, "agent", None), "id", None)


def _drawn(game: Persuasion, state: PersuasionState, high: bool) -> PersuasionState:
    return game.apply(state, {NATURE: Quality(high=high)})


def _round(game: Persuasion, state: PersuasionState, high: bool, said: Move, bought: bool) -> PersuasionState:
    state = game.apply(_drawn(game, state, high), {"seller": said})
    (seat,) = game.to_move(state)
    (buy, decline) = moves(game.menu(state, seat))
    return game.apply(state, {seat: buy if bought else decline})
