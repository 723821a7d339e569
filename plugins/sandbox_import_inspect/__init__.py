"""`sandbox import inspect`: logs of Inspect (inspect_ai) as recorded traces; the package itself is not needed.

A sample is an episode, an epoch a repetition, a turn of the assistant a step. What a step holds of the log, and what is
left out, is said in `docs/importing.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from sandbox.errors import DatasetError
from sandbox.importing import Notes
from sandbox.scorer import Card
from sandbox_import_inspect.json_stream import UNEXPECTED, BadLog
from sandbox_import_inspect.log_files import ENDINGS, Log, log_paths, open_log
from sandbox_import_inspect.samples import InspectTrace
from sandbox_import_inspect.scores import differing


class InspectImporter:
    """Reads `.eval` and `.json` logs, or folders of them."""

    options: ClassVar[Mapping[str, str]] = {}

    def traces(self, path: Path, notes: Notes) -> Iterator[InspectTrace]:
        """The samples of the logs at `path`, in the order of their names and then of the samples in them.

        A file or a sample that cannot be read is a fault in `notes`; the others are given all the same.

        Raises:
            DatasetError: there is no log at all.
        """
        if not path.exists():
            raise DatasetError(f"{path}: no such file or folder")
        paths = log_paths(path)
        if not paths:
            raise DatasetError(f"{path}: no log in it (files that end in {' or '.join(ENDINGS)})")
        for one in paths:
            where = str(one.relative_to(path)) if path.is_dir() else one.name
            try:
                log = open_log(one)
            except UNEXPECTED as error:
                notes.faults.append(f"{where}: {BadLog.of(error)}")
                continue
            yield from _traces(log, where, notes)


def _traces(log: Log, where: str, notes: Notes) -> Iterator[InspectTrace]:
    said: list[tuple[str, Mapping[str, Card]]] = []
    for stored in log.samples:
        try:
            trace = InspectTrace(log, stored)
        except UNEXPECTED as error:
            notes.faults.append(f"{where}: {stored.name}: {BadLog.of(error)}")
            continue
        if trace.cards or not trace.failed:  # one that failed may have been scored all the same
            said.append((trace.sample_id, trace.cards))
        yield trace
    cut = f", and its file is cut off ({log.header['cut']})" if "cut" in log.header else ""
    if not log.ended:
        planned = _planned(log)
        of = f" of {planned}" if planned else ""
        notes.warnings.append(f"{where}: the eval did not end{cut}: {len(log.samples)}{of} samples are in the log")
    elif not log.samples:
        notes.warnings.append(f"{where}: there are no samples in it (status {log.header.get('status')})")
    notes.warnings += [f"{where}: {fault}" for fault in differing(log.header.get("results"), said)]


def _planned(log: Log) -> int:
    spec = log.header["eval"]
    config, dataset = spec.get("config"), spec.get("dataset")
    epochs = config.get("epochs") if isinstance(config, Mapping) else None
    samples = dataset.get("samples") if isinstance(dataset, Mapping) else None
    return samples * (epochs if isinstance(epochs, int) else 1) if isinstance(samples, int) else 0
