"""Whether what a token hangs on is alive: its client and its ties, in one round trip to the database."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select

from sso.provider.domain import Client
from sso.provider.store.clients import client_of
from sso.revocation.domain import Tie
from sso.revocation.store import asked_values, cut_among
from trust.db import Base, Database
from trust.prepared import Prepared

_CLIENTS = Base.metadata.tables["sso_clients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """The client as it stands now, and one tie that has been cut, or None when all hold."""

    client: Client
    cut: Tie | None


class DatabaseLiveness:
    """Asked at every use of a person's token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, client_id: str, ties: Collection[Tie]) -> Liveness | None:
        """Return how client and ties stand, or None when there is no such client."""
        values = asked_values(ties)
        row = self._database.first(_state(len(values)), {"id": client_id, **values})
        if row is None:
            return None
        return Liveness(client=client_of(row), cut=None if row.cut is None else Tie.parse(row.cut))


@lru_cache
def _state(count: int) -> Prepared:
    cut = cut_among(count).scalar_subquery()
    return Prepared(select(_CLIENTS, cut.label("cut")).where(_CLIENTS.c.id == bindparam("id")))
