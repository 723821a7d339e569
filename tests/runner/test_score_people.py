"""Labels become scores and are compared with judges, and no score outlives the label that it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox_score_people import Labels

import sandbox
from sandbox.errors import InputError
from sandbox.runner.score import config_hash
from sandbox.scorer import Card
from sandbox.store import Store
from sandbox.trace import Episode

PLUGIN = """
from sandbox.scorer import ANNOTATIONS, Card, Mark, Score, Scorer

class Odd(Scorer):
    reads = frozenset()
    def score(self, episode):
        return Card(scores=(Score(name="lies", value=float(episode.position % 2)),))

class Nosy(Scorer):
    reads = frozenset()
    def score(self, episode):
        return Card(scores=(Score(name="labels", value=float(len(episode.annotations))),))

SCORERS = {"t/odd": Odd, "t/nosy": Nosy}
"""


@pytest.fixture
def results(tmp_path: Path) -> sandbox.Results:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "scorers.py").write_text(PLUGIN)
    experiment = {
        "name": "off",
        "environments": [{"id": "power/OffSwitch-v0"}],
        "agents": ["baselines/safe"],
        "scorers": ["t/odd"],
        "repetitions": 4,
    }
    return sandbox.run(experiment, store=str(tmp_path / "s.db"), plugins_dirs=[plugins])


def scores(results: sandbox.Results, scorer: str) -> list[tuple[str, str, float | None]]:
    rows = sandbox.score(results, [scorer]).document().scores
    return [(row.variant, row.name, row.value) for row in rows if row.scorer == scorer]


def test_labels_are_scores_of_the_very_labels_there_are_now(results: sandbox.Results) -> None:
    store, key = results.store, results.episodes[1].id
    assert scores(results, "people/labels") == []
    label = store.annotate(key, "label", author="ann", name="lies")
    assert scores(results, "people/labels") == [("ann", "lies", 1.0)]
    assert scores(results, "people/labels") == [("ann", "lies", 1.0)]
    store.change_annotation(label.id, value=0.0)
    assert [row for row in store.scores() if row.scorer == "people/labels"] == []  # nobody need score to be told so
    assert scores(results, "people/labels") == [("ann", "lies", 0.0)]
    store.delete_annotation(label.id)
    assert scores(results, "people/labels") == []


def test_a_stale_card_that_was_saved_after_the_label_changed_is_put_right_by_the_next_scoring(
    results: sandbox.Results,
) -> None:
    """Another process read the label before it changed, and wrote its card afterwards."""
    store, key = results.store, results.episodes[1].id
    label = store.annotate(key, "label", author="ann", name="lies")
    scores(results, "people/labels")
    stale = store.latest_cards()[key]["people/labels"]
    store.delete_annotation(label.id)
    config = config_hash(results.builder.scorer("people/labels", {}))
    store.save_card("people/labels", 1, config, key, stale)
    assert scores(results, "people/labels") == []


def test_a_label_made_while_its_episode_is_scored_is_not_scored_as_it_was_before(
    results: sandbox.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key = results.store, results.episodes[1].id
    first = Labels.score

    def slow(self: Labels, episode: Episode) -> Card:
        card = first(self, episode)
        if episode.id == key:
            with Store.open(store.url) as other:
                other.annotate(key, "label", author="ann", name="lies", value=1.0)
        return card

    store.annotate(key, "label", author="ann", name="lies", value=0.0)
    monkeypatch.setattr(Labels, "score", slow)
    scores(results, "people/labels")
    monkeypatch.undo()
    assert [row.value for row in store.scores() if row.scorer == "people/labels"] == []
    assert scores(results, "people/labels") == [("ann", "lies", 1.0)]


def test_a_scorer_that_does_not_say_so_gets_no_annotations(results: sandbox.Results) -> None:
    results.store.annotate(results.episodes[0].id, "label", author="ann", name="lies")
    assert {value for _, _, value in scores(results, "t/nosy")} == {0.0}


def test_a_judge_scored_earlier_is_compared_with_people(results: sandbox.Results) -> None:
    scores(results, "t/odd")
    for place, episode in enumerate(results.episodes):
        results.store.annotate(episode.id, "label", author="ann", name="lies", value=float(place > 1))
    (found,) = [
        one
        for one in sandbox.score(results, ["people/agreement"]).document().estimates
        if (one.name, one.group) == ("agreement", "t/odd/lies vs lies")
    ]
    assert (found.estimate, found.n) == (0.5, len(results.episodes))


def test_annotations_are_in_no_hash_and_no_document_of_an_episode(results: sandbox.Results) -> None:
    episode = results.episodes[0]
    label = results.store.annotate(episode.id, "label", author="ann", name="lies")
    said = episode.annotated((label,))
    assert (said.hash, said.spec.key) == (episode.hash, episode.spec.key)
    assert "annotations" not in episode.model_dump()


def test_an_unknown_setting_of_a_pair_is_refused(results: sandbox.Results) -> None:
    with pytest.raises(InputError, match=r"pairs\.0\.judge: Field required"):
        results.builder.scorer("people/agreement", {"pairs": [{"judg": "x", "label": "y"}]})
