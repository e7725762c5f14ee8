"""Brings a database to this program's migration, and says when it is at another one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from trust.db import Database, DatabaseNotMigrated, DatabaseOfAnotherRelease

_FOLDER = Path(__file__).parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def expected_revision() -> str:
    """Return the revision that this program works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise DatabaseNotMigrated("The program ships no migration.")
    return revision


def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at, or None for an empty one. Raises `DatabaseUnavailable`."""
    with database.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database) -> None:
    """Upgrade the database to the expected revision; does nothing when it is there already.

    Raises `DatabaseOfAnotherRelease`, `DatabaseUnavailable`.
    """
    config = _config()
    _check_known(current_revision(database))
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_migrated(database: Database) -> None:
    """Raise `DatabaseNotMigrated`, or its kind that no upgrade mends, unless the database is at the expected revision.

    Raises `DatabaseUnavailable` when it does not answer or is no database.
    """
    current, expected = current_revision(database), expected_revision()
    if current != expected:
        _check_known(current)
        raise DatabaseNotMigrated(f"The database is at {current or 'no migration'}, this program needs {expected}.")


def _check_known(current: str | None) -> None:
    """Raise `DatabaseOfAnotherRelease` for a revision that is none of this program's."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise DatabaseOfAnotherRelease(f"The database is at {current}, which this program does not know.")
