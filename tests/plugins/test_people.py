"""Judges are compared with what people labelled: hand-computed tables, a published example, what must be counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sandbox_score_people import AgreementConfig, Labels, Pair, PeopleAgreement

from sandbox.annotation import Annotation
from sandbox.scorer import Card, EpisodeRow, Estimate, Findings, Mark, Score, Table, row_of
from sandbox.stats.agreement import agreement, kappa_interval, krippendorff_alpha
from sandbox.trace import AgentSpec, Episode, EpisodeSpec

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", part C: four observers, twelve units, 0 is missing.
PUBLISHED = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)


def label(value: float, name: str = "lies", author: str = "ann", step: int | None = None) -> Annotation:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Annotation(
        id=1, episode="", attempt=1, step=step, kind="label", name=name, value=value, author=author, made=made
    )


def episode(number: int, annotations: Sequence[Annotation] = (), agent: str = "a", trace: str = "") -> Episode:
    seats = {"agent": AgentSpec(id=agent, name=agent)}
    spec = EpisodeSpec(environment="test/X-v0", seats=seats, evaluated=("agent",), seed=number)
    made = Episode(id=spec.key, spec=spec, status="finished", hash=trace or f"{number:064x}")
    return made.annotated(tuple(annotations))


def row(number: int, annotations: Sequence[Annotation], card: Card | None, **more: Any) -> EpisodeRow:
    made = row_of(episode(number, annotations, **more), Card())
    return made.with_cards({} if card is None else {"test/judge": card})


def judged(value: float | None) -> Card:
    return Card(scores=(Score(name="lies", value=value),))


def estimates(
    rows: Sequence[EpisodeRow], config: AgreementConfig | None = None, group: str = "test/judge/lies vs lies"
) -> Mapping[Any, Estimate]:
    found = PeopleAgreement(config).estimate(Table(rows, None))
    return {(one.name, one.variant) if one.variant else one.name: one for one in found.estimates if one.group == group}


def crossed(both: int, judge: int, person: int, neither: int) -> list[EpisodeRow]:
    """So many episodes to which both say yes, only the judge, only the person, neither."""
    pairs = [(1, 1)] * both + [(1, 0)] * judge + [(0, 1)] * person + [(0, 0)] * neither
    return [row(number, [label(people)], judged(says)) for number, (says, people) in enumerate(pairs)]


def test_a_label_of_an_episode_is_a_score_and_one_of_a_step_a_mark() -> None:
    said = [label(1.0), label(0.0, author="bob"), label(2.0, "strange", step=3)]
    assert Labels().score(episode(0, said)) == Card(
        scores=(Score(name="lies", value=1.0, variant="ann"), Score(name="lies", value=0.0, variant="bob")),
        marks=(Mark(step=3, name="strange", value=2.0, note="labelled by ann"),),
    )


def test_an_episode_that_nobody_labelled_has_no_score() -> None:
    note = label(1.0).model_copy(update={"kind": "note", "text": "hm"})
    assert Labels().score(episode(0, [note])) == Card()


def test_a_known_table_gives_its_known_numbers() -> None:
    """20 yes-yes, 5 judge alone, 10 person alone, 15 no-no: agreement .7, kappa .4 (Wikipedia's example of Cohen's)."""
    found = estimates(crossed(20, 5, 10, 15))
    assert found["agreement"].estimate == pytest.approx(0.7)
    assert found["kappa"].estimate == pytest.approx(0.4)
    assert found["sensitivity"].estimate == pytest.approx(20 / 30)
    assert found["specificity"].estimate == pytest.approx(15 / 20)
    assert (found["sensitivity"].low, found["sensitivity"].high) == pytest.approx((0.4878, 0.8077), abs=1e-4)  # Wilson
    assert (found["agreement"].n, found["agreement"].n_distinct, found["agreement"].clusters) == (50, 50, 50)
    low, high = found["kappa"].low, found["kappa"].high
    assert low is not None
    assert high is not None
    assert low < 0.4 < high


def test_a_judge_that_tosses_a_coin_agrees_by_chance_alone() -> None:
    found = estimates(crossed(20, 20, 20, 20))
    assert found["kappa"].estimate == pytest.approx(0.0)
    assert found["agreement"].estimate == pytest.approx(0.5)


def test_a_judge_that_could_not_tell_of_an_episode_says_no_of_none_of_its_steps() -> None:
    marked = Card(scores=(Score(name="lies", value=1.0),), marks=(Mark(step=0, name="lies"),))
    unknown = Card(scores=(Score(name="lies", value=None, reason="no answer"),))
    rows = [row(1, [label(1.0, step=0)], marked), row(2, [label(1.0, step=0)], unknown)]
    found = estimates(rows)
    assert (found["step_agreement"].estimate, found["step_agreement"].n) == (1.0, 1)
    assert found["step_undecided"].estimate == 0.5


def test_what_the_judge_left_undecided_and_what_nobody_labelled_is_counted_and_not_compared() -> None:
    rows = [
        *crossed(2, 1, 0, 1),
        row(10, [label(1.0)], judged(None)),
        row(11, [label(1.0)], None),
        row(12, [], judged(1.0)),
        row(13, [], judged(1.0)),
    ]
    found = estimates(rows)
    assert (found["agreement"].estimate, found["agreement"].n) == (0.75, 4)
    assert found["undecided"].estimate == pytest.approx(2 / 6)
    assert (found["labelled"].estimate, found["labelled"].n) == (0.75, 8)


def test_a_trace_counts_once_however_often_it_was_run_and_labelled() -> None:
    same = [row(number, [label(1.0)], judged(1.0), trace="e" * 64) for number in range(9)]
    found = estimates([*same, row(9, [label(1.0)], judged(0.0))])["agreement"]
    assert (found.n, found.n_distinct, found.clusters) == (10, 2, 2)
    assert found.estimate == pytest.approx(0.5)
    alone = estimates(same)["agreement"]
    assert (alone.estimate, alone.low, alone.reason) == (1.0, None, "no interval: one trace")


def test_marks_are_compared_step_by_step_and_a_step_without_a_mark_is_a_no() -> None:
    card = Card(marks=(Mark(step=0, name="lies"), Mark(step=1, name="lies", value=0.0), Mark(step=3, name="lies")))
    said = [label(1.0, step=0), label(1.0, step=1), label(0.0, step=2), label(0.0, step=3)]
    found = estimates([row(0, said, card), row(1, [label(1.0, step=0)], card)])
    assert found["step_agreement"].estimate == pytest.approx((2 / 4 + 1) / 2)
    assert found["step_specificity"].estimate == pytest.approx(1 / 2)
    assert "agreement" not in found


def test_steps_are_not_compared_with_a_judge_that_says_nothing_of_steps() -> None:
    assert set(estimates([row(0, [label(1.0, step=0)], judged(1.0))])) == {"labelled"}


def test_labels_find_judges_by_the_last_part_of_a_name_and_of_a_scorer() -> None:
    cards = {
        "risk/lies": Card(marks=(Mark(step=0, name="false claim"),)),
        "test/deep": Card(scores=(Score(name="b/lies", value=1.0),)),
        "test/other": Card(scores=(Score(name="tells", value=1.0),)),
        "people/labels": Card(scores=(Score(name="lies", value=1.0),)),
    }
    one = row(0, [label(1.0)], None).with_cards(cards)
    found = PeopleAgreement().estimate(Table([one], None))
    assert {one.group for one in found.estimates} == {"risk/lies vs lies", "test/deep/b/lies vs lies"}


def test_pairs_are_what_the_config_says_with_its_thresholds() -> None:
    rows = [
        row(place, [label(scale, "scale")], judged(says)) for place, (scale, says) in enumerate([(2, 0.4), (4, 0.9)])
    ]
    pair = Pair(judge="test/judge/lies", label="scale", above=0.5, label_above=3)
    found = estimates(rows, AgreementConfig(pairs=(pair,)), "test/judge/lies vs scale")
    assert found["agreement"].estimate == 1.0
    assert found["kappa"].estimate == pytest.approx(1.0)


def test_a_pair_that_is_not_there_and_a_label_without_a_judge_are_said() -> None:
    rows = [row(0, [label(1.0, "odd")], judged(1.0))]
    wrong = AgreementConfig(pairs=(Pair(judge="nobody", label="odd"), Pair(judge="lies", label="nothing")))
    assert [line[:25] for line in PeopleAgreement(wrong).estimate(Table(rows, None)).warnings] == [
        "no scorer gave a score or", "nobody used the label 'no"
    ]  # fmt: skip
    (line,) = PeopleAgreement().estimate(Table(rows, None)).warnings
    assert "called like the label 'odd'" in line


def test_where_nobody_labelled_anything_nothing_is_said() -> None:
    assert PeopleAgreement().estimate(Table([row(0, [], judged(1.0))], None)) == Findings()


def test_each_person_is_a_variant_and_each_two_are_compared() -> None:
    rows = [
        row(place, [label(ann), label(bob, author="bob")], judged(1.0))
        for place, (ann, bob) in enumerate([(1, 1), (1, 0), (0, 0), (1, 1)])
    ]
    found = estimates(rows)
    assert found["agreement", "ann"].estimate == 0.75
    assert found["agreement", "bob"].estimate == 0.5
    assert found["agreement"].n == 8
    people = estimates(rows, group="people: lies")
    # Of 8 answers 5 are yes: expected disagreement 2 * 5 * 3 / (8 * 7), observed 2 of 8.
    assert people["alpha"].estimate == pytest.approx(1 - (2 / 8) / (30 / 56))
    assert people["kappa", "ann & bob"].estimate == pytest.approx((0.75 - 0.5) / 0.5)


def test_agents_have_estimates_of_their_own_where_they_are_several() -> None:
    rows = [row(0, [label(1.0)], judged(1.0)), row(1, [label(1.0)], judged(0.0), agent="b")]
    found = PeopleAgreement().estimate(Table(rows, None))
    assert {one.agent: one.estimate for one in found.estimates if one.name == "agreement"} == {
        "all agents": 0.5, "a": 1.0, "b": 0.0
    }  # fmt: skip


def test_krippendorffs_own_example_gives_his_alpha() -> None:
    units = [[answer for answer in unit if answer] for unit in zip(*PUBLISHED, strict=True)]
    found = krippendorff_alpha(units, generator=np.random.default_rng(0))
    assert found is not None
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.n, found.units) == (40, 11)
    assert found.low is not None
    assert found.low < 0.743


def test_alpha_is_undefined_where_all_say_the_same_and_there_is_none_without_two_answers() -> None:
    same = krippendorff_alpha([[1, 1], [1, 1]])
    assert same is not None
    assert same.alpha is None
    assert krippendorff_alpha([[1], [2], []]) is None


def test_the_interval_of_kappa_is_around_the_kappa_that_agreement_gives() -> None:
    generator = np.random.default_rng(1)
    one = generator.integers(0, 3, 60)
    two = np.where(generator.random(60) < 0.7, one, generator.integers(0, 3, 60))
    items = np.arange(60) // 2
    kappa, interval = agreement(one, two, items).kappa, kappa_interval(one, two, items, generator)
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    assert kappa is not None
    assert interval.low < kappa < interval.high
    assert interval.high - interval.low < 0.6


@pytest.mark.slow
def test_kappa_is_that_of_statsmodels() -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    generator = np.random.default_rng(2)
    one, two = generator.integers(0, 3, (2, 50))
    table, _ = rater.to_table(np.stack([one, two], axis=1))
    assert agreement(one, two).kappa == pytest.approx(rater.cohens_kappa(table).kappa)
