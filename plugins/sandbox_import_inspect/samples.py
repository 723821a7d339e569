"""A sample of a log as a recorded trace: a specification, its steps as they are read, and what came of it."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.errors import DatasetError
from sandbox.importing import INVALIDATED, Ending
from sandbox.scorer import Card
from sandbox.trace import AgentSpec, EpisodeSpec, Event, Status, Step
from sandbox_import_inspect.json_stream import UNEXPECTED, BadLog, JsonStream
from sandbox_import_inspect.log_files import Log, Stored
from sandbox_import_inspect.messages import ATTACHED, Attached, as_list, as_text, clipped, fitted, resolved, told
from sandbox_import_inspect.scores import PLACEHOLDER, cards_of
from sandbox_import_inspect.turns import SEAT, Counted, Sample, steps_of_events, steps_of_messages

MOST = 65_536
"""Characters of an item's input, target, metadata, and of each other fact that is kept of a sample."""
IN_MEMORY = 16_000_000
"""Bytes of a sample's messages and attachments that are kept in memory; more go into a temporary file."""


class InspectTrace:
    """One of Inspect's samples. The log is read again for its steps, and never held as a whole.

    Attributes:
        spec: environment `inspect:TASK`, the sample as its item, epochs as repetitions.
        cards: what Inspect's scorers said: `inspect/SCORER` -> its card.
        failed: whether it ended in an error.
        written: when its eval began, in seconds since 1970; 0 for unknown.
    """

    def __init__(self, log: Log, stored: Stored) -> None:
        """Raises BadLog: the sample is none, or damaged."""
        self._log, self._stored = log, stored
        fields, attachments, self._has_events = _fields(stored)
        for name in ("id", "epoch"):
            if not isinstance(fields.get(name), int | str) or isinstance(fields[name], bool):
                raise BadLog(f"no sample: it has no {name}")
        if not isinstance(fields["epoch"], int) or not 1 <= fields["epoch"] < 2**31:
            raise BadLog(f"no sample: its epoch is {fields['epoch']!r}")
        self.sample_id = str(fields["id"])
        self.cards: dict[str, Card] = cards_of(_scores(fields), _first_scorer(log))
        self.failed = fields.get("error") is not None
        self.written = _seconds(log.header["eval"].get("created"))
        self._status, _ = status_of(fields, log)
        try:
            self.spec = spec_of(log.header, fields, attachments.get)
            self.spec.key  # noqa: B018 (which its content may be unfit for)
        except (TypeError, ValueError, RecursionError) as error:
            raise BadLog(f"it makes no specification ({error})") from error
        self._ending: Ending | None = None

    def steps(self) -> Iterator[Step]:
        """From the first, at each call.

        Raises:
            DatasetError: the log turns out to be damaged where it was not read before.
        """
        try:
            yield from self._steps()
        except UNEXPECTED as error:
            raise DatasetError(f"{self._log.path.name}: {self._stored.name}: {BadLog.of(error)}") from error

    def _steps(self) -> Iterator[Step]:
        with _Kept() as kept:
            fields: dict[str, Any] = {}
            for what, name, stream in self._stored.walk():
                if what == "field":
                    fields[name] = stream.value()
                elif what in ("attachment", "pooled") or (what == "message" and not self._has_events):
                    kept.put((what, name), stream)
            counted = Counted()
            sample = Sample(kept.attached, kept.pooled)
            before = _retries(fields, kept.attached)
            if self._has_events:
                yield from steps_of_events(self._events(), sample, counted, before)
            else:
                yield from steps_of_messages(kept.messages(fields.get("message_refs")), sample, before)
            self._ending = self._end(fields, counted, kept.attached)

    def ending(self) -> Ending:
        """What came of it; to be asked for behind the last step."""
        assert self._ending is not None, "the steps come first"
        return self._ending

    def judged(self) -> Ending:
        """What people and scorers may change in Inspect afterwards."""
        return Ending(status=self._status, payoffs=self._payoffs(), cards=self.cards)

    def _events(self) -> Iterator[tuple[Any, int]]:
        for what, _, stream in self._stored.walk():
            if what == "event":
                before = stream.position
                event = stream.value()
                yield event, stream.position - before

    def _end(self, fields: Mapping[str, Any], counted: Counted, attached: Attached) -> Ending:
        status, reason = status_of(fields, self._log)
        facts = {name: fitted(fields[name], MOST, attached) for name in fields if name not in _NOT_FACTS}
        facts = {name: value for name, value in facts.items() if value not in (None, [], {}, "")}
        output = fields.get("output")
        if isinstance(output, Mapping) and isinstance(output.get("completion"), str):
            facts["output"] = clipped(resolved(output["completion"], attached), MOST)
        spec = self._log.header["eval"]
        facts["log"] = self._log.path.name
        facts["log_status"] = str(self._log.header.get("status", "unknown"))
        for name in ("eval_id", "run_id", "created", "revision", "tags", "metadata"):
            if spec.get(name):
                facts[f"eval_{name.removeprefix('eval_')}"] = fitted(spec[name], MOST)
        packages = spec.get("packages")
        return Ending(
            status=status,
            reason=reason,
            payoffs=self._payoffs(),
            facts=facts,
            versions={str(name): str(one) for name, one in packages.items()} if isinstance(packages, Mapping) else {},
            usage=counted.usage,
            cards=self.cards,
        )

    def _payoffs(self) -> dict[str, float]:
        """The first score of the first scorer, which Inspect takes for its headline, where that is a number."""
        first = next(iter(self.cards.values()), Card()).scores[:1]
        return {SEAT: first[0].value} if first and first[0].value is not None else {}


