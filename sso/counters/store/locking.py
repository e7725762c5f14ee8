"""Rows under lock, and cutting what hangs on a clerk.

Rows are locked in one order, counters before clerks, so that closing a counter and posting to it cannot pass each
other.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sso.counters.errors import CounterClosed, CounterUnknown
from sso.counters.store.tables import ClerkRow, CounterRow
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import cut_within


def locked_counter(session: Session, counter_id: str) -> CounterRow:
    """Return the counter under lock. Raises `CounterUnknown`."""
    row = session.get(CounterRow, counter_id, with_for_update=True)
    if row is None:
        raise CounterUnknown(field="counter")
    return row


def open_counter(session: Session, counter_id: str) -> CounterRow:
    """Return the counter under lock. Raises `CounterUnknown`, `CounterClosed`."""
    row = locked_counter(session, counter_id)
    if row.closed_at is not None:
        raise CounterClosed(field="counter")
    return row


def enabled_clerks_at(session: Session, counter: CounterRow) -> list[ClerkRow]:
    """Return the enabled clerks posted to a counter that is under lock, themselves under lock."""
    enabled = select(ClerkRow).where(ClerkRow.authority == counter.authority, ClerkRow.disabled_at.is_(None))
    rows = session.scalars(enabled.order_by(ClerkRow.id).with_for_update())
    return [row for row in rows if counter.id in row.counters]


def cut(session: Session, rows: Collection[ClerkRow], *, reason: str, at: datetime) -> None:
    """Cut the ties of clerks under lock and raise their epochs."""
    cut_within(session, {Tie(TieKind.CLERK, f"{row.id}/{row.epoch}") for row in rows}, reason=reason, at=at)
    for row in rows:
        row.epoch += 1
