"""What scorers said of episodes, read back: cards as scorers made them, and scores and marks as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, select

from sandbox.scorer import Card, Mark, Score
from sandbox.store.columns import from_column
from sandbox.store.database import chunks
from sandbox.store.members import is_in, members_of
from sandbox.store.reading import raw_rows
from sandbox.store.rows import MarkRow, ScoreRow
from sandbox.store.tables import CARD, EPISODE, MARK, SCORE
from sandbox.trace import trusted
from sandbox.uncollected import uncollected

_SCORES = select(SCORE.c.card, SCORE.c.name, SCORE.c.value, SCORE.c.seat, SCORE.c.variant, SCORE.c.reason).order_by(
    SCORE.c.card, SCORE.c.position
)
_MARKS = select(MARK.c.card, MARK.c.step, MARK.c.name, MARK.c.value, MARK.c.note).order_by(MARK.c.card, MARK.c.position)


def _score(name: str, value: float | None, seat: str | None, variant: str, reason: str) -> Score:
    fields = {
        "name": from_column(name),
        "value": value,
        "seat": None if seat is None else from_column(seat),
        "variant": from_column(variant),
        "reason": from_column(reason),
    }
    return trusted(Score, fields)


def _mark(step: int, name: str, value: float | None, note: str) -> Mark:
    return trusted(Mark, {"step": step, "name": from_column(name), "value": value, "note": from_column(note)})


_LATER = CARD.alias()
# Of each scorer and episode the card that was written last: its number is the greatest.
LATEST_CARD = ~exists().where(
    _LATER.c.episode == CARD.c.episode, _LATER.c.scorer == CARD.c.scorer, _LATER.c.number > CARD.c.number
)


def read_cards(
    connection: Connection, scorer: str, version: int, config_hash: str, experiment: int | None, marks: bool
) -> dict[str, Card]:
    """See `Store.cards`."""
    query = (
        select(CARD.c.number, EPISODE.c.key)
        .join(EPISODE, and_(EPISODE.c.number == CARD.c.episode, EPISODE.c.attempt == CARD.c.attempt))
        .where(CARD.c.scorer == scorer, CARD.c.version == version, CARD.c.config == config_hash, is_in(experiment))
        .order_by(EPISODE.c.number)
    )
    rows = raw_rows(connection, query)
    said = _cards(connection, [number for number, _ in rows], marks)
    return {from_column(key): said[number] for number, key in rows}


def read_latest(connection: Connection, experiment: int | None) -> dict[str, dict[str, Card]]:
    """See `Store.latest_cards`."""
    query = (
        select(EPISODE.c.key, CARD.c.number, CARD.c.scorer)
        .join(EPISODE, and_(EPISODE.c.number == CARD.c.episode, EPISODE.c.attempt == CARD.c.attempt))
        .where(LATEST_CARD, is_in(experiment))
        .order_by(EPISODE.c.number, CARD.c.scorer)
    )
    rows = connection.execute(query).all()
    said = _cards(connection, [row.number for row in rows], marks=True)
    found: dict[str, dict[str, Card]] = {}
    for row in rows:
        found.setdefault(row.key, {})[row.scorer] = said[row.number]
    return found


def _cards(connection: Connection, numbers: Sequence[int], marks: bool) -> dict[int, Card]:
    """The cards with these numbers."""
    scored: dict[int, list[Score]] = {number: [] for number in numbers}
    marked: dict[int, list[Mark]] = {number: [] for number in numbers}
    for some in chunks(numbers):
        with uncollected():
            for card, *columns in raw_rows(connection, _SCORES.where(SCORE.c.card.in_(some))):
                scored[card].append(_score(*columns))
            for card, *columns in raw_rows(connection, _MARKS.where(MARK.c.card.in_(some))) if marks else ():
                marked[card].append(_mark(*columns))
    return {
        number: trusted(Card, {"scores": tuple(scored[number]), "marks": tuple(marked[number])}) for number in numbers
    }


def _scores_of(members: Select[Any]) -> Select[Any]:
    """Scores of `members`, a selection of episodes with a column `position`."""
    of = members.order_by(None).subquery()
    return (
        select(
            *(of.c.key, of.c.external_id, SCORE.c.seat, CARD.c.scorer, CARD.c.version),
            *(SCORE.c.variant, SCORE.c.name, SCORE.c.value, SCORE.c.reason),
        )
        .join(CARD, and_(CARD.c.episode == of.c.number, CARD.c.attempt == of.c.attempt))
        .join(SCORE, SCORE.c.card == CARD.c.number)
        .where(LATEST_CARD)
        .order_by(of.c.position, CARD.c.scorer, SCORE.c.position)
    )


# Made once: an episode that is opened asks for them.
_SCORES_OF_ONE = _scores_of(members_of(None).where(EPISODE.c.key == bindparam("of")))
_MARKS_OF_ONE = (
    select(CARD.c.scorer, MARK.c.step, MARK.c.name, MARK.c.value, MARK.c.note)
    .join(CARD, CARD.c.number == MARK.c.card)
    .join(EPISODE, and_(EPISODE.c.number == CARD.c.episode, EPISODE.c.attempt == CARD.c.attempt))
    .where(EPISODE.c.key == bindparam("of"), LATEST_CARD)
    .order_by(MARK.c.step, CARD.c.scorer, MARK.c.position)
)


def read_scores(connection: Connection, experiment: int | None, episode: str | None) -> list[ScoreRow]:
    """See `Store.scores`."""
    if episode is None:
        query = _scores_of(members_of(experiment))
    elif experiment is None:
        query = _SCORES_OF_ONE
    else:
        query = _scores_of(members_of(experiment).where(EPISODE.c.key == bindparam("of")))
    rows = raw_rows(connection, query, None if episode is None else {"of": episode})
    with uncollected():
        return [
            ScoreRow(
                episode=key,
                external_id=None if external_id is None else from_column(external_id),
                seat=None if seat is None else from_column(seat),
                scorer=from_column(scorer),
                version=version,
                variant=from_column(variant),
                name=from_column(name),
                value=value,
                reason=from_column(reason),
            )
            for key, external_id, seat, scorer, version, variant, name, value, reason in rows
        ]


def read_marks(connection: Connection, key: str) -> list[MarkRow]:
    """See `Store.marks`."""
    return [
        MarkRow(scorer=from_column(scorer), step=step, name=from_column(name), value=value, note=from_column(note))
        for scorer, step, name, value, note in raw_rows(connection, _MARKS_OF_ONE, {"of": key})
    ]
