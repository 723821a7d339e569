"""Logs that the real inspect_ai writes, with its mock model: `python write_inspect_logs.py FOLDER WHAT...`.

In a process of its own, so that its warnings and its patches of the standard library stay there.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import zipfile_zstd  # noqa: F401 (so that zipfile reads what Inspect writes)
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Score, accuracy, includes, match, mean, model_graded_fact, scorer
from inspect_ai.solver import generate, solver
from inspect_ai.tool import ToolError, tool

DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAA"
    "AfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@tool
def add() -> Any:
    async def execute(x: int, y: int) -> int:
        """Add two numbers.

        Args:
            x: one
            y: the other
        """
        return x + y

    return execute


@tool
def look() -> Any:
    async def execute(name: str) -> str:
        """Look at a page.

        Args:
            name: which
        """
        if name == "missing":
            raise ToolError("there is no such page")
        return "page of " + name * 400  # long enough to become an attachment

    return execute


@scorer(metrics=[mean()])
def words() -> Any:
    async def score(state: Any, target: Any) -> Score:
        return Score(value={"length": 3.5, "polite": True}, answer=state.output.completion, explanation="counted")

    return score


def said(output: ModelOutput) -> ModelOutput:
    """Inspect's mock counts tokens with a table from the network where there are none."""
    output.usage = ModelUsage(input_tokens=100, output_tokens=7, total_tokens=127, input_tokens_cache_read=20)
    return output


def call(name: str, /, **arguments: Any) -> ModelOutput:
    return said(ModelOutput.for_tool_call("mockllm/model", name, arguments, content=f"I use {name}."))


def answer(text: Any) -> ModelOutput:
    return said(ModelOutput.from_content("mockllm/model", text))


def mock(*outputs: ModelOutput) -> Any:
    return get_model("mockllm/model", custom_outputs=[one.model_copy(deep=True) for one in outputs], memoize=False)


def tools_task(form: str, folder: str) -> None:
    """Two tools, two epochs, several scorers (one of them a model), a picture, reasoning, a tool that fails."""
    turns = [call("add", x=1, y=2), call("look", name="missing"), call("look", name="sums"), call("submit", answer="3")]
    thought = ContentReasoning(reasoning="This may be a test, I think.")
    turns[0].choices[0].message.content = [thought, ContentText(text="First I add.")]
    question = [ContentText(text="What is 1+2?"), ContentImage(image=DOT)]
    task = Task(
        dataset=[
            Sample(input="What is 1+2?", target="3", id="sum", metadata={"kind": "easy"}),
            Sample(input=[ChatMessageUser(content=question)], target="4", id="picture"),
        ],
        solver=react(tools=[add(), look()]),
        scorer=[includes(), match(), words(), model_graded_fact(model=mock(*[answer("GRADE: C")] * 4))],
        name="sums",
    )
    run_eval(task, model=mock(*turns * 4), log_dir=folder, log_format=form, epochs=2, max_samples=1, display="none")


@solver
def failing() -> Any:
    async def solve(state: Any, generate: Any) -> Any:
        state = await generate(state)
        raise RuntimeError("the solver broke")

    return solve


def error_task(form: str, folder: str) -> None:
    task = Task(dataset=[Sample(input="Hello", target="x", id=1)], solver=failing(), scorer=includes(), name="broken")
    run_eval(task, model=mock(answer("Hi.")), log_dir=folder, log_format=form, display="none")


def limit_task(form: str, folder: str) -> None:
    turns = [call("add", x=1, y=number) for number in range(20)]
    task = Task(
        dataset=[Sample(input="Go on", target="x")], solver=react(tools=[add()]), scorer=includes(), name="long"
    )
    run_eval(task, model=mock(*turns), log_dir=folder, log_format=form, message_limit=9, display="none")


def events_task(form: str, folder: str, events: int = 100_000, every: int = 50) -> None:
    """A sample of so many events, every so many of them a model call with all messages before it.

    Put together and written by the package: to run it would take the package a quarter of an hour.
    """
    from inspect_ai.event import InfoEvent, ModelEvent
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.model import GenerateConfig

    messages: list[Any] = [ChatMessageUser(content="Talk")]
    found: list[Any] = []
    for number in range(events):
        if number % every:
            found.append(InfoEvent(data={"number": number, "text": "what happened meanwhile " * 8}))
            continue
        output = answer(f"Reply {number}. " + "words " * 40)
        model = {"model": "mockllm/model", "tools": [], "tool_choice": "auto", "config": GenerateConfig()}
        found.append(ModelEvent(input=list(messages), output=output, **model))
        messages += [output.message, ChatMessageUser(content=f"And {number}? " + "tell me more. " * 20)]
    sample = EvalSample(id=1, epoch=1, input="Talk", target="x", messages=messages, events=found)
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="talk",
        dataset=EvalDataset(),
        model="mockllm/model",
        config=EvalConfig(),
    )
    log = EvalLog(status="success", eval=spec, samples=[sample])
    write_eval_log(log, f"{folder}/talk.{form}", format=form)


def many_task(form: str, folder: str, samples: int = 500, turns: int = 12) -> None:
    """Samples as benchmarks have them: a dozen turns with tools each, pages of some kilobytes."""

    def outputs() -> Any:
        while True:
            yield from [call("look", name=f"p{number % 7}") for number in range(turns - 1)]
            yield call("submit", answer="3")

    model = get_model("mockllm/model", custom_outputs=outputs(), memoize=False)
    dataset = [Sample(input=f"Question {number}", target="3", id=number) for number in range(1, samples + 1)]
    task = Task(dataset=dataset, solver=react(tools=[look()]), scorer=includes(), name="pages")
    run_eval(task, model=model, log_dir=folder, log_format=form, max_samples=1, display="none")


def plain_task(form: str, folder: str) -> None:
    """No tools: a question, an answer."""
    task = Task(dataset=[Sample(input="2+2?", target="4")], solver=generate(), scorer=[match(), exact()], name="plain")
    run_eval(task, model=mock(answer("4")), log_dir=folder, log_format=form, display="none")


@scorer(metrics=[accuracy()])
def exact() -> Any:
    async def score(state: Any, target: Any) -> Score:
        return Score(value=state.output.completion == target.text)

    return score


def crashed(folder: str) -> None:
    """The log of an eval whose process was killed: without header and summaries."""
    whole = sorted(Path(folder).glob("*sums*.eval"))[0]
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(Path(folder) / "crashed.eval", "w", 93) as target:
        for name in source.namelist():
            if name.startswith(("_journal/", "samples/sum_")):
                target.writestr(name, source.read(name))


def chunked(folder: str) -> None:
    """The same in pieces, as Inspect has large samples."""
    from inspect_ai.log._recorders.chunked import convert_eval_logs_to_chunked

    whole = sorted(Path(folder).glob("*sums*.eval"))[0]
    convert_eval_logs_to_chunked(str(whole), str(Path(folder) / "pieces"))


def main(folder: str, *kinds: str) -> None:
    """Write what is asked for, such as `tools.eval`, `error.json`, `crashed`, `events.eval=100000,50`."""
    tasks = {
        "tools": tools_task, "error": error_task, "limit": limit_task, "events": events_task, "many": many_task,
        "plain": plain_task,
    }  # fmt: skip
    for kind in kinds:
        what, _, numbers = kind.partition("=")
        name, _, form = what.partition(".")
        if name in ("crashed", "chunked"):
            {"crashed": crashed, "chunked": chunked}[name](folder)
        else:
            tasks[name](form, folder, *(int(number) for number in numbers.split(",") if number))


if __name__ == "__main__":
    main(*sys.argv[1:])
