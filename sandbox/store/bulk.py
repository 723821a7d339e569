"""Statements that are run for many rows at once; a row is a tuple of what the driver takes.

SQLAlchemy's own way to pass rows costs 10 microseconds more for each, a quarter of all that a step may cost. To
PostgreSQL rows go as one array per column: 7 microseconds of ours for a step and 10 to 20 of the server's, where row by
row takes 32 and 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, Update

from sandbox.store.database import insert_new

PLACES = 999  # for values in one statement: what every SQLite takes
_ARRAYS = {int: "bigint[]", float: "double precision[]", str: "text[]", bytes: "bytea[]"}


class BulkInsert:
    """An insert that passes over rows whose key is there already."""

    def __init__(self, connection: Connection, table: Table, columns: Sequence[str]) -> None:
        """`columns`: of `table`, in the order of the rows."""
        self._connection = connection
        self._as_arrays = connection.dialect.name == "postgresql"
        if self._as_arrays:
            quote = connection.dialect.identifier_preparer.quote
            names = ", ".join(quote(name) for name in columns)
            # `%b`: the driver's binary format.
            arrays = ", ".join(f"%b::{_ARRAYS[table.c[name].type.python_type]}" for name in columns)
            rows = f"SELECT * FROM unnest({arrays})"  # noqa: S608 (types, and places for values)
            self._text = f"INSERT INTO {quote(table.name)} ({names}) {rows} ON CONFLICT DO NOTHING"
        else:
            self._text = _positional(connection, insert_new(connection, table), columns)
            one = f"({', '.join('?' * len(columns))})"
            self._at_once = PLACES // len(columns)
            assert self._text.count(one) == 1
            self._many = self._text.replace(one, ", ".join([one] * self._at_once))

    def run(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows."""
        if rows and self._as_arrays:
            self._connection.exec_driver_sql(self._text, tuple(map(list, zip(*rows, strict=True))))
        elif rows:
            # Python's driver gives the interpreter's lock away with every statement, and fights for it with the threads
            # that run episodes.
            whole = len(rows) - len(rows) % self._at_once
            many = [
                tuple(chain.from_iterable(rows[start : start + self._at_once]))
                for start in range(0, whole, self._at_once)
            ]
            for text, some in ((self._many, many), (self._text, list(rows[whole:]))):
                if some:
                    self._connection.exec_driver_sql(text, some)


class BulkUpdate:
    """An update of one row for each tuple."""

    def __init__(
        self, connection: Connection, statement: Update, columns: Sequence[str], conditions: Sequence[str]
    ) -> None:
        """`columns`: what is set, then `conditions`: the parameters of the where clause, in the order of the rows."""
        self._connection = connection
        self._text = _positional(connection, statement, columns, conditions)

    def run(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for each row."""
        if rows:
            self._connection.exec_driver_sql(self._text, list(rows))


def _positional(connection: Connection, statement: Any, columns: Sequence[str], conditions: Sequence[str] = ()) -> str:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    assert compiled.positiontup == [*columns, *conditions]
    return str(compiled)
