"""Steps that are committed together or not at all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from trust.db import Database

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


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose primary key is not there yet; return how many."""
    insert = postgresql.insert(table) if connection.dialect.name == _POSTGRESQL else sqlite.insert(table)
    statement = insert.on_conflict_do_nothing().execution_options(**_COUNTED)
    return sum(connection.execute(statement, dict(row)).rowcount for row in rows)
