"""Clerks and the requests about them in the database.

A change that takes something from a clerk raises the clerk's epoch and cuts the old tie in the same commit.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso.counters.domain import ChangeKind, ChangeState, ClerkChange
from sso.counters.errors import (
    ChangeDecided,
    ChangeUnknown,
    ClerkDisabled,
    ClerkNotDisabled,
    ClerkRegistered,
    ClerkUnknown,
    CounterOfAnotherAuthority,
)
from sso.counters.ports import ClerkEntry
from sso.counters.store.locking import cut, open_counter
from sso.counters.store.tables import ClerkChangeRow, ClerkRow, change_of, entry_of
from trust.db import Base, Database
from trust.kernel.identifiers import Uscc
from trust.prepared import Prepared

# Asked at every exchange at a counter.
_CLERKS = Base.metadata.tables["sso_clerks"]
_BY_ID = Prepared(select(_CLERKS).where(_CLERKS.c.id == bindparam("key")))
_BY_PERSON = Prepared(select(_CLERKS).where(_CLERKS.c.active_person == bindparam("key")))


class DatabaseClerkStore:
    """`ClerkStore` of the ports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clerk(self, clerk_id: str) -> ClerkEntry | None:
        """See the port."""
        row = self._database.first(_BY_ID, {"key": clerk_id})
        return None if row is None else entry_of(row)

    def clerk_of(self, person_id: str) -> ClerkEntry | None:
        """See the port."""
        row = self._database.first(_BY_PERSON, {"key": person_id})
        return None if row is None else entry_of(row)

    def clerks(self, authority: Uscc | None) -> Sequence[ClerkEntry]:
        """See the port."""
        chosen = select(ClerkRow).order_by(ClerkRow.id)
        if authority is not None:
            chosen = chosen.where(ClerkRow.authority == str(authority))
        with self._database.read() as session:
            return tuple(map(entry_of, session.scalars(chosen)))

    def add_change(self, change: ClerkChange) -> None:
        """See the port."""
        row = ClerkChangeRow(
            id=change.id,
            kind=change.kind.value,
            clerk=change.clerk,
            person=change.person,
            staff_number=change.staff_number,
            authority=str(change.authority),
            counters=sorted(change.counters),
            reason=change.reason,
            requested_by=change.requested_by,
            requested_at=change.requested_at.isoformat(),
            state=change.state.value,
        )
        with self._database.write() as session:
            session.add(row)

    def change(self, change_id: str) -> ClerkChange | None:
        """See the port."""
        with self._database.read() as session:
            row = session.get(ClerkChangeRow, change_id)
            return None if row is None else change_of(row)

    def changes(self, *, clerk: str | None, state: ChangeState | None) -> Sequence[ClerkChange]:
        """See the port."""
        chosen = select(ClerkChangeRow).order_by(ClerkChangeRow.id)
        if clerk is not None:
            chosen = chosen.where(ClerkChangeRow.clerk == clerk)
        if state is not None:
            chosen = chosen.where(ClerkChangeRow.state == state.value)
        with self._database.read() as session:
            return tuple(map(change_of, session.scalars(chosen)))

    def refuse(self, change_id: str, *, by: str, at: datetime) -> ClerkChange:
        """See the port."""
        with self._database.write() as session:
            row = _decided(session, change_id, ChangeState.REFUSED, by=by, at=at)
            return change_of(row)

    def approve(self, change_id: str, *, by: str, at: datetime) -> ClerkEntry:
        """See the port."""
        try:
            with self._database.write() as session:
                change = _decided(session, change_id, ChangeState.APPROVED, by=by, at=at)
                clerk = _CARRY_OUT[ChangeKind(change.kind)](session, change, at)
                session.flush()
                return entry_of(clerk)
        except IntegrityError:
            raise ClerkRegistered from None


def _decided(session: Session, change_id: str, state: ChangeState, *, by: str, at: datetime) -> ClerkChangeRow:
    row = session.get(ClerkChangeRow, change_id, with_for_update=True)
    if row is None:
        raise ChangeUnknown(field="change")
    if row.state != ChangeState.WAITING.value:
        raise ChangeDecided(field="change")
    row.state, row.decided_by, row.decided_at = state.value, by, at.isoformat()
    return row


def _register(session: Session, change: ClerkChangeRow, at: datetime) -> ClerkRow:
    _check_counters(session, change.counters, change.authority)
    row = ClerkRow(
        id=change.clerk,
        person=change.person,
        active_person=change.person,
        staff_number=change.staff_number,
        authority=change.authority,
        counters=change.counters,
        epoch=1,
        registered_at=at.isoformat(),
    )
    session.add(row)
    return row


def _post(session: Session, change: ClerkChangeRow, at: datetime) -> ClerkRow:
    _check_counters(session, change.counters, change.authority)
    row = _enabled_clerk(session, change.clerk)
    cut(session, [row], reason="clerk posted elsewhere", at=at)
    row.counters = change.counters
    return row


def _disable(session: Session, change: ClerkChangeRow, at: datetime) -> ClerkRow:
    row = _enabled_clerk(session, change.clerk)
    cut(session, [row], reason="clerk disabled", at=at)
    row.disabled_at, row.active_person = at.isoformat(), None
    return row


def _enable(session: Session, change: ClerkChangeRow, _at: datetime) -> ClerkRow:
    row = _locked_clerk(session, change.clerk)
    if row.disabled_at is None:
        raise ClerkNotDisabled(field="clerk")
    row.disabled_at, row.active_person = None, row.person
    return row


_CARRY_OUT: Final[dict[ChangeKind, Callable[[Session, ClerkChangeRow, datetime], ClerkRow]]] = {
    ChangeKind.REGISTER: _register,
    ChangeKind.POST: _post,
    ChangeKind.DISABLE: _disable,
    ChangeKind.ENABLE: _enable,
}


def _check_counters(session: Session, counters: Iterable[str], authority: str) -> None:
    for counter_id in sorted(counters):
        if open_counter(session, counter_id).authority != authority:
            raise CounterOfAnotherAuthority(field="counters")


def _locked_clerk(session: Session, clerk_id: str) -> ClerkRow:
    row = session.get(ClerkRow, clerk_id, with_for_update=True)
    if row is None:
        raise ClerkUnknown(field="clerk")
    return row


def _enabled_clerk(session: Session, clerk_id: str) -> ClerkRow:
    row = _locked_clerk(session, clerk_id)
    if row.disabled_at is not None:
        raise ClerkDisabled(field="clerk")
    return row
