"""What scorers and estimators read: one table, in one order, with nothing left out."""

from __future__ import annotations

from typing import Any

from sandbox.scorer import Card, Estimator, Findings, Mark, Score, Scorer, Table, card_of, row_of, table_of
from sandbox.trace import AgentSpec, Episode, Usage
from tests.toys import Bet, Leave, Rps, Throw, pick, play, spec


async def episodes() -> list[Episode]:
    made = []
    for name, agent in (("one", pick), ("two", lambda turn: Leave()), ("one", lambda turn: Bet(coins=1))):
        use = AgentSpec(id="toys/agent", name=name)
        made.append(await play(agent, spec(seats={"player": use}, seed=len(made))))
    return made


async def test_a_table_has_a_row_for_each_episode_and_a_choice_for_each_decision() -> None:
    traces = await episodes()
    table = table_of(traces, {traces[0].id: Card(scores=(Score(name="s", value=2.0, seat="player"),))})
    assert [row.id for row in table.episodes] == [trace.id for trace in traces]
    assert len(table.choices) == sum(step.seat == "player" for trace in traces for step in trace.steps)
    assert table.agents == ("one", "two")
    assert table.episodes[0].score("s") == table.episodes[0].score("s", "player") == 2.0
    assert table.episodes[0].score("s", "nobody") is table.episodes[0].score("t") is None
    assert table.episodes[1].scores == ()


async def test_the_part_about_an_agent_has_its_episodes_and_choices_only() -> None:
    table = table_of(await episodes()).of("one")
    assert len(table.episodes) == 2
    assert {choice.agent for choice in table.choices} == {"one"}


async def test_a_row_says_what_the_specification_and_the_trace_say() -> None:
    (trace, *_) = await episodes()
    row = row_of(trace, Card())
    assert (row.environment, row.item, row.seed, row.framing) == ("toys/Wheel-v0", "purse-3", 0, "lived")
    assert (row.agents, row.evaluated, row.total) == ({"player": "one"}, ("player",), trace.total)
    assert (row.steps, row.hash, row.facts, row.counts) == (
        len(trace.steps),
        trace.hash,
        trace.facts,
        trace.counts(),
    )


async def test_several_agents_of_one_episode_have_a_row_each_about_their_own_seats() -> None:
    seats = {"ann": AgentSpec(id="toys/agent", name="one"), "ben": AgentSpec(id="toys/agent", name="two")}
    trace = await play(pick, spec(Rps, seats=seats, evaluated=("ann", "ben")))
    scores = (
        Score(name="s", value=1.0, seat="ann"),
        Score(name="s", value=2.0, seat="ben"),
        Score(name="g", value=3.0),
    )
    one, two = table_of([trace], {trace.id: Card(scores=scores)}).episodes
    assert (one.id, one.agent, one.evaluated, one.total) == (trace.id, "one", ("ann",), trace.payoffs["ann"])
    assert (two.id, two.agent, two.evaluated, two.total) == (trace.id, "two", ("ben",), trace.payoffs["ben"])
    assert [row.score("s") for row in (one, two)] == [1.0, 2.0], "its own before another's"
    assert (two.score("s", "ann"), two.score("g")) == (1.0, 3.0)
    of_ann = Card(scores=(Score(name="s", value=1.0, seat="ann"),))
    assert [row.score("s") for row in table_of([trace], {trace.id: of_ann}).episodes] == [1.0, None], "nor a rival's"
    counterpart = trace.of_seats(("ben",))
    assert table_of([counterpart], {trace.id: of_ann}).episodes[0].score("s") == 1.0
    assert [row.agent for row in table_of([trace.of_seats(("ben",))]).episodes] == ["two"]
    assert trace.of_seats(("ben",)).spec.key == trace.id


async def test_a_scorer_that_knows_of_no_seats_is_asked_about_each_agent() -> None:
    class Total(Scorer):
        def score(self, episode: Episode) -> Card:
            first = next(step.index for step in episode.decisions())
            return Card(scores=(Score(name="total", value=episode.total),), marks=(Mark(step=first, name="first"),))

    seats = {"ann": AgentSpec(id="toys/agent", name="one"), "ben": AgentSpec(id="toys/agent", name="two")}
    trace = await play(
        lambda turn: Throw(hand="rock" if turn.seat == "ann" else "paper"),
        spec(Rps, seats=seats, evaluated=("ann", "ben")),
    )
    assert trace.payoffs["ann"] != trace.payoffs["ben"]
    card = card_of(Total(), trace)
    assert {score.seat: score.value for score in card.scores} == trace.payoffs
    assert [row.score("total") for row in table_of([trace], {trace.id: card}).episodes] == list(trace.payoffs.values())
    assert card.marks == Total().score(trace).marks
    assert card_of(Total(), trace.of_seats(("ben",))) == Total().score(trace.of_seats(("ben",)))


def test_a_resampling_repeats_by_name() -> None:
    table = Table([], [])
    assert table.generator("a").random() == Table([], []).generator("a").random()
    assert table.generator("a").random() != table.generator("b").random()


def test_a_plugin_may_be_scorer_and_estimator_and_says_nothing_by_default() -> None:
    class Both(Scorer, Estimator):
        pass

    both = Both()
    assert both.score(None) == Card()
    assert both.estimate(Table([], [])) == Findings()
    assert both.config == Both.Config()
    assert Mark(step=1, name="risk").value is None


async def test_personas_of_one_model_are_one_model() -> None:
    """Named or left out: an agent that called a model and names none has its default."""
    episode = await play(pick)

    def model(config: dict[str, Any], calls: int) -> str:
        one = AgentSpec(id="llm/x", name="x", config=config)
        spec = episode.spec.model_copy(update={"seats": dict.fromkeys(episode.spec.seats, one)})
        told = episode.model_copy(update={"spec": spec, "usage": Usage(calls=calls)})
        return row_of(told, Card()).models["player"]

    assert model({"model": "m", "system": "be good"}, 3) == model({"model": "m"}, 3) == "m"
    assert model({"system": "be good"}, 3) == model({"system": "be bad"}, 3) == "llm/x"
    assert model({"weight": 1}, 0) != model({"weight": 2}, 0)
