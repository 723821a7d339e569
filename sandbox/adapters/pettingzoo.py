"""A scenario as a PettingZoo environment: seat by seat (AEC), or all who are to move at once (Parallel)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from pettingzoo import AECEnv
from pettingzoo.utils.env import ParallelEnv

from sandbox.adapters.gymnasium import chosen_item, read_member
from sandbox.menu import InvalidAction, Move
from sandbox.play import Play, resolved, validated_config
from sandbox.scenario import Luck, Scenario
from sandbox.spaces import SharingEncoder, space_of


class ScenarioAEC(AECEnv[Any, Any, Any]):  # type: ignore[misc]  # the library ships no types
    """All seats of a scenario behind PettingZoo's AEC API.

    Simultaneous moves are gathered seat by seat and take effect with the last of them. An illegal action is the
    declared forfeit, and `infos[seat]["invalid"]` says what was wrong; `infos[seat]` has `text` and `menu` as well.
    Observations share what they tell of past rounds, in arrays that are read-only.

    Args:
        scenario: the class.
        config: fields of its `Config`.
        item: index into the items; drawn at each `reset` by default.
    """

    metadata = {"render_modes": ["ansi"], "is_parallelizable": True}  # noqa: RUF012 (PettingZoo declares it so)

    def __init__(
        self, scenario: type[Scenario[Any, Any]], config: Mapping[str, Any] | None = None, item: int | None = None
    ) -> None:
        super().__init__()
        self.scenario = scenario()
        self.metadata = {**self.metadata, "name": self.scenario.id}
        self.render_mode: str | None = None
        self._config = validated_config(self.scenario, config)
        self._items = self.scenario.items(self._config)
        self._item = item
        self.possible_agents = list(self.scenario.seats(self._config))
        # A seat has spaces of its own: a space carries the generator that `sample` draws from.
        self.observation_spaces = {seat: deepcopy(space_of(self.scenario.Observation)) for seat in self.possible_agents}
        self.action_spaces = {seat: deepcopy(space_of(self.scenario.Action)) for seat in self.possible_agents}
        self._encoded = SharingEncoder(self.scenario.Observation)
        self._random = np.random.default_rng(0)

    def observation_space(self, agent: str) -> Any:
        """The same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The same object at each call."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode; the same seed gives the same item and the same luck."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        luck = int(self._random.integers(2**63))
        item = chosen_item(self._items, (options or {}).get("item", self._item), self._random)
        self.play = Play(self.scenario, resolved(self.scenario, self._config, item, Luck(luck)), item, luck)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {seat: {} for seat in self.agents}
        self._gathered: dict[str, Move] = {}
        self._faults: dict[str, str] = {}  # of the tick: the Parallel environment reads them when all have moved
        self.play.settle()
        self._look()
        self._turn_over()

    def observe(self, agent: str) -> Any:
        """The seat's observation, as a member of its space."""
        return self._encoded(self.scenario.observe(self.play.state, agent))

    def step(self, action: Any) -> None:
        """Make the selected seat's move."""
        seat = self.agent_selection
        if self.terminations[seat] or self.truncations[seat]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[seat] = 0.0
        self._clear_rewards()
        if not self._gathered:
            self._faults = {}
        move = read_member(self.play, seat, action)
        if isinstance(move, InvalidAction):
            self._faults[seat], move = move.message, self.scenario.forfeit(self.play.state, seat)
        self._gathered[seat] = move
        if set(self._gathered) >= set(self.play.to_move()):
            before = self.play.payoffs()
            self.play.apply(self._gathered)
            self._gathered = {}
            self.play.settle()
            self._look()
            after = self.play.payoffs()
            self.rewards = {name: after[name] - before[name] for name in self.agents}
        self._turn_over()
        self._accumulate_rewards()

    def render(self) -> str:
        """The selected seat's observation as text."""
        return self.scenario.render(self.scenario.observe(self.play.state, self.agent_selection))

    def close(self) -> None:
        """Nothing to release."""

    def _look(self) -> None:
        """What every seat reads in a new state; while moves are gathered, it stays."""
        state = self.play.state
        self._texts = {seat: self.scenario.render(self.scenario.observe(state, seat)) for seat in self.agents}
        self._menus = {seat: self.scenario.menu(state, seat) for seat in self.play.to_move()}

    def _turn_over(self) -> None:
        waiting = [seat for seat in self.play.to_move() if seat not in self._gathered]
        if waiting:
            self.agent_selection = waiting[0]
        else:
            self.terminations = dict.fromkeys(self.agents, True)
            self.agent_selection = self.agents[0]
        self.infos = {
            seat: {
                "text": self._texts[seat],
                "menu": self._menus.get(seat, ()),
                **({"invalid": self._faults[seat]} if seat in self._faults else {}),
            }
            for seat in self.agents
        }


def aec_env(scenario: type[Scenario[Any, Any]], **options: Any) -> ScenarioAEC:
    """The AEC environment; see `ScenarioAEC` for the options."""
    return ScenarioAEC(scenario, **options)


class ScenarioParallel(ParallelEnv[Any, Any, Any]):  # type: ignore[misc]  # the library ships no types
    """All seats of a scenario behind PettingZoo's Parallel API: one `step` is one tick.

    PettingZoo's converter demands that all seats move at every tick, which an auction that a bidder has left, or a game
    of alternating offers, does not do. Here whoever is not to move has an empty `infos[seat]["menu"]`, and whatever
    action is given for it is left aside. All else is as in `ScenarioAEC`, whose arguments these are.
    """

    metadata = ScenarioAEC.metadata

    def __init__(self, scenario: type[Scenario[Any, Any]], **options: Any) -> None:
        self.aec_env = ScenarioAEC(scenario, **options)
        self.metadata = self.aec_env.metadata
        self.render_mode: str | None = None
        self.possible_agents = self.aec_env.possible_agents
        self.observation_spaces = self.aec_env.observation_spaces
        self.action_spaces = self.aec_env.action_spaces
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> Any:
        """The same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The same object at each call."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode; the same seed gives the same item and the same luck."""
        self.aec_env.reset(seed, options)
        self.agents = list(self.aec_env.agents)
        return self._observed(), self.aec_env.infos

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Make the moves of all who are to move; a seat without an action forfeits, as with an illegal one."""
        aec = self.aec_env
        for seat in aec.play.to_move():
            aec.step(actions.get(seat))
        found = self._observed(), dict(aec.rewards), dict(aec.terminations), dict(aec.truncations), aec.infos
        self.agents = [seat for seat in self.agents if not aec.terminations[seat]]
        return found

    def render(self) -> str:
        """What `ScenarioAEC` renders: the observation of the first seat to move, as text."""
        return self.aec_env.render()

    def close(self) -> None:
        """Nothing to release."""

    def _observed(self) -> dict[str, Any]:
        return {seat: self.aec_env.observe(seat) for seat in self.aec_env.agents}


def parallel_env(scenario: type[Scenario[Any, Any]], **options: Any) -> ScenarioParallel:
    """The Parallel environment; see `ScenarioParallel`."""
    return ScenarioParallel(scenario, **options)
