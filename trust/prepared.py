"""Statements that requests ask every time, made ready once; beside `trust.db`, for stores only."""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

_NAMED: Final = sqlite.dialect(paramstyle="named")  # values are handed to the driver by name, as they are


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
        return self._ask(connection, *rows).rowcount

    @cached_property
    def _ready(self) -> "_Ready":
        return _Ready.of(self._statement)

    def _ask(self, connection: Connection, *rows: Mapping[str, Any]) -> sqlite3.Cursor:
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        ready = self._ready
        try:
            if len(rows) == 1:
                return driver.execute(ready.text, ready.values(rows[0]))
            return driver.executemany(ready.text, map(ready.values, rows))
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
