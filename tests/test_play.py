"""One fold over moves: chance by name, forfeits, rewards, recorded luck."""

from __future__ import annotations

import math

import pytest
from sandbox_env_market import Shop, ShopConfig

from sandbox.errors import InputError, PluginError
from sandbox.menu import Forfeit, InvalidAction
from sandbox.play import Play, resolved, validated_config
from sandbox.scenario import NATURE, Luck
from tests.toys import Bet, Fall, Leave, Pass, Rps, Throw, Wheel, WheelConfig, spec, world


def rock(play: Play) -> None:
    play.apply({"ann": Throw(hand="rock"), "ben": Throw(hand="scissors")})


def test_nature_moves_when_it_is_its_turn_and_each_draw_is_named() -> None:
    play = world(spec(Rps))
    assert play.settle() == []
    rock(play)
    before = play.state_hash()
    (draw,) = play.settle()
    assert (draw.name, draw.state) == ("coin/0", before)
    assert play.state.coins == (draw.move.heads,)


def test_a_draw_depends_on_seed_and_name_and_on_nothing_else() -> None:
    """A detour changes no later luck, and 20 seeds do not all fall alike."""
    falls = []
    for seed in range(20):
        straight, detour = world(spec(Rps, seed=seed)), world(spec(Rps, seed=seed))
        rock(straight)
        detour.apply({"ann": Throw(hand="paper"), "ben": Throw(hand="paper")})
        assert straight.settle()[0].move == detour.settle()[0].move
        falls.append(straight.state.coins[0])
    assert len(set(falls)) == 2


def test_luck_is_the_same_at_each_call_and_differs_by_name_and_seed() -> None:
    first = Luck(1).generator("quality", 7).random(3).tolist()
    assert Luck(1).generator("quality", 7).random(3).tolist() == first
    assert Luck(1).generator("quality", 8).random(3).tolist() != first
    assert Luck(2).generator("quality", 7).random(3).tolist() != first
    assert Luck(1).generator("coin/0").random() == 0.5314727572160632, "stored traces rest on it: it never changes"


def test_recorded_chance_is_used_in_its_order_and_its_end_is_an_error() -> None:
    play = world(spec(Rps), nature=[{"kind": "fall", "heads": True}, {"kind": "fall", "heads": False}])
    for _ in range(2):
        rock(play)
        play.settle()
    assert play.state.coins == (True, False)
    rock(play)
    with pytest.raises(InputError, match="no move for nature's draw 'coin/2'"):
        play.settle()


def test_payoffs_are_those_of_the_state_also_where_a_scenario_fills_one_object_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They were looked for by the object, and what had been paid first was paid for ever."""
    totals: dict[str, float] = {}
    pays = Rps.payoffs
    monkeypatch.setattr(Rps, "payoffs", lambda self, state: totals.update(pays(self, state)) or totals)
    play = world(spec(Rps))
    before = play.payoffs()
    rock(play)
    play.settle()
    assert (before, play.payoffs()) == ({"ann": 0.0, "ben": 0.0}, {"ann": 2.0, "ben": -2.0})


def test_payoffs_are_totals_for_every_seat() -> None:
    play = world(spec(Rps), nature=[{"kind": "fall", "heads": True}] * 3)
    rock(play)
    assert play.payoffs() == {"ann": 0.0, "ben": 0.0}, "the coin has not fallen yet"
    play.settle()
    assert play.payoffs() == {"ann": 2.0, "ben": -2.0}


def test_a_bare_forfeit_ends_the_episode_without_reaching_the_scenario() -> None:
    play = world(spec(Wheel))
    state = play.state
    play.apply({"player": Forfeit()})
    assert play.forfeited
    assert play.to_move() == ()
    assert play.state is state
    assert play.settle() == []


def test_a_declared_forfeit_is_a_move_like_any_other() -> None:
    play = world(spec(Wheel))
    assert play.forfeit("player") == Pass()
    play.apply({"player": play.forfeit("player")})
    assert play.to_move() == (NATURE,)


def test_the_reference_move_is_the_forfeit_unless_the_scenario_says_otherwise() -> None:
    assert world(spec(Wheel)).reference("player") == Pass()
    assert world(spec(Rps)).reference("ann") == Forfeit()


def test_a_turn_tells_what_the_seat_sees_and_its_ground_truth_only_to_the_privileged() -> None:
    play = world(spec(Wheel))
    turn = play.turn("player", 4, episode="e")
    assert (turn.observation.purse, turn.text, turn.index, turn.episode) == (3, "purse: 3\nleft: 3", 4, "e")
    assert turn.appraise is None
    privileged = play.turn("player", 4, privileged=True)
    assert privileged.appraise is not None
    assert privileged.appraise(Bet(coins=2)).risks == ("gambling",)


def test_an_answer_is_read_against_the_menu_of_the_turn() -> None:
    play = world(spec(Wheel))
    menu = play.turn("player", 0).menu
    assert play.read(menu, {"kind": "leave"}) == Leave()
    assert isinstance(play.read(menu, {"kind": "bet", "coins": 4}), InvalidAction)
    assert isinstance(play.read(menu, Fall(heads=True)), InvalidAction)


def test_all_faults_of_a_config_are_reported_at_once_each_with_its_field() -> None:
    with pytest.raises(InputError) as caught:
        validated_config(Wheel(), {"spins": 0, "order": "up", "extra": 1})
    assert str(caught.value).splitlines()[0] == "config of toys/Wheel-v0: 3 faults"
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["spins", "order", "extra"]


def test_a_single_episode_settles_by_lot_what_a_config_leaves_to_the_experiment() -> None:
    open_config = WheelConfig(order="counterbalanced")
    item = Wheel().items(open_config)[0]
    orders = {resolved(Wheel(), open_config, item, Luck(seed)).order for seed in range(20)}
    assert orders == {"given", "reversed"}
    settled = WheelConfig(order="reversed")
    assert resolved(Wheel(), settled, item, Luck(0)) is settled


def test_a_scenario_with_chance_that_does_not_name_or_draw_it_says_what_to_override() -> None:
    class Mute(Wheel):
        id = "toys/Mute-v0"
        draw = Wheel.__mro__[1].draw
        sample = Wheel.__mro__[1].sample

    state = world(spec(Wheel)).state
    with pytest.raises(PluginError, match=r"toys/Mute-v0: .*override draw\(state\)"):
        Mute().draw(state)
    with pytest.raises(PluginError, match=r"toys/Mute-v0: .*override sample\(state, generator\)"):
        Mute().sample(state, Luck(0).generator())


def test_what_nature_assigned_is_among_the_facts_with_its_propensity() -> None:
    """A trace is analysed by what was drawn, years later and without the environment."""
    shop = Shop()
    config = ShopConfig(randomise=("position", "price"), items=1)
    play = Play(shop, config, shop.items(config)[0], 5)
    play.settle()
    treatments = play.facts()["treatments"]
    assert treatments["position"]["propensity"] == pytest.approx(1 / math.factorial(8))
    assert treatments["price"]["propensity"] is None
    assert treatments["price"]["value"]["law"] == "price x LogNormal(0, 0.3)"
    plain = Play(shop, ShopConfig(), shop.items(ShopConfig())[0], 5)
    assert "treatments" not in plain.facts()
