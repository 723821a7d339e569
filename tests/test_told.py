"""What a seat is told is made once, when somebody looks, and recorded as it always was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from sandbox.agent import changed
from sandbox.errors import PluginError
from sandbox.menu import InvalidAction, Move, moves
from sandbox.play import Memo, Place, Play
from sandbox.scenario import Appraisal, Frozen, Item
from sandbox.store.conversations import Conversations
from sandbox.store.payloads import Packer, decode
from sandbox.store.traces import Shared, pack_step
from sandbox.text import Fragmented, canonical
from sandbox.told import Answered, Told, made
from sandbox.trace import MenuEntry, Step
from tests.toys import Bet, Leave, Rps, RpsConfig, Wheel, WheelConfig, WheelItem, WheelState, pick


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the methods of `Wheel` that were called."""
    called: list[str] = []
    for name in ("observe", "render", "menu", "appraise", "apply"):
        method = getattr(Wheel, name)
        monkeypatch.setattr(Wheel, name, lambda *given, _m=method, _n=name: (called.append(_n), _m(*given))[1])
    return called


def wheel(memo: Memo | None = None, scenario: Wheel | None = None) -> Play:
    return Play(scenario or Wheel(), WheelConfig(), WheelItem(purse=3), 0, memo=memo)


def test_what_nobody_looks_at_is_not_made(looks: list[str]) -> None:
    turn = changed(wheel().turn("player", 0), errors=(InvalidAction("illegal", "x"),))
    assert looks == ["menu"]
    assert (turn.text, turn.observation.purse, turn.errors[0].message) == ("purse: 3\nleft: 3", 3, "x")
    assert (turn.text, looks) == ("purse: 3\nleft: 3", ["menu", "observe", "render"])


def test_a_lazy_turn_can_be_replaced_compared_and_printed() -> None:
    turn = wheel().turn("player", 0)
    assert replace(turn, index=4) == changed(turn, index=4)
    assert "purse: 3" in repr(wheel().turn("player", 0))
    with pytest.raises(AttributeError, match="no 'purse'"):
        _ = turn.purse  # type: ignore[attr-defined]  # that is the point


def test_a_record_is_what_the_scenario_says_of_each_move() -> None:
    play = wheel()
    record = play.told("player").record()
    menu = play.turn("player", 0).menu
    assert record.entries == tuple(
        MenuEntry(move=move.model_dump(mode="json"), appraisal=play.appraise("player", move)) for move in moves(menu)
    )
    assert (record.observation, record.text) == ({"purse": 3, "left": 3}, "purse: 3\nleft: 3")


def test_a_decision_that_the_menu_lists_is_the_menus_own_entry() -> None:
    play = wheel()
    record = play.told("player").record()
    for same in (Leave(), {"kind": "leave"}, list(moves(play.turn("player", 0).menu))[-1]):
        answered = play.answered("player", same)
        assert isinstance(answered, Answered)
        assert answered.entry is record.entries[-1]
    answered = play.answered("player", {"kind": "bet", "coins": 2})
    assert isinstance(answered, Answered)
    assert (answered.made.move, answered.entry.appraisal.utility) == (Bet(coins=2), 2.0)


