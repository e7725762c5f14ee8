"""Steps that are committed together or not at all."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Executable, Table, func, literal, select

from trust.db import Database
from trust.upserts import insert_into

Step = Callable[[Connection], bool]
"""One change inside a unit of work; False means that somebody else was first, or that what it needs is gone."""

_POSTGRESQL: Final = "postgresql"
_COUNTED: Final = {"preserve_rowcount": True}  # the library keeps the count of inserts only when it is asked to


class _Lost(Exception):
    """A step did not hold: the unit of work is rolled back."""


def commit(database: Database, steps: Sequence[Step]) -> bool:
    """Take the steps in order in one transaction; when one is False nothing of it stays, and False is returned."""
    try:
        with database.begin() as connection:
            _take_all(connection, steps)
    except _Lost:
        return False
    return True


def _take_all(connection: Connection, steps: Sequence[Step]) -> None:
    for step in steps:
        if not step(connection):
            raise _Lost


def one_row(statement: Executable) -> Step:
    """Return the step that changes exactly one row."""
    counted = statement.execution_options(**_COUNTED)
    return lambda connection: bool(connection.execute(counted).rowcount == 1)


def any_rows(statement: Executable) -> Step:
    """Return the step that holds however many rows it changes."""

    def take(connection: Connection) -> bool:
        connection.execute(statement)
        return True

    return take


def hold_name(connection: Connection, name: str) -> None:
    """Wait for whoever holds this name, and hold it until the commit: for what has no row yet that could be locked.

    Two names rarely share their 64 bits; they would wait for each other without need, nothing else. SQLite has one
    writer at a time as it is.
    """
    if connection.dialect.name == _POSTGRESQL:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(literal(key, BigInteger))))


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose primary key is not there yet; return how many."""
    statement = insert_into(connection, table).on_conflict_do_nothing().execution_options(**_COUNTED)
    return sum(connection.execute(statement, dict(row)).rowcount for row in rows)