_NOT_FACTS = {"id", "epoch", "input", "choices", "metadata", "output", "scores", "score", "error", "message_refs"}


def spec_of(header: Mapping[str, Any], fields: Mapping[str, Any], attached: Attached) -> EpisodeSpec:
    """The specification of a sample: what it was asked, of whom; the same for the same sample of the same run."""
    spec = header["eval"]
    task, sample, epoch = spec["task"], str(fields["id"]), fields["epoch"]
    uuid = fields.get("uuid")
    run = spec.get("run_id") or spec.get("created") or "unknown"
    dataset = spec.get("dataset")
    config = {
        "version": spec.get("task_version"),
        "args": spec.get("task_args"),
        "dataset": dataset.get("name") if isinstance(dataset, Mapping) else None,
    }
    given = spec.get("model_generate_config")
    settings = {
        "model": str(spec.get("model", "unknown")).replace("/", ":", 1),
        "generate": {name: one for name, one in given.items() if one is not None} if isinstance(given, Mapping) else {},
        "solver_args": spec.get("solver_args"),
        "model_roles": spec.get("model_roles"),
    }
    item = {"id": sample, "input": _input(fields.get("input"), attached)} | {
        name: fitted(fields[name], MOST, attached) for name in ("choices", "target", "metadata") if fields.get(name)
    }
    return EpisodeSpec(
        environment=f"inspect:{clipped(task, 200)}",
        config=_said(config),
        item=item,
        seats={
            SEAT: AgentSpec(
                id=f"inspect:{_solver(header)}", name=str(spec.get("model", "unknown")), config=_said(settings)
            )
        },
        evaluated=(SEAT,),
        repetition=epoch - 1,
        # Logs from before Inspect 0.3.70 have no ids of samples: two runs of a task must not be taken for one.
        external_id=str(uuid) if uuid else f"{task}/{sample}/{epoch}@{run}",
    )


def status_of(fields: Mapping[str, Any], log: Log) -> tuple[Status, str]:
    """How a sample ended, and why."""
    error, limit, invalid = fields.get("error"), fields.get("limit"), fields.get("invalidation")
    if isinstance(error, Mapping):
        said = str(error.get("traceback") or error.get("message") or "an error without words")
        return "error", clipped(said.strip(), MOST)
    if error is not None:
        return "error", clipped(as_text(error), MOST)
    if isinstance(invalid, Mapping):
        return (
            "error",
            f"{INVALIDATED} in Inspect by {invalid.get('author', 'somebody')}: {invalid.get('reason') or 'no reason'}",
        )
    if limit:
        if isinstance(limit, Mapping):
            why = f": {limit['reason']}" if limit.get("reason") else ""
            return "truncated", f"inspect's limit: {limit.get('type')} {as_text(limit.get('limit'))}{why}"
        return "truncated", f"inspect's limit: {as_text(limit)}"
    if not log.ended and not fields.get("completed_at") and not _scores(fields):
        return "truncated", f"the log is of an eval that did not end ({log.header.get('status', 'unknown')})"
    return "finished", ""


# -- inside -----------------------------------------------------------------------------------------------------------


