"""Presences and what else happened at counters, in the database. Codes are kept as their SHA-256 only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from sso.passing.domain import Event, EventKind, Presence, PresenceMethod
from sso.passing.store.tables import EVENTS, PRESENCES
from sso.revocation.store import first_cut_within
from sso.signin.domain import Strength
from sso.signin.store.work import hold_name
from trust.db import Database
from trust.prepared import Prepared

_BY_DIGEST = Prepared(select(PRESENCES).where(PRESENCES.c.digest == bindparam("digest")))
_NOTE = Prepared(insert(EVENTS))
_EVENT_COLUMNS = tuple(column.name for column in EVENTS.columns)
_PRESENCE_COLUMNS = tuple(column.name for column in PRESENCES.columns if column.name not in {"digest", "used_at"})
_PRESENCE_MOMENTS = ("at", "expires_at", "auth_time")


class SqlPresences:
    """Keeps presences and events; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, presence: Presence, digest: bytes, event: Event | None = None) -> None:
        """Keep a presence, with the event that the citizen sees; earlier unused codes of its session are void."""
        values = {name: getattr(presence, name) for name in _PRESENCE_COLUMNS}
        values |= {name: values[name].isoformat() for name in _PRESENCE_MOMENTS}
        values |= {"strength": presence.strength.value, "methods": " ".join(presence.methods), "digest": digest}
        earlier = update(PRESENCES).where(PRESENCES.c.session == presence.session, PRESENCES.c.used_at.is_(None))
        with self._database.begin() as connection:
            if presence.session is not None:
                hold_name(connection, f"sso_presences:{presence.session}")  # of two made at once the later one is good
                connection.execute(earlier.values(used_at=presence.at.isoformat()))
            connection.execute(insert(PRESENCES), values)
            if event is not None:
                _NOTE.run(connection, _event_values(event))

    def void(self, digest: bytes, *, session: str, at: datetime) -> None:
        """Make an unused code of a session unusable."""
        mine = update(PRESENCES).where(PRESENCES.c.digest == digest, PRESENCES.c.session == session)
        with self._database.begin() as connection:
            connection.execute(mine.where(PRESENCES.c.used_at.is_(None)).values(used_at=at.isoformat()))

    def find(self, digest: bytes) -> Presence | None:
        """Return an unused presence by the digest of its code, or None; the caller asks whether it is in time."""
        with self._database.connect() as connection:
            presence, used = presence_within(connection, digest)
        return None if used else presence

    def take(self, digest: bytes, *, method: PresenceMethod, at: datetime) -> Presence | None:
        """Use up an unused presence of this method and return it, or None; the caller asks whether it is in time.

        One that hangs on a session or person that has ended counts for nothing.
        """
        unused = update(PRESENCES).where(
            PRESENCES.c.digest == digest, PRESENCES.c.method == method.value, PRESENCES.c.used_at.is_(None)
        )
        with self._database.begin() as connection:
            taken = connection.execute(unused.values(used_at=at.isoformat())).rowcount == 1
            presence, _ = presence_within(connection, digest)
            if presence is None or not taken or first_cut_within(connection, presence.ties):
                return None
            return presence

    def note(self, event: Event) -> None:
        """Keep an event."""
        with self._database.begin() as connection:
            _NOTE.run(connection, _event_values(event))

    def failures(self, *, person: str, since: datetime, clerk: str | None = None, system: str | None = None) -> int:
        """Return how often a clerk, or a system, failed to show this person's presence since then."""
        by = EVENTS.c.clerk == clerk if system is None else EVENTS.c.system == system
        query = select(func.count()).where(
            EVENTS.c.person == person,
            by,
            EVENTS.c.kind == EventKind.PRESENCE_FAILED.value,
            EVENTS.c.at >= since.isoformat(),
        )
        with self._database.connect() as connection:
            return connection.execute(query).scalar_one()

    def about(self, person: str, *, before: datetime | None = None, limit: int) -> tuple[Event, ...]:
        """Return the newest events about a person, before a moment."""
        query = select(EVENTS).where(EVENTS.c.person == person)
        if before is not None:
            query = query.where(EVENTS.c.at < before.isoformat())
        with self._database.connect() as connection:
            return tuple(
                map(_event, connection.execute(query.order_by(EVENTS.c.at.desc(), EVENTS.c.id.desc()).limit(limit)))
            )

    def forget(self, before: datetime) -> int:
        """Delete presences that expired before then and were never exchanged; return how many."""
        over = delete(PRESENCES).where(PRESENCES.c.expires_at < before.isoformat(), PRESENCES.c.used_at.is_(None))
        with self._database.begin() as connection:
            return connection.execute(over).rowcount


def presence_within(connection: Connection, digest: bytes) -> tuple[Presence | None, bool]:
    """Return the presence of a code and whether it was used, read inside another unit of work."""
    row = _BY_DIGEST.first(connection, {"digest": digest})
    return (None, False) if row is None else (_presence(row), row.used_at is not None)


def _presence(row: Row[Any]) -> Presence:
    values = {name: getattr(row, name) for name in _PRESENCE_COLUMNS}
    moments = {name: datetime.fromisoformat(values[name]) for name in _PRESENCE_MOMENTS}
    return Presence(
        **{
            **values,
            **moments,
            "method": PresenceMethod(values["method"]),
            "strength": Strength(values["strength"]),
            "methods": tuple(values["methods"].split()),
        }
    )


def _event_values(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _EVENT_COLUMNS} | {"at": event.at.isoformat()}


def _event(row: Row[Any]) -> Event:
    values = dict(row._mapping)  # noqa: SLF001  the public name of this attribute
    method = values["method"]
    return Event(
        **{
            **values,
            "kind": EventKind(values["kind"]),
            "at": datetime.fromisoformat(values["at"]),
            "method": None if method is None else PresenceMethod(method),
        }
    )
