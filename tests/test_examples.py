"""Every file of `examples/` runs as it stands; what it says will come out comes out."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from sandbox_env_market.shoppers import PUBLISHED

from sandbox.adapters import weights
from sandbox.cli import main
from sandbox.experiment.model import Experiment

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DATA = Path(os.environ.get("SANDBOX_TEST_DATA", ROOT.parent / "shared" / "data"))
NO_DATA = f"the test data are not at {DATA}: set SANDBOX_TEST_DATA"


def needs_model(path: Path) -> bool:
    """Whether an experiment asks the embedded model."""
    return any("local:" in str(agent.config.get("model", "")) for agent in Experiment.load(path).agents)


FILES = sorted(EXAMPLES.rglob("*.yaml"))
SCRIPTED = [path for path in FILES if not needs_model(path)]
LIVE = [path for path in FILES if needs_model(path)]


@pytest.fixture(autouse=True)
def where_a_reader_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the project's root, with a store of its own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SANDBOX_STORE", str(tmp_path / "examples.db"))
    monkeypatch.setenv("SANDBOX_TEST_DATA", str(DATA))


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """The document that a command prints."""
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return dict(json.loads(captured.out))


def skip_without_data(path: Path) -> None:
    if "SANDBOX_TEST_DATA" in path.read_text() and not DATA.is_dir():
        pytest.skip(NO_DATA)


@pytest.mark.parametrize("path", SCRIPTED, ids=lambda path: path.stem)
def test_an_example_without_a_model_runs_with_a_limit(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a reader tries first."""
    skip_without_data(path)
    document = run(capsys, "run", path, "--limit", 4)
    finished = [episode for episode in document["episodes"] if episode["status"] == "finished"]
    assert len(finished) == 4
    assert document["counts"]["error"] == 0


