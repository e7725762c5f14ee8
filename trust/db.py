"""The database: engine, units of work and the check that its schema is the one this code expects.

SQLite runs in WAL mode with `synchronous=FULL`: what is committed survives a power cut, which laws 2, 5 and 6 rest
on. A writing unit begins IMMEDIATE, so that two writers wait for each other instead of failing half-way.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from trust.kernel.errors import NotReady, Unavailable

_BUSY_MILLISECONDS = 30_000  # longer than any of our transactions by far: a waiting writer gets its turn
_WRITES = "yinxin_writes"


class DatabaseUnavailable(Unavailable):
    """The database does not answer or a lock was not granted in time."""

    code = "database-unavailable"
    title = "The database does not answer."
    title_zh = "数据库无响应。"


class DatabaseNotMigrated(NotReady):
    """The schema of the database is not the one that this code expects."""

    code = "database-migration"
    title = "The database is at another migration than this program."
    title_zh = "数据库结构版本与程序不一致。"
    remedy = "Run `yinxin init`: it brings the database to this program's migration."
    remedy_zh = "请运行 `yinxin init`，将数据库升级到与程序一致的版本。"


class DatabaseOfAnotherRelease(DatabaseNotMigrated):
    """The database is at a migration that this program does not know: a newer release has worked with it."""

    title = "The database belongs to another release of this program."
    title_zh = "数据库属于本程序的其他版本。"
    remedy = "Run the release that this database belongs to; a database is never taken back to an older one."
    remedy_zh = "请运行与该数据库相符的程序版本；数据库不会降级。"


class DatabaseAddressUnusable(NotReady):
    """The address of the database cannot be read, or names a kind of database that is not supported."""

    code = "database-address-unusable"
    title = "The address of the database cannot be used."
    title_zh = "数据库地址不可用。"
    remedy = "Correct YINXIN_DATABASE_URL: `postgresql+psycopg://…`, or empty for the database in the home folder."
    remedy_zh = "请更正 YINXIN_DATABASE_URL：`postgresql+psycopg://…`，留空则使用主目录中的数据库。"


class DatabaseNotDurable(NotReady):
    """The server may lose what it has committed, so nothing that rests on a commit can be promised (laws 2, 5, 6)."""

    code = "database-not-durable"
    title = "The database server may lose committed data."
    title_zh = "数据库服务器可能丢失已提交的数据。"
    remedy = "Set fsync and synchronous_commit to on in PostgreSQL's configuration."
    remedy_zh = "请在 PostgreSQL 配置中将 fsync 与 synchronous_commit 设为 on。"


class Base(DeclarativeBase):
    """Common base of all row classes; the naming convention is what Alembic needs to alter constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """One database; safe to share between threads, one per process."""

    def __init__(self, address: str) -> None:
        """Raises `DatabaseAddressUnusable`, which repeats nothing of the address: it may hold a password."""
        try:
            url = make_url(address)
            self.engine: Engine = create_engine(url, pool_pre_ping=not url.drivername.startswith("sqlite"))
        except (ArgumentError, ImportError, ValueError) as error:
            raise DatabaseAddressUnusable(field="database_url", kind=type(error).__name__) from None
        if url.drivername.startswith("sqlite"):
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader: Engine = self.engine
        else:
            # PostgreSQL's default isolation shows each statement what others committed since the last one.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writer: Engine = self.engine.execution_options(**{_WRITES: True})

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A writing unit of work: commits when the block ends, rolls back when it raises."""
        with _translated(), Session(self.writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading unit of work over one consistent snapshot; it never commits anything."""
        with _translated(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Like `write`, over a bare connection: for statements on tables, which need no mapper, where speed counts."""
        with _translated(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Like `read`, over a bare connection."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    def check(self) -> None:
        """Raise `DatabaseUnavailable` when the database does not answer."""
        with self.read() as session:
            session.execute(select(1))

    def check_durable(self) -> None:
        """Raise `DatabaseNotDurable` unless a commit means that the data are on disk; SQLite is told so by pragma."""
        if self.engine.dialect.name != "postgresql":
            return
        with self.connect() as connection:
            for name in ("fsync", "synchronous_commit"):
                if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off":
                    raise DatabaseNotDurable(f"{name} is off.", field=name)

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """No exception of the database library leaves this module but integrity errors, which stores decide on."""
    try:
        yield
    except DBAPIError as error:
        if type(error).__name__ == "IntegrityError":
            raise
        raise DatabaseUnavailable(kind=type(error).__name__) from error
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(kind=type(error).__name__) from error


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "foreign_keys=ON",
        "cache_size=-16384",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    # On the driver's own connection: every unit of work begins here, and a whole statement of the library costs more
    # than many a query.
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    try:
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED").close()
    except sqlite3.Error as error:
        raise DatabaseUnavailable(kind=type(error).__name__) from error