def test_a_menu_that_comes_back_with_its_appraisals_is_recorded_by_the_same_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a game of many rounds menus come back by the dozen: they are recorded, and then stored, by one object."""
    known = {0: Appraisal(utility=1.0), 1: Appraisal(utility=2.0)}
    menu = (Bet(coins=1), Leave())
    monkeypatch.setattr(Wheel, "menu", lambda *given: menu)
    monkeypatch.setattr(Wheel, "appraise", lambda self, state, seat, move: known[state.purse % 2])
    records = [Told(Wheel(), WheelState(WheelConfig(), purse, 3), "player").record() for purse in (2, 3, 4)]
    assert records[0].entries is records[2].entries
    assert [record.entries[0].appraisal.utility for record in records] == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("seen", "kept"),
    [({"left": None}, True), ({"left": float("nan")}, False), ({"left": "\ud83d"}, False), ({"left": 2**70}, False)],
)
def test_an_observation_keeps_the_bytes_that_no_other_has(seen: dict[str, Any], kept: bool) -> None:
    class Seen(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="constants")
        left: Any

    teller = SimpleNamespace(
        observe=lambda *given: Seen(**seen),
        render=lambda seen: "x",
        menu=lambda *given: (Leave(),),
        appraise=Wheel().appraise,
    )
    record = Told(teller, WheelState(WheelConfig(), 3, 3), "player").record()
    assert repr(record.observation) == repr(seen)
    assert (type(record.observation) is Fragmented) == kept
    assert not kept or record.observation.fragment == canonical(seen)  # type: ignore[attr-defined]  # as said


def test_a_default_of_an_observation_that_is_no_number_is_recorded_as_it_is() -> None:
    """Defaults are not validated; it was stored as null."""

    class Seen(Frozen):
        best: float = float("-inf")

    teller = SimpleNamespace(
        observe=lambda *given: Seen(), render=str, menu=lambda *given: (Leave(),), appraise=Wheel().appraise
    )
    seen = Told(teller, WheelState(WheelConfig(), 3, 3), "player").record().observation
    packer = Packer(None)
    step = Step(index=0, tick=0, seat="player", applied={}).model_copy(update={"observation": seen})
    content = pack_step(step, packer, Shared(), Conversations()).content
    assert decode(content.split(b"\n")[0]) == {"observation": {"best": float("-inf")}, "text": ""}


def test_what_was_understood_once_is_not_what_something_else_means() -> None:
    """A reply that is remembered by its JSON must not stand for one that only looks alike."""

    class Word(str):
        """No plain text."""

    play = wheel()
    first = play.answered("player", {"kind": "bet", "coins": 1, "note": "one"})
    assert play.answered("player", {"kind": "bet", "coins": 1, "note": "one"}) is first
    assert isinstance(play.answered("player", {"kind": "bet", "coins": 9}), InvalidAction)
    assert isinstance(play.answered("player", {"kind": "bet", "coins": None}), InvalidAction)
    told = play.told("player")
    assert told.known({"kind": "bet", "coins": 1, "note": "one"}) is first
    assert told.known({"kind": "bet", "coins": 1, "note": Word("one")}) is None


def test_a_move_that_is_decided_on_again_is_recorded_by_the_same_objects() -> None:
    """Who plays by rule makes its offer anew at each visit, and its appraisal and its line were made anew with it."""
    play = wheel()
    one, again, other = (play.answered("player", Bet(coins=coins)) for coins in (2, 2, 3))
    assert one is again
    assert isinstance(other, Answered)
    assert other.made.move == Bet(coins=3)


def test_moves_that_only_their_json_confuses_are_told_apart() -> None:
    """A NaN is written as null."""

    class Odd(Move):
        kind: Literal["odd"] = "odd"
        size: float | None = None

    told = wheel().told("player")
    none, nan = told.understand(None, Odd()), told.understand(None, Odd.model_construct(size=float("nan")))
    assert (none.entry.move["size"], repr(nan.entry.move["size"])) == (None, "nan")


@pytest.mark.parametrize(("method", "found"), [("render", 7), ("appraise", None)])
def test_a_text_that_is_none_and_an_appraisal_that_is_none_are_the_plugins_fault(
    method: str, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wheel, method, lambda *given: found)
    with pytest.raises(PluginError, match=method):
        wheel().told("player").record()


def test_with_a_memo_the_scenario_is_asked_once_for_a_state_and_a_move(looks: list[str]) -> None:
    memo, scenario, hashes = Memo(), Wheel(), []
    config, item = WheelConfig(), WheelItem(purse=3)
    for _ in range(3):
        play = Play(scenario, config, item, 0, memo=memo)
        answered = play.answered("player", {"kind": "bet", "coins": 2})
        assert isinstance(answered, Answered)
        play.apply({"player": answered.made.move}, {"player": answered.made})
        hashes.append((play.state_hash(), answered, play.told("player").record()))
    assert looks.count("apply") == 1
    assert looks.count("observe") == 2, "once for each of two states"
    assert hashes[0] == hashes[1] == hashes[2]


@dataclass(frozen=True)
class Loose:
    value: Any


class LooseScenario(Rps):
    """A state that may hold anything; `Rps` in all else."""

    State = Loose


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0.0, -0.0), ("1", 1), ((), None)], ids=str)
def test_states_that_differ_as_json_share_nothing_though_they_are_equal(one: Any, other: Any) -> None:
    scenario = LooseScenario()
    assert Place(scenario, Loose(one)).identity() != Place(scenario, Loose(other)).identity()


@dataclass(frozen=True)
class Typed:
    value: float | str | int | None


class TypedScenario(Rps):
    """A state with a number that may be none; `Rps` in all else."""

    State = Typed


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "half \ud83d", 2**70])
def test_a_state_whose_hash_others_may_have_shares_nothing(value: Any) -> None:
    scenario = TypedScenario()
    assert not Place(scenario, Typed(value)).identity()[1]
    assert all(Place(scenario, Typed(fine)).identity()[1] for fine in (None, 1.5, "text", 2**60))


@pytest.mark.slow
def test_an_unbounded_run_keeps_a_bounded_memo() -> None:
    memo, scenario = Memo(), Rps()
    for seed in range(600):
        play = Play(scenario, RpsConfig(rounds=3, stake=seed), Item(), seed, memo=memo)
        while seats := play.to_move():
            forms = {seat: made(pick(play.turn(seat, 0))) for seat in seats}
            for seat in seats:
                play.told(seat)
            play.apply({seat: form.move for seat, form in forms.items()}, forms)
            play.settle()
    held = [told.record().written or b"" for place in memo.places.values() for told in place.told.values()]
    assert 100 < len(memo.places) < 8000
    assert sum(map(len, held)) <= 8_000_000


def test_a_game_too_long_for_the_memo_gets_room_when_it_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its states was let go before the next episode came to it."""
    memo, scenario, worked_out = Memo(), Rps(), []
    memo.places.room = 8_000
    apply = Rps.apply
    monkeypatch.setattr(Rps, "apply", lambda *given: (worked_out.append(1), apply(*given))[1])
    spent = []
    for _ in range(3):
        worked_out.clear()
        play = Play(scenario, RpsConfig(rounds=20), Item(), 0, memo=memo)
        while seats := play.to_move():
            forms = {seat: made(pick(play.turn(seat, 0))) for seat in seats}
            for seat in seats:
                play.told(seat)
            play.apply({seat: form.move for seat, form in forms.items()}, forms)
            play.settle()
        spent.append(len(worked_out))
    assert spent[0] == 40, "twenty coins and twenty throws"
    assert spent[1] > 30
    assert spent[2] == 0


def test_told_of_a_state_is_the_same_object_for_turn_and_record() -> None:
    play = wheel()
    told = play.told("player")
    assert isinstance(told, Told)
    assert play.turn("player", 0).observation is told.observation()
