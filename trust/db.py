"""The database: engine, units of work and the check that its schema is the one this code expects.

SQLite runs in WAL mode, and a writing unit returns when its commit is on the disk: what is committed survives a power
cut, which laws 2, 5 and 6 rest on. A writing unit begins IMMEDIATE, so that two writers wait for each other instead of
failing half-way.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from weakref import WeakSet

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from trust.durable import SharedSync
from trust.kernel.errors import NotReady, Unavailable
from trust.prepared import Prepared

_BUSY_MILLISECONDS = 30_000  # longer than any of our transactions by far: a waiting writer gets its turn
_WRITES = "yinxin_writes"
_SQLITE: Final = "sqlite"
_SYNCED_APART: Final = "yinxin_synced_apart"
_DURABLE: Final = "yinxin_durable"
_ASYNCHRONOUS: Final = text("SET LOCAL synchronous_commit TO OFF")
_SYNCHRONOUS: Final = text("SET LOCAL synchronous_commit TO ON")


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
            self.engine: Engine = _engine(url)
        except (ArgumentError, ImportError, ValueError) as error:
            raise DatabaseAddressUnusable(field="database_url", kind=type(error).__name__) from None
        self._log = SharedSync(_log_of(url)) if _is_sqlite_file(url) else None
        if url.drivername.startswith(_SQLITE):
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            event.listen(self.engine, "checkin", _synced_inside)
            self._reader: Engine = self.engine
        else:
            # PostgreSQL's default isolation shows each statement what others committed since the last one.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writer: Engine = self.engine.execution_options(**{_WRITES: True})
        self._kept = threading.local()
        self._places: WeakSet[_Kept] = WeakSet()  # of all threads, so that `close` leaves no file open
        self._turn = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A writing unit of work: commits when the block ends, rolls back when it raises."""
        with (
            _translated(),
            self._writing() as bind,
            Session(bind, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading unit of work over one consistent snapshot; it never commits anything."""
        with _translated(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """Like `write`, over a bare connection: for statements on tables, which need no mapper, where speed counts.

        With `durable=False` the commit may still be on its way to the disk; every later durable commit, by anybody,
        has it there too. That is for what a signature's ledger entry follows before anything is released, and for
        what costs the user no more than another try.
        """
        with _translated(), self._writing() as bind, bind.begin() as unit:
            connection = unit if isinstance(unit, Connection) else unit.connection
            connection.info[_DURABLE] = durable
            if not durable and connection.dialect.name != _SQLITE:
                connection.execute(_ASYNCHRONOUS)
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Like `read`, over a bare connection.

        On an SQLite file each thread keeps one for all its reading: taking one from the pool costs more than a query.
        """
        with _translated(), self._own("reading", self._reader) as own:
            if own is None:
                with self._reader.connect() as connection:
                    yield connection
            else:
                with own.begin() as unit:
                    yield own
                    unit.rollback()

    def first(self, statement: Prepared, values: Mapping[str, Any]) -> Any:
        """Return the first row that one question finds, or None. One question needs no unit of work around it."""
        with _translated(), self._own("reading", self._reader) as own:
            if own is not None:
                return statement.first(own, values)
            with self._reader.connect() as connection:
                return statement.first(connection, values)

    @contextmanager
    def _writing(self) -> Iterator[Engine | Connection]:
        """Give what a writing unit begins on; leaving it waits for the disk, unless the unit said otherwise.

        On an SQLite file the log is synced after the next writer was let in, and one sync does for all before it.
        """
        with self._own("writing", self.writer) as own:
            if own is None or self._log is None:
                yield self.writer
                return
            if not own.info.get(_SYNCED_APART):
                _driver(own).execute("PRAGMA synchronous=NORMAL").close()  # still synced before it is copied over
                own.info[_SYNCED_APART] = True
            # SQLite would have us sleep, and longer each time, until another thread has committed.
            if not self._turn.acquire(timeout=_BUSY_MILLISECONDS / 1000):
                raise DatabaseUnavailable(kind="busy")
            try:
                yield own
            finally:
                self._turn.release()
                durable = own.info.pop(_DURABLE, True)
            if durable:
                _wait_for(self._log)

    @contextmanager
    def _own(self, name: str, engine: Engine) -> Iterator[Connection | None]:
        """Give this thread's own connection; None where none is kept, or while a unit of work is open on it."""
        kept: _Kept | None = getattr(self._kept, name, None)
        if self._log is None or (kept is not None and kept.busy):
            yield None
            return
        if kept is None or kept.pool is not engine.pool or kept.connection.closed or kept.connection.invalidated:
            kept = _Kept(pool=engine.pool, connection=engine.connect())
            setattr(self._kept, name, kept)
            self._places.add(kept)
        kept.busy = True
        try:
            yield kept.connection
        finally:
            kept.busy = False

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
        """Close all connections: those that threads keep, and the pool."""
        for kept in tuple(self._places):
            if not kept.busy:
                kept.connection.close()
        self.engine.dispose()


def make_durable(connection: Connection) -> None:
    """Have the unit of work that is open on this connection on the disk when it ends, whatever it began as."""
    if connection.info.get(_DURABLE, True):
        return
    connection.info[_DURABLE] = True
    if connection.dialect.name != _SQLITE:
        connection.execute(_SYNCHRONOUS)


@dataclass(slots=True, kw_only=True, weakref_slot=True, eq=False)
class _Kept:
    """A connection that a thread reads or writes with; `busy` while a unit of work is open on it."""

    pool: object  # what it was taken from: after `Engine.dispose` there is another one
    connection: Connection
    busy: bool = False


def _engine(url: URL) -> Engine:
    if not url.drivername.startswith(_SQLITE):
        return create_engine(url, pool_pre_ping=True)
    # Each thread keeps a connection: waiting for one to come back would be waiting for ever.
    return create_engine(url, max_overflow=-1) if _is_sqlite_file(url) else create_engine(url)


def _is_sqlite_file(url: URL) -> bool:
    name = url.database or ""
    return url.drivername.startswith(_SQLITE) and bool(name) and not name.startswith((":memory:", "file:"))


def _log_of(url: URL) -> Path:
    """Return the write-ahead log: SQLite follows links before it names it."""
    return Path(f"{Path(url.database or '').resolve()}-wal")


def _wait_for(log: SharedSync) -> None:
    try:
        log.wait()
    except OSError as error:
        raise DatabaseUnavailable(kind=type(error).__name__) from error


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


def _synced_inside(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    """Whoever has this connection next may commit by itself."""
    if connection is not None and record.info.pop(_SYNCED_APART, None):
        cast("sqlite3.Connection", connection).execute("PRAGMA synchronous=FULL").close()


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    # On the driver's own connection: every unit of work begins here, and a whole statement of the library costs more
    # than many a query.
    try:
        _driver(connection).execute("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED").close()
    except sqlite3.Error as error:
        raise DatabaseUnavailable(kind=type(error).__name__) from error
