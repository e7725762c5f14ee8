"""The shows of certificates in the database, and the digests of their codes."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, ForeignKey, LargeBinary, RowMapping, String, Table, delete, insert, select, update

from certs.showing import Show
from certs.store.tables import UtcMoment
from sso.revocation.domain import Tie
from trust.db import Base, Database

_ID: Final = String(26)
_BETWEEN: Final = "\n"  # no tie has a line end

SHOWS = Table(
    "certs_shows",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("identifier", String(128), nullable=False),
    Column("session", _ID, nullable=False),
    Column("ties", String(400), nullable=False),
    Column("ends_at", UtcMoment, nullable=False, index=True),
    Column("voided_at", UtcMoment, nullable=True),
)
CODES = Table(
    "certs_show_codes",
    Base.metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("show", _ID, ForeignKey(SHOWS.c.id), nullable=False, index=True),
    Column("expires_at", UtcMoment, nullable=False),
)


class SqlShows:
    """Implements `certs.showing.ShowStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, show: Show) -> None:
        """Keep a new show."""
        with self._database.begin() as connection:
            connection.execute(
                insert(SHOWS).values(
                    id=show.id,
                    identifier=show.identifier,
                    session=show.session,
                    ties=_BETWEEN.join(sorted(str(tie) for tie in show.ties)),
                    ends_at=show.ends_at,
                    voided_at=show.voided_at,
                )
            )

    def find(self, show_id: str) -> Show | None:
        """Return a show, or None."""
        with self._database.connect() as connection:
            row = connection.execute(select(SHOWS).where(SHOWS.c.id == show_id)).mappings().first()
        return None if row is None else _show(row)

    def add_code(self, show_id: str, digest: bytes, *, expires_at: datetime, now: datetime) -> bool:
        """Keep the digest of a code and drop those of the show that expired; False when the show is over at `now`.

        The row of the show is locked meanwhile: a code is never made after the show was voided.
        """
        with self._database.begin() as connection:
            row = connection.execute(select(SHOWS).where(SHOWS.c.id == show_id).with_for_update()).mappings().first()
            if row is None or not _show(row).goes_on(now):
                return False
            connection.execute(delete(CODES).where(CODES.c.show == show_id, CODES.c.expires_at <= now))
            connection.execute(insert(CODES).values(digest=digest, show=show_id, expires_at=expires_at))
            return True

    def by_code(self, digest: bytes, *, now: datetime) -> Show | None:
        """Return the show of a code that has not expired, or None."""
        query = select(SHOWS).join(CODES, CODES.c.show == SHOWS.c.id)
        query = query.where(CODES.c.digest == digest, CODES.c.expires_at > now)
        with self._database.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _show(row)

    def void(self, show_id: str, *, at: datetime) -> None:
        """End a show; the first time stands."""
        with self._database.begin() as connection:
            connection.execute(
                update(SHOWS).where(SHOWS.c.id == show_id, SHOWS.c.voided_at.is_(None)).values(voided_at=at)
            )

    def forget(self, *, before: datetime) -> int:
        """Delete the shows that ended before a moment, with their codes; return how many."""
        over = select(SHOWS.c.id).where(SHOWS.c.ends_at < before)
        with self._database.begin() as connection:
            connection.execute(delete(CODES).where(CODES.c.show.in_(over)))
            return connection.execute(delete(SHOWS).where(SHOWS.c.ends_at < before)).rowcount


def _show(row: RowMapping) -> Show:
    ties = frozenset(Tie.parse(text) for text in row["ties"].split(_BETWEEN) if text)
    return Show(
        id=row["id"],
        identifier=row["identifier"],
        session=row["session"],
        ties=ties,
        ends_at=row["ends_at"],
        voided_at=row["voided_at"],
    )
