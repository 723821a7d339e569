"""What a terminal shows: the summary's rows, where more is to be had, and estimates that fit 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.report.document import Document, EpisodeEntry, EstimateEntry, ExperimentEntry, MatrixEntry
from sandbox.report.tables import print_estimates, print_results


def estimate(scorer: str, name: str, value: float | None = 0.5, **more: Any) -> EstimateEntry:
    fields = {"agent": "ann", "group": "", "variant": "", "low": None, "high": None, "n": 9, "n_distinct": 9}
    return EstimateEntry(scorer=scorer, name=name, estimate=value, clusters=9, method="", **(fields | more))


def document(*estimates: EstimateEntry, **more: Any) -> Document:
    nothing = {"external_id": None, "config": {}, "item": "0", "repetition": 0, "seed": 0, "hash": "", "attempt": 1}
    one = EpisodeEntry(
        id="e", environment="market/Shop-v0", seats={"buyer": "ann"}, status="completed", total=1.0, steps=1,
        provenance="run", framing="lived", agent="ann", evaluated=("buyer",), **nothing,
    )  # fmt: skip
    return Document(estimates=list(estimates), episodes=[one], **more)


@pytest.fixture
def shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def lines(show: Any, *what: Any) -> str:
        show(*what)
        return " ".join(capsys.readouterr().out.split())

    return lines


@pytest.mark.parametrize(
    ("entry", "row"),
    [
        (estimate("market/rationality", "failure", group="price"), "buys what is wrong: price 50%"),
        (estimate("risk/injection", "success", group="market/Shop-v0"), "does what planted texts say 50%"),
        (estimate("risk/overspend", "money_lost", 250.0, variant="drip"), "money lost, cents: drip 250"),
        (estimate("market/position", "effect"), "place decides (1: alone) 0.50"),
        (estimate("market/share", "target_change"), "share won by a new listing 50%"),
        (estimate("market/regret", "regret", 412.0), "shop regret, cents 412"),
    ],
)
def test_the_summary_has_what_each_scorer_of_shops_is_about(shown, entry, row):
    undefined = estimate("market/regret", "relative_regret", None)  # in suites that have no random anchor
    assert row in shown(print_results, document(entry, undefined))


def test_levels_of_a_suite_are_left_to_the_command_that_shows_them(shown):
    levels = [estimate("market/rationality", "failure", group=group) for group in ("price", "price: -5%")]
    said = shown(print_results, document(*levels))
    assert "buys what is wrong: price 50%" in said
    assert "-5%" not in said


def test_more_is_a_command_that_can_be_typed_as_it_is(shown):
    """Of the same experiment in the same store; only for scorers that the summary did not have already."""
    one = ExperimentEntry(name="my shop", hash="0", episodes=1, counts={})
    estimates = [estimate("market/search", "seen"), estimate("market/regret", "relative_regret")]
    said = shown(print_results, document(*estimates, experiment=one), "a b.db")
    assert "more: sandbox score 'my shop' --scorer market/search --store 'a b.db'" in said
    assert "--scorer market/regret" not in said
    undefined = document(estimate("market/regret", "relative_regret", None))
    assert "more: sandbox score --scorer market/regret" in shown(print_results, undefined)


def test_values_are_ranked_only_where_a_scorer_does_that(shown):
    assert "What they value" not in shown(print_results, document(estimate("values/link", "slope")))
    assert "What they value" in shown(print_results, document(estimate("values/additive", "Care")))


def test_a_matrix_without_a_number_is_left_out(shown):
    matrix = MatrixEntry(scorer="market/share", title="Shares", name="modal", variant="", columns={"kettles": "k"})
    entry = estimate("market/share", "modal", None, group="k")
    assert "Shares" not in shown(print_results, document(entry, matrices=[matrix]))


def test_names_variants_and_intervals_are_whole_on_eighty_columns(shown):
    names = ["success/technique", "safe_completion_change"]
    rows = [
        estimate("risk/injection", name, -1234.0, variant="important_instructions", group="market/Shop-v0", low=-2222.0,
                 high=-1111.0, n=9, agent="an agent whose name is long")
        for name in names
    ]  # fmt: skip
    said = shown(print_estimates, document(*rows))
    assert "risk/injection: an agent whose name is long, market/Shop-v0" in said
    for name in names:
        assert f"{name} important_instructions -1234 [-2222, -1111] 9 9" in said


def test_who_failed_in_all_its_games_has_a_row_beside_its_column(shown):
    names = ["sound", "broken"]
    matrix = MatrixEntry(scorer="economy/game", title="Met", name="payoff", variant="", columns={n: n for n in names})
    met = document(estimate("economy/game", "payoff", 3.0, agent="sound", group="sound"), matrices=[matrix])
    played = [met.episodes[0].model_copy(update={"seats": {"buyer": name}, "agent": name}) for name in names]
    said = shown(print_results, met.model_copy(update={"episodes": played})).split("(economy/game)")[1]
    assert said.split("more:")[0].split()[-6:] == ["sound", "3.00", "-", "broken", "-", "-"]


@pytest.mark.parametrize(("counts", "told"), [((9, 9), "n = 9 in each"), ((5, 1200), "n = 5 to 1,200 in each")])
def test_a_matrix_says_of_how_many_observations_its_numbers_are(shown, counts, told):
    columns = {"kettles": "k", "lamps": "l"}
    matrix = MatrixEntry(scorer="market/share", title="Shares", name="modal", variant="", columns=columns)
    entries = [estimate("market/share", "modal", group=group, n=n) for group, n in zip("kl", counts, strict=True)]
    said = shown(print_results, document(*entries, matrices=[matrix]))
    assert f"Shares, {told} (market/share)" in " ".join(said.split())


def test_the_head_of_a_column_is_harmless_and_whole(shown):
    """A name too long for its column goes on in the next line: its end is what tells two of them apart."""
    names = ["provider/some_model_4_high", "provider/some_model_4_low", "\x1b[2Jan unlucky third one", "a fourth one"]
    columns = {name: str(place) for place, name in enumerate(names)}
    matrix = MatrixEntry(scorer="market/share", title="Shares", name="modal", variant="", columns=columns)
    entries = [estimate("market/share", "modal", group=group, low=0.25, high=0.75) for group in columns.values()]
    said = shown(print_results, document(*entries, matrices=[matrix]))
    assert all(end in said for end in ("high", "low"))
    assert "\x1b" not in said


@pytest.mark.parametrize("length", range(8, 40, 3))
@pytest.mark.parametrize("agents", [4, 5])
def test_no_agents_name_is_broken_in_the_summary(shown, length, agents):
    """Four of them shared 80 columns whatever their names: those of more than 14 characters were cut in the middle."""
    names = [f"{number}{'x' * (length - 1)}" for number in range(agents)]
    said = [estimate("market/regret", "relative_regret", agent=name, low=-12345.0, high=12345.0) for name in names]
    met = document(*said)
    played = [met.episodes[0].model_copy(update={"seats": {"buyer": name}, "agent": name}) for name in names]
    words = shown(print_results, met.model_copy(update={"episodes": played})).split("more:")[0].split()
    assert set(names) <= set(words)


def test_agents_with_short_names_stand_four_abreast(shown):
    names = [f"agent {number}" for number in range(5)]
    met = document()
    played = [met.episodes[0].model_copy(update={"seats": {"buyer": name}, "agent": name}) for name in names]
    assert shown(print_results, met.model_copy(update={"episodes": played})).count("What they did") == 2
