"""Clients in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, Row, String, bindparam, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sso.provider.domain import Client, SecretDigest, parse_scopes, scopes_text
from trust.db import Base, Database
from trust.kernel.identifiers import Uscc


class ClientRow(Base):
    """One registered client. Moments are ISO 8601 text in UTC: the same in SQLite and PostgreSQL, zone included."""

    __tablename__ = "sso_clients"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    authority: Mapped[str] = mapped_column(String(18), index=True)
    scopes: Mapped[str] = mapped_column(String(200))
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[str] = mapped_column(String(32))
    disabled_at: Mapped[str | None] = mapped_column(String(32))


# Asked at every call of the API: made once, on the table instead of the mapped class.
_CLIENTS = Base.metadata.tables["sso_clients"]
_BY_ID = select(_CLIENTS).where(_CLIENTS.c.id == bindparam("id"))


class DatabaseClientStore:
    """A `ClientStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, client: Client, secret: SecretDigest) -> None:
        """Keep a new client."""
        row = ClientRow(
            id=client.id,
            label=client.label,
            authority=str(client.authority),
            scopes=scopes_text(client.scopes),
            secret_digest=secret.value,
            created_at=client.created_at.isoformat(),
            disabled_at=client.disabled_at and client.disabled_at.isoformat(),
        )
        with self._database.write() as session:
            session.add(row)

    def find(self, client_id: str) -> Client | None:
        """Return the client, or None."""
        found = self.find_with_secret(client_id)
        return found and found[0]

    def find_with_secret(self, client_id: str) -> tuple[Client, SecretDigest] | None:
        """Return the client and the digest of its secret, or None."""
        with self._database.connect() as connection:
            row = connection.execute(_BY_ID, {"id": client_id}).first()
        return None if row is None else (_client(row), SecretDigest(row.secret_digest))

    def replace_secret(self, client_id: str, secret: SecretDigest) -> None:
        """Exchange the secret of an existing client."""
        with self._database.write() as session:
            session.execute(update(ClientRow).where(ClientRow.id == client_id).values(secret_digest=secret.value))

    def disable(self, client_id: str, moment: datetime) -> None:
        """Disable an existing client, unless it already is: the first moment stands."""
        statement = update(ClientRow).where(ClientRow.id == client_id, ClientRow.disabled_at.is_(None))
        with self._database.write() as session:
            session.execute(statement.values(disabled_at=moment.isoformat()))

    def clients(self) -> Sequence[Client]:
        """Return all clients, oldest first: their ids sort by time."""
        with self._database.read() as session:
            return tuple(_client(row) for row in session.scalars(select(ClientRow).order_by(ClientRow.id)))


def _client(row: ClientRow | Row[Any]) -> Client:
    return Client(
        id=row.id,
        label=row.label,
        authority=Uscc.parse(row.authority),
        scopes=parse_scopes(row.scopes),
        created_at=datetime.fromisoformat(row.created_at),
        disabled_at=datetime.fromisoformat(row.disabled_at) if row.disabled_at else None,
    )
