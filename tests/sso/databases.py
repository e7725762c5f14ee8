"""Tests that ask their question of both databases: `pytestmark = BOTH_DATABASES`, over any world of tests/sso.

A world makes its own SQLite database in its folder, unless it is given one that stands elsewhere. Chosen are the tests
whose answer may differ: who wins a race, what locks, what a unique key decides.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete

from tests.interop.postgresql import database_in
from tests.trust import schema
from trust.db import Base, Database

POSTGRESQL = "postgresql"
BOTH_DATABASES = pytest.mark.parametrize("elsewhere", [None, POSTGRESQL], indirect=True, ids=["sqlite", POSTGRESQL])
ON_POSTGRESQL = pytest.mark.parametrize("elsewhere", [POSTGRESQL], indirect=True)

assert schema  # its import puts every table into the metadata
_TABLES = [table for table in Base.metadata.sorted_tables if table.name.startswith("sso_")]
_EMPTY = "; ".join(str(delete(table)) for table in reversed(_TABLES))


@contextmanager
def tables_of_sso(cluster: str) -> Iterator[str]:
    """Yield the address of a database with every table of `sso`. Its commits do not wait for the disk."""
    with database_in(cluster, "sso_tests") as address:
        database = Database(address)
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER DATABASE sso_tests SET synchronous_commit = off")
        database.close()
        Base.metadata.create_all(database.writer, tables=_TABLES)
        database.close()
        yield address


def emptied(address: str) -> Database:
    """Return the database without a row in it."""
    database = Database(address)
    with database.begin() as connection:
        connection.exec_driver_sql(_EMPTY)
    return database
