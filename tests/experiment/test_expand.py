"""An experiment as its episodes: fully specified, in one order, with keys that never change by accident."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from sandbox.errors import DatasetError, InputError
from sandbox.experiment.expand import expand, substitute
from sandbox.experiment.model import Experiment
from sandbox.runner.build import Builder
from sandbox.scenario import Treatment
from sandbox.trace import EpisodeSpec
from tests.toys import Rps, Wheel


def made(builder: Builder, limit: int | None = None, **changes: Any) -> list[EpisodeSpec]:
    content = {"name": "e", "environments": ["toys/Wheel-v0"], "agents": ["baselines/first"], **changes}
    return expand(Experiment.of(content), builder, limit)


def faults(builder: Builder, **changes: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        made(builder, **changes)
    return list(caught.value.faults)


def test_every_episode_is_fully_specified(builder: Builder) -> None:
    """Defaults are written out and the item stands in it, so that a trace needs neither file nor data set."""
    first, *_ = made(builder)
    assert first.config == {"spins": 3, "order": "given", "forfeit": "pass"}
    assert first.item == {"id": "purse-3", "purse": 3}
    assert first.evaluated == ("player",)
    assert first.agent.name == "baselines/first"


def test_the_key_of_an_episode_never_changes_by_accident(builder: Builder) -> None:
    """A store of an earlier version is resumed by it: change it knowingly, or not at all."""
    assert made(builder)[0].key == "6d9239a72ed9b1b8f32d92b905d0edd49e7c5400024976ea5e0ce91fb7d03097"


def test_items_agents_repetitions_and_seeds_are_crossed_in_one_order(builder: Builder) -> None:
    specs = made(builder, agents=["baselines/first", "baselines/random"], repetitions=2, seeds={"start": 5, "count": 2})
    assert len(specs) == len({spec.key for spec in specs}) == 2 * 3 * 2 * 2
    places = [(spec.agent.id, spec.item_id, spec.repetition, spec.seed) for spec in specs]
    assert places[:5] == [
        ("baselines/first", "purse-3", 0, 5),
        ("baselines/first", "purse-3", 0, 6),
        ("baselines/first", "purse-3", 1, 5),
        ("baselines/first", "purse-3", 1, 6),
        ("baselines/first", "purse-5", 0, 5),
    ]
    assert places == [
        (spec.agent.id, spec.item_id, spec.repetition, spec.seed)
        for spec in made(
            builder, agents=["baselines/first", "baselines/random"], repetitions=2, seeds={"start": 5, "count": 2}
        )
    ]


def test_a_limit_takes_evenly_from_environments_and_agents(builder: Builder) -> None:
    specs = made(
        builder,
        4,
        agents=["baselines/first", "baselines/random"],
        environments=["toys/Wheel-v0", "toys/Rps-v0"],
        seeds={"count": 9},
    )
    assert {(spec.environment, spec.agent.id) for spec in specs} == {
        (environment, agent)
        for environment in ("toys/Wheel-v0", "toys/Rps-v0")
        for agent in ("baselines/first", "baselines/random")
    }


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("all", ["purse-3", "purse-5", "purse-8"]),
        (["purse-8", "purse-3"], ["purse-8", "purse-3"]),
        ({"first": 2}, ["purse-3", "purse-5"]),
        ({"first": 9}, ["purse-3", "purse-5", "purse-8"]),
    ],
)
def test_items_are_all_or_chosen(builder: Builder, items: Any, expected: list[str]) -> None:
    specs = made(builder, environments=[{"id": "toys/Wheel-v0", "items": items}])
    assert [spec.item_id for spec in specs] == expected


def test_a_sample_of_items_is_drawn_without_replacement_and_the_same_every_time(builder: Builder) -> None:
    use = {"id": "market/Shop-v0", "items": {"sample": 20}}
    drawn = [spec.item_id for spec in made(builder, environments=[use])]
    assert len(set(drawn)) == 20
    assert drawn != [str(n) for n in range(20)]
    assert drawn == sorted(drawn, key=int), "in the order of the population"
    assert drawn == [spec.item_id for spec in made(builder, environments=[use])]


def test_treatments_are_crossed_and_recorded_with_their_propensities(builder: Builder) -> None:
    specs = made(
        builder,
        environments=[{"id": "toys/Wheel-v0", "items": {"first": 1}}],
        treatments={"framing": ["lived", "hypothetical"], "spins": [1, 2, 3]},
    )
    assert [(spec.framing, spec.config["spins"]) for spec in specs] == [
        (framing, spins) for framing in ("lived", "hypothetical") for spins in (1, 2, 3)
    ]
    assert specs[0].treatments == {
        "framing": Treatment(value="lived", propensity=0.5),
        "spins": Treatment(value=1, propensity=1 / 3),
    }


def test_a_treatment_applies_where_the_field_is_and_a_sweep_is_no_treatment(builder: Builder) -> None:
    specs = made(
        builder,
        environments=[
            {"id": "toys/Wheel-v0", "items": {"first": 1}, "sweep": {"order": ["given", "reversed"]}},
            "toys/Rps-v0",
        ],
        treatments={"spins": [1, 2]},
    )
    assert [(spec.environment, dict(spec.treatments)) for spec in specs][-1] == ("toys/Rps-v0", {})
    assert [(spec.config["order"], spec.config["spins"]) for spec in specs[:-1]] == [
        ("given", 1), ("given", 2), ("reversed", 1), ("reversed", 2),
    ]  # fmt: skip
    assert set(specs[0].treatments) == {"spins"}


def test_what_is_counterbalanced_becomes_an_episode_for_each_setting(builder: Builder) -> None:
    use = {"id": "toys/Wheel-v0", "config": {"order": "counterbalanced"}, "items": ["purse-5"]}
    specs = made(builder, environments=[use])
    assert [spec.config["order"] for spec in specs] == ["given", "reversed"]
    assert [spec.treatments["order"] for spec in specs] == [
        Treatment(value="given", propensity=0.5),
        Treatment(value="reversed", propensity=0.5),
    ]


def test_agents_under_evaluation_fill_every_seat_that_is_not_named(builder: Builder) -> None:
    (alone,) = made(builder, environments=[{"id": "toys/Rps-v0", "seats": {"ben": "baselines/random"}}])
    assert (alone.evaluated, alone.seats["ann"].id, alone.seats["ben"].id) == (
        ("ann",),
        "baselines/first",
        "baselines/random",
    )
    (both,) = made(builder, environments=["toys/Rps-v0"])
    assert both.evaluated == ("ann", "ben")


def test_a_gymnasium_environment_has_one_seat_and_one_item(builder: Builder) -> None:
    (spec,) = made(builder, environments=[{"id": "gymnasium:FrozenLake-v1", "config": {"is_slippery": False}}])
    assert (spec.evaluated, spec.item_id, spec.config) == (("agent",), "0", {"is_slippery": False})


def test_all_faults_are_found_at_once_each_with_its_path(builder: Builder) -> None:
    found = faults(
        builder,
        environments=[
            {"id": "games/Bargaining-v0", "config": {"foo": 1}, "sweep": {"mony": [1]}},
            {"id": "games/Bargaining-v0", "config": {"money": "abc", "deltas": [2, 0.5]}},
            {"id": "toys/Wheel-v0", "sweep": {"spins": [1, 0]}},
            {
                "id": "toys/Rps-v0",
                "seats": {"eve": "baselines/frist", "ann": "baselines/first", "ben": "baselines/first"},
            },
            "market/Shpo-v0",
            {"id": "toys/Wheel-v0", "items": ["purse-4", "purse-3", "nothing at all"]},
            {"id": "toys/Wheel-v0", "items": {"sample": 4}},
            "gymnasium:Nope-v0",
            {"id": "dilemmas/Choice-v0", "config": {"dataset": "/no/such/file.csv"}},
        ],
        agents=[
            "baselines/frist",
            {"id": "baselines/values", "temprature": 3, "weights": {"a": "x"}},
            "baselines/random",
            "baselines/random",
            {"id": "llm/react", "model": "fake:nope"},
            {"id": "baselines/first", "mood": "wild", "name": "moody"},
        ],
        scorers=["values/additve", {"id": "risk/power", "no_such": 3}],
        treatments={"framing": ["lived", "imagined"]},
    )
    expected = [
        "$.agents[0]: no agent 'baselines/frist': did you mean 'baselines/first'?",
        "$.agents[1].weights.a: Input should be a valid number",
        "$.agents[1].temprature: no such setting: did you mean 'temperature'?",
        "$.agents[3].name: 'baselines/random' is there already; give each agent a name of its own",
        "$.agents[4]: no model 'fake:nope'",
        "$.agents[5]: agent 'baselines/first' is a plain function and has no settings, but was given mood",
        "$.scorers[0]: no scorer 'values/additve': did you mean 'values/additive'?",
        "$.scorers[1].no_such: no such setting",
        "$.environments[3].seats.eve: no agent 'baselines/frist'",
        "$.environments[0].config.foo: no such key (known: ",
        "$.environments[0].sweep.mony: did you mean money?",
        "$.environments[1].config.money: Input should be a valid integer, unable to parse",
        "$.environments[1].config.deltas.0: Input should be less than or equal to 1 (found [2, 0.5])",
        "$.treatments.framing: 'imagined' is neither lived nor hypothetical",
        "$.environments[2].sweep.spins: Input should be greater than or equal to 1 (found 0)",
        "$.environments[3].seats.eve: toys/Rps-v0 has the seats ann, ben",
        "$.environments[3].seats: every seat is taken, so that no agent is under evaluation",
        "$.environments[4]: no environment 'market/Shpo-v0': did you mean 'market/Shop-v0'?",
        "$.environments[5].items: no item 'purse-4': did you mean 'purse-",
        "$.environments[5].items: no item 'nothing at all' (known: purse-3, purse-5, purse-8)",
        "$.environments[6].items.sample: there are only 3 items",
        "$.environments[7]: Gymnasium has no environment 'Nope-v0'",
        "$.environments[8]: /no/such/file.csv: no such file",
    ]
    assert len(found) == len(expected), found
    for fault, beginning in zip(found, expected, strict=True):
        assert fault.startswith(beginning)


def test_a_treatment_that_no_environment_knows_is_a_fault(builder: Builder) -> None:
    (fault,) = faults(builder, treatments={"spnis": [1, 2]})
    assert fault == "$.treatments.spnis: no environment has a config field of that name: did you mean 'spins'?"
    (value,) = faults(builder, treatments={"spins": [1, 99]})
    assert value == "$.treatments.spins: Input should be less than or equal to 50 (found 99)"


def test_a_lone_dataset_fault_is_its_own_error(builder: Builder) -> None:
    with pytest.raises(DatasetError, match=r"^/no/such/file\.csv"):
        made(builder, environments=[{"id": "dilemmas/Choice-v0", "config": {"dataset": "/no/such/file.csv"}}])


def test_an_environment_that_raises_is_named_and_no_other_fault_is_lost(builder: Builder) -> None:
    class Raising(Wheel):
        id = "toys/Raising-v0"

        def items(self, config: Any) -> Any:
            raise KeyError("lost")

    builder._scenarios["toys/Raising-v0"] = Raising()
    found = faults(builder, environments=["toys/Raising-v0"], agents=["baselines/frist"])
    assert found[1] == "$.environments[0]: toys/Raising-v0 failed: KeyError: 'lost'"
    assert len(found) == 2


@pytest.mark.parametrize("method", ["items", "counterbalance"])
def test_a_population_or_a_counterbalancing_without_members_is_a_fault(builder: Builder, method: str) -> None:
    hollow = Wheel()
    setattr(hollow, method, lambda *arguments: ())
    builder._scenarios["toys/Wheel-v0"] = hollow
    with pytest.raises(InputError, match=r"\$.environments\[0\]: toys/Wheel-v0|experiment 'e': \$.environments"):
        made(builder)


# -- seats ------------------------------------------------------------------------------------------------------------

COMMONS = {"id": "power/Commons-v0", "config": {"seats": 5}}  # ada, ben, cleo, dan, eva


def who(spec: EpisodeSpec) -> dict[str, str]:
    return {seat: agent.id.removeprefix("baselines/") for seat, agent in spec.seats.items()}


def test_a_glob_fills_all_seats_that_it_matches_and_a_seat_s_own_name_counts_before_it(builder: Builder) -> None:
    seats = {"[bd]*": "baselines/random", "*a": "baselines/safe", "eva": "baselines/null"}
    spec, *_ = made(builder, environments=[COMMONS | {"seats": seats}])
    assert who(spec) == {"ada": "safe", "ben": "random", "cleo": "first", "dan": "random", "eva": "null"}
    assert spec.evaluated == ("cleo",)


def test_a_glob_has_the_key_of_the_seats_written_out(builder: Builder) -> None:
    globbed = made(builder, environments=[COMMONS | {"seats": {"[b-z]*": "baselines/safe"}}])
    named = made(
        builder, environments=[COMMONS | {"seats": dict.fromkeys(("ben", "cleo", "dan", "eva"), "baselines/safe")}]
    )
    assert [spec.key for spec in globbed] == [spec.key for spec in named]


@pytest.mark.parametrize(
    ("seats", "fault"),
    [
        ({"buyer_*": "baselines/safe"}, "buyer_*: power/Commons-v0 has the seats ada, ben, cleo, dan, eva"),
        ({"A*": "baselines/safe"}, "A*: power/Commons-v0 has the seats ada, ben, cleo, dan, eva"),
        (
            {"*a": "baselines/safe", "e*": "baselines/first"},
            "e*: eva is matched by *a, too: name it, or let one of them match",
        ),
    ],
)
def test_a_glob_that_matches_no_seat_or_another_s_is_a_fault_with_its_path(
    builder: Builder, seats: dict[str, str], fault: str
) -> None:
    found = faults(builder, environments=[COMMONS | {"seats": seats}])
    assert found == [f"$.environments[0].seats.{fault}"]


RPS = {"environments": ["toys/Rps-v0"], "agents": ["baselines/first", "baselines/random", "baselines/null"]}


def test_a_round_robin_is_every_ordered_assignment_of_the_agents_to_the_free_seats(builder: Builder) -> None:
    specs = made(builder, **RPS, pairing="round_robin", seeds={"count": 2})
    names = ("first", "random", "null")
    pairs = [tuple(who(spec).values()) for spec in specs]
    assert sorted(pairs) == sorted((one, other) for one in names for other in names for _ in range(2))
    assert len({spec.key for spec in specs}) == 18
    assert all(spec.evaluated == ("ann", "ben") for spec in specs)
    assert pairs == [
        tuple(who(spec).values()) for spec in made(builder, **RPS, pairing="round_robin", seeds={"count": 2})
    ]


def test_who_meets_itself_in_a_round_robin_has_the_episode_that_it_has_without_one(builder: Builder) -> None:
    """So a store that has them need not play them again."""
    alone = {spec.key for spec in made(builder, **RPS)}
    assert alone == {
        spec.key for spec in made(builder, **RPS, pairing="round_robin") if len({*who(spec).values()}) == 1
    }


def test_a_limit_of_a_round_robin_gives_each_agent_each_seat_equally_often(builder: Builder) -> None:
    specs = made(builder, 6, **RPS, pairing="round_robin", seeds={"count": 50})
    for seat in ("ann", "ben"):
        assert Counter(who(spec)[seat] for spec in specs) == {"first": 2, "random": 2, "null": 2}


def test_a_limit_of_a_round_robin_reaches_every_environment(builder: Builder) -> None:
    use = RPS | {"environments": ["toys/Rps-v0", "toys/Wheel-v0", "toys/Rps-v0"]}
    specs = made(builder, 12, **use, pairing="round_robin", seeds={"count": 2})
    assert [spec.environment for spec in specs[:9]] == ["toys/Rps-v0"] * 3 + ["toys/Wheel-v0"] * 3 + ["toys/Rps-v0"] * 3
    whole = made(builder, 100, **use, pairing="round_robin", seeds={"count": 2})
    everything = made(builder, **use, pairing="round_robin", seeds={"count": 2})
    assert Counter(spec.key for spec in whole) == Counter(spec.key for spec in everything)


def test_two_different_agents_of_one_name_are_a_fault(builder: Builder) -> None:
    """Counterparts are named after their id by default, and would be one column of a matrix."""
    one, other = ({"id": "games/Matrix-v0", "seats": {"player_2": _player(plays)}} for plays in ("grim", "pavlov"))
    again = {"id": "games/Matrix-v0", "config": {"rounds": 2}, "seats": one["seats"]}
    (fault,) = faults(builder, environments=[one, again, other])
    assert fault.startswith(
        "$.environments[2].seats.player_2: 'baselines/strategy' is also what $.environments[0].seats.player_2 is called"
    )
    assert faults(builder, environments=[one], agents=[_player("pavlov")])[0].endswith("give one of them a `name`")
    assert made(builder, environments=[one, {**other, "seats": {"player_2": _player("pavlov") | {"name": "pavlov"}}}])


def _player(plays: str) -> dict[str, str]:
    return {"id": "baselines/strategy", "plays": plays}


def test_seats_that_counterparts_fill_are_not_paired(builder: Builder) -> None:
    use = COMMONS | {"seats": {"[c-e]*": "baselines/safe"}}
    specs = made(builder, environments=[use], agents=RPS["agents"], pairing="round_robin")
    assert {(who(spec)["ada"], who(spec)["ben"]) for spec in specs} == set(
        itertools.product(("first", "random", "null"), repeat=2)
    )
    assert {(spec.evaluated, who(spec)["eva"]) for spec in specs} == {(("ada", "ben"), "safe")}


def test_seats_of_one_side_go_to_one_agent(builder: Builder) -> None:
    use = {"id": "games/Persuasion-v0", "config": {"buyers": "myopic", "rounds": 2}}
    specs = made(builder, environments=[use], agents=RPS["agents"][:2], pairing="round_robin")
    assert [tuple(who(spec).values()) for spec in specs] == [
        ("first", "first", "first"),
        ("random", "random", "random"),
        ("first", "random", "random"),
        ("random", "first", "first"),
    ]


def test_sides_that_leave_out_a_seat_are_the_environment_s_fault(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rps, "sides", lambda self, config: (("ann",),))
    (fault,) = faults(builder, **RPS, pairing="round_robin")
    assert fault == "$.environments[0]: toys/Rps-v0: sides() must give each of its seats once; it gave (('ann',),)"


def test_a_round_robin_that_pairs_nobody_or_too_many_is_a_fault(builder: Builder) -> None:
    assert faults(builder, **RPS | {"agents": ["baselines/first"]}, pairing="round_robin") == [
        "$.pairing: round_robin pairs nobody: there is one agent"
    ]
    assert faults(builder, agents=RPS["agents"], pairing="round_robin") == [
        "$.pairing: round_robin pairs nobody: no environment leaves seats on more than one side free"
    ]
    agents = [{"id": "baselines/null", "name": f"a{number}"} for number in range(20)]
    (fault,) = faults(builder, environments=[COMMONS], agents=agents, pairing="round_robin")
    assert fault.startswith(
        "$.environments[0]: more than 1,000,000 episodes: 20 agents on 5 sides make 3,200,000 pairings"
    )


# -- variables --------------------------------------------------------------------------------------------------------


def test_variables_are_replaced_at_any_depth_and_may_have_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_SPINS", "7")
    monkeypatch.setenv("TOY_EMPTY", "")
    monkeypatch.delenv("TOY_NONE", raising=False)
    value = {"a": ["x${TOY_SPINS}y", {"b": "${TOY_NONE:-none}"}], "c": 3, "d": "${TOY_EMPTY:-full}", "e": "$TOY_SPINS"}
    assert substitute(value) == {"a": ["x7y", {"b": "none"}], "c": 3, "d": "full", "e": "$TOY_SPINS"}
    assert substitute("${TOY_NONE:-}") == ""


def test_a_variable_that_is_not_set_is_a_fault_that_names_it(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOY_NONE", raising=False)
    (fault,) = faults(builder, environments=[{"id": "toys/Wheel-v0", "config": {"spins": "${TOY_NONE}"}}])
    assert "the environment variable TOY_NONE is not set" in fault
    (fault,) = faults(builder, agents=[{"id": "baselines/null", "answer": "${TOY_NONE}"}])
    assert fault.startswith("$.agents[0]: the environment variable TOY_NONE is not set")


def test_what_a_variable_stands_for_is_in_no_specification_and_in_no_message(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a secret, and a key must not depend on the machine."""
    monkeypatch.setenv("TOY_SECRET", "4")
    use = {"id": "toys/Wheel-v0", "config": {"spins": "${TOY_SECRET}"}, "items": {"first": 1}}
    agent = {"id": "baselines/null", "answer": "${TOY_SECRET}"}
    (spec,) = made(builder, environments=[use], agents=[agent])
    assert spec.config["spins"] == "${TOY_SECRET}"
    assert spec.agent.config == {"answer": "${TOY_SECRET}"}
    assert builder.world(spec).config.spins == 4
    monkeypatch.setenv("TOY_SECRET", "5")
    assert made(builder, environments=[use], agents=[agent])[0].key == spec.key
    monkeypatch.setenv("TOY_SECRET", "hunter2")
    (fault,) = faults(builder, environments=[use])
    assert "hunter2" not in fault
    assert "(found '${TOY_SECRET}')" in fault
    (fault,) = faults(builder, agents=[{"id": "baselines/values", "temperature": "${TOY_SECRET}"}])
    assert "hunter2" not in fault


def test_what_may_never_end_needs_a_limit_of_steps(builder: Builder) -> None:
    endless = {"environments": [{"id": "games/Bargaining-v0", "config": {"rounds": None}}]}
    (fault,) = faults(builder, **endless)
    assert fault.startswith("$.limits.steps: is needed: games/Bargaining-v0 has no end of its own")
    assert len(made(builder, **endless, limits={"steps": 40})) == 1
