"""A Gymnasium environment that somebody already has, played as it is (`gymnasium:FrozenLake-v1`).

It brings fewer gifts than a scenario: no appraisals, no forks, no hypothetical twin of a later step. Replay and
verification execute it again from the same seed.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import operator
from collections.abc import Mapping
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from pydantic import TypeAdapter

from sandbox.agent import Emit, Framing, Turn, ignore
from sandbox.errors import InputError, UnknownName
from sandbox.menu import Forfeit, InvalidAction, Menu, Move, MoveRange, read
from sandbox.play import Draw
from sandbox.scenario import Appraisal, Frozen, Item, Luck
from sandbox.text import canonical
from sandbox.told import Answered, Made, Told

SAMPLES = 8  # representatives of an action space that is not a short list
LISTED = 64  # actions of a discrete space that are listed one by one


class Act(Move):
    """Take an action of the environment's action space: a number, or a list of numbers."""

    kind: Literal["act"] = "act"
    action: Any


class Seen(Frozen):
    """What the environment returned: the observation, as JSON."""

    observation: Any
    reward: float | None = 0.0
    """None where it was not a finite number."""


class ForeignPlay:
    """One running episode of a plain Gymnasium environment, with the methods of `Play` that the runner uses.

    Args:
        name: a Gymnasium id.
        options: keyword arguments of `gymnasium.make`.
        seed: of `reset`.

    Raises:
        UnknownName: Gymnasium has no such id.
    """

    def __init__(self, name: str, options: Mapping[str, Any], seed: int) -> None:
        check_known(name)
        try:
            self.env = gymnasium.make(name, **options)
        except (gymnasium.error.Error, ImportError, TypeError) as error:
            raise InputError(f"gymnasium.make({name!r}) failed: {error}") from None
        self.seats: tuple[str, ...] = ("agent",)
        self.luck = Luck(seed)
        self.item = Item()
        self.forfeited = False
        self.truncated = False
        self._total = 0.0
        self._done = False
        self._action = TypeAdapter(Act)
        observation, _ = self.env.reset(seed=seed % 2**31)
        self.env.action_space.seed(seed % 2**31)
        self._seen = Seen(observation=_plain(observation))
        self._menu = self._offer()

    def to_move(self) -> tuple[str, ...]:
        """The one seat, until the environment ends the episode."""
        return () if self._done or self.forfeited else ("agent",)

    def settle(self) -> list[Draw]:
        """Chance is inside the environment: there is nothing to record."""
        return []

    def draw_by(self, name: str) -> None:
        """Nobody can: chance is inside the environment.

        Raises:
            InputError: another luck than the seed's is wanted.
        """
        if name:
            raise InputError(f"{self.env} draws its chance by the seed of its reset alone: it has no other luck")

    def turn(
        self,
        seat: str,
        index: int,
        *,
        framing: Framing = "lived",
        episode: str = "",
        privileged: bool = False,
        emit: Emit = ignore,
    ) -> Turn:
        """What the seat is told now."""
        return Turn(
            seat=seat, observation=self._seen, text=_text(self._seen), menu=self._menu, framing=framing, index=index,
            episode=episode, luck=self.luck, emit=emit,
        )  # fmt: skip

    def told(self, seat: str) -> Told:
        """The same, with how it is recorded."""
        return Told(_Teller(), (self._seen, self._menu), seat)

    def read(self, menu: Menu, raw: object) -> Move | InvalidAction:
        """The action that `raw` means, or a typed error."""
        if raw is not None and not isinstance(raw, Move | Mapping | str):  # a bare action, as Gymnasium's agents give
            raw = {"kind": "act", "action": _plain(raw)}
        move = read(menu, self._action, raw)
        if isinstance(move, Act) and not self._contains(move):
            return InvalidAction("illegal", f"{move.action!r} is not in {self.env.action_space}")
        return move

    def apply(self, moves: Mapping[str, Move], forms: Mapping[str, Made] | None = None) -> None:
        """Step the environment."""
        move = moves["agent"]
        if not isinstance(move, Act):
            self.forfeited = True
            return
        observation, reward, terminated, truncated, _ = self.env.step(_member(self.env.action_space, move.action))
        self._total += float(reward)
        self._done, self.truncated = bool(terminated or truncated), bool(truncated)
        finite = float(reward) if math.isfinite(reward) else None
        self._seen = Seen(observation=_plain(observation), reward=finite)

    def payoffs(self) -> dict[str, float]:
        """Sum of rewards so far."""
        return {"agent": self._total}

    def forfeit(self, seat: str) -> Move:
        """No default action: the episode ends."""
        return Forfeit()

    def reference(self, seat: str) -> Move:
        """A hypothetical question is asked once, at the beginning."""
        return Forfeit()

    def answered(self, seat: str, raw: object) -> Answered | InvalidAction:
        """The same, as it is recorded; nothing is known about it."""
        move = self.read(self._menu, raw)
        return move if isinstance(move, InvalidAction) else self.told(seat).understand(raw, move)

    def facts(self) -> dict[str, Any]:
        """Nothing is known."""
        return {}

    def state_hash(self) -> str:
        """A hash of what has been seen; the state itself is the environment's own."""
        seen = [self._seen.model_dump(mode="json"), self._total, self._done]
        return hashlib.sha256(canonical(seen)).hexdigest()[:32]

    def _offer(self) -> Menu:
        space = self.env.action_space
        if isinstance(space, gymnasium.spaces.Discrete) and space.n <= LISTED:
            return tuple(Act(action=int(space.start) + index) for index in range(int(space.n)))
        samples = tuple(Act(action=_plain(space.sample())) for _ in range(SAMPLES))
        return (MoveRange(Act, representatives=samples),)

    def _contains(self, move: Act) -> bool:
        try:
            return bool(self.env.action_space.contains(_member(self.env.action_space, move.action)))
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            return False


