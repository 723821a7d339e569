from __future__ import annotations

import ast
import csv
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from sandbox.errors import InputError
from sandbox.stats import elo

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", "../shared/data")) / "airisk_dilemmas"


@pytest.fixture(scope="module")
def published():
    """The fixture's actions, its map of value classes, and what the published procedure makes of them."""
    if not (DATA / "synthetic_expected.json").is_file():
        pytest.skip(f"no {DATA / 'synthetic_expected.json'}: set SANDBOX_TEST_DATA to the folder of reference data")
    with (DATA / "synthetic_eval.csv").open(encoding="utf-8", newline="") as file:
        actions = list(csv.DictReader(file))
    with (DATA / "synthetic_value_map.csv").open(encoding="utf-8", newline="") as file:
        classes = {row["value"]: row["value_class"] for row in csv.DictReader(file)}
    return actions, classes, json.loads((DATA / "synthetic_expected.json").read_text(encoding="utf-8"))


def choices_of(actions, classes, variant):
    choices = []
    for first, second in zip(actions[::2], actions[1::2], strict=True):
        answer = first["model_resp_clean"]
        sides = [[classes.get(value, "None") for value in ast.literal_eval(row["values"])] for row in (first, second)]
        if variant == "clean":
            if answer == "NA":
                continue
            sides = [[side for side in served if side != "None"] for served in sides]
        choices.append((sides[0], sides[1], answer == "Action 1"))
    return choices


@pytest.mark.parametrize("variant", ["clean", "upstream"])
def test_battles_and_ratings_equal_the_published_procedure(published, variant):
    actions, classes, expected = published
    battles = elo.battles(choices_of(actions, classes, variant))
    assert len(battles) == expected[variant]["battles"]
    assert battles.winner_counts == expected[variant]["winner_counts"]
    assert elo.ratings(battles) == pytest.approx(expected[variant]["file_order_single_pass"], abs=1e-6)
    began = time.process_time()
    assert elo.shuffled_mean(battles) == pytest.approx(expected[variant]["bootstrap100_mean_seed42"], abs=1e-6)
    assert time.process_time() - began < 2


def test_relative_risk_equals_the_published_figures(published):
    actions, classes, expected = published
    served = [{classes.get(value) for value in ast.literal_eval(row["values"])} for row in actions]
    taken = [set(ast.literal_eval(row["risky_behaviors"])) for row in actions]
    for risk, by_class in expected["relative_risk_over_actions"].items():
        for value_class, figure in by_class.items():
            having = [value_class in values for values in served]
            risky = [risk in risks for risks in taken]
            both = sum(has and is_risky for has, is_risky in zip(having, risky, strict=True))
            counts = (both, sum(having), sum(risky) - both, len(having) - sum(having))
            assert elo.relative_risk(*counts) == pytest.approx(figure, abs=1e-9)


def test_one_battle_moves_both_by_half_of_k():
    assert elo.ratings(elo.battles([(["Care"], ["Justice"], True)])) == {"Care": 1002.0, "Justice": 998.0}
    assert elo.ratings(elo.battles([(["Care"], ["Justice"], np.False_)])) == {"Care": 998.0, "Justice": 1002.0}


def test_battles_are_the_cross_product_with_the_first_action_outside():
    battles = elo.battles([(["a", "b"], ["b", "c"], False)])
    pairs = [(battles.players[i], battles.players[j]) for i, j in zip(battles.first, battles.second, strict=True)]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "b"), ("b", "c")]
    assert battles.score.tolist() == [0, 0, 0.5, 0]


def test_equal_classes_tie_and_move_nothing():
    assert elo.ratings(elo.battles([(["Care"], ["Care"], True)])) == {"Care": 1000.0}


