"""Whatever LangGraph calls a graph is found and compiled, or the error says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.pregel import Pregel
from pydantic import Field

from sandbox.adapters.graphs import graph_of, graph_of_config
from sandbox.adapters.langgraph import Runtime
from sandbox.errors import InputError, ModelError, PluginError, UnknownName
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.scenario import Frozen
from sandbox.trace import AgentSpec

FILE = """
from langgraph.graph import END, START, MessagesState, StateGraph

def leave(state):
    return {"messages": [{"role": "assistant", "content": '{"kind": "leave"}'}]}

uncompiled = StateGraph(MessagesState)
uncompiled.add_node("leave", leave)
uncompiled.add_edge(START, "leave")
uncompiled.add_edge("leave", END)
compiled = uncompiled.compile()

def factory(config):
    if not isinstance(config.get("configurable", {}).get("mood", ""), str):
        raise TypeError("mood")
    return uncompiled

def plain():
    return compiled

def ours(config, runtime):
    return compiled

def three(a, b, c):
    return compiled

def wrong(config, runtime):
    return 7

def failing(config, runtime):
    raise KeyError("mood")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_graphs.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def graph() -> StateGraph[Any, Any, Any, Any]:
    made = StateGraph(MessagesState)
    made.add_node("say", lambda state: {})
    made.add_edge(START, "say")
    made.add_edge("say", END)
    return made


class Settings(Frozen):
    mood: str = "calm"
    calls: int = Field(1, gt=0)


def test_a_compiled_graph_is_taken_as_it_is_and_an_uncompiled_one_is_compiled() -> None:
    compiled = graph().compile()
    assert graph_of(compiled, {}, "x") is compiled
    assert isinstance(graph_of(graph(), {}, "x"), Pregel)


def test_a_factory_gets_its_settings_validated_and_the_runtime() -> None:
    got: list[Any] = []

    def factory(config: Settings, runtime: Runtime) -> Any:
        got.extend((config, runtime))
        return graph()

    assert isinstance(graph_of(factory, {"mood": "wild"}, "x"), Pregel)
    assert got[0] == Settings(mood="wild")
    assert isinstance(got[1], Runtime)
    with pytest.raises(InputError) as caught:
        graph_of(factory, {"calls": 0, "mod": 1}, "agent 'x'")
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["calls", "mod"]


def test_a_factory_without_annotations_gets_its_settings_as_they_are() -> None:
    got: list[Any] = []

    def factory(config, runtime):  # type: ignore[no-untyped-def]
        got.append(config)
        return graph()

    graph_of(factory, {"any": 1}, "x")
    assert got == [{"any": 1}]


@pytest.mark.parametrize("name", ["compiled", "uncompiled", "plain", "ours"])
def test_a_file_and_object_is_an_agent(file: Path, name: str) -> None:
    make = Builder(Plugins()).agent(AgentSpec(id=f"{file}:{name}", name="x"))
    assert make() is not make(), "a fresh one for each episode"
    assert not make.scripted


def test_a_module_and_object_is_an_agent(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)
    assert Builder(Plugins()).agent(AgentSpec(id="my_graphs:compiled", name="x"))() is not None


@pytest.mark.parametrize("entry", ["./my_graphs.py:compiled", "my_graphs.py:factory", {"path": "./my_graphs.py:plain"}])
def test_an_entry_of_a_langgraph_json_is_an_agent_wherever_it_is_run_from(file: Path, entry: Any) -> None:
    config = file.parent / "langgraph.json"
    config.write_text(json.dumps({"dependencies": ["."], "graphs": {"mine": entry}}))
    assert Builder(Plugins()).agent(AgentSpec(id=f"{config}:mine", name="x"))() is not None


def test_a_factory_of_a_langgraph_json_gets_a_runnable_config(file: Path) -> None:
    config = file.parent / "langgraph.json"
    config.write_text(json.dumps({"graphs": {"mine": "./my_graphs.py:factory"}}))
    builder = Builder(Plugins())
    assert builder.agent(AgentSpec(id=f"{config}:mine", name="x", config={"mood": "calm"}))() is not None
    with pytest.raises(PluginError, match="TypeError: mood"):
        builder.agent(AgentSpec(id=f"{config}:mine", name="x", config={"mood": 3}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("three", r"takes \(config, runtime\), not 3 parameters"),
        ("wrong", "int is no agent: an agent is a function of a turn"),
        ("failing", "its factory failed: KeyError: 'mood'"),
        ("nothing", "has no 'nothing' "),
    ],
)
def test_what_is_no_graph_is_an_error_that_names_the_agent(file: Path, name: str, said: str) -> None:
    with pytest.raises(PluginError, match=said) as caught:
        Builder(Plugins()).agent(AgentSpec(id=f"{file}:{name}", name="x"))
    assert f"agent '{file}:{name}'" in str(caught.value)


def test_a_finished_graph_has_no_settings() -> None:
    with pytest.raises(InputError, match="has no settings, but was given mood"):
        graph_of(graph(), {"mood": "calm"}, "agent 'x'")


def test_a_langgraph_json_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "langgraph.json"
    with pytest.raises(InputError, match=r"cannot be read as a langgraph\.json"):
        graph_of_config(str(path), "mine")
    for text in ("{", "[]", '{"graphs": []}'):
        path.write_text(text)
        with pytest.raises(InputError):
            graph_of_config(str(path), "mine")
    path.write_text('{"graphs": {"main": "./no.py:x"}}')
    with pytest.raises(UnknownName, match="no graph 'mian': did you mean 'main'"):
        graph_of_config(str(path), "mian")
    with pytest.raises(PluginError, match="no such Python file"):
        graph_of_config(str(path), "main")
    path.write_text('{"graphs": {"main": 7}}')
    with pytest.raises(InputError, match="main"):
        graph_of_config(str(path), "main")


def test_a_model_that_is_not_there_is_a_model_error_and_not_the_factorys_fault() -> None:
    with pytest.raises(ModelError, match="no model 'fake:nothing'"):
        graph_of(lambda config, runtime: runtime.model("fake:nothing"), {}, "x")
