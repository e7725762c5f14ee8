"""The register of cut ties in the database."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, Select, String, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.revocation.domain import Tie
from trust.db import Base, Database, make_durable
from trust.prepared import Prepared
from trust.upserts import insert_into

KEPT: Final = timedelta(days=40)
"""How long a cut is kept: longer than anything lives that can carry the tie. By the bounds of the settings that is a
refresh token of 30 days in a session of 3. What is derived from a dead token is never made in the first place."""

_PRUNED_AT_ONCE: Final = 5_000
"""Rows deleted in one unit of work, some 30 ms for which other writers wait."""


class CutTieRow(Base):
    """One cut tie. The moment is ISO 8601 text in UTC."""

    __tablename__ = "sso_cut_ties"

    tie: Mapped[str] = mapped_column(String(80), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40))
    at: Mapped[str] = mapped_column(String(32), index=True)  # back-channel logout looks for the latest cuts


# Asked at every use of a token: made once, on the table instead of the mapped class.
_TIES = Base.metadata.tables["sso_cut_ties"]
_STEP: Final = 8
"""Ties are asked for in steps of so many, the rest repeated: a list of any length would be made ready at every use."""


def cut_within(unit: Session | Connection, ties: Collection[Tie], *, reason: str, at: datetime) -> None:
    """Cut ties inside another store's unit of work, so that a change of state and its revocation are one commit.

    That unit is on the disk when it ends, even if what it began with need not be: no revocation is ever lost.
    """
    rows = [{"tie": str(tie), "reason": reason, "at": at.isoformat()} for tie in sorted(set(ties))]
    if not rows:
        return
    connection = unit.connection() if isinstance(unit, Session) else unit
    make_durable(connection)
    connection.execute(insert_into(connection, _TIES).on_conflict_do_nothing(), rows)


def first_cut_within(connection: Connection, ties: Collection[Tie]) -> Tie | None:
    """Return one of `ties` that has been cut, read inside another store's unit of work."""
    values = asked_values(ties)
    found = _first_of(len(values)).first(connection, values) if ties else None
    return None if found is None else Tie.parse(found.tie)


def asked_values(ties: Collection[Tie]) -> dict[str, str]:
    """Return the values of `cut_among(len(values))` for these ties."""
    asked = [str(tie) for tie in ties] or [""]  # no tie is empty, so nothing is found for none
    asked += asked[:1] * (-len(asked) % _STEP)
    return {f"tie{number}": tie for number, tie in enumerate(asked)}


def cut_among(count: int) -> Select[tuple[str]]:
    """Return the question for one cut tie among `count`, for a statement that another store makes ready."""
    return select(_TIES.c.tie).where(_TIES.c.tie.in_([bindparam(f"tie{each}") for each in range(count)])).limit(1)


@lru_cache
def _first_of(count: int) -> Prepared:
    return Prepared(cut_among(count))


class DatabaseRevocations:
    """`sso.revocation.domain.Revocations` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cut(self, ties: Collection[Tie], *, reason: str, at: datetime) -> None:
        """Cut the ties in one commit."""
        with self._database.begin() as connection:
            cut_within(connection, ties, reason=reason, at=at)

    def first_cut(self, ties: Collection[Tie]) -> Tie | None:
        """Return one of `ties` that has been cut, or None."""
        with self._database.connect() as connection:
            return first_cut_within(connection, ties)

    def prune(self, now: datetime) -> int:
        """Forget cuts that nothing living can carry any more, `_PRUNED_AT_ONCE` at most; return how many."""
        old = select(_TIES.c.tie).where(_TIES.c.at < (now - KEPT).isoformat()).limit(_PRUNED_AT_ONCE)
        with self._database.begin() as connection:
            return connection.execute(delete(_TIES).where(_TIES.c.tie.in_(old.scalar_subquery()))).rowcount
