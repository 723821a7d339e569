"""Inspect, its mock model: `trivial COUNT FOLDER`, `react COUNT STEPS FOLDER`, `read LOG`, `open LOG`, `score LOG`.

The mock's outputs carry their usage: without it the mock counts tokens with a table that it downloads at first use.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

os.environ.setdefault("INSPECT_DISPLAY", "none")
from inspect_ai import Task, score, task
from inspect_ai import eval as run_eval
from inspect_ai.agent import react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log, read_eval_log_sample, read_eval_log_sample_summaries
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate
from inspect_ai.tool import tool
from spent import Spent, tell

OBSERVATION = "observation text " * 30
THOUGHT = "I consider the state of the game and choose the next action. " * 4


@tool
def add() -> Any:
    """The tool of the loop."""

    async def execute(x: int, y: int) -> str:
        """Add two numbers.

        Args:
            x: First number.
            y: Second number.
        """
        return f"The sum is {x + y}. {OBSERVATION}"

    return execute


def priced(output: Any) -> Any:
    """With its usage."""
    output.usage = ModelUsage(input_tokens=100, output_tokens=20, total_tokens=120)
    return output


def default(input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:  # noqa: A002  (Inspect's names)
    """One reply."""
    return priced(ModelOutput.from_content("mockllm", "Default output"))


def policy(steps: int) -> Any:
    """Calls of the tool, then the end; the second argument is the episode's number, so that episodes differ."""

    def reply(input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:  # noqa: A002
        said = sum(message.role == "assistant" for message in input)
        number = int(next(m.text for m in input if m.role == "user").split(":", 1)[0].rpartition(" ")[2])
        if said < steps - 1:
            return priced(ModelOutput.for_tool_call("mockllm", "add", {"x": said, "y": number}, content=THOUGHT))
        return priced(ModelOutput.for_tool_call("mockllm", "submit", {"answer": "42"}, content=THOUGHT))

    return reply


@task
def trivial(count: int) -> Task:
    """One call a sample."""
    samples = [Sample(id=i, input=f"Question {i}: what is {i}+1?", target="Default") for i in range(count)]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())


@task
def agentic(count: int) -> Task:
    """A loop of tool calls a sample."""
    samples = [Sample(id=i, input=f"Episode {i}: play.", target="42") for i in range(count)]
    return Task(
        dataset=MemoryDataset(samples), solver=react(prompt="You are a player.", tools=[add()]), scorer=includes()
    )


def evaluate(task: Task, outputs: Any, folder: str) -> None:
    """Evaluate with the defaults; imports are not measured."""
    model = get_model("mockllm/model", custom_outputs=outputs)
    with Spent() as spent:
        log = run_eval(task, model=model, log_dir=folder, display="none")[0]
    path = log.location.removeprefix("file://")
    assert log.status == "success", log.error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = os.path.getsize(path)
    tell(cpu=spent.cpu, wall=spent.wall, instructions=spent.instructions, bytes=size, log=path, peak_mb=peak)


def read(path: str) -> None:
    """Seconds to list all samples and to open one, five times."""
    found: dict[str, list[float]] = {"list": [], "open": []}
    for _ in range(5):
        began = time.perf_counter()
        summaries = list(read_eval_log_sample_summaries(path))
        listed = time.perf_counter()
        sample = read_eval_log_sample(path, summaries[len(summaries) // 2].id, 1)
        opened = time.perf_counter()
        found["list"].append(listed - began)
        found["open"].append(opened - listed)
    tell(listed=len(summaries), messages=len(sample.messages), **found)


def open_all(path: str) -> None:
    """Open every sample of the log, one by one, as a viewer does: their mean."""
    summaries = list(read_eval_log_sample_summaries(path))
    read_eval_log_sample(path, summaries[0].id, 1)  # what is made once
    with Spent() as spent:
        for summary in summaries:
            read_eval_log_sample(path, summary.id, summary.epoch)
    count = len(summaries)
    instructions = None if spent.instructions is None else spent.instructions / count
    tell(opened=count, cpu=spent.cpu / count, instructions=instructions)


def rescore(path: str) -> None:
    """Score the log again, with its reading, as its command does."""
    with Spent() as spent:
        scored = score(read_eval_log(path), match(), action="append", display="none")
    tell(cpu=spent.cpu, instructions=spent.instructions, episodes=len(scored.samples or []))


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "trivial":
        evaluate(trivial(int(words[0])), default, words[1])
    elif command == "react":
        evaluate(agentic(int(words[0])), policy(int(words[1])), words[2])
    elif command == "read":
        read(words[0])
    elif command == "open":
        open_all(words[0])
    elif command == "score":
        rescore(words[0])
    else:
        raise SystemExit(__doc__)
