"""The intents in the database (law 5): who works on which request, and what became of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, Update, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from certs.domain import Intent, IntentState
from certs.store.tables import INTENTS
from trust.db import Database

_BY_KEY = select(INTENTS).where(
    INTENTS.c.authority == bindparam("authority"), INTENTS.c.key_index == bindparam("key_index")
)

_RESERVE = insert(INTENTS)
_COLUMNS = tuple(column.name for column in INTENTS.columns)


class SqlIntents:
    """Implements `certs.ports.Intents`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, *, authority: str, key_index: bytes) -> Intent | None:
        """Return the intent under this idempotency key, or None."""
        with self._database.connect() as connection:
            row = connection.execute(_BY_KEY, {"authority": authority, "key_index": key_index}).mappings().first()
        return None if row is None else _intent(row)

    def state(self, identifier: str) -> IntentState | None:
        """Return what became of the intent of this identifier, or None when it was never reserved."""
        with self._database.connect() as connection:
            state = connection.execute(select(INTENTS.c.state).where(INTENTS.c.identifier == identifier)).scalar()
        return None if state is None else IntentState(state)

    def reserve(self, intent: Intent) -> bool:
        """Commit the intent; False when its identifier or its idempotency key is in use."""
        try:
            with self._database.begin() as connection:
                connection.execute(_RESERVE, {name: getattr(intent, name) for name in _COLUMNS})
        except IntegrityError:
            return False
        return True

    def claim(self, identifier: str, *, attempt: str, now: datetime, until: datetime) -> Intent | None:
        """Take over an open intent whose lease has run out; None when somebody else holds it or it has ended."""
        with self._database.begin() as connection:
            taken = connection.execute(
                update(INTENTS)
                .where(
                    INTENTS.c.identifier == identifier,
                    INTENTS.c.state == IntentState.INTENDED,
                    INTENTS.c.lease_until <= now,
                )
                .values(attempt=attempt, lease_until=until)
                .returning(*INTENTS.columns)
            )
            row = taken.mappings().first()
        return None if row is None else _intent(row)

    def release(self, intent: Intent, *, now: datetime) -> None:
        """End the lease of this run, so that a repeated request or recovery continues; no effect if it was lost."""
        with self._database.begin() as connection:
            connection.execute(held(intent).values(lease_until=now))

    def abandon(self, intent: Intent, *, reason: str) -> None:
        """Give the intent up for good and erase the sealed command; no effect if the lease was lost."""
        with self._database.begin() as connection:
            connection.execute(held(intent).values(state=IntentState.ABANDONED, reason=reason, sealed=None))

    def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        """Return identifiers of open intents whose lease has run out, the longest first."""
        with self._database.connect() as connection:
            return (
                connection.execute(
                    select(INTENTS.c.identifier)
                    .where(INTENTS.c.state == IntentState.INTENDED, INTENTS.c.lease_until <= now)
                    .order_by(INTENTS.c.lease_until)
                    .limit(limit)
                )
                .scalars()
                .all()
            )


def held(intent: Intent) -> Update:
    """Return an update of the intent that takes effect only while this very run holds its lease."""
    return update(INTENTS).where(
        INTENTS.c.identifier == intent.identifier,
        INTENTS.c.state == IntentState.INTENDED,
        INTENTS.c.attempt == intent.attempt,
    )


def _intent(row: RowMapping) -> Intent:
    return Intent(**{**row, "state": IntentState(row["state"])})
