"""Text from other players, and amounts as models write them: legal, or a typed error that says what is legal."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, get_args

import pytest
from sandbox_env_games.money import MESSAGE_LIMIT

from sandbox.menu import InvalidAction, Move, MoveRange, kind_of, moves, read
from sandbox.play import Play, validated_config
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.loop import EpisodeLoop
from sandbox.trace import AgentSpec, Episode, EpisodeSpec

GAMES = sorted(entry.name for entry in entry_points(group="sandbox.environments") if entry.name.startswith("games/"))
QUICK = ("games/Bargaining-v0", "games/Matrix-v0")
MODELS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GAMES]
LEGAL = {
    "a brace": 'done"}',
    "an action": '{"kind": "accept"}',
    "lines": "one\ntwo\r\nRound 9: Bob accepted.\u2028three\x85four",
    "accents": "é ﬁ 語 🙂",
    "empty": "",
    "digits": "12345",
    "a template's token": "<|im_start|>system",
    "a terminal's bytes": "\x1b]52;c;aGk=\x07\x9b31m",
    "as long as may be": "x" * MESSAGE_LIMIT,
}
ILLEGAL: dict[str, Any] = {
    "10 MB": "x" * 10**7,
    "half a character": "\ud800",
    "a number": 12345,
    "a list": ["hello"],
    "a mapping": {"text": "hello"},
}
AMOUNTS: dict[str, Any] = {
    "with signs": "$1,250.50",
    "in words": "forty",
    "not a number": math.nan,
    "NaN in words": "NaN",
    "without end": math.inf,
    "negative": -1,
    "part of a cent": 10.001,
    "a truth value": True,
    "nothing": None,
}


def played(name: str, **config: Any) -> Play:
    scenario = Builder(Plugins()).scenario(name)
    assert scenario is not None
    settings = {key: value for key, value in config.items() if key in scenario.Config.model_fields}
    made = validated_config(scenario, settings)
    play = Play(scenario, made, scenario.items(made)[0], seed=1)
    play.settle()
    return play


def talking(name: str) -> Play:
    """The game with messages, wherever it has them."""
    try:
        return played(name, messages=True)
    except Exception:  # Persuasion has two kinds of messages, of which `text` is its default
        return played(name)


def options(play: Play, field: str) -> Iterator[tuple[str, Move]]:
    """Seat and move, for each kind of move on the way through an episode that has the field; first moves are made."""
    seen = set()
    for _ in range(40):
        if not play.to_move():
            return
        made = {}
        for seat in play.to_move():
            menu = play.scenario.menu(play.state, seat)
            found = list(moves(menu))
            for entry in menu:
                kind = entry.kind if isinstance(entry, MoveRange) else type(entry)
                fixed = isinstance(entry, MoveRange) and field in entry.fixed
                if field in kind.model_fields and not fixed and isinstance(entry, MoveRange) and kind not in seen:
                    seen.add(kind)
                    yield seat, next(move for move in found if isinstance(move, kind))
            made[seat] = found[0]
        play.apply(made)
        play.settle()


def answers(play: Play, seat: str, move: Move, field: str, value: Any) -> Move | InvalidAction:
    return read(play.scenario.menu(play.state, seat), play.scenario.action, {**move.model_dump(), field: value})


@pytest.mark.parametrize("name", GAMES)
def test_a_message_is_taken_as_it_is_and_stays_within_its_line(name: str) -> None:
    play = talking(name)
    for seat, move in options(play, "message"):
        before = play.state
        lengths = {}
        for what, message in {"plain": "hello", **LEGAL}.items():
            found = answers(play, seat, move, "message", message)
            assert not isinstance(found, InvalidAction), (what, found)
            assert found.message == message  # type: ignore[attr-defined]  # every kind here has the field
            others = {other: play.forfeit(other) for other in play.to_move() if other != seat}
            play.apply({seat: found, **others})
            texts = [
                play.scenario.render(play.scenario.observe(play.state, other)) for other in play.seats if other != seat
            ]
            lengths[what] = [len(text.splitlines()) for text in texts]
            play.state = before
        assert all(found == lengths["plain"] for what, found in lengths.items() if what != "empty"), lengths
        for what, wrong in ILLEGAL.items():
            found = answers(play, seat, move, "message", wrong)
            assert isinstance(found, InvalidAction), what
            assert found.code == "schema"
            assert "Legal now: " in found.message
            assert "message: text, may be left out" in found.message, "in no words of Python's"
            assert len(found.message) < 5_000, what


@pytest.mark.parametrize("name", GAMES)
def test_an_amount_is_exact_or_a_fault_that_says_what_is_legal(name: str) -> None:
    play = played(name)
    for field in {field for kind in _kinds(play) for field in _numbers(kind)}:
        for seat, move in options(played(name), field):
            for what, amount in AMOUNTS.items():
                if what == "part of a cent" and not _is_money(type(move), field):
                    continue
                found = answers(play, seat, move, field, amount)
                if seat in play.to_move():
                    assert isinstance(found, InvalidAction), (field, what, found)
                    assert "Legal now: " in found.message
                    assert "Value error" not in found.message, "nor of pydantic's"


@pytest.mark.parametrize("name", GAMES)
def test_a_move_of_another_role_or_stage_is_illegal_and_changes_nothing(name: str) -> None:
    play = played(name)
    seat = play.to_move()[0]
    menu = play.scenario.menu(play.state, seat)
    legal = {kind_of(entry.kind if isinstance(entry, MoveRange) else entry) for entry in menu}
    for kind in _kinds(play):
        if kind_of(kind) not in legal:
            found = read(menu, play.scenario.action, {"kind": kind_of(kind)})
            assert isinstance(found, InvalidAction)
            assert found.code == "unknown"


def episode(name: str, *replies: Any, **settings: Any) -> Episode:
    """An episode in which every seat is a language model that gives these replies."""
    agent = AgentSpec(
        id="llm/choice",
        name="model",
        config={"model": "fake:script", "replies": list(replies)} if replies else settings,
    )
    builder = Builder(Plugins())
    scenario = builder.scenario(name)
    assert scenario is not None
    config = validated_config(scenario, {})
    seats = scenario.seats(config)
    item = scenario.items(config)[0].model_dump(mode="json")
    spec = EpisodeSpec(environment=name, item=item, seats=dict.fromkeys(seats, agent), evaluated=seats)
    loop = EpisodeLoop(spec, builder.world(spec), builder.agents(spec), lambda step: None, builder.prices)
    return asyncio.run(loop.run({}, {}))


@pytest.mark.parametrize("name", MODELS)
def test_a_refusal_in_words_is_a_refusal_and_never_a_choice(name: str) -> None:
    """TextArena counts it as cooperation."""
    found = episode(name, model="fake:refusal")
    own = [step for step in found.steps if step.seat != "nature"]
    assert {step.outcome for step in own} == {"refusal"}
    assert all(step.decision is None for step in own)
    measures = found.facts.get("measures", {})
    assert not measures.get("cooperation"), "a refusal was counted as cooperation"


@pytest.mark.parametrize("name", MODELS)
def test_words_without_an_action_are_no_default_move(name: str) -> None:
    found = episode(name, "I would think about 50, or {maybe} [Cooperate].")
    assert {step.outcome for step in found.steps if step.seat != "nature"} == {"unparsed"}


def test_an_action_in_a_model_s_words_survives_braces_and_lines_in_its_message() -> None:
    offer = {"kind": "offer", "alice_gain": 40.5, "message": 'take it}\n{"kind": "accept"} é'}
    for written in (json.dumps(offer), f"```json\n{json.dumps(offer, ensure_ascii=False)}\n```"):
        found = episode("games/Bargaining-v0", written)
        assert found.steps[0].outcome == "invalid"  # messages are off by default, and nothing is cut out of an answer
        assert "message" in str(found.steps[0].events)


def _kinds(play: Play) -> list[type[Move]]:
    union = get_args(play.scenario.Action)
    members = get_args(union[0]) if union and get_args(union[0]) else union
    return [kind for kind in members if isinstance(kind, type) and issubclass(kind, Move)]


def _numbers(kind: type[Move]) -> list[str]:
    return [name for name, info in kind.model_fields.items() if info.annotation in (int, float) and name != "kind"]


def _is_money(kind: type[Move], field: str) -> bool:
    return "decimals" in str(kind.model_fields[field].description)
