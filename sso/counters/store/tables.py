"""The tables of matters, counters, clerks and requests about clerks, and what their rows say."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import JSON, Integer, Row, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sso.counters.domain import ChangeKind, ChangeState, ClerkChange, Counter, Matter
from sso.counters.ports import ClerkEntry
from trust.db import Base
from trust.kernel.clock import kept_moment
from trust.kernel.identifiers import Uscc

_ID: Final = String(26)
_MOMENT: Final = String(32)  # ISO 8601 in UTC
_OPERATOR: Final = String(64)
_PARSED: Final = 512
"""Matters that are remembered as parsed, by all that their rows say; some KiB each."""


class MatterRow(Base):
    """One matter; it never changes but for the moment of its end."""

    __tablename__ = "sso_matters"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(200))
    purpose_zh: Mapped[str] = mapped_column(String(200))
    types: Mapped[list[str]] = mapped_column(JSON)
    registered_at: Mapped[str] = mapped_column(_MOMENT)
    retired_at: Mapped[str | None] = mapped_column(_MOMENT)


class CounterRow(Base):
    """One counter; `systems` are client ids."""

    __tablename__ = "sso_counters"
    __table_args__ = (UniqueConstraint("authority", "name"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    authority: Mapped[str] = mapped_column(String(18))
    systems: Mapped[list[str]] = mapped_column(JSON)
    registered_at: Mapped[str] = mapped_column(_MOMENT)
    closed_at: Mapped[str | None] = mapped_column(_MOMENT)


class ClerkRow(Base):
    """One clerk. `active_person` is the person while the clerk is enabled: nobody is two clerks at once."""

    __tablename__ = "sso_clerks"
    __table_args__ = (UniqueConstraint("authority", "staff_number"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    person: Mapped[str] = mapped_column(_ID, index=True)
    active_person: Mapped[str | None] = mapped_column(_ID, unique=True)
    staff_number: Mapped[str] = mapped_column(String(20))
    authority: Mapped[str] = mapped_column(String(18))
    counters: Mapped[list[str]] = mapped_column(JSON)
    epoch: Mapped[int] = mapped_column(Integer)
    registered_at: Mapped[str] = mapped_column(_MOMENT)
    disabled_at: Mapped[str | None] = mapped_column(_MOMENT)


class ClerkChangeRow(Base):
    """One request about a clerk and its decision; rows are kept for good."""

    __tablename__ = "sso_clerk_changes"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    clerk: Mapped[str] = mapped_column(_ID, index=True)
    person: Mapped[str] = mapped_column(_ID)
    staff_number: Mapped[str] = mapped_column(String(20))
    authority: Mapped[str] = mapped_column(String(18))
    counters: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(200))
    requested_by: Mapped[str] = mapped_column(_OPERATOR)
    requested_at: Mapped[str] = mapped_column(_MOMENT)
    state: Mapped[str] = mapped_column(String(16))
    decided_by: Mapped[str | None] = mapped_column(_OPERATOR)
    decided_at: Mapped[str | None] = mapped_column(_MOMENT)


def matter_of(row: MatterRow | Row[Any]) -> Matter:
    """Return the matter that a row holds."""
    texts = (row.code, row.name, row.name_zh, row.purpose, row.purpose_zh)
    return _matter(texts, frozenset(row.types), row.retired_at)


@lru_cache(_PARSED)
def _matter(texts: tuple[str, str, str, str, str], types: frozenset[str], retired_at: str | None) -> Matter:
    code, name, name_zh, purpose, purpose_zh = texts
    return Matter(
        code=code,
        name=name,
        name_zh=name_zh,
        purpose=purpose,
        purpose_zh=purpose_zh,
        types=types,
        retired_at=kept_moment(retired_at),
    )


def counter_of(row: CounterRow) -> Counter:
    """Return the counter that a row holds."""
    return Counter(
        id=row.id,
        name=row.name,
        authority=Uscc.parse(row.authority),
        systems=frozenset(row.systems),
        closed_at=kept_moment(row.closed_at),
    )


def entry_of(row: ClerkRow) -> ClerkEntry:
    """Return the clerk that a row holds."""
    return ClerkEntry(
        id=row.id,
        person=row.person,
        staff_number=row.staff_number,
        authority=Uscc.parse(row.authority),
        counters=frozenset(row.counters),
        epoch=row.epoch,
        disabled_at=kept_moment(row.disabled_at),
    )


def change_of(row: ClerkChangeRow) -> ClerkChange:
    """Return the request that a row holds."""
    return ClerkChange(
        id=row.id,
        kind=ChangeKind(row.kind),
        clerk=row.clerk,
        person=row.person,
        staff_number=row.staff_number,
        authority=Uscc.parse(row.authority),
        counters=frozenset(row.counters),
        reason=row.reason,
        requested_by=row.requested_by,
        requested_at=datetime.fromisoformat(row.requested_at),
        state=ChangeState(row.state),
        decided_by=row.decided_by,
        decided_at=kept_moment(row.decided_at),
    )
