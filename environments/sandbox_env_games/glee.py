"""GLEE's records of games: replay vectors (`cases.jsonl`), and its own folders of `config.json` and `game.csv`.

The formats are those of Shapira et al., "GLEE: A Unified Framework and Benchmark for Language-based Economic
Environments" (2024, arXiv:2410.05254), whose code is github.com/eilamshapira/GLEE. Every recorded move goes through the
real game here, so that whatever its rules do not allow is found, and named, before anything is imported.
"""

from __future__ import annotations

import csv
import io
import json
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sandbox.errors import DatasetError, did_you_mean
from sandbox.importing import Record
from sandbox.menu import InvalidAction, read
from sandbox.scenario import NATURE, Item, Scenario
from sandbox_env_games.bargaining import Bargaining
from sandbox_env_games.negotiation import Negotiation
from sandbox_env_games.persuasion import Persuasion

TOLD = 20
"""GLEE tells its players the number of rounds where it is no more than this (`build_max_round` in games/bargaining,
`build_next_rounds_info_seller` in games/negotiation); 99 stands for no limit there."""
ABSENT = ("", "None")
"""What a cell of `game.csv` holds where there is nothing."""
OTHER = {"Alice": "Bob", "Bob": "Alice"}
ANSWERS = {"AcceptOffer": "accept", "RejectOffer": "reject"}
ANSWERS |= {"SellToJhon": "sell_to_john", "BuyFromJhon": "buy_from_john"}
ROLES = {"Alice": "seller", "Bob": "buyer"}
JOHNS = {"Alice": "sell_to_john", "Bob": "buy_from_john"}

Cells = Mapping[str, Any]
RawMove = tuple[str, dict[str, Any], str]
"""Whose it is, what it is, and the field that says so."""


class GleeImporter:
    """`sandbox import glee PATH`: `cases.jsonl`, a folder with `config.json` and `game.csv`, or a folder of such.

    Chance is as it was recorded. A message that a record lacks is None; one that GLEE itself delivered to nobody (with
    an answer, or in a game without messages) is left out. Agents are called after the model that the record names for
    their seat, or after the file. The source's own id is `game_id`, or the folder's name (its path
    below PATH, where there are several of that name).
    """

    options: ClassVar[Mapping[str, str]] = {}

    def records(self, path: Path) -> Iterator[Record]:
        """A record per game, in order of lines or folders; DatasetError, with every fault, before the first of them."""
        faults: list[str] = []
        sources = _folders(path, faults) if path.is_dir() else _lines(path, faults)
        found = [record for source in sources if (record := _record(source, faults))]
        if faults:
            raise DatasetError.of(str(path), faults)
        if not found:
            raise DatasetError(f"{path}: there is no game in it: expected lines as in cases.jsonl, or a game.csv")
        return iter(found)


# -- the three families -------------------------------------------------------------------------------------------


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number, also as programs write it that know only floats: 12.0."""


class BargainingArgs(_Fields):
    """`game_args` of a bargaining game."""

    money_to_divide: Whole
    max_rounds: Whole
    complete_information: bool
    messages_allowed: bool
    delta_1: float
    delta_2: float
    show_inflation_update: bool = True  # a matter of words
    timeout: float | None = None  # of model calls; so below


class NegotiationArgs(_Fields):
    """`game_args` of a negotiation game."""

    seller_value: float
    buyer_value: float
    product_price_order: Whole
    max_rounds: Whole
    complete_information: bool
    messages_allowed: bool
    timeout: float | None = None


class PersuasionArgs(_Fields):
    """`game_args` of a persuasion game; the defaults are those of GLEE's `PersuasionGame`."""

    p: float
    v: float
    c: float
    product_price: Whole
    total_rounds: Whole = 20
    is_seller_know_cv: bool = True
    is_buyer_know_p: bool = True
    seller_message_type: Literal["text", "binary"] = "text"
    is_myopic: bool
    allow_buyer_message: Literal[False] = False  # there are no such messages here
    timeout: float | None = None


class _Round(_Fields):
    round: Whole
    message: str | None = None


class BargainingRound(_Round):
    """A round of bargaining, as `cases.jsonl` names its fields."""

    proposer: Literal["Alice", "Bob"]
    alice_gain: float
    bob_gain: float
    decision: Literal["accept", "reject"]


class NegotiationRound(_Round):
    """A round of negotiation. GLEE takes `DealWithJhon` as well: whichever option with John is the receiver's."""

    proposer: Literal["Alice", "Bob"]
    product_price: float
    decision: Literal["AcceptOffer", "RejectOffer", "SellToJhon", "BuyFromJhon", "DealWithJhon"]


