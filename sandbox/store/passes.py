"""A pass over every episode that has ended, as scorers make it: some at a time, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from sandbox.store.database import Database
from sandbox.store.payloads import Payloads
from sandbox.store.reading import EpisodeColumns, Reader, batches, fetch_later, read_payloads
from sandbox.trace import Episode

STEPS_AT_ONCE = 2_000  # how much of an experiment `episodes` holds at a time, a longer episode apart
STEPS_IN_PIECE = 500  # the same of `pieces`, for which no episode stands apart


def episodes(database: Database, rows: Sequence[EpisodeColumns], parts: Set[str] | None) -> Iterator[Episode]:
    """See `Store.episodes`."""
    kept: Payloads | None = None
    for batch in batches(rows, STEPS_AT_ONCE):
        with database.reading() as connection:
            kept = read_payloads(connection, kept)
            read = Reader(connection, database.place, kept, parts).episodes(batch)
        fetch_later(kept, database.reading)
        yield from read


def pieces(database: Database, rows: Sequence[EpisodeColumns], parts: Set[str] | None) -> Iterator[Episode]:
    """See `Store.pieces`."""
    kept: Payloads | None = None
    for batch in batches(rows, STEPS_IN_PIECE):
        # More than one episode are together no longer than a piece.
        for start in range(0, max(batch[0].steps, 1), STEPS_IN_PIECE):
            with database.reading() as connection:
                kept = read_payloads(connection, kept)
                reader = Reader(connection, database.place, kept, parts)
                whole = batch[0].steps <= STEPS_IN_PIECE
                read = reader.episodes(batch) if whole else [reader.piece(batch[0], start, start + STEPS_IN_PIECE)]
            fetch_later(kept, database.reading)
            yield from read