def _fields(stored: Stored) -> tuple[dict[str, Any], dict[str, str], bool]:
    """What of a sample its specification and scores need, attachments in it, and whether there are events."""
    found: dict[str, Any] = {}
    attachments: dict[str, str] = {}
    events, wanted = False, None
    for what, name, stream in stored.walk():
        if what == "event":
            events = True
        elif what == "field" and name in _LOOKED_AT:
            found[name] = stream.value()
        elif what == "attachment":
            if wanted is None:  # they stand behind what they are of
                wanted = set(_ATTACHED.findall(as_text([found.get(one) for one in _ASKED])))
            if name in wanted and isinstance(content := stream.value(), str):
                attachments[name] = content
    return found, attachments, events


_ASKED = ("input", "choices", "target", "metadata")
_ATTACHED = re.compile(f"{ATTACHED}([0-9a-f]{{1,32}})")


_LOOKED_AT = {"id", "epoch", "input", "choices", "target", "metadata", "scores", "score", "uuid", "error"}
_LOOKED_AT |= {"limit", "invalidation", "completed_at"}


def _scores(fields: Mapping[str, Any]) -> Any:
    """By scorer; version 1 had one, without a name."""
    return fields.get("scores") or ({PLACEHOLDER: fields["score"]} if fields.get("score") else {})


def _first_scorer(log: Log) -> str:
    results = log.header.get("results")
    results = results if isinstance(results, Mapping) else {}
    old = results.get("scorer")
    if isinstance(old, Mapping):
        return str(old.get("name", "score"))
    entries = [entry for entry in as_list(results.get("scores")) if isinstance(entry, Mapping)]
    return str(entries[0].get("scorer", "score")) if entries else "score"


def _solver(header: Mapping[str, Any]) -> str:
    """The solver's name; of a plan without one, its steps."""
    spec, plan = header["eval"], header.get("plan")
    if spec.get("solver"):
        return clipped(str(spec["solver"]), 200)
    steps = as_list(plan.get("steps")) if isinstance(plan, Mapping) else ()
    names = [str(step.get("solver", "solver")) for step in steps if isinstance(step, Mapping)]
    return clipped("+".join(names) or "unknown", 200)


def _input(value: Any, attached: Attached) -> Any:
    """What the sample asks: a text, or messages; pictures are in the steps."""
    if isinstance(value, list):
        return fitted([told(message, attached).message for message in value], MOST)
    return fitted(value, MOST, attached)


def _seconds(date: Any) -> float:
    try:
        found = datetime.fromisoformat(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fitted(value, MOST) for name, value in fields.items() if value not in (None, "", [], {})}


def _retries(fields: Mapping[str, Any], attached: Attached) -> list[Event]:
    """Attempts at the sample that ended in an error, and were begun anew."""
    found = []
    for attempt, error in enumerate(as_list(fields.get("error_retries")), 1):
        message = error.get("message") if isinstance(error, Mapping) else error
        found.append(Event(kind="retry", data={"error": fitted(message, MOST, attached), "attempt": attempt}))
    return found


class _Kept:
    """A sample's attachments and messages, by name or place, in a temporary file if they are large."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed on leaving)
        self._places: dict[tuple[str, Any], tuple[int, int]] = {}
        self._end = 0

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def put(self, name: tuple[str, Any], stream: JsonStream) -> None:
        """Keep the value that comes next."""
        data = stream.raw()
        self._file.seek(self._end)
        self._file.write(data)
        self._places[name] = (self._end, len(data))
        self._end += len(data)

    def attached(self, name: str) -> str | None:
        """The content of an attachment."""
        found = self._get(("attachment", name))
        return found if isinstance(found, str) else None

    def pooled(self, place: int) -> Any:
        """A message of the pool."""
        found = self._get(("pooled", place))
        return {"role": "message", "content": f"[message {place} is not in the log]"} if found is None else found

    def messages(self, refs: Any) -> Iterator[Any]:
        """The final conversation."""
        for start, end in (one for one in as_list(refs) if isinstance(one, list) and len(one) == 2):
            for place in range(start, min(end, start + len(self._places))):
                yield self.pooled(place)
        for what, place in self._places:
            if what == "message":
                yield self._get((what, place))

    def _get(self, name: tuple[str, Any]) -> Any:
        if name not in self._places:
            return None
        start, size = self._places[name]
        self._file.seek(start)
        data = self._file.read(size)
        return JsonStream(io.BytesIO(data)).value()