class PersuasionRound(_Round):
    """A round of persuasion."""

    quality: Literal["high", "low", "high-quality", "low-quality"]
    recommend: bool | None = None
    buy: bool


class Family(ABC):
    """How the games of one family are recorded, and played here."""

    scenario: Scenario[Any, Any]
    args: type[_Fields]
    rounds: type[_Round]
    called: ClassVar[Mapping[str, str]]
    """Field of the config -> the arg that it is made of."""
    rows: ClassVar[Sequence[Mapping[str, str]]]
    """Of `game.csv`, one round: field -> column, for each of its rows."""

    @abstractmethod
    def config(self, args: Any) -> dict[str, Any]:
        """The fields of the config."""

    @abstractmethod
    def moves(self, config: Any, one: Any) -> Iterator[RawMove]:
        """What is done in a round, in order."""

    @abstractmethod
    def players(self, number: int) -> Sequence[str]:
        """Who writes the rows of a round."""

    def faults(self, config: Any, one: Any) -> Iterator[tuple[str, str]]:
        """What contradicts itself in a round: field and fault."""
        return iter(())


class _Alternating(Family):
    """Alice, player 1, offers in odd rounds."""

    def config(self, args: BargainingArgs | NegotiationArgs) -> dict[str, Any]:
        return {
            "rounds": args.max_rounds,
            "horizon_told": args.max_rounds <= TOLD,
            "information": "complete" if args.complete_information else "incomplete",
            "messages": args.messages_allowed,
        }

    def players(self, number: int) -> Sequence[str]:
        return ("Alice", "Bob") if number % 2 else ("Bob", "Alice")


class _Bargaining(_Alternating):
    scenario = Bargaining()
    args = BargainingArgs
    rounds = BargainingRound
    called: ClassVar[Mapping[str, str]] = {
        "money": "money_to_divide",
        "deltas": "delta_1, delta_2",
        "rounds": "max_rounds",
    }
    rows = (
        {"alice_gain": "{Alice}_gain", "bob_gain": "{Bob}_gain", "message": "message"},
        {"decision": "decision"},
    )

    def config(self, args: BargainingArgs) -> dict[str, Any]:  # type: ignore[override]  # narrower
        own = {"money": args.money_to_divide, "deltas": (args.delta_1, args.delta_2)}
        return own | super().config(args)

    def moves(self, config: Any, one: BargainingRound) -> Iterator[RawMove]:
        offer = {"kind": "offer", "alice_gain": one.alice_gain} | _message(config.messages, one.message)
        yield one.proposer.lower(), offer, "alice_gain"
        yield OTHER[one.proposer].lower(), {"kind": one.decision}, "decision"

    def faults(self, config: Any, one: BargainingRound) -> Iterator[tuple[str, str]]:
        total = one.alice_gain + one.bob_gain
        if not math.isclose(total, config.money, abs_tol=1e-6):
            yield "bob_gain", f"the gains sum to {total:g}, not to money_to_divide, {config.money}"


class _Negotiation(_Alternating):
    scenario = Negotiation()
    args = NegotiationArgs
    rounds = NegotiationRound
    called: ClassVar[Mapping[str, str]] = {
        "price": "product_price_order",
        "values": "seller_value, buyer_value",
        "rounds": "max_rounds",
    }
    rows = ({"product_price": "product_price", "message": "message"}, {"decision": "decision"})

    def config(self, args: NegotiationArgs) -> dict[str, Any]:  # type: ignore[override]  # narrower
        own = {"price": args.product_price_order, "values": (args.seller_value, args.buyer_value)}
        return own | super().config(args)

    def moves(self, config: Any, one: NegotiationRound) -> Iterator[RawMove]:
        offer = {"kind": "offer", "price": one.product_price} | _message(config.messages, one.message)
        yield ROLES[one.proposer], offer, "product_price"
        receiver = OTHER[one.proposer]
        yield ROLES[receiver], {"kind": ANSWERS.get(one.decision, JOHNS[receiver])}, "decision"


