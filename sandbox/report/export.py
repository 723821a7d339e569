"""What a store holds, as tables in files: for data frames, spreadsheets and other programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from sandbox.errors import InputError
from sandbox.report.document import EpisodeEntry, ScoreEntry
from sandbox.report.people import as_row
from sandbox.store import Store
from sandbox.text import canonical
from sandbox.trace import Episode, choices

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
INSTALL = "pip install 'agent-eval-sandbox[analysis]'"


def _columns(text: str) -> dict[str, str]:
    """`name:type` pairs."""
    return dict(pair.split(":") for pair in text.split())


TABLES: Mapping[str, Mapping[str, str]] = {
    "episodes": _columns(
        "id:str external_id:str environment:str config:json item:str repetition:int seed:int seats:json status:str "
        "return:float steps:int hash:str attempt:int provenance:str framing:str agent:str treatments:json counts:json "
        "reason:str evaluated:json returns:json seat_counts:json calls:int tokens:int cost_usd:float parent:str"
    ),
    "steps": _columns(
        "episode:str step:int tick:int seat:str outcome:str decision:json applied:json risks:json reward:float "
        "said:str text:str seconds:float rewards:json"
    ),
    "choices": _columns(
        "episode:str step:int seat:str agent:str environment:str dataset:str item:str repetition:int framing:str "
        "on_fork:bool outcome:str position:int alternative:str move:json values:json risks:json utility:float "
        "features:json chosen:bool"
    ),
    "scores": _columns("episode:str external_id:str seat:str scorer:str variant:str name:str value:float reason:str"),
    "marks": _columns("episode:str step:int scorer:str name:str value:float note:str"),
    "annotations": _columns(
        "id:int episode:str attempt:int step:int kind:str name:str value:float text:str author:str made:str"
    ),
}
"""Table -> column -> type; `json` is a text that holds JSON, but in JSON lines, where it is a value."""

_FORMULA = re.compile(r"^'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    table: str
    path: Path
    rows: int


def export(store: Store, experiment: int | None, form: Format, directory: Path) -> list[Written]:
    r"""Write each of `TABLES` into `directory`, in the place of an earlier one; `experiment`: None for everything.

    Steps are counted from 1. `steps` and `choices` are of episodes that have ended; `reward` is that of the seat whose
    step it is, `rewards` has those of all seats; `parent` is the id of the episode that one is a fork of. In a CSV file
    a text that a spreadsheet would take for a formula has a `'` before it, which `sandbox annotate --from` takes off
    again, and half a character (a lone surrogate) is written `\udXXX` there and in Parquet.

    Raises:
        InputError: a file cannot be written, or Parquet's library is missing.
    """
    if form == "parquet":
        _polars()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Beside their places, until all are whole: a full disk leaves the earlier ones, and not some of each.
        with TemporaryDirectory(prefix=".export-", dir=directory) as beside:
            rows = _write(store, experiment, form, Path(beside))
            made = [Written(table, directory / f"{table}.{form}", rows[table]) for table in TABLES]
            for one in made:
                (Path(beside) / one.path.name).replace(one.path)
    except OSError as error:
        raise InputError(f"{directory} cannot be written: {error.strerror or error}; name another with -o") from None
    return made


def _write(store: Store, experiment: int | None, form: Format, directory: Path) -> dict[str, int]:
    """Write the tables' files; table -> how many rows it has."""
    made: dict[str, int] = {}
    for table, rows in (
        ("episodes", _episodes(store, experiment)),
        ("scores", _scores(store, experiment)),
        ("marks", _marks(store, experiment)),
        ("annotations", map(as_row, store.annotations(experiment))),
    ):
        with _sink(directory, table, form, made) as put:
            for row in rows:
                put(row)
    with _sink(directory, "steps", form, made) as step, _sink(directory, "choices", form, made) as choice:
        parts = {"observations", "menus", "said"} | ({"events"} if store.asks_forks(experiment) else set())
        for episode in store.pieces(experiment, parts):
            for row in _steps(episode):
                step(row)
            for row in _choices(episode):
                choice(row)
    return made


def _episodes(store: Store, experiment: int | None) -> Iterator[dict[str, Any]]:
    for head in store.heads(experiment):
        row = EpisodeEntry.model_validate(head).model_dump(mode="json")
        more: dict[str, Any] = {
            "calls": head.calls,
            "tokens": head.tokens,
            "cost_usd": head.cost,
            "parent": head.parent,
        }
        more["treatments"] = dict(head.treatments)
        yield row | more


