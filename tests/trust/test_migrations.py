"""The migrations on SQLite; tests/interop/test_postgresql.py asks the same of PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.trust.schema import assert_downgrade_leaves_nothing, assert_no_drift, downgrade
from trust.db import Base, Database, DatabaseNotMigrated
from trust.migrations import runner


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'test.sqlite3'}")
    yield opened
    opened.close()


def test_migrations_run_up_down_and_up_again(database: Database) -> None:
    assert_downgrade_leaves_nothing(database)


def test_the_migrations_make_the_schema_that_the_code_describes(database: Database) -> None:
    assert_no_drift(database)


def test_migrating_twice_does_nothing(database: Database) -> None:
    runner.migrate(database)
    with database.engine.connect() as connection:
        before = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).all()
    runner.migrate(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).all() == before


def test_triggers_are_those_of_create_all(database: Database, tmp_path: Path) -> None:
    """Stores' own tests run on `create_all`; what they prove must hold for a migrated database."""
    made = Database(f"sqlite:///{tmp_path / 'made.sqlite3'}")
    Base.metadata.create_all(made.writer)
    runner.migrate(database)
    triggers, heads = [], []
    for each in (made, database):
        with each.engine.connect() as connection:
            listed = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
            triggers.append(connection.execute(listed).all())
            heads.append(connection.execute(text("SELECT * FROM ledger_head")).all())
    made.close()
    assert triggers[0] == triggers[1] != []
    assert heads[0] == heads[1] != []


def test_a_migrated_ledger_refuses_changes(database: Database) -> None:
    runner.migrate(database)
    with pytest.raises(DBAPIError, match="append-only"), database.writer.begin() as connection:
        connection.execute(text("DELETE FROM ledger_head"))


def test_an_empty_or_older_database_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseNotMigrated) as caught:
        runner.check_migrated(database)
    assert caught.value.code == "database-migration"
    runner.migrate(database)
    downgrade(database)
    with pytest.raises(DatabaseNotMigrated):
        runner.check_migrated(database)
