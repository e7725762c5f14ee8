"""What may be used once: ids of client assertions (RFC 7523) and of DPoP proofs (RFC 9449), kept until they expire.

The unique key of the table decides between two requests that bring the same id at once, in whichever processes.
"""

import hashlib
from datetime import datetime

from sqlalchemy import LargeBinary, String, delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database


class UsedIdRow(Base):
    """One id that was used, as a digest: ids are chosen by others and have any length."""

    __tablename__ = "sso_used_ids"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[str] = mapped_column(String(32), index=True)


_USED = Base.metadata.tables["sso_used_ids"]


class DatabaseReplay:
    """Remembers ids; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first_use(self, domain: str, *parts: str, until: datetime) -> bool:
        """Return whether this is the first use of the id that `parts` make up in `domain`, and remember it.

        `until` is the moment from which whatever carries the id is refused for its age anyhow.
        """
        text = "\x00".join((domain, *(part.encode("utf-8", "replace").hex() for part in parts)))
        row = {"digest": hashlib.sha256(text.encode()).digest(), "expires_at": until.isoformat()}
        try:
            with self._database.begin() as connection:
                connection.execute(insert(_USED), row)
        except IntegrityError:
            return False
        return True

    def prune(self, now: datetime) -> int:
        """Forget the ids that are refused for their age; return how many."""
        with self._database.begin() as connection:
            return connection.execute(delete(_USED).where(_USED.c.expires_at < now.isoformat())).rowcount
