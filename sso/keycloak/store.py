"""Sign-ins under way at an upstream, links between upstream subjects and persons, and what upstream logouts end.

No subject, session or state of an upstream stands here in clear: blind indexes and digests only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.keycloak.domain import PendingUpstream, UpstreamOrigin
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import cut_within
from trust.db import Base, Database


class UpstreamLoginRow(Base):
    """One sign-in under way; the row goes when it is finished, whatever came of it."""

    __tablename__ = "sso_upstream_logins"

    state: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    browser: Mapped[bytes] = mapped_column(LargeBinary(32))
    nonce: Mapped[bytes] = mapped_column(LargeBinary(32))
    verifier: Mapped[bytes] = mapped_column(LargeBinary(128))
    oldest: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[str] = mapped_column(String(32), index=True)


class UpstreamLinkRow(Base):
    """One upstream subject is one person, for good; one person has one subject at each upstream."""

    __tablename__ = "sso_upstream_links"
    __table_args__ = (UniqueConstraint("source", "person"),)

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    person: Mapped[str] = mapped_column(String(26), index=True)
    linked_at: Mapped[str] = mapped_column(String(32))


class UpstreamSessionRow(Base):
    """Which of our sessions an upstream opened: what its logout ends."""

    __tablename__ = "sso_upstream_sessions"

    session: Mapped[str] = mapped_column(String(26), primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    subject: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)
    upstream_session: Mapped[bytes | None] = mapped_column(LargeBinary(16), index=True)
    expires_at: Mapped[str] = mapped_column(String(32), index=True)


class UpstreamLogoutRow(Base):
    """A logout token that was used, kept until it expires."""

    __tablename__ = "sso_upstream_logouts"

    token: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    expires_at: Mapped[str] = mapped_column(String(32), index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """An upstream logout by blind indexes; one of `subject` and `session` is there."""

    token: bytes = field(repr=False)
    source: str
    subject: bytes | None
    session: bytes | None
    at: datetime
    expires_at: datetime


class DatabaseUpstreamStore:
    """Everything above on the database; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, state: bytes, pending: PendingUpstream, *, now: datetime) -> None:
        """Keep a sign-in under way, and forget those that nobody came back from."""
        with self._database.write() as unit:
            unit.execute(delete(UpstreamLoginRow).where(UpstreamLoginRow.expires_at <= now.isoformat()))
            unit.add(
                UpstreamLoginRow(
                    state=state,
                    source=pending.source,
                    browser=pending.browser,
                    nonce=pending.nonce,
                    verifier=pending.verifier,
                    oldest=pending.oldest.isoformat(),
                    expires_at=pending.expires_at.isoformat(),
                )
            )

    def find(self, state: bytes) -> PendingUpstream | None:
        """Return the sign-in with this state, without using it up."""
        with self._database.read() as unit:
            row = unit.get(UpstreamLoginRow, state)
        return None if row is None else _pending(row)

    def take(self, state: bytes) -> bool:
        """Use the sign-in up; False when another request did so before."""
        statement = delete(UpstreamLoginRow).where(UpstreamLoginRow.state == state).returning(UpstreamLoginRow.state)
        with self._database.write() as unit:
            return unit.execute(statement).first() is not None

    def linked_person(self, source: str, subject: bytes) -> str | None:
        """Return the id of the person whom an upstream subject is, or None."""
        with self._database.read() as unit:
            row = unit.get(UpstreamLinkRow, (source, subject))
        return None if row is None else row.person

    def link(self, source: str, subject: bytes, person: str, *, at: datetime) -> bool:
        """Link for good; False when the subject or the person is linked already, also in a race."""
        try:
            with self._database.write() as unit:
                unit.add(UpstreamLinkRow(source=source, subject=subject, person=person, linked_at=at.isoformat()))
        except IntegrityError:
            return False
        return True

    def remember(self, session: str, origin: UpstreamOrigin, *, expires_at: datetime, now: datetime) -> None:
        """Keep which upstream sign-in opened a session, for as long as the session can live."""
        with self._database.write() as unit:
            unit.execute(delete(UpstreamSessionRow).where(UpstreamSessionRow.expires_at <= now.isoformat()))
            unit.add(
                UpstreamSessionRow(
                    session=session,
                    source=origin.source,
                    subject=origin.subject,
                    upstream_session=origin.session,
                    expires_at=expires_at.isoformat(),
                )
            )

    def log_out(self, logout: Logout) -> Sequence[str] | None:
        """Cut the ties of the sessions that the upstream opened, in one commit; None when the token was used before."""
        try:
            with self._database.write() as unit:
                unit.execute(delete(UpstreamLogoutRow).where(UpstreamLogoutRow.expires_at <= logout.at.isoformat()))
                unit.add(UpstreamLogoutRow(token=logout.token, expires_at=logout.expires_at.isoformat()))
                unit.flush()
                return _ended(unit, logout)
        except IntegrityError:
            return None


def _ended(unit: Session, logout: Logout) -> Sequence[str]:
    """With a session the token means that session alone; without one, all of the subject's (logout section 2.4)."""
    chosen = delete(UpstreamSessionRow).where(UpstreamSessionRow.source == logout.source)
    if logout.session is not None:
        chosen = chosen.where(UpstreamSessionRow.upstream_session == logout.session)
    if logout.subject is not None:
        chosen = chosen.where(UpstreamSessionRow.subject == logout.subject)
    sessions = unit.scalars(chosen.returning(UpstreamSessionRow.session)).all()
    ties = [Tie(TieKind.SESSION, each) for each in sessions]
    cut_within(unit, ties, reason="upstream-logout", at=logout.at)
    return sessions


def _pending(row: UpstreamLoginRow) -> PendingUpstream:
    return PendingUpstream(
        source=row.source,
        browser=row.browser,
        nonce=row.nonce,
        verifier=row.verifier,
        oldest=datetime.fromisoformat(row.oldest),
        expires_at=datetime.fromisoformat(row.expires_at),
    )
