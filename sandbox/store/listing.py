"""What lists of very many episodes are made of: their numbers in an order, some rows of them, groups of them, names.

All of it is the database's work: a hundred thousand numbers are 0.8 MB, and any page of them is a lookup.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from sandbox.store.annotations import names as annotation_names
from sandbox.store.columns import from_column
from sandbox.store.conditions import conditions, scored, scored_in_order, split
from sandbox.store.database import chunks
from sandbox.store.heads import ORDERS, condition_details, ordered
from sandbox.store.reading import raw_integers, raw_rows
from sandbox.store.rows import Filter, Group, ScoreName, Vocabulary
from sandbox.store.tables import CARD, EPISODE, MARK, SCORE, Flag
from sandbox.uncollected import uncollected

BINS = 8
"""Parts into which the span of an environment's returns is divided, for distributions."""


def read_numbers(connection: Connection, members: Select[Any], where: Filter, order: str) -> array[int]:
    """Numbers of the episodes that fit, in order; terms that whole episodes must be read for are left to `search`."""
    with uncollected():
        return _numbers(connection, members.where(*conditions(where)), order)


def _numbers(connection: Connection, fitting: Select[Any], order: str) -> array[int]:
    score = order.removeprefix("-")
    if score in ORDERS or "/" not in score:
        return raw_integers(connection, ordered(fitting, order).subquery().c.number)
    # Joined here and not by the database: it looks up the card of each episode and then sorts, at twice the time.
    numbers = raw_integers(connection, ordered(fitting, "position").subquery().c.number)
    values: dict[int, Any] = {}
    for scorer, name in split(score):
        found: Any = raw_rows(connection, scored_in_order(scorer, name))
        values.update(found)
    known = [number for number in numbers if values.get(number) is not None]
    known.sort(key=values.__getitem__, reverse=order != score)  # a stable sort: ties stay in canonical order
    return array("q", known + [number for number in numbers if values.get(number) is None])


def read_scores_of(
    connection: Connection, numbers: Sequence[int], names: Iterable[str]
) -> dict[int, dict[str, float | None]]:
    """Number of an episode -> name as `SCORER/NAME` -> value, of those scores that it has."""
    found: dict[int, dict[str, float | None]] = {}
    for name in names:
        for some in chunks(numbers):
            for number, value in raw_rows(connection, scored(name).where(CARD.c.episode.in_(some))):
                found.setdefault(number, {})[name] = value
    return found


def read_vocabulary(connection: Connection, members: Select[Any]) -> Vocabulary:
    """The names in use among the episodes of `members`; those of scores, marks and annotations, of the whole store."""
    return Vocabulary(
        environments=_distinct(connection, members, EPISODE.c.environment),
        agents=_distinct(connection, members, EPISODE.c.agent),
        scores=_scores(connection),
        marks=tuple(
            from_column(name) for (name,) in raw_rows(connection, select(MARK.c.name).distinct().order_by(MARK.c.name))
        ),
        labels=tuple(annotation_names(connection, "name")),
        authors=tuple(annotation_names(connection, "author")),
    )


def _distinct(connection: Connection, members: Select[Any], column: ColumnElement[Any]) -> tuple[str, ...]:
    query = members.with_only_columns(column, maintain_column_froms=True).order_by(None).distinct()
    return tuple(sorted(from_column(value) for (value,) in raw_rows(connection, query)))


