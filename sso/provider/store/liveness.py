"""Whether what a token hangs on is alive: its client and its ties, in one round trip to the database."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, select

from sso.provider.domain import Client
from sso.provider.store.clients import client_of
from sso.revocation.domain import Tie
from trust.db import Base, Database

_CLIENTS = Base.metadata.tables["sso_clients"]
_TIES = Base.metadata.tables["sso_cut_ties"]

_STEP: Final = 8
"""Ties are asked for in steps of so many, the rest repeated: a list of any length would be compiled at every use."""


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
        asked = [str(tie) for tie in ties] or [""]  # no tie is empty, so nothing is found for none
        asked += asked[:1] * (-len(asked) % _STEP)
        values = {f"tie{number}": tie for number, tie in enumerate(asked)}
        with self._database.connect() as connection:
            row = connection.execute(_state(len(asked)), {"id": client_id, **values}).first()
        if row is None:
            return None
        return Liveness(client=client_of(row), cut=None if row.cut is None else Tie.parse(row.cut))


@lru_cache
def _state(count: int) -> Select[Any]:
    among = _TIES.c.tie.in_([bindparam(f"tie{number}") for number in range(count)])
    cut = select(_TIES.c.tie).where(among).limit(1).scalar_subquery()
    return select(_CLIENTS, cut.label("cut")).where(_CLIENTS.c.id == bindparam("id"))
