"""From specifications to running things: names are looked up once, and what is wrong with a plugin names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.adapters.foreign import ForeignPlay
from sandbox.agent import Agent, NoConfig, Turn
from sandbox.errors import InputError, ModelError, PluginError, UnknownName
from sandbox.menu import Move, moves
from sandbox.play import Play
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder, Function, own_version
from sandbox.runner.loop import EpisodeLoop
from sandbox.scenario import Benchmark
from sandbox.trace import AgentSpec, EpisodeSpec, Step, first_difference
from tests.toys import Rps, Wheel, WheelItem, pick, spec

FILE = """
from sandbox.agent import Agent, NoConfig
from sandbox.menu import Move
from sandbox.scenario import Frozen, Scenario
from sandbox.scorer import Scorer

class Moody(Agent):
    class Config(Frozen):
        mood: str = "calm"
    def act(self, turn):
        return None

class Remembering(Agent):
    def __init__(self, config):
        super().__init__(config)
        self.seen = {"last": None}
    def act(self, turn):
        self.seen["last"] = turn.index
        return turn.menu[0]

def two(turn, again=1):
    return None

class Half(Scenario):
    id = "mine/Half-v0"

class Misnamed(Scenario):
    id = "mine/Other-v0"

class Picky(Scorer):
    class Config(Frozen):
        level: float = 0.95
    def __init__(self, config=None):
        super().__init__(config)
        if self.config.level > 1:
            raise ValueError("level")

ENVIRONMENTS = {"mine/Half-v0": Half, "mine/Misnamed-v0": Misnamed, "mine/None-v0": 7}
AGENTS = {"mine/moody": Moody, "mine/instance": Moody(NoConfig()), "mine/seven": 7, "mine/two": two,
          "mine/remembering": Remembering}
SCORERS = {"mine/picky": Picky, "mine/seven": 7}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Builder:
    (tmp_path / "mine.py").write_text(FILE)
    return Builder(Plugins([tmp_path]))


def use(name: str, **config: Any) -> AgentSpec:
    return AgentSpec(id=name, name=name, config=config)


def test_a_scenario_is_made_once_and_a_world_each_time(builder: Builder) -> None:
    assert builder.scenario("toys/Rps-v0") is builder.scenario("toys/Rps-v0")
    one, other = builder.world(spec(Rps)), builder.world(spec(Rps))
    assert isinstance(one, Play)
    assert one is not other
    assert builder.scenario("gymnasium:FrozenLake-v1") is None
    foreign = EpisodeSpec(environment="gymnasium:FrozenLake-v1", seats={"agent": use("x")}, evaluated=("agent",))
    assert isinstance(builder.world(foreign), ForeignPlay)