def _scores(connection: Connection) -> tuple[ScoreName, ...]:
    """The scorers that have most to say first; each with its scores in its own order.

    Counted are its first and last cards alone: millions of scores would take seconds.
    """
    found: dict[tuple[str, str], tuple[int, float]] = {}  # scorer and name, as stored -> position, how often defined
    for scorer, cards in raw_rows(connection, select(CARD.c.scorer, func.count()).group_by(CARD.c.scorer)):
        of_scorer = select(CARD.c.number).where(CARD.c.scorer == scorer).limit(SAMPLE)
        some = {
            number
            for order in (CARD.c.episode.asc(), CARD.c.episode.desc())
            for (number,) in raw_rows(connection, of_scorer.order_by(order))
        }
        for numbers in chunks(list(some)):
            for name, position, defined in raw_rows(connection, _NAMES.where(SCORE.c.card.in_(numbers))):
                first, before = found.get((scorer, name), (position, 0.0))
                found[scorer, name] = (min(first, position), before + defined * cards / len(some))
    # A name that none of these has is rare, and is looked for among all.
    known = {name for _, name in found}
    others = [name for (name,) in raw_rows(connection, select(SCORE.c.name).distinct()) if name not in known]
    rare = select(CARD.c.scorer, SCORE.c.name, func.min(SCORE.c.position), func.count(SCORE.c.value))
    rare = rare.join(SCORE, SCORE.c.card == CARD.c.number).where(SCORE.c.name.in_(others))
    for scorer, name, position, defined in raw_rows(connection, rare.group_by(CARD.c.scorer, SCORE.c.name)):
        found[scorer, name] = (position, defined)
    most: dict[str, float] = defaultdict(float)
    for (scorer, _), (_, defined) in found.items():
        most[scorer] = max(most[scorer], defined)
    ranked = sorted(found, key=lambda one: (-most[one[0]], one[0], found[one][0], -found[one][1], one[1]))
    return tuple(ScoreName(from_column(scorer), from_column(name)) for scorer, name in ranked)


SAMPLE = 500
"""Cards of a scorer, from either end, whose scores are counted."""
_NAMES = select(SCORE.c.name, func.min(SCORE.c.position), func.count(SCORE.c.value)).group_by(SCORE.c.name)


# -- groups -----------------------------------------------------------------------------------------------------------


def read_groups(
    connection: Connection, place: str, members: Select[Any], where: Filter, scores: Sequence[str] = ()
) -> list[Group]:
    """The episodes that fit by their condition, in the order of the conditions' first episodes.

    `scores`: as `SCORER/NAME`, whose means are wanted.
    """
    chosen = members.where(*conditions(where)).order_by(None)
    ref, total, status = EPISODE.c.condition_ref, EPISODE.c.total, EPISODE.c.status
    worth = EPISODE.c.flags.op("&")(~int(Flag.OPPORTUNITY) & 0x3FFF)
    flagged = func.sum(case((worth != 0, 1), else_=0))
    query = _columns(
        chosen,
        *(ref, status, func.count(), func.count(total), func.sum(total)),
        *(func.min(total), func.max(total), flagged, func.min(EPISODE.c.number), func.min(EPISODE.c.key)),
    ).group_by(ref, status)
    of: dict[bytes, list[Any]] = defaultdict(list)
    for row in raw_rows(connection, query):
        of[bytes(row[0])].append(row)
    details = condition_details(connection, place, {one: rows[0][-1] for one, rows in of.items()})
    differing = _differing(details)
    middle = {ref: _mean(rows) for ref, rows in of.items()}
    spreads = _spreads(connection, chosen, middle)
    bins = _bins(connection, chosen)
    means = _means(connection, chosen, scores)
    groups = []
    for one, rows in sorted(of.items(), key=lambda entry: min(row[8] for row in entry[1])):
        returns = sum(row[3] for row in rows)
        deviation = (spreads[one] / (returns - 1)) ** 0.5 if returns > 1 else None
        detail = details[one]
        groups.append(
            Group(
                id=one.hex(),
                environment=detail["environment"],
                agent=detail["agent"],
                differs={name: value for name, value in detail.items() if name in differing[detail["environment"]]},
                episodes=sum(row[2] for row in rows),
                statuses={row[1]: row[2] for row in rows},
                returns=returns,
                mean=middle[one],
                deviation=deviation,
                low=min((row[5] for row in rows if row[5] is not None), default=None),
                high=max((row[6] for row in rows if row[6] is not None), default=None),
                bins=bins.get(one, (0,) * BINS),
                flagged=sum(row[7] for row in rows),
                scores=tuple(own.get(one) for own in means),
            )
        )
    return groups


