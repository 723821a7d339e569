"""The ground of games in rounds: stages, talk, chance, missing answers; and anchors that need no theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field
from sandbox_env_games.anchors import TooLargeError, best_response, random_anchors, response_anchors
from sandbox_env_games.rounds import (
    Pass,
    PastRound,
    Rounds,
    RoundsConfig,
    RoundsObservation,
    RoundsState,
    Say,
    players,
)
from sandbox_env_games.sharing import Dictator, Give, SplitConfig

from sandbox.checks import check_scenario
from sandbox.menu import Menu, Move
from sandbox.scenario import Item


class Take(Move):
    """Take some of what is there."""

    kind: Literal["take"] = "take"
    amount: Literal[0, 1, 2]


class Rain(Move):
    """Nature's move."""

    kind: Literal["rain"] = "rain"
    amount: Literal[1, 2]


class TakingConfig(RoundsConfig):
    """Whether it rains before anybody takes."""

    rain: bool = False


@dataclass(frozen=True)
class TakingState(RoundsState):
    """`there` is what can be taken in each round."""

    config: TakingConfig
    there: int = 3


class Taking(Rounds[TakingConfig, TakingState]):
    """Three take at once, then the third again, if the first took nothing; it is over when somebody has three."""

    id: ClassVar[str] = "toys/Taking-v0"
    Config = TakingConfig
    State = TakingState
    Action: ClassVar[Any] = Annotated[Take | Say | Pass | Rain, Field(discriminator="kind")]
    Observation = RoundsObservation

    def seats(self, config: TakingConfig) -> tuple[str, ...]:
        return players(3)

    def initial(self, config: TakingConfig, item: Item) -> TakingState:
        return self.start(TakingState(config))

    def stages(self, config: TakingConfig) -> tuple[str, ...]:
        return ("rain", "take", "again") if config.rain else ("take", "again")

    def chance(self, state: TakingState) -> bool:
        return self.stage(state) == "rain"

    def draw(self, state: TakingState) -> str:
        return f"rain/{state.round}"

    def sample(self, state: TakingState, generator: np.random.Generator) -> Move:
        return Rain.model_validate({"amount": int(generator.integers(1, 3))})

    def drawn(self, state: TakingState, move: Move) -> TakingState:
        assert isinstance(move, Rain)
        return replace(state, there=state.there + move.amount)

    def movers(self, state: TakingState) -> tuple[str, ...]:
        if self.stage(state) == "take":
            return players(3)
        return () if state.acts[0] != (0.0,) else ("player_3",)

    def choices(self, state: TakingState, seat: str) -> Menu:
        return tuple(Take.model_validate({"amount": amount}) for amount in range(3))

    def numbers(self, state: TakingState, seat: str, move: Move) -> tuple[float, ...]:
        assert isinstance(move, Take)
        return (float(move.amount),)

    def gains(self, state: TakingState) -> tuple[float, ...]:
        return tuple(map(sum, state.acts))

    def ends(self, state: TakingState) -> bool:
        return max(state.totals) >= 3

    def reply(self, state: TakingState, seat: str, past: PastRound) -> float | None:
        return None if seat == "player_3" else 2.0

    def measures(self, state: TakingState) -> Mapping[str, float | None]:
        return {"there": float(state.there)}

    def observe(self, state: TakingState, seat: str) -> RoundsObservation:
        return RoundsObservation(**self.seen(state, seat))

    def rules(self, seen: RoundsObservation) -> str:
        return "Take."

    def now(self, seen: RoundsObservation) -> str:
        return "How much?"

    def told(self, seen: RoundsObservation, past: PastRound) -> str:
        return f"gains {past.gains}"


GAME = Taking()
NONE, ONE, TWO = (Take.model_validate({"amount": amount}) for amount in range(3))


def start(**fields: Any) -> TakingState:
    return GAME.initial(TakingConfig.model_validate(fields), Item())


def after(state: TakingState, *ticks: tuple[Move, ...]) -> TakingState:
    for moves in ticks:
        state = GAME.apply(state, dict(zip(GAME.to_move(state), moves, strict=True)))
    return state


def test_a_game_on_the_ground_keeps_the_contract() -> None:
    check_scenario(Taking, {"rain": True, "messages": True, "horizon_told": False, "rounds": 2}, cycles=30, episodes=2)


def test_a_stage_in_which_nobody_moves_is_skipped() -> None:
    state = after(start(rounds=2), (NONE, ONE, ONE))
    assert GAME.to_move(state) == ("player_3",)
    state = after(state, (TWO,))
    assert state.history[0].acts == ((0,), (1,), (1, 2))
    assert GAME.to_move(after(start(rounds=2), (ONE, ONE, ONE))) == players(3)


def test_a_missing_answer_closes_the_round_without_its_later_stages_and_pays_nobody() -> None:
    state = after(start(rounds=2), (NONE, Pass(), TWO))
    assert state.history == (PastRound(round=1, acts=((0,), (), (2,)), gains=(0, 0, 0)),)
    assert (state.round, GAME.to_move(state)) == (2, players(3))
    assert GAME.forfeit(state, "player_1") == Pass()


