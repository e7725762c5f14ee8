"""Clients in the database."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import LargeBinary, Row, String, Text, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from sso.provider.domain import (
    Client,
    ClientAuthentication,
    RelyingSystem,
    SecretDigest,
    parse_scopes,
    scopes_text,
)
from sso.provider.errors import ResourceTaken
from trust.db import Base, Database
from trust.kernel.clock import kept_moment
from trust.kernel.identifiers import Uscc
from trust.prepared import Prepared


class ClientRow(Base):
    """One registered client. Moments are ISO 8601 text in UTC: the same in SQLite and PostgreSQL, zone included.

    `relying` is the registration for sign-in as JSON; `resource` stands in it too, here to be found and to be unique.
    """

    __tablename__ = "sso_clients"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    authority: Mapped[str] = mapped_column(String(18), index=True)
    scopes: Mapped[str] = mapped_column(String(200))
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[str] = mapped_column(String(32))
    disabled_at: Mapped[str | None] = mapped_column(String(32))
    relying: Mapped[str | None] = mapped_column(Text)
    resource: Mapped[str | None] = mapped_column(String(200), unique=True, index=True)


_PARSED: Final = 512
"""Rows whose meaning is remembered, a province's at 3 KiB each: what a row says, never that it still says it."""

# Asked at every call of the API: made once, on the table instead of the mapped class.
_CLIENTS = Base.metadata.tables["sso_clients"]
_BY_ID = Prepared(select(_CLIENTS).where(_CLIENTS.c.id == bindparam("id")))
_BY_RESOURCE = Prepared(select(_CLIENTS).where(_CLIENTS.c.resource == bindparam("resource")))


class DatabaseClientStore:
    """A `ClientStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, client: Client, secret: SecretDigest) -> None:
        """Keep a new client. Raises `ResourceTaken`."""
        row = ClientRow(
            id=client.id,
            authority=str(client.authority),
            secret_digest=secret.value,
            created_at=client.created_at.isoformat(),
            disabled_at=client.disabled_at and client.disabled_at.isoformat(),
            **changeable(client),
        )
        with unique_resource(), self._database.write() as session:
            session.add(row)

    def find(self, client_id: str) -> Client | None:
        """Return the client, or None."""
        found = self.find_with_secret(client_id)
        return found and found[0]

    def find_resource(self, resource: str) -> Client | None:
        """Return the client that tokens with this audience are for, or None."""
        row = self._database.first(_BY_RESOURCE, {"resource": resource})
        return None if row is None else client_of(row)

    def find_with_secret(self, client_id: str) -> tuple[Client, SecretDigest] | None:
        """Return the client and the digest of its secret, or None."""
        row = self._database.first(_BY_ID, {"id": client_id})
        return None if row is None else (client_of(row), SecretDigest(row.secret_digest))

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
            return tuple(client_of(row) for row in session.scalars(select(ClientRow).order_by(ClientRow.id)))


@contextmanager
def unique_resource() -> Iterator[None]:
    """Translate the breach of the one unique column of clients. Raises `ResourceTaken`."""
    try:
        yield
    except IntegrityError:
        raise ResourceTaken(field="resource") from None


def changeable(client: Client) -> dict[str, Any]:
    """Return the columns that a change of the registration may change."""
    return {
        "label": client.label,
        "scopes": scopes_text(client.scopes),
        "relying": None if client.relying is None else relying_text(client.relying),
        "resource": client.relying.resource or None if client.relying is not None else None,
    }


def relying_text(relying: RelyingSystem) -> str:
    """Return a registration as a row keeps it."""
    values = asdict(relying)
    for name in ("pass_to", "matters", "types"):
        values[name] = sorted(values[name])
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def relying_of(text: str) -> RelyingSystem:
    """Return the registration that `relying_text` wrote."""
    values = json.loads(text)
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        values[name] = tuple(values[name])
    for name in ("pass_to", "matters", "types"):
        values[name] = frozenset(values[name])
    values["authentication"] = ClientAuthentication(values["authentication"])
    return RelyingSystem(**values)


def client_of(row: ClientRow | Row[Any]) -> Client:
    """Return the client that a row of the table, or a join with it, holds."""
    return _client(row.id, row.label, row.authority, row.scopes, row.created_at, row.disabled_at, row.relying)


@lru_cache(_PARSED)
def _client(
    client_id: str,
    label: str,
    authority: str,
    scopes: str,
    created_at: str,
    disabled_at: str | None,
    relying: str | None,
) -> Client:
    return Client(
        id=client_id,
        label=label,
        authority=Uscc.parse(authority),
        scopes=parse_scopes(scopes),
        created_at=datetime.fromisoformat(created_at),
        disabled_at=kept_moment(disabled_at),
        relying=relying_of(relying) if relying else None,
    )
