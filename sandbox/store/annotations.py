"""What people say of episodes, in the database: written at once, found again, and conditions for filters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, exists, func, insert, select, update

from sandbox.annotation import Annotation, Kind, checked_name, checked_text, checked_value
from sandbox.errors import InputError, UnknownName
from sandbox.store.database import chunks
from sandbox.store.tables import ANNOTATION, CARD, EPISODE, MARK, MEMBERSHIP, SCORE, STEP

OF_PEOPLE = "people:"
"""Begins the `config` of a card by a scorer that reads annotations: such cards end with what they were made of."""

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""How a label's value may be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """What somebody says; as `Annotation`. A label without a value is a yes, and may have a `text`, its reason."""

    kind: Kind
    author: str
    step: int | None = None
    name: str = ""
    value: float | None = None
    text: str = ""

    def checked(self, hide: Callable[[str], str]) -> Saying:
        """The same as it is stored, with only what its kind has; `hide` takes credentials out of a text.

        Raises:
            InputError: a name or a note is empty or too long, or the value is not finite.
        """
        label = self.kind == "label"
        written = self.kind == "note" or (label and self.text.strip())
        return replace(
            self,
            author=hide(checked_name(self.author, "the author's name")),
            name=hide(checked_name(self.name, "the label's name")) if label else "",
            value=checked_value(1.0 if self.value is None else self.value) if label else None,
            text=hide(checked_text(self.text)) if written else "",
        )


def add(connection: Connection, number: int, saying: Saying) -> int:
    """The number of what somebody now says of the episode `number`; in a transaction that writes.

    A label replaces the author's own of that name in that place; a bookmark or a very note that is there stays.

    Raises:
        InputError: the episode's latest attempt has no such step.
    """
    step, kind = saying.step, saying.kind
    attempt = connection.execute(select(EPISODE.c.attempt).where(EPISODE.c.number == number)).scalar_one()
    of_attempt = and_(STEP.c.episode == number, STEP.c.attempt == attempt)
    last = connection.execute(select(func.max(STEP.c.index)).where(of_attempt)).scalar()
    steps = 0 if last is None else last + 1  # also of an episode that is being run
    if step is not None and not 0 <= step < steps:
        has = f"steps 1 to {steps}" if steps else "no steps"
        raise InputError(f"no step {step + 1}: the episode has {has}")
    values = {"value": saying.value, "text": saying.text, "made": datetime.now(UTC).isoformat(timespec="seconds")}
    own = {"episode": number, "attempt": attempt, "step": step, "kind": kind}
    own |= {"name": saying.name, "author": saying.author}
    same = {**own, "text": saying.text} if kind == "note" else own
    before = select(ANNOTATION.c.id).where(
        *(ANNOTATION.c[column].is_not_distinct_from(it) for column, it in same.items())
    )
    found = connection.execute(before).scalar()
    if found is not None and kind != "label":
        return int(found)
    _forget_cards(connection, number)
    if found is not None:
        connection.execute(update(ANNOTATION).where(ANNOTATION.c.id == found).values(**values))
        return int(found)
    return int(connection.execute(insert(ANNOTATION).values(**own, **values)).inserted_primary_key[0])  # type: ignore[index]  # a row was inserted


def change(connection: Connection, number: int, author: str | None, **values: Any) -> None:
    """Set columns of an annotation; `author`: whose it must be, None for anybody's. In a transaction that writes.

    Raises:
        UnknownName: there is none of this number.
        InputError: it is somebody else's.
    """
    _forget_cards(connection, _own(connection, number, author).episode)
    connection.execute(update(ANNOTATION).where(ANNOTATION.c.id == number).values(**values))


def remove(connection: Connection, number: int, author: str | None) -> None:
    """Delete an annotation; else as `change`."""
    _forget_cards(connection, _own(connection, number, author).episode)
    connection.execute(delete(ANNOTATION).where(ANNOTATION.c.id == number))


def read(
    connection: Connection,
    experiment: int | None = None,
    *,
    episode: str | None = None,
    author: str | None = None,
) -> list[Annotation]:
    """See `Store.annotations`."""
    if episode is not None and experiment is None and author is None:
        return [_annotation(row) for row in connection.execute(_OF_ONE, {"of": episode})]
    query = _ALL if experiment is None else _OF_EXPERIMENT.where(MEMBERSHIP.c.experiment == experiment)
    for column, wanted in ((EPISODE.c.key, episode), (ANNOTATION.c.author, author)):
        if wanted is not None:
            query = query.where(column == wanted)
    return [_annotation(row) for row in connection.execute(query)]


def read_some(connection: Connection, numbers: Iterable[int]) -> list[Annotation]:
    """The annotations with these numbers, each once, in this order."""
    wanted = list(dict.fromkeys(numbers))
    found: dict[int, Annotation] = {}
    for some in chunks(wanted):
        found |= {row.id: _annotation(row) for row in connection.execute(_ALL.where(ANNOTATION.c.id.in_(some)))}
    return [found[number] for number in wanted]


def out_of_date(connection: Connection, made_of: Mapping[str, tuple[int, Sequence[Annotation]]]) -> set[str]:
    """Of which of these episodes an attempt's annotations are others now; `made_of`: key -> attempt, annotations."""
    changed: set[str] = set()
    for some in chunks(list(made_of)):
        now = by_episode(_annotation(row) for row in connection.execute(_ALL.where(EPISODE.c.key.in_(some))))
        for key in some:
            attempt, then = made_of[key]
            if [one for one in now.get(key, ()) if one.attempt == attempt] != list(then):
                changed.add(key)
    return changed