def test_an_item_is_rebuilt_from_the_specification_without_the_population(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace is replayed years later, where the data set is not."""

    def gone(self: Any, config: Any) -> Any:
        raise OSError("the data set is not here")

    of = spec(Wheel, item={"id": "odd", "purse": 7})
    monkeypatch.setattr(Wheel, "items", gone)
    config, item = builder.config_and_item(builder.scenario("toys/Wheel-v0"), of)
    assert item == WheelItem(id="odd", purse=7)
    assert config.spins == 3


def test_a_scripted_agent_is_a_function_or_a_class_with_settings(builder: Builder) -> None:
    assert builder.agent(use("baselines/first")).scripted
    assert builder.agent(use("baselines/values", temperature=2.0))().config.temperature == 2.0
    assert not builder.agent(use("llm/choice", model="fake:first")).scripted
    assert builder.agent(use("sandbox_agent_baselines:first")).scripted


def test_agents_are_fresh_for_each_episode_and_a_graph_is_compiled_once(builder: Builder) -> None:
    make = builder.agent(use("llm/choice", model="fake:first"))
    assert make() is not make()
    assert make()._graph is make()._graph
    assert builder.agent(use("llm/choice", model="fake:first")) is make
    assert builder.agent(use("llm/choice", model="fake:prose")) is not make
    assert set(builder.agents(spec(Rps, seats=dict.fromkeys(("ann", "ben"), use("baselines/first"))))) == {"ann", "ben"}


@pytest.mark.parametrize(
    ("name", "config", "error", "said"),
    [
        ("baselines/frist", {}, UnknownName, "did you mean 'baselines/first'"),
        ("baselines/first", {"a": 1}, InputError, "is a plain function and has no settings, but was given a"),
        ("baselines/values", {"temperature": 0}, InputError, "temperature: Input should be greater than 0 (found 0)"),
        ("baselines/greedy", {"mood": 1}, InputError, "mood: no such setting (it has none)"),
        ("mine/moody", {"moood": "x"}, InputError, "moood: no such setting: did you mean 'mood'?"),
        ("mine/seven", {}, PluginError, "int is no agent"),
        ("mine/instance", {}, PluginError, "Moody is no agent"),
        ("mine/two", {}, PluginError, "NoneType is no agent"),
        ("no_such_module_at_all:agent", {}, PluginError, "ModuleNotFoundError"),
        ("llm/react", {"model": "fake:nope"}, ModelError, "no model 'fake:nope'"),
        ("llm/react", {"temperature": "hot"}, InputError, "temperature: Input should be a valid number"),
    ],
)
def test_an_agent_that_cannot_be_made_is_an_error_that_names_it(
    mine: Builder, name: str, config: Mapping[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        mine.check_agent(use(name, **config))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("market/Shpo-v0", UnknownName, "did you mean 'market/Shop-v0'"),
        ("mine/Half-v0", PluginError, "environment 'mine/Half-v0' cannot be made: TypeError"),
        ("mine/Misnamed-v0", PluginError, "its class says id = 'mine/Other-v0'"),
        ("mine/None-v0", PluginError, "7 is not a subclass of sandbox.scenario.Scenario"),
        ("gymnasium:Nope-v0", UnknownName, "Gymnasium has no environment 'Nope-v0'"),
    ],
)
def test_an_environment_that_cannot_be_made_is_an_error_that_names_it(
    mine: Builder, name: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        mine.scenario(name)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "config", "error", "said"),
    [
        ("values/additve", {}, UnknownName, "did you mean 'values/additive'"),
        ("mine/seven", {}, PluginError, "7 is neither a Scorer nor an Estimator"),
        ("mine/picky", {"level": 2}, PluginError, "scorer 'mine/picky' cannot be made: ValueError: level"),
        ("mine/picky", {"lvel": 2}, InputError, "lvel: no such setting: did you mean 'level'?"),
    ],
)
def test_a_scorer_that_cannot_be_made_is_an_error_that_names_it(
    mine: Builder, name: str, config: Mapping[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        mine.check_scorer(name, config)
    assert said in str(caught.value)


def test_a_scorer_has_its_settings(mine: Builder) -> None:
    assert mine.scorer("mine/picky", {"level": 0.5}).config.level == 0.5
    assert mine.scorer("mine/picky").config.level == 0.95


def test_versions_name_the_sandbox_and_every_plugin_of_the_episode(builder: Builder) -> None:
    versions = builder.versions(spec(Wheel, seats={"player": use("baselines/first")}))
    assert versions == {"agent-eval-sandbox": own_version()}
    assert own_version() != "unknown"


def test_benchmarks_are_computed_once_against_scripted_counterparts(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Any] = []

    def benchmarks(self: Any, config: Any, item: Any, counterparts: Mapping[str, Any]) -> dict[str, Benchmark]:
        known.append(counterparts)
        state = Rps().initial(config, item)
        moves = {seat: policy(state) for seat, policy in counterparts.items()}
        return {"x": Benchmark(value=float(len(moves)), assumes=str(moves))}

    monkeypatch.setattr(Rps, "benchmarks", benchmarks)
    evaluated = use("baselines/random")

    def against(name: str, **config: Any) -> Mapping[str, Benchmark]:
        return builder.benchmarks(spec(Rps, seats={"ann": evaluated, "ben": use(name, **config)}, evaluated=("ann",)))

    assert against("baselines/first")["x"].assumes == "{'ben': Throw(kind='throw', hand='rock')}"
    against("baselines/first")
    assert len(known) == 1, "once"
    assert against("baselines/random")["x"].value == 0.0, "nothing is a best response to one draw"
    assert against("llm/choice", model="fake:first")["x"].value == 0.0
    assert builder.benchmarks(spec(Wheel, seats={"player": evaluated})) == {}


def test_of_several_seats_under_evaluation_each_is_a_counterpart_of_the_others(
    mine: Builder, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever draws or remembers is no function of the state and has no policy; the others keep theirs."""

    def benchmarks(self: Any, config: Any, item: Any, counterparts: Mapping[str, Any]) -> dict[str, Benchmark]:
        state = Rps().initial(config, item)
        asked = [seat for seat in sorted(counterparts) if counterparts[seat](state)]
        return {"x": Benchmark(value=None, assumes=" ".join(asked))}

    def known(made: Builder, ann: str, ben: str, evaluated: tuple[str, ...] = ("ann", "ben")) -> str:
        seats = {"ann": use(ann), "ben": use(ben)}
        return made.benchmarks(spec(Rps, seats=seats, evaluated=evaluated))["x"].assumes

    monkeypatch.setattr(Rps, "benchmarks", benchmarks)
    monkeypatch.setattr(mine, "scenario", builder.scenario)
    assert known(builder, "baselines/first", "baselines/first") == "ann ben"
    assert known(builder, "baselines/first", "baselines/random") == "ann"
    assert known(mine, "mine/remembering", "baselines/first") == "ben"
    assert known(mine, "mine/remembering", "baselines/first", ("ben",)) == ""
    assert known(builder, "recorded", "recorded") == "", "imported: nobody who could be asked"


def test_benchmarks_are_those_of_who_is_evaluated_and_nothing_but_benchmarks(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rps, "benchmarks", lambda *given: {"x": Benchmark(value=0.0, assumes=",".join(given[-1]))})
    first = spec(Rps, seats={"ann": use("baselines/first"), "ben": use("baselines/first")}, evaluated=("ann",))
    said = [builder.benchmarks(one)["x"].assumes for one in (first, first.model_copy(update={"evaluated": ("ben",)}))]
    assert said == ["ben", "ann"]
    monkeypatch.setattr(Wheel, "benchmarks", lambda *given: {"x": {"value": 1.0, "assumes": "y"}})
    with pytest.raises(PluginError, match=r"toys/Wheel-v0: benchmarks\(\) gave what is no mapping"):
        builder.benchmarks(spec(Wheel, seats={"player": use("baselines/first")}))
    monkeypatch.setattr(Wheel, "benchmarks", lambda *given: None)
    with pytest.raises(PluginError, match=r"toys/Wheel-v0: benchmarks\(\) gave what is no mapping"):
        builder.benchmarks(spec(Wheel, seats={"player": use("baselines/first")}))


@pytest.mark.parametrize("scenario", [Rps, Wheel])
async def test_what_episodes_share_changes_no_trace(scenario: Any, builder: Builder) -> None:
    """Hashes must not depend on what was played before in the same process."""

    async def hashes(*, anew: bool) -> list[tuple[str, tuple[Step, ...]]]:
        found = []
        for number in range(40):
            of = spec(scenario, seed=number % 10)
            agents = dict.fromkeys(of.seats, Function(pick))
            episode = await EpisodeLoop(of, builder.world(of, anew=anew), agents, lambda step: None).run({}, {})
            assert episode.status == "finished", episode.reason
            timeless = tuple(step.model_copy(update={"seconds": 0.0}) for step in episode.steps)
            assert first_difference(timeless, episode.steps) is None
            assert all(step.digest == step.digest_after(before) for step, before in zip(
                timeless, ["", *(step.digest for step in timeless)], strict=False))  # fmt: skip
            found.append((episode.hash, timeless))
        return found

    assert await hashes(anew=False) == await hashes(anew=True)


async def test_a_privileged_agent_reads_the_same_truth_however_often_a_state_was_met(builder: Builder) -> None:
    of, read = spec(Wheel), []

    class Subject(Agent[NoConfig]):
        privileged = True

        def act(self, turn: Turn) -> Move:
            assert turn.appraise is not None
            read.append([turn.appraise(move) for move in moves(turn.menu)])
            return next(moves(turn.menu))

    for anew in (True, False, False):
        await EpisodeLoop(of, builder.world(of, anew=anew), {"player": Subject(NoConfig())}, lambda step: None).run(
            {}, {}
        )
    third = len(read) // 3
    assert read[:third] == read[third : 2 * third] == read[2 * third :]
