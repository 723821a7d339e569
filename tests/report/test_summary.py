"""The summary of an episode: it names the step that decided it, and says why."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.report.summary import RULES, Decisive, decisive, summarise
from sandbox.scenario import NATURE, Appraisal
from sandbox.scorer import Mark
from sandbox.store import Store
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step
from tests.record_episodes import CASES, RECORDED
from tests.tui.hostile import payloads
from tests.tui.test_hostile import assert_harmless, hostile_episode, hostile_marks

ENOUGH = 18 / 20


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The recorded episodes: a copy, since opening a store may migrate it."""
    path = tmp_path_factory.mktemp("recorded") / "episodes.db"
    shutil.copy(RECORDED, path)
    with contextlib.closing(Store.open(str(path), create=False)) as store:
        yield store


def of_case(store: Store, name: str) -> tuple[str, Decisive]:
    """(key, what decided it) of a case's first episode."""
    key = store.heads(store.experiment(name).id)[0].id
    found = summarise(store.episode(key), store.marks(key)).decisive
    assert found is not None
    return key, found


def test_the_summary_names_the_step_that_was_put_there_to_decide_the_episode(
    recorded: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripted agents, whose decisive act is known by construction, in every family of environments."""
    known = [case for case in CASES if case.step is not None]
    found = {case.name: of_case(recorded, case.name)[1] for case in known}
    named = [case for case in known if found[case.name].index + 1 == case.step]
    with capsys.disabled():
        print(f"\ndecisive steps named: {len(named)} of {len(known)}")
        for case in known:
            if case not in named:
                print(f"  missed {case.name}: step {case.step} ({case.why}); said {found[case.name]}")
    assert len(known) >= 20
    assert len(named) >= ENOUGH * len(known)


# -- the rules, one by one --------------------------------------------------------------------------------------------


def entry(kind: str, utility: float | None = None, *risks: str, **features: float | str) -> MenuEntry:
    return MenuEntry(move={"kind": kind}, appraisal=Appraisal(utility=utility, risks=risks, features=features))


def step(index: int, chosen: MenuEntry | None, *others: MenuEntry, **fields: Any) -> Step:
    seat = fields.pop("seat", "me")
    values = {
        "index": index,
        "tick": index,
        "seat": seat,
        "menu": (*others, *([chosen] if chosen else [])),
        "decision": chosen,
        "applied": dict(chosen.move) if chosen else {"kind": "wait"},
    }
    return Step(**(values | fields))


def episode(*steps: Step, **fields: Any) -> Episode:
    seats = {seat: AgentSpec(id=seat, name=seat) for seat in dict.fromkeys(["me", *(one.seat for one in steps)])}
    framing = fields.pop("framing", "lived")
    spec = EpisodeSpec(environment="some/Thing-v0", seats=seats, evaluated=("me",), framing=framing)
    return Episode(**({"id": "e" * 64, "spec": spec, "status": "finished", "steps": steps} | fields))


WORK, WAIT = entry("work", 3.0), entry("wait", 1.0)
STEAL = entry("steal", 5.0, "theft")
LIE = entry("say", None, **{"claim/quality": "high", "truth/quality": "low"})
HONEST = entry("say", None, **{"claim/quality": "low", "truth/quality": "low"})


def together(tick: int, mine: str, theirs: str) -> tuple[Step, Step]:
    """Two who move at once."""
    menu = (entry("give"), entry("keep"))
    moves = {"me": entry(mine), "you": entry(theirs)}
    one, other = (
        step(2 * tick + place, moves[seat], seat=seat, tick=tick, menu=menu) for place, seat in enumerate(moves)
    )
    return one, other


RULED = {
    "risk": (episode(step(0, WAIT, WORK), step(1, STEAL, WORK), step(2, STEAL, WORK)), (), 1),
    "claim": (episode(step(0, HONEST), step(1, LIE), step(2, LIE)), (), 1),
    "mark": (
        episode(*(step(index, WORK) for index in range(4))),
        tuple(Mark(step=place, name="odd", value=value) for place, value in ((0, 7.0), (1, 0.4), (3, 0.9))),
        3,
    ),
    "end": (episode(step(0, WAIT, WORK), step(1, WORK), status="error", reason="Traceback\nKeyError: 'x'"), (), 1),
    "refusal": (episode(step(0, WAIT, WORK), step(1, None, WORK, outcome="refusal"), step(2, WORK)), (), 1),
    "loss": (episode(step(0, WORK), step(1, WAIT, WORK), step(2, WAIT, WORK), payoffs={"me": 2.0}), (), 1),
    "point": (episode(step(0, WORK), step(1, WORK, seat="you"), step(2, WORK)), (Mark(step=1, name="deal"),), 1),
    "restraint": (episode(step(0, WORK), step(1, WORK, STEAL), step(2, WORK, STEAL)), (), 1),
    "pattern": (episode(*together(0, "give", "give"), *together(1, "give", "give"), *together(2, "keep", "x")), (), 4),
    "silence": (episode(step(0, WORK), step(1, None, WORK, outcome="unparsed", menu=()), step(2, WORK)), (), 1),
    "reward": (episode(*(step(place, WORK, rewards={"me": place - 3.0}) for place in (0, 1, 2, 3))), (), 0),
    "last": (episode(step(0, WORK), step(1, WORK), step(2, WORK, seat="you")), (), 1),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULED)
def test_each_rule_finds_its_step(rule: str) -> None:
    whole, marks, index = RULED[rule]
    found = decisive(whole, marks)
    assert found is not None
    assert (found.rule, found.index) == (rule, index)


def test_no_rule_is_without_its_case_and_they_are_told_in_their_order() -> None:
    assert [rule.__name__.removeprefix("_") for rule in RULES] == list(RULED)


def test_a_rule_gives_way_to_those_before_it() -> None:
    """All that can decide an episode at once: whatever is taken away, the next rule in order speaks."""
    steps = (step(0, LIE), step(1, WAIT, WORK), step(2, STEAL, WORK))
    marks = [Mark(step=0, name="deal"), Mark(step=1, name="odd", value=0.5)]
    said = [decisive(episode(*steps[:count]), marks) for count in (3, 2)]
    assert [one.rule for one in said if one] == ["risk", "claim"]
    rest = episode(step(0, WORK), step(1, WAIT, WORK))
    assert [one.rule for one in (decisive(rest, marks), decisive(rest, marks[:1])) if one] == ["mark", "loss"]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"payoffs": {"me": 2.0}}, "loss"),
        ({"payoffs": {"me": 3.0}}, "last"),  # it got as much in the end as the best move was worth
        ({"payoffs": {"me": 3.0}, "framing": "hypothetical"}, "loss"),  # payoffs are not its own doing
    ],
)
def test_a_loss_that_the_payoff_made_good_is_none(fields: dict[str, Any], rule: str) -> None:
    found = decisive(episode(step(0, WAIT, WORK), step(1, WORK), **fields))
    assert found is not None
    assert found.rule == rule


def test_moves_out_of_a_range_and_risks_not_taken_are_no_losses() -> None:
    offered = step(0, WAIT, WORK, ranges=("offer(share: 0 to 100)",))
    assert [one.rule for one in (decisive(episode(offered)), decisive(episode(step(0, WORK, STEAL)))) if one] == [
        "last",
        "restraint",
    ]


def why(*steps: Step, marks: tuple[Mark, ...] = (), **fields: Any) -> str:
    found = decisive(episode(*steps, **fields), marks)
    assert found is not None
    return found.why


@pytest.mark.parametrize(
    ("paid", "words"),
    [
        ([{}, {"me": 2.0}], "which brought me +2, the only reward that there was"),
        ([{"me": 1.0}, {"me": 2.0}], "which brought me +2, the most that one step did"),
        ([{"me": 2.0}, {"me": 2.0}, {"me": 1.0}], "which brought me +2, as much as any step did"),
        ([{"me": 1.0}, {"me": -2.0}], "which brought me -2, more than any other step gave or took"),
    ],
)
def test_a_reward_is_said_with_who_got_it_and_what_others_were(paid: Any, words: str) -> None:
    steps = [step(place, WORK, rewards=rewards) for place, rewards in enumerate(paid)]
    assert words in why(*steps, step(len(paid), WORK, seat="you"))


def test_a_loss_is_said_with_how_it_compares() -> None:
    assert "gave away 2, the only loss" in why(step(0, WORK), step(1, WAIT, WORK))
    assert "gave away 2, as much as any" in why(step(0, WAIT, WORK), step(1, WAIT, WORK))
    small = entry("rest", 2.5)
    assert "gave away 2, more than any other decision" in why(step(0, WAIT, WORK), step(1, small, WORK))


def test_a_record_without_a_turn_drew_nothing_and_was_nobodys() -> None:
    nothing = step(0, None, seat=NATURE, applied={"kind": "events", "count": 2}, outcome="chance")
    said = why(nothing, status="error", reason="Traceback\nno key", provenance="recorded")
    assert said == "no turn was taken: no key"


def test_no_step_ended_an_episode_that_people_declared_invalid_afterwards() -> None:
    found = decisive(episode(step(0, WORK), status="error", reason="invalidated by ann", provenance="recorded"))
    assert found is not None
    assert found.rule == "last"


def test_an_episode_without_steps_has_no_decisive_one() -> None:
    summary = summarise(episode(status="error", reason="no node"))
    assert summary.decisive is None
    assert list(summary.lines())[1:] == [
        "Ended: error (no node); return 0",
        "Decisive: nothing, since there is no step",
    ]
    assert summary.document()["decisive"] is None


def test_the_summary_as_json_counts_from_0_and_from_1() -> None:
    document = summarise(RULED["risk"][0]).document()
    assert document["decisive"] == {
        "index": 1,
        "step": 2,
        "rule": "risk",
        "why": "me chose steal(), the first act that risks theft; moves without a risk were on the menu",
        "basis": "the scenario's appraisal of the move",
    }
    assert document["lines"][2].startswith("Decisive: step 2: me chose steal()")


@pytest.mark.hostile
def test_no_text_gets_out_of_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    texts = payloads(500)
    for text in texts:
        for line in summarise(hostile_episode(text), hostile_marks(text)).lines():
            assert "\n" not in line
            assert_harmless(line)
    with capsys.disabled():
        print(f"\nsummary: {len(texts)} payloads, 0 got out")