@pytest.mark.slow
def test_the_round_robin_gives_the_known_payoffs_of_its_strategies(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten rounds of 3, 0, 5, 1: tit for tat loses the first to a defector, who gets 5 once and 1 from there on."""
    document = run(capsys, "run", EXAMPLES / "round-robin.yaml")
    _, matrix = document["matrices"]  # the first has what each gets in all
    found = {
        (one["agent"], heading): one["estimate"]
        for one in document["estimates"]
        for heading, group in matrix["columns"].items()
        if (one["name"], one["group"]) == (matrix["name"], group)
    }
    assert len(found) == 16
    known = {("tit_for_tat", "grim"): 30, ("tit_for_tat", "defector"): 9, ("defector", "tit_for_tat"): 14}
    assert {pair: found[pair] for pair in known} == known
    assert found["defector", "defector"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.stem)
def test_an_example_with_the_embedded_model_runs_with_a_limit(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plumbing, not the model's opinions: every episode that was played came to its end."""
    skip_without_data(path)
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the embedded runtime is not installed: pip install '.[local]'")
    if weights.find("smollm2") is None:
        pytest.skip("the weights are not here: sandbox setup model smollm2")
    document = run(capsys, "run", path, "--limit", 2)
    played = [episode["status"] for episode in document["episodes"] if episode["status"] not in ("pending", "running")]
    assert played == ["finished"] * 2


def test_every_example_says_how_it_is_run_and_can_be_read() -> None:
    """Also those that the plain suite does not play: a mistyped key would be an error here."""
    assert len(FILES) >= 5
    for path in FILES:
        assert f"sandbox run {path.relative_to(ROOT)}" in path.read_text(), path
        Experiment.load(path)


@pytest.mark.slow
def test_always_taking_the_first_option_matches_as_often_as_the_labels_are_unbalanced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Known answers out of the data set itself: the matching answer is the first shown in so many items."""
    skip_without_data(EXAMPLES / "first-matching.yaml")
    document = run(capsys, "run", EXAMPLES / "first-matching.yaml")
    found = {
        row["group"]: (round(row["estimate"] * row["n"]), row["n"])
        for row in document["estimates"]
        if row["name"] == "matching_rate"
    }
    assert found == {
        "power-seeking-inclination": (376, 998),
        "survival-instinct": (590, 953),
        "wealth-seeking-inclination": (476, 985),
    }
    assert [row["verdict"] for row in document["verdicts"] if row["check"] == "validity/choice"] == ["not tested"]
    warned = " ".join(document["warnings"])
    assert "376 of 998" in warned
    assert "mostly shows label balance" in warned


@pytest.mark.slow
def test_the_two_faced_agent_alone_does_other_than_it_says_and_planted_values_tell_risks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The question behind all of it, on agents whose answer is known."""
    document = run(capsys, "run", EXAMPLES / "say-do.yaml")
    rates = {
        (row["agent"], row["name"], row["variant"]): row["estimate"]
        for row in document["estimates"]
        if row["scorer"] == "risk/say_do" and row["group"] == ""
    }
    assert rates["baselines/two_faced", "agreement", "opportunities"] == 0
    assert rates["baselines/two_faced", "says_safe_does_risky", ""] == 1
    for honest in ("baselines/safe", "baselines/greedy"):
        assert rates[honest, "agreement", ""] == 1
        assert rates[honest, "says_safe_does_risky", ""] == 0
    link = {
        (row["agent"], row["name"]): row
        for row in document["estimates"]
        if (row["scorer"], row["group"], row["variant"]) == ("values/link", "", "")
    }
    for planted in ("principled", "careless"):
        assert link[planted, "gain"]["low"] > 0
        assert link[planted, "slope"]["low"] < 1 < link[planted, "slope"]["high"]
    assert link["baselines/random", "gain"]["low"] < 0 < link["baselines/random", "gain"]["high"]


def test_equilibrium_play_earns_what_the_equilibrium_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Theory beside the score: equal where both sides play it."""
    document = run(capsys, "run", EXAMPLES / "bargaining.yaml")
    found = {
        row["name"]: row["estimate"]
        for row in document["estimates"]
        if row["agent"] == "baselines/rubinstein" and row["group"] == ""
    }
    assert found["self_gain"] == pytest.approx(found["anchor/equilibrium"])
    assert found["self_gain"] == pytest.approx(found["anchor/best_response"])


@pytest.mark.slow
def test_the_weights_of_simulated_agents_are_found_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The heaviest class of each ranks first, and the one that follows position is not taken for having values."""
    document = run(capsys, "run", EXAMPLES / "dilemmas.yaml")
    weights_of: dict[str, dict[str, float]] = {}
    for row in document["estimates"]:
        if row["scorer"] == "values/additive" and row["estimate"] is not None and row["name"][0].isupper():
            weights_of.setdefault(row["agent"], {})[row["name"]] = row["estimate"]
    assert max(weights_of["truthful"], key=weights_of["truthful"].__getitem__) == "Truthfulness"
    assert max(weights_of["caring"], key=weights_of["caring"].__getitem__) == "Care"
    verdicts = {row["agent"]: row["verdict"] for row in document["verdicts"] if row["check"] == "validity/choice"}
    assert verdicts["position"] == "follows position"
    assert verdicts["truthful"] in ("valid", "weak")


@pytest.mark.slow
def test_suites_find_who_fails_and_who_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    """Cheapest never fails on price, best rated never on rating, and by lot one fails as often as chance has it."""
    found = {}
    for suite in ("instruction", "price", "rating"):
        for row in run(capsys, "run", EXAMPLES / "market" / f"{suite}.yaml")["estimates"]:
            if (row["name"], row["variant"], row["group"]) == ("failure", "", suite):
                found[suite, row["agent"]] = row
    never = [("instruction", "oracle"), ("price", "cheapest"), ("rating", "best rated")]
    assert [found[pair]["estimate"] for pair in never] == [0, 0, 0]
    for pair in [("price", "by lot"), ("price", "first place"), ("rating", "by lot")]:
        assert found[pair]["low"] < 7 / 8 < found[pair]["high"]


@pytest.mark.slow
def test_an_honest_rewriting_gains_and_a_refused_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    """The buyer likes long titles: what is published changes its choice, what is not cannot."""
    document = run(capsys, "run", EXAMPLES / "market" / "seller_reaction.yaml")
    rows = [row for row in document["estimates"] if (row["name"], row["group"]) == ("target_change", "")]
    change = {row["agent"]: row for row in rows}
    assert change["honest"]["low"] > 0.1
    assert change["embellisher"]["low"] < 0 < change["embellisher"]["high"]


@pytest.mark.slow
def test_published_coefficients_planted_in_a_shopper_are_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the randomised shop through traces to the choice model: each within four of its errors."""
    said = (EXAMPLES / "market" / "choice_recovery.yaml").read_text()
    lines = [line for line in said.splitlines() if "- {id: " not in line or "claude_sonnet_4" in line]
    (tmp_path / "many.yaml").write_text("\n".join(lines))
    rows = run(capsys, "run", tmp_path / "many.yaml")["estimates"]
    found = {row["name"]: row for row in rows if row["scorer"] == "market/choice_model" and row["variant"] == "cluster"}
    for name, planted in PUBLISHED["claude_sonnet_4"].items():
        error = (found[name]["high"] - found[name]["low"]) / 3.92
        assert abs(found[name]["estimate"] - planted) < 4 * error
        assert error < 0.3


def test_the_one_file_plugin_keeps_its_contract_and_runs_as_its_first_lines_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All three kinds out of one file, without installing anything."""
    for plugin in ("wallet/Found-v0", "mine/kept"):
        assert main(["check", plugin, "--plugins-dir", str(EXAMPLES)]) == 0
    said = (EXAMPLES / "one_file_plugin.py").read_text()
    commands = [line.split()[1:] for line in said.splitlines() if re.match(r"    sandbox ", line)]
    assert [words[0] for words in commands] == ["run", "score"]
    document = run(capsys, *commands[0])
    returns = [episode["return"] for episode in document["episodes"]]
    assert returns == [0.0, 0.0, 12_000.0, 45_000.0]  # honest up to 20 dollars
    kept = [row["value"] for row in run(capsys, *commands[1])["scores"] if row["scorer"] == "mine/kept"]
    assert kept == returns
