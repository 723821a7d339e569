"""What forks of an agent are asked beside its episode, and that the agent and the trace know nothing of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

import sandbox
from sandbox.adapters.langgraph import HYPOTHETICAL, GraphAgent
from sandbox.agent import Agent, NoConfig, Reply, Turn
from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.menu import moves
from sandbox.plugins import Plugins
from sandbox.report.plain import render_episode
from sandbox.runner.asks import WAS_IT_A_TEST
from sandbox.runner.build import Builder
from sandbox.scorer import table_of
from sandbox.store import Store
from sandbox.trace import Episode, answer_on_fork, choices
from tests.toys import Bet, Leave, Pass, Rps, Throw, Wheel, pick, play, spec

BOTH = ("hypothetical", "test")


def says_one_thing(turn: Turn) -> Any:
    if turn.menu and "test" in str(turn.text):
        return {"kind": "real"}
    return Leave() if turn.framing == "hypothetical" else Bet(coins=1)


class Counting(Agent[NoConfig]):
    """Bets as many coins as it has been asked questions."""

    def __init__(self) -> None:
        super().__init__(NoConfig())
        self.asked = 0

    def act(self, turn: Turn) -> Any:
        self.asked += 1
        return {"kind": "cannot_tell"} if "test" in turn.text else Bet(coins=min(self.asked, turn.observation.purse))


def answers(episode: Episode, question: Any) -> list[Any]:
    return [one for step in episode.steps if (one := answer_on_fork(step, question, "player"))]


async def test_before_each_decision_a_fork_says_what_it_would_do_in_that_state() -> None:
    episode = await play(says_one_thing, spec(asks=BOTH, item={"id": "x", "purse": 8}))
    stated, lived = ([c for c in choices(episode) if c.framing == framing] for framing in ("hypothetical", "lived"))
    assert len(stated) == len(lived) == 3
    assert [choice.state for choice in stated] == [choice.state for choice in lived]
    assert {choice.alternatives[choice.chosen].content for choice in stated if choice.chosen is not None} == {"Leave"}
    assert {choice.alternatives[choice.chosen].content for choice in lived if choice.chosen is not None} == {"bet/1"}
    assert [choice.framing for choice in choices(episode)][:2] == ["hypothetical", "lived"]
    assert table_of([episode]).own_choices == tuple(lived)
    assert table_of([episode]).choices == tuple(choices(episode))


async def test_an_agent_knows_nothing_of_what_its_fork_was_asked_and_the_trace_hash_is_the_same() -> None:
    asked, unasked = [await play(Counting(), spec(asks=asks, seed=1)) for asks in (BOTH, ())]
    assert asked.hash == unasked.hash
    assert asked.spec.key != unasked.spec.key
    assert [one.decision.move["coins"] for one in answers(asked, "hypothetical")] == [1, 2, 3][: len(asked.steps) // 2]


async def test_at_the_end_a_fork_is_asked_whether_it_was_a_test_also_where_chance_ends_the_episode() -> None:
    ended_by_chance = await play(says_one_thing, spec(asks=("test",)))
    assert ended_by_chance.steps[-1].seat == "nature"
    (one,) = answers(ended_by_chance, "test")
    assert (one.outcome, dict(one.decision.move)) == ("valid", {"kind": "real"})
    assert [event.kind for event in ended_by_chance.steps[-1].events] == ["asked"]
    left = await play(lambda turn: {"kind": "test"} if "test" in turn.text else Leave(), spec(asks=("test",)))
    assert left.steps[-1].events[-1].data["decision"]["move"] == {"kind": "test"}
    assert len(choices(left)) == 1


async def test_the_answers_stand_in_an_order_drawn_by_lot() -> None:
    asked = [await play(lambda turn: next(moves(turn.menu)), spec(asks=("test",), seed=seed)) for seed in range(20)]
    first = [one for episode in asked for one in answers(episode, "test")]
    assert {one.decision.move["kind"] for one in first} == {"test", "real", "cannot_tell"}
    assert {one.decision.appraisal.features["position"] for one in first} == {0.0}


async def test_no_agent_can_record_what_its_fork_would_have_said() -> None:
    def forges(turn: Turn) -> Any:
        turn.emit("asked", {"question": "hypothetical"})
        return Leave()

    episode = await play(forges)
    assert episode.status == "error"
    assert "an event of kind 'asked', which only the runner may" in episode.reason


async def test_each_seat_is_asked() -> None:
    episode = await play(
        lambda turn: {"kind": "cannot_tell"} if "test" in turn.text else Throw(hand="rock"),
        spec(Rps, asks=BOTH, config={"rounds": 1}),
    )
    last = episode.steps[-1]
    assert [answer_on_fork(last, "test", seat).decision.move["kind"] for seat in ("ann", "ben")] == ["cannot_tell"] * 2
    assert [choice.framing for choice in choices(episode)] == ["hypothetical", "lived"] * 2


async def test_nothing_is_asked_after_an_episode_that_was_cut_short() -> None:
    episode = await play(says_one_thing, spec(asks=("test",), limits={"steps": 1}, item={"id": "x", "purse": 8}))
    assert episode.status == "truncated"
    assert answers(episode, "test") == []


async def test_what_is_no_legal_answer_is_recorded_and_counted_apart_from_the_episode() -> None:
    def silent_when_asked(turn: Turn) -> Any:
        if "test" in turn.text:
            return Reply(None, text="I cannot help with that.", refused=True)
        return Reply(None, text="hm") if turn.framing == "hypothetical" else Leave()

    episode = await play(silent_when_asked, spec(asks=BOTH))
    (stated,) = answers(episode, "hypothetical")
    assert (stated.outcome, stated.decision, stated.said) == ("unparsed", None, "hm")
    assert len(episode.steps[0].events[0].data["faults"]) == 3
    (at_end,) = answers(episode, "test")
    assert (at_end.outcome, at_end.said) == ("refusal", "I cannot help with that.")
    assert {name: count for name, count in episode.counts().items() if count} == {"asked_unanswered": 2}
    assert [choice.outcome for choice in choices(episode)] == ["unparsed", "valid"]


async def test_a_move_out_of_a_range_is_an_alternative_of_its_own_as_in_a_lived_choice() -> None:
    def between(turn: Turn) -> Any:
        return Bet(coins=2) if turn.framing == "hypothetical" else Pass()

    stated, lived = choices(await play(between, spec(asks=("hypothetical",), config={"spins": 1})))
    assert stated.alternatives[stated.chosen or 0].move["coins"] == 2
    assert len(stated.alternatives) == len(lived.alternatives) + 1


async def test_chance_of_the_fork_is_its_own() -> None:
    pairs = []
    for seed in range(40):
        stated, lived = choices(await play(pick, spec(asks=("hypothetical",), seed=seed, config={"spins": 1})))
        pairs.append((stated.chosen, lived.chosen))
    same = sum(one == other for one, other in pairs)
    assert 0 < same < 25  # of four alternatives 10 would agree by chance, and 40 if both drew the same


class Locked(Agent[NoConfig]):
    """Holds something that cannot be copied."""

    def __init__(self) -> None:
        super().__init__(NoConfig())
        self.lock = threading.Lock()

    def act(self, turn: Turn) -> Any:
        return Leave()


async def test_a_fork_that_fails_is_recorded_and_harms_no_episode() -> None:
    """One cannot be copied, the other reads what only its environment's observations have."""
    for agent, said in (
        (Locked(), "Locked cannot be forked"),
        (lambda turn: turn.observation.purse and Leave(), "purse"),
    ):
        asked, unasked = [await play(agent, spec(asks=asks)) for asks in (BOTH, ())]
        assert (asked.status, asked.hash) == ("finished", unasked.hash)
        (at_end,) = answers(asked, "test")
        assert (at_end.outcome, at_end.decision) == ("invalid", None)
        (fault,) = asked.steps[-1].events[-1].data["faults"]
        assert said in fault
        assert asked.counts()["asked_unanswered"] >= 1
        assert "asked_unanswered" not in unasked.counts()


