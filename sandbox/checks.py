"""Conformance checks that a plugin's author runs in one line: `check_scenario(Coin)` raises with every fault it finds."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from sandbox.adapters.gymnasium import ScenarioEnv, uniform
from sandbox.errors import PluginError
from sandbox.menu import Forfeit, MoveRange, holds, moves
from sandbox.play import Draw, Play, resolved, validated_config
from sandbox.scenario import NATURE, Luck, Scenario

FORBIDDEN_KEYS = frozenset({"appraisal", "appraisals", "risk", "risks", "utility", "utilities", "regret"})
"""Names that no field of an observation may have, at any depth: they are ground truth."""


def check_scenario(
    scenario: type[Scenario[Any, Any]],
    config: Mapping[str, Any] | None = None,
    *,
    cycles: int = 500,
    episodes: int = 20,
) -> None:
    """Check that a scenario keeps its contract, by Gymnasium's, PettingZoo's and our own tests.

    Ours: two instances of one specification stay equal for `cycles` moves; the global random states are untouched; a
    fork at every step shares the parent's later draws; replaying all recorded moves gives the same states; states
    survive JSON; menus are never empty and hold their representatives; nothing hidden reaches an observation.

    Raises:
        PluginError: every fault found, a line each.
    """
    faults: list[str] = []
    for check in (_check_declaration, _check_library_tests, _check_purity, _check_repeat):
        try:
            check(scenario, config or {}, cycles, episodes, faults)
        except Exception as error:  # a plugin may raise anything; the author wants to see all of it, named
            faults.append(f"{check.__name__.removeprefix('_check_')}: {type(error).__name__}: {error}")
    if faults:
        unique = list(dict.fromkeys(faults))
        raise PluginError(
            f"{getattr(scenario, 'id', scenario.__name__)} breaks its contract:\n  " + "\n  ".join(unique)
        )


Checked = type[Scenario[Any, Any]]


def _check_declaration(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    for name in ("id", "Config", "State", "Action", "Observation"):
        if not hasattr(kind, name):
            faults.append(f"the class attribute {name} is missing")
    for model in (kind.Config, kind.Observation):
        if not (isinstance(model, type) and issubclass(model, BaseModel) and model.model_config.get("frozen")):
            faults.append(f"{model!r} must be a frozen pydantic model")
    scenario = kind()
    items = scenario.items(validated_config(scenario, config))
    names = [item.id for item in items]
    if len(set(names)) != len(names):
        faults.append("two items have the same id")


def _check_library_tests(
    kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]
) -> None:
    from gymnasium.utils.env_checker import check_env
    from pettingzoo.test import api_test, seed_test

    from sandbox.adapters.pettingzoo import aec_env

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both print advice about shapes and names that does not bear on conformance
        for seat in kind().seats(validated_config(kind(), config)):
            check_env(ScenarioEnv(kind, config, seat=seat), skip_render_check=True)
        with _quiet():
            api_test(aec_env(kind, config=config), num_cycles=cycles)
            seed_test(lambda: aec_env(kind, config=config), num_cycles=min(cycles, 100))


def _check_repeat(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    """Two instances, one specification: equal at every move; global random states untouched."""
    before = (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]  # a tuple in legacy mode
    made, seed = 0, 0
    while made < cycles and seed < cycles:
        one, other = _play(kind, config, seed), _play(kind, config, seed)
        seed += 1
        while True:
            draws = one.settle(), other.settle()
            if draws[0] != draws[1]:
                faults.append(f"seed {seed}: two instances drew differently: {draws[0]} and {draws[1]}")
                return
            if one.scenario.state_hash(one.state) != other.scenario.state_hash(other.state):
                faults.append(f"seed {seed}, after {made} moves: two instances of one specification differ")
                return
            if not one.to_move():
                break
            _tick(one, made)
            _tick(other, made)
            made += 1
    if before != (random.getstate(), np.random.get_state()[1].tolist()):  # type: ignore[index]  # as above
        faults.append("the global random state changed: draw from the generator that is passed in")


def _check_purity(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    """States, menus, observations along random episodes; folds and forks of them."""
    for seed in range(episodes):
        play = _play(kind, config, seed)
        trail: list[tuple[Any, dict[str, Any], list[Draw]]] = []  # state before, moves, nature's draws after
        opening = play.settle()
        index = 0
        while play.to_move() and index < cycles:
            _look_around(play, faults)
            state, made = play.state, _tick(play, index)
            trail.append((state, made, play.settle()))
            index += 1
        if play.to_move():
            faults.append(f"seed {seed}: no end after {cycles} moves: end the episode within its state")
        _check_forks(kind, config, seed, opening, trail, play, faults)


def _look_around(play: Play, faults: list[str]) -> None:
    scenario, state = play.scenario, play.state
    before = scenario.state_hash(state)
    again = scenario.state_type.validate_python(scenario.state_type.dump_python(state, mode="json"))
    if scenario.state_hash(again) != before:
        faults.append("a state does not survive JSON: use plain fields, tuples and models")
    for seat in play.to_move():
        menu = scenario.menu(state, seat)
        if not menu or not list(moves(menu)):
            faults.append(f"{seat}: is to move but its menu is empty")
        for entry in menu:
            if isinstance(entry, MoveRange) and not all(entry.holds(move) for move in entry.representatives):
                faults.append(f"{seat}: a representative lies outside its own range {entry.kind.__name__}")
        for move in moves(menu):
            if not holds(menu, move):
                faults.append(f"{seat}: the menu does not hold its own move {move!r}")
            if scenario.appraise(state, seat, move) != scenario.appraise(state, seat, move):
                faults.append(f"{seat}: two appraisals of {move!r} differ")
    for seat in play.seats:
        seen = scenario.observe(state, seat)
        if not isinstance(seen, scenario.Observation):
            faults.append(f"observe() gave {type(seen).__name__}, not {scenario.Observation.__name__}")
        hidden = FORBIDDEN_KEYS & set(_keys(seen.model_dump()))
        if hidden:
            faults.append(f"{seat}: the observation shows ground truth: {', '.join(sorted(hidden))}")
        if scenario.observe(scenario.conceal(state, seat), seat) != seen:
            faults.append(f"{seat}: its observation changes with what conceal() says it may not know")
    if scenario.state_hash(state) != before:
        faults.append("menu(), observe() or appraise() changed the state")


def _check_forks(
    kind: Checked,
    config: Mapping[str, Any],
    seed: int,
    opening: list[Draw],
    trail: list[tuple[Any, dict[str, Any], list[Draw]]],
    end: Play,
    faults: list[str],
) -> None:
    recorded = [draw.move.model_dump() for draw in opening]
    recorded += [draw.move.model_dump() for _, _, draws in trail for draw in draws]
    fold = _play(kind, config, seed, nature=recorded)
    fold.settle()
    luck = {draw.name: draw.move for _, _, draws in trail for draw in draws}
    for index, (state, made, _) in enumerate(trail):
        if fold.scenario.state_hash(fold.state) != fold.scenario.state_hash(state):
            faults.append(f"seed {seed}, move {index}: replaying the recorded moves gives another state")
            return
        fold.apply(made)
        fold.settle()
        fork = _play(kind, config, seed)
        fork.state = state  # go on from the stored state, without its prefix, and do something else
        _tick(fork, index + 1_000_003)
        for _ in range(len(trail)):
            for draw in fork.settle():
                if draw.name in luck and draw.move != luck[draw.name]:
                    faults.append(f"seed {seed}: a fork at move {index} changed the luck of {draw.name!r}")
                    return
            if not fork.to_move():
                break
            _tick(fork, index + 1_000_003)
    if fold.scenario.state_hash(fold.state) != end.scenario.state_hash(end.state):
        faults.append(f"seed {seed}: replaying the recorded moves gives another end")


def _play(kind: Checked, config: Mapping[str, Any], seed: int, nature: Any = None) -> Play:
    scenario = kind()
    valid = validated_config(scenario, config)
    items = scenario.items(valid)
    item = items[seed % len(items)]
    return Play(scenario, resolved(scenario, valid, item, Luck(seed)), item, seed, nature)


def _tick(play: Play, index: int) -> dict[str, Any]:
    """One tick of uniform play; now and then (every seventh move) a forfeit instead, where there is a declared one."""
    made = {}
    for seat in play.to_move():
        forfeit = play.scenario.forfeit(play.state, seat)
        use_forfeit = index % 7 == 6 and not isinstance(forfeit, Forfeit)
        made[seat] = forfeit if use_forfeit else uniform(play.turn(seat, index))
    assert NATURE not in made
    play.apply(made)
    return made


def _keys(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [str(key) for key in value] + [inner for part in value.values() for inner in _keys(part)]
    if isinstance(value, list | tuple):
        return [inner for part in value for inner in _keys(part)]
    return []


def _quiet() -> Any:
    import contextlib
    import io

    return contextlib.redirect_stdout(io.StringIO())