class _Persuasion(Family):
    scenario = Persuasion()
    args = PersuasionArgs
    rounds = PersuasionRound
    called: ClassVar[Mapping[str, str]] = {"price": "product_price", "rounds": "total_rounds"}
    rows = (
        {"quality": "round_quality"},
        {"recommend": "decision", "message": "message"},
        {"buy": "decision"},
    )

    def config(self, args: PersuasionArgs) -> dict[str, Any]:
        return {
            "price": args.product_price,
            "p": args.p,
            "v": args.v,
            "c": args.c,
            "rounds": args.total_rounds,
            "seller_knows_values": args.is_seller_know_cv,
            "buyer_knows_p": args.is_buyer_know_p,
            "messages": args.seller_message_type,
            "buyers": "myopic" if args.is_myopic else "long_lived",
        }

    def moves(self, config: Any, one: PersuasionRound) -> Iterator[RawMove]:
        yield NATURE, {"kind": "quality", "high": one.quality.startswith("high")}, "quality"
        if config.messages == "text":
            yield "seller", {"kind": "say"} | _message(True, one.message), "message"
        else:
            yield "seller", {"kind": "recommend", "yes": one.recommend}, "recommend"
        yield config.buyer(one.round), {"kind": "buy" if one.buy else "decline"}, "buy"

    def players(self, number: int) -> Sequence[str]:
        return ("Nature", "Alice", "Bob")


FAMILIES: Mapping[str, Family] = {
    "bargaining": _Bargaining(),
    "negotiation": _Negotiation(),
    "persuasion": _Persuasion(),
}


def _message(heard: bool, said: str | None) -> dict[str, Any]:
    return {"message": said} if heard and said is not None else {}


# -- from a source to a record ------------------------------------------------------------------------------------


class RawRound(NamedTuple):
    """A round as it was read, with where each field stands; `places[""]` is the whole."""

    fields: Cells
    places: Mapping[str, str]

    def place(self, name: str) -> str:
        """Where a field stands, or ought to stand."""
        return self.places.get(name) or f"{self.places['']}, {name}"


@dataclass(frozen=True)
class Source:
    """A game as it was read.

    Attributes:
        id: the source's own.
        place: where it stands, for faults; so `args_place`.
        agents: Alice's and Bob's names; empty where the record has none, and then both are called `agent`.
        typed: fields of the rounds have types of their own, as JSON has; all cells of a table are text.
    """

    id: str
    place: str
    family: Family
    args: Cells
    args_place: str
    rounds: Sequence[RawRound]
    agents: Mapping[str, str]
    agent: str
    typed: bool


def _record(source: Source, faults: list[str]) -> Record | None:
    """The game as a record; None, with the faults added, where it is not a whole game by the rules."""
    before, family = len(faults), source.family
    config = _config(source, faults)
    moves: list[tuple[RawMove, RawRound]] = []
    for number, raw in enumerate(source.rounds, start=1):
        try:
            one = family.rounds.model_validate(raw.fields, strict=source.typed)
        except ValidationError as error:
            faults += [f"{raw.place(name)}: {said}" for name, said in _said(error, family.rounds)]
            continue
        if one.round != number:
            faults.append(f"{raw.place('round')}: is {one.round}, expected {number}")
        elif config is not None:
            faults += [f"{raw.place(name)}: {said}" for name, said in family.faults(config, one)]
            moves += [(move, raw) for move in family.moves(config, one)]
    if config is None or len(faults) > before:
        return None
    if not _legal(source, config, moves, faults):
        return None
    seats = family.scenario.seats(config)
    answers: dict[str, list[Mapping[str, Any]]] = {seat: [] for seat in (NATURE, *seats)}
    for (seat, move, _), _ in moves:
        answers[seat].append(move)
    names = {seat: source.agents["Alice" if index == 0 else "Bob"] for index, seat in enumerate(seats) if source.agents}
    return Record(
        environment=family.scenario.id,
        config=config.model_dump(mode="json"),
        agent=source.agent,
        agents=names,
        answers={seat: tuple(answers[seat]) for seat in seats},
        nature=tuple(answers[NATURE]),
        external_id=source.id,
    )


def _config(source: Source, faults: list[str]) -> BaseModel | None:
    family, place = source.family, source.args_place
    known = family.scenario.Config
    try:
        args = family.args.model_validate(source.args, strict=True)
    except ValidationError as error:
        faults += [f"{place}.{name}: {said}" for name, said in _said(error, family.args)]
        return None
    try:
        return known.model_validate(family.config(args))
    except ValidationError as error:
        for name, said in _said(error, known):
            field = name.partition(".")[0]
            faults.append(f"{place}.{family.called.get(field, field)}: {said}")
        return None


