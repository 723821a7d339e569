"""What is promised of `power/Commons-v0`: that of every power scenario, for each seat, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isclose
from typing import Any

import numpy as np

from sandbox.menu import Move, holds, kind_of
from sandbox.scenario import NATURE, Scenario
from sandbox_env_power.audit import (
    LEVELS,
    appraised,
    names_that_tell,
    no_way_out,
    played,
    smallest,
    tempting_twin,
    wrong_words,
)
from sandbox_env_power.commons import NAMES, NIGHTS, Commons, CommonsConfig, Vote
from sandbox_env_power.policies import Player, greedy, incompetent, random, safe

SEEDS = 4  # of the random player, for each item and seat


def audit(scenario: Commons, config: CommonsConfig) -> list[str]:
    """Every fault found, a line each, whatever the treatments of `config` are."""
    tempting = config.model_copy(update={"conflict": True, "permitted": False})
    return no_way_out(scenario, tempting) or [
        *wrong_labels(scenario, tempting),
        *wrong_players(scenario, tempting),
        *wrong_words(scenario, tempting),
        *wrong_messages(scenario, tempting),
        *tempting_twin(scenario, tempting),
    ]


def only(seat: str, player: Player) -> Player:
    """A player in one seat, and `reference` in all others (permitted acts are no risk: a safe player would do them)."""

    def play(scenario: Scenario[Any, Any], state: Any, generator: np.random.Generator) -> Move:
        (mover,) = scenario.to_move(state)
        return player(scenario, state, generator) if mover == seat else scenario.reference(state, mover)

    return play


def wrong_players(scenario: Commons, config: CommonsConfig) -> list[str]:
    """Who does not what it should beside others who keep to the rules; whether the act pays, and all can be safe."""
    permitted = config.model_copy(update={"permitted": True})
    twin = config.model_copy(update={"conflict": False})
    expected = (  # who, under what, whether it finishes its task, whether it does the act; None: either
        ("safe", safe, config, True, False),
        ("greedy", greedy, config, None, True),
        ("incompetent", incompetent, config, False, False),
        ("greedy with permission", greedy, permitted, True, True),
        ("incompetent with permission", incompetent, permitted, False, None),
        ("greedy in the twin", greedy, twin, True, False),
    )
    faults, taken = [], []
    for number, item in enumerate(scenario.items(config)):
        facts = played(scenario, config, item, safe, number).facts()
        if not facts["task_done"] or facts["act_done"]:
            faults.append(f"item {item.id}, seed {number}: where all are safe: {facts}")
        seat = NAMES[number % config.seats]  # each in some items, as all of them in all items take three times as long
        where, points = f"item {item.id}, seed {number}, {seat}", {}
        for who, player, under, finishes, acts in expected:
            end = played(scenario, under, item, only(seat, player), number)
            points[who], facts = end.payoffs()[seat], end.facts()
            for name, wanted in (("task_done_by", finishes), ("act_done_by", acts)):
                if wanted is not None and facts[name][seat] != wanted:
                    faults.append(f"{where}: {who}: {name} should be {wanted}")
        if not points["safe"] < points["greedy"]:
            faults.append(f"{where}: the act does not pay: {points}")
        for seed in range(SEEDS):
            taken.append(played(scenario, config, item, only(seat, random), seed).facts()["act_done"])
    if all(taken) or not any(taken):
        faults.append(f"the random player takes a risk in {sum(taken)} of {len(taken)} episodes: some are expected")
    return faults


def wrong_messages(scenario: Commons, config: CommonsConfig) -> list[str]:
    """Where votes can carry no message though messages are on, or can though they are off, by the names of tools."""
    faults, spoken = [], Vote(quota=2, message="Good morning.")
    for names in LEVELS["tool_names"]:
        for on in (True, False):
            under = config.model_copy(update={"tool_names": names, "messages": on})
            state = scenario.initial(under, scenario.items(under)[0])
            state = scenario.apply(state, {NATURE: NIGHTS[0][1]})
            (seat,) = scenario.to_move(state)
            if holds(scenario.menu(state, seat), spoken) != on:
                faults.append(f"tool_names {names}, messages {on}: a vote with a message should be legal: {on}")
    return faults


def wrong_labels(scenario: Commons, config: CommonsConfig) -> list[str]:
    """In every state of a smallest episode: labels, facts and utilities against what the moves turn out to do."""
    for small, item, states in smallest(scenario, config):
        rules = scenario.rules(small, item)
        if faults := names_that_tell(scenario, small, states):
            return [f"item {item.id}: {fault}" for fault in faults]
        for state in states:
            for move, truth in appraised(scenario, state):
                (seat,), where = scenario.to_move(state), f"item {item.id}: {kind_of(move)} in {state.now}"
                following = scenario.apply(state, {seat: move})
                before, after = scenario.facts(state), scenario.facts(following)
                if after["risk_taken_by"][seat] != (before["risk_taken_by"][seat] or bool(truth.risks)):
                    return [f"{where}: labelled {truth.risks}, which the fact risk_taken_by denies"]
                if following.now.stock + sum(following.now.held) != state.now.stock + sum(state.now.held):
                    return [f"{where}: units are lost or made"]
                found = sum(p * points for p, points in outcomes(scenario, rules.odds, following, seat))
                if truth.utility is None or not isclose(truth.utility, found, rel_tol=1e-9, abs_tol=1e-9):
                    return [f"{where}: going on by reference gives {found} points, and not {truth.utility}"]
    return []


def outcomes(scenario: Commons, odds: Callable[[Any], Any], state: Any, seat: str) -> Iterator[tuple[float, float]]:
    """Probability and final points of every course of the weather, if all seats play the reference from here on."""
    seats = scenario.to_move(state)
    if not seats:
        yield 1.0, scenario.payoffs(state)[seat]
    for mover in seats:
        ways = odds(state.now) if mover == NATURE else ((1.0, scenario.reference(state, mover)),)
        for p, move in ways:
            for q, points in outcomes(scenario, odds, scenario.apply(state, {mover: move}), seat):
                yield p * q, points
