"""Conformance checks that a plugin's author runs in one line: `check_scenario(Coin)` raises with every fault."""

from __future__ import annotations

import contextlib
import io
import math
import random
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from sandbox.adapters.gymnasium import ScenarioEnv, uniform
from sandbox.errors import PluginError
from sandbox.menu import Forfeit, Menu, Move, MoveRange, holds, kind_of, moves
from sandbox.play import Draw, Play, resolved, validated_config
from sandbox.scenario import NATURE, Luck, Scenario
from sandbox.spaces import decode, encode, space_of
from sandbox.text import canonical

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
    fork at every step shares the parent's later draws, and no two draws share a name; replaying all recorded moves
    gives the same states; no method changes a state; states and items survive JSON; menus are never empty and hold
    their representatives; every listed move is in the action space; nothing hidden reaches an observation.

    Raises:
        PluginError: every fault found, a line each.
    """
    faults: list[str] = []
    for check in (_check_declaration, _check_purity, _check_repeat, _check_library_tests, _check_own):
        if faults and check is _check_purity:
            break  # what is not declared cannot be played
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
    missing = [name for name in ("id", "Config", "State", "Action", "Observation") if not hasattr(kind, name)]
    faults += [f"the class attribute {name} is missing" for name in missing]
    if missing:
        return
    for model in (kind.Config, kind.Observation):
        if not (isinstance(model, type) and issubclass(model, BaseModel) and model.model_config.get("frozen")):
            faults.append(f"{model!r} must be a frozen pydantic model")
    scenario = kind()
    items = scenario.items(validated_config(scenario, config))
    names = [item.id for item in items]
    if not names:
        faults.append("it has no items")
    if len(set(names)) != len(names):
        faults.append("two items have the same id")
    for item in items:
        if type(item).model_validate(item.model_dump(mode="json")) != item:
            faults.append(f"item {item.id!r} does not survive JSON")
            break


def _check_library_tests(
    kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]
) -> None:
    from gymnasium.utils.env_checker import check_env
    from pettingzoo.test import api_test, parallel_api_test, seed_test

    from sandbox.adapters.pettingzoo import aec_env, parallel_env

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both print advice about shapes and names that does not bear on conformance
        for seat in kind().seats(validated_config(kind(), config)):
            check_env(ScenarioEnv(kind, config, seat=seat), skip_render_check=True)
        with _quiet():
            api_test(aec_env(kind, config=config), num_cycles=cycles)
            seed_test(lambda: aec_env(kind, config=config), num_cycles=min(cycles, 100))
            parallel_api_test(parallel_env(kind, config=config), num_cycles=cycles)


def _check_own(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    """What the scenario itself promises (`Scenario.audit`)."""
    scenario = kind()
    faults.extend(scenario.audit(validated_config(scenario, config)))


@contextlib.contextmanager
def _watching_random(faults: list[str]) -> Iterator[None]:
    before = _global_random()
    try:
        yield
    finally:
        if _global_random() != before:
            faults.append("the global random state changed: draw from the generator that is passed in")


def _global_random() -> Any:
    return random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # a tuple in legacy mode


def _check_repeat(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    """Two instances, one specification: equal at every move; global random states untouched."""
    with _watching_random(faults):
        _repeat(kind, config, cycles, faults)


def _repeat(kind: Checked, config: Mapping[str, Any], cycles: int, faults: list[str]) -> None:
    made, seed = 0, 0
    while made < cycles and seed < cycles:
        one, other = _play(kind, config, seed), _play(kind, config, seed)
        seed += 1
        while made < cycles:
            draws = one.settle(), other.settle()
            if draws[0] != draws[1]:
                faults.append(f"seed {seed}: two instances drew differently: {draws[0]} and {draws[1]}")
                return
            if one.scenario.state_hash(one.state) != other.scenario.state_hash(other.state):
                faults.append(f"seed {seed}, after {made} moves: two instances of one specification differ")
                return
            if not one.to_move():
                break
            for seat in one.to_move():
                told, again = one.turn(seat, made), other.turn(seat, made)
                if (told.observation, told.text, told.menu) != (again.observation, again.text, again.menu):
                    faults.append(f"seed {seed}, after {made} moves: {seat} is told different things in one state")
                    return
            _tick(one, made)
            _tick(other, made)
            made += 1


def _check_purity(kind: Checked, config: Mapping[str, Any], cycles: int, episodes: int, faults: list[str]) -> None:
    """States, menus, observations along random episodes; folds and forks of them."""
    for seed in range(episodes):
        with _watching_random(faults):
            _explore(kind, config, seed, cycles, faults)


def _explore(kind: Checked, config: Mapping[str, Any], seed: int, cycles: int, faults: list[str]) -> None:
    play = _play(kind, config, seed)
    trail: list[tuple[Any, dict[str, Any], list[Draw]]] = []  # state before, moves, nature's draws after
    opening = _settle(play, faults)
    index = 0
    while play.to_move() and index < cycles:
        unknown = set(play.to_move()) - set(play.seats)
        if unknown:
            faults.append(f"to_move() names {', '.join(sorted(unknown))}: the seats are {', '.join(play.seats)}")
            return
        _look_around(play, faults)
        state, before = play.state, play.state_hash()
        made = _tick(play, index)
        if play.scenario.state_hash(state) != before:
            faults.append("apply() changed the state that it was given: return a new one")
        trail.append((state, made, _settle(play, faults)))
        index += 1
    if play.to_move():
        faults.append(f"no end after {cycles} moves (seed {seed}): end the episode within its state")
        return
    named = [draw.name for draw in opening] + [draw.name for _, _, draws in trail for draw in draws]
    for name in sorted({name for name in named if named.count(name) > 1}):
        faults.append(f"two draws of an episode are called {name!r}, and so have the same luck: number them in draw()")
    _check_forks(kind, config, seed, opening, trail, play, faults)


def _settle(play: Play, faults: list[str]) -> list[Draw]:
    """Nature's moves; each of the first state's methods must leave it as it is."""
    state, before = play.state, play.state_hash()
    draws = play.settle()
    if play.scenario.state_hash(state) != before:
        faults.append("draw(), sample() or apply() changed the state that it was given: return a new one")
    return draws


def _look_around(play: Play, faults: list[str]) -> None:
    scenario, state = play.scenario, play.state
    before = scenario.state_hash(state)
    again = scenario.state_type.validate_python(scenario.state_type.dump_python(state, mode="json"))
    if type(again) is not type(state) or scenario.state_hash(again) != before:
        faults.append("a state does not survive JSON: use plain fields, tuples and models")
    for seat in play.to_move():
        menu = scenario.menu(state, seat)
        if scenario.menu(state, seat) != menu:
            faults.append(f"{seat}: two menus of one state differ")
        if not menu or not list(moves(menu)):
            faults.append(f"{seat}: is to move but its menu is empty")
        for entry in menu:
            if isinstance(entry, MoveRange) and not all(entry.holds(move) for move in entry.representatives):
                faults.append(f"{seat}: a representative lies outside its own range {entry.kind.__name__}")
        for move in moves(menu):
            if not holds(menu, move):
                faults.append(f"{seat}: the menu does not hold its own move {move!r}")
            faults.extend(_move_faults(play, seat, menu, move))
            if scenario.appraise(state, seat, move) != scenario.appraise(state, seat, move):
                faults.append(f"{seat}: two appraisals of {move!r} differ")
    for seat in play.seats:
        seen = scenario.observe(state, seat)
        if not isinstance(seen, scenario.Observation):
            faults.append(f"observe() gave {type(seen).__name__}, not {scenario.Observation.__name__}")
            return
        _ = scenario.render(seen)
        hidden = FORBIDDEN_KEYS & set(_keys(seen.model_dump()))
        if hidden:
            faults.append(f"{seat}: the observation shows ground truth: {', '.join(sorted(hidden))}")
        if scenario.observe(state, seat) != seen:
            faults.append(f"{seat}: two observations of one state differ")
        else:
            concealed = scenario.conceal(state, seat)
            if scenario.observe(concealed, seat) != seen:
                faults.append(f"{seat}: its observation changes with what conceal() says it may not know")
            if scenario.menu(concealed, seat) != scenario.menu(state, seat):
                faults.append(f"{seat}: its menu changes with what conceal() says it may not know")
    payoffs = scenario.payoffs(state)
    if not set(payoffs) <= set(play.seats) or not all(math.isfinite(value) for value in payoffs.values()):
        faults.append(
            f"payoffs() gave {dict(payoffs)}: a finite number for each of {', '.join(play.seats)} is expected"
        )
    try:
        canonical([dict(scenario.facts(state)), [one.model_dump() for one in scenario.treatments(state).values()]])
    except TypeError as error:
        faults.append(f"facts() and treatments() must be JSON values: {error}")
    if scenario.state_hash(state) != before:
        faults.append("menu(), observe(), appraise(), payoffs() or facts() changed the state")


def _move_faults(play: Play, seat: str, menu: Menu, move: Move) -> list[str]:
    """What is wrong with a legal move as an agent would give it: as JSON, and as a member of the action space."""
    hidden = FORBIDDEN_KEYS & set(type(move).model_fields)
    if hidden:
        return [f"{seat}: the move {kind_of(move)!r} shows ground truth to agents: {', '.join(sorted(hidden))}"]
    if play.read(menu, move.model_dump(mode="json")) != move:
        return [f"{seat}: {move!r} is not read back from its JSON: is it one of Action?"]
    try:
        encoded = encode(play.scenario.Action, move)
        back = play.read(menu, decode(play.scenario.Action, encoded))
    except (PluginError, ValueError) as error:
        return [f"{seat}: the action space has no place for {move!r}: {error}"]
    if back != move or not space_of(play.scenario.Action).contains(encoded):
        return [f"{seat}: {move!r} does not survive the action space"]
    return []


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
    return contextlib.redirect_stdout(io.StringIO())


def check_agent(make: Any) -> None:
    """Check that an agent answers legally, or says in a typed way that it does not, on two toy turns.

    Args:
        make: makes a fresh agent (`Builder.agent`), or the agent's class.

    Raises:
        PluginError: it raises, gives something that is no answer, or differs between two runs of the same turns.
    """
    import asyncio

    answers = []
    for _ in range(2):
        try:
            answers.append(asyncio.run(_answers(make())))
        except Exception as error:  # as above
            raise PluginError(f"the agent raised {type(error).__name__}: {error}") from error
    if answers[0] != answers[1]:
        raise PluginError(
            f"two runs of the same turns differ: {answers[0]} and {answers[1]}: draw from turn.generator()"
        )


def check_scorer(plugin: Any) -> None:
    """Check that a scorer is pure: the same bytes twice, also on an episode without steps and on an empty table.

    Raises:
        PluginError: it raises or differs.
    """
    from sandbox.scorer import Estimator, Scorer, Table, table_of
    from sandbox.trace import AgentSpec, Episode, EpisodeSpec

    spec = EpisodeSpec(
        environment="none/None-v0", seats={"agent": AgentSpec(id="none", name="none")}, evaluated=("agent",)
    )
    empty = [
        Episode(id=spec.key, spec=spec, status=status) for status in ("finished", "truncated", "forfeited", "error")
    ]
    try:
        if isinstance(plugin, Scorer):
            for episode in empty:
                if plugin.score(episode) != plugin.score(episode):
                    raise PluginError(f"two scores of one {episode.status} episode differ")
        if isinstance(plugin, Estimator):
            for table in (Table([], []), table_of(empty)):
                if plugin.estimate(table) != plugin.estimate(table):
                    raise PluginError("two estimates of one table differ: draw from table.generator()")
    except PluginError:
        raise
    except Exception as error:  # as above
        raise PluginError(f"it raised on an empty episode or table: {type(error).__name__}: {error}") from error


async def _answers(agent: Any) -> list[str]:
    """What the agent does on turns with a short menu: one listed, one a range."""
    import inspect

    from sandbox.agent import Turn
    from sandbox.scenario import Appraisal, Frozen

    class Pick(Move):
        """Pick a number."""

        kind: Literal["pick"] = "pick"
        number: int

    class Seen(Frozen):
        question: str = "Which number do you pick?"

    listed = (Pick(number=1), Pick(number=2))
    menus: tuple[Menu, ...] = (listed, (MoveRange(Pick, {"number": (1, 9)}, representatives=listed),))
    made = []
    for index, menu in enumerate(menus):
        turn = Turn("agent", Seen(), "Which number do you pick?", menu, "lived", index, "check")
        if getattr(agent, "privileged", False):
            turn = replace(turn, appraise=lambda move: Appraisal(utility=float(isinstance(move, Pick) and move.number)))
        answer = agent.act(turn)
        if inspect.isawaitable(answer):
            answer = await answer
        action = getattr(answer, "action", answer)
        if not (action is None or isinstance(action, Move | Mapping)):
            raise PluginError(f"act() gave {type(answer).__name__}: give a move, a dict with kind, a Reply, or None")
        made.append(repr(action))
    return made
