"""Sessions in the database. Ending one and cutting its tie are one commit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import cut_within, first_cut_within
from sso.signin.credentials import SessionChange
from sso.signin.domain import Method, Session, Strength
from sso.signin.store.tables import SessionRow, moment_of, moment_text
from sso.signin.store.work import Step, commit
from trust.db import Base, Database
from trust.prepared import Prepared

_BATCH = 500  # sessions ended in one commit: the writer is not held for longer than a blink

# Asked at every request of a signed-in person: made once, on the table instead of the mapped class.
_SESSIONS = Base.metadata.tables["sso_sessions"]
_BY_DIGEST = Prepared(select(_SESSIONS).where(_SESSIONS.c.secret_digest == bindparam("digest")))
_BY_ID = Prepared(select(_SESSIONS).where(_SESSIONS.c.id == bindparam("id")))
_LIVING = _SESSIONS.c.ended_at.is_(None)


def change_step(change: SessionChange) -> Step:
    """Return the step that opens the session, or gives a living one its new secret and strength."""
    return lambda connection: _changed(connection, change)


def living_step(session: Session) -> Step:
    """Return the step that holds while nothing that the session hangs on has ended.

    The session's row is held until the commit: whoever ends the session, and undoes what it did, waits for us.
    """
    held = select(_SESSIONS.c.id).where(_SESSIONS.c.id == session.id).with_for_update(read=True)

    def take(connection: Connection) -> bool:
        connection.execute(held).all()
        return first_cut_within(connection, session.ties) is None

    return take


def end_all_step(person: str, *, keep: str | None, reason: str, at: datetime) -> Step:
    """Return the step that ends every session of a person but one."""

    def take(connection: Connection) -> bool:
        _end(connection, _living_of(connection, person, keep), reason=reason, at=at)
        return True

    return take


class DatabaseSessionStore:
    """`sso.signin.ports.SessionStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, change: SessionChange) -> bool:
        """Open or change a session; False when the one to change is over."""
        return commit(self._database, [change_step(change)])

    def find_by_digest(self, digest: bytes) -> Session | None:
        """Return the session of this secret, or None when there is none or one of its ties is cut."""
        return self._find(_BY_DIGEST, {"digest": digest})

    def find(self, session_id: str) -> Session | None:
        """Return the session, or None when there is none or one of its ties is cut."""
        return self._find(_BY_ID, {"id": session_id})

    def touch(self, session_id: str, at: datetime) -> None:
        """Note that the session was used."""
        statement = update(SessionRow).where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
        with self._database.begin() as connection:
            connection.execute(statement.values(last_seen_at=moment_text(at)))

    def of(self, person: str) -> Sequence[Session]:
        """Return the sessions of a person that were not ended, newest first, whether or not they still live."""
        statement = select(_SESSIONS).where(_SESSIONS.c.person == person, _LIVING).order_by(_SESSIONS.c.id.desc())
        with self._database.connect() as connection:
            return tuple(_session(row) for row in connection.execute(statement))

    def end(self, session_id: str, person: str, *, reason: str, at: datetime) -> bool:
        """End one session of a person; False when the person has no such session or it was ended before."""
        owned = select(_SESSIONS.c.id).where(_SESSIONS.c.id == session_id, _SESSIONS.c.person == person)
        with self._database.begin() as connection:
            found = connection.execute(owned).scalar()
            return found is not None and _end(connection, [found], reason=reason, at=at) == 1

    def end_all(self, person: str, *, keep: str | None, reason: str, at: datetime) -> int:
        """End every session of a person but `keep`; return how many."""
        with self._database.begin() as connection:
            return _end(connection, _living_of(connection, person, keep), reason=reason, at=at)

    def end_expired(self, *, idle: timedelta, now: datetime) -> int:
        """End up to a batch of sessions whose life or longest pause is over; return how many."""
        over = or_(_SESSIONS.c.expires_at <= moment_text(now), _SESSIONS.c.last_seen_at <= moment_text(now - idle))
        with self._database.begin() as connection:
            due = connection.execute(select(_SESSIONS.c.id).where(_LIVING, over).limit(_BATCH)).scalars().all()
            return _end(connection, due, reason="expired", at=now)

    def _find(self, statement: Prepared, values: dict[str, Any]) -> Session | None:
        with self._database.connect() as connection:
            row = statement.first(connection, values)
            session = None if row is None else _session(row)
            return None if session is None or first_cut_within(connection, session.ties) else session


def _changed(connection: Connection, change: SessionChange) -> bool:
    session = change.session
    values: dict[str, object] = {
        "secret_digest": change.digest,
        "strength": session.strength.value,
        "methods": " ".join(session.methods),
        "auth_time": moment_text(session.auth_time),
        "last_seen_at": moment_text(session.last_seen_at),
    }
    if not change.opens:
        if first_cut_within(connection, session.ties):
            return False
        mine = and_(_SESSIONS.c.id == session.id, _SESSIONS.c.person == session.person, _LIVING)
        return bool(connection.execute(update(_SESSIONS).where(mine).values(values)).rowcount == 1)
    values |= {
        "id": session.id,
        "person": session.person,
        "person_epoch": session.person_epoch,
        "created_at": moment_text(session.created_at),
        "expires_at": moment_text(session.expires_at),
        "client": session.client,
        "ended_at": None,
    }
    connection.execute(insert(_SESSIONS).values(values))
    return True


def _living_of(connection: Connection, person: str, keep: str | None) -> Sequence[str]:
    """Return the living sessions but one, locked in one order with it: of two who end them, none waits in a ring."""
    statement = select(_SESSIONS.c.id).where(_SESSIONS.c.person == person, _LIVING).order_by(_SESSIONS.c.id)
    return [found for found in connection.execute(statement.with_for_update()).scalars() if found != keep]


def _end(connection: Connection, sessions: Iterable[str], *, reason: str, at: datetime) -> int:
    """End those that live and cut their ties; return how many lived."""
    ended = [
        session
        for session in sorted(sessions)
        if connection.execute(
            update(_SESSIONS).where(_SESSIONS.c.id == session, _LIVING).values(ended_at=moment_text(at))
        ).rowcount
        == 1
    ]
    cut_within(connection, [Tie(TieKind.SESSION, session) for session in ended], reason=reason, at=at)
    return len(ended)


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        person=row.person,
        person_epoch=row.person_epoch,
        strength=Strength(row.strength),
        methods=tuple(Method(name) for name in row.methods.split()),
        auth_time=moment_of(row.auth_time),
        created_at=moment_of(row.created_at),
        last_seen_at=moment_of(row.last_seen_at),
        expires_at=moment_of(row.expires_at),
        client=row.client,
        ended_at=moment_of(row.ended_at) if row.ended_at else None,
    )
