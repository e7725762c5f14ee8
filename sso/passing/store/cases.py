"""Cases in the database."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sso.passing.domain import Case
from sso.passing.store.tables import CASES
from sso.revocation.domain import Tie
from sso.revocation.store import cut_within
from trust.db import Database
from trust.prepared import Prepared

_BY_ID = Prepared(select(CASES).where(CASES.c.id == bindparam("id")))
_COLUMNS = tuple(column.name for column in CASES.columns)
_MOMENTS = ("opened_at", "closes_at", "closed_at")


class SqlCases:
    """Keeps cases; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, case: Case) -> None:
        """Keep a new case."""
        values = {name: getattr(case, name) for name in _COLUMNS}
        moments = {name: values[name].isoformat() for name in _MOMENTS if values[name] is not None}
        with self._database.begin() as connection:
            connection.execute(insert(CASES), {**values, **moments, "types": json.dumps(sorted(case.types))})

    def find(self, case_id: str) -> Case | None:
        """Return a case, or None."""
        with self._database.connect() as connection:
            return case_within(connection, case_id)

    def close(self, case_id: str, *, at: datetime, ties: Collection[Tie]) -> None:
        """Close a case, unless it is closed, and cut what hangs on it, in one commit."""
        closed = update(CASES).where(CASES.c.id == case_id, CASES.c.closed_at.is_(None))
        with self._database.begin() as connection:
            connection.execute(closed.values(closed_at=at.isoformat()))
            cut_within(connection, ties, reason="case-closed", at=at)


def case_within(connection: Connection, case_id: str) -> Case | None:
    """Return a case, read inside another unit of work, or None."""
    row = _BY_ID.first(connection, {"id": case_id})
    return None if row is None else _case(row)


def _case(row: Row[Any]) -> Case:
    values = row._asdict()
    moments = {name: datetime.fromisoformat(values[name]) for name in _MOMENTS if values[name] is not None}
    return Case(**{**values, **moments, "types": frozenset(json.loads(values["types"]))})
