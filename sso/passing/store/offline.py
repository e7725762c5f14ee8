"""Offline assertions in the database: planned when they are made, a hop once their use is reported."""

import json
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from sso.passing.domain import Hop
from sso.passing.store.hops import add_hop_within, hop_of, hop_values
from sso.passing.store.tables import ASSERTIONS
from trust.db import Database

_BY_ID = select(ASSERTIONS).where(ASSERTIONS.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An assertion with the hop that its use will be."""

    id: str
    client: str
    target: str
    hop: Hop


class SqlAssertions:
    """Keeps offline assertions; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, planned: Planned) -> None:
        """Keep an assertion that is about to be signed."""
        values = {"id": planned.id, "client": planned.client, "target": planned.target}
        with self._database.begin() as connection:
            connection.execute(insert(ASSERTIONS), {**values, "planned": json.dumps(hop_values(planned.hop))})

    def find(self, assertion: str) -> Planned | None:
        """Return an assertion, or None."""
        with self._database.connect() as connection:
            row = connection.execute(_BY_ID, {"id": assertion}).first()
        if row is None:
            return None
        return Planned(id=row.id, client=row.client, target=row.target, hop=hop_of(json.loads(row.planned)))

    def reconcile(self, assertion: str, hop: Hop) -> bool:
        """Keep the hop of a use, in one commit with the assertion's end; False when it was reported before."""
        unused = update(ASSERTIONS).where(ASSERTIONS.c.id == assertion, ASSERTIONS.c.hop.is_(None))
        with self._database.begin() as connection:
            if connection.execute(unused.values(hop=hop.id)).rowcount != 1:
                return False
            add_hop_within(connection, hop)
            return True
