"""Anchors that need no theory of a game: random play, simulated, and the best response to scripted players, exact."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sandbox.menu import Menu, Move, moves
from sandbox.play import Play
from sandbox.scenario import NATURE, Benchmark, Luck, Policy, Scenario
from sandbox_env_games.rounds import TALK, Rounds, Say

EPISODES = 200
"""Simulated for an anchor of random play."""
MOST = 20_000
"""States that are looked at for a best response; with more it is not computed."""


class TooLargeError(Exception):
    """A best response would take more than `MOST` states."""


def random_anchors(
    game: Scenario[Any, Any], config: Any, item: Any, counterparts: Mapping[str, Policy], episodes: int = EPISODES
) -> dict[str, Benchmark]:
    """`random/SEAT` (all at random) and `random_response/SEAT` (against the counterparts), simulated, with errors.

    A random player takes each listed move or representative with the same probability and says nothing where it may
    leave the message out.
    """
    seats = game.seats(config)
    found = {}
    for seat, (mean, error) in _simulated(game, config, item, {}, episodes).items():
        found[f"random/{seat}"] = Benchmark(
            value=mean, error=error, assumes=f"all seats play at random; {episodes} simulated episodes"
        )
    met: dict[str, tuple[float, float]] = {}
    free = [seat for seat in seats if seat not in counterparts]
    if counterparts and free:
        met = _simulated(game, config, item, counterparts, episodes)
    elif not free and len(seats) > 1:  # where all seats are known, each is the one that meets the others
        for seat in seats:
            others = {other: counterparts[other] for other in seats if other != seat}
            met[seat] = _simulated(game, config, item, others, episodes)[seat]
    for seat in seats:
        name = f"random_response/{seat}"
        if seat in met and (seat in free or not free):
            assumes = f"random play against these counterparts; {episodes} simulated episodes"
            found[name] = Benchmark(value=met[seat][0], error=met[seat][1], assumes=assumes)
        else:
            found[name] = Benchmark(value=None, assumes=no_counterpart(seat, seats, counterparts))
    return found


def best_response_anchors(
    game: Scenario[Any, Any], config: Any, item: Any, counterparts: Mapping[str, Policy]
) -> dict[str, Benchmark]:
    """`best_response/SEAT`, by looking at every way the seat can play; for games without chance."""
    seats = game.seats(config)
    found = {}
    for seat in seats:
        name = f"best_response/{seat}"
        if any(other not in counterparts for other in seats if other != seat):
            found[name] = Benchmark(value=None, assumes=no_counterpart(seat, seats, counterparts))
            continue
        try:
            value = best_response(game, config, item, seat, counterparts)
        except TooLargeError as reason:
            found[name] = Benchmark(value=None, assumes=f"not computed: {reason}")
            continue
        found[name] = Benchmark(
            value=value,
            assumes="best play against these very counterparts, by looking at every sequence of listed moves; silent",
        )
    return found


def best_response(
    game: Scenario[Any, Any], config: Any, item: Any, seat: str, counterparts: Mapping[str, Policy], most: int = MOST
) -> float:
    """The greatest payoff that `seat` can get when the other seats play `counterparts`; its own moves are listed ones.

    Raises:
        TooLargeError: more than `most` states, or nature moves.
    """
    looked = 0

    def value(state: Any) -> float:
        nonlocal looked
        while to_move := game.to_move(state):
            looked += 1
            if looked > most:
                raise TooLargeError(f"there are more than {most:,} ways to play")
            if to_move == (NATURE,):
                raise TooLargeError("chance moves")
            made = {other: counterparts[other](state) for other in to_move if other != seat}
            options = list(moves(game.menu(state, seat))) if seat in to_move else []
            if len(options) > 1:
                return max(value(game.apply(state, {**made, seat: move})) for move in options)
            # Recursion is for real choices: a thousand rounds without one would be too deep.
            state = game.apply(state, {**made, seat: options[0]} if options else made)
        return float(game.payoffs(state).get(seat, 0.0))

    return value(game.initial(config, item))


def response_anchors(
    game: Rounds[Any, Any], config: Any, item: Any, seat: str, others: Mapping[str, Policy], choices: int
) -> dict[str, Benchmark]:
    """`best_response/SEAT` and `random_response/SEAT` against players that the game's theory does not know.

    `others` play all seats but `seat`, which has `choices` listed moves in each round; if there are more than `MOST`
    sequences of them, these are not looked at.
    """
    best, chance = f"best_response/{seat}", f"random_response/{seat}"
    episodes = max(20, min(EPISODES, 2000 // config.rounds))  # a thousand rounds shall take no more than seconds
    found = {chance: random_anchors(game, config, item, others, episodes)[chance]}
    if sum(choices**past for past in range(config.rounds + 1)) > MOST:
        assumes = f"not computed: there are more than {MOST:,} ways to play"
        return found | {best: Benchmark(value=None, assumes=assumes)}
    return found | {best: best_response_anchors(game, config, item, others)[best]}


def _simulated(
    game: Scenario[Any, Any], config: Any, item: Any, counterparts: Mapping[str, Policy], episodes: int
) -> dict[str, tuple[float, float]]:
    totals: list[Sequence[float]] = []
    seats = game.seats(config)
    for number in range(episodes):
        luck = Luck(number)
        play = Play(game, config, item, number)
        play.settle()
        step = 0
        while play.to_move():
            made = {}
            for seat in play.to_move():
                step += 1
                policy = counterparts.get(seat)
                made[seat] = policy(play.state) if policy else _any(game.menu(play.state, seat), luck, seat, step)
            play.apply(made)
            play.settle()
        payoffs = play.payoffs()
        totals.append([payoffs[seat] for seat in seats])
    table = np.array(totals)
    errors = table.std(axis=0, ddof=1) / math.sqrt(episodes)
    return {seat: (float(table[:, i].mean()), float(errors[i])) for i, seat in enumerate(seats)}


def _any(menu: Menu, luck: Luck, seat: str, step: int) -> Move:
    options = list(moves(menu))
    return options[int(luck.generator("random", seat, step).integers(len(options)))]


def first_moves(game: Rounds[Any, Any], config: Any, item: Any, counterparts: Mapping[str, Policy]) -> dict[str, Move]:
    """What the counterparts do in the first stage that is not talk, in which all others are silent."""
    state = game.initial(config, item)
    while game.stage(state) == TALK:
        silent = {seat: counterparts[seat](state) if seat in counterparts else Say() for seat in game.to_move(state)}
        state = game.apply(state, silent)
    return {seat: policy(state) for seat, policy in counterparts.items()}


def unmet(seat: str, seats: Sequence[str], counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
    """`best_response/SEAT` and `random_response/SEAT` where they are not defined, with the reason.

    Empty where every other seat has a policy.
    """
    if all(other in counterparts for other in seats if other != seat):
        return {}
    reason = no_counterpart(seat, seats, counterparts)
    return {f"{name}/{seat}": Benchmark(value=None, assumes=reason) for name in ("best_response", "random_response")}


def no_counterpart(seat: str, seats: Sequence[str], counterparts: Mapping[str, Policy]) -> str:
    """Why an anchor of `seat` against its counterparts is not defined, in words."""
    open_ = [other for other in seats if other != seat and other not in counterparts]
    if seat in counterparts:
        return f"{seat} is itself a counterpart"
    return f"no scripted, deterministic counterpart is in seat {', '.join(open_)}"
