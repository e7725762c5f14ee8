"""The order in which certificates came into the library, for whoever compares it with the ledger of key uses."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from certs.domain import Action
from certs.store.tables import TRANSITIONS
from trust.db import Database


class SqlIssues:
    """Lists issued certificates by the number of the row that took them in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issued_after(self, number: int, *, until: datetime, limit: int) -> Sequence[tuple[int, str]]:
        """Return number and identifier of the next certificates that were issued before `until`, in order.

        Rows of transactions that overlap may become visible out of order; `until` keeps those out.
        """
        query = (
            select(TRANSITIONS.c.id, TRANSITIONS.c.identifier, TRANSITIONS.c.at)
            .where(TRANSITIONS.c.id > number, TRANSITIONS.c.action == Action.ISSUE)
            .order_by(TRANSITIONS.c.id)
            .limit(limit)
        )
        found = []
        with self._database.connect() as connection:
            for place, identifier, at in connection.execute(query):
                if at >= until:
                    break
                found.append((place, identifier))
        return found
