"""Recovery codes from counters in the database: handed out, released, cancelled, and kept as the record."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update

from sso.signin.credentials import RecoveryCode
from sso.signin.store.credentials import RECOVERY_CODES, code_values, hold_codes
from sso.signin.store.tables import moment_of, moment_text
from trust.db import Database

_COLUMNS = RECOVERY_CODES.c


class DatabaseCounterCodes:
    """`sso.signin.ports.CounterCodes` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, code: RecoveryCode) -> None:
        """Keep a code; unused older ones of the person from counters end."""
        at = code.created_at
        end = update(RECOVERY_CODES).where(*_open(code.person, at)).values(expires_at=moment_text(at))
        with self._database.begin() as connection:
            hold_codes(connection, code.person)
            connection.execute(end)
            connection.execute(RECOVERY_CODES.insert().values(code_values(code)))

    def release(self, code: RecoveryCode, *, by: str, at: datetime, until: datetime) -> bool:
        """Make a waiting code good at once, until then; False when it waits no longer, or `by` handed it out."""
        waiting = (
            *_open(code.person, at),
            _COLUMNS.id == code.id,
            _COLUMNS.good_from > moment_text(at),
            _COLUMNS.clerk != by,
        )
        values = {"good_from": moment_text(at), "expires_at": moment_text(until), "released_by": by}
        with self._database.begin() as connection:
            return connection.execute(update(RECOVERY_CODES).where(*waiting).values(values)).rowcount == 1

    def cancel(self, code_id: str, *, person: str, at: datetime) -> RecoveryCode | None:
        """Make a code of the person unusable for good and return it; None when there is no such open one."""
        mine = (*_open(person, at), _COLUMNS.id == code_id)
        changed = update(RECOVERY_CODES).where(*mine).values(cancelled_at=moment_text(at))
        with self._database.begin() as connection:
            if connection.execute(changed).rowcount != 1:
                return None
            return _code(connection.execute(select(RECOVERY_CODES).where(_COLUMNS.id == code_id)).one())

    def open(self, person: str, at: datetime) -> Sequence[RecoveryCode]:
        """Return the codes of a person that are, or may come to be, good: one at most, oldest first."""
        statement = select(RECOVERY_CODES).where(*_open(person, at)).order_by(_COLUMNS.created_at)
        with self._database.connect() as connection:
            return tuple(_code(row) for row in connection.execute(statement))

    def waiting(self, digest: bytes, person: str, at: datetime) -> RecoveryCode | None:
        """Return the code of this digest if it is the person's and still waits."""
        statement = select(RECOVERY_CODES).where(
            *_open(person, at), _COLUMNS.digest == digest, _COLUMNS.good_from > moment_text(at)
        )
        with self._database.connect() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _code(row)

    def all(self, persons: Collection[str]) -> Sequence[RecoveryCode]:
        """Return every code that was ever handed out to these persons at a counter, oldest first."""
        handed = (_COLUMNS.person.in_(persons), _COLUMNS.clerk.is_not(None))
        statement = select(RECOVERY_CODES).where(*handed).order_by(_COLUMNS.created_at)
        with self._database.connect() as connection:
            return tuple(_code(row) for row in connection.execute(statement))


def _open(person: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _COLUMNS.person == person,
        _COLUMNS.clerk.is_not(None),
        _COLUMNS.used_at.is_(None),
        _COLUMNS.cancelled_at.is_(None),
        or_(_COLUMNS.expires_at.is_(None), _COLUMNS.expires_at > moment_text(at)),
    )


def _code(row: Row[Any]) -> RecoveryCode:
    return RecoveryCode(
        digest=row.digest,
        person=row.person,
        created_at=moment_of(row.created_at),
        expires_at=_moment(row.expires_at),
        clerk=row.clerk,
        counter=row.counter,
        id=row.id,
        good_from=_moment(row.good_from),
        released_by=row.released_by,
        cancelled_at=_moment(row.cancelled_at),
        used_at=_moment(row.used_at),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)