def test_talk_comes_before_the_decisions_and_silence_is_its_forfeit() -> None:
    state = start(messages=True, rounds=2)
    assert GAME.forfeit(state, "player_1") == Say()
    state = after(state, (Say(message="one"), Say(message="two\nthree"), Say()))
    assert state.said == ("one", "two\nthree", None)
    told = GAME.render(GAME.observe(state, "player_1"))
    assert 'Round 1: You sent a message, saying "one".\nRound 1: Player 2 sent a message, saying "two\\nthree".' in told
    state = after(state, (ONE, ONE, ONE))
    assert state.said == ()
    assert state.history[0].said == ("one", "two\nthree", None)


def test_nature_moves_in_a_stage_of_its_own_and_is_named_by_the_round() -> None:
    state = start(rain=True, messages=True)
    state = after(state, (Say(), Say(), Say()))
    assert GAME.to_move(state) == ("nature",)
    assert GAME.draw(state) == "rain/1"
    state = after(state, (Rain(amount=2),))
    assert GAME.facts(state)["measures"] == {"there": 5}


def test_a_game_ends_after_its_rounds_or_when_it_says_so() -> None:
    assert GAME.to_move(after(start(), (ONE, ONE, ONE))) == ()
    state = after(start(rounds=9), (TWO, ONE, ONE), (TWO, ONE, ONE))
    assert GAME.to_move(state) == ()
    assert GAME.render(GAME.observe(state, "player_2")).endswith("The game is over. Your payoff is 2.")
    assert GAME.payoffs(state) == {"player_1": 4, "player_2": 2, "player_3": 2}


def test_hindsight_is_the_sum_over_rounds_where_every_round_has_one() -> None:
    by_seat = GAME.facts(after(start(rounds=3), (ONE, ONE, ONE), (ONE, ONE, ONE)))["by_seat"]
    assert by_seat == {"player_1": {"hindsight": 4}, "player_2": {"hindsight": 4}, "player_3": {"hindsight": None}}
    assert GAME.facts(start())["by_seat"]["player_1"]["hindsight"] is None


def test_an_untold_horizon_is_not_in_what_a_player_sees() -> None:
    short, long = start(rounds=2, horizon_told=False), start(rounds=3, horizon_told=False)
    assert (
        GAME.observe(short, "player_1")
        == GAME.observe(long, "player_1")
        == GAME.observe(GAME.conceal(short, "player_1"), "player_1")
    )
    assert "you are not told how often" in GAME.render(GAME.observe(short, "player_1"))
    assert "one or more times" in GAME.render(GAME.observe(start(horizon_told=False), "player_1"))
    assert "round 1 of 3" in GAME.render(GAME.observe(start(rounds=3), "player_1"))


def test_who_waits_is_told_so() -> None:
    state = after(start(), (NONE, ONE, ONE))
    assert "Others are to move." in GAME.render(GAME.observe(state, "player_1"))
    assert GAME.menu(state, "player_1") == ()


def one(state: TakingState) -> Move:
    return Say() if GAME.stage(state) == "talk" else ONE


def test_the_best_response_is_found_by_looking_at_every_way_to_play() -> None:
    others = {"player_2": one, "player_3": one}
    for messages in (False, True):
        config = TakingConfig(rounds=2, messages=messages)
        assert best_response(GAME, config, Item(), "player_1", others) == 4
    with pytest.raises(TooLargeError, match="more than 2 ways"):
        best_response(GAME, config, Item(), "player_1", others, most=2)
    with pytest.raises(TooLargeError, match="chance"):
        best_response(GAME, TakingConfig(rain=True), Item(), "player_1", others)


def test_random_play_is_simulated_with_its_error_and_against_the_counterparts_too() -> None:
    config = TakingConfig()
    found = random_anchors(GAME, config, Item(), {"player_1": one, "player_2": one})
    alone, against = found["random/player_3"], found["random_response/player_3"]
    assert alone.error
    assert against.error
    assert alone.value is not None
    assert against.value is not None
    assert abs(alone.value - (1 + 1 / 3)) < 4 * alone.error  # once more where player 1 takes nothing
    assert abs(against.value - 1) < 4 * against.error
    assert found["random_response/player_1"].value is None


@pytest.mark.slow
def test_a_thousand_rounds_without_a_choice_are_no_recursion() -> None:
    game, config = Dictator(), SplitConfig(rounds=1000, messages=True)
    giver = {"dictator": lambda state: Say() if game.stage(state) == "talk" else Give(amount=4)}
    assert best_response(game, config, Item(), "recipient", giver) == 4000


@pytest.mark.slow
def test_responses_to_strangers_are_looked_for_only_where_there_are_not_too_many() -> None:
    others = {"player_2": one, "player_3": one}
    few, many = (
        response_anchors(GAME, TakingConfig(rounds=rounds), Item(), "player_1", others, choices=3) for rounds in (2, 20)
    )
    assert few["best_response/player_1"].value == 4
    assert few["random_response/player_1"].error is not None
    assert many["best_response/player_1"].value is None
    assert "ways to play" in many["best_response/player_1"].assumes
