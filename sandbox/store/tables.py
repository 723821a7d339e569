"""The tables: narrow columns in front, everything long compressed behind them or in `payload`, under its hash.

    experiment ──< membership >── episode ──< step ──> payload, dictionary
                                     ├──< card ──< score, mark
                                     ├──< annotation
                                     └──< reply (the journal of model calls) ──> dictionary

An episode's `key` is the hash of its specification; other tables use its `number`, an eighth of the size. Rows of
`step` belong to one attempt at the episode: only those of `episode.attempt` are its trace. Columns named `..._ref` hold
the hash of a payload. The tables are for the database; callers get the models of `sandbox.trace` and
the rows of `sandbox.store.rows`.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
    event,
    text,
)
from sqlmodel import Field, SQLModel

from sandbox.store.columns import AnyText, PlainText

SCHEMA = "0003"
"""The newest revision in `migrations/versions`: what `create_all` of these tables amounts to."""

COMPACT = {"sqlite_with_rowid": False}  # one b-tree instead of a table and an index, for rows found by their key


class Flag(enum.IntFlag):
    """What makes a step worth jumping to; one bit each, so that 'the next flag' is one indexed scan of narrow rows."""

    RISK = 1
    OPPORTUNITY = 2
    INVALID = 4
    UNPARSED = 8
    REFUSAL = 16
    TIMEOUT = 32
    ABSTENTION = 64
    REWARD_INVALID = 128
    REDACTED = 256


ANSWERED_AGAIN = 1 << 15
"""Beside the bits of `Flag` in `Step.flags`, and nowhere else: the decision came of more than one answer."""


def _index_of_some(name: str, column: str) -> Index:
    """An index of those rows alone that have the column: the others, which are most, cost it nothing."""
    condition = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=condition, info={_SOME: condition})


_SOME = "of some"


class Base(SQLModel):
    """The store's own metadata: SQLModel's default is shared with every other package in the process."""

    metadata = MetaData()


@event.listens_for(Base.metadata, "before_create")
def _index_some_on_a_server(metadata: MetaData, connection: Connection, **_: Any) -> None:
    """The same on PostgreSQL: named in the index, the option loads SQLAlchemy's part for it at every start (25 ms)."""
    if connection.dialect.name == "postgresql":
        for table in metadata.tables.values():
            for index in table.indexes:
                if _SOME in index.info:
                    index.dialect_options["postgresql"]["where"] = index.info[_SOME]


class Experiment(Base, table=True):
    """A name and a content; an edited file under an old name is another row. `used` grows with every use."""

    __table_args__ = (UniqueConstraint("name", "content_ref"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_type=AnyText)
    content_ref: bytes = Field(sa_type=LargeBinary)
    used: int = Field(sa_type=Integer)


class Membership(Base, table=True):
    """Which episodes an experiment has, and in which order; one episode may belong to several experiments."""

    __table_args__ = COMPACT

    experiment: int = Field(primary_key=True, foreign_key="experiment.id")
    episode: int = Field(primary_key=True, foreign_key="episode.number", index=True)
    position: int = Field(sa_type=Integer)


class Episode(Base, table=True):
    """An episode: its specification in parts, how far it is, and what came of its latest attempt.

    `condition_ref`: all of the specification but item, repetition, seed and external id (episodes of one condition
    share it); `item_ref`: the item's content; `result_ref`: payoffs, facts, benchmarks, versions, privileged seats.
    `agent`: the names of all that are under evaluation. `counts`: JSON (see `rows.stored_counts`).
    `flags`: the flags of all decisions of the seats under evaluation.
    `lease_owner`, `lease_until`: the process that runs it, and until when (seconds since 1970) it is believed to.
    `calls`, `tokens`, `cost`: what its model calls took; `cost`, US dollars, is NULL where a price is unknown.
    `parent`: the key of the episode that it is a fork of, which may be in another store.
    """

    __table_args__ = (_index_of_some("ix_episode_parent", "parent"),)

    number: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=AnyText, unique=True)
    status: str = Field(sa_type=AnyText, index=True)
    attempt: int = Field(sa_type=Integer)
    environment: str = Field(sa_type=AnyText)
    item: str = Field(sa_type=AnyText)
    agent: str = Field(sa_type=AnyText)
    repetition: int = Field(sa_type=BigInteger)
    seed: int = Field(sa_type=BigInteger)
    framing: str = Field(sa_type=AnyText)
    external_id: str | None = Field(default=None, sa_type=AnyText, index=True)
    condition_ref: bytes = Field(sa_type=LargeBinary)
    item_ref: bytes = Field(sa_type=LargeBinary)
    provenance: str = Field(sa_type=AnyText)
    total: float | None = Field(default=None, sa_type=Float)
    steps: int = Field(sa_type=Integer)
    hash: bytes = Field(sa_type=LargeBinary)
    reason: str = Field(sa_type=AnyText)
    counts: bytes | None = Field(default=None, sa_type=LargeBinary)
    flags: int = Field(sa_type=Integer)
    result_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    lease_owner: str | None = Field(default=None, sa_type=AnyText)
    lease_until: float | None = Field(default=None, sa_type=Float)
    calls: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": "0"})
    tokens: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    cost: float | None = Field(default=None, sa_type=Float)
    parent: str | None = Field(default=None, sa_type=AnyText)


