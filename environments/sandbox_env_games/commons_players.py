"""Scripted players of public goods, beauty contests and fisheries: plain rules that theory knows as functions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.scenario import Frozen, Policy
from sandbox_env_games.beauty import BeautyObservation, Guess
from sandbox_env_games.fishery import FisheryObservation, Harvest, threshold
from sandbox_env_games.public_goods import CONTRIBUTE, Contribute, Deduct, PublicGoodsObservation
from sandbox_env_games.rounds import TALK, Say

CONTRIBUTOR, LEVEL_K, FISHER = "baselines/contributor", "baselines/level_k", "baselines/fisher"
"""The ids under which the players are announced."""

SettingsT = TypeVar("SettingsT", bound=BaseModel)
SeenT = TypeVar("SeenT", bound=BaseModel)


class ContributorConfig(Frozen):
    """How to play public goods.

    Attributes:
        strategy: `free_rider` contributes nothing, `full` everything; `conditional` what the others contributed in the
            last round on average (Fischbacher, Gächter & Fehr, Economics Letters 71, 2001); `punisher` everything, and
            it gives points to everybody who contributed less than that.
        start: what a conditional cooperator contributes in the first round, as a share of its tokens.
        points: that a punisher gives, or as many as the game allows.
    """

    strategy: Literal["free_rider", "full", "conditional", "punisher"] = "conditional"
    start: float = Field(0.5, ge=0, le=1)
    points: int = Field(3, ge=0)

    def contributes(self, endowment: int, last: Sequence[int] | None, own: int) -> int:
        """Tokens, after the contributions of the last round (None: there was none) of all; `own` is its index."""
        if self.strategy == "conditional":
            if last is None:
                return _rounded(Fraction(self.start) * endowment)
            return _rounded(Fraction(sum(last) - last[own], len(last) - 1))
        return 0 if self.strategy == "free_rider" else endowment

    def deducts(self, most: int, contributions: Sequence[int], own: int) -> tuple[int, ...]:
        """Points for each player after these contributions."""
        if self.strategy != "punisher":
            return (0,) * len(contributions)
        return tuple(min(self.points, most) if one < contributions[own] else 0 for one in contributions)


class Contributor(Agent[ContributorConfig]):
    """Plays `games/PublicGoods-v0` by one rule, which reads no messages and sends none."""

    Config = ContributorConfig

    def act(self, turn: Turn) -> Move:
        """The rule's contribution or points."""
        seen = _seen(turn, PublicGoodsObservation, CONTRIBUTOR)
        own = seen.players.index(seen.role)
        if seen.stage == TALK:
            return Say()
        if seen.stage == CONTRIBUTE:
            last = _tokens(seen.history[-1].acts) if seen.history else None
            return Contribute(tokens=self.config.contributes(seen.endowment, last, own))
        points = self.config.deducts(seen.most_points, _tokens(seen.acts), own)
        return Deduct.model_validate(dict(zip(seen.players, points, strict=True)))


class LevelKConfig(Frozen):
    """How to play beauty contests.

    Attributes:
        level: k; 0 repeats the reference, which is half of the greatest number in the first round and the mean of the
            last round later; k answers everybody else being k - 1 (Nagel 1995).
    """

    level: int = Field(1, ge=0, le=100)

    def guesses(self, factor: Fraction, top: int, mean: Fraction | None) -> int:
        """Reference * p^k, rounded to a whole number, at most `top`; `mean` of the last round, None before any."""
        reference = Fraction(top, 2) if mean is None else mean
        return min(top, _rounded(reference * factor**self.level))


class LevelK(Agent[LevelKConfig]):
    """Plays `games/Beauty-v0` at one level of reasoning; it reads no messages and sends none."""

    Config = LevelKConfig

    def act(self, turn: Turn) -> Move:
        """The level's number."""
        seen = _seen(turn, BeautyObservation, LEVEL_K)
        if seen.stage == TALK:
            return Say()
        played = [[int(act[0]) for act in past.acts if act] for past in seen.history]
        last = next((numbers for numbers in reversed(played) if numbers), None)
        mean = None if last is None else Fraction(sum(last), len(last))
        return Guess(number=self.config.guesses(Fraction(seen.factor), seen.top, mean))


class FisherConfig(Frozen):
    """How to fish.

    Attributes:
        strategy: `sustainable` takes its part of the sustainable threshold, so that the stock does not shrink where all
            do so; `greedy` wants all there can be; `threshold` takes its part of what there is above `keep`, and
            nothing below that.
        keep: tons that `threshold` leaves in the lake, as far as it can alone.
    """

    strategy: Literal["sustainable", "greedy", "threshold"] = "sustainable"
    keep: int = Field(50, ge=0)

    def wants(self, players: int, capacity: int, stock: int) -> int:
        """Tons, by the stock alone."""
        if self.strategy == "greedy":
            return capacity
        shared = threshold(stock) if self.strategy == "sustainable" else max(0, stock - self.keep)
        return shared // players


class Fisher(Agent[FisherConfig]):
    """Plays `games/Fishery-v0` by one rule, which reads no messages and sends none."""

    Config = FisherConfig

    def act(self, turn: Turn) -> Move:
        """The rule's wish."""
        seen = _seen(turn, FisheryObservation, FISHER)
        if seen.stage == TALK:
            return Say()
        return Harvest(tons=self.config.wants(len(seen.players), seen.capacity, seen.stock))


def settings_of(policy: Policy, agent: str, model: type[SettingsT]) -> SettingsT | None:
    """The settings of a policy that is the scripted player `agent`; None for any other."""
    use: Any = getattr(policy, "agent", None)
    return model.model_validate(use.config) if use is not None and use.id == agent else None


def _seen(turn: Turn, kind: type[SeenT], agent: str) -> SeenT:
    if not isinstance(turn.observation, kind):
        raise InputError(
            f"{agent} plays the game of {kind.__name__} only, and was shown {type(turn.observation).__name__}"
        )
    return turn.observation


def _tokens(acts: Sequence[tuple[float, ...]]) -> list[int]:
    """What each contributed; nothing without an answer."""
    return [int(act[0]) if act else 0 for act in acts]


def _rounded(value: Fraction) -> int:
    """To the nearest whole number; halves up."""
    return floor(value + Fraction(1, 2))