def _legal(source: Source, config: BaseModel, moves: Iterable[tuple[RawMove, RawRound]], faults: list[str]) -> bool:
    """Whether the moves are a whole game, by its own rules; what is not is added to the faults."""
    scenario, before = source.family.scenario, len(faults)
    state = scenario.initial(config, Item())
    for (seat, raw, name), one in moves:
        to_move = scenario.to_move(state)
        if seat not in to_move:
            turn = f"it is the turn of {' and '.join(to_move)}" if to_move else "the game is over by then"
            faults.append(f"{one.place(name)}: {seat} moves, but {turn}")
            return False
        try:
            move = scenario.action.validate_python(raw)
        except ValidationError as error:
            for path, said in _said(error):
                faults.append(f"{one.place('message' if path.endswith('message') else name)}: {said}")
            move = None
        if move is not None and seat != NATURE:
            legal = read(scenario.menu(state, seat), scenario.action, raw)
            if isinstance(legal, InvalidAction):
                faults.append(f"{one.place(name)}: {legal.message}")
                move = None
        # Something legal in its place, to see what else is wrong; none of it is imported.
        state = scenario.apply(state, {seat: scenario.reference(state, seat) if move is None else move})
    if len(faults) == before and (left := scenario.to_move(state)):
        faults.append(f"{source.place}: the record ends before the game does; next is {' and '.join(left)}")
    return len(faults) == before


EXPECTED = {
    "model_type": "expected an object, {...}",
    "model_attributes_type": "expected an object, {...}",
    "dict_type": "expected an object, {...}",
    "tuple_type": "expected a list, [...]",
}
"""What pydantic says of types in the words of Python, in those of JSON."""


def _said(error: ValidationError, model: type[BaseModel] | None = None) -> Iterator[tuple[str, str]]:
    """Field (with dots; '' for the whole) and fault of each thing that is wrong."""
    for fault in error.errors():
        name = ".".join(map(str, fault["loc"]))
        if fault["type"] == "missing":
            yield name, "is missing"
        elif fault["type"] == "extra_forbidden":
            yield name, f"is not known{did_you_mean(name, model.model_fields if model else ())}"
        else:
            said = EXPECTED.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
            yield name, f"{said} (found {fault['input']!r:.60})"


