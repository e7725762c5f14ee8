"""Inserts that say what happens when the row is there, which SQL leaves to each database; for stores only."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that has `on_conflict_do_nothing` and `on_conflict_do_update`, which both databases know."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
