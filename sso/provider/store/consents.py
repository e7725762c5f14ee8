"""What persons have allowed clients, in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, String, Text, UniqueConstraint, bindparam, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from sso.provider.domain import parse_scopes, scopes_text
from sso.provider.grants import CONSENT_DAYS, Consent
from sso.provider.store import grants
from sso.revocation.store import cut_within
from trust.db import Base, Database
from trust.prepared import Prepared
from trust.upserts import insert_into

_NO_MATTER = ""  # a unique constraint does not hold over NULL


class ConsentRow(Base):
    """What one person allows one client in one matter. The moment is ISO 8601 text in UTC."""

    __tablename__ = "sso_consents"
    __table_args__ = (UniqueConstraint("person", "client", "matter"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person: Mapped[str] = mapped_column(String(26))
    client: Mapped[str] = mapped_column(String(26))
    matter: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(200))
    given_at: Mapped[str] = mapped_column(String(32))
    types: Mapped[str | None] = mapped_column(Text)  # null: from a release that kept none, so they are asked for again


_CONSENTS = Base.metadata.tables["sso_consents"]
_ONE = select(_CONSENTS).where(
    _CONSENTS.c.person == bindparam("by"),
    _CONSENTS.c.client == bindparam("to"),
    _CONSENTS.c.matter == bindparam("about"),
)
_FIND, _HOLD = Prepared(_ONE), Prepared(_ONE.with_for_update())


def remember_within(connection: Connection, consent: Consent) -> None:
    """Keep a consent inside another store's unit of work: what was allowed before and is still good stays allowed.

    What was allowed before is held until the commit: who takes it back waits for us, and finds our grant to cut.
    """
    matter = consent.matter or _NO_MATTER
    found = _HOLD.first(connection, {"by": consent.person, "to": consent.client, "about": matter})
    before = None if found is None or _consent(found).expires_at <= consent.given_at else _consent(found)
    if before is not None and consent.scopes <= before.scopes and consent.types <= before.types:
        return  # nothing new: the first moment stands, so that a consent is asked for again in time
    row = {
        "id": consent.id,
        "person": consent.person,
        "client": consent.client,
        "matter": matter,
        "scopes": scopes_text(consent.scopes | (before.scopes if before else frozenset())),
        "given_at": consent.given_at.isoformat(),
        "types": " ".join(sorted(consent.types | (before.types if before else frozenset()))),
    }
    changes = {name: row[name] for name in ("scopes", "given_at", "types")}
    insert = insert_into(connection, _CONSENTS)
    connection.execute(insert.on_conflict_do_update(index_elements=["person", "client", "matter"], set_=changes), row)


class DatabaseConsentStore:
    """A `ConsentStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remembered(self, person: str, client: str, matter: str | None) -> Consent | None:
        """Return the consent, or None."""
        row = self._database.first(_FIND, {"by": person, "to": client, "about": matter or _NO_MATTER})
        return None if row is None else _consent(row)

    def of(self, person: str) -> Sequence[Consent]:
        """Return all consents of a person, newest first."""
        statement = select(_CONSENTS).where(_CONSENTS.c.person == person).order_by(_CONSENTS.c.given_at.desc())
        with self._database.connect() as connection:
            return tuple(_consent(row) for row in connection.execute(statement))

    def withdraw(self, consent_id: str, person: str, at: datetime) -> bool:
        """Forget the consent and cut the ties of all grants that rest on it; False when the person has no such one."""
        mine = (_CONSENTS.c.id == consent_id, _CONSENTS.c.person == person)
        with self._database.begin() as connection:
            row = connection.execute(select(_CONSENTS).where(*mine)).first()
            if row is None:
                return False
            connection.execute(delete(_CONSENTS).where(*mine))
            ties = grants.ties_within(connection, person=person, client=row.client, matter=row.matter, now=at)
            cut_within(connection, ties, reason="consent-withdrawn", at=at)
        return True


def _consent(row: Row[Any]) -> Consent:
    given_at = datetime.fromisoformat(row.given_at)
    return Consent(
        id=row.id,
        person=row.person,
        client=row.client,
        matter=row.matter or None,
        scopes=parse_scopes(row.scopes),
        given_at=given_at,
        expires_at=given_at + timedelta(days=CONSENT_DAYS),
        types=frozenset((row.types or "").split()),
    )