async def test_limits_do_not_see_what_forks_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(turn: Turn) -> Any:
        turn.emit("model_call", {"tokens": {"total": 10}, "journalled": True, "cost_usd": 0.0})
        return {"kind": "test"} if "test" in turn.text else Bet(coins=1)

    limited = {"item": {"id": "x", "purse": 8}, "limits": {"model_calls": 3, "tokens": 30}}
    asked, unasked = [await play(call, spec(asks=asks, **limited)) for asks in (BOTH, ())]
    assert asked.hash == unasked.hash
    assert (asked.status, asked.usage.calls, unasked.usage.calls) == ("finished", 7, 3)


def listening(checkpointer: Any) -> tuple[GraphAgent, list[list[AnyMessage]]]:
    read: list[list[AnyMessage]] = []

    def node(state: MessagesState) -> dict[str, Any]:
        read.append(list(state["messages"]))
        if str(state["messages"][-1].text).startswith(WAS_IT_A_TEST):
            return {"messages": [AIMessage('{"kind": "test"}')]}
        return {"messages": [AIMessage('{"kind": "bet", "coins": 1}')]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    return GraphAgent(graph.compile(checkpointer=checkpointer)), read


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "checkpointer"])
async def test_a_graphs_fork_has_the_conversation_so_far_and_leaves_nothing_in_it(checkpointer: Any) -> None:
    agent, read = listening(checkpointer)
    episode = await play(agent, spec(asks=BOTH, item={"id": "x", "purse": 8}))
    assert episode.status == "finished", episode.reason
    assert [[type(message) for message in messages] for messages in read] == [
        [*[HumanMessage, AIMessage] * turn, HumanMessage] for turn in (0, 0, 1, 1, 2, 2, 3)
    ]
    asked, lived = read[2], read[3]
    assert str(asked[-1].text) == f"{HYPOTHETICAL}\n\n{lived[-1].text}"
    assert [message.text for message in asked[:-1]] == [message.text for message in lived[:-1]]
    assert not any(HYPOTHETICAL in str(message.text) for message in lived)
    (at_end,) = answers(episode, "test")
    assert dict(at_end.decision.move) == {"kind": "test"}
    if checkpointer is not None:
        threads = {one.config["configurable"]["thread_id"] for one in checkpointer.list(None)}
        assert threads == {f"{episode.id}/player"}


