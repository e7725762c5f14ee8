"""The database: engine, units of work and the check that its schema is the one this code expects.

SQLite runs in WAL mode with `synchronous=FULL`: what is committed survives a power cut, which laws 2, 5 and 6 rest
on. A writing unit begins IMMEDIATE, so that two writers wait for each other instead of failing half-way.
"""

import sqlite3
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast
from weakref import WeakSet

from sqlalchemy import Connection, Delete, Engine, Insert, MetaData, Select, Update, create_engine, event, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from trust.kernel.errors import NotReady, Unavailable

_BUSY_MILLISECONDS = 30_000  # longer than any of our transactions by far: a waiting writer gets its turn
_WRITES = "yinxin_writes"
_NAMED: Final = sqlite.dialect(paramstyle="named")  # values are handed to the driver by name, as they are


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
        if url.drivername.startswith("sqlite"):
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader: Engine = self.engine
        else:
            # PostgreSQL's default isolation shows each statement what others committed since the last one.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writer: Engine = self.engine.execution_options(**{_WRITES: True})
        self._keeps = _is_sqlite_file(url)
        self._kept = threading.local()
        self._places: WeakSet[_Kept] = WeakSet()  # of all threads, so that `close` leaves no file open

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
        """Like `read`, over a bare connection.

        On an SQLite file each thread keeps one for all its reading: taking one from the pool costs more than a query.
        """
        with _translated():
            kept = self._take_kept()
            if kept is None:
                with self._reader.connect() as connection:
                    yield connection
                return
            try:
                with kept.connection.begin() as unit:
                    yield kept.connection
                    unit.rollback()
            finally:
                kept.busy = False

    def _take_kept(self) -> "_Kept | None":
        """Return this thread's own connection; None where there is none, or when a unit of work is open on it."""
        if not self._keeps:
            return None
        kept: _Kept | None = getattr(self._kept, "place", None)
        if kept is not None and kept.busy:
            return None
        if kept is None or kept.pool is not self.engine.pool or kept.connection.closed:
            kept = self._kept.place = _Kept(pool=self.engine.pool, connection=self._reader.connect())
            self._places.add(kept)
        kept.busy = True
        return kept

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


@dataclass(slots=True, kw_only=True, weakref_slot=True, eq=False)
class _Kept:
    """The connection that a thread reads with; `busy` while a unit of work is open on it."""

    pool: object  # what it was taken from: after `Engine.dispose` there is another one
    connection: Connection
    busy: bool = False


class Prepared:
    """A statement that requests ask every time, made ready once.

    The library composes and describes each execution anew, which takes five times as long as SQLite needs for a row.
    There the text goes to the driver as it was composed at the first use; PostgreSQL is asked through the library.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        """`statement` names all its values by `bindparam`; an insert takes every column of its table."""
        self._statement = statement

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return the first row, whose columns are attributes, or None."""
        if connection.dialect.name != _NAMED.name:
            return connection.execute(self._statement, values).first()
        row = self._ask(connection, values).fetchone()
        return None if row is None else self._ready.row(row)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        if connection.dialect.name != _NAMED.name:
            return connection.execute(self._statement, values).all()
        return [self._ready.row(row) for row in self._ask(connection, values).fetchall()]

    def run(self, connection: Connection, *rows: Mapping[str, Any]) -> int:
        """Change something once for each of `rows`; return how many rows of the table that reached."""
        if connection.dialect.name != _NAMED.name:
            return connection.execute(self._statement, list(rows)).rowcount
        return sum(self._ask(connection, row).rowcount for row in rows)

    @cached_property
    def _ready(self) -> "_Ready":
        return _Ready.of(self._statement)

    def _ask(self, connection: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        try:
            return driver.execute(self._ready.text, self._ready.values(values))
        except sqlite3.Error as error:  # as the library would raise it: stores decide on integrity errors
            raise DBAPIError.instance(
                self._ready.text, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """The text of a statement for SQLite, and what its types do to values on the way in and out."""

    text: str
    fixed: Mapping[str, Any]
    encoders: Mapping[str, Callable[[Any], Any]]
    decoders: Sequence[tuple[int, Callable[[Any], Any]]]
    shape: Callable[[Sequence[Any]], Any]

    @classmethod
    def of(cls, statement: Select[Any] | Insert | Update | Delete) -> "_Ready":
        composed = statement.compile(dialect=_NAMED)
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        encoders = {
            name: bind.type.dialect_impl(_NAMED).bind_processor(_NAMED) for name, bind in composed.binds.items()
        }
        decoders = [
            (place, column.type.dialect_impl(_NAMED).result_processor(_NAMED, None))
            for place, column in enumerate(columns)
        ]
        make: Any = namedtuple  # noqa: PYI024  the names are known at run time only, which its checker refuses
        return cls(
            text=str(composed),
            fixed={name: bind.value for name, bind in composed.binds.items() if not bind.required},
            encoders={name: encode for name, encode in encoders.items() if encode is not None},
            decoders=[(place, decode) for place, decode in decoders if decode is not None],
            shape=make("Row", [column.key for column in columns])._make,
        )

    def values(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.encoders and not self.fixed:
            return given
        values = {**self.fixed, **given}
        for name, encode in self.encoders.items():
            values[name] = encode(values[name])
        return values

    def row(self, found: Sequence[Any]) -> Any:
        if self.decoders:
            found = list(found)
            for place, decode in self.decoders:
                found[place] = decode(found[place])
        return self.shape(found)


def _engine(url: URL) -> Engine:
    if not url.drivername.startswith(_NAMED.name):
        return create_engine(url, pool_pre_ping=True)
    # Each thread keeps a connection: waiting for one to come back would be waiting for ever.
    return create_engine(url, max_overflow=-1) if _is_sqlite_file(url) else create_engine(url)


def _is_sqlite_file(url: URL) -> bool:
    return url.drivername.startswith(_NAMED.name) and url.database not in {None, "", ":memory:"}


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