class Step(Base, table=True):
    """One seat's decision: what timelines and queries ask for, and `content`, all else (see `traces`), compressed.

    `reward` is the seat's own, for queries; the rewards of every seat, which the trace shows, are in `content`. Text
    here is written past SQLAlchemy, for speed, so that `traces` does what `AnyText` does elsewhere.

    Where `content` is NULL, schema 0001 wrote the row: the columns from `rewards` on that now are empty hold what is in
    `content` now, or refer to it, and its events are in `event`.

    Not `COMPACT`: of a row longer than a quarter of a page, SQLite's compact trees put the rest on a page of its own.
    """

    episode: int = Field(primary_key=True, foreign_key="episode.number")
    attempt: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    tick: int = Field(sa_type=Integer)
    seat: str = Field(sa_type=PlainText)
    outcome: str = Field(sa_type=PlainText)
    reward: float | None = Field(default=None, sa_type=Float)
    rewards: bytes | None = Field(default=None, sa_type=LargeBinary)
    state: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)
    flags: int = Field(sa_type=Integer)
    seconds: float = Field(sa_type=Float)
    decision: bytes | None = Field(default=None, sa_type=LargeBinary)
    applied: bytes = Field(sa_type=LargeBinary)
    observation_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    menu_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    said_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    content: bytes | None = Field(default=None, sa_type=LargeBinary)


class Event(Base, table=True):
    """Something inside a step, as schema 0001 wrote it; now events are in `Step.content`.

    `messages_ref`: the last link of its list of messages (see `payloads.Payloads.chain`).
    """

    __table_args__ = COMPACT

    episode: int = Field(primary_key=True, foreign_key="episode.number")
    attempt: int = Field(primary_key=True)
    step: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    kind: str = Field(sa_type=PlainText)
    data_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    messages_ref: bytes | None = Field(default=None, sa_type=LargeBinary)


class Reply(Base, table=True):
    """A model's reply to an episode, whichever attempt paid for it: the journal.

    `ask`: hash of the request; `occurrence`: how many equal ones the attempt had made before; `place`: order in which
    the episode got its replies. `data`: the reply, JSON, compressed. `shared`: under what other episodes may find it,
    where the user said so.
    """

    __table_args__ = (
        _index_of_some("ix_reply_shared", "shared"),
        COMPACT,
    )

    episode: int = Field(primary_key=True, foreign_key="episode.number")
    ask: bytes = Field(primary_key=True, sa_type=LargeBinary)
    occurrence: int = Field(primary_key=True)
    place: int = Field(sa_type=Integer)
    data: bytes = Field(sa_type=LargeBinary)
    shared: bytes | None = Field(default=None, sa_type=LargeBinary)


class Dictionary(Base, table=True):
    """What documents of one kind have in common: a zstd dictionary, itself compressed (see `dictionaries`).

    A frame that was made with it names its `id`, which must not change. Several of one `name` may be in use.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_type=AnyText, index=True)
    data: bytes = Field(sa_type=LargeBinary)


class Payload(Base, table=True):
    """Bytes (JSON, or a link of a chain), compressed with zstd, under the BLAKE2b-128 of what they were before.

    Not `COMPACT`: hashes come in any order, and a tree that is filled in any order stays a third empty; here that is
    the index alone.
    """

    hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class Card(Base, table=True):
    """That a scorer has been over an attempt, even if it had nothing to say; `config` is the hash of its settings."""

    __table_args__ = (
        UniqueConstraint("episode", "scorer", "version", "config"),
        # For lists that are sorted or filtered by a score, which need no more of a card; 26 bytes for each.
        Index("ix_card_scorer", "scorer", "episode", "attempt"),
    )

    number: int | None = Field(default=None, primary_key=True)
    episode: int = Field(foreign_key="episode.number")
    attempt: int = Field(sa_type=Integer)
    scorer: str = Field(sa_type=AnyText)
    version: int = Field(sa_type=Integer)
    config: str = Field(sa_type=AnyText)


class Score(Base, table=True):
    """A number about an episode; `value` NULL means undefined, and `reason` says why."""

    __table_args__ = COMPACT

    card: int = Field(primary_key=True, foreign_key="card.number")
    position: int = Field(primary_key=True)
    name: str = Field(sa_type=AnyText)
    variant: str = Field(sa_type=AnyText)
    seat: str | None = Field(default=None, sa_type=AnyText)
    value: float | None = Field(default=None, sa_type=Float)
    reason: str = Field(sa_type=AnyText)


class Mark(Base, table=True):
    """A step worth jumping to, by a scorer's account."""

    __table_args__ = COMPACT

    card: int = Field(primary_key=True, foreign_key="card.number")
    position: int = Field(primary_key=True)
    step: int = Field(sa_type=Integer)
    name: str = Field(sa_type=AnyText)
    value: float | None = Field(default=None, sa_type=Float)
    note: str = Field(sa_type=AnyText)


class Annotation(Base, table=True):
    """What a person says of an episode, or of a step of it; people may change and delete theirs.

    `kind`: `bookmark`, `note` or `label`; `name` and `value`: of a label; `made`: when, in UTC, as ISO 8601 has it.
    """

    id: int | None = Field(default=None, primary_key=True)
    episode: int = Field(foreign_key="episode.number", index=True)
    attempt: int = Field(sa_type=Integer)
    step: int | None = Field(default=None, sa_type=Integer)
    kind: str = Field(sa_type=AnyText)
    name: str = Field(sa_type=AnyText)
    value: float | None = Field(default=None, sa_type=Float)
    text: str = Field(sa_type=AnyText)
    author: str = Field(sa_type=AnyText)
    made: str = Field(sa_type=AnyText)


EXPERIMENT, MEMBERSHIP, EPISODE, STEP, EVENT, REPLY, DICTIONARY, PAYLOAD, CARD, SCORE, MARK, ANNOTATION = (
    Base.metadata.tables[model.__name__.lower()]
    for model in (
        *(Experiment, Membership, Episode, Step, Event, Reply, Dictionary, Payload, Card, Score, Mark),
        Annotation,
    )
)
"""The same as SQLAlchemy tables, for statements."""
