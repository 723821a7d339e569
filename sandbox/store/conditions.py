"""Filters as conditions on episodes; what a score of an episode is, for all that filters, sorts or shows it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, Select, and_, exists, false, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from sandbox.errors import InputError, UnknownName
from sandbox.store.annotations import has_author, has_label, has_note, is_bookmarked
from sandbox.store.cards import LATEST_CARD
from sandbox.store.rows import Filter, Term
from sandbox.store.tables import CARD, EPISODE, MARK, SCORE, Flag
from sandbox.trace import COUNTS

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COLUMNS = ("total", "steps", "seed", "repetition", "attempt", "calls", "tokens", "cost")
"""Numbers that are columns of an episode."""


_SCORED = EPISODE.alias()  # not the one that a statement around it selects from


class counted(FunctionElement[float]):  # noqa: N801 (named as SQL functions are)
    """A count of the episode (one of `COUNTS`), out of its JSON; 0 where it has none."""

    inherit_cache = True
    type = Float()

    def __init__(self, name: str) -> None:
        assert name in COUNTS  # it becomes a part of the statement
        self.name_of_count = name
        super().__init__(EPISODE.c.counts)

    @property
    def _static_cache_key(self) -> Any:
        return (type(self), self.name_of_count)


@compiles(counted)
def _counted(element: Any, compiler: Any, **more: Any) -> str:
    column = compiler.process(EPISODE.c.counts, **more)
    return f"coalesce(json_extract(CAST({column} AS TEXT), '$.{element.name_of_count}'), 0)"


@compiles(counted, "postgresql")
def _counted_on_server(element: Any, compiler: Any, **more: Any) -> str:
    column = compiler.process(EPISODE.c.counts, **more)
    return f"coalesce((convert_from({column}, 'UTF8')::json ->> '{element.name_of_count}')::double precision, 0)"


def number(name: str) -> ColumnElement[Any]:
    """A number of an episode: one of `COLUMNS` or of `COUNTS`."""
    return EPISODE.c[name] if name in COLUMNS else counted(name)


def split(name: str) -> list[tuple[str, str]]:
    """The scorers and names of scores that `SCORER/NAME` may be: both may have a `/` in them.

    Raises:
        InputError: it has none.
    """
    parts = name.split("/")
    if len(parts) < 2:
        raise InputError(f"no score {name!r}: a score is written SCORER/NAME")
    return [("/".join(parts[:cut]), "/".join(parts[cut:])) for cut in range(1, len(parts))]


def scored(name: str, *, of_many: bool = False, any_seat: bool = False) -> Select[Any]:
    """Columns `episode` and `value`: the score `SCORER/NAME` of each episode's latest attempt that has it.

    By the scorer's latest card; where it has several seats or variants, the first, as a `return` is that of the first
    seat; all of them, a row each, with `any_seat`. `of_many`: whether so many episodes are meant that it pays to look
    first whether any can have two cards of the scorer.
    """
    meant = split(name)
    latest = or_(_one_card_each([scorer for scorer, _ in meant]), LATEST_CARD) if of_many else LATEST_CARD
    query = (
        select(CARD.c.episode, SCORE.c.value)
        .join(SCORE, SCORE.c.card == CARD.c.number)
        .join(_SCORED, and_(_SCORED.c.number == CARD.c.episode, _SCORED.c.attempt == CARD.c.attempt))
        .where(
            # First what tells at a glance: the database would look for earlier scores of every other name, too.
            SCORE.c.name.in_([own for _, own in meant]),
            or_(*(and_(CARD.c.scorer == scorer, SCORE.c.name == own) for scorer, own in meant)),
            latest,
        )
    )
    return query if any_seat else query.where(_first(SCORE))


def _first(score: Any) -> ColumnElement[bool]:
    """No score of this name stands before it in its card."""
    earlier = SCORE.alias()
    before = (earlier.c.card == score.c.card, earlier.c.position < score.c.position, earlier.c.name == score.c.name)
    return or_(score.c.position == 0, ~exists().where(*before))


def scored_in_order(scorer: str, name: str) -> Select[Any]:
    """The same of every episode that the scorer has been over; of several rows about one episode, the last one counts.

    A list takes so much less time to be read, and its reader none to let later rows win, than the database takes to
    find out for each card that no later one exists.
    """
    score = SCORE.alias()
    return (
        select(CARD.c.episode, score.c.value)
        .join(_SCORED, and_(_SCORED.c.number == CARD.c.episode, _SCORED.c.attempt == CARD.c.attempt))
        .outerjoin(score, and_(score.c.card == CARD.c.number, score.c.name == name, _first(score)))
        .where(CARD.c.scorer == scorer)
        .order_by(CARD.c.episode, CARD.c.attempt, CARD.c.number)  # as the index has them
    )


def _one_card_each(scorers: list[str]) -> ColumnElement[bool]:
    """No episode has two cards of one of these scorers."""
    card = CARD.alias()
    twice = select(card.c.episode).where(card.c.scorer.in_(scorers)).group_by(card.c.scorer, card.c.episode)
    return ~exists(twice.having(func.count() > 1))


def conditions(where: Filter) -> Iterator[ColumnElement[bool]]:
    """The filter as conditions on episodes, without those terms for which whole episodes must be read.

    Raises:
        UnknownName: no such flag.
    """
    for name in ("environment", "agent"):
        part = getattr(where, name)
        if part is not None:
            yield EPISODE.c[name].icontains(part, autoescape=True)
    for name in ("item", "status", "framing", "provenance"):
        value = getattr(where, name)
        if value is not None:
            yield EPISODE.c[name] == value
    if where.flag is not None:
        yield _bit(where.flag)
    if where.text is not None:
        yield _words(where.text)
    for term in where.terms:
        if term.key != "text":
            fits = TERMS[term.key](term)
            # What is unknown (a return that is not there) does not fit, and so fits the negation.
            yield func.coalesce(fits, false()).is_(False) if term.negated else fits


def _bit(name: str) -> ColumnElement[bool]:
    try:
        flag = Flag[name.upper()]
    except KeyError:
        raise UnknownName.of_kind("flag", name, (str(known.name).lower() for known in Flag)) from None
    return EPISODE.c.flags.op("&")(int(flag)) != 0


def _words(words: str) -> ColumnElement[bool]:
    searched = ("key", "external_id", "environment", "agent", "item", "reason")
    return or_(*(EPISODE.c[name].icontains(words, autoescape=True) for name in searched))


def _name(term: Term) -> ColumnElement[bool]:
    column = EPISODE.c[term.key]
    return column == term.value if term.sign == "=" else column.icontains(str(term.value), autoescape=True)


def _flag(term: Term) -> ColumnElement[bool]:
    name = str(term.value)
    if name == "error":
        return EPISODE.c.status == "error"
    if name.upper() in Flag.__members__:
        return _bit(name)
    marked = (
        select(CARD.c.episode)
        .join(MARK, MARK.c.card == CARD.c.number)
        .join(_SCORED, and_(_SCORED.c.number == CARD.c.episode, _SCORED.c.attempt == CARD.c.attempt))
        .where(LATEST_CARD)
    )
    return EPISODE.c.number.in_(marked if name == "mark" else marked.where(MARK.c.name == name))


def _compared(column: ColumnElement[Any], term: Term) -> ColumnElement[bool]:
    # Of its own type: of the column's, a server would round it to an integer, or find it out of range.
    value = literal(term.value, BigInteger() if isinstance(term.value, int) else Float())
    compared: ColumnElement[bool] = _SIGNS[term.sign](column, value)
    return compared


def _score(term: Term) -> ColumnElement[bool]:
    return _any_score(term, _compared(SCORE.c.value, term))


def _has(term: Term) -> ColumnElement[bool]:
    return _any_score(term, SCORE.c.value.is_not(None))


def _any_score(term: Term, fits: ColumnElement[bool]) -> ColumnElement[bool]:
    scores = scored(term.name, of_many=True, any_seat=True).where(fits)
    return EPISODE.c.number.in_(scores.with_only_columns(CARD.c.episode, maintain_column_froms=True))


def _condition(term: Term) -> ColumnElement[bool]:
    """A range of hashes that begin so."""
    digits = str(term.value)
    low, high = bytes.fromhex(digits.ljust(32, "0")[:32]), bytes.fromhex(digits.ljust(32, "f")[:32])
    return EPISODE.c.condition_ref.between(low, high)


def _parent(term: Term) -> ColumnElement[bool]:
    return and_(EPISODE.c.parent >= term.value, EPISODE.c.parent < f"{term.value}g")  # 'g' is after all digits


def _label(term: Term) -> ColumnElement[bool]:
    if term.sign == ":":
        return has_label(term.name)
    return has_label(term.name, term.sign, float(term.value))


TERMS: dict[str, Callable[[Term], ColumnElement[bool]]] = {
    "environment": _name,
    "agent": _name,
    **dict.fromkeys(("item", "status", "framing", "provenance"), _name),
    "words": lambda term: _words(str(term.value)),
    "number": lambda term: _compared(number(term.name), term),
    "flag": _flag,
    "score": _score,
    "has": _has,
    "condition": _condition,
    "parent": _parent,
    "fork": lambda term: EPISODE.c.parent.is_not(None),
    "note": lambda term: has_note(str(term.value)),
    "label": _label,
    "by": lambda term: has_author(str(term.value)),
    "bookmarked": lambda term: is_bookmarked(),
}
"""What each kind of `Term` means."""
