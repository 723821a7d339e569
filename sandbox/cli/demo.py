"""`sandbox demo`: the main job, end to end, on the embedded model and scripted agents."""

from __future__ import annotations

from pathlib import Path

from sandbox.cli.options import (
    JsonOption,
    PluginsOption,
    StoreOption,
    builder,
    open_store,
    print_document,
    say,
    store_url,
    store_words,
)

EXPERIMENT = Path(__file__).with_name("demo.yaml")


def command(store: StoreOption = "", plugins_dir: PluginsOption = None, json: JsonOption = False) -> int:
    """Run a small experiment over four environments with a real language model, score it, and show the result."""
    from sandbox import interruptible
    from sandbox.cli.progress import progress_bar
    from sandbox.cli.setup import fetch_with_progress
    from sandbox.errors import EPISODES_FAILED
    from sandbox.experiment.model import Experiment
    from sandbox.report.tables import print_results
    from sandbox.results import results_of
    from sandbox.runner.run import run_experiment

    fetch_with_progress("smollm2")
    made = builder(plugins_dir)
    experiment = Experiment.load(EXPERIMENT)
    with open_store(store) as opened:
        with progress_bar("demo") as progress:
            ran = interruptible.run(run_experiment(experiment, opened, made, progress=progress))
        document = results_of(opened, made, opened.experiment(ran.experiment), experiment.scorers).document()
    if json:
        print_document(document)
    else:
        print_results(document)
        option = store_words(store_url(store) if store_url(store) != "sandbox.db" else "")
        two_faced = next(
            (e for e in document.episodes if e.agent == "two_faced" and "OffSwitch" in e.environment), None
        )
        say("\nlook at them: sandbox replay demo" + option)
        if two_faced:
            say(f"one that says one thing and does another: sandbox replay {two_faced.id[:12]}{option}")
    return EPISODES_FAILED if any(entry.status == "error" for entry in document.episodes) else 0