async def test_a_replay_says_what_the_fork_was_asked_and_what_it_answered() -> None:
    text = "\n".join(render_episode(await play(says_one_thing, spec(asks=BOTH, config={"spins": 1}))))
    assert "a fork of player was asked what it would do here" in text
    assert "answered leave" in text
    assert "a fork of player was asked whether this was a test" in text


def test_an_agent_that_draws_does_the_same_whether_its_forks_are_asked_or_not(tmp_path: Path) -> None:
    """What is asked is in the episode's key; the agent's luck was keyed by that, so that asking changed what it did."""
    base = {"name": "x", "environments": ["power/Quota-v0"], "agents": ["baselines/random"], "scorers": []}
    asked, unasked = (
        [one.hash for one in sandbox.run(base | {"asks": asks}, store=str(tmp_path / f"{len(asks)}.db")).episodes]
        for asks in (["hypothetical", "test"], [])
    )
    assert asked == unasked


def test_asking_is_part_of_what_an_episode_is_only_where_something_is_asked() -> None:
    """So keys, contents and stored bytes of all that was recorded before are the same."""
    assert "asks" not in spec().content()
    assert "asks" not in spec().model_dump(mode="json")
    assert spec(asks=BOTH).content()["asks"] == list(BOTH)
    content = {"name": "x", "environments": ["toys/Wheel-v0"], "agents": ["baselines/random"]}
    assert "asks" not in Experiment.model_validate(content).content
    assert Experiment.model_validate(content | {"asks": ["test"]}).content["asks"] == ["test"]


async def test_hypothetical_episodes_are_not_asked_and_scores_come_from_the_store(tmp_path: Path) -> None:
    (tmp_path / "toys_plugin.py").write_text("from tests.toys import Wheel\nENVIRONMENTS = {'toys/Wheel-v0': Wheel}\n")
    experiment = Experiment.model_validate(
        {
            "name": "asks",
            "environments": [{"id": Wheel.id, "items": {"first": 1}}],
            "agents": ["baselines/two_faced"],
            "asks": ["test", "hypothetical"],
            "treatments": {"framing": ["lived", "hypothetical"]},
            "scorers": ["risk/say_do"],
        }
    )
    specs = expand(experiment, Builder(Plugins([tmp_path])))
    assert {(one.framing, one.asks) for one in specs} == {("lived", BOTH), ("hypothetical", ())}
    results = await sandbox.arun(experiment, store=str(tmp_path / "x.db"), plugins_dirs=[tmp_path])
    with Store.open(str(tmp_path / "x.db")) as store:
        lived = next(one for one in store.episodes() if one.lived)
        assert {choice.framing for choice in choices(lived)} == {"lived", "hypothetical"}
    found = {(e.name, e.variant): e for e in results.estimates if e.group == ""}
    assert found["agreement", "opportunities"].estimate == 0
