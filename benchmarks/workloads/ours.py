"""The sandbox's side of the benchmarks, through its public names; each command prints what it measured.

run WHAT COUNT FOLDER [STEPS] [kill=DONE]   WHAT: question, loop, turns, scripted, stub, empty
resume WHAT COUNT FOLDER                    the time to the first new episode of a store that `run` left unfinished
score FOLDER SCORER...                      all traces under scorers that never saw them
read MANY ONE LONG                          folders: list the first, open one of the second, jump inside the third

In the environment: BENCH_EXECUTOR names the executor, BENCH_SCORED=no leaves scoring out.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from spent import Spent, tell

HERE = Path(__file__).parent
PLUGINS = [HERE / "situations"]
GRAPHS = str(HERE / "graphs.py")
SITUATIONS = {
    "question": ("bench/Question-v0", f"{GRAPHS}:answering"),
    "loop": ("bench/Question-v0", f"{GRAPHS}:looping"),
    "turns": ("bench/Sums-v0", f"{GRAPHS}:turning"),
    "scripted": ("bench/Sums-v0", "bench/first"),
    "stub": ("bench/Question-v0", "bench/first"),
    "empty": ("bench/Nothing-v0", "bench/first"),
}


def experiment(what: str, count: int, steps: int = 10) -> dict[str, Any]:
    """The experiment of `count` episodes, each with an item of its own."""
    environment, agent = SITUATIONS[what]
    config = {"count": count} | ({"steps": steps} if environment == "bench/Sums-v0" else {})
    return {
        "name": what,
        "environments": [{"id": environment, "config": config}],
        "agents": [{"id": agent, "name": "agent"}],
        "scorers": ["bench/answered"],
    }


def run(what: str, count: int, folder: Path, steps: int = 10, **options: Any) -> None:
    """Run the experiment, then score it as Inspect does at the end of each sample."""
    import sandbox

    path = folder / "store.db"
    if "BENCH_COUNTER" not in os.environ:  # imports and caches are not what is measured
        sandbox.run(experiment(what, 5), store=str(folder / "warm.db"), plugins_dirs=PLUGINS)
    with Spent() as ran:
        results = sandbox.run(experiment(what, count, steps), store=str(path), plugins_dirs=PLUGINS, **options)
    with Spent() as scored:
        judged = None if os.environ.get("BENCH_SCORED") == "no" else results.judged
    statuses = {status: number for status, number in results.store.experiments()[-1].counts.items() if number}
    cards = sum(len(card.scores) for card in judged.cards["bench/answered"].values()) if judged else 0
    results.store.close()
    size = sum(file.stat().st_size for file in folder.glob("store.db*"))
    tell(
        cpu=ran.cpu,
        wall=ran.wall,
        instructions=ran.instructions,
        score_cpu=scored.cpu,
        score_instructions=scored.instructions,
        statuses=statuses,
        scores=cards,
        bytes=size,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def resume(what: str, count: int, folder: Path) -> None:
    """Go on with an experiment of `count` episodes; the seconds until the first new one is finished."""
    began = time.perf_counter(), time.process_time()
    import sandbox

    first: dict[str, float] = {}

    def progress(tally: Any, missing: int) -> None:
        if tally.done and not first:
            first.update(wall=time.perf_counter() - began[0], cpu=time.process_time() - began[1], missing=missing)

    results = sandbox.run(
        experiment(what, count), store=str(folder / "store.db"), plugins_dirs=PLUGINS, progress=progress
    )
    results.store.close()
    tell(**first)


def score(folder: Path, *scorers: str) -> None:
    """Score every trace anew, in one pass."""
    from sandbox.experiment.model import ScorerUse
    from sandbox.plugins import Plugins
    from sandbox.runner.build import Builder
    from sandbox.runner.score import judge
    from sandbox.store import Store

    builder = Builder(Plugins(PLUGINS))
    uses = [ScorerUse(id=name) for name in scorers]
    with Store.open(str(folder / "store.db")) as store:
        for use in uses:
            builder.scorer(use.id)  # imports are not what is measured
        with Spent() as spent:
            judged = judge(store, builder, None, uses)
            if store._writer is not None:
                store._writer.flush()
        scores = sum(len(card.scores) for cards in judged.cards.values() for card in cards.values())
    heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"langchain", "langchain_core", "langgraph"})
    episodes = len(judged.cards[scorers[0]])
    tell(cpu=spent.cpu, instructions=spent.instructions, episodes=episodes, scores=scores, loaded=heavy)


def read(many: Path, one: Path, long: Path) -> None:
    """What it takes to list all episodes, to open one, and to jump inside a long one: five times, each anew.

    `screen` is what a list needs before it can be shown and scrolled, and what somebody in front of it waits for: how
    many there are, their order, and the rows of its first page.
    """
    from sandbox.store import Filter, Store
    from sandbox.tui.pages import PAGE

    lists, screens, opens, jumps = [], [], [], []
    for _ in range(5):
        with Store.open(str(many / "store.db")) as store:
            with Spent() as spent:
                count = sum(1 for _ in store.heads())
            lists.append(spent)
        with Store.open(str(many / "store.db")) as store:
            with Spent() as spent:
                numbers = store.episode_numbers(where=Filter(), order="position")
                shown = store.heads_of(numbers[:PAGE])
            assert (len(numbers), len(shown)) == (count, min(PAGE, count))
            screens.append(spent)
        with Store.open(str(one / "store.db")) as store:
            key = store.heads()[0].id
            with Spent() as spent:
                steps_of_one = len(store.episode(key).steps)
            opens.append(spent)
        with Store.open(str(long / "store.db")) as store:
            (head,) = store.heads()
            middle = head.steps // 2
            with Spent() as spent:
                assert [step.index for step in store.steps(head.id, middle, middle + 1)] == [middle]
            jumps.append(spent)
    tell(listed=count, steps_of_one=steps_of_one, steps_of_long=head.steps)
    for name, spents in (("list", lists), ("screen", screens), ("open", opens), ("jump", jumps)):
        tell(**{name: [spent.wall for spent in spents], f"{name}_instructions": spents[-1].instructions})


def played(what: str, count: str, folder: str, *more: str) -> None:
    """The command `run`."""
    options: dict[str, Any] = {}
    if executor := os.environ.get("BENCH_EXECUTOR"):
        options |= {"executor": executor, "workers": 2}
    steps = [int(word) for word in more if "=" not in word]
    for word in more:
        if word.startswith("kill="):
            options["progress"] = _killing(int(word.removeprefix("kill=")))
    run(what, int(count), Path(folder), *steps, **options)


def _killing(moment: int) -> Any:
    """Progress that kills this process when so many episodes are done."""

    def progress(tally: Any, missing: int) -> None:
        if tally.done >= moment:
            os.kill(os.getpid(), signal.SIGKILL)

    return progress


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "run":
        played(*words)
    elif command == "resume":
        resume(words[0], int(words[1]), Path(words[2]))
    elif command == "score":
        score(Path(words[0]), *words[1:])
    elif command == "read":
        read(*map(Path, words))
    else:
        raise SystemExit(__doc__)
