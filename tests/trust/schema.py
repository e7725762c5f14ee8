"""What any dialect's schema must satisfy: migrations and models agree, and a downgrade leaves nothing behind."""

import importlib
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from trust.db import Base, Database
from trust.migrations import runner

_ROOT = Path(__file__).resolve().parents[2]
for _package in ("trust", "hsm_adapter", "seals", "certs", "sso"):
    for _path in sorted((_ROOT / _package).rglob("*.py")):
        _parts = _path.relative_to(_ROOT).with_suffix("").parts
        if "store" in _parts:
            importlib.import_module(".".join(_parts).removesuffix(".__init__"))  # puts its tables into the metadata

_POSTGRESQL_FUNCTIONS = text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def downgrade(database: Database, revision: str = "base") -> None:
    config = runner._config()
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def upgrade(database: Database, revision: str) -> None:
    """Bring an empty database to an older revision, as an older release left it."""
    config = runner._config()
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def assert_downgrade_leaves_nothing(database: Database) -> None:
    """Up, down, up: the downgrade removes every table and function, and the second upgrade works."""
    runner.migrate(database)
    assert tables(database) == set(Base.metadata.tables)
    runner.check_migrated(database)
    downgrade(database)
    assert tables(database) == set()
    assert runner.current_revision(database) is None
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            assert connection.execute(_POSTGRESQL_FUNCTIONS).all() == []
    runner.migrate(database)
    assert tables(database) == set(Base.metadata.tables)
    runner.check_migrated(database)


def assert_no_drift(database: Database) -> None:
    """What `alembic check` asks: would a migration generated from the models hold anything?"""
    runner.migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
