"""What a seat is told in one state, as its agent gets it and as a trace records it, each part made when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, TypeAdapter

from sandbox.errors import PluginError
from sandbox.finite import is_finite
from sandbox.menu import Menu, Move, MoveRange, describe, moves
from sandbox.recent import RecentOf
from sandbox.scenario import Appraisal
from sandbox.text import Fragmented, fragment, is_exact
from sandbox.trace import MenuEntry, Outcome, trusted

HEARD = 30  # answers remembered in one state
LONGEST = 500  # bytes of an answer that is remembered: what comes back is short


class Made(NamedTuple):
    """A move as an object, as JSON values, and as a fragment (None where it can be none)."""

    move: Move
    value: dict[str, Any]
    written: bytes | None


def made(move: Move) -> Made:
    """The move in its three forms."""
    value = move.__pydantic_serializer__.to_python(move, mode="json")
    return Made(move, value, fragment(value))


class Answered(NamedTuple):
    """An answer that means a legal move.

    Attributes:
        made: the move.
        entry: the same with its ground truth, as a trace records it.
        outcome: `valid` or `abstention`.
    """

    made: Made
    entry: MenuEntry
    outcome: Outcome


class Record(NamedTuple):
    """What a trace records of what a seat was told.

    Many steps share it, so that nothing in it is to be changed.

    Attributes:
        observation: as JSON values.
        entries: the listed moves and representatives, appraised.
        ranges: the ranges of the menu, in words.
        written: fragments of observation, text, moves and ranges, with commas between them; None if one is none.
    """

    observation: dict[str, Any]
    text: str
    entries: tuple[MenuEntry, ...]
    ranges: tuple[str, ...]
    written: bytes | None


class Teller(Protocol):
    """What a `Told` is made from; every `Scenario` is one."""

    def observe(self, state: Any, seat: str) -> Any:
        """What the seat sees, as a model."""

    def render(self, observation: Any) -> str:
        """The text of it."""

    def menu(self, state: Any, seat: str) -> Menu:
        """The legal moves."""

    def appraise(self, state: Any, seat: str, move: Move) -> Appraisal:
        """Ground truth on one of them."""


class Told:
    """What one seat is told in one state."""

    _observation: Any = None
    _text: str | None = None
    _menu: Menu | None = None
    _record: Record | None = None
    _listed: _Listed | None = None

    def __init__(self, teller: Teller, state: Any, seat: str) -> None:
        self._teller, self._state, self._seat = teller, state, seat
        self._heard: dict[bytes, Answered] = {}
        self._answers: dict[tuple[type[Move], bytes], Answered] = {}

    def observation(self) -> Any:
        """The scenario's own model of it."""
        if self._observation is None:
            self._observation = self._teller.observe(self._state, self._seat)
        return self._observation

    def text(self) -> str:
        """The observation rendered."""
        if self._text is None:
            text = self._teller.render(self.observation())
            if not isinstance(text, str):
                raise PluginError(f"render() gave {type(text).__name__}, and not a text")
            self._text = text
        return self._text

    def menu(self) -> Menu:
        """The legal moves."""
        if self._menu is None:
            self._menu = self._teller.menu(self._state, self._seat)
        return self._menu

    @property
    def recorded(self) -> bool:
        """Whether the `record` is made."""
        return self._record is not None

    def known(self, raw: object) -> Answered | None:
        """What an answer means that is one of the menu's own moves, or was understood before; else None."""
        if type(raw) is not dict:
            return None if self._listed is None else self._listed.own.get(id(raw))
        written = _plain_fragment(raw) if self._heard else None
        return None if written is None else self._heard.get(written)

    def understand(self, raw: object, move: Move) -> Answered:
        """A legal move with its ground truth; from now on `raw` is `known` to mean it. Ask for the `record` first."""
        one = made(move)
        found = None
        key = (type(move), one.written) if one.written is not None and is_exact(one.value, one.written) else None
        if key is not None:
            found = self._answers.get(key) or (None if self._listed is None else self._listed.written.get(key))
        if found is None:
            found = _answered(one, self.appraised(move))
            # So that whoever plays by rule and comes back here is recorded by the very same objects.
            if key is not None:
                _note(self._answers, key, found, len(key[1]))
        if type(raw) is dict:
            written = _plain_fragment(raw)
            if written is not None:
                _note(self._heard, written, found, len(written))
        return found

    def appraise(self, move: Move) -> Appraisal:
        """Ground truth on a legal move."""
        return self._teller.appraise(self._state, self._seat, move)

    def appraised(self, move: Move) -> Appraisal:
        """The same, looked at.

        Raises:
            PluginError: the scenario's appraisal is none.
        """
        appraisal = self.appraise(move)
        if not isinstance(appraisal, Appraisal):
            raise PluginError(f"appraise() gave {type(appraisal).__name__}, and not an Appraisal")
        return appraisal

    def record(self) -> Record:
        """All of it, for a trace."""
        if self._record is None:
            told: BaseModel = self.observation()
            observation = told.__pydantic_serializer__.to_python(told, mode="json")
            text, offered = self.text(), _offered(self.menu())
            seen, said = fragment(observation), fragment(text)
            if seen is not None and (_is_finite(type(told)) or is_exact(observation, seen)):
                observation = Fragmented(observation, seen)
            listed = _listed(self.menu(), offered, [self.appraised(one.move) for one in offered.moves])
            written = None
            if seen is not None and said is not None and offered.written is not None:
                written = b"%b,%b,%b" % (seen, said, offered.written)
            self._listed = listed
            self._record = Record(observation, text, listed.entries, offered.ranges, written)
        return self._record


