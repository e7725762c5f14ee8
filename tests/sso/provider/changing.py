"""Changed registrations, kept as an approved application keeps them: outside of tests there is no other way (law 9)."""

from sqlalchemy import update

from sso.provider.domain import Client
from sso.provider.store.clients import ClientRow, changeable, unique_resource
from trust.db import Database


def keep_changed(database: Database, client: Client) -> Client:
    """Replace name, scopes and sign-in registration of an existing client. Raises `ResourceTaken`."""
    statement = update(ClientRow).where(ClientRow.id == client.id).values(**changeable(client))
    with unique_resource(), database.write() as session:
        session.execute(statement)
    return client
