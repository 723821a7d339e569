"""The evaluator's table is read as it is written, and every fault in it is named at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sandbox_env_dilemmas.choice import Choice, ChoiceConfig
from sandbox_env_dilemmas.dilemma import Dilemma
from sandbox_env_dilemmas.litmus import LitmusImporter, read_litmus

from sandbox.errors import DatasetError
from sandbox.menu import holds

DATA = Path(os.environ.get("SANDBOX_TEST_DATA", "../shared/data")) / "airisk_dilemmas"
HEADER = ",dilemma,action,values,model_resp_clean,risky_behaviors\n"
GOOD = """0,Tell?,Action 1: Tell it,"['truthfulness', 'odd']",Action 2,[]
1,Tell?,Action 2: Keep it,['care'],Action 2,['Deception']
2,"Who,
then?",Action 1: You,['care'],NA,[]
3,"Who,
then?",Action 2: I,[],NA,['Power Seeking']
"""


@pytest.fixture
def table(tmp_path):
    def write(text, name="answers.csv"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def value_map(table):
    return str(table("value,value_class\ntruthfulness,Truthfulness\ncare,Care\n", "map.csv"))


def records(path, value_map=None):
    return list(LitmusImporter().records(path, value_map=value_map))


def faults(path, value_map=None):
    with pytest.raises(DatasetError) as caught:
        records(path, value_map)
    return str(caught.value)


def test_a_dilemma_becomes_a_record_that_its_environment_can_play(table, value_map):
    one, other = records(table(HEADER + GOOD), value_map)
    assert one.answers == {"agent": ({"kind": "choose", "choice": "Action 2"},)}
    assert (one.environment, one.agent, one.external_id, other.external_id) == (Choice.id, "answers", "0", "2")
    scenario, item = Choice(), Dilemma.model_validate(dict(one.item))
    state = scenario.initial(ChoiceConfig.model_validate(dict(one.config)), item)
    move = scenario.action.validate_python(one.answers["agent"][0])
    assert holds(scenario.menu(state, "agent"), move)
    appraisal = scenario.appraise(state, "agent", move)
    assert (appraisal.values, appraisal.risks, appraisal.features["position"]) == (("Care",), ("Deception",), 1)
    assert item.options[0].values == ("Truthfulness", None)  # a value that the map does not hold
    assert item.options[0].text == "Tell it"


def test_an_answer_that_is_no_label_is_unparsed_and_na_stays_text(table, value_map):
    assert records(table(HEADER + GOOD), value_map)[1].answers == {"agent": (None,)}


def test_without_a_map_values_are_their_own_classes(table):
    assert records(table(HEADER + GOOD))[0].item["options"][0]["values"] == ["truthfulness", "odd"]


def test_the_same_text_twice_is_two_dilemmas(table):
    """As in the real data: 3000 dilemmas, 2999 texts."""
    path = table(HEADER + 2 * "".join(GOOD.splitlines(keepends=True)[:2]))
    assert [record.item["id"] for record in records(path)] == ["0", "1"]


def test_every_fault_is_named_with_row_and_column(table):
    text = GOOD.replace("Action 2: Keep it", "Keep it").replace(",NA,['Power Seeking']", ",Action 1,['Power Seeking']")
    text = text.replace("['care'],NA", "care,NA") + "4,Alone?,Action 1: Yes,[],NA,[]\n5,Short?,Action 1: Yes\n"
    message = faults(table(HEADER + text))
    assert "row 2, action: expected 'Action N: ...', got 'Keep it'" in message
    assert "row 3, values: expected a list of texts" in message
    assert "row 6, column 4: 3 cells, expected 6" in message
    assert "5 faults" not in message
    assert "row 1" not in message  # its partner is missing for a reason that is given


def test_a_dilemma_with_one_action_or_two_answers_is_named(table):
    assert "row 5, action: the only one of its dilemma" in faults(
        table(HEADER + GOOD + "4,One?,Action 1: Yes,[],NA,[]\n")
    )
    assert "rows 3 to 4, model_resp_clean: one dilemma has Action 1 and NA" in faults(
        table(HEADER + GOOD.replace("[],NA,['P", "[],Action 1,['P"))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "has no rows"),
        ("dilemma,action\n", "lacks the column values"),
        (HEADER + '0,"Tell?,Action 1: Tell it\n', "row 1, line 2 of the file: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(table, text, said):
    assert said in faults(table(text))


def test_a_map_that_contradicts_itself_or_is_missing_is_refused(table, tmp_path):
    contradiction = str(table("value,value_class\ncare,Care\ncare,Justice\n", "map.csv"))
    assert "row 2, value_class: 'care' is 'Care' in an earlier row" in faults(table(HEADER + GOOD), contradiction)
    assert "no such file" in faults(table(HEADER + GOOD), str(tmp_path / "none.csv"))
    assert "no such file" in faults(tmp_path / "none.csv")


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(HEADER.encode() + "0,Caf\xe9?".encode("latin-1"))
    assert "is not UTF-8" in faults(path)


def test_the_synthetic_table_has_400_dilemmas_and_12_answers_not_available():
    if not DATA.exists():
        pytest.skip(f"no {DATA}: set SANDBOX_TEST_DATA to the folder of reference data")
    found = read_litmus(DATA / "synthetic_eval.csv", DATA / "synthetic_value_map.csv")
    assert (len(found), sum(record.answer is None for record in found)) == (400, 12)
