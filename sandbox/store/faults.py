"""What went wrong in the database, in words that say what to do next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sandbox.errors import StoreError

_ADVICE = {
    sqlite3.SQLITE_BUSY: "stayed locked by another program: let that one finish (or close it), "
    "then run the same command again",
    sqlite3.SQLITE_FULL: "could not be written, the disk is full: free some space, then run the same command again",
    sqlite3.SQLITE_READONLY: "is read-only: make it writable, or copy it and give the copy with --store",
    sqlite3.SQLITE_IOERR: "could not be read or written by the system (a failing disk, a full one, or a limit on file "
    "sizes): mend that, then run the same command again",
    sqlite3.SQLITE_CORRUPT: "is damaged: it was left as it is; restore it from a copy, or give another with --store",
    sqlite3.SQLITE_NOTADB: "is not a database: it was left as it is; give another with --store",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its directory exists and that you may write there",
}
_ADVICE[sqlite3.SQLITE_LOCKED] = _ADVICE[sqlite3.SQLITE_BUSY]


def explain(error: BaseException, place: str) -> StoreError:
    """The `StoreError` for a fault that database or file system reported; `place` names the file or server."""
    if isinstance(error, StoreError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if code is not None else None
    if isinstance(cause, OSError):
        return StoreError(f"{place} cannot be used ({cause.strerror}): check the permissions of it and its directory")
    if advice is None:
        return StoreError(f"{place}: the database reported {type(cause).__name__}: {cause}")
    return StoreError(f"{place} {advice}. Whatever was committed before is safe. ({cause})")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turns faults of the database or the file system inside the block into `StoreError`s."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise explain(error, place) from error