KeyT = TypeVar("KeyT")


def _note(known: dict[KeyT, Answered], key: KeyT, answered: Answered, size: int) -> None:
    if size <= LONGEST:
        if len(known) >= HEARD:
            known.clear()
        known[key] = answered


class _Offered(NamedTuple):
    """A menu as a trace records it, before its moves are appraised."""

    moves: tuple[Made, ...]
    ranges: tuple[str, ...]
    written: bytes | None


_MENUS: RecentOf[_Offered] = RecentOf(2_000)  # entries


def _offered(menu: Menu) -> _Offered:
    """Many states offer the very same menu: what is written of it is written once."""
    found = _MENUS.get((menu,))
    if found is None:
        listed = tuple(made(move) for move in moves(menu))
        ranges = tuple(describe((entry,)) for entry in menu if isinstance(entry, MoveRange))
        written = fragment([[one.value for one in listed], ranges])
        found = _Offered(listed, ranges, None if written is None else written[1:-1])
        _MENUS.put((menu,), found, 1 + len(listed))
    return found


class _Listed(NamedTuple):
    """A menu's moves with their ground truth; by the `id` of those that the menu itself holds, and as written."""

    entries: tuple[MenuEntry, ...]
    own: Mapping[int, Answered]
    written: Mapping[tuple[type[Move], bytes], Answered]


_LISTS: RecentOf[_Listed] = RecentOf(2_000)  # entries


def _listed(menu: Menu, offered: _Offered, appraisals: list[Appraisal]) -> _Listed:
    """Where a menu comes back with the very appraisals, what is recorded of them is the very same, too."""
    of = (menu, *appraisals)
    found = _LISTS.get(of)
    if found is None:
        listed = [_answered(one, appraisal) for one, appraisal in zip(offered.moves, appraisals, strict=True)]
        held = {id(entry) for entry in menu}  # a range's representatives go the way of all answers
        written: dict[tuple[type[Move], bytes], Answered] = {}
        for one in listed:
            if one.made.written is not None:
                written.setdefault((type(one.made.move), one.made.written), one)
        own = {id(one.made.move): one for one in listed if id(one.made.move) in held}
        found = _Listed(tuple(one.entry for one in listed), own, written)
        _LISTS.put(of, found, 1 + len(listed))
    return found


def _answered(one: Made, appraisal: Appraisal) -> Answered:
    entry = trusted(MenuEntry, {"move": one.value, "appraisal": appraisal})
    return Answered(one, entry, "abstention" if one.move.abstains else "valid")


@lru_cache(maxsize=1024)
def _is_finite(kind: type[BaseModel]) -> bool:
    return is_finite(TypeAdapter(kind))


_EXACT = frozenset({str, int, bool, type(None)})


def _plain_fragment(raw: dict[str, Any]) -> bytes | None:
    """The JSON of an answer that nothing else has the JSON of: a NaN, an enum or an instance of a subclass would."""
    for value in raw.values():
        if type(value) not in _EXACT:
            return None
    return fragment(raw)
