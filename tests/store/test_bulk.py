"""Rows by the thousand go into a table in few statements, and none of them is lost or written twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, create_engine, select

from sandbox.store.bulk import BulkInsert

THINGS = Table("thing", MetaData(), Column("id", Integer, primary_key=True), Column("data", LargeBinary))


@pytest.mark.parametrize("count", [0, 1, 498, 499, 500, 998, 1700])
def test_all_rows_are_inserted_and_those_that_are_there_are_passed_over(tmp_path: Path, count: int) -> None:
    """499 rows of two columns fill a statement; the rest go one by one."""
    engine = create_engine(f"sqlite:///{tmp_path}/things.db")
    with engine.begin() as connection:
        THINGS.create(connection)
        insert = BulkInsert(connection, THINGS, ("id", "data"))
        insert.run([(count // 2, b"first")])
        insert.run([(number, b"%d" % number) for number in range(count)])
        wanted = [(number, b"%d" % number if number != count // 2 else b"first") for number in range(max(count, 1))]
        assert connection.execute(select(THINGS).order_by(THINGS.c.id)).all() == wanted
    engine.dispose()


def test_a_thousand_rows_take_few_statements(tmp_path: Path) -> None:
    """With each the driver gives the interpreter's lock away, to threads that give it back milliseconds later."""
    engine = create_engine(f"sqlite:///{tmp_path}/things.db")
    with engine.begin() as connection:
        THINGS.create(connection)
        insert = BulkInsert(connection, THINGS, ("id", "data"))
        said: list[str] = []
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.set_trace_callback(said.append)
        insert.run([(number, b"") for number in range(1000)])
        assert sum(text.startswith("INSERT") for text in said) == 4
    engine.dispose()