def _columns(chosen: Select[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    return chosen.with_only_columns(*columns, maintain_column_froms=True)


def _mean(rows: Sequence[Any]) -> float | None:
    """Of returns, of which the parts were counted and summed up."""
    returns = sum(row[3] for row in rows)
    return sum(row[4] for row in rows if row[4] is not None) / returns if returns else None


def _spreads(connection: Connection, chosen: Select[Any], means: Mapping[bytes, Any]) -> dict[bytes, float]:
    """Condition -> sum of the squared distances of its returns from their mean.

    In a second pass, and here: of returns that are large and close together, squares less the square of the mean leave
    nothing; and the database takes four times as long to put each beside its mean.
    """
    returns = _columns(chosen, EPISODE.c.condition_ref, EPISODE.c.total).where(EPISODE.c.total.is_not(None))
    found = dict.fromkeys(means, 0.0)
    for ref, total in raw_rows(connection, returns):
        found[bytes(ref)] += (total - means[bytes(ref)]) ** 2
    return found


def _bins(connection: Connection, chosen: Select[Any]) -> dict[bytes, tuple[int, ...]]:
    """Condition -> how many returns lie in each part of the span of its environment's."""
    each = _columns(chosen, EPISODE.c.condition_ref, EPISODE.c.environment, EPISODE.c.total).subquery()
    of = _columns(chosen, EPISODE.c.environment, EPISODE.c.total).subquery()
    low, high = func.min(of.c.total).label("low"), func.max(of.c.total).label("high")
    span = select(of.c.environment, low, high).group_by(of.c.environment).subquery()
    share = (each.c.total - span.c.low) / func.nullif(span.c.high - span.c.low, 0) * BINS
    # Where all returns are the same, there is no share, and the last part has them. (`floor` is not in every SQLite.)
    part = case(*((share < place + 1, place) for place in range(BINS - 1)), else_=BINS - 1)
    parts = (
        select(each.c.condition_ref, part.label("part"))
        .join(span, span.c.environment == each.c.environment)
        .where(each.c.total.is_not(None))
        .subquery()
    )
    query = select(parts, func.count()).group_by(parts.c.condition_ref, parts.c.part)
    found: dict[bytes, list[int]] = {}
    for ref, place, count in raw_rows(connection, query):
        found.setdefault(bytes(ref), [0] * BINS)[int(place)] = count
    return {ref: tuple(counts) for ref, counts in found.items()}


def _means(connection: Connection, chosen: Select[Any], scores: Sequence[str]) -> list[dict[bytes, float]]:
    """For each score: condition -> its mean."""
    found = []
    for name in scores:
        values = scored(name, of_many=True).subquery()
        each = _columns(chosen, EPISODE.c.condition_ref, EPISODE.c.number).subquery()
        query = (
            select(each.c.condition_ref, func.avg(values.c.value))
            .join(values, values.c.episode == each.c.number)
            .group_by(each.c.condition_ref)
        )
        found.append({bytes(ref): mean for ref, mean in raw_rows(connection, query)})
    return found


def _differing(details: Mapping[bytes, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Environment -> what is not the same in all of its conditions; the agent has a column of its own."""
    values: dict[str, dict[str, Counter[str]]] = {}
    conditions_of: Counter[str] = Counter()
    for detail in details.values():
        conditions_of[detail["environment"]] += 1
        own = values.setdefault(detail["environment"], {})
        for name, value in detail.items():
            own.setdefault(name, Counter())[repr(value)] += 1
    return {
        environment: {
            name
            for name, seen in own.items()
            if name not in ("environment", "agent") and (len(seen) > 1 or seen.total() < conditions_of[environment])
        }
        for environment, own in values.items()
    }