def names(connection: Connection, column: str) -> list[str]:
    """What is in use, most often used first, and then by the alphabet: names of labels (`name`), or authors."""
    found = ANNOTATION.c[column]
    counted = select(found, func.count().label("uses")).where(found != "").group_by(found)
    uses = {row[0]: row.uses for row in connection.execute(counted)}
    return sorted(uses, key=lambda one: (-uses[one], one))


# -- conditions on episodes -------------------------------------------------------------------------------------------


def is_bookmarked() -> ColumnElement[bool]:
    """Somebody bookmarked the episode or a step of it."""
    return _has(ANNOTATION.c.kind == "bookmark")


def has_note(part: str) -> ColumnElement[bool]:
    """A note on it, or on a step of it, has this text; letter case does not matter."""
    return _has(ANNOTATION.c.kind == "note", ANNOTATION.c.text.icontains(part, autoescape=True))


def has_label(name: str, comparison: str = "", value: float = 0.0) -> ColumnElement[bool]:
    """It, or a step of it, has a label of this name; with a value that compares so (see `OPERATORS`), if given."""
    fits = [OPERATORS[comparison](ANNOTATION.c.value, value)] if comparison else []
    return _has(ANNOTATION.c.kind == "label", ANNOTATION.c.name == name, *fits)


def has_author(name: str) -> ColumnElement[bool]:
    """A person said something of it or of a step of it."""
    return _has(ANNOTATION.c.author == name)


# -- inside -----------------------------------------------------------------------------------------------------------


_SAID = select(ANNOTATION, EPISODE.c.key).join(EPISODE, EPISODE.c.number == ANNOTATION.c.episode)
_IN_ORDER = (EPISODE.c.number, func.coalesce(ANNOTATION.c.step, -1), ANNOTATION.c.id)
_ALL = _SAID.order_by(*_IN_ORDER)
_OF_ONE = _ALL.where(EPISODE.c.key == bindparam("of"))  # made once: an episode that is opened asks for it
_OF_EXPERIMENT = _SAID.join(MEMBERSHIP, MEMBERSHIP.c.episode == EPISODE.c.number).order_by(
    MEMBERSHIP.c.position, *_IN_ORDER
)


def _has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(ANNOTATION.c.episode == EPISODE.c.number, *conditions)


def _own(connection: Connection, number: int, author: str | None) -> Any:
    found = connection.execute(select(ANNOTATION).where(ANNOTATION.c.id == number)).one_or_none()
    if found is None:
        raise UnknownName(f"no annotation {number}: sandbox annotate EPISODE lists those of an episode")
    if author is not None and found.author != author:
        raise InputError(f"annotation {number} is by {found.author!r}, not by {author!r}: only its author changes it")
    return found


def _forget_cards(connection: Connection, number: int) -> None:
    """Delete what scorers made of the episode's annotations: they are about to change."""
    made_of_it = and_(CARD.c.episode == number, CARD.c.config.startswith(OF_PEOPLE, autoescape=True))
    cards = list(connection.execute(select(CARD.c.number).where(made_of_it)).scalars())
    for column in (SCORE.c.card, MARK.c.card, CARD.c.number):
        connection.execute(delete(column.table).where(column.in_(cards)))


def _annotation(row: Row[Any]) -> Annotation:
    return Annotation(
        id=row.id,
        episode=row.key,
        attempt=row.attempt,
        step=row.step,
        kind=row.kind,
        name=row.name,
        value=row.value,
        text=row.text,
        author=row.author,
        made=datetime.fromisoformat(row.made),
    )


def by_episode(annotations: Iterable[Annotation]) -> dict[str, tuple[Annotation, ...]]:
    """Key -> what is said of the episode, in order."""
    found: dict[str, list[Annotation]] = {}
    for one in annotations:
        found.setdefault(one.episode, []).append(one)
    return {key: tuple(some) for key, some in found.items()}
