"""A scenario as a `gymnasium.Env`: one seat is the caller's, the others are played inside `step`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np

from sandbox.agent import Agent, Reply, Turn
from sandbox.errors import InputError, PluginError
from sandbox.menu import InvalidAction, Move, legal, moves
from sandbox.play import Play, resolved, validated_config
from sandbox.scenario import Luck, Scenario
from sandbox.spaces import decode, encode, space_of

Counterpart = Callable[[Turn], Any] | type[Agent[Any]]


def read_member(play: Play, seat: str, action: Any) -> Move | InvalidAction:
    """The legal move that a member of the action space (or a move, or a dict with `kind`) means, or a typed error."""
    menu = play.scenario.menu(play.state, seat)
    if isinstance(action, Move) or (isinstance(action, Mapping) and "kind" in action):
        return play.read(menu, action)
    try:
        raw = decode(play.scenario.Action, action)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        fault = f"{str(action)[:80]!r} is not in the action space ({type(error).__name__}: {error})"
        return InvalidAction("unparsed", f"{fault}. {legal(menu)}")
    return play.read(menu, raw)


def chosen_item(items: Sequence[Any], index: int | None, generator: np.random.Generator) -> Any:
    """The item at `index`, or one that is drawn.

    Raises:
        InputError: there are not so many.
    """
    if index is None:
        index = int(generator.integers(len(items)))
    if not 0 <= index < len(items):
        raise InputError(f"there is no item {index}: items are numbered from 0 to {len(items) - 1}")
    return items[index]


def uniform(turn: Turn) -> Move:
    """The default counterpart: any listed move or representative, with equal probability."""
    options = list(moves(turn.menu))
    if not options:
        raise PluginError(f"{turn.seat} is to move, but its menu is empty")
    return options[int(turn.generator().integers(len(options)))]


class ScenarioEnv(gymnasium.Env[Any, Any]):
    """One seat of a scenario behind the Gymnasium API.

    Actions are members of `action_space`, or moves, or dicts with `kind`. An illegal action is the scenario's declared
    forfeit, and `info["invalid"]` says what was wrong with it; `info["text"]` is the observation as text,
    `info["menu"]` the legal moves. The reward is the difference of the seat's payoff.

    Args:
        scenario: the class.
        config: fields of its `Config`.
        seat: the caller's; the first by default.
        counterparts: seat -> function of a `Turn`, or a class of scripted agents (with its default settings, a fresh
            one for each episode), for the other seats; `uniform` where none is given.
        item: index into the scenario's items; by default drawn at each `reset` (`options={"item": 3}` chooses one).
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 (Gymnasium declares it so)

    def __init__(
        self,
        scenario: type[Scenario[Any, Any]],
        config: Mapping[str, Any] | None = None,
        seat: str | None = None,
        counterparts: Mapping[str, Counterpart] | None = None,
        item: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.scenario = scenario()
        self.render_mode = render_mode
        self._config = validated_config(self.scenario, config)
        self._items = self.scenario.items(self._config)
        self._item = item
        seats = self.scenario.seats(self._config)
        self.seat = seat if seat is not None else seats[0]
        self._counterparts = dict(counterparts or {})
        unknown = [name for name in (self.seat, *self._counterparts) if name not in seats]
        if unknown:
            raise InputError(f"{self.scenario.id} has no seat {unknown[0]!r}: its seats are {', '.join(seats)}")
        # Copies: a space carries the generator that `sample` draws from, and another environment has its own.
        self.observation_space = deepcopy(space_of(self.scenario.Observation))
        self.action_space = deepcopy(space_of(self.scenario.Action))
        self._play: Play | None = None
        self._end_told = False
        self._players: dict[str, Agent[Any]] = {}
        self._index = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode; the same seed gives the same item and the same luck."""
        super().reset(seed=seed)
        luck = int(self.np_random.integers(2**63))
        item = chosen_item(self._items, (options or {}).get("item", self._item), self.np_random)
        config = resolved(self.scenario, self._config, item, Luck(luck))
        self._play, self._index = Play(self.scenario, config, item, luck), 0
        self._end_told = False
        self._players = {
            seat: one(one.Config())
            for seat, one in self._counterparts.items()
            if isinstance(one, type) and issubclass(one, Agent)
        }
        self._advance()
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Make the seat's move, and let the others move until it is the seat's turn again or the episode ends."""
        play = self._running()
        if not play.to_move():
            if self._end_told:
                raise InputError("the episode has ended: call reset()")
            self._end_told = True  # it ended before the seat's first turn, which `reset` cannot say
            return self._observation(), play.payoffs()[self.seat], True, False, self._info()
        before = play.payoffs()[self.seat]
        move = read_member(play, self.seat, action)
        invalid = {}
        if isinstance(move, InvalidAction):
            invalid = {"invalid": move.message}
            move = self.scenario.forfeit(play.state, self.seat)
        self._tick({self.seat: move})
        self._advance()
        reward = play.payoffs()[self.seat] - before
        self._end_told = not play.to_move()
        return self._observation(), reward, self._end_told, False, self._info() | invalid

    def render(self) -> str:
        """The observation as text."""
        return self.scenario.render(self.scenario.observe(self._running().state, self.seat))

    def _advance(self) -> None:
        """Let nature and the counterparts move until it is the seat's turn, or nobody's."""
        play = self._running()
        play.settle()
        while play.to_move() and self.seat not in play.to_move():
            self._tick({})
            play.settle()

    def _tick(self, own: dict[str, Move]) -> None:
        play = self._running()
        made = dict(own)
        for seat in play.to_move():
            if seat not in made:
                player = self._players.get(seat)
                turn = play.turn(seat, self._index, privileged=player is not None and player.privileged)
                answer = player.act(turn) if player else self._counterparts.get(seat, uniform)(turn)
                raw = answer.action if isinstance(answer, Reply) else answer
                move = play.read(turn.menu, raw)
                made[seat] = self.scenario.forfeit(play.state, seat) if isinstance(move, InvalidAction) else move
        self._index += 1
        play.apply(made)

    def _observation(self) -> dict[str, Any]:
        observation = self.scenario.observe(self._running().state, self.seat)
        encoded: dict[str, Any] = encode(self.scenario.Observation, observation)
        return encoded

    def _info(self) -> dict[str, Any]:
        play = self._running()
        menu = self.scenario.menu(play.state, self.seat) if self.seat in play.to_move() else ()
        return {"text": self.render(), "menu": menu}

    def _running(self) -> Play:
        if self._play is None:
            raise InputError("call reset() before step() or render()")
        return self._play


def make_environment(scenario: type[Scenario[Any, Any]], **options: Any) -> ScenarioEnv:
    """What `gymnasium.make(id, ...)` calls; see `ScenarioEnv` for the options."""
    return ScenarioEnv(scenario, **options)
