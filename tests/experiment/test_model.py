"""The experiment file: what may stand in it, and all its faults at once, each with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import InputError
from sandbox.experiment.model import AgentUse, Experiment, First, Sample

SMALL = {"name": "small", "environments": ["toys/Wheel-v0"], "agents": ["baselines/first"]}

DESIGN = """
name: say-and-do
environments:
  - id: dilemmas/Choice-v0
    config: {dataset: path-or-name, order: counterbalanced}
    items: all
  - id: games/Bargaining-v0
    config: {deltas: [0.9, 0.95], rounds: 12}
    sweep: {money: [100, 10000], messages: [true, false]}
    seats: {bob: baselines/rubinstein}
agents:
  - {id: llm/react, name: small, model: "local:smollm2", temperature: 0}
  - baselines/random
repetitions: 1
seeds: {start: 0, count: 20}
treatments: {framing: [lived, hypothetical]}
limits: {steps: 40, seconds: 120, tokens: 20000, cost_usd: 5.0}
scorers: [values/additive, risk/power, economy/bargaining]
"""


def faults(**changes: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        Experiment.of({**SMALL, **changes})
    return list(caught.value.faults)


def test_the_file_of_the_design_is_an_experiment(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(DESIGN)
    loaded = Experiment.load(path)
    assert [use.id for use in loaded.environments] == ["dilemmas/Choice-v0", "games/Bargaining-v0"]
    assert loaded.environments[1].sweep == {"money": (100, 10000), "messages": (True, False)}
    assert loaded.environments[1].seats["bob"] == AgentUse(id="baselines/rubinstein")
    assert loaded.agents[0].config == {"model": "local:smollm2", "temperature": 0}
    assert [use.called for use in loaded.agents] == ["small", "baselines/random"]
    assert loaded.treatments == {"framing": ("lived", "hypothetical")}
    assert Experiment.of(loaded.model_dump(mode="json")) == loaded, "it survives JSON"


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "experiment.json"
    path.write_text('{"name": "small", "environments": ["toys/Wheel-v0"], "agents": ["baselines/first"]}')
    assert Experiment.load(path) == Experiment.of(SMALL)


def test_an_agent_is_called_by_its_name_or_its_id_with_its_model() -> None:
    assert AgentUse.model_validate({"id": "llm/react", "model": "fake:first"}).called == "llm/react(fake:first)"
    assert AgentUse.model_validate({"id": "llm/react", "model": "fake:first", "name": "x"}).called == "x"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("all", "all"),
        ({"first": 3}, First(first=3)),
        ({"sample": 3}, Sample(sample=3)),
        (["a", 7], ("a", "7")),
    ],
)
def test_items_are_all_a_list_the_first_or_a_sample(written: Any, meant: Any) -> None:
    made = Experiment.of({**SMALL, "environments": [{"id": "x/Y-v0", "items": written}]})
    assert made.environments[0].items == meant


@pytest.mark.parametrize(
    "items", ["some", 7, None, [], {}, {"first": 0}, {"first": "3"}, {"frist": 3}, {"first": 1, "sample": 1}]
)
def test_any_other_items_are_one_fault_that_says_what_they_may_be(items: Any) -> None:
    (fault,) = faults(environments=[{"id": "x/Y-v0", "items": items}])
    assert fault.startswith(
        "$.environments[0].items: expected all, a list of item ids, {first: N} or {sample: N} (found"
    )


def test_all_faults_are_found_at_once_each_with_its_path() -> None:
    found = faults(
        nmae="x",
        environments=[
            {"id": "a/B-v0", "sweeep": {}},
            {"id": "a/B-v0", "sweep": {"pages": 3}, "config": None},
            {"id": "a/B-v0", "sweep": {"pages": []}, "seats": {"bob": {"nam": 1}}},
            17,
        ],
        agents=[{"name": "a"}, 3],
        repetitions=0,
        seeds={"cuont": 3, "start": -1},
        limits={"steps": -1, "second": 3},
        scorers=[{}],
        treatments={"framing": "lived", "order": [], "pressure": [0, 5, 0], "memory": [["a"], ["b"]], "on": [True, 1]},
    )
    assert found == [
        "$.environments[0].sweeep: did you mean sweep?",
        "$.environments[1].config: expected a mapping (found None)",
        "$.environments[1].sweep.pages: expected a list (found 3)",
        "$.environments[2].sweep.pages: expected at least one (found [])",
        "$.environments[2].seats.bob.id: is required",
        "$.environments[3]: expected a name or a mapping (found 17)",
        "$.agents[0].id: is required",
        "$.agents[1]: expected a name or a mapping (found 3)",
        "$.repetitions: Input should be greater than 0 (found 0)",
        "$.seeds.start: Input should be greater than or equal to 0 (found -1)",
        "$.seeds.cuont: did you mean count?",
        "$.treatments.framing: expected a list (found 'lived')",
        "$.treatments.order: expected at least one (found [])",
        "$.treatments.pressure: expected each level once, and 0 is there again (found [0, 5, 0])",
        "$.treatments.on: expected each level once, and 1 is there again (found [True, 1])",
        "$.limits.steps: Input should be greater than 0 (found -1)",
        "$.limits.second: did you mean seconds?",
        "$.scorers[0].id: is required",
        "$.nmae: did you mean name?",
    ]


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError) as caught:
        Experiment.of({}, "my.yaml")
    assert str(caught.value).splitlines() == [
        "my.yaml: 3 faults",
        "  $.name: is required",
        "  $.environments: is required",
        "  $.agents: is required",
    ]
    assert faults(agents=[], environments=[]) == [
        "$.environments: expected at least one (found [])",
        "$.agents: expected at least one (found [])",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "an experiment is a mapping with name, environments and agents"),
        (b"- a\n- b\n", "an experiment is a mapping"),
        (b"name: [", "is not YAML"),
        (b"name: !!python/object/apply:os.system [ls]", "is not YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"name: x\n1: 2\nenvironments: [a/B-v0]\nagents: [a]\n", "Keys should be strings"),
    ],
)
def test_a_file_that_is_no_experiment_is_an_error_that_names_it(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        Experiment.load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.yaml: no such file; an experiment is a YAML file, see examples/"):
        Experiment.load(tmp_path / "no.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        Experiment.load(tmp_path)


def test_models_and_the_budget_are_settings_of_the_run_and_no_part_of_what_is_measured() -> None:
    models = {"openai:gpt-x": {"concurrency": 8, "requests_per_minute": 500, "retries": 3}}
    made = Experiment.of({**SMALL, "budget": {"cost_usd": 20, "seconds": 3600}, "models": models})
    assert (made.budget.cost_usd, made.budget.seconds) == (20, 3600)
    assert made.models["openai:gpt-x"].concurrency == 8
    assert made.content == Experiment.of(SMALL).content
    assert Experiment.of(made.content) == Experiment.of(SMALL)


def test_faults_in_models_and_budget_are_found_with_all_the_others() -> None:
    found = faults(
        budget={"usd": 1, "seconds": 0},
        models={
            "openai:gpt-x": {"concurency": 8, "retries": -1},
            "openai:gpt-y": {"input_usd_per_million": 3},
            "openai:gpt-z": 7,
        },
    )
    assert found == [
        "$.budget.seconds: Input should be greater than 0 (found 0)",
        "$.budget.usd: did you mean cost_usd?",
        "$.models.openai:gpt-x.retries: Input should be greater than or equal to 0 (found -1)",
        "$.models.openai:gpt-x.concurency: did you mean concurrency?",
        "$.models.openai:gpt-y: a price is input_usd_per_million and output_usd_per_million, and one is missing (found "
        "{'input_usd_per_million': 3})",
        "$.models.openai:gpt-z: expected a name or a mapping (found 7)",
    ]


def test_pairing_is_part_of_what_is_measured_only_where_it_is_given() -> None:
    """So that experiments of stores that are there go on with the same."""
    assert "pairing" not in Experiment.of(SMALL | {"pairing": "self"}).content
    made = Experiment.of(SMALL | {"pairing": "round_robin"})
    assert made.content == Experiment.of(SMALL).content | {"pairing": "round_robin"}
    assert faults(pairing="robin") == ["$.pairing: Input should be 'self' or 'round_robin' (found 'robin')"]
