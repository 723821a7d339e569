"""The tables: narrow indexed columns in front, everything long in `payload`, once, under the hash of its content.

    experiment ──< membership >── episode ──< step ──< event
                                     │          └──────┴──> payload
                                     └──< card ──< score, mark

An episode's `key` is the hash of its specification; other tables use its `number`, an eighth of the size. Rows of
`step` and `event` belong to one attempt at the episode: only those of `episode.attempt` are its trace. Columns named
`..._ref` hold the hash of a payload. The tables are for the database; callers get the models of `sandbox.trace` and
the rows of `sandbox.store.rows`.
"""

from __future__ import annotations

import enum

from sqlalchemy import BigInteger, Float, Integer, LargeBinary, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from sandbox.store.columns import AnyText

SCHEMA = "0001"
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


class Base(SQLModel):
    """The store's own metadata: SQLModel's default is shared with every other package in the process."""

    metadata = MetaData()


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
    `counts`: JSON, without zeros. `flags`: the flags of all decisions of the seats under evaluation.
    """

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


class Step(Base, table=True):
    """One seat's decision. `observation_ref`: observation and text; `menu_ref`: menu and ranges; `said_ref`: its words.

    `applied`: the move that took effect, JSON. `decision`: its place in the menu, or the entry itself where the menu
    does not list it (a move inside a range), JSON. `reward` is the seat's own, for queries; `rewards`, JSON, is what
    the trace says, of every seat. Text here and in `Event` is written past SQLAlchemy, for speed, so that `traces` does
    what `AnyText` does elsewhere.
    """

    __table_args__ = COMPACT

    episode: int = Field(primary_key=True, foreign_key="episode.number")
    attempt: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    tick: int = Field(sa_type=Integer)
    seat: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
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


class Event(Base, table=True):
    """Something inside a step. `messages_ref`: the last link of its list of messages (see `payloads.Packer.chain`)."""

    __table_args__ = COMPACT

    episode: int = Field(primary_key=True, foreign_key="episode.number")
    attempt: int = Field(primary_key=True)
    step: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    data_ref: bytes | None = Field(default=None, sa_type=LargeBinary)
    messages_ref: bytes | None = Field(default=None, sa_type=LargeBinary)


class Payload(Base, table=True):
    """Bytes (JSON, or a link of a chain), compressed with zstd, under the BLAKE2b-128 of what they were before.

    Not `COMPACT`: hashes come in any order, and a tree that is filled in any order stays a third empty; here that is
    the index alone.
    """

    hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class Card(Base, table=True):
    """That a scorer has been over an attempt, even if it had nothing to say; `config` is the hash of its settings."""

    __table_args__ = (UniqueConstraint("episode", "scorer", "version", "config"),)

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


EXPERIMENT, MEMBERSHIP, EPISODE, STEP, EVENT, PAYLOAD, CARD, SCORE, MARK = (
    Base.metadata.tables[model.__name__.lower()]
    for model in (Experiment, Membership, Episode, Step, Event, Payload, Card, Score, Mark)
)
"""The same as SQLAlchemy tables, for statements."""
