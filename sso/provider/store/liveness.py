"""Whether what a token hangs on is alive: its client and its ties, in one round trip to the database."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from sso.provider.domain import Client
from sso.provider.store.clients import client_of
from sso.revocation.domain import Tie
from trust.db import Base, Database

_CLIENTS = Base.metadata.tables["sso_clients"]
_TIES = Base.metadata.tables["sso_cut_ties"]
_CUT = select(_TIES.c.tie).where(_TIES.c.tie.in_(bindparam("ties", expanding=True))).limit(1).scalar_subquery()
_STATE = select(_CLIENTS, _CUT.label("cut")).where(_CLIENTS.c.id == bindparam("id"))


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
        with self._database.connect() as connection:
            row = connection.execute(_STATE, {"id": client_id, "ties": [str(tie) for tie in ties]}).first()
        if row is None:
            return None
        return Liveness(client=client_of(row), cut=None if row.cut is None else Tie.parse(row.cut))