def _json(text: str) -> Any:
    """What the text says. Raises ValueError, with what is wrong with it."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except _RepeatedKeyError:
        raise
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None


class _RepeatedKeyError(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError(f"more than once in one object: {_repeated(name for name, _ in pairs)}")
    return found


def _repeated(names: Iterable[str]) -> str:
    return ", ".join(f"{name!r:.60}" for name, count in Counter(names).items() if count > 1)


# -- cases.jsonl --------------------------------------------------------------------------------------------------


class Case(_Fields):
    """A line of `cases.jsonl`."""

    game_id: str = Field(min_length=1)
    family: Literal["bargaining", "negotiation", "persuasion"]
    args: dict[str, Any]
    moves: tuple[dict[str, Any], ...]


def _lines(path: Path, faults: list[str]) -> Iterator[Source]:
    seen: dict[str, str] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        place = f"line {number}"
        if not line.strip():
            continue
        try:
            case = Case.model_validate(_json(line))
        except ValidationError as error:
            faults += [f"{place}, {name}: {said}" if name else f"{place}: {said}" for name, said in _said(error, Case)]
            continue
        except ValueError as error:
            faults.append(f"{place}: {error}")
            continue
        if seen.setdefault(case.game_id, place) != place:
            faults.append(f"{place}, game_id: {case.game_id!r:.60} is that of {seen[case.game_id]}, too")
        rounds = []
        for index, move in enumerate(case.moves):
            whole = f"{place}, moves[{index}]"
            rounds.append(RawRound(move, {"": whole} | {name: f"{whole}.{name}" for name in move}))
        yield Source(
            id=case.game_id,
            place=place,
            family=FAMILIES[case.family],
            args=case.args,
            args_place=f"{place}, args",
            rounds=rounds,
            agents={},
            agent=path.stem,
            typed=True,
        )


# -- folders ------------------------------------------------------------------------------------------------------


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)  # GLEE's configs have much else


class Player(_Loose):
    """`player_1_args` or `player_2_args` of `config.json`."""

    public_name: str
    model_name: str | None = None
    delta: Annotated[float, Field(strict=True)] | None = None


class Setup(_Loose):
    """`config.json`."""

    game_type: Literal["bargaining", "negotiation", "persuasion"]
    player_1_args: Player
    player_2_args: Player
    game_args: dict[str, Any]


def _folders(path: Path, faults: list[str]) -> Iterator[Source]:
    files = [*path.rglob("config.json"), *path.rglob("game.csv")]
    folders = sorted({file.parent for file in files})
    names = Counter(folder.resolve().name for folder in folders)
    for folder in folders:
        inside, name = folder.relative_to(path).as_posix(), folder.resolve().name
        place = "" if folder == path else f"{inside}/"
        try:
            source = _folder(folder, name if names[name] == 1 else inside, place, faults)
        except DatasetError as fault:
            faults.append(str(fault))
        else:
            if source is not None:
                yield source


def _folder(folder: Path, id_: str, place: str, faults: list[str]) -> Source | None:
    setup_place = f"{place}config.json"
    try:
        setup = Setup.model_validate(_json(_text(folder / "config.json")))
    except ValidationError as error:
        faults += [": ".join(filter(None, (setup_place, *fault))) for fault in _said(error)]
        return None
    except ValueError as error:
        faults.append(f"{setup_place}: {error}")
        return None
    family, args = FAMILIES[setup.game_type], setup.game_args
    if setup.game_type == "bargaining":
        args = _with_deltas(setup, setup_place, faults)
    players = {"Alice": setup.player_1_args, "Bob": setup.player_2_args}
    names = {role: player.public_name for role, player in players.items()}
    rows = _table(folder / "game.csv", f"{place}game.csv", faults)
    if rows is None:
        return None
    agents = {role: player.model_name or player.public_name for role, player in players.items()}
    return Source(
        id=id_,
        place=f"{place}game.csv",
        family=family,
        args=args,
        args_place=f"{setup_place}: game_args",
        rounds=list(_rounds(family, names, rows, faults)),
        agents=agents,
        agent=agents["Alice"],
        typed=False,
    )


def _with_deltas(setup: Setup, place: str, faults: list[str]) -> dict[str, Any]:
    """`game_args` with the deltas, which older records have with the players, and some in both places."""
    args = dict(setup.game_args)
    for name, player in (("delta_1", setup.player_1_args), ("delta_2", setup.player_2_args)):
        if args.get(name) is None:
            args.pop(name, None)
            if player.delta is not None:
                args[name] = player.delta
        elif player.delta not in (None, args[name]):
            which = name.replace("delta", "player")
            faults.append(f"{place}: game_args.{name} is {args[name]}, and {which}_args.delta {player.delta}")
    return args


Row = tuple[str, Cells]
"""Where it stands, and its cells without the empty ones."""


def _table(path: Path, place: str, faults: list[str]) -> list[Row] | None:
    """The rows of a `game.csv`; those of the wrong length become faults. None, with the fault, where it is no table."""
    lines = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = next(lines, [])
        named = [name for name in header if name not in ABSENT]
        if len(set(named)) < len(named):
            faults.append(f"{place}, header: more than once: {_repeated(named)}")
            return None
        for number, cells in enumerate((cells for cells in lines if cells), start=1):
            where = f"{place}, row {number}"
            if len(cells) != len(header):
                short = min(len(cells), len(header))
                faults.append(f"{where}, column {short + 1}: {len(cells)} cells, expected {len(header)}")
            found = zip(header, cells, strict=False)
            rows.append((where, {name: cell for name, cell in found if cell not in ABSENT}))
    except csv.Error as error:
        faults.append(f"{place}, line {lines.line_num} of the file: {error}; nothing below it was read")
        return None
    return rows


def _rounds(family: Family, names: Mapping[str, str], rows: Sequence[Row], faults: list[str]) -> Iterator[RawRound]:
    """The rounds that the rows make, a player's move in each."""
    size = len(family.rows)
    columns = {role: name.lower().replace(" ", "_") for role, name in names.items()}  # as GLEE does (`lower_name`)
    for number, first in enumerate(range(0, len(rows), size), start=1):
        players = family.players(number)
        fields: dict[str, Any] = {}
        places = {"": rows[first][0]}
        if "proposer" in family.rounds.model_fields:
            fields["proposer"] = players[0]
        for (where, cells), role, wanted in zip(rows[first : first + size], players, family.rows, strict=False):
            writers = _writers(family, role, names)
            if cells.get("player") not in writers:
                faults.append(f"{where}, player: is {cells.get('player')!r:.60}, expected {writers[0]!r}")
            counted = _whole_cell(cells.get("round"))
            if fields.setdefault("round", counted) != counted:
                faults.append(f"{where}, round: is {counted!r:.60}, expected {fields['round']!r:.60}")
            places.setdefault("round", f"{where}, round")
            for field, pattern in wanted.items():
                column = pattern.format_map(columns)
                places[field] = f"{where}, {column}"
                if column in cells:
                    fields[field] = cells[column]
        yield RawRound(fields, places)


def _whole_cell(cell: str | None) -> str | None:
    """Without the `.0` that programs add which know only floats."""
    return cell and cell.removesuffix(".0")


def _writers(family: Family, role: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """What stands in the column `player` for the role."""
    if role == "Bob" and isinstance(family, _Persuasion):
        return names[role], "the buyer"  # what GLEE calls him where each round has a buyer of its own
    return (names.get(role, role),)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