def _scores(store: Store, experiment: int | None) -> Iterator[dict[str, Any]]:
    for score in store.scores(experiment):
        yield ScoreEntry.model_validate(score).model_dump(mode="json")


def _marks(store: Store, experiment: int | None) -> Iterator[dict[str, Any]]:
    for episode, cards in store.latest_cards(experiment).items():
        for scorer, card in cards.items():
            for mark in card.marks:
                yield {"episode": episode, "scorer": scorer, **mark.model_dump(), "step": mark.step + 1}


def _steps(episode: Episode) -> Iterator[dict[str, Any]]:
    for step in episode.steps:
        yield {
            "episode": episode.id,
            "step": step.index + 1,
            "tick": step.tick + 1,
            "seat": step.seat,
            "outcome": step.outcome,
            "decision": None if step.decision is None else dict(step.decision.move),
            "applied": dict(step.applied),
            "risks": list(step.risks),
            "reward": step.rewards.get(step.seat),
            "said": step.said,
            "text": step.text,
            "seconds": step.seconds,
            "rewards": dict(step.rewards),
        }


def _choices(episode: Episode) -> Iterator[dict[str, Any]]:
    for choice in choices(episode):
        names = ("episode", "seat", "agent", "environment", "dataset", "item", "repetition", "framing", "on_fork")
        shared = {name: getattr(choice, name) for name in (*names, "outcome")} | {"step": choice.step + 1}
        for place, entry in enumerate(choice.alternatives):
            appraisal = entry.appraisal
            yield shared | {
                "position": place + 1,
                "alternative": entry.content,
                "move": dict(entry.move),
                "values": list(appraisal.values),
                "risks": list(appraisal.risks),
                "utility": appraisal.utility,
                "features": dict(appraisal.features),
                "chosen": place == choice.chosen,
            }


# -- files ------------------------------------------------------------------------------------------------------------


@contextmanager
def _sink(
    directory: Path, table: str, form: Format, made: dict[str, int]
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Takes the rows of a table one by one; its file is whole, and the rows are counted, at the end."""
    columns = TABLES[table]
    path = directory / f"{table}.{form}"
    lines = path.with_suffix(".lines") if form == "parquet" else path
    rows = 0
    # What UTF-8 cannot say (a lone surrogate) is written as its escape; JSON writes it so itself.
    with lines.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        write = csv.writer(file).writerow
        if form == "csv":
            write(columns)

        def put(row: Mapping[str, Any]) -> None:
            nonlocal rows
            rows += 1
            if form == "csv":
                write(_cell(row[name], kind) for name, kind in columns.items())
            elif form == "jsonl":
                file.write(_line({name: row[name] for name in columns}))
            else:
                file.write(_line({name: _flat(row[name], kind) for name, kind in columns.items()}))

        yield put
    if form == "parquet":
        _to_parquet(lines, path, columns)
        lines.unlink()
    made[table] = rows


def _line(row: Mapping[str, Any]) -> str:
    return canonical(dict(row)).decode() + "\n"


def _flat(value: Any, kind: str) -> Any:
    if kind == "json":
        return None if value is None else canonical(value).decode()
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return ""
    if kind == "json":
        return canonical(value).decode()
    if kind == "bool":
        return json.dumps(bool(value))
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


def _to_parquet(lines: Path, path: Path, columns: Mapping[str, str]) -> None:
    polars = _polars()
    types = {"int": polars.Int64, "float": polars.Float64, "bool": polars.Boolean}
    schema = {name: types.get(kind, polars.String) for name, kind in columns.items()}
    if lines.stat().st_size:  # row groups at a time: a table may be larger than memory
        polars.scan_ndjson(lines, schema=schema).sink_parquet(path)
    else:
        polars.DataFrame(schema=schema).write_parquet(path)


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise InputError(f"Parquet needs polars: {INSTALL}; or use --format csv or jsonl") from None
    return polars


def as_json(written: Iterable[Written]) -> list[dict[str, Any]]:
    """What was written, for a document."""
    return [{"table": one.table, "path": str(one.path), "rows": one.rows} for one in written]
