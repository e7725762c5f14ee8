from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.policy.building import Begin, Process, begin
from trust.db import Base, Database
from trust.keys import KeyPurpose
from trust.ledger import append_only
from trust.ledger.append_only import TABLES
from trust.ledger.segments import store as _segments  # noqa: F401  its table is one of the ledger

_POLICY_TABLES = ("key_proposal", "key_change", "key_count")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'keys.sqlite3'}"
    return str(request.getfixturevalue("cluster"))


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    made = Database(address)
    tables = [Base.metadata.tables[name] for name in (*TABLES, *_POLICY_TABLES)]
    Base.metadata.create_all(made.writer, tables=tables)
    yield made
    if made.engine.dialect.name == "postgresql":
        with made.writer.begin() as connection:
            Base.metadata.drop_all(connection, tables=tables)
            for statement in append_only.removal_statements("postgresql"):
                connection.execute(text(statement))
    made.close()


@pytest.fixture
def another(folder: TokenFolder, tmp_path: Path, database: Database) -> Begin:
    """Begins another process on the same home and database."""
    return lambda: begin(folder, tmp_path, database)


@pytest.fixture
def process(another: Begin) -> Process:
    """A process of an installation with a policy key."""
    made = another()
    made.new_key(KeyPurpose.KEY_POLICY)
    return made
