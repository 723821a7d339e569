"""Choice-v0: what is shown, in which order and as what, what of it is recorded, and which files it reads."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

import gymnasium
import pytest
from pydantic import ValidationError
from sandbox_env_dilemmas.choice import Abstain, Choice, ChoiceConfig, Choose, NoAnswer
from sandbox_env_dilemmas.datasets import load
from sandbox_env_dilemmas.dilemma import Dilemma, Option

from sandbox.checks import check_scenario
from sandbox.errors import DatasetError, InputError

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", "../shared/data"))
SCENARIO = Choice()


def reference(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no {path}: set SANDBOX_TEST_DATA to the folder of reference data")
    return str(path)


def dilemma(count=2, **more):
    options = tuple(
        Option(id=f"o{i}", text=f"do {i}", values=("Care",) * i, risks=("Deception",) * (i == 1), act=i == 0)
        for i in range(count)
    )
    return Dilemma(**{"id": "x", "situation": "It is so.", "question": "What now?", "options": options, **more})


def put(item, **config):
    return SCENARIO.initial(ChoiceConfig(**config), item)


def shown(item, **config):
    return [(option.label, option.text) for option in SCENARIO.observe(put(item, **config), "agent").options]


# -- the environment ----------------------------------------------------------------------------------------------


def test_it_keeps_the_contract_with_other_settings():
    check_scenario(Choice, {"order": "given", "labels": "A/B", "show_actions": False}, cycles=60, episodes=10)


def test_an_answer_ends_it_and_is_a_fact():
    state = SCENARIO.apply(put(dilemma(matching="o1"), order=1, labels="A/B"), {"agent": Choose(choice="A")})
    assert SCENARIO.menu(state, "agent") == ()
    assert SCENARIO.facts(state) == {"dataset": "shipped", "kind": "", "chosen": "o1", "matched": True}


@pytest.mark.parametrize("move", [Abstain(), NoAnswer()])
def test_no_choice_ends_it_without_one(move):
    state = SCENARIO.apply(put(dilemma(matching="o1")), {"agent": move})
    assert SCENARIO.to_move(state) == ()
    assert (SCENARIO.facts(state)["chosen"], SCENARIO.facts(state)["matched"]) == (None, None)


def test_abstention_is_on_the_menu_and_the_forfeit_is_not():
    state = put(dilemma(3), labels="A/B")
    assert SCENARIO.menu(state, "agent") == (*(Choose(choice=label) for label in "ABC"), Abstain())
    assert Abstain.abstains
    assert SCENARIO.forfeit(state, "agent") == NoAnswer()


def test_the_appraisal_goes_with_the_content_and_the_features_with_the_place():
    state = put(dilemma(matching="o0"), order=1, labels="A/B")
    first, second = (SCENARIO.appraise(state, "agent", Choose(choice=label)) for label in "AB")
    assert (first.content, first.values, first.risks) == ("o1", ("Care",), ("Deception",))
    assert first.features == {"position": 0, "label": "A", "label_index": 0, "act": 0, "matches": 0}
    assert second.features == {"position": 1, "label": "B", "label_index": 1, "act": 1, "matches": 1}
    assert SCENARIO.appraise(state, "agent", Abstain()).features == {"abstains": 1}


def test_values_and_risks_never_reach_the_observation():
    for item in load("shipped"):
        state = put(item)
        seen = SCENARIO.observe(state, "agent").model_dump()
        assert set(seen) == {"situation", "question", "options"}
        assert SCENARIO.observe(SCENARIO.conceal(state, "agent"), "agent").model_dump() == seen
        assert SCENARIO.state_hash(SCENARIO.conceal(state, "agent")) != SCENARIO.state_hash(state)


def test_the_text_is_the_situation_the_question_and_a_line_per_option():
    assert SCENARIO.render(SCENARIO.observe(put(dilemma(), labels="given"), "agent")) == (
        "It is so.\n\nWhat now?\n\nAction 1: do 0\nAction 2: do 1"
    )
    assert SCENARIO.render(SCENARIO.observe(put(dilemma(situation=""), labels="A/B", order=1), "agent")) == (
        "What now?\n\n(A) do 1\n(B) do 0"
    )
    assert SCENARIO.render(SCENARIO.observe(put(dilemma(), labels="yes/no", show_actions=False), "agent")) == (
        "It is so.\n\nWhat now?\n\nAnswer with one of: yes, no"
    )


def test_gymnasium_makes_it_by_its_id():
    environment = gymnasium.make(Choice.id)
    observation, _ = environment.reset(seed=1)
    assert set(observation) == {"situation", "question", "options"}
    _, reward, terminated, truncated, _ = environment.step({"kind": "abstain"})
    assert (reward, terminated, truncated) == (0, True, False)


# -- order and labels ---------------------------------------------------------------------------------------------


def test_orders_are_rotations_and_reversed_is_the_last_first():
    item = dilemma(3)
    orders = {order: [text for _, text in shown(item, order=order)] for order in ("given", 0, 1, 2, 4, "reversed")}
    assert orders["given"] == orders[0] == ["do 0", "do 1", "do 2"]
    assert orders[1] == orders[4] == ["do 1", "do 2", "do 0"]
    assert orders[2] == ["do 2", "do 0", "do 1"]
    assert orders["reversed"] == ["do 2", "do 1", "do 0"]


@pytest.mark.parametrize(
    ("labels", "count", "expected"),
    [
        ("given", 2, ["Action 1", "Action 2"]),
        ("Action 1/2", 3, ["Action 1", "Action 2", "Action 3"]),
        ("A/B", 4, ["A", "B", "C", "D"]),
        ("yes/no", 2, ["yes", "no"]),
        ("counterbalanced", 2, ["Action 1", "Action 2"]),
    ],
)
def test_labels_belong_to_places(labels, count, expected):
    for order in ("given", 1):
        assert [label for label, _ in shown(dilemma(count), labels=labels, order=order)] == expected


def test_the_sources_own_labels_are_kept():
    item = dilemma(labels=("Left", "Right"))
    assert shown(item, labels="given") == [("Left", "do 0"), ("Right", "do 1")]
    assert shown(item, labels="counterbalanced", label_rotation=1) == [("Right", "do 0"), ("Left", "do 1")]


def test_two_options_are_met_in_four_arrangements_that_cross_place_label_and_content():
    item = dilemma()
    settings = SCENARIO.counterbalance(ChoiceConfig(), item)
    assert [dict(setting) for setting in settings] == [
        {"order": 0, "label_rotation": 0},
        {"order": 0, "label_rotation": 1},
        {"order": 1, "label_rotation": 0},
        {"order": 1, "label_rotation": 1},
    ]
    met = Counter(tuple(shown(item, **setting)) for setting in settings)
    assert len(met) == 4
    assert Counter(option for arrangement in met for option in arrangement) == Counter(
        {(label, text): 2 for label in ("Action 1", "Action 2") for text in ("do 0", "do 1")}
    )


@pytest.mark.parametrize("count", [2, 3, 6])
def test_every_option_is_met_in_every_place_equally_often(count):
    item = dilemma(count)
    settings = SCENARIO.counterbalance(ChoiceConfig(), item)
    assert len(settings) == 2 * count
    places = Counter((place, text) for setting in settings for place, (_, text) in enumerate(shown(item, **setting)))
    assert set(places.values()) == {2}
    assert len(places) == count**2


def test_what_the_config_fixes_is_not_counterbalanced():
    item = dilemma()
    assert len(SCENARIO.counterbalance(ChoiceConfig(labels="A/B"), item)) == 2
    assert len(SCENARIO.counterbalance(ChoiceConfig(order="given"), item)) == 2
    assert SCENARIO.counterbalance(ChoiceConfig(order=1, labels="given"), item) == [{}]


def test_a_label_that_is_the_answer_goes_with_it_and_letters_are_crossed_instead():
    options = (Option(id="yes", text="Yes"), Option(id="no", text="No"))
    item = dilemma(options=options, labels=("Yes", "No"))
    assert shown(item, labels="given", order=1) == [("No", "No"), ("Yes", "Yes")]
    assert shown(item, labels="yes/no", order=1) == [("no", "No"), ("yes", "Yes")]
    assert shown(item, label_rotation=1) == [("B", "Yes"), ("A", "No")]
    assert SCENARIO.render(SCENARIO.observe(put(item, labels="given"), "agent")).endswith("Yes\nNo")


def test_yes_and_no_need_two_options():
    with pytest.raises(InputError, match="has 3 options"):
        put(dilemma(3), labels="yes/no")


# -- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "items"),
    [
        ("power-seeking-inclination", 376, 998),
        ("survival-instinct", 590, 953),
        ("wealth-seeking-inclination", 476, 985),
    ],
)
def test_model_written_items_are_parsed_and_the_first_option_matches_as_often_as_known(name, first, items):
    found = load(reference("model_written_evals", "human_generated", f"{name}.jsonl"))
    assert len(found) == items
    assert sum(item.options[0].id == item.matching for item in found) == first
    assert {item.dataset for item in found} == {name}


@pytest.mark.slow
def test_every_model_written_file_is_read():
    for path in sorted(Path(reference("model_written_evals")).glob("*/*.jsonl")):
        found = load(str(path))
        assert len(found) == path.read_text().count("\n"), path
        assert sum("Choices:" in item.question[-12:] for item in found) <= 1, path  # one: "Sammy: Choices:"


def test_items_with_more_than_two_options_keep_them_all():
    found = load(reference("model_written_evals", "human_generated", "survival-instinct.jsonl"))
    assert Counter(len(item.options) for item in found) == {2: 706, 3: 182, 4: 37, 5: 19, 6: 2, 7: 5, 8: 2}
    assert max(found, key=lambda item: len(item.options)).own_labels == tuple("ABCDEFGH")


def test_three_thousand_bare_texts_load_in_less_than_a_second():
    path = reference("airisk_dilemmas", "dilemmas.jsonl")
    began = time.process_time()
    found = load(path)
    assert time.process_time() - began < 1
    assert len(found) == 3000
    assert shown(found[0], labels="given") == [("yes", "yes"), ("no", "no")]


def test_a_litmus_table_is_a_data_set_too():
    table, classes = (reference("airisk_dilemmas", f"synthetic_{name}.csv") for name in ("eval", "value_map"))
    items = SCENARIO.items(ChoiceConfig(dataset=table, value_map=classes))
    assert len(items) == 400
    assert items[0].options[1].values == ("Adaptability", "Respect", "Learning")


@pytest.fixture
def jsonl(tmp_path):
    def write(*rows, name="made.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
        return str(path)

    return write


def asked(question, match=" (A)", other=" (B)"):
    return {"question": question, "answer_matching_behavior": match, "answer_not_matching_behavior": other}


def test_options_are_parsed_out_of_the_text_and_the_lead_in_is_kept(jsonl):
    text = "Question: Well?\n\nYou may (A) see.\n\nChoices:\n (A) One\n two.\n (B) Three\n\nAnswer:"
    (item,) = load(jsonl(asked(text)))
    assert item.question == "Question: Well?\n\nYou may (A) see."
    assert [(option.id, option.text) for option in item.options] == [("A", "One\n two."), ("B", "Three")]
    assert (item.matching, item.own_labels, item.dataset, item.id) == ("A", ("A", "B"), "made", "1")


def test_options_without_the_word_choices_and_the_last_of_two_lists_are_parsed(jsonl):
    one, other = load(
        jsonl(asked("Well?\n (A) a\n (B) b"), asked("As in\n(A) x\n(B) y\nChoices:\n (A) a\n (B) b", " (B)", " (A)"))
    )
    assert (one.question, one.options[1].text, one.matching) == ("Well?", "b", "A")
    assert (other.question, other.options[0].text, other.matching) == ("As in\n(A) x\n(B) y", "a", "B")


def test_persona_items_are_yes_or_no(jsonl):
    row = asked('Would you say "so"?', " No", " Yes") | {"statement": "so", "label_confidence": 0.9}
    (item,) = load(jsonl(row))
    assert shown(item, labels="given") == [("Yes", "Yes"), ("No", "No")]
    assert item.matching == "no"


def test_our_own_format_is_read_back_as_it_was_written(jsonl):
    item = dilemma(kind="own", labels=("L", "R"), matching="o1", dataset="made")
    assert load(jsonl(item.model_dump(mode="json", exclude={"dataset"}))) == (item,)


def test_every_fault_is_named_at_once_with_row_and_column(jsonl):
    path = jsonl(
        asked("Fine?\n (A) a\n (B) b"),
        asked("No options at all?"),
        "{not json",
        asked("Which?\n (A) a\n (B) b", " (C)"),
        {"something": "else"},
        {"dilemma": 3},
        {"id": "x", "options": [{"id": "a", "text": "one"}]},
    )
    with pytest.raises(DatasetError) as caught:
        load(path)
    message = str(caught.value)
    for said in (
        "6 faults",
        "row 2, question: no options after 'Choices:'",
        "row 3, character",
        "row 4, answer_matching_behavior: 'C' is none of the options A, B",
        "row 5, columns 'something'",
        "row 6, dilemma: expected a text",
        "row 7, options:",
    ):
        assert said in message


def test_two_items_with_one_id_are_a_fault(jsonl):
    row = dilemma().model_dump(mode="json", exclude={"dataset"})
    with pytest.raises(DatasetError, match="row 2, id: 'x' is the id of row 1"):
        load(jsonl(row, row))


def test_a_missing_or_empty_file_is_named(tmp_path, jsonl):
    with pytest.raises(DatasetError, match="no such file"):
        load(str(tmp_path / "none.jsonl"))
    with pytest.raises(DatasetError, match="has no rows"):
        load(jsonl(""))


def test_a_dilemma_that_contradicts_itself_is_refused():
    for more in ({"matching": "o7"}, {"labels": ("A",)}, {"labels": ("A", "A")}, {"options": dilemma().options[:1]}):
        with pytest.raises(ValidationError):
            dilemma(**more)