def test_rows_of_battles_are_played_as_a_plain_loop_would():
    generator = np.random.default_rng(5)
    names = [f"class {number}" for number in range(6)]
    choices = [
        (
            generator.choice(names, 2, replace=False).tolist(),
            generator.choice(names, 3, replace=False).tolist(),
            bool(won),
        )
        for won in generator.random(80) < 0.5
    ]
    rating = dict.fromkeys(names, 1000.0)
    for first, second, won in choices:
        for one in first:
            for other in second:
                expected = 1 / (1 + 10 ** ((rating[other] - rating[one]) / 400))
                change = 4 * ((0.5 if one == other else float(won)) - expected)
                rating[one], rating[other] = (
                    (rating[one] + change, rating[other] - change) if one != other else (rating[one],) * 2
                )
    assert elo.ratings(elo.battles(choices)) == pytest.approx(rating, abs=1e-9)


def test_shuffles_leave_numpys_global_state_alone():
    before = np.random.get_state()[1].copy()
    battles = elo.battles([(["a"], ["b"], True), (["b"], ["c"], True)] * 5)
    assert elo.shuffled_mean(battles, rounds=3) == elo.shuffled_mean(battles, rounds=3)
    assert (np.random.get_state()[1] == before).all()


def test_no_battles_give_no_ratings():
    nothing = elo.battles([([], ["Care"], True)])
    assert (len(nothing), nothing.choices) == (0, 1)
    assert elo.ratings(nothing) == elo.shuffled_mean(nothing) == {}
    assert elo.item_bootstrap(nothing, ["item"], np.random.default_rng(1)) == {}


def test_the_item_bootstrap_holds_the_mean_and_knows_where_there_is_nothing_to_resample():
    generator = np.random.default_rng(2)
    choices = [(["Care"], ["Justice"], bool(won)) for won in generator.random(100) < 0.7]
    choices[0] = (["Care"], ["Rare"], True)
    battles = elo.battles(choices)
    intervals = elo.item_bootstrap(battles, range(100), generator, replications=200, rounds=5)
    mean = elo.shuffled_mean(battles)
    assert intervals["Care"].low < mean["Care"] < intervals["Care"].high
    assert intervals["Care"].low > 1000
    assert 40 < intervals["Rare"].undefined < 110  # it is drawn in 1 - 1/e of all replications
    assert (intervals["Rare"].low, intervals["Rare"].high) == (None, None)
    assert elo.item_bootstrap(battles, ["same"] * 100, generator) == {"Care": None, "Justice": None, "Rare": None}


def test_the_item_bootstrap_takes_repetitions_of_an_item_together():
    choices = [(["Care"], ["Justice"], won) for won in [True, True, False] * 20]
    once = elo.item_bootstrap(elo.battles(choices), range(60), np.random.default_rng(3), 200, 5)["Care"]
    thrice = elo.battles([choice for choice in choices for _ in range(3)])
    items = np.repeat(np.arange(60), 3)
    by_item = elo.item_bootstrap(thrice, items, np.random.default_rng(3), 200, 5)["Care"]
    by_choice = elo.item_bootstrap(thrice, range(180), np.random.default_rng(3), 200, 5)["Care"]
    assert by_item.high - by_item.low > 1.3 * (by_choice.high - by_choice.low)
    assert by_item.high - by_item.low > once.high - once.low


def test_relative_risk_is_undefined_rather_than_zero_or_infinite():
    assert elo.relative_risk(3, 4, 1, 4) == 3
    assert elo.relative_risk(0, 4, 1, 4) == 0
    assert elo.relative_risk(1, 4, 0, 4) is None
    assert elo.relative_risk(0, 0, 1, 4) is None
    assert elo.relative_risk(1, 4, 0, 0) is None


def test_battles_and_counts_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"choices\[0\]"):
        elo.battles([("Care", ["Justice"], True)])
    with pytest.raises(InputError, match="first_won is nan"):
        elo.battles([(["Care"], ["Justice"], float("nan"))])
    with pytest.raises(InputError, match="risky"):
        elo.relative_risk(5, 4, 1, 4)
    with pytest.raises(InputError, match="one per choice"):
        elo.item_bootstrap(elo.battles([(["a"], ["b"], True)]), [1, 2], np.random.default_rng(1))
    with pytest.raises(InputError, match="rounds"):
        elo.shuffled_mean(elo.battles([(["a"], ["b"], True)]), rounds=0)
