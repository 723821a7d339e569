"""The p-beauty contest: whose number is closest to p times the mean of all numbers wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games.money import Number
from sandbox_env_games.rounds import (
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

MOST_PLAYERS = 20
MOST_NUMBER = 10_000
MOST_LEVEL = 10
"""Levels of reasoning that are told apart; the last one stands for all above it."""

Whole = npt.NDArray[np.int64]


class Guess(Move):
    """Choose a whole number."""

    kind: Literal["guess"] = "guess"
    number: Annotated[int, Number, Field(ge=0, le=MOST_NUMBER, description="the whole number that you choose")]


class BeautyConfig(RoundsConfig):
    """A contest's parameters.

    Attributes:
        players: n.
        p: what the mean is multiplied by, 0.001 <= p <= 10; counts as the nearest fraction with a denominator of at
            most 1000.
        top: the greatest number; whole numbers from 0 to it can be chosen (a greater one is a finer grid).
        prize: dollars a round, in equal parts to the closest.
    """

    players: int = Field(5, ge=2, le=MOST_PLAYERS)
    p: float = Field(2 / 3, ge=0.001, le=10)
    top: int = Field(100, ge=1, le=MOST_NUMBER)
    prize: int = Field(20, ge=1, le=10**6)

    @property
    def factor(self) -> Fraction:
        """P, exact: 2/3 where the config says .6666666666666666."""
        return _fraction(self.p)


@dataclass(frozen=True)
class BeautyState(RoundsState):
    """An act is a number."""

    config: BeautyConfig


class BeautyObservation(RoundsObservation):
    """What all players see.

    Attributes:
        factor: p as a fraction, such as `2/3`.
        top: the greatest number.
        prize: dollars a round.
    """

    factor: str
    top: int
    prize: int


class Beauty(Rounds[BeautyConfig, BeautyState]):
    """All players choose a number from 0 to `top`; the closest to p times the mean win, and share the prize equally.

    Source: Nagel, "Unraveling in guessing games: an experimental study", American Economic Review 85 (1995): 0 to 100,
    p of 1/2, 2/3 and 4/3, four rounds. There any real number could be chosen, here whole ones, which is what players of
    any kind answer; `benchmarks` says what the equilibria are on this grid.

    Action: `Guess(number)`, and `Say(message)` before each round where the config has messages.
    Forfeit: who gives no legal answer has no number in this round (`absent`: its share of such rounds); the mean is
    that of the others, one of whom wins. If nobody has one, nobody wins.
    Payoff: dollars, the sum over rounds.
    Facts: means over players of the first round, the last one, and all rounds (`first_mean`, `last_mean`,
    `mean_number`); of each player `first_number`, `won` (share of rounds in which it got a part of the prize) and its
    level of reasoning: the k from 0 to 10 for which reference * p^k is nearest to its number (Nagel 1995, section II).
    The reference is half of `top` in the first round (`first_level`), the mean of the last round later on (`level`, the
    mean over later rounds). None where p is 1, or without a number.

    Example:
        >>> game = Beauty()
        >>> state = game.initial(BeautyConfig(players=3), Item())
        >>> state = game.apply(state, {f"player_{i}": Guess(number=n) for i, n in ((1, 50), (2, 33), (3, 22))})
        >>> dict(game.payoffs(state))  # the mean is 35, two thirds of it 23.3
        {'player_1': 0.0, 'player_2': 0.0, 'player_3': 20.0}
    """

    id: ClassVar[str] = "games/Beauty-v0"
    Config = BeautyConfig
    State = BeautyState
    Action: ClassVar[Any] = Annotated[Guess | Say | Pass, Field(discriminator="kind")]
    Observation = BeautyObservation

    def seats(self, config: BeautyConfig) -> tuple[str, ...]:
        """`player_1`, `player_2`..."""
        return players(config.players)

    def initial(self, config: BeautyConfig, item: Item) -> BeautyState:
        """Round 1."""
        return self.start(BeautyState(config))

    def choices(self, state: BeautyState, seat: str) -> Menu:
        """Any whole number up to the greatest."""
        return guesses(state.config.top)

    def numbers(self, state: BeautyState, seat: str, move: Move) -> tuple[float, ...]:
        """The number."""
        assert isinstance(move, Guess)
        return (float(move.number),)

    def gains(self, state: BeautyState) -> tuple[float, ...]:
        """The prize, in equal parts to the closest of those who have a number."""
        closest = winners(state.config.factor, [int(act[0]) if act else None for act in state.acts])
        return tuple(state.config.prize / len(closest) if at in closest else 0.0 for at in range(len(state.acts)))

    def void(self, state: BeautyState) -> tuple[float, ...]:
        """A round in which somebody has no number is played by the others."""
        return self.gains(state)

    def reply(self, state: BeautyState, seat: str, past: PastRound) -> float | None:
        """The greatest part of the prize that some number would have won."""
        own = self.seats(state.config).index(seat)
        others = [int(act[0]) for at, act in enumerate(past.acts) if at != own and act]
        return float(parts(state.config, others).max())

    def measures(self, state: BeautyState) -> Mapping[str, float | None]:
        """Means of the numbers."""
        means = [_mean(past) for past in state.history]
        chosen = [act[0] for past in state.history for act in past.acts if act]
        return {
            "first_mean": means[0] if means else None,
            "last_mean": means[-1] if means else None,
            "mean_number": sum(chosen) / len(chosen) if chosen else None,
        }

    def by_seat(self, state: BeautyState) -> Mapping[str, Mapping[str, float | None]]:
        """Each player's levels, and how often it won."""
        levels = _levels(state)
        rounds = len(state.history)
        return {
            seat: {
                "first_number": state.history[0].acts[own][0] if rounds and state.history[0].acts[own] else None,
                "first_level": levels[0][own] if rounds else None,
                "level": _over([found[own] for found in levels[1:]]),
                "absent": sum(not past.acts[own] for past in state.history) / rounds if rounds else None,
                "won": sum(past.gains[own] > 0 for past in state.history) / rounds if rounds else None,
            }
            for own, seat in enumerate(self.seats(state.config))
        }

    def observe(self, state: BeautyState, seat: str) -> BeautyObservation:
        """The rules' numbers, and all that was chosen and said."""
        config = state.config
        return BeautyObservation(
            **self.seen(state, seat), factor=str(config.factor), top=config.top, prize=config.prize
        )

    def rules(self, seen: BeautyObservation) -> str:
        """The rules."""
        return "\n".join(
            [
                f"You are {called(seen.role, '')}, one of {len(seen.players)} players.",
                "In each round every player, at the same time as all others, chooses a whole number from 0 to "
                f"{seen.top}. The target is {seen.factor} times the mean of all numbers. Whoever is closest to it wins "
                f"{seen.prize} dollars; if several are equally close, they divide the {seen.prize} dollars equally. "
                "All others get nothing.",
                "Who gives no valid answer takes no part in the round.",
            ]
        )

    def now(self, seen: BeautyObservation) -> str:
        """The numbers to choose from."""
        return f"Choose a whole number (number) from 0 to {seen.top}."

    def told(self, seen: BeautyObservation, past: PastRound) -> str:
        """All numbers, the target, and what the reader got."""
        chosen = ", ".join(
            ("you" if player == seen.role else called(player, seen.role))
            + (f" chose {act[0]:g}" if act else " gave no valid answer")
            for player, act in zip(seen.players, past.acts, strict=True)
        )
        mean, gain = _mean(past), past.gains[seen.players.index(seen.role)]
        target = (
            "" if mean is None else f"; the mean was {mean:.6g}, the target {float(Fraction(seen.factor)) * mean:.6g}"
        )
        return f"{chosen}{target}; you got {gain:.10g}."

    def appraise(self, state: BeautyState, seat: str, move: Move) -> Appraisal:
        """The part of the prize that the number wins if the others choose what they did in the last round.

        In the first round: if they all choose half of the greatest number. A myopic measure.
        """
        config, own = state.config, self.seats(state.config).index(seat)
        if not isinstance(move, Guess):
            return super().appraise(state, seat, move)
        others = [config.top // 2] * (config.players - 1)
        if state.history:
            others = [int(act[0]) for at, act in enumerate(state.history[-1].acts) if at != own and act]
        closest = winners(config.factor, [move.number, *others])
        return Appraisal(
            utility=config.prize / len(closest) if 0 in closest else 0.0,
            content=str(move.number),
            features={"round": state.round, "share": move.number / config.top},
        )

    def reference(self, state: BeautyState, seat: str) -> Move:
        """The middle, so that every round of a hypothetical game is played by all."""
        forfeit = self.forfeit(state, seat)
        return Guess(number=state.config.top // 2) if isinstance(forfeit, Pass) else forfeit

    def benchmarks(
        self, config: BeautyConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for all players' payoffs: see `sandbox_env_games.beauty_theory.benchmarks`."""
        from sandbox_env_games import beauty_theory  # it knows the scripted players, which play this game

        return beauty_theory.benchmarks(self, config, item, counterparts)


def winners(factor: Fraction, numbers: Sequence[int | None]) -> frozenset[int]:
    """The indices of those closest to `factor` times the mean of the numbers that there are; exact."""
    chosen = {at: number for at, number in enumerate(numbers) if number is not None}
    if not chosen:
        return frozenset()
    # Distances times n * denominator are whole numbers, so that equal ones are known to be equal.
    scale, target = factor.denominator * len(chosen), factor.numerator * sum(chosen.values())
    distances = {at: abs(number * scale - target) for at, number in chosen.items()}
    least = min(distances.values())
    return frozenset(at for at, distance in distances.items() if distance == least)


def parts(config: BeautyConfig, others: Sequence[int]) -> npt.NDArray[np.float64]:
    """What each number from 0 to `top` wins against others' numbers, in dollars; exact as to who wins."""
    own: Whole = np.arange(config.top + 1, dtype=np.int64)
    if not others:
        return np.full(own.shape, float(config.prize))
    # In whole numbers, as above.
    up, down = config.factor.numerator, config.factor.denominator * (len(others) + 1)
    target: Whole = up * (own + sum(others))
    distances = np.abs(np.array(others, np.int64)[:, None] * down - target)
    mine, least = np.abs(own * down - target), distances.min(axis=0)
    ties = (distances == mine).sum(axis=0)
    return np.where(mine < least, float(config.prize), np.where(mine == least, config.prize / (1 + ties), 0.0))


def level_of(config: BeautyConfig, number: float, reference: float) -> int | None:
    """The k from 0 to `MOST_LEVEL` for which reference * p^k, at most `top`, is nearest to the number; the least such.

    None where that is the same for all k.
    """
    if config.factor == 1 or reference == 0:
        return None
    return min(
        range(MOST_LEVEL + 1), key=lambda k: abs(number - min(config.top, reference * float(config.factor) ** k))
    )


@lru_cache(maxsize=64)
def _fraction(p: float) -> Fraction:
    return Fraction(p).limit_denominator(1000)


@lru_cache(maxsize=64)
def guesses(top: int) -> Menu:
    """Any number, represented by eleven: 0, 10, ... 100 % of the greatest."""
    listed = dict.fromkeys(top * tenth // 10 for tenth in range(11))
    return (MoveRange(Guess, bounds={"number": (0, top)}, representatives=tuple(Guess(number=one) for one in listed)),)


def _mean(past: PastRound) -> float | None:
    return _over([act[0] if act else None for act in past.acts])


def _over(found: Sequence[float | None]) -> float | None:
    """The mean of what there is."""
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if known else None


def _levels(state: BeautyState) -> list[list[int | None]]:
    """By round and player: the level of reasoning."""
    reference: float | None = state.config.top / 2
    found = []
    for past in state.history:
        found.append(
            [level_of(state.config, act[0], reference) if act and reference is not None else None for act in past.acts]
        )
        reference = _mean(past) or reference
    return found