class _Teller:
    """Tells what an environment returned: nothing can be asked of it twice."""

    def observe(self, state: tuple[Seen, Menu], seat: str) -> Seen:
        return state[0]

    def render(self, observation: Seen) -> str:
        return _text(observation)

    def menu(self, state: tuple[Seen, Menu], seat: str) -> Menu:
        return state[1]

    def appraise(self, state: tuple[Seen, Menu], seat: str, move: Move) -> Appraisal:
        return Appraisal()  # nothing is known


def _text(seen: Seen) -> str:
    return f"observation: {seen.observation}\nlast reward: {seen.reward}"


def check_known(name: str) -> None:
    """Whether Gymnasium can make the environment.

    Raises:
        UnknownName: it has no such id, or the module that would register it (`module:Name-v0`) is not installed.
    """
    module, _, registered = name.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gymnasium.spec(registered)
    except (gymnasium.error.Error, ImportError) as error:
        raise UnknownName(f"Gymnasium has no environment {name!r}: {error}") from None


def _member(space: gymnasium.Space[Any], value: Any) -> Any:
    """The member of `space` that JSON values stand for, the reverse of `_plain`; nothing is rounded or cut.

    Raises:
        TypeError, ValueError, KeyError, IndexError, OverflowError: they stand for none.
    """
    if isinstance(space, spaces.Discrete):
        return int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
    if isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        given = np.asarray(value)
        array = given.astype(space.dtype)
        if not np.issubdtype(array.dtype, np.floating) and not np.array_equal(array, given):
            raise ValueError("not whole numbers")
        return array
    if isinstance(space, spaces.Tuple):
        return tuple(_member(inner, part) for inner, part in zip(space.spaces, value, strict=True))
    if isinstance(space, spaces.Dict):
        if set(value) != set(space.spaces):
            raise KeyError(f"expected the keys {', '.join(space.spaces)}")
        return {name: _member(inner, value[name]) for name, inner in space.spaces.items()}
    if isinstance(space, spaces.OneOf):
        index, part = value
        return (np.int64(index), _member(space.spaces[index], part))
    if isinstance(space, spaces.Sequence):
        return tuple(_member(space.feature_space, part) for part in value)
    return value


def _plain(value: Any) -> Any:
    """An observation or action as JSON values; JSON has no NaN and no infinity, so these become words."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value
